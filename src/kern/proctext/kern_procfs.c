/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The data of procfs: look-ups of processes.  The texts of processes are in
 * kern_procfs_pid.c, those of the system in kern_procfs_sys.c, and settings in
 * kern_procfs_sysctl.c.
 *
 * Concepts: procfs knows processes by number.  Every call finds the process
 * anew, holds it for the duration of the call, and reads it under the process's
 * own locks (proc_vmspace_hold() and similar calls).  So a node of a process
 * that was reaped is ESRCH, and a node of a process that is ending shows what
 * it still has.
 *
 * Locking: a call takes the locks that it needs and returns without them.
 */
#include "kern/proctext/kern_procfs.h"
#include "kern/resident/resident.h"

#include <errno.h>
#include <string.h>

#include "vfs/core/ctx.h"
#include "vfs/core/fd.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"
#include "vm/vm_meter.h"
#include "vm/vmspace.h"

static int
pf_self(void *arg, const struct vfs_ctx *ctx)
{
	const struct lwp *l = ctx != NULL ? ctx->waiter.lwp : NULL;

	/* Reading the link itself has no context: use the calling thread. */
	if (l == NULL)
		l = lwp_current();
	if (l != NULL && l->p->trial != NULL)
		l->p->k->resident->self(l->p->trial);
	return (l != NULL ? l->p->pid : 0);
}

static int
pf_selftid(void *arg, const struct vfs_ctx *ctx)
{
	const struct lwp *l = ctx != NULL ? ctx->waiter.lwp : NULL;

	if (l == NULL)
		l = lwp_current();
	return (l != NULL ? l->tid : 0);
}

static int
pf_tidnext(void *arg, int pid, int tid)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct lwp *l;
	int best = 0;

	if (p == NULL)
		return (0);
	kmutex_lock(&p->lock);
	if (p->nlwps == 0 && p->pid >= tid)
		best = p->pid; /* a zombie */
	LIST_FOREACH (l, &p->lwps, link)
		if (l->tid >= tid && (best == 0 || l->tid < best))
			best = l->tid;
	kmutex_unlock(&p->lock);
	proc_drop(p);
	return (best);
}

int
kern_procfs_next(void *arg, int pid)
{
	struct vkernel *k = arg;
	struct proc *p;
	int best = 0;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		if (p->pid >= pid && (best == 0 || p->pid < best))
			best = p->pid;
	}
	kmutex_unlock(&k->proctree);
	return (best);
}

static uint64_t
pf_lookup(void *arg, int pid)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	uint64_t id;

	if (p == NULL)
		return (0);
	id = p->id;
	proc_drop(p);
	return (id);
}

static int
pf_owner(void *arg, int pid, bool open, uint32_t *uid, uint32_t *gid)
{
	struct proc *p = proc_find_tid_hold(arg, pid);

	if (p == NULL)
		return (ESRCH);
	kmutex_lock(&p->lock);
	*uid = open || p->dumpable ? p->cred->euid : 0;
	*gid = open || p->dumpable ? p->cred->egid : 0;
	kmutex_unlock(&p->lock);
	proc_drop(p);
	return (0);
}

static int
pf_may_look(void *arg, int pid, const struct vfs_ctx *ctx)
{
	const struct proc_caller caller = proc_caller_of_ctx(ctx);
	struct proc *p = proc_find_tid_hold(arg, pid);
	int error;

	if (p == NULL)
		return (ESRCH);
	error = proc_may_access(p, &caller);
	proc_drop(p);
	return (error);
}

static bool
pf_own(void *arg, int pid, const struct vfs_ctx *ctx)
{
	const struct lwp *l = ctx != NULL ? ctx->waiter.lwp : NULL;
	struct proc *p = proc_find_tid_hold(arg, pid);
	bool own = p != NULL && l != NULL && l->p == p;

	if (p != NULL)
		proc_drop(p);
	return (own);
}

static int
pf_place(void *arg, int pid, const char *which, struct vplace *at)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct vplace place = {0};
	struct proc_fs *fs;

	if (p == NULL)
		return (ESRCH);
	if (strcmp(which, "exe") == 0) {
		place.vp = proc_textvp_ref(p);
	} else if ((fs = proc_fs_ref(p)) != NULL) {
		kmutex_lock(&fs->lock);
		place = strcmp(which, "cwd") == 0 ? fs->cwd : fs->root;
		vplace_ref(&place);
		kmutex_unlock(&fs->lock);
		proc_fs_free(p->k, fs);
	}
	proc_drop(p);
	if (place.vp == NULL)
		return (ENOENT);
	*at = place;
	return (0);
}

static int
pf_pid_out(void *arg, void *ns, int pid)
{
	return (pidns_out(arg, ns, pid));
}

static int
pf_pid_in(void *arg, void *ns, int num)
{
	return (pidns_in(arg, ns, num));
}

static int
pf_ns_get(
    void *arg, int pid, uint64_t flag, bool children, void **nsp, uint32_t *ino)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct proc_fs *fs;
	struct ns_set *set;
	struct ns *ns = NULL;
	int error = ENOENT;

	if (p == NULL)
		return (ESRCH);
	fs = proc_fs_ref(p);
	if (fs != NULL && flag == ns_flag(NS_MNT)) {
		kmutex_lock(&fs->lock);
		mntns_ref(fs->ns);
		*nsp = fs->ns;
		*ino = fs->ns->ino;
		kmutex_unlock(&fs->lock);
		error = 0;
	} else if (fs != NULL) {
		set = proc_ns_ref(p);
		for (int i = 0; i < NS_KINDS; i++)
			if (ns_flag(i) == flag)
				ns = set->of[i];
		if (flag == ns_flag(NS_PID) && !children)
			ns = &p->pidns->ns;
		ns_ref(ns);
		ns_set_free(set);
		*nsp = ns;
		*ino = ns->ino;
		error = 0;
	}
	if (fs != NULL)
		proc_fs_free(p->k, fs);
	proc_drop(p);
	return (error);
}

static void
pf_ns_put(uint64_t flag, void *ns)
{
	if (flag == ns_flag(NS_MNT))
		mntns_free(ns);
	else
		ns_free(ns);
}

static int
pf_file(void *arg, int pid, int fd, struct file **fp)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct fdtable *fdt;
	int error = ENOENT;

	if (p == NULL)
		return (ESRCH);
	fdt = proc_fdt_ref(p);
	if (fdt != NULL) {
		error = fd_get(fdt, fd, fp);
		fdtable_free(fdt);
	}
	proc_drop(p);
	return (error == EBADF ? ENOENT : error);
}

static int
pf_fdnext(void *arg, int pid, int fd)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct fdtable *fdt;
	int next = -1;

	if (p == NULL)
		return (-1);
	fdt = proc_fdt_ref(p);
	if (fdt != NULL) {
		if (fd_next(fdt, &fd, NULL))
			next = fd;
		fdtable_free(fdt);
	}
	proc_drop(p);
	return (next);
}

/* ---- map_files ---- */

static int
pf_mapnext(void *arg, int pid, uint64_t from, uint64_t *start, uint64_t *end)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct vmspace *vm = p != NULL ? proc_vmspace_hold(p) : NULL;
	struct vm_entry_info e = {0};
	int error = vm == NULL ? ESRCH : 0;

	while (error == 0) {
		error = vmspace_entry_info(vm, from, &e);
		if (error != 0 || e.ino != 0)
			break;
		from = e.end;
	}
	if (vm != NULL)
		vmspace_drop(vm);
	if (p != NULL)
		proc_drop(p);
	*start = e.start;
	*end = e.end;
	return (error);
}

static int
pf_mapfile(void *arg, int pid, uint64_t start, uint64_t end, struct vnode **vpp)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct vmspace *vm = p != NULL ? proc_vmspace_hold(p) : NULL;
	void *handle;
	int error = ESRCH;

	if (vm != NULL) {
		error = vmspace_entry_vnode(vm, start, end, &handle);
		vmspace_drop(vm);
	}
	if (p != NULL)
		proc_drop(p);
	if (error == 0)
		*vpp = handle;
	return (error);
}

const struct procfs_ops kern_procfs_ops = {
    .self = pf_self,
    .selftid = pf_selftid,
    .next = kern_procfs_next,
    .tidnext = pf_tidnext,
    .lookup = pf_lookup,
    .owner = pf_owner,
    .may_look = pf_may_look,
    .own = pf_own,
    .place = pf_place,
    .pid_out = pf_pid_out,
    .pid_in = pf_pid_in,
    .ns_get = pf_ns_get,
    .ns_put = pf_ns_put,
    .file = pf_file,
    .fdnext = pf_fdnext,
    .mapnext = pf_mapnext,
    .mapfile = pf_mapfile,
    .net_names = kern_net_names,
    .net_text = kern_net_text,
    .proc_open = kern_procfs_open,
    .proc_close = kern_procfs_close,
    .proc_id = kern_procfs_id,
    .fdinfo = kern_procfs_fdinfo,
    .pid_nodes = kern_pid_nodes,
    .sys_nodes = kern_sys_nodes,
    .settings = kern_settings,
    .mem_open = kern_procfs_mem_open,
    .mem_rw = kern_procfs_mem_rw,
    .pagemap_read = kern_procfs_pagemap_read,
    .mem_close = kern_procfs_mem_close,
};
