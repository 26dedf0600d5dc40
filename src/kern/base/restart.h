/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Results of a system call that only the kernel sees.  Their numbers differ
 * from those of errors; sig_deliver.c turns them into EINTR or a repeated call.
 */
#ifndef KERN_BASE_RESTART_H
#define KERN_BASE_RESTART_H

#include <errno.h>

/* Internal: restart the call after signals (see ksig_deliver). Never seen by
 * guests.  <errno.h> has an unrelated number of that name. */
#undef ERESTART
#define ERESTART 512
/* As ERESTART, but EINTR if any handler runs (poll, nanosleep, pause). */
#define ERESTARTNOHAND 514
/* Restart through lwp->restart_fn by restart_syscall (nanosleep). */
#define ERESTART_BLOCK 516
/* The lwp is ending, or registers were replaced whole (exec, sigreturn): do
 * not touch rax. */
#define EJUSTRETURN 517

#endif /* KERN_BASE_RESTART_H */
