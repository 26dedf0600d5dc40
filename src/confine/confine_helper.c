/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The helper, which changes the root directory for the kernel process.
 *
 * Concepts.  chroot() needs a capability, but the threads of the kernel must be
 * started without any.  Threads share the root directory, and each has its own
 * credentials, which a new thread has from its creator.  So confine_start()
 * starts one thread before it drops the capabilities of the main thread.  The
 * helper keeps one capability, waits to be told, changes the root, and ends
 * before guest code runs.
 *
 * Limits.  While it lives, functions of libc that change the ids of all threads
 * (setresuid) must not be called: they would take its capability.
 */
#include "confine/confine_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi/capability.h"
#include "host/host.h"

enum { HELPER_WAIT, HELPER_GO, HELPER_STOP };

static void
helper_main(void *arg)
{
	struct confine *c = arg;
	const bool able =
	    confine_keep_caps(UINT64_C(1) << LX_CAP_SYS_CHROOT) == 0;

	while (atomic_load(&c->go) == HELPER_WAIT)
		(void)host_futex_wait(&c->go, HELPER_WAIT, UINT64_MAX, false);
	c->changed = able && atomic_load(&c->go) == HELPER_GO &&
		     fchdir(c->base) == 0 && chroot(".") == 0;
}

int
confine_helper_start(struct confine *c)
{
	int error;

	if ((c->held & HELD_MOUNT) == 0)
		return (0);
	error =
	    host_thread_create(&c->helper, "confine-helper", helper_main, c);
	if (error == 0)
		return (0);
	fprintf(stderr,
	    "vmspace: cannot start the helper of the confinement: %s; permit "
	    "more processes\n",
	    strerror(error));
	return (error);
}

/* Let the helper go on or end, and join it.  True: it has changed the root. */
static bool
helper_end(struct confine *c, bool go)
{
	if (c->helper == NULL)
		return (false);
	atomic_store(&c->go, go ? HELPER_GO : HELPER_STOP);
	(void)host_futex_wake(&c->go, 1, false);
	host_thread_join(c->helper);
	close(c->base);
	c->helper = NULL;
	c->base = -1;
	return (c->changed);
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
