/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V shared memory, semaphores and message queues.
 * Source: shmctl(2), semctl(2), msgctl(2),
 * include/uapi/linux/{ipc,shm,sem,msg}.h.
 */
#ifndef ABI_IPC_H
#define ABI_IPC_H

#include <stdint.h>

#define LX_IPC_PRIVATE 0
#define LX_IPC_CREAT 01000
#define LX_IPC_EXCL 02000
#define LX_IPC_NOWAIT 04000
#define LX_IPC_RMID 0
#define LX_IPC_SET 1
#define LX_IPC_STAT 2
#define LX_IPC_INFO 3
#define LX_IPC_64 0x100 /* in a command: the structures are the large ones */

/* struct ipc64_perm of x86-64. */
struct lx_ipc_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct lx_ipc_perm) == 48, "struct ipc64_perm");

/* ---- shared memory ---- */

#define LX_SHM_RDONLY 010000
#define LX_SHM_RND 020000
#define LX_SHM_REMAP 040000
#define LX_SHM_EXEC 0100000
#define LX_SHM_DEST 01000 /* in the mode: removed */
#define LX_SHM_LOCK 11
#define LX_SHM_UNLOCK 12
#define LX_SHM_STAT 13 /* by index */
#define LX_SHM_INFO 14
#define LX_SHM_STAT_ANY 15 /* by index, without a check of permissions */

/* struct shmid64_ds of x86-64. */
struct lx_shmid_ds {
	struct lx_ipc_perm perm;
	uint64_t segsz;
	int64_t atime, dtime, ctime;
	int32_t cpid, lpid;
	uint64_t nattch, unused2[2];
};
_Static_assert(sizeof(struct lx_shmid_ds) == 112, "struct shmid64_ds");

struct lx_shminfo64 {
	uint64_t max, min, mni, seg, all, unused[4];
};
_Static_assert(sizeof(struct lx_shminfo64) == 72, "struct shminfo64");

struct lx_shm_info {
	int32_t used_ids, pad;
	uint64_t tot, rss, swp, attempts, successes; /* pages */
};
_Static_assert(sizeof(struct lx_shm_info) == 48, "struct shm_info");

/* ---- semaphores ---- */

#define LX_SEM_UNDO 0x1000
#define LX_GETPID 11
#define LX_GETVAL 12
#define LX_GETALL 13
#define LX_GETNCNT 14
#define LX_GETZCNT 15
#define LX_SETVAL 16
#define LX_SETALL 17
#define LX_SEM_STAT 18 /* by index */
#define LX_SEM_INFO 19
#define LX_SEM_STAT_ANY 20 /* by index, without a check of permissions */
#define LX_SEMVMX 32767    /* largest value */
#define LX_SEMUSZ 20       /* what SEM_INFO says of the size of an undo */

struct lx_sembuf {
	uint16_t num;
	int16_t op, flg;
};
_Static_assert(sizeof(struct lx_sembuf) == 6, "struct sembuf");

/* struct semid64_ds of x86-64. */
struct lx_semid_ds {
	struct lx_ipc_perm perm;
	int64_t otime;
	uint64_t unused;
	int64_t ctime;
	uint64_t unused2;
	uint64_t nsems;
	uint64_t unused3[2];
};
_Static_assert(sizeof(struct lx_semid_ds) == 104, "struct semid64_ds");

struct lx_seminfo {
	int32_t map, mni, mns, mnu, msl, opm, ume, usz, vmx, aem;
};

/* ---- message queues ---- */

#define LX_MSG_NOERROR 010000
#define LX_MSG_EXCEPT 020000
#define LX_MSG_COPY 040000
#define LX_MSG_STAT 11 /* by index */
#define LX_MSG_INFO 12
#define LX_MSG_STAT_ANY 13 /* by index, without a check of permissions */
#define LX_MSGSSZ 16       /* bytes of a segment */

/* struct msqid64_ds of x86-64. */
struct lx_msqid_ds {
	struct lx_ipc_perm perm;
	int64_t stime, rtime, ctime;
	uint64_t cbytes, qnum, qbytes;
	int32_t lspid, lrpid;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct lx_msqid_ds) == 120, "struct msqid64_ds");

struct lx_msginfo {
	int32_t pool, map, max, mnb, mni, ssz, tql;
	uint16_t seg;
};
_Static_assert(sizeof(struct lx_msginfo) == 32, "struct msginfo");

#endif /* ABI_IPC_H */
