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
    void *vkernel, int pid, unsigned how, struct procfs_proc **);
void kern_procfs_close(struct procfs_proc *);
uint64_t kern_procfs_id(const struct procfs_proc *, bool memory);

/* ---- kern_procfs_sys.c, kern_procfs_sysctl.c ---- */

extern const struct procfs_sys_node kern_sys_nodes[], kern_settings[];

/* The kinds of file systems in the order of /proc/filesystems, then NULL. */
extern const char *const kern_filesystems[];

/* CPU time of all processes that there are, ns, in user code and besides. */
void kern_cpu_times(struct vkernel *, uint64_t *user, uint64_t *sys);

/* ---- kern_procfs_status.c ---- */

/* Sorted numbers as "0-3,8", and as a mask like "ff" or "1,00000000". */
void kern_print_ranges(struct procfs_buf *, const int *num, int n);
void kern_print_mask(struct procfs_buf *, const int *num, int n, int top);

/* ---- kern_sysfs.c, kern_cgroup.c ---- */

extern const struct procfs_tree_file kern_sysfs_files[], kern_cgroup_files[];

/* ---- kern_procfs.c ---- */

extern const struct procfs_ops kern_procfs_ops;
/* struct procfs_ops.next */
int kern_procfs_next(void *vkernel, int pid);

/* ---- kern_procfs_net.c: struct procfs_ops.net_* ---- */

extern const char *const kern_net_names[];
int kern_net_text(void *vkernel, unsigned idx, struct procfs_buf *);

/* ---- kern_procfs_fd.c ---- */

int kern_procfs_fdinfo(struct procfs_proc *, int fd, struct procfs_buf *);

/* ---- kern_procfs_mem.c ---- */

/* The memory of p, held, if the caller may access it (access.h); NULL for a
 * zombie, which has none.  0, EPERM. */
int proc_look(struct proc *p, const struct proc_caller *, struct vmspace **vm);

/* struct procfs_ops.mem_* */
int kern_procfs_mem_open(
    void *vkernel, int pid, const struct vfs_ctx *, void **mem);
int kern_procfs_mem_rw(void *mem, struct uio *);
void kern_procfs_mem_close(void *mem);
int kern_procfs_pagemap_read(void *mem, struct uio *);

#endif /* KERN_PROCTEXT_KERN_PROCFS_H */
