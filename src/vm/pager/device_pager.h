/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The device pager: objects whose pages a device supplies.
 *
 * Pages of devices are fictitious: their frames lie in the device part of the
 * arena, above guest memory (frame numbers from phys->npages on), are not
 * counted as guest memory, never paged out and never freed to the allocator.
 */
#ifndef VM_PAGER_DEVICE_PAGER_H
#define VM_PAGER_DEVICE_PAGER_H

#include "vm/object/vm_object.h"
#include "mem/vm_page.h"
#include "mem/vm_types.h"

/*
 * A window of npages onto the device: an object with one ref, which belongs to
 * the caller.  While that is the only one nothing maps it.  0, ENOMEM.
 */
int device_pager_alloc(struct vm_system *, void *dev,
    const struct cdev_pager_ops *, vm_pindex_t npages, struct vm_object **out);
/*
 * Called by vm_fault for an absent page: ask the device and put the
 * fictitious page into the object's index, valid.
 * - No locks; the caller owns a hold and one paging count of the object, which
 *   this call ends.
 * - 0: try the fault again; EIO: the device failed; ENOMEM.
 */
int device_pager_fault(struct vm_object *, vm_pindex_t idx, vm_prot_t access);
/* The device takes pages [start, end) away: translations are removed and
 * synced; the next touch asks fault() again.  No locks held. */
void device_pager_remove(
    struct vm_object *, vm_pindex_t start, vm_pindex_t end);

#endif /* VM_PAGER_DEVICE_PAGER_H */
