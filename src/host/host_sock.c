/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sockets of the host: one wrapper per system call.  Addresses and control
 * records are passed on as bytes; the layers above check them.
 */
#include "host/host_sock.h"

#include "abi/socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(LX_MSG_DONTWAIT == MSG_DONTWAIT &&
		   LX_MSG_NOSIGNAL == MSG_NOSIGNAL &&
		   LX_MSG_CTRUNC == MSG_CTRUNC && LX_MSG_TRUNC == MSG_TRUNC &&
		   LX_MSG_CMSG_CLOEXEC == MSG_CMSG_CLOEXEC,
    "message flags");
_Static_assert(LX_SO_PEERCRED == SO_PEERCRED && LX_SO_PASSCRED == SO_PASSCRED &&
		   LX_SCM_RIGHTS == SCM_RIGHTS &&
		   LX_SCM_CREDENTIALS == SCM_CREDENTIALS,
    "options");
_Static_assert(sizeof(struct host_ucred) == sizeof(struct ucred), "ucred");
_Static_assert(
    sizeof(((struct host_sockaddr *)0)->raw) == sizeof(struct sockaddr_storage),
    "addresses");

static int
give(long r)
{
	return (r < 0 ? errno : 0);
}

int
host_socket(int domain, int type, int protocol, int *fd)
{
	int r = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (r < 0)
		return (errno);
	*fd = r;
	return (0);
}

int
host_socketpair(int type, int fds[2])
{
	type |= SOCK_CLOEXEC | SOCK_NONBLOCK;
	return (give(socketpair(AF_UNIX, type, 0, fds)));
}

int
host_bind(int fd, const struct host_sockaddr *sa)
{
	return (give(bind(fd, (const struct sockaddr *)sa->raw, sa->len)));
}

int
host_listen(int fd, int backlog)
{
	return (give(listen(fd, backlog)));
}

int
host_connect(int fd, const struct host_sockaddr *sa)
{
	return (give(connect(fd, (const struct sockaddr *)sa->raw, sa->len)));
}

/* The host may return a length larger than the buffer. */
static uint32_t
addr_len(socklen_t len)
{
	const size_t room = sizeof(((struct host_sockaddr *)0)->raw);

	return (len > room ? (uint32_t)room : len);
}

int
host_accept(int fd, struct host_sockaddr *peer, int *conn)
{
	socklen_t len = sizeof(peer->raw);
	int r;

	do {
		r = accept4(fd, (struct sockaddr *)peer->raw, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return (errno);
	peer->len = addr_len(len);
	*conn = r;
	return (0);
}

int
host_getsockname(int fd, struct host_sockaddr *sa)
{
	socklen_t len = sizeof(sa->raw);

	if (getsockname(fd, (struct sockaddr *)sa->raw, &len) != 0)
		return (errno);
	sa->len = addr_len(len);
	return (0);
}

int
host_getpeername(int fd, struct host_sockaddr *sa)
{
	socklen_t len = sizeof(sa->raw);

	if (getpeername(fd, (struct sockaddr *)sa->raw, &len) != 0)
		return (errno);
	sa->len = addr_len(len);
	return (0);
}

int
host_shutdown(int fd, int how)
{
	return (give(shutdown(fd, how)));
}

int
host_getsockopt(int fd, int level, int option, void *value, uint32_t *len)
{
	socklen_t n = *len;

	if (getsockopt(fd, level, option, value, &n) != 0)
		return (errno);
	*len = n;
	return (0);
}

int
host_setsockopt(int fd, int level, int option, const void *value, uint32_t len)
{
	return (give(setsockopt(fd, level, option, value, len)));
}

int
host_sockopt_int(int fd, int option, int *value)
{
	uint32_t len = sizeof(*value);

	return (host_getsockopt(fd, SOL_SOCKET, option, value, &len));
}

/* The header for either direction.  A send does not write to the buffers, so
 * that const can be cast away. */
static struct msghdr
header(const struct host_msg *m)
{
	struct msghdr h = {0};

	h.msg_iov = (struct iovec *)(uintptr_t)m->iov;
	h.msg_iovlen = (size_t)m->niov;
	h.msg_control = m->control;
	return (h);
}

int
host_sendmsg(int fd, const struct host_sockaddr *to, const struct host_msg *m,
    int flags, size_t *done)
{
	struct msghdr h = header(m);
	ssize_t r;

	if (to != NULL && to->len != 0) {
		h.msg_name = (void *)(uintptr_t)to->raw;
		h.msg_namelen = to->len;
	}
	h.msg_controllen = m->controllen;
	do {
		r = sendmsg(fd, &h, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return (errno);
	*done = (size_t)r;
	return (0);
}

int
host_recvmsg(int fd, struct host_sockaddr *from, struct host_msg *m, int flags,
    size_t *done)
{
	struct msghdr h = header(m);
	ssize_t r;

	if (from != NULL) {
		h.msg_name = from->raw;
		h.msg_namelen = sizeof(from->raw);
	}
	h.msg_controllen = m->controlroom;
	do {
		r = recvmsg(fd, &h, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return (errno);
	if (from != NULL)
		from->len = addr_len(h.msg_namelen);
	m->flags = h.msg_flags;
	m->controllen = h.msg_controllen;
	*done = (size_t)r;
	return (0);
}
