/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Instances of inotify: their files, and the calls that add and remove
 * watches.  See inotify_event.c for the concepts.
 *
 * Lifetime.  An instance lives as long as its file.  Its eventfd is readable
 * exactly as long as its queue is not empty; that changes under
 * vfs->watch_lock.
 */
#include "vfs/core/inotify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi/inotify.h"
#include "abi/ioctl.h"
#include "abi/poll.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/inotify_event.h"
#include "vfs/core/inotify_int.h"
#include "vfs/core/ioctl.h"
#include "vfs/core/uio.h"

/* ---- the file ---- */

static const struct fileops inotify_fileops;

/* The next event, if it has at most `max` bytes.  EAGAIN: there is none;
 * EINVAL: it is larger. */
static int
take_event(struct inotify *in, size_t max, struct inotify_queued **out)
{
	const struct inotify_queued *e;
	int error = 0;

	kmutex_lock(&in->vfs->watch_lock);
	e = STAILQ_FIRST(&in->queue);
	if (e == NULL)
		error = EAGAIN;
	else if (sizeof(e->r) + e->r.len > max)
		error = EINVAL;
	else
		*out = inotify_dequeue(in);
	kmutex_unlock(&in->vfs->watch_lock);
	return (error);
}

static int
inotify_read(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	bool nonblock = (atomic_load(&f->flags) & O_NONBLOCK) != 0;
	const size_t before = uio->resid;
	struct inotify *in = f->data;
	struct inotify_queued *e;
	int error;

	for (;;) {
		error = take_event(in, uio->resid, &e);
		if (error == EAGAIN && uio->resid == before && !nonblock) {
			error = vfs_wait(
			    waiter, in->eventfd, LX_POLLIN, UINT64_MAX);
			if (error == 0)
				continue;
		}
		if (error != 0)
			break;
		(void)uiomove(&e->r, sizeof(e->r), uio);
		(void)uiomove(e->name, e->r.len, uio);
		inotify_event_free(in, e);
	}
	return (uio->resid < before ? 0 : error);
}

static short
inotify_poll(struct file *f, short events, int *hostfd)
{
	struct inotify *in = f->data;
	bool ready;

	*hostfd = in->eventfd;
	kmutex_lock(&in->vfs->watch_lock);
	ready = in->nqueued > 0;
	kmutex_unlock(&in->vfs->watch_lock);
	return (ready ? (short)(events & (LX_POLLIN | LX_POLLRDNORM)) : 0);
}

static int
inotify_ioctl(struct file *f, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret)
{
	struct inotify *in = f->data;
	const struct inotify_queued *e;
	int32_t n = 0;

	if ((uint32_t)cmd != LX_FIONREAD || size < sizeof(n))
		return (ENOTTY);
	kmutex_lock(&in->vfs->watch_lock);
	STAILQ_FOREACH (e, &in->queue, link)
		n += (int32_t)(sizeof(e->r) + e->r.len);
	kmutex_unlock(&in->vfs->watch_lock);
	memcpy(kbuf, &n, sizeof(n));
	*ret = 0;
	return (0);
}

static void
inotify_close(struct file *f)
{
	struct inotify *in = f->data;
	struct vfs *vfs = in->vfs;
	struct inotify_watch *w, *next;
	LIST_HEAD(, inotify_watch) gone = LIST_HEAD_INITIALIZER(gone);

	kmutex_lock(&vfs->watch_lock);
	LIST_FOREACH_SAFE (w, &in->watches, link, next) {
		inotify_watch_remove(w);
		LIST_INSERT_HEAD(&gone, w, link);
	}
	while (in->nqueued > 0)
		inotify_event_free(in, inotify_dequeue(in));
	vfs->ninotify--;
	kmutex_unlock(&vfs->watch_lock);
	LIST_FOREACH_SAFE (w, &gone, link, next) {
		vrele(w->vp);
		kmem_free(w);
	}
	(void)host_close(in->eventfd);
	kmem_fd_uncharge(in->fd_cost, 1);
	kmem_free(in);
}

/* As Linux has it: without brackets. */
static void
inotify_describe(struct file *f, char *buf, size_t size)
{
	(void)snprintf(buf, size, "anon_inode:inotify");
}

static void
inotify_info(struct file *f, file_info_fn *fn, void *arg)
{
	const struct inotify *in = f->data;
	const struct inotify_watch *w;
	char line[128];

	kmutex_lock(&f->vfs->watch_lock);
	LIST_FOREACH (w, &in->watches, link) {
		if (w->vp == NULL)
			continue;
		(void)snprintf(line, sizeof(line),
		    "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0 \n",
		    (unsigned)w->wd, (unsigned long long)w->vp->ino,
		    (unsigned)w->vp->dev, w->mask);
		fn(arg, line);
	}
	kmutex_unlock(&f->vfs->watch_lock);
}

static const struct fileops inotify_fileops = {
    .describe = inotify_describe,
    .caps = FCAP_STREAM | FCAP_POLLFD | FCAP_SEEK | FCAP_ASYNC,
    .rw = inotify_read, /* instances are O_RDONLY */
    .seek = file_seek_nowhere,
    .poll = inotify_poll,
    .ioctl = inotify_ioctl,
    .info = inotify_info,
    .close = inotify_close,
    .name = "anon_inode:inotify",
};

/* ---- the calls ---- */

int
inotify_create(struct vfs *vfs, int flags, struct file **fp)
{
	struct inotify *in;
	bool full;
	int error;

	in = kmem_zalloc(sizeof(*in));
	if (in == NULL)
		return (ENOMEM);
	in->vfs = vfs;
	STAILQ_INIT(&in->queue);
	LIST_INIT(&in->watches);
	error = kmem_fd_charge(1, &in->fd_cost);
	if (error != 0)
		goto fail;
	error = host_eventfd(0, O_NONBLOCK, &in->eventfd);
	if (error != 0)
		goto fail_fd;
	kmutex_lock(&vfs->watch_lock);
	full = vfs->ninotify >= INOTIFY_MAX_INSTANCES;
	vfs->ninotify += !full;
	kmutex_unlock(&vfs->watch_lock);
	error = full ? EMFILE
		     : file_create(vfs, &inotify_fileops, NULL,
			   O_RDONLY | (flags & O_NONBLOCK), -1, in, fp);
	if (error == 0)
		return (0);
	if (!full) {
		kmutex_lock(&vfs->watch_lock);
		vfs->ninotify--;
		kmutex_unlock(&vfs->watch_lock);
	}
	(void)host_close(in->eventfd);
fail_fd:
	kmem_fd_uncharge(in->fd_cost, 1);
fail:
	kmem_free(in);
	return (error);
}

bool
inotify_is(const struct file *f)
{
	return (f->ops == &inotify_fileops);
}

static struct inotify_watch *
watch_by_vnode(struct inotify *in, const struct vnode *vp)
{
	struct inotify_watch *w;

	LIST_FOREACH (w, inotify_bucket(in->vfs, vp), hash)
		if (w->vp == vp && w->in == in)
			break;
	return (w);
}

/* Lock held.  The watch of vp exists: change its mask. */
static int
watch_change(struct inotify_watch *w, uint32_t mask)
{
	if ((mask & LX_IN_MASK_CREATE) != 0)
		return (EEXIST);
	if ((mask & LX_IN_MASK_ADD) != 0)
		mask |= w->mask;
	w->mask = mask;
	return (0);
}

/* Lock held. */
static void
watch_insert(struct inotify *in, struct inotify_watch *w)
{
	struct vfs *vfs = in->vfs;

	do {
		in->last_wd = in->last_wd % INT32_MAX + 1;
	} while (inotify_watch_by_wd(in, in->last_wd) != NULL);
	w->wd = in->last_wd;
	LIST_INSERT_HEAD(&in->watches, w, link);
	if (w->vp != NULL) {
		vref(w->vp);
		LIST_INSERT_HEAD(inotify_bucket(vfs, w->vp), w, hash);
		atomic_fetch_add(&w->vp->watches, 1);
	}
	atomic_fetch_add(&vfs->nwatches, 1);
}

/*
 * The vnode of a pipe, a socket or an instance of inotify (/proc/self/fd/N)
 * holds an open file.  A watch must not hold it: the file could be the instance
 * itself, or a socket that has the instance in its queue, and neither would
 * ever be closed.  Such a watch has no vnode.  It has no events either: these
 * files have none.
 */
int
inotify_add(struct file *f, struct vnode *vp, uint32_t mask, int *wd)
{
	struct inotify_watch *w, *new;
	struct inotify *in = f->data;
	struct vfs *vfs = in->vfs;
	struct vattr va;
	int error = 0;

	KASSERT(inotify_is(f));
	new = kmem_zalloc(sizeof(*new));
	if (new == NULL)
		return (ENOMEM);
	if ((vp->flags & VN_HOLDS_FILE) != 0)
		vp = NULL;
	*new = (struct inotify_watch){.in = in, .vp = vp, .mask = mask};
	kmutex_lock(&vfs->watch_lock);
	w = vp == NULL ? NULL : watch_by_vnode(in, vp);
	if (w != NULL)
		error = watch_change(w, mask);
	else if (atomic_load(&vfs->nwatches) >= INOTIFY_MAX_WATCHES)
		error = ENOSPC;
	else {
		w = new;
		new = NULL;
		watch_insert(in, w);
	}
	if (error == 0)
		*wd = w->wd;
	kmutex_unlock(&vfs->watch_lock);
	kmem_free(new);
	/* It may have been removed before there was a watch. */
	if (error == 0 && vp != NULL && vn_getattr(vp, &va) == 0 &&
	    va.nlink == 0)
		atomic_store(&vp->unlinked, VN_GONE);
	return (error);
}

int
inotify_remove(struct file *f, int wd)
{
	struct inotify *in = f->data;
	struct inotify_watch *w;

	KASSERT(inotify_is(f));
	kmutex_lock(&in->vfs->watch_lock);
	w = inotify_watch_by_wd(in, wd);
	if (w != NULL) {
		inotify_queue(in, wd, LX_IN_IGNORED, 0, NULL);
		inotify_watch_remove(w);
	}
	kmutex_unlock(&in->vfs->watch_lock);
	if (w == NULL)
		return (EINVAL);
	vrele(w->vp);
	kmem_free(w);
	return (0);
}
