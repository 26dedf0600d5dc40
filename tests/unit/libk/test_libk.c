/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * libk: the radix tree compared with a simple model, counters and the trace
 * ring with several threads, the log, and the lock checks, whose panics are
 * provoked in forked children.
 */
#include "libk/counter.h"
#include "libk/kassert.h"
#include "libk/klock.h"
#include "libk/klog.h"
#include "libk/ktrace.h"
#include "libk/radix.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "testchild.h"
#include "testrand.h"

#define NTHREADS 8

/* ---- radix ---- */

struct pool {
	int64_t live;
	int64_t budget; /* allocations left; negative: no limit */
};

static void *
pool_alloc(void *arg)
{
	struct pool *p = arg;
	void *n;

	if (p->budget == 0)
		return (NULL);
	if (p->budget > 0)
		p->budget--;
	n = malloc(RADIX_NODE_SIZE);
	memset(n, 0xa5, RADIX_NODE_SIZE);
	p->live++;
	return (n);
}

static void
pool_free(void *arg, void *node)
{
	struct pool *p = arg;

	memset(node, 0x5a, RADIX_NODE_SIZE);
	free(node);
	p->live--;
}

static void
test_radix_edges(void **state)
{
	static const uint64_t at[] = {0, 1, 63, 64, 4095, 4096, 262143, 262144,
	    UINT64_C(1) << 59, UINT64_C(1) << 60, UINT64_MAX - 1, UINT64_MAX};
	const size_t n = sizeof(at) / sizeof(at[0]);
	struct pool pool = {.budget = -1};
	struct radix_alloc ra = {pool_alloc, pool_free, &pool};
	struct radix r;
	uint64_t index, value;

	radix_init(&r, &ra);
	index = 0;
	assert_false(radix_next(&r, &index, &value));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(radix_lookup(&r, at[i]), 0);
		assert_int_equal(radix_remove(&r, at[i]), 0);
		assert_int_equal(radix_insert(&r, at[i], i + 1), 0);
	}
	assert_int_equal(r.count, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(radix_lookup(&r, at[i]), i + 1);
		index = i == 0 ? 0 : at[i - 1] + 1;
		assert_true(radix_next(&r, &index, &value));
		assert_int_equal(index, at[i]);
		assert_int_equal(value, i + 1);
	}
	assert_int_equal(radix_lookup(&r, 2), 0);
	for (size_t i = n; i-- > 0;)
		assert_int_equal(radix_remove(&r, at[i]), i + 1);
	assert_int_equal(r.height, 0);
	assert_null(r.root);
	assert_int_equal(pool.live, 0);
}

static void
test_radix_height(void **state)
{
	struct pool pool = {.budget = -1};
	struct radix_alloc ra = {pool_alloc, pool_free, &pool};
	struct radix r;

	radix_init(&r, &ra);
	assert_int_equal(radix_insert(&r, 4095, 1), 0);
	assert_int_equal(r.height, 2);
	assert_int_equal(pool.live, 2);
	assert_int_equal(radix_insert(&r, 3, 1), 0);
	assert_int_equal(radix_insert(&r, 262143, 1), 0);
	assert_int_equal(r.height, 3);
	assert_int_equal(radix_remove(&r, 262143), 1);
	assert_int_equal(r.height, 2);
	assert_int_equal(radix_remove(&r, 4095), 1);
	assert_int_equal(r.height, 1);
	assert_int_equal(pool.live, 1);
	radix_clear(&r, NULL, NULL);
	assert_int_equal(pool.live, 0);
}

static void
test_radix_enomem(void **state)
{
	struct pool pool = {.budget = -1};
	struct radix_alloc ra = {pool_alloc, pool_free, &pool};
	struct radix r;
	int64_t live;
	int budget;

	radix_init(&r, &ra);
	assert_int_equal(radix_insert(&r, 5, 50), 0);
	live = pool.live;
	for (budget = 0;; budget++) {
		pool.budget = budget;
		if (radix_insert(&r, UINT64_MAX, 7) == 0)
			break;
		assert_int_equal(pool.live, live);
		assert_int_equal(r.count, 1);
		assert_int_equal(r.height, 1);
		assert_int_equal(radix_lookup(&r, 5), 50);
		assert_int_equal(radix_lookup(&r, UINT64_MAX), 0);
	}
	assert_int_equal(budget, 20); /* 10 on top, 10 below the new root */
	pool.budget = 0;
	assert_int_equal(radix_insert(&r, 5, 51), 0);
	assert_int_equal(radix_insert(&r, 6, 60), 0);
	assert_int_equal(radix_insert(&r, 64, 1), ENOMEM);
	assert_int_equal(radix_lookup(&r, 5), 51);
	radix_clear(&r, NULL, NULL);
	assert_int_equal(pool.live, 0);
}

#define MODEL 6000

/* The index in the tree for the model's index i; `far` spreads the indices over
 * all levels. */
static uint64_t
spread(unsigned i, int far)
{
	if (!far)
		return (i);
	return (
	    (uint64_t)(i % 7) << 61 | (uint64_t)(i % 50) << 30 | (uint64_t)i);
}

struct model {
	uint64_t v[MODEL];
	uint64_t seen;
	int far;
};

static void
model_see(void *arg, uint64_t index, uint64_t value)
{
	struct model *m = arg;
	unsigned i = (unsigned)(index & 8191);

	assert_true(i < MODEL);
	assert_int_equal(index, spread(i, m->far));
	assert_int_equal(value, m->v[i]);
	m->seen++;
}

/* radix_next() must visit exactly the model's content, in ascending order. */
static void
model_walk(const struct radix *r, struct model *m)
{
	uint64_t index = 0, value, last = 0, n = 0;

	while (radix_next(r, &index, &value)) {
		if (n++ > 0)
			assert_true(index > last);
		last = index;
		assert_int_equal(value, m->v[index & 8191]);
		if (index++ == UINT64_MAX)
			break;
	}
	assert_int_equal(n, r->count);
}

static void
model_run(int far)
{
	struct pool pool = {.budget = -1};
	struct radix_alloc ra = {pool_alloc, pool_free, &pool};
	static struct model m;
	struct radix r;
	uint64_t seed = 88172645463325252u + (uint64_t)far, count = 0, v;

	memset(&m, 0, sizeof(m));
	m.far = far;
	radix_init(&r, &ra);
	for (int step = 0; step < 120000; step++) {
		unsigned i = (unsigned)(rnd_below(&seed, MODEL));
		/* Alternate between mostly inserting and mostly removing. */
		int fill = rnd_below(&seed, 8) < (step / 20000 % 2 ? 2u : 6u);

		if (fill) {
			v = rnd_next(&seed) | 1;
			assert_int_equal(
			    radix_insert(&r, spread(i, far), v), 0);
			count += m.v[i] == 0;
			m.v[i] = v;
		} else {
			v = radix_remove(&r, spread(i, far));
			assert_int_equal(v, m.v[i]);
			count -= m.v[i] != 0;
			m.v[i] = 0;
		}
		assert_int_equal(r.count, count);
		i = (unsigned)(rnd_below(&seed, MODEL));
		assert_int_equal(radix_lookup(&r, spread(i, far)), m.v[i]);
		if (step % 10000 == 0)
			model_walk(&r, &m);
	}
	radix_clear(&r, model_see, &m);
	assert_int_equal(m.seen, count);
	assert_int_equal(r.count, 0);
	assert_int_equal(pool.live, 0);
}

static void
test_radix_model(void **state)
{
	model_run(0);
	model_run(1);
}

/* ---- threads ---- */

static void
run_threads(void *(*fn)(void *), void *arg)
{
	pthread_t t[NTHREADS];

	for (int i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, fn, arg), 0);
	for (int i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
}

static void *
count_up(void *arg)
{
	assert_true(counter_shard() < COUNTER_SHARDS);
	for (int i = 0; i < 100000; i++)
		counter_add(arg, i % 2 ? 3 : -1);
	return (NULL);
}

static void
test_counter(void **state)
{
	static struct counter c;

	assert_int_equal(counter_shard(), counter_shard());
	run_threads(count_up, &c);
	assert_int_equal(counter_read(&c), NTHREADS * 100000);
}

static char *
trace_text(const struct ktrace *t)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	ktrace_dump(t, f);
	fclose(f);
	return (text);
}

static void
test_trace_wrap(void **state)
{
	struct ktrace t;
	char *text, *line, *save;
	uint64_t want = 7, idx;

	ktrace(NULL, KT_FORK, 1, 2, 3);
	assert_int_equal(ktrace_init(&t, 5), 0);
	assert_int_equal(t.mask, 7);
	text = trace_text(&t);
	assert_string_equal(text, "");
	free(text);
	for (uint64_t i = 0; i < 15; i++)
		ktrace(&t, KT_FORK, i, i * 2, 3);
	text = trace_text(&t);
	for (line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		assert_int_equal(sscanf(line, "%" SCNu64, &idx), 1);
		assert_int_equal(idx, want++);
		assert_non_null(strstr(line, " fork a="));
	}
	assert_int_equal(want, 15);
	assert_non_null(strstr(line = trace_text(&t), "a=0xe b=0x1c c=0x3"));
	free(line);
	free(text);
	ktrace_destroy(&t);
}

static void *
trace_many(void *arg)
{
	for (uint64_t i = 0; i < 20000; i++)
		ktrace(arg, KT_EVENT, i, i ^ 0xff, i + 1);
	return (NULL);
}

/* Every event in a dump, also during the writing, was written as a whole. */
static void *
trace_check(void *arg)
{
	uint64_t a, b, c;
	char *text, *line, *save;

	for (int i = 0; i < 200; i++) {
		text = trace_text(arg);
		for (line = strtok_r(text, "\n", &save); line != NULL;
		     line = strtok_r(NULL, "\n", &save)) {
			if (strstr(line, " torn") != NULL)
				continue;
			line = strstr(line, " event ");
			assert_non_null(line);
			assert_int_equal(
			    sscanf(line,
				" event a=%" SCNx64 " b=%" SCNx64 " c=%" SCNx64,
				&a, &b, &c),
			    3);
			assert_int_equal(b, a ^ 0xff);
			assert_int_equal(c, a + 1);
		}
		free(text);
	}
	return (NULL);
}

static void
test_trace_threads(void **state)
{
	struct ktrace t;
	pthread_t reader;

	assert_int_equal(ktrace_init(&t, 64), 0);
	assert_int_equal(pthread_create(&reader, NULL, trace_check, &t), 0);
	run_threads(trace_many, &t);
	pthread_join(reader, NULL);
	assert_int_equal(t.next, NTHREADS * 20000);
	ktrace_destroy(&t);
}

/* ---- log ---- */

static char log_line[2048];

static void
log_sink(void *arg, enum klog_level lvl, const char *line)
{
	++*(int *)arg;
	snprintf(log_line, sizeof(log_line), "%d %s", (int)lvl, line);
}

static void
test_log(void **state)
{
	int n = 0;
	struct klog log = {KLOG_INFO, log_sink, &n};
	char big[3000];

	klog(NULL, KLOG_ERR, "nowhere");
	klog(&log, KLOG_DEBUG, "below");
	assert_int_equal(n, 0);
	errno = ENOTTY;
	klog(&log, KLOG_WARN, "x=%d\nforged \033[1m", 7);
	assert_int_equal(errno, ENOTTY);
	assert_string_equal(log_line, "1 x=7?forged ?[1m");
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	klog(&log, KLOG_ERR, "%s", big);
	assert_int_equal(strlen(log_line), 2 + 1023);
	assert_int_equal(n, 2);
}

/* ---- locks ---- */

struct shared {
	struct kmutex m;
	struct krwlock rw;
	struct kcond c;
	int64_t value, rw_value;
	int turn;
};

static void *
lock_work(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < 5000; i++) {
		kmutex_lock(&s->m);
		kmutex_assert_owned(&s->m);
		s->value++;
		if (i % 10 == 0) {
			krwlock_wrlock(&s->rw);
			krwlock_assert_wlocked(&s->rw);
			s->rw_value++;
			krwlock_unlock(&s->rw);
		}
		kmutex_unlock(&s->m);
		kmutex_assert_not_owned(&s->m);
		krwlock_rdlock(&s->rw);
		krwlock_assert_locked(&s->rw);
		assert_true(s->rw_value <= NTHREADS * 500);
		krwlock_unlock(&s->rw);
	}
	klock_assert_none();
	return (NULL);
}

static void
shared_init(struct shared *s)
{
	memset(s, 0, sizeof(*s));
	kmutex_init(&s->m, "shared", KRANK_MAP, 0);
	krwlock_init(&s->rw, "shared rw", KRANK_OBJECT, 0);
	kcond_init(&s->c);
}

static void
shared_destroy(struct shared *s)
{
	kcond_destroy(&s->c);
	krwlock_destroy(&s->rw);
	kmutex_destroy(&s->m);
}

static void
test_locks(void **state)
{
	struct shared s;

	shared_init(&s);
	run_threads(lock_work, &s);
	assert_int_equal(s.value, NTHREADS * 5000);
	assert_int_equal(s.rw_value, NTHREADS * 500);
	shared_destroy(&s);
}

static void *
cond_partner(void *arg)
{
	struct shared *s = arg;

	kmutex_lock(&s->m);
	for (int i = 0; i < 1000; i++) {
		while (s->turn != 1)
			kcond_wait(&s->c, &s->m);
		s->turn = 0;
		kcond_signal(&s->c);
	}
	kmutex_unlock(&s->m);
	return (NULL);
}

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec);
}

static void
test_cond(void **state)
{
	struct shared s;
	pthread_t t;
	uint64_t until;
	int error;

	shared_init(&s);
	assert_int_equal(pthread_create(&t, NULL, cond_partner, &s), 0);
	kmutex_lock(&s.m);
	for (int i = 0; i < 1000; i++) {
		s.turn = 1;
		kcond_broadcast(&s.c);
		while (s.turn != 0)
			kcond_wait(&s.c, &s.m);
	}
	until = now_ns() + 5000000;
	do {
		error = kcond_timedwait(&s.c, &s.m, until);
	} while (error == 0);
	assert_int_equal(error, ETIMEDOUT);
	assert_true(now_ns() >= until);
	kmutex_assert_owned(&s.m);
	kmutex_unlock(&s.m);
	pthread_join(t, NULL);
	shared_destroy(&s);
}

static void *
try_all(void *arg)
{
	struct shared *s = arg;

	assert_false(kmutex_trylock(&s->m));
	assert_false(krwlock_trywrlock(&s->rw));
	if (s->turn == 0) {
		assert_true(krwlock_tryrdlock(&s->rw));
		krwlock_unlock(&s->rw);
	} else {
		assert_false(krwlock_tryrdlock(&s->rw));
	}
	klock_assert_none();
	return (NULL);
}

static void
test_trylock(void **state)
{
	struct shared s;

	shared_init(&s);
	/* A wrong order is allowed, because a trylock does not block. */
	krwlock_rdlock(&s.rw);
	assert_true(kmutex_trylock(&s.m));
	run_threads(try_all, &s);
	krwlock_unlock(&s.rw);
	s.turn = 1;
	assert_true(krwlock_trywrlock(&s.rw));
	run_threads(try_all, &s);
	krwlock_unlock(&s.rw);
	kmutex_unlock(&s.m);
	klock_assert_none();
	shared_destroy(&s);
}

/* fn must panic with a message that has both words. */
static void
expect_panic(void (*fn)(void *), const char *word1, const char *word2)
{
	struct child_end end;

	child_run(fn, NULL, &end);
	assert_true(WIFSIGNALED(end.status));
	assert_int_equal(WTERMSIG(end.status), SIGABRT);
	assert_non_null(strstr(end.text, "vmspace: panic: "));
	assert_non_null(strstr(end.text, word1));
	assert_non_null(strstr(end.text, word2));
}

static void
panic_verify(void *arg)
{
	KVERIFY(1 + 1 == 3);
}

static void
test_panic(void **state)
{
	expect_panic(panic_verify, "test_libk.c:", "failed: 1 + 1 == 3");
}

#ifdef VMSPACE_DEBUG
static struct kmutex outer, inner, dup1, dup2_;
static struct krwlock rwl;

static void
make_locks(void)
{
	kmutex_init(&outer, "outer", KRANK_PROC, 0);
	kmutex_init(&inner, "inner", KRANK_TOPOLOGY, 0);
	kmutex_init(&dup1, "dup1", KRANK_OBJECT, KLOCK_DUPOK);
	kmutex_init(&dup2_, "dup2", KRANK_OBJECT, KLOCK_DUPOK);
	krwlock_init(&rwl, "rwl", KRANK_TOPOLOGY, 0);
}

static void
panic_order(void *arg)
{
	make_locks();
	kmutex_lock(&inner);
	kmutex_lock(&outer);
}

static void
panic_equal(void *arg)
{
	make_locks();
	kmutex_lock(&inner);
	krwlock_rdlock(&rwl);
}

static void
panic_recursion(void *arg)
{
	make_locks();
	krwlock_rdlock(&rwl);
	krwlock_rdlock(&rwl);
}

static void
panic_unlock(void *arg)
{
	make_locks();
	kmutex_unlock(&outer);
}

static void
panic_wait(void *arg)
{
	struct kcond c;

	make_locks();
	kcond_init(&c);
	kmutex_lock(&outer);
	kmutex_lock(&inner);
	(void)kcond_timedwait(&c, &outer, now_ns());
}

static void
panic_owned(void *arg)
{
	make_locks();
	kmutex_assert_owned(&outer);
}

static void
panic_none(void *arg)
{
	make_locks();
	kmutex_lock(&outer);
	klock_assert_none();
}

static void
panic_destroy(void *arg)
{
	make_locks();
	krwlock_rdlock(&rwl);
	krwlock_destroy(&rwl);
}

static void
test_lock_checks(void **state)
{
	expect_panic(panic_order, "acquiring outer", "holding inner");
	expect_panic(panic_equal, "acquiring rwl", "holding inner");
	expect_panic(panic_recursion, "rwl", "recursion");
	expect_panic(panic_unlock, "outer", "does not hold");
	expect_panic(panic_wait, "acquiring outer", "holding inner");
	expect_panic(panic_owned, "outer", "not owned");
	expect_panic(panic_none, "outer", "is held");
	expect_panic(panic_destroy, "rwl", "destroyed while held");
	/* Equal ranks with DUPOK, and unlocking in any order, are allowed. */
	make_locks();
	kmutex_lock(&dup1);
	kmutex_lock(&dup2_);
	kmutex_lock(&inner);
	kmutex_unlock(&dup1);
	kmutex_unlock(&inner);
	kmutex_unlock(&dup2_);
	klock_assert_none();
}
#else
static void
test_lock_checks(void **state)
{
	skip();
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_radix_edges),
	    cmocka_unit_test(test_radix_height),
	    cmocka_unit_test(test_radix_enomem),
	    cmocka_unit_test(test_radix_model),
	    cmocka_unit_test(test_counter),
	    cmocka_unit_test(test_trace_wrap),
	    cmocka_unit_test(test_trace_threads),
	    cmocka_unit_test(test_log),
	    cmocka_unit_test(test_locks),
	    cmocka_unit_test(test_cond),
	    cmocka_unit_test(test_trylock),
	    cmocka_unit_test(test_panic),
	    cmocka_unit_test(test_lock_checks),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
