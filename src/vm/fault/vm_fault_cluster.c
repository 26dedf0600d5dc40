/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Fault clustering: the stages of a fault that make new pages.
 *
 * Purpose
 *   A fault costs far more than a page: leaving user code, the walk, a change
 *   of the machine's translations.  A fault that makes the neighbouring pages
 *   saves their faults.  The window is chosen from the access pattern so far,
 *   because a page that is never used wastes memory.
 *
 * Concepts
 *   ahead   Zeroed pages cost memory.  The first fault in an entry takes 64 KiB
 *           around it (less in a smaller entry).  A fault where the last run
 *           ended doubles the window up to 2 MiB; any other fault is random
 *           access and shrinks it to 4 pages, the next to 1.  So a sequential
 *           program at most doubles its memory, and a program with random
 *           access wastes 20 pages an entry.
 *   copy    Copies on write take 16 pages when sequential, 8 at the first
 *           write to an entry and in private mappings of files (the data of
 *           programs: relocation writes most of it), otherwise one.  A
 *           program that writes every fourth page looks sequential, and a
 *           needless copy cannot be distinguished from a written page: so more
 *           than one page is copied only while half of memory is free.
 *   MADV_RANDOM, or less than a sixteenth of memory free, means single pages.
 *   So does an entry that user code serves, which is to know of each page.
 *
 *   A cluster is a run: consecutive addresses, indices and frames.  So it is
 *   zeroed in one piece, read by one call, and entered by one pmap_enter().
 *
 * Locking and lifetime
 *   Entered with the map, the first object and the last object of the walk
 *   locked.  A zeroed neighbour may be made in the first object only if no
 *   object of the chain has it.  That is known when the chain ends at the first
 *   object or right behind it, because both are locked then.  A neighbour may
 *   be copied from the third object if the second object is locked as well
 *   (vm_fault_enter.c).
 *
 * Guarantees
 *   A page made ahead is the page that a fault at its address would have made.
 *
 * Limits
 *   The pattern is kept for an entry, not for a thread: two threads that walk
 *   one entry in different places look random.
 */
#include "vm/fault/vm_fault_int.h"

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "pmap/pmap.h"

/* ---- windows ---- */

static bool
memory_low(const struct vm_system *sys)
{
	return (atomic_load_explicit(&sys->phys->nfree, memory_order_relaxed) <
		sys->phys->npages / 16);
}

/* Is there enough memory for copies that may never be written? */
static bool
memory_plenty(const struct vm_system *sys)
{
	return (atomic_load_explicit(&sys->phys->nfree, memory_order_relaxed) >
		sys->phys->npages / 2);
}

bool
vm_fault_single(const struct vm_faultinfo *fi)
{
	return ((fi->entry->eflags & MAP_ENTRY_RANDOM) != 0 ||
		fi->entry->uffd != NULL || memory_low(fi->sys));
}

bool
vm_fault_sequential(const struct vm_faultinfo *fi)
{
	return (atomic_load_explicit(
		    &fi->entry->next_fault, memory_order_relaxed) == fi->va);
}

void
vm_fault_advance(struct vm_faultinfo *fi, vm_offset_t next)
{
	atomic_store_explicit(
	    &fi->entry->next_fault, next, memory_order_relaxed);
}

/* Pages to make for a fault on fresh memory; *around: in an aligned window
 * of that size, else from the fault up. */
static unsigned
zero_window(struct vm_faultinfo *fi, bool *around)
{
	struct vm_map_entry *e = fi->entry;
	uint64_t pages = (e->end - e->start) >> PAGE_SHIFT;
	unsigned w = atomic_load_explicit(&e->window, memory_order_relaxed);

	*around = false;
	if (vm_fault_single(fi))
		return (1);
	if ((e->eflags & MAP_ENTRY_SEQUENTIAL) != 0)
		w = VM_FAULT_AHEAD_MAX;
	else if (atomic_load_explicit(&e->next_fault, memory_order_relaxed) ==
		 0) {
		w = pages < VM_FAULT_AHEAD_MIN ? 4 : VM_FAULT_AHEAD_MIN;
		*around = true;
	} else if (vm_fault_sequential(fi)) {
		w = w < VM_FAULT_AHEAD_MIN ? VM_FAULT_AHEAD_MIN : 2 * w;
		if (w > VM_FAULT_AHEAD_MAX)
			w = VM_FAULT_AHEAD_MAX;
	} else {
		w = w >= VM_FAULT_AHEAD_MIN ? 4 : 1;
		/* A stack is used downwards. */
		if ((e->eflags & MAP_ENTRY_GROWSDOWN) != 0) {
			w = 4;
			*around = true;
		}
	}
	atomic_store_explicit(&e->window, w, memory_order_relaxed);
	return (w);
}

void
vm_fault_clip_absent(
    struct vm_object *o, vm_pindex_t *lo, vm_pindex_t idx, vm_pindex_t *hi)
{
	vm_pindex_t i = idx;
	uint64_t slot;

	if (vm_object_next_slot(o, &i, &slot) && i < *hi)
		*hi = i;
	for (i = idx; i > *lo && vm_object_slot(o, i - 1) == 0;)
		i--;
	*lo = i;
}

unsigned
vm_fault_alloc_cover(struct vm_object *o, vm_pindex_t lo, vm_pindex_t idx,
    vm_pindex_t hi, struct vm_page **run)
{
	vm_pindex_t n = 1;
	unsigned got;

	while (n * 2 <= hi - lo && n < VM_FAULT_AHEAD_MAX)
		n *= 2;
	if (idx >= lo + n)
		lo = idx + n < hi ? idx : hi - n;
	got = vm_page_alloc_run(o, lo, (unsigned)n, run);
	if (got != 0 && idx - lo < got)
		return (got);
	for (unsigned i = 0; i < got; i++)
		vm_page_free(*run + i);
	*run = vm_page_alloc(o, idx);
	return (*run != NULL ? 1 : 0);
}

/* ---- zero ---- */

/* The range of absent pages, as indices of `first`, that the fault may fill. */
static void
zero_range(struct vm_faultinfo *fi, vm_pindex_t *lo, vm_pindex_t *hi)
{
	const struct vm_map_entry *e = fi->entry;
	struct vm_object *o = fi->obj, *first = fi->first;
	vm_pindex_t idx = fi->first_idx, blo, bhi, shift;
	vm_offset_t sva = fi->va, eva;
	bool around;
	unsigned n = zero_window(fi, &around);

	if (around)
		sva &= ~(n * PAGE_SIZE - 1);
	eva = sva + n * PAGE_SIZE;
	sva = sva < e->start ? e->start : sva;
	eva = eva > e->end ? e->end : eva;
	*lo = idx - OFF_TO_IDX(fi->va - sva);
	*hi = idx + OFF_TO_IDX(eva - fi->va);
	if (first->backing != NULL &&
	    (o != first->backing || (o->flags & OBJ_NAMED) != 0)) {
		*lo = idx;
		*hi = idx + 1;
		return;
	}
	vm_fault_clip_absent(first, lo, idx, hi);
	if (o != first) {
		shift = fi->idx - idx;
		blo = *lo + shift;
		bhi = *hi + shift;
		vm_fault_clip_absent(o, &blo, fi->idx, &bhi);
		*lo = blo - shift;
		*hi = bhi - shift;
	}
}

/* May the object, locked, have no more pages? */
static bool
zero_capped(struct vm_object *o)
{
	if ((o->flags & OBJ_CAPPED) == 0)
		return (false);
	vm_object_count_named(o);
	return (vm_object_named_full(o->sys));
}

int
vm_fault_zero(struct vm_faultinfo *fi)
{
	struct vm_system *sys = fi->sys;
	struct vm_object *first = fi->first;
	uint64_t map[VM_PAGE_RUN_WORDS];
	struct vm_page *run;
	vm_pindex_t lo, hi;
	vm_offset_t va;
	unsigned n;
	int error;

	if (zero_capped(first))
		return (EIO);
	zero_range(fi, &lo, &hi);
	n = vm_fault_alloc_cover(first, lo, fi->first_idx, hi, &run);
	if (n == 0)
		return (ENOMEM);
	if ((first->flags & OBJ_CAPPED) != 0)
		vm_object_count_named(first);
	va = fi->entry->start + IDX_TO_OFF(run->pindex) - fi->entry->offset;
	vm_object_paging_begin(first);
	vm_page_zero_prepare(run, n, map);
	vm_fault_unlock(fi, FAULT_OBJECTS);
	vm_page_zero_run(sys->phys, run, n, map);

	vm_fault_lock_first(fi);
	for (unsigned i = 0; i < n; i++) {
		run[i].flags |= PG_VALID | PG_MAPPED;
		run[i].act = VM_ACT_MAX;
	}
	error = pmap_enter(fi->map->pmap, va, vm_page_frame(sys->phys, run), n,
	    vm_fault_prot(fi, NULL));
	for (unsigned i = 0; i < n; i++)
		vm_page_unbusy(run + i);
	vm_object_paging_end(first);
	vm_fault_unlock(fi, FAULT_OBJECTS);

	vm_fault_advance(fi, va + n * PAGE_SIZE);
	vm_stat_add(sys, VMST_ZFOD, n);
	vm_stat_add(sys, VMST_AHEAD, n - 1);
	atomic_fetch_add_explicit(&fi->vm->usage.zfod, n, memory_order_relaxed);
	atomic_fetch_add_explicit(
	    &fi->vm->usage.ahead, n - 1, memory_order_relaxed);
	return (error);
}

/* ---- copy ---- */

/* How many pages a copy on write may copy. */
static unsigned
copy_window(struct vm_faultinfo *fi)
{
	const struct vm_map_entry *e = fi->entry;

	if (vm_fault_single(fi) || !memory_plenty(fi->sys) ||
	    (fi->obj != fi->first->backing && (fi->held & FAULT_MID) == 0))
		return (1);
	if ((e->eflags & MAP_ENTRY_SEQUENTIAL) != 0 || vm_fault_sequential(fi))
		return (VM_FAULT_COPY);
	/* Data of a program or library: relocation and start-up code write
	 * most of it.  Other memory: the first write of many, perhaps. */
	if (fi->obj->vops != NULL ||
	    atomic_load_explicit(&e->next_fault, memory_order_relaxed) == 0)
		return (VM_FAULT_COPY_FIRST);
	return (1);
}

/* The pages to copy, fi->m first: consecutive in va and backing object. */
static unsigned
copy_sources(struct vm_faultinfo *fi, struct vm_page *src[VM_FAULT_COPY])
{
	uint64_t left = (fi->entry->end - fi->va) >> PAGE_SHIFT;
	unsigned n = 1, max = copy_window(fi);
	struct vm_page *m;

	src[0] = fi->m;
	for (; n < max && n < left; n++) {
		if (!vm_fault_front_absent(fi, n))
			break;
		m = vm_page_lookup(fi->obj, fi->idx + n);
		if (m == NULL || (m->flags & (PG_BUSY | PG_VALID)) != PG_VALID)
			break;
		src[n] = m;
	}
	return (n);
}

/* Remove the translations by which other viewers of `first` see the old pages.
 */
static void
copy_hide(struct vm_faultinfo *fi, struct vm_page **src, unsigned n)
{
	struct vm_object *first = fi->first;
	struct vm_system *sys = fi->sys;

	if (vm_life_refs(&first->life) == 1 && first->shadow_count == 0)
		return;
	kmutex_lock(&sys->topology);
	for (unsigned i = 0; i < n; i++)
		if ((src[i]->flags & PG_MAPPED) != 0)
			vm_rmap_reduce(first, fi->first_idx + i,
			    vm_page_frame(sys->phys, src[i]), VM_PROT_NONE);
	vm_rmap_sync(first, fi->first_idx, fi->first_idx + n);
	kmutex_unlock(&sys->topology);
}

int
vm_fault_copy(struct vm_faultinfo *fi)
{
	struct vm_page *src[VM_FAULT_COPY], *run = NULL;
	struct vm_phys *ph = fi->sys->phys;
	unsigned n, want;
	vm_offset_t end;
	int error;

	(void)vm_fault_lock_mid(fi);
	want = copy_sources(fi, src);
	n = vm_page_alloc_run(fi->first, fi->first_idx, want, &run);
	if (n == 0)
		return (ENOMEM);
	KASSERT(n <= want);
	copy_hide(fi, src, n);
	for (unsigned i = 0; i < n; i++) {
		memcpy(vm_page_ptr(ph, run + i), vm_page_ptr(ph, src[i]),
		    PAGE_SIZE);
		run[i].flags &= ~(uint32_t)PG_ZEROED;
		run[i].flags |= PG_VALID | PG_MAPPED;
		run[i].act = VM_ACT_MAX;
	}
	end = fi->va + n * PAGE_SIZE;
	error = pmap_enter(fi->map->pmap, fi->va, vm_page_frame(ph, run), n,
	    vm_fault_prot(fi, NULL));
	if (error != 0)
		/* A translation to an old page would be stale here. */
		pmap_remove(fi->map->pmap, fi->va, end);
	for (unsigned i = 0; i < n; i++)
		vm_page_unbusy(run + i);
	vm_fault_advance(fi, end);
	vm_stat_add(fi->sys, VMST_COW, n);
	atomic_fetch_add_explicit(&fi->vm->usage.cow, n, memory_order_relaxed);
	return (error);
}
