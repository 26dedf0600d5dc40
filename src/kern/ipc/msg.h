/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V message queues.  Theory in msg.c.  No locks are held by callers;
 * errors are those of the Linux calls.
 */
#ifndef KERN_IPC_MSG_H
#define KERN_IPC_MSG_H

#include <bsd/sys/queue.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/ipc.h"
#include "kern/ipc/sysvipc.h"

#define MSG_MEM_MAX (UINT64_C(32) << 20)

/* Key: [I] immutable */
struct kmsg {
	TAILQ_ENTRY(kmsg) link;
	int64_t type; /* [I] */
	size_t len;   /* [I] */
	uint8_t text[];
};

int msg_get(struct lwp *, int32_t key, int flags, int *id);
/* A new message; the caller fills in its len bytes of text.  EINVAL (type below
 * 1, too long), ENOMEM. */
int msg_create(struct vkernel *, int64_t type, size_t len, struct kmsg **);
void msg_discard(struct vkernel *, struct kmsg *);
/* Takes the message over, also on failure. */
int msg_send(struct lwp *, int id, int flags, struct kmsg *);
/* size: the longest text that is accepted.  The caller owns *m:
 * msg_discard(). */
int msg_receive(struct lwp *, int id, int64_t type, size_t size, int flags,
    struct kmsg **m);
/* Limits, or what there is now; *last: index of the last queue. */
void msg_info(struct vkernel *, bool now, struct lx_msginfo *, int *last);
/* LX_IPC_STAT, LX_MSG_STAT, LX_MSG_STAT_ANY (*ret: the id), LX_IPC_SET,
 * LX_IPC_RMID. */
int msg_ctl(struct lwp *, int id, int cmd, struct lx_msqid_ds *, int *ret);

#endif /* KERN_IPC_MSG_H */
