/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signals about changes in directories: F_NOTIFY, the predecessor of inotify.
 *
 * Concepts.  A mark is what one descriptor table has asked for with one open
 * directory.  It counts as a watch of the directory's vnode, so that events are
 * reported for it (inotify_event.c); a report that concerns it sends the signal
 * of the file to the owner of the file.  Without DN_MULTISHOT it ends then.
 * As on Linux, closing any descriptor of the file in that table ends it, too.
 *
 * Locking and lifetime.  vfs->watch_lock protects marks.  The file refs the
 * vnode, and the mark the owner: a signal is sent without the lock, after the
 * mark was marked as `fired`.
 *
 * Limits.  DNOTIFY_MAX marks in a kernel; together with the watches of inotify,
 * INOTIFY_MAX_WATCHES.
 */
#include "vfs/core/dnotify.h"

#include <errno.h>

#include "abi/fcntl.h"
#include "abi/inotify.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/inotify.h"
#include "vfs/core/mount.h"
#include "vfs/core/owner.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

#define DNOTIFY_MAX 1024u

/* All under vfs->watch_lock, but for f, vp, t and owner, which are immutable.
 */
struct dnotify {
	LIST_ENTRY(dnotify) link; /* vfs->dnotifies */
	struct file *f;           /* weak */
	struct vnode *vp;         /* f's */
	const struct fdtable *t;  /* weak */
	struct file_owner *owner; /* own ref */
	int fd;
	uint32_t mask; /* LX_DN_* */
	bool fired;
};

/* Lock held. */
static struct dnotify *
find(const struct file *f, const struct fdtable *t)
{
	struct dnotify *dn;

	LIST_FOREACH (dn, &f->vfs->dnotifies, link)
		if (dn->f == f && (t == NULL || dn->t == t))
			break;
	return (dn);
}

/* Lock held; the caller frees it without the lock. */
static void
take_out(struct vfs *vfs, struct dnotify *dn)
{
	LIST_REMOVE(dn, link);
	atomic_fetch_sub(&dn->vp->watches, 1);
	atomic_fetch_sub(&vfs->nwatches, 1);
}

static void
dn_free(struct dnotify *dn)
{
	if (dn == NULL)
		return;
	if (dn->owner != NULL)
		file_owner_free(dn->owner);
	kmem_free(dn);
}

void
dnotify_closed(struct file *f, const struct fdtable *t)
{
	struct vfs *vfs = f->vfs;
	struct dnotify *dn;

	if (f->vp == NULL || f->vp->type != VDIR ||
	    atomic_load(&f->vp->watches) == 0)
		return;
	do {
		kmutex_lock(&vfs->watch_lock);
		dn = find(f, t);
		if (dn != NULL)
			take_out(vfs, dn);
		kmutex_unlock(&vfs->watch_lock);
		dn_free(dn);
	} while (dn != NULL);
}

/* Lock held.  An event looks at all marks for each signal that it sends. */
static bool
too_many(const struct vfs *vfs)
{
	const struct dnotify *dn;
	unsigned n = 0;

	LIST_FOREACH (dn, &vfs->dnotifies, link)
		n++;
	return (n >= DNOTIFY_MAX);
}

int
dnotify_set(struct file *f, const struct fdtable *t, int fd, uint32_t mask)
{
	struct vfs *vfs = f->vfs;
	struct dnotify *new, *dn;
	int error;

	if ((mask & ~LX_DN_MULTISHOT) == 0) {
		dnotify_closed(f, t);
		return (0);
	}
	if (f->vp == NULL || f->vp->type != VDIR)
		return (ENOTDIR);
	new = kmem_zalloc(sizeof(*new));
	if (new == NULL)
		return (ENOMEM);
	*new = (struct dnotify){.f = f, .vp = f->vp, .t = t};
	error = file_owner_get(f, &new->owner);
	if (error != 0) {
		kmem_free(new);
		return (error);
	}
	file_owner_ref(new->owner);
	kmutex_lock(&vfs->watch_lock);
	dn = find(f, t);
	if (dn == NULL && (too_many(vfs) || atomic_load(&vfs->nwatches) >=
						INOTIFY_MAX_WATCHES))
		error = ENOSPC;
	else if (dn == NULL) {
		dn = new;
		new = NULL;
		LIST_INSERT_HEAD(&vfs->dnotifies, dn, link);
		atomic_fetch_add(&dn->vp->watches, 1);
		atomic_fetch_add(&vfs->nwatches, 1);
	}
	if (error == 0) {
		dn->fd = fd;
		dn->mask |= mask;
	}
	kmutex_unlock(&vfs->watch_lock);
	dn_free(new);
	return (error);
}

/* The LX_DN_* events that those of inotify are. */
static uint32_t
events_of(uint32_t in)
{
	uint32_t dn = 0;

	if ((in & LX_IN_ACCESS) != 0)
		dn |= LX_DN_ACCESS;
	if ((in & LX_IN_MODIFY) != 0)
		dn |= LX_DN_MODIFY;
	if ((in & (LX_IN_CREATE | LX_IN_MOVED_TO)) != 0)
		dn |= LX_DN_CREATE;
	if ((in & (LX_IN_DELETE | LX_IN_MOVED_FROM)) != 0)
		dn |= LX_DN_DELETE;
	if ((in & LX_IN_ATTRIB) != 0)
		dn |= LX_DN_ATTRIB;
	return (dn);
}

/* Lock held.  Note who gets a signal; returns how many. */
static unsigned
fire(struct vfs *vfs, const struct vnode *dvp, uint32_t events)
{
	struct dnotify *dn;
	unsigned n = 0;

	LIST_FOREACH (dn, &vfs->dnotifies, link) {
		if (dn->vp != dvp || (dn->mask & events) == 0)
			continue;
		n += !dn->fired;
		dn->fired = true;
	}
	return (n);
}

/* Send one of the signals that are due for dvp.  False: there is none. */
static bool
send_one(struct vfs *vfs, const struct vnode *dvp)
{
	struct dnotify *dn, *ended = NULL;
	struct file_owner *owner;
	int fd;

	kmutex_lock(&vfs->watch_lock);
	LIST_FOREACH (dn, &vfs->dnotifies, link)
		if (dn->vp == dvp && dn->fired)
			break;
	if (dn == NULL) {
		kmutex_unlock(&vfs->watch_lock);
		return (false);
	}
	dn->fired = false;
	owner = dn->owner;
	file_owner_ref(owner);
	fd = dn->fd;
	if ((dn->mask & LX_DN_MULTISHOT) == 0) {
		take_out(vfs, dn);
		ended = dn;
	}
	kmutex_unlock(&vfs->watch_lock);
	file_owner_tell(vfs, owner, fd);
	dn_free(ended);
	return (true);
}

void
dnotify_tell(struct vnode *dvp, uint32_t in_mask, uint32_t dn_mask)
{
	struct vfs *vfs = dvp->mount->vfs;
	const uint32_t events = events_of(in_mask) | dn_mask;
	unsigned n;

	if (events == 0)
		return;
	kmutex_lock(&vfs->watch_lock);
	n = fire(vfs, dvp, events);
	kmutex_unlock(&vfs->watch_lock);
	while (n-- > 0 && send_one(vfs, dvp))
		continue;
}
