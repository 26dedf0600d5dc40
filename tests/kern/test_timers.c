/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Timers of many processes: the order in which they fire, that disarmed ones
 * do not, that one process's timers need no lock of another, and that many
 * short intervals leave the process tree and other timers usable.
 */
#include "fixture.h"

#include "abi/signal.h"
#include "abi/time.h"
#include "kern/sig/ksignal.h"
#include "kern/time/ktime.h"

#include <time.h>
#include <unistd.h>

#define NTIMERS 2000
#define MS UINT64_C(1000000)

static _Atomic(bool) all_end;  /* every program may end */
static _Atomic(int) running;   /* programs that wait for that */
static _Atomic(int) timers_ok; /* programs whose timers all expired */

static int
setup(void **state)
{
	atomic_store(&all_end, false);
	atomic_store(&running, 0);
	atomic_store(&timers_ok, 0);
	return (fx_setup_booted(state));
}

static void
prog_sleeper(struct user *u)
{
	U_BEGIN
	atomic_fetch_add(&running, 1);
	while (!atomic_load(&all_end))
		U_PAUSE();
	U_EXIT(0);
	U_END;
}

static struct proc *
spawn_sleeper(int nth)
{
	struct proc *p;
	int pid = fx_spawn(&fx, 0);

	for (int i = 0; i < 100000 && atomic_load(&running) < nth; i++)
		usleep(100);
	assert_int_equal(atomic_load(&running), nth);
	p = proc_find_hold(fx.k, pid);
	assert_non_null(p);
	return (p);
}

static void
end_sleeper(struct proc *p)
{
	int pid = p->pid, status;

	proc_drop(p);
	atomic_store(&all_end, true);
	assert_int_equal(vkernel_wait(fx.k, pid, &status), 0);
	assert_int_equal(status, 0);
}

/* ---- the order ---- */

static struct ktimer timers[NTIMERS];
static uint64_t wanted[NTIMERS]; /* when it is to fire, 0 never */
static int fired[NTIMERS];       /* how often: the lock of the process */
static uint64_t last_at;
static int nfired, out_of_order, too_early;

static void
record(struct ktimer *t, struct ktimer_batch *b)
{
	const int i = (int)(t - timers);

	fired[i]++;
	nfired++;
	out_of_order += wanted[i] < last_at;
	too_early += wanted[i] > host_now_ns();
	last_at = wanted[i];
}

static int
fired_now(struct proc *p)
{
	int n;

	kmutex_lock(&p->lock);
	n = nfired;
	kmutex_unlock(&p->lock);
	return (n);
}

/* Timers that are armed, moved and disarmed fire once, in the order of their
 * times, or not at all.  All is done before the first is due. */
static void
test_fire_in_order(void **state)
{
	struct proc *p;
	uint64_t start, r = 88172645463325252u;
	int want = 0;

	fx.prog[0] = prog_sleeper;
	p = spawn_sleeper(1);
	assert_int_equal(ktimers_start(fx.k), 0);
	memset(fired, 0, sizeof(fired));
	last_at = 0;
	nfired = out_of_order = too_early = 0;
	kmutex_lock(&p->lock);
	start = host_now_ns() + 100 * MS;
	for (int i = 0; i < NTIMERS; i++)
		ktimer_init(&timers[i], p, record);
	for (int i = 0; i < 4 * NTIMERS; i++) {
		const int n = (int)(r % NTIMERS);
		uint64_t at = start + (r >> 20) % (100 * MS);

		r ^= r << 13;
		r ^= r >> 7;
		r ^= r << 17;
		switch (i % 4) {
		case 0:
			ktimer_disarm(&timers[n]);
			wanted[n] = 0;
			break;
		case 1:
			ktimer_arm_before(&timers[n], at);
			if (wanted[n] == 0 || at < wanted[n])
				wanted[n] = at;
			break;
		default:
			ktimer_arm(&timers[n], at);
			wanted[n] = at;
		}
	}
	kmutex_unlock(&p->lock);
	for (int i = 0; i < NTIMERS; i++)
		want += wanted[i] != 0;
	for (int i = 0; i < 20000 && fired_now(p) < want; i++)
		usleep(1000);
	kmutex_lock(&p->lock);
	for (int i = 0; i < NTIMERS; i++)
		assert_int_equal(fired[i], wanted[i] != 0);
	assert_int_equal(out_of_order, 0);
	assert_int_equal(too_early, 0);
	kmutex_unlock(&p->lock);
	end_sleeper(p);
}

/* ---- locks ---- */

static bool
alarm_pending(struct proc *p)
{
	bool yes;

	kmutex_lock(&p->lock);
	yes = p->alarm_ns == 0;
	kmutex_unlock(&p->lock);
	return (yes);
}

/* The alarm of p goes off while this thread holds `m`. */
static bool
alarm_under_lock(struct proc *p, struct kmutex *m)
{
	struct lx_sigaction ignore = {.handler = LX_SIG_IGN};
	bool yes = false;

	ksig_action(p, LX_SIGALRM, &ignore, NULL);
	kmutex_lock(m);
	for (int i = 0; i < 2000 && !yes; i++) {
		usleep(1000);
		/* m may be the lock of another process. */
		if (kmutex_trylock(&p->lock)) {
			yes = p->alarm_ns == 0;
			kmutex_unlock(&p->lock);
		}
	}
	kmutex_unlock(m);
	return (yes);
}

static void
test_alarm_needs_no_foreign_lock(void **state)
{
	struct proc *a, *b;

	fx.prog[0] = prog_sleeper;
	a = spawn_sleeper(1);
	b = spawn_sleeper(2);
	assert_int_equal(
	    proc_set_alarm(a, host_now_ns() + 20 * MS, 0, NULL, NULL), 0);
	assert_true(alarm_under_lock(a, &b->lock));
	assert_int_equal(
	    proc_set_alarm(a, host_now_ns() + 20 * MS, 0, NULL, NULL), 0);
	assert_true(alarm_under_lock(a, &fx.k->proctree));
	assert_true(alarm_pending(a));
	end_sleeper(a);
	end_sleeper(b);
}

/* ---- many processes with many timers ---- */

#define PROCS 24
#define PER_PROC 200

/* rbx: the child, r12: timers made, r13: signals taken. */
static void
prog_many(struct user *u)
{
	struct lx_itimerspec its = {{0, 0}, {0, 0}};
	struct lx_itimerval itv = {{0, 0}, {0, 0}};
	uint64_t mask = KSIGBIT(LX_SIGALRM) | KSIGBIT(LX_SIGRTMIN);

	U_BEGIN
	for (u->tf->rbx = 0; u->tf->rbx < PROCS; u->tf->rbx++) {
		U_SYS(SYS_fork);
		U_CHECK(U_RET >= 0, U_RET);
		if (U_RET == 0)
			goto child;
	}
	for (u->tf->rbx = 0; u->tf->rbx < PROCS; u->tf->rbx++) {
		U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0), 0, 0);
		U_CHECK(U_RET > 0 && u_get32(u, u_buf(u, 0)) == 0, U_RET);
	}
	U_EXIT(0);
child:
	mask = KSIGBIT(LX_SIGALRM) | KSIGBIT(LX_SIGRTMIN);
	u_put64(u, u_buf(u, 0), mask);
	U_SYS(SYS_rt_sigprocmask, LX_SIG_BLOCK, u_buf(u, 0), 0, 8);
	U_CHECK(U_RET == 0, U_RET);
	/* SIGURG is ignored: these timers stay armed and fire all the time. */
	for (u->tf->r12 = 0; u->tf->r12 < PER_PROC; u->tf->r12++) {
		u_put64(u, u_buf(u, 1), 0);
		u_put64(u, u_buf(u, 1) + 8,
		    u->tf->r12 % 2 == 0 ? LX_SIGRTMIN : LX_SIGURG);
		U_SYS(SYS_timer_create, CLOCK_MONOTONIC, u_buf(u, 1),
		    u_buf(u, 2));
		U_CHECK(U_RET == 0, U_RET);
		its.value.nsec = 1000 + (int64_t)(u->tf->r12 * 250000);
		its.interval.nsec = u->tf->r12 % 2 == 0 ? 0 : 1;
		copyout(u->l->p->vmspace, &its, u_buf(u, 3), sizeof(its));
		U_SYS(SYS_timer_settime,
		    (uint64_t)(unsigned)u_get32(u, u_buf(u, 2)), 0, u_buf(u, 3),
		    0);
		U_CHECK(U_RET == 0, U_RET);
	}
	itv.value.usec = 30000;
	copyout(u->l->p->vmspace, &itv, u_buf(u, 3), sizeof(itv));
	U_SYS(SYS_setitimer, LX_ITIMER_REAL, u_buf(u, 3), 0);
	U_CHECK(U_RET == 0, U_RET);
	/* One signal for each one-shot timer, and the alarm. */
	for (u->tf->r13 = 0; u->tf->r13 < PER_PROC / 2 + 1; u->tf->r13++) {
		U_SYS(SYS_rt_sigtimedwait, u_buf(u, 0), 0, 0, 8);
		U_CHECK(U_RET == LX_SIGALRM || U_RET == LX_SIGRTMIN, U_RET);
	}
	atomic_fetch_add(&timers_ok, 1);
	U_EXIT(0);
	U_END;
}

static void
test_many_timers(void **state)
{
	fx.prog[0] = prog_many;
	assert_int_equal(fx_run(&fx, 0), 0);
	assert_int_equal(atomic_load(&timers_ok), PROCS);
	assert_int_equal(atomic_load(&fx.k->ntimers), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fx_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_fire_in_order),
	    T(test_alarm_needs_no_foreign_lock),
	    T(test_many_timers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
