/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The memory of another address space, for debuggers and snapshots.
 */
#ifndef VM_ACCESS_VM_RWMEM_H
#define VM_ACCESS_VM_RWMEM_H

#include "vm/fault/vm_fault.h"

/*
 * Copy from and to another address space, page by page, whether its pages are
 * translated or not; absent anonymous memory reads as zeroes and stays absent.
 * flags: VM_FAULT_FORCE, VM_FAULT_ASKED or 0.
 * - The caller owns a ref or hold; no locks held.
 * - 0 and *done == len, or *done bytes were moved and then: EFAULT (nothing
 *   mapped, or not allowed), EIO, ENOMEM, ESRCH (past EXIT1: the process has
 *   exited, or executes another program).
 */
int vm_pread(struct vmspace *, void *buf, size_t len, vm_offset_t addr,
    int flags, size_t *done);
int vm_pwrite(struct vmspace *, const void *buf, size_t len, vm_offset_t addr,
    int flags, size_t *done);

/*
 * The pages that are this vmspace's alone, as far as its first objects tell:
 * those of private memory that were written, in memory or in swap.  *va is
 * malloc'ed.  0, ENOMEM, ESRCH.
 */
int vmspace_private_pages(struct vmspace *, vm_offset_t **va, size_t *n);
bool vmspace_private_page(struct vmspace *, vm_offset_t va);

#endif /* VM_ACCESS_VM_RWMEM_H */
