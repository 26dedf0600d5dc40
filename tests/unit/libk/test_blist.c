/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Block lists, compared with an array of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libk/blist.h"
#include "testchild.h"
#include "testrand.h"

/* Longest run of free blocks that does not cross a group of 4096. */
static unsigned
longest(const uint8_t *used, uint64_t n)
{
	unsigned best = 0, run = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (i % 4096 == 0)
			run = 0;
		run = used[i] ? 0 : run + 1;
		if (run > best)
			best = run;
	}
	return (best > BLIST_RUN_MAX ? BLIST_RUN_MAX : best);
}

/* Mark a random range in use; must succeed if and only if all of it is free.
 * Returns the number of blocks marked. */
static unsigned
fill_some(struct blist *b, uint8_t *used, uint64_t n, uint64_t *s)
{
	uint64_t blk = rnd_below(s, n);
	unsigned len = 1 + (unsigned)(rnd_below(s, 150)), k = 0;

	while (k < len && blk + k < n && !used[blk + k])
		k++;
	assert_int_equal(blist_fill(b, blk, len), k == len);
	if (k < len)
		return (0);
	memset(used + blk, 1, len);
	return (len);
}

static void
model(uint64_t n, uint64_t seed, int ops)
{
	struct blist *b = blist_create(n);
	uint8_t *used = calloc(1, n);
	uint64_t s = seed, nfree = n, blk;
	unsigned got, want, most;

	for (int i = 0; i < ops; i++) {
		if (rnd_below(&s, 16) == 0)
			nfree -= fill_some(b, used, n, &s);
		/* Alternate between mostly allocating and mostly freeing. */
		if (rnd_below(&s, 100) < (i / 500 % 2 == 0 ? 70u : 30u)) {
			want = 1 + (unsigned)(rnd_below(&s, BLIST_RUN_MAX));
			most = longest(used, n);
			blk = blist_alloc(b, want, &got);
			if (most == 0) {
				assert_true(blk == BLIST_NONE);
				continue;
			}
			assert_int_equal(got, want < most ? want : most);
			for (unsigned k = 0; k < got; k++) {
				assert_false(used[blk + k]);
				used[blk + k] = 1;
			}
			nfree -= got;
		} else {
			/* Free a run of used blocks at a random place. */
			blk = rnd_below(&s, n);
			for (got = 0;
			     got < 100 && blk + got < n && used[blk + got];
			     got++)
				used[blk + got] = 0;
			blist_free(b, blk, got);
			nfree += got;
		}
		assert_int_equal(blist_nfree(b), nfree);
		if (i % 64 == 0)
			assert_int_equal(blist_check(b), 0);
	}
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(blist_is_free(b, i), !used[i]);
	assert_int_equal(blist_check(b), 0);
	blist_destroy(b);
	free(used);
}

static void
test_model(void **state)
{
	model(1, 1, 200);
	model(63, 2, 3000);
	model(64, 3, 3000);
	model(4095, 4, 3000);
	model(4097, 5, 3000);
	model(10000, 6, 6000);
}

static void
test_sequential(void **state)
{
	struct blist *b = blist_create(100000);
	uint64_t next = 0;
	unsigned got;

	/* Clusters are adjacent, up to the end of a group. */
	while (blist_nfree(b) != 0) {
		assert_int_equal(blist_alloc(b, 32, &got), next);
		next += got;
	}
	assert_true(blist_alloc(b, 1, &got) == BLIST_NONE);
	blist_free(b, 0, 100000);
	assert_int_equal(blist_size(b), 100000);
	assert_int_equal(blist_nfree(b), 100000);
	assert_int_equal(blist_check(b), 0);
	blist_destroy(b);
}

static void
test_fragmented(void **state)
{
	struct blist *b = blist_create(8192);
	unsigned got;

	assert_true(blist_fill(b, 0, 8192));
	assert_false(blist_fill(b, 5, 1));
	assert_false(blist_fill(b, 8192, 1));
	blist_free(b, 0, 8192);
	assert_false(blist_fill(b, 0, 8193));
	assert_false(blist_fill(b, 8000, UINT64_MAX));
	assert_true(blist_fill(b, 0, 8192));
	for (uint64_t i = 0; i < 8192; i += 2)
		blist_free(b, i, 1);
	for (int i = 0; i < 4096; i++) {
		assert_true(blist_alloc(b, 32, &got) != BLIST_NONE);
		assert_int_equal(got, 1);
	}
	blist_free(b, 1000, 7);
	assert_int_equal(blist_alloc(b, 32, &got), 1000);
	assert_int_equal(got, 7);
	assert_int_equal(blist_check(b), 0);
	blist_destroy(b);
}

static void
free_twice(void *b)
{
	blist_free(b, 3, 1);
}

static void
free_beyond(void *b)
{
	blist_fill(b, 0, 100);
	blist_free(b, 99, 2);
}

static void
free_valid(void *b)
{
	blist_fill(b, 0, 100);
	blist_free(b, 99, 1);
}

static void
test_free_panics(void **state)
{
	struct blist *b = blist_create(100);

	assert_true(child_fails(free_twice, b));
	assert_true(child_fails(free_beyond, b));
	assert_false(child_fails(free_valid, b));
	blist_destroy(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_sequential),
	    cmocka_unit_test(test_fragmented),
	    cmocka_unit_test(test_free_panics),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
