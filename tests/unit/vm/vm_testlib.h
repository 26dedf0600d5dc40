/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * For the tests of maps, vmspaces and copyio: short forms of calls on the
 * fixture of vm_fixture.h, a file whose contents are easy to compare, and a way
 * to empty a zone, so that its k-th allocation fails.
 */
#ifndef TESTS_UNIT_VM_TESTLIB_H
#define TESTS_UNIT_VM_TESTLIB_H

#include <stdio.h>

#include "vm_fixture.h"

#define R VM_PROT_READ
#define ALL VM_PROT_ALL

static inline void
ts_init(struct fixture *ts, uint64_t mem)
{
	assert_int_equal(fixture_init(ts, mem, false), 0);
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

static struct fake_file file __attribute__((unused));

/* 64 pages; the first byte of page i is i + 1, the other bytes are 0. */
static inline struct vm_object *
paged_file_open(struct fixture *ts)
{
	struct vm_object *obj = file_open(ts, &file, 64 * PG);

	memset(file.data, 0, file.max);
	for (size_t i = 0; i < 64; i++)
		file.data[i * PG] = (char)(i + 1);
	return (obj);
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
	struct fixture *ts;
	struct vm_zone *zone;
	size_t n;
	void *item[DRY_MAX];
};

/* Allocate all items of the zone but `left`, and let the host refuse more. */
static inline void
dry_begin(struct dry *d, struct fixture *ts, struct vm_zone *zone, size_t left)
{
	d->ts = ts;
	d->zone = zone;
	d->n = 0;
	atomic_store(&ts->host.fail_every, 1);
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
	atomic_store(&d->ts->host.fail_every, 0);
}

#endif /* TESTS_UNIT_VM_TESTLIB_H */
