/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Whether a process may look into another process.
 */
#ifndef KERN_BASE_ACCESS_H
#define KERN_BASE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

struct cred;
struct lwp;
struct proc;
struct vfs_ctx;

/* The process that asks, at the time of its call. */
struct proc_caller {
	const struct proc *p; /* NULL: the kernel itself, which may do all */
	uint32_t uid, gid;
	const struct cred *cred; /* borrowed; its user namespace counts */
	uint64_t caps; /* another process may not have more than these */
	bool capable;  /* CAP_SYS_PTRACE: it passes every check */
};

/* For calls that open a file of /proc: the file system ids of the context.  ctx
 * NULL, or one without a thread: the kernel itself. */
struct proc_caller proc_caller_of_ctx(const struct vfs_ctx *);
/* For calls that name a process, such as process_vm_readv: the real ids.
 * Own host thread only. */
struct proc_caller proc_caller_real(struct lwp *);
/*
 * May the caller read and change the memory, the environment, the links and the
 * descriptors of p?
 * - Proc lock of p held.
 * - 0, EPERM.
 */
int proc_may_access_locked(const struct proc *p, const struct proc_caller *);
/* The same, takes the lock of p. */
int proc_may_access(struct proc *p, const struct proc_caller *);

#endif /* KERN_BASE_ACCESS_H */
