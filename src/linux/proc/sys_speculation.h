/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What prctl says about the speculation of the processor.
 */
#ifndef LINUX_SYS_SPECULATION_H
#define LINUX_SYS_SPECULATION_H

#include "linux/lib/sys_int.h"

/*
 * PR_GET_SPECULATION_CTRL and PR_SET_SPECULATION_CTRL; a: the arguments of
 * prctl.
 * - 0; EINVAL, ENODEV, ENXIO, EPERM, ERANGE as on Linux; ENOSYS: another
 *   option.
 */
int sys_prctl_speculation(struct lwp *, const uint64_t *a, int64_t *ret);

#endif /* LINUX_SYS_SPECULATION_H */
