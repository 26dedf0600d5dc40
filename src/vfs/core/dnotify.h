/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signals about changes in directories (F_NOTIFY of fcntl(2)).  See dnotify.c.
 */
#ifndef VFS_CORE_DNOTIFY_H
#define VFS_CORE_DNOTIFY_H

#include <stdint.h>

struct fdtable;
struct file;
struct vfs;
struct vnode;

/*
 * Descriptor `fd` of table `t`, whose file f is: ask for a signal to its owner
 * at the events of LX_DN_* in `mask`; without any, give up all.  No locks held.
 * - ENOTDIR, ENOMEM, ENOSPC.
 */
int dnotify_set(struct file *f, const struct fdtable *t, int fd, uint32_t mask);
/* A descriptor of a file with an owner was closed in the table; NULL: the file
 * itself.  No locks held. */
void dnotify_closed(struct file *, const struct fdtable *);
/* By inotify_event.c, without its lock: LX_IN_* events in the directory, or
 * LX_DN_RENAME for a move within it. */
void dnotify_tell(struct vnode *dvp, uint32_t in_mask, uint32_t dn_mask);

#endif /* VFS_CORE_DNOTIFY_H */
