/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Open files and the ids of the sender in a message of a UNIX socket.
 *
 * Concepts.  The bytes of a message are in a socket of the host, but the host
 * cannot carry the guest's open files: most of them are no descriptors there.
 * So a message with files carries a descriptor, the carrier, as the host's
 * SCM_RIGHTS: the reading end of an empty pipe.  The files wait in a parcel of
 * this kernel, which keeps the writing end.  The receiver of the carrier finds
 * the parcel by the pipe's inode, takes the files and closes the carrier.  So
 * the host handles the carrier as it handles the message: the carrier is
 * peeked at, arrives with the right bytes, and is closed when the message is
 * dropped.  Guests never see a carrier.
 *
 * Collection.  A message may be dropped, with its socket or because a plain
 * read took it.  Then no descriptor of the reading end is left, and the writing
 * end polls as an error.  Such parcels are freed when a socket is closed and
 * when there are COLLECT_MIN parcels.  Freeing files may close sockets that had
 * messages themselves; that is done in a loop, never by recursion.  Sockets
 * that only messages in each other's queues hold open are found by sock_gc.c.
 *
 * Ids.  A message gets a parcel for the ids of its sender if either socket has
 * SO_PASSCRED, as on Linux; also if its connection has not been accepted yet,
 * because the receiver may ask for ids afterwards.
 *
 * Locking and lifetime.  vfs->sockets->lock protects the list.  Files are freed
 * without it.  A parcel does not poll as an error before the sender has closed
 * its own carrier, so it is not freed too early.
 *
 * Limits.  PARCELS_MAX messages with files under way in one kernel, and
 * PARCELS_SHARE messages with FILES_SHARE files of one process.
 */
#include "vfs/socket/socket_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/poll.h"
#include "host/host.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "vfs/core/file.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "mem/kmem.h"
#include "mem/vm_types.h"
#include "mem/vm_zone.h"

#define PARCELS_MAX 1024
#define PARCELS_SHARE 512 /* of one process */
#define FILES_SHARE                                                          \
	1024                /* in parcels of one process: the usual limit of \
			       descriptors, as on Linux */
#define CARRIER_FDS 2       /* both ends of its pipe */
#define COLLECT_ROUNDS 4096 /* other threads may close without end */
#define WANTING_SCAN 64     /* more sockets than these are not looked through */
#define COLLECT_MIN 32      /* parcels under way before a collection is tried */

static void
parcel_free(struct sock_parcel *p)
{
	for (int i = 0; i < p->nfiles; i++)
		file_free(p->files[i]);
	(void)host_close(p->fd);
	kmem_fd_uncharge(p->fd_cost, CARRIER_FDS);
	kmem_free(p);
}

static struct sock_parcel *
parcel_find(struct vfs *vfs, const struct host_stat *st)
{
	struct sock_parcel *p;

	kmutex_assert_owned(&vfs->sockets->lock);
	LIST_FOREACH (p, &vfs->sockets->parcels, link)
		if (p->ino == st->ino && p->dev == st->dev)
			return (p);
	return (NULL);
}

/* Has the sender its share of parcels, or of files in them, with n more? */
static bool
parcel_share_used(struct vfs *vfs, const struct kmem_acct *who, int n)
{
	const struct sock_parcel *p;
	int parcels = 0, files = n;

	if (who == NULL)
		return (false);
	LIST_FOREACH (p, &vfs->sockets->parcels, link)
		if (p->fd_cost == who) {
			parcels++;
			files += p->nfiles;
		}
	return (parcels >= PARCELS_SHARE || files > FILES_SHARE);
}

/* Put a parcel with n files on the list, if there is room and its inode is
 * new. */
static int
parcel_enlist(
    struct vfs *vfs, struct sock_parcel *p, const struct host_stat *st, int n)
{
	int error = 0;

	p->dev = st->dev;
	p->ino = st->ino;
	kmutex_lock(&vfs->sockets->lock);
	/* A known inode: the numbers of the host have wrapped. */
	if (vfs->sockets->nparcels >= PARCELS_MAX ||
	    parcel_share_used(vfs, p->fd_cost, n) ||
	    parcel_find(vfs, st) != NULL)
		error = ETOOMANYREFS;
	else {
		LIST_INSERT_HEAD(&vfs->sockets->parcels, p, link);
		vfs->sockets->nparcels++;
	}
	kmutex_unlock(&vfs->sockets->lock);
	return (error);
}

/* No receiver looks at the files: the carrier has not been sent yet. */
static void
parcel_fill(
    struct vfs *vfs, struct sock_parcel *p, struct file **files, int nfiles)
{
	kmutex_lock(&vfs->sockets->lock);
	for (int i = 0; i < nfiles; i++) {
		file_ref(files[i]);
		p->files[i] = files[i];
		vfs->sockets->nflights += file_socket(files[i]) != NULL;
	}
	p->nfiles = nfiles;
	kmutex_unlock(&vfs->sockets->lock);
}

int
parcel_make(struct vfs *vfs, const struct sock_dest *to, struct file **files,
    int nfiles, const struct sock_cred *cred, struct sock_parcel **out,
    int *carrier)
{
	struct sock_parcel *p;
	struct host_stat st;
	int fds[2], error;

	KASSERT(nfiles >= 0 && nfiles <= SOCK_RIGHTS_MAX);
	if (vfs->sockets->nparcels >= COLLECT_MIN)
		parcel_collect(vfs);
	p = kmem_zalloc(sizeof(*p) + (size_t)nfiles * sizeof(struct file *));
	if (p == NULL)
		return (ENOMEM);
	p->cred = *cred;
	p->to = *to;
	error = kmem_fd_charge(CARRIER_FDS, &p->fd_cost);
	if (error != 0)
		goto fail;
	error = host_pipe(O_NONBLOCK, fds);
	if (error != 0)
		goto fail_fds;
	error = host_fstat(fds[0], &st);
	if (error != 0)
		goto fail_pipe;
	/* The pipe stays empty: save the user's budget for pipes. */
	(void)host_set_pipe_size(fds[1], PAGE_SIZE);
	p->fd = fds[1];
	error = parcel_enlist(vfs, p, &st, nfiles);
	if (error != 0)
		goto fail_pipe;
	parcel_fill(vfs, p, files, nfiles);
	*carrier = fds[0];
	*out = p;
	return (0);
fail_pipe:
	(void)host_close(fds[1]);
	(void)host_close(fds[0]);
fail_fds:
	kmem_fd_uncharge(p->fd_cost, CARRIER_FDS);
fail:
	kmem_free(p);
	return (error);
}

void
parcel_delist(struct vfs *vfs, struct sock_parcel *p)
{
	kmutex_assert_owned(&vfs->sockets->lock);
	LIST_REMOVE(p, link);
	vfs->sockets->nparcels--;
	for (int i = 0; i < p->nfiles; i++)
		vfs->sockets->nflights -= file_socket(p->files[i]) != NULL;
}

void
parcel_unmake(struct vfs *vfs, struct sock_parcel *p)
{
	kmutex_lock(&vfs->sockets->lock);
	parcel_delist(vfs, p);
	kmutex_unlock(&vfs->sockets->lock);
	parcel_free(p);
}

/* Lock held.  Copy sender and files, each with one more ref, to m. */
static int
parcel_copy(const struct sock_parcel *p, struct sock_msg *m)
{
	m->cred = p->cred;
	m->has_cred = true;
	m->nfiles = 0;
	m->files = NULL;
	if (p->nfiles == 0)
		return (0);
	m->files = malloc((size_t)p->nfiles * sizeof(struct file *));
	if (m->files == NULL)
		return (ENOMEM);
	for (int i = 0; i < p->nfiles; i++) {
		file_ref(p->files[i]);
		m->files[i] = p->files[i];
	}
	m->nfiles = p->nfiles;
	return (0);
}

int
parcel_open(struct vfs *vfs, int carrier, bool peek, struct sock_msg *m)
{
	struct sock_parcel *p = NULL;
	struct host_stat st;
	int error;

	error = host_fstat(carrier, &st);
	if (error != 0)
		goto out;
	kmutex_lock(&vfs->sockets->lock);
	p = parcel_find(vfs, &st);
	error = p == NULL ? EBADMSG : parcel_copy(p, m);
	if (peek)
		p = NULL;
	else if (p != NULL)
		parcel_delist(vfs, p);
	kmutex_unlock(&vfs->sockets->lock);
out:
	(void)host_close(carrier);
	if (p != NULL)
		parcel_free(p);
	return (error);
}

/* Lock held.  Move the parcels of dropped messages to `dead`, a poll set at a
 * time. */
static void
parcel_find_dead(struct vfs *vfs, struct parcel_list *dead)
{
	struct host_pollfd set[64];
	struct sock_parcel *p = LIST_FIRST(&vfs->sockets->parcels), *first,
			   *next;
	unsigned n, i;
	int ready;

	while (p != NULL) {
		first = p;
		for (n = 0; p != NULL && n < 64; p = LIST_NEXT(p, link))
			set[n++] = (struct host_pollfd){.fd = p->fd};
		ready = 0;
		if (host_poll(set, n, 0, &ready) != 0 || ready == 0)
			continue;
		for (i = 0, next = first; i < n; i++) {
			struct sock_parcel *q = next;

			next = LIST_NEXT(q, link);
			if ((set[i].revents & LX_POLLERR) == 0)
				continue;
			parcel_delist(vfs, q);
			LIST_INSERT_HEAD(dead, q, link);
		}
	}
}

/*
 * - No locks held.  If another thread is collecting, it repeats the collection
 *   for this caller.
 */
void
parcel_collect(struct vfs *vfs)
{
	struct parcel_list dead;
	struct sock_parcel *p;
	unsigned rounds = 0;

	kmutex_lock(&vfs->sockets->lock);
	if (vfs->sockets->collecting) {
		vfs->sockets->collect_again = true;
		kmutex_unlock(&vfs->sockets->lock);
		return;
	}
	vfs->sockets->collecting = true;
	do {
		vfs->sockets->collect_again = false;
		LIST_INIT(&dead);
		parcel_find_dead(vfs, &dead);
		parcel_find_lost(vfs, &dead);
		kmutex_unlock(&vfs->sockets->lock);
		while ((p = LIST_FIRST(&dead)) != NULL) {
			LIST_REMOVE(p, link);
			parcel_free(p);
		}
		kmutex_lock(&vfs->sockets->lock);
	} while (vfs->sockets->collect_again && rounds++ < COLLECT_ROUNDS);
	vfs->sockets->collecting = false;
	kmutex_unlock(&vfs->sockets->lock);
}

int
sock_table_create(struct vfs *vfs)
{
	struct sock_table *t;
	int error;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return (ENOMEM);
	error = vm_zone_create(vfs->sys->zones, "socket", sizeof(struct socket),
	    _Alignof(struct socket), ZF_CHARGE, NULL, NULL, 0, &t->zone);
	if (error != 0) {
		free(t);
		return (error);
	}
	host_random(&t->key, sizeof(t->key));
	kmutex_init(&t->lock, "sockets", KRANK_FILE, 0);
	LIST_INIT(&t->socks);
	LIST_INIT(&t->all);
	LIST_INIT(&t->parcels);
	for (unsigned i = 0; i < SOCK_CONNS; i++)
		LIST_INIT(&t->conns[i]);
	vfs->sockets = t;
	return (0);
}

/* Free the parcels that are left, with the sockets that hold themselves open.
 */
static void
parcels_drain(struct vfs *vfs)
{
	struct sock_parcel *p;

	kmutex_lock(&vfs->sockets->lock);
	vfs->sockets->collecting = true; /* closing does not collect */
	while ((p = LIST_FIRST(&vfs->sockets->parcels)) != NULL) {
		parcel_delist(vfs, p);
		kmutex_unlock(&vfs->sockets->lock);
		parcel_free(p);
		kmutex_lock(&vfs->sockets->lock);
	}
	kmutex_unlock(&vfs->sockets->lock);
}

void
sock_table_destroy(struct vfs *vfs)
{
	struct sock_table *t = vfs->sockets;

	parcels_drain(vfs);
	KVERIFY(LIST_EMPTY(&t->socks) && t->nparcels == 0);
	kmutex_destroy(&t->lock);
	free(t);
	vfs->sockets = NULL;
}

/* ---- who wants the ids of senders ---- */

void
sock_want_cred(struct socket *so, bool on)
{
	struct sock_table *t = so->vfs->sockets;

	kmutex_lock(&t->lock);
	if (on && !so->wants) {
		LIST_INSERT_HEAD(&t->wanting, so, want);
		atomic_fetch_add(&t->nwanting, 1);
	} else if (!on && so->wants) {
		LIST_REMOVE(so, want);
		atomic_fetch_sub(&t->nwanting, 1);
	}
	so->wants = on;
	kmutex_unlock(&t->lock);
}

/* Lock held.  Is so the destination? */
static bool
wanting_is(const struct socket *so, const struct sock_dest *to)
{
	switch (to->kind) {
	case SOCK_TO_MATE:
		return (so->number == to->id);
	case SOCK_TO_ID:
		return (so->id == to->id);
	case SOCK_TO_CONN:
		return (so->client == to->id);
	case SOCK_TO_UNKNOWN:
		break;
	}
	return (true);
}

/* Lock held.  Has a connection not been accepted yet? */
static bool
wanting_later(struct sock_table *t, const struct sock_dest *to)
{
	const struct socket *so;

	if (to->kind != SOCK_TO_CONN)
		return (false);
	LIST_FOREACH (so, &t->conns[to->id % SOCK_CONNS], conn)
		if (so->client == to->id)
			return (false);
	return (true);
}

bool
sock_wants_cred(struct vfs *vfs, const struct sock_dest *to)
{
	struct sock_table *t = vfs->sockets;
	const struct socket *so;
	bool wants;

	if (atomic_load(&t->nwanting) == 0)
		return (false);
	if (atomic_load(&t->nwanting) > WANTING_SCAN)
		return (true);
	kmutex_lock(&t->lock);
	wants = wanting_later(t, to);
	LIST_FOREACH (so, &t->wanting, want) {
		if (wants)
			break;
		wants = wanting_is(so, to);
	}
	kmutex_unlock(&t->lock);
	return (wants);
}
