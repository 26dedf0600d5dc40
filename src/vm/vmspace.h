/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * vmspaces: address spaces with a life (refs, holds, two-stage termination),
 * and the calls on them: mmap family, faults, copyin/copyout, accounting.
 * Docs: docs/lifetime.md.
 */
#ifndef VM_VMSPACE_H
#define VM_VMSPACE_H

#include "host/host_iovec.h"
#include "mem/vm_life.h"
#include "vm/map/vm_map.h"
#include "mem/vm_types.h"
#include "vmspace/vmspace.h"

/* Per-vmspace counters, all [a]. */
struct vm_usage {
	_Atomic(uint64_t) minflt; /* faults without I/O */
	_Atomic(uint64_t) majflt; /* faults with I/O */
	_Atomic(uint64_t) zfod, cow, cow_opt, filein, around, ahead, swapin;
};

/*
 * Key: [I] immutable, [a] atomic, [m] map lock, [l] sys->list_lock
 */
struct vmspace {
	struct vm_life life;   /* [a] */
	uint64_t id;           /* [I] generation id, 0 after stage 2 */
	struct vm_system *sys; /* [I] */
	struct vm_map map;
	struct pmap *pmap;         /* [I] until stage 2 */
	TAILQ_ENTRY(vmspace) link; /* [l] */
	/* Layout, set by exec, copied by fork. [m] */
	vm_offset_t brk_start, brk_end; /* brk_end is not page aligned */
	vm_offset_t mmap_top;           /* top-down search starts here */
	vm_offset_t stack_top;          /* highest stack address, exclusive */
	uint64_t stack_limit;           /* bytes the stack may grow to */
	uint64_t data_limit;            /* RLIMIT_DATA for brk */
	vm_offset_t arg_start, arg_end, env_start, env_end; /* for /proc */
	vm_offset_t auxv_start, auxv_end;
	vm_offset_t code_start, code_end;
	struct vm_usage usage;
};

/* ---- lifetime (vmspace.c) ---- */

/*
 * fork, ref, tryref, free, hold, drop and stat are those of the public header,
 * vmspace/vmspace.h.  What they expect of the caller besides: no locks held for
 * free and drop.  For fork: no user thread of the parent expects that a store
 * is seen by all or none (the caller is one of them, in the kernel).
 */

/* An empty vmspace with one ref.  0, ENOMEM. */
int vmspace_alloc(struct vm_system *, struct vmspace **);
/* The same on another machine than the system's. */
int vmspace_alloc_on(struct vm_system *, const struct pmap_ops *, void *machine,
    struct vmspace **);
bool vmspace_tryhold(struct vmspace *);
/* In debug builds: panic, naming the call, if nobody has a hold (or ref). */
void vmspace_expect(const struct vmspace *, const char *call, bool ref);

/* ---- mappings (vm_mmap.c).  Addresses and lengths in bytes. ---- */

#define VMM_FIXED 0x1     /* replace what is there */
#define VMM_NOREPLACE 0x2 /* fixed, EEXIST if anything is there */
#define VMM_SHARED 0x4    /* else private */
#define VMM_NORESERVE 0x8
#define VMM_GROWSDOWN 0x10
#define VMM_STACK 0x20    /* marks the process stack for /proc */
#define VMM_POPULATE 0x40 /* fault everything in, best effort */
#define VMM_LOCKED 0x80

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
int vm_mprotect(
    struct vmspace *, vm_offset_t addr, uint64_t len, vm_prot_t prot);
/* brk(2): *cur is the new break wanted, on return the break that holds. */
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
/* mlock and munlock.  0; EINVAL, EPERM (nothing may be locked), ENOMEM (a hole,
 * or beyond the map's lock_limit), EAGAIN (locked, but not all came in). */
int vm_mlock(struct vmspace *, vm_offset_t addr, uint64_t len, bool lock);
/* mlockall(2); flags: LX_MCL_*.  0; EPERM, ENOMEM as for vm_mlock; ESRCH. */
int vm_mlockall(struct vmspace *, int flags);
int vm_munlockall(struct vmspace *);

/* ---- faults (vm_fault.c) ---- */

#define VM_FAULT_COPYIO 0x1 /* on behalf of copyin/copyout: accounting only */
/*
 * For a debugger: what the entry may ever allow counts, not what it does now.
 * A write goes to a private copy, as after a fork; memory that is mapped shared
 * needs its right to write all the same.  The translation gets the entry's
 * rights, so user code sees no difference but the contents.
 */
#define VM_FAULT_FORCE 0x2

/*
 * Resolve a fault at va for `access` (one of VM_PROT_*; WRITE implies READ).
 * - No locks held.  May do I/O.
 * - 0: a sufficient translation was entered (it may be gone again at once);
 *   EFAULT: nothing mapped (SEGV_MAPERR); EACCES: protection (SEGV_ACCERR);
 *   EIO: past end of file or I/O error (SIGBUS, BUS_ADRERR); ENOMEM: out of
 *   memory and the policy says the caller dies; ESRCH: vmspace is dead.
 */
int vm_fault(struct vmspace *, vm_offset_t va, vm_prot_t access, int flags);
/* Fault in every page of the range for reading or writing; first error. */
int vm_fault_range(
    struct vmspace *, vm_offset_t va, uint64_t len, vm_prot_t access);

/* ---- user memory (vm_copyio.c): 0, EFAULT (or ENOMEM, ESRCH) ---- */

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

/*
 * The memory of another (vm_rwmem.c), page by page, whether its pages are
 * translated or not; absent anonymous memory reads as zeroes and stays absent.
 * flags: VM_FAULT_FORCE or 0.
 * - The caller owns a ref or hold; no locks held.
 * - 0 and *done == len, or *done bytes were moved and then: EFAULT (nothing
 *   mapped, or not allowed), EIO, ENOMEM, ESRCH (past EXIT1: the process has
 *   exited, or executes another program).
 */
int vm_pread(struct vmspace *, void *buf, size_t len, vm_offset_t addr,
    int flags, size_t *done);
int vm_pwrite(struct vmspace *, const void *buf, size_t len, vm_offset_t addr,
    int flags, size_t *done);

/*
 * The pages that are this vmspace's alone, as far as its first objects tell:
 * those of private memory that were written, in memory or in swap.  *va is
 * malloc'ed.  0, ENOMEM, ESRCH.
 */
int vmspace_private_pages(struct vmspace *, vm_offset_t **va, size_t *n);
bool vmspace_private_page(struct vmspace *, vm_offset_t va);

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

/* ---- looking (vm_meter.c).  Caller owns a ref or hold. ---- */

struct vm_entry_info {
	vm_offset_t start, end;
	vm_ooffset_t offset; /* in the file */
	uint32_t eflags;
	vm_prot_t prot;
	uint64_t dev, ino;
	char name[256]; /* path, "[heap]", "[stack]" or "" */
	uint64_t object_id;
	unsigned depth;    /* length of the object chain */
	uint64_t resident; /* bytes translated */
};
/* Entry at or above va: 0 and *info, ENOENT past the last, ESRCH dead. */
int vmspace_entry_info(
    struct vmspace *, vm_offset_t va, struct vm_entry_info *info);

/* What stands behind the entry of va, in bytes: resident in its anonymous
 * objects, in swap, and its share of what is resident (divided by those who
 * use each object).  As vmspace_anonymous_count(), an estimate. */
struct vm_entry_pages {
	uint64_t anon, swapped, share;
};
/* 0; ENOENT: no entry; ESRCH: dead. */
int vmspace_entry_pages(
    struct vmspace *, vm_offset_t va, struct vm_entry_pages *);

/* An object in the chain behind an entry. */
struct vm_chain_info {
	uint64_t id;
	const char *type;           /* "default", "swap", "vnode", "device" */
	uint32_t refs, holds;       /* at that moment */
	uint64_t resident, swapped; /* pages, of the whole object */
};
/* The chain behind the entry of va, front first, at most max objects of it:
 * how many are in info[].  0: no entry, no object, or dead. */
unsigned vmspace_entry_chain(
    struct vmspace *, vm_offset_t va, struct vm_chain_info *info, unsigned max);

/* Pages of anonymous memory reachable through the maps (estimate: an object
 * shared by several entries counts once for each). */
uint64_t vmspace_anonymous_count(struct vmspace *);
/* The same for pages whose contents are in swap. */
uint64_t vmspace_swap_count(struct vmspace *);
/*
 * Pages that would come free, roughly, if it were gone: resident and in swap.
 * False if the map is locked just now: it does not wait.
 */
bool vmspace_footprint(struct vmspace *, uint64_t *resident, uint64_t *swapped);

struct vm_system_stat {
	uint64_t mem, free, peak;      /* bytes */
	uint64_t swap_size, swap_used; /* bytes of guest memory */
	uint64_t objects, vmspaces, file_pages, anon_pages, swapped_pages;
	uint64_t cached_pages; /* of swapped_pages: pages of files */
	int64_t stat[VMST_N];
};
void vm_system_stat(struct vm_system *, struct vm_system_stat *);
const char *vm_stat_name(enum vm_stat);

/* ---- checking (vm_check.c): debug walks; 0 or the number of broken
 * invariants, each printed to stderr.  The system must be quiescent for
 * vm_check_system; vm_check_vmspace takes the map lock. ---- */
int vm_check_vmspace(struct vmspace *);
int vm_check_system(struct vm_system *);

#endif /* VM_VMSPACE_H */
