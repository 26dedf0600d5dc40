/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Our own Internet sockets without processes: which addresses of a port exclude
 * each other, processes of the host that connect to a listener, and what stays
 * charged for connections that no guest has accepted.
 */
#include "vfs_nodes_testlib.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/socket.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/socket/inet.h"
#include "vfs/socket/inet_int.h"

static struct file *
make(struct fx *fx, int domain, int type)
{
	struct file *f;

	assert_int_equal(
	    inet_create(fx->vfs, domain, type, O_NONBLOCK, NULL, &f), 0);
	return (f);
}

/* "4 127.0.0.1" as {4, 127, 0, 0, 1}; "6 ::1" as {6, 1}. */
static struct host_sockaddr
address(const uint8_t *text, unsigned port)
{
	struct host_sockaddr sa = {.len = text[0] == 4 ? 16 : 28};

	sa.family = text[0] == 4 ? LX_AF_INET : LX_AF_INET6;
	sa.raw[2] = (uint8_t)(port >> 8);
	sa.raw[3] = (uint8_t)port;
	if (text[0] == 4)
		memcpy(sa.raw + 4, text + 1, 4);
	else
		sa.raw[23] = text[1];
	return (sa);
}

static const uint8_t home[] = {4, 127, 0, 0, 1}, other[] = {4, 127, 0, 0, 2},
		     any[] = {4, 0, 0, 0, 0}, far[] = {4, 192, 0, 2, 1},
		     home6[] = {6, 1, 0, 0, 0}, any6[] = {6, 0, 0, 0, 0},
		     far6[] = {6, 2, 0, 0, 0};

static void
set(struct file *f, int level, int option, int value)
{
	assert_int_equal(
	    inet_setopt(f, level, option, &value, sizeof(value)), 0);
}

/* Bind a socket; v6only is for those of IPv6. */
static struct file *
bound(struct fx *fx, const uint8_t *ip, bool v6only, bool reuse, int *error)
{
	struct host_sockaddr sa = address(ip, 4711);
	struct file *f =
	    make(fx, ip[0] == 4 ? LX_AF_INET : LX_AF_INET6, LX_SOCK_STREAM);

	if (v6only)
		set(f, LX_SOL_IPV6, LX_IPV6_V6ONLY, 1);
	if (reuse)
		set(f, LX_SOL_SOCKET, LX_SO_REUSEADDR, 1);
	*error = sock_bind(f, &sa, &fx->ctx);
	return (f);
}

static void
test_which_addresses_exclude_each_other(void **state)
{
	static const struct {
		const uint8_t *a, *b;
		bool a6only, b6only, reuse;
		int error;
	} cases[] = {
	    {home, home, false, false, false, EADDRINUSE},
	    {home, other, false, false, false, 0},
	    {home, any, false, false, false, EADDRINUSE},
	    {any, home, false, false, false, EADDRINUSE},
	    {home, home, false, false, true, 0},
	    {home, home6, false, false, false, 0},
	    {any, home6, false, false, false, 0},
	    {any, any6, false, false, false, EADDRINUSE},
	    {any, any6, false, true, false, 0},
	    {any6, home, false, false, false, EADDRINUSE},
	    {any6, home, true, false, false, 0},
	    {any6, home6, true, false, false, EADDRINUSE},
	    {any6, any6, true, false, false, EADDRINUSE},
	};
	struct fx *fx = *state;
	struct file *a, *b;
	int error;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		a = bound(
		    fx, cases[i].a, cases[i].a6only, cases[i].reuse, &error);
		assert_int_equal(error, 0);
		b = bound(
		    fx, cases[i].b, cases[i].b6only, cases[i].reuse, &error);
		assert_int_equal(error, cases[i].error);
		file_free(a);
		file_free(b);
	}
	a = bound(fx, far, false, false, &error);
	assert_int_equal(error, EADDRNOTAVAIL);
	file_free(a);
	a = bound(fx, far6, false, false, &error);
	assert_int_equal(error, EADDRNOTAVAIL);
	file_free(a);
}

/* A listener of 127.0.0.1; *sa is its address. */
static struct file *
listener(struct fx *fx, struct host_sockaddr *sa)
{
	struct file *f = make(fx, LX_AF_INET, LX_SOCK_STREAM);

	*sa = address(home, 0);
	assert_int_equal(sock_bind(f, sa, &fx->ctx), 0);
	assert_int_equal(sock_listen(f, 4, &fx->ctx.waiter), 0);
	assert_int_equal(sock_name(f, sa), 0);
	return (f);
}

static struct file *
client(struct fx *fx, const struct host_sockaddr *to)
{
	struct file *f = make(fx, LX_AF_INET, LX_SOCK_STREAM);

	assert_int_equal(sock_connect(f, to, &fx->ctx), EINPROGRESS);
	return (f);
}

static void
test_host_connections_dropped(void **state)
{
	struct fx *fx = *state;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct host_sockaddr sa, peer;
	struct file *s = listener(fx, &sa), *c, *conn;
	const struct host_sockaddr *name = &file_socket(s)->host;
	int status, fd;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		/* A name as a client of this kernel would have it. */
		memcpy(&un, name->raw, name->len);
		un.sun_path[9]++;
		if (bind(fd, (struct sockaddr *)&un, name->len) != 0)
			_exit(1);
		_exit(connect(fd, (const struct sockaddr *)name->raw,
			  name->len) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(
	    sock_accept(s, 0, &fx->ctx.waiter, &peer, &conn), EAGAIN);
	c = client(fx, &sa);
	assert_int_equal(sock_accept(s, 0, &fx->ctx.waiter, &peer, &conn), 0);
	assert_int_equal(sock_name(c, &sa), 0);
	assert_memory_equal(sa.raw, peer.raw, 16);
	file_free(conn);
	file_free(c);
	file_free(s);
}

/* What a client has left in a backlog is charged until it is taken out.  (Less
 * than a buffer is the credit of this thread.) */
static void
test_backlog_stays_charged(void **state)
{
	struct fx *fx = *state;
	struct kmem budget;
	struct kmem_acct *acct;
	struct host_sockaddr sa, peer;
	struct file *s, *c, *conn;
	uint64_t idle, queued;

	kmem_init(&budget, 64 << 20, 64);
	acct = kmem_acct_create(&budget);
	assert_non_null(acct);
	s = listener(fx, &sa);
	kmem_switch(acct);
	idle = kmem_acct_used(acct);
	for (int i = 0; i < 2; i++) {
		c = client(fx, &sa);
		assert_int_equal(xwrite(fx, c, "left", 4, -1), 4);
		queued = kmem_acct_used(acct) - idle;
		assert_true(queued >= 32768);
		file_free(c);
		assert_true(kmem_acct_used(acct) - idle >= 32768);
		if (i == 0) {
			kmem_switch(NULL);
			assert_int_equal(
			    sock_accept(s, 0, &fx->ctx.waiter, &peer, &conn),
			    0);
			file_free(conn);
			kmem_switch(acct);
			assert_true(kmem_acct_used(acct) - idle < 32768);
		}
	}
	/* With the listener the connections in its backlog are closed. */
	file_free(s);
	assert_true(kmem_acct_used(acct) - idle < 32768);
	kmem_switch(NULL);
	kmem_acct_free(acct);
}

/* A client that closes after it was accepted leaves nothing. */
static void
test_accepted_leaves_backlog(void **state)
{
	struct fx *fx = *state;
	struct host_sockaddr sa, peer;
	struct file *s = listener(fx, &sa), *c, *conn;

	c = client(fx, &sa);
	assert_int_equal(sock_accept(s, 0, &fx->ctx.waiter, &peer, &conn), 0);
	file_free(c);
	assert_true(LIST_EMPTY(&file_socket(s)->inet->orphans));
	c = client(fx, &sa);
	file_free(c);
	assert_false(LIST_EMPTY(&file_socket(s)->inet->orphans));
	file_free(conn);
	file_free(s);
}

static void
count_line(void *n, const char *line)
{
	(*(unsigned *)n)++;
}

/* A flood of datagrams is lost beyond the buffer, and the receiver's line goes
 * with it. */
static void
test_datagrams_are_bounded(void **state)
{
	struct fx *fx = *state;
	struct file *s = make(fx, LX_AF_INET6, LX_SOCK_DGRAM);
	struct file *c = make(fx, LX_AF_INET6, LX_SOCK_DGRAM);
	struct host_sockaddr sa = address(home6, 0);
	char buf[1000] = {0};
	unsigned got = 0, lines = 0;

	assert_int_equal(sock_bind(s, &sa, &fx->ctx), 0);
	assert_int_equal(sock_name(s, &sa), 0);
	assert_int_equal(sock_connect(c, &sa, &fx->ctx), 0);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(
		    xwrite(fx, c, buf, sizeof(buf), -1), (int64_t)sizeof(buf));
	while (xread(fx, s, buf, sizeof(buf), -1) == (int64_t)sizeof(buf))
		got++;
	assert_in_range(got, 10, 1000);
	inet_lines(fx->vfs, LX_AF_INET6, LX_SOCK_DGRAM, count_line, &lines);
	assert_int_equal(lines, 2);
	file_free(s);
	inet_lines(fx->vfs, LX_AF_INET6, LX_SOCK_DGRAM, count_line, &lines);
	assert_int_equal(lines, 3);
	assert_int_equal(xwrite(fx, c, buf, 1, -1), 1);
	assert_int_equal(xread(fx, c, buf, 1, -1), -ECONNREFUSED);
	assert_int_equal(xread(fx, c, buf, 1, -1), -EAGAIN);
	file_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_which_addresses_exclude_each_other),
	    T(test_host_connections_dropped),
	    T(test_backlog_stays_charged),
	    T(test_accepted_leaves_backlog),
	    T(test_datagrams_are_bounded),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
