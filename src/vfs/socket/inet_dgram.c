/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Datagrams of our own Internet sockets.  Theory: inet.c.
 *
 * Concepts.  The receiver is found in the table of ports, its file is ref'ed,
 * and the datagram is written to its inlet without a lock.  What the host does
 * not take, because there is no room or the receiver has shut down, is lost and
 * counts as sent.  If there is no receiver, a connected sender gets
 * ECONNREFUSED by its next call, as from the answer of a host; a message of the
 * kind INET_WAKE in its own inlet wakes the threads that wait for a datagram,
 * and is dropped when it is received.
 *
 * Limits.  If a thread finds a wake-up by MSG_PEEK while another thread
 * receives, a datagram may be dropped in its place.
 */
#include <errno.h>
#include <string.h>

#include "abi/poll.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/socket/inet_int.h"

#define DATA_MAX 65507u /* of UDP over IPv4 */
#define PIECES 72       /* more are copied by the caller */

struct inet_pktinfo { /* struct in_pktinfo */
	int32_t index;
	uint8_t spec[4], addr[4];
};
struct inet_pktinfo6 { /* struct in6_pktinfo */
	uint8_t addr[16];
	int32_t index;
};

/* The address for a datagram, or for all of them.  EINVAL: port 0. */
static int
destination(const struct inet_sock *is, const struct host_sockaddr *sa,
    struct inet_addr *to)
{
	struct host_sockaddr name = *sa;
	const int domain = is->so->domain;
	int error;

	/* As on Linux: no family is that of IPv4, and a socket of IPv6 takes
	 * addresses of both. */
	if (name.family == 0 && domain == LX_AF_INET)
		name.family = LX_AF_INET;
	if (name.family == LX_AF_INET && domain == LX_AF_INET6)
		error = inet_parse(&name, LX_AF_INET, to);
	else
		error = inet_parse(&name, domain, to);
	if (error != 0)
		return (error);
	if (inet_is_any(to))
		inet_source(to, to);
	if (!inet_is_loopback(to))
		return (ENETUNREACH);
	return (is->v6only && inet_is_mapped(to) ? ENETUNREACH : 0);
}

static int
dgram_connect(
    struct file *f, const struct host_sockaddr *sa, const struct vfs_ctx *ctx)
{
	struct inet_sock *is = file_socket(f)->inet;
	struct sock_table *s = is->so->vfs->sockets;
	struct inet_addr to;
	int error;

	if (sa->len < sizeof(sa->family))
		return (EINVAL);
	if (sa->family == 0) {
		kmutex_lock(&s->lock);
		inet_unconnect(is);
		kmutex_unlock(&s->lock);
		return (0);
	}
	kmutex_lock(&s->lock);
	error = destination(is, sa, &to);
	if (error == 0 && is->fixed_ip &&
	    inet_is_mapped(&is->local) != inet_is_mapped(&to))
		error = ENETUNREACH;
	if (error == 0)
		error = inet_autobind(is, &to) == 0 ? 0 : EAGAIN;
	if (error == 0) {
		is->peer = to;
		is->connected = true;
	}
	kmutex_unlock(&s->lock);
	return (error);
}

/* The two addresses of a datagram, and its receiver: ref'ed, or NULL. */
static int
route(struct inet_sock *is, const struct host_sockaddr *sa,
    struct inet_head *head, struct file **out, bool *connected)
{
	struct sock_table *s = is->so->vfs->sockets;
	struct inet_sock *target;
	int error = 0;

	*out = NULL;
	kmutex_lock(&s->lock);
	if (sa->len != 0)
		error = destination(is, sa, &head->to);
	else if (is->connected)
		head->to = is->peer;
	else
		error = EDESTADDRREQ;
	if (error == 0 && head->to.port == 0)
		error = EINVAL;
	if (error == 0 && inet_autobind(is, NULL) != 0)
		error = EAGAIN;
	if (error != 0)
		goto out;
	head->from = is->local;
	if (inet_is_any(&is->local))
		inet_source(&head->from, &head->to);
	else if (inet_is_mapped(&is->local) != inet_is_mapped(&head->to))
		error = ENETUNREACH;
	*connected = is->connected;
	target = inet_find_dgram(s, &head->from, &head->to);
	if (error == 0 && target != NULL && file_tryref(target->so->file))
		*out = target->so->file;
out:
	kmutex_unlock(&s->lock);
	return (error);
}

/* No socket has the address: as if its host had answered so. */
static void
refused(struct inet_sock *is)
{
	struct inet_head head = {.kind = INET_WAKE};
	struct host_iovec iov = {&head, sizeof(head)};
	struct host_msg hm = {.iov = &iov, .niov = 1};
	size_t n;

	atomic_store(&is->error, ECONNREFUSED);
	(void)host_sendmsg(is->inlet, NULL, &hm, 0, &n);
}

static int
dgram_send(struct file *f, struct sock_msg *m, int flags)
{
	struct inet_sock *is = file_socket(f)->inet;
	struct inet_head head = {.kind = INET_DATA};
	struct host_iovec iov[PIECES];
	struct host_msg hm = {.iov = iov};
	const size_t len = m->uio->resid;
	struct file *target;
	bool connected = false;
	size_t n;
	int error = atomic_exchange(&is->error, 0);

	if (error != 0)
		return (error);
	if ((flags & LX_MSG_OOB) != 0)
		return (EOPNOTSUPP);
	if (atomic_load(&is->no_send))
		return (EPIPE);
	if (len > DATA_MAX)
		return (EMSGSIZE);
	error = route(is, &m->addr, &head, &target, &connected);
	if (error != 0)
		return (error);
	if (target != NULL) {
		iov[0] = (struct host_iovec){&head, sizeof(head)};
		hm.niov = 1 + uio_vector(m->uio, len, iov + 1, PIECES - 1);
		(void)host_sendmsg(
		    file_socket(target)->inet->inlet, NULL, &hm, 0, &n);
		file_free(target);
	} else if (connected)
		refused(is);
	uio_advance(m->uio, len);
	m->done = len;
	return (0);
}

/* ---- receiving ---- */

static void
put_record(
    struct sock_msg *m, int level, int type, const void *data, size_t len)
{
	struct sock_cmsg h = {
	    .len = sizeof(h) + len, .level = level, .type = type};
	const size_t at = SOCK_CMSG_ALIGN(m->controllen);
	uint8_t *to = m->control;

	if (m->controlroom < at || m->controlroom - at < (size_t)h.len) {
		m->flags |= LX_MSG_CTRUNC;
		return;
	}
	memcpy(to + at, &h, sizeof(h));
	memcpy(to + at + sizeof(h), data, len);
	m->controllen = at + (size_t)h.len;
}

/* IP_PKTINFO and IPV6_RECVPKTINFO: where a datagram was sent to. */
static void
put_pktinfo(
    struct inet_sock *is, struct sock_msg *m, const struct inet_addr *to)
{
	struct inet_pktinfo four = {.index = 1};
	struct inet_pktinfo6 six = {.index = 1};

	if (inet_is_mapped(to) && inet_opt_on(is, LX_SOL_IP, LX_IP_PKTINFO)) {
		memcpy(four.spec, to->ip + 12, sizeof(four.spec));
		memcpy(four.addr, to->ip + 12, sizeof(four.addr));
		put_record(m, LX_SOL_IP, LX_IP_PKTINFO, &four, sizeof(four));
	}
	if (inet_is_v6(is) &&
	    inet_opt_on(is, LX_SOL_IPV6, LX_IPV6_RECVPKTINFO)) {
		memcpy(six.addr, to->ip, sizeof(six.addr));
		put_record(m, LX_SOL_IPV6, LX_IPV6_PKTINFO, &six, sizeof(six));
	}
}

static int
dgram_recv(struct file *f, struct sock_msg *m, int flags, bool *again)
{
	struct inet_sock *is = file_socket(f)->inet;
	struct inet_head head = {.kind = INET_WAKE};
	struct host_iovec iov[PIECES];
	struct host_msg hm = {
	    .iov = iov, .control = m->control, .controlroom = m->controlroom};
	const size_t room = m->uio->resid;
	struct host_msg none = {0};
	size_t n;
	int error = atomic_exchange(&is->error, 0);

	if (error != 0)
		return (error);
	if ((flags & (LX_MSG_OOB | LX_MSG_ERRQUEUE)) != 0)
		return ((flags & LX_MSG_OOB) != 0 ? EOPNOTSUPP : EAGAIN);
	iov[0] = (struct host_iovec){&head, sizeof(head)};
	hm.niov = 1 + uio_vector(m->uio, room, iov + 1, PIECES - 1);
	error = host_recvmsg(
	    f->hostfd, NULL, &hm, (flags & LX_MSG_PEEK) | LX_MSG_TRUNC, &n);
	if (error != 0)
		return (error);
	m->flags = hm.flags;
	m->controllen = hm.controllen;
	if (n == 0) { /* the end after a shutdown */
		m->done = 0;
		m->addr.len = 0;
		return (0);
	}
	if (n < sizeof(head) || head.kind != INET_DATA) {
		if ((flags & LX_MSG_PEEK) != 0)
			(void)host_recvmsg(f->hostfd, NULL, &none, 0, &n);
		*again = true;
		return (EAGAIN);
	}
	n -= sizeof(head);
	m->done = n > room && (flags & LX_MSG_TRUNC) == 0 ? room : n;
	inet_format(&head.from, is->so->domain, &m->addr);
	put_pktinfo(is, m, &head.to);
	return (0);
}

static int
dgram_bytes(struct file *f, int *n)
{
	struct inet_head head = {.kind = INET_WAKE};
	struct host_iovec iov = {&head, sizeof(head)};
	struct host_msg hm = {.iov = &iov, .niov = 1};
	size_t got;
	int error = host_recvmsg(
	    f->hostfd, NULL, &hm, LX_MSG_PEEK | LX_MSG_TRUNC, &got);

	*n = 0;
	if (error == EAGAIN)
		return (0);
	if (error == 0 && got > sizeof(head) && head.kind == INET_DATA)
		*n = (int)(got - sizeof(head));
	return (error);
}

/* The inlet stays open, but the host refuses what comes through it. */
static int
dgram_shutdown(struct file *f, int how)
{
	struct socket *so = file_socket(f);
	bool connected;

	if (how < LX_SHUT_RD || how > LX_SHUT_RDWR)
		return (EINVAL);
	kmutex_lock(&so->vfs->sockets->lock);
	connected = so->inet->connected;
	kmutex_unlock(&so->vfs->sockets->lock);
	if (how != LX_SHUT_RD)
		atomic_store(&so->inet->no_send, true);
	if (how != LX_SHUT_WR)
		(void)host_shutdown(f->hostfd, LX_SHUT_RD);
	return (connected ? 0 : ENOTCONN);
}

const struct sock_ops inet_dgram_ops = {
    .bind = inet_bind,
    .connect = dgram_connect,
    .name = inet_name,
    .peername = inet_peername,
    .shutdown = dgram_shutdown,
    .send = dgram_send,
    .recv = dgram_recv,
    .bytes = dgram_bytes,
    .close = inet_close,
    .free = inet_free,
};
