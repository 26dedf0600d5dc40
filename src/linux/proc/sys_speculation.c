/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * PR_GET_SPECULATION_CTRL and PR_SET_SPECULATION_CTRL.
 *
 * Guest code runs in processes of the host that inherit the state of the kernel
 * process, so that state, read once at start, is that of all guests.  No guest
 * can change it: a stub can make no such call.  So a guest sees a machine on
 * which the mitigations are on or off for all, and gets the errors of Linux
 * there.
 *
 * Limits: where the host does not tell its state, there is none: ENODEV.
 */
#include "linux/proc/sys_speculation.h"
#include "abi/prctl.h"

#include <errno.h>

/* The state that guests see instead of that of the host. */
static int
state_shown(unsigned kind, int host)
{
	if ((host & LX_PR_SPEC_PRCTL) == 0)
		return (host);
	if (kind == LX_PR_SPEC_L1D_FLUSH) /* only ever by choice */
		return (LX_PR_SPEC_FORCE_DISABLE);
	return ((host & LX_PR_SPEC_ENABLE) != 0 ? LX_PR_SPEC_ENABLE
						: LX_PR_SPEC_DISABLE);
}

/* Of INDIRECT_BRANCH: only what is so already can be asked for. */
static int
branch_set(int state, uint64_t want)
{
	switch (want) {
	case LX_PR_SPEC_ENABLE:
		return (state == LX_PR_SPEC_DISABLE ? EPERM : 0);
	case LX_PR_SPEC_DISABLE:
	case LX_PR_SPEC_FORCE_DISABLE:
		return (state == LX_PR_SPEC_DISABLE ? 0 : EPERM);
	default:
		return (ERANGE);
	}
}

int
sys_prctl_speculation(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const bool set = (int)a[0] == LX_PR_SET_SPECULATION_CTRL;
	int state;

	if (!set && (int)a[0] != LX_PR_GET_SPECULATION_CTRL)
		return (ENOSYS);
	if (a[1] >= LX_PR_SPEC_KINDS)
		return (ENODEV);
	state = l->p->k->speculation[a[1]];
	if (state < 0)
		return (ENODEV);
	state = state_shown((unsigned)a[1], state);
	if (!set) {
		*ret = state;
		return (0);
	}
	switch (a[1]) {
	case LX_PR_SPEC_STORE_BYPASS:
		return (ENXIO);
	case LX_PR_SPEC_INDIRECT_BRANCH:
		return (branch_set(state, a[2]));
	default:
		return (EPERM);
	}
}
