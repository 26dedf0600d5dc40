/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Waiting for children and tracees.
 *
 * Concepts: a scan of the caller's children under proctree finds the first
 * child that matches and has something to report: it is a zombie, or it stopped
 * or continued and that was not reported yet.  The call that reports a zombie
 * also reaps it, unless KWAIT_NOWAIT asks to keep it.  Without a report the lwp
 * sleeps; the thread that causes a report wakes the lwps of the parent.  A
 * zombie has only its end to report: a call that does not ask for ends is
 * ECHILD when no other child matches.
 *
 * Then the threads that the caller's process traces are looked at in the same
 * way, whether or not they are its children.  A traced child is looked at only
 * as a tracee while it lives.
 *
 * The cost depends on the number of children only: all resources went back when
 * the child ended.
 *
 * Locking: the scan holds proctree, and the child's lock to read its state.
 * The sleep is prepared before the scan, so no report is missed.
 */
#include <errno.h>
#include <string.h>

#include "abi/signal.h"

#include "kern/base/lwp.h"
#include "kern/base/cred.h"
#include "kern/base/proc.h"
#include "kern/base/session.h"
#include "kern/base/vkernel.h"
#include "kern/base/restart.h"
#include "kern/proc/process.h"
#include "libk/kassert.h"

/* id: of the process c, or of its thread that p traces. */
static bool
wait_matches(struct proc *p, struct proc *c, int id, int which)
{
	if (which > 0)
		return (id == which);
	if (which == 0)
		return (c->pgid == p->pgid);
	if (which == -1)
		return (true);
	return (c->pgid == -which);
}

/* Is c a child of the kind that the caller, a thread of its parent, asks for?
 * What a tracer waits for is not asked. */
static bool
wait_kind(const struct lwp *l, struct proc *c, int options)
{
	bool clone;

	if ((options & KWAIT_ALL) == 0) {
		kmutex_lock(&c->lock);
		clone = c->exit_signal != LX_SIGCHLD;
		kmutex_unlock(&c->lock);
		if (clone != ((options & KWAIT_CLONE) != 0))
			return (false);
	}
	return ((options & KWAIT_THREAD) == 0 || c->parent_tid == l->tid);
}

/* Does c have something to report?  Its lock is held. */
static bool
wait_report(struct proc *c, int options, struct kern_wait_result *res)
{
	if (c->state == PROC_ZOMBIE) {
		if ((options & KWAIT_EXITED) == 0)
			return (false);
		res->status = c->exit_status;
	} else if ((options & KWAIT_STOPPED) != 0 && c->state == PROC_STOPPED &&
		   c->stop_report) {
		res->status = 0x7f | c->stop_sig << 8;
		if ((options & KWAIT_NOWAIT) == 0)
			c->stop_report = false;
	} else if ((options & KWAIT_CONTINUED) != 0 && c->cont_report) {
		res->status = 0xffff;
		if ((options & KWAIT_NOWAIT) == 0)
			c->cont_report = false;
	} else {
		return (false);
	}
	res->pid = pidns_out_locked(c->k, c->parent->pidns, c->pid);
	res->uid = c->cred->uid;
	res->ru = c->ru;
	rusage_add(&res->ru, &c->cru);
	return (true);
}

/* What goes after proctree is released. */
struct wait_gone {
	struct proc_list reaped;
	struct tracee_list dead;
};

/* The lwp of tr has stopped, or the process was continued. */
static bool
wait_trace_report(struct tracee *tr, int options, struct kern_wait_result *res)
{
	const bool keep = (options & KWAIT_NOWAIT) != 0;
	struct proc *c = tr->p;
	struct trace_stop *s;
	bool found = true;

	kmutex_lock(&c->lock);
	s = tr->l != NULL ? tr->l->stop : NULL;
	if (s != NULL && s->unreported && !s->listening) {
		res->status = 0x7f | s->code << 8;
		res->trapped = true;
		s->unreported = keep;
	} else if ((options & KWAIT_CONTINUED) != 0 && tr->tid == c->pid &&
		   c->cont_report) {
		res->status = 0xffff;
		c->cont_report = keep;
	} else {
		found = false;
	}
	if (found) {
		res->pid =
		    pidns_out_locked(c->k, tr->tracer->p->pidns, tr->tid);
		res->uid = c->cred->uid;
	}
	kmutex_unlock(&c->lock);
	return (found);
}

/* The tracee has ended.  Unless it is kept, a zombie is now its parent's. */
static void
wait_trace_end(struct tracee *tr, int options, struct kern_wait_result *res,
    struct wait_gone *gone)
{
	res->pid = pidns_out_locked(tr->p->k, tr->tracer->p->pidns, tr->tid);
	res->status = tr->status;
	res->uid = tr->uid;
	res->ru.utime = tr->utime;
	res->ru.stime = tr->stime;
	if ((options & KWAIT_NOWAIT) != 0)
		return;
	trace_forget(tr, &gone->dead);
	if (tr->tid == tr->p->pid)
		exit_untraced(tr->p, &gone->reaped);
}

/* As wait_scan(), of the threads that p traces. */
static int
wait_trace_scan(struct proc *p, int which, int options,
    struct kern_wait_result *res, struct wait_gone *gone)
{
	int error = ECHILD;
	struct tracee *tr;

	LIST_FOREACH (tr, &p->tracer.tracees, link) {
		if (!wait_matches(p, tr->p, tr->tid, which))
			continue;
		error = EAGAIN;
		if (tr->ended && (options & KWAIT_EXITED) != 0) {
			wait_trace_end(tr, options, res, gone);
			return (0);
		}
		if (!tr->ended && wait_trace_report(tr, options, res))
			return (0);
	}
	return (error);
}

/*
 * 0: reported, and reaped into `gone`; ECHILD: no child and no tracee matches;
 * EAGAIN: none has anything to report.
 */
static int
wait_scan(struct lwp *l, int which, int options, struct kern_wait_result *res,
    struct wait_gone *gone)
{
	struct proc *p = l->p;
	int error = ECHILD, terror;
	struct proc *c;
	bool found;

	kmutex_assert_owned(&p->k->proctree);
	LIST_FOREACH (c, &p->children, sibling) {
		if (c->state == PROC_EMBRYO ||
		    !wait_matches(p, c, c->pid, which) ||
		    !wait_kind(l, c, options))
			continue;
		/* A zombie will never report anything but its end. */
		if (c->state != PROC_ZOMBIE || (options & KWAIT_EXITED) != 0)
			error = EAGAIN;
		/* A zombie is its tracer's first; what else a tracer reports is
		 * not reported again by the same process as parent. */
		if (c->traced != NULL && (c->state == PROC_ZOMBIE ||
					     c->traced->tracer == &p->tracer))
			continue;
		kmutex_lock(&c->lock);
		found = wait_report(c, options, res);
		kmutex_unlock(&c->lock);
		if (!found)
			continue;
		if (c->state == PROC_ZOMBIE && (options & KWAIT_NOWAIT) == 0) {
			kmutex_lock(&p->lock);
			rusage_add(&p->cru, &res->ru);
			kmutex_unlock(&p->lock);
			proc_reap(c, &gone->reaped);
		}
		return (0);
	}
	terror = wait_trace_scan(p, which, options, res, gone);
	return (terror == ECHILD ? error : terror);
}

int
kern_wait(struct lwp *l, int which, int options, struct kern_wait_result *out)
{
	struct wait_gone gone;
	struct proc *p = l->p;
	struct kern_wait_result res;
	int error;

	klock_assert_none();
	for (;;) {
		memset(&res, 0, sizeof(res));
		LIST_INIT(&gone.reaped);
		LIST_INIT(&gone.dead);
		lwp_sleep_prepare(l);
		kmutex_lock(&p->k->proctree);
		error = wait_scan(l, which, options, &res, &gone);
		kmutex_unlock(&p->k->proctree);
		proc_release_list(&gone.reaped);
		trace_free_list(&gone.dead);
		if (error == EAGAIN && (options & KWAIT_NOHANG) != 0)
			error = 0;
		if (error == 0)
			*out = res;
		if (error != EAGAIN)
			return (error);
		/* A child that ended is reported before the signal it sent. */
		if (lwp_interrupted(l))
			return (ERESTARTSYS);
		(void)lwp_sleep(l, UINT64_MAX);
	}
}
