/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * For file systems: making mounts, the vnodes of a mount by identity, and the
 * names of vnodes.
 */
#ifndef VFS_CORE_FS_H
#define VFS_CORE_FS_H

#include <stdbool.h>
#include <stdint.h>

#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"

struct vfs;

#define VFS_MAXINACTIVE 512 /* vnodes a mount keeps with refs 0 */

/*
 * A mount without root, for the makers, which then set root (the ref of
 * vnode_create() passes to the mount; VN_ROOT in its flags) and data.
 * `destroy` may be NULL and frees only mp->data.  0, ENOMEM.
 */
int vmount_create(struct vfs *, const char *fstype, const char *source,
    unsigned flags, void (*destroy)(struct vmount *), struct vmount **);
/* One more use; the caller knows of one. */
void vmount_use(struct vmount *);
/* Give up a use.  The last one releases root and every inactive vnode; destroy
 * is called, and the memory freed, when no vnode is left.  No locks held. */
void vmount_destroy(struct vmount *);
/* What /proc shows as its device; before it is mounted. */
void vmount_set_source(struct vmount *, const char *);
/* Refs of the memory, one for each vnode. */
void vmount_hold(struct vmount *);
void vmount_drop(struct vmount *);

/*
 * The hashed vnode of (dev, ino) with a new ref, or NULL.  *idle (may be
 * NULL): it was inactive, so its pages may be out of date.
 */
struct vnode *vnode_hash_get(
    struct vmount *, uint64_t dev, uint64_t ino, bool *idle);
/*
 * Publish vp under vp->dev, vp->ino.  NULL: done.  Otherwise another
 * thread has published one: that vnode with a new ref; vp is untouched.
 */
struct vnode *vnode_hash_insert(struct vnode *vp);
/* Lookups do not find it any more; it lives as long as it has refs. */
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

#endif /* VFS_CORE_FS_H */
