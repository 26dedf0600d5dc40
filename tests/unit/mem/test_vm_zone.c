/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Zones: layout, constructors, limits, refused memory, threads that end or
 * live on, slot reuse, and the debug checks, whose panics are provoked in
 * forked children.
 */
#include "mem/vm_zone.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host_fake.h"
#include "testchild.h"

#define NTHREADS 6

static struct host_fake fake;

static int
setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(atomic_load(&fake.live), 0);
	return (0);
}

static struct vm_zone_set *
make_set(void)
{
	struct vm_zone_set *set;

	assert_int_equal(vm_zone_set_create(host_fake(&fake), &set), 0);
	return (set);
}

static struct vm_zone *
make_zone(struct vm_zone_set *set, size_t size, size_t align, int flags,
    uint64_t limit)
{
	struct vm_zone *z;

	assert_int_equal(vm_zone_create(set, "test", size, align, flags, NULL,
			     NULL, limit, &z),
	    0);
	return (z);
}

static int
cmp_ptr(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x < y ? -1 : x > y);
}

static void
test_layout(void **state)
{
	static const size_t sizes[] = {
	    1, 7, 8, 24, 63, 64, 100, 528, 1000, 4096, 5000, 16384, 65536};
	static const size_t aligns[] = {0, 1, 8, 16, 64, 512, 4096};
	struct vm_zone_set *set = make_set();
	uintptr_t p[300];

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		for (size_t a = 0; a < sizeof(aligns) / sizeof(aligns[0]);
		     a++) {
			struct vm_zone *z =
			    make_zone(set, sizes[s], aligns[a], 0, 0);
			size_t al = aligns[a] == 0 ? 16 : aligns[a];

			for (int i = 0; i < 300; i++) {
				p[i] = (uintptr_t)zalloc(z);
				assert_int_not_equal(p[i], 0);
				assert_int_equal(p[i] % al, 0);
				memset((void *)p[i], i, sizes[s]);
				assert_true(vm_zone_owns(z, (void *)p[i]));
				assert_false(vm_zone_owns(z, (char *)p[i] + 1));
			}
			assert_int_equal(vm_zone_live(z), 300);
			qsort(p, 300, sizeof(p[0]), cmp_ptr);
			for (int i = 1; i < 300; i++)
				assert_true(p[i] - p[i - 1] >= sizes[s]);
			for (int i = 0; i < 300; i++)
				zfree(z, (void *)p[i]);
			assert_int_equal(vm_zone_live(z), 0);
			assert_true(vm_zone_owns(z, (void *)p[7]));
		}
	}
	assert_int_equal(vm_zone_set_live(set), 0);
	vm_zone_set_destroy(set);
}

static void
test_einval(void **state)
{
	struct vm_zone_set *set = make_set();
	struct vm_zone *z = NULL;

	(void)state;
	assert_int_equal(
	    vm_zone_create(set, "x", 0, 0, 0, NULL, NULL, 0, &z), EINVAL);
	assert_int_equal(
	    vm_zone_create(set, "x", 65537, 0, 0, NULL, NULL, 0, &z), EINVAL);
	assert_int_equal(
	    vm_zone_create(set, "x", 64, 24, 0, NULL, NULL, 0, &z), EINVAL);
	assert_null(z);
	vm_zone_set_destroy(set);
}

static int nctor, ndtor;

static void
count_ctor(void *p)
{
	nctor++;
	memset(p, 0x11, 128);
}

static void
count_dtor(void *p)
{
	ndtor++;
	assert_int_equal(*(unsigned char *)p, 0x11);
}

static void
test_ctor(void **state)
{
	struct vm_zone_set *set = make_set();
	struct vm_zone *z;
	unsigned char *p[500];

	(void)state;
	nctor = ndtor = 0;
	assert_int_equal(vm_zone_create(set, "ctor", 128, 64, 0, count_ctor,
			     count_dtor, 0, &z),
	    0);
	assert_int_equal(nctor, 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 500; i++) {
			p[i] = zalloc(z);
			assert_int_equal(p[i][0], 0x11);
			assert_int_equal(p[i][1], round == 0 ? 0x11 : p[i][1]);
			p[i][1] = 0x22;
		}
		for (int i = 0; i < 500; i++) {
			zfree(z, p[i]);
			/* Type-stable: a stale pointer reads old state. */
			assert_int_equal(p[i][1], 0x22);
		}
	}
	vm_zone_set_destroy(set);
	assert_true(nctor >= 500);
	assert_int_equal(nctor, ndtor);
}

static void
test_zero(void **state)
{
	struct vm_zone_set *set = make_set();
	struct vm_zone *z = make_zone(set, 200, 0, ZF_ZERO, 0);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		unsigned char *p = zalloc(z);

		for (int k = 0; k < 200; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, 200);
		zfree(z, p);
	}
	vm_zone_set_destroy(set);
}

static void
first_stats(void *arg, const struct vm_zone_stats *st)
{
	*(struct vm_zone_stats *)arg = *st;
}

static void
test_limit_stats(void **state)
{
	struct vm_zone_set *set = make_set();
	struct vm_zone *z = make_zone(set, 64, 0, 0, 10);
	struct vm_zone_stats st;
	void *p[10];

	(void)state;
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 10; i++)
			assert_non_null(p[i] = zalloc(z));
		assert_null(zalloc(z));
		vm_zone_foreach(set, first_stats, &st);
		assert_string_equal(st.name, "test");
		assert_int_equal(st.size, 64);
		assert_int_equal(st.live, 10);
		assert_int_equal(st.limit, 10);
		assert_int_equal(st.fails, round + 1);
		assert_int_equal(st.allocs, 10 * (round + 1));
		assert_true(st.peak >= 10);
		assert_true(st.cached * 64 + 640 <= st.slabs);
		for (int i = 0; i < 10; i++)
			zfree(z, p[i]);
	}
	vm_zone_set_destroy(set);
}

static void
test_refused(void **state)
{
	struct vm_zone_set *set;
	struct vm_zone *z;
	int error, n;

	(void)state;
	/* Each host call of creation in turn. */
	for (int64_t at = 1;; at++) {
		atomic_store(&fake.calls, 0);
		atomic_store(&fake.fail_at, at);
		error = vm_zone_set_create(host_fake(&fake), &set);
		if (error != 0) {
			assert_int_equal(error, ENOMEM);
			assert_int_equal(atomic_load(&fake.live), 0);
			continue;
		}
		error = vm_zone_create(set, "z", 1000, 0, 0, NULL, NULL, 0, &z);
		if (error == 0)
			break;
		assert_int_equal(error, ENOMEM);
		vm_zone_set_destroy(set);
		assert_int_equal(atomic_load(&fake.live), 0);
	}
	/* No memory for magazines or slabs: refused, or without magazine. */
	void *p[1000];

	atomic_store(&fake.fail_at, 0);
	atomic_store(&fake.fail_every, 1);
	assert_null(zalloc(z));
	assert_null(zalloc(z));
	atomic_store(&fake.fail_every, 2);
	for (n = 0; n < 1000; n++)
		while ((p[n] = zalloc(z)) == NULL)
			;
	atomic_store(&fake.fail_every, 0);
	assert_int_equal(vm_zone_live(z), 1000);
	while (n > 0)
		zfree(z, p[--n]);
	assert_int_equal(vm_zone_live(z), 0);
	vm_zone_set_destroy(set);
}

/* ---- threads ---- */

struct exchange {
	struct vm_zone *z;
	_Atomic(void *) slot[64];
	_Atomic(unsigned) seed;
	pthread_barrier_t bar;
};

static void *
exchange_thread(void *arg)
{
	struct exchange *x = arg;
	unsigned r = atomic_fetch_add(&x->seed, 1) * 2654435761u + 1;

	for (int i = 0; i < 100000; i++) {
		void *p = NULL;

		r = r * 1664525u + 1013904223u;
		if ((r >> 8 & 3) != 0) {
			p = zalloc(x->z);
			memset(p, (int)(r & 0xff), 96);
		}
		p = atomic_exchange(&x->slot[r >> 26], p);
		if (p != NULL) {
			for (int k = 1; k < 96; k++)
				if (((char *)p)[k] != ((char *)p)[0])
					abort();
			zfree(x->z, p);
		}
	}
	return (NULL);
}

static void
test_threads(void **state)
{
	struct vm_zone_set *set = make_set();
	struct exchange x = {.z = make_zone(set, 96, 0, 0, 0)};
	struct vm_zone_stats st, st2;
	pthread_t t[NTHREADS];
	uint64_t live = 0;
	void *p;

	(void)state;
	for (int i = 0; i < NTHREADS; i++)
		pthread_create(&t[i], NULL, exchange_thread, &x);
	for (int i = 0; i < NTHREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 64; i++)
		live += x.slot[i] != NULL;
	assert_int_equal(vm_zone_live(x.z), live);
	for (int i = 0; i < 64; i++)
		if (x.slot[i] != NULL)
			zfree(x.z, x.slot[i]);
	assert_int_equal(vm_zone_live(x.z), 0);

	/* Items that ended threads had cached are reused: the host gives no
	 * more memory. */
	vm_zone_foreach(set, first_stats, &st);
	for (uint64_t i = 0; i < st.cached; i++) {
		p = zalloc(x.z);
		assert_non_null(p);
		*(void **)p = x.slot[0];
		x.slot[0] = p;
	}
	vm_zone_foreach(set, first_stats, &st2);
	assert_int_equal(st2.slabs, st.slabs);
	assert_int_equal(st2.cached, 0);
	for (uint64_t i = 0; i < st.cached; i++) {
		p = x.slot[0];
		x.slot[0] = *(void **)p;
		zfree(x.z, p);
	}
	vm_zone_set_destroy(set);
}

static void *
survivor_thread(void *arg)
{
	struct exchange *x = arg;

	for (int round = 0; round < 20; round++) {
		pthread_barrier_wait(&x->bar);
		for (int i = 0; i < 500; i++) {
			void *p = zalloc(x->z), *q = zalloc(x->z);

			memset(p, round, 64);
			memset(q, round, 64);
			zfree(x->z, p);
			zfree(x->z, q);
		}
		pthread_barrier_wait(&x->bar);
	}
	return (NULL);
}

/* Sets, and with them slots, are made and destroyed while threads live on. */
static void
test_threads_outlive_sets(void **state)
{
	struct vm_zone_set *set, *other = make_set();
	struct vm_zone *oz = make_zone(other, 64, 0, 0, 0);
	struct exchange x;
	pthread_t t[3];

	(void)state;
	pthread_barrier_init(&x.bar, NULL, 4);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, survivor_thread, &x);
	for (int round = 0; round < 20; round++) {
		set = make_set();
		x.z = make_zone(set, 64 + (size_t)round, 0, 0, 0);
		pthread_barrier_wait(&x.bar);
		for (int i = 0; i < 100; i++)
			zfree(oz, zalloc(oz));
		pthread_barrier_wait(&x.bar);
		assert_int_equal(vm_zone_live(x.z), 0);
		if (round < 19)
			vm_zone_set_destroy(set);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	vm_zone_set_destroy(set);
	vm_zone_set_destroy(other);
	pthread_barrier_destroy(&x.bar);
}

/* ---- debug checks ---- */

#ifdef VMSPACE_DEBUG
enum misuse { DOUBLE_FREE, WRONG_ZONE, OVERRUN, WRITE_FREE, LEAK };

static void
misuse_zone(void *arg)
{
	enum misuse how = *(enum misuse *)arg;
	struct vm_zone_set *set = make_set();
	struct vm_zone *z = make_zone(set, 60, 0, 0, 0);
	struct vm_zone *z2 = make_zone(set, 60, 0, 0, 0);
	volatile char *p = zalloc(z);
	void *q = zalloc(z2);

	if (how == OVERRUN)
		p[64] = 1;
	if (how == WRONG_ZONE)
		zfree(z2, (void *)(uintptr_t)p);
	if (how != LEAK)
		zfree(z, (void *)(uintptr_t)p);
	if (how == DOUBLE_FREE)
		zfree(z, (void *)(uintptr_t)p);
	if (how == WRITE_FREE)
		p[10] = 1;
	for (int i = 0; i < 100; i++)
		(void)zalloc(z);
	zfree(z2, q);
	if (how == LEAK)
		vm_zone_set_destroy(set);
}

static void
test_misuse_panics(void **state)
{
	(void)state;
	for (enum misuse m = DOUBLE_FREE; m <= LEAK; m++)
		assert_true(child_fails(misuse_zone, &m));
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
#ifdef VMSPACE_DEBUG
	    cmocka_unit_test(test_misuse_panics),
#endif
	    cmocka_unit_test_setup_teardown(test_layout, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_einval, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ctor, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_zero, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_limit_stats, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_threads_outlive_sets, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
