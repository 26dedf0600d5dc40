/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Light-weight processes: the guest's threads, and the loop that drives them.
 *
 * Concepts.  An lwp has one host thread in the kernel process, whose body is
 * lwp_main(): run user code until an event, act on the event, look at what was
 * posted meanwhile, run again.  System calls and faults execute on this thread,
 * so a guest thread that blocks blocks only itself.
 *
 *	        +----------------------- cpu_run() <---------------------+
 *	        v                                                        |
 *	event: SYSCALL -> sysops->dispatch    FAULT -> vm_fault          |
 *	       EXCEPTION -> ksig_force        DEAD -> the process dies   |
 *	        |                                                        |
 *	        +--> sigcheck?  no ------------------------------------->+
 *	                        yes: must it go? deliver signals ------->+
 *	                             |
 *	                             v
 *	                         lwp_exit()
 *
 * A thread that makes an lwp look at a change (a signal, exit, exec, a stop)
 * sets `sigcheck` before it wakes or interrupts the lwp, and the loop exchanges
 * it for false before it looks at the reason.  When it is false the way back to
 * user code takes no lock.
 *
 * Ending.  Nothing unwinds by force: kern_exit() and the death of the process
 * set marks.  An lwp that must end leaves its sleep with EINTR and finds the
 * mark at the end of its event. exec and exit wait for the other lwps that way.
 *
 * Locking and lifetime.  An lwp is valid for others while it is on its
 * process's list, under the proc lock.  Its host thread touches neither lwp nor
 * process after lwp_exit(); it then hands its thread handle to the kernel
 * instance (lwp_thread_done) and joins the thread that did so before it, so
 * that at most one ended thread is unjoined at any time, and no thread of an
 * instance exists when lwp_threads_drain() returns.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/signal.h"
#include "host/host_file.h"
#include "kern/base/restart.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/futex.h"
#include "kern/ipc/keys.h"
#include "kern/ipc/sysvipc.h"
#include "kern/proc/process.h"
#include "kern/sig/ksignal.h"
#include "kern/sig/pause.h"
#include "kern/time/ptimer.h"
#include "libk/kassert.h"
#include "vfs/core/ctx.h"
#include "vfs/core/vnode.h"
#include "mem/kmem.h"
#include "mem/vm_reserve.h"
#include "vm/vmspace.h"

#define TIMES_EVERY_NS UINT64_C(10000000) /* a tick of the guest */

void
lwp_undo(struct lwp *l)
{
	struct proc *p = l->p;

	kmutex_lock(&p->lock);
	ptimer_lwp_gone_locked(l);
	LIST_REMOVE(l, link);
	p->nlwps--;
	kcond_broadcast(&p->cond);
	kmutex_unlock(&p->lock);
	sem_undo_exit(l);
	keys_lwp_exit(l);
	lwp_destroy_in(p->k, l);
}

int
lwp_start(struct lwp *l)
{
	struct vkernel *k = l->p->k;
	char name[16];
	int error;

	snprintf(name, sizeof(name), "lwp %d", l->tid);
	/* The new thread cannot end before its handle is stored: it takes
	 * thread_lock to end. */
	kmutex_lock(&k->thread_lock);
	error = host_thread_create(&l->thread, name, lwp_main, l);
	if (error == 0)
		k->nthreads++;
	kmutex_unlock(&k->thread_lock);
	return (error);
}

static struct host_thread *
lwp_own_thread(struct lwp *l)
{
	struct vkernel *k = l->p->k;
	struct host_thread *t;

	kmutex_lock(&k->thread_lock);
	t = l->thread;
	kmutex_unlock(&k->thread_lock);
	return (t);
}

void
lwp_thread_done(struct vkernel *k, struct host_thread *self)
{
	struct host_thread *before;

	kmutex_lock(&k->thread_lock);
	before = k->thread_last;
	k->thread_last = self;
	if (--k->nthreads == 0)
		kcond_broadcast(&k->thread_cond);
	kmutex_unlock(&k->thread_lock);
	if (before != NULL)
		host_thread_join(before);
}

void
lwp_threads_drain(struct vkernel *k)
{
	struct host_thread *last;

	kmutex_lock(&k->thread_lock);
	while (k->nthreads != 0)
		kcond_wait(&k->thread_cond, &k->thread_lock);
	last = k->thread_last;
	k->thread_last = NULL;
	kmutex_unlock(&k->thread_lock);
	if (last != NULL)
		host_thread_join(last);
}

/* A fault needs kernel memory that the process may not have. */
static void
lwp_log_budget(struct lwp *l)
{
	struct proc *p = l->p;
	char comm[sizeof(p->comm)];

	proc_comm(p, comm);
	klog(&p->k->log, KLOG_WARN,
	    "pid %d (%s) killed: it has %llu KiB of kernel memory and needs "
	    "more than its share; use a larger --kmem",
	    p->pid, comm, (unsigned long long)kmem_acct_used(p->kmem) >> 10);
}

static void
lwp_fault(struct lwp *l, const struct cpu_event *ev)
{
	struct ksiginfo ksi = {
	    .signo = LX_SIGSEGV,
	    .addr = ev->addr,
	    .trapno = 14,
	    .errcode = ev->err,
	    .forced = true,
	};
	const uint64_t refused = kmem_self.refused;
	int error;

	error = vm_fault(l->p->vmspace, ev->addr, ev->access, VM_FAULT_USER);
	switch (error) {
	case 0:
		return;
	case EFAULT:
		ksi.code = LX_SEGV_MAPERR;
		break;
	case EACCES:
		ksi.code = LX_SEGV_ACCERR;
		break;
	case EIO:
		ksi.signo = LX_SIGBUS;
		ksi.code = LX_BUS_ADRERR;
		break;
	default: /* ENOMEM: the out-of-memory policy ends this process */
		if (kmem_self.refused != refused)
			lwp_log_budget(l);
		kern_exit(l, LX_SIGKILL, true);
		return;
	}
	ksig_force(l, &ksi);
}

static void
lwp_exception(struct lwp *l, const struct cpu_event *ev)
{
	struct ksiginfo ksi = {
	    .signo = ev->signo,
	    .code = ev->code,
	    .addr = ev->addr,
	    .trapno = ev->trapno,
	    .errcode = ev->err,
	    .forced = true,
	};

	ktrace(&l->p->k->trace, KT_EVENT, (uint64_t)l->p->pid, ev->type,
	    (uint64_t)ev->signo);
	ksig_force(l, &ksi);
}

/* Before user mode: end the lwp if its process ends or another lwp execs,
 * else take signals.  `error` is the result of the system call, 0 if there
 * was none. */
static void
lwp_userret(struct lwp *l, bool in_syscall, int error)
{
	struct proc *p = l->p;
	bool go, restart;

	restart = in_syscall && restart_is(error);
	if (!restart &&
	    !atomic_load_explicit(&l->sigcheck, memory_order_acquire))
		return;
	(void)atomic_exchange(&l->sigcheck, false);
	kmutex_lock(&p->lock);
	go = lwp_must_end_locked(p, l);
	kmutex_unlock(&p->lock);
	if (go || ksig_deliver(l, in_syscall, error))
		l->exiting = true;
}

/* One run of user code, and its event. */
static void
lwp_step(struct lwp *l)
{
	struct proc *p = l->p;
	struct cpu_event ev;
	uint64_t t0 = host_now_ns(), ns;
	char comm[sizeof(p->comm)];
	int error, result = 0;

	if (t0 - l->times_ns > TIMES_EVERY_NS) {
		lwp_times_update(l);
		l->times_ns = t0;
	}
	ns = atomic_load_explicit(&l->user_ns, memory_order_relaxed);
	/* Store first, then load cpu_parked: ptimer.c stores cpu_parked first,
	 * then loads user_clock. */
	atomic_store(&l->user_clock, LWP_IN_USER | (t0 - ns));
	if (atomic_load(&p->cpu_parked))
		ptimer_unpark(p, t0);
	error = lwp_run(l, &ev);
	ns += host_now_ns() - t0;
	atomic_store_explicit(&l->user_ns, ns, memory_order_relaxed);
	atomic_store_explicit(&l->user_clock, ns, memory_order_release);
	if (error != 0) {
		proc_comm(p, comm);
		klog(&p->k->log, KLOG_ERR,
		    "pid %d (%s) killed: the machine cannot run it (%s)",
		    p->pid, comm, strerror(error));
		kern_exit(l, LX_SIGKILL, true);
		return;
	}
	switch (ev.type) {
	case CPU_EV_SYSCALL:
		result = lwp_syscall(l);
		break;
	case CPU_EV_FAULT:
		lwp_fault(l, &ev);
		break;
	case CPU_EV_EXCEPTION:
		lwp_exception(l, &ev);
		break;
	case CPU_EV_INTERRUPT:
		break;
	case CPU_EV_DEAD:
		/* One line for all threads of the process. */
		if (!kern_exit(l, LX_SIGKILL, true))
			return;
		proc_comm(p, comm);
		klog(&p->k->log, KLOG_WARN,
		    "pid %d (%s) killed: its host process has ended", p->pid,
		    comm);
		return;
	}
	if (!l->exiting)
		lwp_userret(l, ev.type == CPU_EV_SYSCALL, result);
}

void
lwp_main(void *arg)
{
	struct lwp *l = arg;
	struct vkernel *k = l->p->k;
	struct host_thread *self = lwp_own_thread(l);

	lwp_set_current(l);
	kmem_switch(l->p->kmem);
	if (l->set_child_tid != 0) {
		const int tid = lwp_number(l);

		(void)copyout(
		    l->p->vmspace, &tid, l->set_child_tid, sizeof(tid));
		l->set_child_tid = 0;
	}
	/* A traced thread stops before its first instruction, and each one
	 * while the kernel is paused. */
	if (kern_paused(k))
		atomic_store(&l->sigcheck, true);
	lwp_userret(l, false, 0);
	while (!l->exiting)
		lwp_step(l);
	lwp_trace_exit(l);
	/*
	 * The last accesses to user memory.  They may use the reserve of
	 * frames: a process that the out-of-memory policy has killed would
	 * otherwise wait for its own end, and the policy would then kill
	 * others.
	 */
	vm_reserve_enter();
	futex_lwp_exit(l);
	vm_reserve_leave();
	sem_undo_exit(l);
	keys_lwp_exit(l);
	lwp_set_current(NULL);
	lwp_exit(l);
	kmem_switch(NULL);
	lwp_thread_done(k, self);
}
