/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Frames when memory is short: the reserve, and the way to a reclaimer.
 */
#ifndef MEM_VM_RESERVE_H
#define MEM_VM_RESERVE_H

#include "mem/vm_types.h"

/*
 * What reclaims frames.  Pageout registers it (sys->reclaim); without one no
 * frame is ever reclaimed.
 */
struct vm_reclaim_ops {
	/* Free frames are below sys->low: called after an allocation, with any
	 * locks below LEAF held. */
	void (*low)(struct vm_system *);
	/* See vm_frame_starved(). */
	bool (*starved)(struct vm_system *, uint64_t want);
};

/*
 * Allocate a run of 1 << order frames for an object.
 * - NULL: no run of that order is free, or only the reserve is left and the
 *   calling thread has no right to it.  Does not block.
 */
struct vm_page *vm_frame_alloc(struct vm_system *, unsigned order);
/*
 * The caller has found no frame: reclaim about `want` frames, or wait for a
 * reclaim that is under way.  True: try again; false: nothing can be freed.
 * - No locks held; may do I/O.
 */
bool vm_frame_starved(struct vm_system *, uint64_t want);
/*
 * Take and give up the calling thread's right to the reserve (sys->reserve
 * frames).  For threads that are about to free memory: pageout, and guest
 * threads that exit.  Calls nest.
 */
void vm_reserve_enter(void);
void vm_reserve_leave(void);

#endif /* MEM_VM_RESERVE_H */
