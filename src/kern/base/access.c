/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Whether a process may look into another process: the rules of Linux's
 * ptrace_may_access().
 *
 * Purpose.  One place decides for /proc/PID/{mem,environ,auxv,maps,...}, for
 *the links and descriptors of a process, and for process_vm_readv and writev.
 *
 * Rules, in this order:
 *
 *	1. A process may look into itself.
 *	2. A caller with effective user id 0 may look into each process.
 *	3. All three user ids and all three group ids of the process must be the
 *	   caller's: a process that can still change to other ids holds what the
 *	   caller must not have.
 *	4. The process must be dumpable.  It is not after a change of its
 *	   effective ids, after exec of a file that it cannot read, and when it
 *	   says so (PR_SET_DUMPABLE): it may hold data of its former user.
 *
 * Locking: the ids of the process are read under its lock, with what the caller
 * of these functions wants to use, so that both belong together.
 *
 * Limits: there are no capabilities; user id 0 stands for all of them.
 */
#include <errno.h>

#include "kern/base/access.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "vfs/core/ctx.h"

struct proc_caller
proc_caller_of_ctx(const struct vfs_ctx *ctx)
{
	const struct lwp *l = ctx != NULL ? ctx->waiter.lwp : NULL;

	if (l == NULL)
		return ((struct proc_caller){.capable = true});
	return ((struct proc_caller){.p = l->p,
	    .uid = ctx->uid,
	    .gid = ctx->gid,
	    .capable = ctx->uid == 0});
}

struct proc_caller
proc_caller_real(struct lwp *l)
{
	struct proc_caller c = {.p = l->p};

	kmutex_lock(&l->p->lock);
	c.uid = l->p->uid;
	c.gid = l->p->gid;
	c.capable = l->p->euid == 0;
	kmutex_unlock(&l->p->lock);
	return (c);
}

int
proc_may_access_locked(const struct proc *p, const struct proc_caller *c)
{
	kmutex_assert_owned(&p->lock);
	if (c->p == p || c->capable)
		return (0);
	if (p->uid != c->uid || p->euid != c->uid || p->suid != c->uid ||
	    p->gid != c->gid || p->egid != c->gid || p->sgid != c->gid)
		return (EPERM);
	return (p->dumpable ? 0 : EPERM);
}

int
proc_may_access(struct proc *p, const struct proc_caller *c)
{
	int error;

	kmutex_lock(&p->lock);
	error = proc_may_access_locked(p, c);
	kmutex_unlock(&p->lock);
	return (error);
}
