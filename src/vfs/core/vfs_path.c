/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The calls on paths: open, mkdir, mknod, unlink, rmdir, rename, link and
 * symlink.
 *
 * Concepts.  Each call is a lookup, the checks of Linux in the order of Linux,
 * one vop, and the new names of vnodes that moved.  The checks decide which
 * errno a program sees and keep modifying calls from read-only mounts.  They
 * do not protect the host, because the tree may change between check and vop.
 * The file system repeats the checks that matter: its create is exclusive, its
 * unlink and rmdir check the type.
 *
 * The order on a read-only mount, as Linux has it: creating a name that
 * exists is EEXIST before EROFS; removing and renaming are EROFS before the
 * last component is looked at; opening for writing is EISDIR before EROFS.
 *
 * Locking: none is held; everything here may do I/O.
 *
 * Limits: sticky directories are honoured; the file system decides whether new
 * files in a set-gid directory get its group.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/fcntl.h"
#include "abi/inotify.h"
#include "abi/stat.h"
#include "vfs/core/ctx.h"
#include "vfs/core/dnotify.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/inotify_event.h"
#include "vfs/core/lease.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vfs/core/vnode_io.h"

#define OPEN_RETRIES 16 /* creations that race with removals */
#define OPEN_ONCE (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

/* Does the path end in "/", "." or ".."? */
static bool
nd_special(const struct nameidata *nd)
{
	return (strcmp(nd->last, "/") == 0 || strcmp(nd->last, ".") == 0 ||
		strcmp(nd->last, "..") == 0);
}

/* Can the directory of nd not be written, for any caller? */
static bool
nd_rdonly(const struct nameidata *nd)
{
	return ((nd->dvp->mount->flags & VMNT_RDONLY) != 0 ||
		mnt_has(nd->dmnt, VMNT_RDONLY));
}

/* Does the file system say of itself that the name of nd, which is to be made,
 * is missing?  On Linux its lookup fails then, before rights are asked. */
static bool
nd_closed(const struct nameidata *nd)
{
	return (nd->vp == NULL && nd->dvp->mount->closed);
}

/* Look up with the mounts of what is found. */
static int
path_namei(const struct vfs_ctx *ctx, const struct vplace *start,
    const char *path, int flags, struct nameidata *nd)
{
	return (namei(ctx, start, path, flags | NAMEI_MNT, nd));
}

/* May the caller take the file of nd out of its directory? */
static int
may_delete(const struct vfs_ctx *ctx, const struct nameidata *nd)
{
	struct vnode *dvp = nd->dvp, *vp = nd->vp;
	struct vattr d, v;
	int error;

	error = mnt_access(nd->dmnt, dvp, 3, ctx);
	if (error != 0 || vfs_ctx_capable(ctx, LX_CAP_FOWNER))
		return (error);
	error = vn_getattr(dvp, &d);
	if (error != 0 || (d.mode & LX_S_ISVTX) == 0 || d.uid == ctx->uid)
		return (error);
	error = vn_getattr(vp, &v);
	if (error != 0)
		return (error);
	return (v.uid == ctx->uid ? 0 : EPERM);
}

/*
 * Look up where something is to be created.  On success nd->vp is NULL, the
 * caller may write to nd->dvp and owns its ref.
 */
static int
create_at(const struct vfs_ctx *ctx, const struct vplace *start,
    const char *path, bool dir, struct nameidata *nd)
{
	int error;

	error = path_namei(ctx, start, path, NAMEI_PARENT | NAMEI_NOFOLLOW, nd);
	if (error != 0)
		return (error);
	if (nd->vp != NULL)
		error = EEXIST;
	else if (nd_closed(nd) || (nd->trailing_slash && !dir))
		error = ENOENT;
	else
		error = mnt_access(nd->dmnt, nd->dvp, 3, ctx);
	if (error != 0)
		nameidata_rele(nd);
	return (error);
}

/*
 * The permission bits of a new file (not a directory) in dvp.  A file that gets
 * the group of a set-gid directory must not run with the rights of that group
 * when the process that makes it is not in the group.
 */
static int
create_mode(
    const struct vfs_ctx *ctx, struct vnode *dvp, uint32_t mode, uint32_t *out)
{
	const uint32_t setgid = LX_S_ISGID | 010;
	struct vattr va;
	int error;

	mode &= VS_PERM;
	if (!vfs_ctx_capable(ctx, LX_CAP_FSETID) && (mode & setgid) == setgid) {
		error = vn_getattr(dvp, &va);
		if (error != 0)
			return (error);
		if ((va.mode & LX_S_ISGID) != 0 &&
		    !vfs_ctx_in_group(ctx, va.gid))
			mode &= ~(uint32_t)LX_S_ISGID;
	}
	*out = mode & ~ctx->umask;
	return (0);
}

/* ---- open ---- */

/* May vp be opened with these flags? */
static int
open_check(const struct vfs_ctx *ctx, const struct vplace *at, int flags)
{
	struct vnode *vp = at->vp;
	unsigned bits;
	int error;

	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		bits = 4;
		break;
	case O_WRONLY:
		bits = 2;
		break;
	default:
		bits = 6;
		break;
	}
	if ((flags & O_TRUNC) != 0)
		bits |= 2;
	if (vp->type == VLNK)
		return (ELOOP);
	if (vp->type == VDIR && (bits & 2) != 0)
		return (EISDIR);
	error = mnt_access(at->mnt, vp, bits, ctx);
	if (error == 0 && (vp->type == VCHR || vp->type == VBLK) &&
	    mnt_has(at->mnt, VMNT_NODEV))
		error = EACCES;
	if (error == 0 && (flags & O_NOATIME) != 0 && !vn_owned(vp, ctx))
		error = EPERM;
	return (error);
}

static int
open_truncate(const struct vfs_ctx *ctx, struct vnode *vp)
{
	struct vattr va = {.size = 0};
	int error;

	if (vp->type != VREG)
		return (0);
	error = vn_writer_ref(vp); /* also O_RDONLY | O_TRUNC is a writer */
	if (error != 0)
		return (error);
	error = vn_setattr(vp, &va, VA_SIZE);
	if (error == 0)
		vn_modified(vp, ctx->caps);
	vn_writer_rele(vp);
	return (error);
}

/* Have the file system open f, and truncate it if O_TRUNC asks for that. */
static int
open_file(const struct vfs_ctx *ctx, struct file *f, int flags, bool created)
{
	struct vnode *vp = f->vp;
	int error = 0;

	if (vp->type == VREG && !created)
		error = lease_break(vp, (flags & O_ACCMODE) != O_RDONLY,
		    (flags & O_NONBLOCK) != 0, &ctx->waiter);
	if (error != 0)
		return (error);
	if (vp->ops->open != NULL)
		error = vp->ops->open(vp, flags & ~(O_CREAT | O_EXCL), f, ctx);
	else if (vp->type != VREG && vp->type != VDIR)
		error = ENXIO;
	if (error != 0)
		return (error);
	f->opened = true;
	vfs_tell_file(vp, LX_IN_OPEN);
	if ((flags & O_TRUNC) == 0 || created)
		return (0);
	return (open_truncate(ctx, vp));
}

/* Give f its mount, whose ref passes.  A file that can be written keeps the
 * mount from becoming read-only.  EROFS. */
static int
open_mnt(struct file *f, struct mnt *m, int flags)
{
	const bool write = file_flags_permit(flags, true) &&
			   (f->vp->type == VREG || f->vp->type == VDIR);
	int error;

	f->mnt = m;
	if (m == NULL || !write)
		return (0);
	error = mnt_writer_ref(m);
	f->mnt_writer = error == 0;
	return (error);
}

/* Make a file of a place, whose refs pass in any case. */
static int
open_place(const struct vfs_ctx *ctx, struct vplace at, int flags, bool created,
    struct file **fp)
{
	const bool path_only = (flags & O_PATH) != 0;
	struct file *f;
	int error = 0;

	if (!created && !path_only)
		error = open_check(ctx, &at, flags);
	if (error != 0)
		goto fail;
	error = file_create(
	    ctx->vfs, &vnode_fileops, at.vp, flags & ~OPEN_ONCE, -1, NULL, &f);
	if (error != 0)
		goto fail;
	f->cred = ctx->cred;
	error = open_mnt(f, at.mnt, flags);
	if (error == 0 && !path_only)
		error = open_file(ctx, f, flags, created);
	if (error != 0) {
		file_free(f); /* it owns the ref of vp */
		return (error);
	}
	*fp = f;
	return (0);
fail:
	vplace_rele(&at);
	return (error);
}

int
vfs_open_place(
    const struct vfs_ctx *ctx, struct vplace at, int flags, struct file **fp)
{
	if ((flags & O_DIRECTORY) != 0 && at.vp->type != VDIR) {
		vplace_rele(&at);
		return (ENOTDIR);
	}
	return (open_place(ctx, at, flags, false, fp));
}

/* May the result of a lookup with O_CREAT be opened, or made? */
static int
open_create_check(const struct nameidata *nd, int flags)
{
	if (nd_special(nd) || nd->trailing_slash)
		return (EISDIR);
	if (nd->vp == NULL)
		return (0);
	if ((flags & O_EXCL) != 0)
		return (EEXIST);
	return (nd->vp->type == VDIR ? EISDIR : 0);
}

/* Make the regular file of a lookup that found none.  Sets nd->vp. */
static int
create_file(const struct vfs_ctx *ctx, struct nameidata *nd, uint32_t mode)
{
	const struct vops *ops = nd->dvp->ops;
	int error;

	if (nd_closed(nd))
		return (ENOENT);
	error = mnt_access(nd->dmnt, nd->dvp, 3, ctx);
	if (error != 0)
		return (error);
	if (ops->create == NULL)
		return (EACCES);
	error = create_mode(ctx, nd->dvp, mode, &mode);
	if (error != 0)
		return (error);
	error = ops->create(nd->dvp, nd->last, mode, ctx, &nd->vp);
	if (error != 0)
		return (error);
	vnode_set_name(nd->vp, nd->dvp, nd->last);
	vfs_tell_name(nd->dvp, nd->last, LX_IN_CREATE, VREG);
	return (0);
}

/*
 * O_CREAT: find or make the file.  nf: how it is looked up.
 * - EEXIST with O_EXCL only.  EAGAIN: another process made the file after the
 *   lookup; look it up again, because it may have been removed since.
 */
static int
open_create(const struct vfs_ctx *ctx, const struct vplace *start,
    const char *path, int nf, int flags, uint32_t mode, struct vplace *at,
    bool *created)
{
	struct nameidata nd;
	int error;

	nf |= NAMEI_PARENT;
	if ((flags & (O_EXCL | O_NOFOLLOW)) != 0)
		nf |= NAMEI_NOFOLLOW;
	error = path_namei(ctx, start, path, nf, &nd);
	if (error != 0)
		return (error);
	error = open_create_check(&nd, flags);
	if (error != 0)
		goto out;
	if (nd.vp == NULL) {
		error = create_file(ctx, &nd, mode);
		if (error == EEXIST && (flags & O_EXCL) == 0)
			error = EAGAIN;
		if (error != 0)
			goto out;
		*created = true;
		nd.mnt = nd.dmnt;
		nd.dmnt = NULL;
	}
	*at = (struct vplace){nd.mnt, nd.vp};
	nd.vp = NULL;
	nd.mnt = NULL;
out:
	nameidata_rele(&nd);
	return (error);
}

/* O_TMPFILE: make a file without a name in a directory. */
static int
open_tmpfile(const struct vfs_ctx *ctx, const struct vplace *start,
    const char *path, int nf, int flags, uint32_t mode, struct vplace *at)
{
	struct nameidata nd;
	char name[32];
	int error;

	if ((flags & O_CREAT) != 0 || (flags & O_DIRECTORY) == 0 ||
	    (flags & O_ACCMODE) == O_RDONLY)
		return (EINVAL);
	error = path_namei(ctx, start, path, nf | NAMEI_DIRECTORY, &nd);
	if (error != 0)
		return (error);
	error = mnt_access(nd.mnt, nd.vp, 3, ctx);
	if (error == 0 && nd.vp->ops->tmpfile == NULL)
		error = EOPNOTSUPP;
	if (error == 0)
		error = create_mode(ctx, nd.vp, mode, &mode);
	if (error == 0)
		error = nd.vp->ops->tmpfile(
		    nd.vp, mode, (flags & O_EXCL) == 0, ctx, &at->vp);
	if (error == 0) {
		(void)snprintf(name, sizeof(name), "#%llu",
		    (unsigned long long)at->vp->ino);
		vnode_set_name(at->vp, nd.vp, name);
		at->mnt = nd.mnt;
		nd.mnt = NULL;
	}
	nameidata_rele(&nd);
	return (error);
}

/*
 * open(2).  The file has one ref.
 * - No locks held; may wait (fifos) by ctx->wait.
 * - Linux's errors.
 */
int
vfs_open(const struct vfs_ctx *ctx, const struct vplace *start,
    const char *path, int flags, uint32_t mode, struct file **fp)
{
	return (vfs_open_resolve(ctx, start, path, flags, mode, 0, fp));
}

int
vfs_open_resolve(const struct vfs_ctx *ctx, const struct vplace *start,
    const char *path, int flags, uint32_t mode, unsigned resolve,
    struct file **fp)
{
	struct nameidata nd;
	struct vplace at = {0};
	bool created = false;
	int nf = NAMEI_RESOLVE(resolve), error = EAGAIN;

	if ((flags & O_PATH) != 0)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return (EINVAL);
	if ((flags & O_TMPFILE & ~O_DIRECTORY) != 0) {
		error = open_tmpfile(ctx, start, path, nf, flags, mode, &at);
		created = true;
	} else if ((flags & O_CREAT) != 0) {
		for (int i = 0; error == EAGAIN && i < OPEN_RETRIES; i++)
			error = open_create(
			    ctx, start, path, nf, flags, mode, &at, &created);
	} else {
		if ((flags & O_NOFOLLOW) != 0)
			nf |= NAMEI_NOFOLLOW;
		if ((flags & O_DIRECTORY) != 0)
			nf |= NAMEI_DIRECTORY;
		error = path_namei(ctx, start, path, nf, &nd);
		at = (struct vplace){nd.mnt, nd.vp};
	}
	if (error != 0)
		return (error);
	return (open_place(ctx, at, flags, created, fp));
}

/* ---- making ---- */

int
vfs_mkdir(const struct vfs_ctx *ctx, const struct vplace *start,
    const char *path, uint32_t mode)
{
	struct nameidata nd;
	int error;

	error = create_at(ctx, start, path, true, &nd);
	if (error != 0)
		return (error);
	if (nd.dvp->ops->mkdir == NULL)
		error = EPERM;
	else
		error = nd.dvp->ops->mkdir(nd.dvp, nd.last,
		    mode & (LX_S_ISVTX | 0777) & ~ctx->umask, ctx);
	if (error == 0)
		vfs_tell_name(nd.dvp, nd.last, LX_IN_CREATE, VDIR);
	nameidata_rele(&nd);
	return (error);
}

/* Make a node of the type `fmt` where create_at() led to. */
static int
mknod_at(const struct vfs_ctx *ctx, const struct nameidata *nd, uint32_t fmt,
    uint32_t perm, uint64_t rdev)
{
	const struct vops *ops = nd->dvp->ops;
	struct vnode *vp;
	int error;

	if (fmt == 0 || fmt == LX_S_IFREG) {
		if (ops->create == NULL)
			return (EPERM);
		error = ops->create(nd->dvp, nd->last, perm, ctx, &vp);
		if (error == 0)
			vrele(vp);
		return (error);
	}
	if ((fmt == LX_S_IFCHR || fmt == LX_S_IFBLK) &&
	    !vfs_ctx_capable(ctx, LX_CAP_MKNOD))
		return (EPERM);
	if (ops->mknod == NULL)
		return (EPERM);
	return (ops->mknod(nd->dvp, nd->last, fmt | perm, rdev, ctx));
}

int
vfs_mknod(const struct vfs_ctx *ctx, const struct vplace *start,
    const char *path, uint32_t mode, uint64_t rdev)
{
	uint32_t fmt = mode & LX_S_IFMT;
	uint32_t perm;
	struct nameidata nd;
	int error;

	if (fmt == LX_S_IFDIR)
		return (EPERM);
	if (fmt != 0 && fmt != LX_S_IFREG && fmt != LX_S_IFCHR &&
	    fmt != LX_S_IFBLK && fmt != LX_S_IFIFO && fmt != LX_S_IFSOCK)
		return (EINVAL);
	error = create_at(ctx, start, path, false, &nd);
	if (error != 0)
		return (error);
	error = create_mode(ctx, nd.dvp, mode, &perm);
	if (error != 0)
		goto out;
	error = mknod_at(ctx, &nd, fmt, perm, rdev);
	if (error == 0)
		vfs_tell_name(nd.dvp, nd.last, LX_IN_CREATE, VREG);
out:
	nameidata_rele(&nd);
	return (error);
}

int
vfs_symlink(const struct vfs_ctx *ctx, const char *target,
    const struct vplace *start, const char *path)
{
	struct nameidata nd;
	size_t len = strnlen(target, VFS_PATH_MAX);
	int error;

	if (len == 0)
		return (ENOENT);
	if (len == VFS_PATH_MAX)
		return (ENAMETOOLONG);
	error = create_at(ctx, start, path, false, &nd);
	if (error != 0)
		return (error);
	if (nd.dvp->ops->symlink == NULL)
		error = EPERM;
	else
		error = nd.dvp->ops->symlink(nd.dvp, nd.last, target, ctx);
	if (error == 0)
		vfs_tell_name(nd.dvp, nd.last, LX_IN_CREATE, VLNK);
	nameidata_rele(&nd);
	return (error);
}

/* After the file of vp has got a name. */
static void
link_done(const struct vfs_ctx *ctx, struct vnode *vp, struct nameidata *nd)
{
	struct vattr va;

	/* It was made without a name. */
	if (vn_getattr(vp, &va) == 0 && va.nlink == 1)
		vnode_set_name(vp, nd->dvp, nd->last);
	atomic_store(&vp->unlinked, VN_LINKED);
	if (vfs_watched(ctx->vfs))
		inotify_tell_self(vp, LX_IN_ATTRIB);
	vfs_tell_name(nd->dvp, nd->last, LX_IN_CREATE, vp->type);
}

/* A file of no mount, such as a pipe, gets no name: EXDEV. */
int
vfs_link_place(const struct vfs_ctx *ctx, const struct vplace *at,
    const struct vplace *nstart, const char *npath)
{
	struct vnode *vp = at->vp;
	struct nameidata nd;
	int error;

	error = create_at(ctx, nstart, npath, false, &nd);
	if (error != 0)
		return (error);
	if (at->mnt != nd.dmnt || vp->mount != nd.dvp->mount)
		error = EXDEV;
	else if (vp->type == VDIR || nd.dvp->ops->link == NULL)
		error = EPERM;
	else
		error = nd.dvp->ops->link(nd.dvp, nd.last, vp);
	if (error == 0)
		link_done(ctx, vp, &nd);
	nameidata_rele(&nd);
	return (error);
}

/*
 * link(2).  An empty opath means ostart itself (AT_EMPTY_PATH).
 */
int
vfs_link(const struct vfs_ctx *ctx, const struct vplace *ostart,
    const char *opath, const struct vplace *nstart, const char *npath,
    bool follow)
{
	struct nameidata od;
	struct vplace at;
	int nf = follow ? 0 : NAMEI_NOFOLLOW;
	int error;

	if (ostart != NULL)
		nf |= NAMEI_EMPTY;
	error = path_namei(ctx, ostart, opath, nf, &od);
	if (error != 0)
		return (error);
	at = (struct vplace){od.mnt, od.vp};
	error = vfs_link_place(ctx, &at, nstart, npath);
	nameidata_rele(&od);
	return (error);
}

/* ---- removing ---- */

static int
unlink_check(const struct vfs_ctx *ctx, const struct nameidata *nd, bool rmdir)
{
	bool isdir;
	int error;

	if (nd_special(nd)) {
		if (!rmdir)
			return (EISDIR);
		if (nd->last[0] == '/')
			return (EBUSY);
		return (nd->last[1] == '.' ? ENOTEMPTY : EINVAL);
	}
	if (nd_rdonly(nd))
		return (EROFS);
	if (nd->vp == NULL)
		return (ENOENT);
	isdir = nd->vp->type == VDIR;
	if (nd->trailing_slash && !rmdir)
		return (isdir ? EISDIR : ENOTDIR);
	error = may_delete(ctx, nd);
	if (error != 0)
		return (error);
	if (rmdir && !isdir)
		return (ENOTDIR);
	if (!rmdir && isdir)
		return (EISDIR);
	/* Something is mounted on it, in this name space. */
	return (nd->mnt != nd->dmnt ? EBUSY : 0);
}

/* Report the removal: the deletion of the file may come before the event of
 * the name. */
static void
unlink_tell(struct nameidata *nd)
{
	enum vtype type = nd->vp->type;

	inotify_unlinked(nd->vp, nd->dvp, nd->last);
	if (type != VDIR)
		inotify_tell_self(nd->vp, LX_IN_ATTRIB);
	vrele(nd->vp);
	nd->vp = NULL;
	inotify_tell_name(nd->dvp, nd->last, LX_IN_DELETE, type, 0);
}

int
vfs_unlink(const struct vfs_ctx *ctx, const struct vplace *start,
    const char *path, bool rmdir)
{
	struct nameidata nd;
	int (*op)(struct vnode *, const char *);
	int error;

	error =
	    path_namei(ctx, start, path, NAMEI_PARENT | NAMEI_NOFOLLOW, &nd);
	if (error != 0)
		return (error);
	error = unlink_check(ctx, &nd, rmdir);
	if (error != 0)
		goto out;
	op = rmdir ? nd.dvp->ops->rmdir : nd.dvp->ops->unlink;
	error = op != NULL ? op(nd.dvp, nd.last) : EPERM;
	if (error == 0 && vfs_watched(ctx->vfs))
		unlink_tell(&nd);
out:
	nameidata_rele(&nd);
	return (error);
}

/* ---- rename ---- */

/* The checks that come before those of permissions. */
static int
rename_check_names(
    const struct nameidata *od, const struct nameidata *nd, unsigned flags)
{
	if (od->dmnt != nd->dmnt || od->dvp->mount != nd->dvp->mount)
		return (EXDEV);
	if (nd_special(od))
		return (EBUSY);
	if (nd_special(nd))
		return ((flags & RENAME_NOREPLACE) != 0 ? EEXIST : EBUSY);
	if (nd_rdonly(od))
		return (EROFS);
	if (od->vp == NULL || nd_closed(nd))
		return (ENOENT);
	if ((flags & RENAME_NOREPLACE) != 0 && nd->vp != NULL)
		return (EEXIST);
	if ((flags & RENAME_EXCHANGE) != 0 && nd->vp == NULL)
		return (ENOENT);
	if (od->vp->type != VDIR && od->trailing_slash)
		return (ENOTDIR);
	if ((flags & RENAME_EXCHANGE) == 0 && od->vp->type != VDIR &&
	    nd->trailing_slash)
		return (ENOTDIR);
	if ((flags & RENAME_EXCHANGE) != 0 && nd->vp->type != VDIR &&
	    nd->trailing_slash)
		return (ENOTDIR);
	return (0);
}

static int
rename_check(const struct vfs_ctx *ctx, const struct nameidata *od,
    const struct nameidata *nd, unsigned flags)
{
	int error;

	error = rename_check_names(od, nd, flags);
	if (error != 0)
		return (error);
	if (od->vp->type == VDIR && vnode_is_ancestor(od->vp, nd->dvp))
		return (EINVAL);
	if (nd->vp != NULL && nd->vp->type == VDIR &&
	    vnode_is_ancestor(nd->vp, od->dvp))
		return ((flags & RENAME_EXCHANGE) != 0 ? EINVAL : ENOTEMPTY);
	error = may_delete(ctx, od);
	if (error != 0)
		return (error);
	error = nd->vp == NULL ? mnt_access(nd->dmnt, nd->dvp, 3, ctx)
			       : may_delete(ctx, nd);
	if (error != 0)
		return (error);
	if (nd->vp != NULL && (flags & RENAME_EXCHANGE) == 0 &&
	    (od->vp->type == VDIR) != (nd->vp->type == VDIR))
		return (od->vp->type == VDIR ? ENOTDIR : EISDIR);
	if (od->mnt != od->dmnt || (nd->vp != NULL && nd->mnt != nd->dmnt))
		return (EBUSY);
	if (od->dvp->ops->rename == NULL)
		return (EPERM);
	return (0);
}

/* Report that vp has moved to a name, which `over` (or NULL) had before. */
static void
moved_tell(struct vnode *vp, const struct nameidata *from,
    const struct nameidata *to, struct vnode *over)
{
	uint32_t cookie = inotify_cookie(vp->mount->vfs);

	inotify_tell_name(
	    from->dvp, from->last, LX_IN_MOVED_FROM, vp->type, cookie);
	inotify_tell_name(to->dvp, to->last, LX_IN_MOVED_TO, vp->type, cookie);
	if (from->dvp == to->dvp && atomic_load(&to->dvp->watches) != 0)
		dnotify_tell(to->dvp, 0, LX_DN_RENAME);
	if (over != NULL) {
		inotify_unlinked(over, to->dvp, to->last);
		inotify_tell_self(over, LX_IN_ATTRIB);
	}
	inotify_tell_self(vp, LX_IN_MOVE_SELF);
}

static void
rename_tell(
    const struct nameidata *od, const struct nameidata *nd, unsigned flags)
{
	if ((flags & RENAME_EXCHANGE) != 0) {
		moved_tell(od->vp, od, nd, NULL);
		moved_tell(nd->vp, nd, od, NULL);
	} else
		moved_tell(od->vp, od, nd, nd->vp);
}

/*
 * rename(2) with RENAME_NOREPLACE and RENAME_EXCHANGE.
 */
int
vfs_rename(const struct vfs_ctx *ctx, const struct vplace *ostart,
    const char *opath, const struct vplace *nstart, const char *npath,
    unsigned flags)
{
	struct nameidata od, nd;
	int error;

	if ((flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0 ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return (EINVAL);
	error =
	    path_namei(ctx, ostart, opath, NAMEI_PARENT | NAMEI_NOFOLLOW, &od);
	if (error != 0)
		return (error);
	error =
	    path_namei(ctx, nstart, npath, NAMEI_PARENT | NAMEI_NOFOLLOW, &nd);
	if (error != 0)
		goto out_old;
	error = rename_check(ctx, &od, &nd, flags);
	if (error != 0 || od.vp == nd.vp)
		goto out_new;
	error = od.dvp->ops->rename(od.dvp, od.last, nd.dvp, nd.last, flags);
	if (error != 0)
		goto out_new;
	vnode_set_name(od.vp, nd.dvp, nd.last);
	if ((flags & RENAME_EXCHANGE) != 0)
		vnode_set_name(nd.vp, od.dvp, od.last);
	if (vfs_watched(ctx->vfs))
		rename_tell(&od, &nd, flags);
out_new:
	nameidata_rele(&nd);
out_old:
	nameidata_rele(&od);
	return (error);
}
