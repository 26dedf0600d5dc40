/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A whole vfs: the core and the sockets above it, and files over descriptors
 * that the guest inherits, of whatever kind they are.
 */
#include "vfs/vfs_create.h"

#include <fcntl.h>

#include "host/host_file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/mode.h"
#include "vfs/core/vfs.h"
#include "vfs/socket/socket.h"
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

int
vfs_inherit(struct vfs *vfs, int hostfd, struct file **out)
{
	struct host_stat st;
	int fd, flags, error;

	error = host_getfl(hostfd, &flags);
	if (error == 0)
		error = host_fstat(hostfd, &st);
	if (error == 0)
		error = host_dup(hostfd, &fd);
	if (error != 0)
		return (error);
	if (vtype_of_mode(st.mode) == VSOCK)
		return (sock_inherit(vfs, fd, 0, out));
	/* O_NONBLOCK of the host's open file is no flag of the guest's. */
	return (hostfd_inherit(vfs, fd, flags & (O_ACCMODE | O_APPEND), out));
}
