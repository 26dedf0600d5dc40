/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Routing sockets (NETLINK_ROUTE) beside our own Internet sockets.
 *
 * Concepts.  The network has one interface, `lo`, with 127.0.0.1 and ::1 and a
 * route to each, and nothing changes them.  So a request is answered when it is
 * sent: the answer is written to the inlet of the socket (inet.c), from which
 * the guest reads it.  A dump is one message of the socket with all parts.
 * Another topic has no entries; a request to change something is EPERM, as
 * without CAP_NET_ADMIN.
 *
 * Limits.  A request without a dump is answered for links only, others are
 * EOPNOTSUPP.  There are no events: groups are accepted and stay silent.
 */
#include <errno.h>
#include <string.h>

#include "abi/netlink.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/socket/inet_int.h"

#define REQUEST_MAX 2048 /* bytes that are looked at */
#define ANSWER_MAX 1024
#define NL_ALIGN(n) (((n) + 3u) & ~3u)

static const uint8_t loopback4[4] = {127, 0, 0, 1};
static const uint8_t network4[4] = {127, 0, 0, 0};
static const uint8_t loopback6[16] = {[15] = 1};

/* An answer under way. */
struct answer {
	uint8_t data[ANSWER_MAX];
	size_t len;   /* of all parts */
	size_t begin; /* of the last one */
	const struct lx_nlmsghdr *request;
	uint32_t pid;
	uint16_t flags;
};

static void
put(struct answer *a, const void *data, size_t n)
{
	KVERIFY(a->len + NL_ALIGN(n) <= sizeof(a->data));
	memcpy(a->data + a->len, data, n);
	memset(a->data + a->len + n, 0, NL_ALIGN(n) - n);
	a->len += NL_ALIGN(n);
}

static void
part_begin(struct answer *a, uint16_t type, const void *body, size_t n)
{
	struct lx_nlmsghdr h = {.type = type,
	    .flags = a->flags,
	    .seq = a->request->seq,
	    .pid = a->pid};

	a->begin = a->len;
	put(a, &h, sizeof(h));
	put(a, body, n);
}

static void
part_end(struct answer *a)
{
	const uint32_t len = (uint32_t)(a->len - a->begin);

	memcpy(a->data + a->begin, &len, sizeof(len));
}

static void
attribute(struct answer *a, uint16_t type, const void *data, size_t n)
{
	struct lx_rtattr h = {(uint16_t)(sizeof(h) + n), type};

	put(a, &h, sizeof(h));
	put(a, data, n);
}

static void
attribute_number(struct answer *a, uint16_t type, uint32_t n)
{
	attribute(a, type, &n, sizeof(n));
}

static void
put_link(struct answer *a)
{
	const struct lx_ifinfomsg m = {.type = LX_ARPHRD_LOOPBACK,
	    .index = 1,
	    .flags =
		LX_IFF_UP | LX_IFF_LOOPBACK | LX_IFF_RUNNING | LX_IFF_LOWER_UP};
	static const uint8_t none[6];

	part_begin(a, LX_RTM_NEWLINK, &m, sizeof(m));
	attribute(a, LX_IFLA_IFNAME, "lo", 3);
	attribute_number(a, LX_IFLA_TXQLEN, 1000);
	attribute(a, LX_IFLA_OPERSTATE, none, 1);
	attribute_number(a, LX_IFLA_MTU, 65536);
	attribute(a, LX_IFLA_ADDRESS, none, sizeof(none));
	attribute(a, LX_IFLA_BROADCAST, none, sizeof(none));
	attribute(a, LX_IFLA_QDISC, "noqueue", 8);
	part_end(a);
}

static void
put_address(struct answer *a, int family)
{
	struct lx_ifaddrmsg m = {.family = (uint8_t)family,
	    .bits = family == LX_AF_INET ? 8 : 128,
	    .flags = LX_IFA_F_PERMANENT,
	    .scope = LX_RT_SCOPE_HOST,
	    .index = 1};

	part_begin(a, LX_RTM_NEWADDR, &m, sizeof(m));
	if (family == LX_AF_INET) {
		attribute(a, LX_IFA_ADDRESS, loopback4, sizeof(loopback4));
		attribute(a, LX_IFA_LOCAL, loopback4, sizeof(loopback4));
		attribute(a, LX_IFA_LABEL, "lo", 3);
	} else
		attribute(a, LX_IFA_ADDRESS, loopback6, sizeof(loopback6));
	part_end(a);
}

static void
put_route(struct answer *a, int family)
{
	const bool four = family == LX_AF_INET;
	const struct lx_rtmsg m = {.family = (uint8_t)family,
	    .dst_bits = four ? 8 : 128,
	    .table = LX_RT_TABLE_LOCAL,
	    .protocol = LX_RTPROT_KERNEL,
	    .scope = four ? LX_RT_SCOPE_HOST : 0,
	    .type = LX_RTN_LOCAL};

	part_begin(a, LX_RTM_NEWROUTE, &m, sizeof(m));
	attribute_number(a, LX_RTA_TABLE, LX_RT_TABLE_LOCAL);
	if (four) {
		attribute(a, LX_RTA_DST, network4, sizeof(network4));
		attribute(a, LX_RTA_PREFSRC, loopback4, sizeof(loopback4));
	} else
		attribute(a, LX_RTA_DST, loopback6, sizeof(loopback6));
	attribute_number(a, LX_RTA_OIF, 1);
	part_end(a);
}

/* family: of the request; 0: both. */
static void
put_dump(struct answer *a, uint16_t type, int family)
{
	static const int families[] = {LX_AF_INET, LX_AF_INET6};
	const int32_t zero = 0;

	a->flags = LX_NLM_F_MULTI;
	if (type == LX_RTM_GETLINK)
		put_link(a);
	for (int i = 0; i < 2; i++) {
		if (family != 0 && family != families[i])
			continue;
		if (type == LX_RTM_GETADDR)
			put_address(a, families[i]);
		else if (type == LX_RTM_GETROUTE)
			put_route(a, families[i]);
	}
	part_begin(a, LX_NLMSG_DONE, &zero, sizeof(zero));
	part_end(a);
}

static void
put_error(struct answer *a, int error)
{
	struct {
		int32_t error;
		struct lx_nlmsghdr of;
	} m = {-error, *a->request};

	a->flags = 0;
	part_begin(a, LX_NLMSG_ERROR, &m, sizeof(m));
	part_end(a);
}

/* RTM_GETLINK of one interface: by its index, or by its name. */
static int
find_link(const uint8_t *body, size_t n)
{
	struct lx_ifinfomsg m;
	struct lx_rtattr h;
	size_t at = sizeof(m);

	if (n < sizeof(m))
		return (EINVAL);
	memcpy(&m, body, sizeof(m));
	if (m.index != 0)
		return (m.index == 1 ? 0 : ENODEV);
	while (at + sizeof(h) <= n) {
		memcpy(&h, body + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > n - at)
			break;
		if (h.type == LX_IFLA_IFNAME)
			return (
			    h.len >= sizeof(h) + 3 &&
				    memcmp(body + at + sizeof(h), "lo", 3) == 0
				? 0
				: ENODEV);
		at += NL_ALIGN(h.len);
	}
	return (EINVAL);
}

/* Answer one request, whose body has n bytes. */
static void
answer(struct answer *a, const uint8_t *body, size_t n)
{
	const struct lx_nlmsghdr *r = a->request;
	const bool dump = (r->flags & LX_NLM_F_DUMP) == LX_NLM_F_DUMP;
	int error = 0;

	if (r->type < LX_RTM_BASE)
		error = 0; /* NOOP, DONE... */
	else if (!LX_RTM_GET(r->type))
		error = EPERM;
	else if (dump) {
		put_dump(a, r->type, n > 0 ? body[0] : 0);
		return;
	} else if (r->type != LX_RTM_GETLINK)
		error = EOPNOTSUPP;
	else {
		error = find_link(body, n);
		if (error == 0)
			put_link(a);
	}
	if (error != 0 || (r->flags & LX_NLM_F_ACK) != 0)
		put_error(a, error);
}

/* ---- calls ---- */

/* The number of the socket, which it gets when it first needs one. */
static uint32_t
number_of(struct inet_sock *is)
{
	uint32_t n;

	kmutex_lock(&is->so->vfs->sockets->lock);
	if (is->pid == 0)
		is->pid = (uint32_t)is->so->number;
	n = is->pid;
	kmutex_unlock(&is->so->vfs->sockets->lock);
	return (n);
}

static int
route_bind(
    struct file *f, const struct host_sockaddr *sa, const struct vfs_ctx *ctx)
{
	struct inet_sock *is = file_socket(f)->inet;
	struct lx_sockaddr_nl nl;
	int error = 0;

	if (sa->len < sizeof(nl) || sa->family != LX_AF_NETLINK)
		return (EINVAL);
	memcpy(&nl, sa->raw, sizeof(nl));
	kmutex_lock(&is->so->vfs->sockets->lock);
	if (is->pid != 0 && nl.pid != is->pid)
		error = EINVAL;
	else if (nl.pid != 0)
		is->pid = nl.pid;
	kmutex_unlock(&is->so->vfs->sockets->lock);
	if (error == 0)
		(void)number_of(is);
	return (error);
}

/* 0: the kernel. */
static void
format(uint32_t pid, struct host_sockaddr *sa)
{
	const struct lx_sockaddr_nl nl = {.family = LX_AF_NETLINK, .pid = pid};

	memset(sa, 0, sizeof(*sa));
	memcpy(sa->raw, &nl, sizeof(nl));
	sa->len = sizeof(nl);
}

static int
route_name(struct socket *so, struct host_sockaddr *sa)
{
	uint32_t pid;

	kmutex_lock(&so->vfs->sockets->lock);
	pid = so->inet->pid;
	kmutex_unlock(&so->vfs->sockets->lock);
	format(pid, sa);
	return (0);
}

/* To the kernel. */
static int
route_peername(struct socket *so, struct host_sockaddr *sa)
{
	format(0, sa);
	return (0);
}

/* ENOBUFS: the guest reads no answers. */
static int
deliver(const struct inet_sock *is, struct answer *a)
{
	struct host_iovec iov = {a->data, a->len};
	struct host_msg hm = {.iov = &iov, .niov = 1};
	size_t n;

	if (a->len == 0)
		return (0);
	return (host_sendmsg(is->inlet, NULL, &hm, 0, &n) == 0 ? 0 : ENOBUFS);
}

static int
route_send(struct file *f, struct sock_msg *m, int flags)
{
	struct inet_sock *is = file_socket(f)->inet;
	const size_t len = m->uio->resid;
	uint8_t request[REQUEST_MAX];
	struct lx_nlmsghdr h;
	struct answer a;
	size_t at = 0, n;
	int error = 0;

	if (len > sizeof(request))
		return (EMSGSIZE);
	n = uiomove(request, len, m->uio);
	while (error == 0 && n - at >= sizeof(h)) {
		memcpy(&h, request + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > n - at)
			break;
		a.len = 0;
		a.flags = 0;
		a.request = &h;
		a.pid = number_of(is);
		answer(&a, request + at + sizeof(h), h.len - sizeof(h));
		error = deliver(is, &a);
		at += NL_ALIGN((size_t)h.len);
		if (at > n)
			break;
	}
	m->done = len;
	return (error);
}

static int
route_recv(struct file *f, struct sock_msg *m, int flags, bool *again)
{
	struct host_msg hm = {.iov = m->uio->iov, .niov = m->uio->niov};
	int error;

	if ((flags & (LX_MSG_OOB | LX_MSG_ERRQUEUE)) != 0)
		return (EOPNOTSUPP);
	error = host_recvmsg(f->hostfd, NULL, &hm,
	    flags & (LX_MSG_PEEK | LX_MSG_TRUNC), &m->done);
	if (error != 0)
		return (error);
	m->flags = hm.flags;
	m->controllen = 0;
	format(0, &m->addr);
	return (0);
}

const struct sock_ops inet_route_ops = {
    .bind = route_bind,
    .name = route_name,
    .peername = route_peername,
    .send = route_send,
    .recv = route_recv,
    .close = inet_close,
    .free = inet_free,
};
