/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pageout: frames from pages that are not in use, when free ones run short.
 */
#ifndef VM_PAGEOUT_VM_PAGEOUT_H
#define VM_PAGEOUT_VM_PAGEOUT_H

#include "mem/vm_types.h"
#include "vm/object/vm_object.h"

/*
 * Start and stop the pageout daemon of a system.  Without one, everything
 * works, but only threads that find no memory do the work.  0, EAGAIN, ENOMEM.
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

/* The pageout state of a system: made with it, destroyed with it.  0, ENOMEM.
 */
int vm_pageout_create(struct vm_system *);
void vm_pageout_destroy(struct vm_system *);
/*
 * Page out what can be of [start, end): written and freed, mapped or not.
 * No locks held, the caller owns a hold.  Returns frames freed.
 */
uint64_t vm_pageout_range(
    struct vm_object *, vm_pindex_t start, vm_pindex_t end);

#endif /* VM_PAGEOUT_VM_PAGEOUT_H */
