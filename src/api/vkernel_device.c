/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Devices of the embedder.
 *
 * Purpose: memory that an embedder and guests share without a copy, and devices
 * whose pages the embedder supplies at the first access.
 *
 * Concepts.  Device memory is a part of the arena that is not guest memory
 * (vm_phys_device.c).  The embedder has it mapped, and guests map it through a
 * device in /dev.  A window is the simplest device: its pages are one run of
 * device memory.  For any other device the embedder's fault function returns,
 * for each page, its place in device memory or an error.
 *
 * Locking and lifetime: devices and device memory are added while the kernel
 * runs and stay until it ends.  proctree protects k->devices, which is only
 * searched by name.  The embedder's functions are called without locks, by
 * several threads at once.
 *
 * Guarantees: a page number, an offset or a length from a guest is checked
 * before it is passed to the embedder; a result of the embedder is checked
 * before it is passed to a guest.
 *
 * Limits: 64 runs of device memory, and 1 GiB of it unless the configuration
 * says otherwise.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/vkernel_int.h"
#include "libk/kassert.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"
#include "vfs/devfs/devfs.h"
#include "vm/pager/device_pager.h"
#include "kern/ipc/futex.h"
#include "vm/vmspace.h"

#define RW_CHUNK 4096

/* Key: [I] immutable */
struct vkdevice {
	struct vkernel *k;                    /* [I] */
	char name[VFS_NAME_MAX + 1];          /* [I] */
	uint64_t size;                        /* [I] bytes */
	const struct vkernel_device_ops *ops; /* [I] NULL: a window */
	void *arg;                            /* [I] */
	char *base;                           /* [I] of a window */
	vm_frame_t first;                     /* [I] of a window */
	uint64_t object_id;                   /* [I] */
	LIST_ENTRY(vkdevice) link;
};

/* A run of device memory. */
struct vkdevmem {
	vm_frame_t first;
	uint64_t npages;
	LIST_ENTRY(vkdevmem) link;
};

/* ---- device memory ---- */

static int
devmem_alloc(struct vkernel *k, uint64_t size, vm_frame_t *first, void **ptr)
{
	struct vkdevmem *m;
	int error;

	if (size == 0 || size > UINT64_MAX - PAGE_MASK)
		return (EINVAL);
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return (ENOMEM);
	m->npages = round_page(size) >> PAGE_SHIFT;
	error = vm_phys_device_alloc(k->vm.phys, m->npages, first, ptr);
	if (error != 0) {
		free(m);
		return (error);
	}
	m->first = *first;
	kmutex_lock(&k->proctree);
	LIST_INSERT_HEAD(&k->devmem, m, link);
	kmutex_unlock(&k->proctree);
	return (0);
}

int
vkernel_devmem_alloc(
    struct vkernel *k, size_t size, uint64_t *offset, void **ptr)
{
	vm_frame_t first;
	void *p;
	int error;

	if (k == NULL || offset == NULL || ptr == NULL)
		return (EINVAL);
	error = devmem_alloc(k, size, &first, &p);
	if (error != 0)
		return (error);
	*offset = (first - k->vm.phys->npages) * PAGE_SIZE;
	*ptr = p;
	return (0);
}

/* ---- callbacks of the pager and of devfs ---- */

static int
device_fault(void *dev, vm_pindex_t idx, vm_prot_t access, vm_frame_t *frame)
{
	struct vkdevice *d = dev;
	struct vm_phys *ph = d->k->vm.phys;
	uint64_t off = 0;
	int error;

	if (d->ops == NULL) {
		*frame = d->first + (vm_frame_t)idx;
		return (0);
	}
	error = d->ops->fault(d->arg, idx, (access & VM_PROT_WRITE) != 0, &off);
	if (error != 0)
		return (error);
	if ((off & PAGE_MASK) != 0 || off >> PAGE_SHIFT >= ph->ndev)
		return (EIO);
	*frame = (vm_frame_t)(ph->npages + (off >> PAGE_SHIFT));
	return (0);
}

static void
device_dtor(void *dev)
{
	free(dev);
}

static const struct cdev_pager_ops device_pager_ops = {
    .fault = device_fault,
    .dtor = device_dtor,
};

/* Move bytes through a buffer, because the embedder's functions do not take a
 * uio. */
static int
device_rw_ops(struct vkdevice *d, struct uio *uio)
{
	char buf[RW_CHUNK];
	size_t n, done;
	int error = 0;

	while (error == 0 && uio->resid > 0 && uio->off < d->size) {
		n = uio->resid < sizeof(buf) ? uio->resid : sizeof(buf);
		if (n > d->size - uio->off)
			n = (size_t)(d->size - uio->off);
		done = 0;
		if (uio->write) {
			struct uio one = *uio;
			uint64_t off = uio->off;

			if (d->ops->write == NULL)
				return (EPERM);
			n = uiomove(buf, n, uio);
			error = d->ops->write(d->arg, off, buf, n, &done);
			if (error != 0 || done < n)
				uio->resid = one.resid - done;
		} else {
			if (d->ops->read == NULL)
				return (EPERM);
			error = d->ops->read(d->arg, uio->off, buf, n, &done);
			if (error == 0 && done <= n)
				uiomove(buf, done, uio);
		}
		if (done == 0 || done < n)
			break;
	}
	return (error);
}

static int
device_rw(void *arg, struct uio *uio)
{
	struct vkdevice *d = arg;
	uint64_t left = d->size - uio->off;
	size_t n = uio->resid < left ? uio->resid : (size_t)left;

	if (d->ops != NULL)
		return (device_rw_ops(d, uio));
	while (n > 0)
		n -= uiomove(d->base + uio->off, n, uio);
	return (0);
}

/* ---- adding devices ---- */

static int
device_publish(struct vkernel *k, struct vkdevice *d)
{
	struct vfs_device vd = {.name = d->name,
	    .mode = 0666,
	    .size = d->size,
	    .rw = device_rw,
	    .arg = d};
	int error;

	error = device_pager_alloc(&k->vm, d, &device_pager_ops,
	    round_page(d->size) >> PAGE_SHIFT, &vd.object);
	if (error != 0) {
		free(d);
		return (error);
	}
	d->object_id = vd.object->id;
	error = devfs_device_add(k->vfs, &vd);
	if (error != 0) {
		vm_object_free(vd.object); /* also frees d */
		return (error);
	}
	kmutex_lock(&k->proctree);
	LIST_INSERT_HEAD(&k->devices, d, link);
	kmutex_unlock(&k->proctree);
	return (0);
}

static int
device_make(
    struct vkernel *k, const char *name, uint64_t size, struct vkdevice **out)
{
	struct vkdevice *d;

	if (name == NULL || strlen(name) > VFS_NAME_MAX || size == 0 ||
	    size > (uint64_t)1 << 40)
		return (EINVAL);
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return (ENOMEM);
	d->k = k;
	d->size = size;
	strcpy(d->name, name);
	*out = d;
	return (0);
}

int
vkernel_device_add(struct vkernel *k, const char *name, uint64_t size,
    const struct vkernel_device_ops *ops, void *arg)
{
	struct vkdevice *d;
	int error;

	if (k == NULL || name == NULL || ops == NULL || ops->fault == NULL)
		return (EINVAL);
	error = device_make(k, name, size, &d);
	if (error != 0)
		return (error);
	d->ops = ops;
	d->arg = arg;
	return (device_publish(k, d));
}

int
vkernel_window_create(
    struct vkernel *k, const char *name, size_t size, void **buf)
{
	struct vkdevice *d;
	void *base;
	int error;

	if (k == NULL || name == NULL || buf == NULL)
		return (EINVAL);
	error = device_make(k, name, size, &d);
	if (error != 0)
		return (error);
	error = devmem_alloc(k, size, &d->first, &base);
	if (error != 0) {
		free(d);
		return (error);
	}
	d->base = base;
	error = device_publish(k, d);
	if (error == 0)
		*buf = base;
	return (error);
}

int
vkernel_window_wake(struct vkernel *k, const char *name, uint64_t off, int n)
{
	struct vm_futex_key key = {.b = off};
	struct vkdevice *d;

	if (k == NULL || name == NULL || (off & 3) != 0 || n < 0)
		return (EINVAL);
	kmutex_lock(&k->proctree);
	LIST_FOREACH (d, &k->devices, link)
		if (strcmp(d->name, name) == 0)
			break;
	if (d != NULL)
		key.a = d->object_id;
	if (d != NULL && off >= d->size)
		key.a = 0;
	kmutex_unlock(&k->proctree);
	if (key.a == 0)
		return (d == NULL ? ENOENT : EINVAL);
	futex_wake_key(k, &key, n);
	return (0);
}

void
vkernel_devices_destroy(struct vkernel *k)
{
	struct vkdevmem *m;

	/* The devices themselves were freed with devfs. */
	while ((m = LIST_FIRST(&k->devmem)) != NULL) {
		LIST_REMOVE(m, link);
		vm_phys_device_free(k->vm.phys, m->first, m->npages);
		free(m);
	}
}
