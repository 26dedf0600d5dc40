/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Accounting: what a vmspace and a system look like from outside.
 *
 * Concepts: readers own a ref or a hold and lock the map for reading, one entry
 * at a time where names are needed (a name comes from the vnode, which is
 * called with no lock held).  A dead vmspace is empty, not an error, except
 * where the caller walks it.
 *
 * Exact: sizes, entries, translations, event counts (when quiet).  Estimates:
 * anonymous and swapped pages, since pages of a chain that a front object
 * hides count too, and an object mapped by several entries counts once for
 * each.  The proportional size divides the pages of each object by the number
 * of its refs: right where all users see all of it.
 */
#include "vm/vm_meter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libk/kassert.h"
#include "vm/swap/swap_space.h"
#include "vm/map/vm_map_int.h"
#include "vm/object/vm_commit.h"
#include "vm/object/vm_object_int.h"
#include "vmspace/vmspace.h"

static const char *const stat_names[VMST_N] = {
    [VMST_FAULTS] = "faults",
    [VMST_ZFOD] = "zfod",
    [VMST_COW] = "cow",
    [VMST_COW_OPT] = "cow_opt",
    [VMST_FILE_IN] = "file_in",
    [VMST_FILE_OUT] = "file_out",
    [VMST_SOFT] = "soft",
    [VMST_AROUND] = "around",
    [VMST_AHEAD] = "ahead",
    [VMST_COPYIO] = "copyio",
    [VMST_SEGV] = "segv",
    [VMST_ENTRIES] = "entries_refused",
    [VMST_COLLAPSE] = "collapse",
    [VMST_BYPASS] = "bypass",
    [VMST_RECLAIM] = "reclaim",
    [VMST_SWAPIN] = "swap_in",
    [VMST_SWAPOUT] = "swap_out",
    [VMST_SWAPDROP] = "swap_drop",
    [VMST_SWAPFAIL] = "swap_fail",
    [VMST_READAHEAD] = "readahead",
    [VMST_CACHEOUT] = "cache_out",
    [VMST_CACHEIN] = "cache_in",
    [VMST_DEACT] = "deactivated",
    [VMST_SCAN] = "scanned",
    [VMST_OOM] = "oom",
    [VMST_THRASH] = "thrashing",
    [VMST_FORGET] = "forget",
    [VMST_FORK] = "fork",
};

const char *
vm_stat_name(enum vm_stat s)
{
	KASSERT((unsigned)s < VMST_N && stat_names[s] != NULL);
	return (stat_names[s]);
}

/* ---- one vmspace ---- */

/* Name and identity of what is mapped; obj may be NULL.  No lock held. */
static void
info_identify(struct vm_entry_info *info, struct vm_object *obj)
{
	if (obj != NULL && obj->vops != NULL) {
		if (obj->vops->name != NULL)
			obj->vops->name(
			    obj->handle, info->name, sizeof(info->name));
		if (obj->vops->ident != NULL)
			obj->vops->ident(obj->handle, &info->dev, &info->ino);
	} else if ((info->eflags & MAP_ENTRY_HEAP) != 0)
		snprintf(info->name, sizeof(info->name), "[heap]");
	else if ((info->eflags & MAP_ENTRY_STACK) != 0)
		snprintf(info->name, sizeof(info->name), "[stack]");
}

int
vmspace_entry_info(
    struct vmspace *vm, vm_offset_t va, struct vm_entry_info *info)
{
	struct vm_map *map = &vm->map;
	const struct vm_map_entry *e;
	struct vm_object *bottom;
	vm_ooffset_t off;

	vm_map_lock_read(map);
	e = map->dead ? NULL : vm_map_first(map, va);
	if (e == NULL) {
		int error = map->dead ? ESRCH : ENOENT;

		vm_map_unlock_read(map);
		return (error);
	}
	memset(info, 0, sizeof(*info));
	info->start = e->start;
	info->end = e->end;
	info->eflags = e->eflags;
	info->prot = e->prot;
	info->max_prot = e->max_prot;
	info->inherit = e->inherit;
	if (e->object != NULL) {
		info->object_id = e->object->id;
		info->depth = vm_object_chain_depth(e->object);
		info->resident =
		    pmap_count(vm->pmap, e->start, e->end) * PAGE_SIZE;
	}
	vm_map_object_bottom(e, e->start, &bottom, &off);
	vm_map_unlock_read(map);

	if (bottom != NULL && bottom->vops != NULL)
		info->offset = off;
	info_identify(info, bottom);
	if (bottom != NULL)
		vm_object_free(bottom);
	return (0);
}

int
vmspace_entry_vnode(
    struct vmspace *vm, vm_offset_t start, vm_offset_t end, void **handle)
{
	struct vm_map *map = &vm->map;
	struct vm_object *bottom = NULL;
	const struct vm_map_entry *e;
	vm_ooffset_t off;
	int error = ENOENT;

	vm_map_lock_read(map);
	e = map->dead ? NULL : vm_map_first(map, start);
	if (e != NULL && e->start == start && e->end == end)
		vm_map_object_bottom(e, e->start, &bottom, &off);
	vm_map_unlock_read(map);
	if (bottom == NULL)
		return (ENOENT);
	if (bottom->vops != NULL) {
		bottom->vops->ref(bottom->handle);
		*handle = bottom->handle;
		error = 0;
	}
	vm_object_free(bottom);
	return (error);
}

void
vmspace_sizes(struct vmspace *vm, struct vm_sizes *out)
{
	const struct vm_map_entry *e;
	struct vm_sizes s = {0};
	uint64_t len;

	vm_map_lock_read(&vm->map);
	s.peak = vm->map.size_peak;
	TAILQ_FOREACH (e, &vm->map.list, link) {
		len = e->end - e->start;
		if ((e->eflags & (MAP_ENTRY_STACK | MAP_ENTRY_GROWSDOWN)) != 0)
			s.stack += len;
		else if ((e->prot & VM_PROT_WRITE) == 0)
			s.text += (e->prot & VM_PROT_EXECUTE) != 0 ? len : 0;
		else if ((e->eflags & MAP_ENTRY_SHARED) == 0)
			s.data += len;
	}
	vm_map_unlock_read(&vm->map);
	*out = s;
}

unsigned
vmspace_entry_chain(struct vmspace *vm, vm_offset_t va,
    struct vm_chain_info *info, unsigned max)
{
	static const char *const types[] = {
	    [OBJT_DEFAULT] = "default",
	    [OBJT_SWAP] = "swap",
	    [OBJT_VNODE] = "vnode",
	    [OBJT_DEVICE] = "device",
	};
	const struct vm_map_entry *e;
	struct vm_object *o = NULL, *back;
	unsigned n = 0;

	vm_map_lock_read(&vm->map);
	e = vm->map.dead ? NULL : vm_map_lookup(&vm->map, va, NULL);
	if (e != NULL && (o = e->object) != NULL)
		vm_object_lock(o);
	while (o != NULL && n < max) {
		info[n++] = (struct vm_chain_info){
		    .id = o->id,
		    .type = types[o->type],
		    .refs = vm_life_refs(&o->life),
		    .holds = vm_life_holds(&o->life),
		    .resident = o->resident,
		    .swapped = o->swapped,
		};
		back = o->backing;
		if (back != NULL)
			vm_object_lock(back);
		vm_object_unlock(o);
		o = back;
	}
	if (o != NULL)
		vm_object_unlock(o);
	vm_map_unlock_read(&vm->map);
	return (n);
}

/* Pages of a range, or of many. */
struct page_counts {
	uint64_t anon;    /* resident in anonymous objects */
	uint64_t swapped; /* in swap */
	uint64_t share;   /* resident, divided by users; 1/256 of pages */
};

/* Resident and swapped pages of the object in [lo, hi).  Object locked. */
static void
object_count(struct vm_object *obj, vm_pindex_t lo, vm_pindex_t hi,
    uint64_t *resident, uint64_t *swapped)
{
	uint64_t slot;

	if (lo == 0 && hi >= obj->size) {
		*resident = obj->resident;
		*swapped = obj->swapped;
		return;
	}
	*resident = *swapped = 0;
	for (vm_pindex_t i = lo; vm_object_next_slot(obj, &i, &slot) && i < hi;
	     i++) {
		if (vm_slot_is_swap(slot))
			++*swapped;
		else
			++*resident;
	}
}

/* Add what the entry's chain holds in the entry's window. */
static void
entry_count(const struct vm_map_entry *e, struct page_counts *c)
{
	vm_pindex_t lo = OFF_TO_IDX(e->offset);
	vm_pindex_t len = OFF_TO_IDX(e->end - e->start);
	struct vm_object *obj = e->object, *back;
	uint64_t resident, swapped, refs;

	if (obj == NULL)
		return;
	vm_object_lock(obj);
	for (;;) {
		object_count(obj, lo, lo + len, &resident, &swapped);
		if (vm_object_is_anon(obj)) {
			c->anon += resident;
			c->swapped += swapped;
		}
		refs = vm_life_refs(&obj->life);
		c->share += resident * 256 / (refs != 0 ? refs : 1);
		back = obj->backing;
		if (back == NULL)
			break;
		lo += OFF_TO_IDX(obj->backing_off);
		vm_object_lock(back);
		vm_object_unlock(obj);
		obj = back;
	}
	vm_object_unlock(obj);
}

int
vmspace_entry_pages(
    struct vmspace *vm, vm_offset_t va, struct vm_entry_pages *out)
{
	struct page_counts c = {0};
	const struct vm_map_entry *e;
	int error = ESRCH;

	vm_map_lock_read(&vm->map);
	if (!vm->map.dead) {
		e = vm_map_lookup(&vm->map, va, NULL);
		error = e == NULL ? ENOENT : 0;
		if (e != NULL)
			entry_count(e, &c);
	}
	vm_map_unlock_read(&vm->map);
	if (error == 0)
		*out = (struct vm_entry_pages){.anon = c.anon * PAGE_SIZE,
		    .swapped = c.swapped * PAGE_SIZE,
		    .share = c.share * PAGE_SIZE / 256};
	return (error);
}

/* Map locked. */
static uint8_t
page_bits(struct vmspace *vm, const struct vm_map_entry *e, vm_offset_t va)
{
	const bool shared = (e->eflags & MAP_ENTRY_SHARED) != 0;
	struct vm_map_page pg;
	bool present;

	vm_map_object_page(e, va, &pg);
	/* Pageout removes translations of private pages that stay. */
	present = pmap_lookup(vm->pmap, va, NULL, NULL) ||
		  (pg.resident && pg.anon && !shared);
	if (present)
		return (VM_PAGES_PRESENT |
			(shared || !pg.anon ? VM_PAGES_SHARED : 0));
	return (pg.swapped && !shared ? VM_PAGES_SWAPPED : 0);
}

int
vmspace_pages(struct vmspace *vm, vm_offset_t va, size_t n, uint8_t *bits)
{
	const struct vm_map_entry *e;

	memset(bits, 0, n);
	vm_map_lock_read(&vm->map);
	if (vm->map.dead) {
		vm_map_unlock_read(&vm->map);
		return (ESRCH);
	}
	e = vm_map_first(&vm->map, va);
	for (size_t i = 0; i < n && e != NULL; i++, va += PAGE_SIZE) {
		if (va >= e->end)
			e = TAILQ_NEXT(e, link);
		if (e != NULL && va >= e->start)
			bits[i] = page_bits(vm, e, va);
	}
	vm_map_unlock_read(&vm->map);
	return (0);
}

/* Map locked. */
static void
map_count(const struct vm_map *map, struct page_counts *c)
{
	const struct vm_map_entry *e;

	memset(c, 0, sizeof(*c));
	TAILQ_FOREACH (e, &map->list, link)
		entry_count(e, c);
}

static struct page_counts
vmspace_count(struct vmspace *vm)
{
	struct page_counts c;

	vm_map_lock_read(&vm->map);
	map_count(&vm->map, &c);
	vm_map_unlock_read(&vm->map);
	return (c);
}

uint64_t
vmspace_anonymous_count(struct vmspace *vm)
{
	return (vmspace_count(vm).anon);
}

uint64_t
vmspace_swap_count(struct vmspace *vm)
{
	return (vmspace_count(vm).swapped);
}

bool
vmspace_footprint(struct vmspace *vm, uint64_t *resident, uint64_t *swapped)
{
	struct page_counts c;

	if (!krwlock_tryrdlock(&vm->map.lock))
		return (false);
	map_count(&vm->map, &c);
	vm_map_unlock_read(&vm->map);
	*resident = atomic_load(&vm->pmap->resident);
	if (c.anon > *resident)
		*resident = c.anon;
	*swapped = c.swapped;
	return (true);
}

void
vmspace_stat(struct vmspace *vm, struct vmspace_stat *st)
{
	struct page_counts c;

	memset(st, 0, sizeof(*st));
	st->id = vm->id;
	st->refs = vm_life_refs(&vm->life);
	st->holds = vm_life_holds(&vm->life);
	st->exiting = vm_life_exiting(&vm->life);
	vm_map_lock_read(&vm->map);
	st->size = vm->map.size;
	st->entries = vm->map.nentries;
	st->wired = vm->map.locked;
	map_count(&vm->map, &c);
	vm_map_unlock_read(&vm->map);
	st->resident = atomic_load(&vm->pmap->resident) * PAGE_SIZE;
	st->resident_peak = atomic_load(&vm->pmap->resident_peak) * PAGE_SIZE;
	st->anon = c.anon * PAGE_SIZE;
	/* Pageout takes translations away to see which pages are used. */
	if (st->resident < st->anon)
		st->resident = st->anon;
	st->swap = c.swapped * PAGE_SIZE;
	st->pss = c.share * PAGE_SIZE / 256;
	st->minflt = atomic_load(&vm->usage.minflt);
	st->majflt = atomic_load(&vm->usage.majflt);
	st->zfod = atomic_load(&vm->usage.zfod);
	st->cow = atomic_load(&vm->usage.cow);
	st->swapin = atomic_load(&vm->usage.swapin);
}

/* ---- the system ---- */

static uint64_t
count_vmspaces(struct vm_system *sys)
{
	struct vmspace *vm;
	uint64_t n = 0;

	kmutex_lock(&sys->list_lock);
	TAILQ_FOREACH (vm, &sys->vmspaces, link)
		n++;
	kmutex_unlock(&sys->list_lock);
	return (n);
}

void
vm_system_stat(struct vm_system *sys, struct vm_system_stat *st)
{
	struct vm_object_totals t;
	uint64_t used, peak;

	memset(st, 0, sizeof(*st));
	st->mem = sys->phys->npages * PAGE_SIZE;
	st->free = atomic_load(&sys->phys->nfree) * PAGE_SIZE;
	used = st->mem - st->free;
	peak = atomic_load(&sys->peak_used) * PAGE_SIZE;
	st->peak = peak > used ? peak : used;
	st->swap_size = swap_space_size(sys->swap) * PAGE_SIZE;
	st->swap_used = swap_space_used(sys->swap) * PAGE_SIZE;
	st->vmspaces = count_vmspaces(sys);
	vm_object_totals(sys, &t);
	st->objects = t.objects;
	st->file_pages = t.file_pages;
	st->anon_pages = t.anon_pages;
	st->swapped_pages = t.swapped_pages;
	st->cached_pages = t.cached_pages;
	st->named = atomic_load(&sys->named_pages) * PAGE_SIZE;
	st->committed = vm_commit_used(sys);
	st->commit_limit = vm_commit_limit(sys);
	for (int i = 0; i < VMST_N; i++)
		st->stat[i] = counter_read(&sys->stat[i]);
}
