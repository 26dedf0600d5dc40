/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Process and thread numbers.
 *
 * Concepts: one number space for processes and threads, 1 .. PID_MAX - 1, a bit
 * each.  Numbers are given out upwards and start again at PID_RESTART, so that
 * a number is reused as late as possible.  A number may still name a process
 * group or a session after its process was reaped.  After a wrap, each
 * candidate is compared with the groups and sessions in the table, and skipped
 * if it names one.
 *
 * Data structures: vkernel.pid_map (one bit a number, touched as numbers are
 * used); vkernel.pid_hash, which finds a process by its own number or by that
 * of one of its threads.  Its entries are part of struct proc and struct lwp.
 * A process has its entry until it is reaped; a thread has one while it is on
 * the list of its process, unless it has the process's number.  A look-up takes
 * no lock of a process, and its cost does not grow with the number of
 * processes.
 *
 * Limits: at most max_procs processes (zombies included) and max_threads
 * numbers in use.  A kernel thread, a stub thread and some kilobytes belong to
 * each number, so one guest could exhaust the host without these limits.
 *
 * Locking: proctree for everything.
 */
#include <errno.h>

#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/session.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"

#define PID_RESTART 300

static bool
pid_names_group(struct vkernel *k, int pid)
{
	struct session *s;
	struct proc *p;

	LIST_FOREACH (s, &k->sessions, link)
		if (s->sid == pid)
			return (true);
	LIST_FOREACH (p, &k->procs, all)
		if (p->pgid == pid)
			return (true);
	return (false);
}

int
pid_alloc(struct vkernel *k, enum pid_use use, int *out)
{
	int pid = k->next_pid;

	kmutex_assert_owned(&k->proctree);
	if (use == PID_PROC && k->nprocs >= k->config.max_procs) {
		k->refused_procs++;
		return (EAGAIN);
	}
	if (k->nids >= k->config.max_threads) {
		k->refused_threads++;
		return (EAGAIN);
	}
	for (int tries = 0; tries < PID_MAX; tries++, pid++) {
		if (pid < 1 || pid >= PID_MAX) {
			pid = PID_RESTART;
			k->pid_wrapped = true;
		}
		if ((k->pid_map[pid / 64] >> pid % 64 & 1) != 0)
			continue;
		if (k->pid_wrapped && pid_names_group(k, pid))
			continue;
		k->pid_map[pid / 64] |= UINT64_C(1) << pid % 64;
		k->next_pid = pid + 1;
		k->nids++;
		*out = pid;
		return (0);
	}
	return (EAGAIN);
}

void
pid_free(struct vkernel *k, int pid)
{
	kmutex_assert_owned(&k->proctree);
	KASSERT((k->pid_map[pid / 64] >> pid % 64 & 1) != 0);
	k->pid_map[pid / 64] &= ~(UINT64_C(1) << pid % 64);
	k->nids--;
}

static struct pid_entry **
pid_chain(struct vkernel *k, int id)
{
	return (&k->pid_hash[(unsigned)id % PID_HASH]);
}

void
pid_enter(struct vkernel *k, struct pid_entry *e, int id, struct proc *p)
{
	struct pid_entry **chain = pid_chain(k, id);

	kmutex_assert_owned(&k->proctree);
	KASSERT(e->p == NULL);
	*e = (struct pid_entry){.next = *chain, .p = p, .id = id};
	pidns_enter(p->pidns, e);
	*chain = e;
}

void
pid_remove(struct vkernel *k, struct pid_entry *e)
{
	struct pid_entry **ep;

	kmutex_assert_owned(&k->proctree);
	if (e->p == NULL)
		return;
	for (ep = pid_chain(k, e->id); *ep != e; ep = &(*ep)->next)
		continue;
	*ep = e->next;
	e->p = NULL;
}

struct proc *
proc_find_locked(struct vkernel *k, int pid)
{
	struct proc *p;

	p = proc_find_tid_locked(k, pid);
	return (p != NULL && p->pid == pid ? p : NULL);
}

struct proc *
proc_find_hold(struct vkernel *k, int pid)
{
	struct proc *p;

	kmutex_lock(&k->proctree);
	p = proc_find_locked(k, pid);
	if (p != NULL)
		proc_hold(p);
	kmutex_unlock(&k->proctree);
	return (p);
}

struct lwp *
proc_lwp_locked(struct proc *p, int tid)
{
	struct lwp *l;

	kmutex_assert_owned(&p->lock);
	LIST_FOREACH (l, &p->lwps, link)
		if (l->tid == tid)
			return (l);
	return (NULL);
}

const struct pid_entry *
pid_entry_locked(struct vkernel *k, int id)
{
	const struct pid_entry *e;

	kmutex_assert_owned(&k->proctree);
	e = *pid_chain(k, id);
	while (e != NULL && e->id != id)
		e = e->next;
	return (e);
}

struct proc *
proc_find_tid_locked(struct vkernel *k, int tid)
{
	const struct pid_entry *e = pid_entry_locked(k, tid);

	return (e != NULL ? e->p : NULL);
}

struct proc *
proc_find_tid_hold(struct vkernel *k, int tid)
{
	struct proc *p;

	kmutex_lock(&k->proctree);
	p = proc_find_tid_locked(k, tid);
	if (p != NULL)
		proc_hold(p);
	kmutex_unlock(&k->proctree);
	return (p);
}
