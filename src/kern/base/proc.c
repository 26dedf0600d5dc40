/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Processes: the structure, the table, and references to what a process owns.
 *
 * Concepts.  A process structure has a life word (vm_life.h) like a vmspace:
 * the table owns its one ref, and a thread that uses a process after it has
 * released proctree owns a hold.  States:
 *
 *	EMBRYO -> ALIVE <-> STOPPED -> ZOMBIE -> DEAD -> (last hold) zone
 *
 * EMBRYO: being built by fork or spawn.  ALIVE: has lwps.  ZOMBIE: owns no
 * memory, files or text any more; keeps ids, exit status and usage until its
 * parent waits.  DEAD: out of the table; lookups by pid fail, a thread with a
 * hold may still read the ids.
 *
 * What a process owns is taken in one order and published under its lock:
 * vmspace, textvp, fdt and fs are NULL before the first exec and again when the
 * process is a zombie, and a thread of another process can take a ref or hold
 * of each under the proc lock (proc_vmspace_hold() and similar calls).  That
 * reference stays valid whatever the process does next.  It does not keep the
 * process's memory alive: a hold of a vmspace does not.
 *
 * What the threads of a process cause the kernel to allocate is charged to the
 * account of the process (mem/kmem.c), which may outlive it: a message in a
 * queue, for example, stays charged until it is received.
 *
 * Locking and lifetime: parent, children, table, groups and sessions under
 * proctree; the rest under the proc lock, taken after proctree and parent
 * before child.  Signal state is freed with the structure, so that posting to a
 * process that has just died is harmless.
 *
 * Guarantees: every process that has exec'ed and is not a zombie has a text
 * vnode: exec replaces it in one critical section of the proc lock, so
 * proc_textvp_ref() never finds it missing.
 */
#include "kern/base/proc.h"

#include <errno.h>
#include <string.h>

#include "abi/resource.h"
#include "abi/signal.h"
#include "host/host.h"
#include "kern/base/lwp.h"
#include "kern/base/session.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "mem/vm_zone.h"
#include "pmap/pmap.h"
#include "vfs/core/fd.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vm/vmspace.h"

struct proc *
proc_alloc(struct vkernel *k)
{
	struct proc *p;

	p = zalloc(k->z_proc);
	if (p == NULL)
		return (NULL);
	memset(p, 0, sizeof(*p));
	p->kmem = kmem_acct_create(&k->vm.kmem);
	if (p->kmem == NULL) {
		zfree(k->z_proc, p);
		return (NULL);
	}
	vm_life_init(&p->life);
	p->k = k;
	p->id = atomic_fetch_add(&k->vm.next_id, 1);
	p->state = PROC_EMBRYO;
	kmutex_init(&p->lock, "proc", KRANK_PROC, KLOCK_DUPOK);
	kcond_init(&p->cond);
	LIST_INIT(&p->children);
	LIST_INIT(&p->lwps);
	sigpending_init(&p->sigpend);
	LIST_INIT(&p->sigfds);
	LIST_INIT(&p->tracer.tracees);
	p->tracer.p = p;
	p->exit_signal = LX_SIGCHLD;
	p->dumpable = true;
	p->coredump_filter = LX_COREDUMP_FILTER;
	p->loginuid = p->sessionid = UINT32_MAX;
	p->start_ns = host_now_ns();
	p->ns = k->ns;
	ns_set_ref(p->ns);
	atomic_init(&p->ipc_ns, p->ns->of[NS_IPC]->ino);
	atomic_init(&p->offline, ns_set_offline(p->ns));
	p->pidns = (struct pidns *)p->ns->of[NS_PID];
	ns_ref(&p->pidns->ns);
	return (p);
}

static void
proc_destroy(struct proc *p)
{
	struct vkernel *k = p->k;
	struct kmem_acct *kmem = p->kmem;

	KVERIFY(p->vmspace == NULL && p->fdt == NULL && p->fs == NULL);
	KVERIFY(LIST_EMPTY(&p->lwps) && LIST_EMPTY(&p->children));
	KVERIFY(LIST_EMPTY(&p->sigfds));
	KVERIFY(LIST_EMPTY(&p->tracer.tracees));
	sigpending_flush(k, &p->sigpend);
	if (p->sigacts != NULL)
		sigacts_free(k, p->sigacts);
	cred_free(p->cred);
	ns_set_free(p->ns);
	ns_free(&p->pidns->ns);
	if (p->vfork_parent != NULL) /* it never ran */
		proc_drop(p->vfork_parent);
	kcond_destroy(&p->cond);
	kmutex_destroy(&p->lock);
	zfree(k->z_proc, p);
	kmem_acct_free(kmem);
}

void
proc_hold(struct proc *p)
{
	vm_life_hold(&p->life);
}

void
proc_drop(struct proc *p)
{
	if (vm_life_drop(&p->life))
		proc_destroy(p);
}

void
proc_release(struct proc *p)
{
	KVERIFY(vm_life_free(&p->life));
	proc_drop(p);
}

void
proc_link(struct proc *p, struct proc *parent)
{
	struct vkernel *k = p->k;

	kmutex_assert_owned(&k->proctree);
	p->parent = parent;
	if (parent != NULL)
		LIST_INSERT_HEAD(&parent->children, p, sibling);
	LIST_INSERT_HEAD(&k->procs, p, all);
	pid_enter(k, &p->pid_entry, p->pid, p);
	k->nprocs++;
	k->nlive++;
	atomic_fetch_add(&k->procs_created, 1);
}

void
proc_unlink(struct proc *p)
{
	struct vkernel *k = p->k;

	kmutex_assert_owned(&k->proctree);
	KVERIFY(LIST_EMPTY(&p->children));
	pid_remove(k, &p->pid_entry);
	if (p->pidns->init == p) { /* also if it has never run */
		p->pidns->init = NULL;
		p->pidns->dead = true;
	}
	LIST_REMOVE(p, all);
	if (p->parent != NULL)
		LIST_REMOVE(p, sibling);
	p->parent = NULL;
	kmutex_lock(&p->lock);
	if (p->state != PROC_ZOMBIE)
		k->nlive--;
	p->state = PROC_DEAD;
	kmutex_unlock(&p->lock);
	k->nprocs--;
	pid_free(k, p->pid);
	session_free(k, p->session);
	p->session = NULL;
	kcond_broadcast(&k->all_gone);
}

void
proc_reap(struct proc *p, struct proc_list *list)
{
	proc_unlink(p);
	LIST_INSERT_HEAD(list, p, all);
}

void
proc_release_list(struct proc_list *list)
{
	struct proc *p;

	while ((p = LIST_FIRST(list)) != NULL) {
		LIST_REMOVE(p, all);
		proc_release(p);
	}
}

void
proc_undo(struct proc *p)
{
	struct fdtable *fdt;
	struct proc_fs *fs;
	struct vnode *text;
	struct vmspace *vm;

	kmutex_lock(&p->lock);
	fdt = p->fdt;
	fs = p->fs;
	text = p->textvp;
	vm = p->vmspace;
	p->fdt = NULL;
	p->fs = NULL;
	p->textvp = NULL;
	p->vmspace = NULL;
	kmutex_unlock(&p->lock);
	if (fdt != NULL)
		fdtable_free(fdt);
	if (fs != NULL)
		proc_fs_free(p->k, fs);
	if (text != NULL) {
		vn_text_rele(text);
		vrele(text);
	}
	if (vm != NULL)
		vmspace_free(vm);
}

uint32_t
proc_uid(struct proc *p)
{
	uint32_t uid;

	kmutex_lock(&p->lock);
	uid = p->cred->uid;
	kmutex_unlock(&p->lock);
	return (uid);
}

void
proc_comm(struct proc *p, char comm[16])
{
	_Static_assert(sizeof(p->comm) == 16, "comm");
	kmutex_lock(&p->lock);
	memcpy(comm, p->comm, sizeof(p->comm));
	kmutex_unlock(&p->lock);
	comm[sizeof(p->comm) - 1] = '\0';
}

struct vmspace *
proc_vmspace_hold(struct proc *p)
{
	struct vmspace *vm;

	kmutex_lock(&p->lock);
	vm = p->vmspace;
	if (vm != NULL)
		vmspace_hold(vm);
	kmutex_unlock(&p->lock);
	return (vm);
}

struct vnode *
proc_textvp_ref(struct proc *p)
{
	struct vnode *vp;

	kmutex_lock(&p->lock);
	vp = p->textvp;
	if (vp != NULL)
		vref(vp);
	kmutex_unlock(&p->lock);
	return (vp);
}

struct fdtable *
proc_fdt_ref(struct proc *p)
{
	struct fdtable *fdt;

	kmutex_lock(&p->lock);
	fdt = p->fdt;
	if (fdt != NULL)
		fdtable_ref(fdt);
	kmutex_unlock(&p->lock);
	return (fdt);
}

struct proc_fs *
proc_fs_ref(struct proc *p)
{
	struct proc_fs *fs;

	kmutex_lock(&p->lock);
	fs = p->fs;
	if (fs != NULL)
		atomic_fetch_add(&fs->refs, 1);
	kmutex_unlock(&p->lock);
	return (fs);
}

int
proc_fs_copy(struct vkernel *k, struct proc_fs *from, struct proc_fs **out)
{
	struct proc_fs *fs;

	fs = zalloc(k->z_fs);
	if (fs == NULL)
		return (ENOMEM);
	memset(fs, 0, sizeof(*fs));
	atomic_init(&fs->refs, 1);
	kmutex_init(&fs->lock, "proc_fs", KRANK_FDTABLE, 0);
	kmutex_lock(&from->lock);
	fs->cwd = from->cwd;
	fs->root = from->root;
	fs->umask = from->umask;
	fs->ns = from->ns;
	vplace_ref(&fs->cwd);
	vplace_ref(&fs->root);
	mntns_ref(fs->ns);
	kmutex_unlock(&from->lock);
	*out = fs;
	return (0);
}

void
proc_fs_free(struct vkernel *k, struct proc_fs *fs)
{
	if (atomic_fetch_sub(&fs->refs, 1) != 1)
		return;
	vplace_rele(&fs->cwd);
	vplace_rele(&fs->root);
	mntns_free(fs->ns);
	kmutex_destroy(&fs->lock);
	zfree(k->z_fs, fs);
}

void
proc_wake_lwps(struct proc *p)
{
	struct lwp *l;

	kmutex_assert_owned(&p->lock);
	LIST_FOREACH (l, &p->lwps, link)
		lwp_wakeup(l);
}

void
proc_vfork_done(struct proc *p)
{
	struct proc *waiter;

	kmutex_lock(&p->lock);
	p->vfork_done = true;
	waiter = p->vfork_parent;
	p->vfork_parent = NULL;
	kmutex_unlock(&p->lock);
	if (waiter == NULL)
		return;
	kmutex_lock(&waiter->lock);
	proc_wake_lwps(waiter);
	kmutex_unlock(&waiter->lock);
	proc_drop(waiter);
}

void
rusage_add(struct proc_rusage *to, const struct proc_rusage *from)
{
	to->utime += from->utime;
	to->stime += from->stime;
	to->minflt += from->minflt;
	to->majflt += from->majflt;
	if (from->maxrss > to->maxrss)
		to->maxrss = from->maxrss;
}

/* Faults of a vmspace that another process still uses are reported by that
 * process. */
static void
rusage_add_vm(struct proc_rusage *ru, struct vmspace *vm)
{
	struct proc_rusage add = {0};

	add.maxrss = atomic_load(&vm->pmap->resident_peak) * PAGE_SIZE;
	if (vm_life_refs(&vm->life) == 1) {
		add.minflt = atomic_load(&vm->usage.minflt);
		add.majflt = atomic_load(&vm->usage.majflt);
	}
	rusage_add(ru, &add);
}

void
proc_account_vm(struct proc *p, struct vmspace *vm)
{
	kmutex_assert_owned(&p->lock);
	rusage_add_vm(&p->ru, vm);
}

void
proc_rusage(struct proc *p, struct proc_rusage *ru)
{
	kmutex_lock(&p->lock);
	*ru = p->ru;
	proc_times_locked(p, &ru->utime, &ru->stime);
	if (p->vmspace != NULL)
		rusage_add_vm(ru, p->vmspace);
	kmutex_unlock(&p->lock);
}

uint64_t
proc_rlimit_cur(struct proc *p, int which)
{
	uint64_t cur;

	kmutex_lock(&p->lock);
	cur = p->rlim[which].cur;
	kmutex_unlock(&p->lock);
	return (cur);
}
