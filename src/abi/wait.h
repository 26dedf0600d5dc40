/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Waiting for children.
 * Source: wait(2), include/uapi/linux/wait.h.
 */
#ifndef ABI_WAIT_H
#define ABI_WAIT_H

#include <stdint.h>

#define LX_WNOHANG 1
#define LX_WUNTRACED 2
#define LX_WSTOPPED 2
#define LX_WEXITED 4
#define LX_WCONTINUED 8
#define LX_WNOWAIT 0x01000000
#define LX_WNOTHREAD 0x20000000
#define LX_WALL 0x40000000
#define LX_WCLONE UINT32_C(0x80000000)
#define LX_P_ALL 0
#define LX_P_PID 1
#define LX_P_PGID 2
#define LX_P_PIDFD 3

#endif /* ABI_WAIT_H */
