/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The names in /dev/pts, and the table of ptys that they stand for.
 *
 * A vnode belongs to a number, not to a pty; opening it opens the pty that has
 * the number at that time.  A pty keeps its number as long as there are files
 * of it, but its name only as long as its master is open.  Table and vnodes
 * point to each other and to ptys weakly, under the table's lock.
 */
#include "vfs/devfs/pty.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/stat.h"
#include "libk/kassert.h"
#include "vfs/core/fs.h"
#include "vfs/core/mode.h"
#include "vfs/core/vnode.h"
#include "vfs/devfs/tty.h"

static const struct vops pts_vops;

/* Number nr, ref'ed, or NULL. */
static struct pty *
table_get(struct pty_table *t, unsigned nr)
{
	struct pty *pty;

	kmutex_lock(&t->lock);
	pty = nr < PTY_MAX ? t->pty[nr] : NULL;
	if (pty != NULL && !pty_tryref(pty))
		pty = NULL;
	kmutex_unlock(&t->lock);
	return (pty);
}

static unsigned
pts_nr(const struct vnode *vp)
{
	return ((unsigned)vp->ino - PTS_INO);
}

static int
pts_getattr(struct vnode *vp, struct vattr *va)
{
	struct pty *pty = table_get(vp->data, pts_nr(vp));

	va->mode = LX_S_IFCHR | 0620;
	va->rdev = VFS_MKDEV(136, pts_nr(vp));
	va->blksize = 1024;
	if (pty == NULL)
		return (0);
	va->mode = LX_S_IFCHR | atomic_load(&pty->mode);
	va->uid = atomic_load(&pty->uid);
	va->gid = atomic_load(&pty->gid);
	pty_free(pty);
	return (0);
}

static int
pts_setattr(struct vnode *vp, const struct vattr *va, unsigned what)
{
	struct pty *pty = table_get(vp->data, pts_nr(vp));

	/* Times, as those of other devices, do not change. */
	if (pty == NULL)
		return (0);
	if ((what & VA_MODE) != 0)
		atomic_store(&pty->mode, va->mode & VS_PERM);
	if ((what & VA_UID) != 0)
		atomic_store(&pty->uid, va->uid);
	if ((what & VA_GID) != 0)
		atomic_store(&pty->gid, va->gid);
	pty_free(pty);
	return (0);
}

static int
pts_open(struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	struct pty *pty = table_get(vp->data, pts_nr(vp));

	return (pty == NULL ? EIO : pty_open_slave(pty, f, ctx));
}

static void
pts_reclaim(struct vnode *vp)
{
	struct pty_table *t = vp->data;

	kmutex_lock(&t->lock);
	if (t->vp[pts_nr(vp)] == vp)
		t->vp[pts_nr(vp)] = NULL;
	kmutex_unlock(&t->lock);
}

static const struct vops pts_vops = {
    .getattr = pts_getattr,
    .setattr = pts_setattr,
    .open = pts_open,
    .reclaim = pts_reclaim,
};

/* The number that a name is, or PTY_MAX. */
static unsigned
parse(const char *name)
{
	unsigned nr = 0;

	if (name[0] == '0' && name[1] != '\0')
		return (PTY_MAX);
	for (; *name >= '0' && *name <= '9' && nr < PTY_MAX; name++)
		nr = nr * 10 + (unsigned)(*name - '0');
	return (*name == '\0' && nr < PTY_MAX ? nr : PTY_MAX);
}

int
pty_lookup(struct pty_table *t, const char *name, struct vnode **vpp)
{
	unsigned nr = parse(name);
	struct vnode *vp;
	int error = 0;

	if (nr == PTY_MAX || name[0] == '\0')
		return (ENOENT);
	kmutex_lock(&t->lock);
	if (t->pty[nr] == NULL || !pty_live(t->pty[nr]))
		error = ENOENT;
	else if (t->vp[nr] != NULL && vnode_tryref(t->vp[nr]))
		*vpp = t->vp[nr];
	else {
		error =
		    vnode_create(t->mp, VCHR, &pts_vops, t, PTS_INO + nr, &vp);
		if (error == 0) {
			vp->flags |= VN_TTY;
			*vpp = t->vp[nr] = vp;
		}
	}
	kmutex_unlock(&t->lock);
	return (error);
}

int
pty_readdir(struct pty_table *t, uint64_t off, vfs_dirent_fn *fn, void *arg)
{
	struct pty *pty;
	char name[16];
	bool live;

	for (unsigned nr = (unsigned)off; off < PTY_MAX && nr < PTY_MAX; nr++) {
		pty = table_get(t, nr);
		if (pty == NULL)
			continue;
		live = pty_live(pty);
		pty_free(pty);
		if (!live)
			continue;
		snprintf(name, sizeof(name), "%u", nr);
		if (!fn(arg, name, strlen(name), PTS_INO + nr,
			vtype_dtype(VCHR), nr + 1))
			break;
	}
	return (0);
}

int
pty_table_create(struct vmount *mp, struct pty_table **out)
{
	struct pty_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return (ENOMEM);
	t->mp = mp;
	kmutex_init(&t->lock, "ptys", KRANK_VNODE, 0);
	*out = t;
	return (0);
}

void
pty_table_destroy(struct pty_table *t)
{
	if (t == NULL)
		return;
	for (unsigned i = 0; i < PTY_MAX; i++)
		KVERIFY(t->pty[i] == NULL && t->vp[i] == NULL);
	kmutex_destroy(&t->lock);
	free(t);
}
