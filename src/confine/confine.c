/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Confine the kernel process.
 *
 * Purpose.  The kernel process parses data of hostile guests.  If a guest takes
 * it over by a bug, it must get no more than the grants of this one sandbox,
 * whichever user has started it.
 *
 * Concepts.  Each right is held by a layer that the host offers, most of them
 * by two, because hosts differ in what they permit:
 *
 *	right			held by
 *	files of the host	a mount namespace whose root has only the grants
 *				(root, or where Landlock is missing: a user
 *				namespace); Landlock rules to read and to write
 *	network			a network namespace (root); the filter; Landlock
 *				for TCP (not where netns.c gives sockets)
 *	sockets by path		no path leads to a file after confine_finish()
 *				(where there is a mount namespace)
 *	other processes		Landlock's scopes; the filter (no ptrace); not
 *				dumpable
 *	the host's kernel	the filter
 *	privileges		no capabilities, no_new_privs, no set-id bits
 *
 * A user namespace is not used where it can be avoided: in one, the files of
 * all other users have one unknown owner for `ls -l`, ssh and git
 * (docs/decisions/011-confinement.md).
 *
 * Two parts.  confine_start() runs on the only thread of the process: it leaves
 * the namespaces, changes the user, drops the capabilities and installs the
 * Landlock rules, and what starts later inherits that.  The kernel is created
 * then: it opens the granted directories, starts the zygote and fills the pool
 * of stubs.  confine_finish() takes away what only the creation needs: it
 * installs the filter on all threads, after the stubs have been forked, so that
 * these do not carry a second filter, and hides the grants: the kernel has them
 * open, and hostfs resolves each name below a descriptor.
 *
 * Guarantees.  Before the first guest instruction all that the host permits
 * holds, and confine_describe() says what does not.  With CONFINE_REQUIRE the
 * process does not run unless files, network, system calls and privileges are
 * held.
 *
 * Locking: none; one thread makes all calls of this layer.
 *
 * Limits.  Landlock does not hide metadata: without a mount namespace the
 * process can still ask for owner, size and times of any file, and connect to
 * UNIX sockets by path, as its user may.  What the host grants to a descriptor
 * that the process has inherited stays granted.
 */
#include "confine/confine_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "abi/capability.h"

void
confine_lose(struct confine *c, const char *fmt, ...)
{
	size_t n = strlen(c->lost);
	va_list ap;

	if (n > 0 && n + 2 < sizeof(c->lost)) {
		strcpy(c->lost + n, ", ");
		n += 2;
	}
	va_start(ap, fmt);
	(void)vsnprintf(c->lost + n, sizeof(c->lost) - n, fmt, ap);
	va_end(ap);
}

/* What CONFINE_REQUIRE wants and the first part has to give; NULL: nothing is
 * missing. */
static const char *
missing_start(const struct confine *c)
{
	if ((c->held & (HELD_MOUNT | HELD_LL_FILES)) == 0)
		return ("the host has neither Landlock nor user namespaces, so "
			"that all files of the user could be read; use a "
			"kernel with Landlock (5.13), or permit user "
			"namespaces");
	if ((c->held & HELD_CAPS) == 0)
		return ("the capabilities of this process cannot be dropped; "
			"start it without them");
	if ((c->held & HELD_NNP) == 0)
		return ("the host has no no_new_privs; use Linux 3.5 or "
			"later");
	return (NULL);
}

static int
require(const char *missing)
{
	if (missing == NULL)
		return (0);
	fprintf(stderr, "vmspace: --confine=require: %s\n", missing);
	return (EPERM);
}

static int
start(struct confine *c, struct vkernel_config *config)
{
	int error;

	confine_limits(c);
	confine_unshare(c);
	error = confine_grants_find(c, config);
	if (error == 0)
		error = confine_root(c);
	confine_net(c); /* also after an error: it joins a thread */
	if (error != 0)
		return (error);
	error = confine_helper_start(c);
	if (error != 0)
		return (error);
	error = confine_user(c);
	if (error != 0)
		return (error);
	confine_drop_caps(c);
	confine_undump(c);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		c->held |= HELD_NNP;
	else
		confine_lose(c, "no_new_privs (%s)", strerror(errno));
	confine_landlock(c);
	confine_grants_close(c);
	if (c->opts.mode == CONFINE_REQUIRE)
		return (require(missing_start(c)));
	return (0);
}

int
confine_start(const struct confine_options *opts, struct vkernel_config *config,
    struct confine **out)
{
	struct confine *c;
	int error;

	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		fprintf(stderr, "vmspace: out of memory\n");
		return (ENOMEM);
	}
	c->opts = *opts;
	c->config = config;
	c->base = c->net = -1;
	c->have_admin = confine_capable(LX_CAP_SYS_ADMIN);
	if (opts->mode == CONFINE_OFF)
		error = confine_user(c);
	else
		error = start(c, config);
	if (error != 0) {
		confine_free(c);
		return (error);
	}
	*out = c;
	return (0);
}

int
confine_finish(struct confine *c)
{
	int error;

	if (c->opts.mode == CONFINE_OFF)
		return (0);
	error = confine_hide(c);
	if (error != 0)
		return (error);
	error = confine_filter(c);
	if (error != 0)
		confine_lose(c, "seccomp (%s)", strerror(error));
	if (c->opts.mode == CONFINE_REQUIRE && (c->held & HELD_FILTER) == 0)
		return (require(
		    "no seccomp filter could be installed; use a kernel with "
		    "CONFIG_SECCOMP_FILTER, and a vmspace that was built with "
		    "libseccomp"));
	return (0);
}

void
confine_free(struct confine *c)
{
	if (c == NULL)
		return;
	confine_helper_stop(c);
	confine_grants_free(c);
	free(c->mounts);
	free(c);
}

/* ---- the line of the log ---- */

struct text {
	char *buf;
	size_t size, len;
	const char *sep;
};

__attribute__((format(printf, 2, 3))) static void
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->size - t->len ? (size_t)n
						       : t->size - t->len - 1;
}

static void
add_item(struct text *t, const struct confine *c, unsigned bit, const char *s)
{
	if ((c->held & bit) == 0)
		return;
	add(t, "%s%s", t->sep, s);
	t->sep = ", ";
}

static void
add_landlock(struct text *t, const struct confine *c)
{
	if (c->landlock == 0)
		return;
	add(t, "%slandlock %d (", t->sep, c->landlock);
	t->sep = "";
	add_item(t, c, HELD_LL_FILES, "write, read");
	add_item(t, c, HELD_LL_TCP, "tcp");
	add_item(t, c, HELD_LL_SCOPE, "scope");
	add(t, ")");
	t->sep = "; ";
}

void
confine_describe(const struct confine *c, char *buf, size_t size)
{
	struct text t = {.buf = buf, .size = size, .sep = ""};

	if (c->opts.mode == CONFINE_OFF) {
		add(&t,
		    "not confined (--confine=off): a bug in the kernel process "
		    "gives all rights of the user");
		return;
	}
	add(&t, "confined: ");
	add_item(&t, c, HELD_USERNS, "user");
	add_item(&t, c, HELD_MOUNT, "mount");
	add_item(&t, c, HELD_IPC, "ipc");
	add_item(&t, c, HELD_NET, "network");
	if ((c->held & (HELD_USERNS | HELD_MOUNT | HELD_IPC | HELD_NET)) != 0) {
		add(&t, " namespaces");
		t.sep = "; ";
	}
	add_item(&t, c, HELD_MOUNT, "root of the grants");
	add_item(&t, c, HELD_HIDDEN, "hidden");
	if ((c->held & HELD_MOUNT) != 0)
		t.sep = "; ";
	add_landlock(&t, c);
	if ((c->held & HELD_FILTER) != 0) {
		add(&t, "%sseccomp %u calls", t.sep, c->ncalls);
		t.sep = "; ";
	}
	add_item(&t, c, HELD_CAPS,
	    c->config->allow_chown ? "capabilities of --allow-chown only"
				   : "no capabilities");
	add_item(&t, c, HELD_CORE, "no core");
	add_item(&t, c, HELD_DUMPABLE, "not dumpable");
	if (c->lost[0] != '\0')
		add(&t, "; lost: %s", c->lost);
}
