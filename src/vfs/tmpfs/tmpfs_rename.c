/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tmpfs rename, in all its forms.
 *
 * Concepts.  Everything is checked first, under the mount's one lock; then a
 * commit that cannot fail.  A name that is replaced keeps its entry (and its
 * readdir cookie) and only changes its node.
 *
 * Guarantees.  No directory becomes its own descendant.  At every moment both
 * or one of the names exist: no lookup runs in between.
 *
 * Limits.  The sticky bit and permissions are the caller's (namei.c).
 */
#include "vfs/tmpfs/tmpfs_int.h"

#include <errno.h>

#include "abi/fcntl.h"
#include "mem/kmem.h"
#include "vfs/core/vnode.h"

/* Is dir `top` or below it? */
static bool
tmpfs_dir_within(const struct tmpfs_node *dir, const struct tmpfs_node *top)
{
	for (;; dir = dir->dir.parent) {
		if (dir == top)
			return (true);
		if (dir == dir->dir.parent)
			return (false);
	}
}

/* May `td` (not NULL) be replaced by a node like `node`? */
static int
tmpfs_rename_replace(
    const struct tmpfs_node *node, const struct tmpfs_dirent *td)
{
	if (td->node->type != VDIR)
		return (node->type == VDIR ? ENOTDIR : 0);
	if (node->type != VDIR)
		return (EISDIR);
	return (RB_EMPTY(&td->node->dir.names) ? 0 : ENOTEMPTY);
}

static int
tmpfs_rename_check(struct tmpfs_node *odir, const struct tmpfs_dirent *fd,
    struct tmpfs_node *ndir, const struct tmpfs_dirent *td, unsigned flags)
{
	if (fd == NULL || ndir->nlink == 0)
		return (ENOENT);
	if (td != NULL && (flags & LX_RENAME_NOREPLACE) != 0)
		return (EEXIST);
	if (td == NULL && (flags & LX_RENAME_EXCHANGE) != 0)
		return (ENOENT);
	if (fd->node->type == VDIR && tmpfs_dir_within(ndir, fd->node))
		return (EINVAL);
	if (td == NULL || td->node == fd->node)
		return (0);
	if ((flags & LX_RENAME_EXCHANGE) != 0)
		return (
		    td->node->type == VDIR && tmpfs_dir_within(odir, td->node)
			? EINVAL
			: 0);
	return (tmpfs_rename_replace(fd->node, td));
}

/* A directory's ".." moves. */
static void
tmpfs_reparent(
    struct tmpfs_node *node, struct tmpfs_node *from, struct tmpfs_node *to)
{
	if (node->type != VDIR)
		return;
	node->dir.parent = to;
	from->nlink--;
	to->nlink++;
}

static void
tmpfs_rename_swap(struct tmpfs_node *odir, struct tmpfs_dirent *fd,
    struct tmpfs_node *ndir, struct tmpfs_dirent *td)
{
	struct tmpfs_node *node = fd->node;

	fd->node = td->node;
	td->node = node;
	tmpfs_reparent(td->node, odir, ndir);
	tmpfs_reparent(fd->node, ndir, odir);
	tmpfs_dir_touch(odir, fd->node);
	tmpfs_dir_touch(ndir, td->node);
}

/* The old name goes; its node gets `de`, new, or replaces td's node. */
static void
tmpfs_rename_move(struct tmpfs_node *odir, struct tmpfs_dirent *fd,
    struct tmpfs_node *ndir, struct tmpfs_dirent *td, struct tmpfs_dirent *de)
{
	struct tmpfs_node *node = fd->node, *gone;

	tmpfs_dir_detach(odir, fd);
	tmpfs_reparent(node, odir, ndir);
	if (td == NULL) {
		tmpfs_dir_attach(ndir, de, node);
		return;
	}
	gone = td->node;
	td->node = node;
	if (gone->type == VDIR) {
		gone->nlink = 0;
		ndir->nlink--;
	} else
		gone->nlink--;
	tmpfs_dir_touch(ndir, gone);
}

int
tmpfs_rename(struct vnode *odvp, const char *oname, struct vnode *ndvp,
    const char *nname, unsigned flags)
{
	struct tmpfs_node *odir = tmpfs_node(odvp), *ndir = tmpfs_node(ndvp);
	struct tmpfs_node *gone = NULL;
	struct tmpfs_mount *tm = odir->tm;
	struct tmpfs_dirent *fd, *td, *de, *spare = NULL;
	bool unused = false;
	int error;

	if (odvp->mount != ndvp->mount)
		return (EXDEV);
	if ((flags & ~(LX_RENAME_NOREPLACE | LX_RENAME_EXCHANGE)) != 0 ||
	    flags == (LX_RENAME_NOREPLACE | LX_RENAME_EXCHANGE))
		return (EINVAL);
	if (odir->type != VDIR || ndir->type != VDIR)
		return (ENOTDIR);
	de = tmpfs_dirent_alloc(tm, nname);
	if (de == NULL)
		return (ENOSPC);
	kmutex_lock(&tm->lock);
	fd = tmpfs_dir_find(odir, oname);
	td = tmpfs_dir_find(ndir, nname);
	error = tmpfs_rename_check(odir, fd, ndir, td, flags);
	if (error != 0 || (td != NULL && td->node == fd->node)) {
		spare = de;
	} else if ((flags & LX_RENAME_EXCHANGE) != 0) {
		tmpfs_rename_swap(odir, fd, ndir, td);
		spare = de;
	} else {
		gone = td != NULL ? td->node : NULL;
		tmpfs_rename_move(odir, fd, ndir, td, de);
		unused = gone != NULL && tmpfs_node_unused(gone);
		spare = fd;
		if (td != NULL)
			kmem_free(de);
	}
	kmutex_unlock(&tm->lock);
	kmem_free(spare);
	if (unused)
		tmpfs_node_free(gone);
	return (error);
}
