/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * File systems in memory.
 */
#ifndef VFS_TMPFS_TMPFS_H
#define VFS_TMPFS_TMPFS_H

#include <stdint.h>

struct vfs;
struct vmount;

/* An empty tmpfs; mode: permission bits of its root.  ENOMEM. */
int tmpfs_mount_create(
    struct vfs *, uint64_t limit_bytes, uint32_t mode, struct vmount **);

#endif /* VFS_TMPFS_TMPFS_H */
