/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Advisory locks of files: records of POSIX, of open files, and of flock().
 */
#ifndef VFS_CORE_LOCK_H
#define VFS_CORE_LOCK_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "vfs/core/file.h"

struct fdtable;
struct vfs;
struct vnode;

enum vfs_lock_kind {
	VFS_LOCK_POSIX, /* owner: a descriptor table */
	VFS_LOCK_OFD,   /* owner: an open file */
	VFS_LOCK_FLOCK, /* owner: an open file; independent of the two above */
};
enum vfs_lock_type { VFS_LOCK_NONE, VFS_LOCK_SHARED, VFS_LOCK_EXCLUSIVE };

struct vfs_lock_req {
	struct vnode *vp; /* of an open file, which stays so */
	enum vfs_lock_kind kind;
	const void *owner;
	enum vfs_lock_type type; /* NONE: unlock */
	uint64_t start, end;     /* bytes; end inclusive, UINT64_MAX: all */
	int pid;                 /* reported by vfs_lock_test() */
};
/* A waiter: wake() is called under a lock. */
struct vfs_lock_wait {
	void (*wake)(void *arg);
	void *arg;
	struct vnode *vp;
	const void *owner, *blocker; /* of POSIX records, else NULL */
	LIST_ENTRY(vfs_lock_wait) link, by_owner;
};
/*
 * Set or remove a lock.
 * - 0; EAGAIN: another owner has it, and w, if given, is called when that may
 *   have changed (until vfs_lock_unwait); EDEADLK (POSIX, only with w); ENOLCK:
 *   the process or the kernel has too many, or no memory; this can happen to an
 *   unlock that cuts one lock in two.
 */
int vfs_lock_set(
    struct vfs *, const struct vfs_lock_req *, struct vfs_lock_wait *w);
void vfs_lock_unwait(struct vfs *, struct vfs_lock_wait *);
/* Would the request conflict with a lock?  Then *r describes it; its pid is -1
 * if no process owns it. */
bool vfs_lock_test(struct vfs *, struct vfs_lock_req *r);

/* A line for each lock that a descriptor of the table, for the file, has: those
 * of the file, and those of the process on its vnode. */
void vfs_lock_info(
    const struct fdtable *, struct file *, file_info_fn *, void *arg);

void vfs_lock_init(struct vfs *);
void vfs_lock_fini(struct vfs *); /* none is left */
/* A descriptor of the table was closed; the last of a file. */
/* The lines of /proc/locks.  No locks held. */
void vfs_lock_lines(struct vfs *, file_info_fn *, void *arg);
void vfs_lock_fd_closed(const struct fdtable *, const struct file *);
void vfs_lock_file_closed(const struct file *);

#endif /* VFS_CORE_LOCK_H */
