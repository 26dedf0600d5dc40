/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * inotify: instances and watches, for system calls; what file systems and
 * path calls report is in inotify_event.h.
 */
#ifndef VFS_CORE_INOTIFY_H
#define VFS_CORE_INOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct file;
struct vfs;
struct vnode;

/* A new instance; flags: O_NONBLOCK.  0, EMFILE, ENFILE, ENOMEM. */
int inotify_create(struct vfs *, int flags, struct file **);
bool inotify_is(const struct file *);
/* Watch vp, which the caller may read, with IN_* bits: *wd.  f is an instance.
 * 0, EEXIST (IN_MASK_CREATE), ENOSPC, ENOMEM. */
int inotify_add(struct file *f, struct vnode *vp, uint32_t mask, int *wd);
int inotify_remove(struct file *f, int wd); /* EINVAL: no such watch */

/* Limits of one kernel, and of one instance (QUEUED). */
#define INOTIFY_MAX_INSTANCES 512
#define INOTIFY_MAX_WATCHES 8192
#define INOTIFY_MAX_QUEUED 16384
#define INOTIFY_MAX_EVENTS 65536

#endif /* VFS_CORE_INOTIFY_H */
