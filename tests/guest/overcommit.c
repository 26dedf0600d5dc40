/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Much more memory is mapped than there is, and little of it is touched: the
 * stacks of many threads, large private and shared mappings, the heap, growth
 * by mremap and mprotect, and copies of all of it by fork.  Nothing is refused,
 * and what is touched has the right contents.  Inside, memory is smaller than
 * each of the mappings.
 */
#include "guest.h"

#include <pthread.h>
#include <semaphore.h>

#define THREADS 300
#define STACK (8 * MIB)
#define LARGE (700 * MIB)
#define TOUCH (7 * MIB) /* one page of so many bytes is touched */

static sem_t ready;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *
thread(void *arg)
{
	volatile char *here = __builtin_alloca(16 * PAGE);

	for (size_t i = 0; i < 16; i += 8)
		here[i * PAGE] = (char)(uintptr_t)arg;
	CHECK(sem_post(&ready) == 0);
	CHECK(pthread_mutex_lock(&lock) == 0);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	CHECK(here[0] == (char)(uintptr_t)arg);
	return (NULL);
}

/* 2.4 GiB of stacks at a time. */
static void
threads(void)
{
	static pthread_t t[THREADS];
	pthread_attr_t attr;

	CHECK(sem_init(&ready, 0, 0) == 0);
	CHECK(pthread_attr_init(&attr) == 0);
	CHECK(pthread_attr_setstacksize(&attr, STACK) == 0);
	CHECK(pthread_mutex_lock(&lock) == 0);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(pthread_create(&t[i], &attr, thread, (void *)i) == 0);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(sem_wait(&ready) == 0);
	CHECK(pthread_mutex_unlock(&lock) == 0);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	say("%d threads with stacks of %zu MiB", THREADS, STACK / MIB);
}

static void
touch(char *m, size_t len, uint64_t owner)
{
	for (size_t at = 0; at < len; at += TOUCH)
		fill_page(m + at, owner, at / TOUCH);
}

static void
verify(const char *m, size_t len, uint64_t owner)
{
	for (size_t at = 0; at < len; at += TOUCH) {
		CHECK(check_page(m + at, owner, at / TOUCH));
		CHECK(all_zero(m + at + PAGE, PAGE));
	}
}

static char *
map(size_t len, int prot, int flags)
{
	char *m = mmap(NULL, len, prot, MAP_ANONYMOUS | flags, -1, 0);

	CHECK(m != MAP_FAILED);
	return (m);
}

static char *
page_up(long addr)
{
	return ((char *)(((uintptr_t)addr + PAGE - 1) & ~(PAGE - 1)));
}

static void
mappings(void)
{
	char *a = map(LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *b = map(LARGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	char *c = map(LARGE, PROT_NONE, MAP_PRIVATE);
	char *d = map(LARGE / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *heap = page_up(syscall(SYS_brk, NULL));
	pid_t pid;

	CHECK((char *)syscall(SYS_brk, heap + LARGE) == heap + LARGE);
	CHECK(mprotect(c, LARGE, PROT_READ | PROT_WRITE) == 0);
	d = mremap(d, LARGE / 2, LARGE, MREMAP_MAYMOVE);
	CHECK(d != MAP_FAILED);
	touch(a, LARGE, 1);
	touch(b, LARGE, 2);
	touch(c, LARGE, 3);
	touch(d, LARGE, 4);
	touch(heap, LARGE, 5);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		verify(a, LARGE, 1);
		touch(a, LARGE, 6);
		verify(a, LARGE, 6);
		touch(b, LARGE, 7);
		verify(heap, LARGE, 5);
		_exit(0);
	}
	wait_ok(pid);
	verify(a, LARGE, 1);
	verify(b, LARGE, 7);
	verify(c, LARGE, 3);
	verify(d, LARGE, 4);
	verify(heap, LARGE, 5);
	CHECK(munmap(a, LARGE) == 0 && munmap(b, LARGE) == 0);
	CHECK(munmap(c, LARGE) == 0 && munmap(d, LARGE) == 0);
	CHECK((char *)syscall(SYS_brk, heap) == heap);
	say("five of %zu MiB, and a fork", LARGE / MIB);
}

/* A field of /proc/meminfo, in KiB. */
static long
meminfo(const char *name)
{
	char buf[8192], *at;

	read_file("/proc/meminfo", buf, sizeof(buf));
	at = strstr(buf, name);
	CHECK(at != NULL && (at == buf || at[-1] == '\n'));
	return (strtol(at + strlen(name), NULL, 10));
}

/* The sum of what is mapped follows the mappings, touched or not. */
static void
committed(void)
{
	long before = meminfo("Committed_AS:"), with, after;
	char *m;

	CHECK(meminfo("CommitLimit:") > 0);
	CHECK(meminfo("MemAvailable:") <= meminfo("MemTotal:"));
	m = map(LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	with = meminfo("Committed_AS:");
	CHECK(munmap(m, LARGE) == 0);
	after = meminfo("Committed_AS:");
	/* The host has other processes. */
	if (inside())
		CHECK(with == before + (long)(LARGE >> 10) && after == before);
	say("Committed_AS");
}

int
main(void)
{
	threads();
	mappings();
	committed();
	return (0);
}
