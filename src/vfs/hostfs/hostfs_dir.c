/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * hostfs: names.
 *
 * Every call names one component relative to the O_PATH descriptor of its
 * directory, so that it acts in that directory even if the directory was
 * renamed or removed.  The host's calls are atomic; only the offset of a
 * directory's descriptor needs a lock.
 *
 * A new file is opened by O_PATH | O_NOFOLLOW before its mode and owner are
 * set, because a call by name would follow a link that another process put in
 * its place.  The umask of this process may have cleared bits that the guest's
 * umask allows, so the mode is set again when it differs.
 *
 * Limits: device nodes cannot be made.
 */
#include "vfs/hostfs/hostfs_int.h"

#include <errno.h>
#include <string.h>

#include "abi/stat.h"
#include "libk/kassert.h"
#include "vfs/core/ctx.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"

#define DIRBUF 16384 /* bytes of entries taken from the host at a time */

/* As the host's getdents64 gives them. */
struct hostfs_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};
#define DIRENT_NAME offsetof(struct hostfs_dirent, name)

int
hostfs_lookup(struct vnode *dvp, const char *name, struct vnode **vpp)
{
	int fd, error;

	if (dvp->type != VDIR)
		return (ENOTDIR);
	KASSERT(strchr(name, '/') == NULL && strcmp(name, "..") != 0);
	if (hostfs_node(dvp)->closed)
		return (ENOENT);
	error = host_openat(
	    hostfs_node(dvp)->fd, name, O_PATH | O_NOFOLLOW, 0, &fd);
	if (error != 0)
		return (error);
	return (hostfs_vget(dvp->mount, dvp, fd, vpp));
}

int
hostfs_readlink(struct vnode *vp, const struct vfs_ctx *ctx, char *buf,
    size_t size, size_t *len)
{
	if (vp->type != VLNK)
		return (EINVAL);
	return (host_readlinkat(hostfs_node(vp)->fd, "", buf, size, len));
}

/* Fill buf with entries from cookie `off` on. */
static int
dir_fill(struct vnode *vp, uint64_t off, char *buf, size_t *len)
{
	uint64_t pos;
	int fd, error;

	error = hostfs_rfd(vp, &fd);
	if (error != 0)
		return (error);
	kmutex_lock(&vp->lock);
	error = host_lseek(fd, (int64_t)off, SEEK_SET, &pos);
	if (error == 0)
		error = host_getdents(fd, buf, DIRBUF, len);
	kmutex_unlock(&vp->lock);
	return (error);
}

/*
 * Entries from off on, without "." and "..".
 * - No locks held while fn runs: it may fault.
 */
int
hostfs_readdir(struct vnode *vp, uint64_t off, vfs_dirent_fn *fn, void *arg)
{
	_Alignas(8) char buf[DIRBUF];
	const struct hostfs_dirent *d;
	size_t len, at, n;
	int error;

	if (vp->type != VDIR)
		return (ENOTDIR);
	if (hostfs_node(vp)->closed)
		return (0);
	for (;;) {
		error = dir_fill(vp, off, buf, &len);
		if (error != 0 || len == 0)
			return (error);
		for (at = 0; at < len; at += d->reclen) {
			d = (const void *)(buf + at);
			KVERIFY(
			    d->reclen > DIRENT_NAME && d->reclen <= len - at);
			n = strnlen(d->name, d->reclen - DIRENT_NAME);
			off = (uint64_t)d->off;
			if (strcmp(d->name, ".") == 0 ||
			    strcmp(d->name, "..") == 0)
				continue;
			if (n > VFS_NAME_MAX)
				continue;
			if (!fn(arg, d->name, n, d->ino, d->type, off))
				return (0);
		}
	}
}

/* ---- making ---- */

/* Give a new file its mode and owner; fd may be O_PATH. */
static int
made_attr(struct vnode *dvp, int fd, uint32_t mode, const struct vfs_ctx *ctx)
{
	const struct hostfs_mount *hm = dvp->mount->data;
	struct host_stat st;
	int error;

	error = host_fstat(fd, &st);
	if (error != 0)
		return (error);
	if (hm->chown && (ctx->uid != hm->uid || ctx->gid != hm->gid)) {
		/* A set-gid directory has chosen the group. */
		error = host_fchown(
		    fd, ctx->uid, st.gid == hm->gid ? ctx->gid : UINT32_MAX);
		/* EPERM: root without CAP_CHOWN.  EINVAL: no such id. */
		if (error != 0 && error != EPERM && error != EINVAL)
			return (error);
	}
	if (vtype_of_mode(st.mode) == VLNK || (st.mode & 0777) == (mode & 0777))
		return (0);
	/* A directory inherits the set-gid bit of its directory. */
	return (host_fchmod(fd,
	    hostfs_mode(vtype_of_mode(st.mode), mode) |
		(vtype_of_mode(st.mode) == VDIR ? st.mode & LX_S_ISGID : 0)));
}

/* The same by name; on failure the new file is removed. */
static int
made_name(struct vnode *dvp, const char *name, uint32_t mode,
    const struct vfs_ctx *ctx)
{
	int dfd = hostfs_node(dvp)->fd, fd, error;
	struct host_stat st;

	error = host_openat(dfd, name, O_PATH | O_NOFOLLOW, 0, &fd);
	if (error != 0)
		return (error == ENOENT ? 0 : error);
	/* Another process may have put another file there: leave that alone. */
	error = host_fstat(fd, &st);
	if (error == 0 && vtype_of_mode(st.mode) == vtype_of_mode(mode)) {
		error = made_attr(dvp, fd, mode, ctx);
		if (error != 0)
			(void)host_unlinkat(dfd, name,
			    vtype_of_mode(mode) == VDIR ? AT_REMOVEDIR : 0);
	}
	(void)host_close(fd);
	return (error);
}

/* Make the vnode of a new file; its descriptor fd becomes rfd and wfd. */
static int
create_vnode(struct vnode *dvp, int fd, struct vnode **vpp)
{
	struct hostfs_node *n;
	struct vnode *vp;
	int pfd, error;

	error = host_reopen(fd, O_PATH, &pfd);
	if (error != 0)
		return (error);
	error = hostfs_vget(dvp->mount, dvp, pfd, &vp);
	if (error != 0)
		return (error);
	n = hostfs_node(vp);
	kmutex_lock(&vp->lock);
	if (atomic_load(&n->rfd) < 0 && atomic_load(&n->wfd) < 0) {
		atomic_store_explicit(&n->rfd, fd, memory_order_release);
		atomic_store_explicit(&n->wfd, fd, memory_order_release);
		fd = -1;
	}
	kmutex_unlock(&vp->lock);
	if (fd >= 0)
		(void)host_close(fd);
	*vpp = vp;
	return (0);
}

int
hostfs_create(struct vnode *dvp, const char *name, uint32_t mode,
    const struct vfs_ctx *ctx, struct vnode **vpp)
{
	int dfd = hostfs_node(dvp)->fd, fd, error;

	error = hostfs_may_change(dvp);
	if (error != 0)
		return (error);
	error = host_openat(dfd, name,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK,
	    hostfs_mode(VREG, mode), &fd);
	if (error != 0)
		return (error);
	error = made_attr(dvp, fd, mode, ctx);
	if (error != 0)
		goto fail;
	error = create_vnode(dvp, fd, vpp);
	if (error != 0)
		goto fail;
	return (0);
fail:
	(void)host_close(fd);
	(void)host_unlinkat(dfd, name, 0);
	return (error);
}

/* On a host without such files, or where the file system has none:
 * EOPNOTSUPP.  The host itself refuses a name later if not `linkable`. */
int
hostfs_tmpfile(struct vnode *dvp, uint32_t mode, bool linkable,
    const struct vfs_ctx *ctx, struct vnode **vpp)
{
	int fd, error;

	error = hostfs_may_change(dvp);
	if (error != 0)
		return (error);
	error = host_openat(hostfs_node(dvp)->fd, ".",
	    O_TMPFILE | O_RDWR | O_NOCTTY | (linkable ? 0 : O_EXCL),
	    hostfs_mode(VREG, mode), &fd);
	if (error != 0)
		return (error);
	error = made_attr(dvp, fd, mode, ctx);
	if (error == 0)
		error = create_vnode(dvp, fd, vpp);
	if (error != 0)
		(void)host_close(fd);
	return (error);
}

int
hostfs_mkdir(struct vnode *dvp, const char *name, uint32_t mode,
    const struct vfs_ctx *ctx)
{
	int error;

	error = hostfs_may_change(dvp);
	if (error != 0)
		return (error);
	error =
	    host_mkdirat(hostfs_node(dvp)->fd, name, hostfs_mode(VDIR, mode));
	if (error == 0)
		error =
		    made_name(dvp, name, LX_S_IFDIR | (mode & VS_PERM), ctx);
	return (error);
}

int
hostfs_mknod(struct vnode *dvp, const char *name, uint32_t mode, uint64_t rdev,
    const struct vfs_ctx *ctx)
{
	enum vtype type = vtype_of_mode(mode);
	int error;

	error = hostfs_may_change(dvp);
	if (error != 0)
		return (error);
	if (type != VFIFO && type != VSOCK)
		return (EPERM);
	mode = vtype_ifmt(type) | hostfs_mode(type, mode);
	error = host_mknodat(hostfs_node(dvp)->fd, name, mode, 0);
	if (error == 0)
		error = made_name(dvp, name, mode, ctx);
	return (error);
}

int
hostfs_symlink(struct vnode *dvp, const char *name, const char *target,
    const struct vfs_ctx *ctx)
{
	int error;

	error = hostfs_may_change(dvp);
	if (error != 0)
		return (error);
	error = host_symlinkat(target, hostfs_node(dvp)->fd, name);
	if (error == 0)
		error = made_name(dvp, name, LX_S_IFLNK | 0777, ctx);
	return (error);
}

int
hostfs_link(struct vnode *dvp, const char *name, struct vnode *vp)
{
	int error;

	error = hostfs_may_change(dvp);
	if (error != 0)
		return (error);
	return (host_linkat(
	    hostfs_node(vp)->fd, "", hostfs_node(dvp)->fd, name, 0));
}

/* ---- removing and renaming ---- */

int
hostfs_unlink(struct vnode *dvp, const char *name)
{
	int error;

	error = hostfs_may_change(dvp);
	if (error != 0)
		return (error);
	return (host_unlinkat(hostfs_node(dvp)->fd, name, 0));
}

int
hostfs_rmdir(struct vnode *dvp, const char *name)
{
	int error;

	error = hostfs_may_change(dvp);
	if (error != 0)
		return (error);
	return (host_unlinkat(hostfs_node(dvp)->fd, name, AT_REMOVEDIR));
}

int
hostfs_rename(struct vnode *odvp, const char *oname, struct vnode *ndvp,
    const char *nname, unsigned flags)
{
	int error;

	error = hostfs_may_change(odvp);
	if (error != 0)
		return (error);
	error = hostfs_may_change(ndvp);
	if (error != 0)
		return (error);
	return (host_renameat(
	    hostfs_node(odvp)->fd, oname, hostfs_node(ndvp)->fd, nname, flags));
}
