/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Vnodes: the life of a file in the kernel, its identity and its name.
 *
 * Purpose.  A vnode is the one handle of a file: descriptors, directories of
 * processes, mappings and running text all ref it.  This file creates, finds,
 * names, keeps and reclaims vnodes; their operations are in their vops.
 *
 * Concepts.  A vnode has a count of refs.  When the last ref is given up,
 * vops->inactive says whether the vnode is to be kept.  If so, and if the vnode
 * is hashed, it stays with zero refs on mount->inactive, where lookups find it.
 * At most VFS_MAXINACTIVE vnodes are kept; the oldest is reclaimed first.  Any
 * other vnode is reclaimed at once.
 *
 *      create          last vrele, kept            LRU overflow,
 *   ---------> active -----------------> inactive -------------> reclaimed
 *                ^ |                        |     mount destroyed   ^
 *                | |                        |                       |
 *                | +--- last vrele, not kept (unlinked, no pages) --+
 *                +-------- vnode_hash_get --+
 *
 * A vnode knows its parent vnode and the name it was last found by.  The
 * parent gives "..", which therefore never goes to the host, and both give
 * paths for /proc and messages.  A child refs its parent, so every vnode that
 * exists has its whole chain up to the root of its mount.
 *
 * Data structures.  mount->hash by (dev, ino) makes the vnode of a host file,
 * and so its page cache, unique in its mount.  Only hostfs hashes its vnodes.
 *
 * Locking and lifetime.
 *  - refs is atomic.  It goes from 1 to 0 only under mount->hash_lock, and
 *    from 0 to 1 only there too, in vnode_hash_get().  So a thread that holds
 *    the hash lock and sees 0 may take the vnode away.
 *  - A vnode with refs 0 is either on mount->inactive or owned by the thread
 *    that reclaims it.  It is unhashed before its reclaim begins.
 *  - parent and name change under vfs->mount_lock and the vnode's lock.  A walk
 *    up the chain, such as the check for cycles, needs mount_lock; a reader of
 *    one vnode needs only the lock of the vnode.
 *  - vrele() may do I/O: reclaim writes dirty pages back.  It must not be
 *    called with a lock of rank VNODE or above.
 *  - The write-back of dirty pages at reclaim runs with refs 0: vops->write
 *    must not depend on refs.
 *
 * Guarantees.  vrele() of a deep chain is iterative, so path depth cannot
 * exhaust the stack.  A vnode's memory is freed after its pages and the data of
 * its file system.
 *
 * Limits.  A file with several names has the one of its last lookup.  If the
 * host shows one directory at two places (bind mounts), ".." leads to the
 * place of the last lookup that makes no cycle.
 */

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vm/pager/vnode_pager.h"
#include "mem/vm_zone.h"
#include "vfs/core/fs.h"
#include "vfs/core/inotify_event.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/core/vnode_io.h"
#include "vm/object/vm_object.h"

static unsigned
vnode_hash_slot(uint64_t dev, uint64_t ino)
{
	uint64_t h =
	    (ino ^ (dev << 32 | dev >> 32)) * UINT64_C(0x9e3779b97f4a7c15);

	return ((unsigned)(h >> 56));
}

/*
 * A new vnode.
 * - One ref, which is the caller's; not hashed, no parent, no name.
 * - 0, ENOMEM.
 */
int
vnode_create(struct vmount *mp, enum vtype type, const struct vops *ops,
    void *data, uint64_t ino, struct vnode **vpp)
{
	struct vfs *vfs = mp->vfs;
	struct vnode *vp;

	vp = zalloc(vfs->z_vnode);
	if (vp == NULL)
		return (ENOMEM);
	memset(vp, 0, sizeof(*vp));
	atomic_init(&vp->refs, 1);
	atomic_init(&vp->writers, 0);
	atomic_init(&vp->texts, 0);
	atomic_init(&vp->npgouts, 0);
	atomic_init(&vp->nmounts, 0);
	vmount_hold(mp);
	vp->type = type;
	vp->ops = ops;
	vp->mount = mp;
	vp->data = data;
	vp->ino = ino;
	vp->dev = mp->dev;
	vp->id = atomic_fetch_add_explicit(
	    &vfs->sys->next_id, 1, memory_order_relaxed);
	kmutex_init(&vp->lock, "vnode", KRANK_VNODE, 0);
	kmutex_init(&vp->iolock, "vnode io", KRANK_VNIO, 0);
	LIST_INIT(&vp->pgouts);
	LIST_INIT(&vp->readers);
	*vpp = vp;
	return (0);
}

/* One more ref; the caller has one already. */
void
vref(struct vnode *vp)
{
	uint32_t old;

	old = atomic_fetch_add_explicit(&vp->refs, 1, memory_order_relaxed);
	KVERIFY(old > 0 && old < UINT32_MAX);
}

bool
vnode_tryref(struct vnode *vp)
{
	uint32_t old;

	old = atomic_load_explicit(&vp->refs, memory_order_relaxed);
	while (old != 0) {
		if (atomic_compare_exchange_weak_explicit(&vp->refs, &old,
			old + 1, memory_order_acquire, memory_order_relaxed))
			return (true);
	}
	return (false);
}

/*
 * Free a vnode with refs 0 that lookups cannot find.  Returns its parent, whose
 * ref now belongs to the caller.
 */
static struct vnode *
vnode_reclaim(struct vnode *vp)
{
	struct vmount *mp = vp->mount;
	struct vnode *parent;
	struct vm_object *obj;

	KVERIFY(!vp->hashed && !vp->idle);
	KVERIFY(atomic_load(&vp->texts) == 0 && atomic_load(&vp->nmounts) == 0);
	obj = vnode_object_peek(vp);
	if (obj != NULL && vp->ops->object == NULL)
		vnode_pager_dealloc(obj);
	KVERIFY(atomic_load(&vp->refs) == 0 && LIST_EMPTY(&vp->pgouts));
	KVERIFY(atomic_load(&vp->locks) == NULL);
	if (vp->ops->reclaim != NULL)
		vp->ops->reclaim(vp);
	parent = vp->parent;
	kmem_free(vp->name);
	kmutex_destroy(&vp->iolock);
	kmutex_destroy(&vp->lock);
	zfree(mp->vfs->z_vnode, vp);
	vmount_drop(mp); /* a parent has a ref of its own */
	return (parent);
}

static void
vnode_unhash(struct vnode *vp)
{
	kmutex_assert_owned(&vp->mount->hash_lock);
	if (vp->idle) {
		TAILQ_REMOVE(&vp->mount->inactive, vp, lru);
		vp->mount->ninactive--;
		vp->idle = false;
	}
	if (vp->hashed) {
		LIST_REMOVE(vp, hash);
		vp->hashed = false;
	}
}

/*
 * Give up a ref that is probably the last: keep the vnode, or reclaim it or the
 * oldest kept vnode.  Returns a vnode the caller must vrele() next, or NULL.
 */
static struct vnode *
vnode_lastref(struct vnode *vp)
{
	struct vmount *mp = vp->mount;
	struct vnode *victim = NULL;
	bool keep;

	keep = vp->ops->inactive != NULL && vp->ops->inactive(vp);
	kmutex_lock(&mp->hash_lock);
	if (atomic_fetch_sub_explicit(&vp->refs, 1, memory_order_acq_rel) !=
	    1) {
		kmutex_unlock(&mp->hash_lock);
		return (NULL);
	}
	if (keep && vp->hashed && !mp->dying) {
		TAILQ_INSERT_TAIL(&mp->inactive, vp, lru);
		vp->idle = true;
		if (++mp->ninactive > VFS_MAXINACTIVE)
			victim = TAILQ_FIRST(&mp->inactive);
	} else
		victim = vp;
	if (victim != NULL)
		vnode_unhash(victim);
	kmutex_unlock(&mp->hash_lock);
	return (victim == NULL ? NULL : vnode_reclaim(victim));
}

/*
 * Give up a ref.  NULL is legal.
 * - May do I/O; no lock of rank VNODE or above may be held.
 */
void
vrele(struct vnode *vp)
{
	struct vfs *watched;
	uint32_t old;

	while (vp != NULL) {
		old = atomic_load_explicit(&vp->refs, memory_order_relaxed);
		KVERIFY(old > 0);
		if (old == 1) {
			vp = vnode_lastref(vp);
			continue;
		}
		watched = NULL;
		if (atomic_load_explicit(&vp->watches, memory_order_relaxed) !=
		    0)
			watched = vp->mount->vfs;
		if (atomic_compare_exchange_weak_explicit(&vp->refs, &old,
			old - 1, memory_order_release, memory_order_relaxed) &&
		    (watched == NULL || !inotify_unused(watched, vp)))
			break;
	}
}

/* ---- identity ---- */

static struct vnode *
vnode_hash_find(struct vmount *mp, uint64_t dev, uint64_t ino, bool *idle)
{
	struct vnode *vp;

	kmutex_assert_owned(&mp->hash_lock);
	LIST_FOREACH (vp, &mp->hash[vnode_hash_slot(dev, ino)], hash) {
		if (vp->ino == ino && vp->dev == dev)
			break;
	}
	if (vp == NULL)
		return (NULL);
	if (idle != NULL)
		*idle = vp->idle;
	if (vp->idle) {
		TAILQ_REMOVE(&mp->inactive, vp, lru);
		mp->ninactive--;
		vp->idle = false;
	}
	atomic_fetch_add_explicit(&vp->refs, 1, memory_order_acquire);
	return (vp);
}

struct vnode *
vnode_hash_get(struct vmount *mp, uint64_t dev, uint64_t ino, bool *idle)
{
	struct vnode *vp;

	kmutex_lock(&mp->hash_lock);
	vp = vnode_hash_find(mp, dev, ino, idle);
	kmutex_unlock(&mp->hash_lock);
	return (vp);
}

struct vnode *
vnode_hash_insert(struct vnode *vp)
{
	struct vmount *mp = vp->mount;
	struct vnode *other;

	kmutex_lock(&mp->hash_lock);
	KASSERT(!vp->hashed);
	other = vnode_hash_find(mp, vp->dev, vp->ino, NULL);
	if (other == NULL) {
		LIST_INSERT_HEAD(
		    &mp->hash[vnode_hash_slot(vp->dev, vp->ino)], vp, hash);
		vp->hashed = true;
	}
	kmutex_unlock(&mp->hash_lock);
	return (other);
}

void
vnode_hash_remove(struct vnode *vp)
{
	KASSERT(atomic_load(&vp->refs) > 0);
	kmutex_lock(&vp->mount->hash_lock);
	vnode_unhash(vp);
	kmutex_unlock(&vp->mount->hash_lock);
}

void
vnode_flush_inactive(struct vmount *mp)
{
	struct vnode *vp;

	for (;;) {
		kmutex_lock(&mp->hash_lock);
		vp = TAILQ_FIRST(&mp->inactive);
		if (vp != NULL)
			vnode_unhash(vp);
		kmutex_unlock(&mp->hash_lock);
		if (vp == NULL)
			return;
		vrele(vnode_reclaim(vp));
	}
}

/* ---- names ---- */

bool
vnode_is_ancestor(struct vnode *anc, struct vnode *vp)
{
	struct vfs *vfs = anc->mount->vfs;

	kmutex_lock(&vfs->mount_lock);
	while (vp != NULL && vp != anc)
		vp = vp->parent;
	kmutex_unlock(&vfs->mount_lock);
	return (vp != NULL);
}

void
vnode_set_name(struct vnode *vp, struct vnode *dvp, const char *name)
{
	struct vfs *vfs = vp->mount->vfs;
	struct vnode *up, *old;
	char *copy, *oldname;
	bool same;

	if (vp->mount != dvp->mount || (vp->flags & VN_ROOT) != 0)
		return;
	if (atomic_load_explicit(&vp->unlinked, memory_order_relaxed) ==
	    VN_UNLINKED)
		atomic_store(&vp->unlinked, VN_LINKED);
	kmutex_lock(&vp->lock);
	same = vp->parent == dvp && vp->name != NULL &&
	       strcmp(vp->name, name) == 0;
	kmutex_unlock(&vp->lock);
	if (same)
		return;
	copy = kmem_strdup(name);
	if (copy == NULL)
		return;
	vref(dvp);
	kmutex_lock(&vfs->mount_lock);
	for (up = dvp; up != NULL && up != vp; up = up->parent)
		;
	if (up == NULL) {
		kmutex_lock(&vp->lock);
		old = vp->parent;
		oldname = vp->name;
		vp->parent = dvp;
		vp->name = copy;
		kmutex_unlock(&vp->lock);
	} else { /* dvp is below vp: a host bind mount */
		old = dvp;
		oldname = copy;
	}
	kmutex_unlock(&vfs->mount_lock);
	kmem_free(oldname);
	vrele(old);
}

struct vnode *
vnode_parent(struct vnode *vp)
{
	struct vnode *up;

	kmutex_lock(&vp->lock);
	up = vp->parent;
	if (up != NULL)
		vref(up);
	kmutex_unlock(&vp->lock);
	return (up);
}
