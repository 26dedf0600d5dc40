/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Checking: walk the invariants of the VM system and name each broken one.
 *
 * Purpose: tests call these after operations, so that a bug is found at the
 * operation that made it.
 *
 * Concepts.  Each check compares two independent records of one fact: the
 * entry list and the entry tree, the index of an object and the back pointers
 * of its pages, shadow lists and backing pointers, the translations of a pmap
 * and what a fault would find, the frames counted by the allocator and the
 * frames found.  Messages go to standard error, at most CHECK_SHOW a call.
 *
 * Locking: vm_check_vmspace() holds the map lock for writing, so that no
 * fault or unmap of this vmspace runs; it walks an object chain hand over
 * hand.  Other vmspaces may go on: a translation that does not match is
 * looked at again before it is reported, because another thread may have been
 * about to remove it.  vm_check_system() needs a quiescent system; it takes
 * locks only because the functions that it calls assert them.
 *
 * Limits: cost is linear in translations, pages and frames ever used.
 */
#include "vm/vm_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "libk/kassert.h"
#include "pmap/pmap.h"
#include "vm/object/vm_object_int.h"
#include "mem/vm_page.h"
#include "vm/vmspace.h"

#define CHECK_SHOW 20
#define CHECK_RETRIES 3

struct check {
	const char *what; /* "vmspace", "system" */
	uint64_t id;
	int bad;
	uint64_t owned;  /* arena frames found in objects */
	uint64_t blocks; /* swap blocks found in objects and pages */
};

static void __attribute__((format(printf, 2, 3)))
check_bad(struct check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->bad++ >= CHECK_SHOW)
		return;
	fprintf(
	    stderr, "vm_check: %s %llu: ", c->what, (unsigned long long)c->id);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

#define CHECK(c, cond, ...)                          \
	do {                                         \
		if (!(cond))                         \
			check_bad((c), __VA_ARGS__); \
	} while (0)

#define ULL(x) ((unsigned long long)(x))

/* ---- one map ---- */

/*
 * In-order walk of a subtree: order against the list, augmented values,
 * parents.  *next is the list entry that should come next.
 */
static void
check_tree(struct check *c, struct vm_map_entry *e, struct vm_map_entry *parent,
    struct vm_map_entry **next, uint64_t *n)
{
	struct vm_map_entry *l, *r;
	vm_offset_t gap;

	if (e == NULL)
		return;
	l = RB_LEFT(e, tree);
	r = RB_RIGHT(e, tree);
	CHECK(c, RB_PARENT(e, tree) == parent, "entry %llx: wrong tree parent",
	    ULL(e->start));
	check_tree(c, l, e, next, n);
	CHECK(
	    c, *next == e, "entry %llx: tree and list disagree", ULL(e->start));
	if (*next != NULL)
		*next = TAILQ_NEXT(*next, link);
	++*n;
	gap = e->gap;
	if (l != NULL && l->max_gap > gap)
		gap = l->max_gap;
	if (r != NULL && r->max_gap > gap)
		gap = r->max_gap;
	CHECK(c, e->max_gap == gap, "entry %llx: max_gap %llx, is %llx",
	    ULL(e->start), ULL(e->max_gap), ULL(gap));
	check_tree(c, r, e, next, n);
}

/* What an entry says about its object. */
static void
check_entry_object(
    struct check *c, struct vm_system *sys, struct vm_map_entry *e)
{
	struct vm_object *obj = e->object;

	CHECK(c,
	    (e->eflags & (MAP_ENTRY_NEEDS_COPY | MAP_ENTRY_COW)) !=
		MAP_ENTRY_NEEDS_COPY,
	    "entry %llx: NEEDS_COPY of a mapping that is not COW",
	    ULL(e->start));
	CHECK(c, (e->uffd != NULL) == ((e->eflags & MAP_ENTRY_UFFD) != 0),
	    "entry %llx: flags %x and its server do not agree", ULL(e->start),
	    e->eflags);
	if (obj == NULL)
		return;
	CHECK(c, (e->offset & PAGE_MASK) == 0, "entry %llx: offset %llx",
	    ULL(e->start), ULL(e->offset));
	vm_object_lock(obj);
	kmutex_lock(&sys->topology);
	CHECK(c, vm_life_refs(&obj->life) > 0, "entry %llx: object %llu dead",
	    ULL(e->start), ULL(obj->id));
	CHECK(c, *e->obj_link.le_prev == e,
	    "entry %llx: not on the list of object %llu", ULL(e->start),
	    ULL(obj->id));
	/* A file may be shorter than its mappings: SIGBUS there. */
	if ((obj->type == OBJT_DEFAULT || obj->type == OBJT_SWAP) &&
	    (obj->flags & OBJ_NAMED) == 0)
		CHECK(c,
		    OFF_TO_IDX(e->offset + (e->end - e->start)) <= obj->size,
		    "entry %llx-%llx: offset %llx beyond object %llu (%llu "
		    "pages)",
		    ULL(e->start), ULL(e->end), ULL(e->offset), ULL(obj->id),
		    ULL(obj->size));
	kmutex_unlock(&sys->topology);
	vm_object_unlock(obj);
}

static void
check_entries(struct check *c, struct vm_map *map)
{
	struct vm_map_entry *e, *next;
	vm_offset_t last = map->min;
	uint64_t n = 0, size = 0, commit = 0, ntree = 0;

	TAILQ_FOREACH (e, &map->list, link) {
		n++;
		size += e->end - e->start;
		if ((e->eflags & MAP_ENTRY_ACCOUNT) != 0)
			commit += e->end - e->start;
		CHECK(c, e->map == map, "entry %llx: wrong map", ULL(e->start));
		CHECK(c,
		    ((e->start | e->end) & PAGE_MASK) == 0 &&
			e->start < e->end && e->end <= map->max,
		    "entry %llx-%llx: bad range", ULL(e->start), ULL(e->end));
		CHECK(c, e->start >= last, "entry %llx: overlaps up to %llx",
		    ULL(e->start), ULL(last));
		CHECK(c, e->gap == e->start - last,
		    "entry %llx: gap %llx, is %llx", ULL(e->start), ULL(e->gap),
		    ULL(e->start - last));
		CHECK(c, (e->prot & ~e->max_prot) == 0,
		    "entry %llx: prot %x beyond %x", ULL(e->start), e->prot,
		    e->max_prot);
		CHECK(c,
		    (e->eflags & (MAP_ENTRY_COW | MAP_ENTRY_SHARED)) !=
			(MAP_ENTRY_COW | MAP_ENTRY_SHARED),
		    "entry %llx: private and shared", ULL(e->start));
		check_entry_object(c, map->sys, e);
		last = e->end;
	}
	CHECK(c, n == map->nentries, "nentries %llu, are %llu",
	    ULL(map->nentries), ULL(n));
	CHECK(c, size == map->size, "size %llx, is %llx", ULL(map->size),
	    ULL(size));
	CHECK(c, commit == map->commit, "commit %llx, is %llx",
	    ULL(map->commit), ULL(commit));
	next = TAILQ_FIRST(&map->list);
	check_tree(c, RB_ROOT(&map->tree), NULL, &next, &ntree);
	CHECK(c, ntree == n, "%llu entries on the list, %llu in the tree",
	    ULL(n), ULL(ntree));
}

/*
 * What a read fault at idx would find in the chain: the page, with its flags
 * at that time, and in *depth how far behind the front object.  NULL: nothing
 * resident.
 */
static struct vm_page *
check_chain_lookup(struct vm_object *obj, vm_pindex_t idx, unsigned *depth,
    uint32_t *flags, bool *clean)
{
	struct vm_object *back;
	struct vm_page *m;

	*depth = 0;
	vm_object_lock(obj);
	while (vm_object_empty_at(obj, idx) && (back = obj->backing) != NULL) {
		idx += OFF_TO_IDX(obj->backing_off);
		vm_object_lock(back);
		vm_object_unlock(obj);
		obj = back;
		++*depth;
	}
	m = vm_page_lookup(obj, idx);
	*flags = m != NULL ? m->flags : 0;
	*clean = m != NULL && m->swap != SWBLK_NONE;
	vm_object_unlock(obj);
	return (m);
}

/* Why the translation va -> frame is wrong, or NULL. */
static const char *
check_translation(struct vm_map *map, struct vm_map_entry *e, vm_offset_t va,
    vm_frame_t frame, vm_prot_t prot)
{
	struct vm_page *m;
	unsigned depth;
	uint32_t flags;
	bool clean;

	if (e == NULL || va < e->start)
		return ("lies in no entry");
	if ((prot & ~VM_PROT_USABLE(e->prot)) != 0)
		return ("allows more than its entry");
	if (e->object == NULL)
		return ("entry has no object");
	if (frame >= map->sys->phys->npages + map->sys->phys->ndev)
		return ("frame is outside the arena");
	m = check_chain_lookup(e->object,
	    OFF_TO_IDX(e->offset + (va - e->start)), &depth, &flags, &clean);
	if (m == NULL)
		return ("no page in the chain");
	if (vm_page_frame(map->sys->phys, m) != frame)
		return ("frame is not what the chain has");
	if ((flags & PG_MAPPED) == 0)
		return ("page is not PG_MAPPED");
	if ((flags & PG_VALID) == 0)
		return ("page is not valid");
	if ((prot & VM_PROT_WRITE) == 0)
		return (NULL);
	if ((e->eflags & MAP_ENTRY_NEEDS_COPY) != 0)
		return ("writable, but the entry needs a copy");
	if (depth > 0)
		return ("writable page of a backing object");
	if (clean)
		return ("writable page with a copy in swap");
	if ((e->eflags & MAP_ENTRY_COW) != 0 && vm_object_foreign(e->object))
		return ("private mapping writes to the file's page");
	return (NULL);
}

static void
check_pmap(struct check *c, struct vm_map *map)
{
	struct vm_map_entry *e = TAILQ_FIRST(&map->list);
	struct pmap *pm = map->pmap;
	const char *why;
	vm_offset_t va = 0;
	vm_frame_t frame = 0;
	vm_prot_t prot = 0;
	uint64_t n, before, after;

	for (; pmap_next(pm, &va, VM_MAX_ADDRESS); va += PAGE_SIZE) {
		while (e != NULL && e->end <= va)
			e = TAILQ_NEXT(e, link);
		why = NULL;
		for (int i = 0; i < CHECK_RETRIES; i++) {
			why = NULL;
			if (!pmap_lookup(pm, va, &frame, &prot))
				break;
			why = check_translation(map, e, va, frame, prot);
			if (why == NULL)
				break;
		}
		if (why != NULL)
			check_bad(c, "translation %llx -> frame %u prot %x: %s",
			    ULL(va), frame, prot, why);
	}
	/* Nothing is entered while the map is locked; other threads may take
	 * pages away. */
	before = atomic_load(&pm->resident);
	n = pmap_count(pm, 0, VM_MAX_ADDRESS);
	after = atomic_load(&pm->resident);
	CHECK(c, after <= n && n <= before, "%llu translations, %llu counted",
	    ULL(n), ULL(after));
}

int
vm_check_vmspace(struct vmspace *vm)
{
	struct check c = {.what = "vmspace", .id = vm->id};
	struct vm_map *map = &vm->map;
	struct vm_life life;

	vm_map_lock(map);
	/* One look at both: other threads ref and free it meanwhile. */
	atomic_init(&life.w, atomic_load(&vm->life.w));
	CHECK(&c, vm_life_holds(&life) >= vm_life_refs(&life),
	    "%u holds for %u refs", vm_life_holds(&life), vm_life_refs(&life));
	CHECK(&c, map->pmap == vm->pmap && map->sys == vm->sys,
	    "map of another vmspace");
	CHECK(&c, !map->dead || map->nentries == 0, "dead with %llu entries",
	    ULL(map->nentries));
	check_entries(&c, map);
	if (c.bad == 0 && vm->pmap != NULL)
		check_pmap(&c, map);
	vm_map_unlock(map);
	return (c.bad);
}

/* ---- objects ---- */

/* Index against back pointers.  Object locked. */
static void
check_object_pages(struct check *c, struct vm_object *obj, struct vm_phys *ph)
{
	uint64_t idx = 0, value, n = 0, blocks = 0, busy = 0;

	for (; radix_next(&obj->index, &idx, &value); idx++) {
		struct vm_page *m = vm_slot_page(value);

		if (obj->type == OBJT_DEFAULT || obj->type == OBJT_SWAP)
			CHECK(c, idx < obj->size,
			    "object %llu: page at %llu beyond size %llu",
			    ULL(obj->id), ULL(idx), ULL(obj->size));
		if (vm_slot_is_swap(value)) {
			blocks++;
			c->blocks += vm_slot_blk(value) != SWBLK_LOST;
			if (idx == UINT64_MAX)
				break;
			continue;
		}
		n++;
		busy += (m->flags & PG_BUSY) != 0;
		c->blocks += m->swap != SWBLK_NONE;
		CHECK(c, m->object == obj && m->pindex == idx,
		    "object %llu: page at %llu belongs elsewhere", ULL(obj->id),
		    ULL(idx));
		if ((m->flags & PG_FICTITIOUS) == 0) {
			CHECK(c,
			    m >= ph->pages && m < ph->pages + ph->fresh &&
				m->free == PHYS_USED,
			    "object %llu: page at %llu is free", ULL(obj->id),
			    ULL(idx));
			c->owned++;
		}
		CHECK(c, (m->flags & (PG_VALID | PG_BUSY)) != 0,
		    "object %llu: page at %llu neither valid nor busy",
		    ULL(obj->id), ULL(idx));
		CHECK(c, (m->flags & (PG_BUSY | PG_WANTED)) != PG_WANTED,
		    "object %llu: page at %llu has waiters but is not busy",
		    ULL(obj->id), ULL(idx));
		if (idx == UINT64_MAX)
			break;
	}
	CHECK(c, n == obj->resident && n + blocks == obj->index.count,
	    "object %llu: resident %llu, index %llu, found %llu", ULL(obj->id),
	    ULL(obj->resident), ULL(obj->index.count), ULL(n));
	CHECK(c, busy == obj->busy, "object %llu: busy %llu, found %llu",
	    ULL(obj->id), ULL(obj->busy), ULL(busy));
	CHECK(c, blocks == obj->swapped,
	    "object %llu: swapped %llu, found %llu", ULL(obj->id),
	    ULL(obj->swapped), ULL(blocks));
	CHECK(c, blocks == 0 || obj->type != OBJT_DEFAULT,
	    "object %llu: in swap, but of type default", ULL(obj->id));
}

/* Shadow lists, entry lists, refs.  Topology and list lock held. */
static void
check_object_links(struct check *c, struct vm_object *obj, uint64_t nobjects)
{
	struct vm_object *s, *back;
	struct vm_map_entry *e;
	uint64_t nshadow = 0, nentry = 0, depth = 0;

	LIST_FOREACH (s, &obj->shadows, shadow_link) {
		CHECK(c, s->backing == obj,
		    "object %llu: shadow %llu is backed by another",
		    ULL(obj->id), ULL(s->id));
		if (nshadow++ > nobjects)
			break;
	}
	CHECK(c, nshadow == obj->shadow_count,
	    "object %llu: shadow_count %u, are %llu", ULL(obj->id),
	    obj->shadow_count, ULL(nshadow));
	LIST_FOREACH (e, &obj->entries, obj_link) {
		CHECK(c, e->object == obj,
		    "object %llu: entry %llx names another", ULL(obj->id),
		    ULL(e->start));
		nentry++;
	}
	CHECK(c, vm_life_refs(&obj->life) >= nentry + nshadow,
	    "object %llu: %u refs for %llu entries and %llu shadows",
	    ULL(obj->id), vm_life_refs(&obj->life), ULL(nentry), ULL(nshadow));
	CHECK(c, (obj->backing_off & PAGE_MASK) == 0,
	    "object %llu: backing_off %llx", ULL(obj->id),
	    ULL(obj->backing_off));
	CHECK(c,
	    obj->backing == NULL || obj->type == OBJT_DEFAULT ||
		obj->type == OBJT_SWAP,
	    "object %llu: type %d with a backing object", ULL(obj->id),
	    (int)obj->type);
	CHECK(c, (obj->type == OBJT_DEVICE) == (obj->cdev != NULL),
	    "object %llu: type %d does not go with its device", ULL(obj->id),
	    (int)obj->type);
	CHECK(c, (obj->type == OBJT_VNODE) == (obj->vops != NULL),
	    "object %llu: type %d does not go with its vnode", ULL(obj->id),
	    (int)obj->type);
	if (obj->backing != NULL) {
		CHECK(c, *obj->shadow_link.le_prev == obj,
		    "object %llu: not on a shadow list", ULL(obj->id));
		CHECK(c, vm_life_refs(&obj->backing->life) > 0,
		    "object %llu: backing object is dead", ULL(obj->id));
	}
	for (back = obj; back != NULL && depth <= nobjects; depth++)
		back = back->backing;
	CHECK(c, back == NULL, "object %llu: chain is a ring", ULL(obj->id));
}

static void
check_objects(struct check *c, struct vm_system *sys)
{
	struct vm_object *obj;
	uint64_t n = 0, shadows = 0, backed = 0;

	kmutex_lock(&sys->list_lock);
	TAILQ_FOREACH (obj, &sys->objects, link)
		n++;
	TAILQ_FOREACH (obj, &sys->objects, link) {
		CHECK(c, obj->sys == sys, "object %llu: of another system",
		    ULL(obj->id));
		vm_object_lock(obj);
		kmutex_lock(&sys->topology);
		check_object_pages(c, obj, sys->phys);
		check_object_links(c, obj, n);
		shadows += obj->shadow_count;
		backed += obj->backing != NULL;
		CHECK(c, obj->paging == 0, "object %llu: paging %u at rest",
		    ULL(obj->id), obj->paging);
		kmutex_unlock(&sys->topology);
		vm_object_unlock(obj);
	}
	kmutex_unlock(&sys->list_lock);
	CHECK(c, shadows == backed, "%llu shadows listed, %llu backed",
	    ULL(shadows), ULL(backed));
}

/* ---- frames ---- */

/* A free run at frame f: alignment, buddy, inside.  Returns its length. */
static uint64_t
check_run(struct check *c, struct vm_phys *ph, uint64_t f)
{
	struct vm_page *m = &ph->pages[f];
	uint64_t n = (uint64_t)1 << m->order;
	uint64_t buddy = f ^ n;

	if (m->order >= VM_PHYS_ORDERS || f + n > ph->fresh) {
		check_bad(
		    c, "frame %llu: free run of order %u", ULL(f), m->order);
		return (1);
	}
	CHECK(c, (f & (n - 1)) == 0, "frame %llu: run of order %u misaligned",
	    ULL(f), m->order);
	if (m->order < VM_PHYS_ORDERS - 1 && buddy < ph->fresh)
		CHECK(c,
		    ph->pages[buddy].free != PHYS_HEAD ||
			ph->pages[buddy].order != m->order,
		    "frame %llu: buddies of order %u not joined", ULL(f),
		    m->order);
	for (uint64_t i = 1; i < n; i++)
		CHECK(c, m[i].free == PHYS_INNER,
		    "frame %llu: not free, but inside a free run", ULL(f + i));
	return (n);
}

static void
check_free_lists(struct check *c, struct vm_phys *ph, uint64_t *listed)
{
	struct vm_page *m;
	uint64_t hot = 0;

	*listed = 0;
	for (unsigned o = 0; o < VM_PHYS_ORDERS; o++)
		TAILQ_FOREACH (m, &ph->freelist[o], link) {
			CHECK(c, m->free == PHYS_HEAD && m->order == o,
			    "frame %u: state %u order %u on list %u",
			    vm_page_frame(ph, m), m->free, m->order, o);
			*listed += (uint64_t)1 << o;
		}
	TAILQ_FOREACH (m, &ph->hot, link) {
		CHECK(c, m->free == PHYS_HOTFREE, "frame %u: hot but not free",
		    vm_page_frame(ph, m));
		hot++;
	}
	CHECK(
	    c, hot == ph->nhot, "%u hot frames, are %llu", ph->nhot, ULL(hot));
	*listed += hot;
}

static void
check_frames(struct check *c, struct vm_phys *ph)
{
	uint64_t nfree = 0, owned = 0, orphans = 0, listed, f = 0, n;

	kmutex_lock(&ph->lock);
	check_free_lists(c, ph, &listed);
	for (; f < ph->fresh; f += n) {
		struct vm_page *m = &ph->pages[f];

		n = 1;
		if (m->free == PHYS_HEAD || m->free == PHYS_HOTFREE) {
			if (m->free == PHYS_HEAD)
				n = check_run(c, ph, f);
			nfree += n;
			CHECK(c,
			    m->object == NULL && atomic_load(&m->hold) == 0,
			    "frame %llu: free, but in use", ULL(f));
		} else if (m->object != NULL)
			owned++;
		else if (atomic_load(&m->hold) > PG_HOLD_FREE)
			orphans++;
		else
			check_bad(c, "frame %llu: lost (state %u hold %x)",
			    ULL(f), m->free, atomic_load(&m->hold));
	}
	CHECK(c, listed == nfree, "%llu frames on free lists, %llu free",
	    ULL(listed), ULL(nfree));
	nfree += ph->npages - ph->fresh;
	CHECK(c, nfree == atomic_load(&ph->nfree), "nfree %llu, are %llu",
	    ULL(atomic_load(&ph->nfree)), ULL(nfree));
	CHECK(c, owned == c->owned,
	    "%llu frames have an object, objects have %llu", ULL(owned),
	    ULL(c->owned));
	CHECK(c, nfree + owned + orphans == ph->npages,
	    "%llu free + %llu owned + %llu held of %llu frames", ULL(nfree),
	    ULL(owned), ULL(orphans), ULL(ph->npages));
	kmutex_unlock(&ph->lock);
}

/* The charge of the system is the sum of those of maps and objects. */
static void
check_commit(struct check *c, struct vm_system *sys)
{
	const struct vm_object *o;
	const struct vmspace *vm;
	uint64_t sum = 0;

	kmutex_lock(&sys->list_lock);
	TAILQ_FOREACH (vm, &sys->vmspaces, link)
		sum += vm->map.commit + vm->map.spare;
	TAILQ_FOREACH (o, &sys->objects, link)
		sum += o->committed;
	kmutex_unlock(&sys->list_lock);
	CHECK(c, sum == atomic_load(&sys->committed),
	    "%llx bytes committed, found %llx",
	    ULL(atomic_load(&sys->committed)), ULL(sum));
}

int
vm_check_system(struct vm_system *sys)
{
	struct check c = {.what = "system"};

	check_commit(&c, sys);
	check_objects(&c, sys);
	check_frames(&c, sys->phys);
	CHECK(&c, c.blocks == swap_space_used(sys->swap),
	    "%llu swap blocks in use, %llu found",
	    ULL(swap_space_used(sys->swap)), ULL(c.blocks));
	return (c.bad);
}
