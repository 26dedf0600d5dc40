/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Rings of transfers: io_uring, or plain calls where there is none.
 *
 * Concepts: each transfer in flight has a slot, which describes the bytes that
 * remain; a short transfer is continued until all bytes are transferred.  In a
 * ring without io_uring, a transfer is carried out when it is submitted and
 * then waits in a queue to be reaped, so that callers see no difference except
 * the time.
 *
 * Guarantees: each accepted transfer is reaped exactly once.  A ring of
 * io_uring is restricted to reads and writes of vectors: its operations are not
 * subject to a seccomp filter, and could open files and connect sockets
 * otherwise.
 *
 * Limits: many containers forbid io_uring.  Every error at set-up is treated as
 * such a refusal and leads to plain calls; so does a host without restrictions
 * of rings (before Linux 5.10).
 */
#include "host/host_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/host_file.h"
#include "libk/kassert.h"

#ifdef HOST_URING
#include <liburing.h>
#endif

_Static_assert(sizeof(struct host_iovec) == sizeof(struct iovec), "iovec");

struct ring_slot {
	struct ring_slot *next; /* on the list of spare or ended slots */
	void *token;
	int fd;
	bool write;
	uint64_t off;
	int first, n; /* pieces that remain */
	int error;
	struct iovec iov[HOST_RING_IOV];
};

struct host_ring {
	bool async;
	unsigned inflight; /* submitted and not reaped */
	struct ring_slot *spare;
	struct ring_slot *done, **tail; /* ended, oldest first */
#ifdef HOST_URING
	struct io_uring ring;
#endif
	struct ring_slot slots[];
};

#ifdef HOST_URING
/* A ring that can only read and write.  0 or -errno. */
static int
ring_init(struct host_ring *r, unsigned depth)
{
	struct io_uring_restriction only[] = {
	    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_READV},
	    {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_WRITEV},
	};
	int error;

	error = io_uring_queue_init(depth, &r->ring, IORING_SETUP_R_DISABLED);
	if (error != 0)
		return (error);
	/* Some versions of liburing do not export their functions for these. */
	if (syscall(SYS_io_uring_register, r->ring.ring_fd,
		IORING_REGISTER_RESTRICTIONS, only,
		sizeof(only) / sizeof(only[0])) != 0 ||
	    syscall(SYS_io_uring_register, r->ring.ring_fd,
		IORING_REGISTER_ENABLE_RINGS, NULL, 0) != 0)
		error = -errno;
	if (error != 0)
		io_uring_queue_exit(&r->ring);
	return (error);
}
#endif

int
host_ring_create(unsigned depth, bool sync, struct host_ring **out)
{
	struct host_ring *r;

	KASSERT(depth >= 1 && depth <= 1024);
	r = calloc(1, sizeof(*r) + depth * sizeof(r->slots[0]));
	if (r == NULL)
		return (ENOMEM);
	r->tail = &r->done;
	for (unsigned i = depth; i-- > 0;) {
		r->slots[i].next = r->spare;
		r->spare = &r->slots[i];
	}
#ifdef HOST_URING
	if (!sync)
		r->async = ring_init(r, depth) == 0;
#endif
	*out = r;
	return (0);
}

void
host_ring_destroy(struct host_ring *r)
{
	KVERIFY(r->inflight == 0);
#ifdef HOST_URING
	if (r->async)
		io_uring_queue_exit(&r->ring);
#endif
	free(r);
}

bool
host_ring_async(const struct host_ring *r)
{
	return (r->async);
}

static void
slot_done(struct host_ring *r, struct ring_slot *s, int error)
{
	s->error = error;
	s->next = NULL;
	*r->tail = s;
	r->tail = &s->next;
}

/* `done` bytes were transferred.  True: none remain.  The first remaining piece
 * is never empty, so that a transfer of 0 bytes means the end of the file. */
static bool
slot_advance(struct ring_slot *s, size_t done)
{
	s->off += done;
	while (s->n > 0) {
		struct iovec *v = &s->iov[s->first];

		if (done < v->iov_len) {
			v->iov_base = (char *)v->iov_base + done;
			v->iov_len -= done;
			return (false);
		}
		done -= v->iov_len;
		s->first++;
		s->n--;
	}
	return (true);
}

/* Carry out the rest of the transfer by plain calls. */
static void
slot_run(struct host_ring *r, struct ring_slot *s)
{
	const struct host_iovec *iov;
	size_t done;
	int error = 0;

	while (s->n > 0) {
		iov = (const void *)&s->iov[s->first];
		done = 0;
		error = s->write ? host_pwritev(s->fd, iov, s->n, s->off, &done)
				 : host_preadv(s->fd, iov, s->n, s->off, &done);
		if (error != 0)
			break;
		if (done == 0) {
			error = EIO;
			break;
		}
		slot_advance(s, done);
	}
	slot_done(r, s, error);
}

#ifdef HOST_URING
/* Submit the rest of the transfer to io_uring.  False: it did not accept it. */
static bool
slot_submit(struct host_ring *r, struct ring_slot *s)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&r->ring);
	int n;

	if (sqe == NULL)
		return (false);
	if (s->write)
		io_uring_prep_writev(
		    sqe, s->fd, &s->iov[s->first], (unsigned)s->n, s->off);
	else
		io_uring_prep_readv(
		    sqe, s->fd, &s->iov[s->first], (unsigned)s->n, s->off);
	io_uring_sqe_set_data(sqe, s);
	do
		n = io_uring_submit(&r->ring);
	while (n == -EINTR || n == -EAGAIN || n == -EBUSY);
	/* On failure the entry would stay in the queue, but its slot will be
	 * reused: remove the entry. */
	KVERIFY(n >= 0);
	return (true);
}

static void
cqe_take(struct host_ring *r, struct io_uring_cqe *cqe)
{
	struct ring_slot *s = io_uring_cqe_get_data(cqe);
	int res = cqe->res;

	io_uring_cqe_seen(&r->ring, cqe);
	if (res == -EINTR || res == -EAGAIN)
		slot_run(r, s);
	else if (res < 0)
		slot_done(r, s, -res);
	else if (res == 0)
		slot_done(r, s, EIO);
	else if (slot_advance(s, (size_t)res))
		slot_done(r, s, 0);
	else if (!slot_submit(r, s))
		slot_run(r, s);
}

/* Collect the completions; with `wait`, wait if there is none. */
static void
ring_collect(struct host_ring *r, bool wait)
{
	struct io_uring_cqe *cqe;
	int error;

	while (io_uring_peek_cqe(&r->ring, &cqe) == 0)
		cqe_take(r, cqe);
	while (wait && r->done == NULL) {
		do
			error = io_uring_wait_cqe(&r->ring, &cqe);
		while (error == -EINTR || error == -EAGAIN);
		KVERIFY(error == 0);
		cqe_take(r, cqe);
	}
}
#endif

static int
ring_start(struct host_ring *r, bool write, int fd,
    const struct host_iovec *iov, int n, uint64_t off, void *token)
{
	struct ring_slot *s = r->spare;

	KASSERT(n >= 1 && n <= HOST_RING_IOV);
	if (s == NULL)
		return (EAGAIN);
	r->spare = s->next;
	r->inflight++;
	s->token = token;
	s->fd = fd;
	s->write = write;
	s->off = off;
	s->first = 0;
	s->n = n;
	memcpy(s->iov, iov, (size_t)n * sizeof(*iov));
	if (slot_advance(s, 0)) {
		slot_done(r, s, 0);
		return (0);
	}
#ifdef HOST_URING
	if (r->async && slot_submit(r, s))
		return (0);
#endif
	slot_run(r, s);
	return (0);
}

int
host_ring_pwritev(struct host_ring *r, int fd, const struct host_iovec *iov,
    int n, uint64_t off, void *token)
{
	return (ring_start(r, true, fd, iov, n, off, token));
}

int
host_ring_preadv(struct host_ring *r, int fd, const struct host_iovec *iov,
    int n, uint64_t off, void *token)
{
	return (ring_start(r, false, fd, iov, n, off, token));
}

bool
host_ring_reap(struct host_ring *r, bool wait, void **token, int *error)
{
	struct ring_slot *s;

	if (r->inflight == 0)
		return (false);
#ifdef HOST_URING
	if (r->async)
		ring_collect(r, wait);
#endif
	s = r->done;
	if (s == NULL)
		return (false);
	r->done = s->next;
	if (r->done == NULL)
		r->tail = &r->done;
	*token = s->token;
	*error = s->error;
	s->next = r->spare;
	r->spare = s;
	r->inflight--;
	return (true);
}
