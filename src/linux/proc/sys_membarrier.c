/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * membarrier: all threads of the guest that run execute a memory barrier.
 *
 * Concepts.  Threads of guests are host threads in other processes, so that the
 * host's commands for the threads of one process do not reach them.
 * MEMBARRIER_CMD_GLOBAL of the host does: when it returns, all threads that run
 * on the host have passed a full barrier.  That is what each command here
 * promises, for fewer threads, so that all of them are done by this one.  A
 * thread that waits, or runs in the kernel process, has ordered its accesses
 * when it left user code.
 *
 * Registrations belong to the address space: exec ends them, fork copies them.
 *
 * Limits.  An expedited command takes as long as a global one: milliseconds.
 * SYNC_CORE is not offered, because the host's global command promises no
 * core-serialising instruction, and neither is RSEQ.  If the host cannot do it
 * (nohz_full), no command is offered.
 */
#include <errno.h>

#include "abi/membarrier.h"
#include "host/host.h"
#include "linux/lib/sys_int.h"

sys_fn sys_membarrier;

#define OFFERED                                                          \
	(LX_MEMBARRIER_CMD_GLOBAL | LX_MEMBARRIER_CMD_GLOBAL_EXPEDITED | \
	    LX_MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |                \
	    LX_MEMBARRIER_CMD_PRIVATE_EXPEDITED |                        \
	    LX_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |               \
	    LX_MEMBARRIER_CMD_GET_REGISTRATIONS)

static bool
barrier_possible(void)
{
	int commands;

	return (host_membarrier(LX_MEMBARRIER_CMD_QUERY, &commands) == 0 &&
		(commands & LX_MEMBARRIER_CMD_GLOBAL) != 0);
}

static int
barrier(void)
{
	int unused;

	return (host_membarrier(LX_MEMBARRIER_CMD_GLOBAL, &unused));
}

int
sys_membarrier(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	_Atomic(uint32_t) *mine = &lwp_vmspace(l)->barriers;
	const int cmd = (int)a[0];

	if ((uint32_t)a[1] != 0)
		return (EINVAL);
	if (cmd == LX_MEMBARRIER_CMD_QUERY) {
		*ret = barrier_possible() ? OFFERED : 0;
		return (0);
	}
	if (!barrier_possible())
		return (EINVAL);
	switch (cmd) {
	case LX_MEMBARRIER_CMD_GLOBAL:
	case LX_MEMBARRIER_CMD_GLOBAL_EXPEDITED: /* by anyone */
		return (barrier());
	case LX_MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case LX_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
		atomic_fetch_or(mine, (uint32_t)cmd);
		return (0);
	case LX_MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		if ((atomic_load(mine) &
			LX_MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0)
			return (EPERM);
		return (barrier());
	case LX_MEMBARRIER_CMD_GET_REGISTRATIONS:
		*ret = atomic_load(mine);
		return (0);
	default:
		return (EINVAL);
	}
}
