/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Attributes, access checks, and the exclusion of writers and running text.
 *
 * Access is decided by owner, group and other bits as Linux does it, for the
 * uid, the gid and the supplementary groups of the caller.  CAP_DAC_OVERRIDE
 * passes, except that executing a regular file needs at least one x bit, and
 * CAP_DAC_READ_SEARCH passes for reading, and for searching a directory.  The
 * file system may still refuse: hostfs opens files with the rights of this
 * process only.
 *
 * writers and texts exclude each other: both are changed under the vnode's
 * lock and each may only leave zero while the other is zero.
 *
 * Limits: no ACLs.
 */

#include <errno.h>
#include <string.h>

#include "abi/capability.h"
#include "libk/kassert.h"
#include "vfs/core/ctx.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vfs/core/vnode_io.h"
#include "mem/vm_types.h"

void
vn_revalidate(struct vnode *vp)
{
	if (vp->ops->revalidate != NULL)
		vp->ops->revalidate(vp);
}

int
vn_getattr(struct vnode *vp, struct vattr *va)
{
	struct vattr out;
	int error;

	if (vp->ops->getattr == NULL)
		return (EINVAL);
	memset(&out, 0, sizeof(out));
	out.type = vp->type;
	out.nlink = 1;
	out.dev = vp->dev;
	out.ino = vp->ino;
	out.blksize = PAGE_SIZE;
	error = vp->ops->getattr(vp, &out);
	if (error == 0)
		*va = out;
	return (error);
}

/*
 * Check the access of the caller.  bits: 4 read, 2 write, 1 execute; 0 is
 * always allowed.
 * - No locks held.  0, EACCES, EROFS.
 */
int
vn_access(struct vnode *vp, unsigned bits, const struct vfs_ctx *ctx)
{
	const bool override = vfs_ctx_capable(ctx, LX_CAP_DAC_OVERRIDE);
	struct vattr va;
	unsigned have;
	int error;

	if ((bits & 2) != 0 && (vp->mount->flags & VMNT_RDONLY) != 0 &&
	    (vp->type == VREG || vp->type == VDIR || vp->type == VLNK))
		return (EROFS);
	if (bits == 0)
		return (0);
	if (override && ((bits & 1) == 0 || vp->type == VDIR))
		return (0);
	if (vfs_ctx_capable(ctx, LX_CAP_DAC_READ_SEARCH) &&
	    (vp->type == VDIR ? (bits & 2) == 0 : bits == 4))
		return (0);
	error = vn_getattr(vp, &va);
	if (error != 0)
		return (error);
	if (override && (va.mode & 0111) != 0)
		return (0);
	if (va.uid == ctx->uid)
		have = va.mode >> 6;
	else if (vfs_ctx_in_group(ctx, va.gid))
		have = va.mode >> 3;
	else
		have = va.mode;
	if ((bits & ~have & 7) == 0)
		return (0);
	return (
	    vp->ops->grants != NULL && vp->ops->grants(vp, ctx) ? 0 : EACCES);
}

bool
vn_owned(struct vnode *vp, const struct vfs_ctx *ctx)
{
	struct vattr va;

	return (vfs_ctx_capable(ctx, LX_CAP_FOWNER) ||
		(vn_getattr(vp, &va) == 0 && va.uid == ctx->uid));
}

int
vn_writer_ref(struct vnode *vp)
{
	int error = 0;

	kmutex_lock(&vp->lock);
	if (atomic_load_explicit(&vp->texts, memory_order_relaxed) > 0)
		error = ETXTBSY;
	else
		atomic_fetch_add_explicit(
		    &vp->writers, 1, memory_order_relaxed);
	kmutex_unlock(&vp->lock);
	return (error);
}

void
vn_writer_rele(struct vnode *vp)
{
	uint32_t old;

	kmutex_lock(&vp->lock);
	old = atomic_fetch_sub_explicit(&vp->writers, 1, memory_order_relaxed);
	kmutex_unlock(&vp->lock);
	KVERIFY(old > 0);
}

int
vn_text_ref(struct vnode *vp)
{
	int error = 0;

	kmutex_lock(&vp->lock);
	if (atomic_load_explicit(&vp->writers, memory_order_relaxed) > 0)
		error = ETXTBSY;
	else
		atomic_fetch_add_explicit(&vp->texts, 1, memory_order_relaxed);
	kmutex_unlock(&vp->lock);
	return (error);
}

void
vn_text_rele(struct vnode *vp)
{
	uint32_t old;

	kmutex_lock(&vp->lock);
	old = atomic_fetch_sub_explicit(&vp->texts, 1, memory_order_relaxed);
	kmutex_unlock(&vp->lock);
	KVERIFY(old > 0);
}
