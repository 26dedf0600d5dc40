/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What a tracer sees of an lwp's system calls and of its end.
 *
 * Concepts.  Before a call the tracer may change its number and arguments, or
 * skip it with number -1; rax is -ENOSYS then, as on Linux.  After the call it
 * may change the result, also that the call was interrupted (sig_trace.c).  An
 * lwp that is stepped over a system call stops after it by SIGTRAP.
 *
 * Locking: the lwp calls these itself, without locks.
 */
#include <errno.h>

#include "abi/ptrace.h"
#include "kern/base/vkernel.h"
#include "kern/proc/process.h"
#include "kern/sig/sig_trace.h"

/* A call that the tracer may see. */
static int
traced_syscall(struct lwp *l)
{
	struct trapframe *tf = &l->cpu->tf;
	const uint64_t rax = tf->rax;
	int error;

	tf->rax = (uint64_t)-ENOSYS;
	if (!sig_trace_syscall(l, true))
		tf->rax = rax;
	if (lwp_killed(l))
		return (EINTR);
	if ((int32_t)tf->orig_rax < 0)
		error = 0; /* rax is what the tracer has left there */
	else
		error = l->p->k->sysops->dispatch(l);
	if (l->exiting)
		return (error);
	sig_trace_show_error(l, error);
	if (sig_trace_syscall(l, false))
		error = sig_trace_seen_error(l);
	sig_trace_stepped(l);
	return (error);
}

int
lwp_syscall(struct lwp *l)
{
	if (atomic_load_explicit(&l->tflags, memory_order_relaxed) == 0)
		return (l->p->k->sysops->dispatch(l));
	return (traced_syscall(l));
}

void
lwp_trace_exit(struct lwp *l)
{
	struct proc *p = l->p;
	int status;

	kmutex_lock(&p->lock);
	status = p->exiting ? p->exit_status : l->exit_status;
	kmutex_unlock(&p->lock);
	(void)trace_event(l, LX_PTRACE_EVENT_EXIT, (uint64_t)status);
}
