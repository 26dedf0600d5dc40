/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V semaphores.  Theory in sem.c, sem_op.c and sem_undo.c.  No locks are
 * held by callers; errors are those of the Linux calls.
 */
#ifndef KERN_IPC_SEM_H
#define KERN_IPC_SEM_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/ipc.h"
#include "kern/ipc/sysvipc.h"

int sem_get(struct lwp *, int32_t key, int n, int flags, int *id);
/* Limits, or what there is now; *last: index of the last set. */
void sem_info(struct vkernel *, bool now, struct lx_seminfo *, int *last);
/* LX_IPC_STAT, LX_SEM_STAT, LX_SEM_STAT_ANY; the last two: *ret is the id. */
int sem_stat(struct lwp *, int id, int cmd, struct lx_semid_ds *, int *ret);
/* LX_IPC_SET; NULL: LX_IPC_RMID. */
int sem_change(struct lwp *, int id, const struct lx_semid_ds *);
/* LX_GETVAL, LX_GETPID, LX_GETNCNT, LX_GETZCNT, LX_SETVAL of semaphore num. */
int sem_value(struct lwp *, int id, int num, int cmd, int value, int *ret);
/* Number of semaphores; bits: the rights that are needed. */
int sem_count(struct lwp *, int id, unsigned bits, unsigned *n);
/* All n values.  EIDRM: the set was removed, or its id is another set's now. */
int sem_getall(struct lwp *, int id, uint16_t *val, unsigned n);
int sem_setall(struct lwp *, int id, const uint16_t *val, unsigned n);
/* semtimedop(2): n operations, which the caller keeps until it returns. */
int sem_op(struct lwp *, int id, const struct lx_sembuf *, unsigned n,
    uint64_t deadline);

#endif /* KERN_IPC_SEM_H */
