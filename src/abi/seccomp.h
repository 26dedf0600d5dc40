/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * seccomp(2) and its filters, which are programs of classic BPF.
 * Source: seccomp(2), include/uapi/linux/{seccomp,filter,bpf_common}.h.
 */
#ifndef ABI_SECCOMP_H
#define ABI_SECCOMP_H

#include <stddef.h>
#include <stdint.h>

#define LX_SECCOMP_MODE_DISABLED 0
#define LX_SECCOMP_MODE_STRICT 1
#define LX_SECCOMP_MODE_FILTER 2

#define LX_SECCOMP_SET_MODE_STRICT 0
#define LX_SECCOMP_SET_MODE_FILTER 1
#define LX_SECCOMP_GET_ACTION_AVAIL 2
#define LX_SECCOMP_GET_NOTIF_SIZES 3

#define LX_SECCOMP_FILTER_FLAG_TSYNC 0x01
#define LX_SECCOMP_FILTER_FLAG_LOG 0x02
#define LX_SECCOMP_FILTER_FLAG_SPEC_ALLOW 0x04
#define LX_SECCOMP_FILTER_FLAG_TSYNC_ESRCH 0x10

/* Results: an action, and data in the lower half. */
#define LX_SECCOMP_RET_KILL_PROCESS UINT32_C(0x80000000)
#define LX_SECCOMP_RET_KILL_THREAD UINT32_C(0x00000000)
#define LX_SECCOMP_RET_TRAP UINT32_C(0x00030000)
#define LX_SECCOMP_RET_ERRNO UINT32_C(0x00050000)
#define LX_SECCOMP_RET_USER_NOTIF UINT32_C(0x7fc00000)
#define LX_SECCOMP_RET_TRACE UINT32_C(0x7ff00000)
#define LX_SECCOMP_RET_LOG UINT32_C(0x7ffc0000)
#define LX_SECCOMP_RET_ALLOW UINT32_C(0x7fff0000)
#define LX_SECCOMP_RET_ACTION UINT32_C(0xffff0000)
#define LX_SECCOMP_RET_DATA UINT32_C(0x0000ffff)

/* What a filter reads. */
struct lx_seccomp_data {
	int32_t nr;
	uint32_t arch;
	uint64_t ip;
	uint64_t args[6];
};
_Static_assert(sizeof(struct lx_seccomp_data) == 64, "struct seccomp_data");

struct lx_sock_filter {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};
struct lx_sock_fprog {
	uint16_t len;
	uint8_t pad[6];
	uint64_t filter;
};
_Static_assert(sizeof(struct lx_sock_fprog) == 16, "struct sock_fprog");

#define LX_BPF_MAXINSNS 4096
#define LX_BPF_MEMWORDS 16

/* Codes: a class, and what it needs. */
#define LX_BPF_CLASS(code) ((code)&0x07)
#define LX_BPF_LD 0x00
#define LX_BPF_LDX 0x01
#define LX_BPF_ST 0x02
#define LX_BPF_STX 0x03
#define LX_BPF_ALU 0x04
#define LX_BPF_JMP 0x05
#define LX_BPF_RET 0x06
#define LX_BPF_MISC 0x07
/* LD, LDX: the mode (all words have 32 bits, BPF_W is 0). */
#define LX_BPF_IMM 0x00
#define LX_BPF_ABS 0x20
#define LX_BPF_MEM 0x60
#define LX_BPF_LEN 0x80
/* ALU, JMP: the operation. */
#define LX_BPF_OP(code) ((code)&0xf0)
#define LX_BPF_ADD 0x00
#define LX_BPF_SUB 0x10
#define LX_BPF_MUL 0x20
#define LX_BPF_DIV 0x30
#define LX_BPF_OR 0x40
#define LX_BPF_AND 0x50
#define LX_BPF_LSH 0x60
#define LX_BPF_RSH 0x70
#define LX_BPF_NEG 0x80
#define LX_BPF_XOR 0xa0
#define LX_BPF_JA 0x00
#define LX_BPF_JEQ 0x10
#define LX_BPF_JGT 0x20
#define LX_BPF_JGE 0x30
#define LX_BPF_JSET 0x40
/* The operand: k or the index register. */
#define LX_BPF_K 0x00
#define LX_BPF_X 0x08
/* RET, besides K. */
#define LX_BPF_A 0x10
/* MISC. */
#define LX_BPF_TAX 0x00
#define LX_BPF_TXA 0x80

#endif /* ABI_SECCOMP_H */
