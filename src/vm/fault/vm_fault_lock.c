/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Page faults: the locks that a fault holds.
 *
 * Concepts: fi->held says which of the map and of the objects first, mid and
 * obj are locked.  Each stage releases locks by these functions only, so that
 * fault_try() can release what is left.  See vm_fault.c for their order.
 */
#include "vm/fault/vm_fault_int.h"

#include "libk/kassert.h"

void
vm_fault_unlock(struct vm_faultinfo *fi, unsigned which)
{
	which &= fi->held;
	fi->held &= ~which;
	if ((which & FAULT_OBJ) != 0)
		vm_object_unlock(fi->obj);
	if ((which & FAULT_MID) != 0)
		vm_object_unlock(fi->mid);
	if ((which & FAULT_FIRST) != 0)
		vm_object_unlock(fi->first);
	/* Last: it may free objects, which needs that no lock is held. */
	if ((which & FAULT_MAP_WRITE) != 0)
		vm_map_unlock(fi->map);
	else if ((which & FAULT_MAP_READ) != 0)
		vm_map_unlock_read(fi->map);
}

void
vm_fault_lock_first(struct vm_faultinfo *fi)
{
	KASSERT((fi->held & FAULT_OBJECTS) == 0);
	vm_object_lock(fi->first);
	fi->held |= FAULT_FIRST;
}

struct vm_object *
vm_fault_take_obj(struct vm_faultinfo *fi)
{
	struct vm_object *o = fi->obj;

	vm_object_hold(o);
	fi->held &= ~(unsigned)(o == fi->first ? FAULT_FIRST : FAULT_OBJ);
	vm_fault_unlock(fi, FAULT_ALL);
	return (o);
}
