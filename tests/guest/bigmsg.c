/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Messages and streams in hundreds of pieces: a message arrives whole or not at
 * all, a blocking stream moves every byte.
 */
#include "guest.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define MOST 1024
#define BIG (300 * 1024)

static char out[BIG], in[BIG + 1];

/* n pieces of memory, as equal as can be, that together have len bytes. */
static int
pieces(struct iovec *v, char *buf, size_t len, int n)
{
	for (int i = 0; i < n; i++) {
		size_t from = len * (size_t)i / (size_t)n,
		       to = len * (size_t)(i + 1) / (size_t)n;

		v[i].iov_base = buf + from;
		v[i].iov_len = to - from;
	}
	return (n);
}

static void
fill(unsigned seed)
{
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(seed + i * 7 + i / 251);
	memset(in, 0, sizeof(in));
}

static ssize_t
send_pieces(int fd, size_t len, int n)
{
	static struct iovec v[MOST];
	struct msghdr m = {.msg_iov = v};

	m.msg_iovlen = (size_t)pieces(v, out, len, n);
	return (sendmsg(fd, &m, 0));
}

static ssize_t
recv_pieces(int fd, size_t room, int n, int flags, int *got)
{
	static struct iovec v[MOST];
	struct msghdr m = {.msg_iov = v};
	ssize_t r;

	m.msg_iovlen = (size_t)pieces(v, in, room, n);
	r = recvmsg(fd, &m, flags);
	if (got != NULL)
		*got = m.msg_flags;
	return (r);
}

static void
messages(int a, int b, size_t most)
{
	static struct iovec v[MOST];
	static const int ways[] = {1, 64, 65, 200, MOST};
	int flags;

	for (int i = 0; i < 5; i++) {
		const size_t len = i % 2 == 0 ? most : 20000;

		fill((unsigned)i);
		CHECK(send_pieces(a, len, ways[i]) == (ssize_t)len);
		CHECK(recv_pieces(b, sizeof(in), ways[4 - i], 0, &flags) ==
		      (ssize_t)len);
		CHECK(flags == 0 && memcmp(in, out, len) == 0);
		fill(100 + (unsigned)i);
		CHECK(
		    writev(a, v, pieces(v, out, len, ways[i])) == (ssize_t)len);
		CHECK(readv(b, v, pieces(v, in, sizeof(in), ways[4 - i])) ==
		      (ssize_t)len);
		CHECK(memcmp(in, out, len) == 0);
	}
	/* Cut off, and looked at first. */
	fill(7);
	CHECK(send_pieces(a, 20000, 300) == 20000);
	CHECK(recv_pieces(b, 9000, 300, MSG_PEEK | MSG_TRUNC, &flags) == 20000);
	CHECK(
	    flags == MSG_TRUNC && memcmp(in, out, 9000) == 0 && in[9000] == 0);
	CHECK(recv_pieces(b, 9000, 300, 0, &flags) == 9000);
	CHECK(flags == MSG_TRUNC && in[9000] == 0);
	/* The last piece is nowhere: nothing is sent. */
	pieces(v, out, 20000, 300);
	v[299].iov_base = (void *)8;
	CHECK(writev(a, v, 300) == -1 && errno == EFAULT);
	CHECK(recv(b, in, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
}

static void
drain(void *arg)
{
	const int fd = *(int *)arg;
	size_t got = 0;
	ssize_t n;

	while (got < BIG) {
		n = read(fd, in + got, BIG - got);
		CHECK(n > 0);
		got += (size_t)n;
	}
	CHECK(memcmp(in, out, BIG) == 0);
}

/* A blocking stream, to a reader that takes it bit by bit. */
static void
stream(int a, int b)
{
	static struct iovec v[MOST];
	pid_t pid;

	fill(9);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		drain(&b);
		_exit(0);
	}
	CHECK(writev(a, v, pieces(v, out, BIG, MOST)) == BIG);
	wait_ok(pid);
}

int
main(void)
{
	const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
	struct sockaddr_in sa = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sa);
	int sv[2], size = 212992, a;
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		CHECK(socketpair(AF_UNIX, types[i], 0, sv) == 0);
		CHECK(setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &size,
			  sizeof(size)) == 0);
		messages(sv[0], sv[1], BIG);
		CHECK(close(sv[0]) == 0 && close(sv[1]) == 0);
	}
	say("UNIX messages");
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == 0);
	stream(sv[0], sv[1]);
	fill(11);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(send_pieces(sv[0], BIG, MOST) == BIG);
		_exit(0);
	}
	CHECK(recv_pieces(sv[1], BIG, MOST, MSG_WAITALL, NULL) == BIG);
	CHECK(memcmp(in, out, BIG) == 0);
	wait_ok(pid);
	/* What is there comes at once, however many pieces it goes to. */
	CHECK(send(sv[0], out, 20000, 0) == 20000);
	CHECK(recv_pieces(sv[1], 20000, 500, 0, NULL) == 20000);
	CHECK(close(sv[0]) == 0 && close(sv[1]) == 0);
	CHECK(pipe(sv) == 0);
	stream(sv[1], sv[0]);
	CHECK(close(sv[0]) == 0 && close(sv[1]) == 0);
	say("streams");
	a = socket(AF_INET, SOCK_DGRAM, 0);
	if (a >= 0) { /* the host may permit no network */
		CHECK(bind(a, (struct sockaddr *)&sa, len) == 0);
		CHECK(getsockname(a, (struct sockaddr *)&sa, &len) == 0);
		CHECK(connect(a, (struct sockaddr *)&sa, len) == 0);
		messages(a, a, 60000);
		CHECK(close(a) == 0);
	}
	say("datagrams");
	return (0);
}
