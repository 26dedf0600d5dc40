/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on descriptors of processes.  (waitid is in sys_proc.c.)
 */
#include "linux/lib/sys_int.h"

#include <errno.h>
#include <fcntl.h>

#include "abi/signal.h"
#include "kern/base/access.h"
#include "kern/base/pidfd.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/sig/ksignal.h"
#include "linux/proc/sys_pidfd.h"
#include "linux/signal/sys_sig.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/procfs/procfs.h"

sys_fn sys_pidfd_open, sys_pidfd_send_signal, sys_pidfd_getfd;

int
sys_pidfd_open(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vkernel *k = l->p->k;
	struct file *f;
	struct proc *p;
	int pid = (int)a[0], error;

	if ((a[1] & UINT32_MAX & ~(uint64_t)O_NONBLOCK) != 0 || pid <= 0)
		return (EINVAL);
	error = pidfd_create(k, (int)a[1], &f);
	if (error != 0)
		return (error);
	kmutex_lock(&k->proctree);
	p = proc_find_locked(k, pid);
	if (p != NULL)
		pidfd_bind_locked(f, p);
	else /* perhaps a thread */
		error = proc_find_tid_locked(k, pid) != NULL ? ENOENT : ESRCH;
	kmutex_unlock(&k->proctree);
	if (error != 0) {
		file_free(f);
		return (error);
	}
	return (sys_fd_new(l, f, true, ret));
}

int
sys_pidfd_proc(struct lwp *l, int fd, struct proc **pp, bool *nonblock)
{
	struct file *f;
	struct proc *p;
	int error = sys_get_file(l, fd, &f);

	if (error != 0)
		return (error);
	if (!pidfd_is(f)) {
		file_free(f);
		return (EBADF);
	}
	p = pidfd_proc_hold(f);
	*nonblock = (atomic_load(&f->flags) & O_NONBLOCK) != 0;
	file_free(f);
	if (p == NULL)
		return (ESRCH);
	*pp = p;
	return (0);
}

/* The process that pidfd_send_signal takes fd for: that of a descriptor of
 * processes, or of a directory /proc/PID, as it was when that was opened.
 * EBADF, ESRCH. */
static int
signal_target(struct lwp *l, int fd, struct proc **pp)
{
	struct proc *p = NULL;
	struct file *f;
	uint64_t id = 0;
	bool nonblock;
	int pid = 0, error = sys_get_open_file(l, fd, &f);

	if (error != 0)
		return (error);
	if (f->vp != NULL)
		id = procfs_process(f->vp, &pid);
	file_free(f);
	if (id == 0)
		return (sys_pidfd_proc(l, fd, pp, &nonblock));
	p = proc_find_tid_hold(l->p->k, pid);
	if (p == NULL)
		return (ESRCH);
	if (p->id != id) {
		proc_drop(p);
		return (ESRCH);
	}
	*pp = p;
	return (0);
}

int
sys_pidfd_send_signal(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const int signo = (int)a[1];
	struct ksiginfo info;
	struct proc *p;
	int error;

	if (a[3] != 0)
		return (EINVAL);
	error = signal_target(l, (int)a[0], &p);
	if (error != 0)
		return (error);
	if (a[2] != 0)
		error = sys_sig_copyin_info(l, a[2], signo, p == l->p, &info);
	else if (signo < 0 || signo > KNSIG)
		error = EINVAL;
	else
		info = sys_sig_from(l, signo, LX_SI_USER);
	if (error == 0)
		error = ksig_permitted(l, p, signo);
	if (error == 0) {
		kmutex_lock(&p->lock);
		if (p->state == PROC_DEAD)
			error = ESRCH;
		else if (signo != 0 && p->state != PROC_ZOMBIE)
			ksig_post_proc_locked(p, &info);
		kmutex_unlock(&p->lock);
	}
	proc_drop(p);
	return (error);
}

int
sys_pidfd_getfd(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct proc_caller caller = proc_caller_real(l);
	struct fdtable *fdt;
	struct file *f = NULL;
	struct proc *p;
	bool nonblock;
	int error;

	if (a[2] != 0)
		return (EINVAL);
	error = sys_pidfd_proc(l, (int)a[0], &p, &nonblock);
	if (error != 0)
		return (error);
	fdt = proc_fdt_ref(p);
	if (fdt == NULL)
		error = ESRCH;
	else {
		error = proc_may_access(p, &caller);
		if (error == 0)
			error = fd_get(fdt, (int)a[1], &f);
		fdtable_free(fdt);
	}
	proc_drop(p);
	return (error != 0 ? error : sys_fd_new(l, f, true, ret));
}
