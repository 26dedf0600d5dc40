/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on limits.
 *
 * A process has the sixteen pairs.  Those about memory are copied to
 * its vmspace when they change, because faults and brk read them there.  A soft
 * limit may be set to any value up to the hard limit, which only
 * CAP_SYS_RESOURCE may raise.
 */
#include "host/host.h"
#include "abi/capability.h"
#include "abi/resource.h"
#include "kern/time/ptimer.h"
#include "linux/lib/sys_int.h"

#include <errno.h>
#include <string.h>

sys_fn sys_getrlimit, sys_setrlimit, sys_prlimit64;

#define NOFILE_MAX (UINT64_C(1) << 20)

/* ---- limits ---- */

/* Copy the limit to the vmspace.  The process's lwps use the new value from the
 * next fault on. */
static void
rlimit_apply(struct proc *p, int which, uint64_t cur)
{
	struct vmspace *vm = proc_vmspace_hold(p);

	if (vm == NULL)
		return;
	vm_map_lock(&vm->map);
	if (which == LX_RLIMIT_STACK)
		vm->stack_limit = cur;
	else if (which == LX_RLIMIT_DATA)
		vm->data_limit = cur;
	else if (which == LX_RLIMIT_AS)
		vm->map.as_limit = cur;
	else if (which == LX_RLIMIT_MEMLOCK)
		vm->map.lock_limit = cur;
	vm_map_unlock(&vm->map);
	vmspace_drop(vm);
}

static int
rlimit_set(struct lwp *l, struct proc *p, int which, const struct lx_rlimit *r)
{
	bool resource, memory;
	int error = 0;

	if (r->cur > r->max)
		return (EINVAL);
	if (which == LX_RLIMIT_NOFILE && r->max > NOFILE_MAX)
		return (EPERM);
	if (which == LX_RLIMIT_CPU && r->cur != LX_RLIM_INFINITY) {
		error = ptimer_limit_begin(p->k);
		if (error != 0)
			return (error);
	}
	resource = lwp_capable(l, LX_CAP_SYS_RESOURCE);
	kmutex_lock(&p->lock);
	if (r->max > p->rlim[which].max && !resource) {
		error = EPERM;
	} else {
		p->rlim[which].cur = r->cur;
		p->rlim[which].max = r->max;
		if (which == LX_RLIMIT_CPU && r->cur != LX_RLIM_INFINITY)
			ptimer_limit_set_locked(p);
	}
	kmutex_unlock(&p->lock);
	memory = which == LX_RLIMIT_STACK || which == LX_RLIMIT_DATA ||
		 which == LX_RLIMIT_AS || which == LX_RLIMIT_MEMLOCK;
	if (error == 0 && memory)
		rlimit_apply(p, which, r->cur);
	return (error);
}

static int
rlimit_call(
    struct lwp *l, struct proc *p, int which, uint64_t unew, uint64_t uold)
{
	struct lx_rlimit new, old;
	int error = 0;

	if (which < 0 || which >= PROC_NRLIMITS)
		return (EINVAL);
	if (unew != 0 && copyin(lwp_vmspace(l), &new, unew, sizeof(new)) != 0)
		return (EFAULT);
	kmutex_lock(&p->lock);
	old.cur = p->rlim[which].cur;
	old.max = p->rlim[which].max;
	kmutex_unlock(&p->lock);
	if (unew != 0)
		error = rlimit_set(l, p, which, &new);
	if (error == 0 && uold != 0)
		error = copyout(lwp_vmspace(l), &old, uold, sizeof(old));
	return (error);
}

int
sys_getrlimit(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	if (a[1] == 0)
		return (EFAULT);
	return (rlimit_call(l, l->p, (int)a[0], 0, a[1]));
}

int
sys_setrlimit(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	if (a[1] == 0)
		return (EFAULT);
	return (rlimit_call(l, l->p, (int)a[0], a[1], 0));
}

/* May the caller see and set the limits of p?  All ids of p must be its own. */
static int
rlimit_allowed(struct lwp *l, struct proc *p)
{
	const struct cred *c = l->cred, *t;
	bool same;

	kmutex_lock(&p->lock);
	t = p->cred;
	same = t->uid == c->uid && t->euid == c->uid && t->suid == c->uid &&
	       t->gid == c->gid && t->egid == c->gid && t->sgid == c->gid;
	kmutex_unlock(&p->lock);
	return (same || lwp_capable(l, LX_CAP_SYS_RESOURCE) ? 0 : EPERM);
}

int
sys_prlimit64(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct proc *p;
	int error;

	if ((int)a[0] == 0 || (int)a[0] == l->p->pid)
		return (rlimit_call(l, l->p, (int)a[1], a[2], a[3]));
	p = proc_find_tid_hold(l->p->k, (int)a[0]);
	if (p == NULL)
		return (ESRCH);
	error = rlimit_allowed(l, p);
	if (error == 0)
		error = rlimit_call(l, p, (int)a[1], a[2], a[3]);
	proc_drop(p);
	return (error);
}
