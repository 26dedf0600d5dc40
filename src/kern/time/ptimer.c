/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Timers of processes: those of timer_create, and the interval timers that
 * count CPU time.
 *
 * Concepts.  The timer thread (timer.c) looks at them as at the alarm.  A
 * POSIX timer has at most one signal queued, which it and the queue entry know
 * of each other: what expires meanwhile is counted, and told as its overrun
 * when the signal is taken; an interval timer rests until it is taken or
 * forgotten, so that a short interval costs nothing where nobody takes the
 * signals.  Where the signal is not queued (it is ignored, the queue is full),
 * the timer goes on by itself, in steps of IGNORED_STEP_NS at least.  One whose
 * thread has ended is silent.
 *
 * Deadlines are CLOCK_MONOTONIC nanoseconds.  Those of CPU clocks are
 * nanoseconds of CPU time, which is asked for when it can have passed at the
 * earliest: all threads may have run all the time.  While no thread is in user
 * code and no time was used since the last look, nobody looks: `cpu_parked` is
 * set, then the threads are looked at; a thread enters, then looks at it.
 *
 * All times are KTIME_MAX at most and sums saturate there; they never wrap.
 *
 * Locking: everything is under the lock of the process.  It is held through a
 * look, whose cost is that of a walk through timers: signals are not searched
 * for, CPU time is added up once, and what was found to be ignored is not tried
 * again.
 *
 * Limits: CPU time is an estimate (lwp.c) and is looked at CPU_STEP_NS apart.
 * Deleting a timer leaves its queued signal.
 */
#include <errno.h>
#include <stdlib.h>

#include "abi/signal.h"
#include "abi/time.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/sig/ksignal.h"
#include "kern/time/ktime.h"
#include "kern/time/ptimer.h"
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

/* A look at the timers of a process: what it has found out. */
struct look {
	struct proc *p;
	uint64_t now; /* CLOCK_MONOTONIC */
	uint64_t cpu; /* of the process */
	bool cpu_known;
	uint64_t *next;
	uint64_t cpu_left; /* least that is left of any; UINT64_MAX none */
	uint64_t refused;  /* signals that were not queued for... */
	struct lwp *refused_lwp; /* ...this lwp, NULL: the process */
};

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

static uint64_t
proc_cpu(struct look *k)
{
	if (!k->cpu_known)
		k->cpu = proc_cpu_ns_locked(k->p, k->now, true);
	k->cpu_known = true;
	return (k->cpu);
}

/* The time on the timer's clock. */
static uint64_t
timer_now(struct look *k, const struct ptimer *t)
{
	switch (t->clock) {
	case LX_CLOCK_PROCESS_CPUTIME:
		return (proc_cpu(k));
	case LX_CLOCK_THREAD_CPUTIME:
		/* The one that made it, whose clock stops with it. */
		return (t->clock_lwp != NULL
			    ? lwp_cpu_ns(t->clock_lwp, k->now, true)
			    : 0);
	default:
		return (k->now);
	}
}

static struct look
look_now(struct proc *p)
{
	kmutex_assert_owned(&p->lock);
	return ((struct look){.p = p, .now = host_now_ns()});
}

/* It has nobody to tell. */
static bool
silent(const struct ptimer *t)
{
	return (t->notify == LX_SIGEV_NONE ||
		(t->notify == LX_SIGEV_THREAD_ID && t->notify_lwp == NULL));
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
	return (ktime_add(now, left < CPU_STEP_NS ? CPU_STEP_NS : left));
}

/* ---- expiry ---- */

/* Try to queue its signal, once for all timers that cannot. */
static bool
post(struct look *k, struct ptimer *t)
{
	const uint64_t bit = KSIGBIT(t->signo);
	struct ksiginfo ksi = {.signo = t->signo,
	    .code = LX_SI_TIMER,
	    .pid = t->id,
	    .value = t->value};

	if (k->refused_lwp != t->notify_lwp) {
		k->refused_lwp = t->notify_lwp;
		k->refused = 0;
	}
	if ((k->refused & bit) != 0)
		return (false);
	if (ksig_post_source_locked(k->p, t->notify_lwp, &ksi, &t->source))
		return (true);
	k->refused |= bit;
	return (false);
}

static void
expire(struct look *k, struct ptimer *t, uint64_t now)
{
	uint64_t n;

	if (t->source.queued != NULL)
		t->overrun++;
	else
		(void)post(k, t);
	if (t->interval == 0) {
		t->deadline = 0;
		return;
	}
	t->fired = t->source.queued != NULL;
	if (!t->fired)
		t->deadline = ktime_forward(t->deadline, t->interval,
		    ktime_add(now, IGNORED_STEP_NS), &n);
}

static void
scan_posix(struct look *k)
{
	struct ptimer *t;
	uint64_t at;

	LIST_FOREACH (t, &k->p->timers, link) {
		if (t->deadline == 0 || t->fired || silent(t))
			continue;
		at = timer_now(k, t);
		if (t->deadline <= at)
			expire(k, t, at);
		if (t->deadline == 0 || t->fired)
			continue;
		if (ptimer_cpu_clock(t->clock))
			lower(&k->cpu_left, t->deadline - at);
		else
			lower(k->next, t->deadline);
	}
}

static void
scan_cpu(struct look *k, int i)
{
	struct ksiginfo ksi = {
	    .signo = i == 0 ? LX_SIGVTALRM : LX_SIGPROF, .code = LX_SI_KERNEL};
	struct cpu_itimer *it = &k->p->cpu_itimer[i];
	uint64_t cpu, n;

	if (it->deadline == 0)
		return;
	cpu = i == 0 ? proc_cpu_ns_locked(k->p, k->now, false) : proc_cpu(k);
	if (it->deadline <= cpu) {
		ksig_post_proc_locked(k->p, &ksi);
		it->deadline = it->interval == 0 ? 0
						 : ktime_forward(it->deadline,
						       it->interval, cpu, &n);
	}
	if (it->deadline != 0)
		lower(&k->cpu_left, it->deadline - cpu);
}

/* Does CPU time stand still?  Then p->cpu_parked is set. */
static bool
cpu_idle(struct look *k)
{
	struct proc *p = k->p;
	const struct lwp *l;

	if (proc_cpu(k) != p->cpu_seen) {
		p->cpu_seen = proc_cpu(k);
		return (false);
	}
	atomic_store(&p->cpu_parked, true);
	LIST_FOREACH (l, &p->lwps, link) {
		if (lwp_in_user(l)) {
			atomic_store(&p->cpu_parked, false);
			return (false);
		}
	}
	return (true);
}

void
ptimer_scan_locked(struct proc *p, uint64_t now, uint64_t *next)
{
	struct look k = {
	    .p = p, .now = now, .next = next, .cpu_left = UINT64_MAX};

	kmutex_assert_owned(&p->lock);
	if (p->exiting)
		return;
	scan_posix(&k);
	for (int i = 0; i < 2; i++)
		scan_cpu(&k, i);
	if (k.cpu_left != UINT64_MAX && !cpu_idle(&k))
		lower(next, cpu_look_at(p, now, k.cpu_left));
}

void
ptimer_unpark(struct proc *p, uint64_t now)
{
	if (atomic_exchange(&p->cpu_parked, false))
		ktimer_look_at(p->k, now + CPU_STEP_NS);
}

static struct ptimer *
ptimer_of(struct ksig_source *src)
{
	return ((struct ptimer *)(void *)((char *)src -
					  offsetof(struct ptimer, source)));
}

/* Its signal is no longer queued: if it has waited for that, it goes on.  How
 * many expiries it has missed, with the one that the signal told. */
static uint64_t
go_on(struct ptimer *t)
{
	struct look k = look_now(t->p);
	uint64_t now, n;

	t->source.queued = NULL;
	if (!t->fired)
		return (0);
	t->fired = false;
	if (t->deadline == 0)
		return (0);
	KASSERT(t->interval != 0);
	now = timer_now(&k, t);
	t->deadline = ktime_forward(t->deadline, t->interval, now, &n);
	if (!silent(t))
		ktimer_look_at(
		    t->p->k, ptimer_cpu_clock(t->clock)
				 ? cpu_look_at(t->p, k.now, t->deadline - now)
				 : t->deadline);
	return (n);
}

static int32_t
ptimer_taken(struct ksig_source *src)
{
	struct ptimer *t = ptimer_of(src);
	uint64_t n = go_on(t);

	/* 0 where an estimate of CPU time has gone back. */
	n = t->overrun + (n > 0 ? n - 1 : 0);
	t->overrun = 0;
	t->overrun_told = n > INT32_MAX ? INT32_MAX : (int32_t)n;
	return (t->overrun_told);
}

static void
ptimer_flushed(struct ksig_source *src)
{
	struct ptimer *t = ptimer_of(src);

	(void)go_on(t);
	t->overrun = 0;
}

void
ptimer_lwp_gone_locked(struct lwp *l)
{
	struct ptimer *t;

	kmutex_assert_owned(&l->p->lock);
	sigpending_flush(l->p->k, &l->sigpend);
	LIST_FOREACH (t, &l->p->timers, link) {
		if (t->notify_lwp == l)
			t->notify_lwp = NULL;
		if (t->clock_lwp == l) {
			t->clock_lwp = NULL;
			t->deadline = 0;
		}
	}
}

/* ---- the calls ---- */

/* The lwps that it names.  EINVAL: there is none. */
static int
timer_bind(struct proc *p, struct ptimer *t)
{
	t->p = p;
	if (t->notify == LX_SIGEV_THREAD_ID) {
		t->notify_lwp = proc_lwp_locked(p, t->notify_tid);
		if (t->notify_lwp == NULL)
			return (EINVAL);
	}
	if (t->clock == LX_CLOCK_THREAD_CPUTIME) {
		t->clock_lwp = proc_lwp_locked(p, t->clock_tid);
		if (t->clock_lwp == NULL)
			return (EINVAL);
	}
	return (0);
}

int
ptimer_create(struct proc *p, struct ptimer *t, bool value_is_id, int *id)
{
	int error;

	kmutex_lock(&p->lock);
	t->source = (struct ksig_source){
	    .taken = ptimer_taken, .flushed = ptimer_flushed};
	error = timer_bind(p, t);
	if (error == 0 && p->ntimers >= PTIMER_MAX)
		error = EAGAIN;
	if (error == 0 &&
	    atomic_fetch_add(&p->k->ntimers, 1) >= PTIMER_ALL_MAX) {
		atomic_fetch_sub(&p->k->ntimers, 1);
		error = EAGAIN;
	}
	if (error == 0) {
		do {
			t->id = (int)(p->timer_next++ & INT32_MAX);
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

/* It is off the list. */
static void
timer_free(struct proc *p, struct ptimer *t)
{
	kmutex_assert_owned(&p->lock);
	if (t->source.queued != NULL)
		t->source.queued->source = NULL;
	p->ntimers--;
	atomic_fetch_sub(&p->k->ntimers, 1);
	free(t);
}

int
ptimer_delete(struct proc *p, int id)
{
	struct ptimer *t;

	kmutex_lock(&p->lock);
	t = find_timer(p, id);
	if (t != NULL)
		LIST_REMOVE(t, link);
	if (t != NULL)
		timer_free(p, t);
	kmutex_unlock(&p->lock);
	return (t != NULL ? 0 : EINVAL);
}

void
ptimer_delete_all(struct proc *p)
{
	struct ptimer *t, *next;

	kmutex_lock(&p->lock);
	t = LIST_FIRST(&p->timers);
	LIST_INIT(&p->timers);
	for (; t != NULL; t = next) {
		next = LIST_NEXT(t, link);
		timer_free(p, t);
	}
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
		st->left = silent(t) ? 0 : 1;
}

int
ptimer_get(struct lwp *l, int id, struct ptimer_state *st)
{
	struct proc *p = l->p;
	struct ptimer *t;
	struct look k;

	kmutex_lock(&p->lock);
	t = find_timer(p, id);
	if (t != NULL) {
		k = look_now(p);
		timer_state(t, timer_now(&k, t), st);
	}
	kmutex_unlock(&p->lock);
	return (t != NULL ? 0 : EINVAL);
}

static int
set_locked(struct ptimer *t, uint64_t start, bool abs, uint64_t interval,
    struct ptimer_state *old)
{
	struct look k = look_now(t->p);
	uint64_t now = timer_now(&k, t);
	int error = 0;

	if (t->clock == LX_CLOCK_THREAD_CPUTIME && t->clock_lwp == NULL)
		return (ESRCH);
	timer_state(t, now, old);
	if (start != 0)
		error = ktimer_kick(t->p->k);
	if (start == 0 || error != 0)
		t->deadline = 0;
	else
		t->deadline = abs ? start : ktime_add(now, start);
	t->interval = interval;
	t->overrun = 0;
	t->fired = false;
	return (error);
}

int
ptimer_set(struct lwp *l, int id, uint64_t start, bool abs, uint64_t interval,
    struct ptimer_state *old)
{
	struct ptimer *t;
	int error = EINVAL;

	kmutex_lock(&l->p->lock);
	t = find_timer(l->p, id);
	if (t != NULL)
		error = set_locked(t, start, abs, interval, old);
	kmutex_unlock(&l->p->lock);
	return (error);
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
	struct cpu_itimer *it = &p->cpu_itimer[i];
	uint64_t cpu;
	int error = 0;

	KASSERT(i == 0 || i == 1);
	kmutex_lock(&p->lock);
	cpu = proc_cpu_ns_locked(p, host_now_ns(), i != 0);
	cpu_state(p, i, cpu, old);
	if (left != 0)
		error = ktimer_kick(p->k);
	it->deadline = left == 0 || error != 0 ? 0 : ktime_add(cpu, left);
	it->interval = interval;
	kmutex_unlock(&p->lock);
	return (error);
}

void
ptimer_get_cpu(struct proc *p, int which, struct ptimer_state *st)
{
	const int i = which - LX_ITIMER_VIRTUAL;

	kmutex_lock(&p->lock);
	cpu_state(p, i, proc_cpu_ns_locked(p, host_now_ns(), i != 0), st);
	kmutex_unlock(&p->lock);
}
