/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pages of objects: allocation into an object's index, busy, move, free, and
 * the way between memory and swap.
 */
#ifndef VM_OBJECT_VM_OBJECT_PAGE_H
#define VM_OBJECT_VM_OBJECT_PAGE_H

#include "mem/vm_page.h"

struct vm_object;

/*
 * The object of a page, read without the lock that protects it, for a scan
 * that finds pages by frame.  Objects are type-stable; the caller must hold
 * and lock the object, and then compare again.
 */
__attribute__((no_sanitize("thread"))) static inline struct vm_object *
vm_page_owner(const struct vm_page *m)
{
	return (*(struct vm_object *const volatile *)&m->object);
}

/*
 * Allocate a page for (object, pindex) and insert it, busy and not valid.
 * - Object locked; stays locked.  No page may be there already.
 * - NULL: no frame or no radix node.  Does not reclaim: the caller calls
 *   vm_frame_starved() with the locks dropped.
 */
struct vm_page *vm_page_alloc(struct vm_object *, vm_pindex_t);
/*
 * Allocate up to n (<= 512) consecutive pages at pindex as one contiguous
 * run of frames where possible, stopping at the first index that is occupied
 * or where no frame can be had.  All are busy.  Returns how many, 0..n; the
 * first is *out, neighbours in the frame array.
 */
unsigned vm_page_alloc_run(
    struct vm_object *, vm_pindex_t, unsigned n, struct vm_page **out);
/*
 * Allocate a page for an index whose contents are in swap, in place of the
 * block in the index; busy, not valid, and its `swap` is that block.
 * - Object locked.  NULL: no frame.
 */
struct vm_page *vm_page_alloc_swapped(struct vm_object *, vm_pindex_t);
/*
 * The opposite: the page leaves, the block `blk` with its contents takes its
 * place in the index.  Conditions of vm_page_free(); the page is busied by the
 * caller.  Cannot fail.
 */
void vm_page_to_swap(struct vm_page *, uint64_t blk);
/* Free the copy of the page in swap, if there is one.  Object locked. */
void vm_page_drop_swap(struct vm_page *);
/*
 * Call before the page is written to, or gets a translation that allows it: a
 * copy in swap is freed; a page of a file becomes dirty.  Object locked, page
 * not busy by another thread.
 */
void vm_page_dirty(struct vm_page *);
/* Resident page or NULL (also when it is in swap).  Object locked. */
struct vm_page *vm_page_lookup(struct vm_object *, vm_pindex_t);
/*
 * Take the page out of its object and free the frame (or leave that to the
 * last unhold).  Object locked, page not wired; it must not be mapped in any
 * pmap (translations removed and synced).  A busy page must be busied by the
 * caller.
 */
void vm_page_free(struct vm_page *);
/* Move to another object; both locked, page not busy by others. ENOMEM:
 * nothing changed.  Keeps flags, swap copy and translations. */
int vm_page_rename(struct vm_page *, struct vm_object *, vm_pindex_t);
/* Busy: object locked.  try: false when busy by another. */
bool vm_page_busy_try(struct vm_page *);
void vm_page_unbusy(struct vm_page *);
/* Wait until the page is no longer busy; drops and retakes the object lock:
 * the caller must look the page up again. */
void vm_page_busy_wait(struct vm_object *, struct vm_page *);

/*
 * Enter frame f, which must be one of the device part and in no other object,
 * as the valid, fictitious page at idx, where nothing is.  Object locked.
 * - 0; EIO (not such a frame), ENOMEM.
 */
int vm_page_enter_fictitious(struct vm_object *, vm_pindex_t idx, vm_frame_t f);
/* Take a fictitious page out of its object.  Object locked, page unmapped and
 * not busy. */
void vm_page_remove_fictitious(struct vm_page *);
/* The same for a caller that removes the whole index itself. */
void vm_page_forget_fictitious(struct vm_page *);

#endif /* VM_OBJECT_VM_OBJECT_PAGE_H */
