/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Mounts: one file system each, in the table of a vfs.  vfs_create.h has the
 * call that mounts; fs.h has what a file system needs to make a mount.
 */
#ifndef VFS_CORE_MOUNT_H
#define VFS_CORE_MOUNT_H

#include <bsd/sys/queue.h>
#include <stdint.h>

#include "libk/klock.h"
#include "vfs/core/vnode.h"

struct vfs;

#define VMNT_RDONLY 0x1

/* Numbers of mounts: what the root is mounted on, the mount of files that have
 * no name, and the first one that a vfs gives out. */
#define VFS_MNT_ROOT 1u
#define VFS_MNT_NONE 2u
#define VFS_MNT_FIRST 20u

struct vmount {
	TAILQ_ENTRY(vmount) link;
	struct vfs *vfs;      /* [I] */
	struct vnode *root;   /* [I] ref'ed; NULL: its files have no names */
	struct vnode *covers; /* [I] ref'ed; NULL: root mount */
	const char *fstype;   /* [I] "hostfs", "tmpfs", "proc", "devtmpfs" */
	char source[VFS_PATH_MAX]; /* [I] for /proc/mounts */
	char target[VFS_PATH_MAX]; /* [I] for /proc/mounts */
	unsigned flags;            /* [I] VMNT_* */
	uint64_t dev;              /* [I] st_dev of vnodes without a host's */
	unsigned id;               /* [I] for mountinfo; see VFS_MNT_ROOT */
	void *data;                /* [I] */
	void (*destroy)(struct vmount *); /* free data; no vnode is left */
	/* Vnodes by (dev, ino): hostfs keeps one vnode per host file */
	struct kmutex hash_lock; /* rank VNHASH */
	LIST_HEAD(, vnode) hash[256];
	TAILQ_HEAD(, vnode) inactive; /* refs 0, kept for their pages */
	unsigned ninactive;
};

struct vfs_statfs {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen;
};

/*
 * Mount `mp`, which a maker of a file system has made, on path (NULL: as the
 * root).  mp is consumed, also on failure.  ENOENT, ENOTDIR, EBUSY.
 */
int vfs_mount(struct vfs *, struct vmount *mp, const char *path);

#endif /* VFS_CORE_MOUNT_H */
