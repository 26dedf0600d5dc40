/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * signalfd: pending signals as a file.
 *
 * Concepts.  The file has a mask and nothing else: a read takes pending signals
 * of the mask from the reading lwp, its own before those of its process.  A
 * descriptor that is shared across a fork therefore shows different signals,
 * and a different readiness, in each process.  An lwp that polls the file gets
 * a binding of file and process with an eventfd, which is readable exactly as
 * long as the process, or one of its lwps, has a pending signal of the mask;
 * poll, select and epoll wait on it.
 *
 * A read that blocks does not use the binding: it sets lwp->sigfdwait, and each
 * signal that becomes pending wakes the lwp to look again.
 *
 * Data structures.  A binding is on two lists: that of its file, for close, and
 * that of its process, for threads that post or take a signal there.
 *
 * Locking and lifetime. k->sigfd_lock (rank SIGFD, before proc locks) protects
 * the lists of files and the life of bindings.  The proc lock protects the list
 * of the process and the state of the bindings on it, so that posting needs no
 * other lock.  A binding is made by an lwp of its process, and freed by the
 * last close of the file or at the exit of the process, when no lwp is left.
 *
 * Guarantees.  The state of the eventfd changes under the proc lock together
 * with the pending sets: no signal is missed, and no signal that was taken is
 * shown.  Each new signal writes to the eventfd, which is an edge for epoll.
 * KILL and STOP are never in a mask.
 *
 * Limits.  SIGFDS_MAX bindings of a process, since each signal is compared with
 * all of them; further signalfds always look readable, and cannot be added to
 * an epoll.  A signal for one lwp makes the file readable for the other lwps of
 * its process, too; their reads find nothing.  An epoll registration is that of
 * the process which made it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi/poll.h"
#include "abi/signal.h"
#include "host/host_file.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/sig/ksignal.h"
#include "kern/sig/signalfd.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/uio.h"

#define SIGFDS_MAX 128

/* Key: [I] immutable, [a] atomic, [f] k->sigfd_lock, [p] lock of the process */
struct sigfd {
	struct vkernel *k;           /* [I] */
	_Atomic(uint64_t) mask;      /* [a] written under [f] */
	LIST_HEAD(, sigfd_bind) all; /* [f] */
};

struct sigfd_bind {
	struct proc *p;               /* [I] */
	int eventfd;                  /* [I] */
	uint64_t mask;                /* [p] as in the file */
	bool raised;                  /* [p] the eventfd is readable */
	LIST_ENTRY(sigfd_bind) flink; /* [f] */
	LIST_ENTRY(sigfd_bind) plink; /* [p] added and removed also under [f] */
};

static const struct fileops sigfd_fileops;

void
sigfd_init(struct vkernel *k)
{
	kmutex_init(&k->sigfd_lock, "signalfd", KRANK_SIGFD, 0);
}

void
sigfd_destroy(struct vkernel *k)
{
	kmutex_destroy(&k->sigfd_lock);
}

/* ---- called when signals are posted and taken ---- */

static uint64_t
pending_locked(struct proc *p)
{
	uint64_t set = p->sigpend.set;
	struct lwp *l;

	LIST_FOREACH (l, &p->lwps, link)
		set |= l->sigpend.set;
	return (set);
}

static void
bind_update_locked(struct sigfd_bind *b, uint64_t pending)
{
	bool raise = (pending & b->mask) != 0;

	if (raise == b->raised)
		return;
	b->raised = raise;
	if (raise)
		(void)host_eventfd_signal(b->eventfd);
	else
		(void)host_eventfd_drain(b->eventfd);
}

void
sigfd_posted_locked(struct proc *p, uint64_t bit)
{
	struct sigfd_bind *b;
	struct lwp *l;

	kmutex_assert_owned(&p->lock);
	LIST_FOREACH (l, &p->lwps, link)
		if (l->sigfdwait)
			lwp_wakeup(l);
	LIST_FOREACH (b, &p->sigfds, plink) {
		if ((b->mask & bit) == 0)
			continue;
		b->raised = true;
		(void)host_eventfd_signal(b->eventfd);
	}
}

void
sigfd_taken_locked(struct proc *p)
{
	struct sigfd_bind *b;
	uint64_t pending;

	kmutex_assert_owned(&p->lock);
	if (LIST_EMPTY(&p->sigfds))
		return;
	pending = pending_locked(p);
	LIST_FOREACH (b, &p->sigfds, plink)
		bind_update_locked(b, pending);
}

/* ---- bindings ---- */

/* sigfd_lock held, the process's not. */
static void
bind_free(struct sigfd_bind *b)
{
	kmutex_lock(&b->p->lock);
	LIST_REMOVE(b, plink);
	b->p->nsigfds--;
	kmutex_unlock(&b->p->lock);
	LIST_REMOVE(b, flink);
	(void)host_close(b->eventfd);
	kmem_free(b);
}

/* sigfd_lock held.  ENOMEM, EMFILE, ENFILE. */
static int
bind_get(struct sigfd *sf, struct proc *p, struct sigfd_bind **out)
{
	struct sigfd_bind *b;
	int error;

	LIST_FOREACH (b, &sf->all, flink) {
		if (b->p == p) {
			*out = b;
			return (0);
		}
	}
	if (p->nsigfds >= SIGFDS_MAX)
		return (EMFILE);
	b = kmem_zalloc(sizeof(*b));
	if (b == NULL)
		return (ENOMEM);
	error = host_eventfd(0, O_NONBLOCK, &b->eventfd);
	if (error != 0) {
		kmem_free(b);
		return (error);
	}
	b->p = p;
	b->mask = atomic_load(&sf->mask);
	LIST_INSERT_HEAD(&sf->all, b, flink);
	kmutex_lock(&p->lock);
	LIST_INSERT_HEAD(&p->sigfds, b, plink);
	p->nsigfds++;
	bind_update_locked(b, pending_locked(p));
	kmutex_unlock(&p->lock);
	*out = b;
	return (0);
}

void
sigfd_proc_exit(struct proc *p)
{
	struct vkernel *k = p->k;
	struct sigfd_bind *b;

	/* The lwps of the process made its bindings, and none is left. */
	KASSERT(p->nlwps == 0);
	kmutex_lock(&k->sigfd_lock);
	for (;;) {
		kmutex_lock(&p->lock);
		b = LIST_FIRST(&p->sigfds);
		kmutex_unlock(&p->lock);
		if (b == NULL)
			break;
		bind_free(b);
	}
	kmutex_unlock(&k->sigfd_lock);
}

/* ---- the file ---- */

/* As Linux's signalfd_copyinfo(): fields that the code does not define are
 * 0. */
static void
sigfd_encode(const struct ksiginfo *ki, struct lx_signalfd_siginfo *out)
{
	memset(out, 0, sizeof(*out));
	out->signo = (uint32_t)ki->signo;
	out->err = ki->err;
	out->code = ki->code;
	switch (ksiginfo_kind(ki->signo, ki->code)) {
	case KSIGINFO_TIMER:
		out->tid = (uint32_t)ki->pid;
		out->overrun = (uint32_t)ki->status;
		out->ptr = ki->value;
		out->val = (int32_t)ki->value;
		break;
	case KSIGINFO_CHLD:
		out->pid = (uint32_t)ki->pid;
		out->uid = ki->uid;
		out->status = ki->status;
		out->utime = ki->utime;
		out->stime = ki->stime;
		break;
	case KSIGINFO_FAULT:
		out->addr = ki->addr;
		break;
	case KSIGINFO_SYS:
		out->call_addr = ki->addr;
		out->syscall = ki->status;
		break;
	case KSIGINFO_POLL:
		out->band = (uint32_t)ki->value;
		out->fd = ki->status;
		break;
	case KSIGINFO_RT:
		if (ki->code == LX_SI_KERNEL && ki->forced)
			break;
		out->pid = (uint32_t)ki->pid;
		out->uid = ki->uid;
		if (ki->code < 0) {
			out->ptr = ki->value;
			out->val = (int32_t)ki->value;
		}
		break;
	}
}

/* Take one signal of the mask: 0, EAGAIN, EINTR. */
static int
sigfd_take(
    struct lwp *l, struct sigfd *sf, bool nonblock, struct ksiginfo *info)
{
	struct proc *p = l->p;
	int error = nonblock ? EAGAIN : 0;
	bool got;

	for (;;) {
		lwp_sleep_prepare(l);
		kmutex_lock(&p->lock);
		got = ksig_take_locked(l, atomic_load(&sf->mask), info);
		l->sigfdwait = !got && error == 0;
		kmutex_unlock(&p->lock);
		if (got)
			return (0);
		if (error != 0)
			return (error);
		error = lwp_sleep(l, UINT64_MAX);
	}
}

static int
sigfd_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	bool nonblock = (atomic_load(&f->flags) & O_NONBLOCK) != 0;
	struct lx_signalfd_siginfo si;
	struct lwp *l = lwp_current();
	struct ksiginfo info;
	int n, error = 0;

	if (uio->write || l == NULL || uio->resid < sizeof(si))
		return (EINVAL);
	for (n = 0; uio->resid >= sizeof(si); n++) {
		error = sigfd_take(l, f->data, nonblock || n > 0, &info);
		if (error != 0)
			break;
		sigfd_encode(&info, &si);
		uiomove(&si, sizeof(si), uio);
	}
	return (n > 0 ? 0 : error);
}

static short
sigfd_poll(struct file *f, short events, int *hostfd)
{
	struct sigfd *sf = f->data;
	struct lwp *l = lwp_current();
	struct sigfd_bind *b;
	bool ready;

	*hostfd = -1;
	if (l == NULL)
		return (0);
	kmutex_lock(&sf->k->sigfd_lock);
	if (bind_get(sf, l->p, &b) != 0) {
		/* Without a binding report the file as readable: a read that
		 * returns EAGAIN does less harm than a missed signal. */
		ready = true;
	} else {
		*hostfd = b->eventfd;
		kmutex_lock(&l->p->lock);
		ready = b->raised;
		kmutex_unlock(&l->p->lock);
	}
	kmutex_unlock(&sf->k->sigfd_lock);
	return (ready ? (short)(events & (LX_POLLIN | LX_POLLRDNORM)) : 0);
}

static void
sigfd_close(struct file *f)
{
	struct sigfd *sf = f->data;
	struct sigfd_bind *b, *next;

	kmutex_lock(&sf->k->sigfd_lock);
	LIST_FOREACH_SAFE (b, &sf->all, flink, next)
		bind_free(b);
	kmutex_unlock(&sf->k->sigfd_lock);
	kmem_free(sf);
}

static void
sigfd_info(struct file *f, file_info_fn *fn, void *arg)
{
	const struct sigfd *sf = f->data;
	char line[64];

	(void)snprintf(line, sizeof(line), "sigmask:\t%016llx\n",
	    (unsigned long long)atomic_load(&sf->mask));
	fn(arg, line);
}

static const struct fileops sigfd_fileops = {
    .caps = FCAP_STREAM | FCAP_SEEK | FCAP_WHOLE,
    .rw = sigfd_rw,
    .seek = file_seek_nowhere,
    .poll = sigfd_poll,
    .info = sigfd_info,
    .close = sigfd_close,
    .name = "signalfd",
};

int
sigfd_create(struct lwp *l, uint64_t mask, int flags, struct file **out)
{
	struct vkernel *k = l->p->k;
	struct sigfd_bind *b;
	struct sigfd *sf;
	struct file *f;
	int error;

	sf = kmem_zalloc(sizeof(*sf));
	if (sf == NULL)
		return (ENOMEM);
	sf->k = k;
	atomic_init(&sf->mask, mask);
	LIST_INIT(&sf->all);
	error = file_create(k->vfs, &sigfd_fileops, NULL,
	    O_RDWR | (flags & O_NONBLOCK), -1, sf, &f);
	if (error != 0) {
		kmem_free(sf);
		return (error);
	}
	/* The caller will poll: fail now if that is not possible. */
	kmutex_lock(&k->sigfd_lock);
	error = bind_get(sf, l->p, &b);
	kmutex_unlock(&k->sigfd_lock);
	if (error != 0) {
		file_free(f);
		return (error);
	}
	*out = f;
	return (0);
}

int
sigfd_set_mask(struct lwp *l, struct file *f, uint64_t mask)
{
	struct vkernel *k = l->p->k;
	struct sigfd_bind *b;
	struct sigfd *sf;
	struct lwp *o;

	if (f->ops != &sigfd_fileops)
		return (EINVAL);
	sf = f->data;
	kmutex_lock(&k->sigfd_lock);
	atomic_store(&sf->mask, mask);
	LIST_FOREACH (b, &sf->all, flink) {
		kmutex_lock(&b->p->lock);
		b->mask = mask;
		bind_update_locked(b, pending_locked(b->p));
		kmutex_unlock(&b->p->lock);
	}
	kmutex_unlock(&k->sigfd_lock);
	kmutex_lock(&l->p->lock);
	LIST_FOREACH (o, &l->p->lwps, link)
		if (o->sigfdwait)
			lwp_wakeup(o);
	kmutex_unlock(&l->p->lock);
	return (0);
}
