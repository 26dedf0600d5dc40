/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Swap space: areas and their blocks.
 *
 * Purpose: to record which blocks of which areas are in use, and to choose the
 * area for the next cluster.
 *
 * Concepts.  A block is one page.  Areas of the same priority take turns,
 * cluster by cluster, so that their devices work side by side: the area with
 * the oldest turn is next, independent of turns at other priorities.  Areas of
 * lower priority are used when all of higher priority are full or failing.  An
 * area whose writes fail is used last for BAD_NS: its host file system may be
 * full, or the device broken.  A draining area (swapoff) hands out no blocks,
 * and can be removed when its last block is free.
 *
 * Data structures: for each area a blist, and an array with the checksum of
 * each block (swap_io.c).  The totals of the whole space are separate atomics,
 * because pageout and every mmap read them.
 *
 * Locking and lifetime: one lock for the blists of all areas; it ranks after
 * object locks, because blocks are freed with objects locked.  An area with a
 * block in use is not removed, so the owner of a block finds the area without
 * the lock.
 *
 * Guarantees: a block is handed out to one owner at a time (freeing a free
 * block is a panic); freeing never fails and does no I/O.
 *
 * Limits: 32 areas, 1 TiB each.  Eight bytes of kernel memory for each block
 * that was ever used, sixteen in compressed areas.
 */
#include "vm/swap/swap_space.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_file.h"
#include "libk/blist.h"
#include "libk/kassert.h"
#include "vm/swap/swap_int.h"

#define AREA_PAGES_MAX ((uint64_t)1 << 28)
#define BAD_NS UINT64_C(1000000000)

int
swap_space_create(
    struct host host, const struct klog *log, struct swap_space **out)
{
	struct swap_space *ss;
	void *p;
	int error;

	_Static_assert(sizeof(*ss) <= SWAP_PAGE, "one page");
	error = host.ops->mem_alloc(host.self, SWAP_PAGE, &p);
	if (error != 0)
		return (error);
	ss = p;
	ss->host = host;
	ss->log = log;
	kmutex_init(&ss->lock, "swap_space", KRANK_SWAP, 0);
	*out = ss;
	return (0);
}

/* ---- areas ---- */

static void
area_free(struct swap_space *ss, struct swap_area *a)
{
	if (a->zpool != NULL)
		swap_zpool_destroy(a->zpool);
	if (a->sum != NULL)
		ss->host.ops->mem_free(ss->host.self, a->sum, a->sum_bytes);
	if (a->blocks != NULL)
		blist_destroy(a->blocks);
	free(a);
}

static int
area_check(const struct swap_area_config *cf)
{
	uint64_t pages = cf->size / SWAP_PAGE;
	int flags;

	if (pages == 0 || pages > AREA_PAGES_MAX ||
	    (unsigned)cf->kind > SWAP_ZSTD)
		return (EINVAL);
	if (cf->kind == SWAP_FILE &&
	    (host_getfl(cf->fd, &flags) != 0 || (flags & O_ACCMODE) != O_RDWR))
		return (EINVAL);
	return (0);
}

/* Make an area that has no number and no descriptor yet. */
static int
area_create(struct swap_space *ss, const struct swap_area_config *cf,
    struct swap_area **out)
{
	struct swap_area *a = calloc(1, sizeof(*a));
	void *p;
	int error;

	if (a == NULL)
		return (ENOMEM);
	a->kind = cf->kind;
	a->fd = -1;
	a->priority = cf->priority;
	a->npages = cf->size / SWAP_PAGE;
	a->inject = cf->inject;
	if (cf->name != NULL)
		strncpy(a->name, cf->name, sizeof(a->name) - 1);
	a->blocks = blist_create(a->npages);
	if (a->blocks == NULL) {
		error = ENOMEM;
		goto fail;
	}
	a->sum_bytes =
	    (a->npages * sizeof(uint64_t) + SWAP_PAGE - 1) & ~(SWAP_PAGE - 1);
	error = ss->host.ops->mem_alloc(ss->host.self, a->sum_bytes, &p);
	if (error != 0)
		goto fail;
	a->sum = p;
	if (a->kind != SWAP_FILE) {
		error =
		    swap_zpool_create(ss->host, a->kind, a->npages, &a->zpool);
		if (error != 0)
			goto fail;
	}
	*out = a;
	return (0);
fail:
	area_free(ss, a);
	return (error);
}

int
swap_area_add(
    struct swap_space *ss, const struct swap_area_config *cf, unsigned *area)
{
	struct swap_area *a;
	unsigned nr = 1;
	int error;

	error = area_check(cf);
	if (error != 0)
		return (error);
	error = area_create(ss, cf, &a);
	if (error != 0)
		return (error);
	kmutex_lock(&ss->lock);
	while (nr <= SWAP_AREAS && atomic_load(&ss->area[nr]) != NULL)
		nr++;
	if (nr > SWAP_AREAS) {
		kmutex_unlock(&ss->lock);
		area_free(ss, a);
		return (ENOSPC);
	}
	a->nr = nr;
	a->fd = cf->kind == SWAP_FILE ? cf->fd : -1;
	atomic_store(&ss->area[nr], a);
	atomic_fetch_add(&ss->size, a->npages);
	atomic_fetch_add(&ss->avail, a->npages);
	kmutex_unlock(&ss->lock);
	*area = nr;
	return (0);
}

/* Find an area by number, or NULL.  Locked. */
static struct swap_area *
area_find(struct swap_space *ss, unsigned nr)
{
	return (
	    nr >= 1 && nr <= SWAP_AREAS ? atomic_load(&ss->area[nr]) : NULL);
}

int
swap_area_drain_begin(struct swap_space *ss, unsigned area)
{
	struct swap_area *a;
	int error = 0;

	kmutex_lock(&ss->lock);
	a = area_find(ss, area);
	if (a == NULL)
		error = ENOENT;
	else if (a->draining)
		error = EBUSY;
	else {
		a->draining = true;
		atomic_fetch_sub(&ss->avail, a->npages - a->used);
	}
	kmutex_unlock(&ss->lock);
	return (error);
}

void
swap_area_drain_cancel(struct swap_space *ss, unsigned area)
{
	struct swap_area *a;

	kmutex_lock(&ss->lock);
	a = area_find(ss, area);
	KVERIFY(a != NULL && a->draining);
	a->draining = false;
	atomic_fetch_add(&ss->avail, a->npages - a->used);
	kmutex_unlock(&ss->lock);
}

static void
area_close(struct swap_space *ss, struct swap_area *a)
{
	if (a->fd >= 0)
		host_close(a->fd);
	area_free(ss, a);
}

int
swap_area_remove(struct swap_space *ss, unsigned area)
{
	struct swap_area *a;

	kmutex_lock(&ss->lock);
	a = area_find(ss, area);
	KVERIFY(a != NULL && a->draining);
	if (a->used != 0 || a->users != 0) {
		kmutex_unlock(&ss->lock);
		return (EBUSY);
	}
	atomic_store(&ss->area[area], NULL);
	atomic_fetch_sub(&ss->size, a->npages);
	kmutex_unlock(&ss->lock);
	area_close(ss, a);
	return (0);
}

void
swap_space_destroy(struct swap_space *ss)
{
	struct host host = ss->host;

	KVERIFY(atomic_load(&ss->used) == 0);
	for (unsigned nr = 1; nr <= SWAP_AREAS; nr++) {
		struct swap_area *a = atomic_load(&ss->area[nr]);

		if (a != NULL)
			area_close(ss, a);
	}
	kmutex_destroy(&ss->lock);
	host.ops->mem_free(host.self, ss, SWAP_PAGE);
}

/* ---- numbers ---- */

uint64_t
swap_space_free(const struct swap_space *ss)
{
	return (atomic_load_explicit(&ss->avail, memory_order_relaxed));
}

uint64_t
swap_space_used(const struct swap_space *ss)
{
	return (atomic_load_explicit(&ss->used, memory_order_relaxed));
}

uint64_t
swap_space_size(const struct swap_space *ss)
{
	return (atomic_load_explicit(&ss->size, memory_order_relaxed));
}

bool
swap_area_stat(struct swap_space *ss, unsigned *area, struct swap_area_stat *st)
{
	struct swap_area *a = NULL;
	unsigned nr = *area;

	kmutex_lock(&ss->lock);
	for (; nr <= SWAP_AREAS; nr++)
		if ((a = area_find(ss, nr)) != NULL)
			break;
	if (a != NULL) {
		memset(st, 0, sizeof(*st));
		st->area = nr;
		st->kind = a->kind;
		memcpy(st->name, a->name, sizeof(st->name));
		st->priority = a->priority;
		st->draining = a->draining;
		st->size = a->npages * SWAP_PAGE;
		st->used = a->used * SWAP_PAGE;
		st->stored =
		    a->zpool != NULL ? swap_zpool_stored(a->zpool) : st->used;
		st->pages_in = atomic_load(&a->pages_in);
		st->pages_out = atomic_load(&a->pages_out);
		st->reads = atomic_load(&a->reads);
		st->writes = atomic_load(&a->writes);
		st->write_errors = atomic_load(&a->write_errors);
		st->read_errors = atomic_load(&a->read_errors);
		st->damaged = atomic_load(&a->damaged);
		st->rejected = atomic_load(&a->rejected);
		*area = nr;
	}
	kmutex_unlock(&ss->lock);
	return (a != NULL);
}

/* ---- blocks ---- */

struct swap_area *
swap_area_of(struct swap_space *ss, swblk_t blk)
{
	unsigned nr = SWBLK_AREA(blk);
	struct swap_area *a = NULL;

	if (nr >= 1 && nr <= SWAP_AREAS)
		a = atomic_load_explicit(&ss->area[nr], memory_order_acquire);
	KVERIFY(a != NULL && SWBLK_BLOCK(blk) < a->npages);
	return (a);
}

/* Is `a` to be used before `b`?  Locked. */
static bool
area_before(const struct swap_area *a, const struct swap_area *b, uint64_t now)
{
	bool bad_a = a->bad_until > now, bad_b = b->bad_until > now;

	if (bad_a != bad_b)
		return (bad_b);
	if (a->priority != b->priority)
		return (a->priority > b->priority);
	return (a->turn < b->turn);
}

bool
swap_area_choose(
    struct swap_space *ss, uint64_t tried, bool raw, struct swap_area **area)
{
	struct swap_area *best = NULL, *a;
	uint64_t now = host_now_ns();

	kmutex_lock(&ss->lock);
	for (unsigned nr = 1; nr <= SWAP_AREAS; nr++) {
		a = area_find(ss, nr);
		if (a == NULL || a->draining || a->used == a->npages ||
		    (tried >> nr & 1) != 0 || (raw && a->zpool == NULL))
			continue;
		if (best == NULL || area_before(a, best, now))
			best = a;
	}
	if (best != NULL) {
		best->users++;
		best->turn = ++ss->turn;
	}
	kmutex_unlock(&ss->lock);
	if (best != NULL)
		*area = best;
	return (best != NULL);
}

void
swap_area_release(struct swap_space *ss, struct swap_area *a)
{
	kmutex_lock(&ss->lock);
	KVERIFY(a->users > 0);
	a->users--;
	kmutex_unlock(&ss->lock);
}

unsigned
swap_area_alloc(
    struct swap_space *ss, struct swap_area *a, unsigned want, swblk_t *first)
{
	uint64_t blk = BLIST_NONE;
	unsigned got = 0;

	kmutex_lock(&ss->lock);
	if (!a->draining)
		blk = blist_alloc(a->blocks, want, &got);
	if (blk == BLIST_NONE)
		got = 0;
	a->used += got;
	atomic_fetch_add(&ss->used, got);
	atomic_fetch_sub(&ss->avail, got);
	kmutex_unlock(&ss->lock);
	if (got != 0)
		*first = (uint64_t)a->nr << 48 | blk;
	return (got);
}

void
swap_free(struct swap_space *ss, swblk_t first, unsigned n)
{
	struct swap_area *a = swap_area_of(ss, first);
	uint64_t blk = SWBLK_BLOCK(first);

	KVERIFY(n <= a->npages - blk);
	if (a->zpool != NULL)
		for (unsigned i = 0; i < n; i++)
			swap_zpool_drop(a->zpool, blk + i);
	kmutex_lock(&ss->lock);
	blist_free(a->blocks, blk, n);
	KVERIFY(a->used >= n);
	a->used -= n;
	atomic_fetch_sub(&ss->used, n);
	if (!a->draining)
		atomic_fetch_add(&ss->avail, n);
	kmutex_unlock(&ss->lock);
}

void
swap_area_bad(struct swap_space *ss, struct swap_area *a)
{
	uint64_t until = host_now_ns() + BAD_NS;

	kmutex_lock(&ss->lock);
	a->bad_until = until;
	kmutex_unlock(&ss->lock);
}
