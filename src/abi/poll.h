/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * poll and epoll.
 * Source: poll(2), epoll_ctl(2), include/uapi/asm-generic/poll.h.
 */
#ifndef ABI_POLL_H
#define ABI_POLL_H

#include <stdint.h>

struct lx_pollfd {
	int32_t fd;
	int16_t events, revents;
};
_Static_assert(sizeof(struct lx_pollfd) == 8, "struct pollfd");

#define LX_POLLIN 0x001
#define LX_POLLPRI 0x002
#define LX_POLLOUT 0x004
#define LX_POLLERR 0x008
#define LX_POLLHUP 0x010
#define LX_POLLNVAL 0x020
#define LX_POLLRDNORM 0x040
#define LX_POLLRDBAND 0x080
#define LX_POLLWRNORM 0x100
#define LX_POLLWRBAND 0x200
#define LX_POLLMSG 0x400
#define LX_POLLRDHUP 0x2000

struct __attribute__((packed)) lx_epoll_event {
	uint32_t events;
	uint64_t data;
};
_Static_assert(sizeof(struct lx_epoll_event) == 12, "struct epoll_event");

#define LX_EPOLLET UINT32_C(0x80000000)
#define LX_EPOLLONESHOT UINT32_C(0x40000000)
#define LX_EPOLLEXCLUSIVE UINT32_C(0x10000000)
#define LX_EPOLL_CTL_ADD 1
#define LX_EPOLL_CTL_DEL 2
#define LX_EPOLL_CTL_MOD 3

#endif /* ABI_POLL_H */
