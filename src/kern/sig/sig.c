/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signals: posting, dispositions and masks.
 *
 * Concepts.  A signal is posted to a process or to one lwp.  Posting has its
 * side effects at once: SIGCONT resumes the process and discards stop signals,
 * a stop signal discards SIGCONT, SIGKILL ends a stop.  Then the signal is
 * dropped if it is ignored and no receiver blocks it or waits for it; otherwise
 * it is recorded, and one lwp that can take it is notified.  That lwp decides
 * in sig_deliver.c, just before it returns to user mode, what the signal does.
 * Pending sets and their queues are base/sigpending.c.
 *
 * Locking.  Pending sets and masks: proc lock.  Dispositions: sigacts lock,
 * below the proc lock, because CLONE_SIGHAND shares them between processes.
 * Nothing here takes proctree while a proc lock is held.
 *
 * Guarantees.  Posting never fails and never blocks.  A blocked signal is not
 * lost because it was ignored when it was posted, as on Linux.
 */
#include "kern/sig/ksignal.h"

#include "abi/capability.h"
#include "abi/signal.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/sig/signalfd.h"
#include "libk/kassert.h"

#include <errno.h>
#include <string.h>

#define SIGS_STOP                                                          \
	(KSIGBIT(LX_SIGSTOP) | KSIGBIT(LX_SIGTSTP) | KSIGBIT(LX_SIGTTIN) | \
	    KSIGBIT(LX_SIGTTOU))
#define SIGS_IGNORE                                                       \
	(KSIGBIT(LX_SIGCHLD) | KSIGBIT(LX_SIGCONT) | KSIGBIT(LX_SIGURG) | \
	    KSIGBIT(LX_SIGWINCH))

bool
ksig_default_ignored(int signo)
{
	return ((SIGS_IGNORE & KSIGBIT(signo)) != 0);
}

bool
ksig_default_stops(int signo)
{
	return ((SIGS_STOP & KSIGBIT(signo)) != 0);
}

/* ---- dispositions ---- */

static struct lx_sigaction
sig_action_get(struct proc *p, int signo)
{
	struct lx_sigaction sa;

	kmutex_lock(&p->sigacts->lock);
	sa = p->sigacts->sa[signo];
	kmutex_unlock(&p->sigacts->lock);
	return (sa);
}

bool
ksig_ignored(struct proc *p, int signo)
{
	struct lx_sigaction sa = sig_action_get(p, signo);

	return (sa.handler == LX_SIG_IGN ||
		(sa.handler == LX_SIG_DFL && ksig_default_ignored(signo)));
}

void
ksig_action(struct proc *p, int signo, const struct lx_sigaction *new,
    struct lx_sigaction *old)
{
	kmutex_lock(&p->lock);
	kmutex_lock(&p->sigacts->lock);
	if (old != NULL)
		*old = p->sigacts->sa[signo];
	if (new != NULL) {
		p->sigacts->sa[signo] = *new;
		p->sigacts->sa[signo].mask &= ~KSIG_UNMASKABLE;
	}
	kmutex_unlock(&p->sigacts->lock);
	if (new != NULL && ksig_ignored(p, signo))
		ksig_flush_locked(p, KSIGBIT(signo));
	kmutex_unlock(&p->lock);
}

/* ---- pending sets ---- */

bool
ksig_take_locked(struct lwp *l, uint64_t set, struct ksiginfo *out)
{
	int signo = ksig_peek_locked(l, set);

	if (signo == 0)
		return (false);
	if (l->sigpend.set & KSIGBIT(signo) & set)
		sigpending_take(l->p->k, &l->sigpend, signo, out);
	else
		sigpending_take(l->p->k, &l->p->sigpend, signo, out);
	sigfd_taken_locked(l->p);
	return (true);
}

void
ksig_flush_locked(struct proc *p, uint64_t set)
{
	struct lwp *l;

	sigpending_remove(p->k, &p->sigpend, set);
	LIST_FOREACH (l, &p->lwps, link)
		sigpending_remove(p->k, &l->sigpend, set);
	sigfd_taken_locked(p);
}

void
ksig_setmask_locked(struct lwp *l, uint64_t mask)
{
	struct proc *p = l->p;
	uint64_t newly;
	struct lwp *o;

	kmutex_assert_owned(&p->lock);
	mask &= ~KSIG_UNMASKABLE;
	newly = p->sigpend.set & mask & ~l->sigmask;
	l->sigmask = mask;
	if (((l->sigpend.set | p->sigpend.set) & ~mask) != 0)
		atomic_store(&l->sigcheck, true);
	/* A pending signal that this lwp was notified of and blocks now is for
	 * another lwp. */
	LIST_FOREACH (o, &p->lwps, link) {
		if (o != l && (newly & ~o->sigmask) != 0)
			lwp_notify(o);
	}
}

void
ksig_tmpmask(struct lwp *l, uint64_t mask)
{
	kmutex_lock(&l->p->lock);
	if (!l->sigmask_restore) {
		l->sigmask_saved = l->sigmask;
		l->sigmask_restore = true;
	}
	ksig_setmask_locked(l, mask);
	kmutex_unlock(&l->p->lock);
	/* Without a signal, the old mask must still be put back before user
	 * mode. */
	atomic_store(&l->sigcheck, true);
}

/* ---- posting ---- */

/* The effects of posting on a stop, whether or not the signal itself is
 * dropped. */
static void
sig_side_effects(struct proc *p, int signo)
{
	struct lwp *l;

	if (ksig_default_stops(signo)) {
		ksig_flush_locked(p, KSIGBIT(LX_SIGCONT));
	} else if (signo == LX_SIGCONT) {
		ksig_flush_locked(p, SIGS_STOP);
		if (p->state == PROC_STOPPED) {
			/* stop_sig stays: the first lwp to wake reports the
			 * continuation, which needs proctree. */
			p->state = PROC_ALIVE;
			p->stop_report = false;
			p->cont_report = true;
			kcond_broadcast(&p->cond);
		}
		LIST_FOREACH (l, &p->lwps, link)
			if (l->traced != NULL && l->traced->seized)
				trace_interrupt_locked(l);
	} else if (signo == LX_SIGKILL && p->state == PROC_STOPPED) {
		p->state = PROC_ALIVE;
		p->stop_report = false;
		p->stop_sig = 0;
		kcond_broadcast(&p->cond);
	}
}

/* The signal is ignored, and no lwp that may take it blocks it, waits for it or
 * is traced: a tracer sees ignored signals, too. */
static bool
sig_dropped(struct proc *p, struct lwp *only, int signo)
{
	struct lwp *l;

	if (!ksig_ignored(p, signo))
		return (false);
	LIST_FOREACH (l, &p->lwps, link) {
		if ((only == NULL || only == l) &&
		    (l->traced != NULL ||
			((l->sigmask | l->sigwait) & KSIGBIT(signo)) != 0))
			return (false);
	}
	return (true);
}

/* SIGKILL ends each stop, also that of an lwp that is ending, for which another
 * one may wait in exec. */
static void
sig_killed(struct proc *p)
{
	struct lwp *l;

	p->killed = true;
	LIST_FOREACH (l, &p->lwps, link)
		if (l->stop != NULL)
			lwp_notify(l);
}

static void
sig_post_locked(struct proc *p, struct lwp *only, const struct ksiginfo *info,
    struct ksig_source *src)
{
	uint64_t bit = KSIGBIT(info->signo);
	struct lwp *l, *pick = NULL;

	kmutex_assert_owned(&p->lock);
	KASSERT(info->signo >= 1 && info->signo <= KNSIG);
	if (p->state == PROC_ZOMBIE || p->state == PROC_DEAD)
		return;
	if (info->signo == LX_SIGKILL)
		sig_killed(p);
	if (p->exiting)
		return;
	ktrace(&p->k->trace, KT_SIGNAL, (uint64_t)p->pid, (uint64_t)info->signo,
	    (uint64_t)(int64_t)info->code);
	sig_side_effects(p, info->signo);
	if (sig_dropped(p, only, info->signo))
		return;
	sigpending_add(
	    p->k, only != NULL ? &only->sigpend : &p->sigpend, info, src);
	sigfd_posted_locked(p, bit);
	if (only != NULL) {
		if ((bit & ~only->sigmask) || (bit & only->sigwait))
			lwp_notify(only);
		return;
	}
	/* Prefer an lwp that waits for it in rt_sigtimedwait, then the oldest
	 * lwp that does not block it (the list is newest first). */
	LIST_FOREACH (l, &p->lwps, link) {
		if (l->sigwait & bit) {
			pick = l;
			break;
		}
		if (bit & ~l->sigmask)
			pick = l;
	}
	if (pick != NULL)
		lwp_notify(pick);
	/* One lwp is enough for a fatal signal, too: it ends the whole
	 * process. */
}

void
ksig_post_proc_locked(struct proc *p, const struct ksiginfo *info)
{
	sig_post_locked(p, NULL, info, NULL);
}

void
ksig_post_lwp_locked(struct lwp *l, const struct ksiginfo *info)
{
	sig_post_locked(l->p, l, info, NULL);
}

bool
ksig_post_source_locked(struct proc *p, struct lwp *only,
    const struct ksiginfo *info, struct ksig_source *src)
{
	KASSERT(src->queued == NULL && (only == NULL || only->p == p));
	sig_post_locked(p, only, info, src);
	return (src->queued != NULL);
}

void
ksig_post_proc(struct proc *p, const struct ksiginfo *info)
{
	kmutex_lock(&p->lock);
	sig_post_locked(p, NULL, info, NULL);
	kmutex_unlock(&p->lock);
}

void
ksig_post_lwp(struct lwp *l, const struct ksiginfo *info)
{
	kmutex_lock(&l->p->lock);
	sig_post_locked(l->p, l, info, NULL);
	kmutex_unlock(&l->p->lock);
}

void
ksig_force(struct lwp *l, const struct ksiginfo *info)
{
	struct proc *p = l->p;
	struct lx_sigaction *sa = &p->sigacts->sa[info->signo];
	uint64_t bit = KSIGBIT(info->signo);

	kmutex_lock(&p->lock);
	kmutex_lock(&p->sigacts->lock);
	if ((l->sigmask & bit) || sa->handler == LX_SIG_IGN) {
		sa->handler = LX_SIG_DFL;
		l->sigmask &= ~bit;
	}
	kmutex_unlock(&p->sigacts->lock);
	/* The new fault replaces an older one of the same signal: the lwp has
	 * just raised it and cannot continue before it is handled. */
	sigpending_remove(p->k, &l->sigpend, bit);
	sigpending_add(p->k, &l->sigpend, info, NULL);
	sigfd_posted_locked(p, bit);
	atomic_store(&l->sigcheck, true);
	kmutex_unlock(&p->lock);
}

/* ---- kill(2) ---- */

int
ksig_permitted(const struct lwp *from, struct proc *to, int signo)
{
	uint32_t uid, euid, target, saved;
	bool capable;
	int error;

	if (from == NULL || from->p == to || lwp_capable(from, LX_CAP_KILL))
		return (0);
	uid = from->cred->uid;
	euid = from->cred->euid;
	kmutex_lock(&to->lock);
	target = to->cred->uid;
	saved = to->cred->suid;
	capable = cred_ns_capable(from->cred, to->cred->userns, LX_CAP_KILL);
	kmutex_unlock(&to->lock);
	error = capable || euid == saved || euid == target || uid == saved ||
			uid == target
		    ? 0
		    : EPERM;
	if (error != 0 && signo == LX_SIGCONT && from->p->sid == to->sid)
		error = 0;
	return (error);
}

/*
 * Does `to` not see the signal: because it is the init of a name space of
 * numbers, the sender is in that, and the handler is the default one?
 */
static bool
init_ignores(const struct lwp *from, struct proc *to, int signo)
{
	bool ignores = true;

	if (from == NULL || signo == 0 || !pidns_is_init(to) ||
	    !pidns_has(to->pidns, from->p))
		return (false);
	kmutex_lock(&to->lock);
	if (to->sigacts != NULL && signo != LX_SIGKILL && signo != LX_SIGSTOP)
		ignores = to->sigacts->sa[signo].handler == LX_SIG_DFL;
	kmutex_unlock(&to->lock);
	return (ignores);
}

/* Post with the number that the sender has for `to`.  proctree held. */
static void
post_from(struct proc *to, const struct ksiginfo *info)
{
	struct ksiginfo seen = *info;

	seen.pid = pidns_out_locked(to->k, to->pidns, info->pid);
	ksig_post_proc(to, &seen);
}

/* As on Linux the number of the signal is checked once there is a process that
 * it is for. */
static int
sig_check(const struct lwp *from, struct proc *to, int signo)
{
	if (signo < 0 || signo > KNSIG)
		return (EINVAL);
	return (ksig_permitted(from, to, signo));
}

/* Post to each process of the group pgid, or, for 0, to all that kill(-1)
 * reaches. proctree is held throughout, so that fork cannot add a child to a
 * group while it is being killed. */
static int
sig_kill_many(struct vkernel *k, const struct lwp *from, int pgid,
    const struct ksiginfo *info)
{
	unsigned found = 0, ok = 0;
	struct proc *p;
	int error = 0;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		if (pgid != 0
			? p->pgid != pgid
			: (from != NULL && (p == from->p || p->pid == 1 ||
					       pidns_is_init(p) ||
					       !pidns_has(from->p->pidns, p))))
			continue;
		if (p->state == PROC_DEAD)
			continue;
		found++;
		error = sig_check(from, p, info->signo);
		if (error == EINVAL)
			break;
		if (error != 0)
			continue;
		ok++;
		if (info->signo != 0 && !init_ignores(from, p, info->signo))
			post_from(p, info);
	}
	kmutex_unlock(&k->proctree);
	if (error == EINVAL)
		return (EINVAL);
	if (ok > 0)
		return (0);
	return (found > 0 ? EPERM : ESRCH);
}

int
ksig_kill_pgrp(struct vkernel *k, int pgid, const struct ksiginfo *info)
{
	if (pgid <= 0)
		return (ESRCH);
	return (sig_kill_many(k, NULL, pgid, info));
}

int
ksig_kill(struct vkernel *k, const struct lwp *from, int pid,
    const struct ksiginfo *info)
{
	struct proc *p;
	int error, pgid;

	if (pid == -1)
		return (sig_kill_many(k, from, 0, info));
	if (pid == INT32_MIN)
		return (ESRCH);
	if (pid <= 0) {
		if (pid == 0 && from == NULL)
			return (EINVAL);
		kmutex_lock(&k->proctree);
		pgid = pid == 0 ? from->p->pgid : -pid;
		kmutex_unlock(&k->proctree);
		return (sig_kill_many(k, from, pgid, info));
	}
	/* A thread's number names its process, as on Linux. */
	p = proc_find_tid_hold(k, pid);
	if (p == NULL)
		return (ESRCH);
	error = sig_check(from, p, info->signo);
	if (error == 0 && info->signo != 0 &&
	    !init_ignores(from, p, info->signo)) {
		kmutex_lock(&k->proctree);
		post_from(p, info);
		kmutex_unlock(&k->proctree);
	}
	proc_drop(p);
	return (error);
}
