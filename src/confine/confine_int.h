/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Inside the confinement.  Theory: confine.c. */
#ifndef CONFINE_CONFINE_INT_H
#define CONFINE_CONFINE_INT_H

#include <stdatomic.h>
#include <stdint.h>

#include "confine/confine.h"

/* What holds. */
enum confine_held {
	HELD_NNP = 1u << 0,       /* no_new_privs */
	HELD_CAPS = 1u << 1,      /* no capability, or those of --allow-chown */
	HELD_USERNS = 1u << 2,    /* a user namespace of its own */
	HELD_MOUNT = 1u << 3,     /* a root that has only the grants */
	HELD_HIDDEN = 1u << 4,    /* no path leads to the grants any more */
	HELD_IPC = 1u << 5,       /* IPC and host name of its own */
	HELD_NET = 1u << 6,       /* a network namespace without a network */
	HELD_LL_FILES = 1u << 7,  /* Landlock: reading and writing of files */
	HELD_LL_TCP = 1u << 8,    /* Landlock: no TCP */
	HELD_LL_SCOPE = 1u << 9,  /* Landlock: signals, abstract sockets */
	HELD_FILTER = 1u << 10,   /* seccomp */
	HELD_CORE = 1u << 11,     /* no core files */
	HELD_DUMPABLE = 1u << 12, /* no ptrace, /proc/PID is root's */
};

/* A file or directory of the host, with all below it, that the options grant.
 */
struct confine_grant {
	int fd;     /* O_PATH */
	int tree;   /* confine_root.c: a copy of its mounts, or -1 */
	char *path; /* without links; NULL: unknown */
	bool write, dir;
	bool mounted;
};

struct confine {
	struct confine_options opts;
	const struct vkernel_config *config;
	struct vkernel_mount *mounts; /* replaces config->mounts */
	struct confine_grant *grants;
	size_t ngrants;
	unsigned held;   /* HELD_* */
	int landlock;    /* version, 0: none */
	unsigned ncalls; /* of the filter */
	char lost[512];  /* what the host refused, and why */
	/* confine_root.c; -1 while there is none. */
	int base;        /* the directory that becomes the root */
	bool have_admin; /* CAP_SYS_ADMIN */
	bool own_mounts; /* a mount namespace of its own */
	/* confine_ns.c */
	struct host_thread *net_thread;
	int net, net_error; /* of that thread; after the join */
	/* confine_helper.c */
	struct host_thread *helper;
	_Atomic(uint32_t) go; /* HELPER_* */
	bool changed;         /* the root; after the join */
};

/* Add a layer that the host refuses, with the reason. */
__attribute__((format(printf, 2, 3))) void confine_lose(
    struct confine *, const char *fmt, ...);

/* ---- confine_grants.c ---- */

/* Find the files that the configuration grants.  0, ENOMEM.  A file that does
 * not exist is left out: its mount will fail, with a message. */
int confine_grants_find(struct confine *, struct vkernel_config *);
/* Close the descriptors: they lead to the root of the host. */
void confine_grants_close(struct confine *);
void confine_grants_free(struct confine *);

/* ---- confine_rights.c ---- */

void confine_limits(struct confine *);
/* Not dumpable; after the ids have changed. */
void confine_undump(struct confine *);
/* --user.  0; an errno after a line on standard error. */
int confine_user(struct confine *);
/* Is the capability effective? */
bool confine_capable(int cap);
/* Keep only these capabilities (a bit mask), in this thread.  0 or errno. */
int confine_keep_caps(uint64_t keep);
void confine_drop_caps(struct confine *);

/* ---- confine_ns.c ---- */

/* Write a text to a file that exists.  0 or errno. */
int confine_write_file(const char *path, const char *text);
/* Leave the namespaces of the host, as far as it permits.  Called first. */
void confine_unshare(struct confine *);
/* Enter the network namespace; before the capabilities are dropped. */
void confine_net(struct confine *);

/* ---- confine_root.c ---- */

/* Replace the root by one that has only the grants.  0: done, or refused and
 * left as it was; an errno after a line: the process is half-way. */
int confine_root(struct confine *);

/* ---- confine_helper.c ---- */

/* Before the capabilities are dropped: start the helper that will hide the
 * grants, if there is such a root.  0; an errno after a line. */
int confine_helper_start(struct confine *);
/* Have the helper take the paths to the grants away.  0; an errno after a line.
 */
int confine_hide(struct confine *);
/* End the helper, if it still waits. */
void confine_helper_stop(struct confine *);

/* ---- confine_landlock.c ---- */

int confine_landlock_version(void);
void confine_landlock(struct confine *);

/* ---- confine_filter.c ---- */

/* Install the allow-list on all threads.  0 or errno. */
int confine_filter(struct confine *);
/* Install the allow-list of the broker (netns.c) on its only thread: what is
 * outside of it ends the process.  0, also where no filter is built in; errno.
 */
int confine_filter_broker(void);
/* An attacker's call outside of the list is no panic in debug builds. */
void confine_filter_expect(bool);

#endif /* CONFINE_CONFINE_INT_H */
