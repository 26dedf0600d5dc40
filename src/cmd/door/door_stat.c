/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * `vmspace stat`, `cat` and `maps`: what a running kernel counts, and the files
 * of the guest's /proc.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/door/door.h"
#include "control/control_stat.h"

/* Parse, and connect to the kernel of the first argument. */
static int
look_start(struct door *d, const char *command, const struct argp *argp,
    int nargs, int argc, char **argv)
{
	struct door_limits limits = {d, nargs, nargs};

	d->command = command;
	door_parse(command, argp, argc, argv, &limits);
	return (door_connect(d, d->args[0]));
}

/* ---- stat ---- */

const struct argp stat_argp = {
    .options = door_json_options,
    .parser = door_parse_opt,
    .args_doc = "NAME",
    .doc = "Print what the kernel NAME has counted since its start.",
};

static void
add_syscall(void *arg, const char *name, uint64_t calls, uint64_t missing)
{
	(void)json_object_set_new(arg, name,
	    json_pack("{s:I, s:I}", "calls", (json_int_t)calls, "missing",
		(json_int_t)missing));
}

static int
print_json(struct door *d, json_t *o, const char *name)
{
	json_t *calls = json_object();
	int error = vmspace_control_syscalls(d->c, add_syscall, calls);

	(void)json_object_set_new(o, "name", json_string(name));
	(void)json_object_set_new(o, "calls", calls);
	if (error == 0)
		return (door_print(d, o));
	json_decref(o);
	return (door_fail(d, name, error));
}

/* A line for each counter, and for each call that is not implemented. */
static int
print_text(struct door *d, json_t *o)
{
	const char *key;
	json_t *v;

	json_object_foreach(o, key, v) if (json_is_integer(v))
	    printf("%-18s %lld\n", key, (long long)json_integer_value(v));
	json_decref(o);
	return (
	    fflush(stdout) == 0 ? 0 : door_fail(d, "standard output", errno));
}

int
cmd_stat(int argc, char **argv)
{
	struct door d = {0};
	struct vkernel_stat st;
	json_t *o;
	int error, ret;

	ret = look_start(&d, "stat", &stat_argp, 1, argc, argv);
	if (ret != 0)
		return (ret);
	error = vmspace_control_stat(d.c, &st);
	o = error == 0 ? control_stat_pack(&st) : NULL;
	if (error == 0 && o == NULL)
		error = ENOMEM;
	if (error != 0)
		ret = door_fail(&d, d.args[0], error);
	else
		ret = d.json ? print_json(&d, o, d.args[0]) : print_text(&d, o);
	door_close(&d);
	return (ret);
}

/* ---- cat, maps ---- */

const struct argp cat_argp = {
    .parser = door_parse_opt,
    .args_doc = "NAME PATH",
    .doc = "Print a file of the guest's /proc, such as /proc/1/status.",
};
const struct argp maps_argp = {
    .parser = door_parse_opt,
    .args_doc = "NAME PID",
    .doc = "Print the mappings of a process, as /proc/PID/maps has them.",
};

static int
look_print(struct door *d, const char *path, const char *what)
{
	char *text;
	size_t len;
	int error = door_read(d, path, &text, &len), ret = 0;

	if (error != 0)
		return (door_fail(d, what, error));
	if (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0)
		ret = door_fail(d, "standard output", errno);
	free(text);
	return (ret);
}

int
cmd_cat(int argc, char **argv)
{
	struct door d = {0};
	const char *path;
	int ret = look_start(&d, "cat", &cat_argp, 2, argc, argv);

	if (ret != 0)
		return (ret);
	path = d.args[1];
	if (strncmp(path, "/proc/", 6) != 0) {
		fprintf(stderr,
		    "vmspace cat: '%s' is not below /proc; vmspace exec NAME "
		    "-- "
		    "cat prints other files\n",
		    path);
		ret = EX_BADUSAGE;
	} else {
		ret = look_print(&d, path + 6, path);
	}
	door_close(&d);
	return (ret);
}

int
cmd_maps(int argc, char **argv)
{
	struct door d = {0};
	char path[64];
	long pid;
	int ret = look_start(&d, "maps", &maps_argp, 2, argc, argv);

	if (ret != 0)
		return (ret);
	ret = door_number(&d, "a process", d.args[1], 1, INT32_MAX, &pid);
	if (ret == 0) {
		snprintf(path, sizeof(path), "%ld/maps", pid);
		ret = look_print(&d, path, d.args[1]);
	}
	door_close(&d);
	return (ret);
}
