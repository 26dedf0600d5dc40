/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sockets of the host.  The rules of host_file.h apply.  New sockets are
 * close-on-exec and non-blocking.  No call here waits, also on an inherited
 * descriptor that is blocking; only closing a socket with SO_LINGER waits.
 * The numbers of families, types, options and flags are those of Linux.
 */
#ifndef HOST_HOST_SOCK_H
#define HOST_HOST_SOCK_H

#include <stddef.h>
#include <stdint.h>

#include "host/host_iovec.h"

/* A socket address in the host's format: family first, in host order. */
struct host_sockaddr {
	uint32_t len; /* bytes used of `raw`, 0: none */
	union {
		uint16_t family;
		uint8_t raw[128];
	};
};

struct host_ucred {
	int32_t pid;
	uint32_t uid, gid;
};

struct host_msg {
	const struct host_iovec *iov;
	int niov;
	int flags;          /* of the message received */
	void *control;      /* cmsg records */
	size_t controllen;  /* bytes given; after recvmsg: received */
	size_t controlroom; /* recvmsg: bytes of room */
};

int host_socket(int domain, int type, int protocol, int *fd);
/* AF_UNIX; type: 1 stream, 2 datagram, 5 seqpacket. */
int host_socketpair(int type, int fds[2]);
int host_bind(int fd, const struct host_sockaddr *);
int host_listen(int fd, int backlog);
/* 0; EINPROGRESS, EALREADY and EAGAIN are no failures. */
int host_connect(int fd, const struct host_sockaddr *);
/* EAGAIN: no connection is waiting. */
int host_accept(int fd, struct host_sockaddr *peer, int *conn);
int host_getsockname(int fd, struct host_sockaddr *);
int host_getpeername(int fd, struct host_sockaddr *);
int host_shutdown(int fd, int how);
/* *len: room in bytes, then bytes used. */
int host_getsockopt(int fd, int level, int option, void *value, uint32_t *len);
int host_setsockopt(
    int fd, int level, int option, const void *value, uint32_t len);
/* Read an int option of level SOL_SOCKET. */
int host_sockopt_int(int fd, int option, int *value);
/*
 * Send or receive one message or piece of a stream.  MSG_DONTWAIT,
 * MSG_NOSIGNAL and MSG_CMSG_CLOEXEC are added to the flags.  `to` may be NULL;
 * from->len is 0 where there is no address.
 */
int host_sendmsg(int fd, const struct host_sockaddr *to,
    const struct host_msg *, int flags, size_t *done);
int host_recvmsg(int fd, struct host_sockaddr *from, struct host_msg *,
    int flags, size_t *done);

#endif /* HOST_HOST_SOCK_H */
