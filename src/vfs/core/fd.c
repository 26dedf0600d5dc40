/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Descriptor tables.
 *
 * Concepts.  A table maps small numbers to open files.  It is an array that
 * doubles, with two bitmaps: `used` finds the lowest free number a word at a
 * time, `cloexec` marks what exec closes.
 *
 * Locking and lifetime.  One mutex; the table refs its files and is itself
 * counted, since threads share it.  Closing may do I/O and take any lock, so
 * a file is only taken out under the lock and is freed after it.  A table is
 * emptied by its last fdtable_free(), which has no competitor.
 *
 * Guarantees.  A call that fails leaves the table and the caller's ref as
 * they were.  A number is free in the bitmap exactly when its file is NULL.
 *
 * Limits.  The array does not shrink.
 */

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/dnotify.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/lock.h"
#include "vfs/core/owner.h"

#define FD_MIN 64u /* numbers in a new table; a multiple of 64 */
#define FD_MAX (1u << 20)

/* Key: [I] immutable, [a] atomic, [l] lock */
struct fdtable {
	_Atomic(uint32_t) refs; /* [a] */
	struct vfs *vfs;        /* [I] */
	struct kmutex lock;     /* rank FDTABLE */
	unsigned size;          /* [l] numbers there is room for */
	struct file **files;    /* [l] */
	uint64_t *used;         /* [l] bitmap */
	uint64_t *cloexec;      /* [l] bitmap; subset of used */
};

static bool
bit_test(const uint64_t *map, unsigned n)
{
	return ((map[n / 64] >> (n % 64) & 1) != 0);
}

static void
bit_set(uint64_t *map, unsigned n, bool on)
{
	if (on)
		map[n / 64] |= UINT64_C(1) << (n % 64);
	else
		map[n / 64] &= ~(UINT64_C(1) << (n % 64));
}

/* First n >= from whose bit is `want`, or `size`. */
static unsigned
bit_next(const uint64_t *map, unsigned from, unsigned size, bool want)
{
	uint64_t w;

	while (from < size) {
		w = want ? map[from / 64] : ~map[from / 64];
		w &= ~UINT64_C(0) << (from % 64);
		if (w != 0)
			return (from / 64 * 64 + (unsigned)__builtin_ctzll(w));
		from = from / 64 * 64 + 64;
	}
	return (size);
}

/* Make room for number n. */
static int
fdtable_grow(struct fdtable *t, unsigned n)
{
	unsigned size = t->size != 0 ? t->size : FD_MIN;
	struct file **files;
	uint64_t *used, *cloexec;

	if (n < t->size)
		return (0);
	if (n >= FD_MAX)
		return (EMFILE);
	while (size <= n)
		size *= 2;
	files = kmem_calloc(size, sizeof(struct file *));
	used = kmem_calloc(size / 64, sizeof(used[0]));
	cloexec = kmem_calloc(size / 64, sizeof(cloexec[0]));
	if (files == NULL || used == NULL || cloexec == NULL) {
		kmem_free(files);
		kmem_free(used);
		kmem_free(cloexec);
		return (ENOMEM);
	}
	if (t->size != 0) {
		memcpy(files, t->files, t->size * sizeof(struct file *));
		memcpy(used, t->used, t->size / 8);
		memcpy(cloexec, t->cloexec, t->size / 8);
	}
	kmem_free(t->files);
	kmem_free(t->used);
	kmem_free(t->cloexec);
	t->files = files;
	t->used = used;
	t->cloexec = cloexec;
	t->size = size;
	return (0);
}

/* Put f (the table's ref from now on) at n, which is free. */
static void
fdtable_set(struct fdtable *t, unsigned n, struct file *f, bool cloexec)
{
	KASSERT(t->files[n] == NULL && !bit_test(t->used, n));
	t->files[n] = f;
	bit_set(t->used, n, true);
	bit_set(t->cloexec, n, cloexec);
}

/* Empty n; the ref passes to the caller. */
static struct file *
fdtable_take(struct fdtable *t, unsigned n)
{
	struct file *f;

	if (n >= t->size)
		return (NULL);
	f = t->files[n];
	t->files[n] = NULL;
	bit_set(t->used, n, false);
	bit_set(t->cloexec, n, false);
	return (f);
}

static struct file *
fdtable_lookup(const struct fdtable *t, int fd)
{
	return (fd >= 0 && (unsigned)fd < t->size ? t->files[fd] : NULL);
}

/*
 * An empty table with one ref.
 * - 0, ENOMEM.
 */
int
fdtable_create(struct vfs *vfs, struct fdtable **tp)
{
	struct fdtable *t;
	int error;

	t = kmem_zalloc(sizeof(*t));
	if (t == NULL)
		return (ENOMEM);
	error = fdtable_grow(t, 0);
	if (error != 0) {
		kmem_free(t);
		return (error);
	}
	atomic_init(&t->refs, 1);
	t->vfs = vfs;
	kmutex_init(&t->lock, "fdtable", KRANK_FDTABLE, 0);
	*tp = t;
	return (0);
}

void
fdtable_ref(struct fdtable *t)
{
	KVERIFY(
	    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed) > 0);
}

/* A descriptor has gone from the table. */
static void
fd_release(struct fdtable *t, struct file *f)
{
	vfs_lock_fd_closed(t, f);
	if (file_owner_of(&f->owner) != NULL)
		dnotify_closed(f, t);
	if (f->ops->flush != NULL)
		f->ops->flush(f);
	file_free(f);
}

void
fdtable_free(struct fdtable *t)
{
	struct file *f;
	uint32_t old;

	old = atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel);
	KVERIFY(old > 0);
	if (old > 1)
		return;
	for (unsigned n = 0; n < t->size; n++) {
		f = fdtable_take(t, n);
		if (f != NULL)
			fd_release(t, f);
	}
	kmutex_destroy(&t->lock);
	kmem_free(t->files);
	kmem_free(t->used);
	kmem_free(t->cloexec);
	kmem_free(t);
}

/*
 * A copy that shares the files.
 * - 0, ENOMEM.
 */
int
fdtable_fork(struct fdtable *t, struct fdtable **out)
{
	struct fdtable *c;
	unsigned n;
	int error;

	error = fdtable_create(t->vfs, &c);
	if (error != 0)
		return (error);
	kmutex_lock(&t->lock);
	error = fdtable_grow(c, t->size - 1);
	for (n = 0; error == 0 && n < t->size; n++) {
		n = bit_next(t->used, n, t->size, true);
		if (n == t->size)
			break;
		file_ref(t->files[n]);
		fdtable_set(c, n, t->files[n], bit_test(t->cloexec, n));
	}
	kmutex_unlock(&t->lock);
	if (error != 0) {
		fdtable_free(c);
		return (error);
	}
	*out = c;
	return (0);
}

void
fdtable_cloexec(struct fdtable *t)
{
	struct file *f;
	unsigned n = 0;

	for (;;) {
		kmutex_lock(&t->lock);
		n = bit_next(t->cloexec, n, t->size, true);
		f = fdtable_take(t, n);
		kmutex_unlock(&t->lock);
		if (f == NULL)
			return;
		fd_release(t, f);
	}
}

/* Locked: the lowest number from n on that is not in use. */
static unsigned
fd_next_free(const struct fdtable *t, unsigned n)
{
	return (n < t->size ? bit_next(t->used, n, t->size, false) : n);
}

bool
fd_full(struct fdtable *t, uint32_t limit)
{
	bool full;

	kmutex_lock(&t->lock);
	full = fd_next_free(t, 0) >= limit;
	kmutex_unlock(&t->lock);
	return (full);
}

/*
 * Enter f at the lowest free number >= min.
 * - The caller's ref of f passes on success.
 * - 0, EINVAL (min), EMFILE, ENOMEM.
 */
int
fd_alloc(struct fdtable *t, struct file *f, int min, bool cloexec,
    uint32_t limit, int *fd)
{
	unsigned n;
	int error = 0;

	if (min < 0 || (unsigned)min >= limit)
		return (EINVAL);
	kmutex_lock(&t->lock);
	n = fd_next_free(t, (unsigned)min);
	if (n >= limit)
		error = EMFILE;
	else
		error = fdtable_grow(t, n);
	if (error == 0) {
		fdtable_set(t, n, f, cloexec);
		*fd = (int)n;
	}
	kmutex_unlock(&t->lock);
	return (error);
}

/*
 * Enter f at fd, closing what is there.
 * - The caller's ref of f passes on success.
 * - 0, EBADF, ENOMEM.
 */
int
fd_install(
    struct fdtable *t, struct file *f, int fd, bool cloexec, uint32_t limit)
{
	struct file *old = NULL;
	int error;

	if (fd < 0 || (uint32_t)fd >= limit || (uint32_t)fd >= FD_MAX)
		return (EBADF);
	kmutex_lock(&t->lock);
	error = fdtable_grow(t, (unsigned)fd);
	if (error == 0) {
		old = fdtable_take(t, (unsigned)fd);
		fdtable_set(t, (unsigned)fd, f, cloexec);
	}
	kmutex_unlock(&t->lock);
	if (old != NULL)
		fd_release(t, old);
	return (error);
}

int
fd_get(struct fdtable *t, int fd, struct file **fp)
{
	struct file *f;

	kmutex_lock(&t->lock);
	f = fdtable_lookup(t, fd);
	if (f != NULL)
		file_ref(f);
	kmutex_unlock(&t->lock);
	if (f == NULL)
		return (EBADF);
	*fp = f;
	return (0);
}

int
fd_close(struct fdtable *t, int fd)
{
	struct file *f = NULL;

	kmutex_lock(&t->lock);
	if (fd >= 0)
		f = fdtable_take(t, (unsigned)fd);
	kmutex_unlock(&t->lock);
	if (f == NULL)
		return (EBADF);
	fd_release(t, f);
	return (0);
}

/*
 * Close, or mark for closing at exec, every number in [lo, hi].
 * - 0, EINVAL (lo > hi).
 */
int
fd_close_range(struct fdtable *t, unsigned lo, unsigned hi, bool cloexec)
{
	struct file *f;
	unsigned n = lo;

	if (lo > hi)
		return (EINVAL);
	for (;;) {
		f = NULL;
		kmutex_lock(&t->lock);
		n = bit_next(t->used, n, t->size, true);
		for (; cloexec && n < t->size && n <= hi;
		     n = bit_next(t->used, n + 1, t->size, true))
			bit_set(t->cloexec, n, true);
		if (n <= hi)
			f = fdtable_take(t, n);
		kmutex_unlock(&t->lock);
		if (f == NULL)
			return (0);
		fd_release(t, f);
	}
}

int
fd_get_cloexec(struct fdtable *t, int fd, bool *cloexec)
{
	int error = EBADF;

	kmutex_lock(&t->lock);
	if (fdtable_lookup(t, fd) != NULL) {
		*cloexec = bit_test(t->cloexec, (unsigned)fd);
		error = 0;
	}
	kmutex_unlock(&t->lock);
	return (error);
}

int
fd_set_cloexec(struct fdtable *t, int fd, bool cloexec)
{
	int error = EBADF;

	kmutex_lock(&t->lock);
	if (fdtable_lookup(t, fd) != NULL) {
		bit_set(t->cloexec, (unsigned)fd, cloexec);
		error = 0;
	}
	kmutex_unlock(&t->lock);
	return (error);
}

bool
fd_next(struct fdtable *t, int *fd, struct file **fp)
{
	unsigned n = *fd > 0 ? (unsigned)*fd : 0;
	bool found;

	kmutex_lock(&t->lock);
	n = bit_next(t->used, n, t->size, true);
	found = n < t->size;
	if (found && fp != NULL) {
		*fp = t->files[n];
		file_ref(*fp);
	}
	kmutex_unlock(&t->lock);
	if (found)
		*fd = (int)n;
	return (found);
}
