/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sockets of the network that guests see: the embedder makes them, or this
 * process in its own network, or they are the kernel's own; or there is no
 * network, as in each name space of networks but the first.
 */
#include "linux/lib/sys_net.h"

#include <errno.h>

#include "host/host_sock.h"
#include "linux/lib/sys_int.h"

int
sys_net_socket(struct lwp *l, int domain, int type, int protocol, int *fd)
{
	const struct vkernel_config *c = &l->p->k->config;
	int error = ENONET;

	if (atomic_load(&l->p->offline))
		return (EACCES);
	if (c->net_socket != NULL)
		error = c->net_socket(c->net_arg, domain, type, protocol, fd);
	else if (c->net_host)
		error = host_socket(domain, type, protocol, fd);
	if (error != ENONET)
		return (error);
	if (c->net_loopback) {
		if (c->net_socket != NULL)
			sys_log_once(l, UINT64_C(0x20000),
			    "Internet sockets are the kernel's own: the host "
			    "permits no network namespace for this user");
		return (ENONET);
	}
	sys_log_once(l, UINT64_C(0x10000) + (uint64_t)domain,
	    c->net_socket != NULL
		? "cannot make an Internet socket: the host permits no network "
		  "namespace for this user; run with --net host to use its "
		  "network"
		: "cannot make an Internet socket: the network is off; run "
		  "with --net loopback or --net host to allow it");
	return (EACCES);
}
