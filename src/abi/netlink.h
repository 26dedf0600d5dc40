/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Interfaces, and routing sockets.
 * Source: netlink(7), rtnetlink(7), netdevice(7).
 */
#ifndef ABI_NETLINK_H
#define ABI_NETLINK_H

#include <stdint.h>

struct lx_sockaddr_nl {
	uint16_t family, pad;
	uint32_t pid, groups;
};
_Static_assert(sizeof(struct lx_sockaddr_nl) == 12, "struct sockaddr_nl");

struct lx_nlmsghdr {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, pid;
};
_Static_assert(sizeof(struct lx_nlmsghdr) == 16, "struct nlmsghdr");

#define LX_NLMSG_NOOP 1
#define LX_NLMSG_ERROR 2
#define LX_NLMSG_DONE 3
#define LX_NLM_F_MULTI 2
#define LX_NLM_F_ACK 4
#define LX_NLM_F_DUMP 0x300

/* Each topic has four messages: new, delete, get, set. */
#define LX_RTM_BASE 16
#define LX_RTM_NEWLINK 16
#define LX_RTM_GETLINK 18
#define LX_RTM_NEWADDR 20
#define LX_RTM_GETADDR 22
#define LX_RTM_NEWROUTE 24
#define LX_RTM_GETROUTE 26
#define LX_RTM_GET(type) (((type)&3) == 2)

struct lx_rtattr {
	uint16_t len, type;
};

struct lx_ifinfomsg {
	uint8_t family, pad;
	uint16_t type;
	int32_t index;
	uint32_t flags, change;
};
#define LX_IFLA_ADDRESS 1
#define LX_IFLA_BROADCAST 2
#define LX_IFLA_IFNAME 3
#define LX_IFLA_MTU 4
#define LX_IFLA_QDISC 6
#define LX_IFLA_TXQLEN 13
#define LX_IFLA_OPERSTATE 16
#define LX_ARPHRD_LOOPBACK 772

struct lx_ifaddrmsg {
	uint8_t family, bits, flags, scope;
	uint32_t index;
};
#define LX_IFA_ADDRESS 1
#define LX_IFA_LOCAL 2
#define LX_IFA_LABEL 3
#define LX_IFA_F_PERMANENT 0x80

struct lx_rtmsg {
	uint8_t family, dst_bits, src_bits, tos;
	uint8_t table, protocol, scope, type;
	uint32_t flags;
};
#define LX_RTA_DST 1
#define LX_RTA_OIF 4
#define LX_RTA_PREFSRC 7
#define LX_RTA_TABLE 15
#define LX_RT_TABLE_LOCAL 255
#define LX_RTPROT_KERNEL 2
#define LX_RT_SCOPE_HOST 254
#define LX_RTN_LOCAL 2

#define LX_IFF_UP 0x1
#define LX_IFF_LOOPBACK 0x8
#define LX_IFF_RUNNING 0x40
#define LX_IFF_LOWER_UP 0x10000

struct lx_ifreq {
	char name[16];
	union {
		uint8_t raw[24];
		uint16_t family; /* of an address */
		int16_t flags;
		int32_t number;
	};
};
_Static_assert(sizeof(struct lx_ifreq) == 40, "struct ifreq");

#endif /* ABI_NETLINK_H */
