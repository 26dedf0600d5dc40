/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Mounts by name and by descriptor.
 * Source: mount(2), umount(2), open_tree(2), move_mount(2), fsopen(2),
 * mount_setattr(2), include/uapi/linux/mount.h.
 */
#ifndef ABI_MOUNT_H
#define ABI_MOUNT_H

#include <stdint.h>

#define LX_MS_REMOUNT UINT64_C(0x20)
#define LX_MS_NOATIME UINT64_C(0x400)
#define LX_MS_NODIRATIME UINT64_C(0x800)
#define LX_MS_BIND UINT64_C(0x1000)
#define LX_MS_MOVE UINT64_C(0x2000)
#define LX_MS_REC UINT64_C(0x4000)
#define LX_MS_SILENT UINT64_C(0x8000)
#define LX_MS_UNBINDABLE UINT64_C(0x20000)
#define LX_MS_PRIVATE UINT64_C(0x40000)
#define LX_MS_SLAVE UINT64_C(0x80000)
#define LX_MS_SHARED UINT64_C(0x100000)
#define LX_MS_RELATIME UINT64_C(0x200000)
#define LX_MS_STRICTATIME UINT64_C(0x1000000)
#define LX_MS_MGC UINT64_C(0xc0ed0000)
#define LX_MS_MGC_MASK UINT64_C(0xffff0000)
#define LX_MNT_FORCE UINT64_C(0x1)
#define LX_MNT_DETACH UINT64_C(0x2)
#define LX_UMOUNT_NOFOLLOW UINT64_C(0x8)

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
