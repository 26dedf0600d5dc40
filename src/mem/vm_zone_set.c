/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Zones: making, counting and unmaking them.  The theory is in vm_zone.c.
 *
 * Zones of a set form a list that only grows until the set is destroyed, so
 * it is read without a lock; a zone is complete before it is linked.  The
 * memory of set and zones comes from the host by the page, so that everything
 * a kernel takes is counted in one place.
 *
 * Destruction: report what is live, withdraw the slots, so that threads that
 * live on cannot find their magazines, then give the memory back.
 */
#include "mem/vm_zone.h"

#include <errno.h>
#include <stdio.h>

#include "libk/kassert.h"
#include "mem/vm_zone_int.h"

/* ---- counts ---- */

static void
zone_stats(struct vm_zone *z, struct vm_zone_stats *st)
{
	const struct zone_mag *m;
	uint64_t allocs, frees;

	kmutex_lock(&z->lock);
	allocs = z->allocs;
	frees = z->frees;
	LIST_FOREACH (m, &z->mags, link) {
		/* Frees first: a pair seen half must not count as -1. */
		frees += atomic_load_explicit(&m->frees, memory_order_relaxed);
		allocs +=
		    atomic_load_explicit(&m->allocs, memory_order_relaxed);
	}
	*st = (struct vm_zone_stats){
	    .name = z->name,
	    .size = z->size,
	    .live = allocs > frees ? allocs - frees : 0,
	    .slabs = z->nslabs * z->slab_bytes,
	    .allocs = allocs,
	    .fails = z->fails,
	    .limit = z->limit,
	};
	st->cached = z->nslabs * z->slab_items;
	st->cached -= st->live < st->cached ? st->live : st->cached;
	st->peak = z->peak > st->live ? z->peak : st->live;
	kmutex_unlock(&z->lock);
}

uint64_t
vm_zone_live(const struct vm_zone *z)
{
	struct vm_zone_stats st;

	/* The zone is not changed, only locked. */
	zone_stats((struct vm_zone *)(uintptr_t)z, &st);
	return (st.live);
}

void
vm_zone_foreach(const struct vm_zone_set *set,
    void (*fn)(void *arg, const struct vm_zone_stats *), void *arg)
{
	struct vm_zone_stats st;
	struct vm_zone *z;

	for (z = atomic_load_explicit(&set->first, memory_order_acquire);
	     z != NULL;
	     z = atomic_load_explicit(&z->next, memory_order_acquire)) {
		zone_stats(z, &st);
		fn(arg, &st);
	}
}

static void
zone_add_live(void *arg, const struct vm_zone_stats *st)
{
	*(uint64_t *)arg += st->live;
}

uint64_t
vm_zone_set_live(const struct vm_zone_set *set)
{
	uint64_t n = 0;

	vm_zone_foreach(set, zone_add_live, &n);
	return (n);
}

bool
vm_zone_owns(const struct vm_zone *cz, const void *ptr)
{
	struct vm_zone *z = (struct vm_zone *)(uintptr_t)cz;
	const struct zone_slab *s;
	bool found = false;

	kmutex_lock(&z->lock);
	TAILQ_FOREACH (s, &z->slabs, link) {
		uintptr_t off = (uintptr_t)ptr - (uintptr_t)s->items;

		if (off < z->slab_items * z->stride) {
			found = off % z->stride == 0;
			break;
		}
	}
	kmutex_unlock(&z->lock);
	return (found);
}

/* ---- making and unmaking ---- */

static void
zone_layout(struct vm_zone *z)
{
	size_t head, room, end = zone_round(z->size, 8);

	if ((z->flags & ZF_CHARGE) != 0) {
		z->acct_at = end;
		end += sizeof(struct kmem_acct *);
	}
	z->stride = zone_round(end + ZONE_TRAILER, z->align);
	room = ZONE_SLAB_ITEMS * z->stride;
	head = sizeof(struct zone_slab) + z->align;
	z->slab_bytes = ZONE_SLAB_SIZE;
	if (room + head + ZONE_SLAB_ITEMS * sizeof(void *) > z->slab_bytes)
		z->slab_bytes = zone_round(
		    room + head + ZONE_SLAB_ITEMS * sizeof(void *), ZONE_PAGE);
	z->slab_items =
	    (uint32_t)((z->slab_bytes - head) / (z->stride + sizeof(void *)));
	z->mag_cap = ZONE_MAG_MAX;
	if (ZONE_MAG_BYTES / z->stride < ZONE_MAG_MAX)
		z->mag_cap = (uint32_t)(ZONE_MAG_BYTES / z->stride);
	if (z->mag_cap < 2)
		z->mag_cap = 2;
}

static int
zone_make(struct vm_zone_set *set, const char *name, size_t size, size_t align,
    int flags, bool mags, struct vm_zone **out)
{
	struct vm_zone *z;
	void *p;
	int error;

	_Static_assert(sizeof(*z) <= ZONE_PAGE, "a zone fits a page");
	error = set->host.ops->mem_alloc(set->host.self, ZONE_PAGE, &p);
	if (error != 0)
		return (error);
	z = p;
	z->set = set;
	z->size = size;
	z->align = align;
	z->flags = flags;
	z->slot = mags ? 0 : ZONE_NOSLOT;
	snprintf(z->name, sizeof(z->name), "%s", name);
	zone_layout(z);
	TAILQ_INIT(&z->slabs);
	LIST_INIT(&z->mags);
	error = vm_zone_slot_take(z);
	if (error != 0) {
		set->host.ops->mem_free(set->host.self, z, ZONE_PAGE);
		return (error);
	}
	kmutex_init(&z->lock, "zone", KRANK_ZONE, 0);
	*out = z;
	return (0);
}

int
vm_zone_create(struct vm_zone_set *set, const char *name, size_t size,
    size_t align, int flags, void (*ctor)(void *), void (*dtor)(void *),
    uint64_t limit, struct vm_zone **out)
{
	struct vm_zone *z;
	int error;

	if (align == 0)
		align = ZONE_ALIGN;
	if (size == 0 || size > ZONE_SIZE_MAX || align > ZONE_PAGE ||
	    (align & (align - 1)) != 0)
		return (EINVAL);
	if (align < sizeof(void *))
		align = sizeof(void *);
	KASSERT(ctor == NULL || (flags & ZF_ZERO) == 0);
	error = zone_make(set, name, size, align, flags, true, &z);
	if (error != 0)
		return (error);
	z->ctor = ctor;
	z->dtor = dtor;
	z->limit = limit;
	kmutex_lock(&set->lock);
	if (set->last == NULL)
		atomic_store_explicit(&set->first, z, memory_order_release);
	else
		atomic_store_explicit(
		    &set->last->next, z, memory_order_release);
	set->last = z;
	kmutex_unlock(&set->lock);
	*out = z;
	return (0);
}

static void
zone_destroy(struct vm_zone *z)
{
	const struct host *h = &z->set->host;
	struct zone_slab *s;

	while ((s = TAILQ_FIRST(&z->slabs)) != NULL) {
		TAILQ_REMOVE(&z->slabs, s, link);
		if (z->dtor != NULL)
			for (uint32_t i = 0; i < z->slab_items; i++)
				z->dtor(s->items + i * z->stride);
		ASAN_UNPOISON_MEMORY_REGION(s, z->slab_bytes);
		h->ops->mem_free(h->self, s, z->slab_bytes);
	}
	kmutex_destroy(&z->lock);
	h->ops->mem_free(h->self, z, ZONE_PAGE);
}

int
vm_zone_set_create(struct host host, struct vm_zone_set **out)
{
	struct vm_zone_set *set;
	void *p;
	int error;

	error = host.ops->mem_alloc(host.self, ZONE_PAGE, &p);
	if (error != 0)
		return (error);
	set = p;
	set->host = host;
	error = zone_make(set, "magazine", sizeof(struct zone_mag), 64, 0,
	    false, &set->magzone);
	if (error != 0) {
		host.ops->mem_free(host.self, set, ZONE_PAGE);
		return (error);
	}
	kmutex_init(&set->lock, "zone set", KRANK_ZONE, 0);
	*out = set;
	return (0);
}

static void
zone_report_live(void *arg, const struct vm_zone_stats *st)
{
	if (st->live == 0)
		return;
	*(uint64_t *)arg += st->live;
	fprintf(stderr, "vmspace: zone %s: %llu items live at destruction\n",
	    st->name, (unsigned long long)st->live);
}

void
vm_zone_set_destroy(struct vm_zone_set *set)
{
	struct vm_zone *z, *next;
	uint64_t live = 0;

	vm_zone_foreach(set, zone_report_live, &live);
	KASSERT(live == 0);
	z = atomic_load(&set->first);
	vm_zone_slots_drop(z);
	for (; z != NULL; z = next) {
		next = atomic_load(&z->next);
		zone_destroy(z);
	}
	zone_destroy(set->magzone);
	kmutex_destroy(&set->lock);
	set->host.ops->mem_free(set->host.self, set, ZONE_PAGE);
}
