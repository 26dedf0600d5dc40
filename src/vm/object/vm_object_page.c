/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What an object's index holds: pages, and blocks in swap.
 *
 * Purpose
 *   The life of a page while an object owns it: allocation into the index,
 *   busy, move and free; and the same for a block that has the contents of a
 *   page which left memory.
 *
 * Concepts
 *   slot   Each index of an object has a page, or a block, or nothing: one
 *          tagged word in the radix index.  A page whose contents are also in
 *          swap remembers the block itself (vm_page.swap).  So one slot is
 *          always enough, and to replace a page by its block, or a block by a
 *          page, needs no memory and cannot fail.
 *   block  Owned by exactly one slot, or by exactly one page whose contents
 *          equal it.  So blocks have no counts, and collapse moves them like
 *          pages.
 *   lost   A block that could not be read when its area had to go: the slot
 *          has SWBLK_LOST.  A fault on it is an I/O error, never zeroes.
 *   busy   The exclusive right to carry a page through a state that other
 *          threads must not see: read from its file, copied, moved.  It is a
 *          flag under the object lock with one owner, so that the lock can be
 *          dropped meanwhile.
 *   fictitious  A page of a device: its frame belongs to the device and is
 *          never freed to the allocator.
 *
 * Locking and lifetime
 *   Object, index and flags are under the lock of the page's object.  Blocks
 *   are freed under it as well: the lock of the swap space is further in.
 *
 * Guarantees
 *   A page is in the index of its object or it has no object.
 *
 * Limits
 *   Threads that wait for a busy page share one condition for each object, and
 *   all of them wake up for each page.
 */
#include "vm/object/vm_object_page.h"

#include <errno.h>

#include "libk/kassert.h"
#include "mem/vm_reserve.h"
#include "vm/object/vm_object_int.h"

/* ---- pages ---- */

/* Make a fresh frame the busy page of (obj, idx).  False: no radix node. */
static bool
page_insert(struct vm_object *obj, vm_pindex_t idx, struct vm_page *m)
{
	if (radix_insert(&obj->index, idx, (uint64_t)(uintptr_t)m) != 0)
		return (false);
	m->object = obj;
	m->pindex = idx;
	m->flags |= PG_BUSY;
	obj->busy++;
	obj->resident++;
	return (true);
}

/* A busy page stops being busy, or leaves this object: wake the threads that
 * wait for it, or for all pages of a dead object. */
static void
page_unbusy(struct vm_object *obj, struct vm_page *m)
{
	if ((m->flags & PG_BUSY) == 0)
		return;
	if (--obj->busy == 0 && (obj->flags & OBJ_DEAD) != 0)
		kcond_broadcast(&obj->busy_cond);
	if ((m->flags & PG_WANTED) != 0) {
		m->flags &= ~(uint32_t)PG_WANTED;
		kcond_broadcast(&obj->busy_cond);
	}
}

struct vm_page *
vm_page_alloc(struct vm_object *obj, vm_pindex_t idx)
{
	struct vm_page *m;

	kmutex_assert_owned(&obj->lock);
	KASSERT(radix_lookup(&obj->index, idx) == 0);
	m = vm_frame_alloc(obj->sys, 0);
	if (m == NULL)
		return (NULL);
	if (!page_insert(obj, idx, m)) {
		vm_phys_free(obj->sys->phys, m);
		return (NULL);
	}
	return (m);
}

struct vm_page *
vm_page_alloc_swapped(struct vm_object *obj, vm_pindex_t idx)
{
	uint64_t slot;
	struct vm_page *m;
	bool ok;

	kmutex_assert_owned(&obj->lock);
	slot = vm_object_slot(obj, idx);
	KVERIFY(vm_slot_is_swap(slot));
	m = vm_frame_alloc(obj->sys, 0);
	if (m == NULL)
		return (NULL);
	ok = page_insert(obj, idx, m);
	KVERIFY(ok); /* replacing needs no node */
	obj->swapped--;
	m->swap = vm_slot_blk(slot);
	m->flags &= ~(uint32_t)PG_ZEROED;
	return (m);
}

unsigned
vm_page_alloc_run(
    struct vm_object *obj, vm_pindex_t idx, unsigned n, struct vm_page **out)
{
	struct vm_phys *ph = obj->sys->phys;
	struct vm_page *m;
	vm_pindex_t next = idx;
	uint64_t value;
	unsigned order, i;

	kmutex_assert_owned(&obj->lock);
	KASSERT(n <= 1u << (VM_PHYS_ORDERS - 1));
	if (radix_next(&obj->index, &next, &value) && next - idx < n)
		n = (unsigned)(next - idx);
	if (n == 0)
		return (0);
	order = 31 - (unsigned)__builtin_clz(n);
	while ((m = vm_frame_alloc(obj->sys, order)) == NULL)
		if (order-- == 0)
			return (0);
	n = 1u << order;
	for (i = 0; i < n; i++)
		if (!page_insert(obj, idx + i, m + i))
			break;
	vm_phys_free_run(ph, m + i, n - i);
	if (i == 0)
		return (0);
	*out = m;
	return (i);
}

struct vm_page *
vm_page_lookup(struct vm_object *obj, vm_pindex_t idx)
{
	uint64_t slot;

	kmutex_assert_owned(&obj->lock);
	slot = vm_object_slot(obj, idx);
	return (vm_slot_is_swap(slot) ? NULL : vm_slot_page(slot));
}

/* The page has left its object: free the frame, now or at the last unhold. */
static void
page_release(struct vm_phys *ph, struct vm_page *m)
{
	if (vm_page_orphan(m))
		vm_phys_free(ph, m);
}

void
vm_page_free(struct vm_page *m)
{
	struct vm_object *obj = m->object;
	uint64_t was;

	kmutex_assert_owned(&obj->lock);
	KVERIFY(m->wire == 0 && (m->flags & PG_FICTITIOUS) == 0);
	page_unbusy(obj, m);
	was = radix_remove(&obj->index, m->pindex);
	KVERIFY(was == (uint64_t)(uintptr_t)m);
	obj->resident--;
	vm_page_drop_swap(m);
	page_release(obj->sys->phys, m);
}

void
vm_page_to_swap(struct vm_page *m, uint64_t blk)
{
	struct vm_object *obj = m->object;
	int error;

	kmutex_assert_owned(&obj->lock);
	KVERIFY(m->wire == 0 && (m->flags & PG_FICTITIOUS) == 0);
	KVERIFY(blk != SWBLK_NONE && (m->swap == blk || m->swap == SWBLK_NONE));
	page_unbusy(obj, m);
	KVERIFY(vm_object_slot(obj, m->pindex) == (uint64_t)(uintptr_t)m);
	error = radix_insert(&obj->index, m->pindex, vm_slot_swap(blk));
	KVERIFY(error == 0);
	obj->resident--;
	obj->swapped++;
	vm_object_note_swap(obj);
	page_release(obj->sys->phys, m);
}

void
vm_page_drop_swap(struct vm_page *m)
{
	if (m->swap == SWBLK_NONE)
		return;
	swap_free(m->object->sys->swap, m->swap, 1);
	m->swap = SWBLK_NONE;
}

void
vm_page_dirty(struct vm_page *m)
{
	struct vm_object *obj = m->object;

	kmutex_assert_owned(&obj->lock);
	vm_page_drop_swap(m);
	if (obj->vops != NULL)
		m->flags |= PG_DIRTY;
}

int
vm_page_rename(struct vm_page *m, struct vm_object *to, vm_pindex_t idx)
{
	struct vm_object *from = m->object;
	uint64_t was;
	int error;

	kmutex_assert_owned(&from->lock);
	kmutex_assert_owned(&to->lock);
	KASSERT(radix_lookup(&to->index, idx) == 0);
	error = radix_insert(&to->index, idx, (uint64_t)(uintptr_t)m);
	if (error != 0)
		return (error);
	page_unbusy(from, m);
	if ((m->flags & PG_BUSY) != 0)
		to->busy++;
	was = radix_remove(&from->index, m->pindex);
	KVERIFY(was == (uint64_t)(uintptr_t)m);
	from->resident--;
	to->resident++;
	m->object = to;
	m->pindex = idx;
	return (0);
}

bool
vm_page_busy_try(struct vm_page *m)
{
	kmutex_assert_owned(&m->object->lock);
	if ((m->flags & PG_BUSY) != 0)
		return (false);
	m->flags |= PG_BUSY;
	m->object->busy++;
	return (true);
}

void
vm_page_unbusy(struct vm_page *m)
{
	kmutex_assert_owned(&m->object->lock);
	KASSERT((m->flags & PG_BUSY) != 0);
	page_unbusy(m->object, m);
	m->flags &= ~(uint32_t)PG_BUSY;
}

void
vm_page_busy_wait(struct vm_object *obj, struct vm_page *m)
{
	kmutex_assert_owned(&obj->lock);
	KASSERT(m->object == obj);
	if ((m->flags & PG_BUSY) == 0)
		return;
	/* After one wait the page may have been freed: the caller looks it up
	 * again. */
	m->flags |= PG_WANTED;
	kcond_wait(&obj->busy_cond, &obj->lock);
}

/* ---- pages of devices ---- */

int
vm_page_enter_fictitious(struct vm_object *obj, vm_pindex_t idx, vm_frame_t f)
{
	struct vm_phys *ph = obj->sys->phys;
	struct vm_page *m;

	kmutex_assert_owned(&obj->lock);
	if (f < ph->npages || f >= ph->npages + ph->ndev)
		return (EIO);
	m = vm_phys_page(ph, f);
	/* Another window has it: the device contradicts itself. */
	if (m->object != NULL)
		return (EIO);
	if (radix_insert(&obj->index, idx, (uint64_t)(uintptr_t)m) != 0)
		return (ENOMEM);
	m->object = obj;
	m->pindex = idx;
	m->flags = PG_FICTITIOUS | PG_VALID;
	obj->resident++;
	return (0);
}

void
vm_page_forget_fictitious(struct vm_page *m)
{
	KVERIFY((m->flags & (PG_FICTITIOUS | PG_BUSY)) == PG_FICTITIOUS);
	m->wire = 0;
	m->flags = 0;
	m->object = NULL;
}

void
vm_page_remove_fictitious(struct vm_page *m)
{
	struct vm_object *obj = m->object;
	uint64_t was;

	kmutex_assert_owned(&obj->lock);
	was = radix_remove(&obj->index, m->pindex);
	KVERIFY(was == (uint64_t)(uintptr_t)m);
	obj->resident--;
	vm_page_forget_fictitious(m);
}

/* ---- blocks ---- */

void
vm_object_swap_drop(struct vm_object *o, vm_pindex_t idx)
{
	uint64_t slot;

	kmutex_assert_owned(&o->lock);
	slot = radix_remove(&o->index, idx);
	KVERIFY(vm_slot_is_swap(slot) && o->swapped > 0);
	o->swapped--;
	if (vm_slot_blk(slot) != SWBLK_LOST)
		swap_free(o->sys->swap, vm_slot_blk(slot), 1);
}

uint64_t
vm_object_swap_drop_range(
    struct vm_object *o, vm_pindex_t start, vm_pindex_t end, uint64_t n)
{
	uint64_t slot, done = 0;

	for (vm_pindex_t i = start;
	     done < n && o->swapped != 0 && vm_object_next_slot(o, &i, &slot) &&
	     i < end;
	     i++)
		if (vm_slot_is_swap(slot)) {
			vm_object_swap_drop(o, i);
			done++;
		}
	return (done);
}

int
vm_object_swap_move(struct vm_object *from, vm_pindex_t idx,
    struct vm_object *to, vm_pindex_t to_idx)
{
	uint64_t slot = vm_object_slot(from, idx), was;
	int error;

	kmutex_assert_owned(&from->lock);
	kmutex_assert_owned(&to->lock);
	KVERIFY(vm_slot_is_swap(slot));
	KASSERT(vm_object_slot(to, to_idx) == 0);
	error = radix_insert(&to->index, to_idx, slot);
	if (error != 0)
		return (error);
	was = radix_remove(&from->index, idx);
	KVERIFY(was == slot);
	from->swapped--;
	to->swapped++;
	vm_object_note_swap(to);
	return (0);
}
