/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Swapping whole address spaces out and in: the seam to processes. */
#ifndef VM_VM_GLUE_H
#define VM_VM_GLUE_H

#include "vm/vmspace.h"

/*
 * Page out all that no other vmspace uses.  For a vmspace whose threads are not
 * running; if they are, it is only slow.
 * - No locks held; does I/O.  The caller owns a ref or hold.
 * - Returns pages that were resident and are not any more.
 */
uint64_t vmspace_swapout(struct vmspace *);
/*
 * Bring back what is in swap, as long as there is plenty of free memory: the
 * rest comes by faults.  The caller owns a ref, no locks held.
 */
void vmspace_swapin(struct vmspace *);

#endif /* VM_VM_GLUE_H */
