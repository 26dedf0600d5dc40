/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The swapcache: clean pages of files kept in swap.
 *
 * Purpose: if swap is on a faster device than the files, a page that was
 * dropped from memory is read back from swap faster than from its file.
 *
 * Concepts.  Pageout drops clean pages of files.  With the swapcache it writes
 * them to swap first, and leaves the block in the object's index, exactly as
 * for anonymous memory; a fault finds the block and reads it instead of the
 * file.  The file has the page, too, so a block may be dropped at any time:
 * when the page is written to, when the file changes, when swap is short,
 * when the block cannot be read.
 *
 *   stamp     A digest of the file's size and times, taken before pages are
 *             read from it.  An object with pages of two states of the file has
 *             no stamp, and none of its pages are kept.  Before blocks are
 *             made, and before they are used, the stamp is compared with that
 *             of the file; if they differ, all blocks are dropped.
 *   limit     Pages of files in swap, at most.  The count is an estimate: the
 *             pages that the cleaner last counted, and those written since.
 *   rate      Pages a second that may be written, so that a program which reads
 *             a large file in a loop does not wear out the swap device.  Unused
 *             allowance is kept for a second.
 *   cleaner   Runs with the pageout daemon when the limit is reached, and
 *             when anonymous memory finds no room.  It walks the objects by
 *             holds and drops blocks of files, from where it last stopped.
 *
 * Locking and lifetime: blocks are under the lock of their object; the budget
 * is under cache->lock, which is innermost.  The stamp is computed by the
 * vnode, which is called without locks.
 *
 * Guarantees: a block has the contents that the file had when its stamp was
 * taken.  A change that the file's size and times do not show is not noticed.
 *
 * Limits: the limit may be exceeded by the pages that are written between two
 * runs of the cleaner, at most a second's allowance.
 */
#include "vm/pager/vm_swapcache.h"

#include "libk/kassert.h"
#include "vm/object/vm_object_int.h"

#define SECOND UINT64_C(1000000000)
#define STAMP_NONE UINT64_C(0) /* pages of different states of the file */

void
vm_swapcache_set(struct vm_system *sys, uint64_t pages, uint64_t rate)
{
	struct vm_swapcache *c = &sys->cache;

	kmutex_lock(&c->lock);
	atomic_store(&c->limit, pages);
	c->rate = rate;
	c->tokens = rate;
	c->filled_ns = host_now_ns();
	kmutex_unlock(&c->lock);
}

bool
vm_swapcache_on(const struct vm_object *o)
{
	return (o->vops != NULL && o->vops->stamp != NULL &&
		atomic_load_explicit(
		    &o->sys->cache.limit, memory_order_relaxed) != 0);
}

/* Add the allowance for the time since the last call.  Locked. */
static void
refill(struct vm_swapcache *c)
{
	uint64_t now = host_now_ns(), due;

	due = (now - c->filled_ns) * c->rate / SECOND;
	if (now - c->filled_ns > SECOND)
		due = c->rate;
	if (due == 0)
		return;
	c->tokens = c->tokens + due < c->rate ? c->tokens + due : c->rate;
	c->filled_ns = now;
}

bool
vm_swapcache_take(struct vm_object *o)
{
	struct vm_system *sys = o->sys;
	struct vm_swapcache *c = &sys->cache;
	bool ok;

	/* Anonymous pages can go only to swap: leave half of it to them. */
	if (swap_space_free(sys->swap) < swap_space_size(sys->swap) / 2)
		return (false);
	kmutex_lock(&c->lock);
	if (c->rate != 0)
		refill(c);
	ok = c->estimate < atomic_load(&c->limit) &&
	     (c->rate == 0 || c->tokens > 0);
	if (ok) {
		c->estimate++;
		c->tokens -= c->rate != 0;
	}
	kmutex_unlock(&c->lock);
	return (ok);
}

/* Drop all of the object's blocks.  Locked. */
static void
drop_all(struct vm_object *o)
{
	vm_pindex_t i = 0;
	struct vm_page *m;

	vm_object_swap_drop_range(o, 0, UINT64_MAX, UINT64_MAX);
	/* A busy page is validated by its reader before it is used. */
	for (; vm_object_next_page(o, &i, &m); i++)
		if ((m->flags & PG_BUSY) == 0)
			vm_page_drop_swap(m);
}

void
vm_swapcache_filling(struct vm_object *o)
{
	uint64_t stamp = 0;
	int error;

	if (!vm_swapcache_on(o))
		return;
	error = o->vops->stamp(o->handle, &stamp);
	vm_object_lock(o);
	if (error != 0)
		stamp = STAMP_NONE;
	/* The pages that are busy for this read count as resident. */
	if (o->swapped == 0 && o->cache_filled == 0)
		o->cache_stamp = stamp;
	else if (stamp != o->cache_stamp)
		o->cache_stamp = STAMP_NONE;
	o->cache_filled = 1;
	vm_object_unlock(o);
}

bool
vm_swapcache_validate(struct vm_object *o)
{
	uint64_t stamp = 0;
	bool valid;
	int error = o->vops->stamp(o->handle, &stamp);

	vm_object_lock(o);
	valid = error == 0 && stamp == o->cache_stamp && stamp != STAMP_NONE;
	if (!valid)
		drop_all(o);
	/* No page of the old contents is left: take the next stamp. */
	if (!valid && o->resident == 0)
		o->cache_filled = 0;
	vm_object_unlock(o);
	return (valid);
}

uint64_t
vm_swapcache_count(struct vm_system *sys)
{
	struct vm_object *o = NULL;
	uint64_t n = 0;

	while ((o = vm_object_scan(sys, o)) != NULL) {
		vm_object_lock(o);
		if (o->vops != NULL)
			n += o->swapped;
		vm_object_unlock(o);
	}
	return (n);
}

/* Drop up to n blocks of the object. */
static uint64_t
clean_object(struct vm_object *o, uint64_t n)
{
	vm_object_lock(o);
	n = vm_object_swap_drop_range(o, 0, UINT64_MAX, n);
	vm_object_unlock(o);
	return (n);
}

void
vm_swapcache_clean(struct vm_system *sys, bool hard)
{
	struct vm_swapcache *c = &sys->cache;
	uint64_t limit = atomic_load(&c->limit), have, want, keep;
	struct vm_object *o = NULL;
	bool around = false;

	kmutex_lock(&c->lock);
	have = c->estimate;
	kmutex_unlock(&c->lock);
	if (have == 0 || (!hard && have < limit))
		return;
	have = vm_swapcache_count(sys);
	keep = hard ? have / 2 : limit - limit / 4;
	want = have > keep ? have - keep : 0;
	/* Begin behind the object where the last run stopped, then around. */
	while (want > 0) {
		o = vm_object_scan(sys, o);
		if (o == NULL && around)
			break;
		if (o == NULL) {
			around = true;
			continue;
		}
		if (o->vops != NULL && (around || o->id > c->last_id)) {
			uint64_t n = clean_object(o, want);

			want -= n;
			have -= n;
			c->last_id = o->id;
		}
	}
	if (o != NULL)
		vm_object_drop(o);
	kmutex_lock(&c->lock);
	c->estimate = have;
	kmutex_unlock(&c->lock);
}
