/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The device part of the arena.
 *
 * Purpose: memory that devices show to guests.  A stub can map nothing but the
 * arena, so what a device maps must lie in it.  But it is not guest memory: it
 * is neither counted nor paged, and belongs to its device (or embedder) alone.
 *
 * Concepts.  The arena has ph->ndev more frames behind those of the guests.
 * They are handed out in runs, first fit; a run that was given back is
 * discarded, so that the next owner finds zeroes.
 *
 * Locking: ph->lock.  Runs are few; each call looks at all of them.
 *
 * Limits: VM_PHYS_DEVRUNS runs at a time.
 */
#include "mem/vm_page.h"

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"

/* Where a run of n frames fits, and before which run: first fit.  Locked. */
static bool
devrun_place(
    const struct vm_phys *ph, uint64_t n, uint64_t *at, unsigned *before)
{
	uint64_t from = 0;

	for (unsigned i = 0; i < ph->ndevruns; i++) {
		if (ph->devrun[i].first - from >= n) {
			*at = from;
			*before = i;
			return (true);
		}
		from = ph->devrun[i].first + ph->devrun[i].n;
	}
	*at = from;
	*before = ph->ndevruns;
	return (ph->ndev - from >= n);
}

int
vm_phys_device_alloc(
    struct vm_phys *ph, uint64_t npages, vm_frame_t *first, void **base)
{
	unsigned i;
	uint64_t at;

	if (npages == 0)
		return (EINVAL);
	kmutex_lock(&ph->lock);
	if (ph->ndevruns == VM_PHYS_DEVRUNS ||
	    !devrun_place(ph, npages, &at, &i)) {
		kmutex_unlock(&ph->lock);
		return (ENOMEM);
	}
	memmove(&ph->devrun[i + 1], &ph->devrun[i],
	    (ph->ndevruns - i) * sizeof(ph->devrun[0]));
	ph->devrun[i].first = at;
	ph->devrun[i].n = npages;
	ph->ndevruns++;
	kmutex_unlock(&ph->lock);
	*first = (vm_frame_t)(ph->npages + at);
	*base = ph->base + (ph->npages + at) * PAGE_SIZE;
	return (0);
}

void
vm_phys_device_free(struct vm_phys *ph, vm_frame_t first, uint64_t npages)
{
	uint64_t at = first - ph->npages;
	unsigned i = 0;

	ph->host.ops->arena_discard(ph->host.self, ph->fd, ph->base,
	    (size_t)first * PAGE_SIZE, (size_t)(npages * PAGE_SIZE));
	kmutex_lock(&ph->lock);
	while (i < ph->ndevruns && ph->devrun[i].first != at)
		i++;
	KVERIFY(i < ph->ndevruns && ph->devrun[i].n == npages);
	for (uint64_t f = first; f < first + npages; f++)
		KVERIFY(ph->pages[f].object == NULL);
	ph->ndevruns--;
	memmove(&ph->devrun[i], &ph->devrun[i + 1],
	    (ph->ndevruns - i) * sizeof(ph->devrun[0]));
	kmutex_unlock(&ph->lock);
}
