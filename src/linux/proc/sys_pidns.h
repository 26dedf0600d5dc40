/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls of processes in inner name spaces of process numbers.
 */
#ifndef LINUX_PROC_SYS_PIDNS_H
#define LINUX_PROC_SYS_PIDNS_H

#include <stdint.h>

struct lwp;
struct syscall_desc;

/* Call the handler with the numbers of the kernel. */
int sys_pidns_call(struct lwp *, const struct syscall_desc *,
    const uint64_t *args, int64_t *ret);

#endif /* LINUX_PROC_SYS_PIDNS_H */
