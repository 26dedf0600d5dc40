/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Frames when memory is short.
 *
 * Purpose: give the last frames only to threads that free memory, and tell the
 * reclaimer in time.
 *
 * Concepts.  The last sys->reserve frames are a reserve: a thread may take
 * them only between vm_reserve_enter() and vm_reserve_leave().  Other threads
 * find nothing, and call vm_frame_starved().  What reclaims frames is in a
 * higher layer and registers struct vm_reclaim_ops.
 *
 * Data structures: `reserve_rights` is thread-local, the one piece of state of
 * this file: how many enters of the calling thread have no leave yet.  The
 * right belongs to the thread and not to a call, since an allocation is many
 * frames below the caller that knows why memory is needed.
 *
 * Limits: two threads may pass the check of the reserve at the same time, so
 * the reserve can be short by the frames of those allocations.
 */
#include "mem/vm_reserve.h"

#include "libk/kassert.h"
#include "mem/vm_page.h"

static _Thread_local unsigned reserve_rights;

void
vm_reserve_enter(void)
{
	reserve_rights++;
}

void
vm_reserve_leave(void)
{
	KASSERT(reserve_rights > 0);
	reserve_rights--;
}

/* May the caller have n frames? */
static inline bool
frame_allowed(const struct vm_system *sys, uint64_t n)
{
	return (atomic_load_explicit(&sys->phys->nfree, memory_order_relaxed) >=
		    sys->reserve + n ||
		sys->reserve == 0 || reserve_rights != 0);
}

/* Frames were taken: high-water mark, and is it time to reclaim? */
static void
frame_note_use(struct vm_system *sys)
{
	uint64_t nfree =
	    atomic_load_explicit(&sys->phys->nfree, memory_order_relaxed);
	uint64_t used = sys->phys->npages - nfree;
	uint64_t peak =
	    atomic_load_explicit(&sys->peak_used, memory_order_relaxed);

	while (used > peak &&
	       !atomic_compare_exchange_weak_explicit(&sys->peak_used, &peak,
		   used, memory_order_relaxed, memory_order_relaxed))
		;
	if (nfree < sys->low && sys->reclaim != NULL)
		sys->reclaim->low(sys);
}

struct vm_page *
vm_frame_alloc(struct vm_system *sys, unsigned order)
{
	struct vm_page *m = NULL;

	if (frame_allowed(sys, (uint64_t)1 << order))
		m = vm_phys_alloc(sys->phys, order);
	if (m != NULL)
		frame_note_use(sys);
	return (m);
}

bool
vm_frame_starved(struct vm_system *sys, uint64_t want)
{
	return (sys->reclaim != NULL && sys->reclaim->starved(sys, want));
}
