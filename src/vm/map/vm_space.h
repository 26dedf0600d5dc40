/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * struct vmspace: an address space.  It is declared at the level of maps, since
 * everything above them works on it; its life is in vm/vmspace.h.
 */
#ifndef VM_MAP_VM_SPACE_H
#define VM_MAP_VM_SPACE_H

#include "mem/vm_life.h"
#include "vm/map/vm_map.h"

/* Per-vmspace counters, all [a]. */
struct vm_usage {
	_Atomic(uint64_t) minflt; /* faults without I/O */
	_Atomic(uint64_t) majflt; /* faults with I/O */
	_Atomic(uint64_t) zfod, cow, cow_opt, filein, around, ahead, swapin;
};

/*
 * Key: [I] immutable, [a] atomic, [m] map lock, [l] sys->list_lock
 */
struct vmspace {
	struct vm_life life;   /* [a] */
	uint64_t id;           /* [I] generation id, 0 after stage 2 */
	struct vm_system *sys; /* [I] */
	struct vm_map map;
	struct pmap *pmap;         /* [I] until stage 2 */
	TAILQ_ENTRY(vmspace) link; /* [l] */
	/* Layout, set by exec, copied by fork. [m] */
	vm_offset_t brk_start, brk_end; /* brk_end is not page aligned */
	vm_offset_t mmap_top;           /* top-down search starts here */
	vm_offset_t stack_top;          /* highest stack address, exclusive */
	uint64_t stack_limit;           /* bytes the stack may grow to */
	uint64_t data_limit;            /* RLIMIT_DATA for brk */
	vm_offset_t arg_start, arg_end, env_start, env_end; /* for /proc */
	vm_offset_t auxv_start, auxv_end;
	vm_offset_t code_start, code_end;
	struct vm_usage usage;
	_Atomic(uint32_t) barriers; /* registrations of membarrier(2) */
	_Atomic(bool) kept;         /* sys->space_gone is called for it */
};

#endif /* VM_MAP_VM_SPACE_H */
