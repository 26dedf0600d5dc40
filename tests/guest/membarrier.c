/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * membarrier: registrations and errors, and that a store and a load of another
 * thread are ordered by it although that thread has no barrier of its own.
 */
#include "guest.h"

#include <pthread.h>

#define GLOBAL 0x1
#define GLOBAL_EXPEDITED 0x2
#define REGISTER_GLOBAL_EXPEDITED 0x4
#define PRIVATE_EXPEDITED 0x8
#define REGISTER_PRIVATE_EXPEDITED 0x10
#define GET_REGISTRATIONS 0x200
#define ROUNDS 400
#define LIMIT_NS UINT64_C(3000000000)

static long
membarrier(int cmd, unsigned flags)
{
	return (syscall(SYS_membarrier, cmd, flags, 0));
}

static void
errors(void)
{
	long all = membarrier(0, 0);

	CHECK(all >= 0);
	CHECK_ERRNO(membarrier(0, 1), EINVAL);
	CHECK_ERRNO(membarrier(-1, 0), EINVAL);
	CHECK_ERRNO(membarrier(3, 0), EINVAL);
	CHECK_ERRNO(membarrier(0x40000000, 0), EINVAL);
	if ((all & GLOBAL) == 0) /* a host with nohz_full */
		CHECK_ERRNO(membarrier(GLOBAL, 0), EINVAL);
	else
		CHECK(membarrier(GLOBAL, 0) == 0);
	if ((all & PRIVATE_EXPEDITED) == 0)
		return;
	CHECK_ERRNO(membarrier(PRIVATE_EXPEDITED, 0), EPERM);
	CHECK_ERRNO(membarrier(REGISTER_PRIVATE_EXPEDITED, 1), EINVAL);
	CHECK(membarrier(REGISTER_PRIVATE_EXPEDITED, 0) == 0);
	CHECK(membarrier(REGISTER_PRIVATE_EXPEDITED, 0) == 0);
	CHECK(membarrier(PRIVATE_EXPEDITED, 0) == 0);
	CHECK(membarrier(GLOBAL_EXPEDITED, 0) == 0); /* not registered */
	CHECK(membarrier(REGISTER_GLOBAL_EXPEDITED, 0) == 0);
	CHECK(membarrier(GLOBAL_EXPEDITED, 0) == 0);
	if ((all & GET_REGISTRATIONS) != 0)
		CHECK(membarrier(GET_REGISTRATIONS, 0) ==
		      (REGISTER_PRIVATE_EXPEDITED | REGISTER_GLOBAL_EXPEDITED));
}

/* Each on a cache line of its own. */
static struct {
	volatile int v;
	char pad[252];
} x, y, go, done;
static volatile int seen_y;
static volatile uint64_t start; /* of a round, for both at once */

static void
wait_start(void)
{
	while (__builtin_ia32_rdtsc() < start)
		continue;
}

/* Without a barrier between the store and the load. */
static void *
fast(void *arg)
{
	for (int i = 1;; i++) {
		while (go.v != i)
			if (go.v < 0)
				return (NULL);
		wait_start();
		x.v = i;
		__asm__ volatile("" ::: "memory");
		seen_y = y.v;
		__atomic_store_n(&done.v, i, __ATOMIC_SEQ_CST);
	}
}

/* One of the two threads sees the store of the other. */
static void
order(void)
{
	uint64_t end = now_ns() + LIMIT_NS;
	pthread_t t;

	if ((membarrier(0, 0) & PRIVATE_EXPEDITED) == 0)
		return;
	CHECK(pthread_create(&t, NULL, fast, NULL) == 0);
	for (int i = 1; i <= ROUNDS && now_ns() < end; i++) {
		int seen_x;

		start = __builtin_ia32_rdtsc() + 3000 + (unsigned)i % 64;
		go.v = i;
		wait_start();
		y.v = i;
		CHECK(membarrier(PRIVATE_EXPEDITED, 0) == 0);
		seen_x = x.v;
		while (__atomic_load_n(&done.v, __ATOMIC_SEQ_CST) != i)
			continue;
		CHECK(seen_x == i || seen_y == i);
	}
	go.v = -1;
	CHECK(pthread_join(t, NULL) == 0);
}

/* fork keeps the registrations, exec does not. */
static void
inherited(char **argv)
{
	char *again[] = {argv[0], (char *)"again", NULL};
	pid_t pid;
	int st;

	if ((membarrier(0, 0) & PRIVATE_EXPEDITED) == 0)
		return;
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(membarrier(PRIVATE_EXPEDITED, 0) == 0);
		execv("/proc/self/exe", again);
		_exit(9);
	}
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
}

int
main(int argc, char **argv)
{
	if (argc > 1) {
		CHECK_ERRNO(membarrier(PRIVATE_EXPEDITED, 0), EPERM);
		return (0);
	}
	errors();
	say("registrations");
	order();
	say("order");
	inherited(argv);
	say("fork and exec");
	return (0);
}
