/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The table of mounts, which makes name spaces of file systems.
 *
 * Concepts.
 *  instance    A file system with its vnodes (struct vmount).  Makers such as
 *              tmpfs_mount_create() make it.
 *  mount       Shows an instance, or the part of it below one vnode, at a place
 *              (struct mnt).  A bind is a second mount of the same instance, so
 *              both show the same vnodes, pages and locks.  Read-only and the
 *              like are properties of a mount; VMNT_RDONLY of an instance is a
 *              ceiling that no mount can lift.
 *  place       A vnode and the mount through which it is seen (struct vplace).
 *              A mount covers a place: (parent mount, vnode).  Therefore the
 *              same directory, seen through two binds, can have something
 *              mounted on it in one of them only.
 *  name space  A tree of mounts (struct mntns); mntns.c changes it.
 *
 *	  name space --root--> mnt --root--> vnode of instance A
 *	                        ^              |
 *	            parent, and |              | .../etc
 *	            covers -----|------------> vnode
 *	                       mnt --root--> vnode of instance B
 *
 * Lookup goes down with mnt_on(), which finds the mount that covers a place in
 * a hash of the vfs, and up with mnt_covered().  A vnode counts the mounts that
 * cover it anywhere, so that a lookup of another vnode takes no lock.  Mounts
 * on one place stack: a later mount covers the root of the earlier mount.
 *
 * Locking and lifetime.  vfs->mount_lock protects the tables, the trees and the
 * names of vnodes.  A mount has a ref of the table while it is in a name space,
 * and one of each place that names it: working and root directories, open
 * files, walks, and its child mounts.  It refs its root and the covered vnode,
 * and has a use of its instance.  A mount that was taken out of its name space
 *(umount of a mount in use, the end of a name space) has no parent any more;
 * open files in it still work, and ".." ends at its root.
 *
 * Locked mounts.  What a mount covers may be meant to stay hidden: below /tmp
 * and /dev of a kernel are those of the host.  Such a mount is locked: it is
 * not unmounted or moved by itself, a bind of what is around it brings it
 * along, and when its parent is taken out of a name space, the locked mount
 * still covers its place there.  It has no ref of its parent then, and goes
 * with it.
 *
 * Guarantees.  A guest reaches no more of the host's files by mounts: a bind
 * starts at a vnode that the caller has found by a lookup, ".." ends at the
 * root of the mount, locked mounts cover what they cover, and flags only take
 * rights away.  The number of mounts of a vfs is bounded (VFS_MOUNTS_MAX).
 *
 * Life of an instance.  It has uses: its mounts, and the lists of the vfs. When
 * the last use goes, the instance keeps no vnode any more, but a vnode may
 * still be used by an open file or a mapping.  Each vnode has a ref of its
 * instance, and the last ref frees it.
 *
 * Limits.  Propagation is always private.  A directory that was moved out of
 * the part that a bind shows has no "..".
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libk/kassert.h"
#include "mem/kmem.h"
#include "mem/vm_types.h"
#include "mem/vm_zone.h"
#include "vfs/core/ctx.h"
#include "vfs/core/fs.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/mount_int.h"
#include "vfs/core/vfs.h"

/* ---- instances ---- */

int
vmount_create(struct vfs *vfs, const char *fstype, const char *source,
    unsigned flags, void (*destroy)(struct vmount *), struct vmount **mpp)
{
	struct vmount *mp;

	mp = kmem_zalloc(sizeof(*mp));
	if (mp == NULL)
		return (ENOMEM);
	mp->vfs = vfs;
	mp->fstype = fstype;
	(void)snprintf(mp->source, sizeof(mp->source), "%s", source);
	mp->flags = flags;
	mp->destroy = destroy;
	mp->dev =
	    atomic_fetch_add_explicit(&vfs->next_dev, 1, memory_order_relaxed);
	atomic_init(&mp->uses, 1);
	atomic_init(&mp->refs, 1);
	kmutex_init(&mp->hash_lock, "vnode hash", KRANK_VNHASH, 0);
	for (unsigned i = 0; i < sizeof(mp->hash) / sizeof(mp->hash[0]); i++)
		LIST_INIT(&mp->hash[i]);
	TAILQ_INIT(&mp->inactive);
	*mpp = mp;
	return (0);
}

void
vmount_set_source(struct vmount *mp, const char *source)
{
	(void)snprintf(mp->source, sizeof(mp->source), "%s",
	    source[0] != '\0' ? source : "none");
}

void
vmount_use(struct vmount *mp)
{
	uint32_t old = atomic_fetch_add(&mp->uses, 1);

	KVERIFY(old > 0 && old < UINT32_MAX);
}

void
vmount_hold(struct vmount *mp)
{
	uint64_t old =
	    atomic_fetch_add_explicit(&mp->refs, 1, memory_order_relaxed);

	KVERIFY(old > 0);
}

void
vmount_drop(struct vmount *mp)
{
	if (atomic_fetch_sub(&mp->refs, 1) != 1)
		return;
	for (unsigned i = 0; i < sizeof(mp->hash) / sizeof(mp->hash[0]); i++)
		KVERIFY(LIST_EMPTY(&mp->hash[i]));
	if (mp->destroy != NULL)
		mp->destroy(mp);
	kmutex_destroy(&mp->hash_lock);
	kmem_free(mp);
}

void
vmount_destroy(struct vmount *mp)
{
	uint32_t old = atomic_fetch_sub(&mp->uses, 1);

	KVERIFY(old > 0);
	if (old > 1)
		return;
	kmutex_lock(&mp->hash_lock);
	mp->dying = true;
	kmutex_unlock(&mp->hash_lock);
	vnode_flush_inactive(mp);
	vrele(mp->root);
	vnode_flush_inactive(mp);
	vmount_drop(mp);
}

/* ---- refs ---- */

void
mnt_ref(struct mnt *m)
{
	uint32_t old =
	    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);

	KVERIFY(old > 0 && old < UINT32_MAX);
}

/* m ends: take the locked mounts off that cover places of it.  Lock held. */
static void
orphans(struct mnt *m, struct mnt_list *left)
{
	struct vfs *vfs = mnt_vfs(m);
	struct mnt *x, *next;

	for (size_t i = 0; i < VFS_MNT_BUCKETS; i++)
		for (x = LIST_FIRST(&vfs->mnt_hash[i]); x != NULL; x = next) {
			next = LIST_NEXT(x, hash);
			if (x->parent != m)
				continue;
			mnt_put(x, NULL, &x->was);
			TAILQ_INSERT_TAIL(left, x, link);
		}
}

void
mnt_rele_list(struct mnt_list *list)
{
	struct mnt *m;

	while ((m = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, m, link);
		vplace_rele(&m->was);
		mnt_rele(m);
	}
}

void
mnt_rele(struct mnt *m)
{
	struct mnt_list left;
	struct vmount *fs;
	struct vfs *vfs;
	uint32_t old;

	if (m == NULL)
		return;
	old = atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel);
	KVERIFY(old > 0);
	if (old > 1)
		return;
	KVERIFY(m->ns == NULL && m->parent == NULL);
	KVERIFY(atomic_load(&m->writers) == 0);
	fs = m->fs;
	vfs = fs->vfs;
	TAILQ_INIT(&left);
	kmutex_lock(&vfs->mount_lock);
	vfs->nmnts--;
	if (atomic_load(&m->nchildren) != 0)
		orphans(m, &left);
	kmutex_unlock(&vfs->mount_lock);
	KVERIFY(atomic_load(&m->nchildren) == 0);
	mnt_rele_list(&left);
	vrele(m->root);
	vmount_destroy(fs);
	zfree(vfs->z_mnt, m);
}

/* For a parent that may be on its way out.  Lock held. */
static bool
mnt_tryref(struct mnt *m)
{
	uint32_t old = atomic_load(&m->refs);

	while (old != 0)
		if (atomic_compare_exchange_weak(&m->refs, &old, old + 1))
			return (true);
	return (false);
}

void
vplace_ref(const struct vplace *p)
{
	if (p->mnt != NULL)
		mnt_ref(p->mnt);
	if (p->vp != NULL)
		vref(p->vp);
}

void
vplace_rele(struct vplace *p)
{
	vrele(p->vp);
	mnt_rele(p->mnt);
	*p = (struct vplace){0};
}

int
mnt_create_locked(struct vmount *fs, struct vnode *root, const char *fstype,
    unsigned flags, struct mnt **out)
{
	struct vfs *vfs = fs->vfs;
	struct mnt *m;

	kmutex_assert_owned(&vfs->mount_lock);
	if (vfs->nmnts >= VFS_MOUNTS_MAX)
		return (ENOSPC);
	m = zalloc(vfs->z_mnt);
	if (m == NULL)
		return (ENOMEM);
	memset(m, 0, sizeof(*m));
	atomic_init(&m->refs, 1);
	atomic_init(&m->flags, flags & VMNT_ALL);
	atomic_init(&m->writers, 0);
	atomic_init(&m->nchildren, 0);
	m->fs = fs;
	m->root = root;
	m->fstype = fstype != NULL ? fstype : fs->fstype;
	vref(root);
	m->id = VFS_MNT_FIRST + atomic_fetch_add(&vfs->next_mount, 1);
	vfs->nmnts++;
	*out = m;
	return (0);
}

int
mnt_create(struct vmount *fs, struct vnode *root, const char *fstype,
    unsigned flags, struct mnt **out)
{
	int error;

	kmutex_lock(&fs->vfs->mount_lock);
	error = mnt_create_locked(fs, root, fstype, flags, out);
	kmutex_unlock(&fs->vfs->mount_lock);
	return (error);
}

unsigned
mnt_id(const struct mnt *m)
{
	return (m != NULL ? m->id : VFS_MNT_NONE);
}

/* ---- the table ---- */

static struct mnt_bucket *
hash_head(struct vfs *vfs, const struct vplace *p)
{
	const uint64_t h = ((uintptr_t)p->mnt >> 4 ^ p->vp->ino) *
			   UINT64_C(0x9e3779b97f4a7c15);

	return (&vfs->mnt_hash[h >> 32 & (VFS_MNT_BUCKETS - 1)]);
}

struct mnt *
mnt_find(const struct vplace *p)
{
	struct vfs *vfs = mnt_vfs(p->mnt);
	struct mnt *m;

	kmutex_assert_owned(&vfs->mount_lock);
	LIST_FOREACH (m, hash_head(vfs, p), hash)
		if (m->parent == p->mnt &&
		    (m->covers == p->vp ||
			(p->vp->mount->fresh && m->covers->ino == p->vp->ino &&
			    m->covers->mount == p->vp->mount)))
			break;
	return (m);
}

void
mnt_put(struct mnt *m, const struct vplace *on, struct vplace *was)
{
	struct vfs *vfs = mnt_vfs(m);

	kmutex_assert_owned(&vfs->mount_lock);
	/* Out of a name space the parent is not ref'ed. */
	*was = (struct vplace){m->ns != NULL ? m->parent : NULL, m->covers};
	if (m->parent != NULL) {
		LIST_REMOVE(m, hash);
		atomic_fetch_sub(&m->parent->nchildren, 1);
		atomic_fetch_sub(&m->covers->nmounts, 1);
	}
	m->parent = NULL;
	m->covers = NULL;
	if (on == NULL)
		return;
	vplace_ref(on);
	m->parent = on->mnt;
	m->covers = on->vp;
	atomic_fetch_add(&on->mnt->nchildren, 1);
	LIST_INSERT_HEAD(hash_head(vfs, on), m, hash);
	/* Lookups that see the count must find the mount: release. */
	atomic_fetch_add(&on->vp->nmounts, 1);
}

void
mnt_attach(struct mntns *ns, struct mnt *m, const struct vplace *on)
{
	struct vplace was;

	kmutex_assert_owned(&ns->vfs->mount_lock);
	KASSERT(m->ns == NULL && m->parent == NULL);
	m->ns = ns;
	TAILQ_INSERT_TAIL(&ns->mounts, m, link);
	ns->nmounts++;
	if (on == NULL) {
		KASSERT(ns->root == NULL);
		ns->root = m;
	} else
		mnt_put(m, on, &was);
}

bool
mnt_above(const struct mnt *up, const struct mnt *m)
{
	while (m != NULL && m != up)
		m = m->parent;
	return (m != NULL);
}

struct mnt *
mnt_on(const struct vplace *p)
{
	struct vfs *vfs;
	struct mnt *m;

	if (p->mnt == NULL)
		return (NULL);
	if (p->vp->mount->fresh ? atomic_load(&p->mnt->nchildren) == 0
				: atomic_load(&p->vp->nmounts) == 0)
		return (NULL);
	vfs = mnt_vfs(p->mnt);
	kmutex_lock(&vfs->mount_lock);
	m = mnt_find(p);
	if (m != NULL)
		mnt_ref(m);
	kmutex_unlock(&vfs->mount_lock);
	return (m);
}

bool
mnt_covered(struct mnt *m, struct vplace *out)
{
	struct vfs *vfs = mnt_vfs(m);
	bool found;

	kmutex_lock(&vfs->mount_lock);
	found = m->parent != NULL && mnt_tryref(m->parent);
	if (found) {
		*out = (struct vplace){m->parent, m->covers};
		vref(m->covers);
	}
	kmutex_unlock(&vfs->mount_lock);
	return (found);
}

bool
mnt_is_root(const struct mnt *m, const struct vnode *vp)
{
	return (m != NULL ? vp == m->root : (vp->flags & VN_ROOT) != 0);
}

struct mnt *
mnt_of_vnode(struct vfs *vfs, const struct mnt *near, struct vnode *vp)
{
	struct mntns *ns;
	struct mnt *m = NULL;
	struct vnode *up;

	kmutex_lock(&vfs->mount_lock);
	ns = near != NULL ? near->ns : vfs->ns;
	if (ns != NULL)
		TAILQ_FOREACH (m, &ns->mounts, link) {
			if (m->fs != vp->mount)
				continue;
			for (up = vp; up != NULL && up != m->root;)
				up = up->parent;
			if (up != NULL)
				break;
		}
	if (m != NULL)
		mnt_ref(m);
	kmutex_unlock(&vfs->mount_lock);
	return (m);
}

/* ---- what a mount permits ---- */

int
mnt_access(const struct mnt *m, struct vnode *vp, unsigned bits,
    const struct vfs_ctx *ctx)
{
	if ((bits & 2) != 0 && mnt_has(m, VMNT_RDONLY) &&
	    (vp->type == VREG || vp->type == VDIR || vp->type == VLNK))
		return (EROFS);
	return (vn_access(vp, bits, ctx));
}

/* mntns_remount() sets the flag and then looks at the count, so one of the two
 * sees the other. */
int
mnt_writer_ref(struct mnt *m)
{
	atomic_fetch_add(&m->writers, 1);
	if ((atomic_load(&m->flags) & VMNT_RDONLY) == 0)
		return (0);
	mnt_writer_rele(m);
	return (EROFS);
}

void
mnt_writer_rele(struct mnt *m)
{
	unsigned old = atomic_fetch_sub(&m->writers, 1);

	KVERIFY(old > 0);
}

/* ---- paths ---- */

/*
 * Put "/name" in front of buf[*at].
 */
static int
path_prepend(char *buf, size_t *at, const char *name)
{
	size_t len = strlen(name);

	if (*at < len + 1)
		return (ENAMETOOLONG);
	*at -= len;
	memcpy(buf + *at, name, len);
	buf[--*at] = '/';
	return (0);
}

/* Has the way up reached root?  Its mount may be unknown. */
static bool
path_at(const struct vplace *at, const struct vplace *root)
{
	return (root != NULL && at->vp == root->vp &&
		(root->mnt == NULL || root->mnt == at->mnt));
}

int
vplace_path_locked(
    struct vplace p, const struct vplace *root, char *buf, size_t size)
{
	size_t at = size;
	int error = 0;

	if (size < 2)
		return (ENAMETOOLONG);
	buf[--at] = '\0';
	while (!path_at(&p, root)) {
		if (mnt_is_root(p.mnt, p.vp)) {
			if (p.mnt != NULL && p.mnt->parent != NULL) {
				p = (struct vplace){
				    p.mnt->parent, p.mnt->covers};
				continue;
			}
			if (root != NULL || p.mnt == NULL)
				error = ENOENT;
			break;
		}
		if (p.vp->name == NULL || p.vp->parent == NULL)
			error = ENOENT;
		else
			error = path_prepend(buf, &at, p.vp->name);
		if (error != 0)
			break;
		p.vp = p.vp->parent;
	}
	if (error != 0)
		return (error);
	if (buf[at] == '\0')
		buf[--at] = '/';
	memmove(buf, buf + at, size - at);
	return (0);
}

int
vplace_path(
    const struct vplace *p, const struct vplace *root, char *buf, size_t size)
{
	struct vfs *vfs = p->vp->mount->vfs;
	int error;

	kmutex_lock(&vfs->mount_lock);
	error = vplace_path_locked(*p, root, buf, size);
	kmutex_unlock(&vfs->mount_lock);
	return (error);
}

int
vnode_path(struct vnode *vp, const struct vnode *root, char *buf, size_t size)
{
	struct vfs *vfs = vp->mount->vfs;
	const struct vplace from = {NULL, (struct vnode *)(uintptr_t)root};
	struct vplace p = {mnt_of_vnode(vfs, NULL, vp), vp};
	int error;

	error = vplace_path(&p, root != NULL ? &from : NULL, buf, size);
	mnt_rele(p.mnt);
	return (error);
}

/* ---- the mounts of the start ---- */

/* Find where to mount, ref'ed: on top of what is mounted there. */
static int
mount_point(
    struct vfs *vfs, struct vmount *fs, const char *path, struct vplace *on)
{
	struct vfs_ctx ctx = {.vfs = vfs,
	    .caps = VFS_CAPS_ALL,
	    .cwd = vfs->root,
	    .root = vfs->root};
	struct nameidata nd;
	int error;

	if (vfs->root.vp == NULL)
		return (ENOENT);
	error = namei(&ctx, NULL, path, NAMEI_MNT, &nd);
	if (error != 0)
		return (error);
	*on = (struct vplace){nd.mnt, nd.vp};
	if ((nd.vp->type == VDIR) == (fs->root->type == VDIR))
		return (0);
	vplace_rele(on);
	return (ENOTDIR);
}

/* Keep the instance until the end, and use a new root. */
static void
mount_done(struct vfs *vfs, struct mnt *m, const struct vplace *on)
{
	struct vplace old = {0};

	kmutex_lock(&vfs->mount_lock);
	TAILQ_INSERT_TAIL(&vfs->mounts, m->fs, link);
	/* What it covers may be files of the host that are not granted. */
	m->locked = on->vp != NULL;
	mnt_attach(vfs->ns, m, on->vp != NULL ? on : NULL);
	if (on->vp == NULL || vplace_same(on, &vfs->root)) {
		old = vfs->root;
		vfs->root = (struct vplace){m, m->root};
		vplace_ref(&vfs->root);
	}
	kmutex_unlock(&vfs->mount_lock);
	vplace_rele(&old);
}

struct vmount *
vfs_instance(struct vfs *vfs, const char *fstype)
{
	struct vmount *fs;

	kmutex_lock(&vfs->mount_lock);
	TAILQ_FOREACH (fs, &vfs->mounts, link)
		if (strcmp(fs->fstype, fstype) == 0)
			break;
	kmutex_unlock(&vfs->mount_lock);
	return (fs);
}

int
vfs_mount(struct vfs *vfs, struct vmount *fs, const char *path)
{
	struct vplace on = {0};
	struct mnt *m;
	int error = 0;

	fs->root->flags |= VN_ROOT;
	if (path != NULL)
		error = mount_point(vfs, fs, path, &on);
	else if (vfs->root.vp != NULL)
		error = EBUSY;
	if (error == 0)
		error = mnt_create(fs, fs->root, NULL, fs->flags, &m);
	if (error != 0) {
		vplace_rele(&on);
		vmount_destroy(fs);
		return (error);
	}
	vmount_use(fs); /* of the list */
	mount_done(vfs, m, &on);
	vplace_rele(&on);
	return (0);
}
