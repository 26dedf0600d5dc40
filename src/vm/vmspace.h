/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * vmspaces: address spaces with a life (refs, holds, termination in two
 * stages).  For the layers above, this header includes the interfaces of all
 * folders of vm that work on an address space.  Docs: docs/lifetime.md.
 */
#ifndef VM_VMSPACE_H
#define VM_VMSPACE_H

#include "vm/access/vm_copyio.h"
#include "vm/access/vm_rwmem.h"
#include "vm/fault/vm_fault.h"
#include "vm/map/vm_space.h"
#include "vm/mmap/vm_mmap.h"
#include "vm/vm_check.h"
#include "vm/vm_meter.h"
#include "vmspace/vmspace.h"

/*
 * fork, ref, tryref, free, hold, drop and stat are those of the public header,
 * vmspace/vmspace.h.  What they expect of the caller besides: no locks held for
 * free and drop.  A store that another thread of the parent makes during a fork
 * may or may not be in the child's copy.
 */

/* An empty vmspace with one ref.  0, ENOMEM. */
int vmspace_alloc(struct vm_system *, struct vmspace **);
/* The same on another machine than the system's. */
int vmspace_alloc_on(struct vm_system *, const struct pmap_ops *, void *machine,
    struct vmspace **);
bool vmspace_tryhold(struct vmspace *);
/* In debug builds: panic, naming the call, if there is no hold (or ref). */
void vmspace_expect(const struct vmspace *, const char *call, bool ref);

#endif /* VM_VMSPACE_H */
