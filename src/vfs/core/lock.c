/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Advisory locks on files: records of fcntl(2), of a process or of an open
 * file, and flock(2).
 *
 * Concepts.  A lock is a range of a vnode, shared or exclusive, and an owner:
 * the descriptor table that set it (POSIX: the process, for our purposes), or
 * the open file (OFD, flock).  Record locks of both sorts exclude each other;
 * locks of flock are independent of both, and always cover the whole file. What
 * one owner has never overlaps: a new lock replaces what it covers, so that a
 * lock may be split, shortened, raised, lowered, and merged with its
 * neighbours.
 *
 * Release.  A table's record locks on a vnode are released when any descriptor
 * of that vnode is closed in it, as POSIX requires; those of an open file are
 * released by its last close.  fd.c and file.c report both; a count and a flag
 * keep that cheap for files that were never locked.
 *
 * Waiting.  vfs does not sleep.  A caller that has to wait leaves a
 * vfs_lock_wait, which is called when a lock of that vnode is released; the
 * caller then tries again.  So all waiters are woken although few can continue;
 * in return no queue is needed.  A waiter for a POSIX record names the owner
 * that it waits for; a chain of these that leads back to itself is a deadlock.
 *
 * Locking and lifetime.  One mutex for all of it.  A lock holds no ref of its
 * vnode: its owner has the file open.
 *
 * Limits.  Locks exclude the guests of this kernel from each other, not other
 * processes of the host.  LOCKS_MAX in one kernel.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"
#include "vfs/core/file.h"
#include "vfs/core/lock.h"
#include "vfs/core/vfs.h"

#define LOCKS_MAX 65536u
#define DEADLOCK_DEPTH 64

/* All under vfs->lock_lock. */
struct vfs_lock {
	LIST_ENTRY(vfs_lock) link;
	const struct vnode *vp;
	enum vfs_lock_kind kind;
	const void *owner;
	bool exclusive;
	uint64_t start, end; /* end inclusive */
	int pid;
};

static struct vfs_lock_list *
bucket(struct vfs *vfs, const struct vnode *vp)
{
	return (&vfs->locks[((uintptr_t)vp >> 6) % VFS_LOCK_BUCKETS]);
}

static bool
same_world(enum vfs_lock_kind a, enum vfs_lock_kind b)
{
	return ((a == VFS_LOCK_FLOCK) == (b == VFS_LOCK_FLOCK));
}

static bool
overlaps(const struct vfs_lock *k, const struct vfs_lock_req *r)
{
	return (k->start <= r->end && r->start <= k->end);
}

static bool
mine(const struct vfs_lock *k, const struct vfs_lock_req *r)
{
	return (k->vp == r->vp && k->kind == r->kind && k->owner == r->owner);
}

/* The first of others' locks that is in the way, or NULL. */
static struct vfs_lock *
conflict(struct vfs *vfs, const struct vfs_lock_req *r)
{
	struct vfs_lock *k, *first = NULL;

	LIST_FOREACH (k, bucket(vfs, r->vp), link)
		if (k->vp == r->vp && same_world(k->kind, r->kind) &&
		    !mine(k, r) && overlaps(k, r) &&
		    (k->exclusive || r->type == VFS_LOCK_EXCLUSIVE) &&
		    (first == NULL || k->start < first->start))
			first = k;
	return (first);
}

static void
lock_remove(struct vfs *vfs, struct vfs_lock *k)
{
	LIST_REMOVE(k, link);
	vfs->nlocks--;
	if (k->kind == VFS_LOCK_POSIX)
		atomic_fetch_sub(&vfs->nposix, 1);
	free(k);
}

static void
lock_add(struct vfs *vfs, struct vfs_lock *k)
{
	LIST_INSERT_HEAD(bucket(vfs, k->vp), k, link);
	vfs->nlocks++;
	if (k->kind == VFS_LOCK_POSIX)
		atomic_fetch_add(&vfs->nposix, 1);
}

static void
wake(struct vfs *vfs, const struct vnode *vp)
{
	struct vfs_lock_wait *w;

	LIST_FOREACH (w, &vfs->lock_waits, link)
		if (w->vp == vp)
			w->wake(w->arg);
}

/* The range is free of what the owner has there.  `spare` becomes the upper
 * part of a lock that is cut in two.  True: something went. */
static bool
carve(struct vfs *vfs, const struct vfs_lock_req *r, struct vfs_lock **spare)
{
	struct vfs_lock *k, *next;
	bool any = false;

	LIST_FOREACH_SAFE (k, bucket(vfs, r->vp), link, next) {
		if (!mine(k, r) || !overlaps(k, r))
			continue;
		any = true;
		if (k->start < r->start && k->end > r->end) {
			/* flock(2) has no ranges, and none to cut. */
			KVERIFY(*spare != NULL);
			**spare = *k;
			(*spare)->start = r->end + 1;
			k->end = r->start - 1;
			lock_add(vfs, *spare);
			*spare = NULL;
			/* An owner's locks are disjoint: no other one is in
			 * the range that this one covered. */
			return (true);
		}
		if (k->start < r->start)
			k->end = r->start - 1;
		else if (k->end > r->end)
			k->start = r->end + 1;
		else
			lock_remove(vfs, k);
	}
	return (any);
}

/* Join n with what touches it. */
static void
merge(struct vfs *vfs, const struct vfs_lock_req *r, struct vfs_lock *n)
{
	struct vfs_lock *k, *next;

	LIST_FOREACH_SAFE (k, bucket(vfs, r->vp), link, next) {
		if (k == n || !mine(k, r) || k->exclusive != n->exclusive)
			continue;
		if (k->end != UINT64_MAX && k->end + 1 == n->start)
			n->start = k->start;
		else if (n->end != UINT64_MAX && n->end + 1 == k->start)
			n->end = k->end;
		else
			continue;
		lock_remove(vfs, k);
	}
}

/* Does the owner of `k` wait, in the end, for us? */
static bool
deadlock(
    struct vfs *vfs, const struct vfs_lock_req *r, const struct vfs_lock *k)
{
	const void *who = k->owner;
	struct vfs_lock_wait *w;

	if (r->kind != VFS_LOCK_POSIX || k->kind != VFS_LOCK_POSIX)
		return (false);
	for (int i = 0; i < DEADLOCK_DEPTH; i++) {
		LIST_FOREACH (w, &vfs->lock_waits, link)
			if (w->owner == who && w->blocker != NULL)
				break;
		if (w == NULL)
			return (false);
		who = w->blocker;
		if (who == r->owner)
			return (true);
	}
	return (false);
}

static int
lock_wait(struct vfs *vfs, const struct vfs_lock_req *r,
    const struct vfs_lock *k, struct vfs_lock_wait *w)
{
	struct vfs_lock *spare = NULL;

	if (deadlock(vfs, r, k))
		return (EDEADLK);
	w->vp = r->vp;
	w->owner = r->kind == VFS_LOCK_POSIX ? r->owner : NULL;
	w->blocker = k->kind == VFS_LOCK_POSIX ? k->owner : NULL;
	LIST_INSERT_HEAD(&vfs->lock_waits, w, link);
	/* Two shared owners that both ask for an exclusive lock: one must
	 * release. */
	if (r->kind == VFS_LOCK_FLOCK && carve(vfs, r, &spare))
		wake(vfs, r->vp);
	return (EAGAIN);
}

/* Locked; n and spare are for the caller to free if they are left. */
static int
lock_set(struct vfs *vfs, const struct vfs_lock_req *r, struct vfs_lock_wait *w,
    struct vfs_lock **n, struct vfs_lock **spare)
{
	struct vfs_lock *k;
	bool went;

	if (r->type != VFS_LOCK_NONE) {
		k = conflict(vfs, r);
		if (k != NULL)
			return (w != NULL ? lock_wait(vfs, r, k, w) : EAGAIN);
		if (vfs->nlocks >= LOCKS_MAX)
			return (ENOLCK);
	}
	went = carve(vfs, r, spare);
	if (r->type != VFS_LOCK_NONE) {
		**n = (struct vfs_lock){
		    .vp = r->vp,
		    .kind = r->kind,
		    .owner = r->owner,
		    .exclusive = r->type == VFS_LOCK_EXCLUSIVE,
		    .start = r->start,
		    .end = r->end,
		    .pid = r->pid,
		};
		lock_add(vfs, *n);
		merge(vfs, r, *n);
		*n = NULL;
	}
	if (went)
		wake(vfs, r->vp);
	return (0);
}

int
vfs_lock_set(
    struct vfs *vfs, const struct vfs_lock_req *r, struct vfs_lock_wait *w)
{
	struct vfs_lock *n = malloc(sizeof(*n)),
			*spare = malloc(sizeof(*spare));
	int error = ENOLCK;

	if (n != NULL && spare != NULL) {
		kmutex_lock(&vfs->lock_lock);
		error = lock_set(vfs, r, w, &n, &spare);
		kmutex_unlock(&vfs->lock_lock);
	}
	free(n);
	free(spare);
	return (error);
}

void
vfs_lock_unwait(struct vfs *vfs, struct vfs_lock_wait *w)
{
	kmutex_lock(&vfs->lock_lock);
	LIST_REMOVE(w, link);
	kmutex_unlock(&vfs->lock_lock);
}

bool
vfs_lock_test(struct vfs *vfs, struct vfs_lock_req *r)
{
	const struct vfs_lock *k;

	kmutex_lock(&vfs->lock_lock);
	k = conflict(vfs, r);
	if (k != NULL) {
		r->type = k->exclusive ? VFS_LOCK_EXCLUSIVE : VFS_LOCK_SHARED;
		r->start = k->start;
		r->end = k->end;
		r->pid = k->kind == VFS_LOCK_POSIX ? k->pid : -1;
	}
	kmutex_unlock(&vfs->lock_lock);
	return (k != NULL);
}

/* All of an owner's on a vnode. */
static void
lock_drop(struct vfs *vfs, const struct vnode *vp, const void *owner)
{
	struct vfs_lock *k, *next;
	bool any = false;

	kmutex_lock(&vfs->lock_lock);
	LIST_FOREACH_SAFE (k, bucket(vfs, vp), link, next) {
		if (k->vp != vp || k->owner != owner)
			continue;
		lock_remove(vfs, k);
		any = true;
	}
	if (any)
		wake(vfs, vp);
	kmutex_unlock(&vfs->lock_lock);
}

void
vfs_lock_fd_closed(const struct fdtable *t, const struct file *f)
{
	if (f->vp != NULL && atomic_load(&f->vfs->nposix) != 0)
		lock_drop(f->vfs, f->vp, t);
}

void
vfs_lock_file_closed(const struct file *f)
{
	if (f->vp != NULL && atomic_load(&f->locked))
		lock_drop(f->vfs, f->vp, f);
}

void
vfs_lock_init(struct vfs *vfs)
{
	kmutex_init(&vfs->lock_lock, "file locks", KRANK_FILE, 0);
	for (unsigned i = 0; i < VFS_LOCK_BUCKETS; i++)
		LIST_INIT(&vfs->locks[i]);
	LIST_INIT(&vfs->lock_waits);
}

void
vfs_lock_fini(struct vfs *vfs)
{
	KVERIFY(vfs->nlocks == 0 && LIST_EMPTY(&vfs->lock_waits));
	kmutex_destroy(&vfs->lock_lock);
}
