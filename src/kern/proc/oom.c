/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Out of memory: the policy that vm calls when there is neither a free frame
 * nor anything to reclaim, or when all processes do nothing but wait for pages
 * that were paged out (vm_stall.c).
 *
 * Concepts.  One guest process is killed: the one with the most memory,
 * resident or in swap, and the youngest of equals.  The kernel itself and its
 * embedder only see a log line.  The memory of a process is counted in its
 * objects; translations are no measure, since pageout removes them to see which
 * pages are used.  As on Linux, /proc/PID/oom_score_adj adds thousandths of all
 * memory and swap to it, and a process that has the lowest value is not chosen.
 * Here it is chosen in the end, if there is no other: the frames must come from
 * one of the processes, and Linux panics in that case.
 *
 * There is one victim at a time.  While a victim is dying no other process is
 * chosen, and each thread that needs memory waits, in small steps, until frames
 * are freed or the victim is a zombie (all of its memory has been freed then).
 * A call within OOM_FRESH_NS after a victim has become a zombie lets its caller
 * try again first, because the caller found memory short before that.  A victim
 * that has not ended after OOM_PATIENCE_NS (it may be waiting for the host) is
 * left alone, and the next one is chosen.
 *
 * Resident images are discarded before any process is killed: without them a
 * later start takes some milliseconds longer.
 *
 * Thrashing is the same case, found by the pageout daemon, which does not wait:
 * if the choice does not help, it calls again after a while.
 *
 * If the caller's own process is the victim or is ending, the call does not
 * wait: the result is ENOMEM, and the caller unwinds.
 *
 * Locking: called without locks.  The choice is made under proctree, so that
 * two callers do not choose two victims.
 *
 * Guarantees: the wait is bounded (OOM_PATIENCE_NS) in each call; each call
 * either ends the caller, or waited, or made progress.
 */
#include <errno.h>

#include "abi/resource.h"
#include "abi/signal.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/session.h"
#include "kern/base/vkernel.h"
#include "kern/proc/process.h"
#include "kern/sig/ksignal.h"
#include "libk/kassert.h"
#include "vm/swap/swap_space.h"
#include "mem/vm_page.h"
#include "vm/vmspace.h"

#define OOM_PATIENCE_NS UINT64_C(2000000000)
#define OOM_STEP_NS UINT64_C(2000000)
#define OOM_FRESH_NS UINT64_C(5000000)
#define MIB(pages) ((unsigned long long)((pages) >> 8))

/* Pages that a process has. */
struct oom_share {
	uint64_t resident, swapped;
};

static uint64_t
oom_total(const struct oom_share *s)
{
	return (s->resident + s->swapped);
}

/* What killing p would free; 0 if p cannot be chosen.  Proc lock held. */
static void
oom_measure(struct proc *p, struct oom_share *s)
{
	kmutex_assert_owned(&p->lock);
	s->resident = s->swapped = 0;
	if (p->vmspace == NULL || p->oom_victim || p->exiting ||
	    p->state == PROC_EMBRYO)
		return;
	/* If its map is locked now, its translations are counted instead. */
	if (!vmspace_footprint(p->vmspace, &s->resident, &s->swapped))
		s->resident = atomic_load(&p->vmspace->pmap->resident);
}

/* A victim that is still giving its memory back, held.  proctree held. */
static struct proc *
oom_dying(struct vkernel *k, uint64_t now)
{
	struct proc *p;
	bool dying;

	LIST_FOREACH (p, &k->procs, all) {
		kmutex_lock(&p->lock);
		dying = p->oom_victim && p->state != PROC_ZOMBIE &&
			now - p->oom_ns < OOM_PATIENCE_NS;
		kmutex_unlock(&p->lock);
		if (dying) {
			proc_hold(p);
			return (p);
		}
	}
	return (NULL);
}

/* Pages of memory and swap. */
static int64_t
oom_all(struct vkernel *k)
{
	return ((int64_t)(k->vm.phys->npages + swap_space_size(k->vm.swap)));
}

/* The process that has most, of those that may be chosen, or, with spared, of
 * those that may not. */
static struct proc *
oom_largest(struct vkernel *k, bool spared, struct oom_share *share)
{
	const int64_t all = oom_all(k);
	struct proc *p, *best = NULL;
	struct oom_share s;
	int64_t most = 0, r;
	int adj;

	LIST_FOREACH (p, &k->procs, all) {
		kmutex_lock(&p->lock);
		oom_measure(p, &s);
		adj = p->oom_adj;
		kmutex_unlock(&p->lock);
		if (oom_total(&s) == 0 ||
		    (adj == LX_OOM_SCORE_ADJ_MIN) != spared)
			continue;
		r = (int64_t)oom_total(&s) + (spared ? 0 : adj * all / 1000);
		if (best == NULL || r > most ||
		    (r == most && p->id > best->id)) {
			most = r;
			best = p;
			*share = s;
		}
	}
	return (best);
}

static struct proc *
oom_choose(struct vkernel *k, struct oom_share *share)
{
	struct proc *best = oom_largest(k, false, share);

	if (best == NULL)
		best = oom_largest(k, true, share);
	if (best != NULL)
		proc_hold(best);
	return (best);
}

unsigned
kern_oom_score(struct proc *p)
{
	const int64_t all = oom_all(p->k);
	struct oom_share s;
	int64_t points;
	int adj;

	kmutex_lock(&p->lock);
	oom_measure(p, &s);
	adj = p->oom_adj;
	kmutex_unlock(&p->lock);
	if (adj == LX_OOM_SCORE_ADJ_MIN || oom_total(&s) == 0 || all == 0)
		return (0);
	points = (int64_t)oom_total(&s) + adj * all / 1000;
	points = (1000 + points * 1000 / all) * 2 / 3;
	return (points > 0 ? (unsigned)points : 0);
}

/* why: what the log line says after "out of memory". */
static void
oom_kill(struct vkernel *k, struct proc *p, const struct oom_share *share,
    uint64_t now, const char *why)
{
	struct ksiginfo ksi = {.signo = LX_SIGKILL, .code = LX_SI_KERNEL};
	char comm[sizeof(p->comm)];

	kmutex_lock(&p->lock);
	p->oom_victim = true;
	p->oom_ns = now;
	ksig_post_proc_locked(p, &ksi);
	kmutex_unlock(&p->lock);
	proc_comm(p, comm);
	atomic_fetch_add(&k->noom, 1);
	ktrace(&k->trace, KT_OOM, (uint64_t)p->pid, share->resident,
	    share->swapped);
	klog(&k->log, KLOG_WARN,
	    "out of memory%s: killed pid %d (%s), resident %llu MiB of %llu "
	    "MiB, swap %llu MiB of %llu MiB",
	    why, p->pid, comm, MIB(share->resident), MIB(k->vm.phys->npages),
	    MIB(share->swapped), MIB(swap_space_size(k->vm.swap)));
}

/* The process whose end makes room: one that is ending already, or one that is
 * killed now.  Held; NULL: there is none.  proctree held. */
static struct proc *
oom_victim(struct vkernel *k, uint64_t now, const char *why)
{
	struct oom_share share = {0};
	struct proc *victim = oom_dying(k, now);

	if (victim == NULL) {
		victim = oom_choose(k, &share);
		if (victim != NULL)
			oom_kill(k, victim, &share, now, why);
	}
	return (victim);
}

/* Wait until frames are free, the victim is a zombie, or the caller must
 * end. */
static void
oom_wait(struct vkernel *k, struct proc *victim, struct lwp *self)
{
	uint64_t nfree = atomic_load(&k->vm.phys->nfree);
	uint64_t until = host_now_ns() + OOM_PATIENCE_NS;
	bool over;

	do {
		host_sleep_ns(OOM_STEP_NS);
		kmutex_lock(&victim->lock);
		over =
		    victim->state == PROC_ZOMBIE || victim->state == PROC_DEAD;
		kmutex_unlock(&victim->lock);
		if (!over && self != NULL) {
			kmutex_lock(&self->p->lock);
			over = lwp_killed_locked(self);
			kmutex_unlock(&self->p->lock);
		}
		over = over || atomic_load(&k->vm.phys->nfree) > nfree;
	} while (!over && host_now_ns() < until);
}

int
kern_oom(void *arg, struct vmspace *vm)
{
	struct vkernel *k = arg;
	struct lwp *self = lwp_current();
	uint64_t now;
	struct proc *victim;
	bool killed;

	klock_assert_none();
	if (self != NULL) {
		kmutex_lock(&self->p->lock);
		killed = self->p->oom_victim || lwp_killed_locked(self);
		kmutex_unlock(&self->p->lock);
		if (killed)
			return (ENOMEM);
		/* No process is killed for a trial of a resident program. */
		if (self->p->trial != NULL) {
			(void)k->resident->shed(k);
			return (ENOMEM);
		}
	}
	kmutex_lock(&k->proctree);
	now = host_now_ns();
	if (now - k->oom_gone_ns < OOM_FRESH_NS) {
		kmutex_unlock(&k->proctree);
		return (0);
	}
	victim = oom_dying(k, now);
	if (victim == NULL) {
		kmutex_unlock(&k->proctree);
		/* Discard resident images first. */
		if (k->resident->shed(k))
			return (0);
		kmutex_lock(&k->proctree);
		victim = oom_victim(k, now, "");
	}
	kmutex_unlock(&k->proctree);
	if (victim == NULL)
		return (ENOMEM);
	if (self != NULL && victim == self->p) {
		proc_drop(victim);
		return (ENOMEM);
	}
	oom_wait(k, victim, self);
	proc_drop(victim);
	return (0);
}

/* ---- thrashing ---- */

uint64_t
kern_oom_work(void *arg)
{
	struct vkernel *k = arg;
	const uint64_t now = host_now_ns();
	struct proc *p;
	struct lwp *l;
	uint64_t ns = 0;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		kmutex_lock(&p->lock);
		ns += p->ru.utime + p->ru.stime;
		LIST_FOREACH (l, &p->lwps, link)
			ns += lwp_cpu_ns(l, now, true);
		kmutex_unlock(&p->lock);
	}
	kmutex_unlock(&k->proctree);
	return (ns);
}

void
kern_oom_thrashing(void *arg)
{
	struct vkernel *k = arg;
	uint64_t now = host_now_ns();
	struct proc *victim;

	klock_assert_none();
	if (k->resident->shed(k))
		return;
	kmutex_lock(&k->proctree);
	victim = oom_victim(
	    k, now, ", thrashing, use a larger --mem or faster swap");
	kmutex_unlock(&k->proctree);
	if (victim != NULL)
		proc_drop(victim);
}
