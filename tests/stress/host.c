/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Stress with an embedder: a kernel with guests in this process, and threads of
 * the process that make the calls of an embedder, of procfs and of statistics.
 *
 *   host swapoff OVERSUB MEM WS SWAP SECONDS SEED   (MiB)
 *	two swap areas, one of which is removed while the guest runs
 *   host storm STORMER MEM SWAP MS SEED PROCESSES READERS
 *	readers hold the vmspaces of processes that fork, exec, map, page and
 *	die, and read their memory, maps and counts; every word that is read
 *	must belong to the process
 *   host exit EAT MEM WS SWAP
 *	a process with WS resident or in swap ends: its memory must be free
 *	before a parent waits for the process
 *   host window WINDOW SLOTS MIB
 *	a ring in a device window, in both directions, without copies; and a
 *	device whose faults fail
 *
 * Exit status 0: all checks passed.  Counts are printed to standard output.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/host.h"
#include "host/host_file.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "vm/vmspace.h"
#include "vmspace/vkernel.h"
#include "testrand.h"

#define MIB(n) ((uint64_t)(n) << 20)
#define ULL(x) ((unsigned long long)(x))

/* The same values as in tests/guest/stormer.c. */
#define TAG_SELF UINT64_C(0x700000000000)
#define TAG_BASE (TAG_SELF + 16 * PAGE_SIZE)
#define TAG_PAGES 64
#define TAG_MAGIC (UINT64_C(0x7a67) << 48)

static struct vkernel *k;

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	_exit(1);
}

/* A kernel with n areas of temporary files. */
static void
boot(uint64_t mem, const uint64_t *swap, size_t n)
{
	struct vkernel_swap area[4];
	struct vkernel_config cf = {
	    .mem = mem, .swap = area, .nswap = n, .log_level = 1};
	int error;

	memset(area, 0, sizeof(area));
	for (size_t i = 0; i < n; i++) {
		area[i].kind = VKERNEL_SWAP_FILE;
		area[i].size = swap[i];
		area[i].name = "test";
		error = vkernel_swap_open(NULL, &area[i].size, &area[i].fd);
		if (error != 0)
			die("swap file: %s", strerror(error));
	}
	error = vkernel_create(&cf, &k);
	if (error != 0)
		die("kernel: %s", strerror(error));
	for (size_t i = 0; i < n; i++)
		host_close(area[i].fd);
}

static int
spawn(const char *path, const char *const *argv)
{
	static const char *const envp[] = {"GUEST_INSIDE=1", NULL};
	struct vkernel_spawn sp = {.path = path, .argv = argv, .envp = envp};
	int pid, error = vkernel_spawn(k, &sp, &pid);

	if (error != 0)
		die("%s: %s", path, strerror(error));
	return (pid);
}

static void
finish(int pid)
{
	uint64_t leaks = 0;
	int status;

	if (vkernel_wait(k, pid, &status) != 0 || status != 0)
		die("the guest ended with status %x", (unsigned)status);
	vkernel_destroy_check(k, &leaks);
	if (leaks != 0)
		die("%llu leaks", ULL(leaks));
}

/* ---- swapoff ---- */

static int
main_swapoff(char **av)
{
	const uint64_t swap[2] = {
	    MIB(atoi(av[5])) / 2, MIB(atoi(av[5])) + MIB(atoi(av[4]))};
	const char *const argv[] = {av[2], av[4], av[6], av[7], NULL};
	struct vkernel_stat st;
	unsigned refused = 0;
	int pid, error;

	boot(MIB(atoi(av[3])), swap, 2);
	pid = spawn(av[2], argv);
	host_sleep_ns((uint64_t)atoi(av[6]) * UINT64_C(400000000));
	vkernel_stat(k, &st);
	if (st.swap_used == 0)
		die("no page is in swap");
	while ((error = vkernel_swapoff(k, 1)) == ENOMEM || error == EAGAIN) {
		if (++refused == 200)
			die("swapoff was refused too often");
		host_sleep_ns(UINT64_C(50000000));
	}
	if (error != 0)
		die("swapoff: %s", strerror(error));
	vkernel_stat(k, &st);
	if (st.swap_size != swap[1])
		die("the removed area still exists");
	if (st.swap_used == 0)
		die("the guest ended before the area was removed");
	printf("area 1 removed with %llu MiB in swap, refused %u times\n",
	    ULL(st.swap_used >> 20), refused);
	finish(pid);
	return (0);
}

/* ---- exit ---- */

static int
main_exit(char **av)
{
	const uint64_t swap[1] = {MIB(atoi(av[5]))};
	const char *const argv[] = {av[2], av[4], "0", NULL};
	uint64_t before, want = MIB(atoi(av[4]));
	struct vkernel_stat st;
	struct proc *p;
	int pid, status;
	bool zombie = false;

	boot(MIB(atoi(av[3])), swap, 1);
	/* Run once before, so that the cache of the program is filled. */
	pid = spawn(av[2], argv);
	if (vkernel_wait(k, pid, &status) != 0 || status != 0)
		die("status %x", (unsigned)status);
	vkernel_stat(k, &st);
	before = st.mem_free;
	pid = spawn(av[2], argv);
	p = proc_find_hold(k, pid);
	if (p == NULL)
		die("the process was not found");
	for (int i = 0; i < 60000 && !zombie; i++) {
		kmutex_lock(&p->lock);
		zombie = p->state == PROC_ZOMBIE;
		if (zombie && p->vmspace != NULL)
			die("a zombie has a vmspace");
		kmutex_unlock(&p->lock);
		host_sleep_ns(1000000);
	}
	if (!zombie)
		die("the process does not end");
	proc_drop(p);
	vkernel_stat(k, &st);
	/* The number of cached file pages of the program may have changed. */
	if (st.mem_free + MIB(2) < before)
		die("%llu bytes free before, %llu after", ULL(before),
		    ULL(st.mem_free));
	if (st.swap_used != 0)
		die("%llu bytes of swap are left", ULL(st.swap_used));
	if (st.vmspaces != 0)
		die("%llu vmspaces are left", ULL(st.vmspaces));
	printf("%llu MiB freed before wait (pages out %llu)\n", ULL(want >> 20),
	    ULL(st.swap_outs));
	finish(pid);
	return (0);
}

/* ---- window ---- */

/* The first page exists; faults on the others fail. */
static int
bad_fault(void *arg, uint64_t page, bool write, uint64_t *offset)
{
	(void)write;
	if (page != 0)
		return (EIO);
	*offset = *(uint64_t *)arg;
	return (0);
}

/* The embedder's part of tests/guest/window.c. */
static int
main_window(char **av)
{
	static const struct vkernel_device_ops bad = {.fault = bad_fault};
	const char *const argv[] = {av[2], av[3], av[4], NULL};
	size_t slots = (size_t)atoi(av[3]);
	uint64_t total = (uint64_t)atoi(av[4]), off, *w;
	struct vkernel_stat st;
	_Atomic(uint32_t) *state;
	char *buf;
	void *p;
	int pid;

	boot(MIB(16), NULL, 0);
	if (vkernel_window_create(
		k, "window", PAGE_SIZE + slots * MIB(1), &p) != 0 ||
	    vkernel_window_create(k, "window", 4096, &p) != EEXIST ||
	    vkernel_window_create(k, "null", 4096, &p) != EEXIST ||
	    vkernel_window_create(k, "a/b", 4096, &p) != EINVAL ||
	    vkernel_window_create(k, "huge", MIB(2048), &p) != ENOMEM)
		die("window");
	buf = p;
	if (vkernel_devmem_alloc(k, 4096, &off, &p) != 0 ||
	    vkernel_device_add(k, "bad", 4 * 4096, &bad, &off) != 0)
		die("device");
	if (vkernel_window_wake(k, "none", 0, 1) != ENOENT ||
	    vkernel_window_wake(k, "window", 2, 1) != EINVAL)
		die("wake");
	state = (void *)buf;
	pid = spawn(av[2], argv);
	for (uint64_t n = 0; n < total; n++) {
		size_t s = n % slots;

		for (int i = 0; atomic_load(&state[s]) != 1; i++) {
			if (i == 600000)
				die("the guest does not fill slot %zu", s);
			host_sleep_ns(100000);
		}
		w = (void *)(buf + PAGE_SIZE + s * MIB(1));
		for (size_t i = 0; i < MIB(1) / 8; i++)
			w[i] = ~w[i];
		atomic_store(&state[s], 2);
		if (vkernel_window_wake(k, "window", s * 4, 1) != 0)
			die("wake");
	}
	vkernel_stat(k, &st);
	/* No data went through the guest's own 16 MiB of memory. */
	if (st.cow > 64 || st.zfod > 1024)
		die("copies: %llu zero-filled, %llu copied", ULL(st.zfod),
		    ULL(st.cow));
	printf("%llu MiB each way, %llu pages copied on write\n", ULL(total),
	    ULL(st.cow));
	finish(pid);
	return (0);
}

/* ---- storm ---- */

struct reader {
	pthread_t t;
	uint64_t seed;
	uint64_t looks, pages, tagged, dead, long_holds;
};

static _Atomic(bool) stop;

static uint64_t
rnd(struct reader *r, uint64_t n)
{
	return (rnd_below(&r->seed, n));
}

/* The number in TAG_SELF, 0 if there is none. */
static uint64_t
self_of(struct vmspace *vm)
{
	uint64_t v = 0;

	if (copyin(vm, &v, TAG_SELF, sizeof(v)) != 0)
		return (0);
	if (v != 0 && (v & UINT64_C(0xffff) << 48) != TAG_MAGIC)
		die("TAG_SELF has %llx", ULL(v));
	return (v);
}

/*
 * Read a page, and the number of the process before and after it.  Numbers
 * grow, and a process has pages of its ancestors until it writes to them.  A
 * word is therefore zero, or a number that is at most the number read last.
 */
static void
look_page(struct reader *r, struct vmspace *vm)
{
	uint64_t page[PAGE_SIZE / 8], before = self_of(vm), after;
	vm_offset_t va = TAG_BASE + rnd(r, TAG_PAGES) * PAGE_SIZE;
	int error = copyin(vm, page, va, sizeof(page));

	if (error != 0 && error != EFAULT && error != ESRCH && error != ENOMEM)
		die("copyin: %s", strerror(error));
	after = self_of(vm);
	if (error != 0 || before == 0 || after == 0)
		return;
	r->pages++;
	for (unsigned i = 0; i < PAGE_SIZE / 8; i++) {
		if (page[i] == 0)
			continue;
		if ((page[i] & UINT64_C(0xffff) << 48) != TAG_MAGIC ||
		    page[i] > after)
			die("stale: word %u of %llx has %llx, the owner is "
			    "%llx",
			    i, ULL(va), ULL(page[i]), ULL(after));
		r->tagged += page[i] == after;
	}
}

static void
look_maps(struct vmspace *vm)
{
	struct vm_entry_info e;
	vm_offset_t va = 0;

	while (vmspace_entry_info(vm, va, &e) == 0) {
		if (e.start >= e.end || e.end <= va)
			die("entry %llx-%llx after %llx", ULL(e.start),
			    ULL(e.end), ULL(va));
		va = e.end;
	}
}

static void
look(struct reader *r, struct vmspace *vm)
{
	struct vmspace_stat st;

	for (uint64_t n = 1 + rnd(r, 8); n > 0; n--)
		look_page(r, vm);
	if (rnd(r, 4) == 0)
		look_maps(vm);
	if (rnd(r, 4) == 0) {
		vmspace_stat(vm, &st);
		(void)vmspace_anonymous_count(vm);
		(void)vmspace_swap_count(vm);
	}
}

/* Keep the hold until the process has ended: its vmspace must then be empty. */
static void
outlive(struct reader *r, struct proc *p, struct vmspace *vm)
{
	struct vmspace_stat st;

	for (int i = 0; !vm_life_exiting(&vm->life); i++) {
		if (atomic_load(&stop) || i == 2000)
			return; /* a long-lived process */
		host_sleep_ns(1000000);
	}
	/* Stage 1 (freeing of the memory) must end in spite of the hold. */
	for (int i = 0;; i++) {
		vmspace_stat(vm, &st);
		if (st.entries == 0 && st.anon == 0)
			break;
		if (i == 60000)
			die("the memory is not freed while a hold exists");
		host_sleep_ns(1000000);
	}
	if (self_of(vm) != 0)
		die("a dead vmspace still has memory");
	r->long_holds++;
	(void)p;
}

static void *
reader_main(void *arg)
{
	struct reader *r = arg;
	struct vmspace *vm;
	struct proc *p;
	int top;

	while (!atomic_load(&stop)) {
		kmutex_lock(&k->proctree);
		top = k->next_pid;
		kmutex_unlock(&k->proctree);
		/* Prefer young processes, which change most. */
		p = proc_find_hold(k, top - (int)rnd(r, 80));
		if (p == NULL)
			continue;
		vm = proc_vmspace_hold(p);
		if (vm == NULL)
			r->dead++;
		else {
			r->looks++;
			look(r, vm);
			if (rnd(r, 40) == 0)
				outlive(r, p, vm);
			vmspace_drop(vm);
		}
		proc_drop(p);
	}
	return (NULL);
}

static int
main_storm(char **av)
{
	const uint64_t swap[1] = {MIB(atoi(av[4]))};
	const char *const argv[] = {av[2], av[5], av[6], av[7], NULL};
	unsigned n = (unsigned)atoi(av[8]);
	struct reader *r = calloc(n, sizeof(*r));
	uint64_t looks = 0, pages = 0, tagged = 0, holds = 0;
	struct vkernel_stat st;
	int pid, status;

	boot(MIB(atoi(av[3])), swap, swap[0] != 0);
	pid = spawn(av[2], argv);
	for (unsigned i = 0; i < n; i++) {
		r[i].seed = strtoull(av[6], NULL, 0) + i * 977;
		pthread_create(&r[i].t, NULL, reader_main, &r[i]);
	}
	if (vkernel_wait(k, pid, &status) != 0 || status != 0)
		die("the guest ended with status %x", (unsigned)status);
	atomic_store(&stop, true);
	for (unsigned i = 0; i < n; i++) {
		pthread_join(r[i].t, NULL);
		looks += r[i].looks;
		pages += r[i].pages;
		tagged += r[i].tagged;
		holds += r[i].long_holds;
	}
	vkernel_stat(k, &st);
	printf("%llu processes, %llu visits, %llu pages read, %llu words "
	       "checked, %llu holds outlived the process, pages out "
	       "%llu\n",
	    ULL(st.procs_created), ULL(looks), ULL(pages), ULL(tagged),
	    ULL(holds), ULL(st.swap_outs));
	if (looks == 0 || pages == 0 || tagged == 0)
		die("the readers read no page");
	vkernel_destroy_check(k, &looks);
	if (looks != 0)
		die("%llu leaks", ULL(looks));
	free(r);
	return (0);
}

int
main(int ac, char **av)
{
	if (ac == 8 && strcmp(av[1], "swapoff") == 0)
		return (main_swapoff(av));
	if (ac == 9 && strcmp(av[1], "storm") == 0)
		return (main_storm(av));
	if (ac == 5 && strcmp(av[1], "window") == 0)
		return (main_window(av));
	if (ac == 6 && strcmp(av[1], "exit") == 0)
		return (main_exit(av));
	fprintf(stderr, "usage: see the head of tests/stress/host.c\n");
	return (2);
}
