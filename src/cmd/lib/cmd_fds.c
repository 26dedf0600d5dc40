/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The standard descriptors of the command.
 *
 * A program that is started with one of 0 to 2 closed would give that number to
 * the next file that it opens, and what it prints would go there.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "cmd/lib/cmd.h"

unsigned cmd_closed_fds;

void
cmd_plug_fds(void)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		cmd_closed_fds |= 1u << fd;
		if (open("/dev/null", O_RDWR) != fd)
			exit(EX_FAILURE);
	}
}
