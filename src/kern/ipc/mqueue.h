/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * POSIX message queues.
 */
#ifndef KERN_IPC_MQUEUE_H
#define KERN_IPC_MQUEUE_H

#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/mqueue.h"

struct file;
struct lwp;
struct proc;
struct procfs_buf;
struct vkernel;

#define MQ_QUEUES_MAX 256 /* but for root */
#define MQ_MSG_MAX 10     /* messages of a queue, likewise; the default */
#define MQ_MSG_HARD 65536
#define MQ_SIZE_MAX 8192 /* bytes of a message, likewise; the default */
#define MQ_SIZE_HARD (16 << 20)

/* A message.  It belongs to the call that made it, then to a queue or to a
 * receiver. */
struct mq_msg {
	RB_ENTRY(mq_msg) link;
	unsigned prio;
	uint64_t seq;
	size_t len;
	char text[];
};

/* ENOMEM.  destroy: no process is left. */
int mqueue_init(struct vkernel *);
void mqueue_destroy(struct vkernel *);
/* An IPC name space has ended: its queues lose their names. */
void mqueue_clear(struct vkernel *, uint32_t ns);

/* ---- No locks held. ---- */

/*
 * Open or make the queue `name`.
 * - flags: access mode, O_NONBLOCK, O_CREAT, O_EXCL; attr may be NULL.
 * - *made: it did not exist.
 * - ENOENT, EEXIST, EACCES, EINVAL, ENOSPC (too many queues), EMFILE
 *   (RLIMIT_MSGQUEUE, or descriptors of the host), ENFILE, ENOMEM,
 * ENAMETOOLONG.
 */
int mqueue_open(struct lwp *, const char *name, int flags, uint32_t mode,
    const struct lx_mq_attr *attr, struct file **, bool *made);
/* ENOENT, EACCES, EPERM, ENAMETOOLONG. */
int mqueue_unlink(struct lwp *, const char *name);
bool mqueue_is(const struct file *);
size_t mqueue_msgsize(const struct file *);

/* NULL: no memory, or no budget.  Charged to the caller. */
struct mq_msg *mqueue_msg_create(size_t len);
/*
 * deadline: CLOCK_MONOTONIC ns, UINT64_MAX never.
 * - send: m passes to the queue if the result is 0.
 * - EAGAIN, ETIMEDOUT, EINTR.
 */
int mqueue_send(struct lwp *, struct file *, struct mq_msg *m, unsigned prio,
    uint64_t deadline);
int mqueue_receive(
    struct lwp *, struct file *, uint64_t deadline, struct mq_msg **);
/* Notify the caller's process of the next message in an empty queue.  how:
 * LX_SIGEV_NONE, LX_SIGEV_SIGNAL.  EBUSY. */
int mqueue_notify(
    struct lwp *, struct file *, int how, int signo, uint64_t value);
void mqueue_notify_stop(struct lwp *, struct file *);
/* The process ends, and with it its registrations.  It has no lwp any more. */
void mqueue_proc_exit(struct proc *);
void mqueue_attr(struct file *, struct lx_mq_attr *);

/* Settings in /proc/sys/fs/mqueue: struct procfs_sys_node.text. */
int mqueue_text_msg(void *vkernel, struct procfs_buf *);
int mqueue_text_msgsize(void *vkernel, struct procfs_buf *);
int mqueue_text_queues(void *vkernel, struct procfs_buf *);

#endif /* KERN_IPC_MQUEUE_H */
