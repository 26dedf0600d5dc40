/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on futexes, robust lists and the word of the thread id.
 * kern/ipc/futex.c implements them.
 *
 * Limits.  Requeueing to locks with priority inheritance is ENOSYS.
 */
#include <errno.h>

#include "abi/futex.h"
#include "abi/time.h"
#include "kern/ipc/futex.h"
#include "linux/lib/sys_int.h"

sys_fn sys_futex, sys_futex_waitv, sys_set_robust_list, sys_get_robust_list,
    sys_set_tid_address;

/* restart_arg: va, shared, val, bitset, deadline */
static int
futex_wait_restart(struct lwp *l, int64_t *ret)
{
	int error = futex_wait(l, l->restart_arg[0], l->restart_arg[1] != 0,
	    (uint32_t)l->restart_arg[2], (uint32_t)l->restart_arg[3],
	    l->restart_arg[4]);

	if (error != EINTR)
		return (error);
	l->restart_fn = futex_wait_restart;
	return (ERESTART_BLOCK);
}

static int
futex_clock(bool realtime)
{
	return (realtime ? LX_CLOCK_REALTIME : LX_CLOCK_MONOTONIC);
}

static int
sys_futex_wait(struct lwp *l, const uint64_t *a, int op, bool shared,
    bool realtime, int64_t *ret)
{
	uint32_t bitset =
	    op == LX_FUTEX_WAIT ? LX_FUTEX_BITSET_MATCH_ANY : (uint32_t)a[5];
	uint64_t deadline;
	int error;

	error = op == LX_FUTEX_WAIT ? sys_copyin_deadline(l, a[3], &deadline)
				    : sys_copyin_deadline_abs(l, a[3],
					  futex_clock(realtime), &deadline);
	if (error != 0)
		return (error);
	l->restart_arg[0] = a[0];
	l->restart_arg[1] = shared;
	l->restart_arg[2] = (uint32_t)a[2];
	l->restart_arg[3] = bitset;
	l->restart_arg[4] = deadline;
	error = futex_wait_restart(l, ret);
	/* Without a timeout the call can be restarted with its original
	 * arguments. */
	if (error == ERESTART_BLOCK && a[3] == 0)
		error = ERESTARTSYS;
	return (error);
}

static int
sys_futex_requeue(
    struct lwp *l, const uint64_t *a, bool shared, bool cmp, int64_t *ret)
{
	const struct futex_requeue_args args = {.from = a[0],
	    .to = a[4],
	    .nwake = (int)a[2],
	    .nmove = (int)a[3],
	    .cmp = cmp,
	    .val = (uint32_t)a[5]};

	return (futex_requeue(l, &args, shared, ret));
}

/* The time is one of a clock, not a duration. */
static int
sys_futex_lock(struct lwp *l, const uint64_t *a, bool shared, bool realtime)
{
	uint64_t deadline;
	int error;

	error =
	    sys_copyin_deadline_abs(l, a[3], futex_clock(realtime), &deadline);
	if (error != 0)
		return (error);
	return (futex_lock_pi(l, a[0], shared, true, deadline));
}

int
sys_futex(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int op = (int)a[1] & ~(LX_FUTEX_PRIVATE_FLAG | LX_FUTEX_CLOCK_REALTIME);
	bool shared = ((int)a[1] & LX_FUTEX_PRIVATE_FLAG) == 0;
	bool realtime = ((int)a[1] & LX_FUTEX_CLOCK_REALTIME) != 0;

	if (realtime && op != LX_FUTEX_WAIT_BITSET && op != LX_FUTEX_WAIT &&
	    op != LX_FUTEX_LOCK_PI2)
		return (ENOSYS);
	if ((a[0] & 3) != 0)
		return (EINVAL);
	switch (op) {
	case LX_FUTEX_WAIT:
	case LX_FUTEX_WAIT_BITSET:
		return (sys_futex_wait(l, a, op, shared, realtime, ret));
	case LX_FUTEX_WAKE:
	case LX_FUTEX_WAKE_BITSET:
		return (futex_wake(l->p->k, lwp_vmspace(l), a[0], shared,
		    op == LX_FUTEX_WAKE ? LX_FUTEX_BITSET_MATCH_ANY
					: (uint32_t)a[5],
		    (int)a[2] > 0 ? (int)a[2] : 1, ret));
	case LX_FUTEX_REQUEUE:
		return (sys_futex_requeue(l, a, shared, false, ret));
	case LX_FUTEX_CMP_REQUEUE:
		return (sys_futex_requeue(l, a, shared, true, ret));
	case LX_FUTEX_WAKE_OP:
		return (futex_wake_op(l, a[0], a[4], shared, (int)a[2],
		    (int)a[3], (uint32_t)a[5], ret));
	case LX_FUTEX_LOCK_PI:
		return (sys_futex_lock(l, a, shared, true));
	case LX_FUTEX_LOCK_PI2:
		return (sys_futex_lock(l, a, shared, realtime));
	case LX_FUTEX_TRYLOCK_PI:
		return (futex_lock_pi(l, a[0], shared, false, UINT64_MAX));
	case LX_FUTEX_UNLOCK_PI:
		return (futex_unlock_pi(l, a[0], shared));
	default:
		return (ENOSYS);
	}
}

/* Copy the array of futex_waitv in.  EFAULT; EINVAL: words that are not aligned
 * 32-bit ones. */
static int
waitv_copyin(struct lwp *l, uint64_t uaddr, int n, struct futex_word *word)
{
	struct lx_futex_waitv v;

	for (int i = 0; i < n; i++) {
		if (copyin(lwp_vmspace(l), &v, uaddr + (uint64_t)i * sizeof(v),
			sizeof(v)) != 0)
			return (EFAULT);
		if ((v.flags & ~(uint32_t)LX_FUTEX2_PRIVATE) !=
			LX_FUTEX2_SIZE_U32 ||
		    v.reserved != 0 || v.val > UINT32_MAX || (v.uaddr & 3) != 0)
			return (EINVAL);
		word[i] = (struct futex_word){.va = v.uaddr,
		    .val = (uint32_t)v.val,
		    .shared = (v.flags & LX_FUTEX2_PRIVATE) == 0};
	}
	return (0);
}

int
sys_futex_waitv(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct futex_word word[LX_FUTEX_WAITV_MAX];
	const int n = (int)a[1], clock = (int)a[4];
	uint64_t deadline;
	int error, which;

	if ((uint32_t)a[2] != 0 || n < 1 || n > LX_FUTEX_WAITV_MAX || a[0] == 0)
		return (EINVAL);
	if (a[3] != 0 && clock != LX_CLOCK_MONOTONIC &&
	    clock != LX_CLOCK_REALTIME)
		return (EINVAL);
	error = sys_copyin_deadline_abs(l, a[3], clock, &deadline);
	if (error != 0)
		return (error);
	error = waitv_copyin(l, a[0], n, word);
	if (error != 0)
		return (error);
	error = futex_waitv(l, word, n, deadline, &which);
	if (error == 0)
		*ret = which;
	return (sys_restartable(error));
}

int
sys_set_robust_list(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	if (a[1] != sizeof(struct lx_robust_list_head))
		return (EINVAL);
	l->robust_list = a[0];
	l->robust_len = a[1];
	return (0);
}

int
sys_get_robust_list(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t head = l->robust_list;
	uint64_t len = sizeof(struct lx_robust_list_head);
	int error;

	/* The lists of other lwps are not accessible. */
	if ((int)a[0] != 0 && (int)a[0] != l->tid)
		return (EPERM);
	error = copyout(lwp_vmspace(l), &len, a[2], sizeof(len));
	if (error == 0)
		error = copyout(lwp_vmspace(l), &head, a[1], sizeof(head));
	return (error);
}

int
sys_set_tid_address(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	l->clear_tid = a[0];
	*ret = l->tid;
	return (0);
}
