/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Served ranges: which faults are reported, what fills a page, protection, and
 * what is left of a registration.
 */
#include "vm_testlib.h"

#include "vm/fault/vm_uffd.h"
#include "vm/map/vm_map_int.h"

/* A server that makes pages within the wait. */
struct server {
	struct vm_uffd u; /* comes first */
	unsigned reports, freed;
	struct vm_uffd_fault last;
	bool must;  /* what vm_uffd_must_wait() said */
	bool idle;  /* makes nothing */
	int result; /* of the wait */
	char page[PAGE_SIZE];
};

static int
serve(struct vm_uffd *u, const struct vm_uffd_fault *f)
{
	struct server *s = (struct server *)u;
	vm_offset_t va = trunc_page(f->va);

	s->reports++;
	s->last = *f;
	s->must = vm_uffd_must_wait(u, f);
	if (s->idle)
		return (s->result);
	if (f->wp)
		assert_int_equal(vm_uffd_protect(u, va, va + PG, false), 0);
	else
		assert_int_equal(vm_uffd_fill(u, va, s->page, false), 0);
	assert_false(vm_uffd_must_wait(u, f));
	return (ERESTART);
}

static void
server_free(struct vm_uffd *u)
{
	((struct server *)u)->freed++;
	vmspace_drop(u->vm);
}

static const struct vm_uffd_ops ops = {.wait = serve, .free = server_free};

static void
server_init(struct server *s, struct vmspace *vm)
{
	memset(s, 0, sizeof(*s));
	vmspace_hold(vm);
	vm_uffd_init(&s->u, &ops, vm);
	memset(s->page, 0x55, sizeof(s->page));
	s->result = EIO;
}

static void
server_fini(struct server *s)
{
	vm_uffd_detach(&s->u);
	vm_uffd_drop(&s->u);
	assert_int_equal(s->freed, 1);
}

#define FIVES UINT64_C(0x5555555555555555)

static void
test_missing(void **state)
{
	struct fixture ts;
	struct vmspace *vm, *child;
	struct server s;

	ts_init(&ts, 4 << 20);
	vm = space(&ts);
	ts_map(vm, BASE, 16, RW);
	server_init(&s, vm);
	ts_put(vm, BASE, 7);
	assert_int_equal(vm_madvise(vm, BASE + PG, 15 * PG, 4), 0);
	assert_int_equal(
	    vm_uffd_register(&s.u, BASE, BASE + 16 * PG, true, false), 0);
	ts_check(vm);
	assert_int_equal(ts_get(vm, BASE), 7);
	assert_int_equal(s.reports, 0);
	assert_int_equal(ts_get(vm, BASE + 3 * PG + 8), FIVES);
	assert_int_equal(s.reports, 1);
	assert_true(s.must && !s.last.write && !s.last.wp && !s.last.user);
	assert_int_equal(s.last.va, BASE + 3 * PG + 8);
	/* A store; only that page was made. */
	ts_put(vm, BASE + 4 * PG, 1);
	assert_true(s.last.write && s.reports == 2);
	assert_int_equal(ts_get(vm, BASE + 4 * PG + 8), FIVES);
	assert_int_equal(
	    vm_uffd_fill(&s.u, BASE + 4 * PG, NULL, false), EEXIST);
	assert_int_equal(vm_uffd_fill(&s.u, BASE + 5 * PG, NULL, false), 0);
	assert_int_equal(ts_get(vm, BASE + 5 * PG), 0);
	assert_int_equal(
	    vm_uffd_fill(&s.u, BASE + 16 * PG, NULL, false), ENOENT);
	assert_int_equal(vm_uffd_fill(&s.u, BASE + 6 * PG, NULL, true), ENOENT);

	/* A child is not served; the parent is, with a shadow in front. */
	assert_int_equal(vmspace_fork(vm, &child), 0);
	ts_check(child);
	assert_int_equal(ts_get(child, BASE + 6 * PG), 0);
	assert_int_equal(ts_get(child, BASE + 4 * PG), 1);
	assert_int_equal(s.reports, 2);
	ts_put(vm, BASE + 4 * PG, 2);
	ts_put(vm, BASE + 7 * PG, 3);
	assert_int_equal(s.reports, 3);
	assert_int_equal(ts_get(child, BASE + 4 * PG), 1);
	assert_int_equal(ts_get(child, BASE + 7 * PG), 0);
	vmspace_free(child);

	/* A page can be made where user code has no rights. */
	assert_int_equal(vm_mprotect(vm, BASE + 8 * PG, PG, VM_PROT_NONE), 0);
	assert_int_equal(vm_uffd_fill(&s.u, BASE + 8 * PG, s.page, false), 0);
	assert_int_equal(vm_mprotect(vm, BASE + 8 * PG, PG, RW), 0);
	assert_int_equal(ts_get(vm, BASE + 8 * PG), FIVES);
	server_fini(&s);
	assert_int_equal(ts_get(vm, BASE + 9 * PG), 0);
	assert_int_equal(s.reports, 3);
	assert_int_equal(ts_entries(vm), 1);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

static void
test_protect(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	struct server s;
	uint64_t val = 9;

	ts_init(&ts, 4 << 20);
	vm = space(&ts);
	ts_map(vm, BASE, 8, RW);
	server_init(&s, vm);
	assert_int_equal(
	    vm_uffd_register(&s.u, BASE, BASE + 8 * PG, false, true), 0);
	ts_put(vm, BASE, 1);
	ts_put(vm, BASE + PG, 2);
	assert_int_equal(vm_uffd_protect(&s.u, BASE, BASE + 4 * PG, true), 0);
	ts_check(vm);
	assert_int_equal(ts_get(vm, BASE), 1);
	assert_int_equal(s.reports, 0);
	ts_put(vm, BASE, 5);
	assert_true(s.reports == 1 && s.last.wp && s.last.write && s.must);
	assert_int_equal(ts_get(vm, BASE), 5);
	/* An absent page has no protection, unless that was asked for. */
	ts_put(vm, BASE + 2 * PG, 3);
	assert_int_equal(s.reports, 1);
	atomic_store(&s.u.unpopulated, true);
	ts_put(vm, BASE + 3 * PG, 3);
	assert_int_equal(s.reports, 2);
	/* A server that says no, and one that is interrupted. */
	s.idle = true;
	assert_int_equal(copyout(vm, &val, BASE + PG, sizeof(val)), EFAULT);
	s.result = EINTR;
	assert_int_equal(copyout(vm, &val, BASE + PG, sizeof(val)), EFAULT);
	assert_int_equal(
	    vm_fault(vm, BASE + PG, VM_PROT_WRITE, VM_FAULT_USER), 0);
	assert_true(s.last.user);
	assert_int_equal(ts_get(vm, BASE + PG), 2);
	server_fini(&s);
	ts_put(vm, BASE + PG, 4);
	assert_int_equal(ts_entries(vm), 1);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

static void
test_errors(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	struct vm_object *obj;
	struct server s, other;
	vm_offset_t a = BASE + 8 * PG;

	ts_init(&ts, 4 << 20);
	obj = paged_file_open(&ts);
	vm = space(&ts);
	ts_map(vm, BASE, 4, RW);
	assert_int_equal(vm_mmap(vm, &a, PG, R, ALL, VMM_FIXED, obj, 0), 0);
	server_init(&s, vm);
	server_init(&other, vm);
#define REG(u, lo, hi) \
	vm_uffd_register(u, BASE + (lo)*PG, BASE + (hi)*PG, true, false)
	assert_int_equal(REG(&s.u, 5, 7), EINVAL);
	assert_int_equal(REG(&s.u, 0, 9), EINVAL);
	assert_int_equal(REG(&s.u, 1, 6), 0);
	assert_int_equal(REG(&other.u, 0, 2), EBUSY);
	assert_int_equal(
	    vm_uffd_unregister(&other.u, BASE, BASE + 2 * PG), EINVAL);
	assert_int_equal(vm_uffd_protect(&s.u, BASE, BASE + PG, true), ENOENT);
	assert_int_equal(
	    vm_uffd_covers(&s.u, BASE + PG, BASE + 4 * PG, false), 0);
	assert_int_equal(
	    vm_uffd_covers(&s.u, BASE + PG, BASE + 5 * PG, false), ENOENT);
	assert_int_equal(vm_uffd_unregister(&s.u, BASE, BASE + 2 * PG), 0);
	assert_int_equal(ts_get(vm, BASE + PG), 0);
	assert_int_equal(s.reports, 0);
	/* The memory goes first. */
	vmspace_hold(vm);
	vmspace_free(vm);
	assert_int_equal(REG(&s.u, 0, 1), ESRCH);
	assert_int_equal(vm_uffd_fill(&s.u, BASE, NULL, false), ESRCH);
	server_fini(&s);
	server_fini(&other);
	vmspace_drop(vm);
	file_close(&file, obj);
	fixture_fini(&ts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_missing),
	    cmocka_unit_test(test_protect),
	    cmocka_unit_test(test_errors),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
