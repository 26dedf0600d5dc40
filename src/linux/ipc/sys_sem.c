/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on System V semaphores: decoding and copying.  kern/ipc/sem.c
 * implements the semaphores.
 */
#include <errno.h>

#include "abi/ipc.h"
#include "kern/ipc/sem.h"
#include "linux/lib/sys_int.h"
#include "mem/kmem.h"

sys_fn sys_semget, sys_semctl, sys_semop, sys_semtimedop;

#define OPS_STACK 16

int
sys_semget(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int id, error = sem_get(l, (int32_t)a[0], (int)a[1], (int)a[2], &id);

	if (error == 0)
		*ret = id;
	return (error);
}

static int
semctl_stat(struct lwp *l, int id, int cmd, vm_offset_t addr, int64_t *ret)
{
	struct lx_semid_ds ds = {0};
	int value = 0, error = sem_stat(l, id, cmd, &ds, &value);

	if (error != 0)
		return (error);
	*ret = value;
	return (copyout(lwp_vmspace(l), &ds, addr, sizeof(ds)));
}

static int
semctl_info(struct lwp *l, int cmd, vm_offset_t addr, int64_t *ret)
{
	struct lx_seminfo si;
	int last;

	sem_info(l->p->k, cmd == LX_SEM_INFO, &si, &last);
	*ret = last;
	return (copyout(lwp_vmspace(l), &si, addr, sizeof(si)));
}

/* GETALL and SETALL: an array with one value per semaphore of the set. */
static int
semctl_all(struct lwp *l, int id, int cmd, vm_offset_t addr)
{
	uint16_t *val;
	unsigned n;
	int error;

	error = sem_count(l, id, cmd == LX_GETALL ? IPC_READ : IPC_WRITE, &n);
	if (error != 0)
		return (error);
	val = kmem_alloc(n * sizeof(*val));
	if (val == NULL)
		return (ENOMEM);
	if (cmd == LX_GETALL) {
		error = sem_getall(l, id, val, n);
		if (error == 0)
			error = copyout(
			    lwp_vmspace(l), val, addr, n * sizeof(*val));
	} else if (copyin(lwp_vmspace(l), val, addr, n * sizeof(*val)) != 0)
		error = EFAULT;
	else
		error = sem_setall(l, id, val, n);
	kmem_free(val);
	return (error);
}

int
sys_semctl(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int id = (int)a[0], cmd = (int)a[2] & ~LX_IPC_64, value = 0, error;
	struct lx_semid_ds ds;

	if (id < 0)
		return (EINVAL);
	switch (cmd) {
	case LX_IPC_INFO:
	case LX_SEM_INFO:
		return (semctl_info(l, cmd, a[3], ret));
	case LX_IPC_STAT:
	case LX_SEM_STAT:
	case LX_SEM_STAT_ANY:
		return (semctl_stat(l, id, cmd, a[3], ret));
	case LX_IPC_SET:
		if (copyin(lwp_vmspace(l), &ds, a[3], sizeof(ds)) != 0)
			return (EFAULT);
		return (sem_change(l, id, &ds));
	case LX_IPC_RMID:
		return (sem_change(l, id, NULL));
	case LX_GETVAL:
	case LX_GETPID:
	case LX_GETNCNT:
	case LX_GETZCNT:
	case LX_SETVAL:
		error = sem_value(l, id, (int)a[1], cmd, (int)a[3], &value);
		*ret = value;
		return (error);
	case LX_GETALL:
	case LX_SETALL:
		return (semctl_all(l, id, cmd, a[3]));
	default:
		return (EINVAL);
	}
}

static int
semop_call(struct lwp *l, const uint64_t *a, uint64_t deadline)
{
	struct lx_sembuf few[OPS_STACK], *ops = few;
	const unsigned n = (unsigned)a[2];
	int error = 0;

	if (n == 0 || (int)a[0] < 0)
		return (EINVAL);
	if (n > SEM_OPS_MAX)
		return (E2BIG);
	if (n > OPS_STACK) {
		ops = kmem_alloc(n * sizeof(*ops));
		if (ops == NULL)
			return (ENOMEM);
	}
	if (copyin(lwp_vmspace(l), ops, a[1], n * sizeof(*ops)) != 0)
		error = EFAULT;
	else
		error = sem_op(l, (int)a[0], ops, n, deadline);
	if (ops != few)
		kmem_free(ops);
	return (error);
}

int
sys_semop(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (semop_call(l, a, UINT64_MAX));
}

int
sys_semtimedop(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t deadline;
	int error = sys_copyin_deadline(l, a[3], &deadline);

	return (error != 0 ? error : semop_call(l, a, deadline));
}
