/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V IPC: names, numbers and rights, which segments, semaphores and
 * message queues have in common.
 */
#ifndef KERN_IPC_SYSVIPC_H
#define KERN_IPC_SYSVIPC_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/ipc.h"
#include "libk/klock.h"

struct group_set;
struct lwp;
struct procfs_buf;
struct vkernel;

#define IPC_READ 4u
#define IPC_WRITE 2u

#define SHM_MAX 4096 /* segments */
#define SHM_SIZE_MAX (UINT64_C(1) << 40)
#define SEM_SETS_MAX 4096
#define SEM_PER_SET 32000
#define SEM_MAX 262144 /* in all sets */
#define SEM_OPS_MAX 500
#define MSG_QUEUES_MAX 4096
#define MSG_SIZE_MAX 8192
#define MSG_QUEUE_BYTES 16384

/* The common part of a segment, set or queue.  Key: [I] immutable, [t] its
 * table's lock */
struct ipc_obj {
	int id;                  /* [I] */
	uint32_t ns;             /* [I] number of its name space */
	struct lx_ipc_perm perm; /* [t] */
};

/* Objects of one kind. */
struct ipc_table {
	struct kmutex lock;    /* rank FDTABLE */
	struct ipc_obj **slot; /* [t] by index; NULL: free */
	unsigned nslots;       /* [t] */
	unsigned used;         /* [t] slots that are not free */
	unsigned max;          /* [I] at most so many */
	uint16_t seq;          /* [t] of the next one */
};

/* The System V objects of a kernel. */
struct sysv_ipc {
	struct ipc_table shm, sem, msg;
	uint64_t nsems;    /* sem.lock: semaphores of all sets */
	uint64_t nundo;    /* sem.lock: adjustments that have room */
	uint64_t nmsgs;    /* msg.lock: messages in queues */
	uint64_t msgbytes; /* msg.lock: their contents */
	uint64_t msgmem;   /* msg.lock: memory of all messages, also of those
			      whose senders sleep */
};

/* The identity of a calling lwp, for one system call. */
struct ipc_ids {
	uint32_t uid, gid;
	uint32_t ns; /* number of its IPC name space */
	int pid;
	bool may_use, may_change; /* any object: by a capability */
	const struct cred *cred;  /* borrowed from the lwp */
};

void ipc_table_init(struct ipc_table *, const char *name, unsigned max);
/* The table is empty. */
void ipc_table_destroy(struct ipc_table *);

/* No locks at or above PROC held. */
void ipc_caller(struct lwp *, struct ipc_ids *);
int64_t ipc_seconds(void);

/* ---- all with the table's lock held ---- */

/* NULL: none. */
struct ipc_obj *ipc_by_id(const struct ipc_table *, int id);
struct ipc_obj *ipc_by_index(const struct ipc_table *, unsigned index);
/* The next one at *index or after, and *index past it; NULL: no more. */
struct ipc_obj *ipc_next(
    const struct ipc_table *, unsigned *index, uint32_t ns);
/* Index of the last one; 0 also where there is none. */
int ipc_last(const struct ipc_table *);
/* The object that key and flags of a get call name; *obj NULL: a new one is to
 * be made.  ENOENT, EEXIST. */
int ipc_find(
    const struct ipc_table *, int32_t key, int flags, struct ipc_obj **obj);
/* Name and number a new one.  ENOSPC, ENOMEM. */
int ipc_insert(struct ipc_table *, struct ipc_obj *, const struct ipc_ids *,
    int32_t key, int flags);
void ipc_remove(struct ipc_table *, struct ipc_obj *);

/* bits: IPC_READ, IPC_WRITE.  EACCES. */
int ipc_access(const struct ipc_obj *, const struct ipc_ids *, unsigned bits);
/* The rights in a get call's flags, of owner, group and others together. */
unsigned ipc_asked(int flags);
/* May it be removed and changed?  EPERM. */
int ipc_owner(const struct ipc_obj *, const struct ipc_ids *);
/* LX_IPC_SET: owner, group and mode.  EPERM. */
int ipc_set(
    struct ipc_obj *, const struct ipc_ids *, const struct lx_ipc_perm *);

/* ---- the kinds ---- */

/* All three; destroy: no process is left.  init: 0, ENOMEM. */
int sysvipc_init(struct vkernel *);
void sysvipc_destroy(struct vkernel *);
/* Settings in /proc/sys/kernel: struct procfs_sys_node.text. */
int sysvipc_text_sem(void *vkernel, struct procfs_buf *);
int sysvipc_text_msgmax(void *vkernel, struct procfs_buf *);
int sysvipc_text_msgmnb(void *vkernel, struct procfs_buf *);
int sysvipc_text_msgmni(void *vkernel, struct procfs_buf *);
int sysvipc_text_shmall(void *vkernel, struct procfs_buf *);
int sysvipc_text_shmmax(void *vkernel, struct procfs_buf *);
int sysvipc_text_shmmni(void *vkernel, struct procfs_buf *);

/* Tables in /proc/sysvipc, likewise (shm.c, sem.c, msg.c). */
int sysvmsg_text(void *vkernel, struct procfs_buf *);
int sysvsem_text(void *vkernel, struct procfs_buf *);
int sysvshm_text(void *vkernel, struct procfs_buf *);

/* shm.c, sem.c, msg.c: free every object; no process is left. */
void sysvshm_clear(struct vkernel *, uint32_t ns);
void sysvsem_clear(struct vkernel *, uint32_t ns);
void sysvmsg_clear(struct vkernel *, uint32_t ns);

/* ---- undoing of semaphore operations (sem_undo.c).  No locks held. ---- */

/* A new lwp shares the caller's list (CLONE_SYSVSEM).  ENOMEM. */
int sem_undo_share(struct lwp *l, struct lwp *nl);
/* The lwp ends: it gives up its list; the last lwp of a list carries it out. */
void sem_undo_exit(struct lwp *);

#endif /* KERN_IPC_SYSVIPC_H */
