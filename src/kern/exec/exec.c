/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * exec: a process gets a new program.
 *
 * Concepts.  Everything is prepared aside, in a struct exec_image: the vnode is
 * opened and checked, and activators (#! scripts, ELF) build a new vmspace with
 * the program, its interpreter, stack, arguments and auxv in it.  Nothing of
 * the process has changed so far.  Every failure only discards the image, and
 * the caller continues with Linux's errno.
 *
 * Then, in this order:
 *
 *	1. copy what exec changes and another process uses too: handlers,
 *	   descriptors (the last step that can be refused)
 *	2. the other lwps end; the caller takes the process's number
 *	3. the caller leaves the old vmspace: robust futexes, clear_tid
 *	4. COMMIT, one critical section of the proc lock: vmspace, textvp,
 *	   the copies, name and auxv change together; the image has the old
 *	   ones now
 *	5. handlers, close-on-exec, registers
 *	6. the vfork parent is woken; the machine, the old text and the old
 *	   vmspace are released
 *
 * From step 2 on nothing can fail, with one exception: if another lwp began to
 * share handlers or descriptors between steps 1 and 2 and there is no memory
 * for a copy, the process gets SIGKILL.
 *
 * Text vnode.  The image owns a ref of the new vnode, and a text ref (ETXTBSY),
 * before the commit publishes it, and the old vnode is released after the
 * commit: a reader under the proc lock sees the old or the new one, valid in
 * both cases.  Threads in the old vmspace are not counted: it is freed with its
 * last ref.
 *
 * Threads.  The lwp that execs sets `single_lwp`; the other lwps end after
 * their present event.  If the process exits meanwhile, or another lwp began an
 * exec before, the exec fails with EINTR.  No program sees that error, because
 * the lwp must end before it returns to user code.
 *
 * Layout of the new vmspace, from the top: a random gap, the stack, room for it
 * to grow to its limit (at least STACK_GAP_MIN), a random gap, and from there
 * downwards the mmap area. config.no_aslr makes all gaps fixed.
 *
 * Locking and lifetime: no lock is held while an image is built.  A process
 * that vkernel_spawn() is making has no vmspace, text or running lwp yet; its
 * exec is the same, without an old program.
 */
#include <errno.h>
#include <string.h>

#include "abi/ptrace.h"
#include "abi/resource.h"
#include "abi/signal.h"
#include "host/host.h"
#include "kern/exec/imgact.h"
#include "kern/ipc/futex.h"
#include "kern/ipc/keys.h"
#include "kern/sig/ksignal.h"
#include "kern/time/ptimer.h"
#include "libk/kassert.h"
#include "vfs/core/fd.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vm/map/vm_map.h"
#include "vm/vmspace.h"

#define STACK_RANDOM_BITS 22 /* 16 GiB */
#define MMAP_RANDOM_BITS 28  /* 1 TiB */
#define STACK_GAP_MIN ((uint64_t)128 << 20)
#define STACK_GAP_MAX ((uint64_t)64 << 30)

uint64_t
exec_random_pages(struct exec_image *img, unsigned bits)
{
	uint64_t r;

	if (img->k->config.no_aslr)
		return (0);
	if (img->p->trial != NULL)
		r = img->k->resident->random(img->p->trial);
	else
		host_random(&r, sizeof(r));
	return ((r & ((UINT64_C(1) << bits) - 1)) << PAGE_SHIFT);
}

uint64_t
exec_stack_gap(uint64_t limit)
{
	if (limit < STACK_GAP_MIN)
		return (STACK_GAP_MIN);
	return (limit > STACK_GAP_MAX ? STACK_GAP_MAX : limit);
}

vm_offset_t
exec_stack_top(struct exec_image *img)
{
	return (VM_MAX_ADDRESS - PAGE_SIZE -
		exec_random_pages(img, STACK_RANDOM_BITS));
}

static void
exec_drop_vnode(struct exec_image *img)
{
	if (img->vp == NULL)
		return;
	vn_text_rele(img->vp);
	vrele(img->vp);
	img->vp = NULL;
}

int
exec_namei(struct exec_image *img, const char *path, struct nameidata *nd)
{
	int error = namei(&img->ctx, NULL, path, NAMEI_MNT, nd);

	if (error != 0)
		return (error);
	if (mnt_has(nd->mnt, VMNT_NOEXEC)) {
		nameidata_rele(nd);
		return (EACCES);
	}
	mnt_rele(nd->mnt);
	nd->mnt = NULL;
	return (0);
}

int
exec_set_vnode(struct exec_image *img, struct vnode *vp)
{
	int error;

	exec_drop_vnode(img);
	error = vp->type != VREG ? EACCES : vn_access(vp, 1, &img->ctx);
	if (error != 0)
		goto fail;
	error = vn_text_ref(vp);
	if (error != 0)
		goto fail;
	img->vp = vp;
	img->unreadable |= vn_access(vp, 4, &img->ctx) != 0;
	img->headlen = 0;
	return (vn_pread(vp, img->head, sizeof(img->head), 0, &img->headlen));
fail:
	vrele(vp);
	return (error);
}

int
exec_new_vmspace(struct exec_image *img)
{
	/* Read each limit once: another thread may be changing it. */
	const uint64_t stack = proc_rlimit_cur(img->p, LX_RLIMIT_STACK);
	const uint64_t data = proc_rlimit_cur(img->p, LX_RLIMIT_DATA);
	const uint64_t as = proc_rlimit_cur(img->p, LX_RLIMIT_AS);
	const uint64_t memlock = proc_rlimit_cur(img->p, LX_RLIMIT_MEMLOCK);
	uint64_t gap;
	struct vmspace *vm;
	int error;

	error = vmspace_alloc(&img->k->vm, &vm);
	if (error != 0)
		return (error);
	gap = exec_stack_gap(stack);
	vm_map_lock(&vm->map);
	vm->stack_top = exec_stack_top(img);
	vm->stack_limit = stack < gap ? stack : gap;
	vm->mmap_top = trunc_page(vm->stack_top - gap - STACK_GUARD -
				  exec_random_pages(img, MMAP_RANDOM_BITS));
	if (img->p->trial != NULL)
		vm->stack_top -= img->k->resident->shift(img->p->trial);
	vm->data_limit = data;
	vm->map.as_limit = as;
	vm->map.lock_limit = memlock;
	vm_map_unlock(&vm->map);
	img->vm = vm;
	return (0);
}

/* Run the activators: img->vm is complete on success. */
static int
exec_activate(struct exec_image *img)
{
	int error;

	while ((error = imgact_script(img)) == 0)
		continue;
	if (error != ENOEXEC)
		return (error);
	error = img->k->resident->activate(img);
	if (error != ENOEXEC)
		return (error);
	error = imgact_elf(img);
	if (error == 0)
		error = exec_stack(img);
	return (error);
}

/* Step 1: give the process its own copy of what exec will change.  Called again
 * after step 2, for what another lwp has begun to share in between. */
static int
exec_unshare(struct exec_image *img)
{
	struct proc *p = img->p;
	int error = 0;

	if (img->sigacts == NULL && atomic_load(&p->sigacts->refs) > 1)
		error = sigacts_create(p->k, p->sigacts, &img->sigacts);
	if (error == 0 && img->fdt == NULL && p->fdt_shared)
		error = fdtable_fork(p->fdt, &img->fdt);
	return (error);
}

/* Step 2.  EINTR: the process is ending, or another lwp execs. */
static int
exec_single(struct lwp *l)
{
	struct proc *p = l->p;
	struct vkernel *k = p->k;
	struct tracee_list dead = LIST_HEAD_INITIALIZER(dead);
	const int tid = l->tid;
	int error = 0;
	struct lwp *o;

	kmutex_lock(&p->lock);
	if (lwp_must_end_locked(p, l)) {
		kmutex_unlock(&p->lock);
		return (EINTR);
	}
	p->single_lwp = l;
	LIST_FOREACH (o, &p->lwps, link)
		if (o != l)
			lwp_notify(o);
	kcond_broadcast(&p->cond);
	while (p->nlwps > 1)
		kcond_wait(&p->cond, &p->lock);
	kmutex_unlock(&p->lock);

	/* No other lwp is left that could take the number in between. */
	kmutex_lock(&k->proctree);
	kmutex_lock(&p->lock);
	p->single_lwp = NULL;
	if (p->exiting) {
		error = EINTR;
	} else if (l->tid_entry.p != NULL) {
		pid_remove(k, &l->tid_entry);
		pid_free(k, l->tid);
		l->tid = p->pid;
	}
	/* Look at signals that the other lwps were notified of. */
	atomic_store(&l->sigcheck, true);
	kmutex_unlock(&p->lock);
	if (l->tid != tid)
		trace_exec(l, tid, &dead);
	kmutex_unlock(&k->proctree);
	trace_free_list(&dead);
	return (error);
}

static void
exec_set_comm(struct lwp *l, const char *path)
{
	const char *base = strrchr(path, '/');
	char comm[sizeof(l->comm)] = "";

	base = base == NULL ? path : base + 1;
	strncpy(comm, base, sizeof(comm) - 1);
	lwp_set_comm_locked(l, comm);
	memcpy(l->p->comm, comm, sizeof(l->p->comm));
}

static void
exec_registers(struct lwp *l, const struct exec_image *img)
{
	struct trapframe *tf = &l->cpu->tf;
	const uint64_t nr = tf->orig_rax;

	memset(tf, 0, sizeof(*tf));
	tf->rip = img->entry;
	tf->rsp = img->sp;
	tf->rflags = TF_RFLAGS_FIXED;
	tf->orig_rax = nr; /* for a tracer: still in the call */
	tf->rdx = img->loaded.rdx;
	tf->fs_base = img->loaded.fs_base;
	cpu_xstate_reset(l->cpu);
	l->altstack = (struct ksigaltstack){.flags = LX_SS_DISABLE};
	l->restart_fn = NULL;
	if (!img->resident)
		return;
	l->clear_tid = img->loaded.clear_tid;
	l->robust_list = img->loaded.robust_list;
	l->robust_len = img->loaded.robust_len;
	/* A process without a number stores it when it starts. */
	if (l->p->pid == 0)
		l->set_child_tid = img->loaded.tid_at;
}

/* Step 4.  The image gives its parts to the process and takes the old ones,
 * which exec_image_done() releases. */
static void
exec_swap(struct proc *p, struct exec_image *img)
{
	struct vmspace *vm = p->vmspace;
	struct vnode *text = p->textvp;
	struct sigacts *sigacts = p->sigacts;
	struct fdtable *fdt = p->fdt;

	kmutex_assert_owned(&p->lock);
	if (vm != NULL)
		proc_account_vm(p, vm);
	p->vmspace = img->vm;
	p->textvp = img->vp;
	img->vm = vm;
	img->vp = text;
	if (img->sigacts != NULL) {
		p->sigacts = img->sigacts;
		img->sigacts = sigacts;
	}
	if (img->fdt != NULL) {
		p->fdt = img->fdt;
		p->fdt_shared = false;
		img->fdt = fdt;
	}
}

/* Steps 4 to 6, without releasing the old parts. */
static void
exec_commit(struct lwp *l, struct exec_image *img)
{
	struct cred *former, *first;
	struct proc *p = l->p;

	kmutex_lock(&p->lock);
	exec_swap(p, img);
	exec_set_comm(l, img->path);
	memcpy(p->saved_auxv, img->auxv, sizeof(p->saved_auxv));
	p->traced_exec = true;
	p->exit_signal = LX_SIGCHLD; /* its program is not a clone any more */
	/* Its memory must not show a file that its user cannot read. */
	p->dumpable = !img->unreadable && img->cred->euid == img->cred->uid &&
		      img->cred->egid == img->cred->gid;
	former = l->cred;
	first = p->cred;
	p->cred = cred_ref(img->cred);
	l->cred = img->cred;
	img->cred = NULL;
	kmutex_unlock(&p->lock);
	cred_free(former);
	cred_free(first);

	keys_exec(l);
	sigacts_exec(p->sigacts);
	ptimer_delete_all(p);
	fdtable_cloexec(p->fdt);
	exec_registers(l, img);
	if (img->vm != NULL)
		cpu_unbind(l->cpu);
	proc_vfork_done(p);
	atomic_fetch_add(&p->k->nexecs, 1);
	ktrace(&p->k->trace, KT_EXEC, (uint64_t)p->pid, 0, 0);
}

/* Report the new program to the tracer.  A tracee that was not attached by
 * PTRACE_SEIZE gets SIGTRAP if its tracer has not chosen the event. */
static void
exec_trace(struct lwp *l, int tid)
{
	const struct ksiginfo info = {
	    .signo = LX_SIGTRAP, .code = LX_SI_USER, .pid = l->tid};
	struct proc *p = l->p;

	kmutex_lock(&p->lock);
	if (l->traced != NULL)
		l->traced->watch = (struct trace_watch){0};
	kmutex_unlock(&p->lock);
	if (trace_event(l, LX_PTRACE_EVENT_EXEC, (uint64_t)tid))
		return;
	kmutex_lock(&p->lock);
	if (l->traced != NULL && !l->traced->seized)
		ksig_post_lwp_locked(l, &info);
	kmutex_unlock(&p->lock);
}

static void
exec_image_done(struct exec_image *img)
{
	exec_drop_vnode(img);
	if (img->vm != NULL)
		vmspace_free(img->vm);
	if (img->sigacts != NULL)
		sigacts_free(img->k, img->sigacts);
	if (img->fdt != NULL)
		fdtable_free(img->fdt);
	if (img->args_own)
		exec_args_free(&img->args);
	cred_free(img->cred);
	lwp_vfs_ctx_done(&img->ctx);
}

static bool
exec_no_new_privs(struct proc *p)
{
	bool on;

	kmutex_lock(&p->lock);
	on = p->no_new_privs;
	kmutex_unlock(&p->lock);
	return (on);
}

int
kern_exec(struct lwp *l, struct exec_args *args)
{
	struct exec_image img = {
	    .l = l,
	    .p = l->p,
	    .k = l->p->k,
	    .ctx = lwp_vfs_ctx(l),
	    .args = *args,
	    .path = args->path,
	    .hidden = args->hidden,
	};
	char empty[1] = "";
	char *noargs[2] = {empty, NULL};
	const int tid = l->tid;
	int error;

	klock_assert_none();
	if (img.args.argc == 0) { /* as Linux: argv[0] always exists */
		img.args.argv = noargs;
		img.args.argc = 1;
		img.args.bytes++;
	}
	error =
	    cred_exec(l->cred, exec_no_new_privs(l->p), &img.cred, &img.secure);
	if (error != 0)
		goto out;
	vref(args->vp);
	error = exec_set_vnode(&img, args->vp);
	if (error != 0)
		goto out;
	error = exec_activate(&img);
	if (error != 0)
		goto out;
	error = exec_unshare(&img);
	if (error != 0)
		goto out;
	error = exec_single(l);
	if (error != 0)
		goto out;
	error = exec_unshare(&img);
	if (error != 0) { /* too late for a refusal */
		kern_exit(l, LX_SIGKILL, true);
		goto out;
	}
	if (l->p->vmspace != NULL)
		futex_lwp_exit(l);
	exec_commit(l, &img);
out:
	exec_image_done(&img);
	if (error == 0)
		exec_trace(l, tid);
	return (error);
}
