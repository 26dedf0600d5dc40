/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V semaphores: LX_SEM_UNDO.
 *
 * Concepts.  An operation with LX_SEM_UNDO is taken back when its process ends.
 * The amount to add then is kept for each semaphore of each such set
 * (sem_undo), in a list.  The list belongs to an lwp and is made by its first
 * such operation.  Lwps made with CLONE_SYSVSEM, as threads are, share a list,
 * and the last of them carries it out.  The child of a fork has none; exec
 * keeps it.
 *
 * Carrying out keeps values between 0 and the maximum.  Setting a semaphore's
 * value removes the adjustments of it.
 *
 * Locking and lifetime.  All under k->ipc->sem.lock, also the refs of lists.
 * Only the lwp's own thread uses lwp->semundo.  A sem_undo is freed when its
 * list or its set is freed.  It stays valid while a queued wait uses it: the
 * list belongs to the lwp that waits, and the removal of the set ends the wait.
 *
 * Limits.  UNDO_MAX adjustments in a kernel, including the cost of each
 * sem_undo; ENOMEM above that.
 */
#include <errno.h>
#include <string.h>

#include "abi/ipc.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/restart.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/sem_int.h"
#include "libk/kassert.h"
#include "mem/kmem.h"

#define UNDO_MAX (UINT64_C(1) << 22) /* of 2 bytes: 8 MiB */

/* What a sem_undo costs, in adjustments. */
static uint64_t
undo_cost(const struct sem_set *s)
{
	return (sizeof(struct sem_undo) / sizeof(int16_t) + s->nsems);
}

int
sem_undo_get(struct vkernel *k, struct sem_undo_list *list, struct sem_set *s,
    struct sem_undo **out)
{
	struct sem_undo *u;

	LIST_FOREACH (u, &list->undos, in_list)
		if (u->set == s) {
			*out = u;
			return (0);
		}
	if (k->ipc->nundo + undo_cost(s) > UNDO_MAX)
		return (ENOMEM);
	u = kmem_zalloc(sizeof(*u) + s->nsems * sizeof(u->adj[0]));
	if (u == NULL)
		return (ENOMEM);
	u->set = s;
	LIST_INSERT_HEAD(&list->undos, u, in_list);
	LIST_INSERT_HEAD(&s->undos, u, in_set);
	k->ipc->nundo += undo_cost(s);
	*out = u;
	return (0);
}

static void
undo_free(struct vkernel *k, struct sem_undo *u)
{
	LIST_REMOVE(u, in_list);
	LIST_REMOVE(u, in_set);
	k->ipc->nundo -= undo_cost(u->set);
	kmem_free(u);
}

void
sem_undo_clear(struct sem_set *s, unsigned num)
{
	struct sem_undo *u;

	KASSERT(num < s->nsems);
	LIST_FOREACH (u, &s->undos, in_set)
		u->adj[num] = 0;
}

void
sem_undo_clear_all(struct sem_set *s)
{
	struct sem_undo *u;

	LIST_FOREACH (u, &s->undos, in_set)
		memset(u->adj, 0, s->nsems * sizeof(u->adj[0]));
}

void
sem_undo_forget(struct vkernel *k, struct sem_set *s)
{
	struct sem_undo *u, *next;

	LIST_FOREACH_SAFE (u, &s->undos, in_set, next)
		undo_free(k, u);
}

int
sem_undo_share(struct lwp *l, struct lwp *nl)
{
	struct vkernel *k = l->p->k;

	if (l->semundo == NULL) {
		l->semundo = kmem_zalloc(sizeof(*l->semundo));
		if (l->semundo == NULL)
			return (ENOMEM);
		l->semundo->refs = 1;
	}
	kmutex_lock(&k->ipc->sem.lock);
	l->semundo->refs++;
	kmutex_unlock(&k->ipc->sem.lock);
	nl->semundo = l->semundo;
	return (0);
}

static void
undo_carry_out(const struct sem_undo *u, int pid)
{
	struct sem_set *s = u->set;
	bool any = false;
	int val;

	for (unsigned i = 0; i < s->nsems; i++) {
		if (u->adj[i] == 0)
			continue;
		val = s->sem[i].val + u->adj[i];
		if (val < 0)
			val = 0;
		if (val > LX_SEMVMX)
			val = LX_SEMVMX;
		s->sem[i].val = val;
		s->sem[i].pid = pid;
		any = true;
	}
	if (any) {
		s->otime = ipc_seconds();
		sem_update(s);
	}
}

void
sem_undo_exit(struct lwp *l)
{
	struct sem_undo_list *list = l->semundo;
	struct vkernel *k = l->p->k;
	struct sem_undo *u, *next;
	bool last;

	if (list == NULL)
		return;
	l->semundo = NULL;
	kmutex_lock(&k->ipc->sem.lock);
	last = --list->refs == 0;
	if (last)
		LIST_FOREACH_SAFE (u, &list->undos, in_list, next) {
			undo_carry_out(u, l->p->pid);
			undo_free(k, u);
		}
	kmutex_unlock(&k->ipc->sem.lock);
	if (last)
		kmem_free(list);
}
