/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * File systems in memory.
 */
#ifndef VFS_TMPFS_TMPFS_H
#define VFS_TMPFS_TMPFS_H

#include <stdint.h>

struct file;
struct vfs;
struct vfs_ctx;
struct vmount;

/* An empty tmpfs; mode: permission bits of its root.  ENOMEM. */
int tmpfs_mount_create(
    struct vfs *, uint64_t limit_bytes, uint32_t mode, struct vmount **);

/*
 * A new file without a name in any directory, open for reading and writing, for
 * memfd_create(2).  It may be executed while it is open.
 * - name: for /proc.  seals: LX_F_SEAL_*.
 * - 0; ENOMEM, ENOSPC: no memory, or no budget.
 */
int tmpfs_memfd(const struct vfs_ctx *, const char *name, uint32_t mode,
    uint32_t seals, struct file **);

#endif /* VFS_TMPFS_TMPFS_H */
