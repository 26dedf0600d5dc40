/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sockets without processes: processes of the host that connect to a socket of
 * a guest, files that are in flight in messages, their limit and collection,
 * and that nothing is left at the end.
 */
#include "vfs_nodes_testlib.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/socket.h"
#include "abi/stat.h"
#include "vfs/core/file.h"
#include "vfs/core/lookup.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/socket/socket_int.h"

/* ---- shorthands ---- */

static struct file *
make(struct fx *fx, int type)
{
	struct file *f;

	assert_int_equal(sock_create(fx->vfs, type, O_NONBLOCK, NULL, &f), 0);
	return (f);
}

static struct host_sockaddr
address(const char *path)
{
	struct host_sockaddr sa = {.len = 2 + (uint32_t)strlen(path) + 1};

	sa.family = LX_AF_UNIX;
	memcpy(sa.raw + 2, path, strlen(path));
	return (sa);
}

static void
bind_to(struct fx *fx, struct file *f, const char *path)
{
	struct host_sockaddr sa = address(path);

	assert_int_equal(sock_bind(f, &sa, &fx->ctx), 0);
}

static int
connect_to(struct fx *fx, struct file *f, const char *path)
{
	struct host_sockaddr sa = address(path);

	return (sock_connect(f, &sa, &fx->ctx));
}

static int
send_file(struct fx *fx, struct file *to, struct file *f)
{
	char byte = 'b';
	struct host_iovec iov;
	struct uio uio;
	struct sock_msg m = {.uio = &uio, .files = &f, .nfiles = 1};

	uio_init1(&uio, &iov, &byte, 1, 0, true);
	return (sock_send(to, &m, LX_MSG_DONTWAIT, &fx->ctx.waiter));
}

/* Receive a message; returns the file that it carries, or NULL. */
static struct file *
recv_file(struct fx *fx, struct file *from)
{
	char byte;
	struct host_iovec iov;
	struct uio uio;
	struct sock_msg m = {.uio = &uio};
	struct file *f = NULL;

	uio_init1(&uio, &iov, &byte, 1, 0, false);
	assert_int_equal(sock_recv(from, &m, 0, &fx->ctx.waiter), 0);
	assert_true(m.nfiles <= 1);
	if (m.nfiles == 1)
		f = m.files[0];
	free(m.files);
	return (f);
}

/* ---- strangers ---- */

/* In another process of the host: connect to this name, or send to it. */
static void
stranger(const struct host_sockaddr *name, int type, bool forged)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int status, s;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		s = socket(AF_UNIX, type, 0);
		/* Bind a name that looks like one of this kernel's. */
		if (forged) {
			memcpy(&un, name->raw, name->len);
			un.sun_path[9]++; /* the number of the socket */
			if (bind(s, (struct sockaddr *)&un, name->len) != 0)
				_exit(2);
		}
		if (connect(s, (const struct sockaddr *)name->raw, name->len) !=
		    0)
			_exit(3);
		_exit(write(s, "stranger", 8) == 8 ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* struct vfs_waiter.ident of a process with pid 77. */
static void
ident_of_77(void *lwp, struct vfs_ident *id)
{
	id->pid = 77;
}

static void
test_host_connections_dropped(void **state)
{
	struct fx *fx = *state;
	struct file *s = make(fx, LX_SOCK_STREAM), *c, *conn;
	struct host_sockaddr peer;
	struct sock_cred cred;

	bind_to(fx, s, "/tmp/s");
	assert_int_equal(sock_listen(s, 8, &fx->ctx.waiter), 0);
	stranger(&file_socket(s)->host, SOCK_STREAM, false);
	stranger(&file_socket(s)->host, SOCK_STREAM, true);
	assert_int_equal(
	    sock_accept(s, 0, &fx->ctx.waiter, &peer, &conn), EAGAIN);
	/* A guest's connection behind one of the host. */
	stranger(&file_socket(s)->host, SOCK_STREAM, false);
	fx->ctx.waiter.ident = ident_of_77;
	c = make(fx, LX_SOCK_STREAM);
	assert_int_equal(connect_to(fx, c, "/tmp/s"), 0);
	assert_int_equal(sock_accept(s, 0, &fx->ctx.waiter, &peer, &conn), 0);
	sock_peercred(conn, &cred);
	assert_int_equal(cred.pid, 77);
	file_free(conn);
	file_free(c);
	file_free(s);
}

static void
test_host_datagrams_dropped(void **state)
{
	struct fx *fx = *state;
	struct file *s = make(fx, LX_SOCK_DGRAM), *c;
	char buf[16];

	bind_to(fx, s, "/tmp/d");
	stranger(&file_socket(s)->host, SOCK_DGRAM, false);
	stranger(&file_socket(s)->host, SOCK_DGRAM, true);
	assert_int_equal(xread(fx, s, buf, sizeof(buf), -1), -EAGAIN);
	c = make(fx, LX_SOCK_DGRAM);
	assert_int_equal(connect_to(fx, c, "/tmp/d"), 0);
	stranger(&file_socket(s)->host, SOCK_DGRAM, false);
	assert_int_equal(xwrite(fx, c, "ours", 4, -1), 4);
	assert_int_equal(xread(fx, s, buf, sizeof(buf), -1), 4);
	assert_memory_equal(buf, "ours", 4);
	file_free(c);
	file_free(s);
}

/* ---- files under way ---- */

static void
test_sent_file_is_received(void **state)
{
	struct fx *fx = *state;
	struct file *v[2], *f, *g;

	assert_int_equal(
	    sock_pair(fx->vfs, LX_SOCK_STREAM, O_NONBLOCK, &fx->ctx.waiter, v),
	    0);
	f = xopen(fx, "/tmp/f", O_RDWR | O_CREAT);
	assert_int_equal(send_file(fx, v[0], f), 0);
	assert_int_equal(atomic_load(&fx->vfs->sockets->nparcels), 1);
	assert_int_equal(atomic_load(&f->refs), 2);
	g = recv_file(fx, v[1]);
	assert_ptr_equal(f, g);
	assert_int_equal(atomic_load(&fx->vfs->sockets->nparcels), 0);
	file_free(g);
	assert_int_equal(atomic_load(&f->refs), 1);
	file_free(f);
	file_free(v[0]);
	file_free(v[1]);
}

static void
test_limit_of_files_in_flight(void **state)
{
	struct fx *fx = *state;
	struct file *v[8][2], *f;
	unsigned n = 0, i = 0;
	int error = 0;

	(void)host_raise_nofile(); /* to be stopped by our limit */
	for (i = 0; i < 8; i++)
		assert_int_equal(sock_pair(fx->vfs, LX_SOCK_STREAM, O_NONBLOCK,
				     &fx->ctx.waiter, v[i]),
		    0);
	f = xopen(fx, "/tmp/f", O_RDWR | O_CREAT);
	for (i = 0; i < 8 && error != ETOOMANYREFS; i++)
		do {
			error = send_file(fx, v[i][0], f);
			n += error == 0;
		} while (error == 0);
	assert_int_equal(error, ETOOMANYREFS);
	assert_int_equal(atomic_load(&fx->vfs->sockets->nparcels), n);
	assert_int_equal(atomic_load(&f->refs), n + 1);
	/* The close of a socket frees the files in its queue. */
	file_free(v[0][1]);
	assert_true(atomic_load(&fx->vfs->sockets->nparcels) < n);
	assert_int_equal(atomic_load(&f->refs),
	    atomic_load(&fx->vfs->sockets->nparcels) + 1);
	assert_int_equal(send_file(fx, v[7][0], f), 0);
	file_free(v[0][0]);
	for (i = 1; i < 8; i++) {
		file_free(v[i][0]);
		file_free(v[i][1]);
	}
	assert_int_equal(atomic_load(&fx->vfs->sockets->nparcels), 0);
	assert_int_equal(atomic_load(&f->refs), 1);
	file_free(f);
}

/* Sockets that hold refs of each other by messages: teardown() checks that they
 * are collected. */
static void
test_sockets_sent_to_each_other(void **state)
{
	struct fx *fx = *state;
	struct file *v[2], *w[2];

	assert_int_equal(
	    sock_pair(fx->vfs, LX_SOCK_DGRAM, O_NONBLOCK, &fx->ctx.waiter, v),
	    0);
	assert_int_equal(
	    sock_pair(fx->vfs, LX_SOCK_DGRAM, O_NONBLOCK, &fx->ctx.waiter, w),
	    0);
	assert_int_equal(send_file(fx, v[0], w[1]), 0);
	assert_int_equal(send_file(fx, w[0], v[1]), 0);
	for (int i = 0; i < 2; i++) {
		file_free(v[i]);
		file_free(w[i]);
	}
	assert_int_equal(atomic_load(&fx->vfs->sockets->nparcels), 2);
}

/* A socket that no guest has bound cannot be reached by its name. */
static void
test_socket_addresses(void **state)
{
	struct fx *fx = *state;
	struct file *s = make(fx, LX_SOCK_STREAM);
	struct host_sockaddr sa = {.len = 1}, name;

	assert_int_equal(
	    vfs_mknod(&fx->ctx, NULL, "/tmp/n", LX_S_IFSOCK | 0777, 0), 0);
	assert_int_equal(connect_to(fx, s, "/tmp/n"), ECONNREFUSED);
	assert_int_equal(connect_to(fx, s, "/tmp/none"), ENOENT);
	assert_int_equal(sock_bind(s, &sa, &fx->ctx), EINVAL);
	sa.family = LX_AF_UNIX;
	sa.len = 111;
	assert_int_equal(sock_bind(s, &sa, &fx->ctx), EINVAL);
	sa.len = 2;
	assert_int_equal(sock_bind(s, &sa, &fx->ctx), 0);
	assert_int_equal(sock_name(s, &name), 0);
	assert_int_equal(name.len, 8);
	assert_int_equal(sock_bind(s, &name, &fx->ctx), EINVAL);
	assert_int_equal(sock_peername(s, &name), ENOTCONN);
	file_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_host_connections_dropped),
	    T(test_host_datagrams_dropped),
	    T(test_sent_file_is_received),
	    T(test_limit_of_files_in_flight),
	    T(test_sockets_sent_to_each_other),
	    T(test_socket_addresses),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
