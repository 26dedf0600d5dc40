/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The swap pager: anonymous memory whose contents are in swap.
 *
 * Purpose
 *   Bring in a page from swap: for a fault, for a file of tmpfs, or because its
 *   swap area is to be removed.  Pageout writes pages out (vm_pageout_page.c);
 *   slots and blocks are in vm_object_page.c.
 *
 * Concepts
 *   clean    A page that was brought in keeps its block until a translation
 *            allows writing to it: until then it can be paged out again
 *            without a write.  When swap is nearly full the block is freed at
 *            once instead.
 *   lost     A block that could not be read when its area was removed.  The
 *            slot then has SWBLK_LOST: a fault on it is an I/O error, never
 *            zeroes.
 *
 *   Bringing in puts a busy page into the slot, stores the block in the page,
 *   and reads without locks.  If the read fails, the block is put back into the
 *   slot.  Neither step needs memory for the index.
 *
 * Locking and lifetime
 *   Slots under the object's lock; blocks are freed under it as well (the swap
 *   space's lock is further in).  While a page is read, the object counts one
 *   paging: it is neither terminated nor collapsed.
 *
 * Guarantees
 *   - A page becomes valid only if the checksum of what was read is right.
 *   - swapoff either brings in all pages of the area, or leaves the area in
 * use; pages that were brought in before a failure stay in memory.
 *
 * Limits
 *   swapoff walks over all objects until the area is empty.  A guest that moves
 *   memory around all the time makes it take longer.
 */
#include "vm/pager/swap_pager.h"

#include <errno.h>

#include "libk/kassert.h"
#include "mem/vm_reserve.h"
#include "vm/object/vm_object_int.h"

#define STARVED_WANT 64
#define STARVED_TRIES 64
#define SWAPOFF_PAUSE_NS UINT64_C(1000000)
#define SWAPOFF_PATIENCE_NS UINT64_C(10000000000)

/* ---- in ---- */

/* Busy pages for the blocks in a row from idx on; 0: no frame. */
static unsigned
getpages_alloc(struct vm_object *o, vm_pindex_t idx, unsigned n,
    struct vm_page **page, void **ptr)
{
	struct vm_system *sys = o->sys;
	swblk_t blk = vm_slot_blk(vm_object_slot(o, idx));
	unsigned i;

	for (i = 0; i < n; i++) {
		if (i > 0 &&
		    (vm_object_slot(o, idx + i) != vm_slot_swap(blk + i) ||
			atomic_load(&sys->phys->nfree) <= sys->reserve + i))
			break;
		page[i] = vm_page_alloc_swapped(o, idx + i);
		if (page[i] == NULL)
			break;
		ptr[i] = vm_page_ptr(sys->phys, page[i]);
	}
	return (i);
}

/* Make the page valid or, after an error, a block again.  Object locked. */
static void
getpages_done(struct vm_object *o, struct vm_page *m, int error, bool wanted)
{
	const struct swap_space *ss = o->sys->swap;

	if (error != 0) {
		vm_stat_add(o->sys, VMST_SWAPFAIL, 1);
		vm_page_to_swap(m, m->swap);
		return;
	}
	if (swap_space_free(ss) < swap_space_size(ss) / 8)
		vm_page_drop_swap(m);
	m->flags |= PG_VALID;
	if (o->vops == NULL)
		m->flags |= PG_RETURNED;
	m->act = wanted ? VM_ACT_MAX : 1;
	vm_page_unbusy(m);
}

int
swap_pager_getpages(
    struct vm_object *o, vm_pindex_t idx, unsigned n, unsigned *got)
{
	struct vm_page *page[SWAP_CLUSTER];
	void *ptr[SWAP_CLUSTER];
	int err[SWAP_CLUSTER];
	swblk_t blk;

	kmutex_assert_owned(&o->lock);
	KASSERT(n >= 1 && n <= SWAP_CLUSTER);
	blk = vm_slot_blk(vm_object_slot(o, idx));
	if (blk == SWBLK_LOST) {
		vm_object_unlock(o);
		return (EIO);
	}
	n = getpages_alloc(o, idx, n, page, ptr);
	if (n == 0) {
		vm_object_unlock(o);
		return (ENOMEM);
	}
	vm_object_paging_begin(o);
	vm_object_unlock(o);
	swap_read(o->sys->swap, blk, n, ptr, err);
	vm_object_lock(o);
	for (unsigned i = 0; i < n; i++)
		getpages_done(o, page[i], err[i], i == 0);
	vm_object_paging_end(o);
	vm_object_unlock(o);
	vm_stat_add(o->sys, VMST_SWAPIN, n);
	vm_stat_add(o->sys, VMST_READAHEAD, n - 1);
	*got = n;
	return (err[0] != 0 ? EIO : 0);
}

int
vm_object_getpage(struct vm_object *o, vm_pindex_t idx, struct vm_page **mp)
{
	unsigned got, tries = 0;
	struct vm_page *m;
	uint64_t slot;
	int error;

	kmutex_assert_owned(&o->lock);
	while ((slot = vm_object_slot(o, idx)) != 0) {
		if (!vm_slot_is_swap(slot)) {
			m = vm_slot_page(slot);
			if ((m->flags & PG_BUSY) == 0)
				break;
			vm_page_busy_wait(o, m);
			continue;
		}
		error = swap_pager_getpages(o, idx, 1, &got);
		if (error == ENOMEM && tries++ < STARVED_TRIES &&
		    vm_frame_starved(o->sys, STARVED_WANT))
			error = 0;
		vm_object_lock(o);
		if (error != 0)
			return (error);
	}
	*mp = vm_slot_page(slot);
	return (0);
}

/* ---- areas ---- */

int
vm_swapon(
    struct vm_system *sys, const struct swap_area_config *cf, unsigned *area)
{
	return (swap_area_add(sys->swap, cf, area));
}

static bool
area_used(struct vm_system *sys, unsigned area, uint64_t *pages)
{
	struct swap_area_stat st;
	unsigned a = area;

	if (!swap_area_stat(sys->swap, &a, &st) || a != area)
		return (false);
	*pages = st.used >> PAGE_SHIFT;
	return (true);
}

/* Free the block of a resident page. */
static void
swapoff_page(struct vm_object *o, struct vm_page *m)
{
	if ((m->flags & PG_BUSY) != 0)
		vm_page_busy_wait(o, m);
	else
		vm_page_drop_swap(m);
}

/* The block at idx cannot be read: mark its contents as lost. */
static void
swapoff_lose(struct vm_object *o, vm_pindex_t idx, uint64_t slot)
{
	int error;

	if (vm_object_slot(o, idx) != slot)
		return;
	error = radix_insert(&o->index, idx, vm_slot_swap(SWBLK_LOST));
	KVERIFY(error == 0);
	swap_free(o->sys->swap, vm_slot_blk(slot), 1);
	klog(o->sys->log, KLOG_WARN,
	    "swapoff: a page of object %llu cannot be read and is lost",
	    (unsigned long long)o->id);
}

/* Bring in the pages that the object, held, has in the area.  0, ENOMEM. */
static int
swapoff_object(struct vm_object *o, unsigned area)
{
	unsigned got, tries = 0;
	vm_pindex_t idx = 0;
	struct vm_page *m;
	uint64_t slot;
	int error = 0;

	vm_object_lock(o);
	while (error == 0 && (o->flags & OBJ_DEAD) == 0 &&
	       vm_object_next_slot(o, &idx, &slot)) {
		if (vm_slot_is_swap(slot)) {
			if (SWBLK_AREA(vm_slot_blk(slot)) != area) {
				idx++;
				continue;
			}
			if (o->vops != NULL) { /* the file has it */
				vm_object_swap_drop(o, idx++);
				continue;
			}
			/* The next round frees the block of the page. */
			error = swap_pager_getpages(o, idx, SWAP_CLUSTER, &got);
			if (error == 0)
				tries = 0;
			else if (error == ENOMEM && tries++ < STARVED_TRIES &&
				 vm_frame_starved(o->sys, STARVED_WANT))
				error = 0;
			vm_object_lock(o);
			if (error == EIO) {
				swapoff_lose(o, idx, slot);
				error = 0;
			}
			continue;
		}
		m = vm_slot_page(slot);
		if (m->swap != SWBLK_NONE && SWBLK_AREA(m->swap) == area)
			swapoff_page(o, m);
		else
			idx++;
	}
	vm_object_unlock(o);
	return (error);
}

/* One walk over all objects.  0, ENOMEM. */
static int
swapoff_pass(struct vm_system *sys, unsigned area)
{
	uint64_t last = atomic_load(&sys->next_id), pages;
	struct vm_object *o = NULL;
	int error = 0;

	while ((o = vm_object_scan(sys, o)) != NULL) {
		if (error == 0 && o->id <= last)
			error = swapoff_object(o, area);
		if (error != 0 || !area_used(sys, area, &pages) || pages == 0) {
			vm_object_drop(o);
			break;
		}
	}
	return (error);
}

/* Is there room for the pages of the area? */
static bool
swapoff_fits(struct vm_system *sys, uint64_t pages)
{
	struct vm_object_totals t;

	vm_object_totals(sys, &t);
	/* The other blocks are copies of pages that are in memory. */
	if (pages > t.swapped_pages)
		pages = t.swapped_pages;
	return (pages <= atomic_load(&sys->phys->nfree) + t.file_pages +
			     swap_space_free(sys->swap));
}

int
vm_swapoff(struct vm_system *sys, unsigned area)
{
	uint64_t until = host_now_ns() + SWAPOFF_PATIENCE_NS;
	uint64_t pages = 0, before = UINT64_MAX;
	int error;

	klock_assert_none();
	if (!area_used(sys, area, &pages))
		return (ENOENT);
	error = swap_area_drain_begin(sys->swap, area);
	if (error != 0)
		return (error);
	if (!swapoff_fits(sys, pages))
		error = ENOMEM;
	while (error == 0) {
		error = swapoff_pass(sys, area);
		if (error != 0)
			break;
		error = swap_area_remove(sys->swap, area);
		if (error != EBUSY)
			break;
		/* Blocks are in transit, or were moved during the pass. */
		error = 0;
		(void)area_used(sys, area, &pages);
		if (pages < before) {
			before = pages;
			until = host_now_ns() + SWAPOFF_PATIENCE_NS;
		} else if (host_now_ns() > until)
			error = EAGAIN;
		host_sleep_ns(SWAPOFF_PAUSE_NS);
	}
	if (error != 0)
		swap_area_drain_cancel(sys->swap, area);
	return (error);
}
