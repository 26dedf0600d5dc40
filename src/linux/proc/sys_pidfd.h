/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Descriptors of processes, for calls of other topics.
 */
#ifndef LINUX_PROC_SYS_PIDFD_H
#define LINUX_PROC_SYS_PIDFD_H

#include <stdbool.h>

struct lwp;
struct proc;

/* The process that a descriptor names, held; *nonblock: O_NONBLOCK.  EBADF,
 * also for another kind of file. */
int sys_pidfd_proc(struct lwp *, int fd, struct proc **, bool *nonblock);

#endif /* LINUX_PROC_SYS_PIDFD_H */
