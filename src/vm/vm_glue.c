/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Swapping whole address spaces out and in.
 *
 * Purpose: a stopped process does not touch its memory.  When memory is short,
 * all of it is paged out, before memory of running processes, and is brought
 * back in large pieces when the process continues.
 *
 * Concepts: both directions go through the map entry by entry and give the
 * advice PAGEOUT or WILLNEED of madvise; the map may change meanwhile.  kern
 * chooses the process and the time (sys->swap_idle, kern/base/glue.c).
 *
 * Locking: no lock is held from one entry to the next.
 *
 * Limits: memory that is shared with others stays, and so do pages that are
 * locked or pinned.
 */
#include "vm/vm_glue.h"

#include "abi/mman.h"
#include "vm/map/vm_map_int.h"
#include "mem/vm_page.h"

#define SWAPIN_PIECE ((uint64_t)1 << 20)

/* The first mapped range at or above *at: true, and *at moves behind it. */
static bool
next_range(
    struct vmspace *vm, vm_offset_t *at, vm_offset_t *start, vm_offset_t *end)
{
	const struct vm_map_entry *e;

	vm_map_lock_read(&vm->map);
	e = vm->map.dead ? NULL : vm_map_first(&vm->map, *at);
	if (e != NULL) {
		*start = e->start;
		*at = *end = e->end;
	}
	vm_map_unlock_read(&vm->map);
	return (e != NULL);
}

uint64_t
vmspace_swapout(struct vmspace *vm)
{
	uint64_t before = vmspace_anonymous_count(vm), after;
	vm_offset_t at = 0, start, end;

	while (next_range(vm, &at, &start, &end))
		(void)vm_madvise(vm, start, end - start, LX_MADV_PAGEOUT);
	after = vmspace_anonymous_count(vm);
	return (before > after ? before - after : 0);
}

static bool
memory_plenty(const struct vm_system *sys)
{
	return (atomic_load(&sys->phys->nfree) > sys->phys->npages / 4);
}

void
vmspace_swapin(struct vmspace *vm)
{
	vm_offset_t at = 0, start, end;
	uint64_t n;

	while (next_range(vm, &at, &start, &end))
		for (; start < end && memory_plenty(vm->sys); start += n) {
			n = end - start < SWAPIN_PIECE ? end - start
						       : SWAPIN_PIECE;
			(void)vm_madvise(vm, start, n, LX_MADV_WILLNEED);
		}
}
