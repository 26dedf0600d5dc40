/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Events of inotify: watches, and the queues of their instances.
 *
 * Purpose.  The host's inotify sees neither tmpfs nor changes that the vnode
 * cache delays, so this kernel has its own: the calls on paths (vfs_path.c),
 * open files (file.c) and vn_setattr() report their changes.
 *
 * Concepts.  An instance is an open file (inotify.c) with a queue of events
 * and a set of watches.  A watch is a vnode and a mask of events.  An event of
 * a file goes to the watches of its vnode, and with its name to those of the
 * vnode of its directory, which is the directory that it was last looked up
 * in.  An event of a name (made, removed, moved) goes to the directory.
 *
 * A file that has lost its last link counts as deleted when only watches ref
 * its vnode: it is marked VN_GONE when it loses the link, and vrele() calls
 * inotify_unused() for each vnode with watches.
 *
 * Data structures.  All watches of a vfs are hashed by vnode; those of an
 * instance are on its list, too.  vp->watches counts those of a vnode, and
 * vfs->nwatches all: without any, an event costs one look at that count.
 * A queue ends in one overflow event, which is a part of the instance, when
 * there is no room or no memory for another one.
 *
 * Marks of F_NOTIFY (dnotify.c) count as watches of their directory and get the
 * same reports.
 *
 * Locking and lifetime.  vfs->watch_lock (a leaf) protects everything.  A watch
 * refs its vnode, so that the file has this vnode as long as it is watched;
 * these refs are released without the lock.
 *
 * Guarantees.  Events of one instance are in the order in which they were
 * reported.  The last event of a watch is IN_IGNORED.  All numbers are bounded:
 * INOTIFY_MAX_*, for all instances of a kernel, and events of one of them.
 *
 * Limits.  Changes by processes of the host, and through mappings, are not
 * seen.  An access by a second name of a file is reported to the directory it
 * was last looked up in.  Executing a program is no event.  Files of procfs
 * have a vnode for each lookup: watches of them see nothing.
 */
#include "vfs/core/inotify_event.h"

#include <string.h>

#include "abi/inotify.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/dnotify.h"
#include "vfs/core/inotify.h"
#include "vfs/core/inotify_int.h"

struct inotify_watch_list *
inotify_bucket(struct vfs *vfs, const struct vnode *vp)
{
	return (&vfs->watches[((uintptr_t)vp >> 6) % VFS_WATCH_BUCKETS]);
}

void
inotify_start(struct vfs *vfs)
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
enqueue(struct inotify *in, struct inotify_queued *e)
{
	STAILQ_INSERT_TAIL(&in->queue, e, link);
	in->nqueued++;
	in->vfs->nevents++;
	(void)host_eventfd_signal(in->eventfd);
}

struct inotify_queued *
inotify_dequeue(struct inotify *in)
{
	struct inotify_queued *e = STAILQ_FIRST(&in->queue);

	STAILQ_REMOVE_HEAD(&in->queue, link);
	in->nqueued--;
	in->vfs->nevents--;
	if (in->nqueued == 0)
		(void)host_eventfd_drain(in->eventfd);
	if (e == &in->overflow)
		in->overflowed = false;
	return (e);
}

void
inotify_event_free(struct inotify *in, struct inotify_queued *e)
{
	if (e != &in->overflow)
		kmem_free(e);
}

static void
overflow(struct inotify *in)
{
	if (in->overflowed)
		return;
	in->overflowed = true;
	in->overflow.r =
	    (struct inotify_record){.wd = -1, .mask = LX_IN_Q_OVERFLOW};
	enqueue(in, &in->overflow);
}

/* Bytes of the name with its padding, in a record. */
static uint32_t
padded(const char *name)
{
	if (name == NULL)
		return (0);
	return ((uint32_t)(strlen(name) / sizeof(struct inotify_record) + 1) *
		sizeof(struct inotify_record));
}

/* Is it the same as the last event of the queue? */
static bool
repeats(const struct inotify *in, int wd, uint32_t mask, const char *name)
{
	const struct inotify_queued *e =
	    STAILQ_LAST(&in->queue, inotify_queued, link);

	return (e != NULL && e->r.wd == wd && e->r.mask == mask &&
		(mask & LX_IN_IGNORED) == 0 && e->r.len == padded(name) &&
		(name == NULL || strcmp(e->name, name) == 0));
}

void
inotify_queue(struct inotify *in, int wd, uint32_t mask, uint32_t cookie,
    const char *name)
{
	uint32_t len = padded(name);
	struct inotify_queued *e;

	if (repeats(in, wd, mask, name))
		return;
	if (in->nqueued >= INOTIFY_MAX_QUEUED ||
	    in->vfs->nevents >= INOTIFY_MAX_EVENTS) {
		overflow(in);
		return;
	}
	e = kmem_zalloc_on(in->fd_cost, sizeof(*e) + len);
	if (e == NULL) {
		overflow(in);
		return;
	}
	e->r = (struct inotify_record){wd, mask, cookie, len};
	if (name != NULL)
		memcpy(e->name, name, strlen(name));
	enqueue(in, e);
}

/* ---- watches; all with the lock held ---- */

/* Off all lists; its ref is the caller's to give up. */
void
inotify_watch_remove(struct inotify_watch *w)
{
	struct vfs *vfs = w->in->vfs;

	LIST_REMOVE(w, link);
	if (w->vp != NULL) {
		LIST_REMOVE(w, hash);
		atomic_fetch_sub(&w->vp->watches, 1);
	}
	atomic_fetch_sub(&vfs->nwatches, 1);
}

struct inotify_watch *
inotify_watch_by_wd(const struct inotify *in, int wd)
{
	struct inotify_watch *w;

	LIST_FOREACH (w, &in->watches, link)
		if (w->wd == wd)
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

/* ---- reports ---- */

/* Report to the watches of vp, of which the caller has a ref.  unlinked: the
 * name is not there any more. */
static void
report(struct vnode *vp, uint32_t mask, uint32_t cookie, const char *name,
    bool unlinked)
{
	struct vfs *vfs = vp->mount->vfs;
	struct inotify_watch *w, *next;

	if (atomic_load_explicit(&vp->watches, memory_order_relaxed) == 0)
		return;
	kmutex_lock(&vfs->watch_lock);
	LIST_FOREACH_SAFE (w, inotify_bucket(vfs, vp), hash, next) {
		if (w->vp != vp || (w->mask & mask & LX_IN_ALL_EVENTS) == 0 ||
		    (unlinked && (w->mask & LX_IN_EXCL_UNLINK) != 0))
			continue;
		inotify_queue(w->in, w->wd, mask, cookie, name);
		if ((w->mask & LX_IN_ONESHOT) == 0)
			continue;
		inotify_queue(w->in, w->wd, LX_IN_IGNORED, 0, NULL);
		inotify_watch_remove(w);
		unref(vp);
		kmem_free(w);
	}
	kmutex_unlock(&vfs->watch_lock);
	if (name != NULL || (mask & LX_IN_ISDIR) != 0)
		dnotify_tell(vp, mask, 0);
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
		mask |= LX_IN_ISDIR;
	if (dvp != NULL) {
		report(dvp, mask, 0, name,
		    atomic_load(&vp->unlinked) != VN_LINKED);
		vrele(dvp);
	}
	report(vp, mask, 0, NULL, false);
}

void
inotify_tell_self(struct vnode *vp, uint32_t mask)
{
	if (vp->type == VDIR && mask != LX_IN_MOVE_SELF)
		mask |= LX_IN_ISDIR;
	report(vp, mask, 0, NULL, false);
}

void
inotify_tell_name(struct vnode *dvp, const char *name, uint32_t mask,
    enum vtype type, uint32_t cookie)
{
	if (type == VDIR)
		mask |= LX_IN_ISDIR;
	report(dvp, mask, cookie, name, false);
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
	LIST_FOREACH (w, inotify_bucket(vfs, vp), hash)
		n += w->vp == vp;
	if (n == 0 || atomic_load(&vp->unlinked) != VN_GONE ||
	    atomic_load(&vp->refs) != n) {
		kmutex_unlock(&vfs->watch_lock);
		return (false);
	}
	LIST_FOREACH_SAFE (w, inotify_bucket(vfs, vp), hash, next) {
		if (w->vp != vp)
			continue;
		if ((w->mask & LX_IN_DELETE_SELF) != 0)
			inotify_queue(w->in, w->wd, LX_IN_DELETE_SELF, 0, NULL);
		inotify_queue(w->in, w->wd, LX_IN_IGNORED, 0, NULL);
		inotify_watch_remove(w);
		if (--n > 0)
			unref(vp);
		kmem_free(w);
	}
	kmutex_unlock(&vfs->watch_lock);
	return (true);
}
