/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * One instance of the file system layer: what all its parts share.  The core
 * makes and unmakes its own part (vfs_core_init); vfs_create() makes a whole.
 */
#ifndef VFS_CORE_VFS_H
#define VFS_CORE_VFS_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libk/klock.h"

struct vm_system;
struct vm_zone;
struct vmount;
struct vnode;

#define VFS_LOCK_BUCKETS 64
#define VFS_WATCH_BUCKETS 256
struct vfs_lock;
struct vfs_lock_wait;

struct vfs {
	struct vm_system *sys;                  /* [I] */
	struct kmutex mount_lock;               /* rank MOUNT */
	TAILQ_HEAD(vmount_list, vmount) mounts; /* mount_lock */
	struct vnode *root; /* [I] ref'ed, root of the first mount */
	struct vm_zone *z_vnode, *z_file;
	_Atomic(uint64_t) next_dev;
	const struct procfs_ops *procfs_ops; /* registered by kern */
	void *procfs_arg;
	/* Host descriptors 0,1,2 and the terminal, as devfs shows them. */
	int tty_fd; /* host fd of the controlling terminal, -1 none */
	struct devfs_mount *devfs;         /* the last one made, or NULL */
	const struct vfs_tty_ops *tty_ops; /* registered by kern, or NULL */
	void *tty_arg;
	/* Advisory locks, see lock.c. */
	struct kmutex lock_lock; /* rank FILE */
	LIST_HEAD(vfs_lock_list,
	    vfs_lock) locks[VFS_LOCK_BUCKETS]; /* lock_lock */
	LIST_HEAD(, vfs_lock_wait) lock_waits; /* lock_lock */
	unsigned nlocks;                       /* lock_lock */
	_Atomic(unsigned) nposix; /* [a] of them, records of processes */
	/* Sockets, see socket.h. */
	struct vm_zone *z_socket;
	struct kmutex sock_lock; /* rank FILE */
	uint64_t sock_key;       /* [I] marks this kernel's names at the host */
	LIST_HEAD(, socket) socks;        /* sock_lock; those with a name */
	LIST_HEAD(, sock_parcel) parcels; /* sock_lock; under way */
	_Atomic(unsigned) nparcels;       /* [a] */
	bool collecting, collect_again;   /* sock_lock */
	_Atomic(uint64_t) sock_id;        /* [a] last one given */
	_Atomic(bool) passcred_used;      /* [a] some socket wants creds */
	/* Watches of files, see inotify.c. */
	struct kmutex watch_lock; /* rank LEAF */
	LIST_HEAD(inotify_watch_list,
	    inotify_watch) watches[VFS_WATCH_BUCKETS]; /* watch_lock */
	_Atomic(unsigned) nwatches; /* [a] written under watch_lock */
	unsigned ninotify, nevents; /* watch_lock */
	_Atomic(uint32_t) watch_cookie;
};

#endif /* VFS_CORE_VFS_H */
