/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tmpfs contents: bytes between a uio and the pages of a file's object.
 *
 * Concepts.  A page that is not in the object is a hole and reads as zeroes; a
 * page in swap is brought in (vm_object_getpage).  A resident page is held,
 * which pins its frame, and copied without any lock; a new page stays busy
 * until it is filled, so that neither faults nor readers see the old contents
 * of the frame.  Mapped writers change pages at the same time, as on any Unix.
 *
 * Locking.  Writes and truncations of one file exclude each other by
 * node->reg.writing (a flag, so that no lock is held when waiting for busy
 * pages or reclaiming memory).  Reads do not wait for the flag: they see the
 * size as it was at their start, and holes where a truncation was faster.  The
 * size is written under tm->lock by the owner of the flag, which may read it
 * without the lock.
 *
 * Guarantees.  A write that fails has written the bytes that it reports and has
 * extended the size by no more.  Bytes that a mapping wrote beyond the end, in
 * the last page, never become part of the file when the file is extended.
 *
 * The object's size follows the file's, so a fault beyond the end is SIGBUS.
 *
 * Limits.  Reads and writes of one page are not atomic against each other.
 */
#include "vfs/tmpfs/tmpfs_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "abi/fcntl.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"
#include "mem/vm_reserve.h"
#include "vm/pager/swap_pager.h"

#define TMPFS_MAX_SIZE INT64_MAX
#define RECLAIM_FRAMES 64
#define RECLAIM_TRIES 4

/* Lock held.  Make the file's object unless there is one. */
static int
object_make_locked(struct tmpfs_node *node)
{
	struct vm_object *o;
	int error;

	if (node->reg.object != NULL)
		return (0);
	error = vm_object_allocate_hold(node->tm->sys, OBJT_DEFAULT,
	    OFF_TO_IDX(round_page(node->reg.size)), &o);
	if (error != 0)
		return (error);
	o->flags |= OBJ_NAMED | OBJ_CAPPED;
	vm_object_unlock(o);
	node->reg.object = o;
	return (0);
}

int
tmpfs_node_object(struct tmpfs_node *node, struct vm_object **op)
{
	int error;

	kmutex_lock(&node->tm->lock);
	error = object_make_locked(node);
	if (error == 0)
		*op = node->reg.object;
	kmutex_unlock(&node->tm->lock);
	return (error);
}

int
tmpfs_object(struct vnode *vp, struct vm_object **op)
{
	if (vp->type != VREG)
		return (ENODEV);
	return (tmpfs_node_object(tmpfs_node(vp), op));
}

void
tmpfs_writing_begin(struct tmpfs_node *node)
{
	kmutex_lock(&node->tm->lock);
	while (node->reg.writing)
		kcond_wait(&node->tm->cond, &node->tm->lock);
	node->reg.writing = true;
	kmutex_unlock(&node->tm->lock);
}

/* Release the flag; `changed`: set the times. */
void
tmpfs_writing_end(struct tmpfs_node *node, bool changed)
{
	kmutex_lock(&node->tm->lock);
	node->reg.writing = false;
	if (changed)
		node->mtime = node->ctime = (int64_t)host_realtime_ns();
	kcond_broadcast(&node->tm->cond);
	kmutex_unlock(&node->tm->lock);
}

void
tmpfs_set_size(struct tmpfs_node *node, struct vm_object *o, uint64_t size)
{
	kmutex_lock(&node->tm->lock);
	node->reg.size = size;
	if (o != NULL) {
		vm_object_lock(o);
		vm_object_set_size(o, OFF_TO_IDX(round_page(size)));
		vm_object_unlock(o);
	}
	kmutex_unlock(&node->tm->lock);
}

/* Count one more page.  ENOSPC. */
static int
tmpfs_charge(struct tmpfs_node *node)
{
	struct tmpfs_mount *tm = node->tm;
	int error = 0;

	kmutex_lock(&tm->lock);
	tmpfs_account(node);
	if (tm->pages >= tm->max_pages || vm_object_named_full(tm->sys))
		error = ENOSPC;
	else {
		tm->pages++;
		node->reg.charged++;
	}
	kmutex_unlock(&tm->lock);
	return (error);
}

int
tmpfs_page_get(struct tmpfs_node *node, struct vm_object *o, vm_pindex_t idx,
    bool zero, struct vm_page **mp, bool *fresh)
{
	struct vm_page *m;
	bool zeroed;
	int error;

	for (int tries = 0;; tries++) {
		vm_object_lock(o);
		error = vm_object_getpage(o, idx, &m);
		if (error != 0) {
			vm_object_unlock(o);
			return (error == ENOMEM ? ENOSPC : error);
		}
		if (m != NULL) {
			vm_page_dirty(m);
			vm_page_hold(m);
			vm_object_unlock(o);
			*mp = m;
			*fresh = false;
			return (0);
		}
		vm_object_unlock(o);
		if (tries == RECLAIM_TRIES || tmpfs_charge(node) != 0)
			return (ENOSPC);
		vm_object_lock(o);
		if (vm_object_empty_at(o, idx) &&
		    (m = vm_page_alloc(o, idx)) != NULL)
			break;
		vm_object_unlock(o);
		if (m == NULL &&
		    !vm_frame_starved(node->tm->sys, RECLAIM_FRAMES))
			tries = RECLAIM_TRIES - 1;
	}
	zeroed = (m->flags & PG_ZEROED) != 0;
	m->flags &= ~(uint32_t)PG_ZEROED;
	vm_object_unlock(o);
	if (zero && !zeroed)
		memset(vm_page_ptr(o->sys->phys, m), 0, PAGE_SIZE);
	*mp = m;
	*fresh = true;
	return (0);
}

/* Write the part of the uio that is in one page.  0, ENOSPC, EIO. */
static int
tmpfs_write_page(struct tmpfs_node *node, struct vm_object *o, struct uio *uio)
{
	struct vm_phys *ph = o->sys->phys;
	size_t in = (size_t)(uio->off & PAGE_MASK);
	size_t n = PAGE_SIZE - in;
	struct vm_page *m;
	bool fresh;
	int error;

	if (n > uio->resid)
		n = uio->resid;
	if ((node->reg.seals & LX_F_SEAL_GROW) != 0 &&
	    uio->off + n > node->reg.size)
		return (EPERM);
	error = tmpfs_page_get(
	    node, o, OFF_TO_IDX(uio->off), n < PAGE_SIZE, &m, &fresh);
	if (error != 0)
		return (error);
	n = uiomove((char *)vm_page_ptr(ph, m) + in, n, uio);
	KASSERT(n > 0);
	if (fresh) {
		vm_object_lock(o);
		m->flags |= PG_VALID | PG_DIRTY;
		vm_page_unbusy(m);
		vm_object_count_named(o);
		vm_object_unlock(o);
	} else
		vm_page_unhold(ph, m);
	if (uio->off > node->reg.size)
		tmpfs_set_size(node, o, uio->off);
	return (0);
}

int
tmpfs_zero(struct vm_object *o, uint64_t off, size_t n)
{
	size_t in = (size_t)(off & PAGE_MASK);
	struct vm_page *m;
	int error;

	if (n == 0)
		return (0);
	KASSERT(n <= PAGE_SIZE - in);
	vm_object_lock(o);
	error = vm_object_getpage(o, OFF_TO_IDX(off), &m);
	if (error == 0 && m != NULL) {
		vm_page_dirty(m);
		memset((char *)vm_page_ptr(o->sys->phys, m) + in, 0, n);
	}
	vm_object_unlock(o);
	return (error == ENOMEM ? ENOSPC : error);
}

/* Zero the page from byte `off` of the file on. */
static int
tmpfs_zero_tail(struct vm_object *o, uint64_t off)
{
	return (tmpfs_zero(o, off, (size_t)(-off & PAGE_MASK)));
}

int
tmpfs_write(struct vnode *vp, struct uio *uio, int flags)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	struct vm_object *o;
	size_t start = uio->resid;
	int error;

	if (vp->type != VREG)
		return (vp->type == VDIR ? EISDIR : EINVAL);
	if (start == 0)
		return (0);
	error = tmpfs_node_object(node, &o);
	if (error != 0)
		return (error);
	tmpfs_writing_begin(node);
	if ((flags & O_APPEND) != 0)
		uio->off = node->reg.size;
	if (uio->off > (uint64_t)TMPFS_MAX_SIZE ||
	    start > (uint64_t)TMPFS_MAX_SIZE - uio->off)
		error = EFBIG;
	else if ((node->reg.seals & TMPFS_NO_WRITE) != 0)
		error = EPERM;
	else if (uio->off > node->reg.size)
		error = tmpfs_zero_tail(o, node->reg.size);
	while (error == 0 && uio->resid > 0)
		error = tmpfs_write_page(node, o, uio);
	tmpfs_writing_end(node, uio->resid < start);
	return (uio->resid < start ? 0 : error);
}

int
tmpfs_read(struct vnode *vp, struct uio *uio, int flags)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	struct tmpfs_mount *tm = node->tm;
	struct vm_object *o;
	size_t start = uio->resid;
	struct vm_page *m;
	uint64_t size;
	int error;

	if (vp->type != VREG)
		return (vp->type == VDIR ? EISDIR : EINVAL);
	kmutex_lock(&tm->lock);
	size = node->reg.size;
	o = node->reg.object;
	node->atime = (int64_t)host_realtime_ns();
	kmutex_unlock(&tm->lock);
	while (uio->resid > 0 && uio->off < size) {
		size_t in = (size_t)(uio->off & PAGE_MASK);
		size_t n = PAGE_SIZE - in;

		if (n > size - uio->off)
			n = (size_t)(size - uio->off);
		if (o == NULL) {
			uiozero(n, uio);
			continue;
		}
		vm_object_lock(o);
		error = vm_object_getpage(o, OFF_TO_IDX(uio->off), &m);
		if (error == 0 && m != NULL)
			vm_page_hold(m);
		vm_object_unlock(o);
		if (error != 0)
			return (uio->resid < start ? 0 : error);
		if (m == NULL) {
			uiozero(n, uio);
			continue;
		}
		uiomove((char *)vm_page_ptr(o->sys->phys, m) + in, n, uio);
		vm_page_unhold(o->sys->phys, m);
	}
	return (0);
}

/*
 * Set the size.  0, EFBIG; EPERM (sealed); ENOSPC, EIO (the last page cannot be
 * brought in).
 * - Pages beyond the new end are removed, mapped or not; no lock held.
 */
int
tmpfs_truncate(struct tmpfs_node *node, uint64_t size)
{
	struct tmpfs_mount *tm = node->tm;
	struct vm_object *o;
	uint64_t old;
	int error = 0;

	if (size > (uint64_t)TMPFS_MAX_SIZE)
		return (EFBIG);
	tmpfs_writing_begin(node);
	kmutex_lock(&tm->lock);
	o = node->reg.object;
	kmutex_unlock(&tm->lock);
	old = node->reg.size;
	if (size != old &&
	    (node->reg.seals &
		(size < old ? LX_F_SEAL_SHRINK : LX_F_SEAL_GROW)) != 0) {
		tmpfs_writing_end(node, false);
		return (EPERM);
	}
	if (size < old) {
		/* First the size, so that no fault makes a page beyond it. */
		tmpfs_set_size(node, o, size);
		if (o != NULL)
			vm_object_truncate(o, OFF_TO_IDX(round_page(size)));
	}
	/* A mapping may have written bytes beyond the end. */
	if (o != NULL && size != old)
		error = tmpfs_zero_tail(o, size < old ? size : old);
	if (size > old && error == 0)
		tmpfs_set_size(node, o, size);
	if (o != NULL) {
		kmutex_lock(&tm->lock);
		tmpfs_account(node);
		kmutex_unlock(&tm->lock);
	}
	tmpfs_writing_end(node, true);
	return (error);
}
