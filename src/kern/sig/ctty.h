/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Controlling terminals: the terminal of a session, its foreground group, and
 * the signals that a terminal sends.  Theory in ctty.c.
 */
#ifndef KERN_SIG_CTTY_H
#define KERN_SIG_CTTY_H

#include <stdbool.h>

struct proc;
struct vfs_tty_ops;
struct vkernel;

/* TIOCGPGRP/TIOCSPGRP/TIOCGSID/TIOCSCTTY on a terminal (as in struct
 * session) as the controlling terminal of p's session, or, with `any` (the
 * master of a pty), of any session.  ENOTTY when p's session has another or
 * none; set_fg: ESRCH (no such group), EPERM (not in the session); set_ctty:
 * EPERM (no session leader, it has one, or another session has it). */
int session_get_fg(struct proc *, const void *tty, bool any, int *pgid);
int session_set_fg(struct proc *, const void *tty, int pgid);
int session_get_sid(struct proc *, const void *tty, bool any, int *sid);
int session_set_ctty(struct proc *, const void *tty);
/* TIOCNOTTY.  When the leader does it, the foreground group gets SIGHUP and
 * SIGCONT.  ENOTTY. */
int session_notty(struct proc *, const void *tty);
/* Send sig to every member of the group.  proctree held. */
void pgrp_signal_locked(struct vkernel *, int pgid, int sig);
extern const struct vfs_tty_ops session_tty_ops;

#endif /* KERN_SIG_CTTY_H */
