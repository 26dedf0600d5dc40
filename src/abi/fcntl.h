/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Opening, locking and naming files.  (The flags of open(2) and the commands of
 * fcntl(2) are those of <fcntl.h>.)
 * Source: open(2), openat2(2), fcntl(2), include/uapi/linux/fcntl.h.
 */
#ifndef ABI_FCNTL_H
#define ABI_FCNTL_H

#include <stdint.h>

struct lx_flock {
	int16_t type, whence;
	int32_t pad;
	int64_t start, len;
	int32_t pid, pad2;
};
_Static_assert(sizeof(struct lx_flock) == 32, "struct flock");

struct lx_open_how {
	uint64_t flags, mode, resolve;
};

#define LX_AT_FDCWD (-100)
#define LX_AT_SYMLINK_NOFOLLOW 0x100
#define LX_AT_REMOVEDIR 0x200
#define LX_AT_EACCESS 0x200
#define LX_AT_SYMLINK_FOLLOW 0x400
#define LX_AT_NO_AUTOMOUNT 0x800
#define LX_AT_EMPTY_PATH 0x1000
#define LX_AT_STATX_SYNC_TYPE 0x6000

/* open(2): 0 in <fcntl.h> of 64-bit programs */
#define LX_O_LARGEFILE 0100000

/* flock(2) */
#define LX_LOCK_SH 1
#define LX_LOCK_EX 2
#define LX_LOCK_NB 4
#define LX_LOCK_UN 8

#define LX_CLOSE_RANGE_UNSHARE 2u
#define LX_CLOSE_RANGE_CLOEXEC 4u

/* splice(2), tee(2), vmsplice(2) */
#define LX_SPLICE_F_MOVE 1u
#define LX_SPLICE_F_NONBLOCK 2u
#define LX_SPLICE_F_MORE 4u
#define LX_SPLICE_F_GIFT 8u

/* renameat2(2) */
#define LX_RENAME_NOREPLACE 1u
#define LX_RENAME_EXCHANGE 2u

/* openat2(2) */
#define LX_RESOLVE_NO_XDEV 0x01
#define LX_RESOLVE_NO_MAGICLINKS 0x02
#define LX_RESOLVE_NO_SYMLINKS 0x04
#define LX_RESOLVE_BENEATH 0x08
#define LX_RESOLVE_IN_ROOT 0x10
#define LX_RESOLVE_CACHED 0x20

/* fcntl(2): seals of memfd_create(2) */
#define LX_F_ADD_SEALS 1033
#define LX_F_GET_SEALS 1034
#define LX_F_SEAL_SEAL 0x1u
#define LX_F_SEAL_SHRINK 0x2u
#define LX_F_SEAL_GROW 0x4u
#define LX_F_SEAL_WRITE 0x8u
#define LX_F_SEAL_FUTURE_WRITE 0x10u
#define LX_F_SEAL_EXEC 0x20u
#define LX_F_ALL_SEALS 0x3fu

/* fcntl(2): F_SETOWN_EX */
#define LX_F_SETOWN_EX 15
#define LX_F_GETOWN_EX 16
#define LX_F_GETOWNER_UIDS 17
#define LX_F_OWNER_TID 0
#define LX_F_OWNER_PID 1
#define LX_F_OWNER_PGRP 2
struct lx_f_owner_ex {
	int32_t type, pid;
};

/* fcntl(2): F_NOTIFY */
#define LX_DN_ACCESS 0x01u
#define LX_DN_MODIFY 0x02u
#define LX_DN_CREATE 0x04u
#define LX_DN_DELETE 0x08u
#define LX_DN_RENAME 0x10u
#define LX_DN_ATTRIB 0x20u
#define LX_DN_MULTISHOT 0x80000000u

/* name_to_handle_at(2) */
#define LX_MAX_HANDLE_SZ 128u
#define LX_AT_HANDLE_MNT_ID_UNIQUE 0x001
#define LX_AT_HANDLE_FID 0x200
struct lx_file_handle {
	uint32_t bytes;
	int32_t type;
};

/* fallocate(2) */
#define LX_FALLOC_KEEP_SIZE 0x01
#define LX_FALLOC_PUNCH_HOLE 0x02
#define LX_FALLOC_COLLAPSE_RANGE 0x08
#define LX_FALLOC_ZERO_RANGE 0x10
#define LX_FALLOC_INSERT_RANGE 0x20
#define LX_FALLOC_UNSHARE_RANGE 0x40

/* eventfd2(2) */
#define LX_EFD_SEMAPHORE 1

/* d_type of getdents64(2) */
#define LX_DT_DIR 4
#define LX_DT_LNK 10

#endif /* ABI_FCNTL_H */
