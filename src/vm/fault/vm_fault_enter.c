/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Page faults: entering translations.
 *
 * Purpose
 *   Translate the page of the fault and the resident pages around it: each of
 *   these costs only a translation, and saves a fault.
 *
 * Concepts
 *   around  Every fault enters the resident neighbours in its 128 KiB window.
 *   run     Neighbours in address, frame and rights are entered by one
 *           pmap_enter(), which is one operation of the machine.
 *   middle  A neighbour is taken from `obj` only if no object in front of obj
 *           has it.  One object may be in between: when a program runs from a
 *           resident image, the chain is its copy, the image, the file.  That
 *           object is locked, too, until translations or copies are made: a
 *           thread that makes a page in it afterwards finds them, and removes
 *           the stale ones.
 *
 * Locking and lifetime
 *   The middle object comes before obj in the lock order, so its lock is only
 *   tried: the thread that has it may wait for a lock of this fault.
 *
 * Guarantees
 *   No neighbour gets more rights than a fault at its address would give.  A
 *   failure to enter a neighbour is not a failure of the fault.
 *
 * Limits
 *   Only the first three objects of a chain are looked at, and the third one
 *   only if the lock of the second one is free: an object that is in between
 *   and not locked may have the neighbour.  A page of a deeper object needs a
 *   fault of its own.
 */
#include "pmap/pmap.h"
#include "vm/fault/vm_fault_int.h"

/* ---- runs ---- */

/* Translations that wait to be entered together. */
struct enter_run {
	vm_offset_t va;
	vm_frame_t frame;
	unsigned n;
	vm_prot_t prot;
};

static int
run_flush(struct vm_faultinfo *fi, struct enter_run *r)
{
	int error = 0;
	bool main = fi->va >= r->va && fi->va < r->va + r->n * PAGE_SIZE;

	if (r->n != 0)
		error =
		    pmap_enter(fi->map->pmap, r->va, r->frame, r->n, r->prot);
	r->n = 0;
	return (main ? error : 0);
}

static int
run_add(struct vm_faultinfo *fi, struct enter_run *r, vm_offset_t va,
    struct vm_page *m, vm_prot_t prot)
{
	vm_frame_t frame = vm_page_frame(fi->sys->phys, m);
	int error = 0;

	m->flags |= PG_MAPPED;
	if (r->n != 0 && r->prot == prot && r->frame + r->n == frame &&
	    r->va + r->n * PAGE_SIZE == va) {
		r->n++;
		return (0);
	}
	error = run_flush(fi, r);
	r->va = va;
	r->frame = frame;
	r->n = 1;
	r->prot = prot;
	return (error);
}

/* ---- the object in between ---- */

bool
vm_fault_lock_mid(struct vm_faultinfo *fi)
{
	/* first refs it; while first is locked, first->backing stays. */
	struct vm_object *mid = fi->first->backing;

	if (fi->obj == fi->first || fi->obj == mid || !vm_object_trylock(mid))
		return (false);
	if (mid->backing != fi->obj) {
		vm_object_unlock(mid);
		return (false);
	}
	fi->mid = mid;
	fi->held |= FAULT_MID;
	return (true);
}

bool
vm_fault_front_absent(const struct vm_faultinfo *fi, vm_pindex_t d)
{
	const struct vm_object *first = fi->first, *mid = fi->mid;
	vm_pindex_t i = fi->first_idx + d;

	if (i >= first->size || vm_object_slot(first, i) != 0)
		return (false);
	if ((fi->held & FAULT_MID) == 0)
		return (true);
	i += OFF_TO_IDX(first->backing_off);
	return (i < mid->size && vm_object_slot(mid, i) == 0);
}

/* ---- around ---- */

/* A page to enter at va besides the one of the fault, or NULL. */
static struct vm_page *
around_page(struct vm_faultinfo *fi, vm_offset_t va, vm_prot_t *prot)
{
	/* Modulo 2^64, so that it works downwards too. */
	vm_pindex_t d = OFF_TO_IDX(va - fi->entry->start) -
			OFF_TO_IDX(fi->va - fi->entry->start);
	struct vm_page *m;
	vm_frame_t frame;
	vm_prot_t has;

	if (fi->obj != fi->first && !vm_fault_front_absent(fi, d))
		return (NULL);
	m = vm_page_lookup(fi->obj, fi->idx + d);
	if (m == NULL || (m->flags & (PG_BUSY | PG_VALID)) != PG_VALID)
		return (NULL);
	*prot = vm_fault_prot(fi, m);
	if (pmap_lookup(fi->map->pmap, va, &frame, &has) &&
	    frame == vm_page_frame(fi->sys->phys, m) && (*prot & ~has) == 0)
		return (NULL);
	return (m);
}

int
vm_fault_enter(struct vm_faultinfo *fi)
{
	const struct vm_map_entry *e = fi->entry;
	vm_offset_t lo = fi->va & ~(VM_FAULT_AROUND * PAGE_SIZE - 1);
	vm_offset_t hi = lo + VM_FAULT_AROUND * PAGE_SIZE;
	struct enter_run run = {.n = 0};
	bool near = vm_fault_lock_mid(fi) || fi->obj == fi->first ||
		    fi->obj == fi->first->backing;
	struct vm_page *m;
	vm_prot_t prot;
	unsigned around = 0;
	int error = 0;

	if ((e->eflags & MAP_ENTRY_RANDOM) != 0 || !near) {
		lo = fi->va;
		hi = lo + PAGE_SIZE;
	}
	lo = lo < e->start ? e->start : lo;
	hi = hi > e->end ? e->end : hi;
	for (vm_offset_t va = lo; va < hi && error == 0; va += PAGE_SIZE) {
		if (va == fi->va) {
			m = fi->m;
			prot = vm_fault_prot(fi, m);
		} else if ((m = around_page(fi, va, &prot)) != NULL)
			around++;
		if (m != NULL)
			error = run_add(fi, &run, va, m, prot);
	}
	if (error == 0)
		error = run_flush(fi, &run);
	if (around != 0) {
		vm_stat_add(fi->sys, VMST_AROUND, around);
		atomic_fetch_add_explicit(
		    &fi->vm->usage.around, around, memory_order_relaxed);
	}
	return (error);
}
