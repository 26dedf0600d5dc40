/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * /dev: the mount, and the devices that an embedder adds to it.
 */
#ifndef VFS_DEVFS_DEVFS_H
#define VFS_DEVFS_DEVFS_H

#include <stdbool.h>
#include <stdint.h>

struct uio;
struct vfs;
struct vm_object;
struct vmount;

int devfs_mount_create(struct vfs *, struct vmount **);
/* A device that the embedder adds to /dev; it stays as long as the mount. */
struct vfs_device {
	const char *name; /* copied */
	uint32_t mode;    /* permission bits */
	uint64_t size;    /* bytes */
	/* What mmap maps, with a ref that passes to devfs; NULL: nothing. */
	struct vm_object *object;
	/* Move bytes at uio->off, which is below size; NULL: ENXIO. */
	int (*rw)(void *arg, struct uio *);
	void *arg;
};
/* 0; EINVAL (name), EEXIST, ENXIO (no devfs), ENOMEM: the ref stays. */
int devfs_device_add(struct vfs *, const struct vfs_device *);

#endif /* VFS_DEVFS_DEVFS_H */
