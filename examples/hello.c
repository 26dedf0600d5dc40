/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* A static program for tiny_kernel: prints a line and exits with status 7. */
#include <unistd.h>

int
main(void)
{
	static const char text[] = "Hello from a vmspace.\n";

	return (write(1, text, sizeof(text) - 1) == sizeof(text) - 1 ? 7 : 1);
}
