/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Types and modes of files, and numbers of devices, as Linux has them.
 */
#ifndef VFS_CORE_MODE_H
#define VFS_CORE_MODE_H

#include <stdint.h>

#include "abi/stat.h"
#include "host/host_file.h"
#include "vfs/core/vnode.h"

#define VS_PERM 07777

#define VFS_MKDEV(maj, min) (((uint64_t)(maj) << 8) | (uint64_t)(min))

/* Numbers of directory entries (d_type) and of S_IFMT are one scheme. */
static inline uint32_t
vtype_ifmt(enum vtype type)
{
	static const uint32_t ifmt[] = {
	    [VNON] = 0,
	    [VREG] = LX_S_IFREG,
	    [VDIR] = LX_S_IFDIR,
	    [VLNK] = LX_S_IFLNK,
	    [VCHR] = LX_S_IFCHR,
	    [VBLK] = LX_S_IFBLK,
	    [VFIFO] = LX_S_IFIFO,
	    [VSOCK] = LX_S_IFSOCK,
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
	switch (mode & LX_S_IFMT) {
	case LX_S_IFREG:
		return (VREG);
	case LX_S_IFDIR:
		return (VDIR);
	case LX_S_IFLNK:
		return (VLNK);
	case LX_S_IFCHR:
		return (VCHR);
	case LX_S_IFBLK:
		return (VBLK);
	case LX_S_IFIFO:
		return (VFIFO);
	case LX_S_IFSOCK:
		return (VSOCK);
	default:
		return (VNON);
	}
}

#endif /* VFS_CORE_MODE_H */
