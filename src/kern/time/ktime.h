/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Kernel time: CLOCK_MONOTONIC nanoseconds, deadlines, and the alarm of a
 * process.
 */
#ifndef KERN_TIME_KTIME_H
#define KERN_TIME_KTIME_H

#include <stdint.h>

struct proc;

#define NS_PER_SEC UINT64_C(1000000000)

/* The latest time that there is, as on Linux; UINT64_MAX is for ever. */
#define KTIME_MAX ((uint64_t)INT64_MAX)
/* Their sum, KTIME_MAX at most; neither is above it. */
uint64_t ktime_add(uint64_t a, uint64_t b);
/* The first time after now that is deadline + n * interval (not 0),
 * KTIME_MAX at most; *n: how many of these times have passed, 0 if deadline
 * is after now. */
uint64_t ktime_forward(
    uint64_t deadline, uint64_t interval, uint64_t now, uint64_t *n);
/* CLOCK_MONOTONIC deadline of a relative time, KTIME_MAX at most; UINT64_MAX
 * (for ever) if rel_ns is above KTIME_MAX. */
uint64_t ktime_deadline(uint64_t rel_ns);
/* CLOCK_MONOTONIC deadline of an absolute time of a clock; EINVAL. */
int ktime_deadline_abs(int clock, uint64_t abs_ns, uint64_t *deadline);
/* The time until the deadline, 0 when it has passed. */
uint64_t ktime_remaining(uint64_t deadline_ns);

/* ---- ITIMER_REAL and alarm(2) (alarm.c).  No locks held. ---- */

/* Deadline (0 off) and interval (ns, 0 once); the old values when the pointers
 * are not NULL.  ENOMEM, EAGAIN. */
int proc_set_alarm(struct proc *, uint64_t deadline, uint64_t interval,
    uint64_t *old_deadline, uint64_t *old_interval);
void proc_get_alarm(struct proc *, uint64_t *deadline, uint64_t *interval);

#endif /* KERN_TIME_KTIME_H */
