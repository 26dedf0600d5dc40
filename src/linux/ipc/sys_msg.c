/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on System V message queues: decoding and copying.
 * kern/ipc/msg.c implements the queues.  A message is lost if copying it out
 * fails, as on Linux.
 */
#include <errno.h>

#include "abi/ipc.h"
#include "kern/ipc/msg.h"
#include "linux/lib/sys_int.h"

sys_fn sys_msgget, sys_msgsnd, sys_msgrcv, sys_msgctl;

int
sys_msgget(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int id, error = msg_get(l, (int32_t)a[0], (int)a[1], &id);

	if (error == 0)
		*ret = id;
	return (error);
}

int
sys_msgsnd(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct kmsg *m;
	int64_t type;
	int error;

	if ((int)a[0] < 0 || a[2] > MSG_SIZE_MAX)
		return (EINVAL);
	if (copyin(lwp_vmspace(l), &type, a[1], sizeof(type)) != 0)
		return (EFAULT);
	error = msg_create(l->p->k, type, a[2], &m);
	if (error != 0)
		return (error);
	if (copyin(lwp_vmspace(l), m->text, a[1] + sizeof(type), a[2]) != 0) {
		msg_discard(l->p->k, m);
		return (EFAULT);
	}
	return (msg_send(l, (int)a[0], (int)a[3], m));
}

int
sys_msgrcv(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct kmsg *m;
	size_t len;
	int error;

	if ((int)a[0] < 0 || (int64_t)a[2] < 0)
		return (EINVAL);
	error = msg_receive(l, (int)a[0], (int64_t)a[3], a[2], (int)a[4], &m);
	if (error != 0)
		return (error);
	len = m->len < a[2] ? m->len : a[2];
	if (copyout(lwp_vmspace(l), &m->type, a[1], sizeof(m->type)) != 0 ||
	    copyout(lwp_vmspace(l), m->text, a[1] + sizeof(m->type), len) != 0)
		error = EFAULT;
	msg_discard(l->p->k, m);
	*ret = (int64_t)len;
	return (error);
}

int
sys_msgctl(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int id = (int)a[0], cmd = (int)a[1] & ~LX_IPC_64, error, value = 0;
	struct lx_msqid_ds ds = {0};
	struct lx_msginfo mi;

	if (id < 0)
		return (EINVAL);
	if (cmd == LX_IPC_INFO || cmd == LX_MSG_INFO) {
		msg_info(l->p->k, cmd == LX_MSG_INFO, &mi, &value);
		*ret = value;
		return (copyout(lwp_vmspace(l), &mi, a[2], sizeof(mi)));
	}
	if (cmd == LX_IPC_SET &&
	    copyin(lwp_vmspace(l), &ds, a[2], sizeof(ds)) != 0)
		return (EFAULT);
	error = msg_ctl(l, id, cmd, &ds, &value);
	if (error != 0)
		return (error);
	*ret = value;
	if (cmd == LX_IPC_STAT || cmd == LX_MSG_STAT || cmd == LX_MSG_STAT_ANY)
		return (copyout(lwp_vmspace(l), &ds, a[2], sizeof(ds)));
	return (0);
}
