/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * timer_create and the calls on its timers.
 *
 * A timer of CLOCK_REALTIME or CLOCK_BOOTTIME is converted to CLOCK_MONOTONIC
 * when it is set: a later step of the host's clock does not change its expiry.
 *
 * Limits: no alarm clocks (which wake a suspended machine), and no CPU clocks
 * of other processes.
 */
#include "abi/signal.h"
#include "abi/time.h"
#include "kern/base/proc.h"
#include "kern/time/ptimer.h"
#include "linux/lib/sys_int.h"
#include "mem/kmem.h"

#include <errno.h>
#include <string.h>

sys_fn sys_timer_create, sys_timer_settime, sys_timer_gettime,
    sys_timer_getoverrun, sys_timer_delete;

/* Store the clock of a new timer in t. */
static int
clock_decode(struct lwp *l, int clock, struct ptimer *t)
{
	struct sys_cpu_clock c;

	t->clock = clock;
	t->clock_tid = l->tid;
	if (clock < 0) {
		if (sys_cpu_clock(l, clock, &c) != 0 || !c.all ||
		    (!c.thread && c.id != l->p->pid))
			return (EINVAL);
		t->clock = c.thread ? LX_CLOCK_THREAD_CPUTIME
				    : LX_CLOCK_PROCESS_CPUTIME;
		t->clock_tid = c.id;
		return (0);
	}
	switch (clock) {
	case LX_CLOCK_REALTIME:
	case LX_CLOCK_MONOTONIC:
	case LX_CLOCK_BOOTTIME:
	case LX_CLOCK_TAI:
	case LX_CLOCK_PROCESS_CPUTIME:
	case LX_CLOCK_THREAD_CPUTIME:
		return (0);
	case LX_CLOCK_MONOTONIC_RAW:
	case LX_CLOCK_REALTIME_COARSE:
	case LX_CLOCK_MONOTONIC_COARSE:
	/* As on a machine without a clock that wakes it. */
	case LX_CLOCK_REALTIME_ALARM:
	case LX_CLOCK_BOOTTIME_ALARM:
		return (EOPNOTSUPP);
	default:
		return (EINVAL);
	}
}

/* Store the notification of the sigevent in t. */
static int
event_decode(struct lwp *l, const struct lx_sigevent *ev, struct ptimer *t)
{
	t->notify = ev->notify;
	t->signo = ev->signo;
	t->value = ev->value;
	switch (ev->notify) {
	case LX_SIGEV_NONE:
		return (0);
	case LX_SIGEV_THREAD: /* the C library starts the thread; here it is a
				 signal */
		t->notify = LX_SIGEV_SIGNAL;
		break;
	case LX_SIGEV_SIGNAL:
		break;
	case LX_SIGEV_SIGNAL | LX_SIGEV_THREAD_ID:
		t->notify = LX_SIGEV_THREAD_ID;
		t->notify_tid = pidns_in(l->p->k, l->p->pidns, ev->tid);
		break;
	default:
		return (EINVAL);
	}
	return (ev->signo > 0 && ev->signo <= KNSIG ? 0 : EINVAL);
}

/* Create a timer, without copying its number out. */
static int
timer_make(struct lwp *l, int clock, const struct lx_sigevent *ev, int *id)
{
	struct lx_sigevent usual = {
	    .signo = LX_SIGALRM, .notify = LX_SIGEV_SIGNAL};
	struct ptimer *t;
	int error;

	t = kmem_zalloc(sizeof(*t));
	if (t == NULL)
		return (EAGAIN);
	error = clock_decode(l, clock, t);
	if (error != 0)
		goto fail;
	error = event_decode(l, ev != NULL ? ev : &usual, t);
	if (error != 0)
		goto fail;
	error = ptimer_create(l->p, t, ev == NULL, id);
	if (error != 0)
		goto fail;
	return (0);
fail:
	kmem_free(t);
	return (error);
}

int
sys_timer_create(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_sigevent ev;
	int error, id;

	if (a[1] != 0 && copyin(lwp_vmspace(l), &ev, a[1], sizeof(ev)) != 0)
		return (EFAULT);
	error = timer_make(l, (int)a[0], a[1] != 0 ? &ev : NULL, &id);
	if (error != 0)
		return (error);
	error = copyout(lwp_vmspace(l), &id, a[2], sizeof(id));
	if (error != 0)
		(void)ptimer_delete(l->p, id);
	return (error);
}

static int
state_out(struct lwp *l, const struct ptimer_state *st, uint64_t uits)
{
	struct lx_itimerspec its = {.value = lx_timespec_of((int64_t)st->left),
	    .interval = lx_timespec_of((int64_t)st->interval)};

	return (copyout(lwp_vmspace(l), &its, uits, sizeof(its)));
}

/* Convert an absolute time to a deadline of the timer. */
static int
start_of(int clock, uint64_t value, uint64_t *start)
{
	if (ptimer_cpu_clock(clock)) {
		*start = value;
		return (0);
	}
	return (ktime_deadline_abs(clock, value, start));
}

int
sys_timer_settime(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const bool abs = ((int)a[1] & LX_TIMER_ABSTIME) != 0;
	uint64_t start, interval;
	struct ptimer_state old;
	struct ptimer_info info;
	int error;

	if (a[2] == 0)
		return (EINVAL);
	error = sys_copyin_timespec(l, a[2], &interval);
	if (error != 0)
		return (error);
	error =
	    sys_copyin_timespec(l, a[2] + sizeof(struct lx_timespec), &start);
	if (error != 0)
		return (error);
	error = ptimer_info(l->p, (int)a[0], &info);
	if (error != 0)
		return (error);
	if (abs && start != 0) {
		error = start_of(info.clock, start, &start);
		if (error != 0)
			return (error);
	}
	error = ptimer_set(l, (int)a[0], start, abs, interval, &old);
	if (error != 0 || a[3] == 0)
		return (error);
	return (state_out(l, &old, a[3]));
}

int
sys_timer_gettime(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct ptimer_state st;
	int error = ptimer_get(l, (int)a[0], &st);

	return (error != 0 ? error : state_out(l, &st, a[1]));
}

int
sys_timer_getoverrun(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct ptimer_info info;
	int error = ptimer_info(l->p, (int)a[0], &info);

	if (error == 0)
		*ret = info.overrun;
	return (error);
}

int
sys_timer_delete(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (ptimer_delete(l->p, (int)a[0]));
}
