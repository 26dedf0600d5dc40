/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Landlock: rights that a process gives up.
 * Source: landlock(7), include/uapi/linux/landlock.h.
 */
#ifndef ABI_LANDLOCK_H
#define ABI_LANDLOCK_H

#include <stdint.h>

#define LX_LANDLOCK_CREATE_RULESET_VERSION 1u
#define LX_LANDLOCK_RULE_PATH_BENEATH 1

#define LX_LANDLOCK_FS_EXECUTE (UINT64_C(1) << 0)
#define LX_LANDLOCK_FS_WRITE_FILE (UINT64_C(1) << 1)
#define LX_LANDLOCK_FS_READ_FILE (UINT64_C(1) << 2)
#define LX_LANDLOCK_FS_READ_DIR (UINT64_C(1) << 3)
#define LX_LANDLOCK_FS_REMOVE_DIR (UINT64_C(1) << 4)
#define LX_LANDLOCK_FS_REMOVE_FILE (UINT64_C(1) << 5)
#define LX_LANDLOCK_FS_MAKE_CHAR (UINT64_C(1) << 6)
#define LX_LANDLOCK_FS_MAKE_DIR (UINT64_C(1) << 7)
#define LX_LANDLOCK_FS_MAKE_REG (UINT64_C(1) << 8)
#define LX_LANDLOCK_FS_MAKE_SOCK (UINT64_C(1) << 9)
#define LX_LANDLOCK_FS_MAKE_FIFO (UINT64_C(1) << 10)
#define LX_LANDLOCK_FS_MAKE_BLOCK (UINT64_C(1) << 11)
#define LX_LANDLOCK_FS_MAKE_SYM (UINT64_C(1) << 12)
#define LX_LANDLOCK_FS_REFER (UINT64_C(1) << 13)     /* version 2 */
#define LX_LANDLOCK_FS_TRUNCATE (UINT64_C(1) << 14)  /* version 3 */
#define LX_LANDLOCK_FS_IOCTL_DEV (UINT64_C(1) << 15) /* version 5 */
#define LX_LANDLOCK_NET_BIND_TCP UINT64_C(1)         /* version 4 */
#define LX_LANDLOCK_NET_CONNECT_TCP UINT64_C(2)      /* version 4 */
#define LX_LANDLOCK_SCOPE_ABSTRACT_UNIX UINT64_C(1)  /* version 6 */
#define LX_LANDLOCK_SCOPE_SIGNAL UINT64_C(2)         /* version 6 */

struct lx_landlock_ruleset {
	uint64_t fs, net, scoped;
};

struct lx_landlock_path_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

#endif /* ABI_LANDLOCK_H */
