/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: its processes.
 *
 * Purpose: to have, for each vmspace that runs user code, a host process that
 * contains nothing but a handler and what the pmap maps; to get one quickly;
 * and to know for certain when one is gone.
 *
 * Concepts: one zygote per machine is executed from the embedded stub image;
 * it forks stubs on order (stub/zygote.c), as children of this process.  A
 * keeper thread owns the conversation with the zygote, keeps a small pool of
 * ready stubs, and watches all of them by pidfd.  The keeper is the parent
 * thread of every stub: the host kills stubs when it ends (parent-death
 * signal), which is when this process ends, whatever the reason.
 *
 * Context memory is one sparse memfd, a slot a stub and CTX_STRIDE a thread
 * in it.  Slot 0 is the zygote's order block and never mapped elsewhere.  A
 * slot is punched empty when its stub has been reaped.
 *
 * A stub that dies by itself (killed from outside) is marked dead, its
 * contexts are set to CTX_DEAD and waiters woken: cpu_run() then reports
 * CPU_EV_DEAD, and the guest process dies, nothing else.  A zygote that dies
 * is replaced.
 *
 * Locking: sm->lock for pool, slots and state; it is taken with a pmap lock
 * held by nobody.  stub_kill() is called without locks and returns when the
 * host has reaped the process: after that no frame can be reached through it.
 *
 * Limits: STUB_NSLOTS - 1 stubs a machine, CTX_THREADS threads a stub.
 */

#include "machine/stub/stub_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <asm/hwcap2.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libk/kassert.h"
#include "mem/vm_page.h"

#define ZYGOTE_ID (~UINT64_C(0))
#define EVFD_ID (~UINT64_C(0) - 1)

extern const char stub_image[], stub_image_end[];

static struct stub_order *
order_block(struct stub_machine *sm)
{
	return ((struct stub_order *)sm->ctxmem);
}

/* Give the zygote an order and wait for its reply. Keeper only. */
static int
zygote_order(struct stub_machine *sm, uint32_t code, int32_t *result)
{
	struct stub_order *o = order_block(sm);
	uint32_t before = atomic_load(&o->reply);
	uint64_t give_up = host_now_ns() + atomic_load(&sm->order_ns);
	int status;

	o->kernel_pid = host_getpid();
	atomic_store(&o->order, code);
	host_futex_wake(&o->order, 1, true);
	while (atomic_load(&o->reply) == before) {
		host_futex_wait(&o->reply, before, UINT64_C(100000000), true);
		if (atomic_load(&o->reply) != before)
			break;
		if (host_reap(sm->zygote_pid, false, &status) == 0) {
			sm->zygote_pid = 0;
			return (ECHILD);
		}
		if (host_now_ns() > give_up)
			return (ECHILD); /* of no use any more */
	}
	*result = o->result;
	return (0);
}

/* End a child by its pidfd, whoever else may wait for children here. */
static void
child_kill(int pidfd)
{
	(void)syscall(SYS_pidfd_send_signal, pidfd, 9, NULL, 0);
}

static void
child_reap(int pidfd)
{
	siginfo_t si;

	while (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | __WALL) != 0 &&
	       errno == EINTR)
		continue;
}

static void
zygote_end(struct stub_machine *sm)
{
	struct stub_order *o = order_block(sm);
	int status, stray;

	if (sm->zygote_pidfd >= 0) {
		child_kill(sm->zygote_pidfd);
		child_reap(sm->zygote_pidfd);
		epoll_ctl(sm->epfd, EPOLL_CTL_DEL, sm->zygote_pidfd, NULL);
		close(sm->zygote_pidfd);
	} else if (sm->zygote_pid != 0) {
		host_kill(sm->zygote_pid, 9);
		host_reap(sm->zygote_pid, true, &status);
	}
	/* It may have forked for an order that was never answered. */
	stray = atomic_exchange(&o->child_pid, 0);
	if (stray > 0) {
		host_kill(stray, 9);
		host_reap(stray, true, &status);
	}
	sm->zygote_pid = 0;
	sm->zygote_pidfd = -1;
	kmutex_lock(&sm->lock);
	sm->zygote_up = false;
	kmutex_unlock(&sm->lock);
}

/* Find vvar, vdso and the stack of the zygote and fill the order's moves.
 * Returns where the vdso will be, 0 for nowhere. */
static uint64_t
plan_moves(struct stub_machine *sm, struct stub_order *o)
{
	char buf[4096], *line, *save = NULL;
	uint64_t lo, hi, base = 0, vdso = 0;
	size_t len;

	o->nmoves = 0;
	sm->moved_stack = sm->moved_stack_size = 0;
	if (host_proc_read(sm->zygote_pid, "maps", buf, sizeof(buf), &len) != 0)
		return (0);
	for (line = strtok_r(buf, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (sscanf(line, "%lx-%lx", &lo, &hi) != 2 || hi <= lo)
			continue;
		if (strstr(line, "[stack]") != NULL) {
			sm->moved_stack = lo;
			sm->moved_stack_size = hi - lo;
		}
		if (strstr(line, "[vvar") == NULL &&
		    strstr(line, "[vdso]") == NULL)
			continue;
		if (base == 0)
			base = lo;
		if (o->nmoves == STUB_MOVES || hi - base > 0x1000000)
			continue;
		o->move[o->nmoves].from = lo;
		o->move[o->nmoves].size = hi - lo;
		o->move[o->nmoves++].to = STUB_VDSO_BASE + (lo - base);
		if (strstr(line, "[vdso]") != NULL)
			vdso = STUB_VDSO_BASE + (lo - base);
	}
	return (vdso);
}

static int
zygote_setup(struct stub_machine *sm)
{
	struct stub_order *o = order_block(sm);
	int32_t result = 0;
	uint64_t vdso;
	int error;

	/* An empty order first: when it is answered the zygote has started,
	 * and its mappings are where they will stay. */
	o->nmoves = 0;
	error = zygote_order(sm, ORDER_MOVE, &result);
	if (error != 0)
		return (error);
	vdso = plan_moves(sm, o);
	error = zygote_order(sm, ORDER_MOVE, &result);
	if (error != 0)
		return (error);
	if (result != 0) {
		klog(sm->sys->log, KLOG_INFO,
		    "the host does not let the vdso be moved (error %d): "
		    "guests use system calls for time",
		    -result);
		vdso = 0;
	}
	atomic_store(&sm->vdso, vdso);
	o->move[0].from = sm->moved_stack;
	o->move[0].size = sm->moved_stack_size;
	error = zygote_order(sm, ORDER_ARM, &result);
	if (error == 0 && result != 0) {
		klog(sm->sys->log, KLOG_ERR,
		    "the host refuses the seccomp filter (error %d)", -result);
		error = -result;
	}
	return (error);
}

static int
zygote_start(struct stub_machine *sm)
{
	char name[] = "vmspace-stub";
	char *argv[] = {name, NULL};
	struct epoll_event ev = {.events = EPOLLIN};
	int fds[5] = {0, 0, 0, sm->sys->phys->fd, sm->ctxfd};
	int error, nul, pid;

	nul = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nul < 0)
		return (errno);
	fds[0] = fds[1] = fds[2] = nul;
	memset(sm->ctxmem, 0, sizeof(struct stub_order));
	error = host_spawn_image(stub_image,
	    (size_t)(stub_image_end - stub_image), argv, fds, 5, &pid);
	close(nul);
	if (error != 0) {
		klog(sm->sys->log, KLOG_ERR, "cannot start the stub: %s",
		    strerror(error));
		return (error);
	}
	sm->zygote_pid = pid;
	error = host_pidfd_open(pid, &sm->zygote_pidfd);
	if (error == 0)
		error = zygote_setup(sm);
	ev.data.u64 = ZYGOTE_ID;
	if (error == 0 &&
	    epoll_ctl(sm->epfd, EPOLL_CTL_ADD, sm->zygote_pidfd, &ev) != 0)
		error = errno;
	if (error != 0)
		zygote_end(sm);
	return (error);
}

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

/* Order one stub.  Keeper, no lock held. */
static int
stub_spawn(struct stub_machine *sm, struct stub **out)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct stub_order *o = order_block(sm);
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
	error = zygote_order(sm, ORDER_SPAWN, &pid);
	if (error == 0 && pid <= 0)
		error = pid < 0 ? -pid : ECHILD;
	if (error == ECHILD)
		zygote_end(sm); /* before the slot is free again */
	else
		atomic_store(&o->child_pid, 0);
	if (error != 0)
		goto fail;
	s->pid = pid;
	s->tid[0] = pid;
	atomic_store(&s->nctx, 1);
	error = host_pidfd_open(pid, &s->pidfd);
	ev.data.u64 = s->slot;
	if (error == 0 &&
	    epoll_ctl(sm->epfd, EPOLL_CTL_ADD, s->pidfd, &ev) != 0)
		error = errno;
	if (error != 0) {
		host_kill(pid, 9);
		host_reap(pid, true, &status);
		goto fail;
	}
	atomic_fetch_add(&sm->stubs_created, 1);
	*out = s;
	return (0);
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

/* Its process has ended: tell who waits for an event of it, or reap it. */
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
	child_kill(s->pidfd);
}

void
stub_retire(struct stub *s)
{
	struct stub_machine *sm = s->sm;
	bool dead;

	child_kill(s->pidfd);
	kmutex_lock(&sm->lock);
	dead = atomic_load(&s->dead);
	s->retired = true;
	kmutex_unlock(&sm->lock);
	if (dead) /* the keeper has seen that and will not look again */
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
		} else if (ev[i].data.u64 == ZYGOTE_ID) {
			klog(sm->sys->log, KLOG_WARN,
			    "the stub zygote was killed; starting another");
			zygote_end(sm);
		} else
			stub_died(sm, ev[i].data.u64);
	}
}

/* One stub more for the pool, if one is wanted. */
static bool
keeper_fill(struct stub_machine *sm)
{
	struct stub *s = NULL;
	int error = 0;

	if (!sm->zygote_up) {
		error = zygote_start(sm);
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
	uint32_t t = sm->want + 2;

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
			/* After a refusal try again in a while. */
			keeper_events(sm, ok ? -1 : 200);
			ok = true;
			continue;
		}
		keeper_events(sm, 0);
	}
	zygote_end(sm);
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
		sm->want++;
		while ((s = TAILQ_FIRST(&sm->pool)) == NULL && error == 0) {
			keeper_poke(sm);
			error = kcond_timedwait(&sm->cond, &sm->lock, give_up);
			if (error == 0 && sm->error != 0 &&
			    TAILQ_EMPTY(&sm->pool))
				error = sm->error;
		}
		sm->want--;
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

	child_kill(s->pidfd);
	child_reap(s->pidfd);
	/* Under the lock: the keeper may be looking at slot and pidfd.  Taken
	 * off by hand: a copy of the descriptor in a fork of the embedder would
	 * keep the registration. */
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
	free(sm->xtemplate);
	free(sm);
}

/* The zygote is up, or there is an error to report. */
static int
wait_ready(struct stub_machine *sm)
{
	int error;

	kmutex_lock(&sm->lock);
	while (!sm->zygote_up && sm->error == 0)
		kcond_wait(&sm->cond, &sm->lock);
	error = sm->zygote_up ? 0 : sm->error;
	kmutex_unlock(&sm->lock);
	return (error);
}

int
stub_machine_create(struct vm_system *sys, struct stub_machine **out)
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
	sm->ncpu = host_cpus(sm->cpu, STUB_MAXCPU);
	TAILQ_INIT(&sm->pool);
	kmutex_init(&sm->lock, "stub machine", KRANK_STUB, 0);
	kcond_init(&sm->cond);
	error = machine_memory(sm);
	if (error == 0)
		error = host_thread_create(
		    &sm->keeper, "stub-keeper", keeper_main, sm);
	if (error != 0) {
		machine_free(sm);
		return (error);
	}
	error = wait_ready(sm);
	if (error != 0) {
		stub_machine_destroy(sm);
		return (error);
	}
	*out = sm;
	return (0);
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
	kmutex_lock(&sm->lock);
	st->stubs_live = sm->nstubs;
	kmutex_unlock(&sm->lock);
}
