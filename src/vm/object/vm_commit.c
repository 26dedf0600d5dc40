/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Commit charge.
 *
 * Concepts.  A mapping that may need memory of its own is charged with its
 * length when it is made, long before a page of it is touched: private entries
 * that are or were writable to their map (vm_map.c), shared anonymous memory to
 * its object.  sys->committed is the sum.  The pages of named objects (tmpfs,
 * System V segments), which no mapping is charged for, are added where the sum
 * is used.
 *
 * A system that reserves refuses a charge beyond swap and commit_max, which is
 * memory without the frames that pageout keeps free (vm_system.c), so that a
 * program is refused a mapping, and is not killed later at a touch.  Any other
 * system refuses none: only touched memory counts, as in a memory cgroup, and
 * the out-of-memory policy is what limits it.  The sum is kept in both, because
 * /proc/meminfo shows it.
 *
 * Locking: one atomic.  Swap may be removed while the sum depends on it; then
 * charges are refused until enough has been given back.
 *
 * Guarantees: in a system that reserves, no charge is granted that makes the
 * sum exceed what memory and swap are at that moment.
 *
 * Limits: pages of files are not in the sum, and the pages of named objects are
 * charged one by one and never refused here, so a system that reserves can run
 * out of memory, too.  A mapping that replaces shared anonymous memory needs
 * both charges for a moment, because the old object ends later.
 */
#include "vm/object/vm_commit.h"

#include <errno.h>

#include "libk/kassert.h"
#include "mem/vm_page.h"
#include "vm/swap/swap_space.h"

static uint64_t
named_bytes(const struct vm_system *sys)
{
	return (atomic_load_explicit(&sys->named_pages, memory_order_relaxed) *
		PAGE_SIZE);
}

/* base, and all of swap. */
static uint64_t
with_swap(const struct vm_system *sys, uint64_t base)
{
	uint64_t swap = swap_space_size(sys->swap) * PAGE_SIZE;

	return (base > UINT64_MAX - swap ? UINT64_MAX : base + swap);
}

int
vm_commit_reserve(struct vm_system *sys, uint64_t bytes)
{
	uint64_t max, named, used;

	if (sys->commit_max == UINT64_MAX) {
		atomic_fetch_add_explicit(
		    &sys->committed, bytes, memory_order_relaxed);
		return (0);
	}
	max = with_swap(sys, sys->commit_max);
	named = named_bytes(sys);
	max = max > named ? max - named : 0;
	used = atomic_load_explicit(&sys->committed, memory_order_relaxed);
	do {
		if (used > max || bytes > max - used)
			return (ENOMEM);
	} while (!atomic_compare_exchange_weak_explicit(&sys->committed, &used,
	    used + bytes, memory_order_relaxed, memory_order_relaxed));
	return (0);
}

void
vm_commit_release(struct vm_system *sys, uint64_t bytes)
{
	uint64_t was = atomic_fetch_sub_explicit(
	    &sys->committed, bytes, memory_order_relaxed);

	KASSERT(was >= bytes);
}

uint64_t
vm_commit_used(const struct vm_system *sys)
{
	return (atomic_load_explicit(&sys->committed, memory_order_relaxed) +
		named_bytes(sys));
}

uint64_t
vm_commit_limit(const struct vm_system *sys)
{
	uint64_t base = sys->phys->npages - sys->low - sys->reserve;

	return (with_swap(sys, base * PAGE_SIZE));
}
