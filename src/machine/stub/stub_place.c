/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: placement.  On which CPUs the two threads of an lwp run,
 * and when the kernel thread spins.
 *
 * Concepts: an lwp has two host threads, one in the kernel process and one in
 * the stub; one runs while the other waits.  The cost of a hand-over depends
 * on their CPUs (measured on a two-CPU virtual machine, round trip of a system
 * call; bench/ measures it again):
 *
 *      both on one CPU, futex                        7 us
 *      two CPUs, the waiting thread spins            2 us
 *      two CPUs, the waiting thread sleeps          50 us  (idle CPU wakes)
 *
 * An lwp is therefore in one of three modes.
 *   PAIR   Both threads are pinned to one CPU.  The default for user code that
 *          makes events.
 *   SPIN   The kernel thread is pinned to another CPU and spins while user
 *          code runs.  Entered after a streak of short runs of user code, and
 *          only while there are CPUs that no guest uses.
 *   LOOSE  Both threads are unpinned, so that the host's scheduler can balance
 *          computing guests.  Entered when user code has run for LOOSE_NS
 *          without an event; the next event leads to PAIR.
 *
 * A thread that the guest has bound to some CPUs is always pinned to one of
 * them, in PAIR or SPIN, and never LOOSE; its kernel thread may run anywhere.
 *
 * SPIN ends when no event comes within SPIN_NS, when more guests need CPUs, or
 * when round trips take longer than in PAIR (other processes use the CPUs).
 * The kernel thread then moves to the stub's CPU and sleeps there; each such
 * failure doubles the streak that the next entry requires.  When the stub
 * thread sleeps (after a long system call), it is pinned to the kernel
 * thread's CPU instead, because moving a sleeping thread costs nothing.
 *
 * Locking: the lwp's host thread makes all calls; the counts per CPU are
 * atomic and approximate.
 *
 * Guarantees: none.  Placement affects only the speed; the code is correct also
 * where the host refuses to pin a thread.
 */

#include "machine/stub/stub_int.h"

#include <string.h>

#define SPIN_NS 40000
#define SHORT_NS 25000
#define STREAK_MIN 16
#define STREAK_MAX 4096
#define STUB_SPINS 3000
#define BALANCE_EVENTS 128

static void
pin_kernel(struct stub_cpu *sc, int cpu)
{
	if (sc->kcpu == cpu)
		return;
	host_setaffinity(0, cpu);
	sc->kcpu = cpu;
}

static void
pin_stub(struct stub_cpu *sc, int cpu)
{
	if (sc->scpu == cpu)
		return;
	host_setaffinity(sc->tid, cpu);
	sc->scpu = cpu;
}

void
stub_place_bind(struct stub_cpu *sc)
{
	sc->scpu = -1;
	sc->mode = STUB_LOOSE;
	sc->streak = 0;
	if (sc->need_streak == 0)
		sc->need_streak = STREAK_MIN;
}

/* The CPU, of those that user code of `ct` may use (NULL: any), that the fewest
 * guests use, but not `not`; -1: there is none.  *users: how many. */
static int
least_used(
    struct stub_machine *sm, struct cpu_thread *ct, int not, uint32_t *users)
{
	uint32_t best = UINT32_MAX, n;
	int cpu = -1;

	for (int i = 0; i < sm->ncpu; i++) {
		if (sm->cpu[i] == not || sm->cpu[i] >= STUB_MAXCPU ||
		    (ct != NULL && !cpu_may_use(ct, sm->cpu[i])))
			continue;
		n = atomic_load_explicit(
		    &sm->cpu_users[sm->cpu[i]], memory_order_relaxed);
		if (n < best) {
			best = n;
			cpu = sm->cpu[i];
		}
	}
	*users = best;
	return (cpu);
}

/* Such a CPU on which no guest runs. */
static int
quiet_cpu(struct stub_machine *sm, struct cpu_thread *ct, int not )
{
	uint32_t users;
	int cpu = least_used(sm, ct, not, &users);

	return (users == 0 ? cpu : -1);
}

static uint32_t
users_of(struct stub_machine *sm, int cpu)
{
	return (cpu < 0 || cpu >= STUB_MAXCPU
		    ? 0
		    : atomic_load_explicit(
			  &sm->cpu_users[cpu], memory_order_relaxed));
}

static bool
may_spin(struct stub_machine *sm)
{
	return (atomic_load_explicit(&sm->nuser, memory_order_relaxed) * 2 <=
		(uint32_t)sm->ncpu);
}

static void
spin_failed(struct stub_cpu *sc)
{
	if (sc->need_streak < STREAK_MAX)
		sc->need_streak *= 2;
	sc->streak = 0;
	pin_kernel(sc, sc->scpu);
	sc->mode = STUB_PAIR;
}

/* The guest has bound the thread to CPUs that its stub is not on. */
static void
place_bound(struct stub_cpu *sc)
{
	uint32_t users;
	int cpu = least_used(sc->sm, sc->ct, -1, &users);

	if (cpu < 0)
		return;
	pin_stub(sc, cpu);
	pin_kernel(sc, cpu);
	sc->mode = STUB_PAIR;
	sc->streak = 0;
}

/* The stub thread moves to the CPU of its kernel thread, if it may. */
static void
join_kernel(struct stub_cpu *sc)
{
	if (cpu_may_use(sc->ct, sc->kcpu))
		pin_stub(sc, sc->kcpu);
	else
		pin_kernel(sc, sc->scpu);
	sc->mode = STUB_PAIR;
	sc->streak = 0;
}

void
stub_place_resume(struct stub_cpu *sc)
{
	struct stub_machine *sm = sc->sm;
	int cpu, other;

	atomic_fetch_add_explicit(&sm->nuser, 1, memory_order_relaxed);
	if (sm->ncpu < 2)
		return;
	if (!cpu_may_use(sc->ct, sc->scpu))
		place_bound(sc);
	if (sc->mode == STUB_SPIN && atomic_load(&sc->ctx->stub_waits) != 0)
		join_kernel(sc);
	if (sc->mode == STUB_LOOSE) {
		cpu = host_getcpu();
		if (users_of(sm, cpu) != 0 &&
		    (other = quiet_cpu(sm, NULL, cpu)) >= 0)
			cpu = other;
		pin_stub(sc, cpu);
		pin_kernel(sc, cpu);
		sc->mode = STUB_PAIR;
	} else if (sc->mode == STUB_PAIR &&
		   ++sc->since_balance >= BALANCE_EVENTS) {
		sc->since_balance = 0;
		if (users_of(sm, sc->scpu) != 0 &&
		    (other = quiet_cpu(sm, sc->ct, sc->scpu)) >= 0) {
			pin_stub(sc, other);
			pin_kernel(sc, other);
		}
	}
	if (sc->mode == STUB_PAIR && sc->streak >= sc->need_streak &&
	    may_spin(sm) && (other = quiet_cpu(sm, NULL, sc->scpu)) >= 0) {
		pin_kernel(sc, other);
		sc->mode = STUB_SPIN;
		sc->spin_ns = sc->pair_ns;
		sc->streak = 0;
	}
	sc->ctx->spin = sc->mode == STUB_SPIN ? STUB_SPINS : 0;
	sc->user_cpu = sc->scpu;
	if (sc->user_cpu >= 0 && sc->user_cpu < STUB_MAXCPU)
		atomic_fetch_add_explicit(
		    &sm->cpu_users[sc->user_cpu], 1, memory_order_relaxed);
	sc->resume_ns = host_now_ns();
}

void
stub_place_event(struct stub_cpu *sc)
{
	struct stub_machine *sm = sc->sm;
	uint64_t took;

	atomic_fetch_sub_explicit(&sm->nuser, 1, memory_order_relaxed);
	if (sm->ncpu < 2)
		return;
	if (sc->user_cpu >= 0 && sc->user_cpu < STUB_MAXCPU)
		atomic_fetch_sub_explicit(
		    &sm->cpu_users[sc->user_cpu], 1, memory_order_relaxed);
	sc->user_cpu = -1;
	took = host_now_ns() - sc->resume_ns;
	if (took >= SHORT_NS) {
		sc->streak = 0;
		return;
	}
	sc->streak++;
	if (sc->mode == STUB_PAIR)
		sc->pair_ns += ((int64_t)took - sc->pair_ns) / 16;
	else if (sc->mode == STUB_SPIN) {
		sc->spin_ns += ((int64_t)took - sc->spin_ns) / 16;
		if (sc->streak % 64 == 0 && sc->spin_ns > sc->pair_ns)
			spin_failed(sc); /* other processes use the CPUs */
	}
}

bool
stub_place_spin(struct stub_cpu *sc)
{
	struct stub_machine *sm = sc->sm;
	uint32_t s;

	if (sc->mode != STUB_SPIN)
		return (false);
	for (unsigned n = 1;; n++) {
		s = atomic_load_explicit(&sc->ctx->state, memory_order_acquire);
		if (s == CTX_EVENT || s == CTX_DEAD) {
			counter_add(&sm->spins, 1);
			return (true);
		}
		__builtin_ia32_pause();
		if (n % 64 == 0 &&
		    (!may_spin(sm) || host_now_ns() - sc->resume_ns > SPIN_NS))
			break;
	}
	spin_failed(sc);
	return (false);
}

void
stub_place_leave(struct stub_cpu *sc)
{
	pin_kernel(sc, -1);
}

void
stub_place_loosen(struct stub_cpu *sc)
{
	if (sc->sm->ncpu < 2 || sc->mode == STUB_LOOSE ||
	    atomic_load(&sc->ct->bound))
		return;
	pin_stub(sc, -1);
	pin_kernel(sc, -1);
	sc->mode = STUB_LOOSE;
	if (sc->need_streak > STREAK_MIN)
		sc->need_streak /= 2;
}
