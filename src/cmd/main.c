/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Entry of the `vmspace` command: find the subcommand and call it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "vmspace/vkernel.h"

const struct command cmd_commands[] = {
    {"run", cmd_run, &run_argp,
	"run a program in address spaces that vmspace manages"},
    {"ps", cmd_ps, &ps_argp, "list running kernels, or the processes of one"},
    {"top", cmd_top, &top_argp, "the same again and again, with what they use"},
    {"exec", cmd_exec, &exec_argp, "run another program in a running kernel"},
    {"kill", cmd_kill, &kill_argp, "send a signal"},
    {"stop", cmd_stop, &stop_argp,
	"end a kernel's program: SIGTERM, then SIGKILL"},
    {"wait", cmd_wait, &wait_argp,
	"wait for the end, and print the exit status"},
    {"pause", cmd_pause, &pause_argp, "stop all programs of a kernel"},
    {"resume", cmd_resume, &resume_argp, "let them go on"},
    {"stat", cmd_stat, &stat_argp, "print what a kernel has counted"},
    {"cat", cmd_cat, &cat_argp, "print a file of a kernel's /proc"},
    {"maps", cmd_maps, &maps_argp, "print the mappings of a process"},
    {"shrink", cmd_shrink, &shrink_argp,
	"give memory of a kernel back to the host"},
    {"swapon", cmd_swapon, &swapon_argp, "add a swap area to a running kernel"},
    {"swapoff", cmd_swapoff, &swapoff_argp, "remove one"},
    {"completion", cmd_completion, &completion_argp,
	"print a script for a shell that completes all this"},
};
const size_t cmd_ncommands = sizeof(cmd_commands) / sizeof(*cmd_commands);

static void
usage(FILE *f)
{
	fprintf(f, "Usage: vmspace COMMAND [OPTION...]\n"
		   "       vmspace --version | --help\n\n"
		   "Runs unmodified Linux programs in address spaces that this "
		   "process manages\nitself, without root, KVM or ptrace.\n\n"
		   "Commands:\n");
	for (size_t i = 0; i < cmd_ncommands; i++)
		fprintf(f, "  %-10s %s\n", cmd_commands[i].name,
		    cmd_commands[i].what);
	fprintf(f,
	    "\n`vmspace COMMAND --help` lists the options.  Example:\n"
	    "  vmspace run --mem 256M -- busybox sh -c 'seq 1 9 | tac'\n");
}

int
main(int argc, char **argv)
{
	cmd_plug_fds();
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
	for (size_t i = 0; i < cmd_ncommands; i++)
		if (strcmp(argv[1], cmd_commands[i].name) == 0)
			return (cmd_commands[i].fn(argc - 1, argv + 1));
	fprintf(stderr,
	    "vmspace: no such command: '%s'; vmspace --help lists them\n",
	    argv[1]);
	return (EX_BADUSAGE);
}
