/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * procfs texts, shared by kern_procfs.c and kern_procfs_pid.c.
 */
#ifndef KERN_KERN_PROCFS_H
#define KERN_KERN_PROCFS_H

#include "kern/proc_int.h"
#include "vfs/procfs/procfs.h"

/* struct procfs_ops.text */
int kern_procfs_text(
    void *vkernel, int pid, const char *node, struct procfs_buf *);

#endif /* KERN_KERN_PROCFS_H */
