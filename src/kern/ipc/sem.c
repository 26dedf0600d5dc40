/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V semaphores: sets, and the commands on them. (Operations are in
 * sem_op.c, undoing in sem_undo.c, names, numbers and rights in sysvipc.c.)
 *
 * Locking and lifetime.  All under k->ipc->sem.lock; user memory is copied
 * without it.  LX_SETALL therefore looks the set up twice: for the number of
 * values to copy in, and again to set them.
 *
 * Limits.  SEM_SETS_MAX sets, SEM_PER_SET semaphores in one, SEM_MAX in all;
 * ENOSPC above that.
 */
#include <errno.h>
#include <stddef.h>

#include "abi/ipc.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/restart.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/sem.h"
#include "kern/ipc/sem_int.h"
#include "mem/kmem.h"
#include "vfs/procfs/procfs.h"

static struct sem_set *
sem_set_of(struct ipc_obj *o)
{
	return ((struct sem_set *)(void *)o);
}
_Static_assert(offsetof(struct sem_set, ipc) == 0, "sem_set_of()");

/* Locked. */
static void
sem_free(struct vkernel *k, struct sem_set *s)
{
	ipc_remove(&k->ipc->sem, &s->ipc);
	sem_wake_all(s);
	sem_undo_forget(k, s);
	k->ipc->nsems -= s->nsems;
	kmem_free(s);
}

void
sysvsem_clear(struct vkernel *k, uint32_t ns)
{
	struct ipc_obj *o;
	unsigned i = 0;

	kmutex_lock(&k->ipc->sem.lock);
	while ((o = ipc_next(&k->ipc->sem, &i, ns)) != NULL)
		sem_free(k, sem_set_of(o));
	kmutex_unlock(&k->ipc->sem.lock);
}

/* Locked.  EINVAL, ENOSPC, ENOMEM. */
static int
sem_make(struct vkernel *k, const struct ipc_ids *id, int32_t key, unsigned n,
    int flags, struct ipc_obj **out)
{
	struct sem_set *s;
	int error;

	if (n == 0)
		return (EINVAL);
	if (k->ipc->nsems + n > SEM_MAX)
		return (ENOSPC);
	s = kmem_zalloc(sizeof(*s) + n * sizeof(s->sem[0]));
	if (s == NULL)
		return (ENOMEM);
	error = ipc_insert(&k->ipc->sem, &s->ipc, id, key, flags);
	if (error != 0) {
		kmem_free(s);
		return (error);
	}
	s->nsems = n;
	s->ctime = ipc_seconds();
	TAILQ_INIT(&s->waits);
	LIST_INIT(&s->undos);
	k->ipc->nsems += n;
	*out = &s->ipc;
	return (0);
}

int
sem_get(struct lwp *l, int32_t key, int n, int flags, int *out)
{
	struct vkernel *k = l->p->k;
	struct ipc_obj *o = NULL;
	struct ipc_ids id;
	int error;

	if (n < 0 || n > SEM_PER_SET)
		return (EINVAL);
	ipc_caller(l, &id);
	kmutex_lock(&k->ipc->sem.lock);
	error = ipc_find(&k->ipc->sem, key, flags, &o);
	if (error != 0)
		goto out;
	if (o == NULL)
		error = sem_make(k, &id, key, (unsigned)n, flags, &o);
	else if ((unsigned)n > sem_set_of(o)->nsems)
		error = EINVAL;
	else
		error = ipc_access(o, &id, ipc_asked(flags));
	if (error == 0)
		*out = o->id;
out:
	kmutex_unlock(&k->ipc->sem.lock);
	return (error);
}

/* ---- commands: each finds the set by its id ---- */

void
sem_info(struct vkernel *k, bool now, struct lx_seminfo *si, int *last)
{
	*si = (struct lx_seminfo){.map = SEM_MAX,
	    .mni = SEM_SETS_MAX,
	    .mns = SEM_MAX,
	    .mnu = SEM_MAX,
	    .msl = SEM_PER_SET,
	    .opm = SEM_OPS_MAX,
	    .ume = SEM_OPS_MAX,
	    .usz = LX_SEMUSZ,
	    .vmx = LX_SEMVMX,
	    .aem = SEM_ADJ_MAX};
	kmutex_lock(&k->ipc->sem.lock);
	if (now) {
		si->usz = (int32_t)k->ipc->sem.used;
		si->aem = (int32_t)k->ipc->nsems;
	}
	*last = ipc_last(&k->ipc->sem);
	kmutex_unlock(&k->ipc->sem.lock);
}

int
sem_stat(struct lwp *l, int id, int cmd, struct lx_semid_ds *ds, int *ret)
{
	struct ipc_table *t = &l->p->k->ipc->sem;
	struct ipc_obj *o;
	struct ipc_ids ids;
	int error = EINVAL;

	ipc_caller(l, &ids);
	kmutex_lock(&t->lock);
	o = cmd == LX_IPC_STAT ? ipc_by_id(t, id)
			       : ipc_by_index(t, (unsigned)id);
	if (o == NULL)
		goto out;
	error = cmd == LX_SEM_STAT_ANY ? 0 : ipc_access(o, &ids, IPC_READ);
	if (error != 0)
		goto out;
	ds->perm = o->perm;
	ds->otime = sem_set_of(o)->otime;
	ds->ctime = sem_set_of(o)->ctime;
	ds->nsems = sem_set_of(o)->nsems;
	if (cmd != LX_IPC_STAT)
		*ret = o->id;
out:
	kmutex_unlock(&t->lock);
	return (error);
}

int
sem_change(struct lwp *l, int id, const struct lx_semid_ds *ds)
{
	struct vkernel *k = l->p->k;
	struct ipc_obj *o;
	struct ipc_ids ids;
	int error = EINVAL;

	ipc_caller(l, &ids);
	kmutex_lock(&k->ipc->sem.lock);
	o = ipc_by_id(&k->ipc->sem, id);
	if (o != NULL && ds != NULL) {
		error = ipc_set(o, &ids, &ds->perm);
		if (error == 0)
			sem_set_of(o)->ctime = ipc_seconds();
	} else if (o != NULL) {
		error = ipc_owner(o, &ids);
		if (error == 0)
			sem_free(k, sem_set_of(o));
	}
	kmutex_unlock(&k->ipc->sem.lock);
	return (error);
}

/* How many calls wait for semaphore num to grow, or, with zero, to become 0. */
static int
sem_waiting(const struct sem_set *s, unsigned num, bool zero)
{
	const struct sem_wait *w;
	int n = 0;

	TAILQ_FOREACH (w, &s->waits, link)
		if (w->blocking->num == num && (w->blocking->op == 0) == zero)
			n++;
	return (n);
}

/* Locked. */
static void
sem_setval_locked(struct sem_set *s, unsigned num, int value, int pid)
{
	sem_undo_clear(s, num);
	s->sem[num].val = value;
	s->sem[num].pid = pid;
	s->ctime = ipc_seconds();
	sem_update(s);
}

/* The commands on one semaphore. */
int
sem_value(struct lwp *l, int id, int num, int cmd, int value, int *ret)
{
	struct vkernel *k = l->p->k;
	struct sem_set *s;
	struct ipc_obj *o;
	struct ipc_ids ids;
	int error = EINVAL;

	if (cmd == LX_SETVAL && (value < 0 || value > LX_SEMVMX))
		return (ERANGE);
	ipc_caller(l, &ids);
	kmutex_lock(&k->ipc->sem.lock);
	o = ipc_by_id(&k->ipc->sem, id);
	if (o == NULL)
		goto out;
	error = ipc_access(o, &ids, cmd == LX_SETVAL ? IPC_WRITE : IPC_READ);
	if (error != 0)
		goto out;
	s = sem_set_of(o);
	error = EINVAL;
	if (num < 0 || (unsigned)num >= s->nsems)
		goto out;
	error = 0;
	if (cmd == LX_GETVAL)
		*ret = s->sem[num].val;
	else if (cmd == LX_GETPID)
		*ret = s->sem[num].pid;
	else if (cmd == LX_GETNCNT || cmd == LX_GETZCNT)
		*ret = sem_waiting(s, (unsigned)num, cmd == LX_GETZCNT);
	else
		sem_setval_locked(s, (unsigned)num, value, ids.pid);
out:
	kmutex_unlock(&k->ipc->sem.lock);
	return (error);
}

/* The set for LX_GETALL or LX_SETALL, with the lock held; or NULL and *error.
 */
static struct sem_set *
sem_all_lock(struct lwp *l, int id, unsigned bits, int *error)
{
	struct vkernel *k = l->p->k;
	struct ipc_obj *o;
	struct ipc_ids ids;

	ipc_caller(l, &ids);
	kmutex_lock(&k->ipc->sem.lock);
	o = ipc_by_id(&k->ipc->sem, id);
	*error = o == NULL ? EINVAL : ipc_access(o, &ids, bits);
	if (*error == 0)
		return (sem_set_of(o));
	kmutex_unlock(&k->ipc->sem.lock);
	return (NULL);
}

/* Locked; n values for a set that has as many. */
static void
sem_setall_locked(struct sem_set *s, const uint16_t *val, int pid)
{
	sem_undo_clear_all(s);
	for (unsigned i = 0; i < s->nsems; i++) {
		s->sem[i].val = val[i];
		s->sem[i].pid = pid;
	}
	s->ctime = ipc_seconds();
	sem_update(s);
}

int
sem_count(struct lwp *l, int id, unsigned bits, unsigned *n)
{
	int error;
	struct sem_set *s = sem_all_lock(l, id, bits, &error);

	if (s == NULL)
		return (error);
	*n = s->nsems;
	kmutex_unlock(&l->p->k->ipc->sem.lock);
	return (0);
}

int
sem_getall(struct lwp *l, int id, uint16_t *val, unsigned n)
{
	int error;
	struct sem_set *s = sem_all_lock(l, id, IPC_READ, &error);

	if (s == NULL)
		return (error == EINVAL ? EIDRM : error);
	if (s->nsems == n) {
		for (unsigned i = 0; i < n; i++)
			val[i] = (uint16_t)s->sem[i].val;
	} else
		error = EIDRM; /* the id is another set's by now */
	kmutex_unlock(&l->p->k->ipc->sem.lock);
	return (error);
}

int
sem_setall(struct lwp *l, int id, const uint16_t *val, unsigned n)
{
	struct sem_set *s;
	int error;

	for (unsigned i = 0; i < n; i++)
		if (val[i] > LX_SEMVMX)
			return (ERANGE);
	s = sem_all_lock(l, id, IPC_WRITE, &error);
	if (s == NULL)
		return (error == EINVAL ? EIDRM : error);
	if (s->nsems == n)
		sem_setall_locked(s, val, l->p->pid);
	else
		error = EIDRM; /* the id is another set's by now */
	kmutex_unlock(&l->p->k->ipc->sem.lock);
	return (error);
}

/* /proc/sysvipc/sem.  Positions are indices of the table. */
int
sysvsem_text(void *arg, struct procfs_buf *b)
{
	struct ipc_table *t = &((struct vkernel *)arg)->ipc->sem;
	unsigned i = (unsigned)b->from;
	struct ipc_obj *o = NULL;

	if (i == 0)
		procfs_printf(b,
		    "       key      semid perms      nsems   uid   gid  cuid  "
		    "cgid      otime      ctime\n");
	kmutex_lock(&t->lock);
	while (!procfs_buf_full(b) && (o = ipc_next(t, &i, ipc_ns())) != NULL)
		procfs_printf(b,
		    "%10d %10d  %4o %10u %5u %5u %5u %5u %10lld %10lld\n",
		    o->perm.key, o->id, o->perm.mode, sem_set_of(o)->nsems,
		    o->perm.uid, o->perm.gid, o->perm.cuid, o->perm.cgid,
		    (long long)sem_set_of(o)->otime,
		    (long long)sem_set_of(o)->ctime);
	kmutex_unlock(&t->lock);
	b->next = o != NULL ? i : 0;
	return (0);
}
