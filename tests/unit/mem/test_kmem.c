/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Budgets: shares and reserve, lifetime of accounts, memory, zones and
 * descriptors with a charge, many threads.
 */
#include "mem/kmem.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "host/host.h"
#include "mem/vm_zone.h"

#define MIB ((uint64_t)1 << 20)
#define LIMIT (64 * MIB)
#define PIECE ((size_t)1024)

static uint64_t
used(const struct kmem *km, enum kmem_kind kind)
{
	return (atomic_load(&km->pool[kind].used));
}

/* Charge pieces to a new account until one is refused; how many bytes. */
static uint64_t
greedy(struct kmem *km, struct kmem_acct **out)
{
	struct kmem_acct *a = kmem_acct_create(km), *who;
	uint64_t n = 0;

	assert_non_null(a);
	assert_null(kmem_current());
	kmem_switch(a);
	while (kmem_charge(PIECE, &who)) {
		assert_ptr_equal(who, a);
		n += PIECE;
	}
	assert_ptr_equal(kmem_current(), a);
	kmem_switch(NULL);
	*out = a;
	return (n);
}

static void
give_back(struct kmem_acct *a, uint64_t n)
{
	kmem_uncharge(a, n);
	kmem_acct_free(a);
}

static void
test_shares(void **state)
{
	struct kmem km;
	struct kmem_acct *a[20];
	uint64_t n[20], open;

	kmem_init(&km, LIMIT, 0);
	open = LIMIT - LIMIT / 8;
	n[0] = greedy(&km, &a[0]);
	assert_true(n[0] <= open / 4);
	assert_true(n[0] > open / 4 - 64 * 1024);
	/* The next ones get less each, and something is left. */
	for (int i = 1; i < 20; i++) {
		n[i] = greedy(&km, &a[i]);
		assert_true(n[i] < n[i - 1] || n[i] <= MIB);
		assert_true(n[i] >= MIB - 64 * 1024);
	}
	assert_true(used(&km, KMEM_BYTES) < LIMIT);
	assert_true(atomic_load(&km.pool[KMEM_BYTES].refused) >= 20);
	for (int i = 0; i < 20; i++)
		give_back(a[i], n[i]);
	assert_int_equal(used(&km, KMEM_BYTES), 0);
}

/* Small accounts may use the reserve, and not more than the limit. */
static void
test_reserve(void **state)
{
	struct kmem km;
	struct kmem_acct *a[80];
	uint64_t n[80], total = 0;
	int last = 0;

	kmem_init(&km, LIMIT, 0);
	for (; last < 80; last++) {
		n[last] = greedy(&km, &a[last]);
		total += n[last];
		assert_true(used(&km, KMEM_BYTES) <= LIMIT);
		if (n[last] < MIB / 2)
			break;
	}
	assert_true(last < 80);
	assert_true(total > LIMIT - LIMIT / 64);
	assert_true(atomic_load(&km.pool[KMEM_BYTES].peak) <= LIMIT);
	for (int i = 0; i <= last; i++)
		give_back(a[i], n[i]);
	assert_int_equal(used(&km, KMEM_BYTES), 0);
}

/* What is charged outlives its account's creator and its thread. */
static void
test_lifetime(void **state)
{
	struct kmem km;
	struct kmem_acct *a, *b;
	void *p;

	kmem_init(&km, LIMIT, 0);
	a = kmem_acct_create(&km);
	b = kmem_acct_create(&km);
	kmem_switch(a);
	p = kmem_alloc(5000);
	assert_non_null(p);
	assert_ptr_equal(kmem_current(), a);
	kmem_switch(b);
	kmem_acct_free(a);
	assert_true(kmem_acct_used(a) >= 5000);
	assert_true(kmem_acct_used(a) < 5200);
	kmem_free(p);
	assert_ptr_equal(kmem_current(), b);
	kmem_switch(NULL);
	kmem_acct_free(b);
	assert_int_equal(used(&km, KMEM_BYTES), 0);
}

static void
test_memory(void **state)
{
	struct kmem km;
	struct kmem_acct *a;
	char *p, *q;

	kmem_init(&km, LIMIT, 0);
	a = kmem_acct_create(&km);
	kmem_switch(a);
	p = kmem_strdup("name");
	assert_string_equal(p, "name");
	p = kmem_realloc(p, 100000);
	assert_string_equal(p, "name");
	assert_true(kmem_acct_used(a) >= 100000);
	/* Refused: p stays as it was. */
	q = kmem_realloc(p, LIMIT / 2);
	assert_null(q);
	assert_string_equal(p, "name");
	assert_null(kmem_alloc(LIMIT / 2));
	assert_null(kmem_alloc(SIZE_MAX));
	assert_null(kmem_realloc(p, SIZE_MAX - 8));
	assert_null(kmem_calloc(SIZE_MAX / 2, 4));
	kmem_free(p);
	p = kmem_calloc(1000, 8);
	for (int i = 0; i < 8000; i++)
		assert_int_equal(p[i], 0);
	kmem_switch(NULL);
	q = kmem_zalloc_on(a, 70000); /* the account is not the thread's */
	assert_non_null(q);
	assert_true(kmem_acct_used(a) >= 78000);
	kmem_free(q);
	kmem_free(p);
	kmem_free(NULL);
	p = kmem_alloc(LIMIT * 2); /* no account, no limit */
	assert_non_null(p);
	kmem_free(p);
	kmem_acct_free(a);
	assert_int_equal(used(&km, KMEM_BYTES), 0);
}

static void
first_stats(void *arg, const struct vm_zone_stats *st)
{
	*(struct vm_zone_stats *)arg = *st;
}

static void
test_zone(void **state)
{
	static void *item[LIMIT / 512];
	struct vm_zone_set *set;
	struct vm_zone_stats st;
	struct vm_zone *z;
	struct kmem km;
	struct kmem_acct *a, *b;
	size_t n = 0;

	kmem_init(&km, LIMIT, 0);
	a = kmem_acct_create(&km);
	b = kmem_acct_create(&km);
	assert_int_equal(vm_zone_set_create(host_linux(), &set), 0);
	assert_int_equal(vm_zone_create(set, "charged", 1000, 0, ZF_CHARGE,
			     NULL, NULL, 0, &z),
	    0);
	kmem_switch(a);
	while (
	    n < sizeof(item) / sizeof(item[0]) && (item[n] = zalloc(z)) != NULL)
		n++;
	assert_true(n > LIMIT / 5 / 1100 && n < LIMIT / 4 / 1000);
	vm_zone_foreach(set, first_stats, &st);
	assert_int_equal(st.live, n);
	assert_int_equal(st.fails, 1);
	/* Another thread's account frees them. */
	kmem_switch(b);
	while (n > 0)
		zfree(z, item[--n]);
	assert_true(kmem_acct_used(a) < 64 * 1024);
	kmem_switch(NULL);
	/* Without an account nothing is charged. */
	item[0] = zalloc(z);
	zfree(z, item[0]);
	kmem_acct_free(a);
	kmem_acct_free(b);
	assert_int_equal(used(&km, KMEM_BYTES), 0);
	vm_zone_set_destroy(set);
}

static void
test_descriptors(void **state)
{
	struct kmem_acct *a, *b, *who = NULL;
	struct kmem km;
	unsigned n = 0, m = 0;

	kmem_init(&km, 0, 1000);
	a = kmem_acct_create(&km);
	b = kmem_acct_create(&km);
	kmem_switch(a);
	while (kmem_fd_charge(1, &who) == 0)
		n++;
	assert_int_equal(kmem_fd_charge(1, &who), EMFILE);
	assert_in_range(n, 200, 219); /* a quarter of 875 */
	kmem_switch(b);
	while (kmem_fd_charge(1, &who) == 0)
		m++;
	assert_true(m < n && m > 64);
	assert_int_equal(used(&km, KMEM_FDS), n + m);
	/* The kernel's own are not counted. */
	kmem_switch(NULL);
	assert_int_equal(kmem_fd_charge(10000, &who), 0);
	kmem_fd_uncharge(who, 10000);
	kmem_fd_uncharge(a, n);
	kmem_fd_uncharge(b, m);
	kmem_acct_free(a);
	kmem_acct_free(b);
	assert_int_equal(used(&km, KMEM_FDS), 0);
	assert_int_equal(used(&km, KMEM_BYTES), 0);
}

/* ---- threads ---- */

#define THREADS 4
#define SLOTS 64

struct shared {
	struct kmem km;
	struct kmem_acct *acct[2];
	_Atomic(void *) slot[SLOTS];
};

static void *
churn(void *arg)
{
	struct shared *sh = arg;
	uint64_t r = (uintptr_t)&r;
	void *p;

	for (int i = 0; i < 100000; i++) {
		r = r * 6364136223846793005 + 1442695040888963407;
		if (r >> 60 == 0)
			kmem_switch(sh->acct[r >> 59 & 1]);
		p = r >> 58 & 1 ? kmem_alloc(r >> 44 & 0x3fff) : NULL;
		p = atomic_exchange(&sh->slot[r >> 33 & (SLOTS - 1)], p);
		kmem_free(p);
	}
	kmem_switch(NULL);
	return (NULL);
}

static void
test_threads(void **state)
{
	static struct shared sh;
	pthread_t t[THREADS];

	/* Small, so that charges are refused. */
	kmem_init(&sh.km, MIB / 2, 0);
	for (int i = 0; i < 2; i++)
		sh.acct[i] = kmem_acct_create(&sh.km);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, churn, &sh), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	for (int i = 0; i < SLOTS; i++)
		kmem_free(atomic_load(&sh.slot[i]));
	for (int i = 0; i < 2; i++)
		kmem_acct_free(sh.acct[i]);
	assert_int_equal(used(&sh.km, KMEM_BYTES), 0);
	assert_true(atomic_load(&sh.km.pool[KMEM_BYTES].refused) > 0);
	assert_true(atomic_load(&sh.km.pool[KMEM_BYTES].peak) <= MIB / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shares),
	    cmocka_unit_test(test_reserve),
	    cmocka_unit_test(test_lifetime),
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_zone),
	    cmocka_unit_test(test_descriptors),
	    cmocka_unit_test(test_threads),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
