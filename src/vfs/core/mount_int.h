/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What vfs_mount.c and mntns.c share: the table of mounts.  All functions with
 * vfs->mount_lock held, unless said.
 */
#ifndef VFS_CORE_MOUNT_INT_H
#define VFS_CORE_MOUNT_INT_H

#include "vfs/core/mount.h"

struct vfs;

/* A mount that is nowhere yet, with one ref.  fs's use passes on success.  No
 * locks held.  0, ENOSPC, ENOMEM. */
int mnt_create(struct vmount *fs, struct vnode *root, const char *fstype,
    unsigned flags, struct mnt **);
/* The same with the lock held. */
int mnt_create_locked(struct vmount *fs, struct vnode *root, const char *fstype,
    unsigned flags, struct mnt **);
/* A name space without mounts, with one ref.  No locks held.  0, ENOSPC,
 * ENOMEM. */
int mntns_create(struct vfs *, struct mntns **);
/* Put m, whose ref passes, into ns, on a place of it (NULL: as its root). */
void mnt_attach(struct mntns *, struct mnt *, const struct vplace *on);
/* Put a mount of the table on another place, or take it off its place (NULL).
 * *was is the place before, whose refs pass to the caller. */
void mnt_put(struct mnt *, const struct vplace *on, struct vplace *was);
/* Give up mounts, linked by `link`, and the places where they were.  No locks
 * held. */
void mnt_rele_list(struct mnt_list *);
/* What is mounted on the place, borrowed; NULL: nothing. */
struct mnt *mnt_find(const struct vplace *);
/* Is `up` m, or above it? */
bool mnt_above(const struct mnt *up, const struct mnt *m);

static inline struct vfs *
mnt_vfs(const struct mnt *m)
{
	return (m->fs->vfs);
}

#endif /* VFS_CORE_MOUNT_INT_H */
