/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Niceness: getpriority, setpriority, and the niceness of sched_getattr; and
 * the priority of I/O.
 *
 * Concepts.  As on Linux, niceness belongs to a thread: PRIO_PROCESS names a
 * thread; PRIO_PGRP and PRIO_USER mean all threads of their processes.  A new
 * thread or process inherits the niceness of its creator; exec keeps it.  The
 * permission to change another process's niceness follows Linux's rule; a lower
 * value than the present one needs root or RLIMIT_NICE.
 *
 * Locking: the lock of the process protects lwp.nice; proctree protects the
 * walk of groups.
 *
 * The priority of I/O has a class and a level.  Threads are named in the same
 * ways; the real-time class needs root.
 *
 * Limits: both are stored and reported, and have no effect on the host's
 * scheduler.
 */
#include "linux/lib/sys_int.h"
#include "abi/capability.h"
#include "abi/resource.h"
#include "linux/proc/sys_prio.h"

#include <errno.h>

sys_fn sys_getpriority, sys_setpriority, sys_ioprio_get, sys_ioprio_set;

#define NICE_MIN (-20)
#define NICE_MAX 19

/* A call in progress. */
struct prio {
	uint32_t uid, euid; /* of the caller */
	bool capable;       /* it has CAP_SYS_NICE */
	bool set;
	bool io;   /* the priority of I/O */
	int nice;  /* the new value, or that of I/O */
	int best;  /* best value found, as NICE_ZERO - nice; of I/O itself */
	int error; /* ESRCH: nothing was found */
};

/* May the caller change the niceness of the thread?  Its proc lock is held. */
static bool
prio_may(const struct prio *a, const struct lwp *o)
{
	return (
	    a->capable || a->euid == o->cred->uid || a->euid == o->cred->euid);
}

/* prio_visit() of ioprio_get and ioprio_set. */
static void
ioprio_visit(struct prio *a, struct lwp *o)
{
	const uint32_t uid = o->cred->uid;

	if (!a->set) {
		if (a->error == ESRCH || o->ioprio < a->best)
			a->best = o->ioprio;
		a->error = 0;
	} else if (!a->capable && a->euid != uid && a->uid != uid) {
		a->error = EPERM;
	} else {
		o->ioprio = (uint16_t)a->nice;
		if (a->error == ESRCH)
			a->error = 0;
	}
}

/* Visit one thread that the call applies to.  p->lock is held. */
static void
prio_visit(struct prio *a, const struct proc *p, struct lwp *o)
{
	const uint64_t limit = p->rlim[LX_RLIMIT_NICE].cur;

	if (a->io) {
		ioprio_visit(a, o);
	} else if (!a->set) {
		if (NICE_ZERO - o->nice > a->best)
			a->best = NICE_ZERO - o->nice;
		a->error = 0;
	} else if (!prio_may(a, o)) {
		a->error = EPERM;
	} else if (a->nice < o->nice && !a->capable &&
		   (uint64_t)(NICE_ZERO - a->nice) > limit) {
		a->error = EACCES;
	} else {
		o->nice = a->nice;
		if (a->error == ESRCH)
			a->error = 0;
	}
}

/* Visit one thread of a process, or with tid 0 all of them. */
static void
prio_proc(struct prio *a, struct proc *p, int tid)
{
	struct lwp *o;

	kmutex_lock(&p->lock);
	LIST_FOREACH (o, &p->lwps, link)
		if (tid == 0 || o->tid == tid)
			prio_visit(a, p, o);
	kmutex_unlock(&p->lock);
}

static void
prio_thread(struct prio *a, struct lwp *l, int tid)
{
	struct proc *p;

	if (tid == 0 || tid == l->tid) {
		prio_proc(a, l->p, l->tid);
		return;
	}
	p = tid > 0 ? proc_find_tid_hold(l->p->k, tid) : NULL;
	if (p == NULL)
		return;
	prio_proc(a, p, tid);
	proc_drop(p);
}

static void
prio_many(struct prio *a, struct vkernel *k, bool user, uint32_t id)
{
	struct proc *p;
	bool match;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		kmutex_lock(&p->lock);
		match = user ? p->cred->uid == id : p->pgid == (int)id;
		kmutex_unlock(&p->lock);
		if (match)
			prio_proc(a, p, 0);
	}
	kmutex_unlock(&k->proctree);
}

/* Carry out a call.  Returns its errno. */
static int
prio_call(struct lwp *l, int which, int who, struct prio *a)
{
	struct proc *p = l->p;
	int pgid;

	a->error = ESRCH;
	a->uid = l->cred->uid;
	a->euid = l->cred->euid;
	a->capable = lwp_capable(l, LX_CAP_SYS_NICE);
	switch (which) {
	case LX_PRIO_PROCESS:
		prio_thread(a, l, who);
		break;
	case LX_PRIO_PGRP:
		kmutex_lock(&p->k->proctree);
		pgid = p->pgid;
		kmutex_unlock(&p->k->proctree);
		prio_many(a, p->k, false, (uint32_t)(who != 0 ? who : pgid));
		break;
	case LX_PRIO_USER:
		prio_many(a, p->k, true, who != 0 ? (uint32_t)who : a->uid);
		break;
	default:
		return (EINVAL);
	}
	return (a->error);
}

int
sys_getpriority(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct prio c = {0};
	int error = prio_call(l, (int)a[0], (int)a[1], &c);

	if (error == 0)
		*ret = c.best;
	return (error);
}

static int
nice_clamp(int nice)
{
	return (nice < NICE_MIN ? NICE_MIN : nice > NICE_MAX ? NICE_MAX : nice);
}

int
sys_setpriority(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct prio c = {.set = true, .nice = nice_clamp((int)a[2])};

	return (prio_call(l, (int)a[0], (int)a[1], &c));
}

int
sys_nice_get(struct lwp *l, int tid, int *nice)
{
	struct prio c = {0};
	int error = prio_call(l, LX_PRIO_PROCESS, tid, &c);

	if (error == 0)
		*nice = NICE_ZERO - c.best;
	return (error);
}

int
sys_nice_set(struct lwp *l, int tid, int nice)
{
	struct prio c = {.set = true, .nice = nice_clamp(nice)};

	return (prio_call(l, LX_PRIO_PROCESS, tid, &c));
}

/* ---- priority of I/O ---- */

/* Who is meant: the numbers are one above those of getpriority(). */
static int
ioprio_call(struct lwp *l, int which, int who, struct prio *c)
{
	if (which < LX_IOPRIO_WHO_PROCESS || which > LX_IOPRIO_WHO_USER)
		return (EINVAL);
	c->io = true;
	return (prio_call(l, which - LX_IOPRIO_WHO_PROCESS, who, c));
}

int
sys_ioprio_get(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct prio c = {0};
	int error = ioprio_call(l, (int)a[0], (int)a[1], &c);

	if (error == 0)
		*ret = c.best;
	return (error);
}

int
sys_ioprio_set(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct prio c = {.set = true, .nice = (int)a[2]};
	int error = sys_ioprio_check(l, (int)a[2]);

	if (error != 0)
		return (error);
	return (ioprio_call(l, (int)a[0], (int)a[1], &c));
}
