/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Running user code in a vmspace of the embedder: vmspace_ctl().
 *
 * Concepts.  A frame is a thread of user code without a process.  Its machine
 * state (struct vkrun, with a cpu_thread) is created by the first run of the
 * frame and stored in frame->opaque.  A vkrun holds the vmspace that it is
 * bound to.  The machine of a vmspace ends only in the second stage of the
 * vmspace's destruction, so that it exists as long as a frame may refer to it.
 * Running the frame in another vmspace binds it there.
 *
 * The first thread in a vmspace gets a new machine.  A further thread must be
 * created inside that machine by a peer: a thread that is bound to it already
 * and is not in user code at that moment (cpu_share).  A parked peer is
 * borrowed for this.  If all peers are running, one is interrupted and creates
 * the new thread in its own loop between two runs; its embedder does not
 * notice.
 *
 * The loop handles two events itself: page faults that the map allows, and
 * requests of peers.  Every other event ends the run.
 *
 * Locking and lifetime.  k->run_lock protects the list of runs and their
 * states.  One thread at a time runs a frame.  VMSPACE_CTL_INTERRUPT comes from
 * another thread; it reads frame->opaque under the lock, and the end of a run
 * changes it under the lock.  A run has its own reference to the vmspace, so
 * that the address space stays complete until the event.
 *
 * Guarantees: an interrupt is not lost: it sets a flag before it interrupts the
 * machine, and the loop tests the flag before and after each run.
 */
#include <errno.h>
#include <stdlib.h>

#include "cpu/cpu.h"
#include "api/vkernel_int.h"
#include "libk/kassert.h"
#include "machine/mmu/pmap_mmu.h"
#include "vm/vmspace.h"
#include "kern/base/restart.h"

enum run_state {
	RUN_LOOSE,   /* not bound to a machine */
	RUN_BINDING, /* being bound to a machine */
	RUN_PARKED,  /* bound; its thread does not run */
	RUN_BUSY,    /* bound; in use by its thread or a borrower */
};

/* Key: [I] immutable, [a] atomic, [r] k->run_lock */
struct vkrun {
	struct vkernel *k;      /* [I] */
	struct cpu_thread *cpu; /* [I] used by the owner of r */
	struct vmspace *vm;     /* [r] held; the vmspace it is bound to */
	enum run_state state;   /* [r] */
	struct vkrun *waiter;   /* [r] the peer that waits for a thread */
	int given; /* [r] the result for the waiting run; -1: none yet */
	_Atomic(bool) interrupted; /* [a] by the embedder */
	LIST_ENTRY(vkrun) link;    /* [r] */
};

static struct vkrun *
frame_run(struct vmspace_frame *f)
{
	return (__atomic_load_n(&f->opaque, __ATOMIC_ACQUIRE));
}

static int
run_make(struct vkernel *k, struct vmspace_frame *f)
{
	struct vkrun *r = calloc(1, sizeof(*r));
	int error;

	if (r == NULL)
		return (ENOMEM);
	r->k = k;
	error = cpu_thread_create(k->cpu_ops, k->machine, &r->cpu);
	if (error != 0) {
		free(r);
		return (error);
	}
	kmutex_lock(&k->run_lock);
	LIST_INSERT_HEAD(&k->runs, r, link);
	kmutex_unlock(&k->run_lock);
	__atomic_store_n(&f->opaque, r, __ATOMIC_RELEASE);
	return (0);
}

static void
run_set(struct vkrun *r, enum run_state state)
{
	kmutex_lock(&r->k->run_lock);
	r->state = state;
	kcond_broadcast(&r->k->run_cond);
	kmutex_unlock(&r->k->run_lock);
}

/* Unbind r from its machine, if any.  The caller owns r. */
static void
run_unbind(struct vkrun *r)
{
	struct vmspace *vm = r->vm;

	if (vm == NULL)
		return;
	cpu_unbind(r->cpu);
	kmutex_lock(&r->k->run_lock);
	r->vm = NULL;
	kcond_broadcast(&r->k->run_cond);
	kmutex_unlock(&r->k->run_lock);
	vmspace_drop(vm);
}

/* Wait until no thread has borrowed r, and take it, to run in vm (NULL: to
 * unbind it). */
static void
run_take(struct vkrun *r, const struct vmspace *vm)
{
	struct vkernel *k = r->k;

	kmutex_lock(&k->run_lock);
	while (r->state == RUN_BUSY || r->state == RUN_BINDING)
		kcond_wait(&k->run_cond, &k->run_lock);
	/* A run that is about to leave its machine can no longer serve as a
	 * peer. */
	if (r->state == RUN_PARKED)
		r->state = r->vm == vm ? RUN_BUSY : RUN_BINDING;
	kmutex_unlock(&k->run_lock);
}

static void
run_done(struct vmspace_frame *f)
{
	struct vkrun *r = frame_run(f);

	if (r == NULL)
		return;
	run_take(r, NULL);
	run_unbind(r);
	kmutex_lock(&r->k->run_lock);
	__atomic_store_n(&f->opaque, NULL, __ATOMIC_RELEASE);
	LIST_REMOVE(r, link);
	kmutex_unlock(&r->k->run_lock);
	cpu_thread_destroy(r->cpu);
	free(r);
}

/* ---- a machine, or a further thread in one ---- */

/* Another run that is bound to vm, preferably a parked one.  Locked. */
static struct vkrun *
peer_find(const struct vkrun *r, const struct vmspace *vm)
{
	struct vkrun *p, *best = NULL;

	LIST_FOREACH (p, &r->k->runs, link) {
		if (p == r || p->vm != vm)
			continue;
		if (p->state == RUN_PARKED)
			return (p);
		if (best == NULL || best->waiter != NULL)
			best = p;
	}
	return (best);
}

/* Let peer p create a thread for r.  Locked on entry and exit, unlocked in
 * between.  EAGAIN also if p is no peer any more. */
static int
peer_ask(struct vkrun *r, struct vkrun *p)
{
	struct vkernel *k = r->k;
	int error;

	if (p->state == RUN_PARKED) {
		p->state = RUN_BINDING;
		kmutex_unlock(&k->run_lock);
		error = cpu_share(r->cpu, p->cpu);
		kmutex_lock(&k->run_lock);
		p->state = RUN_PARKED;
		kcond_broadcast(&k->run_cond);
		return (error);
	}
	if (p->state == RUN_BUSY && p->waiter == NULL) {
		p->waiter = r;
		r->given = -1;
		cpu_interrupt(p->cpu);
		while (r->given < 0)
			kcond_wait(&k->run_cond, &k->run_lock);
		return (r->given);
	}
	/* The peer is being bound, or serves another run. */
	kcond_wait(&k->run_cond, &k->run_lock);
	return (ERESTART);
}

/* Called by a busy run between two runs of user code: create the thread that a
 * peer waits for.  `refuse`: 0, or an error to report to the peer instead. */
static void
peer_serve(struct vkrun *r, int refuse)
{
	struct vkernel *k = r->k;
	struct vkrun *p;
	int error;

	kmutex_lock(&k->run_lock);
	p = r->waiter;
	kmutex_unlock(&k->run_lock);
	if (p == NULL)
		return;
	error = refuse != 0 ? refuse : cpu_share(p->cpu, r->cpu);
	kmutex_lock(&k->run_lock);
	r->waiter = NULL;
	p->given = error;
	kcond_broadcast(&k->run_cond);
	kmutex_unlock(&k->run_lock);
}

/* The run has ended.  Serve the request of a peer that came meanwhile first. */
static void
run_park(struct vkrun *r, int error)
{
	bool parked = false;

	while (!parked) {
		peer_serve(r, error);
		/* After this another thread may use the cpu_thread. */
		cpu_leave(r->cpu);
		kmutex_lock(&r->k->run_lock);
		parked = r->waiter == NULL;
		if (parked) {
			r->state = RUN_PARKED;
			kcond_broadcast(&r->k->run_cond);
		}
		kmutex_unlock(&r->k->run_lock);
	}
}

/* Bind r to vm.  The caller owns r, which is RUN_LOOSE. */
static int
run_bind(struct vkrun *r, struct vmspace *vm)
{
	struct vkernel *k = r->k;
	struct vkrun *p;
	int error;

	kmutex_lock(&k->run_lock);
	do {
		error = 0;
		p = peer_find(r, vm);
		if (p != NULL)
			error = peer_ask(r, p);
	} while (error == ERESTART);
	if (error == 0) {
		vmspace_hold(vm);
		r->vm = vm;
		r->state = p != NULL ? RUN_BUSY : RUN_BINDING;
	}
	kmutex_unlock(&k->run_lock);
	if (error != 0 || p != NULL)
		return (error);
	error = cpu_prepare(r->cpu, vm->pmap);
	if (error != 0) {
		run_unbind(r);
		run_set(r, RUN_LOOSE);
		return (error);
	}
	run_set(r, RUN_BUSY);
	return (0);
}

/* ---- registers and events ---- */

static void
regs_load(struct trapframe *tf, const struct vmspace_regs *r)
{
	*tf = (struct trapframe){
	    .r8 = r->r8,
	    .r9 = r->r9,
	    .r10 = r->r10,
	    .r11 = r->r11,
	    .r12 = r->r12,
	    .r13 = r->r13,
	    .r14 = r->r14,
	    .r15 = r->r15,
	    .rdi = r->rdi,
	    .rsi = r->rsi,
	    .rbp = r->rbp,
	    .rbx = r->rbx,
	    .rdx = r->rdx,
	    .rax = r->rax,
	    .rcx = r->rcx,
	    .rsp = r->rsp,
	    .rip = r->rip,
	    .rflags = (r->rflags & TF_RFLAGS_USER) | TF_RFLAGS_FIXED,
	    .fs_base = r->fs_base,
	    .gs_base = r->gs_base,
	    .orig_rax = UINT64_MAX,
	};
}

static void
regs_store(struct vmspace_regs *r, const struct trapframe *tf, bool syscall)
{
	*r = (struct vmspace_regs){
	    .r8 = tf->r8,
	    .r9 = tf->r9,
	    .r10 = tf->r10,
	    .r11 = tf->r11,
	    .r12 = tf->r12,
	    .r13 = tf->r13,
	    .r14 = tf->r14,
	    .r15 = tf->r15,
	    .rdi = tf->rdi,
	    .rsi = tf->rsi,
	    .rbp = tf->rbp,
	    .rbx = tf->rbx,
	    .rdx = tf->rdx,
	    .rax = syscall ? tf->orig_rax : tf->rax,
	    .rcx = tf->rcx,
	    .rsp = tf->rsp,
	    .rip = tf->rip,
	    .rflags = tf->rflags,
	    .fs_base = tf->fs_base,
	    .gs_base = tf->gs_base,
	};
}

/* True: the event ends the run and is reported to the embedder. */
static bool
event_take(struct vmspace *vm, const struct cpu_event *ev,
    struct vmspace_frame *f, int *error)
{
	switch (ev->type) {
	case CPU_EV_SYSCALL:
		f->event = VMSPACE_EV_SYSCALL;
		return (true);
	case CPU_EV_FAULT:
		f->error = vm_fault(vm, ev->addr, ev->access, 0);
		if (f->error == 0)
			return (false);
		f->event = VMSPACE_EV_FAULT;
		f->addr = ev->addr;
		f->prot = (int)ev->access;
		return (true);
	case CPU_EV_EXCEPTION:
		f->event = VMSPACE_EV_EXCEPTION;
		f->addr = ev->addr;
		f->signo = ev->signo;
		f->code = ev->code;
		return (true);
	case CPU_EV_INTERRUPT:
		/* Either a peer has a request, or the loop finds the flag. */
		return (false);
	case CPU_EV_DEAD:
		break;
	}
	*error = EIO;
	return (true);
}

/* r is bound to vm and RUN_BUSY. */
static int
run_until_event(struct vmspace *vm, struct vmspace_frame *f, struct vkrun *r)
{
	struct cpu_event ev;
	bool over = false;
	int error = 0;

	f->event = VMSPACE_EV_NONE;
	f->addr = 0;
	f->prot = f->error = f->signo = f->code = 0;
	regs_load(&r->cpu->tf, &f->regs);
	while (error == 0 && !over) {
		if (atomic_exchange(&r->interrupted, false)) {
			f->event = VMSPACE_EV_INTERRUPT;
			break;
		}
		error = cpu_run(r->cpu, vm->pmap, &ev);
		if (error == 0)
			over = event_take(vm, &ev, f, &error);
		peer_serve(r, error);
	}
	regs_store(&f->regs, &r->cpu->tf, f->event == VMSPACE_EV_SYSCALL);
	return (error);
}

/* Move r, which the caller owns, to another vmspace, with all of its registers.
 * After a failure it is bound where it was, or not bound. */
static int
run_move(struct vkrun *r, struct vmspace *vm)
{
	size_t n = r->vm != NULL ? cpu_xstate_size(r->cpu) : 0;
	void *x = NULL;
	int error;

	if (n != 0) {
		x = malloc(n);
		if (x == NULL || cpu_xstate_get(r->cpu, x, n) != 0) {
			free(x);
			run_set(r, RUN_PARKED);
			return (ENOMEM);
		}
	}
	run_unbind(r);
	run_set(r, RUN_LOOSE);
	error = x != NULL ? cpu_xstate_set(r->cpu, x, n) : 0;
	free(x);
	return (error != 0 ? error : run_bind(r, vm));
}

static int
frame_start(struct vmspace *vm, struct vmspace_frame *f)
{
	struct vkernel *k = vkernel_of_vmspace(vm);
	struct vkrun *r;
	int error;

	if (k->stub == NULL || vm->pmap->ops == &pmap_mmu_ops)
		return (ENOTSUP);
	error = vmspace_tryref(vm);
	if (error != 0)
		return (error);
	if (frame_run(f) == NULL)
		error = run_make(k, f);
	if (error != 0)
		goto out;
	r = frame_run(f);
	if (r->k != k) {
		error = EINVAL;
		goto out;
	}
	run_take(r, vm);
	if (r->vm != vm)
		error = run_move(r, vm);
	if (error == 0) {
		error = run_until_event(vm, f, r);
		run_park(r, error);
	}
	if (error == EIO)
		run_done(f);
out:
	vmspace_free(vm);
	return (error);
}

int
vmspace_ctl(struct vmspace *vm, enum vmspace_ctl cmd, struct vmspace_frame *f)
{
	struct vkernel *k;
	struct vkrun *r;

	if (vm == NULL || f == NULL)
		return (EINVAL);
	vmspace_expect(vm, __func__, false);
	switch (cmd) {
	case VMSPACE_CTL_RUN:
		return (frame_start(vm, f));
	case VMSPACE_CTL_INTERRUPT:
		k = vkernel_of_vmspace(vm);
		kmutex_lock(&k->run_lock);
		r = frame_run(f);
		if (r != NULL && r->k != k)
			r = NULL;
		if (r != NULL) {
			atomic_store(&r->interrupted, true);
			cpu_interrupt(r->cpu);
		}
		kmutex_unlock(&k->run_lock);
		return (r == NULL ? ESRCH : 0);
	case VMSPACE_CTL_DONE:
		run_done(f);
		return (0);
	}
	return (EINVAL);
}
