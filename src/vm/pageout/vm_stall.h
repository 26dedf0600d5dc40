/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Stalls: do the guests only wait for pages that were paged out too early?
 */
#ifndef VM_PAGEOUT_VM_STALL_H
#define VM_PAGEOUT_VM_STALL_H

#include "mem/vm_types.h"

#define STALL_WINDOW_NS UINT64_C(10000000000)
#define STALL_WINDOWS 3  /* bad ones in sequence are thrashing */
#define STALL_PERCENT 75 /* of a bad window there is no work */
#define STALL_PAGES 64   /* come back in a bad window, at least... */
#define STALL_RATE 1000  /* ...and at most, in a second */

/* Key: [a] atomic, [s] lock, [d] the thread that checks */
struct vm_stall {
	struct kmutex lock;     /* rank LEAF */
	_Atomic(uint64_t) back; /* [a] pages read from swap */
	/* [a] pages that were paged out, had come back, and went again */
	_Atomic(uint64_t) again;
	uint32_t waiting; /* [s] threads that are stalled */
	uint64_t since;   /* [s] when `waiting` became 1 */
	uint64_t some_ns; /* [s] time with at least one */
	/* The state at the beginning of the window. */
	uint64_t at_ns, at_some, at_work, at_back, at_again; /* [d] */
	unsigned bad;                                        /* [d] windows */
};

void vm_stall_init(struct vm_stall *);
void vm_stall_fini(struct vm_stall *);
/* Begin and end of a stall of the calling thread.  No lock of rank LEAF. */
void vm_stall_begin(struct vm_stall *, uint64_t now);
void vm_stall_end(struct vm_stall *, uint64_t now);
/* Count pages that came back, and pages that went again. */
void vm_stall_count_back(struct vm_stall *, uint64_t pages);
void vm_stall_count_again(struct vm_stall *, uint64_t pages);
/* Will vm_stall_check() look at a window now? */
bool vm_stall_due(const struct vm_stall *, uint64_t now);
/*
 * Have the guests been thrashing for STALL_WINDOWS windows?  True once for each
 * such time.
 * - work: CPU time of all guests, ns, their user code included; if it is less
 *   than before, a process has ended.
 * - One thread at a time.
 */
bool vm_stall_check(struct vm_stall *, uint64_t now, uint64_t work);

#endif /* VM_PAGEOUT_VM_STALL_H */
