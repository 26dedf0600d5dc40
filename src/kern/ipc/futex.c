/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Futexes.
 *
 * Data structures.  Waiters are in a hash of queues, by the identity of the
 * word (vm_futex_key).  A waiter is on the stack of its lwp; `bucket` says
 * which queue it is on, or was on when it was `woken`.  Both are changed under
 * the lock of that bucket (both locks, when requeued).
 *
 * No lost wakeup.  A waiter tests the word and enqueues itself under the bucket
 * lock; a waker changed the word before it takes that lock.  The word is read
 * through the pmap's software walk, which neither blocks nor faults; when there
 * is no translation the lock is dropped, the page is faulted in by
 * vm_fetch32(), and the test begins again.
 *
 * Bounded tries.  Another thread can remove the translation, or change the word
 * under a compare-and-swap, each time, on purpose or because memory is short.
 * A call tries FUTEX_TRIES times, gives up the CPU between tries, and then
 * fails with EAGAIN, after which a program tests the word again.  So no guest
 * can make the thread loop in the kernel for ever.
 *
 * Lifetime.  A waker touches a waiter and its lwp only under the lock of the
 * bucket the waiter is on, and a waiter leaves its stack frame only after it
 * has held that lock and seen that it was woken, or dequeued itself.
 *
 * Locking.  Bucket locks have the rank of signal state, two are taken in the
 * order of their addresses. lwp_wakeup() is a leaf and is called under them.
 *
 * Waiting for several words is in futex_waitv.c, locks with priority
 * inheritance are in futex_pi.c.
 */
#include "kern/ipc/futex.h"

#include "abi/futex.h"
#include "host/host.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/futex_int.h"
#include "libk/kassert.h"
#include "pmap/pmap.h"
#include "vm/vmspace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
futex_table_create(struct vkernel *k, struct futex_table **out)
{
	struct futex_table *t = malloc(sizeof(*t));

	if (t == NULL)
		return (ENOMEM);
	for (int i = 0; i < FUTEX_BUCKETS; i++) {
		kmutex_init(&t->b[i].lock, "futex", KRANK_SIGNAL, KLOCK_DUPOK);
		TAILQ_INIT(&t->b[i].waiters);
	}
	*out = t;
	return (0);
}

void
futex_table_destroy(struct vkernel *k, struct futex_table *t)
{
	if (t == NULL)
		return;
	for (int i = 0; i < FUTEX_BUCKETS; i++) {
		KVERIFY(TAILQ_EMPTY(&t->b[i].waiters));
		kmutex_destroy(&t->b[i].lock);
	}
	free(t);
}

struct futex_bucket *
futex_bucket(struct vkernel *k, const struct vm_futex_key *key)
{
	uint64_t h = key->a * UINT64_C(0x9e3779b97f4a7c15) ^
		     (key->b >> 2) * UINT64_C(0xc2b2ae3d27d4eb4f);

	h ^= h >> 32;
	return (&k->futexes->b[h & (FUTEX_BUCKETS - 1)]);
}

bool
futex_match(const struct futex_waiter *w, const struct vm_futex_key *key)
{
	return (w->key.a == key->a && w->key.b == key->b);
}

static void
futex_lock2(struct futex_bucket *x, struct futex_bucket *y)
{
	kmutex_lock(x < y ? &x->lock : &y->lock);
	if (x != y)
		kmutex_lock(x < y ? &y->lock : &x->lock);
}

static void
futex_unlock2(struct futex_bucket *x, struct futex_bucket *y)
{
	kmutex_unlock(&x->lock);
	if (x != y)
		kmutex_unlock(&y->lock);
}

/* Wake up to n waiters of key with a bit of `bitset`.  Bucket locked. */
static int
futex_wake_locked(struct futex_bucket *b, const struct vm_futex_key *key,
    uint32_t bitset, int n)
{
	struct futex_waiter *w, *next;
	int woken = 0;

	for (w = TAILQ_FIRST(&b->waiters); w != NULL && woken < n; w = next) {
		next = TAILQ_NEXT(w, link);
		if (!futex_match(w, key) || w->pi || (w->bitset & bitset) == 0)
			continue;
		TAILQ_REMOVE(&b->waiters, w, link);
		atomic_store(&w->woken, true);
		lwp_wakeup(w->lwp);
		woken++;
	}
	return (woken);
}

/* Read the word without blocking: EFAULT when it is not translated. */
int
futex_peek(struct vmspace *vm, vm_offset_t va, uint32_t *val)
{
	struct vm_page *m;
	const uint8_t *p;

	m = pmap_extract_hold(vm->pmap, va, VM_PROT_READ);
	if (m == NULL)
		return (EFAULT);
	p = vm_page_ptr(vm->sys->phys, m);
	*val = atomic_load(
	    (const _Atomic(uint32_t) *)(const void *)(p + (va & PAGE_MASK)));
	vm_page_unhold(vm->sys->phys, m);
	return (0);
}

/* Before try number i, from 0. */
void
futex_retry_pause(int i)
{
	if (i >= FUTEX_SPIN)
		host_yield();
}

/* ---- wait ---- */

/* Take w off the queue that it is on now.  True: it had been woken. */
bool
futex_dequeue(struct futex_waiter *w)
{
	struct futex_bucket *b;
	bool woken;

	for (;;) {
		b = atomic_load(&w->bucket);
		kmutex_lock(&b->lock);
		if (atomic_load(&w->bucket) == b)
			break;
		kmutex_unlock(&b->lock); /* requeued meanwhile */
	}
	woken = atomic_load(&w->woken);
	if (!woken)
		TAILQ_REMOVE(&b->waiters, w, link);
	kmutex_unlock(&b->lock);
	return (woken);
}

int
futex_enqueue(struct lwp *l, vm_offset_t va, bool shared, uint32_t val,
    struct futex_waiter *w)
{
	struct vmspace *vm = lwp_vmspace(l);
	struct futex_bucket *b;
	uint32_t cur;
	int error;

	for (int i = 0; i < FUTEX_TRIES; i++) {
		futex_retry_pause(i);
		error = vm_fetch32(vm, va, &cur);
		if (error != 0)
			return (error);
		error = vm_futex_key(vm, va, shared, &w->key);
		if (error != 0)
			return (error);
		b = futex_bucket(l->p->k, &w->key);
		lwp_sleep_prepare(l);
		kmutex_lock(&b->lock);
		error = futex_peek(vm, va, &cur);
		if (error == 0 && cur == val) {
			atomic_store(&w->bucket, b);
			TAILQ_INSERT_TAIL(&b->waiters, w, link);
		}
		kmutex_unlock(&b->lock);
		if (error == 0)
			return (cur == val ? 0 : EAGAIN);
	}
	return (EAGAIN);
}

int
futex_wait(struct lwp *l, vm_offset_t va, bool shared, uint32_t val,
    uint32_t bitset, uint64_t deadline)
{
	struct futex_waiter w = {.bitset = bitset, .lwp = l};
	int error;

	if (bitset == 0)
		return (EINVAL);
	error = futex_enqueue(l, va, shared, val, &w);
	if (error != 0)
		return (error);
	for (;;) {
		error = lwp_sleep(l, deadline);
		if (atomic_load(&w.woken) || error != 0)
			break;
		lwp_sleep_prepare(l); /* spurious */
		if (atomic_load(&w.woken))
			break;
	}
	/* A wakeup that was counted must not be lost to a signal. */
	if (futex_dequeue(&w))
		error = 0;
	return (error);
}

/* ---- wake ---- */

int
futex_wake(struct vkernel *k, struct vmspace *vm, vm_offset_t va, bool shared,
    uint32_t bitset, int n, int64_t *ret)
{
	struct vm_futex_key key;
	struct futex_bucket *b;
	int error;

	if (bitset == 0)
		return (EINVAL);
	error = vm_futex_key(vm, va, shared, &key);
	if (error != 0)
		return (error);
	b = futex_bucket(k, &key);
	kmutex_lock(&b->lock);
	*ret = futex_wake_locked(b, &key, bitset, n);
	kmutex_unlock(&b->lock);
	return (0);
}

void
futex_wake_key(struct vkernel *k, const struct vm_futex_key *key, int n)
{
	struct futex_bucket *b = futex_bucket(k, key);

	kmutex_lock(&b->lock);
	(void)futex_wake_locked(b, key, UINT32_MAX, n);
	kmutex_unlock(&b->lock);
}

/* The two queues of a requeue. */
struct futex_pair {
	struct vm_futex_key k1, k2;
	struct futex_bucket *b1, *b2;
};

/* Lock the queues of both words; with cmp, only if the first word is a->val.
 * EAGAIN: it is not, or had no translation in any of the tries. */
static int
futex_requeue_lock(struct lwp *l, const struct futex_requeue_args *a,
    bool shared, struct futex_pair *fp)
{
	struct vmspace *vm = lwp_vmspace(l);
	uint32_t cur;
	int error;

	for (int i = 0; i < FUTEX_TRIES; i++) {
		futex_retry_pause(i);
		error = vm_fetch32(vm, a->from, &cur);
		if (error != 0)
			return (error);
		error = vm_futex_key(vm, a->from, shared, &fp->k1);
		if (error != 0)
			return (error);
		error = vm_futex_key(vm, a->to, shared, &fp->k2);
		if (error != 0)
			return (error);
		fp->b1 = futex_bucket(l->p->k, &fp->k1);
		fp->b2 = futex_bucket(l->p->k, &fp->k2);
		futex_lock2(fp->b1, fp->b2);
		error = a->cmp ? futex_peek(vm, a->from, &cur) : 0;
		if (error == 0 && (!a->cmp || cur == a->val))
			return (0);
		futex_unlock2(fp->b1, fp->b2);
		if (error == 0)
			return (EAGAIN);
	}
	return (EAGAIN);
}

/* Wake up to a->nwake waiters of a->from, move up to a->nmove of the rest to
 * a->to; with a->cmp, only if the word at a->from is a->val. */
int
futex_requeue(struct lwp *l, const struct futex_requeue_args *a, bool shared,
    int64_t *ret)
{
	int moved = 0;
	struct futex_waiter *w, *next;
	struct futex_pair fp;
	bool same;
	int error;

	if (a->nwake < 0 || a->nmove < 0)
		return (EINVAL);
	error = futex_requeue_lock(l, a, shared, &fp);
	if (error != 0)
		return (error);
	same = fp.k1.a == fp.k2.a && fp.k1.b == fp.k2.b;
	*ret = futex_wake_locked(
	    fp.b1, &fp.k1, LX_FUTEX_BITSET_MATCH_ANY, a->nwake);
	for (w = TAILQ_FIRST(&fp.b1->waiters); w != NULL && moved < a->nmove;
	     w = next) {
		next = TAILQ_NEXT(w, link);
		if (!futex_match(w, &fp.k1) || w->pi)
			continue;
		moved++;
		if (same)
			continue;
		TAILQ_REMOVE(&fp.b1->waiters, w, link);
		w->key = fp.k2;
		TAILQ_INSERT_TAIL(&fp.b2->waiters, w, link);
		atomic_store(&w->bucket, fp.b2);
	}
	futex_unlock2(fp.b1, fp.b2);
	*ret += moved;
	return (0);
}

/* The operation of FUTEX_WAKE_OP on the old value. */
static int
wake_op_apply(uint32_t enc, uint32_t old, uint32_t *new)
{
	uint32_t op = (enc >> 28) & 7;
	int32_t arg = (int32_t)(enc << 8) >> 20;

	if ((enc >> 28 & LX_FUTEX_OP_ARG_SHIFT) != 0) {
		if (arg < 0 || arg > 31)
			return (EINVAL);
		arg = (int32_t)(UINT32_C(1) << arg);
	}
	switch (op) {
	case LX_FUTEX_OP_SET:
		*new = (uint32_t)arg;
		break;
	case LX_FUTEX_OP_ADD:
		*new = old + (uint32_t)arg;
		break;
	case LX_FUTEX_OP_OR:
		*new = old | (uint32_t)arg;
		break;
	case LX_FUTEX_OP_ANDN:
		*new = old & ~(uint32_t)arg;
		break;
	case LX_FUTEX_OP_XOR:
		*new = old ^ (uint32_t)arg;
		break;
	default:
		return (ENOSYS);
	}
	return (0);
}

static int
wake_op_test(uint32_t enc, uint32_t old, bool *yes)
{
	int32_t v = (int32_t)old, arg = (int32_t)(enc << 20) >> 20;

	switch ((enc >> 24) & 15) {
	case LX_FUTEX_OP_CMP_EQ:
		*yes = v == arg;
		break;
	case LX_FUTEX_OP_CMP_NE:
		*yes = v != arg;
		break;
	case LX_FUTEX_OP_CMP_LT:
		*yes = v < arg;
		break;
	case LX_FUTEX_OP_CMP_LE:
		*yes = v <= arg;
		break;
	case LX_FUTEX_OP_CMP_GT:
		*yes = v > arg;
		break;
	case LX_FUTEX_OP_CMP_GE:
		*yes = v >= arg;
		break;
	default:
		return (ENOSYS);
	}
	return (0);
}

/* Apply the operation to the word at va, whose value is *old; *old is the value
 * that it replaced.  EAGAIN: other threads changed it in all of the tries. */
static int
wake_op_store(struct vmspace *vm, vm_offset_t va, uint32_t enc, uint32_t *old)
{
	uint32_t seen, new;
	int error;

	for (int i = 0; i < FUTEX_TRIES; i++) {
		futex_retry_pause(i);
		error = wake_op_apply(enc, *old, &new);
		if (error == 0)
			error = vm_cas32(vm, va, *old, new, &seen);
		if (error != 0 || seen == *old)
			return (error);
		*old = seen;
	}
	return (EAGAIN);
}

/*
 * Change the second word, wake waiters of the first, and of the second if its
 * old value passes the test.  The change comes before the bucket locks: a
 * waiter that saw the value before is on its queue by the time they are held.
 */
int
futex_wake_op(struct lwp *l, vm_offset_t va, vm_offset_t va2, bool shared,
    int n, int n2, uint32_t enc, int64_t *ret)
{
	struct vmspace *vm = lwp_vmspace(l);
	uint32_t old;
	struct vm_futex_key k1, k2;
	struct futex_bucket *b1, *b2;
	bool second;
	int error;

	error = vm_futex_key(vm, va, shared, &k1);
	if (error != 0)
		return (error);
	error = vm_futex_key(vm, va2, shared, &k2);
	if (error != 0)
		return (error);
	error = vm_fetch32(vm, va2, &old);
	if (error != 0)
		return (error);
	error = wake_op_test(enc, old, &second);
	if (error != 0)
		return (error);
	error = wake_op_store(vm, va2, enc, &old);
	if (error != 0)
		return (error);
	(void)wake_op_test(enc, old, &second);
	b1 = futex_bucket(l->p->k, &k1);
	b2 = futex_bucket(l->p->k, &k2);
	futex_lock2(b1, b2);
	*ret = futex_wake_locked(
	    b1, &k1, LX_FUTEX_BITSET_MATCH_ANY, n > 0 ? n : 1);
	if (second)
		*ret +=
		    futex_wake_locked(b2, &k2, LX_FUTEX_BITSET_MATCH_ANY, n2);
	futex_unlock2(b1, b2);
	return (0);
}

/* ---- robust lists, clear_tid ---- */

/* l, the owner of the lock at va, ends: mark the word.  The word is left as it
 * is if another thread changes it in all of the tries. */
static void
robust_death(struct lwp *l, vm_offset_t va, bool pi, bool pending)
{
	struct vmspace *vm = lwp_vmspace(l);
	uint32_t val, seen, new;
	int64_t n;

	if ((va & 3) != 0 || vm_fetch32(vm, va, &val) != 0)
		return;
	for (int i = 0;; i++) {
		if (i == FUTEX_TRIES)
			return;
		futex_retry_pause(i);
		/* The owner died between unlocking and waking. */
		if (pending && !pi && val == 0) {
			(void)futex_wake(l->p->k, vm, va, true,
			    LX_FUTEX_BITSET_MATCH_ANY, 1, &n);
			return;
		}
		if ((val & LX_FUTEX_TID_MASK) != (uint32_t)lwp_number(l))
			return;
		new = (val & LX_FUTEX_WAITERS) | LX_FUTEX_OWNER_DIED;
		if (vm_cas32(vm, va, val, new, &seen) != 0)
			return;
		if (seen == val)
			break;
		val = seen;
	}
	if (!pi && (val & LX_FUTEX_WAITERS) != 0)
		(void)futex_wake(
		    l->p->k, vm, va, true, LX_FUTEX_BITSET_MATCH_ANY, 1, &n);
}

static void
robust_walk(struct lwp *l, vm_offset_t uhead)
{
	struct vmspace *vm = lwp_vmspace(l);
	struct lx_robust_list_head head;
	uint64_t entry, next, off;

	if (copyin(vm, &head, uhead, sizeof(head)) != 0)
		return;
	off = (uint64_t)head.futex_offset;
	entry = head.next;
	for (int i = 0; i < LX_ROBUST_LIST_LIMIT; i++) {
		/* Bit 0 of a pointer is set for a lock with priority
		 * inheritance. */
		if ((entry & ~UINT64_C(1)) == uhead)
			break;
		/* Read the next pointer first: a woken waiter may free the
		 * entry. */
		if (copyin(vm, &next, entry & ~UINT64_C(1), sizeof(next)) != 0)
			break;
		if ((entry ^ head.list_op_pending) & ~UINT64_C(1))
			robust_death(l, (entry & ~UINT64_C(1)) + off,
			    (entry & 1) != 0, false);
		entry = next;
	}
	entry = head.list_op_pending;
	if (entry != 0)
		robust_death(
		    l, (entry & ~UINT64_C(1)) + off, (entry & 1) != 0, true);
}

void
futex_lwp_exit(struct lwp *l)
{
	vm_offset_t robust = l->robust_list, tidp = l->clear_tid;
	struct vmspace *vm = lwp_vmspace(l);
	uint32_t zero = 0;
	int64_t n;

	l->robust_list = 0;
	l->clear_tid = 0;
	if (vm == NULL)
		return;
	futex_pi_lwp_exit(l);
	if (robust != 0)
		robust_walk(l, robust);
	if (tidp != 0 && copyout(vm, &zero, tidp, sizeof(zero)) == 0)
		(void)futex_wake(
		    l->p->k, vm, tidp, true, LX_FUTEX_BITSET_MATCH_ANY, 1, &n);
}
