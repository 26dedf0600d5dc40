/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on descriptors: opening, closing, duplicating, fcntl; and on the
 * file of a descriptor: sync, truncate, directory entries.
 *
 * Truncation and allocation of files go through vn_setattr(), which keeps
 * mapped pages and the file in step.
 */
#include "host/host_file.h"
#include "abi/fcntl.h"
#include "kern/sig/sigio.h"
#include "linux/file/sys_uio.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "mem/kmem.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/lookup.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/vnode.h"

#define OPEN_VALID                                                      \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | \
	    O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC | O_DIRECT |        \
	    LX_O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |     \
	    O_CLOEXEC | O_PATH | O_TMPFILE)
#define OPEN_PATH_VALID (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define RESOLVE_VALID                                                          \
	(LX_RESOLVE_NO_XDEV | LX_RESOLVE_NO_MAGICLINKS |                       \
	    LX_RESOLVE_NO_SYMLINKS | LX_RESOLVE_BENEATH | LX_RESOLVE_IN_ROOT | \
	    LX_RESOLVE_CACHED)
#define GETDENTS_BUF (size_t)(64u << 10)

sys_fn sys_open, sys_openat, sys_openat2, sys_creat, sys_close, sys_close_range,
    sys_dup, sys_dup2, sys_dup3, sys_fcntl, sys_fsync, sys_fdatasync, sys_sync,
    sys_syncfs, sys_sync_file_range, sys_ftruncate, sys_fallocate, sys_getdents,
    sys_getdents64;

int
sys_fd_new(struct lwp *l, struct file *f, bool cloexec, int64_t *ret)
{
	int error, fd;

	error = fd_alloc(l->p->fdt, f, 0, cloexec, sys_fd_limit(l), &fd);
	if (error != 0) {
		file_free(f);
		return (error);
	}
	*ret = fd;
	return (0);
}

int
sys_fd_pair(struct lwp *l, struct file *f[2], bool cloexec, uint64_t uaddr)
{
	int64_t r0, r1;
	int error, fds[2];

	error = sys_fd_new(l, f[0], cloexec, &r0);
	if (error != 0) {
		file_free(f[1]);
		return (error);
	}
	error = sys_fd_new(l, f[1], cloexec, &r1);
	if (error != 0) {
		(void)fd_close(l->p->fdt, (int)r0);
		return (error);
	}
	fds[0] = (int)r0;
	fds[1] = (int)r1;
	error = copyout(lwp_vmspace(l), fds, uaddr, sizeof(fds));
	if (error != 0) {
		(void)fd_close(l->p->fdt, fds[0]);
		(void)fd_close(l->p->fdt, fds[1]);
	}
	return (error);
}

/* ---- open, close ---- */

static int
open_at(struct lwp *l, int dirfd, uint64_t upath, int flags, uint32_t mode,
    unsigned resolve, int64_t *ret)
{
	struct sys_path sp;
	struct file *f;
	int error;

	if ((flags & O_CREAT) != 0 && (flags & O_DIRECTORY) != 0 &&
	    (flags & O_PATH) == 0)
		return (EINVAL);
	error = sys_path_get(l, dirfd, upath, &sp);
	if (error != 0)
		return (error);
	/* An absolute path begins in the directory then, too. */
	if ((resolve & LX_RESOLVE_IN_ROOT) != 0 && sp.path[0] == '/') {
		error = sys_path_start(l, dirfd, &sp);
		if (error != 0) {
			sys_path_done(&sp);
			return (error);
		}
	}
	/* Before a file is made. */
	error = fd_full(l->p->fdt, sys_fd_limit(l)) ? EMFILE : 0;
	if (error == 0)
		error = vfs_open_resolve(&sp.ctx, sp.start, sp.path,
		    flags & ~O_CLOEXEC, mode & 07777, resolve, &f);
	sys_path_done(&sp);
	if (error != 0)
		return (sys_restartable(error));
	if ((flags & (O_NOCTTY | O_PATH)) == 0)
		sys_tty_opened(l, f);
	return (sys_fd_new(l, f, (flags & O_CLOEXEC) != 0, ret));
}

int
sys_open(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (open_at(l, LX_AT_FDCWD, a[0], (int)a[1] | LX_O_LARGEFILE,
	    (uint32_t)a[2], 0, ret));
}

int
sys_openat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (open_at(l, (int)a[0], a[1], (int)a[2] | LX_O_LARGEFILE,
	    (uint32_t)a[3], 0, ret));
}

int
sys_creat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (open_at(l, LX_AT_FDCWD, a[0],
	    O_CREAT | O_WRONLY | O_TRUNC | LX_O_LARGEFILE, (uint32_t)a[1], 0,
	    ret));
}

/* The checks of openat2 that open and openat do without.  EINVAL. */
static int
open_how_check(const struct lx_open_how *how)
{
	const uint64_t scoped = LX_RESOLVE_BENEATH | LX_RESOLVE_IN_ROOT;
	const bool creates =
	    (how->flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) != 0;

	if ((how->flags & ~(uint64_t)OPEN_VALID) != 0 ||
	    (how->resolve & ~(uint64_t)RESOLVE_VALID) != 0 ||
	    (how->resolve & scoped) == scoped)
		return (EINVAL);
	if ((how->mode & ~(creates ? UINT64_C(07777) : 0)) != 0)
		return (EINVAL);
	if ((how->flags & O_PATH) != 0 &&
	    (how->flags & ~(uint64_t)OPEN_PATH_VALID) != 0)
		return (EINVAL);
	return (0);
}

int
sys_openat2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_open_how how;
	int error;

	if (a[3] < sizeof(how))
		return (EINVAL);
	error = sys_copyin_struct(l, &how, sizeof(how), a[2], a[3]);
	if (error != 0)
		return (error);
	error = open_how_check(&how);
	if (error != 0)
		return (error);
	/* What is in memory is not known; programs then do without. */
	if ((how.resolve & LX_RESOLVE_CACHED) != 0)
		return (EAGAIN);
	return (open_at(l, (int)a[0], a[1], (int)how.flags, (uint32_t)how.mode,
	    (unsigned)how.resolve, ret));
}

int
sys_close(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (fd_close(l->p->fdt, (int)a[0]));
}

int
sys_close_range(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	unsigned lo = (unsigned)a[0], hi = (unsigned)a[1];
	unsigned flags = (unsigned)a[2];

	if (lo > hi ||
	    (flags & ~(LX_CLOSE_RANGE_UNSHARE | LX_CLOSE_RANGE_CLOEXEC)))
		return (EINVAL);
	/* A table that is not shared needs no unsharing. */
	if ((flags & LX_CLOSE_RANGE_UNSHARE) &&
	    (l->p->nlwps > 1 || l->p->fdt_shared))
		return (EINVAL);
	return (fd_close_range(
	    l->p->fdt, lo, hi, (flags & LX_CLOSE_RANGE_CLOEXEC) != 0));
}

/* ---- duplicates ---- */

static int
dup_min(struct lwp *l, int fd, int min, bool cloexec, int64_t *ret)
{
	uint32_t limit = sys_fd_limit(l);
	struct file *f;
	int error, newfd;

	error = sys_get_file(l, fd, &f);
	if (error != 0)
		return (error);
	if (min < 0 || (uint32_t)min >= limit)
		error = EINVAL;
	else
		error = fd_alloc(l->p->fdt, f, min, cloexec, limit, &newfd);
	if (error != 0) {
		file_free(f);
		return (error);
	}
	*ret = newfd;
	return (0);
}

static int
dup_to(struct lwp *l, int fd, int newfd, bool cloexec, int64_t *ret)
{
	struct file *f;
	int error;

	error = sys_get_file(l, fd, &f);
	if (error != 0)
		return (error);
	error = fd_install(l->p->fdt, f, newfd, cloexec, sys_fd_limit(l));
	if (error != 0) {
		file_free(f);
		return (error);
	}
	*ret = newfd;
	return (0);
}

int
sys_dup(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (dup_min(l, (int)a[0], 0, false, ret));
}

int
sys_dup2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f;
	int error;

	if ((int)a[0] != (int)a[1])
		return (dup_to(l, (int)a[0], (int)a[1], false, ret));
	error = sys_get_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	file_free(f);
	*ret = (int)a[1];
	return (0);
}

int
sys_dup3(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	if ((int)a[0] == (int)a[1] || ((int)a[2] & ~O_CLOEXEC) != 0)
		return (EINVAL);
	return (
	    dup_to(l, (int)a[0], (int)a[1], ((int)a[2] & O_CLOEXEC) != 0, ret));
}

/* ---- fcntl ---- */

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

static int
fcntl_setfl(struct lwp *l, struct file *f, int fd, int flags)
{
	int old = atomic_load(&f->flags);
	struct vfs_ctx ctx;
	bool owned;
	int error;

	if ((flags & ~old & O_NOATIME) != 0 && f->vp != NULL) {
		ctx = lwp_vfs_ctx(l);
		owned = vn_owned(f->vp, &ctx);
		lwp_vfs_ctx_done(&ctx);
		if (!owned)
			return (EPERM);
	}
	if (((flags ^ old) & O_ASYNC) != 0 && file_can(f, FCAP_ASYNC)) {
		error = sigio_async(l, f, fd, (flags & O_ASYNC) != 0);
		if (error != 0)
			return (error);
	}
	/* O_DIRECT has an effect only on pipes, and only at pipe2(2). */
	return (file_setfl(
	    f, (old & ~SETFL_MASK) | (flags & SETFL_MASK & ~O_DIRECT)));
}

static int
fcntl_pipe(struct file *f, int cmd, uint64_t arg, int64_t *ret)
{
	size_t size;
	int error;

	if (cmd == F_SETPIPE_SZ) {
		if (arg > INT32_MAX)
			return (file_can(f, FCAP_PIPE) ? EINVAL : EBADF);
		error = pipe_set_size(f, arg);
		if (error != 0)
			return (error);
	}
	error = pipe_size(f, &size);
	if (error == 0)
		*ret = (int64_t)size;
	return (error);
}

static int
fcntl_seals(struct file *f, int cmd, uint64_t arg, int64_t *ret)
{
	const bool add = cmd == LX_F_ADD_SEALS;
	uint32_t seals;
	int error;

	if (add && !file_flags_permit(atomic_load(&f->flags), true))
		return (EPERM);
	if (add && (arg & UINT32_MAX & ~LX_F_ALL_SEALS) != 0)
		return (EINVAL);
	if (f->vp == NULL || f->vp->ops->seal == NULL)
		return (EINVAL);
	/* Adding no seals fails like adding some: F_SEAL_SEAL is in force. */
	error = f->vp->ops->seal(f->vp, add ? (uint32_t)arg : 0, &seals);
	if (error == 0 && add && arg == 0 && (seals & LX_F_SEAL_SEAL) != 0)
		error = EPERM;
	if (error == 0)
		*ret = add ? 0 : (int64_t)seals;
	return (error);
}

static int
fcntl_file(
    struct lwp *l, struct file *f, int fd, int cmd, uint64_t arg, int64_t *ret)
{
	bool cloexec;
	int error;

	switch (cmd) {
	case F_GETFD:
		error = fd_get_cloexec(l->p->fdt, fd, &cloexec);
		if (error == 0)
			*ret = cloexec ? FD_CLOEXEC : 0;
		return (error);
	case F_SETFD:
		return (fd_set_cloexec(
		    l->p->fdt, fd, ((int)arg & FD_CLOEXEC) != 0));
	case F_GETFL:
		*ret = atomic_load(&f->flags);
		return (0);
	case F_SETFL:
		return (fcntl_setfl(l, f, fd, (int)arg));
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return (sys_fcntl_lock(l, f, fd, cmd, arg));
	case F_GETOWN:
	case F_SETOWN:
	case LX_F_GETOWN_EX:
	case LX_F_SETOWN_EX:
	case LX_F_GETOWNER_UIDS:
	case F_GETSIG:
	case F_SETSIG:
		return (sys_fcntl_owner(l, f, cmd, arg, ret));
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return (fcntl_pipe(f, cmd, arg, ret));
	case LX_F_ADD_SEALS:
	case LX_F_GET_SEALS:
		return (fcntl_seals(f, cmd, arg, ret));
	case F_GETLEASE:
	case F_SETLEASE:
	case F_NOTIFY:
		return (sys_fcntl_lease(l, f, fd, cmd, arg, ret));
	default: /* hints */
		return (EINVAL);
	}
}

int
sys_fcntl(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int fd = (int)a[0], cmd = (int)a[1], error;
	struct file *f;

	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return (dup_min(l, fd, (int)a[2], cmd == F_DUPFD_CLOEXEC, ret));
	error = sys_get_file(l, fd, &f);
	if (error != 0)
		return (error);
	if ((atomic_load(&f->flags) & O_PATH) != 0 && cmd != F_GETFD &&
	    cmd != F_SETFD && cmd != F_GETFL)
		error = EBADF;
	else
		error = fcntl_file(l, f, fd, cmd, a[2], ret);
	file_free(f);
	return (error);
}

/* ---- sync, size ---- */

int
sys_fsync(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f;
	int error;

	error = sys_get_open_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	error = file_can(f, FCAP_SYNC) ? vn_fsync(f->vp) : EINVAL;
	file_free(f);
	return (error);
}

int
sys_fdatasync(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (sys_fsync(l, a, ret));
}

/* No work: write(2) goes to the host at once, and only stores to mapped pages
 * can be dirty, which msync and fsync write. */
int
sys_sync(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (0);
}

int
sys_syncfs(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f;
	int error;

	error = sys_get_open_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	if (f->vp != NULL && f->vp->type == VREG)
		error = vn_fsync(f->vp);
	file_free(f);
	return (error);
}

int
sys_sync_file_range(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const int64_t off = (int64_t)a[1], len = (int64_t)a[2];
	struct file *f;
	int error;

	error = sys_get_open_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	if (off < 0 || len < 0 || len > INT64_MAX - off ||
	    (a[3] & UINT32_MAX & ~UINT64_C(7)) != 0)
		error = EINVAL;
	else
		error = file_can(f, FCAP_SYNC) ? vn_fsync(f->vp) : ESPIPE;
	file_free(f);
	return (error);
}

/* The file of fd, ref'ed, if it is regular and open for writing.  EBADF,
 * EINVAL. */
static int
file_for_resize(struct lwp *l, int fd, struct file **out)
{
	struct file *f;
	int error = sys_get_open_file(l, fd, &f);

	if (error != 0)
		return (error);
	if (f->vp == NULL || f->vp->type != VREG ||
	    !file_flags_permit(atomic_load(&f->flags), true)) {
		file_free(f);
		return (EINVAL);
	}
	*out = f;
	return (0);
}

int
sys_ftruncate(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vattr va = {.size = a[1]};
	struct file *f;
	int error;

	if ((int64_t)a[1] < 0)
		return (EINVAL);
	error = file_for_resize(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	error = sys_fsize_check(l, f->vp, va.size);
	if (error == 0)
		error = vn_setattr(f->vp, &va, VA_SIZE);
	if (error == 0)
		sys_modified(l, f->vp);
	file_free(f);
	return (error);
}

/* Is the mode one that some file system supports?  In Linux's order. */
static int
fallocate_mode(int mode)
{
	switch (mode) {
	case 0:
	case LX_FALLOC_KEEP_SIZE:
	case LX_FALLOC_UNSHARE_RANGE:
	case LX_FALLOC_UNSHARE_RANGE | LX_FALLOC_KEEP_SIZE:
	case LX_FALLOC_PUNCH_HOLE | LX_FALLOC_KEEP_SIZE:
	case LX_FALLOC_ZERO_RANGE:
	case LX_FALLOC_ZERO_RANGE | LX_FALLOC_KEEP_SIZE:
	case LX_FALLOC_COLLAPSE_RANGE:
	case LX_FALLOC_INSERT_RANGE:
		return (0);
	default:
		break;
	}
	/* EINVAL only for known bits that go with no others. */
	if ((mode & ~0x7f) != 0 || (mode & LX_FALLOC_PUNCH_HOLE) != 0)
		return (EOPNOTSUPP);
	return (
	    (mode & (LX_FALLOC_COLLAPSE_RANGE | LX_FALLOC_INSERT_RANGE)) != 0
		? EINVAL
		: EOPNOTSUPP);
}

/* The checks of fallocate on the file of a descriptor. */
static int
fallocate_check(const struct file *f)
{
	int fl = atomic_load(&f->flags);

	if (!file_flags_permit(fl, true))
		return (EBADF);
	if (file_can(f, FCAP_PIPE))
		return (ESPIPE);
	return (f->vp == NULL || f->vp->type != VREG ? ENODEV : 0);
}

int
sys_fallocate(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int64_t off = (int64_t)a[2], len = (int64_t)a[3];
	int mode = (int)a[1], error;
	struct file *f;

	error = sys_get_open_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	if (off < 0 || len <= 0)
		error = EINVAL;
	else
		error = fallocate_mode(mode);
	if (error == 0)
		error = fallocate_check(f);
	if (error == 0 && len > INT64_MAX - off)
		error = EFBIG;
	if (error == 0 &&
	    (mode & (LX_FALLOC_KEEP_SIZE | LX_FALLOC_COLLAPSE_RANGE)) == 0)
		error = sys_fsize_check(l, f->vp, (uint64_t)(off + len));
	if (error == 0)
		error = vn_allocate(f->vp, mode, (uint64_t)off, (uint64_t)len);
	if (error == 0)
		sys_modified(l, f->vp);
	file_free(f);
	return (error);
}

/* ---- directories ---- */

struct dents {
	uint8_t *buf;
	size_t size, used;
	bool old; /* getdents, not getdents64 */
	bool full;
};

static bool
dents_add(void *arg, const char *name, size_t len, uint64_t ino, uint8_t dtype,
    uint64_t off)
{
	struct dents *d = arg;
	const size_t head = d->old ? 18 : 19;
	/* getdents stores the type in the last byte of the entry. */
	size_t reclen = (head + len + 1 + (d->old ? 1 : 0) + 7) & ~(size_t)7;
	uint16_t r16 = (uint16_t)reclen;
	uint8_t *p = d->buf + d->used;

	if (reclen > d->size - d->used) {
		d->full = true;
		return (false);
	}
	memset(p, 0, reclen);
	memcpy(p, &ino, 8);
	memcpy(p + 8, &off, 8);
	memcpy(p + 16, &r16, 2);
	if (d->old)
		p[reclen - 1] = dtype;
	else
		p[18] = dtype;
	memcpy(p + head, name, len);
	d->used += reclen;
	return (true);
}

/*
 * Copy the entries out.  If the guest's memory ends early, those that fit are
 * returned, and the directory continues after them.
 * - EFAULT: not even one fits; the directory is at `start` again.
 */
static int
dents_out(struct lwp *l, struct file *f, const struct dents *d, uint64_t uaddr,
    uint64_t start, int64_t *ret)
{
	size_t done, at = 0;
	uint64_t next = start;
	uint16_t reclen;
	int error;

	error = copyout_part(lwp_vmspace(l), d->buf, uaddr, d->used, &done);
	if (error == 0) {
		*ret = (int64_t)d->used;
		return (0);
	}
	while (at < done) {
		memcpy(&reclen, d->buf + at + 16, sizeof(reclen));
		if (reclen > done - at)
			break;
		memcpy(&next, d->buf + at + 8, sizeof(next));
		at += reclen;
	}
	(void)file_seek(f, (int64_t)next, SEEK_SET, &next);
	*ret = (int64_t)at;
	return (at > 0 ? 0 : error);
}

static int
getdents(struct lwp *l, const uint64_t *a, bool old, int64_t *ret)
{
	struct dents d = {.old = old};
	uint64_t start;
	struct file *f;
	int error;

	d.size = a[2] < GETDENTS_BUF ? (size_t)a[2] : GETDENTS_BUF;
	error = sys_get_open_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	if (f->vp == NULL || f->vp->type != VDIR) {
		error = ENOTDIR;
		goto out;
	}
	d.buf = kmem_alloc(d.size != 0 ? d.size : 1);
	if (d.buf == NULL) {
		error = ENOMEM;
		goto out;
	}
	error = file_seek(f, 0, SEEK_CUR, &start);
	if (error != 0)
		goto out;
	error = file_getdents(f, dents_add, &d);
	if (error != 0)
		goto out;
	/* Not even one entry fits. */
	if (d.used == 0 && d.full) {
		error = EINVAL;
		goto out;
	}
	error = dents_out(l, f, &d, a[1], start, ret);
out:
	kmem_free(d.buf);
	file_free(f);
	return (error);
}

int
sys_getdents(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (getdents(l, a, true, ret));
}

int
sys_getdents64(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (getdents(l, a, false, ret));
}
