/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Linux: types of file systems, as statfs(2) returns them in f_type.
 * Source: linux/magic.h and the file systems of the kernel's source.
 */
#ifndef ABI_STATFS_H
#define ABI_STATFS_H

#include <stdint.h>

#define LX_BINDERFS_SUPER_MAGIC 0x6c6f6f70
#define LX_BINFMTFS_MAGIC 0x42494e4d
/* statfs.flags; the first four are those of mount(2). */
#define LX_ST_RDONLY 0x1
#define LX_ST_MASK 0xfu
#define LX_ST_VALID 0x20
#define LX_ST_NOATIME 0x400
#define LX_ST_NODIRATIME 0x800
#define LX_ST_RELATIME 0x1000

#define LX_BPF_FS_MAGIC 0xcafe4a11
#define LX_CGROUP_SUPER_MAGIC 0x27e0eb
#define LX_CGROUP2_SUPER_MAGIC 0x63677270
#define LX_CONFIGFS_MAGIC 0x62656570
#define LX_DEBUGFS_MAGIC 0x64626720
#define LX_DEVPTS_SUPER_MAGIC 0x1cd1
#define LX_EFIVARFS_MAGIC 0xde5e81e4
#define LX_FUSE_CTL_SUPER_MAGIC 0x65735543
#define LX_MQUEUE_MAGIC 0x19800202
#define LX_NFSD_MAGIC 0x6e667364
#define LX_NSFS_MAGIC 0x6e736673
#define LX_PIDFS_MAGIC 0x50494446
#define LX_PROC_SUPER_MAGIC 0x9fa0
#define LX_PSTORE_MAGIC 0x6165676c
#define LX_RDTGROUP_MAGIC 0x07655821
#define LX_RPCPIPE_MAGIC 0x67596969
#define LX_SECURITYFS_MAGIC 0x73636673
#define LX_SELINUX_MAGIC 0xf97cff8c
#define LX_SMACK_MAGIC 0x43415d53
#define LX_SYSFS_MAGIC 0x62656572
#define LX_TMPFS_MAGIC 0x01021994
#define LX_TRACEFS_MAGIC 0x74726163
#define LX_XENFS_MAGIC 0xabba1974

/* ustat(2) */
struct lx_ustat {
	int32_t tfree, pad;
	uint64_t tinode;
	char fname[6], fpack[6], pad2[4];
};
_Static_assert(sizeof(struct lx_ustat) == 32, "struct ustat");

#endif /* ABI_STATFS_H */
