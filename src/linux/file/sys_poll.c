/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * poll and select.  (epoll is in sys_epoll.c.)
 *
 * Both become a list of (file, events).  One host poll tests and waits for all
 * files with FCAP_HOSTFD, because their readiness is that of their host
 * descriptor.  For other files the poll operation is called; it may return a
 * host descriptor to wait on, and is called again when that is ready.  Files
 * without a poll operation are always ready.
 *
 * The call holds a ref of each file: if another lwp closes the descriptor, the
 * file is polled until the call ends, as on Linux.
 */
#include "host/host_file.h"
#include "abi/poll.h"
#include "abi/signal.h"
#include "abi/time.h"
#include "linux/lib/sys_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "mem/kmem.h"
#include "vfs/core/file.h"

sys_fn sys_poll, sys_ppoll, sys_select, sys_pselect6;

#define POLL_ALWAYS (LX_POLLIN | LX_POLLOUT | LX_POLLRDNORM | LX_POLLWRNORM)
#define SEL_IN \
	(LX_POLLIN | LX_POLLRDNORM | LX_POLLRDBAND | LX_POLLHUP | LX_POLLERR)
#define SEL_OUT (LX_POLLOUT | LX_POLLWRNORM | LX_POLLWRBAND | LX_POLLERR)
#define SEL_EX LX_POLLPRI
#define MS_NS UINT64_C(1000000)
#define FUTILE_NS MS_NS

struct pollent {
	struct file *f; /* ref'ed; NULL: not polled, revents is the result */
	short events, revents;
};

short
sys_file_poll(struct file *f, short events, int *hostfd)
{
	*hostfd = -1;
	if (f->ops->poll == NULL)
		return (events & POLL_ALWAYS);
	return (f->ops->poll(f, events, hostfd));
}

/*
 * Call the poll operations of the files without FCAP_HOSTFD and fill the host's
 * list.  Returns the number of files that are ready.
 */
static int
poll_ask(struct pollent *ent, int n, struct host_pollfd *set)
{
	int ready = 0;

	for (int i = 0; i < n; i++) {
		struct pollent *e = &ent[i];

		set[i] = (struct host_pollfd){.fd = -1, .events = e->events};
		if (e->f == NULL) {
			ready += e->revents != 0;
		} else if (file_can(e->f, FCAP_HOSTFD)) {
			set[i].fd = e->f->hostfd;
		} else {
			e->revents =
			    (short)(sys_file_poll(e->f, e->events, &set[i].fd) &
				    (e->events | LX_POLLERR | LX_POLLHUP));
			ready += e->revents != 0;
		}
	}
	return (ready);
}

/* Wait until a file is ready or the deadline has passed.  EINTR, ENOMEM. */
static int
poll_wait(
    struct lwp *l, struct pollent *ent, int n, uint64_t deadline, int *nready)
{
	struct host_pollfd *set;
	int asked, stirred, error, futile = 0;

	set = kmem_alloc(sizeof(*set) * (size_t)(n > 0 ? n : 1));
	if (set == NULL)
		return (ENOMEM);
	for (;;) {
		asked = poll_ask(ent, n, set);
		stirred = 0;
		error = lwp_poll(l, set, n, asked > 0 ? 0 : deadline, &stirred);
		/* If a file is ready, the call succeeds in spite of the signal.
		 */
		if (error == EINTR && asked > 0)
			error = 0;
		if (error != 0)
			break;
		for (int i = 0; i < n && stirred > 0; i++) {
			if (ent[i].f == NULL ||
			    !file_can(ent[i].f, FCAP_HOSTFD))
				continue;
			ent[i].revents = set[i].revents;
			asked += ent[i].revents != 0;
		}
		if (asked > 0 || ktime_remaining(deadline) == 0) {
			*nready = asked;
			break;
		}
		/* The host descriptor of a file may be ready although its poll
		 * operation reports nothing.  Pause, so that this loop does not
		 * use a whole CPU. */
		if (stirred > 0 && futile++ > 0) {
			error =
			    lwp_wait_fd(l, -1, 0, ktime_deadline(FUTILE_NS));
			if (error != ETIMEDOUT)
				break;
		}
	}
	kmem_free(set);
	return (error);
}

static void
poll_release(struct pollent *ent, int n)
{
	for (int i = 0; i < n; i++)
		if (ent[i].f != NULL)
			file_free(ent[i].f);
	kmem_free(ent);
}

/* ---- poll ---- */

static struct pollent *
poll_gather(struct lwp *l, const struct lx_pollfd *pfd, int n)
{
	struct pollent *ent = kmem_calloc((size_t)n + 1, sizeof(*ent));

	if (ent == NULL)
		return (NULL);
	for (int i = 0; i < n; i++) {
		ent[i].events = pfd[i].events;
		if (pfd[i].fd < 0)
			continue;
		if (sys_get_open_file(l, pfd[i].fd, &ent[i].f) != 0) {
			ent[i].f = NULL;
			ent[i].revents = LX_POLLNVAL;
		}
	}
	return (ent);
}

/* poll(2) with a deadline.  EINTR is not yet a restart code. */
static int
poll_call(
    struct lwp *l, uint64_t ufds, uint64_t n64, uint64_t deadline, int64_t *ret)
{
	struct vmspace *vm = lwp_vmspace(l);
	struct lx_pollfd *pfd;
	struct pollent *ent;
	int error, n = (int)n64, ready = 0;

	if (n64 > sys_fd_limit(l))
		return (EINVAL);
	pfd = kmem_alloc(sizeof(*pfd) * (size_t)(n > 0 ? n : 1));
	if (pfd == NULL)
		return (ENOMEM);
	if (copyin(vm, pfd, ufds, sizeof(*pfd) * (size_t)n) != 0) {
		error = EFAULT;
		goto out;
	}
	ent = poll_gather(l, pfd, n);
	if (ent == NULL) {
		error = ENOMEM;
		goto out;
	}
	error = poll_wait(l, ent, n, deadline, &ready);
	for (int i = 0; i < n; i++)
		pfd[i].revents = ent[i].revents;
	poll_release(ent, n);
	if (error != 0)
		goto out;
	error = copyout(vm, pfd, ufds, sizeof(*pfd) * (size_t)n);
	if (error == 0)
		*ret = ready;
out:
	kmem_free(pfd);
	return (error);
}

/* restart_arg: fds, n, deadline */
static int
poll_restart(struct lwp *l, int64_t *ret)
{
	int error = poll_call(
	    l, l->restart_arg[0], l->restart_arg[1], l->restart_arg[2], ret);

	if (error != EINTR)
		return (error);
	l->restart_fn = poll_restart;
	return (ERESTART_BLOCK);
}

int
sys_poll(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int ms = (int)a[2];

	l->restart_arg[0] = a[0];
	l->restart_arg[1] = a[1] & UINT32_MAX;
	l->restart_arg[2] =
	    ms < 0 ? UINT64_MAX : ktime_deadline((uint64_t)ms * MS_NS);
	return (poll_restart(l, ret));
}

/* Install the temporary mask of ppoll or pselect6; umask 0: no mask. */
static int
poll_mask(struct lwp *l, uint64_t umask, uint64_t size)
{
	uint64_t mask;

	if (umask == 0)
		return (0);
	if (size != sizeof(mask))
		return (EINVAL);
	if (copyin(lwp_vmspace(l), &mask, umask, sizeof(mask)) != 0)
		return (EFAULT);
	ksig_tmpmask(l, mask);
	return (0);
}

int
sys_ppoll(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t deadline;
	int error;

	error = sys_copyin_deadline(l, a[2], &deadline);
	if (error != 0)
		return (error);
	error = poll_mask(l, a[3], a[4]);
	if (error != 0)
		return (error);
	error = poll_call(l, a[0], a[1] & UINT32_MAX, deadline, ret);
	/* A failure to store the remaining time is not an error of the call. */
	if (a[2] != 0 && deadline != UINT64_MAX)
		(void)sys_copyout_timespec(l, ktime_remaining(deadline), a[2]);
	return (error == EINTR ? ERESTARTNOHAND : error);
}

/* ---- select ---- */

struct fdsets {
	uint64_t *set[3]; /* in, out, except; in the same allocation */
	uint64_t uaddr[3];
	size_t bytes; /* of each, a multiple of 8 */
	int n;
};

static const short sel_events[3] = {SEL_IN, SEL_OUT, SEL_EX};

static bool
set_has(const uint64_t *set, int fd)
{
	return ((set[fd / 64] >> (fd % 64)) & 1);
}

static int
select_copyin(struct lwp *l, const uint64_t *a, struct fdsets *s)
{
	uint32_t limit = sys_fd_limit(l);
	uint64_t *mem;

	s->n = (int)a[0];
	if (s->n < 0)
		return (EINVAL);
	if ((uint32_t)s->n > limit)
		s->n = (int)limit;
	s->bytes = ((size_t)s->n + 63) / 64 * 8;
	mem = kmem_calloc(3, s->bytes + 8);
	if (mem == NULL)
		return (ENOMEM);
	for (int i = 0; i < 3; i++) {
		s->set[i] = mem + (size_t)i * (s->bytes / 8);
		s->uaddr[i] = a[1 + i];
		if (a[1 + i] != 0 && copyin(lwp_vmspace(l), s->set[i], a[1 + i],
					 s->bytes) != 0) {
			kmem_free(mem);
			return (EFAULT);
		}
	}
	return (0);
}

/* The files of all sets; fds[i] is the descriptor of ent[i]. */
static int
select_gather(struct lwp *l, const struct fdsets *s, struct pollent **out,
    int **fdsp, int *nent)
{
	struct pollent *ent = kmem_calloc((size_t)s->n + 1, sizeof(*ent));
	int *fds = kmem_calloc((size_t)s->n + 1, sizeof(*fds)), n = 0, error;
	short ev;

	if (ent == NULL || fds == NULL) {
		error = ENOMEM;
		goto fail;
	}
	for (int fd = 0; fd < s->n; fd++) {
		ev = 0;
		for (int i = 0; i < 3; i++)
			if (set_has(s->set[i], fd))
				ev |= sel_events[i];
		if (ev == 0)
			continue;
		error = sys_get_file(l, fd, &ent[n].f);
		if (error != 0)
			goto fail;
		/* One with O_PATH is ready for all that is asked. */
		if ((atomic_load(&ent[n].f->flags) & O_PATH) != 0) {
			file_free(ent[n].f);
			ent[n].f = NULL;
			ent[n].revents = LX_POLLNVAL;
		}
		ent[n].events = ev;
		fds[n++] = fd;
	}
	*out = ent;
	*fdsp = fds;
	*nent = n;
	return (0);
fail:
	poll_release(ent, n);
	kmem_free(fds);
	return (error);
}

/* Clear the bits of the sets that are not ready; returns how many are left. */
static int64_t
select_result(
    struct fdsets *s, const struct pollent *ent, const int *fds, int n)
{
	int64_t bits = 0;

	for (int k = 0; k < n; k++) {
		for (int i = 0; i < 3; i++) {
			uint64_t bit = UINT64_C(1) << (fds[k] % 64);
			uint64_t *word = &s->set[i][fds[k] / 64];

			if ((*word & bit) == 0)
				continue;
			if (ent[k].revents & (sel_events[i] | LX_POLLNVAL))
				bits++;
			else
				*word &= ~bit;
		}
	}
	return (bits);
}

static int
select_call(struct lwp *l, const uint64_t *a, uint64_t deadline, int64_t *ret)
{
	struct pollent *ent;
	struct fdsets s;
	int64_t bits;
	int error, n, ready, *fds;

	error = select_copyin(l, a, &s);
	if (error != 0)
		return (error);
	error = select_gather(l, &s, &ent, &fds, &n);
	if (error != 0)
		goto out;
	error = poll_wait(l, ent, n, deadline, &ready);
	bits = select_result(&s, ent, fds, n);
	poll_release(ent, n);
	kmem_free(fds);
	if (error != 0)
		goto out;
	for (int i = 0; i < 3; i++) {
		if (s.uaddr[i] == 0)
			continue;
		error = copyout(lwp_vmspace(l), s.set[i], s.uaddr[i], s.bytes);
		if (error != 0)
			goto out;
	}
	*ret = bits;
out:
	kmem_free(s.set[0]);
	return (error);
}

int
sys_select(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t deadline = UINT64_MAX;
	struct lx_timeval tv;
	int error;

	if (a[4] != 0) {
		if (copyin(lwp_vmspace(l), &tv, a[4], sizeof(tv)) != 0)
			return (EFAULT);
		if (tv.sec < 0 || tv.usec < 0)
			return (EINVAL);
		/* tv_usec may exceed a second, as on Linux. */
		tv.sec += tv.usec / 1000000;
		tv.usec %= 1000000;
		if (tv.sec < INT64_MAX / (int64_t)NS_PER_SEC - 1)
			deadline =
			    ktime_deadline((uint64_t)tv.sec * NS_PER_SEC +
					   (uint64_t)tv.usec * 1000);
	}
	error = select_call(l, a, deadline, ret);
	if (a[4] != 0 && deadline != UINT64_MAX) {
		tv = lx_timeval_of(ktime_remaining(deadline));
		(void)copyout(lwp_vmspace(l), &tv, a[4], sizeof(tv));
	}
	return (error == EINTR ? ERESTARTNOHAND : error);
}

int
sys_pselect6(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_sigset_arg arg = {0, 0};
	uint64_t deadline;
	int error;

	if (a[5] != 0 && copyin(lwp_vmspace(l), &arg, a[5], sizeof(arg)) != 0)
		return (EFAULT);
	error = sys_copyin_deadline(l, a[4], &deadline);
	if (error != 0)
		return (error);
	error = poll_mask(l, arg.mask, arg.size);
	if (error != 0)
		return (error);
	error = select_call(l, a, deadline, ret);
	if (a[4] != 0 && deadline != UINT64_MAX)
		(void)sys_copyout_timespec(l, ktime_remaining(deadline), a[4]);
	return (error == EINTR ? ERESTARTNOHAND : error);
}
