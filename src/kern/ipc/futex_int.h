/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Futexes: what futex.c and futex_pi.c share.
 */
#ifndef KERN_IPC_FUTEX_INT_H
#define KERN_IPC_FUTEX_INT_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libk/klock.h"
#include "vm/access/vm_copyio.h"

struct lwp;
struct vkernel;
struct vmspace;

#define FUTEX_BUCKETS 1024 /* power of two */
#define FUTEX_TRIES 1000   /* before a call gives up with EAGAIN */
#define FUTEX_SPIN 8       /* of these, without giving up the CPU */

struct futex_waiter {
	TAILQ_ENTRY(futex_waiter) link;
	_Atomic(struct futex_bucket *) bucket;
	_Atomic(bool) woken;
	struct vm_futex_key key;
	uint32_t bitset;
	struct lwp *lwp;
	/* Of a lock with priority inheritance; see futex_pi.c. */
	bool pi, retry;
	struct vmspace *vm;
	vm_offset_t va;
};

struct futex_bucket {
	struct kmutex lock; /* rank SIGNAL, DUPOK: by address */
	TAILQ_HEAD(, futex_waiter) waiters;
};

struct futex_table {
	struct futex_bucket b[FUTEX_BUCKETS];
};

struct futex_bucket *futex_bucket(
    struct vkernel *, const struct vm_futex_key *);
bool futex_match(const struct futex_waiter *, const struct vm_futex_key *);
/* Read the word without blocking: EFAULT when it is not translated. */
int futex_peek(struct vmspace *, vm_offset_t va, uint32_t *val);
/* Before try number i, from 0. */
void futex_retry_pause(int i);
/* Enqueue a waiter, whose lwp and bitset are set, if the word is `val`.  0;
 * EAGAIN: it is not, or had no translation in any of the tries; errors of
 * vm_fetch32(). */
int futex_enqueue(struct lwp *, vm_offset_t va, bool shared, uint32_t val,
    struct futex_waiter *);
/* Take a waiter off the queue that it is on now.  True: it had been woken. */
bool futex_dequeue(struct futex_waiter *);

/* The lwp leaves its memory: the locks with priority inheritance that it owns
 * and others wait for go to a waiter each.  No locks held. */
void futex_pi_lwp_exit(struct lwp *);

#endif /* KERN_IPC_FUTEX_INT_H */
