/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Page faults: what a fault may do.
 *
 * Purpose
 *   Decide in one place whether an access is allowed, whether it needs another
 *   first object, and which rights a translation gets.
 *
 * Concepts
 *   access   The entry's rights (prot) decide, and a guard allows nothing.
 *            What can be written or executed can be read, because the processor
 *            cannot forbid that; VM_FAULT_ASKED holds to what was asked for.
 *            With VM_FAULT_FORCE max_prot decides, except for a write to memory
 *            that is mapped shared.  A write needs WRITE only: a caller that
 *            reads as well asks for READ.
 *   object   An entry without an object needs one.  A write needs a shadow if
 *            the entry still owes its copy (NEEDS_COPY), or if it is private
 *            and its object is that of a file or a device.
 *   rights   A page of a backing object never gets WRITE.  A page of the first
 *            object gets what the entry allows, except WRITE
 *            - while the entry owes its copy, or is protected (vm_uffd.c),
 *            - in a private mapping of a file or a device,
 *            - for a page of a file that is not dirty: the write fault is how
 *              dirty pages are known,
 *            - for a page that has a copy in swap: the write fault frees it.
 *
 *   What depends on the entry alone is decided once a pass; what depends on a
 *   page is decided for each page of a cluster.
 *
 * Locking: the map is locked, so entry and decision belong together.
 */
#include "vm/fault/vm_fault_int.h"

#include <errno.h>

int
vm_fault_rights(struct vm_faultinfo *fi)
{
	const struct vm_map_entry *e = fi->entry;
	const struct vm_object *o = e->object;
	bool write = vm_fault_write(fi);
	bool owes = (e->eflags & MAP_ENTRY_NEEDS_COPY) != 0;
	bool protected = (e->eflags & MAP_ENTRY_UFFD_PROT) != 0;
	/* A private mapping of pages that are not memory. */
	bool foreign = o != NULL && vm_object_foreign(o) &&
		       (e->eflags & MAP_ENTRY_COW) != 0;
	const vm_prot_t usable = VM_PROT_USABLE(e->prot);
	vm_prot_t need = fi->access, has = fi->asked ? e->prot : usable;

	if ((e->eflags & MAP_ENTRY_GUARD) != 0)
		return (EFAULT);
	if (fi->force && (!write || (e->eflags & MAP_ENTRY_SHARED) == 0))
		has = e->max_prot;
	if (write)
		need &= ~(vm_prot_t)VM_PROT_READ;
	if ((need & ~has) != 0)
		return (EACCES);
	fi->may.prepare = o == NULL || (write && (owes || foreign));
	fi->may.back = usable & (vm_prot_t)~VM_PROT_WRITE;
	fi->may.first = owes || foreign || protected ? fi->may.back : usable;
	fi->may.dirty_only = o != NULL && o->vops != NULL;
	return (0);
}

vm_prot_t
vm_fault_prot(const struct vm_faultinfo *fi, const struct vm_page *m)
{
	if (m == NULL)
		return (fi->may.dirty_only ? fi->may.back : fi->may.first);
	if (fi->obj != fi->first || m->swap != SWBLK_NONE ||
	    (fi->may.dirty_only && (m->flags & PG_DIRTY) == 0))
		return (fi->may.back);
	return (fi->may.first);
}
