/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * RLIMIT_CPU: SIGXCPU at the soft limit, which then rises; SIGKILL at the hard
 * one; both also for children that inherit the limit and for a limit that
 * another process sets.
 */
#include "guest.h"

struct shared {
	volatile int signals, code;
	volatile rlim_t soft;
	volatile bool ready;
};
static struct shared *shared;

static void
on_xcpu(int signo, siginfo_t *info, void *uc)
{
	struct rlimit r;

	if (shared->signals++ > 0)
		return;
	shared->code = info->si_code;
	if (getrlimit(RLIMIT_CPU, &r) == 0)
		shared->soft = r.rlim_cur;
}

/* Use CPU time for at most 20 s. */
static void __attribute__((noreturn)) burn(void)
{
	const uint64_t end = now_ns() + 20 * UINT64_C(1000000000);

	while (now_ns() < end)
		for (volatile int i = 0; i < 1000000; i++)
			continue;
	_exit(77);
}

static void
limit(rlim_t soft, rlim_t hard)
{
	struct rlimit r = {soft, hard};

	CHECK(setrlimit(RLIMIT_CPU, &r) == 0);
}

/* A child that inherits the limit of its parent. */
static pid_t
inheriting(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		limit(1, RLIM_INFINITY);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			burn();
		_exit(WTERMSIG(wait_status(pid)));
	}
	return (pid);
}

static pid_t
both_limits(void)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		set_handler(SIGXCPU, on_xcpu, 0);
		limit(1, 2);
		burn();
	}
	return (pid);
}

/* A child that is in a loop without calls when the limit is set. */
static pid_t
from_outside(void)
{
	struct rlimit r = {1, RLIM_INFINITY};
	volatile uint64_t n = 0;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		shared->ready = true;
		for (;;)
			n++;
	}
	while (!shared->ready)
		sleep_ms(1);
	sleep_ms(20);
	CHECK(syscall(SYS_prlimit64, pid, RLIMIT_CPU, &r, NULL) == 0);
	return (pid);
}

int
main(void)
{
	pid_t a, b, c;
	int status;

	shared = map_shared(PAGE);
	a = both_limits();
	b = inheriting();
	status = wait_status(a);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(shared->signals == 1 && shared->code == SI_KERNEL);
	CHECK(shared->soft == 2);
	status = wait_status(b);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == SIGXCPU);
	c = from_outside();
	status = wait_status(c);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
	say("limits");
	/* A limit of 0 is no time at all. */
	a = fork();
	CHECK(a >= 0);
	if (a == 0) {
		limit(0, 5);
		burn();
	}
	status = wait_status(a);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU);
	say("zero");
	return (0);
}
