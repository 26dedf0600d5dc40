/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System-call dispatch.
 *
 * The table is generated from syscalls.tbl.  A handler gets the six argument
 * words unchanged, decodes them, copies memory in, acts, and returns a positive
 * errno or a result.  The errno is negated here and nowhere else.  rcx and r11
 * are overwritten as the `syscall` instruction does.
 *
 * A call that must be restarted leaves -EINTR in rax and returns its restart
 * code: ksig_deliver() decides whether it is restarted.  A call that installed
 * a signal mask for the time of its sleep gets the old mask back here, unless
 * it was interrupted (then the signal frame has the old mask).
 *
 * An unknown number is ENOSYS.  It is counted, and logged once for each pair
 * (call, program).  A 2048-bit hash set per kernel records the pairs that were
 * logged, so that two pairs whose hashes collide share one line.
 */
#include "linux/lib/syscall.h"
#include "linux/proc/sys_pidns.h"

#include "kern/sig/sigio.h"
#include "linux/lib/sys_int.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/vnode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
syscall_unknown(struct lwp *l, unsigned nr)
{
	const char *name = nr < syscall_table_n ? syscall_table[nr].name : NULL;
	char text[80];

	snprintf(text, sizeof(text), "system call %u (%s) is missing", nr,
	    name != NULL ? name : "unknown");
	sys_log_once(l, nr & 0xffff, text);
}

static int
syscall_run(struct lwp *l, uint64_t nr, const uint64_t *args, int64_t *ret)
{
	struct vkernel *k = l->p->k;

	if (nr < syscall_table_n) {
		atomic_fetch_add_explicit(
		    &k->sc_count[nr].calls, 1, memory_order_relaxed);
		if (syscall_table[nr].fn != NULL)
			return (l->p->pidns->level == 0
				    ? syscall_table[nr].fn(l, args, ret)
				    : sys_pidns_call(
					  l, &syscall_table[nr], args, ret));
		atomic_fetch_add_explicit(
		    &k->sc_count[nr].enosys, 1, memory_order_relaxed);
	}
	syscall_unknown(l, nr > UINT32_MAX ? UINT32_MAX : (unsigned)nr);
	return (ENOSYS);
}

static void
syscall_mask_back(struct lwp *l, int error)
{
	if (!l->sigmask_restore || restart_is(error) || error == EINTR)
		return;
	kmutex_lock(&l->p->lock);
	l->sigmask_restore = false;
	ksig_setmask_locked(l, l->sigmask_saved);
	kmutex_unlock(&l->p->lock);
}

/* What /proc/PID/syscall says. */
static void
call_show(struct lwp *l, const uint64_t args[6])
{
	for (int i = 0; i < 6; i++)
		atomic_store_explicit(
		    &l->sc_seen[i], args[i], memory_order_relaxed);
	atomic_store_explicit(
	    &l->sc_seen[6], l->cpu->tf.rsp, memory_order_relaxed);
	atomic_store_explicit(
	    &l->sc_seen[7], l->cpu->tf.rip, memory_order_relaxed);
	atomic_store_explicit(&l->sc_now, l->sc_nr, memory_order_release);
}

int
syscall_dispatch(struct lwp *l)
{
	struct trapframe *tf = &l->cpu->tf;
	uint64_t nr = tf->orig_rax & UINT32_MAX;
	struct vkernel *k = l->p->k;
	char line[SYS_TRACE_LINE];
	uint64_t pid = (uint64_t)l->p->pid;
	size_t len = 0;
	int64_t ret = 0;
	int error;

	uint64_t args[6] = {tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9};

	tf->rcx = tf->rip;
	tf->r11 = tf->rflags;
	l->sc_nr = (int)nr;
	memcpy(l->sc_args, args, sizeof(args));
	call_show(l, args);
	atomic_fetch_add_explicit(&k->nsyscalls, 1, memory_order_relaxed);
	ktrace(&k->trace, KT_SYSCALL_ENTER, pid, nr, args[0]);
	if (k->strace != NULL)
		len = sys_trace_format(l,
		    nr < syscall_table_n ? &syscall_table[nr] : NULL,
		    (unsigned)nr, args, line, sizeof(line));

	error = syscall_run(l, nr, args, &ret);
	if (atomic_load_explicit(&l->p->async_files, memory_order_relaxed))
		sigio_kick(k);

	atomic_store_explicit(&l->sc_now, -1, memory_order_relaxed);
	if (error == 0)
		tf->rax = (uint64_t)ret;
	else if (restart_is(error))
		tf->rax = (uint64_t)-EINTR;
	else if (error != EJUSTRETURN)
		tf->rax = (uint64_t) - (int64_t)error;
	ktrace(&k->trace, KT_SYSCALL_EXIT, pid, nr,
	    error == 0 ? (uint64_t)ret : (uint64_t) - (int64_t)error);
	if (len != 0)
		sys_trace_result(k, line, len, error, ret);
	syscall_mask_back(l, error);
	return (error);
}

/* ---- calls that always fail with one error ---- */

sys_fn sys_eperm, sys_eopnotsupp, sys_einval;

int
sys_eperm(struct lwp *l, const uint64_t *args, int64_t *ret)
{
	return (EPERM);
}

int
sys_eopnotsupp(struct lwp *l, const uint64_t *args, int64_t *ret)
{
	return (EOPNOTSUPP);
}

int
sys_einval(struct lwp *l, const uint64_t *args, int64_t *ret)
{
	return (EINVAL);
}

/* ---- for kern ---- */

const char *
syscall_name(unsigned nr)
{
	return (nr < syscall_table_n ? syscall_table[nr].name : NULL);
}
