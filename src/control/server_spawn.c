/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Programs that clients start, and their terminals.
 *
 * Concepts.  A program gets descriptors of the client, which come with the
 * request, or a terminal of the guest.  In the second case the connection is
 * the other side of that terminal until the program ends, a session: data
 * messages carry what is typed and what is printed, and objects carry sizes,
 * signals and the end.  Each direction has one message under way; while it does
 * not fit, nothing more is read from where it came from, so that a slow client
 * or program stops the other side, as on a terminal line.  A session is the
 * last thing on its connection.
 *
 * A client that ends leaves its programs running: they are released, and those
 * on a terminal are hung up.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/server_int.h"
#include "host/host_file.h"

/* ---- starting ---- */

/* Numbers of an array; -1: no such array. */
static int
parse_groups(const json_t *list, uint32_t *out, size_t max)
{
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > max)
		return (-1);
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(list, i);
		json_int_t id = json_integer_value(v);

		if (!json_is_integer(v) || id < 0 || id > UINT32_MAX - 1)
			return (-1);
		out[i] = (uint32_t)id;
	}
	return ((int)n);
}

#define GROUPS_MAX 1024 /* in a request */

struct spawn {
	struct vkernel_spawn sp;
	struct vkernel_user user;
	uint32_t groups[GROUPS_MAX];
	const char **argv, **envp; /* malloc'ed */
	bool terminal;
	uint16_t rows, columns;
};

static int
parse_user(const json_t *req, struct spawn *s)
{
	const json_t *user = json_object_get(req, "user");
	const json_t *groups = json_object_get(user, "groups");
	int64_t uid, gid;
	int n = 0;

	if (user == NULL)
		return (0);
	if (!message_int(user, "uid", 0, UINT32_MAX - 1, &uid) ||
	    !message_int(user, "gid", 0, UINT32_MAX - 1, &gid))
		return (EINVAL);
	if (groups != NULL)
		n = parse_groups(groups, s->groups, GROUPS_MAX);
	if (n < 0)
		return (EINVAL);
	s->user = (struct vkernel_user){
	    (uint32_t)uid, (uint32_t)gid, s->groups, (size_t)n};
	s->sp.user = &s->user;
	return (0);
}

static int
parse_terminal(const json_t *req, struct spawn *s)
{
	const json_t *size = json_object_get(req, "terminal");
	int64_t rows, columns;

	if (size == NULL)
		return (0);
	if (!message_int(size, "rows", 0, UINT16_MAX, &rows) ||
	    !message_int(size, "columns", 0, UINT16_MAX, &columns))
		return (EINVAL);
	s->terminal = true;
	s->rows = (uint16_t)rows;
	s->columns = (uint16_t)columns;
	return (0);
}

static int
spawn_parse(struct client *c, const json_t *req, json_t *reply, struct spawn *s)
{
	const json_t *cwd = json_object_get(req, "cwd");
	int error = message_strings(req, "argv", &s->argv);

	if (error == 0 && s->argv[0] == NULL)
		error = EBADMSG;
	if (error == EBADMSG)
		return (reply_error(
		    reply, EINVAL, "\"argv\" is an array of strings"));
	if (error == 0)
		error = message_strings(req, "env", &s->envp);
	if (error == EBADMSG)
		return (reply_error(
		    reply, EINVAL, "\"env\" is an array of strings"));
	if (error != 0)
		return (error);
	if (parse_user(req, s) != 0)
		return (reply_error(reply, EINVAL,
		    "\"user\" has the numbers \"uid\" and \"gid\", and perhaps "
		    "an array \"groups\""));
	if (parse_terminal(req, s) != 0)
		return (reply_error(reply, EINVAL,
		    "\"terminal\" has the numbers \"rows\" and \"columns\""));
	if (cwd != NULL && !json_is_string(cwd))
		return (reply_error(reply, EINVAL, "\"cwd\" is a string"));
	if (s->terminal && c->in.nfds != 0)
		return (reply_error(reply, EINVAL,
		    "a program gets a terminal or descriptors, not both"));
	s->sp.path = s->argv[0];
	s->sp.argv = s->argv;
	s->sp.envp = s->envp;
	s->sp.cwd = json_string_value(cwd);
	s->sp.cwd_optional = s->sp.cwd == NULL;
	s->sp.fds = c->in.fds;
	s->sp.nfds = c->in.nfds;
	return (0);
}

static int
spawn_start(struct client *c, struct spawn *s, json_t *reply)
{
	struct vkernel *k = c->sv->k;
	int error, pid;

	if (c->npids == CLIENT_PIDS)
		return (reply_error(reply, EAGAIN,
		    "this client has 1024 programs that it has not waited "
		    "for"));
	if (s->terminal) {
		error = vkernel_pty_create(k, s->rows, s->columns, &c->pty);
		if (error != 0)
			return (reply_error(reply, error,
			    error == ENXIO
				? "the guest has no /dev/ptmx for a terminal"
				: "cannot make a terminal"));
		s->sp.pty = c->pty;
	}
	error = vkernel_spawn(k, &s->sp, &pid);
	if (error != 0) {
		vkernel_pty_close(c->pty);
		c->pty = NULL;
		return (error);
	}
	c->pids[c->npids++] = pid;
	c->session = pid;
	(void)json_object_set_new(reply, "pid", json_integer(pid));
	return (0);
}

int
request_spawn(struct client *c, const json_t *req, json_t *reply)
{
	struct spawn *s = calloc(1, sizeof(*s));
	int error;

	if (s == NULL)
		return (ENOMEM);
	error = spawn_parse(c, req, reply, s);
	if (error == 0)
		error = spawn_start(c, s, reply);
	free(s->argv);
	free(s->envp);
	free(s);
	return (error);
}

/* ---- waiting ---- */

/* The end of one of this client's programs.  0, EAGAIN, ECHILD. */
static int
program_end(struct client *c, int pid, int *status)
{
	size_t i = 0;
	int error;

	while (i < c->npids && c->pids[i] != pid)
		i++;
	if (i == c->npids)
		return (ECHILD);
	error = vkernel_trywait(c->sv->k, pid, status);
	if (error != EAGAIN)
		c->pids[i] = c->pids[--c->npids];
	return (error);
}

static int
main_end(struct client *c, int *status)
{
	struct vkernel_control *sv = c->sv;
	int error = EAGAIN;

	kmutex_lock(&sv->lock);
	if (sv->ended) {
		*status = sv->status;
		error = 0;
	}
	kmutex_unlock(&sv->lock);
	return (error);
}

/* Any message of the client ends the wait. */
int
request_wait(struct client *c, const json_t *req, json_t *reply)
{
	int64_t pid = 0;
	bool last = false;
	int error, status;

	if (json_object_get(req, "pid") != NULL &&
	    !message_int(req, "pid", 0, INT32_MAX, &pid))
		return (reply_error(
		    reply, EINVAL, "\"pid\" is the number of a program"));
	message_done(&c->in);
	for (;;) {
		error = pid == 0 ? main_end(c, &status)
				 : program_end(c, (int)pid, &status);
		if (error == 0)
			(void)json_object_set_new(
			    reply, "status", json_integer(status));
		if (error != EAGAIN)
			return (error);
		if (error == EAGAIN && last)
			return (ECANCELED);
		error = client_wait(c);
		if (error == 0)
			return (ECANCELED);
		/* The server stops when all programs have ended. */
		last = error == ECANCELED;
	}
}

void
client_release(struct client *c)
{
	for (size_t i = 0; i < c->npids; i++)
		(void)vkernel_release(c->sv->k, c->pids[i]);
	c->npids = 0;
}

/* ---- a session ---- */

struct session {
	struct client *c;
	char out[MESSAGE_DATA_MAX]; /* printed, to be sent.. */
	size_t nout;
	size_t in, nin; /* typed, in c->in: from, to; done if equal */
	bool closed;    /* no program has the terminal open */
};

/* An object of the client. */
static int
session_control(struct client *c, const json_t *o)
{
	const char *op = message_string(o, "op");
	int64_t a, b;

	if (op == NULL)
		return (EBADMSG);
	if (strcmp(op, "resize") == 0 &&
	    message_int(o, "rows", 0, UINT16_MAX, &a) &&
	    message_int(o, "columns", 0, UINT16_MAX, &b)) {
		(void)vkernel_pty_resize(c->pty, (uint16_t)a, (uint16_t)b);
		return (0);
	}
	if (strcmp(op, "kill") == 0 && message_int(o, "signal", 0, 64, &a)) {
		(void)vkernel_kill(c->sv->k, c->session, (int)a);
		return (0);
	}
	return (EBADMSG);
}

/* Receive from the client.  Not 0: the connection ends. */
static int
session_receive(struct session *s)
{
	struct client *c = s->c;
	int error = message_recv(c->fd, &c->in);

	if (error == EAGAIN)
		return (0);
	if (error != 0)
		return (error);
	if (c->in.json != NULL) {
		error = session_control(c, c->in.json);
		message_done(&c->in);
		return (error);
	}
	s->in = 1; /* after the 0 */
	s->nin = c->in.len + 1;
	for (int i = 0; i < c->in.nfds; i++)
		(void)close(c->in.fds[i]);
	c->in.nfds = 0;
	return (0);
}

/* Move what goes at once, in both directions.  Not 0: the connection ends. */
static int
session_move(struct session *s)
{
	struct client *c = s->c;
	size_t n;
	int error;

	if (s->in < s->nin) {
		error = vkernel_pty_write(
		    c->pty, c->in.buf + s->in, s->nin - s->in, &n);
		if (error == 0)
			s->in += n;
		else if (error != EAGAIN)
			s->in = s->nin; /* nothing reads it any more */
	}
	if (s->nout == 0 && !s->closed) {
		error = vkernel_pty_read(c->pty, s->out, sizeof(s->out), &n);
		if (error == 0)
			s->nout = n;
		else if (error != EAGAIN)
			s->closed = true;
	}
	if (s->nout == 0)
		return (0);
	error = message_send_data(c->fd, s->out, s->nout, true);
	if (error == 0)
		s->nout = 0;
	return (error == EAGAIN ? 0 : error);
}

/* Sleep until something can be moved.  *ready: the client has sent. */
static int
session_sleep(struct session *s, bool *ready)
{
	const bool typed = s->in < s->nin;
	struct client *c = s->c;
	short client = 0, pty = 0;
	struct pollfd p[3];

	if (!typed)
		client |= POLLIN;
	else
		pty |= POLLOUT;
	if (s->nout != 0)
		client |= POLLOUT;
	else
		pty |= POLLIN;
	/* After the last program has closed it, poll would not sleep. */
	p[0] = (struct pollfd){c->wake, POLLIN, 0};
	p[1] = (struct pollfd){c->fd, client, 0};
	p[2] = (struct pollfd){s->closed ? -1 : vkernel_pty_fd(c->pty), pty, 0};
	if (poll(p, 3, -1) < 0)
		return (errno == EINTR ? 0 : errno);
	if (p[0].revents != 0)
		(void)host_eventfd_drain(c->wake);
	if (client_stopping(c))
		return (ECANCELED);
	if ((p[1].revents & (POLLERR | POLLHUP)) != 0 &&
	    (p[1].revents & POLLIN) == 0)
		return (ECONNRESET);
	*ready = (p[1].revents & POLLIN) != 0;
	return (0);
}

/* The program has ended, and all that it had printed was sent.  What the client
 * has sent meanwhile means nothing any more; it is read until the client
 * closes, because the host would drop the event if this side closed first. */
static int
session_exit(struct session *s, int status)
{
	struct client *c = s->c;
	int error;

	error = client_send(
	    c, json_pack("{s:s, s:i}", "event", "exit", "status", status));
	while (error == 0) {
		error = client_recv(c);
		if (error == EBADMSG || error == EMSGSIZE)
			error = 0;
		else if (error == 0)
			message_done(&c->in);
	}
	return (error);
}

static int
session_run(struct session *s)
{
	bool ready = false, last = false;
	int error, status = 0, end = EAGAIN;
	struct client *c = s->c;

	for (;;) {
		error = ready && s->in == s->nin ? session_receive(s) : 0;
		if (end == EAGAIN)
			end = program_end(c, c->session, &status);
		/* What it has printed before it ended is in the terminal. */
		if (error == 0)
			error = session_move(s);
		if (error == 0 && end != EAGAIN && s->nout == 0)
			error = session_move(s);
		if (error != 0)
			return (error);
		if (end != EAGAIN && s->nout == 0)
			return (session_exit(s, status));
		if (last)
			return (ECANCELED);
		ready = false;
		error = session_sleep(s, &ready);
		/* The server stops when all programs have ended. */
		last = error == ECANCELED;
		if (error != 0 && !last)
			return (error);
	}
}

int
client_session(struct client *c)
{
	struct session *s = calloc(1, sizeof(*s));
	int error = ENOMEM;

	message_done(&c->in);
	if (s != NULL) {
		s->c = c;
		error = session_run(s);
	}
	vkernel_pty_close(c->pty);
	c->pty = NULL;
	free(s);
	return (error);
}
