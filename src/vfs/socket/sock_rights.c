/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What travels with a message of a UNIX socket: open files and the sender.
 *
 * Concepts.  The bytes of a message lie in a socket of the host, but the
 * host cannot carry the guest's open files: most of them are no descriptors
 * there.  So a message that has files takes a carrier with it, the reading
 * end of an empty pipe, as the host's SCM_RIGHTS.  The files wait in a parcel
 * of ours, which keeps the writing end.  The receiver of the carrier finds the
 * parcel by the pipe's inode, takes the files and closes the carrier.  What
 * the host does with a message it does with the carrier: it is peeked at,
 * arrives with the right bytes, and is closed when the message is dropped.
 * Guests never see a carrier.
 *
 * Collection.  A message may be dropped, with its socket or because it was
 * taken by a plain read.  Then no descriptor of the reading end is left, and
 * the writing end polls as an error: such parcels are freed when a socket is
 * closed and when there have become many.  Freeing files may close sockets
 * that had messages themselves; that is done in a loop, never by recursion.
 * A socket whose own queue holds its last file keeps itself alive until
 * the kernel ends (sock_table_destroy).
 *
 * Locking and lifetime.  vfs->sockets->lock has the list.  Files are freed
 * without it.  Until the sender has closed its own carrier the parcel cannot
 * be taken for dropped.
 *
 * Limits.  PARCELS_MAX messages with files under way in one kernel.
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
#include "mem/vm_types.h"
#include "mem/vm_zone.h"

#define PARCELS_MAX 1024
#define COLLECT_ROUNDS 4096 /* others may close without end */
#define COLLECT_MIN 32      /* parcels under way before a collection is tried */

/* Immutable once its carrier is under way; links under vfs->sockets->lock. */
struct sock_parcel {
	LIST_ENTRY(sock_parcel) link;
	int fd; /* writing end of the carrier */
	uint64_t dev, ino;
	struct sock_cred cred;
	int nfiles;
	struct file *files[];
};

static void
parcel_free(struct sock_parcel *p)
{
	for (int i = 0; i < p->nfiles; i++)
		file_free(p->files[i]);
	(void)host_close(p->fd);
	free(p);
}

/* Both ends of a pipe whose inode no parcel has; put on the list. */
static int
parcel_enlist(struct vfs *vfs, struct sock_parcel *p, int *carrier)
{
	struct host_stat st;
	struct sock_parcel *q;
	int fds[2], error;

	error = host_pipe(O_NONBLOCK, fds);
	if (error != 0)
		return (error);
	error = host_fstat(fds[0], &st);
	if (error != 0) {
		(void)host_close(fds[0]);
		(void)host_close(fds[1]);
		return (error);
	}
	/* It stays empty: do not use the user's budget for pipes up. */
	(void)host_set_pipe_size(fds[1], PAGE_SIZE);
	p->fd = fds[1];
	p->dev = st.dev;
	p->ino = st.ino;
	*carrier = fds[0];
	kmutex_lock(&vfs->sockets->lock);
	if (vfs->sockets->nparcels >= PARCELS_MAX)
		error = ETOOMANYREFS;
	LIST_FOREACH (q, &vfs->sockets->parcels, link)
		if (q->ino == p->ino && q->dev == p->dev)
			error = ETOOMANYREFS; /* the host's numbers wrapped */
	if (error == 0) {
		LIST_INSERT_HEAD(&vfs->sockets->parcels, p, link);
		vfs->sockets->nparcels++;
	}
	kmutex_unlock(&vfs->sockets->lock);
	if (error != 0)
		(void)host_close(fds[0]);
	return (error);
}

int
parcel_make(struct vfs *vfs, struct file **files, int nfiles,
    const struct sock_cred *cred, struct sock_parcel **out, int *carrier)
{
	struct sock_parcel *p;
	int error;

	KASSERT(nfiles >= 0 && nfiles <= SOCK_RIGHTS_MAX);
	if (vfs->sockets->nparcels >= COLLECT_MIN)
		parcel_collect(vfs);
	p = calloc(1, sizeof(*p) + (size_t)nfiles * sizeof(struct file *));
	if (p == NULL)
		return (ENOMEM);
	p->fd = -1;
	p->cred = *cred;
	error = parcel_enlist(vfs, p, carrier);
	if (error != 0) {
		if (p->fd >= 0)
			(void)host_close(p->fd);
		free(p);
		return (error);
	}
	/* The carrier has not been sent yet. */
	for (int i = 0; i < nfiles; i++) {
		file_ref(files[i]);
		p->files[i] = files[i];
	}
	p->nfiles = nfiles;
	*out = p;
	return (0);
}

static void
parcel_delist(struct vfs *vfs, struct sock_parcel *p)
{
	kmutex_assert_owned(&vfs->sockets->lock);
	LIST_REMOVE(p, link);
	vfs->sockets->nparcels--;
}

void
parcel_unmake(struct vfs *vfs, struct sock_parcel *p)
{
	kmutex_lock(&vfs->sockets->lock);
	parcel_delist(vfs, p);
	kmutex_unlock(&vfs->sockets->lock);
	parcel_free(p);
}

/* sock_lock held.  The files of p, ref'ed once more. */
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
	if (error == 0) {
		error = EBADMSG;
		kmutex_lock(&vfs->sockets->lock);
		LIST_FOREACH (p, &vfs->sockets->parcels, link)
			if (p->ino == st.ino && p->dev == st.dev)
				break;
		if (p != NULL) {
			error = parcel_copy(p, m);
			if (peek)
				p = NULL;
			else
				parcel_delist(vfs, p);
		}
		kmutex_unlock(&vfs->sockets->lock);
	}
	(void)host_close(carrier);
	if (p != NULL)
		parcel_free(p);
	return (error);
}

LIST_HEAD(parcel_list, sock_parcel);

/* sock_lock held: move the dead to `dead`, a poll set at a time. */
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
	    _Alignof(struct socket), 0, NULL, NULL, 0, &t->zone);
	if (error != 0) {
		free(t);
		return (error);
	}
	host_random(&t->key, sizeof(t->key));
	kmutex_init(&t->lock, "sockets", KRANK_FILE, 0);
	LIST_INIT(&t->socks);
	LIST_INIT(&t->parcels);
	vfs->sockets = t;
	return (0);
}

/* Free the parcels: sockets that keep themselves alive, and all that is in
 * them. */
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
