/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Descriptors of processes.
 */
#ifndef KERN_BASE_PIDFD_H
#define KERN_BASE_PIDFD_H

#include <stdbool.h>

struct file;
struct proc;
struct vkernel;

/* A file that names no process yet; flags: O_NONBLOCK.  0, EMFILE, ENFILE,
 * ENOMEM, the host's errors. */
int pidfd_create(struct vkernel *, int flags, struct file **);
bool pidfd_is(const struct file *);
/* Let the file name p, once.  proctree held. */
void pidfd_bind_locked(struct file *, struct proc *);
/* The process, held; NULL: none yet.  It may be a zombie, or PROC_DEAD. */
struct proc *pidfd_proc_hold(struct file *);
/* p is a zombie from now on: its files become readable.  proctree held. */
void pidfd_exited_locked(struct proc *);

#endif /* KERN_BASE_PIDFD_H */
