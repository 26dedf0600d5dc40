/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Terminals of guests, for kern: the functions that kern registers, and the
 * calls on a pty.
 */
#ifndef VFS_DEVFS_TTY_H
#define VFS_DEVFS_TTY_H

#include <stdbool.h>

struct file;
struct vfs_ctx;

struct pty;
/* Registered by kern.  No locks are held. */
struct vfs_tty_ops {
	/* To the foreground group of the session that has pty. */
	void (*signal)(void *arg, struct pty *pty, int signo);
	/* Its master is closed: no session has pty when this returns. */
	void (*hangup)(void *arg, struct pty *pty);
	/* The caller's terminal: a pty with a ref, or NULL: the kernel's.
	 * ENXIO. */
	int (*controlling)(
	    void *arg, const struct vfs_ctx *ctx, struct pty **pty);
};
/* The pty of a file, which the ref of the file keeps; NULL: it has none. */
struct pty *pty_of_file(const struct file *f, bool *master);
/* Open the slave of a master with those of `flags` that suit a terminal.  As
 * vfs_open(). */
int pty_open_peer(const struct file *master, int flags, const struct vfs_ctx *,
    struct file **);
unsigned pty_number(const struct pty *);
/* Background output stops (TOSTOP). */
bool pty_tostop(struct pty *);
/* May it become the terminal of a session? */
bool pty_live(struct pty *);
/* A ref, unless the last is being given up; give one up, without locks. */
bool pty_tryref(struct pty *);
void pty_free(struct pty *);

#endif /* VFS_DEVFS_TTY_H */
