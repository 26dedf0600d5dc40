/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Messages of the control socket: sizes, depth, what is no JSON object, and the
 * descriptors that come with them, over a socket pair.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/message.h"

static int pair[2];
static struct message m;

static int
setup(void **state)
{
	const int room = 4 * VMSPACE_MESSAGE_MAX;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, pair) != 0)
		return (-1);
	return (
	    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)));
}

static int
teardown(void **state)
{
	(void)close(pair[0]);
	(void)close(pair[1]);
	return (0);
}

/* Send bytes with descriptors of /dev/null. */
static void
put(const void *buf, size_t len, int nfds)
{
	static union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 253)];
	} control;
	struct iovec iov = {(void *)(uintptr_t)buf, len};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct cmsghdr *c;

	assert_true(null >= 0);
	if (nfds > 0) {
		h.msg_control = &control;
		h.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)nfds);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)nfds);
		for (int i = 0; i < nfds; i++)
			((int *)(void *)CMSG_DATA(c))[i] = null;
	}
	assert_int_equal(sendmsg(pair[0], &h, 0), (ssize_t)len);
	(void)close(null);
}

/* The error of receiving this text. */
static int
text(const char *s)
{
	int error;

	put(s, strlen(s), 0);
	error = message_recv(pair[1], &m);
	if (error == 0)
		message_done(&m);
	return (error);
}

/* The lowest free descriptor tells whether one is leaked. */
static int
lowest(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)close(fd);
	return (fd);
}

static void
test_depth(void **state)
{
	char *s = malloc(30000);

	assert_non_null(s);
	assert_int_equal(text("{\"a\":[[[[[[[]]]]]]]}"), 0);
	assert_int_equal(text("{\"a\":[[[[[[[[]]]]]]]]}"), EBADMSG);
	/* What was closed does not count. */
	assert_int_equal(text("{\"a\":[[],[],[],[],[],[],[],[],[],[]]}"), 0);
	/* Brackets in strings do not, after an escaped quote as well. */
	assert_int_equal(text("{\"a\":\"[[[[[[[[[[[\"}"), 0);
	assert_int_equal(text("{\"a\":\"\\\"[[[[[[[[[[[\"}"), 0);
	assert_int_equal(text("{\"[[[[[[[[[[[\":1}"), 0);
	/* An escaped backslash does not hide the end of a string. */
	assert_int_equal(
	    text("{\"a\":\"\\\\\",\"b\":[[[[[[[[]]]]]]]]}"), EBADMSG);
	/* A closing bracket that opens none gives no room. */
	assert_int_equal(text("]]]]]]]]{\"a\":[[[[[[[[]]]]]]]]}"), EBADMSG);
	assert_int_equal(text("{\"a\":\"\\"), EBADMSG);
	memset(s, '[', 29999);
	s[29999] = '\0';
	assert_int_equal(text(s), EBADMSG);
	free(s);
}

static void
test_no_object(void **state)
{
	assert_int_equal(text("[1]"), EBADMSG);
	assert_int_equal(text("1"), EBADMSG);
	assert_int_equal(text("{\"a\":1,\"a\":2}"), EBADMSG);
	assert_int_equal(text("{\"a\":\"\\u0000\"}"), EBADMSG);
	assert_int_equal(text("{\"a\":\"\xff\"}"), EBADMSG);
	assert_int_equal(text("{} {}"), EBADMSG);
	assert_int_equal(text("{\"a\":99999999999999999999}"), EBADMSG);
	assert_int_equal(text("{}"), 0);
}

static void
test_sizes(void **state)
{
	char *s = malloc(VMSPACE_MESSAGE_MAX + 2);

	assert_non_null(s);
	memset(s, ' ', VMSPACE_MESSAGE_MAX + 2);
	memcpy(s, "{}", 2);
	put(s, VMSPACE_MESSAGE_MAX, 0);
	assert_int_equal(message_recv(pair[1], &m), 0);
	message_done(&m);
	put(s, VMSPACE_MESSAGE_MAX + 1, 0);
	assert_int_equal(message_recv(pair[1], &m), EMSGSIZE);
	s[0] = '\0';
	put(s, MESSAGE_DATA_MAX + 1, 0);
	assert_int_equal(message_recv(pair[1], &m), 0);
	assert_null(m.json);
	assert_int_equal(m.len, MESSAGE_DATA_MAX);
	message_done(&m);
	put(s, MESSAGE_DATA_MAX + 2, 0);
	assert_int_equal(message_recv(pair[1], &m), EMSGSIZE);
	put(s, 1, 0);
	assert_int_equal(message_recv(pair[1], &m), 0);
	assert_int_equal(m.len, 0);
	message_done(&m);
	assert_int_equal(message_recv(pair[1], &m), EAGAIN);
	assert_int_equal(
	    message_send_data(pair[0], s, MESSAGE_DATA_MAX + 1, true),
	    EMSGSIZE);
	free(s);
}

static void
test_descriptors(void **state)
{
	const int free_fd = lowest();
	int fd;

	put("{}", 2, VMSPACE_MESSAGE_FDS);
	assert_int_equal(message_recv(pair[1], &m), 0);
	assert_int_equal(m.nfds, VMSPACE_MESSAGE_FDS);
	assert_int_equal(fcntl(m.fds[0], F_GETFD), FD_CLOEXEC);
	fd = message_take_fd(&m, 3);
	assert_true(fd >= 0);
	assert_int_equal(message_take_fd(&m, 3), -1);
	assert_int_equal(message_take_fd(&m, VMSPACE_MESSAGE_FDS), -1);
	message_done(&m);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	(void)close(fd);
	assert_int_equal(lowest(), free_fd);
	/* Too many, and with a message that is refused: all are closed. */
	put("{}", 2, VMSPACE_MESSAGE_FDS + 1);
	assert_int_equal(message_recv(pair[1], &m), EMSGSIZE);
	assert_int_equal(lowest(), free_fd);
	put("{}", 2, 253);
	assert_int_equal(message_recv(pair[1], &m), EMSGSIZE);
	put("[", 1, 5);
	assert_int_equal(message_recv(pair[1], &m), EBADMSG);
	assert_int_equal(lowest(), free_fd);
}

static void
test_members(void **state)
{
	json_t *o = json_pack("{s:i, s:b, s:f, s:[s,s], s:[s,i], s:s}", "n", 7,
	    "b", 1, "f", 1.0, "list", "x", "y", "mixed", "x", 1, "s", "text");
	const char **list;
	int64_t n = 0;

	assert_non_null(o);
	assert_true(message_int(o, "n", 7, 7, &n));
	assert_int_equal(n, 7);
	assert_false(message_int(o, "n", 8, 9, &n));
	assert_false(message_int(o, "n", 0, 6, &n));
	assert_false(message_int(o, "b", 0, 9, &n));
	assert_false(message_int(o, "f", 0, 9, &n));
	assert_false(message_int(o, "none", 0, 9, &n));
	assert_null(message_string(o, "n"));
	assert_string_equal(message_string(o, "s"), "text");
	assert_int_equal(message_strings(o, "list", &list), 0);
	assert_string_equal(list[1], "y");
	assert_null(list[2]);
	free(list);
	assert_int_equal(message_strings(o, "mixed", &list), EBADMSG);
	assert_int_equal(message_strings(o, "s", &list), EBADMSG);
	json_decref(o);
}

static void
test_errors(void **state)
{
	assert_string_equal(message_errname(EINVAL), "EINVAL");
	assert_string_equal(message_errname(9999), "EIO");
	assert_int_equal(message_errno("EUSERS"), EUSERS);
	assert_int_equal(message_errno("ENONSENSE"), EPROTO);
	assert_int_equal(message_errno(NULL), EPROTO);
}

static void
test_closed(void **state)
{
	(void)shutdown(pair[0], SHUT_RDWR);
	assert_int_equal(message_recv(pair[1], &m), ECONNRESET);
	assert_int_equal(
	    message_send(pair[1], json_object(), NULL, 0), ECONNRESET);
	assert_int_equal(message_send(pair[1], NULL, NULL, 0), ENOMEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_depth, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_object, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_descriptors, setup, teardown),
	    cmocka_unit_test(test_members),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test_setup_teardown(test_closed, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
