/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sessions and process groups.
 *
 * Concepts: a process group is the set of processes with one pgid; it has no
 * structure of its own.  A session is a structure counted by its processes, and
 * lives on after its leader.  Its controlling terminal is in kern/sig/ctty.c.
 * A group is orphaned when no member has a parent that is in another group of
 * the same session: if the group stopped, no shell of its session could
 * continue it.
 *
 * Locking: proctree for everything.
 */
#include <errno.h>
#include <string.h>

#include "kern/base/proc.h"
#include "kern/base/session.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"
#include "mem/vm_zone.h"

int
session_create(struct vkernel *k, int sid, struct session **out)
{
	struct session *s;

	kmutex_assert_owned(&k->proctree);
	s = zalloc(k->z_session);
	if (s == NULL)
		return (ENOMEM);
	memset(s, 0, sizeof(*s));
	s->refs = 1;
	s->sid = sid;
	LIST_INSERT_HEAD(&k->sessions, s, link);
	*out = s;
	return (0);
}

void
session_ref(struct session *s)
{
	s->refs++;
}

void
session_free(struct vkernel *k, struct session *s)
{
	kmutex_assert_owned(&k->proctree);
	KASSERT(s->refs > 0);
	if (--s->refs == 0) {
		LIST_REMOVE(s, link);
		zfree(k->z_session, s);
	}
}

struct proc *
pgrp_any_member(struct vkernel *k, int pgid, int sid)
{
	struct proc *p;

	LIST_FOREACH (p, &k->procs, all)
		if (p->pgid == pgid && p->sid == sid)
			return (p);
	return (NULL);
}

bool
pgrp_exists(struct vkernel *k, int pgid)
{
	struct proc *p;

	LIST_FOREACH (p, &k->procs, all)
		if (p->pgid == pgid)
			break;
	return (p != NULL);
}

bool
pgrp_orphaned_locked(struct vkernel *k, int pgid)
{
	struct proc *p;

	kmutex_assert_owned(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		if (p->pgid != pgid || p->state == PROC_ZOMBIE ||
		    p->parent == NULL)
			continue;
		if (p->parent->pgid != pgid && p->parent->sid == p->sid)
			return (false);
	}
	return (true);
}

bool
pgrp_orphaned(struct vkernel *k, int pgid)
{
	bool r;

	kmutex_lock(&k->proctree);
	r = pgrp_orphaned_locked(k, pgid);
	kmutex_unlock(&k->proctree);
	return (r);
}

bool
pgrp_has_stopped(struct vkernel *k, int pgid)
{
	struct proc *p;

	LIST_FOREACH (p, &k->procs, all)
		if (p->pgid == pgid && p->state == PROC_STOPPED)
			return (true);
	return (false);
}

int
proc_setsid(struct proc *p, int *sid)
{
	struct vkernel *k = p->k;
	struct session *s;
	struct proc *q;
	int error = EPERM;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (q, &k->procs, all)
		if (q->pgid == p->pid)
			goto out;
	error = session_create(k, p->pid, &s);
	if (error != 0)
		goto out;
	session_free(k, p->session);
	p->session = s;
	p->sid = p->pgid = p->pid;
	*sid = p->pid;
out:
	kmutex_unlock(&k->proctree);
	return (error);
}

static int
setpgid_locked(struct proc *self, int pid, int pgid)
{
	struct vkernel *k = self->k;
	struct proc *p = pid == 0 ? self : proc_find_locked(k, pid);
	bool execed;

	if (p == NULL || p->state == PROC_ZOMBIE)
		return (ESRCH);
	if (p != self) {
		if (p->parent != self)
			return (ESRCH);
		if (p->session != self->session)
			return (EPERM);
		kmutex_lock(&p->lock);
		execed = p->traced_exec;
		kmutex_unlock(&p->lock);
		if (execed)
			return (EACCES);
	}
	if (p->sid == p->pid)
		return (EPERM);
	if (pgid == 0)
		pgid = p->pid;
	if (pgid != p->pid && pgrp_any_member(k, pgid, self->sid) == NULL)
		return (EPERM);
	p->pgid = pgid;
	return (0);
}

int
proc_setpgid(struct proc *self, int pid, int pgid)
{
	int error;

	if (pgid < 0 || (pgid == 0 && pid < 0))
		return (EINVAL);
	kmutex_lock(&self->k->proctree);
	error = setpgid_locked(self, pid, pgid);
	kmutex_unlock(&self->k->proctree);
	return (error);
}
