/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V shared memory: shmget, shmat, shmdt, shmctl.
 *
 * Concepts.  A segment is an anonymous object with a name; attaching maps it
 * shared.  The object counts its map entries by itself, so the number of
 * attachments is its refs without ours, and nothing has to be told of fork,
 * exit and munmap.  Removing a segment gives up our ref: the memory goes with
 * the last attachment.
 *
 * A segment has a hold on its object, too, and keeps it when it is removed.  As
 * long as somebody is attached, a ref can be won from it (vm_object_tryref), so
 * a removed segment can be attached again and asked about, as on Linux.  When
 * the object has no refs, the segment is reaped: by the next call that looks at
 * the list.
 *
 * Locking and lifetime.  k->shm_lock protects the list.  Objects are
 * mapped and let go without it.
 *
 * Limits.  SHM_MAX segments.  An attachment of which a part was protected or
 * unmapped by itself counts once for each piece, and shmdt wants the piece that
 * begins where it was attached.  SHM_LOCK is accepted and does nothing.
 */
#include "kern/sys_int.h"
#include "kern/proc_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"
#include "vm/vm_object.h"
#include "vm/vmspace.h"

sys_fn sys_shmget, sys_shmat, sys_shmdt, sys_shmctl;

/* Linux's numbers. */
#define IPC_PRIVATE 0
#define IPC_CREAT 01000
#define IPC_EXCL 02000
#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_INFO 3
#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define SHM_STAT 13 /* by index */
#define SHM_INFO 14
#define SHM_STAT_ANY 15 /* by index, whatever the rights */
#define SHM_RDONLY 010000
#define SHM_RND 020000
#define SHM_REMAP 040000
#define SHM_EXEC 0100000
#define SHM_DEST 01000 /* in the mode: removed */

#define SHM_MAX 4096
#define SHM_SIZE_MAX ((uint64_t)1 << 40)

/* struct shmid64_ds of x86-64. */
struct lx_shmid_ds {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad;
	uint64_t unused[2];
	uint64_t segsz;
	int64_t atime, dtime, ctime;
	int32_t cpid, lpid;
	uint64_t nattch, unused2[2];
};
_Static_assert(sizeof(struct lx_shmid_ds) == 112, "struct shmid64_ds");

struct lx_shminfo64 {
	uint64_t max, min, mni, seg, all, unused[4];
};
_Static_assert(sizeof(struct lx_shminfo64) == 72, "struct shminfo64");

struct lx_shm_info {
	int32_t used_ids, pad;
	uint64_t tot, rss, swp, attempts, successes; /* pages */
};
_Static_assert(sizeof(struct lx_shm_info) == 48, "struct shm_info");

/* Key: [I] immutable, the rest under k->shm_lock */
struct kshm {
	int id;                /* [I] */
	struct vm_object *obj; /* [I] hold, and a ref until it is removed */
	struct lx_shmid_ds ds; /* but for nattch */
	TAILQ_ENTRY(kshm) link;
};

static bool
removed(const struct kshm *s)
{
	return ((s->ds.mode & SHM_DEST) != 0);
}

/* Locked; its ref is gone. */
static void
shm_forget(struct vkernel *k, struct kshm *s)
{
	TAILQ_REMOVE(&k->shms, s, link);
	vm_object_drop(s->obj);
	free(s);
}

void
shm_init(struct vkernel *k)
{
	TAILQ_INIT(&k->shms);
	kmutex_init(&k->shm_lock, "shm", KRANK_FDTABLE, 0);
}

void
shm_destroy(struct vkernel *k)
{
	struct kshm *s, *next;

	TAILQ_FOREACH_SAFE (s, &k->shms, link, next) {
		if (!removed(s))
			vm_object_free(s->obj);
		shm_forget(k, s);
	}
	kmutex_destroy(&k->shm_lock);
}

static int64_t
seconds_now(void)
{
	return ((int64_t)(host_realtime_ns() / NS_PER_SEC));
}

/* Removed, and nobody is attached.  Final: what is removed has no new refs but
 * by vm_object_tryref, under the lock. */
static bool
over(const struct kshm *s)
{
	return (removed(s) && vm_life_refs(&s->obj->life) == 0);
}

/* Locked.  By id, also a removed one. */
static struct kshm *
shm_by_id(struct vkernel *k, int id)
{
	struct kshm *s;

	TAILQ_FOREACH (s, &k->shms, link)
		if (s->id == id && !over(s))
			return (s);
	return (NULL);
}

/* Locked.  By its place among those there are. */
static struct kshm *
shm_by_index(struct vkernel *k, unsigned index)
{
	struct kshm *s;

	TAILQ_FOREACH (s, &k->shms, link)
		if (!over(s) && index-- == 0)
			return (s);
	return (NULL);
}

/* Locked. */
static struct kshm *
shm_by_key(struct vkernel *k, int32_t key)
{
	struct kshm *s;

	TAILQ_FOREACH (s, &k->shms, link)
		if (s->ds.key == key && !removed(s))
			return (s);
	return (NULL);
}

/* Locked.  How many are left. */
static unsigned
shm_reap(struct vkernel *k)
{
	struct kshm *s, *next;
	unsigned n = 0;

	TAILQ_FOREACH_SAFE (s, &k->shms, link, next) {
		if (!over(s)) {
			n++;
			continue;
		}
		shm_forget(k, s);
	}
	return (n);
}

struct ids {
	uint32_t uid, gid;
	int pid;
};

static struct ids
caller(struct lwp *l)
{
	struct ids id;

	kmutex_lock(&l->p->lock);
	id = (struct ids){l->p->euid, l->p->egid, l->p->pid};
	kmutex_unlock(&l->p->lock);
	return (id);
}

/* bits: 4 read, 2 write.  EACCES. */
static int
shm_access(const struct kshm *s, const struct ids *id, unsigned bits)
{
	unsigned have = s->ds.mode & 7;

	if (id->uid == 0)
		return (0);
	if (id->uid == s->ds.uid || id->uid == s->ds.cuid)
		have = s->ds.mode >> 6 & 7;
	else if (id->gid == s->ds.gid || id->gid == s->ds.cgid)
		have = s->ds.mode >> 3 & 7;
	return ((bits & ~have) == 0 ? 0 : EACCES);
}

/* Of the three groups of bits in shmget's flags, whichever are set. */
static unsigned
asked(int flags)
{
	return ((unsigned)(flags >> 6 | flags >> 3 | flags) & 7);
}

static bool
shm_owner(const struct kshm *s, const struct ids *id)
{
	return (id->uid == 0 || id->uid == s->ds.uid || id->uid == s->ds.cuid);
}

/* ---- shmget ---- */

/* Locked.  EINVAL (size), ENOSPC, ENOMEM. */
static int
shm_make(struct vkernel *k, const struct ids *id, int32_t key, uint64_t size,
    int flags, struct kshm **out)
{
	struct kshm *s;
	int error;

	if (size == 0 || size > SHM_SIZE_MAX)
		return (EINVAL);
	if (shm_reap(k) >= SHM_MAX)
		return (ENOSPC);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return (ENOMEM);
	error = vm_object_allocate_hold(
	    &k->vm, OBJT_DEFAULT, OFF_TO_IDX(round_page(size)), &s->obj);
	if (error != 0) {
		free(s);
		return (error);
	}
	s->obj->flags |= OBJ_NAMED;
	vm_object_hold(s->obj);
	vm_object_unlock(s->obj);
	s->ds.key = key;
	s->ds.uid = s->ds.cuid = id->uid;
	s->ds.gid = s->ds.cgid = id->gid;
	s->ds.mode = (uint32_t)flags & 0777;
	s->ds.segsz = size;
	s->ds.ctime = seconds_now();
	s->ds.cpid = id->pid;
	k->shm_next = (k->shm_next + 1) % INT32_MAX;
	s->id = k->shm_next;
	TAILQ_INSERT_TAIL(&k->shms, s, link);
	*out = s;
	return (0);
}

int
sys_shmget(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vkernel *k = l->p->k;
	struct kshm *s = NULL;
	struct ids id = caller(l);
	int32_t key = (int32_t)a[0];
	int flags = (int)a[2], error;

	kmutex_lock(&k->shm_lock);
	if (key != IPC_PRIVATE)
		s = shm_by_key(k, key);
	if (s == NULL) {
		if (key != IPC_PRIVATE && (flags & IPC_CREAT) == 0)
			error = ENOENT;
		else
			error = shm_make(k, &id, key, a[1], flags, &s);
	} else if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		error = EEXIST;
	else if (a[1] > s->ds.segsz)
		error = EINVAL;
	else
		error = shm_access(s, &id, asked(flags));
	if (error == 0)
		*ret = s->id;
	kmutex_unlock(&k->shm_lock);
	return (error);
}

/* ---- shmat, shmdt ---- */

int
sys_shmat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const bool rdonly = (a[2] & SHM_RDONLY) != 0;
	vm_prot_t prot = rdonly ? VM_PROT_READ : VM_PROT_READ | VM_PROT_WRITE;
	struct vkernel *k = l->p->k;
	struct ids id = caller(l);
	vm_offset_t addr = a[1];
	struct vm_object *obj = NULL;
	uint64_t size = 0;
	struct kshm *s;
	int flags = VMM_SHARED, error = EINVAL;

	if ((a[2] & SHM_RND) != 0)
		addr = trunc_page(addr);
	if ((addr & PAGE_MASK) != 0 || ((a[2] & SHM_REMAP) != 0 && addr == 0))
		return (EINVAL);
	if (addr != 0)
		flags |= (a[2] & SHM_REMAP) != 0 ? VMM_FIXED : VMM_NOREPLACE;
	if ((a[2] & SHM_EXEC) != 0)
		prot |= VM_PROT_EXECUTE;
	kmutex_lock(&k->shm_lock);
	s = shm_by_id(k, (int)a[0]);
	if (s != NULL)
		error = shm_access(s, &id, rdonly ? 4 : 6);
	if (error == 0 && !vm_object_tryref(s->obj))
		error = EINVAL; /* the last one left just now */
	if (error == 0) {
		obj = s->obj;
		size = s->ds.segsz;
		s->ds.lpid = id.pid;
		s->ds.atime = seconds_now();
	}
	kmutex_unlock(&k->shm_lock);
	if (error != 0)
		return (error);
	error = vm_mmap(lwp_vmspace(l), &addr, size, prot,
	    rdonly ? prot : VM_PROT_ALL, flags, obj, 0);
	vm_object_free(obj);
	if (error == 0)
		*ret = (int64_t)addr;
	return (error == EEXIST ? EINVAL : error);
}

int
sys_shmdt(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vkernel *k = l->p->k;
	struct ids id = caller(l);
	struct vm_entry_info e;
	uint64_t size = 0;
	struct kshm *s;

	if ((a[0] & PAGE_MASK) != 0 ||
	    vmspace_entry_info(lwp_vmspace(l), a[0], &e) != 0 ||
	    e.start != a[0] || (e.eflags & MAP_ENTRY_SHARED) == 0)
		return (EINVAL);
	kmutex_lock(&k->shm_lock);
	TAILQ_FOREACH (s, &k->shms, link)
		if (s->obj->id == e.object_id)
			break;
	if (s != NULL) {
		size = s->ds.segsz;
		s->ds.lpid = id.pid;
		s->ds.dtime = seconds_now();
	}
	kmutex_unlock(&k->shm_lock);
	if (size == 0)
		return (EINVAL);
	return (vm_munmap(lwp_vmspace(l), a[0], round_page(size)));
}

/* ---- shmctl ---- */

/* Limits, or what there is; and the index of the last one. */
static int
shm_info(struct lwp *l, int cmd, vm_offset_t addr, int64_t *ret)
{
	struct lx_shminfo64 limits = {.max = SHM_SIZE_MAX,
	    .min = 1,
	    .mni = SHM_MAX,
	    .seg = SHM_MAX,
	    .all = OFF_TO_IDX(SHM_SIZE_MAX) * SHM_MAX};
	struct vkernel *k = l->p->k;
	struct lx_shm_info now = {0};
	struct kshm *s;

	kmutex_lock(&k->shm_lock);
	TAILQ_FOREACH (s, &k->shms, link) {
		if (over(s))
			continue;
		vm_object_lock(s->obj);
		now.used_ids++;
		now.tot += s->obj->size;
		now.rss += s->obj->resident;
		now.swp += s->obj->swapped;
		vm_object_unlock(s->obj);
	}
	kmutex_unlock(&k->shm_lock);
	*ret = now.used_ids == 0 ? 0 : now.used_ids - 1;
	if (cmd == SHM_INFO)
		return (copyout(lwp_vmspace(l), &now, addr, sizeof(now)));
	return (copyout(lwp_vmspace(l), &limits, addr, sizeof(limits)));
}

static int
shm_stat(const struct kshm *s, const struct ids *id, bool any,
    struct lx_shmid_ds *ds)
{
	int error = any ? 0 : shm_access(s, id, 4);

	if (error != 0)
		return (error);
	*ds = s->ds;
	ds->nattch = vm_life_refs(&s->obj->life);
	/* Our ref is no attachment. */
	if (!removed(s))
		ds->nattch--;
	return (0);
}

static int
shm_set(struct kshm *s, const struct ids *id, const struct lx_shmid_ds *ds)
{
	if (!shm_owner(s, id))
		return (EPERM);
	s->ds.uid = ds->uid;
	s->ds.gid = ds->gid;
	s->ds.mode = (s->ds.mode & ~0777u) | (ds->mode & 0777);
	s->ds.ctime = seconds_now();
	return (0);
}

int
sys_shmctl(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int cmd = (int)a[1] & ~0x100, error; /* without IPC_64 */
	struct vkernel *k = l->p->k;
	struct vm_object *gone = NULL;
	struct ids id = caller(l);
	struct lx_shmid_ds ds = {0};
	bool by_index = cmd == SHM_STAT || cmd == SHM_STAT_ANY;
	bool stat = by_index || cmd == IPC_STAT;
	struct kshm *s;

	if (cmd == IPC_INFO || cmd == SHM_INFO)
		return (shm_info(l, cmd, a[2], ret));
	if (cmd == IPC_SET &&
	    copyin(lwp_vmspace(l), &ds, a[2], sizeof(ds)) != 0)
		return (EFAULT);
	kmutex_lock(&k->shm_lock);
	s = by_index ? shm_by_index(k, (unsigned)a[0])
		     : shm_by_id(k, (int)a[0]);
	if (s == NULL)
		error = EINVAL;
	else if (stat)
		error = shm_stat(s, &id, cmd == SHM_STAT_ANY, &ds);
	else if (cmd == IPC_SET)
		error = shm_set(s, &id, &ds);
	else if (cmd == IPC_RMID || cmd == SHM_LOCK || cmd == SHM_UNLOCK)
		error = shm_owner(s, &id) ? 0 : EPERM;
	else
		error = EINVAL;
	if (error == 0 && by_index)
		*ret = s->id;
	if (error == 0 && cmd == IPC_RMID && !removed(s)) {
		s->ds.mode |= SHM_DEST;
		s->ds.key = IPC_PRIVATE;
		gone = s->obj;
	}
	kmutex_unlock(&k->shm_lock);
	if (gone != NULL)
		vm_object_free(gone);
	if (error == 0 && stat)
		error = copyout(lwp_vmspace(l), &ds, a[2], sizeof(ds));
	return (error);
}
