/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Messages of the control socket, for both sides.
 *
 * Each is one message of a SOCK_SEQPACKET socket: a JSON object, or data, whose
 * first byte is 0.  Descriptors may come with either.  What a peer sends is
 * checked here for size, depth and shape; what a request means is checked where
 * it is carried out.
 */
#ifndef CONTROL_MESSAGE_H
#define CONTROL_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmspace/control.h"

#define MESSAGE_DATA_MAX 65536 /* bytes of a data message, without the 0 */
#define MESSAGE_DEPTH_MAX 8    /* objects and arrays in one another */

/* A received message. */
struct message {
	json_t *json; /* NULL: data */
	size_t len;   /* of data */
	int nfds;
	int fds[VMSPACE_MESSAGE_FDS];
	char buf[VMSPACE_MESSAGE_MAX + 1]; /* data: from buf + 1 */
};

/*
 * Receive into *m, which message_done() frees; blocks unless the socket is
 * non-blocking.
 * - 0.
 * - ECONNRESET: the peer has closed.  EAGAIN.
 * - EBADMSG: no JSON object, too deep, or a key twice.  EMSGSIZE: too long, or
 *   too many descriptors.  The message is gone, the connection usable.
 */
int message_recv(int fd, struct message *m);
void message_done(struct message *m);
/* The descriptor number i, which becomes the caller's; -1: none. */
int message_take_fd(struct message *m, int i);

/*
 * Send an object, whose ref passes also on failure, with descriptors, which
 * stay the caller's.  0, EMSGSIZE, ENOMEM, ECONNRESET, EAGAIN.  NULL: ENOMEM.
 */
int message_send(int fd, json_t *obj, const int *fds, int nfds);
/* Send data, at most MESSAGE_DATA_MAX bytes.  try: EAGAIN instead of waiting.
 */
int message_send_data(int fd, const void *buf, size_t len, bool try);
/* A socket that was made: let it hold the longest message. */
void message_socket(int fd);
/* Bound connect, send and receive, which end with EAGAIN.  0: no bound. */
void message_timeout(int fd, int seconds);
/* A kernel process may be stopped, or not accept: connecting ends after it. */
#define CONNECT_SECONDS 5

/* Like the functions above, but wait until the socket takes or has a message,
 * or `wake` (-1: none) is readable: EINTR. */
int message_send_wait(int fd, int wake, json_t *obj);
int message_send_data_wait(int fd, int wake, const void *buf, size_t len);

/* Members of an object.  False: missing, or of another type or range. */
bool message_int(
    const json_t *obj, const char *key, int64_t lo, int64_t hi, int64_t *out);
const char *message_string(const json_t *obj, const char *key); /* or NULL */
/* The strings of an array, NULL-terminated and malloc'ed; they belong to obj.
 * 0, EBADMSG (no array of strings), ENOMEM. */
int message_strings(const json_t *obj, const char *key, const char ***out);

/* Names of errnos, as errno.h has them ("EINVAL"). */
const char *message_errname(int error);
int message_errno(const char *name); /* EPROTO: unknown */

#endif /* CONTROL_MESSAGE_H */
