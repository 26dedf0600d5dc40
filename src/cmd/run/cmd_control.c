/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The control socket of `vmspace run`.
 *
 * Where the directory of kernels cannot be made, a run without --name and
 * --detach goes on without a socket: a program does not depend on it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/run/cmd_options.h"

/* The program and its arguments, malloc'ed; what is no UTF-8 becomes '?'. */
static char *
command_text(char *const *argv)
{
	size_t len = 1, at = 0;
	char *text;

	for (size_t i = 0; argv[i] != NULL; i++)
		len += strlen(argv[i]) + 1;
	if (len > CMD_TEXT_MAX)
		len = CMD_TEXT_MAX;
	text = malloc(len);
	if (text == NULL)
		return (NULL);
	for (size_t i = 0; argv[i] != NULL; i++) {
		if (i > 0 && at + 1 < len)
			text[at++] = ' ';
		for (const char *s = argv[i]; *s != '\0' && at + 1 < len; s++)
			text[at++] = (unsigned char)*s < 0x80 ? *s : '?';
	}
	text[at] = '\0';
	return (text);
}

static int
enter_failed(const struct cmd_options *r, int error)
{
	const bool needed = r->name != NULL || r->detach;

	if (error == EEXIST && r->name != NULL)
		fprintf(stderr,
		    "vmspace: --name '%s': a kernel with that name is "
		    "running\n",
		    r->name);
	else if (needed || r->config.log_level >= 2)
		fprintf(stderr,
		    "vmspace: no control socket: %s in the directory of "
		    "kernels\n",
		    strerror(error));
	return (needed ? error : 0);
}

int
cmd_control_enter(struct cmd_options *r)
{
	int error;

	r->control_fd = -1;
	r->command = command_text(r->argv);
	if (r->command == NULL)
		error = ENOMEM;
	else
		error = vmspace_dir_enter(r->name, r->command,
		    r->nlabels > 0 ? r->labels : NULL, &r->dir, &r->control_fd);
	r->owner = geteuid();
	return (error != 0 ? enter_failed(r, error) : 0);
}

int
cmd_control_start(struct cmd_options *r, struct vkernel *k)
{
	struct vkernel_control_config config = {
	    .fd = r->control_fd, .command = r->command, .uid = r->owner};
	int error;

	if (r->dir == NULL)
		return (0);
	config.name = vmspace_dir_name(r->dir);
	error = vkernel_control_start(k, &config, &r->control);
	if (error == 0)
		r->control_fd = -1;
	else
		fprintf(stderr,
		    "vmspace: cannot serve the control socket: %s\n",
		    strerror(error));
	return (error);
}

void
cmd_control_free(struct cmd_options *r)
{
	if (r->control_fd >= 0)
		(void)close(r->control_fd);
	vmspace_dir_leave(r->dir);
	r->dir = NULL;
	free(r->command);
}
