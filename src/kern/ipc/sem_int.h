/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V semaphores: what their calls, operations and undoing share.  See
 * sem_op.c.  All functions want k->ipc->sem.lock held.
 */
#ifndef KERN_IPC_SEM_INT_H
#define KERN_IPC_SEM_INT_H

#include <bsd/sys/queue.h>

#include "kern/ipc/sem.h"

#define SEM_ADJ_MAX 32767

struct ksem {
	int pid; /* whose operation was the last */
	int val;
};

/* Key: [I] immutable, the rest under the lock of the table */
struct sem_set {
	struct ipc_obj ipc;
	unsigned nsems;               /* [I] */
	int64_t otime, ctime;         /* seconds */
	TAILQ_HEAD(, sem_wait) waits; /* in the order of their coming */
	unsigned waitops;             /* operations of those who wait */
	LIST_HEAD(, sem_undo) undos;
	struct ksem sem[];
};

/* The operations of a call; on the stack of its lwp. */
struct sem_wait {
	TAILQ_ENTRY(sem_wait) link;       /* while status is EINPROGRESS */
	struct lwp *l;                    /* [I] */
	int pid;                          /* [I] */
	const struct lx_sembuf *ops;      /* [I] */
	unsigned nops;                    /* [I] */
	bool alters;                      /* [I] */
	struct sem_undo *undo;            /* [I] NULL: none asks for it */
	const struct lx_sembuf *blocking; /* the one that has to wait */
	int status;                       /* what the call answers */
};

/* What a list takes back from a set. */
struct sem_undo {
	LIST_ENTRY(sem_undo) in_list;
	LIST_ENTRY(sem_undo) in_set;
	struct sem_set *set; /* [I] */
	int16_t adj[];       /* of each semaphore, to be added */
};

/* Of an lwp, or of several (CLONE_SYSVSEM). */
struct sem_undo_list {
	unsigned refs;
	LIST_HEAD(, sem_undo) undos;
};

/* sem_op.c.  Values have changed: carry out what can go on. */
void sem_update(struct sem_set *);
/* The set goes: EIDRM to all who wait. */
void sem_wake_all(struct sem_set *);

/* sem_undo.c */
/* ENOMEM. */
int sem_undo_get(struct vkernel *, struct sem_undo_list *, struct sem_set *,
    struct sem_undo **);
/* Of one semaphore (LX_SETVAL), or of all: there is nothing to take back. */
void sem_undo_clear(struct sem_set *, unsigned num);
void sem_undo_clear_all(struct sem_set *);
void sem_undo_forget(struct vkernel *, struct sem_set *);

#endif /* KERN_IPC_SEM_INT_H */
