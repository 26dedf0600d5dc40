/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Timers of processes: those of timer_create, the interval timers that count
 * CPU time, and RLIMIT_CPU.
 *
 * Concepts.  A POSIX timer has at most one signal queued; the timer and the
 * queue entry point at each other.  Expiries in between are counted, and
 * reported as the overrun when the signal is taken.  An interval timer whose
 * signal is queued is not armed until the signal is taken or discarded, so
 * that a short interval costs nothing while no thread takes the signals.  If
 * the signal cannot be queued (it is ignored, or the queue is full), the timer
 * stays armed, in steps of IGNORED_STEP_NS at least.  A timer for a thread that
 * has ended sends nothing.
 *
 * Deadlines are CLOCK_MONOTONIC nanoseconds, and each timer has a ktimer of its
 * own, except timers that count CPU time.  Their deadlines are nanoseconds of
 * CPU time, and all of a process share one ktimer, proc.cpu_timer.  It is armed
 * for the earliest time at which one of them can expire, which is when all
 * threads run all the time from now on.  When it fires, the CPU time is read
 * and it is armed again.  It is not armed while no thread is in user code and
 * no CPU time was used since it last fired: the timer thread sets `cpu_parked`
 * first and then looks at the threads; a thread marks itself as in user code
 * first, then looks at `cpu_parked` and arms the ktimer (ptimer_unpark()).
 *
 * RLIMIT_CPU is looked at with them.  At the soft limit the process gets
 * SIGXCPU, and the limit rises by a second; at the hard one it gets SIGKILL.  A
 * thread of another process may set the limit: it sets `cpu_parked` and has a
 * thread leave user code, so that only threads of the process itself arm the
 * ktimer.
 *
 * All times are KTIME_MAX at most and sums saturate there; they never wrap.
 *
 * Locking: everything is under the lock of the process, also while timers fire
 * (ktimer.c).  To keep that short, queued signals are not searched, CPU time is
 * added up once, and a signal that was found to be ignored is not posted again
 * in the same batch.
 *
 * Limits: CPU time is an estimate (lwp.c) and is read CPU_STEP_NS apart.
 * Deleting a timer leaves its queued signal.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/resource.h"
#include "abi/signal.h"
#include "abi/time.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/sig/ksignal.h"
#include "kern/time/ktime.h"
#include "kern/time/ptimer.h"
#include "libk/kassert.h"
#include "mem/kmem.h"

#define CPU_STEP_NS UINT64_C(1000000)
/* Least interval of a timer whose signals cannot be queued. */
#define IGNORED_STEP_NS UINT64_C(1000000)

bool
ptimer_cpu_clock(int clock)
{
	return (clock == LX_CLOCK_PROCESS_CPUTIME ||
		clock == LX_CLOCK_THREAD_CPUTIME);
}

/* The time of the clocks of a process, read at most once. */
struct look {
	struct proc *p;
	uint64_t now; /* CLOCK_MONOTONIC */
	uint64_t cpu; /* of the process, if cpu_known */
	bool cpu_known;
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
		/* The clock of the thread that made the timer.  It reads 0
		 * after that thread has ended; the timer is off then. */
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

/* The timer sends no signal to any thread. */
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

/* The earliest time at which `left` of CPU time can have passed. */
static uint64_t
cpu_look_at(const struct proc *p, uint64_t now, uint64_t left)
{
	left /= (uint64_t)(p->nlwps > 0 ? p->nlwps : 1);
	return (ktime_add(now, left < CPU_STEP_NS ? CPU_STEP_NS : left));
}

/* ---- arming ---- */

static ktimer_fn cpu_fire;

/* `left` of CPU time is missing until a timer of p expires. */
static void
cpu_arm(struct proc *p, uint64_t now, uint64_t left)
{
	kmutex_assert_owned(&p->lock);
	if (p->cpu_timer.fire == NULL)
		ktimer_init(&p->cpu_timer, p, cpu_fire);
	ktimer_arm_before(&p->cpu_timer, cpu_look_at(p, now, left));
}

/* Is there something to do at the timer's deadline? */
static bool
running(const struct ptimer *t)
{
	return (t->deadline != 0 && !t->fired && !silent(t));
}

/* After a change of what running() depends on, or of the deadline. */
static void
timer_rearm(struct look *k, struct ptimer *t)
{
	uint64_t at;

	if (!running(t)) {
		ktimer_disarm(&t->timer);
	} else if (ptimer_cpu_clock(t->clock)) {
		at = timer_now(k, t);
		cpu_arm(k->p, k->now, t->deadline > at ? t->deadline - at : 0);
	} else {
		ktimer_arm(&t->timer, t->deadline);
	}
}

/* ---- expiry ---- */

/* Try to queue the timer's signal; not again if that failed for another timer
 * of the batch with the same signal and receiver. */
static bool
post(struct ktimer_batch *b, struct ptimer *t)
{
	const uint64_t bit = KSIGBIT(t->signo);
	struct ksiginfo ksi = {.signo = t->signo,
	    .code = LX_SI_TIMER,
	    .pid = t->id,
	    .value = t->value};

	if (b->refused_lwp != t->notify_lwp) {
		b->refused_lwp = t->notify_lwp;
		b->refused = 0;
	}
	if ((b->refused & bit) != 0)
		return (false);
	if (ksig_post_source_locked(b->p, t->notify_lwp, &ksi, &t->source))
		return (true);
	b->refused |= bit;
	return (false);
}

/* The timer's deadline has passed at `now` of its clock; the caller arms the
 * timer again. */
static void
expire(struct ktimer_batch *b, struct ptimer *t, uint64_t now)
{
	uint64_t n;

	if (t->source.queued != NULL)
		t->overrun++;
	else
		(void)post(b, t);
	if (t->interval == 0) {
		t->deadline = 0;
		return;
	}
	t->fired = t->source.queued != NULL;
	if (!t->fired)
		t->deadline = ktime_forward(t->deadline, t->interval,
		    ktime_add(now, IGNORED_STEP_NS), &n);
}

/* ptimer.timer: of a clock that does not count CPU time. */
static void
posix_fire(struct ktimer *kt, struct ktimer_batch *b)
{
	struct ptimer *t =
	    (struct ptimer *)(void *)((char *)kt -
				      offsetof(struct ptimer, timer));

	if (b->p->exiting || !running(t))
		return;
	expire(b, t, b->now);
	if (running(t))
		ktimer_arm(kt, t->deadline);
}

/* POSIX timers that count CPU time; the least time that one of them has left
 * lowers *left. */
static void
cpu_expire_posix(struct look *k, struct ktimer_batch *b, uint64_t *left)
{
	struct ptimer *t;
	uint64_t at;

	LIST_FOREACH (t, &k->p->timers, link) {
		if (!ptimer_cpu_clock(t->clock) || !running(t))
			continue;
		at = timer_now(k, t);
		if (t->deadline <= at)
			expire(b, t, at);
		if (running(t))
			lower(left, t->deadline - at);
	}
}

/* ITIMER_VIRTUAL (0) or ITIMER_PROF (1). */
static void
cpu_expire_itimer(struct look *k, int i, uint64_t *left)
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
		lower(left, it->deadline - cpu);
}

static uint64_t
limit_ns(uint64_t seconds)
{
	return (seconds < KTIME_MAX / NS_PER_SEC ? seconds * NS_PER_SEC
						 : KTIME_MAX);
}

/* RLIMIT_CPU. */
static void
cpu_expire_limit(struct look *k, uint64_t *left)
{
	struct ksiginfo ksi = {.signo = LX_SIGXCPU, .code = LX_SI_KERNEL};
	struct proc_rlimit *r = &k->p->rlim[LX_RLIMIT_CPU];
	uint64_t cpu, soft, hard;

	if (r->cur == LX_RLIM_INFINITY)
		return;
	cpu = proc_cpu(k);
	hard = r->max == LX_RLIM_INFINITY ? UINT64_MAX : limit_ns(r->max);
	if (cpu >= hard) {
		ksi.signo = LX_SIGKILL;
		ksig_post_proc_locked(k->p, &ksi);
		return;
	}
	if (cpu >= limit_ns(r->cur)) {
		ksig_post_proc_locked(k->p, &ksi);
		r->cur++;
	}
	soft = limit_ns(r->cur);
	lower(left, soft > cpu ? soft - cpu : 0);
	lower(left, hard - cpu);
}

/* Has no CPU time passed since the last call, and is no thread in user code?
 * Then p->cpu_parked is set. */
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

/* proc.cpu_timer */
static void
cpu_fire(struct ktimer *kt, struct ktimer_batch *b)
{
	struct look k = {.p = b->p, .now = b->now};
	uint64_t left = UINT64_MAX;

	if (b->p->exiting)
		return;
	cpu_expire_posix(&k, b, &left);
	for (int i = 0; i < 2; i++)
		cpu_expire_itimer(&k, i, &left);
	cpu_expire_limit(&k, &left);
	if (left != UINT64_MAX && !cpu_idle(&k))
		cpu_arm(b->p, b->now, left);
}

void
ptimer_unpark(struct proc *p, uint64_t now)
{
	if (!atomic_exchange(&p->cpu_parked, false))
		return;
	kmutex_lock(&p->lock);
	cpu_arm(p, now, 0);
	kmutex_unlock(&p->lock);
}

int
ptimer_limit_begin(struct vkernel *k)
{
	return (ktimers_start(k));
}

void
ptimer_limit_set_locked(struct proc *p)
{
	struct lwp *l;

	kmutex_assert_owned(&p->lock);
	atomic_store(&p->cpu_parked, true);
	LIST_FOREACH (l, &p->lwps, link)
		if (lwp_in_user(l))
			lwp_notify(l);
}

static struct ptimer *
ptimer_of(struct ksig_source *src)
{
	return ((struct ptimer *)(void *)((char *)src -
					  offsetof(struct ptimer, source)));
}

/* The timer's signal is no longer queued: an interval timer that has waited for
 * that is armed again.  Returns the number of expiries since it was armed last,
 * including the expiry that queued the signal. */
static uint64_t
timer_resume(struct ptimer *t)
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
	timer_rearm(&k, t);
	return (n);
}

static int32_t
ptimer_taken(struct ksig_source *src)
{
	struct ptimer *t = ptimer_of(src);
	uint64_t n = timer_resume(t);

	/* n is 0 if the estimate of CPU time has gone back. */
	n = t->overrun + (n > 0 ? n - 1 : 0);
	t->overrun = 0;
	t->overrun_told = n > INT32_MAX ? INT32_MAX : (int32_t)n;
	return (t->overrun_told);
}

static void
ptimer_flushed(struct ksig_source *src)
{
	struct ptimer *t = ptimer_of(src);

	(void)timer_resume(t);
	t->overrun = 0;
}

void
ptimer_lwp_gone_locked(struct lwp *l)
{
	struct ptimer *t;

	kmutex_assert_owned(&l->p->lock);
	sigpending_flush(l->p->k, &l->sigpend);
	LIST_FOREACH (t, &l->p->timers, link) {
		if (t->notify_lwp != l && t->clock_lwp != l)
			continue;
		if (t->notify_lwp == l)
			t->notify_lwp = NULL;
		if (t->clock_lwp == l) {
			t->clock_lwp = NULL;
			t->deadline = 0;
		}
		if (!running(t))
			ktimer_disarm(&t->timer);
	}
}

/* ---- the calls ---- */

/* Find the lwps that the timer names.  EINVAL: there is none. */
static int
timer_bind(struct proc *p, struct ptimer *t)
{
	t->p = p;
	ktimer_init(&t->timer, p, posix_fire);
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
	if (error != 0)
		goto out;
	error = EAGAIN;
	if (p->ntimers >= PTIMER_MAX)
		goto out;
	if (atomic_fetch_add(&p->k->ntimers, 1) >= PTIMER_ALL_MAX) {
		atomic_fetch_sub(&p->k->ntimers, 1);
		goto out;
	}
	error = 0;
	do {
		t->id = (int)(p->timer_next++ & INT32_MAX);
	} while (find_timer(p, t->id) != NULL);
	if (value_is_id)
		t->value = (uint64_t)t->id;
	*id = t->id;
	p->ntimers++;
	LIST_INSERT_HEAD(&p->timers, t, link);
out:
	kmutex_unlock(&p->lock);
	return (error);
}

/* Free a timer that is off the list. */
static void
timer_free(struct proc *p, struct ptimer *t)
{
	kmutex_assert_owned(&p->lock);
	ktimer_disarm(&t->timer);
	if (t->source.queued != NULL)
		t->source.queued->source = NULL;
	p->ntimers--;
	atomic_fetch_sub(&p->k->ntimers, 1);
	kmem_free(t);
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

void
ptimer_exit(struct proc *p)
{
	kmutex_lock(&p->lock);
	p->alarm_ns = 0;
	memset(p->cpu_itimer, 0, sizeof(p->cpu_itimer));
	ktimer_disarm(&p->alarm_timer);
	ktimer_disarm(&p->cpu_timer);
	kmutex_unlock(&p->lock);
	ptimer_delete_all(p);
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
	else /* due, but not fired yet; a silent one has ended */
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
		error = ktimers_start(t->p->k);
	if (start == 0 || error != 0)
		t->deadline = 0;
	else
		t->deadline = abs ? start : ktime_add(now, start);
	t->interval = interval;
	t->overrun = 0;
	t->fired = false;
	timer_rearm(&k, t);
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
ptimer_info(struct proc *p, int id, struct ptimer_info *info)
{
	const struct ptimer *t;

	kmutex_lock(&p->lock);
	t = find_timer(p, id);
	if (t != NULL)
		*info = (struct ptimer_info){
		    .clock = t->clock, .overrun = t->overrun_told};
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
	const uint64_t now = host_now_ns();
	uint64_t cpu;
	int error = 0;

	KASSERT(i == 0 || i == 1);
	kmutex_lock(&p->lock);
	cpu = proc_cpu_ns_locked(p, now, i != 0);
	cpu_state(p, i, cpu, old);
	if (left != 0)
		error = ktimers_start(p->k);
	it->deadline = left == 0 || error != 0 ? 0 : ktime_add(cpu, left);
	it->interval = interval;
	if (it->deadline != 0)
		cpu_arm(p, now, left);
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
