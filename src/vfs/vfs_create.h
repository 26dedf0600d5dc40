/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A whole vfs, with the sockets and file systems above its core.
 */
#ifndef VFS_VFS_CREATE_H
#define VFS_VFS_CREATE_H

struct file;
struct vfs;
struct vm_system;

/* A vfs without mounts.  0, ENOMEM. */
int vfs_create(struct vm_system *, struct vfs **);
/* No process, file, descriptor table or vnode ref is left: KVERIFYs that. */
void vfs_destroy(struct vfs *);
/*
 * A file over a duplicate of a host descriptor that the embedder gives to a
 * guest (standard input and the like).  The host's errors, EMFILE, ENOMEM.
 */
int vfs_inherit(struct vfs *, int hostfd, struct file **);

#endif /* VFS_VFS_CREATE_H */
