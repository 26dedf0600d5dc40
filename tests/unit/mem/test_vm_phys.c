/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The buddy allocator against a naive model (a byte for each frame).  The
 * frames are those of a VM system, so that vm_check_system() checks the free
 * lists after each test.
 */
#include "mem/vm_page.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host_fake.h"
#include "vm/vmspace.h"
#include "testchild.h"

#define FRAMES 3000 /* not a multiple of the largest run */

static struct host_fake fake;
static struct vm_system sys;

static int
setup(void **state)
{
	struct vm_system_config cf = {
	    .host = host_fake(&fake),
	    .mem = FRAMES * PAGE_SIZE,
	};

	(void)state;
	memset(&fake, 0, sizeof(fake));
	return (vm_system_init(&sys, &cf));
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(vm_check_system(&sys), 0);
	vm_system_destroy(&sys);
	assert_int_equal(atomic_load(&fake.live), 0);
	return (0);
}

static uint64_t
nfree(void)
{
	return (atomic_load(&sys.phys->nfree));
}

static bool
reads_zero(const void *p)
{
	const uint64_t *w = p;

	for (size_t i = 0; i < PAGE_SIZE / 8; i++)
		if (w[i] != 0)
			return (false);
	return (true);
}

static void
test_fresh_and_recycled(void **state)
{
	uint64_t map[VM_PAGE_RUN_WORDS];
	struct vm_page *a, *b, *c;

	(void)state;
	a = vm_phys_alloc(sys.phys, 0);
	b = vm_phys_alloc(sys.phys, 0);
	assert_int_equal(a->flags, PG_ZEROED);
	assert_ptr_equal(b, a + 1);
	memset(vm_page_ptr(sys.phys, a), 1, PAGE_SIZE);
	vm_phys_free(sys.phys, a);
	/* The frame freed last is allocated first, and is not known to be
	 * zero. */
	c = vm_phys_alloc(sys.phys, 0);
	assert_ptr_equal(a, c);
	assert_int_equal(c->flags, 0);
	vm_page_zero_prepare(c, 1, map);
	vm_page_zero_run(sys.phys, c, 1, map);
	assert_true(reads_zero(vm_page_ptr(sys.phys, c)));
	vm_phys_free(sys.phys, b);
	vm_phys_free(sys.phys, c);
	assert_int_equal(nfree(), FRAMES);
}

static uint64_t
populated(void)
{
	return ((uint64_t)atomic_load(&fake.populated) / PAGE_SIZE);
}

/* The host backs 64 fresh frames at a time, and no frame twice. */
static void
test_ahead(void **state)
{
	struct vm_page *m[FRAMES];

	(void)state;
	assert_int_equal(populated(), 0);
	for (unsigned i = 0; i < 130; i++) {
		m[i] = vm_phys_alloc(sys.phys, 0);
		assert_int_equal(populated(), (i / 64 + 1) * 64);
	}
	for (unsigned i = 0; i < 130; i++)
		vm_phys_free(sys.phys, m[i]);
	for (unsigned i = 0; i < 130; i++)
		m[i] = vm_phys_alloc(sys.phys, 0);
	assert_int_equal(populated(), 192);
	/* A large run is backed when it is touched. */
	m[130] = vm_phys_alloc(sys.phys, 8);
	assert_int_equal(vm_page_frame(sys.phys, m[130]), 256);
	assert_int_equal(populated(), 192);
	vm_phys_free_run(sys.phys, m[130], 256);
	/* The last frames: not beyond the arena. */
	for (unsigned i = 130; i < FRAMES; i++)
		m[i] = vm_phys_alloc(sys.phys, 0);
	assert_int_equal(populated(), FRAMES - 320);
	assert_null(vm_phys_alloc(sys.phys, 0));
	for (unsigned i = 0; i < FRAMES; i++)
		vm_phys_free(sys.phys, m[i]);
}

/* Zero and used frames in one run: all of it reads as zero. */
static void
test_zero_run(void **state)
{
	uint64_t map[VM_PAGE_RUN_WORDS];
	struct vm_page *m = vm_phys_alloc(sys.phys, 8);

	(void)state;
	for (int i = 0; i < 256; i++)
		if (i % 7 < 3 || i == 255) {
			m[i].flags = 0;
			memset(vm_page_ptr(sys.phys, m + i), 1, PAGE_SIZE);
		}
	vm_page_zero_prepare(m, 256, map);
	vm_page_zero_run(sys.phys, m, 256, map);
	for (int i = 0; i < 256; i++) {
		assert_true(reads_zero(vm_page_ptr(sys.phys, m + i)));
		assert_int_equal(m[i].flags, 0);
	}
	vm_phys_free_run(sys.phys, m, 256);
}

static void
test_exhaust(void **state)
{
	static struct vm_page *m[FRAMES];
	unsigned runs = 0;

	(void)state;
	for (int i = 0; i < FRAMES; i++)
		assert_non_null(m[i] = vm_phys_alloc(sys.phys, 0));
	assert_null(vm_phys_alloc(sys.phys, 0));
	assert_int_equal(nfree(), 0);
	/* Every other frame: no run of two; then all of them: all joined. */
	for (int i = 0; i < FRAMES; i += 2)
		vm_phys_free(sys.phys, m[i]);
	assert_null(vm_phys_alloc(sys.phys, 1));
	for (int i = 1; i < FRAMES; i += 2)
		vm_phys_free(sys.phys, m[i]);
	while ((m[runs] = vm_phys_alloc(sys.phys, 9)) != NULL)
		runs++;
	assert_int_equal(runs, FRAMES / 512);
	while (runs > 0)
		vm_phys_free_run(sys.phys, m[--runs], 512);
	assert_int_equal(nfree(), FRAMES);
}

static void
test_random(void **state)
{
	static uint8_t used[FRAMES];
	static struct {
		struct vm_page *m;
		unsigned order;
	} have[FRAMES];
	unsigned n = 0, r = 12345;
	uint64_t total = 0, fails = 0;

	(void)state;
	memset(used, 0, sizeof(used));
	for (int i = 0; i < 60000; i++) {
		r = r * 1664525u + 1013904223u;
		/* The number of free frames goes up and down between full and
		 * empty. */
		if ((r >> 8) % 16 < (i / 3000 % 2 == 0 ? 11u : 5u)) {
			unsigned o = (r >> 16) % 16;
			struct vm_page *m;

			o = o > 9 ? 0 : o;
			m = vm_phys_alloc(sys.phys, o);
			if (m == NULL) {
				fails++;
				assert_true(o > 0 || total == FRAMES);
				continue;
			}
			assert_int_equal(
			    vm_page_frame(sys.phys, m) & ((1u << o) - 1), 0);
			for (unsigned k = 0; k < 1u << o; k++) {
				assert_int_equal(
				    used[m - sys.phys->pages + k], 0);
				used[m - sys.phys->pages + k] = 1;
				assert_true((m[k].flags & ~PG_ZEROED) == 0);
				assert_null(m[k].object);
				if (m[k].flags != 0)
					assert_true(reads_zero(
					    vm_page_ptr(sys.phys, m + k)));
				memset(vm_page_ptr(sys.phys, m + k), 0xee, 64);
			}
			have[n].m = m;
			have[n++].order = o;
			total += 1u << o;
		} else if (n > 0) {
			unsigned k = (r >> 12) % n, o = have[k].order;
			struct vm_page *m = have[k].m;

			for (unsigned j = 0; j < 1u << o; j++)
				used[m - sys.phys->pages + j] = 0;
			total -= 1u << o;
			/* As a run, in two uneven pieces, or one by one. */
			if ((r & 3) == 0 && o > 0) {
				unsigned cut = (r >> 4) % (1u << o);

				vm_phys_free_run(
				    sys.phys, m + cut, (1u << o) - cut);
				vm_phys_free_run(sys.phys, m, cut);
			} else if ((r & 3) == 1)
				for (unsigned j = 0; j < 1u << o; j++)
					vm_phys_free(sys.phys, m + j);
			else
				vm_phys_free_run(sys.phys, m, 1u << o);
			have[k] = have[--n];
		}
		assert_int_equal(nfree(), FRAMES - total);
		if (i % 2000 == 0)
			vm_phys_trim(sys.phys);
	}
	assert_true(fails > 100);
	while (n-- > 0)
		vm_phys_free_run(sys.phys, have[n].m, 1u << have[n].order);
	assert_int_equal(nfree(), FRAMES);
}

static void
test_trim(void **state)
{
	struct vm_page *m, *one;

	(void)state;
	assert_int_equal(vm_phys_trim(sys.phys), 0);
	for (int round = 0; round < 2; round++) {
		m = vm_phys_alloc(sys.phys, 9);
		one = vm_phys_alloc(sys.phys, 0);
		assert_int_equal(vm_page_frame(sys.phys, m) % 512, 0);
		assert_int_equal(m[100].flags, PG_ZEROED);
		memset(vm_page_ptr(sys.phys, m), 0xaa, 512 * PAGE_SIZE);
		vm_phys_free_run(sys.phys, m, 512);
		assert_int_equal(vm_phys_trim(sys.phys), 512 * PAGE_SIZE);
		assert_int_equal(vm_phys_trim(sys.phys), 0);
		vm_phys_free(sys.phys, one);
	}
}

static void
test_create_errors(void **state)
{
	struct vm_phys *ph = NULL;

	(void)state;
	assert_int_equal(vm_phys_create(host_fake(&fake), 1, 0, &ph), EINVAL);
	assert_null(ph);
}

static void
free_twice(void *arg)
{
	struct vm_page *m = vm_phys_alloc(sys.phys, 3);

	vm_phys_free_run(sys.phys, m, 8);
	vm_phys_free(sys.phys, m + 5);
}

static void
free_held(void *arg)
{
	struct vm_page *m = vm_phys_alloc(sys.phys, 0);

	atomic_store(&m->hold, 1);
	vm_phys_free(sys.phys, m);
}

static void
free_unallocated(void *arg)
{
	vm_phys_free(sys.phys, sys.phys->pages + FRAMES - 1);
}

static void
test_misuse_panics(void **state)
{
	(void)state;
	assert_true(child_panics(free_twice, NULL));
	assert_true(child_panics(free_held, NULL));
	assert_true(child_panics(free_unallocated, NULL));
}

static void *
phys_thread(void *arg)
{
	unsigned r = (unsigned)(uintptr_t)arg;
	struct vm_page *m[16] = {0};

	for (int i = 0; i < 40000; i++) {
		struct vm_page **p;

		r = r * 1664525u + 1013904223u;
		p = &m[r >> 28];
		if (*p != NULL) {
			vm_phys_free(sys.phys, *p);
			*p = NULL;
		} else if ((*p = vm_phys_alloc(sys.phys, 0)) != NULL)
			*(uint64_t *)vm_page_ptr(sys.phys, *p) = r;
		if (i % 1000 == 0)
			vm_phys_trim(sys.phys);
	}
	for (int i = 0; i < 16; i++)
		if (m[i] != NULL)
			vm_phys_free(sys.phys, m[i]);
	return (NULL);
}

static void
test_phys_threads(void **state)
{
	pthread_t t[4];

	(void)state;
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, phys_thread, (void *)(i + 1));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(nfree(), FRAMES);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_misuse_panics),
	    T(test_fresh_and_recycled),
	    T(test_ahead),
	    T(test_zero_run),
	    T(test_exhaust),
	    T(test_random),
	    T(test_trim),
	    T(test_create_errors),
	    T(test_phys_threads),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
