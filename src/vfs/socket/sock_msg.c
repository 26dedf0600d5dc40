/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Messages of sockets: sending and receiving.
 *
 * Data is the host's.  A message of a UNIX socket with files or a sender has a
 * carrier, which stands for a parcel (sock_rights.c).  A datagram of a stranger
 * is dropped.  Control records of other families are passed through.
 *
 * Locking: the lock of the table for names and peers, none for I/O.
 *
 * Guarantees: an error is reported only when nothing was transferred.
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
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"

#define SEND_FLAGS                                                     \
	(LX_MSG_OOB | LX_MSG_DONTROUTE | LX_MSG_EOR | LX_MSG_CONFIRM | \
	    LX_MSG_MORE)
#define RECV_FLAGS (LX_MSG_OOB | LX_MSG_PEEK | LX_MSG_TRUNC | LX_MSG_ERRQUEUE)

bool
sock_would_block(const struct file *f, int flags)
{
	return ((flags & LX_MSG_DONTWAIT) != 0 ||
		(atomic_load_explicit(&f->flags, memory_order_relaxed) &
		    O_NONBLOCK) != 0);
}

uint64_t
sock_deadline(_Atomic(uint64_t) *timeo)
{
	uint64_t t = atomic_load_explicit(timeo, memory_order_relaxed);

	return (t == 0 ? UINT64_MAX : host_now_ns() + t);
}

int
sock_io_wait(
    struct file *f, struct vfs_retry *w, const struct vfs_waiter *waiter)
{
	int error = vfs_wait_retry(waiter, f->hostfd, w);

	return (error == ETIMEDOUT ? EAGAIN : error);
}

int
sock_stranger_pause(unsigned n, bool wait, const struct vfs_waiter *waiter)
{
	int error;

	if (n % 16 != 0)
		return (0);
	if (!wait)
		return (EAGAIN);
	error = vfs_wait(waiter, -1, 0, host_now_ns());
	return (error == ETIMEDOUT ? 0 : error);
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
		if (error == EAGAIN)
			atomic_store(&file_socket(f)->room, true);
		if (error != EAGAIN || sock_would_block(f, flags))
			return (error);
		error = sock_io_wait(f, &w, waiter);
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
	uint64_t deadline = sock_deadline(&so->snd_ns);
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

/* The host has found that the peer of a datagram socket is closed, and has
 * dissolved the connection. */
static void
lost_peer(struct socket *so)
{
	if (so->type != LX_SOCK_DGRAM)
		return;
	kmutex_lock(&so->vfs->sockets->lock);
	so->has_peer = false;
	so->dest = (struct sock_dest){.kind = SOCK_TO_UNKNOWN};
	kmutex_unlock(&so->vfs->sockets->lock);
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
	if (error == ECONNREFUSED && to == NULL)
		lost_peer(so);
	m->control = NULL;
	if (p != NULL) {
		/* A stream sends no control records without bytes. */
		if (error != 0 || (m->done == 0 && !sock_is_record(so)))
			parcel_unmake(so->vfs, p);
		(void)host_close(rec.fd);
	}
	return (error);
}

/* Control records have no meaning for our own Internet. */
static int
send_own_inet(struct file *f, struct sock_msg *m, int flags,
    const struct vfs_waiter *waiter)
{
	struct socket *so = file_socket(f);
	int error;

	m->control = NULL;
	m->controllen = 0;
	error = so->ops->send(f, m, flags);
	if (error != 0 || sock_is_record(so))
		return (error);
	return (send_all(f, m, NULL, flags, waiter));
}

int
sock_send(struct file *f, struct sock_msg *m, int flags,
    const struct vfs_waiter *waiter)
{
	struct socket *so = file_socket(f);

	m->done = 0;
	if (so->inherited && m->addr.len != 0)
		return (EACCES);
	if (sock_is_unix(so))
		return (send_unix(f, m, flags, waiter));
	if (so->ops != NULL)
		return (send_own_inet(f, m, flags, waiter));
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

/* The sender over a connection is the peer, by the name that it had then. */
static void
peer_name(struct socket *so, struct host_sockaddr *out)
{
	kmutex_lock(&so->vfs->sockets->lock);
	if (so->has_peer)
		*out = so->peer;
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
	else if (!so->inherited && m->done != 0)
		peer_name(so, &m->addr);
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

static int
recv_own_inet(struct file *f, struct sock_msg *m, int flags, bool *again)
{
	struct socket *so = file_socket(f);
	int error = so->ops->recv(f, m, flags, again);

	if (error != 0 || sock_is_record(so))
		return (error);
	error = recv_inet(f, m, flags);
	m->addr.len = 0; /* the name at the host */
	m->controllen = 0;
	return (error);
}

static int
recv_once(struct file *f, struct sock_msg *m, int flags, bool *again)
{
	const struct socket *so = file_socket(f);

	if (sock_is_unix(so))
		return (recv_unix(f, m, flags, again));
	return (so->ops != NULL ? recv_own_inet(f, m, flags, again)
				: recv_inet(f, m, flags));
}

int
sock_recv(struct file *f, struct sock_msg *m, int flags,
    const struct vfs_waiter *waiter)
{
	struct socket *so = file_socket(f);
	struct vfs_retry w = {
	    .events = LX_POLLIN, .deadline = sock_deadline(&so->rcv_ns)};
	unsigned strangers = 0;
	bool again, wait = !sock_would_block(f, flags) &&
			   (flags & (LX_MSG_ERRQUEUE | LX_MSG_OOB)) == 0;
	int error, hflags = flags & RECV_FLAGS;

	m->files = NULL;
	m->nfiles = 0;
	for (;;) {
		again = false;
		error = recv_once(f, m, hflags, &again);
		if (error == 0) {
			uio_advance(m->uio,
			    m->done < m->uio->resid ? m->done : m->uio->resid);
			return (0);
		}
		if (error != EAGAIN || (!wait && !again))
			return (error);
		if (again) {
			error = sock_stranger_pause(++strangers, wait, waiter);
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
		error = sock_io_wait(f, &w, waiter);
		if (error != 0)
			return (error);
	}
}
