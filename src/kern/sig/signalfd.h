/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * signalfd: pending signals as a file.  Theory in signalfd.c.
 */
#ifndef KERN_SIG_SIGNALFD_H
#define KERN_SIG_SIGNALFD_H

#include <stdint.h>

struct file;
struct lwp;
struct proc;
struct vkernel;

void sigfd_init(struct vkernel *);
void sigfd_destroy(struct vkernel *);
/* No lwp of the process is left; no locks held. */
void sigfd_proc_exit(struct proc *);
/* Proc lock held: a signal has become pending; some may be pending no more. */
void sigfd_posted_locked(struct proc *, uint64_t bit);
void sigfd_taken_locked(struct proc *);
/* A file with that mask; flags: O_NONBLOCK.  0 and *f with one ref; ENOMEM,
 * EMFILE, ENFILE. */
int sigfd_create(struct lwp *, uint64_t mask, int flags, struct file **f);
/* EINVAL: the file is not a signalfd. */
int sigfd_set_mask(struct lwp *, struct file *f, uint64_t mask);

#endif /* KERN_SIG_SIGNALFD_H */
