/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tmpfs directories: names.
 *
 * Data structures.  An entry is in two trees of its directory: by name, for
 * lookup, and by cookie, for readdir.  Cookies count up per directory and are
 * never reused, so a readdir that is interrupted by any number of creations
 * and removals sees every entry that stays exactly once.  The caller adds "."
 * and "..".
 *
 * Locking.  tm->lock.  Memory is allocated before it is taken and freed after,
 * and readdir calls back without it, a batch of entries at a time.
 *
 * Guarantees.  nlink: 2 and one for each subdirectory; 0 once removed, and
 * nothing is created in such a directory any more.  Modes are masked by the
 * caller's umask, groups inherited from set-group-id directories.
 */
#include "vfs/tmpfs/tmpfs_int.h"

#include <errno.h>
#include <string.h>

#include "abi/stat.h"
#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/mode.h"
#include "vfs/core/vnode.h"

#define READDIR_BATCH 16
#define LINK_INLINE 128 /* bytes; longer link texts are charged as a page */

static int
tmpfs_name_cmp(const struct tmpfs_dirent *a, const struct tmpfs_dirent *b)
{
	return (strcmp(a->name, b->name));
}

static int
tmpfs_cookie_cmp(const struct tmpfs_dirent *a, const struct tmpfs_dirent *b)
{
	return (a->cookie < b->cookie ? -1 : a->cookie > b->cookie);
}

RB_GENERATE(tmpfs_names, tmpfs_dirent, by_name, tmpfs_name_cmp)
RB_GENERATE(tmpfs_cookies, tmpfs_dirent, by_cookie, tmpfs_cookie_cmp)

struct tmpfs_dirent *
tmpfs_dirent_alloc(struct tmpfs_mount *tm, const char *name)
{
	size_t len = strlen(name) + 1;
	struct tmpfs_dirent *de = tmpfs_alloc(tm, sizeof(*de) + len);

	if (de == NULL)
		return (NULL);
	memcpy(de->name, name, len);
	return (de);
}

/* Set the times after a change of a name of `node` in `dir`. */
void
tmpfs_dir_touch(struct tmpfs_node *dir, struct tmpfs_node *node)
{
	node->ctime = (int64_t)host_realtime_ns();
	dir->mtime = dir->ctime = node->ctime;
}

struct tmpfs_dirent *
tmpfs_dir_find(struct tmpfs_node *dir, const char *name)
{
	struct tmpfs_dirent *de = RB_ROOT(&dir->dir.names);
	int c;

	kmutex_assert_owned(&dir->tm->lock);
	while (de != NULL) {
		c = strcmp(name, de->name);
		if (c == 0)
			return (de);
		de = c < 0 ? RB_LEFT(de, by_name) : RB_RIGHT(de, by_name);
	}
	return (NULL);
}

void
tmpfs_dir_attach(
    struct tmpfs_node *dir, struct tmpfs_dirent *de, struct tmpfs_node *node)
{
	struct tmpfs_dirent *old;

	kmutex_assert_owned(&dir->tm->lock);
	de->node = node;
	de->cookie = dir->dir.next_cookie++;
	old = RB_INSERT(tmpfs_names, &dir->dir.names, de);
	KVERIFY(old == NULL);
	RB_INSERT(tmpfs_cookies, &dir->dir.cookies, de);
	dir->dir.nentries++;
	dir->tm->names++;
	tmpfs_dir_touch(dir, node);
}

void
tmpfs_dir_detach(struct tmpfs_node *dir, struct tmpfs_dirent *de)
{
	kmutex_assert_owned(&dir->tm->lock);
	RB_REMOVE(tmpfs_names, &dir->dir.names, de);
	RB_REMOVE(tmpfs_cookies, &dir->dir.cookies, de);
	dir->dir.nentries--;
	dir->tm->names--;
	tmpfs_dir_touch(dir, de->node);
}

static void
tmpfs_dir_insert(
    struct tmpfs_node *dir, struct tmpfs_dirent *de, struct tmpfs_node *node)
{
	tmpfs_dir_attach(dir, de, node);
	if (node->type == VDIR) {
		node->nlink = 2;
		node->dir.parent = dir;
		dir->nlink++;
	} else
		node->nlink++;
}

void
tmpfs_dir_remove(struct tmpfs_node *dir, struct tmpfs_dirent *de)
{
	tmpfs_dir_detach(dir, de);
	if (de->node->type == VDIR) {
		de->node->nlink = 0;
		dir->nlink--;
	} else
		de->node->nlink--;
}

int
tmpfs_dir_check_new(struct tmpfs_node *dir, const char *name)
{
	if (dir->nlink == 0)
		return (ENOENT);
	if (tmpfs_dir_find(dir, name) != NULL)
		return (EEXIST);
	if (dir->tm->names >= dir->tm->max_names)
		return (ENOSPC);
	return (0);
}

int
tmpfs_lookup(struct vnode *dvp, const char *name, struct vnode **vpp)
{
	struct tmpfs_node *dir = tmpfs_node(dvp);
	struct tmpfs_dirent *de;
	int error = ENOENT;

	if (dir->type != VDIR)
		return (ENOTDIR);
	kmutex_lock(&dir->tm->lock);
	de = tmpfs_dir_find(dir, name);
	if (de != NULL)
		error = tmpfs_vget(de->node, vpp);
	kmutex_unlock(&dir->tm->lock);
	return (error);
}

/* Lock held.  Enter a new node, whose `pages` are counted already. */
static int
tmpfs_enter_locked(struct tmpfs_node *dir, struct tmpfs_dirent *de,
    struct tmpfs_node *node, uint64_t pages, struct vnode **vpp)
{
	const struct tmpfs_mount *tm = dir->tm;
	int error;

	error = tmpfs_dir_check_new(dir, de->name);
	if (error != 0)
		return (error);
	if (pages > 0 && tm->pages > tm->max_pages)
		return (ENOSPC);
	if (vpp != NULL) {
		error = tmpfs_vget(node, vpp);
		if (error != 0)
			return (error);
	}
	tmpfs_dir_insert(dir, de, node);
	return (0);
}

/*
 * Give a new node its name.  The node is consumed: it is in the directory or
 * freed.  vpp may be NULL.
 */
static int
tmpfs_enter_new(struct tmpfs_node *dir, const char *name,
    struct tmpfs_node *node, struct vnode **vpp)
{
	struct tmpfs_mount *tm = dir->tm;
	struct tmpfs_dirent *de = tmpfs_dirent_alloc(tm, name);
	uint64_t pages = node->type == VLNK ? node->lnk.pages : 0;
	bool unused = false;
	int error;

	kmutex_lock(&tm->lock);
	tm->pages += pages;
	error =
	    de == NULL ? ENOSPC : tmpfs_enter_locked(dir, de, node, pages, vpp);
	if (error != 0)
		unused = tmpfs_node_unused(node);
	kmutex_unlock(&tm->lock);
	if (error == 0)
		return (0);
	KASSERT(unused);
	kmem_free(de);
	tmpfs_node_free(node);
	return (error);
}

/* Make a node for ctx's process in `dir`: owner, group and mode. */
static int
tmpfs_new(struct tmpfs_node *dir, enum vtype type, uint32_t mode,
    const struct vfs_ctx *ctx, struct tmpfs_node **out)
{
	uint32_t gid = ctx->gid;

	if (dir->type != VDIR)
		return (ENOTDIR);
	if (type != VLNK)
		mode &= ~ctx->umask;
	kmutex_lock(&dir->tm->lock);
	if ((dir->mode & LX_S_ISGID) != 0) {
		gid = dir->gid;
		if (type == VDIR)
			mode |= LX_S_ISGID;
	}
	kmutex_unlock(&dir->tm->lock);
	return (tmpfs_node_create(dir->tm, type, mode, ctx->uid, gid, out));
}

int
tmpfs_create(struct vnode *dvp, const char *name, uint32_t mode,
    const struct vfs_ctx *ctx, struct vnode **vpp)
{
	struct tmpfs_node *node;
	int error;

	error = tmpfs_new(tmpfs_node(dvp), VREG, mode, ctx, &node);
	if (error == 0)
		error = tmpfs_enter_new(tmpfs_node(dvp), name, node, vpp);
	return (error);
}

int
tmpfs_tmpfile(struct vnode *dvp, uint32_t mode, bool linkable,
    const struct vfs_ctx *ctx, struct vnode **vpp)
{
	struct tmpfs_node *dir = tmpfs_node(dvp), *node;
	struct tmpfs_mount *tm = dir->tm;
	bool unused = false;
	int error;

	error = tmpfs_new(dir, VREG, mode, ctx, &node);
	if (error != 0)
		return (error);
	node->reg.linkable = linkable;
	kmutex_lock(&tm->lock);
	error = tmpfs_vget(node, vpp);
	if (error != 0)
		unused = tmpfs_node_unused(node);
	kmutex_unlock(&tm->lock);
	if (unused)
		tmpfs_node_free(node);
	return (error);
}

int
tmpfs_mkdir(struct vnode *dvp, const char *name, uint32_t mode,
    const struct vfs_ctx *ctx)
{
	struct tmpfs_node *node;
	int error;

	error = tmpfs_new(tmpfs_node(dvp), VDIR, mode, ctx, &node);
	if (error == 0)
		error = tmpfs_enter_new(tmpfs_node(dvp), name, node, NULL);
	return (error);
}

int
tmpfs_mknod(struct vnode *dvp, const char *name, uint32_t mode, uint64_t rdev,
    const struct vfs_ctx *ctx)
{
	enum vtype type = (mode & LX_S_IFMT) != 0 ? vtype_of_mode(mode) : VREG;
	struct tmpfs_node *node;
	int error;

	if (type == VCHR || type == VBLK || type == VDIR)
		return (EPERM);
	if (type != VREG && type != VFIFO && type != VSOCK)
		return (EINVAL);
	error = tmpfs_new(tmpfs_node(dvp), type, mode, ctx, &node);
	if (error == 0)
		error = tmpfs_enter_new(tmpfs_node(dvp), name, node, NULL);
	return (error);
}

int
tmpfs_symlink(struct vnode *dvp, const char *name, const char *target,
    const struct vfs_ctx *ctx)
{
	struct tmpfs_node *node;
	size_t len = strlen(target);
	int error;

	if (len >= VFS_PATH_MAX)
		return (ENAMETOOLONG);
	error = tmpfs_new(tmpfs_node(dvp), VLNK, 0777, ctx, &node);
	if (error != 0)
		return (error);
	node->lnk.target = tmpfs_alloc(node->tm, len + 1);
	if (node->lnk.target == NULL) {
		tmpfs_node_free(node);
		return (ENOSPC);
	}
	memcpy(node->lnk.target, target, len);
	node->lnk.pages = len >= LINK_INLINE ? 1 : 0;
	return (tmpfs_enter_new(tmpfs_node(dvp), name, node, NULL));
}

/* Lock held.  May `node` get one more name? */
static int
tmpfs_link_check(
    struct tmpfs_node *dir, const char *name, const struct tmpfs_node *node)
{
	int error;

	error = tmpfs_dir_check_new(dir, name);
	if (error != 0)
		return (error);
	if (node->nlink == 0 && (node->type != VREG || !node->reg.linkable))
		return (ENOENT);
	return (node->nlink == UINT32_MAX ? EMLINK : 0);
}

int
tmpfs_link(struct vnode *dvp, const char *name, struct vnode *vp)
{
	struct tmpfs_node *dir = tmpfs_node(dvp), *node = tmpfs_node(vp);
	struct tmpfs_dirent *de;
	int error;

	if (dvp->mount != vp->mount)
		return (EXDEV);
	if (vp->type == VDIR)
		return (EPERM);
	de = tmpfs_dirent_alloc(dir->tm, name);
	if (de == NULL)
		return (ENOSPC);
	kmutex_lock(&dir->tm->lock);
	error = tmpfs_link_check(dir, name, node);
	if (error == 0) {
		tmpfs_dir_insert(dir, de, node);
		if (node->type == VREG)
			node->reg.linkable = false; /* once, as on Linux */
	}
	kmutex_unlock(&dir->tm->lock);
	if (error != 0)
		kmem_free(de);
	return (error);
}

static int
tmpfs_remove(struct vnode *dvp, const char *name, bool rmdir)
{
	struct tmpfs_node *dir = tmpfs_node(dvp), *node = NULL;
	struct tmpfs_dirent *de;
	bool unused = false;
	int error = 0;

	if (dir->type != VDIR)
		return (ENOTDIR);
	kmutex_lock(&dir->tm->lock);
	de = tmpfs_dir_find(dir, name);
	if (de == NULL)
		error = ENOENT;
	else if (rmdir && de->node->type != VDIR)
		error = ENOTDIR;
	else if (!rmdir && de->node->type == VDIR)
		error = EISDIR;
	else if (rmdir && !RB_EMPTY(&de->node->dir.names))
		error = ENOTEMPTY;
	else {
		node = de->node;
		tmpfs_dir_remove(dir, de);
		unused = tmpfs_node_unused(node);
	}
	kmutex_unlock(&dir->tm->lock);
	if (error != 0)
		return (error);
	kmem_free(de);
	if (unused)
		tmpfs_node_free(node);
	return (0);
}

int
tmpfs_unlink(struct vnode *dvp, const char *name)
{
	return (tmpfs_remove(dvp, name, false));
}

int
tmpfs_rmdir(struct vnode *dvp, const char *name)
{
	return (tmpfs_remove(dvp, name, true));
}

struct readdir_item {
	uint64_t ino;
	uint64_t next; /* cookie after this entry */
	uint8_t dtype;
	char name[VFS_NAME_MAX + 1];
};

/* Copy up to READDIR_BATCH entries from cookie `off` on; returns how many. */
static int
tmpfs_readdir_batch(
    struct tmpfs_node *dir, uint64_t off, struct readdir_item *it)
{
	struct tmpfs_dirent key = {.cookie = off}, *de;
	int n = 0;

	kmutex_lock(&dir->tm->lock);
	dir->atime = (int64_t)host_realtime_ns();
	de = RB_NFIND(tmpfs_cookies, &dir->dir.cookies, &key);
	for (; de != NULL && n < READDIR_BATCH; n++) {
		it[n].ino = de->node->ino;
		it[n].next = de->cookie + 1;
		it[n].dtype = vtype_dtype(de->node->type);
		strcpy(it[n].name, de->name);
		de = RB_NEXT(tmpfs_cookies, &dir->dir.cookies, de);
	}
	kmutex_unlock(&dir->tm->lock);
	return (n);
}

int
tmpfs_readdir(struct vnode *vp, uint64_t off, vfs_dirent_fn *fn, void *arg)
{
	struct tmpfs_node *dir = tmpfs_node(vp);
	struct readdir_item it[READDIR_BATCH];
	int n;

	if (dir->type != VDIR)
		return (ENOTDIR);
	while ((n = tmpfs_readdir_batch(dir, off, it)) > 0) {
		for (int i = 0; i < n; i++) {
			if (!fn(arg, it[i].name, strlen(it[i].name), it[i].ino,
				it[i].dtype, it[i].next))
				return (0);
		}
		off = it[n - 1].next;
	}
	return (0);
}
