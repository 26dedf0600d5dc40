/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: its processes.
 *
 * Purpose: to provide each vmspace that runs user code with a host process
 * that contains only a handler and what the pmap maps; to do so quickly; and
 * to know for certain when such a process is gone.
 *
 * Concepts: each machine has one zygote, a process that forks stubs on order
 * as children of this process (stub_zygote.c, program/zygote.c).  A keeper
 * thread gives the orders, keeps a small pool of ready stubs, and watches all
 * stubs by pidfd.  The keeper is the parent thread of every stub: the host
 * kills the stubs when the keeper ends (parent-death signal), and so also when
 * this process dies for any reason.
 *
 * Context memory is one sparse memfd: one slot per stub, CTX_STRIDE bytes of
 * it per thread.  Slot 0 is the zygote's order block and is mapped in no stub.
 * A slot is emptied (hole punched) after its stub has been reaped.
 *
 * When a stub is killed from outside, the keeper marks it dead, sets its
 * contexts to CTX_DEAD and wakes the waiters: cpu_run() then reports
 * CPU_EV_DEAD, and only that guest process dies.  A zygote that dies is
 * replaced.
 *
 * Locking: sm->lock protects pool, slots and state.  A thread that takes it
 * holds no pmap lock.  stub_kill() is called without locks and returns after
 * the host has reaped the process: then no frame can be reached through it.
 *
 * Limits: STUB_NSLOTS - 1 stubs per machine, CTX_THREADS threads per stub.
 */

#include "machine/stub/stub_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <asm/hwcap2.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "libk/kassert.h"
#include "mem/vm_page.h"

#define ZYGOTE_TRIES 4
#define EVFD_ID (~UINT64_C(0) - 1)

static void
slot_clear(struct stub_machine *sm, uint32_t slot)
{
	(void)fallocate(sm->ctxfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)((uint64_t)slot * CTX_SLOT_SIZE), (off_t)CTX_SLOT_SIZE);
}

static uint32_t
slot_alloc(struct stub_machine *sm, struct stub *s)
{
	uint32_t n;

	for (n = 1; n < STUB_NSLOTS; n++) {
		sm->slot_hint = sm->slot_hint % (STUB_NSLOTS - 1) + 1;
		if (sm->slot[sm->slot_hint] == NULL) {
			sm->slot[sm->slot_hint] = s;
			return (sm->slot_hint);
		}
	}
	return (0);
}

/* Make one stub.  Called by the keeper, without locks. */
static int
stub_spawn(struct stub_machine *sm, struct stub **out)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct stub_order *o = stub_order_block(sm);
	struct stub *s;
	int32_t pid = 0;
	int error, status;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return (ENOMEM);
	s->sm = sm;
	s->pidfd = -1;
	kmutex_lock(&sm->lock);
	s->slot = slot_alloc(sm, s);
	kmutex_unlock(&sm->lock);
	if (s->slot == 0) {
		free(s);
		return (EAGAIN);
	}
	s->ctx = sm->ctxmem + (uint64_t)s->slot * CTX_SLOT_SIZE;
	atomic_store(&stub_ctx_at(s, 0)->state, 0);
	o->slot = s->slot;
	atomic_store(&o->child_pid, 0);
	error = stub_zygote_order(sm, ORDER_SPAWN, &pid);
	if (error == 0 && pid <= 0)
		error = pid < 0 ? -pid : ECHILD;
	if (error == ECHILD)
		stub_zygote_end(sm); /* before the slot is free again */
	else
		atomic_store(&o->child_pid, 0);
	if (error != 0)
		goto fail;
	s->pid = pid;
	s->tid[0] = pid;
	error = host_pidfd_open(pid, &s->pidfd);
	if (error != 0)
		goto fail_kill;
	ev.data.u64 = s->slot;
	if (epoll_ctl(sm->epfd, EPOLL_CTL_ADD, s->pidfd, &ev) != 0) {
		error = errno;
		goto fail_kill;
	}
	atomic_store(&s->nctx, 1); /* now kill_stub_of() sees it */
	atomic_fetch_add(&sm->stubs_created, 1);
	*out = s;
	return (0);
fail_kill:
	host_kill(pid, LX_SIGKILL);
	host_reap(pid, true, &status);
fail:
	if (s->pidfd >= 0)
		close(s->pidfd);
	slot_clear(sm, s->slot);
	kmutex_lock(&sm->lock);
	sm->slot[s->slot] = NULL;
	kmutex_unlock(&sm->lock);
	free(s);
	return (error);
}

/* The stub of `slot` has ended: wake the threads that wait for its events, and
 * free it if it is retired. */
static void
stub_died(struct stub_machine *sm, uint64_t slot)
{
	struct stub *s;
	bool retired = false;

	kmutex_lock(&sm->lock);
	s = slot < STUB_NSLOTS ? sm->slot[slot] : NULL;
	if (s != NULL && s->pidfd >= 0) {
		epoll_ctl(sm->epfd, EPOLL_CTL_DEL, s->pidfd, NULL);
		atomic_store(&s->dead, true);
		retired = s->retired;
		for (uint32_t i = 0; i < atomic_load(&s->nctx); i++) {
			struct stub_ctx *c = stub_ctx_at(s, i);

			atomic_store(&c->state, CTX_DEAD);
			host_futex_wake(&c->state, 1, true);
		}
	}
	kmutex_unlock(&sm->lock);
	if (retired)
		stub_kill(s);
}

void
stub_signal_kill(struct stub *s)
{
	host_pidfd_kill(s->pidfd);
}

void
stub_retire(struct stub *s)
{
	struct stub_machine *sm = s->sm;
	bool dead;

	host_pidfd_kill(s->pidfd);
	kmutex_lock(&sm->lock);
	dead = atomic_load(&s->dead);
	s->retired = true;
	kmutex_unlock(&sm->lock);
	if (dead) /* the keeper has handled the death: it will not reap s */
		stub_kill(s);
}

static void
keeper_events(struct stub_machine *sm, int timeout_ms)
{
	struct epoll_event ev[16];
	uint64_t count;
	int n;

	n = epoll_wait(sm->epfd, ev, 16, timeout_ms);
	for (int i = 0; i < n; i++) {
		if (ev[i].data.u64 == EVFD_ID) {
			(void)!read(sm->evfd, &count, sizeof(count));
		} else if (ev[i].data.u64 == STUB_ZYGOTE_ID) {
			klog(sm->sys->log, KLOG_WARN,
			    "the stub zygote was killed from outside; starting "
			    "another");
			stub_zygote_end(sm);
		} else
			stub_died(sm, ev[i].data.u64);
	}
}

/* Where the host may not be asked to leave addresses alone (containers refuse
 * personality(2)), the stack of a new zygote is now and then where the stub's
 * memory has to be, and the zygote dies at once. */
static int
keeper_start_zygote(struct stub_machine *sm)
{
	int error = ECHILD;

	for (int i = 0; i < ZYGOTE_TRIES && error == ECHILD; i++)
		error = stub_zygote_start(sm);
	return (error);
}

/* Start the zygote if there is none, otherwise add one stub to the pool.
 * False: the host refused. */
static bool
keeper_fill(struct stub_machine *sm)
{
	struct stub *s = NULL;
	int error = 0;

	if (!sm->zygote_up) {
		error = keeper_start_zygote(sm);
		kmutex_lock(&sm->lock);
		sm->zygote_up = error == 0;
		sm->error = error;
		kcond_broadcast(&sm->cond);
		kmutex_unlock(&sm->lock);
		return (error == 0);
	}
	error = stub_spawn(sm, &s);
	kmutex_lock(&sm->lock);
	if (error == 0) {
		TAILQ_INSERT_TAIL(&sm->pool, s, link);
		sm->npool++;
		sm->nstubs++;
	}
	if (error == ECHILD)
		sm->zygote_up = false;
	sm->error = error == ECHILD ? 0 : error;
	kcond_broadcast(&sm->cond);
	kmutex_unlock(&sm->lock);
	return (error == 0 || error == ECHILD);
}

static uint32_t
pool_target(const struct stub_machine *sm)
{
	uint32_t t = sm->nwaiting + 2;

	return (t < STUB_POOL_MAX ? t : STUB_POOL_MAX);
}

static void
keeper_main(void *arg)
{
	struct stub_machine *sm = arg;
	bool fill, ok = true;

	for (;;) {
		kmutex_lock(&sm->lock);
		if (sm->stop) {
			kmutex_unlock(&sm->lock);
			break;
		}
		fill = !sm->zygote_up || sm->npool < pool_target(sm);
		kmutex_unlock(&sm->lock);
		if (fill && ok)
			ok = keeper_fill(sm);
		else {
			/* After a refusal, try again in 200 ms; less often
			 * where it will not end. */
			keeper_events(sm, ok ? -1 : sm->lost ? 5000 : 200);
			ok = true;
			continue;
		}
		keeper_events(sm, 0);
	}
	stub_zygote_end(sm);
}

static void
keeper_poke(struct stub_machine *sm)
{
	uint64_t one = 1;

	(void)!write(sm->evfd, &one, sizeof(one));
}

int
stub_get(struct stub_machine *sm, struct stub **out)
{
	uint64_t give_up = host_now_ns() + atomic_load(&sm->order_ns);
	struct stub *s;
	int error = 0;

	for (;;) {
		kmutex_lock(&sm->lock);
		sm->nwaiting++;
		while ((s = TAILQ_FIRST(&sm->pool)) == NULL && error == 0) {
			keeper_poke(sm);
			error = kcond_timedwait(&sm->cond, &sm->lock, give_up);
			if (error == 0 && sm->error != 0 &&
			    TAILQ_EMPTY(&sm->pool))
				error = sm->error;
		}
		sm->nwaiting--;
		if (s != NULL) {
			TAILQ_REMOVE(&sm->pool, s, link);
			sm->npool--;
		}
		kmutex_unlock(&sm->lock);
		keeper_poke(sm);
		if (s == NULL)
			return (EAGAIN);
		if (!atomic_load(&s->dead)) {
			*out = s;
			return (0);
		}
		stub_kill(s); /* died in the pool */
		error = 0;
	}
}

void
stub_kill(struct stub *s)
{
	struct stub_machine *sm = s->sm;

	host_pidfd_kill(s->pidfd);
	host_pidfd_reap(s->pidfd);
	/* Under the lock, because the keeper may be using slot and pidfd.  The
	 * registration is removed explicitly: if the embedder forked, close()
	 * alone would keep it. */
	kmutex_lock(&sm->lock);
	epoll_ctl(sm->epfd, EPOLL_CTL_DEL, s->pidfd, NULL);
	close(s->pidfd);
	s->pidfd = -1;
	kmutex_unlock(&sm->lock);
	slot_clear(sm, s->slot);
	kmutex_lock(&sm->lock);
	sm->slot[s->slot] = NULL;
	sm->nstubs--;
	kmutex_unlock(&sm->lock);
	free(s);
}

static int
machine_memory(struct stub_machine *sm)
{
	struct epoll_event ev = {.events = EPOLLIN};
	const size_t size = (size_t)STUB_NSLOTS * CTX_SLOT_SIZE;
	void *p;
	int error;

	error = host_memfd("vmspace-ctx", size, &sm->ctxfd);
	if (error != 0)
		return (error);
	error = host_map_shared(sm->ctxfd, 0, size, &p);
	if (error != 0)
		return (error);
	sm->ctxmem = p;
	sm->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (sm->epfd < 0)
		return (errno);
	sm->evfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (sm->evfd < 0)
		return (errno);
	ev.data.u64 = EVFD_ID;
	if (epoll_ctl(sm->epfd, EPOLL_CTL_ADD, sm->evfd, &ev) != 0)
		return (errno);
	return (0);
}

static void
machine_free(struct stub_machine *sm)
{
	if (sm->evfd >= 0)
		close(sm->evfd);
	if (sm->epfd >= 0)
		close(sm->epfd);
	if (sm->ctxmem != NULL)
		host_unmap(sm->ctxmem, (size_t)STUB_NSLOTS * CTX_SLOT_SIZE);
	if (sm->ctxfd >= 0)
		close(sm->ctxfd);
	kcond_destroy(&sm->cond);
	kmutex_destroy(&sm->lock);
	kmutex_destroy(&sm->notify_lock);
	free(sm->xtemplate);
	free(sm);
}

int
stub_machine_wait(struct stub_machine *sm)
{
	int error;

	kmutex_lock(&sm->lock);
	while (!sm->zygote_up && sm->error == 0)
		kcond_wait(&sm->cond, &sm->lock);
	error = sm->zygote_up ? 0 : sm->error;
	kmutex_unlock(&sm->lock);
	return (error);
}

/* Linux 6.11 or later: see stub_notify.c. */
static bool
host_receive_ends(void)
{
	struct utsname u;
	int major, minor;

	return (uname(&u) == 0 &&
		sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
		(major > 6 || (major == 6 && minor >= 11)));
}

int
stub_machine_create(struct vm_system *sys, enum stub_isolation wanted,
    struct stub_machine **out)
{
	struct stub_machine *sm;
	int error;

	sm = calloc(1, sizeof(*sm));
	if (sm == NULL)
		return (ENOMEM);
	sm->sys = sys;
	sm->fsgsbase = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) != 0;
	sm->ctxfd = sm->epfd = sm->evfd = sm->zygote_pidfd = -1;
	sm->watchdog_ns = STUB_WATCHDOG_NS;
	sm->order_ns = STUB_ORDER_NS;
	sm->required = wanted == STUB_ISOLATE_PROCESS;
	sm->wanted =
	    wanted == STUB_ISOLATE_AUTO ? STUB_ISOLATE_DEFAULT : wanted;
	sm->recv_ends = host_receive_ends();
	sm->ncpu = host_cpus(sm->cpu, STUB_MAXCPU);
	TAILQ_INIT(&sm->pool);
	SLIST_INIT(&sm->listeners);
	for (unsigned i = 0; i < STUB_NASKING; i++)
		LIST_INIT(&sm->asking[i]);
	kmutex_init(&sm->notify_lock, "stub notify", KRANK_LEAF, 0);
	kmutex_init(&sm->lock, "stub machine", KRANK_STUB, 0);
	kcond_init(&sm->cond);
	error = machine_memory(sm);
	if (error != 0)
		goto fail;
	error = host_thread_create(&sm->keeper, "stub-keeper", keeper_main, sm);
	if (error != 0)
		goto fail;
	*out = sm;
	return (0);
fail:
	machine_free(sm);
	return (error);
}

void
stub_machine_destroy(struct stub_machine *sm)
{
	struct stub *s;

	kmutex_lock(&sm->lock);
	sm->stop = true;
	kmutex_unlock(&sm->lock);
	keeper_poke(sm);
	host_thread_join(sm->keeper);
	while ((s = TAILQ_FIRST(&sm->pool)) != NULL) {
		TAILQ_REMOVE(&sm->pool, s, link);
		stub_kill(s);
	}
	for (unsigned i = 1; i < STUB_NSLOTS; i++)
		if (sm->slot[i] != NULL && sm->slot[i]->retired)
			stub_kill(sm->slot[i]);
	KVERIFY(sm->nstubs == 0);
	stub_listeners_end(sm);
	machine_free(sm);
}

void
stub_machine_stats(struct stub_machine *sm, struct stub_machine_stats *st)
{
	st->maps = (uint64_t)counter_read(&sm->maps);
	st->unmaps = (uint64_t)counter_read(&sm->unmaps);
	st->protects = (uint64_t)counter_read(&sm->protects);
	st->handovers = (uint64_t)counter_read(&sm->handovers);
	st->spins = (uint64_t)counter_read(&sm->spins);
	st->stubs_created = atomic_load(&sm->stubs_created);
	st->resets = atomic_load(&sm->resets);
	st->refused = atomic_load(&sm->refused);
	st->isolates = sm->isolates;
	kmutex_lock(&sm->lock);
	st->stubs_live = sm->nstubs;
	kmutex_unlock(&sm->lock);
}
