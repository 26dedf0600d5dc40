/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Light-weight processes: the structure, its clocks, and the marks that make an
 * lwp leave user code.
 *
 * Concepts.  Nothing unwinds an lwp by force. lwp_notify() sets `sigcheck`
 * before it wakes and interrupts the lwp; the loop in kern/proc/lwp_main.c
 * exchanges it for false before it looks at the reason. kern_exit() marks the
 * end of an lwp or of its process, and the lwp finds the mark at the end of its
 * event.
 *
 * Thread-local: lwp_self, the lwp that the calling host thread drives.
 *
 * Locking and lifetime.  An lwp is valid for others while it is on its
 * process's list, under the proc lock.
 *
 * Limits. user_ns is wall time between the hand-over to user code and the
 * event; sys_ns is CPU time of the host thread, brought up to date once a tick.
 * Both are estimates.
 */
#include "kern/base/lwp.h"
#include "kern/base/seccomp.h"

#include <errno.h>
#include <string.h>

#include "abi/resource.h"
#include "abi/signal.h"
#include "abi/time.h"
#include "host/host_file.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "mem/vm_zone.h"
#include "vfs/core/ctx.h"
#include "vfs/core/vnode.h"

/* Bytes that an lwp takes besides its structure: the stack of its host thread
 * as far as it is touched, and the state of its cpu_thread. */
#define LWP_COST ((size_t)16 << 10)

static _Thread_local struct lwp *lwp_self;

void
lwp_set_current(struct lwp *l)
{
	lwp_self = l;
}

struct lwp *
lwp_current(void)
{
	return (lwp_self);
}

void
lwp_set_comm_locked(struct lwp *l, const char comm[16])
{
	kmutex_assert_owned(&l->p->lock);
	memcpy(l->comm, comm, sizeof(l->comm));
	l->comm[sizeof(l->comm) - 1] = '\0';
	if (l->tid == l->p->pid)
		memcpy(l->p->comm, l->comm, sizeof(l->p->comm));
}

/* One thread writes, so that no atomic addition is needed. */
static void
count(_Atomic(uint64_t) *c, uint64_t n)
{
	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

void
lwp_count_io(struct lwp *l, bool write, uint64_t n)
{
	count(&l->io[write ? PROC_SYSCW : PROC_SYSCR], 1);
	count(&l->io[write ? PROC_WCHAR : PROC_RCHAR], n);
}

void
lwp_set_slack_locked(struct lwp *l, uint64_t ns)
{
	kmutex_assert_owned(&l->p->lock);
	l->slack_ns = ns != 0 ? ns : l->slack_default;
}

int
lwp_create(struct proc *p, int tid, struct lwp **out)
{
	struct vkernel *k = p->k;
	struct kmem_acct *cost;
	struct lwp *l;
	int error;

	if (!kmem_charge(LWP_COST, &cost))
		return (ENOMEM);
	l = zalloc(k->z_lwp);
	if (l == NULL) {
		kmem_uncharge(cost, LWP_COST);
		return (ENOMEM);
	}
	memset(l, 0, sizeof(*l));
	l->p = p;
	l->cost = cost;
	l->tid = tid;
	atomic_init(&l->sc_now, -1);
	kmutex_lock(&p->lock);
	l->cred = cred_ref(p->cred);
	kmutex_unlock(&p->lock);
	l->kickfd = -1;
	l->altstack.flags = LX_SS_DISABLE;
	l->slack_ns = l->slack_default = LX_TIMERSLACK_NS;
	error = cpu_thread_create(k->cpu_ops, k->machine, &l->cpu);
	if (error != 0) {
		cred_free(l->cred);
		zfree(k->z_lwp, l);
		kmem_uncharge(cost, LWP_COST);
		return (error);
	}
	atomic_init(&l->state, LWP_RUN);
	kmutex_init(&l->wake_lock, "lwp wake", KRANK_LEAF, 0);
	kcond_init(&l->wake_cond);
	sigpending_init(&l->sigpend);

	kmutex_lock(&p->lock);
	if (lwp_must_end_locked(p, NULL)) {
		kmutex_unlock(&p->lock);
		lwp_destroy_in(k, l);
		return (EAGAIN);
	}
	LIST_INSERT_HEAD(&p->lwps, l, link);
	p->nlwps++;
	kmutex_unlock(&p->lock);
	atomic_fetch_add(&k->lwps_created, 1);
	*out = l;
	return (0);
}

void
lwp_destroy_in(struct vkernel *k, struct lwp *l)
{
	struct kmem_acct *cost = l->cost;

	cpu_thread_destroy(l->cpu);
	sigpending_flush(k, &l->sigpend);
	cred_free(l->cred);
	seccomp_drop(l);
	if (l->kickfd >= 0) {
		host_close(l->kickfd);
		kmem_fd_uncharge(l->kick_cost, 1);
	}
	kcond_destroy(&l->wake_cond);
	kmutex_destroy(&l->wake_lock);
	zfree(k->z_lwp, l);
	kmem_uncharge(cost, LWP_COST);
}

void
lwp_times_update(struct lwp *l)
{
	uint64_t ns;

	if (host_clock_get(LX_CLOCK_THREAD_CPUTIME, &ns) == 0)
		atomic_store(&l->sys_ns, ns);
}

uint64_t
lwp_cpu_ns(const struct lwp *l, uint64_t now, bool all)
{
	uint64_t clock = atomic_load(&l->user_clock);
	uint64_t ns = clock & ~LWP_IN_USER, before;

	if (ns != clock) {
		/* If `now` is from before the lwp entered user code, its time
		 * must not go back. */
		before = atomic_load(&l->user_ns);
		ns = now > ns && now - ns > before ? now - ns : before;
	}
	return (all ? ns + atomic_load(&l->sys_ns) : ns);
}

bool
lwp_in_user(const struct lwp *l)
{
	return ((atomic_load(&l->user_clock) & LWP_IN_USER) != 0);
}

uint64_t
proc_cpu_ns_locked(struct proc *p, uint64_t now, bool all)
{
	uint64_t ns = p->ru.utime + (all ? p->ru.stime : 0);
	const struct lwp *l;

	kmutex_assert_owned(&p->lock);
	LIST_FOREACH (l, &p->lwps, link)
		ns += lwp_cpu_ns(l, now, all);
	return (ns);
}

void
proc_times_locked(struct proc *p, uint64_t *user, uint64_t *sys)
{
	const uint64_t now = host_now_ns();
	const struct lwp *l;

	kmutex_assert_owned(&p->lock);
	*user = p->ru.utime;
	*sys = p->ru.stime;
	LIST_FOREACH (l, &p->lwps, link) {
		*user += lwp_cpu_ns(l, now, false);
		*sys += atomic_load(&l->sys_ns);
	}
}

void
lwp_notify(struct lwp *l)
{
	kmutex_assert_owned(&l->p->lock);
	atomic_store(&l->sigcheck, true);
	lwp_wakeup(l);
	cpu_interrupt(l->cpu);
}

/* struct vfs_waiter.ident */
static void
lwp_ident(void *lwp, struct vfs_ident *id)
{
	const struct lwp *l = lwp;

	id->pid = l->p->pid;
	id->uid = l->cred->euid;
	id->gid = l->cred->egid;
	id->fsuid = l->cred->fsuid;
	id->fsgid = l->cred->fsgid;
	id->caps = cred_caps(l->cred);
}

struct vfs_waiter
lwp_vfs_waiter(struct lwp *l)
{
	return ((struct vfs_waiter){
	    .lwp = l,
	    .wait = lwp_wait_fd,
	    .ident = lwp_ident,
	});
}

struct vfs_ctx
lwp_vfs_ctx(struct lwp *l)
{
	struct proc *p = l->p;
	struct vfs_ctx ctx = {
	    .vfs = p->k->vfs,
	    .uid = l->cred->fsuid,
	    .gid = l->cred->fsgid,
	    .caps = cred_caps(l->cred),
	    .cred = l->cred->serial,
	    .groups = l->cred->groups,
	    .waiter = lwp_vfs_waiter(l),
	};

	kmutex_lock(&p->lock);
	kmutex_lock(&p->fs->lock);
	ctx.umask = p->fs->umask;
	ctx.cwd = p->fs->cwd;
	ctx.root = p->fs->root;
	vplace_ref(&ctx.cwd);
	vplace_ref(&ctx.root);
	kmutex_unlock(&p->fs->lock);
	kmutex_unlock(&p->lock);
	return (ctx);
}

int
lwp_number(const struct lwp *l)
{
	const struct proc *p = l->p;
	const unsigned level = p->pidns->level;

	if (level == 0)
		return (l->tid);
	return (l->tid == p->pid ? pidns_own(p) : l->tid_entry.vid[level - 1]);
}

void
lwp_set_cred(struct lwp *l, struct cred *new)
{
	struct cred *old = l->cred, *first = NULL;
	struct proc *p = l->p;

	kmutex_lock(&p->lock);
	/* The memory may hold what the new user must not see. */
	if (cred_differs(new, old)) {
		p->dumpable = false;
		p->pdeathsig = 0;
	}
	l->cred = new;
	if (l->tid == p->pid) {
		first = p->cred;
		p->cred = cred_ref(new);
	}
	kmutex_unlock(&p->lock);
	cred_free(old);
	cred_free(first);
}

void
lwp_vfs_ctx_done(struct vfs_ctx *ctx)
{
	vplace_rele(&ctx->cwd);
	vplace_rele(&ctx->root);
}

bool
kern_exit(struct lwp *l, int status, bool group)
{
	struct proc *p = l->p;
	bool first = false;
	struct lwp *o;

	kmutex_lock(&p->lock);
	l->exiting = true;
	l->exit_status = status;
	if (group && !p->exiting) {
		first = p->exiting = true;
		p->exit_status = status;
		LIST_FOREACH (o, &p->lwps, link)
			if (o != l)
				lwp_notify(o);
		kcond_broadcast(&p->cond);
	} else if (!p->exiting && (l->tid == p->pid || p->nlwps == 1)) {
		p->exit_status = status;
	}
	kmutex_unlock(&p->lock);
	return (first);
}
