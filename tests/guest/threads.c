/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Threads: mutexes, condition variables, thread-local storage, concurrent
 * faults and mappings, signals to one thread, and fork, exec and exit in a
 * process with threads.
 */
#include "guest.h"

#include <pthread.h>
#include <semaphore.h>

#define N 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static _Thread_local long mine = 5;
static long counter, turn;
static char *shared;

static void *
adder(void *arg)
{
	long id = (long)(intptr_t)arg;

	CHECK(mine == 5);
	mine = id;
	for (int i = 0; i < 2000; i++) {
		CHECK(pthread_mutex_lock(&lock) == 0);
		counter++;
		CHECK(pthread_mutex_unlock(&lock) == 0);
	}
	CHECK(mine == id);
	return ((void *)(intptr_t)(id * id));
}

static void
mutexes(void)
{
	pthread_t t[N];
	void *r;

	for (long i = 0; i < N; i++)
		CHECK(pthread_create(&t[i], NULL, adder, (void *)(intptr_t)i) ==
		      0);
	for (long i = 0; i < N; i++)
		CHECK(
		    pthread_join(t[i], &r) == 0 && (long)(intptr_t)r == i * i);
	CHECK(counter == N * 2000 && mine == 5);
	say("mutexes and thread-local storage");
}

/* The threads take turns. */
static void *
taker(void *arg)
{
	long id = (long)(intptr_t)arg;

	CHECK(pthread_mutex_lock(&lock) == 0);
	for (int i = 0; i < 50; i++) {
		while (turn % N != id)
			CHECK(pthread_cond_wait(&cond, &lock) == 0);
		turn++;
		CHECK(pthread_cond_broadcast(&cond) == 0);
	}
	CHECK(pthread_mutex_unlock(&lock) == 0);
	return (NULL);
}

static void
conditions(void)
{
	struct timespec ts;
	pthread_t t[N];

	for (long i = 0; i < N; i++)
		CHECK(pthread_create(&t[i], NULL, taker, (void *)(intptr_t)i) ==
		      0);
	for (long i = 0; i < N; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(turn == 50 * N);
	CHECK(pthread_mutex_lock(&lock) == 0);
	CHECK(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	ts.tv_nsec = ts.tv_nsec / 2;
	CHECK(pthread_cond_timedwait(&cond, &lock, &ts) == ETIMEDOUT);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	say("condition variables");
}

/* All threads fault in the same pages, and map and unmap their own. */
static void *
mapper(void *arg)
{
	size_t id = (size_t)(uintptr_t)arg;
	char *own;

	for (size_t i = id; i < 1024; i += N)
		fill_page(shared + i * PAGE, 1, i);
	for (int round = 0; round < 50; round++) {
		own = map_anon(8 * PAGE);
		for (size_t i = 0; i < 8; i++)
			fill_page(own + i * PAGE, id, i);
		CHECK(mprotect(own, 8 * PAGE, PROT_READ) == 0);
		for (size_t i = 0; i < 8; i++)
			CHECK(check_page(own + i * PAGE, id, i));
		CHECK(munmap(own, 8 * PAGE) == 0);
	}
	return (NULL);
}

static void
mapping(void)
{
	pthread_t t[N];

	shared = map_anon(1024 * PAGE);
	for (long i = 0; i < N; i++)
		CHECK(pthread_create(
			  &t[i], NULL, mapper, (void *)(intptr_t)i) == 0);
	for (long i = 0; i < N; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	for (size_t i = 0; i < 1024; i++)
		CHECK(check_page(shared + i * PAGE, 1, i));
	CHECK(munmap(shared, 1024 * PAGE) == 0);
	say("mapping and faulting at once");
}

static sem_t ready, done;
static volatile pthread_t hit;
static volatile int hits;

static void
on_usr1(int sig, siginfo_t *si, void *uc)
{
	hit = pthread_self();
	hits++;
}

static void *
waiter(void *arg)
{
	CHECK(sem_post(&ready) == 0);
	while (hits == 0)
		sleep_ms(1);
	CHECK(sem_post(&done) == 0);
	for (;;)
		pause();
}

static void
signals_and_cancel(void)
{
	pthread_t t;
	void *r;

	CHECK(sem_init(&ready, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
	set_handler(SIGUSR1, on_usr1, 0);
	CHECK(pthread_create(&t, NULL, waiter, NULL) == 0);
	while (sem_wait(&ready) != 0)
		CHECK(errno == EINTR);
	CHECK(pthread_kill(t, SIGUSR1) == 0);
	while (sem_wait(&done) != 0)
		CHECK(errno == EINTR);
	CHECK(pthread_equal(hit, t) && hits == 1);
	CHECK(pthread_cancel(t) == 0);
	CHECK(pthread_join(t, &r) == 0 && r == PTHREAD_CANCELED);
	say("signals to a thread, cancellation");
}

enum {
	FUTEX_PRIVATE = 128,
	FUTEX_WAIT_PRIVATE = 0 | FUTEX_PRIVATE,
	FUTEX_WAKE_PRIVATE = 1 | FUTEX_PRIVATE,
	FUTEX_REQUEUE_PRIVATE = 3 | FUTEX_PRIVATE,
	FUTEX_CMP_REQUEUE_PRIVATE = 4 | FUTEX_PRIVATE,
};

static int from_word, to_word;

static long
futex(int *word, int op, int n, long m, int *other, int val)
{
	return (syscall(SYS_futex, word, op, n, m, other, val));
}

static void *
futex_waiter(void *arg)
{
	CHECK(futex(&from_word, FUTEX_WAIT_PRIVATE, 0, 0, NULL, 0) == 0);
	return (NULL);
}

/* Both forms return how many were woken and moved. */
static void
requeue(void)
{
	pthread_t t[6];
	long n = 0;

	for (int i = 0; i < 6; i++)
		CHECK(pthread_create(&t[i], NULL, futex_waiter, NULL) == 0);
	while (n < 3) { /* they may not wait yet */
		sleep_ms(1);
		n += futex(&from_word, FUTEX_REQUEUE_PRIVATE, n == 0,
		    n == 0 ? 2 : 3 - n, &to_word, 0);
	}
	CHECK(n == 3);
	CHECK_ERRNO(
	    futex(&from_word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 9, &to_word, 1),
	    EAGAIN);
	while (n < 6) {
		sleep_ms(1);
		n += futex(&from_word, FUTEX_CMP_REQUEUE_PRIVATE, n == 3, 6 - n,
		    &to_word, 0);
	}
	CHECK(n == 6);
	for (n = 1; n < 5; sleep_ms(1))
		n += futex(&to_word, FUTEX_WAKE_PRIVATE, 9, 0, NULL, 0);
	for (int i = 0; i < 6; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	say("requeue");
}

static void *
idle(void *arg)
{
	while (hits >= 0)
		pause();
	return (NULL);
}

static void *
spin(void *arg)
{
	for (volatile unsigned i = 0; hits >= 0; i++)
		continue;
	return (NULL);
}

static void *
exiter(void *arg)
{
	sleep_ms(10);
	_exit(55);
}

/* Only the forking thread is in the child. */
static void *
forker(void *arg)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(syscall(SYS_gettid) == getpid());
		_exit(44);
	}
	status = wait_status(pid);
	CHECK(WEXITSTATUS(status) == 44);
	return (NULL);
}

static void
exec_child(void *arg)
{
	char *argv[] = {
	    (char *)(uintptr_t) "threads", (char *)(uintptr_t) "again", NULL};
	pthread_t t;

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&t, NULL, i & 1 ? spin : idle, NULL) == 0);
	execv("/proc/self/exe", argv);
	_exit(1);
}

static void
endings(void)
{
	pthread_t t;
	int status;
	pid_t pid;

	for (int i = 0; i < 3; i++) {
		CHECK(pthread_create(&t, NULL, forker, NULL) == 0);
		CHECK(pthread_join(t, NULL) == 0);
	}
	say("fork by a thread");
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_create(&t, NULL, idle, NULL) == 0);
		CHECK(pthread_create(&t, NULL, spin, NULL) == 0);
		CHECK(pthread_create(&t, NULL, exiter, NULL) == 0);
		for (;;)
			pause();
	}
	status = wait_status(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 55);
	say("exit by a thread");
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pthread_create(&t, NULL, spin, NULL) == 0);
		pthread_exit(NULL); /* the first thread leaves early */
	}
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	sleep_ms(20);
	CHECK(kill(pid, SIGTERM) == 0);
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	in_child(exec_child, NULL);
	say("exec with threads");
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return (getpid() == (pid_t)syscall(SYS_gettid) ? 0 : 1);
	mutexes();
	conditions();
	mapping();
	signals_and_cancel();
	requeue();
	endings();
	return (0);
}
