/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Deadlines of processes: the order of them all, and the thread that acts on
 * them.
 *
 * Concepts.  A struct ktimer is a deadline and a function.  A process has one
 * for ITIMER_REAL (time/alarm.c), one for each of its POSIX timers, and one for
 * all its timers that count CPU time (time/ptimer.c).  The armed timers of a
 * kernel instance are in one tree, ordered by time.  The timer thread, which is
 * started when the first timer is set, sleeps until the least of them, fires
 * what is due, and sleeps again.
 *
 * Why a tree.  A timer is armed again when it fires and when its signal is
 * taken, where nothing may fail; a tree of embedded nodes needs no memory for
 * that, as an array would.  Arming, disarming and firing cost O(log n) of the
 * timers of all processes, whatever their deadlines are.
 *
 * Cost of hostile timers.  One round fires each timer at most once: all are
 * compared with the time at which the round began, and are armed again for
 * later times.  After a round the thread rests as long as the round took, and
 * REST_NS at least.  So it uses half of one CPU at most, and a process with the
 * shortest intervals gets 1 / REST_NS signals of a timer in a second.  Timers
 * of other processes are late by the length of a round and a rest then (65536
 * POSIX timers at most: some tens of milliseconds), and no other thread waits
 * for a lock longer than the timers of one process take.
 *
 * Locking.  The timer lock guards the tree and the state of the thread.  It
 * comes after the lock of a process, so that timers can be armed under that
 * lock.  The thread needs the lock of a process to fire its timers: it finds
 * the least timer, takes a hold on its process, releases the timer lock, locks
 * the process, and then takes timers from the tree for as long as the least one
 * is due and of this process.  Because a timer is disarmed and freed only with
 * the lock of its process, or before its process is in any table, a timer that
 * was taken from the tree stays valid while it fires.
 *
 * Lifetime.  A process whose timer is armed is no zombie: ptimer_exit() disarms
 * all of them before.  Therefore a hold can be taken on the process of any
 * armed timer.
 *
 * Limits.  If several periods of an interval timer have passed when it fires,
 * they give one signal, as on Linux.
 */
#include <errno.h>
#include <stdlib.h>

#include "kern/base/ktimer.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"

#define REST_NS UINT64_C(50000)

RB_HEAD(ktimer_tree, ktimer);

/* Key: all under lock, but [I] immutable */
struct timer_state {
	struct kmutex lock; /* rank TIMER */
	struct kcond cond;  /* sleep_until was lowered, or stop set */
	struct ktimer_tree tree;
	uint64_t sleep_until; /* of the thread; 0: it is awake */
	bool stop;
	struct host_thread *thread; /* NULL: not started */
};

static int
ktimer_compare(const struct ktimer *a, const struct ktimer *b)
{
	if (a->at != b->at)
		return (a->at < b->at ? -1 : 1);
	return ((uintptr_t)a < (uintptr_t)b ? -1 : a != b);
}

RB_GENERATE_INTERNAL(
    ktimer_tree, ktimer, link, ktimer_compare, __attribute__((unused)) static)

/* ---- arming ---- */

void
ktimer_init(struct ktimer *t, struct proc *p, ktimer_fn *fire)
{
	*t = (struct ktimer){.p = p, .fire = fire};
}

/* Timer lock held. */
static void
ktimer_remove(struct timer_state *ts, struct ktimer *t)
{
	if (t->armed)
		RB_REMOVE(ktimer_tree, &ts->tree, t);
	t->armed = false;
}

static void
ktimer_move(struct ktimer *t, uint64_t at, bool later)
{
	struct timer_state *ts = t->p->k->timer;

	kmutex_lock(&ts->lock);
	if (later || !t->armed || at < t->at) {
		ktimer_remove(ts, t);
		t->at = at;
		t->armed = true;
		RB_INSERT(ktimer_tree, &ts->tree, t);
		if (at < ts->sleep_until) {
			ts->sleep_until = at;
			kcond_signal(&ts->cond);
		}
	}
	kmutex_unlock(&ts->lock);
}

void
ktimer_arm(struct ktimer *t, uint64_t at)
{
	ktimer_move(t, at, true);
}

void
ktimer_arm_before(struct ktimer *t, uint64_t at)
{
	ktimer_move(t, at, false);
}

void
ktimer_disarm(struct ktimer *t)
{
	struct timer_state *ts;

	if (t->fire == NULL)
		return;
	ts = t->p->k->timer;
	kmutex_lock(&ts->lock);
	ktimer_remove(ts, t);
	kmutex_unlock(&ts->lock);
}

/* ---- firing ---- */

/* The least timer, if it is due.  Timer lock held. */
static struct ktimer *
timer_due(struct timer_state *ts, uint64_t now)
{
	struct ktimer *t = RB_MIN(ktimer_tree, &ts->tree);

	kmutex_assert_owned(&ts->lock);
	return (t != NULL && t->at <= now ? t : NULL);
}

/* Fire the timers of p for as long as the least of all is one of them. */
static void
timer_fire_proc(struct timer_state *ts, struct proc *p, uint64_t now)
{
	struct ktimer_batch batch = {.p = p, .now = now};
	struct ktimer *t;

	kmutex_lock(&p->lock);
	for (;;) {
		kmutex_lock(&ts->lock);
		t = timer_due(ts, now);
		if (t != NULL && t->p == p)
			ktimer_remove(ts, t);
		else
			t = NULL;
		kmutex_unlock(&ts->lock);
		if (t == NULL)
			break;
		t->fire(t, &batch);
	}
	kmutex_unlock(&p->lock);
}

/* One round: what is due now.  Timer lock held; it is dropped in between. */
static void
timer_round(struct timer_state *ts, uint64_t now)
{
	struct ktimer *t;
	struct proc *p;

	while (!ts->stop && (t = timer_due(ts, now)) != NULL) {
		p = t->p;
		proc_hold(p);
		kmutex_unlock(&ts->lock);
		timer_fire_proc(ts, p, now);
		proc_drop(p);
		kmutex_lock(&ts->lock);
	}
}

/* Sleep until the least timer is due, but not before `rested`.  Timer lock
 * held. */
static void
timer_sleep(struct timer_state *ts, uint64_t rested)
{
	struct ktimer *t;
	uint64_t until;

	while (!ts->stop) {
		t = RB_MIN(ktimer_tree, &ts->tree);
		ts->sleep_until = t != NULL ? t->at : UINT64_MAX;
		until = ts->sleep_until > rested ? ts->sleep_until : rested;
		if (until <= host_now_ns())
			break;
		(void)kcond_timedwait(&ts->cond, &ts->lock, until);
	}
	ts->sleep_until = 0;
}

static void
timer_main(void *arg)
{
	struct vkernel *k = arg;
	struct timer_state *ts = k->timer;
	uint64_t began, ended, took;

	kmutex_lock(&ts->lock);
	while (!ts->stop) {
		began = host_now_ns();
		timer_round(ts, began);
		ended = host_now_ns();
		took = ended - began;
		timer_sleep(ts, ended + (took > REST_NS ? took : REST_NS));
	}
	kmutex_unlock(&ts->lock);
}

/* ---- the life of the thread ---- */

int
ktimers_create(struct vkernel *k)
{
	struct timer_state *ts;

	ts = calloc(1, sizeof(*ts));
	if (ts == NULL)
		return (ENOMEM);
	kmutex_init(&ts->lock, "timer", KRANK_TIMER, 0);
	kcond_init(&ts->cond);
	RB_INIT(&ts->tree);
	k->timer = ts;
	return (0);
}

void
ktimers_destroy(struct vkernel *k)
{
	struct timer_state *ts = k->timer;

	kmutex_lock(&ts->lock);
	ts->stop = true;
	kcond_signal(&ts->cond);
	kmutex_unlock(&ts->lock);
	if (ts->thread != NULL)
		host_thread_join(ts->thread);
	KASSERT(RB_EMPTY(&ts->tree));
	kcond_destroy(&ts->cond);
	kmutex_destroy(&ts->lock);
	free(ts);
	k->timer = NULL;
}

int
ktimers_start(struct vkernel *k)
{
	struct timer_state *ts = k->timer;
	int error = 0;

	kmutex_lock(&ts->lock);
	if (ts->thread == NULL)
		error = host_thread_create(&ts->thread, "timer", timer_main, k);
	kmutex_unlock(&ts->lock);
	return (error);
}
