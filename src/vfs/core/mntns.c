/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Name spaces of mounts, and the changes of them.
 *
 * Concepts.  A name space is a tree of mounts with a list of all of them.  Each
 * change finds its places by lookups first, then takes vfs->mount_lock, checks
 * that the places are still in the name space, and changes the tree.  What has
 * to be given up is collected and released after the lock, because the last ref
 * of a mount may write pages back.
 *
 * A copy of a tree (a bind with MS_REC, a new name space) makes all mounts
 * first, without a place, and then puts each one on the copy of its parent.
 * Therefore the order of the list does not matter, and a failure in between
 * only discards mounts that no lookup has seen.
 *
 * Lifetime.  A name space lives as long as a process or an open file of
 * /proc/PID/ns has a ref.  Its mounts have no ref of it: with the last ref they
 * are taken out, and those that open files still use live on by themselves.
 *
 * Limits.  Mounts do not propagate.  A plain umount is refused with EBUSY while
 * anything refs the mount, also a lookup in progress.
 */
#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "mem/vm_types.h"
#include "mem/vm_zone.h"
#include "vfs/core/fs.h"
#include "vfs/core/inotify_event.h"
#include "vfs/core/mount.h"
#include "vfs/core/mount_int.h"
#include "vfs/core/vfs.h"

/* ---- lifetime ---- */

int
mntns_create(struct vfs *vfs, struct mntns **out)
{
	struct mntns *ns;

	ns = zalloc(vfs->z_mntns);
	if (ns == NULL)
		return (ENOMEM);
	memset(ns, 0, sizeof(*ns));
	kmutex_lock(&vfs->mount_lock);
	if (vfs->nmntns >= VFS_MNTNS_MAX) {
		kmutex_unlock(&vfs->mount_lock);
		zfree(vfs->z_mntns, ns);
		return (ENOSPC);
	}
	vfs->nmntns++;
	kmutex_unlock(&vfs->mount_lock);
	atomic_init(&ns->refs, 1);
	ns->vfs = vfs;
	ns->ino = atomic_fetch_add(&vfs->next_ns, 1);
	TAILQ_INIT(&ns->mounts);
	*out = ns;
	return (0);
}

void
mntns_ref(struct mntns *ns)
{
	uint32_t old =
	    atomic_fetch_add_explicit(&ns->refs, 1, memory_order_relaxed);

	KVERIFY(old > 0 && old < UINT32_MAX);
}

/* Take m and what is below it out of its name space.  Lock held. */
static void
tree_remove(struct mnt *m, struct mnt_list *dead)
{
	struct mntns *ns = m->ns;
	struct mnt *x, *next;

	kmutex_assert_owned(&ns->vfs->mount_lock);
	for (x = TAILQ_FIRST(&ns->mounts); x != NULL; x = next) {
		next = TAILQ_NEXT(x, link);
		if (x != m && (m->nchildren == 0 || !mnt_above(m, x)))
			continue;
		TAILQ_REMOVE(&ns->mounts, x, link);
		ns->nmounts--;
		TAILQ_INSERT_TAIL(dead, x, link);
	}
	for (x = TAILQ_FIRST(dead); x != NULL; x = next) {
		next = TAILQ_NEXT(x, link);
		if (x->locked && x != m) {
			/* It covers its place until the parent ends.  The
			 * parent has the table's ref still, so this ref of it
			 * is not the last one. */
			TAILQ_REMOVE(dead, x, link);
			atomic_fetch_sub(&x->parent->refs, 1);
		} else
			mnt_put(x, NULL, &x->was);
		x->ns = NULL;
	}
	if (ns->root == m)
		ns->root = NULL;
}

void
mntns_free(struct mntns *ns)
{
	struct mnt_list dead = TAILQ_HEAD_INITIALIZER(dead);
	struct vfs *vfs;

	if (ns == NULL || atomic_fetch_sub(&ns->refs, 1) != 1)
		return;
	vfs = ns->vfs;
	kmutex_lock(&vfs->mount_lock);
	if (ns->root != NULL)
		tree_remove(ns->root, &dead);
	KVERIFY(ns->nmounts == 0 && TAILQ_EMPTY(&ns->mounts));
	vfs->nmntns--;
	kmutex_unlock(&vfs->mount_lock);
	mnt_rele_list(&dead);
	if (ns->owner_free != NULL)
		ns->owner_free(ns->owner);
	zfree(vfs->z_mntns, ns);
}

/* ---- copies ---- */

/* A copy of m that shows `root`, for the list of copies.  Lock held. */
static int
copy_one(struct mnt *m, struct vnode *root, struct mnt_list *copies,
    struct mnt **out)
{
	struct mnt *c;
	int error;

	error = mnt_create_locked(
	    m->fs, root, m->fstype, atomic_load(&m->flags), &c);
	if (error != 0)
		return (error);
	vmount_use(m->fs);
	c->locked = m->locked;
	c->keep = m->keep;
	TAILQ_INSERT_TAIL(copies, c, link);
	m->copy = c;
	*out = c;
	return (0);
}

static void
copies_forget(struct mntns *ns)
{
	struct mnt *m;

	TAILQ_FOREACH (m, &ns->mounts, link)
		m->copy = NULL;
}

/* Put the copies into `to`: below their copied parents, and first on `on`
 * (NULL: as its root).  m: those of `from` that have a copy.  Lock held. */
static void
copies_attach(struct mntns *from, struct mntns *to, struct mnt *first,
    const struct vplace *on, struct mnt_list *copies)
{
	struct vplace was;
	struct mnt *m, *c;

	TAILQ_REMOVE(copies, first, link);
	mnt_attach(to, first, on);
	while ((c = TAILQ_FIRST(copies)) != NULL) {
		TAILQ_REMOVE(copies, c, link);
		c->ns = to;
		TAILQ_INSERT_TAIL(&to->mounts, c, link);
		to->nmounts++;
	}
	TAILQ_FOREACH (m, &from->mounts, link)
		if (m->copy != NULL && m->copy != first)
			mnt_put(m->copy,
			    &(struct vplace){m->parent->copy, m->covers}, &was);
}

int
mntns_copy(struct mntns *ns, struct vplace *at[], unsigned n, bool lock,
    struct mntns **out)
{
	struct mnt_list copies = TAILQ_HEAD_INITIALIZER(copies);
	struct vfs *vfs = ns->vfs;
	struct mnt *m, *c, *first = NULL;
	struct mntns *new;
	int error;

	error = mntns_create(vfs, &new);
	if (error != 0)
		return (error);
	kmutex_lock(&vfs->mount_lock);
	TAILQ_FOREACH (m, &ns->mounts, link) {
		error = copy_one(m, m->root, &copies, &c);
		if (error != 0)
			break;
		if (m == ns->root)
			first = c;
		if (lock) {
			c->locked = m != ns->root;
			c->keep |= atomic_load(&m->flags) & VMNT_KEEP;
		}
	}
	if (error == 0 && first == NULL)
		error = ENOENT; /* everything was unmounted */
	if (error == 0)
		copies_attach(ns, new, first, NULL, &copies);
	for (unsigned i = 0; error == 0 && i < n; i++) {
		m = at[i]->mnt;
		if (m == NULL || m->ns != ns)
			continue;
		/* The ref of the tree stays, so this is not the last one. */
		mnt_ref(m->copy);
		at[i]->mnt = m->copy;
		atomic_fetch_sub(&m->refs, 1);
	}
	copies_forget(ns);
	kmutex_unlock(&vfs->mount_lock);
	mnt_rele_list(&copies);
	if (error != 0)
		mntns_free(new);
	else
		*out = new;
	return (error);
}

/* ---- changes ---- */

/* Is the place one of ns, and where may something be mounted?  *top: on what
 * is mounted there.  Lock held. */
static int
place_check(struct mntns *ns, const struct vplace *on, struct vplace *top)
{
	struct mnt *m;

	kmutex_assert_owned(&ns->vfs->mount_lock);
	if (on->mnt == NULL || on->mnt->ns != ns)
		return (EINVAL);
	if ((on->vp->flags & VN_NO_BIND) != 0)
		return (ENOENT); /* no name leads to it */
	if (atomic_load(&on->vp->unlinked) == VN_UNLINKED)
		return (ENOENT);
	*top = *on;
	while ((m = mnt_find(top)) != NULL)
		*top = (struct vplace){m, m->root};
	return (0);
}

bool
mntns_top(struct mntns *ns, struct vplace *out)
{
	struct vplace root = {0};

	kmutex_lock(&ns->vfs->mount_lock);
	if (ns->root != NULL) {
		root = (struct vplace){ns->root, ns->root->root};
		(void)place_check(ns, &root, out);
		vplace_ref(out);
	}
	kmutex_unlock(&ns->vfs->mount_lock);
	return (root.mnt != NULL);
}

int
mntns_mount(struct mntns *ns, struct vmount *fs, struct vnode *root,
    const char *fstype, unsigned flags, const struct vplace *on)
{
	struct vfs *vfs = ns->vfs;
	struct vplace top;
	struct mnt *m;
	int error;

	if (root == NULL)
		root = fs->root;
	kmutex_lock(&vfs->mount_lock);
	error = place_check(ns, on, &top);
	if (error == 0 && (root->type == VDIR) != (top.vp->type == VDIR))
		error = ENOTDIR;
	if (error == 0 && top.vp == root && top.mnt->fs == fs)
		error = EBUSY;
	if (error == 0)
		error = mnt_create_locked(fs, root, fstype, flags, &m);
	if (error == 0)
		mnt_attach(ns, m, &top);
	kmutex_unlock(&vfs->mount_lock);
	return (error);
}

/* Is vp `up`, or below it in its instance?  Lock held. */
static bool
vnode_below(const struct vnode *vp, const struct vnode *up)
{
	while (vp != NULL && vp != up)
		vp = vp->parent;
	return (vp != NULL);
}

/* Does a bind of `from` with MS_REC show m?  Lock held. */
static bool
bind_shows(const struct mnt *m, const struct vplace *from)
{
	while (m != NULL && m->parent != from->mnt)
		m = m->parent;
	return (m != NULL && vnode_below(m->covers, from->vp));
}

/* Is m locked, and all between it and the mount of `from`?  Lock held. */
static bool
locked_below(const struct mnt *m, const struct vplace *from)
{
	while (m != NULL && m != from->mnt && m->locked)
		m = m->parent;
	return (m == from->mnt);
}

int
mntns_bind(struct mntns *ns, const struct vplace *from, const struct vplace *on,
    bool rec)
{
	struct mnt_list copies = TAILQ_HEAD_INITIALIZER(copies);
	struct vfs *vfs = ns->vfs;
	struct mnt *m, *c, *first;
	struct vplace top;
	int error;

	kmutex_lock(&vfs->mount_lock);
	error = place_check(ns, on, &top);
	if (error == 0 && (from->mnt == NULL || from->mnt->ns != ns ||
			      (from->vp->flags & VN_NO_BIND) != 0))
		error = EINVAL;
	if (error == 0 && (from->vp->type == VDIR) != (top.vp->type == VDIR))
		error = ENOTDIR;
	if (error == 0)
		error = copy_one(from->mnt, from->vp, &copies, &first);
	if (error == 0) {
		first->locked = false;
		TAILQ_FOREACH (m, &ns->mounts, link) {
			if (m == from->mnt || !(rec || locked_below(m, from)) ||
			    !bind_shows(m, from))
				continue;
			error = copy_one(m, m->root, &copies, &c);
			if (error != 0)
				break;
		}
	}
	if (error == 0)
		copies_attach(ns, ns, first, &top, &copies);
	copies_forget(ns);
	kmutex_unlock(&vfs->mount_lock);
	mnt_rele_list(&copies);
	return (error);
}

int
mntns_move(struct mntns *ns, const struct vplace *from, const struct vplace *on)
{
	struct vfs *vfs = ns->vfs;
	struct vplace top, was = {0};
	struct mnt *m = from->mnt;
	int error;

	kmutex_lock(&vfs->mount_lock);
	error = place_check(ns, on, &top);
	if (error == 0 &&
	    (m == NULL || m->ns != ns || from->vp != m->root ||
		m->parent == NULL || m->locked ||
		(m->root->type == VDIR) != (top.vp->type == VDIR)))
		error = EINVAL;
	if (error == 0 && mnt_above(m, top.mnt))
		error = ELOOP;
	if (error == 0)
		mnt_put(m, &top, &was);
	kmutex_unlock(&vfs->mount_lock);
	vplace_rele(&was);
	return (error);
}

int
mntns_check(struct mntns *ns, const struct vplace *at)
{
	bool good;

	kmutex_lock(&ns->vfs->mount_lock);
	good = at->mnt != NULL && at->mnt->ns == ns && at->vp == at->mnt->root;
	kmutex_unlock(&ns->vfs->mount_lock);
	return (good ? 0 : EINVAL);
}

int
mntns_remount(struct mntns *ns, const struct vplace *at, unsigned flags)
{
	struct vfs *vfs = ns->vfs;
	struct mnt *m = at->mnt;
	unsigned old;
	int error = 0;

	kmutex_lock(&vfs->mount_lock);
	if (m == NULL || m->ns != ns || at->vp != m->root) {
		kmutex_unlock(&vfs->mount_lock);
		return (EINVAL);
	}
	if ((m->keep & ~flags) != 0) {
		kmutex_unlock(&vfs->mount_lock);
		return (EPERM);
	}
	old = atomic_exchange(&m->flags, flags & VMNT_ALL);
	if ((flags & ~old & VMNT_RDONLY) != 0 &&
	    atomic_load(&m->writers) != 0) {
		atomic_store(&m->flags, old);
		error = EBUSY;
	}
	kmutex_unlock(&vfs->mount_lock);
	return (error);
}

int
mntns_umount(struct mntns *ns, const struct vplace *at,
    const struct vplace *root, bool detach)
{
	struct mnt_list dead = TAILQ_HEAD_INITIALIZER(dead);
	struct vfs *vfs = ns->vfs;
	struct mnt *m = at->mnt;
	int error = 0;

	kmutex_lock(&vfs->mount_lock);
	if (m == NULL || m->ns != ns || at->vp != m->root || m->locked)
		error = EINVAL;
	else if (m->parent == NULL) /* the root of the name space stays */
		error = detach ? EINVAL : EBUSY;
	/* One ref is the table's, one the caller's. */
	else if (!detach && (m->nchildren != 0 || m == root->mnt ||
				atomic_load(&m->refs) > 2))
		error = EBUSY;
	else
		tree_remove(m, &dead);
	kmutex_unlock(&vfs->mount_lock);
	mnt_rele_list(&dead);
	return (error);
}

/* The checks of pivot_root(2).  Lock held. */
static int
pivot_check(struct mntns *ns, const struct vplace *fresh,
    const struct vplace *old, const struct vplace *root)
{
	if (fresh->mnt == NULL || old->mnt == NULL || root->mnt == NULL ||
	    fresh->mnt->ns != ns || old->mnt->ns != ns || root->mnt->ns != ns)
		return (EINVAL);
	if (fresh->mnt == root->mnt || old->mnt == root->mnt)
		return (EBUSY);
	if (root->vp != root->mnt->root || fresh->vp != fresh->mnt->root ||
	    fresh->mnt->parent == NULL || fresh->mnt->locked)
		return (EINVAL);
	if (!mnt_above(fresh->mnt, old->mnt) ||
	    !mnt_above(root->mnt, fresh->mnt))
		return (EINVAL);
	return (old->vp->type == VDIR ? 0 : ENOTDIR);
}

int
mntns_pivot(struct mntns *ns, const struct vplace *fresh,
    const struct vplace *old, const struct vplace *root)
{
	struct vplace was = {0}, above = {0}, none, top;
	struct vfs *vfs = ns->vfs;
	int error;

	kmutex_lock(&vfs->mount_lock);
	error = pivot_check(ns, fresh, old, root);
	if (error == 0)
		error = place_check(ns, old, &top);
	if (error == 0) {
		mnt_put(fresh->mnt, NULL, &was);
		mnt_put(root->mnt, &top, &above);
		fresh->mnt->locked = root->mnt->locked;
		root->mnt->locked = false;
		if (above.mnt != NULL)
			mnt_put(fresh->mnt, &above, &none);
		else
			ns->root = fresh->mnt;
	}
	kmutex_unlock(&vfs->mount_lock);
	vplace_rele(&was);
	vplace_rele(&above);
	return (error);
}

void
mntns_each(struct mntns *ns, const struct vplace *root,
    bool (*fn)(void *arg, const struct mnt *, const char *path), void *arg)
{
	char path[VFS_PATH_MAX];
	struct mnt *m;

	kmutex_lock(&ns->vfs->mount_lock);
	TAILQ_FOREACH (m, &ns->mounts, link) {
		const struct vplace at = {m, m->root};

		if (vplace_path_locked(at, root, path, sizeof(path)) == 0 &&
		    !fn(arg, m, path))
			break;
	}
	kmutex_unlock(&ns->vfs->mount_lock);
}
