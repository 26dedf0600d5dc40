/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Mounts: the table that makes one name space of several file systems.
 *
 * Concepts.  A maker (hostfs_mount_create() and its like) gives a mount with
 * a root vnode; vfs_mount() hangs it over a directory or a file, or makes it
 * the root.  The covered vnode points at the mount and the mount at the
 * covered vnode; lookup goes down through the first, ".." goes up through
 * the second.  Mounting twice on one place stacks: the later one covers the
 * root of the earlier.
 *
 * Locking and lifetime.  The table and covered_by are written under
 * vfs->mount_lock; covered_by is read without it, and that is safe because a
 * mount, once in place, goes away only in vfs_destroy(), when no process is
 * left.  A mount refs its root and what it covers, so a covered vnode stays
 * in its hash and lookups of its name find it.
 *
 * Guarantees.  vfs_destroy() takes the mounts down in reverse order and
 * verifies that not one vnode and not one file is left.
 *
 * Limits.  No unmount before the end, no remount, no propagation.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"
#include "mem/vm_types.h"
#include "mem/vm_zone.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/inotify_event.h"
#include "vfs/core/lock.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/socket/socket.h"
#include "vfs/vfs_create.h"

#define VFS_DEV_FIRST UINT64_C(0x7f00000) /* st_dev of our own mounts */

/*
 * A new vfs without mounts.
 * - 0, ENOMEM.
 */
int
vfs_create(struct vm_system *sys, struct vfs **vfsp)
{
	struct vfs *vfs;
	int error;

	vfs = calloc(1, sizeof(*vfs));
	if (vfs == NULL)
		return (ENOMEM);
	error = vm_zone_create(sys->zones, "vnode", sizeof(struct vnode),
	    _Alignof(struct vnode), 0, NULL, NULL, 0, &vfs->z_vnode);
	if (error == 0)
		error = vm_zone_create(sys->zones, "file", sizeof(struct file),
		    _Alignof(struct file), 0, NULL, NULL, 0, &vfs->z_file);
	if (error == 0)
		error = vm_zone_create(sys->zones, "socket",
		    sizeof(struct socket), _Alignof(struct socket), 0, NULL,
		    NULL, 0, &vfs->z_socket);
	if (error != 0) {
		free(vfs);
		return (error);
	}
	vfs->sys = sys;
	vfs->tty_fd = -1;
	atomic_init(&vfs->next_dev, VFS_DEV_FIRST);
	kmutex_init(&vfs->mount_lock, "mounts", KRANK_MOUNT, 0);
	vfs_lock_init(vfs);
	vfs_sock_init(vfs);
	inotify_init(vfs);
	TAILQ_INIT(&vfs->mounts);
	*vfsp = vfs;
	return (0);
}

/*
 * Take everything down.
 * - No process, file, descriptor table or vnode ref of anybody is left.
 */
void
vfs_destroy(struct vfs *vfs)
{
	struct vmount *mp;
	struct vnode *covers;

	vfs_sock_drain(vfs);
	KVERIFY(vm_zone_live(vfs->z_file) == 0);
	vrele(vfs->root);
	vfs->root = NULL;
	while ((mp = TAILQ_LAST(&vfs->mounts, vmount_list)) != NULL) {
		kmutex_lock(&vfs->mount_lock);
		TAILQ_REMOVE(&vfs->mounts, mp, link);
		covers = mp->covers;
		if (covers != NULL)
			__atomic_store_n(
			    &covers->covered_by, NULL, __ATOMIC_RELEASE);
		kmutex_unlock(&vfs->mount_lock);
		vmount_destroy(mp);
		vrele(covers);
	}
	KVERIFY(vm_zone_live(vfs->z_vnode) == 0);
	vfs_lock_fini(vfs);
	vfs_sock_fini(vfs);
	inotify_fini(vfs);
	kmutex_destroy(&vfs->mount_lock);
	free(vfs);
}

int
vmount_create(struct vfs *vfs, const char *fstype, const char *source,
    unsigned flags, void (*destroy)(struct vmount *), struct vmount **mpp)
{
	struct vmount *mp;

	mp = calloc(1, sizeof(*mp));
	if (mp == NULL)
		return (ENOMEM);
	mp->vfs = vfs;
	mp->fstype = fstype;
	(void)snprintf(mp->source, sizeof(mp->source), "%s", source);
	mp->flags = flags;
	mp->destroy = destroy;
	mp->dev =
	    atomic_fetch_add_explicit(&vfs->next_dev, 1, memory_order_relaxed);
	kmutex_init(&mp->hash_lock, "vnode hash", KRANK_VNHASH, 0);
	for (unsigned i = 0; i < sizeof(mp->hash) / sizeof(mp->hash[0]); i++)
		LIST_INIT(&mp->hash[i]);
	TAILQ_INIT(&mp->inactive);
	*mpp = mp;
	return (0);
}

void
vmount_destroy(struct vmount *mp)
{
	vnode_flush_inactive(mp);
	vrele(mp->root);
	vnode_flush_inactive(mp);
	for (unsigned i = 0; i < sizeof(mp->hash) / sizeof(mp->hash[0]); i++)
		KVERIFY(LIST_EMPTY(&mp->hash[i]));
	if (mp->destroy != NULL)
		mp->destroy(mp);
	kmutex_destroy(&mp->hash_lock);
	free(mp);
}

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
