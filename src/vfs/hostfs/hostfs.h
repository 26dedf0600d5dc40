/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Directories of the host as file systems of the guest.
 */
#ifndef VFS_HOSTFS_HOSTFS_H
#define VFS_HOSTFS_HOSTFS_H

#include <stdbool.h>

struct file;
struct host_stat;
struct vfs;
struct vmount;

enum {
	HOSTFS_RDONLY = 1, /* nothing is changed on the host */
	HOSTFS_CHOWN = 2,  /* guests choose owners, if this process is root */
	HOSTFS_DATA = 4,   /* a device: the bytes, not mode, owner and times */
};
/*
 * A mount of the host's directory or file `hostpath`.
 * - flags: HOSTFS_*.
 * - EPERM: it is on a procfs of the host.  Errors of the host, ENOMEM.
 */
int hostfs_mount_create(
    struct vfs *, const char *hostpath, unsigned flags, struct vmount **);

/*
 * A file over the inherited regular file or directory that fd has; flags are
 * its access mode and O_APPEND.
 * - fd passes to the file in any case.  EMFILE, ENOMEM, errors of the host.
 */
int hostfs_inherit(
    struct vfs *, int fd, int flags, const struct host_stat *, struct file **);

#endif /* VFS_HOSTFS_HOSTFS_H */
