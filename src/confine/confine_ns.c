/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Leaving the namespaces of the host.
 *
 * Concepts.  Mounts, IPC and the host name are left by one call.  A network
 * namespace takes the host half a millisecond to make, a tenth of a start.  So
 * a thread makes it (namespaces belong to threads) while the main thread builds
 * the new root; then the main thread enters it.  What starts later inherits
 * all of them.
 *
 * An ordinary user gets a mount namespace inside a user namespace, but only
 * where Landlock is missing (confine.c says why).
 *
 * Limits.  A process with threads cannot make a user namespace, so that one is
 * made before the thread starts.
 */
#include "confine/confine_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/host.h"

int
confine_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return (errno);
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return (error);
}

/* In a new user namespace: this user and group, and no others. */
static int
map_ids(uid_t uid, gid_t gid)
{
	char text[64];
	int error;

	(void)confine_write_file("/proc/self/setgroups", "deny");
	(void)snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	error = confine_write_file("/proc/self/uid_map", text);
	if (error != 0)
		return (error);
	(void)snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	return (confine_write_file("/proc/self/gid_map", text));
}

static void
unshare_user(struct confine *c)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	int error;

	if (unshare(CLONE_NEWUSER) != 0) {
		confine_lose(c, "user namespace (%s)", strerror(errno));
		return;
	}
	c->held |= HELD_USERNS;
	error = map_ids(uid, gid);
	if (error != 0)
		confine_lose(
		    c, "ids of the user namespace (%s)", strerror(error));
	confine_lose(c, "names of other owners, for guests");
	c->have_admin = true;
}

/* The thread that makes the network namespace. */
static void
net_main(void *arg)
{
	struct confine *c = arg;

	if (unshare(CLONE_NEWNET) == 0)
		c->net = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	c->net_error = c->net < 0 ? errno : 0;
}

void
confine_unshare(struct confine *c)
{
#ifdef CONFINE_SANITIZED
	/* A sanitizer reads /proc of this process at its end. */
	confine_lose(c, "namespaces (built with a sanitizer)");
	return;
#endif
	if (!c->have_admin && confine_landlock_version() == 0)
		unshare_user(c);
	if (!c->have_admin)
		return;
	if (!c->config->net_host)
		(void)host_thread_create(
		    &c->net_thread, "confine-net", net_main, c);
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) != 0) {
		confine_lose(c, "namespaces (%s)", strerror(errno));
		return;
	}
	c->held |= HELD_IPC;
	c->own_mounts = true;
}

void
confine_net(struct confine *c)
{
	int error = EAGAIN;

	if (c->net_thread != NULL) {
		host_thread_join(c->net_thread);
		c->net_thread = NULL;
		error = c->net_error;
		if (error == 0 && setns(c->net, CLONE_NEWNET) != 0)
			error = errno;
		if (c->net >= 0)
			close(c->net);
		c->net = -1;
	}
	if (!c->have_admin || c->config->net_host)
		return;
	/* Without /proc or a thread, this thread makes it. */
	if (error != 0 && unshare(CLONE_NEWNET) == 0)
		error = 0;
	if (error == 0)
		c->held |= HELD_NET;
	else
		confine_lose(c, "network namespace (%s)", strerror(error));
}
