/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Futexes that are locks with an owner: FUTEX_LOCK_PI and its relatives.
 *
 * Concepts.  The word has the tid of the owner, and the bit FUTEX_WAITERS while
 * threads wait in the kernel.  A program takes and releases a free lock by
 * itself; with the bit set it calls the kernel, which hands the lock over: the
 * word gets the tid of the first waiter before that is woken.  So a lock is
 * never free while a thread waits for it.
 *
 * The word is changed by compare-and-swap under the lock of its bucket, by
 * vm_cas32_once(), which does not fault.  If the word is not translated, the
 * bucket is unlocked, the page is faulted in, and the call begins again, as
 * often as futex.c does it.
 *
 * Death of an owner.  lwp.futex_gone is set under the lock of the process, then
 * all buckets are searched for waiters whose word has the tid.  A thread that
 * wants to wait enqueues itself first and looks at futex_gone of the owner
 * then.  So one of the two sees the other.  A lock of a dead thread goes to a
 * waiter with FUTEX_OWNER_DIED in the word.
 *
 * Locking and lifetime as in futex.c.  A waiter's vmspace is that of its lwp,
 * which sleeps in the call.
 *
 * Limits.  Priorities are the host's, so none is inherited: waiters get the
 * lock in the order of their calls.  Requeueing to such a lock
 * (FUTEX_CMP_REQUEUE_PI) is ENOSYS.
 */
#include "kern/ipc/futex.h"

#include "abi/futex.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/restart.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/futex_int.h"

#include <errno.h>

/* A call in progress. */
struct pi_call {
	struct lwp *l;
	vm_offset_t va;
	bool shared;
	struct vm_futex_key key;
	struct futex_bucket *b;
	uint32_t cur; /* the word, under the bucket's lock */
};

static struct futex_waiter *
pi_first(const struct pi_call *c)
{
	struct futex_waiter *w;

	TAILQ_FOREACH (w, &c->b->waiters, link)
		if (w->pi && futex_match(w, &c->key))
			return (w);
	return (NULL);
}

/* Lock the bucket of the word and read it.  EAGAIN: it had no translation, try
 * again; EFAULT, EINVAL: it has none.  Not locked after an error. */
static int
pi_lock(struct pi_call *c)
{
	struct vmspace *vm = lwp_vmspace(c->l);
	uint32_t seen;
	int error;

	error = vm_fetch32(vm, c->va, &seen);
	if (error != 0)
		return (error);
	/* Translated for writing, and the page that a fork left shared is the
	 * process's own. */
	error = vm_cas32(vm, c->va, seen, seen, &seen);
	if (error != 0)
		return (error);
	error = vm_futex_key(vm, c->va, c->shared, &c->key);
	if (error != 0)
		return (error);
	c->b = futex_bucket(c->l->p->k, &c->key);
	lwp_sleep_prepare(c->l);
	kmutex_lock(&c->b->lock);
	error = futex_peek(vm, c->va, &c->cur);
	if (error != 0) {
		kmutex_unlock(&c->b->lock);
		return (EAGAIN);
	}
	return (0);
}

/* Bucket locked.  Store `new` if the word is still c->cur.  EAGAIN: it is not,
 * or has no translation. */
static int
pi_store(struct pi_call *c, uint32_t new)
{
	uint32_t seen;

	if (vm_cas32_once(lwp_vmspace(c->l), c->va, c->cur, new, &seen) != 0)
		return (EAGAIN);
	return (seen == c->cur ? 0 : EAGAIN);
}

enum pi_owner { PI_LIVES, PI_ENDING, PI_GONE };

/* What is with the thread that the caller calls `number`?  One that is ending
 * marks its locks. */
static enum pi_owner
pi_owner(struct proc *caller, int number)
{
	struct vkernel *k = caller->k;
	const int tid = pidns_in(k, caller->pidns, number);
	struct proc *p = proc_find_tid_hold(k, tid);
	enum pi_owner is = PI_GONE;
	struct lwp *o;

	if (p == NULL)
		return (PI_GONE);
	kmutex_lock(&p->lock);
	LIST_FOREACH (o, &p->lwps, link)
		if (o->tid == tid)
			is = o->futex_gone ? PI_ENDING : PI_LIVES;
	kmutex_unlock(&p->lock);
	proc_drop(p);
	return (is);
}

/* Bucket locked.  Take the lock if it has no owner.  EDEADLK: the caller owns
 * it; EBUSY: another thread does; EAGAIN: the word has changed. */
static int
pi_take(struct pi_call *c)
{
	const uint32_t tid = (uint32_t)lwp_number(c->l);
	const uint32_t owner = c->cur & LX_FUTEX_TID_MASK;

	if (owner == tid)
		return (EDEADLK);
	if (owner != 0)
		return (EBUSY);
	return (pi_store(c, tid | (c->cur & LX_FUTEX_OWNER_DIED) |
				(pi_first(c) != NULL ? LX_FUTEX_WAITERS : 0)));
}

/* Bucket locked.  Announce and enqueue the caller. */
static int
pi_enqueue(struct pi_call *c, struct futex_waiter *w)
{
	int error = 0;

	if ((c->cur & LX_FUTEX_WAITERS) == 0)
		error = pi_store(c, c->cur | LX_FUTEX_WAITERS);
	if (error != 0)
		return (error);
	*w = (struct futex_waiter){.key = c->key,
	    .bitset = LX_FUTEX_BITSET_MATCH_ANY,
	    .lwp = c->l,
	    .pi = true,
	    .vm = lwp_vmspace(c->l),
	    .va = c->va};
	atomic_store(&w->bucket, c->b);
	TAILQ_INSERT_TAIL(&c->b->waiters, w, link);
	atomic_fetch_add(&c->l->p->k->nfutex_pi, 1);
	return (0);
}

/* Wait until the lock is handed over.  EAGAIN: begin again. */
static int
pi_sleep(struct pi_call *c, struct futex_waiter *w, uint64_t deadline)
{
	struct vkernel *k = c->l->p->k;
	bool woken;
	int error = 0;

	if (pi_owner(c->l->p, (int)(c->cur & LX_FUTEX_TID_MASK)) != PI_LIVES)
		error = EAGAIN;
	while (error == 0 && !atomic_load(&w->woken)) {
		error = lwp_sleep(c->l, deadline);
		if (error == 0 && !atomic_load(&w->woken))
			lwp_sleep_prepare(c->l); /* spurious */
	}
	/* A lock that was handed over is the caller's, in spite of a signal. */
	woken = futex_dequeue(w);
	atomic_fetch_sub(&k->nfutex_pi, 1);
	if (woken)
		return (w->retry ? EAGAIN : 0);
	return (error == EINTR ? ERESTARTNOINTR : error);
}

/* One try of futex_lock_pi().  EAGAIN: once more; EBUSY: not without waiting.
 */
static int
pi_try(struct pi_call *c, bool wait, uint64_t deadline)
{
	struct futex_waiter w;
	int error;

	error = pi_lock(c);
	if (error != 0)
		return (error);
	error = pi_take(c);
	if (error == EBUSY && wait)
		error = pi_enqueue(c, &w) == 0 ? EINPROGRESS : EAGAIN;
	kmutex_unlock(&c->b->lock);
	if (error != EINPROGRESS)
		return (error);
	return (pi_sleep(c, &w, deadline));
}

/* Has the owner that c->cur names ended without a mark in the word?  0, ESRCH,
 * EFAULT. */
static int
pi_lost(struct pi_call *c)
{
	const int owner = (int)(c->cur & LX_FUTEX_TID_MASK);
	uint32_t now;

	if (owner == 0 || owner == lwp_number(c->l) ||
	    pi_owner(c->l->p, owner) != PI_GONE)
		return (0);
	if (vm_fetch32(lwp_vmspace(c->l), c->va, &now) != 0)
		return (EFAULT);
	return (now == c->cur ? ESRCH : 0);
}

int
futex_lock_pi(
    struct lwp *l, vm_offset_t va, bool shared, bool wait, uint64_t deadline)
{
	struct pi_call c = {.l = l, .va = va, .shared = shared};
	int error, lost;

	for (int i = 0; i < FUTEX_TRIES; i++) {
		futex_retry_pause(i);
		error = pi_try(&c, wait, deadline);
		if (error != EAGAIN && error != EBUSY)
			return (error);
		lost = pi_lost(&c);
		if (lost != 0 || error == EBUSY)
			return (lost != 0 ? lost : EAGAIN);
		if (lwp_killed(l))
			return (EINTR);
	}
	return (EAGAIN);
}

/* Bucket locked.  Give the lock to w; `died` is LX_FUTEX_OWNER_DIED or 0.
 * EAGAIN: the word is not c->cur, or has no translation. */
static int
pi_hand_over(struct vmspace *vm, vm_offset_t va, uint32_t cur,
    struct futex_bucket *b, struct futex_waiter *w, uint32_t died)
{
	const uint32_t new =
	    (uint32_t)lwp_number(w->lwp) | LX_FUTEX_WAITERS | died;
	uint32_t seen;

	if (vm_cas32_once(vm, va, cur, new, &seen) != 0 || seen != cur)
		return (EAGAIN);
	TAILQ_REMOVE(&b->waiters, w, link);
	atomic_store(&w->woken, true);
	lwp_wakeup(w->lwp);
	return (0);
}

static int
pi_unlock(struct pi_call *c)
{
	struct futex_waiter *w;
	int error;

	error = pi_lock(c);
	if (error != 0)
		return (error);
	w = pi_first(c);
	if ((c->cur & LX_FUTEX_TID_MASK) != (uint32_t)lwp_number(c->l))
		error = EPERM;
	else if (w == NULL)
		error = pi_store(c, 0);
	else
		error =
		    pi_hand_over(lwp_vmspace(c->l), c->va, c->cur, c->b, w, 0);
	kmutex_unlock(&c->b->lock);
	return (error);
}

int
futex_unlock_pi(struct lwp *l, vm_offset_t va, bool shared)
{
	struct pi_call c = {.l = l, .va = va, .shared = shared};
	int error = EAGAIN;

	for (int i = 0; i < FUTEX_TRIES && error == EAGAIN; i++) {
		futex_retry_pause(i);
		error = pi_unlock(&c);
	}
	return (error);
}

/* ---- the end of an owner ---- */

/* Bucket locked.  Waiters for locks of the thread `tid`, which has ended. */
static void
pi_bucket_death(struct futex_bucket *b, uint32_t tid)
{
	struct futex_waiter *w, *next;
	uint32_t cur;

	for (w = TAILQ_FIRST(&b->waiters); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (!w->pi)
			continue;
		if (futex_peek(w->vm, w->va, &cur) == 0) {
			if ((cur & LX_FUTEX_TID_MASK) != tid ||
			    pi_hand_over(w->vm, w->va, cur, b, w,
				LX_FUTEX_OWNER_DIED) == 0)
				continue;
		}
		/* It looks at the word by itself. */
		TAILQ_REMOVE(&b->waiters, w, link);
		w->retry = true;
		atomic_store(&w->woken, true);
		lwp_wakeup(w->lwp);
	}
}

void
futex_pi_lwp_exit(struct lwp *l)
{
	struct vkernel *k = l->p->k;

	kmutex_lock(&l->p->lock);
	l->futex_gone = true;
	kmutex_unlock(&l->p->lock);
	if (atomic_load(&k->nfutex_pi) > 0) {
		for (int i = 0; i < FUTEX_BUCKETS; i++) {
			struct futex_bucket *b = &k->futexes->b[i];

			kmutex_lock(&b->lock);
			pi_bucket_death(b, (uint32_t)lwp_number(l));
			kmutex_unlock(&b->lock);
		}
	}
	if (l->exiting)
		return;
	kmutex_lock(&l->p->lock); /* exec: it goes on in other memory */
	l->futex_gone = false;
	kmutex_unlock(&l->p->lock);
}
