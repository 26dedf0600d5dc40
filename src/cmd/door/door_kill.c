/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * `vmspace kill`, `pause`, `resume`, `stop` and `wait`: the life of a running
 * kernel.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/door/door.h"

enum { OPT_SIGNAL = 's', OPT_TIME = 't' };

/* poll(2) takes milliseconds. */
#define SECONDS_MAX (INT_MAX / 1000)

#define STOP_SECONDS 10 /* from SIGTERM to SIGKILL */

struct life {
	struct door d;
	struct door_limits limits;
	int sig;
	int seconds;
};

static bool
parse_seconds(const char *arg, int *seconds)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(arg, &end, 10);
	if (errno != 0 || end == arg || *end != '\0' || n < 0 ||
	    n > SECONDS_MAX)
		return (false);
	*seconds = (int)n;
	return (true);
}

static error_t
parse_life(int key, char *arg, struct argp_state *st)
{
	struct life *l = st->input;

	switch (key) {
	case ARGP_KEY_INIT:
		st->child_inputs[0] = &l->limits;
		return (0);
	case OPT_SIGNAL:
		l->sig = door_signal(arg);
		if (l->sig == 0)
			argp_error(st, "--signal '%s': no such signal", arg);
		return (0);
	case OPT_TIME:
		if (!parse_seconds(arg, &l->seconds))
			argp_error(st,
			    "--time '%s': use a number of seconds, at most %d",
			    arg, SECONDS_MAX);
		return (0);
	default:
		return (ARGP_ERR_UNKNOWN);
	}
}

static const struct argp_child plain[] = {{&door_argp, 0, NULL, 0}, {0}};

/* Parse the command's arguments, `max` at most: a NAME, and what follows. */
static void
life_parse(struct life *l, const char *command, const struct argp *argp,
    int max, int argc, char **argv)
{
	l->d.command = command;
	l->limits = (struct door_limits){&l->d, 1, max};
	door_parse(command, argp, argc, argv, l);
}

/* Do `fn` to each kernel of the arguments; the last failure counts. */
static int
each_kernel(struct life *l, int (*fn)(struct life *, const char *name))
{
	int ret = 0, one;

	for (int i = 0; i < l->d.nargs; i++) {
		one = door_connect(&l->d, l->d.args[i]);
		if (one == 0)
			one = fn(l, l->d.args[i]);
		door_close(&l->d);
		if (one != 0)
			ret = one;
	}
	return (ret);
}

/* A command that does `fn` to each kernel. */
static int
life_run(const char *command, const struct argp *argp, int argc, char **argv,
    int (*fn)(struct life *, const char *name))
{
	struct life l = {.seconds = STOP_SECONDS};

	life_parse(&l, command, argp, DOOR_ARGS, argc, argv);
	return (each_kernel(&l, fn));
}

/* ---- kill ---- */

static const struct argp_option kill_options[] = {
    {"signal", OPT_SIGNAL, "SIGNAL", 0, "The signal (default KILL)", 0},
    {0},
};
const struct argp kill_argp = {
    .options = kill_options,
    .parser = parse_life,
    .children = plain,
    .args_doc = "NAME [PID]",
    .doc = "Send a signal to the program of the kernel NAME, or to its "
	   "process PID, a number as the guest sees it; to a process group, "
	   "if it is negative.",
};

int
cmd_kill(int argc, char **argv)
{
	struct life l = {.sig = SIGKILL};
	long pid = 0;
	int error, ret = 0;

	life_parse(&l, "kill", &kill_argp, 2, argc, argv);
	if (l.d.nargs == 2)
		ret = door_number(&l.d, "a process", l.d.args[1], -INT32_MAX,
		    INT32_MAX, &pid);
	if (ret == 0)
		ret = door_connect(&l.d, l.d.args[0]);
	if (ret != 0)
		return (ret);
	error = l.d.nargs == 2 ? vmspace_control_kill(l.d.c, (int)pid, l.sig)
			       : vmspace_control_kill_main(l.d.c, l.sig);
	if (error != 0)
		ret = door_fail(&l.d, l.d.args[l.d.nargs - 1], error);
	door_close(&l.d);
	return (ret);
}

/* ---- pause, resume ---- */

const struct argp pause_argp = {
    .parser = parse_life,
    .children = plain,
    .args_doc = "NAME...",
    .doc = "Stop all programs of the kernels until they are resumed.  The "
	   "programs cannot tell.",
};
const struct argp resume_argp = {
    .parser = parse_life,
    .children = plain,
    .args_doc = "NAME...",
    .doc = "Let the programs of paused kernels go on.",
};

static int
set_paused(struct life *l, const char *name, bool paused)
{
	int error = vmspace_control_pause(l->d.c, paused);

	return (error != 0 ? door_fail(&l->d, name, error) : 0);
}

static int
pause_one(struct life *l, const char *name)
{
	return (set_paused(l, name, true));
}

static int
resume_one(struct life *l, const char *name)
{
	return (set_paused(l, name, false));
}

int
cmd_pause(int argc, char **argv)
{
	return (life_run("pause", &pause_argp, argc, argv, pause_one));
}

int
cmd_resume(int argc, char **argv)
{
	return (life_run("resume", &resume_argp, argc, argv, resume_one));
}

/* ---- stop, wait ---- */

static const struct argp_option stop_options[] = {
    {"time", OPT_TIME, "SECONDS", 0, "How long to wait (default 10)", 0},
    {0},
};
const struct argp stop_argp = {
    .options = stop_options,
    .parser = parse_life,
    .children = plain,
    .args_doc = "NAME...",
    .doc = "End the program of each kernel by SIGTERM, and by SIGKILL if it "
	   "has not ended in time.",
};
const struct argp wait_argp = {
    .parser = parse_life,
    .children = plain,
    .args_doc = "NAME...",
    .doc = "Wait for the end of each kernel's program, and print its exit "
	   "status.",
};

/* Wait for the main program, at most so long.  0, ETIMEDOUT, or an errno. */
static int
wait_main(struct life *l, int seconds, int *status)
{
	struct pollfd p = {vmspace_control_fd(l->d.c), POLLIN, 0};
	int error = vmspace_control_wait_begin(l->d.c, 0), n;

	if (error != 0)
		return (error);
	do
		n = poll(&p, 1, seconds < 0 ? -1 : seconds * 1000);
	while (n < 0 && errno == EINTR);
	return (n == 0 ? ETIMEDOUT : vmspace_control_wait_end(l->d.c, status));
}

static int
stop_one(struct life *l, const char *name)
{
	int error, status, ret;

	/* A paused program could not end. */
	(void)vmspace_control_pause(l->d.c, false);
	error = vmspace_control_kill_main(l->d.c, SIGTERM);
	if (error == 0)
		error = wait_main(l, l->seconds, &status);
	if (error == ETIMEDOUT) {
		/* The wait is still under way on this connection. */
		door_close(&l->d);
		ret = door_connect(&l->d, name);
		if (ret != 0)
			return (0); /* it has just ended */
		error = vmspace_control_kill_main(l->d.c, SIGKILL);
		if (error == 0)
			error = wait_main(l, -1, &status);
	}
	if (error == 0 || error == ESRCH || error == ECONNRESET)
		return (0);
	return (door_fail(&l->d, name, error));
}

static int
wait_one(struct life *l, const char *name)
{
	int status, error = wait_main(l, -1, &status);

	if (error != 0)
		return (door_fail(&l->d, name, error));
	printf("%d\n", door_status(status));
	return (0);
}

int
cmd_stop(int argc, char **argv)
{
	return (life_run("stop", &stop_argp, argc, argv, stop_one));
}

int
cmd_wait(int argc, char **argv)
{
	return (life_run("wait", &wait_argp, argc, argv, wait_one));
}
