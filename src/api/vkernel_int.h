/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Declarations that the files of the library share, and kernel instances for
 * tests, on a scripted CPU or a replaced host.
 */
#ifndef API_VKERNEL_INT_H
#define API_VKERNEL_INT_H

#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "machine/fake/cpu_fake.h"
#include "vm/vmspace.h"

/*
 * As vkernel_create(), with these replacements:
 * - `fake` plays the user code, on pmap_soft_ops.  It must live as long as the
 *   kernel.
 * - `host` supplies memory.  NULL: the real host.
 */
int vkernel_create_fake_on(const struct vkernel_config *, struct cpu_fake *,
    const struct host *host, struct vkernel **);
int vkernel_create_fake(
    const struct vkernel_config *, struct cpu_fake *, struct vkernel **);

/* vkernel_pty.c */
struct file;
/* The side of the guest, until a program was started on it; NULL. */
struct file *vkernel_pty_slave(const struct vkernel_pty *);
/* A program has it. */
void vkernel_pty_spawned(struct vkernel_pty *);

/* vkernel_swap.c */
int vkernel_swap_check(const struct vkernel_swap *);
/* The areas of a configuration; a log line names a refused area. */
int vkernel_swap_config(
    struct vkernel *, const struct vkernel_swap *, size_t n);
/* Figures of all areas together: the fields swap_* are set. */
void vkernel_swap_stat(struct vkernel *, struct vkernel_stat *);

/* vkernel_device.c */
/* After the file systems are gone: frees device memory. */
void vkernel_devices_destroy(struct vkernel *);

/* vkernel_mounts.c */
int vkernel_mounts(struct vkernel *);

#endif /* API_VKERNEL_INT_H */
