/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The requests of the control socket, except those about programs
 * (server_spawn.c).  docs/control.md has the members of each.
 *
 * Each function checks the members of its request, calls the kernel, and puts
 * results into the reply.  None keeps anything between requests.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/control_stat.h"
#include "control/server_int.h"

#define LIST_BYTES 32768 /* of names in one reply */

static int
wrong(json_t *reply, const char *text)
{
	return (reply_error(reply, EINVAL, text));
}

/* ---- the kernel ---- */

static int
request_info(struct client *c, const json_t *req, json_t *reply)
{
	struct vkernel_control *sv = c->sv;
	int main;

	kmutex_lock(&sv->lock);
	main = sv->main;
	kmutex_unlock(&sv->lock);
	(void)json_object_set_new(reply, "name", json_string(sv->name));
	(void)json_object_set_new(reply, "command", json_string(sv->command));
	(void)json_object_set_new(reply, "main", json_integer(main));
	(void)json_object_set_new(
	    reply, "paused", json_boolean(vkernel_paused(sv->k)));
	return (0);
}

static int
request_stat(struct client *c, const json_t *req, json_t *reply)
{
	struct vkernel_stat st;

	vkernel_stat(c->sv->k, &st);
	return (json_object_set_new(reply, "stat", control_stat_pack(&st)) == 0
		    ? 0
		    : ENOMEM);
}

static void
one_syscall(void *arg, const char *name, uint64_t calls, uint64_t missing)
{
	(void)json_array_append_new(
	    arg, json_pack("[s, I, I]", name, (json_int_t)calls,
		     (json_int_t)missing));
}

static int
request_syscalls(struct client *c, const json_t *req, json_t *reply)
{
	json_t *list = json_array();

	vkernel_syscalls(c->sv->k, one_syscall, list);
	return (json_object_set_new(reply, "syscalls", list) == 0 ? 0 : ENOMEM);
}

static int
request_pause(struct client *c, const json_t *req, json_t *reply)
{
	return (vkernel_pause(c->sv->k, true));
}

static int
request_resume(struct client *c, const json_t *req, json_t *reply)
{
	return (vkernel_pause(c->sv->k, false));
}

static int
request_kill(struct client *c, const json_t *req, json_t *reply)
{
	struct vkernel_control *sv = c->sv;
	int64_t pid = 0, sig;

	if (!message_int(req, "signal", 0, 64, &sig))
		return (wrong(reply, "\"signal\" is a number from 0 to 64"));
	if (json_object_get(req, "pid") == NULL) {
		kmutex_lock(&sv->lock);
		pid = sv->main;
		kmutex_unlock(&sv->lock);
		if (pid == 0)
			return (ESRCH);
	} else if (!message_int(req, "pid", -INT32_MAX, INT32_MAX, &pid)) {
		return (wrong(reply, "\"pid\" is the number of a process"));
	}
	return (vkernel_kill(sv->k, (int)pid, (int)sig));
}

/* ---- memory ---- */

static int
request_shrink(struct client *c, const json_t *req, json_t *reply)
{
	uint64_t given = 0;
	int64_t target = 0;
	int error;

	if (json_object_get(req, "target") != NULL &&
	    !message_int(req, "target", 0, INT64_MAX, &target))
		return (wrong(reply, "\"target\" is a number of bytes"));
	error = vkernel_shrink(c->sv->k, (uint64_t)target, &given);
	(void)json_object_set_new(
	    reply, "given_back", json_integer((json_int_t)given));
	return (error);
}

static int
request_swapon(struct client *c, const json_t *req, json_t *reply)
{
	static const char *const kinds[] = {"file", "lz4", "zstd"};
	const char *kind = message_string(req, "kind");
	const json_t *name = json_object_get(req, "name");
	struct vkernel_swap area = {.fd = -1};
	int64_t size, priority = 0;
	unsigned number, i = 0;
	int error;

	while (i < 3 && (kind == NULL || strcmp(kind, kinds[i]) != 0))
		i++;
	if (i == 3)
		return (wrong(reply, "\"kind\" is file, lz4 or zstd"));
	if (!message_int(req, "size", 1, INT64_MAX, &size))
		return (wrong(reply, "\"size\" is a number of bytes"));
	if (json_object_get(req, "priority") != NULL &&
	    !message_int(req, "priority", INT32_MIN, INT32_MAX, &priority))
		return (wrong(reply, "\"priority\" is a number"));
	if (name != NULL && !json_is_string(name))
		return (wrong(reply, "\"name\" is a string"));
	area.kind = (enum vkernel_swap_kind)i;
	area.size = (uint64_t)size;
	area.priority = (int)priority;
	area.name = json_string_value(name);
	if (area.kind == VKERNEL_SWAP_FILE) {
		if (c->in.nfds != 1)
			return (wrong(reply, "a file comes as a descriptor"));
		area.fd = c->in.fds[0];
	}
	error = vkernel_swapon(c->sv->k, &area, &number);
	if (error == 0)
		(void)json_object_set_new(
		    reply, "area", json_integer((json_int_t)number));
	return (error);
}

static int
request_swapoff(struct client *c, const json_t *req, json_t *reply)
{
	int64_t area;

	if (!message_int(req, "area", 0, INT32_MAX, &area))
		return (wrong(reply, "\"area\" is the number of an area"));
	return (vkernel_swapoff(c->sv->k, (unsigned)area));
}

/* ---- the tree of /proc ---- */

struct listing {
	json_t *names;
	int64_t from, at; /* entries */
	size_t bytes;
	bool more;
};

static bool
one_entry(void *arg, const char *name, enum vkernel_proc_type type)
{
	static const char *const types[] = {"file", "dir", "link"};
	struct listing *l = arg;

	if (l->at++ < l->from)
		return (true);
	if (l->bytes > LIST_BYTES) {
		l->more = true;
		return (false);
	}
	l->bytes += strlen(name) + 16;
	(void)json_array_append_new(
	    l->names, json_pack("[s, s]", name, types[type]));
	return (true);
}

static int
request_list(struct client *c, const json_t *req, json_t *reply)
{
	const char *path = message_string(req, "path");
	struct listing l = {.names = json_array()};
	int error;

	if (path == NULL ||
	    (json_object_get(req, "from") != NULL &&
		!message_int(req, "from", 0, INT64_MAX, &l.from))) {
		json_decref(l.names);
		return (wrong(reply,
		    "\"path\" is a string, \"from\" a number of entries"));
	}
	error = vkernel_proc_list(c->sv->k, path, one_entry, &l);
	if (l.more)
		(void)json_object_set_new(
		    reply, "next", json_integer((json_int_t)(l.at - 1)));
	(void)json_object_set_new(reply, "entries", l.names);
	return (error);
}

/* "path", "offset" and "length" of a transfer. */
static bool
transfer_parse(const json_t *req, const char **path, int64_t *off, int64_t *len)
{
	*path = message_string(req, "path");
	return (*path != NULL &&
		message_int(req, "offset", 0, INT64_MAX, off) &&
		message_int(req, "length", 0, MESSAGE_DATA_MAX, len));
}
#define TRANSFER_TEXT                                                       \
	"\"path\" is a string, \"offset\" and \"length\" are numbers, and " \
	"length is at most 65536"

/* The bytes follow the reply as data, if there are any. */
static int
request_read(struct client *c, const json_t *req, json_t *reply)
{
	const char *path;
	int64_t off, len;
	size_t done = 0;
	char *buf;
	int error;

	if (!transfer_parse(req, &path, &off, &len))
		return (wrong(reply, TRANSFER_TEXT));
	buf = malloc((size_t)len + 1);
	if (buf == NULL)
		return (ENOMEM);
	error = vkernel_proc_read(
	    c->sv->k, path, (uint64_t)off, buf, (size_t)len, &done);
	if (error == 0)
		(void)json_object_set_new(
		    reply, "length", json_integer((json_int_t)done));
	if (error == 0 && done != 0)
		error = client_keep(c, buf, done);
	else
		free(buf);
	return (error);
}

/* The bytes come after the request as data. */
static int
request_write(struct client *c, const json_t *req, json_t *reply)
{
	const char *path;
	int64_t off, len;
	size_t done = 0;
	int error;

	if (!transfer_parse(req, &path, &off, &len))
		return (wrong(reply, TRANSFER_TEXT));
	error = client_data(c);
	if (error == EBADMSG || (error == 0 && c->in.len != (size_t)len))
		return (reply_error(reply, EBADMSG,
		    "a write is followed by a data message of its length"));
	if (error != 0)
		return (error);
	error = vkernel_proc_write(
	    c->sv->k, path, (uint64_t)off, c->in.buf + 1, (size_t)len, &done);
	if (error == 0)
		(void)json_object_set_new(
		    reply, "length", json_integer((json_int_t)done));
	return (error);
}

/* ---- the table ---- */

static const struct {
	const char *name;
	request_fn *fn;
} requests[] = {
    {"info", request_info},
    {"stat", request_stat},
    {"syscalls", request_syscalls},
    {"pause", request_pause},
    {"resume", request_resume},
    {"kill", request_kill},
    {"shrink", request_shrink},
    {"swapon", request_swapon},
    {"swapoff", request_swapoff},
    {"list", request_list},
    {"read", request_read},
    {"write", request_write},
    {"spawn", request_spawn},
    {"wait", request_wait},
};

request_fn *
request_find(const char *name)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (strcmp(requests[i].name, name) == 0)
			return (requests[i].fn);
	return (NULL);
}
