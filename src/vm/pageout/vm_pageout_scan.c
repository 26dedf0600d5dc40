/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pageout: which pages are freed.
 *
 * Purpose
 *   To find pages that will not be needed soon, at a cost that does not fall
 *   on faults: nothing is recorded when a page is allocated or freed.
 *
 * Concepts
 *   Two hands pass over the frames of the arena in their order, and begin again
 *   at the end.
 *
 *     front   lowers the activity of each page that it passes, and unmaps the
 *             page at zero: an inactive page has no translations.  A touch of
 *             it is a fault that costs no I/O and makes it active again
 *             (vm_fault sets `act`).
 *     back    follows at some distance and frees the pages that are still
 *             inactive: they were not touched since the front hand passed.
 *
 *   So the frames between the hands are the inactive queue, and the rest is
 *   the active queue.  The queues need no list, no lock and no memory for each
 *   page.  Neighbouring frames mostly belong to one object and follow each
 *   other in its index, so a run of them is done under one lock.
 *
 *   A third hand, `clean`, looks only for inactive pages that need no write.
 *   A scan goes through the levels of enum pageout_level: first some clean
 *   pages, then one round for idle pages.  If that is not enough, the front
 *   hand unmaps all pages that it passes, and at the last level all pages that
 *   may be freed are freed.  A scan at the last level that frees nothing has
 *   seen every frame: no page can be freed.
 *
 * Locking and lifetime
 *   The hands belong to the thread that has set po->scanning.  vm_page.object
 *   is read without a lock to find the object, whose memory is type-stable.
 *   The object is held and locked, and then compared with m->object again.
 *
 * Guarantees
 *   A scan ends: it visits every frame at most a fixed number of times.  When
 *   it returns, nothing that it started is in flight.
 *
 * Limits
 *   The order of use is known only as "since the front hand has passed".  A
 *   scan of an arena that is mostly free still steps over the free frames.
 */
#include "libk/kassert.h"
#include "mem/vm_reserve.h"
#include "vm/pageout/vm_pageout_int.h"
#include "vm/pager/vm_swapcache.h"

#define SCAN_RUN 64   /* frames done under one lock of their object */
#define CLEAN_SHARE 4 /* the clean hand goes 1/4 around in one scan */
#define LEAD_SHARE 4  /* the front hand is 1/4 around ahead */
#define LEAD_MIN ((uint64_t)64)

/* How many frames, from 0 on, were ever used. */
static uint64_t
scan_frames(struct vm_phys *ph)
{
	uint64_t n;

	kmutex_lock(&ph->lock);
	n = ph->fresh;
	kmutex_unlock(&ph->lock);
	return (n);
}

/*
 * The object of frame f, held and locked; *n is how many frames from f on
 * belong to it (at most max).  NULL: no object has frame f; skip *n frames.
 */
static struct vm_object *
run_lock(struct vm_phys *ph, uint64_t f, uint64_t max, uint64_t *n)
{
	struct vm_page *m = &ph->pages[f];
	struct vm_object *o = vm_page_owner(m);
	uint64_t k = 1;

	if (max > SCAN_RUN)
		max = SCAN_RUN;
	if (o == NULL) {
		while (k < max && vm_page_owner(m + k) == NULL)
			k++;
		*n = k;
		return (NULL);
	}
	*n = 1;
	if (!vm_object_tryhold(o))
		return (NULL);
	vm_object_lock(o);
	if (vm_page_owner(m) != o) {
		vm_object_unlock(o);
		vm_object_drop(o);
		return (NULL);
	}
	while (k < max && vm_page_owner(m + k) == o)
		k++;
	*n = k;
	return (o);
}

/* ---- the front hand ---- */

static bool
front_wants(struct pageout_ctx *ctx, struct vm_page *m)
{
	if ((m->flags & (PG_BUSY | PG_FICTITIOUS)) != 0 || m->wire != 0)
		return (false);
	if (m->act > 0)
		m->act--;
	if (ctx->level >= PAGEOUT_QUICK)
		m->act = 0;
	return (
	    m->act == 0 && (m->flags & PG_MAPPED) != 0 && !vm_page_wired(m));
}

/* Pass over the frames [f, f+max); returns how many were done. */
static uint64_t
front_run(struct pageout_ctx *ctx, uint64_t f, uint64_t max)
{
	struct vm_phys *ph = ctx->sys->phys;
	struct vm_page *batch[SCAN_RUN], *m;
	struct vm_object *o;
	unsigned k = 0;
	uint64_t n;

	o = run_lock(ph, f, max, &n);
	if (o == NULL)
		return (n);
	for (uint64_t i = 0; i < n; i++) {
		m = &ph->pages[f + i];
		if (vm_page_owner(m) == o && front_wants(ctx, m)) {
			vm_page_busy_try(m);
			batch[k++] = m;
		}
	}
	vm_page_remove_batch(batch, k);
	for (unsigned i = 0; i < k; i++)
		vm_page_unbusy(batch[i]);
	vm_object_unlock(o);
	vm_object_drop(o);
	if (k != 0)
		vm_stat_add(ctx->sys, VMST_DEACT, k);
	return (n);
}

/* ---- the back hands ---- */

static uint64_t
back_run(struct pageout_ctx *ctx, uint64_t f, uint64_t max)
{
	struct vm_phys *ph = ctx->sys->phys;
	struct vm_object *o;
	struct vm_page *m;
	vm_pindex_t lo;
	uint64_t n;

	o = run_lock(ph, f, max, &n);
	if (o == NULL)
		return (n);
	for (uint64_t i = 0; i < n && ctx->freed + ctx->inflight < ctx->want;
	     i++) {
		m = &ph->pages[f + i];
		if (vm_page_owner(m) != o || !pageout_wants(ctx, m))
			continue;
		lo = m->pindex;
		if (o->type == OBJT_VNODE && !vm_swapcache_on(o)) {
			pageout_cluster(ctx, o, lo, lo + 1);
			continue;
		}
		lo &= ~(vm_pindex_t)(SWAP_CLUSTER - 1);
		pageout_cluster(ctx, o, lo, lo + SWAP_CLUSTER);
	}
	vm_object_unlock(o);
	vm_object_drop(o);
	return (n);
}

static bool
scan_satisfied(struct pageout_ctx *ctx)
{
	if (ctx->freed + ctx->inflight < ctx->want)
		return (false);
	pageout_reap(ctx, true); /* some may fail */
	return (ctx->freed >= ctx->want);
}

/* Move a hand by one run within [0, end). */
static uint64_t
hand_step(struct pageout_ctx *ctx, uint64_t *hand, uint64_t end, uint64_t max,
    uint64_t (*run)(struct pageout_ctx *, uint64_t, uint64_t))
{
	uint64_t n;

	if (*hand >= end)
		*hand = 0;
	if (max > end - *hand)
		max = end - *hand;
	n = run(ctx, *hand, max);
	*hand += n;
	return (n);
}

/* Free clean pages, from where the last scan has stopped. */
static void
scan_clean(struct pageout_ctx *ctx, uint64_t end)
{
	uint64_t left = end / CLEAN_SHARE + 1, n;

	ctx->level = PAGEOUT_CLEAN;
	for (; left > 0 && !scan_satisfied(ctx); left -= n) {
		n = hand_step(ctx, &ctx->po->clean, end, left, back_run);
		vm_stat_add(ctx->sys, VMST_SCAN, (int64_t)n);
	}
}

/* One round with both hands. */
static void
scan_round(struct pageout_ctx *ctx, uint64_t end, enum pageout_level level)
{
	struct vm_pageout *po = ctx->po;
	uint64_t lead = end / LEAD_SHARE, left = end, n;

	if (lead < LEAD_MIN)
		lead = LEAD_MIN < end ? LEAD_MIN : end;
	ctx->level = level;
	while (left > 0 && !scan_satisfied(ctx)) {
		while (po->lead < lead)
			po->lead += hand_step(
			    ctx, &po->front, end, lead - po->lead, front_run);
		n = hand_step(ctx, &po->back, end, left, back_run);
		vm_stat_add(ctx->sys, VMST_SCAN, (int64_t)n);
		po->lead -= n < po->lead ? n : po->lead;
		left -= n;
	}
}

void
pageout_scan(struct pageout_ctx *ctx, enum pageout_level max)
{
	uint64_t end = scan_frames(ctx->sys->phys);

	if (end == 0)
		return;
	vm_reserve_enter();
	ctx->no_swap = swap_space_free(ctx->sys->swap) == 0;
	if (ctx->no_swap && swap_space_size(ctx->sys->swap) != 0) {
		vm_swapcache_clean(ctx->sys, true);
		ctx->no_swap = swap_space_free(ctx->sys->swap) == 0;
	}
	scan_clean(ctx, end);
	for (enum pageout_level l = PAGEOUT_IDLE; l <= max; l++) {
		if (ctx->freed >= ctx->want)
			break;
		scan_round(ctx, end, l);
		pageout_reap(ctx, true);
	}
	vm_reserve_leave();
}
