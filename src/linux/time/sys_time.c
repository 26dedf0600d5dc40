/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on time: clocks, sleeping, the interval timer.
 *
 * All deadlines inside the kernel are CLOCK_MONOTONIC nanoseconds; UINT64_MAX
 * means never.  Times from programs are limited to KTIME_MAX, as on Linux.  An
 * absolute time of CLOCK_REALTIME is converted to a deadline when the sleep
 * begins.
 *
 * CPU clocks of processes and threads are the estimates of the lwps (user_ns +
 * sys_ns), see proc.h.
 *
 * Limits: if the host's clock is set after a sleep until an absolute real time
 * has begun, the end of the sleep does not change.
 */
#include "host/host.h"
#include "abi/time.h"
#include "kern/base/proc.h"
#include "kern/time/ptimer.h"
#include "linux/lib/sys_int.h"

#include <errno.h>
#include <string.h>

sys_fn sys_nanosleep, sys_clock_nanosleep, sys_clock_gettime, sys_clock_getres,
    sys_clock_settime, sys_gettimeofday, sys_time, sys_getitimer, sys_setitimer,
    sys_alarm, sys_times;

#define NS_PER_USEC UINT64_C(1000)
#define NS_PER_TICK (NS_PER_SEC / LX_USER_HZ)

/* ---- conversions ---- */

static uint64_t
ns_of(uint64_t sec, uint64_t nsec)
{
	if (sec >= KTIME_MAX / NS_PER_SEC)
		return (KTIME_MAX);
	return (sec * NS_PER_SEC + nsec);
}

struct lx_timespec
lx_timespec_of(int64_t ns)
{
	struct lx_timespec ts;

	ts.sec = ns / (int64_t)NS_PER_SEC;
	ts.nsec = ns % (int64_t)NS_PER_SEC;
	if (ts.nsec < 0) {
		ts.sec--;
		ts.nsec += (int64_t)NS_PER_SEC;
	}
	return (ts);
}

struct lx_timeval
lx_timeval_of(uint64_t ns)
{
	return ((struct lx_timeval){.sec = (int64_t)(ns / NS_PER_SEC),
	    .usec = (int64_t)(ns % NS_PER_SEC / NS_PER_USEC)});
}

int
sys_copyin_timespec(struct lwp *l, uint64_t uaddr, uint64_t *ns)
{
	struct lx_timespec ts;

	if (copyin(lwp_vmspace(l), &ts, uaddr, sizeof(ts)) != 0)
		return (EFAULT);
	if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= (int64_t)NS_PER_SEC)
		return (EINVAL);
	*ns = ns_of((uint64_t)ts.sec, (uint64_t)ts.nsec);
	return (0);
}

int
sys_copyout_timespec(struct lwp *l, uint64_t ns, uint64_t uaddr)
{
	struct lx_timespec ts = {.sec = (int64_t)(ns / NS_PER_SEC),
	    .nsec = (int64_t)(ns % NS_PER_SEC)};

	return (copyout(lwp_vmspace(l), &ts, uaddr, sizeof(ts)));
}

int
sys_copyin_deadline(struct lwp *l, uint64_t uaddr, uint64_t *deadline)
{
	uint64_t ns;
	int error;

	*deadline = UINT64_MAX;
	if (uaddr == 0)
		return (0);
	error = sys_copyin_timespec(l, uaddr, &ns);
	if (error == 0)
		*deadline = ktime_deadline(ns);
	return (error);
}

int
sys_copyin_deadline_abs(
    struct lwp *l, uint64_t uaddr, int clock, uint64_t *deadline)
{
	uint64_t ns;
	int error;

	*deadline = UINT64_MAX;
	if (uaddr == 0)
		return (0);
	error = sys_copyin_timespec(l, uaddr, &ns);
	if (error == 0)
		error = ktime_deadline_abs(clock, ns, deadline);
	return (error);
}

/* ---- sleeping ---- */

static int
sleep_until(struct lwp *l, uint64_t deadline)
{
	int error;

	do {
		lwp_sleep_prepare(l);
		error = lwp_sleep(l, deadline);
	} while (error == 0);
	return (error == ETIMEDOUT ? 0 : EINTR);
}

/* restart_arg: the deadline, and the address for the remaining time. */
static int
nanosleep_restart(struct lwp *l, int64_t *ret)
{
	uint64_t deadline = l->restart_arg[0], urem = l->restart_arg[1];
	int error = sleep_until(l, deadline);

	if (error != EINTR)
		return (error);
	if (urem != 0 &&
	    sys_copyout_timespec(l, ktime_remaining(deadline), urem) != 0)
		return (EFAULT);
	l->restart_fn = nanosleep_restart;
	return (ERESTART_BLOCK);
}

static int
sleep_relative(struct lwp *l, uint64_t ns, uint64_t urem, int64_t *ret)
{
	l->restart_arg[0] = ktime_deadline(ns);
	l->restart_arg[1] = urem;
	return (nanosleep_restart(l, ret));
}

int
sys_nanosleep(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t ns;
	int error = sys_copyin_timespec(l, a[0], &ns);

	return (error != 0 ? error : sleep_relative(l, ns, a[1], ret));
}

int
sys_clock_nanosleep(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t ns, deadline;
	int error, clock = (int)a[0];

	error = sys_copyin_timespec(l, a[2], &ns);
	if (error != 0)
		return (error);
	/* As on a machine without a clock that wakes it. */
	if (clock == LX_CLOCK_REALTIME_ALARM ||
	    clock == LX_CLOCK_BOOTTIME_ALARM)
		return (EOPNOTSUPP);
	error = ktime_deadline_abs(clock, ns, &deadline);
	if (error != 0)
		return (error);
	if (((int)a[1] & LX_TIMER_ABSTIME) == 0)
		return (sleep_relative(l, ns, a[3], ret));
	error = sleep_until(l, deadline);
	return (error == EINTR ? ERESTARTNOHAND : error);
}

/* ---- clocks ---- */

static uint64_t
cpu_time(struct lwp *l, bool process)
{
	uint64_t ns;

	if (!process)
		return (lwp_cpu_ns(l, host_now_ns(), true));
	kmutex_lock(&l->p->lock);
	ns = proc_cpu_ns_locked(l->p, host_now_ns(), true);
	kmutex_unlock(&l->p->lock);
	return (ns);
}

int
sys_cpu_clock(struct lwp *l, int clock, struct sys_cpu_clock *c)
{
	const int kind = clock & 3; /* PROF, VIRT, SCHED; 3: descriptors */

	if (clock >= 0 || kind == 3)
		return (EINVAL);
	c->thread = (clock & 4) != 0;
	c->all = kind != 1;
	c->id = ~(clock >> 3);
	if (c->id == 0)
		c->id = c->thread ? l->tid : l->p->pid;
	else
		c->id = pidns_in(l->p->k, l->p->pidns, c->id);
	return (c->id != 0 ? 0 : EINVAL);
}

/* The CPU time of a thread of the caller's process, or of any process. */
static int
cpu_clock_get(struct lwp *l, int clock, uint64_t *ns)
{
	const uint64_t now = host_now_ns();
	struct sys_cpu_clock c;
	struct proc *p = l->p;
	const struct lwp *o;
	int error = sys_cpu_clock(l, clock, &c);

	if (error != 0)
		return (error);
	if (c.thread || c.id == p->pid)
		proc_hold(p);
	else
		p = proc_find_hold(p->k, c.id);
	if (p == NULL)
		return (EINVAL);
	error = c.thread ? EINVAL : 0;
	kmutex_lock(&p->lock);
	if (!c.thread)
		*ns = proc_cpu_ns_locked(p, now, c.all);
	LIST_FOREACH (o, &p->lwps, link) {
		if (!c.thread || o->tid != c.id)
			continue;
		*ns = lwp_cpu_ns(o, now, c.all);
		error = 0;
	}
	kmutex_unlock(&p->lock);
	proc_drop(p);
	return (error);
}

static int
clock_get(struct lwp *l, int clock, uint64_t *ns)
{
	switch (clock) {
	case LX_CLOCK_PROCESS_CPUTIME:
		*ns = cpu_time(l, true);
		return (0);
	case LX_CLOCK_THREAD_CPUTIME:
		*ns = cpu_time(l, false);
		return (0);
	default:
		return (clock < 0 ? cpu_clock_get(l, clock, ns)
				  : host_clock_get(clock, ns));
	}
}

int
sys_clock_gettime(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t ns;
	int error = clock_get(l, (int)a[0], &ns);

	return (error != 0 ? error : sys_copyout_timespec(l, ns, a[1]));
}

int
sys_clock_getres(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct sys_cpu_clock c;
	uint64_t ns = 1;
	int error;

	if ((int)a[0] < 0)
		error = sys_cpu_clock(l, (int)a[0], &c);
	else
		error = host_clock_res((int)a[0], &ns);
	if (error == 0 && a[1] != 0)
		error = sys_copyout_timespec(l, ns, a[1]);
	return (error);
}

int
sys_clock_settime(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return ((int)a[0] == LX_CLOCK_REALTIME ? EPERM : EINVAL);
}

int
sys_gettimeofday(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_timeval tv = lx_timeval_of(host_realtime_ns());
	struct lx_timezone tz = {0, 0};
	int error = 0;

	if (a[0] != 0)
		error = copyout(lwp_vmspace(l), &tv, a[0], sizeof(tv));
	if (error == 0 && a[1] != 0)
		error = copyout(lwp_vmspace(l), &tz, a[1], sizeof(tz));
	return (error);
}

int
sys_time(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int64_t sec = (int64_t)(host_realtime_ns() / NS_PER_SEC);

	*ret = sec;
	if (a[0] != 0)
		return (copyout(lwp_vmspace(l), &sec, a[0], sizeof(sec)));
	return (0);
}

int
sys_times(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct proc *p = l->p;
	struct lx_tms t;
	uint64_t u, s;

	kmutex_lock(&p->lock);
	proc_times_locked(p, &u, &s);
	t.cutime = (int64_t)(p->cru.utime / NS_PER_TICK);
	t.cstime = (int64_t)(p->cru.stime / NS_PER_TICK);
	kmutex_unlock(&p->lock);
	t.utime = (int64_t)(u / NS_PER_TICK);
	t.stime = (int64_t)(s / NS_PER_TICK);
	*ret = (int64_t)(host_now_ns() / NS_PER_TICK);
	if (a[0] != 0)
		return (copyout(lwp_vmspace(l), &t, a[0], sizeof(t)));
	return (0);
}

/* ---- interval timers ---- */

static int
timeval_ns(const struct lx_timeval *tv, uint64_t *ns)
{
	if (tv->sec < 0 || tv->usec < 0 || tv->usec >= 1000000)
		return (EINVAL);
	*ns = ns_of((uint64_t)tv->sec, (uint64_t)tv->usec * NS_PER_USEC);
	return (0);
}

/* The remaining time; 0: the timer is off.  A timer that runs is never reported
 * as off. */
static int
itimer_put(struct lwp *l, uint64_t left, uint64_t interval, uint64_t uaddr)
{
	struct lx_itimerval it;

	if (left != 0 && left < NS_PER_USEC)
		left = NS_PER_USEC;
	it.value = lx_timeval_of(left);
	it.interval = lx_timeval_of(interval);
	return (copyout(lwp_vmspace(l), &it, uaddr, sizeof(it)));
}

static int
itimer_out(struct lwp *l, uint64_t deadline, uint64_t interval, uint64_t uaddr)
{
	uint64_t left = deadline != 0 ? ktime_remaining(deadline) : 0;

	if (deadline != 0 && left == 0)
		left = 1;
	return (itimer_put(l, left, interval, uaddr));
}

int
sys_getitimer(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t deadline, interval;
	struct ptimer_state st;

	if ((int)a[0] < LX_ITIMER_REAL || (int)a[0] > LX_ITIMER_PROF)
		return (EINVAL);
	if ((int)a[0] != LX_ITIMER_REAL) {
		ptimer_get_cpu(l->p, (int)a[0], &st);
		return (itimer_put(l, st.left, st.interval, a[1]));
	}
	proc_get_alarm(l->p, &deadline, &interval);
	return (itimer_out(l, deadline, interval, a[1]));
}

int
sys_setitimer(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t value = 0, interval = 0, old, oldint;
	struct ptimer_state st;
	struct lx_itimerval it;
	int error;

	if ((int)a[0] < LX_ITIMER_REAL || (int)a[0] > LX_ITIMER_PROF)
		return (EINVAL);
	if (a[1] != 0) {
		if (copyin(lwp_vmspace(l), &it, a[1], sizeof(it)) != 0)
			return (EFAULT);
		error = timeval_ns(&it.value, &value);
		if (error != 0)
			return (error);
		error = timeval_ns(&it.interval, &interval);
		if (error != 0)
			return (error);
	}
	if ((int)a[0] != LX_ITIMER_REAL) {
		error = ptimer_set_cpu(
		    l->p, (int)a[0], value, value != 0 ? interval : 0, &st);
		if (error != 0 || a[2] == 0)
			return (error);
		return (itimer_put(l, st.left, st.interval, a[2]));
	}
	error = proc_set_alarm(l->p, value != 0 ? ktime_deadline(value) : 0,
	    value != 0 ? interval : 0, &old, &oldint);
	if (error != 0 || a[2] == 0)
		return (error);
	return (itimer_out(l, old, oldint, a[2]));
}

int
sys_alarm(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t sec = a[0] & UINT32_MAX, old, oldint, left;
	int error;

	error = proc_set_alarm(l->p,
	    sec != 0 ? ktime_deadline(sec * NS_PER_SEC) : 0, 0, &old, &oldint);
	if (error != 0)
		return (error);
	if (old != 0) {
		left = ktime_remaining(old);
		/* Rounded to seconds, but a running alarm is never reported as
		 * 0. */
		*ret = (int64_t)((left + NS_PER_SEC / 2) / NS_PER_SEC);
		if (*ret == 0)
			*ret = 1;
	}
	return (0);
}
