/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* The table of subcommands (main.c). */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include <argp.h>
#include <stddef.h>

#include "cmd/lib/cmd.h"

/* Print a script for a shell; its options are those of the table. */
cmd_fn cmd_completion;
extern const struct argp completion_argp;

struct command {
	const char *name;
	cmd_fn *fn;
	const struct argp *argp; /* options and arguments */
	const char *what;        /* it does, in a line */
};
extern const struct command cmd_commands[];
extern const size_t cmd_ncommands;

#endif /* CMD_COMMANDS_H */
