/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The lifetime word: refs, holds and flags in one 64-bit atomic, so that
 * each transition is one compare-and-swap, and the release of the last ref and
 * the refusal of new ones are the same event.  Used by vmspaces, objects and
 * processes; see docs/lifetime.md.
 *
 *   bits 0..27 refs, 28..59 holds, 60 EXIT1, 61 EXIT2
 *
 * A ref implies a hold: ref and tryref add one of each, the last free keeps
 * its hold until the caller has done stage 1 and calls vm_life_drop().
 */
#ifndef MEM_VM_LIFE_H
#define MEM_VM_LIFE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vm_life {
	_Atomic(uint64_t) w;
};

#define VM_LIFE_EXIT1 ((uint64_t)1 << 60)
#define VM_LIFE_EXIT2 ((uint64_t)1 << 61)

/* One ref (and its hold).  The object is not yet published. */
void vm_life_init(struct vm_life *);
/* Caller owns a ref. */
void vm_life_ref(struct vm_life *);
/* Caller owns a hold.  False once EXIT1 is set. */
bool vm_life_tryref(struct vm_life *);
/*
 * Give up a ref.  True: it was the last, EXIT1 is now set, and the caller
 * owes stage 1 and then vm_life_drop() for the hold it still owns.
 * False: the ref and its hold are released.
 */
bool vm_life_free(struct vm_life *);
/* Caller owns a ref or hold, or the lock that publishes the object. */
void vm_life_hold(struct vm_life *);
/* For a caller with a pointer into type-stable memory and nothing else: false
 * when holds is 0 or EXIT2 is set.  The caller checks the identity afterwards.
 */
bool vm_life_tryhold(struct vm_life *);
/* True: it was the last hold, EXIT2 is now set, the caller owes stage 2.
 * KVERIFYs that no ref is left in that case. */
bool vm_life_drop(struct vm_life *);

uint32_t vm_life_refs(const struct vm_life *);
uint32_t vm_life_holds(const struct vm_life *);
bool vm_life_exiting(const struct vm_life *); /* EXIT1 set */

#endif /* MEM_VM_LIFE_H */
