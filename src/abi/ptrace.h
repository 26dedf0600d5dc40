/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Tracing of threads.
 * Source: ptrace(2), include/uapi/linux/ptrace.h, include/uapi/linux/elf.h,
 * arch/x86/include/asm/user_64.h.
 */
#ifndef ABI_PTRACE_H
#define ABI_PTRACE_H

#include <stddef.h>
#include <stdint.h>

#define LX_PTRACE_TRACEME 0
#define LX_PTRACE_PEEKTEXT 1
#define LX_PTRACE_PEEKDATA 2
#define LX_PTRACE_PEEKUSER 3
#define LX_PTRACE_POKETEXT 4
#define LX_PTRACE_POKEDATA 5
#define LX_PTRACE_POKEUSER 6
#define LX_PTRACE_CONT 7
#define LX_PTRACE_KILL 8
#define LX_PTRACE_SINGLESTEP 9
#define LX_PTRACE_GETREGS 12
#define LX_PTRACE_SETREGS 13
#define LX_PTRACE_GETFPREGS 14
#define LX_PTRACE_SETFPREGS 15
#define LX_PTRACE_ATTACH 16
#define LX_PTRACE_DETACH 17
#define LX_PTRACE_SYSCALL 24
#define LX_PTRACE_SETOPTIONS 0x4200
#define LX_PTRACE_GETEVENTMSG 0x4201
#define LX_PTRACE_GETSIGINFO 0x4202
#define LX_PTRACE_SETSIGINFO 0x4203
#define LX_PTRACE_GETREGSET 0x4204
#define LX_PTRACE_SETREGSET 0x4205
#define LX_PTRACE_SEIZE 0x4206
#define LX_PTRACE_INTERRUPT 0x4207
#define LX_PTRACE_LISTEN 0x4208
#define LX_PTRACE_PEEKSIGINFO 0x4209
#define LX_PTRACE_GETSIGMASK 0x420a
#define LX_PTRACE_SETSIGMASK 0x420b
#define LX_PTRACE_GET_SYSCALL_INFO 0x420e

/* An event; its option is 1 << event. */
#define LX_PTRACE_EVENT_FORK 1
#define LX_PTRACE_EVENT_VFORK 2
#define LX_PTRACE_EVENT_CLONE 3
#define LX_PTRACE_EVENT_EXEC 4
#define LX_PTRACE_EVENT_VFORK_DONE 5
#define LX_PTRACE_EVENT_EXIT 6
#define LX_PTRACE_EVENT_SECCOMP 7
#define LX_PTRACE_EVENT_STOP 128
#define LX_PTRACE_O_TRACESYSGOOD UINT32_C(0x01)
#define LX_PTRACE_O_EXITKILL UINT32_C(0x100000)
/* All but PTRACE_O_SUSPEND_SECCOMP. */
#define LX_PTRACE_O_KNOWN UINT32_C(0x1000ff)
#define LX_PTRACE_EVENTMSG_SYSCALL_ENTRY 1
#define LX_PTRACE_EVENTMSG_SYSCALL_EXIT 2
#define LX_PTRACE_PEEKSIGINFO_SHARED 1

#define LX_PTRACE_SYSCALL_INFO_NONE 0
#define LX_PTRACE_SYSCALL_INFO_ENTRY 1
#define LX_PTRACE_SYSCALL_INFO_EXIT 2
struct lx_ptrace_syscall_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t ip, sp;
	union {
		struct {
			uint64_t nr, args[6];
		} entry;
		struct {
			int64_t rval;
			uint8_t is_error;
		} exit;
	} u;
};
_Static_assert(offsetof(struct lx_ptrace_syscall_info, u.exit.is_error) == 32,
    "struct ptrace_syscall_info");

struct lx_peeksiginfo_args {
	uint64_t off;
	uint32_t flags;
	int32_t nr;
};

struct lx_user_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
	uint64_t rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, eflags;
	uint64_t rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};
_Static_assert(sizeof(struct lx_user_regs) == 216, "struct user_regs_struct");
/* struct user: its size, and the place of eight debug registers. */
#define LX_USER_SIZE 928
#define LX_USER_DEBUGREG 848
/* DR6 and DR7 of x86: asm/debugreg.h. */
#define LX_DR6_RESERVED UINT64_C(0xffff0ff0)
#define LX_DR6_STEP UINT64_C(0x4000)
#define LX_DR_TYPE_EXECUTE 0
#define LX_DR_TYPE_WRITE 1

#define LX_NT_PRSTATUS 1
#define LX_NT_FPREGSET 2
#define LX_NT_X86_XSTATE 0x202

#endif /* ABI_PTRACE_H */
