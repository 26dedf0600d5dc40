/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Attributes of files and file systems.
 * Source: stat(2), statx(2), statfs(2), utimensat(2), inode(7).
 */
#ifndef ABI_STAT_H
#define ABI_STAT_H

#include <stdint.h>

#include "abi/time.h"

struct lx_stat {
	uint64_t dev, ino, nlink;
	uint32_t mode, uid, gid, pad0;
	uint64_t rdev;
	int64_t size, blksize, blocks;
	struct lx_timespec atim, mtim, ctim;
	int64_t unused[3];
};
_Static_assert(sizeof(struct lx_stat) == 144, "struct stat");

struct lx_statx_timestamp {
	int64_t sec;
	uint32_t nsec;
	int32_t pad;
};
struct lx_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad0;
	uint64_t ino, size, blocks, attributes_mask;
	struct lx_statx_timestamp atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint32_t dio_mem_align, dio_offset_align;
	uint64_t spare[12];
};
_Static_assert(sizeof(struct lx_statx) == 256, "struct statx");
#define LX_STATX_BASIC 0x7ff
#define LX_STATX_BTIME 0x800
#define LX_STATX_MNT_ID 0x1000
#define LX_STATX_MNT_ID_UNIQUE 0x4000
#define LX_STATX_ATTR_MOUNT_ROOT 0x2000
#define LX_STATX_RESERVED UINT32_C(0x80000000)

struct lx_statfs {
	int64_t type, bsize;
	uint64_t blocks, bfree, bavail, files, ffree;
	int32_t fsid[2];
	int64_t namelen, frsize, flags, spare[4];
};
_Static_assert(sizeof(struct lx_statfs) == 120, "struct statfs");

#define LX_S_IFMT 0170000u
#define LX_S_IFSOCK 0140000u
#define LX_S_IFLNK 0120000u
#define LX_S_IFREG 0100000u
#define LX_S_IFBLK 0060000u
#define LX_S_IFDIR 0040000u
#define LX_S_IFCHR 0020000u
#define LX_S_IFIFO 0010000u

#define LX_UTIME_NOW 0x3fffffff
#define LX_UTIME_OMIT 0x3ffffffe

#define LX_S_ISUID 04000u
#define LX_S_ISGID 02000u
#define LX_S_ISVTX 01000u

#endif /* ABI_STAT_H */
