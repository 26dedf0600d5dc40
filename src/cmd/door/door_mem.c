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

struct mem {
	struct door d;
	struct door_limits limits;
};

static const struct argp_child plain[] = {{&door_argp, 0, NULL, 0}, {0}};

static error_t
parse_mem(int key, char *arg, struct argp_state *st)
{
	struct mem *m = st->input;

	if (key != ARGP_KEY_INIT)
		return (ARGP_ERR_UNKNOWN);
	st->child_inputs[0] = &m->limits;
	return (0);
}

static void
mem_parse(struct mem *m, const char *command, const struct argp *argp, int min,
    int argc, char **argv)
{
	m->d.command = command;
	m->limits = (struct door_limits){&m->d, min, 2};
	door_parse(command, argp, argc, argv, m);
}

static int
mem_end(struct mem *m, int error)
{
	int ret = error != 0 ? door_fail(&m->d, m->d.args[0], error) : 0;

	door_close(&m->d);
	return (ret);
}

const struct argp shrink_argp = {
    .parser = parse_mem,
    .children = plain,
    .args_doc = "NAME [SIZE]",
    .doc = "Page out until the guest has at most SIZE (default 0) of memory "
	   "in use, as far as there is swap, and give free memory back to the "
	   "host.  Prints how much was given back.",
};

int
cmd_shrink(int argc, char **argv)
{
	struct mem m = {0};
	uint64_t size = 0, given = 0;
	int error, ret;

	mem_parse(&m, "shrink", &shrink_argp, 1, argc, argv);
	if (m.d.nargs == 2 && cmd_parse_size(m.d.args[1], &size) != 0) {
		fprintf(stderr,
		    "vmspace shrink: '%s' is not a size; use a number and a "
		    "unit, such as 64M\n",
		    m.d.args[1]);
		return (EX_BADUSAGE);
	}
	ret = door_connect(&m.d, m.d.args[0]);
	if (ret != 0)
		return (ret);
	error = vmspace_control_shrink(m.d.c, size, &given);
	if (error == 0)
		printf("%.1f MiB\n", (double)given / 1048576);
	return (mem_end(&m, error));
}

const struct argp swapon_argp = {
    .parser = parse_mem,
    .children = plain,
    .args_doc = "NAME [PATH:|lz4:|zstd:]SIZE[,pri=N]",
    .doc = "Add a swap area, as `vmspace run --swap` does.  Prints its "
	   "number.",
};

int
cmd_swapon(int argc, char **argv)
{
	struct cmd_swap swap;
	struct mem m = {0};
	const char *bad;
	unsigned area;
	int error, ret;

	mem_parse(&m, "swapon", &swapon_argp, 2, argc, argv);
	bad = cmd_swap_parse(m.d.args[1], &swap);
	/* For tests of a run; it is no part of the protocol. */
	if (bad == NULL && strstr(m.d.args[1], ",inject=") != NULL)
		bad = "inject goes with vmspace run";
	if (bad != NULL) {
		fprintf(stderr, "vmspace swapon: '%s': %s\n", m.d.args[1], bad);
		cmd_swap_close(&swap);
		return (EX_BADUSAGE);
	}
	ret = door_connect(&m.d, m.d.args[0]);
	if (ret != 0) {
		cmd_swap_close(&swap);
		return (ret);
	}
	error = cmd_swap_open(&swap);
	if (error != 0) {
		door_close(&m.d);
		cmd_swap_close(&swap);
		return (EX_FAILURE);
	}
	error = vmspace_control_swapon(m.d.c, &swap.area, &area);
	if (error == 0)
		printf("%u\n", area);
	cmd_swap_close(&swap);
	return (mem_end(&m, error));
}

const struct argp swapoff_argp = {
    .parser = parse_mem,
    .children = plain,
    .args_doc = "NAME AREA",
    .doc = "Read all pages of a swap area back and remove it.  AREA is its "
	   "number, which swapon has printed; those of `vmspace run --swap` "
	   "begin with 1.",
};

int
cmd_swapoff(int argc, char **argv)
{
	struct mem m = {0};
	long area;
	int ret;

	mem_parse(&m, "swapoff", &swapoff_argp, 2, argc, argv);
	ret = door_number(
	    &m.d, "the number of an area", m.d.args[1], 1, INT32_MAX, &area);
	if (ret == 0)
		ret = door_connect(&m.d, m.d.args[0]);
	if (ret != 0)
		return (ret);
	return (mem_end(&m, vmspace_control_swapoff(m.d.c, (unsigned)area)));
}
