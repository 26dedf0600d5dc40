/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * eat MIB SECONDS [free|none|populate]: writes and verifies that much memory,
 * keeps it for that long and verifies it again. With `free` the memory is not
 * reserved, so that only touching it can fail; with `none` it is mapped, and
 * only one page is touched; with `populate` the call that maps it touches it.
 * For the tests of the memory limit; prints nothing.
 */
#include "guest.h"

int
main(int argc, char **argv)
{
	size_t len = (size_t)(argc > 1 ? atoi(argv[1]) : 1) * MIB;
	int seconds = argc > 2 ? atoi(argv[2]) : 0;
	const char *how = argc > 3 ? argv[3] : "";
	int flags = strcmp(how, "free") == 0       ? MAP_NORESERVE
		    : strcmp(how, "populate") == 0 ? MAP_POPULATE
						   : 0;
	char *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (m == MAP_FAILED)
		return (2);
	if (strcmp(how, "none") == 0)
		len = PAGE;
	for (size_t i = 0; i < len / PAGE; i++)
		fill_page(m + i * PAGE, (uint64_t)getpid(), i);
	sleep_ms(seconds * 1000L);
	for (size_t i = 0; i < len / PAGE; i++)
		CHECK(check_page(m + i * PAGE, (uint64_t)getpid(), i));
	return (0);
}
