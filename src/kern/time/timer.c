/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Timers that send signals (ITIMER_REAL and alarm here, all others in
 * ptimer.c): one thread for a kernel instance, started when the first timer is
 * set.
 *
 * Concepts: deadlines live in the processes.  The thread looks at all of
 * them, posts SIGALRM where the time has come, and sleeps until `look`: the
 * earliest that is left, or what others have lowered it to.  It holds proctree
 * while it looks, and the mutex is not fair: after a look it rests for as long
 * as that took, REST_NS at least, so that others get it whatever the timers
 * are.
 *
 * Locking: the timer lock (a leaf) guards the thread's own state and is never
 * held while processes are looked at; a change made meanwhile lowers `look`,
 * which is set to never before the look.
 *
 * Limits: an interval that was overslept several times gives one signal, as
 * on Linux.
 */
#include <errno.h>
#include <stdlib.h>

#include "abi/signal.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/sig/ksignal.h"
#include "kern/time/ktime.h"
#include "kern/time/ptimer.h"
#include "libk/kassert.h"

#define REST_NS UINT64_C(50000)

/* Key: all under lock */
struct timer_state {
	struct kmutex lock; /* rank LEAF */
	struct kcond cond;
	uint64_t look; /* CLOCK_MONOTONIC ns */
	bool stop;
	struct host_thread *thread; /* NULL: not started */
};

int
ktimer_create(struct vkernel *k)
{
	struct timer_state *ts;

	ts = calloc(1, sizeof(*ts));
	if (ts == NULL)
		return (ENOMEM);
	kmutex_init(&ts->lock, "timer", KRANK_LEAF, 0);
	kcond_init(&ts->cond);
	k->timer = ts;
	return (0);
}

void
ktimer_destroy(struct vkernel *k)
{
	struct timer_state *ts = k->timer;

	kmutex_lock(&ts->lock);
	ts->stop = true;
	kcond_signal(&ts->cond);
	kmutex_unlock(&ts->lock);
	if (ts->thread != NULL)
		host_thread_join(ts->thread);
	kcond_destroy(&ts->cond);
	kmutex_destroy(&ts->lock);
	free(ts);
	k->timer = NULL;
}

/* Post what is due; the earliest deadline that is left. */
static uint64_t
timer_scan(struct vkernel *k)
{
	struct ksiginfo ksi = {.signo = LX_SIGALRM, .code = LX_SI_KERNEL};
	uint64_t now = host_now_ns(), next = UINT64_MAX, n;
	struct proc *p;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		kmutex_lock(&p->lock);
		if (p->alarm_ns != 0 && p->alarm_ns <= now) {
			ksig_post_proc_locked(p, &ksi);
			if (p->alarm_interval == 0)
				p->alarm_ns = 0;
			else
				p->alarm_ns = ktime_forward(
				    p->alarm_ns, p->alarm_interval, now, &n);
		}
		if (p->alarm_ns != 0 && p->alarm_ns < next)
			next = p->alarm_ns;
		ptimer_scan_locked(p, now, &next);
		kmutex_unlock(&p->lock);
	}
	kmutex_unlock(&k->proctree);
	return (next);
}

/* Until it is time to look, but not before `rested`. */
static void
timer_sleep(struct timer_state *ts, uint64_t rested)
{
	uint64_t until;

	for (;;) {
		until = ts->look > rested ? ts->look : rested;
		if (ts->stop || until <= host_now_ns())
			return;
		(void)kcond_timedwait(&ts->cond, &ts->lock, until);
	}
}

static void
timer_main(void *arg)
{
	struct vkernel *k = arg;
	struct timer_state *ts = k->timer;
	uint64_t began, ended, next;

	kmutex_lock(&ts->lock);
	while (!ts->stop) {
		ts->look = UINT64_MAX;
		kmutex_unlock(&ts->lock);
		began = host_now_ns();
		next = timer_scan(k);
		ended = host_now_ns();
		kmutex_lock(&ts->lock);
		if (next < ts->look)
			ts->look = next;
		timer_sleep(ts, ended + (ended - began > REST_NS ? ended - began
								 : REST_NS));
	}
	kmutex_unlock(&ts->lock);
}

static void
look_lower(struct timer_state *ts, uint64_t at)
{
	kmutex_assert_owned(&ts->lock);
	if (at >= ts->look)
		return;
	ts->look = at;
	kcond_signal(&ts->cond);
}

int
ktimer_kick(struct vkernel *k)
{
	struct timer_state *ts = k->timer;
	int error = 0;

	kmutex_lock(&ts->lock);
	if (ts->thread == NULL)
		error = host_thread_create(&ts->thread, "timer", timer_main, k);
	look_lower(ts, 0);
	kmutex_unlock(&ts->lock);
	return (error);
}

void
ktimer_look_at(struct vkernel *k, uint64_t at)
{
	struct timer_state *ts = k->timer;

	kmutex_lock(&ts->lock);
	look_lower(ts, at);
	kmutex_unlock(&ts->lock);
}

int
proc_set_alarm(struct proc *p, uint64_t deadline_ns, uint64_t interval,
    uint64_t *old_deadline, uint64_t *old_interval)
{
	uint64_t deadline_was, interval_was;
	int error = 0;

	kmutex_lock(&p->lock);
	deadline_was = p->alarm_ns;
	interval_was = p->alarm_interval;
	p->alarm_ns = deadline_ns;
	p->alarm_interval = interval;
	if (deadline_ns != 0)
		error = ktimer_kick(p->k);
	if (error != 0)
		p->alarm_ns = 0;
	kmutex_unlock(&p->lock);
	if (error != 0)
		return (error);
	if (old_deadline != NULL)
		*old_deadline = deadline_was;
	if (old_interval != NULL)
		*old_interval = interval_was;
	return (0);
}
