/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Internet sockets in detail: addresses and ports, connections and their ends,
 * datagrams, options.  (loopback.c has the plain cases and the interfaces.)
 * Where the host permits no network namespace, these sockets are the kernel's
 * own.
 */
#include "guest.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define HOME 0x7f000001u
#define OTHER 0x7f000002u

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union addr
four(uint32_t ip, int port)
{
	union addr a = {.in = {.sin_family = AF_INET,
			    .sin_addr.s_addr = htonl(ip),
			    .sin_port = htons((uint16_t)port)}};

	return (a);
}

static union addr
six(struct in6_addr ip, int port)
{
	union addr a = {.in6 = {.sin6_family = AF_INET6,
			    .sin6_addr = ip,
			    .sin6_port = htons((uint16_t)port)}};

	return (a);
}

static socklen_t
size(const union addr *a)
{
	return (a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6));
}

static int
sock(int family, int type)
{
	int s = socket(family, type | SOCK_CLOEXEC, 0);

	CHECK(s >= 0);
	return (s);
}

static int
bind_to(int s, union addr a)
{
	return (bind(s, &a.sa, size(&a)));
}

static int
connect_to(int s, union addr a)
{
	return (connect(s, &a.sa, size(&a)));
}

static ssize_t
send_to(int s, const void *data, size_t n, union addr a)
{
	return (sendto(s, data, n, 0, &a.sa, size(&a)));
}

static union addr
name_of(int s)
{
	union addr a;
	socklen_t len = sizeof(a);

	CHECK(getsockname(s, &a.sa, &len) == 0 && len == size(&a));
	return (a);
}

static union addr
peer_of(int s)
{
	union addr a;
	socklen_t len = sizeof(a);

	CHECK(getpeername(s, &a.sa, &len) == 0 && len == size(&a));
	return (a);
}

static int
port_of(int s)
{
	return (ntohs(name_of(s).in.sin_port));
}

static bool
is_four(union addr a, uint32_t ip)
{
	return (a.sa.sa_family == AF_INET && a.in.sin_addr.s_addr == htonl(ip));
}

static bool
is_six(union addr a, struct in6_addr ip)
{
	return (a.sa.sa_family == AF_INET6 &&
		memcmp(&a.in6.sin6_addr, &ip, sizeof(ip)) == 0);
}

/* ::ffff:127.0.0.1 */
static struct in6_addr
mapped(void)
{
	struct in6_addr ip = {0};

	ip.s6_addr[10] = ip.s6_addr[11] = 0xff;
	ip.s6_addr[12] = 127;
	ip.s6_addr[15] = 1;
	return (ip);
}

static int
listener(union addr a)
{
	int s = sock(a.sa.sa_family, SOCK_STREAM);

	CHECK(bind_to(s, a) == 0 && listen(s, 8) == 0);
	return (s);
}

static void
set(int s, int level, int option, int value)
{
	CHECK(setsockopt(s, level, option, &value, sizeof(value)) == 0);
}

static int
get(int s, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK(getsockopt(s, level, option, &value, &len) == 0 && len == 4);
	return (value);
}

static bool
has_six(void)
{
	int s = socket(AF_INET6, SOCK_STREAM, 0);
	bool yes = s >= 0 && bind_to(s, six(in6addr_loopback, 0)) == 0;

	close(s);
	return (yes);
}

static void
addresses(void)
{
	union addr a = four(HOME, 0);
	int s = sock(AF_INET, SOCK_STREAM), t = sock(AF_INET, SOCK_STREAM);

	CHECK(is_four(name_of(s), 0) && port_of(s) == 0);
	CHECK_ERRNO(getpeername(s, &a.sa, &(socklen_t){sizeof(a)}), ENOTCONN);
	CHECK_ERRNO(bind(s, &a.sa, 8), EINVAL);
	CHECK_ERRNO(bind_to(s, four(0xc0000201, 0)), EADDRNOTAVAIL);
	a.sa.sa_family = AF_UNIX;
	CHECK_ERRNO(bind(s, &a.sa, sizeof(a.in)), EAFNOSUPPORT);
	CHECK_ERRNO(connect(s, &a.sa, sizeof(a.in)), EAFNOSUPPORT);
	CHECK(bind_to(s, four(HOME, 0)) == 0 && port_of(s) != 0);
	CHECK_ERRNO(bind_to(s, four(HOME, 0)), EINVAL);
	CHECK_ERRNO(bind_to(t, four(HOME, port_of(s))), EADDRINUSE);
	CHECK_ERRNO(bind_to(t, four(0, port_of(s))), EADDRINUSE);
	CHECK(bind_to(t, four(OTHER, port_of(s))) == 0);
	close(t);
	/* Sharing needs both, and no listener. */
	t = sock(AF_INET, SOCK_STREAM);
	set(s, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_ERRNO(bind_to(t, four(0, port_of(s))), EADDRINUSE);
	set(t, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK(bind_to(t, four(0, port_of(s))) == 0 && listen(t, 1) == 0);
	CHECK_ERRNO(listen(s, 1), EADDRINUSE);
	close(s);
	s = sock(AF_INET, SOCK_STREAM);
	set(s, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK_ERRNO(bind_to(s, four(HOME, port_of(t))), EADDRINUSE);
	/* A port of TCP is none of UDP. */
	close(s);
	s = sock(AF_INET, SOCK_DGRAM);
	CHECK(bind_to(s, four(0, port_of(t))) == 0);
	close(s);
	close(t);
	say("addresses ok");
}

static void
both_families(void)
{
	int s = sock(AF_INET6, SOCK_STREAM), t = sock(AF_INET, SOCK_STREAM), c;
	union addr a;

	set(s, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	CHECK(bind_to(s, six(in6addr_any, 0)) == 0 && listen(s, 1) == 0);
	CHECK_ERRNO(
	    setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, 4), EINVAL);
	CHECK_ERRNO(bind_to(t, four(HOME, port_of(s))), EADDRINUSE);
	CHECK(connect_to(t, four(HOME, port_of(s))) == 0);
	c = accept(s, &a.sa, &(socklen_t){sizeof(a)});
	CHECK(c >= 0 && is_six(a, mapped()) && is_six(name_of(c), mapped()));
	CHECK(ntohs(a.in6.sin6_port) == port_of(t));
	close(c);
	close(t);
	t = sock(AF_INET6, SOCK_STREAM);
	CHECK(connect_to(t, six(mapped(), port_of(s))) == 0);
	CHECK(is_six(name_of(t), mapped()) && is_six(peer_of(t), mapped()));
	close(t);
	close(s);
	s = sock(AF_INET6, SOCK_STREAM);
	set(s, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	CHECK_ERRNO(bind_to(s, six(mapped(), 0)), EINVAL);
	CHECK_ERRNO(bind_to(s, four(HOME, 0)), EINVAL);
	CHECK(bind_to(s, six(in6addr_any, 0)) == 0 && listen(s, 1) == 0);
	t = sock(AF_INET, SOCK_STREAM);
	CHECK(bind_to(t, four(0, port_of(s))) == 0);
	close(t);
	t = sock(AF_INET, SOCK_STREAM);
	CHECK_ERRNO(connect_to(t, four(HOME, port_of(s))), ECONNREFUSED);
	close(t);
	close(s);
}

static void
both_datagram(void)
{
	int s = sock(AF_INET6, SOCK_DGRAM), t = sock(AF_INET, SOCK_DGRAM);
	union addr a;
	char c;

	set(s, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	CHECK(bind_to(s, six(in6addr_any, 0)) == 0);
	CHECK(send_to(t, "4", 1, four(HOME, port_of(s))) == 1);
	CHECK(recvfrom(s, &c, 1, 0, &a.sa, &(socklen_t){sizeof(a)}) == 1);
	CHECK(c == '4' && is_six(a, mapped()));
	CHECK(send_to(s, "b", 1, a) == 1 && recv(t, &c, 1, 0) == 1);
	close(t);
	t = sock(AF_INET6, SOCK_DGRAM);
	CHECK(bind_to(t, six(in6addr_loopback, 0)) == 0);
	CHECK(send_to(t, "6", 1, six(in6addr_loopback, port_of(s))) == 1);
	CHECK(recvfrom(s, &c, 1, 0, &a.sa, &(socklen_t){sizeof(a)}) == 1);
	CHECK(c == '6' && is_six(a, in6addr_loopback));
	CHECK(send_to(s, "b", 1, a) == 1);
	CHECK(recvfrom(t, &c, 1, 0, &a.sa, &(socklen_t){sizeof(a)}) == 1);
	CHECK(is_six(a, in6addr_loopback));
	close(t);
	close(s);
}

static void
unconnected(void)
{
	int s = sock(AF_INET, SOCK_STREAM), u = sock(AF_INET, SOCK_DGRAM);
	char c;

	CHECK_ERRNO(send(s, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_ERRNO(recv(s, &c, 1, 0), ENOTCONN);
	CHECK_ERRNO(shutdown(s, SHUT_RD), ENOTCONN);
	CHECK_ERRNO(shutdown(s, 3), EINVAL);
	CHECK_ERRNO(accept(s, NULL, NULL), EINVAL);
	CHECK_ERRNO(accept(u, NULL, NULL), EOPNOTSUPP);
	CHECK_ERRNO(listen(u, 1), EOPNOTSUPP);
	CHECK_ERRNO(send(u, "x", 1, 0), EDESTADDRREQ);
	CHECK_ERRNO(send_to(u, "x", 1, four(HOME, 0)), EINVAL);
	CHECK_ERRNO(connect_to(s, four(HOME, 1)), ECONNREFUSED);
	/* Without a bind a listener gets a port. */
	CHECK(listen(s, 1) == 0 && port_of(s) != 0 && is_four(name_of(s), 0));
	CHECK_ERRNO(connect_to(s, four(HOME, port_of(s))), EISCONN);
	CHECK_ERRNO(recv(s, &c, 1, 0), ENOTCONN);
	close(s);
	close(u);
	say("unconnected ok");
}

static void
connections(void)
{
	int s = listener(four(0, 0)), c = sock(AF_INET, SOCK_STREAM), a;
	union addr peer;
	struct pollfd p = {.fd = s, .events = POLLIN};
	char buf[8];

	CHECK(poll(&p, 1, 0) == 0);
	CHECK(connect_to(c, four(OTHER, port_of(s))) == 0);
	CHECK_ERRNO(connect_to(c, four(OTHER, port_of(s))), EISCONN);
	CHECK(is_four(name_of(c), HOME) && is_four(peer_of(c), OTHER));
	peer = name_of(c);
	CHECK(poll(&p, 1, 1000) == 1 && p.revents == POLLIN);
	/* The client is closed before it is accepted. */
	CHECK(send(c, "early", 5, 0) == 5 && close(c) == 0);
	a = accept(s, NULL, NULL);
	CHECK(is_four(name_of(a), OTHER) && port_of(a) == port_of(s));
	CHECK(is_four(peer_of(a), HOME));
	CHECK(peer_of(a).in.sin_port == peer.in.sin_port);
	CHECK(recv(a, buf, sizeof(buf), 0) == 5);
	CHECK(recv(a, buf, sizeof(buf), 0) == 0);
	close(a);
	/* The port of a listener is free for another at once. */
	peer = name_of(s);
	close(s);
	s = sock(AF_INET, SOCK_STREAM);
	set(s, SOL_SOCKET, SO_REUSEADDR, 1);
	CHECK(bind_to(s, peer) == 0 && listen(s, 1) == 0);
	/* A listener that is shut down refuses. */
	CHECK(shutdown(s, SHUT_RDWR) == 0);
	CHECK_ERRNO(accept(s, NULL, NULL), EINVAL);
	c = sock(AF_INET, SOCK_STREAM);
	CHECK_ERRNO(connect_to(c, four(HOME, port_of(s))), ECONNREFUSED);
	close(c);
	close(s);
	say("connections ok");
}

static void
ends(void)
{
	int s = listener(four(HOME, 0)), c = sock(AF_INET, SOCK_STREAM), a;
	char buf[8];

	CHECK(connect_to(c, name_of(s)) == 0);
	a = accept(s, NULL, NULL);
	/* Half of it ends. */
	CHECK(shutdown(c, SHUT_WR) == 0 && recv(a, buf, 8, 0) == 0);
	CHECK_ERRNO(send(c, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(send(a, "rest", 4, 0) == 4 && recv(c, buf, 8, 0) == 4);
	close(c);
	close(a);
	/* A close with unread data is a reset. */
	c = sock(AF_INET, SOCK_STREAM);
	CHECK(connect_to(c, name_of(s)) == 0);
	a = accept(s, NULL, NULL);
	CHECK(send(a, "lost", 4, 0) == 4);
	sleep_ms(20);
	close(c);
	CHECK_ERRNO(recv(a, buf, 8, 0), ECONNRESET);
	close(a);
	/* So is the close of a listener for those that wait in it. */
	c = sock(AF_INET, SOCK_STREAM);
	CHECK(connect_to(c, name_of(s)) == 0);
	close(s);
	CHECK_ERRNO(recv(c, buf, 8, 0), ECONNRESET);
	close(c);
	say("ends ok");
}

/* Wait for the outcome of a connect that has not waited. */
static int
outcome(int s)
{
	struct pollfd p = {.fd = s, .events = POLLOUT};

	CHECK(poll(&p, 1, 10000) == 1 && (p.revents & POLLOUT) != 0);
	return (get(s, SOL_SOCKET, SO_ERROR));
}

static void
not_waiting(void)
{
	int s = listener(four(HOME, 0)), c, ep = epoll_create1(0);
	struct epoll_event ev = {.events = EPOLLOUT | EPOLLET};
	union addr a = name_of(s);

	CHECK(ep >= 0);
	c = sock(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
	CHECK_ERRNO(connect_to(c, a), EINPROGRESS);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev) == 0);
	CHECK(epoll_wait(ep, &ev, 1, 10000) == 1 && ev.events == EPOLLOUT);
	CHECK(outcome(c) == 0 && connect_to(c, a) == 0);
	CHECK_ERRNO(connect_to(c, a), EISCONN);
	close(c);
	CHECK(accept4(s, NULL, NULL, SOCK_NONBLOCK) >= 0);
	CHECK(fcntl(s, F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERRNO(accept(s, NULL, NULL), EAGAIN);
	/* More at once than a short backlog: none of them fails. */
	for (int i = 0; i < 4; i++) {
		c = sock(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
		CHECK_ERRNO(connect_to(c, a), EINPROGRESS);
		CHECK(outcome(c) == 0);
	}
	close(s);
	c = sock(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
	CHECK_ERRNO(connect_to(c, a), EINPROGRESS);
	CHECK(outcome(c) == ECONNREFUSED);
	CHECK(get(c, SOL_SOCKET, SO_ERROR) == 0);
	CHECK_ERRNO(connect_to(c, a), ECONNABORTED);
	/* The outcome by another connect. */
	CHECK_ERRNO(connect_to(c, a), EINPROGRESS);
	sleep_ms(20);
	CHECK_ERRNO(connect_to(c, a), ECONNREFUSED);
	close(c);
	close(ep);
	say("not waiting ok");
}

static void
datagrams(void)
{
	int s = sock(AF_INET, SOCK_DGRAM), t = sock(AF_INET, SOCK_DGRAM), n;
	int u = sock(AF_INET, SOCK_DGRAM);
	struct iovec iov = {NULL, 0};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
	union addr a;
	static char big[70000];

	CHECK(bind_to(s, four(0, 0)) == 0);
	CHECK(send_to(t, "", 0, four(HOME, port_of(s))) == 0);
	CHECK(send_to(t, "0123456789", 10, four(OTHER, port_of(s))) == 10);
	CHECK(recvfrom(s, big, 10, 0, &a.sa, &(socklen_t){sizeof(a)}) == 0);
	CHECK(is_four(a, HOME) && ntohs(a.in.sin_port) == port_of(t));
	CHECK(ioctl(s, FIONREAD, &n) == 0 && n == 10);
	iov = (struct iovec){big, 4};
	CHECK(recvmsg(s, &h, MSG_PEEK) == 4 && h.msg_flags == MSG_TRUNC);
	CHECK(recv(s, big, 4, MSG_PEEK | MSG_TRUNC) == 10);
	CHECK(recvmsg(s, &h, 0) == 4 && memcmp(big, "0123", 4) == 0);
	CHECK(ioctl(s, FIONREAD, &n) == 0 && n == 0);
	CHECK_ERRNO(recv(s, big, 4, MSG_DONTWAIT), EAGAIN);
	CHECK(send_to(t, big, 65507, four(HOME, port_of(s))) == 65507);
	CHECK(recv(s, big, sizeof(big), 0) == 65507);
	CHECK_ERRNO(send_to(t, big, 65508, four(HOME, port_of(s))), EMSGSIZE);
	/* A connected socket hears its peer only. */
	CHECK(connect_to(t, four(HOME, port_of(s))) == 0);
	CHECK(is_four(name_of(t), HOME) && is_four(peer_of(t), HOME));
	CHECK(send_to(u, "u", 1, name_of(t)) == 1);
	CHECK(send_to(s, "s", 1, name_of(t)) == 1);
	CHECK(recv(t, big, 4, 0) == 1 && big[0] == 's');
	CHECK_ERRNO(recv(t, big, 4, MSG_DONTWAIT), EAGAIN);
	a.sa.sa_family = AF_UNSPEC;
	CHECK(connect(t, &a.sa, sizeof(a.in)) == 0);
	CHECK_ERRNO(send(t, "x", 1, 0), EDESTADDRREQ);
	CHECK_ERRNO(getpeername(t, &a.sa, &(socklen_t){sizeof(a)}), ENOTCONN);
	/* What finds no room is lost, and no send waits. */
	for (int i = 0; i < 2000; i++)
		CHECK(send_to(t, big, 1000, four(HOME, port_of(s))) == 1000);
	CHECK(recv(s, big, 4, MSG_DONTWAIT) == 4);
	close(s);
	close(t);
	close(u);
	say("datagrams ok");
}

static void
no_receiver(void)
{
	int s = sock(AF_INET, SOCK_DGRAM), t = sock(AF_INET, SOCK_DGRAM);
	struct pollfd p = {.fd = t, .events = POLLIN};
	union addr a;
	char c;

	CHECK(bind_to(s, four(HOME, 0)) == 0);
	a = name_of(s);
	close(s);
	/* Without a peer the answer is for no socket. */
	CHECK(send_to(t, "x", 1, a) == 1);
	CHECK_ERRNO(recv(t, &c, 1, MSG_DONTWAIT), EAGAIN);
	CHECK(connect_to(t, a) == 0 && send(t, "x", 1, 0) == 1);
	CHECK(poll(&p, 1, 10000) == 1);
	CHECK(get(t, SOL_SOCKET, SO_ERROR) == ECONNREFUSED);
	CHECK_ERRNO(recv(t, &c, 1, MSG_DONTWAIT), EAGAIN);
	CHECK(send(t, "x", 1, 0) == 1);
	sleep_ms(20);
	CHECK_ERRNO(send(t, "x", 1, 0), ECONNREFUSED);
	CHECK(shutdown(t, SHUT_WR) == 0);
	CHECK_ERRNO(send(t, "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(shutdown(t, SHUT_RD) == 0 && recv(t, &c, 1, 0) == 0);
	close(t);
	say("no receiver ok");
}

static void
options(void)
{
	int s = listener(four(HOME, 0)), u = sock(AF_INET, SOCK_DGRAM), c;
	struct tcp_info info;
	socklen_t len = sizeof(info);
	int x;

	CHECK(get(s, SOL_SOCKET, SO_TYPE) == SOCK_STREAM);
	CHECK(get(s, SOL_SOCKET, SO_DOMAIN) == AF_INET);
	CHECK(get(s, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_TCP);
	CHECK(get(u, SOL_SOCKET, SO_PROTOCOL) == IPPROTO_UDP);
	CHECK(get(u, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM);
	CHECK(get(s, SOL_SOCKET, SO_ACCEPTCONN) == 1);
	CHECK(get(s, SOL_SOCKET, SO_REUSEADDR) == 0);
	set(s, SOL_SOCKET, SO_REUSEADDR, 7);
	CHECK(get(s, SOL_SOCKET, SO_REUSEADDR) == 1);
	CHECK(get(s, SOL_SOCKET, SO_REUSEPORT) == 0);
	set(s, SOL_SOCKET, SO_KEEPALIVE, 1);
	CHECK(get(s, SOL_SOCKET, SO_KEEPALIVE) == 1);
	CHECK(get(s, IPPROTO_IP, IP_TTL) == 64);
	set(s, IPPROTO_TCP, TCP_NODELAY, 1);
	set(s, IPPROTO_TCP, TCP_KEEPIDLE, 60);
	CHECK(get(s, IPPROTO_TCP, TCP_KEEPIDLE) == 60);
	CHECK_ERRNO(
	    setsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &(int){0}, 4), EINVAL);
	CHECK_ERRNO(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &x, 2), EINVAL);
	/* A connection has what its listener had. */
	c = sock(AF_INET, SOCK_STREAM);
	CHECK(connect_to(c, name_of(s)) == 0);
	CHECK(get(c, IPPROTO_TCP, TCP_NODELAY) == 0);
	CHECK(getsockopt(c, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
	CHECK(info.tcpi_state == TCP_ESTABLISHED && len > 100);
	close(c);
	c = accept(s, NULL, NULL);
	CHECK(get(c, IPPROTO_TCP, TCP_NODELAY) == 1);
	CHECK(get(c, SOL_SOCKET, SO_REUSEADDR) == 1);
	close(c);
	len = sizeof(x);
	CHECK_ERRNO(
	    getsockopt(u, IPPROTO_TCP, TCP_NODELAY, &x, &len), EOPNOTSUPP);
	CHECK_ERRNO(
	    getsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &x, &len), EOPNOTSUPP);
	close(s);
	close(u);
	say("options ok");
}

/* Where each datagram was sent to. */
static void
packet_info(void)
{
	char data[4], control[64];
	struct iovec iov = {data, sizeof(data)};
	struct msghdr h = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	int s = sock(AF_INET, SOCK_DGRAM), t = sock(AF_INET, SOCK_DGRAM);
	struct in_pktinfo info;
	struct cmsghdr *m;

	CHECK(bind_to(s, four(0, 0)) == 0);
	set(s, IPPROTO_IP, IP_PKTINFO, 1);
	CHECK(send_to(t, "x", 1, four(OTHER, port_of(s))) == 1);
	CHECK(recvmsg(s, &h, 0) == 1);
	m = CMSG_FIRSTHDR(&h);
	CHECK(m != NULL && m->cmsg_level == IPPROTO_IP &&
	      m->cmsg_type == IP_PKTINFO);
	memcpy(&info, CMSG_DATA(m), sizeof(info));
	CHECK(info.ipi_ifindex == 1 && info.ipi_addr.s_addr == htonl(OTHER));
	close(s);
	close(t);
	say("packet info ok");
}

/* Clients of listeners with one port: each is served by one of them. */
static void
shared_port(void)
{
	int s[2], c, served = 0, port = 0;

	for (int i = 0; i < 2; i++) {
		s[i] = sock(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
		set(s[i], SOL_SOCKET, SO_REUSEPORT, 1);
		CHECK(bind_to(s[i], four(HOME, port)) == 0);
		CHECK(listen(s[i], 64) == 0);
		port = port_of(s[i]);
	}
	for (int i = 0; i < 32; i++) {
		c = sock(AF_INET, SOCK_STREAM);
		CHECK(connect_to(c, four(HOME, port)) == 0);
		close(c);
	}
	for (int i = 0; i < 2; i++)
		while ((c = accept(s[i], NULL, NULL)) >= 0) {
			served++;
			close(c);
		}
	CHECK(served == 32);
	close(s[0]);
	close(s[1]);
	say("shared port ok");
}

int
main(void)
{
	set_disposition(SIGPIPE, SIG_IGN);
	addresses();
	if (has_six()) {
		both_families();
		both_datagram();
	}
	unconnected();
	connections();
	ends();
	not_waiting();
	datagrams();
	no_receiver();
	options();
	packet_info();
	shared_port();
	say("done");
	return (0);
}
