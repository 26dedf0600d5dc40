/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The table of mounts, which makes one name space of several file systems.
 *
 * Concepts.  hostfs_mount_create() and similar functions return a mount with
 * a root vnode; vfs_mount() puts it over a directory or a file, or makes it
 * the root.  The covered vnode points at the mount, and lookup follows that
 * pointer down; the mount points at the covered vnode, and ".." follows that
 * pointer up.  Mounts on one place stack: a later mount covers the root of the
 * earlier mount.
 *
 * Locking and lifetime.  The table and covered_by are written under
 * vfs->mount_lock.  covered_by is read without the lock.  That is safe because
 * a mount in place is destroyed only by vfs_core_destroy(), when no process is
 * left.  A mount refs its root and the covered vnode, so the covered vnode
 * stays in its hash and lookups of its name find it.
 *
 * Limits.  No unmount before the end, no remount, no propagation.
 */
#include "vfs/core/mount.h"

#include <errno.h>
#include <stdio.h>

#include "vfs/core/ctx.h"
#include "vfs/core/fs.h"
#include "vfs/core/lookup.h"
#include "vfs/core/vfs.h"

/* Find the vnode to cover, ref'ed. */
static int
mount_point(struct vfs *vfs, struct vmount *mp, const char *path,
    struct vnode **coversp)
{
	struct vfs_ctx ctx = {.vfs = vfs,
	    .caps = VFS_CAPS_ALL,
	    .cwd = vfs->root,
	    .root = vfs->root};
	struct nameidata nd;
	int error;

	if (vfs->root == NULL)
		return (ENOENT);
	error = namei(&ctx, NULL, path, 0, &nd);
	if (error != 0)
		return (error);
	if ((nd.vp->type == VDIR) != (mp->root->type == VDIR)) {
		vrele(nd.vp);
		return (ENOTDIR);
	}
	*coversp = nd.vp;
	return (0);
}

/* Find the vnode to cover (NULL: mp is to be the root), and write mp->target.
 */
static int
mount_place(struct vfs *vfs, struct vmount *mp, const char *path,
    struct vnode **coversp)
{
	struct vnode *covers;
	int error;

	if (path == NULL) {
		if (vfs->root != NULL)
			return (EBUSY);
		(void)snprintf(mp->target, sizeof(mp->target), "/");
		*coversp = NULL;
		return (0);
	}
	error = mount_point(vfs, mp, path, &covers);
	if (error != 0)
		return (error);
	error = vnode_path(covers, NULL, mp->target, sizeof(mp->target));
	if (error != 0) {
		vrele(covers);
		return (error);
	}
	*coversp = covers;
	return (0);
}

/*
 * Mount mp on path, or as the root of the vfs (path NULL).
 * - mp is consumed, also on failure.  No locks held.
 * - ENOENT, ENOTDIR and errors of namei(); EBUSY: there is a root already.
 */
int
vfs_mount(struct vfs *vfs, struct vmount *mp, const char *path)
{
	struct vnode *covers;
	int error;

	mp->root->flags |= VN_ROOT;
	error = mount_place(vfs, mp, path, &covers);
	if (error != 0) {
		vmount_destroy(mp);
		return (error);
	}
	kmutex_lock(&vfs->mount_lock);
	if (covers != NULL) {
		/* Another mount may have come on the same place. */
		while (vnode_mounted_here(covers) != NULL) {
			struct vnode *top = vnode_mounted_here(covers)->root;

			vref(top);
			vrele(covers);
			covers = top;
		}
		mp->covers = covers;
		__atomic_store_n(&covers->covered_by, mp, __ATOMIC_RELEASE);
	} else {
		vref(mp->root);
		vfs->root = mp->root;
	}
	TAILQ_INSERT_TAIL(&vfs->mounts, mp, link);
	kmutex_unlock(&vfs->mount_lock);
	return (0);
}
