/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * VM objects: allocation, references and termination.
 *
 * Purpose
 *   An object has the pages of a file, or of anonymous memory.  Maps name
 *   objects, never pages; a page belongs to one object at a time.  This file
 *   makes objects and destroys them.
 *
 * Concepts
 *   ref    A map entry, a shadow or the owner (a vnode, a shm segment) uses
 *          the object.  The last free is stage 1: pages are freed, and the
 *          object is removed from its chain.
 *   hold   A thread uses the structure: a scanner, a thread in I/O.  The last
 *          drop is stage 2: the structure goes back to its zone.
 *   paging Contents are in use without the lock: I/O or zeroing of busy pages.
 *          Stage 1 waits until it is 0; chains are not changed meanwhile.
 *
 *   The last ref of an object owns a ref of the backing object, and so on: a
 *   chain can be ten thousand long.  The end of a ref may also leave a backing
 *   object with one user, which should then be merged with that user.  A
 * release can cause a merge and a merge a release, so both are items of a small
 * work list (struct vm_settle) that one loop empties: the depth of the C stack
 * is constant.  When the list of merge candidates is full, the new request is
 *   dropped; a later write fault tries the merge again (fault_cow()).
 *
 * Data structures
 *   sys->objects lists every object from its allocation to stage 2, so that
 *   a scanner which holds an object may step to its neighbour in the list.
 *   Objects past stage 1 are on it, empty and with OBJ_DEAD.
 *
 * Locking and lifetime
 *   list_lock comes before object locks: a new object is locked while the
 *   list lock is held, which cannot block as no other thread knows it.  A vnode
 *   object refs its vnode once for every ref except the owner's, which the
 *   vnode itself holds.  vops->rele is called last, without locks: it may end
 *   in vnode_pager_dealloc() for this very object.
 *
 *   A free that is not the last reads the object again, to find a lone shadow
 * to merge with, and therefore holds it across the free.
 *
 * Guarantees
 *   - Stage 1 runs once, before stage 2, and never with I/O in flight.
 *   - vm_object_free() uses constant stack for chains of any length.
 *   - After the last ref of a chain is freed, all of its frames are free,
 *     except those that pins keep until their unhold.
 *
 * Limits
 *   Stage 1 of a large object frees its pages under its lock; scanners wait for
 *   it.
 */
#include "vm/object/vm_object.h"

#include <errno.h>

#include "libk/kassert.h"
#include "vm/object/vm_commit.h"
#include "vm/object/vm_object_int.h"
#include "mem/vm_zone.h"

int
vm_object_allocate_hold(struct vm_system *sys, enum vm_objtype type,
    vm_pindex_t size, struct vm_object **out)
{
	struct vm_object *o = zalloc(sys->z_object);

	if (o == NULL)
		return (ENOMEM);
	/* Lock and condition come with the item, see vm_system.c. */
	o->sys = sys;
	o->type = type;
	o->flags = 0;
	o->size = size;
	radix_init(&o->index, sys->radix_alloc);
	o->resident = 0;
	o->swapped = 0;
	o->counted = 0;
	o->committed = 0;
	o->cache_stamp = 0;
	o->cache_filled = 0;
	o->paging = 0;
	o->backing = NULL;
	o->backing_off = 0;
	o->shadow_count = 0;
	o->vops = NULL;
	o->cdev = NULL;
	o->handle = NULL;
	LIST_INIT(&o->shadows);
	LIST_INIT(&o->entries);
	o->id = atomic_fetch_add(&sys->next_id, 1) + 1;
	vm_life_init(&o->life);

	kmutex_lock(&sys->list_lock);
	vm_object_lock(o);
	TAILQ_INSERT_TAIL(&sys->objects, o, link);
	kmutex_unlock(&sys->list_lock);
	*out = o;
	return (0);
}

int
vm_object_allocate(struct vm_system *sys, enum vm_objtype type,
    vm_pindex_t size, struct vm_object **out)
{
	int error = vm_object_allocate_hold(sys, type, size, out);

	if (error == 0)
		vm_object_unlock(*out);
	return (error);
}

int
vm_object_commit(struct vm_object *o, uint64_t bytes)
{
	int error;

	kmutex_assert_owned(&o->lock);
	error = vm_commit_reserve(o->sys, bytes);
	if (error == 0)
		o->committed += bytes;
	return (error);
}

void
vm_object_ref(struct vm_object *o)
{
	vm_life_ref(&o->life);
	if (o->vops != NULL)
		o->vops->ref(o->handle);
}

bool
vm_object_tryref(struct vm_object *o)
{
	KASSERT(o->vops == NULL);
	return (vm_life_tryref(&o->life));
}

void
vm_object_hold(struct vm_object *o)
{
	vm_life_hold(&o->life);
}

bool
vm_object_tryhold(struct vm_object *o)
{
	return (vm_life_tryhold(&o->life));
}

void
vm_object_drop(struct vm_object *o)
{
	struct vm_system *sys = o->sys;

	if (!vm_life_drop(&o->life))
		return;
	kmutex_lock(&sys->list_lock);
	TAILQ_REMOVE(&sys->objects, o, link);
	kmutex_unlock(&sys->list_lock);
	KVERIFY(o->index.count == 0 && o->paging == 0 && o->backing == NULL);
	zfree(sys->z_object, o);
}

struct vm_object *
vm_object_scan(struct vm_system *sys, struct vm_object *o)
{
	struct vm_object *next;

	/* An object that is held stays on the list. */
	kmutex_lock(&sys->list_lock);
	next = o != NULL ? TAILQ_NEXT(o, link) : TAILQ_FIRST(&sys->objects);
	while (next != NULL && !vm_object_tryhold(next))
		next = TAILQ_NEXT(next, link);
	kmutex_unlock(&sys->list_lock);
	if (o != NULL)
		vm_object_drop(o);
	return (next);
}

bool
vm_object_next_data(const struct vm_object *o, vm_pindex_t *idx)
{
	uint64_t slot;

	kmutex_assert_owned(&o->lock);
	return (vm_object_next_slot(o, idx, &slot));
}

bool
vm_object_next_page(
    const struct vm_object *o, vm_pindex_t *idx, struct vm_page **m)
{
	uint64_t slot;

	for (; radix_next(&o->index, idx, &slot); ++*idx) {
		if (!vm_slot_is_swap(slot)) {
			*m = vm_slot_page(slot);
			return (true);
		}
		if (*idx == UINT64_MAX)
			break;
	}
	return (false);
}

void
vm_object_totals(struct vm_system *sys, struct vm_object_totals *t)
{
	struct vm_object *o;

	*t = (struct vm_object_totals){0};
	kmutex_lock(&sys->list_lock);
	TAILQ_FOREACH (o, &sys->objects, link) {
		vm_object_lock(o);
		t->objects++;
		t->swapped_pages += o->swapped;
		if (o->vops != NULL)
			t->cached_pages += o->swapped;
		if (o->type == OBJT_VNODE)
			t->file_pages += o->resident;
		else if (o->type != OBJT_DEVICE)
			t->anon_pages += o->resident;
		vm_object_unlock(o);
	}
	kmutex_unlock(&sys->list_lock);
}

void
vm_object_paging_begin(struct vm_object *o)
{
	kmutex_assert_owned(&o->lock);
	o->paging++;
}

void
vm_object_paging_end(struct vm_object *o)
{
	kmutex_assert_owned(&o->lock);
	KASSERT(o->paging > 0);
	if (--o->paging == 0)
		kcond_broadcast(&o->busy_cond);
}

#define FREE_RUN 512 /* pages: their structures are still in the cache */

/* Frames and blocks that come free together: neighbours in one call. */
struct free_run {
	struct vm_object *o;
	struct vm_page *page; /* first of npages */
	unsigned npages;
	swblk_t blk; /* first of nblks */
	unsigned nblks;
};

static void
free_run_blk(struct free_run *r, swblk_t blk)
{
	if (blk == SWBLK_LOST)
		return;
	if (r->nblks != 0 && blk == r->blk + r->nblks) {
		r->nblks++;
		return;
	}
	if (r->nblks != 0)
		swap_free(r->o->sys->swap, r->blk, r->nblks);
	r->blk = blk;
	r->nblks = blk == SWBLK_NONE ? 0 : 1;
}

static void
free_run_page(struct free_run *r, struct vm_page *m)
{
	if (r->npages != 0 && m == r->page + r->npages &&
	    r->npages < FREE_RUN) {
		r->npages++;
		return;
	}
	if (r->npages != 0)
		vm_phys_free_run(r->o->sys->phys, r->page, r->npages);
	r->page = m;
	r->npages = m == NULL ? 0 : 1;
}

/* Free one slot of an index that is freed as a whole. */
static void
free_slot(void *arg, uint64_t idx, uint64_t slot)
{
	struct free_run *r = arg;
	struct vm_page *m;

	(void)idx;
	if (vm_slot_is_swap(slot)) {
		free_run_blk(r, vm_slot_blk(slot));
		return;
	}
	m = vm_slot_page(slot);
	if ((m->flags & PG_FICTITIOUS) != 0) {
		vm_page_forget_fictitious(m);
		return;
	}
	KVERIFY((m->flags & PG_BUSY) == 0);
	if (m->swap != SWBLK_NONE)
		free_run_blk(r, m->swap);
	m->wire = 0;
	if (vm_page_orphan(m))
		free_run_page(r, m);
}

/*
 * Free all pages and blocks.  No page is mapped any more, even if PG_MAPPED is
 * set.  With the object dead and no paging, only pageout makes a page busy, and
 * it does so under the lock.
 */
static void
object_free_pages(struct vm_object *o)
{
	struct free_run run = {.o = o};

	while (o->busy != 0)
		kcond_wait(&o->busy_cond, &o->lock);
	radix_clear(&o->index, free_slot, &run);
	free_run_page(&run, NULL);
	free_run_blk(&run, SWBLK_NONE);
	o->resident = 0;
	o->swapped = 0;
}

/*
 * Stage 1.  The caller has given up the last ref and owns the hold that came
 * with it.  Returns the backing object, whose ref the caller now owns, or NULL.
 */
static struct vm_object *
object_terminate(struct vm_object *o)
{
	struct vm_system *sys = o->sys;
	struct vm_object *b;

	vm_object_lock(o);
	KVERIFY((o->flags & OBJ_DEAD) == 0);
	o->flags |= OBJ_DEAD;
	while (o->paging != 0)
		kcond_wait(&o->busy_cond, &o->lock);
	KVERIFY(o->shadow_count == 0);
	object_free_pages(o);
	KVERIFY(o->index.count == 0 && o->paging == 0);
	if (o->counted != 0)
		vm_object_count_named(o);
	vm_commit_release(sys, o->committed);
	o->committed = 0;
	b = o->backing;
	if (b != NULL)
		vm_object_lock(b);
	kmutex_lock(&sys->topology);
	KVERIFY(LIST_EMPTY(&o->entries) && LIST_EMPTY(&o->shadows));
	if (b != NULL) {
		LIST_REMOVE(o, shadow_link);
		b->shadow_count--;
		o->backing = NULL;
	}
	kmutex_unlock(&sys->topology);
	if (b != NULL)
		vm_object_unlock(b);
	vm_object_unlock(o);
	return (b);
}

void
vm_settle_push(struct vm_settle *st, struct vm_object *o)
{
	if (st->ncand == VM_SETTLE_MAX)
		vm_object_drop(o);
	else
		st->cand[st->ncand++] = o;
}

/* If one shadow is the only user of `o`: that shadow, held. */
static struct vm_object *
object_lone_shadow(struct vm_object *o)
{
	struct vm_object *s = NULL;

	vm_object_lock(o);
	if (vm_life_refs(&o->life) == 1 && o->shadow_count == 1 &&
	    (o->flags & (OBJ_NAMED | OBJ_DEAD)) == 0) {
		kmutex_lock(&o->sys->topology);
		s = LIST_FIRST(&o->shadows);
		if (s != NULL && !vm_object_tryhold(s))
			s = NULL;
		kmutex_unlock(&o->sys->topology);
	}
	vm_object_unlock(o);
	return (s);
}

static void
settle_release(struct vm_settle *st)
{
	struct vm_object *o = st->release, *s = NULL;
	const struct vm_vnode_ops *vops = o->vops;
	const struct cdev_pager_ops *cdev = o->cdev;
	void *handle = o->handle;
	bool last = false;

	st->release = NULL;
	vm_object_hold(o);
	if (vm_life_free(&o->life)) {
		st->release = object_terminate(o);
		vm_object_drop(o);
		last = true;
	} else if (vops == NULL)
		s = object_lone_shadow(o);
	vm_object_drop(o);
	if (s != NULL)
		vm_settle_push(st, s);
	if (vops != NULL)
		vops->rele(handle);
	if (last && cdev != NULL && cdev->dtor != NULL)
		cdev->dtor(handle);
}

void
vm_settle(struct vm_settle *st)
{
	while (st->release != NULL || st->ncand != 0) {
		struct vm_object *o;

		if (st->release != NULL) {
			settle_release(st);
			continue;
		}
		o = st->cand[--st->ncand];
		if (vm_object_collapse_step(o, st))
			vm_settle_push(st, o);
		else
			vm_object_drop(o);
	}
}

void
vm_object_free(struct vm_object *o)
{
	struct vm_settle st = {.release = o};

	vm_settle(&st);
}

void
vm_object_collapse(struct vm_object *o)
{
	struct vm_settle st = {.ncand = 1, .cand = {o}};

	vm_object_hold(o);
	vm_settle(&st);
}

void
vm_object_free_owner(struct vm_object *o)
{
	KVERIFY(o->vops != NULL);
	KVERIFY(vm_life_free(&o->life));
	KVERIFY(object_terminate(o) == NULL);
	vm_object_drop(o);
}
