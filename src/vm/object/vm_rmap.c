/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Reverse mapping: from a page to the translations that may lead to it.
 *
 * Purpose
 *   No record is kept for each mapping of a page.  An object has lists of the
 *   map entries that name it and of the objects that shadow it; a translation
 * to one of its pages can only be in the pmap of an entry found by walking down
 *   that tree.  The walk costs time when a page is unmapped for all, which is
 *   rare, and saves memory and time for every fault, fork and unmap.
 *
 * Concepts
 *   Between an object and one of its shadows the page index shifts by the
 *   shadow's backing offset; the walk carries the sum of these shifts.  A
 *   shadow sees its backing object through a window as large as itself, so
 *   a subtree is skipped when the pages in question are outside of it.  For
 *   single pages the translation found is compared with the frame: a viewer
 *   that has a copy of its own keeps its translation.
 *
 *   The walk visits a superset: removing one translation too many costs a
 *   fault, missing one costs memory safety.
 *
 * Locking and lifetime
 *   sys->topology protects the tree and the addresses of linked entries; an
 *   entry that is linked keeps its map and pmap alive.  The walker also has
 *   the root object locked, and entering a translation to one of its pages
 *   needs that lock or the page busy, so none appears behind the walk.
 *   Syncing under topology may wait for the machine, which needs no VM lock.
 *
 * Guarantees
 *   After a synced removal no CPU can use the page.  Removals that another
 *   thread has queued but not yet synced are covered too, because every pmap
 *   of a viewer is synced whether or not it had a translation left.  The syncs
 *   of all viewers are started before the first is waited for: the time does
 *   not grow with the number of viewers that are slow to answer.
 *
 * Limits
 *   Cost is the number of entries that see the object: a library page that
 *   a thousand processes map takes a thousand steps to evict.
 */
#include "vm/object/vm_object.h"

#include <stdlib.h>

#include "libk/kassert.h"
#include "pmap/pmap.h"
#include "vm/object/vm_object_int.h"

#define REMOVE_PIECE 2048 /* pages removed under one hold of a lock */

enum rmap_what { RMAP_REDUCE, RMAP_REMOVE, RMAP_START, RMAP_SYNC, RMAP_WIRED };

struct rmap_op {
	enum rmap_what what;
	vm_frame_t frame;    /* REDUCE: translations to this frame only */
	vm_prot_t keep;      /* REDUCE: permissions that stay */
	struct pmap *synced; /* START, SYNC: the last one done */
	bool waits;          /* START: a pmap must be waited for */
	bool wired;          /* WIRED: an entry that shows the page is */
};

/* Apply to the part of the entry that shows its object's pages [s, e). */
static void
rmap_entry(
    struct vm_map_entry *en, vm_pindex_t s, vm_pindex_t e, struct rmap_op *op)
{
	struct pmap *pm = en->pmap;
	vm_pindex_t first = OFF_TO_IDX(en->offset);
	vm_pindex_t last = first + ((en->end - en->start) >> PAGE_SHIFT);
	vm_offset_t sva, eva;
	vm_frame_t frame;

	if (s < first)
		s = first;
	if (e > last)
		e = last;
	if (s >= e)
		return;
	sva = en->start + IDX_TO_OFF(s - first);
	eva = en->start + IDX_TO_OFF(e - first);
	switch (op->what) {
	case RMAP_REDUCE:
		if (pmap_lookup(pm, sva, &frame, NULL) && frame == op->frame)
			pmap_protect(pm, sva, eva, op->keep);
		break;
	case RMAP_REMOVE:
		pmap_remove(pm, sva, eva);
		break;
	case RMAP_START:
		if (op->synced != pm && pmap_sync_start(pm))
			op->waits = true;
		op->synced = pm;
		break;
	case RMAP_SYNC:
		if (op->synced != pm)
			pmap_sync(pm);
		op->synced = pm;
		break;
	case RMAP_WIRED:
		if (atomic_load_explicit(&en->wired, memory_order_relaxed))
			op->wired = true;
		break;
	}
}

/* Pre-order walk of the tree of shadows, without recursion: the way back up
 * is the backing pointer. */
static void
rmap_walk(
    struct vm_object *root, vm_pindex_t s, vm_pindex_t e, struct rmap_op *op)
{
	struct vm_object *o = root, *next;
	struct vm_map_entry *en;
	vm_pindex_t shift = 0, cs, ce, size;

	kmutex_assert_owned(&root->sys->topology);
	for (;;) {
		cs = s > shift ? s - shift : 0;
		ce = e > shift ? e - shift : 0;
		if (o != root) {
			/* The shadow may be growing.  No translation through
			 * its new part is older than this lock of root. */
			size = __atomic_load_n(&o->size, __ATOMIC_RELAXED);
			if (ce > size)
				ce = size;
		}
		next = NULL;
		if (cs < ce) {
			LIST_FOREACH (en, &o->entries, obj_link)
				rmap_entry(en, cs, ce, op);
			next = LIST_FIRST(&o->shadows);
		}
		while (next == NULL && o != root) {
			next = LIST_NEXT(o, shadow_link);
			shift -= OFF_TO_IDX(o->backing_off);
			o = o->backing;
		}
		if (next == NULL)
			return;
		shift += OFF_TO_IDX(next->backing_off);
		o = next;
	}
}

void
vm_rmap_reduce(
    struct vm_object *root, vm_pindex_t idx, vm_frame_t frame, vm_prot_t keep)
{
	struct rmap_op op = {.what = RMAP_REDUCE, .frame = frame, .keep = keep};

	rmap_walk(root, idx, idx + 1, &op);
}

void
vm_rmap_remove(struct vm_object *root, vm_pindex_t s, vm_pindex_t e)
{
	struct rmap_op op = {.what = RMAP_REMOVE};

	rmap_walk(root, s, e, &op);
}

void
vm_rmap_sync(struct vm_object *root, vm_pindex_t s, vm_pindex_t e)
{
	struct rmap_op op = {.what = RMAP_START};

	rmap_walk(root, s, e, &op);
	if (!op.waits)
		return;
	op = (struct rmap_op){.what = RMAP_SYNC};
	rmap_walk(root, s, e, &op);
}

bool
vm_page_wired(struct vm_page *m)
{
	struct rmap_op op = {.what = RMAP_WIRED};
	struct vm_object *o = m->object;

	kmutex_assert_owned(&o->lock);
	if (!atomic_load_explicit(&o->sys->any_wired, memory_order_relaxed))
		return (false);
	kmutex_lock(&o->sys->topology);
	rmap_walk(o, m->pindex, m->pindex + 1, &op);
	kmutex_unlock(&o->sys->topology);
	return (op.wired);
}

bool
vm_object_shared_writable(struct vm_object *o)
{
	struct vm_map_entry *en;

	kmutex_lock(&o->sys->topology);
	LIST_FOREACH (en, &o->entries, obj_link)
		if (en->shared_write)
			break;
	kmutex_unlock(&o->sys->topology);
	return (en != NULL);
}

/* Reduce the translations of n busy pages of one locked object, and sync. */
static void
rmap_batch(struct vm_page **pages, unsigned n, vm_prot_t keep)
{
	struct vm_object *o = pages[0]->object;
	struct vm_system *sys = o->sys;
	vm_pindex_t lo = UINT64_MAX, hi = 0;

	kmutex_assert_owned(&o->lock);
	kmutex_lock(&sys->topology);
	for (unsigned i = 0; i < n; i++) {
		struct vm_page *m = pages[i];

		KASSERT(m->object == o && (m->flags & PG_BUSY) != 0);
		if ((m->flags & PG_MAPPED) == 0)
			continue;
		vm_rmap_reduce(o, m->pindex, vm_page_frame(sys->phys, m), keep);
		lo = m->pindex < lo ? m->pindex : lo;
		hi = m->pindex >= hi ? m->pindex + 1 : hi;
	}
	if (lo < hi)
		vm_rmap_sync(o, lo, hi);
	kmutex_unlock(&sys->topology);
}

void
vm_page_remove_batch(struct vm_page **pages, unsigned n)
{
	if (n == 0)
		return;
	rmap_batch(pages, n, VM_PROT_NONE);
	for (unsigned i = 0; i < n; i++)
		pages[i]->flags &= ~(uint32_t)PG_MAPPED;
}

void
vm_page_protect_batch(struct vm_page **pages, unsigned n)
{
	if (n != 0)
		rmap_batch(pages, n, VM_PROT_READ | VM_PROT_EXECUTE);
}

void
vm_page_remove_all(struct vm_page *m)
{
	vm_page_remove_batch(&m, 1);
}

void
vm_page_protect_all(struct vm_page *m)
{
	vm_page_protect_batch(&m, 1);
}

void
vm_object_link_entry(struct vm_map_entry *en)
{
	struct vm_object *o = en->object;

	if (o == NULL)
		return;
	kmutex_lock(&o->sys->topology);
	LIST_INSERT_HEAD(&o->entries, en, obj_link);
	kmutex_unlock(&o->sys->topology);
}

void
vm_object_unlink_entry(struct vm_map_entry *en)
{
	struct vm_object *o = en->object;

	if (o == NULL)
		return;
	kmutex_lock(&o->sys->topology);
	LIST_REMOVE(en, obj_link);
	kmutex_unlock(&o->sys->topology);
}

void
vm_object_relink_entry(
    struct vm_map_entry *en, struct vm_object *o, vm_ooffset_t off)
{
	kmutex_lock(&o->sys->topology);
	if (en->object != NULL)
		LIST_REMOVE(en, obj_link);
	en->object = o;
	en->offset = off;
	LIST_INSERT_HEAD(&o->entries, en, obj_link);
	kmutex_unlock(&o->sys->topology);
}

/*
 * Free the pages of [start, end) that are not busy, after all translations, and
 * the blocks.  Returns a busy page of the range, or NULL when it is empty.
 * Object locked.
 */
static struct vm_page *
page_remove_idle(struct vm_object *o, vm_pindex_t start, vm_pindex_t end)
{
	struct vm_page *m, *busy = NULL;
	bool mapped = false;
	uint64_t slot;

	for (vm_pindex_t i = start;
	     vm_object_next_page(o, &i, &m) && i < end && !mapped; i++)
		mapped = (m->flags & PG_MAPPED) != 0;
	if (mapped) {
		kmutex_lock(&o->sys->topology);
		vm_rmap_remove(o, start, end);
		vm_rmap_sync(o, start, end);
		kmutex_unlock(&o->sys->topology);
	}
	for (vm_pindex_t i = start;
	     vm_object_next_slot(o, &i, &slot) && i < end; i++) {
		if (vm_slot_is_swap(slot)) {
			vm_object_swap_drop(o, i);
			continue;
		}
		m = vm_slot_page(slot);
		if (!vm_page_busy_try(m)) {
			busy = m;
			continue;
		}
		m->flags &= ~(uint32_t)(PG_MAPPED | PG_DIRTY);
		m->wire = 0;
		vm_page_free(m);
	}
	return (busy);
}

/* The end of a piece of [start, end) that has at most REMOVE_PIECE pages and
 * blocks.  Object locked. */
static vm_pindex_t
remove_piece(struct vm_object *o, vm_pindex_t start, vm_pindex_t end)
{
	unsigned n = 0;
	uint64_t slot;

	for (vm_pindex_t i = start;
	     vm_object_next_slot(o, &i, &slot) && i < end; i++)
		if (n++ == REMOVE_PIECE)
			return (i);
	return (end);
}

void
vm_object_page_remove(struct vm_object *o, vm_pindex_t start, vm_pindex_t end)
{
	struct vm_page *busy;
	vm_pindex_t stop;

	for (; start < end; start = stop) {
		vm_object_lock(o);
		stop = remove_piece(o, start, end);
		while ((busy = page_remove_idle(o, start, stop)) != NULL)
			vm_page_busy_wait(o, busy);
		vm_object_unlock(o);
	}
}

/* Objects that are still to be cut, each held. */
struct truncate_work {
	struct {
		struct vm_object *o;
		vm_pindex_t start;
	} * item;
	size_t n, cap;
};

/* False: no memory; the object is not cut. */
static bool
truncate_push(struct truncate_work *w, struct vm_object *o, vm_pindex_t start)
{
	void *p;

	if (w->n == w->cap) {
		p = realloc(w->item, (w->cap * 2 + 8) * sizeof(*w->item));
		if (p == NULL)
			return (false);
		w->item = p;
		w->cap = w->cap * 2 + 8;
	}
	if (!vm_object_tryhold(o))
		return (true); /* it is being destroyed */
	w->item[w->n].o = o;
	w->item[w->n++].start = start;
	return (true);
}

void
vm_object_truncate(struct vm_object *o, vm_pindex_t start)
{
	struct truncate_work w = {.n = 0};
	struct vm_object *s;
	vm_pindex_t off;

	vm_object_page_remove(o, start, UINT64_MAX);
	vm_object_hold(o);
	for (;;) {
		kmutex_lock(&o->sys->topology);
		LIST_FOREACH (s, &o->shadows, shadow_link) {
			off = OFF_TO_IDX(s->backing_off);
			if (!truncate_push(
				&w, s, start > off ? start - off : 0))
				break;
		}
		kmutex_unlock(&o->sys->topology);
		vm_object_drop(o);
		if (w.n == 0)
			break;
		o = w.item[--w.n].o;
		start = w.item[w.n].start;
		vm_object_page_remove(o, start, UINT64_MAX);
	}
	free(w.item);
}
