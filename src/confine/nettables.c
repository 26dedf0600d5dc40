/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Tables of the network.  Each open file shows the network that its opener was
 * in, as it is at the time of each read from the start.  Only tables without
 * numbers that all networks of the host share are among them.
 */
#include "confine/nettables.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[NETTABLES] = {"arp", "dev", "dev_mcast",
    "fib_trie", "if_inet6", "igmp", "igmp6", "ipv6_route", "netlink", "netstat",
    "packet", "raw", "raw6", "route", "snmp", "snmp6", "tcp", "tcp6", "udp",
    "udp6"};

void
nettables_open(struct nettables *t)
{
	char path[64];

	for (size_t i = 0; i < NETTABLES; i++) {
		(void)snprintf(
		    path, sizeof(path), "/proc/self/net/%s", names[i]);
		t->fd[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
}

void
nettables_close(struct nettables *t)
{
	for (size_t i = 0; i < NETTABLES; i++)
		if (t->fd[i] >= 0)
			(void)close(t->fd[i]);
}

int
nettables_index(const char *name)
{
	for (int i = 0; i < NETTABLES; i++)
		if (strcmp(names[i], name) == 0)
			return (i);
	return (-1);
}

int
nettables_dup(void *arg, const char *name, int *out)
{
	const struct nettables *t = arg;
	int i = nettables_index(name), fd;

	if (i < 0 || t->fd[i] < 0)
		return (ENOENT);
	fd = fcntl(t->fd[i], F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return (errno);
	*out = fd;
	return (0);
}
