/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System-call dispatch.
 *
 * The table is made of syscalls.tbl.  A handler gets the six argument words
 * as they were, decodes and copies in, acts, and answers with a positive
 * errno or a result; the errno is negated here, once.  rcx and r11 are
 * clobbered as the `syscall` instruction does it.
 *
 * A call that must be restarted leaves -EINTR in rax and its code in the
 * return value: ksig_deliver() has the last word.  A call whose mask was only
 * for the time of its sleep gets the old mask back here, unless it was
 * interrupted (then the signal frame carries the old mask).
 *
 * Unknown numbers answer ENOSYS, are counted, and are logged once for each
 * (call, program).  "Once" is kept in a 2048-bit hash set per kernel: two
 * pairs that collide share one line.
 */
#include "linux/syscall.h"

#include "abi/fcntl.h"
#include "abi/resource.h"
#include "linux/sys_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void
sys_log_once(struct lwp *l, uint64_t what, const char *text)
{
	struct vkernel *k = l->p->k;
	uint64_t h = UINT64_C(14695981039346656037) ^ what, bit;
	char comm[sizeof(l->p->comm)];

	kmutex_lock(&l->p->lock);
	memcpy(comm, l->p->comm, sizeof(comm));
	kmutex_unlock(&l->p->lock);
	comm[sizeof(comm) - 1] = '\0';
	for (const char *c = comm; *c != '\0'; c++)
		h = (h ^ (uint8_t)*c) * UINT64_C(1099511628211);
	h ^= h >> 29;
	bit = UINT64_C(1) << (h & 63);
	if ((atomic_fetch_or(&k->enosys_seen[(h >> 6) & 31], bit) & bit) == 0)
		klog(&k->log, KLOG_INFO, "%s (pid %d): %s", comm, l->p->pid,
		    text);
}

static void
syscall_unknown(struct lwp *l, unsigned nr)
{
	const char *name = nr < syscall_table_n ? syscall_table[nr].name : NULL;
	char text[80];

	snprintf(text, sizeof(text), "system call %u (%s) is missing", nr,
	    name != NULL ? name : "unknown");
	sys_log_once(l, nr & 0xffff, text);
}

void
vkernel_syscalls(struct vkernel *k,
    void (*fn)(void *arg, const char *name, uint64_t calls, uint64_t missing),
    void *arg)
{
	uint64_t calls;

	for (unsigned i = 0; i < syscall_table_n; i++) {
		calls = atomic_load_explicit(
		    &k->sc_count[i].calls, memory_order_relaxed);
		if (calls != 0 && syscall_table[i].name != NULL)
			fn(arg, syscall_table[i].name, calls,
			    atomic_load_explicit(
				&k->sc_count[i].enosys, memory_order_relaxed));
	}
}

static int
syscall_run(struct lwp *l, uint64_t nr, const uint64_t *args, int64_t *ret)
{
	struct vkernel *k = l->p->k;

	if (nr < syscall_table_n) {
		atomic_fetch_add_explicit(
		    &k->sc_count[nr].calls, 1, memory_order_relaxed);
		if (syscall_table[nr].fn != NULL)
			return (syscall_table[nr].fn(l, args, ret));
		atomic_fetch_add_explicit(
		    &k->sc_count[nr].enosys, 1, memory_order_relaxed);
	}
	syscall_unknown(l, nr > UINT32_MAX ? UINT32_MAX : (unsigned)nr);
	return (ENOSYS);
}

static void
syscall_mask_back(struct lwp *l, int error)
{
	if (!l->sigmask_restore || error == ERESTART ||
	    error == ERESTARTNOHAND || error == ERESTART_BLOCK ||
	    error == EINTR)
		return;
	kmutex_lock(&l->p->lock);
	l->sigmask_restore = false;
	ksig_setmask_locked(l, l->sigmask_saved);
	kmutex_unlock(&l->p->lock);
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
	atomic_fetch_add_explicit(&k->nsyscalls, 1, memory_order_relaxed);
	ktrace(&k->trace, KT_SYSCALL_ENTER, pid, nr, args[0]);
	if (k->strace != NULL)
		len = sys_trace_format(l,
		    nr < syscall_table_n ? &syscall_table[nr] : NULL,
		    (unsigned)nr, args, line, sizeof(line));

	error = syscall_run(l, nr, args, &ret);

	if (error == 0)
		tf->rax = (uint64_t)ret;
	else if (error == ERESTART || error == ERESTARTNOHAND ||
		 error == ERESTART_BLOCK)
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

/* ---- helpers of the handlers ---- */

int
sys_copyin_path(struct lwp *l, uint64_t uaddr, char *buf)
{
	return (copyinstr(lwp_vmspace(l), buf, uaddr, VFS_PATH_MAX, NULL));
}

int
sys_get_file(struct lwp *l, int fd, struct file **f)
{
	return (fd_get(l->p->fdt, fd, f));
}

int
sys_get_dir(struct lwp *l, int dirfd, struct vnode **vpp)
{
	struct file *f;
	int error;

	if (dirfd == LX_AT_FDCWD) {
		*vpp = NULL;
		return (0);
	}
	error = sys_get_file(l, dirfd, &f);
	if (error != 0)
		return (error);
	if (f->vp == NULL || f->vp->type != VDIR) {
		file_free(f);
		return (ENOTDIR);
	}
	vref(f->vp);
	*vpp = f->vp;
	file_free(f);
	return (0);
}

uint64_t
sys_rlimit(struct lwp *l, int which)
{
	uint64_t cur;

	kmutex_lock(&l->p->lock);
	cur = l->p->rlim[which].cur;
	kmutex_unlock(&l->p->lock);
	return (cur);
}

uint32_t
sys_fd_limit(struct lwp *l)
{
	uint64_t n = sys_rlimit(l, LX_RLIMIT_NOFILE);

	return (n > INT32_MAX ? INT32_MAX : (uint32_t)n);
}

/* ---- families that answer with one error ---- */

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
