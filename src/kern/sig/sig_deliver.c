/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signals: delivery, stops, and the fate of interrupted system calls.
 *
 * ksig_deliver() runs on the lwp's own host thread, just before user mode.  It
 * takes signals until none is deliverable: each is ignored, ends the process,
 * stops it, or pushes a handler frame; several frames may be pushed one above
 * the other, so that the last signal's handler runs first.
 *
 * Restart.  A system call that a signal interrupted returned one of the
 * restart codes.  The registers are then set either to run the `syscall`
 * instruction again (rip two bytes back, rax the number) or to -EINTR.  That is
 * decided once: by the code and the handler's sa_flags at the first signal with
 * a handler, or else when no deliverable signal is left.  It is done before the
 * frame is built, because the frame saves the registers.
 *
 * Stops.  The lwp that takes a stop signal sets PROC_STOPPED and notifies the
 * others; each of them waits here, on p->cond.  SIGCONT (sig.c) sets
 * PROC_ALIVE, and the first lwp to wake finds stop_sig set and reports to the
 * parent.  SIGKILL and exit end the stop as well.  A traced lwp waits for its
 * tracer instead (sig_trace.c), and may run while the process counts as
 * stopped.
 *
 * Locking.  The proc lock is held from looking at a signal to acting on it, so
 * that no SIGCONT is posted in between; it is dropped for user memory, for
 * reports to the parent (proctree) and for kern_exit().
 */
#include "kern/sig/ksignal.h"

#include "abi/signal.h"
#include "abi/syscall.h"
#include "kern/base/lwp.h"
#include "kern/base/restart.h"
#include "kern/base/session.h"
#include "kern/base/vkernel.h"
#include "kern/sig/pause.h"
#include "kern/sig/sig_trace.h"

#include <errno.h>

#define SYSCALL_INSN_LEN 2

static void
sig_restart(struct lwp *l, int error, bool handler, uint64_t sa_flags)
{
	struct trapframe *tf = &l->cpu->tf;
	uint64_t nr = (uint64_t)l->sc_nr;

	switch (error) {
	case ERESTARTSYS:
		if (handler && (sa_flags & LX_SA_RESTART) == 0) {
			tf->rax = (uint64_t)-EINTR;
			return;
		}
		break;
	case ERESTARTNOINTR:
		break;
	case ERESTARTNOHAND:
		if (handler) {
			tf->rax = (uint64_t)-EINTR;
			return;
		}
		break;
	case ERESTART_BLOCK:
		if (handler) {
			tf->rax = (uint64_t)-EINTR;
			return;
		}
		nr = LX_NR_RESTART_SYSCALL;
		break;
	default:
		return;
	}
	tf->rax = nr;
	tf->rip -= SYSCALL_INSN_LEN;
}

/* Stop the process; the caller then waits in sig_park().  Proc lock held. */
static void
sig_stop(struct lwp *l, int signo)
{
	struct proc *p = l->p;
	struct lwp *o;

	p->state = PROC_STOPPED;
	p->stop_count++;
	p->stop_sig = signo;
	p->stopped_ns = host_now_ns();
	p->stop_report = true;
	p->cont_report = false;
	LIST_FOREACH (o, &p->lwps, link) {
		if (o != l)
			lwp_notify(o);
	}
	kcond_broadcast(&p->cond);
}

/* Report to the parent that p stopped or continued: SIGCHLD, unless
 * SA_NOCLDSTOP, and wait.  The caller has set stop_report or cont_report.  No
 * locks held. */
static void
sig_report_parent(struct proc *p, int cld_code, int sig)
{
	struct vkernel *k = p->k;
	struct ksiginfo ksi = {
	    .signo = LX_SIGCHLD,
	    .code = cld_code,
	    .pid = p->pid,
	    .status = sig,
	};
	struct proc *parent;
	bool quiet;

	kmutex_lock(&k->proctree);
	parent = p->parent;
	/* A parent that traces p sees the stop as its tracer. */
	if (cld_code == LX_CLD_STOPPED && parent != NULL && p->traced != NULL &&
	    p->traced->tracer == &parent->tracer)
		parent = NULL;
	if (parent != NULL) {
		ksi.uid = proc_uid(p);
		ksi.pid = pidns_out_locked(k, parent->pidns, p->pid);
		kmutex_lock(&parent->lock);
		kmutex_lock(&parent->sigacts->lock);
		quiet = (parent->sigacts->sa[LX_SIGCHLD].flags &
			    LX_SA_NOCLDSTOP) != 0;
		kmutex_unlock(&parent->sigacts->lock);
		if (!quiet)
			ksig_post_proc_locked(parent, &ksi);
		proc_wake_lwps(parent);
		kmutex_unlock(&parent->lock);
	}
	kmutex_unlock(&k->proctree);
}

/* Proc lock held on entry, not on return. */
static void
sig_park(struct lwp *l)
{
	struct proc *p = l->p;

	atomic_store(&l->state, LWP_STOPPED);
	while (p->state == PROC_STOPPED && l->traced == NULL &&
	       !lwp_killed_locked(l))
		kcond_wait(&p->cond, &p->lock);
	atomic_store(&l->state, LWP_RUN);
	kmutex_unlock(&p->lock);
}

/* The process was continued, and no lwp has reported that yet.  Proc lock held
 * on entry, not on return. */
static void
sig_continued(struct lwp *l)
{
	struct proc *p = l->p;

	p->stop_sig = 0;
	kmutex_unlock(&p->lock);
	sig_report_parent(p, LX_CLD_CONTINUED, LX_SIGCONT);
	kern_swap_back(l);
}

/* The disposition of signo, which SA_RESETHAND resets. */
static struct lx_sigaction
sig_action_use(struct proc *p, int signo)
{
	struct lx_sigaction sa, *slot = &p->sigacts->sa[signo];

	kmutex_lock(&p->sigacts->lock);
	sa = *slot;
	if (sa.handler > LX_SIG_IGN && (sa.flags & LX_SA_RESETHAND) != 0)
		slot->handler = LX_SIG_DFL;
	kmutex_unlock(&p->sigacts->lock);
	return (sa);
}

/* Run a handler.  Proc lock held on entry, not on return.  True: the frame of
 * SIGSEGV itself could not be built, and the process has ended. */
static bool
sig_run_handler(
    struct lwp *l, const struct lx_sigaction *sa, const struct ksiginfo *info)
{
	struct proc *p = l->p;
	uint64_t mask = l->sigmask_restore ? l->sigmask_saved : l->sigmask;
	uint64_t block = sa->mask;

	if ((sa->flags & LX_SA_NODEFER) == 0)
		block |= KSIGBIT(info->signo);
	kmutex_unlock(&p->lock);
	if (sigframe_push(l, sa, info, mask) == 0) {
		kmutex_lock(&p->lock);
		l->sigmask_restore = false;
		ksig_setmask_locked(l, l->sigmask | block);
		kmutex_unlock(&p->lock);
		return (false);
	}
	if (info->signo == LX_SIGSEGV) {
		kern_exit(l, LX_SIGSEGV, true);
		return (true);
	}
	ksig_force(
	    l, &(struct ksiginfo){
		   .signo = LX_SIGSEGV, .code = LX_SI_KERNEL, .forced = true});
	return (false);
}

/* What to do about the next signal. */
enum sig_act {
	ACT_NONE,
	ACT_AGAIN,
	ACT_ORPHAN,
	ACT_SHOW, /* to its tracer first */
	ACT_STOP,
	ACT_DIE,
	ACT_RUN,
};

/* What a signal that was taken does.  Proc lock held. orphaned: the process
 * group is. */
static enum sig_act
sig_decide(struct proc *p, int signo, bool orphaned, struct lx_sigaction *sa)
{
	bool stops;

	*sa = sig_action_use(p, signo);
	stops = sa->handler == LX_SIG_DFL && ksig_default_stops(signo);
	if (sa->handler == LX_SIG_IGN && signo != LX_SIGKILL &&
	    signo != LX_SIGSTOP)
		return (ACT_AGAIN);
	if (sa->handler > LX_SIG_IGN && signo != LX_SIGKILL &&
	    signo != LX_SIGSTOP)
		return (ACT_RUN);
	if (ksig_default_ignored(signo))
		return (ACT_AGAIN);
	if (stops && (signo == LX_SIGSTOP || !orphaned))
		return (ACT_STOP);
	return (stops ? ACT_AGAIN : ACT_DIE);
}

/* Take the next signal, and decide about it.  Proc lock held throughout.
 * orphaned: the process group is orphaned (1), is not (0), or was not looked up
 * yet (-1). */
static enum sig_act
sig_next(
    struct lwp *l, int orphaned, struct ksiginfo *info, struct lx_sigaction *sa)
{
	struct proc *p = l->p;
	int signo = ksig_peek_locked(l, ~l->sigmask);
	bool show;

	if (signo == 0)
		return (ACT_NONE);
	show = l->traced != NULL && signo != LX_SIGKILL;
	/* A tracer may answer with any signal. */
	if (orphaned < 0 && signo != LX_SIGSTOP &&
	    (show || ksig_default_stops(signo)))
		return (ACT_ORPHAN);
	(void)ksig_take_locked(l, KSIGBIT(signo), info);
	return (show ? ACT_SHOW : sig_decide(p, signo, orphaned > 0, sa));
}

/* Show a taken signal to the tracer, and decide about its answer.  Proc lock
 * held on entry and on return, not between. */
static enum sig_act
sig_show(struct lwp *l, bool orphaned, int *error, struct ksiginfo *info,
    struct lx_sigaction *sa)
{
	struct proc *p = l->p;

	kmutex_unlock(&p->lock);
	sig_trace_signal(l, error, info);
	kmutex_lock(&p->lock);
	if (info->signo == 0 || lwp_must_end_locked(p, l))
		return (ACT_AGAIN);
	if ((l->sigmask & KSIGBIT(info->signo)) != 0) {
		sigpending_add(p->k, &l->sigpend, info, NULL);
		return (ACT_AGAIN);
	}
	return (sig_decide(p, info->signo, orphaned, sa));
}

/* Is there a reason to wait before signals are looked at?  Proc lock held on
 * entry; true: it has waited, or reported something, and the lock is not held
 * on return. */
static bool
sig_held(struct lwp *l, int *error)
{
	struct proc *p = l->p;

	if (kern_paused(p->k) && !lwp_killed_locked(l)) {
		kmutex_unlock(&p->lock);
		kern_pause_wait(l);
	} else if (ksig_trap_due_locked(l)) {
		sig_trace_trap(l, error);
	} else if (p->state == PROC_STOPPED && l->traced == NULL) {
		sig_park(l);
	} else if (p->state == PROC_ALIVE && p->stop_sig != 0) {
		sig_continued(l);
	} else {
		return (false);
	}
	return (true);
}

bool
ksig_deliver(struct lwp *l, bool in_syscall, int error)
{
	struct proc *p = l->p;
	struct lx_sigaction sa;
	struct ksiginfo info;
	enum sig_act act;
	int orphaned = -1;

	if (!in_syscall)
		error = 0;
	for (;;) {
		if (l->exiting)
			return (true);
		atomic_store(&l->sigcheck, false);
		kmutex_lock(&p->lock);
		if (lwp_must_end_locked(p, l)) {
			kmutex_unlock(&p->lock);
			kern_exit(l, 0, false);
			return (true);
		}
		if (sig_held(l, &error))
			continue;
		act = sig_next(l, orphaned, &info, &sa);
		if (act == ACT_SHOW) {
			act = sig_show(l, orphaned > 0, &error, &info, &sa);
			orphaned = -1;
		}
		switch (act) {
		case ACT_SHOW:
		case ACT_NONE:
			sig_restart(l, error, false, 0);
			error = 0;
			if (l->sigmask_restore) {
				l->sigmask_restore = false;
				ksig_setmask_locked(l, l->sigmask_saved);
				kmutex_unlock(&p->lock);
				continue;
			}
			kmutex_unlock(&p->lock);
			return (false);
		case ACT_AGAIN:
			kmutex_unlock(&p->lock);
			continue;
		case ACT_ORPHAN:
			kmutex_unlock(&p->lock);
			orphaned = pgrp_orphaned(p->k, p->pgid) ? 1 : 0;
			continue;
		case ACT_STOP:
			sig_stop(l, info.signo);
			kmutex_unlock(&p->lock);
			sig_report_parent(p, LX_CLD_STOPPED, info.signo);
			orphaned = -1;
			continue;
		case ACT_DIE:
			kmutex_unlock(&p->lock);
			kern_exit(l, info.signo, true);
			return (true);
		case ACT_RUN:
			sig_restart(l, error, true, sa.flags);
			error = 0;
			if (sig_run_handler(l, &sa, &info))
				return (true);
			sig_trace_handler(l);
			continue;
		}
	}
}
