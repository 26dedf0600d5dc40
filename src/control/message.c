/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Messages of the control socket.
 *
 * Concepts.  A SOCK_SEQPACKET socket keeps messages whole, so that there is no
 * framing to get wrong: a message is there, or it is not.  A message that is
 * too long is cut by the host, which says so; it is refused as a whole.
 *
 * Guarantees.  Whatever a peer sends, receiving costs at most one message of
 * memory and what jansson makes of it; the depth is counted before jansson,
 * which recurses, sees the text.  Descriptors that come with a message are
 * closed by message_done() unless they were taken.
 *
 * Limits.  A message with more than VMSPACE_MESSAGE_FDS descriptors is refused,
 * and the host closes those that did not fit.
 */
#include "control/message.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Room for the descriptors of a message, aligned. */
union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(int) * VMSPACE_MESSAGE_FDS)];
};

/* ---- receiving ---- */

static void
take_fds(struct message *m, struct msghdr *h)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL;
	     c = CMSG_NXTHDR(h, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (n > (size_t)(VMSPACE_MESSAGE_FDS - m->nfds))
			n = (size_t)(VMSPACE_MESSAGE_FDS - m->nfds);
		memcpy(m->fds + m->nfds, CMSG_DATA(c), n * sizeof(int));
		m->nfds += (int)n;
	}
}

/* Does the text stay within MESSAGE_DEPTH_MAX?  It need not be JSON. */
static bool
shallow(const char *s, size_t len)
{
	bool quoted = false;
	unsigned depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (quoted && s[i] == '\\')
			i++;
		else if (s[i] == '"')
			quoted = !quoted;
		else if (!quoted && (s[i] == '{' || s[i] == '[')) {
			if (++depth > MESSAGE_DEPTH_MAX)
				return (false);
		} else if (!quoted && (s[i] == '}' || s[i] == ']') && depth > 0)
			depth--;
	}
	return (true);
}

static int
parse(struct message *m, size_t len)
{
	if (m->buf[0] == '\0') {
		if (len - 1 > MESSAGE_DATA_MAX)
			return (EMSGSIZE);
		m->len = len - 1;
		return (0);
	}
	if (!shallow(m->buf, len))
		return (EBADMSG);
	m->json = json_loadb(m->buf, len, JSON_REJECT_DUPLICATES, NULL);
	return (json_is_object(m->json) ? 0 : EBADMSG);
}

int
message_recv(int fd, struct message *m)
{
	union control control;
	struct iovec iov = {m->buf, VMSPACE_MESSAGE_MAX};
	struct msghdr h = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control.buf)};
	ssize_t n;
	int error;

	m->json = NULL;
	m->len = 0;
	m->nfds = 0;
	do
		n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return (errno == EAGAIN ? EAGAIN : ECONNRESET);
	take_fds(m, &h);
	if (n == 0)
		error = ECONNRESET;
	else if ((h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		error = EMSGSIZE;
	else
		error = parse(m, (size_t)n);
	if (error != 0)
		message_done(m);
	return (error);
}

void
message_done(struct message *m)
{
	json_decref(m->json);
	m->json = NULL;
	for (int i = 0; i < m->nfds; i++)
		if (m->fds[i] >= 0)
			(void)close(m->fds[i]);
	m->nfds = 0;
}

int
message_take_fd(struct message *m, int i)
{
	int fd;

	if (i >= m->nfds)
		return (-1);
	fd = m->fds[i];
	m->fds[i] = -1;
	return (fd);
}

/* ---- sending ---- */

static int
send_bytes(
    int fd, struct iovec *iov, size_t niov, const int *fds, int nfds, int flags)
{
	union control control;
	struct msghdr h = {.msg_iov = iov, .msg_iovlen = niov};
	struct cmsghdr *c;
	ssize_t n;

	if (nfds > VMSPACE_MESSAGE_FDS)
		return (EMSGSIZE);
	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		h.msg_control = &control;
		h.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)nfds);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)nfds);
	}
	do
		n = sendmsg(fd, &h, MSG_NOSIGNAL | flags);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return (0);
	return (errno == EPIPE || errno == ENOTCONN ? ECONNRESET : errno);
}

int
message_send(int fd, json_t *obj, const int *fds, int nfds)
{
	char *text = obj != NULL ? json_dumps(obj, JSON_COMPACT) : NULL;
	struct iovec iov = {text, text != NULL ? strlen(text) : 0};
	int error;

	json_decref(obj);
	if (text == NULL)
		return (ENOMEM);
	error = iov.iov_len > VMSPACE_MESSAGE_MAX
		    ? EMSGSIZE
		    : send_bytes(fd, &iov, 1, fds, nfds, 0);
	free(text);
	return (error);
}

int
message_send_data(int fd, const void *buf, size_t len, bool try)
{
	char zero = '\0';
	struct iovec iov[2] = {{&zero, 1}, {(void *)(uintptr_t)buf, len}};

	if (len > MESSAGE_DATA_MAX)
		return (EMSGSIZE);
	return (send_bytes(fd, iov, 2, NULL, 0, try ? MSG_DONTWAIT : 0));
}

void
message_socket(int fd)
{
	const int room = 2 * VMSPACE_MESSAGE_MAX;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

void
message_timeout(int fd, int seconds)
{
	const struct timeval tv = {.tv_sec = seconds};

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

/* Wait until fd takes a message.  EINTR: `wake` is readable. */
static int
wait_room(int fd, int wake)
{
	struct pollfd p[2] = {{fd, POLLOUT, 0}, {wake, POLLIN, 0}};

	if (poll(p, 2, -1) < 0)
		return (errno == EINTR ? 0 : errno);
	if (p[1].revents != 0)
		return (EINTR);
	return ((p[0].revents & (POLLERR | POLLHUP)) != 0 ? ECONNRESET : 0);
}

int
message_send_wait(int fd, int wake, json_t *obj)
{
	int error;

	json_incref(obj);
	do {
		json_incref(obj);
		error = message_send(fd, obj, NULL, 0);
	} while (error == EAGAIN && (error = wait_room(fd, wake)) == 0);
	json_decref(obj);
	json_decref(obj);
	return (error);
}

int
message_send_data_wait(int fd, int wake, const void *buf, size_t len)
{
	int error;

	do
		error = message_send_data(fd, buf, len, true);
	while (error == EAGAIN && (error = wait_room(fd, wake)) == 0);
	return (error);
}

/* ---- members ---- */

bool
message_int(
    const json_t *obj, const char *key, int64_t lo, int64_t hi, int64_t *out)
{
	const json_t *v = json_object_get(obj, key);
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v) || n < lo || n > hi)
		return (false);
	*out = n;
	return (true);
}

const char *
message_string(const json_t *obj, const char *key)
{
	return (json_string_value(json_object_get(obj, key)));
}

int
message_strings(const json_t *obj, const char *key, const char ***out)
{
	const json_t *v = json_object_get(obj, key);
	const size_t n = json_array_size(v);
	const char **list;

	if (!json_is_array(v))
		return (EBADMSG);
	list = calloc(n + 1, sizeof(*list));
	if (list == NULL)
		return (ENOMEM);
	for (size_t i = 0; i < n; i++) {
		list[i] = json_string_value(json_array_get(v, i));
		if (list[i] == NULL) {
			free(list);
			return (EBADMSG);
		}
	}
	*out = list;
	return (0);
}

/* ---- errors ---- */

const char *
message_errname(int error)
{
	const char *name = strerrorname_np(error);

	return (name != NULL ? name : "EIO");
}

int
message_errno(const char *name)
{
	if (name == NULL)
		return (EPROTO);
	for (int e = 1; e < 200; e++) {
		const char *have = strerrorname_np(e);

		if (have != NULL && strcmp(have, name) == 0)
			return (e);
	}
	return (EPROTO);
}
