/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Map entries: the ordered container of a map, and splitting and merging.
 *
 * Purpose: the list and the tree of the entries.  Limits, protection and errors
 * of mappings are in vm_map.c.
 *
 * Concepts: an entry is in two structures at once, a list in address order
 * and a red-black tree.  Each entry carries the free space below it (`gap`:
 * from the end of the previous entry, or from map->min) and each tree node
 * the largest gap of its subtree (`max_gap`).  The space above the last entry
 * belongs to no entry and is looked at separately.  A search for room descends
 * only where max_gap says that there is room.
 *
 * Data structures: the place of a new node follows from its list neighbour,
 * without comparing: the successor of `prev` is either prev's right child or
 * the left child of prev's successor.  max_gap is right on every node before
 * a rotation, and a rotation keeps it right (RB_AUGMENT); a removal leaves
 * stale values only on the path from the removed node's parent to the root,
 * which is then walked.
 *
 * Merging: two neighbours merge when all attributes agree and (a) neither has
 * an object, (b) both name the same object and the ranges continue, or (c)
 * the upper one has none and the lower one's object is private and ends
 * exactly with it: then the object grows.  Because of (c) a heap that grows in
 * small steps has one object.
 *
 * Locking and lifetime: map lock, for writing where something changes.  An
 * entry that is linked to an object is also read by the reverse mapping,
 * which has only sys->topology.  So start, end, offset and object of a linked
 * entry change under that lock.  A page that may be translated is covered by a
 * linked entry at every moment, also between two holds of that lock: a split
 * links the upper half before it shortens the lower one, a merge extends before
 * it unlinks, and a removed entry is unlinked only after pmap_sync().
 *
 * Object refs are given up without locks.  Removed entries go in a list to
 * vm_map_entry_list_free(); entries absorbed by a merge wait in map->trash
 * for the write unlock.
 *
 * Guarantees: lookup, insertion, removal, split and merge are O(log n).  A
 * search for page-aligned room is O(log n).
 *
 * Limits: with a larger alignment a search may visit every gap that is long
 * enough but misaligned.
 */
#include "vm/map/vm_map.h"

#include <errno.h>

#include "libk/kassert.h"
#include "vm/map/vm_map_int.h"
#include "mem/vm_zone.h"

static inline vm_offset_t
max_gap_of(const struct vm_map_entry *e)
{
	return (e != NULL ? e->max_gap : 0);
}

static inline void
entry_augment(struct vm_map_entry *e)
{
	vm_offset_t l = max_gap_of(RB_LEFT(e, tree));
	vm_offset_t r = max_gap_of(RB_RIGHT(e, tree));
	vm_offset_t m = l > r ? l : r;

	e->max_gap = e->gap > m ? e->gap : m;
}

#undef RB_AUGMENT
#define RB_AUGMENT(e) entry_augment(e)

static inline int
entry_cmp(const struct vm_map_entry *a, const struct vm_map_entry *b)
{
	return ((a->start > b->start) - (a->start < b->start));
}

RB_GENERATE_INTERNAL(
    vm_map_tree, vm_map_entry, tree, entry_cmp, __attribute__((unused)) static)

static void
augment_path(struct vm_map_entry *e)
{
	for (; e != NULL; e = RB_PARENT(e, tree))
		entry_augment(e);
}

struct vm_map_entry *
vm_map_entry_alloc(struct vm_map *map)
{
	struct vm_map_entry *e = zalloc(map->sys->z_entry);

	if (e == NULL)
		return (NULL);
	e->map = map;
	e->pmap = map->pmap;
	return (e);
}

void
vm_map_entry_dispose(struct vm_map *map, struct vm_map_entry *e)
{
	zfree(map->sys->z_entry, e);
}

/* Publish the flag to pageout, which finds the entry through its object. */
void
vm_map_entry_note_wired(struct vm_map_entry *e)
{
	bool wired = (e->eflags & MAP_ENTRY_WIRED) != 0;

	if (wired)
		atomic_store_explicit(
		    &e->map->sys->any_wired, true, memory_order_relaxed);
	atomic_store_explicit(&e->wired, wired, memory_order_relaxed);
}

void
vm_map_entry_copy(struct vm_map_entry *to, const struct vm_map_entry *from)
{
	to->start = from->start;
	to->end = from->end;
	to->object = from->object;
	to->offset = from->offset;
	to->eflags = from->eflags;
	to->prot = from->prot;
	to->max_prot = from->max_prot;
	to->inherit = from->inherit;
	to->policy = from->policy;
	to->uffd = from->uffd;
	to->shared_write = (from->eflags & MAP_ENTRY_SHARED) != 0 &&
			   (from->max_prot & VM_PROT_WRITE) != 0;
}

void
vm_map_entry_enter(
    struct vm_map *map, struct vm_map_entry *e, struct vm_map_entry *prev)
{
	struct vm_map_entry *next, *parent;

	krwlock_assert_wlocked(&map->lock);
	next = prev != NULL ? TAILQ_NEXT(prev, link) : TAILQ_FIRST(&map->list);
	KASSERT(prev == NULL || prev->end <= e->start);
	KASSERT(next == NULL || e->end <= next->start);
	vm_map_entry_note_wired(e);
	if (prev != NULL)
		TAILQ_INSERT_AFTER(&map->list, prev, e, link);
	else
		TAILQ_INSERT_HEAD(&map->list, e, link);
	map->nentries++;

	e->gap = e->start - (prev != NULL ? prev->end : map->min);
	if (next != NULL)
		next->gap = next->start - e->end;

	if (prev != NULL && RB_RIGHT(prev, tree) == NULL) {
		parent = prev;
		RB_SET(e, parent, tree);
		RB_RIGHT(parent, tree) = e;
	} else {
		parent = next;
		RB_SET(e, parent, tree);
		if (parent == NULL)
			RB_ROOT(&map->tree) = e;
		else {
			KASSERT(RB_LEFT(parent, tree) == NULL);
			RB_LEFT(parent, tree) = e;
		}
	}
	/* next, whose gap is new as well, is above e on this path. */
	augment_path(e);
	vm_map_tree_RB_INSERT_COLOR(&map->tree, e);
}

void
vm_map_entry_detach(struct vm_map *map, struct vm_map_entry *e)
{
	struct vm_map_entry *prev, *next, *parent;

	krwlock_assert_wlocked(&map->lock);
	prev = TAILQ_PREV(e, vm_map_list, link);
	next = TAILQ_NEXT(e, link);
	parent = RB_PARENT(e, tree);
	if (atomic_load_explicit(&map->hint, memory_order_relaxed) ==
	    (uintptr_t)e)
		atomic_store_explicit(&map->hint, 0, memory_order_relaxed);

	TAILQ_REMOVE(&map->list, e, link);
	vm_map_tree_RB_REMOVE(&map->tree, e);
	augment_path(parent);
	if (next != NULL) {
		next->gap = next->start - (prev != NULL ? prev->end : map->min);
		augment_path(next);
	}
	KASSERT(map->nentries > 0);
	map->nentries--;
}

void
vm_map_account(struct vm_map *map, const struct vm_map_entry *e, bool add)
{
	uint64_t len = e->end - e->start;
	uint64_t delta = add ? len : -len;

	KASSERT(add || map->size >= len);
	map->size += delta;
	if (map->size > map->size_peak)
		map->size_peak = map->size;
	if ((e->eflags & MAP_ENTRY_ACCOUNT) != 0) {
		KASSERT(!add || map->spare >= len);
		map->commit += delta;
		map->spare -= delta;
	}
	if ((e->eflags & MAP_ENTRY_WIRED) != 0)
		map->locked += delta;
}

/* ---- looking up ---- */

static struct vm_map_entry *
lookup_hint(struct vm_map *map, vm_offset_t va)
{
	/* Removal of an entry clears the hint, so it is of this map, live. */
	struct vm_map_entry *e = (struct vm_map_entry *)atomic_load_explicit(
	    &map->hint, memory_order_relaxed);

	return (e != NULL && va >= e->start && va < e->end ? e : NULL);
}

struct vm_map_entry *
vm_map_lookup(struct vm_map *map, vm_offset_t va, struct vm_map_entry **prev)
{
	struct vm_map_entry *e, *below = NULL;

	krwlock_assert_locked(&map->lock);
	e = lookup_hint(map, va);
	if (e != NULL)
		return (e);
	e = RB_ROOT(&map->tree);
	while (e != NULL) {
		if (va < e->start)
			e = RB_LEFT(e, tree);
		else if (va >= e->end) {
			below = e;
			e = RB_RIGHT(e, tree);
		} else {
			atomic_store_explicit(
			    &map->hint, (uintptr_t)e, memory_order_relaxed);
			return (e);
		}
	}
	if (prev != NULL)
		*prev = below;
	return (NULL);
}

struct vm_map_entry *
vm_map_first(struct vm_map *map, vm_offset_t va)
{
	struct vm_map_entry *e, *prev;

	e = vm_map_lookup(map, va, &prev);
	if (e != NULL)
		return (e);
	return (
	    prev != NULL ? TAILQ_NEXT(prev, link) : TAILQ_FIRST(&map->list));
}

bool
vm_map_range_free(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_entry *e;

	if (start < map->min || end > map->max || start >= end)
		return (false);
	e = vm_map_first(map, start);
	return (e == NULL || e->start >= end);
}

bool
vm_map_range_sealed(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	const struct vm_map_entry *e;

	if (!map->sealed)
		return (false);
	for (e = vm_map_first(map, start); e != NULL && e->start < end;
	     e = TAILQ_NEXT(e, link))
		if ((e->eflags & MAP_ENTRY_SEALED) != 0)
			return (true);
	return (false);
}

/* ---- room ---- */

struct room {
	uint64_t len, align;
	vm_offset_t top;  /* down: the end must not be above */
	vm_offset_t from; /* up: the start must not be below */
	vm_offset_t addr; /* what was found */
};

/* A stack needs room to grow into. */
static inline vm_offset_t
gap_end(const struct vm_map_entry *e)
{
	vm_offset_t guard = 0;

	if ((e->eflags & MAP_ENTRY_GROWSDOWN) != 0)
		guard = e->gap < VM_STACK_GUARD ? e->gap : VM_STACK_GUARD;
	return (e->start - guard);
}

static bool
room_high(struct room *r, vm_offset_t lo, vm_offset_t hi)
{
	vm_offset_t a;

	if (hi > r->top)
		hi = r->top;
	if (hi < lo || hi - lo < r->len)
		return (false);
	a = (hi - r->len) & ~(r->align - 1);
	if (a < lo)
		return (false);
	r->addr = a;
	return (true);
}

static bool
room_low(struct room *r, vm_offset_t lo, vm_offset_t hi)
{
	vm_offset_t a;

	if (lo < r->from)
		lo = r->from;
	a = (lo + r->align - 1) & ~(r->align - 1);
	if (a < lo || a > hi || hi - a < r->len)
		return (false);
	r->addr = a;
	return (true);
}

static bool
room_down(struct room *r, const struct vm_map_entry *e)
{
	if (e == NULL || e->max_gap < r->len)
		return (false);
	if (e->end < r->top && room_down(r, RB_RIGHT(e, tree)))
		return (true);
	if (room_high(r, e->start - e->gap, gap_end(e)))
		return (true);
	return (room_down(r, RB_LEFT(e, tree)));
}

static bool
room_up(struct room *r, const struct vm_map_entry *e)
{
	if (e == NULL || e->max_gap < r->len)
		return (false);
	if (e->start > r->from && room_up(r, RB_LEFT(e, tree)))
		return (true);
	if (room_low(r, e->start - e->gap, gap_end(e)))
		return (true);
	return (room_up(r, RB_RIGHT(e, tree)));
}

int
vm_map_findspace(struct vm_map *map, vm_offset_t top, uint64_t len,
    uint64_t align, vm_offset_t *addr)
{
	const struct vm_map_entry *last;
	struct room r = {.len = len, .align = align};
	vm_offset_t lo;
	bool found;

	krwlock_assert_locked(&map->lock);
	if (r.align < PAGE_SIZE)
		r.align = PAGE_SIZE;
	KASSERT((r.align & (r.align - 1)) == 0);
	if (len == 0 || (len & PAGE_MASK) != 0 || len > map->max - map->min)
		return (ENOMEM);
	last = TAILQ_LAST(&map->list, vm_map_list);
	lo = last != NULL ? last->end : map->min;
	if (top != 0) {
		r.top = trunc_page(top);
		found = room_high(&r, lo, map->max) ||
			room_down(&r, RB_ROOT(&map->tree));
	} else {
		r.from = *addr;
		found = room_up(&r, RB_ROOT(&map->tree)) ||
			room_low(&r, lo, map->max);
	}
	if (!found)
		return (ENOMEM);
	*addr = r.addr;
	return (0);
}

/* ---- splitting and merging ---- */

static void
entry_set_end(struct vm_map_entry *e, vm_offset_t end)
{
	struct vm_system *sys = e->map->sys;

	if (e->object == NULL) {
		e->end = end;
		return;
	}
	kmutex_lock(&sys->topology);
	e->end = end;
	kmutex_unlock(&sys->topology);
}

int
vm_map_clip(struct vm_map *map, vm_offset_t va)
{
	struct vm_map_entry *e, *up;

	krwlock_assert_wlocked(&map->lock);
	KASSERT((va & PAGE_MASK) == 0);
	e = vm_map_lookup(map, va, NULL);
	if (e == NULL || e->start == va)
		return (0);
	if (map->nentries >= VM_MAP_ENTRIES_MAX) {
		vm_stat_add(map->sys, VMST_ENTRIES, 1);
		return (ENOMEM);
	}
	up = vm_map_entry_alloc(map);
	if (up == NULL)
		return (ENOMEM);
	vm_map_entry_copy(up, e);
	up->start = va;
	if (e->object != NULL) {
		vm_object_ref(e->object);
		up->offset = e->offset + (va - e->start);
		vm_object_link_entry(up);
	}
	entry_set_end(e, va);
	vm_map_entry_enter(map, up, e);
	return (0);
}

static bool
entries_alike(const struct vm_map_entry *a, const struct vm_map_entry *b)
{
	return (a->end == b->start && a->eflags == b->eflags &&
		a->prot == b->prot && a->max_prot == b->max_prot &&
		a->inherit == b->inherit && a->policy == b->policy &&
		a->uffd == b->uffd);
}

/* Can e's object go on through n?  May extend the object. */
static bool
objects_continue(struct vm_map_entry *e, const struct vm_map_entry *n)
{
	if (e->object == n->object)
		return (e->object == NULL ||
			e->offset + (e->end - e->start) == n->offset);
	return (
	    n->object == NULL && vm_map_object_extend(e, n->end - n->start));
}

/* Let e swallow its successor n, if the two are one. */
static bool
entry_absorb(struct vm_map *map, struct vm_map_entry *e, struct vm_map_entry *n)
{
	if (!entries_alike(e, n) || !objects_continue(e, n))
		return (false);
	entry_set_end(e, n->end);
	if (n->object != NULL)
		vm_object_unlink_entry(n);
	vm_map_entry_detach(map, n);
	if (n->object != NULL)
		TAILQ_INSERT_TAIL(&map->trash, n, link);
	else
		vm_map_entry_dispose(map, n);
	return (true);
}

/* Merge what can be merged from e's predecessor on, up to `end`. */
static void
simplify_from(struct vm_map *map, struct vm_map_entry *e, vm_offset_t end)
{
	struct vm_map_entry *n, *prev;

	prev = TAILQ_PREV(e, vm_map_list, link);
	if (prev != NULL)
		e = prev;
	while ((n = TAILQ_NEXT(e, link)) != NULL && n->start <= end) {
		if (!entry_absorb(map, e, n))
			e = n;
	}
}

void
vm_map_simplify_range(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_entry *e;

	krwlock_assert_wlocked(&map->lock);
	e = vm_map_first(map, start);
	if (e != NULL)
		simplify_from(map, e, end);
}

void
vm_map_simplify(struct vm_map *map, struct vm_map_entry *e)
{
	krwlock_assert_wlocked(&map->lock);
	/* The next lookup is likely for it; merging clears the hint. */
	atomic_store_explicit(&map->hint, (uintptr_t)e, memory_order_relaxed);
	simplify_from(map, e, e->end);
}

/* ---- releasing ---- */

static void
entry_release(struct vm_map *map, struct vm_map_entry *e, bool trim)
{
	struct vm_object *obj = e->object;

	if (obj != NULL) {
		vm_object_unlink_entry(e);
		if (trim && (e->eflags & MAP_ENTRY_SHARED) == 0)
			vm_map_object_trim(obj, e->offset, e->end - e->start);
		vm_object_free(obj);
	}
	vm_map_entry_dispose(map, e);
}

static void
list_release(struct vm_map *map, struct vm_map_list *dead, bool trim)
{
	struct vm_map_entry *e;

	if (TAILQ_EMPTY(dead))
		return;
	pmap_sync(map->pmap);
	while ((e = TAILQ_FIRST(dead)) != NULL) {
		TAILQ_REMOVE(dead, e, link);
		entry_release(map, e, trim);
	}
}

void
vm_map_entry_list_free(struct vm_map *map, struct vm_map_list *dead)
{
	list_release(map, dead, true);
}

void
vm_map_entry_list_destroy(struct vm_map *map, struct vm_map_list *dead)
{
	list_release(map, dead, false);
}

void
vm_map_clones_free(struct vm_map *map, struct vm_map_list *clones)
{
	struct vm_map_entry *e;

	while ((e = TAILQ_FIRST(clones)) != NULL) {
		TAILQ_REMOVE(clones, e, link);
		if (e->object != NULL)
			vm_object_free(e->object);
		vm_map_entry_dispose(map, e);
	}
}
