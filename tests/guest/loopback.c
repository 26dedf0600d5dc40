/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The loopback network: TCP and UDP over 127.0.0.1 and ::1 between processes,
 * what a routing socket and the requests of ioctl tell about `lo`, ports below
 * 1024, and that no other network can be reached from inside.
 */
#include "guest.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define OTHER_UID 65534

/* netlink(7), rtnetlink(7); musl has no headers of them. */
#define ROUTE 0
#define REQUEST_DUMP 0x301
#define MSG_ERROR 2
#define MSG_DONE 3
#define GET_LINK 18
#define GET_ADDR 22
#define GET_ROUTE 26

struct nl_addr {
	uint16_t family, pad;
	uint32_t pid, groups;
};
struct nl_header {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, pid;
};
struct nl_link { /* struct ifinfomsg */
	uint8_t family, pad;
	uint16_t type;
	int32_t index;
	uint32_t flags, change;
};
struct nl_address { /* struct ifaddrmsg */
	uint8_t family, bits, flags, scope;
	uint32_t index;
};

union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union addr
loopback(int family)
{
	union addr a = {0};

	a.sa.sa_family = (sa_family_t)family;
	if (family == AF_INET)
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		a.in6.sin6_addr = in6addr_loopback;
	return (a);
}

static socklen_t
length(const union addr *a)
{
	return (a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6));
}

/* A socket that is bound to a port of its own; -1: the host has no IPv6. */
static int
bound(int family, int type, union addr *a)
{
	socklen_t len = sizeof(*a);
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	*a = loopback(family);
	if (family == AF_INET6 &&
	    (fd < 0 || bind(fd, &a->sa, length(a)) != 0)) {
		CHECK(errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
		if (fd >= 0)
			close(fd);
		return (-1);
	}
	CHECK(fd >= 0);
	if (family == AF_INET)
		CHECK(bind(fd, &a->sa, length(a)) == 0);
	CHECK(getsockname(fd, &a->sa, &len) == 0 && len == length(a));
	CHECK(a->in.sin_port != 0);
	return (fd);
}

static void
client(void *arg)
{
	union addr *a = arg, me = {0}, peer = {0};
	socklen_t len = sizeof(me), plen = sizeof(peer);
	int fd = socket(a->sa.sa_family, SOCK_STREAM, 0);
	char buf[16];

	CHECK(fd >= 0 && connect(fd, &a->sa, length(a)) == 0);
	CHECK(getsockname(fd, &me.sa, &len) == 0);
	CHECK(getpeername(fd, &peer.sa, &plen) == 0);
	CHECK(peer.in.sin_port == a->in.sin_port);
	CHECK(write(fd, &me.in.sin_port, 2) == 2);
	CHECK(read(fd, buf, sizeof(buf)) == 5 && memcmp(buf, "reply", 5) == 0);
	CHECK(shutdown(fd, SHUT_WR) == 0);
	CHECK(read(fd, buf, sizeof(buf)) == 0 && close(fd) == 0);
}

static void
tcp(int family)
{
	union addr a, peer;
	socklen_t len = sizeof(peer);
	int fd = bound(family, SOCK_STREAM, &a), conn, error;
	uint16_t port;
	pid_t pid;
	char c;

	if (fd < 0)
		return;
	CHECK(listen(fd, 4) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		client(&a);
		_exit(0);
	}
	conn = accept(fd, &peer.sa, &len);
	CHECK(conn >= 0 && read(conn, &port, 2) == 2);
	CHECK(port == peer.in.sin_port && len == length(&peer));
	CHECK(write(conn, "reply", 5) == 5);
	CHECK(read(conn, &c, 1) == 0 && close(conn) == 0);
	wait_ok(pid);
	CHECK(close(fd) == 0);
	/* The listener is closed. */
	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	error = connect(fd, &a.sa, length(&a)) == 0 ? 0 : errno;
	if (error == EINPROGRESS) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};

		CHECK(poll(&p, 1, 10000) == 1);
		len = sizeof(error);
		CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0);
	}
	CHECK(error == ECONNREFUSED && close(fd) == 0);
}

static void
udp(int family)
{
	union addr a, b, from;
	socklen_t len = sizeof(from);
	int fa = bound(family, SOCK_DGRAM, &a), fb;
	char buf[16];

	if (fa < 0)
		return;
	fb = bound(family, SOCK_DGRAM, &b);
	CHECK(sendto(fb, "hello", 5, 0, &a.sa, length(&a)) == 5);
	CHECK(recvfrom(fa, buf, sizeof(buf), 0, &from.sa, &len) == 5);
	CHECK(from.in.sin_port == b.in.sin_port && len == length(&b));
	CHECK(close(fa) == 0);
	CHECK(connect(fb, &a.sa, length(&a)) == 0);
	CHECK(send(fb, "x", 1, 0) == 1);
	CHECK(recv(fb, buf, 1, 0) == -1 && errno == ECONNREFUSED);
	CHECK(close(fb) == 0);
}

/* Ask a routing socket for all of a kind; call fn for each, until the end. */
static void
dump(uint16_t kind, void (*fn)(const void *, int *), int *found)
{
	struct {
		struct nl_header h;
		uint8_t family, pad[3];
	} req = {{sizeof(req.h) + 1, kind, REQUEST_DUMP, 7, 0}, AF_UNSPEC, {0}};
	struct nl_addr sa = {.family = AF_NETLINK};
	static char buf[65536] __attribute__((aligned(8)));
	socklen_t len = sizeof(sa);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, ROUTE);

	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
	CHECK(sa.pid != 0 && len == sizeof(sa));
	CHECK(send(fd, &req, req.h.len, 0) == (ssize_t)req.h.len);
	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		const struct nl_header *h;

		CHECK(n > 0);
		for (ssize_t at = 0; at < n; at += (h->len + 3) & ~3u) {
			h = (const void *)(buf + at);
			CHECK(h->seq == 7 && h->pid == sa.pid);
			CHECK(h->len >= sizeof(*h) && h->type != MSG_ERROR);
			if (h->type == MSG_DONE) {
				CHECK(close(fd) == 0);
				return;
			}
			fn(h + 1, found);
		}
	}
}

static void
a_link(const void *data, int *found)
{
	const struct nl_link *i = data;

	if ((i->flags & IFF_LOOPBACK) != 0 && i->index == 1 &&
	    (i->flags & IFF_UP) != 0)
		(*found)++;
}

static void
an_address(const void *data, int *found)
{
	const struct nl_address *i = data;

	*found += i->index == 1 && i->family == AF_INET;
}

static void
a_route(const void *data, int *found)
{
	(*found)++;
}

static void
routing_socket(void)
{
	struct ifaddrs *list;
	int links = 0, addresses = 0, routes = 0, lo = 0;

	dump(GET_LINK, a_link, &links);
	CHECK(links == 1);
	dump(GET_ADDR, an_address, &addresses);
	CHECK(addresses >= 1);
	dump(GET_ROUTE, a_route, &routes);
	CHECK(routes >= 1);
	CHECK(getifaddrs(&list) == 0);
	for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next)
		lo += i->ifa_addr != NULL &&
		      i->ifa_addr->sa_family == AF_INET &&
		      strcmp(i->ifa_name, "lo") == 0 &&
		      ((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr ==
			  htonl(INADDR_LOOPBACK);
	CHECK(lo == 1);
	freeifaddrs(list);
	CHECK(socket(AF_NETLINK, SOCK_STREAM, 0) == -1 &&
	      errno == ESOCKTNOSUPPORT);
}

static void
interfaces(int family)
{
	struct ifreq all[64], r = {.ifr_name = "lo"};
	struct ifconf c = {.ifc_len = sizeof(all), .ifc_req = all};
	int fd = socket(family, SOCK_DGRAM, 0), lo = 0;

	CHECK(fd >= 0 && ioctl(fd, SIOCGIFCONF, &c) == 0);
	for (int i = 0; i < c.ifc_len / (int)sizeof(all[0]); i++)
		lo += strcmp(all[i].ifr_name, "lo") == 0;
	CHECK(lo >= 1);
	c = (struct ifconf){0};
	CHECK(ioctl(fd, SIOCGIFCONF, &c) == 0);
	CHECK(c.ifc_len >= (int)sizeof(all[0]));
	CHECK(ioctl(fd, SIOCGIFFLAGS, &r) == 0);
	CHECK(
	    (r.ifr_flags & (IFF_UP | IFF_LOOPBACK)) == (IFF_UP | IFF_LOOPBACK));
	if (family == AF_INET) {
		CHECK(ioctl(fd, SIOCGIFADDR, &r) == 0);
		CHECK(((struct sockaddr_in *)&r.ifr_addr)->sin_addr.s_addr ==
		      htonl(INADDR_LOOPBACK));
	} else
		CHECK(ioctl(fd, SIOCGIFADDR, &r) == -1 && errno == ENOTTY);
	CHECK(ioctl(fd, SIOCGIFMTU, &r) == 0 && r.ifr_mtu > 0);
	CHECK(ioctl(fd, SIOCGIFINDEX, &r) == 0 && r.ifr_ifindex == 1);
	r = (struct ifreq){.ifr_ifindex = 1};
	CHECK(ioctl(fd, SIOCGIFNAME, &r) == 0 && strcmp(r.ifr_name, "lo") == 0);
	r = (struct ifreq){.ifr_name = "no0"};
	CHECK(ioctl(fd, SIOCGIFFLAGS, &r) == -1 && errno == ENODEV);
	CHECK(ioctl(fd, SIOCGIFFLAGS, NULL) == -1 && errno == EFAULT);
	CHECK(close(fd) == 0);
}

static int
bind_low(void)
{
	union addr a = loopback(AF_INET);
	int fd = socket(AF_INET, SOCK_STREAM, 0), error;

	a.in.sin_port = htons(81);
	error = bind(fd, &a.sa, length(&a)) == 0 ? 0 : errno;
	close(fd);
	return (error);
}

/* What only the private network shows; natively the host decides. */
static void private(void *arg)
{
	union addr a = {.in = {.sin_family = AF_INET,
			    .sin_port = htons(80),
			    .sin_addr.s_addr = htonl(0xc0000201)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(connect(fd, &a.sa, sizeof(a.in)) == -1 && errno == ENETUNREACH);
	CHECK(close(fd) == 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(sendto(fd, "x", 1, 0, &a.sa, sizeof(a.in)) == -1 &&
	      errno == ENETUNREACH);
	CHECK(close(fd) == 0);
	if (geteuid() == 0) {
		CHECK(bind_low() == 0);
		CHECK(setuid(OTHER_UID) == 0);
	}
	CHECK(bind_low() == EACCES);
}

int
main(void)
{
	static const int families[] = {AF_INET, AF_INET6};

	if (no_internet()) {
		say("tcp and udp\nrouting socket\ninterfaces\nno other "
		    "network");
		return (0);
	}
	for (int i = 0; i < 2; i++) {
		tcp(families[i]);
		udp(families[i]);
	}
	say("tcp and udp");
	CHECK(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP) == -1 &&
	      errno == EPROTONOSUPPORT);
	routing_socket();
	say("routing socket");
	interfaces(AF_INET);
	interfaces(AF_UNIX);
	say("interfaces");
	if (inside())
		in_child(private, NULL);
	say("no other network");
	return (0);
}
