/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Compressed areas of swap space: which pages they store, which they pass on,
 * the memory that it takes, and that all of it is freed. Each test runs with
 * both codecs.
 */
#include "swap_testlib.h"

#define N SWAP_CLUSTER
#define PAGES (16 * N)

static void
each_kind(void (*fn)(struct swap_fixture *, enum swap_kind))
{
	static const enum swap_kind kinds[] = {SWAP_LZ4, SWAP_ZSTD};
	struct swap_fixture fx;

	for (int i = 0; i < 4; i++) {
		space_begin(&fx, i % 2 == 0);
		if (kind_built(&fx, kinds[i / 2]))
			fn(&fx, kinds[i / 2]);
		else
			print_message("skipped: %s was not built\n",
			    kinds[i / 2] == SWAP_LZ4 ? "lz4" : "zstd");
		for (unsigned nr = 1; nr <= 2; nr++) {
			struct swap_area_stat st;
			unsigned found = nr;

			if (swap_area_stat(fx.ss, &found, &st))
				assert_int_equal(st.stored, 0);
		}
		space_end(&fx);
	}
}

/* Fill k[0..n-1], all of which find a place. */
static void
keep_many(struct swap_fixture *fx, struct kept *k, unsigned n, enum look look)
{
	for (unsigned i = 0; i < n; i += N)
		assert_int_equal(keep_new(fx, k + i, N, look), N);
}

/* ---- what is stored, and how ---- */

static void
compressible(struct swap_fixture *fx, enum swap_kind kind)
{
	static struct kept k[PAGES];
	struct swap_area_stat st;

	area_on(fx, kind, PAGES, 0);
	keep_many(fx, k, PAGES, LOOK_TEXT);
	st = area_stat(fx, 1);
	assert_int_equal(st.kind, kind);
	assert_int_equal(st.used, PAGES * PG);
	assert_int_equal(st.pages_out, PAGES);
	assert_int_equal(st.rejected, 0);
	/* The line of text takes the smallest class. */
	assert_int_equal(st.stored, PAGES * 256);
	assert_int_equal(swap_space_free(fx->ss), 0);
	drop(fx, k, PAGES);
	assert_int_equal(area_stat(fx, 1).pages_in, PAGES);
	assert_int_equal(area_stat(fx, 1).stored, 0);
}

static void
test_compressible(void **state)
{
	each_kind(compressible);
}

static void
zeroes(struct swap_fixture *fx, enum swap_kind kind)
{
	static struct kept k[PAGES];

	area_on(fx, kind, PAGES, 0);
	keep_many(fx, k, PAGES, LOOK_ZERO);
	assert_int_equal(area_used(fx, 1), PAGES);
	assert_int_equal(area_stat(fx, 1).stored, 0);
	drop(fx, k, PAGES);
}

static void
test_zeroes(void **state)
{
	each_kind(zeroes);
}

/* A page that does not shrink is passed on to the next area. */
static void
rejected(struct swap_fixture *fx, enum swap_kind kind)
{
	struct kept k[N];

	area_on(fx, kind, PAGES, 9);
	area_on(fx, SWAP_FILE, PAGES, 1);
	for (unsigned i = 0; i < N; i++)
		k[i] =
		    (struct kept){.look = i % 4 == 1 ? LOOK_NOISE : LOOK_TEXT,
			.id = 5000 + i};
	assert_int_equal(keep(fx, k, N), N);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(SWBLK_AREA(k[i].blk), i % 4 == 1 ? 2 : 1);
	assert_int_equal(area_stat(fx, 1).rejected, N / 4);
	assert_int_equal(area_stat(fx, 1).write_errors, 0);
	assert_int_equal(area_stat(fx, 1).stored, (N - N / 4) * 256);
	/* The pages passed on are one write to adjacent blocks. */
	assert_int_equal(area_stat(fx, 2).writes, 1);
	drop(fx, k, N);
}

static void
test_rejected(void **state)
{
	each_kind(rejected);
}

/* It is stored uncompressed if no other area takes it. */
static void
raw(struct swap_fixture *fx, enum swap_kind kind)
{
	static struct kept k[PAGES + N];

	area_on(fx, kind, PAGES, 9);
	keep_many(fx, k, PAGES, LOOK_NOISE);
	assert_int_equal(area_used(fx, 1), PAGES);
	assert_int_equal(area_stat(fx, 1).stored, PAGES * PG);
	assert_int_equal(keep_new(fx, k + PAGES, N, LOOK_TEXT), 0);
	drop(fx, k, PAGES);
	/* The same if the next area becomes full in the middle. */
	area_on(fx, SWAP_FILE, 10, 1);
	assert_int_equal(keep_new(fx, k, N, LOOK_NOISE), N);
	assert_int_equal(area_used(fx, 2), 10);
	assert_int_equal(area_used(fx, 1), N - 10);
	drop(fx, k, N);
}

static void
test_raw(void **state)
{
	each_kind(raw);
}

/* Behind a compressed area that rejects all pages, the others take turns. */
static void
stripe_below(struct swap_fixture *fx, enum swap_kind kind)
{
	struct kept k[20];

	area_on(fx, kind, PAGES, 9);
	area_on(fx, SWAP_FILE, PAGES, 1);
	area_on(fx, SWAP_FILE, PAGES, 1);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(keep_new(fx, k + i, 1, LOOK_NOISE), 1);
	assert_int_equal(area_used(fx, 2), 10);
	assert_int_equal(area_used(fx, 3), 10);
	drop(fx, k, 20);
}

static void
test_stripe_below(void **state)
{
	each_kind(stripe_below);
}

/* ---- room ---- */

/* Slabs with an item left have room for smaller ones. */
static void
fragmented(struct swap_fixture *fx, enum swap_kind kind)
{
	enum { AREA = 2048 };
	static struct kept k[AREA], more[AREA];
	const unsigned left = AREA / 16;

	area_on(fx, kind, AREA, 9);
	keep_many(fx, k, AREA, LOOK_NOISE);
	for (unsigned i = 0; i < AREA; i++)
		if (i % 16 != 3)
			drop(fx, k + i, 1);
	assert_int_equal(area_stat(fx, 1).stored, left * PG);
	area_on(fx, SWAP_FILE, AREA, 1);
	keep_many(fx, more, AREA - left, LOOK_HALF);
	assert_int_equal(area_used(fx, 1), AREA);
	assert_int_equal(area_used(fx, 2), 0);
	assert_int_equal(area_stat(fx, 1).write_errors, 0);
	/* A small page in a large item counts with the size of the item. */
	assert_true(
	    area_stat(fx, 1).stored > left * PG + (AREA - left) * PG / 2);
	assert_true(area_stat(fx, 1).stored <= AREA * PG);
	drop(fx, more, AREA - left);
	drop(fx, k, AREA);
}

static void
test_fragmented(void **state)
{
	each_kind(fragmented);
}

/* Pages of every size, stored and dropped in waves. */
static void
waves(struct swap_fixture *fx, enum swap_kind kind)
{
	static struct kept k[PAGES];
	uint64_t s = 99;
	unsigned i;

	area_on(fx, kind, 2 * PAGES, 0);
	memset(k, 0, sizeof(k));
	for (unsigned round = 0; round < 2000; round++) {
		i = (unsigned)(rnd_below(&s, PAGES));
		if (k[i].blk != SWBLK_NONE) {
			drop(fx, &k[i], 1);
			if (round % 512 < 256)
				continue;
		}
		assert_int_equal(
		    keep_new(fx, &k[i], 1, (enum look)(rnd_below(&s, LOOKS))),
		    1);
	}
	assert_true(area_stat(fx, 1).stored > 0);
	drop(fx, k, PAGES);
}

static void
test_store_and_drop_all_sizes(void **state)
{
	each_kind(waves);
}

/* ---- errors ---- */

static void
damaged(struct swap_fixture *fx, enum swap_kind kind)
{
	struct swap_area_config cf = area_config(kind, PAGES, 0);
	struct kept k[2 * N];
	unsigned bad = 0;

	cf.inject.damage = 5;
	area_add(fx, &cf);
	assert_int_equal(keep_new(fx, k, N, LOOK_TEXT), N);
	assert_int_equal(keep_new(fx, k + N, N, LOOK_NOISE), N);
	for (unsigned i = 0; i < 2 * N; i++) {
		int error = look_at(fx, &k[i]);

		assert_true(error == 0 || error == EBADMSG);
		/* Rejected first, noise counts twice. */
		if (i < N)
			assert_int_equal(error, i % 5 == 4 ? EBADMSG : 0);
		bad += error != 0;
		swap_free(fx->ss, k[i].blk, 1);
	}
	assert_true(bad > N / 5);
	assert_int_equal(area_stat(fx, 1).damaged, bad);
	assert_true(atomic_load(&fx->lines) > 0);
}

static void
test_damaged(void **state)
{
	each_kind(damaged);
}

static void
failing(struct swap_fixture *fx, enum swap_kind kind)
{
	struct swap_area_config cf = area_config(kind, PAGES, 9);
	struct kept k[N];

	cf.inject.write_enospc = 2;
	cf.inject.read_eio = 3;
	area_add(fx, &cf);
	/* Half of them fail; of these, half again when it is the last resort.
	 */
	assert_int_equal(keep_new(fx, k, N, LOOK_TEXT), N / 2 + N / 4);
	assert_int_equal(area_stat(fx, 1).write_errors, N / 2 + N / 4);
	for (unsigned i = 0, reads = 0; i < N; i++) {
		if (k[i].blk == SWBLK_NONE)
			continue;
		reads++;
		assert_int_equal(look_at(fx, &k[i]), reads % 3 == 0 ? EIO : 0);
		swap_free(fx->ss, k[i].blk, 1);
	}
	assert_int_equal(area_stat(fx, 1).read_errors, (N / 2 + N / 4) / 3);
}

static void
test_failing(void **state)
{
	each_kind(failing);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_compressible),
	    cmocka_unit_test(test_zeroes),
	    cmocka_unit_test(test_rejected),
	    cmocka_unit_test(test_raw),
	    cmocka_unit_test(test_stripe_below),
	    cmocka_unit_test(test_fragmented),
	    cmocka_unit_test(test_store_and_drop_all_sizes),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_failing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
