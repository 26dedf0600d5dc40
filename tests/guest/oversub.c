/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * oversub MIB SECONDS [SEED]: a working set that is larger than memory.
 *
 * Writes patterns at random places for that long. The words of a page depend on
 * its number, its version and the process that wrote it, and are verified
 * before the page is written again. Half-way the program forks: parent and
 * child go on, each on its own copy, and at the end both verify every byte. Now
 * and then a piece is advised with MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED or
 * MADV_DONTNEED. The output is the same each time.
 */
#include "guest.h"

#define PIECE 16 /* pages advised at once */

static char *mem;
static uint32_t *version;
static size_t npages;
static uint64_t state;
/* This process wrote the versions above this one. */
static uint64_t owner_of_version;
static uint64_t owner = 1;

static uint64_t
rnd(uint64_t n)
{
	return (rnd_below(&state, n));
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

/* The process that wrote a version: the parent before the fork, or this one. */
static uint64_t
writer(uint32_t v)
{
	return ((uint64_t)v << 8 | (v > owner_of_version ? owner : 1));
}

static void
verify(size_t p)
{
	char *at = mem + p * PAGE;

	if (version[p] == 0)
		CHECK(all_zero(at, PAGE));
	else
		CHECK(check_page(at, writer(version[p]), p));
}

static void
rewrite(size_t p, uint32_t v)
{
	verify(p);
	version[p] = v;
	fill_page(mem + p * PAGE, writer(v), p);
}

static void
advise(void)
{
	size_t p = rnd(npages - PIECE);
	static const int advice[] = {
	    MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED, MADV_DONTNEED};
	int a = advice[rnd(4)];

	CHECK(madvise(mem + p * PAGE, PIECE * PAGE, a) == 0);
	if (a == MADV_DONTNEED)
		memset(version + p, 0, PIECE * sizeof(*version));
}

/* Until `ms` have passed since `start`. */
static void
work(uint64_t start, uint64_t ms, uint32_t *v)
{
	while (now_ms() - start < ms) {
		for (int i = 0; i < 64; i++)
			rewrite(rnd(npages), ++*v);
		if (rnd(50) == 0)
			advise();
	}
}

int
main(int argc, char **argv)
{
	uint64_t ms = 1000 * strtoull(argc > 2 ? argv[2] : "2", NULL, 0);
	uint64_t start = now_ms();
	uint32_t v = 0;
	pid_t pid;

	npages = strtoull(argc > 1 ? argv[1] : "16", NULL, 0) * MIB / PAGE;
	state = strtoull(argc > 3 ? argv[3] : "1", NULL, 0) *
		    UINT64_C(0x9e3779b97f4a7c15) +
		1;
	CHECK(npages > PIECE);
	mem = map_anon(npages * PAGE);
	version = (void *)map_anon(npages * sizeof(*version));
	owner_of_version = UINT32_MAX;
	/* Write every page once, so that the working set has its full size. */
	for (size_t p = 0; p < npages; p++)
		rewrite(p, ++v);
	start = now_ms();
	work(start, ms / 2, &v);
	pid = fork();
	CHECK(pid >= 0);
	owner_of_version = v;
	owner = pid == 0 ? 3 : 2;
	state += owner;
	work(start, ms, &v);
	for (size_t p = 0; p < npages; p++)
		verify(p);
	if (pid == 0)
		_exit(0);
	wait_ok(pid);
	say("%zu MiB, every byte verified twice", npages * PAGE / MIB);
	return (0);
}
