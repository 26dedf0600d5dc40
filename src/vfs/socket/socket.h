/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sockets as the guest's files.  See socket.c for the ideas, sock_unix.c for
 * names and sock_rights.c for what travels with messages.
 *
 * Addresses are struct host_sockaddr with the bytes that the guest uses; len
 * is 2 (a family alone) for an unnamed UNIX socket.
 */
#ifndef VFS_SOCKET_SOCKET_H
#define VFS_SOCKET_SOCKET_H

#include "host/host_sock.h"
#include "vfs/core/file.h"

/* Who a process is, to a socket. */
struct sock_cred {
	int32_t pid;
	uint32_t uid, gid;
};

#define SOCK_RIGHTS_MAX 253 /* files in one message */

/* Key: [I] immutable, [s] vfs->sock_lock, [a] atomic */
struct socket {
	struct vfs *vfs;           /* [I] */
	int domain, type;          /* [I] */
	bool inherited;            /* [I] shared with the world outside */
	bool binding;              /* [s] a bind is under way */
	bool bound;                /* [s] has a name for the guest */
	_Atomic(bool) passcred;    /* [a] SO_PASSCRED */
	uint64_t id;               /* [s] 0: the host knows no name */
	struct vnode *vp;          /* [s] own ref: bound to a path */
	struct host_sockaddr name; /* [s] AF_UNIX: bound to */
	struct host_sockaddr peer; /* [s] AF_UNIX: connected to */
	struct host_sockaddr host; /* [s] AF_UNIX: name at the host */
	struct sock_cred cred;     /* [s] of whoever bound or listened */
	struct sock_cred peercred; /* [s] */
	_Atomic(bool) has_peer;    /* [a] AF_UNIX: it has been connected */
	bool paired; /* [s] still connected to the other one of a pair */
	_Atomic(bool) reachable;  /* [a] AF_UNIX: by strangers, too */
	_Atomic(uint64_t) rcv_ns; /* [a] SO_RCVTIMEO; 0: for ever */
	_Atomic(uint64_t) snd_ns; /* [a] SO_SNDTIMEO */
	LIST_ENTRY(socket) link;  /* [s] on vfs->socks while bound */
};

/* A message to send, or one received. */
struct sock_msg {
	struct uio *uio;
	size_t done; /* bytes; of the whole message with MSG_TRUNC */
	int flags;   /* MSG_* that came with it */
	struct host_sockaddr addr; /* to (len 0: the peer), or from */
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
/* The caller as sockets see him. */
struct sock_cred sock_self(const struct vfs_ctx *);
/* Messages, not a stream: one transfer is one message. */
bool sock_is_record(const struct socket *);

/* The files that these make have flags & O_NONBLOCK.  Errors as those of the
 * calls of their names; EINTR from waiting. */
int sock_create(struct vfs *, int domain, int type, int protocol, int flags,
    struct file **);
int sock_pair(struct vfs *, int type, int flags, const struct vfs_ctx *,
    struct file *f[2]);
/* A file for a socket of the world outside; hostfd passes in any case. */
int sock_inherit(struct vfs *, int hostfd, int flags, struct file **);
int sock_bind(
    struct file *, const struct host_sockaddr *, const struct vfs_ctx *);
int sock_listen(struct file *, int backlog, const struct vfs_ctx *);
int sock_connect(
    struct file *, const struct host_sockaddr *, const struct vfs_ctx *);
int sock_accept(struct file *, int flags, const struct vfs_ctx *,
    struct host_sockaddr *peer, struct file **);
int sock_name(struct file *, struct host_sockaddr *);
int sock_peername(struct file *, struct host_sockaddr *);
/* SO_PEERCRED. */
void sock_peercred(struct file *, struct sock_cred *);
/* From now on messages say who sent them. */
void sock_set_passcred(struct file *, bool on);
/*
 * flags: MSG_*, of which those nobody knows are ignored.  A stream goes on
 * until all is sent, or it would block (MSG_DONTWAIT, O_NONBLOCK); an error
 * only if nothing was.  EDESTADDRREQ, EACCES (an address, on an inherited
 * socket), ETOOMANYREFS...
 */
int sock_send(
    struct file *, struct sock_msg *, int flags, const struct vfs_ctx *);
/* One message, or what a stream has.  MSG_WAITALL is the caller's. */
int sock_recv(
    struct file *, struct sock_msg *, int flags, const struct vfs_ctx *);

/* A record of control messages, as Linux has it; data follows, aligned to 8. */
struct sock_cmsg {
	uint64_t len; /* of header and data */
	int32_t level, type;
};
#define SOCK_CMSG_ALIGN(n) (((size_t)(n) + 7) & ~(size_t)7)

/* ---- between the files of this layer ---- */

extern const struct fileops socket_fileops;

/* sock_unix.c */
int unix_bind(struct file *, struct socket *, const struct host_sockaddr *,
    const struct vfs_ctx *);
/* Where to send what is for `to`: its name at the host, and what the guest
 * calls it.  ECONNREFUSED, errors of lookup. */
int unix_resolve(struct socket *, const struct host_sockaddr *to,
    const struct vfs_ctx *, struct host_sockaddr *host,
    struct host_sockaddr *name, struct sock_cred *);
/* Give it a name at the host, which says who the caller is. */
int unix_host_bind(struct file *, struct socket *, const struct vfs_ctx *);
/* A datagram socket of a pair turns to others.  Until then it hears only the
 * other one, whoever knows its name. */
int unix_unpair(struct file *, struct socket *);
/* Whose name at the host this is.  False: it is not one of ours. */
bool unix_host_parse(const struct vfs *, const struct host_sockaddr *,
    uint64_t *id, struct sock_cred *);
/* The guest's name for socket `id`; unnamed if it is closed or has none. */
void unix_name_of(struct vfs *, uint64_t id, struct host_sockaddr *);
/* It is being closed. */
void unix_unbind(struct socket *);

/* sock_rights.c */
struct sock_parcel;
/* Files and a sender for one message; *carrier is to be sent with it, and to
 * be closed then. */
int parcel_make(struct vfs *, struct file **files, int nfiles,
    const struct sock_cred *, struct sock_parcel **, int *carrier);
/* It was not sent. */
void parcel_unmake(struct vfs *, struct sock_parcel *);
/* A carrier has come: what it stands for; peek leaves it there.  The carrier
 * is closed.  ENOMEM, EBADMSG (not one of ours). */
int parcel_open(struct vfs *, int carrier, bool peek, struct sock_msg *);
/* Free those that nobody can receive any more. */
void parcel_collect(struct vfs *);

/* mount.c calls them. */
void vfs_sock_init(struct vfs *);
void vfs_sock_drain(struct vfs *); /* no process is left */
void vfs_sock_fini(struct vfs *);

#endif /* VFS_SOCKET_SOCKET_H */
