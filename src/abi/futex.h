/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Futexes and robust lists.
 * Source: futex(2), get_robust_list(2), include/uapi/linux/futex.h.
 */
#ifndef ABI_FUTEX_H
#define ABI_FUTEX_H

#include <stdint.h>

#define LX_FUTEX_WAIT 0
#define LX_FUTEX_WAKE 1
#define LX_FUTEX_REQUEUE 3
#define LX_FUTEX_CMP_REQUEUE 4
#define LX_FUTEX_WAKE_OP 5
#define LX_FUTEX_LOCK_PI 6
#define LX_FUTEX_UNLOCK_PI 7
#define LX_FUTEX_TRYLOCK_PI 8
#define LX_FUTEX_WAIT_BITSET 9
#define LX_FUTEX_WAKE_BITSET 10
#define LX_FUTEX_LOCK_PI2 13
#define LX_FUTEX_PRIVATE_FLAG 128
#define LX_FUTEX_CLOCK_REALTIME 256
#define LX_FUTEX_BITSET_MATCH_ANY UINT32_MAX
/* The third argument's operation and comparison of FUTEX_WAKE_OP. */
#define LX_FUTEX_OP_SET 0
#define LX_FUTEX_OP_ADD 1
#define LX_FUTEX_OP_OR 2
#define LX_FUTEX_OP_ANDN 3
#define LX_FUTEX_OP_XOR 4
#define LX_FUTEX_OP_ARG_SHIFT 8
#define LX_FUTEX_OP_CMP_EQ 0
#define LX_FUTEX_OP_CMP_NE 1
#define LX_FUTEX_OP_CMP_LT 2
#define LX_FUTEX_OP_CMP_LE 3
#define LX_FUTEX_OP_CMP_GT 4
#define LX_FUTEX_OP_CMP_GE 5

#define LX_FUTEX_WAITERS UINT32_C(0x80000000)
#define LX_FUTEX_OWNER_DIED UINT32_C(0x40000000)
#define LX_FUTEX_TID_MASK UINT32_C(0x3fffffff)
#define LX_ROBUST_LIST_LIMIT 2048

/* futex_waitv(2) */
struct lx_futex_waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};
_Static_assert(sizeof(struct lx_futex_waitv) == 24, "futex_waitv");
#define LX_FUTEX_WAITV_MAX 128
#define LX_FUTEX2_SIZE_U32 0x02
#define LX_FUTEX2_PRIVATE 0x80

struct lx_robust_list_head {
	uint64_t next;
	int64_t futex_offset;
	uint64_t list_op_pending;
};
_Static_assert(sizeof(struct lx_robust_list_head) == 24, "robust_list_head");

#endif /* ABI_FUTEX_H */
