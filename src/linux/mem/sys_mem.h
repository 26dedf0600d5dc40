/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Decoding of memory calls, in a header so that tests can call it. */
#ifndef LINUX_MEM_SYS_MEM_H
#define LINUX_MEM_SYS_MEM_H

#include <stdint.h>

#include "mem/vm_types.h"

/* PROT_* to VM_PROT_*; WRITE and EXEC imply READ. */
vm_prot_t sys_prot_decode(uint64_t prot);
/* mmap flags to VMM_*.  0 and *vmm; EINVAL, EOPNOTSUPP (SHARED_VALIDATE with
 * unknown flags), EOVERFLOW, ENOMEM (too long, huge pages). */
int sys_mmap_decode(
    uint64_t addr, uint64_t len, uint64_t flags, uint64_t off, int *vmm);

struct vmspace;
/* madvise(2) on a vmspace that the caller holds.  EINVAL, ENOMEM, ... */
int sys_madvise_range(
    struct vmspace *, uint64_t addr, uint64_t len, int advice);

struct lwp;
/* The address space of a process that the caller may look into, held.  ESRCH,
 * EPERM. */
int sys_look_at(struct lwp *, int pid, struct vmspace **);

#endif /* LINUX_MEM_SYS_MEM_H */
