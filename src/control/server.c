/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The server of a kernel's control socket.
 *
 * Concepts.  One thread, the listener, accepts connections; each client has a
 * thread that receives a request, carries it out by the public calls of
 * vkernel.h, and answers, one after the other.  A client that is slow, or waits
 * for something, keeps its own thread and nothing else: no lock of the kernel
 * is held while a message is sent or received.  Without clients there is the
 * listener, which sleeps.
 *
 * Sockets are non-blocking; a thread sleeps in poll(2) on the connection and on
 * an eventfd, which is signalled when the server stops or a program has ended.
 *
 * Locking and lifetime.  The lock of the server guards the list of clients and
 * what is known of the main program; it is a leaf, and the kernel calls
 * exited() under locks of its own.  A thread that ends marks its client as
 * done; the listener joins it, at the next connection or at the end.
 *
 * Guarantees.  Only processes of one user are served, which the host tells.  A
 * request costs bounded memory; at most CLIENTS_MAX are served at a time.
 * Whatever a client sends, the connection is answered with an error or closed.
 * When vkernel_control_stop() returns, no thread and no descriptor is left.
 *
 * Limits.  swapoff and shrink cannot be interrupted: the end of the kernel
 * waits for them.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/server_int.h"
#include "host/host.h"
#include "host/host_file.h"

/* ---- a client ---- */

bool
client_stopping(const struct client *c)
{
	return (atomic_load(&c->sv->stopping));
}

int
client_wait(struct client *c)
{
	struct pollfd p[2] = {{c->fd, POLLIN, 0}, {c->wake, POLLIN, 0}};

	for (;;) {
		if (client_stopping(c))
			return (ECANCELED);
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents != 0) {
			(void)host_eventfd_drain(c->wake);
			return (client_stopping(c) ? ECANCELED : EINTR);
		}
		if (p[0].revents != 0)
			return (0);
	}
}

int
client_recv(struct client *c)
{
	int error;

	for (;;) {
		error = client_wait(c);
		if (error == ECANCELED)
			return (error);
		if (error != 0)
			continue;
		error = message_recv(c->fd, &c->in);
		if (error != EAGAIN)
			return (error);
	}
}

int
client_data(struct client *c)
{
	int error;

	message_done(&c->in);
	error = client_recv(c);
	if (error == 0 && c->in.json != NULL) {
		message_done(&c->in);
		error = EBADMSG;
	}
	return (error);
}

int
reply_error(json_t *reply, int error, const char *text)
{
	(void)json_object_set_new(reply, "message", json_string(text));
	return (error);
}

int
client_keep(struct client *c, char *buf, size_t len)
{
	c->data = buf;
	c->ndata = len;
	return (0);
}

int
client_send_data(struct client *c, const void *buf, size_t len)
{
	int error;

	do {
		error = message_send_data_wait(c->fd, c->wake, buf, len);
		if (error == EINTR)
			(void)host_eventfd_drain(c->wake);
	} while (error == EINTR && !client_stopping(c));
	return (error);
}

int
client_send(struct client *c, json_t *obj)
{
	int error;

	do {
		json_incref(obj);
		error = message_send_wait(c->fd, c->wake, obj);
		if (error == EINTR)
			(void)host_eventfd_drain(c->wake);
	} while (error == EINTR && !client_stopping(c));
	json_decref(obj);
	return (error);
}

int
client_reply(struct client *c, int error, json_t *reply)
{
	if (reply == NULL)
		return (ENOMEM);
	if (error == 0) {
		(void)json_object_set_new(reply, "ok", json_true());
	} else {
		(void)json_object_set_new(
		    reply, "error", json_string(message_errname(error)));
		if (json_object_get(reply, "message") == NULL)
			(void)json_object_set_new(
			    reply, "message", json_string(strerror(error)));
	}
	error = client_send(c, reply);
	if (error == EMSGSIZE)
		error = client_send(
		    c, json_pack("{s:s, s:s}", "error", "EMSGSIZE", "message",
			   "the answer is too long for a message"));
	return (error);
}

static json_t *
greeting(const struct vkernel_control *sv)
{
	return (json_pack("{s:s, s:i, s:s, s:i}", "name", sv->name, "version",
	    VMSPACE_CONTROL_VERSION, "vmspace", vkernel_version(), "pid",
	    host_getpid()));
}

/* Carry out the request in c->in.  Not 0: the connection ends. */
static int
client_request(struct client *c)
{
	json_t *reply = json_object(), *req = json_incref(c->in.json);
	const char *op;
	request_fn *fn;
	int error;

	if (req == NULL) {
		error = client_reply(c,
		    reply_error(reply, EBADMSG, "data without a request"),
		    reply);
		goto out;
	}
	op = message_string(req, "op");
	fn = op != NULL ? request_find(op) : NULL;
	if (fn == NULL)
		error = reply_error(reply, op != NULL ? EOPNOTSUPP : EBADMSG,
		    op != NULL ? "unknown request" : "a request has an \"op\"");
	else
		error = fn(c, req, reply);
	error = client_reply(c, error, reply);
	if (error == 0 && c->data != NULL)
		error = client_send_data(c, c->data, c->ndata);
	free(c->data);
	c->data = NULL;
	if (error == 0 && c->pty != NULL)
		error = client_session(c);
	/* Without a session: the client has gone before its answer. */
	vkernel_pty_close(c->pty);
	c->pty = NULL;
out:
	json_decref(req);
	message_done(&c->in);
	return (error);
}

static void
client_serve(struct client *c)
{
	int error = client_send(c, greeting(c->sv));

	while (error == 0) {
		error = client_recv(c);
		if (error == 0)
			error = client_request(c);
		else if (error == EBADMSG || error == EMSGSIZE)
			error = client_reply(c, error, json_object());
	}
}

static void
client_main(void *arg)
{
	struct client *c = arg;
	struct vkernel_control *sv = c->sv;

	client_serve(c);
	client_release(c);
	/* The peer sees the end now; the numbers stay taken until the thread
	 * was joined, so that exited() cannot signal another file. */
	(void)shutdown(c->fd, SHUT_RDWR);
	kmutex_lock(&sv->lock);
	c->done = true;
	kmutex_unlock(&sv->lock);
	(void)host_eventfd_signal(sv->wake);
}

/* ---- the listener ---- */

static void
client_free(struct client *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	if (c->wake >= 0)
		(void)close(c->wake);
	free(c->pids);
	free(c);
}

/* Join the threads that have ended (all: or will), and free their clients. */
static void
join_clients(struct vkernel_control *sv, bool all)
{
	struct client *c;

	for (;;) {
		kmutex_lock(&sv->lock);
		LIST_FOREACH (c, &sv->clients, link)
			if (all || c->done)
				break;
		if (c != NULL) {
			LIST_REMOVE(c, link);
			sv->nclients--;
		}
		kmutex_unlock(&sv->lock);
		if (c == NULL)
			return;
		host_thread_join(c->thread);
		client_free(c);
	}
}

static bool
peer_permitted(const struct vkernel_control *sv, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
		cred.uid == sv->uid);
}

/* Serve the connection fd, which is the server's from now on. */
static int
client_start(struct vkernel_control *sv, int fd)
{
	struct client *c = calloc(1, sizeof(*c));
	int error;

	if (c == NULL) {
		(void)close(fd);
		return (ENOMEM);
	}
	message_socket(fd);
	c->sv = sv;
	c->fd = fd;
	c->wake = -1;
	c->pids = calloc(CLIENT_PIDS, sizeof(*c->pids));
	error = c->pids == NULL
		    ? ENOMEM
		    : host_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK, &c->wake);
	if (error != 0) {
		client_free(c);
		return (error);
	}
	kmutex_lock(&sv->lock);
	LIST_INSERT_HEAD(&sv->clients, c, link);
	sv->nclients++;
	kmutex_unlock(&sv->lock);
	error = host_thread_create(&c->thread, "control", client_main, c);
	if (error != 0) {
		kmutex_lock(&sv->lock);
		LIST_REMOVE(c, link);
		sv->nclients--;
		kmutex_unlock(&sv->lock);
		client_free(c);
	}
	return (error);
}

static void
listener_accept(struct vkernel_control *sv)
{
	const char *refusal = NULL;
	int fd = accept4(sv->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		/* Without descriptors the connection stays readable. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			host_sleep_ns(UINT64_C(100000000));
		return;
	}
	if (!peer_permitted(sv, fd))
		refusal = "EACCES";
	else if (sv->nclients >= CLIENTS_MAX) /* only this thread changes it */
		refusal = "EUSERS";
	if (refusal != NULL) {
		(void)message_send(
		    fd, json_pack("{s:s}", "error", refusal), NULL, 0);
		(void)close(fd);
		return;
	}
	(void)client_start(sv, fd);
}

static void
listener_main(void *arg)
{
	struct vkernel_control *sv = arg;
	struct pollfd p[2] = {{sv->fd, POLLIN, 0}, {sv->wake, POLLIN, 0}};

	while (!atomic_load(&sv->stopping)) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents != 0) {
			(void)host_eventfd_drain(sv->wake);
			join_clients(sv, false);
		}
		if (p[0].revents != 0)
			listener_accept(sv);
	}
}

/* ---- the caller's side ---- */

static void
wake_clients(struct vkernel_control *sv)
{
	struct client *c;

	kmutex_lock(&sv->lock);
	LIST_FOREACH (c, &sv->clients, link)
		(void)host_eventfd_signal(c->wake);
	kmutex_unlock(&sv->lock);
}

/* For vkernel_watch_exits(). */
static void
exited(void *arg, int pid)
{
	wake_clients(arg);
}

static void
server_free(struct vkernel_control *sv)
{
	if (sv->wake >= 0)
		(void)close(sv->wake);
	kmutex_destroy(&sv->lock);
	free(sv->command);
	free(sv);
}

int
vkernel_control_start(struct vkernel *k,
    const struct vkernel_control_config *config, struct vkernel_control **out)
{
	struct vkernel_control *sv;
	int error;

	if (k == NULL || config == NULL || out == NULL ||
	    config->name == NULL || config->command == NULL ||
	    strlen(config->name) > VMSPACE_NAME_MAX)
		return (EINVAL);
	sv = calloc(1, sizeof(*sv));
	if (sv == NULL)
		return (ENOMEM);
	kmutex_init(&sv->lock, "control", KRANK_LEAF, 0);
	LIST_INIT(&sv->clients);
	sv->k = k;
	sv->fd = config->fd;
	sv->uid = config->uid;
	sv->wake = -1;
	strcpy(sv->name, config->name);
	sv->command = strdup(config->command);
	error = sv->command == NULL
		    ? ENOMEM
		    : host_eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK, &sv->wake);
	if (error == 0)
		error = host_thread_create(
		    &sv->listener, "control-listen", listener_main, sv);
	if (error != 0) {
		server_free(sv);
		return (error);
	}
	vkernel_watch_exits(k, exited, sv);
	*out = sv;
	return (0);
}

void
vkernel_control_main(struct vkernel_control *sv, int pid)
{
	kmutex_lock(&sv->lock);
	sv->main = pid;
	kmutex_unlock(&sv->lock);
}

void
vkernel_control_ended(struct vkernel_control *sv, int status)
{
	kmutex_lock(&sv->lock);
	sv->ended = true;
	sv->status = status;
	kmutex_unlock(&sv->lock);
	wake_clients(sv);
}

void
vkernel_control_stop(struct vkernel_control *sv)
{
	if (sv == NULL)
		return;
	vkernel_watch_exits(sv->k, NULL, NULL);
	atomic_store(&sv->stopping, true);
	(void)host_eventfd_signal(sv->wake);
	host_thread_join(sv->listener);
	wake_clients(sv);
	join_clients(sv, true);
	(void)close(sv->fd);
	server_free(sv);
}
