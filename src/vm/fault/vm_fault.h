/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Page faults.
 */
#ifndef VM_FAULT_VM_FAULT_H
#define VM_FAULT_VM_FAULT_H

#include "vm/map/vm_space.h"

#define VM_FAULT_COPYIO 0x1 /* on behalf of copyin/copyout: accounting only */
/*
 * For a debugger: the access needs only the rights that the entry may ever have
 * (max_prot), not its present rights.  A write goes to a private copy, as after
 * a fork; a write to memory that is mapped shared needs the present right to
 * write.  The translation gets the entry's rights, so user code sees no
 * difference but the contents.
 */
#define VM_FAULT_FORCE 0x2
/* Of user code, which takes signals and tries again: where a server has to make
 * the page, any signal ends the wait, with 0. */
#define VM_FAULT_USER 0x4
/* Another process looks: reading needs VM_PROT_READ itself. */
#define VM_FAULT_ASKED 0x8

/*
 * Resolve a fault at va for `access` (one of VM_PROT_*; WRITE implies READ).
 * - No locks held.  May do I/O.
 * - 0: a sufficient translation was entered (another thread may remove it at
 *   once);
 *   EFAULT: nothing mapped (SEGV_MAPERR); EACCES: protection (SEGV_ACCERR);
 *   EIO: past end of file or I/O error (SIGBUS, BUS_ADRERR); ENOMEM: out of
 *   memory, and the policy has chosen the caller to die; ESRCH: vmspace is
 * dead.
 */
int vm_fault(struct vmspace *, vm_offset_t va, vm_prot_t access, int flags);
/* Fault in every page of the range for `access`; stops at the first error.
 * EINTR: the process of the calling thread is killed. */
int vm_fault_range(
    struct vmspace *, vm_offset_t va, uint64_t len, vm_prot_t access);

/* Called with a page under the lock of its object; NULL: it is all zeroes. */
typedef void vm_page_use_fn(void *arg, void *page);

/*
 * Call `use` with the page of va, which is brought in or made if need be; for a
 * read of absent anonymous memory no page is made.  With WRITE `use` may change
 * the page: no copy of another process changes, and the change is not lost to
 * pageout or fork.
 * `use` must not fault or lock.  No locks held.  0; errors of vm_fault().
 */
int vm_fault_use(struct vmspace *, vm_offset_t va, vm_prot_t access, int flags,
    vm_page_use_fn *use, void *arg);

#endif /* VM_FAULT_VM_FAULT_H */
