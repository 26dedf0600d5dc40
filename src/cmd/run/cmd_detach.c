/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * `vmspace run --detach`: the kernel goes on in the background.
 *
 * Concepts.  The kernel process is a child in a session of its own.  The parent
 * waits until the guest program runs, prints the name of the kernel, and exits;
 * if the program cannot be started, it exits with the child's status.  So a
 * script knows after the command whether the kernel runs and how to reach it.
 *
 * The child keeps standard error until then, for messages about a failure.
 * Afterwards its standard descriptors are those of the program: /dev/null, and
 * the file of --log.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/run/cmd_options.h"

/* The parent: wait for the child's news. */
static _Noreturn void
parent_wait(pid_t child, int from)
{
	char name[VMSPACE_NAME_MAX + 2];
	size_t len = 0;
	ssize_t n;
	int status;

	do {
		n = read(from, name + len, sizeof(name) - len);
		if (n > 0)
			len += (size_t)n;
	} while ((n > 0 && len < sizeof(name)) || (n < 0 && errno == EINTR));
	if (len > 0) {
		printf("%.*s\n", (int)len, name);
		exit(fflush(stdout) == 0 ? 0 : EX_FAILURE);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_FAILURE);
}

int
cmd_detach(struct cmd_options *r)
{
	int fds[2] = {-1, -1}, error = 0;
	pid_t pid;

	r->detached[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	r->detached[1] =
	    r->log_file == NULL
		? r->detached[0]
		: open(r->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		      0600);
	if (r->detached[0] < 0 || r->detached[1] < 0) {
		error = errno;
		fprintf(stderr, "vmspace: cannot open %s: %s\n",
		    r->detached[0] < 0 ? "/dev/null" : r->log_file,
		    strerror(error));
		return (error);
	}
	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		error = errno;
		fprintf(stderr, "vmspace: --detach: %s\n", strerror(error));
		return (error);
	}
	if (pid != 0) {
		(void)close(fds[1]);
		parent_wait(pid, fds[0]);
	}
	(void)close(fds[0]);
	(void)setsid();
	r->news = fds[1];
	return (0);
}

void
cmd_detach_done(struct cmd_options *r, const char *name)
{
	const size_t len = strlen(name);

	if (write(r->news, name, len) != (ssize_t)len)
		fprintf(stderr, "vmspace: --detach: %s\n", strerror(errno));
	(void)close(r->news);
	r->news = -1;
	/* dup2() is not among the calls of a confined process. */
	for (int i = 0; i < 3; i++)
		(void)dup3(r->detached[i > 0], i, 0);
}
