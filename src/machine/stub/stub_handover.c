/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: the hand-over between an lwp's thread in the kernel
 * process and its thread in the stub.
 *
 * Concepts: the two threads take turns by one word, stub_ctx.state.  The
 * kernel posts CTX_CMD and waits for CTX_EVENT; the stub waits for CTX_CMD and
 * posts CTX_EVENT.  Each side sets a flag before it sleeps, so that the other
 * side makes a wake-up call only when there is a sleeper.  Before it sleeps,
 * the kernel may spin (stub_place.c decides when).
 *
 * Trust: guest code can write to its context.  A state value without a meaning
 * makes only this thread wait.  A stub is killed when it will not answer an
 * interrupt, or a command that runs no user code (stub_watch.c), and when it
 * reports something impossible.
 *
 * Locking: a stub_cpu belongs to its lwp's host thread, which makes all calls
 * of this file.
 *
 * Thread-local: current_cpu is the stub_cpu that the calling host thread
 * drives.  pmap_sync() has no lwp argument, and must know whether the calling
 * thread can flush through a parked stub thread of its own.
 *
 * Limits: the death of a stub, and an interrupt that is not answered, are
 * noticed at once by the wake-up of the keeper or of the interrupter, and after
 * WAIT_SLICE_NS where that wake-up comes just before the thread sleeps.
 */

#include "machine/stub/stub_int.h"

#include <errno.h>

#define WAIT_SLICE_NS UINT64_C(100000000)
#define LOOSE_NS UINT64_C(1000000)
#define OPFAILS_MAX 8
#define SPURIOUS_MAX 64

static _Thread_local struct stub_cpu *current_cpu;

struct stub_cpu *
stub_cpu_current(void)
{
	return (current_cpu);
}

void
stub_cpu_set_current(struct stub_cpu *sc)
{
	current_cpu = sc;
}

static bool
event_ready(struct stub_cpu *sc)
{
	uint32_t s =
	    atomic_load_explicit(&sc->ctx->state, memory_order_acquire);

	return (s == CTX_EVENT || s == CTX_DEAD);
}

/* The stub owes an answer: look at it, and kill it if it will not give one. */
static void
watch(struct stub_cpu *sc, struct stub_watch *w, bool owes)
{
	const char *why = stub_watch_look(sc, w, owes);

	if (why == NULL || event_ready(sc))
		return;
	klog(sc->sm->sys->log, KLOG_WARN,
	    "stub (host process %d) does not answer and %s; it is killed, and "
	    "its guest process ends",
	    sc->stub->pid, why);
	stub_signal_kill(sc->stub);
	w->looks = 0;
}

/*
 * Sleep until the stub reports.  While it owes an answer - to an interrupt, or
 * any answer if the command runs no user code (`owes`) - it is watched.  A
 * guest can make this thread wake up as often as it likes: after SPURIOUS_MAX
 * times the thread does not listen for a while.
 */
static void
wait_asleep(struct stub_cpu *sc, bool owes)
{
	struct stub_ctx *c = sc->ctx;
	struct stub_watch w = {.looks = 0};
	uint64_t slice = LOOSE_NS;
	unsigned spurious = 0;
	uint32_t s;

	atomic_store(&c->kernel_waits, 1);
	while (!event_ready(sc) && !atomic_load(&sc->stub->dead)) {
		s = atomic_load(&c->state);
		if (s == CTX_EVENT || s == CTX_DEAD)
			break;
		if (host_futex_wait(&c->state, s, slice, true) == ETIMEDOUT) {
			if (slice == LOOSE_NS && !owes)
				stub_place_loosen(sc);
			slice = WAIT_SLICE_NS;
		} else if (++spurious > SPURIOUS_MAX)
			host_sleep_ns(LOOSE_NS);
		if (event_ready(sc))
			break;
		if (owes || atomic_load(&sc->intr) != 0) {
			slice = STUB_WATCH_NS;
			watch(sc, &w, owes);
		} else
			w.looks = 0;
	}
	atomic_store(&c->kernel_waits, 0);
}

void
stub_wait_event(struct stub_cpu *sc, bool owes)
{
	if (!event_ready(sc) && !stub_place_spin(sc))
		wait_asleep(sc, owes);
}

int
stub_broken(struct stub_cpu *sc)
{
	if (!atomic_load(&sc->stub->dead))
		stub_signal_kill(sc->stub);
	return (ECHILD);
}

int
stub_op_failed(struct stub_cpu *sc)
{
	if (++sc->opfails < OPFAILS_MAX)
		return (0);
	klog(sc->sm->sys->log, KLOG_ERR,
	    "the host refuses to map guest memory (error %u); raise its limits "
	    "on mappings (vm.max_map_count) or memory",
	    *(volatile uint32_t *)&sc->ctx->op_errno);
	return (ENOMEM);
}

int
stub_drive(struct stub_cpu *sc)
{
	struct stub_ctx *c = sc->ctx;

	c->cmd = CMD_REPORT;
	counter_add(&sc->sm->handovers, 1);
	atomic_store(&c->state, CTX_CMD);
	if (atomic_load(&c->stub_waits) != 0)
		host_futex_wake(&c->state, 1, true);
	wait_asleep(sc, true);
	if (atomic_load(&sc->stub->dead) || atomic_load(&c->state) != CTX_EVENT)
		return (stub_broken(sc));
	return (0);
}

int
stub_command(struct stub_cpu *sc, uint32_t cmd)
{
	struct stub_ctx *c = sc->ctx;

	c->cmd = cmd;
	counter_add(&sc->sm->handovers, 1);
	stub_place_resume(sc);
	atomic_store(&c->state, CTX_CMD);
	if (atomic_load(&c->stub_waits) != 0)
		host_futex_wake(&c->state, 1, true);
	stub_wait_event(sc, cmd == CMD_REPORT);
	stub_place_event(sc);
	if (atomic_load(&sc->stub->dead) || atomic_load(&c->state) != CTX_EVENT)
		return (stub_broken(sc));
	return (0);
}
