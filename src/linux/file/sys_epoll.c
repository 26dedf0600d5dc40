/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * epoll: the calls.  Instances and registrations are in vfs/core/eventpoll.c.
 *
 * epoll_wait waits with lwp_poll() on the host's epoll, so that signals
 * interrupt it; taking events never blocks.
 *
 * Limits.  Events that were taken and cannot be stored in the guest's memory
 * are lost: edge-triggered and one-shot items do not report them again.
 */
#include "host/host_file.h"
#include "abi/poll.h"
#include "linux/lib/sys_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "mem/kmem.h"
#include "vfs/core/eventpoll.h"
#include "vfs/core/file.h"

#define EP_BATCH 64

sys_fn sys_epoll_create, sys_epoll_create1, sys_epoll_ctl, sys_epoll_wait,
    sys_epoll_pwait, sys_epoll_pwait2;

static int
epoll_create_fd(struct lwp *l, bool cloexec, int64_t *ret)
{
	struct file *f;
	int error = eventpoll_create(l->p->k->vfs, &f);

	return (error != 0 ? error : sys_fd_new(l, f, cloexec, ret));
}

int
sys_epoll_create(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return ((int)a[0] <= 0 ? EINVAL : epoll_create_fd(l, false, ret));
}

int
sys_epoll_create1(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	if ((int)a[0] & ~O_CLOEXEC)
		return (EINVAL);
	return (epoll_create_fd(l, (int)a[0] != 0, ret));
}

/* The errors come in the order in which Linux finds them. */
static int
epoll_ctl_file(struct file *ep, struct file *f, int fd, int op,
    const struct lx_epoll_event *ev)
{
	int hostfd = -1;

	if (f->ops->poll != NULL)
		(void)f->ops->poll(f, LX_POLLIN, &hostfd);
	if (hostfd < 0)
		return (EPERM);
	if (ep == f || !eventpoll_is(ep))
		return (EINVAL);
	switch (op) {
	case LX_EPOLL_CTL_ADD:
		return (eventpoll_add(ep, f, fd, hostfd, ev->events, ev->data));
	case LX_EPOLL_CTL_DEL:
		return (eventpoll_delete(ep, f, fd));
	case LX_EPOLL_CTL_MOD:
		if ((ev->events & LX_EPOLLEXCLUSIVE) != 0)
			return (EINVAL);
		return (eventpoll_modify(ep, f, fd, ev->events, ev->data));
	default:
		return (EINVAL);
	}
}

int
sys_epoll_ctl(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_epoll_event ev = {0, 0};
	int op = (int)a[1], error;
	struct file *ep, *f;

	if (op != LX_EPOLL_CTL_DEL &&
	    copyin(lwp_vmspace(l), &ev, a[3], sizeof(ev)) != 0)
		return (EFAULT);
	error = sys_get_open_file(l, (int)a[0], &ep);
	if (error != 0)
		return (error);
	error = sys_get_open_file(l, (int)a[2], &f);
	if (error == 0) {
		error = epoll_ctl_file(ep, f, (int)a[2], op, &ev);
		file_free(f);
	}
	file_free(ep);
	return (error);
}

/* Copy n events out; *done: how many.  EFAULT: none. */
static int
epoll_copyout(struct lwp *l, const struct host_epoll_event *ev, int n,
    uint64_t uev, int *done)
{
	struct lx_epoll_event out[EP_BATCH];
	int k, at = 0;

	while (at < n) {
		k = n - at < EP_BATCH ? n - at : EP_BATCH;
		for (int i = 0; i < k; i++) {
			out[i].events = ev[at + i].events;
			out[i].data = ev[at + i].data;
		}
		if (copyout(lwp_vmspace(l), out,
			uev + sizeof(out[0]) * (size_t)at,
			sizeof(out[0]) * (size_t)k) != 0)
			break;
		at += k;
	}
	if (at == 0 && n > 0)
		return (EFAULT);
	*done = at;
	return (0);
}

/* Take events that are ready, at most max, and copy them out; *n: how many. */
static int
epoll_take(struct lwp *l, struct file *ep, uint64_t uev, int max, int *n)
{
	struct host_epoll_event small[EP_BATCH], *ev = small;
	const unsigned count = eventpoll_count(ep);
	int error, got;

	/* There cannot be more events than registrations. */
	if ((unsigned)max > count)
		max = count > 0 ? (int)count : 1;
	if (max > EP_BATCH) {
		ev = kmem_alloc(sizeof(*ev) * (size_t)max);
		if (ev == NULL) {
			ev = small;
			max = EP_BATCH;
		}
	}
	error = host_epoll_take(ep->hostfd, ev, max, &got);
	if (error == 0)
		error = epoll_copyout(l, ev, got, uev, n);
	if (ev != small)
		kmem_free(ev);
	return (error);
}

static int
epoll_wait_call(struct lwp *l, int epfd, uint64_t uev, int max,
    uint64_t deadline, int64_t *ret)
{
	struct host_pollfd pfd = {.events = LX_POLLIN};
	int error, n = 0, ready;
	struct file *ep;

	if (max <= 0 || max > INT32_MAX / (int)sizeof(struct lx_epoll_event))
		return (EINVAL);
	error = sys_get_open_file(l, epfd, &ep);
	if (error != 0)
		return (error);
	if (!eventpoll_is(ep)) {
		file_free(ep);
		return (EINVAL);
	}
	for (;;) {
		error = epoll_take(l, ep, uev, max, &n);
		if (error != 0 || n > 0 || ktime_remaining(deadline) == 0)
			break;
		pfd.fd = ep->hostfd;
		error = lwp_poll(l, &pfd, 1, deadline, &ready);
		if (error != 0)
			break;
	}
	file_free(ep);
	if (error == 0)
		*ret = n;
	return (error); /* EINTR: never restarted */
}

static uint64_t
epoll_deadline(int ms)
{
	return (ms < 0 ? UINT64_MAX
		       : ktime_deadline((uint64_t)ms * UINT64_C(1000000)));
}

int
sys_epoll_wait(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (epoll_wait_call(
	    l, (int)a[0], a[1], (int)a[2], epoll_deadline((int)a[3]), ret));
}

static int
epoll_pwait_call(
    struct lwp *l, const uint64_t *a, uint64_t deadline, int64_t *ret)
{
	uint64_t mask;

	if (a[4] != 0) {
		if (a[5] != sizeof(mask))
			return (EINVAL);
		if (copyin(lwp_vmspace(l), &mask, a[4], sizeof(mask)) != 0)
			return (EFAULT);
		ksig_tmpmask(l, mask);
	}
	return (epoll_wait_call(l, (int)a[0], a[1], (int)a[2], deadline, ret));
}

int
sys_epoll_pwait(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (epoll_pwait_call(l, a, epoll_deadline((int)a[3]), ret));
}

int
sys_epoll_pwait2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t deadline;
	int error = sys_copyin_deadline(l, a[3], &deadline);

	return (error != 0 ? error : epoll_pwait_call(l, a, deadline, ret));
}
