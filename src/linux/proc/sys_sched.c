/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on scheduling: policies, CPU sets.  (Niceness and the priority
 * of I/O are in sys_prio.c.)
 *
 * Concepts.  Lwps are host threads under the host's scheduler.  A thread has a
 * policy of its own, SCHED_OTHER, BATCH or IDLE, which is stored, inherited and
 * reported.  Real-time policies and deadlines are EPERM, as for a user without
 * the privilege.
 *
 * Locking: the lock of the process protects the fields of its lwps.
 *
 * Limits: policies and CPU sets have no effect on the host's scheduler.
 */
#include "host/host.h"
#include "abi/capability.h"
#include "abi/resource.h"
#include "abi/sched.h"
#include "linux/lib/sys_int.h"
#include "linux/proc/sys_prio.h"

#include <errno.h>
#include <string.h>

sys_fn sys_sched_yield, sys_sched_getaffinity, sys_sched_setaffinity,
    sys_sched_getparam, sys_sched_setparam, sys_sched_getscheduler,
    sys_sched_setscheduler, sys_sched_get_priority_max,
    sys_sched_get_priority_min, sys_sched_rr_get_interval, sys_sched_getattr,
    sys_sched_setattr;

#define RR_INTERVAL (NS_PER_SEC / 250)
#define DEADLINE_RUNTIME_MIN 1024 /* ns */

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
thread_lock(struct lwp *l, int tid, struct lwp **out)
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
thread_unlock(struct proc *p)
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
	error = thread_lock(l, (int)a[0], &o);
	if (error != 0)
		return (error);
	if (o->cpus_set)
		memcpy(mask, o->cpus, sizeof(mask));
	thread_unlock(o->p);
	*ret = (int64_t)bytes;
	return (copyout(lwp_vmspace(l), mask, a[2], bytes));
}

/* Is the thread of the caller's user?  Its proc lock held. */
static bool
sched_own(const struct lwp *l, const struct lwp *o)
{
	return (
	    l->cred->euid == o->cred->uid || l->cred->euid == o->cred->euid);
}

/* The thread moves before it runs user code again. */
int
sys_sched_setaffinity(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint8_t mask[LWP_CPUS / 8], want[LWP_CPUS / 8] = {0}, any = 0;
	size_t n = a[1] < sizeof(want) ? (size_t)a[1] : sizeof(want);
	struct lwp *o;
	int error;

	if (copyin(lwp_vmspace(l), want, a[2], n) != 0)
		return (EFAULT);
	(void)cpu_mask(mask);
	for (size_t i = 0; i < sizeof(want); i++)
		any |= (want[i] &= mask[i]);
	error = thread_lock(l, (int)a[0], &o);
	if (error != 0)
		return (error);
	if (!sched_own(l, o) && !lwp_capable(l, LX_CAP_SYS_NICE)) {
		error = EPERM;
	} else if (any == 0) {
		error = EINVAL;
	} else {
		memcpy(o->cpus, want, sizeof(o->cpus));
		o->cpus_set = true;
		cpu_bind(o->cpu,
		    memcmp(want, mask, sizeof(mask)) != 0 ? want : NULL);
	}
	thread_unlock(o->p);
	return (error);
}

/* ---- policies ---- */

/* What a call asks for. */
struct sched_want {
	bool keep;       /* the present policy */
	bool check_only; /* SCHED_FLAG_KEEP_PARAMS: Linux keeps the policy, too
			  */
	int policy;
	bool reset_on_fork;
	int priority;
	uint64_t runtime, deadline, period;
};

/* Is the policy known, and does the rest go with it?  EINVAL. */
static int
sched_check(const struct sched_want *w)
{
	switch (w->policy) {
	case LX_SCHED_OTHER:
	case LX_SCHED_BATCH:
	case LX_SCHED_IDLE:
		return (w->priority == 0 ? 0 : EINVAL);
	case LX_SCHED_FIFO:
	case LX_SCHED_RR:
		return (w->priority < 1 || w->priority > 99 ? EINVAL : 0);
	case LX_SCHED_DEADLINE:
		if (w->priority != 0 || w->deadline == 0 ||
		    w->runtime < DEADLINE_RUNTIME_MIN ||
		    w->runtime > w->deadline ||
		    (w->period != 0 && w->period < w->deadline))
			return (EINVAL);
		return (0);
	default:
		return (EINVAL);
	}
}

/* May the caller do that to the thread?  Locked. */
static int
sched_may(const struct lwp *l, const struct lwp *o, const struct sched_want *w)
{
	const struct proc *p = o->p;

	switch (w->policy) {
	case LX_SCHED_OTHER:
	case LX_SCHED_BATCH:
	case LX_SCHED_IDLE:
		break;
	default:
		return (EPERM);
	}
	if (lwp_capable(l, LX_CAP_SYS_NICE))
		return (0);
	if (!sched_own(l, o))
		return (EPERM);
	/* To leave SCHED_IDLE is to get better. */
	if (o->policy == LX_SCHED_IDLE && w->policy != LX_SCHED_IDLE &&
	    (uint64_t)(NICE_ZERO - o->nice) > p->rlim[LX_RLIMIT_NICE].cur)
		return (EPERM);
	return (o->reset_on_fork && !w->reset_on_fork ? EPERM : 0);
}

static int
sched_set(struct lwp *l, int tid, struct sched_want *w)
{
	struct lwp *o;
	int error;

	error = thread_lock(l, tid, &o);
	if (error != 0)
		return (error);
	if (w->keep) {
		w->policy = o->policy;
		w->reset_on_fork = o->reset_on_fork;
	}
	error = sched_check(w);
	if (error == 0)
		error = sched_may(l, o, w);
	if (error == 0) {
		if (!w->check_only)
			o->policy = w->policy;
		o->reset_on_fork = w->reset_on_fork;
	}
	thread_unlock(o->p);
	return (error);
}

/* The policy of a thread, with LX_SCHED_RESET_ON_FORK.  EINVAL, ESRCH. */
static int
sched_get(struct lwp *l, int tid, int *policy)
{
	struct lwp *o;
	int error;

	if (tid < 0)
		return (EINVAL);
	error = thread_lock(l, tid, &o);
	if (error != 0)
		return (error);
	*policy = o->policy | (o->reset_on_fork ? LX_SCHED_RESET_ON_FORK : 0);
	thread_unlock(o->p);
	return (0);
}

int
sys_sched_getparam(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int32_t prio = 0;
	int error, policy;

	if (a[1] == 0)
		return (EINVAL);
	error = sched_get(l, (int)a[0], &policy);
	if (error != 0)
		return (error);
	return (copyout(lwp_vmspace(l), &prio, a[1], sizeof(prio)));
}

/* Priority from *uprio; the rest of `w` is set. */
static int
sched_set_param(struct lwp *l, int tid, uint64_t uprio, struct sched_want *w)
{
	int32_t prio;

	if (uprio == 0 || tid < 0)
		return (EINVAL);
	if (copyin(lwp_vmspace(l), &prio, uprio, sizeof(prio)) != 0)
		return (EFAULT);
	w->priority = prio;
	return (sched_set(l, tid, w));
}

int
sys_sched_setparam(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct sched_want w = {.keep = true};

	return (sched_set_param(l, (int)a[0], a[1], &w));
}

int
sys_sched_getscheduler(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int policy, error = sched_get(l, (int)a[0], &policy);

	if (error == 0)
		*ret = policy;
	return (error);
}

int
sys_sched_setscheduler(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const int policy = (int)a[1];
	struct sched_want w = {
	    .policy = policy & ~LX_SCHED_RESET_ON_FORK,
	    .reset_on_fork = (policy & LX_SCHED_RESET_ON_FORK) != 0,
	};

	if (policy < 0)
		return (EINVAL);
	return (sched_set_param(l, (int)a[0], a[2], &w));
}

static int
sched_priority(int policy, int rt, int64_t *ret)
{
	switch (policy) {
	case LX_SCHED_FIFO:
	case LX_SCHED_RR:
		*ret = rt;
		return (0);
	case LX_SCHED_OTHER:
	case LX_SCHED_BATCH:
	case LX_SCHED_IDLE:
	case LX_SCHED_DEADLINE:
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
	int policy, error = sched_get(l, (int)a[0], &policy);

	if (error != 0)
		return (error);
	return (sys_copyout_timespec(l, RR_INTERVAL, a[1]));
}

/* ---- struct sched_attr ---- */

int
sys_sched_getattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint32_t usize = (uint32_t)a[2];
	struct lx_sched_attr at;
	int error, policy;
	size_t n;

	if (a[1] == 0 || usize > PAGE_SIZE || usize < LX_SCHED_ATTR_SIZE_VER0 ||
	    (uint32_t)a[3] != 0)
		return (EINVAL);
	error = sched_get(l, (int)a[0], &policy);
	if (error != 0)
		return (error);
	n = usize < sizeof(at) ? usize : sizeof(at);
	memset(&at, 0, sizeof(at));
	at.size = (uint32_t)n;
	at.policy = (uint32_t)(policy & ~LX_SCHED_RESET_ON_FORK);
	if ((policy & LX_SCHED_RESET_ON_FORK) != 0)
		at.flags = LX_SCHED_FLAG_RESET_ON_FORK;
	error = sys_nice_get(l, (int)a[0], &at.nice);
	if (error != 0)
		return (error);
	error = copyout(lwp_vmspace(l), &at, a[1], n);
	if (error != 0)
		return (error);
	return (copyout_zero(lwp_vmspace(l), a[1] + n, usize - n));
}

/* Copy the structure in.  E2BIG: its size is not one of this kernel, which is
 * stored in its first word. */
static int
sched_attr_copyin(struct lwp *l, uint64_t uaddr, struct lx_sched_attr *at)
{
	const uint32_t own = sizeof(*at);
	uint32_t size;
	int error;

	if (copyin(lwp_vmspace(l), &size, uaddr, sizeof(size)) != 0)
		return (EFAULT);
	if (size == 0)
		size = LX_SCHED_ATTR_SIZE_VER0;
	error = size < LX_SCHED_ATTR_SIZE_VER0
		    ? E2BIG
		    : sys_copyin_struct(l, at, sizeof(*at), uaddr, size);
	if (error == E2BIG &&
	    copyout(lwp_vmspace(l), &own, uaddr, sizeof(own)) != 0)
		return (EFAULT);
	return (error);
}

int
sys_sched_setattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint64_t clamps = LX_SCHED_FLAG_UTIL_CLAMP;
	struct lx_sched_attr at;
	struct sched_want w;
	int error;

	if (a[1] == 0 || (int)a[0] < 0 || (uint32_t)a[2] != 0)
		return (EINVAL);
	error = sched_attr_copyin(l, a[1], &at);
	if (error != 0)
		return (error);
	if ((int32_t)at.policy < 0 ||
	    (at.flags & ~(uint64_t)LX_SCHED_FLAG_ALL) != 0)
		return (EINVAL);
	if ((at.flags & clamps) != 0) /* as on a kernel without them */
		return (EOPNOTSUPP);
	w = (struct sched_want){
	    .keep = (at.flags & LX_SCHED_FLAG_KEEP_POLICY) != 0,
	    .check_only = (at.flags & LX_SCHED_FLAG_KEEP_PARAMS) != 0,
	    .policy = (int)at.policy,
	    .reset_on_fork = (at.flags & LX_SCHED_FLAG_RESET_ON_FORK) != 0,
	    .priority = (int)at.priority,
	    .runtime = at.runtime,
	    .deadline = at.deadline,
	    .period = at.period,
	};
	error = sched_set(l, (int)a[0], &w);
	if (error == 0 && w.policy != LX_SCHED_IDLE && !w.check_only)
		error = sys_nice_set(l, (int)a[0], at.nice);
	return (error == EACCES ? EPERM : error);
}
