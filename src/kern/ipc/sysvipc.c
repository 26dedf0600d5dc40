/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What System V segments, semaphore sets and message queues have in common:
 * keys, numbers, rights.
 *
 * Concepts.  Each kind has a table.  The number of an object is its slot in the
 * table and, in the bits from 15 up, a sequence number that differs for the
 * next object in that slot.  So a stale number names no object rather than a
 * new one.  A key is found by a scan of the table.
 *
 * Rights are those of a file with owner, group and creator; root has all
 * rights.
 *
 * Locking and lifetime.  The table's lock protects the table and its objects.
 * An object is freed under that lock, by the code of its kind; a pointer to an
 * object is valid only while the lock is held.
 *
 * Limits.  Each table has a maximum number of objects in a kernel.  The objects
 * are the kernel's: there are no namespaces, and objects of the host are not
 * visible.
 */
#include "kern/ipc/sysvipc.h"
#include "kern/ipc/mqueue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/ipc.h"
#include "host/host.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/restart.h"
#include "kern/base/vkernel.h"
#include "kern/time/ktime.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/procfs/procfs.h"

#define INDEX_BITS 15
#define INDEX_MASK ((1u << INDEX_BITS) - 1)
#define SLOTS_FIRST 16u

void
ipc_table_init(struct ipc_table *t, const char *name, unsigned max)
{
	KASSERT(max <= INDEX_MASK);
	memset(t, 0, sizeof(*t));
	t->max = max;
	kmutex_init(&t->lock, name, KRANK_FDTABLE, 0);
}

void
ipc_table_destroy(struct ipc_table *t)
{
	KVERIFY(t->used == 0);
	kmem_free(t->slot);
	kmutex_destroy(&t->lock);
}

void
ipc_caller(struct lwp *l, struct ipc_ids *id)
{
	const struct userns *owner;
	struct ns_set *set;

	id->uid = l->cred->euid;
	id->gid = l->cred->egid;
	id->pid = l->p->pid;
	id->cred = l->cred;
	set = proc_ns_ref(l->p);
	id->ns = set->of[NS_IPC]->ino;
	owner = set->of[NS_IPC]->owner;
	id->may_use = cred_ns_capable(l->cred, owner, LX_CAP_IPC_OWNER);
	id->may_change = cred_ns_capable(l->cred, owner, LX_CAP_SYS_ADMIN);
	ns_set_free(set);
}

int64_t
ipc_seconds(void)
{
	return ((int64_t)(host_realtime_ns() / NS_PER_SEC));
}

static bool
is_visible(const struct ipc_obj *o, uint32_t ns)
{
	return (o != NULL && (ns == 0 || o->ns == ns));
}

struct ipc_obj *
ipc_by_index(const struct ipc_table *t, unsigned index)
{
	struct ipc_obj *o;

	kmutex_assert_owned(&t->lock);
	o = index < t->nslots ? t->slot[index] : NULL;
	return (is_visible(o, ipc_ns()) ? o : NULL);
}

struct ipc_obj *
ipc_by_id(const struct ipc_table *t, int id)
{
	struct ipc_obj *o;

	if (id < 0)
		return (NULL);
	o = ipc_by_index(t, (unsigned)id & INDEX_MASK);
	return (o != NULL && o->id == id ? o : NULL);
}

struct ipc_obj *
ipc_next(const struct ipc_table *t, unsigned *index, uint32_t ns)
{
	struct ipc_obj *o;

	kmutex_assert_owned(&t->lock);
	while (*index < t->nslots) {
		o = t->slot[(*index)++];
		if (is_visible(o, ns))
			return (o);
	}
	return (NULL);
}

int
ipc_last(const struct ipc_table *t)
{
	kmutex_assert_owned(&t->lock);
	for (unsigned i = t->nslots; i > 0; i--)
		if (is_visible(t->slot[i - 1], ipc_ns()))
			return ((int)i - 1);
	return (0);
}

int
ipc_find(
    const struct ipc_table *t, int32_t key, int flags, struct ipc_obj **obj)
{
	struct ipc_obj *o = NULL;
	unsigned i = 0;

	if (key != LX_IPC_PRIVATE)
		do
			o = ipc_next(t, &i, ipc_ns());
		while (o != NULL && o->perm.key != key);
	if (o == NULL && key != LX_IPC_PRIVATE && (flags & LX_IPC_CREAT) == 0)
		return (ENOENT);
	if (o != NULL && (flags & LX_IPC_CREAT) != 0 &&
	    (flags & LX_IPC_EXCL) != 0)
		return (EEXIST);
	*obj = o;
	return (0);
}

static int
table_grow(struct ipc_table *t)
{
	unsigned n = t->nslots == 0 ? SLOTS_FIRST : t->nslots * 2;
	struct ipc_obj **slot;

	if (n > t->max)
		n = t->max;
	slot = kmem_realloc(t->slot, n * sizeof(struct ipc_obj *));
	if (slot == NULL)
		return (ENOMEM);
	memset(slot + t->nslots, 0, (n - t->nslots) * sizeof(struct ipc_obj *));
	t->slot = slot;
	t->nslots = n;
	return (0);
}

int
ipc_insert(struct ipc_table *t, struct ipc_obj *o, const struct ipc_ids *id,
    int32_t key, int flags)
{
	unsigned i = 0;
	int error;

	kmutex_assert_owned(&t->lock);
	if (t->used == t->max)
		return (ENOSPC);
	if (t->used == t->nslots) {
		error = table_grow(t);
		if (error != 0)
			return (error);
	}
	while (t->slot[i] != NULL)
		i++;
	o->perm = (struct lx_ipc_perm){
	    .key = key,
	    .uid = id->uid,
	    .gid = id->gid,
	    .cuid = id->uid,
	    .cgid = id->gid,
	    .mode = (uint32_t)flags & 0777,
	    .seq = t->seq++,
	};
	o->ns = id->ns;
	o->id = (int)((uint32_t)o->perm.seq << INDEX_BITS | i);
	t->slot[i] = o;
	t->used++;
	return (0);
}

void
ipc_remove(struct ipc_table *t, struct ipc_obj *o)
{
	kmutex_assert_owned(&t->lock);
	KVERIFY(t->slot[(unsigned)o->id & INDEX_MASK] == o);
	t->slot[(unsigned)o->id & INDEX_MASK] = NULL;
	t->used--;
}

/* ---- rights ---- */

int
ipc_access(const struct ipc_obj *o, const struct ipc_ids *id, unsigned bits)
{
	unsigned have = o->perm.mode & 7;

	if (id->may_use)
		return (0);
	if (id->uid == o->perm.uid || id->uid == o->perm.cuid)
		have = o->perm.mode >> 6 & 7;
	else if (cred_in_group(id->cred, o->perm.gid) ||
		 cred_in_group(id->cred, o->perm.cgid))
		have = o->perm.mode >> 3 & 7;
	return ((bits & ~have) == 0 ? 0 : EACCES);
}

unsigned
ipc_asked(int flags)
{
	return ((unsigned)(flags >> 6 | flags >> 3 | flags) & 7);
}

int
ipc_owner(const struct ipc_obj *o, const struct ipc_ids *id)
{
	return (
	    id->uid == o->perm.uid || id->uid == o->perm.cuid || id->may_change
		? 0
		: EPERM);
}

int
ipc_set(
    struct ipc_obj *o, const struct ipc_ids *id, const struct lx_ipc_perm *perm)
{
	int error = ipc_owner(o, id);

	if (error != 0)
		return (error);
	/* An owner of -1 is no id. */
	if (perm->uid == UINT32_MAX || perm->gid == UINT32_MAX)
		return (EINVAL);
	o->perm.uid = perm->uid;
	o->perm.gid = perm->gid;
	o->perm.mode = (o->perm.mode & ~0777u) | (perm->mode & 0777);
	return (0);
}

/* ---- the kinds together ---- */

/* The last process and file of an IPC name space are gone. */
static void
ns_end(struct vkernel *k, uint32_t ns)
{
	if (k->ipc == NULL)
		return;
	sysvshm_clear(k, ns);
	sysvsem_clear(k, ns);
	sysvmsg_clear(k, ns);
	mqueue_clear(k, ns);
}

int
sysvipc_init(struct vkernel *k)
{
	k->ipc = calloc(1, sizeof(*k->ipc));
	if (k->ipc == NULL)
		return (ENOMEM);
	k->ipc_ns_end = ns_end;
	ipc_table_init(&k->ipc->shm, "shm", SHM_MAX);
	ipc_table_init(&k->ipc->sem, "sem", SEM_SETS_MAX);
	ipc_table_init(&k->ipc->msg, "msg", MSG_QUEUES_MAX);
	return (0);
}

void
sysvipc_destroy(struct vkernel *k)
{
	if (k->ipc == NULL)
		return;
	sysvshm_clear(k, 0);
	sysvsem_clear(k, 0);
	sysvmsg_clear(k, 0);
	KVERIFY(
	    k->ipc->nsems == 0 && k->ipc->nundo == 0 && k->ipc->msgmem == 0);
	ipc_table_destroy(&k->ipc->shm);
	ipc_table_destroy(&k->ipc->sem);
	ipc_table_destroy(&k->ipc->msg);
	free(k->ipc);
	k->ipc = NULL;
}

static int
text_limit(struct procfs_buf *b, uint64_t value)
{
	procfs_printf(b, "%llu\n", (unsigned long long)value);
	return (0);
}

int
sysvipc_text_sem(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "%d\t%d\t%d\t%d\n", SEM_PER_SET, SEM_MAX, SEM_OPS_MAX,
	    SEM_SETS_MAX);
	return (0);
}

int
sysvipc_text_shmmni(void *arg, struct procfs_buf *b)
{
	return (text_limit(b, SHM_MAX));
}

int
sysvipc_text_shmmax(void *arg, struct procfs_buf *b)
{
	return (text_limit(b, SHM_SIZE_MAX));
}

int
sysvipc_text_shmall(void *arg, struct procfs_buf *b)
{
	return (text_limit(b, (SHM_SIZE_MAX >> PAGE_SHIFT) * SHM_MAX));
}

int
sysvipc_text_msgmni(void *arg, struct procfs_buf *b)
{
	return (text_limit(b, MSG_QUEUES_MAX));
}

int
sysvipc_text_msgmax(void *arg, struct procfs_buf *b)
{
	return (text_limit(b, MSG_SIZE_MAX));
}

int
sysvipc_text_msgmnb(void *arg, struct procfs_buf *b)
{
	return (text_limit(b, MSG_QUEUE_BYTES));
}
