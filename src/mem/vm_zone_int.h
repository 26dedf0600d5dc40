/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Inside of the zones: shared by vm_zone.c (items) and vm_zone_set.c (zones).
 */
#ifndef MEM_VM_ZONE_INT_H
#define MEM_VM_ZONE_INT_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>

#include "libk/klock.h"
#include "mem/vm_zone.h"

#if defined(__SANITIZE_ADDRESS__)
#define ZONE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ZONE_ASAN 1
#endif
#endif
#ifdef ZONE_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

#define ZONE_PAGE ((size_t)4096)
#define ZONE_SIZE_MAX ((size_t)64 << 10)
#define ZONE_SLAB_SIZE ((size_t)64 << 10)
#define ZONE_SLAB_ITEMS 8 /* at least, however large the items */
#define ZONE_MAG_MAX 60
#define ZONE_MAG_BYTES ((size_t)64 << 10)
#define ZONE_ALIGN 16
#define ZONE_NOSLOT UINT32_MAX

/* Key: [T] owning thread only, [I] immutable, [a] atomic, written by the
 * owning thread only, [z] zone lock */
struct zone_mag {
	uint32_t n;                /* [T] items */
	uint32_t cap;              /* [I] */
	_Atomic(uint64_t) allocs;  /* [a] */
	_Atomic(uint64_t) frees;   /* [a] */
	LIST_ENTRY(zone_mag) link; /* [z] */
	void *item[ZONE_MAG_MAX];  /* [T] */
};
LIST_HEAD(zone_mag_list, zone_mag);

/* Key: [I] immutable, [z] zone lock */
struct zone_slab {
	TAILQ_ENTRY(zone_slab) link; /* [z] oldest first */
	char *items;                 /* [I] */
	uint32_t nstack;             /* [z] pointers in stack[] */
	uint32_t fresh;              /* [z] first item never handed out */
	void *stack[];               /* [z] z->slab_items places */
};
TAILQ_HEAD(zone_slab_list, zone_slab);

/* Key: [I] immutable, [z] lock, [a] atomic */
struct vm_zone {
	uint32_t slot;             /* [I] ZONE_NOSLOT: no magazines */
	int flags;                 /* [I] ZF_* */
	uint64_t gen;              /* [I] never reused */
	size_t size;               /* [I] as requested */
	uint64_t limit;            /* [I] */
	_Atomic(uint64_t) charged; /* [a] live items, if there is a limit */
	void (*ctor)(void *);      /* [I] */
	void (*dtor)(void *);      /* [I] */
	size_t stride;             /* [I] from item to item */
	size_t acct_at;            /* [I] offset of its account; 0: none */
	size_t align;              /* [I] */
	size_t slab_bytes;         /* [I] */
	uint32_t slab_items;       /* [I] */
	uint32_t mag_cap;          /* [I] */
	struct vm_zone_set *set;   /* [I] */
	_Atomic(struct vm_zone *) next; /* [a] in order of creation */
	char name[32];                  /* [I] */

	struct kmutex lock;
	struct zone_slab_list slabs; /* [z] */
	struct zone_slab *top;       /* [z] of the depot; NULL: no slab */
	struct zone_mag_list mags;   /* [z] */
	uint64_t nslabs;             /* [z] */
	uint64_t ndepot;             /* [z] pointers in the depot */
	uint64_t ncarved;            /* [z] items ever handed out */
	uint64_t peak;               /* [z] */
	uint64_t allocs, frees;      /* [z] without or before a magazine */
	uint64_t fails;              /* [z] */
};

/* Key: [I] immutable, [a] atomic, [z] lock */
struct vm_zone_set {
	struct host host; /* [I] */
	struct kmutex lock;
	struct vm_zone *magzone;         /* [I] */
	_Atomic(struct vm_zone *) first; /* [a] */
	struct vm_zone *last;            /* [z] */
};

#ifdef VMSPACE_DEBUG
struct zone_trailer {
	uint64_t red;
	_Atomic(uint64_t) state; /* 0: never handed out */
};
#define ZONE_TRAILER sizeof(struct zone_trailer)
#else
#define ZONE_TRAILER ((size_t)0)
#endif

static inline size_t
zone_round(size_t n, size_t to)
{
	return ((n + to - 1) / to * to);
}

/*
 * Give the zone a generation, and a slot unless it is ZONE_NOSLOT.
 * - 0, ENOMEM.
 */
int vm_zone_slot_take(struct vm_zone *);
/* The slots of a list of zones: threads forget their magazines there. */
void vm_zone_slots_drop(struct vm_zone *first);

#endif /* MEM_VM_ZONE_INT_H */
