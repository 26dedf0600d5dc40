/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* The operations of prctl(2) on capabilities. */
#ifndef LINUX_PROC_SYS_CAP_H
#define LINUX_PROC_SYS_CAP_H

#include "linux/lib/sys_int.h"

/* ENOSYS: a[0] is no operation on capabilities. */
int sys_prctl_cap(struct lwp *, const uint64_t *a, int64_t *ret);

#endif /* LINUX_PROC_SYS_CAP_H */
