/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Ten thousand rounds of: fork, a write by the parent, a write by the child,
 * exit of the child.  The chain of objects must stay short, and frames and swap
 * must not grow.  The times of the first and the last rounds are printed but
 * not checked.  The rounds run once with enough memory and once with pageout.
 *
 *   fork_rounds [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_fake.h"
#include "machine/fake/pmap_soft.h"
#include "pmap/pmap.h"
#include "vm/pager/swap_pager.h"
#include "mem/vm_zone.h"
#include "vm/vmspace.h"
#include "vm/pageout/vm_pageout.h"

#define PAGES 64
#define BASE ((vm_offset_t)0x10000000)
#define VA(i) (BASE + (uint64_t)(i)*PAGE_SIZE)
#define ULL(x) ((unsigned long long)(x))

static struct vm_system sys;
static struct host_fake fake;

#define CHECK(x)                                                            \
	do {                                                                \
		if (!(x)) {                                                 \
			printf("FAIL %s:%d: %s\n", __FILE__, __LINE__, #x); \
			exit(1);                                            \
		}                                                           \
	} while (0)

static void
put(struct vmspace *vm, unsigned page, uint64_t v)
{
	CHECK(copyout(vm, &v, VA(page), sizeof(v)) == 0);
}

static uint64_t
get(struct vmspace *vm, unsigned page)
{
	uint64_t v;

	CHECK(copyin(vm, &v, VA(page), sizeof(v)) == 0);
	return (v);
}

static unsigned
depth(struct vmspace *vm)
{
	struct vm_entry_info e;

	CHECK(vmspace_entry_info(vm, BASE, &e) == 0);
	return (e.depth);
}

static uint64_t
used(void)
{
	return (sys.phys->npages - atomic_load(&sys.phys->nfree));
}

static void
round_of(struct vmspace *vm, uint64_t i, uint64_t *want)
{
	unsigned a = (unsigned)(i * 7 % PAGES), b = (unsigned)(i * 13 % PAGES);
	struct vmspace *c;

	CHECK(vmspace_fork(vm, &c) == 0);
	want[a] = i;
	put(vm, a, i);
	put(c, b, ~i);
	CHECK(get(c, b) == ~i);
	CHECK(get(vm, a) == i && get(vm, b) == want[b]);
	CHECK(depth(vm) <= 2 && depth(c) <= 3);
	vmspace_free(c);
	CHECK(depth(vm) <= 2);
}

static void
rounds(uint64_t n, uint64_t pageout_every)
{
	struct vm_system_config cf = {
	    .mem = 1024 * PAGE_SIZE, .pmap_ops = &pmap_soft_ops};
	struct swap_area_config area = {
	    .kind = SWAP_LZ4, .size = 4096 * PAGE_SIZE, .fd = -1};
	uint64_t want[PAGES], began = 0, t, frames = 0, first = 0, last = 0;
	vm_offset_t at = BASE;
	struct vmspace *vm;
	unsigned nr;

	cf.host = host_fake(&fake);
	CHECK(vm_system_init(&sys, &cf) == 0);
	CHECK(vm_swapon(&sys, &area, &nr) == 0);
	CHECK(vmspace_alloc(&sys, &vm) == 0);
	CHECK(
	    vm_mmap(vm, &at, PAGES * PAGE_SIZE, 3, 7, VMM_FIXED, NULL, 0) == 0);
	for (unsigned p = 0; p < PAGES; p++) {
		want[p] = p;
		put(vm, p, p);
	}
	for (uint64_t i = 0; i < n; i++) {
		if (i % (n / 10) == 0)
			began = host_now_ns();
		round_of(vm, i, want);
		if (pageout_every != 0 && i % pageout_every == 0)
			(void)vm_pageout_reclaim(&sys, 16);
		if ((i + 1) % (n / 10) != 0)
			continue;
		t = (host_now_ns() - began) / (n / 10);
		first = first == 0 ? t : first;
		last = t;
		/* Page out everything: then swap holds all live pages. */
		(void)vm_pageout_reclaim(&sys, sys.phys->npages);
		CHECK(used() == 0);
		frames = frames == 0 ? swap_space_used(sys.swap) : frames;
		CHECK(swap_space_used(sys.swap) == frames);
		CHECK(vm_check_vmspace(vm) == 0 && vm_check_system(&sys) == 0);
	}
	for (unsigned p = 0; p < PAGES; p++)
		CHECK(get(vm, p) == want[p]);
	CHECK(frames == PAGES);
	vmspace_free(vm);
	CHECK(used() == 0 && swap_space_used(sys.swap) == 0);
	CHECK(vm_zone_set_live(sys.zones) == 0);
	vm_system_destroy(&sys);
	CHECK(atomic_load(&fake.live) == 0);
	printf("%llu rounds%s: %llu ns each in the first tenth, %llu in the "
	       "last\n",
	    ULL(n), pageout_every != 0 ? " with pageout" : "", ULL(first),
	    ULL(last));
}

int
main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 0) : 10000;

	if (n < 10)
		return (2);
	rounds(n, 0);
	rounds(n, 3);
	return (0);
}
