/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * User memory for the kernel: copies, words, pins.  Errors: 0, EFAULT (or
 * ENOMEM, ESRCH).
 */
#ifndef VM_ACCESS_VM_COPYIO_H
#define VM_ACCESS_VM_COPYIO_H

#include "host/host_iovec.h"
#include "vm/map/vm_space.h"

int copyin(struct vmspace *, void *dst, vm_offset_t src, size_t len);
int copyout(struct vmspace *, const void *src, vm_offset_t dst, size_t len);
/* String with its NUL into dst[max].  *len (may be NULL) counts the NUL.
 * ENAMETOOLONG when no NUL within max. */
int copyinstr(
    struct vmspace *, char *dst, vm_offset_t src, size_t max, size_t *len);
/* As copyin/copyout but tell how far they came: *done bytes are right. */
int copyin_part(
    struct vmspace *, void *dst, vm_offset_t src, size_t len, size_t *done);
int copyout_part(struct vmspace *, const void *src, vm_offset_t dst, size_t len,
    size_t *done);
int copyout_zero(struct vmspace *, vm_offset_t dst, size_t len);
/* The page of va, held, that is translated for `access`: EFAULT, EIO, ENOMEM,
 * ESRCH; and given back: was anything stored there? */
int vm_page_get(
    struct vmspace *, vm_offset_t va, vm_prot_t access, struct vm_page **);
void vm_page_put(struct vm_system *, struct vm_page *, bool stored);
/* Atomic on an aligned user word (futex): EINVAL when misaligned. */
int vm_fetch32(struct vmspace *, vm_offset_t va, uint32_t *val);
/* Sets *old to what was there; stored iff *old == cmp. */
int vm_cas32(struct vmspace *, vm_offset_t va, uint32_t cmp, uint32_t val,
    uint32_t *old);
/* One try without a fault, for callers that hold locks up to rank MAP: EFAULT:
 * the word has no translation for writing. */
int vm_cas32_once(struct vmspace *, vm_offset_t va, uint32_t cmp, uint32_t val,
    uint32_t *old);

/* Identity of a futex word. private: (vmspace id, va); shared: (object id,
 * byte offset) where the page is shared, else private. */
struct vm_futex_key {
	uint64_t a, b;
};
int vm_futex_key(
    struct vmspace *, vm_offset_t va, bool shared, struct vm_futex_key *);

/*
 * Pinned user memory for host I/O without a bounce buffer: frames are held
 * until vm_iov_release().  A pin keeps the frame, not its place: while data is
 * waited for, a fork and a write of another thread may have given the parent a
 * copy.  So after data was stored through WRITE pins call vm_iov_commit().
 */
#define VM_IOV_MAX 64 /* pages, at most 256 KiB a time */
struct vm_iov {
	struct vm_system *sys;
	struct vmspace *vm; /* of the pages; the caller owns a ref or hold */
	size_t len;         /* bytes described */
	int niov;
	int npages;
	bool write; /* some of it was added for WRITE */
	struct host_iovec iov[VM_IOV_MAX];
	struct vm_page *page[VM_IOV_MAX];
	vm_offset_t va[VM_IOV_MAX]; /* of the first byte in each page */
	uint16_t bytes[VM_IOV_MAX]; /* in each page */
};
/*
 * Append up to len bytes at va (access READ: kernel reads user memory, WRITE:
 * kernel writes it) to `v` (vm_iov_init'ed).  *done bytes were added (less
 * than len when VM_IOV_MAX is reached or a later page faults; EFAULT only
 * when none could).  Neighbouring frames are merged into one iovec.  One
 * vmspace for each vm_iov.
 */
void vm_iov_init(struct vm_iov *, struct vm_system *);
int vm_iov_add(struct vm_iov *, struct vmspace *, vm_offset_t va, size_t len,
    vm_prot_t access, size_t *done);
/*
 * `done` bytes, from the first on, were stored through WRITE pins: where the
 * page has moved meanwhile, store them again at the place it has now (or drop
 * them, if nothing writable is mapped there any more).  No locks held.
 */
void vm_iov_commit(struct vm_iov *, size_t done);
void vm_iov_release(struct vm_iov *);

#endif /* VM_ACCESS_VM_COPYIO_H */
