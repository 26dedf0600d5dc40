/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* prctl(PR_SET_SECCOMP). */
#ifndef LINUX_PROC_SYS_SECCOMP_H
#define LINUX_PROC_SYS_SECCOMP_H

#include "linux/lib/sys_int.h"

/* mode: LX_SECCOMP_MODE_*; uprog: of a struct lx_sock_fprog. */
int sys_prctl_seccomp(
    struct lwp *, uint64_t mode, uint64_t uprog, int64_t *ret);

#endif /* LINUX_PROC_SYS_SECCOMP_H */
