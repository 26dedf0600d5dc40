/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Timers of processes: those of timer_create, and the interval timers that
 * count CPU time.
 *
 * Concepts.  The timer thread (timer.c) looks at them as at the alarm.  A
 * POSIX timer has at most one signal queued: what expires meanwhile is
 * counted, and told as its overrun when the signal is taken; an interval
 * timer rests until then, so that a short interval costs nothing where
 * nobody takes the signals.  Where the signal is not queued (it is ignored),
 * the timer goes on by itself.
 *
 * Deadlines are CLOCK_MONOTONIC nanoseconds.  Those of CPU clocks are
 * nanoseconds of CPU time, which is asked for when it can have passed at the
 * earliest: all threads may have run all the time.
 *
 * Locking: everything is under the lock of the process.
 *
 * Limits: CPU time is an estimate (lwp.c) and is looked at CPU_STEP_NS apart.
 * Deleting a timer leaves its queued signal.
 */
#include <errno.h>
#include <stdlib.h>

#include "kern/proc_int.h"
#include "kern/ptimer.h"
#include "libk/kassert.h"

#define CPU_STEP_NS UINT64_C(1000000)
/* An interval timer whose signals are ignored need not be exact. */
#define IGNORED_STEP_NS UINT64_C(1000000)

bool
ptimer_cpu_clock(int clock)
{
	return (clock == LX_CLOCK_PROCESS_CPUTIME ||
		clock == LX_CLOCK_THREAD_CPUTIME);
}

static struct lwp *
find_lwp(struct proc *p, int tid)
{
	struct lwp *l;

	LIST_FOREACH (l, &p->lwps, link)
		if (l->tid == tid)
			return (l);
	return (NULL);
}

static struct ptimer *
find_timer(struct proc *p, int id)
{
	struct ptimer *t;

	kmutex_assert_owned(&p->lock);
	LIST_FOREACH (t, &p->timers, link)
		if (t->id == id)
			return (t);
	return (NULL);
}

/* The time on the timer's clock. */
static uint64_t
timer_now(struct proc *p, const struct ptimer *t, uint64_t now)
{
	const struct lwp *l;

	switch (t->clock) {
	case LX_CLOCK_PROCESS_CPUTIME:
		return (proc_cpu_ns_locked(p, now, true));
	case LX_CLOCK_THREAD_CPUTIME:
		/* The one that made it, whose clock stops with it. */
		l = find_lwp(p, t->clock_tid);
		return (l != NULL ? lwp_cpu_ns(l, now, true) : 0);
	default:
		return (now);
	}
}

static void
lower(uint64_t *next, uint64_t at)
{
	if (at < *next)
		*next = at;
}

/* When `left` of CPU time can have passed. */
static uint64_t
cpu_look_at(const struct proc *p, uint64_t now, uint64_t left)
{
	left /= (uint64_t)(p->nlwps > 0 ? p->nlwps : 1);
	return (now + (left < CPU_STEP_NS ? CPU_STEP_NS : left));
}

/* Move the deadline past `now`; how many were passed. */
static uint64_t
forward(struct ptimer *t, uint64_t now)
{
	uint64_t n;

	if (t->deadline > now)
		return (0);
	n = 1 + (now - t->deadline) / t->interval;
	t->deadline += n * t->interval;
	return (n);
}

/* ---- expiry ---- */

static void
expire(struct proc *p, struct ptimer *t, uint64_t now)
{
	struct ksiginfo ksi = {.signo = t->signo,
	    .code = LX_SI_TIMER,
	    .pid = t->id,
	    .value = t->value};
	struct lwp *l = NULL;
	bool queued;

	if (t->notify == LX_SIGEV_THREAD_ID)
		l = find_lwp(p, t->notify_tid);
	queued = ksig_timer_queued_locked(p, t->id);
	if (queued)
		t->overrun++;
	else if (t->notify == LX_SIGEV_SIGNAL)
		ksig_post_proc_locked(p, &ksi);
	else if (l != NULL)
		ksig_post_lwp_locked(l, &ksi);
	if (t->interval == 0) {
		t->deadline = 0;
		return;
	}
	t->fired = queued || ksig_timer_queued_locked(p, t->id);
	if (t->fired)
		return;
	(void)forward(t, now);
	if (t->deadline < now + IGNORED_STEP_NS)
		(void)forward(t, now + IGNORED_STEP_NS);
}

static void
scan_posix(struct proc *p, uint64_t now, uint64_t *next)
{
	struct ptimer *t;
	uint64_t at;

	LIST_FOREACH (t, &p->timers, link) {
		if (t->deadline == 0 || t->fired || t->notify == LX_SIGEV_NONE)
			continue;
		at = timer_now(p, t, now);
		if (t->deadline <= at)
			expire(p, t, at);
		if (t->deadline == 0 || t->fired)
			continue;
		if (ptimer_cpu_clock(t->clock))
			lower(next, cpu_look_at(p, now, t->deadline - at));
		else
			lower(next, t->deadline);
	}
}

static void
scan_cpu(struct proc *p, int i, uint64_t now, uint64_t *next)
{
	struct ksiginfo ksi = {
	    .signo = i == 0 ? LX_SIGVTALRM : LX_SIGPROF, .code = LX_SI_KERNEL};
	struct cpu_itimer *it = &p->cpu_itimer[i];
	uint64_t cpu;

	if (it->deadline == 0)
		return;
	cpu = proc_cpu_ns_locked(p, now, i != 0);
	if (it->deadline <= cpu) {
		ksig_post_proc_locked(p, &ksi);
		it->deadline =
		    it->interval == 0
			? 0
			: it->deadline +
			      it->interval *
				  (1 + (cpu - it->deadline) / it->interval);
	}
	if (it->deadline != 0)
		lower(next, cpu_look_at(p, now, it->deadline - cpu));
}

void
ptimer_scan_locked(struct proc *p, uint64_t now, uint64_t *next)
{
	kmutex_assert_owned(&p->lock);
	scan_posix(p, now, next);
	for (int i = 0; i < 2; i++)
		scan_cpu(p, i, now, next);
}

void
ptimer_taken_locked(struct lwp *l, struct ksiginfo *info)
{
	struct proc *p = l->p;
	struct ptimer *t = find_timer(p, info->pid);
	uint64_t n;

	if (t == NULL || t->signo != info->signo)
		return;
	n = t->overrun;
	t->overrun = 0;
	if (t->fired) {
		t->fired = false;
		/* The first of them is the one that the signal tells. */
		n += forward(t, timer_now(p, t, host_now_ns())) - 1;
		(void)ktimer_kick(p->k);
	}
	t->overrun_told = n > INT32_MAX ? INT32_MAX : (int32_t)n;
	info->status = t->overrun_told;
}

/* ---- the calls ---- */

int
ptimer_create(struct proc *p, struct ptimer *t, bool value_is_id, int *id)
{
	int error = 0;

	kmutex_lock(&p->lock);
	if (p->ntimers >= PTIMER_MAX) {
		error = EAGAIN;
	} else {
		do {
			t->id = p->timer_next++ & INT32_MAX;
		} while (find_timer(p, t->id) != NULL);
		if (value_is_id)
			t->value = (uint64_t)t->id;
		*id = t->id;
		p->ntimers++;
		LIST_INSERT_HEAD(&p->timers, t, link);
	}
	kmutex_unlock(&p->lock);
	return (error);
}

static void
timer_free(struct proc *p, struct ptimer *t)
{
	kmutex_assert_owned(&p->lock);
	LIST_REMOVE(t, link);
	p->ntimers--;
	free(t);
}

int
ptimer_delete(struct proc *p, int id)
{
	struct ptimer *t;

	kmutex_lock(&p->lock);
	t = find_timer(p, id);
	if (t != NULL)
		timer_free(p, t);
	kmutex_unlock(&p->lock);
	return (t != NULL ? 0 : EINVAL);
}

void
ptimer_delete_all(struct proc *p)
{
	kmutex_lock(&p->lock);
	while (!LIST_EMPTY(&p->timers))
		timer_free(p, LIST_FIRST(&p->timers));
	kmutex_unlock(&p->lock);
}

static void
timer_state(const struct ptimer *t, uint64_t now, struct ptimer_state *st)
{
	st->interval = t->interval;
	if (t->deadline > now)
		st->left = t->deadline - now;
	else if (t->deadline == 0)
		st->left = 0;
	else if (t->interval != 0)
		st->left = t->interval - (now - t->deadline) % t->interval;
	else /* due, but not seen yet; a silent one has ended */
		st->left = t->notify == LX_SIGEV_NONE ? 0 : 1;
}

int
ptimer_get(struct lwp *l, int id, struct ptimer_state *st)
{
	struct proc *p = l->p;
	struct ptimer *t;

	kmutex_lock(&p->lock);
	t = find_timer(p, id);
	if (t != NULL)
		timer_state(t, timer_now(p, t, host_now_ns()), st);
	kmutex_unlock(&p->lock);
	return (t != NULL ? 0 : EINVAL);
}

int
ptimer_set(struct lwp *l, int id, uint64_t start, bool abs, uint64_t interval,
    struct ptimer_state *old)
{
	struct proc *p = l->p;
	uint64_t now;
	struct ptimer *t;

	kmutex_lock(&p->lock);
	t = find_timer(p, id);
	if (t != NULL) {
		now = timer_now(p, t, host_now_ns());
		timer_state(t, now, old);
		if (start == 0)
			t->deadline = 0;
		else if (abs)
			t->deadline = start;
		else
			t->deadline =
			    start > UINT64_MAX - now ? UINT64_MAX : now + start;
		t->interval = interval;
		t->overrun = 0;
		t->fired = false;
	}
	kmutex_unlock(&p->lock);
	if (t == NULL)
		return (EINVAL);
	return (start != 0 ? ktimer_kick(p->k) : 0);
}

int
ptimer_overrun(struct proc *p, int id, int32_t *n)
{
	const struct ptimer *t;

	kmutex_lock(&p->lock);
	t = find_timer(p, id);
	if (t != NULL)
		*n = t->overrun_told;
	kmutex_unlock(&p->lock);
	return (t != NULL ? 0 : EINVAL);
}

int
ptimer_clock(struct proc *p, int id, int *clock)
{
	const struct ptimer *t;

	kmutex_lock(&p->lock);
	t = find_timer(p, id);
	if (t != NULL)
		*clock = t->clock;
	kmutex_unlock(&p->lock);
	return (t != NULL ? 0 : EINVAL);
}

/* ---- interval timers of CPU time ---- */

static void
cpu_state(struct proc *p, int i, uint64_t cpu, struct ptimer_state *st)
{
	const struct cpu_itimer *it = &p->cpu_itimer[i];

	st->interval = it->interval;
	st->left = it->deadline > cpu  ? it->deadline - cpu
		   : it->deadline != 0 ? 1
				       : 0;
}

int
ptimer_set_cpu(struct proc *p, int which, uint64_t left, uint64_t interval,
    struct ptimer_state *old)
{
	const int i = which - LX_ITIMER_VIRTUAL;
	uint64_t cpu;

	KASSERT(i == 0 || i == 1);
	kmutex_lock(&p->lock);
	cpu = proc_cpu_ns_locked(p, host_now_ns(), i != 0);
	cpu_state(p, i, cpu, old);
	p->cpu_itimer[i].deadline = left == 0                 ? 0
				    : left > UINT64_MAX - cpu ? UINT64_MAX
							      : cpu + left;
	p->cpu_itimer[i].interval = interval;
	kmutex_unlock(&p->lock);
	return (left != 0 ? ktimer_kick(p->k) : 0);
}

void
ptimer_get_cpu(struct proc *p, int which, struct ptimer_state *st)
{
	const int i = which - LX_ITIMER_VIRTUAL;

	kmutex_lock(&p->lock);
	cpu_state(p, i, proc_cpu_ns_locked(p, host_now_ns(), i != 0), st);
	kmutex_unlock(&p->lock);
}
