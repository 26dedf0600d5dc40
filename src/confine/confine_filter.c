/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The seccomp filter of the kernel process.
 *
 * Concepts.  The programs are made while vmspace is built (filter/mkfilter.c);
 * one is installed on all threads at once (SECCOMP_FILTER_FLAG_TSYNC), after
 * the zygote and the first stubs have been forked, so that these carry only
 * their own filter.  A call outside of the list fails with EPERM, and the
 * handler of SIGSYS writes one line with its name: it is either an attack, or a
 * call that the list lacks.  So that no test can miss the second, a debug build
 * aborts.
 *
 * Locking: the handler uses one atomic counter, and writes with write(2) alone.
 *
 * Limits.  A thread that has SIGSYS blocked is killed by the host, with the
 * process; host_thread.c leaves it unblocked.  At most LINES_MAX lines are
 * written.  Sanitizers make calls of their own: a build with one has no filter.
 */
#include "confine/confine_int.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "abi/syscall.h"

#ifdef CONFINE_SECCOMP

#include "confine/filter/filter.h"

#define LINES_MAX 16

static struct {
	_Atomic(unsigned) lines; /* written */
	_Atomic(bool) attack;    /* a probe runs: no panic */
} sys;

static size_t
put(char *to, size_t at, size_t size, const char *s)
{
	while (*s != '\0' && at < size)
		to[at++] = *s++;
	return (at);
}

static size_t
put_number(char *to, size_t at, size_t size, unsigned v)
{
	char digits[16];
	size_t n = sizeof(digits);

	digits[--n] = '\0';
	do
		digits[--n] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	return (put(to, at, size, digits + n));
}

/* Async-signal-safe. */
static void
report(unsigned nr)
{
	const char *name =
	    nr < confine_ncall_names ? confine_call_names[nr] : NULL;
	char line[160];
	size_t n = 0;

	n = put(line, n, sizeof(line),
	    "vmspace: the kernel process made the system call ");
	n = put(line, n, sizeof(line), name != NULL ? name : "unknown");
	n = put(line, n, sizeof(line), " (number ");
	n = put_number(line, n, sizeof(line), nr);
	n = put(line, n, sizeof(line), ", thread ");
	n = put_number(line, n, sizeof(line), (unsigned)syscall(SYS_gettid));
	n = put(line, n, sizeof(line),
	    "), which its filter refuses; please report this\n");
	(void)!write(STDERR_FILENO, line, n);
}

/* The call returns EPERM to where it was made. */
static void
on_sigsys(int sig, siginfo_t *si, void *arg)
{
	ucontext_t *uc = arg;
	int saved = errno;

	uc->uc_mcontext.gregs[REG_RAX] = -EPERM;
	if (!atomic_load(&sys.attack) &&
	    atomic_fetch_add(&sys.lines, 1) < LINES_MAX) {
		report((unsigned)si->si_syscall);
#ifdef VMSPACE_DEBUG
		abort();
#endif
	}
	errno = saved;
}

void
confine_filter_expect(bool attack)
{
	atomic_store(&sys.attack, attack);
}

/* As seccomp(2) returns. */
static long
install(const struct confine_program *p, unsigned flags)
{
	const struct sock_fprog prog = {
	    .len = p->n, .filter = (struct sock_filter *)(uintptr_t)p->insns};

	return (syscall(LX_NR_SECCOMP, SECCOMP_SET_MODE_FILTER, flags, &prog));
}

int
confine_filter(struct confine *c)
{
	const unsigned v = (c->config->net_host ? FILTER_NET_HOST : 0) |
			   (c->config->allow_chown ? FILTER_ALLOW_CHOWN : 0);
	const struct confine_program *p = &confine_programs[v];
	struct sigaction sa = {
	    .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO | SA_NODEFER};
	long r;

	if (sigaction(SIGSYS, &sa, NULL) != 0)
		return (errno);
	r = install(
	    p, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	if (r != 0) /* > 0: the thread that could not be given the filter */
		return (r < 0 ? errno : ESRCH);
	c->ncalls = p->ncalls;
	c->held |= HELD_FILTER;
	return (0);
}

int
confine_filter_broker(void)
{
	return (install(&confine_broker_program, 0) == 0 ? 0 : errno);
}

#else /* no filter was built in */

int
confine_filter_broker(void)
{
	return (0);
}

void
confine_filter_expect(bool attack)
{
}

int
confine_filter(struct confine *c)
{
	return (ENOTSUP);
}

#endif
