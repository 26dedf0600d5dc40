/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Process and thread numbers.
 *
 * Concepts: one number space for processes and threads, 1 .. PID_MAX - 1, a
 * bit each.  Numbers are given out upwards and start again at PID_RESTART, so
 * that a number is reused as late as possible.  A number whose process is
 * gone may still name a process group or a session; such numbers are skipped
 * by looking at the table when a candidate is found (rare: it needs a wrap).
 *
 * Data structures: vkernel.pid_map (one bit a number, touched as numbers are
 * used), vkernel.pid_hash for lookup by process number.
 *
 * Locking: proctree for everything.
 */
#include <errno.h>

#include "kern/base/proc_int.h"
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
pid_alloc(struct vkernel *k, int *out)
{
	int pid = k->next_pid;

	kmutex_assert_owned(&k->proctree);
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
}

struct proc *
proc_find_locked(struct vkernel *k, int pid)
{
	struct proc *p;

	kmutex_assert_owned(&k->proctree);
	p = k->pid_hash[(unsigned)pid % 256];
	while (p != NULL && p->pid != pid)
		p = p->hash_next;
	return (p);
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

struct proc *
proc_find_tid_locked(struct vkernel *k, int tid)
{
	struct proc *p = proc_find_locked(k, tid);
	bool found;

	if (p != NULL)
		return (p);
	LIST_FOREACH (p, &k->procs, all) {
		kmutex_lock(&p->lock);
		found = proc_lwp_locked(p, tid) != NULL;
		kmutex_unlock(&p->lock);
		if (found)
			break;
	}
	return (p);
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
