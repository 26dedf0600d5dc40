/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V shared memory.  Theory in shm.c.  No locks are held by callers;
 * errors are those of the Linux calls.
 */
#ifndef KERN_IPC_SHM_H
#define KERN_IPC_SHM_H

#include <stdint.h>

#include "abi/ipc.h"
#include "kern/ipc/sysvipc.h"
#include "mem/vm_types.h"

int shm_get(struct lwp *, int32_t key, uint64_t size, int flags, int *id);
/* shmat(2): how is SHM_*; addr 0: anywhere. */
int shm_attach(
    struct lwp *, int id, vm_offset_t addr, uint64_t how, vm_offset_t *at);
int shm_detach(struct lwp *, vm_offset_t addr);
/* The number of segments and their pages; *last: index of the last one. */
void shm_info(struct vkernel *, struct lx_shm_info *, int *last);
/* LX_IPC_STAT, LX_SHM_STAT, LX_SHM_STAT_ANY (*ret: the id), LX_IPC_SET,
 * LX_IPC_RMID, LX_SHM_LOCK, LX_SHM_UNLOCK. */
int shm_ctl(struct lwp *, int id, int cmd, struct lx_shmid_ds *, int *ret);

#endif /* KERN_IPC_SHM_H */
