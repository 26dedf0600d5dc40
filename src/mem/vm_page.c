/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pages as frames: holds, the end of a page, and zeroing.
 *
 * Purpose: what can be done with a page without knowing its object.
 *
 * Concepts.  A hold pins the frame, not the page's place in its object: a page
 * may be freed while it is held.  It is an orphan then (object NULL,
 * PG_HOLD_FREE in the hold word), and the last unhold frees the frame.
 *
 * Locking: holds are atomic.  A new hold needs the lock of the page's object,
 * the lock of a pmap that translates to the page, or another hold.
 * vm_page_orphan() is called with the first, and after the translations are
 * gone; so a hold count of zero seen there stays zero, and the atomic exchange
 * orders it with an unhold only.
 *
 * Guarantees: the frame of an orphan is freed exactly once, as flag and count
 * are one word.
 */
#include "mem/vm_page.h"

#include <string.h>

#include "libk/kassert.h"

bool
vm_page_orphan(struct vm_page *m)
{
	m->object = NULL;
	m->flags = 0;
	m->swap = 0;
	if (atomic_load_explicit(&m->hold, memory_order_acquire) != 0) {
		if (atomic_fetch_or_explicit(
			&m->hold, PG_HOLD_FREE, memory_order_acq_rel) != 0)
			return (false);
		atomic_store_explicit(&m->hold, 0, memory_order_relaxed);
	}
	return (true);
}

void
vm_page_hold(struct vm_page *m)
{
	uint32_t old =
	    atomic_fetch_add_explicit(&m->hold, 1, memory_order_relaxed);

	KVERIFY((old & ~PG_HOLD_FREE) < PG_HOLD_FREE - 1);
}

void
vm_page_unhold(struct vm_phys *ph, struct vm_page *m)
{
	uint32_t old =
	    atomic_fetch_sub_explicit(&m->hold, 1, memory_order_acq_rel);

	KVERIFY((old & ~PG_HOLD_FREE) != 0);
	if (old != (PG_HOLD_FREE | 1))
		return;
	atomic_store_explicit(&m->hold, 0, memory_order_relaxed);
	vm_phys_free(ph, m);
}

void
vm_page_zero_prepare(
    struct vm_page *run, unsigned n, uint64_t map[VM_PAGE_RUN_WORDS])
{
	KASSERT(n <= VM_PAGE_RUN_WORDS * 64);
	memset(map, 0, VM_PAGE_RUN_WORDS * sizeof(map[0]));
	for (unsigned i = 0; i < n; i++) {
		if ((run[i].flags & PG_ZEROED) == 0)
			map[i / 64] |= (uint64_t)1 << (i % 64);
		run[i].flags &= ~(uint32_t)PG_ZEROED;
	}
}

void
vm_page_zero_run(struct vm_phys *ph, struct vm_page *run, unsigned n,
    const uint64_t map[VM_PAGE_RUN_WORDS])
{
	char *base = vm_page_ptr(ph, run);
	unsigned i = 0, from;

	/* Neighbours in one call. */
	while (i < n) {
		from = i;
		while (i < n && (map[i / 64] >> (i % 64) & 1) != 0)
			i++;
		if (i > from)
			memset(
			    base + from * PAGE_SIZE, 0, (i - from) * PAGE_SIZE);
		else
			i++;
	}
}
