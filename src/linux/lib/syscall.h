/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System-call dispatch.  The file syscalls.tbl lists the system calls, one in a
 * line:
 *     NUMBER NAME FUNCTION ARGKINDS STATE
 * scripts/mksyscalls.py generates syscall_table.c (dispatch and tracing) and
 * docs/syscalls.md from it.  ARGKINDS is a comma list of: int, uint, long, hex,
 * ptr, str (path or string, read by copyinstr for tracing), fd, size, flags,
 * mode, sig, off; "-" for none.
 */
#ifndef LINUX_LIB_SYSCALL_H
#define LINUX_LIB_SYSCALL_H

#include <errno.h>
#include <stdint.h>

#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/restart.h"
#include "kern/base/vkernel.h"

/* args[0..5] are the guest's registers; *ret is the result if the function
 * returns 0. */
typedef int sys_fn(struct lwp *l, const uint64_t *args, int64_t *ret);

struct syscall_desc {
	const char *name;
	sys_fn *fn; /* NULL: ENOSYS */
	const char *kinds;
};
extern const struct syscall_desc syscall_table[];
extern const unsigned syscall_table_n;

/* The functions that kern calls; generated with the table. */
extern const struct syscall_ops linux_syscall_ops;
const char *syscall_name(unsigned nr); /* NULL: no such call */

/* Handle one system-call event: dispatch, trace and count it, and store -errno
 * or the result in tf.rax.  Returns the internal errno (ERESTARTSYS etc.) for
 * ksig_deliver(). */
int syscall_dispatch(struct lwp *);

/* Helpers for handlers. */
struct file;
/* Copy a path in.  EFAULT, ENAMETOOLONG. */
int sys_copyin_path(struct lwp *, uint64_t uaddr, char *buf /* VFS_PATH_MAX */);
int sys_get_file(struct lwp *, int fd, struct file **); /* ref'ed */
/* The same; EBADF also for O_PATH. */
int sys_get_open_file(struct lwp *, int fd, struct file **);
/* The directory of dirfd, ref'ed; NULL for AT_FDCWD. */
int sys_get_dir(struct lwp *, int dirfd, struct vplace *);

#endif /* LINUX_LIB_SYSCALL_H */
