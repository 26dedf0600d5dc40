/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on limits and scheduling.
 *
 * Limits.  A process has the sixteen pairs.  Those about memory are copied to
 * its vmspace when they change, because faults and brk read them there.  A soft
 * limit may be set to any value up to the hard limit, which only root may
 * raise.
 *
 * Scheduling.  Lwps are host threads under the host's scheduler: there is one
 * policy (SCHED_OTHER) and the host's set of CPUs.  Calls that request these
 * succeed; calls that request a better policy are EPERM.  Niceness is in
 * sys_prio.c.
 */
#include "host/host.h"
#include "abi/resource.h"
#include "abi/sched.h"
#include "linux/lib/sys_int.h"
#include "linux/proc/sys_prio.h"

#include <errno.h>
#include <string.h>

sys_fn sys_getrlimit, sys_setrlimit, sys_prlimit64, sys_sched_yield,
    sys_sched_getaffinity, sys_sched_setaffinity, sys_sched_getparam,
    sys_sched_setparam, sys_sched_getscheduler, sys_sched_setscheduler,
    sys_sched_get_priority_max, sys_sched_get_priority_min,
    sys_sched_rr_get_interval, sys_sched_getattr, sys_sched_setattr,
    sys_ioprio_get, sys_ioprio_set;

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
	bool root, memory;
	int error = 0;

	if (r->cur > r->max)
		return (EINVAL);
	if (which == LX_RLIMIT_NOFILE && r->max > NOFILE_MAX)
		return (EPERM);
	kmutex_lock(&l->p->lock);
	root = l->p->euid == 0;
	kmutex_unlock(&l->p->lock);
	kmutex_lock(&p->lock);
	if (r->max > p->rlim[which].max && !root) {
		error = EPERM;
	} else {
		p->rlim[which].cur = r->cur;
		p->rlim[which].max = r->max;
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
	error = ksig_permitted(l->p, p, 0);
	if (error == 0)
		error = rlimit_call(l, p, (int)a[1], a[2], a[3]);
	proc_drop(p);
	return (error);
}

/* ---- scheduling ---- */

static int
sched_target(struct lwp *l, int pid)
{
	struct proc *p;

	if (pid == 0 || pid == l->tid)
		return (0);
	if (pid < 0)
		return (EINVAL);
	p = proc_find_tid_hold(l->p->k, pid);
	if (p == NULL)
		return (ESRCH);
	proc_drop(p);
	return (0);
}

int
sys_sched_yield(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	host_yield();
	return (0);
}

/* The host's CPUs as a bit mask.  Returns the number of bytes used, a multiple
 * of 8. */
static size_t
cpu_mask(uint8_t mask[LWP_CPUS / 8])
{
	int cpus[LWP_CPUS], n = host_cpus(cpus, LWP_CPUS), top = 0;

	memset(mask, 0, LWP_CPUS / 8);
	for (int i = 0; i < n; i++) {
		if (cpus[i] < 0 || cpus[i] >= LWP_CPUS)
			continue;
		mask[cpus[i] / 8] |= (uint8_t)(1u << (cpus[i] % 8));
		if (cpus[i] > top)
			top = cpus[i];
	}
	return ((size_t)(top / 64 + 1) * 8);
}

/* Find a thread by number; 0: the caller.  Its process is held, and the
 * process's lock is held. */
static int
affinity_lock(struct lwp *l, int tid, struct lwp **out)
{
	struct proc *p = l->p;
	struct lwp *o;

	if (tid == 0 || tid == l->tid) {
		tid = l->tid;
		proc_hold(p);
	} else {
		p = tid > 0 ? proc_find_tid_hold(p->k, tid) : NULL;
		if (p == NULL)
			return (ESRCH);
	}
	kmutex_lock(&p->lock);
	LIST_FOREACH (o, &p->lwps, link) {
		if (o->tid == tid) {
			*out = o;
			return (0);
		}
	}
	kmutex_unlock(&p->lock);
	proc_drop(p);
	return (ESRCH);
}

static void
affinity_unlock(struct proc *p)
{
	kmutex_unlock(&p->lock);
	proc_drop(p);
}

int
sys_sched_getaffinity(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint8_t mask[LWP_CPUS / 8];
	size_t bytes = cpu_mask(mask);
	struct lwp *o;
	int error;

	if (a[1] < bytes || (a[1] & 7) != 0)
		return (EINVAL);
	error = affinity_lock(l, (int)a[0], &o);
	if (error != 0)
		return (error);
	if (o->cpus_set)
		memcpy(mask, o->cpus, sizeof(mask));
	affinity_unlock(o->p);
	*ret = (int64_t)bytes;
	return (copyout(lwp_vmspace(l), mask, a[2], bytes));
}

/* The set is stored and reported only; the machine places threads. */
int
sys_sched_setaffinity(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint8_t mask[LWP_CPUS / 8], want[LWP_CPUS / 8] = {0}, any = 0;
	size_t n = a[1] < sizeof(want) ? (size_t)a[1] : sizeof(want);
	uint32_t euid;
	struct lwp *o;
	int error;

	if (copyin(lwp_vmspace(l), want, a[2], n) != 0)
		return (EFAULT);
	(void)cpu_mask(mask);
	for (size_t i = 0; i < sizeof(want); i++)
		any |= (want[i] &= mask[i]);
	kmutex_lock(&l->p->lock);
	euid = l->p->euid;
	kmutex_unlock(&l->p->lock);
	error = affinity_lock(l, (int)a[0], &o);
	if (error != 0)
		return (error);
	if (euid != 0 && euid != o->p->uid && euid != o->p->euid) {
		error = EPERM;
	} else if (any == 0) {
		error = EINVAL;
	} else {
		memcpy(o->cpus, want, sizeof(o->cpus));
		o->cpus_set = true;
	}
	affinity_unlock(o->p);
	return (error);
}

static int
sched_policy(int policy, int prio)
{
	switch (policy & ~LX_SCHED_RESET_ON_FORK) {
	case 0:
	case LX_SCHED_BATCH:
	case LX_SCHED_IDLE:
		return (prio == 0 ? 0 : EINVAL);
	case LX_SCHED_FIFO:
	case LX_SCHED_RR:
		return (prio < 1 || prio > 99 ? EINVAL : EPERM);
	default:
		return (EINVAL);
	}
}

int
sys_sched_getparam(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int32_t prio = 0;
	int error = sched_target(l, (int)a[0]);

	if (error != 0)
		return (error);
	return (copyout(lwp_vmspace(l), &prio, a[1], sizeof(prio)));
}

int
sys_sched_setparam(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int32_t prio;
	int error = sched_target(l, (int)a[0]);

	if (error == 0)
		error = copyin(lwp_vmspace(l), &prio, a[1], sizeof(prio));
	return (error != 0 ? error : sched_policy(0, prio));
}

int
sys_sched_getscheduler(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (sched_target(l, (int)a[0]));
}

int
sys_sched_setscheduler(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int32_t prio;
	int error = sched_target(l, (int)a[0]);

	if (error == 0)
		error = copyin(lwp_vmspace(l), &prio, a[2], sizeof(prio));
	return (error != 0 ? error : sched_policy((int)a[1], prio));
}

static int
sched_priority(int policy, int rt, int64_t *ret)
{
	switch (policy) {
	case LX_SCHED_FIFO:
	case LX_SCHED_RR:
		*ret = rt;
		return (0);
	case 0:
	case LX_SCHED_BATCH:
	case LX_SCHED_IDLE:
		*ret = 0;
		return (0);
	default:
		return (EINVAL);
	}
}

int
sys_sched_get_priority_max(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (sched_priority((int)a[0], 99, ret));
}

int
sys_sched_get_priority_min(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (sched_priority((int)a[0], 1, ret));
}

int
sys_sched_rr_get_interval(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int error = sched_target(l, (int)a[0]);

	if (error != 0)
		return (error);
	return (sys_copyout_timespec(l, NS_PER_SEC / 250, a[1]));
}

int
sys_sched_getattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_sched_attr at = {.size = sizeof(at)};
	int error = sched_target(l, (int)a[0]);

	if (error != 0)
		return (error);
	if ((uint32_t)a[2] < sizeof(at) || (uint32_t)a[3] != 0)
		return (EINVAL);
	error = sys_nice_get(l, (int)a[0], &at.nice);
	return (error != 0 ? error
			   : copyout(lwp_vmspace(l), &at, a[1], sizeof(at)));
}

int
sys_sched_setattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_sched_attr at;
	int error = sched_target(l, (int)a[0]);

	if (error != 0)
		return (error);
	if (copyin(lwp_vmspace(l), &at, a[1], sizeof(at)) != 0)
		return (EFAULT);
	if (at.size != 0 && at.size < sizeof(at))
		return (EINVAL);
	error = sched_policy(
	    at.policy > 15 ? 15 : (int)at.policy, (int)at.priority);
	if (error == 0)
		error = sys_nice_set(l, (int)a[0], at.nice);
	return (error == EACCES ? EPERM : error);
}

int
sys_ioprio_get(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	*ret = 0;
	return ((int)a[0] < 1 || (int)a[0] > 3 ? EINVAL : 0);
}

int
sys_ioprio_set(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return ((int)a[0] < 1 || (int)a[0] > 3 ? EINVAL : 0);
}
