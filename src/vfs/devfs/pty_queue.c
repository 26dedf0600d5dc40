/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The bytes that wait in a pty, and the bells: sockets that show to poll()
 * whether there are any.
 *
 * Concepts.  A queue is a ring in memory, so that how much fits does not depend
 * on the pieces in which it comes.  But poll and epoll ask the host, which
 * knows only descriptors: beside the queue there is one direction of a pair of
 * host sockets, and what is in that says how the queue is:
 *
 *	queue          in the socket        reader's end   writer's end
 *	empty          nothing                             writable
 *	neither        one byte             readable       writable
 *	full           bytes until it is    readable
 *	               not writable
 *
 * When bytes are added to a queue that is not empty, a byte is added to the
 * socket and one taken: an edge for edge-triggered epoll.  A queue that was
 * full counts as full until a quarter of it is free, so that not each byte
 * causes a wake-up.  The last byte in the socket is never taken before the
 * queue is empty, so no reader finds the socket empty in between.
 *
 * Locking: pty->lock for everything.
 *
 * Limits.  The sockets' buffers are made small (BELL_BUFFER), because otherwise
 * hundreds of bytes are needed to fill one.  If the host has no memory for the
 * byte, a wake-up is lost until the next change of the queue.
 */
#include "vfs/devfs/pty.h"

#include <string.h>

#include "abi/poll.h"
#include "abi/socket.h"
#include "host/host.h"
#include "host/host_file.h"
#include "host/host_sock.h"
#include "vfs/core/hostfd.h"

/* Half a dozen bytes, each a packet, fit before poll says no. */
#define BELL_BUFFER 8192
#define BELLS_MAX 4096

int
pty_bells_create(int fds[2])
{
	const int32_t size = BELL_BUFFER;
	int error = host_socketpair(LX_SOCK_STREAM, fds);

	for (int i = 0; error == 0 && i < 2; i++)
		(void)host_setsockopt(
		    fds[i], LX_SOL_SOCKET, LX_SO_SNDBUF, &size, sizeof(size));
	return (error);
}

/* ---- the ring ---- */

size_t
pty_queue_put(struct pty_queue *q, const uint8_t *b, size_t n)
{
	uint32_t at, c;

	if (n > PTY_QUEUE - q->n)
		n = PTY_QUEUE - q->n;
	for (size_t done = 0; done < n; done += c) {
		at = (q->first + q->n) % PTY_QUEUE;
		c = PTY_QUEUE - at;
		if (c > n - done)
			c = (uint32_t)(n - done);
		memcpy(q->b + at, b + done, c);
		q->n += c;
	}
	if (n > 0)
		q->news = true;
	return (n);
}

size_t
pty_queue_get(struct pty_queue *q, uint8_t *b, size_t n)
{
	uint32_t c;

	if (n > q->n)
		n = q->n;
	for (size_t done = 0; done < n; done += c) {
		c = PTY_QUEUE - q->first;
		if (c > n - done)
			c = (uint32_t)(n - done);
		memcpy(b + done, q->b + q->first, c);
		q->first = (q->first + c) % PTY_QUEUE;
		q->n -= c;
	}
	return (n);
}

void
pty_queue_clear(struct pty_queue *q)
{
	q->first = q->n = 0;
	q->news = false;
}

/* ---- the bells ---- */

static bool
ring(struct pty_queue *q, int from)
{
	const uint8_t byte = 0;
	size_t done = 0;

	if (host_write(from, &byte, 1, &done) != 0 || done != 1)
		return (false);
	q->bells++;
	return (true);
}

/* Take all but `keep` bytes. */
static void
take(struct pty_queue *q, int to, uint32_t keep)
{
	uint8_t buf[64];
	size_t n;

	while (q->bells > keep) {
		n = q->bells - keep;
		if (n > sizeof(buf))
			n = sizeof(buf);
		if (host_read(to, buf, n, &n) != 0 || n == 0)
			return;
		q->bells -= (uint32_t)n;
	}
}

static void
show(struct pty_queue *q, int from, int to, uint32_t reserve)
{
	const uint32_t room = PTY_QUEUE - q->n;
	const bool full = room <= reserve || (q->full && room < PTY_QUEUE / 4);

	if (q->n == 0)
		take(q, to, 0);
	else if (full && !q->full) {
		while (q->bells < BELLS_MAX && ring(q, from))
			if (hostfd_ready(from, LX_POLLOUT) == 0)
				break;
	} else if (!full && q->full)
		take(q, to, 1);
	else if (!full && (q->news || q->bells == 0)) {
		if (ring(q, from))
			take(q, to, 1);
	}
	q->full = full;
	q->news = false;
}

void
pty_bells(struct pty *pty)
{
	if (pty->closed || pty->m < 0)
		return;
	show(&pty->in, pty->m, pty->s, PTY_LINE);
	show(&pty->out, pty->s, pty->m, PTY_ECHO + PTY_EXPAND);
}

void
pty_bells_reset(struct pty *pty)
{
	struct pty_queue *q[2] = {&pty->in, &pty->out};

	for (int i = 0; i < 2; i++) {
		q[i]->bells = 0;
		q[i]->full = false;
		q[i]->news = q[i]->n > 0;
	}
	pty_bells(pty);
}
