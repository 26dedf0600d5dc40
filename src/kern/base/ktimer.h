/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Deadlines of processes, and the thread of a kernel instance that acts on
 * them.  Times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef KERN_BASE_KTIMER_H
#define KERN_BASE_KTIMER_H

#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stdint.h>

struct ktimer;
struct ktimer_batch;
struct lwp;
struct proc;
struct vkernel;

/* The timer is due and no longer armed; it may be armed again, for a time after
 * batch->now.  Called by the timer thread with the lock of its process. */
typedef void ktimer_fn(struct ktimer *, struct ktimer_batch *);

/*
 * A deadline of a process, part of a larger structure.
 * Key: [I] immutable, [T] the lock of the kernel's timers
 */
struct ktimer {
	RB_ENTRY(ktimer) link; /* [T] if armed */
	struct proc *p;        /* [I] */
	ktimer_fn *fire;       /* [I] */
	uint64_t at;           /* [T] if armed */
	bool armed;            /* [T] */
};

/* Timers of one process that are due together.  Key: the lock of p. */
struct ktimer_batch {
	struct proc *p;
	uint64_t now;
	/* ptimer.c: signals that could not be queued for an lwp, or, with NULL,
	 * for the process. */
	uint64_t refused;
	struct lwp *refused_lwp;
};

/* ---- the timers of a kernel instance (ktimer.c) ---- */

/* ENOMEM.  destroy: no timer is armed; joins the thread. */
int ktimers_create(struct vkernel *);
void ktimers_destroy(struct vkernel *);
/* Start the timer thread, once, before the first timer is armed.  ENOMEM,
 * EAGAIN.  May be called with the lock of a process. */
int ktimers_start(struct vkernel *);

/* Before the first use; all zero is a timer that can only be disarmed. */
void ktimer_init(struct ktimer *, struct proc *, ktimer_fn *);
/*
 * - arm: fire at that time; a timer that is armed is moved.
 * - arm_before: the same, unless it is armed for an earlier time.
 * - disarm: do not fire.  A timer that is not armed is left alone.
 *
 * None of them blocks or fails.  The lock of the process may be held.  With it,
 * a timer that is not armed does not fire until the lock is released, and may
 * be freed.
 */
void ktimer_arm(struct ktimer *, uint64_t at);
void ktimer_arm_before(struct ktimer *, uint64_t at);
void ktimer_disarm(struct ktimer *);

#endif /* KERN_BASE_KTIMER_H */
