/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * For the unit tests of objects and faults: a VM system on host_fake,
 * a file in memory behind vm_vnode_ops, user loads and stores by software
 * walk and fault, and a lazy machine.
 *
 * The lazy machine is the most hostile one the pmap contract allows: it goes
 * on using every translation that was removed or replaced until it is synced.
 * If a frame is free while the machine can still reach it, the visibility
 * rule was broken.
 */
#ifndef TESTS_VM_FIXTURE_H
#define TESTS_VM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "host/host_fake.h"
#include "machine/fake/pmap_soft.h"
#include "pmap/pmap.h"
#include "vm/map/vm_map.h"
#include "vm/object/vm_object.h"
#include "vm/object/vm_object_int.h"
#include "mem/vm_zone.h"
#include "vm/vmspace.h"
#include "vm/pager/vnode_pager.h"

#define RW (VM_PROT_READ | VM_PROT_WRITE)
#define BASE ((vm_offset_t)0x10000000)
#define PG PAGE_SIZE

/* ---- lazy machine ---- */

struct tlb_entry {
	struct pmap *pm;
	vm_offset_t va;
	vm_frame_t frame;
	bool stale;
};

struct lazy_machine {
	pthread_mutex_t lock;
	struct tlb_entry *e;
	size_t n, max;
	struct vm_phys *ph;
	unsigned violations;
	unsigned syncs;
	unsigned started;  /* not yet waited for */
	unsigned together; /* most syncs that were started at one time */
	bool replaces;     /* what the last map was told */
};

/* A racy read, on purpose: pages may move between objects meanwhile. */
__attribute__((no_sanitize("thread"), noinline, unused)) static void
lazy_check(struct lazy_machine *lm)
{
	for (size_t i = 0; i < lm->n; i++) {
		const struct vm_page *m = vm_phys_page(lm->ph, lm->e[i].frame);

		if (m->object == NULL && atomic_load(&m->hold) == 0)
			lm->violations++;
	}
}

static inline int
lazy_init(struct pmap *pm, void *machine)
{
	pm->md = machine;
	return (0);
}

/* Mark the translations of [sva, eva) as stale. */
static inline void
lazy_stale(
    struct lazy_machine *lm, struct pmap *pm, vm_offset_t sva, vm_offset_t eva)
{
	for (size_t i = 0; i < lm->n; i++)
		if (lm->e[i].pm == pm && lm->e[i].va >= sva &&
		    lm->e[i].va < eva)
			lm->e[i].stale = true;
}

static inline void
lazy_map(struct pmap *pm, vm_offset_t va, vm_frame_t frame, unsigned n,
    vm_prot_t prot, bool replaces)
{
	struct lazy_machine *lm = pm->md;

	(void)prot;
	pthread_mutex_lock(&lm->lock);
	lm->replaces = replaces;
	lazy_stale(lm, pm, va, va + n * PG);
	for (unsigned i = 0; i < n; i++) {
		if (lm->n == lm->max) {
			lm->max = lm->max * 2 + 64;
			lm->e = realloc(lm->e, lm->max * sizeof(*lm->e));
		}
		lm->e[lm->n++] = (struct tlb_entry){
		    .pm = pm, .va = va + i * PG, .frame = frame + i};
	}
	pthread_mutex_unlock(&lm->lock);
}

static inline void
lazy_unmap(struct pmap *pm, vm_offset_t sva, vm_offset_t eva)
{
	struct lazy_machine *lm = pm->md;

	pthread_mutex_lock(&lm->lock);
	lazy_stale(lm, pm, sva, eva);
	pthread_mutex_unlock(&lm->lock);
}

static inline void
lazy_protect(struct pmap *pm, vm_offset_t sva, vm_offset_t eva, vm_prot_t prot)
{
	(void)pm;
	(void)sva;
	(void)eva;
	(void)prot;
}

static inline void
lazy_drop(struct lazy_machine *lm, struct pmap *pm, bool all)
{
	size_t k = 0;

	for (size_t i = 0; i < lm->n; i++)
		if (lm->e[i].pm != pm || !(all || lm->e[i].stale))
			lm->e[k++] = lm->e[i];
	lm->n = k;
}

/* A sync waits if a translation is stale. */
static inline bool
lazy_sync_start(struct pmap *pm)
{
	struct lazy_machine *lm = pm->md;
	bool wait = false;

	pthread_mutex_lock(&lm->lock);
	for (size_t i = 0; i < lm->n && !wait; i++)
		wait = lm->e[i].pm == pm && lm->e[i].stale;
	if (wait && ++lm->started > lm->together)
		lm->together = lm->started;
	pthread_mutex_unlock(&lm->lock);
	return (wait);
}

static inline void
lazy_sync(struct pmap *pm)
{
	struct lazy_machine *lm = pm->md;

	pthread_mutex_lock(&lm->lock);
	lm->syncs++;
	lm->started = 0;
	lazy_check(lm);
	lazy_drop(lm, pm, false);
	pthread_mutex_unlock(&lm->lock);
}

static inline void
lazy_release(struct pmap *pm)
{
	struct lazy_machine *lm = pm->md;

	pthread_mutex_lock(&lm->lock);
	lazy_check(lm);
	lazy_drop(lm, pm, true);
	pthread_mutex_unlock(&lm->lock);
}

static const struct pmap_ops lazy_ops = {
    .name = "lazy",
    .init = lazy_init,
    .release = lazy_release,
    .map = lazy_map,
    .unmap = lazy_unmap,
    .protect = lazy_protect,
    .sync_start = lazy_sync_start,
    .sync = lazy_sync,
};

/* ---- a system ---- */

struct fixture {
	struct host_fake host;
	struct vm_system sys;
	struct lazy_machine lazy;
	uint64_t frames; /* free at the beginning */
	int oom_calls;
	int (*oom)(struct fixture *);
};

static inline int
fixture_oom(void *arg, struct vmspace *vm)
{
	struct fixture *f = arg;

	(void)vm;
	f->oom_calls++;
	return (f->oom != NULL ? f->oom(f) : ENOMEM);
}

static inline int
fixture_init(struct fixture *f, uint64_t mem, bool lazy)
{
	struct vm_system_config cf = {
	    .mem = mem,
	    .pmap_ops = lazy ? &lazy_ops : &pmap_soft_ops,
	    .oom = fixture_oom,
	    .oom_arg = f,
	};
	int error;

	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lazy.lock, NULL);
	cf.machine = lazy ? &f->lazy : NULL;
	cf.host = host_fake(&f->host);
	error = vm_system_init(&f->sys, &cf);
	if (error == 0) {
		f->frames = atomic_load(&f->sys.phys->nfree);
		f->lazy.ph = f->sys.phys;
	}
	return (error);
}

/* Refuse charges beyond so many bytes, and swap. */
static inline void
fixture_reserve(struct fixture *f, uint64_t bytes)
{
	f->sys.commit_max = bytes;
}

static inline uint64_t
fixture_used(struct fixture *f)
{
	return (f->frames - atomic_load(&f->sys.phys->nfree));
}

/* Check that no memory is left, and destroy the system. */
static inline void
fixture_fini(struct fixture *f)
{
	assert_int_equal(vm_check_system(&f->sys), 0);
	assert_int_equal(fixture_used(f), 0);
	assert_int_equal(vm_zone_set_live(f->sys.zones), 0);
	assert_int_equal(f->lazy.violations, 0);
	assert_int_equal(f->lazy.n, 0);
	vm_system_destroy(&f->sys);
	assert_int_equal(atomic_load(&f->host.live), 0);
	free(f->lazy.e);
	pthread_mutex_destroy(&f->lazy.lock);
}

static inline int64_t
stat_of(struct fixture *f, enum vm_stat s)
{
	return (counter_read(&f->sys.stat[s]));
}

/* ---- a file ---- */

struct fake_file {
	pthread_mutex_t lock;
	char *data;
	uint64_t size, max;
	_Atomic(int) refs, reads, writes;
	uint64_t bad_read; /* reads that touch this offset fail; 0: none */
	bool bad_write;
	size_t chunk; /* most bytes in one read; 0: no limit */
};

static inline int
file_read(void *h, uint64_t off, void *buf, size_t len, size_t *done)
{
	struct fake_file *f = h;

	klock_assert_none();
	atomic_fetch_add(&f->reads, 1);
	if (f->bad_read != 0 && f->bad_read >= off && f->bad_read < off + len) {
		if (f->bad_read == off)
			return (EIO);
		len = f->bad_read - off;
	}
	if (f->chunk != 0 && len > f->chunk)
		len = f->chunk;
	pthread_mutex_lock(&f->lock);
	len = off >= f->size ? 0 : len < f->size - off ? len : f->size - off;
	memcpy(buf, f->data + off, len);
	pthread_mutex_unlock(&f->lock);
	*done = len;
	return (0);
}

static inline int
file_write(void *h, uint64_t off, const void *buf, size_t len, size_t *done)
{
	struct fake_file *f = h;

	klock_assert_none();
	atomic_fetch_add(&f->writes, 1);
	if (f->bad_write)
		return (EIO);
	pthread_mutex_lock(&f->lock);
	assert_true(off + len <= f->max);
	memcpy(f->data + off, buf, len);
	if (off + len > f->size)
		f->size = off + len;
	pthread_mutex_unlock(&f->lock);
	*done = len;
	return (0);
}

static inline int
file_size(void *h, uint64_t *size)
{
	struct fake_file *f = h;

	klock_assert_none();
	pthread_mutex_lock(&f->lock);
	*size = f->size;
	pthread_mutex_unlock(&f->lock);
	return (0);
}

static inline void
file_ref(void *h)
{
	atomic_fetch_add(&((struct fake_file *)h)->refs, 1);
}

static inline void
file_rele(void *h)
{
	klock_assert_none();
	atomic_fetch_sub(&((struct fake_file *)h)->refs, 1);
}

static inline void
file_name(void *h, char *buf, size_t size)
{
	(void)h;
	snprintf(buf, size, "/a/file");
}

static inline void
file_ident(void *h, uint64_t *dev, uint64_t *ino)
{
	(void)h;
	*dev = 5;
	*ino = 6;
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

/* Byte i of a new file is a function of i. */
static inline char
file_byte(uint64_t i)
{
	return ((char)(i * 7 + i / PG + 1));
}

static inline struct vm_object *
file_open(struct fixture *fx, struct fake_file *f, uint64_t size)
{
	struct vm_object *o;

	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	f->max = size + 64 * PG;
	f->size = size;
	f->data = malloc(f->max);
	for (uint64_t i = 0; i < f->max; i++)
		f->data[i] = file_byte(i);
	assert_int_equal(vnode_pager_alloc(&fx->sys, f, &file_ops, &o), 0);
	return (o);
}

static inline void
file_close(struct fake_file *f, struct vm_object *o)
{
	assert_int_equal(atomic_load(&f->refs), 0);
	vnode_pager_dealloc(o);
	free(f->data);
	pthread_mutex_destroy(&f->lock);
}

/* ---- user memory ---- */

/*
 * One access, as a CPU would make it: the map lock excludes a fork between the
 * read of the translation and its use.
 */
static inline int
user_access(
    struct vmspace *vm, vm_offset_t va, void *buf, size_t len, vm_prot_t access)
{
	struct vm_page *m;
	char *p;
	int error;

	for (;;) {
		vm_map_lock_read(&vm->map);
		m = pmap_extract_hold(vm->pmap, va, access);
		if (m != NULL)
			break;
		vm_map_unlock_read(&vm->map);
		error = vm_fault(vm, va, access, 0);
		if (error != 0)
			return (error);
	}
	p = (char *)vm_page_ptr(vm->sys->phys, m) + (va & PAGE_MASK);
	if (access == VM_PROT_WRITE)
		memcpy(p, buf, len);
	else
		memcpy(buf, p, len);
	vm_map_unlock_read(&vm->map);
	vm_page_unhold(vm->sys->phys, m);
	return (0);
}

static inline int
try_store(struct vmspace *vm, vm_offset_t va, uint64_t v)
{
	return (user_access(vm, va, &v, sizeof(v), VM_PROT_WRITE));
}

static inline int
try_load(struct vmspace *vm, vm_offset_t va, uint64_t *v)
{
	return (user_access(vm, va, v, sizeof(*v), VM_PROT_READ));
}

static inline void
store(struct vmspace *vm, vm_offset_t va, uint64_t v)
{
	assert_int_equal(try_store(vm, va, v), 0);
}

static inline uint64_t
load(struct vmspace *vm, vm_offset_t va)
{
	uint64_t v = 0;

	assert_int_equal(try_load(vm, va, &v), 0);
	return (v);
}

static inline struct vmspace *
space(struct fixture *f)
{
	struct vmspace *vm;

	assert_int_equal(vmspace_alloc(&f->sys, &vm), 0);
	return (vm);
}

static inline struct vmspace *
fork_of(struct vmspace *vm)
{
	struct vmspace *c;

	assert_int_equal(vmspace_fork(vm, &c), 0);
	return (c);
}

static inline void
map_at(struct vmspace *vm, vm_offset_t va, uint64_t len, vm_prot_t prot,
    int flags, struct vm_object *o, vm_ooffset_t off)
{
	assert_int_equal(
	    vm_mmap(vm, &va, len, prot, VM_PROT_ALL, flags | VMM_FIXED, o, off),
	    0);
}

static inline struct vm_map_entry *
entry_at(struct vmspace *vm, vm_offset_t va)
{
	struct vm_map_entry *e;

	vm_map_lock_read(&vm->map);
	e = vm_map_lookup(&vm->map, va, NULL);
	vm_map_unlock_read(&vm->map);
	assert_non_null(e);
	return (e);
}

static inline unsigned
depth_at(struct vmspace *vm, vm_offset_t va)
{
	struct vm_object *o = entry_at(vm, va)->object;

	return (o == NULL ? 0 : vm_object_chain_depth(o));
}

static inline void
check_all(struct fixture *f, struct vmspace *vm)
{
	assert_int_equal(vm_check_system(&f->sys), 0);
	if (vm != NULL)
		assert_int_equal(vm_check_vmspace(vm), 0);
	pthread_mutex_lock(&f->lazy.lock);
	if (f->lazy.ph != NULL)
		lazy_check(&f->lazy);
	pthread_mutex_unlock(&f->lazy.lock);
	assert_int_equal(f->lazy.violations, 0);
}

#endif /* TESTS_VM_FIXTURE_H */
