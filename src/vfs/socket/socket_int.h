/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Shared by the files of this folder: the table of sockets of one vfs, names of
 * UNIX sockets, and parcels.
 */
#ifndef VFS_SOCKET_SOCKET_INT_H
#define VFS_SOCKET_SOCKET_INT_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/socket.h"
#include "host/host_sock.h"
#include "libk/klock.h"
#include "vfs/core/file.h"
#include "vfs/socket/socket.h"

struct kmem_acct;
struct vfs_retry;
struct vfs_waiter;
struct vm_zone;

#define SOCK_CONNS 64
#define INET_PORTS 256

LIST_HEAD(inet_list, inet_sock);

/* Key: [I] immutable, [s] lock, [a] atomic */
struct sock_table {
	struct vm_zone *zone;             /* [I] of struct socket */
	struct kmutex lock;               /* rank FILE */
	uint64_t key;                     /* [I] marks our names at the host */
	LIST_HEAD(, socket) socks;        /* [s] those with a name */
	LIST_HEAD(, socket) all;          /* [s] */
	LIST_HEAD(, sock_parcel) parcels; /* [s] under way */
	_Atomic(unsigned) nparcels;       /* [a] */
	bool collecting, collect_again;   /* [s] */
	_Atomic(uint64_t) last_id;        /* [a] last id given to a socket */
	_Atomic(uint64_t) last_number;    /* [a] of a socket */
	unsigned nflights;                /* [s] sockets in parcels */
	uint64_t gc_round;                /* [s] of sock_gc.c */
	LIST_HEAD(, socket) conns[SOCK_CONNS]; /* [s] accepted, by client */
	LIST_HEAD(, socket) wanting;           /* [s] those with SO_PASSCRED */
	_Atomic(unsigned) nwanting;            /* [a] written under [s] */
	/* [s] our own Internet sockets by port, see inet_port.c */
	struct inet_list ports[2][INET_PORTS]; /* streams, datagrams */
	struct inet_list listeners[INET_PORTS];
};

/* The table of a new vfs.  0, ENOMEM. */
int sock_table_create(struct vfs *);
/* Free the parcels and the table.  No process is left. */
void sock_table_destroy(struct vfs *);

/* socket.c: a file for `hostfd`, which passes to it in any case, as does
 * init.inet.  init: what the socket begins with. */
int sock_wrap(struct vfs *, int hostfd, int flags, struct socket init,
    const struct vfs_waiter *, struct file **);

static inline bool
sock_is_unix(const struct socket *so)
{
	return (so->domain == LX_AF_UNIX);
}

/* sock_msg.c */
/* The call must not wait: MSG_DONTWAIT or O_NONBLOCK. */
bool sock_would_block(const struct file *, int flags);
/* When a call ends that begins now, for SO_RCVTIMEO or SO_SNDTIMEO. */
uint64_t sock_deadline(_Atomic(uint64_t) *timeo);
/* Wait for I/O; a timeout of the socket is reported as EAGAIN. */
int sock_io_wait(struct file *, struct vfs_retry *, const struct vfs_waiter *);
/* Strangers may connect or send without end: at every 16th check for signals,
 * or report EAGAIN when the caller must not wait. */
int sock_stranger_pause(unsigned n, bool wait, const struct vfs_waiter *);

/* sock_connect.c: is the other end of a socket of the host in this process? */
bool sock_peer_is_us(int hostfd);

/*
 * What sockets of our own Internet do with the calls of socket.h (inet.c).
 * NULL: EOPNOTSUPP.
 */
struct sock_ops {
	int (*bind)(struct file *, const struct host_sockaddr *,
	    const struct vfs_ctx *);
	int (*listen)(struct file *);
	int (*connect)(struct file *, const struct host_sockaddr *,
	    const struct vfs_ctx *);
	/* The host has accepted a connection from `from`: what the new socket
	 * has.  ECONNABORTED: not from a socket of this kernel; ENOMEM. */
	int (*accepted)(struct socket *listener,
	    const struct host_sockaddr *from, struct inet_sock **);
	/* The socket of that connection is made: its peer. */
	void (*accept_done)(struct socket *, struct host_sockaddr *peer);
	int (*name)(struct socket *, struct host_sockaddr *);
	int (*peername)(struct socket *, struct host_sockaddr *);
	int (*shutdown)(struct file *, int how);
	/* Send a message, and never wait.  Of a stream: may it be sent? */
	int (*send)(struct file *, struct sock_msg *, int flags);
	/* Receive one.  EAGAIN: there is none, or (*again) it was a wake-up.
	 * Of a stream: may it be received? */
	int (*recv)(struct file *, struct sock_msg *, int flags, bool *again);
	/* Bytes of the first message.  NULL: the host knows. */
	int (*bytes)(struct file *, int *n);
	/* The file is closed, before its descriptor.  True: the structure is
	 * freed later, else by free(). */
	bool (*close)(struct file *);
	void (*free)(struct inet_sock *);
};

/* sock_unix.c */
int unix_bind(struct file *, struct socket *, const struct host_sockaddr *,
    const struct vfs_ctx *);
/* The socket that the guest calls `to`: its name at the host, its name for
 * guests and the ids of its owner.  ECONNREFUSED, EPROTOTYPE, errors of lookup.
 */
int unix_resolve(struct socket *, const struct host_sockaddr *to,
    const struct vfs_ctx *, struct host_sockaddr *host,
    struct host_sockaddr *name, struct sock_cred *);
/* Bind it to a name at the host that contains the ids of the caller. */
int unix_host_bind(struct file *, struct socket *, const struct vfs_ctx *);
/* A datagram socket of a pair leaves the pair.  Until then it receives only
 * from its peer, even if other sockets know its name. */
int unix_unpair(struct file *, struct socket *);
/* The id of a socket and the ids of its owner, from its name at the host.
 * False: this kernel did not make the name. */
bool unix_host_parse(const struct vfs *, const struct host_sockaddr *,
    uint64_t *id, struct sock_cred *);
/* The guest's name for socket `id`; unnamed if it is closed or has none. */
void unix_name_of(struct vfs *, uint64_t id, struct host_sockaddr *);
/* Remove the name of a socket that is being closed. */
void unix_unbind(struct socket *);

/* sock_buffer.c: the buffers of a new socket, and their charge.  ENOBUFS. */
int sock_first_buffer(struct file *);

/* sock_rights.c */

/* Immutable once its carrier is under way; [s] lock of the table. */
struct sock_parcel {
	LIST_ENTRY(sock_parcel) link; /* [s] */
	int fd;                       /* writing end of the carrier */
	struct kmem_acct *fd_cost;    /* of the sender */
	uint64_t dev, ino;
	struct sock_dest to;
	bool reached;               /* [s] this and the rest: see sock_gc.c */
	uint64_t target;            /* [s] */
	LIST_ENTRY(sock_parcel) gc; /* [s] */
	struct sock_cred cred;
	int nfiles;
	struct file *files[];
};
LIST_HEAD(parcel_list, sock_parcel);

/* Make a parcel: files and a sender for one message.  The caller sends *carrier
 * with the message and closes it then.  ETOOMANYREFS, EMFILE, ENFILE, ENOMEM.
 */
int parcel_make(struct vfs *, const struct sock_dest *, struct file **files,
    int nfiles, const struct sock_cred *, struct sock_parcel **, int *carrier);
/* Take a parcel off the list.  Lock held. */
void parcel_delist(struct vfs *, struct sock_parcel *);
/* SO_PASSCRED of a socket has changed, or it is closed (false). */
void sock_want_cred(struct socket *, bool on);
/* Has the socket that a message goes to SO_PASSCRED, or may it have it when it
 * receives the message? */
bool sock_wants_cred(struct vfs *, const struct sock_dest *);
/* Free a parcel that was not sent. */
void parcel_unmake(struct vfs *, struct sock_parcel *);
/* Deliver the parcel of a received carrier into the message; with peek the
 * parcel stays.  The carrier is closed.  ENOMEM, EBADMSG (this kernel did not
 * make the carrier). */
int parcel_open(struct vfs *, int carrier, bool peek, struct sock_msg *);
/* Free the parcels that can no longer be received. */
void parcel_collect(struct vfs *);

/* sock_gc.c */
/* Where messages go that are sent to the host's address `to`, or over a
 * connection to it; NULL: to the peer that the socket has. */
struct sock_dest sock_dest_of(struct socket *, const struct host_sockaddr *to);
/* Move the parcels to `dead` that lie in sockets which only parcels
 * hold.  Lock held. */
void parcel_find_lost(struct vfs *, struct parcel_list *dead);

#endif /* VFS_SOCKET_SOCKET_INT_H */
