/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pageout: how pages are freed.
 *
 * Purpose
 *   Free pages: drop those whose contents are in swap or in a file, write back
 *   dirty pages of files, write anonymous pages to swap in clusters.
 *
 * Concepts
 *   A page is freed in these steps, all but the write under its object's lock:
 *
 *     busy      no other thread has it in transit
 *     unmap     its translations are removed and synced, together with those
 *               of the rest of the cluster
 *     pins      a page that was pinned before the unmap stays: the owner of the
 *               pin may store into it
 *     write     to swap, without locks; the object counts one paging
 *     leave     the block takes the page's place in the index, and the frame is
 *               freed.  If a thread waits for the page by then, the page stays,
 *               clean, and m->swap is the block
 *
 *   After the unmap no thread can get a translation, or a pin, until the page
 *   is no longer busy.  So the page does not change after it is written.
 *
 *   A cluster is taken from an aligned window of the object's index, so that
 *   neighbours lie side by side in swap and can be read together.
 *
 * Locking and lifetime
 *   Writes of a scan are asynchronous: its clusters belong to the scanning
 *   thread, and a scan ends only when all of them are done.  Each cluster holds
 *   its object.
 *
 * Guarantees
 *   - A frame is freed only after every translation to it is removed and
 *     synced, and no pin is left.
 *   - When a write fails the page stays as it was.
 *   - Nothing here allocates guest memory or nodes.
 *
 * Limits
 *   Dirty pages of files are written one cluster at a time, synchronously.
 */
#include "vm/pageout/vm_pageout.h"

#include <string.h>

#include "libk/kassert.h"
#include "vm/pageout/vm_pageout_int.h"
#include "vm/pager/vm_swapcache.h"
#include "vm/pager/vnode_pager.h"

#define FILE_CLUSTER 16 /* pages of a file written together */

/* May the page be freed at the last level? */
static bool
page_takeable(struct vm_page *m)
{
	return ((m->flags & (PG_BUSY | PG_FICTITIOUS)) == 0 &&
		(m->flags & PG_VALID) != 0 && m->wire == 0 &&
		atomic_load(&m->hold) == 0);
}

static bool
page_idle(const struct vm_page *m, enum pageout_level level)
{
	bool mapped = (m->flags & PG_MAPPED) != 0;

	switch (level) {
	case PAGEOUT_CLEAN:
	case PAGEOUT_IDLE:
		return (!mapped && m->act == 0);
	case PAGEOUT_QUICK:
		return (!mapped || m->act == 0);
	case PAGEOUT_ANY:
		break;
	}
	return (true);
}

/* Must the page be written before it is freed? */
static bool
page_needs_write(const struct vm_object *o, const struct vm_page *m)
{
	if (o->type == OBJT_VNODE)
		return ((m->flags & PG_DIRTY) != 0);
	return (m->swap == SWBLK_NONE);
}

/* Is a page of a file to be written to the swapcache? */
static bool
page_cacheable(struct pageout_ctx *ctx, struct vm_object *o, struct vm_page *m)
{
	return (ctx->po != NULL && !ctx->no_swap && vm_swapcache_on(o) &&
		m->swap == SWBLK_NONE && vm_swapcache_take(o));
}

bool
pageout_wants(struct pageout_ctx *ctx, struct vm_page *m)
{
	const struct vm_object *o = m->object;
	bool write = page_needs_write(o, m);

	if (o->type == OBJT_DEVICE || !page_takeable(m) ||
	    !page_idle(m, ctx->level))
		return (false);
	if (write && ctx->level == PAGEOUT_CLEAN)
		return (false);
	if (write && ctx->no_swap && vm_object_is_anon(o))
		return (false);
	return (!vm_page_wired(m));
}

/* ---- leaving ---- */

/* The page goes to swap.  A process that asks for that by madvise() does not
 * count. */
static void
page_to_swap(struct pageout_ctx *ctx, struct vm_page *m, swblk_t blk)
{
	if (ctx->po != NULL && (m->flags & PG_RETURNED) != 0)
		vm_stall_count_again(&ctx->po->stall, 1);
	vm_page_to_swap(m, blk);
}

/* Free a page that is unmapped and busy, and whose contents are in swap or in a
 * file. */
static void
page_leave(struct pageout_ctx *ctx, struct vm_page *m)
{
	if (m->swap != SWBLK_NONE) {
		vm_stat_add(ctx->sys, VMST_SWAPDROP, 1);
		page_to_swap(ctx, m, m->swap);
	} else {
		vm_stat_add(ctx->sys, VMST_RECLAIM, 1);
		vm_page_free(m);
	}
	ctx->freed++;
}

/* Free a page after its write, if that succeeded.  Object locked. */
static void
page_written(struct pageout_ctx *ctx, struct vm_page *m, swblk_t blk)
{
	if (m->object->vops != NULL && blk == SWBLK_NONE) {
		/* Its file has the contents. */
		if ((m->flags & PG_WANTED) == 0) {
			vm_page_free(m);
			ctx->freed++;
		} else
			vm_page_unbusy(m);
		return;
	}
	vm_stat_add(ctx->sys, VMST_CACHEOUT, m->object->vops != NULL);
	if (blk == SWBLK_NONE) {
		vm_stat_add(ctx->sys, VMST_SWAPFAIL, 1);
		m->act = VM_ACT_MAX;
		vm_page_unbusy(m);
		return;
	}
	vm_stat_add(ctx->sys, VMST_SWAPOUT, 1);
	if ((m->flags & PG_WANTED) != 0) {
		m->swap = blk;
		vm_object_note_swap(m->object);
		vm_page_unbusy(m);
		return;
	}
	page_to_swap(ctx, m, blk);
	ctx->freed++;
}

/* Frames came free: threads that wait for one may try again. */
static void
pageout_progress(struct vm_pageout *po, uint64_t freed)
{
	kmutex_lock(&po->lock);
	po->freed += freed;
	if (po->waiting != 0)
		kcond_broadcast(&po->done);
	kmutex_unlock(&po->lock);
}

static void
cluster_done(struct pageout_ctx *ctx, struct pageout_cluster *c)
{
	struct vm_object *o = c->o;
	uint64_t before = ctx->freed;
	unsigned failed = 0;

	vm_object_lock(o);
	for (unsigned i = 0; i < c->n; i++) {
		failed += c->req.blk[i] == SWBLK_NONE;
		page_written(ctx, c->page[i], c->req.blk[i]);
	}
	vm_object_paging_end(o);
	vm_object_unlock(o);
	if (failed == c->n && o->vops == NULL)
		ctx->no_swap = true;
	vm_object_drop(o);
	if (ctx->po != NULL && ctx->freed != before)
		pageout_progress(ctx->po, ctx->freed - before);
}

/* Return the cluster to the spare ones. */
static void
cluster_put(struct pageout_ctx *ctx, struct pageout_cluster *c)
{
	if (ctx->po != NULL)
		ctx->po->spare[ctx->po->nspare++] = c;
}

/* Finish one write.  False: none is in flight or, without waiting, done. */
static bool
reap_one(struct pageout_ctx *ctx, bool wait)
{
	struct pageout_cluster *c;
	struct swap_write *req;

	if (ctx->inflight == 0)
		return (false);
	req = swap_write_reap(ctx->po->writer, wait);
	if (req == NULL)
		return (false);
	c = req->arg;
	ctx->inflight -= c->n;
	cluster_done(ctx, c);
	cluster_put(ctx, c);
	return (true);
}

void
pageout_reap(struct pageout_ctx *ctx, bool all)
{
	while (reap_one(ctx, all))
		continue;
}

/* Start writing the cluster; the object is unlocked and counts one paging. */
static void
cluster_start(struct pageout_ctx *ctx, struct pageout_cluster *c)
{
	struct vm_pageout *po = ctx->po;

	c->req.n = c->n;
	c->req.arg = c;
	for (unsigned i = 0; i < c->n; i++)
		c->req.page[i] = vm_page_ptr(ctx->sys->phys, c->page[i]);
	if (po != NULL && po->writer != NULL) {
		int error = swap_write_submit(po->writer, &c->req);

		KVERIFY(error == 0); /* as many clusters as its depth */
		ctx->inflight += c->n;
		pageout_reap(ctx, false);
		return;
	}
	swap_write_sync(ctx->sys->swap, &c->req);
	cluster_done(ctx, c);
	cluster_put(ctx, c);
}

/* The file has changed: free its pages without a copy in swap. */
static void
cluster_forget(struct pageout_ctx *ctx, struct pageout_cluster *c)
{
	for (unsigned i = 0; i < c->n; i++)
		c->req.blk[i] = SWBLK_NONE;
	cluster_done(ctx, c);
	cluster_put(ctx, c);
}

/* ---- collecting ---- */

/* Busy the pages of [lo, hi) that may be freed, in the order of the index. */
static unsigned
cluster_collect(struct pageout_ctx *ctx, struct vm_object *o, vm_pindex_t lo,
    vm_pindex_t hi, struct vm_page **page)
{
	struct vm_page *m;
	unsigned n = 0;

	for (; n < SWAP_CLUSTER && vm_object_next_page(o, &lo, &m) && lo < hi;
	     lo++) {
		if (!pageout_wants(ctx, m) ||
		    (o->type == OBJT_VNODE && (m->flags & PG_DIRTY) != 0))
			continue;
		vm_page_busy_try(m);
		page[n++] = m;
	}
	return (n);
}

/* Unmap the pages and free the clean ones; returns how many must be written. */
static unsigned
cluster_unmap(struct pageout_ctx *ctx, struct vm_object *o,
    struct vm_page **page, unsigned n)
{
	unsigned left = 0;

	vm_page_remove_batch(page, n);
	for (unsigned i = 0; i < n; i++) {
		if (atomic_load(&page[i]->hold) != 0)
			vm_page_unbusy(page[i]);
		else if (page_needs_write(o, page[i]) ||
			 page_cacheable(ctx, o, page[i]))
			page[left++] = page[i];
		else
			page_leave(ctx, page[i]);
	}
	return (left);
}

/* Write back dirty pages of a file in [lo, hi), so that they can be freed. */
static void
write_back(struct pageout_ctx *ctx, struct vm_object *o, vm_pindex_t lo,
    vm_pindex_t hi)
{
	struct vm_page *m;

	/* The first page that may be freed. */
	for (;; lo++) {
		if (!vm_object_next_page(o, &lo, &m) || lo >= hi)
			return;
		if ((m->flags & PG_DIRTY) != 0 && pageout_wants(ctx, m))
			break;
	}
	if (hi - lo > FILE_CLUSTER)
		hi = lo + FILE_CLUSTER;
	vm_object_unlock(o);
	/* vnode_pager_sync() waits for busy pages, and pages of this scan's own
	 * clusters are busy. */
	pageout_reap(ctx, true);
	(void)vnode_pager_sync(o, IDX_TO_OFF(lo), IDX_TO_OFF(hi - lo));
	vm_object_lock(o);
}

void
pageout_cluster(struct pageout_ctx *ctx, struct vm_object *o, vm_pindex_t lo,
    vm_pindex_t hi)
{
	struct pageout_cluster local, *c = &local;
	struct vm_pageout *po = ctx->po;
	uint64_t before = ctx->freed;

	if ((o->flags & OBJ_DEAD) != 0)
		return;
	if (o->type == OBJT_VNODE)
		write_back(ctx, o, lo, hi);
	if (po != NULL) {
		KVERIFY(po->nspare != 0);
		c = po->spare[--po->nspare];
	}
	c->n = cluster_collect(ctx, o, lo, hi, c->page);
	if (c->n != 0)
		c->n = cluster_unmap(ctx, o, c->page, c->n);
	if (po != NULL && ctx->freed != before)
		pageout_progress(po, ctx->freed - before);
	if (c->n == 0) {
		cluster_put(ctx, c);
		return;
	}
	c->o = o;
	vm_object_hold(o);
	vm_object_paging_begin(o);
	vm_object_unlock(o);
	if (o->vops != NULL && !vm_swapcache_validate(o))
		cluster_forget(ctx, c);
	else
		cluster_start(ctx, c);
	/* The next call needs a spare cluster. */
	if (po != NULL && po->nspare == 0)
		KVERIFY(reap_one(ctx, true));
	vm_object_lock(o);
}

uint64_t
vm_pageout_range(struct vm_object *o, vm_pindex_t start, vm_pindex_t end)
{
	struct pageout_ctx ctx = {
	    .sys = o->sys, .level = PAGEOUT_ANY, .want = end - start};
	struct vm_page *m;
	vm_pindex_t hi;

	vm_object_lock(o);
	for (vm_pindex_t i = start; vm_object_next_page(o, &i, &m) && i < end;
	     i = hi) {
		hi = (i | (SWAP_CLUSTER - 1)) + 1;
		if (hi > end)
			hi = end;
		pageout_cluster(&ctx, o, i, hi);
	}
	vm_object_unlock(o);
	return (ctx.freed);
}
