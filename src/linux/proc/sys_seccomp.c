/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * seccomp, and prctl(PR_SET_SECCOMP) with the same meaning.  What filters are,
 * and how they decide, is in kern/base/seccomp.c; the order of the checks here
 * is that of Linux.
 *
 * Limits: no listener: SECCOMP_FILTER_FLAG_NEW_LISTENER and
 * SECCOMP_GET_NOTIF_SIZES are EINVAL, as on Linux before 5.0.
 */
#include "linux/proc/sys_seccomp.h"

#include <errno.h>

#include "abi/capability.h"
#include "abi/prctl.h"
#include "abi/seccomp.h"
#include "kern/base/seccomp.h"
#include "mem/kmem.h"

sys_fn sys_seccomp;

#define KNOWN_FLAGS                                                  \
	(LX_SECCOMP_FILTER_FLAG_TSYNC | LX_SECCOMP_FILTER_FLAG_LOG | \
	    LX_SECCOMP_FILTER_FLAG_SPEC_ALLOW |                      \
	    LX_SECCOMP_FILTER_FLAG_TSYNC_ESRCH)

static bool
may_filter(struct lwp *l)
{
	bool may;

	if (lwp_capable_here(l, LX_CAP_SYS_ADMIN))
		return (true);
	kmutex_lock(&l->p->lock);
	may = l->p->no_new_privs;
	kmutex_unlock(&l->p->lock);
	return (may);
}

/* The guest's program as a filter. */
static int
copyin_filter(struct lwp *l, uint64_t uprog, struct seccomp_filter **out)
{
	struct lx_sock_fprog prog;
	struct lx_sock_filter *insn;
	int error;

	if (copyin(lwp_vmspace(l), &prog, uprog, sizeof(prog)) != 0)
		return (EFAULT);
	if (prog.len == 0 || prog.len > LX_BPF_MAXINSNS)
		return (EINVAL);
	if (!may_filter(l))
		return (EACCES);
	insn = kmem_alloc(prog.len * sizeof(*insn));
	if (insn == NULL)
		return (ENOMEM);
	error =
	    copyin(lwp_vmspace(l), insn, prog.filter, prog.len * sizeof(*insn));
	if (error == 0)
		error = seccomp_filter_create(insn, prog.len, out);
	kmem_free(insn);
	return (error);
}

static int
set_filter(struct lwp *l, uint64_t flags, uint64_t uprog, int64_t *ret)
{
	const bool all = (flags & LX_SECCOMP_FILTER_FLAG_TSYNC) != 0;
	struct seccomp_filter *f;
	int error, tid = 0;

	if ((flags & ~(uint64_t)KNOWN_FLAGS) != 0)
		return (EINVAL);
	error = copyin_filter(l, uprog, &f);
	if (error != 0)
		return (error);
	error = seccomp_install(l, f, all, &tid);
	if (error != EAGAIN)
		return (error);
	if ((flags & LX_SECCOMP_FILTER_FLAG_TSYNC_ESRCH) != 0)
		return (ESRCH);
	*ret = tid;
	return (0);
}

static int
action_known(struct lwp *l, uint64_t uaction)
{
	uint32_t action;

	if (copyin(lwp_vmspace(l), &action, uaction, sizeof(action)) != 0)
		return (EFAULT);
	switch (action) {
	case LX_SECCOMP_RET_KILL_PROCESS:
	case LX_SECCOMP_RET_KILL_THREAD:
	case LX_SECCOMP_RET_TRAP:
	case LX_SECCOMP_RET_ERRNO:
	case LX_SECCOMP_RET_TRACE:
	case LX_SECCOMP_RET_LOG:
	case LX_SECCOMP_RET_ALLOW:
		return (0);
	default:
		return (EOPNOTSUPP);
	}
}

int
sys_seccomp(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint32_t op = (uint32_t)a[0], flags = (uint32_t)a[1];

	switch (op) {
	case LX_SECCOMP_SET_MODE_STRICT:
		if (flags != 0 || a[2] != 0)
			return (EINVAL);
		return (seccomp_set_strict(l));
	case LX_SECCOMP_SET_MODE_FILTER:
		return (set_filter(l, flags, a[2], ret));
	case LX_SECCOMP_GET_ACTION_AVAIL:
		return (flags != 0 ? EINVAL : action_known(l, a[2]));
	default:
		return (EINVAL);
	}
}

int
sys_prctl_seccomp(struct lwp *l, uint64_t mode, uint64_t uprog, int64_t *ret)
{
	switch (mode) {
	case LX_SECCOMP_MODE_STRICT:
		return (seccomp_set_strict(l));
	case LX_SECCOMP_MODE_FILTER:
		return (set_filter(l, 0, uprog, ret));
	default:
		return (EINVAL);
	}
}
