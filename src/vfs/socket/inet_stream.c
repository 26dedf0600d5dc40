/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Connections of our own Internet sockets.  Theory: inet.c.
 *
 * Concepts.  The listener is looked up and connected to under the lock of the
 * table, so that it is open.  The host does all of a connect at once; a socket
 * that may not wait is EINPROGRESS nevertheless, as with Linux's TCP, because
 * some programs know no other outcome: the next connect, or SO_ERROR, tells
 * what has become of it.
 *
 * Limits.  A socket keeps the name at the host that its first connect has given
 * it, which has the addresses.  If that connect found a full backlog, the
 * socket can connect to no other address (EADDRNOTAVAIL).  A connected stream
 * cannot be disconnected (AF_UNSPEC is EOPNOTSUPP).
 */
#include <errno.h>
#include <string.h>

#include "host/host.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/vfs.h"
#include "vfs/socket/inet_int.h"

#define BACKLOG 4096 /* the host has a limit of its own */
#define FAMILY 2     /* bytes before the name */

/* A name at the host, after the family. */
struct inet_host_name {
	char zero; /* abstract */
	uint64_t key, id;
	struct inet_addr local, peer;
} __attribute__((packed));

/* Bind a stream to a name of the host that has its address and its peer's;
 * NULL: it will listen.  Lock held. */
static int
host_name(struct file *f, const struct inet_addr *peer)
{
	struct socket *so = file_socket(f);
	struct sock_table *s = so->vfs->sockets;
	struct inet_host_name n = {.key = s->key, .local = so->inet->local};
	struct host_sockaddr sa = {.len = FAMILY + sizeof(n)};
	int error;

	if (peer != NULL)
		n.peer = *peer;
	if (so->host.len != 0) {
		memcpy(&n.id, so->host.raw + FAMILY + 1 + sizeof(n.key),
		    sizeof(n.id));
		return (memcmp(&n, so->host.raw + FAMILY, sizeof(n)) == 0
			    ? 0
			    : EADDRNOTAVAIL);
	}
	n.id = atomic_fetch_add(&s->last_id, 1) + 1;
	sa.family = LX_AF_UNIX;
	memcpy(sa.raw + FAMILY, &n, sizeof(n));
	error = host_bind(f->hostfd, &sa);
	if (error == 0) {
		so->host = sa;
		so->inet->id = n.id;
	}
	return (error);
}

/* Where a guest wants to go.  ENETUNREACH: not to this network. */
static int
destination(const struct socket *so, const struct host_sockaddr *sa,
    struct inet_addr *to)
{
	int error = inet_parse(sa, so->domain, to);

	if (error != 0)
		return (error);
	if (inet_is_any(to))
		inet_source(to, to);
	return (inet_is_loopback(to) ? 0 : ENETUNREACH);
}

/* Lock held.  Connect to the listener at `to`, once.  EAGAIN: its backlog is
 * full. */
static int
connect_once(struct file *f, const struct inet_addr *to)
{
	struct socket *so = file_socket(f);
	struct inet_sock *is = so->inet, *target;
	int error;

	if (is->connected || is->listening)
		return (EISCONN);
	if (is->v6only && inet_is_mapped(to))
		return (ENETUNREACH);
	error = inet_autobind(is, to);
	if (error != 0)
		return (EADDRNOTAVAIL);
	if (inet_is_mapped(&is->local) != inet_is_mapped(to))
		error = ENETUNREACH;
	target = inet_find_listener(so->vfs->sockets, &is->local, to);
	if (error == 0 && target == NULL)
		error = ECONNREFUSED;
	if (error == 0)
		error = host_name(f, to);
	if (error == 0)
		error = host_connect(f->hostfd, &target->so->host);
	if (error == 0 && !sock_peer_is_us(f->hostfd)) {
		/* Another process of the host cannot have the name. */
		(void)host_shutdown(f->hostfd, LX_SHUT_RDWR);
		error = ECONNREFUSED;
	}
	if (error == 0) {
		is->peer = *to;
		is->connected = true;
		is->listener = target->so->number;
	} else if (error != EAGAIN)
		inet_unconnect(is);
	return (error);
}

/* Lock held.  True: the connect before went on in the background, and *error is
 * its outcome, which this call returns. */
static bool
finish_connecting(struct inet_sock *is, int *error)
{
	if (!is->connecting)
		return (false);
	is->connecting = false;
	*error = atomic_exchange(&is->error, 0);
	if (*error == 0 && !is->connected)
		*error = ECONNABORTED; /* SO_ERROR has told why */
	return (true);
}

/* Lock held.  What a socket that may not wait returns. */
static int
in_background(struct inet_sock *is, int error)
{
	if (error == EAGAIN) /* a backlog without room */
		error = ECONNREFUSED;
	if (error != 0 && error != ECONNREFUSED)
		return (error);
	is->connecting = true;
	atomic_store(&is->error, error);
	atomic_store(&is->so->room, true);
	return (EINPROGRESS);
}

static int
stream_connect(
    struct file *f, const struct host_sockaddr *sa, const struct vfs_ctx *ctx)
{
	struct socket *so = file_socket(f);
	struct inet_sock *is = so->inet;
	const uint64_t deadline = sock_deadline(&so->snd_ns);
	uint64_t step = VFS_PAUSE_MIN, until;
	struct inet_addr to;
	int error;

	if (sa->len >= sizeof(sa->family) && sa->family == 0)
		return (atomic_load(&so->inet->connected) ? EOPNOTSUPP : 0);
	error = destination(so, sa, &to);
	if (error != 0)
		return (error);
	for (;;) {
		kmutex_lock(&so->vfs->sockets->lock);
		if (!finish_connecting(is, &error)) {
			error = connect_once(f, &to);
			if (sock_would_block(f, 0))
				error = in_background(is, error);
		}
		kmutex_unlock(&so->vfs->sockets->lock);
		if (error != EAGAIN || sock_would_block(f, 0))
			return (error);
		until = host_now_ns() + step;
		if (until > deadline)
			return (EINPROGRESS);
		error = vfs_wait(&ctx->waiter, -1, 0, until);
		if (error != 0 && error != ETIMEDOUT)
			return (error);
		if (step < VFS_PAUSE_MAX)
			step *= 2;
	}
}

/* A connection has left the backlog: its client is no orphan later, or is one
 * no longer. */
static void
leave_backlog(struct socket *listener, const struct inet_host_name *n)
{
	struct sock_table *s = listener->vfs->sockets;
	const struct inet_addr client = n->local;
	struct inet_sock *is, *orphan;

	kmutex_lock(&s->lock);
	is = inet_find_client(s, client.port, n->id);
	if (is != NULL)
		is->listener = 0;
	LIST_FOREACH (orphan, &listener->inet->orphans, orphan_link)
		if (orphan->id == n->id) {
			LIST_REMOVE(orphan, orphan_link);
			break;
		}
	kmutex_unlock(&s->lock);
	inet_orphan_free(orphan);
}

static int
stream_accepted(struct socket *listener, const struct host_sockaddr *from,
    struct inet_sock **out)
{
	struct inet_sock *is, *of = listener->inet;
	struct inet_host_name n;

	if (from->len != FAMILY + sizeof(n) || from->family != LX_AF_UNIX)
		return (ECONNABORTED);
	memcpy(&n, from->raw + FAMILY, sizeof(n));
	if (n.zero != '\0' || n.key != listener->vfs->sockets->key)
		return (ECONNABORTED);
	leave_backlog(listener, &n);
	is = kmem_zalloc(sizeof(*is));
	if (is == NULL)
		return (ENOMEM);
	is->inlet = -1;
	is->local = n.peer;
	is->peer = n.local;
	is->connected = true;
	is->fixed_ip = is->fixed_port = true;
	for (int i = 0; i < INET_OPTS; i++)
		atomic_init(&is->opt[i], atomic_load(&of->opt[i]));
	kmutex_lock(&listener->vfs->sockets->lock);
	is->reuse = of->reuse;
	is->reuseport = of->reuseport;
	is->v6only = of->v6only;
	kmutex_unlock(&listener->vfs->sockets->lock);
	*out = is;
	return (0);
}

static void
stream_accept_done(struct socket *so, struct host_sockaddr *peer)
{
	kmutex_lock(&so->vfs->sockets->lock);
	inet_port_share(so->inet, &so->inet->local);
	inet_format(&so->inet->peer, so->domain, peer);
	kmutex_unlock(&so->vfs->sockets->lock);
}

/* ---- listening, and the ends ---- */

static int
stream_listen(struct file *f)
{
	struct socket *so = file_socket(f);
	struct inet_sock *is = so->inet;
	int error;

	kmutex_lock(&so->vfs->sockets->lock);
	error = is->connected ? EINVAL : inet_autobind(is, NULL);
	if (error == 0)
		error = host_name(f, NULL);
	if (error == 0)
		error = host_listen(f->hostfd, BACKLOG);
	if (error == 0)
		error = inet_listen_begin(is);
	if (error == 0)
		atomic_store(&so->listens, true);
	kmutex_unlock(&so->vfs->sockets->lock);
	return (error);
}

/* A listener that no longer receives does not listen. */
static int
shutdown_listener(struct file *f, int how)
{
	struct socket *so = file_socket(f);

	if (how == LX_SHUT_WR)
		return (0);
	inet_listen_end(so->inet);
	atomic_store(&so->listens, false);
	return (host_shutdown(f->hostfd, how));
}

static int
stream_shutdown(struct file *f, int how)
{
	struct socket *so = file_socket(f);
	int error;

	if (how < LX_SHUT_RD || how > LX_SHUT_RDWR)
		return (EINVAL);
	kmutex_lock(&so->vfs->sockets->lock);
	if (so->inet->listening)
		error = shutdown_listener(f, how);
	else if (so->inet->connected)
		error = host_shutdown(f->hostfd, how);
	else
		error = ENOTCONN;
	kmutex_unlock(&so->vfs->sockets->lock);
	return (error);
}

/* ---- bytes ---- */

static int
stream_send(struct file *f, struct sock_msg *m, int flags)
{
	struct socket *so = file_socket(f);
	const int error = atomic_exchange(&so->inet->error, 0);

	if (error != 0)
		return (error);
	return (atomic_load(&so->inet->connected) ? 0 : EPIPE);
}

static int
stream_recv(struct file *f, struct sock_msg *m, int flags, bool *again)
{
	struct socket *so = file_socket(f);
	int error;

	if ((flags & LX_MSG_ERRQUEUE) != 0)
		return (EAGAIN);
	error = atomic_exchange(&so->inet->error, 0);
	if (error != 0)
		return (error);
	return (atomic_load(&so->inet->connected) ? 0 : ENOTCONN);
}

const struct sock_ops inet_stream_ops = {
    .bind = inet_bind,
    .listen = stream_listen,
    .connect = stream_connect,
    .accepted = stream_accepted,
    .accept_done = stream_accept_done,
    .name = inet_name,
    .peername = inet_peername,
    .shutdown = stream_shutdown,
    .send = stream_send,
    .recv = stream_recv,
    .close = inet_close,
    .free = inet_free,
};
