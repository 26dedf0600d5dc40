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
 * released by its last close.  fd.c and file.c report both; a pointer of the
 * vnode and a flag keep that cheap for files that are not locked.
 *
 * Data structures.  A vnode with locks or waiters has a vfs_lock_file; that has
 * one lock_set for each owner and kind; and that two trees, of its shared and
 * of its exclusive locks, by their first byte.  A conflict is searched for in
 * the trees of the other owners, so that the time depends on the number of
 * owners of the file, and on the logarithm of the number of locks.
 *
 * Waiting.  vfs does not sleep.  A caller that has to wait leaves a
 * vfs_lock_wait, which is called when a lock of that vnode is released; the
 * caller then tries again.  So all waiters are woken although few can continue;
 * in return no queue is needed.  A waiter for a POSIX record names the owner
 * that it waits for; a chain of these that leads back to itself is a deadlock.
 *
 * Locking and lifetime.  One mutex for all of it.  A lock holds no ref of its
 * vnode: its owner has the file open, and a waiter as well.  Memory is
 * allocated before the mutex is acquired.
 *
 * Limits.  Locks exclude the guests of this kernel from each other, not other
 * processes of the host.  LOCKS_MAX in one kernel, LOCKS_PROC set by one
 * process; an unlock that would cut one lock in two counts as one more.
 */
#include <bsd/sys/tree.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/lock.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

#define LOCKS_MAX 65536u
#define LOCKS_PROC 8192u
#define DEADLOCK_DEPTH 64

/* All under vfs->lock_lock. */

/* The locks that one process has set. */
struct vfs_lock_proc {
	LIST_ENTRY(vfs_lock_proc) link; /* vfs->lock_procs */
	int pid;
	unsigned n;
};

struct vfs_lock {
	RB_ENTRY(vfs_lock) link; /* lock_set.tree */
	struct vfs_lock_proc *proc;
	bool exclusive;
	uint64_t start, end; /* end inclusive */
};
RB_HEAD(lock_tree, vfs_lock);

/* Disjoint ranges. */
struct lock_set {
	LIST_ENTRY(lock_set) link; /* vfs_lock_file.sets */
	enum vfs_lock_kind kind;
	const void *owner;
	struct lock_tree tree[2]; /* shared, exclusive */
};

/* vnode.locks */
struct vfs_lock_file {
	LIST_ENTRY(vfs_lock_file) all; /* vfs->lock_files */
	const struct vnode *vp;
	LIST_HEAD(, lock_set) sets; /* none is empty */
	LIST_HEAD(, vfs_lock_wait) waits;
};

/* Memory that a change may need: what is left is freed. */
struct lock_mem {
	struct vfs_lock *n, *spare;
	struct vfs_lock_proc *proc;
	struct lock_set *set;
	struct vfs_lock_file *file;
};

static int
lock_cmp(const struct vfs_lock *a, const struct vfs_lock *b)
{
	return (a->start < b->start ? -1 : a->start > b->start);
}

RB_GENERATE_INTERNAL(
    lock_tree, vfs_lock, link, lock_cmp, static __attribute__((unused)))

static bool
same_world(enum vfs_lock_kind a, enum vfs_lock_kind b)
{
	return ((a == VFS_LOCK_FLOCK) == (b == VFS_LOCK_FLOCK));
}

static struct vfs_lock_file *
file_of(const struct vnode *vp)
{
	return (atomic_load_explicit(&vp->locks, memory_order_acquire));
}

/* The locks of the request's owner on its vnode, or NULL. */
static struct lock_set *
set_of(const struct vfs_lock_req *r)
{
	struct vfs_lock_file *lf = file_of(r->vp);
	struct lock_set *s;

	if (lf == NULL)
		return (NULL);
	LIST_FOREACH (s, &lf->sets, link)
		if (s->kind == r->kind && s->owner == r->owner)
			return (s);
	return (NULL);
}

/* The first lock of the tree that has a byte of [start, end], or NULL. */
static struct vfs_lock *
first_in(struct lock_tree *t, uint64_t start, uint64_t end)
{
	struct vfs_lock key = {.start = start}, *k, *prev;

	k = RB_NFIND(lock_tree, t, &key);
	prev = k != NULL ? RB_PREV(lock_tree, t, k) : RB_MAX(lock_tree, t);
	if (prev != NULL && prev->end >= start)
		k = prev;
	return (k != NULL && k->start <= end ? k : NULL);
}

/* The first of others' locks that is in the way, and its owner's set; or
 * NULL. */
static struct vfs_lock *
conflict(const struct vfs_lock_req *r, struct lock_set **whose)
{
	struct vfs_lock_file *lf = file_of(r->vp);
	struct vfs_lock *k, *first = NULL;
	struct lock_set *s;

	if (lf == NULL)
		return (NULL);
	LIST_FOREACH (s, &lf->sets, link) {
		if (!same_world(s->kind, r->kind) ||
		    (s->kind == r->kind && s->owner == r->owner))
			continue;
		for (int x = r->type != VFS_LOCK_EXCLUSIVE; x < 2; x++) {
			k = first_in(&s->tree[x], r->start, r->end);
			if (k == NULL ||
			    (first != NULL && first->start <= k->start))
				continue;
			first = k;
			*whose = s;
		}
	}
	return (first);
}

static void
proc_drop(struct vfs_lock_proc *lp)
{
	if (--lp->n != 0)
		return;
	LIST_REMOVE(lp, link);
	kmem_free(lp);
}

static void
lock_remove(struct vfs *vfs, struct lock_set *s, struct vfs_lock *k)
{
	RB_REMOVE(lock_tree, &s->tree[k->exclusive], k);
	vfs->nlocks--;
	proc_drop(k->proc);
	kmem_free(k);
}

static void
lock_add(struct vfs *vfs, struct lock_set *s, struct vfs_lock *k)
{
	KVERIFY(RB_INSERT(lock_tree, &s->tree[k->exclusive], k) == NULL);
	vfs->nlocks++;
	k->proc->n++;
}

/* Free the set if it is empty. */
static void
set_put(struct lock_set *s)
{
	if (!RB_EMPTY(&s->tree[0]) || !RB_EMPTY(&s->tree[1]))
		return;
	LIST_REMOVE(s, link);
	kmem_free(s);
}

/* Free the record of a vnode that has neither locks nor waiters. */
static void
file_put(struct vnode *vp)
{
	struct vfs_lock_file *lf = file_of(vp);

	if (lf == NULL || !LIST_EMPTY(&lf->sets) || !LIST_EMPTY(&lf->waits))
		return;
	LIST_REMOVE(lf, all);
	atomic_store(&vp->locks, NULL);
	kmem_free(lf);
}

static void
wake(const struct vnode *vp)
{
	struct vfs_lock_file *lf = file_of(vp);
	struct vfs_lock_wait *w;

	LIST_FOREACH (w, &lf->waits, link)
		w->wake(w->arg);
}

/* Does the request cut one of its owner's locks in two? */
static bool
cuts(struct lock_set *s, const struct vfs_lock_req *r)
{
	const struct vfs_lock *k;

	for (int x = 0; s != NULL && x < 2; x++) {
		k = first_in(&s->tree[x], r->start, r->end);
		if (k != NULL && k->start < r->start && k->end > r->end)
			return (true);
	}
	return (false);
}

/* Take [r->start, r->end] out of one tree.  `spare` becomes the upper part of a
 * lock that is cut in two.  True: something went. */
static bool
carve_tree(struct vfs *vfs, struct lock_set *s, struct lock_tree *t,
    const struct vfs_lock_req *r, struct vfs_lock **spare)
{
	struct vfs_lock *k;
	bool any = false;

	while ((k = first_in(t, r->start, r->end)) != NULL) {
		any = true;
		if (k->start >= r->start && k->end <= r->end) {
			lock_remove(vfs, s, k);
		} else if (k->start >= r->start) {
			/* No other lock begins in [k->start, k->end], so that
			 * the order in the tree stays. */
			k->start = r->end + 1;
		} else if (k->end <= r->end) {
			k->end = r->start - 1;
		} else {
			/* flock(2) has no ranges, and none to cut. */
			KVERIFY(*spare != NULL);
			**spare = *k;
			(*spare)->start = r->end + 1;
			k->end = r->start - 1;
			lock_add(vfs, s, *spare);
			*spare = NULL;
		}
	}
	return (any);
}

/* The range is free of what the owner has there. */
static bool
carve(struct vfs *vfs, struct lock_set *s, const struct vfs_lock_req *r,
    struct vfs_lock **spare)
{
	bool any;

	if (s == NULL)
		return (false);
	any = carve_tree(vfs, s, &s->tree[0], r, spare);
	return (carve_tree(vfs, s, &s->tree[1], r, spare) || any);
}

/* Add n, joined with what touches it. */
static void
merge(struct vfs *vfs, struct lock_set *s, struct vfs_lock *n)
{
	struct lock_tree *t = &s->tree[n->exclusive];
	struct vfs_lock *k;

	k = n->start > 0 ? first_in(t, n->start - 1, n->start - 1) : NULL;
	if (k != NULL) {
		n->start = k->start;
		lock_remove(vfs, s, k);
	}
	k = n->end < UINT64_MAX ? first_in(t, n->end + 1, n->end + 1) : NULL;
	if (k != NULL) {
		n->end = k->end;
		lock_remove(vfs, s, k);
	}
	lock_add(vfs, s, n);
}

static struct vfs_lock_waits *
waits_of(struct vfs *vfs, const void *owner)
{
	return (&vfs->lock_waits[((uintptr_t)owner >> 6) % VFS_LOCK_BUCKETS]);
}

/* Does `who` wait, in the end, for the request's owner? */
static bool
deadlock(struct vfs *vfs, const struct vfs_lock_req *r, const void *who)
{
	struct vfs_lock_wait *w;

	for (int i = 0; i < DEADLOCK_DEPTH; i++) {
		LIST_FOREACH (w, waits_of(vfs, who), by_owner)
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
    const struct lock_set *whose, struct vfs_lock_wait *w)
{
	struct lock_set *s = set_of(r);
	struct vfs_lock *spare = NULL;

	if (r->kind == VFS_LOCK_POSIX && whose->kind == VFS_LOCK_POSIX &&
	    deadlock(vfs, r, whose->owner))
		return (EDEADLK);
	w->vp = r->vp;
	w->owner = r->kind == VFS_LOCK_POSIX ? r->owner : NULL;
	w->blocker = whose->kind == VFS_LOCK_POSIX ? whose->owner : NULL;
	LIST_INSERT_HEAD(&file_of(r->vp)->waits, w, link);
	LIST_INSERT_HEAD(waits_of(vfs, w->owner), w, by_owner);
	/* Two shared owners that both ask for an exclusive lock: one must
	 * release. */
	if (r->kind == VFS_LOCK_FLOCK && carve(vfs, s, r, &spare)) {
		set_put(s);
		wake(r->vp);
	}
	return (EAGAIN);
}

/* The count of the request's process; *mem's if it is new. */
static struct vfs_lock_proc *
proc_get(struct vfs *vfs, int pid, struct lock_mem *mem)
{
	struct vfs_lock_procs *list =
	    &vfs->lock_procs[(unsigned)pid % VFS_LOCK_BUCKETS];
	struct vfs_lock_proc *lp;

	LIST_FOREACH (lp, list, link)
		if (lp->pid == pid)
			return (lp);
	lp = mem->proc;
	mem->proc = NULL;
	*lp = (struct vfs_lock_proc){.pid = pid};
	LIST_INSERT_HEAD(list, lp, link);
	return (lp);
}

/* The set of the request's owner, made from *mem if there is none. */
static struct lock_set *
set_get(const struct vfs_lock_req *r, struct lock_mem *mem)
{
	struct lock_set *s = set_of(r);

	if (s != NULL)
		return (s);
	if (file_of(r->vp) == NULL) {
		LIST_INIT(&mem->file->sets);
		LIST_INIT(&mem->file->waits);
		mem->file->vp = r->vp;
		LIST_INSERT_HEAD(
		    &r->vp->mount->vfs->lock_files, mem->file, all);
		atomic_store(&r->vp->locks, mem->file);
		mem->file = NULL;
	}
	s = mem->set;
	mem->set = NULL;
	*s = (struct lock_set){.kind = r->kind, .owner = r->owner};
	RB_INIT(&s->tree[0]);
	RB_INIT(&s->tree[1]);
	LIST_INSERT_HEAD(&file_of(r->vp)->sets, s, link);
	return (s);
}

/* Add the lock of the request.  ENOLCK. */
static int
lock_enter(struct vfs *vfs, const struct vfs_lock_req *r, struct lock_mem *mem,
    bool *went)
{
	struct vfs_lock_proc *lp = proc_get(vfs, r->pid, mem);
	struct vfs_lock *n = mem->n;
	struct lock_set *s;

	/* It may be cut out of another one. */
	lp->n++;
	if (vfs->nlocks + 2 > LOCKS_MAX || lp->n + 1 > LOCKS_PROC) {
		proc_drop(lp);
		return (ENOLCK);
	}
	s = set_get(r, mem);
	*went = carve(vfs, s, r, &mem->spare);
	mem->n = NULL;
	*n = (struct vfs_lock){
	    .proc = lp,
	    .exclusive = r->type == VFS_LOCK_EXCLUSIVE,
	    .start = r->start,
	    .end = r->end,
	};
	merge(vfs, s, n);
	proc_drop(lp);
	return (0);
}

/* Locked. */
static int
lock_set(struct vfs *vfs, const struct vfs_lock_req *r, struct vfs_lock_wait *w,
    struct lock_mem *mem)
{
	struct lock_set *s, *whose;
	bool went = false;
	int error;

	if (r->type != VFS_LOCK_NONE) {
		if (conflict(r, &whose) != NULL)
			return (
			    w != NULL ? lock_wait(vfs, r, whose, w) : EAGAIN);
		error = lock_enter(vfs, r, mem, &went);
		if (error != 0)
			return (error);
	} else {
		s = set_of(r);
		if (vfs->nlocks >= LOCKS_MAX && cuts(s, r))
			return (ENOLCK);
		went = carve(vfs, s, r, &mem->spare);
		if (went)
			set_put(s);
	}
	if (went)
		wake(r->vp);
	file_put(r->vp);
	return (0);
}

static void
mem_free(struct lock_mem *mem)
{
	kmem_free(mem->n);
	kmem_free(mem->spare);
	kmem_free(mem->proc);
	kmem_free(mem->set);
	kmem_free(mem->file);
}

static bool
mem_alloc(struct lock_mem *mem)
{
	mem->n = kmem_alloc(sizeof(*mem->n));
	mem->spare = kmem_alloc(sizeof(*mem->spare));
	mem->proc = kmem_alloc(sizeof(*mem->proc));
	mem->set = kmem_alloc(sizeof(*mem->set));
	mem->file = kmem_alloc(sizeof(*mem->file));
	return (mem->n != NULL && mem->spare != NULL && mem->proc != NULL &&
		mem->set != NULL && mem->file != NULL);
}

int
vfs_lock_set(
    struct vfs *vfs, const struct vfs_lock_req *r, struct vfs_lock_wait *w)
{
	struct lock_mem mem;
	int error = ENOLCK;

	if (mem_alloc(&mem)) {
		kmutex_lock(&vfs->lock_lock);
		error = lock_set(vfs, r, w, &mem);
		kmutex_unlock(&vfs->lock_lock);
	}
	mem_free(&mem);
	return (error);
}

void
vfs_lock_unwait(struct vfs *vfs, struct vfs_lock_wait *w)
{
	kmutex_lock(&vfs->lock_lock);
	LIST_REMOVE(w, link);
	LIST_REMOVE(w, by_owner);
	file_put(w->vp);
	kmutex_unlock(&vfs->lock_lock);
}

bool
vfs_lock_test(struct vfs *vfs, struct vfs_lock_req *r)
{
	const struct vfs_lock *k;
	struct lock_set *whose;

	kmutex_lock(&vfs->lock_lock);
	k = conflict(r, &whose);
	if (k != NULL) {
		r->type = k->exclusive ? VFS_LOCK_EXCLUSIVE : VFS_LOCK_SHARED;
		r->start = k->start;
		r->end = k->end;
		r->pid = whose->kind == VFS_LOCK_POSIX ? k->proc->pid : -1;
	}
	kmutex_unlock(&vfs->lock_lock);
	return (k != NULL);
}

/* All of an owner's on a vnode. */
static void
lock_drop(struct vfs *vfs, struct vnode *vp, const void *owner)
{
	struct vfs_lock_file *lf;
	struct lock_set *s, *next;
	struct vfs_lock *k;
	bool any = false;

	kmutex_lock(&vfs->lock_lock);
	lf = file_of(vp);
	if (lf != NULL)
		LIST_FOREACH_SAFE (s, &lf->sets, link, next) {
			if (s->owner != owner)
				continue;
			for (int x = 0; x < 2; x++)
				while ((k = first_in(&s->tree[x], 0,
					    UINT64_MAX)) != NULL)
					lock_remove(vfs, s, k);
			set_put(s);
			any = true;
		}
	if (any) {
		wake(vp);
		file_put(vp);
	}
	kmutex_unlock(&vfs->lock_lock);
}

void
vfs_lock_fd_closed(const struct fdtable *t, const struct file *f)
{
	if (f->vp != NULL && file_of(f->vp) != NULL)
		lock_drop(f->vfs, f->vp, t);
}

void
vfs_lock_file_closed(const struct file *f)
{
	if (f->vp != NULL && atomic_load(&f->locked))
		lock_drop(f->vfs, f->vp, f);
}

static void
lock_line(const struct lock_set *s, const struct vfs_lock *k,
    const struct vnode *vp, unsigned n, char *line, size_t size)
{
	static const char *const kinds[] = {[VFS_LOCK_POSIX] = "POSIX ",
	    [VFS_LOCK_OFD] = "OFDLCK",
	    [VFS_LOCK_FLOCK] = "FLOCK "};
	char end[24] = "EOF";

	if (k->end < INT64_MAX)
		(void)snprintf(
		    end, sizeof(end), "%llu", (unsigned long long)k->end);
	(void)snprintf(line, size,
	    "lock:\t%u: %s ADVISORY  %s %d %02x:%02x:%llu %llu %s\n", n,
	    kinds[s->kind], k->exclusive ? "WRITE" : "READ ",
	    s->kind == VFS_LOCK_OFD ? -1 : k->proc->pid,
	    (unsigned)(vp->dev >> 8 & 0xfff),
	    (unsigned)((vp->dev & 0xff) | (vp->dev >> 12 & 0xfff00)),
	    (unsigned long long)vp->ino, (unsigned long long)k->start, end);
}

void
vfs_lock_info(
    const struct fdtable *t, struct file *f, file_info_fn *fn, void *arg)
{
	const struct vfs_lock_file *lf;
	struct lock_set *s;
	struct vfs_lock *k;
	char line[160];
	unsigned n = 0;

	if (f->vp == NULL || file_of(f->vp) == NULL)
		return;
	kmutex_lock(&f->vfs->lock_lock);
	lf = file_of(f->vp);
	if (lf != NULL)
		LIST_FOREACH (s, &lf->sets, link) {
			if (s->owner != t && s->owner != f)
				continue;
			for (int x = 0; x < 2; x++)
				RB_FOREACH (k, lock_tree, &s->tree[x]) {
					lock_line(s, k, f->vp, ++n, line,
					    sizeof(line));
					fn(arg, line);
				}
		}
	kmutex_unlock(&f->vfs->lock_lock);
}

void
vfs_lock_lines(struct vfs *vfs, file_info_fn *fn, void *arg)
{
	const size_t skip = strlen("lock:\t");
	struct vfs_lock_file *lf;
	struct lock_set *s;
	struct vfs_lock *k;
	char line[160];
	unsigned n = 0;

	kmutex_lock(&vfs->lock_lock);
	LIST_FOREACH (lf, &vfs->lock_files, all)
		LIST_FOREACH (s, &lf->sets, link)
			for (int x = 0; x < 2; x++)
				RB_FOREACH (k, lock_tree, &s->tree[x]) {
					lock_line(s, k, lf->vp, ++n, line,
					    sizeof(line));
					fn(arg, line + skip);
				}
	kmutex_unlock(&vfs->lock_lock);
}

void
vfs_lock_init(struct vfs *vfs)
{
	kmutex_init(&vfs->lock_lock, "file locks", KRANK_FILE, 0);
	for (unsigned i = 0; i < VFS_LOCK_BUCKETS; i++) {
		LIST_INIT(&vfs->lock_procs[i]);
		LIST_INIT(&vfs->lock_waits[i]);
	}
}

void
vfs_lock_fini(struct vfs *vfs)
{
	KVERIFY(vfs->nlocks == 0);
	for (unsigned i = 0; i < VFS_LOCK_BUCKETS; i++)
		KVERIFY(LIST_EMPTY(&vfs->lock_procs[i]) &&
			LIST_EMPTY(&vfs->lock_waits[i]));
	kmutex_destroy(&vfs->lock_lock);
}
