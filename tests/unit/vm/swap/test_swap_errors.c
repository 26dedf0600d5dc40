/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Areas of swap space that fail or return wrong data: pages go to another area
 * or nowhere, and a read gives what was written, or an error.
 */
#include "swap_testlib.h"

#include "vm/swap/swap_int.h"

#define N SWAP_CLUSTER

/* ---- writing ---- */

/* Store 40 clusters with a failing area in front of a good one. */
static void
failing(struct swap_fixture *fx, struct swap_inject inject, bool good)
{
	enum { CLUSTERS = 40 };
	static struct kept k[CLUSTERS * N];
	struct swap_area_config cf = area_config(SWAP_FILE, 2000, 5);
	unsigned stored = 0;

	cf.inject = inject;
	area_add(fx, &cf);
	if (good)
		area_on(fx, SWAP_FILE, 2000, 1);
	for (unsigned i = 0; i < CLUSTERS; i++)
		stored += keep_new(
		    fx, k + i * N, i % N + 1, i % 3 ? LOOK_NOISE : LOOK_TEXT);
	assert_int_equal(swap_space_used(fx->ss), stored);
	assert_true(area_stat(fx, 1).write_errors > 0);
	assert_true(atomic_load(&fx->lines) > 0);
	for (unsigned i = 0; i < CLUSTERS; i++)
		for (unsigned j = 0; j <= i % N; j++)
			if (good)
				assert_true(k[i * N + j].blk != SWBLK_NONE);
	for (unsigned i = 0; i < CLUSTERS; i++)
		drop(fx, k + i * N, i % N + 1);
	if (inject.write_eio != 1 && inject.write_enospc != 1)
		assert_true(good || stored > 0);
	else if (!good)
		assert_int_equal(stored, 0);
}

static void
tenth_and_good(struct swap_fixture *fx)
{
	failing(fx, (struct swap_inject){.write_eio = 10}, true);
}

static void
tenth_alone(struct swap_fixture *fx)
{
	failing(fx, (struct swap_inject){.write_eio = 10}, false);
}

static void
enospc_and_good(struct swap_fixture *fx)
{
	failing(fx, (struct swap_inject){.write_enospc = 3}, true);
}

static void
all_and_good(struct swap_fixture *fx)
{
	failing(fx, (struct swap_inject){.write_eio = 1}, true);
	assert_int_equal(area_stat(fx, 1).pages_out, 0);
}

static void
all_alone(struct swap_fixture *fx)
{
	failing(fx, (struct swap_inject){.write_eio = 1}, false);
	assert_int_equal(swap_space_free(fx->ss), swap_space_size(fx->ss));
}

static void
test_write_errors(void **state)
{
	both_ways(tenth_and_good);
	both_ways(tenth_alone);
	both_ways(enospc_and_good);
	both_ways(all_and_good);
	both_ways(all_alone);
}

/* A file whose device has no room left, with and without a ring. */
static void
full_device(struct swap_fixture *fx)
{
	struct swap_area_config cf = {
	    .kind = SWAP_FILE, .size = 100 * PG, .priority = 2, .name = "full"};
	struct kept k[N];

	assert_int_equal(
	    host_openat(AT_FDCWD, "/dev/full", O_RDWR, 0, &cf.fd), 0);
	area_add(fx, &cf);
	assert_int_equal(keep_new(fx, k, N, LOOK_NOISE), 0);
	assert_int_equal(area_stat(fx, 1).write_errors, N);
	assert_int_equal(area_used(fx, 1), 0);
	area_on(fx, SWAP_FILE, 20, 2);
	assert_int_equal(keep_new(fx, k, N, LOOK_TEXT), 20);
	assert_int_equal(area_used(fx, 1), 0);
	drop(fx, k, N);
}

static void
test_full_device(void **state)
{
	both_ways(full_device);
}

static unsigned
chosen(struct swap_fixture *fx, uint64_t tried)
{
	struct swap_area *a;
	unsigned nr;

	if (!swap_area_choose(fx->ss, tried, false, &a))
		return (0);
	nr = a->nr;
	swap_area_release(fx->ss, a);
	return (nr);
}

/* An area that has failed is used last, but it is used. */
static void
asked_last(struct swap_fixture *fx)
{
	struct swap_area_config cf = area_config(SWAP_FILE, 64, 9);
	struct swap_area *a;
	struct kept k[N];

	cf.inject.write_eio = 1;
	area_add(fx, &cf);
	area_on(fx, SWAP_FILE, 64, 1);
	assert_true(swap_area_choose(fx->ss, 0, false, &a));
	swap_area_release(fx->ss, a);
	assert_int_equal(a->nr, 1);
	assert_int_equal(a->bad_until, 0);
	assert_int_equal(keep_new(fx, k, N, LOOK_NOISE), N);
	assert_true(a->bad_until > 0);
	/* For any length of the time that a failed area is avoided. */
	a->bad_until = UINT64_MAX;
	assert_int_equal(chosen(fx, 0), 2);
	assert_int_equal(chosen(fx, 1U << 2), 1);
	assert_int_equal(chosen(fx, 1U << 1 | 1U << 2), 0);
	a->bad_until = 1;
	assert_int_equal(chosen(fx, 0), 1);
	drop(fx, k, N);
}

static void
test_failed_area_used_last(void **state)
{
	both_ways(asked_last);
}

/* ---- reading ---- */

/* Store a cluster, damage it by `fn`, and check that exactly the blocks `bad`
 * are found. */
static void
spoiled(struct swap_fixture *fx, struct swap_inject inject, void (*fn)(int fd),
    uint32_t bad)
{
	struct swap_area_config cf = area_config(SWAP_FILE, 64, 0);
	struct cluster c;
	struct kept k[8];
	void *p[8];
	int err[8], fd;

	assert_int_equal(host_dup(cf.fd, &fd), 0);
	cf.inject = inject;
	area_add(fx, &cf);
	assert_int_equal(keep_new(fx, k, 7, LOOK_NOISE), 7);
	assert_int_equal(keep_new(fx, k + 7, 1, LOOK_ZERO), 1);
	if (fn != NULL)
		fn(fd);
	for (unsigned i = 0; i < 8; i++)
		p[i] = c.page[i];
	swap_read(fx->ss, k[0].blk, 8, p, err);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(err[i], (bad >> i & 1) != 0 ? EBADMSG : 0);
		assert_int_equal(look_at(fx, &k[i]), err[i]);
	}
	assert_int_equal(area_stat(fx, 1).damaged, 2 * __builtin_popcount(bad));
	assert_int_equal(area_stat(fx, 1).read_errors, 0);
	assert_true((atomic_load(&fx->lines) > 0) == (bad != 0));
	swap_free(fx->ss, k[0].blk, 8);
	host_close(fd);
}

/* The contents of blocks 2 and 5 change places. */
static void
misplace(int fd)
{
	char two[4096], five[4096];
	size_t done;

	assert_int_equal(host_pread_full(fd, two, PG, 2 * PG, &done), 0);
	assert_int_equal(host_pread_full(fd, five, PG, 5 * PG, &done), 0);
	assert_int_equal(host_pwrite_full(fd, five, PG, 2 * PG), 0);
	assert_int_equal(host_pwrite_full(fd, two, PG, 5 * PG), 0);
}

static void
cut_off(int fd)
{
	assert_int_equal(host_ftruncate(fd, 4 * PG + 100), 0);
}

static void
flip_last_bit(int fd)
{
	char c;
	size_t done;

	assert_int_equal(host_pread_full(fd, &c, 1, 4 * PG - 1, &done), 0);
	c ^= 1;
	assert_int_equal(host_pwrite_full(fd, &c, 1, 4 * PG - 1), 0);
}

static void
test_damaged(void **state)
{
	static const struct {
		struct swap_inject inject;
		void (*fn)(int);
		uint32_t bad;
	} c[] = {
	    {{0}, NULL, 0},
	    {{.write_torn = 1}, NULL, 1U << 6},
	    {{.damage = 1}, NULL, 1U << 0},
	    {{0}, misplace, 1U << 2 | 1U << 5},
	    {{0}, cut_off, 1U << 4 | 1U << 5 | 1U << 6},
	    {{0}, flip_last_bit, 1U << 3},
	};
	struct swap_fixture fx;

	for (size_t i = 0; i < 2 * sizeof(c) / sizeof(c[0]); i++) {
		space_begin(&fx, i % 2 == 0);
		spoiled(&fx, c[i / 2].inject, c[i / 2].fn, c[i / 2].bad);
		space_end(&fx);
	}
}

static void
test_read_error(void **state)
{
	struct swap_area_config cf = area_config(SWAP_FILE, 64, 0);
	struct swap_fixture fx;
	struct kept k[N];

	space_begin(&fx, true);
	fx.fds--; /* cf.fd is there already */
	cf.inject.read_eio = 3;
	area_add(&fx, &cf);
	assert_int_equal(keep_new(&fx, k, N, LOOK_NOISE), N);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(look_at(&fx, &k[i]), i % 3 == 2 ? EIO : 0);
	assert_int_equal(area_stat(&fx, 1).read_errors, N / 3);
	assert_int_equal(area_stat(&fx, 1).damaged, 0);
	assert_true(atomic_load(&fx.lines) > 0);
	swap_free(fx.ss, k[0].blk, N);
	space_end(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_write_errors),
	    cmocka_unit_test(test_full_device),
	    cmocka_unit_test(test_failed_area_used_last),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_read_error),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
