/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * epoll.
 *
 * An epoll object is a host epoll behind a guest descriptor; the host
 * descriptors of files are registered with it.  A struct file has one host
 * descriptor for its whole life (except the master of a pty, see Limits) and
 * closes it with its last ref.  Therefore the host removes a registration when
 * Linux would, edge-triggered and one-shot events are those of the host, an
 * epoll can be polled and nested, and fork shares it like any other file. Files
 * that Linux refuses to register (regular files, directories, devices without
 * poll) have no host descriptor to register: EPERM here as well.
 *
 * epoll_wait waits with lwp_poll() on the host epoll, so that signals interrupt
 * it; taking events never blocks.
 *
 * Limits: a registration is by file, not by (file, descriptor number): adding
 * a dup of a registered descriptor is EEXIST.  One call returns at most 64
 * events.  When all slaves of a pty were closed and one is opened again, the
 * master's descriptor gets another open file on the host (vfs/devfs/pty.c); its
 * registrations are lost.
 */
#include "host/host_file.h"
#include "abi/poll.h"
#include "linux/lib/sys_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"

#define EP_BATCH 64

sys_fn sys_epoll_create, sys_epoll_create1, sys_epoll_ctl, sys_epoll_wait,
    sys_epoll_pwait, sys_epoll_pwait2;

static int
epoll_create_fd(struct lwp *l, bool cloexec, int64_t *ret)
{
	struct file *f;
	int error, fd;

	error = host_epoll_create(&fd);
	if (error != 0)
		return (error);
	error =
	    hostfd_file_adopt(l->p->k->vfs, fd, O_RDWR, &eventpoll_fileops, &f);
	if (error != 0) {
		(void)host_close(fd);
		return (error);
	}
	return (sys_fd_new(l, f, cloexec, ret));
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

/* The file of an epoll descriptor, ref'ed.  Another host object passes here:
 * the host's call refuses it. */
static int
epoll_file(struct lwp *l, int fd, struct file **out)
{
	struct file *f;
	int error;

	error = sys_get_file(l, fd, &f);
	if (error != 0)
		return (error);
	if (!file_can(f, FCAP_HOSTOBJ)) {
		file_free(f);
		return (EINVAL);
	}
	*out = f;
	return (0);
}

static int
epoll_ctl_file(
    struct file *ep, struct file *f, int op, const struct lx_epoll_event *ev)
{
	int hostfd = -1;

	if (op < LX_EPOLL_CTL_ADD || op > LX_EPOLL_CTL_MOD || ep == f)
		return (EINVAL);
	if (f->ops->poll == NULL)
		return (EPERM);
	(void)f->ops->poll(f, LX_POLLIN, &hostfd);
	if (hostfd < 0)
		return (EPERM);
	return (host_epoll_ctl(ep->hostfd, op, hostfd, ev->events, ev->data));
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
	error = sys_get_file(l, (int)a[0], &ep);
	if (error != 0)
		return (error);
	file_free(ep);
	error = sys_get_file(l, (int)a[2], &f);
	if (error != 0)
		return (error);
	error = epoll_file(l, (int)a[0], &ep);
	if (error != 0)
		goto out;
	error = epoll_ctl_file(ep, f, op, &ev);
	file_free(ep);
out:
	file_free(f);
	return (error);
}

/* Copy ready events out; *n: how many. */
static int
epoll_take(struct lwp *l, struct file *ep, uint64_t uev, int max, int *n)
{
	struct host_epoll_event ev[EP_BATCH];
	struct lx_epoll_event out[EP_BATCH];
	int error;

	error =
	    host_epoll_take(ep->hostfd, ev, max < EP_BATCH ? max : EP_BATCH, n);
	if (error != 0 || *n == 0)
		return (error);
	for (int i = 0; i < *n; i++) {
		out[i].events = ev[i].events;
		out[i].data = ev[i].data;
	}
	return (copyout(lwp_vmspace(l), out, uev, sizeof(out[0]) * (size_t)*n));
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
	error = epoll_file(l, epfd, &ep);
	if (error != 0)
		return (error);
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
