/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The VM state of one kernel: zones, arena, locks.
 *
 * All state hangs off struct vm_system, so that kernels in one process share
 * none.  Vmspaces and objects are reached by tryhold from lists, through
 * pointers that may be stale.  So they are in type-stable zones, and their lock
 * and life word stay usable when the structure is freed and used again: the
 * constructor makes these (an object's lock and condition), and the create
 * calls make the other fields.
 *
 * vm_system_destroy() panics if a vmspace, an object or a frame is left,
 * because a thread may still use it.
 */
#include "mem/vm_types.h"

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "libk/radix.h"
#include "pmap/pmap.h"
#include "vm/swap/swap_space.h"
#include "vm/object/vm_object.h"
#include "vm/pageout/vm_pageout.h"
#include "mem/vm_page.h"
#include "mem/vm_zone.h"
#include "vm/vmspace.h"

#define LOW_MAX ((uint64_t)8192)    /* 32 MiB */
#define RESERVE_MAX ((uint64_t)256) /* 1 MiB */
#define RESERVE_FROM ((uint64_t)4096)

static void
object_ctor(void *item)
{
	struct vm_object *obj = item;

	memset(obj, 0, sizeof(*obj));
	kmutex_init(&obj->lock, "vm_object", KRANK_OBJECT, KLOCK_DUPOK);
	kcond_init(&obj->busy_cond);
}

static void
object_dtor(void *item)
{
	struct vm_object *obj = item;

	kcond_destroy(&obj->busy_cond);
	kmutex_destroy(&obj->lock);
}

static void
vmspace_ctor(void *item)
{
	memset(item, 0, sizeof(struct vmspace));
}

static void *
radix_node_alloc(void *arg)
{
	return (zalloc(arg));
}

static void
radix_node_free(void *arg, void *node)
{
	zfree(arg, node);
}

static int
system_zones_create(struct vm_system *sys)
{
	const struct {
		const char *name;
		size_t size, align;
		int flags;
		void (*ctor)(void *);
		void (*dtor)(void *);
		struct vm_zone **out;
	} zones[] = {
	    {"vmspace", sizeof(struct vmspace), 64, 0, vmspace_ctor, NULL,
		&sys->z_vmspace},
	    {"vm_map_entry", sizeof(struct vm_map_entry), 64, ZF_ZERO, NULL,
		NULL, &sys->z_entry},
	    {"vm_object", sizeof(struct vm_object), 64, 0, object_ctor,
		object_dtor, &sys->z_object},
	    {"radix", RADIX_NODE_SIZE, 0, 0, NULL, NULL, &sys->z_radix},
	    {"pmap", sizeof(struct pmap), 64, 0, NULL, NULL, &sys->z_pmap},
	    {"pmap_node", 4096, 64, 0, NULL, NULL, &sys->z_pmap_node},
	};
	int error;

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		error = vm_zone_create(sys->zones, zones[i].name, zones[i].size,
		    zones[i].align, zones[i].flags | ZF_CHARGE, zones[i].ctor,
		    zones[i].dtor, 0, zones[i].out);
		if (error != 0)
			return (error);
	}
	return (0);
}

/* The radix allocator of all objects, in a page of its own. */
static int
system_radix_create(struct vm_system *sys)
{
	struct radix_alloc *ra;
	void *p;
	int error;

	error = sys->host.ops->mem_alloc(sys->host.self, PAGE_SIZE, &p);
	if (error != 0)
		return (error);
	ra = p;
	ra->alloc = radix_node_alloc;
	ra->free = radix_node_free;
	ra->arg = sys->z_radix;
	sys->radix_alloc = ra;
	return (0);
}

/*
 * Watermarks, in frames.  Small systems, as tests make them, have neither: a
 * handful of frames is all they have.
 */
static void
system_watermarks(struct vm_system *sys)
{
	uint64_t n = sys->phys->npages;

	sys->low = n / 64;
	if (sys->low > LOW_MAX)
		sys->low = LOW_MAX;
	sys->reserve = n < RESERVE_FROM ? 0 : n / 512;
	if (sys->reserve > RESERVE_MAX)
		sys->reserve = RESERVE_MAX;
}

int
vm_system_init(struct vm_system *sys, const struct vm_system_config *cf)
{
	int error;

	memset(sys, 0, sizeof(*sys));
	sys->host = cf->host;
	sys->log = cf->log;
	sys->trace = cf->trace;
	sys->pmap_ops = cf->pmap_ops;
	sys->machine = cf->machine;
	sys->oom = cf->oom;
	sys->oom_arg = cf->oom_arg;
	sys->killed = cf->killed;
	sys->swap_idle = cf->swap_idle;
	sys->work = cf->work;
	sys->thrashing = cf->thrashing;
	kmem_init(&sys->kmem, cf->kmem, cf->kfds);
	sys->named_max = cf->named >> PAGE_SHIFT;
	sys->entry_ops = &vm_map_entry_ops;
	TAILQ_INIT(&sys->objects);
	TAILQ_INIT(&sys->vmspaces);
	atomic_init(&sys->next_id, 1);

	error = vm_zone_set_create(sys->host, &sys->zones);
	if (error != 0)
		return (error);
	error = system_zones_create(sys);
	if (error != 0)
		goto free_zones;
	error = system_radix_create(sys);
	if (error != 0)
		goto free_zones;
	error = vm_phys_create(sys->host, cf->mem, cf->devmem, &sys->phys);
	if (error != 0)
		goto free_radix;
	system_watermarks(sys);
	sys->commit_max = cf->reserve
			      ? (sys->phys->npages - sys->low - sys->reserve)
				    << PAGE_SHIFT
			      : UINT64_MAX;
	error = swap_space_create(sys->host, sys->log, &sys->swap);
	if (error != 0)
		goto free_phys;
	error = vm_pageout_create(sys);
	if (error != 0)
		goto free_swap;
	kmutex_init(&sys->cache.lock, "vm_swapcache", KRANK_LEAF, 0);
	kmutex_init(&sys->list_lock, "vm_list", KRANK_OBJLIST, 0);
	kmutex_init(&sys->topology, "vm_topology", KRANK_TOPOLOGY, 0);
	return (0);

free_swap:
	swap_space_destroy(sys->swap);
free_phys:
	vm_phys_destroy(sys->phys);
free_radix:
	sys->host.ops->mem_free(
	    sys->host.self, (void *)(uintptr_t)sys->radix_alloc, PAGE_SIZE);
free_zones:
	vm_zone_set_destroy(sys->zones);
	return (error);
}

void
vm_system_destroy(struct vm_system *sys)
{
	struct vm_zone *const mine[] = {sys->z_vmspace, sys->z_entry,
	    sys->z_object, sys->z_radix, sys->z_pmap, sys->z_pmap_node};

	vm_pageout_destroy(sys);
	KVERIFY(TAILQ_EMPTY(&sys->vmspaces));
	KVERIFY(TAILQ_EMPTY(&sys->objects));
	for (size_t i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
		KVERIFY(vm_zone_live(mine[i]) == 0);
	swap_space_destroy(sys->swap);
	vm_phys_destroy(sys->phys);
	sys->host.ops->mem_free(
	    sys->host.self, (void *)(uintptr_t)sys->radix_alloc, PAGE_SIZE);
	vm_zone_set_destroy(sys->zones);
	KVERIFY(atomic_load(&sys->named_pages) == 0);
	KVERIFY(atomic_load(&sys->committed) == 0);
	for (int i = 0; i < KMEM_KINDS; i++)
		KVERIFY(atomic_load(&sys->kmem.pool[i].used) == 0);
	kmutex_destroy(&sys->cache.lock);
	kmutex_destroy(&sys->topology);
	kmutex_destroy(&sys->list_lock);
}
