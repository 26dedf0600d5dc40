/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Futexes.  Theory in futex.c.
 */
#ifndef KERN_IPC_FUTEX_H
#define KERN_IPC_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/vm_types.h"

struct futex_table;
struct lwp;
struct vkernel;
struct vm_futex_key;
struct vmspace;

int futex_table_create(struct vkernel *, struct futex_table **);
void futex_table_destroy(struct vkernel *, struct futex_table *);
/*
 * The lwp leaves its vmspace (exit, exec): walk the robust list, then store 0
 * at clear_tid and wake one waiter there; both are forgotten.  Best effort on
 * user memory.  No locks held.
 */
void futex_lwp_exit(struct lwp *);
/* Wake up to n waiters of a shared word.  No locks held. */
void futex_wake_key(struct vkernel *, const struct vm_futex_key *, int n);

/*
 * The calls, on words of the caller's memory; shared: the word may be in
 * memory that other processes map.  No locks held.
 */

/* Sleep while the word at va is val.  0; EAGAIN (it is not), EINTR, ETIMEDOUT,
 * EFAULT, EINVAL (bitset 0), ENOMEM. */
int futex_wait(struct lwp *, vm_offset_t va, bool shared, uint32_t val,
    uint32_t bitset, uint64_t deadline);
struct futex_word {
	vm_offset_t va;
	uint32_t val;
	bool shared;
};
/* Sleep while each of n words has its value.  *which: one that was woken.
 * Errors as futex_wait(); EAGAIN: one of them has another value. */
int futex_waitv(struct lwp *, const struct futex_word *, int n,
    uint64_t deadline, int *which);
/* Wake up to n waiters whose bitset meets `bitset`; *ret: how many.  EINVAL,
 * EFAULT. */
int futex_wake(struct vkernel *, struct vmspace *, vm_offset_t va, bool shared,
    uint32_t bitset, int n, int64_t *ret);
struct futex_requeue_args {
	vm_offset_t from, to;
	int nwake, nmove;
	bool cmp; /* only if the word at `from` is val: else EAGAIN */
	uint32_t val;
};
/* Wake nwake waiters of `from`, move up to nmove of the rest to `to`; *ret: how
 * many were woken, and with cmp also how many were moved. */
int futex_requeue(
    struct lwp *, const struct futex_requeue_args *, bool shared, int64_t *ret);
/* FUTEX_WAKE_OP: change the word at va2 as `op` encodes it, wake up to n
 * waiters of va, and up to n2 of va2 if the old value passes the test in `op`.
 */
int futex_wake_op(struct lwp *, vm_offset_t va, vm_offset_t va2, bool shared,
    int n, int n2, uint32_t op, int64_t *ret);

/* Take the lock with priority inheritance at va, waiting for it if `wait`.  0;
 * EAGAIN (not without waiting), EDEADLK (the caller owns it), ESRCH (its owner
 * has ended), ETIMEDOUT, EFAULT, EINVAL, ERESTARTNOINTR. */
int futex_lock_pi(
    struct lwp *, vm_offset_t va, bool shared, bool wait, uint64_t deadline);
/* Give it to the first waiter.  EPERM: the caller does not own it. */
int futex_unlock_pi(struct lwp *, vm_offset_t va, bool shared);

#endif /* KERN_IPC_FUTEX_H */
