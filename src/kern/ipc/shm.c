/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V shared memory.
 *
 * Concepts.  A segment is an anonymous object with a name; attaching maps it
 * shared.  Each map entry has a ref of the object, so the number of attachments
 * is its refs less that of the segment, and fork, exit and munmap need no hook
 * here.  Removing a segment gives up the segment's ref: the memory is freed
 * with the last attachment.
 *
 * A segment also has a hold on its object, and keeps it when it is removed.  As
 * long as an attachment exists, a new ref can be taken (vm_object_tryref), so a
 * removed segment can still be attached and queried, as on Linux.  When the
 * object has no refs, the next call that scans the table frees the segment.
 * (Names, numbers and rights are in sysvipc.c.)
 *
 * Locking and lifetime.  The lock of the table protects the segments.  Objects
 * are mapped and released without it.
 *
 * Limits.  SHM_MAX segments.  An attachment of which a part was protected or
 * unmapped by itself counts once for each piece.  LX_SHM_LOCK is accepted and
 * does nothing.
 */
#include "kern/ipc/shm.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/ipc.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/restart.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/procfs/procfs.h"
#include "vm/object/vm_object.h"
#include "vm/vmspace.h"

/* Key: [I] immutable, the rest under the table's lock */
struct kshm {
	struct ipc_obj ipc;
	struct vm_object *obj; /* [I] hold, and a ref until it is removed */
	struct lx_shmid_ds ds; /* but for perm and nattch */
};

static struct kshm *
kshm_of(struct ipc_obj *o)
{
	return ((struct kshm *)(void *)o);
}
_Static_assert(offsetof(struct kshm, ipc) == 0, "kshm_of()");

static bool
shm_is_removed(const struct kshm *s)
{
	return ((s->ipc.perm.mode & LX_SHM_DEST) != 0);
}

void
sysvshm_clear(struct vkernel *k, uint32_t ns)
{
	struct ipc_table *t = &k->ipc->shm;
	struct ipc_obj *o;
	unsigned i = 0;

	for (;;) {
		kmutex_lock(&t->lock);
		o = ipc_next(t, &i, ns);
		if (o != NULL)
			ipc_remove(t, o);
		kmutex_unlock(&t->lock);
		if (o == NULL)
			return;
		if (!shm_is_removed(kshm_of(o)))
			vm_object_free(kshm_of(o)->obj);
		vm_object_drop(kshm_of(o)->obj);
		kmem_free(kshm_of(o));
	}
}

/* The segment was removed and has no attachment.  Final: a removed segment gets
 * new refs only by vm_object_tryref(), under the lock. */
static bool
shm_is_dead(const struct kshm *s)
{
	return (shm_is_removed(s) && vm_life_refs(&s->obj->life) == 0);
}

/* Free a segment whose ref was given up.  Locked. */
static void
shm_forget(struct vkernel *k, struct kshm *s)
{
	ipc_remove(&k->ipc->shm, &s->ipc);
	vm_object_drop(s->obj);
	kmem_free(s);
}

/* Lock the table and free the segments that are dead. */
static void
shm_lock(struct vkernel *k)
{
	struct ipc_obj *o;
	unsigned i = 0;

	kmutex_lock(&k->ipc->shm.lock);
	while ((o = ipc_next(&k->ipc->shm, &i, 0)) != NULL)
		if (shm_is_dead(kshm_of(o)))
			shm_forget(k, kshm_of(o));
}

/* ---- shmget ---- */

/* Locked.  EINVAL (size), ENOSPC, ENOMEM. */
static int
shm_make(struct vkernel *k, const struct ipc_ids *id, int32_t key,
    uint64_t size, int flags, struct ipc_obj **out)
{
	struct kshm *s;
	int error;

	if (size == 0 || size > SHM_SIZE_MAX)
		return (EINVAL);
	s = kmem_zalloc(sizeof(*s));
	if (s == NULL)
		return (ENOMEM);
	error = ipc_insert(&k->ipc->shm, &s->ipc, id, key, flags);
	if (error != 0)
		goto fail;
	error = vm_object_allocate_hold(
	    &k->vm, OBJT_DEFAULT, OFF_TO_IDX(round_page(size)), &s->obj);
	if (error != 0)
		goto fail_remove;
	s->obj->flags |= OBJ_NAMED | OBJ_SYSV | OBJ_CAPPED;
	vm_object_hold(s->obj);
	vm_object_unlock(s->obj);
	s->ds.segsz = size;
	s->ds.ctime = ipc_seconds();
	s->ds.cpid = id->pid;
	*out = &s->ipc;
	return (0);
fail_remove:
	ipc_remove(&k->ipc->shm, &s->ipc);
fail:
	kmem_free(s);
	return (error);
}

int
shm_get(struct lwp *l, int32_t key, uint64_t size, int flags, int *out)
{
	struct vkernel *k = l->p->k;
	struct ipc_obj *o = NULL;
	struct ipc_ids id;
	int error;

	ipc_caller(l, &id);
	shm_lock(k);
	error = ipc_find(&k->ipc->shm, key, flags, &o);
	if (error != 0)
		goto out;
	if (o == NULL)
		error = shm_make(k, &id, key, size, flags, &o);
	else if (size > kshm_of(o)->ds.segsz)
		error = EINVAL;
	else
		error = ipc_access(o, &id, ipc_asked(flags));
	if (error == 0)
		*out = o->id;
out:
	kmutex_unlock(&k->ipc->shm.lock);
	return (error);
}

/* ---- attaching ---- */

/* A ref of the segment's object and its size, for an attachment that needs the
 * rights `bits`. */
static int
shm_ref_object(struct lwp *l, int shmid, unsigned bits, struct vm_object **obj,
    uint64_t *size)
{
	struct vkernel *k = l->p->k;
	struct ipc_obj *o;
	struct ipc_ids id;
	struct kshm *s;
	int error;

	ipc_caller(l, &id);
	shm_lock(k);
	o = ipc_by_id(&k->ipc->shm, shmid);
	error = o == NULL ? EINVAL : ipc_access(o, &id, bits);
	if (error != 0)
		goto out;
	s = kshm_of(o);
	if (!vm_object_tryref(s->obj)) {
		error = EINVAL; /* the last attachment has just been removed */
		goto out;
	}
	s->ds.lpid = id.pid;
	s->ds.atime = ipc_seconds();
	*obj = s->obj;
	*size = s->ds.segsz;
out:
	kmutex_unlock(&k->ipc->shm.lock);
	return (error);
}

int
shm_attach(
    struct lwp *l, int shmid, vm_offset_t addr, uint64_t how, vm_offset_t *at)
{
	const bool rdonly = (how & LX_SHM_RDONLY) != 0;
	vm_prot_t prot = rdonly ? VM_PROT_READ : VM_PROT_READ | VM_PROT_WRITE;
	struct vm_object *obj;
	uint64_t size;
	int flags = VMM_SHARED, error;

	if ((how & LX_SHM_RND) != 0)
		addr = trunc_page(addr);
	if ((addr & PAGE_MASK) != 0 || ((how & LX_SHM_REMAP) != 0 && addr == 0))
		return (EINVAL);
	if (addr != 0)
		flags |= (how & LX_SHM_REMAP) != 0 ? VMM_FIXED : VMM_NOREPLACE;
	if ((how & LX_SHM_EXEC) != 0)
		prot |= VM_PROT_EXECUTE;
	error = shm_ref_object(
	    l, shmid, rdonly ? IPC_READ : IPC_READ | IPC_WRITE, &obj, &size);
	if (error != 0)
		return (error);
	error = vm_mmap(lwp_vmspace(l), &addr, size, prot,
	    rdonly ? prot : VM_PROT_ALL, flags, obj, 0);
	vm_object_free(obj);
	if (error == 0)
		*at = addr;
	return (error == EEXIST ? EINVAL : error);
}

int
shm_detach(struct lwp *l, vm_offset_t addr)
{
	struct vkernel *k = l->p->k;
	struct ipc_obj *o;
	uint64_t object_id;
	unsigned i = 0;
	int error;

	error = vm_munmap_sysv(lwp_vmspace(l), addr, &object_id);
	if (error != 0)
		return (error);
	kmutex_lock(&k->ipc->shm.lock);
	do
		o = ipc_next(&k->ipc->shm, &i, 0);
	while (o != NULL && kshm_of(o)->obj->id != object_id);
	if (o != NULL) {
		kshm_of(o)->ds.lpid = l->p->pid;
		kshm_of(o)->ds.dtime = ipc_seconds();
	}
	kmutex_unlock(&k->ipc->shm.lock);
	return (0);
}

/* ---- control ---- */

/* The number of segments and their pages; *last: index of the last one. */
void
shm_info(struct vkernel *k, struct lx_shm_info *now, int *last)
{
	struct vm_object *obj;
	struct ipc_obj *o;
	unsigned i = 0;

	*now = (struct lx_shm_info){0};
	shm_lock(k);
	while ((o = ipc_next(&k->ipc->shm, &i, ipc_ns())) != NULL) {
		obj = kshm_of(o)->obj;
		vm_object_lock(obj);
		now->used_ids++;
		now->tot += obj->size;
		now->rss += obj->resident;
		now->swp += obj->swapped;
		vm_object_unlock(obj);
	}
	*last = ipc_last(&k->ipc->shm);
	kmutex_unlock(&k->ipc->shm.lock);
}

static uint64_t
shm_attachments(const struct kshm *s)
{
	/* The ref of the segment itself is no attachment. */
	return (vm_life_refs(&s->obj->life) - (shm_is_removed(s) ? 0 : 1));
}

static int
shm_stat(const struct kshm *s, const struct ipc_ids *id, bool any,
    struct lx_shmid_ds *ds)
{
	int error = any ? 0 : ipc_access(&s->ipc, id, IPC_READ);

	if (error != 0)
		return (error);
	*ds = s->ds;
	ds->perm = s->ipc.perm;
	ds->nattch = shm_attachments(s);
	return (0);
}

/* Locked: from now on no shmget finds the segment.  Returns the object, whose
 * ref the caller frees without the lock; NULL: removed before. */
static struct vm_object *
shm_remove(struct kshm *s)
{
	if (shm_is_removed(s))
		return (NULL);
	s->ipc.perm.mode |= LX_SHM_DEST;
	s->ipc.perm.key = LX_IPC_PRIVATE;
	return (s->obj);
}

int
shm_ctl(struct lwp *l, int shmid, int cmd, struct lx_shmid_ds *ds, int *ret)
{
	bool by_index = cmd == LX_SHM_STAT || cmd == LX_SHM_STAT_ANY;
	struct vkernel *k = l->p->k;
	struct vm_object *gone = NULL;
	struct ipc_ids id;
	struct ipc_obj *o;
	int error = EINVAL;

	ipc_caller(l, &id);
	shm_lock(k);
	o = by_index ? ipc_by_index(&k->ipc->shm, (unsigned)shmid)
		     : ipc_by_id(&k->ipc->shm, shmid);
	if (o == NULL)
		goto out;
	if (by_index || cmd == LX_IPC_STAT) {
		error = shm_stat(kshm_of(o), &id, cmd == LX_SHM_STAT_ANY, ds);
		if (error == 0 && by_index)
			*ret = o->id;
	} else if (cmd == LX_IPC_SET) {
		error = ipc_set(o, &id, &ds->perm);
		if (error == 0)
			kshm_of(o)->ds.ctime = ipc_seconds();
	} else if (cmd == LX_IPC_RMID) {
		error = ipc_owner(o, &id);
		if (error == 0)
			gone = shm_remove(kshm_of(o));
	} else if (cmd == LX_SHM_LOCK || cmd == LX_SHM_UNLOCK) {
		error = ipc_owner(o, &id);
	}
out:
	kmutex_unlock(&k->ipc->shm.lock);
	if (gone != NULL)
		vm_object_free(gone);
	return (error);
}

static void
shm_line(const struct kshm *s, struct procfs_buf *b)
{
	const struct lx_ipc_perm *p = &s->ipc.perm;
	uint64_t rss, swapped;

	vm_object_lock(s->obj);
	rss = s->obj->resident * PAGE_SIZE;
	swapped = s->obj->swapped * PAGE_SIZE;
	vm_object_unlock(s->obj);
	procfs_printf(b,
	    "%10d %10d  %4o %21llu %5u %5u  %5llu %5u %5u %5u %5u %10lld "
	    "%10lld %10lld %21llu %21llu\n",
	    p->key, s->ipc.id, p->mode, (unsigned long long)s->ds.segsz,
	    (unsigned)s->ds.cpid, (unsigned)s->ds.lpid,
	    (unsigned long long)shm_attachments(s), p->uid, p->gid, p->cuid,
	    p->cgid, (long long)s->ds.atime, (long long)s->ds.dtime,
	    (long long)s->ds.ctime, (unsigned long long)rss,
	    (unsigned long long)swapped);
}

/* /proc/sysvipc/shm.  Positions are indices of the table. */
int
sysvshm_text(void *arg, struct procfs_buf *b)
{
	struct vkernel *k = arg;
	unsigned i = (unsigned)b->from;
	struct ipc_obj *o = NULL;

	if (i == 0)
		procfs_printf(b,
		    "       key      shmid perms                  size  cpid  "
		    "lpid nattch   uid   gid  cuid  cgid      atime      dtime "
		    "     ctime                   rss                  swap\n");
	shm_lock(k);
	while (!procfs_buf_full(b) &&
	       (o = ipc_next(&k->ipc->shm, &i, ipc_ns())) != NULL)
		shm_line(kshm_of(o), b);
	kmutex_unlock(&k->ipc->shm.lock);
	b->next = o != NULL ? i : 0;
	return (0);
}
