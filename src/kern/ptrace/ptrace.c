/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Guests as tracers.
 *
 * Concepts.  A tracer is a thread: requests of other threads of its process
 * fail with ESRCH, and its tracees are let go when it ends.  Their reports are
 * SIGCHLD and a wake of the process's lwps, which find the tracees in wait
 * (proc/wait.c).
 *
 * Rights.  A process may trace those that it may look into (base/access.h), but
 * no thread of its own.  A tracee that changes to another program or user stays
 * traced, but its memory is refused once it is not dumpable.
 *
 * Locking: a request holds proctree and the tracee's proc lock from the check
 * that the tracee has stopped to the end of what it does with it.
 */
#include "kern/ptrace/ptrace.h"

#include <errno.h>

#include "abi/ptrace.h"
#include "kern/base/access.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/sig/ksignal.h"
#include "vm/vmspace.h"

/* ---- reports ---- */

static void
report_info(struct tracee *tr, struct ksiginfo *ksi)
{
	const struct trace_stop *s;
	struct proc *p = tr->p;

	*ksi = (struct ksiginfo){.signo = LX_SIGCHLD, .pid = tr->tid};
	kmutex_lock(&p->lock);
	ksi->uid = p->cred->uid;
	s = tr->l != NULL ? tr->l->stop : NULL;
	if (s != NULL) {
		ksi->code = s->group ? LX_CLD_STOPPED : LX_CLD_TRAPPED;
		ksi->status = s->code & 0x7f;
	} else if (tr->ended && (tr->status & 0x7f) == 0) {
		ksi->code = LX_CLD_EXITED;
		ksi->status = tr->status >> 8 & 0xff;
	} else if (tr->ended) {
		ksi->code = LX_CLD_KILLED;
		ksi->status = tr->status & 0x7f;
	} else {
		ksi->signo = 0;
	}
	kmutex_unlock(&p->lock);
}

static void
guest_report(struct tracee *tr)
{
	struct proc *tracer = tr->tracer->p;
	struct lx_sigaction sa;
	struct ksiginfo ksi;

	report_info(tr, &ksi);
	kmutex_lock(&tracer->lock);
	kmutex_lock(&tracer->sigacts->lock);
	sa = tracer->sigacts->sa[LX_SIGCHLD];
	kmutex_unlock(&tracer->sigacts->lock);
	if (!tr->ended && (sa.flags & LX_SA_NOCLDSTOP) != 0)
		ksi.signo = 0;
	if (ksi.signo != 0)
		ksig_post_proc_locked(tracer, &ksi);
	proc_wake_lwps(tracer);
	kmutex_unlock(&tracer->lock);
}

static const struct tracer_ops guest_tracer_ops = {
    .report = guest_report,
};

/* ---- attaching ---- */

/* The thread of the parent that is the tracer; 0: it has none left. */
static int
parent_thread(struct proc *parent, int tid)
{
	const struct lwp *l;

	kmutex_lock(&parent->lock);
	l = tid != 0 ? proc_lwp_locked(parent, tid) : NULL;
	if (l == NULL)
		l = LIST_FIRST(&parent->lwps);
	tid = l != NULL && !parent->exiting ? l->tid : 0;
	kmutex_unlock(&parent->lock);
	return (tid);
}

int
kern_ptrace_traceme(struct lwp *l)
{
	struct proc *p = l->p, *parent;
	struct vkernel *k = p->k;
	struct tracee *tr;
	int error, owner;

	error = trace_alloc(p, &tr);
	if (error != 0)
		return (error);
	kmutex_lock(&k->proctree);
	parent = p->parent;
	owner = parent != NULL ? parent_thread(parent, p->parent_tid) : 0;
	kmutex_lock(&p->lock);
	if (owner == 0 || l->traced != NULL) {
		error = EPERM;
	} else {
		parent->tracer.ops = &guest_tracer_ops;
		trace_link_locked(tr, &parent->tracer, owner, l);
	}
	kmutex_unlock(&p->lock);
	kmutex_unlock(&k->proctree);
	if (error != 0)
		trace_free(tr);
	return (error);
}

/* Proc lock of p held. */
static int
attach_check(struct lwp *l, struct proc *p, struct lwp *t,
    const struct proc_caller *caller)
{
	if (p == l->p)
		return (EPERM);
	if (t == NULL || p->state == PROC_EMBRYO)
		return (ESRCH);
	if (p->exiting || t->traced != NULL)
		return (EPERM);
	return (proc_may_access_locked(p, caller));
}

/* A new tracee is to stop.  Proc lock held. */
static void
attach_stop(struct lwp *t, bool seize)
{
	struct proc *p = t->p;

	if (!seize)
		ksig_post_lwp_locked(t, &(struct ksiginfo){.signo = LX_SIGSTOP,
					    .code = LX_SI_KERNEL});
	if (p->state == PROC_STOPPED) {
		/* It leaves that stop for one of its tracer. */
		lwp_notify(t);
		kcond_broadcast(&p->cond);
	}
}

int
kern_ptrace_attach(struct lwp *l, int tid, bool seize, uint64_t options)
{
	const struct proc_caller caller = proc_caller_real(l);
	struct vkernel *k = l->p->k;
	struct tracee *tr;
	struct proc *p;
	struct lwp *t;
	int error;

	if ((options & ~(uint64_t)LX_PTRACE_O_KNOWN) != 0)
		return (EIO);
	p = proc_find_tid_hold(k, tid);
	if (p == NULL)
		return (ESRCH);
	error = trace_alloc(p, &tr);
	if (error != 0)
		goto out;
	kmutex_lock(&k->proctree);
	kmutex_lock(&p->lock);
	t = proc_lwp_locked(p, tid);
	error = attach_check(l, p, t, &caller);
	if (error == 0) {
		tr->seized = seize;
		tr->options = (uint32_t)options;
		l->p->tracer.ops = &guest_tracer_ops;
		trace_link_locked(tr, &l->p->tracer, l->tid, t);
		attach_stop(t, seize);
	}
	kmutex_unlock(&p->lock);
	kmutex_unlock(&k->proctree);
	if (error != 0)
		trace_free(tr);
out:
	proc_drop(p);
	return (error);
}

/* ---- requests ---- */

int
kern_ptrace_lock(struct lwp *l, int tid, bool stopped, struct lwp **out)
{
	struct vkernel *k = l->p->k;
	struct lwp *t = NULL;
	struct proc *p;

	kmutex_lock(&k->proctree);
	p = proc_find_tid_locked(k, tid);
	if (p == NULL)
		goto none;
	kmutex_lock(&p->lock);
	t = proc_lwp_locked(p, tid);
	if (t != NULL && t->traced != NULL &&
	    t->traced->tracer == &l->p->tracer && t->traced->owner == l->tid &&
	    (!stopped || trace_stopped_locked(t))) {
		*out = t;
		return (0);
	}
	kmutex_unlock(&p->lock);
none:
	kmutex_unlock(&k->proctree);
	return (ESRCH);
}

void
kern_ptrace_unlock(struct lwp *t)
{
	struct proc *p = t->p;
	struct vkernel *k = p->k;

	kmutex_unlock(&p->lock);
	kmutex_unlock(&k->proctree);
}

int
kern_ptrace_resume(struct lwp *l, int tid, enum trace_mode mode, uint64_t sig)
{
	struct lwp *t;
	int error;

	error = kern_ptrace_lock(l, tid, true, &t);
	if (error != 0)
		return (error);
	if (sig > KNSIG)
		error = EIO;
	else
		trace_resume_locked(t, mode, (int)sig);
	kern_ptrace_unlock(t);
	return (error);
}

int
kern_ptrace_detach(struct lwp *l, int tid, uint64_t sig)
{
	struct tracee *tr = NULL;
	struct lwp *t;
	int error;

	error = kern_ptrace_lock(l, tid, true, &t);
	if (error != 0)
		return (error);
	if (sig > KNSIG) {
		error = EIO;
	} else {
		tr = t->traced;
		trace_unlink_locked(tr, (int)sig);
	}
	kern_ptrace_unlock(t);
	trace_free(tr);
	return (error);
}

int
kern_ptrace_kill(struct lwp *l, int tid)
{
	struct lwp *t;
	int error;

	error = kern_ptrace_lock(l, tid, false, &t);
	if (error != 0)
		return (error);
	ksig_post_proc_locked(t->p,
	    &(struct ksiginfo){.signo = LX_SIGKILL, .code = LX_SI_KERNEL});
	kern_ptrace_unlock(t);
	return (0);
}

int
kern_ptrace_interrupt(struct lwp *l, int tid)
{
	struct lwp *t;
	int error;

	error = kern_ptrace_lock(l, tid, false, &t);
	if (error != 0)
		return (error);
	if (t->traced->seized)
		trace_interrupt_locked(t);
	else
		error = EIO;
	kern_ptrace_unlock(t);
	return (error);
}

int
kern_ptrace_listen(struct lwp *l, int tid)
{
	struct lwp *t;
	int error;

	error = kern_ptrace_lock(l, tid, true, &t);
	if (error != 0)
		return (error);
	if (!t->traced->seized || t->stop->code >> 8 != LX_PTRACE_EVENT_STOP) {
		error = EIO;
		goto out;
	}
	t->stop->listening = true;
	/* What this stop has missed makes another one. */
	if (t->traced->want_trap)
		trace_interrupt_locked(t);
out:
	kern_ptrace_unlock(t);
	return (error);
}

int
kern_ptrace_set_options(struct lwp *l, int tid, uint64_t options)
{
	struct lwp *t;
	int error;

	error = kern_ptrace_lock(l, tid, true, &t);
	if (error != 0)
		return (error);
	if ((options & ~(uint64_t)LX_PTRACE_O_KNOWN) != 0)
		error = EINVAL;
	else
		t->traced->options = (uint32_t)options;
	kern_ptrace_unlock(t);
	return (error);
}

int
kern_ptrace_vmspace(struct lwp *l, int tid, struct vmspace **out)
{
	const struct proc_caller caller = proc_caller_real(l);
	struct lwp *t;
	int error;

	error = kern_ptrace_lock(l, tid, true, &t);
	if (error != 0)
		return (error);
	if (!t->p->dumpable && !caller.capable) {
		error = EIO;
	} else {
		vmspace_hold(t->p->vmspace);
		*out = t->p->vmspace;
	}
	kern_ptrace_unlock(t);
	return (error);
}
