/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Functions that the system-call files share: decoding of arguments, bulk
 * access to user memory, time.  All functions return 0 or a positive errno.
 */
#ifndef LINUX_LIB_SYS_INT_H
#define LINUX_LIB_SYS_INT_H

#include "abi/time.h"
#include "kern/sig/ksignal.h"
#include "kern/time/ktime.h"
#include "linux/lib/syscall.h"
#include "vfs/core/ctx.h"
#include "vm/vmspace.h"

/* ---- sys_trace.c, sys_lib.c ---- */

/* Bytes of a formatted call.  Longer arguments are cut with "...". */
#define SYS_TRACE_LINE 1024
/* Write "[pid] name(args)" into line; returns its length.  Called before the
 * system call, because exec replaces the memory that pointers refer to. */
size_t sys_trace_format(struct lwp *, const struct syscall_desc *, unsigned nr,
    const uint64_t *args, char *line, size_t size);
/* Append " = result\n" and write the line with one call. */
void sys_trace_result(
    struct vkernel *, char *line, size_t len, int error, int64_t ret);

/* Write one log line, "PROGRAM (pid N): TEXT", for each pair (what, program).
 * Values of `what` below 0x10000 are numbers of system calls. */
void sys_log_once(struct lwp *, uint64_t what, const char *text);

/* ---- structures ---- */

/*
 * Copy in a structure that newer kernels may have made larger, as Linux's
 * copy_struct_from_user().
 * - What the guest's structure lacks is zero.
 * - E2BIG: what this kernel does not know is not zero, or the size is more than
 *   a page; EFAULT.
 */
int sys_copyin_struct(
    struct lwp *, void *to, size_t size, uint64_t uaddr, uint64_t usize);

/* ---- rights ---- */

/* A priority of I/O that the caller may use?  EINVAL, EPERM. */
int sys_ioprio_check(struct lwp *, int prio);

/* ---- numbers ---- */

/* Upper bound of descriptor numbers. */
uint32_t sys_fd_limit(struct lwp *);
/* The error of an interrupted call that SA_RESTART restarts. */
static inline int
sys_restartable(int error)
{
	return (error == EINTR ? ERESTARTSYS : error);
}

/* ---- time (sys_time.c) ---- */

/* *ns is at most KTIME_MAX.  EFAULT, EINVAL (negative, or nsec out of range).
 */
int sys_copyin_timespec(struct lwp *, uint64_t uaddr, uint64_t *ns);
/* An optional relative timeout; uaddr 0: no limit.  Errors as
 * sys_copyin_timespec(). */
int sys_copyin_deadline(struct lwp *, uint64_t uaddr, uint64_t *deadline);
/* The same for a time of a clock. */
int sys_copyin_deadline_abs(
    struct lwp *, uint64_t uaddr, int clock, uint64_t *deadline);
int sys_copyout_timespec(struct lwp *, uint64_t ns, uint64_t uaddr);
struct lx_timespec lx_timespec_of(int64_t ns);
struct lx_timeval lx_timeval_of(uint64_t ns);
/*
 * Decode a negative clock id, which is the CPU clock of a process or thread (0:
 * the caller's).  EINVAL: it is no valid id.
 */
struct sys_cpu_clock {
	int id;
	bool thread; /* id is a tid of the caller's process */
	bool all;    /* includes system time */
};
int sys_cpu_clock(struct lwp *, int clock, struct sys_cpu_clock *);

/* ---- descriptors (sys_file.c) ---- */

/* Give f a new descriptor.  Consumes the ref, also after an error. */
int sys_fd_new(struct lwp *, struct file *f, bool cloexec, int64_t *ret);
/* Give two files new descriptors and store these as int[2] at uaddr.  Consumes
 * both refs, also after an error. */
int sys_fd_pair(struct lwp *, struct file *f[2], bool cloexec, uint64_t uaddr);

/* ---- advisory locks (sys_lock.c) ---- */

/* The lock commands of fcntl(2): F_SETLK, F_OFD_SETLK etc. */
int sys_fcntl_lock(
    struct lwp *, struct file *f, int fd, int cmd, uint64_t uaddr);

/* ---- owners of files (sys_owner.c) ---- */

/* The commands of fcntl(2) about owners: F_SETOWN, F_SETSIG etc. */
int sys_fcntl_owner(
    struct lwp *, struct file *f, int cmd, uint64_t arg, int64_t *ret);
/* F_SETLEASE, F_GETLEASE, F_NOTIFY. */
int sys_fcntl_lease(
    struct lwp *, struct file *f, int fd, int cmd, uint64_t arg, int64_t *ret);
/* The number of the owner, negative for a group, 0 for none; and set it. */
int sys_file_getown(struct lwp *, struct file *);
int sys_file_setown(struct lwp *, struct file *, int);

/* ---- names (sys_path.c) ---- */

/* A path argument and the directory that it is relative to. */
struct sys_path {
	struct vfs_ctx ctx;
	const struct vplace *start; /* NULL: cwd */
	struct vplace dir;          /* ref'ed; where start points */
	char *path;                 /* VFS_PATH_MAX bytes */
};
/* 0; after an error sys_path_done() must not be called. */
int sys_path_get(struct lwp *, int dirfd, uint64_t upath, struct sys_path *);
void sys_path_done(struct sys_path *);
/* Start at dirfd also with an absolute path.  EBADF, ENOTDIR. */
int sys_path_start(struct lwp *, int dirfd, struct sys_path *);
/*
 * The vnode that (dirfd, path, AT_*) names, ref'ed.  atflags:
 * AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH.  If AT_EMPTY_PATH names a descriptor
 * without vnode, *f is the file (ref'ed) and the vnode is NULL; with f NULL:
 * EBADF.
 */
int sys_path_vnode(struct lwp *, int dirfd, uint64_t upath, int atflags,
    struct vnode **vpp, struct file **f);
/* The same with the mount. */
int sys_path_place(struct lwp *, int dirfd, uint64_t upath, int atflags,
    struct vplace *, struct file **f);
/* The same with the rights of the real ids, as access(2) has them. */
int sys_path_place_real(struct lwp *, int dirfd, uint64_t upath, int atflags,
    struct vplace *, struct file **f);
/* Give the context those rights. */
void sys_ctx_real(const struct lwp *, struct vfs_ctx *);

/* ---- terminal job control (sys_ioctl.c) ---- */

/* f was opened by name without O_NOCTTY: a pty becomes the terminal of a
 * session leader that has none. */
void sys_tty_opened(struct lwp *, const struct file *);
/* FICLONE, FICLONERANGE, FIDEDUPERANGE, FIEMAP.  EOPNOTSUPP, or the error of
 * the arguments. */
int sys_file_share(struct lwp *, struct file *, uint32_t cmd, uint64_t arg);
/* Check a read (SIGTTIN) or change (SIGTTOU) of a terminal by a background
 * process.  0: continue; ERESTARTSYS: the signal was sent; EIO: the process
 * cannot be stopped. */
int sys_tty_background(struct lwp *, const struct file *, int signo);
/* The same for a write, which counts as a change if TOSTOP is set. */
int sys_tty_output(struct lwp *, const struct file *);

/* ---- poll (sys_poll.c) ---- */

/* The POLL* events of f that are present now; *hostfd: the host descriptor that
 * reports a change. */
short sys_file_poll(struct file *, short events, int *hostfd);

#endif /* LINUX_LIB_SYS_INT_H */
