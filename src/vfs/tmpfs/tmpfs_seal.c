/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tmpfs: files without a name in any directory (memfd_create), and the seals
 * of files.
 *
 * Concepts.  A seal forbids a change of a file for ever, to all processes, so
 * that a receiver of its descriptor can rely on the contents.  Files with a
 * name begin with F_SEAL_SEAL, so that none can be added; so do memfds without
 * MFD_ALLOW_SEALING.  Memfds are files of a tmpfs of their own, which is made
 * with the first one and has no place in the tree of names.
 *
 * Locking.  Seals change under node->reg.writing and the lock of the mount, so
 * writers, truncations and fallocate see either state as a whole.  mmap checks
 * the seals before it maps, and counts in node->reg.mapping until it has: a
 * seal against writing is EBUSY meanwhile.
 *
 * Guarantees.  When F_SEAL_WRITE has been set, no mapping that may be made
 * writable exists, and none is made.  Mappings of a file with F_SEAL_WRITE or
 * F_SEAL_FUTURE_WRITE are never writable, also not by mprotect.
 */
#include "vfs/tmpfs/tmpfs_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/tmpfs/tmpfs.h"

/* ---- seals ---- */

/* Lock held, `writing` set.  May these seals be added?  0, EPERM, EBUSY. */
static int
seal_check(const struct tmpfs_node *node, uint32_t add)
{
	struct vm_object *o = node->reg.object;

	if ((node->reg.seals & LX_F_SEAL_SEAL) != 0)
		return (EPERM);
	if ((add & LX_F_SEAL_WRITE) == 0 ||
	    (node->reg.seals & LX_F_SEAL_WRITE) != 0)
		return (0);
	if (node->reg.mapping > 0 ||
	    (o != NULL && vm_object_shared_writable(o)))
		return (EBUSY);
	return (0);
}

int
tmpfs_seal(struct vnode *vp, uint32_t add, uint32_t *seals)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	struct tmpfs_mount *tm = node->tm;
	int error = 0;

	if (vp->type != VREG)
		return (EINVAL);
	tmpfs_writing_begin(node);
	kmutex_lock(&tm->lock);
	/* A program whose x bits stay must not be changed. */
	if ((add & LX_F_SEAL_EXEC) != 0 && (node->mode & 0111) != 0)
		add |= LX_F_SEAL_SHRINK | LX_F_SEAL_GROW | LX_F_SEAL_WRITE |
		       LX_F_SEAL_FUTURE_WRITE;
	if (add != 0)
		error = seal_check(node, add);
	if (error == 0)
		*seals = node->reg.seals |= add;
	kmutex_unlock(&tm->lock);
	tmpfs_writing_end(node, false);
	return (error);
}

int
tmpfs_map_begin(struct vnode *vp, bool write, bool *may_write)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	struct tmpfs_mount *tm = node->tm;
	int error = 0;

	kmutex_lock(&tm->lock);
	if ((node->reg.seals & TMPFS_NO_WRITE) != 0) {
		*may_write = false;
		error = write ? EPERM : 0;
	}
	if (error == 0)
		node->reg.mapping++;
	kmutex_unlock(&tm->lock);
	return (error);
}

void
tmpfs_map_end(struct vnode *vp)
{
	struct tmpfs_node *node = tmpfs_node(vp);

	kmutex_lock(&node->tm->lock);
	KASSERT(node->reg.mapping > 0);
	node->reg.mapping--;
	kmutex_unlock(&node->tm->lock);
}

/* ---- files of memfd_create ---- */

/* The mount of all memfds of a vfs, made now if there is none.  0, ENOMEM. */
static int
memfd_mount(struct vfs *vfs, struct vmount **mpp)
{
	struct vmount *mine = NULL, *have;
	int error;

	kmutex_lock(&vfs->mount_lock);
	have = vfs->memfds;
	kmutex_unlock(&vfs->mount_lock);
	if (have == NULL) {
		error = tmpfs_mount_create(vfs, INT64_MAX, 0700, &mine);
		if (error != 0)
			return (error);
		tmpfs_node(mine->root)->tm->nameless = true;
		kmutex_lock(&vfs->mount_lock);
		have = vfs->memfds;
		if (have == NULL) {
			vfs->memfds = have = mine;
			TAILQ_INSERT_TAIL(&vfs->detached, mine, link);
			mine = NULL;
		}
		kmutex_unlock(&vfs->mount_lock);
		if (mine != NULL)
			vmount_destroy(mine);
	}
	*mpp = have;
	return (0);
}

int
tmpfs_memfd(const struct vfs_ctx *ctx, const char *name, uint32_t mode,
    uint32_t seals, struct file **fp)
{
	char text[VFS_NAME_MAX + 1];
	struct tmpfs_node *node;
	struct vmount *mp;
	struct vnode *vp;
	int error;

	error = memfd_mount(ctx->vfs, &mp);
	if (error != 0)
		return (error);
	error = tmpfs_tmpfile(mp->root, mode, false, ctx, &vp);
	if (error != 0)
		return (error);
	node = tmpfs_node(vp);
	node->mode = mode; /* not as the umask has it */
	node->reg.seals = seals;
	(void)snprintf(text, sizeof(text), "memfd:%s", name);
	vnode_set_name(vp, mp->root, text);
	error = file_create(ctx->vfs, &vnode_fileops, vp, O_RDWR, -1, NULL, fp);
	if (error != 0) {
		vrele(vp);
		return (error);
	}
	/* The file is executed by this descriptor while it is open. */
	file_not_writer(*fp);
	return (0);
}
