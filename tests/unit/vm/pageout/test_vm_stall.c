/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Stalls, with a clock of the test: what is thrashing, and what only looks like
 * it; and what paging counts.
 */
#include "vm_swap_testlib.h"

#include "abi/mman.h"
#include "vm/pageout/vm_pageout_int.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)
#define WINDOW STALL_WINDOW_NS

struct load {
	unsigned stalled;     /* percent of the time with a stalled thread */
	unsigned work;        /* percent of one CPU */
	uint64_t back, again; /* pages in a window */
};

static struct vm_stall st;
static uint64_t now, work;

static void
start(void)
{
	memset(&st, 0, sizeof(st));
	vm_stall_init(&st);
	now = 1000 * SECOND;
	work = 77;
	assert_false(vm_stall_check(&st, now, work));
}

/* One window in steps of 10 ms; is it found to be thrashing in the end? */
static bool
window(struct load l)
{
	const uint64_t step = 10 * MS, n = WINDOW / step;

	vm_stall_count_back(&st, l.back);
	vm_stall_count_again(&st, l.again);
	for (uint64_t i = 0; i < n; i++) {
		if (i > 0 && i % 100 == 0)
			assert_false(vm_stall_check(&st, now, work));
		vm_stall_begin(&st, now);
		/* A second thread in the middle of the first one's stall. */
		vm_stall_begin(&st, now + step * l.stalled / 200);
		vm_stall_end(&st, now + step * l.stalled / 100);
		vm_stall_end(&st, now + step * l.stalled / 100);
		work += step * l.work / 100;
		now += step;
	}
	return (vm_stall_check(&st, now, work));
}

static const struct load thrash = {
    .stalled = 99, .work = 1, .back = 1000, .again = 1000};

static void
test_thrashing(void **state)
{
	start();
	for (int round = 0; round < 2; round++) {
		for (int i = 1; i < STALL_WINDOWS; i++)
			assert_false(window(thrash));
		assert_true(window(thrash));
	}
	vm_stall_fini(&st);
}

/* Each differs in one thing, and goes on for ever. */
static void
test_progress(void **state)
{
	static const struct load loads[] = {
	    /* another thread computes, or the same one does between pages */
	    {.stalled = 99, .work = 25, .back = 1000, .again = 1000},
	    {.stalled = 74, .work = 0, .back = 1000, .again = 1000},
	    /* a device that hangs */
	    {.stalled = 100, .work = 0, .back = 63, .again = 63},
	    /* an array that is larger than memory, page after page */
	    {.stalled = 99, .work = 1, .back = 11000, .again = 11000},
	    /* a process that comes back from swap after a long sleep */
	    {.stalled = 99, .work = 1, .back = 1000, .again = 499},
	};

	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		start();
		for (int w = 0; w < 20; w++)
			assert_false(window(loads[i]));
		vm_stall_fini(&st);
	}
}

/* One good window, or the end of a process, and it starts from the
 * beginning. */
static void
test_interrupted(void **state)
{
	static const struct load good = {
	    .stalled = 10, .work = 90, .back = 1000, .again = 1000};

	start();
	for (int i = 0; i < 5; i++) {
		assert_false(window(thrash));
		assert_false(window(thrash));
		assert_false(window(good));
	}
	for (int i = 0; i < 5; i++) {
		assert_false(window(thrash));
		assert_false(window(thrash));
		work -= SECOND;
		assert_false(window(thrash));
	}
	vm_stall_fini(&st);
}

/* One long stall counts while it lasts, and two threads count once. */
static void
test_union(void **state)
{
	start();
	vm_stall_begin(&st, now);
	for (int i = 1; i <= STALL_WINDOWS; i++) {
		vm_stall_count_back(&st, 100);
		vm_stall_count_again(&st, 100);
		now += WINDOW;
		assert_int_equal(
		    vm_stall_check(&st, now, work), i == STALL_WINDOWS);
	}
	vm_stall_begin(&st, now);
	vm_stall_end(&st, now + SECOND);
	/* The clock of the thread was read before that of another. */
	vm_stall_end(&st, now);
	assert_int_equal(st.waiting, 0);
	assert_int_equal(st.some_ns, STALL_WINDOWS * WINDOW);
	vm_stall_fini(&st);
}

/* ---- paging ---- */

static uint64_t
count(_Atomic(uint64_t) *c)
{
	uint64_t n = atomic_load(c);

	atomic_store(c, 0);
	return (n);
}

/* The first way out does not count, and the second does; a file's pages and
 * what a process asks for do not. */
static void
test_counts(void **state)
{
	struct vm_stall *s;
	struct vmspace *vm;

	begin(FRAMES);
	s = &fx.sys.pageout->stall;
	area_on(SWAP_FILE, 4096, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 32 * PG, RW, 0, NULL, 0);
	fill(vm, 32, 1);
	assert_int_equal(page_out(), 32);
	assert_int_equal(count(&s->again), 0);
	verify(vm, 32, 1);
	assert_int_equal(count(&s->back), 32);
	assert_true(s->some_ns > 0);
	/* Unchanged pages are dropped, changed ones are written. */
	fill(vm, 16, 2);
	assert_int_equal(page_out(), 32);
	assert_int_equal(count(&s->again), 32);
	verify(vm, 16, 2);
	assert_int_equal(count(&s->back), 16);
	assert_int_equal(vm_madvise(vm, BASE, 16 * PG, LX_MADV_PAGEOUT), 0);
	assert_int_equal(count(&s->again), 0);
	/* New contents of a frame are new pages. */
	assert_int_equal(vm_munmap(vm, BASE, 32 * PG), 0);
	map_at(vm, BASE, 32 * PG, RW, 0, NULL, 0);
	fill(vm, 32, 3);
	assert_int_equal(page_out(), 32);
	assert_int_equal(count(&s->again), 0);
	assert_int_equal(s->waiting, 0);
	vmspace_free(vm);
	end();
}

/* ---- the daemon ---- */

static _Atomic(int) asked, thrashings;

static uint64_t
no_work(void *arg)
{
	atomic_fetch_add(&asked, 1);
	return (0);
}

static void
note_thrashing(void *arg)
{
	atomic_fetch_add(&thrashings, 1);
}

/* The daemon looks at each window, and calls the policy. */
static void
test_daemon(void **state)
{
	struct vm_stall *s;

	begin(FRAMES);
	s = &fx.sys.pageout->stall;
	fx.sys.work = no_work;
	fx.sys.thrashing = note_thrashing;
	/* As if two bad windows and a third one had passed. */
	s->at_ns = host_now_ns() - 2 * WINDOW;
	s->some_ns = 2 * WINDOW;
	s->bad = STALL_WINDOWS - 1;
	vm_stall_count_back(s, 1000);
	vm_stall_count_again(s, 1000);
	assert_int_equal(vm_pageout_start(&fx.sys), 0);
	for (int i = 0; i < 5000 && atomic_load(&thrashings) == 0; i++)
		host_sleep_ns(MS);
	vm_pageout_stop(&fx.sys);
	assert_int_equal(atomic_load(&asked), 1);
	assert_int_equal(atomic_load(&thrashings), 1);
	assert_int_equal(counter_read(&fx.sys.stat[VMST_THRASH]), 1);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_thrashing),
	    cmocka_unit_test(test_progress),
	    cmocka_unit_test(test_interrupted),
	    cmocka_unit_test(test_union),
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_daemon),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
