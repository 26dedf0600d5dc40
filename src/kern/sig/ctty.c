/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Controlling terminals.
 *
 * Concepts: a session may have a controlling terminal: the terminal that the
 * embedder gave to the kernel, or a pty of guests.  A terminal controls one
 * session at most.  The terminal sends signals to the foreground group.
 *
 * Locking: proctree for everything.  A session's pty is not ref'ed: before it
 * is freed, the close of its master takes it from the session (tty_hangup).
 */
#include "kern/sig/ctty.h"

#include <errno.h>

#include "abi/signal.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/session.h"
#include "kern/base/vkernel.h"
#include "kern/sig/ksignal.h"
#include "libk/kassert.h"
#include "vfs/core/ctx.h"
#include "vfs/devfs/pty.h"
#include "vfs/devfs/tty.h"

void
pgrp_signal_locked(struct vkernel *k, int pgid, int sig)
{
	struct ksiginfo ksi = {.signo = sig, .code = LX_SI_KERNEL};
	struct proc *p;

	kmutex_assert_owned(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		if (p->pgid != pgid)
			continue;
		kmutex_lock(&p->lock);
		if (p->state == PROC_ALIVE || p->state == PROC_STOPPED)
			ksig_post_proc_locked(p, &ksi);
		kmutex_unlock(&p->lock);
	}
}

/* The session that tty controls; without `any`, only if it is p's session.
 * NULL: none. */
static struct session *
session_of_tty(struct proc *p, const void *tty, bool any)
{
	struct session *s;

	kmutex_assert_owned(&p->k->proctree);
	if (!any)
		return (p->session->tty == tty ? p->session : NULL);
	LIST_FOREACH (s, &p->k->sessions, link)
		if (s->tty == tty)
			break;
	return (s);
}

int
session_get_fg(struct proc *p, const void *tty, bool any, int *pgid)
{
	struct session *s;
	int error = ENOTTY;

	kmutex_lock(&p->k->proctree);
	s = session_of_tty(p, tty, any);
	if (s != NULL || any) {
		*pgid = s != NULL ? s->fg_pgid : 0;
		error = 0;
	}
	kmutex_unlock(&p->k->proctree);
	return (error);
}

int
session_set_fg(struct proc *p, const void *tty, int pgid)
{
	int error = 0;

	if (pgid < 0)
		return (EINVAL);
	kmutex_lock(&p->k->proctree);
	if (p->session->tty != tty)
		error = ENOTTY;
	else if (pgrp_any_member(p->k, pgid, p->sid) == NULL)
		error = pgrp_exists(p->k, pgid) ? EPERM : ESRCH;
	else
		p->session->fg_pgid = pgid;
	kmutex_unlock(&p->k->proctree);
	return (error);
}

int
session_get_sid(struct proc *p, const void *tty, bool any, int *sid)
{
	struct session *s;
	int error = ENOTTY;

	kmutex_lock(&p->k->proctree);
	s = session_of_tty(p, tty, any);
	if (s != NULL) {
		*sid = s->sid;
		error = 0;
	}
	kmutex_unlock(&p->k->proctree);
	return (error);
}

int
session_set_ctty(struct proc *p, const void *tty)
{
	struct vkernel *k = p->k;
	struct session *s;
	int error = EPERM;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (s, &k->sessions, link)
		if (s->tty == tty && s != p->session)
			goto out;
	if (p->sid != p->pid ||
	    (p->session->tty != NULL && p->session->tty != tty))
		goto out;
	/* If the master is closing, tty_hangup() is called after this. */
	error = EIO;
	if (tty != k && !pty_live((struct pty *)(uintptr_t)tty))
		goto out;
	error = 0;
	if (p->session->tty == NULL) {
		p->session->tty = tty;
		p->session->fg_pgid = p->pgid;
	}
out:
	kmutex_unlock(&k->proctree);
	return (error);
}

int
session_notty(struct proc *p, const void *tty)
{
	int error = ENOTTY;

	kmutex_lock(&p->k->proctree);
	if (p->session->tty == tty) {
		/* Only the leader of the session gives up the terminal. */
		if (p->sid == p->pid) {
			if (p->session->fg_pgid != 0) {
				pgrp_signal_locked(
				    p->k, p->session->fg_pgid, LX_SIGHUP);
				pgrp_signal_locked(
				    p->k, p->session->fg_pgid, LX_SIGCONT);
			}
			p->session->tty = NULL;
			p->session->fg_pgid = 0;
		}
		error = 0;
	}
	kmutex_unlock(&p->k->proctree);
	return (error);
}

static void
tty_signal(void *arg, struct pty *pty, int signo)
{
	struct vkernel *k = arg;
	struct session *s;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (s, &k->sessions, link)
		if (s->tty == pty && s->fg_pgid != 0)
			pgrp_signal_locked(k, s->fg_pgid, signo);
	kmutex_unlock(&k->proctree);
}

/* The foreground group gets SIGHUP when the leader gives it up. */
static void
tty_hangup(void *arg, struct pty *pty)
{
	const struct ksiginfo hup = {.signo = LX_SIGHUP, .code = LX_SI_KERNEL};
	const struct ksiginfo cont = {
	    .signo = LX_SIGCONT, .code = LX_SI_KERNEL};
	struct vkernel *k = arg;
	struct session *s;
	struct proc *p;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (s, &k->sessions, link) {
		if (s->tty != pty)
			continue;
		s->tty = NULL;
		p = proc_find_locked(k, s->sid);
		if (p == NULL || p->state == PROC_ZOMBIE || p->session != s)
			continue;
		ksig_post_proc(p, &hup);
		ksig_post_proc(p, &cont);
	}
	kmutex_unlock(&k->proctree);
}

static int
tty_controlling(void *arg, const struct vfs_ctx *ctx, struct pty **out)
{
	struct vkernel *k = arg;
	struct lwp *l = ctx->waiter.lwp;
	struct pty *pty;
	int error = 0;

	if (l == NULL)
		return (0);
	kmutex_lock(&k->proctree);
	pty = (struct pty *)(uintptr_t)l->p->session->tty;
	if (pty == NULL)
		error = ENXIO;
	else if (l->p->session->tty != k) {
		/* Its last file may be closing. */
		if (pty_tryref(pty))
			*out = pty;
		else
			error = EIO;
	}
	kmutex_unlock(&k->proctree);
	return (error);
}

const struct vfs_tty_ops session_tty_ops = {
    .signal = tty_signal,
    .hangup = tty_hangup,
    .controlling = tty_controlling,
};
