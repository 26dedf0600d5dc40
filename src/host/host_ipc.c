/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The host's epoll and timerfd, on which those of guests are built. Descriptors
 * are created close-on-exec and non-blocking; no call here waits.
 */
#include "host/host_file.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS UINT64_C(1000000000)

int
host_epoll_create(int *fd)
{
	int r = epoll_create1(EPOLL_CLOEXEC);

	if (r < 0)
		return (errno);
	*fd = r;
	return (0);
}

int
host_epoll_ctl(int epfd, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	return (epoll_ctl(epfd, op, fd, &ev) == 0 ? 0 : errno);
}

/* The host's events are smaller than ours: they are read into `out` and spread
 * from the last one on. */
int
host_epoll_take(int epfd, struct host_epoll_event *out, int max, int *n)
{
	_Static_assert(sizeof(struct epoll_event) <= sizeof(*out), "room");
	struct epoll_event ev;
	int r;

	do {
		r = epoll_wait(epfd, (struct epoll_event *)(void *)out, max, 0);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return (errno);
	for (int i = r; i-- > 0;) {
		memcpy(&ev, (char *)out + (size_t)i * sizeof(ev), sizeof(ev));
		out[i].events = ev.events;
		out[i].data = ev.data.u64;
	}
	*n = r;
	return (0);
}

int
host_timerfd(int clock, int *fd)
{
	int r = timerfd_create(clock, TFD_CLOEXEC | TFD_NONBLOCK);

	if (r < 0)
		return (errno);
	*fd = r;
	return (0);
}

static struct timespec
ts_of(uint64_t ns)
{
	return ((struct timespec){
	    .tv_sec = (time_t)(ns / NS), .tv_nsec = (long)(ns % NS)});
}

static uint64_t
ns_of(const struct timespec *ts)
{
	return ((uint64_t)ts->tv_sec * NS + (uint64_t)ts->tv_nsec);
}

int
host_timerfd_set(int fd, int flags, uint64_t value, uint64_t interval,
    uint64_t *old_value, uint64_t *old_interval)
{
	struct itimerspec it = {
	    .it_value = ts_of(value), .it_interval = ts_of(interval)};
	struct itimerspec old;

	if (timerfd_settime(fd, flags, &it, &old) != 0)
		return (errno);
	*old_value = ns_of(&old.it_value);
	*old_interval = ns_of(&old.it_interval);
	return (0);
}

int
host_timerfd_get(int fd, uint64_t *value, uint64_t *interval)
{
	struct itimerspec it;

	if (timerfd_gettime(fd, &it) != 0)
		return (errno);
	*value = ns_of(&it.it_value);
	*interval = ns_of(&it.it_interval);
	return (0);
}
