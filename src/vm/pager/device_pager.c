/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The device pager: pages that a device supplies.
 *
 * Purpose: to let guests map a device, page by page as they touch it, without
 * the kernel knowing what the pages mean.
 *
 * Concepts.  A device object is one window onto one device.  Its pages are
 * fictitious: vm_page structures of frames in the device part of the arena
 * (vm_phys_device.c), put into the index when the device says which frame is
 * which page, and taken out again when the object goes or the device takes
 * them back.  Between the two the frame is the device's.  Everything else that
 * holds for pages holds for them: translations need the object's lock, are
 * found by the reverse mapping, and are synced before a page is taken out.
 *
 * Shared mappings write to the device; a private one copies on write into
 * ordinary anonymous pages, as with a file.
 *
 * Locking and lifetime: the device's operations are called without locks, with
 * the object held and counting one paging.  A frame is in at most one object.
 *
 * Guarantees: no frame but one of the device part is ever entered, whatever
 * the device answers; if the device fails, the touch of the page is SIGBUS.
 *
 * Limits: what a device writes through its own pointer is not seen as dirty;
 * no caller needs that.  A pin taken through a translation outlives its
 * removal, as with any page: the owner may still see stores of I/O that was
 * under way.
 */
#include "vm/pager/device_pager.h"

#include <errno.h>

#include "libk/kassert.h"
#include "vm/object/vm_object_int.h"

int
device_pager_alloc(struct vm_system *sys, void *dev,
    const struct cdev_pager_ops *ops, vm_pindex_t npages,
    struct vm_object **out)
{
	struct vm_object *o;
	int error;

	error = vm_object_allocate_hold(sys, OBJT_DEVICE, npages, &o);
	if (error != 0)
		return (error);
	o->cdev = ops;
	o->handle = dev;
	vm_object_unlock(o);
	*out = o;
	return (0);
}

int
device_pager_fault(struct vm_object *o, vm_pindex_t idx, vm_prot_t access)
{
	vm_frame_t f = 0;
	int error = EIO;

	klock_assert_none();
	if (o->cdev->fault(o->handle, idx, access, &f) == 0)
		error = 0;
	vm_object_lock(o);
	if (error == 0 && vm_object_empty_at(o, idx))
		error = (o->flags & OBJ_DEAD) != 0
			    ? EIO
			    : vm_page_enter_fictitious(o, idx, f);
	vm_object_paging_end(o);
	vm_object_unlock(o);
	return (error);
}

void
device_pager_remove(struct vm_object *o, vm_pindex_t start, vm_pindex_t end)
{
	struct vm_page *m;
	vm_pindex_t i = start;

	vm_object_lock(o);
	kmutex_lock(&o->sys->topology);
	vm_rmap_remove(o, start, end);
	vm_rmap_sync(o, start, end);
	kmutex_unlock(&o->sys->topology);
	while (vm_object_next_page(o, &i, &m) && i < end) {
		if ((m->flags & PG_BUSY) != 0) {
			vm_page_busy_wait(o, m);
			continue;
		}
		vm_page_remove_fictitious(m);
	}
	vm_object_unlock(o);
}
