/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Page faults: pages that are not in memory.
 *
 * Purpose
 *   Bring in the page of a fault, and those that will probably be needed next,
 *   from a file, from swap or from a device.
 *
 * Concepts
 *   read    A file is read in blocks of 128 KiB around the fault, or ahead of
 *           it when sequential (256 KiB with MADV_SEQUENTIAL).
 *   swapin  Pages that were written together are read together while the
 *           pattern is sequential: the window doubles up to a cluster, and
 *           shrinks at random access.
 *   device  The device names the frame of one page.
 *
 *   These stages put the page into its object and return ERESTART: the fault
 *   starts over and finds it.
 *
 * Locking and lifetime
 *   Entered with map, first and obj locked.  All locks are released before the
 *   I/O; meanwhile the object is held and counts one paging.
 */
#include "vm/fault/vm_fault_int.h"

#include <errno.h>

#include "vm/pageout/vm_pageout.h"
#include "vm/pager/device_pager.h"
#include "vm/pager/swap_pager.h"
#include "vm/pager/vm_swapcache.h"
#include "vm/pager/vnode_pager.h"

/* ---- pagein ---- */

/* The absent pages of the file to read: indices of fi->obj. */
static void
read_range(struct vm_faultinfo *fi, vm_pindex_t *lo, vm_pindex_t *hi)
{
	vm_pindex_t idx = fi->idx;

	if (vm_fault_single(fi)) {
		*lo = idx;
		*hi = idx + 1;
		return;
	}
	if ((fi->entry->eflags & MAP_ENTRY_SEQUENTIAL) != 0) {
		*lo = idx;
		*hi = idx + VM_FAULT_READ_SEQ;
	} else {
		*lo = vm_fault_sequential(fi)
			  ? idx
			  : idx & ~(vm_pindex_t)(VM_FAULT_READ - 1);
		*hi = *lo + VM_FAULT_READ;
	}
	if (*hi > fi->obj->size)
		*hi = fi->obj->size;
	vm_fault_clip_absent(fi->obj, lo, idx, hi);
}

int
vm_fault_pagein(struct vm_faultinfo *fi)
{
	struct vm_object *o = fi->obj;
	struct vm_page *run = NULL;
	vm_pindex_t lo, hi, start = 0;
	unsigned n = 0;
	int error;

	if (fi->idx < o->size) {
		read_range(fi, &lo, &hi);
		n = vm_fault_alloc_cover(o, lo, fi->idx, hi, &run);
		if (n == 0)
			return (ENOMEM);
		start = run->pindex;
		vm_fault_advance(fi, fi->va + IDX_TO_OFF(start + n - fi->idx));
	}
	vm_object_hold(o);
	vm_object_paging_begin(o);
	vm_fault_unlock(fi, FAULT_ALL);
	if (n == 0)
		error = vnode_pager_refresh(o, fi->idx);
	else {
		fi->major = true;
		error =
		    vnode_pager_fill(o, run, n, (unsigned)(fi->idx - start));
		atomic_fetch_add_explicit(
		    &fi->vm->usage.filein, n, memory_order_relaxed);
	}
	vm_object_drop(o);
	return (error != 0 ? error : ERESTART);
}

/* ---- swapin ---- */

/*
 * How many pages to bring in at once, from the fault on: pages that were
 * written together are read together while the pattern is sequential.  Swap is
 * read when memory is short, so needless pages are expensive.
 */
static unsigned
swap_window(struct vm_faultinfo *fi)
{
	struct vm_map_entry *e = fi->entry;
	uint64_t left = (e->end - fi->va) >> PAGE_SHIFT;
	unsigned w = atomic_load_explicit(&e->window, memory_order_relaxed);

	if ((e->eflags & MAP_ENTRY_RANDOM) != 0)
		return (1);
	if ((e->eflags & MAP_ENTRY_SEQUENTIAL) != 0)
		w = SWAP_CLUSTER;
	else if (vm_fault_sequential(fi))
		w = w < 4 ? 4 : 2 * w;
	else
		w = w > 8 ? 4 : 1;
	if (w > SWAP_CLUSTER)
		w = SWAP_CLUSTER;
	atomic_store_explicit(&e->window, w, memory_order_relaxed);
	return (w < left ? w : (unsigned)left);
}

/*
 * Bring in pages of a file from the swapcache.  Called with the object locked,
 * returns unlocked.  0: the fault starts over, perhaps to read the file;
 * ENOMEM.
 */
static int
swapin_file(struct vm_object *o, vm_pindex_t idx, unsigned n, unsigned *got)
{
	int error = 0;

	vm_object_paging_begin(o);
	vm_object_unlock(o);
	vm_swapcache_validate(o);
	vm_object_lock(o);
	if (vm_slot_is_swap(vm_object_slot(o, idx))) {
		error = swap_pager_getpages(o, idx, n, got);
		vm_object_lock(o);
		/* The block cannot be read: drop it and read the file. */
		if (error == EIO && vm_slot_is_swap(vm_object_slot(o, idx)))
			vm_object_swap_drop(o, idx);
		if (error == 0)
			vm_stat_add(o->sys, VMST_CACHEIN, *got);
	}
	vm_object_paging_end(o);
	vm_object_unlock(o);
	return (error == ENOMEM ? ENOMEM : 0);
}

/* The same for anonymous memory: a stall.  0, ENOMEM, EIO. */
static int
swapin_anon(struct vm_object *o, vm_pindex_t idx, unsigned n, unsigned *got)
{
	struct vm_system *sys = o->sys;
	int error;

	vm_pageout_stall_begin(sys);
	error = swap_pager_getpages(o, idx, n, got);
	vm_pageout_stall_end(sys);
	if (error == 0)
		vm_pageout_returned(sys, *got);
	return (error);
}

int
vm_fault_swapin(struct vm_faultinfo *fi)
{
	vm_pindex_t idx = fi->idx;
	unsigned got = 1, n = swap_window(fi);
	struct vm_object *o;
	int error;

	vm_fault_advance(fi, fi->va + n * PAGE_SIZE);
	o = vm_fault_take_obj(fi);
	fi->major = true;
	error = o->vops != NULL ? swapin_file(o, idx, n, &got)
				: swapin_anon(o, idx, n, &got);
	vm_object_drop(o);
	if (error != 0)
		return (error);
	atomic_fetch_add_explicit(
	    &fi->vm->usage.swapin, got, memory_order_relaxed);
	return (ERESTART);
}

/* ---- devices ---- */

int
vm_fault_device(struct vm_faultinfo *fi)
{
	struct vm_object *o = fi->obj;
	int error;

	vm_object_hold(o);
	vm_object_paging_begin(o);
	vm_fault_unlock(fi, FAULT_ALL);
	error = device_pager_fault(o, fi->idx, fi->access);
	vm_object_drop(o);
	return (error != 0 ? error : ERESTART);
}
