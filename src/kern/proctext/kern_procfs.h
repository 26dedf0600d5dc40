/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * procfs texts, shared by kern_procfs.c and kern_procfs_pid.c.
 */
#ifndef KERN_PROCTEXT_KERN_PROCFS_H
#define KERN_PROCTEXT_KERN_PROCFS_H

#include "kern/base/access.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "vfs/procfs/procfs.h"

/* ---- kern_procfs_pid.c ---- */

extern const struct procfs_pid_node kern_pid_nodes[];
/* struct procfs_ops.proc_* */
int kern_procfs_open(
    void *vkernel, int pid, bool may_look, struct procfs_proc **);
void kern_procfs_close(struct procfs_proc *);
uint64_t kern_procfs_id(const struct procfs_proc *, bool memory);

extern const struct procfs_ops kern_procfs_ops;

/* ---- kern_procfs_mem.c ---- */

/* The memory of p, held, if the caller may access it (access.h); NULL for a
 * zombie, which has none.  0, EPERM. */
int proc_look(struct proc *p, const struct proc_caller *, struct vmspace **vm);

/* struct procfs_ops.mem_* */
int kern_procfs_mem_open(
    void *vkernel, int pid, const struct vfs_ctx *, void **mem);
int kern_procfs_mem_rw(void *mem, struct uio *);
void kern_procfs_mem_close(void *mem);

#endif /* KERN_PROCTEXT_KERN_PROCFS_H */
