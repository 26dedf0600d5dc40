/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sockets: families, types, levels, options, messages.
 * Source: socket(2), socket(7), ip(7), ipv6(7), tcp(7), udp(7), sendmsg(2).
 */
#ifndef ABI_SOCKET_H
#define ABI_SOCKET_H

#include <stdint.h>

#define LX_AF_UNIX 1
#define LX_AF_INET 2
#define LX_AF_INET6 10

#define LX_SOCK_STREAM 1
#define LX_SOCK_DGRAM 2
#define LX_SOCK_SEQPACKET 5
#define LX_SOCK_TYPE_MASK 0xf

/* Protocols, and levels of options. */
#define LX_IPPROTO_TCP 6
#define LX_IPPROTO_UDP 17
#define LX_SOL_SOCKET 1
#define LX_SOL_IP 0
#define LX_SOL_TCP 6
#define LX_SOL_UDP 17
#define LX_SOL_IPV6 41

#define LX_SO_REUSEADDR 2
#define LX_SO_TYPE 3
#define LX_SO_ERROR 4
#define LX_SO_DONTROUTE 5
#define LX_SO_BROADCAST 6
#define LX_SO_SNDBUF 7
#define LX_SO_RCVBUF 8
#define LX_SO_KEEPALIVE 9
#define LX_SO_OOBINLINE 10
#define LX_SO_PRIORITY 12
#define LX_SO_LINGER 13
#define LX_SO_REUSEPORT 15
#define LX_SO_PASSCRED 16
#define LX_SO_PEERCRED 17
#define LX_SO_RCVLOWAT 18
#define LX_SO_SNDLOWAT 19
#define LX_SO_RCVTIMEO 20
#define LX_SO_SNDTIMEO 21
#define LX_SO_TIMESTAMP 29
#define LX_SO_ACCEPTCONN 30
#define LX_SO_TIMESTAMPNS 35
#define LX_SO_PROTOCOL 38
#define LX_SO_DOMAIN 39
#define LX_SO_INCOMING_CPU 49

#define LX_IP_TOS 1
#define LX_IP_TTL 2
#define LX_IP_PKTINFO 8
#define LX_IP_MTU_DISCOVER 10
#define LX_IP_RECVERR 11
#define LX_IP_RECVTTL 12
#define LX_IP_RECVTOS 13
#define LX_IP_MTU 14
#define LX_IP_FREEBIND 15
#define LX_IP_BIND_ADDRESS_NO_PORT 24
#define LX_IP_MULTICAST_IF 32
#define LX_IP_MULTICAST_TTL 33
#define LX_IP_MULTICAST_LOOP 34
#define LX_IP_ADD_MEMBERSHIP 35
#define LX_IP_DROP_MEMBERSHIP 36

#define LX_TCP_NODELAY 1
#define LX_TCP_MAXSEG 2
#define LX_TCP_CORK 3
#define LX_TCP_KEEPIDLE 4
#define LX_TCP_KEEPINTVL 5
#define LX_TCP_KEEPCNT 6
#define LX_TCP_SYNCNT 7
#define LX_TCP_LINGER2 8
#define LX_TCP_DEFER_ACCEPT 9
#define LX_TCP_WINDOW_CLAMP 10
#define LX_TCP_INFO 11
#define LX_TCP_QUICKACK 12
#define LX_TCP_CONGESTION 13
#define LX_TCP_USER_TIMEOUT 18
#define LX_TCP_FASTOPEN 23
#define LX_TCP_NOTSENT_LOWAT 25
#define LX_TCP_FASTOPEN_CONNECT 30

#define LX_UDP_CORK 1

#define LX_IPV6_UNICAST_HOPS 16
#define LX_IPV6_MULTICAST_IF 17
#define LX_IPV6_MULTICAST_HOPS 18
#define LX_IPV6_MULTICAST_LOOP 19
#define LX_IPV6_ADD_MEMBERSHIP 20
#define LX_IPV6_DROP_MEMBERSHIP 21
#define LX_IPV6_MTU_DISCOVER 23
#define LX_IPV6_RECVERR 25
#define LX_IPV6_V6ONLY 26
#define LX_IPV6_RECVPKTINFO 49
#define LX_IPV6_RECVHOPLIMIT 51
#define LX_IPV6_RECVTCLASS 66
#define LX_IPV6_TCLASS 67

#define LX_MSG_OOB 0x1
#define LX_MSG_PEEK 0x2
#define LX_MSG_DONTROUTE 0x4
#define LX_MSG_CTRUNC 0x8
#define LX_MSG_TRUNC 0x20
#define LX_MSG_DONTWAIT 0x40
#define LX_MSG_EOR 0x80
#define LX_MSG_WAITALL 0x100
#define LX_MSG_CONFIRM 0x800
#define LX_MSG_ERRQUEUE 0x2000
#define LX_MSG_NOSIGNAL 0x4000
#define LX_MSG_MORE 0x8000
#define LX_MSG_WAITFORONE 0x10000
#define LX_MSG_FASTOPEN 0x20000000
#define LX_MSG_CMSG_CLOEXEC 0x40000000

/* Types of control messages of SOL_SOCKET. */
#define LX_SCM_RIGHTS 1
#define LX_SCM_CREDENTIALS 2

struct lx_msghdr {
	uint64_t name;
	int32_t namelen;
	uint32_t pad;
	uint64_t iov, iovlen;
	uint64_t control, controllen;
	uint32_t flags, pad2;
};
_Static_assert(sizeof(struct lx_msghdr) == 56, "struct msghdr");

struct lx_mmsghdr {
	struct lx_msghdr hdr;
	uint32_t len, pad;
};
_Static_assert(sizeof(struct lx_mmsghdr) == 64, "struct mmsghdr");

#endif /* ABI_SOCKET_H */
