/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Sockets of the network that guests see. */
#ifndef LINUX_LIB_SYS_NET_H
#define LINUX_LIB_SYS_NET_H

struct lwp;

/*
 * A socket of the host in the network of guests: LX_AF_INET, LX_AF_INET6 or
 * LX_AF_NETLINK; the caller has checked the rest.
 * - An errno of socket(2); EACCES: there is no network.
 * - ENONET: the host has none for guests, who get sockets of this kernel's own
 *   loopback (vfs/socket/inet.h).
 */
int sys_net_socket(
    struct lwp *, int domain, int type, int protocol, int *hostfd);

#endif /* LINUX_LIB_SYS_NET_H */
