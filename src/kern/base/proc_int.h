/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Processes: what fork, exec, exit, wait and vkernel share.
 */
#ifndef KERN_BASE_PROC_INT_H
#define KERN_BASE_PROC_INT_H

#include "kern/base/proc.h"
#include "mem/vm_zone.h"

#define PID_MAX 4194304

/* A process in no table, EMBRYO, no resources, one ref (the table's to be).
 * NULL: no memory. */
struct proc *proc_alloc(struct vkernel *);
/* Give up the table's ref.  No locks held. */
void proc_release(struct proc *);
/* Into the table as a child of parent (NULL: none).  proctree held. */
void proc_link(struct proc *, struct proc *parent);
/* Out of the table; the caller then owes proc_release() without the lock.
 * proctree held. */
void proc_unlink(struct proc *);
/* The same, collected in a list (linked by `all`). */
void proc_reap(struct proc *, struct proc_list *);
void proc_release_list(struct proc_list *);
/* Frees fdt, fs, textvp and vmspace of a process that never ran. */
void proc_undo(struct proc *);
/* p has its own memory, or none: let a vfork parent go.  No locks held. */
void proc_vfork_done(struct proc *);
/* Add what vm has counted to p->ru.  Proc lock held. */
void proc_account_vm(struct proc *, struct vmspace *);
/* Usage of another process added: times and faults sum, maxrss is the
 * larger. */
void rusage_add(struct proc_rusage *, const struct proc_rusage *);

/* session.c; all with proctree held. */
int session_create(struct vkernel *, int sid, struct session **);
void session_ref(struct session *);
void session_free(struct vkernel *, struct session *);
void pgrp_signal_locked(struct vkernel *, int pgid, int sig);
extern const struct vfs_tty_ops session_tty_ops;
bool pgrp_orphaned_locked(struct vkernel *, int pgid);
bool pgrp_has_stopped(struct vkernel *, int pgid);

/* Off p's list and gone; no thread of its own (any more).  It need not have
 * been started. */
void lwp_undo(struct lwp *);
/* Already off the list; does not touch its process. */
void lwp_destroy_in(struct vkernel *, struct lwp *);
/* From the host thread of an lwp, as its last act: see lwp.c. */
void lwp_thread_done(struct vkernel *, struct host_thread *self);
/* Wait until no lwp thread exists. */
void lwp_threads_drain(struct vkernel *);

/* oom.c */
int kern_oom(void *vkernel, struct vmspace *);

/* sys_signalfd.c.  exit: no lwp is left; no locks held. */
void sigfd_init(struct vkernel *);
void sigfd_destroy(struct vkernel *);
void sigfd_proc_exit(struct proc *);

/* timer.c */
int ktimer_create(struct vkernel *);
void ktimer_destroy(struct vkernel *);
/* The latest time that there is, as on Linux; UINT64_MAX is for ever. */
#define KTIME_MAX ((uint64_t)INT64_MAX)
/* Their sum, KTIME_MAX at most; neither is above it. */
uint64_t ktime_add(uint64_t a, uint64_t b);
/* The first time after now that is deadline + n * interval (not 0), KTIME_MAX
 * at most; *n: how many of them passed, 0 if deadline is after now. */
uint64_t ktime_forward(
    uint64_t deadline, uint64_t interval, uint64_t now, uint64_t *n);
/* A deadline was changed: look at all of them again.  0, ENOMEM, EAGAIN. */
int ktimer_kick(struct vkernel *);
/* Look at all of them at that time, if there is a thread. */
void ktimer_look_at(struct vkernel *, uint64_t at);

/* kern_procfs.c */
extern const struct procfs_ops kern_procfs_ops;

/* glue.c: swap a stopped process out (returns pages), and back in. */
uint64_t kern_swap_idle(void *k);
void kern_swap_back(struct lwp *);

/* vkernel_swap.c */
int vkernel_swap_check(const struct vkernel_swap *);
/* The areas of a configuration; a log line names the one that was refused. */
int vkernel_swap_config(
    struct vkernel *, const struct vkernel_swap *, size_t n);
/* Figures of all areas together: the fields swap_* are set. */
void vkernel_swap_stat(struct vkernel *, struct vkernel_stat *);

/* vkernel_device.c */
/* After the file systems are gone: frees device memory. */
void vkernel_devices_destroy(struct vkernel *);

/* vkernel_mounts.c */
int vkernel_mounts(struct vkernel *);

#endif /* KERN_BASE_PROC_INT_H */
