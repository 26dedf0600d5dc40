/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Mounts by descriptor.
 * Source: open_tree(2), move_mount(2), fsopen(2), mount_setattr(2),
 * include/uapi/linux/mount.h.
 */
#ifndef ABI_MOUNT_H
#define ABI_MOUNT_H

#include <stdint.h>

#define LX_OPEN_TREE_CLONE 1
#define LX_OPEN_TREE_CLOEXEC 0x80000
#define LX_AT_RECURSIVE 0x8000
#define LX_MOVE_MOUNT_F_EMPTY_PATH 4
#define LX_MOVE_MOUNT_T_EMPTY_PATH 0x40
#define LX_FSOPEN_CLOEXEC 1
#define LX_FSMOUNT_CLOEXEC 1
#define LX_FSCONFIG_SET_STRING 1
#define LX_FSCONFIG_CMD_CREATE 6
#define LX_MOUNT_ATTR_RDONLY 1
#define LX_MOUNT_ATTR_NOSUID 2
#define LX_MOUNT_ATTR_NODEV 4
#define LX_MOUNT_ATTR_NOEXEC 8

struct lx_mount_attr {
	uint64_t set, clear, propagation, userns_fd;
};

#endif /* ABI_MOUNT_H */
