/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sockets as the guest's files.  See socket.c for the ideas, sock_unix.c for
 * names, sock_rights.c for what travels with messages, inet.c for Internet
 * sockets without a network of the host.
 *
 * Addresses are struct host_sockaddr with the bytes that the guest uses; len
 * is 2 (a family alone) for an unnamed UNIX socket.
 */
#ifndef VFS_SOCKET_SOCKET_H
#define VFS_SOCKET_SOCKET_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host_sock.h"
#include "vfs/core/file.h"

/* The ids of a process, as SO_PEERCRED and SCM_CREDENTIALS have them. */
struct sock_cred {
	int32_t pid;
	uint32_t uid, gid;
};

/* Where a message goes, see sock_gc.c. */
struct sock_dest {
	enum { SOCK_TO_UNKNOWN, SOCK_TO_MATE, SOCK_TO_ID, SOCK_TO_CONN } kind;
	uint64_t id;       /* or number */
	uint64_t listener; /* SOCK_TO_CONN: id of the listener */
};

#define SOCK_RIGHTS_MAX 253 /* files in one message */

/* Key: [I] immutable, [s] lock of the table, [a] atomic */
struct socket {
	struct vfs *vfs;            /* [I] */
	struct file *file;          /* [I] its file, without a ref */
	const struct sock_ops *ops; /* [I] of our own Internet, or NULL.. */
	struct inet_sock *inet;     /* [I] ..and what it has beside this,
				       until it is closed */
	int domain, type;           /* [I] */
	bool inherited;             /* [I] shared with the world outside */
	bool binding;               /* [s] a bind is under way */
	bool bound;                 /* [s] has a name for the guest */
	_Atomic(bool) passcred;     /* [a] SO_PASSCRED */
	_Atomic(bool) room;         /* [a] its owner waits for room, or for the
				       end of a connect */
	uint64_t id;                /* [s] 0: the host knows no name */
	struct vnode *vp;           /* [s] own ref: bound to a path */
	struct host_sockaddr name;  /* [s] AF_UNIX: bound to */
	struct host_sockaddr peer;  /* [s] AF_UNIX: connected to */
	struct host_sockaddr host;  /* [s] AF_UNIX: name at the host */
	struct sock_cred cred; /* [s] of the process that bound or listened */
	struct sock_cred peercred; /* [s] */
	uint64_t peer_ns;          /* [s] when peercred was the process's */
	_Atomic(bool) has_peer;    /* [a] AF_UNIX: it has been connected */
	bool paired; /* [s] still connected to the other one of a pair */
	_Atomic(bool)
	    reachable; /* [a] AF_UNIX: by other processes of the host, too */
	_Atomic(uint64_t) rcv_ns; /* [a] SO_RCVTIMEO; 0: for ever */
	_Atomic(uint64_t) snd_ns; /* [a] SO_SNDTIMEO */
	uint64_t number;          /* [I] counts all sockets of the vfs */
	struct sock_dest dest;    /* [s] where its messages go */
	uint64_t client;          /* [I] accepted: id of its client, or 0 */
	LIST_ENTRY(socket) conn;  /* [s] on conns if client is not 0 */
	bool wants;               /* [s] on wanting: SO_PASSCRED */
	LIST_ENTRY(socket) want;  /* [s] */
	unsigned flights;         /* [s] this and the rest: see sock_gc.c */
	bool reached;             /* [s] */
	uint64_t gc_round;        /* [s] */
	LIST_ENTRY(socket) gc;    /* [s] */
	LIST_ENTRY(socket) gc_id; /* [s] */
	LIST_ENTRY(socket) link;  /* [s] on socks while bound */
	LIST_ENTRY(socket) all;   /* [s] on all */
	uint64_t ino;             /* [I] of its file */
	_Atomic(bool) listens;    /* [a] */
	_Atomic(uint32_t) mode, uid,
	    gid; /* [a] of the file: its maker's, or set by its owner */
};

/* A message to send, or one received. */
struct sock_msg {
	struct uio *uio;
	size_t done; /* bytes; of the whole message with MSG_TRUNC */
	int flags;   /* MSG_* that came with it */
	struct host_sockaddr addr; /* to (len 0: the peer), or from */
	const struct vfs_ctx *ctx; /* sent to an address of AF_UNIX */
	/* AF_UNIX.  Sent: borrowed.  Received: refs and the array (malloc)
	 * are the caller's. */
	struct file **files;
	int nfiles;
	bool has_cred; /* sent: these; received: always set */
	struct sock_cred cred;
	/* Other families: records of the host. */
	void *control;
	size_t controllen, controlroom;
};

/* The socket of a file, NULL if it is none. */
struct socket *file_socket(const struct file *);
/* Has a call wanted room, or a connection, since the last question?  For the
 * signal of O_ASYNC. */
bool sock_room_wanted(struct file *);
/* The ids of the caller. */
struct sock_cred sock_self(const struct vfs_waiter *);
/* Lines of /proc/net/unix for the sockets of this vfs, and how many sockets it
 * has.  No locks held. */
void sock_unix_lines(struct vfs *, file_info_fn *, void *arg);
unsigned sock_count(struct vfs *);
/* Messages, not a stream: one transfer is one message. */
bool sock_is_record(const struct socket *);

/* SO_SNDBUF or SO_RCVBUF, at most SOCK_BUFFER_MAX as on Linux.  ENOBUFS: beyond
 * the budget. */
int sock_set_buffer(struct file *, int option, int size);
#define SOCK_BUFFER_MAX 212992

/* The files that these make have flags & O_NONBLOCK.  Errors as those of the
 * calls of their names; EINTR from waiting. */
/* A socket of AF_UNIX. */
int sock_create(struct vfs *, int type, int flags, const struct vfs_waiter *,
    struct file **);
/* For a new socket of the host of another family; hostfd passes in any case. */
int sock_adopt(struct vfs *, int hostfd, int domain, int type, int flags,
    const struct vfs_waiter *, struct file **);
int sock_pair(struct vfs *, int type, int flags, const struct vfs_waiter *,
    struct file *f[2]);
/* A file for a socket of the world outside; hostfd passes in any case. */
int sock_inherit(struct vfs *, int hostfd, int flags, struct file **);
int sock_bind(
    struct file *, const struct host_sockaddr *, const struct vfs_ctx *);
int sock_listen(struct file *, int backlog, const struct vfs_waiter *);
int sock_connect(
    struct file *, const struct host_sockaddr *, const struct vfs_ctx *);
int sock_accept(struct file *, int flags, const struct vfs_waiter *,
    struct host_sockaddr *peer, struct file **);
int sock_name(struct file *, struct host_sockaddr *);
int sock_peername(struct file *, struct host_sockaddr *);
int sock_shutdown(struct file *, int how);
/* SO_PEERCRED. */
void sock_peercred(struct file *, struct sock_cred *);
/* When the socket got that peer, CLOCK_MONOTONIC ns; 0: it has none. */
uint64_t sock_peer_ns(struct file *);
/* From now on messages carry the ids of their senders. */
void sock_set_passcred(struct file *, bool on);
/*
 * flags: MSG_*; unknown ones are ignored.  A stream goes on
 * until all is sent, or it would block (MSG_DONTWAIT, O_NONBLOCK); an error
 * only if nothing was.  EDESTADDRREQ, EACCES (an address, on an inherited
 * socket), ETOOMANYREFS...
 */
int sock_send(
    struct file *, struct sock_msg *, int flags, const struct vfs_waiter *);
/* One message, or what a stream has.  MSG_WAITALL is the caller's. */
int sock_recv(
    struct file *, struct sock_msg *, int flags, const struct vfs_waiter *);

/* A record of control messages, as Linux has it; data follows, aligned to 8. */
struct sock_cmsg {
	uint64_t len; /* of header and data */
	int32_t level, type;
};
#define SOCK_CMSG_ALIGN(n) (((size_t)(n) + 7) & ~(size_t)7)

#endif /* VFS_SOCKET_SOCKET_H */
