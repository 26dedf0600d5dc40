/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What maps need to know of the objects behind their entries: whether a range
 * of pages is reachable by others, what lies at the bottom of a chain, and
 * where private objects may grow and shrink.
 *
 * Concepts: a range of an anonymous object is exclusive when every ref of the
 * object is accounted for by entries linked to it (no shadow, no third
 * owner) and none of those but the caller's own covers the range.  Since a
 * new way to a range comes only from an entry that covers it (split, fork,
 * move), an exclusive range stays so while its owner keeps the map from being
 * forked or moved (vm_map_purge_begin), or once its last entry is unlinked.
 *
 * An object never holds pages at or above its size, and its size is the end
 * of the highest range that an entry has covered: trimming the tail of an
 * object lowers its size, so that growing it again finds zeroes.
 *
 * Locking: object lock, then topology; chains are walked hand over hand, front
 * to back.
 *
 * Limits: EXCLUSIVE_WALK entries of one object are looked at; an object
 * shared by more is taken as shared, so its parts are given back only as a
 * whole.
 */
#include "vm/map/vm_map_int.h"

#include "libk/kassert.h"
#include "vm/object/vm_object_int.h"

#define EXCLUSIVE_WALK 4096

static bool
object_is_anonymous(const struct vm_object *obj)
{
	return ((obj->type == OBJT_DEFAULT || obj->type == OBJT_SWAP) &&
		(obj->flags & OBJ_NAMED) == 0);
}

/* No entry but self overlaps, and the entries are all that there is. */
static bool
entries_exclusive(struct vm_object *obj, vm_ooffset_t off, uint64_t len,
    const struct vm_map_entry *self)
{
	const struct vm_map_entry *e;
	uint32_t n = self == NULL ? 1 : 0;

	LIST_FOREACH (e, &obj->entries, obj_link) {
		if (++n > EXCLUSIVE_WALK)
			return (false);
		if (e != self && e->offset < off + len &&
		    e->offset + (e->end - e->start) > off)
			return (false);
	}
	return (vm_life_refs(&obj->life) == n);
}

bool
vm_map_object_exclusive(struct vm_object *obj, vm_ooffset_t off, uint64_t len,
    const struct vm_map_entry *self)
{
	struct vm_system *sys = obj->sys;
	bool ok;

	vm_object_lock(obj);
	kmutex_lock(&sys->topology);
	ok = object_is_anonymous(obj) && (obj->flags & OBJ_DEAD) == 0 &&
	     obj->shadow_count == 0 && entries_exclusive(obj, off, len, self);
	kmutex_unlock(&sys->topology);
	vm_object_unlock(obj);
	return (ok);
}

/* Entries of the map that name the object; UINT32_MAX: others do, too, or it
 * has more than are looked at.  Topology held. */
static uint32_t
entries_of(const struct vm_map *map, const struct vm_object *obj)
{
	const struct vm_map_entry *e;
	uint32_t n = 0;

	LIST_FOREACH (e, &obj->entries, obj_link)
		if (e->map != map || ++n > EXCLUSIVE_WALK)
			return (UINT32_MAX);
	return (n);
}

bool
vm_map_object_ours(
    const struct vm_map *map, struct vm_object *obj, uint32_t extra)
{
	const struct vm_object *s;
	uint32_t n, k;

	vm_object_lock(obj);
	kmutex_lock(&obj->sys->topology);
	n = entries_of(map, obj);
	/* A part that was split off and written has a shadow of its own. */
	LIST_FOREACH (s, &obj->shadows, shadow_link) {
		k = entries_of(map, s);
		if (n == UINT32_MAX || k == UINT32_MAX ||
		    !LIST_EMPTY(&s->shadows)) {
			n = UINT32_MAX;
			break;
		}
		n++;
	}
	kmutex_unlock(&obj->sys->topology);
	vm_object_unlock(obj);
	return (n != UINT32_MAX && vm_life_refs(&obj->life) <= n + extra);
}

/* The bottom of the chain, locked. */
static struct vm_object *
chain_bottom_lock(struct vm_object *obj, vm_ooffset_t *off)
{
	struct vm_object *back;

	vm_object_lock(obj);
	while ((back = obj->backing) != NULL) {
		*off += obj->backing_off;
		vm_object_lock(back);
		vm_object_unlock(obj);
		obj = back;
	}
	return (obj);
}

bool
vm_map_entry_anonymous(const struct vm_map_entry *e)
{
	struct vm_object *bottom;
	vm_ooffset_t off = 0;
	bool anon;

	if (e->object == NULL)
		return (true);
	bottom = chain_bottom_lock(e->object, &off);
	anon = object_is_anonymous(bottom);
	vm_object_unlock(bottom);
	return (anon);
}

bool
vm_map_object_plain(struct vm_object *obj, bool *backed)
{
	bool anon;

	vm_object_lock(obj);
	anon = object_is_anonymous(obj);
	*backed = obj->backing != NULL;
	vm_object_unlock(obj);
	return (anon);
}

void
vm_map_object_bottom(const struct vm_map_entry *e, vm_offset_t va,
    struct vm_object **obj, vm_ooffset_t *off)
{
	struct vm_object *bottom;
	vm_ooffset_t o = e->offset + (va - e->start);

	if (e->object == NULL) {
		*obj = NULL;
		*off = 0;
		return;
	}
	bottom = chain_bottom_lock(e->object, &o);
	vm_object_ref(bottom);
	vm_object_unlock(bottom);
	*obj = bottom;
	*off = o;
}

void
vm_map_object_fresh(const struct vm_map_entry *e, vm_offset_t va,
    struct vm_object **obj, vm_ooffset_t *off)
{
	struct vm_object *bottom = NULL;
	vm_ooffset_t o = e->offset + (va - e->start);

	if (e->object != NULL && (e->eflags & MAP_ENTRY_SHARED) != 0) {
		vm_object_ref(e->object);
		*obj = e->object;
		*off = o;
		return;
	}
	if (e->object != NULL) {
		bottom = chain_bottom_lock(e->object, &o);
		if (!object_is_anonymous(bottom)) {
			vm_object_ref(bottom);
			vm_object_unlock(bottom);
		} else {
			vm_object_unlock(bottom);
			bottom = NULL;
		}
	}
	*obj = bottom;
	*off = bottom != NULL ? o : 0;
}

/* The slot of va in the entry's chain, and the object that has it, or the last
 * one, locked. */
static struct vm_object *
chain_slot(const struct vm_map_entry *e, vm_offset_t va, uint64_t *slot)
{
	struct vm_object *obj = e->object, *back;
	vm_ooffset_t off = e->offset + (va - e->start);

	vm_object_lock(obj);
	for (;;) {
		/* What is in swap hides what is behind it, as a page does. */
		*slot = vm_object_slot(obj, OFF_TO_IDX(off));
		back = obj->backing;
		if (*slot != 0 || back == NULL)
			return (obj);
		off += obj->backing_off;
		vm_object_lock(back);
		vm_object_unlock(obj);
		obj = back;
	}
}

static bool
slot_valid(uint64_t slot)
{
	return (slot != 0 && !vm_slot_is_swap(slot) &&
		(vm_slot_page(slot)->flags & PG_VALID) != 0);
}

bool
vm_map_object_resident(const struct vm_map_entry *e, vm_offset_t va)
{
	struct vm_object *obj;
	uint64_t slot;
	bool found;

	if (e->object == NULL)
		return (false);
	obj = chain_slot(e, va, &slot);
	found = slot_valid(slot);
	vm_object_unlock(obj);
	return (found);
}

void
vm_map_object_page(
    const struct vm_map_entry *e, vm_offset_t va, struct vm_map_page *out)
{
	struct vm_object *obj;
	uint64_t slot;

	*out = (struct vm_map_page){.anon = true};
	if (e->object == NULL)
		return;
	obj = chain_slot(e, va, &slot);
	out->anon = vm_object_is_anon(obj);
	out->resident = slot_valid(slot);
	out->swapped = slot != 0 && vm_slot_is_swap(slot);
	out->exists = slot != 0;
	vm_object_unlock(obj);
}

bool
vm_map_object_extend(const struct vm_map_entry *e, uint64_t len)
{
	struct vm_object *obj = e->object;
	vm_ooffset_t end;
	bool ok;

	if (obj == NULL ||
	    (e->eflags & (MAP_ENTRY_SHARED | MAP_ENTRY_NEEDS_COPY)) != 0)
		return (false);
	end = e->offset + (e->end - e->start);
	vm_object_lock(obj);
	ok = object_is_anonymous(obj) && (obj->flags & OBJ_DEAD) == 0 &&
	     obj->backing == NULL && obj->shadow_count == 0 &&
	     vm_life_refs(&obj->life) == 1 && IDX_TO_OFF(obj->size) == end;
	if (ok)
		vm_object_set_size(obj, OFF_TO_IDX(end + len));
	vm_object_unlock(obj);
	return (ok);
}

int
vm_map_object_reach(const struct vm_map_entry *e, vm_ooffset_t end)
{
	struct vm_object *obj = e->object;
	int error = 0;

	vm_object_lock(obj);
	if (object_is_anonymous(obj) && IDX_TO_OFF(obj->size) < end) {
		/* An object without a charge was mapped without one. */
		if (obj->committed != 0 && obj->committed < end)
			error = vm_object_commit(obj, end - obj->committed);
		if (error == 0)
			vm_object_set_size(obj, OFF_TO_IDX(end));
	}
	vm_object_unlock(obj);
	return (error);
}

void
vm_map_object_trim(struct vm_object *obj, vm_ooffset_t off, uint64_t len)
{
	vm_pindex_t lo = OFF_TO_IDX(off), hi = OFF_TO_IDX(off + len);

	/* The last ref frees everything anyway. */
	if (vm_life_refs(&obj->life) == 1 ||
	    !vm_map_object_exclusive(obj, off, len, NULL))
		return;
	vm_object_page_remove(obj, lo, hi);
	vm_object_lock(obj);
	if (obj->size == hi)
		vm_object_set_size(obj, lo);
	vm_object_unlock(obj);
}
