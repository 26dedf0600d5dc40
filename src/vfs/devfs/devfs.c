/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * devfs: the devices of /dev, a tree that no guest can change.
 *
 * Concepts.  The tree is one const table, and a list of what the embedder has
 * added (devfs_dev.c).  A vnode's data is a devfs_node,
 * which points to its table entry.  All lookups of an entry must give the same
 * vnode, because a mount point is a vnode, so the mount remembers the live
 * vnode of each entry weakly.  /dev/zero is the exception: each lookup gives a
 * vnode of its own, whose object is the memory that shared mappings of that
 * open file see.  (kern maps VN_ZERO vnodes as anonymous memory and needs the
 * object for nothing else.)
 *
 * Opening a device replaces the operations of the file; no read or write goes
 * through the vnode.  /dev/tty becomes a file of the caller's pty, or a host
 * stream on a dup of the kernel's terminal.  That terminal is always
 * /dev/pts/0; inherited descriptors of it have the attributes of that node
 * (devfs_tty_getattr), so that ttyname(3) finds it.  /dev/ptmx and the rest of
 * /dev/pts are in pty.c.
 *
 * Locking.  dm->lock guards dm->vp[]; a vnode whose refs are 0 is dropped
 * from it by its reclaim, under the same lock.
 *
 * Limits.  Ownership and modes cannot be changed.
 */
#include "vfs/devfs/devfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/ioctl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "libk/kassert.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/ioctl.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/devfs/devfs.h"
#include "vfs/devfs/pty.h"
#include "vfs/devfs/tty.h"
#include "vm/object/vm_object.h"

#define ENTROPY_BITS 256
#define ZERO_PAGES ((vm_pindex_t)1 << 40)

#define DEV_TTY VFS_MKDEV(5, 0)
#define DEV_PTMX VFS_MKDEV(5, 2)
#define DEV_PTS0 VFS_MKDEV(136, 0) /* /proc/PID/stat has it, too */
#define DEV_MAJOR 240              /* devices of the embedder: local use */

enum { DEV_NULL = 3, DEV_ZERO = 5, DEV_FULL = 7, DEV_RANDOM, DEV_URANDOM };

static const struct devfs_entry devfs_entries[] = {
    {"", VDIR, 0755, 0, NULL}, /* the root comes first */
    {"null", VCHR, 0666, VFS_MKDEV(1, DEV_NULL), NULL},
    {"zero", VCHR, 0666, VFS_MKDEV(1, DEV_ZERO), NULL},
    {"full", VCHR, 0666, VFS_MKDEV(1, DEV_FULL), NULL},
    {"random", VCHR, 0666, VFS_MKDEV(1, DEV_RANDOM), NULL},
    {"urandom", VCHR, 0666, VFS_MKDEV(1, DEV_URANDOM), NULL},
    {"tty", VCHR, 0666, DEV_TTY, NULL}, {"ptmx", VCHR, 0666, DEV_PTMX, NULL},
    {"fd", VLNK, 0777, 0, "/proc/self/fd"},
    {"stdin", VLNK, 0777, 0, "/proc/self/fd/0"},
    {"stdout", VLNK, 0777, 0, "/proc/self/fd/1"},
    {"stderr", VLNK, 0777, 0, "/proc/self/fd/2"}, {"shm", VDIR, 01777, 0, NULL},
    {"pts", VDIR, 0755, 0, NULL},
    {"0", VCHR, 0620, DEV_PTS0, NULL}, /* of pts; not of the root */
};
#define NENTRIES (sizeof(devfs_entries) / sizeof(devfs_entries[0]))
#define NROOT (NENTRIES - 1) /* of them, the root and what is in it */
#define ENTRY_PTMX 7
#define ENTRY_PTS (NENTRIES - 2)
#define ENTRY_PTS0 (NENTRIES - 1)

/* Key: [I] immutable, [d] lock */
struct devfs_mount {
	struct vmount *mp;
	struct kmutex lock;         /* rank VNODE */
	int64_t birth;              /* [I] ns: all times */
	struct vnode *vp[NENTRIES]; /* [d] weak */
	struct devfs_dev_list devs; /* [d] of the embedder */
	unsigned ndevs;             /* [d] ever added */
	struct pty_table *ptys;     /* [I] */
};

static const struct vops devfs_vops;
static void devfs_destroy(struct vmount *);

static const struct devfs_entry *
devfs_entry(const struct vnode *vp)
{
	return (((const struct devfs_node *)vp->data)->e);
}

static unsigned
devfs_minor(const struct vnode *vp)
{
	return (devfs_entry(vp)->rdev & 0xff);
}

/* A new vnode with its node. */
static int
devfs_vnode_create(struct devfs_mount *dm, const struct devfs_entry *e,
    uint64_t ino, struct vnode **vpp)
{
	struct devfs_node *node = calloc(1, sizeof(*node));
	int error;

	if (node == NULL)
		return (ENOMEM);
	node->e = e;
	error = vnode_create(dm->mp, e->type, &devfs_vops, node, ino, vpp);
	if (error != 0)
		free(node);
	return (error);
}

/* The vnode of entry number i, with a new ref. */
static int
devfs_vget(struct devfs_mount *dm, size_t i, struct vnode **vpp)
{
	const struct devfs_entry *e = &devfs_entries[i];
	bool zero = e->rdev == VFS_MKDEV(1, DEV_ZERO);
	struct vnode *vp;
	int error = 0;

	kmutex_lock(&dm->lock);
	vp = dm->vp[i];
	if (!zero && vp != NULL && vnode_tryref(vp))
		goto found;
	error = devfs_vnode_create(dm, e, i + 1, &vp);
	if (error != 0)
		goto out;
	if (zero)
		vp->flags |= VN_ZERO;
	else if (e->rdev == DEV_TTY || e->rdev == DEV_PTMX ||
		 e->rdev == DEV_PTS0)
		vp->flags |= VN_TTY;
	dm->vp[i] = vp;
found:
	*vpp = vp;
out:
	kmutex_unlock(&dm->lock);
	return (error);
}

/* The same for a device of the embedder. */
static int
devfs_vget_dev(
    struct devfs_mount *dm, struct devfs_dev *dev, struct vnode **vpp)
{
	struct vnode *vp;
	int error;

	kmutex_assert_owned(&dm->lock);
	if (dev->vp != NULL && vnode_tryref(dev->vp)) {
		*vpp = dev->vp;
		return (0);
	}
	error = devfs_vnode_create(dm, &dev->e, NENTRIES + dev->nr, &vp);
	if (error != 0)
		return (error);
	((struct devfs_node *)vp->data)->dev = dev;
	dev->vp = vp;
	*vpp = vp;
	return (0);
}

static struct devfs_dev *
devfs_dev_find(struct devfs_mount *dm, const char *name)
{
	struct devfs_dev *dev;

	LIST_FOREACH (dev, &dm->devs, link)
		if (strcmp(dev->name, name) == 0)
			return (dev);
	return (NULL);
}

static void
devfs_reclaim(struct vnode *vp)
{
	struct devfs_mount *dm = vp->mount->data;
	struct devfs_node *node = vp->data;
	size_t i = node->dev != NULL ? 0 : (size_t)(node->e - devfs_entries);

	kmutex_lock(&dm->lock);
	if (node->dev == NULL && dm->vp[i] == vp)
		dm->vp[i] = NULL;
	else if (node->dev != NULL && node->dev->vp == vp)
		node->dev->vp = NULL;
	kmutex_unlock(&dm->lock);
	if (node->object != NULL)
		vm_object_free(node->object);
	free(node);
}

static int
devfs_lookup(struct vnode *dvp, const char *name, struct vnode **vpp)
{
	struct devfs_mount *dm;
	struct devfs_dev *dev;
	int error = ENOENT;

	if (dvp->type != VDIR)
		return (ENOTDIR);
	if (devfs_entry(dvp) == &devfs_entries[ENTRY_PTS] &&
	    dvp->mount->vfs->tty_fd >= 0 &&
	    strcmp(name, devfs_entries[ENTRY_PTS0].name) == 0)
		return (devfs_vget(dvp->mount->data, ENTRY_PTS0, vpp));
	/* As in each instance of devpts. */
	if (devfs_entry(dvp) == &devfs_entries[ENTRY_PTS] &&
	    strcmp(name, devfs_entries[ENTRY_PTMX].name) == 0)
		return (devfs_vget(dvp->mount->data, ENTRY_PTMX, vpp));
	if (devfs_entry(dvp) == &devfs_entries[ENTRY_PTS])
		return (pty_lookup(
		    ((struct devfs_mount *)dvp->mount->data)->ptys, name, vpp));
	if (devfs_entry(dvp) != &devfs_entries[0])
		return (ENOENT);
	for (size_t i = 1; i < NROOT; i++)
		if (strcmp(devfs_entries[i].name, name) == 0)
			return (devfs_vget(dvp->mount->data, i, vpp));
	dm = dvp->mount->data;
	kmutex_lock(&dm->lock);
	dev = devfs_dev_find(dm, name);
	if (dev != NULL)
		error = devfs_vget_dev(dm, dev, vpp);
	kmutex_unlock(&dm->lock);
	return (error);
}

/*
 * The devfs that was mounted last, or NULL.  It stays mounted, because mounts
 * are destroyed only with the vfs.
 */
static struct devfs_mount *
devfs_of(struct vfs *vfs)
{
	struct vmount *mp;

	kmutex_lock(&vfs->mount_lock);
	TAILQ_FOREACH_REVERSE(mp, &vfs->mounts, vmount_list, link)
	if (mp->destroy == devfs_destroy)
		break;
	kmutex_unlock(&vfs->mount_lock);
	return (mp != NULL ? mp->data : NULL);
}

int
devfs_device_add(struct vfs *vfs, const struct vfs_device *d)
{
	struct devfs_mount *dm = devfs_of(vfs);
	struct devfs_dev *dev;
	size_t len = strlen(d->name);
	int error = 0;

	if (len == 0 || len > VFS_NAME_MAX || strchr(d->name, '/') != NULL ||
	    strcmp(d->name, ".") == 0 || strcmp(d->name, "..") == 0)
		return (EINVAL);
	if (dm == NULL)
		return (ENXIO);
	dev = calloc(1, sizeof(*dev));
	if (dev == NULL)
		return (ENOMEM);
	dev->d = *d;
	memcpy(dev->name, d->name, len + 1);
	dev->d.name = dev->name;
	dev->e.name = dev->name;
	dev->e.type = VCHR;
	dev->e.mode = d->mode & VS_PERM;
	for (size_t i = 1; i < NROOT; i++)
		if (strcmp(devfs_entries[i].name, d->name) == 0)
			error = EEXIST;
	kmutex_lock(&dm->lock);
	if (devfs_dev_find(dm, d->name) != NULL)
		error = EEXIST;
	if (error == 0) {
		dev->nr = ++dm->ndevs;
		dev->e.rdev = VFS_MKDEV(DEV_MAJOR, dev->nr);
		LIST_INSERT_HEAD(&dm->devs, dev, link);
	}
	kmutex_unlock(&dm->lock);
	if (error != 0)
		free(dev);
	return (error);
}

static unsigned
devfs_ndevs(struct devfs_mount *dm)
{
	unsigned n;

	kmutex_lock(&dm->lock);
	n = dm->ndevs;
	kmutex_unlock(&dm->lock);
	return (n);
}

static bool
devfs_dev_name(struct devfs_mount *dm, unsigned nr, char name[VFS_NAME_MAX + 1])
{
	struct devfs_dev *dev;

	kmutex_lock(&dm->lock);
	LIST_FOREACH (dev, &dm->devs, link)
		if (dev->nr == nr) {
			memcpy(name, dev->name, sizeof(dev->name));
			break;
		}
	kmutex_unlock(&dm->lock);
	return (dev != NULL);
}

static int
devfs_readdir(struct vnode *vp, uint64_t off, vfs_dirent_fn *fn, void *arg)
{
	struct devfs_mount *dm = vp->mount->data;

	if (vp->type != VDIR)
		return (ENOTDIR);
	if (devfs_entry(vp) == &devfs_entries[ENTRY_PTS]) {
		if (off == 0 && vp->mount->vfs->tty_fd >= 0) {
			if (!fn(arg, "0", 1, ENTRY_PTS0 + 1, vtype_dtype(VCHR),
				1))
				return (0);
			off = 1;
		}
		return (pty_readdir(dm->ptys, off, fn, arg));
	}
	if (devfs_entry(vp) != &devfs_entries[0])
		return (0);
	for (size_t i = off + 1; off < NROOT && i < NROOT; i++) {
		const struct devfs_entry *e = &devfs_entries[i];

		if (!fn(arg, e->name, strlen(e->name), i + 1,
			vtype_dtype(e->type), i))
			return (0);
	}
	/* By number, not in the order of the list (newest first): numbers only
	 * grow, so an offset stays valid. */
	for (unsigned nr = 1; nr <= devfs_ndevs(dm); nr++) {
		char name[VFS_NAME_MAX + 1];

		if (NENTRIES + nr <= off + 1 || !devfs_dev_name(dm, nr, name))
			continue;
		if (!fn(arg, name, strlen(name), NENTRIES + nr,
			vtype_dtype(VCHR), NENTRIES + nr - 1))
			break;
	}
	return (0);
}

static int
devfs_getattr(struct vnode *vp, struct vattr *va)
{
	const struct devfs_mount *dm = vp->mount->data;
	const struct devfs_entry *e = devfs_entry(vp);
	struct host_stat st;

	va->mode = e->mode | vtype_ifmt(e->type);
	va->nlink = e->type == VDIR ? 2 : 1;
	va->rdev = e->type == VCHR ? e->rdev : 0;
	va->size = e->target != NULL ? strlen(e->target) : 0;
	va->atime = va->mtime = va->ctime = va->btime = dm->birth;
	/* A terminal has the owner that it has on the host. */
	if (e->rdev == DEV_PTS0 &&
	    host_fstat(vp->mount->vfs->tty_fd, &st) == 0) {
		va->mode = st.mode;
		va->uid = st.uid;
		va->gid = st.gid;
	}
	return (0);
}

/* struct vfs.tty_getattr */
static bool
devfs_tty_getattr(struct vfs *vfs, uint64_t rdev, struct vattr *va)
{
	struct devfs_mount *dm = devfs_of(vfs);
	struct host_stat st;
	struct vnode *vp;
	int error;

	if (vfs->tty_fd < 0 || dm == NULL ||
	    host_fstat(vfs->tty_fd, &st) != 0 || st.rdev != rdev)
		return (false);
	error = devfs_vget(dm, ENTRY_PTS0, &vp);
	if (error != 0)
		return (false);
	error = vn_getattr(vp, va);
	vrele(vp);
	return (error == 0);
}

/*
 * Programs chmod, chown and touch their terminal, and truncate devices.  All of
 * these calls succeed on devices and have no effect.
 */
static int
devfs_setattr(struct vnode *vp, const struct vattr *va, unsigned what)
{
	return (vp->type == VCHR ? 0 : EPERM);
}

static int
devfs_readlink(struct vnode *vp, const struct vfs_ctx *ctx, char *buf,
    size_t size, size_t *len)
{
	const struct devfs_entry *e = devfs_entry(vp);
	size_t n;

	if (e->target == NULL)
		return (EINVAL);
	n = strlen(e->target);
	*len = n < size ? n : size;
	memcpy(buf, e->target, *len);
	return (0);
}

static int
devfs_statfs(struct vnode *vp, struct vfs_statfs *sf)
{
	*sf = (struct vfs_statfs){
	    .type = LX_TMPFS_MAGIC,
	    .bsize = PAGE_SIZE,
	    .files = NENTRIES,
	    .namelen = VFS_NAME_MAX,
	};
	return (0);
}

/* Lock held.  Make the memory of an open /dev/zero, unless it has been made. */
static int
zero_object_locked(struct vnode *vp)
{
	struct devfs_node *node = vp->data;
	struct vm_object *o;
	int error;

	if (node->object != NULL)
		return (0);
	error = vm_object_allocate_hold(
	    vp->mount->vfs->sys, OBJT_DEFAULT, ZERO_PAGES, &o);
	if (error != 0)
		return (error);
	o->flags |= OBJ_NAMED;
	vm_object_unlock(o);
	node->object = o;
	return (0);
}

static int
devfs_object(struct vnode *vp, struct vm_object **op)
{
	struct devfs_mount *dm = vp->mount->data;
	struct devfs_node *node = vp->data;
	int error;

	if (node->dev != NULL && node->dev->d.object != NULL) {
		*op = node->dev->d.object;
		return (0);
	}
	if ((vp->flags & VN_ZERO) == 0)
		return (ENODEV);
	kmutex_lock(&dm->lock);
	error = zero_object_locked(vp);
	if (error == 0)
		*op = node->object;
	kmutex_unlock(&dm->lock);
	return (error);
}

/* ---- open devices ---- */

static int
dev_read(struct file *f, struct uio *uio)
{
	char buf[4096];
	size_t n;

	switch (devfs_minor(f->vp)) {
	case DEV_ZERO:
	case DEV_FULL:
		uiozero(uio->resid, uio);
		break;
	case DEV_RANDOM:
	case DEV_URANDOM:
		while (uio->resid > 0) {
			n = uio->resid < sizeof(buf) ? uio->resid : sizeof(buf);
			host_random(buf, n);
			uiomove(buf, n, uio);
		}
		explicit_bzero(buf, sizeof(buf));
		break;
	default:
		break;
	}
	return (0);
}

static int
dev_write(struct file *f, struct uio *uio)
{
	if (devfs_minor(f->vp) == DEV_FULL)
		return (uio->resid > 0 ? ENOSPC : 0);
	uio_advance(uio, uio->resid);
	return (0);
}

static int
dev_ioctl(struct file *f, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret)
{
	const int bits = ENTROPY_BITS;
	unsigned minor = devfs_minor(f->vp);

	if ((minor != DEV_RANDOM && minor != DEV_URANDOM) ||
	    (uint32_t)cmd != LX_RNDGETENTCNT)
		return (ENOTTY);
	if (size < sizeof(bits))
		return (EINVAL);
	memcpy(kbuf, &bits, sizeof(bits));
	*ret = 0;
	return (0);
}

short
devfs_dev_poll(struct file *f, short events, int *hostfd)
{
	*hostfd = -1;
	return (
	    events & (LX_POLLIN | LX_POLLOUT | LX_POLLRDNORM | LX_POLLWRNORM));
}

int
devfs_dev_getattr(struct file *f, struct vattr *va)
{
	return (vn_getattr(f->vp, va));
}

/* Devices have no position: every seek leads to the start. */
static int
dev_seek(struct file *f, int64_t off, int whence, uint64_t *res)
{
	*res = 0;
	return (0);
}

static int
dev_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	return (uio->write ? dev_write(f, uio) : dev_read(f, uio));
}

static const struct fileops dev_fileops = {
    .caps = FCAP_SEEK | FCAP_AT,
    .rw = dev_rw,
    .ioctl = dev_ioctl,
    .poll = devfs_dev_poll,
    .getattr = devfs_dev_getattr,
    .seek = dev_seek,
    .name = "device",
};

/* The kernel's terminal. */
static int
tty_open_host(struct vfs *vfs, struct file *f)
{
	int fd, error;

	if (vfs->tty_fd < 0)
		return (ENXIO);
	error = host_dup(vfs->tty_fd, &fd);
	if (error != 0)
		return (error);
	error = file_take_hostfd(f, fd);
	if (error != 0) {
		(void)host_close(fd);
		return (error);
	}
	f->ops = &hostfd_tty_fileops;
	return (0);
}

/* /dev/tty: the terminal of the caller's session. */
static int
tty_open(struct vfs *vfs, struct file *f, const struct vfs_ctx *ctx)
{
	struct pty *pty = NULL;
	int error;

	if (vfs->tty_ops != NULL) {
		error = vfs->tty_ops->controlling(vfs->tty_arg, ctx, &pty);
		if (error != 0)
			return (error);
	}
	return (
	    pty != NULL ? pty_open_slave(pty, f, ctx) : tty_open_host(vfs, f));
}

static int
devfs_open(
    struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	const struct devfs_mount *dm = vp->mount->data;

	if (vp->type != VCHR)
		return (0);
	if (((struct devfs_node *)vp->data)->dev != NULL) {
		f->ops = &devfs_dev_fileops;
		return (0);
	}
	if (devfs_entry(vp)->rdev == DEV_PTMX)
		return (pty_open_master(dm->ptys, f, ctx));
	if (devfs_entry(vp)->rdev == DEV_PTS0)
		return (tty_open_host(vp->mount->vfs, f));
	if ((vp->flags & VN_TTY) != 0)
		return (tty_open(vp->mount->vfs, f, ctx));
	f->ops = &dev_fileops;
	return (0);
}

/* ---- refused: nothing can be made or removed ---- */

static int
devfs_create(struct vnode *dvp, const char *name, uint32_t mode,
    const struct vfs_ctx *ctx, struct vnode **vpp)
{
	return (EACCES);
}

static int
devfs_mkdir(struct vnode *dvp, const char *name, uint32_t mode,
    const struct vfs_ctx *ctx)
{
	return (EACCES);
}

static int
devfs_mknod(struct vnode *dvp, const char *name, uint32_t mode, uint64_t rdev,
    const struct vfs_ctx *ctx)
{
	return (EPERM);
}

static int
devfs_symlink(struct vnode *dvp, const char *name, const char *target,
    const struct vfs_ctx *ctx)
{
	return (EACCES);
}

static int
devfs_remove(struct vnode *dvp, const char *name)
{
	return (EACCES);
}

static const struct vops devfs_vops = {
    .lookup = devfs_lookup,
    .getattr = devfs_getattr,
    .setattr = devfs_setattr,
    .open = devfs_open,
    .readdir = devfs_readdir,
    .readlink = devfs_readlink,
    .create = devfs_create,
    .mkdir = devfs_mkdir,
    .mknod = devfs_mknod,
    .symlink = devfs_symlink,
    .unlink = devfs_remove,
    .rmdir = devfs_remove,
    .statfs = devfs_statfs,
    .reclaim = devfs_reclaim,
    .object = devfs_object,
};

static void
devfs_destroy(struct vmount *mp)
{
	struct devfs_mount *dm = mp->data;

	if (dm == NULL)
		return;
	for (size_t i = 0; i < NENTRIES; i++)
		KVERIFY(dm->vp[i] == NULL);
	devfs_dev_free_all(&dm->devs);
	pty_table_destroy(dm->ptys);
	kmutex_destroy(&dm->lock);
	free(dm);
}

/*
 * - 0, ENOMEM.
 */
int
devfs_mount_create(struct vfs *vfs, struct vmount **mpp)
{
	struct devfs_mount *dm;
	struct vmount *mp;
	int error;

	error =
	    vmount_create(vfs, "devtmpfs", "devtmpfs", 0, devfs_destroy, &mp);
	if (error != 0)
		return (error);
	dm = calloc(1, sizeof(*dm));
	if (dm == NULL) {
		vmount_destroy(mp);
		return (ENOMEM);
	}
	dm->mp = mp;
	dm->birth = (int64_t)host_realtime_ns();
	kmutex_init(&dm->lock, "devfs", KRANK_VNODE, 0);
	mp->data = dm;
	error = pty_table_create(mp, &dm->ptys);
	if (error != 0)
		goto fail;
	error = devfs_vget(dm, 0, &mp->root);
	if (error != 0)
		goto fail;
	mp->root->flags |= VN_ROOT;
	vfs->tty_getattr = devfs_tty_getattr;
	*mpp = mp;
	return (0);
fail:
	vmount_destroy(mp);
	return (error);
}
