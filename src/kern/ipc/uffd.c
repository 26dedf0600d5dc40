/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * userfaultfd: page faults of a process as a file.
 *
 * Concepts.  vm_uffd.c finds the faults and makes the pages.  This file queues
 * the faults, gives them to the reader, and lets the lwps sleep.  A uffd_wait
 * is on the stack of its lwp.  It is `pending` until a read has taken its
 * message, then `taken` until it is woken.  A wake-up looks at both queues: the
 * server may have made the page before the message was read.
 *
 * A fault of user code ends its wait with any signal that is to be delivered;
 * the access is made again after the signal.  A fault of the kernel (a system
 * call that copies) goes on waiting, and only the end of the process ends it.
 *
 * An access by another process or by a thread that is no lwp does not wait: it
 * is an error.  So is each fault of a server with LX_UFFD_FEATURE_SIGBUS, and
 * each one of the kernel with `user_only`.
 *
 * Polling.  The eventfd of a server is readable while faults are pending.  As
 * on Linux, a file that is not O_NONBLOCK only ever polls as an error, because
 * a fault may be gone when it is read.
 *
 * Locking and lifetime.  u->lock (rank FDTABLE) protects the queues.  The file
 * has the first ref of a server, each lwp that waits another one.  At close all
 * entries of the map lose the server, then all lwps are woken; a fault that had
 * found the server before finds `closed` and looks again.  A server holds the
 * address space, so that exec and exit of the process do not free it; its
 * memory goes with the process.
 *
 * Guarantees.  Servers and eventfds are charged; the queues are bounded by the
 * number of lwps.
 *
 * Limits.  No events but page faults.
 */
#include "kern/ipc/uffd.h"

#include <bsd/sys/queue.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi/poll.h"
#include "abi/userfault.h"
#include "host/host.h"
#include "host/host_file.h"
#include "kern/base/lwp.h"
#include "kern/base/restart.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/uio.h"
#include "vm/fault/vm_uffd.h"
#include "vm/vmspace.h"

#define STARTED (UINT64_C(1) << 63) /* in uffd.features */

_Static_assert(
    UFFD_FEATURES ==
	(LX_UFFD_FEATURE_PAGEFAULT_FLAG_WP | LX_UFFD_FEATURE_SIGBUS |
	    LX_UFFD_FEATURE_THREAD_ID | LX_UFFD_FEATURE_EXACT_ADDRESS |
	    LX_UFFD_FEATURE_WP_UNPOPULATED),
    "features");

/* An lwp that waits; on its stack. */
struct uffd_wait {
	TAILQ_ENTRY(uffd_wait) link; /* until it is woken */
	struct lwp *l;               /* [I] */
	struct vm_uffd_fault f;      /* [I] */
	bool taken;
	bool woken;
};
TAILQ_HEAD(uffd_waits, uffd_wait);

/* Key: [I] immutable, [a] atomic; all else under the lock */
struct uffd {
	struct vm_uffd vm;  /* comes first */
	struct kmutex lock; /* rank FDTABLE */
	struct uffd_waits pending, taken;
	bool closed;
	bool user_only;             /* [I] */
	_Atomic(uint64_t) features; /* [a] 0: not started */
	int eventfd;                /* [I] */
	struct kmem_acct *fd_cost;  /* [I] */
};

static inline struct uffd *
uffd_of(struct vm_uffd *vm)
{
	_Static_assert(offsetof(struct uffd, vm) == 0, "vm comes first");
	return ((struct uffd *)vm);
}

/* ---- queues ---- */

/* Locked: a fault comes.  The eventfd has a count while there are some. */
static void
pending_insert(struct uffd *u, struct uffd_wait *w)
{
	if (TAILQ_EMPTY(&u->pending))
		(void)host_eventfd_signal(u->eventfd);
	TAILQ_INSERT_TAIL(&u->pending, w, link);
}

/* Locked: w leaves its queue. */
static void
wait_remove(struct uffd *u, struct uffd_wait *w)
{
	if (w->taken) {
		TAILQ_REMOVE(&u->taken, w, link);
		return;
	}
	TAILQ_REMOVE(&u->pending, w, link);
	if (TAILQ_EMPTY(&u->pending))
		(void)host_eventfd_drain(u->eventfd);
}

/* Locked. */
static void
wake_queue(
    struct uffd *u, struct uffd_waits *q, vm_offset_t start, vm_offset_t end)
{
	struct uffd_wait *w, *next;
	vm_offset_t va;

	TAILQ_FOREACH_SAFE (w, q, link, next) {
		va = trunc_page(w->f.va);
		if (va < start || va >= end)
			continue;
		wait_remove(u, w);
		w->woken = true;
		lwp_wakeup(w->l);
	}
}

void
uffd_wake(struct vm_uffd *vm, vm_offset_t start, vm_offset_t end)
{
	struct uffd *u = uffd_of(vm);

	kmutex_lock(&u->lock);
	wake_queue(u, &u->pending, start, end);
	wake_queue(u, &u->taken, start, end);
	kmutex_unlock(&u->lock);
}

/* ---- faults ---- */

/* Sleep until w is woken; it is in no queue afterwards. */
static int
wait_sleep(struct uffd *u, struct uffd_wait *w)
{
	int error = vm_uffd_must_wait(&u->vm, &w->f) ? 0 : ERESTART;
	bool woken;

	for (;;) {
		lwp_sleep_prepare(w->l);
		kmutex_lock(&u->lock);
		woken = w->woken;
		if (!woken && error != 0)
			wait_remove(u, w);
		kmutex_unlock(&u->lock);
		if (woken)
			return (ERESTART);
		if (error != 0)
			return (error);
		error = lwp_sleep(w->l, UINT64_MAX);
	}
}

static int
uffd_wait_fault(struct vm_uffd *vm, const struct vm_uffd_fault *f)
{
	struct uffd *u = uffd_of(vm);
	struct uffd_wait w = {.l = lwp_current(), .f = *f};
	bool closed, killonly;
	int error;

	if (w.l == NULL || w.l->exiting || lwp_vmspace(w.l) != vm->vm ||
	    (u->user_only && !f->user) ||
	    (atomic_load(&u->features) & LX_UFFD_FEATURE_SIGBUS) != 0)
		return (EIO);
	kmutex_lock(&u->lock);
	closed = u->closed;
	if (!closed)
		pending_insert(u, &w);
	kmutex_unlock(&u->lock);
	if (closed)
		return (ERESTART);
	killonly = w.l->killonly;
	if (!f->user)
		w.l->killonly = true;
	error = wait_sleep(u, &w);
	w.l->killonly = killonly;
	return (error);
}

static void
uffd_free(struct vm_uffd *vm)
{
	struct uffd *u = uffd_of(vm);

	KASSERT(TAILQ_EMPTY(&u->pending) && TAILQ_EMPTY(&u->taken));
	(void)host_close(u->eventfd);
	kmem_fd_uncharge(u->fd_cost, 1);
	kmutex_destroy(&u->lock);
	vmspace_drop(vm->vm);
	kmem_free(u);
}

static const struct vm_uffd_ops uffd_ops = {
    .wait = uffd_wait_fault,
    .free = uffd_free,
};

/* ---- the file ---- */

/* Take the first fault: its message.  EAGAIN: there is none. */
static int
take_message(struct uffd *u, struct lx_uffd_msg *msg)
{
	uint64_t features = atomic_load(&u->features);
	struct uffd_wait *w;
	int error = EAGAIN;

	memset(msg, 0, sizeof(*msg));
	kmutex_lock(&u->lock);
	w = TAILQ_FIRST(&u->pending);
	if (w != NULL) {
		wait_remove(u, w);
		w->taken = true;
		TAILQ_INSERT_TAIL(&u->taken, w, link);
		msg->event = LX_UFFD_EVENT_PAGEFAULT;
		msg->flags = (w->f.write ? LX_UFFD_PAGEFAULT_FLAG_WRITE : 0) |
			     (w->f.wp ? LX_UFFD_PAGEFAULT_FLAG_WP : 0);
		msg->address = (features & LX_UFFD_FEATURE_EXACT_ADDRESS) != 0
				   ? w->f.va
				   : trunc_page(w->f.va);
		if ((features & LX_UFFD_FEATURE_THREAD_ID) != 0)
			msg->tid = (uint32_t)w->l->tid;
		error = 0;
	}
	kmutex_unlock(&u->lock);
	return (error);
}

static int
uffd_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	bool nonblock = (atomic_load(&f->flags) & O_NONBLOCK) != 0;
	struct uffd *u = f->data;
	struct lx_uffd_msg msg;
	int error = 0;
	unsigned n = 0;

	if (uio->write || !uffd_started(&u->vm) || uio->resid < sizeof(msg))
		return (EINVAL);
	while (uio->resid >= sizeof(msg)) {
		error = take_message(u, &msg);
		if (error == 0) {
			uiomove(&msg, sizeof(msg), uio);
			n++;
			continue;
		}
		if (n > 0 || nonblock)
			break;
		error = vfs_wait(waiter, u->eventfd, LX_POLLIN, UINT64_MAX);
		if (error != 0)
			break;
	}
	return (n > 0 ? 0 : error);
}

static short
uffd_poll(struct file *f, short events, int *hostfd)
{
	struct uffd *u = f->data;
	bool ready;

	*hostfd = -1;
	if (!uffd_started(&u->vm) || (atomic_load(&f->flags) & O_NONBLOCK) == 0)
		return (LX_POLLERR);
	*hostfd = u->eventfd;
	kmutex_lock(&u->lock);
	ready = !TAILQ_EMPTY(&u->pending);
	kmutex_unlock(&u->lock);
	return (ready ? (short)(events & LX_POLLIN) : 0);
}

static void
uffd_close(struct file *f)
{
	struct uffd *u = f->data;

	vm_uffd_detach(&u->vm);
	kmutex_lock(&u->lock);
	u->closed = true;
	kmutex_unlock(&u->lock);
	uffd_wake(&u->vm, 0, UINT64_MAX);
	vm_uffd_drop(&u->vm);
}

static void
uffd_info(struct file *f, file_info_fn *fn, void *arg)
{
	unsigned long long pending = 0, total = 0;
	struct uffd *u = f->data;
	const struct uffd_wait *w;
	char line[64];

	kmutex_lock(&u->lock);
	TAILQ_FOREACH (w, &u->pending, link)
		pending++;
	TAILQ_FOREACH (w, &u->taken, link)
		total++;
	kmutex_unlock(&u->lock);
	total += pending;
	(void)snprintf(line, sizeof(line), "pending:\t%llu\n", pending);
	fn(arg, line);
	(void)snprintf(line, sizeof(line), "total:\t%llu\n", total);
	fn(arg, line);
	(void)snprintf(line, sizeof(line), "API:\t%lx:%x:%llx\n", LX_UFFD_API,
	    UFFD_FEATURES, (unsigned long long)atomic_load(&u->features));
	fn(arg, line);
}

static const struct fileops uffd_fileops = {
    .caps = FCAP_STREAM | FCAP_SEEK | FCAP_WHOLE,
    .rw = uffd_rw,
    .seek = file_seek_nowhere,
    .poll = uffd_poll,
    .info = uffd_info,
    .close = uffd_close,
    .name = "userfaultfd",
};

/* A server of the lwp's address space.  ENOMEM, EMFILE, ENFILE. */
static int
uffd_alloc(struct lwp *l, bool user_only, struct uffd **out)
{
	struct uffd *u = kmem_zalloc(sizeof(*u));
	int error;

	if (u == NULL)
		return (ENOMEM);
	error = kmem_fd_charge(1, &u->fd_cost);
	if (error != 0)
		goto fail;
	error = host_eventfd(0, O_NONBLOCK, &u->eventfd);
	if (error != 0)
		goto fail_charge;
	kmutex_init(&u->lock, "userfaultfd", KRANK_FDTABLE, 0);
	TAILQ_INIT(&u->pending);
	TAILQ_INIT(&u->taken);
	u->user_only = user_only;
	atomic_init(&u->features, 0);
	vmspace_hold(lwp_vmspace(l));
	vm_uffd_init(&u->vm, &uffd_ops, lwp_vmspace(l));
	*out = u;
	return (0);
fail_charge:
	kmem_fd_uncharge(u->fd_cost, 1);
fail:
	kmem_free(u);
	return (error);
}

int
uffd_create(struct lwp *l, int flags, bool user_only, struct file **f)
{
	struct uffd *u;
	int error;

	error = uffd_alloc(l, user_only, &u);
	if (error != 0)
		return (error);
	error = file_create(l->p->k->vfs, &uffd_fileops, NULL,
	    O_RDONLY | (flags & O_NONBLOCK), -1, u, f);
	if (error != 0)
		vm_uffd_drop(&u->vm);
	return (error);
}

struct vm_uffd *
uffd_of_file(const struct file *f)
{
	struct uffd *u = f->data;

	return (f->ops == &uffd_fileops ? &u->vm : NULL);
}

int
uffd_start(struct vm_uffd *vm, uint64_t features)
{
	struct uffd *u = uffd_of(vm);
	uint64_t none = 0;

	KASSERT((features & ~(uint64_t)UFFD_FEATURES) == 0);
	if (!atomic_compare_exchange_strong(
		&u->features, &none, features | STARTED))
		return (EINVAL);
	atomic_store(
	    &vm->unpopulated, (features & LX_UFFD_FEATURE_WP_UNPOPULATED) != 0);
	return (0);
}

bool
uffd_started(const struct vm_uffd *vm)
{
	const struct uffd *u = (const struct uffd *)vm;

	return (atomic_load(&u->features) != 0);
}
