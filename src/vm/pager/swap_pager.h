/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The swap pager: anonymous pages to swap and back.  What the rest of the
 * kernel sees of swap; areas and blocks are in swap_space.h.
 */
#ifndef VM_PAGER_SWAP_PAGER_H
#define VM_PAGER_SWAP_PAGER_H

#include "vm/swap/swap_space.h"
#include "mem/vm_types.h"

/*
 * Add a swap area to a running system.  Errors of swap_area_add().
 */
int vm_swapon(
    struct vm_system *, const struct swap_area_config *, unsigned *area);
/*
 * Bring everything home that the area holds, and remove it.
 * - No locks held; takes as long as reading it all.
 * - 0; ENOENT (no such area), EBUSY (swapoff of it is under way), ENOMEM
 *   (memory and the other areas cannot take it: the area is in use as before).
 * - A page that cannot be read any more stays lost: who needs it gets SIGBUS.
 * - EAGAIN: for ten seconds something kept the area from becoming empty.
 */
int vm_swapoff(struct vm_system *, unsigned area);

#endif /* VM_PAGER_SWAP_PAGER_H */
