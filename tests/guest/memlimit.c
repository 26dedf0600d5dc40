/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * brk and mmap up to the limit of memory: ENOMEM at the limit, and a process
 * that goes on afterwards. Inside the limit is --mem 64M, natively it is
 * RLIMIT_AS. All memory that was granted is written and verified.
 */
#include "guest.h"

#define LIMIT (64 * MIB)
#define CHUNK MIB
#define MAX (LIMIT / CHUNK + 1)

static size_t
fill(char **chunks)
{
	size_t n = 0;

	while (n < MAX) {
		chunks[n] = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (chunks[n] == MAP_FAILED) {
			CHECK(errno == ENOMEM);
			break;
		}
		for (size_t i = 0; i < CHUNK / PAGE; i++)
			fill_page(chunks[n] + i * PAGE, n, i);
		n++;
	}
	CHECK(n < MAX);               /* ENOMEM came */
	CHECK(n > LIMIT / CHUNK / 2); /* and not before half of the limit */
	return (n);
}

static void
verify_and_unmap(char **chunks, size_t n)
{
	for (size_t c = 0; c < n; c++) {
		for (size_t i = 0; i < CHUNK / PAGE; i++)
			CHECK(check_page(chunks[c] + i * PAGE, c, i));
		CHECK(munmap(chunks[c], CHUNK) == 0);
	}
}

static void
by_mmap(void)
{
	char *chunks[MAX];
	size_t n = fill(chunks), m;

	/* A request that can never be met has no effect. */
	CHECK(mmap(NULL, (size_t)1 << 40, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(errno == ENOMEM);
	verify_and_unmap(chunks, n);
	say("mmap: up to the limit, ENOMEM, all verified");
	for (int round = 0; round < 3; round++) {
		m = fill(chunks);
		verify_and_unmap(chunks, m);
		CHECK(m + 2 >= n && n + 2 >= m);
	}
	say("mmap: and again");
}

static char *
raw_brk(char *p)
{
	return ((char *)syscall(SYS_brk, p));
}

static void
by_brk(void)
{
	char *start = raw_brk(NULL), *end = start, *r;
	size_t n = 0;

	CHECK(((uintptr_t)start & (PAGE - 1)) == 0 || start != NULL);
	for (;; n++) {
		r = raw_brk(end + CHUNK);
		if (r != end + CHUNK)
			break;
		for (size_t i = 0; i < CHUNK; i += PAGE)
			memset(end + i, (int)n + 1, 64);
		end = r;
		CHECK(n < MAX);
	}
	CHECK(r == end); /* a failed brk returns the old end */
	CHECK(n > LIMIT / CHUNK / 2);
	for (size_t c = 0; c < n; c++)
		for (size_t i = 0; i < CHUNK; i += PAGE)
			CHECK(start[c * CHUNK + i] == (char)(c + 1));
	CHECK(raw_brk(start + PAGE) == start + PAGE);
	CHECK(raw_brk(start) == start);
	/* Memory that was given back and is allocated again is zero. */
	CHECK(raw_brk(start + CHUNK) == start + CHUNK);
	CHECK(all_zero(start, CHUNK));
	CHECK(raw_brk(start) == start);
	say("brk: up to the limit, ENOMEM, back");
}

static void
check_usable(void *arg)
{
	char *m = map_anon(16 * MIB);

	for (size_t i = 0; i < 16 * MIB / PAGE; i++)
		fill_page(m + i * PAGE, 77, i);
	for (size_t i = 0; i < 16 * MIB / PAGE; i++)
		CHECK(check_page(m + i * PAGE, 77, i));
}

int
main(void)
{
	struct rlimit rl = {LIMIT, LIMIT};

	if (!inside())
		CHECK(setrlimit(RLIMIT_AS, &rl) == 0);
	by_mmap();
	by_brk();
	by_mmap();
	in_child(check_usable, NULL);
	say("a child uses what was given back");
	/* RLIMIT_AS limits inside as well. */
	rl.rlim_cur = rl.rlim_max = 24 * MIB;
	CHECK(setrlimit(RLIMIT_AS, &rl) == 0);
	CHECK(mmap(NULL, 24 * MIB, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	      errno == ENOMEM);
	check_usable(NULL);
	say("RLIMIT_AS");
	return (0);
}
