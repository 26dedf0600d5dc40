/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Requests of ioctl about network interfaces (netdevice(7)), and SIOCATMARK.
 *
 * Linux answers the former on a socket of any family, those about addresses on
 * an AF_INET socket.  The socket of the guest may not belong to the network
 * that guests see (a UNIX socket is made by this process), so a socket of that
 * network is asked, or, for this kernel's own loopback, the answer is made
 * here. Where there is no network, there are no interfaces. Nothing can be
 * changed: EPERM, as for a process without CAP_NET_ADMIN.
 */
#include "linux/file/sys_netif.h"

#include <errno.h>
#include <string.h>

#include "abi/ioctl.h"
#include "abi/netlink.h"
#include "abi/socket.h"
#include "host/host_file.h"
#include "linux/lib/sys_int.h"
#include "linux/lib/sys_net.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/socket/socket.h"

#define IFREQ_SIZE sizeof(struct lx_ifreq)
#define IFCONF_MAX (IFREQ_SIZE * 256)

/* The one interface of this kernel's own loopback. */
#define OWN_NAME "lo"
#define OWN_ADDRESS 0x7f000001u
#define OWN_MASK 0xff000000u

struct lx_ifconf {
	int32_t len;
	uint32_t pad;
	uint64_t buf;
};

static void
put_address(struct lx_ifreq *r, uint32_t ip)
{
	r->family = LX_AF_INET;
	for (int i = 0; i < 4; i++)
		r->raw[4 + i] = (uint8_t)(ip >> (24 - 8 * i));
}

/* What the interface of this kernel's own loopback says. */
static int
own_interface(unsigned long cmd, struct lx_ifreq *r)
{
	const bool named = strncmp(r->name, OWN_NAME, sizeof(r->name)) == 0;

	if (cmd == LX_SIOCGIFNAME ? r->number != 1 : !named)
		return (ENODEV);
	if (cmd == LX_SIOCGIFNAME) {
		memcpy(r->name, OWN_NAME, sizeof(OWN_NAME));
		return (0);
	}
	memset(r->raw, 0, sizeof(r->raw));
	switch (cmd) {
	case LX_SIOCGIFADDR:
	case LX_SIOCGIFDSTADDR:
		put_address(r, OWN_ADDRESS);
		break;
	case LX_SIOCGIFBRDADDR:
		put_address(r, 0);
		break;
	case LX_SIOCGIFNETMASK:
		put_address(r, OWN_MASK);
		break;
	case LX_SIOCGIFFLAGS:
		r->flags = LX_IFF_UP | LX_IFF_LOOPBACK | LX_IFF_RUNNING;
		break;
	case LX_SIOCGIFHWADDR:
		r->family = LX_ARPHRD_LOOPBACK;
		break;
	case LX_SIOCGIFMTU:
		r->number = 65536;
		break;
	case LX_SIOCGIFINDEX:
		r->number = 1;
		break;
	case LX_SIOCGIFTXQLEN:
		r->number = 1000;
		break;
	default: /* no metric, no memory */
		break;
	}
	return (0);
}

static int
own_list(struct lx_ifconf *c)
{
	struct lx_ifreq r = {.name = OWN_NAME};

	put_address(&r, OWN_ADDRESS);
	if (c->buf == 0)
		c->len = sizeof(r);
	else if (c->len < (int32_t)sizeof(r))
		c->len = 0;
	else {
		c->len = sizeof(r);
		memcpy((void *)(uintptr_t)c->buf, &r, sizeof(r));
	}
	return (0);
}

static int
ask(struct lwp *l, unsigned long cmd, void *arg)
{
	int fd, error;
	long res;

	error =
	    sys_net_socket(l, LX_AF_INET, LX_SOCK_DGRAM, LX_IPPROTO_UDP, &fd);
	if (error == ENONET)
		return (cmd == LX_SIOCGIFCONF ? own_list(arg)
					      : own_interface(cmd, arg));
	if (error != 0)
		return (error == EACCES ? ENODEV : error);
	error = host_ioctl(fd, cmd, arg, &res);
	(void)host_close(fd);
	return (error);
}

static int
ask_interface(struct lwp *l, unsigned long cmd, uint64_t arg)
{
	struct lx_ifreq ifreq;
	int error;

	if (copyin(lwp_vmspace(l), &ifreq, arg, sizeof(ifreq)) != 0)
		return (EFAULT);
	error = ask(l, cmd, &ifreq);
	if (error != 0)
		return (error);
	return (copyout(lwp_vmspace(l), &ifreq, arg, sizeof(ifreq)));
}

/* As many interfaces as the guest has room for; without a buffer, the room that
 * all need. */
static int
list_interfaces(struct lwp *l, uint64_t arg)
{
	struct lx_ifconf guest, host = {0};
	void *buf = NULL;
	size_t room = 0;
	int error;

	if (copyin(lwp_vmspace(l), &guest, arg, sizeof(guest)) != 0)
		return (EFAULT);
	if (guest.buf != 0) {
		if (guest.len < 0)
			return (EINVAL);
		room = (size_t)guest.len < IFCONF_MAX ? (size_t)guest.len
						      : IFCONF_MAX;
		buf = kmem_zalloc(room + 1);
		if (buf == NULL)
			return (ENOMEM);
		host.len = (int32_t)room;
		host.buf = (uintptr_t)buf;
	}
	error = ask(l, LX_SIOCGIFCONF, &host);
	if (error == ENODEV) {
		host.len = 0;
		error = 0;
	}
	if (error == 0 && buf != NULL && host.len >= 0 &&
	    (size_t)host.len <= room)
		error =
		    copyout(lwp_vmspace(l), buf, guest.buf, (size_t)host.len);
	guest.len = host.len;
	if (error == 0)
		error = copyout(lwp_vmspace(l), &guest, arg, sizeof(guest));
	if (buf != NULL)
		kmem_free(buf);
	return (error);
}

static int
at_mark(struct lwp *l, struct file *f, uint64_t arg)
{
	int32_t mark = 0;
	long res;
	int error;

	error = host_ioctl(f->hostfd, LX_SIOCATMARK, &mark, &res);
	if (error != 0)
		return (error);
	return (copyout(lwp_vmspace(l), &mark, arg, sizeof(mark)));
}

int
sys_sock_ioctl(struct lwp *l, struct file *f, uint32_t cmd, uint64_t arg)
{
	switch (cmd) {
	case LX_SIOCATMARK:
		return (at_mark(l, f, arg));
	case LX_SIOCGIFCONF:
		return (list_interfaces(l, arg));
	case LX_SIOCGIFADDR:
	case LX_SIOCGIFDSTADDR:
	case LX_SIOCGIFBRDADDR:
	case LX_SIOCGIFNETMASK:
		if (file_socket(f)->domain != LX_AF_INET)
			return (ENOTTY);
		return (ask_interface(l, cmd, arg));
	case LX_SIOCGIFNAME:
	case LX_SIOCGIFFLAGS:
	case LX_SIOCGIFMETRIC:
	case LX_SIOCGIFMTU:
	case LX_SIOCGIFHWADDR:
	case LX_SIOCGIFINDEX:
	case LX_SIOCGIFTXQLEN:
	case LX_SIOCGIFMAP:
		return (ask_interface(l, cmd, arg));
	case LX_SIOCSIFFLAGS:
	case LX_SIOCSIFADDR:
	case LX_SIOCSIFNETMASK:
	case LX_SIOCSIFMTU:
		return (EPERM);
	default:
		return (ENOTTY);
	}
}
