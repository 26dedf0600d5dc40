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
 *	2. A caller with CAP_SYS_PTRACE may look into each process; with that of
 *	   the user namespace of the process only if rule 4 permits it.
 *	3. All three user ids and all three group ids of the process must be the
 *	   caller's: a process that can still change to other ids holds what the
 *	   caller must not have.
 *	4. The process must be dumpable.  It is not after a change of its
 *	   effective ids, after exec of a file that it cannot read, and when it
 *	   says so (PR_SET_DUMPABLE): it may hold data of its former user.
 *	5. It must be in the same user namespace, and not have a capability that
 *	   the caller lacks.
 *
 * Locking: the ids of the process are read under its lock, with what the caller
 * of these functions wants to use, so that both belong together.
 *
 * Limits: a process is judged by the credentials of its first thread.
 */
#include <errno.h>

#include "abi/capability.h"
#include "kern/base/access.h"
#include "kern/base/cred.h"
#include "kern/base/lwp.h"
#include "kern/base/ns.h"
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
	    .cred = l->cred,
	    .caps = l->cred->userns != NULL ? l->cred->cap_eff : ctx->caps,
	    .capable = vfs_ctx_capable(ctx, LX_CAP_SYS_PTRACE)});
}

struct proc_caller
proc_caller_real(struct lwp *l)
{
	return ((struct proc_caller){.p = l->p,
	    .uid = l->cred->uid,
	    .gid = l->cred->gid,
	    .cred = l->cred,
	    .caps = l->cred->cap_perm,
	    .capable = lwp_capable(l, LX_CAP_SYS_PTRACE)});
}

int
proc_may_access_locked(const struct proc *p, const struct proc_caller *c)
{
	const struct cred *t = p->cred;

	kmutex_assert_owned(&p->lock);
	if (c->p == p || c->capable)
		return (0);
	/* Its memory may be older than its user namespace. */
	if (cred_ns_capable(c->cred, t->userns, LX_CAP_SYS_PTRACE))
		return (p->dumpable ? 0 : EPERM);
	if (t->uid != c->uid || t->euid != c->uid || t->suid != c->uid ||
	    t->gid != c->gid || t->egid != c->gid || t->sgid != c->gid)
		return (EPERM);
	return (p->dumpable && t->userns == c->cred->userns &&
			(t->cap_perm & ~c->caps) == 0
		    ? 0
		    : EPERM);
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
