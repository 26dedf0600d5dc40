/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Maps: what is mapped where, with which rights, and under which limits.
 *
 * Purpose: the operations on ranges of an address space from which the user
 * calls (vm_mmap.c, vm_mremap.c, vm_madvise.c), fork and exit are made.
 *
 * Concepts: a map is a set of entries that do not overlap.  An entry maps a
 * range of an object, or of memory that has no object yet (anonymous, never
 * touched).  Private entries carry MAP_ENTRY_COW; those whose object may have
 * other users carry MAP_ENTRY_NEEDS_COPY too, until the first write fault puts
 * a shadow in front.
 *
 * Every operation on a range is the same four steps: split entries at the
 * borders, change what is between, adjust translations, merge again.  Splits
 * are the only step that can fail, and a split without a change is invisible,
 * so an operation that fails with ENOMEM has changed nothing.
 *
 * Commit charge (vm_commit.c): an entry with MAP_ENTRY_ACCOUNT is charged with
 * its length to map->commit and to the system.  Entries that may need memory of
 * their own are charged: private entries from the moment they are writable (the
 * charge stays when write permission is removed, because the pages stay).
 * Shared anonymous memory is charged to its object.  An entry with
 * MAP_ENTRY_NORESERVE is not charged.
 *
 * An operation charges the system first (vm_map_admit), into map->spare; the
 * entries that it makes take from spare, those that it removes give to it, and
 * what is left goes back to the system when the map is unlocked.  So a mapping
 * that replaces another needs only the difference, and no other map can take
 * the charge in between.
 *
 * Stacks: an entry with MAP_ENTRY_GROWSDOWN marks the free range below it as
 * its own.  vm_map_growstack() adds an entry below it, which carries the flag
 * too; a run of such entries is one stack.
 *
 * Data structures: vm_map_entry.c.  `trash` holds absorbed entries with
 * object refs, `purging` counts in-place page removals (below).
 *
 * Locking and lifetime: the map lock, a reader-writer lock.  Lock order: map,
 * object, topology, pmap.  Nothing here does I/O or waits for a page under
 * the map lock.  Object refs are dropped when it is not held: removed entries
 * are put on a list of the caller, absorbed ones into the trash.  Values that
 * were read under the lock may be wrong after its release: a fault that unlocks
 * for I/O starts over.
 *
 * Purges: madvise removes pages of a private object with the map unlocked
 * (it may wait for busy pages).  If the object became shared meanwhile, the
 * purge would remove pages of the other mapping as well.  So fork and mremap,
 * which make objects shared, take the lock with vm_map_lock_quiet(), which
 * waits until no purge is under way.
 *
 * Guarantees: entries are ordered and disjoint, gaps exact, size, commit and
 * locked the sums over the entries (vm_check_vmspace).  No operation leaves a
 * translation that its result does not allow, once pmap_sync() returns: the
 * callers of vm_map_protect and vm_map_delete (through the list) do that
 * after unlocking.
 *
 * Limits: no maximum number of entries beyond that of the zone.
 */
#include "vm/map/vm_map.h"

#include <errno.h>

#include "libk/kassert.h"
#include "vm/map/vm_map_int.h"
#include "vm/object/vm_commit.h"
#include "mem/vm_zone.h"
#include "vm/map/vm_space.h"

#define STACK_CHUNK (32 * PAGE_SIZE) /* least growth of a stack */

void
vm_map_init(struct vm_map *map, struct vm_system *sys, struct pmap *pmap,
    vm_offset_t min, vm_offset_t max)
{
	krwlock_init(&map->lock, "vm_map", KRANK_MAP, KLOCK_DUPOK);
	kmutex_init(&map->purge_lock, "vm_map_purge", KRANK_LEAF, 0);
	kcond_init(&map->purge_cond);
	RB_INIT(&map->tree);
	TAILQ_INIT(&map->list);
	TAILQ_INIT(&map->trash);
	map->min = min;
	map->max = max;
	map->nentries = 0;
	map->size = 0;
	map->size_peak = 0;
	map->commit = 0;
	map->spare = 0;
	map->as_limit = UINT64_MAX;
	map->locked = 0;
	map->lock_limit = UINT64_MAX;
	map->lock_future = VM_LOCK_FUTURE_NONE;
	map->purging = 0;
	atomic_init(&map->hint, 0);
	map->pmap = pmap;
	map->sys = sys;
	map->dead = false;
	map->sealed = false;
}

void
vm_map_destroy(struct vm_map *map)
{
	KVERIFY(TAILQ_EMPTY(&map->list) && RB_EMPTY(&map->tree));
	KVERIFY(TAILQ_EMPTY(&map->trash) && map->nentries == 0);
	KVERIFY(map->size == 0 && map->commit == 0 && map->locked == 0);
	KVERIFY(map->purging == 0 && map->spare == 0);
	kcond_destroy(&map->purge_cond);
	kmutex_destroy(&map->purge_lock);
	krwlock_destroy(&map->lock);
}

/* ---- the lock ---- */

void
vm_map_lock(struct vm_map *map)
{
	krwlock_wrlock(&map->lock);
}

void
vm_map_unlock(struct vm_map *map)
{
	struct vm_map_list trash;

	krwlock_assert_wlocked(&map->lock);
	TAILQ_INIT(&trash);
	TAILQ_CONCAT(&trash, &map->trash, link);
	if (map->spare != 0)
		vm_commit_release(map->sys, map->spare);
	map->spare = 0;
	krwlock_unlock(&map->lock);
	vm_map_clones_free(map, &trash);
}

void
vm_map_lock_read(struct vm_map *map)
{
	krwlock_rdlock(&map->lock);
}

void
vm_map_unlock_read(struct vm_map *map)
{
	krwlock_unlock(&map->lock);
}

/* Is no purge under way? */
static bool
map_quiet(struct vm_map *map)
{
	bool quiet;

	kmutex_lock(&map->purge_lock);
	quiet = map->purging == 0;
	kmutex_unlock(&map->purge_lock);
	return (quiet);
}

void
vm_map_lock_quiet(struct vm_map *map)
{
	for (;;) {
		vm_map_lock(map);
		if (map_quiet(map))
			return;
		vm_map_unlock(map);
		kmutex_lock(&map->purge_lock);
		while (map->purging != 0)
			kcond_wait(&map->purge_cond, &map->purge_lock);
		kmutex_unlock(&map->purge_lock);
	}
}

void
vm_map_purge_begin(struct vm_map *map)
{
	krwlock_assert_locked(&map->lock);
	kmutex_lock(&map->purge_lock);
	map->purging++;
	kmutex_unlock(&map->purge_lock);
}

void
vm_map_purge_end(struct vm_map *map)
{
	kmutex_lock(&map->purge_lock);
	KASSERT(map->purging > 0);
	if (--map->purging == 0)
		kcond_broadcast(&map->purge_cond);
	kmutex_unlock(&map->purge_lock);
}

static bool
entry_trylock(struct vm_map_entry *e)
{
	struct vm_map *map = e->map;

	if (!krwlock_trywrlock(&map->lock))
		return (false);
	/* It may be on its way out, unlinked from the map only; or its object
	 * is being purged by a thread that knows it as the entry's. */
	if (map_quiet(map) && vm_map_lookup(map, e->start, NULL) == e)
		return (true);
	vm_map_unlock(map);
	return (false);
}

static void
entry_unlock(struct vm_map_entry *e)
{
	vm_map_unlock(e->map);
}

const struct vm_entry_ops vm_map_entry_ops = {
    .trylock = entry_trylock,
    .unlock = entry_unlock,
};

/* ---- limits ---- */

static bool
over_limit(uint64_t used, uint64_t less, uint64_t more, uint64_t limit)
{
	KASSERT(less <= used);
	used -= less;
	return (more > less && (used > limit || more > limit - used));
}

int
vm_map_admit(struct vm_map *map, uint64_t len, uint64_t charge,
    uint64_t less_len, uint64_t less_charge)
{
	uint64_t have = map->spare + less_charge;

	krwlock_assert_wlocked(&map->lock);
	if (over_limit(map->size, less_len, len, map->as_limit))
		return (ENOMEM);
	if (charge <= have)
		return (0);
	if (vm_commit_reserve(map->sys, charge - have) != 0)
		return (ENOMEM);
	map->spare += charge - have;
	return (0);
}

int
vm_map_admit_locked(const struct vm_map *map, uint32_t eflags, uint64_t len)
{
	if ((eflags & MAP_ENTRY_WIRED) != 0 &&
	    over_limit(map->locked, 0, len, map->lock_limit))
		return (EAGAIN);
	return (0);
}

void
vm_map_measure(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    uint64_t *bytes, uint64_t *charge)
{
	const struct vm_map_entry *e;
	uint64_t n = 0, c = 0, len;

	for (e = vm_map_first(map, start); e != NULL && e->start < end;
	     e = TAILQ_NEXT(e, link)) {
		len = (e->end < end ? e->end : end) -
		      (e->start > start ? e->start : start);
		n += len;
		if ((e->eflags & MAP_ENTRY_ACCOUNT) != 0)
			c += len;
	}
	*bytes = n;
	*charge = c;
}

/* Is a private entry with this protection to be charged? */
static bool
wants_charge(uint32_t eflags, vm_prot_t prot)
{
	return ((eflags & (MAP_ENTRY_SHARED | MAP_ENTRY_NORESERVE |
			      MAP_ENTRY_ACCOUNT)) == 0 &&
		(prot & VM_PROT_WRITE) != 0);
}

/* ---- inserting and removing ---- */

/* Is nothing in [start, end)?  Then *prev is the entry below, or NULL. */
static bool
range_is_free(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    struct vm_map_entry **prev)
{
	const struct vm_map_entry *next;

	if (vm_map_lookup(map, start, prev) != NULL)
		return (false);
	next =
	    *prev != NULL ? TAILQ_NEXT(*prev, link) : TAILQ_FIRST(&map->list);
	return (next == NULL || next->start >= end);
}

int
vm_map_insert_entry(struct vm_map *map, const struct vm_map_entry *tmpl,
    struct vm_map_list *dead)
{
	vm_offset_t start = tmpl->start, end = tmpl->end;
	uint64_t gone = 0, uncharged = 0;
	struct vm_map_entry *e, *prev = NULL;
	uint32_t eflags = tmpl->eflags;
	int error;

	krwlock_assert_wlocked(&map->lock);
	if (start >= end || ((start | end) & PAGE_MASK) != 0 ||
	    start < map->min || end > map->max)
		return (EINVAL);
	if ((eflags & MAP_ENTRY_NORESERVE) != 0)
		eflags &= ~(uint32_t)MAP_ENTRY_ACCOUNT;
	if (wants_charge(eflags, tmpl->prot))
		eflags |= MAP_ENTRY_ACCOUNT;
	if (map->lock_future != VM_LOCK_FUTURE_NONE)
		eflags |= MAP_ENTRY_WIRED;
	/* Before anything is removed, and so with what is to go: as Linux. */
	error = vm_map_admit_locked(map, eflags, end - start);
	if (error != 0)
		return (error);
	if (!range_is_free(map, start, end, &prev)) {
		if (dead == NULL)
			return (EEXIST);
		vm_map_measure(map, start, end, &gone, &uncharged);
	}
	error = vm_map_admit(map, end - start,
	    (eflags & MAP_ENTRY_ACCOUNT) != 0 ? end - start : 0, gone,
	    uncharged);
	if (error != 0)
		return (error);
	/* As Linux, which looks before it removes or merges. */
	if (map->nentries > VM_MAP_ENTRIES_MAX) {
		vm_stat_add(map->sys, VMST_ENTRIES, 1);
		return (ENOMEM);
	}
	e = vm_map_entry_alloc(map);
	if (e == NULL)
		return (ENOMEM);
	if (gone != 0) {
		error = vm_map_delete(map, start, end, dead);
		if (error != 0) {
			vm_map_entry_dispose(map, e);
			return (error);
		}
		(void)range_is_free(map, start, end, &prev);
	}
	vm_map_entry_copy(e, tmpl);
	e->eflags = eflags;
	if (e->object == NULL)
		e->offset = 0;
	vm_map_entry_enter(map, e, prev);
	vm_map_account(map, e, true);
	if (e->object != NULL)
		vm_object_link_entry(e);
	vm_map_simplify(map, e);
	return (0);
}

int
vm_map_insert(struct vm_map *map, struct vm_object *obj, vm_ooffset_t off,
    vm_offset_t start, vm_offset_t end, vm_prot_t prot, vm_prot_t max,
    enum vm_inherit inherit, uint32_t eflags)
{
	const struct vm_map_entry tmpl = {
	    .start = start,
	    .end = end,
	    .object = obj,
	    .offset = off,
	    .prot = prot,
	    .max_prot = max,
	    .inherit = (uint8_t)inherit,
	    .eflags = eflags,
	};

	return (vm_map_insert_entry(map, &tmpl, NULL));
}

/* Make both ends of a range borders.  ENOMEM: nothing changed. */
static int
clip_range(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	int error;

	error = vm_map_clip(map, start);
	if (error == 0 && end < map->max) {
		error = vm_map_clip(map, end);
		if (error != 0)
			vm_map_simplify_range(map, start, start);
	}
	return (error);
}

int
vm_map_delete(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    struct vm_map_list *dead)
{
	struct vm_map_entry *e, *next;
	int error;

	krwlock_assert_wlocked(&map->lock);
	e = vm_map_first(map, start);
	if (e == NULL || e->start >= end)
		return (0);
	if (vm_map_range_sealed(map, start, end))
		return (EPERM);
	/* Most often it is just one entry, from border to border. */
	if (e->start < start || e->end != end) {
		error = clip_range(map, start, end);
		if (error != 0)
			return (error);
		e = vm_map_first(map, start);
	}
	pmap_remove(map->pmap, start, end);
	for (; e != NULL && e->start < end; e = next) {
		next = TAILQ_NEXT(e, link);
		vm_map_account(map, e, false);
		vm_map_entry_detach(map, e);
		TAILQ_INSERT_TAIL(dead, e, link);
	}
	return (0);
}

void
vm_map_delete_all(struct vm_map *map, struct vm_map_list *dead)
{
	krwlock_assert_wlocked(&map->lock);
	pmap_remove(map->pmap, map->min, map->max);
	atomic_store_explicit(&map->hint, 0, memory_order_relaxed);
	TAILQ_CONCAT(dead, &map->list, link);
	RB_INIT(&map->tree);
	map->nentries = 0;
	map->size = 0;
	map->spare += map->commit;
	map->commit = 0;
	map->locked = 0;
}

int
vm_map_entry_refresh(
    struct vm_map *map, struct vm_map_entry *e, struct vm_map_list *dead)
{
	struct vm_map_entry *n, *prev;

	n = vm_map_entry_alloc(map);
	if (n == NULL)
		return (ENOMEM);
	vm_map_entry_copy(n, e);
	vm_map_object_fresh(e, e->start, &n->object, &n->offset);
	n->eflags &= ~(uint32_t)MAP_ENTRY_NEEDS_COPY;
	if (n->object != NULL && (n->eflags & MAP_ENTRY_SHARED) == 0)
		n->eflags |= MAP_ENTRY_NEEDS_COPY;
	pmap_remove(map->pmap, e->start, e->end);
	prev = TAILQ_PREV(e, vm_map_list, link);
	vm_map_entry_detach(map, e);
	TAILQ_INSERT_TAIL(dead, e, link);
	vm_map_entry_enter(map, n, prev);
	if (n->object != NULL)
		vm_object_link_entry(n);
	return (0);
}

/* ---- changing ---- */

/* Set the protection of one entry; *reduced when translations lost rights. */
static int
entry_protect(struct vm_map *map, struct vm_map_entry *e, vm_prot_t prot)
{
	const vm_prot_t usable = VM_PROT_USABLE(prot);
	uint64_t len = e->end - e->start;

	if (wants_charge(e->eflags, prot)) {
		if (vm_map_admit(map, 0, len, 0, 0) != 0)
			return (ENOMEM);
		e->eflags |= MAP_ENTRY_ACCOUNT;
		map->commit += len;
		map->spare -= len;
	}
	if ((VM_PROT_USABLE(e->prot) & ~usable) != 0)
		pmap_protect(map->pmap, e->start, e->end, usable);
	e->prot = prot;
	return (0);
}

int
vm_map_protect(
    struct vm_map *map, vm_offset_t start, vm_offset_t end, vm_prot_t prot)
{
	struct vm_map_entry *e;
	vm_offset_t at = start;
	int error = 0;

	krwlock_assert_wlocked(&map->lock);
	if (start >= end)
		return (0);
	for (e = vm_map_first(map, start); at < end; e = TAILQ_NEXT(e, link)) {
		if (e == NULL || e->start > at) {
			error = ENOMEM;
			break;
		}
		if ((prot & ~e->max_prot) != 0) {
			error = EACCES;
			break;
		}
		if ((e->eflags & MAP_ENTRY_SEALED) != 0) {
			error = EPERM;
			break;
		}
		if (prot != e->prot) {
			error = clip_range(map, at, end);
			if (error != 0)
				break;
			e = vm_map_lookup(map, at, NULL);
			error = entry_protect(map, e, prot);
			if (error != 0)
				break;
		}
		at = e->end;
	}
	vm_map_simplify_range(map, start, end);
	return (error);
}

static void
entry_set_attr(struct vm_map *map, struct vm_map_entry *e, uint32_t clear,
    uint32_t set, int inherit)
{
	uint64_t len = e->end - e->start;

	if ((e->eflags & clear & MAP_ENTRY_WIRED) != 0)
		map->locked -= len;
	e->eflags &= ~clear;
	if ((set & ~e->eflags & MAP_ENTRY_WIRED) != 0)
		map->locked += len;
	e->eflags |= set;
	vm_map_entry_note_wired(e);
	if (inherit == VM_INHERIT_NATIVE)
		inherit = (e->eflags & MAP_ENTRY_SHARED) != 0 ? VM_INHERIT_SHARE
							      : VM_INHERIT_COPY;
	if (inherit != VM_INHERIT_KEEP)
		e->inherit = (uint8_t)inherit;
}

int
vm_map_set_attr(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    uint32_t clear, uint32_t set, int inherit)
{
	struct vm_map_entry *e;
	vm_offset_t at = start;
	bool hole = false;
	int error;

	krwlock_assert_wlocked(&map->lock);
	error = clip_range(map, start, end);
	if (error != 0)
		return (error);
	for (e = vm_map_first(map, start); e != NULL && e->start < end;
	     e = TAILQ_NEXT(e, link)) {
		if (e->start > at)
			hole = true;
		entry_set_attr(map, e, clear, set, inherit);
		at = e->end;
	}
	vm_map_simplify_range(map, start, end);
	return (hole || at < end ? ENOMEM : 0);
}

int
vm_map_set_inherit(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    enum vm_inherit inherit)
{
	return (vm_map_set_attr(map, start, end, 0, 0, (int)inherit));
}

/* ---- stacks ---- */

/* The lowest address to which the stack that begins with e may grow. */
static vm_offset_t
stack_floor(struct vm_map *map, const struct vm_map_entry *e, uint64_t limit)
{
	const struct vm_map_entry *prev, *top = e, *n;
	vm_offset_t floor = map->min;

	while ((n = TAILQ_NEXT(top, link)) != NULL && n->start == top->end &&
	       (n->eflags & MAP_ENTRY_GROWSDOWN) != 0)
		top = n;
	prev = TAILQ_PREV(e, vm_map_list, link);
	if (prev != NULL) {
		floor = prev->end;
		/* As Linux: no guard against what cannot be hit unseen. */
		if (prev->prot != VM_PROT_NONE &&
		    (prev->eflags & MAP_ENTRY_GROWSDOWN) == 0)
			floor += VM_STACK_GUARD;
	}
	if (limit < top->end && floor < top->end - limit)
		floor = round_page(top->end - limit);
	return (floor);
}

static int
growstack_locked(struct vmspace *vm, vm_offset_t page)
{
	struct vm_map *map = &vm->map;
	const struct vm_map_entry *e;
	struct vm_map_entry tmpl = {0};
	vm_offset_t floor, start;
	int error;

	if (map->dead)
		return (ESRCH);
	e = vm_map_first(map, page);
	if (e == NULL)
		return (EFAULT);
	if (e->start <= page)
		return (0);
	if ((e->eflags & MAP_ENTRY_GROWSDOWN) == 0)
		return (EFAULT);
	floor = stack_floor(map, e, vm->stack_limit);
	if (page < floor || page < map->min)
		return (EFAULT);
	start = e->start > floor + STACK_CHUNK ? e->start - STACK_CHUNK : floor;
	if (start > page)
		start = page;
	vm_map_entry_copy(&tmpl, e);
	tmpl.end = e->start;
	tmpl.object = NULL;
	tmpl.offset = 0;
	tmpl.eflags &= ~(uint32_t)(MAP_ENTRY_NEEDS_COPY | MAP_ENTRY_ACCOUNT |
				   MAP_ENTRY_GUARD);
	tmpl.start = start;
	error = vm_map_insert_entry(map, &tmpl, NULL);
	if (error != 0 && start < page) {
		tmpl.start = page;
		error = vm_map_insert_entry(map, &tmpl, NULL);
	}
	return (error != 0 ? EFAULT : 0);
}

int
vm_map_growstack(struct vmspace *vm, vm_offset_t va)
{
	int error;

	vm_map_lock(&vm->map);
	error = growstack_locked(vm, trunc_page(va));
	vm_map_unlock(&vm->map);
	return (error);
}
