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

/* A list that is being made. */
struct lister {
	struct door *d;
	json_t *list;
};

const struct argp ps_argp = {
    .options = door_json_options,
    .parser = door_parse_opt,
    .args_doc = "[NAME]",
    .doc = "List the running kernels of this user, or the processes of the "
	   "kernel NAME.",
};

/* ---- kernels ---- */

/* Print at most `max` bytes of a string, and a newline. */
static void
print_plain(const char *s, size_t max)
{
	char buf[128];

	snprintf(buf, max < sizeof(buf) ? max + 1 : sizeof(buf), "%s", s);
	door_clean(buf);
	puts(buf);
}

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
	struct lister *ls = arg;
	const char *status = "running";
	int error;

	error = vmspace_connect(e->name, &ls->d->c);
	if (error == ENOENT || error == ECONNREFUSED)
		return (true);
	if (error == 0)
		error = vmspace_control_info(ls->d->c, &info);
	if (error == 0)
		error = vmspace_control_stat(ls->d->c, &st);
	if (error != 0)
		status = "unreachable";
	else if (info.paused)
		status = "paused";
	(void)json_array_append_new(ls->list,
	    json_pack("{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, "
		      "s:o}",
		"name", e->name, "pid", (json_int_t)e->pid, "status", status,
		"created", (json_int_t)e->created, "memory", (json_int_t)st.mem,
		"memory_used", (json_int_t)(st.mem - st.mem_free), "swap_used",
		(json_int_t)st.swap_used, "processes",
		(json_int_t)st.procs_live, "system_calls",
		(json_int_t)st.syscalls, "faults", (json_int_t)st.faults,
		"command", e->command, "labels", labels_json(e->labels)));
	door_close(ls->d);
	return (true);
}

const char *
door_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return (s != NULL ? s : "");
}

long long
door_count(const json_t *o, const char *key)
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
	char memory[48], age[24];
	const json_t *o;
	size_t i;

	printf("%-16s %8s %-11s %13s %7s %6s %5s  %s\n", "NAME", "PID",
	    "STATUS", "MEMORY", "SWAP", "PROCS", "AGE", "COMMAND");
	json_array_foreach(list, i, o)
	{
		snprintf(memory, sizeof(memory), "%lldM/%lldM",
		    door_count(o, "memory_used") >> 20,
		    door_count(o, "memory") >> 20);
		age_text((json_int_t)now - door_count(o, "created"), age);
		printf("%-16s %8lld %-11s %13s %6lldM %6lld %5s  ",
		    door_text(o, "name"), door_count(o, "pid"),
		    door_text(o, "status"), memory,
		    door_count(o, "swap_used") >> 20,
		    door_count(o, "processes"), age);
		print_plain(door_text(o, "command"), 60);
	}
}

int
door_kernels(struct door *d, json_t **out)
{
	struct lister ls = {d, json_array()};
	int error = vmspace_dir_list(one_kernel, &ls);

	if (error != 0) {
		json_decref(ls.list);
		return (door_fail(d, "the directory of kernels", error));
	}
	*out = ls.list;
	return (0);
}

/* ---- processes ---- */

/* The fields of /proc/PID/stat that are shown. */
struct stat_line {
	char comm[64], state;
	long long ppid, pgid, sid, utime, stime, threads, rss;
};

/* A string of what a guest has chosen.  What is no UTF-8 becomes '?', so that
 * no process can hide behind its name. */
static json_t *
guest_string(char *text, size_t len)
{
	json_t *o = json_stringn(text, len);

	for (size_t i = 0; o == NULL && i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			text[i] = '?';
	return (o != NULL ? o : json_stringn(text, len));
}

/* The text of /proc/PID/cmdline with spaces; the name if it is empty. */
static json_t *
command_json(struct door *d, const char *pid, const char *comm)
{
	char path[64], name[sizeof(((struct stat_line *)0)->comm) + 2], *text;
	json_t *o;
	size_t len;

	snprintf(name, sizeof(name), "[%s]", comm);
	snprintf(path, sizeof(path), "%s/cmdline", pid);
	if (door_read(d, path, &text, &len) != 0)
		return (guest_string(name, strlen(name)));
	while (len > 0 && text[len - 1] == '\0')
		len--;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	o = len > 0 ? guest_string(text, len)
		    : guest_string(name, strlen(name));
	free(text);
	return (o);
}

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
	struct lister *ls = arg;
	struct stat_line s;
	char path[64], *text;
	size_t len;
	bool ok;

	if (type != VKERNEL_PROC_DIR ||
	    name[strspn(name, "0123456789")] != '\0')
		return (true);
	snprintf(path, sizeof(path), "%.32s/stat", name);
	if (door_read(ls->d, path, &text, &len) != 0)
		return (true); /* it has ended */
	ok = stat_parse(text, &s);
	free(text);
	if (!ok)
		return (true);
	(void)json_array_append_new(ls->list,
	    json_pack("{s:I, s:I, s:I, s:I, s:s%, s:I, s:I, s:f, s:o}", "pid",
		(json_int_t)atoll(name), "ppid", (json_int_t)s.ppid, "pgid",
		(json_int_t)s.pgid, "sid", (json_int_t)s.sid, "state", &s.state,
		(size_t)1, "threads", (json_int_t)s.threads, "rss",
		(json_int_t)s.rss * 4096, "cpu_seconds",
		(double)(s.utime + s.stime) / TICKS, "command",
		command_json(ls->d, name, s.comm)));
	return (true);
}

static void
print_processes(const json_t *list)
{
	const json_t *o;
	size_t i;

	printf("%7s %7s %-5s %7s %9s %9s  %s\n", "PID", "PPID", "STATE",
	    "THREADS", "RSS", "CPU", "COMMAND");
	json_array_foreach(list, i, o)
	{
		printf("%7lld %7lld %-5s %7lld %8lldK %8.2fs  ",
		    door_count(o, "pid"), door_count(o, "ppid"),
		    door_text(o, "state"), door_count(o, "threads"),
		    door_count(o, "rss") >> 10,
		    json_number_value(json_object_get(o, "cpu_seconds")));
		print_plain(door_text(o, "command"), 100);
	}
}

int
door_processes(struct door *d, const char *name, json_t **out)
{
	struct lister ls = {d, json_array()};
	int error = vmspace_control_proc_list(d->c, "", one_process, &ls);

	if (error != 0) {
		json_decref(ls.list);
		return (door_fail(d, name, error));
	}
	*out = ls.list;
	return (0);
}

int
cmd_ps(int argc, char **argv)
{
	struct door d = {.command = "ps"};
	struct door_limits limits = {&d, 0, 1};
	json_t *list = NULL;
	int ret;

	door_parse("ps", &ps_argp, argc, argv, &limits);
	if (d.nargs == 0) {
		ret = door_kernels(&d, &list);
	} else {
		ret = door_connect(&d, d.args[0]);
		if (ret == 0)
			ret = door_processes(&d, d.args[0], &list);
		door_close(&d);
	}
	if (ret != 0)
		return (ret);
	if (d.json)
		return (door_print(&d, list));
	if (d.nargs == 0)
		print_kernels(list);
	else
		print_processes(list);
	json_decref(list);
	return (0);
}
