/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Threads, CPUs and futexes of the host.
 *
 * Concepts: creator and thread share a handle until the thread has started;
 * from then on it belongs to the creator.  The last of the two to drop its
 * reference frees the handle.  Signals are blocked around the creation, so that
 * the new thread starts with all of them blocked, and the host delivers signals
 * of the process to the embedder's threads.  SIGSYS alone is not blocked: a
 * seccomp filter sends it to the thread that made the call, and the host kills
 * the process if it cannot be delivered.
 *
 * The CPUs of the process are those that its main thread was allowed when a
 * function of this file first needed them.  Pinning a thread later, the main
 * thread included, does not change this set, and unpinning a thread allows it
 * the whole set again.
 *
 * Limits: 8192 CPUs.
 */
#include "host/host.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "libk/kassert.h"

#define NSEC UINT64_C(1000000000)
#define THREAD_STACK ((size_t)1 << 20) /* reserved, charged as used */
#define CPUS_MAX 8192

struct host_thread {
	_Atomic(int) refs;  /* [a] creator, and the thread while it starts */
	pthread_t pt;       /* [I] creator only; set by pthread_create */
	void (*fn)(void *); /* [I] */
	void *arg;          /* [I] */
	char name[16];      /* [I] */
};

/* An array of words, because a cpu_set_t has only 1024 CPUs. */
struct cpu_mask {
	unsigned long bits[CPUS_MAX / (8 * sizeof(unsigned long))];
};

static pthread_once_t cpus_once = PTHREAD_ONCE_INIT;
static struct cpu_mask cpus_all; /* [I] after cpus_once */

static void
thread_drop(struct host_thread *t)
{
	if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1)
		free(t);
}

static void *
thread_start(void *cookie)
{
	struct host_thread *t = cookie;
	void (*fn)(void *) = t->fn;
	void *arg = t->arg;

	(void)pthread_setname_np(pthread_self(), t->name);
	/* A new thread inherits the pinning of its creator: undo that. */
	(void)host_setaffinity(0, -1);
	thread_drop(t);
	fn(arg);
	return (NULL);
}

int
host_thread_create(
    struct host_thread **out, const char *name, void (*fn)(void *), void *arg)
{
	struct host_thread *t;
	pthread_attr_t attr;
	sigset_t all, saved;
	int error;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return (ENOMEM);
	atomic_init(&t->refs, 2);
	t->fn = fn;
	t->arg = arg;
	strncpy(t->name, name, sizeof(t->name) - 1);
	error = pthread_attr_init(&attr);
	if (error != 0)
		goto fail;
	error = pthread_attr_setstacksize(&attr, THREAD_STACK);
	if (error != 0)
		goto fail_attr;
	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	error = pthread_create(&t->pt, &attr, thread_start, t);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	if (error != 0)
		goto fail_attr;
	pthread_attr_destroy(&attr);
	*out = t;
	return (0);
fail_attr:
	pthread_attr_destroy(&attr);
fail:
	free(t);
	return (error);
}

void
host_thread_join(struct host_thread *t)
{
	KVERIFY(pthread_join(t->pt, NULL) == 0);
	thread_drop(t);
}

void
host_thread_detach(struct host_thread *t)
{
	KVERIFY(pthread_detach(t->pt) == 0);
	thread_drop(t);
}

int
host_gettid(void)
{
	return ((int)gettid());
}

int
host_getpid(void)
{
	return ((int)getpid());
}

static inline bool
mask_has(const struct cpu_mask *m, unsigned cpu)
{
	const unsigned w = 8 * sizeof(m->bits[0]);

	return ((m->bits[cpu / w] >> cpu % w & 1) != 0);
}

static void
cpus_capture(void)
{
	if (sched_getaffinity(
		getpid(), sizeof(cpus_all), (cpu_set_t *)cpus_all.bits) != 0)
		cpus_all.bits[0] = 1;
}

int
host_cpus(int *cpus, int max)
{
	int n = 0;

	pthread_once(&cpus_once, cpus_capture);
	for (unsigned cpu = 0; cpu < CPUS_MAX && n < max; cpu++) {
		if (mask_has(&cpus_all, cpu))
			cpus[n++] = (int)cpu;
	}
	return (n);
}

int
host_ncpu(void)
{
	int n = 0;

	pthread_once(&cpus_once, cpus_capture);
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++)
		n += mask_has(&cpus_all, cpu);
	return (n);
}

int
host_setaffinity(int tid, int cpu)
{
	const unsigned w = 8 * sizeof(unsigned long);
	struct cpu_mask one = {0};
	const struct cpu_mask *m = &cpus_all;

	pthread_once(&cpus_once, cpus_capture);
	if (cpu >= CPUS_MAX)
		return (EINVAL);
	if (cpu >= 0) {
		one.bits[(unsigned)cpu / w] = 1UL << (unsigned)cpu % w;
		m = &one;
	}
	if (sched_setaffinity(tid, sizeof(*m), (const cpu_set_t *)m->bits) != 0)
		return (errno);
	return (0);
}

int
host_getcpu(void)
{
	int cpu = sched_getcpu();

	return (cpu < 0 ? 0 : cpu);
}

int
host_membarrier(int cmd, int *result)
{
	long r = syscall(SYS_membarrier, cmd, 0, 0);

	if (r < 0)
		return (errno);
	*result = (int)r;
	return (0);
}

void
host_yield(void)
{
	sched_yield();
}

int
host_futex_wait(
    _Atomic(uint32_t) *word, uint32_t val, uint64_t timeout_ns, bool shared)
{
	struct timespec ts, *tsp = NULL;
	int op = shared ? FUTEX_WAIT : FUTEX_WAIT_PRIVATE;

	if (timeout_ns != UINT64_MAX) {
		ts.tv_sec = (time_t)(timeout_ns / NSEC);
		ts.tv_nsec = (long)(timeout_ns % NSEC);
		tsp = &ts;
	}
	if (syscall(SYS_futex, word, op, val, tsp, NULL, 0) == 0 ||
	    errno == EAGAIN || errno == EINTR)
		return (0);
	return (errno);
}

int
host_futex_wake(_Atomic(uint32_t) *word, int n, bool shared)
{
	int op = shared ? FUTEX_WAKE : FUTEX_WAKE_PRIVATE;

	if (syscall(SYS_futex, word, op, n, NULL, NULL, 0) < 0)
		return (errno);
	return (0);
}
