/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The tree of /proc for the embedder: list, read and write by path.
 *
 * Concepts.  A program that shows the tree elsewhere (over a socket, or as a
 * file system of the host) needs only these three calls and does not depend on
 * the nodes.  A path is relative to the root of the tree ("1/maps") and names a
 * node of the tree only: links are read, never followed, so that no file
 * outside the tree can be reached.
 *
 * The caller owns the kernel, so that it may see every process.
 *
 * Locking: none of its own.  Each call walks the path anew and holds nothing
 * afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "abi/fcntl.h"
#include "api/vkernel_int.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/mount.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

struct lister {
	vkernel_proc_entry_fn *fn;
	void *arg;
};

static bool
entry(void *arg, const char *name, size_t len, uint64_t ino, uint8_t dtype,
    uint64_t off)
{
	struct lister *l = arg;
	char copy[VFS_NAME_MAX + 1];

	if (len > VFS_NAME_MAX)
		return (true);
	memcpy(copy, name, len);
	copy[len] = '\0';
	return (l->fn(l->arg, copy,
	    dtype == LX_DT_DIR   ? VKERNEL_PROC_DIR
	    : dtype == LX_DT_LNK ? VKERNEL_PROC_LINK
				 : VKERNEL_PROC_FILE));
}

/* A ref of the root of the first mount of /proc; NULL: none. */
static struct vnode *
proc_root(struct vkernel *k)
{
	struct vnode *vp = NULL;
	struct vmount *mp;

	kmutex_lock(&k->vfs->mount_lock);
	TAILQ_FOREACH (mp, &k->vfs->mounts, link)
		if (strcmp(mp->fstype, "proc") == 0) {
			vp = mp->root;
			vref(vp);
			break;
		}
	kmutex_unlock(&k->vfs->mount_lock);
	return (vp);
}

/* The entry `name` of vp. */
static int
walk_one(struct vnode *vp, const char *name, struct vnode **next)
{
	if (strcmp(name, "..") == 0)
		return (ENOENT);
	if (vp->type != VDIR || vp->ops->lookup == NULL)
		return (ENOTDIR);
	return (vp->ops->lookup(vp, name, next));
}

/* The node of a path.  ENOENT, ENOTDIR, ENAMETOOLONG, ESRCH. */
static int
walk(struct vkernel *k, const char *path, struct vnode **out)
{
	struct vnode *vp = proc_root(k), *next;
	char name[VFS_NAME_MAX + 1];
	size_t n;
	int error;

	if (vp == NULL)
		return (ENOENT);
	for (;; path += n) {
		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 0)
			break;
		error = ENAMETOOLONG;
		if (n > VFS_NAME_MAX)
			goto fail;
		memcpy(name, path, n);
		name[n] = '\0';
		if (strcmp(name, ".") == 0)
			continue;
		error = walk_one(vp, name, &next);
		if (error != 0)
			goto fail;
		vrele(vp);
		vp = next;
	}
	*out = vp;
	return (0);
fail:
	vrele(vp);
	return (error);
}

int
vkernel_proc_list(
    struct vkernel *k, const char *path, vkernel_proc_entry_fn *fn, void *arg)
{
	struct lister l = {.fn = fn, .arg = arg};
	struct vnode *vp;
	int error;

	if (k == NULL || path == NULL || fn == NULL)
		return (EINVAL);
	error = walk(k, path, &vp);
	if (error != 0)
		return (error);
	if (vp->type != VDIR || vp->ops->readdir == NULL)
		error = ENOTDIR;
	else
		error = vp->ops->readdir(vp, 0, entry, &l);
	vrele(vp);
	return (error);
}

/* The text of a link, starting at off. */
static int
read_link(struct vnode *vp, uint64_t off, char *buf, size_t len, size_t *done)
{
	char text[VFS_PATH_MAX];
	size_t n = 0;
	int error;

	error = vp->ops->readlink(vp, NULL, text, sizeof(text), &n);
	if (error != 0)
		return (error);
	n = off < n ? n - (size_t)off : 0;
	if (n > len)
		n = len;
	if (n != 0)
		memcpy(buf, text + off, n);
	*done = n;
	return (0);
}

static int
transfer(struct vkernel *k, const char *path, uint64_t off, char *buf,
    size_t len, bool write, size_t *done)
{
	const struct vfs_ctx ctx = {.vfs = k->vfs, .caps = VFS_CAPS_ALL};
	struct host_iovec one;
	struct vnode *vp = NULL;
	struct file *f;
	struct uio uio;
	int error;

	error = walk(k, path, &vp);
	if (error != 0)
		return (error);
	if (vp->type == VLNK && !write && vp->ops->readlink != NULL) {
		error = read_link(vp, off, buf, len, done);
		goto out;
	}
	if (vp->type != VREG) {
		error = vp->type == VDIR ? EISDIR : EACCES;
		goto out;
	}
	error = file_create(k->vfs, &vnode_fileops, vp,
	    write ? O_RDWR : O_RDONLY, -1, NULL, &f);
	if (error != 0)
		goto out;
	error = vp->ops->open == NULL
		    ? 0
		    : vp->ops->open(vp, write ? O_RDWR : O_RDONLY, f, &ctx);
	if (error == 0) {
		uio_init1(&uio, &one, buf, len, off, write);
		error = write ? file_write(f, &uio, &ctx.waiter, true)
			      : file_read(f, &uio, &ctx.waiter, true);
		if (error == 0)
			*done = len - uio.resid;
	}
	file_free(f); /* and the ref of vp */
	return (error);
out:
	vrele(vp);
	return (error);
}

int
vkernel_proc_read(struct vkernel *k, const char *path, uint64_t off, void *buf,
    size_t len, size_t *done)
{
	if (k == NULL || path == NULL || done == NULL ||
	    (buf == NULL && len != 0))
		return (EINVAL);
	return (transfer(k, path, off, buf, len, false, done));
}

int
vkernel_proc_write(struct vkernel *k, const char *path, uint64_t off,
    const void *buf, size_t len, size_t *done)
{
	if (k == NULL || path == NULL || done == NULL ||
	    (buf == NULL && len != 0))
		return (EINVAL);
	return (
	    transfer(k, path, off, (char *)(uintptr_t)buf, len, true, done));
}
