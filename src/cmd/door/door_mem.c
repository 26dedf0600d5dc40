/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * `vmspace shrink`, `swapon` and `swapoff`: the memory of a running kernel.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/door/door.h"

static void
mem_parse(struct door *d, const char *command, const struct argp *argp, int min,
    int argc, char **argv)
{
	struct door_limits limits = {d, min, 2};

	d->command = command;
	door_parse(command, argp, argc, argv, &limits);
}

static int
mem_end(struct door *d, int error)
{
	int ret = error != 0 ? door_fail(d, d->args[0], error) : 0;

	door_close(d);
	return (ret);
}

const struct argp shrink_argp = {
    .parser = door_parse_opt,
    .args_doc = "NAME [SIZE]",
    .doc = "Page out until the guest has at most SIZE (default 0) of memory "
	   "in use, as far as there is swap, and give free memory back to the "
	   "host.  Prints how much was given back.",
};

int
cmd_shrink(int argc, char **argv)
{
	struct door d = {0};
	uint64_t size = 0, given = 0;
	int error, ret;

	mem_parse(&d, "shrink", &shrink_argp, 1, argc, argv);
	if (d.nargs == 2 && cmd_parse_size(d.args[1], &size) != 0) {
		fprintf(stderr,
		    "vmspace shrink: '%s' is not a size; use a number and a "
		    "unit, such as 64M\n",
		    d.args[1]);
		return (EX_BADUSAGE);
	}
	ret = door_connect(&d, d.args[0]);
	if (ret != 0)
		return (ret);
	error = vmspace_control_shrink(d.c, size, &given);
	if (error == 0)
		printf("%.1f MiB\n", (double)given / 1048576);
	return (mem_end(&d, error));
}

const struct argp swapon_argp = {
    .parser = door_parse_opt,
    .args_doc = "NAME [PATH:|lz4:|zstd:]SIZE[,pri=N]",
    .doc = "Add a swap area, as `vmspace run --swap` does.  Prints its "
	   "number.",
};

int
cmd_swapon(int argc, char **argv)
{
	struct cmd_swap swap;
	struct door d = {0};
	const char *bad;
	unsigned area;
	int error, ret;

	mem_parse(&d, "swapon", &swapon_argp, 2, argc, argv);
	bad = cmd_swap_parse(d.args[1], &swap);
	/* For tests of a run; it is no part of the protocol. */
	if (bad == NULL && strstr(d.args[1], ",inject=") != NULL)
		bad = "inject goes with vmspace run";
	if (bad != NULL) {
		fprintf(stderr, "vmspace swapon: '%s': %s\n", d.args[1], bad);
		cmd_swap_close(&swap);
		return (EX_BADUSAGE);
	}
	ret = door_connect(&d, d.args[0]);
	if (ret != 0) {
		cmd_swap_close(&swap);
		return (ret);
	}
	error = cmd_swap_open(&swap);
	if (error != 0) {
		door_close(&d);
		cmd_swap_close(&swap);
		return (EX_FAILURE);
	}
	error = vmspace_control_swapon(d.c, &swap.area, &area);
	if (error == 0)
		printf("%u\n", area);
	cmd_swap_close(&swap);
	return (mem_end(&d, error));
}

const struct argp swapoff_argp = {
    .parser = door_parse_opt,
    .args_doc = "NAME AREA",
    .doc = "Read all pages of a swap area back and remove it.  AREA is its "
	   "number, which swapon has printed; those of `vmspace run --swap` "
	   "begin with 1.",
};

int
cmd_swapoff(int argc, char **argv)
{
	struct door d = {0};
	long area;
	int ret;

	mem_parse(&d, "swapoff", &swapoff_argp, 2, argc, argv);
	ret = door_number(
	    &d, "the number of an area", d.args[1], 1, INT32_MAX, &area);
	if (ret == 0)
		ret = door_connect(&d, d.args[0]);
	if (ret != 0)
		return (ret);
	return (mem_end(&d, vmspace_control_swapoff(d.c, (unsigned)area)));
}
