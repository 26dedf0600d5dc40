/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * `vmspace ps`: the kernels of this user, or the processes of one.
 *
 * What is known of a process is what the guest's /proc says; the columns are
 * those of ps(1).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/door/door.h"

#define TICKS 100 /* of the guest, in a second */

struct ps {
	struct door d;
	struct door_limits limits;
	json_t *list;
};

static const struct argp_child children[] = {
    {&door_argp_json, 0, NULL, 0}, {0}};

static error_t
parse_ps(int key, char *arg, struct argp_state *st)
{
	struct ps *ps = st->input;

	if (key != ARGP_KEY_INIT)
		return (ARGP_ERR_UNKNOWN);
	st->child_inputs[0] = &ps->limits;
	return (0);
}

const struct argp ps_argp = {
    .parser = parse_ps,
    .children = children,
    .args_doc = "[NAME]",
    .doc = "List the running kernels of this user, or the processes of the "
	   "kernel NAME.",
};

/* ---- kernels ---- */

static json_t *
labels_json(char *const *labels)
{
	json_t *o = json_object();

	for (; labels != NULL && *labels != NULL; labels++) {
		char *eq = strchr(*labels, '=');
		char key[256];

		if (eq == NULL || (size_t)(eq - *labels) >= sizeof(key))
			continue;
		snprintf(
		    key, sizeof(key), "%.*s", (int)(eq - *labels), *labels);
		(void)json_object_set_new(o, key, json_string(eq + 1));
	}
	return (o);
}

/* One kernel; a kernel that does not answer is left out only if it ended. */
static bool
one_kernel(void *arg, const struct vmspace_entry *e)
{
	struct vmspace_control_info info = {0};
	struct vkernel_stat st = {0};
	struct ps *ps = arg;
	const char *status = "running";
	int error;

	error = vmspace_connect(e->name, &ps->d.c);
	if (error == ENOENT || error == ECONNREFUSED)
		return (true);
	if (error == 0)
		error = vmspace_control_info(ps->d.c, &info);
	if (error == 0)
		error = vmspace_control_stat(ps->d.c, &st);
	if (error != 0)
		status = "unreachable";
	else if (info.paused)
		status = "paused";
	(void)json_array_append_new(ps->list,
	    json_pack("{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:s, s:o}",
		"name", e->name, "pid", (json_int_t)e->pid, "status", status,
		"created", (json_int_t)e->created, "memory", (json_int_t)st.mem,
		"memory_used", (json_int_t)(st.mem - st.mem_free), "swap_used",
		(json_int_t)st.swap_used, "processes",
		(json_int_t)st.procs_live, "command", e->command, "labels",
		labels_json(e->labels)));
	door_close(&ps->d);
	return (true);
}

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return (s != NULL ? s : "");
}

/* Text of a guest for a terminal, at most size - 1 bytes: escape sequences and
 * what is no ASCII must not reach it. */
static const char *
shown(const char *s, char *buf, size_t size)
{
	size_t n = 0;

	for (; s[n] != '\0' && n + 1 < size; n++)
		buf[n] = s[n] >= ' ' && s[n] <= '~' ? s[n] : '?';
	buf[n] = '\0';
	return (buf);
}

static json_int_t
number_of(const json_t *o, const char *key)
{
	return (json_integer_value(json_object_get(o, key)));
}

/* "3m", "2h", "5d" */
static void
age_text(json_int_t seconds, char buf[24])
{
	if (seconds < 60)
		snprintf(buf, 24, "%llds", (long long)seconds);
	else if (seconds < 3600)
		snprintf(buf, 24, "%lldm", (long long)seconds / 60);
	else if (seconds < 86400)
		snprintf(buf, 24, "%lldh", (long long)seconds / 3600);
	else
		snprintf(buf, 24, "%lldd", (long long)seconds / 86400);
}

static void
print_kernels(const json_t *list)
{
	const time_t now = time(NULL);
	char memory[48], age[24], command[61];
	const json_t *o;
	size_t i;

	printf("%-16s %8s %-11s %13s %7s %6s %5s  %s\n", "NAME", "PID",
	    "STATUS", "MEMORY", "SWAP", "PROCS", "AGE", "COMMAND");
	json_array_foreach(list, i, o)
	{
		snprintf(memory, sizeof(memory), "%lldM/%lldM",
		    (long long)number_of(o, "memory_used") >> 20,
		    (long long)number_of(o, "memory") >> 20);
		age_text((json_int_t)now - number_of(o, "created"), age);
		printf("%-16s %8lld %-11s %13s %6lldM %6lld %5s  %s\n",
		    text_of(o, "name"), (long long)number_of(o, "pid"),
		    text_of(o, "status"), memory,
		    (long long)number_of(o, "swap_used") >> 20,
		    (long long)number_of(o, "processes"), age,
		    shown(text_of(o, "command"), command, sizeof(command)));
	}
}

static int
ps_kernels(struct ps *ps)
{
	int error = vmspace_dir_list(one_kernel, ps);

	if (error != 0)
		return (door_fail(&ps->d, "the directory of kernels", error));
	if (ps->d.json)
		return (door_print(&ps->d, json_incref(ps->list)));
	print_kernels(ps->list);
	return (0);
}

/* ---- processes ---- */

/* A guest may choose bytes that are no UTF-8. */
static json_t *
comm_json(const char *comm)
{
	json_t *o = json_sprintf("[%s]", comm);
	char text[64];

	return (o != NULL
		    ? o
		    : json_sprintf("[%s]", shown(comm, text, sizeof(text))));
}

/* The text of /proc/PID/cmdline with spaces; the name if it is empty. */
static json_t *
command_json(struct ps *ps, const char *pid, const char *comm)
{
	char path[64], *text;
	json_t *o;
	size_t len;

	snprintf(path, sizeof(path), "%s/cmdline", pid);
	if (door_read(&ps->d, path, &text, &len) != 0)
		return (comm_json(comm));
	while (len > 0 && text[len - 1] == '\0')
		len--;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	o = len > 0 ? json_stringn(text, len) : NULL;
	free(text);
	return (o != NULL ? o : comm_json(comm));
}

/* The fields of /proc/PID/stat that are shown. */
struct stat_line {
	char comm[64], state;
	long long ppid, pgid, sid, utime, stime, threads, rss;
};

static bool
stat_parse(const char *text, struct stat_line *s)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');

	if (open == NULL || close == NULL || close < open)
		return (false);
	snprintf(s->comm, sizeof(s->comm), "%.*s", (int)(close - open - 1),
	    open + 1);
	return (sscanf(close + 1,
		    " %c %lld %lld %lld %*d %*d %*u %*u %*u %*u %*u %lld %lld "
		    "%*d %*d %*d %*d %lld %*d %*u %*u %lld",
		    &s->state, &s->ppid, &s->pgid, &s->sid, &s->utime,
		    &s->stime, &s->threads, &s->rss) == 8);
}

static bool
one_process(void *arg, const char *name, enum vkernel_proc_type type)
{
	struct ps *ps = arg;
	struct stat_line s;
	char path[64], *text;
	size_t len;
	bool ok;

	if (type != VKERNEL_PROC_DIR ||
	    name[strspn(name, "0123456789")] != '\0')
		return (true);
	snprintf(path, sizeof(path), "%.32s/stat", name);
	if (door_read(&ps->d, path, &text, &len) != 0)
		return (true); /* it has ended */
	ok = stat_parse(text, &s);
	free(text);
	if (!ok)
		return (true);
	(void)json_array_append_new(ps->list,
	    json_pack("{s:I, s:I, s:I, s:I, s:s%, s:I, s:I, s:f, s:o}", "pid",
		(json_int_t)atoll(name), "ppid", (json_int_t)s.ppid, "pgid",
		(json_int_t)s.pgid, "sid", (json_int_t)s.sid, "state", &s.state,
		(size_t)1, "threads", (json_int_t)s.threads, "rss",
		(json_int_t)s.rss * 4096, "cpu_seconds",
		(double)(s.utime + s.stime) / TICKS, "command",
		command_json(ps, name, s.comm)));
	return (true);
}

static void
print_processes(const json_t *list)
{
	char command[101];
	const json_t *o;
	size_t i;

	printf("%7s %7s %-5s %7s %9s %9s  %s\n", "PID", "PPID", "STATE",
	    "THREADS", "RSS", "CPU", "COMMAND");
	json_array_foreach(list, i, o)
	    printf("%7lld %7lld %-5s %7lld %8lldK %8.2fs  %s\n",
		(long long)number_of(o, "pid"), (long long)number_of(o, "ppid"),
		text_of(o, "state"), (long long)number_of(o, "threads"),
		(long long)number_of(o, "rss") >> 10,
		json_number_value(json_object_get(o, "cpu_seconds")),
		shown(text_of(o, "command"), command, sizeof(command)));
}

static int
ps_processes(struct ps *ps)
{
	int error, ret = door_connect(&ps->d, ps->d.args[0]);

	if (ret != 0)
		return (ret);
	error = vmspace_control_proc_list(ps->d.c, "", one_process, ps);
	if (error != 0)
		ret = door_fail(&ps->d, ps->d.args[0], error);
	else if (ps->d.json)
		ret = door_print(&ps->d, json_incref(ps->list));
	else
		print_processes(ps->list);
	door_close(&ps->d);
	return (ret);
}

int
cmd_ps(int argc, char **argv)
{
	struct ps ps = {.d.command = "ps", .list = json_array()};
	int ret;

	ps.limits = (struct door_limits){&ps.d, 0, 1};
	door_parse("ps", &ps_argp, argc, argv, &ps);
	ret = ps.d.nargs == 0 ? ps_kernels(&ps) : ps_processes(&ps);
	json_decref(ps.list);
	return (ret);
}
