/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What the commands that reach a running kernel share: arguments, connecting,
 * messages, JSON.
 */
#include "cmd/door/door.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define READ_STEP 65536

enum { OPT_JSON = 3000 };

const struct argp_option door_json_options[] = {
    {"json", OPT_JSON, 0, 0, "Print JSON", 0},
    {0},
};

error_t
door_parse_opt(int key, char *arg, struct argp_state *st)
{
	struct door_limits *l = st->input;

	switch (key) {
	case OPT_JSON:
		l->door->json = true;
		return (0);
	case ARGP_KEY_ARG:
		if (l->door->nargs == l->max || l->door->nargs == DOOR_ARGS)
			argp_error(st, "too many arguments: '%s'", arg);
		l->door->args[l->door->nargs++] = arg;
		return (0);
	case ARGP_KEY_END:
		if (l->door->nargs < l->min)
			argp_error(st, "too few arguments");
		return (0);
	default:
		return (ARGP_ERR_UNKNOWN);
	}
}

const struct argp door_argp = {.parser = door_parse_opt};

void
door_parse(const char *command, const struct argp *argp, int argc, char **argv,
    void *input)
{
	char name[64], *given = argv[0];

	snprintf(name, sizeof(name), "vmspace %s", command);
	argv[0] = name;
	argp_err_exit_status = EX_BADUSAGE;
	argp_parse(argp, argc, argv, ARGP_IN_ORDER, NULL, input);
	argv[0] = given;
}

static const char *
reason(const struct door *d, int error)
{
	const char *said = d->c != NULL ? vmspace_control_message(d->c) : "";

	if (said[0] != '\0')
		return (said);
	switch (error) {
	case ECONNRESET:
		return ("the kernel has ended");
	case EPROTO:
		return ("the kernel speaks another version of the protocol");
	case EUSERS:
		return ("the kernel serves as many clients as it can");
	default:
		return (strerror(error));
	}
}

int
door_fail(struct door *d, const char *what, int error)
{
	fprintf(
	    stderr, "vmspace %s: %s: %s\n", d->command, what, reason(d, error));
	return (EX_FAILURE);
}

int
door_connect(struct door *d, const char *name)
{
	int error = vmspace_connect(name, &d->c);

	if (error == 0)
		return (0);
	if (error == ENOENT || error == ECONNREFUSED) {
		fprintf(stderr,
		    "vmspace %s: no kernel is named '%s'; vmspace ps lists "
		    "them\n",
		    d->command, name);
		return (EX_FAILURE);
	}
	return (door_fail(d, name, error));
}

void
door_close(struct door *d)
{
	vmspace_disconnect(d->c);
	d->c = NULL;
}

int
door_number(struct door *d, const char *what, const char *arg, long lo, long hi,
    long *out)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(arg, &end, 10);
	if (errno != 0 || end == arg || *end != '\0' || n < lo || n > hi) {
		fprintf(stderr, "vmspace %s: '%s' is not %s\n", d->command, arg,
		    what);
		return (EX_BADUSAGE);
	}
	*out = n;
	return (0);
}

int
door_signal(const char *arg)
{
	char *end;
	long n = strtol(arg, &end, 10);

	if (end != arg && *end == '\0')
		return (n >= 1 && n <= 64 ? (int)n : 0);
	if (strncasecmp(arg, "SIG", 3) == 0)
		arg += 3;
	for (int sig = 1; sig < NSIG; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name != NULL && strcasecmp(name, arg) == 0)
			return (sig);
	}
	return (0);
}

int
door_print(struct door *d, json_t *o)
{
	int failed;

	if (o == NULL)
		return (door_fail(d, "JSON", ENOMEM));
	failed = json_dumpf(o, stdout, JSON_INDENT(2)) != 0 ||
		 putchar('\n') == EOF || fflush(stdout) != 0;
	json_decref(o);
	return (failed ? door_fail(d, "standard output", errno) : 0);
}

void
door_clean(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		const unsigned char c = (unsigned char)s[0];
		const unsigned char next = (unsigned char)s[1];
		/* U+0080 to U+009F */
		const bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;

		*to++ = c < ' ' || c == 0x7f || c1 ? '?' : *s;
		s += c1;
	}
	*to = '\0';
}

int
door_status(int status)
{
	return (WIFSIGNALED(status) ? EX_SIGBASE + WTERMSIG(status)
				    : WEXITSTATUS(status));
}

int
door_read(struct door *d, const char *path, char **out, size_t *len)
{
	char *buf = NULL, *more;
	size_t at = 0, done;
	int error;

	do {
		more = realloc(buf, at + READ_STEP + 1);
		if (more == NULL) {
			free(buf);
			return (ENOMEM);
		}
		buf = more;
		error = vmspace_control_proc_read(
		    d->c, path, at, buf + at, READ_STEP, &done);
		if (error == 0)
			at += done;
	} while (error == 0 && done != 0);
	if (error != 0) {
		free(buf);
		return (error);
	}
	buf[at] = '\0';
	*out = buf;
	*len = at;
	return (0);
}
