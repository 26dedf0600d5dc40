/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tmpfs: a file system in guest memory.
 *
 * Purpose.  /tmp, /dev/shm and --tmpfs: files whose contents are pages of the
 * guest's memory and whose names and attributes are in memory of this process.
 *
 * Concepts.
 *  node    A file: attributes and, by type, a directory, a VM object, a link
 *          text or a fifo.  It lives while a name leads to it or a vnode of
 *          it is in use.
 *  vnode   Made when a node is looked up, reclaimed with its last ref.  The
 *          node points to it weakly, and counts vnodes that are not reclaimed
 *          yet: a new vnode may be made before the old one is reclaimed.
 *  object  The contents of a regular file, made at its first use.  mmap, read
 *          and write share these pages; there is no second copy and nothing
 *          to write back.  Maps ref the object, so mapped memory outlives
 *          the file.
 *
 *      mount -> root node -> dirent -> node -> object -> pages
 *                                        ^ weak
 *                                        v
 *                                      vnode  <- descriptors, cwd, ...
 *
 * Locking.  tm->lock guards all names, attributes and counts of a mount;
 * nothing blocks under it except object locks and allocation.  A thread that
 * changes a file's size or pages by write or truncate sets node->reg.writing
 * instead, so that contents move with no lock held (tmpfs_file.c).
 *
 * Guarantees.  nlink is exact.  A failed call changes nothing.  Mounts leave
 * no node behind: destroying one walks the tree, and with no vnode left every
 * node is in the tree.
 *
 * All mounts of a kernel together, memfds and System V segments have at most
 * sys->named_max pages, since this memory does not end with a process: a write
 * beyond is ENOSPC, a touch SIGBUS.  Names and attributes have the share of one
 * process in the budget of kernel memory: a name beyond is ENOSPC.  So have
 * extended attributes.
 *
 * Limits.  Pages are charged to the mount when written or when the file is
 * next looked at (getattr, statfs); pages that only faults of a mapping make
 * are refused by the cap of all mounts, not by that of their own.  The number
 * of names is limited to the number of pages, or MIN_NAMES.
 */
#include "vfs/tmpfs/tmpfs_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/stat.h"
#include "abi/statfs.h"
#include "mem/kmem.h"
#include "vfs/core/fs.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/tmpfs/tmpfs.h"

#define MIN_NAMES 1024
#define ROOT_INO 1

static int
tmpfs_getattr(struct vnode *vp, struct vattr *va)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	struct tmpfs_mount *tm = node->tm;

	kmutex_lock(&tm->lock);
	*va = (struct vattr){
	    .type = node->type,
	    .mode = node->mode | vtype_ifmt(node->type),
	    .nlink = node->nlink,
	    .uid = node->uid,
	    .gid = node->gid,
	    .dev = tm->mp->dev,
	    .ino = node->ino,
	    .rdev = node->rdev,
	    .blksize = PAGE_SIZE,
	    .atime = node->atime,
	    .mtime = node->mtime,
	    .ctime = node->ctime,
	    .btime = node->btime,
	};
	if (node->type == VREG) {
		tmpfs_account(node);
		va->size = node->reg.size;
		va->blocks = node->reg.charged * (PAGE_SIZE / 512);
	} else if (node->type == VDIR)
		va->size = (node->dir.nentries + 2) * 20;
	else if (node->type == VLNK)
		va->size = strlen(node->lnk.target);
	kmutex_unlock(&tm->lock);
	return (0);
}

/* Lock held.  Without the bit for the group to execute, S_ISGID means nothing
 * that runs. */
static void
drop_setid_locked(struct tmpfs_node *node)
{
	node->mode &=
	    ~(uint32_t)((node->mode & 010) != 0 ? LX_S_ISUID | LX_S_ISGID
						: LX_S_ISUID);
}

static void
tmpfs_drop_setid(struct vnode *vp)
{
	struct tmpfs_node *node = tmpfs_node(vp);

	if (node->type != VREG)
		return;
	kmutex_lock(&node->tm->lock);
	drop_setid_locked(node);
	kmutex_unlock(&node->tm->lock);
}

static int
tmpfs_setattr(struct vnode *vp, const struct vattr *va, unsigned what)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	struct tmpfs_mount *tm = node->tm;
	int error;

	if ((what & VA_SIZE) != 0) {
		if (node->type != VREG)
			return (node->type == VDIR ? EISDIR : EINVAL);
		error = tmpfs_truncate(node, va->size);
		if (error != 0)
			return (error);
	}
	kmutex_lock(&tm->lock);
	if ((what & VA_MODE) != 0 && node->type == VREG &&
	    (node->reg.seals & LX_F_SEAL_EXEC) != 0 &&
	    ((node->mode ^ va->mode) & 0111) != 0) {
		kmutex_unlock(&tm->lock);
		return (EPERM);
	}
	/* A program must not stay set-id when its owner changes. */
	if ((what & (VA_UID | VA_GID)) != 0 && node->type == VREG)
		drop_setid_locked(node);
	if ((what & VA_MODE) != 0)
		node->mode = va->mode & VS_PERM;
	if ((what & VA_UID) != 0)
		node->uid = va->uid;
	if ((what & VA_GID) != 0)
		node->gid = va->gid;
	if ((what & VA_ATIME) != 0)
		node->atime = va->atime;
	if ((what & VA_MTIME) != 0)
		node->mtime = va->mtime;
	node->ctime = (int64_t)host_realtime_ns();
	kmutex_unlock(&tm->lock);
	return (0);
}

static int
tmpfs_open(
    struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	switch (vp->type) {
	case VFIFO:
		return (tmpfs_fifo_open(vp, flags, f, ctx));
	case VSOCK:
		return (ENXIO);
	default:
		return (0);
	}
}

static int
tmpfs_readlink(struct vnode *vp, const struct vfs_ctx *ctx, char *buf,
    size_t size, size_t *len)
{
	const struct tmpfs_node *node = tmpfs_node(vp);
	size_t n;

	if (node->type != VLNK)
		return (EINVAL);
	n = strlen(node->lnk.target);
	if (n > size)
		n = size;
	memcpy(buf, node->lnk.target, n);
	*len = n;
	return (0);
}

static int
tmpfs_fsync(struct vnode *vp)
{
	return (0);
}

uint64_t
tmpfs_left(const struct tmpfs_mount *tm)
{
	uint64_t used = atomic_load(&tm->sys->named_pages);
	uint64_t max = tm->sys->named_max;
	uint64_t left =
	    tm->pages < tm->max_pages ? tm->max_pages - tm->pages : 0;

	if (max == 0)
		return (left);
	max = used < max ? max - used : 0;
	return (left < max ? left : max);
}

static int
tmpfs_statfs(struct vnode *vp, struct vfs_statfs *sf)
{
	struct tmpfs_mount *tm = tmpfs_node(vp)->tm;
	struct tmpfs_node *node;
	uint64_t left;

	kmutex_lock(&tm->lock);
	LIST_FOREACH (node, &tm->files, reg.link)
		tmpfs_account(node);
	left = tmpfs_left(tm);
	*sf = (struct vfs_statfs){
	    .type = LX_TMPFS_MAGIC,
	    .bsize = PAGE_SIZE,
	    .blocks = tm->max_pages,
	    .bfree = left,
	    .bavail = left,
	    .files = tm->max_names,
	    .ffree = tm->max_names - tm->names,
	    .namelen = VFS_NAME_MAX,
	};
	kmutex_unlock(&tm->lock);
	return (0);
}

/* Regular files have a list; directories and others are found by name only. */
static int
tmpfs_by_id(struct vnode *root, uint64_t dev, uint64_t ino, struct vnode **vpp)
{
	struct tmpfs_mount *tm = tmpfs_node(root)->tm;
	struct tmpfs_node *node;
	int error = ESTALE;

	kmutex_lock(&tm->lock);
	LIST_FOREACH (node, &tm->files, reg.link)
		if (node->ino == ino && node->nlink != 0)
			break;
	if (node == NULL && ino == tm->root->ino)
		node = tm->root;
	if (node != NULL)
		error = tmpfs_vget(node, vpp);
	kmutex_unlock(&tm->lock);
	return (error);
}

static const struct vops tmpfs_vops = {
    .by_id = tmpfs_by_id,
    .lookup = tmpfs_lookup,
    .getattr = tmpfs_getattr,
    .setattr = tmpfs_setattr,
    .open = tmpfs_open,
    .read = tmpfs_read,
    .write = tmpfs_write,
    .readdir = tmpfs_readdir,
    .readlink = tmpfs_readlink,
    .create = tmpfs_create,
    .tmpfile = tmpfs_tmpfile,
    .mkdir = tmpfs_mkdir,
    .mknod = tmpfs_mknod,
    .symlink = tmpfs_symlink,
    .link = tmpfs_link,
    .unlink = tmpfs_unlink,
    .rmdir = tmpfs_rmdir,
    .rename = tmpfs_rename,
    .fsync = tmpfs_fsync,
    .allocate = tmpfs_allocate,
    .extent = tmpfs_extent,
    .seal = tmpfs_seal,
    .map_begin = tmpfs_map_begin,
    .map_end = tmpfs_map_end,
    .drop_setid = tmpfs_drop_setid,
    .getxattr = tmpfs_getxattr,
    .setxattr = tmpfs_setxattr,
    .listxattr = tmpfs_listxattr,
    .statfs = tmpfs_statfs,
    .reclaim = tmpfs_reclaim,
    .object = tmpfs_object,
};

/*
 * Free the deepest node first, by walking down and up again without recursion,
 * because the tree may be deeper than the stack allows.
 */
static void
tmpfs_tree_free(struct tmpfs_mount *tm)
{
	struct tmpfs_node *dir = tm->root, *node;
	struct tmpfs_dirent *de;
	bool unused;

	for (;;) {
		de = RB_MIN(tmpfs_names, &dir->dir.names);
		if (de != NULL && de->node->type == VDIR &&
		    !RB_EMPTY(&de->node->dir.names)) {
			dir = de->node;
			continue;
		}
		if (de == NULL) {
			if (dir == tm->root)
				return;
			dir = dir->dir.parent;
			continue;
		}
		node = de->node;
		kmutex_lock(&tm->lock);
		tmpfs_dir_remove(dir, de);
		unused = tmpfs_node_unused(node);
		kmutex_unlock(&tm->lock);
		kmem_free(de);
		if (unused)
			tmpfs_node_free(node);
	}
}

static void
tmpfs_destroy(struct vmount *mp)
{
	struct tmpfs_mount *tm = mp->data;

	if (tm == NULL)
		return;
	if (tm->root != NULL) {
		tmpfs_tree_free(tm);
		KVERIFY(tm->root->nvnodes == 0 && LIST_EMPTY(&tm->files));
		tmpfs_node_free(tm->root);
		KVERIFY(tm->pages == 0);
	}
	kcond_destroy(&tm->cond);
	kmutex_destroy(&tm->lock);
	kmem_free(tm);
}

/*
 * A tmpfs of at most limit_bytes, its root directory with permissions `mode`
 * and owned by root.
 * - 0, ENOMEM.
 */
int
tmpfs_mount_create(
    struct vfs *vfs, uint64_t limit_bytes, uint32_t mode, struct vmount **mpp)
{
	struct tmpfs_mount *tm;
	struct vmount *mp;
	int error;

	error = vmount_create(vfs, "tmpfs", "tmpfs", 0, tmpfs_destroy, &mp);
	if (error != 0)
		return (error);
	tm = kmem_zalloc(sizeof(*tm));
	if (tm == NULL) {
		error = ENOMEM;
		goto fail;
	}
	mp->data = tm;
	tm->mp = mp;
	tm->vops = &tmpfs_vops;
	tm->sys = vfs->sys;
	tm->max_pages = limit_bytes >> PAGE_SHIFT;
	tm->max_names = tm->max_pages > MIN_NAMES ? tm->max_pages : MIN_NAMES;
	tm->next_ino = ROOT_INO;
	tm->names = 1;
	kmutex_init(&tm->lock, "tmpfs", KRANK_VNODE, 0);
	kcond_init(&tm->cond);
	LIST_INIT(&tm->files);
	if (tmpfs_node_create(tm, VDIR, mode, 0, 0, &tm->root) != 0) {
		error = ENOMEM;
		goto fail;
	}
	tm->root->nlink = 2;
	tm->root->dir.parent = tm->root;
	kmutex_lock(&tm->lock);
	error = tmpfs_vget(tm->root, &mp->root);
	kmutex_unlock(&tm->lock);
	if (error != 0)
		goto fail;
	mp->root->flags |= VN_ROOT;
	*mpp = mp;
	return (0);
fail:
	vmount_destroy(mp);
	return (error);
}
