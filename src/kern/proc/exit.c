/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The end of lwps and processes.
 *
 * Concepts. kern_exit() only sets marks: on the lwp, and with `group` on the
 * process, whose other lwps are notified.  Every lwp unwinds to lwp_main() by
 * itself and calls lwp_exit(); the last one to do so ends the process.  Step 1
 * is done before that, while the thread still counts as the lwp.
 *
 * Order at the end of a process:
 *
 *	1. robust futexes and clear_tid       still in the vmspace
 *	2. the lwp leaves the machine         cpu_unbind
 *	3. descriptors, directories           closed
 *	4. final accounting into the process  maxrss, faults, times
 *	5. vmspace cleared under the proc lock, a vfork parent woken, text
 *	   no longer busy, vmspace_free()     memory and mappings are back
 *	6. the lwp's structures
 *	7. under proctree: children to their reaper, ZOMBIE, SIGCHLD, waiters
 *
 * Everything that a process owns is freed before step 7 makes it visible as a
 * zombie.  So a zombie owns no memory, no file and no text, and wait costs the
 * same after a 4 KiB and after a 64 GiB process.  Its structure keeps only the
 * ids, exit status and usage, and the signal state, which threads that post
 * signals may still read.
 *
 * Reapers.  Orphans become children of the nearest ancestor that is a subreaper
 * (PR_SET_CHILD_SUBREAPER).  Without one they have no parent, and the kernel
 * reaps them when they end.  The first process is a program like any other, not
 * an init.  A process started by the embedder has no parent and waits for
 * vkernel_wait().  A zombie that is traced by a process which is not its parent
 * is reported to that one, and to the parent after the tracer has waited for it
 * or has ended.  Parents that ignore SIGCHLD have their children reaped at
 * once.
 *
 * Locking and lifetime: step 7 is one critical section of proctree.  After it
 * any thread may reap and free the process; this thread touches it only if it
 * has reaped it itself.
 *
 * Guarantees: one SIGCHLD and one wake for each zombie; the parent sees either
 * the live process or the whole zombie.
 */
#include <errno.h>
#include <string.h>

#include "abi/ptrace.h"
#include "abi/signal.h"
#include "abi/time.h"
#include "kern/base/lwp.h"
#include "kern/base/pidfd.h"
#include "kern/base/proc.h"
#include "kern/base/session.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/mqueue.h"
#include "kern/proc/process.h"
#include "kern/sig/ctty.h"
#include "kern/sig/ksignal.h"
#include "kern/sig/signalfd.h"
#include "kern/time/ptimer.h"
#include "libk/kassert.h"
#include "vfs/core/fd.h"
#include "vfs/core/vnode.h"
#include "vm/vmspace.h"

/* Steps 3 to 5. */
static void
exit_resources(struct proc *p)
{
	struct fdtable *fdt;
	struct proc_fs *fs;
	struct vmspace *vm;

	kmutex_lock(&p->lock);
	fdt = p->fdt;
	fs = p->fs;
	p->fdt = NULL;
	p->fs = NULL;
	kmutex_unlock(&p->lock);
	ptimer_exit(p);
	fdtable_free(fdt);
	proc_fs_free(p->k, fs);

	kmutex_lock(&p->lock);
	vm = p->vmspace;
	proc_account_vm(p, vm);
	p->vmspace = NULL;
	kmutex_unlock(&p->lock);
	proc_vfork_done(p);
	if (p->textvp != NULL)
		vn_text_rele(p->textvp);
	vmspace_free(vm);
	/* A zombie is in no name space but that of its number. */
	ns_set_ref(p->k->ns);
	proc_ns_set(p, p->k->ns);
}

/* The process that gets the children of p.  NULL: none, the kernel reaps
 * them. */
static struct proc *
exit_reaper(struct proc *p)
{
	struct pidns *ns = p->pidns;
	struct proc *q;

	for (q = p->parent; q != NULL; q = q->parent) {
		if (ns->init != NULL && ns->init != p && !pidns_has(ns, q))
			return (ns->init);
		if (q->child_subreaper)
			return (q);
		if (q == ns->init)
			return (q);
	}
	return (ns->init != p ? ns->init : NULL);
}

/* Are zombies of this parent reaped at once (SIGCHLD ignored, or SA_NOCLDWAIT)?
 * Parent locked. */
static bool
parent_refuses_zombies(struct proc *parent)
{
	struct lx_sigaction *sa = &parent->sigacts->sa[LX_SIGCHLD];
	bool r;

	kmutex_lock(&parent->sigacts->lock);
	r = sa->handler == LX_SIG_IGN || (sa->flags & LX_SA_NOCLDWAIT) != 0;
	kmutex_unlock(&parent->sigacts->lock);
	return (r);
}

/* Notify the parent of the zombie p: signal and wake.  True: no process will
 * wait for p, and the caller reaps it. traced: its parent, as its tracer, wants
 * to wait for it. proctree held. */
static bool
exit_notify(struct proc *p, bool traced)
{
	struct proc *parent = p->parent;
	const int st = p->exit_status;
	struct ksiginfo ksi = {
	    .signo = p->exit_signal,
	    .pid = parent == NULL
		       ? p->pid
		       : pidns_out_locked(p->k, parent->pidns, p->pid),
	    .uid = p->cred->uid,
	    .utime = p->ru.utime / (1000000000 / LX_USER_HZ),
	    .stime = p->ru.stime / (1000000000 / LX_USER_HZ),
	};
	bool reap = false;

	if (parent == NULL)
		return (!p->embedder_waits);
	if ((st & 0x7f) == 0) {
		ksi.code = LX_CLD_EXITED;
		ksi.status = st >> 8 & 0xff;
	} else {
		ksi.code = (st & 0x80) != 0 ? LX_CLD_DUMPED : LX_CLD_KILLED;
		ksi.status = st & 0x7f;
	}
	kmutex_lock(&parent->lock);
	if (p->exit_signal == LX_SIGCHLD && !traced)
		reap = parent_refuses_zombies(parent);
	if (p->exit_signal != 0)
		ksig_post_proc_locked(parent, &ksi);
	proc_wake_lwps(parent);
	kmutex_unlock(&parent->lock);
	return (reap);
}

/* Give p's children to their reaper.  proctree held. */
static void
exit_reparent(struct proc *p, struct proc_list *reaped)
{
	struct proc *to = exit_reaper(p), *c;
	struct ksiginfo death = {.code = LX_SI_USER, .pid = p->pid};

	while ((c = LIST_FIRST(&p->children)) != NULL) {
		LIST_REMOVE(c, sibling);
		c->parent = to;
		if (to != NULL)
			LIST_INSERT_HEAD(&to->children, c, sibling);
		kmutex_lock(&c->lock);
		c->exit_signal = LX_SIGCHLD;
		if (c->pdeathsig != 0 && c->state != PROC_ZOMBIE) {
			death.signo = c->pdeathsig;
			death.uid = p->cred->uid;
			ksig_post_proc_locked(c, &death);
		}
		kmutex_unlock(&c->lock);
		if (c->state == PROC_ZOMBIE && c->traced == NULL &&
		    exit_notify(c, false))
			proc_reap(c, reaped);
		else if (c->pgid != p->pgid && c->sid == p->sid &&
			 pgrp_has_stopped(p->k, c->pgid) &&
			 pgrp_orphaned_locked(p->k, c->pgid)) {
			pgrp_signal_locked(p->k, c->pgid, LX_SIGHUP);
			pgrp_signal_locked(p->k, c->pgid, LX_SIGCONT);
		}
	}
}

/* p ends: if it is the init of its name space, so do all others of that.
 * proctree held. */
static void
exit_pidns(struct proc *p)
{
	const struct ksiginfo kill = {
	    .signo = LX_SIGKILL, .code = LX_SI_KERNEL};
	struct pidns *ns = p->pidns;
	struct proc *q;

	if (ns->init != p)
		return;
	ns->init = NULL;
	ns->dead = true;
	LIST_FOREACH (q, &p->k->procs, all)
		if (q != p && pidns_has(ns, q))
			ksig_post_proc(q, &kill);
}

/* The session of a leader that ends loses its terminal; its processes can still
 * use their open descriptors of it. */
static void
exit_session(struct proc *p)
{
	struct session *s = p->session;

	if (s->sid != p->pid)
		return;
	if (s->fg_pgid != 0) {
		pgrp_signal_locked(p->k, s->fg_pgid, LX_SIGHUP);
		/* As Linux does when the session had lost its terminal
		 * before. */
		if (s->tty == NULL)
			pgrp_signal_locked(p->k, s->fg_pgid, LX_SIGCONT);
	}
	s->tty = NULL;
	s->fg_pgid = 0;
}

static void
proc_exit(struct proc *p, struct lwp *l)
{
	struct vkernel *k = p->k;
	struct proc_list reaped = LIST_HEAD_INITIALIZER(reaped);
	struct tracee_list dead = LIST_HEAD_INITIALIZER(dead);
	struct vnode *text;

	klock_assert_none();
	KVERIFY(p->vmspace != NULL && p->nlwps == 0);
	exit_resources(p);
	sigfd_proc_exit(p);
	mqueue_proc_exit(p);
	lwp_destroy_in(k, l);

	kmutex_lock(&k->proctree);
	ktrace(
	    &k->trace, KT_EXIT, (uint64_t)p->pid, (uint64_t)p->exit_status, 0);
	exit_session(p);
	exit_pidns(p);
	exit_reparent(p, &reaped);
	kmutex_lock(&p->lock);
	p->state = PROC_ZOMBIE;
	text = p->textvp;
	p->textvp = NULL;
	if (p->oom_victim)
		k->oom_gone_ns = host_now_ns();
	kmutex_unlock(&p->lock);
	k->nlive--;
	pidfd_exited_locked(p);
	/* A tracer that is not the parent waits before the parent does. */
	if (!trace_proc_gone(p, &dead) && exit_notify(p, !LIST_EMPTY(&dead)))
		proc_reap(p, &reaped);
	if (p->embedder_waits && k->exit_fn != NULL)
		k->exit_fn(k->exit_arg, p->pid);
	kcond_broadcast(&k->all_gone);
	kmutex_unlock(&k->proctree);

	vrele(text);
	trace_free_list(&dead);
	proc_release_list(&reaped);
}

void
exit_untraced(struct proc *p, struct proc_list *reaped)
{
	kmutex_assert_owned(&p->k->proctree);
	if (p->state == PROC_ZOMBIE && exit_notify(p, false))
		proc_reap(p, reaped);
}

/* Let the tracees of thread tid of p go, which ends.  proctree held. */
static void
exit_tracer(
    struct proc *p, int tid, struct tracee_list *dead, struct proc_list *reaped)
{
	const struct ksiginfo kill = {
	    .signo = LX_SIGKILL, .code = LX_SI_KERNEL};
	struct tracee *tr;
	struct proc *q;

	while ((tr = trace_owned(p, tid)) != NULL) {
		q = tr->p;
		kmutex_lock(&q->lock);
		if ((tr->options & LX_PTRACE_O_EXITKILL) != 0)
			ksig_post_proc_locked(q, &kill);
		trace_unlink_locked(tr, -1);
		kmutex_unlock(&q->lock);
		LIST_INSERT_HEAD(dead, tr, link);
		if (tr->ended && tr->tid == q->pid)
			exit_untraced(q, reaped);
	}
}

/* Take the lwp off its process.  True: it was the last one. *report: its tracer
 * is to be notified.  proctree held. */
static bool
exit_unlink(struct lwp *l, struct tracee **report)
{
	const bool numbered = l->tid != l->p->pid;
	struct proc *p = l->p;
	struct lwp *o;
	bool last, kept;

	if (numbered)
		pid_remove(p->k, &l->tid_entry);
	kmutex_lock(&p->lock);
	/* The number of a thread goes together with the thread, or when its
	 * tracer has waited for it. */
	kept = trace_lwp_gone_locked(l, report);
	if (numbered && !kept)
		pid_free(p->k, l->tid);
	atomic_store(&l->state, LWP_GONE);
	ptimer_lwp_gone_locked(l);
	p->ru.utime += atomic_load(&l->user_ns);
	p->ru.stime += atomic_load(&l->sys_ns);
	for (int i = 0; i < PROC_NIO; i++)
		p->io[i] += atomic_load(&l->io[i]);
	LIST_REMOVE(l, link);
	last = --p->nlwps == 0;
	if (last)
		p->exiting = true;
	sigfd_taken_locked(p);
	/* A signal that this lwp was chosen for is now for the others. */
	if (p->sigpend.set != 0)
		LIST_FOREACH (o, &p->lwps, link)
			lwp_notify(o);
	kcond_broadcast(&p->cond);
	kmutex_unlock(&p->lock);
	return (last);
}

void
lwp_exit(struct lwp *l)
{
	struct proc_list reaped = LIST_HEAD_INITIALIZER(reaped);
	struct tracee_list dead = LIST_HEAD_INITIALIZER(dead);
	struct proc *p = l->p;
	struct vkernel *k = p->k;
	struct tracee *report;
	bool last;

	cpu_unbind(l->cpu);
	lwp_times_update(l);
	kmutex_lock(&k->proctree);
	last = exit_unlink(l, &report);
	if (report != NULL)
		report->tracer->ops->report(report);
	exit_tracer(p, l->tid, &dead, &reaped);
	kmutex_unlock(&k->proctree);
	trace_free_list(&dead);
	proc_release_list(&reaped);
	/* Unless this was the last lwp, the process may be freed at any time
	 * from here. */
	if (last)
		proc_exit(p, l);
	else
		lwp_destroy_in(k, l);
}
