/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Entry of the `vmspace` command: find the subcommand and call it.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "vmspace/vkernel.h"

static const struct command {
	const char *name;
	int (*fn)(int argc, char **argv);
	const char *what;
} commands[] = {
    {"run", cmd_run, "run a program in address spaces that vmspace manages"},
};

static void
usage(FILE *f)
{
	fprintf(f, "Usage: vmspace COMMAND [OPTION...]\n"
		   "       vmspace --version | --help\n\n"
		   "Runs unmodified Linux programs in address spaces that this "
		   "process manages\nitself, without root, KVM or ptrace.\n\n"
		   "Commands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].what);
	fprintf(f,
	    "\n`vmspace COMMAND --help` lists the options.  Example:\n"
	    "  vmspace run --mem 256M -- busybox sh -c 'seq 1 9 | tac'\n");
}

unsigned cmd_closed_fds;

/* Open /dev/null on the standard descriptors that are closed. */
static void
plug_descriptors(void)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		cmd_closed_fds |= 1u << fd;
		if (open("/dev/null", O_RDWR) != fd)
			exit(EX_FAILURE);
	}
}

int
main(int argc, char **argv)
{
	plug_descriptors();
	if (argc < 2) {
		usage(stderr);
		return (EX_BADUSAGE);
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("vmspace %s\n", vkernel_version());
		return (0);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return (0);
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return (commands[i].fn(argc - 1, argv + 1));
	fprintf(stderr,
	    "vmspace: no such command: '%s'; vmspace --help lists them\n",
	    argv[1]);
	return (EX_BADUSAGE);
}
