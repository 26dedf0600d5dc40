/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Niceness, for the sched_* calls (sys_prio.c). */
#ifndef LINUX_PROC_SYS_PRIO_H
#define LINUX_PROC_SYS_PRIO_H

#define NICE_ZERO 20 /* getpriority() and RLIMIT_NICE count 20 - nice */

struct lwp;

/* The niceness of thread tid; 0: the caller.  ESRCH. */
int sys_nice_get(struct lwp *, int tid, int *nice);
/* ESRCH, EPERM (a thread of another user), EACCES (lower than RLIMIT_NICE
 * allows). */
int sys_nice_set(struct lwp *, int tid, int nice);

#endif /* LINUX_PROC_SYS_PRIO_H */
