/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Memory policies of mappings: a number of the layer above, which is stored in
 * map entries and reported.  There is one node of memory, so that no policy has
 * an effect.  0 is the default.
 *
 * Locking: calls are entered and left without locks.
 */
#include <errno.h>

#include "vm/mmap/vm_mmap_int.h"

/* Is there a hole in the range?  *any: something is mapped.  Map locked. */
static bool
range_has_hole(
    struct vm_map *map, vm_offset_t start, vm_offset_t end, bool *any)
{
	vm_offset_t at = start;
	struct vm_map_part p;
	bool hole = false;

	*any = false;
	while (vm_map_next_part(map, &at, end, &hole, &p))
		*any = true;
	return (hole || at < end);
}

int
vm_set_policy(
    struct vmspace *vm, vm_offset_t addr, uint64_t len, uint16_t policy)
{
	struct vm_map *map = &vm->map;
	struct vm_map_entry *e;
	vm_offset_t end;
	bool any, hole;
	int error;

	error = vm_range_check(addr, len, &end);
	if (error != 0)
		return (error);
	vm_map_lock(map);
	hole = range_has_hole(map, addr, end, &any);
	if (map->dead)
		error = ESRCH;
	else if (!any || (hole && policy != 0))
		error = EFAULT;
	if (error == 0)
		error = vm_map_clip(map, addr);
	if (error == 0 && end < map->max)
		error = vm_map_clip(map, end);
	if (error == 0)
		for (e = vm_map_first(map, addr); e != NULL && e->start < end;
		     e = TAILQ_NEXT(e, link))
			e->policy = policy;
	vm_map_simplify_range(map, addr, end);
	vm_map_unlock(map);
	return (error);
}

int
vm_get_policy(struct vmspace *vm, vm_offset_t addr, uint16_t *policy)
{
	const struct vm_map_entry *e;

	vm_map_lock_read(&vm->map);
	e = vm->map.dead ? NULL : vm_map_lookup(&vm->map, addr, NULL);
	if (e != NULL)
		*policy = e->policy;
	vm_map_unlock_read(&vm->map);
	return (e != NULL ? 0 : EFAULT);
}

int
vm_home_node(struct vmspace *vm, vm_offset_t addr, uint64_t len, uint32_t modes,
    uint16_t flags)
{
	const struct vm_map_entry *e;
	int error = ENOENT;
	vm_offset_t end;

	if (vm_range_check(addr, len, &end) != 0)
		return (EINVAL);
	vm_map_lock_read(&vm->map);
	for (e = vm_map_first(&vm->map, addr); e != NULL && e->start < end;
	     e = TAILQ_NEXT(e, link)) {
		if (e->policy == 0)
			continue;
		error = (modes >> (e->policy & ~(uint32_t)flags) & 1) != 0
			    ? 0
			    : EOPNOTSUPP;
		if (error != 0)
			break;
	}
	vm_map_unlock_read(&vm->map);
	return (error);
}
