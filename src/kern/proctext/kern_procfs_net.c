/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Tables of the network: /proc/net.
 *
 * Concepts.  Internet sockets of guests are sockets of the host in a network of
 * the embedder's choice.  Its tables are the host's texts about that network;
 * the embedder opens them (net_table of struct vkernel_config), and this
 * process reads what it gets.  A text that counts what is the same for all
 * networks of the host is none of them: sockstat is made of the tables of TCP
 * and UDP. UNIX sockets are this kernel's own.
 *
 * The tables of this kernel's own loopback (vfs/socket/inet.c) are made here.
 * Without a network a table has only its head, and dev the loopback interface.
 *
 * Limits.  The host knows its own user as the owner of all sockets.
 */
#include "kern/proctext/kern_procfs_int.h"

#include <errno.h>
#include <string.h>

#include "abi/socket.h"
#include "host/host_file.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/proctext/kern_procfs.h"
#include "mem/kmem.h"
#include "vfs/core/vfs.h"
#include "vfs/socket/inet.h"
#include "vfs/socket/socket.h"

#define PIECE ((size_t)16 << 10)
#define TABLE_MAX ((size_t)16 << 20) /* bytes of one table */

#define TCP_HEAD                                                              \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when " \
	"retrnsmt   uid  timeout inode"
#define TCP6_HEAD                                                              \
	"  sl  local_address                         remote_address          " \
	"              st tx_queue rx_queue tr tm->when retrnsmt   uid  "      \
	"timeout inode\n"
#define UDP_HEAD                                                               \
	"   sl  local_address rem_address   st tx_queue rx_queue tr tm->when " \
	"retrnsmt   uid  timeout inode ref pointer drops"
#define UDP6_HEAD                                                              \
	"   sl  local_address                         remote_address         " \
	"              st tx_queue rx_queue tr tm->when retrnsmt   uid  "      \
	"timeout inode ref pointer drops\n"
#define PAD128 "                                              \n"
#define DEV_HEAD                                                               \
	"Inter-|   Receive                                                |  " \
	"Transmit\n face |bytes    packets errs drop fifo frame compressed "   \
	"multicast|bytes    packets errs drop fifo colls carrier "             \
	"compressed\n"
#define DEV_LO                                                                 \
	"    lo:       0       0    0    0    0     0          0         0   " \
	"     0       0    0    0    0     0       0          0\n"

static const struct {
	const char *name;
	const char *head; /* without a network */
} tables[] = {
    {"arp", "IP address       HW type     Flags       HW address            "
	    "Mask     Device\n"},
    {"dev", DEV_HEAD DEV_LO},
    {"dev_mcast", ""},
    {"fib_trie", ""},
    {"if_inet6", ""},
    {"igmp", "Idx\tDevice    : Count Querier\tGroup    Users Timer\t"
	     "Reporter\n"},
    {"igmp6", ""},
    {"ipv6_route", ""},
    {"netlink", "sk               Eth Pid        Groups   Rmem     Wmem     "
		"Dump  Locks    Drops    Inode\n"},
    {"netstat", ""},
    {"packet", "sk               RefCnt Type Proto  Iface R Rmem   User   "
	       "Inode\n"},
    {"raw", UDP_HEAD "\n"},
    {"raw6", UDP6_HEAD},
    {"route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask"
	      "\t\tMTU\tWindow\tIRTT" PAD128},
    {"snmp", ""},
    {"snmp6", ""},
    {"tcp", TCP_HEAD PAD128},
    {"tcp6", TCP6_HEAD},
    {"udp", UDP_HEAD "\n"},
    {"udp6", UDP6_HEAD},
};
#define NTABLES (sizeof(tables) / sizeof(tables[0]))

/* The order of `tables`, and then those that are made here. */
const char *const kern_net_names[] = {"arp", "dev", "dev_mcast", "fib_trie",
    "if_inet6", "igmp", "igmp6", "ipv6_route", "netlink", "netstat", "packet",
    "raw", "raw6", "route", "snmp", "snmp6", "tcp", "tcp6", "udp", "udp6",
    "sockstat", "sockstat6", "unix", NULL};
enum { NET_SOCKSTAT = NTABLES, NET_SOCKSTAT6, NET_UNIX };
_Static_assert(
    sizeof(kern_net_names) / sizeof(kern_net_names[0]) == NET_UNIX + 2,
    "a name for each table");

/* Is the reader in a name space without a network? */
static bool
offline(void)
{
	const struct lwp *reader = lwp_current();

	return (reader != NULL && atomic_load(&reader->p->offline));
}

/* The host's text of a table.  ENONET: there is no network; errors of the
 * embedder and of the host. */
static int
table_read(struct vkernel *k, const char *name, struct procfs_buf *b)
{
	const struct vkernel_config *c = &k->config;
	struct kmem_acct *cost;
	size_t done = 1;
	char *buf;
	int fd, error;

	if (c->net_table == NULL || offline())
		return (ENONET);
	error = kmem_fd_charge(1, &cost);
	if (error != 0)
		return (error);
	error = c->net_table(c->net_arg, name, &fd);
	if (error != 0) {
		kmem_fd_uncharge(cost, 1);
		return (error);
	}
	buf = kmem_alloc(PIECE);
	if (buf == NULL)
		error = ENOMEM;
	for (uint64_t at = 0; error == 0 && done != 0 && at < TABLE_MAX;
	     at += done) {
		error = host_pread(fd, buf, PIECE, at, &done);
		if (error == 0)
			procfs_write(b, buf, done);
	}
	kmem_free(buf);
	(void)host_close(fd);
	kmem_fd_uncharge(cost, 1);
	return (error);
}

static void
add_line(void *b, const char *line)
{
	procfs_write(b, line, strlen(line));
}

/* The text of a table of this kernel's own loopback. */
static void
own_table(struct vkernel *k, unsigned idx, struct procfs_buf *b)
{
	static const struct {
		const char *name, *text;
	} fixed[] = {
	    {"if_inet6", "00000000000000000000000000000001 01 80 10 80       "
			 "lo\n"},
	    {"ipv6_route",
		"00000000000000000000000000000001 80 "
		"00000000000000000000000000000000 00 "
		"00000000000000000000000000000000 00000000 00000002 00000000 "
		"80200001       lo\n"},
	};
	static const struct {
		const char *name;
		int domain, type;
	} sockets[] = {{"tcp", LX_AF_INET, LX_SOCK_STREAM},
	    {"tcp6", LX_AF_INET6, LX_SOCK_STREAM},
	    {"udp", LX_AF_INET, LX_SOCK_DGRAM},
	    {"udp6", LX_AF_INET6, LX_SOCK_DGRAM}};
	const char *name = tables[idx].name;

	procfs_printf(b, "%s", tables[idx].head);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (strcmp(name, fixed[i].name) == 0)
			procfs_printf(b, "%s", fixed[i].text);
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		if (strcmp(name, sockets[i].name) == 0)
			inet_lines(k->vfs, sockets[i].domain, sockets[i].type,
			    add_line, b);
}

/* A table of the network that the reader is in. */
static void
table_text(struct vkernel *k, unsigned idx, struct procfs_buf *b)
{
	const int error = table_read(k, tables[idx].name, b);

	if (error == ENONET && k->config.net_loopback && !offline())
		own_table(k, idx, b);
	else if (error != 0 && b->len == 0)
		procfs_printf(b, "%s", tables[idx].head);
}

/* How many sockets does a table have? */
static unsigned
table_count(struct vkernel *k, const char *name)
{
	struct procfs_buf b;
	unsigned n = 0, idx = 0;

	while (strcmp(tables[idx].name, name) != 0)
		idx++;
	procfs_buf_init(&b);
	table_text(k, idx, &b);
	for (size_t i = 0; i < b.len; i++)
		n += b.data[i] == '\n';
	procfs_buf_destroy(&b);
	return (n > 0 ? n - 1 : 0); /* the head */
}

static void
text_sockstat(struct vkernel *k, struct procfs_buf *b)
{
	const unsigned tcp = table_count(k, "tcp"), udp = table_count(k, "udp");

	procfs_printf(b,
	    "sockets: used %u\nTCP: inuse %u orphan 0 tw 0 alloc %u mem 0\n"
	    "UDP: inuse %u mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\n"
	    "FRAG: inuse 0 memory 0\n",
	    sock_count(k->vfs), tcp, tcp, udp);
}

static void
text_sockstat6(struct vkernel *k, struct procfs_buf *b)
{
	procfs_printf(b,
	    "TCP6: inuse %u\nUDP6: inuse %u\nUDPLITE6: inuse 0\n"
	    "RAW6: inuse 0\nFRAG6: inuse 0 memory 0\n",
	    table_count(k, "tcp6"), table_count(k, "udp6"));
}

int
kern_net_text(void *arg, unsigned idx, struct procfs_buf *b)
{
	struct vkernel *k = arg;

	if (idx == NET_SOCKSTAT)
		text_sockstat(k, b);
	else if (idx == NET_SOCKSTAT6)
		text_sockstat6(k, b);
	else if (idx == NET_UNIX) {
		procfs_printf(b, "Num       RefCount Protocol Flags    Type St "
				 "Inode Path\n");
		sock_unix_lines(k->vfs, add_line, b);
	} else
		table_text(k, idx, b);
	return (0);
}
