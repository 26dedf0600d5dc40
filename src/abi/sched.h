/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Creating threads and scheduling them.
 * Source: clone(2), sched_setattr(2), include/uapi/linux/sched.h.
 */
#ifndef ABI_SCHED_H
#define ABI_SCHED_H

#include <stdint.h>

#define LX_CLONE_NEWTIME 0x00000080
#define LX_CLONE_VM 0x00000100
#define LX_CLONE_FS 0x00000200
#define LX_CLONE_FILES 0x00000400
#define LX_CLONE_SIGHAND 0x00000800
#define LX_CLONE_PIDFD 0x00001000
#define LX_CLONE_PTRACE 0x00002000
#define LX_CLONE_VFORK 0x00004000
#define LX_CLONE_PARENT 0x00008000
#define LX_CLONE_THREAD 0x00010000
#define LX_CLONE_NEWNS 0x00020000
#define LX_CLONE_SYSVSEM 0x00040000
#define LX_CLONE_SETTLS 0x00080000
#define LX_CLONE_PARENT_SETTID 0x00100000
#define LX_CLONE_CHILD_CLEARTID 0x00200000
#define LX_CLONE_DETACHED 0x00400000
#define LX_CLONE_UNTRACED 0x00800000
#define LX_CLONE_CHILD_SETTID 0x01000000
#define LX_CLONE_NEWCGROUP 0x02000000
#define LX_CLONE_NEWUTS 0x04000000
#define LX_CLONE_NEWIPC 0x08000000
#define LX_CLONE_NEWUSER 0x10000000
#define LX_CLONE_NEWPID 0x20000000
#define LX_CLONE_NEWNET 0x40000000
#define LX_CLONE_IO UINT64_C(0x80000000)
#define LX_CLONE_CLEAR_SIGHAND UINT64_C(0x100000000)
#define LX_CLONE_INTO_CGROUP UINT64_C(0x200000000)

struct lx_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack,
	    stack_size, tls, set_tid, set_tid_size, cgroup;
};
#define LX_CLONE_ARGS_SIZE_VER0 64
_Static_assert(sizeof(struct lx_clone_args) == 88, "struct clone_args");

struct lx_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};
#define LX_SCHED_ATTR_SIZE_VER0 48
_Static_assert(sizeof(struct lx_sched_attr) == 56, "struct sched_attr");

#define LX_SCHED_FLAG_RESET_ON_FORK 0x01
#define LX_SCHED_FLAG_KEEP_POLICY 0x08
#define LX_SCHED_FLAG_KEEP_PARAMS 0x10
#define LX_SCHED_FLAG_UTIL_CLAMP 0x60
#define LX_SCHED_FLAG_ALL 0x7f

#define LX_SCHED_OTHER 0
#define LX_SCHED_FIFO 1
#define LX_SCHED_RR 2
#define LX_SCHED_BATCH 3
#define LX_SCHED_IDLE 5
#define LX_SCHED_DEADLINE 6
#define LX_SCHED_RESET_ON_FORK 0x40000000

#endif /* ABI_SCHED_H */
