/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Calls of the mmap family.  Addresses and lengths in bytes.
 */
#ifndef VM_MMAP_VM_MMAP_H
#define VM_MMAP_VM_MMAP_H

#include "vm/map/vm_space.h"

#define VMM_FIXED 0x1     /* replace what is there */
#define VMM_NOREPLACE 0x2 /* fixed, EEXIST if anything is there */
#define VMM_SHARED 0x4    /* else private */
#define VMM_NORESERVE 0x8
#define VMM_GROWSDOWN 0x10
#define VMM_STACK 0x20    /* marks the process stack for /proc */
#define VMM_POPULATE 0x40 /* fault everything in, best effort */
#define VMM_LOCKED 0x80
#define VMM_LOW 0x100 /* in [VMM_LOW_MIN, VMM_LOW_MAX), or at a hint below */
#define VMM_LOW_MIN UINT64_C(0x40000000)
#define VMM_LOW_FIRST UINT64_C(0x42000000)
#define VMM_LOW_MAX UINT64_C(0x80000000)

/*
 * mmap(2).  *addr is a hint or, with FIXED/NOREPLACE, the address.
 * obj: object to map from off (page aligned); the call takes a ref of its own
 * (and drops nothing of the caller's); NULL: anonymous.  Shared anonymous
 * memory gets an object at once.
 * - 0 and *addr; EINVAL, ENOMEM, EEXIST, EACCES (prot beyond max_prot),
 *   EAGAIN (locked memory beyond its limit), ESRCH (vmspace past EXIT1).
 */
int vm_mmap(struct vmspace *, vm_offset_t *addr, uint64_t len, vm_prot_t prot,
    vm_prot_t max_prot, int flags, struct vm_object *obj, vm_ooffset_t off);
int vm_munmap(struct vmspace *, vm_offset_t addr, uint64_t len);
/*
 * shmdt(2): unmap what is left of a System V segment (OBJ_SYSV) that was mapped
 * at addr, and nothing else in its range.  An entry belongs to it if it maps
 * the object at the offset entry start - addr; the first such entry at or above
 * addr names the object, and the others are looked for in the size of it.
 * - 0 and *object_id; EINVAL if there is none, ESRCH (vmspace past EXIT1).
 */
int vm_munmap_sysv(struct vmspace *, vm_offset_t addr, uint64_t *object_id);
int vm_mprotect(
    struct vmspace *, vm_offset_t addr, uint64_t len, vm_prot_t prot);
/* brk(2): *cur is the new break requested, on return the break in force. */
void vm_brk(struct vmspace *, vm_offset_t *cur);
/* mremap(2); flags: LX_MREMAP_*.  0 and *addr; EFAULT, EINVAL, ENOMEM, EAGAIN.
 */
int vm_mremap(struct vmspace *, vm_offset_t old, uint64_t oldlen,
    uint64_t newlen, int flags, vm_offset_t *addr);
/* madvise(2); advice: LX_MADV_*.  0, EINVAL, ENOMEM, EAGAIN. */
int vm_madvise(struct vmspace *, vm_offset_t addr, uint64_t len, int advice);
int vm_msync(struct vmspace *, vm_offset_t addr, uint64_t len, bool sync);
/* One byte a page: bit 0 resident.  vec is kernel memory. 0, ENOMEM. */
int vm_mincore(struct vmspace *, vm_offset_t addr, uint64_t len, uint8_t *vec);
/*
 * Let the range, of a shared mapping, show its file from `off` on.  Whole
 * pages; no sum wraps.  0; EINVAL (not one shared mapping, or anonymous memory
 * that ends before); errors of vm_mmap.
 */
int vm_remap_file_pages(
    struct vmspace *, vm_offset_t addr, uint64_t len, vm_ooffset_t off);
/*
 * The memory policy of mappings, a number; 0: the default.
 * - set: 0; EFAULT (a hole; for the default, nothing at all), ENOMEM, ESRCH.
 * - get: 0; EFAULT.
 * - home_node: 0; ENOENT: all have the default; EOPNOTSUPP: a policy without
 *   its flags is not one of the bits of `modes`.
 */
int vm_set_policy(
    struct vmspace *, vm_offset_t addr, uint64_t len, uint16_t policy);
int vm_get_policy(struct vmspace *, vm_offset_t addr, uint16_t *policy);
int vm_home_node(struct vmspace *, vm_offset_t addr, uint64_t len,
    uint32_t modes, uint16_t flags);
/* mseal(2) of whole pages.  0; EINVAL, ENOMEM (a hole), ESRCH. */
int vm_mseal(struct vmspace *, vm_offset_t addr, uint64_t len);
/* mlock and munlock.  0; EINVAL, EPERM (nothing may be locked), ENOMEM (a hole,
 * or beyond the map's lock_limit), EAGAIN (locked, but not all came in). */
int vm_mlock(struct vmspace *, vm_offset_t addr, uint64_t len, bool lock);
/* Lock what is there, and the rest as it is faulted in.  Errors as vm_mlock,
 * but EAGAIN. */
int vm_mlock_onfault(struct vmspace *, vm_offset_t addr, uint64_t len);
/* mlockall(2); flags: LX_MCL_*.  0; EPERM, ENOMEM as for vm_mlock; ESRCH. */
int vm_mlockall(struct vmspace *, int flags);
int vm_munlockall(struct vmspace *);

#endif /* VM_MMAP_VM_MMAP_H */
