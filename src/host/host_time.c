/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Time and randomness of the host.
 *
 * Times are nanoseconds in 64 bits, which lasts until the year 2554; a clock
 * before its epoch reads as 0.  The two clocks that the kernel itself uses
 * cannot fail.  A sleep ends at an absolute time, so that signals do not extend
 * it.
 */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "libk/kassert.h"

#define NSEC UINT64_C(1000000000)

static uint64_t
ts_to_ns(const struct timespec *ts)
{
	if (ts->tv_sec < 0)
		return (0);
	return ((uint64_t)ts->tv_sec * NSEC + (uint64_t)ts->tv_nsec);
}

uint64_t
host_now_ns(void)
{
	struct timespec ts;

	KVERIFY(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return (ts_to_ns(&ts));
}

uint64_t
host_realtime_ns(void)
{
	struct timespec ts;

	KVERIFY(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	return (ts_to_ns(&ts));
}

int
host_clock_get(int clock, uint64_t *ns)
{
	struct timespec ts;

	if (clock_gettime((clockid_t)clock, &ts) != 0)
		return (errno);
	*ns = ts_to_ns(&ts);
	return (0);
}

int
host_clock_res(int clock, uint64_t *ns)
{
	struct timespec ts;

	if (clock_getres((clockid_t)clock, &ts) != 0)
		return (errno);
	*ns = ts_to_ns(&ts);
	return (0);
}

void
host_sleep_ns(uint64_t ns)
{
	uint64_t until = host_now_ns();
	struct timespec ts;

	until = ns > INT64_MAX - until ? INT64_MAX : until + ns;
	ts.tv_sec = (time_t)(until / NSEC);
	ts.tv_nsec = (long)(until % NSEC);
	while (
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		continue;
}

/* For hosts that do not have getrandom(2), or forbid it. */
static void
random_from_file(char *p, size_t len)
{
	ssize_t n;
	int fd;

	fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		kpanic("cannot open /dev/urandom: error %d", errno);
	while (len > 0) {
		n = read(fd, p, len);
		if (n <= 0) {
			if (n < 0 && errno == EINTR)
				continue;
			kpanic("cannot read /dev/urandom: error %d",
			    n < 0 ? errno : 0);
		}
		p += n;
		len -= (size_t)n;
	}
	close(fd);
}

void
host_random(void *buf, size_t len)
{
	char *p = buf;
	long n;

	while (len > 0) {
		n = syscall(SYS_getrandom, p, len, 0);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			random_from_file(p, len);
			return;
		}
		p += n;
		len -= (size_t)n;
	}
}
