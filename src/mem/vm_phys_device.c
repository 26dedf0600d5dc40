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
 * discarded, so that the next owner finds zeroes.  The arena has memory up to
 * the end of the last run only: without devices a hostile stub, which can map
 * any part of the arena, cannot use memory of the host beyond the guests'.
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

/* Frames of the device part up to the end of the last run.  Locked. */
static uint64_t
devrun_end(const struct vm_phys *ph)
{
	unsigned n = ph->ndevruns;

	return (n == 0 ? 0 : ph->devrun[n - 1].first + ph->devrun[n - 1].n);
}

/* Give the arena memory for `n` frames of the device part.  Locked. */
static int
devrun_resize(struct vm_phys *ph, uint64_t n)
{
	return (ph->host.ops->arena_resize(ph->host.self, ph->fd, ph->base,
	    (size_t)((ph->npages + n) * PAGE_SIZE)));
}

int
vm_phys_device_alloc(
    struct vm_phys *ph, uint64_t npages, vm_frame_t *first, void **base)
{
	unsigned i;
	uint64_t at;
	int error = ENOMEM;

	if (npages == 0)
		return (EINVAL);
	kmutex_lock(&ph->lock);
	if (ph->ndevruns == VM_PHYS_DEVRUNS ||
	    !devrun_place(ph, npages, &at, &i))
		goto fail;
	if (at + npages > devrun_end(ph)) {
		error = devrun_resize(ph, at + npages);
		if (error != 0)
			goto fail;
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
fail:
	kmutex_unlock(&ph->lock);
	return (error);
}

void
vm_phys_device_free(struct vm_phys *ph, vm_frame_t first, uint64_t npages)
{
	uint64_t at = first - ph->npages, end;
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
	/* A host that refuses leaves zeroed memory behind, as before. */
	end = devrun_end(ph);
	if (end < at + npages)
		(void)devrun_resize(ph, end);
	kmutex_unlock(&ph->lock);
}
