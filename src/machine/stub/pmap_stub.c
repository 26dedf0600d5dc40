/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub back-end of the pmap: translations as host mappings of the arena.
 *
 * Purpose: to mirror the software tables into the address space of a stub
 * process with as few host calls and hand-overs as possible.  Only the stub
 * process itself can change its address space.
 *
 * Concepts: every change becomes an operation (map, unmap, protect of a run)
 * in a queue.  A stub thread that is parked in its handler carries out the
 * queue before it returns to user code, so that an operation costs no
 * hand-over of its own.  The machine may hold less than the tables (a missing
 * mapping faults and is entered again) but never more than tables plus queue.
 *
 * A removed translation is out of use under the following rules.  User code of
 * a stub runs only between cpu_run()'s resume and the next event; `running`
 * counts the threads in that state.  A thread takes the queue under the pmap
 * lock, in the same critical section in which it is counted, and carries out
 * the queue before user code.  Therefore:
 *   - running == 0: no thread can use a translation, and the queue will be
 *     carried out before all user code;
 *   - one thread is bound: taking the queue is enough, for the same reason;
 *   - several threads are bound: they share the address space, so that a batch
 *     must be reported done before any other thread enters user code; the
 *     flush mutex and `flushing` ensure this.
 * pmap_sync() flushes through the calling thread's own stub thread, if that is
 * parked and of this pmap.  Otherwise, and where the flush fails (the stub is
 * dead, or refuses every operation), it interrupts the running threads, as the
 * TLB shoot-down of a multiprocessor kernel does: each leaves user code, and
 * takes the queue before it enters user code again.  A caller with several
 * pmaps first interrupts the threads of all (pmap_sync_start), and then waits
 * for all, so that the stubs that do not answer are found at the same time.
 *
 * Locking: pmap->lock protects struct stub_pmap; the flush mutex is acquired
 * before it.  The ops of struct pmap_ops are called with pmap->lock held.
 *
 * Guarantees: those of pmap.h.  stub_kill() returns after the host has reaped
 * the stub, and then nothing can use a frame through it.  cpu_unbind() of the
 * last thread kills the stub before the vmspace is freed, so that the frames
 * of a dying process are freed after the end of its stub.
 *
 * Rebuilding: fork of a large process write-protects so much, and a large
 * munmap removes so much, that a new stub is cheaper than the host calls.  The
 * old stub is killed, and reaped in the background (stub_retire); its only
 * thread was parked.  The memory that it still maps may have other users before
 * it is reaped.  That is safe: the kill is sent before the guest process
 * continues, and a killed thread does not return to user code.
 *
 * Limits: more than QUEUE_MAX operations, or one that the host refuses (its
 * limit of mappings per process), empty the machine; it refills on demand.
 */

#include "machine/stub/stub_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"
#include "pmap/pmap.h"

#define QUEUE_MAX 1024
#define REBUILD_PAGES 2048 /* 8 MiB */
#define REBUILD_SHARE 4
/* Operations that a thread can take at a time; the last place is for OP_SYNC.
 */
#define TAKE_MAX (CTX_NOPS - 1)

static int
stub_init(struct pmap *pm, void *machine)
{
	struct stub_pmap *sp;

	sp = calloc(1, sizeof(*sp));
	if (sp == NULL)
		return (ENOMEM);
	kcond_init(&sp->cond);
	kmutex_init(&sp->flush, "pmap flush", KRANK_FLUSH, 0);
	LIST_INIT(&sp->cpus);
	pm->md = sp;
	return (0);
}

static void
stub_release(struct pmap *pm)
{
	struct stub_pmap *sp = pm->md;

	KVERIFY(sp->nbound == 0 && sp->stub == NULL);
	kcond_destroy(&sp->cond);
	kmutex_destroy(&sp->flush);
	free(sp->q);
	free(sp);
	pm->md = NULL;
}

void
stub_pmap_forget(struct stub_pmap *sp)
{
	static const struct stub_op all = {.op = OP_UNMAP_ALL};

	sp->nq = 0;
	if (sp->cap > 0)
		sp->q[sp->nq++] = all;
}

static bool
queue_merge(struct stub_op *last, const struct stub_op *op)
{
	if (last->op != op->op ||
	    ((last->prot ^ op->prot) & ~OP_REPLACES) != 0 ||
	    last->addr + last->len != op->addr ||
	    last->len + op->len > UINT32_MAX)
		return (false);
	if (op->op == OP_MAP && last->off + last->len != op->off)
		return (false);
	last->len += op->len;
	last->prot |= op->prot;
	return (true);
}

static void
queue_op(struct pmap *pm, const struct stub_op *op)
{
	struct stub_pmap *sp = pm->md;
	struct stub_op *q;
	uint32_t cap;

	if (sp->stub == NULL || sp->fresh)
		return;
	sp->qseq++;
	if (sp->nq > 0 && queue_merge(&sp->q[sp->nq - 1], op))
		return;
	if (sp->nq == sp->cap) {
		cap = sp->cap == 0 ? 32 : sp->cap * 2;
		q = cap > QUEUE_MAX ? NULL : realloc(sp->q, cap * sizeof(*q));
		if (q == NULL) {
			KVERIFY(sp->cap > 0);
			stub_pmap_forget(sp);
			return;
		}
		sp->q = q;
		sp->cap = cap;
	}
	sp->q[sp->nq++] = *op;
}

/* Make sure that the queue has room for OP_UNMAP_ALL. */
static int
queue_reserve(struct stub_pmap *sp)
{
	if (sp->cap != 0)
		return (0);
	sp->q = malloc(32 * sizeof(*sp->q));
	if (sp->q == NULL)
		return (ENOMEM);
	sp->cap = 32;
	return (0);
}

static void
stub_map(struct pmap *pm, vm_offset_t va, vm_frame_t frame, unsigned npages,
    vm_prot_t prot, bool replaces)
{
	struct stub_op op = {
	    .op = OP_MAP,
	    .prot = prot | OP_POPULATE | (replaces ? OP_REPLACES : 0),
	    .addr = va,
	    .len = (uint64_t)npages * PAGE_SIZE,
	    .off = (uint64_t)frame * PAGE_SIZE,
	};

	queue_op(pm, &op);
}

/* A range of 4 GiB or more is cut into pieces, because the seccomp filter can
 * compare only 32-bit halves of a length. */
static void
queue_range(struct pmap *pm, uint32_t code, vm_prot_t prot, vm_offset_t sva,
    vm_offset_t eva)
{
	const uint64_t step = UINT64_C(1) << 31;
	struct stub_op op = {.op = code, .prot = prot};

	if ((eva - sva) / step > 64) {
		if (code == OP_UNMAP) {
			struct stub_pmap *sp = pm->md;

			sp->qseq++;
			stub_pmap_forget(sp);
			return;
		}
	}
	while (sva < eva) {
		op.addr = sva;
		op.len = eva - sva < step ? eva - sva : step;
		queue_op(pm, &op);
		sva += op.len;
	}
}

static void
stub_unmap(struct pmap *pm, vm_offset_t sva, vm_offset_t eva)
{
	queue_range(pm, OP_UNMAP, 0, sva, eva);
}

/*
 * Where mappings were lost, the range has holes in the machine, and the host's
 * mprotect stops there with ENOMEM.  That fails the batch and resets the
 * machine: correct, but slow.
 */
static void
stub_protect(struct pmap *pm, vm_offset_t sva, vm_offset_t eva, vm_prot_t prot)
{
	queue_range(pm, OP_PROTECT, prot, sva, eva);
}

/*
 * A large change costs more than a new process (measured: 18 us to protect and
 * 41 us to unmap a MiB of populated pages, 10 us to take over a stub from the
 * pool): in that case replace the stub.  Only while one thread is bound, which
 * is then parked in the kernel.
 */
static bool
stub_rebuild(struct pmap *pm, uint64_t count)
{
	struct stub_pmap *sp = pm->md;

	if (sp->fresh) {
		sp->qseq++;
		return (true);
	}
	if (sp->stub == NULL || sp->nbound != 1 || sp->running != 0 ||
	    count < REBUILD_PAGES ||
	    count * REBUILD_SHARE < atomic_load(&pm->resident))
		return (false);
	sp->fresh = true;
	sp->nq = 0;
	sp->qseq++;
	return (true);
}

bool
stub_pmap_needs_fresh(struct stub_cpu *sc)
{
	struct stub_pmap *sp = sc->pmap->md;
	bool fresh;

	kmutex_lock(&sc->pmap->lock);
	fresh = sp->fresh && sp->nbound == 1;
	kmutex_unlock(&sc->pmap->lock);
	return (fresh);
}

struct stub *
stub_pmap_replace(struct stub_cpu *sc, struct stub *with)
{
	struct pmap *pm = sc->pmap;
	struct stub_pmap *sp = pm->md;
	struct stub *old = NULL;

	kmutex_lock(&sp->flush);
	kmutex_lock(&pm->lock);
	KASSERT(sp->nbound == 1 && sp->running == 0);
	sp->fresh = false;
	sp->nq = 0;
	if (with != NULL) {
		old = sp->stub;
		sp->stub = with;
		sp->nops = 0;
		sc->stub = with;
		sc->idx = 0;
		sc->ctx = stub_ctx_at(with, 0);
		sc->ready = false;
	} else
		stub_pmap_forget(sp);
	sp->qseq++;
	kmutex_unlock(&pm->lock);
	kmutex_unlock(&sp->flush);
	return (old);
}

/* How many mapped pages the operation can concern: a stub maps nothing but the
 * arena. */
static uint64_t
op_pages(const struct stub_machine *sm, const struct stub_op *op)
{
	const uint64_t all = sm->sys->phys->npages + sm->sys->phys->ndev;

	if (op->op == OP_UNMAP_ALL || op->len >> PAGE_SHIFT > all)
		return (all);
	return (op->len >> PAGE_SHIFT);
}

uint32_t
stub_pmap_take(struct stub_cpu *sc, struct stub_pmap *sp)
{
	struct stub_op *dst = (struct stub_op *)((char *)sc->ctx + CTX_OPS_OFF);
	uint32_t n;

	if (sc->sm->isolates)
		stub_prove_limit(sp);
	n = sp->nq < TAKE_MAX ? sp->nq : TAKE_MAX;
	memcpy(dst, sp->q, n * sizeof(*dst));
	sc->ctx->nops = sc->sm->isolates ? stub_prove_order(sc, sp, dst, n) : n;
	sc->op_pages = 0;
	for (uint32_t i = 0; i < n; i++) {
		sc->op_pages += op_pages(sc->sm, &sp->q[i]);
		if (sp->q[i].op == OP_MAP)
			counter_add(&sc->sm->maps, 1);
		else if (sp->q[i].op == OP_PROTECT)
			counter_add(&sc->sm->protects, 1);
		else
			counter_add(&sc->sm->unmaps, 1);
	}
	sp->nq -= n;
	memmove(sp->q, sp->q + n, sp->nq * sizeof(*dst));
	return (n);
}

int
stub_pmap_flush(struct stub_cpu *sc)
{
	struct pmap *pm = sc->pmap;
	struct stub_pmap *sp = pm->md;
	uint64_t seq;
	uint32_t event, n;
	int error = 0;

	kmutex_lock(&sp->flush);
	for (;;) {
		kmutex_lock(&pm->lock);
		n = stub_pmap_take(sc, sp);
		seq = sp->nq == 0 ? sp->qseq : sp->applied;
		sc->proof = seq;
		sp->flushing = n != 0;
		if (n == 0) {
			sp->applied = seq;
			kcond_broadcast(&sp->cond);
		}
		kmutex_unlock(&pm->lock);
		if (n == 0)
			break;
		error = stub_command(sc, CMD_REPORT);
		event = stub_event(sc);
		kmutex_lock(&pm->lock);
		if (stub_prove_check(sc, sp, event) != 0 && error == 0)
			error = stub_broken(sc);
		kmutex_unlock(&pm->lock);
		if (error == 0 && event == EV_OPFAIL) {
			error = stub_op_failed(sc);
			stub_pmap_reset(sc);
		}
		if (error != 0)
			break;
	}
	if (error != 0) {
		kmutex_lock(&pm->lock);
		sp->flushing = false;
		sp->qseq++; /* the operations taken are lost */
		stub_pmap_forget(sp);
		kcond_broadcast(&sp->cond);
		kmutex_unlock(&pm->lock);
	}
	kmutex_unlock(&sp->flush);
	return (error);
}

bool
stub_pmap_enter_user(struct stub_cpu *sc)
{
	struct pmap *pm = sc->pmap;
	struct stub_pmap *sp = pm->md;
	bool ok;

	kmutex_lock(&pm->lock);
	if (sp->nbound > 1)
		ok = sp->nq == 0;
	else
		ok = sp->nq <= TAKE_MAX;
	/* With `fresh` the stub still maps what was removed from the tables. */
	ok = ok && !sp->flushing && !sp->fresh;
	if (ok) {
		stub_pmap_take(sc, sp);
		sc->proof = sp->qseq;
		if (!sc->unproved)
			sp->applied = sp->qseq;
		sp->running++;
		if (sp->waiters != 0)
			kcond_broadcast(&sp->cond);
	}
	kmutex_unlock(&pm->lock);
	return (ok);
}

int
stub_pmap_leave_user(struct stub_cpu *sc)
{
	struct pmap *pm = sc->pmap;
	struct stub_pmap *sp = pm->md;
	int error;

	kmutex_lock(&pm->lock);
	KASSERT(sp->running > 0);
	sp->running--;
	error = stub_prove_check(sc, sp, sc->event);
	if (sp->waiters != 0)
		kcond_broadcast(&sp->cond);
	kmutex_unlock(&pm->lock);
	return (error != 0 ? stub_broken(sc) : 0);
}

void
stub_pmap_reset(struct stub_cpu *sc)
{
	struct pmap *pm = sc->pmap;
	struct stub_pmap *sp = pm->md;

	atomic_fetch_add(&sc->sm->resets, 1);
	kmutex_lock(&pm->lock);
	sp->qseq++;
	stub_pmap_forget(sp);
	kmutex_unlock(&pm->lock);
}

/*
 * May what was removed up to `target` be in use?  pmap lock held.  There is no
 * need to wait for a batch that was handed out: until it is reported, no thread
 * enters user code.  With isolation that is not enough (stub_prove.c).
 */
static bool
in_use(const struct pmap *pm, uint64_t target)
{
	const struct stub_machine *sm = pm->machine;
	struct stub_pmap *sp = pm->md;

	if (sm->isolates)
		stub_prove_note(sp);
	return (sp->stub != NULL && sp->applied < target &&
		(sp->running != 0 || sm->isolates));
}

/* pmap lock held. */
static void
interrupt_running(struct stub_pmap *sp)
{
	struct stub_cpu *sc;

	LIST_FOREACH (sc, &sp->cpus, link)
		if (atomic_load(&sc->in_user) != 0)
			cpu_interrupt(sc->ct);
}

static bool
stub_sync_start(struct pmap *pm)
{
	struct stub_pmap *sp = pm->md;
	struct stub_cpu *me = stub_cpu_current();
	bool wait;

	kmutex_lock(&pm->lock);
	wait = in_use(pm, sp->qseq);
	/* Where stub_sync() will flush, no thread needs to leave user code. */
	if (wait && (me == NULL || me->pmap != pm))
		interrupt_running(sp);
	kmutex_unlock(&pm->lock);
	return (wait);
}

static void
stub_sync(struct pmap *pm)
{
	struct stub_pmap *sp = pm->md;
	struct stub_cpu *me = stub_cpu_current();
	uint64_t target;
	bool done;

	kmutex_lock(&pm->lock);
	target = sp->qseq;
	if (in_use(pm, target) && me != NULL && me->pmap == pm && !sp->fresh) {
		kmutex_unlock(&pm->lock);
		if (stub_pmap_flush(me) == 0)
			return;
		/* The flush failed; other threads may still be running. */
		kmutex_lock(&pm->lock);
	}
	sp->waiters++;
	while (in_use(pm, target)) {
		if (sp->running != 0) {
			interrupt_running(sp);
			/* Checked again after 20 ms: a thread may have entered
			 * user code since then, with an older queue. */
			kcond_timedwait(&sp->cond, &pm->lock,
			    host_now_ns() + UINT64_C(20000000));
			continue;
		}
		kmutex_unlock(&pm->lock);
		done = stub_prove_removed(pm, target);
		if (!done) /* a thread is just being bound */
			host_sleep_ns(UINT64_C(1000000));
		kmutex_lock(&pm->lock);
	}
	sp->waiters--;
	kmutex_unlock(&pm->lock);
}

const struct pmap_ops pmap_stub_ops = {
    .name = "stub",
    .init = stub_init,
    .release = stub_release,
    .map = stub_map,
    .unmap = stub_unmap,
    .protect = stub_protect,
    .rebuild = stub_rebuild,
    .sync_start = stub_sync_start,
    .sync = stub_sync,
};

/* ---- binding: in this file because it changes struct stub_pmap ---- */

int
stub_pmap_bind(
    struct stub_cpu *sc, struct pmap *pm, struct stub *fresh, bool *used)
{
	struct stub_pmap *sp = pm->md;
	unsigned w;
	int error = 0;

	*used = false;
	kmutex_lock(&pm->lock);
	if (sp->stub == NULL) {
		if (fresh == NULL || queue_reserve(sp) != 0) {
			error = fresh == NULL ? ENOENT : ENOMEM;
			goto out;
		}
		sp->stub = fresh;
		sp->nq = 0;
		sp->nops = 0;
		*used = true;
		sc->idx = 0;
	} else {
		if (sp->fresh) {
			/* Two threads cannot move to a fresh stub: empty the
			 * old one instead. */
			sp->fresh = false;
			sp->qseq++;
			stub_pmap_forget(sp);
		}
		for (w = 0; w < CTX_THREADS / 64; w++)
			if (sp->stub->idle[w] != 0)
				break;
		if (w == CTX_THREADS / 64) {
			error = EAGAIN;
			goto out;
		}
		sc->idx = w * 64 + (unsigned)__builtin_ctzll(sp->stub->idle[w]);
		sp->stub->idle[w] &= sp->stub->idle[w] - 1;
	}
	sc->stub = sp->stub;
	sc->pmap = pm;
	sc->ctx = stub_ctx_at(sc->stub, sc->idx);
	sc->ready = false;
	sp->nbound++;
	LIST_INSERT_HEAD(&sp->cpus, sc, link);
out:
	kmutex_unlock(&pm->lock);
	return (error);
}

struct stub *
stub_pmap_unbind(struct stub_cpu *sc)
{
	struct pmap *pm = sc->pmap;
	struct stub_pmap *sp = pm->md;
	struct stub *last = NULL;

	/* Another thread may be using sc's parked thread. */
	kmutex_lock(&sp->flush);
	kmutex_lock(&pm->lock);
	LIST_REMOVE(sc, link);
	sp->nbound--;
	sp->stub->idle[sc->idx / 64] |= UINT64_C(1) << (sc->idx % 64);
	if (sp->nbound == 0) {
		last = sp->stub;
		sp->stub = NULL;
		sp->fresh = false;
		sp->nq = 0;
		sp->applied = sp->qseq;
	}
	kcond_broadcast(&sp->cond);
	kmutex_unlock(&pm->lock);
	kmutex_unlock(&sp->flush);
	return (last);
}
