/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* For guest programs that trace others. */
#ifndef TESTS_GUEST_TRACING_H
#define TESTS_GUEST_TRACING_H

#include "guest.h"

static long
pt(int req, pid_t pid, uint64_t addr, uint64_t data)
{
	return (syscall(SYS_ptrace, req, pid, addr, data));
}

/* Wait for the tracee: the status, of which the event is in bits 16 to 23. */
static int
wait_for(pid_t pid)
{
	int st;

	CHECK(waitpid(pid, &st, __WALL) == pid);
	return (st);
}

static void
say_status(const char *what, int st)
{
	if (WIFSTOPPED(st))
		say("%s: stopped by %d, event %d", what, WSTOPSIG(st),
		    st >> 16);
	else if (WIFEXITED(st))
		say("%s: exited with %d", what, WEXITSTATUS(st));
	else
		say("%s: killed by %d", what, WTERMSIG(st));
}

#endif /* TESTS_GUEST_TRACING_H */
