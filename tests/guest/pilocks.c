/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Locks with priority inheritance (FUTEX_LOCK_PI): errors, exclusion of threads
 * and of processes, timeouts, signals, and owners that end.  And waiting for
 * several futexes at once.
 */
#include "guest.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define LOCK_PI 6
#define UNLOCK_PI 7
#define TRYLOCK_PI 8
#define LOCK_PI2 13
#define PRIVATE 128
#define WAITERS 0x80000000u
#define OWNER_DIED 0x40000000u
#define TID_MASK 0x3fffffffu

static long
futex(_Atomic(uint32_t) *word, int op, const struct timespec *ts)
{
	return (syscall(SYS_futex, word, op, 0, ts, NULL, 0));
}

static uint32_t
self(void)
{
	return ((uint32_t)syscall(SYS_gettid));
}

static void
errors(void)
{
	_Atomic(uint32_t) word = 0;

	CHECK(futex(&word, LOCK_PI | PRIVATE, NULL) == 0);
	CHECK(word == self());
	CHECK_ERRNO(futex(&word, LOCK_PI | PRIVATE, NULL), EDEADLK);
	CHECK_ERRNO(futex(&word, TRYLOCK_PI | PRIVATE, NULL), EDEADLK);
	CHECK(futex(&word, UNLOCK_PI | PRIVATE, NULL) == 0 && word == 0);
	CHECK_ERRNO(futex(&word, UNLOCK_PI | PRIVATE, NULL), EPERM);
	CHECK(futex(&word, TRYLOCK_PI | PRIVATE, NULL) == 0);
	CHECK(futex(&word, UNLOCK_PI | PRIVATE, NULL) == 0);
	/* An owner that does not exist, and one that has left its mark. */
	word = 0x3ffffff0;
	CHECK_ERRNO(futex(&word, LOCK_PI | PRIVATE, NULL), ESRCH);
	CHECK_ERRNO(futex(&word, TRYLOCK_PI | PRIVATE, NULL), ESRCH);
	CHECK_ERRNO(futex(&word, UNLOCK_PI | PRIVATE, NULL), EPERM);
	word = OWNER_DIED;
	CHECK(futex(&word, LOCK_PI | PRIVATE, NULL) == 0);
	CHECK(word == (self() | OWNER_DIED));
	CHECK(futex(&word, UNLOCK_PI | PRIVATE, NULL) == 0);
	CHECK_ERRNO(futex(BAD, LOCK_PI | PRIVATE, NULL), EFAULT);
	CHECK_ERRNO(futex((void *)((char *)&word + 1), LOCK_PI, NULL), EINVAL);
	say("errors");
}

/* ---- threads ---- */

#define NTHREADS 4
#define ROUNDS 3000

static _Atomic(uint32_t) lock;
static long counter;
static _Atomic(int) entered, done;

static void
take(_Atomic(uint32_t) *word, int flags)
{
	uint32_t none = 0;

	if (!atomic_compare_exchange_strong(word, &none, self()))
		CHECK(futex(word, LOCK_PI | flags, NULL) == 0);
	CHECK((*word & TID_MASK) == self());
}

static void
give(_Atomic(uint32_t) *word, int flags)
{
	uint32_t own = self();

	if (!atomic_compare_exchange_strong(word, &own, 0))
		CHECK(futex(word, UNLOCK_PI | flags, NULL) == 0);
}

static void *
contend(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		take(&lock, PRIVATE);
		counter++;
		if (i % 64 == 0)
			sched_yield();
		give(&lock, PRIVATE);
	}
	return (NULL);
}

static void
exclusion(void)
{
	pthread_t t[NTHREADS];

	for (int i = 0; i < NTHREADS; i++)
		CHECK(pthread_create(&t[i], NULL, contend, NULL) == 0);
	for (int i = 0; i < NTHREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(counter == NTHREADS * ROUNDS);
	CHECK(futex(&lock, TRYLOCK_PI | PRIVATE, NULL) == 0);
	CHECK(futex(&lock, UNLOCK_PI | PRIVATE, NULL) == 0 && lock == 0);
	say("exclusion");
}

static void
in_ms(int clock, struct timespec *ts, long ms)
{
	CHECK(clock_gettime(clock, ts) == 0);
	ts->tv_nsec += ms * 1000000;
	ts->tv_sec += ts->tv_nsec / 1000000000;
	ts->tv_nsec %= 1000000000;
}

static void *
try_to_get(void *arg)
{
	struct timespec ts;

	CHECK_ERRNO(futex(&lock, TRYLOCK_PI | PRIVATE, NULL), EAGAIN);
	in_ms(CLOCK_REALTIME, &ts, 20);
	CHECK_ERRNO(futex(&lock, LOCK_PI | PRIVATE, &ts), ETIMEDOUT);
	in_ms(CLOCK_MONOTONIC, &ts, 20);
	CHECK_ERRNO(futex(&lock, LOCK_PI2 | PRIVATE, &ts), ETIMEDOUT);
	CHECK_ERRNO(futex(&lock, UNLOCK_PI | PRIVATE, NULL), EPERM);
	CHECK((lock & WAITERS) != 0);
	return (NULL);
}

static void
timeouts(void)
{
	pthread_t t;

	CHECK(futex(&lock, LOCK_PI | PRIVATE, NULL) == 0);
	CHECK(pthread_create(&t, NULL, try_to_get, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	/* No thread waits any more. */
	CHECK(futex(&lock, UNLOCK_PI | PRIVATE, NULL) == 0 && lock == 0);
	say("timeouts");
}

static _Atomic(int) handled;

static void
on_usr1(int signo, siginfo_t *info, void *uc)
{
	handled++;
}

static void *
wait_for_it(void *arg)
{
	entered = 1;
	CHECK(futex(&lock, LOCK_PI | PRIVATE, NULL) == 0);
	CHECK(handled == 1 && (lock & TID_MASK) == self());
	done = 1;
	CHECK(futex(&lock, UNLOCK_PI | PRIVATE, NULL) == 0);
	return (NULL);
}

/* A signal does not end the wait, also without SA_RESTART. */
static void
interrupted(void)
{
	pthread_t t;

	set_handler(SIGUSR1, on_usr1, 0);
	CHECK(futex(&lock, LOCK_PI | PRIVATE, NULL) == 0);
	CHECK(pthread_create(&t, NULL, wait_for_it, NULL) == 0);
	while ((lock & WAITERS) == 0)
		sleep_ms(1);
	sleep_ms(10);
	CHECK(pthread_kill(t, SIGUSR1) == 0);
	while (handled == 0)
		sleep_ms(1);
	sleep_ms(20);
	CHECK(done == 0 && (lock & TID_MASK) == self());
	CHECK(futex(&lock, UNLOCK_PI | PRIVATE, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0 && done == 1);
	CHECK(lock == 0);
	say("interrupted");
}

/* ---- owners that end ---- */

static void *
lock_and_end(void *arg)
{
	CHECK(futex(&lock, LOCK_PI | PRIVATE, NULL) == 0);
	entered = 2;
	while ((lock & WAITERS) == 0)
		sleep_ms(1);
	sleep_ms(10);
	return (NULL);
}

static void
dead_thread(void)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, lock_and_end, NULL) == 0);
	while (entered != 2)
		sleep_ms(1);
	CHECK(futex(&lock, LOCK_PI | PRIVATE, NULL) == 0);
	CHECK((lock & (TID_MASK | OWNER_DIED)) == (self() | OWNER_DIED));
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(futex(&lock, UNLOCK_PI | PRIVATE, NULL) == 0);
	CHECK(lock == 0);
	say("dead_thread");
}

/* Processes, which share the word, and one of which is killed. */
static void
dead_process(void)
{
	_Atomic(uint32_t) *word = map_shared(PAGE);
	pid_t pid, other;

	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		take(word, 0);
		pause();
		_exit(0);
	}
	while (*word == 0)
		sleep_ms(1);
	CHECK((*word & TID_MASK) == (uint32_t)pid);
	other = fork();
	CHECK(other >= 0);
	if (other == 0) {
		CHECK(futex(word, LOCK_PI, NULL) == 0);
		CHECK((*word & TID_MASK) == self());
		CHECK((*word & OWNER_DIED) != 0);
		CHECK(futex(word, UNLOCK_PI, NULL) == 0);
		_exit(0);
	}
	while ((*word & WAITERS) == 0)
		sleep_ms(1);
	sleep_ms(10);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(WIFSIGNALED(wait_status(pid)));
	wait_ok(other);
	CHECK(*word == 0);
	CHECK(munmap(word, PAGE) == 0);
	say("dead_process");
}

struct robust {
	pthread_mutex_t mutex;
	_Atomic(int) locked;
};

/* The library's mutex, robust and with inheritance. */
static void
library(void)
{
	struct robust *r = map_shared(PAGE);
	pthread_mutexattr_t a;
	pid_t pid;

	CHECK(pthread_mutexattr_init(&a) == 0);
	CHECK(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST) == 0);
	CHECK(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT) == 0);
	CHECK(pthread_mutex_init(&r->mutex, &a) == 0);
	CHECK(pthread_mutex_lock(&r->mutex) == 0);
	CHECK(pthread_mutex_unlock(&r->mutex) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_mutex_lock(&r->mutex) == 0);
		r->locked = 1;
		sleep_ms(30);
		_exit(0);
	}
	while (r->locked == 0)
		sleep_ms(1);
	CHECK(pthread_mutex_lock(&r->mutex) == EOWNERDEAD);
	CHECK(pthread_mutex_consistent(&r->mutex) == 0);
	CHECK(pthread_mutex_unlock(&r->mutex) == 0);
	CHECK(pthread_mutex_lock(&r->mutex) == 0);
	CHECK(pthread_mutex_unlock(&r->mutex) == 0);
	wait_ok(pid);
	CHECK(munmap(r, PAGE) == 0);
	say("library");
}

/* ---- several words ---- */

struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};
#define U32 2

static long
waitv(struct waitv *v, unsigned n, unsigned flags, struct timespec *ts, int c)
{
	return (syscall(449, v, n, flags, ts, c));
}

static _Atomic(uint32_t) words[3];
static struct waitv three[3];

static void *
waker(void *arg)
{
	const int i = *(int *)arg;

	/* The sleeper is enqueued when a wakeup finds it. */
	while (
	    syscall(SYS_futex, &words[i], 1 | PRIVATE, 1, NULL, NULL, 0) == 0)
		sleep_ms(1);
	return (NULL);
}

static void
several(void)
{
	struct timespec ts;
	pthread_t t;

	for (int i = 0; i < 3; i++)
		three[i] = (struct waitv){
		    .uaddr = (uintptr_t)&words[i], .flags = U32 | PRIVATE};
	in_ms(CLOCK_MONOTONIC, &ts, 20);
	CHECK_ERRNO(waitv(three, 3, 0, &ts, CLOCK_MONOTONIC), ETIMEDOUT);
	in_ms(CLOCK_REALTIME, &ts, 20);
	CHECK_ERRNO(waitv(three, 3, 0, &ts, CLOCK_REALTIME), ETIMEDOUT);
	for (int i = 0; i < 3; i++) {
		CHECK(pthread_create(&t, NULL, waker, &i) == 0);
		CHECK(waitv(three, 3, 0, NULL, 0) == i);
		CHECK(pthread_join(t, NULL) == 0);
	}
	/* No waiter is left behind. */
	for (int i = 0; i < 3; i++)
		CHECK(syscall(SYS_futex, &words[i], 1 | PRIVATE, 9, NULL, NULL,
			  0) == 0);
	words[2] = 1;
	CHECK_ERRNO(waitv(three, 3, 0, NULL, 0), EAGAIN);
	CHECK(
	    syscall(SYS_futex, &words[0], 1 | PRIVATE, 9, NULL, NULL, 0) == 0);
	words[2] = 0;
	CHECK_ERRNO(waitv(three, 0, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(waitv(three, 129, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(waitv(three, 3, 1, NULL, 0), EINVAL);
	CHECK_ERRNO(waitv(three, 3, 0, &ts, 9), EINVAL);
	CHECK_ERRNO(waitv(NULL, 3, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(waitv(BAD, 3, 0, NULL, 0), EFAULT);
	three[1].reserved = 1;
	CHECK_ERRNO(waitv(three, 3, 0, NULL, 0), EINVAL);
	three[1].reserved = 0;
	three[1].flags = PRIVATE;
	CHECK_ERRNO(waitv(three, 3, 0, NULL, 0), EINVAL);
	three[1].flags = U32;
	three[1].uaddr++;
	CHECK_ERRNO(waitv(three, 3, 0, NULL, 0), EINVAL);
	three[1].uaddr = 8;
	CHECK_ERRNO(waitv(three, 3, 0, NULL, 0), EFAULT);
	say("several");
}

int
main(void)
{
	errors();
	exclusion();
	timeouts();
	interrupted();
	dead_thread();
	dead_process();
	library();
	several();
	return (0);
}
