/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Fault clustering: the stages of a fault that make more than one page.
 *
 * Purpose
 *   A fault costs far more than the page it is about: leaving user code, the
 *   walk, a change of the machine's translations.  One that brings its
 *   neighbours along saves them theirs.  What is wanted is the largest cluster
 *   that will be used; what is known is the access pattern so far.
 *
 * Concepts
 *   around  Pages that are there already cost nothing but a translation:
 *           every fault enters the resident neighbours in its 128 KiB window.
 *   ahead   Zeroed pages cost memory.  The first fault in an entry takes 64 KiB
 *           around it (less in entries smaller than that).  A fault where the
 *           last run ended doubles the window up to 2 MiB; another one is
 *           random access and shrinks it to 4 pages, the next to 1.  So memory
 *           is at most doubled by a sequential program, and a random one
 *           wastes 20 pages an entry.
 *   copy    Copies on write take 16 pages when sequential, 8 at the first
 *           write to an entry and in private mappings of files (the data of
 *           programs: relocation writes most of it), otherwise one.  A
 *           program that writes every fourth page looks sequential, and what
 *           was copied for nothing cannot be told from what was written: so
 *           only while half of memory is free.
 *   read    A file is read in blocks of 128 KiB around the fault, or ahead of
 *           it when sequential (256 KiB with MADV_SEQUENTIAL).
 *   MADV_RANDOM, or less than a sixteenth of memory free, means single pages.
 *
 *   A cluster is a run: consecutive addresses, indices and frames.  So it is
 *   zeroed in one piece, read by one call, and entered by one pmap_enter(),
 *   which is one operation of the machine.
 *
 * Locking and lifetime
 *   Entered with the map, the first object and the last one of the walk
 *   locked.  A neighbour may be made in the first object only if the whole
 *   chain is known not to have it, that is, when the chain ends at the first
 *   object or right behind it: both are locked then.
 *
 *   A neighbour is one of `obj` only if nothing in front of obj has it.  If
 *   there is one object in between, as there is when a program runs from a
 *   resident image (its copy, the image, the file), that one is locked, too,
 *   and stays so until translations or copies are made: from then on, whoever
 *   makes a page in it finds them, and takes the stale ones away, as the walk
 *   has it.  It stands before obj in the order, so it is only tried: whoever
 *   waits for a lock of ours may have it.
 *
 * Guarantees
 *   What is made ahead is what a fault there would have made; nothing is
 *   mapped with more rights than that fault would give.  A failure of a
 *   neighbour is not a failure of the fault.
 *
 * Limits
 *   Neither around nor copy look past the third object of a chain, and at the
 *   third one only if the second one's lock is free: what is in between and not
 *   locked may have the neighbour.  A page that lies deeper costs its own
 * fault. The pattern is kept for an entry, not for a thread: two threads that
 * walk one entry in different places look random.
 */
#include "vm/fault/vm_fault_int.h"

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "pmap/pmap.h"
#include "vm/pager/device_pager.h"
#include "vm/pager/swap_pager.h"
#include "vm/pager/vm_swapcache.h"
#include "vm/pager/vnode_pager.h"

/* ---- rights and runs ---- */

/* Rights of a translation to page m (NULL: a fresh anonymous one). */
static vm_prot_t
fault_prot(const struct vm_faultinfo *fi, const struct vm_page *m, bool first)
{
	const struct vm_map_entry *e = fi->entry;
	bool write = first && (e->eflags & MAP_ENTRY_NEEDS_COPY) == 0;

	if (write && m != NULL && m->swap != SWBLK_NONE)
		write = false;
	if (write && fi->first->cdev != NULL)
		write = (e->eflags & MAP_ENTRY_COW) == 0;
	if (write && fi->first->vops != NULL)
		write = (e->eflags & MAP_ENTRY_COW) == 0 && m != NULL &&
			(m->flags & PG_DIRTY) != 0;
	return (write ? e->prot : e->prot & (vm_prot_t)~VM_PROT_WRITE);
}

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

/* The one object between first and obj, locked; NULL: there is none, there are
 * several, or somebody has it. */
static struct vm_object *
middle_lock(const struct vm_faultinfo *fi)
{
	/* first has a ref of it, and its lock keeps the two together. */
	struct vm_object *mid = fi->first->backing;

	if (fi->obj == fi->first || fi->obj == mid || !vm_object_trylock(mid))
		return (NULL);
	if (mid->backing == fi->obj)
		return (mid);
	vm_object_unlock(mid);
	return (NULL);
}

static void
middle_unlock(struct vm_object *mid)
{
	if (mid != NULL)
		vm_object_unlock(mid);
}

/* Does nothing in front of obj have the page `d` pages on?  obj is not first,
 * and mid is what is in between. */
static bool
front_absent(
    const struct vm_faultinfo *fi, const struct vm_object *mid, vm_pindex_t d)
{
	const struct vm_object *first = fi->first;
	vm_pindex_t i = fi->first_idx + d;

	if (i >= first->size || vm_object_slot(first, i) != 0)
		return (false);
	i += OFF_TO_IDX(first->backing_off);
	return (mid == NULL || (i < mid->size && vm_object_slot(mid, i) == 0));
}

/* ---- around ---- */

/* A page to enter at va besides the one of the fault, or NULL. */
static struct vm_page *
around_page(struct vm_faultinfo *fi, const struct vm_object *mid,
    vm_offset_t va, vm_prot_t *prot)
{
	/* Modulo 2^64, so that it works downwards too. */
	vm_pindex_t d = OFF_TO_IDX(va - fi->entry->start) -
			OFF_TO_IDX(fi->va - fi->entry->start);
	bool first = fi->obj == fi->first;
	struct vm_page *m;
	vm_frame_t frame;
	vm_prot_t has;

	if (!first && !front_absent(fi, mid, d))
		return (NULL);
	m = vm_page_lookup(fi->obj, fi->idx + d);
	if (m == NULL || (m->flags & (PG_BUSY | PG_VALID)) != PG_VALID)
		return (NULL);
	*prot = fault_prot(fi, m, first);
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
	bool first = fi->obj == fi->first;
	struct vm_object *mid = middle_lock(fi);
	struct vm_page *m;
	vm_prot_t prot;
	unsigned around = 0;
	int error = 0;

	if ((e->eflags & MAP_ENTRY_RANDOM) != 0 ||
	    (!first && fi->obj != fi->first->backing && mid == NULL)) {
		lo = fi->va;
		hi = lo + PAGE_SIZE;
	}
	lo = lo < e->start ? e->start : lo;
	hi = hi > e->end ? e->end : hi;
	for (vm_offset_t va = lo; va < hi && error == 0; va += PAGE_SIZE) {
		if (va == fi->va) {
			m = fi->m;
			prot = fault_prot(fi, m, first);
		} else if ((m = around_page(fi, mid, va, &prot)) != NULL)
			around++;
		if (m != NULL)
			error = run_add(fi, &run, va, m, prot);
	}
	if (error == 0)
		error = run_flush(fi, &run);
	middle_unlock(mid);
	if (around != 0) {
		vm_stat_add(fi->sys, VMST_AROUND, around);
		atomic_fetch_add_explicit(
		    &fi->vm->usage.around, around, memory_order_relaxed);
	}
	return (error);
}

/* ---- windows ---- */

static bool
memory_low(const struct vm_system *sys)
{
	return (atomic_load_explicit(&sys->phys->nfree, memory_order_relaxed) <
		sys->phys->npages / 16);
}

/* Is there memory to waste on copies that nobody may ever write? */
static bool
memory_plenty(const struct vm_system *sys)
{
	return (atomic_load_explicit(&sys->phys->nfree, memory_order_relaxed) >
		sys->phys->npages / 2);
}

static bool
fault_single(const struct vm_faultinfo *fi)
{
	return (
	    (fi->entry->eflags & MAP_ENTRY_RANDOM) != 0 || memory_low(fi->sys));
}

static bool
fault_sequential(const struct vm_faultinfo *fi)
{
	return (atomic_load_explicit(
		    &fi->entry->next_fault, memory_order_relaxed) == fi->va);
}

static void
fault_advance(struct vm_faultinfo *fi, vm_offset_t next)
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
	if (fault_single(fi))
		return (1);
	if ((e->eflags & MAP_ENTRY_SEQUENTIAL) != 0)
		w = VM_FAULT_AHEAD_MAX;
	else if (atomic_load_explicit(&e->next_fault, memory_order_relaxed) ==
		 0) {
		w = pages < VM_FAULT_AHEAD_MIN ? 4 : VM_FAULT_AHEAD_MIN;
		*around = true;
	} else if (fault_sequential(fi)) {
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

/* Shrink [*lo, *hi) to the absent pages of `o` around idx, which is absent;
 * what is in swap is not. */
static void
clip_absent(
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

/*
 * Allocate a run in `o` within the absent range [lo, hi) that includes idx.
 * Returns its length and first page (busy), 0 when there is no memory.
 */
static unsigned
alloc_cover(struct vm_object *o, vm_pindex_t lo, vm_pindex_t idx,
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
	clip_absent(first, lo, idx, hi);
	if (o != first) {
		shift = fi->idx - idx;
		blo = *lo + shift;
		bhi = *hi + shift;
		clip_absent(o, &blo, fi->idx, &bhi);
		*lo = blo - shift;
		*hi = bhi - shift;
	}
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

	zero_range(fi, &lo, &hi);
	n = alloc_cover(first, lo, fi->first_idx, hi, &run);
	if (n == 0) {
		vm_fault_unlock_objects(fi);
		return (ENOMEM);
	}
	va = fi->entry->start + IDX_TO_OFF(run->pindex) - fi->entry->offset;
	vm_object_paging_begin(first);
	vm_page_zero_prepare(run, n, map);
	vm_fault_unlock_objects(fi);
	vm_page_zero_run(sys->phys, run, n, map);

	vm_object_lock(first);
	for (unsigned i = 0; i < n; i++) {
		run[i].flags |= PG_VALID | PG_MAPPED;
		run[i].act = VM_ACT_MAX;
	}
	error = pmap_enter(fi->map->pmap, va, vm_page_frame(sys->phys, run), n,
	    fault_prot(fi, NULL, true));
	for (unsigned i = 0; i < n; i++)
		vm_page_unbusy(run + i);
	vm_object_paging_end(first);
	vm_object_unlock(first);

	fault_advance(fi, va + n * PAGE_SIZE);
	vm_stat_add(sys, VMST_ZFOD, n);
	vm_stat_add(sys, VMST_AHEAD, n - 1);
	atomic_fetch_add_explicit(&fi->vm->usage.zfod, n, memory_order_relaxed);
	atomic_fetch_add_explicit(
	    &fi->vm->usage.ahead, n - 1, memory_order_relaxed);
	return (error);
}

/* ---- copy ---- */

/* How many pages a copy on write may take along. */
static unsigned
copy_window(struct vm_faultinfo *fi, const struct vm_object *mid)
{
	const struct vm_map_entry *e = fi->entry;

	if (fault_single(fi) || !memory_plenty(fi->sys) ||
	    (fi->obj != fi->first->backing && mid == NULL))
		return (1);
	if ((e->eflags & MAP_ENTRY_SEQUENTIAL) != 0 || fault_sequential(fi))
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
copy_sources(struct vm_faultinfo *fi, const struct vm_object *mid,
    struct vm_page *src[VM_FAULT_COPY])
{
	uint64_t left = (fi->entry->end - fi->va) >> PAGE_SHIFT;
	unsigned n = 1, max = copy_window(fi, mid);
	struct vm_page *m;

	src[0] = fi->m;
	for (; n < max && n < left; n++) {
		if (!front_absent(fi, mid, n))
			break;
		m = vm_page_lookup(fi->obj, fi->idx + n);
		if (m == NULL || (m->flags & (PG_BUSY | PG_VALID)) != PG_VALID)
			break;
		src[n] = m;
	}
	return (n);
}

/* Others see the old pages through `first`: not any more. */
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

static int
copy_pages(struct vm_faultinfo *fi, const struct vm_object *mid)
{
	struct vm_page *src[VM_FAULT_COPY], *run = NULL;
	struct vm_phys *ph = fi->sys->phys;
	unsigned n, want = copy_sources(fi, mid, src);
	vm_offset_t end;
	int error;

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
	    fault_prot(fi, NULL, true));
	if (error != 0)
		/* Translations to the old pages must not outlive them here. */
		pmap_remove(fi->map->pmap, fi->va, end);
	for (unsigned i = 0; i < n; i++)
		vm_page_unbusy(run + i);
	fault_advance(fi, end);
	vm_stat_add(fi->sys, VMST_COW, n);
	atomic_fetch_add_explicit(&fi->vm->usage.cow, n, memory_order_relaxed);
	return (error);
}

int
vm_fault_copy(struct vm_faultinfo *fi)
{
	struct vm_object *mid = middle_lock(fi);
	int error = copy_pages(fi, mid);

	middle_unlock(mid);
	return (error);
}

/* ---- pagein ---- */

/* The absent pages of the file to read: indices of fi->obj. */
static void
read_range(struct vm_faultinfo *fi, vm_pindex_t *lo, vm_pindex_t *hi)
{
	vm_pindex_t idx = fi->idx;

	if (fault_single(fi)) {
		*lo = idx;
		*hi = idx + 1;
		return;
	}
	if ((fi->entry->eflags & MAP_ENTRY_SEQUENTIAL) != 0) {
		*lo = idx;
		*hi = idx + VM_FAULT_READ_SEQ;
	} else {
		*lo = fault_sequential(fi)
			  ? idx
			  : idx & ~(vm_pindex_t)(VM_FAULT_READ - 1);
		*hi = *lo + VM_FAULT_READ;
	}
	if (*hi > fi->obj->size)
		*hi = fi->obj->size;
	clip_absent(fi->obj, lo, idx, hi);
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
		n = alloc_cover(o, lo, fi->idx, hi, &run);
		if (n == 0) {
			vm_fault_unlock(fi);
			return (ENOMEM);
		}
		start = run->pindex;
		fault_advance(fi, fi->va + IDX_TO_OFF(start + n - fi->idx));
	}
	vm_object_hold(o);
	vm_object_paging_begin(o);
	vm_fault_unlock(fi);
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
 * How many pages to bring in at once, from the fault on: what was written
 * together is read together while the pattern is sequential.  Reading too much
 * costs memory just when there is none.
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
	else if (fault_sequential(fi))
		w = w < 4 ? 4 : 2 * w;
	else
		w = w > 8 ? 4 : 1;
	if (w > SWAP_CLUSTER)
		w = SWAP_CLUSTER;
	atomic_store_explicit(&e->window, w, memory_order_relaxed);
	return (w < left ? w : (unsigned)left);
}

/*
 * Pages of a file that the swapcache has.  Called with the object locked,
 * returns unlocked.  0: look again, they may be in the file only; ENOMEM.
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
		/* It cannot be read: the file can. */
		if (error == EIO && vm_slot_is_swap(vm_object_slot(o, idx)))
			vm_object_swap_drop(o, idx);
		if (error == 0)
			vm_stat_add(o->sys, VMST_CACHEIN, *got);
	}
	vm_object_paging_end(o);
	vm_object_unlock(o);
	return (error == ENOMEM ? ENOMEM : 0);
}

int
vm_fault_swapin(struct vm_faultinfo *fi)
{
	struct vm_object *o = fi->obj;
	vm_pindex_t idx = fi->idx;
	unsigned got = 1, n = swap_window(fi);
	int error;

	fault_advance(fi, fi->va + n * PAGE_SIZE);
	vm_object_hold(o);
	vm_fault_unlock_others(fi);
	fi->major = true;
	error = o->vops != NULL ? swapin_file(o, idx, n, &got)
				: swap_pager_getpages(o, idx, n, &got);
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
	vm_fault_unlock(fi);
	error = device_pager_fault(o, fi->idx, fi->access);
	vm_object_drop(o);
	return (error != 0 ? error : ERESTART);
}
