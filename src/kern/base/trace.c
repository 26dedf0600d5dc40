/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Tracing: stops of lwps, and the tie between a tracer and its tracees.
 *
 * Purpose.  What ptrace(2) and a debugger outside of the guest have in common.
 *
 * Concepts.  A tracer is a list of tracees and a function that is called when
 * one of them has stopped or ended.  A tracee is a record of one thread.  It
 * belongs to the tracer's list, and it outlives the thread until its end has
 * been waited for.  For the first thread of a process, which may end before the
 * others, the end that counts is that of the process.
 *
 * A stop is made by the lwp itself, on its own host thread, at the places where
 * it could also return to user code: a signal, a system call, an event
 * (trace_stop()).  The struct trace_stop lies on its stack, and lwp.stop points
 * to it while the lwp waits.  The tracer answers by clearing lwp.stop.  A
 * tracer that ends, and SIGKILL, do the same: the lwp never waits for an answer
 * that cannot come.
 *
 * Nothing forces an lwp into a stop: the tracer marks it (want_trap, or a
 * pending signal) and notifies it like a signal.
 *
 * The registers are those of the trapframe and of the machine; they belong to
 * the lwp's host thread, which sleeps in trace_stop() and cannot leave it
 * without the proc lock.  So a tracer may use them while it holds that lock and
 * lwp.stop is not NULL.
 *
 * Locking and lifetime.  The ties (tracee.tracer, tracee.l, lwp.traced) change
 * under proctree and the tracee's proc lock, and either is enough to read them.
 * A stop begins under both, so that the report, the state and a wait of the
 * tracer agree.  No proc lock of the tracer is taken while that of a tracee is
 * held: two processes may trace each other.
 *
 * Guarantees.  SIGKILL and the end of the process end each stop, but the stop
 * of PTRACE_EVENT_EXIT, which only SIGKILL ends.  No record outlives its
 * tracer.  A record is charged to the process whose call has made it, and an
 * ended thread that was not waited for keeps its number, so that the limit of
 * numbers bounds the records.
 *
 * Limits.  An lwp that is killed does not report PTRACE_EVENT_EXIT.
 */
#include "kern/base/trace.h"

#include <errno.h>
#include <string.h>

#include "abi/ptrace.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"
#include "mem/kmem.h"

/* ---- stops ---- */

static bool
stop_killed_locked(struct lwp *l, const struct trace_stop *s)
{
	struct proc *p = l->p;

	if (s->at_exit)
		return (
		    p->killed || (p->exiting && p->exit_status == LX_SIGKILL));
	return (p->killed || lwp_killed_locked(l));
}

/* True: the lwp has entered the stop. */
static bool
stop_enter(struct lwp *l, struct trace_stop *s)
{
	struct proc *p = l->p;
	struct tracee *tr;
	bool enter;

	kmutex_lock(&p->k->proctree);
	kmutex_lock(&p->lock);
	tr = l->traced;
	enter = tr != NULL;
	if (enter && stop_killed_locked(l, s)) {
		s->sig = 0;
		enter = false;
	}
	if (enter) {
		s->unreported = true;
		s->listening = false;
		s->sig = 0;
		l->stop = s;
		l->killedonly = s->at_exit;
		atomic_store(&l->tflags, 0);
		if (s->group)
			l->stop_seen = p->stop_count;
	}
	kmutex_unlock(&p->lock);
	if (enter)
		tr->tracer->ops->report(tr);
	kmutex_unlock(&p->k->proctree);
	return (enter);
}

/* Is the stop over?  Unless its tracer has ended it, this takes it back. */
static bool
stop_over(struct lwp *l, struct trace_stop *s)
{
	bool over;

	kmutex_lock(&l->p->lock);
	over = l->stop != s;
	if (!over && stop_killed_locked(l, s)) {
		l->stop = NULL;
		s->sig = 0;
		over = true;
	}
	kmutex_unlock(&l->p->lock);
	return (over);
}

bool
trace_stop(struct lwp *l, struct trace_stop *s)
{
	const bool killonly = l->killonly;

	klock_assert_none();
	if (!stop_enter(l, s))
		return (false);
	l->killonly = true;
	for (;;) {
		lwp_sleep_prepare(l);
		if (stop_over(l, s))
			break;
		(void)lwp_sleep(l, UINT64_MAX);
	}
	l->killonly = killonly;
	l->killedonly = false;
	/* What was posted meanwhile is looked at before user code. */
	atomic_store(&l->sigcheck, true);
	return (true);
}

bool
trace_event_chosen(struct lwp *l, int event)
{
	bool chosen;

	kmutex_lock(&l->p->lock);
	chosen = l->traced != NULL &&
		 (l->traced->options & UINT32_C(1) << event) != 0;
	kmutex_unlock(&l->p->lock);
	return (chosen);
}

bool
trace_event(struct lwp *l, int event, uint64_t message)
{
	struct trace_stop s = {
	    .code = LX_SIGTRAP | event << 8,
	    .at_exit = event == LX_PTRACE_EVENT_EXIT,
	    .has_info = true,
	    .info = {.signo = LX_SIGTRAP, .pid = l->tid},
	};

	s.info.code = s.code;
	if (!trace_event_chosen(l, event))
		return (false);
	kmutex_lock(&l->p->lock);
	if (l->traced != NULL)
		l->traced->message = message;
	kmutex_unlock(&l->p->lock);
	(void)trace_stop(l, &s);
	return (true);
}

/* ---- ties ---- */

int
trace_alloc(struct proc *p, struct tracee **out)
{
	struct tracee *tr = kmem_zalloc(sizeof(*tr));

	if (tr == NULL)
		return (ENOMEM);
	proc_hold(p);
	tr->p = p;
	*out = tr;
	return (0);
}

void
trace_free(struct tracee *tr)
{
	if (tr == NULL)
		return;
	proc_drop(tr->p);
	kmem_free(tr);
}

void
trace_free_list(struct tracee_list *dead)
{
	struct tracee *tr;

	while ((tr = LIST_FIRST(dead)) != NULL) {
		LIST_REMOVE(tr, link);
		trace_free(tr);
	}
}

void
trace_link_locked(
    struct tracee *tr, struct tracer *tracer, int owner, struct lwp *l)
{
	struct proc *p = l->p;

	kmutex_assert_owned(&p->k->proctree);
	kmutex_assert_owned(&p->lock);
	KVERIFY(l->traced == NULL && tr->p == p && tracer->ops != NULL);
	tr->tracer = tracer;
	tr->owner = owner;
	tr->l = l;
	tr->tid = l->tid;
	/* A stop of the process that is in effect is new to this tracer. */
	l->stop_seen = p->stop_count - 1;
	l->traced = tr;
	if (l->tid == p->pid) {
		KVERIFY(p->traced == NULL);
		p->traced = tr;
	}
	LIST_INSERT_HEAD(&tracer->tracees, tr, link);
}

void
trace_unlink_locked(struct tracee *tr, int sig)
{
	struct lwp *l = tr->l;
	struct proc *p = tr->p;
	struct trace_stop *s;

	kmutex_assert_owned(&p->k->proctree);
	kmutex_assert_owned(&p->lock);
	LIST_REMOVE(tr, link);
	if (p->traced == tr)
		p->traced = NULL;
	if (tr->keeps_tid)
		pid_free(p->k, tr->tid);
	tr->keeps_tid = false;
	if (l == NULL)
		return;
	tr->l = NULL;
	l->traced = NULL;
	atomic_store(&l->tflags, 0);
	s = l->stop;
	if (s != NULL && sig < 0)
		sig = s->signal && s->unreported ? s->info.signo : 0;
	if (s != NULL) {
		s->sig = sig;
		l->stop = NULL;
	}
	/* A stop of the process takes effect on it again. */
	lwp_notify(l);
}

void
trace_forget(struct tracee *tr, struct tracee_list *dead)
{
	KASSERT(tr->ended);
	kmutex_lock(&tr->p->lock);
	trace_unlink_locked(tr, 0);
	kmutex_unlock(&tr->p->lock);
	LIST_INSERT_HEAD(dead, tr, link);
}

void
trace_inherit(struct lwp *l, struct lwp *nl, int event, struct tracee **trp)
{
	struct vkernel *k = l->p->k;
	struct tracee *tr = *trp, *from;

	if (tr == NULL)
		return;
	kmutex_lock(&k->proctree);
	from = l->traced;
	if (from == NULL ||
	    (event != 0 && (from->options & UINT32_C(1) << event) == 0))
		goto out;
	kmutex_lock(&nl->p->lock);
	tr->seized = from->seized;
	tr->options = from->options;
	trace_link_locked(tr, from->tracer, from->owner, nl);
	if (tr->seized)
		tr->want_trap = true;
	else
		sigpending_add(k, &nl->sigpend,
		    &(struct ksiginfo){
			.signo = LX_SIGSTOP, .code = LX_SI_KERNEL},
		    NULL);
	atomic_store(&nl->sigcheck, true);
	kmutex_unlock(&nl->p->lock);
	*trp = NULL;
out:
	kmutex_unlock(&k->proctree);
}

/* ---- the tracer ---- */

bool
trace_stopped_locked(const struct lwp *l)
{
	kmutex_assert_owned(&l->p->lock);
	return (l->stop != NULL && !l->stop->listening);
}

void
trace_resume_locked(struct lwp *l, enum trace_mode mode, int sig)
{
	struct trace_stop *s = l->stop;
	unsigned flags = 0;

	kmutex_assert_owned(&l->p->lock);
	KASSERT(s != NULL && l->traced != NULL);
	s->sig = sig;
	if (mode == TRACE_SYSCALL)
		flags |= LWP_TRACE_SYSCALL;
	if (mode == TRACE_STEP)
		flags |= LWP_TRACE_STEP;
	for (int i = 0; i < TRACE_WATCHES; i++)
		if (trace_watch_enabled(l->traced->watch.dr7, i))
			flags |= LWP_TRACE_WATCH;
	atomic_store(&l->tflags, flags);
	l->stop = NULL;
	lwp_wakeup(l);
}

void
trace_interrupt_locked(struct lwp *l)
{
	kmutex_assert_owned(&l->p->lock);
	KASSERT(l->traced != NULL);
	l->traced->want_trap = true;
	if (l->stop == NULL)
		lwp_notify(l);
	else if (l->stop->listening)
		trace_resume_locked(l, TRACE_CONT, 0);
}

int
trace_tracer_pid_locked(const struct lwp *l)
{
	const struct tracee *tr = l->traced;

	kmutex_assert_owned(&l->p->lock);
	return (tr != NULL && tr->tracer->p != NULL ? tr->tracer->p->pid : 0);
}

/* ---- ends ---- */

bool
trace_lwp_gone_locked(struct lwp *l, struct tracee **report)
{
	struct tracee *tr = l->traced;
	struct proc *p = l->p;

	*report = NULL;
	if (tr == NULL)
		return (false);
	KVERIFY(l->stop == NULL);
	l->traced = NULL;
	tr->l = NULL;
	if (l->tid == p->pid)
		return (false); /* trace_proc_gone() or trace_exec() */
	tr->ended = true;
	tr->keeps_tid = true;
	tr->status = p->exiting ? p->exit_status : l->exit_status;
	tr->uid = p->cred->uid;
	tr->utime = atomic_load(&l->user_ns);
	tr->stime = atomic_load(&l->sys_ns);
	*report = tr;
	return (true);
}

bool
trace_proc_gone(struct proc *p, struct tracee_list *dead)
{
	struct tracee *tr = p->traced;

	kmutex_assert_owned(&p->k->proctree);
	if (tr == NULL)
		return (false);
	tr->ended = true;
	tr->status = p->exit_status;
	tr->uid = p->cred->uid;
	tr->utime = p->ru.utime;
	tr->stime = p->ru.stime;
	if (p->parent != NULL && tr->tracer == &p->parent->tracer) {
		trace_forget(tr, dead);
		return (false);
	}
	tr->tracer->ops->report(tr);
	return (true);
}

void
trace_exec(struct lwp *l, int tid, struct tracee_list *dead)
{
	struct proc *p = l->p;
	struct tracee *tr = p->traced;
	bool first = tr != NULL && tr->l == NULL;

	kmutex_assert_owned(&p->k->proctree);
	KASSERT(l->tid == p->pid);
	/* Its number is now that of l, and it did not end: a tracer that waits
	 * for it looks again. */
	if (first)
		tr->tracer->ops->report(tr);
	kmutex_lock(&p->lock);
	if (first) {
		trace_unlink_locked(tr, 0);
		LIST_INSERT_HEAD(dead, tr, link);
	}
	if (l->traced != NULL) {
		l->traced->tid = l->tid;
		p->traced = l->traced;
	}
	kmutex_unlock(&p->lock);
	LIST_FOREACH (tr, &p->tracer.tracees, link)
		if (tr->owner == tid)
			tr->owner = l->tid;
}

struct tracee *
trace_owned(struct proc *p, int tid)
{
	struct tracee *tr;

	kmutex_assert_owned(&p->k->proctree);
	LIST_FOREACH (tr, &p->tracer.tracees, link)
		if (tr->owner == tid)
			return (tr);
	return (NULL);
}
