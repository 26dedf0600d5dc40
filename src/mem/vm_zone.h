/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Zones: fixed-size objects by type.  Memory of a zone is type-stable: once
 * an item, always an item of that zone until the zone set is destroyed, so
 * that a stale pointer may be read (tryhold checks what it found).
 * Constructors run once per item, when its slab is made, and the constructed
 * state is kept across reuse.
 */
#ifndef MEM_VM_ZONE_H
#define MEM_VM_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"

struct vm_zone;
struct vm_zone_set;

#define ZF_ZERO 0x1   /* zalloc gives zeroed items (no ctor then) */
#define ZF_CHARGE 0x2 /* items are charged to the thread's account, kmem.h */

struct vm_zone_stats {
	const char *name;
	size_t size;     /* bytes per item */
	uint64_t live;   /* items handed out */
	uint64_t peak;   /* most ever live (estimate) */
	uint64_t cached; /* free items in slabs and magazines */
	uint64_t slabs;  /* bytes taken from the host */
	uint64_t allocs; /* zalloc calls that succeeded */
	uint64_t fails;  /* zalloc calls refused */
	uint64_t limit;  /* most live items, 0 none */
};

int vm_zone_set_create(struct host, struct vm_zone_set **);
/* Destroys all zones.  Live items are reported on stderr and, in debug
 * builds, a panic. */
void vm_zone_set_destroy(struct vm_zone_set *);
/* Sum of live items over all zones; per-thread caches do not count. */
uint64_t vm_zone_set_live(const struct vm_zone_set *);
/* Calls fn for each zone. */
void vm_zone_foreach(const struct vm_zone_set *,
    void (*fn)(void *arg, const struct vm_zone_stats *), void *arg);

/*
 * - `ctor`/`dtor` may be NULL; dtor runs when the slab goes back to the host
 *   (zone destruction).  `limit` 0: none.
 * - 0, ENOMEM, EINVAL (size 0 or above 64 KiB).
 */
int vm_zone_create(struct vm_zone_set *, const char *name, size_t size,
    size_t align, int flags, void (*ctor)(void *), void (*dtor)(void *),
    uint64_t limit, struct vm_zone **);
/* NULL when the host, the limit or the account refuses.  Does not block. */
void *zalloc(struct vm_zone *);
/* Any thread may free what another allocated.  Debug builds poison, check
 * red zones and detect double frees. */
void zfree(struct vm_zone *, void *item);
uint64_t vm_zone_live(const struct vm_zone *);
/* For tests: true when ptr is an item of this zone (live or free). */
bool vm_zone_owns(const struct vm_zone *, const void *ptr);

#endif /* MEM_VM_ZONE_H */
