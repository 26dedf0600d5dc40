/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What the tests of swap space share: a space on host_fake, pages whose
 * contents follow from a number, and stores and loads of them that check the
 * counts of the space each time.
 */
#ifndef TESTS_SWAP_TESTLIB_H
#define TESTS_SWAP_TESTLIB_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host_fake.h"
#include "host/host_file.h"
#include "testrand.h"
#include "vm/swap/swap_space.h"

#define PG ((size_t)4096)

struct swap_fixture {
	struct host_fake host;
	struct klog log;
	_Atomic(int) lines; /* of the log */
	struct swap_space *ss;
	struct swap_writer *w; /* NULL: stores are synchronous */
	int fds;
};

enum look { LOOK_ZERO, LOOK_TEXT, LOOK_HALF, LOOK_NOISE, LOOKS };

/* A page that is in swap. */
struct kept {
	swblk_t blk;
	enum look look;
	uint64_t id;
};

struct cluster {
	_Alignas(4096) char page[SWAP_CLUSTER][4096];
};

/* Fill a page with zeroes, a repeated line of text, random bytes, or half
 * random bytes. */
static inline void
page_fill(char *page, enum look look, uint64_t id)
{
	uint64_t s = id * UINT64_C(0x9e3779b97f4a7c15) + 1, v;
	char text[64];
	int n;

	memset(page, 0, PG);
	if (look == LOOK_TEXT) {
		n = snprintf(text, sizeof(text), "page %llx of many; ",
		    (unsigned long long)id);
		for (size_t i = 0; i < PG; i++)
			page[i] = text[i % (size_t)n];
	}
	if (look == LOOK_NOISE || look == LOOK_HALF)
		for (size_t i = 0; i < (look == LOOK_HALF ? PG / 2 : PG);
		     i += 4) {
			v = rnd_next(&s);
			memcpy(page + i, &v, 4);
		}
}

static inline void
count_line(void *arg, enum klog_level lvl, const char *line)
{
	struct swap_fixture *fx = arg;

	if (lvl == KLOG_WARN && strstr(line, "swap ") == line)
		atomic_fetch_add(&fx->lines, 1);
}

static inline void
space_begin(struct swap_fixture *fx, bool sync)
{
	memset(fx, 0, sizeof(*fx));
	fx->fds = host_count_fds();
	fx->log = (struct klog){KLOG_WARN, count_line, fx};
	assert_int_equal(
	    swap_space_create(host_fake(&fx->host), &fx->log, &fx->ss), 0);
	if (!sync)
		assert_int_equal(
		    swap_writer_create(fx->ss, 8, false, &fx->w), 0);
}

/* Check that no block is in use, and destroy the space. */
static inline void
space_end(struct swap_fixture *fx)
{
	assert_int_equal(swap_space_used(fx->ss), 0);
	if (fx->w != NULL)
		swap_writer_destroy(fx->w);
	swap_space_destroy(fx->ss);
	assert_int_equal(atomic_load(&fx->host.live), 0);
	assert_int_equal(host_count_fds(), fx->fds);
}

static inline struct swap_area_config
area_config(enum swap_kind kind, uint64_t pages, int priority)
{
	struct swap_area_config cf = {.kind = kind,
	    .size = pages * PG,
	    .priority = priority,
	    .name = "test",
	    .fd = -1};

	if (kind == SWAP_FILE)
		assert_int_equal(host_memfd("swap", cf.size, &cf.fd), 0);
	return (cf);
}

static inline unsigned
area_add(struct swap_fixture *fx, const struct swap_area_config *cf)
{
	unsigned area = 0;

	assert_int_equal(swap_area_add(fx->ss, cf, &area), 0);
	return (area);
}

static inline unsigned
area_on(
    struct swap_fixture *fx, enum swap_kind kind, uint64_t pages, int priority)
{
	struct swap_area_config cf = area_config(kind, pages, priority);

	return (area_add(fx, &cf));
}

/* Were the codecs built that areas of this kind need? */
static inline bool
kind_built(struct swap_fixture *fx, enum swap_kind kind)
{
	struct swap_area_config cf = {
	    .kind = kind, .size = PG, .name = "try", .fd = -1};
	unsigned area;

	if (kind == SWAP_FILE)
		return (true);
	if (swap_area_add(fx->ss, &cf, &area) == EOPNOTSUPP)
		return (false);
	assert_int_equal(swap_area_drain_begin(fx->ss, area), 0);
	assert_int_equal(swap_area_remove(fx->ss, area), 0);
	return (true);
}

static inline struct swap_area_stat
area_stat(struct swap_fixture *fx, unsigned area)
{
	struct swap_area_stat st;
	unsigned nr = area;

	assert_true(swap_area_stat(fx->ss, &nr, &st));
	assert_int_equal(nr, area);
	assert_int_equal(st.area, area);
	return (st);
}

static inline uint64_t
area_used(struct swap_fixture *fx, unsigned area)
{
	return (area_stat(fx, area).used / PG);
}

/* The counts of the space are the sums of those of its areas. */
static inline void
check_sums(struct swap_fixture *fx)
{
	uint64_t used = 0, size = 0, avail = 0;
	struct swap_area_stat st;

	for (unsigned nr = 1; swap_area_stat(fx->ss, &nr, &st); nr++) {
		assert_true(st.used <= st.size);
		used += st.used / PG;
		size += st.size / PG;
		avail += st.draining ? 0 : (st.size - st.used) / PG;
	}
	assert_int_equal(swap_space_used(fx->ss), used);
	assert_int_equal(swap_space_size(fx->ss), size);
	assert_int_equal(swap_space_free(fx->ss), avail);
}

/* Store pages k[0..n-1] as one request; returns how many have a place. */
static inline unsigned
keep(struct swap_fixture *fx, struct kept *k, unsigned n)
{
	struct swap_write req = {.n = n}, *back;
	struct cluster c;
	unsigned stored = 0;

	for (unsigned i = 0; i < n; i++) {
		page_fill(c.page[i], k[i].look, k[i].id);
		req.page[i] = c.page[i];
	}
	if (fx->w == NULL)
		swap_write_sync(fx->ss, &req);
	else {
		assert_int_equal(swap_write_submit(fx->w, &req), 0);
		back = swap_write_reap(fx->w, true);
		assert_ptr_equal(back, &req);
	}
	for (unsigned i = 0; i < n; i++) {
		k[i].blk = req.blk[i];
		stored += k[i].blk != SWBLK_NONE;
	}
	check_sums(fx);
	return (stored);
}

/* The same, of pages that look alike. */
static inline unsigned
keep_new(struct swap_fixture *fx, struct kept *k, unsigned n, enum look look)
{
	static uint64_t next;

	for (unsigned i = 0; i < n; i++)
		k[i] = (struct kept){.look = look, .id = ++next};
	return (keep(fx, k, n));
}

/* Read one page back: the error, contents checked if there is none. */
static inline int
look_at(struct swap_fixture *fx, const struct kept *k)
{
	_Alignas(4096) char page[4096], want[4096];
	void *p = page;
	int err = -1;

	memset(page, 0x5a, PG);
	swap_read(fx->ss, k->blk, 1, &p, &err);
	page_fill(want, k->look, k->id);
	if (err == 0)
		assert_memory_equal(page, want, PG);
	return (err);
}

/* Every page that was stored is right; it is freed. */
static inline void
drop(struct swap_fixture *fx, struct kept *k, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (k[i].blk == SWBLK_NONE)
			continue;
		assert_int_equal(look_at(fx, &k[i]), 0);
		swap_free(fx->ss, k[i].blk, 1);
		k[i].blk = SWBLK_NONE;
	}
	check_sums(fx);
}

/* Run it with synchronous stores, and through a writer. */
static inline void
both_ways(void (*fn)(struct swap_fixture *))
{
	struct swap_fixture fx;

	for (int sync = 0; sync < 2; sync++) {
		space_begin(&fx, sync);
		fn(&fx);
		space_end(&fx);
	}
}

#endif /* TESTS_SWAP_TESTLIB_H */
