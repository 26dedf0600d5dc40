/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * fork, vfork and clone: new processes and new threads.
 *
 * Concepts.  There is one call, kern_clone().  Its flags say what the child
 * shares and what it gets a copy of:
 *
 *	part         shared by              else
 *	vmspace      CLONE_VM: a ref        vmspace_fork(): copy on write
 *	descriptors  CLONE_FILES: a ref     fdtable_fork()
 *	cwd, umask   CLONE_FS: a ref        proc_fs_copy()
 *	handlers     CLONE_SIGHAND: a ref   sigacts_create()
 *	undo lists   CLONE_SYSVSEM: a ref   none, until it needs one
 *	all of it    CLONE_THREAD: a new lwp in the same process
 *
 * A child starts with its parent's registers, rax 0, and on its own stack if
 * one is given.
 *
 * Order.  Everything that can fail is done before other threads can find the
 * child, in this order: structure, shared parts, the lwp with its machine
 * thread, then under proctree the number and the links, and last the host
 * thread, which is the commit point.  Each step has its inverse in the exit
 * ladder of clone_into().  A child that is removed after it was linked was
 * an EMBRYO, which wait skips and signals do not reach.
 *
 * vfork.  The parent's lwp waits until the child has exec'ed or exited.  The
 * child sets vfork_done under its lock and wakes the lwps of the process that
 * called (with CLONE_PARENT, that is not the child's parent).  Each of the two
 * processes holds the other's structure during the wait.  Only SIGKILL or the
 * end of the calling lwp interrupts the wait; the child then continues with its
 * own ref of the vmspace.
 *
 * Locking and lifetime: a fork holds nothing of the parent's when it returns
 * (text, descriptors, directories and vmspace have refs of their own), and a
 * failed fork undoes all of its steps.
 *
 * Guarantees: a parent that is being killed makes no more children. fork_link()
 * tests for that under proctree, and a thread that kills several processes
 * holds proctree while it walks the table: it finds the child in the table, or
 * the child is never linked.
 */
#include <errno.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/ptrace.h"
#include "abi/resource.h"
#include "abi/sched.h"
#include "kern/base/lwp.h"
#include "kern/base/pidfd.h"
#include "kern/base/proc.h"
#include "kern/base/seccomp.h"
#include "kern/base/session.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/keys.h"
#include "kern/ipc/sysvipc.h"
#include "kern/proc/process.h"
#include "kern/sig/ksignal.h"
#include "libk/kassert.h"
#include "kern/base/mountns.h"
#include "mem/kmem.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/vnode.h"
#include "vm/vmspace.h"

#define FORK_ROOM ((size_t)32 << 10)

#define CLONE_NEW_ANY                                              \
	(LX_CLONE_NEWTIME | LX_CLONE_NEWNS | LX_CLONE_NEWCGROUP |  \
	    LX_CLONE_NEWUTS | LX_CLONE_NEWIPC | LX_CLONE_NEWUSER | \
	    LX_CLONE_NEWPID | LX_CLONE_NEWNET)

/* Are new processes of p in another name space of numbers than p? */
static bool
children_apart(struct proc *p)
{
	bool apart;

	kmutex_lock(&p->lock);
	apart = p->ns->of[NS_PID] != &p->pidns->ns;
	kmutex_unlock(&p->lock);
	return (apart);
}

static int
clone_check(struct lwp *l, uint64_t flags)
{
	if ((flags & (LX_CLONE_NEWNS | LX_CLONE_FS)) ==
	    (LX_CLONE_NEWNS | LX_CLONE_FS))
		return (EINVAL);
	if ((flags & (LX_CLONE_NEWUSER | LX_CLONE_FS)) ==
	    (LX_CLONE_NEWUSER | LX_CLONE_FS))
		return (EINVAL);
	if ((flags & LX_CLONE_THREAD) != 0 &&
	    ((flags & (LX_CLONE_NEWUSER | LX_CLONE_NEWPID)) != 0 ||
		children_apart(l->p)))
		return (EINVAL);
	if ((flags & (LX_CLONE_NEWIPC | LX_CLONE_SYSVSEM)) ==
	    (LX_CLONE_NEWIPC | LX_CLONE_SYSVSEM))
		return (EINVAL);
	if ((flags & LX_CLONE_THREAD) != 0 && (flags & LX_CLONE_SIGHAND) == 0)
		return (EINVAL);
	if ((flags & LX_CLONE_SIGHAND) != 0 && (flags & LX_CLONE_VM) == 0)
		return (EINVAL);
	if ((flags & LX_CLONE_SIGHAND) != 0 &&
	    (flags & LX_CLONE_CLEAR_SIGHAND) != 0)
		return (EINVAL);
	if ((flags & LX_CLONE_THREAD) != 0 && (flags & LX_CLONE_VFORK) != 0)
		return (EINVAL);
	return (0);
}

/* The child lwp's registers and signal state, from its parent's. */
static int
clone_lwp_state(
    struct lwp *l, struct lwp *nl, const struct kern_clone_args *args)
{
	const uint64_t flags = args->flags;
	struct trapframe *tf = &nl->cpu->tf;
	struct cred *former;
	int error;

	*tf = l->cpu->tf;
	tf->rax = 0;
	tf->orig_rax = UINT64_MAX;
	if (args->stack != 0)
		tf->rsp = args->stack;
	if ((flags & LX_CLONE_SETTLS) != 0)
		tf->fs_base = args->tls;
	error = cpu_xstate_copy(nl->cpu, l->cpu);
	if (error != 0)
		return (error);
	/* Prepare the machine now, while the fork can still be refused. */
	error = (flags & LX_CLONE_VM) != 0
		    ? cpu_share(nl->cpu, l->cpu)
		    : cpu_prepare(nl->cpu, nl->p->vmspace->pmap);
	if (error != 0)
		return (error);
	if ((flags & LX_CLONE_SYSVSEM) != 0) {
		error = sem_undo_share(l, nl);
		if (error != 0)
			return (error);
	}
	error = keys_inherit(l, nl, nl->p == l->p);
	if (error != 0)
		return (error);
	kmutex_lock(&l->p->lock);
	nl->sigmask = l->sigmask_restore ? l->sigmask_saved : l->sigmask;
	nl->nice = l->nice;
	memcpy(nl->comm, l->comm, sizeof(nl->comm));
	nl->slack_ns = nl->slack_default = l->slack_ns;
	nl->io_flusher = l->io_flusher;
	nl->policy = l->policy;
	if (l->reset_on_fork && nl->nice < 0)
		nl->nice = 0;
	nl->ioprio = l->ioprio;
	nl->mempolicy = l->mempolicy;
	memcpy(nl->cpus, l->cpus, sizeof(nl->cpus));
	nl->cpus_set = l->cpus_set;
	cpu_bind_as(nl->cpu, l->cpu);
	seccomp_inherit_locked(l, nl);
	former = nl->cred;
	nl->cred = cred_ref(nl->p == l->p ? l->cred : nl->p->cred);
	kmutex_unlock(&l->p->lock);
	cred_free(former);
	if ((flags & (LX_CLONE_VM | LX_CLONE_VFORK)) != LX_CLONE_VM)
		nl->altstack = l->altstack;
	if ((flags & LX_CLONE_CHILD_SETTID) != 0)
		nl->set_child_tid = args->child_tid;
	if ((flags & LX_CLONE_CHILD_CLEARTID) != 0)
		nl->clear_tid = args->child_tid;
	return (0);
}

/* The PTRACE_EVENT_* that reports this call. */
static int
clone_event(const struct kern_clone_args *args)
{
	if ((args->flags & LX_CLONE_VFORK) != 0)
		return (LX_PTRACE_EVENT_VFORK);
	return (args->exit_signal == LX_SIGCHLD ? LX_PTRACE_EVENT_FORK
						: LX_PTRACE_EVENT_CLONE);
}

/* A record for the case that the tracer of l traces the child, too; NULL: it
 * does not.  0, ENOMEM. */
static int
clone_trace_alloc(struct lwp *l, struct proc *np,
    const struct kern_clone_args *args, struct tracee **tr)
{
	*tr = NULL;
	if ((args->flags & LX_CLONE_UNTRACED) != 0 ||
	    ((args->flags & LX_CLONE_PTRACE) == 0 &&
		!trace_event_chosen(l, clone_event(args))))
		return (0);
	return (trace_alloc(np, tr));
}

/* The child is linked, and does not run yet. */
static void
clone_trace(struct lwp *l, struct lwp *nl, const struct kern_clone_args *args,
    struct tracee **tr)
{
	const bool any = (args->flags & LX_CLONE_PTRACE) != 0;

	trace_inherit(l, nl, any ? 0 : clone_event(args), tr);
}

/* The child will never run. */
static void
clone_untrace(struct lwp *nl)
{
	struct proc *p = nl->p;
	struct tracee *tr;

	kmutex_lock(&p->k->proctree);
	kmutex_lock(&p->lock);
	tr = nl->traced;
	if (tr != NULL)
		trace_unlink_locked(tr, 0);
	kmutex_unlock(&p->lock);
	kmutex_unlock(&p->k->proctree);
	trace_free(tr);
}

static void
clone_settid(struct lwp *l, const struct kern_clone_args *args, int tid)
{
	if ((args->flags & LX_CLONE_PARENT_SETTID) != 0)
		(void)copyout(
		    l->p->vmspace, &tid, args->parent_tid, sizeof(tid));
}

/*
 * Has the user of p as many processes and threads as RLIMIT_NPROC allows?
 * Zombies count until they are reaped; user 0 and who may raise limits are
 * exempt, as on Linux.  The walk costs time only where there is a limit.
 * proctree held.
 */
static bool
nproc_full(struct lwp *l)
{
	const uint32_t uid = l->cred->uid;
	struct proc *p = l->p, *q;
	uint64_t limit, n = 0;

	kmutex_assert_owned(&p->k->proctree);
	kmutex_lock(&p->lock);
	limit = p->rlim[LX_RLIMIT_NPROC].cur;
	if (uid == 0 || lwp_capable(l, LX_CAP_SYS_RESOURCE) ||
	    lwp_capable(l, LX_CAP_SYS_ADMIN))
		limit = LX_RLIM_INFINITY;
	kmutex_unlock(&p->lock);
	if (limit == LX_RLIM_INFINITY)
		return (false);
	LIST_FOREACH (q, &p->k->procs, all) {
		kmutex_lock(&q->lock);
		if (q->cred->uid == uid)
			n += q->nlwps > 0 ? (uint64_t)q->nlwps : 1;
		kmutex_unlock(&q->lock);
		if (n >= limit)
			return (true);
	}
	return (false);
}

static int
clone_thread(struct lwp *l, const struct kern_clone_args *args, int *tid)
{
	struct vkernel *k = l->p->k;
	struct tracee *tr;
	struct lwp *nl;
	int error, newtid, number;

	error = clone_trace_alloc(l, l->p, args, &tr);
	if (error != 0)
		return (error);
	kmutex_lock(&k->proctree);
	error = nproc_full(l) ? EAGAIN : pid_alloc(k, PID_THREAD, &newtid);
	kmutex_unlock(&k->proctree);
	if (error != 0)
		goto fail_trace;
	error = lwp_create(l->p, newtid, &nl);
	if (error != 0)
		goto fail_tid;
	error = clone_lwp_state(l, nl, args);
	if (error != 0)
		goto fail_lwp;
	kmutex_lock(&k->proctree);
	pid_enter(k, &nl->tid_entry, newtid, nl->p);
	kmutex_unlock(&k->proctree);
	clone_trace(l, nl, args, &tr);
	number = lwp_number(nl);
	clone_settid(l, args, number);
	error = lwp_start(nl);
	if (error != 0)
		goto fail_enter;
	trace_free(tr);
	*tid = number;
	if ((args->flags & LX_CLONE_UNTRACED) == 0)
		(void)trace_event(l, clone_event(args), (uint64_t)newtid);
	return (0);
fail_enter:
	clone_untrace(nl);
	kmutex_lock(&k->proctree);
	pid_remove(k, &nl->tid_entry);
	kmutex_unlock(&k->proctree);
fail_lwp:
	lwp_undo(nl);
fail_tid:
	kmutex_lock(&k->proctree);
	pid_free(k, newtid);
	kmutex_unlock(&k->proctree);
fail_trace:
	trace_free(tr);
	return (error);
}

/* Identity and settings of the parent; a sibling (CLONE_PARENT) ends with the
 * same signal. */
static void
fork_copy_settings(
    struct lwp *l, struct proc *np, const struct kern_clone_args *args)
{
	struct proc *p = l->p;

	np->parent_tid =
	    (args->flags & LX_CLONE_PARENT) != 0 ? p->parent_tid : l->tid;
	kmutex_lock(&p->lock);
	np->exit_signal = (args->flags & LX_CLONE_PARENT) != 0
			      ? p->exit_signal
			      : args->exit_signal;
	np->cred = cred_ref(l->cred);
	memcpy(np->rlim, p->rlim, sizeof(np->rlim));
	/* Its first thread then arms the timer that looks at the limit. */
	if (np->rlim[LX_RLIMIT_CPU].cur != LX_RLIM_INFINITY)
		atomic_store(&np->cpu_parked, true);
	memcpy(np->comm, l->comm, sizeof(np->comm));
	memcpy(np->saved_auxv, p->saved_auxv, sizeof(np->saved_auxv));
	np->dumpable = p->dumpable;
	np->no_new_privs = p->no_new_privs;
	np->async_files = atomic_load(&p->async_files);
	np->oom_adj = p->oom_adj;
	np->oom_adj_min = p->oom_adj_min;
	np->coredump_filter = p->coredump_filter;
	np->loginuid = p->loginuid;
	np->sessionid = p->sessionid;
	np->thp_disable = p->thp_disable;
	atomic_store(&np->personality, atomic_load(&p->personality));
	kmutex_unlock(&p->lock);
}

static int
fork_sigacts(struct proc *p, struct proc *np, uint64_t flags)
{
	int error;

	if ((flags & LX_CLONE_SIGHAND) != 0) {
		atomic_fetch_add(&p->sigacts->refs, 1);
		np->sigacts = p->sigacts;
		return (0);
	}
	error = sigacts_create(p->k, p->sigacts, &np->sigacts);
	if (error == 0 && (flags & LX_CLONE_CLEAR_SIGHAND) != 0)
		sigacts_exec(np->sigacts);
	return (error);
}

/* The name spaces of the child: those of its parent, or new ones.  Its
 * credentials are a copy: a descriptor that it inherits was not opened with
 * them. */
static int
fork_ns(struct lwp *l, struct proc *np, uint64_t flags)
{
	struct ns_set *set;
	struct cred *cred = cred_copy(np->cred);
	int error;

	if (cred == NULL)
		return (ENOMEM);
	cred_free(np->cred);
	np->cred = cred;
	if ((flags & CLONE_NEW_ANY) != 0) {
		error = ns_set_unshare(l, flags, &set);
		if (error != 0)
			return (error);
	} else
		set = proc_ns_ref(l->p);
	if ((flags & LX_CLONE_NEWUSER) != 0)
		cred_enter_userns(cred, (struct userns *)set->of[NS_USER]);
	proc_ns_set(np, set);
	ns_free(&np->pidns->ns);
	np->pidns = (struct pidns *)set->of[NS_PID];
	ns_ref(&np->pidns->ns);
	return (0);
}

/* Give np what it owns.  On failure proc_undo() gives back what it has. */
static int
fork_resources(struct lwp *l, struct proc *np, uint64_t flags)
{
	struct proc *p = l->p;
	int error;

	error = fork_sigacts(p, np, flags);
	if (error == 0)
		error = fork_ns(l, np, flags);
	if (error != 0)
		return (error);
	if ((flags & LX_CLONE_FS) != 0) {
		atomic_fetch_add(&p->fs->refs, 1);
		np->fs = p->fs;
	} else {
		error = proc_fs_copy(p->k, p->fs, &np->fs);
		if (error == 0 && (flags & LX_CLONE_NEWNS) != 0)
			error = kern_mounts_unshare(
			    np->fs, (struct userns *)np->ns->of[NS_USER]);
		if (error != 0)
			return (error);
	}
	if ((flags & LX_CLONE_FILES) != 0) {
		fdtable_ref(p->fdt);
		np->fdt = p->fdt;
		p->fdt_shared = np->fdt_shared = true;
	} else {
		error = fdtable_fork(p->fdt, &np->fdt);
		if (error != 0)
			return (error);
	}
	np->textvp = proc_textvp_ref(p);
	if (np->textvp != NULL) {
		error = vn_text_ref(np->textvp);
		if (error != 0) {
			vrele(np->textvp);
			np->textvp = NULL;
			return (error);
		}
	}
	if ((flags & LX_CLONE_VM) != 0) {
		vmspace_ref(p->vmspace);
		np->vmspace = p->vmspace;
		return (0);
	}
	return (vmspace_fork(p->vmspace, &np->vmspace));
}

/* Numbers and links: np is in the table, and its lwp nl can be found there.
 * EAGAIN: no more children. */
static int
fork_link(struct lwp *l, struct proc *np, struct lwp *nl,
    const struct kern_clone_args *args)
{
	struct proc *p = l->p;
	struct vkernel *k = p->k;
	bool killed;
	int error;

	kmutex_lock(&k->proctree);
	kmutex_lock(&p->lock);
	killed = lwp_killed_locked(l);
	kmutex_unlock(&p->lock);
	error = EAGAIN;
	if (killed || atomic_load(&k->dying) || nproc_full(l))
		goto out;
	if (np->pidns->dead) {
		error = ENOMEM;
		goto out;
	}
	error = pid_alloc(k, PID_PROC, &np->pid);
	if (error != 0)
		goto out;
	nl->tid = np->pid;
	np->pgid = p->pgid;
	np->sid = p->sid;
	np->session = p->session;
	session_ref(np->session);
	proc_link(np, (args->flags & LX_CLONE_PARENT) != 0 ? p->parent : p);
	if (pidns_is_init(np))
		np->pidns->init = np;
	if (args->pidfd != NULL)
		pidfd_bind_locked(args->pidfd, np);
out:
	kmutex_unlock(&k->proctree);
	return (error);
}

static void
vfork_wait(struct lwp *l, struct proc *np)
{
	bool done;

	l->killonly = true;
	for (;;) {
		lwp_sleep_prepare(l);
		kmutex_lock(&np->lock);
		done = np->vfork_done;
		kmutex_unlock(&np->lock);
		if (done || lwp_sleep(l, UINT64_MAX) != 0)
			break;
	}
	l->killonly = false;
}

/* Start the linked child. np may have been freed when this returns 0. */
static int
fork_start(struct lwp *l, struct proc *np, struct lwp *nl,
    const struct kern_clone_args *args, int *tid)
{
	const bool untraced = (args->flags & LX_CLONE_UNTRACED) != 0;
	const int pid = np->pid;
	/* Now: the child may be reaped before this function ends. */
	const int number = pidns_out(l->p->k, l->p->pidns, pid);
	int error;

	clone_settid(l, args, number);
	kmutex_lock(&np->lock);
	np->state = PROC_ALIVE;
	kmutex_unlock(&np->lock);
	proc_hold(np);
	error = lwp_start(nl);
	if (error == 0) {
		ktrace(&l->p->k->trace, KT_FORK, (uint64_t)l->p->pid,
		    (uint64_t)pid, 0);
		if (!untraced)
			(void)trace_event(l, clone_event(args), (uint64_t)pid);
		if ((args->flags & LX_CLONE_VFORK) != 0) {
			vfork_wait(l, np);
			if (!untraced)
				(void)trace_event(l, LX_PTRACE_EVENT_VFORK_DONE,
				    (uint64_t)pid);
		}
		*tid = number;
	} else {
		kmutex_lock(&np->lock);
		np->state = PROC_EMBRYO;
		kmutex_unlock(&np->lock);
	}
	proc_drop(np);
	return (error);
}

/* The caller's descriptor of the child, which the child does not get: *fd. */
static int
fork_pidfd(struct lwp *l, const struct kern_clone_args *args, int *fd)
{
	struct fdtable *fdt = l->p->fdt;
	uint64_t limit = proc_rlimit_cur(l->p, LX_RLIMIT_NOFILE);
	int error;

	if (args->pidfd == NULL)
		return (0);
	file_ref(args->pidfd);
	error = fd_alloc(fdt, args->pidfd, 0, true,
	    limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX, fd);
	if (error != 0) {
		file_free(args->pidfd);
		return (error == EINVAL ? EMFILE : error);
	}
	error = copyout(l->p->vmspace, fd, args->pidfd_nr, sizeof(*fd));
	if (error != 0)
		(void)fd_close(fdt, *fd);
	return (error);
}

/* Make np a copy of l's process and start it; on failure it is released. */
static int
clone_into(struct lwp *l, struct proc *np, const struct kern_clone_args *args,
    int *tid)
{
	struct proc *p = l->p;
	struct vkernel *k = p->k;
	struct tracee *tr;
	struct lwp *nl;
	int pidfd = -1, error;

	fork_copy_settings(l, np, args);
	if ((args->flags & LX_CLONE_VFORK) != 0) {
		proc_hold(p);
		np->vfork_parent = p;
	}
	error = fork_resources(l, np, args->flags);
	if (error != 0)
		goto fail_proc;
	error = clone_trace_alloc(l, np, args, &tr);
	if (error != 0)
		goto fail_proc;
	error = lwp_create(np, 0, &nl);
	if (error != 0)
		goto fail_trace;
	error = clone_lwp_state(l, nl, args);
	if (error != 0)
		goto fail_lwp;
	error = fork_pidfd(l, args, &pidfd);
	if (error != 0)
		goto fail_lwp;
	error = fork_link(l, np, nl, args);
	if (error != 0)
		goto fail_pidfd;
	clone_trace(l, nl, args, &tr);
	error = fork_start(l, np, nl, args, tid);
	if (error == 0) {
		trace_free(tr);
		return (0);
	}
	clone_untrace(nl);
	kmutex_lock(&k->proctree);
	proc_unlink(np);
	kmutex_unlock(&k->proctree);
fail_pidfd:
	if (pidfd >= 0)
		(void)fd_close(p->fdt, pidfd);
fail_lwp:
	lwp_undo(nl);
fail_trace:
	trace_free(tr);
fail_proc:
	proc_undo(np);
	proc_release(np);
	return (error);
}

/* Has the caller room for the faults that follow a fork?  Without it the fork
 * is refused: for a fault there is no errno. */
static bool
fork_room(void)
{
	struct kmem_acct *who;

	if (!kmem_charge(FORK_ROOM, &who))
		return (false);
	kmem_uncharge(who, FORK_ROOM);
	return (true);
}

/* What a child gets is charged to the child, its structure to the parent. */
static int
clone_process(struct lwp *l, const struct kern_clone_args *args, int *tid)
{
	struct kmem_acct *own = kmem_current(); /* l's process has it */
	struct proc *np;
	int error;

	if (!fork_room())
		return (ENOMEM);
	np = proc_alloc(l->p->k);
	if (np == NULL)
		return (ENOMEM);
	kmem_switch(np->kmem);
	error = clone_into(l, np, args, tid);
	kmem_switch(own);
	return (error);
}

int
kern_clone(struct lwp *l, const struct kern_clone_args *args, int *tid)
{
	int error;

	klock_assert_none();
	error = clone_check(l, args->flags);
	if (error != 0)
		return (error);
	if ((args->flags & LX_CLONE_THREAD) != 0)
		return (clone_thread(l, args, tid));
	return (clone_process(l, args, tid));
}
