/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * mseal: what a sealed mapping refuses, and what it permits.  A host that has
 * no mseal omits it natively.
 */
#include "guest.h"

#define NR_MSEAL 462
#define FLAGS (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static char *
map(size_t pages, int prot, int flags)
{
	char *p = mmap(NULL, pages * PAGE, prot, flags, -1, 0);

	CHECK(p != MAP_FAILED);
	return (p);
}

static void
test_refused(void)
{
	char *p = map(8, RW, FLAGS), *q = map(8, RW, FLAGS);

	memset(p, 'a', 8 * PAGE);
	CHECK(syscall(NR_MSEAL, p + 2 * PAGE, 2 * PAGE - 7, 0) == 0);
	CHECK(syscall(NR_MSEAL, p + 2 * PAGE, PAGE, 0) == 0); /* again */
	CHECK_ERRNO(munmap(p, 8 * PAGE), EPERM);
	CHECK_ERRNO(munmap(p + 3 * PAGE, PAGE), EPERM);
	CHECK_ERRNO(mprotect(p + 3 * PAGE, PAGE, PROT_READ), EPERM);
	CHECK_ERRNO(mprotect(p + 3 * PAGE, PAGE, RW), EPERM);
	CHECK((errno = 0, mmap(p, 4 * PAGE, RW, FLAGS | MAP_FIXED, -1, 0)) ==
	      MAP_FAILED);
	CHECK(errno == EPERM);
	CHECK(
	    (errno = 0, mremap(p + 2 * PAGE, 2 * PAGE, PAGE, 0)) == MAP_FAILED);
	CHECK(errno == EPERM);
	CHECK((errno = 0, mremap(p + 2 * PAGE, 2 * PAGE, 9 * PAGE,
			      MREMAP_MAYMOVE)) == MAP_FAILED);
	CHECK(errno == EPERM);
	CHECK((errno = 0, mremap(q, 4 * PAGE, 4 * PAGE,
			      MREMAP_MAYMOVE | MREMAP_FIXED, p)) == MAP_FAILED);
	CHECK(errno == EPERM);
	for (int i = 0; i < 8; i++)
		CHECK(p[i * PAGE] == 'a');

	/* What is beside it is not sealed; contents may be given up. */
	CHECK(munmap(p, 2 * PAGE) == 0);
	CHECK(munmap(p + 4 * PAGE, 4 * PAGE) == 0);
	CHECK(madvise(p + 2 * PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
	CHECK(p[2 * PAGE] == 0);
	p[2 * PAGE] = 'b';
	CHECK(munmap(q, 8 * PAGE) == 0);
	say("sealed memory stays");

	p = map(2, PROT_READ, FLAGS);
	CHECK(syscall(NR_MSEAL, p, 2 * PAGE, 0) == 0);
	CHECK_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EPERM);
	CHECK_ERRNO(madvise(p, PAGE, MADV_FREE), EPERM);
	CHECK_ERRNO(madvise(p, PAGE, MADV_DONTFORK), EPERM);
	CHECK(madvise(p, PAGE, MADV_WILLNEED) == 0);
	CHECK(madvise(p, PAGE, MADV_SEQUENTIAL) == 0);
	say("contents that cannot be written stay");
}

static void
test_fork(void)
{
	char *p = map(1, RW, FLAGS);
	int status;
	pid_t pid;

	CHECK(syscall(NR_MSEAL, p, PAGE, 0) == 0);
	pid = fork();
	if (pid == 0) {
		p[0] = 'c';
		_exit(munmap(p, PAGE) == -1 && errno == EPERM ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	say("a child has the seal");
}

static void
test_errors(void)
{
	char *p = map(3, RW, FLAGS);

	CHECK_ERRNO(syscall(NR_MSEAL, p, PAGE, 1), EINVAL);
	CHECK_ERRNO(syscall(NR_MSEAL, p + 1, PAGE, 0), EINVAL);
	CHECK_ERRNO(syscall(NR_MSEAL, p, -1L, 0), EINVAL);
	CHECK_ERRNO(syscall(NR_MSEAL, p, -2 * (long)PAGE, 0), EINVAL);
	CHECK(syscall(NR_MSEAL, p, 0, 0) == 0);
	CHECK(munmap(p + PAGE, PAGE) == 0);
	CHECK_ERRNO(syscall(NR_MSEAL, p, 3 * PAGE, 0), ENOMEM);
	CHECK(munmap(p, 3 * PAGE) == 0);
	say("errors ok");
}

int
main(void)
{
	char *p = map(1, RW, FLAGS);

	if (syscall(NR_MSEAL, p, PAGE, 0) != 0) {
		CHECK(!inside() && errno == ENOSYS);
		say("sealed memory stays");
		say("contents that cannot be written stay");
		say("a child has the seal");
		say("errors ok");
		return (0);
	}
	test_refused();
	test_fork();
	test_errors();
	return (0);
}
