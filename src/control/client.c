/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The client of a kernel's control socket.
 *
 * Concepts.  Each call sends one request and waits for its answer.  The answer
 * is not trusted more than a request is: what is missing or of another type is
 * EPROTO.  After an error that leaves an answer half read the connection is
 * given up, and each later call is ECONNRESET.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/control_dir.h"
#include "control/control_stat.h"
#include "control/message.h"

struct vmspace_control {
	int fd;
	struct vmspace_control_info info;
	char *command;
	char text[512];   /* of the last failure */
	struct message m; /* the answer */
};

/* ---- requests and answers ---- */

static int
receive(struct vmspace_control *c)
{
	int error = message_recv(c->fd, &c->m);

	return (error == EBADMSG || error == EMSGSIZE ? EPROTO : error);
}

/* The error of an answer: 0, or what it says. */
static int
answer_error(struct vmspace_control *c)
{
	const char *name, *text;

	if (c->m.json == NULL)
		return (EPROTO);
	if (json_is_true(json_object_get(c->m.json, "ok")))
		return (0);
	name = message_string(c->m.json, "error");
	text = message_string(c->m.json, "message");
	snprintf(c->text, sizeof(c->text), "%s", text != NULL ? text : "");
	return (message_errno(name));
}

/* Send a request, whose ref passes, and receive its answer into c->m, which
 * stays until the next call. */
static int
call(struct vmspace_control *c, json_t *req, const int *fds, int nfds)
{
	int error;

	message_done(&c->m);
	c->text[0] = '\0';
	error = message_send(c->fd, req, fds, nfds);
	if (error == 0)
		error = receive(c);
	return (error != 0 ? error : answer_error(c));
}

static int
call_simple(struct vmspace_control *c, const char *op)
{
	return (call(c, json_pack("{s:s}", "op", op), NULL, 0));
}

/* A number of the answer. */
static int
answer_int(
    const struct vmspace_control *c, const char *key, int64_t hi, int64_t *out)
{
	return (message_int(c->m.json, key, 0, hi, out) ? 0 : EPROTO);
}

/* ---- connecting ---- */

/* Receive the greeting. */
static int
greet(struct vmspace_control *c)
{
	const char *name, *version;
	int64_t v, pid;
	int error = receive(c);

	if (error == EAGAIN)
		return (ETIMEDOUT);
	if (error != 0)
		return (error == ECONNRESET ? ECONNREFUSED : error);
	if (c->m.json == NULL)
		return (EPROTO);
	if (message_string(c->m.json, "error") != NULL)
		return (answer_error(c));
	name = message_string(c->m.json, "name");
	version = message_string(c->m.json, "vmspace");
	if (name == NULL || version == NULL ||
	    !message_int(c->m.json, "version", 1, INT32_MAX, &v) ||
	    !message_int(c->m.json, "pid", 1, INT32_MAX, &pid))
		return (EPROTO);
	snprintf(c->info.name, sizeof(c->info.name), "%s", name);
	snprintf(c->info.vmspace, sizeof(c->info.vmspace), "%s", version);
	c->info.version = (unsigned)v;
	c->info.pid = (pid_t)pid;
	return (v == VMSPACE_CONTROL_VERSION ? 0 : EPROTO);
}

/* A client over a connected socket, which passes. */
static int
client_create(int fd, struct vmspace_control **out)
{
	struct vmspace_control *c = calloc(1, sizeof(*c));
	int error;

	if (c == NULL) {
		(void)close(fd);
		return (ENOMEM);
	}
	c->fd = fd;
	message_socket(fd);
	error = greet(c);
	message_timeout(fd, 0);
	if (error != 0) {
		vmspace_disconnect(c);
		return (error);
	}
	*out = c;
	return (0);
}

int
vmspace_connect(const char *name, struct vmspace_control **out)
{
	int error, fd;

	if (name == NULL || out == NULL)
		return (EINVAL);
	error = control_dir_socket(name, &fd);
	return (error != 0 ? error : client_create(fd, out));
}

int
vmspace_connect_path(const char *path, struct vmspace_control **out)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int error, fd;

	if (path == NULL || out == NULL)
		return (EINVAL);
	if (strlen(path) >= sizeof(un.sun_path))
		return (ENAMETOOLONG);
	strcpy(un.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (errno);
	message_timeout(fd, CONNECT_SECONDS);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0) {
		error = errno == EAGAIN ? ETIMEDOUT : errno;
		(void)close(fd);
		return (error);
	}
	return (client_create(fd, out));
}

void
vmspace_disconnect(struct vmspace_control *c)
{
	if (c == NULL)
		return;
	message_done(&c->m);
	(void)close(c->fd);
	free(c->command);
	free(c);
}

const char *
vmspace_control_message(const struct vmspace_control *c)
{
	return (c->text);
}

/* ---- the kernel ---- */

int
vmspace_control_info(
    struct vmspace_control *c, struct vmspace_control_info *out)
{
	const char *command;
	int64_t pid;
	int error = call_simple(c, "info");

	if (error == 0)
		error = answer_int(c, "main", INT32_MAX, &pid);
	if (error != 0)
		return (error);
	command = message_string(c->m.json, "command");
	if (command == NULL)
		return (EPROTO);
	free(c->command);
	c->command = strdup(command);
	if (c->command == NULL)
		return (ENOMEM);
	*out = c->info;
	out->main = (int)pid;
	out->paused = json_is_true(json_object_get(c->m.json, "paused"));
	out->command = c->command;
	return (0);
}

int
vmspace_control_stat(struct vmspace_control *c, struct vkernel_stat *st)
{
	const json_t *o;
	int error = call_simple(c, "stat");

	if (error != 0)
		return (error);
	o = json_object_get(c->m.json, "stat");
	if (!json_is_object(o))
		return (EPROTO);
	control_stat_unpack(o, st);
	return (0);
}

int
vmspace_control_syscalls(struct vmspace_control *c,
    void (*fn)(void *arg, const char *name, uint64_t calls, uint64_t missing),
    void *arg)
{
	const json_t *list, *v;
	size_t i;
	int error = call_simple(c, "syscalls");

	if (error != 0)
		return (error);
	list = json_object_get(c->m.json, "syscalls");
	if (!json_is_array(list))
		return (EPROTO);
	json_array_foreach(list, i, v)
	{
		const char *name = json_string_value(json_array_get(v, 0));

		if (name != NULL)
			fn(arg, name,
			    (uint64_t)json_integer_value(json_array_get(v, 1)),
			    (uint64_t)json_integer_value(json_array_get(v, 2)));
	}
	return (0);
}

int
vmspace_control_kill(struct vmspace_control *c, int pid, int sig)
{
	return (call(c,
	    json_pack(
		"{s:s, s:i, s:i}", "op", "kill", "pid", pid, "signal", sig),
	    NULL, 0));
}

int
vmspace_control_kill_main(struct vmspace_control *c, int sig)
{
	return (call(
	    c, json_pack("{s:s, s:i}", "op", "kill", "signal", sig), NULL, 0));
}

int
vmspace_control_pause(struct vmspace_control *c, bool paused)
{
	return (call_simple(c, paused ? "pause" : "resume"));
}

int
vmspace_control_shrink(
    struct vmspace_control *c, uint64_t target, uint64_t *given_back)
{
	int64_t n;
	int error;

	if (target > INT64_MAX)
		return (EINVAL);
	error = call(c,
	    json_pack(
		"{s:s, s:I}", "op", "shrink", "target", (json_int_t)target),
	    NULL, 0);
	if (error == 0)
		error = answer_int(c, "given_back", INT64_MAX, &n);
	if (error == 0)
		*given_back = (uint64_t)n;
	return (error);
}

int
vmspace_control_swapon(struct vmspace_control *c,
    const struct vkernel_swap *area, unsigned *number)
{
	static const char *const kinds[] = {"file", "lz4", "zstd"};
	const bool file = area->kind == VKERNEL_SWAP_FILE;
	json_t *req;
	int64_t n;
	int error;

	if ((unsigned)area->kind > VKERNEL_SWAP_ZSTD || area->size > INT64_MAX)
		return (EINVAL);
	req = json_pack("{s:s, s:s, s:I, s:i, s:s*}", "op", "swapon", "kind",
	    kinds[area->kind], "size", (json_int_t)area->size, "priority",
	    area->priority, "name", area->name);
	error = call(c, req, &area->fd, file ? 1 : 0);
	if (error == 0)
		error = answer_int(c, "area", INT32_MAX, &n);
	if (error == 0)
		*number = (unsigned)n;
	return (error);
}

int
vmspace_control_swapoff(struct vmspace_control *c, unsigned number)
{
	return (call(c,
	    json_pack(
		"{s:s, s:I}", "op", "swapoff", "area", (json_int_t)number),
	    NULL, 0));
}

/* ---- the tree of /proc ---- */

static enum vkernel_proc_type
entry_type(const char *s)
{
	if (s != NULL && strcmp(s, "dir") == 0)
		return (VKERNEL_PROC_DIR);
	return (s != NULL && strcmp(s, "link") == 0 ? VKERNEL_PROC_LINK
						    : VKERNEL_PROC_FILE);
}

/* Hand out the entries of an answer.  False: fn has had enough. */
static bool
entries(const json_t *list, vkernel_proc_entry_fn *fn, void *arg)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		const char *name = json_string_value(json_array_get(v, 0));
		const char *type = json_string_value(json_array_get(v, 1));

		if (name != NULL && !fn(arg, name, entry_type(type)))
			return (false);
	}
	return (true);
}

int
vmspace_control_proc_list(struct vmspace_control *c, const char *path,
    vkernel_proc_entry_fn *fn, void *arg)
{
	int64_t from = 0, next;
	json_t *list;
	bool more = true;
	int error;

	while (more) {
		error = call(c,
		    json_pack("{s:s, s:s, s:I}", "op", "list", "path", path,
			"from", (json_int_t)from),
		    NULL, 0);
		if (error != 0)
			return (error);
		list = json_incref(json_object_get(c->m.json, "entries"));
		more = message_int(c->m.json, "next", 0, INT64_MAX, &next);
		if (!json_is_array(list) || (more && next <= from)) {
			json_decref(list);
			return (EPROTO);
		}
		/* fn may use this connection. */
		more = entries(list, fn, arg) && more;
		json_decref(list);
		from = next;
	}
	return (0);
}

static json_t *
transfer(const char *op, const char *path, uint64_t off, size_t len)
{
	return (json_pack("{s:s, s:s, s:I, s:I}", "op", op, "path", path,
	    "offset", (json_int_t)off, "length", (json_int_t)len));
}

int
vmspace_control_proc_read(struct vmspace_control *c, const char *path,
    uint64_t off, void *buf, size_t len, size_t *done)
{
	int64_t n;
	int error;

	if (off > INT64_MAX)
		return (EINVAL);
	if (len > MESSAGE_DATA_MAX)
		len = MESSAGE_DATA_MAX;
	error = call(c, transfer("read", path, off, len), NULL, 0);
	if (error == 0)
		error = answer_int(c, "length", (int64_t)len, &n);
	if (error != 0 || n == 0) {
		if (error == 0)
			*done = 0;
		return (error);
	}
	message_done(&c->m);
	error = receive(c);
	if (error == 0 && (c->m.json != NULL || c->m.len != (size_t)n))
		error = EPROTO;
	if (error != 0)
		return (error);
	memcpy(buf, c->m.buf + 1, (size_t)n);
	*done = (size_t)n;
	return (0);
}

int
vmspace_control_proc_write(struct vmspace_control *c, const char *path,
    uint64_t off, const void *buf, size_t len, size_t *done)
{
	int64_t n;
	int error;

	if (off > INT64_MAX)
		return (EINVAL);
	if (len > MESSAGE_DATA_MAX)
		len = MESSAGE_DATA_MAX;
	message_done(&c->m);
	c->text[0] = '\0';
	error = message_send(c->fd, transfer("write", path, off, len), NULL, 0);
	if (error == 0)
		error = message_send_data(c->fd, buf, len, false);
	if (error == 0)
		error = receive(c);
	if (error == 0)
		error = answer_error(c);
	if (error == 0)
		error = answer_int(c, "length", (int64_t)len, &n);
	if (error == 0)
		*done = (size_t)n;
	return (error);
}

/* ---- programs ---- */

static json_t *
strings(const char *const *list)
{
	json_t *a = json_array();

	for (; list != NULL && *list != NULL; list++)
		if (json_array_append_new(a, json_string(*list)) != 0) {
			json_decref(a);
			return (NULL);
		}
	return (a);
}

static int
set_user(json_t *req, const struct vkernel_user *u)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < u->ngroups; i++)
		(void)json_array_append_new(groups, json_integer(u->groups[i]));
	return (json_object_set_new(req, "user",
	    json_pack("{s:I, s:I, s:o}", "uid", (json_int_t)u->uid, "gid",
		(json_int_t)u->gid, "groups", groups)));
}

static int
spawn(struct vmspace_control *c, const struct vkernel_spawn *sp,
    const uint16_t size[2], int *pid)
{
	const char *const self[] = {sp->path, NULL};
	json_t *req;
	int64_t n;
	int error;

	if (sp->nfds < 0 || sp->nfds > VMSPACE_MESSAGE_FDS)
		return (EINVAL);
	req = json_pack("{s:s, s:o, s:o}", "op", "spawn", "argv",
	    strings(sp->argv != NULL ? sp->argv : self), "env",
	    strings(sp->envp));
	if (req == NULL)
		return (EILSEQ);
	error = 0;
	if (sp->cwd != NULL)
		error |= json_object_set_new(req, "cwd", json_string(sp->cwd));
	if (sp->user != NULL)
		error |= set_user(req, sp->user);
	if (size != NULL)
		error |= json_object_set_new(req, "terminal",
		    json_pack("{s:i, s:i}", "rows", (int)size[0], "columns",
			(int)size[1]));
	if (error != 0) {
		json_decref(req);
		return (EILSEQ);
	}
	error = call(c, req, sp->fds, size == NULL ? sp->nfds : 0);
	if (error == EMSGSIZE)
		return (E2BIG);
	if (error == 0)
		error = answer_int(c, "pid", INT32_MAX, &n);
	if (error == 0)
		*pid = (int)n;
	return (error);
}

int
vmspace_control_spawn(
    struct vmspace_control *c, const struct vkernel_spawn *sp, int *pid)
{
	return (spawn(c, sp, NULL, pid));
}

int
vmspace_control_spawn_tty(struct vmspace_control *c,
    const struct vkernel_spawn *sp, const uint16_t size[2], int *pid)
{
	return (spawn(c, sp, size, pid));
}

int
vmspace_control_wait(struct vmspace_control *c, int pid, int *status)
{
	int error = vmspace_control_wait_begin(c, pid);

	return (error != 0 ? error : vmspace_control_wait_end(c, status));
}

int
vmspace_control_wait_begin(struct vmspace_control *c, int pid)
{
	message_done(&c->m);
	c->text[0] = '\0';
	return (message_send(
	    c->fd, json_pack("{s:s, s:i}", "op", "wait", "pid", pid), NULL, 0));
}

int
vmspace_control_wait_end(struct vmspace_control *c, int *status)
{
	int64_t n;
	int error = receive(c);

	if (error == 0)
		error = answer_error(c);
	if (error == 0)
		error = answer_int(c, "status", INT32_MAX, &n);
	if (error == 0)
		*status = (int)n;
	return (error);
}

/* ---- sessions ---- */

int
vmspace_control_fd(const struct vmspace_control *c)
{
	return (c->fd);
}

int
vmspace_control_session_read(struct vmspace_control *c, void *buf, size_t len,
    enum vmspace_session_event *event, size_t *done, int *status)
{
	int64_t n;
	int error;

	if (len < MESSAGE_DATA_MAX)
		return (EINVAL);
	message_done(&c->m);
	error = receive(c);
	if (error != 0)
		return (error);
	if (c->m.json == NULL) {
		memcpy(buf, c->m.buf + 1, c->m.len);
		*event = VMSPACE_SESSION_OUTPUT;
		*done = c->m.len;
		return (0);
	}
	if (answer_int(c, "status", INT32_MAX, &n) != 0)
		return (EPROTO);
	*event = VMSPACE_SESSION_EXIT;
	*status = (int)n;
	return (0);
}

int
vmspace_control_session_write(
    struct vmspace_control *c, const void *buf, size_t len)
{
	return (message_send_data(c->fd, buf, len, true));
}

int
vmspace_control_session_resize(
    struct vmspace_control *c, const uint16_t size[2])
{
	return (message_send(c->fd,
	    json_pack("{s:s, s:i, s:i}", "op", "resize", "rows", (int)size[0],
		"columns", (int)size[1]),
	    NULL, 0));
}

int
vmspace_control_session_kill(struct vmspace_control *c, int sig)
{
	return (message_send(c->fd,
	    json_pack("{s:s, s:i}", "op", "kill", "signal", sig), NULL, 0));
}
