/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Devices of the embedder in /dev.
 *
 * Concepts: a device has a size, perhaps an object that guests can map, and
 * perhaps a function that moves bytes.  It stays until the kernel ends, so an
 * open file or a mapping never outlives it.
 *
 * Locking: read and write are called without locks; several at once.
 */
#include "vfs/devfs/devfs_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vfs/core/file.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"
#include "vfs/devfs/devfs.h"
#include "vm/object/vm_object.h"

void
devfs_dev_free_all(struct devfs_dev_list *list)
{
	struct devfs_dev *dev;

	while ((dev = LIST_FIRST(list)) != NULL) {
		LIST_REMOVE(dev, link);
		if (dev->d.object != NULL)
			vm_object_free(dev->d.object);
		free(dev);
	}
}

static struct vfs_device *
dev_of(const struct file *f)
{
	return (&((const struct devfs_node *)f->vp->data)->dev->d);
}

/* Read or write what lies within the device. */
static int
dev_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	struct vfs_device *d = dev_of(f);

	if (d->rw == NULL)
		return (ENXIO);
	if (uio->off >= d->size)
		return (uio->write && uio->resid > 0 ? ENOSPC : 0);
	return (d->rw(d->arg, uio));
}

static int
dev_ioctl(struct file *f, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret)
{
	return (ENOTTY);
}

static int
dev_seek(struct file *f, int64_t off, int whence, uint64_t *res)
{
	int64_t base;

	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = (int64_t)f->off;
		break;
	case SEEK_END:
		base = (int64_t)dev_of(f)->size;
		break;
	default:
		return (EINVAL);
	}
	if (__builtin_add_overflow(base, off, &base))
		return (EOVERFLOW);
	if (base < 0)
		return (EINVAL);
	*res = (uint64_t)base;
	return (0);
}

const struct fileops devfs_dev_fileops = {
    .caps = FCAP_SEEK | FCAP_AT | FCAP_OFFSET,
    .rw = dev_rw,
    .ioctl = dev_ioctl,
    .poll = devfs_dev_poll,
    .getattr = devfs_dev_getattr,
    .seek = dev_seek,
    .name = "device",
};
