/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The pages of objects: runs, refusals, rename, busy, and frames that are held
 * when their page is freed.
 */
#include "vm/object/vm_object.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host/host_fake.h"
#include "mem/vm_page.h"
#include "mem/vm_zone.h"
#include "vm/vmspace.h"

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

/* An object with an index and a lock, and nothing else. */
static struct vm_object *
make_object(void)
{
	struct vm_object *obj = zalloc(sys.z_object);

	assert_non_null(obj);
	obj->sys = &sys;
	obj->resident = 0;
	radix_init(&obj->index, sys.radix_alloc);
	vm_object_lock(obj);
	return (obj);
}

static void
free_object(struct vm_object *obj)
{
	uint64_t idx = 0, value;

	while (radix_next(&obj->index, &idx, &value))
		vm_page_free((struct vm_page *)(uintptr_t)value);
	assert_int_equal(obj->resident, 0);
	vm_object_unlock(obj);
	zfree(sys.z_object, obj);
}

static void
test_page_alloc(void **state)
{
	struct vm_object *obj = make_object();
	struct vm_page *m, *run;

	(void)state;
	m = vm_page_alloc(obj, 7);
	assert_int_equal(m->flags & PG_BUSY, PG_BUSY);
	assert_int_equal(m->flags & PG_VALID, 0);
	assert_ptr_equal(m->object, obj);
	assert_ptr_equal(vm_page_lookup(obj, 7), m);
	assert_null(vm_page_lookup(obj, 8));
	assert_false(vm_page_busy_try(m));
	vm_page_unbusy(m);
	assert_true(vm_page_busy_try(m));

	/* Stops before an index that is occupied, at a power of two. */
	assert_int_equal(vm_page_alloc_run(obj, 0, 512, &run), 4);
	assert_int_equal(vm_page_alloc_run(obj, 4, 3, &run), 2);
	assert_int_equal(vm_page_alloc_run(obj, 7, 3, &run), 0);
	assert_int_equal(vm_page_alloc_run(obj, 512, 512, &run), 512);
	for (unsigned i = 0; i < 512; i++) {
		assert_ptr_equal(vm_page_lookup(obj, 512 + i), run + i);
		assert_int_equal(run[i].flags & PG_BUSY, PG_BUSY);
	}
	assert_int_equal(vm_page_frame(sys.phys, run) % 512, 0);
	assert_int_equal(obj->resident, 1 + 4 + 2 + 512);
	assert_int_equal(atomic_load(&sys.peak_used), obj->resident);
	free_object(obj);
	assert_int_equal(nfree(), FRAMES);
	assert_int_equal(atomic_load(&sys.peak_used), 1 + 4 + 2 + 512);
}

/* Frames or radix nodes run out half-way. */
static void
test_page_alloc_refused(void **state)
{
	struct vm_object *obj = make_object();
	struct vm_page *run;
	unsigned got;
	vm_pindex_t idx = 0;

	(void)state;
	while ((got = vm_page_alloc_run(obj, idx, 512, &run)) != 0)
		idx += got;
	assert_int_equal(idx, FRAMES);
	assert_null(vm_page_alloc(obj, idx));
	assert_int_equal(nfree(), 0);
	free_object(obj);

	/* With nodes from the zone's first slab only: all or a part. */
	obj = make_object();
	atomic_store(&fake.fail_every, 1);
	for (idx = 0; vm_page_alloc(obj, idx) != NULL && idx < 64 * 1000;
	     idx += 64)
		;
	if (idx < 64 * 1000) {
		got = vm_page_alloc_run(obj, idx - 32, 512, &run);
		assert_int_equal(got, 32);
		assert_int_equal(nfree(), FRAMES - obj->resident);
	}
	atomic_store(&fake.fail_every, 0);
	free_object(obj);
	assert_int_equal(nfree(), FRAMES);
}

static void
test_page_rename(void **state)
{
	struct vm_object *a = make_object(), *b = make_object();
	struct vm_page *m = vm_page_alloc(a, 3);

	(void)state;
	m->flags |= PG_VALID | PG_MAPPED;
	assert_int_equal(vm_page_rename(m, b, 1000), 0);
	assert_null(vm_page_lookup(a, 3));
	assert_ptr_equal(vm_page_lookup(b, 1000), m);
	assert_ptr_equal(m->object, b);
	assert_int_equal(m->pindex, 1000);
	assert_int_equal(a->resident, 0);
	assert_int_equal(b->resident, 1);
	assert_int_equal(m->flags & (PG_VALID | PG_MAPPED | PG_BUSY),
	    PG_VALID | PG_MAPPED | PG_BUSY);
	free_object(b);
	free_object(a);
}

static void
test_free_of_held_page(void **state)
{
	struct vm_object *obj = make_object();
	struct vm_page *m = vm_page_alloc(obj, 0);
	uint64_t *w = vm_page_ptr(sys.phys, m);

	(void)state;
	vm_page_hold(m);
	vm_page_unhold(sys.phys, m);
	assert_int_equal(nfree(), FRAMES - 1);
	vm_page_hold(m);
	vm_page_hold(m);
	*w = 42;
	vm_page_free(m);
	assert_null(vm_page_lookup(obj, 0));
	assert_null(m->object);
	assert_int_equal(nfree(), FRAMES - 1);
	vm_object_unlock(obj);
	assert_int_equal(vm_check_system(&sys), 0);
	vm_object_lock(obj);
	vm_page_unhold(sys.phys, m);
	assert_int_equal(nfree(), FRAMES - 1);
	assert_int_equal(*w, 42);
	vm_page_unhold(sys.phys, m);
	assert_int_equal(nfree(), FRAMES);
	free_object(obj);
}

struct busy_test {
	struct vm_object *obj;
	uint64_t plain; /* under busy of page 0 */
	_Atomic(bool) stop;
};

/* Take page 0 busy, work without the lock, then free, replace or keep it. */
static void *
busy_thread(void *arg)
{
	struct busy_test *t = arg;
	struct vm_object *obj = t->obj;

	for (int i = 0; i < 3000; i++) {
		struct vm_page *m;

		vm_object_lock(obj);
		while ((m = vm_page_lookup(obj, 0)) != NULL &&
		       !vm_page_busy_try(m))
			vm_page_busy_wait(obj, m);
		if (m == NULL)
			m = vm_page_alloc(obj, 0);
		vm_page_hold(m);
		vm_object_unlock(obj);
		t->plain++;
		++*(uint64_t *)vm_page_ptr(sys.phys, m);
		vm_object_lock(obj);
		if (i % 3 == 0)
			vm_page_free(m);
		else
			vm_page_unbusy(m);
		vm_object_unlock(obj);
		vm_page_unhold(sys.phys, m);
	}
	return (NULL);
}

static void
test_busy_threads(void **state)
{
	struct busy_test t = {.obj = make_object()};
	pthread_t th[4];

	(void)state;
	vm_object_unlock(t.obj);
	for (int i = 0; i < 4; i++)
		pthread_create(&th[i], NULL, busy_thread, &t);
	for (int i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	assert_int_equal(t.plain, 4 * 3000);
	vm_object_lock(t.obj);
	free_object(t.obj);
	assert_int_equal(nfree(), FRAMES);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_page_alloc),
	    T(test_page_alloc_refused),
	    T(test_page_rename),
	    T(test_free_of_held_page),
	    T(test_busy_threads),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
