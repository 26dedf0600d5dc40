/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The frame that a signal handler is entered with.
 * Source: arch/x86/include/uapi/asm/{sigcontext,ucontext}.h.
 */
#ifndef ABI_SIGFRAME_H
#define ABI_SIGFRAME_H

#include <stdint.h>

#include "abi/signal.h"

struct lx_sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate;
	uint64_t reserved[8];
};
_Static_assert(sizeof(struct lx_sigcontext) == 256, "struct sigcontext");

struct lx_ucontext {
	uint64_t flags, link;
	struct lx_stack stack;
	struct lx_sigcontext mc;
	uint64_t sigmask;
};
_Static_assert(sizeof(struct lx_ucontext) == 304, "struct ucontext");

struct lx_rt_sigframe {
	uint64_t pretcode;
	struct lx_ucontext uc;
	struct lx_siginfo info;
};
_Static_assert(sizeof(struct lx_rt_sigframe) == 440, "rt_sigframe");

#define LX_UC_FP_XSTATE 0x1
#define LX_UC_SIGCONTEXT_SS 0x2
#define LX_UC_STRICT_RESTORE_SS 0x4
#define LX_USER_CS 0x33
#define LX_USER_DS 0x2b

/* The software bytes of an XSAVE image in a signal frame. */
#define LX_FXSAVE_SIZE 512
#define LX_FPX_SW_OFFSET 464
#define LX_FP_XSTATE_MAGIC1 UINT32_C(0x46505853)
#define LX_FP_XSTATE_MAGIC2 UINT32_C(0x46505845)
struct lx_fpx_sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, pad[7];
};
_Static_assert(sizeof(struct lx_fpx_sw_bytes) == 48, "_fpx_sw_bytes");

#endif /* ABI_SIGFRAME_H */
