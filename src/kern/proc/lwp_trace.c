/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What filters and a tracer see of an lwp's system calls, and the tracer of its
 * end.
 *
 * Concepts.  Before a call the tracer may change its number and arguments, or
 * skip it with number -1; rax is -ENOSYS then, as on Linux.  After the call it
 * may change the result, also that the call was interrupted (sig_trace.c).  An
 * lwp that is stepped over a system call stops after it by SIGTRAP.
 *
 * The filters of the lwp (seccomp.c) decide after the tracer, about the call
 * that it has left.  If they ask for the tracer, they decide once more, and an
 * answer that asks again lets the call through.
 *
 * Locking: the lwp calls these itself, without locks.
 */
#include <errno.h>

#include "abi/ptrace.h"
#include "abi/syscall.h"
#include "kern/base/restart.h"
#include "kern/base/seccomp.h"
#include "kern/base/vkernel.h"
#include "kern/proc/process.h"
#include "kern/sig/ksignal.h"
#include "kern/sig/sig_trace.h"

/* ---- filters ---- */

static void
filter_kill(struct lwp *l, bool group)
{
	unsigned filters;
	int sig = seccomp_mode(l, &filters) == LX_SECCOMP_MODE_STRICT
		      ? LX_SIGKILL
		      : LX_SIGSYS;

	kmutex_lock(&l->p->lock);
	group = group || l->p->nlwps == 1;
	kmutex_unlock(&l->p->lock);
	kern_exit(l, sig, group);
}

static void
filter_trap(struct lwp *l, uint32_t data)
{
	struct trapframe *tf = &l->cpu->tf;
	const struct ksiginfo info = {
	    .signo = LX_SIGSYS,
	    .code = LX_SYS_SECCOMP,
	    .err = (int)data,
	    .addr = tf->rip,
	    .status = (int)tf->orig_rax,
	    .value = LX_AUDIT_ARCH_X86_64,
	    .forced = true,
	};

	tf->rax = tf->orig_rax;
	ksig_force(l, &info);
}

/* Show the call to the tracer.  False: it is not to be made, and rax is its
 * result. */
static bool
filter_trace(struct lwp *l, uint32_t data)
{
	struct trapframe *tf = &l->cpu->tf;
	const uint64_t rax = tf->rax;

	tf->rax = (uint64_t)-ENOSYS;
	if (!trace_event(l, LX_PTRACE_EVENT_SECCOMP, data))
		return (false);
	if (lwp_killed(l) || (int32_t)tf->orig_rax < 0)
		return (false);
	tf->rax = rax;
	return (true);
}

/* Ask the filters.  False: the call is not to be made, and rax is its result,
 * or the lwp ends. */
static bool
filter_call(struct lwp *l)
{
	struct trapframe *tf = &l->cpu->tf;
	uint32_t result, data;

	for (bool traced = false;; traced = true) {
		result = seccomp_decide(l);
		data = result & LX_SECCOMP_RET_DATA;
		switch (result & LX_SECCOMP_RET_ACTION) {
		case LX_SECCOMP_RET_ALLOW:
		case LX_SECCOMP_RET_LOG:
			return (true);
		case LX_SECCOMP_RET_ERRNO:
			if (data > LX_MAX_ERRNO)
				data = LX_MAX_ERRNO;
			tf->rax = (uint64_t) - (int64_t)data;
			return (false);
		case LX_SECCOMP_RET_TRAP:
			filter_trap(l, data);
			return (false);
		case LX_SECCOMP_RET_TRACE:
			if (traced)
				return (true);
			if (!filter_trace(l, data))
				return (false);
			break;
		case LX_SECCOMP_RET_USER_NOTIF:
			tf->rax = (uint64_t)-ENOSYS;
			return (false);
		case LX_SECCOMP_RET_KILL_THREAD:
			filter_kill(l, false);
			return (false);
		default: /* also what is not known */
			filter_kill(l, true);
			return (false);
		}
	}
}

/* The call in the registers, if the filters permit it. */
static int
filtered_syscall(struct lwp *l)
{
	if (atomic_load(&l->seccomp) != NULL && !filter_call(l)) {
		/* As the instruction does. */
		l->cpu->tf.rcx = l->cpu->tf.rip;
		l->cpu->tf.r11 = l->cpu->tf.rflags;
		return (l->exiting ? EJUSTRETURN : 0);
	}
	return (l->p->k->sysops->dispatch(l));
}

/* ---- tracer ---- */

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
		error = filtered_syscall(l);
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
		return (filtered_syscall(l));
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
