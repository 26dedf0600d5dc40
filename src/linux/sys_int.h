/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What the system-call files share: decoding of arguments, user memory in
 * bulk, time.  All functions return 0 or a positive errno.
 */
#ifndef LINUX_SYS_INT_H
#define LINUX_SYS_INT_H

#include "abi/time.h"
#include "abi/uio.h"
#include "kern/sig/ksignal.h"
#include "kern/time/ktime.h"
#include "linux/syscall.h"
#include "vfs/core/ctx.h"
#include "vm/vmspace.h"

/* ---- sys_trace.c, sys_lib.c ---- */

/* Bytes of a formatted call.  Longer arguments are cut with "...". */
#define SYS_TRACE_LINE 1024
/* "[pid] name(args)" into line; returns its length.  Before the call, since
 * exec changes what pointers mean. */
size_t sys_trace_format(struct lwp *, const struct syscall_desc *, unsigned nr,
    const uint64_t *args, char *line, size_t size);
/* Append " = result\n" and write it out whole. */
void sys_trace_result(
    struct vkernel *, char *line, size_t len, int error, int64_t ret);

/* One log line, "PROGRAM (pid N): TEXT", for each (what, program); numbers of
 * system calls are below 0x10000. */
void sys_log_once(struct lwp *, uint64_t what, const char *text);

/* ---- numbers ---- */

/* Upper bound of descriptor numbers. */
uint32_t sys_fd_limit(struct lwp *);
/* EINTR of a call that SA_RESTART restarts. */
static inline int
sys_restartable(int error)
{
	return (error == EINTR ? ERESTART : error);
}

/* ---- time (sys_time.c) ---- */

/* EFAULT, EINVAL (negative, or nsec out of range).  KTIME_MAX at most. */
int sys_copyin_timespec(struct lwp *, uint64_t uaddr, uint64_t *ns);
/* An optional relative timeout: 0 is for ever.  As sys_copyin_timespec(). */
int sys_copyin_deadline(struct lwp *, uint64_t uaddr, uint64_t *deadline);
int sys_copyout_timespec(struct lwp *, uint64_t ns, uint64_t uaddr);
struct lx_timespec lx_timespec_of(int64_t ns);
struct lx_timeval lx_timeval_of(uint64_t ns);
/*
 * A negative clock id is the CPU clock of a process or thread (0: the
 * caller's).  EINVAL: it is none.
 */
struct sys_cpu_clock {
	int id;
	bool thread; /* id is a tid of the caller's process */
	bool all;    /* with system time */
};
int sys_cpu_clock(struct lwp *, int clock, struct sys_cpu_clock *);

/* ---- descriptors (sys_file.c) ---- */

/* Give f a new descriptor; its ref is consumed in any case. */
int sys_fd_new(struct lwp *, struct file *f, bool cloexec, int64_t *ret);
/* Two of them, stored as int[2] at uaddr; both refs are consumed. */
int sys_fd_pair(struct lwp *, struct file *f[2], bool cloexec, uint64_t uaddr);

/* ---- advisory locks (sys_lock.c) ---- */

/* F_SETLK and its like, of descriptor fd. */
int sys_fcntl_lock(
    struct lwp *, struct file *f, int fd, int cmd, uint64_t uaddr);

/* ---- names (sys_path.c) ---- */

/* A path argument and what it is relative to. */
struct sys_path {
	struct vfs_ctx ctx;
	struct vnode *start; /* ref'ed, NULL: cwd */
	char *path;          /* VFS_PATH_MAX bytes */
};
/* 0, or the errno with nothing left to undo. */
int sys_path_get(struct lwp *, int dirfd, uint64_t upath, struct sys_path *);
void sys_path_done(struct sys_path *);
/*
 * The vnode that (dirfd, path, AT_*) names, ref'ed.  atflags:
 * AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH.  A vnode-less descriptor named by
 * AT_EMPTY_PATH gives *f (ref'ed) and a NULL vnode; f may be NULL: EBADF.
 */
int sys_path_vnode(struct lwp *, int dirfd, uint64_t upath, int atflags,
    struct vnode **vpp, struct file **f);

/* ---- terminal job control (sys_ioctl.c) ---- */

/* f was opened by name without O_NOCTTY: a pty becomes the terminal of a
 * session leader that has none. */
void sys_tty_opened(struct lwp *, const struct file *);
/* A read (SIGTTIN) or change (SIGTTOU) by a background process: ERESTART
 * after the signal was sent, EIO where it cannot stop; 0: go on. */
int sys_tty_background(struct lwp *, const struct file *, int signo);
/* The same for a write, which TOSTOP makes a change. */
int sys_tty_output(struct lwp *, const struct file *);

/* ---- poll (sys_poll.c) ---- */

/* POLL* events of f now and, in *hostfd, what to poll for a change. */
short sys_file_poll(struct file *, short events, int *hostfd);

#endif /* LINUX_SYS_INT_H */
