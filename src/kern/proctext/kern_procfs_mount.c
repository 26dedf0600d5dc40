/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * /proc/PID/mounts, mountinfo and mountstats: the mounts of the kernel, which
 * each process sees alike.
 *
 * Concepts.  The root mount has VFS_MNT_ROOT as its parent, which is not in the
 * table, as on Linux.  The device numbers are those of the root of the mount,
 * which stat(2) gives for its files.
 *
 * Locking: the list of mounts is walked under its lock; what is printed of a
 * mount does not change.
 *
 * Limits.  Paths are shown from the root of the vfs.  A mount shows a whole
 * file system, also where it is a directory of the host.
 */
#include "kern/proctext/kern_procfs_int.h"

#include <string.h>

#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

/* A field: blanks, backslashes and # as \ooo. */
static void
mount_field(struct procfs_buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr(" \t\n\\#", *s) != NULL)
			procfs_printf(b, "\\%03o", (unsigned char)*s);
		else
			procfs_write(b, s, 1);
	}
}

static const char *
mount_rights(const struct vmount *mp)
{
	return ((mp->flags & VMNT_RDONLY) != 0 ? "ro" : "rw");
}

int
pid_text_mounts(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vfs *vfs = pi->p->k->vfs;
	struct vmount *mp;

	kmutex_lock(&vfs->mount_lock);
	TAILQ_FOREACH (mp, &vfs->mounts, link) {
		mount_field(b, mp->source);
		procfs_write(b, " ", 1);
		mount_field(b, mp->target);
		procfs_printf(
		    b, " %s %s,relatime 0 0\n", mp->fstype, mount_rights(mp));
	}
	kmutex_unlock(&vfs->mount_lock);
	return (0);
}

int
pid_text_mountinfo(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vfs *vfs = pi->p->k->vfs;
	struct vmount *mp;
	uint64_t dev;

	kmutex_lock(&vfs->mount_lock);
	TAILQ_FOREACH (mp, &vfs->mounts, link) {
		dev = mp->root->dev;
		procfs_printf(b, "%u %u %u:%u / ", mp->id,
		    mp->covers != NULL ? mp->covers->mount->id : VFS_MNT_ROOT,
		    (unsigned)(dev >> 8 & 0xfff),
		    (unsigned)((dev & 0xff) | (dev >> 12 & 0xfff00)));
		mount_field(b, mp->target);
		procfs_printf(
		    b, " %s,relatime - %s ", mount_rights(mp), mp->fstype);
		mount_field(b, mp->source);
		procfs_printf(b, " %s\n", mount_rights(mp));
	}
	kmutex_unlock(&vfs->mount_lock);
	return (0);
}

int
pid_text_mountstats(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vfs *vfs = pi->p->k->vfs;
	struct vmount *mp;

	kmutex_lock(&vfs->mount_lock);
	TAILQ_FOREACH (mp, &vfs->mounts, link) {
		procfs_printf(b, "device ");
		mount_field(b, mp->source);
		procfs_printf(b, " mounted on ");
		mount_field(b, mp->target);
		procfs_printf(b, " with fstype %s\n", mp->fstype);
	}
	kmutex_unlock(&vfs->mount_lock);
	return (0);
}
