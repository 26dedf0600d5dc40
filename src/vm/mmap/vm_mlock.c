/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * mlock, munlock, mlockall, munlockall.
 *
 * Concepts: a lock is a flag of the map entry (MAP_ENTRY_WIRED).  Pageout
 * leaves the pages of such an entry in memory (vm_page_wired).  After setting
 * the flag the call faults in all pages.
 *
 * The map's lock_limit bounds the locked bytes of all entries.  They are locked
 * by mlock, mmap, mremap or, after mlockall(MCL_FUTURE), by each call that
 * makes a mapping.
 *
 * Locking: calls are entered and left without locks.  The flags change under
 * one hold of the write lock; pages are faulted in afterwards.
 *
 * Limits: the lock of a range stays when not all of it could be faulted in, as
 * on Linux.
 */
#include "vm/mmap/vm_mmap_int.h"

#include <errno.h>

#include "abi/mman.h"

/* Bytes of the range that mlock would add to map->locked. */
static uint64_t
unlocked_bytes(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	vm_offset_t at = start;
	bool hole = false;
	uint64_t n = 0;
	struct vm_map_part p;

	while (vm_map_next_part(map, &at, end, &hole, &p)) {
		if ((p.eflags & MAP_ENTRY_WIRED) == 0)
			n += p.end - p.start;
	}
	return (n);
}

/* Set or clear the flag; [*from, *to) are the pages. */
static int
mlock_range(struct vmspace *vm, vm_offset_t addr, uint64_t len, bool lock,
    vm_offset_t *from, vm_offset_t *to)
{
	struct vm_map *map = &vm->map;
	vm_offset_t start = trunc_page(addr), end;
	uint64_t more;
	int error;

	if (len > UINT64_MAX - (addr - start) ||
	    vm_range_check(start, len + (addr - start), &end) != 0)
		return (EINVAL);
	*from = start;
	*to = len != 0 ? end : start;
	if (len == 0)
		return (0);
	vm_map_lock(map);
	if (map->dead) {
		error = ESRCH;
	} else if (!lock) {
		error = vm_map_set_attr(
		    map, start, end, MAP_ENTRY_WIRED, 0, VM_INHERIT_KEEP);
	} else {
		more = unlocked_bytes(map, start, end);
		if (vm_map_admit_locked(map, MAP_ENTRY_WIRED, more) != 0)
			error = map->lock_limit == 0 ? EPERM : ENOMEM;
		else
			error = vm_map_set_attr(map, start, end, 0,
			    MAP_ENTRY_WIRED, VM_INHERIT_KEEP);
	}
	vm_map_unlock(map);
	return (error);
}

int
vm_mlock_onfault(struct vmspace *vm, vm_offset_t addr, uint64_t len)
{
	vm_offset_t start, end;

	return (mlock_range(vm, addr, len, true, &start, &end));
}

int
vm_mlock(struct vmspace *vm, vm_offset_t addr, uint64_t len, bool lock)
{
	vm_offset_t start, end;
	int error;

	error = mlock_range(vm, addr, len, lock, &start, &end);
	if (error != 0 || !lock || start == end)
		return (error);
	error = vm_populate(vm, start, end);
	if (error == ENOMEM)
		return (EAGAIN);
	return (error == 0 || error == ESRCH ? error : ENOMEM);
}

/* Lock every entry that allows some access; a guard has no pages to lock. */
static void
lock_entries(struct vm_map *map)
{
	const struct vm_map_entry *e;
	vm_offset_t at = map->min, end;

	while ((e = vm_map_first(map, at)) != NULL) {
		at = e->start;
		end = e->end;
		if (e->prot != VM_PROT_NONE)
			(void)vm_map_set_attr(
			    map, at, end, 0, MAP_ENTRY_WIRED, VM_INHERIT_KEEP);
		at = end;
	}
}

/* The first wired range at or above *at: true, and *at moves behind it. */
static bool
next_wired(struct vmspace *vm, vm_offset_t *at, vm_offset_t *start)
{
	const struct vm_map_entry *e;

	vm_map_lock_read(&vm->map);
	e = vm->map.dead ? NULL : vm_map_first(&vm->map, *at);
	while (e != NULL && (e->eflags & MAP_ENTRY_WIRED) == 0)
		e = TAILQ_NEXT(e, link);
	if (e != NULL) {
		*start = e->start;
		*at = e->end;
	}
	vm_map_unlock_read(&vm->map);
	return (e != NULL);
}

/* Fault in every locked entry, one at a time; best effort. */
static void
fill_entries(struct vmspace *vm)
{
	vm_offset_t at = 0, start;

	while (next_wired(vm, &at, &start))
		(void)vm_populate(vm, start, at);
}

int
vm_mlockall(struct vmspace *vm, int flags)
{
	const bool current = (flags & LX_MCL_CURRENT) != 0;
	const bool fill = (flags & LX_MCL_ONFAULT) == 0;
	struct vm_map *map = &vm->map;
	int error = 0;

	vm_map_lock(map);
	if (map->dead)
		error = ESRCH;
	else if (map->lock_limit == 0)
		error = EPERM;
	else if (current && map->size > map->lock_limit)
		error = ENOMEM;
	if (error == 0) {
		map->lock_future = (flags & LX_MCL_FUTURE) == 0
				       ? VM_LOCK_FUTURE_NONE
				   : fill ? VM_LOCK_FUTURE_FILL
					  : VM_LOCK_FUTURE_ONFAULT;
		if (current)
			lock_entries(map);
	}
	vm_map_unlock(map);
	if (error == 0 && current && fill)
		fill_entries(vm);
	return (error);
}

int
vm_munlockall(struct vmspace *vm)
{
	struct vm_map *map = &vm->map;
	int error = 0;

	vm_map_lock(map);
	map->lock_future = VM_LOCK_FUTURE_NONE;
	if (map->dead)
		error = ESRCH;
	else
		(void)vm_map_set_attr(map, map->min, map->max, MAP_ENTRY_WIRED,
		    0, VM_INHERIT_KEEP);
	vm_map_unlock(map);
	return (error);
}
