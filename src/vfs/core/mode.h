/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Types and modes of files, and numbers of devices, as Linux has them.
 */
#ifndef VFS_CORE_MODE_H
#define VFS_CORE_MODE_H

#include <stdint.h>

#include "host/host_file.h"
#include "vfs/core/vnode.h"

#define VS_ISUID 04000
#define VS_ISGID 02000
#define VS_ISVTX 01000
#define VS_PERM 07777

#define VFS_MKDEV(maj, min) (((uint64_t)(maj) << 8) | (uint64_t)(min))

/* Numbers of directory entries (d_type) and of S_IFMT are one scheme. */
static inline uint32_t
vtype_ifmt(enum vtype type)
{
	static const uint32_t ifmt[] = {
	    [VNON] = 0,
	    [VREG] = HOST_S_IFREG,
	    [VDIR] = HOST_S_IFDIR,
	    [VLNK] = HOST_S_IFLNK,
	    [VCHR] = HOST_S_IFCHR,
	    [VBLK] = HOST_S_IFBLK,
	    [VFIFO] = HOST_S_IFIFO,
	    [VSOCK] = HOST_S_IFSOCK,
	};

	return (ifmt[type]);
}

static inline uint8_t
vtype_dtype(enum vtype type)
{
	return ((uint8_t)(vtype_ifmt(type) >> 12));
}

static inline enum vtype
vtype_of_mode(uint32_t mode)
{
	switch (mode & HOST_S_IFMT) {
	case HOST_S_IFREG:
		return (VREG);
	case HOST_S_IFDIR:
		return (VDIR);
	case HOST_S_IFLNK:
		return (VLNK);
	case HOST_S_IFCHR:
		return (VCHR);
	case HOST_S_IFBLK:
		return (VBLK);
	case HOST_S_IFIFO:
		return (VFIFO);
	case HOST_S_IFSOCK:
		return (VSOCK);
	default:
		return (VNON);
	}
}

#endif /* VFS_CORE_MODE_H */
