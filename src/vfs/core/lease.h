/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Leases of files (F_SETLEASE of fcntl(2)).  See lease.c.
 */
#ifndef VFS_CORE_LEASE_H
#define VFS_CORE_LEASE_H

#include <stdatomic.h>
#include <stdint.h>

#include "vfs/core/lock.h"
#include "vfs/core/vnode.h"

struct file;
struct vfs;
struct vfs_waiter;

#define LEASE_BREAK_SECONDS 45 /* of lease-break-time */

/* No locks held. */

/*
 * Set, change or give up (VFS_LOCK_NONE) the lease of an open regular file,
 * which has an owner.
 * - EAGAIN: the file is open in a way that the lease excludes, another lease is
 *   in the way, or there is none to give up; ENOMEM; ENOLCK: too many.
 */
int lease_set(struct file *, int fd, enum vfs_lock_type);
/* What the lease of the file is, or will be when it is broken. */
enum vfs_lock_type lease_get(struct file *);
/* The last reference of a file that has had an owner is gone. */
void lease_closed(struct file *);
/*
 * Wait until no lease of the vnode excludes an access: to read, or to write.
 * - EWOULDBLOCK: with `nonblock`; EINTR.
 */
int lease_break_wait(
    struct vnode *, bool write, bool nonblock, const struct vfs_waiter *);

/* The same, cheap for a file without leases. */
static inline int
lease_break(
    struct vnode *vp, bool write, bool nonblock, const struct vfs_waiter *w)
{
	if (atomic_load(&vp->leases) == 0)
		return (0);
	return (lease_break_wait(vp, write, nonblock, w));
}

#endif /* VFS_CORE_LEASE_H */
