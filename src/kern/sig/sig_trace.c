/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signals: what the tracer of an lwp sees of them.
 *
 * Concepts.  Each signal but SIGKILL is shown to the tracer when it is taken,
 * and the tracer answers with a signal, the same or another one, or with none.
 * A stop of the process is a second stop of each traced lwp, which the tracer
 * ends for that lwp alone.
 *
 * Restart.  An interrupted system call that may be restarted shows that in the
 * registers, as on Linux: orig_rax is its number and rax the negative code.  A
 * debugger that calls a function of the program saves these registers, sets
 * orig_rax to -1, and restores all later, perhaps at the stop of another
 * signal.  So after each stop the decision is made from the registers.
 *
 * Locking: see the contracts; the registers are the lwp's own while it does not
 * stop.
 */
#include "kern/sig/sig_trace.h"

#include <errno.h>

#include "abi/ptrace.h"
#include "abi/signal.h"
#include "kern/base/proc.h"
#include "kern/base/restart.h"
#include "kern/sig/ksignal.h"

void
sig_trace_show_error(struct lwp *l, int error)
{
	if (restart_is(error))
		l->cpu->tf.rax = (uint64_t) - (int64_t)error;
}

int
sig_trace_seen_error(struct lwp *l)
{
	struct trapframe *tf = &l->cpu->tf;
	int64_t rax = (int64_t)tf->rax;

	if ((int64_t)tf->orig_rax < 0 || rax > 0 || rax < -ERESTART_BLOCK ||
	    !restart_is((int)-rax))
		return (0);
	l->sc_nr = (int)tf->orig_rax;
	return ((int)-rax);
}

/* The siginfo of a stop that is no signal of the program. */
static void
stop_info(struct lwp *l, struct trace_stop *s, int signo)
{
	s->has_info = true;
	s->info = (struct ksiginfo){
	    .signo = signo,
	    .code = s->code,
	    .pid = l->tid,
	    .uid = l->cred->uid,
	};
}

void
sig_trace_trap(struct lwp *l, int *error)
{
	struct proc *p = l->p;
	struct trace_stop s = {0};
	int signo = p->state == PROC_STOPPED ? p->stop_sig : LX_SIGTRAP;
	bool seized = l->traced->seized;

	l->traced->want_trap = false;
	s.group = p->state == PROC_STOPPED;
	kmutex_unlock(&p->lock);
	s.code = seized ? signo | LX_PTRACE_EVENT_STOP << 8 : signo;
	if (seized)
		stop_info(l, &s, signo);
	sig_trace_show_error(l, *error);
	(void)trace_stop(l, &s);
	*error = sig_trace_seen_error(l);
}

void
sig_trace_signal(struct lwp *l, int *error, struct ksiginfo *info)
{
	struct trace_stop s = {
	    .code = info->signo,
	    .signal = true,
	    .has_info = true,
	    .sig = info->signo,
	    .info = *info,
	};

	sig_trace_show_error(l, *error);
	(void)trace_stop(l, &s);
	*error = sig_trace_seen_error(l);
	if (s.sig == s.info.signo)
		*info = s.info;
	else
		*info = (struct ksiginfo){.signo = s.sig, .code = LX_SI_USER};
}

void
sig_trace_handler(struct lwp *l)
{
	struct trace_stop s = {.code = LX_SIGTRAP};

	if ((atomic_load(&l->tflags) & LWP_TRACE_STEP) == 0)
		return;
	stop_info(l, &s, LX_SIGTRAP);
	(void)trace_stop(l, &s);
}

bool
sig_trace_syscall(struct lwp *l, bool entry)
{
	struct ksiginfo post = {.code = LX_SI_USER};
	struct trace_stop s = {.code = LX_SIGTRAP};
	struct proc *p = l->p;
	bool wanted;

	kmutex_lock(&p->lock);
	wanted = l->traced != NULL &&
		 (atomic_load(&l->tflags) & LWP_TRACE_SYSCALL) != 0;
	if (wanted) {
		if ((l->traced->options & LX_PTRACE_O_TRACESYSGOOD) != 0)
			s.code |= 0x80;
		l->traced->message = entry ? LX_PTRACE_EVENTMSG_SYSCALL_ENTRY
					   : LX_PTRACE_EVENTMSG_SYSCALL_EXIT;
	}
	kmutex_unlock(&p->lock);
	if (!wanted)
		return (false);
	s.op = entry ? TRACE_OP_ENTRY : TRACE_OP_EXIT;
	stop_info(l, &s, LX_SIGTRAP);
	if (!trace_stop(l, &s))
		return (false);
	post.signo = s.sig;
	if (s.sig != 0)
		ksig_post_lwp(l, &post);
	return (true);
}

void
sig_trace_stepped(struct lwp *l)
{
	const struct ksiginfo info = {
	    .signo = LX_SIGTRAP,
	    .code = LX_TRAP_BRKPT,
	    .addr = l->cpu->tf.rip,
	    .forced = true,
	};

	if ((atomic_load(&l->tflags) & LWP_TRACE_STEP) != 0)
		ksig_force(l, &info);
}
