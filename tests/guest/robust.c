/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * robust MIB: a child is killed for lack of memory while it owns a robust mutex
 * that it shares with its parent.
 *
 * The mutex and the child's list of mutexes are sent to swap before the child
 * takes more than MIB of memory. So the kernel needs memory to release the
 * mutexes of the child at the moment when there is none. The parent must obtain
 * the mutex, marked as that of a dead owner, and must not be killed for it.
 */
#include "guest.h"

#include <pthread.h>
#include <stdatomic.h>

struct shared {
	pthread_mutex_t m;
	_Atomic(int) owned;
};

static void
page_out_of(const void *p)
{
	char *at = (char *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1));

	CHECK(madvise(at, PAGE, MADV_PAGEOUT) == 0);
}

/* Takes the mutex and never releases it. */
static void
owner(struct shared *s, size_t len)
{
	char *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t n;
	void *head;

	CHECK(m != MAP_FAILED);
	CHECK(pthread_mutex_lock(&s->m) == 0);
	CHECK(syscall(SYS_get_robust_list, 0, &head, &n) == 0);
	atomic_store(&s->owned, 1);
	page_out_of(s);
	page_out_of(head);
	for (size_t i = 0; i < len / PAGE; i++)
		fill_page(m + i * PAGE, 1, i);
	_exit(3);
}

int
main(int argc, char **argv)
{
	size_t len = (size_t)(argc > 1 ? atoi(argv[1]) : 64) * MIB;
	struct shared *s = (void *)map_shared(PAGE);
	pthread_mutexattr_t a;
	struct timespec until;
	int status;
	pid_t pid;

	CHECK(pthread_mutexattr_init(&a) == 0);
	CHECK(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED) == 0);
	CHECK(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST) == 0);
	CHECK(pthread_mutex_init(&s->m, &a) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		owner(s, len);
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(atomic_load(&s->owned) == 1);
	CHECK(clock_gettime(CLOCK_REALTIME, &until) == 0);
	until.tv_sec += 10;
	CHECK(pthread_mutex_timedlock(&s->m, &until) == EOWNERDEAD);
	CHECK(pthread_mutex_consistent(&s->m) == 0);
	CHECK(pthread_mutex_unlock(&s->m) == 0);
	say("the mutex of a dead owner");
	return (0);
}
