/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The swap pager: anonymous pages from swap back to memory, and swap areas for
 * the rest of the kernel; areas and blocks are in swap_space.h.
 */
#ifndef VM_PAGER_SWAP_PAGER_H
#define VM_PAGER_SWAP_PAGER_H

#include "mem/vm_types.h"
#include "vm/object/vm_object.h"
#include "vm/swap/swap_space.h"

/*
 * Add a swap area to a running system.  Errors of swap_area_add().
 */
int vm_swapon(
    struct vm_system *, const struct swap_area_config *, unsigned *area);
/*
 * Bring in all pages that are in the area, and remove the area.
 * - No locks held; takes as long as reading them all.
 * - 0; ENOENT (no such area), EBUSY (swapoff of it is under way), ENOMEM
 *   (memory and the other areas have no room: the area is in use as before).
 * - A page that cannot be read any more stays lost: a touch of it is SIGBUS.
 * - EAGAIN: for ten seconds the area did not become emptier.
 */
int vm_swapoff(struct vm_system *, unsigned area);

/*
 * Bring in the page at idx, and up to n - 1 behind it that follow in swap.
 * Called with the object locked, which has a block there; the caller owns a
 * hold.  Returns with the object unlocked.
 * - 0: the page was in memory when the lock was released; EIO: it is lost;
 *   ENOMEM: no frame.
 */
int swap_pager_getpages(
    struct vm_object *, vm_pindex_t idx, unsigned n, unsigned *got);
/*
 * The valid page at idx, not busy, brought in from swap if it is there; *mp
 * NULL: a hole.  Object locked on entry and exit, unlocked in
 * between; the caller owns a ref or hold.
 * - 0, EIO (the copy in swap is lost), ENOMEM (reclaiming did not help).
 */
int vm_object_getpage(struct vm_object *, vm_pindex_t idx, struct vm_page **mp);

#endif /* VM_PAGER_SWAP_PAGER_H */
