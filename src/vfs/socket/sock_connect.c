/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Connections of sockets: connect and accept.
 *
 * The peer of a UNIX socket is found by its name at the host (sock_unix.c),
 * which also says whether it is a socket of this kernel: a connection to or
 * from a stranger is shut down before the guest sees it.
 *
 * Locking: the lock of the table for names and peers, none while a call waits.
 *
 * Limits: connecting to a full backlog tries again every few milliseconds.
 */
#include "vfs/socket/socket_int.h"

#include <errno.h>
#include <string.h>

#include "abi/poll.h"
#include "abi/socket.h"
#include "host/host.h"
#include "host/host_file.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/vfs.h"

/* Connect, and try again until there is room in the backlog. */
static int
connect_host(struct file *f, const struct host_sockaddr *host,
    const struct vfs_waiter *waiter)
{
	uint64_t deadline = sock_deadline(&file_socket(f)->snd_ns);
	uint64_t step = VFS_PAUSE_MIN, until;
	int error;

	for (;;) {
		error = host_connect(f->hostfd, host);
		if (error != EAGAIN || sock_would_block(f, 0))
			return (error);
		until = host_now_ns() + step;
		if (until > deadline)
			return (EAGAIN);
		error = vfs_wait(waiter, -1, 0, until);
		if (error != 0 && error != ETIMEDOUT)
			return (error);
		if (step < VFS_PAUSE_MAX)
			step *= 2;
	}
}

bool
sock_peer_is_us(int hostfd)
{
	struct host_ucred who = {0};
	uint32_t len = sizeof(who);

	return (host_getsockopt(
		    hostfd, LX_SOL_SOCKET, LX_SO_PEERCRED, &who, &len) == 0 &&
		who.pid == host_getpid());
}

/* Connect to the socket that the guest calls sa; its name and ids go to *name
 * and *cred. */
static int
connect_named(struct file *f, struct socket *so, const struct host_sockaddr *sa,
    const struct vfs_ctx *ctx, struct host_sockaddr *name,
    struct sock_cred *cred, struct sock_dest *dest)
{
	struct host_sockaddr host;
	int error;

	error = unix_resolve(so, sa, ctx, &host, name, cred);
	if (error != 0)
		return (error);
	error = unix_unpair(f, so);
	if (error != 0)
		return (error);
	error = unix_host_bind(f, so, ctx);
	if (error != 0)
		return (error);
	error = connect_host(f, &host, &ctx->waiter);
	if (error != 0)
		return (error);
	*dest = sock_dest_of(so, &host);
	if (so->type == LX_SOCK_DGRAM || sock_peer_is_us(f->hostfd))
		return (0);
	/* Another process of the host has taken the name in between. */
	(void)host_shutdown(f->hostfd, 2);
	return (ECONNREFUSED);
}

/* AF_UNSPEC: a datagram socket has no peer any more. */
static int
connect_away(struct file *f, struct socket *so, const struct host_sockaddr *sa)
{
	int error = unix_unpair(f, so);

	return (error != 0 ? error : host_connect(f->hostfd, sa));
}

static int
connect_unix(struct file *f, struct socket *so, const struct host_sockaddr *sa,
    const struct vfs_ctx *ctx)
{
	struct host_sockaddr name = {0};
	struct sock_cred cred = {0};
	struct sock_dest dest = {.kind = SOCK_TO_UNKNOWN};
	bool away = sa->len >= sizeof(sa->family) && sa->family == 0 &&
		    so->type == LX_SOCK_DGRAM;
	int error;

	error = away ? connect_away(f, so, sa)
		     : connect_named(f, so, sa, ctx, &name, &cred, &dest);
	if (error != 0)
		return (error);
	kmutex_lock(&so->vfs->sockets->lock);
	so->dest = dest;
	so->peer = name;
	so->peercred = cred;
	so->peer_ns = host_now_ns();
	so->has_peer = !away;
	kmutex_unlock(&so->vfs->sockets->lock);
	return (0);
}

/* Connect, and wait until the connection stands or has failed. */
static int
connect_inet(
    struct file *f, const struct host_sockaddr *sa, const struct vfs_ctx *ctx)
{
	struct socket *so = file_socket(f);
	struct vfs_retry w = {
	    .events = LX_POLLOUT, .deadline = sock_deadline(&so->snd_ns)};
	bool waited = false;
	int error;

	/* Another connect() returns the outcome, and clears a failure. */
	for (;;) {
		error = host_connect(f->hostfd, sa);
		if (error == EISCONN && waited)
			return (0);
		if (error == EINPROGRESS)
			atomic_store(&so->room, true);
		if ((error != EINPROGRESS && error != EALREADY) ||
		    sock_would_block(f, 0))
			return (error);
		error = vfs_wait_retry(&ctx->waiter, f->hostfd, &w);
		if (error != 0)
			return (error == ETIMEDOUT ? EINPROGRESS : error);
		waited = true;
	}
}

int
sock_connect(
    struct file *f, const struct host_sockaddr *sa, const struct vfs_ctx *ctx)
{
	struct socket *so = file_socket(f);

	if (so->inherited)
		return (EACCES);
	if (sock_is_unix(so))
		return (connect_unix(f, so, sa, ctx));
	if (so->ops == NULL)
		return (connect_inet(f, sa, ctx));
	return (so->ops->connect != NULL ? so->ops->connect(f, sa, ctx)
					 : EOPNOTSUPP);
}

/*
 * Find the peer of a new connection.  False: it is not a socket of this kernel.
 */
static bool
accepted_is_ours(struct vfs *vfs, int conn, const struct host_sockaddr *peer,
    struct socket *so)
{
	if (!sock_peer_is_us(conn) ||
	    !unix_host_parse(vfs, peer, &so->client, &so->peercred))
		return (false);
	unix_name_of(vfs, so->client, &so->peer);
	so->dest = (struct sock_dest){.kind = SOCK_TO_ID, .id = so->client};
	so->has_peer = true;
	so->peer_ns = host_now_ns();
	return (true);
}

/* Find the socket that has connected.  False: a stranger, or *error. */
static bool
accept_checked(struct socket *so, int fd, const struct host_sockaddr *from,
    struct socket *conn, int *error)
{
	if (sock_is_unix(so))
		return (accepted_is_ours(so->vfs, fd, from, conn));
	if (so->ops == NULL)
		return (true);
	if (!sock_peer_is_us(fd))
		return (false);
	conn->ops = so->ops;
	*error = so->ops->accepted(so, from, &conn->inet);
	if (*error == ECONNABORTED) /* the name is not ours */
		*error = 0;
	return (conn->inet != NULL);
}

/* What the new socket has of the listener; *from becomes its peer's name. */
static void
accept_inherit(
    struct socket *so, struct socket *conn, struct host_sockaddr *from)
{
	if (sock_is_unix(so)) {
		*from = conn->peer;
		kmutex_lock(&so->vfs->sockets->lock);
		conn->name = so->name;
		kmutex_unlock(&so->vfs->sockets->lock);
		atomic_init(&conn->passcred, atomic_load(&so->passcred));
		return;
	}
	atomic_init(&conn->rcv_ns, atomic_load(&so->rcv_ns));
	atomic_init(&conn->snd_ns, atomic_load(&so->snd_ns));
}

/*
 * There will be no connection, because the listener was shut down.  A UNIX
 * socket of the host tells that to a thread that waits in it only, and one that
 * may not wait gets EAGAIN, as on Linux; TCP tells both.
 */
static bool
accept_ended(const struct file *f)
{
	const struct socket *so = file_socket(f);

	if (so->ops != NULL)
		return (!atomic_load(&so->listens));
	return (!sock_would_block(f, 0) &&
		(hostfd_ready(f->hostfd, LX_POLLRDHUP) & LX_POLLRDHUP) != 0);
}

int
sock_accept(struct file *f, int flags, const struct vfs_waiter *waiter,
    struct host_sockaddr *peer, struct file **out)
{
	struct socket *so = file_socket(f),
		      conn = {.domain = so->domain, .type = so->type};
	struct vfs_retry w = {
	    .events = LX_POLLIN, .deadline = sock_deadline(&so->rcv_ns)};
	struct host_sockaddr from;
	unsigned strangers = 0;
	int fd, error;

	if (so->inherited)
		return (EACCES);
	if (so->ops != NULL && so->ops->accepted == NULL)
		return (EOPNOTSUPP);
	for (;;) {
		error = host_accept(f->hostfd, &from, &fd);
		if (error == EAGAIN && accept_ended(f))
			return (EINVAL);
		if (error == EAGAIN && !sock_would_block(f, 0)) {
			error = sock_io_wait(f, &w, waiter);
			if (error == 0)
				continue;
		}
		if (error != 0)
			return (error);
		if (accept_checked(so, fd, &from, &conn, &error))
			break;
		(void)host_close(fd);
		if (error != 0)
			return (error);
		error = sock_stranger_pause(
		    ++strangers, !sock_would_block(f, 0), waiter);
		if (error != 0)
			return (error);
	}
	accept_inherit(so, &conn, &from);
	error = sock_wrap(so->vfs, fd, flags, conn, waiter, out);
	if (error != 0)
		return (error);
	if (atomic_load(&conn.passcred))
		sock_want_cred(file_socket(*out), true);
	if (so->ops != NULL)
		so->ops->accept_done(file_socket(*out), &from);
	*peer = from;
	return (0);
}
