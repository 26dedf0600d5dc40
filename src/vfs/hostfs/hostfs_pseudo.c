/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * hostfs: pseudo file systems of the host.
 *
 * Purpose.  The files of a pseudo file system are doors into the host's kernel
 * and into other processes.  A procfs has /proc/PID/mem of the kernel process:
 * a guest that can write below a procfs of the host runs code there.  sysfs,
 * cgroup, debugfs and the like change the host itself.
 *
 * Rules.  No lookup leads into a procfs of the host, and a mount of one is
 * refused.  A sysfs can be read, because programs look there for CPUs and
 * devices, but not changed.  The other pseudo file systems are reached only
 * where an option names them, never by a walk from the file system above; a
 * sysfs that an option names (--bind /sys:/sys) has the rights of that mount.
 *
 * Data structures.  A node on such a file system is `closed`: its directory has
 * no entries and its file cannot be opened.  A closed directory can still be
 * the place of a mount, so that the guest's own /proc covers that of the host.
 * Programs see ENOENT below it, for which they are prepared.  A node of a sysfs
 * is `frozen`: no opening for writing, and no change of names or attributes.
 *
 * The check costs a host call where a lookup leads from one file system into
 * another, and none elsewhere.
 */
#include "vfs/hostfs/hostfs_int.h"

#include "abi/statfs.h"
#include "host/host_file.h"

/* Types that make a file system a pseudo file system. */
static const uint64_t pseudo_types[] = {
    LX_BINDERFS_SUPER_MAGIC,
    LX_BINFMTFS_MAGIC,
    LX_BPF_FS_MAGIC,
    LX_CGROUP_SUPER_MAGIC,
    LX_CGROUP2_SUPER_MAGIC,
    LX_CONFIGFS_MAGIC,
    LX_DEBUGFS_MAGIC,
    LX_DEVPTS_SUPER_MAGIC,
    LX_EFIVARFS_MAGIC,
    LX_FUSE_CTL_SUPER_MAGIC,
    LX_MQUEUE_MAGIC,
    LX_NFSD_MAGIC,
    LX_NSFS_MAGIC,
    LX_PIDFS_MAGIC,
    LX_PSTORE_MAGIC,
    LX_RDTGROUP_MAGIC,
    LX_RPCPIPE_MAGIC,
    LX_SECURITYFS_MAGIC,
    LX_SELINUX_MAGIC,
    LX_SMACK_MAGIC,
    LX_TRACEFS_MAGIC,
    LX_XENFS_MAGIC,
};

int
hostfs_fs_kind(int fd, enum hostfs_kind *kind)
{
	struct host_statfs st;
	int error;

	error = host_fstatfs(fd, &st);
	if (error != 0)
		return (error);
	if (st.type == LX_PROC_SUPER_MAGIC) {
		*kind = HOSTFS_PROC;
		return (0);
	}
	*kind = st.type == LX_SYSFS_MAGIC ? HOSTFS_SYSFS : HOSTFS_FILES;
	for (size_t i = 0; i < sizeof(pseudo_types) / sizeof(*pseudo_types);
	     i++)
		if (st.type == pseudo_types[i])
			*kind = HOSTFS_PSEUDO;
	return (0);
}
