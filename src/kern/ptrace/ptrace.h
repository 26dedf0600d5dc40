/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Guests as tracers: what ptrace(2) does.  The core is kern/base/trace.h.
 * Errors are those of ptrace(2).
 */
#ifndef KERN_PTRACE_PTRACE_H
#define KERN_PTRACE_PTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kern/base/lwp.h"

struct lx_ptrace_syscall_info;
struct lx_user_regs;

/* ---- ptrace.c; all: no locks held, do not block ---- */

/* The calling lwp is traced by the thread that made its process, or another
 * thread of the parent.  EPERM: it is traced, or has no parent; ENOMEM. */
int kern_ptrace_traceme(struct lwp *);
/* Trace thread tid; without `seize` it stops with SIGSTOP.  ESRCH; EPERM: own
 * process, traced, not permitted (access.h); ENOMEM; EIO: options without
 * `seize`, or unknown ones. */
int kern_ptrace_attach(struct lwp *, int tid, bool seize, uint64_t options);
/* A tracee of the calling lwp.  On success proctree and the proc lock of *out
 * are held, until kern_ptrace_unlock().  ESRCH: it is none, or `stopped` and it
 * has not stopped. */
int kern_ptrace_lock(struct lwp *, int tid, bool stopped, struct lwp **out);
void kern_ptrace_unlock(struct lwp *tracee);
/* Let a stopped tracee go; EIO: no signal.  ESRCH. */
int kern_ptrace_resume(
    struct lwp *, int tid, enum trace_mode mode, uint64_t sig);
int kern_ptrace_detach(struct lwp *, int tid, uint64_t sig);
int kern_ptrace_kill(struct lwp *, int tid);
/* EIO: not attached by PTRACE_SEIZE, or not in the stop that it is for. */
int kern_ptrace_interrupt(struct lwp *, int tid);
int kern_ptrace_listen(struct lwp *, int tid);
/* EINVAL: unknown options. */
int kern_ptrace_set_options(struct lwp *, int tid, uint64_t options);
/* The memory of a stopped tracee, held.  ESRCH; EIO: it is not dumpable, and
 * the caller may not ignore that. */
int kern_ptrace_vmspace(struct lwp *, int tid, struct vmspace **);

/* ---- ptrace_regs.c: a stopped lwp, its proc lock held ---- */

void trace_regs_get(const struct lwp *, struct lx_user_regs *);
/* EIO: a segment selector or base that this machine does not have. */
int trace_regs_set(struct lwp *, const struct lx_user_regs *);
/* A word of struct user.  EIO: bad offset, or not to be changed. */
int trace_user_get(const struct lwp *, uint64_t off, uint64_t *val);
int trace_user_set(struct lwp *, uint64_t off, uint64_t val);
/* The FXSAVE image.  EINVAL, ENOMEM. */
#define TRACE_FPREGS_SIZE 512
int trace_fpregs_get(struct lwp *, uint8_t buf[TRACE_FPREGS_SIZE]);
int trace_fpregs_set(struct lwp *, const uint8_t buf[TRACE_FPREGS_SIZE]);
/* The XSAVE image, with the processor's features (XCR0) at offset 464; *size:
 * the room in buf, then the bytes of the image.  EINVAL: too little room, or no
 * user code has run on any machine; ENOMEM. */
int trace_xstate_get(struct lwp *, uint8_t *buf, size_t *size);
/* EFAULT: not the size of the image; EINVAL, ENOMEM. */
int trace_xstate_set(struct lwp *, const uint8_t *buf, size_t size);
/* Bytes of *info that are valid. */
size_t trace_syscall_info(
    const struct lwp *, struct lx_ptrace_syscall_info *info);

#endif /* KERN_PTRACE_PTRACE_H */
