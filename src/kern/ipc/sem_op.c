/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V semaphores: semop and semtimedop.
 *
 * Concepts.  The operations of a call happen all at once or not at all: they
 * are tried in their order, each on the values that the operations before it
 * have left, and taken back when one of them cannot happen.  A call that has to
 * wait is queued at its set.  A call that changes a value also carries out the
 * queued calls that can happen now (sem_update), and wakes their lwps.  So no
 * lwp is woken without a result, and a value that was given to one call cannot
 * be taken by another.  The queue is scanned from its head, and again as long
 * as a queued call has changed a value.
 *
 * Waiting.  A sem_wait is on the stack of its lwp; `status` is EINPROGRESS
 * while it is queued, and the result of the call afterwards.  The sleep is
 * prepared before the status is read.  A signal or the timeout takes the wait
 * off its queue, unless it was served first: then the operations have happened
 * and the call succeeds.
 *
 * Locking and lifetime.  All under k->ipc->sem.lock.  A queued wait keeps
 * nothing alive: when its set is removed it ends with EIDRM.  Lwps are woken
 * under the lock, which keeps them valid.
 *
 * Guarantees.  Values stay in 0..LX_SEMVMX and adjustments in 16 bits, whatever
 * the operations are.  A call that is interrupted is never restarted, as on
 * Linux.
 *
 * Limits.  SEM_OPS_MAX operations in a call.  One lock for all sets, held for a
 * time that grows with the square of the operations that wait at a set: at most
 * SEM_WAITOPS_MAX, ENOMEM above that.
 */
#include <errno.h>

#include "abi/ipc.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/restart.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/sem.h"
#include "kern/ipc/sem_int.h"
#include "libk/kassert.h"
#include "mem/kmem.h"

#define SEM_WAITOPS_MAX 16384u

/* Take back the first n operations. */
static void
sem_back(struct sem_set *s, const struct sem_wait *w, unsigned n)
{
	const struct lx_sembuf *o;

	while (n-- > 0) {
		o = &w->ops[n];
		s->sem[o->num].val -= o->op;
		if ((o->flg & LX_SEM_UNDO) != 0)
			w->undo->adj[o->num] =
			    (int16_t)(w->undo->adj[o->num] + o->op);
	}
}

/* Try one operation.  ERANGE, EAGAIN; EINPROGRESS: it has to wait. */
static int
sem_one(struct sem_set *s, const struct sem_wait *w, const struct lx_sembuf *o)
{
	struct ksem *sem = &s->sem[o->num];
	int val = sem->val + o->op, adj;

	if ((o->op == 0 && sem->val != 0) || val < 0)
		return ((o->flg & LX_IPC_NOWAIT) != 0 ? EAGAIN : EINPROGRESS);
	if (val > LX_SEMVMX)
		return (ERANGE);
	if ((o->flg & LX_SEM_UNDO) != 0) {
		adj = w->undo->adj[o->num] - o->op;
		if (adj < -SEM_ADJ_MAX - 1 || adj > SEM_ADJ_MAX)
			return (ERANGE);
		w->undo->adj[o->num] = (int16_t)adj;
	}
	sem->val = val;
	return (0);
}

/* All or nothing.  As sem_one(). */
static int
sem_try(struct sem_set *s, struct sem_wait *w)
{
	int error = 0;

	for (unsigned i = 0; i < w->nops; i++) {
		error = sem_one(s, w, &w->ops[i]);
		if (error != 0) {
			w->blocking = &w->ops[i];
			sem_back(s, w, i);
			return (error);
		}
	}
	for (unsigned i = 0; i < w->nops; i++)
		s->sem[w->ops[i].num].pid = w->pid;
	s->otime = ipc_seconds();
	return (0);
}

static void
sem_unqueue(struct sem_set *s, struct sem_wait *w)
{
	TAILQ_REMOVE(&s->waits, w, link);
	s->waitops -= w->nops;
}

static void
sem_serve(struct sem_set *s, struct sem_wait *w, int status)
{
	sem_unqueue(s, w);
	w->status = status;
	lwp_wakeup(w->l);
}

/* The operation that w waited for last is its first one and still has to wait:
 * no operation before it can change the value. */
static bool
sem_still_waits(const struct sem_set *s, const struct sem_wait *w)
{
	const struct lx_sembuf *o = w->blocking;
	int val = s->sem[o->num].val;

	return (o == w->ops && (o->op == 0 ? val != 0 : val + o->op < 0));
}

void
sem_update(struct sem_set *s)
{
	struct sem_wait *w, *next;
	bool again;
	int error;

	do {
		again = false;
		TAILQ_FOREACH_SAFE (w, &s->waits, link, next) {
			if (sem_still_waits(s, w))
				continue;
			error = sem_try(s, w);
			if (error == EINPROGRESS)
				continue;
			sem_serve(s, w, error);
			again = again || (error == 0 && w->alters);
		}
	} while (again);
}

void
sem_wake_all(struct sem_set *s)
{
	struct sem_wait *w, *next;

	TAILQ_FOREACH_SAFE (w, &s->waits, link, next)
		sem_serve(s, w, EIDRM);
}

/* Look the set up and try; a wait that has status EINPROGRESS is queued. */
static void
sem_begin(struct vkernel *k, int id, const struct ipc_ids *ids, bool undoes,
    struct sem_undo_list *list, struct sem_wait *w, struct sem_set **out)
{
	struct ipc_obj *o = ipc_by_id(&k->ipc->sem, id);
	struct sem_set *s = (struct sem_set *)(void *)o;

	if (o == NULL) {
		w->status = EINVAL;
		return;
	}
	for (unsigned i = 0; i < w->nops; i++)
		if (w->ops[i].num >= s->nsems) {
			w->status = EFBIG;
			return;
		}
	w->status = ipc_access(o, ids, w->alters ? IPC_WRITE : IPC_READ);
	if (w->status == 0 && undoes)
		w->status = sem_undo_get(k, list, s, &w->undo);
	if (w->status != 0)
		return;
	w->status = sem_try(s, w);
	if (w->status == EINPROGRESS &&
	    s->waitops + w->nops > SEM_WAITOPS_MAX) {
		w->status = ENOMEM;
	} else if (w->status == EINPROGRESS) {
		TAILQ_INSERT_TAIL(&s->waits, w, link);
		s->waitops += w->nops;
		*out = s;
	} else if (w->status == 0 && w->alters)
		sem_update(s);
}

/* Sleep until w is served. s is valid only while w is queued. */
static int
sem_sleep(
    struct vkernel *k, struct sem_set *s, struct sem_wait *w, uint64_t deadline)
{
	int error = 0, status;

	for (;;) {
		lwp_sleep_prepare(w->l);
		kmutex_lock(&k->ipc->sem.lock);
		if (w->status == EINPROGRESS && error != 0) {
			sem_unqueue(s, w);
			w->status = error == ETIMEDOUT ? EAGAIN : error;
		}
		status = w->status;
		kmutex_unlock(&k->ipc->sem.lock);
		if (status != EINPROGRESS)
			return (status);
		error = lwp_sleep(w->l, deadline);
	}
}

int
sem_op(struct lwp *l, int id, const struct lx_sembuf *ops, unsigned n,
    uint64_t deadline)
{
	struct sem_wait w = {.l = l, .ops = ops, .nops = n};
	struct vkernel *k = l->p->k;
	struct sem_set *s = NULL;
	struct ipc_ids ids;
	bool undoes = false;

	for (unsigned i = 0; i < n; i++) {
		w.alters = w.alters || ops[i].op != 0;
		undoes = undoes || (ops[i].flg & LX_SEM_UNDO) != 0;
	}
	if (undoes && l->semundo == NULL) {
		l->semundo = kmem_zalloc(sizeof(*l->semundo));
		if (l->semundo == NULL)
			return (ENOMEM);
		l->semundo->refs = 1;
	}
	ipc_caller(l, &ids);
	w.pid = ids.pid;
	kmutex_lock(&k->ipc->sem.lock);
	sem_begin(k, id, &ids, undoes, l->semundo, &w, &s);
	kmutex_unlock(&k->ipc->sem.lock);
	return (s == NULL ? w.status : sem_sleep(k, s, &w, deadline));
}
