/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Ranges whose faults user code serves (userfaultfd).
 */
#ifndef VM_FAULT_VM_UFFD_H
#define VM_FAULT_VM_UFFD_H

#include <stdatomic.h>

#include "vm/map/vm_space.h"

struct vm_uffd;

/* A fault that is to be served. */
struct vm_uffd_fault {
	vm_offset_t va; /* of the access, not of its page */
	bool write;     /* the access is a write */
	bool wp;        /* the page is there, and protected against writes */
	bool user;      /* of user code, not of the kernel */
};

/* What the layer above does for a server. */
struct vm_uffd_ops {
	/*
	 * Report the fault, and wait until the server wakes the caller, unless
	 * vm_uffd_must_wait() says after the report that there is no reason.
	 * - No locks held.  ERESTART: look again; EINTR: a signal, or for a
	 *   fault of the kernel the end of the process, came first; EIO: this
	 *   fault is an error, SIGBUS.
	 */
	int (*wait)(struct vm_uffd *, const struct vm_uffd_fault *);
	/* The last ref has gone.  No locks held. */
	void (*free)(struct vm_uffd *);
};

/* Key: [I] immutable, [a] atomic */
struct vm_uffd {
	_Atomic(uint32_t) refs;        /* [a] */
	const struct vm_uffd_ops *ops; /* [I] */
	struct vmspace *vm;            /* [I] a hold of its own */
	_Atomic(bool) unpopulated;     /* [a] absent pages keep a protection */
};

/* The caller has a hold of vm for the server, which ops->free drops. */
void vm_uffd_init(
    struct vm_uffd *, const struct vm_uffd_ops *, struct vmspace *);
void vm_uffd_drop(struct vm_uffd *);
/*
 * Register what is mapped in the range; missing, wp: what is to be served.
 * - No locks held.  0; EINVAL (nothing is mapped, or not private anonymous
 *   memory), EPERM (it may never be writable), EBUSY (another server), ENOMEM,
 *   ESRCH.
 */
int vm_uffd_register(struct vm_uffd *, vm_offset_t start, vm_offset_t end,
    bool missing, bool wp);
/* The opposite; the caller wakes the waiters.  EINVAL as above, or another
 * server's. */
int vm_uffd_unregister(struct vm_uffd *, vm_offset_t start, vm_offset_t end);
/* Unregister all: no fault finds the server any more. */
void vm_uffd_detach(struct vm_uffd *);
/* Is all of the range registered, with `wp` for write protection?  0; ENOENT,
 * ESRCH. */
int vm_uffd_covers(
    struct vm_uffd *, vm_offset_t start, vm_offset_t end, bool wp);
/* Protect the range against writes, or end that.  0; ENOENT as above, ENOMEM,
 * ESRCH. */
int vm_uffd_protect(
    struct vm_uffd *, vm_offset_t start, vm_offset_t end, bool on);
/*
 * Make the page at va, which is absent, with these contents (NULL: zeroes), and
 * protected as `wp` says.
 * - No locks held.  0; EEXIST, ENOENT (not registered), ENOMEM, ESRCH.
 */
int vm_uffd_fill(struct vm_uffd *, vm_offset_t va, const void *data, bool wp);
/* Would the fault be reported again now?  No locks held. */
bool vm_uffd_must_wait(struct vm_uffd *, const struct vm_uffd_fault *);

#endif /* VM_FAULT_VM_UFFD_H */
