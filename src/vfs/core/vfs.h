/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * One instance of the file system layer: what all its parts share.  The core
 * makes and unmakes its own part; vfs_create() makes the whole.
 */
#ifndef VFS_CORE_VFS_H
#define VFS_CORE_VFS_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libk/klock.h"
#include "vfs/core/place.h"

struct kmem_acct;
struct mnt;
struct mntns;
struct sock_table;
struct vattr;
struct vm_system;
struct vm_zone;
struct vmount;
struct vnode;

#define VFS_LOCK_BUCKETS 64
#define VFS_WATCH_BUCKETS 256
#define VFS_MNT_BUCKETS 256
struct vfs_lock;
struct vfs_lock_wait;

struct vfs {
	struct vm_system *sys;    /* [I] */
	struct kmutex mount_lock; /* rank MOUNT */
	/* Instances that stay until the end: of vfs_mount(), each with a use.
	 */
	TAILQ_HEAD(vmount_list, vmount) mounts; /* mount_lock */
	struct vmount_list detached; /* mount_lock; without a place in it */
	struct vmount *memfds; /* mount_lock; one of `detached`, or NULL */
	struct mntns *ns;      /* [I] own ref: the first name space */
	struct vplace root;    /* [I] ref'ed: the root in it, uncovered */
	LIST_HEAD(mnt_bucket, mnt) mnt_hash[VFS_MNT_BUCKETS]; /* mount_lock */
	unsigned nmnts, nmntns;                               /* mount_lock */
	struct vm_zone *z_vnode, *z_file, *z_mnt, *z_mntns;
	struct kmem_acct *tmpfs_kmem; /* [I] names and attributes of tmpfs */
	_Atomic(uint64_t) next_dev;
	_Atomic(unsigned) next_mount; /* for mnt.id */
	_Atomic(uint32_t) next_ns;    /* for the numbers of name spaces */
	const struct procfs_ops *procfs_ops; /* registered by kern */
	void *procfs_arg;
	int tty_fd; /* host descriptor of the kernel's terminal, -1 none */
	const struct vfs_tty_ops *tty_ops; /* registered by kern, or NULL */
	void *tty_arg;
	const struct vfs_owner_ops *owner_ops; /* registered by kern, or NULL */
	void *owner_arg;
	/*
	 * Registered by devfs, NULL without one.  True: rdev is the kernel's
	 * terminal on the host, and *va has the attributes of /dev/pts/0.
	 * Blocks; no locks held.
	 */
	bool (*tty_getattr)(struct vfs *, uint64_t rdev, struct vattr *va);
	/* Advisory locks, see lock.c. */
	struct kmutex lock_lock; /* rank FILE */
	LIST_HEAD(vfs_lock_procs,
	    vfs_lock_proc) lock_procs[VFS_LOCK_BUCKETS]; /* lock_lock */
	LIST_HEAD(vfs_lock_waits,
	    vfs_lock_wait) lock_waits[VFS_LOCK_BUCKETS]; /* lock_lock */
	LIST_HEAD(, vfs_lock_file) lock_files;           /* lock_lock */
	unsigned nlocks;                                 /* lock_lock */
	struct sock_table *sockets; /* [I] see socket_int.h */
	/* Watches of files, see inotify.c. */
	struct kmutex watch_lock; /* rank LEAF */
	LIST_HEAD(inotify_watch_list,
	    inotify_watch) watches[VFS_WATCH_BUCKETS]; /* watch_lock */
	_Atomic(unsigned) nwatches; /* [a] written under watch_lock */
	unsigned ninotify, nevents; /* watch_lock */
	_Atomic(uint32_t) watch_cookie;
	LIST_HEAD(, dnotify) dnotifies; /* watch_lock */
	/* Leases, see lease.c. */
	struct kmutex lease_lock;  /* rank LEAF */
	LIST_HEAD(, lease) leases; /* lease_lock */
	unsigned nleases;          /* lease_lock */
	struct kmutex epoll_lock;  /* rank LEAF; see eventpoll.c */
};

/* The core of a vfs, without mounts.  0, ENOMEM. */
int vfs_core_create(struct vm_system *, struct vfs **);
/* Destroy the mounts, last one first, and the core.  KVERIFYs that no file and
 * no vnode is left. */
void vfs_core_destroy(struct vfs *);

#endif /* VFS_CORE_VFS_H */
