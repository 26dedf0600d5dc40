/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Terminals whose other side the embedder has.
 *
 * Concepts.  A struct vkernel_pty is the master file of a pty of the guest, as
 * a terminal emulator inside would have it, and until a program was started on
 * it also a slave file, so that its first state is not that of a closed
 * terminal.  Line discipline, job control and window size are those of pty.c.
 *
 * Locking: none of its own.  One thread at a time uses a vkernel_pty, except
 * for poll(2) on its descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "abi/ioctl.h"
#include "abi/poll.h"
#include "abi/termios.h"
#include "api/vkernel_int.h"
#include "host/host.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/lookup.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/devfs/tty.h"

struct vkernel_pty {
	struct file *master, *slave; /* slave NULL: a program has it */
	int fd;                      /* to poll */
};

static int
pty_open(struct vkernel *k, struct vkernel_pty *pty)
{
	struct vfs_ctx ctx = {.vfs = k->vfs,
	    .caps = VFS_CAPS_ALL,
	    .cwd = k->vfs->root,
	    .root = k->vfs->root};
	bool master = false;
	uint32_t uid, gid;
	int error, lock = 0;
	long ret;

	host_ids(&uid, &ctx.uid, &gid, &ctx.gid);
	error = vfs_open(&ctx, NULL, "/dev/ptmx",
	    O_RDWR | O_NOCTTY | O_NONBLOCK, 0, &pty->master);
	if (error != 0)
		return (error == ENOENT || error == ENOTDIR ? ENXIO : error);
	/* A guest may have put another file there. */
	if (pty_of_file(pty->master, &master) == NULL || !master)
		return (ENXIO);
	error = file_ioctl(
	    pty->master, LX_TIOCSPTLCK, &lock, sizeof(lock), 0, &ret);
	if (error != 0)
		return (error);
	return (
	    pty_open_peer(pty->master, O_RDWR | O_NOCTTY, &ctx, &pty->slave));
}

int
vkernel_pty_create(struct vkernel *k, uint16_t rows, uint16_t columns,
    struct vkernel_pty **out)
{
	struct vkernel_pty *pty;
	int error;

	if (k == NULL || out == NULL)
		return (EINVAL);
	pty = calloc(1, sizeof(*pty));
	if (pty == NULL)
		return (ENOMEM);
	error = pty_open(k, pty);
	if (error == 0)
		error = vkernel_pty_resize(pty, rows, columns);
	if (error != 0) {
		vkernel_pty_close(pty);
		return (error);
	}
	pty->fd = -1;
	(void)pty->master->ops->poll(pty->master, LX_POLLIN, &pty->fd);
	*out = pty;
	return (0);
}

int
vkernel_pty_fd(const struct vkernel_pty *pty)
{
	return (pty->fd);
}

struct file *
vkernel_pty_slave(const struct vkernel_pty *pty)
{
	return (pty->slave);
}

void
vkernel_pty_spawned(struct vkernel_pty *pty)
{
	file_free(pty->slave);
	pty->slave = NULL;
}

static int
pty_move(
    struct vkernel_pty *pty, char *buf, size_t len, bool write, size_t *done)
{
	const struct vfs_waiter waiter = {0};
	struct host_iovec one;
	struct uio uio;
	int error;

	uio_init1(&uio, &one, buf, len, 0, write);
	error = write ? file_write(pty->master, &uio, &waiter, false)
		      : file_read(pty->master, &uio, &waiter, false);
	if (error != 0 && uio.resid == len)
		return (error);
	*done = len - uio.resid;
	return (0);
}

int
vkernel_pty_read(struct vkernel_pty *pty, void *buf, size_t len, size_t *done)
{
	return (pty_move(pty, buf, len, false, done));
}

int
vkernel_pty_write(
    struct vkernel_pty *pty, const void *buf, size_t len, size_t *done)
{
	return (pty_move(pty, (char *)(uintptr_t)buf, len, true, done));
}

int
vkernel_pty_resize(struct vkernel_pty *pty, uint16_t rows, uint16_t columns)
{
	uint16_t size[4] = {rows, columns, 0, 0};
	long ret;

	return (file_ioctl(
	    pty->master, LX_TIOCSWINSZ, size, sizeof(size), 0, &ret));
}

void
vkernel_pty_close(struct vkernel_pty *pty)
{
	if (pty == NULL)
		return;
	if (pty->slave != NULL)
		file_free(pty->slave);
	if (pty->master != NULL)
		file_free(pty->master);
	free(pty);
}
