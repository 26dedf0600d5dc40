/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Swap space without objects: areas, where pages go, writers, refused memory
 * and misuse. See also test_swap_errors.c (areas that fail or return wrong
 * data), test_swap_zpool.c (compressed areas), test_swap_threads.c (random
 * operations, threads).
 */
#include "swap_testlib.h"

#include "vm/swap/swap_int.h"
#include "testchild.h"

#define N SWAP_CLUSTER

/* ---- areas ---- */

static void
refused(struct swap_fixture *fx, struct swap_area_config cf)
{
	unsigned area = 77;

	assert_int_equal(swap_area_add(fx->ss, &cf, &area), EINVAL);
	assert_int_equal(area, 77);
	check_sums(fx);
}

static void
test_add_refused(void **state)
{
	struct swap_fixture fx;
	struct swap_area_config cf;
	int fd;

	space_begin(&fx, true);
	cf = area_config(SWAP_FILE, 16, 0);
	fd = cf.fd;
	cf.size = PG - 1;
	refused(&fx, cf);
	cf.size = ((uint64_t)1 << 40) + PG;
	refused(&fx, cf);
	cf.size = PG;
	cf.kind = (enum swap_kind)3;
	refused(&fx, cf);
	cf.kind = SWAP_FILE;
	cf.fd = -1;
	refused(&fx, cf);
	assert_int_equal(
	    host_openat(AT_FDCWD, "/dev/zero", O_RDONLY, 0, &cf.fd), 0);
	refused(&fx, cf);
	host_close(cf.fd);
	/* The descriptor still belongs to the caller. */
	assert_int_equal(host_close(fd), 0);
	space_end(&fx);
}

static void
test_add_remove(void **state)
{
	struct swap_fixture fx;
	struct swap_area_config cf;
	struct swap_area_stat st;
	unsigned area;

	space_begin(&fx, true);
	area = 1;
	assert_false(swap_area_stat(fx.ss, &area, &st));
	for (unsigned i = 1; i <= SWAP_AREAS; i++)
		assert_int_equal(area_on(&fx, SWAP_FILE, i, 0), i);
	cf = area_config(SWAP_FILE, 1, 0);
	assert_int_equal(swap_area_add(fx.ss, &cf, &area), ENOSPC);
	assert_int_equal(swap_space_size(fx.ss), 32 * 33 / 2);
	/* The lowest number that has become free. */
	assert_int_equal(swap_area_drain_begin(fx.ss, 0), ENOENT);
	assert_int_equal(swap_area_drain_begin(fx.ss, 33), ENOENT);
	assert_int_equal(swap_area_drain_begin(fx.ss, 20), 0);
	assert_int_equal(swap_area_drain_begin(fx.ss, 20), EBUSY);
	check_sums(&fx);
	assert_int_equal(swap_area_remove(fx.ss, 20), 0);
	assert_int_equal(swap_area_drain_begin(fx.ss, 20), ENOENT);
	assert_int_equal(swap_area_drain_begin(fx.ss, 3), 0);
	assert_int_equal(swap_area_remove(fx.ss, 3), 0);
	assert_int_equal(host_count_fds(), fx.fds + SWAP_AREAS - 2 + 1);
	area = 3;
	assert_true(swap_area_stat(fx.ss, &area, &st));
	assert_int_equal(area, 4);
	assert_int_equal(st.size, 4 * PG);
	assert_int_equal(area_add(&fx, &cf), 3);
	assert_int_equal(area_on(&fx, SWAP_FILE, 7, 0), 20);
	check_sums(&fx);
	space_end(&fx);
}

static void
test_long_name_and_size(void **state)
{
	struct swap_fixture fx;
	struct swap_area_config cf;
	char name[100];

	space_begin(&fx, true);
	memset(name, 'n', sizeof(name));
	name[99] = '\0';
	cf = area_config(SWAP_FILE, 4, -3);
	cf.size += PG - 1; /* rounded down */
	cf.name = name;
	area_add(&fx, &cf);
	memset(name, 'x', 80);
	assert_int_equal(strlen(area_stat(&fx, 1).name), 63);
	assert_int_equal(area_stat(&fx, 1).name[62], 'n');
	assert_int_equal(area_stat(&fx, 1).priority, -3);
	assert_int_equal(area_stat(&fx, 1).size, 4 * PG);
	cf = area_config(SWAP_FILE, 4, 0);
	cf.name = NULL;
	area_add(&fx, &cf);
	assert_string_equal(area_stat(&fx, 2).name, "");
	space_end(&fx);
}

static void
drain(struct swap_fixture *fx)
{
	unsigned a = area_on(fx, SWAP_FILE, 64, 5);
	struct kept k[2 * N], more[N];

	assert_int_equal(keep_new(fx, k, N, LOOK_NOISE), N);
	assert_int_equal(swap_area_drain_begin(fx->ss, a), 0);
	assert_int_equal(swap_space_free(fx->ss), 0);
	assert_true(area_stat(fx, a).draining);
	assert_int_equal(swap_area_remove(fx->ss, a), EBUSY);
	/* A draining area gives no blocks; its pages can be read and freed. */
	assert_int_equal(keep_new(fx, more, 4, LOOK_TEXT), 0);
	drop(fx, k, 8);
	assert_int_equal(swap_space_free(fx->ss), 0);
	swap_area_drain_cancel(fx->ss, a);
	assert_int_equal(swap_space_free(fx->ss), 64 - N + 8);
	assert_int_equal(keep_new(fx, more, 4, LOOK_TEXT), 4);
	assert_int_equal(swap_area_drain_begin(fx->ss, a), 0);
	/* The next area has a lower priority, and gets the following pages. */
	area_on(fx, SWAP_FILE, 64, 1);
	assert_int_equal(keep_new(fx, k + N, N, LOOK_TEXT), N);
	for (unsigned i = N; i < 2 * N; i++)
		assert_int_equal(SWBLK_AREA(k[i].blk), 2);
	drop(fx, more, 4);
	drop(fx, k + 8, N - 8);
	assert_int_equal(swap_area_remove(fx->ss, a), 0);
	assert_int_equal(swap_space_size(fx->ss), 64);
	drop(fx, k + N, N);
}

static void
test_drain_moves_blocks(void **state)
{
	both_ways(drain);
}

/* An area that a writer has chosen cannot be removed, even if the writer has no
 * block yet. */
static void
test_chosen_area_not_removed(void **state)
{
	struct swap_fixture fx;
	struct swap_area *a;
	swblk_t first = 0;

	space_begin(&fx, true);
	area_on(&fx, SWAP_FILE, 64, 0);
	assert_true(swap_area_choose(fx.ss, 0, false, &a));
	assert_int_equal(swap_area_drain_begin(fx.ss, 1), 0);
	assert_int_equal(swap_area_remove(fx.ss, 1), EBUSY);
	/* The area is draining, so the writer gets no block. */
	assert_int_equal(swap_area_alloc(fx.ss, a, 4, &first), 0);
	swap_area_release(fx.ss, a);
	assert_int_equal(swap_area_remove(fx.ss, 1), 0);
	assert_false(swap_area_choose(fx.ss, 0, false, &a));
	space_end(&fx);
}

/* ---- where pages go ---- */

static void
priority(struct swap_fixture *fx)
{
	struct kept k[4 * N];

	area_on(fx, SWAP_FILE, 40, 1);
	area_on(fx, SWAP_FILE, 40, 9);
	assert_int_equal(keep_new(fx, k, N, LOOK_NOISE), N);
	assert_int_equal(area_used(fx, 2), N);
	assert_int_equal(keep_new(fx, k + N, N, LOOK_NOISE), N);
	assert_int_equal(area_used(fx, 2), 40);
	assert_int_equal(area_used(fx, 1), 24);
	/* The area is full: pages that do not fit have no place. */
	assert_int_equal(keep_new(fx, k + 2 * N, N, LOOK_NOISE), 16);
	assert_int_equal(swap_space_free(fx->ss), 0);
	assert_int_equal(keep_new(fx, k + 3 * N, N, LOOK_NOISE), 0);
	assert_int_equal(keep_new(fx, k + 3 * N, 1, LOOK_ZERO), 0);
	/* A full area is no error. */
	assert_int_equal(area_stat(fx, 1).write_errors, 0);
	assert_int_equal(atomic_load(&fx->lines), 0);
	drop(fx, k, 1);
	drop(fx, k + 2 * N, 1);
	assert_int_equal(keep_new(fx, k, 1, LOOK_TEXT), 1);
	assert_int_equal(SWBLK_AREA(k[0].blk), 2);
	drop(fx, k, 3 * N);
}

static void
test_priority(void **state)
{
	both_ways(priority);
}

static void
stripe(struct swap_fixture *fx)
{
	enum { CLUSTERS = 30 };
	struct kept k[CLUSTERS * 4];

	for (unsigned i = 0; i < 3; i++)
		area_on(fx, SWAP_FILE, 1024, 4);
	area_on(fx, SWAP_FILE, 1024, 3);
	for (unsigned i = 0; i < CLUSTERS; i++) {
		assert_int_equal(keep_new(fx, k + i * 4, 4, LOOK_NOISE), 4);
		/* A cluster stays together. */
		for (unsigned j = 1; j < 4; j++)
			assert_int_equal(k[i * 4 + j].blk, k[i * 4].blk + j);
	}
	for (unsigned nr = 1; nr <= 3; nr++)
		assert_int_equal(area_used(fx, nr), CLUSTERS / 3 * 4);
	assert_int_equal(area_used(fx, 4), 0);
	drop(fx, k, CLUSTERS * 4);
	/* Two areas take turns, whatever their numbers are. */
	assert_int_equal(swap_area_drain_begin(fx->ss, 2), 0);
	for (unsigned i = 0; i < CLUSTERS; i++)
		assert_int_equal(keep_new(fx, k + i, 1, LOOK_NOISE), 1);
	assert_int_equal(area_used(fx, 1), CLUSTERS / 2);
	assert_int_equal(area_used(fx, 3), CLUSTERS / 2);
	drop(fx, k, CLUSTERS);
}

static void
test_stripe_over_equal_priorities(void **state)
{
	both_ways(stripe);
}

/* A cluster is one write in a row of blocks, if there is such a row. */
static void
runs(struct swap_fixture *fx)
{
	enum { PAGES = 8 * N };
	struct kept k[PAGES];
	struct cluster c;
	void *p[N];
	int err[N];

	area_on(fx, SWAP_FILE, PAGES, 0);
	for (unsigned i = 0; i < PAGES; i += N)
		assert_int_equal(keep_new(fx, k + i, N, LOOK_NOISE), N);
	assert_int_equal(area_stat(fx, 1).writes, 8);
	assert_int_equal(area_stat(fx, 1).pages_out, PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		assert_int_equal(SWBLK_BLOCK(k[i].blk), i);
	/* And one read. */
	for (unsigned i = 0; i < N; i++)
		p[i] = c.page[N - 1 - i];
	swap_read(fx->ss, k[N].blk, N, p, err);
	for (unsigned i = 0; i < N; i++) {
		char want[4096];

		assert_int_equal(err[i], 0);
		page_fill(want, k[N + i].look, k[N + i].id);
		assert_memory_equal(p[i], want, PG);
	}
	assert_int_equal(area_stat(fx, 1).reads, 1);
	assert_int_equal(area_stat(fx, 1).pages_in, N);
	/* With every other block in use, a write for each page. */
	for (unsigned i = 0; i < PAGES; i += 2)
		drop(fx, k + i, 1);
	for (unsigned i = 0; i < PAGES; i += 2)
		k[i].look = LOOK_TEXT;
	for (unsigned i = 0; i < 4; i++) {
		struct kept again[N];

		assert_int_equal(keep_new(fx, again, N, LOOK_TEXT), N);
		for (unsigned j = 0; j < N; j++)
			k[(i * N + j) * 2] = again[j];
	}
	assert_int_equal(area_stat(fx, 1).writes, 8 + PAGES / 2);
	assert_int_equal(swap_space_free(fx->ss), 0);
	drop(fx, k, PAGES);
}

static void
test_runs_of_blocks(void **state)
{
	both_ways(runs);
}

/* Pages of zeroes are not written, unless others around them are. */
static void
zeroes(struct swap_fixture *fx)
{
	struct kept k[N];

	area_on(fx, SWAP_FILE, 64, 0);
	assert_int_equal(keep_new(fx, k, N, LOOK_ZERO), N);
	assert_int_equal(area_stat(fx, 1).writes, 0);
	assert_int_equal(area_used(fx, 1), N);
	drop(fx, k, N);
	assert_int_equal(area_stat(fx, 1).reads, 0);
	assert_int_equal(area_stat(fx, 1).pages_in, N);
	for (unsigned i = 0; i < N; i++)
		k[i] = (struct kept){
		    .look = i % 5 == 2 ? LOOK_TEXT : LOOK_ZERO, .id = 1000 + i};
	assert_int_equal(keep(fx, k, N), N);
	assert_int_equal(area_stat(fx, 1).writes, 1);
	drop(fx, k, N);
}

static void
test_zero_pages_use_no_block(void **state)
{
	both_ways(zeroes);
}

/* ---- writers ---- */

static void
test_writer(void **state)
{
	enum { DEPTH = 4 };
	static struct cluster c[DEPTH];
	struct swap_write req[DEPTH + 1], *back;
	struct swap_fixture fx;
	struct kept k;
	unsigned seen = 0;

	space_begin(&fx, true);
	area_on(&fx, SWAP_FILE, 1024, 0);
	assert_int_equal(swap_writer_create(fx.ss, DEPTH, false, &fx.w), 0);
	assert_null(swap_write_reap(fx.w, true));
	for (unsigned i = 0; i <= DEPTH; i++) {
		req[i] = (struct swap_write){.n = i % DEPTH + 1, .arg = &k};
		for (unsigned j = 0; j < req[i].n; j++) {
			req[i].page[j] = c[i % DEPTH].page[j];
			page_fill(req[i].page[j], LOOK_NOISE, i * N + j);
		}
		assert_int_equal(
		    swap_write_submit(fx.w, &req[i]), i < DEPTH ? 0 : EAGAIN);
		if (i == DEPTH - 1)
			req[i].arg = NULL;
	}
	page_fill(c[0].page[0], LOOK_NOISE, 0);
	while ((back = swap_write_reap(fx.w, seen % 2 == 0)) != NULL ||
	       seen != (1U << DEPTH) - 1)
		if (back != NULL)
			seen += 1U << (back - req);
	assert_null(swap_write_reap(fx.w, true));
	assert_null(swap_write_reap(fx.w, false));
	for (unsigned i = 0; i < DEPTH; i++) {
		assert_ptr_equal(req[i].arg, i == DEPTH - 1 ? NULL : &k);
		for (unsigned j = 0; j < req[i].n; j++) {
			k = (struct kept){req[i].blk[j], LOOK_NOISE, i * N + j};
			drop(&fx, &k, 1);
		}
	}
	space_end(&fx);
}

/* More runs in flight than the ring takes, some of which fail. */
static void
test_writer_runs(void **state)
{
	enum { DEPTH = 8, AREA = 2 * DEPTH * N };
	static struct kept k[AREA];
	static struct cluster c;
	struct swap_write req[DEPTH], *back;
	struct swap_area_config cf;
	struct swap_fixture fx;

	space_begin(&fx, false);
	cf = area_config(SWAP_FILE, AREA, 3);
	cf.inject.write_eio = 101;
	area_add(&fx, &cf);
	area_on(&fx, SWAP_FILE, AREA, 1);
	for (unsigned i = 0; i < AREA; i += N)
		assert_int_equal(keep_new(&fx, k + i, N, LOOK_ZERO), N);
	for (unsigned i = 0; i < AREA; i += 2)
		drop(&fx, k + i, 1);
	for (unsigned j = 0; j < N; j++)
		page_fill(c.page[j], LOOK_NOISE, j);
	for (unsigned i = 0; i < DEPTH; i++) {
		req[i] = (struct swap_write){.n = N};
		for (unsigned j = 0; j < N; j++)
			req[i].page[j] = c.page[j];
		assert_int_equal(swap_write_submit(fx.w, &req[i]), 0);
	}
	for (unsigned i = 0; i < DEPTH; i++) {
		back = swap_write_reap(fx.w, true);
		assert_non_null(back);
		for (unsigned j = 0; j < N; j++) {
			struct kept one = {back->blk[j], LOOK_NOISE, j};

			assert_true(one.blk != SWBLK_NONE);
			drop(&fx, &one, 1);
		}
	}
	assert_true(area_stat(&fx, 1).write_errors > 0);
	assert_true(area_stat(&fx, 1).writes > 32);
	drop(&fx, k, AREA);
	space_end(&fx);
}

/* ---- memory of the host ---- */

static void
nomem(enum swap_kind kind, int64_t requests)
{
	struct swap_area_config cf = area_config(kind, 100, 0);
	struct host_fake hf;
	struct swap_space *ss;
	unsigned area = 0;
	int64_t n = 0;
	int error;

	do {
		hf = (struct host_fake){.fail_at = ++n};
		error = swap_space_create(host_fake(&hf), NULL, &ss);
		if (error == 0) {
			error = swap_area_add(ss, &cf, &area);
			assert_int_equal(swap_space_size(ss), area * 100);
			swap_space_destroy(ss);
		}
		assert_int_equal(hf.live, 0);
		if (error == 0)
			break;
		if (error == EOPNOTSUPP) {
			print_message("skipped: a codec was not built\n");
			return;
		}
		assert_int_equal(error, ENOMEM);
		assert_int_equal(area, 0);
		if (kind == SWAP_FILE)
			assert_int_equal(fcntl(cf.fd, F_GETFD), FD_CLOEXEC);
	} while (true);
	assert_int_equal(n, requests + 1);
}

static void
test_nomem(void **state)
{
	int fds = host_count_fds();

	nomem(SWAP_FILE, 2);
	nomem(SWAP_LZ4, 5);
	nomem(SWAP_ZSTD, 5);
	assert_int_equal(host_count_fds(), fds);
}

/* ---- misuse ---- */

static void
free_twice(struct swap_fixture *fx, struct kept *k)
{
	swap_free(fx->ss, k->blk, 1);
	swap_free(fx->ss, k->blk, 1);
}

static void
destroy_used(struct swap_fixture *fx, struct kept *k)
{
	swap_space_destroy(fx->ss);
}

static void
read_beyond(struct swap_fixture *fx, struct kept *k)
{
	int err;
	void *page = malloc(PG);

	swap_read(fx->ss, k->blk + 64, 1, &page, &err);
}

static void
read_no_area(struct swap_fixture *fx, struct kept *k)
{
	int err;
	void *page = malloc(PG);

	swap_read(fx->ss, k->blk + ((uint64_t)5 << 48), 1, &page, &err);
}

static void
remove_undrained(struct swap_fixture *fx, struct kept *k)
{
	swap_area_remove(fx->ss, 1);
}

static void
all_right(struct swap_fixture *fx, struct kept *k)
{
	swap_free(fx->ss, k->blk, 1);
	swap_space_destroy(fx->ss);
}

struct misuse {
	void (*fn)(struct swap_fixture *, struct kept *);
};

/* misuse.fn with one page in a space of its own. */
static void
misuse_space(void *arg)
{
	struct misuse *m = arg;
	struct swap_fixture fx;
	struct kept k;

	space_begin(&fx, true);
	area_on(&fx, SWAP_FILE, 64, 0);
	if (keep_new(&fx, &k, 1, LOOK_NOISE) == 1)
		m->fn(&fx, &k);
}

static bool
misuse_panics(void (*fn)(struct swap_fixture *, struct kept *))
{
	struct misuse m = {fn};

	return (child_panics(misuse_space, &m));
}

static void
test_misuse_panics(void **state)
{
	assert_false(misuse_panics(all_right));
	assert_true(misuse_panics(free_twice));
	assert_true(misuse_panics(destroy_used));
	assert_true(misuse_panics(read_beyond));
	assert_true(misuse_panics(read_no_area));
	assert_true(misuse_panics(remove_undrained));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_add_refused),
	    cmocka_unit_test(test_add_remove),
	    cmocka_unit_test(test_long_name_and_size),
	    cmocka_unit_test(test_drain_moves_blocks),
	    cmocka_unit_test(test_chosen_area_not_removed),
	    cmocka_unit_test(test_priority),
	    cmocka_unit_test(test_stripe_over_equal_priorities),
	    cmocka_unit_test(test_runs_of_blocks),
	    cmocka_unit_test(test_zero_pages_use_no_block),
	    cmocka_unit_test(test_writer),
	    cmocka_unit_test(test_writer_runs),
	    cmocka_unit_test(test_nomem),
	    cmocka_unit_test(test_misuse_panics),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
