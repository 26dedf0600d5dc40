/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Kernel instances on other machines, for tests.
 */
#ifndef API_VKERNEL_INT_H
#define API_VKERNEL_INT_H

#include "kern/base/proc.h"

/*
 * As vkernel_create(), with user code played by `fake` (which lives as long
 * as the kernel) on pmap_soft_ops, and memory from `host`; NULL: the real
 * one.
 */
int vkernel_create_fake_on(const struct vkernel_config *, struct cpu_fake *,
    const struct host *host, struct vkernel **);
int vkernel_create_fake(
    const struct vkernel_config *, struct cpu_fake *, struct vkernel **);

static inline struct vkernel *
vkernel_of_vmspace(struct vmspace *vm)
{
	return ((struct vkernel *)(void *)((char *)vm->sys -
					   offsetof(struct vkernel, vm)));
}

#endif /* API_VKERNEL_INT_H */
