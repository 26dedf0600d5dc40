/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The reverse mapping: the machines of all viewers of a page are asked before
 * the first is waited for.
 */
#include "vm_fixture.h"

#define VIEWERS 6

static struct fixture fx;

static int
setup(void **state)
{
	(void)state;
	return (fixture_init(&fx, 4 << 20, true));
}

static int
teardown(void **state)
{
	(void)state;
	fixture_fini(&fx);
	return (0);
}

/* One removal from several maps waits as long as the slowest machine takes, not
 * as long as all together. */
static void
test_sync_all_at_once(void **state)
{
	struct fake_file file;
	struct vm_object *o = file_open(&fx, &file, 4 * PG);
	struct vmspace *vm[VIEWERS];

	(void)state;
	for (int i = 0; i < VIEWERS; i++) {
		vm[i] = space(&fx);
		map_at(vm[i], BASE, 4 * PG, RW, VMM_SHARED, o, 0);
		store(vm[i], BASE + PG, 1);
	}
	fx.lazy.together = 0;
	vm_object_page_remove(o, 1, 2);
	assert_int_equal(fx.lazy.together, VIEWERS);
	/* Nothing is left to wait for. */
	fx.lazy.syncs = 0;
	vm_object_page_remove(o, 1, 2);
	assert_int_equal(fx.lazy.syncs, 0);
	for (int i = 0; i < VIEWERS; i++)
		vmspace_free(vm[i]);
	file_close(&file, o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_sync_all_at_once, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
