/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signals about the input and output of files (O_ASYNC, SIGURG).  Theory in
 * sigio.c.  No locks held in any of these.
 */
#ifndef KERN_SIG_SIGIO_H
#define KERN_SIG_SIGIO_H

#include <stdbool.h>
#include <stdint.h>

struct file;
struct lwp;
struct owner_id;
struct proc;
struct vfs_owner_ops;
struct vkernel;

/* 0, ENOMEM. */
int sigio_create(struct vkernel *);
/* No file is watched. */
void sigio_destroy(struct vkernel *);

/* The owner that the calling thread would make of that process, thread or
 * group.  ESRCH: there is none. */
int sigio_owner(struct lwp *, int type, int id, struct owner_id *);
/* Does its process or group still exist? */
bool sigio_owner_lives(struct vkernel *, const struct owner_id *);
/*
 * The O_ASYNC flag of the file has been set or cleared; fd is what si_fd says.
 * Without an owner, the caller becomes it where Linux does so.
 * - 0, ENOMEM, EMFILE, ENFILE, EAGAIN, ENOSPC.
 */
int sigio_async(struct lwp *, struct file *, int fd, bool on);
/* The owner of the file has been set. */
int sigio_owned(struct lwp *, struct file *);
/* Send the signals of what has happened to files so far. */
void sigio_kick(struct vkernel *);

extern const struct vfs_owner_ops sigio_owner_ops;

#endif /* KERN_SIG_SIGIO_H */
