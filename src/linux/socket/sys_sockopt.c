/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Options of sockets: getsockopt, setsockopt.
 *
 * Concepts.  A table lists the options, how long their values may be, and
 * whether the host or this kernel keeps them.  Values of host options are
 * passed unchanged to the host socket, or to that of our own loopback.  This
 * kernel keeps the timeouts, because lwps wait here, and the identity of the
 * peer, because the host would return the ids of the kernel process.  An option
 * that is not in the table is ENOPROTOOPT and never reaches the host.  Options
 * that need privileges (SO_MARK, SO_BINDTODEVICE) can be read, and to set them
 * is EPERM.  Not in the table are packet filters, options that use memory of
 * the host kernel (SO_ZEROCOPY, mmap rings), and those that load modules
 * (TCP_ULP).
 */
#include "linux/socket/sys_sock.h"

#include "abi/socket.h"
#include "abi/time.h"

#include <errno.h>
#include <string.h>

#include "kern/base/cred.h"
#include "kern/base/pidfd.h"
#include "linux/lib/sys_int.h"
#include "mem/group_set.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/socket/inet.h"

sys_fn sys_getsockopt, sys_setsockopt;

#define VALUE_MAX 256

enum {
	GET = 1,
	SET = 2,
	OURS = 4,
	BUFFER = 8, /* the value is a size that is charged */
	ADMIN = 16, /* to set it is EPERM, as without CAP_NET_ADMIN */
	WHOLE = 32, /* less room than its size is EINVAL */
};

struct sockopt {
	int16_t level, option;
	uint16_t size; /* bytes at most */
	uint8_t how;
};

static const struct sockopt options[] = {
    {LX_SOL_SOCKET, LX_SO_DEBUG, 4, GET | ADMIN},
    {LX_SOL_SOCKET, LX_SO_NOFCS, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_BPF_EXTENSIONS, 4, GET},
    {LX_SOL_SOCKET, LX_SO_BINDTOIFINDEX, 4, GET | ADMIN},
    {LX_SOL_SOCKET, LX_SO_PREFER_BUSY_POLL, 4, GET | ADMIN},
    {LX_SOL_SOCKET, LX_SO_RCVMARK, 4, GET | ADMIN},
    {LX_SOL_SOCKET, LX_SO_RCVPRIORITY, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_REUSEADDR, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_TYPE, 4, GET},
    {LX_SOL_SOCKET, LX_SO_ERROR, 4, GET},
    {LX_SOL_SOCKET, LX_SO_DONTROUTE, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_BROADCAST, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_SNDBUF, 4, GET | SET | BUFFER},
    {LX_SOL_SOCKET, LX_SO_RCVBUF, 4, GET | SET | BUFFER},
    {LX_SOL_SOCKET, LX_SO_KEEPALIVE, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_OOBINLINE, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_PRIORITY, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_LINGER, 8, GET | SET},
    {LX_SOL_SOCKET, LX_SO_REUSEPORT, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_PASSCRED, 4, GET | SET | OURS},
    {LX_SOL_SOCKET, LX_SO_PEERCRED, 12, GET | OURS},
    {LX_SOL_SOCKET, LX_SO_RCVLOWAT, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_SNDLOWAT, 4, GET},
    {LX_SOL_SOCKET, LX_SO_RCVTIMEO, 16, GET | SET | OURS},
    {LX_SOL_SOCKET, LX_SO_SNDTIMEO, 16, GET | SET | OURS},
    {LX_SOL_SOCKET, LX_SO_TIMESTAMP, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_ACCEPTCONN, 4, GET},
    {LX_SOL_SOCKET, LX_SO_TIMESTAMPNS, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_PROTOCOL, 4, GET},
    {LX_SOL_SOCKET, LX_SO_DOMAIN, 4, GET},
    {LX_SOL_SOCKET, LX_SO_INCOMING_CPU, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_NO_CHECK, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_BSDCOMPAT, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_BINDTODEVICE, 16, GET | ADMIN},
    {LX_SOL_SOCKET, LX_SO_SNDBUFFORCE, 4, ADMIN},
    {LX_SOL_SOCKET, LX_SO_RCVBUFFORCE, 4, ADMIN},
    {LX_SOL_SOCKET, LX_SO_PASSSEC, 4, GET},
    {LX_SOL_SOCKET, LX_SO_MARK, 4, GET | ADMIN},
    {LX_SOL_SOCKET, LX_SO_TIMESTAMPING, 8, GET | SET},
    {LX_SOL_SOCKET, LX_SO_RXQ_OVFL, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_PEEK_OFF, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_LOCK_FILTER, 4, GET},
    {LX_SOL_SOCKET, LX_SO_SELECT_ERR_QUEUE, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_BUSY_POLL, 4, GET | ADMIN},
    {LX_SOL_SOCKET, LX_SO_MAX_PACING_RATE, 8, GET | SET},
    {LX_SOL_SOCKET, LX_SO_MEMINFO, 36, GET},
    {LX_SOL_SOCKET, LX_SO_INCOMING_NAPI_ID, 4, GET},
    {LX_SOL_SOCKET, LX_SO_COOKIE, 8, GET | WHOLE},
    {LX_SOL_SOCKET, LX_SO_TIMESTAMP_NEW, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_TIMESTAMPNS_NEW, 4, GET | SET},
    {LX_SOL_SOCKET, LX_SO_TIMESTAMPING_NEW, 8, GET | SET},
    {LX_SOL_SOCKET, LX_SO_RCVTIMEO_NEW, 16, GET | SET | OURS},
    {LX_SOL_SOCKET, LX_SO_SNDTIMEO_NEW, 16, GET | SET | OURS},
    {LX_SOL_SOCKET, LX_SO_BUF_LOCK, 4, GET | SET},
    {LX_SOL_IP, LX_IP_TOS, 4, GET | SET},
    {LX_SOL_IP, LX_IP_TTL, 4, GET | SET},
    {LX_SOL_IP, LX_IP_PKTINFO, 4, GET | SET},
    {LX_SOL_IP, LX_IP_MTU_DISCOVER, 4, GET | SET},
    {LX_SOL_IP, LX_IP_RECVERR, 4, GET | SET},
    {LX_SOL_IP, LX_IP_RECVTTL, 4, GET | SET},
    {LX_SOL_IP, LX_IP_RECVTOS, 4, GET | SET},
    {LX_SOL_IP, LX_IP_MTU, 4, GET},
    {LX_SOL_IP, LX_IP_FREEBIND, 4, GET | SET},
    {LX_SOL_IP, LX_IP_BIND_ADDRESS_NO_PORT, 4, GET | SET},
    {LX_SOL_IP, LX_IP_MULTICAST_IF, 12, GET | SET},
    {LX_SOL_IP, LX_IP_MULTICAST_TTL, 4, GET | SET},
    {LX_SOL_IP, LX_IP_MULTICAST_LOOP, 4, GET | SET},
    {LX_SOL_IP, LX_IP_ADD_MEMBERSHIP, 12, SET},
    {LX_SOL_IP, LX_IP_DROP_MEMBERSHIP, 12, SET},
    {LX_SOL_IP, LX_IP_RECVOPTS, 4, GET | SET},
    {LX_SOL_IP, LX_IP_RETOPTS, 4, GET | SET},
    {LX_SOL_IP, LX_IP_RECVORIGDSTADDR, 4, GET | SET},
    {LX_SOL_IP, LX_IP_MINTTL, 4, GET | SET},
    {LX_SOL_IP, LX_IP_CHECKSUM, 4, GET | SET},
    {LX_SOL_IP, LX_IP_RECVFRAGSIZE, 4, GET | SET},
    {LX_SOL_IP, LX_IP_RECVERR_RFC4884, 4, GET | SET},
    {LX_SOL_IP, LX_IP_UNBLOCK_SOURCE, 12, SET},
    {LX_SOL_IP, LX_IP_BLOCK_SOURCE, 12, SET},
    {LX_SOL_IP, LX_IP_ADD_SOURCE_MEMBERSHIP, 12, SET},
    {LX_SOL_IP, LX_IP_DROP_SOURCE_MEMBERSHIP, 12, SET},
    {LX_SOL_IP, LX_IP_MULTICAST_ALL, 4, GET | SET},
    {LX_SOL_IP, LX_IP_UNICAST_IF, 4, GET | SET},
    {LX_SOL_IP, LX_IP_LOCAL_PORT_RANGE, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_NODELAY, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_MAXSEG, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_CORK, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_KEEPIDLE, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_KEEPINTVL, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_KEEPCNT, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_SYNCNT, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_LINGER2, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_DEFER_ACCEPT, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_WINDOW_CLAMP, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_INFO, 256, GET},
    {LX_SOL_TCP, LX_TCP_QUICKACK, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_CONGESTION, 16, GET | SET},
    {LX_SOL_TCP, LX_TCP_USER_TIMEOUT, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_FASTOPEN, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_NOTSENT_LOWAT, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_FASTOPEN_CONNECT, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_THIN_LINEAR_TIMEOUTS, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_THIN_DUPACK, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_TIMESTAMP, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_CC_INFO, 256, GET},
    {LX_SOL_TCP, LX_TCP_SAVE_SYN, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_SAVED_SYN, 256, GET},
    {LX_SOL_TCP, LX_TCP_FASTOPEN_NO_COOKIE, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_INQ, 4, GET | SET},
    {LX_SOL_TCP, LX_TCP_TX_DELAY, 4, GET | SET},
    {LX_SOL_UDP, LX_UDP_CORK, 4, GET | SET},
    {LX_SOL_UDP, LX_UDP_NO_CHECK6_TX, 4, GET | SET},
    {LX_SOL_UDP, LX_UDP_NO_CHECK6_RX, 4, GET | SET},
    {LX_SOL_UDP, LX_UDP_SEGMENT, 4, GET | SET},
    {LX_SOL_UDP, LX_UDP_GRO, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_UNICAST_HOPS, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_MULTICAST_IF, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_MULTICAST_HOPS, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_MULTICAST_LOOP, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_ADD_MEMBERSHIP, 20, SET},
    {LX_SOL_IPV6, LX_IPV6_DROP_MEMBERSHIP, 20, SET},
    {LX_SOL_IPV6, LX_IPV6_MTU_DISCOVER, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_RECVERR, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_V6ONLY, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_RECVPKTINFO, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_RECVHOPLIMIT, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_RECVTCLASS, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_TCLASS, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_2292PKTINFO, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_2292HOPLIMIT, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_FLOWINFO, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_MTU, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_MULTICAST_ALL, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_RECVERR_RFC4884, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_FLOWINFO_SEND, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_RECVHOPOPTS, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_RECVRTHDR, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_RECVDSTOPTS, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_RECVPATHMTU, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_DONTFRAG, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_AUTOFLOWLABEL, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_ADDR_PREFERENCES, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_MINHOPCOUNT, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_RECVORIGDSTADDR, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_UNICAST_IF, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_RECVFRAGSIZE, 4, GET | SET},
    {LX_SOL_IPV6, LX_IPV6_FREEBIND, 4, GET | SET},
    {LX_SOL_NETLINK, LX_NETLINK_ADD_MEMBERSHIP, 4, SET},
    {LX_SOL_NETLINK, LX_NETLINK_DROP_MEMBERSHIP, 4, SET},
    {LX_SOL_NETLINK, LX_NETLINK_PKTINFO, 4, GET | SET},
    {LX_SOL_NETLINK, LX_NETLINK_CAP_ACK, 4, GET | SET},
    {LX_SOL_NETLINK, LX_NETLINK_EXT_ACK, 4, GET | SET},
    {LX_SOL_NETLINK, LX_NETLINK_GET_STRICT_CHK, 4, GET | SET},
};

static const struct sockopt *
find(int level, int option, int how)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].level == level && options[i].option == option)
			return (options[i].how & how ? &options[i] : NULL);
	return (NULL);
}

/* The _NEW forms have the same structure on x86-64. */
static _Atomic(uint64_t) *
timeo_of(struct socket *so, int option)
{
	return (option == LX_SO_RCVTIMEO || option == LX_SO_RCVTIMEO_NEW
		    ? &so->rcv_ns
		    : &so->snd_ns);
}

/* A UNIX socket has no options but those of all sockets. */
static bool
no_such_level(const struct socket *so, int level)
{
	return (so->domain == LX_AF_UNIX && level != LX_SOL_SOCKET);
}

/* The error of an option that cannot be read.  On Linux a level that an
 * internet socket does not have is another error there than for a write. */
static int
no_such_option(const struct socket *so, int level)
{
	if (so->domain != LX_AF_INET && so->domain != LX_AF_INET6)
		return (ENOPROTOOPT);
	return (level == LX_SOL_SOCKET || level == LX_SOL_IP ||
			level == LX_SOL_IPV6 || level == LX_SOL_TCP ||
			level == LX_SOL_UDP
		    ? ENOPROTOOPT
		    : EOPNOTSUPP);
}

/* Both here and in the caller's struct timeval, 0 means no timeout. */
static int
timeo_set(struct socket *so, int option, const void *value, size_t len)
{
	struct lx_timeval tv;
	uint64_t ns;

	if (len < sizeof(tv))
		return (EINVAL);
	memcpy(&tv, value, sizeof(tv));
	if (tv.usec < 0 || tv.usec >= 1000000)
		return (EDOM);
	if (tv.sec < 0)
		ns = 1; /* expires at once, as on Linux */
	else if (tv.sec > INT64_MAX / (int64_t)NS_PER_SEC - 1)
		ns = 0;
	else
		ns = (uint64_t)tv.sec * NS_PER_SEC + (uint64_t)tv.usec * 1000;
	atomic_store(timeo_of(so, option), ns);
	return (0);
}

static int
set_ours(struct file *f, int option, const void *value, size_t len)
{
	int on;

	if (option != LX_SO_PASSCRED)
		return (timeo_set(file_socket(f), option, value, len));
	if (file_socket(f)->domain != LX_AF_UNIX)
		return (EOPNOTSUPP);
	if (len < sizeof(on))
		return (EINVAL);
	memcpy(&on, value, sizeof(on));
	sock_set_passcred(f, on != 0);
	return (0);
}

/* value has VALUE_MAX bytes. */
static void
get_ours(struct lwp *l, struct file *f, int option, void *value, uint32_t *len)
{
	struct socket *so = file_socket(f);
	struct sock_cred cred;
	struct lx_timeval tv;
	int on;

	switch (option) {
	case LX_SO_PASSCRED:
		on = atomic_load(&so->passcred);
		memcpy(value, &on, sizeof(on));
		*len = sizeof(on);
		break;
	case LX_SO_PEERCRED:
		sock_peercred(f, &cred);
		sys_cred_shown(l, &cred);
		memcpy(value, &cred, sizeof(cred));
		*len = sizeof(cred);
		break;
	default:
		tv = lx_timeval_of(atomic_load(timeo_of(so, option)));
		memcpy(value, &tv, sizeof(tv));
		*len = sizeof(tv);
	}
}

/*
 * The value of an option; value has VALUE_MAX bytes.
 * - *room is the length that the user gave, *len the length of the value.
 */
static int
getsockopt_value(struct lwp *l, const uint64_t *a, struct file *f,
    uint8_t *value, uint32_t *room, uint32_t *len)
{
	const struct sockopt *o = find((int)a[1], (int)a[2], GET);
	int error;

	if (no_such_level(file_socket(f), (int)a[1]))
		return (EOPNOTSUPP);
	error = copyin(lwp_vmspace(l), room, a[4], sizeof(*room));
	if (error != 0)
		return (error);
	if ((int32_t)*room < 0)
		return (EINVAL);
	if (o == NULL)
		return (no_such_option(file_socket(f), (int)a[1]));
	if ((o->how & WHOLE) != 0 && *room < o->size)
		return (EINVAL);
	if ((o->how & OURS) != 0) {
		get_ours(l, f, o->option, value, len);
		return (0);
	}
	*len = o->size;
	if (file_socket(f)->inet != NULL)
		return (
		    inet_getopt(f, o->level, o->option, value, VALUE_MAX, len));
	return (host_getsockopt(f->hostfd, o->level, o->option, value, len));
}

/* ---- the process at the other end ---- */

/* The process that SO_PEERCRED names, held.  ENODATA: there is none; ESRCH: it
 * has ended. */
static int
peer_proc(struct lwp *l, struct file *f, struct proc **out)
{
	const uint64_t since = sock_peer_ns(f);
	struct sock_cred cred;
	struct proc *p;

	if (file_socket(f)->domain != LX_AF_UNIX || since == 0)
		return (ENODATA);
	sock_peercred(f, &cred);
	p = proc_find_hold(l->p->k, cred.pid);
	if (p != NULL && p->start_ns > since) {
		proc_drop(p);
		p = NULL;
	}
	if (p == NULL)
		return (ESRCH);
	*out = p;
	return (0);
}

/* SO_PEERGROUPS: the supplementary groups, of a process that has ended none. */
static int
get_peer_groups(struct lwp *l, struct file *f, const uint64_t *a, uint32_t room)
{
	struct group_set *groups = NULL;
	struct proc *p;
	uint32_t len = 0;
	int error = peer_proc(l, f, &p);

	if (error == ENODATA)
		return (error);
	if (error == 0) {
		kmutex_lock(&p->lock);
		groups = group_set_ref(p->cred->groups);
		kmutex_unlock(&p->lock);
		proc_drop(p);
	}
	len = (uint32_t)(group_set_count(groups) * sizeof(uint32_t));
	error = room < len ? ERANGE : 0;
	if (error == 0 && len != 0)
		error = copyout(lwp_vmspace(l), groups->gid, a[3], len);
	group_set_free(groups);
	if ((error == 0 || error == ERANGE) &&
	    copyout(lwp_vmspace(l), &len, a[4], sizeof(len)) != 0)
		error = EFAULT;
	return (error);
}

/* SO_PEERPIDFD. */
static int
get_peer_pidfd(struct lwp *l, struct file *f, const uint64_t *a, uint32_t room)
{
	struct vkernel *k = l->p->k;
	uint32_t len = room < sizeof(int) ? room : sizeof(int);
	struct file *pidfd;
	struct proc *p;
	int64_t fd;
	int error, n;

	error = peer_proc(l, f, &p);
	if (error != 0)
		return (error);
	error = pidfd_create(k, 0, &pidfd);
	if (error == 0) {
		kmutex_lock(&k->proctree);
		pidfd_bind_locked(pidfd, p);
		kmutex_unlock(&k->proctree);
		error = sys_fd_new(l, pidfd, true, &fd);
	}
	proc_drop(p);
	if (error != 0)
		return (error);
	n = (int)fd;
	if (copyout(lwp_vmspace(l), &n, a[3], len) == 0 &&
	    copyout(lwp_vmspace(l), &len, a[4], sizeof(len)) == 0)
		return (0);
	(void)fd_close(l->p->fdt, n);
	return (EFAULT);
}

/* True: the option is one of those, and *error is its result. */
static bool
get_peer(struct lwp *l, struct file *f, const uint64_t *a, int *error)
{
	const int option = (int)a[2];
	uint32_t room;

	if ((int)a[1] != LX_SOL_SOCKET ||
	    (option != LX_SO_PEERGROUPS && option != LX_SO_PEERPIDFD))
		return (false);
	*error = copyin(lwp_vmspace(l), &room, a[4], sizeof(room));
	if (*error == 0 && (int32_t)room < 0)
		*error = EINVAL;
	if (*error == 0)
		*error = option == LX_SO_PEERGROUPS
			     ? get_peer_groups(l, f, a, room)
			     : get_peer_pidfd(l, f, a, room);
	return (true);
}

int
sys_getsockopt(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint8_t value[VALUE_MAX] = {0};
	uint32_t room, len;
	struct file *f;
	int error;

	error = sys_sock_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	if (get_peer(l, f, a, &error)) {
		file_free(f);
		return (error);
	}
	error = getsockopt_value(l, a, f, value, &room, &len);
	file_free(f);
	if (error != 0)
		return (error);
	if (len > room)
		len = room;
	error = copyout(lwp_vmspace(l), value, a[3], len);
	if (error != 0)
		return (error);
	return (copyout(lwp_vmspace(l), &len, a[4], sizeof(len)));
}

int
sys_setsockopt(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint8_t value[VALUE_MAX] = {0};
	const struct sockopt *o;
	size_t len = (uint32_t)a[4];
	struct file *f;
	int error, size;

	error = sys_sock_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	o = find((int)a[1], (int)a[2], SET | ADMIN);
	if ((int32_t)a[4] < 0)
		error = EINVAL;
	else if (no_such_level(file_socket(f), (int)a[1]))
		error = EOPNOTSUPP;
	else if ((int)a[1] == LX_SOL_SOCKET && len < sizeof(int) &&
		 (int)a[2] != LX_SO_BINDTODEVICE)
		error =
		    EINVAL; /* as on Linux, before the option is looked at */
	else if (o == NULL || file_socket(f)->inherited)
		error = ENOPROTOOPT;
	else if ((o->how & ADMIN) != 0)
		error = EPERM;
	if (error != 0)
		goto out;
	/* As on Linux, bytes behind the value are not read. */
	if (len > o->size)
		len = o->size;
	error = copyin(lwp_vmspace(l), value, a[3], len);
	if (error != 0)
		goto out;
	if ((o->how & BUFFER) != 0 && len == sizeof(size)) {
		memcpy(&size, value, sizeof(size));
		error = sock_set_buffer(f, o->option, size);
	} else if ((o->how & OURS) != 0)
		error = set_ours(f, o->option, value, len);
	else if (file_socket(f)->inet != NULL)
		error =
		    inet_setopt(f, o->level, o->option, value, (uint32_t)len);
	else
		error = host_setsockopt(
		    f->hostfd, o->level, o->option, value, (uint32_t)len);
out:
	file_free(f);
	return (error);
}
