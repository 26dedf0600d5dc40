/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Waiting for children.
 *
 * Concepts: a scan of the caller's children under proctree finds the first
 * child that matches and has something to report: it is a zombie, or it stopped
 * or continued and that was not reported yet.  The call that reports a zombie
 * also reaps it, unless KWAIT_NOWAIT asks to keep it.  Without a report the lwp
 * sleeps; the thread that causes a report wakes the lwps of the parent.
 *
 * The cost depends on the number of children only: all resources went back when
 * the child ended.
 *
 * Locking: the scan holds proctree, and the child's lock to read its state.
 * The sleep is prepared before the scan, so no report is missed.
 */
#include <errno.h>
#include <string.h>

#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/session.h"
#include "kern/base/vkernel.h"
#include "kern/base/restart.h"
#include "kern/proc/process.h"
#include "libk/kassert.h"

static bool
wait_matches(struct proc *p, struct proc *c, int which)
{
	if (which > 0)
		return (c->pid == which);
	if (which == 0)
		return (c->pgid == p->pgid);
	if (which == -1)
		return (true);
	return (c->pgid == -which);
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
	res->pid = c->pid;
	res->uid = c->uid;
	res->ru = c->ru;
	rusage_add(&res->ru, &c->cru);
	return (true);
}

/*
 * 0: reported, and reaped if *reaped is not NULL; ECHILD: no child matches;
 * EAGAIN: none has anything to report.
 */
static int
wait_scan(struct proc *p, int which, int options, struct kern_wait_result *res,
    struct proc **reaped)
{
	int error = ECHILD;
	struct proc *c;
	bool found;

	kmutex_assert_owned(&p->k->proctree);
	LIST_FOREACH (c, &p->children, sibling) {
		if (c->state == PROC_EMBRYO || !wait_matches(p, c, which))
			continue;
		error = EAGAIN;
		kmutex_lock(&c->lock);
		found = wait_report(c, options, res);
		kmutex_unlock(&c->lock);
		if (!found)
			continue;
		if (c->state == PROC_ZOMBIE && (options & KWAIT_NOWAIT) == 0) {
			kmutex_lock(&p->lock);
			rusage_add(&p->cru, &res->ru);
			kmutex_unlock(&p->lock);
			proc_unlink(c);
			*reaped = c;
		}
		return (0);
	}
	return (error);
}

int
kern_wait(struct lwp *l, int which, int options, struct kern_wait_result *out)
{
	struct proc *p = l->p, *reaped;
	struct kern_wait_result res;
	int error;

	klock_assert_none();
	for (;;) {
		memset(&res, 0, sizeof(res));
		reaped = NULL;
		lwp_sleep_prepare(l);
		kmutex_lock(&p->k->proctree);
		error = wait_scan(p, which, options, &res, &reaped);
		kmutex_unlock(&p->k->proctree);
		if (reaped != NULL)
			proc_release(reaped);
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
