/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signal dispositions and sets of pending signals.
 *
 * Data structures. struct sigpending is a set and a queue of siginfos.  The set
 * is the truth; a signal in the set without a siginfo on the queue (no memory,
 * or KSIGQ_MAX reached) is delivered with an empty one.  Standard signals are
 * recorded once, real-time signals as often as they were sent, and those of a
 * source (a POSIX timer), whatever their number, once for the source: the queue
 * entry and the source point at each other, so that a siginfo that a program
 * has written is never taken for that of a timer.
 *
 * Locking.  Pending sets and masks: proc lock.  Dispositions: sigacts lock,
 * below the proc lock, because CLONE_SIGHAND shares them between processes.
 */
#include "kern/base/sigpending.h"

#include <errno.h>
#include <string.h>

#include "abi/signal.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"
#include "mem/vm_zone.h"

/* Taken before all others: the program cannot continue before they are
 * handled. */
#define SIGS_SYNC                                                        \
	(KSIGBIT(LX_SIGSEGV) | KSIGBIT(LX_SIGBUS) | KSIGBIT(LX_SIGILL) | \
	    KSIGBIT(LX_SIGTRAP) | KSIGBIT(LX_SIGFPE) | KSIGBIT(LX_SIGSYS))

/* ---- dispositions ---- */

int
sigacts_create(
    struct vkernel *k, const struct sigacts *from, struct sigacts **out)
{
	struct sigacts *sa;

	sa = zalloc(k->z_sigacts);
	if (sa == NULL)
		return (ENOMEM);
	memset(sa, 0, sizeof(*sa));
	atomic_init(&sa->refs, 1);
	kmutex_init(&sa->lock, "sigacts", KRANK_SIGNAL, 0);
	if (from != NULL) {
		struct sigacts *src = (struct sigacts *)(uintptr_t)from;

		kmutex_lock(&src->lock);
		memcpy(sa->sa, src->sa, sizeof(sa->sa));
		kmutex_unlock(&src->lock);
	}
	*out = sa;
	return (0);
}

void
sigacts_free(struct vkernel *k, struct sigacts *sa)
{
	if (sa == NULL || atomic_fetch_sub(&sa->refs, 1) != 1)
		return;
	kmutex_destroy(&sa->lock);
	zfree(k->z_sigacts, sa);
}

void
sigacts_exec(struct sigacts *sa)
{
	kmutex_lock(&sa->lock);
	for (int s = 1; s <= KNSIG; s++) {
		uint64_t h = sa->sa[s].handler;

		memset(&sa->sa[s], 0, sizeof(sa->sa[s]));
		if (h == LX_SIG_IGN)
			sa->sa[s].handler = LX_SIG_IGN;
	}
	kmutex_unlock(&sa->lock);
}

/* ---- pending sets ---- */

void
sigpending_init(struct sigpending *sp)
{
	sp->set = 0;
	sp->count = 0;
	TAILQ_INIT(&sp->queue);
}

void
sigpending_remove(struct vkernel *k, struct sigpending *sp, uint64_t set)
{
	struct ksigq *q, *next;

	if ((sp->set & set) == 0)
		return;
	sp->set &= ~set;
	for (q = TAILQ_FIRST(&sp->queue); q != NULL; q = next) {
		next = TAILQ_NEXT(q, link);
		if ((set & KSIGBIT(q->info.signo)) == 0)
			continue;
		TAILQ_REMOVE(&sp->queue, q, link);
		sp->count--;
		if (q->source != NULL)
			q->source->flushed(q->source);
		zfree(k->z_sigq, q);
	}
}

void
sigpending_flush(struct vkernel *k, struct sigpending *sp)
{
	sigpending_remove(k, sp, UINT64_MAX);
}

void
sigpending_add(struct vkernel *k, struct sigpending *sp,
    const struct ksiginfo *info, struct ksig_source *src)
{
	struct ksigq *q;

	if (src == NULL && info->signo < LX_SIGRTMIN &&
	    (sp->set & KSIGBIT(info->signo)))
		return;
	sp->set |= KSIGBIT(info->signo);
	if (sp->count >= KSIGQ_MAX)
		return;
	q = zalloc(k->z_sigq);
	if (q == NULL)
		return;
	q->info = *info;
	q->source = src;
	if (src != NULL)
		src->queued = q;
	TAILQ_INSERT_TAIL(&sp->queue, q, link);
	sp->count++;
}

static int
sigset_first(uint64_t set)
{
	if ((set & SIGS_SYNC) != 0)
		set &= SIGS_SYNC;
	return (set == 0 ? 0 : __builtin_ctzll(set) + 1);
}

void
sigpending_take(
    struct vkernel *k, struct sigpending *sp, int signo, struct ksiginfo *out)
{
	struct ksigq *q, *found = NULL;
	bool more = false;

	TAILQ_FOREACH (q, &sp->queue, link) {
		if (q->info.signo != signo)
			continue;
		if (found != NULL) {
			more = true;
			break;
		}
		found = q;
	}
	if (!more)
		sp->set &= ~KSIGBIT(signo);
	if (found == NULL) {
		*out = (struct ksiginfo){.signo = signo, .code = LX_SI_USER};
		return;
	}
	*out = found->info;
	TAILQ_REMOVE(&sp->queue, found, link);
	sp->count--;
	if (found->source != NULL)
		out->status = found->source->taken(found->source);
	zfree(k->z_sigq, found);
}

int
ksig_peek_locked(struct lwp *l, uint64_t set)
{
	int signo;

	kmutex_assert_owned(&l->p->lock);
	signo = sigset_first(l->sigpend.set & set);
	return (signo != 0 ? signo : sigset_first(l->p->sigpend.set & set));
}

bool
ksig_trap_due_locked(struct lwp *l)
{
	struct proc *p = l->p;

	kmutex_assert_owned(&p->lock);
	if (l->traced == NULL)
		return (false);
	return (l->traced->want_trap ||
		(p->state == PROC_STOPPED && l->stop_seen != p->stop_count));
}

bool
ksig_pending_locked(struct lwp *l)
{
	uint64_t pending = l->sigpend.set | l->p->sigpend.set;

	kmutex_assert_owned(&l->p->lock);
	if ((pending & (~l->sigmask | l->sigwait)) != 0)
		return (true);
	return (l->traced != NULL ? ksig_trap_due_locked(l)
				  : l->p->state == PROC_STOPPED);
}
