/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Directories of the host as file systems of the guest.
 */
#ifndef VFS_HOSTFS_HOSTFS_H
#define VFS_HOSTFS_HOSTFS_H

#include <stdbool.h>

struct vfs;
struct vmount;

/* A mount of the host's directory or file `hostpath`.  The host's errors,
 * ENOMEM. */
int hostfs_mount_create(
    struct vfs *, const char *hostpath, bool rdonly, struct vmount **);

#endif /* VFS_HOSTFS_HOSTFS_H */
