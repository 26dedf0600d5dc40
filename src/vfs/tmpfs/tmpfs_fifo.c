/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tmpfs fifos: a host pipe behind a name.
 *
 * Concepts.  The pipe is made by the first open and named by an O_PATH
 * descriptor (the anchor), which is neither a reader nor a writer.  Each open
 * file reopens the anchor for its own end or ends, so end of file, EPIPE and
 * readiness are the host's.  With the last file the anchor is closed, and what
 * was not read is lost, as on any Unix.
 *
 * The reopen of a pipe never waits, so an open waits here for the other side.
 * An opener that must wait has an eventfd of its own on node->fifo.waiters,
 * which every open signals.  It waits until the count of all opens of the other
 * side has changed, so it also sees an opener that has closed its file again.
 *
 * Locking.  tm->lock for everything in node->fifo; the host calls under it do
 * not block.
 *
 * Limits.  poll of a reader before the first writer returns POLLHUP.  The
 * reopen needs the host's /proc.
 */
#include "vfs/tmpfs/tmpfs_int.h"

#include <errno.h>
#include <fcntl.h>

#include "abi/poll.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "host/host.h"
#include "host/host_file.h"

static bool
fifo_reads(int flags)
{
	return ((flags & O_ACCMODE) != O_WRONLY);
}

static bool
fifo_writes(int flags)
{
	return ((flags & O_ACCMODE) != O_RDONLY);
}

static int
fifo_anchor(struct tmpfs_node *node)
{
	int fds[2], error;

	if (node->fifo.anchor != -1)
		return (0);
	error = host_pipe(O_NONBLOCK, fds);
	if (error != 0)
		return (error);
	error = host_reopen(fds[0], O_PATH, &node->fifo.anchor);
	(void)host_close(fds[0]);
	(void)host_close(fds[1]);
	return (error);
}

/* Drop the pipe if no file is open.  Locked. */
static void
fifo_idle(struct tmpfs_node *node)
{
	if (node->fifo.readers + node->fifo.writers == 0 &&
	    node->fifo.anchor != -1) {
		(void)host_close(node->fifo.anchor);
		node->fifo.anchor = -1;
	}
}

/* Count one file less.  Locked. */
static void
fifo_leave(struct tmpfs_node *node, int flags)
{
	if (fifo_reads(flags))
		node->fifo.readers--;
	if (fifo_writes(flags))
		node->fifo.writers--;
	fifo_idle(node);
}

/* Count one more file and wake the opens that wait for it.  Lock held. */
static void
fifo_join(struct tmpfs_node *node, int flags)
{
	struct tmpfs_waiter *w;

	if (fifo_reads(flags)) {
		node->fifo.readers++;
		node->fifo.nreads++;
	}
	if (fifo_writes(flags)) {
		node->fifo.writers++;
		node->fifo.nwrites++;
	}
	TAILQ_FOREACH (w, &node->fifo.waiters, link)
		(void)host_eventfd_signal(w->evfd);
}

/* Wait until the other side was opened.  Locked, also on return. */
static int
fifo_partner(struct tmpfs_node *node, int flags, const struct vfs_ctx *ctx)
{
	const uint64_t *count =
	    fifo_reads(flags) ? &node->fifo.nwrites : &node->fifo.nreads;
	uint64_t seen = *count;
	struct tmpfs_waiter w;
	int error;

	error = host_eventfd(0, O_NONBLOCK, &w.evfd);
	if (error != 0)
		return (error);
	TAILQ_INSERT_TAIL(&node->fifo.waiters, &w, link);
	while (error == 0 && *count == seen) {
		(void)host_eventfd_drain(w.evfd);
		kmutex_unlock(&node->tm->lock);
		error = vfs_wait(&ctx->waiter, w.evfd, LX_POLLIN, UINT64_MAX);
		kmutex_lock(&node->tm->lock);
	}
	if (*count != seen)
		error = 0;
	TAILQ_REMOVE(&node->fifo.waiters, &w, link);
	(void)host_close(w.evfd);
	return (error);
}

static void
fifo_close(struct file *f)
{
	struct tmpfs_node *node = f->data;

	(void)host_close(f->hostfd);
	kmutex_lock(&node->tm->lock);
	fifo_leave(node, atomic_load(&f->flags));
	kmutex_unlock(&node->tm->lock);
}

static const struct fileops tmpfs_fifo_fileops = {
    .caps = FCAP_STREAM | FCAP_PIPE | FCAP_HOSTFD | FCAP_OWNED | FCAP_ASYNC,
    .rw = hostfd_rw,
    .ioctl = hostfd_ioctl,
    .poll = hostfd_poll,
    .setfl = hostfd_setfl,
    .close = fifo_close,
    .name = "fifo",
};

/* Lock held.  Open an end or both of the pipe, and wait for the other side. */
static int
fifo_open_locked(
    struct tmpfs_node *node, int flags, const struct vfs_ctx *ctx, int *fdp)
{
	const int acc = flags & O_ACCMODE;
	bool alone;
	int fd, error;

	if (acc == O_WRONLY && (flags & O_NONBLOCK) != 0 &&
	    node->fifo.readers == 0)
		return (ENXIO);
	error = fifo_anchor(node);
	if (error != 0)
		goto fail;
	error = host_reopen(node->fifo.anchor, acc | O_NONBLOCK, &fd);
	if (error != 0)
		goto fail;
	fifo_join(node, acc);
	alone = (acc == O_RDONLY && node->fifo.writers == 0) ||
		(acc == O_WRONLY && node->fifo.readers == 0);
	if (alone && (flags & O_NONBLOCK) == 0) {
		error = fifo_partner(node, acc, ctx);
		if (error != 0)
			goto fail_file;
	}
	*fdp = fd;
	return (0);
fail_file:
	(void)host_close(fd);
	fifo_leave(node, acc);
	return (error);
fail:
	fifo_idle(node);
	return (error);
}

/*
 * - Waits for the other side unless O_NONBLOCK or O_RDWR.
 * - ENXIO: O_WRONLY | O_NONBLOCK without a reader; EINTR; EMFILE.
 */
int
tmpfs_fifo_open(
    struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	int fd, error;

	kmutex_lock(&node->tm->lock);
	error = fifo_open_locked(node, flags, ctx, &fd);
	kmutex_unlock(&node->tm->lock);
	if (error != 0)
		return (error);
	error = file_take_hostfd(f, fd);
	if (error != 0) {
		(void)host_close(fd);
		kmutex_lock(&node->tm->lock);
		fifo_leave(node, flags);
		kmutex_unlock(&node->tm->lock);
		return (error);
	}
	f->data = node;
	f->ops = &tmpfs_fifo_fileops;
	return (0);
}
