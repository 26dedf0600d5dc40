/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What calls of other topics need of the calls that send signals.
 */
#ifndef LINUX_SIGNAL_SYS_SIG_H
#define LINUX_SIGNAL_SYS_SIG_H

#include <stdbool.h>
#include <stdint.h>

struct ksiginfo;
struct lwp;

/* The siginfo of a signal that the caller sends by kill(2) and the like. */
struct ksiginfo sys_sig_from(struct lwp *, int signo, int code);

/*
 * Copy in and check a siginfo of the caller: its code may not be one of the
 * kernel or of kill(2), unless the target is the caller itself.
 * - 0, EINVAL, EFAULT, EPERM.
 */
int sys_sig_copyin_info(
    struct lwp *, uint64_t uinfo, int signo, bool self, struct ksiginfo *);

#endif /* LINUX_SIGNAL_SYS_SIG_H */
