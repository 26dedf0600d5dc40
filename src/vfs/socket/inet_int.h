/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Shared by the files of our own Internet sockets: addresses, the table of
 * ports, and what the calls of socket.h do with such a socket.
 */
#ifndef VFS_SOCKET_INET_INT_H
#define VFS_SOCKET_INET_INT_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfs/socket/socket_int.h"

/* An address of either family: one of IPv4 is mapped (::ffff:127.0.0.1). */
struct inet_addr {
	uint8_t ip[16];
	uint16_t port; /* in the order of the host */
};

#define INET_OPTS 48 /* at least as many as inet_opt.c has in its table */

/* Key: [I] immutable, [s] lock of the table, [a] atomic */
struct inet_sock {
	struct socket *so; /* [I] once the socket is made */
	int inlet; /* [I] where its messages are written; -1: a stream */
	struct kmem_acct *inlet_cost;      /* [I] of the inlet */
	LIST_ENTRY(inet_sock) port_link;   /* [s] while has_port */
	LIST_ENTRY(inet_sock) listen_link; /* [s] while listening */
	struct inet_addr local, peer;      /* [s] peer: while connected */
	bool has_port;                     /* [s] in the table */
	bool fixed_ip, fixed_port; /* [s] chosen by bind, not by connect */
	_Atomic(bool) connected;   /* [a] written under [s] */
	bool connecting;   /* [s] connect() has not told of its outcome */
	bool listening;    /* [s] */
	uint64_t id;       /* [s] of its connection, as client; 0: none */
	uint64_t listener; /* [s] number of the socket that has it in its
			      backlog; 0: accepted */
	struct inet_list orphans;          /* [s] of a listener */
	LIST_ENTRY(inet_sock) orphan_link; /* [s] */
	struct kmem_acct *cost;            /* [s] of an orphan: charged.. */
	size_t bytes;                      /* [s] ..for its buffer */
	bool reuse, reuseport;             /* [s] SO_REUSEADDR, SO_REUSEPORT */
	bool v6only;                       /* [s] */
	uint32_t pid;          /* [s] number of a routing socket; 0: none yet */
	_Atomic(bool) no_send; /* [a] datagrams: shut down for sending */
	_Atomic(int) error;    /* [a] for SO_ERROR and the next call */
	_Atomic(int) opt[INET_OPTS]; /* [a] see inet_opt.c */
};

/* In front of each datagram in an inlet. */
struct inet_head {
	struct inet_addr from, to;
	uint32_t kind; /* INET_DATA; INET_WAKE: no datagram, look at `error` */
};
#define INET_DATA 0x64617461u
#define INET_WAKE 0x77616b65u

static inline bool
inet_is_v6(const struct inet_sock *is)
{
	return (is->so->domain == LX_AF_INET6);
}

/* ---- addresses: inet_addr.c ---- */

bool inet_is_mapped(const struct inet_addr *); /* of IPv4 */
bool inet_is_any(const struct inet_addr *);    /* a wildcard of either */
/* Is it an address of the loopback interface? */
bool inet_is_loopback(const struct inet_addr *);
/* The wildcard of a family, port 0. */
struct inet_addr inet_any(int domain);
/* The source of what goes to `to` from a socket that has chosen none; the two
 * may be the same structure. */
void inet_source(struct inet_addr *from, const struct inet_addr *to);
/* The address that the guest gave for a socket of this domain.  EINVAL,
 * EAFNOSUPPORT. */
int inet_parse(const struct host_sockaddr *, int domain, struct inet_addr *);
/* As the guest of a socket of this domain sees it. */
void inet_format(const struct inet_addr *, int domain, struct host_sockaddr *);

/* ---- ports: inet_port.c.  The lock of the table is held. ---- */

/*
 * Give the socket the address, and put it into the table; port 0: a free one.
 * EADDRINUSE.
 */
int inet_port_take(struct inet_sock *, const struct inet_addr *);
/* Put a socket with this address into the table in any case: it was accepted.
 */
void inet_port_share(struct inet_sock *, const struct inet_addr *);
void inet_port_leave(struct inet_sock *);
/* Find it as a listener from now on, or no longer.  EADDRINUSE: another socket
 * listens. */
int inet_listen_begin(struct inet_sock *);
void inet_listen_end(struct inet_sock *);
/* The stream with this port and number; the client of a connection; the socket
 * that a connection or datagram goes to.  NULL: there is none. */
struct inet_sock *inet_find_number(
    struct sock_table *, uint16_t port, uint64_t number);
struct inet_sock *inet_find_client(
    struct sock_table *, uint16_t port, uint64_t id);
struct inet_sock *inet_find_listener(struct sock_table *,
    const struct inet_addr *from, const struct inet_addr *to);
struct inet_sock *inet_find_dgram(struct sock_table *,
    const struct inet_addr *from, const struct inet_addr *to);

/* ---- calls of socket.h ---- */

/* inet_stream.c, inet_dgram.c, inet_route.c */
extern const struct sock_ops inet_stream_ops, inet_dgram_ops, inet_route_ops;

/* inet.c: for struct sock_ops. */
void inet_free(struct inet_sock *);
bool inet_close(struct file *);
int inet_bind(
    struct file *, const struct host_sockaddr *, const struct vfs_ctx *);
int inet_name(struct socket *, struct host_sockaddr *);
int inet_peername(struct socket *, struct host_sockaddr *);
/* Free the structure of a client that was closed before it was accepted, and
 * end its charge; NULL. */
void inet_orphan_free(struct inet_sock *);
/* The wildcard and a free port, if it has no port yet; `to`: an address, too,
 * from which that one is reached.  Lock held.  EADDRINUSE. */
int inet_autobind(struct inet_sock *, const struct inet_addr *to);
/* Take back what connect() has chosen.  Lock held. */
void inet_unconnect(struct inet_sock *);

/* inet_opt.c */
void inet_opt_init(struct inet_sock *);
bool inet_opt_on(struct inet_sock *, int level, int option);

#endif /* VFS_SOCKET_INET_INT_H */
