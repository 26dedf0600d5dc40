/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: calls that a stub asks for.
 *
 * Purpose: guest code can take over its stub and jump to the stub's own system
 * calls with any registers.  The seccomp filter compares arguments with
 * constants only.  It cannot know which frames belong to the process.  For the
 * calls named below the host therefore asks this process, which permits exactly
 * the calls that it has ordered.
 *
 *   clone                       always, so that a stub has no thread that this
 *                               process does not know
 *   mmap, munmap, mprotect      with isolation between guest processes, so that
 *                               a stub maps nothing but what its pmap says
 *
 * Concepts: the zygote installs the filter with a listener (seccomp user
 * notification) and sends the listener's descriptor.  One listener serves the
 * zygote and all stubs that it forks.  A thread waits for its notifications.
 *
 * Before a command is posted to a stub thread, stub_expect() copies its
 * operations to memory that the stub cannot reach.  A notification of that
 * thread must be the next of these operations, argument by argument; the host
 * then continues the call.  All arguments are registers, which cannot change
 * while the thread is stopped in the call.  Anything else is an attack: the
 * stub is killed.
 *
 * Proof of a removal: an operation is counted when it is permitted, which is
 * before it has ended.  A batch that takes a translation out of use is
 * therefore followed by OP_SYNC, a call without effect: when it is asked for,
 * the same thread has left the calls before it.  A stub that reports a batch as
 * done without having made all its calls is killed (stub_pmap_leave_user).
 *
 * Signals: a call that a signal interrupts while it is asked for is made again,
 * also after it was permitted (hosts before Linux 6.17 do not tell).  The last
 * permitted call may therefore be asked for once more; clone is then refused.
 * For the same reason a stub thread gets no interrupt before it has made all
 * calls of a command, and gets it then: code that has taken over the stub could
 * use it to leave out a call that was permitted.
 *
 * Locking: notify_lock (rank LEAF) protects the table of threads and what they
 * may do.  A stub_cpu is in the table from the time it is bound until it is
 * unbound; its stub cannot be freed in that time.
 *
 * Limits: hosts before Linux 5.5, and those where another filter of this
 * process has a listener already, do not offer this: then clone is permitted
 * within the limits of the filter, and there is no isolation.
 */

#include "machine/stub/stub_int.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "abi/mman.h"
#include "abi/syscall.h"
#include "machine/stub/program/stub_sys.h"

/* Linux 6.6; older headers do not have it. */
#define NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#define NOTIF_SYNC_WAKE_UP UINT64_C(1)

struct stub_listener {
	struct stub_machine *sm;
	int fd;
	_Atomic(bool) ended; /* the thread can be joined */
	struct host_thread *thread;
	SLIST_ENTRY(stub_listener) link; /* keeper only */
};

static struct stub_cpu_list *
thread_chain(struct stub_machine *sm, int tid)
{
	return (&sm->asking[(uint32_t)tid % STUB_NASKING]);
}

void
stub_notify_bind(struct stub_cpu *sc)
{
	struct stub_machine *sm = sc->sm;

	kmutex_lock(&sm->notify_lock);
	sc->nexpected = sc->nasked = 0;
	LIST_INSERT_HEAD(thread_chain(sm, sc->tid), sc, asking);
	sc->known = true;
	kmutex_unlock(&sm->notify_lock);
}

void
stub_notify_unbind(struct stub_cpu *sc)
{
	struct stub_machine *sm = sc->sm;

	kmutex_lock(&sm->notify_lock);
	if (sc->known)
		LIST_REMOVE(sc, asking);
	sc->known = false;
	kmutex_unlock(&sm->notify_lock);
}

void
stub_expect(
    struct stub_cpu *sc, const struct stub_op *op, uint32_t n, bool sync)
{
	struct stub_machine *sm = sc->sm;

	kmutex_lock(&sm->notify_lock);
	if (n != 0)
		memcpy(sc->expected, op, n * sizeof(*op));
	if (sync)
		sc->expected[n++] = (struct stub_op){.op = OP_SYNC};
	sc->nexpected = n;
	sc->nasked = 0;
	kmutex_unlock(&sm->notify_lock);
}

bool
stub_expect_done(struct stub_cpu *sc)
{
	struct stub_machine *sm = sc->sm;
	bool done;

	kmutex_lock(&sm->notify_lock);
	done = sc->nasked == sc->nexpected;
	sc->nexpected = sc->nasked = 0;
	kmutex_unlock(&sm->notify_lock);
	return (done);
}

bool
stub_expects(struct stub_cpu *sc)
{
	struct stub_machine *sm = sc->sm;
	bool more;

	kmutex_lock(&sm->notify_lock);
	more = sc->nasked < sc->nexpected;
	kmutex_unlock(&sm->notify_lock);
	return (more);
}

void
stub_notify_interrupt(struct stub_cpu *sc)
{
	struct stub_machine *sm = sc->sm;

	kmutex_lock(&sm->notify_lock);
	if (sc->nasked == sc->nexpected)
		host_tgkill(sc->stub->pid, sc->tid, STUB_SIG_INTERRUPT);
	kmutex_unlock(&sm->notify_lock);
}

static bool
is_call(
    const struct seccomp_data *d, int nr, uint64_t a, uint64_t b, uint64_t c)
{
	return (d->nr == nr && d->args[0] == a && d->args[1] == b &&
		(d->args[2] == c || nr == LX_NR_MUNMAP));
}

/* True if the call is what the operation orders.  As op_run() of the stub. */
static bool
is_ordered(const struct seccomp_data *d, const struct stub_op *op)
{
	uint64_t stack = STUB_CTX_BASE + op->off * CTX_STRIDE;

	switch (op->op) {
	case OP_MAP:
		return (
		    is_call(d, LX_NR_MMAP, op->addr, op->len,
			op->prot & PROT_BITS) &&
		    d->args[3] ==
			(MAP_SHARED_FIXED |
			    (op->prot & OP_POPULATE ? LX_MAP_POPULATE : 0)) &&
		    d->args[4] == STUB_FD_ARENA && d->args[5] == op->off);
	case OP_UNMAP:
		return (is_call(d, LX_NR_MUNMAP, op->addr, op->len, 0));
	case OP_UNMAP_ALL:
		return (is_call(d, LX_NR_MUNMAP, STUB_GUEST_MIN,
		    STUB_GUEST_END - STUB_GUEST_MIN, 0));
	case OP_SYNC:
		return (is_call(d, LX_NR_MUNMAP, STUB_GUEST_MIN, 0, 0));
	case OP_PROTECT:
		return (is_call(d, LX_NR_MPROTECT, op->addr, op->len,
		    op->prot & PROT_BITS));
	case OP_THREAD:
		return (is_call(
		    d, LX_NR_CLONE, THREAD_FLAGS, stack + THREAD_STACK_OFF, 0));
	default:
		return (false);
	}
}

/*
 * Decide on a call: 0 to make it, EAGAIN to refuse a clone that was
 * interrupted, EPERM for one that was not ordered.  *last: it was the last of a
 * command, for which an interrupt may be waiting.
 */
static int
permit(struct stub_machine *sm, const struct seccomp_notif *n,
    struct stub_cpu **last)
{
	const struct stub_op *op;
	struct stub_cpu *sc;

	LIST_FOREACH (sc, thread_chain(sm, (int)n->pid), asking)
		if (sc->tid == (int)n->pid)
			break;
	if (sc == NULL || sc->nexpected == 0)
		return (EPERM);
	op = &sc->expected[sc->nasked];
	if (sc->nasked < sc->nexpected && is_ordered(&n->data, op)) {
		if (++sc->nasked == sc->nexpected)
			*last = sc;
		return (0);
	}
	if (sc->nasked == 0 || !is_ordered(&n->data, op - 1))
		return (EPERM);
	return (op[-1].op == OP_THREAD ? EAGAIN : 0);
}

/* Kill the stub that has this thread, if there is one. */
static void
kill_stub_of(struct stub_machine *sm, int tid)
{
	struct stub *s;
	uint32_t n;

	kmutex_lock(&sm->lock);
	for (unsigned i = 1; i < STUB_NSLOTS; i++) {
		s = sm->slot[i];
		/* A stub is complete, and a thread is known, once nctx counts
		 * it. */
		n = s != NULL ? atomic_load(&s->nctx) : 0;
		for (uint32_t t = 0; t < n; t++)
			if (s->tid[t] == tid && s->pidfd >= 0)
				stub_signal_kill(s);
	}
	kmutex_unlock(&sm->lock);
}

/* Answer one notification. */
static void
answer(struct stub_listener *l, const struct seccomp_notif *n)
{
	struct seccomp_notif_resp r = {.id = n->id};
	struct stub_machine *sm = l->sm;
	struct stub_cpu *last = NULL;
	int error;

	kmutex_lock(&sm->notify_lock);
	error = permit(sm, n, &last);
	r.error = -error;
	if (error == 0)
		r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	(void)ioctl(l->fd, SECCOMP_IOCTL_NOTIF_SEND, &r);
	if (last != NULL && atomic_load(&last->intr) != 0)
		host_tgkill(last->stub->pid, last->tid, STUB_SIG_INTERRUPT);
	kmutex_unlock(&sm->notify_lock);
	if (error != EPERM)
		return;
	atomic_fetch_add(&sm->refused, 1);
	klog(sm->sys->log, KLOG_WARN,
	    "stub thread %u made system call %d, which was not ordered; its "
	    "process is killed",
	    n->pid, n->data.nr);
	kill_stub_of(sm, (int)n->pid);
}

static bool
listener_over(const struct stub_listener *l)
{
	struct pollfd p = {.fd = l->fd};

	return (poll(&p, 1, 0) == 1 && (p.revents & POLLHUP) != 0);
}

static void
listener_main(void *arg)
{
	struct stub_listener *l = arg;
	struct pollfd p = {.fd = l->fd, .events = POLLIN};
	struct seccomp_notif n;

	for (;;) {
		/* Before Linux 6.11 only poll() returns when the last process
		 * of the filter has ended. */
		if (!l->sm->recv_ends) {
			(void)poll(&p, 1, -1);
			if ((p.revents & POLLHUP) != 0)
				break;
		}
		memset(&n, 0, sizeof(n));
		if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_RECV, &n) == 0)
			answer(l, &n);
		else if (listener_over(l))
			break;
	}
	atomic_store(&l->ended, true);
}

static void
listener_free(struct stub_listener *l)
{
	host_thread_join(l->thread);
	close(l->fd);
	free(l);
}

int
stub_listener_start(struct stub_machine *sm, int fd)
{
	uint64_t flags = NOTIF_SYNC_WAKE_UP;
	struct stub_listener *l, *next;
	int error;

	SLIST_FOREACH_SAFE(l, &sm->listeners, link, next)
	if (atomic_load(&l->ended)) {
		SLIST_REMOVE(&sm->listeners, l, stub_listener, link);
		listener_free(l);
	}
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return (ENOMEM);
	l->sm = sm;
	l->fd = fd;
	/* Wake this process on the CPU of the stub, which waits. */
	(void)ioctl(fd, NOTIF_SET_FLAGS, flags);
	error =
	    host_thread_create(&l->thread, "stub-listener", listener_main, l);
	if (error != 0) {
		free(l);
		return (error);
	}
	SLIST_INSERT_HEAD(&sm->listeners, l, link);
	return (0);
}

void
stub_listeners_end(struct stub_machine *sm)
{
	struct stub_listener *l;

	while ((l = SLIST_FIRST(&sm->listeners)) != NULL) {
		SLIST_REMOVE_HEAD(&sm->listeners, link);
		listener_free(l);
	}
}
