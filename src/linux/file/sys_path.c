/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls that change names and directories: creating, removing, linking,
 * renaming, and the working directory.  (Attributes are in sys_stat.c, opening
 * in sys_file.c.)
 *
 * Each call decodes (dirfd, path), builds the context of the caller and calls
 * vfs, which checks permissions, mounts and confinement.
 */
#include "linux/lib/sys_int.h"

#include "abi/capability.h"
#include "abi/capability.h"
#include "abi/fcntl.h"
#include "abi/stat.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"

sys_fn sys_mkdir, sys_mkdirat, sys_mknod, sys_mknodat, sys_rmdir, sys_unlink,
    sys_unlinkat, sys_rename, sys_renameat, sys_renameat2, sys_link, sys_linkat,
    sys_symlink, sys_symlinkat, sys_readlink, sys_readlinkat, sys_chdir,
    sys_fchdir, sys_getcwd, sys_umask, sys_chroot;

/* ---- helpers ---- */

int
sys_path_get(struct lwp *l, int dirfd, uint64_t upath, struct sys_path *sp)
{
	int error;

	sp->start = NULL;
	sp->dir = (struct vplace){0};
	sp->path = malloc(VFS_PATH_MAX);
	if (sp->path == NULL)
		return (ENOMEM);
	error = sys_copyin_path(l, upath, sp->path);
	/* Before dirfd, which need not be a directory. */
	if (error == 0 && sp->path[0] == '\0')
		error = ENOENT;
	/* With an absolute path dirfd is ignored, even if it is not valid. */
	if (error == 0 && sp->path[0] != '/')
		error = sys_path_start(l, dirfd, sp);
	if (error != 0) {
		free(sp->path);
		return (error);
	}
	sp->ctx = lwp_vfs_ctx(l);
	return (0);
}

int
sys_path_start(struct lwp *l, int dirfd, struct sys_path *sp)
{
	int error = sys_get_dir(l, dirfd, &sp->dir);

	if (error == 0)
		sp->start = sp->dir.vp != NULL ? &sp->dir : NULL;
	return (error);
}

void
sys_path_done(struct sys_path *sp)
{
	lwp_vfs_ctx_done(&sp->ctx);
	vplace_rele(&sp->dir);
	free(sp->path);
}

/* AT_EMPTY_PATH with an empty path: the file of the descriptor itself. */
static int
path_place_self(struct lwp *l, int dirfd, struct vplace *at, struct file **fp)
{
	struct vfs_ctx ctx;
	struct file *f;
	int error;

	if (dirfd == LX_AT_FDCWD) {
		ctx = lwp_vfs_ctx(l);
		*at = ctx.cwd;
		vplace_ref(at);
		lwp_vfs_ctx_done(&ctx);
		return (0);
	}
	error = sys_get_file(l, dirfd, &f);
	if (error != 0)
		return (error);
	if (f->vp == NULL) {
		if (fp == NULL) {
			file_free(f);
			return (EBADF);
		}
		*at = (struct vplace){0};
		*fp = f;
		return (0);
	}
	*at = (struct vplace){f->mnt, f->vp};
	vplace_ref(at);
	file_free(f);
	return (0);
}

void
sys_ctx_real(const struct lwp *l, struct vfs_ctx *ctx)
{
	ctx->uid = l->cred->uid;
	ctx->gid = l->cred->gid;
	ctx->caps = cred_real_caps(l->cred);
}

static int
path_place(struct lwp *l, int dirfd, uint64_t upath, int atflags, bool real,
    struct vplace *at, struct file **f)
{
	struct nameidata nd;
	struct sys_path sp;
	char first = 1;
	int error;

	if ((atflags & LX_AT_EMPTY_PATH) != 0) {
		/* Since Linux 6.11 a NULL pointer means "". */
		if (upath == 0)
			first = '\0';
		else if (copyin(lwp_vmspace(l), &first, upath, 1) != 0)
			return (EFAULT);
		if (first == '\0')
			return (path_place_self(l, dirfd, at, f));
	}
	error = sys_path_get(l, dirfd, upath, &sp);
	if (error != 0)
		return (error);
	if (real)
		sys_ctx_real(l, &sp.ctx);
	error = namei(&sp.ctx, sp.start, sp.path,
	    NAMEI_MNT |
		((atflags & LX_AT_SYMLINK_NOFOLLOW) ? NAMEI_NOFOLLOW : 0),
	    &nd);
	sys_path_done(&sp);
	if (error == 0)
		*at = (struct vplace){nd.mnt, nd.vp};
	return (error);
}

int
sys_path_place(struct lwp *l, int dirfd, uint64_t upath, int atflags,
    struct vplace *at, struct file **f)
{
	return (path_place(l, dirfd, upath, atflags, false, at, f));
}

int
sys_path_place_real(struct lwp *l, int dirfd, uint64_t upath, int atflags,
    struct vplace *at, struct file **f)
{
	return (path_place(l, dirfd, upath, atflags, true, at, f));
}

int
sys_path_vnode(struct lwp *l, int dirfd, uint64_t upath, int atflags,
    struct vnode **vpp, struct file **f)
{
	struct vplace at;
	int error = sys_path_place(l, dirfd, upath, atflags, &at, f);

	if (error == 0) {
		*vpp = at.vp;
		mnt_rele(at.mnt);
	}
	return (error);
}

/* ---- creating ---- */

static int
mkdir_at(struct lwp *l, int dirfd, uint64_t upath, uint64_t mode)
{
	struct sys_path sp;
	int error;

	error = sys_path_get(l, dirfd, upath, &sp);
	if (error != 0)
		return (error);
	error = vfs_mkdir(&sp.ctx, sp.start, sp.path, (uint32_t)mode & 01777);
	sys_path_done(&sp);
	return (error);
}

int
sys_mkdir(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (mkdir_at(l, LX_AT_FDCWD, a[0], a[1]));
}

int
sys_mkdirat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (mkdir_at(l, (int)a[0], a[1], a[2]));
}

static int
mknod_at(
    struct lwp *l, int dirfd, uint64_t upath, uint64_t mode64, uint64_t dev)
{
	uint32_t mode = (uint32_t)mode64;
	struct sys_path sp;
	int error;

	switch (mode & LX_S_IFMT) {
	case 0:
		mode |= LX_S_IFREG;
		break;
	case LX_S_IFREG:
	case LX_S_IFIFO:
	case LX_S_IFSOCK:
		break;
	case LX_S_IFCHR:
	case LX_S_IFBLK: /* guests cannot create devices */
	case LX_S_IFDIR:
		return (EPERM);
	default:
		return (EINVAL);
	}
	error = sys_path_get(l, dirfd, upath, &sp);
	if (error != 0)
		return (error);
	error = vfs_mknod(&sp.ctx, sp.start, sp.path, mode, dev);
	sys_path_done(&sp);
	return (error);
}

int
sys_mknod(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (mknod_at(l, LX_AT_FDCWD, a[0], a[1], a[2]));
}

int
sys_mknodat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (mknod_at(l, (int)a[0], a[1], a[2], a[3]));
}

/* ---- removing ---- */

static int
unlink_at(struct lwp *l, int dirfd, uint64_t upath, bool rmdir)
{
	struct sys_path sp;
	int error;

	error = sys_path_get(l, dirfd, upath, &sp);
	if (error != 0)
		return (error);
	error = vfs_unlink(&sp.ctx, sp.start, sp.path, rmdir);
	sys_path_done(&sp);
	return (error);
}

int
sys_unlink(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (unlink_at(l, LX_AT_FDCWD, a[0], false));
}

int
sys_rmdir(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (unlink_at(l, LX_AT_FDCWD, a[0], true));
}

int
sys_unlinkat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	if ((a[2] & UINT32_MAX & ~(uint64_t)LX_AT_REMOVEDIR) != 0)
		return (EINVAL);
	return (unlink_at(l, (int)a[0], a[1], (a[2] & LX_AT_REMOVEDIR) != 0));
}

/* ---- calls with two names ---- */

typedef int two_paths_fn(
    const struct sys_path *from, const struct sys_path *to, unsigned flags);

/* Copy both paths in and call fn. */
static int
with_two_paths(struct lwp *l, int odirfd, uint64_t opath, int ndirfd,
    uint64_t npath, two_paths_fn *fn, unsigned flags)
{
	struct sys_path from, to;
	int error;

	error = sys_path_get(l, odirfd, opath, &from);
	if (error != 0)
		return (error);
	error = sys_path_get(l, ndirfd, npath, &to);
	if (error != 0)
		goto out;
	error = fn(&from, &to, flags);
	sys_path_done(&to);
out:
	sys_path_done(&from);
	return (error);
}

static int
rename_paths(
    const struct sys_path *from, const struct sys_path *to, unsigned flags)
{
	return (vfs_rename(
	    &from->ctx, from->start, from->path, to->start, to->path, flags));
}

static int
rename_at(struct lwp *l, int odirfd, uint64_t opath, int ndirfd, uint64_t npath,
    unsigned flags)
{
	/* NOREPLACE 1, EXCHANGE 2, WHITEOUT 4 */
	if (flags > 3 || flags == 3)
		return (EINVAL);
	return (with_two_paths(
	    l, odirfd, opath, ndirfd, npath, rename_paths, flags));
}

int
sys_rename(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (rename_at(l, LX_AT_FDCWD, a[0], LX_AT_FDCWD, a[1], 0));
}

int
sys_renameat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (rename_at(l, (int)a[0], a[1], (int)a[2], a[3], 0));
}

int
sys_renameat2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (rename_at(l, (int)a[0], a[1], (int)a[2], a[3], (unsigned)a[4]));
}

static int
link_paths(
    const struct sys_path *from, const struct sys_path *to, unsigned flags)
{
	return (vfs_link(&from->ctx, from->start, from->path, to->start,
	    to->path, (flags & LX_AT_SYMLINK_FOLLOW) != 0));
}

/*
 * AT_EMPTY_PATH with an empty path: give the file of a descriptor a name.
 * - ENOENT: another process or user has opened it, which may have passed it on
 *   without the directory that it is in; CAP_DAC_READ_SEARCH permits that.
 */
static int
link_self(struct lwp *l, int fd, int ndirfd, uint64_t npath)
{
	struct file *f = NULL;
	struct sys_path sp;
	struct vplace at;
	int error = 0;

	if (fd != LX_AT_FDCWD)
		error = sys_get_file(l, fd, &f);
	if (error != 0)
		return (error);
	error = sys_path_get(l, ndirfd, npath, &sp);
	if (error == 0) {
		at = f != NULL ? (struct vplace){f->mnt, f->vp} : sp.ctx.cwd;
		if (f != NULL && f->opened && f->cred != sp.ctx.cred &&
		    !vfs_ctx_capable(&sp.ctx, LX_CAP_DAC_READ_SEARCH))
			error = ENOENT;
		else
			error = vfs_link_place(&sp.ctx, &at, sp.start, sp.path);
		sys_path_done(&sp);
	}
	if (f != NULL)
		file_free(f);
	return (error);
}

static int
link_at(struct lwp *l, int odirfd, uint64_t opath, int ndirfd, uint64_t npath,
    unsigned flags)
{
	char first = 1;

	if (flags & ~(unsigned)(LX_AT_SYMLINK_FOLLOW | LX_AT_EMPTY_PATH))
		return (EINVAL);
	if ((flags & LX_AT_EMPTY_PATH) != 0 &&
	    copyin(lwp_vmspace(l), &first, opath, 1) != 0)
		return (EFAULT);
	if (first == '\0')
		return (link_self(l, odirfd, ndirfd, npath));
	return (
	    with_two_paths(l, odirfd, opath, ndirfd, npath, link_paths, flags));
}

int
sys_link(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (link_at(l, LX_AT_FDCWD, a[0], LX_AT_FDCWD, a[1], 0));
}

int
sys_linkat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (link_at(l, (int)a[0], a[1], (int)a[2], a[3], (unsigned)a[4]));
}

static int
symlink_at(struct lwp *l, uint64_t utarget, int dirfd, uint64_t upath)
{
	struct sys_path sp;
	char *target;
	int error;

	target = malloc(VFS_PATH_MAX);
	if (target == NULL)
		return (ENOMEM);
	error = sys_copyin_path(l, utarget, target);
	if (error != 0)
		goto out;
	if (target[0] == '\0') {
		error = ENOENT;
		goto out;
	}
	error = sys_path_get(l, dirfd, upath, &sp);
	if (error != 0)
		goto out;
	error = vfs_symlink(&sp.ctx, target, sp.start, sp.path);
	sys_path_done(&sp);
out:
	free(target);
	return (error);
}

int
sys_symlink(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (symlink_at(l, a[0], LX_AT_FDCWD, a[1]));
}

int
sys_symlinkat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (symlink_at(l, a[0], (int)a[1], a[2]));
}

static int
readlink_at(struct lwp *l, int dirfd, uint64_t upath, uint64_t ubuf,
    uint64_t usize, int64_t *ret)
{
	struct vfs_ctx ctx;
	struct vnode *vp;
	size_t len = 0;
	char *buf, first;
	int error;

	if ((int)usize <= 0)
		return (EINVAL);
	/* "" means a link that was opened with O_PATH | O_NOFOLLOW. */
	error = sys_path_vnode(l, dirfd, upath,
	    LX_AT_SYMLINK_NOFOLLOW |
		(dirfd != LX_AT_FDCWD ? LX_AT_EMPTY_PATH : 0),
	    &vp, NULL);
	if (error != 0)
		return (error);
	buf = malloc(VFS_PATH_MAX);
	if (buf == NULL) {
		error = ENOMEM;
		goto out;
	}
	if (vp->type != VLNK || vp->ops->readlink == NULL) {
		/* A descriptor that is no link is as good as no name. */
		error = copyin(lwp_vmspace(l), &first, upath, 1);
		if (error == 0)
			error = first != '\0' ? EINVAL : ENOENT;
		goto out;
	}
	ctx = lwp_vfs_ctx(l);
	error = vp->ops->readlink(vp, &ctx, buf, VFS_PATH_MAX, &len);
	lwp_vfs_ctx_done(&ctx);
	if (error != 0)
		goto out;
	if (len > (size_t)(int)usize)
		len = (size_t)(int)usize;
	error = copyout(lwp_vmspace(l), buf, ubuf, len);
	if (error == 0)
		*ret = (int64_t)len;
out:
	free(buf);
	vrele(vp);
	return (error);
}

int
sys_readlink(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (readlink_at(l, LX_AT_FDCWD, a[0], a[1], a[2], ret));
}

int
sys_readlinkat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (readlink_at(l, (int)a[0], a[1], a[2], a[3], ret));
}

/* ---- working and root directory ---- */

/* The new working directory, or root, of the process.  Consumes the refs: the
 * process takes them over, or they are dropped. */
static int
chdir_to(struct lwp *l, struct vplace at, bool root)
{
	struct vfs_ctx ctx = lwp_vfs_ctx(l);
	struct proc_fs *fs = l->p->fs;
	int error;

	error = at.vp->type != VDIR ? ENOTDIR : vn_access(at.vp, 1, &ctx);
	if (error == 0 && root && !lwp_capable_here(l, LX_CAP_SYS_CHROOT))
		error = EPERM;
	lwp_vfs_ctx_done(&ctx);
	if (error == 0) {
		struct vplace old, *to = root ? &fs->root : &fs->cwd;

		kmutex_lock(&fs->lock);
		old = *to;
		*to = at;
		kmutex_unlock(&fs->lock);
		at = old;
	}
	vplace_rele(&at);
	return (error);
}

int
sys_chdir(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vplace at;
	int error;

	error = sys_path_place(l, LX_AT_FDCWD, a[0], 0, &at, NULL);
	return (error != 0 ? error : chdir_to(l, at, false));
}

int
sys_chroot(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vplace at;
	int error;

	error = sys_path_place(l, LX_AT_FDCWD, a[0], 0, &at, NULL);
	return (error != 0 ? error : chdir_to(l, at, true));
}

int
sys_fchdir(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vplace at;
	struct file *f;
	int error;

	error = sys_get_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	at = (struct vplace){f->mnt, f->vp};
	vplace_ref(&at);
	file_free(f);
	if (at.vp == NULL)
		return (ENOTDIR);
	return (chdir_to(l, at, false));
}

#define UNREACHABLE (sizeof("(unreachable)") - 1)

int
sys_getcwd(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vfs_ctx ctx;
	struct vattr va;
	bool outside = false;
	char *buf;
	size_t len;
	int error;

	buf = calloc(1, UNREACHABLE + VFS_PATH_MAX);
	if (buf == NULL)
		return (ENOMEM);
	ctx = lwp_vfs_ctx(l);
	error = vn_getattr(ctx.cwd.vp, &va);
	/* Removed, or of a process that has ended. */
	if (error == ESRCH || (error == 0 && va.nlink == 0)) {
		va.nlink = 0;
		error = ENOENT;
	}
	if (error == 0)
		error = vplace_path(
		    &ctx.cwd, &ctx.root, buf + UNREACHABLE, VFS_PATH_MAX);
	/* Outside of the root, as Linux says it. */
	if (error == ENOENT && va.nlink != 0) {
		error = vplace_path(
		    &ctx.cwd, NULL, buf + UNREACHABLE, VFS_PATH_MAX);
		memcpy(buf, "(unreachable)", UNREACHABLE);
		outside = error == 0;
	}
	if (!outside)
		memmove(buf, buf + UNREACHABLE, VFS_PATH_MAX);
	lwp_vfs_ctx_done(&ctx);
	if (error != 0)
		goto out;
	len = strlen(buf) + 1;
	if (len > a[1]) {
		error = ERANGE;
		goto out;
	}
	error = copyout(lwp_vmspace(l), buf, a[0], len);
	if (error == 0)
		*ret = (int64_t)len;
out:
	free(buf);
	return (error);
}

int
sys_umask(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct proc_fs *fs = l->p->fs;

	kmutex_lock(&fs->lock);
	*ret = fs->umask;
	fs->umask = (uint32_t)a[0] & 0777;
	kmutex_unlock(&fs->lock);
	return (0);
}
