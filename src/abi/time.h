/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Times, clocks, interval timers.
 * Source: clock_gettime(2), getitimer(2), times(2), include/uapi/linux/time.h.
 */
#ifndef ABI_TIME_H
#define ABI_TIME_H

#include <stdint.h>

struct lx_timespec {
	int64_t sec, nsec;
};
struct lx_timeval {
	int64_t sec, usec;
};
struct lx_itimerval {
	struct lx_timeval interval, value;
};
struct lx_itimerspec {
	struct lx_timespec interval, value;
};
struct lx_tms {
	int64_t utime, stime, cutime, cstime;
};
struct lx_utimbuf {
	int64_t actime, modtime;
};
struct lx_timezone {
	int32_t minuteswest, dsttime;
};
_Static_assert(sizeof(struct lx_timespec) == 16, "timespec");
_Static_assert(sizeof(struct lx_itimerval) == 32, "itimerval");

#define LX_CLOCK_REALTIME 0
#define LX_CLOCK_MONOTONIC 1
#define LX_CLOCK_PROCESS_CPUTIME 2
#define LX_CLOCK_THREAD_CPUTIME 3
#define LX_CLOCK_MONOTONIC_RAW 4
#define LX_CLOCK_REALTIME_COARSE 5
#define LX_CLOCK_MONOTONIC_COARSE 6
#define LX_CLOCK_BOOTTIME 7
#define LX_CLOCK_REALTIME_ALARM 8
#define LX_CLOCK_BOOTTIME_ALARM 9
#define LX_CLOCK_TAI 11
#define LX_TIMER_ABSTIME 1
#define LX_ITIMER_REAL 0
#define LX_ITIMER_VIRTUAL 1
#define LX_ITIMER_PROF 2

#define LX_USER_HZ 100

#endif /* ABI_TIME_H */
