/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Commit charge: how much memory the mappings of a system may come to need.
 */
#ifndef VM_OBJECT_VM_COMMIT_H
#define VM_OBJECT_VM_COMMIT_H

#include "mem/vm_types.h"

/*
 * Charge bytes to the system.
 * - Any locks may be held; does not block.
 * - 0; ENOMEM: they would exceed memory and swap, in a system that reserves.
 */
int vm_commit_reserve(struct vm_system *, uint64_t bytes);
/* Give back what was charged. */
void vm_commit_release(struct vm_system *, uint64_t bytes);
/* Bytes that are charged, the pages of named objects included. */
uint64_t vm_commit_used(const struct vm_system *);
/* The most that vm_commit_reserve() grants in a system that reserves, or would
 * grant. */
uint64_t vm_commit_limit(const struct vm_system *);

#endif /* VM_OBJECT_VM_COMMIT_H */
