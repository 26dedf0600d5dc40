/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sockets that only messages hold open.
 *
 * Purpose: a guest can send a socket through itself, or two sockets through
 * each other, and close its descriptors.  Then no process can receive the
 * messages, and no close ends the sockets.
 *
 * Concepts: mark and sweep over the files in parcels, as Linux does in
 * unix_gc().  A parcel lies in the queue of a socket, its target.  A socket in
 * parcels is reached if it has more refs than parcels hold, or if a reached
 * parcel holds it.  A parcel is reached if its target is reached, or is in no
 * parcel.  What is not reached when nothing changes any more is lost.
 *
 * The sender notes where its message goes (struct sock_dest), and the target is
 * looked up from that at each collection:
 *
 *	SOCK_TO_MATE	the other one of a pair, by its number
 *	SOCK_TO_ID	a socket with a name at the host, by its id
 *	SOCK_TO_CONN	the accepted connection of the client with that id, or,
 *			as long as there is none, the listener that has it in
 *its backlog
 *
 * Data structures: hash tables, on the stack, of the sockets in parcels by
 * number and by id, and of parcels by the number of their target; and
 * sockets->conns, the accepted connections by the id of their client.  Each
 * socket and each parcel is looked at once.
 *
 * Locking: vfs->sockets->lock, under which files enter and leave parcels.  A
 *lost file can get no new ref meanwhile: each way to one leads through a
 *descriptor or a received message, which is a ref that no parcel holds.
 */
#include "vfs/socket/socket_int.h"

#include "abi/socket.h"
#include "libk/kassert.h"
#include "vfs/core/file.h"
#include "vfs/core/vfs.h"

#define BUCKETS 256

LIST_HEAD(socket_list, socket);

struct gc {
	struct vfs *vfs;
	struct socket_list number[BUCKETS]; /* in parcels, not reached */
	struct socket_list id[BUCKETS];     /* in parcels, with a name */
	struct parcel_list lying[BUCKETS];  /* by number of the target */
	struct socket_list work;            /* reached, their parcels not yet */
	uint64_t round;
};

struct sock_dest
sock_dest_of(struct socket *so, const struct host_sockaddr *to)
{
	struct sock_dest d = {.kind = SOCK_TO_ID};
	struct sock_cred unused;

	if (to == NULL) {
		kmutex_lock(&so->vfs->sockets->lock);
		d = so->dest;
		kmutex_unlock(&so->vfs->sockets->lock);
		return (d);
	}
	if (!unix_host_parse(so->vfs, to, &d.id, &unused))
		return ((struct sock_dest){.kind = SOCK_TO_UNKNOWN});
	if (so->type != LX_SOCK_DGRAM) {
		d.kind = SOCK_TO_CONN;
		d.listener = d.id;
		d.id = so->id;
	}
	return (d);
}

static unsigned
gc_slot(uint64_t number)
{
	return ((unsigned)(number % BUCKETS));
}

static struct socket *
gc_by_number(struct gc *g, uint64_t number)
{
	struct socket *so;

	LIST_FOREACH (so, &g->number[gc_slot(number)], gc)
		if (so->number == number)
			return (so);
	return (NULL);
}

static struct socket *
gc_by_id(struct gc *g, uint64_t id)
{
	struct socket *so;

	LIST_FOREACH (so, &g->id[gc_slot(id)], gc_id)
		if (so->id == id)
			return (so);
	return (NULL);
}

/* The target of a parcel if it is in a parcel itself, else NULL. */
static struct socket *
gc_target(struct gc *g, const struct sock_parcel *p)
{
	struct socket *so;

	switch (p->to.kind) {
	case SOCK_TO_MATE:
		return (gc_by_number(g, p->to.id));
	case SOCK_TO_ID:
		return (gc_by_id(g, p->to.id));
	case SOCK_TO_CONN:
		LIST_FOREACH (
		    so, &g->vfs->sockets->conns[p->to.id % SOCK_CONNS], conn)
			if (so->client == p->to.id)
				return (so->gc_round == g->round ? so : NULL);
		return (gc_by_id(g, p->to.listener));
	default:
		return (NULL);
	}
}

static void
gc_reach_socket(struct gc *g, struct socket *so)
{
	if (so->reached)
		return;
	so->reached = true;
	LIST_REMOVE(so, gc);
	LIST_INSERT_HEAD(&g->work, so, gc);
}

static void
gc_reach_parcel(struct gc *g, struct sock_parcel *p)
{
	struct socket *so;

	if (p->reached)
		return;
	p->reached = true;
	for (int i = 0; i < p->nfiles; i++) {
		so = file_socket(p->files[i]);
		if (so != NULL)
			gc_reach_socket(g, so);
	}
}

/* Count how many parcels hold each socket, and make the tables of sockets. */
static void
gc_count(struct gc *g)
{
	struct sock_parcel *p;
	struct socket *so;

	LIST_FOREACH (p, &g->vfs->sockets->parcels, link)
		for (int i = 0; i < p->nfiles; i++) {
			so = file_socket(p->files[i]);
			if (so == NULL)
				continue;
			if (so->gc_round == g->round) {
				so->flights++;
				continue;
			}
			so->gc_round = g->round;
			so->flights = 1;
			so->reached = false;
			LIST_INSERT_HEAD(
			    &g->number[gc_slot(so->number)], so, gc);
			if (so->id != 0)
				LIST_INSERT_HEAD(
				    &g->id[gc_slot(so->id)], so, gc_id);
		}
}

/* Find the targets, while every socket is still in its table. */
static void
gc_targets(struct gc *g)
{
	struct sock_parcel *p;
	struct socket *so;

	LIST_FOREACH (p, &g->vfs->sockets->parcels, link) {
		so = gc_target(g, p);
		p->reached = false;
		p->target = so != NULL ? so->number : 0;
		if (so != NULL)
			LIST_INSERT_HEAD(&g->lying[gc_slot(so->number)], p, gc);
	}
}

/* What is reached without a parcel. */
static void
gc_roots(struct gc *g)
{
	struct sock_parcel *p;
	struct socket *so;

	LIST_FOREACH (p, &g->vfs->sockets->parcels, link) {
		if (p->target == 0)
			gc_reach_parcel(g, p);
		for (int i = 0; i < p->nfiles; i++) {
			so = file_socket(p->files[i]);
			if (so != NULL &&
			    atomic_load(&p->files[i]->refs) > so->flights)
				gc_reach_socket(g, so);
		}
	}
}

void
parcel_find_lost(struct vfs *vfs, struct parcel_list *dead)
{
	struct gc g = {.vfs = vfs, .round = ++vfs->sockets->gc_round};
	struct sock_parcel *p, *next;
	struct socket *so;

	kmutex_assert_owned(&vfs->sockets->lock);
	if (vfs->sockets->nflights == 0)
		return;
	gc_count(&g);
	gc_targets(&g);
	gc_roots(&g);
	while ((so = LIST_FIRST(&g.work)) != NULL) {
		LIST_REMOVE(so, gc);
		LIST_FOREACH (p, &g.lying[gc_slot(so->number)], gc)
			if (p->target == so->number)
				gc_reach_parcel(&g, p);
	}
	LIST_FOREACH_SAFE (p, &vfs->sockets->parcels, link, next) {
		if (p->reached)
			continue;
		parcel_delist(vfs, p);
		LIST_INSERT_HEAD(dead, p, link);
	}
}
