/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Timers of processes: POSIX timers and the CPU-time interval timers. */
#ifndef KERN_TIME_PTIMER_H
#define KERN_TIME_PTIMER_H

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "kern/base/ktimer.h"
#include "kern/base/sigpending.h"

struct lwp;
struct proc;
struct vkernel;

/* Most POSIX timers of one process, and of a kernel instance. */
#define PTIMER_MAX 1024
#define PTIMER_ALL_MAX 65536

/* Key: [I] immutable, [p] proc lock */
struct ptimer {
	LIST_ENTRY(ptimer) link; /* [p] */
	int id;                  /* [I] of timer_create */
	int clock;               /* [I] LX_CLOCK_* */
	int notify;              /* [I] LX_SIGEV_* */
	int signo;               /* [I] */
	int notify_tid;          /* [I] for LX_SIGEV_THREAD_ID */
	int clock_tid;           /* [I] for the CPU clock of a thread */
	struct proc *p;          /* [I] */
	struct lwp *notify_lwp;  /* [p] notify_tid; NULL: it has ended */
	struct lwp *clock_lwp;   /* [p] clock_tid; NULL: it has ended */
	uint64_t value;          /* [I] for the siginfo */
	struct ktimer timer;     /* armed for the deadline, unless the clock
				    counts CPU time */
	uint64_t deadline;       /* [p] ns of the clock (see ptimer.c), 0 off */
	uint64_t interval;       /* [p] ns, 0 once */
	uint64_t overrun;        /* [p] since the signal was queued */
	int32_t overrun_told;    /* [p] as the last signal reported it */
	struct ksig_source source; /* [p] source.queued: its signal */
	bool fired; /* [p] expired, armed again when the signal is no longer
		       queued */
};

/* The state of a timer: the time left and the interval, ns; left is 0 if it is
 * off. */
struct ptimer_state {
	uint64_t left, interval;
};

struct ptimer_info {
	int clock;       /* LX_CLOCK_*; defines what the timer's times mean */
	int32_t overrun; /* as the last signal reported it */
};

/* Does the clock count CPU time? */
bool ptimer_cpu_clock(int clock);

/*
 * The calls, made by lwps of the process itself, without locks.
 * - create: on success takes over the caller's ptimer and gives it an id; with
 *   value_is_id, the siginfo carries the id as its value.  EAGAIN (PTIMER_MAX,
 *   PTIMER_ALL_MAX), EINVAL (a tid is of no thread of the process).
 * - set: `start` is relative to now, or, with abs, a time of the clock
 *   (CLOCK_MONOTONIC for all that do not count CPU time); 0: off.  Times are
 *   KTIME_MAX at most.  EINVAL (no such timer), ESRCH (the thread of its clock
 *   has ended), ENOMEM, EAGAIN (the timer thread cannot be started; the timer
 *   is off then).
 */
int ptimer_create(struct proc *, struct ptimer *, bool value_is_id, int *id);
int ptimer_delete(struct proc *, int id);
int ptimer_set(struct lwp *, int id, uint64_t start, bool abs,
    uint64_t interval, struct ptimer_state *old);
int ptimer_get(struct lwp *, int id, struct ptimer_state *);
/* EINVAL: no such timer. */
int ptimer_info(struct proc *, int id, struct ptimer_info *);
/* For exec: delete all POSIX timers of the process. */
void ptimer_delete_all(struct proc *);
/* For exit: delete these, and turn off the interval timers and the alarm. */
void ptimer_exit(struct proc *);

/* The lwp is about to leave the list of its process: its pending signals are
 * flushed, its timers end.  Proc lock held. */
void ptimer_lwp_gone_locked(struct lwp *);
/* An lwp has entered user code and p->cpu_parked was set.  No locks. */
void ptimer_unpark(struct proc *, uint64_t now);

/*
 * RLIMIT_CPU.  begin: before a finite limit is set, without locks; ENOMEM,
 * EAGAIN (the timer thread cannot be started).  set: the limit has changed;
 * proc lock held.  A child inherits the limit by its `cpu_parked`.
 */
int ptimer_limit_begin(struct vkernel *);
void ptimer_limit_set_locked(struct proc *);

/* ITIMER_VIRTUAL and ITIMER_PROF.  set: errors of ptimer_set. */
int ptimer_set_cpu(struct proc *, int which, uint64_t left, uint64_t interval,
    struct ptimer_state *old);
void ptimer_get_cpu(struct proc *, int which, struct ptimer_state *);

#endif /* KERN_TIME_PTIMER_H */
