/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The engine by itself: library, software pmap, one thread, warm frames; next
 * to each figure the host kernel doing the same job.
 *
 *   engine NAME [SWAPFILE]     prints "NAME VMSPACE_NS HOST_NS [MORE...]"
 *
 * Figures are for one operation or one page, in nanoseconds; one run of the
 * program is one sample (bench/engine/table.py takes medians over many).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/mman.h"
#include "host/host.h"
#include "host/host_file.h"
#include "machine/fake/pmap_soft.h"
#include "pmap/pmap.h"
#include "vm/pager/swap_pager.h"
#include "vm/map/vm_map_int.h"
#include "mem/vm_zone.h"
#include "vm/vmspace.h"
#include "vm/pageout/vm_pageout.h"

#ifdef HAVE_MIMALLOC
#include <mimalloc.h>
#endif

#define MIB(n) ((uint64_t)(n) << 20)
#define BASE ((vm_offset_t)0x100000000)
#define PG PAGE_SIZE
#define RW (VM_PROT_READ | VM_PROT_WRITE)

static struct vm_system sys;
static uint64_t t0;

static void
start(void)
{
	t0 = host_now_ns();
}

static double
each(uint64_t n)
{
	return ((double)(host_now_ns() - t0) / (double)n);
}

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "engine: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
must(int error, const char *what)
{
	if (error != 0) {
		errno = error;
		die(what);
	}
}

static void
boot(uint64_t mem)
{
	struct vm_system_config cf = {
	    .host = host_linux(), .mem = mem, .pmap_ops = &pmap_soft_ops};

	must(vm_system_init(&sys, &cf), "vm_system_init");
}

static struct vmspace *
space(uint64_t len)
{
	vm_offset_t at = BASE;
	struct vmspace *vm;

	must(vmspace_alloc(&sys, &vm), "vmspace_alloc");
	if (len != 0)
		must(vm_mmap(vm, &at, len, RW, VM_PROT_ALL,
			 VMM_FIXED | VMM_NORESERVE, NULL, 0),
		    "vm_mmap");
	return (vm);
}

/* Touch every page for writing, in order. */
static void
touch(struct vmspace *vm, uint64_t len)
{
	must(vm_fault_range(vm, BASE, len, VM_PROT_WRITE), "touch");
}

static void *
host_map(uint64_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return (p);
}

static void
host_touch(volatile char *p, uint64_t len)
{
	for (uint64_t i = 0; i < len; i += PG)
		p[i] = 1;
}

/* ---- small things ---- */

static void
bench_hold(void)
{
	struct vmspace *vm;
	_Atomic(uint64_t) word = 1;
	volatile uint64_t was;
	double ours;

	boot(MIB(1));
	vm = space(0);
	start();
	for (int i = 0; i < 2000000; i++) {
		vmspace_hold(vm);
		vmspace_drop(vm);
	}
	ours = each(2000000);
	/* The cost of two atomic additions that return the old value, and
	 * nothing else. */
	start();
	for (int i = 0; i < 2000000; i++) {
		was = atomic_fetch_add_explicit(&word, 2, memory_order_relaxed);
		was = atomic_fetch_sub_explicit(&word, 2, memory_order_release);
	}
	(void)was;
	printf("%.2f 0 %.2f\n", ours, each(2000000));
}

#define ZN 64

/* Bursts of 64, as a kernel allocates. */
static void
bench_zone(size_t size)
{
	void *p[ZN];
	struct vm_zone *z;
	double ours, libc, mi = 0;
	const int rounds = 50000;

	boot(MIB(1));
	must(vm_zone_create(sys.zones, "bench", size, 0, 0, NULL, NULL, 0, &z),
	    "zone");
#define BURST(get, put)                             \
	for (int r = 0; r < rounds; r++) {          \
		for (int i = 0; i < ZN; i++) {      \
			p[i] = get;                 \
			*(volatile char *)p[i] = 1; \
		}                                   \
		for (int i = ZN; i-- > 0;)          \
			put;                        \
	}
	BURST(zalloc(z), zfree(z, p[i]))
	start();
	BURST(zalloc(z), zfree(z, p[i]))
	ours = each((uint64_t)rounds * ZN);
	BURST(malloc(size), free(p[i]))
	start();
	BURST(malloc(size), free(p[i]))
	libc = each((uint64_t)rounds * ZN);
#ifdef HAVE_MIMALLOC
	BURST(mi_malloc(size), mi_free(p[i]))
	start();
	BURST(mi_malloc(size), mi_free(p[i]))
	mi = each((uint64_t)rounds * ZN);
#endif
	printf("%.2f %.2f %.2f\n", ours, libc, mi);
}

/* ---- maps ---- */

#define ROUNDS 200000

static void
bench_map(uint64_t nentries)
{
	struct vmspace *vm;
	vm_offset_t at;
	uint64_t rnd = 1;
	char *base, *q;
	double ours;

	boot(MIB(1));
	vm = space(0);
	for (uint64_t i = 0; i < nentries; i++) {
		at = BASE + i * 4 * PG;
		must(vm_mmap(vm, &at, PG, RW, VM_PROT_ALL,
			 VMM_FIXED | VMM_NORESERVE, NULL, 0),
		    "mmap");
	}
	start();
	for (int i = 0; i < ROUNDS; i++) {
		rnd = rnd * UINT64_C(6364136223846793005) + 1442695040888963407;
		at = BASE + (rnd >> 33) % nentries * 4 * PG + 2 * PG;
		must(vm_mmap(vm, &at, PG, VM_PROT_READ, VM_PROT_ALL,
			 VMM_FIXED | VMM_NORESERVE, NULL, 0),
		    "mmap");
		must(vm_munmap(vm, at, PG), "munmap");
	}
	ours = each(ROUNDS);
	base = mmap(NULL, nentries * 4 * PG, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		die("mmap");
	munmap(base, nentries * 4 * PG);
	for (uint64_t i = 0; i < nentries; i++)
		if (mmap(base + i * 4 * PG, PG, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			0) == MAP_FAILED)
			die("mmap");
	start();
	for (int i = 0; i < ROUNDS / 4; i++) {
		rnd = rnd * UINT64_C(6364136223846793005) + 1442695040888963407;
		q = base + (rnd >> 33) % nentries * 4 * PG + 2 * PG;
		if (mmap(q, PG, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			0) == MAP_FAILED)
			die("mmap");
		munmap(q, PG);
	}
	printf("%.1f %.1f\n", ours, each(ROUNDS / 4));
}

/* ---- faults, fork, exit ---- */

static void
bench_zero(void)
{
	const uint64_t len = MIB(256);
	struct vmspace *vm;
	double ours, zero, host;
	char *p, *q;

	boot(len + MIB(64));
	/* Warm frames: a fresh one is known to be zero and not written until
	 * its second use. */
	for (int i = 0; i < 2; i++) {
		vm = space(len);
		touch(vm, len);
		vmspace_free(vm);
	}
	vm = space(len);
	start();
	touch(vm, len);
	ours = each(len / PG);
	/* What zeroing alone costs, on the same frames. */
	p = vm_page_ptr(sys.phys, &sys.phys->pages[0]);
	start();
	for (uint64_t i = 0; i < len; i += 64 * PG)
		memset(p + i, 0, 64 * PG);
	zero = each(len / PG);
	q = host_map(len);
	start();
	host_touch(q, len);
	host = each(len / PG);
	printf("%.1f %.1f %.1f\n", ours, host, zero);
}

static void
bench_fork(uint64_t mib)
{
	const uint64_t len = MIB(mib);
	struct vmspace *vm, *c;
	double ours, host;
	char *q;
	pid_t pid;
	int st;

	boot(len + MIB(64));
	vm = space(len);
	touch(vm, len);
	must(vmspace_fork(vm, &c), "fork");
	vmspace_free(c);
	/* Written again: what a fork server does between two forks. */
	touch(vm, MIB(1));
	start();
	must(vmspace_fork(vm, &c), "fork");
	ours = each(1);
	vmspace_free(c);
	q = host_map(len);
	host_touch(q, len);
	start();
	pid = fork();
	if (pid == 0)
		_exit(0);
	host = each(1);
	waitpid(pid, &st, 0);
	printf("%.0f %.0f\n", ours, host);
}

static void
bench_first_fork(void)
{
	const uint64_t len = MIB(1024);
	struct vmspace *vm, *c;
	double ours;

	boot(len + MIB(64));
	vm = space(len);
	touch(vm, len);
	start();
	must(vmspace_fork(vm, &c), "fork");
	ours = each(1);
	printf("%.0f 0\n", ours);
}

static void
bench_exit(uint64_t mib)
{
	const uint64_t len = MIB(mib);
	struct vmspace *vm;
	double ours, host;
	char *q;

	boot(len + MIB(64));
	vm = space(len);
	touch(vm, len);
	start();
	vmspace_free(vm);
	ours = each(len / PG);
	q = host_map(len);
	host_touch(q, len);
	start();
	munmap(q, len);
	host = each(len / PG);
	printf("%.1f %.1f\n", ours, host);
}

#define TURNS 10000
#define TURNS_SHOWN 1000

/*
 * A process forks, both write, the child exits, over and over: time of a round
 * in the last thousand, and in the first; how deep the chain is and how many
 * frames are in use in the end.
 */
static void
bench_rounds(void)
{
	const uint64_t len = MIB(1);
	struct vm_object *o;
	struct vmspace *vm, *c;
	double first = 0, last;
	uint64_t frames;

	boot(MIB(64));
	vm = space(len);
	touch(vm, len);
	start();
	for (uint64_t i = 0; i < TURNS; i++) {
		if (i == TURNS - TURNS_SHOWN)
			start();
		must(vmspace_fork(vm, &c), "fork");
		must(copyout(vm, &i, BASE + i % (len / PG) * PG, sizeof(i)),
		    "copyout");
		must(copyout(c, &i, BASE + i % (len / PG) * PG, sizeof(i)),
		    "copyout");
		vmspace_free(c);
		if (i == TURNS_SHOWN - 1)
			first = each(TURNS_SHOWN);
	}
	last = each(TURNS_SHOWN);
	vm_map_lock_read(&vm->map);
	o = vm_map_first(&vm->map, BASE)->object;
	vm_map_unlock_read(&vm->map);
	frames = sys.phys->npages - atomic_load(&sys.phys->nfree);
	printf("%.1f 0 %.1f %u %llu\n", last, first, vm_object_chain_depth(o),
	    (unsigned long long)frames);
}

/* ---- swap ---- */

static unsigned
swap_file(const char *path, uint64_t size, int *fdp)
{
	struct swap_area_config cf = {
	    .kind = SWAP_FILE, .size = size, .name = "bench"};
	unsigned area;

	cf.fd = open(path, O_RDWR | O_CLOEXEC);
	if (cf.fd < 0)
		die(path);
	*fdp = dup(cf.fd);
	must(vm_swapon(&sys, &cf, &area), "swapon");
	return (area);
}

/* Pages that are neither zero nor alike. */
static void
scribble(struct vmspace *vm, uint64_t len)
{
	uint64_t x = 88172645463325252u, v[64];

	for (uint64_t at = 0; at < len; at += PG) {
		for (unsigned i = 0; i < 64; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			v[i] = x;
		}
		must(copyout(vm, v, BASE + at, sizeof(v)), "copyout");
	}
}

static void
bench_pageout(const char *path, enum swap_kind kind)
{
	const uint64_t len = MIB(512);
	struct swap_area_config cf = {
	    .kind = kind, .size = len, .fd = -1, .name = "bench"};
	struct vmspace *vm;
	unsigned area;
	double ours;
	int fd;

	boot(len + MIB(64));
	if (kind == SWAP_FILE)
		swap_file(path, len, &fd);
	else
		must(vm_swapon(&sys, &cf, &area), "swapon");
	vm = space(len);
	scribble(vm, len);
	start();
	if (vm_pageout_reclaim(&sys, len / PG) < len / PG)
		die("pageout");
	ours = each(len / PG);
	printf("%.1f 0\n", ours);
}

/* The file is on its device, and nowhere else. */
static void
uncache(int fd)
{
	if (fdatasync(fd) != 0 ||
	    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		die("uncache");
}

/* Pages in random order: from the device, or from the host's cache of it. Both
 * sides read into the same amount of memory. */
static void
bench_pagein(const char *path, bool cached)
{
	const uint64_t len = MIB(256), n = cached ? 20000 : 4000;
	struct vmspace *vm;
	uint64_t rnd = 1, v;
	double ours, host;
	char *buf = aligned_alloc(PG, len);
	int fd;

	boot(len + MIB(64));
	swap_file(path, len, &fd);
	vm = space(len);
	scribble(vm, len);
	if (vm_pageout_reclaim(&sys, len / PG) < len / PG)
		die("pageout");
	/* The same cache for both, and no read-ahead in either. */
	must(vm_madvise(vm, BASE, len, LX_MADV_RANDOM), "madvise");
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	if (buf == NULL)
		die("memory");
	memset(buf, 1, len);
	if (!cached)
		uncache(fd);
	start();
	for (uint64_t i = 0; i < n; i++) {
		rnd = rnd * UINT64_C(6364136223846793005) + 1442695040888963407;
		must(copyin(vm, &v, BASE + (rnd >> 33) % (len / PG) * PG,
			 sizeof(v)),
		    "copyin");
	}
	ours = each((uint64_t)counter_read(&sys.stat[VMST_SWAPIN]));
	if (!cached)
		uncache(fd);
	start();
	for (uint64_t i = 0; i < n; i++) {
		rnd = rnd * UINT64_C(6364136223846793005) + 1442695040888963407;
		v = (rnd >> 33) % (len / PG) * PG;
		if (pread(fd, buf + v, PG, (off_t)v) != (ssize_t)PG)
			die("pread");
	}
	host = each(n);
	printf("%.1f %.1f\n", ours, host);
	free(buf);
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const char *path = argc > 2 ? argv[2] : "";

	if (strcmp(name, "hold") == 0)
		bench_hold();
	else if (strncmp(name, "zone", 4) == 0)
		bench_zone((size_t)atoi(name + 4));
	else if (strncmp(name, "map", 3) == 0)
		bench_map((uint64_t)atoi(name + 3));
	else if (strcmp(name, "zero") == 0)
		bench_zero();
	else if (strcmp(name, "fork1st") == 0)
		bench_first_fork();
	else if (strncmp(name, "fork", 4) == 0)
		bench_fork((uint64_t)atoi(name + 4));
	else if (strncmp(name, "exit", 4) == 0)
		bench_exit((uint64_t)atoi(name + 4));
	else if (strcmp(name, "rounds") == 0)
		bench_rounds();
	else if (strcmp(name, "pageout") == 0)
		bench_pageout(path, SWAP_FILE);
	else if (strcmp(name, "lz4") == 0)
		bench_pageout(path, SWAP_LZ4);
	else if (strcmp(name, "zstd") == 0)
		bench_pageout(path, SWAP_ZSTD);
	else if (strcmp(name, "pagein") == 0)
		bench_pagein(path, false);
	else if (strcmp(name, "pagein-cached") == 0)
		bench_pagein(path, true);
	else {
		fprintf(stderr, "usage: engine NAME [SWAPFILE]\n");
		return (2);
	}
	fflush(stdout);
	_exit(0);
}
