/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Requests of asynchronous I/O that wait for a file (IOCB_CMD_POLL).
 *
 * Concepts.  All such requests of a kernel are items of one epoll instance that
 * no guest sees (vfs/core/eventpoll.c), each for one event, under a number of
 * their own.  The poll thread, which the first request starts, waits for that
 * instance.  It asks the file of a request again, because the host descriptor
 * that a file names may be ready although the file is not.  In that case the
 * request is armed again after a pause, so that the thread does not use a whole
 * CPU.
 *
 * A file that can be asked only by a thread of a guest (signalfd) names no
 * descriptor to the poll thread; for it the host's word counts.
 *
 * Ownership.  A request is in the tree of all requests and on the list of its
 * context.  The thread that sets `busy` owns it: the thread that submits it, a
 * thread that cancels it, or the poll thread.  The owner either completes and
 * frees it, or clears `busy`; until then other threads only set `fired` or
 * `cancelled`.  Events carry the number of the request, and a number that is
 * not in the tree is ignored.
 *
 * Locking.  as->lock protects both lists.  It is not held while a file is asked
 * or the instance is changed.
 *
 * Limits.  Each request for a file that has one already uses a descriptor of
 * the host.  One thread serves all guests.  A request waits for its event at
 * most as long as the thread needs for those of other guests, and PAUSE_NS.
 */
#include <errno.h>
#include <fcntl.h>

#include "abi/poll.h"
#include "host/host.h"
#include "host/host_file.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/aio_int.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/eventpoll.h"
#include "vfs/core/file.h"

#define BATCH 64
#define PAUSE_NS UINT64_C(1000000)

TAILQ_HEAD(aio_later, aio_req);

static int
req_compare(const struct aio_req *a, const struct aio_req *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

RB_GENERATE_INTERNAL(
    aio_reqs, aio_req, by_id, req_compare, __attribute__((unused)) static)

/* The number of the request in the epoll instance. */
static int
req_fd(const struct aio_req *r)
{
	return ((int)(r->id & INT32_MAX));
}

/* The events that the host is asked for.  An object of the host that stands for
 * another file knows POLLIN only. */
static uint32_t
req_mask(const struct aio_req *r)
{
	uint32_t events = (uint16_t)r->events;

	if (!file_can(r->f, FCAP_HOSTFD) && (events & LX_POLLRDNORM) != 0)
		events |= LX_POLLIN;
	return (events | LX_EPOLLONESHOT);
}

static void
req_arm(struct aio_req *r)
{
	(void)eventpoll_modify(
	    r->ctx->as->epoll, r->f, req_fd(r), req_mask(r), r->id);
}

static void
req_free(struct aio_req *r)
{
	if (r->done.resfd != NULL)
		file_free(r->done.resfd);
	file_free(r->f);
	aio_ctx_free(r->ctx);
	kmem_free(r);
}

static void
req_unlink(struct aio_req *r)
{
	struct aio_state *as = r->ctx->as;

	kmutex_lock(&as->lock);
	KASSERT(r->busy);
	RB_REMOVE(aio_reqs, &as->reqs, r);
	LIST_REMOVE(r, of_ctx);
	kmutex_unlock(&as->lock);
}

/* By the owner: the request is complete. */
static void
req_finish(struct aio_req *r, int64_t res)
{
	(void)eventpoll_delete(r->ctx->as->epoll, r->f, req_fd(r));
	req_unlink(r);
	aio_complete(r->ctx, &r->done, res);
	req_free(r);
}

/* By the owner: other threads may own the request from here on, unless it was
 * cancelled meanwhile.  *fired: an event has come. */
static bool
req_leave(struct aio_req *r, bool *fired)
{
	struct aio_state *as = r->ctx->as;
	bool left;

	kmutex_lock(&as->lock);
	left = !r->cancelled;
	*fired = r->fired;
	r->fired = false;
	if (left)
		r->busy = false;
	kmutex_unlock(&as->lock);
	return (left);
}

/* ---- the poll thread ---- */

/* The events of the file that the request waits for. */
static short
req_ask(const struct aio_req *r, uint32_t said)
{
	short wanted = (short)(r->events | LX_POLLERR | LX_POLLHUP);
	short now = (short)(said & UINT16_MAX);
	int hostfd = -1;

	if (!file_can(r->f, FCAP_HOSTFD)) {
		short got = r->f->ops->poll(r->f, wanted, &hostfd);

		if (hostfd >= 0)
			now = got;
	}
	return (now & wanted);
}

static void
poll_event(struct aio_state *as, const struct host_epoll_event *ev,
    struct aio_later *later)
{
	struct aio_req key = {.id = ev->data}, *r;
	short now;

	kmutex_lock(&as->lock);
	r = RB_FIND(aio_reqs, &as->reqs, &key);
	if (r != NULL && r->busy) {
		r->fired = true;
		r = NULL;
	}
	if (r != NULL)
		r->busy = true;
	kmutex_unlock(&as->lock);
	if (r == NULL)
		return;
	now = req_ask(r, ev->events);
	if (now != 0)
		req_finish(r, (uint16_t)now);
	else
		TAILQ_INSERT_TAIL(later, r, later);
}

/* Arm the requests whose files were not ready after all. */
static void
poll_again(struct aio_later *later)
{
	struct aio_req *r;
	bool fired;

	while ((r = TAILQ_FIRST(later)) != NULL) {
		TAILQ_REMOVE(later, r, later);
		req_arm(r);
		if (!req_leave(r, &fired))
			req_finish(r, 0);
	}
}

static void
poll_main(void *arg)
{
	struct aio_later later = TAILQ_HEAD_INITIALIZER(later);
	struct host_epoll_event ev[BATCH];
	struct host_pollfd fds[2];
	struct aio_state *as = arg;
	int n;

	while (!atomic_load(&as->stop)) {
		fds[0] = (struct host_pollfd){
		    .fd = as->epoll->hostfd, .events = LX_POLLIN};
		fds[1] =
		    (struct host_pollfd){.fd = as->kickfd, .events = LX_POLLIN};
		(void)host_poll(
		    fds, 2, TAILQ_EMPTY(&later) ? UINT64_MAX : PAUSE_NS, &n);
		poll_again(&later);
		if (host_epoll_take(as->epoll->hostfd, ev, BATCH, &n) != 0)
			n = 0;
		for (int i = 0; i < n; i++)
			poll_event(as, &ev[i], &later);
	}
	poll_again(&later);
}

/* Start the thread.  EMFILE, ENFILE, ENOMEM, EAGAIN. */
static int
poll_start(struct aio_state *as)
{
	struct kmem_acct *who = kmem_current();
	struct file *ep = NULL;
	int error = 0;

	kmutex_lock(&as->lock);
	if (as->thread != NULL)
		goto out;
	/* They are the kernel's, not those of the process that is first. */
	kmem_switch(NULL);
	error = eventpoll_create(as->k->vfs, &ep);
	if (error != 0)
		goto out;
	error = host_eventfd(0, O_NONBLOCK, &as->kickfd);
	if (error != 0)
		goto out;
	as->epoll = ep;
	error = host_thread_create(&as->thread, "aio", poll_main, as);
	if (error == 0) {
		ep = NULL;
		goto out;
	}
	as->epoll = NULL;
	(void)host_close(as->kickfd);
	as->kickfd = -1;
out:
	kmutex_unlock(&as->lock);
	if (ep != NULL)
		file_free(ep);
	kmem_switch(who);
	return (error);
}

void
aio_poll_stop(struct aio_state *as)
{
	if (as->thread == NULL)
		return;
	atomic_store(&as->stop, true);
	(void)host_eventfd_signal(as->kickfd);
	host_thread_join(as->thread);
	(void)host_close(as->kickfd);
	file_free(as->epoll);
}

/* ---- calls ---- */

int
aio_poll(struct aio_ctx *c, struct file *f, int hostfd, short events,
    const struct aio_done *done)
{
	struct aio_state *as = c->as;
	uint32_t mask;
	uint64_t id;
	struct aio_req *r;
	bool fired;
	int error, fd;

	error = poll_start(as);
	if (error != 0)
		return (error);
	r = kmem_zalloc(sizeof(*r));
	if (r == NULL)
		return (ENOMEM);
	*r = (struct aio_req){
	    .ctx = c, .f = f, .done = *done, .events = events, .busy = true};
	aio_ctx_ref(c);
	file_ref(f);
	if (done->resfd != NULL)
		file_ref(done->resfd);
	kmutex_lock(&as->lock);
	r->id = id = as->next_req++;
	r->cancelled = c->dead;
	RB_INSERT(aio_reqs, &as->reqs, r);
	LIST_INSERT_HEAD(&c->polls, r, of_ctx);
	kmutex_unlock(&as->lock);
	fd = req_fd(r);
	mask = req_mask(r);
	error = eventpoll_add(as->epoll, f, fd, hostfd, mask, id);
	if (error != 0) {
		req_unlink(r);
		req_free(r);
		return (error == EPERM || error == ELOOP     ? EINVAL
			: error == EEXIST || error == ENOSPC ? EAGAIN
							     : error);
	}
	if (!req_leave(r, &fired))
		req_finish(r, 0);
	else if (fired) /* r may be gone; its registration is armed, if any */
		(void)eventpoll_modify(as->epoll, f, fd, mask, id);
	return (0);
}

bool
aio_poll_cancel(struct aio_ctx *c, const uint64_t *obj)
{
	struct aio_state *as = c->as;
	struct aio_req *r;
	bool any = false;

	do {
		kmutex_lock(&as->lock);
		LIST_FOREACH (r, &c->polls, of_ctx) {
			if (r->cancelled ||
			    (obj != NULL && r->done.obj != *obj))
				continue;
			any = true;
			r->cancelled = true;
			if (!r->busy)
				break;
			if (obj != NULL) {
				r = NULL;
				break;
			}
		}
		if (r != NULL)
			r->busy = true;
		kmutex_unlock(&as->lock);
		if (r != NULL)
			req_finish(r, 0);
	} while (r != NULL && obj == NULL);
	return (any);
}
