/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on System V shared memory: decoding and copying.  kern/ipc/shm.c
 * implements the segments.
 */
#include <errno.h>

#include "abi/ipc.h"
#include "kern/ipc/shm.h"
#include "linux/lib/sys_int.h"

sys_fn sys_shmget, sys_shmat, sys_shmdt, sys_shmctl;

int
sys_shmget(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int id, error = shm_get(l, (int32_t)a[0], a[1], (int)a[2], &id);

	if (error == 0)
		*ret = id;
	return (error);
}

int
sys_shmat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	vm_offset_t at;
	int error = shm_attach(l, (int)a[0], a[1], a[2], &at);

	if (error == 0)
		*ret = (int64_t)at;
	return (error);
}

int
sys_shmdt(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (shm_detach(l, a[0]));
}

/* Copy out the limits, or the usage.  *ret: the index of the last segment. */
static int
shmctl_info(struct lwp *l, int cmd, vm_offset_t addr, int64_t *ret)
{
	const struct lx_shminfo64 limits = {.max = SHM_SIZE_MAX,
	    .min = 1,
	    .mni = SHM_MAX,
	    .seg = SHM_MAX,
	    .all = OFF_TO_IDX(SHM_SIZE_MAX) * SHM_MAX};
	struct lx_shm_info now;
	int last;

	shm_info(l->p->k, &now, &last);
	*ret = last;
	if (cmd == LX_SHM_INFO)
		return (copyout(lwp_vmspace(l), &now, addr, sizeof(now)));
	return (copyout(lwp_vmspace(l), &limits, addr, sizeof(limits)));
}

int
sys_shmctl(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int cmd = (int)a[1] & ~LX_IPC_64, error, value = 0;
	struct lx_shmid_ds ds = {0};

	if (cmd == LX_IPC_INFO || cmd == LX_SHM_INFO)
		return (shmctl_info(l, cmd, a[2], ret));
	if (cmd == LX_IPC_SET &&
	    copyin(lwp_vmspace(l), &ds, a[2], sizeof(ds)) != 0)
		return (EFAULT);
	error = shm_ctl(l, (int)a[0], cmd, &ds, &value);
	if (error != 0)
		return (error);
	*ret = value;
	if (cmd == LX_IPC_STAT || cmd == LX_SHM_STAT || cmd == LX_SHM_STAT_ANY)
		return (copyout(lwp_vmspace(l), &ds, a[2], sizeof(ds)));
	return (0);
}
