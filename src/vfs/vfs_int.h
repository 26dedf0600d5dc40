/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What file systems and the vfs core share and other layers do not see:
 * making mounts, the vnode hash, names of vnodes, write ranges.
 */
#ifndef VFS_VFS_INT_H
#define VFS_VFS_INT_H

#include "vfs/vfs.h"

/* A byte range in flight; see vnode_io.c. */
struct vn_range {
	uint64_t off, end;         /* [I] end exclusive */
	bool clash;                /* [v] the writer: redo */
	LIST_ENTRY(vn_range) link; /* [v] on vnode.pgouts */
};

/* ---- mounts (mount.c) ---- */

#define VFS_MAXINACTIVE 512 /* vnodes a mount keeps with refs 0 */

/*
 * A mount without root, for the makers, which then set root (the ref of
 * vnode_create() passes to the mount; VN_ROOT in its flags) and data.
 * `destroy` may be NULL and frees only mp->data.  0, ENOMEM.
 */
int vmount_create(struct vfs *, const char *fstype, const char *source,
    unsigned flags, void (*destroy)(struct vmount *), struct vmount **);
/* Release root and every inactive vnode, call destroy, free.  KVERIFYs that
 * no vnode is hashed any more.  No locks held. */
void vmount_destroy(struct vmount *);

/* ---- vnodes by identity (vnode.c) ---- */

/*
 * The hashed vnode of (dev, ino) with a new ref, or NULL.  *idle (may be
 * NULL): it was inactive, so its pages may be out of date.
 */
struct vnode *vnode_hash_get(
    struct vmount *, uint64_t dev, uint64_t ino, bool *idle);
/*
 * Publish vp under vp->dev, vp->ino.  NULL: done.  Otherwise somebody was
 * faster: his vnode with a new ref; vp is untouched.
 */
struct vnode *vnode_hash_insert(struct vnode *vp);
/* Never found again; lives on for those who have it. */
void vnode_hash_remove(struct vnode *vp);
/* A ref unless refs is 0 (a file system's own weak pointer under its lock;
 * such a file system clears the pointer in reclaim under the same lock). */
bool vnode_tryref(struct vnode *vp);
/* Reclaim every inactive vnode of the mount. */
void vnode_flush_inactive(struct vmount *);

/*
 * vp was found (or is now) in dvp under `name`: remember it for ".." and
 * paths.  namei and rename do this for every file system.  No locks held.
 */
void vnode_set_name(struct vnode *vp, struct vnode *dvp, const char *name);
/* The parent with a new ref, or NULL. */
struct vnode *vnode_parent(struct vnode *vp);
/* True when anc is vp or above it in the same mount. */
bool vnode_is_ancestor(struct vnode *anc, struct vnode *vp);

static inline struct vmount *
vnode_mounted_here(const struct vnode *vp)
{
	return (__atomic_load_n(&vp->covered_by, __ATOMIC_ACQUIRE));
}

/* ---- vnode_io.c ---- */

static inline struct vm_object *
vnode_object_peek(const struct vnode *vp)
{
	return (__atomic_load_n(&vp->object, __ATOMIC_ACQUIRE));
}

/* Count as a writer: ETXTBSY while the text runs. */
int vn_writer_ref(struct vnode *);
void vn_writer_rele(struct vnode *);

/* ---- lock.c ---- */

void vfs_lock_init(struct vfs *);
void vfs_lock_fini(struct vfs *); /* none is left */
/* A descriptor of the table was closed; the last of a file. */
void vfs_lock_fd_closed(const struct fdtable *, const struct file *);
void vfs_lock_file_closed(const struct file *);

#endif /* VFS_VFS_INT_H */
