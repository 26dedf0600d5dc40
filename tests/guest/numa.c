/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Memory policies: what is stored and reported, and errors.  A host without
 * NUMA omits them natively.
 */
#include "guest.h"

#include <pthread.h>

#define DEFAULT 0
#define PREFERRED 1
#define BIND 2
#define INTERLEAVE 3
#define LOCAL 4
#define STATIC 0x8000
#define RELATIVE 0x4000
#define F_NODE 1
#define F_ADDR 2
#define F_ALLOWED 4
#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450
#endif

static unsigned long node0[2] = {1, 0}, none[2] = {0, 0};

static long
set(int mode, const unsigned long *nodes, unsigned long max)
{
	return (syscall(SYS_set_mempolicy, mode, nodes, max));
}

static long
bind_to(void *p, size_t pages, int mode, const unsigned long *nodes, int flags)
{
	return (syscall(SYS_mbind, p, pages * PAGE, mode, nodes, 64UL, flags));
}

/* The mode, -errno; *nodes. */
static int
get(void *addr, int flags, unsigned long *nodes)
{
	unsigned long set[16];
	int mode = -1;

	memset(set, 0xff, sizeof(set));
	if (syscall(SYS_get_mempolicy, &mode, set, 1024UL, addr, flags) != 0)
		return (-errno);
	for (int i = 1; i < 16; i++)
		CHECK(set[i] == 0);
	if (nodes != NULL)
		*nodes = set[0];
	return (mode);
}

static void *
thread_main(void *arg)
{
	CHECK(get(NULL, 0, NULL) == BIND);
	CHECK(set(INTERLEAVE, node0, 64) == 0);
	return (NULL);
}

static void
test_thread(void)
{
	unsigned long n;
	pthread_t t;
	int status;
	pid_t pid;

	CHECK(get(NULL, 0, &n) == DEFAULT && n == 0);
	CHECK(get(NULL, F_ALLOWED, &n) == 0 && (n & 1) == 1);
	CHECK(set(BIND, node0, 64) == 0);
	CHECK(get(NULL, 0, &n) == BIND && n == 1);
	CHECK(pthread_create(&t, NULL, thread_main, NULL) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(get(NULL, 0, &n) == BIND);
	pid = fork();
	if (pid == 0)
		_exit(get(NULL, 0, NULL) == BIND ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(set(INTERLEAVE, node0, 64) == 0);
	CHECK(get(NULL, F_NODE, &n) == 0 && n == 1);
	CHECK(set(PREFERRED, node0, 64) == 0);
	CHECK(get(NULL, 0, &n) == PREFERRED && n == 1);
	CHECK(get(NULL, F_NODE, &n) == -EINVAL);
	CHECK(set(PREFERRED, NULL, 0) == 0);
	CHECK(get(NULL, 0, &n) == LOCAL && n == 0);
	CHECK(set(BIND | STATIC, node0, 64) == 0);
	CHECK(get(NULL, 0, &n) == (BIND | STATIC) && n == 1);
	CHECK(set(DEFAULT, NULL, 0) == 0);
	CHECK(get(NULL, 0, &n) == DEFAULT && n == 0);

	CHECK_ERRNO(set(BIND, none, 64), EINVAL);
	CHECK_ERRNO(set(BIND, NULL, 0), EINVAL);
	CHECK_ERRNO(set(DEFAULT, node0, 64), EINVAL);
	CHECK_ERRNO(set(LOCAL, node0, 64), EINVAL);
	CHECK_ERRNO(set(77, node0, 64), EINVAL);
	CHECK_ERRNO(set(-1, node0, 64), EINVAL);
	CHECK_ERRNO(set(BIND | STATIC | RELATIVE, node0, 64), EINVAL);
	CHECK_ERRNO(set(BIND, node0, 1UL << 20), EINVAL);
	CHECK_ERRNO(set(BIND, BAD, 64), EFAULT);
	CHECK(get(NULL, 0x80, NULL) == -EINVAL);
	CHECK(get(node0, 0, NULL) == -EINVAL);
	CHECK(get(NULL, F_ALLOWED | F_NODE, NULL) == -EINVAL);
	CHECK(get(BAD, F_ADDR, NULL) == -EFAULT);
	CHECK_ERRNO(
	    syscall(SYS_get_mempolicy, BAD, NULL, 0UL, NULL, 0), EFAULT);
	say("policies of threads ok");
}

static void
test_range(void)
{
	char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long n;

	CHECK(p != MAP_FAILED);
	CHECK(get(p, F_ADDR, NULL) == DEFAULT);
	CHECK(bind_to(p + 2 * PAGE, 2, BIND, node0, 0) == 0);
	CHECK(bind_to(p + 4 * PAGE, 1, INTERLEAVE, node0, 1 | 2) == 0);
	CHECK(get(p + PAGE, F_ADDR, NULL) == DEFAULT);
	CHECK(get(p + 3 * PAGE + 7, F_ADDR, &n) == BIND && n == 1);
	CHECK(get(p + 4 * PAGE, F_ADDR, &n) == INTERLEAVE && n == 1);
	CHECK(get(p + 4 * PAGE, F_ADDR | F_NODE, NULL) == 0);
	CHECK(syscall(SYS_set_mempolicy_home_node, p + 2 * PAGE, PAGE, 0, 0) ==
		  0 ||
	      (!inside() && errno == ENOSYS));
	CHECK(bind_to(p, 8, DEFAULT, NULL, 0) == 0);
	CHECK(get(p + 3 * PAGE, F_ADDR, NULL) == DEFAULT);

	CHECK_ERRNO(bind_to(p + 1, 1, BIND, node0, 0), EINVAL);
	CHECK_ERRNO(bind_to(p, 1, BIND, none, 0), EINVAL);
	CHECK_ERRNO(bind_to(p, 1, BIND, node0, 0x80), EINVAL);
	CHECK(bind_to(p, 0, BIND, node0, 0) == 0);
	CHECK(munmap(p + 5 * PAGE, PAGE) == 0);
	CHECK_ERRNO(bind_to(p, 8, BIND, node0, 0), EFAULT);
	CHECK(get(p, F_ADDR, NULL) == DEFAULT);
	CHECK(bind_to(p, 8, DEFAULT, NULL, 0) == 0);
	CHECK(munmap(p, 8 * PAGE) == 0);
	CHECK_ERRNO(bind_to(p, 8, DEFAULT, NULL, 0), EFAULT);
	say("policies of ranges ok");
}

static void
test_move(void)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *at[3] = {p, p + PAGE, BAD};
	int status[3] = {9, 9, 9}, nodes[3] = {0, 0, 0};

	CHECK(p != MAP_FAILED);
	CHECK(madvise(p, 4 * PAGE, MADV_RANDOM) == 0);
	p[0] = 1;
	CHECK(syscall(SYS_move_pages, 0, 3UL, at, NULL, status, 0) == 0);
	say("%d %d %d", status[0], status[1] == -ENOENT, status[2] == -EFAULT);
	CHECK(syscall(SYS_move_pages, 0, 1UL, at, nodes, status, 2) == 0);
	say("%d", status[0]);
	nodes[0] = 99999;
	CHECK_ERRNO(
	    syscall(SYS_move_pages, 0, 1UL, at, nodes, status, 2), ENODEV);
	CHECK_ERRNO(
	    syscall(SYS_move_pages, 0, 1UL, at, NULL, status, 1), EINVAL);
	CHECK_ERRNO(
	    syscall(SYS_move_pages, 0, 1UL, BAD, NULL, status, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_move_pages, 0, 1UL, at, NULL, BAD, 0), EFAULT);
	CHECK_ERRNO(
	    syscall(SYS_move_pages, 999999, 1UL, at, NULL, status, 0), ESRCH);
	CHECK(syscall(SYS_migrate_pages, 0, 64UL, node0, node0) == 0);
	CHECK_ERRNO(syscall(SYS_migrate_pages, 0, 64UL, node0, none), EINVAL);
	CHECK_ERRNO(
	    syscall(SYS_migrate_pages, 999999, 64UL, node0, node0), ESRCH);
	CHECK(munmap(p, 4 * PAGE) == 0);
	say("pages ok");
}

int
main(void)
{
	if (get(NULL, 0, NULL) == -ENOSYS) {
		CHECK(!inside());
		say("policies of threads ok\npolicies of ranges ok\n"
		    "0 1 1\n0\npages ok");
		return (0);
	}
	test_thread();
	test_range();
	test_move();
	return (0);
}
