/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The vnode pager: pages of files.
 *
 * Purpose
 *   One object per vnode holds the pages of the file that are resident, for
 *   all mappings of it, shared or private.  This is the only file of vm that
 *   calls a vnode, through struct vm_vnode_ops.
 *
 * Concepts
 *   Dirty pages are known by write fault: a clean page is never translated
 *   with WRITE, the fault that makes it writable sets PG_DIRTY.  Cleaning
 *   takes WRITE away from all translations first, and clears the flag before
 *   the page is written, so that a store during the write faults and waits
 *   for the busy page.  A page that is pinned (perhaps the kernel reads a
 *   device into it) stays dirty: such stores make no fault.
 *
 *   read(2) and write(2) go to the file and then call vnode_pager_overlay() or
 *   vnode_pager_update(): a dirty page is newer than the file, and a written
 *   range must reach the pages.
 *
 * Locking and lifetime
 *   No lock is held across a vnode operation; the object counts one `paging`,
 *   for which stage 1, and with it the vnode's reclaim, waits.  So the vnode
 *   must not be reclaimed with a lock held that its own read, write or size
 *   would take.  Pages in I/O are busy.
 *
 * Guarantees
 *   - A page is valid only if all of it was read, or lies at the end of the
 *     file, where the rest is zero.
 *   - A failed write leaves its pages dirty; the first error is returned.
 *   - Truncation waits for I/O on the pages that it removes.
 *
 * Limits
 *   Truncation zeroes the end of the last page of the file, but not of its
 *   copies in private mappings.  A page of a file is dirty as a whole.
 */
#include "vm/pager/vnode_pager.h"

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "vm/object/vm_object_int.h"
#include "vm/pager/vm_swapcache.h"

#define WRITE_CLUSTER 16 /* pages in one write */

int
vnode_pager_alloc(struct vm_system *sys, void *handle,
    const struct vm_vnode_ops *vops, struct vm_object **out)
{
	struct vm_object *o;
	uint64_t size;
	int error;

	error = vops->size(handle, &size);
	if (error != 0)
		return (error);
	error = vm_object_allocate_hold(
	    sys, OBJT_VNODE, OFF_TO_IDX(round_page(size)), &o);
	if (error != 0)
		return (error);
	o->vops = vops;
	o->handle = handle;
	vm_object_unlock(o);
	*out = o;
	return (0);
}

void
vnode_pager_dealloc(struct vm_object *o)
{
	int error = vnode_pager_sync(o, 0, 0);

	if (error != 0)
		klog(o->sys->log, KLOG_WARN,
		    "object %llu: write-back at reclaim failed, errno %d",
		    (unsigned long long)o->id, error);
	vm_object_free_owner(o);
}

/* ---- in ---- */

/* Read len bytes at off; *got may be less at the end of the file. */
static int
pager_read(
    struct vm_object *o, uint64_t off, char *buf, uint64_t len, uint64_t *got)
{
	size_t done;
	int error;

	for (*got = 0; *got < len; *got += done) {
		done = 0;
		error = o->vops->read(
		    o->handle, off + *got, buf + *got, len - *got, &done);
		if (error != 0)
			return (error);
		if (done == 0)
			break;
		KVERIFY(done <= len - *got);
	}
	return (0);
}

/* How many of the n pages are complete with `got` bytes read. */
static unsigned
pager_good(int error, uint64_t got, unsigned n)
{
	uint64_t good = error != 0 ? got : round_page(got);

	good >>= PAGE_SHIFT;
	return (good < n ? (unsigned)good : n);
}

int
vnode_pager_fill(
    struct vm_object *o, struct vm_page *run, unsigned n, unsigned want)
{
	char *buf = vm_page_ptr(o->sys->phys, run);
	uint64_t off = IDX_TO_OFF(run->pindex), len = n * PAGE_SIZE;
	uint64_t size, got = 0;
	unsigned good;
	int error;

	vm_swapcache_filling(o);
	error = o->vops->size(o->handle, &size);
	if (error == 0) {
		size = size > off ? size - off : 0;
		error = pager_read(o, off, buf, len < size ? len : size, &got);
	}
	good = pager_good(error, got, n);
	if (good != 0 && got < good * PAGE_SIZE)
		memset(buf + got, 0, good * PAGE_SIZE - got);

	vm_object_lock(o);
	for (unsigned i = 0; i < n; i++) {
		if (i >= good) {
			vm_page_free(run + i);
			continue;
		}
		run[i].flags &= ~(uint32_t)PG_ZEROED;
		run[i].flags |= PG_VALID;
		run[i].act = VM_ACT_MAX;
		vm_page_unbusy(run + i);
	}
	vm_object_paging_end(o);
	vm_object_unlock(o);
	vm_stat_add(o->sys, VMST_FILE_IN, good);
	return (want < good ? 0 : EIO);
}

int
vnode_pager_refresh(struct vm_object *o, vm_pindex_t want)
{
	uint64_t size = 0;
	int error = o->vops->size(o->handle, &size);

	vm_object_lock(o);
	if (error == 0 && OFF_TO_IDX(round_page(size)) > o->size)
		vm_object_set_size(o, OFF_TO_IDX(round_page(size)));
	if (error != 0 || want >= o->size)
		error = EIO;
	vm_object_paging_end(o);
	vm_object_unlock(o);
	return (error);
}

/* ---- out ---- */

struct cluster {
	unsigned n;
	struct vm_page *page[WRITE_CLUSTER]; /* frames and indices in a row */
};

/*
 * Busy the next dirty pages at or after *idx and below end, as one run.
 * *idx is moved past them.  n == 0: there are none.  Object locked; may sleep
 * with it unlocked.
 */
static void
cluster_collect(
    struct vm_object *o, vm_pindex_t *idx, vm_pindex_t end, struct cluster *c)
{
	struct vm_page *m;

	c->n = 0;
	while (c->n < WRITE_CLUSTER && vm_object_next_page(o, idx, &m) &&
	       *idx < end && (o->flags & OBJ_DEAD) == 0) {
		if (c->n != 0 && m != c->page[c->n - 1] + 1)
			break;
		if (c->n != 0 && m->pindex != c->page[c->n - 1]->pindex + 1)
			break;
		if ((m->flags & PG_BUSY) != 0) {
			if (c->n != 0)
				break;
			vm_page_busy_wait(o, m);
			continue;
		}
		if ((m->flags & PG_DIRTY) != 0) {
			vm_page_busy_try(m);
			c->page[c->n++] = m;
		} else if (c->n != 0)
			break;
		++*idx;
	}
}

/* Write the pages, as far as the file reaches.  No locks. */
static int
cluster_write(struct vm_object *o, const struct cluster *c)
{
	const char *buf = vm_page_ptr(o->sys->phys, c->page[0]);
	uint64_t off = IDX_TO_OFF(c->page[0]->pindex), len = c->n * PAGE_SIZE;
	uint64_t size, put;
	size_t done;
	int error;

	error = o->vops->size(o->handle, &size);
	if (error != 0)
		return (error);
	size = size > off ? size - off : 0;
	if (len > size)
		len = size;
	for (put = 0; put < len; put += done) {
		done = 0;
		error = o->vops->write(
		    o->handle, off + put, buf + put, len - put, &done);
		if (error == 0 && done == 0)
			error = EIO;
		if (error != 0)
			return (error);
		KVERIFY(done <= len - put);
	}
	vm_stat_add(o->sys, VMST_FILE_OUT, c->n);
	return (0);
}

int
vnode_pager_sync(struct vm_object *o, uint64_t off, uint64_t len)
{
	vm_pindex_t idx = OFF_TO_IDX(off), end = UINT64_MAX;
	struct cluster c;
	int error, first = 0;

	if (len != 0 && off + len > off)
		end = OFF_TO_IDX(off + len - 1) + 1;
	vm_object_lock(o);
	for (;;) {
		cluster_collect(o, &idx, end, &c);
		if (c.n == 0)
			break;
		vm_page_protect_batch(c.page, c.n);
		for (unsigned i = 0; i < c.n; i++)
			c.page[i]->flags &= ~(uint32_t)PG_DIRTY;
		vm_object_paging_begin(o);
		vm_object_unlock(o);
		error = cluster_write(o, &c);
		vm_object_lock(o);
		for (unsigned i = 0; i < c.n; i++) {
			if (error != 0 || atomic_load(&c.page[i]->hold) != 0)
				c.page[i]->flags |= PG_DIRTY;
			vm_page_unbusy(c.page[i]);
		}
		vm_object_paging_end(o);
		if (first == 0)
			first = error;
	}
	vm_object_unlock(o);
	return (first);
}

/* ---- one cache with read(2) and write(2) ---- */

/* The valid page at idx once it is not busy, or NULL; *waited if it was in I/O.
 * Object locked. */
static struct vm_page *
pager_idle_page(struct vm_object *o, vm_pindex_t idx, bool *waited)
{
	struct vm_page *m;

	*waited = false;
	while (
	    (m = vm_page_lookup(o, idx)) != NULL && (m->flags & PG_BUSY) != 0) {
		vm_page_busy_wait(o, m);
		*waited = true;
	}
	return (m);
}

/* Copy between buf and the resident pages of [off, off+len). */
static void
pager_copy(struct vm_object *o, uint64_t off, char *buf, size_t len, bool out)
{
	struct vm_phys *ph = o->sys->phys;
	uint64_t end = off + len, next;
	vm_pindex_t idx = OFF_TO_IDX(off);
	struct vm_page *m;
	bool waited;
	char *p;

	vm_object_lock(o);
	/* The file has new contents there, the swapcache has old ones. */
	if (!out && len != 0)
		vm_object_swap_drop_range(
		    o, OFF_TO_IDX(off), OFF_TO_IDX(end - 1) + 1, UINT64_MAX);
	for (; vm_object_next_page(o, &idx, &m) && IDX_TO_OFF(idx) < end;
	     idx++) {
		m = pager_idle_page(o, idx, &waited);
		if (m == NULL)
			continue;
		/* A page that was being written when the caller read the file
		 * may be newer than what the caller got. */
		if (out && !waited && (m->flags & PG_DIRTY) == 0)
			continue;
		if (off < IDX_TO_OFF(idx)) {
			buf += IDX_TO_OFF(idx) - off;
			off = IDX_TO_OFF(idx);
		}
		next = IDX_TO_OFF(idx + 1) < end ? IDX_TO_OFF(idx + 1) : end;
		p = (char *)vm_page_ptr(ph, m) + (off & PAGE_MASK);
		if (out)
			memcpy(buf, p, next - off);
		else {
			vm_page_drop_swap(m);
			memcpy(p, buf, next - off);
		}
		buf += next - off;
		off = next;
	}
	vm_object_unlock(o);
}

void
vnode_pager_overlay(struct vm_object *o, uint64_t off, void *buf, size_t len)
{
	pager_copy(o, off, buf, len, true);
}

void
vnode_pager_update(
    struct vm_object *o, uint64_t off, const void *buf, size_t len)
{
	pager_copy(o, off, (char *)(uintptr_t)buf, len, false);
}

void
vnode_pager_setsize(struct vm_object *o, uint64_t size)
{
	vm_pindex_t npages = OFF_TO_IDX(round_page(size)), old;
	struct vm_page *m;
	bool waited;

	vm_object_lock(o);
	old = o->size;
	vm_object_set_size(o, npages);
	vm_object_unlock(o);
	/* Also when it did not shrink: pages read ahead by a fault that saw
	 * another size may be there. */
	if (npages < old)
		vm_object_truncate(o, npages);
	else
		vm_object_page_remove(o, npages, UINT64_MAX);
	if ((size & PAGE_MASK) == 0 || npages > old)
		return;
	vm_object_lock(o);
	vm_object_swap_drop_range(o, npages - 1, npages, UINT64_MAX);
	m = pager_idle_page(o, npages - 1, &waited);
	if (m != NULL) {
		vm_page_drop_swap(m);
		memset(
		    (char *)vm_page_ptr(o->sys->phys, m) + (size & PAGE_MASK),
		    0, PAGE_SIZE - (size & PAGE_MASK));
	}
	vm_object_unlock(o);
}
