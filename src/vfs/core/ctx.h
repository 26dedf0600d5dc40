/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What a call gets to know of its caller, in two parts.
 *
 * A waiter says how the calling thread waits, and for whom.  Everything that
 * works on an open file takes one: it costs no lock and no reference, so that
 * a read of a pipe shares nothing with other threads of its process.
 *
 * A context adds the identity and the name space of the process at the time
 * of the call.  Calls that look up names, check permissions or make files
 * take one.
 */
#ifndef VFS_CORE_CTX_H
#define VFS_CORE_CTX_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/group_set.h"
#include "vfs/core/place.h"

struct vfs;
struct vnode;

/* The ids that a message says its sender has, and those that own what the
 * sender makes. */
struct vfs_ident {
	int pid;               /* 0: the kernel itself */
	uint32_t uid, gid;     /* effective */
	uint32_t fsuid, fsgid; /* as uid and gid of struct vfs_ctx */
	uint64_t caps;         /* 1 << LX_CAP_*, as in struct vfs_ctx */
};

/*
 * Made by kern for a thread; immutable.  Zeros are the kernel itself: a wait is
 * an uninterruptible poll on the host.
 */
struct vfs_waiter {
	void *lwp; /* opaque, for the functions */
	/*
	 * Wait until the host descriptor `hostfd` has one of `events`
	 * (POLLIN...; hostfd -1: only for the time).  EINTR: a signal is
	 * pending.  ETIMEDOUT: the deadline has passed; it is in ns of
	 * CLOCK_MONOTONIC, UINT64_MAX for none.
	 */
	int (*wait)(void *lwp, int hostfd, short events, uint64_t deadline_ns);
	/* The ids of the thread now. */
	void (*ident)(void *lwp, struct vfs_ident *);
};

struct vfs_ctx {
	struct vfs *vfs;
	uint32_t uid, gid; /* those that count for files */
	uint64_t caps;     /* effective capabilities: bits 1 << LX_CAP_* */
	uint64_t cred;     /* serial of the credentials; 0: the kernel itself */
	uint32_t umask;
	const struct group_set *groups; /* borrowed; supplementary */
	struct vplace cwd;              /* borrowed */
	struct vplace root; /* borrowed: the root that this process sees */
	struct vfs_waiter waiter;
};

#define VFS_CAPS_ALL UINT64_MAX /* of the kernel itself */

/* May the caller do what LX_CAP_... is needed for? */
static inline bool
vfs_ctx_capable(const struct vfs_ctx *ctx, int cap)
{
	return ((ctx->caps >> cap & 1) != 0);
}

/* Is gid the group or a supplementary group of the caller? */
static inline bool
vfs_ctx_in_group(const struct vfs_ctx *ctx, uint32_t gid)
{
	return (gid == ctx->gid || group_set_has(ctx->groups, gid));
}

/* The ids of the waiter's thread; for NULL and the kernel itself zeros, and all
 * capabilities. */
static inline struct vfs_ident
vfs_waiter_ident(const struct vfs_waiter *w)
{
	struct vfs_ident id = {.caps = VFS_CAPS_ALL};

	if (w != NULL && w->ident != NULL)
		w->ident(w->lwp, &id);
	return (id);
}

#endif /* VFS_CORE_CTX_H */
