/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* What the commands that reach a running kernel share. */
#ifndef CMD_DOOR_DOOR_H
#define CMD_DOOR_DOOR_H

#include <argp.h>
#include <jansson.h>

#include "cmd/lib/cmd.h"
#include "vmspace/control.h"

#define DOOR_ARGS 8 /* arguments that are not options, of most commands */

/* What the common options and the arguments say. */
struct door {
	const char *command;
	bool json;
	char *args[DOOR_ARGS];
	int nargs;
	struct vmspace_control *c; /* door_connect() */
};

/*
 * The parser of arguments, of which `min` to `max` must be there: they go into
 * door.args.  Its input is a struct door_limits.  A command without options of
 * its own has it as its parser, with door_json_options if it can print JSON;
 * others have door_argp as a child.
 */
struct door_limits {
	struct door *door;
	int min, max;
};
error_t door_parse_opt(int key, char *arg, struct argp_state *);
extern const struct argp_option door_json_options[];
extern const struct argp door_argp;

/* Parse argv by `argp`, whose input is `input`. */
void door_parse(const char *command, const struct argp *argp, int argc,
    char **argv, void *input);

/* Connect to the kernel `name`.  0; EX_FAILURE, after a message. */
int door_connect(struct door *, const char *name);
/* A message about a failed call: "vmspace COMMAND: WHAT: reason".  Returns
 * EX_FAILURE. */
int door_fail(struct door *, const char *what, int error);
void door_close(struct door *);

/* A number from lo to hi.  0; EX_BADUSAGE, after a message about `what`. */
int door_number(struct door *, const char *what, const char *arg, long lo,
    long hi, long *out);
/* A signal by name, with or without SIG, or number.  0: none. */
int door_signal(const char *arg);
/* Print an object, whose ref passes, and a newline. */
int door_print(struct door *, json_t *);
/* A member of an object: "" and 0 if it is missing. */
const char *door_text(const json_t *, const char *key);
long long door_count(const json_t *, const char *key);
/* door_ps.c: the kernels, or the processes of the kernel that d is connected
 * to, as `vmspace ps --json` prints them.  0 and a ref; EX_FAILURE, after a
 * message. */
int door_kernels(struct door *d, json_t **);
int door_processes(struct door *d, const char *name, json_t **);
/* Replace the control characters of a string, which a terminal would obey. */
void door_clean(char *s);
/* Exit status of a command, from that of wait(2). */
int door_status(int status);

/* Read a whole file of the guest's /proc: malloc'ed, with a NUL behind it. */
int door_read(struct door *, const char *path, char **out, size_t *len);

#endif /* CMD_DOOR_DOOR_H */
