/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* What devfs.c (the tree) and devfs_dev.c (devices of embedders) share. */
#ifndef VFS_DEVFS_DEVFS_INT_H
#define VFS_DEVFS_DEVFS_INT_H

#include "vfs/core/file.h"
#include "vfs/core/vnode.h"
#include "vfs/devfs/devfs.h"

struct devfs_entry {
	const char *name;
	enum vtype type;
	uint32_t mode;
	uint64_t rdev;
	const char *target; /* of a link */
};

/* A device of the embedder.  Key: [I] immutable, [d] mount's lock */
struct devfs_dev {
	struct devfs_entry e;        /* [I] */
	struct vfs_device d;         /* [I] with a ref of d.object */
	unsigned nr;                 /* [I] */
	struct vnode *vp;            /* [d] weak */
	LIST_ENTRY(devfs_dev) link;  /* [d] */
	char name[VFS_NAME_MAX + 1]; /* [I] */
};
LIST_HEAD(devfs_dev_list, devfs_dev);

/* Key: [I] immutable, [d] mount's lock */
struct devfs_node {
	const struct devfs_entry *e; /* [I] */
	struct devfs_dev *dev;       /* [I] or NULL */
	struct vm_object *object;    /* [d] of /dev/zero; our ref */
};

extern const struct fileops devfs_dev_fileops;

/* Of every device: always ready, and the attributes are the vnode's. */
short devfs_dev_poll(struct file *, short events, int *hostfd);
int devfs_dev_getattr(struct file *, struct vattr *);

/* Free all of a list: the mount is going. */
void devfs_dev_free_all(struct devfs_dev_list *);

#endif /* VFS_DEVFS_DEVFS_INT_H */
