/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Addresses of our own Internet sockets.  Both families share one form, in
 * which an address of IPv4 is a mapped one, so that a socket of either family
 * finds the other.  Source of the layouts: ip(7), ipv6(7).
 */
#include <errno.h>
#include <string.h>

#include "vfs/socket/inet_int.h"

#define SIZE_INET 16
#define SIZE_INET6 28
#define SIZE_INET6_MIN 24 /* without the scope */
#define AT_PORT 2         /* in both families */
#define AT_IP 4           /* of IPv4 */
#define AT_IP6 8

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const uint8_t any6[16];
static const uint8_t loopback6[16] = {[15] = 1};

bool
inet_is_mapped(const struct inet_addr *a)
{
	return (memcmp(a->ip, mapped, sizeof(mapped)) == 0);
}

bool
inet_is_any(const struct inet_addr *a)
{
	if (inet_is_mapped(a))
		return (memcmp(a->ip + 12, any6, 4) == 0);
	return (memcmp(a->ip, any6, sizeof(any6)) == 0);
}

bool
inet_is_loopback(const struct inet_addr *a)
{
	if (inet_is_mapped(a))
		return (a->ip[12] == 127);
	return (memcmp(a->ip, loopback6, sizeof(loopback6)) == 0);
}

struct inet_addr
inet_any(int domain)
{
	struct inet_addr a = {0};

	if (domain == LX_AF_INET)
		memcpy(a.ip, mapped, sizeof(mapped));
	return (a);
}

void
inet_source(struct inet_addr *from, const struct inet_addr *to)
{
	if (!inet_is_mapped(to)) {
		memcpy(from->ip, loopback6, sizeof(loopback6));
		return;
	}
	memcpy(from->ip, mapped, sizeof(mapped));
	memcpy(from->ip + 12, (const uint8_t[]){127, 0, 0, 1}, 4);
}

int
inet_parse(const struct host_sockaddr *sa, int domain, struct inet_addr *a)
{
	const bool v6 = domain == LX_AF_INET6;

	if (sa->len < (v6 ? SIZE_INET6_MIN : SIZE_INET))
		return (EINVAL);
	if (sa->family != domain)
		return (EAFNOSUPPORT);
	*a = inet_any(domain);
	if (v6)
		memcpy(a->ip, sa->raw + AT_IP6, sizeof(a->ip));
	else
		memcpy(a->ip + 12, sa->raw + AT_IP, 4);
	a->port = (uint16_t)(sa->raw[AT_PORT] << 8 | sa->raw[AT_PORT + 1]);
	return (0);
}

void
inet_format(const struct inet_addr *a, int domain, struct host_sockaddr *sa)
{
	memset(sa, 0, sizeof(*sa));
	sa->family = (uint16_t)domain;
	sa->raw[AT_PORT] = (uint8_t)(a->port >> 8);
	sa->raw[AT_PORT + 1] = (uint8_t)a->port;
	if (domain == LX_AF_INET) {
		sa->len = SIZE_INET;
		memcpy(sa->raw + AT_IP, a->ip + 12, 4);
	} else {
		sa->len = SIZE_INET6;
		memcpy(sa->raw + AT_IP6, a->ip, sizeof(a->ip));
	}
}
