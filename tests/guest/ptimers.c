/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Timers that send signals: timer_create with its clocks and notifications;
 * overruns; the effect of fork and exec on timers; timers whose signal is
 * ignored, discarded or left queued by a thread that ends; the longest times;
 * the interval timers of CPU time; CPU clocks by their ids.
 */
#include "guest.h"

#include <pthread.h>
#include <sys/time.h>

#define MS 1000000L

static volatile sig_atomic_t fired, overrun, value, code, taker;

static void
handler(int sig, siginfo_t *si, void *ctx)
{
	fired++;
	overrun += si->si_overrun;
	value = si->si_value.sival_int;
	code = si->si_code;
	taker = (int)syscall(SYS_gettid);
}

static void
handle(int sig)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	CHECK(sigaction(sig, &sa, NULL) == 0);
}

static timer_t
timer_new(clockid_t clock, int notify, int sig)
{
	struct sigevent ev = {.sigev_notify = notify,
	    .sigev_signo = sig,
	    .sigev_value.sival_int = 77};
	timer_t t;

	CHECK(timer_create(clock, &ev, &t) == 0);
	return (t);
}

static void
start(timer_t t, long first, long interval)
{
	struct itimerspec its = {
	    {interval / (1000 * MS), interval % (1000 * MS)},
	    {first / (1000 * MS), first % (1000 * MS)}};

	fired = overrun = 0;
	CHECK(timer_settime(t, 0, &its, NULL) == 0);
}

static long
left(timer_t t)
{
	struct itimerspec its;

	CHECK(timer_gettime(t, &its) == 0);
	return (its.it_value.tv_sec * 1000 * MS + its.it_value.tv_nsec);
}

static void
once_and_again(void)
{
	static const clockid_t clocks[] = {
	    CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME};
	struct itimerspec its = {{0, 0}, {0, 0}}, old;
	timer_t t;

	for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		t = timer_new(clocks[i], SIGEV_SIGNAL, SIGUSR1);
		CHECK(left(t) == 0);
		start(t, 5 * MS, 0);
		while (fired == 0)
			pause();
		CHECK(value == 77 && code == SI_TIMER && overrun == 0);
		CHECK(left(t) == 0 && timer_getoverrun(t) == 0);
		start(t, 2 * MS, 2 * MS);
		while (fired < 5)
			pause();
		CHECK(left(t) > 0 && left(t) <= 2 * MS);
		/* A time in the past expires at once. */
		its.it_value = (struct timespec){1, 0};
		fired = 0;
		CHECK(timer_settime(t, TIMER_ABSTIME, &its, &old) == 0);
		CHECK(old.it_interval.tv_nsec == 2 * MS);
		while (fired == 0)
			sched_yield();
		start(t, 3600 * 1000 * MS, 0);
		CHECK(left(t) > 3599 * 1000 * MS);
		its.it_value = (struct timespec){0, 0};
		CHECK(timer_settime(t, 0, &its, &old) == 0);
		CHECK(old.it_value.tv_sec == 3599 && left(t) == 0);
		CHECK(timer_delete(t) == 0);
	}
	say("expiry");
}

static void
overruns(void)
{
	timer_t t = timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
	sigset_t set, old, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	start(t, 2 * MS, 2 * MS);
	sleep_ms(50);
	CHECK(fired == 0);
	for (int ms = 0;; ms++) {
		CHECK(ms < 20000 && sigpending(&pending) == 0);
		if (sigismember(&pending, SIGUSR1))
			break;
		sleep_ms(1);
	}
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(fired >= 1 && overrun >= 23);
	/* An ignored signal does not stop the timer. */
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	sleep_ms(10);
	handle(SIGUSR1);
	fired = 0;
	while (fired < 2)
		pause();
	CHECK(timer_delete(t) == 0);
	say("overruns");
}

/* Wait for n signals, with a limit. */
static void
wait_fired(int n)
{
	for (int ms = 0; fired < n; ms++) {
		CHECK(ms < 20000);
		sleep_ms(1);
	}
}

/* Wait until a timer without an interval has expired, with a limit. */
static void
wait_expired(timer_t t)
{
	for (int ms = 0; left(t) != 0; ms++) {
		CHECK(ms < 20000);
		sleep_ms(1);
	}
}

static void
mask(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK(pthread_sigmask(how, &set, NULL) == 0);
}

/* SIGCONT discards a queued SIGTSTP. On Linux the timer then stays silent. */
static void
continued(void)
{
	timer_t t = timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGTSTP);

	handle(SIGTSTP);
	mask(SIG_BLOCK, SIGTSTP);
	start(t, 2 * MS, 2 * MS);
	sleep_ms(10);
	CHECK(kill(getpid(), SIGCONT) == 0);
	sleep_ms(10);
	mask(SIG_UNBLOCK, SIGTSTP);
	wait_fired(3);
	CHECK(timer_delete(t) == 0);
	CHECK(signal(SIGTSTP, SIG_DFL) != SIG_ERR);
}

/* A timer goes on when its queued signal is discarded. */
static void
discarded_signals(void)
{
	timer_t t = timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1), u;
	siginfo_t si = {.si_code = SI_TIMER, .si_signo = SIGUSR1};

	mask(SIG_BLOCK, SIGUSR1);
	start(t, 2 * MS, 2 * MS);
	sleep_ms(10);
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	handle(SIGUSR1);
	mask(SIG_UNBLOCK, SIGUSR1);
	wait_fired(3);
	CHECK(timer_delete(t) == 0);
	if (getenv("GUEST_INSIDE") != NULL)
		continued();
	/* A signal that a program composed belongs to no timer. */
	t = timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
	for (int id = 0; id < 64; id++) {
		memcpy((char *)&si + 16, &id, sizeof(id));
		CHECK(
		    syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &si) == 0);
	}
	start(t, 2 * MS, 2 * MS);
	wait_fired(3);
	/* Two timers with one standard signal: a signal for each. */
	mask(SIG_BLOCK, SIGUSR1);
	u = timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
	start(t, MS, 0);
	start(u, MS, 0);
	wait_expired(t);
	wait_expired(u);
	fired = 0;
	mask(SIG_UNBLOCK, SIGUSR1);
	CHECK(fired == 2);
	CHECK(timer_delete(t) == 0 && timer_delete(u) == 0);
	say("discarded signals");
}

#define MANY 1000

static void
empty_child(void *arg)
{
}

/* A timer whose signal has no room in the queue or is ignored does not
 * affect others. */
static void
many_timers(void)
{
	static timer_t t[MANY];

	CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
	for (int i = 0; i < MANY; i++)
		t[i] = timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2);
	for (int i = 0; i < MANY; i++)
		start(t[i], 1, 1);
	for (int i = 0; i < 20; i++)
		in_child(empty_child, NULL);
	for (int i = 0; i < MANY; i++)
		start(t[i], MS, 500 * MS);
	handle(SIGUSR2);
	wait_fired(2 * MANY);
	for (int i = 0; i < MANY; i++)
		CHECK(timer_delete(t[i]) == 0);
	CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
	say("many timers");
}

/* The longest times: they do not expire, and a long interval does not expire
 * repeatedly. */
static void
longest_times(void)
{
	static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC,
	    CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
	const long long_max = (long)(~0UL >> 1);
	struct itimerspec its = {.it_value = {long_max, 0}}, old;
	struct itimerval it = {{long_max, 0}, {0, 1000}},
			 off = {{0, 0}, {0, 0}};
	timer_t t;

	for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		t = timer_new(clocks[i], SIGEV_SIGNAL, SIGUSR1);
		fired = overrun = 0;
		for (int abs = 0; abs < 2; abs++) {
			its.it_value = (struct timespec){long_max, 999999999};
			its.it_interval = its.it_value;
			CHECK(timer_settime(
				  t, abs ? TIMER_ABSTIME : 0, &its, &old) == 0);
			CHECK(timer_gettime(t, &old) == 0);
			CHECK(old.it_value.tv_sec > 7000000000L);
			CHECK(old.it_interval.tv_sec > 9000000000L);
		}
		sleep_ms(5);
		CHECK(fired == 0);
		its.it_value = (struct timespec){0, MS};
		CHECK(timer_settime(t, 0, &its, NULL) == 0);
		while (fired == 0)
			continue;
		sleep_ms(20);
		if (fired != 1 || overrun != 0)
			say("clock %d: %d signals, overrun %d", (int)i,
			    (int)fired, (int)overrun);
		CHECK(fired == 1 && overrun == 0);
		CHECK(timer_gettime(t, &old) == 0);
		CHECK(old.it_value.tv_sec > 7000000000L);
		CHECK(timer_delete(t) == 0);
	}
	for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
		handle(which == ITIMER_REAL      ? SIGALRM
		       : which == ITIMER_VIRTUAL ? SIGVTALRM
						 : SIGPROF);
		fired = 0;
		CHECK(setitimer(which, &it, NULL) == 0);
		while (fired == 0)
			continue;
		sleep_ms(20);
		CHECK(fired == 1);
		CHECK(setitimer(which, &off, NULL) == 0);
	}
	say("longest times");
}

static void
inherited(void *arg)
{
	timer_t t = *(timer_t *)arg;
	struct itimerspec its;

	CHECK_ERRNO(timer_gettime(t, &its), EINVAL);
	CHECK(timer_delete(t) != 0); /* musl's sets no errno */
	sleep_ms(20);
	CHECK(fired == 0);
}

static void
silent_and_forked(void)
{
	timer_t t = timer_new(CLOCK_MONOTONIC, SIGEV_NONE, 0);

	start(t, 3 * MS, 3 * MS);
	sleep_ms(10);
	CHECK(fired == 0 && left(t) > 0 && left(t) <= 3 * MS);
	in_child(inherited, &t);
	start(t, 3 * MS, 0);
	sleep_ms(10);
	CHECK(left(t) == 0 && fired == 0);
	CHECK(timer_delete(t) == 0);
	/* Without a sigevent: SIGALRM, with the timer's number. */
	handle(SIGALRM);
	CHECK(timer_create(CLOCK_MONOTONIC, NULL, &t) == 0);
	start(t, MS, 0);
	while (fired == 0)
		pause();
	CHECK(code == SI_TIMER);
	CHECK(timer_delete(t) == 0);
	say("notification");
}

static void *
thread(void *arg)
{
	struct sigevent ev = {
	    .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	int tid = (int)syscall(SYS_gettid);
	timer_t t;

#ifdef __GLIBC__
	ev._sigev_un._tid = tid;
#else
	ev.sigev_notify_thread_id = tid;
#endif
	CHECK(timer_create(CLOCK_MONOTONIC, &ev, &t) == 0);
	start(t, MS, MS);
	for (int i = 0; i < 5; i++) {
		int was = fired;

		while (fired == was)
			sleep_ms(1);
		CHECK(taker == tid);
	}
	CHECK(timer_delete(t) == 0);
	return (NULL);
}

static void
threads(void)
{
	pthread_t th;

	for (int i = 0; i < 3; i++) {
		CHECK(pthread_create(&th, NULL, thread, NULL) == 0);
		CHECK(pthread_join(th, NULL) == 0);
	}
	say("threads");
}

static timer_t of_thread[2];

static void *
ending(void *arg)
{
	struct sigevent ev = {
	    .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1};
	int tid = (int)syscall(SYS_gettid);

#ifdef __GLIBC__
	ev._sigev_un._tid = tid;
#else
	ev.sigev_notify_thread_id = tid;
#endif
	mask(SIG_BLOCK, SIGUSR1);
	CHECK(timer_create(CLOCK_MONOTONIC, &ev, &of_thread[0]) == 0);
	of_thread[1] =
	    timer_new(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR2);
	start(of_thread[0], MS, MS);
	start(of_thread[1], MS, MS);
	for (volatile long i = 0; i < 30000000; i++)
		continue;
	return (NULL);
}

/* Timers of a thread that ends while their signals are queued. */
static void
timers_of_ended_thread(void)
{
	struct itimerspec its = {{0, MS}, {0, MS}};
	pthread_t th;
	int was;

	handle(SIGUSR2);
	mask(SIG_BLOCK, SIGUSR2);
	CHECK(pthread_create(&th, NULL, ending, NULL) == 0);
	CHECK(pthread_join(th, NULL) == 0);
	sleep_ms(5);
	mask(SIG_UNBLOCK, SIGUSR2);
	/* Linux has -1 for a clock that has ended. */
	CHECK(fired <= 1 && overrun >= -1 && overrun < 100000);
	was = fired;
	sleep_ms(10);
	CHECK(fired == was);
	CHECK_ERRNO(timer_settime(of_thread[1], 0, &its, NULL), ESRCH);
	CHECK(timer_settime(of_thread[0], 0, &its, NULL) == 0);
	sleep_ms(10);
	CHECK(fired == was);
	for (int i = 0; i < 2; i++)
		CHECK(timer_delete(of_thread[i]) == 0);
	say("timers of a thread that has ended");
}

static void
spin_until(int n)
{
	while (fired < n)
		continue;
}

static void
cpu_time(void)
{
	static const int which[] = {ITIMER_VIRTUAL, ITIMER_PROF};
	struct itimerval it = {{0, 5000}, {0, 5000}}, off = {{0, 0}, {0, 0}};
	struct timespec ts;
	clockid_t clock;
	timer_t t;

	handle(SIGVTALRM);
	handle(SIGPROF);
	for (int i = 0; i < 2; i++) {
		fired = 0;
		CHECK(setitimer(which[i], &it, NULL) == 0);
		spin_until(4);
		CHECK(setitimer(which[i], &off, &it) == 0);
		CHECK(it.it_interval.tv_usec == 5000);
		CHECK(getitimer(which[i], &it) == 0);
		CHECK(it.it_value.tv_usec == 0);
		it = (struct itimerval){{0, 5000}, {0, 5000}};
	}
	CHECK_ERRNO(setitimer(3, &off, NULL), EINVAL);
	t = timer_new(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1);
	start(t, 10 * MS, 0);
	spin_until(1);
	/* Not while the thread sleeps, but soon after. */
	start(t, 50 * MS, 0);
	sleep_ms(100);
	CHECK(fired == 0);
	spin_until(1);
	CHECK(timer_delete(t) == 0);
	t = timer_new(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1);
	start(t, 10 * MS, 10 * MS);
	spin_until(3);
	CHECK(timer_delete(t) == 0);
	/* By id: a thread, this process, its parent. */
	CHECK(pthread_getcpuclockid(pthread_self(), &clock) == 0);
	CHECK(clock_gettime(clock, &ts) == 0);
	CHECK(ts.tv_sec > 0 || ts.tv_nsec > 20 * MS);
	CHECK(clock_getcpuclockid(0, &clock) == 0);
	CHECK(clock_gettime(clock, &ts) == 0);
	CHECK(clock_getcpuclockid(getpid(), &clock) == 0);
	CHECK(clock_gettime(clock, &ts) == 0 && clock_getres(clock, &ts) == 0);
	CHECK_ERRNO(
	    clock_gettime((clockid_t)(~100000000 * 8 + 2), &ts), EINVAL);
	say("CPU time");
}

static void
errors(void)
{
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 99};
	struct itimerspec its = {{0, 0}, {0, 1000 * MS}};
	timer_t t = timer_new(CLOCK_MONOTONIC, SIGEV_NONE, 0);
	long raw;

	CHECK_ERRNO(timer_create(CLOCK_MONOTONIC, &ev, &t), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_create, 99, NULL, &raw), EINVAL);
	CHECK_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, NULL, &raw),
	    EOPNOTSUPP);
	CHECK_ERRNO(
	    syscall(SYS_timer_create, CLOCK_MONOTONIC, 8, &raw), EFAULT);
	CHECK_ERRNO(
	    syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 8), EFAULT);
	CHECK_ERRNO(timer_settime(t, 0, &its, NULL), EINVAL);
	CHECK(timer_delete(t) == 0);
	CHECK(timer_delete(t) != 0);
	CHECK_ERRNO(timer_getoverrun(t), EINVAL);
	say("errors");
}

int
main(int argc, char **argv)
{
	if (argc > 1) { /* after exec: no timer sends SIGUSR1 any more */
		sleep_ms(20);
		say("exec");
		return (0);
	}
	handle(SIGUSR1);
	once_and_again();
	overruns();
	discarded_signals();
	many_timers();
	silent_and_forked();
	threads();
	timers_of_ended_thread();
	cpu_time();
	longest_times();
	errors();
	start(timer_new(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1), 10 * MS,
	    10 * MS);
	execl("/proc/self/exe", argv[0], "exec", (char *)NULL);
	return (1);
}
