/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Limits on resources and their use.
 * Source: getrlimit(2), getrusage(2), include/uapi/asm-generic/resource.h.
 */
#ifndef ABI_RESOURCE_H
#define ABI_RESOURCE_H

#include <stdint.h>

#include "abi/time.h"

struct lx_rusage {
	struct lx_timeval utime, stime;
	int64_t maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock,
	    oublock, msgsnd, msgrcv, nsignals, nvcsw, nivcsw;
};
_Static_assert(sizeof(struct lx_rusage) == 144, "struct rusage");

struct lx_rlimit {
	uint64_t cur, max;
};
#define LX_RLIM_INFINITY UINT64_MAX
#define LX_RLIMIT_CPU 0
#define LX_RLIMIT_FSIZE 1
#define LX_RLIMIT_DATA 2
#define LX_RLIMIT_STACK 3
#define LX_RLIMIT_CORE 4
#define LX_RLIMIT_RSS 5
#define LX_RLIMIT_NPROC 6
#define LX_RLIMIT_NOFILE 7
#define LX_RLIMIT_MEMLOCK 8
#define LX_RLIMIT_AS 9
#define LX_RLIMIT_LOCKS 10
#define LX_RLIMIT_SIGPENDING 11
#define LX_RLIMIT_MSGQUEUE 12
#define LX_RLIMIT_NICE 13
#define LX_RLIMIT_RTPRIO 14
#define LX_RLIMIT_RTTIME 15

#define LX_RUSAGE_SELF 0
#define LX_RUSAGE_CHILDREN (-1)
#define LX_RUSAGE_THREAD 1

/* /proc/PID/oom_score_adj, and the older oom_adj. */
#define LX_OOM_SCORE_ADJ_MIN (-1000) /* the process is not chosen */
#define LX_OOM_SCORE_ADJ_MAX 1000
#define LX_OOM_DISABLE (-17)
#define LX_OOM_ADJUST_MIN (-16)
#define LX_OOM_ADJUST_MAX 15

/* /proc/PID/coredump_filter: the first value, and the bits that there are. */
#define LX_COREDUMP_FILTER 0x33
#define LX_COREDUMP_FILTER_BITS 0x1ff

#define LX_TIMERSLACK_NS 50000 /* of a new process */

#define LX_PRIO_PROCESS 0
#define LX_PRIO_PGRP 1
#define LX_PRIO_USER 2

/* ioprio_set(2); linux/ioprio.h */
#define LX_IOPRIO_WHO_PROCESS 1
#define LX_IOPRIO_WHO_USER 3
#define LX_IOPRIO_CLASS_SHIFT 13
#define LX_IOPRIO_LEVEL_MASK 7
#define LX_IOPRIO_CLASS_NONE 0
#define LX_IOPRIO_CLASS_RT 1
#define LX_IOPRIO_CLASS_BE 2
#define LX_IOPRIO_CLASS_IDLE 3

#endif /* ABI_RESOURCE_H */
