/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The table of mounts, which makes one name space of several file systems.
 *
 * Concepts.  A maker (hostfs_mount_create() and its like) returns a mount with
 * a root vnode; vfs_mount() puts it over a directory or a file, or makes it
 * the root.  The covered vnode points at the mount and the mount at the
 * covered vnode; lookup goes down through the first, ".." goes up through
 * the second.  Mounts on one place stack: a later one covers the root of the
 * earlier.
 *
 * Locking and lifetime.  The table and covered_by are written under
 * vfs->mount_lock; covered_by is read without it, and that is safe because a
 * mount, once in place, goes away only in vfs_core_destroy(), when no process
 * is left.  A mount refs its root and what it covers, so a covered vnode stays
 * in its hash and lookups of its name find it.
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

/* Where to mount: the vnode to cover, ref'ed. */
static int
mount_point(struct vfs *vfs, struct vmount *mp, const char *path,
    struct vnode **coversp)
{
	struct vfs_ctx ctx = {.vfs = vfs, .cwd = vfs->root, .root = vfs->root};
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

/*
 * Mount mp on path, or as the root of the vfs (path NULL).
 * - mp is consumed, also on failure.  No locks held.
 * - ENOENT, ENOTDIR and what namei gives; EBUSY: there is a root already.
 */
int
vfs_mount(struct vfs *vfs, struct vmount *mp, const char *path)
{
	struct vnode *covers = NULL;
	int error = 0;

	mp->root->flags |= VN_ROOT;
	if (path != NULL)
		error = mount_point(vfs, mp, path, &covers);
	else if (vfs->root != NULL)
		error = EBUSY;
	if (error == 0 && covers != NULL)
		error =
		    vnode_path(covers, NULL, mp->target, sizeof(mp->target));
	else if (error == 0)
		(void)snprintf(mp->target, sizeof(mp->target), "/");
	if (error != 0) {
		vrele(covers);
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
