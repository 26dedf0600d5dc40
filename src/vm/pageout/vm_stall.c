/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Stalls: do the guests only wait for pages that were paged out too early?
 *
 * Purpose
 *   As long as there is room in swap, pageout finds a page to free, and the
 *   out-of-memory policy is not asked.  If the pages that it frees are needed
 *   again at once and swap is slow, all guests wait for pages and none gets on.
 *   This file recognises that state, so that the policy can end it.
 *
 * Concepts
 *   stall  The wait of a thread for a page from swap, or for a free frame.
 *   work   CPU time of guests.  User code counts from the hand-over to the
 *          event, so a loaded host makes work look larger, never smaller.
 *   back   A page is read from swap.
 *   again  A page that had come back is paged out once more (PG_RETURNED).
 *
 *   A window of STALL_WINDOW_NS is bad if all of this holds:
 *
 *     - The time with at least one stalled thread, less all work of all
 *       threads, is STALL_PERCENT of the window.  That is a lower bound of the
 *       time in which no thread did anything but wait.
 *     - STALL_PAGES pages or more came back: fewer are a device that hangs.
 *     - At most STALL_RATE pages a second came back.  A program that gets more
 *       proceeds, for example along an array that is larger than memory.
 *     - At least half as many pages went again.  A process that was paged out
 *       while it slept, and comes back page by page, fills memory and stops
 *       waiting; none of its pages goes again.
 *
 *   STALL_WINDOWS bad windows in sequence are thrashing.  The bounds are wide
 *   on purpose (docs/decisions/013-thrashing.md): a program must not be killed
 *   because it is slow.
 *
 * Locking: the counts are atomics without order.  The lock protects the union
 * of the stalls; no lock is acquired under it.
 *
 * Guarantees: vm_stall_check() is not true while guests get more than 25% of
 * one CPU, or 4 MB a second from swap.
 *
 * Limits: pages of files do not count, because reading a large file once looks
 * the same as reading a small one again and again.  Compressed swap is too fast
 * to be recognised.
 */
#include "vm/pageout/vm_stall.h"

#include "libk/kassert.h"

#define NS_PER_S UINT64_C(1000000000)

void
vm_stall_init(struct vm_stall *st)
{
	kmutex_init(&st->lock, "vm_stall", KRANK_LEAF, 0);
}

void
vm_stall_fini(struct vm_stall *st)
{
	KVERIFY(st->waiting == 0);
	kmutex_destroy(&st->lock);
}

void
vm_stall_begin(struct vm_stall *st, uint64_t now)
{
	kmutex_lock(&st->lock);
	if (st->waiting++ == 0)
		st->since = now;
	kmutex_unlock(&st->lock);
}

void
vm_stall_end(struct vm_stall *st, uint64_t now)
{
	kmutex_lock(&st->lock);
	KASSERT(st->waiting > 0);
	/* A thread that has read the clock later may have come first. */
	if (--st->waiting == 0 && now > st->since)
		st->some_ns += now - st->since;
	kmutex_unlock(&st->lock);
}

void
vm_stall_count_back(struct vm_stall *st, uint64_t pages)
{
	atomic_fetch_add_explicit(&st->back, pages, memory_order_relaxed);
}

void
vm_stall_count_again(struct vm_stall *st, uint64_t pages)
{
	atomic_fetch_add_explicit(&st->again, pages, memory_order_relaxed);
}

/* Time with a stalled thread until now. */
static uint64_t
stall_some(struct vm_stall *st, uint64_t now)
{
	uint64_t some;

	kmutex_lock(&st->lock);
	some = st->some_ns;
	if (st->waiting != 0 && now > st->since)
		some += now - st->since;
	kmutex_unlock(&st->lock);
	return (some);
}

/* Was the time a bad window?  All are differences. */
static bool
stall_bad(
    uint64_t ns, uint64_t some, uint64_t work, uint64_t back, uint64_t again)
{
	return (some > work && (some - work) / STALL_PERCENT >= ns / 100 &&
		back >= STALL_PAGES && back / STALL_RATE <= ns / NS_PER_S &&
		again >= back / 2);
}

bool
vm_stall_due(const struct vm_stall *st, uint64_t now)
{
	return (now - st->at_ns >= STALL_WINDOW_NS);
}

bool
vm_stall_check(struct vm_stall *st, uint64_t now, uint64_t work)
{
	uint64_t some = stall_some(st, now);
	uint64_t back = atomic_load_explicit(&st->back, memory_order_relaxed);
	uint64_t again = atomic_load_explicit(&st->again, memory_order_relaxed);

	if (!vm_stall_due(st, now))
		return (false);
	if (st->at_ns != 0 && work >= st->at_work &&
	    stall_bad(now - st->at_ns, some - st->at_some, work - st->at_work,
		back - st->at_back, again - st->at_again))
		st->bad++;
	else
		st->bad = 0;
	st->at_ns = now;
	st->at_some = some;
	st->at_work = work;
	st->at_back = back;
	st->at_again = again;
	if (st->bad < STALL_WINDOWS)
		return (false);
	st->bad = 0;
	return (true);
}
