/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * kcmp(2): have two threads the same file, memory, descriptors, directories or
 * signal handlers?
 *
 * The result also puts the objects in an order, by which a program sorts them.
 * The order is that of their addresses after a random one-to-one mapping of
 * this kernel, so that the caller learns nothing of the addresses.
 *
 * Locking: the lock of each process while its pointer is read.  Pointers are
 * compared only, never followed.
 *
 * Limits: I/O contexts, semaphore undo lists and targets of epoll are
 * EOPNOTSUPP, as on a kernel that is built without them.
 */
#include "abi/kcmp.h"
#include "kern/base/access.h"
#include "linux/lib/sys_int.h"

#include <errno.h>

#include "vfs/core/fd.h"
#include "vfs/core/file.h"

sys_fn sys_kcmp;

/* The file of a descriptor of p, as a number.  EBADF, ESRCH. */
static int
kcmp_file(struct proc *p, uint64_t fd, uint64_t *id)
{
	struct fdtable *fdt = proc_fdt_ref(p);
	struct file *f;
	int error;

	if (fdt == NULL)
		return (ESRCH);
	error = fd > INT32_MAX ? EBADF : fd_get(fdt, (int)fd, &f);
	fdtable_free(fdt);
	if (error != 0)
		return (error);
	*id = (uintptr_t)f;
	file_free(f);
	return (0);
}

static int
kcmp_object(struct proc *p, int type, uint64_t arg, uint64_t *id)
{
	int error = 0;

	if (type == LX_KCMP_FILE)
		return (kcmp_file(p, arg, id));
	kmutex_lock(&p->lock);
	switch (type) {
	case LX_KCMP_VM:
		*id = (uintptr_t)p->vmspace;
		break;
	case LX_KCMP_FILES:
		*id = (uintptr_t)p->fdt;
		break;
	case LX_KCMP_FS:
		*id = (uintptr_t)p->fs;
		break;
	case LX_KCMP_SIGHAND:
		*id = (uintptr_t)p->sigacts;
		break;
	case LX_KCMP_IO:
	case LX_KCMP_SYSVSEM:
	case LX_KCMP_EPOLL_TFD:
		error = EOPNOTSUPP;
		break;
	default:
		error = EINVAL;
	}
	kmutex_unlock(&p->lock);
	return (error);
}

/* 0: the same; 1: a is before b; 2: it is after. */
static int
kcmp_order(const uint64_t key[2], uint64_t a, uint64_t b)
{
	a = (a ^ key[0]) * (key[1] | 1);
	b = (b ^ key[0]) * (key[1] | 1);
	return (a < b ? 1 : a > b ? 2 : 0);
}

int
sys_kcmp(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct proc_caller caller = proc_caller_real(l);
	struct vkernel *k = l->p->k;
	struct proc *p[2] = {NULL, NULL};
	uint64_t id[2] = {0, 0};
	int error = 0;

	for (int i = 0; i < 2; i++) {
		p[i] = proc_find_tid_hold(k, (int)a[i]);
		if (p[i] == NULL)
			error = ESRCH;
	}
	for (int i = 0; i < 2 && error == 0; i++)
		error = proc_may_access(p[i], &caller);
	for (int i = 0; i < 2 && error == 0; i++)
		error = kcmp_object(p[i], (int)a[2], a[3 + i], &id[i]);
	if (error == 0)
		*ret = kcmp_order(k->kcmp_key, id[0], id[1]);
	for (int i = 0; i < 2; i++)
		if (p[i] != NULL)
			proc_drop(p[i]);
	return (error);
}
