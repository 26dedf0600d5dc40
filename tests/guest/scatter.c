/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * 100,000 scattered pages: every second page of a large area is touched, then
 * every second page is given its own protection, until the limit of mappings of
 * a process (65,530 here and by default on Linux) ends that with ENOMEM.
 */
#include "guest.h"

#define N 100000

static uint64_t *
at(char *m, size_t i)
{
	return ((uint64_t *)(m + 2 * i * PAGE + i * 40 % 4096));
}

static void
child(void *arg)
{
	char *m = arg;

	for (size_t i = 0; i < N; i += 7)
		*at(m, i) += 1;
	for (size_t i = 0; i < N; i++)
		CHECK(*at(m, i) == pattern(1, i, 0) + (i % 7 == 0));
}

int
main(void)
{
	char *m = mmap(NULL, 2 * N * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t i;

	CHECK(m != MAP_FAILED);
	for (i = 0; i < N; i++)
		*at(m, i * 7919 % N) = pattern(1, i * 7919 % N, 0);
	for (i = 0; i < N; i++)
		CHECK(*at(m, i) == pattern(1, i, 0));
	say("%d scattered pages", N);
	in_child(child, m);
	for (i = 0; i < N; i++)
		CHECK(*at(m, i) == pattern(1, i, 0));
	say("in a child, too");
	for (i = 0; i < N; i++)
		if (mprotect(m + 2 * i * PAGE, PAGE, PROT_READ) != 0)
			break;
	CHECK(i == N ? !inside() : errno == ENOMEM);
	CHECK(i > 65530 / 2 - 100);
	for (i = 0; i < N; i++)
		CHECK(*at(m, i) == pattern(1, i, 0));
	CHECK(munmap(m, 2 * N * PAGE) == 0);
	say("a protection for each page, up to the limit");
	return (0);
}
