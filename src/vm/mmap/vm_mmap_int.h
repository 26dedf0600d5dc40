/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Shared by vm_mmap.c, vm_mremap.c, vm_madvise.c and vm_mlock.c.
 */
#ifndef VM_MMAP_VM_MMAP_INT_H
#define VM_MMAP_VM_MMAP_INT_H

#include "vm/map/vm_map_int.h"
#include "vm/mmap/vm_mmap.h"

/* addr page-aligned, len rounded up to pages, the end in *end: 0, EINVAL
 * (misaligned or wraps). */
int vm_range_check(vm_offset_t addr, uint64_t len, vm_offset_t *end);
/* Room for a mapping of len bytes, at the hint if it is free (0: no hint).
 * Map locked.  0, ENOMEM. */
int vm_mmap_place(
    struct vmspace *, vm_offset_t hint, uint64_t len, vm_offset_t *addr);
/* Fault in what the range's protection allows; the first error. */
int vm_populate(struct vmspace *, vm_offset_t start, vm_offset_t end);

/* The part of a range that one entry maps, as found under the lock. */
struct vm_map_part {
	vm_offset_t start, end;
	struct vm_object *obj; /* no ref of its own */
	vm_ooffset_t off;      /* of start in obj */
	uint32_t eflags;
	vm_prot_t prot, max_prot;
};

/*
 * The next mapped part of [*at, end), map read-locked: true and *at moved
 * behind it.  *hole is set when something before it is not mapped.
 */
bool vm_map_next_part(struct vm_map *, vm_offset_t *at, vm_offset_t end,
    bool *hole, struct vm_map_part *);

#endif /* VM_MMAP_VM_MMAP_INT_H */
