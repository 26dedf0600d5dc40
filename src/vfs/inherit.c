/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files over the descriptors that a kernel inherits: standard input and
 * output, and those that an embedder passes to a process.
 *
 * What the host has behind a descriptor decides what it is for the guest:
 *
 *	regular file, directory	a vnode (hostfs/hostfs_inherit.c)
 *	socket			a socket (socket/)
 *	a device that guests have in /dev
 *				the guest's own device, which is the same one
 *	pipe, terminal, other	the descriptor itself (hostfd_file.c)
 */
#include "vfs/vfs_create.h"

#include <errno.h>
#include <fcntl.h>

#include "host/host_file.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mode.h"
#include "vfs/core/vfs.h"
#include "vfs/hostfs/hostfs.h"
#include "vfs/socket/socket.h"

/* Devices without state: which descriptor leads to them does not matter. */
static const struct {
	uint64_t rdev;
	const char *path;
} own_devices[] = {
    {VFS_MKDEV(1, 3), "/dev/null"},
    {VFS_MKDEV(1, 5), "/dev/zero"},
    {VFS_MKDEV(1, 7), "/dev/full"},
    {VFS_MKDEV(1, 8), "/dev/random"},
    {VFS_MKDEV(1, 9), "/dev/urandom"},
};

/* The guest's device of that number.  ENXIO: it has none. */
static int
own_device(struct vfs *vfs, uint64_t rdev, int flags, struct file **out)
{
	const struct vfs_ctx ctx = {.vfs = vfs,
	    .caps = VFS_CAPS_ALL,
	    .cwd = vfs->root,
	    .root = vfs->root};
	const size_t n = sizeof(own_devices) / sizeof(own_devices[0]);
	struct vattr va;
	struct file *f;
	size_t i = 0;

	while (i < n && own_devices[i].rdev != rdev)
		i++;
	if (i == n || vfs->root.vp == NULL ||
	    vfs_open(&ctx, NULL, own_devices[i].path, flags, 0, &f) != 0)
		return (ENXIO);
	if (file_getattr(f, &va) != 0 || va.type != VCHR || va.rdev != rdev) {
		file_free(f);
		return (ENXIO);
	}
	*out = f;
	return (0);
}

int
vfs_inherit(struct vfs *vfs, int hostfd, struct file **out)
{
	struct host_stat st;
	int fd, flags, error;

	error = host_getfl(hostfd, &flags);
	if (error == 0)
		error = host_fstat(hostfd, &st);
	if (error != 0)
		return (error);
	/* O_NONBLOCK of the host's open file is no flag of the guest's. */
	flags &= O_ACCMODE | O_APPEND;
	if (vtype_of_mode(st.mode) == VCHR &&
	    own_device(vfs, st.rdev, flags, out) == 0)
		return (0);
	error = host_dup(hostfd, &fd);
	if (error != 0)
		return (error);
	switch (vtype_of_mode(st.mode)) {
	case VREG:
	case VDIR:
		return (hostfs_inherit(vfs, fd, flags, &st, out));
	case VSOCK:
		return (sock_inherit(vfs, fd, 0, out));
	default:
		return (hostfd_inherit(vfs, fd, flags, &st, out));
	}
}
