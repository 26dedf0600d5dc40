/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Kernel time.  All deadlines are CLOCK_MONOTONIC nanoseconds; UINT64_MAX is
 * for ever.  Times that programs give are limited to KTIME_MAX, as on Linux,
 * and sums saturate there.  An absolute time of CLOCK_REALTIME becomes a
 * deadline when the sleep begins.
 */
#include "kern/time/ktime.h"

#include <errno.h>

#include "abi/time.h"
#include "host/host.h"

uint64_t
ktime_add(uint64_t a, uint64_t b)
{
	return (a >= KTIME_MAX || b > KTIME_MAX - a ? KTIME_MAX : a + b);
}

uint64_t
ktime_forward(uint64_t deadline, uint64_t interval, uint64_t now, uint64_t *n)
{
	uint64_t late;

	*n = 0;
	if (deadline > now)
		return (deadline);
	late = (now - deadline) % interval;
	*n = 1 + (now - deadline) / interval;
	return (ktime_add(now - late, interval));
}

uint64_t
ktime_deadline(uint64_t rel_ns)
{
	if (rel_ns > KTIME_MAX)
		return (UINT64_MAX);
	return (ktime_add(host_now_ns(), rel_ns));
}

int
ktime_deadline_abs(int clock, uint64_t abs_ns, uint64_t *deadline)
{
	uint64_t now;
	int error;

	switch (clock) {
	case LX_CLOCK_MONOTONIC:
		*deadline = abs_ns;
		return (0);
	case LX_CLOCK_REALTIME:
	case LX_CLOCK_TAI:
	case LX_CLOCK_BOOTTIME:
		error = host_clock_get(clock, &now);
		if (error == 0)
			*deadline = abs_ns == UINT64_MAX
					? UINT64_MAX
					: ktime_deadline(
					      abs_ns > now ? abs_ns - now : 0);
		return (error);
	default:
		return (EINVAL);
	}
}

uint64_t
ktime_remaining(uint64_t deadline)
{
	uint64_t now = host_now_ns();

	return (deadline > now ? deadline - now : 0);
}
