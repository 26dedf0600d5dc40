/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sleeping lwps: on a condition of the kernel, or on descriptors of the host.
 *
 * Concepts.  A sleep has three steps: prepare (clear `woken`), test the
 * condition, sleep unless `woken` was set since.  A waker changes the condition
 * first and calls lwp_wakeup() second, so whichever way the two interleave,
 * either the test sees the new condition or the sleep sees `woken`.  Signals
 * are conditions like any other: a poster makes the signal pending first, and
 * wakes second; the sleep tests lwp_interrupted() between prepare and wait.
 *
 * A host poll cannot wait on a condition variable, so it has an eventfd of the
 * lwp in its set (kickfd, made on first use).  `inpoll` is set in the prepare
 * step; while it is set, lwp_wakeup() also writes to kickfd.
 *
 * Locking: wake_lock guards woken, inpoll and the lifetime of kickfd between
 * the sleeper and its wakers.  It is a leaf: nothing is taken under it, so
 * wakers may hold any lock. lwp_interrupted() takes the proc lock and is
 * therefore called before wake_lock, never under it.
 *
 * Guarantees: no wakeup between prepare and sleep is lost; spurious wakeups
 * happen, and callers test their condition again.
 */
#include <errno.h>
#include <string.h>

#include "abi/poll.h"
#include "abi/signal.h"
#include "host/host_file.h"
#include "kern/base/lwp.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"
#include "mem/kmem.h"

#define POLL_STACK 32 /* descriptors polled without an allocation */

bool
lwp_must_end_locked(const struct proc *p, const struct lwp *l)
{
	kmutex_assert_owned(&p->lock);
	return (p->exiting || (p->single_lwp != NULL && p->single_lwp != l));
}

bool
lwp_killed_locked(struct lwp *l)
{
	struct proc *p = l->p;

	return (lwp_must_end_locked(p, l) ||
		((p->sigpend.set | l->sigpend.set) & KSIGBIT(LX_SIGKILL)) != 0);
}

bool
lwp_killed(struct lwp *l)
{
	bool r;

	if (!atomic_load_explicit(&l->sigcheck, memory_order_relaxed))
		return (false);
	kmutex_lock(&l->p->lock);
	r = lwp_killed_locked(l);
	kmutex_unlock(&l->p->lock);
	return (r);
}

bool
lwp_self_killed(void)
{
	struct lwp *l = lwp_current();

	return (l != NULL && lwp_killed(l));
}

bool
lwp_interrupted(struct lwp *l)
{
	bool r;

	kmutex_lock(&l->p->lock);
	if (l->killedonly)
		r = l->p->killed;
	else
		r = lwp_killed_locked(l) ||
		    (!l->killonly && ksig_pending_locked(l));
	kmutex_unlock(&l->p->lock);
	return (r);
}

void
lwp_sleep_prepare(struct lwp *l)
{
	kmutex_lock(&l->wake_lock);
	l->woken = false;
	kmutex_unlock(&l->wake_lock);
}

int
lwp_sleep(struct lwp *l, uint64_t deadline_ns)
{
	int error = 0;

	klock_assert_none();
	if (lwp_interrupted(l))
		return (EINTR);
	atomic_store(&l->state, LWP_SLEEP);
	kmutex_lock(&l->wake_lock);
	while (!l->woken && error == 0)
		error =
		    kcond_timedwait(&l->wake_cond, &l->wake_lock, deadline_ns);
	if (l->woken)
		error = 0;
	kmutex_unlock(&l->wake_lock);
	atomic_store(&l->state, LWP_RUN);
	return (lwp_interrupted(l) ? EINTR : error);
}

void
lwp_wakeup(struct lwp *l)
{
	kmutex_lock(&l->wake_lock);
	if (!l->woken) {
		l->woken = true;
		kcond_signal(&l->wake_cond);
		if (l->inpoll)
			(void)host_eventfd_signal(l->kickfd);
	}
	kmutex_unlock(&l->wake_lock);
}

/* Prepare for a host poll: from here on a wakeup makes kickfd readable. */
static int
poll_begin(struct lwp *l)
{
	int error, fd;

	if (l->kickfd < 0) {
		error = kmem_fd_charge(1, &l->kick_cost);
		if (error != 0)
			return (error);
		error = host_eventfd(0, O_NONBLOCK, &fd);
		if (error != 0) {
			kmem_fd_uncharge(l->kick_cost, 1);
			return (error);
		}
		kmutex_lock(&l->wake_lock);
		l->kickfd = fd;
		kmutex_unlock(&l->wake_lock);
	}
	kmutex_lock(&l->wake_lock);
	l->woken = false;
	l->inpoll = true;
	kmutex_unlock(&l->wake_lock);
	return (0);
}

static void
poll_end(struct lwp *l)
{
	bool kicked;

	kmutex_lock(&l->wake_lock);
	l->inpoll = false;
	kicked = l->woken;
	kmutex_unlock(&l->wake_lock);
	if (kicked)
		(void)host_eventfd_drain(l->kickfd);
}

/* As lwp_poll(); set[n] is free for kickfd. */
static int
poll_set(struct lwp *l, struct host_pollfd *set, int n, uint64_t deadline_ns,
    int *nready)
{
	uint64_t now, timeout;
	int error, ready;

	klock_assert_none();
	for (;;) {
		error = poll_begin(l);
		if (error != 0)
			return (error);
		if (lwp_interrupted(l)) {
			poll_end(l);
			/* A descriptor that is ready is reported before the
			 * signal. */
			error = host_poll(set, (unsigned)n, 0, &ready);
			if (error == 0 && ready == 0)
				error = EINTR;
			if (error == 0)
				*nready = ready;
			return (error);
		}
		set[n].fd = l->kickfd;
		set[n].events = LX_POLLIN;
		set[n].revents = 0;
		now = host_now_ns();
		timeout = deadline_ns == UINT64_MAX ? UINT64_MAX
			  : deadline_ns > now       ? deadline_ns - now
						    : 0;
		atomic_store(&l->state, LWP_SLEEP);
		error = host_poll(set, (unsigned)n + 1, timeout, &ready);
		atomic_store(&l->state, LWP_RUN);
		poll_end(l);
		if (error != 0)
			return (error);
		if (set[n].revents != 0)
			ready--;
		if (ready > 0 || timeout == 0 ||
		    (set[n].revents == 0 && ready == 0 &&
			host_now_ns() >= deadline_ns)) {
			*nready = ready;
			return (0);
		}
	}
}

int
lwp_poll(struct lwp *l, struct host_pollfd *fds, int n, uint64_t deadline_ns,
    int *nready)
{
	struct host_pollfd small[POLL_STACK], *set = small;
	int error;

	if (n >= POLL_STACK) {
		set = kmem_calloc((size_t)n + 1, sizeof(*set));
		if (set == NULL)
			return (ENOMEM);
	}
	if (n > 0)
		memcpy(set, fds, (size_t)n * sizeof(*set));
	error = poll_set(l, set, n, deadline_ns, nready);
	if (error == 0 && n > 0)
		memcpy(fds, set, (size_t)n * sizeof(*set));
	if (set != small)
		kmem_free(set);
	return (error);
}

int
lwp_wait_fd(void *arg, int hostfd, short events, uint64_t deadline_ns)
{
	struct host_pollfd set[2] = {{.fd = hostfd, .events = events}};
	struct lwp *l = arg;
	int error, ready;

	if (hostfd < 0) {
		do {
			lwp_sleep_prepare(l);
			error = lwp_sleep(l, deadline_ns);
		} while (error == 0);
		return (error);
	}
	error = poll_set(l, set, 1, deadline_ns, &ready);
	if (error != 0)
		return (error);
	return (ready > 0 ? 0 : ETIMEDOUT);
}
