/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Microbenchmark of operations on processes and memory, one static program
 * for every system under test.  `micro NAME [ARG]` prints one line
 * "NAME nanoseconds-per-operation"; times are CLOCK_MONOTONIC, medians of
 * several rounds.
 */

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define PAGE 4096

extern char **environ;

static double
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec * 1e9 + (double)ts.tv_nsec);
}

static int
cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y ? -1 : x > y);
}

static double
median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), cmp);
	return (v[n / 2]);
}

static char *
map(size_t len)
{
	char *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return (p);
}

static void
touch(char *p, size_t len)
{
	for (size_t i = 0; i < len; i += PAGE)
		p[i] = 1;
}

static double
bench_getppid(const char *arg)
{
	const int n = 20000;
	double t = now_ns();

	for (int i = 0; i < n; i++)
		syscall(SYS_getppid);
	return ((now_ns() - t) / n);
}

static double
bench_mmap64k(const char *arg)
{
	const int n = 300;
	double t = now_ns();

	for (int i = 0; i < n; i++) {
		char *p = map(65536);

		touch(p, 65536);
		munmap(p, 65536);
	}
	return ((now_ns() - t) / n);
}

static void
reap(pid_t pid)
{
	int st;

	if (pid < 0 || waitpid(pid, &st, 0) != pid || st != 0) {
		fprintf(stderr, "child failed\n");
		exit(1);
	}
}

static double
bench_fork(const char *arg)
{
	const int n = 50;
	double t = now_ns();

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		reap(pid);
	}
	return ((now_ns() - t) / n);
}

static double
bench_exec(const char *arg)
{
	const int n = 20;
	double t = now_ns();

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			char *argv[] = {
			    (char *)"busybox", (char *)"true", NULL};

			execve(arg, argv, environ);
			_exit(9);
		}
		reap(pid);
	}
	return ((now_ns() - t) / n);
}

/* The time of a program from fork to wait: micro spawn PROGRAM ARG... */
static char **spawn_argv;

static double
bench_spawn(const char *arg)
{
	const int n = 10;
	double t = 0;

	for (int i = -2; i < n; i++) {
		pid_t pid;

		if (i == 0)
			t = now_ns();
		pid = fork();
		if (pid == 0) {
			execve(arg, spawn_argv, environ);
			_exit(9);
		}
		reap(pid);
	}
	return ((now_ns() - t) / n);
}

/* Per page. */
static double
bench_touch(const char *arg)
{
	const size_t len = 256 * MIB;
	char *p = map(len);
	double t = now_ns();

	touch(p, len);
	t = (now_ns() - t) / (double)(len / PAGE);
	munmap(p, len);
	return (t);
}

static double
bench_munmap(const char *arg)
{
	const size_t len = 256 * MIB;
	char *p = map(len);
	double t;

	touch(p, len);
	t = now_ns();
	munmap(p, len);
	return (now_ns() - t);
}

/* The fork call alone, in a process whose pages are all writable. */
static double
bench_bigfork(const char *arg)
{
	const size_t len = 256 * MIB;
	char *p = map(len);
	double t, took;
	pid_t pid;

	touch(p, len);
	t = now_ns();
	pid = fork();
	took = now_ns() - t;
	if (pid == 0)
		_exit(0);
	reap(pid);
	munmap(p, len);
	return (took);
}

/* Per page: writes of the child to 64 MiB that it shares with its parent. */
static double
bench_cow(const char *arg)
{
	const size_t len = 64 * MIB;
	double *r = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *p = map(len);
	double t;
	pid_t pid;

	touch(p, len);
	pid = fork();
	if (pid == 0) {
		t = now_ns();
		touch(p, len);
		*r = (now_ns() - t) / (double)(len / PAGE);
		_exit(0);
	}
	reap(pid);
	munmap(p, len);
	return (*r);
}

/* The wait call alone, for a process with `len` bytes that has already ended.
 */
static double
wait_for(size_t len)
{
	double t, took = 0;
	siginfo_t si;

	for (int i = 0; i < 8; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (len != 0)
				touch(map(len), len);
			_exit(0);
		}
		if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) != 0) {
			perror("waitid");
			exit(1);
		}
		t = now_ns();
		reap(pid);
		took += now_ns() - t;
	}
	return (took / 8);
}

static double
bench_waitsmall(const char *arg)
{
	return (wait_for(0));
}

static double
bench_waitbig(const char *arg)
{
	return (wait_for(1024 * MIB));
}

static const struct {
	const char *name;
	double (*fn)(const char *);
	int rounds;
} benches[] = {
    {"getppid", bench_getppid, 5},
    {"mmap64k", bench_mmap64k, 5},
    {"fork", bench_fork, 5},
    {"exec", bench_exec, 5},
    {"spawn", bench_spawn, 3},
    {"touch", bench_touch, 3},
    {"munmap", bench_munmap, 3},
    {"bigfork", bench_bigfork, 3},
    {"cow", bench_cow, 3},
    {"waitsmall", bench_waitsmall, 3},
    {"waitbig", bench_waitbig, 1},
};

int
main(int argc, char **argv)
{
	double v[16];

	spawn_argv = argv + (argc > 2 ? 2 : 0);

	for (size_t i = 0; argc > 1 && i < sizeof(benches) / sizeof(*benches);
	     i++) {
		if (strcmp(argv[1], benches[i].name) != 0)
			continue;
		for (int k = 0; k < benches[i].rounds; k++)
			v[k] = benches[i].fn(argc > 2 ? argv[2] : NULL);
		printf("%s %.1f\n", argv[1], median(v, benches[i].rounds));
		return (0);
	}
	fprintf(stderr, "usage: micro NAME [BUSYBOX]\n");
	return (2);
}
