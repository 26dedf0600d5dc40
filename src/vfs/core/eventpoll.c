/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * epoll.
 *
 * Purpose.  A guest's instance has one registration for each pair of open file
 * and descriptor number: two descriptors of one file can be registered with
 * different events, and a number that was closed and used again for another
 * file is another registration.
 *
 * Concepts.  An instance is an epoll of the host and a tree of items.  The
 * readiness, the order of events, edge-triggered, one-shot and exclusive items,
 * nested instances and the refusal of loops are the host's.  The host's key is
 * (its file, its descriptor), so each item needs a host descriptor of its own
 * in the instance:
 *
 *	plain item	the host descriptor of the file, for the first item
 *			of a file that has one for its whole life (FCAP_HOSTFD,
 *			FCAP_POLLFD)
 *	dup item	a duplicate, for further items of the file and for
 *			files whose poll operation names a descriptor that may
 *			be closed earlier (signalfd)
 *
 * A number stored in an item is therefore never closed, and perhaps used for
 * another file, before the item is removed.  The host forgets a registration
 * when its last descriptor of the file is closed; here the items of a file are
 * removed with its last ref, as on Linux, however many descriptors of the host
 * refer to the same host file.
 *
 * Locking and lifetime.  vfs->epoll_lock (rank LEAF) protects the trees and the
 * lists of items, and is held across the calls on the host's epoll, which do
 * not wait.  An item points to its instance and its file without a ref; the
 * last ref of either removes it under the lock.  file.polled is set before the
 * first item of a file exists and stays set, so that files that never were in
 * an epoll do not take the lock.
 *
 * Guarantees.  An item and its duplicate are charged to the process that adds
 * it.  A call that fails leaves the instance as it was.
 *
 * Limits.  A thread waits for an instance by polling it, so an EPOLLEXCLUSIVE
 * item wakes all threads that wait, of which one gets the event.
 */
#include "vfs/core/eventpoll.h"

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "abi/poll.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/vfs.h"

/* Key: [I] immutable, [e] vfs->epoll_lock */
struct epoll_item {
	RB_ENTRY(epoll_item) by_key;    /* [e] */
	LIST_ENTRY(epoll_item) of_file; /* [e] */
	struct eventpoll *ep;           /* [I] */
	struct file *f;                 /* [I] not ref'ed */
	int fd;                         /* [I] the guest's number */
	int hostfd;                     /* [I] as the host's epoll has it */
	uint32_t events;                /* [e] as registered */
	uint64_t data;                  /* [e] likewise */
	bool dup;                       /* [I] hostfd is the item's own.. */
	struct kmem_acct *fd_cost;      /* [I] ..and counted here */
};
RB_HEAD(epoll_items, epoll_item);

struct eventpoll {
	int hostfd;               /* [I] that of the file */
	struct epoll_items items; /* [e] */
	_Atomic(unsigned) nitems; /* written under [e] */
};

static int
item_cmp(const struct epoll_item *a, const struct epoll_item *b)
{
	if (a->f != b->f)
		return ((uintptr_t)a->f < (uintptr_t)b->f ? -1 : 1);
	return (a->fd < b->fd ? -1 : a->fd > b->fd);
}

RB_PROTOTYPE(epoll_items, epoll_item, by_key, item_cmp)
RB_GENERATE(epoll_items, epoll_item, by_key, item_cmp)

static struct epoll_item *
item_find(struct eventpoll *ep, struct file *f, int fd)
{
	struct epoll_item key = {.f = f, .fd = fd};

	return (RB_FIND(epoll_items, &ep->items, &key));
}

/* Lock held.  The item leaves both lists; its registration with the host is
 * still there. */
static void
item_unlink(struct epoll_item *it)
{
	RB_REMOVE(epoll_items, &it->ep->items, it);
	LIST_REMOVE(it, of_file);
	atomic_fetch_sub(&it->ep->nitems, 1);
}

static void
item_free(struct epoll_item *it)
{
	if (it->dup) {
		(void)host_close(it->hostfd);
		kmem_fd_uncharge(it->fd_cost, 1);
	}
	kmem_free(it);
}

/* The events that the host is asked for.  Behind a pty is a socket, which knows
 * one that terminals do not have. */
static uint32_t
host_events(const struct file *f, uint32_t events)
{
	return (
	    file_can(f, FCAP_TTY) ? events & ~(uint32_t)LX_POLLRDHUP : events);
}

/* The host's call for the item. */
static int
item_ctl(const struct epoll_item *it, int op)
{
	return (host_epoll_ctl(it->ep->hostfd, op, it->hostfd,
	    host_events(it->f, it->events), it->data));
}

/* ---- the calls ---- */

/* Give the item a duplicate of hostfd.  0, EMFILE, ENFILE, ENOMEM. */
static int
item_dup(struct epoll_item *it, int hostfd)
{
	int error = kmem_fd_charge(1, &it->fd_cost);

	if (error != 0)
		return (error);
	error = host_dup(hostfd, &it->hostfd);
	if (error != 0)
		kmem_fd_uncharge(it->fd_cost, 1);
	it->dup = error == 0;
	return (error);
}

/* Lock held.  Register the item with the host: under the file's own descriptor,
 * if it is free, or else under a duplicate. */
static int
item_register(struct epoll_item *it, int hostfd)
{
	int error = EEXIST;

	if ((it->f->ops->caps & (FCAP_HOSTFD | FCAP_POLLFD)) != 0) {
		it->hostfd = hostfd;
		error = item_ctl(it, LX_EPOLL_CTL_ADD);
	}
	if (error != EEXIST)
		return (error);
	error = item_dup(it, hostfd);
	if (error != 0)
		return (error);
	return (item_ctl(it, LX_EPOLL_CTL_ADD));
}

int
eventpoll_add(struct file *epf, struct file *f, int fd, int hostfd,
    uint32_t events, uint64_t data)
{
	struct eventpoll *ep = epf->data;
	struct vfs *vfs = epf->vfs;
	struct epoll_item *it;
	int error;

	KASSERT(eventpoll_is(epf) && hostfd >= 0);
	it = kmem_zalloc(sizeof(*it));
	if (it == NULL)
		return (ENOMEM);
	*it = (struct epoll_item){.ep = ep,
	    .f = f,
	    .fd = fd,
	    .hostfd = -1,
	    .events = events,
	    .data = data};
	atomic_store(&f->polled, true);
	kmutex_lock(&vfs->epoll_lock);
	if (item_find(ep, f, fd) != NULL)
		error = EEXIST;
	else
		error = item_register(it, hostfd);
	if (error == 0) {
		RB_INSERT(epoll_items, &ep->items, it);
		LIST_INSERT_HEAD(&f->polls, it, of_file);
		atomic_fetch_add(&ep->nitems, 1);
	}
	kmutex_unlock(&vfs->epoll_lock);
	if (error != 0)
		item_free(it);
	return (error);
}

int
eventpoll_modify(
    struct file *epf, struct file *f, int fd, uint32_t events, uint64_t data)
{
	struct eventpoll *ep = epf->data;
	struct epoll_item *it;
	int error = ENOENT;

	KASSERT(eventpoll_is(epf));
	kmutex_lock(&epf->vfs->epoll_lock);
	it = item_find(ep, f, fd);
	if (it != NULL)
		error = host_epoll_ctl(ep->hostfd, LX_EPOLL_CTL_MOD, it->hostfd,
		    host_events(f, events), data);
	if (error == 0) {
		it->events = events;
		it->data = data;
	}
	kmutex_unlock(&epf->vfs->epoll_lock);
	return (error);
}

int
eventpoll_delete(struct file *epf, struct file *f, int fd)
{
	struct eventpoll *ep = epf->data;
	struct epoll_item *it;

	KASSERT(eventpoll_is(epf));
	kmutex_lock(&epf->vfs->epoll_lock);
	it = item_find(ep, f, fd);
	if (it != NULL) {
		item_unlink(it);
		(void)item_ctl(it, LX_EPOLL_CTL_DEL);
	}
	kmutex_unlock(&epf->vfs->epoll_lock);
	if (it == NULL)
		return (ENOENT);
	item_free(it);
	return (0);
}

unsigned
eventpoll_count(const struct file *epf)
{
	const struct eventpoll *ep = epf->data;

	KASSERT(eventpoll_is(epf));
	return (atomic_load_explicit(&ep->nitems, memory_order_relaxed));
}

void
eventpoll_file_closed(struct file *f)
{
	LIST_HEAD(, epoll_item) gone = LIST_HEAD_INITIALIZER(gone);
	struct epoll_item *it, *next;

	if (!atomic_load(&f->polled))
		return;
	kmutex_lock(&f->vfs->epoll_lock);
	LIST_FOREACH_SAFE (it, &f->polls, of_file, next) {
		item_unlink(it);
		(void)item_ctl(it, LX_EPOLL_CTL_DEL);
		LIST_INSERT_HEAD(&gone, it, of_file);
	}
	kmutex_unlock(&f->vfs->epoll_lock);
	LIST_FOREACH_SAFE (it, &gone, of_file, next)
		item_free(it);
}

void
eventpoll_file_moved(struct file *f)
{
	struct epoll_item *it;
	int hostfd = -1;

	if (!atomic_load(&f->polled))
		return;
	(void)f->ops->poll(f, LX_POLLIN, &hostfd);
	kmutex_lock(&f->vfs->epoll_lock);
	LIST_FOREACH (it, &f->polls, of_file) {
		if (it->dup && host_dup_over(hostfd, it->hostfd) != 0)
			continue;
		/* EEXIST: it was added after the move. */
		(void)item_ctl(it, LX_EPOLL_CTL_ADD);
	}
	kmutex_unlock(&f->vfs->epoll_lock);
}

/* ---- the file ---- */

/* The host's registrations go with its epoll. */
static void
eventpoll_close(struct file *epf)
{
	LIST_HEAD(, epoll_item) gone = LIST_HEAD_INITIALIZER(gone);
	struct eventpoll *ep = epf->data;
	struct epoll_item *it, *next;

	kmutex_lock(&epf->vfs->epoll_lock);
	while ((it = RB_ROOT(&ep->items)) != NULL) {
		item_unlink(it);
		LIST_INSERT_HEAD(&gone, it, of_file);
	}
	kmutex_unlock(&epf->vfs->epoll_lock);
	(void)host_close(ep->hostfd);
	LIST_FOREACH_SAFE (it, &gone, of_file, next)
		item_free(it);
	kmem_free(ep);
}

static void
eventpoll_info(struct file *epf, file_info_fn *fn, void *arg)
{
	struct eventpoll *ep = epf->data;
	struct epoll_item *it;
	char line[160];

	kmutex_lock(&epf->vfs->epoll_lock);
	RB_FOREACH (it, epoll_items, &ep->items) {
		(void)snprintf(line, sizeof(line),
		    "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%llx "
		    "sdev:%x\n",
		    it->fd, it->events | LX_POLLERR | LX_POLLHUP,
		    (unsigned long long)it->data, 0LL,
		    (unsigned long long)it->f->ino,
		    it->f->vp != NULL ? (unsigned)it->f->vp->dev : 0);
		fn(arg, line);
	}
	kmutex_unlock(&epf->vfs->epoll_lock);
}

static const struct fileops eventpoll_fileops = {
    .caps = FCAP_HOSTFD | FCAP_SEEK | FCAP_WHOLE,
    .poll = hostfd_poll,
    .seek = hostfd_seek,
    .setfl = hostfd_setfl,
    .info = eventpoll_info,
    .close = eventpoll_close,
    .name = "eventpoll",
};

bool
eventpoll_is(const struct file *f)
{
	return (f->ops == &eventpoll_fileops);
}

int
eventpoll_create(struct vfs *vfs, struct file **fp)
{
	struct eventpoll *ep;
	int error, fd;

	ep = kmem_zalloc(sizeof(*ep));
	if (ep == NULL)
		return (ENOMEM);
	error = host_epoll_create(&fd);
	if (error != 0)
		goto fail;
	ep->hostfd = fd;
	RB_INIT(&ep->items);
	error = file_create(vfs, &eventpoll_fileops, NULL, O_RDWR, fd, ep, fp);
	if (error == 0)
		return (0);
	(void)host_close(fd);
fail:
	kmem_free(ep);
	return (error);
}
