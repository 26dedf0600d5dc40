/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The helper, which changes the root directory for the kernel process.
 *
 * Concepts.  chroot() needs a capability, but the threads of the kernel must be
 * started without any.  So confine_start() starts a process that shares the
 * root directory with this one (CLONE_FS), and nothing else.  It keeps that
 * capability alone, waits for one byte, changes the root of both, and ends
 * before guest code runs.  It ends as well when the pipe is closed: the kernel
 * was not created, or the kernel process has died.
 */
#include "confine/confine_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/capability.h"

static _Noreturn void
helper_main(int base, int go, pid_t parent)
{
	char byte;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent ||
	    confine_keep_caps(UINT64_C(1) << LX_CAP_SYS_CHROOT) != 0)
		_exit(1);
	if (read(go, &byte, 1) != 1)
		_exit(1); /* the kernel was not created */
	_exit(fchdir(base) == 0 && chroot(".") == 0 ? 0 : 1);
}

int
confine_helper_start(struct confine *c)
{
	const pid_t self = getpid();
	int fds[2], error;
	long pid;

	if ((c->held & HELD_MOUNT) == 0)
		return (0);
	if (pipe2(fds, O_CLOEXEC) != 0) {
		error = errno;
		goto fail;
	}
	pid = syscall(SYS_clone, CLONE_FS | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid < 0) {
		error = errno;
		close(fds[0]);
		close(fds[1]);
		goto fail;
	}
	if (pid == 0) {
		close(fds[1]);
		helper_main(c->base, fds[0], self);
	}
	close(fds[0]);
	c->helper = (int)pid;
	c->go_fd = fds[1];
	return (0);
fail:
	fprintf(stderr,
	    "vmspace: cannot start the helper of the confinement: %s; permit "
	    "more processes and descriptors\n",
	    strerror(error));
	return (error);
}

/* Let the helper go on or end, and reap it.  True: it has changed the root. */
static bool
helper_end(struct confine *c, bool go)
{
	int status = -1;

	if (c->helper < 0)
		return (false);
	if (go && write(c->go_fd, "", 1) != 1)
		go = false;
	close(c->go_fd);
	while (waitpid(c->helper, &status, 0) < 0 && errno == EINTR)
		continue;
	close(c->base);
	c->helper = c->go_fd = c->base = -1;
	return (go && status == 0);
}

int
confine_hide(struct confine *c)
{
	if ((c->held & HELD_MOUNT) == 0)
		return (0);
	if (!helper_end(c, true)) {
		fprintf(stderr,
		    "vmspace: cannot hide the files of the host: the helper of "
		    "the confinement has failed; use --confine=off to run "
		    "without confinement\n");
		return (EPERM);
	}
	c->held |= HELD_HIDDEN;
	return (0);
}

void
confine_helper_stop(struct confine *c)
{
	(void)helper_end(c, false);
	if (c->base >= 0)
		close(c->base);
	c->base = -1;
}
