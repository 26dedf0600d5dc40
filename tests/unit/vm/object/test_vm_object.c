/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Objects without maps: lifetime, chains, collapse and bypass, page removal,
 * reclaim.  test_vm_fault.c tests objects with maps.
 */
#include "vm_fixture.h"
#include "vm/pager/vnode_pager.h"
#include "vm/pageout/vm_pageout.h"

static struct fixture fx;

static int
setup(void **state)
{
	(void)state;
	return (fixture_init(&fx, 16 << 20, true));
}

static int
teardown(void **state)
{
	(void)state;
	fixture_fini(&fx);
	return (0);
}

static struct vm_object *
anon(vm_pindex_t size)
{
	struct vm_object *o;

	assert_int_equal(
	    vm_object_allocate(&fx.sys, OBJT_DEFAULT, size, &o), 0);
	return (o);
}

/* Put a valid page with contents `v` at idx. */
static void
put(struct vm_object *o, vm_pindex_t idx, uint64_t v)
{
	struct vm_page *m;

	vm_object_lock(o);
	m = vm_page_alloc(o, idx);
	assert_non_null(m);
	memset(vm_page_ptr(fx.sys.phys, m), 0, PG);
	memcpy(vm_page_ptr(fx.sys.phys, m), &v, sizeof(v));
	m->flags = (m->flags & ~(uint32_t)PG_ZEROED) | PG_VALID;
	vm_page_unbusy(m);
	vm_object_unlock(o);
}

/* The first word of page idx, found through the chain; 0: there is no page. */
static uint64_t
see(struct vm_object *o, vm_pindex_t idx)
{
	struct vm_page *m;
	uint64_t v = 0;

	for (; o != NULL; idx += OFF_TO_IDX(o->backing_off), o = o->backing) {
		vm_object_lock(o);
		m = vm_page_lookup(o, idx);
		if (m != NULL)
			memcpy(&v, vm_page_ptr(fx.sys.phys, m), sizeof(v));
		vm_object_unlock(o);
		if (m != NULL || idx >= o->size)
			break;
	}
	return (v);
}

/* Put a shadow in front of `o`; it takes the caller's ref over. */
static struct vm_object *
shadow(struct vm_object *o, vm_pindex_t off, vm_pindex_t size)
{
	struct vm_object *s = o;
	vm_ooffset_t oo = IDX_TO_OFF(off);

	vm_object_ref(o);
	assert_int_equal(vm_object_shadow(&s, &oo, IDX_TO_OFF(size)), 0);
	assert_ptr_not_equal(s, o);
	assert_int_equal(oo, 0);
	return (s);
}

static void
test_refs_and_holds(void **state)
{
	struct vm_object *o = anon(4), *p = anon(4);

	(void)state;
	assert_true(o->id != 0 && p->id > o->id);
	put(o, 1, 11);
	vm_object_ref(o);
	vm_object_free(o);
	assert_int_equal(see(o, 1), 11);
	/* A hold keeps the structure, not the memory. */
	vm_object_hold(o);
	vm_object_free(o);
	assert_int_equal(fixture_used(&fx), 0);
	assert_true((o->flags & OBJ_DEAD) != 0);
	assert_true(vm_object_tryhold(o));
	vm_object_drop(o);
	vm_object_drop(o);
	vm_object_free(p);
}

static void
test_shadow_private(void **state)
{
	struct vm_object *o = anon(8), *s = o;
	vm_ooffset_t off = 2 * PG;

	(void)state;
	assert_int_equal(vm_object_shadow(&s, &off, 4 * PG), 0);
	assert_ptr_equal(s, o);
	assert_int_equal(off, 2 * PG);
	/* Named memory is never private. */
	o->flags |= OBJ_NAMED;
	assert_int_equal(vm_object_shadow(&s, &off, 4 * PG), 0);
	assert_ptr_not_equal(s, o);
	assert_int_equal(s->size, 4);
	assert_int_equal(s->backing_off, 2 * PG);
	assert_int_equal(vm_object_chain_depth(s), 2);
	check_all(&fx, NULL);
	vm_object_free(s);
}

static void
test_long_chain(void **state)
{
	struct vm_object *o = anon(4);

	(void)state;
	put(o, 0, 5);
	for (int i = 0; i < 10000; i++) {
		vm_ooffset_t off = 0;

		o->flags |= OBJ_NAMED; /* prevents the collapse */
		assert_int_equal(vm_object_shadow(&o, &off, 4 * PG), 0);
	}
	assert_int_equal(vm_object_chain_depth(o), 10001);
	assert_int_equal(see(o, 0), 5);
	vm_object_free(o);
}

static void
test_collapse_forward(void **state)
{
	struct vm_object *b = anon(16), *s;

	(void)state;
	for (vm_pindex_t i = 0; i < 16; i++)
		if (i != 9)
			put(b, i, 100 + i);
	s = shadow(b, 4, 8);
	put(s, 1, 201);
	vm_object_collapse(s); /* two users: no collapse */
	assert_int_equal(vm_object_chain_depth(s), 2);
	vm_object_free(b); /* it collapses into the lone shadow */
	assert_int_equal(vm_object_chain_depth(s), 1);
	assert_int_equal(s->resident, 7);
	assert_int_equal(fixture_used(&fx), 7);
	for (vm_pindex_t i = 0; i < 8; i++)
		assert_int_equal(see(s, i), i == 1   ? 201
					    : i == 5 ? 0
						     : 104 + i);
	check_all(&fx, NULL);
	vm_object_free(s);
}

static void
test_collapse_offsets(void **state)
{
	struct vm_object *c = anon(32), *b, *s;

	(void)state;
	for (vm_pindex_t i = 0; i < 32; i++)
		put(c, i, 300 + i);
	b = shadow(c, 8, 16);
	put(b, 3, 403);
	s = shadow(b, 2, 8);
	put(s, 0, 500);
	vm_object_free(b); /* collapses into s, which gets c behind */
	assert_ptr_equal(s->backing, c);
	assert_int_equal(s->backing_off, 10 * PG);
	assert_int_equal(see(s, 0), 500);
	assert_int_equal(see(s, 1), 403);
	assert_int_equal(see(s, 7), 317);
	check_all(&fx, NULL);
	vm_object_free(c);
	assert_int_equal(vm_object_chain_depth(s), 1);
	assert_int_equal(s->resident, 8);
	vm_object_free(s);
}

static void
test_collapse_refusals(void **state)
{
	struct vm_object *b = anon(4), *s;

	(void)state;
	put(b, 0, 1);
	s = shadow(b, 0, 4);
	vm_object_lock(s);
	vm_object_paging_begin(s);
	vm_object_unlock(s);
	vm_object_free(b);
	assert_int_equal(vm_object_chain_depth(s), 2);
	vm_object_lock(s);
	vm_object_paging_end(s);
	vm_object_unlock(s);
	/* A busy page. */
	vm_object_lock(s->backing);
	assert_true(vm_page_busy_try(vm_page_lookup(s->backing, 0)));
	vm_object_unlock(s->backing);
	vm_object_collapse(s);
	assert_int_equal(vm_object_chain_depth(s), 2);
	vm_object_lock(s->backing);
	vm_page_unbusy(vm_page_lookup(s->backing, 0));
	vm_object_unlock(s->backing);
	vm_object_collapse(s);
	assert_int_equal(vm_object_chain_depth(s), 1);
	assert_int_equal(see(s, 0), 1);
	vm_object_free(s);
}

static void
test_bypass_empty(void **state)
{
	struct vm_object *c = anon(8), *b, *s;

	(void)state;
	put(c, 2, 7);
	b = shadow(c, 0, 8);
	put(b, 6, 8);
	s = shadow(b, 1, 4); /* b has nothing at 1..4 */
	vm_object_collapse(s);
	assert_ptr_equal(s->backing, c);
	assert_int_equal(see(s, 1), 7);
	assert_int_equal(stat_of(&fx, VMST_BYPASS), 1);
	check_all(&fx, NULL);
	vm_object_free(b);
	vm_object_free(c);
	assert_int_equal(vm_object_chain_depth(s), 1);
	assert_int_equal(see(s, 1), 7);
	vm_object_free(s);
}

static void
test_bypass_covered(void **state)
{
	struct vm_object *b = anon(4), *s;

	(void)state;
	for (vm_pindex_t i = 0; i < 4; i++)
		put(b, i, 10 + i);
	s = shadow(b, 0, 4);
	for (vm_pindex_t i = 0; i < 4; i++)
		put(s, i, 20 + i);
	vm_object_collapse(s);
	assert_null(s->backing);
	check_all(&fx, NULL);
	assert_int_equal(see(b, 3), 13);
	assert_int_equal(see(s, 3), 23);
	vm_object_free(b);
	vm_object_free(s);
}

static void
test_bypass_to_file(void **state)
{
	struct fake_file file;
	struct vm_object *v = file_open(&fx, &file, 8 * PG), *b, *s;

	(void)state;
	b = shadow(v, 0, 8);
	assert_int_equal(atomic_load(&file.refs), 1);
	s = shadow(b, 0, 8);
	vm_object_collapse(s);
	assert_ptr_equal(s->backing, v);
	assert_int_equal(atomic_load(&file.refs), 2);
	assert_int_equal(v->shadow_count, 2);
	check_all(&fx, NULL);
	vm_object_free(b);
	assert_int_equal(atomic_load(&file.refs), 1);
	vm_object_free(s);
	file_close(&file, v);
}

static void
test_page_remove(void **state)
{
	struct vm_object *o = anon(64);
	struct vm_page *m;

	(void)state;
	for (vm_pindex_t i = 0; i < 64; i += 2)
		put(o, i, i + 1);
	vm_object_page_remove(o, 10, 20);
	assert_int_equal(o->resident, 27);
	assert_int_equal(see(o, 8), 9);
	assert_int_equal(see(o, 10), 0);
	assert_int_equal(see(o, 20), 21);
	/* A pinned frame outlives its page. */
	vm_object_lock(o);
	m = vm_page_lookup(o, 20);
	vm_page_hold(m);
	vm_object_unlock(o);
	vm_object_page_remove(o, 0, UINT64_MAX);
	assert_int_equal(fixture_used(&fx), 1);
	vm_page_unhold(fx.sys.phys, m);
	vm_object_free(o);
}

/* Read page idx into the vnode object. */
static void
file_in(struct vm_object *v, vm_pindex_t idx, unsigned n)
{
	struct vm_page *run;
	unsigned got;

	vm_object_lock(v);
	got = vm_page_alloc_run(v, idx, n, &run);
	assert_int_equal(got, n);
	vm_object_hold(v);
	vm_object_paging_begin(v);
	vm_object_unlock(v);
	assert_int_equal(vnode_pager_fill(v, run, n, 0), 0);
	vm_object_drop(v);
}

static void
test_reclaim_spares_wired_and_held(void **state)
{
	struct fake_file file;
	struct vm_object *v = file_open(&fx, &file, 64 * PG);
	struct vm_page *m;

	(void)state;
	file_in(v, 0, 16);
	file_in(v, 16, 16);
	assert_int_equal(v->resident, 32);
	vm_object_lock(v);
	vm_page_lookup(v, 0)->wire = 1;
	m = vm_page_lookup(v, 1);
	vm_page_hold(m);
	vm_page_lookup(v, 2)->flags |= PG_DIRTY;
	((char *)vm_page_ptr(fx.sys.phys, vm_page_lookup(v, 2)))[0] = 99;
	vm_object_unlock(v);
	assert_int_equal(vm_pageout_reclaim(&fx.sys, 8), 8);
	assert_int_equal(v->resident, 24);
	/* All pages but the wired and the held one; the dirty one is written.
	 */
	assert_int_equal(vm_pageout_reclaim(&fx.sys, 1000), 22);
	assert_int_equal(v->resident, 2);
	assert_int_equal(file.data[2 * PG], 99);
	assert_int_equal(vm_pageout_reclaim(&fx.sys, 1), 0);
	vm_object_lock(v);
	vm_page_lookup(v, 0)->wire = 0;
	vm_object_unlock(v);
	vm_page_unhold(fx.sys.phys, m);
	file_close(&file, v);
}

static void
test_read_and_write_use_pages(void **state)
{
	struct fake_file file;
	struct vm_object *v = file_open(&fx, &file, 4 * PG);
	static char buf[4 * PG];
	size_t done = 0;

	(void)state;
	file_in(v, 0, 4);
	vm_object_lock(v);
	memset(vm_page_ptr(fx.sys.phys, vm_page_lookup(v, 1)), 'D', PG);
	vm_page_lookup(v, 1)->flags |= PG_DIRTY;
	vm_object_unlock(v);
	/* read(2) across clean and dirty pages */
	file_read(&file, 100, buf, sizeof(buf) - 200, &done);
	vnode_pager_overlay(v, 100, buf, done);
	for (size_t i = 0; i < done; i++)
		assert_int_equal(
		    buf[i], (i + 100) / PG == 1 ? 'D' : file_byte(i + 100));
	/* write(2) reaches the pages */
	memset(buf, 'W', PG);
	file_write(&file, 2 * PG + 7, buf, PG, &done);
	vnode_pager_update(v, 2 * PG + 7, buf, PG);
	vm_object_lock(v);
	assert_int_equal(
	    ((char *)vm_page_ptr(fx.sys.phys, vm_page_lookup(v, 2)))[7], 'W');
	assert_int_equal(
	    ((char *)vm_page_ptr(fx.sys.phys, vm_page_lookup(v, 3)))[6], 'W');
	assert_int_equal(
	    ((char *)vm_page_ptr(fx.sys.phys, vm_page_lookup(v, 3)))[7],
	    file_byte(3 * PG + 7));
	vm_object_unlock(v);
	/* A failing write-back keeps the page dirty and returns the error. */
	file.bad_write = true;
	assert_int_equal(vnode_pager_sync(v, 0, 0), EIO);
	file.bad_write = false;
	assert_int_equal(vnode_pager_sync(v, 2 * PG, PG), 0);
	assert_int_not_equal(file.data[PG], 'D');
	assert_int_equal(vnode_pager_sync(v, 0, 0), 0);
	assert_int_equal(file.data[PG], 'D');
	/* Truncation inside a page zeroes its tail. */
	file.size = PG + 10;
	vnode_pager_setsize(v, file.size);
	assert_int_equal(v->resident, 2);
	assert_int_equal(v->size, 2);
	vm_object_lock(v);
	assert_int_equal(
	    ((char *)vm_page_ptr(fx.sys.phys, vm_page_lookup(v, 1)))[9], 'D');
	assert_int_equal(
	    ((char *)vm_page_ptr(fx.sys.phys, vm_page_lookup(v, 1)))[10], 0);
	vm_object_unlock(v);
	file_close(&file, v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_refs_and_holds, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_shadow_private, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_long_chain, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_collapse_forward, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_collapse_offsets, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_collapse_refusals, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bypass_empty, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_bypass_covered, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_bypass_to_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_page_remove, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_reclaim_spares_wired_and_held, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_read_and_write_use_pages, setup, teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
