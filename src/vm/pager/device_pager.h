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
 * What a device does for its mappings.  No vm lock is held during any of
 * these calls.
 */
struct cdev_pager_ops {
	/* Which frame is page `idx` of the device?  0 and *frame (of the device
	 * part, and in no other object); any errno is SIGBUS to who touches
	 * it. */
	int (*fault)(
	    void *dev, vm_pindex_t idx, vm_prot_t access, vm_frame_t *frame);
	/* The object is gone: nothing maps or pages it any more.  May be
	 * NULL. */
	void (*dtor)(void *dev);
};

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
/* Stage 1 of a device object: take all pages out.  Object locked. */
void device_pager_clear(struct vm_object *);
/* The device takes pages [start, end) away: translations are removed and
 * synced; the next touch asks fault() again.  No locks held. */
void device_pager_remove(
    struct vm_object *, vm_pindex_t start, vm_pindex_t end);

/* Frames of the device part: a run in a row, zeroed at first use.  0, ENOMEM,
 * EINVAL.  *base is where the kernel process has them mapped. */
int vm_phys_device_alloc(
    struct vm_phys *, uint64_t npages, vm_frame_t *first, void **base);
/* Nothing may map them any more; the host gets the memory back. */
void vm_phys_device_free(struct vm_phys *, vm_frame_t first, uint64_t npages);

#endif /* VM_PAGER_DEVICE_PAGER_H */
