/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * POSIX message queues.
 *
 * Concepts.  A queue is known by its name, until mq_unlink(), and by the files
 * that are open; it goes with the last of both.  Messages are in a tree,
 * highest priority first, and in the order in which they came among equals.
 *
 * As in msg.c, a message is handed over directly where possible: a sender gives
 * it to the receiver that has waited longest, and a receiver moves the message
 * of the sender that has waited longest into the queue.  A mq_wait is on the
 * stack of its lwp; `status` is EINPROGRESS while it is queued, and the result
 * of the call afterwards.
 *
 * Polling.  A queue has one eventfd, which is readable while there are messages
 * and writable while there is room: its counter is 0, 1, or the largest value
 * there is.  It is kept up to date from the first poll on; each message is an
 * edge for epoll.
 *
 * Notification.  One process is registered at a time.  It is notified once: of
 * a message that comes into an empty queue and that no receiver waits for.  The
 * registration ends when the process closes any descriptor of the queue
 * (fileops.flush), or ends itself.
 *
 * Locking and lifetime.  mq->lock (rank FDTABLE) protects the queues and what
 * is in them.  Signals are sent after it is released.  A registration holds its
 * process.
 *
 * Guarantees.  Queues, messages and eventfds are charged.  RLIMIT_MSGQUEUE
 * counts, for each user, what Linux would need for full queues.
 *
 * Limits.  Waiting lwps are served in the order in which they came, whatever
 * their priority is.  There is no file system of queues: fchmod(), fchown() and
 * ftruncate() do not work on a descriptor.
 */
#include "kern/ipc/mqueue.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/poll.h"
#include "abi/resource.h"
#include "abi/signal.h"
#include "host/host.h"
#include "host/host_file.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/sig/ksignal.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"

#define STATUS_SIZE 80     /* of the file, as Linux says */
#define MODE_TYPE 0100000u /* a regular file */
#define MODE_BITS 07777u
#define COUNT_FULL (UINT64_MAX - 1) /* of an eventfd */

/* A call that waits; on the stack of its lwp. */
struct mq_wait {
	TAILQ_ENTRY(mq_wait) link; /* while status is EINPROGRESS */
	struct lwp *l;             /* [I] */
	int status;
	struct mq_msg *m; /* a sender's, or what a receiver got */
};
TAILQ_HEAD(mq_waits, mq_wait);
RB_HEAD(mq_msgs, mq_msg);

struct mq_state {
	struct kmutex lock; /* rank FDTABLE */
	LIST_HEAD(, mqueue) all;
	unsigned n;
	_Atomic(unsigned) nnotify; /* registrations, read without the lock */
	uint64_t next_ino;
};

/* Key: [I] immutable; all else under the lock of struct mq_state */
struct mqueue {
	LIST_ENTRY(mqueue) link;
	struct mq_state *mq;     /* [I] */
	unsigned refs;           /* open files, and the name */
	_Atomic(bool) named;     /* also read without the lock */
	char *name;              /* [I] */
	uint32_t mode, uid, gid; /* [I] */
	uint64_t ino;            /* [I] */
	uint32_t ns;             /* [I] number of its IPC name space */
	uint64_t cost;           /* [I] for RLIMIT_MSGQUEUE */
	uint32_t cost_uid;       /* [I] whose */
	int64_t maxmsg;          /* [I] */
	int64_t msgsize;         /* [I] */
	int64_t atime, mtime;    /* ns */
	int64_t cur;             /* messages */
	uint64_t bytes;          /* in them */
	uint64_t seq;            /* of the next one */
	struct mq_msgs msgs;
	struct mq_waits senders, receivers;
	int eventfd;               /* [I] */
	struct kmem_acct *fd_cost; /* [I] */
	bool watched;              /* the eventfd is kept up to date */
	struct proc *notify;       /* held; NULL: none */
	int notify_how, notify_signo;
	uint64_t notify_value;
};

static const struct fileops mqueue_fileops;

static int
msg_compare(const struct mq_msg *a, const struct mq_msg *b)
{
	if (a->prio != b->prio)
		return (a->prio > b->prio ? -1 : 1);
	return (a->seq < b->seq ? -1 : a->seq > b->seq);
}

RB_GENERATE_INTERNAL(
    mq_msgs, mq_msg, link, msg_compare, __attribute__((unused)) static)

/* ---- messages; all locked ---- */

/* Make the eventfd say what the queue can do. */
static void
mq_event(const struct mqueue *q)
{
	uint64_t count = q->cur == q->maxmsg ? COUNT_FULL : 1;
	size_t done;

	if (!q->watched)
		return;
	(void)host_eventfd_drain(q->eventfd);
	if (q->cur > 0)
		(void)host_write(q->eventfd, &count, sizeof(count), &done);
}

static void
mq_insert(struct mqueue *q, struct mq_msg *m)
{
	m->seq = q->seq++;
	RB_INSERT(mq_msgs, &q->msgs, m);
	q->cur++;
	q->bytes += m->len;
	mq_event(q);
}

static struct mq_msg *
mq_remove_first(struct mqueue *q)
{
	struct mq_msg *m = RB_MIN(mq_msgs, &q->msgs);

	RB_REMOVE(mq_msgs, &q->msgs, m);
	q->cur--;
	q->bytes -= m->len;
	return (m);
}

static void
mq_serve(struct mq_waits *list, struct mq_wait *w)
{
	TAILQ_REMOVE(list, w, link);
	w->status = 0;
	lwp_wakeup(w->l);
}

/* End the registration; the caller drops the process without the lock. */
static struct proc *
mq_notify_take(struct mqueue *q)
{
	struct proc *p = q->notify;

	q->notify = NULL;
	if (p != NULL)
		atomic_fetch_sub(&q->mq->nnotify, 1);
	return (p);
}

/* ---- the life of a queue ---- */

/* Give up a reference; the last one frees the queue.  Locked; returns what is
 * to be freed by mq_free() without the lock. */
static struct mqueue *
mq_unref(struct mqueue *q)
{
	KASSERT(q->refs > 0);
	if (--q->refs > 0)
		return (NULL);
	LIST_REMOVE(q, link);
	q->mq->n--;
	return (q);
}

static void
mq_free(struct mqueue *q)
{
	struct mq_msg *m;
	struct proc *p;

	if (q == NULL)
		return;
	KASSERT(TAILQ_EMPTY(&q->senders) && TAILQ_EMPTY(&q->receivers));
	while ((m = RB_MIN(mq_msgs, &q->msgs)) != NULL) {
		RB_REMOVE(mq_msgs, &q->msgs, m);
		kmem_free(m);
	}
	p = mq_notify_take(q);
	if (p != NULL)
		proc_drop(p);
	(void)host_close(q->eventfd);
	kmem_fd_uncharge(q->fd_cost, 1);
	kmem_free(q->name);
	kmem_free(q);
}

/* What a queue with these attributes counts for.  EINVAL. */
static int
mq_cost(bool root, int64_t maxmsg, int64_t msgsize, uint64_t *cost)
{
	uint64_t prios;

	if (maxmsg <= 0 || msgsize <= 0 ||
	    maxmsg > (root ? MQ_MSG_HARD : MQ_MSG_MAX) ||
	    msgsize > (root ? MQ_SIZE_HARD : MQ_SIZE_MAX))
		return (EINVAL);
	prios = (uint64_t)maxmsg < LX_MQ_PRIO_MAX ? (uint64_t)maxmsg
						  : LX_MQ_PRIO_MAX;
	*cost = (uint64_t)maxmsg * (LX_MQ_MSG_COST + (uint64_t)msgsize) +
		prios * LX_MQ_PRIO_COST;
	return (0);
}

/* A queue without a name or reference, in no list.  EINVAL, ENOMEM, EMFILE,
 * ENFILE. */
static int
mq_alloc(struct mq_state *mq, const struct vfs_ctx *ctx, const char *name,
    uint32_t mode, const struct lx_mq_attr *attr, struct mqueue **out)
{
	struct mqueue *q;
	int error;

	q = kmem_zalloc(sizeof(*q));
	if (q == NULL)
		return (ENOMEM);
	q->mq = mq;
	q->maxmsg = attr != NULL ? attr->maxmsg : MQ_MSG_MAX;
	q->msgsize = attr != NULL ? attr->msgsize : MQ_SIZE_MAX;
	q->mode = mode & MODE_BITS & ~ctx->umask;
	q->uid = ctx->uid;
	q->gid = ctx->gid;
	q->atime = q->mtime = (int64_t)host_realtime_ns();
	RB_INIT(&q->msgs);
	TAILQ_INIT(&q->senders);
	TAILQ_INIT(&q->receivers);
	error = mq_cost(vfs_ctx_capable(ctx, LX_CAP_SYS_RESOURCE), q->maxmsg,
	    q->msgsize, &q->cost);
	if (error != 0)
		goto fail;
	error = ENOMEM;
	q->name = kmem_strdup(name);
	if (q->name == NULL)
		goto fail;
	error = kmem_fd_charge(1, &q->fd_cost);
	if (error != 0)
		goto fail_name;
	error = host_eventfd(0, O_NONBLOCK, &q->eventfd);
	if (error != 0)
		goto fail_charge;
	*out = q;
	return (0);
fail_charge:
	kmem_fd_uncharge(q->fd_cost, 1);
fail_name:
	kmem_free(q->name);
fail:
	kmem_free(q);
	return (error);
}

/* Locked. */
static struct mqueue *
mq_find(const struct mq_state *mq, const char *name)
{
	struct mqueue *q;

	LIST_FOREACH (q, &mq->all, link)
		if (q->named && q->ns == ipc_ns() && strcmp(q->name, name) == 0)
			return (q);
	return (NULL);
}

/* Locked: may one more queue exist, of the user?  ENOSPC, EMFILE. */
static int
mq_room(const struct mq_state *mq, const struct mqueue *q, bool root,
    uint64_t limit)
{
	uint64_t sum = q->cost;
	const struct mqueue *o;

	if (mq->n >= MQ_QUEUES_MAX && !root)
		return (ENOSPC);
	LIST_FOREACH (o, &mq->all, link)
		if (o->cost_uid == q->cost_uid)
			sum += o->cost;
	return (sum > limit ? EMFILE : 0);
}

static int
mq_access(const struct mqueue *q, const struct vfs_ctx *ctx, int flags)
{
	static const unsigned want[4] = {4, 2, 6, 7};
	unsigned have = q->mode & 7;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return (EINVAL);
	if (vfs_ctx_capable(ctx, LX_CAP_DAC_OVERRIDE))
		return (0);
	if (ctx->uid == q->uid)
		have = q->mode >> 6 & 7;
	else if (vfs_ctx_in_group(ctx, q->gid))
		have = q->mode >> 3 & 7;
	return ((want[flags & O_ACCMODE] & ~have) == 0 ? 0 : EACCES);
}

static int
mq_check_name(const char *name)
{
	if (name[0] == '\0')
		return (ENOENT);
	if (strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return (EACCES);
	return (strlen(name) > VFS_NAME_MAX ? ENAMETOOLONG : 0);
}

/* Locked: the queue of that name with a new reference, which is `fresh` if
 * there was none. */
static int
mq_open_locked(struct mq_state *mq, const struct vfs_ctx *ctx, const char *name,
    int flags, struct mqueue *fresh, uint64_t limit, struct mqueue **out)
{
	struct mqueue *q = mq_find(mq, name);
	int error;

	if (q != NULL) {
		if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
			return (EEXIST);
		error = mq_access(q, ctx, flags);
		if (error != 0)
			return (error);
	} else {
		if (fresh == NULL)
			return (ENOENT);
		error = mq_room(mq, fresh,
		    vfs_ctx_capable(ctx, LX_CAP_SYS_RESOURCE), limit);
		if (error != 0)
			return (error);
		q = fresh;
		q->refs = 1;
		q->named = true;
		q->ino = ++mq->next_ino;
		q->ns = ipc_ns();
		LIST_INSERT_HEAD(&mq->all, q, link);
		mq->n++;
	}
	q->refs++;
	*out = q;
	return (0);
}

/* Locked: the name goes. */
static struct mqueue *
mq_unname(struct mqueue *q)
{
	q->named = false;
	return (mq_unref(q));
}

/* Make a queue if none of that name exists. */
static int
mq_prepare(struct lwp *l, const struct vfs_ctx *ctx, const char *name,
    int flags, uint32_t mode, const struct lx_mq_attr *attr,
    struct mqueue **fresh)
{
	struct mq_state *mq = l->p->k->mq;
	bool exists;
	int error;

	*fresh = NULL;
	kmutex_lock(&mq->lock);
	exists = mq_find(mq, name) != NULL;
	kmutex_unlock(&mq->lock);
	if (exists || (flags & O_CREAT) == 0)
		return (0);
	error = mq_alloc(mq, ctx, name, mode, attr, fresh);
	if (error == 0)
		(*fresh)->cost_uid = l->cred->uid;
	return (error);
}

int
mqueue_open(struct lwp *l, const char *name, int flags, uint32_t mode,
    const struct lx_mq_attr *attr, struct file **fp, bool *made)
{
	uint64_t limit = proc_rlimit_cur(l->p, LX_RLIMIT_MSGQUEUE);
	struct mq_state *mq = l->p->k->mq;
	struct mqueue *fresh = NULL, *q = NULL;
	struct vfs_ctx ctx;
	int error;

	error = mq_check_name(name);
	if (error != 0)
		return (error);
	ctx = lwp_vfs_ctx(l);
	do {
		error = mq_prepare(l, &ctx, name, flags, mode, attr, &fresh);
		if (error != 0)
			break;
		kmutex_lock(&mq->lock);
		error = mq_open_locked(mq, &ctx, name, flags, fresh, limit, &q);
		kmutex_unlock(&mq->lock);
		/* The queue that was there may have lost its name. */
	} while (error == ENOENT && (flags & O_CREAT) != 0);
	lwp_vfs_ctx_done(&ctx);
	if (error != 0 || q != fresh)
		mq_free(fresh);
	if (error != 0)
		return (error);
	KVERIFY(q != NULL);
	error = file_create(l->p->k->vfs, &mqueue_fileops, NULL,
	    flags & (O_ACCMODE | O_NONBLOCK), -1, q, fp);
	if (error != 0) {
		kmutex_lock(&mq->lock);
		if (q == fresh && q->named)
			(void)mq_unname(q); /* the file has a reference */
		q = mq_unref(q);
		kmutex_unlock(&mq->lock);
		mq_free(q);
		return (error);
	}
	(*fp)->ino = q->ino;
	*made = q == fresh;
	return (0);
}

int
mqueue_unlink(struct lwp *l, const char *name)
{
	struct mq_state *mq = l->p->k->mq;
	struct mqueue *q;
	int error;

	error = mq_check_name(name);
	if (error != 0)
		return (error);
	kmutex_lock(&mq->lock);
	q = mq_find(mq, name);
	if (q == NULL)
		error = ENOENT;
	else if (l->cred->fsuid != q->uid && !lwp_capable(l, LX_CAP_FOWNER))
		error = EPERM; /* the directory of Linux is sticky */
	q = error == 0 ? mq_unname(q) : NULL;
	kmutex_unlock(&mq->lock);
	mq_free(q);
	return (error);
}

/* ---- sending and receiving ---- */

bool
mqueue_is(const struct file *f)
{
	return (f->ops == &mqueue_fileops);
}

size_t
mqueue_msgsize(const struct file *f)
{
	const struct mqueue *q = f->data;

	KASSERT(mqueue_is(f));
	return ((size_t)q->msgsize);
}

struct mq_msg *
mqueue_msg_create(size_t len)
{
	struct mq_msg *m = kmem_alloc(sizeof(*m) + len);

	if (m != NULL)
		m->len = len;
	return (m);
}

/* Sleep until w is served. */
static int
mq_sleep(struct mq_state *mq, struct mq_waits *list, struct mq_wait *w,
    uint64_t deadline)
{
	int error = 0, status;

	for (;;) {
		lwp_sleep_prepare(w->l);
		kmutex_lock(&mq->lock);
		if (w->status == EINPROGRESS && error != 0) {
			TAILQ_REMOVE(list, w, link);
			w->status = error;
		}
		status = w->status;
		kmutex_unlock(&mq->lock);
		if (status != EINPROGRESS)
			return (status);
		error = lwp_sleep(w->l, deadline);
	}
}

/* Locked: put m into the queue or give it to a receiver.  *notify: the process
 * to send the signal to, held. */
static void
mq_deliver(struct mqueue *q, struct mq_msg *m, struct proc **notify,
    struct ksiginfo *info)
{
	struct mq_wait *w = TAILQ_FIRST(&q->receivers);

	q->atime = q->mtime = (int64_t)host_realtime_ns();
	if (w != NULL) {
		w->m = m;
		mq_serve(&q->receivers, w);
		return;
	}
	mq_insert(q, m);
	if (q->notify == NULL || q->cur != 1)
		return;
	info->signo = q->notify_how == LX_SIGEV_SIGNAL ? q->notify_signo : 0;
	info->value = q->notify_value;
	*notify = mq_notify_take(q);
}

int
mqueue_send(struct lwp *l, struct file *f, struct mq_msg *m, unsigned prio,
    uint64_t deadline)
{
	bool nonblock = (atomic_load(&f->flags) & O_NONBLOCK) != 0;
	struct ksiginfo info = {.code = LX_SI_MESGQ, .pid = l->p->pid};
	struct mq_wait w = {.l = l, .m = m};
	struct proc *notify = NULL;
	struct mqueue *q = f->data;
	bool wait = false;

	KASSERT(mqueue_is(f));
	m->prio = prio;
	info.uid = l->cred->uid;
	kmutex_lock(&q->mq->lock);
	if (q->cur < q->maxmsg)
		mq_deliver(q, m, &notify, &info);
	else if (nonblock)
		w.status = EAGAIN;
	else {
		wait = true;
		w.status = EINPROGRESS;
		TAILQ_INSERT_TAIL(&q->senders, &w, link);
	}
	kmutex_unlock(&q->mq->lock);
	if (notify != NULL) {
		if (info.signo != 0)
			ksig_post_proc(notify, &info);
		proc_drop(notify);
	}
	return (wait ? mq_sleep(q->mq, &q->senders, &w, deadline) : w.status);
}

int
mqueue_receive(
    struct lwp *l, struct file *f, uint64_t deadline, struct mq_msg **m)
{
	bool nonblock = (atomic_load(&f->flags) & O_NONBLOCK) != 0;
	struct mq_wait w = {.l = l}, *sender;
	struct mqueue *q = f->data;
	bool wait = false;
	int error;

	KASSERT(mqueue_is(f));
	kmutex_lock(&q->mq->lock);
	if (q->cur > 0) {
		w.m = mq_remove_first(q);
		q->atime = (int64_t)host_realtime_ns();
		sender = TAILQ_FIRST(&q->senders);
		if (sender != NULL) {
			mq_insert(q, sender->m);
			mq_serve(&q->senders, sender);
		} else
			mq_event(q);
	} else if (nonblock)
		w.status = EAGAIN;
	else {
		wait = true;
		w.status = EINPROGRESS;
		TAILQ_INSERT_TAIL(&q->receivers, &w, link);
	}
	kmutex_unlock(&q->mq->lock);
	error = wait ? mq_sleep(q->mq, &q->receivers, &w, deadline) : w.status;
	if (error == 0)
		*m = w.m;
	return (error);
}

/* ---- notification ---- */

int
mqueue_notify(struct lwp *l, struct file *f, int how, int signo, uint64_t value)
{
	struct mqueue *q = f->data;
	int error = 0;

	KASSERT(mqueue_is(f));
	kmutex_lock(&q->mq->lock);
	if (q->notify != NULL)
		error = EBUSY;
	else {
		proc_hold(l->p);
		q->notify = l->p;
		atomic_fetch_add(&q->mq->nnotify, 1);
		q->notify_how = how;
		q->notify_signo = signo;
		q->notify_value = value;
	}
	kmutex_unlock(&q->mq->lock);
	return (error);
}

static void
mq_notify_end(struct mqueue *q, const struct proc *p)
{
	struct proc *gone = NULL;

	kmutex_lock(&q->mq->lock);
	if (q->notify == p)
		gone = mq_notify_take(q);
	kmutex_unlock(&q->mq->lock);
	if (gone != NULL)
		proc_drop(gone);
}

void
mqueue_proc_exit(struct proc *p)
{
	struct mq_state *mq = p->k->mq;
	struct mqueue *q;
	unsigned n = 0;

	if (atomic_load(&mq->nnotify) == 0)
		return;
	kmutex_lock(&mq->lock);
	LIST_FOREACH (q, &mq->all, link) {
		if (q->notify == p) {
			(void)mq_notify_take(q);
			n++;
		}
	}
	kmutex_unlock(&mq->lock);
	while (n-- > 0)
		proc_drop(p);
}

void
mqueue_notify_stop(struct lwp *l, struct file *f)
{
	KASSERT(mqueue_is(f));
	mq_notify_end(f->data, l->p);
}

/* ---- the file ---- */

void
mqueue_attr(struct file *f, struct lx_mq_attr *a)
{
	struct mqueue *q = f->data;

	KASSERT(mqueue_is(f));
	*a = (struct lx_mq_attr){.flags = atomic_load(&f->flags) & O_NONBLOCK,
	    .maxmsg = q->maxmsg,
	    .msgsize = q->msgsize};
	kmutex_lock(&q->mq->lock);
	a->curmsgs = q->cur;
	kmutex_unlock(&q->mq->lock);
}

static int
mqueue_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	struct mqueue *q = f->data;
	char text[STATUS_SIZE];
	uint64_t off = uio->off;
	int n, how = 0, signo = 0, pid = 0;

	if (uio->write)
		return (EINVAL);
	kmutex_lock(&q->mq->lock);
	if (q->notify != NULL) {
		how = q->notify_how;
		signo = how == LX_SIGEV_SIGNAL ? q->notify_signo : 0;
		pid = q->notify->pid;
	}
	n = snprintf(text, sizeof(text),
	    "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
	    (unsigned long long)q->bytes, how, signo, pid);
	kmutex_unlock(&q->mq->lock);
	if (n > (int)sizeof(text) - 1)
		n = (int)sizeof(text) - 1;
	if (off < (uint64_t)n)
		uiomove(text + off, (size_t)n - off, uio);
	return (0);
}

static int
mqueue_seek(struct file *f, int64_t off, int whence, uint64_t *res)
{
	int64_t base = 0;

	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = (int64_t)f->off;
		break;
	case SEEK_END:
		base = STATUS_SIZE;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (off < 0 || off >= STATUS_SIZE)
			return (ENXIO);
		*res = whence == SEEK_DATA ? (uint64_t)off : STATUS_SIZE;
		return (0);
	default:
		return (EINVAL);
	}
	if (__builtin_add_overflow(base, off, &base) || base < 0)
		return (EINVAL);
	*res = (uint64_t)base;
	return (0);
}

static short
mqueue_poll(struct file *f, short events, int *hostfd)
{
	struct mqueue *q = f->data;
	short r = 0;

	*hostfd = q->eventfd;
	kmutex_lock(&q->mq->lock);
	if (!q->watched) {
		q->watched = true;
		mq_event(q);
	}
	if (q->cur > 0)
		r |= LX_POLLIN | LX_POLLRDNORM;
	if (q->cur < q->maxmsg)
		r |= LX_POLLOUT | LX_POLLWRNORM;
	kmutex_unlock(&q->mq->lock);
	return (r & events);
}

static int
mqueue_getattr(struct file *f, struct vattr *va)
{
	struct mqueue *q = f->data;

	kmutex_lock(&q->mq->lock);
	*va = (struct vattr){.type = VREG,
	    .mode = MODE_TYPE | q->mode,
	    .nlink = q->named ? 1 : 0,
	    .uid = q->uid,
	    .gid = q->gid,
	    .ino = q->ino,
	    .size = STATUS_SIZE,
	    .blksize = PAGE_SIZE,
	    .atime = q->atime,
	    .mtime = q->mtime,
	    .ctime = q->mtime,
	    .btime = q->mtime};
	kmutex_unlock(&q->mq->lock);
	return (0);
}

static void
mqueue_flush(struct file *f)
{
	const struct lwp *l = lwp_current();

	if (l != NULL)
		mq_notify_end(f->data, l->p);
}

static void
mqueue_close(struct file *f)
{
	struct mqueue *q = f->data;
	struct mq_state *mq = q->mq;

	kmutex_lock(&mq->lock);
	q = mq_unref(q);
	kmutex_unlock(&mq->lock);
	mq_free(q);
}

static void
mqueue_describe(struct file *f, char *buf, size_t size)
{
	const struct mqueue *q = f->data;

	(void)snprintf(buf, size, "/%s%s", q->name,
	    atomic_load(&q->named) ? "" : " (deleted)");
}

static const struct fileops mqueue_fileops = {
    .caps = FCAP_SEEK | FCAP_AT | FCAP_OFFSET | FCAP_POLLFD,
    .rw = mqueue_rw,
    .poll = mqueue_poll,
    .getattr = mqueue_getattr,
    .seek = mqueue_seek,
    .flush = mqueue_flush,
    .close = mqueue_close,
    .describe = mqueue_describe,
    .name = "mqueue",
};

/* ---- the kernel's ---- */

int
mqueue_init(struct vkernel *k)
{
	struct mq_state *mq = calloc(1, sizeof(*mq));

	if (mq == NULL)
		return (ENOMEM);
	kmutex_init(&mq->lock, "mqueue", KRANK_FDTABLE, 0);
	LIST_INIT(&mq->all);
	k->mq = mq;
	return (0);
}

void
mqueue_clear(struct vkernel *k, uint32_t ns)
{
	struct mq_state *mq = k->mq;
	struct mqueue *q;

	if (mq == NULL)
		return;
	do {
		kmutex_lock(&mq->lock);
		LIST_FOREACH (q, &mq->all, link)
			if (q->named && q->ns == ns)
				break;
		if (q != NULL) {
			struct mqueue *last = mq_unname(q);

			kmutex_unlock(&mq->lock);
			mq_free(last);
			continue;
		}
		kmutex_unlock(&mq->lock);
	} while (q != NULL);
}

void
mqueue_destroy(struct vkernel *k)
{
	struct mq_state *mq = k->mq;
	struct mqueue *q;

	if (mq == NULL)
		return;
	while ((q = LIST_FIRST(&mq->all)) != NULL) {
		KVERIFY(q->named && q->refs == 1);
		mq_free(mq_unname(q));
	}
	kmutex_destroy(&mq->lock);
	free(mq);
	k->mq = NULL;
}

int
mqueue_text_msg(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "%d\n", MQ_MSG_MAX);
	return (0);
}

int
mqueue_text_msgsize(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "%d\n", MQ_SIZE_MAX);
	return (0);
}

int
mqueue_text_queues(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "%d\n", MQ_QUEUES_MAX);
	return (0);
}
