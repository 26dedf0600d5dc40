/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Leases: a process gets a signal before another one opens its file.
 *
 * Concepts.  A lease belongs to an open regular file, and is shared (other
 * openers for reading do not break it) or exclusive.  An open or truncate that
 * it excludes breaks it: the owner of the file gets a signal, and the opener
 * waits until the owner has given up or lowered the lease, at most
 * LEASE_BREAK_SECONDS; then that happens without the owner.  A lease can be had
 * only while the file is not open in the way that it excludes: vnodes count
 * those that have them open to write, and to read only.
 *
 * Race of an open with a new lease: the opener counts first and looks for
 * leases then; the holder enters the lease first and looks at the counts then.
 *
 * Locking and lifetime.  vfs->lease_lock, a leaf, protects all.  A lease ends
 * with its file, which refs the vnode; it refs the owner, so that the signal
 * can be sent without the lock.
 *
 * Limits.  LEASES_MAX in a kernel.  An opener that waits looks again every few
 * milliseconds.  Executing a program breaks no lease.  Mappings do not count as
 * open files.
 */
#include "vfs/core/lease.h"

#include <errno.h>

#include "host/host.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/mount.h"
#include "vfs/core/owner.h"
#include "vfs/core/vfs.h"

#define LEASES_MAX 1024u

/* f, vp and owner are immutable, the rest under vfs->lease_lock. */
struct lease {
	LIST_ENTRY(lease) link;   /* vfs->leases */
	struct file *f;           /* weak */
	struct vnode *vp;         /* f's */
	struct file_owner *owner; /* own ref */
	enum vfs_lock_type type;
	int fd;
	bool unlock, lower; /* it is being broken: to none, to shared */
	uint64_t unlock_ns, lower_ns; /* then without its owner */
	bool fired;                   /* a signal is due */
};

/* Lock held. */
static struct lease *
find(const struct file *f)
{
	struct lease *le;

	LIST_FOREACH (le, &f->vfs->leases, link)
		if (le->f == f)
			break;
	return (le);
}

/* Lock held; the caller frees it without the lock. */
static void
take_out(struct vfs *vfs, struct lease *le)
{
	LIST_REMOVE(le, link);
	atomic_fetch_sub(&le->vp->leases, 1);
	vfs->nleases--;
}

static void
lease_free(struct lease *le)
{
	if (le == NULL)
		return;
	if (le->owner != NULL)
		file_owner_free(le->owner);
	kmem_free(le);
}

/* The owner and signal of the file go with its lease, as on Linux. */
static void
lease_end(struct lease *le)
{
	if (le != NULL)
		file_owner_clear(le->owner);
	lease_free(le);
}

static enum vfs_lock_type
target(const struct lease *le)
{
	if (le->unlock)
		return (VFS_LOCK_NONE);
	return (le->lower ? VFS_LOCK_SHARED : le->type);
}

enum vfs_lock_type
lease_get(struct file *f)
{
	enum vfs_lock_type type = VFS_LOCK_NONE;
	struct lease *le;

	kmutex_lock(&f->vfs->lease_lock);
	le = find(f);
	if (le != NULL)
		type = target(le);
	kmutex_unlock(&f->vfs->lease_lock);
	return (type);
}

/* ---- setting ---- */

/* Is the file open in a way that the lease excludes? */
static bool
excluded(const struct file *f, enum vfs_lock_type type)
{
	const bool writes = f->writer;
	const struct vnode *vp = f->vp;

	if (type == VFS_LOCK_SHARED)
		return (atomic_load(&vp->writers) != 0);
	return (atomic_load(&vp->writers) != (writes ? 1 : 0) ||
		atomic_load(&vp->ro_files) != (f->reader ? 1 : 0));
}

/* Lock held.  Do other leases of the vnode stand in the way? */
static bool
blocked(const struct file *f, enum vfs_lock_type type)
{
	const struct lease *le;

	LIST_FOREACH (le, &f->vfs->leases, link)
		if (le->vp == f->vp && le->f != f &&
		    (type == VFS_LOCK_EXCLUSIVE || le->unlock))
			return (true);
	return (false);
}

/* Lock held. */
static void
change(struct lease *le, enum vfs_lock_type type)
{
	le->type = type;
	if (type == VFS_LOCK_SHARED)
		le->lower = false;
}

/* Lock held.  *new is used up if the lease is new. */
static int
enter(struct file *f, int fd, enum vfs_lock_type type, struct lease **new)
{
	struct vfs *vfs = f->vfs;
	struct lease *le = find(f);

	if (excluded(f, type) || blocked(f, type))
		return (EAGAIN);
	if (le != NULL) {
		change(le, type);
		return (0);
	}
	if (vfs->nleases >= LEASES_MAX)
		return (ENOLCK);
	le = *new;
	le->type = type;
	le->fd = fd;
	LIST_INSERT_HEAD(&vfs->leases, le, link);
	atomic_fetch_add(&le->vp->leases, 1);
	vfs->nleases++;
	if (excluded(f, type)) {
		take_out(vfs, le);
		return (EAGAIN);
	}
	*new = NULL;
	return (0);
}

static int
lease_drop(struct file *f)
{
	struct lease *le;

	kmutex_lock(&f->vfs->lease_lock);
	le = find(f);
	if (le != NULL)
		take_out(f->vfs, le);
	kmutex_unlock(&f->vfs->lease_lock);
	if (le == NULL)
		return (EAGAIN);
	lease_end(le);
	return (0);
}

int
lease_set(struct file *f, int fd, enum vfs_lock_type type)
{
	struct lease *new;
	int error;

	if (type == VFS_LOCK_NONE)
		return (lease_drop(f));
	new = kmem_zalloc(sizeof(*new));
	if (new == NULL)
		return (ENOMEM);
	*new = (struct lease){.f = f, .vp = f->vp};
	error = file_owner_get(f, &new->owner);
	if (error != 0) {
		kmem_free(new);
		return (error);
	}
	file_owner_ref(new->owner);
	kmutex_lock(&f->vfs->lease_lock);
	error = enter(f, fd, type, &new);
	kmutex_unlock(&f->vfs->lease_lock);
	lease_free(new);
	return (error);
}

void
lease_closed(struct file *f)
{
	if (f->vp != NULL && atomic_load(&f->vp->leases) != 0)
		(void)lease_drop(f);
}

/* ---- breaking ---- */

/* Lock held. */
static bool
conflicts(const struct lease *le, const struct vnode *vp, bool write)
{
	return (le->vp == vp && (write || le->type == VFS_LOCK_EXCLUSIVE));
}

/* Lock held.  Begin to break the leases that exclude the access; returns how
 * many signals are due. */
static unsigned
begin_break(struct vnode *vp, bool write, uint64_t until)
{
	struct vfs *vfs = vp->mount->vfs;
	struct lease *le;
	unsigned n = 0;

	LIST_FOREACH (le, &vfs->leases, link) {
		if (!conflicts(le, vp, write) || le->unlock ||
		    (!write && le->lower))
			continue;
		if (write) {
			le->unlock = true;
			le->unlock_ns = until;
		} else {
			le->lower = true;
			le->lower_ns = until;
		}
		n += !le->fired;
		le->fired = true;
	}
	return (n);
}

/* Send one of the signals that are due for vp.  False: there is none. */
static bool
send_one(struct vnode *vp)
{
	struct vfs *vfs = vp->mount->vfs;
	struct file_owner *owner;
	struct lease *le;
	int fd;

	kmutex_lock(&vfs->lease_lock);
	LIST_FOREACH (le, &vfs->leases, link)
		if (le->vp == vp && le->fired)
			break;
	if (le == NULL) {
		kmutex_unlock(&vfs->lease_lock);
		return (false);
	}
	le->fired = false;
	owner = le->owner;
	file_owner_ref(owner);
	fd = le->fd;
	kmutex_unlock(&vfs->lease_lock);
	file_owner_tell(vfs, owner, fd);
	return (true);
}

/* Lower or end one lease whose time is over, and say whether any still
 * excludes the access.  *ended: to be freed. */
static bool
still_broken(struct vnode *vp, bool write, struct lease **ended)
{
	struct vfs *vfs = vp->mount->vfs;
	const uint64_t now = host_now_ns();
	struct lease *le, *next;
	bool any = false;

	*ended = NULL;
	kmutex_lock(&vfs->lease_lock);
	LIST_FOREACH_SAFE (le, &vfs->leases, link, next) {
		if (!conflicts(le, vp, write))
			continue;
		any = true;
		if (le->lower && now >= le->lower_ns)
			change(le, VFS_LOCK_SHARED);
		if (le->unlock && now >= le->unlock_ns && *ended == NULL) {
			take_out(vfs, le);
			*ended = le;
		}
	}
	kmutex_unlock(&vfs->lease_lock);
	return (any);
}

int
lease_break_wait(struct vnode *vp, bool write, bool nonblock,
    const struct vfs_waiter *waiter)
{
	struct vfs *vfs = vp->mount->vfs;
	const uint64_t second = UINT64_C(1000000000);
	uint64_t pause = VFS_PAUSE_MIN;
	struct lease *ended;
	unsigned n;
	int error;

	for (;;) {
		kmutex_lock(&vfs->lease_lock);
		n = begin_break(
		    vp, write, host_now_ns() + LEASE_BREAK_SECONDS * second);
		kmutex_unlock(&vfs->lease_lock);
		while (n-- > 0 && send_one(vp))
			continue;
		if (!still_broken(vp, write, &ended))
			return (0);
		lease_end(ended);
		if (nonblock)
			return (EWOULDBLOCK);
		error = vfs_wait(waiter, -1, 0, host_now_ns() + pause);
		if (error != 0 && error != ETIMEDOUT)
			return (error);
		if (pause < VFS_PAUSE_MAX)
			pause *= 2;
	}
}
