/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Shadow objects: copy-on-write chains, and keeping them short.
 *
 * Purpose
 *   A private copy of memory begins without copying: both entries name the same
 *   object and do not write to it.  The first write puts an empty object, the
 *   shadow, in front; it gets the pages that differ.  A page that the shadow
 *   does not have is looked up in its backing object.
 *
 * Concepts
 *   page      In this file, also one that is in swap: it moves by its slot.
 *   window    The part of the backing object that a shadow can see: as long as
 *             the shadow, from its backing offset.
 *   obscured  A page of the backing object which the shadow has too.  When the
 *             shadow is the only user of the backing object, no other user
 *             can see it.
 *
 *   Processes that fork, write and exit would make chains grow without limit.
 *   So one of these steps is done when a user of a backing object goes away:
 *
 *   forward   (the shadow has the only ref of the backing object) its pages
 *             move into the shadow; obscured pages and pages outside of the
 *             window are freed; the next object becomes the backing object of
 *             the shadow.  Costs the number of pages of the backing object.
 *   reverse   The same with fewer moves when the shadow is young: its pages
 *             move into the backing object, which then takes its place in the
 *             one map entry that names it.  Costs the number of pages of the
 *             shadow: if a process of a gigabyte forks and writes one page,
 *             one page is moved and not 262144.
 *   bypass    (backing object with other users) if no page of it can be seen
 *             through the shadow, because the shadow has every page itself or
 *             there is no page in the window, the shadow is connected to the
 *             object behind it.
 *
 *        before       forward        reverse        bypass
 *        E -> F       E -> F         E -> B         E -> F --.
 *             B            |              |              B   |
 *             C            C              C              C <-'
 *
 * Data structures
 *   backing, backing_off: up the chain.  shadows, shadow_link: down.
 *
 * Locking and lifetime
 *   The shadow is locked before the backing object, so a backing pointer read
 *   under the lock of the shadow stays right while a fault walks the chain hand
 *   over hand.  A backing object gets a new ref only with the lock of one of
 * its users held: if its count is one under the lock of the only user, it stays
 *   one.  Reverse needs the map of the entry for writing, which comes before
 *   object locks in the order: the map lock is only tried.
 *   Objects with paging != 0 are left alone, and so are pages that are busy.
 *
 * Guarantees
 *   - Each page that can be seen through a map stays visible and unchanged at
 *     every moment, also when a step stops half way (no memory for a node, a
 *     busy page): a page moves within the pair of objects only if the pair has
 *     no other user.
 *   - A frame is freed only after the translations of its page were removed
 *     and every pmap that could see it was synced.
 *   - Cost of a step is bounded by the smaller of the two objects where the
 *     shadow covers all of the backing object, and by the backing object
 *     otherwise.
 *
 * Limits
 *   A shadow named by several entries or shadowed itself cannot be replaced;
 *   only forward applies.  A backing object with two users that are parts of
 *   one entry (split after the fork) keeps its obscured pages until one goes.
 */
#include "vm/object/vm_object.h"

#include <errno.h>

#include "libk/kassert.h"
#include "vm/object/vm_object_int.h"

/* Does the only ref of `o` belong to its user, which may write to it? */
static bool
shadow_unneeded(struct vm_object *o)
{
	bool private;

	if (o->vops != NULL || vm_life_refs(&o->life) != 1)
		return (false);
	vm_object_lock(o);
	private = vm_object_is_anon(o) && (o->flags & OBJ_NAMED) == 0;
	vm_object_unlock(o);
	return (private);
}

/*
 * A shadow of `o`, which takes over the caller's ref of o.  The entry that
 * the ref belongs to, if there is one, moves in the same moment: while it was
 * on the list of o without a ref, o could be collapsed under it.
 */
static int
shadow_create(struct vm_object *o, vm_ooffset_t off, uint64_t len,
    struct vm_map_entry *en, struct vm_object **out)
{
	struct vm_object *s;
	int error;

	error = vm_object_allocate_hold(
	    o->sys, OBJT_DEFAULT, OFF_TO_IDX(round_page(len)), &s);
	if (error != 0)
		return (error);
	vm_object_lock(o);
	kmutex_lock(&o->sys->topology);
	s->backing = o;
	s->backing_off = off;
	LIST_INSERT_HEAD(&o->shadows, s, shadow_link);
	o->shadow_count++;
	if (en != NULL) {
		LIST_REMOVE(en, obj_link);
		en->object = s;
		en->offset = 0;
		LIST_INSERT_HEAD(&s->entries, en, obj_link);
	}
	kmutex_unlock(&o->sys->topology);
	vm_object_unlock(o);
	vm_object_unlock(s);
	*out = s;
	return (0);
}

int
vm_object_shadow(struct vm_object **obj, vm_ooffset_t *off, uint64_t len)
{
	int error;

	if (shadow_unneeded(*obj))
		return (0);
	error = shadow_create(*obj, *off, len, NULL, obj);
	if (error == 0)
		*off = 0;
	return (error);
}

int
vm_object_shadow_entry(struct vm_map_entry *en)
{
	struct vm_object *s;

	if (shadow_unneeded(en->object))
		return (0);
	return (
	    shadow_create(en->object, en->offset, en->end - en->start, en, &s));
}

unsigned
vm_object_chain_depth(struct vm_object *o)
{
	struct vm_object *b;
	unsigned n = 1;

	vm_object_lock(o);
	while ((b = o->backing) != NULL) {
		vm_object_lock(b);
		vm_object_unlock(o);
		o = b;
		n++;
	}
	vm_object_unlock(o);
	return (n);
}

/* Obscured pages, which are unmapped and freed in batches. */
struct discard {
	unsigned n;
	struct vm_page *page[VM_PAGE_BATCH];
};

static void
discard_flush(struct discard *d)
{
	vm_page_remove_batch(d->page, d->n);
	for (unsigned i = 0; i < d->n; i++)
		vm_page_free(d->page[i]);
	d->n = 0;
}

/* False: the page cannot be freed now. */
static bool
discard_add(struct discard *d, struct vm_page *m)
{
	if (m->wire != 0 || !vm_page_busy_try(m))
		return (false);
	d->page[d->n++] = m;
	if (d->n == VM_PAGE_BATCH)
		discard_flush(d);
	return (true);
}

/* Does the window of `o` lie within `b`, or is there no object behind b that
 * could be seen through the rest of the window? */
static bool
window_fits(const struct vm_object *o, const struct vm_object *b)
{
	return (b->backing == NULL ||
		OFF_TO_IDX(o->backing_off) + o->size <= b->size);
}

/*
 * Connect `o` to the object behind its backing object `b` instead of b.  Both
 * locked.  `moved`: b loses its link, whose ref passes to o; otherwise the
 * caller has a ref for o.  o's ref of b passes to the caller.
 */
static void
splice(struct vm_object *o, struct vm_object *b, bool moved)
{
	struct vm_object *bb = b->backing;

	if (bb != NULL)
		vm_object_lock(bb);
	kmutex_lock(&o->sys->topology);
	LIST_REMOVE(o, shadow_link);
	b->shadow_count--;
	o->backing = bb;
	o->backing_off = bb == NULL ? 0 : o->backing_off + b->backing_off;
	if (bb != NULL && moved) {
		LIST_REMOVE(b, shadow_link);
		bb->shadow_count--;
		b->backing = NULL;
	}
	if (bb != NULL) {
		LIST_INSERT_HEAD(&bb->shadows, o, shadow_link);
		bb->shadow_count++;
	}
	kmutex_unlock(&o->sys->topology);
	if (bb != NULL)
		vm_object_unlock(bb);
}

/* Is the slot a page in transit? */
static bool
slot_busy(uint64_t slot)
{
	return (slot != 0 && !vm_slot_is_swap(slot) &&
		(vm_slot_page(slot)->flags & PG_BUSY) != 0);
}

/* Move the page or block at idx of `from` to an empty slot of `to`. */
static bool
slot_move(struct vm_object *from, vm_pindex_t idx, uint64_t slot,
    struct vm_object *to, vm_pindex_t to_idx)
{
	if (vm_slot_is_swap(slot))
		return (vm_object_swap_move(from, idx, to, to_idx) == 0);
	return (!slot_busy(slot) &&
		vm_page_rename(vm_slot_page(slot), to, to_idx) == 0);
}

/* Free the page or block at idx, which no user needs.  False: not now. */
static bool
slot_discard(
    struct discard *d, struct vm_object *o, vm_pindex_t idx, uint64_t slot)
{
	if (!vm_slot_is_swap(slot))
		return (discard_add(d, vm_slot_page(slot)));
	vm_object_swap_drop(o, idx);
	return (true);
}

/* Move b's pages into o and put o in front of the object behind b. */
static bool
collapse_forward(struct vm_object *o, struct vm_object *b)
{
	vm_pindex_t off = OFF_TO_IDX(o->backing_off), idx = 0;
	struct discard d = {.n = 0};
	uint64_t slot, front;
	bool ok = true, seen;

	for (; ok && vm_object_next_slot(b, &idx, &slot); idx++) {
		seen = idx >= off && idx - off < o->size;
		front = seen ? vm_object_slot(o, idx - off) : 0;
		if (seen && front == 0)
			ok = slot_move(b, idx, slot, o, idx - off);
		else
			ok =
			    !slot_busy(front) && slot_discard(&d, b, idx, slot);
	}
	discard_flush(&d);
	if (!ok)
		return (false);
	KVERIFY(b->index.count == 0);
	splice(o, b, true);
	return (true);
}

/*
 * The one entry that names `o`, with its map write-locked, if o and its backing
 * object b are interchangeable for it.  NULL otherwise.
 */
static struct vm_map_entry *
reverse_lock(struct vm_object *o, struct vm_object *b)
{
	const struct vm_entry_ops *ops = o->sys->entry_ops;
	struct vm_map_entry *en;

	if (vm_life_refs(&o->life) != 1 || o->shadow_count != 0 ||
	    o->backing_off != 0 || o->size != b->size ||
	    o->index.count >= b->index.count)
		return (NULL);
	kmutex_lock(&o->sys->topology);
	en = LIST_FIRST(&o->entries);
	if (en == NULL || en->offset != 0 ||
	    OFF_TO_IDX(en->end - en->start) != o->size || !ops->trylock(en)) {
		kmutex_unlock(&o->sys->topology);
		return (NULL);
	}
	/* The map may have been forked since the first look at the refs; while
	 * it is locked no thread can add one. */
	if (vm_life_refs(&o->life) != 1) {
		ops->unlock(en);
		en = NULL;
	}
	kmutex_unlock(&o->sys->topology);
	return (en);
}

/* Move o's pages into b; the pages that they obscure are freed first. */
static bool
reverse_move(struct vm_object *o, struct vm_object *b)
{
	struct discard d = {.n = 0};
	uint64_t slot, back;
	bool ok = true;

	for (vm_pindex_t i = 0; ok && vm_object_next_slot(o, &i, &slot); i++) {
		if (slot_busy(slot))
			ok = false;
		else if ((back = vm_object_slot(b, i)) != 0)
			ok = slot_discard(&d, b, i, back);
	}
	discard_flush(&d);
	for (vm_pindex_t i = 0; ok && vm_object_next_slot(o, &i, &slot); i++)
		ok = slot_move(o, i, slot, b, i);
	return (ok);
}

/* Let b take the place of o in the entry that names o. */
static bool
collapse_reverse(struct vm_object *o, struct vm_object *b)
{
	struct vm_map_entry *en = reverse_lock(o, b);
	struct vm_system *sys = o->sys;
	bool ok;

	if (en == NULL)
		return (false);
	ok = reverse_move(o, b);
	if (ok) {
		KVERIFY(o->index.count == 0);
		vm_object_relink_entry(en, b, 0);
		kmutex_lock(&sys->topology);
		LIST_REMOVE(o, shadow_link);
		b->shadow_count--;
		o->backing = NULL;
		kmutex_unlock(&sys->topology);
	}
	sys->entry_ops->unlock(en);
	return (ok);
}

/* May `o` be connected past `b`, which has other users? */
static bool
bypass_ok(const struct vm_object *o, const struct vm_object *b)
{
	vm_pindex_t off = OFF_TO_IDX(o->backing_off), i = off;
	uint64_t slot;

	if (!vm_object_is_anon(b) || (b->flags & (OBJ_NAMED | OBJ_DEAD)) != 0 ||
	    b->paging != 0 || o->paging != 0 || !window_fits(o, b))
		return (false);
	if (o->index.count >= o->size)
		return (true);
	return (!vm_object_next_slot(b, &i, &slot) || i - off >= o->size);
}

static void
bypass_commit(struct vm_object *o, struct vm_object *b)
{
	/* Translations to b's pages that copies have replaced may be in use
	 * until then, and the next walk from b will not come here. */
	kmutex_lock(&o->sys->topology);
	vm_rmap_sync(o, 0, o->size);
	kmutex_unlock(&o->sys->topology);
	splice(o, b, false);
	vm_stat_add(o->sys, VMST_BYPASS, 1);
}

/*
 * Bypass b where the object behind it belongs to a vnode, which must be ref'ed
 * without locks.  Called with o and b locked, returns unlocked.
 */
static bool
bypass_vnode(struct vm_object *o, struct vm_object *b, struct vm_settle *st)
{
	struct vm_object *v = b->backing;
	bool done = false;

	vm_object_ref(b); /* keeps b, and b keeps v */
	vm_object_unlock(b);
	vm_object_unlock(o);
	vm_object_ref(v);
	vm_object_lock(o);
	if (o->backing == b) {
		vm_object_lock(b);
		done = b->backing == v && bypass_ok(o, b);
		if (done) {
			bypass_commit(o, b);
			KVERIFY(!vm_life_free(&b->life));
		}
		vm_object_unlock(b);
	}
	vm_object_unlock(o);
	if (!done)
		vm_object_free(v);
	st->release = b;
	return (done);
}

/* Both locked; returns unlocked. */
static bool
collapse_bypass(struct vm_object *o, struct vm_object *b, struct vm_settle *st)
{
	bool ok = bypass_ok(o, b);

	if (ok && b->backing != NULL && b->backing->vops != NULL)
		return (bypass_vnode(o, b, st));
	if (ok) {
		if (b->backing != NULL)
			vm_object_ref(b->backing);
		bypass_commit(o, b);
		st->release = b;
	}
	vm_object_unlock(b);
	vm_object_unlock(o);
	return (ok);
}

bool
vm_object_collapse_step(struct vm_object *o, struct vm_settle *st)
{
	struct vm_object *b;
	bool done = false;

	vm_object_lock(o);
	b = o->backing;
	if (b == NULL || (o->flags & (OBJ_DEAD | OBJ_NAMED)) != 0 ||
	    o->paging != 0) {
		vm_object_unlock(o);
		return (false);
	}
	vm_object_lock(b);
	if (vm_life_refs(&b->life) > 1)
		return (collapse_bypass(o, b, st));
	if (vm_object_is_anon(b) && (b->flags & (OBJ_NAMED | OBJ_DEAD)) == 0 &&
	    b->paging == 0 && window_fits(o, b)) {
		if (collapse_reverse(o, b)) {
			vm_object_hold(b);
			vm_settle_push(st, b);
			st->release = o;
			done = true;
		} else if (collapse_forward(o, b)) {
			st->release = b;
			done = true;
		}
	}
	if (done)
		vm_stat_add(o->sys, VMST_COLLAPSE, 1);
	vm_object_unlock(b);
	vm_object_unlock(o);
	return (done);
}
