/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on attributes: stat and its relatives, access, modes, owners,
 * times, sizes by name, file system statistics.
 *
 * This file checks by the file system ids whether the caller may change an
 * attribute, because vn_setattr() has no argument for the caller; vn_setattr()
 * checks whether the mount is writable.  access(2) uses the real ids, as POSIX
 * requires.
 */
#include "host/host.h"
#include "abi/capability.h"
#include "abi/fcntl.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "abi/time.h"
#include "linux/file/sys_uio.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/lease.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"

sys_fn sys_stat, sys_lstat, sys_fstat, sys_newfstatat, sys_statx, sys_access,
    sys_faccessat, sys_faccessat2, sys_chmod, sys_fchmod, sys_fchmodat,
    sys_fchmodat2, sys_chown, sys_lchown, sys_fchown, sys_fchownat, sys_utime,
    sys_utimes, sys_futimesat, sys_utimensat, sys_truncate, sys_statfs,
    sys_fstatfs;

/* ---- stat ---- */

static void
stat_fill(struct lwp *l, struct lx_stat *st, const struct vattr *va)
{
	memset(st, 0, sizeof(*st));
	st->dev = va->dev;
	st->ino = va->ino;
	st->nlink = va->nlink;
	st->mode = va->mode;
	st->uid = proc_id_shown(l->p, false, va->uid);
	st->gid = proc_id_shown(l->p, true, va->gid);
	st->rdev = va->rdev;
	st->size = (int64_t)va->size;
	st->blksize = (int64_t)va->blksize;
	st->blocks = (int64_t)va->blocks;
	st->atim = lx_timespec_of(va->atime);
	st->mtim = lx_timespec_of(va->mtime);
	st->ctim = lx_timespec_of(va->ctime);
}

/* What statx(2) says of the mount of a file. */
struct stat_mnt {
	unsigned id;
	bool root; /* the file is its root */
};

/* Attributes of the file that (dirfd, path, flags) names; sm may be NULL. */
static int
stat_get(struct lwp *l, int dirfd, uint64_t upath, int atflags,
    struct vattr *va, struct stat_mnt *sm)
{
	struct stat_mnt m = {.id = VFS_MNT_NONE};
	struct file *f = NULL;
	struct vplace at;
	int error;

	error = sys_path_place(l, dirfd, upath, atflags, &at, &f);
	if (error != 0)
		return (error);
	m.id = mnt_id(at.mnt);
	if (at.vp != NULL) {
		m.root = mnt_is_root(at.mnt, at.vp);
		error = vn_getattr(at.vp, va);
		vplace_rele(&at);
	} else {
		error = file_getattr(f, va);
		file_free(f);
	}
	if (sm != NULL)
		*sm = m;
	return (error);
}

static int
stat_out(struct lwp *l, int dirfd, uint64_t upath, int atflags, uint64_t ust)
{
	struct lx_stat st;
	struct vattr va;
	int error;

	error = stat_get(l, dirfd, upath, atflags, &va, NULL);
	if (error != 0)
		return (error);
	stat_fill(l, &st, &va);
	return (copyout(lwp_vmspace(l), &st, ust, sizeof(st)));
}

int
sys_stat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (stat_out(l, LX_AT_FDCWD, a[0], 0, a[1]));
}

int
sys_lstat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (stat_out(l, LX_AT_FDCWD, a[0], LX_AT_SYMLINK_NOFOLLOW, a[1]));
}

int
sys_newfstatat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	if ((int)a[3] &
	    ~(LX_AT_SYMLINK_NOFOLLOW | LX_AT_NO_AUTOMOUNT | LX_AT_EMPTY_PATH))
		return (EINVAL);
	return (stat_out(l, (int)a[0], a[1], (int)a[3], a[2]));
}

int
sys_fstat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_stat st;
	struct vattr va;
	struct file *f;
	int error;

	error = sys_get_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	error = file_getattr(f, &va);
	file_free(f);
	if (error != 0)
		return (error);
	stat_fill(l, &st, &va);
	return (copyout(lwp_vmspace(l), &st, a[1], sizeof(st)));
}

static uint32_t
dev_major(uint64_t dev)
{
	return ((uint32_t)((dev >> 8) & 0xfff) |
		((uint32_t)(dev >> 32) & ~UINT32_C(0xfff)));
}

static uint32_t
dev_minor(uint64_t dev)
{
	return (
	    (uint32_t)(dev & 0xff) | ((uint32_t)(dev >> 12) & ~UINT32_C(0xff)));
}

static struct lx_statx_timestamp
statx_time(int64_t ns)
{
	struct lx_timespec ts = lx_timespec_of(ns);

	return ((struct lx_statx_timestamp){
	    .sec = ts.sec, .nsec = (uint32_t)ts.nsec});
}

int
sys_statx(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct stat_mnt sm;
	struct lx_statx sx;
	struct vattr va;
	int error;

	if (((uint32_t)a[3] & LX_STATX_RESERVED) != 0 ||
	    ((int)a[2] & LX_AT_STATX_SYNC_TYPE) == LX_AT_STATX_SYNC_TYPE)
		return (EINVAL);
	if ((int)a[2] & ~(LX_AT_SYMLINK_NOFOLLOW | LX_AT_NO_AUTOMOUNT |
			    LX_AT_EMPTY_PATH | LX_AT_STATX_SYNC_TYPE))
		return (EINVAL);
	error = stat_get(l, (int)a[0], a[1], (int)a[2], &va, &sm);
	if (error != 0)
		return (error);
	memset(&sx, 0, sizeof(sx));
	sx.mask = LX_STATX_BASIC | (va.btime != 0 ? LX_STATX_BTIME : 0);
	/* Numbers of mounts are never given again, so that they are unique. */
	sx.mask |= ((uint32_t)a[3] & LX_STATX_MNT_ID_UNIQUE) != 0
		       ? LX_STATX_MNT_ID_UNIQUE
		       : LX_STATX_MNT_ID;
	sx.blksize = (uint32_t)va.blksize;
	sx.nlink = va.nlink;
	sx.uid = proc_id_shown(l->p, false, va.uid);
	sx.gid = proc_id_shown(l->p, true, va.gid);
	sx.mode = (uint16_t)va.mode;
	sx.ino = va.ino;
	sx.size = va.size;
	sx.blocks = va.blocks;
	sx.atime = statx_time(va.atime);
	sx.btime = statx_time(va.btime);
	sx.ctime = statx_time(va.ctime);
	sx.mtime = statx_time(va.mtime);
	sx.rdev_major = dev_major(va.rdev);
	sx.rdev_minor = dev_minor(va.rdev);
	sx.dev_major = dev_major(va.dev);
	sx.dev_minor = dev_minor(va.dev);
	sx.mnt_id = sm.id;
	sx.attributes_mask = LX_STATX_ATTR_MOUNT_ROOT;
	sx.attributes = sm.root ? LX_STATX_ATTR_MOUNT_ROOT : 0;
	return (copyout(lwp_vmspace(l), &sx, a[4], sizeof(sx)));
}

/* ---- access ---- */

static int
access_at(struct lwp *l, int dirfd, uint64_t upath, uint64_t mode, int flags)
{
	const bool real = (flags & LX_AT_EACCESS) == 0;
	struct vfs_ctx ctx;
	struct vplace at;
	struct file *f = NULL;
	int error;

	if ((mode & ~UINT64_C(7)) != 0 ||
	    (flags & ~(LX_AT_EACCESS | LX_AT_SYMLINK_NOFOLLOW |
			 LX_AT_EMPTY_PATH)) != 0)
		return (EINVAL);
	error = real ? sys_path_place_real(l, dirfd, upath, flags, &at, &f)
		     : sys_path_place(l, dirfd, upath, flags, &at, &f);
	if (error != 0)
		return (error);
	if (at.vp == NULL) {
		file_free(f);
		return (0);
	}
	if (mode != 0) {
		ctx = lwp_vfs_ctx(l);
		if (real)
			sys_ctx_real(l, &ctx);
		error = mnt_access(at.mnt, at.vp, (unsigned)mode, &ctx);
		if (error == 0 && (mode & 1) != 0 && at.vp->type == VREG &&
		    mnt_has(at.mnt, VMNT_NOEXEC))
			error = EACCES;
		lwp_vfs_ctx_done(&ctx);
	}
	vplace_rele(&at);
	return (error);
}

int
sys_access(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (access_at(l, LX_AT_FDCWD, a[0], a[1] & UINT32_MAX, 0));
}

int
sys_faccessat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (access_at(l, (int)a[0], a[1], a[2] & UINT32_MAX, 0));
}

int
sys_faccessat2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (access_at(l, (int)a[0], a[1], a[2] & UINT32_MAX, (int)a[3]));
}

/* ---- changes: each function consumes the refs of its place ---- */

/* The place of a descriptor, for the f... calls. */
static int
fd_place(struct lwp *l, int fd, bool path_ok, struct vplace *at)
{
	struct file *f;
	int error;

	error = sys_get_file(l, fd, &f);
	if (error != 0)
		return (error);
	if (!path_ok && (atomic_load(&f->flags) & O_PATH) != 0)
		error = EBADF;
	else if (f->vp == NULL)
		error = EPERM;
	else {
		*at = (struct vplace){f->mnt, f->vp};
		vplace_ref(at);
	}
	file_free(f);
	return (error);
}

static bool
place_rdonly(const struct vplace *at)
{
	return ((at->vp->mount->flags & VMNT_RDONLY) != 0 ||
		mnt_has(at->mnt, VMNT_RDONLY));
}

/* Attributes of a file.  EPERM: the caller neither owns it nor has CAP_FOWNER;
 * EROFS first, if the mount is read-only. */
static int
owned_attr(struct lwp *l, const struct vplace *at, struct vattr *va)
{
	int error;

	if (place_rdonly(at))
		return (EROFS);
	error = vn_getattr(at->vp, va);
	if (error == 0 && l->cred->fsuid != va->uid &&
	    !lwp_capable(l, LX_CAP_FOWNER))
		error = EPERM;
	return (error);
}

static int
chmod_place(struct lwp *l, struct vplace at, uint64_t mode)
{
	struct vnode *vp = at.vp;
	struct vattr va;
	int error;

	error = vp->type == VLNK ? EOPNOTSUPP : owned_attr(l, &at, &va);
	if (error == 0) {
		mode &= 07777;
		/* Set-gid gives the rights of the group away, so the caller
		 * must be in it. */
		if (!cred_in_group(l->cred, va.gid) &&
		    !lwp_capable(l, LX_CAP_FSETID))
			mode &= ~(uint64_t)02000;
		va.mode = (va.mode & LX_S_IFMT) | (uint32_t)mode;
		error = vn_setattr(vp, &va, VA_MODE);
	}
	vplace_rele(&at);
	return (error);
}

static int
chmod_at(struct lwp *l, int dirfd, uint64_t upath, uint64_t mode, int atflags)
{
	struct vplace at;
	int error;

	if (atflags & ~(LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH))
		return (EINVAL);
	error = sys_path_place(l, dirfd, upath, atflags, &at, NULL);
	return (error != 0 ? error : chmod_place(l, at, mode));
}

int
sys_chmod(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (chmod_at(l, LX_AT_FDCWD, a[0], a[1], 0));
}

/* May a file that has `va` get these ids?  UINT32_MAX: it keeps its own. */
static bool
chown_permitted(
    const struct cred *c, const struct vattr *va, uint32_t uid, uint32_t gid)
{
	const bool owner = c->fsuid == va->uid;

	return (cred_capable(c, LX_CAP_CHOWN) ||
		((uid == UINT32_MAX || (uid == va->uid && owner)) &&
		    (gid == UINT32_MAX ||
			(owner && (gid == va->gid || cred_in_group(c, gid))))));
}

/* Change a file without vnode, if its kind has attributes.  EPERM. */
static int
file_change(struct lwp *l, int fd, const struct vattr *new, unsigned what)
{
	struct vattr va;
	struct file *f;
	int error = sys_get_open_file(l, fd, &f);

	if (error != 0)
		return (error);
	error = f->vp != NULL || f->ops->setattr == NULL ? EPERM
							 : file_getattr(f, &va);
	if (error == 0 && (what & VA_MODE) != 0 && l->cred->fsuid != va.uid &&
	    !lwp_capable(l, LX_CAP_FOWNER))
		error = EPERM;
	if (error == 0 && (what & ~VA_MODE) != 0 &&
	    !chown_permitted(l->cred, &va, new->uid, new->gid))
		error = EPERM;
	if (error == 0)
		error = f->ops->setattr(f, new, what);
	file_free(f);
	return (error);
}

int
sys_fchmod(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const struct vattr va = {.mode = (uint32_t)a[1]};
	struct vplace at;
	int error = fd_place(l, (int)a[0], false, &at);

	if (error == EPERM)
		return (file_change(l, (int)a[0], &va, VA_MODE));
	return (error != 0 ? error : chmod_place(l, at, a[1]));
}

int
sys_fchmodat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (chmod_at(l, (int)a[0], a[1], a[2], 0));
}

int
sys_fchmodat2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (chmod_at(l, (int)a[0], a[1], a[2], (int)a[3]));
}

static int
chown_place(struct lwp *l, struct vplace at, uint32_t uid, uint32_t gid)
{
	const struct cred *c = l->cred;
	struct vnode *vp = at.vp;
	unsigned what = 0;
	struct vattr va;
	const uint32_t ids[2] = {uid, gid};
	bool owner;
	int error;

	uid = proc_id_kernel(l->p, false, uid);
	gid = proc_id_kernel(l->p, true, gid);
	if ((uid == UINT32_MAX && ids[0] != UINT32_MAX) ||
	    (gid == UINT32_MAX && ids[1] != UINT32_MAX))
		error = EINVAL;
	else
		error = place_rdonly(&at) ? EROFS : vn_getattr(vp, &va);
	if (error != 0)
		goto out;
	owner = c->fsuid == va.uid;
	if (!chown_permitted(c, &va, uid, gid)) {
		error = EPERM;
		goto out;
	}
	owner = owner || cred_capable(c, LX_CAP_FOWNER);
	if (uid != UINT32_MAX && uid != va.uid)
		what |= VA_UID;
	if (gid != UINT32_MAX && gid != va.gid)
		what |= VA_GID;
	va.uid = uid;
	va.gid = gid;
	if (what != 0)
		error = vn_setattr(vp, &va, what);
	else if (vp->ops->drop_setid != NULL && owner)
		vp->ops->drop_setid(vp);
out:
	vplace_rele(&at);
	return (error);
}

static int
chown_at(struct lwp *l, int dirfd, uint64_t upath, uint64_t uid, uint64_t gid,
    int atflags)
{
	struct vplace at;
	int error;

	if (atflags & ~(LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH))
		return (EINVAL);
	error = sys_path_place(l, dirfd, upath, atflags, &at, NULL);
	if (error != 0)
		return (error);
	return (chown_place(l, at, (uint32_t)uid, (uint32_t)gid));
}

int
sys_chown(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (chown_at(l, LX_AT_FDCWD, a[0], a[1], a[2], 0));
}

int
sys_lchown(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (
	    chown_at(l, LX_AT_FDCWD, a[0], a[1], a[2], LX_AT_SYMLINK_NOFOLLOW));
}

int
sys_fchown(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const struct vattr va = {
	    .uid = proc_id_kernel(l->p, false, (uint32_t)a[1]),
	    .gid = proc_id_kernel(l->p, true, (uint32_t)a[2])};
	struct vplace at;
	int error = fd_place(l, (int)a[0], false, &at);

	if (error == EPERM &&
	    ((va.uid == UINT32_MAX && (uint32_t)a[1] != UINT32_MAX) ||
		(va.gid == UINT32_MAX && (uint32_t)a[2] != UINT32_MAX)))
		return (EINVAL);
	if (error == EPERM)
		return (file_change(l, (int)a[0], &va,
		    (va.uid != UINT32_MAX ? VA_UID : 0) |
			(va.gid != UINT32_MAX ? VA_GID : 0)));
	if (error != 0)
		return (error);
	return (chown_place(l, at, (uint32_t)a[1], (uint32_t)a[2]));
}

int
sys_fchownat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (chown_at(l, (int)a[0], a[1], a[2], a[3], (int)a[4]));
}

/* ---- times ---- */

#define TIME_OMIT INT64_MIN
#define TIME_SEC_MAX (INT64_MAX / (int64_t)NS_PER_SEC - 1)

struct set_times {
	int64_t atime, mtime; /* ns or TIME_OMIT */
	bool now;             /* both are the current time: write access
				 suffices */
	int error;            /* of the arguments, once the file is found */
};

static int
times_place(struct lwp *l, struct vplace at, const struct set_times *st)
{
	struct vnode *vp = at.vp;
	struct vfs_ctx ctx;
	unsigned what = 0;
	struct vattr va;
	int error;

	error = st->error;
	if (error != 0)
		goto out;
	error = owned_attr(l, &at, &va);
	if (error == EPERM && st->now) {
		ctx = lwp_vfs_ctx(l);
		error = vn_access(vp, 2, &ctx);
		lwp_vfs_ctx_done(&ctx);
	}
	if (error != 0)
		goto out;
	if (st->atime != TIME_OMIT)
		what |= VA_ATIME;
	if (st->mtime != TIME_OMIT)
		what |= VA_MTIME;
	va.atime = st->atime;
	va.mtime = st->mtime;
	if (what != 0)
		error = vn_setattr(vp, &va, what);
out:
	vplace_rele(&at);
	return (error);
}

/* The file is named by a path, or with upath 0 by the descriptor. */
static int
times_at(struct lwp *l, int dirfd, uint64_t upath, int atflags,
    const struct set_times *st)
{
	struct vplace at;
	int error;

	if (upath != 0 || dirfd == LX_AT_FDCWD)
		error = sys_path_place(l, dirfd, upath, atflags, &at, NULL);
	else
		error = atflags != 0 ? EINVAL : fd_place(l, dirfd, false, &at);
	return (error != 0 ? error : times_place(l, at, st));
}

static void
times_now(struct set_times *st)
{
	st->atime = st->mtime = (int64_t)host_realtime_ns();
	st->now = true;
	st->error = 0;
}

/* One struct timespec of utimensat.  A time that is out of range is the nearest
 * one that a file can have. */
static int
times_one(const struct lx_timespec *ts, int64_t now, int64_t *ns)
{
	if (ts->nsec == LX_UTIME_NOW)
		*ns = now;
	else if (ts->nsec == LX_UTIME_OMIT)
		*ns = TIME_OMIT;
	else if (ts->nsec < 0 || ts->nsec >= (int64_t)NS_PER_SEC)
		return (EINVAL);
	else if (ts->sec > TIME_SEC_MAX)
		*ns = TIME_SEC_MAX * (int64_t)NS_PER_SEC;
	else if (ts->sec < -TIME_SEC_MAX)
		*ns = -TIME_SEC_MAX * (int64_t)NS_PER_SEC;
	else
		*ns = ts->sec * (int64_t)NS_PER_SEC + ts->nsec;
	return (0);
}

int
sys_utimensat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_timespec ts[2];
	struct set_times st;
	int64_t now;

	times_now(&st);
	if (a[2] != 0) {
		if (copyin(lwp_vmspace(l), ts, a[2], sizeof(ts)) != 0)
			return (EFAULT);
		/* Nothing is changed; as on Linux nothing else is checked. */
		if (ts[0].nsec == LX_UTIME_OMIT && ts[1].nsec == LX_UTIME_OMIT)
			return (0);
		now = st.atime;
		st.now =
		    ts[0].nsec == LX_UTIME_NOW && ts[1].nsec == LX_UTIME_NOW;
		st.error = times_one(&ts[0], now, &st.atime);
		if (st.error == 0)
			st.error = times_one(&ts[1], now, &st.mtime);
	}
	if ((int)a[3] & ~(LX_AT_SYMLINK_NOFOLLOW | LX_AT_EMPTY_PATH))
		return (EINVAL);
	return (times_at(l, (int)a[0], a[1], (int)a[3], &st));
}

/* utimes: two timevals, or none. */
static int
utimes_at(struct lwp *l, int dirfd, uint64_t upath, uint64_t utv)
{
	struct lx_timeval tv[2];
	struct lx_timespec ts;
	struct set_times st;
	int error;

	times_now(&st);
	if (utv != 0) {
		if (copyin(lwp_vmspace(l), tv, utv, sizeof(tv)) != 0)
			return (EFAULT);
		st.now = false;
		for (int i = 0; i < 2; i++) {
			if (tv[i].usec < 0 || tv[i].usec >= 1000000)
				return (EINVAL);
			ts.sec = tv[i].sec;
			ts.nsec = tv[i].usec * 1000;
			error =
			    times_one(&ts, 0, i == 0 ? &st.atime : &st.mtime);
			if (error != 0)
				return (error);
		}
	}
	return (times_at(l, dirfd, upath, 0, &st));
}

int
sys_utimes(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (utimes_at(l, LX_AT_FDCWD, a[0], a[1]));
}

int
sys_futimesat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (utimes_at(l, (int)a[0], a[1], a[2]));
}

int
sys_utime(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_timespec ts = {0};
	struct lx_utimbuf ut;
	struct set_times st;
	int error;

	times_now(&st);
	if (a[1] != 0) {
		if (copyin(lwp_vmspace(l), &ut, a[1], sizeof(ut)) != 0)
			return (EFAULT);
		st.now = false;
		ts.sec = ut.actime;
		error = times_one(&ts, 0, &st.atime);
		if (error != 0)
			return (error);
		ts.sec = ut.modtime;
		error = times_one(&ts, 0, &st.mtime);
		if (error != 0)
			return (error);
	}
	return (times_at(l, LX_AT_FDCWD, a[0], 0, &st));
}

/* ---- size by name, file systems ---- */

/* Wait for those that have a lease of the file. */
static int
truncate_break(struct lwp *l, struct vnode *vp)
{
	struct vfs_ctx ctx = lwp_vfs_ctx(l);
	int error = lease_break(vp, true, false, &ctx.waiter);

	lwp_vfs_ctx_done(&ctx);
	return (sys_restartable(error));
}

int
sys_truncate(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vattr va = {.size = a[1]};
	struct vfs_ctx ctx;
	struct vplace at;
	struct vnode *vp;
	int error;

	if ((int64_t)a[1] < 0)
		return (EINVAL);
	error = sys_path_place(l, LX_AT_FDCWD, a[0], 0, &at, NULL);
	if (error != 0)
		return (error);
	vp = at.vp;
	ctx = lwp_vfs_ctx(l);
	if (vp->type == VDIR)
		error = EISDIR;
	else if (vp->type != VREG)
		error = EINVAL;
	else if (atomic_load(&vp->texts) != 0)
		error = ETXTBSY;
	else
		error = mnt_access(at.mnt, vp, 2, &ctx);
	lwp_vfs_ctx_done(&ctx);
	if (error != 0)
		goto out;
	error = sys_fsize_check(l, vp, va.size);
	if (error == 0)
		error = truncate_break(l, vp);
	if (error != 0)
		goto out;
	error = vn_setattr(vp, &va, VA_SIZE);
	if (error == 0)
		sys_modified(l, vp);
out:
	vplace_rele(&at);
	return (error);
}

static int64_t
statfs_flags(const struct vplace *at)
{
	const unsigned m = at->mnt != NULL ? atomic_load(&at->mnt->flags) : 0;
	int64_t fl = LX_ST_VALID | (int64_t)(m & LX_ST_MASK);

	if (place_rdonly(at))
		fl |= LX_ST_RDONLY;
	if ((m & VMNT_NODIRATIME) != 0)
		fl |= LX_ST_NODIRATIME;
	if ((m & VMNT_NOATIME) != 0)
		fl |= LX_ST_NOATIME;
	else if ((m & VMNT_STRICTATIME) == 0)
		fl |= LX_ST_RELATIME;
	return (fl);
}

/* Consumes the refs.  No vnode: a descriptor without a file system, which gets
 * the values of Linux's anonymous inodes. */
static int
statfs_out(struct lwp *l, struct vplace at, uint64_t ubuf)
{
	struct vnode *vp = at.vp;
	struct vfs_statfs vs = {
	    .type = 0x09041934, .bsize = PAGE_SIZE, .namelen = 255};
	struct lx_statfs st;
	int64_t flags = LX_ST_VALID;
	uint64_t dev = 0;
	int error = 0;

	if (vp != NULL) {
		error =
		    vp->ops->statfs == NULL ? ENOSYS : vp->ops->statfs(vp, &vs);
		dev = vp->mount->dev;
		flags = statfs_flags(&at);
	}
	vplace_rele(&at);
	if (error != 0)
		return (error);
	memset(&st, 0, sizeof(st));
	st.type = (int64_t)vs.type;
	st.bsize = st.frsize = (int64_t)vs.bsize;
	st.blocks = vs.blocks;
	st.bfree = vs.bfree;
	st.bavail = vs.bavail;
	st.files = vs.files;
	st.ffree = vs.ffree;
	st.fsid[0] = (int32_t)dev;
	st.namelen = (int64_t)vs.namelen;
	st.flags = flags;
	return (copyout(lwp_vmspace(l), &st, ubuf, sizeof(st)));
}

int
sys_statfs(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vplace at;
	int error;

	error = sys_path_place(l, LX_AT_FDCWD, a[0], 0, &at, NULL);
	return (error != 0 ? error : statfs_out(l, at, a[1]));
}

int
sys_fstatfs(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vplace at = {0};
	int error;

	error = fd_place(l, (int)a[0], true, &at);
	if (error != 0 && error != EPERM)
		return (error);
	return (statfs_out(l, at, a[1]));
}
