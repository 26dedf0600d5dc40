/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pageout: which thread scans for frames, and when.
 *
 * Purpose
 *   Keep some frames free ahead of demand, and find frames for threads that
 *   have none.
 *
 * Concepts
 *   low      Below that many free frames the daemon is woken up.  It works
 *            until there are twice as many.
 *   reserve  The last frames are for threads that free other frames: the scan
 *            itself (writing back a file may need memory), and guest threads
 *            that exit (mem/vm_reserve.c).
 *   starved  A fault that finds no frame does the work itself, at all levels,
 *            or waits if another thread scans, and is woken as soon as any
 *            frame comes free.  The out-of-memory policy is called only after
 *            the faulting thread's own scan has freed nothing.
 *
 *   One scan runs at a time: the hands, the writer and its clusters belong to
 *   the thread that has set `scanning`.  That is a flag and not a lock, because
 *   a scan waits for I/O and for the machine.  A thread that waits for a scan
 *   may hold locks of vnodes, so a scan never takes these; writing a file back
 *   does not need them (vnode_io.c).
 *
 *   Without a daemon (unit tests) starved threads alone do the same work, in an
 *   order that is the same in each run.
 *
 *   When the daemon has had nothing to do for a while, and most of memory is
 *   free, free memory goes back to the host.
 *
 *   thrash   The daemon also looks whether guests do anything but wait for
 *            pages that pageout has freed too early (vm_stall.c).  If they do
 *            not for long, the out-of-memory policy chooses a process
 *            (sys->thrashing), although swap has room.
 *
 * Locking and lifetime: po->lock is innermost and short.
 *
 * Guarantees: a waiting thread is woken by progress or by the end of the scan.
 *
 * Limits: one scan at a time means that one slow file system delays every
 * thread that has no memory.
 */
#include "vm/pageout/vm_pageout.h"

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "mem/vm_reserve.h"
#include "vm/pageout/vm_pageout_int.h"
#include "vm/pager/vm_swapcache.h"

#define IDLE_NS UINT64_C(1000000000)
#define BACKOFF_NS UINT64_C(20000000)
#define WAIT_NS UINT64_C(100000000)

/* ---- scanning ---- */

static uint64_t
usable(const struct vm_system *sys)
{
	uint64_t n =
	    atomic_load_explicit(&sys->phys->nfree, memory_order_relaxed);

	return (n > sys->reserve ? n - sys->reserve : 0);
}

/* Make the writer when there is swap.  Without a writer clusters are written
 * one at a time.  A confined process can make no ring, so that the writer of
 * swap that comes after the start has none.  No scan runs but the caller's. */
static void
pageout_writer(struct vm_pageout *po)
{
	if (po->writer == NULL && swap_space_size(po->sys->swap) != 0 &&
	    swap_writer_create(
		po->sys->swap, PAGEOUT_DEPTH, po->started, &po->writer) != 0)
		po->writer = NULL;
}

/* Scan; po->lock is held and `scanning` is false.  Unlocked meanwhile. */
static uint64_t
scan_locked(struct vm_pageout *po, uint64_t want, enum pageout_level max)
{
	struct pageout_ctx ctx = {.sys = po->sys, .po = po, .want = want};

	KASSERT(!po->scanning);
	po->scanning = true;
	kmutex_unlock(&po->lock);
	pageout_writer(po);
	pageout_scan(&ctx, max);
	KASSERT(ctx.inflight == 0 && po->nspare == PAGEOUT_DEPTH);
	kmutex_lock(&po->lock);
	po->scanning = false;
	po->ended++;
	kcond_broadcast(&po->done);
	return (ctx.freed);
}

static void
scan_wait(struct vm_pageout *po, uint64_t until)
{
	po->waiting++;
	(void)kcond_timedwait(&po->done, &po->lock, until);
	po->waiting--;
}

uint64_t
vm_pageout_reclaim(struct vm_system *sys, uint64_t want)
{
	struct vm_pageout *po = sys->pageout;
	uint64_t freed;

	if (want == 0)
		return (0);
	kmutex_lock(&po->lock);
	while (po->scanning)
		scan_wait(po, UINT64_MAX);
	freed = scan_locked(po, want, PAGEOUT_ANY);
	kmutex_unlock(&po->lock);
	return (freed);
}

static bool
pageout_starved(struct vm_system *sys, uint64_t want)
{
	struct vm_pageout *po = sys->pageout;
	uint64_t freed, seen;
	bool again;

	kmutex_lock(&po->lock);
	if (po->scanning) {
		freed = po->freed;
		seen = po->ended;
		while (po->scanning && po->ended == seen &&
		       po->freed == freed && usable(sys) == 0)
			scan_wait(po, host_now_ns() + WAIT_NS);
		/* That scan may not have tried all levels: try again. */
		again = true;
	} else
		again =
		    scan_locked(po, want, PAGEOUT_ANY) != 0 || usable(sys) != 0;
	kmutex_unlock(&po->lock);
	return (again);
}

uint64_t
vm_system_shrink(struct vm_system *sys, uint64_t target)
{
	uint64_t used = sys->phys->npages - atomic_load(&sys->phys->nfree);
	uint64_t pages = (target + PAGE_MASK) >> PAGE_SHIFT;

	if (used > pages)
		(void)vm_pageout_reclaim(sys, used - pages);
	return (vm_phys_trim(sys->phys));
}

/* ---- the daemon ---- */

static void
pageout_wake(struct vm_system *sys)
{
	struct vm_pageout *po = sys->pageout;

	if (po->thread == NULL ||
	    atomic_load_explicit(&po->woken, memory_order_relaxed) ||
	    atomic_exchange_explicit(&po->woken, true, memory_order_relaxed))
		return;
	kmutex_lock(&po->lock);
	kcond_signal(&po->work);
	kmutex_unlock(&po->lock);
}

/* Take memory first from processes that do not run.  Locked; unlocked
 * meanwhile. */
static bool
daemon_swap_idle(struct vm_pageout *po)
{
	struct vm_system *sys = po->sys;
	uint64_t freed;

	if (sys->swap_idle == NULL || swap_space_free(sys->swap) == 0)
		return (false);
	kmutex_unlock(&po->lock);
	freed = sys->swap_idle(sys->oom_arg);
	kmutex_lock(&po->lock);
	if (freed != 0) {
		po->freed += freed;
		kcond_broadcast(&po->done);
	}
	return (freed != 0);
}

/* Do guests make no progress?  Locked; unlocked meanwhile. */
static void
daemon_stalls(struct vm_pageout *po)
{
	struct vm_system *sys = po->sys;
	uint64_t now = host_now_ns();

	if (sys->thrashing == NULL || !vm_stall_due(&po->stall, now))
		return;
	kmutex_unlock(&po->lock);
	if (vm_stall_check(&po->stall, now, sys->work(sys->oom_arg))) {
		vm_stat_add(sys, VMST_THRASH, 1);
		sys->thrashing(sys->oom_arg);
	}
	kmutex_lock(&po->lock);
}

/* Free frames up to the target.  False: no frame was freed.  Locked. */
static bool
daemon_work(struct vm_pageout *po)
{
	struct vm_system *sys = po->sys;
	uint64_t target = 2 * sys->low, nfree;

	while (!po->stop) {
		daemon_stalls(po);
		nfree = atomic_load(&sys->phys->nfree);
		if (nfree >= target)
			break;
		if (daemon_swap_idle(po))
			continue;
		if (po->scanning)
			scan_wait(po, UINT64_MAX);
		else if (scan_locked(po, target - nfree, PAGEOUT_QUICK) == 0)
			return (false);
	}
	return (true);
}

/* Called after IDLE_NS without work: give free memory back to the host. */
static void
daemon_idle(struct vm_pageout *po, uint64_t *trimmed)
{
	struct vm_system *sys = po->sys;
	uint64_t nfree = atomic_load(&sys->phys->nfree);

	if (nfree > sys->phys->npages / 2 && nfree > *trimmed) {
		kmutex_unlock(&po->lock);
		(void)vm_phys_trim(sys->phys);
		kmutex_lock(&po->lock);
		*trimmed = nfree;
	} else if (nfree < *trimmed)
		*trimmed = nfree;
}

static void
daemon_main(void *arg)
{
	struct vm_pageout *po = arg;
	uint64_t trimmed = 0;
	int error;

	kmutex_lock(&po->lock);
	while (!po->stop) {
		error = 0;
		while (!po->stop && error == 0 && !atomic_load(&po->woken))
			error = kcond_timedwait(
			    &po->work, &po->lock, host_now_ns() + IDLE_NS);
		if (po->stop)
			break;
		daemon_stalls(po);
		if (!atomic_exchange(&po->woken, false)) {
			daemon_idle(po, &trimmed);
			continue;
		}
		if (atomic_load(&po->sys->cache.limit) != 0) {
			kmutex_unlock(&po->lock);
			vm_swapcache_clean(po->sys, false);
			kmutex_lock(&po->lock);
		}
		/* Starved threads scan by themselves meanwhile. */
		if (!daemon_work(po) && !po->stop)
			(void)kcond_timedwait(
			    &po->work, &po->lock, host_now_ns() + BACKOFF_NS);
	}
	kmutex_unlock(&po->lock);
}

/* ---- stalls ---- */

void
vm_pageout_stall_begin(struct vm_system *sys)
{
	vm_stall_begin(&sys->pageout->stall, host_now_ns());
}

void
vm_pageout_stall_end(struct vm_system *sys)
{
	vm_stall_end(&sys->pageout->stall, host_now_ns());
}

void
vm_pageout_returned(struct vm_system *sys, uint64_t pages)
{
	vm_stall_count_back(&sys->pageout->stall, pages);
}

int
vm_pageout_start(struct vm_system *sys)
{
	struct vm_pageout *po = sys->pageout;

	KASSERT(po->thread == NULL);
	po->stop = false;
	/* Now, because a confined process can make no ring later. */
	pageout_writer(po);
	po->started = true;
	return (host_thread_create(&po->thread, "vm-pageout", daemon_main, po));
}

void
vm_pageout_stop(struct vm_system *sys)
{
	struct vm_pageout *po = sys->pageout;

	if (po->thread == NULL)
		return;
	kmutex_lock(&po->lock);
	po->stop = true;
	kcond_broadcast(&po->work);
	kmutex_unlock(&po->lock);
	host_thread_join(po->thread);
	po->thread = NULL;
}

/* ---- create and destroy ---- */

static const struct vm_reclaim_ops pageout_reclaim_ops = {
    .low = pageout_wake,
    .starved = pageout_starved,
};

int
vm_pageout_create(struct vm_system *sys)
{
	struct vm_pageout *po;
	void *p;
	int error;

	error = sys->host.ops->mem_alloc(
	    sys->host.self, round_page(sizeof(*po)), &p);
	if (error != 0)
		return (error);
	po = p;
	po->sys = sys;
	kmutex_init(&po->lock, "vm_pageout", KRANK_LEAF, 0);
	kcond_init(&po->work);
	kcond_init(&po->done);
	vm_stall_init(&po->stall);
	for (unsigned i = 0; i < PAGEOUT_DEPTH; i++)
		po->spare[po->nspare++] = &po->cluster[i];
	sys->pageout = po;
	sys->reclaim = &pageout_reclaim_ops;
	return (0);
}

void
vm_pageout_destroy(struct vm_system *sys)
{
	struct vm_pageout *po = sys->pageout;

	vm_pageout_stop(sys);
	KVERIFY(po->nspare == PAGEOUT_DEPTH && !po->scanning);
	if (po->writer != NULL)
		swap_writer_destroy(po->writer);
	vm_stall_fini(&po->stall);
	kcond_destroy(&po->done);
	kcond_destroy(&po->work);
	kmutex_destroy(&po->lock);
	sys->host.ops->mem_free(sys->host.self, po, round_page(sizeof(*po)));
	sys->reclaim = NULL;
	sys->pageout = NULL;
}
