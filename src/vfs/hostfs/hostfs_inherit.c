/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * hostfs: regular files and directories that the kernel inherits as open
 * descriptors (standard input of `vmspace run -- prog < file`, for example).
 *
 * Purpose.  Such a file is a regular file for the guest: it can be mapped,
 * locked, positioned and truncated.  It has no name in the guest's tree.
 *
 * Concepts.  Two things are inherited with a descriptor:
 *
 *	the file	becomes a vnode of a mount without names, one vnode
 *			for each file of the host
 *	its offset	belongs to the host's open file description, which the
 *			kernel shares with processes outside
 *
 * A transfer at the file's own offset must use and move the offset of the
 * host, as one step.  In `(read x; vmspace run -- cat; cat) < file` each
 * command continues where the previous command stopped.  Standard output and
 * standard error of `> log 2>&1` are two descriptors of one description, and
 * neither may overwrite the output of the other.  With `>> log` every write
 * goes to the end that the file has at that moment, which only the host knows.
 * So these transfers are read and write calls of the host on the inherited
 * descriptor itself, and seeking is a seek of the host.  F_SETFL passes
 * O_APPEND on to the host, because the flag belongs to the description, too.
 *
 * Transfers at an offset (pread, sendfile, page faults) use the vnode's own
 * descriptors, except for writes with O_APPEND, which the host appends.
 *
 * Pages.  While the file has a vm object (it is or was mapped), pages of it
 * may be newer than the host's file or must be updated after a write
 * (vnode_io.c), which needs the offset of the transfer.  So the offset is read,
 * the transfer is made there through vn_read() or vn_write(), and the offset
 * is set.  If the object is made while a write of the host is under way, its
 * pages may be older than what was written: they are dropped.
 *
 * Rights.  A descriptor gives the right to read or write the bytes, not to
 * change the file: there is no chmod or chown, and times and size change only
 * by a descriptor for writing.  A file that is opened again by /proc/PID/fd/N
 * is opened with the rights of its inherited descriptors, which are kept as
 * long as the file is in use.
 *
 * An inherited directory is the root of a read-only mount of its own, from
 * which no lookup leads out.
 *
 * Locking.  vfs->mount_lock protects the list of these mounts.  All other
 * locks are as in hostfs.c and vnode_io.c.
 *
 * Limits.  Where the host does not let this process open the file again for
 * writing (the kernel has confined itself), pages that become dirty while the
 * description has O_APPEND cannot be written: the host would append them.
 * While the file has an object, a transfer at the file's own offset
 * is one step against threads that use the same file, but not against
 * processes outside and not against another inherited descriptor of the same
 * description.  Locks exclude only guests.  A file that also has a name in
 * the guest's tree has another vnode there: reads and writes agree, but mapped
 * pages and locks of the two vnodes are separate.
 */
#include "vfs/hostfs/hostfs_int.h"

#include <errno.h>
#include <stdio.h>

#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/mode.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode_io.h"
#include "vfs/hostfs/hostfs.h"
#include "vm/pager/vnode_pager.h"
#include "vm/object/vm_object.h"

#define INHERITED_IOV 128 /* pieces of memory in one host call */

static int
file_flags(const struct file *f)
{
	return (atomic_load_explicit(&f->flags, memory_order_relaxed));
}

/* ---- transfers ---- */

/* Transfer by the host alone: no page of the file is resident. */
static int
move_host(struct file *f, struct uio *uio)
{
	struct host_iovec iov[INHERITED_IOV];
	int n = uio_vector(uio, uio->resid, iov, INHERITED_IOV), error;
	size_t done;

	if (!uio->write)
		error = host_readv(f->hostfd, iov, n, &done);
	else if (uio->at)
		error = host_pwritev(f->hostfd, iov, n, uio->off, &done);
	else
		error = host_writev(f->hostfd, iov, n, &done);
	if (error == 0)
		uio_advance(uio, done);
	return (error);
}

/* Transfer through the pages, at the offset of the host's description. */
static int
move_paged(struct file *f, struct uio *uio)
{
	uint64_t end;
	int error;

	file_offset_lock(f);
	error = host_lseek(f->hostfd, 0, SEEK_CUR, &uio->off);
	if (error != 0)
		goto out;
	error = uio->write ? vn_write(f->vp, uio, file_flags(f))
			   : vn_read(f->vp, uio, file_flags(f));
	if (error != 0)
		goto out;
	error = host_lseek(f->hostfd, (int64_t)uio->off, SEEK_SET, &end);
out:
	file_offset_unlock(f);
	return (error);
}

static int
write_host(struct file *f, struct uio *uio)
{
	struct vnode *vp = f->vp;
	struct vm_object *obj;
	int error;

	atomic_store(&hostfs_node(vp)->written, true);
	kmutex_lock(&vp->iolock);
	error = move_host(f, uio);
	kmutex_unlock(&vp->iolock);
	obj = vnode_object_peek(vp);
	if (obj != NULL) {
		(void)vnode_pager_sync(obj, 0, 0);
		vm_object_page_remove(obj, 0, UINT64_MAX);
	}
	return (error);
}

static int
inherited_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	const bool paged = vnode_object_peek(f->vp) != NULL;

	if (!uio->write) {
		if (uio->at)
			return (vn_read(f->vp, uio, file_flags(f)));
		return (paged ? move_paged(f, uio) : move_host(f, uio));
	}
	if (!paged)
		return (write_host(f, uio));
	return (
	    uio->at ? vn_write(f->vp, uio, file_flags(f)) : move_paged(f, uio));
}

static int
inherited_seek(struct file *f, int64_t off, int whence, uint64_t *res)
{
	return (host_lseek(f->hostfd, off, whence, res));
}

/* Dirty pages are written before O_APPEND is set, because they may not be
 * writable afterwards (see Limits). */
static int
inherited_setfl(struct file *f, int flags)
{
	int fl, error;

	error = host_getfl(f->hostfd, &fl);
	if (error != 0 || ((fl ^ flags) & O_APPEND) == 0)
		return (error);
	error = (flags & O_APPEND) != 0 ? vn_fsync(f->vp) : 0;
	return (error != 0 ? error : host_setfl(f->hostfd, fl ^ O_APPEND));
}

static void
inherited_close(struct file *f)
{
	(void)host_close(f->hostfd);
}

static void
inherited_describe(struct file *f, char *buf, size_t size)
{
	(void)snprintf(buf, size, "host:[%llu]", (unsigned long long)f->ino);
}

static const struct fileops inherited_fileops = {
    .caps = FCAP_SEEK | FCAP_AT | FCAP_SYNC,
    .rw = inherited_rw,
    .seek = inherited_seek,
    .setfl = inherited_setfl,
    .close = inherited_close,
    .describe = inherited_describe,
    .name = "host",
};

/* ---- mounts ---- */

/* Find the mount of inherited regular files (root NULL) or of a directory. */
static struct vmount *
mount_find(struct vfs *vfs, const struct host_stat *root)
{
	struct vmount *mp;

	TAILQ_FOREACH (mp, &vfs->detached, link) {
		if (root == NULL
			? mp->root == NULL
			: mp->root != NULL && mp->root->dev == root->dev &&
			      mp->root->ino == root->ino)
			break;
	}
	return (mp);
}

/* Make such a mount; pfd (the directory, O_PATH) passes in any case. */
static int
mount_make(struct vfs *vfs, bool dir, int pfd, struct vmount **mpp)
{
	struct vmount *mp;
	int error;

	error = hostfs_mount_make(
	    vfs, "inherited", dir ? HOSTFS_RDONLY : 0, !dir, &mp);
	if (error != 0) {
		(void)host_close(pfd);
		return (error);
	}
	if (dir)
		error = hostfs_vget(mp, NULL, pfd, &mp->root);
	if (error != 0) {
		vmount_destroy(mp);
		return (error);
	}
	if (dir)
		mp->root->flags |= VN_ROOT;
	*mpp = mp;
	return (0);
}

/* Find or make such a mount.  fd is a descriptor of the directory. */
static int
mount_get(
    struct vfs *vfs, const struct host_stat *root, int fd, struct vmount **mpp)
{
	struct vmount *mp, *mine;
	int pfd = -1, error;

	kmutex_lock(&vfs->mount_lock);
	mp = mount_find(vfs, root);
	kmutex_unlock(&vfs->mount_lock);
	if (mp != NULL) {
		*mpp = mp;
		return (0);
	}
	if (root != NULL) {
		error = host_reopen(fd, O_PATH, &pfd);
		if (error != 0)
			return (error);
	}
	error = mount_make(vfs, root != NULL, pfd, &mine);
	if (error != 0)
		return (error);
	kmutex_lock(&vfs->mount_lock);
	mp = mount_find(vfs, root);
	if (mp == NULL) {
		TAILQ_INSERT_TAIL(&vfs->detached, mine, link);
		mp = mine;
		mine = NULL;
	}
	kmutex_unlock(&vfs->mount_lock);
	if (mine != NULL) /* another thread was faster */
		vmount_destroy(mine);
	*mpp = mp;
	return (0);
}

/* ---- files ---- */

/* Fill a slot of the node unless it is; fd passes in any case. */
static void
slot_set(struct vnode *vp, _Atomic(int) *slot, int fd)
{
	kmutex_lock(&vp->lock);
	if (atomic_load(slot) < 0) {
		atomic_store_explicit(slot, fd, memory_order_release);
		fd = -1;
	}
	kmutex_unlock(&vp->lock);
	if (fd >= 0)
		(void)host_close(fd);
}

/*
 * Add the rights of fd (open with `flags`) to its file.
 * - Pages are written at their offset, and O_APPEND of the inherited
 * description would append them.  So the descriptor for writing gets a
 * description of its own, if the host lets this process open the file again.
 */
static int
node_rights(struct vnode *vp, int fd, int flags)
{
	struct hostfs_node *n = hostfs_node(vp);
	int own, error;

	if ((flags & O_ACCMODE) != O_WRONLY && atomic_load(&n->rfd) < 0) {
		error = host_dup(fd, &own);
		if (error != 0)
			return (error);
		slot_set(vp, &n->rfd, own);
	}
	if ((flags & O_ACCMODE) == O_RDONLY || atomic_load(&n->wfd) >= 0)
		return (0);
	if (host_reopen(fd, O_WRONLY, &own) != 0) {
		error = host_dup(fd, &own);
		if (error != 0)
			return (error);
		atomic_store(&n->wshared, true);
	}
	slot_set(vp, &n->wfd, own);
	return (0);
}

static int
inherit_dir(struct vfs *vfs, int fd, int flags, const struct host_stat *st,
    struct file **out)
{
	struct vmount *mp;
	int error;

	error = mount_get(vfs, st, fd, &mp);
	if (error != 0)
		return (error);
	vref(mp->root);
	error =
	    file_create(vfs, &vnode_fileops, mp->root, flags, -1, NULL, out);
	if (error != 0)
		vrele(mp->root);
	return (error);
}

static int
inherit_file(struct vfs *vfs, int fd, int flags, struct file **out)
{
	struct vmount *mp;
	struct vnode *vp;
	int pfd, error;

	error = mount_get(vfs, NULL, -1, &mp);
	if (error != 0)
		return (error);
	error = host_reopen(fd, O_PATH, &pfd);
	if (error != 0)
		return (error);
	error = hostfs_vget(mp, NULL, pfd, &vp);
	if (error != 0)
		return (error);
	error = node_rights(vp, fd, flags);
	if (error != 0)
		goto fail;
	error = file_create(vfs, &inherited_fileops, vp, flags, fd, NULL, out);
	if (error != 0)
		goto fail;
	return (0);
fail:
	vrele(vp);
	return (error);
}

int
hostfs_inherit(struct vfs *vfs, int fd, int flags, const struct host_stat *st,
    struct file **out)
{
	int error;

	if (vtype_of_mode(st->mode) == VREG) {
		error = inherit_file(vfs, fd, flags, out);
		if (error == 0)
			return (0);
	} else
		error = inherit_dir(vfs, fd, flags, st, out);
	(void)host_close(fd);
	return (error);
}
