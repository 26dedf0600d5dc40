/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signals about the input and output of files: SIGIO, or the signal of
 * F_SETSIG, for files with O_ASYNC; SIGURG for sockets that have an owner.
 *
 * Concepts.  The host knows when a file becomes readable.  Each file that may
 * cause a signal is watched: a descriptor of its host object is registered,
 * edge-triggered, with one epoll instance of the kernel.  An event becomes the
 * reason that Linux gives for a file of that kind (event_reasons()), and a
 * signal to the owner.  What a file already had when it was registered is no
 * event.
 *
 * Two threads take events.  The sigio thread waits for the instance; it sees
 * what comes from outside and from calls that still run.  A thread of a process
 * that has watched files takes them at the end of each of its system calls, so
 * that the signal which its own call has caused is there when the call
 * returns, as on Linux.  Both take and send under one lock.
 *
 * A registration has a descriptor of its own, a duplicate, because several
 * files can have the same host descriptor.  It is closed before the file's own,
 * so that it does not keep the object alive.
 *
 * Owners.  Who gets the signal, and whether the process that has set the owner
 * may send one, is decided when it is sent, by the ids that this process had
 * when it set the owner.
 *
 * Locking.  ss->lock (rank SIGIO, above all others, because signals are posted
 * under it) protects registrations and the taking of events.
 *
 * Limits.  The host reports states and merges events: two in a row may be one
 * signal.  A signal about room for output comes when the buffer was full, and
 * about urgent data once more when ordinary data follows before it is read.
 */
#include "kern/sig/sigio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "abi/poll.h"
#include "abi/signal.h"
#include "host/host.h"
#include "host/host_file.h"
#include "kern/base/cred.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/session.h"
#include "kern/base/vkernel.h"
#include "kern/sig/ctty.h"
#include "kern/sig/ksignal.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/owner.h"
#include "vfs/core/vfs.h"
#include "vfs/devfs/tty.h"
#include "vfs/socket/socket.h"

#define BATCH 32
#define ROUNDS 32 /* of BATCH events, for one call */

/* Key: [I] immutable, [s] lock of sigio_state, [a] atomic */
struct sigio {
	struct file *f;            /* [I] weak: it ends the registration */
	int pollfd;                /* [I] */
	struct kmem_acct *fd_cost; /* [I] */
	int fd;                    /* [s] for si_fd */
	bool async;                /* [s] O_ASYNC is set */
	bool settled;              /* [s] events count from now on */
};

struct sigio_state {
	struct kmutex lock;         /* rank SIGIO */
	struct vkernel *k;          /* [I] */
	unsigned n;                 /* [s] files that are watched */
	int epfd;                   /* [s] set once, -1: no thread yet */
	int kickfd;                 /* [s] likewise; wakes the thread to end */
	struct host_thread *thread; /* [s] likewise */
	_Atomic(bool) stop;         /* [a] */
};

/* ---- owners ---- */

int
sigio_owner(struct lwp *l, int type, int id, struct owner_id *out)
{
	struct vkernel *k = l->p->k;
	struct owner_id who = {
	    .type = (enum owner_type)type, .id = id, .since_ns = host_now_ns()};

	if (id == 0 || type == OWNER_NONE) {
		*out = (struct owner_id){.type = OWNER_NONE};
		return (0);
	}
	if (!sigio_owner_lives(k, &who))
		return (ESRCH);
	who.uid = l->cred->uid;
	who.euid = l->cred->euid;
	*out = who;
	return (0);
}

/* The process of an owner that is a process or thread, if it still is the same.
 * proctree held. */
static struct proc *
owner_proc_locked(struct vkernel *k, const struct owner_id *who)
{
	struct proc *p = who->type == OWNER_THREAD
			     ? proc_find_tid_locked(k, who->id)
			     : proc_find_locked(k, who->id);

	return (p != NULL && p->start_ns <= who->since_ns ? p : NULL);
}

bool
sigio_owner_lives(struct vkernel *k, const struct owner_id *who)
{
	bool r;

	kmutex_lock(&k->proctree);
	if (who->type == OWNER_GROUP)
		r = pgrp_exists(k, who->id);
	else
		r = who->type != OWNER_NONE &&
		    owner_proc_locked(k, who) != NULL;
	kmutex_unlock(&k->proctree);
	return (r);
}

/* May a process with the ids of the owner's setter send a signal to p? */
static bool
owner_permits(const struct owner_id *who, struct proc *p)
{
	const struct cred *c;
	bool r;

	kmutex_lock(&p->lock);
	c = p->cred;
	r = who->euid == 0 || who->euid == c->suid || who->euid == c->uid ||
	    who->uid == c->suid || who->uid == c->uid;
	kmutex_unlock(&p->lock);
	return (r);
}

/* proctree held. */
static void
post_to(const struct owner_id *who, struct proc *p, const struct ksiginfo *info)
{
	struct lwp *l = NULL;

	if (!owner_permits(who, p))
		return;
	kmutex_lock(&p->lock);
	if (who->type == OWNER_THREAD)
		l = proc_lwp_locked(p, who->id);
	if (l != NULL)
		ksig_post_lwp_locked(l, info);
	else if (who->type != OWNER_THREAD)
		ksig_post_proc_locked(p, info);
	kmutex_unlock(&p->lock);
}

static void
post(struct vkernel *k, const struct owner_id *who, const struct ksiginfo *info)
{
	struct proc *p;

	kmutex_lock(&k->proctree);
	if (who->type == OWNER_GROUP) {
		LIST_FOREACH (p, &k->procs, all)
			if (p->pgid == who->id && p->state != PROC_DEAD)
				post_to(who, p, info);
	} else if (who->type != OWNER_NONE) {
		p = owner_proc_locked(k, who);
		if (p != NULL)
			post_to(who, p, info);
	}
	kmutex_unlock(&k->proctree);
}

static void
owner_send(
    void *arg, const struct owner_id *who, int fd, enum owner_reason reason)
{
	static const uint64_t bands[] = {
	    [OWNER_IN] = LX_POLLIN | LX_POLLRDNORM,
	    [OWNER_OUT] = LX_POLLOUT | LX_POLLWRNORM | LX_POLLWRBAND,
	    [OWNER_MSG] = LX_POLLIN | LX_POLLRDNORM | LX_POLLMSG,
	    [OWNER_ERR] = LX_POLLERR,
	    [OWNER_PRI] = LX_POLLPRI | LX_POLLRDBAND,
	    [OWNER_HUP] = LX_POLLHUP | LX_POLLERR,
	};
	struct ksiginfo info = {.signo = LX_SIGIO, .code = LX_SI_KERNEL};

	if (who->signo != 0) {
		info = (struct ksiginfo){.signo = who->signo,
		    .code = (int)reason,
		    .value = bands[reason],
		    .status = fd};
		/* These have codes of their own, which would be mistaken. */
		if (ksiginfo_kind(info.signo, info.code) != KSIGINFO_POLL)
			info.code = LX_SI_SIGIO;
	}
	post(arg, who, &info);
}

/* ---- events ---- */

/* What the event is for the owner of a socket. */
static enum owner_reason
socket_reason(struct file *f, uint32_t ev, bool *room)
{
	*room = (ev & LX_POLLOUT) != 0 && sock_room_wanted(f);
	if ((ev & LX_POLLERR) != 0)
		return (OWNER_ERR);
	if ((ev & LX_POLLHUP) != 0)
		return (OWNER_HUP);
	return ((ev & LX_POLLIN) != 0 ? OWNER_IN : OWNER_NOTHING);
}

/* The reasons of an event, as the driver of Linux for that kind of file gives
 * them. */
static void
event_reasons(struct file *f, uint32_t ev, enum owner_reason r[2])
{
	const int flags = atomic_load(&f->flags);
	bool room = false;

	r[0] = r[1] = OWNER_NOTHING;
	if (file_socket(f) != NULL) {
		r[0] = socket_reason(f, ev, &room);
		r[1] = room ? OWNER_OUT : OWNER_NOTHING;
	} else if (file_can(f, FCAP_PIPE)) {
		if (file_flags_permit(flags, false) &&
		    (ev & (LX_POLLIN | LX_POLLHUP)) != 0)
			r[0] = OWNER_IN;
		if (file_flags_permit(flags, true) &&
		    (ev & (LX_POLLOUT | LX_POLLERR)) != 0)
			r[1] = OWNER_OUT;
	} else if ((ev & LX_POLLIN) != 0)
		r[0] = OWNER_IN;
}

static uint32_t
event_mask(const struct file *f)
{
	uint32_t ev = LX_POLLIN | LX_EPOLLET;

	if (file_socket(f) != NULL)
		return (ev | LX_POLLOUT | LX_POLLPRI | LX_POLLRDHUP);
	if (!file_can(f, FCAP_PIPE))
		return (ev);
	return (file_flags_permit(atomic_load(&f->flags), true)
		    ? ev | LX_POLLOUT
		    : ev);
}

/* Lock held. */
static void
event(struct sigio_state *ss, const struct sigio *sg, uint32_t ev)
{
	struct file_owner *fo = file_owner_of(&sg->f->owner);
	struct owner_id who = file_owner_read(fo);
	const struct ksiginfo urgent = {
	    .signo = LX_SIGURG, .code = LX_SI_KERNEL};
	enum owner_reason r[2];

	if (!sg->settled || who.type == OWNER_NONE)
		return;
	if ((ev & LX_POLLPRI) != 0)
		post(ss->k, &who, &urgent);
	if (!sg->async)
		return;
	event_reasons(sg->f, ev, r);
	if ((ev & LX_POLLPRI) != 0)
		owner_send(ss->k, &who, sg->fd, OWNER_PRI);
	for (int i = 0; i < 2; i++)
		if (r[i] != OWNER_NOTHING)
			owner_send(ss->k, &who, sg->fd, r[i]);
}

/* Lock held. */
static void
take_events(struct sigio_state *ss)
{
	struct host_epoll_event ev[BATCH];
	int n = BATCH;

	if (ss->n == 0)
		return;
	for (int i = 0; i < ROUNDS && n == BATCH; i++) {
		if (host_epoll_take(ss->epfd, ev, BATCH, &n) != 0)
			return;
		for (int j = 0; j < n; j++)
			event(ss, (const struct sigio *)(uintptr_t)ev[j].data,
			    ev[j].events);
	}
}

void
sigio_kick(struct vkernel *k)
{
	kmutex_lock(&k->sigio->lock);
	take_events(k->sigio);
	kmutex_unlock(&k->sigio->lock);
}

static void
sigio_main(void *arg)
{
	struct sigio_state *ss = arg;
	struct host_pollfd fds[2] = {
	    {.fd = ss->epfd, .events = LX_POLLIN},
	    {.fd = ss->kickfd, .events = LX_POLLIN},
	};
	int n;

	while (!atomic_load(&ss->stop)) {
		(void)host_poll(fds, 2, UINT64_MAX, &n);
		sigio_kick(ss->k);
	}
}

/* ---- registrations; lock held ---- */

/* Start the thread.  EMFILE, ENFILE, ENOMEM, EAGAIN. */
static int
start_locked(struct sigio_state *ss)
{
	int error;

	if (ss->thread != NULL)
		return (0);
	error = host_epoll_create(&ss->epfd);
	if (error != 0)
		return (error);
	error = host_eventfd(0, O_NONBLOCK, &ss->kickfd);
	if (error != 0)
		goto fail;
	error = host_thread_create(&ss->thread, "sigio", sigio_main, ss);
	if (error == 0)
		return (0);
	(void)host_close(ss->kickfd);
	ss->kickfd = -1;
fail:
	(void)host_close(ss->epfd);
	ss->epfd = -1;
	return (error);
}

static void
watch_end(struct sigio_state *ss, struct file_owner *fo)
{
	struct sigio *sg = fo->watch;

	fo->watch = NULL;
	ss->n--;
	(void)host_epoll_ctl(ss->epfd, LX_EPOLL_CTL_DEL, sg->pollfd, 0, 0);
	(void)host_close(sg->pollfd);
	kmem_fd_uncharge(sg->fd_cost, 1);
	kmem_free(sg);
}

/* Watch the file from now on. */
static int
watch_begin(struct sigio_state *ss, struct file *f, struct file_owner *fo)
{
	struct sigio *sg;
	int error, hostfd = f->hostfd;

	if (!file_can(f, FCAP_HOSTFD))
		(void)f->ops->poll(f, LX_POLLIN, &hostfd);
	error = start_locked(ss);
	if (error != 0)
		return (error);
	sg = kmem_zalloc(sizeof(*sg));
	if (sg == NULL)
		return (ENOMEM);
	sg->f = f;
	error = kmem_fd_charge(1, &sg->fd_cost);
	if (error != 0)
		goto fail;
	error = host_dup(hostfd, &sg->pollfd);
	if (error != 0)
		goto fail_charge;
	fo->watch = sg;
	ss->n++;
	error = host_epoll_ctl(ss->epfd, LX_EPOLL_CTL_ADD, sg->pollfd,
	    event_mask(f), (uint64_t)(uintptr_t)sg);
	if (error != 0) {
		watch_end(ss, fo);
		return (error);
	}
	take_events(ss);
	sg->settled = true;
	return (0);
fail_charge:
	kmem_fd_uncharge(sg->fd_cost, 1);
fail:
	kmem_free(sg);
	return (error);
}

/* A socket tells its owner of urgent data without O_ASYNC. */
static bool
tells_urgent(const struct file *f, struct file_owner *fo)
{
	return (file_socket(f) != NULL && !sock_is_record(file_socket(f)) &&
		file_owner_read(fo).type != OWNER_NONE);
}

/* ---- calls ---- */

/* The owner of a file that gets O_ASYNC and has none.  A terminal's is its
 * foreground group. */
static void
default_owner(struct lwp *l, struct file *f, struct file_owner *fo)
{
	bool master = false;
	const struct pty *pty = pty_of_file(f, &master);
	const void *tty = pty != NULL ? (const void *)pty : l->p->k;
	struct owner_id who;
	int pgid = 0;

	if (!file_can(f, FCAP_TTY))
		return;
	if (session_get_fg(l->p, tty, master, &pgid) != 0 || pgid == 0 ||
	    sigio_owner(l, OWNER_GROUP, pgid, &who) != 0) {
		if (sigio_owner(l, OWNER_PROC, l->p->pid, &who) != 0)
			return;
	}
	file_owner_set(fo, &who, true);
}

int
sigio_async(struct lwp *l, struct file *f, int fd, bool on)
{
	struct sigio_state *ss = l->p->k->sigio;
	struct file_owner *fo = file_owner_of(&f->owner);
	int error = 0;

	if (!on && fo == NULL)
		return (0);
	error = file_owner_get(f, &fo);
	if (error != 0)
		return (error);
	if (on) {
		default_owner(l, f, fo);
		atomic_store(&l->p->async_files, true);
	}
	kmutex_lock(&ss->lock);
	if (on && fo->watch == NULL)
		error = watch_begin(ss, f, fo);
	if (fo->watch != NULL) {
		fo->watch->async = on;
		fo->watch->fd = fd;
		if (!on && !tells_urgent(f, fo))
			watch_end(ss, fo);
	}
	kmutex_unlock(&ss->lock);
	return (error);
}

int
sigio_owned(struct lwp *l, struct file *f)
{
	struct sigio_state *ss = l->p->k->sigio;
	struct file_owner *fo = file_owner_of(&f->owner);
	int error = 0;

	if (fo == NULL || !tells_urgent(f, fo))
		return (0);
	atomic_store(&l->p->async_files, true);
	kmutex_lock(&ss->lock);
	if (fo->watch == NULL)
		error = watch_begin(ss, f, fo);
	kmutex_unlock(&ss->lock);
	return (error);
}

static void
owner_closing(void *arg, struct file *f)
{
	struct vkernel *k = arg;
	struct file_owner *fo = file_owner_of(&f->owner);

	kmutex_lock(&k->sigio->lock);
	if (fo->watch != NULL)
		watch_end(k->sigio, fo);
	kmutex_unlock(&k->sigio->lock);
}

const struct vfs_owner_ops sigio_owner_ops = {
    .send = owner_send,
    .closing = owner_closing,
};

/* ---- the kernel ---- */

int
sigio_create(struct vkernel *k)
{
	struct sigio_state *ss = calloc(1, sizeof(*ss));

	if (ss == NULL)
		return (ENOMEM);
	kmutex_init(&ss->lock, "sigio", KRANK_SIGIO, 0);
	ss->k = k;
	ss->epfd = -1;
	ss->kickfd = -1;
	k->sigio = ss;
	return (0);
}

void
sigio_destroy(struct vkernel *k)
{
	struct sigio_state *ss = k->sigio;

	if (ss == NULL)
		return;
	if (ss->thread != NULL) {
		atomic_store(&ss->stop, true);
		(void)host_eventfd_signal(ss->kickfd);
		host_thread_join(ss->thread);
		(void)host_close(ss->kickfd);
		(void)host_close(ss->epfd);
	}
	KVERIFY(ss->n == 0);
	kmutex_destroy(&ss->lock);
	free(ss);
	k->sigio = NULL;
}
