/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Making and destroying a whole vfs, with all its file systems.
 */
#ifndef VFS_VFS_CREATE_H
#define VFS_VFS_CREATE_H

struct vfs;
struct vm_system;

int vfs_create(struct vm_system *, struct vfs **);
/* All files are closed, all vnodes released: KVERIFYs that. */
void vfs_destroy(struct vfs *);

#endif /* VFS_VFS_CREATE_H */
