/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Contexts of asynchronous I/O.
 *
 * Concepts.  A context belongs to an address space and is named by the address
 * of its ring, which is mapped there.  A request takes a slot, and ends in an
 * event.  The call that submits a request also executes it (sys_aio.c), as
 * Linux does for buffered files, pipes and sockets; only a request that waits
 * for a file to become ready is completed later, by the poll thread
 * (aio_poll.c).
 *
 * The ring.  Events are kept in an array of the kernel.  The ring in guest
 * memory is a copy of it, for programs that look there before they make a call,
 * and its head is the one value that is read back, because a program may take
 * events without a call.  So what a guest writes there can lose or repeat its
 * own events, and nothing else: head is taken modulo the size, and everything
 * else is never read.  The memory is a file in a tmpfs; the kernel writes to
 * the file, so that it does not matter what is mapped at the address by now.
 *
 * One thread at a time copies events to the ring (`showing`) and goes on until
 * there is no new one; other threads do not wait for it.  If the file cannot be
 * written, the next event tries again.  One thread at a time takes events
 * (`reaping`); other threads wait, because head is moved after the events have
 * been copied out.
 *
 * Slots.  A slot is free when its event has been taken: the requests under way
 * and the events in the ring together are fewer than the ring has places.
 *
 * Locking and lifetime.  as->lock (rank FDTABLE) protects contexts, events and
 * requests; it is released for each access to guest memory.  The tree has a ref
 * of each context, and each call and each waiting request another.  Contexts
 * leave the tree by io_destroy, or when the last ref of their address space
 * goes (vm_system.space_gone), that is, at exec or exit; fork makes an address
 * space without contexts, which inherits the mapping only, as on Linux.
 *
 * Guarantees.  An event is seen by io_getevents, by the ring, and then by the
 * eventfd of the request.  A copy to the caller that fails takes no event.
 *
 * Limits.  AIO_MAX_NR requests in a kernel.  A ring that mremap() has moved is
 * not found at its new address.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "host/host_file.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/aio_int.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"
#include "vfs/tmpfs/tmpfs.h"
#include "vm/vmspace.h"

#define AIO_MIN_NR 16u /* a ring is made for at least twice so many */
#define AIO_BATCH 32u  /* events that are copied at a time */
#define EVENT_SIZE sizeof(struct lx_io_event)

static int
ctx_compare(const struct aio_ctx *a, const struct aio_ctx *b)
{
	if (a->vm != b->vm)
		return ((uintptr_t)a->vm < (uintptr_t)b->vm ? -1 : 1);
	if (a->addr != b->addr)
		return (a->addr < b->addr ? -1 : 1);
	return (a->id < b->id ? -1 : a->id > b->id);
}

RB_GENERATE_INTERNAL(
    aio_ctxs, aio_ctx, by_key, ctx_compare, __attribute__((unused)) static)

/* ---- the memory of the ring ---- */

static int
ring_rw(struct file *f, void *buf, size_t len, uint64_t off, bool write)
{
	struct host_iovec one;
	struct uio uio;
	int error;

	uio_init1(&uio, &one, buf, len, off, write);
	error = write ? file_write(f, &uio, NULL, true)
		      : file_read(f, &uio, NULL, true);
	return (error == 0 && uio.resid != 0 ? EIO : error);
}

static int
ring_put(struct aio_ctx *c, size_t off, uint32_t value)
{
	return (ring_rw(c->ring, &value, sizeof(value), off, true));
}

/* The head as the program has it.  Without it, the last one that was read. */
static void
ring_read_head(struct aio_ctx *c)
{
	uint32_t head;

	if (ring_rw(c->ring, &head, sizeof(head),
		offsetof(struct lx_aio_ring, head), false) != 0)
		return;
	kmutex_lock(&c->as->lock);
	c->head = head % c->nr;
	kmutex_unlock(&c->as->lock);
}

/* Copy new events to the ring, unless another thread is doing it. */
static void
ring_show(struct aio_ctx *c)
{
	struct lx_io_event ev[AIO_BATCH];
	struct aio_state *as = c->as;
	uint32_t at, n, end;
	int error = 0;

	kmutex_lock(&as->lock);
	if (c->showing) {
		kmutex_unlock(&as->lock);
		return;
	}
	c->showing = true;
	while (c->shown != c->tail && !c->dead && error == 0) {
		at = c->shown;
		end = c->tail > at ? c->tail : c->nr;
		n = end - at < AIO_BATCH ? end - at : AIO_BATCH;
		memcpy(ev, c->ev + at, n * EVENT_SIZE);
		kmutex_unlock(&as->lock);
		error = ring_rw(c->ring, ev, n * EVENT_SIZE,
		    sizeof(struct lx_aio_ring) + at * EVENT_SIZE, true);
		if (error == 0)
			error = ring_put(c, offsetof(struct lx_aio_ring, tail),
			    (at + n) % c->nr);
		kmutex_lock(&as->lock);
		if (error == 0)
			c->shown = (at + n) % c->nr;
	}
	c->showing = false;
	kmutex_unlock(&as->lock);
}

/* A file with an empty ring, mapped in the caller's memory: c->ring, c->addr.
 */
static int
ring_create(struct lwp *l, struct aio_ctx *c)
{
	struct lx_aio_ring head = {.id = c->id,
	    .nr = c->nr,
	    .magic = LX_AIO_RING_MAGIC,
	    .compat = LX_AIO_RING_COMPAT,
	    .header_length = sizeof(head)};
	struct vmspace *vm = lwp_vmspace(l);
	struct vfs_ctx ctx = lwp_vfs_ctx(l);
	struct vm_object *obj;
	vm_offset_t va = 0;
	uint8_t zero = 0;
	int error;

	error = tmpfs_memfd(&ctx, "aio", 0600, 0, &c->ring);
	lwp_vfs_ctx_done(&ctx);
	if (error != 0)
		return (ENOMEM);
	if (ring_rw(c->ring, &zero, 1, c->size - 1, true) != 0 ||
	    ring_rw(c->ring, &head, sizeof(head), 0, true) != 0 ||
	    vnode_object(c->ring->vp, &obj) != 0) {
		error = ENOMEM;
		goto fail;
	}
	error = vm_mmap(vm, &va, c->size, VM_PROT_READ | VM_PROT_WRITE,
	    VM_PROT_READ | VM_PROT_WRITE, VMM_SHARED, obj, 0);
	if (error != 0)
		goto fail;
	c->addr = va;
	return (0);
fail:
	file_free(c->ring);
	return (error);
}

/* ---- contexts ---- */

void
aio_ctx_ref(struct aio_ctx *c)
{
	KVERIFY(atomic_fetch_add(&c->refs, 1) > 0);
}

void
aio_ctx_free(struct aio_ctx *c)
{
	if (atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	KASSERT(c->dead && c->active == 0 && LIST_EMPTY(&c->polls));
	file_free(c->ring);
	kcond_destroy(&c->reaped);
	kmem_free(c->ev);
	kmem_free(c);
}

uint32_t
aio_ctx_size(const struct aio_ctx *c)
{
	return (c->nr);
}

/* Count a new context.  EAGAIN. */
static int
ctx_count(struct aio_state *as, unsigned max, uint32_t *id)
{
	int error = 0;

	kmutex_lock(&as->lock);
	if (as->nr + max > AIO_MAX_NR)
		error = EAGAIN;
	else {
		as->nr += max;
		*id = as->next_ctx++;
	}
	kmutex_unlock(&as->lock);
	return (error);
}

static void
ctx_uncount(struct aio_state *as, unsigned max)
{
	kmutex_lock(&as->lock);
	as->nr -= max;
	kmutex_unlock(&as->lock);
}

/* Pages of a ring for at most max requests, and the events that fit. */
static int
ctx_sizes(struct aio_ctx *c, unsigned max)
{
	uint32_t n = (max > AIO_MIN_NR ? max : AIO_MIN_NR) * 2u;

	if (n > LX_AIO_MAX_BYTES / EVENT_SIZE)
		return (EINVAL);
	if (n == 0 || max > AIO_MAX_NR)
		return (EAGAIN);
	c->max = max;
	c->size = round_page(sizeof(struct lx_aio_ring) + (n + 2) * EVENT_SIZE);
	c->nr = (uint32_t)((c->size - sizeof(struct lx_aio_ring)) / EVENT_SIZE);
	return (0);
}

int
aio_ctx_create(struct lwp *l, unsigned max, uint64_t *id)
{
	struct aio_state *as = l->p->k->aio;
	struct aio_ctx sizes, *c;
	int error;

	error = ctx_sizes(&sizes, max);
	if (error != 0)
		return (error);
	c = kmem_zalloc(sizeof(*c));
	if (c == NULL)
		return (ENOMEM);
	c->as = as;
	c->vm = lwp_vmspace(l);
	c->max = sizes.max;
	c->size = sizes.size;
	c->nr = sizes.nr;
	atomic_init(&c->refs, 1);
	LIST_INIT(&c->waits);
	LIST_INIT(&c->polls);
	error = ENOMEM;
	c->ev = kmem_calloc(c->nr, EVENT_SIZE);
	if (c->ev == NULL)
		goto fail;
	error = ctx_count(as, max, &c->id);
	if (error != 0)
		goto fail_ev;
	error = ring_create(l, c);
	if (error != 0)
		goto fail_count;
	kcond_init(&c->reaped);
	atomic_store(&c->vm->kept, true);
	kmutex_lock(&as->lock);
	RB_INSERT(aio_ctxs, &as->ctxs, c);
	kmutex_unlock(&as->lock);
	*id = c->addr;
	return (0);
fail_count:
	ctx_uncount(as, max);
fail_ev:
	kmem_free(c->ev);
fail:
	kmem_free(c);
	return (error);
}

int
aio_ctx_get(struct lwp *l, uint64_t id, struct aio_ctx **out)
{
	struct aio_ctx key = {.vm = lwp_vmspace(l), .addr = id}, *c;
	struct aio_state *as = l->p->k->aio;

	/* As on Linux, a ring that is not mapped any more is no context, and
	 * its number distinguishes it from an older one at the address. */
	if (copyin(key.vm, &key.id, id, sizeof(key.id)) != 0)
		return (EINVAL);
	kmutex_lock(&as->lock);
	c = RB_FIND(aio_ctxs, &as->ctxs, &key);
	if (c != NULL)
		aio_ctx_ref(c);
	kmutex_unlock(&as->lock);
	if (c == NULL)
		return (EINVAL);
	*out = c;
	return (0);
}

/* Locked: the context leaves the tree.  The caller has the tree's ref then. */
static void
ctx_unlink(struct aio_ctx *c)
{
	struct aio_wait *w;

	RB_REMOVE(aio_ctxs, &c->as->ctxs, c);
	c->as->nr -= c->max;
	c->dead = true;
	LIST_FOREACH (w, &c->waits, link)
		lwp_wakeup(w->l);
}

/* Wait until no request is under way. */
static void
ctx_drain(struct lwp *l, struct aio_ctx *c)
{
	struct aio_state *as = c->as;
	struct aio_wait w = {.l = l};
	int error = 0;
	bool busy;

	kmutex_lock(&as->lock);
	LIST_INSERT_HEAD(&c->waits, &w, link);
	kmutex_unlock(&as->lock);
	l->killonly = true;
	for (;;) {
		lwp_sleep_prepare(l);
		kmutex_lock(&as->lock);
		busy = c->active != 0;
		kmutex_unlock(&as->lock);
		if (!busy || error == EINTR)
			break;
		error = lwp_sleep(l, UINT64_MAX);
	}
	l->killonly = false;
	kmutex_lock(&as->lock);
	LIST_REMOVE(&w, link);
	kmutex_unlock(&as->lock);
}

int
aio_ctx_remove(struct lwp *l, struct aio_ctx *c)
{
	struct aio_state *as = c->as;
	bool dead;

	kmutex_lock(&as->lock);
	dead = c->dead;
	if (!dead)
		ctx_unlink(c);
	kmutex_unlock(&as->lock);
	if (dead)
		return (EINVAL);
	(void)vm_munmap(lwp_vmspace(l), c->addr, c->size);
	(void)aio_poll_cancel(c, NULL);
	ctx_drain(l, c);
	aio_ctx_free(c);
	return (0);
}

/* struct vm_system.space_gone: the last ref of vm has gone.  Requests of it
 * that an lwp executes are complete; those that wait are cancelled. */
static void
aio_space_gone(void *arg, struct vmspace *vm)
{
	struct aio_ctx key = {.vm = vm, .addr = 0}, *c;
	struct aio_state *as = ((struct vkernel *)arg)->aio;

	for (;;) {
		kmutex_lock(&as->lock);
		c = RB_NFIND(aio_ctxs, &as->ctxs, &key);
		if (c != NULL && c->vm != vm)
			c = NULL;
		if (c != NULL)
			ctx_unlink(c);
		kmutex_unlock(&as->lock);
		if (c == NULL)
			return;
		(void)aio_poll_cancel(c, NULL);
		aio_ctx_free(c);
	}
}

/* ---- requests ---- */

/* Locked. */
static bool
slot_free(const struct aio_ctx *c)
{
	uint32_t in_ring = (c->tail + c->nr - c->head) % c->nr;

	return (c->active + in_ring < c->nr - 1);
}

int
aio_begin(struct aio_ctx *c)
{
	struct aio_state *as = c->as;
	bool got = false;

	for (int i = 0; i < 2 && !got; i++) {
		if (i > 0)
			ring_read_head(c);
		kmutex_lock(&as->lock);
		got = slot_free(c);
		if (got)
			c->active++;
		kmutex_unlock(&as->lock);
	}
	return (got ? 0 : EAGAIN);
}

/* Locked: a request has ended. */
static void
slot_done(struct aio_ctx *c)
{
	struct aio_wait *w;

	KASSERT(c->active > 0);
	c->active--;
	LIST_FOREACH (w, &c->waits, link)
		lwp_wakeup(w->l);
}

void
aio_abort(struct aio_ctx *c)
{
	kmutex_lock(&c->as->lock);
	slot_done(c);
	kmutex_unlock(&c->as->lock);
}

void
aio_complete(struct aio_ctx *c, const struct aio_done *d, int64_t res)
{
	kmutex_lock(&c->as->lock);
	c->ev[c->tail] =
	    (struct lx_io_event){.data = d->data, .obj = d->obj, .res = res};
	c->tail = (c->tail + 1) % c->nr;
	slot_done(c);
	kmutex_unlock(&c->as->lock);
	ring_show(c);
	if (d->resfd != NULL)
		(void)host_eventfd_signal(d->resfd->hostfd);
}

int
aio_ctx_cancel(struct aio_ctx *c, uint64_t obj)
{
	return (aio_poll_cancel(c, &obj) ? EINPROGRESS : EINVAL);
}

/* ---- events ---- */

/* Copy events from *head on to uev.  0 and *n; EFAULT. */
static int
events_copy(struct aio_ctx *c, struct vmspace *vm, uint64_t uev, int64_t max,
    uint32_t *head, int64_t *n)
{
	struct lx_io_event ev[AIO_BATCH];
	uint32_t k, at = *head;
	int64_t done = 0;

	for (;;) {
		kmutex_lock(&c->as->lock);
		k = (c->tail >= at ? c->tail : c->nr) - at;
		if (k > AIO_BATCH)
			k = AIO_BATCH;
		if (k > max - done)
			k = (uint32_t)(max - done);
		memcpy(ev, c->ev + at, k * EVENT_SIZE);
		kmutex_unlock(&c->as->lock);
		if (k == 0)
			break;
		if (copyout(vm, ev, uev + (uint64_t)done * EVENT_SIZE,
			k * EVENT_SIZE) != 0)
			return (EFAULT);
		done += k;
		at = (at + k) % c->nr;
	}
	*head = at;
	*n = done;
	return (0);
}

/* Take at most max events.  0 and *n; EFAULT, with none taken. */
static int
events_take(struct aio_ctx *c, struct vmspace *vm, uint64_t uev, int64_t max,
    int64_t *n)
{
	struct aio_state *as = c->as;
	uint32_t head;
	int error;

	kmutex_lock(&as->lock);
	while (c->reaping)
		kcond_wait(&c->reaped, &as->lock);
	c->reaping = true;
	kmutex_unlock(&as->lock);
	ring_read_head(c);
	head = c->head;
	error = events_copy(c, vm, uev, max, &head, n);
	if (error == 0 && *n > 0)
		(void)ring_put(c, offsetof(struct lx_aio_ring, head), head);
	kmutex_lock(&as->lock);
	if (error == 0)
		c->head = head;
	c->reaping = false;
	kcond_broadcast(&c->reaped);
	kmutex_unlock(&as->lock);
	return (error);
}

static int
events_wait(struct lwp *l, struct aio_ctx *c, int64_t min, int64_t max,
    uint64_t uev, uint64_t deadline, int64_t *got)
{
	struct vmspace *vm = lwp_vmspace(l);
	int error = 0, slept = 0;
	int64_t n;
	bool dead;

	for (;;) {
		lwp_sleep_prepare(l);
		n = 0;
		error = events_take(
		    c, vm, uev + (uint64_t)*got * EVENT_SIZE, max - *got, &n);
		*got += n;
		kmutex_lock(&c->as->lock);
		dead = c->dead;
		kmutex_unlock(&c->as->lock);
		if (dead && error == 0)
			error = EINVAL;
		if (error != 0 || *got >= min || deadline == 0)
			return (error);
		if (slept != 0)
			return (slept == ETIMEDOUT ? 0 : slept);
		slept = lwp_sleep(l, deadline);
	}
}

int
aio_events(struct lwp *l, struct aio_ctx *c, int64_t min, int64_t max,
    uint64_t uev, uint64_t deadline, int64_t *got)
{
	struct aio_wait w = {.l = l};
	int64_t n = 0;
	int error;

	kmutex_lock(&c->as->lock);
	LIST_INSERT_HEAD(&c->waits, &w, link);
	kmutex_unlock(&c->as->lock);
	error = events_wait(l, c, min, max, uev, deadline, &n);
	kmutex_lock(&c->as->lock);
	LIST_REMOVE(&w, link);
	kmutex_unlock(&c->as->lock);
	if (n == 0 && error != 0)
		return (error);
	*got = n;
	return (0);
}

/* ---- the kernel's ---- */

int
aio_state_create(struct vkernel *k)
{
	struct aio_state *as = calloc(1, sizeof(*as));

	if (as == NULL)
		return (ENOMEM);
	kmutex_init(&as->lock, "aio", KRANK_FDTABLE, 0);
	RB_INIT(&as->ctxs);
	RB_INIT(&as->reqs);
	as->k = k;
	as->kickfd = -1;
	k->aio = as;
	k->vm.space_gone = aio_space_gone;
	k->vm.space_gone_arg = k;
	return (0);
}

void
aio_state_destroy(struct vkernel *k)
{
	struct aio_state *as = k->aio;

	if (as == NULL)
		return;
	aio_poll_stop(as);
	KVERIFY(RB_EMPTY(&as->ctxs) && RB_EMPTY(&as->reqs) && as->nr == 0);
	kmutex_destroy(&as->lock);
	free(as);
	k->aio = NULL;
}

int
aio_text_nr(void *arg, struct procfs_buf *b)
{
	struct aio_state *as = ((struct vkernel *)arg)->aio;
	uint64_t nr;

	kmutex_lock(&as->lock);
	nr = as->nr;
	kmutex_unlock(&as->lock);
	procfs_printf(b, "%llu\n", (unsigned long long)nr);
	return (0);
}

int
aio_text_max_nr(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "%u\n", AIO_MAX_NR);
	return (0);
}
