/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Buffers of sockets.
 *
 * Purpose: data that guests leave in sockets is memory of the host, which a
 * guest must not fill.
 *
 * Concepts.  A socket is charged what its buffers may hold.  What a UNIX socket
 * has sent counts in its own send buffer until it is received, so its receive
 * buffer is not charged.  A socket has the host's usual size as long as its
 * process holds little (kmem_plenty()), and BUFFER_SMALL afterwards; a guest
 * may ask for up to SOCK_BUFFER_MAX, as on Linux.
 *
 * What lies in a datagram socket of our own Internet (inet.c) was sent through
 * its inlet, whose send buffer is its receive buffer.
 *
 * Limits.  Internet sockets (--net host) are charged for the buffers that they
 * have at first or that the guest sets; the host lets those of TCP grow.
 */
#include "vfs/socket/socket_int.h"

#include <errno.h>

#include "abi/socket.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/socket/inet_int.h"

#define BUFFER_SMALL 16384 /* as set; the host doubles it */

/* What the host has made of the size. */
static int
buffer_now(int fd, int option, size_t *bytes)
{
	int size = 0;
	uint32_t len = sizeof(size);
	int error = host_getsockopt(fd, LX_SOL_SOCKET, option, &size, &len);

	if (error == 0)
		*bytes = size > 0 ? (size_t)size : 0;
	return (error);
}

static int
buffer_set(int fd, int option, int size)
{
	return (
	    host_setsockopt(fd, LX_SOL_SOCKET, option, &size, sizeof(size)));
}

/* The descriptor of the host whose send buffer holds what the socket has sent,
 * or, of datagrams of our own Internet, what it will receive. */
static int
charged_fd(const struct file *f)
{
	const struct inet_sock *is = file_socket(f)->inet;

	return (is != NULL && is->inlet >= 0 ? is->inlet : f->hostfd);
}

/* Bytes that the socket is charged for its buffers as they are. */
static size_t
buffers_now(const struct file *f)
{
	const struct socket *so = file_socket(f);
	size_t snd = BUFFER_SMALL, rcv = BUFFER_SMALL;

	(void)buffer_now(charged_fd(f), LX_SO_SNDBUF, &snd);
	if (so->domain == LX_AF_UNIX || so->inet != NULL)
		return (snd);
	(void)buffer_now(f->hostfd, LX_SO_RCVBUF, &rcv);
	return (snd + rcv);
}

int
sock_first_buffer(struct file *f)
{
	if (!kmem_plenty())
		(void)buffer_set(charged_fd(f), LX_SO_SNDBUF, BUFFER_SMALL);
	return (file_charge_buffer(f, buffers_now(f)));
}

int
sock_set_buffer(struct file *f, int option, int size)
{
	const size_t old = buffers_now(f);
	int error;

	if (size > SOCK_BUFFER_MAX)
		size = SOCK_BUFFER_MAX;
	/* The host makes it twice that, since it counts its own overhead. */
	error = file_charge_buffer(f, old + (size > 0 ? 2 * (size_t)size : 0));
	if (error != 0)
		return (error);
	error = buffer_set(f->hostfd, option, size);
	if (error == 0 && option == LX_SO_RCVBUF && charged_fd(f) != f->hostfd)
		error = buffer_set(charged_fd(f), LX_SO_SNDBUF, size);
	(void)file_charge_buffer(f, buffers_now(f));
	return (error);
}
