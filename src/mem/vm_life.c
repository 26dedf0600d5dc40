/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The lifetime word.
 *
 * Purpose: decide, without a lock, which thread is the last user of a shared
 * structure and which is the last reader, when users come and go on any thread.
 *
 * Concepts.  The owner of a ref uses the structure: it may map, unmap and run.
 * The owner of a hold keeps the structure valid: it may lock and read it, and
 * may find it dead.  A ref implies a hold, so holds >= refs at all times.  The
 * end has two stages:
 *
 *	LIVE   refs > 0                      full service
 *	EXIT1  refs = 0, holds > 0           contents are released
 *	EXIT2  refs = 0, holds = 0           structure goes back to its zone
 *
 * Data structure: one 64-bit word with 28 bits of refs, 32 bits of holds and
 * the two flags.  One word, because the release of the last ref and the refusal
 * of new ones must be the same event.  With two counters, or with a counter and
 * a flag beside it, there is a moment at which the last ref is released and
 * tryref still succeeds: stage 1 would then run under a user, or run twice.
 * The model in docs/models/vmspace.pml has that variant as a seeded bug.
 *
 * Why the order holds by construction: the thread that takes refs to zero
 * keeps the hold that its ref implied and gives it up only after stage 1.
 * EXIT2 needs holds = 0, so stage 2 cannot begin before.
 *
 * Locking and lifetime: no locks.  The word lies in type-stable memory, so
 * vm_life_tryhold() may be called on a structure that is dead or has been
 * reused: a dead one has holds = 0 and refuses; for a reused one the caller
 * compares the generation id once it owns the hold.
 *
 * Memory order.  Giving up a ref or a hold is a release, so that everything
 * its owner did is visible to the thread that runs the stage; taking the last
 * one is an acquire as well.  vm_life_init() is a release and tryhold an
 * acquire, so a successful tryhold sees the structure complete.  Plain hold and
 * ref need no order: the caller already owns something.
 *
 * Guarantees: each stage is owed by exactly one caller, exactly once; tryref
 * never succeeds after the last free; every operation is lock-free.  ref and
 * hold are one unconditional addition, the others a compare-and-swap loop.
 *
 * Limits: 2^28 - 1 refs and 2^32 - 1 holds.  Refs stop at half of that with a
 * panic; holds cannot reach the limit, as each costs its owner more than a
 * byte.
 */
#include "mem/vm_life.h"

#include "libk/kassert.h"

#define LIFE_REF ((uint64_t)1)
#define LIFE_REF_MASK (((uint64_t)1 << 28) - 1)
#define LIFE_HOLD ((uint64_t)1 << 28)
#define LIFE_HOLD_SHIFT 28
#define LIFE_REF_LIMIT ((uint64_t)1 << 27)

static inline uint64_t
life_refs(uint64_t w)
{
	return (w & LIFE_REF_MASK);
}

static inline uint64_t
life_holds(uint64_t w)
{
	return ((w >> LIFE_HOLD_SHIFT) & UINT32_MAX);
}

void
vm_life_init(struct vm_life *l)
{
	atomic_store_explicit(
	    &l->w, LIFE_REF + LIFE_HOLD, memory_order_release);
}

void
vm_life_ref(struct vm_life *l)
{
	uint64_t w = atomic_fetch_add_explicit(
	    &l->w, LIFE_REF + LIFE_HOLD, memory_order_relaxed);

	KVERIFY(life_refs(w) > 0 && life_refs(w) < LIFE_REF_LIMIT);
}

bool
vm_life_tryref(struct vm_life *l)
{
	uint64_t w = atomic_load_explicit(&l->w, memory_order_relaxed);

	do {
		KVERIFY(life_holds(w) > 0);
		if ((w & VM_LIFE_EXIT1) != 0)
			return (false);
		KVERIFY(life_refs(w) < LIFE_REF_LIMIT);
	} while (!atomic_compare_exchange_weak_explicit(&l->w, &w,
	    w + LIFE_REF + LIFE_HOLD, memory_order_acquire,
	    memory_order_relaxed));
	return (true);
}

bool
vm_life_free(struct vm_life *l)
{
	uint64_t w = atomic_load_explicit(&l->w, memory_order_relaxed);
	uint64_t next;

	do {
		KVERIFY(life_refs(w) > 0 && life_holds(w) >= life_refs(w));
		if (life_refs(w) == 1)
			next = (w - LIFE_REF) | VM_LIFE_EXIT1;
		else
			next = w - LIFE_REF - LIFE_HOLD;
	} while (!atomic_compare_exchange_weak_explicit(
	    &l->w, &w, next, memory_order_acq_rel, memory_order_relaxed));
	return (life_refs(next) == 0);
}

void
vm_life_hold(struct vm_life *l)
{
	uint64_t w =
	    atomic_fetch_add_explicit(&l->w, LIFE_HOLD, memory_order_relaxed);

	KVERIFY(life_holds(w) > 0);
}

bool
vm_life_tryhold(struct vm_life *l)
{
	uint64_t w = atomic_load_explicit(&l->w, memory_order_relaxed);

	do {
		if (life_holds(w) == 0 || (w & VM_LIFE_EXIT2) != 0)
			return (false);
	} while (!atomic_compare_exchange_weak_explicit(&l->w, &w,
	    w + LIFE_HOLD, memory_order_acquire, memory_order_relaxed));
	return (true);
}

bool
vm_life_drop(struct vm_life *l)
{
	uint64_t w = atomic_load_explicit(&l->w, memory_order_relaxed);
	uint64_t next;

	do {
		/* The hold of a ref is given up by vm_life_free(). */
		KVERIFY(life_holds(w) > life_refs(w));
		next = w - LIFE_HOLD;
		if (life_holds(next) == 0)
			next |= VM_LIFE_EXIT2;
	} while (!atomic_compare_exchange_weak_explicit(
	    &l->w, &w, next, memory_order_acq_rel, memory_order_relaxed));
	if ((next & VM_LIFE_EXIT2) == 0)
		return (false);
	KVERIFY((next & VM_LIFE_EXIT1) != 0);
	return (true);
}

uint32_t
vm_life_refs(const struct vm_life *l)
{
	return ((uint32_t)life_refs(
	    atomic_load_explicit(&l->w, memory_order_relaxed)));
}

uint32_t
vm_life_holds(const struct vm_life *l)
{
	return ((uint32_t)life_holds(
	    atomic_load_explicit(&l->w, memory_order_relaxed)));
}

bool
vm_life_exiting(const struct vm_life *l)
{
	return ((atomic_load_explicit(&l->w, memory_order_acquire) &
		    VM_LIFE_EXIT1) != 0);
}
