/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Unit tests of assertions: a function that must panic runs in a child
 * process, so that the test survives it.
 */
#ifndef TESTS_TESTCHILD_H
#define TESTS_TESTCHILD_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct child_end {
	int status;      /* of wait(2); a function that returns exits with 0 */
	char text[2048]; /* the beginning of its standard error */
};

/* fn(arg) in a child process, and how that ended. */
static inline void
child_run(void (*fn)(void *), void *arg, struct child_end *end)
{
	char more[512];
	size_t len = 0;
	ssize_t n;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(fds[1], STDERR_FILENO);
		fn(arg);
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(
		    fds[0], end->text + len, sizeof(end->text) - 1 - len)) > 0)
		len += (size_t)n;
	end->text[len] = '\0';
	while (read(fds[0], more, sizeof(more)) > 0)
		continue;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &end->status, 0), pid);
}

/* Does fn(arg) end its process with SIGABRT, as kpanic() does? */
static inline bool
child_panics(void (*fn)(void *), void *arg)
{
	struct child_end end;

	child_run(fn, arg, &end);
	return (WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGABRT);
}

/* The same for memory errors, which a sanitizer may report before the
 * assertion is reached: any end but an exit with status 0. */
static inline bool
child_fails(void (*fn)(void *), void *arg)
{
	struct child_end end;

	child_run(fn, arg, &end);
	return (!WIFEXITED(end.status) || WEXITSTATUS(end.status) != 0);
}

#endif /* TESTS_TESTCHILD_H */
