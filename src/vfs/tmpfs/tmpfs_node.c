/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tmpfs nodes and their vnodes: how they are made, found and freed.
 *
 * Lifetime.  A node is freed when no name leads to it (nlink 0) and each of its
 * vnodes was reclaimed (nvnodes 0).  The thread that makes the last of these
 * true gets it from tmpfs_node_unused(), under the lock, and frees the node
 * afterwards without the lock.
 *
 * Locking: tm->lock, see tmpfs.c.
 */
#include "vfs/tmpfs/tmpfs_int.h"

#include <errno.h>

#include "mem/kmem.h"
#include "vfs/core/fs.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

void *
tmpfs_alloc(struct tmpfs_mount *tm, size_t n)
{
	return (kmem_zalloc_on(tm->mp->vfs->tmpfs_kmem, n));
}

int
tmpfs_node_create(struct tmpfs_mount *tm, enum vtype type, uint32_t mode,
    uint32_t uid, uint32_t gid, struct tmpfs_node **out)
{
	struct tmpfs_node *node = tmpfs_alloc(tm, sizeof(*node));

	if (node == NULL)
		return (ENOSPC);
	node->tm = tm;
	node->type = type;
	node->mode = mode & VS_PERM;
	node->uid = uid;
	node->gid = gid;
	RB_INIT(&node->xattrs);
	node->btime = (int64_t)host_realtime_ns();
	node->atime = node->mtime = node->ctime = node->btime;
	kmutex_lock(&tm->lock);
	node->ino = tm->next_ino++;
	if (type == VDIR) {
		RB_INIT(&node->dir.names);
		RB_INIT(&node->dir.cookies);
	} else if (type == VFIFO) {
		node->fifo.anchor = -1;
		TAILQ_INIT(&node->fifo.waiters);
	} else if (type == VREG) {
		node->reg.seals = LX_F_SEAL_SEAL;
		LIST_INSERT_HEAD(&tm->files, node, reg.link);
	}
	kmutex_unlock(&tm->lock);
	*out = node;
	return (0);
}

void
tmpfs_account(struct tmpfs_node *node)
{
	struct tmpfs_mount *tm = node->tm;
	struct vm_object *o = node->reg.object;
	uint64_t resident;

	kmutex_assert_owned(&tm->lock);
	if (o == NULL)
		return;
	vm_object_lock(o);
	resident = o->resident + o->swapped;
	vm_object_count_named(o);
	vm_object_unlock(o);
	tm->pages += resident - node->reg.charged;
	node->reg.charged = resident;
}

bool
tmpfs_node_unused(struct tmpfs_node *node)
{
	struct tmpfs_mount *tm = node->tm;

	kmutex_assert_owned(&tm->lock);
	if (node->nlink != 0 || node->nvnodes != 0)
		return (false);
	if (node->type == VREG) {
		LIST_REMOVE(node, reg.link);
		tm->pages -= node->reg.charged;
	} else if (node->type == VLNK)
		tm->pages -= node->lnk.pages;
	return (true);
}

void
tmpfs_node_free(struct tmpfs_node *node)
{
	if (node->type == VREG && node->reg.object != NULL)
		vm_object_free(node->reg.object);
	else if (node->type == VLNK)
		kmem_free(node->lnk.target);
	else if (node->type == VFIFO)
		KVERIFY(node->fifo.anchor == -1);
	else if (node->type == VDIR)
		KVERIFY(RB_EMPTY(&node->dir.names));
	tmpfs_xattrs_free(node);
	kmem_free(node);
}

int
tmpfs_vget(struct tmpfs_node *node, struct vnode **vpp)
{
	struct tmpfs_mount *tm = node->tm;
	struct vnode *vp;
	int error;

	kmutex_assert_owned(&tm->lock);
	if (node->vp != NULL && vnode_tryref(node->vp)) {
		*vpp = node->vp;
		return (0);
	}
	error =
	    vnode_create(tm->mp, node->type, tm->vops, node, node->ino, &vp);
	if (error != 0)
		return (error);
	node->vp = vp;
	node->nvnodes++;
	*vpp = vp;
	return (0);
}

void
tmpfs_reclaim(struct vnode *vp)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	struct tmpfs_mount *tm = node->tm;
	bool unused;

	kmutex_lock(&tm->lock);
	if (node->vp == vp)
		node->vp = NULL;
	node->nvnodes--;
	unused = tmpfs_node_unused(node);
	kmutex_unlock(&tm->lock);
	if (unused)
		tmpfs_node_free(node);
}
