/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Physical memory: the frames of one kernel.
 *
 * Purpose: hand out frames of the arena, singly or as naturally aligned runs,
 * such that warm frames are reused first, neighbours stay together, and the
 * host backs no more memory than was used.
 *
 * Concepts.  The arena is a sparse host object of the guest's memory size.
 * Its frames are in one of these states:
 *
 *	fresh	  never handed out; all frames from ph->fresh up.  They read
 *		  as zero and cost the host nothing, but for the next few;
 *		  their vm_pages are zero memory that was never touched either.
 *	hot	  freed singly and not yet merged: a LIFO of up to PHYS_HOT
 *		  frames in front of the buddy lists.
 *	in a run  free, part of a run of 2^k frames on freelist[k]; k at most
 *		  VM_PHYS_ORDERS - 1.
 *	in use	  everything else.
 *
 * Two runs of order k that differ only in bit k of the frame number are
 * buddies; when both are free they become one run of order k + 1.  Merging
 * at once would make a loop of allocating and freeing one page split and join
 * a run nine times each way; the hot list absorbs that, and is emptied into
 * the buddy lists from its cold end when it is full, or when a larger run
 * cannot be found otherwise.
 *
 * Order of choice: for one frame, hot (cached, backed by the host), then the
 * smallest free run, then fresh.  For a run, the smallest free run that is
 * large enough, then fresh, then whatever joining the hot frames yields.
 * Fresh frames skipped for alignment go to the buddy lists.
 *
 * PG_ZEROED is kept for each free frame by itself: set when the frame leaves
 * the fresh area or when its memory was given back to the host, and lost at
 * vm_phys_free(), because its user may have written to it.  Joining and
 * splitting runs do not touch it.
 *
 * A page that this process touches first costs a fault of the host, and much of
 * what fresh frames are for is written here (pages of files, copies).  So the
 * host is asked for the memory of PHYS_AHEAD fresh frames at a time.
 *
 * Data structures: vm_page.free is the state (PHYS_*), vm_page.order the size
 * of the run at its head, vm_page.link the list link of heads and hot frames.
 *
 * Locking and lifetime: ph->lock guards it all; nothing below it is taken but
 * the host's memory calls; vm_phys_trim() and vm_phys_alloc() make those
 *without the lock: a run is off the lists meanwhile, and populating changes no
 * contents.  nfree is written under the
 * lock and read without it.
 *
 * Guarantees: no frame is handed out twice (checked always: freeing a free
 * frame, or one that is held, wired or owned, is a panic); a frame with
 * PG_ZEROED reads as zero; O(orders) for each call, plus the length of the
 * run.  vm_phys_alloc(0) succeeds whenever nfree > 0 and no trim is in
 * progress (a trim hides one 2 MiB run at a time).
 *
 * Limits: 1 TiB (a 28-bit frame number; vm_frame_t has room for 16 times
 * that).  Memory goes back to the host in whole runs of the largest order
 * only.  Fragmentation is not repaired: pages do not move.
 */
#include "mem/vm_page.h"

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"

#define PHYS_HOT 512       /* frames, 2 MiB */
#define PHYS_AHEAD 64      /* frames that the host backs at a time; 2^n */
#define PHYS_HOT_SPILL 128 /* merged at a time when there are more */
#define PHYS_MEM_MAX ((uint64_t)1 << 40)
#define PHYS_TOP (VM_PHYS_ORDERS - 1)

static inline size_t
phys_array_bytes(const struct vm_phys *ph)
{
	return (round_page((ph->npages + ph->ndev) * sizeof(struct vm_page)));
}

static inline void
phys_count(struct vm_phys *ph, int64_t n)
{
	uint64_t v = atomic_load_explicit(&ph->nfree, memory_order_relaxed);

	atomic_store_explicit(
	    &ph->nfree, v + (uint64_t)n, memory_order_relaxed);
}

static inline void
phys_list_remove(struct vm_phys *ph, struct vm_page *m)
{
	TAILQ_REMOVE(&ph->freelist[m->order], m, link);
	m->free = PHYS_INNER;
}

/* Put a free run on its list after joining it with free buddies. */
static void
phys_merge(struct vm_phys *ph, struct vm_page *m, unsigned order)
{
	uint64_t f = vm_page_frame(ph, m);

	while (order < PHYS_TOP) {
		uint64_t b = f ^ ((uint64_t)1 << order);
		struct vm_page *bm = &ph->pages[b];

		if (b >= ph->fresh || bm->free != PHYS_HEAD ||
		    bm->order != order)
			break;
		phys_list_remove(ph, bm);
		f &= ~((uint64_t)1 << order);
		order++;
	}
	m->free = PHYS_INNER;
	m = &ph->pages[f];
	m->free = PHYS_HEAD;
	m->order = (uint8_t)order;
	TAILQ_INSERT_HEAD(&ph->freelist[order], m, link);
}

/* Cut any range of free frames into aligned runs. */
static void
phys_merge_range(struct vm_phys *ph, uint64_t f, uint64_t end)
{
	while (f < end) {
		unsigned order =
		    f == 0 ? PHYS_TOP : (unsigned)__builtin_ctzll(f);

		if (order > PHYS_TOP)
			order = PHYS_TOP;
		while (f + ((uint64_t)1 << order) > end)
			order--;
		for (uint64_t i = 0; i < (uint64_t)1 << order; i++)
			ph->pages[f + i].free = PHYS_INNER;
		phys_merge(ph, &ph->pages[f], order);
		f += (uint64_t)1 << order;
	}
}

static void
phys_spill_hot(struct vm_phys *ph, uint32_t n)
{
	while (n-- > 0 && ph->nhot > 0) {
		struct vm_page *m = TAILQ_LAST(&ph->hot, vm_page_list);

		TAILQ_REMOVE(&ph->hot, m, link);
		ph->nhot--;
		phys_merge(ph, m, 0);
	}
}

/* A run from the buddy lists, or NULL. */
static struct vm_page *
phys_take(struct vm_phys *ph, unsigned order)
{
	struct vm_page *m = NULL;
	unsigned o;

	for (o = order; o < VM_PHYS_ORDERS; o++)
		if ((m = TAILQ_FIRST(&ph->freelist[o])) != NULL)
			break;
	if (m == NULL)
		return (NULL);
	phys_list_remove(ph, m);
	while (o > order) {
		struct vm_page *half = m + ((uint64_t)1 << --o);

		half->free = PHYS_HEAD;
		half->order = (uint8_t)o;
		TAILQ_INSERT_HEAD(&ph->freelist[o], half, link);
	}
	return (m);
}

/* A run of frames that were never used, or NULL. */
static struct vm_page *
phys_take_fresh(struct vm_phys *ph, unsigned order)
{
	uint64_t n = (uint64_t)1 << order;
	uint64_t old = ph->fresh;
	uint64_t f = (old + n - 1) & ~(n - 1);

	if (f + n > ph->npages)
		return (NULL);
	ph->fresh = f + n;
	for (uint64_t i = old; i < f + n; i++)
		ph->pages[i].flags = PG_ZEROED;
	phys_merge_range(ph, old, f);
	return (&ph->pages[f]);
}

/* The fresh area has grown: the frames that are to be backed by the host now
 * are
 * [*from, return value).  Large runs are not: their user may need little. */
static uint64_t
phys_ahead(struct vm_phys *ph, unsigned order, uint64_t *from)
{
	uint64_t to;

	*from = ph->populated;
	if (ph->fresh <= ph->populated)
		return (*from);
	to = (ph->fresh + PHYS_AHEAD - 1) & ~(uint64_t)(PHYS_AHEAD - 1);
	ph->populated = to < ph->npages ? to : ph->npages;
	return (((uint64_t)1 << order) <= PHYS_AHEAD ? ph->populated : *from);
}

struct vm_page *
vm_phys_alloc(struct vm_phys *ph, unsigned order)
{
	struct vm_page *m;
	uint64_t from, to;

	KVERIFY(order < VM_PHYS_ORDERS);
	kmutex_lock(&ph->lock);
	if (order == 0 && ph->nhot > 0) {
		m = TAILQ_FIRST(&ph->hot);
		TAILQ_REMOVE(&ph->hot, m, link);
		ph->nhot--;
	} else if ((m = phys_take(ph, order)) == NULL &&
		   (m = phys_take_fresh(ph, order)) == NULL && ph->nhot > 0) {
		phys_spill_hot(ph, ph->nhot);
		m = phys_take(ph, order);
	}
	if (m != NULL) {
		for (uint64_t i = 0; i < (uint64_t)1 << order; i++)
			m[i].free = PHYS_USED;
		phys_count(ph, -((int64_t)1 << order));
	}
	to = phys_ahead(ph, order, &from);
	kmutex_unlock(&ph->lock);
	if (to > from)
		ph->host.ops->arena_populate(ph->host.self, ph->base,
		    (size_t)(from * PAGE_SIZE),
		    (size_t)((to - from) * PAGE_SIZE));
	return (m);
}

/* Clear what the user left in the page; panic if the page is not idle. */
static inline void
phys_page_reset(struct vm_phys *ph, struct vm_page *m)
{
	KVERIFY(m >= ph->pages && m < ph->pages + ph->fresh);
	KVERIFY(m->free == PHYS_USED && m->object == NULL && m->wire == 0);
	KVERIFY(atomic_load_explicit(&m->hold, memory_order_relaxed) == 0);
	m->flags = 0;
	m->pindex = 0;
	m->act = 0;
	m->swap = 0;
}

void
vm_phys_free(struct vm_phys *ph, struct vm_page *m)
{
	kmutex_lock(&ph->lock);
	phys_page_reset(ph, m);
	m->free = PHYS_HOTFREE;
	TAILQ_INSERT_HEAD(&ph->hot, m, link);
	if (++ph->nhot > PHYS_HOT)
		phys_spill_hot(ph, PHYS_HOT_SPILL);
	phys_count(ph, 1);
	kmutex_unlock(&ph->lock);
}

void
vm_phys_free_run(struct vm_phys *ph, struct vm_page *m, unsigned npages)
{
	const uint64_t end = vm_page_frame(ph, m) + npages;
	uint64_t f = end - npages, to;

	if (npages == 0)
		return;
	if (npages == 1) {
		vm_phys_free(ph, m);
		return;
	}
	kmutex_lock(&ph->lock);
	/* In pieces, so that the second pass finds in the cache what the first
	 * one fetched; aligned, so that the pieces are as large as runs get. */
	for (; f < end; f = to) {
		to = (f | (((uint64_t)1 << PHYS_TOP) - 1)) + 1;
		if (to > end)
			to = end;
		for (uint64_t i = f; i < to; i++)
			phys_page_reset(ph, &ph->pages[i]);
		phys_merge_range(ph, f, to);
	}
	phys_count(ph, npages);
	kmutex_unlock(&ph->lock);
}

static bool
phys_run_is_zero(const struct vm_page *m)
{
	for (uint64_t i = 0; i < (uint64_t)1 << PHYS_TOP; i++)
		if ((m[i].flags & PG_ZEROED) == 0)
			return (false);
	return (true);
}

/*
 * Discard the memory of one free run of the largest order that is off the
 * lists.  Lock held on entry and exit, released in between.
 */
static void
phys_discard(struct vm_phys *ph, struct vm_page *m)
{
	uint64_t n = (uint64_t)1 << PHYS_TOP;

	phys_count(ph, -(int64_t)n);
	kmutex_unlock(&ph->lock);
	ph->host.ops->arena_discard(ph->host.self, ph->fd, ph->base,
	    (size_t)(vm_page_frame(ph, m) * PAGE_SIZE),
	    (size_t)(n * PAGE_SIZE));
	kmutex_lock(&ph->lock);
	for (uint64_t i = 0; i < n; i++)
		m[i].flags = PG_ZEROED;
	phys_count(ph, (int64_t)n);
}

uint64_t
vm_phys_trim(struct vm_phys *ph)
{
	struct vm_page_list *top = &ph->freelist[PHYS_TOP];
	struct vm_page *m;
	uint64_t runs = 0, bytes = 0;

	kmutex_lock(&ph->lock);
	phys_spill_hot(ph, ph->nhot);
	TAILQ_FOREACH (m, top, link)
		runs++;
	/* Zero runs go to the tail, so each is looked at once and used last. */
	while (runs-- > 0 && (m = TAILQ_FIRST(top)) != NULL) {
		phys_list_remove(ph, m);
		if (!phys_run_is_zero(m)) {
			phys_discard(ph, m);
			bytes += PAGE_SIZE << PHYS_TOP;
		}
		m->free = PHYS_HEAD;
		m->order = PHYS_TOP;
		TAILQ_INSERT_TAIL(top, m, link);
	}
	kmutex_unlock(&ph->lock);
	return (bytes);
}

int
vm_phys_create(
    struct host host, uint64_t mem, uint64_t devmem, struct vm_phys **out)
{
	struct vm_phys *ph;
	void *p, *base;
	int error, fd;

	if (mem == 0 || ((mem | devmem) & PAGE_MASK) != 0 ||
	    mem > PHYS_MEM_MAX || devmem > PHYS_MEM_MAX)
		return (EINVAL);
	error = host.ops->mem_alloc(host.self, PAGE_SIZE, &p);
	if (error != 0)
		return (error);
	ph = p;
	ph->host = host;
	ph->npages = mem >> PAGE_SHIFT;
	ph->ndev = devmem >> PAGE_SHIFT;
	error = host.ops->mem_alloc(host.self, phys_array_bytes(ph), &p);
	if (error != 0)
		goto free_phys;
	ph->pages = p;
	error =
	    host.ops->arena_create(host.self, mem, mem + devmem, &fd, &base);
	if (error != 0)
		goto free_pages;
	ph->fd = fd;
	ph->base = base;
	atomic_init(&ph->nfree, ph->npages);
	for (unsigned o = 0; o < VM_PHYS_ORDERS; o++)
		TAILQ_INIT(&ph->freelist[o]);
	TAILQ_INIT(&ph->hot);
	kmutex_init(&ph->lock, "vm_phys", KRANK_PHYS, 0);
	*out = ph;
	return (0);

free_pages:
	host.ops->mem_free(host.self, ph->pages, phys_array_bytes(ph));
free_phys:
	host.ops->mem_free(host.self, ph, PAGE_SIZE);
	return (error);
}

void
vm_phys_destroy(struct vm_phys *ph)
{
	struct host host = ph->host;

	KVERIFY(atomic_load(&ph->nfree) == ph->npages && ph->ndevruns == 0);
	kmutex_destroy(&ph->lock);
	host.ops->arena_destroy(host.self, ph->fd, ph->base,
	    (size_t)((ph->npages + ph->ndev) * PAGE_SIZE));
	host.ops->mem_free(host.self, ph->pages, phys_array_bytes(ph));
	host.ops->mem_free(host.self, ph, PAGE_SIZE);
}
