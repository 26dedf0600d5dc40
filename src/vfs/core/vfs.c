/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The core of a vfs: creation, and the end of all mounts.
 *
 * Guarantees.  vfs_core_destroy() destroys the mounts in reverse order and
 * verifies that no vnode and no file is left.
 */
#include "vfs/core/vfs.h"

#include <errno.h>
#include <stdlib.h>

#include "libk/kassert.h"
#include "mem/kmem.h"
#include "mem/vm_types.h"
#include "mem/vm_zone.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/inotify_event.h"
#include "vfs/core/lock.h"
#include "vfs/core/mount.h"
#include "vfs/core/mount_int.h"

#define VFS_NS_FIRST UINT32_C(4026532500) /* after the names of Linux's own */
#define VFS_DEV_FIRST UINT64_C(0x7f00000) /* st_dev of our own mounts */

/*
 * A new core without mounts.
 * - 0, ENOMEM.
 */
int
vfs_core_create(struct vm_system *sys, struct vfs **vfsp)
{
	struct vfs *vfs;
	int error;

	vfs = calloc(1, sizeof(*vfs));
	if (vfs == NULL)
		return (ENOMEM);
	error = vm_zone_create(sys->zones, "vnode", sizeof(struct vnode),
	    _Alignof(struct vnode), ZF_CHARGE, NULL, NULL, 0, &vfs->z_vnode);
	if (error == 0)
		error = vm_zone_create(sys->zones, "file", sizeof(struct file),
		    _Alignof(struct file), ZF_CHARGE, NULL, NULL, 0,
		    &vfs->z_file);
	if (error == 0)
		error = vm_zone_create(sys->zones, "mount", sizeof(struct mnt),
		    _Alignof(struct mnt), ZF_CHARGE, NULL, NULL, 0,
		    &vfs->z_mnt);
	if (error == 0)
		error = vm_zone_create(sys->zones, "mntns",
		    sizeof(struct mntns), _Alignof(struct mntns), ZF_CHARGE,
		    NULL, NULL, 0, &vfs->z_mntns);
	if (error == 0) {
		vfs->tmpfs_kmem = kmem_acct_create(&sys->kmem);
		error = vfs->tmpfs_kmem == NULL ? ENOMEM : 0;
	}
	if (error != 0) {
		free(vfs);
		return (error);
	}
	vfs->sys = sys;
	vfs->tty_fd = -1;
	atomic_init(&vfs->next_dev, VFS_DEV_FIRST);
	kmutex_init(&vfs->mount_lock, "mounts", KRANK_MOUNT, 0);
	vfs_lock_init(vfs);
	inotify_start(vfs);
	kmutex_init(&vfs->lease_lock, "leases", KRANK_LEAF, 0);
	kmutex_init(&vfs->epoll_lock, "epoll", KRANK_LEAF, 0);
	TAILQ_INIT(&vfs->mounts);
	TAILQ_INIT(&vfs->detached);
	atomic_init(&vfs->next_ns, VFS_NS_FIRST);
	error = mntns_create(vfs, &vfs->ns);
	if (error == 0) {
		*vfsp = vfs;
		return (0);
	}
	inotify_fini(vfs);
	vfs_lock_fini(vfs);
	kmutex_destroy(&vfs->epoll_lock);
	kmutex_destroy(&vfs->mount_lock);
	kmem_acct_free(vfs->tmpfs_kmem);
	free(vfs);
	return (error);
}

/*
 * Destroy the mounts, last one first, and the core.
 * - No process, file, descriptor table or vnode ref is left.
 */
void
vfs_core_destroy(struct vfs *vfs)
{
	struct vmount *mp;

	KVERIFY(vm_zone_live(vfs->z_file) == 0);
	vplace_rele(&vfs->root);
	mntns_free(vfs->ns);
	while ((mp = TAILQ_LAST(&vfs->mounts, vmount_list)) != NULL) {
		TAILQ_REMOVE(&vfs->mounts, mp, link);
		vmount_destroy(mp);
	}
	while ((mp = TAILQ_FIRST(&vfs->detached)) != NULL) {
		TAILQ_REMOVE(&vfs->detached, mp, link);
		vmount_destroy(mp);
	}
	KVERIFY(vm_zone_live(vfs->z_vnode) == 0);
	KVERIFY(vm_zone_live(vfs->z_mnt) == 0 && vfs->nmnts == 0);
	KVERIFY(vm_zone_live(vfs->z_mntns) == 0 && vfs->nmntns == 0);
	vfs_lock_fini(vfs);
	inotify_fini(vfs);
	kmutex_destroy(&vfs->lease_lock);
	kmutex_destroy(&vfs->epoll_lock);
	kmutex_destroy(&vfs->mount_lock);
	kmem_acct_free(vfs->tmpfs_kmem);
	free(vfs);
}
