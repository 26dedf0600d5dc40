/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* The swapcache: clean pages of files kept in swap. */
#ifndef VM_PAGER_VM_SWAPCACHE_H
#define VM_PAGER_VM_SWAPCACHE_H

#include "vm/object/vm_object.h"

/*
 * Keep at most `pages` pages of files in swap (0: none, the default), and write
 * at most `rate` of them a second (0: no limit).  Any time.
 */
void vm_swapcache_set(struct vm_system *, uint64_t pages, uint64_t rate);
/* Does the swapcache keep pages of this object?  Object locked. */
bool vm_swapcache_on(const struct vm_object *);
/*
 * May one more clean page of the object be written?  True: it is counted.
 * Object locked.
 */
bool vm_swapcache_take(struct vm_object *);
/*
 * Do the object's pages and blocks still have the contents of the file?  If
 * not, the blocks are dropped.
 * - No locks held, the caller owns a hold and, through a paging count, the
 *   vnode.
 */
bool vm_swapcache_validate(struct vm_object *);
/* Take the stamp before pages are read from the file.  The same conditions. */
void vm_swapcache_filling(struct vm_object *);
/* Drop blocks until a quarter of the limit is free; `hard` (swap is full): drop
 * half of them.  No locks held. */
void vm_swapcache_clean(struct vm_system *, bool hard);
/* Count the pages of files in swap, by a walk over all objects. */
uint64_t vm_swapcache_count(struct vm_system *);

#endif /* VM_PAGER_VM_SWAPCACHE_H */
