/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A VM system on host_fake and pmap_soft for the tests of maps, vmspaces and
 * copyio; and a way to run a zone dry, so that the k-th allocation fails.
 */
#ifndef TESTS_UNIT_VM_TESTLIB_H
#define TESTS_UNIT_VM_TESTLIB_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/host_fake.h"
#include "machine/fake/pmap_soft.h"
#include "pmap/pmap.h"
#include "mem/vm_zone.h"
#include "vm/vmspace.h"
#include "vm/pager/vnode_pager.h"

#define PG PAGE_SIZE
#define BASE ((vm_offset_t)0x10000000)
#define R VM_PROT_READ
#define RW (VM_PROT_READ | VM_PROT_WRITE)
#define ALL VM_PROT_ALL

struct ts {
	struct host_fake fake;
	struct vm_system sys;
};

static inline void
ts_init(struct ts *ts, uint64_t mem)
{
	struct vm_system_config cf = {.mem = mem, .pmap_ops = &pmap_soft_ops};

	memset(ts, 0, sizeof(*ts));
	cf.host = host_fake(&ts->fake);
	assert_int_equal(vm_system_init(&ts->sys, &cf), 0);
}

/* Nothing may be left. */
static inline void
ts_fini(struct ts *ts)
{
	assert_int_equal(vm_check_system(&ts->sys), 0);
	assert_int_equal(vm_zone_set_live(ts->sys.zones), 0);
	assert_int_equal(
	    atomic_load(&ts->sys.phys->nfree), ts->sys.phys->npages);
	vm_system_destroy(&ts->sys);
	assert_int_equal(atomic_load(&ts->fake.live), 0);
}

static inline struct vmspace *
ts_space(struct ts *ts)
{
	struct vmspace *vm;

	assert_int_equal(vmspace_alloc(&ts->sys, &vm), 0);
	return (vm);
}

static inline void
ts_check(struct vmspace *vm)
{
	assert_int_equal(vm_check_vmspace(vm), 0);
}

/* Fixed private anonymous memory. */
static inline void
ts_map(struct vmspace *vm, vm_offset_t va, uint64_t npages, vm_prot_t prot)
{
	vm_offset_t a = va;

	assert_int_equal(
	    vm_mmap(vm, &a, npages * PG, prot, ALL, VMM_FIXED, NULL, 0), 0);
	assert_int_equal(a, va);
}

static inline void
ts_put(struct vmspace *vm, vm_offset_t va, uint64_t val)
{
	assert_int_equal(copyout(vm, &val, va, sizeof(val)), 0);
}

static inline uint64_t
ts_get(struct vmspace *vm, vm_offset_t va)
{
	uint64_t val = 0;

	assert_int_equal(copyin(vm, &val, va, sizeof(val)), 0);
	return (val);
}

static inline uint64_t
ts_entries(struct vmspace *vm)
{
	struct vmspace_stat st;

	vmspace_stat(vm, &st);
	return (st.entries);
}

/* A copy of the entry that contains va. */
static inline struct vm_map_entry
ts_entry(struct vmspace *vm, vm_offset_t va)
{
	struct vm_map_entry *e, copy;

	vm_map_lock_read(&vm->map);
	e = vm_map_lookup(&vm->map, va, NULL);
	assert_non_null(e);
	memcpy(&copy, e, sizeof(copy));
	vm_map_unlock_read(&vm->map);
	return (copy);
}

/* ---- a file in memory ---- */

struct file {
	uint8_t data[64 * 4096];
	uint64_t size;
	_Atomic(int) refs;
};

static inline int
file_read(void *h, uint64_t off, void *buf, size_t len, size_t *done)
{
	struct file *f = h;
	size_t n = off >= f->size ? 0 : f->size - off;

	*done = n < len ? n : len;
	memcpy(buf, f->data + off, *done);
	return (0);
}

static inline int
file_write(void *h, uint64_t off, const void *buf, size_t len, size_t *done)
{
	struct file *f = h;

	assert_true(off + len <= sizeof(f->data));
	memcpy(f->data + off, buf, len);
	*done = len;
	return (0);
}

static inline int
file_size(void *h, uint64_t *size)
{
	*size = ((struct file *)h)->size;
	return (0);
}

static inline void
file_ref(void *h)
{
	atomic_fetch_add(&((struct file *)h)->refs, 1);
}

static inline void
file_rele(void *h)
{
	assert_true(atomic_fetch_sub(&((struct file *)h)->refs, 1) > 0);
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

static const struct vm_vnode_ops file_ops __attribute__((unused)) = {
    .read = file_read,
    .write = file_write,
    .size = file_size,
    .ref = file_ref,
    .rele = file_rele,
    .name = file_name,
    .ident = file_ident,
};

static struct file file __attribute__((unused));

static inline struct vm_object *
file_open(struct ts *ts)
{
	struct vm_object *obj;

	memset(&file, 0, sizeof(file));
	file.size = sizeof(file.data);
	for (size_t i = 0; i < sizeof(file.data) / 4096; i++)
		file.data[i * 4096] = (uint8_t)(i + 1);
	assert_int_equal(
	    vnode_pager_alloc(&ts->sys, &file, &file_ops, &obj), 0);
	return (obj);
}

static inline void
file_close(struct vm_object *obj)
{
	assert_int_equal(atomic_load(&file.refs), 0);
	vnode_pager_dealloc(obj);
}

static inline vm_offset_t
map_file(struct vmspace *vm, struct vm_object *obj, uint64_t npages,
    vm_prot_t prot, int flags, uint64_t pgoff)
{
	vm_offset_t a = 0;

	assert_int_equal(
	    vm_mmap(vm, &a, npages * PG, prot, ALL, flags, obj, pgoff * PG), 0);
	return (a);
}

static inline vm_offset_t
map_anon(struct vmspace *vm, uint64_t npages, vm_prot_t prot, int flags)
{
	return (map_file(vm, NULL, npages, prot, flags, 0));
}

/* ---- zones run dry ---- */

#define DRY_MAX 65536

struct dry {
	struct ts *ts;
	struct vm_zone *zone;
	size_t n;
	void *item[DRY_MAX];
};

/* Take everything, and let the host refuse more; leave `left` items. */
static inline void
dry_begin(struct dry *d, struct ts *ts, struct vm_zone *zone, size_t left)
{
	d->ts = ts;
	d->zone = zone;
	d->n = 0;
	atomic_store(&ts->fake.fail_every, 1);
	while (d->n < DRY_MAX && (d->item[d->n] = zalloc(zone)) != NULL)
		d->n++;
	assert_true(d->n < DRY_MAX);
	/* One item at least, or the zone would never refuse. */
	while (left-- > 0 && d->n > 0)
		zfree(zone, d->item[--d->n]);
}

static inline void
dry_end(struct dry *d)
{
	while (d->n > 0)
		zfree(d->zone, d->item[--d->n]);
	atomic_store(&d->ts->fake.fail_every, 0);
}

#endif /* TESTS_UNIT_VM_TESTLIB_H */
