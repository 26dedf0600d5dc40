/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Random operations on a mixture of areas that fail and are added, drained and
 * removed: by one thread against a list of what must be there, and then by
 * writers and readers at once.
 */
#include "swap_testlib.h"

#include <pthread.h>

#define N SWAP_CLUSTER

/* The kind, or a file in its place. */
static enum swap_kind
built(struct swap_fixture *fx, enum swap_kind kind)
{
	return (kind_built(fx, kind) ? kind : SWAP_FILE);
}

/* Areas of every kind, some of which fail now and then. */
static void
mixture(struct swap_fixture *fx, uint64_t pages)
{
	struct swap_area_config cf;

	cf = area_config(SWAP_FILE, pages, 3);
	cf.inject.write_eio = 10;
	area_add(fx, &cf);
	area_on(fx, SWAP_FILE, pages, 3);
	cf = area_config(built(fx, SWAP_LZ4), pages, 5);
	cf.inject.write_enospc = 17;
	area_add(fx, &cf);
	area_on(fx, built(fx, SWAP_ZSTD), pages, 3);
	cf = area_config(SWAP_FILE, pages / 4, 7);
	cf.inject.write_enospc = 13;
	area_add(fx, &cf);
}

/* ---- one thread ---- */

enum { MAX = 1500 };

/* Forget k[i], the last takes its place. */
static void
drop_at(struct swap_fixture *fx, struct kept *k, unsigned *n, unsigned i)
{
	drop(fx, &k[i], 1);
	k[i] = k[--*n];
}

/* Drain one area and remove it, or cancel in the middle. */
static void
drain_one(struct swap_fixture *fx, struct kept *k, unsigned *n, uint64_t *s)
{
	unsigned area = 1 + (unsigned)(rnd_below(s, 8)), i = 0;
	bool cancel = rnd_below(s, 2) == 0;
	int error = swap_area_drain_begin(fx->ss, area);

	if (error != 0) {
		assert_int_equal(error, ENOENT);
		return;
	}
	while (i < *n) {
		if (SWBLK_AREA(k[i].blk) != area) {
			i++;
			continue;
		}
		assert_int_equal(swap_area_remove(fx->ss, area), EBUSY);
		if (cancel && rnd_below(s, 32) == 0)
			break;
		drop_at(fx, k, n, i);
	}
	if (cancel)
		swap_area_drain_cancel(fx->ss, area);
	else
		assert_int_equal(swap_area_remove(fx->ss, area), 0);
	check_sums(fx);
}

static void
disorder(struct swap_fixture *fx)
{
	static struct kept k[MAX];
	struct kept got[N];
	unsigned n = 0, want;
	uint64_t s = 4711;

	mixture(fx, 200);
	for (int i = 0; i < 4000; i++) {
		if (rnd_below(&s, 64) == 0)
			drain_one(fx, k, &n, &s);
		if (rnd_below(&s, 64) == 0 && swap_space_size(fx->ss) < 1000)
			area_on(fx,
			    built(fx, (enum swap_kind)(rnd_below(&s, 3))),
			    20 + rnd_below(&s, 200), (int)(rnd_below(&s, 8)));
		/* Waves of growth and decline. */
		if (rnd_below(&s, 100) < (i / 400 % 2 == 0 ? 30U : 2U)) {
			want = 1 + (unsigned)(rnd_below(&s, N));
			keep_new(
			    fx, got, want, (enum look)(rnd_below(&s, LOOKS)));
			for (unsigned j = 0; j < want; j++)
				if (got[j].blk != SWBLK_NONE)
					k[n++] = got[j];
			assert_true(n <= MAX - N);
		} else if (n > 0)
			drop_at(fx, k, &n, (unsigned)(rnd_below(&s, n)));
		assert_int_equal(swap_space_used(fx->ss), n);
	}
	drop(fx, k, n);
}

static void
test_random_operations(void **state)
{
	both_ways(disorder);
}

/* ---- many threads ---- */

enum { WRITERS = 3, READERS = 2, ROUNDS = 150, TABLE = 400, DEPTH = 4 };

/* Pages that are in swap and that no thread uses; under its lock. */
struct table {
	pthread_mutex_t lock;
	struct kept k[TABLE];
	unsigned n;
};

struct crowd {
	struct swap_fixture fx;
	struct table t;
	_Atomic(unsigned) wrong;
	_Atomic(bool) stop;
};

struct member {
	pthread_t t;
	struct crowd *c;
	unsigned id;
};

/* Assertions are for the main thread: count what is wrong. */
static void
check_and_free(struct crowd *c, const struct kept *k)
{
	_Alignas(4096) char page[4096], want[4096];
	void *p = page;
	int err;

	swap_read(c->fx.ss, k->blk, 1, &p, &err);
	page_fill(want, k->look, k->id);
	if (err != 0 || memcmp(page, want, PG) != 0)
		atomic_fetch_add(&c->wrong, 1);
	swap_free(c->fx.ss, k->blk, 1);
}

static bool
table_put(struct crowd *c, const struct kept *k)
{
	bool room;

	pthread_mutex_lock(&c->t.lock);
	room = c->t.n < TABLE;
	if (room)
		c->t.k[c->t.n++] = *k;
	pthread_mutex_unlock(&c->t.lock);
	return (room);
}

static bool
table_take(struct crowd *c, uint64_t at, struct kept *k)
{
	bool some;

	pthread_mutex_lock(&c->t.lock);
	some = c->t.n > 0;
	if (some) {
		*k = c->t.k[at % c->t.n];
		c->t.k[at % c->t.n] = c->t.k[c->t.n - 1];
		c->t.n--;
	}
	pthread_mutex_unlock(&c->t.lock);
	return (some);
}

struct order {
	struct swap_write req;
	struct kept k[N];
	struct cluster mem;
	bool busy;
};

static void
order_fill(struct order *o, uint64_t *s, uint64_t *id)
{
	o->req =
	    (struct swap_write){.n = 1 + (unsigned)(rnd_below(s, N)), .arg = o};
	o->busy = true;
	for (unsigned i = 0; i < o->req.n; i++) {
		o->k[i] = (struct kept){
		    .look = (enum look)(rnd_below(s, LOOKS)), .id = ++*id};
		page_fill(o->mem.page[i], o->k[i].look, o->k[i].id);
		o->req.page[i] = o->mem.page[i];
	}
}

static void
order_end(struct crowd *c, struct order *o)
{
	o->busy = false;
	for (unsigned i = 0; i < o->req.n; i++) {
		o->k[i].blk = o->req.blk[i];
		/* A page without a place is no error: areas are added and
		 * removed. */
		if (o->k[i].blk != SWBLK_NONE && !table_put(c, &o->k[i]))
			check_and_free(c, &o->k[i]);
	}
}

static void *
writer_main(void *arg)
{
	struct member *m = arg;
	struct crowd *c = m->c;
	struct order *o = aligned_alloc(4096, DEPTH * sizeof(*o));
	uint64_t s = m->id, id = (uint64_t)m->id << 32;
	struct swap_write *back;
	struct swap_writer *w;
	unsigned free_one;

	if (swap_writer_create(c->fx.ss, DEPTH, false, &w) != 0)
		return (NULL);
	for (unsigned i = 0; i < DEPTH; i++)
		o[i].busy = false;
	for (unsigned i = 0; i < ROUNDS; i++) {
		free_one = 0;
		while (free_one < DEPTH && o[free_one].busy)
			free_one++;
		if (free_one < DEPTH) {
			order_fill(&o[free_one], &s, &id);
			if (swap_write_submit(w, &o[free_one].req) != 0)
				atomic_fetch_add(&c->wrong, 1);
		}
		back = swap_write_reap(w, free_one == DEPTH);
		if (back != NULL)
			order_end(c, back->arg);
	}
	while ((back = swap_write_reap(w, true)) != NULL)
		order_end(c, back->arg);
	swap_writer_destroy(w);
	free(o);
	return (m);
}

static void *
reader_main(void *arg)
{
	struct member *m = arg;
	uint64_t s = 1000 + m->id;
	struct kept k;

	while (!atomic_load(&m->c->stop))
		if (table_take(m->c, rnd_next(&s), &k))
			check_and_free(m->c, &k);
		else
			host_yield();
	return (m);
}

/* Drain areas, and remove those whose pages the readers have freed. */
static void *
drainer_main(void *arg)
{
	struct member *m = arg;
	struct swap_space *ss = m->c->fx.ss;
	struct swap_area_stat st;
	unsigned area, removed = 0;
	uint64_t s = 5;

	while (!atomic_load(&m->c->stop)) {
		area = 1 + (unsigned)(rnd_below(&s, 8));
		if (swap_area_stat(ss, &area, &st) && st.used > st.size)
			atomic_fetch_add(&m->c->wrong, 1);
		area = 1 + (unsigned)(rnd_below(&s, 5));
		if (swap_area_drain_begin(ss, area) != 0)
			continue;
		host_sleep_ns(300000);
		/* The last two stay. */
		if (removed < 3 && swap_area_remove(ss, area) == 0)
			removed++;
		else
			swap_area_drain_cancel(ss, area);
	}
	return (m);
}

static void
test_writers_and_readers(void **state)
{
	static struct crowd c;
	struct member m[WRITERS + READERS + 1];
	void *(*fn)(void *) = writer_main;
	struct kept k;
	void *what;

	memset(&c, 0, sizeof(c));
	pthread_mutex_init(&c.t.lock, NULL);
	space_begin(&c.fx, true);
	mixture(&c.fx, 400);
	for (unsigned i = 0; i < WRITERS + READERS + 1; i++) {
		m[i] = (struct member){.c = &c, .id = i + 1};
		if (i == WRITERS)
			fn = reader_main;
		if (i == WRITERS + READERS)
			fn = drainer_main;
		pthread_create(&m[i].t, NULL, fn, &m[i]);
	}
	for (unsigned i = 0; i < WRITERS + READERS + 1; i++) {
		if (i == WRITERS)
			atomic_store(&c.stop, true);
		pthread_join(m[i].t, &what);
		assert_ptr_equal(what, &m[i]);
	}
	check_sums(&c.fx);
	assert_int_equal(swap_space_used(c.fx.ss), c.t.n);
	while (table_take(&c, 0, &k))
		check_and_free(&c, &k);
	assert_int_equal(atomic_load(&c.wrong), 0);
	pthread_mutex_destroy(&c.t.lock);
	space_end(&c.fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_operations),
	    cmocka_unit_test(test_writers_and_readers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
