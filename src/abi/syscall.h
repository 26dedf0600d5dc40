/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Numbers of system calls that the kernel itself needs.
 * Source: arch/x86/entry/syscalls/syscall_64.tbl.
 */
#ifndef ABI_SYSCALL_H
#define ABI_SYSCALL_H

#define LX_NR_RESTART_SYSCALL 219

#endif /* ABI_SYSCALL_H */
