/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System V message queues.
 *
 * Concepts.  A message is handed over directly where possible.  A sender looks
 * for a receiver that waits for such a message and gives it to the first one.
 * A receiver, or another call that makes room, moves the messages of waiting
 * senders into the queue, in the order in which they came.  So no lwp is woken
 * without a result, and a message that was given to one lwp cannot be taken by
 * another.
 *
 * Waiting.  A msg_wait is on the stack of its lwp; `status` is EINPROGRESS
 * while it is queued, and the result of the call afterwards.  The sleep is
 * prepared before the status is read.  A signal takes the wait off its queue,
 * unless it was served first: then the call has happened and succeeds.  A call
 * that was interrupted is restarted when no handler ran, as on Linux.
 *
 * Locking and lifetime.  All under the lock of the table; user memory is copied
 * by the callers, without it.  A message belongs to the call that made it, then
 * to a queue or to a waiting receiver, then to the call that got it, which
 * frees it.  A message that cannot be copied out is lost, as on Linux.
 *
 * Limits.  MSG_QUEUES_MAX queues (ENOSPC), MSG_SIZE_MAX bytes in a message,
 * MSG_MEM_MAX bytes of messages in a kernel, in queues and of waiting senders
 * together, each counted with its head (ENOMEM).  Rights are checked when a
 * call begins, not again when it continues.
 */
#include <bsd/sys/queue.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/ipc.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/restart.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/msg.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/procfs/procfs.h"

/* A call that waits; on the stack of its lwp. */
struct msg_wait {
	TAILQ_ENTRY(msg_wait) link; /* while status is EINPROGRESS */
	struct lwp *l;              /* [I] */
	int pid;                    /* [I] */
	int status;
	struct kmsg *m; /* a sender's, or what a receiver got */
	int64_t type;   /* [I] of a receiver, from here on */
	size_t size;    /* [I] */
	int flags;      /* [I] */
};
TAILQ_HEAD(msg_wait_list, msg_wait);

/* All under the lock of the table. */
struct msgq {
	struct ipc_obj ipc;
	struct lx_msqid_ds ds; /* but for perm */
	TAILQ_HEAD(, kmsg) msgs;
	struct msg_wait_list senders, receivers;
};

static struct msgq *
msgq_of(struct ipc_obj *o)
{
	return ((struct msgq *)(void *)o);
}
_Static_assert(offsetof(struct msgq, ipc) == 0, "msgq_of()");

static uint64_t
footprint(const struct kmsg *m)
{
	return (sizeof(*m) + m->len);
}

static void
msg_wake(struct msg_wait_list *list, struct msg_wait *w, int status)
{
	TAILQ_REMOVE(list, w, link);
	w->status = status;
	lwp_wakeup(w->l);
}

/* ---- messages in queues; all locked ---- */

static void
msg_free(struct vkernel *k, struct kmsg *m)
{
	if (m == NULL)
		return;
	k->ipc->msgmem -= footprint(m);
	kmem_free(m);
}

static bool
msg_fits(const struct msgq *q, size_t len)
{
	return (
	    q->ds.cbytes + len <= q->ds.qbytes && q->ds.qnum < q->ds.qbytes);
}

static void
msg_enqueue(struct vkernel *k, struct msgq *q, struct kmsg *m)
{
	TAILQ_INSERT_TAIL(&q->msgs, m, link);
	q->ds.qnum++;
	q->ds.cbytes += m->len;
	k->ipc->nmsgs++;
	k->ipc->msgbytes += m->len;
}

static void
msg_dequeue(struct vkernel *k, struct msgq *q, struct kmsg *m)
{
	TAILQ_REMOVE(&q->msgs, m, link);
	q->ds.qnum--;
	q->ds.cbytes -= m->len;
	k->ipc->nmsgs--;
	k->ipc->msgbytes -= m->len;
}

static bool
msg_matches(const struct kmsg *m, int64_t type, int flags)
{
	if (type == 0)
		return (true);
	if (type > 0)
		return ((m->type == type) == ((flags & LX_MSG_EXCEPT) == 0));
	return (m->type <= -type);
}

/* The first message that matches; with a negative type, the first of the lowest
 * type. */
static struct kmsg *
msg_find(const struct msgq *q, int64_t type, int flags)
{
	struct kmsg *m, *best = NULL;

	TAILQ_FOREACH (m, &q->msgs, link) {
		if (!msg_matches(m, type, flags) ||
		    (best != NULL && m->type >= best->type))
			continue;
		best = m;
		if (type >= 0 || m->type == 1)
			break;
	}
	return (best);
}

static bool
msg_too_long(const struct kmsg *m, size_t size, int flags)
{
	return (m->len > size && (flags & LX_MSG_NOERROR) == 0);
}

/* Give m to a receiver that waits for it, or put it into the queue, which has
 * room. */
static void
msg_deliver(struct vkernel *k, struct msgq *q, struct kmsg *m, int pid)
{
	struct msg_wait *w, *next;

	q->ds.lspid = pid;
	q->ds.stime = ipc_seconds();
	TAILQ_FOREACH_SAFE (w, &q->receivers, link, next) {
		if (!msg_matches(m, w->type, w->flags))
			continue;
		if (msg_too_long(m, w->size, w->flags)) {
			msg_wake(&q->receivers, w, E2BIG);
			continue;
		}
		q->ds.lrpid = w->pid;
		q->ds.rtime = q->ds.stime;
		w->m = m;
		msg_wake(&q->receivers, w, 0);
		return;
	}
	msg_enqueue(k, q, m);
}

/* Move messages of waiting senders into the queue as long as there is room. */
static void
msg_let_in(struct vkernel *k, struct msgq *q)
{
	struct msg_wait *w, *next;

	TAILQ_FOREACH_SAFE (w, &q->senders, link, next) {
		if (!msg_fits(q, w->m->len))
			break;
		msg_deliver(k, q, w->m, w->pid);
		w->m = NULL;
		msg_wake(&q->senders, w, 0);
	}
}

static void
msgq_free(struct vkernel *k, struct msgq *q)
{
	struct msg_wait *w, *wnext;
	struct kmsg *m, *next;

	ipc_remove(&k->ipc->msg, &q->ipc);
	TAILQ_FOREACH_SAFE (w, &q->senders, link, wnext)
		msg_wake(&q->senders, w, EIDRM);
	TAILQ_FOREACH_SAFE (w, &q->receivers, link, wnext)
		msg_wake(&q->receivers, w, EIDRM);
	TAILQ_FOREACH_SAFE (m, &q->msgs, link, next) {
		msg_dequeue(k, q, m);
		msg_free(k, m);
	}
	kmem_free(q);
}

void
sysvmsg_clear(struct vkernel *k, uint32_t ns)
{
	struct ipc_obj *o;
	unsigned i = 0;

	kmutex_lock(&k->ipc->msg.lock);
	while ((o = ipc_next(&k->ipc->msg, &i, ns)) != NULL)
		msgq_free(k, msgq_of(o));
	kmutex_unlock(&k->ipc->msg.lock);
}

/* Sleep until w is served. list is valid only while w is queued. */
static int
msg_sleep(struct vkernel *k, struct msg_wait_list *list, struct msg_wait *w)
{
	int error = 0, status;

	for (;;) {
		lwp_sleep_prepare(w->l);
		kmutex_lock(&k->ipc->msg.lock);
		if (w->status == EINPROGRESS && error != 0) {
			TAILQ_REMOVE(list, w, link);
			w->status = error;
		}
		status = w->status;
		kmutex_unlock(&k->ipc->msg.lock);
		if (status != EINPROGRESS)
			return (status == EINTR ? ERESTARTNOHAND : status);
		error = lwp_sleep(w->l, UINT64_MAX);
	}
}

static int
msgq_make(struct vkernel *k, const struct ipc_ids *id, int32_t key, int flags,
    struct ipc_obj **out)
{
	struct msgq *q = kmem_zalloc(sizeof(*q));
	int error;

	if (q == NULL)
		return (ENOMEM);
	error = ipc_insert(&k->ipc->msg, &q->ipc, id, key, flags);
	if (error != 0) {
		kmem_free(q);
		return (error);
	}
	q->ds.ctime = ipc_seconds();
	q->ds.qbytes = MSG_QUEUE_BYTES;
	TAILQ_INIT(&q->msgs);
	TAILQ_INIT(&q->senders);
	TAILQ_INIT(&q->receivers);
	*out = &q->ipc;
	return (0);
}

int
msg_get(struct lwp *l, int32_t key, int flags, int *id)
{
	struct vkernel *k = l->p->k;
	struct ipc_obj *o = NULL;
	struct ipc_ids ids;
	int error;

	ipc_caller(l, &ids);
	kmutex_lock(&k->ipc->msg.lock);
	error = ipc_find(&k->ipc->msg, key, flags, &o);
	if (error != 0)
		goto out;
	error = o == NULL ? msgq_make(k, &ids, key, flags, &o)
			  : ipc_access(o, &ids, ipc_asked(flags));
	if (error == 0)
		*id = o->id;
out:
	kmutex_unlock(&k->ipc->msg.lock);
	return (error);
}

/* ---- sending ---- */

int
msg_create(struct vkernel *k, int64_t type, size_t len, struct kmsg **out)
{
	struct kmsg *m;
	bool room;

	if (type < 1 || len > MSG_SIZE_MAX)
		return (EINVAL);
	m = kmem_alloc(sizeof(*m) + len);
	if (m == NULL)
		return (ENOMEM);
	m->type = type;
	m->len = len;
	kmutex_lock(&k->ipc->msg.lock);
	room = k->ipc->msgmem + footprint(m) <= MSG_MEM_MAX;
	if (room)
		k->ipc->msgmem += footprint(m);
	kmutex_unlock(&k->ipc->msg.lock);
	if (!room) {
		kmem_free(m);
		return (ENOMEM);
	}
	*out = m;
	return (0);
}

void
msg_discard(struct vkernel *k, struct kmsg *m)
{
	kmutex_lock(&k->ipc->msg.lock);
	msg_free(k, m);
	kmutex_unlock(&k->ipc->msg.lock);
}

/* Locked: send w->m, or queue w. */
static void
send_or_queue(struct vkernel *k, int id, const struct ipc_ids *ids, int flags,
    struct msg_wait *w, struct msgq **out)
{
	struct ipc_obj *o = ipc_by_id(&k->ipc->msg, id);

	w->status = o == NULL ? EINVAL : ipc_access(o, ids, IPC_WRITE);
	if (w->status != 0)
		return;
	if (msg_fits(msgq_of(o), w->m->len)) {
		msg_deliver(k, msgq_of(o), w->m, w->pid);
		w->m = NULL;
	} else if ((flags & LX_IPC_NOWAIT) != 0)
		w->status = EAGAIN;
	else {
		w->status = EINPROGRESS;
		TAILQ_INSERT_TAIL(&msgq_of(o)->senders, w, link);
		*out = msgq_of(o);
	}
}

int
msg_send(struct lwp *l, int id, int flags, struct kmsg *m)
{
	struct vkernel *k = l->p->k;
	struct msg_wait w = {.l = l, .m = m};
	struct msgq *q = NULL;
	struct ipc_ids ids;
	int error;

	ipc_caller(l, &ids);
	w.pid = ids.pid;
	kmutex_lock(&k->ipc->msg.lock);
	send_or_queue(k, id, &ids, flags, &w, &q);
	kmutex_unlock(&k->ipc->msg.lock);
	error = q == NULL ? w.status : msg_sleep(k, &q->senders, &w);
	if (w.m != NULL)
		msg_discard(k, w.m);
	return (error);
}

/* ---- receiving ---- */

/* Locked: the message with that number in the queue, 0 for the first one. */
static struct kmsg *
msg_by_number(const struct msgq *q, int64_t number)
{
	struct kmsg *m;

	TAILQ_FOREACH (m, &q->msgs, link)
		if (number-- == 0)
			break;
	return (m);
}

/* Locked: make c, which has room for w->size bytes, a copy of the message with
 * number w->type.  As on Linux, LX_MSG_NOERROR does not cut it. */
static int
copy_locked(struct vkernel *k, int id, const struct ipc_ids *ids,
    const struct msg_wait *w, struct kmsg *c)
{
	struct ipc_obj *o = ipc_by_id(&k->ipc->msg, id);
	const struct kmsg *m;
	int error;

	error = o == NULL ? EINVAL : ipc_access(o, ids, IPC_READ);
	if (error != 0)
		return (error);
	m = msg_by_number(msgq_of(o), w->type);
	if (m == NULL)
		return (ENOMSG);
	if (m->len > w->size)
		return ((w->flags & LX_MSG_NOERROR) != 0 ? EINVAL : E2BIG);
	k->ipc->msgmem -= footprint(c) - footprint(m);
	c->type = m->type;
	c->len = m->len;
	memcpy(c->text, m->text, m->len);
	return (0);
}

static int
receive_copy(struct lwp *l, int id, const struct ipc_ids *ids,
    const struct msg_wait *w, struct kmsg **out)
{
	const size_t size = w->size < MSG_SIZE_MAX ? w->size : MSG_SIZE_MAX;
	struct vkernel *k = l->p->k;
	struct kmsg *c;
	int error;

	if ((w->flags & LX_MSG_EXCEPT) != 0 || (w->flags & LX_IPC_NOWAIT) == 0)
		return (EINVAL);
	error = msg_create(k, 1, size, &c);
	if (error != 0)
		return (error);
	kmutex_lock(&k->ipc->msg.lock);
	error = copy_locked(k, id, ids, w, c);
	if (error != 0)
		msg_free(k, c);
	kmutex_unlock(&k->ipc->msg.lock);
	if (error == 0)
		*out = c;
	return (error);
}

/* Locked: a message in w->m, or w queued. */
static void
receive_or_queue(struct vkernel *k, int id, const struct ipc_ids *ids,
    struct msg_wait *w, struct msgq **out)
{
	struct ipc_obj *o = ipc_by_id(&k->ipc->msg, id);
	struct msgq *q = msgq_of(o);
	struct kmsg *m;

	w->status = o == NULL ? EINVAL : ipc_access(o, ids, IPC_READ);
	if (w->status != 0)
		return;
	m = msg_find(q, w->type, w->flags);
	if (m == NULL && (w->flags & LX_IPC_NOWAIT) != 0)
		w->status = ENOMSG;
	else if (m == NULL) {
		w->status = EINPROGRESS;
		TAILQ_INSERT_TAIL(&q->receivers, w, link);
		*out = q;
	} else if (msg_too_long(m, w->size, w->flags))
		w->status = E2BIG;
	else {
		msg_dequeue(k, q, m);
		q->ds.lrpid = w->pid;
		q->ds.rtime = ipc_seconds();
		w->m = m;
		msg_let_in(k, q);
	}
}

int
msg_receive(struct lwp *l, int id, int64_t type, size_t size, int flags,
    struct kmsg **m)
{
	struct msg_wait w = {
	    .l = l, .type = type, .size = size, .flags = flags};
	struct vkernel *k = l->p->k;
	struct msgq *q = NULL;
	struct ipc_ids ids;
	int error;

	/* -INT64_MIN does not exist; no type is above INT64_MAX. */
	if (w.type == INT64_MIN)
		w.type = -INT64_MAX;
	ipc_caller(l, &ids);
	w.pid = ids.pid;
	if ((flags & LX_MSG_COPY) != 0)
		return (receive_copy(l, id, &ids, &w, m));
	kmutex_lock(&k->ipc->msg.lock);
	receive_or_queue(k, id, &ids, &w, &q);
	kmutex_unlock(&k->ipc->msg.lock);
	error = q == NULL ? w.status : msg_sleep(k, &q->receivers, &w);
	if (error == 0)
		*m = w.m;
	return (error);
}

/* ---- control ---- */

void
msg_info(struct vkernel *k, bool now, struct lx_msginfo *mi, int *last)
{
	*mi =
	    (struct lx_msginfo){.pool = (int32_t)(MSG_MEM_MAX >> 10), /* KiB */
		.map = MSG_QUEUE_BYTES,
		.max = MSG_SIZE_MAX,
		.mnb = MSG_QUEUE_BYTES,
		.mni = MSG_QUEUES_MAX,
		.ssz = LX_MSGSSZ,
		.tql = MSG_QUEUE_BYTES,
		.seg = UINT16_MAX};
	kmutex_lock(&k->ipc->msg.lock);
	if (now) {
		mi->pool = (int32_t)k->ipc->msg.used;
		mi->map = (int32_t)k->ipc->nmsgs;
		mi->tql = (int32_t)k->ipc->msgbytes;
	}
	*last = ipc_last(&k->ipc->msg);
	kmutex_unlock(&k->ipc->msg.lock);
}

static int
msg_set(struct vkernel *k, struct msgq *q, const struct ipc_ids *ids,
    const struct lx_msqid_ds *ds)
{
	int error = ipc_owner(&q->ipc, ids);

	if (error != 0)
		return (error);
	if (ds->qbytes > MSG_QUEUE_BYTES &&
	    (!cred_capable(ids->cred, LX_CAP_SYS_RESOURCE) ||
		ds->qbytes > MSG_MEM_MAX))
		return (EPERM);
	error = ipc_set(&q->ipc, ids, &ds->perm);
	if (error != 0)
		return (error);
	q->ds.qbytes = ds->qbytes;
	q->ds.ctime = ipc_seconds();
	msg_let_in(k, q);
	return (0);
}

static int
msg_stat(const struct msgq *q, const struct ipc_ids *ids, bool any,
    struct lx_msqid_ds *ds)
{
	int error = any ? 0 : ipc_access(&q->ipc, ids, IPC_READ);

	if (error != 0)
		return (error);
	*ds = q->ds;
	ds->perm = q->ipc.perm;
	return (0);
}

int
msg_ctl(struct lwp *l, int id, int cmd, struct lx_msqid_ds *ds, int *ret)
{
	bool by_index = cmd == LX_MSG_STAT || cmd == LX_MSG_STAT_ANY;
	struct vkernel *k = l->p->k;
	struct ipc_obj *o;
	struct ipc_ids ids;
	int error = EINVAL;

	ipc_caller(l, &ids);
	kmutex_lock(&k->ipc->msg.lock);
	o = by_index ? ipc_by_index(&k->ipc->msg, (unsigned)id)
		     : ipc_by_id(&k->ipc->msg, id);
	if (o == NULL)
		goto out;
	if (by_index || cmd == LX_IPC_STAT) {
		error = msg_stat(msgq_of(o), &ids, cmd == LX_MSG_STAT_ANY, ds);
		if (error == 0 && by_index)
			*ret = o->id;
	} else if (cmd == LX_IPC_SET) {
		error = msg_set(k, msgq_of(o), &ids, ds);
	} else if (cmd == LX_IPC_RMID) {
		error = ipc_owner(o, &ids);
		if (error == 0)
			msgq_free(k, msgq_of(o));
	}
out:
	kmutex_unlock(&k->ipc->msg.lock);
	return (error);
}

/* /proc/sysvipc/msg.  Positions are indices of the table. */
int
sysvmsg_text(void *arg, struct procfs_buf *b)
{
	struct ipc_table *t = &((struct vkernel *)arg)->ipc->msg;
	unsigned i = (unsigned)b->from;
	const struct ipc_obj *o = NULL;
	const struct lx_msqid_ds *ds;

	if (i == 0)
		procfs_printf(b,
		    "       key      msqid perms      cbytes       qnum lspid "
		    "lrpid   uid   gid  cuid  cgid      stime      rtime      "
		    "ctime\n");
	kmutex_lock(&t->lock);
	while (!procfs_buf_full(b) && (o = ipc_next(t, &i, ipc_ns())) != NULL) {
		ds = &((const struct msgq *)(const void *)o)->ds;
		procfs_printf(b,
		    "%10d %10d  %4o  %10llu %10llu %5u %5u %5u %5u %5u %5u "
		    "%10lld %10lld %10lld\n",
		    o->perm.key, o->id, o->perm.mode,
		    (unsigned long long)ds->cbytes,
		    (unsigned long long)ds->qnum, (unsigned)ds->lspid,
		    (unsigned)ds->lrpid, o->perm.uid, o->perm.gid, o->perm.cuid,
		    o->perm.cgid, (long long)ds->stime, (long long)ds->rtime,
		    (long long)ds->ctime);
	}
	kmutex_unlock(&t->lock);
	b->next = o != NULL ? i : 0;
	return (0);
}
