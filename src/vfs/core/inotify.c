/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * inotify: who wants to know what happens to a file.
 *
 * Purpose.  The host's inotify sees neither tmpfs nor what the vnode cache
 * holds back, so this one is ours: the calls on paths (vfs_path.c), open files
 * (file.c) and vn_setattr() tell of what they have done.
 *
 * Concepts.  An instance is an open file with a queue of events and a set of
 * watches.  A watch is a vnode and a mask of events.  Something that happens to
 * a file is told to the watches of its vnode, and with its name to those of
 * the vnode of its directory, which is the one that it was last looked up in.
 * What happens to a name (made, removed, moved) is told to the directory.
 *
 * A file that has lost its last link is deleted, as far as its watches are
 * concerned, when nobody but they refs its vnode: it is marked VN_GONE at
 * that time, and vrele() asks inotify_unused() for each vnode with watches.
 *
 * Data structures.  All watches of a vfs are hashed by vnode; those of an
 * instance are on its list, too.  vp->watches counts those of a vnode, and
 * vfs->nwatches all: without any, the cost of all this is to look at it.
 * A queue ends in one overflow event, which is a part of the instance, when
 * there is no room or no memory for another one.
 *
 * Locking and lifetime.  vfs->watch_lock (a leaf) protects everything.  A watch
 * refs its vnode, so that the file has this vnode as long as it is watched;
 * these refs are let go without the lock.  An instance lives as long as its
 * file.  Its eventfd is readable exactly as long as its queue is not empty;
 * that changes under the lock.
 *
 * Guarantees.  Events of one instance are in the order in which they were told.
 * A watch says IN_IGNORED last.  All numbers are bounded: INOTIFY_MAX_*, for
 * all instances of a kernel, and events of one of them.
 *
 * Limits.  Changes by processes of the host, and through mappings, are not
 * seen. An access by a second name of a file is told to the directory it was
 * last looked up in.  Executing a program is no event.  Files of procfs have
 * a vnode for each lookup: watches of them see nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/inotify.h"
#include "vfs/core/inotify_event.h"
#include "vfs/core/ioctl.h"
#include "vfs/core/mount.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "host/host_file.h"

#define IN_ALL 0xfffu /* events that a watch may want to hear of */
/* Of inotify_add_watch. */
#define IN_EXCL_UNLINK 0x04000000u
#define IN_MASK_CREATE 0x10000000u
#define IN_MASK_ADD 0x20000000u
#define IN_ONESHOT 0x80000000u

/* struct inotify_event of Linux, without the name. */
struct record {
	int32_t wd;
	uint32_t mask, cookie, len;
};
_Static_assert(sizeof(struct record) == 16, "struct inotify_event");

struct event {
	STAILQ_ENTRY(event) link;
	struct record r;
	char name[]; /* r.len bytes, padded with zeros */
};

/* Key: [I] immutable, the rest under vfs->watch_lock */
struct inotify {
	struct vfs *vfs; /* [I] */
	int eventfd;     /* [I] */
	int last_wd;
	unsigned nqueued;
	bool overflowed; /* `overflow` is in the queue */
	struct event overflow;
	STAILQ_HEAD(, event) queue;
	LIST_HEAD(, inotify_watch) watches;
};

struct inotify_watch {
	struct inotify *in; /* [I] */
	struct vnode *vp;   /* [I] ref'ed */
	int wd;             /* [I] */
	uint32_t mask;
	LIST_ENTRY(inotify_watch) hash, link;
};

static struct inotify_watch_list *
bucket(struct vfs *vfs, const struct vnode *vp)
{
	return (&vfs->watches[((uintptr_t)vp >> 6) % VFS_WATCH_BUCKETS]);
}

void
inotify_init(struct vfs *vfs)
{
	kmutex_init(&vfs->watch_lock, "inotify", KRANK_LEAF, 0);
	for (unsigned i = 0; i < VFS_WATCH_BUCKETS; i++)
		LIST_INIT(&vfs->watches[i]);
}

void
inotify_fini(struct vfs *vfs)
{
	KVERIFY(atomic_load(&vfs->nwatches) == 0 && vfs->ninotify == 0 &&
		vfs->nevents == 0);
	kmutex_destroy(&vfs->watch_lock);
}

/* ---- queues; all with the lock held ---- */

static void
enqueue(struct inotify *in, struct event *e)
{
	STAILQ_INSERT_TAIL(&in->queue, e, link);
	in->nqueued++;
	in->vfs->nevents++;
	(void)host_eventfd_signal(in->eventfd);
}

static struct event *
dequeue(struct inotify *in)
{
	struct event *e = STAILQ_FIRST(&in->queue);

	STAILQ_REMOVE_HEAD(&in->queue, link);
	in->nqueued--;
	in->vfs->nevents--;
	if (in->nqueued == 0)
		(void)host_eventfd_drain(in->eventfd);
	if (e == &in->overflow)
		in->overflowed = false;
	return (e);
}

static void
event_free(struct inotify *in, struct event *e)
{
	if (e != &in->overflow)
		free(e);
}

static void
overflow(struct inotify *in)
{
	if (in->overflowed)
		return;
	in->overflowed = true;
	in->overflow.r = (struct record){.wd = -1, .mask = IN_Q_OVERFLOW};
	enqueue(in, &in->overflow);
}

/* Bytes of the name with its padding, in a record. */
static uint32_t
padded(const char *name)
{
	if (name == NULL)
		return (0);
	return ((uint32_t)(strlen(name) / sizeof(struct record) + 1) *
		sizeof(struct record));
}

/* The same as the last one, which nobody has read yet? */
static bool
repeats(const struct inotify *in, int wd, uint32_t mask, const char *name)
{
	const struct event *e = STAILQ_LAST(&in->queue, event, link);

	return (e != NULL && e->r.wd == wd && e->r.mask == mask &&
		(mask & IN_IGNORED) == 0 && e->r.len == padded(name) &&
		(name == NULL || strcmp(e->name, name) == 0));
}

static void
queue_event(struct inotify *in, int wd, uint32_t mask, uint32_t cookie,
    const char *name)
{
	uint32_t len = padded(name);
	struct event *e;

	if (repeats(in, wd, mask, name))
		return;
	if (in->nqueued >= INOTIFY_MAX_QUEUED ||
	    in->vfs->nevents >= INOTIFY_MAX_EVENTS) {
		overflow(in);
		return;
	}
	e = calloc(1, sizeof(*e) + len);
	if (e == NULL) {
		overflow(in);
		return;
	}
	e->r = (struct record){wd, mask, cookie, len};
	if (name != NULL)
		memcpy(e->name, name, strlen(name));
	enqueue(in, e);
}

/* ---- watches; all with the lock held ---- */

/* Off all lists; its ref is the caller's to give up. */
static void
watch_remove(struct inotify_watch *w)
{
	struct vfs *vfs = w->in->vfs;

	LIST_REMOVE(w, hash);
	LIST_REMOVE(w, link);
	atomic_fetch_sub(&w->vp->watches, 1);
	atomic_fetch_sub(&vfs->nwatches, 1);
}

static struct inotify_watch *
watch_by_wd(const struct inotify *in, int wd)
{
	struct inotify_watch *w;

	LIST_FOREACH (w, &in->watches, link)
		if (w->wd == wd)
			break;
	return (w);
}

static struct inotify_watch *
watch_by_vnode(struct inotify *in, const struct vnode *vp)
{
	struct inotify_watch *w;

	LIST_FOREACH (w, bucket(in->vfs, vp), hash)
		if (w->vp == vp && w->in == in)
			break;
	return (w);
}

/* A ref that is not the last one: the caller has another. */
static void
unref(struct vnode *vp)
{
	KVERIFY(
	    atomic_fetch_sub_explicit(&vp->refs, 1, memory_order_release) > 1);
}

/* ---- what is told ---- */

/* Tell the watches of vp, of which the caller has a ref.  unlinked: the name
 * is not there any more. */
static void
tell(struct vnode *vp, uint32_t mask, uint32_t cookie, const char *name,
    bool unlinked)
{
	struct vfs *vfs = vp->mount->vfs;
	struct inotify_watch *w, *next;

	if (atomic_load_explicit(&vp->watches, memory_order_relaxed) == 0)
		return;
	kmutex_lock(&vfs->watch_lock);
	LIST_FOREACH_SAFE (w, bucket(vfs, vp), hash, next) {
		if (w->vp != vp || (w->mask & mask & IN_ALL) == 0 ||
		    (unlinked && (w->mask & IN_EXCL_UNLINK) != 0))
			continue;
		queue_event(w->in, w->wd, mask, cookie, name);
		if ((w->mask & IN_ONESHOT) == 0)
			continue;
		queue_event(w->in, w->wd, IN_IGNORED, 0, NULL);
		watch_remove(w);
		unref(vp);
		free(w);
	}
	kmutex_unlock(&vfs->watch_lock);
}

/* vp's directory, ref'ed, if it has watches, and its name in there. */
static struct vnode *
watched_parent(struct vnode *vp, char name[VFS_NAME_MAX + 1])
{
	struct vnode *dvp;

	kmutex_lock(&vp->lock);
	dvp = vp->parent;
	if (dvp == NULL || vp->name == NULL ||
	    atomic_load(&dvp->watches) == 0 ||
	    strlen(vp->name) > VFS_NAME_MAX) {
		kmutex_unlock(&vp->lock);
		return (NULL);
	}
	vref(dvp);
	memcpy(name, vp->name, strlen(vp->name) + 1);
	kmutex_unlock(&vp->lock);
	return (dvp);
}

void
inotify_tell_file(struct vnode *vp, uint32_t mask)
{
	char name[VFS_NAME_MAX + 1];
	struct vnode *dvp = watched_parent(vp, name);

	if (vp->type == VDIR)
		mask |= IN_ISDIR;
	if (dvp != NULL) {
		tell(dvp, mask, 0, name,
		    atomic_load(&vp->unlinked) != VN_LINKED);
		vrele(dvp);
	}
	tell(vp, mask, 0, NULL, false);
}

void
inotify_tell_self(struct vnode *vp, uint32_t mask)
{
	if (vp->type == VDIR && mask != IN_MOVE_SELF)
		mask |= IN_ISDIR;
	tell(vp, mask, 0, NULL, false);
}

void
inotify_tell_name(struct vnode *dvp, const char *name, uint32_t mask,
    enum vtype type, uint32_t cookie)
{
	if (type == VDIR)
		mask |= IN_ISDIR;
	tell(dvp, mask, cookie, name, false);
}

uint32_t
inotify_cookie(struct vfs *vfs)
{
	return (atomic_fetch_add(&vfs->watch_cookie, 1) + 1);
}

void
inotify_unlinked(struct vnode *vp, struct vnode *dvp, const char *name)
{
	uint8_t state = VN_LINKED;
	struct vattr va;

	kmutex_lock(&vp->lock);
	if (vp->parent == dvp && vp->name != NULL &&
	    strcmp(vp->name, name) == 0)
		state = VN_UNLINKED;
	kmutex_unlock(&vp->lock);
	if (atomic_load(&vp->watches) != 0 &&
	    (vp->type == VDIR || vn_getattr(vp, &va) != 0 || va.nlink == 0))
		state = VN_GONE;
	if (state != VN_LINKED)
		atomic_store(&vp->unlinked, state);
}

bool
inotify_unused(struct vfs *vfs, struct vnode *vp)
{
	struct inotify_watch *w, *next;
	uint32_t n = 0;

	kmutex_lock(&vfs->watch_lock);
	/* vp may be gone altogether, unless there is a watch. */
	LIST_FOREACH (w, bucket(vfs, vp), hash)
		n += w->vp == vp;
	if (n == 0 || atomic_load(&vp->unlinked) != VN_GONE ||
	    atomic_load(&vp->refs) != n) {
		kmutex_unlock(&vfs->watch_lock);
		return (false);
	}
	LIST_FOREACH_SAFE (w, bucket(vfs, vp), hash, next) {
		if (w->vp != vp)
			continue;
		if ((w->mask & IN_DELETE_SELF) != 0)
			queue_event(w->in, w->wd, IN_DELETE_SELF, 0, NULL);
		queue_event(w->in, w->wd, IN_IGNORED, 0, NULL);
		watch_remove(w);
		if (--n > 0)
			unref(vp);
		free(w);
	}
	kmutex_unlock(&vfs->watch_lock);
	return (true);
}

/* ---- the file ---- */

static const struct fileops inotify_fileops;

/* The next event, if it has at most `max` bytes.  EAGAIN: there is none;
 * EINVAL: it is larger. */
static int
take_event(struct inotify *in, size_t max, struct event **out)
{
	const struct event *e;
	int error = 0;

	kmutex_lock(&in->vfs->watch_lock);
	e = STAILQ_FIRST(&in->queue);
	if (e == NULL)
		error = EAGAIN;
	else if (sizeof(e->r) + e->r.len > max)
		error = EINVAL;
	else
		*out = dequeue(in);
	kmutex_unlock(&in->vfs->watch_lock);
	return (error);
}

static int
inotify_read(struct file *f, struct uio *uio, const struct vfs_ctx *ctx)
{
	bool nonblock = (atomic_load(&f->flags) & O_NONBLOCK) != 0;
	const size_t before = uio->resid;
	struct inotify *in = f->data;
	struct event *e;
	int error;

	for (;;) {
		error = take_event(in, uio->resid, &e);
		if (error == EAGAIN && uio->resid == before && !nonblock) {
			error =
			    vfs_wait(ctx, in->eventfd, HOST_POLLIN, UINT64_MAX);
			if (error == 0)
				continue;
		}
		if (error != 0)
			break;
		(void)uiomove(&e->r, sizeof(e->r), uio);
		(void)uiomove(e->name, e->r.len, uio);
		event_free(in, e);
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
	return (ready ? (short)(events & (HOST_POLLIN | VPOLLRDNORM)) : 0);
}

static int
inotify_ioctl(struct file *f, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret, const struct vfs_ctx *ctx)
{
	struct inotify *in = f->data;
	const struct event *e;
	int32_t n = 0;

	if ((uint32_t)cmd != VIOC_FIONREAD || size < sizeof(n))
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
		watch_remove(w);
		LIST_INSERT_HEAD(&gone, w, link);
	}
	while (in->nqueued > 0)
		event_free(in, dequeue(in));
	vfs->ninotify--;
	kmutex_unlock(&vfs->watch_lock);
	LIST_FOREACH_SAFE (w, &gone, link, next) {
		vrele(w->vp);
		free(w);
	}
	(void)host_close(in->eventfd);
	free(in);
}

static const struct fileops inotify_fileops = {
    .read = inotify_read,
    .poll = inotify_poll,
    .ioctl = inotify_ioctl,
    .close = inotify_close,
    .name = "inotify",
};

/* ---- the calls ---- */

int
inotify_create(struct vfs *vfs, int flags, struct file **fp)
{
	struct inotify *in;
	bool full;
	int error;

	in = calloc(1, sizeof(*in));
	if (in == NULL)
		return (ENOMEM);
	in->vfs = vfs;
	STAILQ_INIT(&in->queue);
	LIST_INIT(&in->watches);
	error = host_eventfd(0, O_NONBLOCK, &in->eventfd);
	if (error != 0) {
		free(in);
		return (error);
	}
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
	free(in);
	return (error);
}

bool
inotify_is(const struct file *f)
{
	return (f->ops == &inotify_fileops);
}

/* Locked.  The watch of vp that there is gets another mask. */
static int
watch_change(struct inotify_watch *w, uint32_t mask)
{
	if ((mask & IN_MASK_CREATE) != 0)
		return (EEXIST);
	if ((mask & IN_MASK_ADD) != 0)
		mask |= w->mask;
	w->mask = mask;
	return (0);
}

/* Locked. */
static void
watch_insert(struct inotify *in, struct inotify_watch *w)
{
	struct vfs *vfs = in->vfs;

	do {
		in->last_wd = in->last_wd % INT32_MAX + 1;
	} while (watch_by_wd(in, in->last_wd) != NULL);
	w->wd = in->last_wd;
	vref(w->vp);
	LIST_INSERT_HEAD(bucket(vfs, w->vp), w, hash);
	LIST_INSERT_HEAD(&in->watches, w, link);
	atomic_fetch_add(&w->vp->watches, 1);
	atomic_fetch_add(&vfs->nwatches, 1);
}

int
inotify_add(struct file *f, struct vnode *vp, uint32_t mask, int *wd)
{
	struct inotify_watch *w, *new;
	struct inotify *in = f->data;
	struct vfs *vfs = in->vfs;
	struct vattr va;
	int error = 0;

	KASSERT(inotify_is(f));
	new = calloc(1, sizeof(*new));
	if (new == NULL)
		return (ENOMEM);
	*new = (struct inotify_watch){.in = in, .vp = vp, .mask = mask};
	kmutex_lock(&vfs->watch_lock);
	w = watch_by_vnode(in, vp);
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
	free(new);
	/* It may have been removed when nobody watched. */
	if (error == 0 && vn_getattr(vp, &va) == 0 && va.nlink == 0)
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
	w = watch_by_wd(in, wd);
	if (w != NULL) {
		queue_event(in, wd, IN_IGNORED, 0, NULL);
		watch_remove(w);
	}
	kmutex_unlock(&in->vfs->watch_lock);
	if (w == NULL)
		return (EINVAL);
	vrele(w->vp);
	free(w);
	return (0);
}
