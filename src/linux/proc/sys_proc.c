/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on processes: decoding for fork, exec, exit and wait, and the
 * numbers of processes, groups and sessions.
 *
 * fork.c, exec.c, exit.c, wait.c and session.c do the work.
 */
#include "linux/lib/sys_int.h"
#include "kern/base/pidfd.h"
#include "kern/base/session.h"
#include "kern/proc/process.h"
#include "kern/exec/exec.h"

#include "abi/fcntl.h"
#include "abi/resource.h"
#include "abi/sched.h"
#include "abi/signal.h"
#include "abi/wait.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/proc/sys_pidfd.h"
#include "vfs/core/fd.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"

#define CLONE3_FLAGS \
	(UINT32_MAX | LX_CLONE_CLEAR_SIGHAND | LX_CLONE_INTO_CGROUP)

sys_fn sys_fork, sys_vfork, sys_clone, sys_clone3, sys_execve, sys_execveat,
    sys_exit, sys_exit_group, sys_wait4, sys_waitid, sys_getpid, sys_gettid,
    sys_getppid, sys_getpgid, sys_getpgrp, sys_setpgid, sys_getsid, sys_setsid;

/* ---- fork ---- */

static int
clone_call(struct lwp *l, const struct kern_clone_args *args, int64_t *ret)
{
	struct kern_clone_args with = *args;
	int error, tid;

	if ((args->flags & LX_CLONE_PIDFD) != 0) {
		/* Descriptors of threads are not supported. */
		if ((args->flags & LX_CLONE_THREAD) != 0)
			return (EINVAL);
		error = pidfd_create(l->p->k, 0, &with.pidfd);
		if (error != 0)
			return (error);
	}
	error = kern_clone(l, &with, &tid);
	if (error == 0)
		*ret = tid;
	if (with.pidfd != NULL)
		file_free(with.pidfd);
	return (error);
}

int
sys_fork(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct kern_clone_args args = {.exit_signal = LX_SIGCHLD};

	return (clone_call(l, &args, ret));
}

int
sys_vfork(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct kern_clone_args args = {
	    .exit_signal = LX_SIGCHLD, .flags = LX_CLONE_VM | LX_CLONE_VFORK};

	return (clone_call(l, &args, ret));
}

int
sys_clone(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct kern_clone_args args = {
	    .flags = a[0] & UINT32_MAX & ~UINT64_C(0xff),
	    .exit_signal = (int)(a[0] & 0xff),
	    .stack = a[1],
	    .parent_tid = a[2],
	    .child_tid = a[3],
	    .tls = a[4],
	};

	if (args.exit_signal > KNSIG)
		return (EINVAL);
	/* The descriptor is stored where the number would be. */
	if ((args.flags & LX_CLONE_PIDFD) != 0) {
		if ((args.flags &
			(LX_CLONE_PARENT_SETTID | LX_CLONE_DETACHED)) != 0)
			return (EINVAL);
		args.pidfd_nr = args.parent_tid;
	}
	return (clone_call(l, &args, ret));
}

int
sys_clone3(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct kern_clone_args args;
	struct lx_clone_args ca;
	size_t size = a[1];
	int error;

	if (size < LX_CLONE_ARGS_SIZE_VER0)
		return (EINVAL);
	error = sys_copyin_struct(l, &ca, sizeof(ca), a[0], size);
	if (error != 0)
		return (error);
	if (ca.set_tid_size != 0 || ca.cgroup != 0 ||
	    (ca.flags & LX_CLONE_INTO_CGROUP) != 0)
		return (EPERM);
	if (ca.exit_signal > KNSIG || (ca.flags & 0xff) != 0 ||
	    (ca.flags & LX_CLONE_DETACHED) != 0 ||
	    (ca.flags & ~CLONE3_FLAGS) != 0 ||
	    (ca.stack == 0) != (ca.stack_size == 0) ||
	    ca.stack + ca.stack_size < ca.stack)
		return (EINVAL);
	if ((ca.flags & (LX_CLONE_THREAD | LX_CLONE_PARENT)) != 0 &&
	    ca.exit_signal != 0)
		return (EINVAL);
	args = (struct kern_clone_args){
	    .flags = ca.flags,
	    .exit_signal = (int)ca.exit_signal,
	    .stack = ca.stack + ca.stack_size,
	    .pidfd_nr = ca.pidfd,
	    .parent_tid = ca.parent_tid,
	    .child_tid = ca.child_tid,
	    .tls = ca.tls,
	};
	return (clone_call(l, &args, ret));
}

/* ---- exec ---- */

/* The name of a program that is executed by descriptor, for AT_EXECFN. */
static void
exec_fd_name(int dirfd, char *path)
{
	char *rest = strdup(path);

	if (path[0] == '\0' || rest == NULL)
		snprintf(path, VFS_PATH_MAX, "/dev/fd/%d", dirfd);
	else
		snprintf(path, VFS_PATH_MAX, "/dev/fd/%d/%s", dirfd, rest);
	free(rest);
}

static int
exec_call(struct lwp *l, int dirfd, uint64_t upath, uint64_t uargv,
    uint64_t uenvp, int flags)
{
	struct exec_args args;
	struct vfs_ctx ctx;
	struct vplace at;
	char *path;
	int error;

	exec_args_init(&args);
	path = malloc(VFS_PATH_MAX);
	if (path == NULL)
		return (ENOMEM);
	error = sys_copyin_path(l, upath, path);
	if (error == 0 && path[0] == '\0' && (flags & LX_AT_EMPTY_PATH) == 0)
		error = ENOENT;
	if (error == 0 &&
	    (flags & ~(LX_AT_EMPTY_PATH | LX_AT_SYMLINK_NOFOLLOW)) != 0)
		error = EINVAL;
	if (error != 0)
		goto out_path;
	error = sys_path_place(l, dirfd, upath, flags, &at, NULL);
	if (error != 0)
		goto out_path;
	args.vp = at.vp;
	if (dirfd != LX_AT_FDCWD && path[0] != '/') {
		(void)fd_get_cloexec(l->p->fdt, dirfd, &args.hidden);
		exec_fd_name(dirfd, path);
	}
	ctx = lwp_vfs_ctx(l);
	if (args.vp->type == VLNK)
		error = ELOOP;
	else if (args.vp->type != VREG || mnt_has(at.mnt, VMNT_NOEXEC))
		error = EACCES;
	else
		error = vn_access(args.vp, 1, &ctx);
	lwp_vfs_ctx_done(&ctx);
	if (error != 0)
		goto out;
	args.path = path;
	error = exec_args_copyin(l, uargv, uenvp, &args);
	if (error != 0)
		goto out;
	error = kern_exec(l, &args);
	if (error == 0)
		error = EJUSTRETURN;
out:
	exec_args_free(&args);
	vplace_rele(&at);
out_path:
	free(path);
	return (error);
}

int
sys_execve(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (exec_call(l, LX_AT_FDCWD, a[0], a[1], a[2], 0));
}

int
sys_execveat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (exec_call(l, (int)a[0], a[1], a[2], a[3], (int)a[4]));
}

/* ---- exit, wait ---- */

int
sys_exit(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	kern_exit(l, (int)(a[0] & 0xff) << 8, false);
	return (EJUSTRETURN);
}

int
sys_exit_group(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	kern_exit(l, (int)(a[0] & 0xff) << 8, true);
	return (EJUSTRETURN);
}

static int
wait_rusage(struct lwp *l, const struct kern_wait_result *res, uint64_t uru)
{
	struct lx_rusage ru;

	memset(&ru, 0, sizeof(ru));
	ru.utime = lx_timeval_of(res->ru.utime);
	ru.stime = lx_timeval_of(res->ru.stime);
	ru.maxrss = (int64_t)(res->ru.maxrss >> 10);
	ru.minflt = (int64_t)res->ru.minflt;
	ru.majflt = (int64_t)res->ru.majflt;
	return (copyout(lwp_vmspace(l), &ru, uru, sizeof(ru)));
}

/* Which kinds of children are asked for. */
static int
wait_kinds(int options)
{
	return (((options & (int)LX_WCLONE) != 0 ? KWAIT_CLONE : 0) |
		((options & LX_WALL) != 0 ? KWAIT_ALL : 0) |
		((options & LX_WNOTHREAD) != 0 ? KWAIT_THREAD : 0));
}

int
sys_wait4(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int pid = (int)a[0], options = (int)a[2], kw = KWAIT_EXITED, error;
	struct kern_wait_result res;

	if (options & ~(LX_WNOHANG | LX_WUNTRACED | LX_WCONTINUED |
			  LX_WNOTHREAD | LX_WALL | (int)LX_WCLONE))
		return (EINVAL);
	if (pid == INT32_MIN)
		return (ESRCH);
	if (options & LX_WNOHANG)
		kw |= KWAIT_NOHANG;
	if (options & LX_WUNTRACED)
		kw |= KWAIT_STOPPED;
	if (options & LX_WCONTINUED)
		kw |= KWAIT_CONTINUED;
	kw |= wait_kinds(options);
	error = kern_wait(l, pid, kw, &res);
	if (error != 0)
		return (error);
	*ret = res.pid;
	if (res.pid == 0)
		return (0);
	if (a[1] != 0)
		error = copyout(
		    lwp_vmspace(l), &res.status, a[1], sizeof(res.status));
	if (error == 0 && a[3] != 0)
		error = wait_rusage(l, &res, a[3]);
	return (error);
}

/* si_code and si_status of a wait(2) status. */
static void
waitid_info(const struct kern_wait_result *res, struct ksiginfo *info)
{
	int st = res->status;

	*info = (struct ksiginfo){
	    .signo = LX_SIGCHLD, .pid = res->pid, .uid = res->uid};
	if (st == 0xffff) {
		info->code = LX_CLD_CONTINUED;
		info->status = LX_SIGCONT;
	} else if (res->trapped) {
		info->code = LX_CLD_TRAPPED;
		info->status = st >> 8;
	} else if ((st & 0xff) == 0x7f) {
		info->code = LX_CLD_STOPPED;
		info->status = (st >> 8) & 0xff;
	} else if ((st & 0x7f) == 0) {
		info->code = LX_CLD_EXITED;
		info->status = (st >> 8) & 0xff;
	} else {
		info->code = (st & 0x80) ? LX_CLD_DUMPED : LX_CLD_KILLED;
		info->status = st & 0x7f;
	}
}

/* The child that a descriptor names.  *options gets KWAIT_NOHANG if the
 * descriptor does not wait. */
static int
waitid_pidfd(struct lwp *l, int fd, int *which, int *options)
{
	struct proc *p;
	bool nonblock;
	int error = sys_pidfd_proc(l, fd, &p, &nonblock);

	if (error != 0)
		return (error == ESRCH ? ECHILD : error);
	if (nonblock)
		*options |= KWAIT_NOHANG;
	/* Its number may be another process's. */
	error = p->state == PROC_DEAD ? ECHILD : 0;
	*which = p->pid;
	proc_drop(p);
	return (error);
}

static int
waitid_which(struct lwp *l, const uint64_t *a, int *which, int *options)
{
	int id = (int)a[1];

	switch ((int)a[0]) {
	case LX_P_ALL:
		*which = -1;
		return (0);
	case LX_P_PID:
		*which = id;
		return (id <= 0 ? EINVAL : 0);
	case LX_P_PGID:
		/* Group 1 has the same code as "any".  That is harmless,
		 * because the first process is not a child of a guest process.
		 */
		*which = -id;
		return (id < 0 ? EINVAL : 0);
	case LX_P_PIDFD:
		return (id < 0 ? EINVAL : waitid_pidfd(l, id, which, options));
	default:
		return (EINVAL);
	}
}

int
sys_waitid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct kern_wait_result res = {0};
	int options = (int)a[3], kw = 0, which, error;
	struct ksiginfo info;
	uint8_t abi[128];

	if ((options & (LX_WEXITED | LX_WSTOPPED | LX_WCONTINUED)) == 0 ||
	    (options &
		~(LX_WNOHANG | LX_WEXITED | LX_WSTOPPED | LX_WCONTINUED |
		    LX_WNOWAIT | LX_WNOTHREAD | LX_WALL | (int)LX_WCLONE)))
		return (EINVAL);
	error = waitid_which(l, a, &which, &kw);
	if (error != 0)
		return (error);
	kw |= (options & LX_WEXITED) ? KWAIT_EXITED : 0;
	kw |= (options & LX_WSTOPPED) ? KWAIT_STOPPED : 0;
	kw |= (options & LX_WCONTINUED) ? KWAIT_CONTINUED : 0;
	kw |= (options & LX_WNOHANG) ? KWAIT_NOHANG : 0;
	kw |= (options & LX_WNOWAIT) ? KWAIT_NOWAIT : 0;
	kw |= wait_kinds(options);
	error = kern_wait(l, which, kw, &res);
	if (error == 0 && res.pid == 0 && (kw & KWAIT_NOHANG) != 0 &&
	    (options & LX_WNOHANG) == 0)
		error = EAGAIN; /* by its descriptor */
	if (error != 0)
		return (error);
	if (a[4] != 0 && res.pid != 0)
		error = wait_rusage(l, &res, a[4]);
	if (error != 0 || a[2] == 0)
		return (error);
	memset(abi, 0, sizeof(abi));
	if (res.pid != 0) {
		waitid_info(&res, &info);
		ksiginfo_encode(&info, abi);
	}
	return (copyout(lwp_vmspace(l), abi, a[2], sizeof(abi)));
}

/* ---- numbers ---- */

int
sys_getpid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	*ret = l->p->pid;
	return (0);
}

int
sys_gettid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	*ret = l->tid;
	return (0);
}

int
sys_getppid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	kmutex_lock(&l->p->k->proctree);
	/* The kernel itself is the parent of orphans; they see pid 1, as with
	 * an init. */
	*ret = l->p->parent != NULL ? l->p->parent->pid : l->p->pid != 1;
	kmutex_unlock(&l->p->k->proctree);
	return (0);
}

/* The pgid or sid of a process; 0: of the caller. */
static int
proc_number(struct lwp *l, int pid, bool sid, int64_t *ret)
{
	struct vkernel *k = l->p->k;
	struct proc *p = l->p;
	int error = 0;

	if (pid < 0)
		return (ESRCH);
	kmutex_lock(&k->proctree);
	if (pid != 0)
		p = proc_find_locked(k, pid);
	if (p == NULL)
		error = ESRCH;
	else
		*ret = sid ? p->sid : p->pgid;
	kmutex_unlock(&k->proctree);
	return (error);
}

int
sys_getpgid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (proc_number(l, (int)a[0], false, ret));
}

int
sys_getpgrp(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (proc_number(l, 0, false, ret));
}

int
sys_getsid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (proc_number(l, (int)a[0], true, ret));
}

int
sys_setpgid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (proc_setpgid(l->p, (int)a[0], (int)a[1]));
}

int
sys_setsid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int sid, error = proc_setsid(l->p, &sid);

	if (error == 0)
		*ret = sid;
	return (error);
}
