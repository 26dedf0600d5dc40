/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Results of a system call that only the kernel sees.  Their numbers differ
 * from those of errors; sig_deliver.c turns them into EINTR or a repeated call.
 */
#ifndef KERN_BASE_RESTART_H
#define KERN_BASE_RESTART_H

#include <errno.h>
#include <stdbool.h>

/* Restart the call after signals (see ksig_deliver()). */
#define ERESTARTSYS 512
/* Restart the call after signals in any case. */
#define ERESTARTNOINTR 513
/* As ERESTARTSYS, but EINTR if any handler runs (poll, nanosleep, pause). */
#define ERESTARTNOHAND 514
/* Restart through lwp->restart_fn in restart_syscall (nanosleep). */
#define ERESTART_BLOCK 516
/* The lwp is ending, or its registers were replaced (exec, sigreturn): leave
 * rax unchanged. */
#define EJUSTRETURN 517

/* Is it one of the codes for a call that signals may restart? */
static inline bool
restart_is(int error)
{
	return (error == ERESTARTSYS || error == ERESTARTNOINTR ||
		error == ERESTARTNOHAND || error == ERESTART_BLOCK);
}

#endif /* KERN_BASE_RESTART_H */
