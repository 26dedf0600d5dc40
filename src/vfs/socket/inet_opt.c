/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Options of our own Internet sockets.  Theory: inet.c.
 *
 * Concepts.  The table has the options of IP, IPv6, TCP and UDP that are a
 * number: the value of a new socket and the limits, as on Linux.  A value is
 * kept and returned.  Those with a meaning here are IPV6_V6ONLY, SO_REUSEADDR
 * and SO_REUSEPORT (inet_port.c), IP_PKTINFO and IPV6_RECVPKTINFO
 * (inet_dgram.c); the others change how packets are sent, and there are none.
 * An option that would have to change what the guest sees is not in the table:
 * ENOPROTOOPT, as on a kernel without it.  Options of SOL_SOCKET are the
 * host's, for its AF_UNIX socket below, but for those that tell of the family.
 */
#include <errno.h>
#include <string.h>

#include "host/host_file.h"
#include "libk/kassert.h"
#include "vfs/core/vfs.h"
#include "vfs/socket/inet.h"
#include "vfs/socket/inet_int.h"

#define TCP 1
#define UDP 2
#define BOTH (TCP | UDP)
#define MTU 65536
#define SEGMENT 65483 /* of TCP over lo */

static const struct inet_option {
	int16_t level, option;
	int first, least, most; /* 0 and 1: any number, as a truth value */
	int types;
} table[] = {
    {LX_SOL_IP, LX_IP_TOS, 0, 0, 255, BOTH},
    {LX_SOL_IP, LX_IP_TTL, 64, -1, 255, BOTH},
    {LX_SOL_IP, LX_IP_PKTINFO, 0, 0, 1, BOTH},
    {LX_SOL_IP, LX_IP_MTU_DISCOVER, 1, 0, 5, BOTH},
    {LX_SOL_IP, LX_IP_RECVERR, 0, 0, 1, BOTH},
    {LX_SOL_IP, LX_IP_RECVTTL, 0, 0, 1, BOTH},
    {LX_SOL_IP, LX_IP_RECVTOS, 0, 0, 1, BOTH},
    {LX_SOL_IP, LX_IP_FREEBIND, 0, 0, 1, BOTH},
    {LX_SOL_IP, LX_IP_BIND_ADDRESS_NO_PORT, 0, 0, 1, BOTH},
    {LX_SOL_IP, LX_IP_MULTICAST_TTL, 1, -1, 255, UDP},
    {LX_SOL_IP, LX_IP_MULTICAST_LOOP, 1, 0, 1, BOTH},
    {LX_SOL_IP, LX_IP_MULTICAST_ALL, 1, 0, 1, BOTH},
    {LX_SOL_IP, LX_IP_MINTTL, 0, 0, 255, BOTH},
    {LX_SOL_TCP, LX_TCP_NODELAY, 0, 0, 1, TCP},
    {LX_SOL_TCP, LX_TCP_CORK, 0, 0, 1, TCP},
    {LX_SOL_TCP, LX_TCP_KEEPIDLE, 7200, 1, 32767, TCP},
    {LX_SOL_TCP, LX_TCP_KEEPINTVL, 75, 1, 32767, TCP},
    {LX_SOL_TCP, LX_TCP_KEEPCNT, 9, 1, 127, TCP},
    {LX_SOL_TCP, LX_TCP_SYNCNT, 6, 1, 127, TCP},
    {LX_SOL_TCP, LX_TCP_LINGER2, 60, -1, 120, TCP},
    {LX_SOL_TCP, LX_TCP_DEFER_ACCEPT, 0, 0, INT32_MAX, TCP},
    {LX_SOL_TCP, LX_TCP_QUICKACK, 1, 0, 1, TCP},
    {LX_SOL_TCP, LX_TCP_USER_TIMEOUT, 0, 0, INT32_MAX, TCP},
    {LX_SOL_TCP, LX_TCP_FASTOPEN, 0, 0, INT32_MAX, TCP},
    {LX_SOL_TCP, LX_TCP_NOTSENT_LOWAT, 0, INT32_MIN, INT32_MAX, TCP},
    {LX_SOL_TCP, LX_TCP_THIN_LINEAR_TIMEOUTS, 0, 0, 1, TCP},
    {LX_SOL_IPV6, LX_IPV6_UNICAST_HOPS, 64, -1, 255, BOTH},
    {LX_SOL_IPV6, LX_IPV6_MULTICAST_HOPS, 1, -1, 255, UDP},
    {LX_SOL_IPV6, LX_IPV6_MULTICAST_LOOP, 1, 0, 1, BOTH},
    {LX_SOL_IPV6, LX_IPV6_MULTICAST_ALL, 1, 0, 1, BOTH},
    {LX_SOL_IPV6, LX_IPV6_MTU_DISCOVER, 1, 0, 5, BOTH},
    {LX_SOL_IPV6, LX_IPV6_RECVERR, 0, 0, 1, BOTH},
    {LX_SOL_IPV6, LX_IPV6_RECVPKTINFO, 0, 0, 1, BOTH},
    {LX_SOL_IPV6, LX_IPV6_RECVHOPLIMIT, 0, 0, 1, BOTH},
    {LX_SOL_IPV6, LX_IPV6_RECVTCLASS, 0, 0, 1, BOTH},
    {LX_SOL_IPV6, LX_IPV6_TCLASS, 0, -1, 255, BOTH},
    {LX_SOL_IPV6, LX_IPV6_DONTFRAG, 0, 0, 1, BOTH},
    {LX_SOL_IPV6, LX_IPV6_AUTOFLOWLABEL, 1, 0, 1, BOTH},
};
#define COUNT (sizeof(table) / sizeof(table[0]))
_Static_assert(COUNT <= INET_OPTS, "room for each option");

/* The index of an option that this socket has; -1: it has none. */
static int
find(const struct socket *so, int level, int option)
{
	const int type = so->type == LX_SOCK_STREAM ? TCP : UDP;

	if (so->domain == LX_AF_NETLINK ||
	    (level == LX_SOL_IPV6 && so->domain != LX_AF_INET6))
		return (-1);
	for (size_t i = 0; i < COUNT; i++)
		if (table[i].level == level && table[i].option == option &&
		    (table[i].types & type) != 0)
			return ((int)i);
	return (-1);
}

void
inet_opt_init(struct inet_sock *is)
{
	for (size_t i = 0; i < COUNT; i++)
		atomic_init(&is->opt[i], table[i].first);
}

bool
inet_opt_on(struct inet_sock *is, int level, int option)
{
	const int i = find(is->so, level, option);

	return (i >= 0 && atomic_load(&is->opt[i]) != 0);
}

/* ---- reading ---- */

static void
put_int(void *value, uint32_t *len, int n)
{
	memcpy(value, &n, sizeof(n));
	*len = sizeof(n);
}

static int
take_error(struct file *f)
{
	struct inet_sock *is = file_socket(f)->inet;
	int error = atomic_exchange(&is->error, 0), host = 0;

	if (error == 0 && host_sockopt_int(f->hostfd, LX_SO_ERROR, &host) == 0)
		error = host;
	return (error);
}

static int
get_socket(struct file *f, int option, void *value, uint32_t *len)
{
	const struct socket *so = file_socket(f);
	const struct inet_sock *is = so->inet;
	bool on;

	switch (option) {
	case LX_SO_ERROR:
		put_int(value, len, take_error(f));
		return (0);
	case LX_SO_TYPE:
		put_int(value, len, so->type);
		return (0);
	case LX_SO_DOMAIN:
		put_int(value, len, so->domain);
		return (0);
	case LX_SO_PROTOCOL:
		put_int(value, len,
		    so->domain == LX_AF_NETLINK  ? LX_NETLINK_ROUTE
		    : so->type == LX_SOCK_STREAM ? LX_IPPROTO_TCP
						 : LX_IPPROTO_UDP);
		return (0);
	case LX_SO_REUSEADDR:
	case LX_SO_REUSEPORT:
		kmutex_lock(&so->vfs->sockets->lock);
		on = option == LX_SO_REUSEADDR ? is->reuse : is->reuseport;
		kmutex_unlock(&so->vfs->sockets->lock);
		put_int(value, len, on);
		return (0);
	case LX_SO_ACCEPTCONN:
		put_int(value, len, atomic_load(&so->listens));
		return (0);
	case LX_SO_PEEK_OFF: /* the heads of datagrams would count */
		return (ENOPROTOOPT);
	default:
		return (host_getsockopt(
		    f->hostfd, LX_SOL_SOCKET, option, value, len));
	}
}

/* As far as there is something to tell: the state and the segments. */
static void
get_tcp_info(struct inet_sock *is, uint8_t *value, size_t room, uint32_t *len)
{
	const uint32_t segment = SEGMENT;
	const size_t size = 232; /* struct tcp_info */
	bool connected, listening;

	kmutex_lock(&is->so->vfs->sockets->lock);
	connected = is->connected;
	listening = is->listening;
	kmutex_unlock(&is->so->vfs->sockets->lock);
	*len = (uint32_t)(size < room ? size : room);
	memset(value, 0, *len);
	value[0] = connected ? 1 : listening ? 10 : 7;
	memcpy(value + 16, &segment, sizeof(segment));
	memcpy(value + 20, &segment, sizeof(segment));
}

static int
get_mtu(struct inet_sock *is, void *value, uint32_t *len)
{
	bool connected;

	kmutex_lock(&is->so->vfs->sockets->lock);
	connected = is->connected;
	kmutex_unlock(&is->so->vfs->sockets->lock);
	if (!connected)
		return (ENOTCONN);
	put_int(value, len, MTU);
	return (0);
}

static bool
is_v6only(struct inet_sock *is)
{
	bool yes;

	kmutex_lock(&is->so->vfs->sockets->lock);
	yes = is->v6only;
	kmutex_unlock(&is->so->vfs->sockets->lock);
	return (yes);
}

static bool
has_level(const struct socket *so, int level)
{
	switch (level) {
	case LX_SOL_TCP:
		return (so->type == LX_SOCK_STREAM);
	case LX_SOL_UDP:
		return (so->type != LX_SOCK_STREAM);
	case LX_SOL_IPV6:
		return (so->domain == LX_AF_INET6);
	default:
		return (level == LX_SOL_IP);
	}
}

int
inet_getopt(struct file *f, int level, int option, void *value, size_t room,
    uint32_t *len)
{
	const struct socket *so = file_socket(f);
	struct inet_sock *is = so->inet;
	const bool tcp = so->type == LX_SOCK_STREAM && level == LX_SOL_TCP;
	const int i = find(so, level, option);

	KASSERT(room >= sizeof("cubic\0\0\0\0\0\0\0\0\0\0"));
	if (level == LX_SOL_SOCKET)
		return (get_socket(f, option, value, len));
	if (i >= 0) {
		put_int(value, len, atomic_load(&is->opt[i]));
		return (0);
	}
	if (tcp && option == LX_TCP_INFO) {
		get_tcp_info(is, value, room, len);
		return (0);
	}
	if (tcp && option == LX_TCP_MAXSEG) {
		put_int(value, len, SEGMENT);
		return (0);
	}
	if (tcp && option == LX_TCP_CONGESTION) {
		memcpy(value, "cubic", sizeof("cubic"));
		*len = 16;
		return (0);
	}
	if (so->domain == LX_AF_NETLINK)
		return (ENOPROTOOPT);
	if (!has_level(so, level))
		return (EOPNOTSUPP);
	if (level == LX_SOL_IP && option == LX_IP_MTU)
		return (get_mtu(is, value, len));
	if (level == LX_SOL_IPV6 && inet_is_v6(is) && option == LX_IPV6_MTU)
		return (get_mtu(is, value, len));
	if (level == LX_SOL_IPV6 && inet_is_v6(is) &&
	    option == LX_IPV6_V6ONLY) {
		put_int(value, len, is_v6only(is));
		return (0);
	}
	return (ENOPROTOOPT);
}

/* ---- writing ---- */

static int
set_shared(struct inet_sock *is, int option, bool on)
{
	struct sock_table *s = is->so->vfs->sockets;
	int error = 0;

	kmutex_lock(&s->lock);
	if (option == LX_SO_REUSEADDR)
		is->reuse = on;
	else if (option == LX_SO_REUSEPORT)
		is->reuseport = on;
	else if (is->has_port)
		error = EINVAL;
	else
		is->v6only = on;
	kmutex_unlock(&s->lock);
	return (error);
}

static int
set_number(struct inet_sock *is, int i, int n)
{
	const struct inet_option *o = &table[i];

	if (o->least == 0 && o->most == 1)
		n = n != 0;
	if (n < o->least || n > o->most)
		return (EINVAL);
	atomic_store(&is->opt[i], n == -1 ? o->first : n);
	return (0);
}

/* Options that need a socket of packets, but that programs set in passing. */
static int
set_other(
    const struct socket *so, int level, int option, const void *value, size_t n)
{
	const bool tcp = so->type == LX_SOCK_STREAM && level == LX_SOL_TCP;

	if (tcp && option == LX_TCP_CONGESTION)
		return ((n >= 5 && memcmp(value, "cubic", 5) == 0) ||
				(n >= 4 && memcmp(value, "reno", 4) == 0)
			    ? 0
			    : ENOENT);
	if (tcp && (option == LX_TCP_MAXSEG || option == LX_TCP_WINDOW_CLAMP))
		return (0);
	if (so->domain == LX_AF_NETLINK && level == LX_SOL_NETLINK)
		return (0);
	if (so->domain != LX_AF_NETLINK && level == LX_SOL_IP &&
	    option == LX_IP_ADD_MEMBERSHIP)
		return (ENODEV); /* lo has no multicast */
	return (ENOPROTOOPT);
}

int
inet_setopt(
    struct file *f, int level, int option, const void *value, uint32_t len)
{
	struct socket *so = file_socket(f);
	const int i = find(so, level, option);
	const bool shared =
	    (level == LX_SOL_SOCKET &&
		(option == LX_SO_REUSEADDR || option == LX_SO_REUSEPORT)) ||
	    (level == LX_SOL_IPV6 && option == LX_IPV6_V6ONLY &&
		so->domain == LX_AF_INET6);
	int n = 0;

	if (i < 0 && !shared) {
		if (level != LX_SOL_SOCKET)
			return (set_other(so, level, option, value, len));
		return (option == LX_SO_PEEK_OFF
			    ? ENOPROTOOPT
			    : host_setsockopt(
				  f->hostfd, level, option, value, len));
	}
	/* Linux takes a byte for most options of IP. */
	if (len >= sizeof(n))
		memcpy(&n, value, sizeof(n));
	else if (level == LX_SOL_IP && len >= 1)
		n = *(const uint8_t *)value;
	else
		return (EINVAL);
	return (shared ? set_shared(so->inet, option, n != 0)
		       : set_number(so->inet, i, n));
}
