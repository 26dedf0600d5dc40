/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * `vmspace top`: what `vmspace ps` lists, again and again, with what has been
 * used since the last time.
 *
 * On a terminal each list replaces the one before, cut to the window, and `q`
 * ends the command.  Otherwise the lists follow each other, with an empty line
 * between two.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "cmd/door/door.h"

enum { OPT_DELAY = 'd', OPT_COUNT = 'n' };

struct top {
	struct door d;
	struct door_limits limits;
	double delay; /* seconds */
	long count;   /* lists; 0: for ever */
	bool tty, raw;
	struct termios saved;
	int rows, columns;
	json_t *before; /* the last list, NULL: none */
	double at;      /* when it was made */
};

static const struct argp_option options[] = {
    {"delay", OPT_DELAY, "SECONDS", 0, "Time between two lists (default 1)", 0},
    {"count", OPT_COUNT, "N", 0, "End after N lists", 0},
    {0},
};
static const struct argp_child children[] = {{&door_argp, 0, NULL, 0}, {0}};

static error_t
parse_top(int key, char *arg, struct argp_state *st)
{
	struct top *t = st->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		st->child_inputs[0] = &t->limits;
		return (0);
	case OPT_DELAY:
		t->delay = strtod(arg, &end);
		if (end == arg || *end != '\0' || !(t->delay >= 0.1) ||
		    t->delay > 3600)
			argp_error(st,
			    "--delay '%s': use a number of seconds from 0.1 to "
			    "3600",
			    arg);
		return (0);
	case OPT_COUNT:
		t->count = strtol(arg, &end, 10);
		if (end == arg || *end != '\0' || t->count < 1)
			argp_error(st, "--count '%s': use a number", arg);
		return (0);
	default:
		return (ARGP_ERR_UNKNOWN);
	}
}

const struct argp top_argp = {
    .options = options,
    .parser = parse_top,
    .children = children,
    .args_doc = "[NAME]",
    .doc = "List the running kernels, or the processes of the kernel NAME, "
	   "again and again, with what they use.  On a terminal, q ends it.",
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

/* The entry of the last list whose `key` is that of o; NULL. */
static const json_t *
entry_before(const struct top *t, const json_t *o, const char *key)
{
	const json_t *want = json_object_get(o, key), *old;
	size_t i;

	json_array_foreach(t->before, i,
	    old) if (json_equal(json_object_get(old, key), want)) return (old);
	return (NULL);
}

/* How much a counter has grown in a second; 0 if it was not seen before. */
static double
rate(const struct top *t, const json_t *o, const json_t *old, const char *key,
    double seconds)
{
	const double a = json_number_value(json_object_get(o, key));
	const double b = json_number_value(json_object_get(old, key));

	return (old == NULL || seconds <= 0 || a < b ? 0 : (a - b) / seconds);
}

/* One line, cut to the window. */
static void
line(const struct top *t, char *text)
{
	door_clean(text);
	if (t->tty)
		printf("%.*s\033[K\r\n", t->columns, text);
	else
		printf("%s\n", text);
}

static void
kernel_line(const struct top *t, const json_t *o, double seconds, char *buf,
    size_t size)
{
	const json_t *old = entry_before(t, o, "name");

	snprintf(buf, size,
	    "%-16.16s %-8.8s %6lldM /%6lldM %6lldM %6lld %10.0f %10.0f  %.200s",
	    door_text(o, "name"), door_text(o, "status"),
	    door_count(o, "memory_used") >> 20, door_count(o, "memory") >> 20,
	    door_count(o, "swap_used") >> 20, door_count(o, "processes"),
	    rate(t, o, old, "system_calls", seconds),
	    rate(t, o, old, "faults", seconds), door_text(o, "command"));
}

static void
process_line(const struct top *t, const json_t *o, double seconds, char *buf,
    size_t size)
{
	const json_t *old = entry_before(t, o, "pid");

	snprintf(buf, size,
	    "%7lld %7lld %-5.5s %7lld %8lldK %6.1f%% %8.2fs  %.200s",
	    door_count(o, "pid"), door_count(o, "ppid"), door_text(o, "state"),
	    door_count(o, "threads"), door_count(o, "rss") >> 10,
	    100 * rate(t, o, old, "cpu_seconds", seconds),
	    json_number_value(json_object_get(o, "cpu_seconds")),
	    door_text(o, "command"));
}

static void
show(struct top *t, const json_t *list)
{
	const bool kernels = t->d.nargs == 0;
	const double seconds = now() - t->at;
	int left = t->tty ? t->rows - 2 : INT32_MAX;
	char buf[512];
	const json_t *o;
	size_t i;

	if (t->tty)
		printf("\033[H");
	snprintf(buf, sizeof(buf),
	    kernels ? "%-16s %-8s %16s %7s %6s %10s %10s  %s"
		    : "%7s %7s %-5s %7s %9s %7s %9s  %s",
	    kernels ? "NAME" : "PID", kernels ? "STATUS" : "PPID",
	    kernels ? "MEMORY" : "STATE", kernels ? "SWAP" : "THREADS",
	    kernels ? "PROCS" : "RSS", kernels ? "CALLS/S" : "CPU",
	    kernels ? "FAULTS/S" : "TIME", "COMMAND");
	line(t, buf);
	json_array_foreach(list, i, o)
	{
		if (left-- <= 0)
			break;
		if (kernels)
			kernel_line(t, o, seconds, buf, sizeof(buf));
		else
			process_line(t, o, seconds, buf, sizeof(buf));
		line(t, buf);
	}
	if (t->tty)
		printf("\033[J");
	else
		printf("\n");
}

static void
window(struct top *t)
{
	struct winsize ws;

	t->rows = 24;
	t->columns = 80;
	if (ioctl(1, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 2 && ws.ws_col > 0) {
		t->rows = ws.ws_row;
		t->columns = ws.ws_col;
	}
}

static void
terminal_begin(struct top *t)
{
	struct termios raw;

	t->tty = isatty(1) == 1;
	if (!t->tty || tcgetattr(0, &t->saved) != 0)
		return;
	raw = t->saved;
	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	t->raw = tcsetattr(0, TCSADRAIN, &raw) == 0;
	printf("\033[2J");
}

static void
terminal_end(struct top *t)
{
	if (t->raw)
		(void)tcsetattr(0, TCSADRAIN, &t->saved);
}

/* Wait for the next list.  False: q was typed. */
static bool
pause_for_key(struct top *t)
{
	struct pollfd p = {t->raw ? 0 : -1, POLLIN, 0};
	const double end = now() + t->delay;
	double left;
	char c;

	while ((left = end - now()) > 0) {
		if (poll(&p, 1, (int)(left * 1000) + 1) <= 0)
			continue;
		if (read(0, &c, 1) != 1)
			p.fd = -1;
		else if (c == 'q' || c == 'Q')
			return (false);
	}
	return (true);
}

static int
top_run(struct top *t)
{
	json_t *list;
	int ret;

	for (long n = 1;; n++) {
		ret = t->d.nargs == 0
			  ? door_kernels(&t->d, &list)
			  : door_processes(&t->d, t->d.args[0], &list);
		if (ret != 0)
			return (ret);
		window(t);
		show(t, list);
		json_decref(t->before);
		t->before = list;
		t->at = now();
		if (fflush(stdout) != 0)
			return (door_fail(&t->d, "standard output", errno));
		if (n == t->count || !pause_for_key(t))
			return (0);
	}
}

int
cmd_top(int argc, char **argv)
{
	struct top t = {.d.command = "top", .delay = 1};
	int ret = 0;

	t.limits = (struct door_limits){&t.d, 0, 1};
	door_parse("top", &top_argp, argc, argv, &t);
	if (t.d.nargs == 1)
		ret = door_connect(&t.d, t.d.args[0]);
	if (ret == 0) {
		terminal_begin(&t);
		ret = top_run(&t);
		terminal_end(&t);
	}
	door_close(&t.d);
	json_decref(t.before);
	return (ret);
}
