/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * hostfs: opening, reading and writing.
 *
 * Descriptors for I/O are made from the O_PATH descriptor when first needed and
 * are shared by all open files of the vnode; transfers name their offset, so
 * they need no lock.  vops->open makes them early, so that a refusal of the
 * host is an error of open and not of a later read or page fault.
 *
 * Each open of a fifo has a host descriptor of its own.  The host's blocking
 * open cannot be interrupted, so ends are opened O_NONBLOCK and an open waits
 * in steps of FIFO_STEP: a writer until the host's open succeeds, a reader
 * until a guest has opened the fifo for writing or there are bytes to read.
 *
 * Extended attributes of the host are read only, and of them those that begin
 * with user.: the filter of the kernel process cannot see names, so that the
 * right to set one would be the right to set access control lists and file
 * capabilities.
 *
 * Limits: a blocking open of a fifo for reading does not notice a process of
 * the host that has opened it for writing until that process writes.
 */
#include "vfs/hostfs/hostfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/poll.h"
#include "abi/xattr.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"
#include "host/host.h"

#define HOSTFS_IOV 1024 /* pieces a host call takes */
#define USER_XATTR "user."
#define FIFO_STEP UINT64_C(5000000) /* ns */

/* A guest is about to write to the file: take its set-id bits away.  The host
 * does so itself at the first write, but not if this process is root. */
static int
drop_set_id(int fd)
{
	struct host_stat st;
	int error;

	error = host_fstat(fd, &st);
	if (error != 0 || vtype_of_mode(st.mode) != VREG ||
	    (st.mode & (LX_S_ISUID | LX_S_ISGID)) == 0)
		return (error);
	error = host_fchmod(fd, hostfs_mode(VREG, st.mode));
	/* Not the owner, and so not root either. */
	return (error == EPERM ? 0 : error);
}

/* Vnode locked.  Fill *slot from the O_PATH descriptor unless it is filled. */
static int
io_fd_locked(struct vnode *vp, _Atomic(int) *slot, int flags)
{
	int fd, error;

	if (atomic_load_explicit(slot, memory_order_relaxed) >= 0)
		return (0);
	if (hostfs_inherited(vp) || hostfs_node(vp)->closed ||
	    (hostfs_node(vp)->frozen && flags != O_RDONLY))
		return (EACCES);
	error = host_reopen(
	    hostfs_node(vp)->fd, flags | O_NOCTTY | O_NONBLOCK, &fd);
	if (error != 0)
		return (error);
	if (flags == O_WRONLY) {
		error = drop_set_id(fd);
		if (error != 0) {
			(void)host_close(fd);
			return (error);
		}
	}
	atomic_store_explicit(slot, fd, memory_order_release);
	return (0);
}

/* The descriptor of *slot, made now if need be. */
static int
hostfs_io_fd(struct vnode *vp, _Atomic(int) *slot, int flags, int *fdp)
{
	int fd, error;

	fd = atomic_load_explicit(slot, memory_order_acquire);
	if (fd < 0) {
		kmutex_lock(&vp->lock);
		error = io_fd_locked(vp, slot, flags);
		fd = atomic_load_explicit(slot, memory_order_relaxed);
		kmutex_unlock(&vp->lock);
		if (error != 0)
			return (error);
	}
	*fdp = fd;
	return (0);
}

int
hostfs_rfd(struct vnode *vp, int *fd)
{
	KASSERT(vp->type == VREG || vp->type == VDIR);
	return (hostfs_io_fd(vp, &hostfs_node(vp)->rfd, O_RDONLY, fd));
}

int
hostfs_wfd(struct vnode *vp, int *fd)
{
	if (hostfs_rdonly(vp))
		return (EROFS);
	KASSERT(vp->type == VREG);
	atomic_store(&hostfs_node(vp)->written, true);
	return (hostfs_io_fd(vp, &hostfs_node(vp)->wfd, O_WRONLY, fd));
}

int
hostfs_open(
    struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	int acc = flags & O_ACCMODE, fd, error = 0;

	switch (vp->type) {
	case VREG:
		if (acc != O_WRONLY)
			error = hostfs_rfd(vp, &fd);
		if (error != 0 || acc == O_RDONLY)
			return (error);
		return (hostfs_wfd(vp, &fd));
	case VDIR:
		return (hostfs_node(vp)->closed ? 0 : hostfs_rfd(vp, &fd));
	case VFIFO:
		if (hostfs_rdonly(vp))
			return (EACCES);
		return (hostfs_fifo_open(vp, flags, f, ctx));
	case VLNK:
		return (ELOOP);
	case VSOCK:
		return (ENXIO);
	default:
		return (EACCES);
	}
}

int
hostfs_read(struct vnode *vp, struct uio *uio, int flags)
{
	size_t done;
	int fd, error;

	if (vp->type != VREG)
		return (vp->type == VDIR ? EISDIR : EINVAL);
	error = hostfs_rfd(vp, &fd);
	if (error != 0)
		return (error);
	error = host_preadv(fd, uio->iov,
	    uio->niov < HOSTFS_IOV ? uio->niov : HOSTFS_IOV, uio->off, &done);
	if (error == 0)
		uio_advance(uio, done);
	return (error);
}

int
hostfs_write(struct vnode *vp, struct uio *uio, int flags)
{
	size_t done;
	int fd, fl, error;

	if (vp->type != VREG)
		return (vp->type == VDIR ? EISDIR : EINVAL);
	error = hostfs_wfd(vp, &fd);
	if (error != 0)
		return (error);
	if ((flags & O_APPEND) == 0 && atomic_load(&hostfs_node(vp)->wshared) &&
	    host_getfl(fd, &fl) == 0 && (fl & O_APPEND) != 0)
		return (EACCES); /* the host would append the bytes */
	error = host_pwritev(fd, uio->iov,
	    uio->niov < HOSTFS_IOV ? uio->niov : HOSTFS_IOV, uio->off, &done);
	if (error == 0)
		uio_advance(uio, done);
	return (error);
}

int
hostfs_fsync(struct vnode *vp)
{
	int fd, error;

	if (hostfs_rdonly(vp))
		return (0);
	if (vp->type != VREG && vp->type != VDIR)
		return (EINVAL);
	fd = atomic_load(&hostfs_node(vp)->wfd);
	if (fd < 0) {
		error = hostfs_rfd(vp, &fd);
		if (error != 0)
			return (error);
	}
	return (host_fsync(fd));
}

/* The host checks what its file system supports. */
int
hostfs_allocate(struct vnode *vp, int mode, uint64_t off, uint64_t len)
{
	int fd, error;

	error = hostfs_wfd(vp, &fd);
	if (error != 0)
		return (error);
	return (host_fallocate(fd, mode, off, len));
}

int
hostfs_extent(struct vnode *vp, uint64_t off, bool hole, uint64_t *res)
{
	int fd, error;

	/* The offset of an inherited description is that of processes
	 * outside. */
	if (hostfs_inherited(vp)) {
		struct vattr va;

		error = vn_getattr(vp, &va);
		if (error == 0)
			*res = hole ? va.size : off;
		return (error);
	}
	error = hostfs_rfd(vp, &fd);
	if (error != 0)
		error = hostfs_wfd(vp, &fd); /* not readable, but writable */
	if (error != 0)
		return (error);
	return (
	    host_lseek(fd, (int64_t)off, hole ? SEEK_HOLE : SEEK_DATA, res));
}

/* ---- extended attributes ---- */

/* A descriptor that the host takes for them, which O_PATH ones are not.
 * EOPNOTSUPP: files of this kind have no attributes here. */
static int
xattr_fd(struct vnode *vp, int *fd)
{
	if ((vp->type != VREG && vp->type != VDIR) || hostfs_node(vp)->closed)
		return (EOPNOTSUPP);
	return (hostfs_rfd(vp, fd));
}

static bool
xattr_shown(const char *name)
{
	return (strncmp(name, USER_XATTR, strlen(USER_XATTR)) == 0);
}

int
hostfs_getxattr(
    struct vnode *vp, const char *name, void *buf, size_t size, size_t *len)
{
	int fd, error;

	error = xattr_fd(vp, &fd);
	if (error != 0)
		return (error);
	if (!xattr_shown(name))
		return (ENODATA);
	return (host_fgetxattr(fd, name, buf, size, len));
}

/* Copy the names that are shown from `all` to buf.  ERANGE. */
static int
xattr_pick(const char *all, size_t n, char *buf, size_t size, size_t *len)
{
	size_t used = 0, one;

	for (size_t at = 0; at < n; at += one) {
		one = strnlen(all + at, n - at - 1) + 1;
		if (!xattr_shown(all + at))
			continue;
		if (size != 0 && one > size - used)
			return (ERANGE);
		if (size != 0)
			memcpy(buf + used, all + at, one);
		used += one;
	}
	*len = used;
	return (0);
}

int
hostfs_listxattr(
    struct vnode *vp, bool trusted, char *buf, size_t size, size_t *len)
{
	size_t n;
	char *all;
	int fd, error;

	if (xattr_fd(vp, &fd) != 0) {
		*len = 0;
		return (0);
	}
	all = kmem_zalloc(LX_XATTR_LIST_MAX);
	if (all == NULL)
		return (ENOMEM);
	error = host_flistxattr(fd, all, LX_XATTR_LIST_MAX, &n);
	if (error == EOPNOTSUPP) {
		error = 0;
		n = 0;
	}
	if (error == 0)
		error = xattr_pick(all, n, buf, size, len);
	kmem_free(all);
	return (error);
}

/* ---- fifos ---- */

static void
fifo_close(struct file *f)
{
	if ((atomic_load(&f->flags) & O_ACCMODE) != O_RDONLY)
		atomic_fetch_sub(&hostfs_node(f->vp)->writers, 1);
	(void)host_close(f->hostfd);
}

static const struct fileops fifo_fileops = {
    .caps = FCAP_STREAM | FCAP_PIPE | FCAP_HOSTFD | FCAP_OWNED | FCAP_ASYNC,
    .rw = hostfd_rw,
    .ioctl = hostfd_ioctl,
    .poll = hostfd_poll,
    .setfl = hostfd_setfl,
    .close = fifo_close,
    .name = "fifo",
};

/* Wait at most FIFO_STEP for the other side; a timeout is 0, too. */
static int
fifo_step(int fd, short events, const struct vfs_ctx *ctx)
{
	int error;

	error = vfs_wait(&ctx->waiter, fd, events, host_now_ns() + FIFO_STEP);
	return (error == ETIMEDOUT ? 0 : error);
}

/* Open for reading, and wait for a writer. */
static int
fifo_open_read(
    struct vnode *vp, bool nonblock, const struct vfs_ctx *ctx, int *fdp)
{
	struct hostfs_node *n = hostfs_node(vp);
	uint32_t seen = atomic_load(&n->nwrites);
	int fd, error;

	error = host_reopen(n->fd, O_RDONLY | O_NONBLOCK, &fd);
	if (error != 0)
		return (error);
	while (!nonblock && atomic_load(&n->writers) == 0 &&
	       atomic_load(&n->nwrites) == seen &&
	       hostfd_ready(fd, LX_POLLIN) == 0) {
		error = fifo_step(fd, LX_POLLIN, ctx);
		if (error != 0) {
			(void)host_close(fd);
			return (error);
		}
	}
	*fdp = fd;
	return (0);
}

static int
fifo_open_write(
    struct vnode *vp, bool nonblock, const struct vfs_ctx *ctx, int *fdp)
{
	int error;

	for (;;) {
		error = host_reopen(
		    hostfs_node(vp)->fd, O_WRONLY | O_NONBLOCK, fdp);
		if (error != ENXIO || nonblock)
			return (error);
		error = fifo_step(-1, 0, ctx);
		if (error != 0)
			return (error);
	}
}

int
hostfs_fifo_open(
    struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	struct hostfs_node *n = hostfs_node(vp);
	bool nonblock = (flags & O_NONBLOCK) != 0;
	int acc = flags & O_ACCMODE, fd, error;

	if (acc == O_ACCMODE)
		return (EINVAL);
	if (acc == O_RDONLY)
		error = fifo_open_read(vp, nonblock, ctx, &fd);
	else if (acc == O_WRONLY)
		error = fifo_open_write(vp, nonblock, ctx, &fd);
	else
		error = host_reopen(n->fd, O_RDWR | O_NONBLOCK, &fd);
	if (error != 0)
		return (error);
	error = file_take_hostfd(f, fd);
	if (error != 0) {
		(void)host_close(fd);
		return (error);
	}
	if (acc != O_RDONLY) {
		atomic_fetch_add(&n->writers, 1);
		atomic_fetch_add(&n->nwrites, 1);
	}
	f->ops = &fifo_fileops;
	return (0);
}
