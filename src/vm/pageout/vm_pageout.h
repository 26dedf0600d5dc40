/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pageout: frees frames of pages that are not in use, when few are free.
 */
#ifndef VM_PAGEOUT_VM_PAGEOUT_H
#define VM_PAGEOUT_VM_PAGEOUT_H

#include "mem/vm_types.h"
#include "vm/object/vm_object.h"

/*
 * Start and stop the pageout daemon of a system.  Without it only threads that
 * find no free frame do the work.  0, EAGAIN, ENOMEM.
 */
int vm_pageout_start(struct vm_system *);
void vm_pageout_stop(struct vm_system *);
/*
 * Free at least `want` frames: from clean file pages, from dirty ones by
 * writing them back, from anonymous ones by writing them to swap.  Only pages
 * that are not busy, wired or held; those not used lately first.
 * - No locks held; does I/O.  Returns frames freed, 0: no page can be freed.
 */
uint64_t vm_pageout_reclaim(struct vm_system *, uint64_t want);
/*
 * Shrink an idle system: page out whatever can be until at most `target` bytes
 * of guest memory are in use, and give the free memory back to the host.
 * - No locks held.  Returns bytes given back to the host.
 */
uint64_t vm_system_shrink(struct vm_system *, uint64_t target);

/* A thread waits for pages of anonymous memory from swap, or for a frame:
 * begin and end.  No lock of rank LEAF is held. */
void vm_pageout_stall_begin(struct vm_system *);
void vm_pageout_stall_end(struct vm_system *);
/* So many pages came back from swap. */
void vm_pageout_returned(struct vm_system *, uint64_t pages);

/* The pageout state of a system: made with it, destroyed with it.  0, ENOMEM.
 */
int vm_pageout_create(struct vm_system *);
void vm_pageout_destroy(struct vm_system *);
/*
 * Page out the pages of [start, end) that can be freed, mapped or not.
 * No locks held, the caller owns a hold.  Returns frames freed.
 */
uint64_t vm_pageout_range(
    struct vm_object *, vm_pindex_t start, vm_pindex_t end);

#endif /* VM_PAGEOUT_VM_PAGEOUT_H */
