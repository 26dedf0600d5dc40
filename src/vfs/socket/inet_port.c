/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Ports of our own Internet sockets.
 *
 * Data structures: two hash tables by port in struct sock_table. `ports` has
 * all sockets with a port, by type, so that bind finds those that are in its
 * way; `listeners` has the listening ones, so that a connect does not walk the
 * connections of a busy server.  Both are bounded by the number of sockets,
 * which are charged.
 *
 * Concepts.  Two sockets of one type are in each other's way if their addresses
 * overlap: equal ones, or a wildcard and an address of a family that it stands
 * for.  SO_REUSEADDR of both permits that, if the other one does not listen,
 * and SO_REUSEPORT of both, if one user has them.  A connection keeps the port
 * of its socket until it is closed, not longer: there is no TIME_WAIT.
 *
 * The best socket for an address has most of it, in this order: a peer, the
 * address itself, the wildcard of its family, the wildcard of both.
 *
 * Locking: the lock of the table.
 */
#include <errno.h>
#include <string.h>

#include "host/host.h"
#include "libk/kassert.h"
#include "vfs/core/vfs.h"
#include "vfs/socket/inet_int.h"

#define EPHEMERAL_FIRST 32768u
#define EPHEMERAL_COUNT 28232u /* up to 60999, as Linux */

static struct sock_table *
table_of(const struct inet_sock *is)
{
	return (is->so->vfs->sockets);
}

static struct inet_list *
ports_of(struct sock_table *s, int type, uint16_t port)
{
	return (&s->ports[type == LX_SOCK_DGRAM][port % INET_PORTS]);
}

static bool
same_ip(const struct inet_addr *a, const struct inet_addr *b)
{
	return (memcmp(a->ip, b->ip, sizeof(a->ip)) == 0);
}

/* How much of `to` does the socket have?  0: it does not receive what is sent
 * there. */
static int
score(const struct inet_sock *is, const struct inet_addr *to)
{
	const bool four = inet_is_mapped(to);

	if (is->local.port != to->port)
		return (0);
	if (same_ip(&is->local, to))
		return (3);
	if (!inet_is_any(&is->local))
		return (0);
	if (inet_is_mapped(&is->local) == four)
		return (2);
	return (four && !is->v6only ? 1 : 0);
}

/* Is there an address that both receive? */
static bool
overlap(const struct inet_sock *a, const struct inet_sock *b)
{
	return (score(a, &b->local) != 0 || score(b, &a->local) != 0);
}

/* Does `b` keep `a` from its address?  alone: no sharing. */
static bool
in_the_way(const struct inet_sock *a, const struct inet_sock *b, bool alone)
{
	if (a == b || !overlap(a, b))
		return (false);
	if (alone)
		return (true);
	if (a->reuseport && b->reuseport &&
	    atomic_load(&a->so->uid) == atomic_load(&b->so->uid))
		return (false);
	return (!a->reuse || !b->reuse || b->listening);
}

static bool
taken(const struct inet_sock *is, bool alone)
{
	const struct inet_sock *other;

	LIST_FOREACH (other,
	    ports_of(table_of(is), is->so->type, is->local.port), port_link)
		if (in_the_way(is, other, alone))
			return (true);
	return (false);
}

int
inet_port_take(struct inet_sock *is, const struct inet_addr *a)
{
	const struct inet_addr old = is->local;
	uint32_t r;
	unsigned i;

	KASSERT(!is->has_port);
	is->local = *a;
	if (a->port != 0) {
		if (taken(is, false))
			goto fail;
	} else {
		host_random(&r, sizeof(r));
		for (i = 0; i < EPHEMERAL_COUNT; i++) {
			is->local.port = (uint16_t)(EPHEMERAL_FIRST +
						    (r + i) % EPHEMERAL_COUNT);
			if (!taken(is, true))
				break;
		}
		if (i == EPHEMERAL_COUNT)
			goto fail;
	}
	inet_port_share(is, &is->local);
	return (0);
fail:
	is->local = old;
	return (EADDRINUSE);
}

void
inet_port_share(struct inet_sock *is, const struct inet_addr *a)
{
	is->local = *a;
	is->has_port = true;
	LIST_INSERT_HEAD(
	    ports_of(table_of(is), is->so->type, a->port), is, port_link);
}

void
inet_port_leave(struct inet_sock *is)
{
	if (is->has_port)
		LIST_REMOVE(is, port_link);
	is->has_port = false;
	is->local.port = 0;
}

int
inet_listen_begin(struct inet_sock *is)
{
	if (is->listening)
		return (0);
	if (taken(is, false))
		return (EADDRINUSE);
	is->listening = true;
	LIST_INSERT_HEAD(&table_of(is)->listeners[is->local.port % INET_PORTS],
	    is, listen_link);
	return (0);
}

void
inet_listen_end(struct inet_sock *is)
{
	if (is->listening)
		LIST_REMOVE(is, listen_link);
	is->listening = false;
}

struct inet_sock *
inet_find_number(struct sock_table *s, uint16_t port, uint64_t number)
{
	struct inet_sock *is;

	LIST_FOREACH (is, ports_of(s, LX_SOCK_STREAM, port), port_link)
		if (is->so->number == number)
			return (is);
	return (NULL);
}

struct inet_sock *
inet_find_client(struct sock_table *s, uint16_t port, uint64_t id)
{
	struct inet_sock *is;

	LIST_FOREACH (is, ports_of(s, LX_SOCK_STREAM, port), port_link)
		if (is->id == id)
			return (is);
	return (NULL);
}

/* Sockets that are equally good (SO_REUSEPORT) share the clients by their
 * ports. */
struct inet_sock *
inet_find_listener(struct sock_table *s, const struct inet_addr *from,
    const struct inet_addr *to)
{
	struct inet_sock *is, *found = NULL;
	unsigned equal = 0;
	int best = 0, n;

	LIST_FOREACH (is, &s->listeners[to->port % INET_PORTS], listen_link) {
		n = score(is, to);
		if (n == 0 || n < best)
			continue;
		equal = n == best ? equal + 1 : 1;
		if (n > best || from->port % equal == 0)
			found = is;
		best = n;
	}
	return (found);
}

struct inet_sock *
inet_find_dgram(struct sock_table *s, const struct inet_addr *from,
    const struct inet_addr *to)
{
	struct inet_sock *is, *found = NULL;
	unsigned equal = 0;
	int best = 0, n;

	LIST_FOREACH (is, ports_of(s, LX_SOCK_DGRAM, to->port), port_link) {
		n = score(is, to);
		if (n != 0 && is->connected) {
			if (!same_ip(&is->peer, from) ||
			    is->peer.port != from->port)
				continue;
			n += 4;
		}
		if (n == 0 || n < best)
			continue;
		equal = n == best ? equal + 1 : 1;
		if (n > best || (is->reuseport && from->port % equal == 0))
			found = is;
		best = n;
	}
	return (found);
}
