/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Waiting for several futexes at once.
 *
 * The lwp has one waiter on the queue of each word (futex.c).  They are
 * enqueued in order; the sleep is prepared with each, and before the lwp sleeps
 * it looks at all of them, so that a wakeup of one that was enqueued early is
 * not missed.  In the end all are dequeued.  A waiter that was woken meanwhile
 * counts, whatever else has ended the wait, because a waker has counted it.
 */
#include "kern/ipc/futex.h"

#include "abi/futex.h"
#include "kern/base/lwp.h"
#include "kern/ipc/futex_int.h"
#include "mem/kmem.h"

#include <errno.h>

static bool
any_woken(const struct futex_waiter *w, int n)
{
	for (int i = 0; i < n; i++)
		if (atomic_load(&w[i].woken))
			return (true);
	return (false);
}

/* Dequeue n waiters.  *which: the last one that had been woken, if any. */
static bool
dequeue_all(struct futex_waiter *w, int n, int *which)
{
	bool found = false;

	for (int i = 0; i < n; i++) {
		if (futex_dequeue(&w[i])) {
			*which = i;
			found = true;
		}
	}
	return (found);
}

int
futex_waitv(struct lwp *l, const struct futex_word *word, int n,
    uint64_t deadline, int *which)
{
	struct futex_waiter *w;
	int queued, error = 0;

	w = kmem_calloc((size_t)n, sizeof(*w));
	if (w == NULL)
		return (ENOMEM);
	for (queued = 0; queued < n; queued++) {
		w[queued].bitset = LX_FUTEX_BITSET_MATCH_ANY;
		w[queued].lwp = l;
		error = futex_enqueue(l, word[queued].va, word[queued].shared,
		    word[queued].val, &w[queued]);
		if (error != 0)
			break;
	}
	while (error == 0 && !any_woken(w, n)) {
		error = lwp_sleep(l, deadline);
		if (error == 0)
			lwp_sleep_prepare(l); /* perhaps spurious */
	}
	if (dequeue_all(w, queued, which))
		error = 0;
	kmem_free(w);
	return (error);
}
