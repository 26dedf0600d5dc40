/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * vkernel_spawn(): start a process without parent.
 *
 * Concepts.  The embedder's thread does what fork and exec do for a guest: it
 * creates a process with its own directories, descriptors and handlers, an lwp,
 * and runs kern_exec() in it.  Only when the image is complete does the process
 * get its number and become visible, as the leader of its own session and
 * process group.  Starting its host thread is the last step.  A failure on the
 * way leaves nothing behind.
 *
 * The first process that is started has number 1.  It is not an init: it does
 * not become the parent of orphans (exit.c).
 *
 * Terminal.  A pty of the embedder becomes the controlling terminal.  Else, if
 * one of the descriptors 0 to 2 is a terminal of the host, it becomes the
 * kernel's terminal.  Unless it is the controlling terminal of another session
 * already, it becomes the controlling terminal of the new session.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/resource.h"
#include "api/vkernel_int.h"
#include "host/host_file.h"
#include "kern/base/cred.h"
#include "kern/base/session.h"
#include "kern/exec/exec.h"
#include "kern/proc/process.h"
#include "libk/kassert.h"
#include "mem/group_set.h"
#include "vfs/core/ctx.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/vfs_create.h"
#include "vfs/core/lookup.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/devfs/tty.h"

#define NFDS_MAX 1024
#define NOFILE_SOFT 1024
#define NOFILE_HARD 1048576
#define STACK_SOFT ((uint64_t)8 << 20)
#define MEMLOCK_SOFT ((uint64_t)8 << 20)
#define MSGQUEUE_SOFT UINT64_C(819200) /* as Linux */
#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

/* Directories of the first process: the kernel's root, and the given working
 * directory. */
static int
spawn_fs(struct vkernel *k, const struct vkernel_spawn *sp, struct proc *p)
{
	struct proc_fs first = {.root = k->vfs->root, .ns = k->vfs->ns};
	struct vfs_ctx ctx = {
	    .vfs = k->vfs,
	    .uid = p->cred->fsuid,
	    .gid = p->cred->fsgid,
	    .caps = cred_caps(p->cred),
	    .groups = p->cred->groups,
	    .cwd = k->vfs->root,
	    .root = k->vfs->root,
	};
	struct nameidata nd = {0};
	int error;

	error = namei(&ctx, NULL, sp->cwd != NULL ? sp->cwd : "/",
	    NAMEI_DIRECTORY | NAMEI_MNT, &nd);
	if (error != 0 && sp->cwd_optional)
		error =
		    namei(&ctx, NULL, "/", NAMEI_DIRECTORY | NAMEI_MNT, &nd);
	if (error != 0) {
		klog(&k->log, KLOG_ERR,
		    "cannot use %s as the working directory: %s",
		    sp->cwd != NULL ? sp->cwd : "/", strerror(error));
		return (error);
	}
	first.cwd = (struct vplace){nd.mnt, nd.vp};
	first.umask = 022;
	kmutex_init(&first.lock, "spawn fs", KRANK_FDTABLE, 0);
	error = proc_fs_copy(k, &first, &p->fs);
	kmutex_destroy(&first.lock);
	nameidata_rele(&nd);
	return (error);
}

static bool
spawn_given(const struct vkernel_spawn *sp)
{
	return (sp->fds != NULL || sp->nfds != 0);
}

/*
 * The host descriptor for the guest's descriptor i; -1: closed.  A standard
 * descriptor counts only if it was open before this kernel was created:
 * afterwards the kernel may have opened a file of its own at that number, for
 * example the arena.
 */
static int
spawn_fd(const struct vkernel *k, const struct vkernel_spawn *sp, int i)
{
	if (spawn_given(sp))
		return (sp->fds[i]);
	return ((k->std_open & 1u << i) != 0 ? i : -1);
}

/* Descriptors 0 to 2 are the terminal. */
static int
spawn_pty(struct proc *p, struct vkernel_pty *pty)
{
	struct file *f = vkernel_pty_slave(pty);
	int error;

	for (int i = 0; i < 3; i++) {
		file_ref(f);
		error = fd_install(p->fdt, f, i, false, NOFILE_HARD);
		if (error != 0) {
			file_free(f);
			return (error);
		}
	}
	return (0);
}

static int
spawn_fds(struct vkernel *k, const struct vkernel_spawn *sp, struct proc *p)
{
	const bool given = spawn_given(sp);
	const int n = given ? sp->nfds : 3;
	struct file *f;
	int error, fd;

	error = fdtable_create(k->vfs, &p->fdt);
	if (error != 0)
		return (error);
	if (sp->pty != NULL)
		return (spawn_pty(p, sp->pty));
	for (int i = 0; i < n; i++) {
		fd = spawn_fd(k, sp, i);
		if (fd < 0)
			continue;
		error = vfs_inherit(k->vfs, fd, &f);
		if (error == EBADF && !given)
			continue;
		if (error != 0)
			return (error);
		error = fd_install(p->fdt, f, i, false, NOFILE_HARD);
		if (error != 0) {
			file_free(f);
			return (error);
		}
	}
	return (0);
}

/* The identity of the program: the given one, or that of the calling process;
 * root has all capabilities.  ENOMEM. */
static int
spawn_cred(const struct vkernel_user *user, struct proc *p)
{
	uint32_t uid, euid, gid, egid, *groups = NULL;
	struct group_set *set;
	size_t ngroups;
	int error;

	if (user != NULL) {
		uid = euid = user->uid;
		gid = egid = user->gid;
		error = group_set_create(user->groups, user->ngroups, &set);
	} else {
		host_ids(&uid, &euid, &gid, &egid);
		error = host_groups(&groups, &ngroups);
		if (error == 0)
			error = group_set_create(groups, ngroups, &set);
		free(groups);
	}
	if (error != 0)
		return (error);
	p->cred = cred_create(euid == 0, &p->k->cred_serials);
	if (p->cred == NULL) {
		group_set_free(set);
		return (ENOMEM);
	}
	p->cred->uid = uid;
	p->cred->euid = p->cred->suid = p->cred->fsuid = euid;
	p->cred->gid = gid;
	p->cred->egid = p->cred->sgid = p->cred->fsgid = egid;
	cred_set_groups(p->cred, set);
	return (0);
}

/* Linux's default limits. */
static void
spawn_settings(struct proc *p)
{
	for (int i = 0; i < PROC_NRLIMITS; i++)
		p->rlim[i].cur = p->rlim[i].max = LX_RLIM_INFINITY;
	p->rlim[LX_RLIMIT_STACK].cur = STACK_SOFT;
	p->rlim[LX_RLIMIT_NOFILE].cur = NOFILE_SOFT;
	p->rlim[LX_RLIMIT_NOFILE].max = NOFILE_HARD;
	p->rlim[LX_RLIMIT_MEMLOCK].cur = MEMLOCK_SOFT;
	p->rlim[LX_RLIMIT_MEMLOCK].max = MEMLOCK_SOFT;
	p->rlim[LX_RLIMIT_CORE].cur = 0;
	p->rlim[LX_RLIMIT_MSGQUEUE].cur = MSGQUEUE_SOFT;
	p->rlim[LX_RLIMIT_MSGQUEUE].max = MSGQUEUE_SOFT;
	p->rlim[LX_RLIMIT_NICE].cur = p->rlim[LX_RLIMIT_NICE].max = 0;
	p->rlim[LX_RLIMIT_RTPRIO].cur = p->rlim[LX_RLIMIT_RTPRIO].max = 0;
}

/* ---- finding the program ---- */

static int
spawn_lookup(struct vfs_ctx *ctx, const char *path, struct vnode **vpp)
{
	struct nameidata nd = {0};
	int error;

	error = namei(ctx, NULL, path, 0, &nd);
	if (error != 0)
		return (error);
	error = nd.vp->type != VREG ? EACCES : vn_access(nd.vp, 1, ctx);
	if (error != 0) {
		vrele(nd.vp);
		return (error);
	}
	*vpp = nd.vp;
	return (0);
}

static const char *
spawn_path_variable(const char *const *envp)
{
	for (; envp != NULL && *envp != NULL; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			return (*envp + 5);
	return (PATH_DEFAULT);
}

/* Search as execvp(3) does; the path that was found is in buf. */
static int
spawn_find(struct vfs_ctx *ctx, const struct vkernel_spawn *sp,
    char buf[VFS_PATH_MAX], struct vnode **vpp)
{
	const char *dir, *end, *name = sp->path;
	int error, n, result = ENOENT;

	if (strlen(name) >= VFS_PATH_MAX)
		return (ENAMETOOLONG);
	if (strchr(name, '/') != NULL) {
		strcpy(buf, name);
		return (spawn_lookup(ctx, buf, vpp));
	}
	for (dir = spawn_path_variable(sp->envp);; dir = end + 1) {
		end = dir + strcspn(dir, ":");
		n = snprintf(buf, VFS_PATH_MAX, "%.*s%s%s", (int)(end - dir),
		    dir, end == dir ? "" : "/", name);
		error = n < VFS_PATH_MAX ? spawn_lookup(ctx, buf, vpp)
					 : ENAMETOOLONG;
		if (error == 0)
			return (0);
		if (error == EACCES)
			result = EACCES;
		if (*end == '\0')
			return (result);
	}
}

static int
spawn_exec(struct lwp *l, const struct vkernel_spawn *sp)
{
	const char *const self[] = {sp->path, NULL};
	struct vfs_ctx ctx = lwp_vfs_ctx(l);
	struct exec_args args;
	char path[VFS_PATH_MAX];
	int error;

	exec_args_init(&args);
	error = spawn_find(&ctx, sp, path, &args.vp);
	lwp_vfs_ctx_done(&ctx);
	if (error != 0)
		return (error);
	args.path = path;
	error =
	    exec_args_set(&args, sp->argv != NULL ? sp->argv : self, sp->envp);
	if (error == 0)
		error = kern_exec(l, &args);
	vrele(args.vp);
	exec_args_free(&args);
	return (error);
}

/* ---- making the process visible ---- */

/* A terminal among the first three descriptors, or -1. */
static int
spawn_tty(const struct vkernel *k, const struct vkernel_spawn *sp)
{
	int fd;

	for (int i = 0; i < 3 && (!spawn_given(sp) || i < sp->nfds); i++) {
		fd = spawn_fd(k, sp, i);
		if (fd >= 0 && host_isatty(fd))
			return (fd);
	}
	return (-1);
}

static void
spawn_set_tty(
    struct vkernel *k, struct session *s, struct vkernel_pty *pty, int fd)
{
	struct session *o;
	bool master;

	if (pty != NULL) {
		s->tty = pty_of_file(vkernel_pty_slave(pty), &master);
		s->fg_pgid = s->sid;
		return;
	}
	if (fd < 0)
		return;
	if (k->tty_fd < 0 && host_dup(fd, &k->tty_fd) == 0)
		k->vfs->tty_fd = k->tty_fd;
	LIST_FOREACH (o, &k->sessions, link)
		if (o->tty == k)
			return;
	s->tty = k;
	s->fg_pgid = s->sid;
}

static int
spawn_link(struct vkernel *k, const struct vkernel_spawn *sp, struct proc *p,
    struct lwp *l)
{
	const int ttyfd = sp->pty == NULL ? spawn_tty(k, sp) : -1;
	int error;

	kmutex_lock(&k->proctree);
	error =
	    atomic_load(&k->dying) ? EINVAL : pid_alloc(k, PID_PROC, &p->pid);
	if (error != 0)
		goto out;
	error = session_create(k, p->pid, &p->session);
	if (error != 0) {
		pid_free(k, p->pid);
		goto out;
	}
	l->tid = p->pid;
	p->pgid = p->pid;
	p->sid = p->pid;
	p->embedder_waits = true;
	spawn_set_tty(k, p->session, sp->pty, ttyfd);
	proc_link(p, NULL);
out:
	kmutex_unlock(&k->proctree);
	return (error);
}

/* After success the process runs, and may already have exited. */
static int
spawn_start(struct vkernel *k, const struct vkernel_spawn *sp, struct proc *p,
    struct lwp *l)
{
	int error;

	error = spawn_link(k, sp, p, l);
	if (error != 0)
		return (error);
	kmutex_lock(&p->lock);
	p->state = PROC_ALIVE;
	kmutex_unlock(&p->lock);
	error = lwp_start(l);
	if (error != 0) {
		kmutex_lock(&k->proctree);
		p->embedder_waits = false;
		proc_unlink(p);
		kmutex_unlock(&k->proctree);
	}
	return (error);
}

int
vkernel_spawn(struct vkernel *k, const struct vkernel_spawn *sp, int *pid)
{
	struct proc *p;
	struct lwp *l;
	int error, started;

	if (k == NULL || sp == NULL || pid == NULL)
		return (EINVAL);
	if (sp->path == NULL || sp->path[0] == '\0')
		return (ENOENT);
	if (sp->nfds < 0 || sp->nfds > NFDS_MAX ||
	    (sp->nfds > 0 && sp->fds == NULL) ||
	    (sp->pty != NULL &&
		(sp->nfds > 0 || vkernel_pty_slave(sp->pty) == NULL)) ||
	    (sp->user != NULL &&
		(sp->user->ngroups > GROUP_SET_MAX ||
		    (sp->user->ngroups > 0 && sp->user->groups == NULL))))
		return (EINVAL);
	p = proc_alloc(k);
	if (p == NULL)
		return (ENOMEM);
	error = spawn_cred(sp->user, p);
	if (error != 0)
		goto fail;
	spawn_settings(p);
	error = sigacts_create(k, NULL, &p->sigacts);
	if (error != 0)
		goto fail;
	error = spawn_fs(k, sp, p);
	if (error != 0)
		goto fail;
	error = spawn_fds(k, sp, p);
	if (error != 0)
		goto fail;
	error = lwp_create(p, 0, &l);
	if (error != 0)
		goto fail;
	error = spawn_exec(l, sp);
	if (error != 0)
		goto fail_lwp;
	proc_hold(p);
	error = spawn_start(k, sp, p, l);
	started = p->pid;
	proc_drop(p);
	if (error != 0)
		goto fail_lwp;
	if (sp->pty != NULL)
		vkernel_pty_spawned(sp->pty);
	*pid = started;
	return (0);
fail_lwp:
	lwp_undo(l);
fail:
	proc_undo(p);
	proc_release(p);
	return (error);
}
