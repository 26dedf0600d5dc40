/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sockets: files over sockets of the host.
 *
 * Concepts.  Every socket is a non-blocking socket of the host, so that poll
 * and epoll, buffers, backlogs and the states of connections are those of the
 * host and exact.  This kernel does the waiting (interruptible, with the
 * timeouts of SO_RCVTIMEO and SO_SNDTIMEO), the names of UNIX sockets
 * (sock_unix.c) and files and senders of messages (sock_rights.c).  An Internet
 * socket's addresses, options and control records are passed through, except
 * that ports below 1024 are for the guest's root; the caller of sock_adopt()
 * decides whether a guest may have one, and of which network.
 *
 * Strangers are other processes of the host.  They can reach a UNIX socket
 * that a guest listens on or receives datagrams with, if they guess or read
 * its name there.  The host says which process is on the other side: the
 * connection of a stranger is closed before the guest sees it, and its
 * datagram is dropped.
 *
 * Inherited sockets (standard input of the command, for example) can be read,
 * written, shut down and asked for their attributes; they take no address and
 * carry no files, and they cannot be bound, connected or accepted from.
 *
 * Locking: vfs->sockets->lock for names and peers, none for I/O.
 *
 * Guarantees: an error is reported only when nothing was transferred.
 *
 * Limits: connecting to a full backlog tries again every few milliseconds.
 * A datagram from a stranger makes a socket look readable for a moment.  If one
 * thread finds it with MSG_PEEK while another thread receives, the datagram of
 * a guest may be dropped in its place.  Close never lingers.
 */
#include "vfs/socket/socket_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/poll.h"
#include "abi/socket.h"
#include "abi/stat.h"
#include "host/host.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "mem/vm_zone.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

#define SEND_FLAGS                                                     \
	(LX_MSG_OOB | LX_MSG_DONTROUTE | LX_MSG_EOR | LX_MSG_CONFIRM | \
	    LX_MSG_MORE)
#define RECV_FLAGS (LX_MSG_OOB | LX_MSG_PEEK | LX_MSG_TRUNC | LX_MSG_ERRQUEUE)

static int socket_rw(struct file *, struct uio *, const struct vfs_waiter *);
static const struct fileops *socket_ops(const struct socket *);

struct socket *
file_socket(const struct file *f)
{
	return (f->ops->rw == socket_rw ? f->data : NULL);
}

bool
sock_is_record(const struct socket *so)
{
	return (so->type != LX_SOCK_STREAM);
}

static bool
is_unix(const struct socket *so)
{
	return (so->domain == LX_AF_UNIX);
}

static bool
would_block(const struct file *f, int flags)
{
	return ((flags & LX_MSG_DONTWAIT) != 0 ||
		(atomic_load_explicit(&f->flags, memory_order_relaxed) &
		    O_NONBLOCK) != 0);
}

struct sock_cred
sock_self(const struct vfs_waiter *waiter)
{
	struct vfs_ident id = vfs_waiter_ident(waiter);

	return ((struct sock_cred){id.pid, id.uid, id.gid});
}

static uint64_t
deadline_of(_Atomic(uint64_t) *timeo)
{
	uint64_t t = atomic_load_explicit(timeo, memory_order_relaxed);

	return (t == 0 ? UINT64_MAX : host_now_ns() + t);
}

/* Wait for I/O; a timeout of a socket is reported as EAGAIN. */
static int
io_wait(struct file *f, struct vfs_retry *w, const struct vfs_waiter *waiter)
{
	int error = vfs_wait_retry(waiter, f->hostfd, w);

	return (error == ETIMEDOUT ? EAGAIN : error);
}

/* ---- making ---- */

/* A file for `hostfd`, which passes to it in any case. */
static int
sock_wrap(struct vfs *vfs, int hostfd, int flags, struct socket init,
    struct file **out)
{
	struct socket *so;
	struct host_stat st;
	struct file *f;
	int error;

	error = host_fstat(hostfd, &st);
	if (error != 0)
		goto fail;
	so = zalloc(vfs->sockets->zone);
	if (so == NULL) {
		error = ENOMEM;
		goto fail;
	}
	init.vfs = vfs;
	init.number = atomic_fetch_add(&vfs->sockets->last_number, 1) + 1;
	*so = init;
	error = file_create(vfs, socket_ops(so), NULL,
	    O_RDWR | (flags & O_NONBLOCK), hostfd, so, &f);
	if (error != 0)
		goto fail_socket;
	f->ino = st.ino;
	if (so->client != 0) {
		kmutex_lock(&vfs->sockets->lock);
		LIST_INSERT_HEAD(
		    &vfs->sockets->conns[so->client % SOCK_CONNS], so, conn);
		kmutex_unlock(&vfs->sockets->lock);
	}
	if (!init.inherited && sock_first_buffer(f) != 0) {
		file_free(f);
		return (ENOBUFS);
	}
	*out = f;
	return (0);
fail_socket:
	zfree(vfs->sockets->zone, so);
fail:
	(void)host_close(hostfd);
	return (error);
}

int
sock_create(struct vfs *vfs, int type, int flags, struct file **out)
{
	struct socket so = {.domain = LX_AF_UNIX, .type = type};
	int fd, error;

	error = host_socket(LX_AF_UNIX, type, 0, &fd);
	return (error != 0 ? error : sock_wrap(vfs, fd, flags, so, out));
}

int
sock_adopt(struct vfs *vfs, int hostfd, int domain, int type, int flags,
    struct file **out)
{
	struct socket so = {.domain = domain, .type = type};

	return (sock_wrap(vfs, hostfd, flags, so, out));
}

int
sock_pair(struct vfs *vfs, int type, int flags, const struct vfs_waiter *waiter,
    struct file *f[2])
{
	struct file *first;
	struct socket so = {.domain = LX_AF_UNIX,
	    .type = type,
	    .peercred = sock_self(waiter),
	    .paired = true,
	    .has_peer = true};
	int error, fds[2];

	so.peer.family = LX_AF_UNIX;
	so.peer.len = sizeof(so.peer.family);
	error = host_socketpair(type, fds);
	if (error != 0)
		return (error);
	error = sock_wrap(vfs, fds[0], flags, so, &first);
	if (error != 0) {
		(void)host_close(fds[1]);
		return (error);
	}
	error = sock_wrap(vfs, fds[1], flags, so, &f[1]);
	if (error != 0) {
		file_free(first);
		return (error);
	}
	f[0] = first;
	for (int i = 0; i < 2; i++)
		file_socket(f[i])->dest = (struct sock_dest){
		    .kind = SOCK_TO_MATE, .id = file_socket(f[!i])->number};
	return (0);
}

int
sock_inherit(struct vfs *vfs, int hostfd, int flags, struct file **out)
{
	struct socket so = {.inherited = true};
	int error;

	error = host_sockopt_int(hostfd, 39 /* SO_DOMAIN */, &so.domain);
	if (error == 0)
		error = host_sockopt_int(hostfd, 3 /* SO_TYPE */, &so.type);
	if (error != 0) {
		(void)host_close(hostfd);
		return (error);
	}
	return (sock_wrap(vfs, hostfd, flags, so, out));
}

/*
 * A close that lingers would wait in the host, where no signal ends it.  So
 * lingering is turned off, and the host sends what is left after the close.
 * Linger 0, which throws that away, does not wait and stays set.
 */
static void
linger_off(struct file *f)
{
	const struct socket *so = f->data;
	struct {
		int32_t on, seconds;
	} v = {0, 0};
	uint32_t len = sizeof(v);

	if (so->domain == LX_AF_UNIX || so->inherited ||
	    host_getsockopt(f->hostfd, LX_SOL_SOCKET, LX_SO_LINGER, &v, &len) !=
		0 ||
	    v.on == 0 || v.seconds == 0)
		return;
	v.on = 0;
	(void)host_setsockopt(
	    f->hostfd, LX_SOL_SOCKET, LX_SO_LINGER, &v, sizeof(v));
}

static void
socket_close(struct file *f)
{
	struct socket *so = f->data;
	struct vfs *vfs = so->vfs;

	unix_unbind(so);
	sock_want_cred(so, false);
	if (so->client != 0) {
		kmutex_lock(&vfs->sockets->lock);
		LIST_REMOVE(so, conn);
		kmutex_unlock(&vfs->sockets->lock);
	}
	linger_off(f);
	(void)host_close(f->hostfd);
	zfree(vfs->sockets->zone, so);
	if (atomic_load(&vfs->sockets->nparcels) != 0)
		parcel_collect(vfs);
}

/* ---- names ---- */

/* In both families the port follows the family, in network order. */
static bool
is_low_port(const struct socket *so, const struct host_sockaddr *sa)
{
	unsigned port;

	if ((so->domain != LX_AF_INET && so->domain != LX_AF_INET6) ||
	    sa->len < 4)
		return (false);
	port = (unsigned)sa->raw[2] << 8 | sa->raw[3];
	return (port != 0 && port < 1024);
}

int
sock_bind(
    struct file *f, const struct host_sockaddr *sa, const struct vfs_ctx *ctx)
{
	struct socket *so = file_socket(f);

	if (so->inherited)
		return (EACCES);
	if (is_unix(so))
		return (unix_bind(f, so, sa, ctx));
	if (is_low_port(so, sa) && ctx->uid != 0)
		return (EACCES);
	return (host_bind(f->hostfd, sa));
}

int
sock_listen(struct file *f, int backlog, const struct vfs_waiter *waiter)
{
	struct socket *so = file_socket(f);
	struct sock_cred self;
	bool bound;

	if (so->inherited)
		return (EACCES);
	if (is_unix(so)) {
		/* sock_self() takes the process's lock, whose rank is lower. */
		self = sock_self(waiter);
		kmutex_lock(&so->vfs->sockets->lock);
		bound = so->bound;
		if (bound)
			so->cred = self;
		kmutex_unlock(&so->vfs->sockets->lock);
		if (!bound)
			return (
			    sock_is_record(so) && so->type != LX_SOCK_SEQPACKET
				? EOPNOTSUPP
				: EINVAL);
	}
	return (host_listen(f->hostfd, backlog));
}

int
sock_name(struct file *f, struct host_sockaddr *sa)
{
	struct socket *so = file_socket(f);

	if (!is_unix(so))
		return (host_getsockname(f->hostfd, sa));
	kmutex_lock(&so->vfs->sockets->lock);
	*sa = so->name;
	kmutex_unlock(&so->vfs->sockets->lock);
	if (sa->len == 0) {
		sa->family = LX_AF_UNIX;
		sa->len = sizeof(sa->family);
	}
	return (0);
}

int
sock_peername(struct file *f, struct host_sockaddr *sa)
{
	struct socket *so = file_socket(f);
	struct host_sockaddr host;
	int error = 0;

	if (!is_unix(so))
		return (host_getpeername(f->hostfd, sa));
	if (so->inherited) {
		error = host_getpeername(f->hostfd, &host);
		memset(sa, 0, sizeof(*sa));
		sa->family = LX_AF_UNIX;
		sa->len = sizeof(sa->family);
		return (error);
	}
	kmutex_lock(&so->vfs->sockets->lock);
	if (so->has_peer)
		*sa = so->peer;
	else
		error = ENOTCONN;
	kmutex_unlock(&so->vfs->sockets->lock);
	return (error);
}

void
sock_peercred(struct file *f, struct sock_cred *cred)
{
	struct socket *so = file_socket(f);

	kmutex_lock(&so->vfs->sockets->lock);
	*cred = so->has_peer ? so->peercred
			     : (struct sock_cred){0, UINT32_MAX, UINT32_MAX};
	kmutex_unlock(&so->vfs->sockets->lock);
}

void
sock_set_passcred(struct file *f, bool on)
{
	struct socket *so = file_socket(f);

	atomic_store(&so->passcred, on);
	sock_want_cred(so, on);
}

/* ---- connections ---- */

/* Connect, and try again until there is room in the backlog. */
static int
connect_host(struct file *f, const struct host_sockaddr *host,
    const struct vfs_waiter *waiter)
{
	uint64_t deadline = deadline_of(&file_socket(f)->snd_ns);
	uint64_t step = VFS_PAUSE_MIN, until;
	int error;

	for (;;) {
		error = host_connect(f->hostfd, host);
		if (error != EAGAIN || would_block(f, 0))
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

/* Is the other end a socket of this process? */
static bool
peer_is_us(int hostfd)
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
	if (so->type == LX_SOCK_DGRAM || peer_is_us(f->hostfd))
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
	    .events = LX_POLLOUT, .deadline = deadline_of(&so->snd_ns)};
	bool waited = false;
	int error;

	/* Another connect() returns the outcome, and clears a failure. */
	for (;;) {
		error = host_connect(f->hostfd, sa);
		if (error == EISCONN && waited)
			return (0);
		if ((error != EINPROGRESS && error != EALREADY) ||
		    would_block(f, 0))
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
	return (is_unix(so) ? connect_unix(f, so, sa, ctx)
			    : connect_inet(f, sa, ctx));
}

/* Strangers may connect without end: at every 16th check for signals, or report
 * EAGAIN when the caller must not wait. */
static int
stranger_pause(unsigned n, bool wait, const struct vfs_waiter *waiter)
{
	int error;

	if (n % 16 != 0)
		return (0);
	if (!wait)
		return (EAGAIN);
	error = vfs_wait(waiter, -1, 0, host_now_ns());
	return (error == ETIMEDOUT ? 0 : error);
}

/*
 * Find the peer of a new connection.  False: it is not a socket of this kernel.
 */
static bool
accepted_is_ours(struct vfs *vfs, int conn, const struct host_sockaddr *peer,
    struct socket *so)
{
	if (!peer_is_us(conn) ||
	    !unix_host_parse(vfs, peer, &so->client, &so->peercred))
		return (false);
	unix_name_of(vfs, so->client, &so->peer);
	so->dest = (struct sock_dest){.kind = SOCK_TO_ID, .id = so->client};
	so->has_peer = true;
	return (true);
}

int
sock_accept(struct file *f, int flags, const struct vfs_waiter *waiter,
    struct host_sockaddr *peer, struct file **out)
{
	struct socket *so = file_socket(f),
		      conn = {.domain = so->domain, .type = so->type};
	struct vfs_retry w = {
	    .events = LX_POLLIN, .deadline = deadline_of(&so->rcv_ns)};
	struct host_sockaddr from;
	unsigned strangers = 0;
	int fd, error;

	if (so->inherited)
		return (EACCES);
	for (;;) {
		error = host_accept(f->hostfd, &from, &fd);
		if (error == EAGAIN && !would_block(f, 0)) {
			error = io_wait(f, &w, waiter);
			if (error == 0)
				continue;
		}
		if (error != 0)
			return (error);
		if (!is_unix(so) || accepted_is_ours(so->vfs, fd, &from, &conn))
			break;
		(void)host_close(fd);
		error = stranger_pause(++strangers, !would_block(f, 0), waiter);
		if (error != 0)
			return (error);
	}
	if (is_unix(so)) {
		from = conn.peer;
		kmutex_lock(&so->vfs->sockets->lock);
		conn.name = so->name;
		kmutex_unlock(&so->vfs->sockets->lock);
		atomic_init(&conn.passcred, atomic_load(&so->passcred));
	} else {
		atomic_init(&conn.rcv_ns, atomic_load(&so->rcv_ns));
		atomic_init(&conn.snd_ns, atomic_load(&so->snd_ns));
	}
	error = sock_wrap(so->vfs, fd, flags, conn, out);
	if (error != 0)
		return (error);
	if (atomic_load(&conn.passcred))
		sock_want_cred(file_socket(*out), true);
	*peer = from;
	return (0);
}

/* ---- sending ---- */

/* Control records of a UNIX message: one carrier. */
struct carrier_record {
	struct sock_cmsg head;
	int32_t fd;
	int32_t pad;
};

/* Does the message need a parcel, for files or for the ids of its sender? */
static bool
needs_parcel(const struct socket *so, const struct sock_msg *m,
    const struct sock_dest *dest)
{
	if (so->inherited)
		return (false);
	return (m->has_cred || m->nfiles > 0 || atomic_load(&so->passcred) ||
		sock_wants_cred(so->vfs, dest));
}

/* Send what is left of the uio, or some of it: *done bytes. */
static int
send_some(struct file *f, struct sock_msg *m, const struct host_sockaddr *to,
    int flags, uint64_t deadline, const struct vfs_waiter *waiter, size_t *done)
{
	struct host_msg hm = {.iov = m->uio->iov,
	    .niov = m->uio->niov,
	    .control = m->control,
	    .controllen = m->controllen};
	struct vfs_retry w = {.events = LX_POLLOUT, .deadline = deadline};
	int error;

	for (;;) {
		error =
		    host_sendmsg(f->hostfd, to, &hm, flags & SEND_FLAGS, done);
		if (error != EAGAIN || would_block(f, flags))
			return (error);
		error = io_wait(f, &w, waiter);
		if (error != 0)
			return (error);
	}
}

/* Send all of the uio: the first piece with the control records. */
static int
send_all(struct file *f, struct sock_msg *m, const struct host_sockaddr *to,
    int flags, const struct vfs_waiter *waiter)
{
	struct socket *so = file_socket(f);
	uint64_t deadline = deadline_of(&so->snd_ns);
	size_t n;
	int error;

	do {
		error = send_some(f, m, to, flags, deadline, waiter, &n);
		if (error != 0)
			break;
		uio_advance(m->uio, n < m->uio->resid ? n : m->uio->resid);
		m->done += n;
		m->control = NULL;
		m->controllen = 0;
	} while (!sock_is_record(so) && n != 0 && m->uio->resid != 0);
	return (m->done != 0 ? 0 : error);
}

static int
send_unix(struct file *f, struct sock_msg *m, int flags,
    const struct vfs_waiter *waiter)
{
	struct carrier_record rec = {.head = {.len = sizeof(rec.head) + 4,
					 .level = LX_SOL_SOCKET,
					 .type = LX_SCM_RIGHTS}};
	struct socket *so = file_socket(f);
	struct host_sockaddr host, name;
	struct sock_cred cred, unused;
	struct sock_dest dest;
	struct sock_parcel *p = NULL;
	const struct host_sockaddr *to = NULL;
	int error;

	/* Linux ignores the address of a SOCK_SEQPACKET message. */
	if (so->type == LX_SOCK_SEQPACKET)
		m->addr.len = 0;
	if (m->addr.len != 0) {
		if (so->type != LX_SOCK_DGRAM)
			return (so->has_peer ? EISCONN : EOPNOTSUPP);
		error =
		    unix_resolve(so, &m->addr, m->ctx, &host, &name, &unused);
		if (error != 0)
			return (error);
		to = &host;
	}
	m->control = NULL;
	m->controllen = 0;
	dest = sock_dest_of(so, to);
	if (needs_parcel(so, m, &dest)) {
		cred = m->has_cred ? m->cred : sock_self(waiter);
		error = parcel_make(
		    so->vfs, &dest, m->files, m->nfiles, &cred, &p, &rec.fd);
		/* Without a parcel the ids of the sender are lost, not the
		 * data. */
		if (error != 0 && (m->nfiles > 0 || m->has_cred))
			return (error);
	}
	if (p != NULL) {
		m->control = &rec;
		m->controllen = sizeof(rec);
	}
	error = send_all(f, m, to, flags, waiter);
	m->control = NULL;
	if (p != NULL) {
		/* A stream sends no control records without bytes. */
		if (error != 0 || (m->done == 0 && !sock_is_record(so)))
			parcel_unmake(so->vfs, p);
		(void)host_close(rec.fd);
	}
	return (error);
}

int
sock_send(struct file *f, struct sock_msg *m, int flags,
    const struct vfs_waiter *waiter)
{
	struct socket *so = file_socket(f);

	m->done = 0;
	if (so->inherited && m->addr.len != 0)
		return (EACCES);
	if (is_unix(so))
		return (send_unix(f, m, flags, waiter));
	return (
	    send_all(f, m, m->addr.len != 0 ? &m->addr : NULL, flags, waiter));
}

/* ---- receiving ---- */

/* Room for the control records that the host adds to a UNIX message. */
struct host_records {
	struct carrier_record rights;
	struct {
		struct sock_cmsg head;
		struct host_ucred cred;
	} who;
	uint8_t spare[32];
};

/* Find the carrier and the sending process in the host's records, or -1. */
static void
records_parse(const void *rec, size_t len, int *carrier, int *pid)
{
	const uint8_t *at = rec;
	struct sock_cmsg h;
	int fd;

	*carrier = -1;
	*pid = -1;
	while (len >= sizeof(h)) {
		memcpy(&h, at, sizeof(h));
		if (h.len < sizeof(h) || h.len > len)
			break;
		if (h.level == LX_SOL_SOCKET && h.type == LX_SCM_RIGHTS)
			for (size_t o = sizeof(h); o + 4 <= h.len; o += 4) {
				memcpy(&fd, at + o, 4);
				if (*carrier >= 0)
					(void)host_close(*carrier);
				*carrier = fd;
			}
		else if (h.level == LX_SOL_SOCKET &&
			 h.type == LX_SCM_CREDENTIALS && h.len >= sizeof(h) + 4)
			memcpy(pid, at + sizeof(h), 4);
		if (SOCK_CMSG_ALIGN(h.len) >= len)
			break;
		len -= SOCK_CMSG_ALIGN(h.len);
		at += SOCK_CMSG_ALIGN(h.len);
	}
}

/* Remove a datagram of a stranger from the queue. */
static void
drop_message(struct file *f)
{
	struct host_msg hm = {0};
	size_t n;

	(void)host_recvmsg(f->hostfd, NULL, &hm, 0, &n);
}

static void
sender_of(struct socket *so, struct sock_msg *m)
{
	m->has_cred = true;
	kmutex_lock(&so->vfs->sockets->lock);
	m->cred =
	    so->has_peer ? so->peercred : (struct sock_cred){0, 65534, 65534};
	kmutex_unlock(&so->vfs->sockets->lock);
}

/* What the host delivered, as the guest sees it. */
static int
received_unix(struct socket *so, struct sock_msg *m, int carrier, bool peek,
    const struct host_sockaddr *from)
{
	struct sock_cred who;
	uint64_t id;
	int error;

	sender_of(so, m);
	m->addr.len = 0;
	if (so->type == LX_SOCK_DGRAM && !so->inherited &&
	    unix_host_parse(so->vfs, from, &id, &who))
		unix_name_of(so->vfs, id, &m->addr);
	if (m->addr.len == sizeof(m->addr.family))
		m->addr.len = 0; /* an unnamed sender */
	if (carrier < 0)
		return (0);
	error = parcel_open(so->vfs, carrier, peek, m);
	if (error != 0) /* the bytes have arrived, the files have not */
		m->flags |= LX_MSG_CTRUNC;
	return (0);
}

/* EAGAIN: there is no message, or (*again) a stranger's was dropped. */
static int
recv_unix(struct file *f, struct sock_msg *m, int flags, bool *again)
{
	struct socket *so = file_socket(f);
	struct host_records rec;
	struct host_msg hm = {.iov = m->uio->iov,
	    .niov = m->uio->niov,
	    .control = &rec,
	    .controlroom = so->inherited ? 0 : sizeof(rec)};
	struct host_sockaddr from = {0};
	bool peek = (flags & LX_MSG_PEEK) != 0;
	int error, carrier, pid;

	*again = false;
	error = host_recvmsg(f->hostfd, &from, &hm, flags, &m->done);
	if (error != 0)
		return (error);
	records_parse(&rec, hm.controllen, &carrier, &pid);
	/* No sender: this is no message but the end after a shutdown. */
	if (so->type == LX_SOCK_DGRAM && atomic_load(&so->reachable) &&
	    pid >= 0 && pid != host_getpid()) {
		if (carrier >= 0)
			(void)host_close(carrier);
		if (peek)
			drop_message(f);
		*again = true;
		return (EAGAIN);
	}
	m->flags = hm.flags;
	return (received_unix(so, m, carrier, peek, &from));
}

static int
recv_inet(struct file *f, struct sock_msg *m, int flags)
{
	struct host_msg hm = {.iov = m->uio->iov,
	    .niov = m->uio->niov,
	    .control = m->control,
	    .controlroom = m->controlroom};
	int error;

	error = host_recvmsg(f->hostfd, &m->addr, &hm, flags, &m->done);
	if (error == 0) {
		m->flags = hm.flags;
		m->controllen = hm.controllen;
	}
	return (error);
}

int
sock_recv(struct file *f, struct sock_msg *m, int flags,
    const struct vfs_waiter *waiter)
{
	struct socket *so = file_socket(f);
	struct vfs_retry w = {
	    .events = LX_POLLIN, .deadline = deadline_of(&so->rcv_ns)};
	unsigned strangers = 0;
	bool again, wait = !would_block(f, flags) &&
			   (flags & (LX_MSG_ERRQUEUE | LX_MSG_OOB)) == 0;
	int error, hflags = flags & RECV_FLAGS;

	m->files = NULL;
	m->nfiles = 0;
	for (;;) {
		again = false;
		error = is_unix(so) ? recv_unix(f, m, hflags, &again)
				    : recv_inet(f, m, hflags);
		if (error == 0) {
			uio_advance(m->uio,
			    m->done < m->uio->resid ? m->done : m->uio->resid);
			return (0);
		}
		if (error != EAGAIN || (!wait && !again))
			return (error);
		if (again) {
			error = stranger_pause(++strangers, wait, waiter);
			if (error != 0)
				return (error);
			continue;
		}
		/* After a shutdown a read that would wait is at the end. */
		if (sock_is_record(so) &&
		    (hostfd_ready(f->hostfd, LX_POLLRDHUP) & LX_POLLRDHUP) !=
			0) {
			m->done = 0;
			return (0);
		}
		error = io_wait(f, &w, waiter);
		if (error != 0)
			return (error);
	}
}

/* ---- as a file ---- */

/* read and write: a message without flags; files in it are closed. */
static int
socket_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	struct sock_msg m = {.uio = uio};
	int error;

	if (uio->write)
		return (sock_send(f, &m, 0, waiter));
	error = sock_recv(f, &m, 0, waiter);
	for (int i = 0; i < m.nfiles; i++)
		file_free(m.files[i]);
	free(m.files);
	return (error);
}

static bool
socket_timed(const struct file *f, bool write)
{
	struct socket *so = f->data;

	return (atomic_load(write ? &so->snd_ns : &so->rcv_ns) != 0);
}

static int
socket_getattr(struct file *f, struct vattr *va)
{
	struct host_stat st;
	int error = host_fstat(f->hostfd, &st);

	if (error != 0)
		return (error);
	*va = (struct vattr){.type = VSOCK,
	    .mode = LX_S_IFSOCK | 0777,
	    .nlink = 1,
	    .dev = st.dev,
	    .ino = st.ino,
	    .blksize = st.blksize};
	return (0);
}

static void
socket_describe(struct file *f, char *buf, size_t size)
{
	(void)snprintf(buf, size, "socket:[%llu]", (unsigned long long)f->ino);
}

#define SOCKET_FILEOPS(more)                                    \
	{                                                       \
		.caps = FCAP_HOSTFD | (more), .rw = socket_rw,  \
		.timed = socket_timed, .ioctl = hostfd_ioctl,   \
		.poll = hostfd_poll, .getattr = socket_getattr, \
		.setfl = hostfd_setfl, .close = socket_close,   \
		.describe = socket_describe, .name = "socket",  \
	}

/* By [inherited][keeps message boundaries]. */
static const struct fileops socket_fileops[2][2] = {
    {SOCKET_FILEOPS(FCAP_OWNED | FCAP_STREAM),
	SOCKET_FILEOPS(FCAP_OWNED | FCAP_STREAM | FCAP_RECORD)},
    {SOCKET_FILEOPS(FCAP_STREAM), SOCKET_FILEOPS(FCAP_STREAM | FCAP_RECORD)},
};

static const struct fileops *
socket_ops(const struct socket *so)
{
	return (&socket_fileops[so->inherited][sock_is_record(so)]);
}
