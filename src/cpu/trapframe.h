/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The registers of a guest thread, x86-64.  The machine keeps the extended
 * state (x87, SSE, AVX...), see cpu_xstate_get().
 */
#ifndef CPU_TRAPFRAME_H
#define CPU_TRAPFRAME_H

#include <stdint.h>

struct trapframe {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp;
	uint64_t rip, rflags;
	uint64_t fs_base, gs_base;
	uint64_t orig_rax; /* system call number, or ~0 for other events */
};

/* rflags bits that user code may set: CF PF AF ZF SF TF DF OF NT RF AC ID */
#define TF_RFLAGS_USER UINT64_C(0x254dd5)
#define TF_RFLAGS_STEP UINT64_C(0x100)  /* TF: trap after an instruction */
#define TF_RFLAGS_FIXED UINT64_C(0x202) /* IF and the always-one bit */

#endif /* CPU_TRAPFRAME_H */
