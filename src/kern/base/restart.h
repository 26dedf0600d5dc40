/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Results of a system call that only the kernel sees.  Their numbers differ
 * from those of errors; sig_deliver.c turns them into EINTR or a repeated call.
 */
#ifndef KERN_BASE_RESTART_H
#define KERN_BASE_RESTART_H

#include <errno.h>

/* Restart the call after signals (see ksig_deliver()). */
#define ERESTARTSYS 512
/* As ERESTARTSYS, but EINTR if any handler runs (poll, nanosleep, pause). */
#define ERESTARTNOHAND 514
/* Restart through lwp->restart_fn in restart_syscall (nanosleep). */
#define ERESTART_BLOCK 516
/* The lwp is ending, or its registers were replaced (exec, sigreturn): leave
 * rax unchanged. */
#define EJUSTRETURN 517

#endif /* KERN_BASE_RESTART_H */
