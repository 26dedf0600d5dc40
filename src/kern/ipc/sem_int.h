/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V semaphores: what their calls, operations and undoing share.  See
 * sem_op.c.  All functions are called with k->ipc->sem.lock held.
 */
#ifndef KERN_IPC_SEM_INT_H
#define KERN_IPC_SEM_INT_H

#include <bsd/sys/queue.h>

#include "abi/ipc.h"
#include "kern/ipc/sem.h"

#define SEM_ADJ_MAX 32767

struct ksem {
	int pid; /* of the process that changed it last */
	int val;
};

/* Key: [I] immutable, the rest under the lock of the table */
struct sem_set {
	struct ipc_obj ipc;
	unsigned nsems;               /* [I] */
	int64_t otime, ctime;         /* seconds */
	TAILQ_HEAD(, sem_wait) waits; /* oldest first */
	unsigned waitops;             /* operations of all waits */
	LIST_HEAD(, sem_undo) undos;
	struct ksem sem[];
};

/* The operations of a call; on the stack of its lwp. */
struct sem_wait {
	TAILQ_ENTRY(sem_wait) link;  /* while status is EINPROGRESS */
	struct lwp *l;               /* [I] */
	int pid;                     /* [I] */
	const struct lx_sembuf *ops; /* [I] */
	unsigned nops;               /* [I] */
	bool alters;                 /* [I] */
	struct sem_undo *undo; /* [I] NULL: no operation has LX_SEM_UNDO */
	const struct lx_sembuf *blocking; /* the operation that has to wait */
	int status;                       /* what the call answers */
};

/* What is added to the semaphores of a set when the list is carried out. */
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

/* sem_op.c.  Values have changed: carry out waiting calls that can happen
 * now. */
void sem_update(struct sem_set *);
/* The set is removed: all waits end with EIDRM. */
void sem_wake_all(struct sem_set *);

/* sem_undo.c */
/* ENOMEM. */
int sem_undo_get(struct vkernel *, struct sem_undo_list *, struct sem_set *,
    struct sem_undo **);
/* Forget the adjustments of one semaphore (LX_SETVAL), or of all of a set. */
void sem_undo_clear(struct sem_set *, unsigned num);
void sem_undo_clear_all(struct sem_set *);
void sem_undo_forget(struct vkernel *, struct sem_set *);

#endif /* KERN_IPC_SEM_INT_H */
