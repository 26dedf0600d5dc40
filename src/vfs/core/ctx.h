/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The context of a call: the identity of the caller, the part of the name
 * space it sees, and how the call waits.
 */
#ifndef VFS_CORE_CTX_H
#define VFS_CORE_CTX_H

#include <stdint.h>

struct vfs;
struct vnode;

/*
 * Filled in by kern for each call.  A NULL `wait` means that a wait is an
 * uninterruptible poll on the host.
 */
struct vfs_ctx {
	struct vfs *vfs;
	uint32_t uid, gid; /* effective */
	uint32_t umask;
	int pid;            /* 0: the kernel itself */
	struct vnode *cwd;  /* borrowed */
	struct vnode *root; /* borrowed: the root that this process sees */
	void *lwp;          /* opaque, for `wait` */
	/*
	 * Wait until the host descriptor `hostfd` has one of `events`
	 * (POLLIN...).  EINTR: a signal is pending.  ETIMEDOUT: the deadline
	 * has passed; it is in ns of CLOCK_MONOTONIC, UINT64_MAX for none.
	 */
	int (*wait)(void *lwp, int hostfd, short events, uint64_t deadline_ns);
};

#endif /* VFS_CORE_CTX_H */
