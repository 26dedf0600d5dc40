/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Open files, and the operations of those that are files of a file system.
 *
 * Concepts.  A file is what descriptors share after dup and fork: access
 * mode, status flags, offset, and operations.  Regular files and directories
 * have vnode_fileops; a device or fifo replaces them in its vops->open.
 *
 * Capabilities.  The bits of its operations (FCAP_*, file.h) say what a file
 * can do.  Callers test a bit, not the type of the vnode, hostfd or the table
 * of operations.
 *
 * The offset.  Reads and writes at the file's own offset must move it as one
 * step, also between processes, or two writers of a shared descriptor would
 * overwrite each other.  A transfer takes locks of every rank and may wait for
 * the host, so it cannot run under a lock: a thread that uses the offset sets
 * `busy`, and other threads wait on `cond`.  This is for files with FCAP_OFFSET
 * only.  Pipes and terminals have no offset, so their readers do not wait here
 * for each other; inherited regular files have the offset of the host's open
 * file description (hostfs/hostfs_inherit.c).
 *
 * Directory offsets.  0 is ".", 1 is "..", and from 2 on the cookie of the
 * file system plus 2.
 *
 * Locking and lifetime.  refs is atomic; the last file_free() closes, outside
 * all locks.  A file refs its vnode.  A regular file opened for writing
 * counts in vnode.writers from file_create() to the last file_free().
 *
 * Guarantees.  An O_PATH file can only be stat'ed, used as a start of lookup
 * and closed.  Access mode is checked here, before any file operation.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi/inotify.h"
#include "abi/poll.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "mem/vm_types.h"
#include "mem/vm_zone.h"
#include "vfs/core/ctx.h"
#include "vfs/core/dnotify.h"
#include "vfs/core/eventpoll.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/inotify_event.h"
#include "vfs/core/lease.h"
#include "vfs/core/lock.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/owner.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/core/vnode_io.h"

#define FILE_SETFL (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static int
file_flags(const struct file *f)
{
	return (atomic_load_explicit(&f->flags, memory_order_relaxed));
}

/* By the thread that has set `busy`; fdinfo does not wait for that thread. */
static void
file_set_off(struct file *f, uint64_t off)
{
	__atomic_store_n(&f->off, off, __ATOMIC_RELAXED);
}

bool
file_flags_permit(int flags, bool write)
{
	const int acc = flags & O_ACCMODE;

	if ((flags & O_PATH) != 0)
		return (false);
	return (acc == O_RDWR || acc == (write ? O_WRONLY : O_RDONLY));
}

/* Does the file hold vp open for writing? */
static bool
file_is_writer(const struct vnode *vp, int flags)
{
	return (
	    vp != NULL && vp->type == VREG && file_flags_permit(flags, true));
}

/*
 * A new file with one ref.
 * - No locks held.  vp's ref passes on success; hostfd belongs to ops->close.
 * - 0, ENOMEM, ETXTBSY; EMFILE, ENFILE (no budget for hostfd).
 */
int
file_create(struct vfs *vfs, const struct fileops *ops, struct vnode *vp,
    int flags, int hostfd, void *data, struct file **fp)
{
	struct file *f;
	int error;

	f = zalloc(vfs->z_file);
	if (f == NULL)
		return (ENOMEM);
	if (file_is_writer(vp, flags)) {
		error = vn_writer_ref(vp);
		if (error != 0) {
			zfree(vfs->z_file, f);
			return (error);
		}
	}
	memset(f, 0, sizeof(*f));
	atomic_init(&f->refs, 1);
	atomic_init(&f->flags, flags);
	f->ops = ops;
	f->vp = vp;
	f->hostfd = -1;
	f->data = data;
	f->ino = vp != NULL ? vp->ino : 0;
	f->vfs = vfs;
	f->writer = file_is_writer(vp, flags);
	f->reader = vp != NULL && vp->type == VREG && !f->writer &&
		    file_flags_permit(flags, false);
	if (f->reader)
		atomic_fetch_add(&vp->ro_files, 1);
	kmutex_init(&f->lock, "file", KRANK_FILE, 0);
	kcond_init(&f->cond);
	if (hostfd >= 0) {
		error = file_take_hostfd(f, hostfd);
		if (error != 0)
			goto fail;
	}
	*fp = f;
	return (0);
fail:
	kcond_destroy(&f->cond);
	kmutex_destroy(&f->lock);
	if (f->reader)
		atomic_fetch_sub(&vp->ro_files, 1);
	if (f->writer)
		vn_writer_rele(vp);
	zfree(vfs->z_file, f);
	return (error);
}

void
file_not_writer(struct file *f)
{
	if (f->writer)
		vn_writer_rele(f->vp);
	f->writer = false;
}

int
file_take_hostfd(struct file *f, int fd)
{
	int error = kmem_fd_charge(1, &f->fd_cost);

	if (error != 0)
		return (error);
	f->fd_charged = true;
	f->hostfd = fd;
	return (0);
}

int
file_charge_buffer(struct file *f, size_t n)
{
	int error = 0;

	kmutex_lock(&f->lock);
	if (n <= f->buffer)
		kmem_uncharge(f->fd_cost, f->buffer - n);
	else if (!kmem_charge_on(f->fd_cost, n - f->buffer))
		error = ENOBUFS;
	if (error == 0)
		f->buffer = n;
	kmutex_unlock(&f->lock);
	return (error);
}

void
file_ref(struct file *f)
{
	uint32_t old;

	old = atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	KVERIFY(old > 0 && old < UINT32_MAX);
}

bool
file_tryref(struct file *f)
{
	uint32_t old = atomic_load(&f->refs);

	while (old != 0)
		if (atomic_compare_exchange_weak(&f->refs, &old, old + 1))
			return (true);
	return (false);
}

/* The last reference of a file with an owner has gone. */
static void
file_owned_closed(struct file *f)
{
	dnotify_closed(f, NULL);
	lease_closed(f);
	if (f->vfs->owner_ops != NULL)
		f->vfs->owner_ops->closing(f->vfs->owner_arg, f);
}

/*
 * Give up a reference; the last one closes the file.
 * - No locks held; may do I/O.
 */
void
file_free(struct file *f)
{
	struct file_owner *fo;
	uint32_t old;

	old = atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel);
	KVERIFY(old > 0);
	if (old > 1)
		return;
	fo = file_owner_of(&f->owner);
	vfs_lock_file_closed(f);
	if (f->opened)
		vfs_tell_file(f->vp, file_flags_permit(file_flags(f), true)
					 ? LX_IN_CLOSE_WRITE
					 : LX_IN_CLOSE_NOWRITE);
	eventpoll_file_closed(f);
	if (fo != NULL)
		file_owned_closed(f);
	if (f->ops->close != NULL)
		f->ops->close(f);
	if (f->reader)
		atomic_fetch_sub(&f->vp->ro_files, 1);
	if (f->writer)
		vn_writer_rele(f->vp);
	if (f->mnt_writer)
		mnt_writer_rele(f->mnt);
	vrele(f->vp);
	mnt_rele(f->mnt);
	KASSERT(!f->busy);
	if (fo != NULL)
		file_owner_free(fo);
	if (f->fd_charged) {
		kmem_uncharge(f->fd_cost, f->buffer);
		kmem_fd_uncharge(f->fd_cost, 1);
	}
	kcond_destroy(&f->cond);
	kmutex_destroy(&f->lock);
	zfree(f->vfs->z_file, f);
}

/* ---- the offset ---- */

void
file_offset_lock(struct file *f)
{
	kmutex_lock(&f->lock);
	while (f->busy)
		kcond_wait(&f->cond, &f->lock);
	f->busy = true;
	kmutex_unlock(&f->lock);
}

void
file_offset_unlock(struct file *f)
{
	kmutex_lock(&f->lock);
	f->busy = false;
	kcond_signal(&f->cond);
	kmutex_unlock(&f->lock);
}

/* A transfer in the direction of the uio; the access mode has been checked. */
static int
file_rw(
    struct file *f, struct uio *uio, const struct vfs_waiter *waiter, bool at)
{
	int error;

	if (f->ops->rw == NULL)
		return (EINVAL);
	if (at && !file_can(f, FCAP_AT))
		return (ESPIPE);
	if (at && (int64_t)uio->off < 0)
		return (EINVAL);
	uio->at = at;
	if (at || !file_can(f, FCAP_OFFSET))
		return (f->ops->rw(f, uio, waiter));
	file_offset_lock(f);
	uio->off = f->off;
	uio->at = true;
	error = uio->resid > (uint64_t)INT64_MAX - f->off
		    ? EINVAL
		    : f->ops->rw(f, uio, waiter);
	file_set_off(f, uio->off);
	file_offset_unlock(f);
	return (error);
}

/*
 * Read at uio->off (at) or at the file's offset, which moves.
 * - No locks held; waits by the waiter.
 * - EBADF, EISDIR, EINVAL, ESPIPE, EAGAIN, EINTR, EIO, ...
 */
int
file_read(
    struct file *f, struct uio *uio, const struct vfs_waiter *waiter, bool at)
{
	const size_t before = uio->resid;
	int error;

	KASSERT(!uio->write);
	if (!file_flags_permit(file_flags(f), false))
		return (EBADF);
	error = file_rw(f, uio, waiter, at);
	if (uio->resid < before && f->vp != NULL)
		vfs_tell_file(f->vp, LX_IN_ACCESS);
	return (error);
}

int
file_write(
    struct file *f, struct uio *uio, const struct vfs_waiter *waiter, bool at)
{
	const size_t before = uio->resid;
	int error;

	KASSERT(uio->write);
	if (!file_flags_permit(file_flags(f), true))
		return (EBADF);
	error = file_rw(f, uio, waiter, at);
	if (uio->resid < before && f->vp != NULL) {
		if (f->vp->ops->drop_setid != NULL)
			vn_modified(f->vp, vfs_waiter_ident(waiter).caps);
		vfs_tell_file(f->vp, LX_IN_MODIFY);
	}
	return (error);
}

int
file_seek(struct file *f, int64_t off, int whence, uint64_t *res)
{
	uint64_t pos;
	int error;

	if ((file_flags(f) & O_PATH) != 0)
		return (EBADF);
	if (!file_can(f, FCAP_SEEK))
		return (ESPIPE);
	if (!file_can(f, FCAP_OFFSET))
		return (f->ops->seek(f, off, whence, res));
	file_offset_lock(f);
	error = f->ops->seek(f, off, whence, &pos);
	if (error == 0) {
		file_set_off(f, pos);
		*res = pos;
	}
	file_offset_unlock(f);
	return (error);
}

int
file_seek_nowhere(struct file *f, int64_t off, int whence, uint64_t *res)
{
	*res = 0;
	return (0);
}

int
file_getattr(struct file *f, struct vattr *va)
{
	struct vattr out;
	int error;

	if (f->vp != NULL)
		return (vn_getattr(f->vp, va));
	if (f->ops->getattr != NULL) {
		memset(&out, 0, sizeof(out));
		error = f->ops->getattr(f, &out);
		if (error == 0)
			*va = out;
		return (error);
	}
	memset(va, 0, sizeof(*va)); /* as Linux's anonymous inodes */
	va->mode = 0600;
	va->nlink = 1;
	va->ino = f->ino;
	va->blksize = PAGE_SIZE;
	return (0);
}

bool
file_restarts(const struct file *f, bool write)
{
	return (f->ops->timed == NULL || !f->ops->timed(f, write));
}

int
file_setfl(struct file *f, int flags)
{
	/* A file without signals keeps the O_ASYNC that it was opened with. */
	const int mask = FILE_SETFL | (file_can(f, FCAP_ASYNC) ? O_ASYNC : 0);
	int old, new, error;

	old = file_flags(f);
	if ((old & O_PATH) != 0)
		return (EBADF);
	new = (old & ~mask) | (flags & mask);
	if (f->ops->setfl != NULL) {
		error = f->ops->setfl(f, new);
		if (error != 0)
			return (error);
	}
	while (!atomic_compare_exchange_weak(&f->flags, &old, new))
		new = (old & ~mask) | (flags & mask);
	return (0);
}

int
file_ioctl(struct file *f, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret)
{
	if ((file_flags(f) & O_PATH) != 0)
		return (EBADF);
	if (f->ops->ioctl == NULL)
		return (ENOTTY);
	return (f->ops->ioctl(f, cmd, kbuf, size, arg, ret));
}

void
file_describe(struct file *f, char *buf, size_t size)
{
	if (f->ops->describe != NULL)
		f->ops->describe(f, buf, size);
	else
		(void)snprintf(buf, size, "anon_inode:[%s]",
		    f->ops->name != NULL ? f->ops->name : "file");
}

/* ---- directories ---- */

struct dents {
	struct file *f;
	vfs_dirent_fn *fn;
	void *arg;
	bool full;
};

static uint64_t
dents_pos(uint64_t cookie)
{
	return (cookie > (uint64_t)INT64_MAX - 2 ? (uint64_t)INT64_MAX
						 : cookie + 2);
}

static bool
dents_emit(struct dents *d, const char *name, size_t len, uint64_t ino,
    uint8_t dtype, uint64_t next)
{
	if (!d->fn(d->arg, name, len, ino, dtype, next)) {
		d->full = true;
		return (false);
	}
	file_set_off(d->f, next);
	return (true);
}

static bool
dents_entry(void *arg, const char *name, size_t len, uint64_t ino,
    uint8_t dtype, uint64_t off)
{
	return (dents_emit(arg, name, len, ino, dtype, dents_pos(off)));
}

static void
dents_dots(struct dents *d, struct vnode *vp)
{
	uint8_t dt = vtype_dtype(VDIR);
	struct vplace on = {0};
	struct vnode *up;

	if (d->f->off == 0)
		(void)dents_emit(d, ".", 1, vp->ino, dt, 1);
	if (d->f->off == 1 && !d->full) {
		if (d->f->mnt != NULL && vp == d->f->mnt->root)
			(void)mnt_covered(d->f->mnt, &on);
		up = vnode_parent(on.vp != NULL ? on.vp : vp);
		(void)dents_emit(
		    d, "..", 2, up != NULL ? up->ino : vp->ino, dt, 2);
		vrele(up);
		vplace_rele(&on);
	}
}

/*
 * Call fn for the entries of a directory from the file's offset on, until fn
 * returns false or the end.
 * - No locks held.  ENOTDIR, EBADF, ENOENT, EIO.
 */
int
file_getdents(struct file *f, vfs_dirent_fn *fn, void *arg)
{
	struct dents d = {.f = f, .fn = fn, .arg = arg};
	struct vnode *vp = f->vp;
	uint64_t at;
	int error = 0;

	if ((file_flags(f) & O_PATH) != 0)
		return (EBADF);
	if (vp == NULL || vp->type != VDIR || vp->ops->readdir == NULL)
		return (ENOTDIR);
	file_offset_lock(f);
	dents_dots(&d, vp);
	if (!d.full && f->off < (uint64_t)INT64_MAX) {
		at = f->off - 2;
		error = vp->ops->readdir(vp, at, dents_entry, &d);
	}
	file_offset_unlock(f);
	if (error == 0)
		vfs_tell_file(vp, LX_IN_ACCESS);
	return (error);
}

/* ---- vnode_fileops ---- */

static int
vnf_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	int flags = file_flags(f);

	if (!uio->write)
		return (vn_read(f->vp, uio, flags));
	if (uio->append)
		flags |= O_APPEND;
	else if (uio->noappend)
		flags &= ~O_APPEND;
	return (vn_write(f->vp, uio, flags));
}

static short
vnf_poll(struct file *f, short events, int *hostfd)
{
	*hostfd = -1;
	return ((short)(events & (LX_POLLIN | LX_POLLOUT | LX_POLLRDNORM |
				     LX_POLLWRNORM)));
}

static int
vnf_getattr(struct file *f, struct vattr *va)
{
	return (vn_getattr(f->vp, va));
}

static int
vnf_seek(struct file *f, int64_t off, int whence, uint64_t *res)
{
	struct vattr va;
	int64_t base = 0;
	int error;

	if (whence == SEEK_CUR)
		base = (int64_t)f->off;
	else if (whence != SEEK_SET) {
		error = vn_getattr(f->vp, &va);
		if (error != 0)
			return (error);
		base = (int64_t)va.size;
	}
	switch (whence) {
	case SEEK_END:
		/* As Linux's directories in memory, which have no end. */
		if (f->vp->type == VDIR &&
		    strcmp(f->vp->mount->fstype, "tmpfs") == 0)
			return (EINVAL);
		/* FALLTHROUGH */
	case SEEK_SET:
	case SEEK_CUR:
		if (__builtin_add_overflow(base, off, &base))
			return (EINVAL);
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (f->vp->type != VREG)
			return (EINVAL);
		if (off < 0 || off >= base)
			return (ENXIO);
		return (vn_extent(f->vp, off, whence == SEEK_HOLE, res));
	default:
		return (EINVAL);
	}
	if (base < 0)
		return (EINVAL);
	*res = (uint64_t)base;
	return (0);
}

const struct fileops vnode_fileops = {
    .caps = FCAP_SEEK | FCAP_AT | FCAP_OFFSET | FCAP_SYNC,
    .rw = vnf_rw,
    .poll = vnf_poll,
    .getattr = vnf_getattr,
    .seek = vnf_seek,
    .name = "file",
};
