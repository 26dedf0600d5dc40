/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: proof that a translation is out of use (isolation between
 * guest processes).
 *
 * Purpose: a frame that is removed from one guest process can belong to another
 * one a moment later.  Without isolation the pmap trusts that a parked stub
 * thread is parked, and that it carries out its queue before it returns to user
 * code (pmap_stub.c).  Guest code that has taken over its stub does neither: it
 * posts an event, runs on, and keeps what it has mapped.
 *
 * Concepts: with isolation, a translation is out of use when the host has made
 * the calls that remove it.  stub_notify.c sees each call of a stub before the
 * host makes it.  The call has ended when the same thread makes its next one:
 * a batch that takes translations out of use ends with OP_SYNC, a call without
 * effect.  stub_pmap.applied advances only past batches whose OP_SYNC was seen.
 * A stub whose thread reports a batch as done, but has not made its calls, is
 * killed.
 *
 * pmap_sync() therefore does not return for a process whose threads are all in
 * the kernel before its queue is carried out: by the calling thread's own stub
 * thread, or else by a parked one that the caller drives (drive()).  The owner
 * of that thread cannot enter user code, leave the stub or end in the meantime,
 * because all of this takes the flush mutex, or finds `flushing` set.  A stub
 * that is to be replaced (`fresh`) is killed, and has ended when pmap_sync()
 * returns: its owner moves to the new one later.
 *
 * A munmap can fail where the host's limit of mappings is reached.  A guest
 * that ignores this failure would keep the translation.  A stub is therefore
 * emptied before its mappings can be so many (ISOLATE_OPS).
 *
 * Locking: the functions with a stub_pmap are called with the pmap lock held;
 * sc->unproved and sc->proof are protected by it.
 *
 * Limits: a page that was shared with a relative and then copied on write is
 * replaced, not removed: guest code that has taken over its stub can read what
 * the relative writes there until it carries out that batch.  The host's limit
 * of mappings must not be below its default of 65,530.
 */

#include "machine/stub/stub_int.h"

#include <errno.h>

/* Operations after which a stub is emptied.  Each makes at most two more
 * mappings of the host. */
#define ISOLATE_OPS 30000

void
stub_prove_limit(struct stub_pmap *sp)
{
	if (sp->nops < ISOLATE_OPS)
		return;
	sp->nops = 1;
	sp->qseq++;
	stub_pmap_forget(sp);
}

uint32_t
stub_prove_order(
    struct stub_cpu *sc, struct stub_pmap *sp, struct stub_op *dst, uint32_t n)
{
	bool prove = sp->nbound > 1;

	if (n == 0)
		return (0);
	for (uint32_t i = 0; i < n; i++)
		prove |=
		    sp->q[i].op != OP_MAP || (sp->q[i].prot & OP_REPLACES) != 0;
	sp->nops += n;
	stub_expect(sc, sp->q, n, prove);
	sc->unproved = prove;
	sc->unsynced = true;
	if (!prove)
		return (n);
	dst[n] = (struct stub_op){.op = OP_SYNC};
	return (n + 1);
}

int
stub_prove_check(struct stub_cpu *sc, struct stub_pmap *sp, uint32_t event)
{
	bool proved = sc->unproved;

	sc->unproved = false;
	if (sc->nexpected == 0)
		return (0);
	if (!stub_expect_done(sc)) {
		if (event != EV_OPFAIL)
			return (ECHILD);
		sp->qseq++;
		stub_pmap_forget(sp);
		return (0);
	}
	if (!proved)
		return (0);
	sc->unsynced = false;
	if (sc->proof > sp->applied)
		sp->applied = sc->proof;
	return (0);
}

void
stub_prove_note(struct stub_pmap *sp)
{
	struct stub_cpu *sc;

	LIST_FOREACH (sc, &sp->cpus, link)
		if (sc->unproved && sc->proof > sp->applied &&
		    !stub_expects(sc))
			sp->applied = sc->proof;
}

int
stub_prove_parked(struct stub_cpu *sc)
{
	struct stub_op *dst = (struct stub_op *)((char *)sc->ctx + CTX_OPS_OFF);
	struct stub_pmap *sp = sc->pmap->md;
	int error;

	if (!sc->sm->isolates || !sc->unsynced)
		return (0);
	kmutex_lock(&sp->flush);
	*dst = (struct stub_op){.op = OP_SYNC};
	sc->ctx->nops = 1;
	stub_expect(sc, NULL, 0, true);
	error = stub_command(sc, CMD_REPORT);
	if (!stub_expect_done(sc) && error == 0)
		error = stub_broken(sc);
	if (error == 0)
		sc->unsynced = false;
	kmutex_unlock(&sp->flush);
	return (error);
}

/* Carry out the queue, or a part of it, by a parked thread of the pmap.  The
 * flush mutex and the pmap lock are held; the latter is dropped meanwhile. */
static void
drive(struct pmap *pm, struct stub_cpu *sc)
{
	struct stub_pmap *sp = pm->md;
	uint32_t event;
	int error;

	sp->flushing = stub_pmap_take(sc, sp) != 0;
	sc->proof = sp->nq == 0 ? sp->qseq : sp->applied;
	kmutex_unlock(&pm->lock);
	error = stub_drive(sc);
	event = stub_event(sc);
	kmutex_lock(&pm->lock);
	if (stub_prove_check(sc, sp, event) != 0 && error == 0)
		error = stub_broken(sc);
	if (error != 0 || event == EV_OPFAIL) {
		sp->qseq++;
		stub_pmap_forget(sp);
	}
	sp->flushing = false;
	kcond_broadcast(&sp->cond);
}

/* The stub must end before anything that it maps can be used again.  Locks as
 * for drive(). */
static void
end_stub(struct pmap *pm)
{
	struct stub_pmap *sp = pm->md;
	struct stub *s = sp->stub;
	uint64_t target = sp->qseq;

	atomic_store(&s->revoked, sp->fresh);
	kmutex_unlock(&pm->lock);
	stub_signal_kill(s);
	host_pidfd_wait(s->pidfd);
	kmutex_lock(&pm->lock);
	if (target > sp->applied)
		sp->applied = target;
}

bool
stub_prove_removed(struct pmap *pm, uint64_t target)
{
	struct stub_pmap *sp = pm->md;
	struct stub_cpu *sc;
	bool done;

	kmutex_lock(&sp->flush);
	kmutex_lock(&pm->lock);
	if (sp->stub == NULL || sp->applied >= target || sp->running != 0)
		goto out;
	LIST_FOREACH (sc, &sp->cpus, link)
		if (sc->ready)
			break;
	if (sp->nops == 0) /* nothing was mapped in this stub */
		sp->applied = sp->qseq;
	else if (sp->fresh || atomic_load(&sp->stub->dead))
		end_stub(pm);
	else if (sc != NULL)
		drive(pm, sc);
out:
	done = sp->stub == NULL || sp->applied >= target || sp->running != 0;
	kmutex_unlock(&pm->lock);
	kmutex_unlock(&sp->flush);
	return (done);
}
