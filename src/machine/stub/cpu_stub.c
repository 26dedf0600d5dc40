/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: running an lwp.
 *
 * Purpose: the operations of struct cpu_ops on a stub.
 *
 * Concepts: a cpu_thread is bound to one context (one host thread) of the stub
 * of its vmspace while it runs there.  The context either runs user code or is
 * parked: its thread waits in the signal handler, and its registers lie in a
 * signal frame on the context's stack (stub_frame.c).  stub_handover.c gives
 * commands to a context and waits for its reports; stub_place.c chooses the
 * CPUs of the two threads.
 *
 * Locking: a stub_cpu belongs to its lwp's host thread.  Only cpu_interrupt()
 * is called by other threads: it uses `intr`, `in_user` and, under intr_lock,
 * the pid and the context.  Both are valid until the stub is reaped; unbinding
 * clears the pid under that lock first.
 *
 * Guarantees: an interrupt is never lost: cpu_run() sets in_user, then reads
 * intr; cpu_interrupt() sets intr, then reads in_user.  A signal that arrives
 * while the handler runs is pending until the return to user code.
 */

#include "machine/stub/stub_int.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"

/* ---- binding ---- */

static void
publish_pid(struct stub_cpu *sc, int pid)
{
	kmutex_lock(&sc->intr_lock);
	sc->pid = pid;
	kmutex_unlock(&sc->intr_lock);
}

static void
stub_leave(struct cpu_thread *ct)
{
	struct stub_cpu *sc = ct->md;

	if (stub_cpu_current() == sc) {
		stub_place_leave(sc);
		stub_cpu_set_current(NULL);
	}
}

static void
stub_unbind(struct cpu_thread *ct)
{
	struct stub_cpu *sc = ct->md;
	struct stub *last;

	stub_leave(ct);
	if (sc->pmap == NULL)
		return;
	publish_pid(sc, 0);
	stub_notify_unbind(sc);
	last = stub_pmap_unbind(sc);
	sc->pmap = NULL;
	sc->stub = NULL;
	sc->ctx = NULL;
	sc->frame = NULL;
	if (last != NULL)
		stub_kill(last);
}

/* sc was bound to a context: wait until that is parked and find its frame.
 * `fresh`: no user code has run on it, so its extended state is as after exec.
 */
static int
take_context(struct stub_cpu *sc, bool fresh)
{
	int error;

	sc->tid = sc->stub->tid[sc->idx];
	stub_notify_bind(sc);
	stub_place_bind(sc);
	stub_wait_event(sc, true);
	if (atomic_load(&sc->stub->dead) ||
	    atomic_load(&sc->ctx->state) != CTX_EVENT)
		return (stub_broken(sc));
	error = stub_frame_locate(sc);
	if (error != 0)
		return (error);
	if (!fresh)
		sc->xreset = true;
	sc->ctx->fsgsbase = sc->sm->fsgsbase;
	sc->bases_dirty = true;
	sc->unsynced = false;
	kmutex_lock(&sc->pmap->lock);
	sc->ready = true;
	kmutex_unlock(&sc->pmap->lock);
	publish_pid(sc, sc->stub->pid);
	return (0);
}

static int
bind_once(struct stub_cpu *sc, struct pmap *pm, bool *fresh)
{
	struct stub *s = NULL;
	bool used;
	int error;

	*fresh = false;

	error = stub_pmap_bind(sc, pm, NULL, &used);
	if (error == ENOENT) {
		error = stub_get(sc->sm, &s);
		if (error != 0)
			return (error);
		error = stub_pmap_bind(sc, pm, s, &used);
		if (!used)
			stub_kill(s);
	}
	if (error != 0)
		return (error);
	*fresh = s != NULL && used;
	error = take_context(sc, *fresh);
	if (error != 0)
		stub_unbind(sc->ct);
	return (error);
}

/* A stub that died before user code ran on it is no fault of the guest: try
 * once more. */
static int
stub_bind(struct stub_cpu *sc, struct pmap *pm)
{
	bool fresh;
	int error;

	error = bind_once(sc, pm, &fresh);
	if (error == ECHILD && fresh)
		error = bind_once(sc, pm, &fresh);
	return (error);
}

/*
 * Move to a fresh stub.  Registers are in tf; the extended state is copied.
 * Where there is no fresh stub, or no memory for the copy, the old stub is
 * emptied instead, which is slower but has the same result.
 */
static int
move_stub(struct stub_cpu *sc)
{
	const uint32_t xsize = atomic_load(&sc->sm->xsize);
	const uint8_t *from = stub_frame_xstate(sc);
	struct stub *s = NULL, *old;
	uint8_t *x;

	if (from == NULL)
		return (stub_broken(sc));
	if (sc->xbuf == NULL && !sc->xreset) {
		x = malloc(xsize);
		if (x != NULL) {
			memcpy(x, from, xsize);
			sc->xbuf = x;
		}
	}
	if ((sc->xbuf != NULL || sc->xreset) && stub_get(sc->sm, &s) != 0)
		s = NULL;
	if (s != NULL) {
		publish_pid(sc, 0);
		stub_notify_unbind(sc);
	}
	old = stub_pmap_replace(sc, s);
	if (old == NULL)
		return (0);
	sc->frame = NULL;
	stub_retire(old);
	return (take_context(sc, true));
}

/* ---- cpu_ops ---- */

static int
stub_thread_create(struct cpu_thread *ct)
{
	struct stub_cpu *sc = calloc(1, sizeof(*sc));

	if (sc == NULL)
		return (ENOMEM);
	sc->ct = ct;
	sc->sm = ct->machine;
	sc->xreset = true;
	sc->kcpu = sc->scpu = sc->user_cpu = -1;
	kmutex_init(&sc->intr_lock, "cpu interrupt", KRANK_INTERRUPT, 0);
	ct->md = sc;
	return (0);
}

static void
stub_thread_destroy(struct cpu_thread *ct)
{
	struct stub_cpu *sc = ct->md;

	stub_unbind(ct);
	kmutex_destroy(&sc->intr_lock);
	free(sc->xbuf);
	free(sc);
	ct->md = NULL;
}

static void
stub_interrupt(struct cpu_thread *ct)
{
	struct stub_cpu *sc = ct->md;

	atomic_store(&sc->intr, 1);
	if (atomic_load(&sc->in_user) == 0)
		return;
	kmutex_lock(&sc->intr_lock);
	if (sc->pid != 0 && atomic_load(&sc->in_user) != 0) {
		stub_notify_interrupt(sc);
		/* sc's thread watches the stub from now on.  The guest can wait
		 * for the same word: wake all. */
		host_futex_wake(&sc->ctx->state, INT_MAX, true);
	}
	kmutex_unlock(&sc->intr_lock);
}

/* Decode the report after a trip to user code.  EAGAIN: there is no event for
 * the caller; run again. */
static int
run_result(struct stub_cpu *sc, struct cpu_event *ev)
{
	int error;

	if (sc->event == EV_OPFAIL) {
		/* User code has not run: its registers are in tf, and the
		 * segment bases are still to be loaded. */
		sc->bases_dirty = true;
		stub_pmap_reset(sc);
		error = stub_op_failed(sc);
		return (error != 0 ? error : EAGAIN);
	}
	sc->opfails = 0;
	error = stub_frame_locate(sc);
	if (error != 0)
		return (error);
	stub_frame_load(sc);
	stub_frame_decode(sc, ev);
	if (ev->type == CPU_EV_FAULT && trunc_page(ev->addr) != sc->refill_va &&
	    pmap_refill(sc->pmap, ev->addr, ev->access)) {
		sc->refill_va = trunc_page(ev->addr);
		return (EAGAIN);
	}
	sc->refill_va = 0;
	return (0);
}

/* One trip to user code.  EAGAIN: there is no event for the caller; run
 * again. */
static int
run_once(struct stub_cpu *sc, struct cpu_event *ev)
{
	int error = 0;

	if (sc->frame == NULL ||
	    (atomic_load(&sc->stub->dead) && !atomic_load(&sc->stub->revoked)))
		return (ECHILD);
	if (stub_pmap_needs_fresh(sc)) {
		error = move_stub(sc);
		if (error != 0)
			return (error);
	}
	atomic_store(&sc->in_user, 1);
	if (atomic_exchange(&sc->intr, 0) != 0) {
		atomic_store(&sc->in_user, 0);
		memset(ev, 0, sizeof(*ev));
		ev->type = CPU_EV_INTERRUPT;
		return (0);
	}
	while (!stub_pmap_enter_user(sc)) {
		/* Another thread may have requested a fresh stub since. */
		error =
		    stub_pmap_needs_fresh(sc) ? EAGAIN : stub_pmap_flush(sc);
		if (error != 0) {
			atomic_store(&sc->in_user, 0);
			return (error);
		}
	}
	stub_frame_store(sc);
	stub_frame_xstate_load(sc);
	error = stub_command(sc, CMD_RESUME);
	atomic_store(&sc->in_user, 0);
	sc->event = stub_event(sc);
	if (stub_pmap_leave_user(sc) != 0 && error == 0)
		error = ECHILD;
	return (error != 0 ? error : run_result(sc, ev));
}

static int
stub_run(struct cpu_thread *ct, struct pmap *pm, struct cpu_event *ev)
{
	struct stub_cpu *sc = ct->md;
	int error;

	if (sc->pmap != pm) {
		stub_unbind(ct);
		error = stub_bind(sc, pm);
		if (error != 0)
			goto out;
	}
	stub_cpu_set_current(sc);
	do
		error = run_once(sc, ev);
	while (error == EAGAIN);
out:
	if (error == ECHILD) {
		memset(ev, 0, sizeof(*ev));
		ev->type = CPU_EV_DEAD;
		error = 0;
	}
	return (error);
}

/* Make one more thread in pc's stub, by pc's parked thread.  The new thread's
 * context becomes idle. */
static int
make_thread(struct stub_cpu *pc)
{
	struct stub_pmap *sp = pc->pmap->md;
	struct stub *s = pc->stub;
	struct stub_op *op = (struct stub_op *)((char *)pc->ctx + CTX_OPS_OFF);
	struct stub_op order = {.op = OP_THREAD};
	int error = EAGAIN, tid;
	bool failed;
	uint32_t idx;

	kmutex_lock(&sp->flush);
	idx = atomic_load(&s->nctx);
	if (idx >= CTX_THREADS)
		goto out;
	atomic_store(&stub_ctx_at(s, idx)->state, 0);
	order.off = idx;
	memcpy(op, &order, sizeof(order));
	pc->ctx->nops = 1;
	if (pc->sm->listens)
		stub_expect(pc, &order, 1, false);
	failed = stub_command(pc, CMD_REPORT) != 0 || stub_event(pc) != EV_DONE;
	if (pc->sm->listens && !stub_expect_done(pc) && !failed) {
		(void)stub_broken(pc);
		goto out;
	}
	if (failed)
		goto out;
	pc->unsynced = true;
	tid = (int)*(volatile uint32_t *)&stub_ctx_at(s, idx)->tid;
	if (tid <= 0 || host_tgkill(s->pid, tid, 0) != 0)
		goto out;
	error = 0;
	s->tid[idx] = tid; /* before nctx, for kill_stub_of() */
	atomic_store(&s->nctx, idx + 1);
	kmutex_lock(&pc->pmap->lock);
	s->idle[idx / 64] |= UINT64_C(1) << (idx % 64);
	kmutex_unlock(&pc->pmap->lock);
out:
	kmutex_unlock(&sp->flush);
	return (error);
}

/*
 * The child will run beside the parent in the same stub: bind it to an idle
 * context, or to a new one that the parent's parked thread makes.
 */
static int
stub_share(struct cpu_thread *child, struct cpu_thread *parent)
{
	struct stub_cpu *sc = child->md, *pc = parent->md;
	bool used;
	int error;

	if (pc->pmap == NULL || pc->frame == NULL)
		return (EINVAL);
	if (stub_pmap_needs_fresh(pc)) {
		error = move_stub(pc);
		if (error != 0)
			return (EAGAIN);
	}
	if (stub_prove_parked(pc) != 0)
		return (EAGAIN);
	while ((error = stub_pmap_bind(sc, pc->pmap, NULL, &used)) == EAGAIN) {
		if (make_thread(pc) != 0)
			return (EAGAIN);
	}
	if (error != 0)
		goto out;
	error = take_context(sc, false);
	if (error != 0)
		stub_unbind(child);
out:
	/* A caller that does not drive the parent must not stay pinned to the
	 * CPU of the parent. */
	if (stub_cpu_current() != pc)
		stub_place_leave(pc);
	return (error == ECHILD ? EAGAIN : error);
}

static int
stub_prepare(struct cpu_thread *ct, struct pmap *pm)
{
	int error = stub_bind(ct->md, pm);

	return (error == ECHILD ? EAGAIN : error);
}

static size_t
stub_xstate_size(struct cpu_thread *ct)
{
	struct stub_cpu *sc = ct->md;

	return (atomic_load(&sc->sm->xsize));
}

/* The thread's current extended state; NULL before any stub ran. */
static const uint8_t *
xstate_where(struct stub_cpu *sc)
{
	if (sc->xbuf != NULL)
		return (sc->xbuf);
	if (sc->frame == NULL || sc->xreset)
		return (sc->sm->xtemplate);
	return (stub_frame_xstate(sc));
}

static int
stub_xstate_get(struct cpu_thread *ct, void *buf, size_t size)
{
	struct stub_cpu *sc = ct->md;
	const uint8_t *x = xstate_where(sc);

	if (x == NULL || size < atomic_load(&sc->sm->xsize))
		return (EINVAL);
	memcpy(buf, x, atomic_load(&sc->sm->xsize));
	return (0);
}

static int
stub_xstate_set(struct cpu_thread *ct, const void *buf, size_t size)
{
	const size_t magic2 = sizeof(uint32_t); /* LX_FP_XSTATE_MAGIC2 */
	struct stub_cpu *sc = ct->md;
	uint8_t *x;

	if (buf == NULL) {
		free(sc->xbuf);
		sc->xbuf = NULL;
		sc->xreset = true;
		return (0);
	}
	if (size == 0 || size != atomic_load(&sc->sm->xsize))
		return (EINVAL);
	x = malloc(size);
	if (x == NULL)
		return (ENOMEM);
	memcpy(x, buf, size);
	/* The host takes the size from the software-reserved bytes: they must
	 * not come from the guest. */
	memcpy(x + LX_FPX_SW_OFFSET, sc->sm->xtemplate + LX_FPX_SW_OFFSET,
	    sizeof(struct lx_fpx_sw_bytes));
	if (size > LX_FXSAVE_SIZE + magic2)
		memcpy(x + size - magic2, sc->sm->xtemplate + size - magic2,
		    magic2);
	free(sc->xbuf);
	sc->xbuf = x;
	sc->xreset = false;
	return (0);
}

static int
stub_xstate_copy(struct cpu_thread *dst, struct cpu_thread *src)
{
	struct stub_cpu *sc = dst->md;
	const uint8_t *x;

	x = xstate_where(src->md);
	if (x == NULL)
		return (stub_xstate_set(dst, NULL, 0));
	return (stub_xstate_set(dst, x, atomic_load(&sc->sm->xsize)));
}

static uint64_t
stub_vdso(void *machine)
{
	return (((struct stub_machine *)machine)->vdso);
}

const struct cpu_ops cpu_stub_ops = {
    .name = "stub",
    .thread_create = stub_thread_create,
    .thread_destroy = stub_thread_destroy,
    .run = stub_run,
    .interrupt = stub_interrupt,
    .unbind = stub_unbind,
    .leave = stub_leave,
    .share = stub_share,
    .prepare = stub_prepare,
    .xstate_size = stub_xstate_size,
    .xstate_get = stub_xstate_get,
    .xstate_set = stub_xstate_set,
    .xstate_copy = stub_xstate_copy,
    .vdso = stub_vdso,
};
