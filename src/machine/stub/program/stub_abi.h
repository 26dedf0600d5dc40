/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The interface between the kernel process and the stub program: the address
 * layout of a stub process, the context of each thread, mapping operations, and
 * the order block of the zygote.  Both sides use this header, so that it is
 * freestanding.
 *
 *   0x0000'0001'0000  guest, up to 0x7ffe'0000'0000
 *
 *   0x7fff'0000'0000  permanent text: signal handler, permitted system calls
 *
 *   0x7fff'0010'0000  init text: zygote and start-up; unmapped in stubs
 *
 *   0x7fff'2000'0000  the host's vvar and vdso pages, moved here
 *
 *   0x7fff'4000'0000  contexts of this stub, CTX_STRIDE bytes per thread
 *
 * Guest and stub are 4 GiB apart, so that the seccomp filter needs to compare
 * only the upper halves of addresses.
 */
#ifndef MACHINE_STUB_PROGRAM_STUB_ABI_H
#define MACHINE_STUB_PROGRAM_STUB_ABI_H

#include <stdint.h>

#define STUB_TEXT_BASE 0x7fff00000000ULL
#define STUB_INIT_BASE 0x7fff00100000ULL
#define STUB_INIT_SIZE 0x10000ULL
#define STUB_VDSO_BASE 0x7fff20000000ULL
#define STUB_CTX_BASE 0x7fff40000000ULL
#define STUB_HI 0x7fffU       /* upper half of every stub address */
#define STUB_GUEST_HI 0x7ffeU /* upper half of the end of guest addresses */
#define STUB_GUEST_MIN 0x10000ULL
#define STUB_GUEST_END 0x7ffe00000000ULL

/* Descriptors in the zygote and its children. */
#define STUB_FD_ARENA 3
#define STUB_FD_CTX 4
#define STUB_FD_LINK 5 /* the zygote's, closed by ORDER_ARM */

/* Context memory: one slot per stub; in it CTX_STRIDE bytes per thread. */
#define CTX_STRIDE 0x10000ULL
#define CTX_THREADS 512
#define CTX_SLOT_SIZE (CTX_STRIDE * CTX_THREADS)
#define CTX_OPS_OFF 0x1000ULL
#define CTX_STACK_OFF 0x2000ULL
#define CTX_STACK_SIZE (CTX_STRIDE - CTX_STACK_OFF)

/* stub_ctx.state */
#define CTX_EVENT 1u /* stub -> kernel: an event is in the context */
#define CTX_CMD 2u   /* kernel -> stub: carry out ops, then cmd */
#define CTX_USER 3u  /* user code runs */
#define CTX_DEAD 4u  /* set by the kernel: the stub process has ended */

/* stub_ctx.cmd */
#define CMD_RESUME 1u /* return to user code */
#define CMD_REPORT 2u /* report EV_DONE */

/* stub_ctx.event, besides signal numbers 1..64 */
#define EV_DONE 100u   /* CMD_REPORT done */
#define EV_OPFAIL 101u /* an operation failed: op_index, op_errno */

#define OP_MAP 1u     /* mmap(addr, len, prot, arena, off) */
#define OP_UNMAP 2u   /* munmap(addr, len) */
#define OP_PROTECT 3u /* mprotect(addr, len, prot) */
#define OP_THREAD 4u  /* new thread on context number `off` */
#define OP_UNMAP_ALL 5u
#define OP_SYNC 6u /* a call without effect: those before it have ended */

struct stub_op {
	uint32_t op;
	uint32_t prot; /* PROT_*; MAP: OP_POPULATE, OP_REPLACES */
	uint64_t addr, len, off;
};
#define OP_POPULATE 0x100u
#define OP_REPLACES 0x200u /* for the kernel process only */
#define CTX_NOPS 128

/* First page of a thread's context.  The kernel process trusts none of it. */
struct stub_ctx {
	_Atomic(uint32_t) state;
	_Atomic(uint32_t) stub_waits;   /* stub sleeps on `state` */
	_Atomic(uint32_t) kernel_waits; /* kernel sleeps on `state` */
	uint32_t spin;                  /* loops the stub may spin */
	uint32_t cmd;
	uint32_t nops;
	uint32_t event;
	uint32_t op_index, op_errno;
	uint32_t tid;       /* host thread */
	uint32_t set_bases; /* load fs_base and gs_base on resume */
	uint32_t fsgsbase;  /* user code may use RDFSBASE and its like */
	int32_t ev_code;
	int32_t ev_syscall;
	uint32_t ev_arch;
	uint64_t ev_addr;
	uint64_t fs_base, gs_base;
	uint64_t uc; /* address of the ucontext in this context's stack */
};
_Static_assert(sizeof(struct stub_ctx) <= CTX_OPS_OFF, "context header");
_Static_assert(sizeof(struct stub_op) * CTX_NOPS <= 0x1000, "op page");

/* Order block of the zygote: slot 0 of the context memory, which is not mapped
 * in a process that runs user code. */
#define ORDER_NONE 0u
#define ORDER_PREPARE 1u /* bind to the kernel process, move the vdso */
#define ORDER_ARM 2u     /* signal handlers, filter as in `arm` */
#define ORDER_SPAWN 3u   /* fork a stub on `slot` */
/* stub_order.arm */
#define ARM_LISTEN 1u  /* ask before clone; send the listener over the link */
#define ARM_ISOLATE 2u /* and before mmap, munmap and mprotect */
#define ARM_BASES 4u   /* permit arch_prctl: there is no WRFSBASE */
struct stub_order {
	_Atomic(uint32_t) order;
	_Atomic(uint32_t) reply; /* counts orders carried out */
	int32_t result;          /* 0 or pid, or -errno */
	uint32_t slot;
	int32_t kernel_pid;
	uint32_t arm; /* ARM_* */
	/* SPAWN: stored by the host kernel in the clone call, so that a stub
	 * is known even if the zygote dies before its reply. */
	_Atomic(int32_t) child_pid;
	uint64_t vdso; /* PREPARE: where it is now, 0: nowhere */
};

#endif /* MACHINE_STUB_PROGRAM_STUB_ABI_H */
