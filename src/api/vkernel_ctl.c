/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What an embedder does to the processes of its kernel: wait for them, signal
 * and pause them, and end them all.
 *
 * Concepts.  A process that vkernel_spawn() has started has no parent, so that
 * the embedder takes the place of one: it stays a zombie until it was waited
 * for, or given up by vkernel_release().
 *
 * Locking: proctree for the relation and for exit_fn.
 */
#include <errno.h>
#include <stdlib.h>

#include "abi/signal.h"
#include "api/vkernel_int.h"
#include "host/host.h"
#include "kern/base/session.h"
#include "kern/proc/process.h"
#include "kern/sig/ksignal.h"
#include "kern/sig/pause.h"
#include "libk/kassert.h"

#define KILL_AGAIN_NS UINT64_C(100000000)

static int
wait_for(struct vkernel *k, int pid, bool block, int *status)
{
	struct proc *p;

	if (k == NULL || status == NULL)
		return (EINVAL);
	kmutex_lock(&k->proctree);
	for (;;) {
		p = proc_find_locked(k, pid);
		if (p == NULL || !p->embedder_waits) {
			kmutex_unlock(&k->proctree);
			return (ECHILD);
		}
		if (p->state == PROC_ZOMBIE)
			break;
		if (!block) {
			kmutex_unlock(&k->proctree);
			return (EAGAIN);
		}
		kcond_wait(&k->all_gone, &k->proctree);
	}
	*status = p->exit_status;
	proc_unlink(p);
	kmutex_unlock(&k->proctree);
	proc_release(p);
	return (0);
}

int
vkernel_wait(struct vkernel *k, int pid, int *status)
{
	return (wait_for(k, pid, true, status));
}

int
vkernel_trywait(struct vkernel *k, int pid, int *status)
{
	return (wait_for(k, pid, false, status));
}

void
vkernel_wait_all(struct vkernel *k)
{
	kmutex_lock(&k->proctree);
	while (k->nlive > 0)
		kcond_wait(&k->all_gone, &k->proctree);
	kmutex_unlock(&k->proctree);
}

bool
vkernel_stopped(struct vkernel *k, int pid)
{
	struct proc *p = proc_find_hold(k, pid);
	bool stopped;

	if (p == NULL)
		return (false);
	stopped = p->state == PROC_STOPPED;
	proc_drop(p);
	return (stopped);
}

int
vkernel_kill(struct vkernel *k, int pid, int sig)
{
	const struct ksiginfo ksi = {.signo = sig, .code = LX_SI_KERNEL};
	struct session *s;
	int pgid = 0;

	if (k == NULL || sig < 0 || sig > KNSIG || pid == INT32_MIN)
		return (EINVAL);
	if (pid > 0)
		return (ksig_kill(k, NULL, pid, &ksi));
	if (pid < 0)
		return (ksig_kill_pgrp(k, -pid, &ksi));
	kmutex_lock(&k->proctree);
	LIST_FOREACH (s, &k->sessions, link)
		if (s->tty == k)
			pgid = s->fg_pgid;
	kmutex_unlock(&k->proctree);
	return (pgid == 0 ? ESRCH : ksig_kill_pgrp(k, pgid, &ksi));
}

int
vkernel_release(struct vkernel *k, int pid)
{
	struct proc *p, *gone = NULL;

	if (k == NULL)
		return (EINVAL);
	kmutex_lock(&k->proctree);
	p = proc_find_locked(k, pid);
	if (p == NULL || !p->embedder_waits) {
		kmutex_unlock(&k->proctree);
		return (ECHILD);
	}
	p->embedder_waits = false;
	if (p->state == PROC_ZOMBIE) {
		proc_unlink(p);
		gone = p;
	}
	kmutex_unlock(&k->proctree);
	if (gone != NULL)
		proc_release(gone);
	return (0);
}

void
vkernel_watch_exits(
    struct vkernel *k, void (*fn)(void *arg, int pid), void *arg)
{
	kmutex_lock(&k->proctree);
	k->exit_fn = fn;
	k->exit_arg = arg;
	kmutex_unlock(&k->proctree);
}

int
vkernel_pause(struct vkernel *k, bool pause)
{
	if (k == NULL)
		return (EINVAL);
	if (pause)
		return (kern_pause(k));
	kern_resume(k);
	return (0);
}

bool
vkernel_paused(struct vkernel *k)
{
	return (kern_paused(k));
}

void
vkernel_kill_all(struct vkernel *k)
{
	struct ksiginfo ksi = {.signo = LX_SIGKILL, .code = LX_SI_KERNEL};
	struct proc_list reaped = LIST_HEAD_INITIALIZER(reaped);
	struct proc *p;

	kern_resume(k);
	kmutex_lock(&k->proctree);
	atomic_store(&k->dying, true);
	while (k->nlive > 0) {
		LIST_FOREACH (p, &k->procs, all) {
			if (p->state == PROC_ZOMBIE)
				continue;
			kmutex_lock(&p->lock);
			ksig_post_proc_locked(p, &ksi);
			kmutex_unlock(&p->lock);
		}
		(void)kcond_timedwait(
		    &k->all_gone, &k->proctree, host_now_ns() + KILL_AGAIN_NS);
	}
	while ((p = LIST_FIRST(&k->procs)) != NULL)
		proc_reap(p, &reaped);
	kmutex_unlock(&k->proctree);
	proc_release_list(&reaped);
	lwp_threads_drain(k);
}
