/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Guards within mappings (MADV_GUARD_INSTALL, MADV_GUARD_REMOVE).  A host that
 * is too old for a part omits it natively.
 */
#include "guest.h"

#define INSTALL 102
#define REMOVE 103
#define POPULATE_READ 22

static sigjmp_buf env;
static volatile sig_atomic_t code;

static void
on_fault(int signo, siginfo_t *si, void *uc)
{
	code = signo * 1000 + si->si_code;
	siglongjmp(env, 1);
}

/* Signal and code of a load or store; 0: none. */
static int
touch(volatile char *p, int write)
{
	code = 0;
	if (sigsetjmp(env, 1) == 0) {
		if (write)
			*p = 'w';
		else
			(void)*p;
	}
	return (code);
}

static char *
map(size_t pages, int flags)
{
	char *p =
	    mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);

	CHECK(p != MAP_FAILED);
	return (p);
}

#define MAPERR (SIGSEGV * 1000 + 1)

static void
test_guards(void)
{
	char *p = map(8, MAP_PRIVATE | MAP_ANONYMOUS), *q;
	int status, fds[2];
	pid_t pid;

	memset(p, 'a', 8 * PAGE);
	CHECK(madvise(p + 2 * PAGE, 2 * PAGE, INSTALL) == 0);
	CHECK(madvise(p + 3 * PAGE, 2 * PAGE, INSTALL) == 0); /* again */
	CHECK(touch(p + 2 * PAGE, 0) == MAPERR);
	CHECK(touch(p + 4 * PAGE, 1) == MAPERR);
	CHECK(touch(p + PAGE, 1) == 0 && touch(p + 5 * PAGE, 0) == 0);
	CHECK(p[PAGE + 1] == 'a' && p[5 * PAGE] == 'a');

	/* System calls, a child, protection and other advice. */
	CHECK(pipe(fds) == 0);
	CHECK_ERRNO(write(fds[1], p + 2 * PAGE, 1), EFAULT);
	pid = fork();
	if (pid == 0)
		_exit(touch(p + 3 * PAGE, 1) == MAPERR ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(mprotect(p, 8 * PAGE, PROT_READ) == 0);
	CHECK(mprotect(p, 8 * PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(madvise(p, 8 * PAGE, MADV_DONTNEED) == 0);
	CHECK(touch(p + 3 * PAGE, 1) == MAPERR);
	CHECK(p[0] == 0 && p[5 * PAGE] == 0);
	CHECK_ERRNO(madvise(p, 8 * PAGE, POPULATE_READ), EFAULT);

	/* It moves along. */
	q = mremap(p, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    map(8, MAP_PRIVATE | MAP_ANONYMOUS));
	CHECK(q != MAP_FAILED && q != p);
	CHECK(touch(q + 2 * PAGE, 0) == MAPERR && touch(q + PAGE, 1) == 0);

	CHECK(madvise(q + 3 * PAGE, PAGE, REMOVE) == 0);
	CHECK(touch(q + 3 * PAGE, 1) == 0 && q[3 * PAGE + 1] == 0);
	CHECK(touch(q + 2 * PAGE, 0) == MAPERR);
	CHECK(touch(q + 4 * PAGE, 0) == MAPERR);
	CHECK(madvise(q, 8 * PAGE, REMOVE) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(touch(q + i * PAGE, 1) == 0);

	/* A new mapping has none. */
	CHECK(madvise(q, 8 * PAGE, INSTALL) == 0);
	CHECK(mmap(q, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		  -1, 0) == q);
	CHECK(touch(q, 0) == 0 && touch(q + PAGE, 0) == MAPERR);
	CHECK(munmap(q, 8 * PAGE) == 0);
	close(fds[0]);
	close(fds[1]);
}

static void
test_errors(void)
{
	char *p = map(4, MAP_PRIVATE | MAP_ANONYMOUS);

	CHECK_ERRNO(madvise(p + 1, PAGE, INSTALL), EINVAL);
	CHECK(madvise(p, 0, INSTALL) == 0);
	CHECK(munmap(p + PAGE, PAGE) == 0);
	CHECK_ERRNO(madvise(p, 4 * PAGE, INSTALL), ENOMEM);
	CHECK(touch(p, 0) == MAPERR && touch(p + 2 * PAGE, 0) == MAPERR);
	CHECK_ERRNO(madvise(p, 4 * PAGE, REMOVE), ENOMEM);
	CHECK(touch(p, 0) == 0 && touch(p + 2 * PAGE, 0) == 0);
	CHECK(mlock(p, PAGE) == 0);
	CHECK_ERRNO(madvise(p, PAGE, INSTALL), EINVAL);
	CHECK(munmap(p, 4 * PAGE) == 0);

	/* Wiped in a child: no guard. */
	p = map(1, MAP_PRIVATE | MAP_ANONYMOUS);
	CHECK(madvise(p, PAGE, MADV_WIPEONFORK) == 0);
	CHECK(madvise(p, PAGE, INSTALL) == 0);
	pid_t pid = fork();
	int status;
	if (pid == 0)
		_exit(touch(p, 1) == 0 ? 0 : 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(munmap(p, PAGE) == 0);
}

/* Since Linux 6.15.  What is behind a guard of a file is not lost. */
static void
test_files(void)
{
	char *p = map(2, MAP_SHARED | MAP_ANONYMOUS);

	p[PAGE] = 's';
	if (madvise(p + PAGE, PAGE, INSTALL) != 0) {
		CHECK(!inside() && errno == EINVAL);
		return;
	}
	CHECK(touch(p + PAGE, 0) == MAPERR);
	CHECK(madvise(p + PAGE, PAGE, REMOVE) == 0);
	CHECK(p[PAGE] == 's');
	CHECK(munmap(p, 2 * PAGE) == 0);
}

int
main(void)
{
	struct sigaction sa = {
	    .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
	char *p = map(1, MAP_PRIVATE | MAP_ANONYMOUS);

	CHECK(sigaction(SIGSEGV, &sa, NULL) == 0);
	CHECK(sigaction(SIGBUS, &sa, NULL) == 0);
	if (madvise(p, PAGE, INSTALL) == 0) {
		test_guards();
		test_errors();
		test_files();
	} else
		CHECK(!inside() && errno == EINVAL);
	say("guards ok");
	return (0);
}
