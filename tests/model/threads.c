/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Processes that fork, exec, map, write and die on one VM system, while third
 * parties hold and read what they find, and memory is reclaimed and trimmed.
 * Meant for ThreadSanitizer and AddressSanitizer, and as a test by itself:
 * every process knows what it wrote, shared counters must add up, and at the
 * end nothing may be left.
 *
 * usage: vm_threads [--ms N] [--seed N] [--mem PAGES]
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/mman.h"
#include "host/host_fake.h"
#include "libk/kassert.h"
#include "machine/fake/pmap_soft.h"
#include "pmap/pmap.h"
#include "vm/object/vm_object.h"
#include "mem/vm_zone.h"
#include "vm/vmspace.h"
#include "testrand.h"
#include "vm/pager/vnode_pager.h"
#include "vm/pageout/vm_pageout.h"

#define NPROCS 4
#define NREADERS 2
#define PRIV_PAGES 48
#define SHARED_WORDS 16
#define FILE_PAGES 40
#define PRIV_BASE ((vm_offset_t)0x1000000)
#define SHARED_BASE ((vm_offset_t)0x8000000)
#define FILE_BASE ((vm_offset_t)0x9000000)
#define SCRATCH_BASE ((vm_offset_t)0xa000000)

/* A process: its vmspace is published under the lock. */
struct proc {
	struct kmutex lock;
	struct vmspace *vm; /* under lock; owns a ref */
	uint64_t rng;
	uint32_t stamp[PRIV_PAGES]; /* what its private pages hold */
	uint64_t added[SHARED_WORDS];
	uint64_t forks, execs, faults_refused;
};

struct file {
	struct kmutex lock; /* the "inode lock" of the file */
	uint8_t disk[FILE_PAGES * 4096];
	_Atomic(int) refs;
};

static struct vm_system sys;
static struct host_fake fake;
static struct proc procs[NPROCS];
static struct file file;
static struct vm_object *file_obj, *shared_obj;
static _Atomic(bool) stop;

#define CHECK(cond, ...)                     \
	do {                                 \
		if (!(cond))                 \
			kpanic(__VA_ARGS__); \
	} while (0)

/* ---- the file ---- */

static int
file_read(void *h, uint64_t off, void *buf, size_t len, size_t *done)
{
	*done = off >= sizeof(file.disk)        ? 0
		: sizeof(file.disk) - off < len ? sizeof(file.disk) - off
						: len;
	kmutex_lock(&file.lock);
	memcpy(buf, file.disk + off, *done);
	kmutex_unlock(&file.lock);
	(void)h;
	return (0);
}

static int
file_write(void *h, uint64_t off, const void *buf, size_t len, size_t *done)
{
	/* The pages may be changed by their mappers meanwhile, by design. */
	const volatile uint8_t *p = buf;

	kmutex_lock(&file.lock);
	for (size_t i = 0; i < len; i++)
		file.disk[off + i] = p[i];
	kmutex_unlock(&file.lock);
	*done = len;
	(void)h;
	return (0);
}

static int
file_size(void *h, uint64_t *size)
{
	(void)h;
	*size = sizeof(file.disk);
	return (0);
}

static void
file_ref(void *h)
{
	(void)h;
	atomic_fetch_add(&file.refs, 1);
}

static void
file_rele(void *h)
{
	(void)h;
	CHECK(atomic_fetch_sub(&file.refs, 1) > 0, "vnode refs");
}

static void
file_name(void *h, char *buf, size_t size)
{
	(void)h;
	snprintf(buf, size, "file");
}

static void
file_ident(void *h, uint64_t *dev, uint64_t *ino)
{
	(void)h;
	*dev = *ino = 1;
}

static const struct vm_vnode_ops file_ops = {
    .read = file_read,
    .write = file_write,
    .size = file_size,
    .ref = file_ref,
    .rele = file_rele,
    .name = file_name,
    .ident = file_ident,
};

/* ---- processes ---- */

static void
publish(struct proc *p, struct vmspace *vm)
{
	struct vmspace *old;

	kmutex_lock(&p->lock);
	old = p->vm;
	p->vm = vm;
	kmutex_unlock(&p->lock);
	if (old != NULL)
		vmspace_free(old);
}

static void
map_at(struct vmspace *vm, vm_offset_t va, uint64_t npages, int flags,
    struct vm_object *obj)
{
	int error =
	    vm_mmap(vm, &va, npages * PAGE_SIZE, VM_PROT_READ | VM_PROT_WRITE,
		VM_PROT_ALL, flags | VMM_FIXED, obj, 0);

	CHECK(error == 0, "mmap: %d", error);
}

/* exec: a complete vmspace, and only then in the place of the old one. */
static void
proc_exec(struct proc *p)
{
	struct vmspace *vm;
	int error = vmspace_alloc(&sys, &vm);

	CHECK(error == 0, "vmspace_alloc: %d", error);
	map_at(vm, PRIV_BASE, PRIV_PAGES, 0, NULL);
	map_at(vm, SHARED_BASE, 1, VMM_SHARED, shared_obj);
	map_at(vm, FILE_BASE, FILE_PAGES, VMM_SHARED, file_obj);
	map_at(vm, SCRATCH_BASE, FILE_PAGES, 0, file_obj);
	memset(p->stamp, 0, sizeof(p->stamp));
	p->execs++;
	publish(p, vm);
}

/* ENOMEM is a valid result; the process goes on without the page. */
static bool
refused(struct proc *p, int error)
{
	CHECK(error == 0 || error == ENOMEM, "error %d", error);
	if (error == 0)
		return (false);
	p->faults_refused++;
	return (true);
}

static void
verify_page(
    struct proc *p, struct vmspace *vm, const uint32_t *stamp, unsigned pg)
{
	uint32_t w[1024];

	if (refused(p, copyin(vm, w, PRIV_BASE + pg * PAGE_SIZE, sizeof(w))))
		return;
	for (unsigned i = 0; i < 1024; i++)
		CHECK(w[i] == stamp[pg], "page %u word %u: %x, should be %x",
		    pg, i, w[i], stamp[pg]);
}

static void
write_page(struct proc *p, struct vmspace *vm, uint32_t *stamp, unsigned pg)
{
	uint32_t w[1024], val = (uint32_t)rnd_below(&p->rng, UINT32_MAX);

	for (unsigned i = 0; i < 1024; i++)
		w[i] = val;
	if (!refused(p, copyout(vm, w, PRIV_BASE + pg * PAGE_SIZE, sizeof(w))))
		stamp[pg] = val;
}

/* A child sees what the parent had, and what either writes stays its own. */
static void
proc_fork(struct proc *p)
{
	uint32_t stamp[PRIV_PAGES];
	struct vmspace *child;
	int error = vmspace_fork(p->vm, &child);

	if (refused(p, error))
		return;
	memcpy(stamp, p->stamp, sizeof(stamp));
	for (unsigned n = (unsigned)rnd_below(&p->rng, 12); n > 0; n--) {
		unsigned pg = (unsigned)rnd_below(&p->rng, PRIV_PAGES);

		switch (rnd_below(&p->rng, 4)) {
		case 0:
			verify_page(p, child, stamp, pg);
			break;
		case 1:
			write_page(p, child, stamp, pg);
			break;
		case 2:
			write_page(p, p->vm, p->stamp, pg);
			break;
		default:
			verify_page(p, p->vm, p->stamp, pg);
			break;
		}
	}
	p->forks++;
	/* Half of the time the parent dies instead of the child. */
	if (rnd_below(&p->rng, 2) == 0) {
		memcpy(p->stamp, stamp, sizeof(stamp));
		publish(p, child);
	} else
		vmspace_free(child);
}

/* Atomic additions that all processes do to the same words. */
static void
proc_add(struct proc *p)
{
	unsigned i = (unsigned)rnd_below(&p->rng, SHARED_WORDS);
	vm_offset_t va = SHARED_BASE + i * 4;
	uint32_t cur, old;

	if (refused(p, vm_fetch32(p->vm, va, &cur)))
		return;
	for (;;) {
		if (refused(p, vm_cas32(p->vm, va, cur, cur + 1, &old)))
			return;
		if (old == cur)
			break;
		cur = old;
	}
	p->added[i]++;
}

static void
proc_remap(struct proc *p)
{
	unsigned pg = (unsigned)rnd_below(&p->rng, PRIV_PAGES);
	vm_offset_t va = PRIV_BASE + pg * PAGE_SIZE;
	vm_offset_t away = SCRATCH_BASE + 64 * PAGE_SIZE;

	switch (rnd_below(&p->rng, 4)) {
	case 0:
		CHECK(vm_madvise(p->vm, va, PAGE_SIZE, LX_MADV_DONTNEED) == 0,
		    "DONTNEED");
		p->stamp[pg] = 0;
		break;
	case 1:
		CHECK(vm_munmap(p->vm, va, PAGE_SIZE) == 0, "munmap");
		map_at(p->vm, va, 1, 0, NULL);
		p->stamp[pg] = 0;
		break;
	case 2:
		CHECK(vm_mprotect(p->vm, va, PAGE_SIZE, VM_PROT_READ) == 0,
		    "mprotect");
		CHECK(copyout(p->vm, &pg, va, 1) == EFAULT, "write to R page");
		CHECK(vm_mprotect(p->vm, va, PAGE_SIZE,
			  VM_PROT_READ | VM_PROT_WRITE) == 0,
		    "mprotect");
		break;
	default:
		CHECK(vm_mremap(p->vm, va, PAGE_SIZE, PAGE_SIZE,
			  LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED, &away) == 0,
		    "mremap away");
		CHECK(vm_mremap(p->vm, away, PAGE_SIZE, PAGE_SIZE,
			  LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED, &va) == 0,
		    "mremap back");
		verify_page(p, p->vm, p->stamp, pg);
		break;
	}
}

/* Each process has a byte of each 16 of the shared file. */
static void
proc_file(struct proc *p)
{
	vm_offset_t off = rnd_below(&p->rng, FILE_PAGES * PAGE_SIZE / 16) * 16 +
			  (uint64_t)(p - procs);
	uint8_t byte = (uint8_t)rnd_below(&p->rng, 256), got = 0;

	if (refused(p, copyout(p->vm, &byte, FILE_BASE + off, 1)) ||
	    refused(p, copyin(p->vm, &got, FILE_BASE + off, 1)))
		return;
	CHECK(got == byte, "file byte %llx: %x, should be %x",
	    (unsigned long long)off, got, byte);
	(void)refused(p, copyout(p->vm, &byte, SCRATCH_BASE + off, 1));
	if (rnd_below(&p->rng, 50) == 0)
		CHECK(vm_msync(
			  p->vm, FILE_BASE, FILE_PAGES * PAGE_SIZE, true) == 0,
		    "msync");
}

static void *
proc_main(void *arg)
{
	struct proc *p = arg;

	proc_exec(p);
	while (!atomic_load(&stop)) {
		unsigned pg = (unsigned)rnd_below(&p->rng, PRIV_PAGES);

		switch (rnd_below(&p->rng, 16)) {
		case 0:
			proc_fork(p);
			break;
		case 1:
			if (rnd_below(&p->rng, 8) == 0)
				proc_exec(p);
			break;
		case 2:
		case 3:
			proc_remap(p);
			break;
		case 4:
		case 5:
		case 6:
			proc_add(p);
			break;
		case 7:
		case 8:
			proc_file(p);
			break;
		case 9:
		case 10:
		case 11:
			verify_page(p, p->vm, p->stamp, pg);
			break;
		default:
			write_page(p, p->vm, p->stamp, pg);
			break;
		}
	}
	for (unsigned pg = 0; pg < PRIV_PAGES; pg++)
		verify_page(p, p->vm, p->stamp, pg);
	publish(p, NULL);
	return (NULL);
}

/* ---- third parties ---- */

static struct vmspace *
proc_vmspace_hold(struct proc *p)
{
	struct vmspace *vm;

	kmutex_lock(&p->lock);
	vm = p->vm;
	if (vm != NULL)
		vmspace_hold(vm);
	kmutex_unlock(&p->lock);
	return (vm);
}

/* By way of the list of all vmspaces, as pageout would. */
static struct vmspace *
any_vmspace_hold(uint64_t *rng)
{
	struct vmspace *vm, *found = NULL;
	uint64_t skip = rnd_below(rng, NPROCS);

	kmutex_lock(&sys.list_lock);
	TAILQ_FOREACH (vm, &sys.vmspaces, link)
		if (skip-- == 0) {
			if (vmspace_tryhold(vm))
				found = vm;
			break;
		}
	kmutex_unlock(&sys.list_lock);
	return (found);
}

static void
look(struct vmspace *vm, uint64_t *rng)
{
	struct vm_entry_info info;
	struct vmspace_stat st;
	vm_offset_t va = 0;
	uint32_t w[2];
	int error;

	switch (rnd_below(rng, 6)) {
	case 0:
		while (vmspace_entry_info(vm, va, &info) == 0)
			va = info.end;
		break;
	case 1:
		vmspace_stat(vm, &st);
		(void)vmspace_anonymous_count(vm);
		break;
	case 2:
		CHECK(vm_check_vmspace(vm) == 0, "vm_check_vmspace");
		break;
	case 3:
		if (vmspace_tryref(vm) == 0) {
			error = copyin(vm, w, FILE_BASE, sizeof(w));
			CHECK(error == 0 || error == ENOMEM || error == EFAULT,
			    "copyin with a ref: %d", error);
			vmspace_free(vm);
		}
		break;
	default:
		va = PRIV_BASE + rnd_below(rng, PRIV_PAGES) * PAGE_SIZE +
		     rnd_below(rng, 1023) * 4;
		error = copyin(vm, w, va, 4);
		CHECK(error == 0 || error == ESRCH || error == EFAULT ||
			  error == ENOMEM,
		    "copyin with a hold: %d", error);
		break;
	}
}

static void *
reader_main(void *arg)
{
	uint64_t rng = (uintptr_t)arg * 977;
	struct vmspace *vm;

	while (!atomic_load(&stop)) {
		vm = rnd_below(&rng, 3) == 0
			 ? any_vmspace_hold(&rng)
			 : proc_vmspace_hold(&procs[rnd_below(&rng, NPROCS)]);
		if (vm == NULL)
			continue;
		for (uint64_t n = 1 + rnd_below(&rng, 4); n > 0; n--)
			look(vm, &rng);
		vmspace_drop(vm);
	}
	return (NULL);
}

static void *
reclaim_main(void *arg)
{
	uint64_t rng = (uintptr_t)arg;

	while (!atomic_load(&stop)) {
		(void)vm_pageout_reclaim(&sys, 1 + rnd_below(&rng, 30));
		if (rnd_below(&rng, 16) == 0)
			(void)vm_phys_trim(sys.phys);
		if (rnd_below(&rng, 8) == 0)
			CHECK(vnode_pager_sync(file_obj, 0, 0) == 0, "sync");
		usleep(200);
	}
	return (NULL);
}

/* ---- frame ---- */

static void
start(uint64_t seed, uint64_t mem)
{
	struct vm_system_config cf = {
	    .mem = mem * PAGE_SIZE,
	    .pmap_ops = &pmap_soft_ops,
	};

	cf.host = host_fake(&fake);
	CHECK(vm_system_init(&sys, &cf) == 0, "vm_system_init");
	kmutex_init(&file.lock, "file", KRANK_VNODE, 0);
	CHECK(vnode_pager_alloc(&sys, &file, &file_ops, &file_obj) == 0,
	    "vnode_pager_alloc");
	CHECK(vm_object_allocate(&sys, OBJT_DEFAULT, 1, &shared_obj) == 0,
	    "shared object");
	for (int i = 0; i < NPROCS; i++) {
		kmutex_init(&procs[i].lock, "proc", KRANK_PROC, 0);
		procs[i].rng = seed * 1000 + (uint64_t)i;
	}
}

static void
finish(void)
{
	struct vmspace *vm;
	uint64_t forks = 0, execs = 0, refusals = 0, sum;
	uint32_t val;

	CHECK(vmspace_alloc(&sys, &vm) == 0, "vmspace_alloc");
	map_at(vm, SHARED_BASE, 1, VMM_SHARED, shared_obj);
	for (unsigned i = 0; i < SHARED_WORDS; i++) {
		sum = 0;
		for (int k = 0; k < NPROCS; k++)
			sum += procs[k].added[i];
		CHECK(vm_fetch32(vm, SHARED_BASE + i * 4, &val) == 0, "fetch");
		CHECK(val == (uint32_t)sum, "counter %u: %u, should be %u", i,
		    val, (uint32_t)sum);
	}
	vmspace_free(vm);
	for (int k = 0; k < NPROCS; k++) {
		forks += procs[k].forks;
		execs += procs[k].execs;
		refusals += procs[k].faults_refused;
		kmutex_destroy(&procs[k].lock);
	}
	vm_object_free(shared_obj);
	CHECK(vm_check_system(&sys) == 0, "vm_check_system");
	CHECK(atomic_load(&file.refs) == 0, "vnode refs");
	vnode_pager_dealloc(file_obj);
	CHECK(vm_zone_set_live(sys.zones) == 0, "zones are not empty");
	CHECK(atomic_load(&sys.phys->nfree) == sys.phys->npages, "frames left");
	vm_system_destroy(&sys);
	CHECK(atomic_load(&fake.live) == 0, "host memory left");
	printf("threads: ok, %llu forks, %llu execs, %llu refusals\n",
	    (unsigned long long)forks, (unsigned long long)execs,
	    (unsigned long long)refusals);
}

int
main(int argc, char **argv)
{
	static const struct option opts[] = {
	    {"ms", required_argument, NULL, 'm'},
	    {"seed", required_argument, NULL, 's'},
	    {"mem", required_argument, NULL, 'M'},
	    {NULL, 0, NULL, 0},
	};
	pthread_t pt[NPROCS], rt[NREADERS], ct;
	uint64_t ms = 5000, seed = 1, mem = 4000;
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'm')
			ms = strtoull(optarg, NULL, 0);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 'M')
			mem = strtoull(optarg, NULL, 0);
		else
			return (2);
	}
	printf("threads: seed %llu mem %llu\n", (unsigned long long)seed,
	    (unsigned long long)mem);
	fflush(stdout);
	start(seed, mem);
	for (int i = 0; i < NPROCS; i++)
		pthread_create(&pt[i], NULL, proc_main, &procs[i]);
	for (uintptr_t i = 0; i < NREADERS; i++)
		pthread_create(
		    &rt[i], NULL, reader_main, (void *)(seed * 10 + i));
	pthread_create(&ct, NULL, reclaim_main, (void *)(uintptr_t)seed);
	host_sleep_ns(ms * 1000000);
	atomic_store(&stop, true);
	for (int i = 0; i < NPROCS; i++)
		pthread_join(pt[i], NULL);
	for (int i = 0; i < NREADERS; i++)
		pthread_join(rt[i], NULL);
	pthread_join(ct, NULL);
	finish();
	return (0);
}
