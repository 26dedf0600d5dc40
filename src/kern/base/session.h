/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sessions and process groups.  Theory in session.c.
 */
#ifndef KERN_BASE_SESSION_H
#define KERN_BASE_SESSION_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

struct proc;
struct vkernel;

/* A session and its terminal. Key: all [t]. */
struct session {
	LIST_ENTRY(session) link;
	uint32_t refs; /* processes in it, zombies included */
	int sid;       /* pid of the leader, also after its death */
	int fg_pgid;   /* foreground group, 0 none */
	/* The controlling terminal: NULL: none; the vkernel: the kernel's own;
	 * else a struct pty, which stays alive while this points at it. */
	const void *tty;
};

/* No locks held. */

/* setsid(2).  0 and *sid, EPERM. */
int proc_setsid(struct proc *, int *sid);
/* setpgid(2) by `self`; pid, pgid may be 0.  EINVAL, ESRCH, EPERM, EACCES. */
int proc_setpgid(struct proc *self, int pid, int pgid);
/* No member of the group has its parent in another group of the session:
 * terminal stop signals do not stop it. */
bool pgrp_orphaned(struct vkernel *, int pgid);

/* ---- proctree held ---- */

int session_create(struct vkernel *, int sid, struct session **);
void session_ref(struct session *);
void session_free(struct vkernel *, struct session *);
/* A process of that group in that session; NULL: none. */
struct proc *pgrp_any_member(struct vkernel *, int pgid, int sid);
bool pgrp_exists(struct vkernel *, int pgid);
bool pgrp_orphaned_locked(struct vkernel *, int pgid);
bool pgrp_has_stopped(struct vkernel *, int pgid);

#endif /* KERN_BASE_SESSION_H */
