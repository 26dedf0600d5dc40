/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * vmspace: address spaces as objects.  The embedder is the kernel: it maps
 * memory into them, reads and writes it, copies them on write, and runs user
 * code in them until an event.
 *
 * A vmspace belongs to a kernel instance (vkernel.h): its pages come from the
 * memory and swap of that kernel.  All refs and holds must be given up before
 * vkernel_destroy().
 *
 * The owner of a *ref* uses the address space.  When the last ref is given up
 * its memory is freed at once, even while there are holds.  The owner of a
 * *hold* keeps the structure valid; after the last ref, calls on it return
 * ESRCH.  Each ref implies a hold of its own.
 *
 * Every function returns 0 or a positive errno; out-pointers come last and
 * stay untouched on failure, but for *done (and that, too, on EINVAL).  Unless
 * its comment says otherwise a call may be made by any thread, with a ref or a
 * hold; it may block for memory or for I/O of swap and files.
 *
 * Common errors:
 * - ESRCH: the last ref was given up.
 * - EINVAL: the address of a mapping is not a multiple of the page size (4096),
 *   its length is 0, flags are unknown, or a pointer is NULL where that is not
 *   allowed.
 * - ENOMEM: guest memory and swap are full, a limit was reached, or the range
 *   is outside of user addresses.
 *
 * Misuse (a free without a ref, a drop without a hold, any use afterwards) is
 * undefined; kernels built with debug_checks end the process with a message
 * that names the call.
 */
#ifndef VMSPACE_VMSPACE_H
#define VMSPACE_VMSPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct vkernel;
struct vmspace;

/* ---- life ---- */

/* An empty address space, with one ref.  ENOMEM. */
int vmspace_create(struct vkernel *, struct vmspace **);
/* A copy, on write, with one ref; memory mapped MAP_SHARED is shared.  Takes
 * time in proportion to the number of mappings.  ENOMEM, ESRCH. */
int vmspace_fork(struct vmspace *, struct vmspace **);
/* One more ref.  The caller has one. */
void vmspace_ref(struct vmspace *);
/* One more ref, for a caller that has only a hold: ESRCH after the last was
 * given up. */
int vmspace_tryref(struct vmspace *);
/* Give up a ref.  The last one frees its memory and swap before it returns. */
void vmspace_free(struct vmspace *);
/* One more hold.  The caller has a ref or a hold. */
void vmspace_hold(struct vmspace *);
/* Give up a hold. */
void vmspace_drop(struct vmspace *);

/* ---- mappings.  prot: PROT_*, flags: MAP_*, of <sys/mman.h>. ---- */

/*
 * Map anonymous memory, or a file of the host.
 * - *addr: a hint (0: anywhere) and then where it is; with MAP_FIXED what lies
 *   there is replaced, with MAP_FIXED_NOREPLACE: EEXIST.
 * - flags: MAP_PRIVATE or MAP_SHARED; MAP_ANONYMOUS (fd -1), MAP_FIXED,
 *   MAP_FIXED_NOREPLACE, MAP_NORESERVE, MAP_GROWSDOWN, MAP_STACK, MAP_POPULATE,
 *   MAP_LOCKED.
 * - fd: a regular file, open for reading, and for writing if it is mapped
 *   shared and PROT_WRITE (not O_APPEND or O_DIRECT); the kernel keeps a
 *   duplicate of it.  off: a multiple of the page size.
 * - EACCES (fd is not open for that), EBADF, ENODEV (no regular file).
 */
int vmspace_mmap(struct vmspace *, uintptr_t *addr, size_t len, int prot,
    int flags, int fd, off_t off);
int vmspace_munmap(struct vmspace *, uintptr_t addr, size_t len);
/* ENOMEM: part of the range is not mapped.  EACCES: more than the file of a
 * shared mapping is open for. */
int vmspace_mprotect(struct vmspace *, uintptr_t addr, size_t len, int prot);
/*
 * Advice about a range, MADV_* of madvise(2): NORMAL, RANDOM, SEQUENTIAL,
 * WILLNEED, DONTNEED, FREE, REMOVE, COLD, PAGEOUT, POPULATE_READ,
 * POPULATE_WRITE, DONTFORK, DOFORK, WIPEONFORK, KEEPONFORK.
 * - ENOMEM: part of the range is not mapped; EINVAL also: locked memory, or not
 *   for that kind of mapping; otherwise the errors of madvise(2).
 */
int vmspace_mcontrol(
    struct vmspace *, uintptr_t addr, size_t len, int behavior);
/* Write changed pages of shared file mappings to their files.  EIO. */
int vmspace_msync(struct vmspace *, uintptr_t addr, size_t len);

/* ---- memory ---- */

/*
 * Copy len bytes from, or to, addr, as user code would load or store them.
 * - *done bytes were copied, in any case.
 * - EFAULT: nothing is mapped there, or not for that; EIO (file or swap).
 */
int vmspace_pread(
    struct vmspace *, void *buf, size_t len, uintptr_t addr, size_t *done);
int vmspace_pwrite(struct vmspace *, const void *buf, size_t len,
    uintptr_t addr, size_t *done);
/*
 * Where user memory lies in this process: *ptr, and *run bytes from there are
 * the bytes from addr on (at least up to the end of the page, at most len).
 * prot: PROT_READ, or PROT_READ | PROT_WRITE.  The memory stays where it is,
 * and is not paged out, until vmspace_unpin(ptr, run, prot), which must come
 * before the caller gives up its last ref or hold.
 * - Do not keep it across vmspace_fork(): the copy on write that follows gives
 *   the vmspace another page.
 * - Errors of vmspace_pread().
 */
int vmspace_pin(struct vmspace *, uintptr_t addr, size_t len, int prot,
    void **ptr, size_t *run);
void vmspace_unpin(struct vmspace *, void *ptr, size_t run, int prot);
/*
 * Make addr accessible for prot (one of PROT_READ, PROT_WRITE, PROT_EXEC) as
 * after a fault: for embedders with a machine of their own.
 * - 0: it was entered into the MMU (another thread may remove it); EFAULT:
 *   nothing is mapped; EACCES: not for that; EIO; ENOMEM; ESRCH.
 */
int vmspace_fault(struct vmspace *, uintptr_t addr, int prot);

/* ---- an MMU of the embedder's own ---- */

/*
 * The receiver of translations instead of a process of the host: for example
 * the table of an emulator.  Called under locks of the kernel: the functions
 * must not call the kernel, nor wait for a thread that may be in a call.  arg
 * is that of the vmspace.
 */
struct vmspace_mmu {
	/* Pages [addr, addr + len) are at ptr, for prot (PROT_*); this
	 * replaces what was there. */
	void (*enter)(
	    void *arg, uintptr_t addr, size_t len, void *ptr, int prot);
	/* The pages are not translated any more. */
	void (*remove)(void *arg, uintptr_t addr, size_t len);
	/* Rights that are not in prot are taken away. */
	void (*protect)(void *arg, uintptr_t addr, size_t len, int prot);
	/* When it returns, no thread uses what was removed or protected before:
	 * the kernel then reuses the memory.  May wait for the emulator's
	 * threads, if these wait for nothing else. */
	void (*sync)(void *arg);
	/* vmspace_fork(): the arg of the child, with nothing translated; it is
	 * destroyed also if the fork fails later.  ENOMEM.  NULL: the child
	 * uses the parent's, which lives longer; rarely right. */
	int (*fork)(void *arg, void **child);
	/* The end of the MMU: nothing is translated any more.  May be NULL. */
	void (*destroy)(void *arg);
};
/* As vmspace_create(); ops must live as long as the vmspace. */
int vmspace_create_mmu(
    struct vkernel *, const struct vmspace_mmu *, void *arg, struct vmspace **);

/* ---- running user code ---- */

/* General registers, x86-64.  rflags: bits that user code may not set are
 * ignored. */
struct vmspace_regs {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp;
	uint64_t rip, rflags;
	uint64_t fs_base, gs_base;
};

enum vmspace_event {
	VMSPACE_EV_NONE,
	VMSPACE_EV_SYSCALL,   /* a system call: rax and its arguments; rip is
				 behind it */
	VMSPACE_EV_FAULT,     /* an access to addr for prot that no mapping
				 allows: error as of vmspace_fault() */
	VMSPACE_EV_EXCEPTION, /* another trap: signo and code as in Linux */
	VMSPACE_EV_INTERRUPT, /* VMSPACE_CTL_INTERRUPT, or no reason */
};

/*
 * A thread of user code: its registers, and the event that ended its last run.
 * Zero it, set regs, run it, in several vmspaces one after the other if needed.
 * One thread at a time may use it, and it must not be copied.  Its other state
 * (floating point, vectors) is kept with it, and is as after execve(2) at
 * first. After a fault or another trap rip is at the instruction, which a new
 * run tries again.
 */
struct vmspace_frame {
	struct vmspace_regs regs;
	enum vmspace_event event; /* with these details: */
	uintptr_t addr;           /* FAULT, EXCEPTION */
	int prot;                 /* FAULT: PROT_READ, WRITE or EXEC */
	int error;                /* FAULT */
	int signo, code;          /* EXCEPTION */
	void *opaque;             /* the kernel's; NULL at first */
};

enum vmspace_ctl {
	/* Run the frame until an event.  Page faults that mappings allow are
	 * served on the way.  ENOTSUP: the vmspace has an MMU of its own, or
	 * the kernel no machine; EAGAIN, ENOMEM: no room for one more thread;
	 * EIO: the machine was lost, and with it the thread. */
	VMSPACE_CTL_RUN,
	/* Make a run of the frame, by another thread, end soon; or the next
	 * one, if there is none now.  ESRCH: it has never run. */
	VMSPACE_CTL_INTERRUPT,
	/* Free what the kernel keeps for the frame, which includes a hold of
	 * the vmspace that it has run in last; 0, also if there is nothing. */
	VMSPACE_CTL_DONE,
};
int vmspace_ctl(struct vmspace *, enum vmspace_ctl, struct vmspace_frame *);

/* ---- accounting ---- */

struct vmspace_stat {
	uint64_t id, refs, holds; /* id: never used twice in a kernel */
	bool exiting;             /* the last ref was given up */
	uint64_t size;            /* bytes mapped */
	uint64_t resident; /* bytes translated, or anonymous if that is more */
	uint64_t resident_peak; /* bytes translated */
	uint64_t entries;       /* mappings */
	uint64_t anon;  /* bytes of resident anonymous pages, estimate */
	uint64_t swap;  /* bytes in swap, estimate */
	uint64_t pss;   /* resident bytes divided by users, estimate */
	uint64_t wired; /* bytes of locked mappings */
	uint64_t minflt, majflt, zfod, cow, swapin; /* so far */
};
void vmspace_stat(struct vmspace *, struct vmspace_stat *);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* VMSPACE_VMSPACE_H */
