/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Stops of a traced lwp at the delivery of signals.  All are called by the lwp
 * itself; `error` is the code of restart.h or 0 of its system call, which the
 * tracer may change through the registers.
 */
#ifndef KERN_SIG_SIG_TRACE_H
#define KERN_SIG_SIG_TRACE_H

#include <stdbool.h>

#include "kern/base/lwp.h"

/* Stop for ksig_trap_due_locked().  Proc lock held on entry, not on return. */
void sig_trace_trap(struct lwp *, int *error);
/* Show the signal to the tracer; info is then its answer, signo 0: none.  No
 * locks held.  Unchanged if the lwp is not traced any more. */
void sig_trace_signal(struct lwp *, int *error, struct ksiginfo *info);
/* A handler was entered: a lwp that is stepped stops there.  No locks held. */
void sig_trace_handler(struct lwp *);
/* Stop before (entry) or after a system call, if the tracer wants that.  True:
 * the lwp has stopped.  The tracer's signal is posted. */
bool sig_trace_syscall(struct lwp *, bool entry);
/* A single step over a system call is done. */
void sig_trace_stepped(struct lwp *);

/* Between these two the tracer sees, in rax, why a system call was
 * interrupted, and may change that. */
void sig_trace_show_error(struct lwp *, int error);
int sig_trace_seen_error(struct lwp *);

#endif /* KERN_SIG_SIG_TRACE_H */
