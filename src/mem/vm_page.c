/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pages of objects.
 *
 * Purpose: the life of a frame while an object owns it: allocation into the
 * object's index, busy, hold, move and free.
 *
 * Concepts.  Busy is the exclusive right to carry a page through a state that
 * others must not see: read from its file, copied, moved.  It is a flag under
 * the object lock with one owner, so that the lock can be dropped meanwhile.
 * A hold pins the frame, not the page's place in its object: a page may be
 * freed while it is held; it is then an orphan (object NULL, PG_HOLD_FREE in
 * the hold word), and the last unhold frees the frame.
 *
 * Locking: everything about object, index and flags is under the lock of the
 * page's object; holds are atomic.  A new hold needs the object lock, the
 * lock of a pmap that translates to the page, or another hold.  vm_page_free()
 * has the first and its caller has ended the second, so a hold count of zero
 * seen there stays zero, and the atomic exchange is needed only for others.
 *
 * Swap.  An index holds either the page or the block with its contents, never
 * both; a page whose contents are also in swap remembers the block itself.
 * So one slot is always enough, and replacing one by the other cannot fail
 * for lack of memory.
 *
 * Reserve.  The last sys->reserve frames are for threads that have said that
 * they free memory (vm_pageout_right): others find nothing and have to wait.
 *
 * Guarantees: a page is in the index of its object or it has no object; the
 * frame of an orphan is freed exactly once, as flag and count are one word.
 *
 * Limits: waiters for a busy page share one condition per object, and all of
 * them wake up for each page.
 */
#include "mem/vm_page.h"

#include <string.h>

#include "libk/kassert.h"
#include "vm/object/vm_object_int.h"

/* May the caller have n frames? */
static inline bool
page_allowed(const struct vm_system *sys, uint64_t n)
{
	return (atomic_load_explicit(&sys->phys->nfree, memory_order_relaxed) >=
		    sys->reserve + n ||
		sys->reserve == 0 || vm_pageout_right(0));
}

/* A frame for a page, or NULL. */
static struct vm_page *
page_frame(struct vm_system *sys, unsigned order)
{
	if (!page_allowed(sys, (uint64_t)1 << order))
		return (NULL);
	return (vm_phys_alloc(sys->phys, order));
}

/* Frames were taken: high-water mark, and is it time for pageout? */
static void
page_note_use(struct vm_system *sys)
{
	uint64_t nfree =
	    atomic_load_explicit(&sys->phys->nfree, memory_order_relaxed);
	uint64_t used = sys->phys->npages - nfree;
	uint64_t peak =
	    atomic_load_explicit(&sys->peak_used, memory_order_relaxed);

	while (used > peak &&
	       !atomic_compare_exchange_weak_explicit(&sys->peak_used, &peak,
		   used, memory_order_relaxed, memory_order_relaxed))
		;
	if (nfree < sys->low)
		vm_pageout_wake(sys);
}

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

/* A busy page is busy no more, or not in this object: whoever waits for it, or
 * for all of a dead object's, must look again. */
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
	m = page_frame(obj->sys, 0);
	if (m == NULL)
		return (NULL);
	if (!page_insert(obj, idx, m)) {
		vm_phys_free(obj->sys->phys, m);
		return (NULL);
	}
	page_note_use(obj->sys);
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
	m = page_frame(obj->sys, 0);
	if (m == NULL)
		return (NULL);
	ok = page_insert(obj, idx, m);
	KVERIFY(ok); /* replacing needs no node */
	obj->swapped--;
	m->swap = vm_slot_blk(slot);
	m->flags &= ~(uint32_t)PG_ZEROED;
	page_note_use(obj->sys);
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
	while ((m = page_frame(obj->sys, order)) == NULL)
		if (order-- == 0)
			return (0);
	n = 1u << order;
	for (i = 0; i < n; i++)
		if (!page_insert(obj, idx + i, m + i))
			break;
	vm_phys_free_run(ph, m + i, n - i);
	if (i == 0)
		return (0);
	page_note_use(obj->sys);
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

bool
vm_page_orphan(struct vm_page *m)
{
	m->object = NULL;
	m->flags = 0;
	m->swap = SWBLK_NONE;
	if (atomic_load_explicit(&m->hold, memory_order_acquire) != 0) {
		if (atomic_fetch_or_explicit(
			&m->hold, PG_HOLD_FREE, memory_order_acq_rel) != 0)
			return (false);
		atomic_store_explicit(&m->hold, 0, memory_order_relaxed);
	}
	return (true);
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
	/* After one wait the page may be gone: only a new lookup can tell. */
	m->flags |= PG_WANTED;
	kcond_wait(&obj->busy_cond, &obj->lock);
}

void
vm_page_hold(struct vm_page *m)
{
	uint32_t old =
	    atomic_fetch_add_explicit(&m->hold, 1, memory_order_relaxed);

	KVERIFY((old & ~PG_HOLD_FREE) < PG_HOLD_FREE - 1);
}

void
vm_page_unhold(struct vm_phys *ph, struct vm_page *m)
{
	uint32_t old =
	    atomic_fetch_sub_explicit(&m->hold, 1, memory_order_acq_rel);

	KVERIFY((old & ~PG_HOLD_FREE) != 0);
	if (old != (PG_HOLD_FREE | 1))
		return;
	atomic_store_explicit(&m->hold, 0, memory_order_relaxed);
	vm_phys_free(ph, m);
}

void
vm_page_zero_prepare(
    struct vm_page *run, unsigned n, uint64_t map[VM_PAGE_RUN_WORDS])
{
	KASSERT(n <= VM_PAGE_RUN_WORDS * 64);
	memset(map, 0, VM_PAGE_RUN_WORDS * sizeof(map[0]));
	for (unsigned i = 0; i < n; i++) {
		if ((run[i].flags & PG_ZEROED) == 0)
			map[i / 64] |= (uint64_t)1 << (i % 64);
		run[i].flags &= ~(uint32_t)PG_ZEROED;
	}
}

void
vm_page_zero_run(struct vm_phys *ph, struct vm_page *run, unsigned n,
    const uint64_t map[VM_PAGE_RUN_WORDS])
{
	char *base = vm_page_ptr(ph, run);
	unsigned i = 0, from;

	/* Neighbours in one call. */
	while (i < n) {
		from = i;
		while (i < n && (map[i / 64] >> (i % 64) & 1) != 0)
			i++;
		if (i > from)
			memset(
			    base + from * PAGE_SIZE, 0, (i - from) * PAGE_SIZE);
		else
			i++;
	}
}
