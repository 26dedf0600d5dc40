/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Options of sockets: getsockopt, setsockopt.
 *
 * Concepts.  A table says which options there are, how long their values may
 * be and who has them.  The host's are passed on as bytes, to the host socket
 * below; those about waiting and about who is on the other side are ours,
 * since the host would answer for this process.  What is not in the table
 * is ENOPROTOOPT and reaches the host by no way: neither privileges (SO_MARK,
 * SO_BINDTODEVICE), nor packet filters, nor memory of the kernel
 * (SO_ZEROCOPY, mmap rings).
 */
#include "linux/sys_sock.h"

#include "abi/time.h"

#include <errno.h>
#include <string.h>

sys_fn sys_getsockopt, sys_setsockopt;

#define L_SOCKET 1
#define L_IP 0
#define L_TCP 6
#define L_UDP 17
#define L_IPV6 41
#define VALUE_MAX 256

#define SO_PASSCRED_ 16
#define SO_PEERCRED_ 17
#define SO_RCVTIMEO_ 20
#define SO_SNDTIMEO_ 21

enum {
	GET = 1,
	SET = 2,
	OURS = 4,
};

struct sockopt {
	int16_t level, option;
	uint16_t size; /* bytes at most */
	uint8_t how;
};

static const struct sockopt options[] = {
    {L_SOCKET, 2, 4, GET | SET},  /* REUSEADDR */
    {L_SOCKET, 3, 4, GET},        /* TYPE */
    {L_SOCKET, 4, 4, GET},        /* ERROR */
    {L_SOCKET, 5, 4, GET | SET},  /* DONTROUTE */
    {L_SOCKET, 6, 4, GET | SET},  /* BROADCAST */
    {L_SOCKET, 7, 4, GET | SET},  /* SNDBUF */
    {L_SOCKET, 8, 4, GET | SET},  /* RCVBUF */
    {L_SOCKET, 9, 4, GET | SET},  /* KEEPALIVE */
    {L_SOCKET, 10, 4, GET | SET}, /* OOBINLINE */
    {L_SOCKET, 12, 4, GET | SET}, /* PRIORITY */
    {L_SOCKET, 13, 8, GET | SET}, /* LINGER */
    {L_SOCKET, 15, 4, GET | SET}, /* REUSEPORT */
    {L_SOCKET, SO_PASSCRED_, 4, GET | SET | OURS},
    {L_SOCKET, SO_PEERCRED_, 12, GET | OURS},
    {L_SOCKET, 18, 4, GET | SET}, /* RCVLOWAT */
    {L_SOCKET, 19, 4, GET},       /* SNDLOWAT */
    {L_SOCKET, SO_RCVTIMEO_, 16, GET | SET | OURS},
    {L_SOCKET, SO_SNDTIMEO_, 16, GET | SET | OURS},
    {L_SOCKET, 29, 4, GET | SET}, /* TIMESTAMP */
    {L_SOCKET, 30, 4, GET},       /* ACCEPTCONN */
    {L_SOCKET, 35, 4, GET | SET}, /* TIMESTAMPNS */
    {L_SOCKET, 38, 4, GET},       /* PROTOCOL */
    {L_SOCKET, 39, 4, GET},       /* DOMAIN */
    {L_SOCKET, 49, 4, GET},       /* INCOMING_CPU */
    {L_IP, 1, 4, GET | SET},      /* TOS */
    {L_IP, 2, 4, GET | SET},      /* TTL */
    {L_IP, 8, 4, GET | SET},      /* PKTINFO */
    {L_IP, 10, 4, GET | SET},     /* MTU_DISCOVER */
    {L_IP, 11, 4, GET | SET},     /* RECVERR */
    {L_IP, 12, 4, GET | SET},     /* RECVTTL */
    {L_IP, 13, 4, GET | SET},     /* RECVTOS */
    {L_IP, 14, 4, GET},           /* MTU */
    {L_IP, 15, 4, GET | SET},     /* FREEBIND */
    {L_IP, 24, 4, GET | SET},     /* BIND_ADDRESS_NO_PORT */
    {L_IP, 32, 12, GET | SET},    /* MULTICAST_IF */
    {L_IP, 33, 4, GET | SET},     /* MULTICAST_TTL */
    {L_IP, 34, 4, GET | SET},     /* MULTICAST_LOOP */
    {L_IP, 35, 12, SET},          /* ADD_MEMBERSHIP */
    {L_IP, 36, 12, SET},          /* DROP_MEMBERSHIP */
    {L_TCP, 1, 4, GET | SET},     /* NODELAY */
    {L_TCP, 2, 4, GET | SET},     /* MAXSEG */
    {L_TCP, 3, 4, GET | SET},     /* CORK */
    {L_TCP, 4, 4, GET | SET},     /* KEEPIDLE */
    {L_TCP, 5, 4, GET | SET},     /* KEEPINTVL */
    {L_TCP, 6, 4, GET | SET},     /* KEEPCNT */
    {L_TCP, 7, 4, GET | SET},     /* SYNCNT */
    {L_TCP, 8, 4, GET | SET},     /* LINGER2 */
    {L_TCP, 9, 4, GET | SET},     /* DEFER_ACCEPT */
    {L_TCP, 10, 4, GET | SET},    /* WINDOW_CLAMP */
    {L_TCP, 11, 256, GET},        /* INFO */
    {L_TCP, 12, 4, GET | SET},    /* QUICKACK */
    {L_TCP, 13, 16, GET | SET},   /* CONGESTION */
    {L_TCP, 18, 4, GET | SET},    /* USER_TIMEOUT */
    {L_TCP, 23, 4, GET | SET},    /* FASTOPEN */
    {L_TCP, 25, 4, GET | SET},    /* NOTSENT_LOWAT */
    {L_TCP, 30, 4, GET | SET},    /* FASTOPEN_CONNECT */
    {L_UDP, 1, 4, GET | SET},     /* CORK */
    {L_IPV6, 16, 4, GET | SET},   /* UNICAST_HOPS */
    {L_IPV6, 17, 4, GET | SET},   /* MULTICAST_IF */
    {L_IPV6, 18, 4, GET | SET},   /* MULTICAST_HOPS */
    {L_IPV6, 19, 4, GET | SET},   /* MULTICAST_LOOP */
    {L_IPV6, 20, 20, SET},        /* ADD_MEMBERSHIP */
    {L_IPV6, 21, 20, SET},        /* DROP_MEMBERSHIP */
    {L_IPV6, 23, 4, GET | SET},   /* MTU_DISCOVER */
    {L_IPV6, 25, 4, GET | SET},   /* RECVERR */
    {L_IPV6, 26, 4, GET | SET},   /* V6ONLY */
    {L_IPV6, 49, 4, GET | SET},   /* RECVPKTINFO */
    {L_IPV6, 51, 4, GET | SET},   /* RECVHOPLIMIT */
    {L_IPV6, 66, 4, GET | SET},   /* RECVTCLASS */
    {L_IPV6, 67, 4, GET | SET},   /* TCLASS */
};

static const struct sockopt *
find(int level, int option, int how)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].level == level && options[i].option == option)
			return (options[i].how & how ? &options[i] : NULL);
	return (NULL);
}

/* A timeout of 0 ns means none at all, which is what 0 means to the user. */
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
		ns = 1; /* at once, as Linux has it */
	else if (tv.sec > INT64_MAX / (int64_t)NS_PER_SEC - 1)
		ns = 0;
	else
		ns = (uint64_t)tv.sec * NS_PER_SEC + (uint64_t)tv.usec * 1000;
	atomic_store(option == SO_RCVTIMEO_ ? &so->rcv_ns : &so->snd_ns, ns);
	return (0);
}

static int
set_ours(struct file *f, int option, const void *value, size_t len)
{
	int on;

	if (option != SO_PASSCRED_)
		return (timeo_set(file_socket(f), option, value, len));
	if (file_socket(f)->domain != HOST_AF_UNIX)
		return (EOPNOTSUPP);
	if (len < sizeof(on))
		return (EINVAL);
	memcpy(&on, value, sizeof(on));
	sock_set_passcred(f, on != 0);
	return (0);
}

/* value has VALUE_MAX bytes. */
static void
get_ours(struct file *f, int option, void *value, uint32_t *len)
{
	struct socket *so = file_socket(f);
	struct sock_cred cred;
	struct lx_timeval tv;
	int on;

	switch (option) {
	case SO_PASSCRED_:
		on = atomic_load(&so->passcred);
		memcpy(value, &on, sizeof(on));
		*len = sizeof(on);
		break;
	case SO_PEERCRED_:
		sock_peercred(f, &cred);
		memcpy(value, &cred, sizeof(cred));
		*len = sizeof(cred);
		break;
	default:
		tv = lx_timeval_of(atomic_load(
		    option == SO_RCVTIMEO_ ? &so->rcv_ns : &so->snd_ns));
		memcpy(value, &tv, sizeof(tv));
		*len = sizeof(tv);
	}
}

int
sys_getsockopt(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint8_t value[VALUE_MAX] = {0};
	const struct sockopt *o;
	uint32_t room, len;
	struct file *f;
	int error;

	error = sys_sock_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	error = copyin(lwp_vmspace(l), &room, a[4], sizeof(room));
	o = find((int)a[1], (int)a[2], GET);
	if (error == 0 && (int32_t)room < 0)
		error = EINVAL;
	if (error == 0 && o == NULL)
		error = ENOPROTOOPT;
	if (error == 0 && (o->how & OURS) != 0)
		get_ours(f, o->option, value, &len);
	else if (error == 0) {
		len = o->size;
		error = host_getsockopt(
		    f->hostfd, o->level, o->option, value, &len);
	}
	file_free(f);
	if (error != 0)
		return (error);
	if (len > room)
		len = room;
	error = copyout(lwp_vmspace(l), value, a[3], len);
	if (error == 0)
		error = copyout(lwp_vmspace(l), &len, a[4], sizeof(len));
	return (error);
}

int
sys_setsockopt(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint8_t value[VALUE_MAX] = {0};
	const struct sockopt *o;
	size_t len = (uint32_t)a[4];
	struct file *f;
	int error;

	error = sys_sock_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	o = find((int)a[1], (int)a[2], SET);
	if ((int32_t)a[4] < 0)
		error = EINVAL;
	else if (o == NULL || file_socket(f)->inherited)
		error = ENOPROTOOPT;
	else {
		/* Linux looks at no more than the value, too. */
		if (len > o->size)
			len = o->size;
		error = copyin(lwp_vmspace(l), value, a[3], len);
	}
	if (error == 0)
		error = o->how & OURS ? set_ours(f, o->option, value, len)
				      : host_setsockopt(f->hostfd, o->level,
					    o->option, value, (uint32_t)len);
	file_free(f);
	return (error);
}
