/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A whole vfs: the core and the sockets above it.
 */
#include "vfs/vfs_create.h"

#include "vfs/core/vfs.h"
#include "vfs/socket/socket_int.h"

int
vfs_create(struct vm_system *sys, struct vfs **vfsp)
{
	struct vfs *vfs;
	int error;

	error = vfs_core_create(sys, &vfs);
	if (error != 0)
		return (error);
	error = sock_table_create(vfs);
	if (error != 0) {
		vfs_core_destroy(vfs);
		return (error);
	}
	*vfsp = vfs;
	return (0);
}

void
vfs_destroy(struct vfs *vfs)
{
	sock_table_destroy(vfs);
	vfs_core_destroy(vfs);
}
