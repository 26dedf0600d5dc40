/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Socket calls: making, naming, connecting.  (Messages are in sys_sockmsg.c,
 * options in sys_sockopt.c, and what a socket is in vfs/socket.)
 *
 * UNIX sockets always work, between the processes of this kernel.  An Internet
 * socket is a socket of the host, made by the embedder's function or, with
 * net_host, in the network of this process.  Where there is neither, it is one
 * of this kernel's own loopback (net_loopback), or
 * EACCES, with one log line for each program.  Only stream and datagram sockets
 * with their usual protocols are supported, no raw sockets.  A netlink
 * socket for routes, interfaces (NETLINK_ROUTE) or sockets (NETLINK_SOCK_DIAG)
 * is passed in the same way: this process has no right to change what it
 * answers about, so that it can only be asked.
 */
#include "linux/socket/sys_sock.h"

#include "abi/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vfs/core/ctx.h"
#include "linux/lib/sys_net.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/socket/inet.h"

sys_fn sys_socket, sys_socketpair, sys_bind, sys_listen, sys_accept,
    sys_accept4, sys_connect, sys_getsockname, sys_getpeername, sys_shutdown;

#define PROTO_UNIX 1 /* AF_UNIX by another name */

int
sys_sock_file(struct lwp *l, int fd, struct file **out)
{
	struct file *f;
	int error = sys_get_open_file(l, fd, &f);

	if (error != 0)
		return (error);
	if (file_socket(f) == NULL) {
		file_free(f);
		return (ENOTSOCK);
	}
	*out = f;
	return (0);
}

void
sys_cred_shown(struct lwp *l, struct sock_cred *cred)
{
	struct proc *p = l->p;

	cred->pid = pidns_out(p->k, p->pidns, cred->pid);
	cred->uid = proc_id_shown(p, false, cred->uid);
	cred->gid = proc_id_shown(p, true, cred->gid);
}

int
sys_sock_restart(int error, const _Atomic(uint64_t) *timeo)
{
	if (error == EINTR &&
	    atomic_load_explicit(timeo, memory_order_relaxed) == 0)
		return (ERESTARTSYS);
	return (error);
}

int
sys_copyin_sockaddr(
    struct lwp *l, uint64_t uaddr, int32_t len, struct host_sockaddr *sa)
{
	if (len < 0 || (size_t)len > sizeof(sa->raw))
		return (EINVAL);
	memset(sa, 0, sizeof(*sa));
	sa->len = (uint32_t)len;
	return (copyin(lwp_vmspace(l), sa->raw, uaddr, (size_t)len));
}

int
sys_copyout_sockaddr(struct lwp *l, const struct host_sockaddr *sa,
    uint64_t uaddr, uint64_t ulen)
{
	uint32_t room;
	int error;

	error = copyin(lwp_vmspace(l), &room, ulen, sizeof(room));
	if (error != 0)
		return (error);
	if ((int32_t)room < 0)
		return (EINVAL);
	if (room > sa->len)
		room = sa->len;
	if (room != 0) {
		error = copyout(lwp_vmspace(l), sa->raw, uaddr, room);
		if (error != 0)
			return (error);
	}
	return (copyout(lwp_vmspace(l), &sa->len, ulen, sizeof(sa->len)));
}

/* ---- making ---- */

static int
check_inet(int type, int protocol)
{
	if (protocol < 0 || protocol >= LX_IPPROTO_MAX)
		return (EINVAL);
	if (type != LX_SOCK_STREAM && type != LX_SOCK_DGRAM)
		return (type == LX_SOCK_RAW ? EPERM : ESOCKTNOSUPPORT);
	if (protocol != 0 &&
	    protocol !=
		(type == LX_SOCK_STREAM ? LX_IPPROTO_TCP : LX_IPPROTO_UDP))
		return (EPROTONOSUPPORT);
	return (0);
}

static int
check_netlink(int type, int protocol)
{
	if (type != LX_SOCK_RAW && type != LX_SOCK_DGRAM)
		return (ESOCKTNOSUPPORT);
	return (protocol == LX_NETLINK_ROUTE || protocol == LX_NETLINK_SOCK_DIAG
		    ? 0
		    : EPROTONOSUPPORT);
}

static int
check_unix(int type, int protocol)
{
	if (type != LX_SOCK_STREAM && type != LX_SOCK_DGRAM &&
	    type != LX_SOCK_SEQPACKET && type != LX_SOCK_RAW)
		return (ESOCKTNOSUPPORT);
	return (protocol != 0 && protocol != PROTO_UNIX ? EPROTONOSUPPORT : 0);
}

/* As on Linux, a raw socket is one of datagrams. */
static int
unix_type(int type)
{
	return (type == LX_SOCK_RAW ? LX_SOCK_DGRAM : type);
}

/* A socket of the network that guests have as a file. */
static int
net_file(struct lwp *l, int domain, int type, int protocol, int flags,
    struct file **out)
{
	const struct vfs_waiter waiter = lwp_vfs_waiter(l);
	int error, fd;

	error = domain == LX_AF_NETLINK ? check_netlink(type, protocol)
					: check_inet(type, protocol);
	if (error == 0)
		error = sys_net_socket(l, domain, type, protocol, &fd);
	if (error == ENONET && domain == LX_AF_NETLINK &&
	    protocol != LX_NETLINK_ROUTE)
		return (EPROTONOSUPPORT);
	if (error == ENONET)
		return (inet_create(
		    l->p->k->vfs, domain, type, flags, &waiter, out));
	if (error != 0)
		return (error);
	return (
	    sock_adopt(l->p->k->vfs, fd, domain, type, flags, &waiter, out));
}

int
sys_socket(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int domain = (int)a[0], type = (int)a[1] & LX_SOCK_TYPE_MASK;
	int flags = (int)a[1] & ~LX_SOCK_TYPE_MASK, protocol = (int)a[2], error;
	const struct vfs_waiter waiter = lwp_vfs_waiter(l);
	struct file *f;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return (EINVAL);
	switch (domain) {
	case LX_AF_UNIX:
		error = check_unix(type, protocol);
		if (error == 0)
			error = sock_create(
			    l->p->k->vfs, unix_type(type), flags, &waiter, &f);
		break;
	case LX_AF_INET:
	case LX_AF_INET6:
	case LX_AF_NETLINK:
		error = net_file(l, domain, type, protocol, flags, &f);
		break;
	default:
		error = EAFNOSUPPORT;
	}
	if (error != 0)
		return (error);
	return (sys_fd_new(l, f, (flags & O_CLOEXEC) != 0, ret));
}

int
sys_socketpair(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int flags = (int)a[1] & ~LX_SOCK_TYPE_MASK,
	    type = (int)a[1] & LX_SOCK_TYPE_MASK;
	int domain = (int)a[0], error;
	const struct vfs_waiter waiter = lwp_vfs_waiter(l);
	struct file *f[2];

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return (EINVAL);
	if (domain != LX_AF_UNIX)
		return (domain == LX_AF_INET || domain == LX_AF_INET6
			    ? EOPNOTSUPP
			    : EAFNOSUPPORT);
	error = check_unix(type, (int)a[2]);
	if (error != 0)
		return (error);
	error = sock_pair(l->p->k->vfs, unix_type(type), flags, &waiter, f);
	if (error != 0)
		return (error);
	return (sys_fd_pair(l, f, (flags & O_CLOEXEC) != 0, a[3]));
}

/* ---- names and connections ---- */

typedef int addr_fn(
    struct file *, const struct host_sockaddr *, const struct vfs_ctx *);

/* bind and connect: a[] is fd, address, length. */
static int
with_address(struct lwp *l, const uint64_t *a, addr_fn *fn)
{
	struct host_sockaddr sa;
	struct vfs_ctx ctx;
	struct file *f;
	int error;

	error = sys_sock_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	error = sys_copyin_sockaddr(l, a[1], (int32_t)a[2], &sa);
	if (error != 0)
		goto out;
	ctx = lwp_vfs_ctx(l);
	error = fn(f, &sa, &ctx);
	lwp_vfs_ctx_done(&ctx);
	error = sys_sock_restart(error, &file_socket(f)->snd_ns);
out:
	file_free(f);
	return (error);
}

int
sys_bind(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (with_address(l, a, sock_bind));
}

int
sys_connect(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (with_address(l, a, sock_connect));
}

int
sys_listen(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const struct vfs_waiter waiter = lwp_vfs_waiter(l);
	struct file *f;
	int error;

	error = sys_sock_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	error = sock_listen(f, (int)a[1], &waiter);
	file_free(f);
	return (error);
}

static int
accept_flags(struct lwp *l, const uint64_t *a, int flags, int64_t *ret)
{
	struct host_sockaddr peer;
	struct file *f, *conn;
	const struct vfs_waiter waiter = lwp_vfs_waiter(l);
	int error;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return (EINVAL);
	error = sys_sock_file(l, (int)a[0], &f);
	/* Before a connection is taken. */
	if (error != EBADF && fd_full(l->p->fdt, sys_fd_limit(l))) {
		if (error == 0)
			file_free(f);
		return (EMFILE);
	}
	if (error != 0)
		return (error);
	error = sock_accept(f, flags, &waiter, &peer, &conn);
	error = sys_sock_restart(error, &file_socket(f)->rcv_ns);
	file_free(f);
	if (error != 0)
		return (error);
	if (a[1] != 0)
		error = sys_copyout_sockaddr(l, &peer, a[1], a[2]);
	if (error != 0) {
		file_free(conn);
		return (error);
	}
	return (sys_fd_new(l, conn, (flags & O_CLOEXEC) != 0, ret));
}

int
sys_accept(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (accept_flags(l, a, 0, ret));
}

int
sys_accept4(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (accept_flags(l, a, (int)a[3], ret));
}

static int
tell_name(struct lwp *l, const uint64_t *a,
    int (*fn)(struct file *, struct host_sockaddr *))
{
	struct host_sockaddr sa;
	struct file *f;
	int error;

	error = sys_sock_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	error = fn(f, &sa);
	file_free(f);
	return (error != 0 ? error : sys_copyout_sockaddr(l, &sa, a[1], a[2]));
}

int
sys_getsockname(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (tell_name(l, a, sock_name));
}

int
sys_getpeername(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (tell_name(l, a, sock_peername));
}

int
sys_shutdown(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f;
	int error = sys_sock_file(l, (int)a[0], &f);

	if (error != 0)
		return (error);
	error = sock_shutdown(f, (int)a[1]);
	file_free(f);
	return (error);
}
