/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Name spaces of process numbers.
 *
 * Concepts.  A process or thread has one number of the kernel, by which the
 * kernel finds it and compares groups and sessions, and a further number in
 * each name space from its own up to the first one.  System calls translate:
 * what a guest passes is a number of its name space, and what it gets is one. A
 * process of an outer name space has no number in an inner one.
 *
 * The first process of a name space is its init, number 1.  It gets the orphans
 * of its name space, and when it ends, all others of the name space are killed
 * and no more can be made.
 *
 * Numbers are given out in order; after the last one the search for a free
 * number starts again.
 *
 * Locking: proctree for all numbers.  The name space of a process does not
 * change, and the process refs it.
 *
 * Limits.  PIDNS_LEVELS levels.  A search by a number of an inner name space
 * looks at each process of the kernel.
 */
#include "kern/base/lwp.h"
#include "kern/base/ns.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"

#define NUMBER_RESTART 300

bool
pidns_has(const struct pidns *ns, const struct proc *p)
{
	const struct pidns *x = p->pidns;

	while (x != NULL && x->level > ns->level)
		x = x->parent;
	return (x == ns);
}

/* The number of the entry in ns; 0: it has none there. */
static int
entry_number(const struct pidns *ns, const struct pid_entry *e)
{
	if (!pidns_has(ns, e->p))
		return (0);
	return (ns->level == 0 ? e->id : e->vid[ns->level - 1]);
}

/* The entry that has number id in ns; NULL: none.  proctree held. */
static const struct pid_entry *
entry_find(struct vkernel *k, const struct pidns *ns, int id)
{
	const struct pid_entry *found = NULL;
	struct proc *p;
	struct lwp *l;

	kmutex_assert_owned(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		if (!pidns_has(ns, p))
			continue;
		if (p->pid_entry.p != NULL &&
		    entry_number(ns, &p->pid_entry) == id)
			return (&p->pid_entry);
		kmutex_lock(&p->lock);
		LIST_FOREACH (l, &p->lwps, link)
			if (l->tid_entry.p != NULL &&
			    entry_number(ns, &l->tid_entry) == id)
				found = &l->tid_entry;
		kmutex_unlock(&p->lock);
		if (found != NULL)
			return (found);
	}
	return (NULL);
}

static int
number_next(struct vkernel *k, struct pidns *ns)
{
	int id;

	for (int tries = 0; tries < PID_MAX; tries++) {
		if (ns->next >= PID_MAX) {
			ns->next = NUMBER_RESTART;
			ns->wrapped = true;
		}
		id = ns->next++;
		if (!ns->wrapped || entry_find(k, ns, id) == NULL)
			return (id);
	}
	return (0); /* not reached: there are fewer processes than numbers */
}

void
pidns_enter(struct pidns *ns, struct pid_entry *e)
{
	struct vkernel *k = ns->ns.k;

	kmutex_assert_owned(&k->proctree);
	for (; ns != NULL && ns->level > 0; ns = ns->parent)
		e->vid[ns->level - 1] = number_next(k, ns);
}

int
pidns_out_locked(struct vkernel *k, struct pidns *ns, int id)
{
	const struct pid_entry *e;

	if (ns->level == 0 || id <= 0)
		return (id);
	e = pid_entry_locked(k, id);
	return (e != NULL ? entry_number(ns, e) : 0);
}

int
pidns_out(struct vkernel *k, struct pidns *ns, int id)
{
	if (ns->level == 0)
		return (id);
	kmutex_lock(&k->proctree);
	id = pidns_out_locked(k, ns, id);
	kmutex_unlock(&k->proctree);
	return (id);
}

int
pidns_in(struct vkernel *k, struct pidns *ns, int id)
{
	const struct pid_entry *e;

	if (ns->level == 0 || id <= 0)
		return (id);
	kmutex_lock(&k->proctree);
	e = entry_find(k, ns, id);
	id = e != NULL ? e->id : 0;
	kmutex_unlock(&k->proctree);
	return (id);
}

int
pidns_own(const struct proc *p)
{
	const unsigned level = p->pidns->level;

	return (level == 0 ? p->pid : p->pid_entry.vid[level - 1]);
}

bool
pidns_is_init(const struct proc *p)
{
	const unsigned level = p->pidns->level;

	return (level != 0 && p->pid_entry.vid[level - 1] == 1);
}
