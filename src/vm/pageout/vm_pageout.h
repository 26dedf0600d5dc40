/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pageout: frames from pages that are not in use, when free ones run short.
 */
#ifndef VM_PAGEOUT_VM_PAGEOUT_H
#define VM_PAGEOUT_VM_PAGEOUT_H

#include "mem/vm_types.h"

/*
 * Start and stop the pageout daemon of a system.  Without one, everything
 * works, but only those who find no memory do the work.  0, EAGAIN, ENOMEM.
 */
int vm_pageout_start(struct vm_system *);
void vm_pageout_stop(struct vm_system *);
/*
 * Free at least `want` frames: from clean file pages, from dirty ones by
 * writing them back, from anonymous ones by writing them to swap.  Pages that
 * no one busies, wires or holds; those not used lately first.
 * - No locks held; does I/O.  Returns frames freed, 0: there is nothing left
 *   that could be freed.
 */
uint64_t vm_pageout_reclaim(struct vm_system *, uint64_t want);
/*
 * Shrink an idle system: page out whatever can be until at most `target` bytes
 * of guest memory are in use, and give the free memory back to the host.
 * - No locks held.  Returns bytes given back to the host.
 */
uint64_t vm_system_shrink(struct vm_system *, uint64_t target);

/*
 * A fault or another allocation has found no frame: do or wait for some
 * pageout.  True: try again; false: nothing can be freed.  No locks held.
 */
bool vm_pageout_starved(struct vm_system *, uint64_t want);
/* Frames have become few: called after an allocation, any locks below LEAF
 * held. */
void vm_pageout_wake(struct vm_system *);
/* The pageout state of a system: made with it, destroyed with it.  0, ENOMEM.
 */
int vm_pageout_create(struct vm_system *);
void vm_pageout_destroy(struct vm_system *);
/*
 * The right to the reserve (sys->reserve frames) of the calling thread: +1
 * takes it, -1 gives it up, 0 asks.  For threads that are about to free
 * memory: pageout itself, and guest threads on their way out.
 */
bool vm_pageout_right(int change);

#endif /* VM_PAGEOUT_VM_PAGEOUT_H */
