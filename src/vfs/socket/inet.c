/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Internet sockets of this kernel's own.
 *
 * Purpose.  Where the host permits no network namespace, guests get TCP and UDP
 * for 127.0.0.0/8 and ::1 nevertheless.  No socket of the host's network is
 * made: nothing outside can be reached, and nothing outside reaches a guest.
 *
 * Concepts.  A stream is a stream of the host's AF_UNIX: buffers, backlog,
 * shutdown, readiness and the end of a connection are the host's.  Ours are the
 * addresses: a table of ports (inet_port.c) has the sockets that are bound, and
 * connect (inet_stream.c) finds the listener in it and connects to the name
 * that this has at the host.  The client's name there has both addresses of the
 * connection, so that accept knows them when the client is closed already.  As
 * with UNIX sockets (sock_unix.c), the host must report this process as the
 * peer.
 *
 * A datagram socket is the reading end of a pair of the host (inet_dgram.c).
 * The writing end, its inlet, stays here: a sender finds the socket in the
 * table and writes to its inlet, in front of each datagram the addresses.  The
 * inlet's buffer is the receive buffer: what does not fit is lost, as with UDP.
 * No other process has a way to an inlet.
 *
 * Options of IP, TCP and UDP are kept, and returned, but few of them have a
 * meaning here (inet_opt.c).  Routing sockets answer from one fixed interface
 * (inet_route.c).
 *
 * A connection in a backlog holds what its client has sent, also when the
 * client is closed.  Then the client's structure stays as an orphan of the
 * listener, and with it the charge of the client's buffer, until the connection
 * is accepted or the listener closed.
 *
 * Data structures: struct inet_sock, beside the struct socket of the file and
 * as long as this.  Errors that come later (a connect that has failed without
 * waiting, a datagram that no socket has received) are in its `error`, and a
 * thread that waits for a datagram is woken by an empty message.
 *
 * Locking: the lock of the table of sockets, none for I/O but for connecting at
 * the host, which does not wait and must find the listener open.
 *
 * Limits, told in CAVEATS.md: no TIME_WAIT; a write after the peer has closed
 * is EPIPE at once; poll says POLLHUP at the end of a connection also where
 * this side is open; each backlog has room for BACKLOG connections
 * (inet_stream.c), because there is no way to let a connect that may not wait
 * go on later: it is refused when the backlog is full.
 */
#include "vfs/socket/inet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/capability.h"
#include "host/host.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/vfs.h"
#include "vfs/socket/inet_int.h"

/* ---- making ---- */

void
inet_free(struct inet_sock *is)
{
	if (is == NULL)
		return;
	if (is->inlet >= 0) {
		(void)host_close(is->inlet);
		kmem_fd_uncharge(is->inlet_cost, 1);
	}
	kmem_free(is);
}

/* The descriptors of a socket of messages. */
static int
make_pair(struct inet_sock *is, int *hostfd)
{
	int fds[2], error = kmem_fd_charge(1, &is->inlet_cost);

	if (error != 0)
		return (error);
	error = host_socketpair(LX_SOCK_DGRAM, fds);
	if (error != 0) {
		kmem_fd_uncharge(is->inlet_cost, 1);
		return (error);
	}
	*hostfd = fds[0];
	is->inlet = fds[1];
	return (0);
}

int
inet_create(struct vfs *vfs, int domain, int type, int flags,
    const struct vfs_waiter *waiter, struct file **out)
{
	struct inet_sock *is = kmem_zalloc(sizeof(*is));
	struct socket so = {.domain = domain, .type = type, .inet = is};
	int fd, error;

	if (is == NULL)
		return (ENOMEM);
	so.ops = domain == LX_AF_NETLINK  ? &inet_route_ops
		 : type == LX_SOCK_STREAM ? &inet_stream_ops
					  : &inet_dgram_ops;
	is->inlet = -1;
	is->local = inet_any(domain);
	inet_opt_init(is);
	error = type == LX_SOCK_STREAM
		    ? host_socket(LX_AF_UNIX, LX_SOCK_STREAM, 0, &fd)
		    : make_pair(is, &fd);
	if (error != 0) {
		inet_free(is);
		return (error);
	}
	return (sock_wrap(vfs, fd, flags, so, waiter, out));
}

/* Lock held.  The client of a connection that is in a backlog is closed: it
 * becomes an orphan of the listener, with the charge of its file.  False: it is
 * in no backlog. */
static bool
become_orphan(struct file *f, struct inet_sock *is)
{
	struct sock_table *s = is->so->vfs->sockets;
	struct inet_sock *l;

	if (is->listener == 0)
		return (false);
	l = inet_find_number(s, is->peer.port, is->listener);
	if (l == NULL)
		return (false);
	/* No other thread has the file. */
	is->cost = f->fd_cost;
	is->bytes = f->buffer;
	f->buffer = 0;
	LIST_INSERT_HEAD(&l->orphans, is, orphan_link);
	return (true);
}

void
inet_orphan_free(struct inet_sock *is)
{
	if (is == NULL)
		return;
	if (is->bytes != 0)
		kmem_uncharge(is->cost, is->bytes);
	inet_free(is);
}

bool
inet_close(struct file *f)
{
	struct inet_sock *is = file_socket(f)->inet, *o;
	struct sock_table *s = is->so->vfs->sockets;
	struct inet_list orphans;
	bool kept;

	kmutex_lock(&s->lock);
	inet_listen_end(is);
	inet_port_leave(is);
	kept = become_orphan(f, is);
	if (kept)
		file_socket(f)->inet = NULL;
	/* The host closes the connections in the backlog with the listener. */
	LIST_INIT(&orphans);
	while ((o = LIST_FIRST(&is->orphans)) != NULL) {
		LIST_REMOVE(o, orphan_link);
		LIST_INSERT_HEAD(&orphans, o, orphan_link);
	}
	kmutex_unlock(&s->lock);
	while ((o = LIST_FIRST(&orphans)) != NULL) {
		LIST_REMOVE(o, orphan_link);
		inet_orphan_free(o);
	}
	return (kept);
}

/* ---- names ---- */

int
inet_bind(
    struct file *f, const struct host_sockaddr *sa, const struct vfs_ctx *ctx)
{
	struct socket *so = file_socket(f);
	struct inet_sock *is = so->inet;
	struct host_sockaddr name = *sa;
	struct inet_addr a;
	int error;

	/* As on Linux, the wildcard of IPv4 may come without its family. */
	if (so->domain == LX_AF_INET && name.family == 0 && name.len >= 8 &&
	    memcmp(name.raw + 4, (const uint8_t[4]){0}, 4) == 0)
		name.family = LX_AF_INET;
	error = inet_parse(&name, so->domain, &a);
	if (error != 0)
		return (error);
	if (!inet_is_any(&a) && !inet_is_loopback(&a))
		return (EADDRNOTAVAIL);
	if (a.port != 0 && a.port < 1024 &&
	    !vfs_ctx_capable(ctx, LX_CAP_NET_BIND_SERVICE))
		return (EACCES);
	kmutex_lock(&so->vfs->sockets->lock);
	if (inet_is_v6(is) && is->v6only && inet_is_mapped(&a))
		error = EINVAL;
	else if (is->has_port || is->connected)
		error = EINVAL;
	else
		error = inet_port_take(is, &a);
	if (error == 0) {
		is->fixed_port = true;
		is->fixed_ip = !inet_is_any(&a);
	}
	kmutex_unlock(&so->vfs->sockets->lock);
	return (error);
}

int
inet_autobind(struct inet_sock *is, const struct inet_addr *to)
{
	struct inet_addr a = is->local;
	int error = 0;

	if (!is->has_port) {
		a.port = 0;
		error = inet_port_take(is, &a);
	}
	if (error == 0 && to != NULL && !is->fixed_ip)
		inet_source(&is->local, to);
	return (error);
}

void
inet_unconnect(struct inet_sock *is)
{
	is->connected = false;
	is->peer = (struct inet_addr){0};
	if (!is->fixed_ip)
		memcpy(is->local.ip, inet_any(is->so->domain).ip,
		    sizeof(is->local.ip));
	if (!is->fixed_port)
		inet_port_leave(is);
}

int
inet_name(struct socket *so, struct host_sockaddr *sa)
{
	struct inet_addr a;

	kmutex_lock(&so->vfs->sockets->lock);
	a = so->inet->local;
	kmutex_unlock(&so->vfs->sockets->lock);
	inet_format(&a, so->domain, sa);
	return (0);
}

int
inet_peername(struct socket *so, struct host_sockaddr *sa)
{
	struct inet_addr a;
	bool connected;

	kmutex_lock(&so->vfs->sockets->lock);
	connected = so->inet->connected;
	a = so->inet->peer;
	kmutex_unlock(&so->vfs->sockets->lock);
	if (!connected)
		return (ENOTCONN);
	inet_format(&a, so->domain, sa);
	return (0);
}

/* ---- for /proc/net ---- */

static int
put_addr(char *at, size_t room, const struct inet_addr *a, int domain)
{
	uint32_t w[4];
	int n = 0;

	memcpy(w, a->ip, sizeof(w));
	for (int i = domain == LX_AF_INET ? 3 : 0; i < 4; i++)
		n += snprintf(at + n, room - (size_t)n, "%08X", w[i]);
	n += snprintf(at + n, room - (size_t)n, ":%04X", a->port);
	return (n);
}

/* The states of TCP that there are: ESTABLISHED, CLOSE, LISTEN. */
static unsigned
state_of(const struct inet_sock *is)
{
	return (is->connected ? 1 : is->listening ? 10 : 7);
}

static void
put_line(const struct inet_sock *is, unsigned slot, file_info_fn *fn, void *arg)
{
	const struct socket *so = is->so;
	const bool dgram = so->type == LX_SOCK_DGRAM;
	struct inet_addr peer = is->connected ? is->peer : inet_any(so->domain);
	char line[256];
	int n;

	n = snprintf(line, sizeof(line), dgram ? "%5u: " : "%4u: ", slot);
	n += put_addr(
	    line + n, sizeof(line) - (size_t)n, &is->local, so->domain);
	line[n++] = ' ';
	n += put_addr(line + n, sizeof(line) - (size_t)n, &peer, so->domain);
	(void)snprintf(line + n, sizeof(line) - (size_t)n,
	    " %02X 00000000:00000000 00:00000000 00000000 %5u        0 %llu %d "
	    "0000000000000000%s\n",
	    state_of(is), atomic_load(&so->uid), (unsigned long long)so->ino,
	    dgram ? 2 : 1, dgram ? " 0" : "");
	fn(arg, line);
}

void
inet_lines(struct vfs *vfs, int domain, int type, file_info_fn *fn, void *arg)
{
	const struct socket *so;
	unsigned slot = 0;

	kmutex_lock(&vfs->sockets->lock);
	LIST_FOREACH (so, &vfs->sockets->all, all) {
		if (so->inet == NULL || so->domain != domain ||
		    so->type != type || !so->inet->has_port)
			continue;
		/* A stream that is only bound is in no table, as on Linux. */
		if (type == LX_SOCK_STREAM && state_of(so->inet) == 7)
			continue;
		put_line(so->inet, slot++, fn, arg);
	}
	kmutex_unlock(&vfs->sockets->lock);
}
