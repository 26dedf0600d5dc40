/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Numbers of system calls: those that kern compares with, that the stub program
 * makes on the host, and that the command makes where libc may lack them.
 * Source: arch/x86/entry/syscalls/syscall_64.tbl.
 */
#ifndef ABI_SYSCALL_H
#define ABI_SYSCALL_H

#define LX_NR_READ 0
#define LX_NR_WRITE 1
#define LX_NR_CLOSE 3
#define LX_NR_MMAP 9
#define LX_NR_MPROTECT 10
#define LX_NR_MUNMAP 11
#define LX_NR_RT_SIGACTION 13
#define LX_NR_RT_SIGPROCMASK 14
#define LX_NR_RT_SIGRETURN 15
#define LX_NR_MREMAP 25
#define LX_NR_MSYNC 26
#define LX_NR_SENDMSG 46
#define LX_NR_CLONE 56
#define LX_NR_EXIT 60
#define LX_NR_GETPPID 110
#define LX_NR_CAPGET 125
#define LX_NR_CAPSET 126
#define LX_NR_SIGALTSTACK 131
#define LX_NR_PIVOT_ROOT 155
#define LX_NR_PRCTL 157
#define LX_NR_ARCH_PRCTL 158
#define LX_NR_FUTEX 202
#define LX_NR_RESTART_SYSCALL 219
#define LX_NR_EXIT_GROUP 231
#define LX_NR_SECCOMP 317
#define LX_NR_OPEN_TREE 428
#define LX_NR_MOVE_MOUNT 429
#define LX_NR_FSOPEN 430
#define LX_NR_FSCONFIG 431
#define LX_NR_FSMOUNT 432
#define LX_NR_OPENAT2 437
#define LX_NR_MOUNT_SETATTR 442
#define LX_NR_LANDLOCK_CREATE_RULESET 444
#define LX_NR_LANDLOCK_ADD_RULE 445
#define LX_NR_LANDLOCK_RESTRICT_SELF 446

/* A call that fails returns -LX_MAX_ERRNO to -1. */
#define LX_MAX_ERRNO 4095

#endif /* ABI_SYSCALL_H */
