/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What the tests of paging share: a system with few frames, swap areas, and
 * pages whose contents follow from their number and version.
 */
#ifndef TESTS_VM_SWAP_TESTLIB_H
#define TESTS_VM_SWAP_TESTLIB_H

#include "vm_fixture.h"

#include "host/host_file.h"
#include "vm/pager/swap_pager.h"
#include "vm/vm_glue.h"
#include "vm/pager/vm_swapcache.h"
#include "vm/pageout/vm_pageout.h"

#define MIB ((uint64_t)1 << 20)
#define FRAMES 128

static struct fixture fx;

/* An area of the kind; a file if the codec was not built. */
static inline int
swap_on(struct swap_area_config *cf, unsigned *area)
{
	int error = EOPNOTSUPP;

	if (cf->kind != SWAP_FILE)
		error = vm_swapon(&fx.sys, cf, area);
	if (error != EOPNOTSUPP)
		return (error);
	cf->kind = SWAP_FILE;
	error = host_memfd("swap", cf->size, &cf->fd);
	if (error != 0)
		return (error);
	error = vm_swapon(&fx.sys, cf, area);
	if (error != 0)
		host_close(cf->fd);
	return (error);
}

static inline unsigned
area_on(enum swap_kind kind, uint64_t pages, const struct swap_inject *inject)
{
	struct swap_area_config cf = {
	    .kind = kind, .size = pages * PG, .name = "test", .fd = -1};
	unsigned area = 0;

	if (inject != NULL)
		cf.inject = *inject;
	assert_int_equal(swap_on(&cf, &area), 0);
	if (cf.kind != kind)
		print_message("without the codec: a file instead\n");
	return (area);
}

static inline void
begin(uint64_t frames)
{
	assert_int_equal(fixture_init(&fx, frames * PG, true), 0);
}

static inline void
end(void)
{
	assert_int_equal(swap_space_used(fx.sys.swap), 0);
	fixture_fini(&fx);
}

/* Page out everything that can go to swap. */
static inline uint64_t
page_out(void)
{
	return (vm_pageout_reclaim(&fx.sys, fx.sys.phys->npages));
}

static inline uint64_t
value(uint64_t page, uint64_t version)
{
	return (page * UINT64_C(0x9e3779b97f4a7c15) + version);
}

static inline void
fill(struct vmspace *vm, uint64_t n, uint64_t version)
{
	for (uint64_t i = 0; i < n; i++) {
		store(vm, BASE + i * PG, value(i, version));
		store(vm, BASE + i * PG + PG - 8, ~value(i, version));
	}
}

static inline void
verify(struct vmspace *vm, uint64_t n, uint64_t version)
{
	for (uint64_t i = 0; i < n; i++) {
		assert_int_equal(load(vm, BASE + i * PG), value(i, version));
		assert_int_equal(
		    load(vm, BASE + i * PG + PG - 8), ~value(i, version));
	}
}

#endif /* TESTS_VM_SWAP_TESTLIB_H */
