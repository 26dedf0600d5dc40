/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Reading and writing files, and the one cache they share with mappings.
 *
 * Purpose.  A file of the host is read and written by system calls directly
 * between the host and the memory of the guest, and mapped through a vm
 * object whose pages the vnode pager fills.  Both views must agree at once.
 *
 * Concepts.  The host's file is the base, and resident pages lie over it:
 *
 *	read	from the host, then the dirty resident pages are copied over
 *		what was read (vnode_pager_overlay)
 *	write	to the host, then resident pages get the same bytes
 *		(vnode_pager_update), then the object learns a new size
 *	fault	a page is read from the host while it is busy
 *	pageout	a dirty page is written to the host while it is busy
 *
 * Write against fault: update waits for a busy page, so either the fault read
 * the new bytes, or update puts them into the page afterwards.  Write against
 * write: iolock makes host and pages see the same order.
 *
 * Write against pageout: a store elsewhere in a page made it dirty, and its
 * pageout may put the old bytes of the page over those that the write has just
 * given to the host; update would then change only the (now clean) page.  The
 * writer cannot wait for pageouts, because pageout holds the page busy for
 * which update waits.  So each write-back announces its range, and a writer
 * whose range a write-back has met writes the same bytes again.  By then the
 * page has the new bytes, too.
 *
 * Read against pageout: the reader gets old bytes from the host, then the
 * pageout ends, and the reader finds the newer page clean and does not overlay
 * it.  So the reader reads again when a write-back of its bytes has ended
 * meanwhile.  A count of ended write-backs shows the common case, that none has
 * ended.  Otherwise the reader announces its range, so that write-backs of
 * other parts of the file do not make it read again.
 *
 * Truncation cuts the pages before the host's file, so that no pageout of a
 * page beyond the new end can make the file long again, and cuts again
 * afterwards, because pages may have been faulted in between.
 *
 * Locking and lifetime.  iolock (rank VNIO) is held by writers and truncators
 * of VN_PAGED vnodes across host I/O and the waits of the pager; readers,
 * faults and pageouts do not take it.  The ranges are under the vnode's lock,
 * which is not held across I/O.  The object is made on first use, never changes
 * and is freed at reclaim.  The vnode owns one ref of it, which does not ref
 * the vnode; every other ref of the object refs the vnode.
 *
 * Guarantees.  A write that has returned is seen by all later reads and all
 * mappings, and is not undone by write-backs.  Appends of this kernel do not
 * overlap.
 *
 * Limits.  Changes made on the host while a vnode is in use are seen by read
 * but not by pages already resident.  O_APPEND is atomic against guests, not
 * against other processes of the host.  A vector of more than VN_IOV_MAX
 * pieces is moved in several steps.  What a mapping stores into pages while
 * fallocate moves or clears them may be lost.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/inotify.h"
#include "libk/kassert.h"
#include "vfs/core/inotify_event.h"
#include "vfs/core/mount.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/core/vnode_io.h"
#include "vm/object/vm_object.h"
#include "vm/pager/vnode_pager.h"

#define VN_IOV_MAX 64

/* A copy of the front of a uio, which a file system may consume. */
struct vn_part {
	struct host_iovec iov[VN_IOV_MAX]; /* as it was */
	struct host_iovec use[VN_IOV_MAX]; /* what the call consumes */
	int niov;
	size_t len; /* bytes */
	struct uio uio;
};

/* Take the next pieces of uio, at most VN_IOV_MAX. */
static void
part_init(struct vn_part *p, const struct uio *uio)
{
	size_t left = uio->resid;

	p->niov = 0;
	p->len = 0;
	for (int i = 0; i < uio->niov && left > 0 && p->niov < VN_IOV_MAX;
	     i++) {
		struct host_iovec v = uio->iov[i];

		if (v.len > left)
			v.len = left;
		if (v.len == 0)
			continue;
		p->iov[p->niov++] = v;
		p->len += v.len;
		left -= v.len;
	}
}

/* Point p->uio at the first `len` bytes of the part, at off. */
static void
part_rewind(struct vn_part *p, size_t len, uint64_t off, bool write)
{
	memcpy(p->use, p->iov, (size_t)p->niov * sizeof(p->iov[0]));
	p->uio.iov = p->use;
	p->uio.niov = p->niov;
	p->uio.resid = len;
	p->uio.off = off;
	p->uio.write = write;
}

/* Overlay (read) or update (write) the first `done` bytes of the part. */
static void
part_pages(struct vn_part *p, struct vm_object *obj, uint64_t off, size_t done,
    bool write)
{
	for (int i = 0; i < p->niov && done > 0; i++) {
		size_t n = p->iov[i].len < done ? p->iov[i].len : done;

		if (write)
			vnode_pager_update(obj, off, p->iov[i].base, n);
		else
			vnode_pager_overlay(obj, off, p->iov[i].base, n);
		off += n;
		done -= n;
	}
}

/* ---- ranges in flight ---- */

static bool
range_meets(const struct vn_range *a, const struct vn_range *b)
{
	return (a->off < b->end && b->off < a->end);
}

static void
range_write_begin(struct vnode *vp, struct vn_range *r)
{
	struct vn_range *pg;

	kmutex_lock(&vp->lock);
	KASSERT(vp->writing == NULL);
	r->clash = false;
	LIST_FOREACH (pg, &vp->pgouts, link) {
		if (range_meets(r, pg))
			r->clash = true;
	}
	vp->writing = r;
	kmutex_unlock(&vp->lock);
}

/* True: a write-back met the write. */
static bool
range_write_end(struct vnode *vp, struct vn_range *r)
{
	bool clash;

	kmutex_lock(&vp->lock);
	vp->writing = NULL;
	clash = r->clash;
	kmutex_unlock(&vp->lock);
	return (clash);
}

/* ---- operations for the vnode pager ---- */

static int
vm_vn_read(void *h, uint64_t off, void *buf, size_t len, size_t *done)
{
	struct vnode *vp = h;
	struct host_iovec iov;
	struct uio uio;
	int error;

	if (vp->ops->read == NULL)
		return (EINVAL);
	uio_init1(&uio, &iov, buf, len, off, false);
	error = vp->ops->read(vp, &uio, 0);
	if (error == 0)
		*done = len - uio.resid;
	return (error);
}

static int
vm_vn_write(void *h, uint64_t off, const void *buf, size_t len, size_t *done)
{
	struct vnode *vp = h;
	struct vn_range r = {.off = off, .end = off + len}, *rd;
	struct host_iovec iov;
	struct uio uio;
	int error;

	if (vp->ops->write == NULL)
		return (EINVAL);
	uio_init1(&uio, &iov, (void *)(uintptr_t)buf, len, off, true);
	kmutex_lock(&vp->lock);
	LIST_INSERT_HEAD(&vp->pgouts, &r, link);
	if (vp->writing != NULL && range_meets(vp->writing, &r))
		vp->writing->clash = true;
	kmutex_unlock(&vp->lock);
	error = vp->ops->write(vp, &uio, 0);
	kmutex_lock(&vp->lock);
	LIST_REMOVE(&r, link);
	atomic_fetch_add(&vp->npgouts, 1);
	LIST_FOREACH (rd, &vp->readers, link) {
		if (range_meets(rd, &r))
			rd->clash = true;
	}
	kmutex_unlock(&vp->lock);
	if (error == 0)
		*done = len - uio.resid;
	return (error);
}

static int
vm_vn_size(void *h, uint64_t *size)
{
	struct vattr va;
	int error;

	error = vn_getattr(h, &va);
	if (error == 0)
		*size = va.size;
	return (error);
}

/* A hash of size and times: two states of a file that differ in any of them
 * have the same stamp with a probability of 1 in 2^64. */
static int
vm_vn_stamp(void *h, uint64_t *stamp)
{
	struct vattr va;
	uint64_t x;
	int error;

	error = vn_getattr(h, &va);
	if (error != 0)
		return (error);
	x = va.size * UINT64_C(0x9e3779b97f4a7c15) + 1;
	x = (x ^ (uint64_t)va.mtime) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 29 ^ (uint64_t)va.ctime) * UINT64_C(0x94d049bb133111eb);
	*stamp = x ^ x >> 32;
	return (0);
}

static void
vm_vn_ref(void *h)
{
	vref(h);
}

static void
vm_vn_rele(void *h)
{
	vrele(h);
}

static void
vm_vn_name(void *h, char *buf, size_t size)
{
	if (vnode_path(h, NULL, buf, size) != 0 && size > 0)
		(void)snprintf(buf, size, "(unknown)");
}

static void
vm_vn_ident(void *h, uint64_t *dev, uint64_t *ino)
{
	const struct vnode *vp = h;

	*dev = vp->dev;
	*ino = vp->ino;
}

static int
vm_vn_punch(void *h, uint64_t off, uint64_t len)
{
	return (vn_allocate(
	    h, LX_FALLOC_PUNCH_HOLE | LX_FALLOC_KEEP_SIZE, off, len));
}

static const struct vm_vnode_ops vm_vnode_ops = {
    .read = vm_vn_read,
    .write = vm_vn_write,
    .size = vm_vn_size,
    .ref = vm_vn_ref,
    .rele = vm_vn_rele,
    .name = vm_vn_name,
    .stamp = vm_vn_stamp,
    .ident = vm_vn_ident,
    .punch = vm_vn_punch,
};

/*
 * The object to map vp.
 * - No locks held; may do I/O.  Borrowed from the vnode.
 * - 0, ENODEV, ENOMEM.
 */
int
vnode_object(struct vnode *vp, struct vm_object **objp)
{
	struct vm_object *obj, *mine, *have;
	int error;

	if (vp->ops->object != NULL)
		return (vp->ops->object(vp, objp));
	if (vp->type != VREG || vp->ops->read == NULL)
		return (ENODEV);
	obj = vnode_object_peek(vp);
	if (obj == NULL) {
		/* The pager asks for the size: not under the lock. */
		error = vnode_pager_alloc(
		    vp->mount->vfs->sys, vp, &vm_vnode_ops, &mine);
		if (error != 0)
			return (error);
		kmutex_lock(&vp->lock);
		have = vp->object;
		obj = have == NULL ? mine : have;
		if (have == NULL)
			__atomic_store_n(&vp->object, mine, __ATOMIC_RELEASE);
		kmutex_unlock(&vp->lock);
		if (have != NULL)
			vnode_pager_dealloc(mine);
	}
	*objp = obj;
	return (0);
}

/* ---- read and write ---- */

/* Read one part from the host and lay the dirty pages over it. */
static int
vn_read_once(
    struct vnode *vp, struct vn_part *p, uint64_t off, int flags, size_t *donep)
{
	struct vm_object *obj;
	int error;

	part_rewind(p, p->len, off, false);
	error = vp->ops->read(vp, &p->uio, flags);
	*donep = p->len - p->uio.resid;
	obj = vnode_object_peek(vp);
	if (obj != NULL && *donep > 0)
		part_pages(p, obj, off, *donep, false);
	return (error);
}

/*
 * Read one part at off from host and pages, and repeat the read if a write-back
 * of bytes of the part has ended during it.
 */
static int
vn_read_part(
    struct vnode *vp, struct vn_part *p, uint64_t off, int flags, size_t *donep)
{
	struct vn_range r = {.off = off, .end = off + p->len};
	const uint32_t npgouts = atomic_load(&vp->npgouts);
	bool clash;
	int error;

	error = vn_read_once(vp, p, off, flags, donep);
	if (error != 0 || npgouts == atomic_load(&vp->npgouts))
		return (error);
	kmutex_lock(&vp->lock);
	LIST_INSERT_HEAD(&vp->readers, &r, link);
	kmutex_unlock(&vp->lock);
	do {
		error = vn_read_once(vp, p, off, flags, donep);
		kmutex_lock(&vp->lock);
		clash = r.clash;
		r.clash = false;
		if (error != 0 || !clash)
			LIST_REMOVE(&r, link);
		kmutex_unlock(&vp->lock);
	} while (error == 0 && clash);
	return (error);
}

/*
 * Read a regular file at uio->off.
 * - No vnode lock held; the uio is advanced by what was read.
 * - Short only at the end of the file or after an error that follows data.
 */
int
vn_read(struct vnode *vp, struct uio *uio, int flags)
{
	struct vn_part p;
	size_t done, before = uio->resid;
	int error = 0;

	if (vp->type == VDIR)
		return (EISDIR);
	if (vp->ops->read == NULL)
		return (EINVAL);
	if ((int64_t)uio->off < 0)
		return (EINVAL);
	if ((vp->flags & VN_PAGED) == 0)
		return (vp->ops->read(vp, uio, flags));
	while (uio->resid > 0) {
		part_init(&p, uio);
		error = vn_read_part(vp, &p, uio->off, flags, &done);
		uio_advance(uio, done);
		if (error != 0 || done < p.len)
			break;
	}
	return (uio->resid < before ? 0 : error);
}

/* The object learns that the file grew by a write that ended at `end`. */
static void
vn_grown(struct vnode *vp, struct vm_object *obj, uint64_t end)
{
	struct vattr va;
	bool grown;

	vm_object_lock(obj);
	grown = OFF_TO_IDX(round_page(end)) > obj->size;
	vm_object_unlock(obj);
	if (grown && vn_getattr(vp, &va) == 0)
		vnode_pager_setsize(obj, va.size);
}

/*
 * Write one part at off and keep the pages in step; iolock is held.
 */
static int
vn_write_part(
    struct vnode *vp, struct vn_part *p, uint64_t off, int flags, size_t *donep)
{
	struct vn_range r = {.off = off, .end = off + p->len};
	struct vm_object *obj;
	size_t len = p->len, done;
	bool clash;
	int error;

	do {
		range_write_begin(vp, &r);
		part_rewind(p, len, off, true);
		error = vp->ops->write(vp, &p->uio, flags);
		done = len - p->uio.resid;
		obj = vnode_object_peek(vp);
		if (obj != NULL && done > 0)
			part_pages(p, obj, off, done, true);
		clash = range_write_end(vp, &r);
		len = done; /* repeat only what the host has taken */
	} while (clash && error == 0 && done > 0);
	if (obj != NULL && done > 0)
		vn_grown(vp, obj, off + done);
	*donep = done;
	return (error);
}

/*
 * Find where a write begins, with iolock held.
 */
static int
vn_write_start(struct vnode *vp, struct uio *uio, int flags)
{
	struct vattr va;
	int error;

	if ((flags & O_APPEND) != 0) {
		error = vn_getattr(vp, &va);
		if (error != 0)
			return (error);
		uio->off = va.size;
	}
	if (uio->resid > 0 && uio->off > (uint64_t)INT64_MAX - uio->resid)
		return (EFBIG);
	return (0);
}

/*
 * Write a regular file at uio->off, or at its end with O_APPEND in flags.
 * - No vnode lock held; the uio is advanced by what was written.
 * - 0 when anything was written; EFBIG, ENOSPC, EIO, ...
 */
int
vn_write(struct vnode *vp, struct uio *uio, int flags)
{
	struct vn_part p;
	size_t done, before = uio->resid;
	int error;

	if (vp->type == VDIR)
		return (EISDIR);
	if (vp->ops->write == NULL)
		return (EINVAL);
	if ((int64_t)uio->off < 0)
		return (EINVAL);
	if ((vp->flags & VN_PAGED) == 0)
		return (vp->ops->write(vp, uio, flags));
	kmutex_lock(&vp->iolock);
	error = vn_write_start(vp, uio, flags);
	while (error == 0 && uio->resid > 0) {
		part_init(&p, uio);
		error = vn_write_part(vp, &p, uio->off, flags, &done);
		uio_advance(uio, done);
		if (done < p.len)
			break;
	}
	kmutex_unlock(&vp->iolock);
	return (uio->resid < before ? 0 : error);
}

int
vn_pread(struct vnode *vp, void *buf, size_t len, uint64_t off, size_t *donep)
{
	struct host_iovec iov;
	struct uio uio;
	size_t before;
	int error;

	uio_init1(&uio, &iov, buf, len, off, false);
	do {
		before = uio.resid;
		error = vn_read(vp, &uio, 0);
		if (error != 0)
			return (error);
	} while (uio.resid > 0 && uio.resid < before);
	*donep = len - uio.resid;
	return (0);
}

/*
 * Set the size: cut the pages, then the host's file, then the pages again.
 */
static int
vn_truncate(struct vnode *vp, const struct vattr *va, unsigned what)
{
	struct vm_object *obj;
	struct vattr old;
	int error;

	kmutex_lock(&vp->iolock);
	error = vn_getattr(vp, &old);
	if (error != 0)
		goto out;
	obj = vnode_object_peek(vp);
	if (obj != NULL && va->size < old.size)
		vnode_pager_setsize(obj, va->size);
	error = vp->ops->setattr(vp, va, what);
	/* After a failure, too: the object gets the size of the file again. */
	obj = vnode_object_peek(vp);
	if (obj != NULL && vn_getattr(vp, &old) == 0)
		vnode_pager_setsize(obj, old.size);
out:
	kmutex_unlock(&vp->iolock);
	return (error);
}

static int
setattr(struct vnode *vp, const struct vattr *va, unsigned what)
{
	if ((vp->mount->flags & VMNT_RDONLY) != 0)
		return (EROFS);
	if (vp->ops->setattr == NULL)
		return (EPERM);
	if ((what & VA_SIZE) != 0) {
		if (vp->type == VDIR)
			return (EISDIR);
		if (vp->type != VREG || (int64_t)va->size < 0)
			return (EINVAL);
		if ((vp->flags & VN_PAGED) != 0)
			return (vn_truncate(vp, va, what));
	}
	return (vp->ops->setattr(vp, va, what));
}

/* The inotify event for a change of these attributes. */
static uint32_t
setattr_event(unsigned what)
{
	const unsigned times = VA_ATIME | VA_MTIME;

	if ((what & VA_SIZE) != 0)
		return (LX_IN_MODIFY);
	if ((what & ~times) != 0 || (what & times) == times)
		return (LX_IN_ATTRIB);
	return (what == VA_MTIME ? LX_IN_MODIFY : LX_IN_ACCESS);
}

/*
 * Change attributes; the caller has checked that this is allowed.
 * - No locks held.  EROFS, EPERM, EISDIR, EINVAL, ...
 */
int
vn_setattr(struct vnode *vp, const struct vattr *va, unsigned what)
{
	int error = setattr(vp, va, what);

	if (error == 0 && what != 0)
		vfs_tell_file(vp, setattr_event(what));
	return (error);
}

int
vn_fsync(struct vnode *vp)
{
	struct vm_object *obj = vnode_object_peek(vp);
	int error = 0, e;

	if ((vp->flags & VN_PAGED) != 0 && obj != NULL)
		error = vnode_pager_sync(obj, 0, 0);
	if (vp->ops->fsync != NULL) {
		e = vp->ops->fsync(vp);
		if (error == 0)
			error = e;
	}
	return (error);
}

/* ---- space ---- */

/*
 * Change the space of a file with mapped pages; iolock is held.  Pages that the
 * change may move or clear are written before it and dropped after it.
 */
static int
vn_allocate_paged(struct vnode *vp, int mode, uint64_t off, uint64_t len)
{
	const int moves = LX_FALLOC_COLLAPSE_RANGE | LX_FALLOC_INSERT_RANGE;
	const int clears = LX_FALLOC_PUNCH_HOLE | LX_FALLOC_ZERO_RANGE;
	struct vm_object *obj = vnode_object_peek(vp);
	struct vattr va;
	int error = 0;

	if (obj != NULL && (mode & (moves | clears)) != 0)
		error =
		    vnode_pager_sync(obj, off, (mode & moves) != 0 ? 0 : len);
	if (error == 0)
		error = vp->ops->allocate(vp, mode, off, len);
	if (error != 0)
		return (error);
	obj = vnode_object_peek(vp);
	if (obj == NULL)
		return (0);
	if ((mode & moves) != 0)
		vm_object_page_remove(obj, OFF_TO_IDX(off), UINT64_MAX);
	else if ((mode & clears) != 0)
		vm_object_page_remove(
		    obj, OFF_TO_IDX(off), OFF_TO_IDX(round_page(off + len)));
	if (vn_getattr(vp, &va) == 0)
		vnode_pager_setsize(obj, va.size);
	return (0);
}

int
vn_allocate(struct vnode *vp, int mode, uint64_t off, uint64_t len)
{
	int error;

	if ((vp->mount->flags & VMNT_RDONLY) != 0)
		return (EROFS);
	if (vp->ops->allocate == NULL)
		return (EOPNOTSUPP);
	if ((vp->flags & VN_PAGED) != 0) {
		kmutex_lock(&vp->iolock);
		error = vn_allocate_paged(vp, mode, off, len);
		kmutex_unlock(&vp->iolock);
	} else
		error = vp->ops->allocate(vp, mode, off, len);
	if (error == 0)
		vfs_tell_file(vp, LX_IN_MODIFY);
	return (error);
}

int
vn_extent(struct vnode *vp, int64_t off, bool hole, uint64_t *res)
{
	struct vm_object *obj = vnode_object_peek(vp);
	struct vattr va;
	int error;

	error = vn_getattr(vp, &va);
	if (error != 0)
		return (error);
	if (off < 0 || (uint64_t)off >= va.size)
		return (ENXIO);
	if (vp->ops->extent == NULL) {
		*res = hole ? va.size : (uint64_t)off;
		return (0);
	}
	/* What a mapping has stored in a hole is data. */
	if ((vp->flags & VN_PAGED) != 0 && obj != NULL)
		(void)vnode_pager_sync(obj, 0, 0);
	return (vp->ops->extent(vp, (uint64_t)off, hole, res));
}
