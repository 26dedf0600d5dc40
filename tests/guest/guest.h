/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Common code of the guest programs.
 *
 * A guest program checks itself: CHECK() ends it with status 1 and prints the
 * place. It prints only what is the same natively and inside (no pids,
 * addresses or times), so that the runner can compare the outputs. Each line is
 * written at once, so that nothing is printed twice after a fork.
 *
 * GUEST_INSIDE in the environment means that the program runs inside vmspace. A
 * program uses it only to omit, natively, what only vmspace promises.
 */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/testrand.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define GUEST __attribute__((unused)) static
#define PAGE ((size_t)4096)
#define MIB ((size_t)1 << 20)

GUEST void __attribute__((format(printf, 1, 2))) say(const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		_exit(99);
	if ((size_t)n > sizeof(buf) - 2)
		n = sizeof(buf) - 2;
	buf[n++] = '\n';
	if (write(STDOUT_FILENO, buf, (size_t)n) != n)
		_exit(98);
}

#define CHECK(x)                                            \
	do {                                                \
		if (!(x))                                   \
			guest_fail(__FILE__, __LINE__, #x); \
	} while (0)

/* An address at which nothing is mapped, and which the compiler does not
 * know. */
#define BAD                                     \
	({                                      \
		void *volatile bad = (void *)8; \
		(void *)bad;                    \
	})
/* Expect a call to return -1 with this errno. */
#define CHECK_ERRNO(call, want)                                                \
	do {                                                                   \
		long r_ = (errno = 0, (long)(call));                           \
		if (r_ != -1 || errno != (want))                               \
			guest_fail_errno(__FILE__, __LINE__, #call, r_, want); \
	} while (0)

GUEST void __attribute__((noreturn))
guest_fail(const char *file, int line, const char *what)
{
	const char *base = strrchr(file, '/');
	int e = errno;

	say("FAIL %s:%d: %s (errno %d, %s)", base != NULL ? base + 1 : file,
	    line, what, e, strerror(e));
	_exit(1);
}

GUEST void __attribute__((noreturn))
guest_fail_errno(const char *file, int line, const char *what, long r, int want)
{
	const char *base = strrchr(file, '/');
	int e = errno;

	say("FAIL %s:%d: %s returned %ld, errno %d (%s); want -1 and %d (%s)",
	    base != NULL ? base + 1 : file, line, what, r, e, strerror(e), want,
	    strerror(want));
	_exit(1);
}

GUEST bool
inside(void)
{
	return (getenv("GUEST_INSIDE") != NULL);
}

/* Inside, where the host permits no network namespace (see
 * tests/fault/denied.py). */
GUEST bool
no_internet(void)
{
	int s = inside() ? socket(AF_INET, SOCK_DGRAM, 0) : 0;

	if (s > 0)
		close(s);
	return (s < 0 && errno == EACCES);
}

/* The size of an open file. */
GUEST off_t
size_of(int fd)
{
	struct stat st;

	CHECK(fstat(fd, &st) == 0);
	return (st.st_size);
}

/* Start a child that exits with 0 when *end is closed. */
GUEST pid_t
waiting_child(int *end)
{
	int p[2];
	pid_t child;
	char c;

	CHECK(pipe(p) == 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(p[1]);
		(void)!read(p[0], &c, 1);
		_exit(0);
	}
	close(p[0]);
	*end = p[1];
	return (child);
}

/* A word that depends on owner, page and word. */
GUEST uint64_t
pattern(uint64_t owner, uint64_t page, uint64_t word)
{
	uint64_t x = owner * 0x9e3779b97f4a7c15u + page * 0xbf58476d1ce4e5b9u +
		     word * 0x94d049bb133111ebu + 1;

	x ^= x >> 29;
	x *= 0xff51afd7ed558ccdu;
	return (x ^ (x >> 32));
}

GUEST void
fill_page(void *mem, uint64_t owner, uint64_t page)
{
	uint64_t *p = mem;

	for (size_t w = 0; w < PAGE / sizeof(*p); w++)
		p[w] = pattern(owner, page, w);
}

GUEST bool
check_page(const void *mem, uint64_t owner, uint64_t page)
{
	const uint64_t *p = mem;

	for (size_t w = 0; w < PAGE / sizeof(*p); w++)
		if (p[w] != pattern(owner, page, w))
			return (false);
	return (true);
}

/* Pages of one owner, numbered from 0. */
GUEST void
fill_pages(char *m, size_t pages, uint64_t owner)
{
	for (size_t i = 0; i < pages; i++)
		fill_page(m + i * PAGE, owner, i);
}

GUEST void
check_pages(const char *m, size_t pages, uint64_t owner)
{
	for (size_t i = 0; i < pages; i++)
		CHECK(check_page(m + i * PAGE, owner, i));
}

GUEST bool
all_zero(const void *mem, size_t len)
{
	const unsigned char *p = mem;

	for (size_t i = 0; i < len; i++)
		if (p[i] != 0)
			return (false);
	return (true);
}

GUEST void *
map_anon(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return (p);
}

GUEST void *
map_shared(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return (p);
}

GUEST int
wait_status(pid_t pid)
{
	int status;
	pid_t r;

	do
		r = waitpid(pid, &status, 0);
	while (r == -1 && errno == EINTR);
	CHECK(r == pid);
	return (status);
}

/* The child must end with status 0; otherwise it has printed the reason. */
GUEST void
wait_ok(pid_t pid)
{
	int status = wait_status(pid);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		say("FAIL child ended with status %#x", status);
		_exit(1);
	}
}

/* fn(arg) in a child process, which must succeed. */
GUEST void
in_child(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	wait_ok(pid);
}

GUEST void
set_handler(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = fn;
	sa.sa_flags = SA_SIGINFO | flags;
	CHECK(sigaction(sig, &sa, NULL) == 0);
}

GUEST void
set_disposition(int sig, void (*fn)(int))
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = fn;
	CHECK(sigaction(sig, &sa, NULL) == 0);
}

GUEST void
sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		continue;
}

/* Wait until the process sleeps in a system call, 20 s at most. */
GUEST void
wait_asleep(pid_t pid)
{
	char path[64], buf[512];
	const char *name_end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (int ms = 0;; ms++) {
		CHECK(ms < 20000);
		fd = open(path, O_RDONLY);
		CHECK(fd >= 0);
		n = read(fd, buf, sizeof(buf) - 1);
		CHECK(n > 0 && close(fd) == 0);
		buf[n] = '\0';
		name_end = strrchr(buf, ')');
		CHECK(name_end != NULL);
		if (name_end[2] == 'S')
			return;
		sleep_ms(1);
	}
}

GUEST uint64_t
now_ns(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return ((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

static char scratch_dir[64];

GUEST void
scratch_remove(void)
{
	char cmd[128];

	if (scratch_dir[0] == '\0' || chdir("/") != 0)
		return;
	/* Programs remove their own files. What a failed program left is
	 * removed here. */
	snprintf(cmd, sizeof(cmd), "rm -rf %s", scratch_dir);
	if (rmdir(scratch_dir) != 0 && !inside() && system(cmd) != 0)
		say("left behind: %s", scratch_dir);
}

/* Create a directory in /tmp for this program and make it the current one. */
GUEST void
scratch_enter(const char *name)
{
	snprintf(
	    scratch_dir, sizeof(scratch_dir), "/tmp/guest-%s-XXXXXX", name);
	CHECK(mkdtemp(scratch_dir) != NULL);
	CHECK(chdir(scratch_dir) == 0);
}

GUEST void
write_file(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	CHECK(fd >= 0);
	CHECK(write(fd, data, len) == (ssize_t)len);
	CHECK(fchmod(fd, mode) == 0);
	CHECK(close(fd) == 0);
}

/* Up to size - 1 bytes, NUL-terminated. */
GUEST size_t
read_file(const char *path, char *buf, size_t size)
{
	size_t done = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	CHECK(fd >= 0);
	while (done < size - 1 &&
	       (n = read(fd, buf + done, size - 1 - done)) != 0) {
		CHECK(n > 0);
		done += (size_t)n;
	}
	buf[done] = '\0';
	close(fd);
	return (done);
}

#endif /* TESTS_GUEST_H */
