/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sockets: files over sockets of the host.
 *
 * Concepts.  Every socket is a non-blocking socket of the host, so that poll
 * and epoll, buffers, backlogs and the states of connections are those of the
 * host and exact.  This kernel does the waiting (interruptible, with the
 * timeouts of SO_RCVTIMEO and SO_SNDTIMEO), the names of UNIX sockets
 * (sock_unix.c) and files and senders of messages (sock_rights.c).  Messages
 * are in sock_msg.c, connections in sock_connect.c.  An Internet socket's
 * addresses, options and control records are passed through, except that ports
 * below 1024 are for the guest's root; the caller of sock_adopt() decides
 * whether a guest may have one, and of which network.  Where there is none,
 * this kernel has Internet sockets of its own (inet.c).
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
 * Limits: a datagram from a stranger makes a socket look readable for a moment.
 * If one thread finds it with MSG_PEEK while another thread receives, the
 * datagram of a guest may be dropped in its place.  Close never lingers.
 */
#include "vfs/socket/socket_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/ioctl.h"
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
#include "vfs/socket/inet_int.h"

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

bool
sock_room_wanted(struct file *f)
{
	return (atomic_exchange(&file_socket(f)->room, false));
}

struct sock_cred
sock_self(const struct vfs_waiter *waiter)
{
	struct vfs_ident id = vfs_waiter_ident(waiter);

	return ((struct sock_cred){id.pid, id.uid, id.gid});
}

/* ---- making ---- */

/* A file for `hostfd`, which passes to it in any case; it belongs to the thread
 * of the waiter. */
int
sock_wrap(struct vfs *vfs, int hostfd, int flags, struct socket init,
    const struct vfs_waiter *waiter, struct file **out)
{
	const struct vfs_ident owner = vfs_waiter_ident(waiter);
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
	init.file = NULL;
	init.number = atomic_fetch_add(&vfs->sockets->last_number, 1) + 1;
	*so = init;
	error = file_create(vfs, socket_ops(so), NULL,
	    O_RDWR | (flags & O_NONBLOCK), hostfd, so, &f);
	if (error != 0)
		goto fail_socket;
	f->ino = st.ino;
	so->ino = st.ino;
	so->file = f;
	if (so->inet != NULL)
		so->inet->so = so;
	atomic_init(&so->mode, 0777);
	atomic_init(&so->uid, owner.fsuid);
	atomic_init(&so->gid, owner.fsgid);
	kmutex_lock(&vfs->sockets->lock);
	LIST_INSERT_HEAD(&vfs->sockets->all, so, all);
	if (so->client != 0)
		LIST_INSERT_HEAD(
		    &vfs->sockets->conns[so->client % SOCK_CONNS], so, conn);
	kmutex_unlock(&vfs->sockets->lock);
	if (!init.inherited && sock_first_buffer(f) != 0) {
		file_free(f);
		return (ENOBUFS);
	}
	*out = f;
	return (0);
fail_socket:
	zfree(vfs->sockets->zone, so);
fail:
	if (init.ops != NULL)
		init.ops->free(init.inet);
	(void)host_close(hostfd);
	return (error);
}

int
sock_create(struct vfs *vfs, int type, int flags,
    const struct vfs_waiter *waiter, struct file **out)
{
	struct socket so = {.domain = LX_AF_UNIX, .type = type};
	int fd, error;

	error = host_socket(LX_AF_UNIX, type, 0, &fd);
	return (
	    error != 0 ? error : sock_wrap(vfs, fd, flags, so, waiter, out));
}

int
sock_adopt(struct vfs *vfs, int hostfd, int domain, int type, int flags,
    const struct vfs_waiter *waiter, struct file **out)
{
	struct socket so = {.domain = domain, .type = type};

	return (sock_wrap(vfs, hostfd, flags, so, waiter, out));
}

int
sock_pair(struct vfs *vfs, int type, int flags, const struct vfs_waiter *waiter,
    struct file *f[2])
{
	struct file *first;
	struct socket so = {.domain = LX_AF_UNIX,
	    .type = type,
	    .peercred = sock_self(waiter),
	    .peer_ns = host_now_ns(),
	    .paired = true,
	    .has_peer = true};
	int error, fds[2];

	so.peer.family = LX_AF_UNIX;
	so.peer.len = sizeof(so.peer.family);
	error = host_socketpair(type, fds);
	if (error != 0)
		return (error);
	error = sock_wrap(vfs, fds[0], flags, so, waiter, &first);
	if (error != 0) {
		(void)host_close(fds[1]);
		return (error);
	}
	error = sock_wrap(vfs, fds[1], flags, so, waiter, &f[1]);
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
	return (sock_wrap(vfs, hostfd, flags, so, NULL, out));
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

	if (so->domain == LX_AF_UNIX || so->ops != NULL || so->inherited ||
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
	const bool kept = so->ops != NULL && so->ops->close(f);

	unix_unbind(so);
	sock_want_cred(so, false);
	kmutex_lock(&vfs->sockets->lock);
	LIST_REMOVE(so, all);
	if (so->client != 0)
		LIST_REMOVE(so, conn);
	kmutex_unlock(&vfs->sockets->lock);
	linger_off(f);
	(void)host_close(f->hostfd);
	if (so->ops != NULL && !kept)
		so->ops->free(so->inet);
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
	if (sock_is_unix(so))
		return (unix_bind(f, so, sa, ctx));
	if (so->ops != NULL)
		return (so->ops->bind(f, sa, ctx));
	if (is_low_port(so, sa) &&
	    !vfs_ctx_capable(ctx, LX_CAP_NET_BIND_SERVICE))
		return (EACCES);
	return (host_bind(f->hostfd, sa));
}

int
sock_listen(struct file *f, int backlog, const struct vfs_waiter *waiter)
{
	struct socket *so = file_socket(f);
	struct sock_cred self;
	bool bound;
	int error;

	if (so->inherited)
		return (EACCES);
	if (so->ops != NULL)
		return (
		    so->ops->listen != NULL ? so->ops->listen(f) : EOPNOTSUPP);
	if (sock_is_unix(so)) {
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
	error = host_listen(f->hostfd, backlog);
	if (error == 0)
		atomic_store(&so->listens, true);
	return (error);
}

int
sock_name(struct file *f, struct host_sockaddr *sa)
{
	struct socket *so = file_socket(f);

	if (so->ops != NULL)
		return (so->ops->name(so, sa));
	if (!sock_is_unix(so))
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

	if (so->ops != NULL)
		return (so->ops->peername(so, sa));
	if (!sock_is_unix(so))
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

int
sock_shutdown(struct file *f, int how)
{
	const struct sock_ops *ops = file_socket(f)->ops;

	if (ops != NULL)
		return (
		    ops->shutdown != NULL ? ops->shutdown(f, how) : EOPNOTSUPP);
	return (host_shutdown(f->hostfd, how));
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

uint64_t
sock_peer_ns(struct file *f)
{
	struct socket *so = file_socket(f);
	uint64_t ns;

	kmutex_lock(&so->vfs->sockets->lock);
	ns = so->has_peer ? so->peer_ns : 0;
	kmutex_unlock(&so->vfs->sockets->lock);
	return (ns);
}

void
sock_set_passcred(struct file *f, bool on)
{
	struct socket *so = file_socket(f);

	atomic_store(&so->passcred, on);
	sock_want_cred(so, on);
}

/* ---- for /proc/net ---- */

/* A name as one word: that of an abstract socket begins with @. */
static void
unix_line(const struct socket *so, char *line, size_t size)
{
	const size_t head = sizeof(so->name.family);
	const bool listens = atomic_load(&so->listens);
	const bool peer = atomic_load(&so->has_peer);
	const char *path = (const char *)so->name.raw + head;
	size_t len = so->name.len > head ? so->name.len - head : 0;
	int n;

	n = snprintf(line, size, "%016llx: %08X 00000000 %08X %04X %02X %5llu",
	    (unsigned long long)so->number, peer ? 3 : 2, listens ? 0x10000 : 0,
	    (unsigned)so->type, peer ? 3 : 1, (unsigned long long)so->ino);
	if (len > 0 && path[0] != '\0')
		len = strnlen(path, len);
	if (len > 0)
		line[n++] = ' ';
	for (size_t i = 0; i < len && (size_t)n + 2 < size; i++)
		line[n++] = path[i] == '\0' ? '@' : path[i];
	line[n++] = '\n';
	line[n] = '\0';
}

void
sock_unix_lines(struct vfs *vfs, file_info_fn *fn, void *arg)
{
	const struct socket *so;
	char line[256];

	kmutex_lock(&vfs->sockets->lock);
	LIST_FOREACH (so, &vfs->sockets->all, all) {
		if (!sock_is_unix(so) || so->inherited)
			continue;
		unix_line(so, line, sizeof(line));
		fn(arg, line);
	}
	kmutex_unlock(&vfs->sockets->lock);
}

unsigned
sock_count(struct vfs *vfs)
{
	const struct socket *so;
	unsigned n = 0;

	kmutex_lock(&vfs->sockets->lock);
	LIST_FOREACH (so, &vfs->sockets->all, all)
		n++;
	kmutex_unlock(&vfs->sockets->lock);
	return (n);
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

/* Datagrams of our own Internet have more in them than their data. */
static int
socket_ioctl(struct file *f, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret)
{
	const struct socket *so = f->data;
	int n, error;

	if ((uint32_t)cmd != LX_FIONREAD || so->ops == NULL ||
	    so->ops->bytes == NULL || size < sizeof(n))
		return (hostfd_ioctl(f, cmd, kbuf, size, arg, ret));
	error = so->ops->bytes(f, &n);
	if (error != 0)
		return (error);
	memcpy(kbuf, &n, sizeof(n));
	*ret = 0;
	return (0);
}

static int
socket_getattr(struct file *f, struct vattr *va)
{
	struct socket *so = f->data;
	struct host_stat st;
	int error = host_fstat(f->hostfd, &st);

	if (error != 0)
		return (error);
	*va = (struct vattr){.type = VSOCK,
	    .mode = LX_S_IFSOCK | atomic_load(&so->mode),
	    .uid = atomic_load(&so->uid),
	    .gid = atomic_load(&so->gid),
	    .nlink = 1,
	    .dev = st.dev,
	    .ino = st.ino,
	    .blksize = st.blksize};
	return (0);
}

static int
socket_setattr(struct file *f, const struct vattr *va, unsigned what)
{
	struct socket *so = f->data;

	if ((what & VA_MODE) != 0)
		atomic_store(&so->mode, va->mode & 07777);
	if ((what & VA_UID) != 0)
		atomic_store(&so->uid, va->uid);
	if ((what & VA_GID) != 0)
		atomic_store(&so->gid, va->gid);
	return (0);
}

static void
socket_describe(struct file *f, char *buf, size_t size)
{
	(void)snprintf(buf, size, "socket:[%llu]", (unsigned long long)f->ino);
}

#define SOCKET_FILEOPS(more)                                                   \
	{                                                                      \
		.caps = FCAP_HOSTFD | FCAP_ASYNC | FCAP_EMPTY | (more),        \
		.rw = socket_rw, .timed = socket_timed, .ioctl = socket_ioctl, \
		.poll = hostfd_poll, .getattr = socket_getattr,                \
		.setattr = socket_setattr, .setfl = hostfd_setfl,              \
		.close = socket_close, .describe = socket_describe,            \
		.name = "socket",                                              \
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
