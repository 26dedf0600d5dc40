/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Faults: zero fill, copy on write and its chains, files, clustering, memory
 * pressure, failure at every step, and all of it in parallel.  Most tests
 * run on the lazy machine of vm_fixture.h.
 */
#include "vm_fixture.h"
#include "testrand.h"

#include "abi/mman.h"
#include "vm/pager/vnode_pager.h"
#include "vm/pageout/vm_pageout.h"

#define MEM ((uint64_t)16 << 20)

static struct fixture fx;

static int
setup(void **state)
{
	(void)state;
	return (fixture_init(&fx, MEM, true));
}

static int
teardown(void **state)
{
	(void)state;
	fixture_fini(&fx);
	return (0);
}

static void
fill(struct vmspace *vm, vm_offset_t va, unsigned pages, uint64_t tag)
{
	for (unsigned i = 0; i < pages; i++)
		store(vm, va + i * PG, tag + i);
}

static void
expect(struct vmspace *vm, vm_offset_t va, unsigned pages, uint64_t tag)
{
	for (unsigned i = 0; i < pages; i++)
		assert_int_equal(load(vm, va + i * PG), tag + i);
}

/* ---- anonymous memory ---- */

static void
test_zero_fill(void **state)
{
	struct vmspace *vm = space(&fx);

	(void)state;
	map_at(vm, BASE, 4 * PG, RW, 0, NULL, 0);
	assert_int_equal(load(vm, BASE + PG), 0);
	store(vm, BASE + PG, 42);
	assert_int_equal(load(vm, BASE + PG), 42);
	assert_int_equal(load(vm, BASE + 3 * PG), 0);
	check_all(&fx, vm);
	/* A frame that was used reads as zero again. */
	assert_int_equal(vm_munmap(vm, BASE, 4 * PG), 0);
	assert_int_equal(fixture_used(&fx), 0);
	map_at(vm, BASE, 4 * PG, RW, 0, NULL, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(load(vm, BASE + i * PG), 0);
	vmspace_free(vm);
}

static void
test_errors(void **state)
{
	struct vmspace *vm = space(&fx);

	(void)state;
	map_at(vm, BASE, PG, VM_PROT_READ, 0, NULL, 0);
	map_at(vm, BASE + PG, PG, VM_PROT_NONE, 0, NULL, 0);
	assert_int_equal(vm_fault(vm, BASE - PG, VM_PROT_READ, 0), EFAULT);
	assert_int_equal(vm_fault(vm, BASE, VM_PROT_WRITE, 0), EACCES);
	assert_int_equal(vm_fault(vm, BASE, VM_PROT_EXECUTE, 0), EACCES);
	assert_int_equal(vm_fault(vm, BASE + PG, VM_PROT_READ, 0), EACCES);
	assert_int_equal(vm_fault(vm, BASE, VM_PROT_READ, 0), 0);
	assert_int_equal(stat_of(&fx, VMST_SEGV), 4);
	assert_int_equal(
	    vm_fault_range(vm, BASE, 3 * PG, VM_PROT_READ), EACCES);
	vmspace_hold(vm);
	vmspace_free(vm);
	assert_int_equal(vm_fault(vm, BASE, VM_PROT_READ, 0), ESRCH);
	vmspace_drop(vm);
}

static void
test_stack(void **state)
{
	struct vmspace *vm = space(&fx);
	vm_offset_t top = BASE + 4096 * PG;

	(void)state;
	vm->stack_limit = 512 * PG;
	map_at(vm, top - PG, PG, RW, VMM_GROWSDOWN | VMM_STACK, NULL, 0);
	for (unsigned i = 1; i <= 400; i++)
		store(vm, top - i * PG, i);
	assert_int_equal(try_store(vm, top - 513 * PG, 1), EFAULT);
	store(vm, top - 512 * PG, 512);
	for (unsigned i = 1; i <= 400; i++)
		assert_int_equal(load(vm, top - i * PG), i);
	check_all(&fx, vm);
	vmspace_free(vm);
}

/* ---- copy on write ---- */

static void
test_cow_basic(void **state)
{
	struct vmspace *p = space(&fx), *c;

	(void)state;
	map_at(p, BASE, 8 * PG, RW, 0, NULL, 0);
	fill(p, BASE, 8, 100);
	c = fork_of(p);
	expect(c, BASE, 8, 100);
	store(c, BASE + PG, 7);
	assert_int_equal(load(p, BASE + PG), 101);
	store(p, BASE + 2 * PG, 8);
	assert_int_equal(load(c, BASE + 2 * PG), 102);
	check_all(&fx, p);
	check_all(&fx, c);
	assert_true(stat_of(&fx, VMST_COW) >= 2);
	vmspace_free(c);
	assert_int_equal(depth_at(p, BASE), 1);
	assert_int_equal(fixture_used(&fx), 8);
	assert_int_equal(load(p, BASE + PG), 101);
	assert_int_equal(load(p, BASE + 2 * PG), 8);
	check_all(&fx, p);
	vmspace_free(p);
}

static void
test_cow_opt(void **state)
{
	struct vmspace *p = space(&fx), *c;
	struct vm_object *o;

	(void)state;
	map_at(p, BASE, 8 * PG, RW, 0, NULL, 0);
	fill(p, BASE, 8, 1);
	o = entry_at(p, BASE)->object;
	c = fork_of(p);
	vmspace_free(c);
	store(p, BASE, 5);
	assert_ptr_equal(entry_at(p, BASE)->object, o);
	assert_int_equal(stat_of(&fx, VMST_COW_OPT), 1);
	assert_int_equal(stat_of(&fx, VMST_COW), 0);
	expect(p, BASE + PG, 7, 2);
	vmspace_free(p);
}

/* Ten thousand children of one process: the chain does not grow. */
static void
test_fork_rounds(void **state)
{
	struct vmspace *p = space(&fx), *c;
	uint64_t mine[8];
	unsigned k;

	(void)state;
	map_at(p, BASE, 8 * PG, RW, 0, NULL, 0);
	fill(p, BASE, 8, 1000);
	for (unsigned i = 0; i < 8; i++)
		mine[i] = 1000 + i;
	for (unsigned r = 0; r < 10000; r++) {
		c = fork_of(p);
		k = r % 8;
		store(p, BASE + k * PG, mine[k] = r + 5);
		store(c, BASE + (r / 3) % 8 * PG, r);
		if (r % 16 == 0)
			for (unsigned i = 0; i < 8; i++)
				assert_int_equal(
				    load(p, BASE + i * PG), mine[i]);
		if (r % 2 == 0) { /* the parent ends, the child goes on */
			for (unsigned i = 0; i < 8; i++)
				mine[i] = load(c, BASE + i * PG);
			vmspace_free(p);
			p = c;
		} else
			vmspace_free(c);
		assert_in_range(depth_at(p, BASE), 1, 2);
		if (r % 1000 == 0)
			check_all(&fx, p);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(load(p, BASE + i * PG), mine[i]);
	assert_in_range(fixture_used(&fx), 8, 16);
	check_all(&fx, p);
	vmspace_free(p);
}

/* Generations that stay alive, and end in both orders. */
static void
test_fork_chain(void **state)
{
	enum { N = 40 };
	struct vmspace *gen[N];

	(void)state;
	for (int order = 0; order < 2; order++) {
		gen[0] = space(&fx);
		map_at(gen[0], BASE, N * PG, RW, 0, NULL, 0);
		fill(gen[0], BASE, N, 0);
		for (unsigned g = 1; g < N; g++) {
			gen[g] = fork_of(gen[g - 1]);
			store(gen[g], BASE + g * PG, 1000 * g);
		}
		for (unsigned k = 0; k < N; k++) {
			unsigned g = order == 0 ? k : N - 1 - k;

			for (unsigned i = 0; i < N; i++)
				assert_int_equal(load(gen[g], BASE + i * PG),
				    i == 0 || i > g ? i : 1000 * i);
			check_all(&fx, gen[g]);
			vmspace_free(gen[g]);
		}
		assert_int_equal(fixture_used(&fx), 0);
	}
}

/* A young shadow in front of a large object: the object takes its place. */
static void
test_collapse_reverse(void **state)
{
	struct vmspace *p = space(&fx), *c;
	struct vm_object *o;
	int64_t soft;

	(void)state;
	map_at(p, BASE, 512 * PG, RW, 0, NULL, 0);
	fill(p, BASE, 512, 1);
	o = entry_at(p, BASE)->object;
	c = fork_of(p);
	store(p, BASE + 3 * PG, 77);
	store(p, BASE + 400 * PG, 78);
	assert_ptr_not_equal(entry_at(p, BASE)->object, o);
	vmspace_free(c);
	assert_ptr_equal(entry_at(p, BASE)->object, o);
	assert_int_equal(o->resident, 512);
	assert_int_equal(fixture_used(&fx), 512);
	check_all(&fx, p);
	/* Translations still exist. */
	soft = stat_of(&fx, VMST_FAULTS);
	assert_int_equal(load(p, BASE + 3 * PG), 77);
	assert_int_equal(load(p, BASE + 400 * PG), 78);
	assert_int_equal(stat_of(&fx, VMST_FAULTS), soft);
	store(p, BASE + 3 * PG, 4);
	store(p, BASE + 400 * PG, 401);
	expect(p, BASE, 512, 1);
	vmspace_free(p);
}

/* Most pages are copied: the others move to the shadow. */
static void
test_collapse_forward(void **state)
{
	struct vmspace *p = space(&fx), *c;
	struct vm_object *s;

	(void)state;
	map_at(p, BASE, 64 * PG, RW, 0, NULL, 0);
	fill(p, BASE, 20, 1);
	c = fork_of(p);
	fill(c, BASE + 10 * PG, 54, 1011);
	s = entry_at(c, BASE)->object;
	vmspace_free(p);
	assert_ptr_equal(entry_at(c, BASE)->object, s);
	assert_int_equal(depth_at(c, BASE), 1);
	assert_int_equal(s->resident, 64);
	check_all(&fx, c);
	expect(c, BASE, 10, 1);
	expect(c, BASE + 10 * PG, 54, 1011);
	vmspace_free(c);
}

/*
 * A child shares a mapping that shadows its ancestor's memory with a
 * grandchild. Both translate to the ancestor's page; when one writes, the
 * translation of the other must be removed (a FreeBSD security fix of 2021).
 */
static void
test_shared_shadow(void **state)
{
	struct vmspace *p = space(&fx), *c, *g;

	(void)state;
	map_at(p, BASE, 4 * PG, RW, 0, NULL, 0);
	fill(p, BASE, 4, 10);
	c = fork_of(p);
	vm_map_lock(&c->map);
	assert_int_equal(
	    vm_map_set_inherit(&c->map, BASE, BASE + 4 * PG, VM_INHERIT_SHARE),
	    0);
	vm_map_unlock(&c->map);
	g = fork_of(c);
	expect(c, BASE, 4, 10);
	expect(g, BASE, 4, 10);
	assert_ptr_equal(entry_at(c, BASE)->object, entry_at(g, BASE)->object);
	store(c, BASE + PG, 99);
	assert_int_equal(load(g, BASE + PG), 99);
	assert_int_equal(load(p, BASE + PG), 11);
	store(g, BASE + 2 * PG, 98);
	assert_int_equal(load(c, BASE + 2 * PG), 98);
	check_all(&fx, c);
	check_all(&fx, g);
	/* The ancestor's pages are freed under translations of two. */
	vmspace_free(p);
	check_all(&fx, c);
	check_all(&fx, g);
	store(c, BASE + 3 * PG, 97);
	assert_int_equal(load(g, BASE + 3 * PG), 97);
	assert_int_equal(load(g, BASE), 10);
	vmspace_free(c);
	assert_int_equal(load(g, BASE + PG), 99);
	vmspace_free(g);
}

/*
 * A child copies every page and so is connected past the common object; the
 * machine must be synced, so that it uses none of that object's pages, before
 * the object is released.
 */
static void
test_bypass_stale(void **state)
{
	struct vmspace *p = space(&fx), *c, *g;

	(void)state;
	map_at(p, BASE, 4 * PG, RW, 0, NULL, 0);
	fill(p, BASE, 4, 10);
	c = fork_of(p);
	g = fork_of(p);
	expect(c, BASE, 4, 10);
	fill(c, BASE, 4, 20);
	vm_object_collapse(entry_at(c, BASE)->object);
	assert_int_equal(stat_of(&fx, VMST_BYPASS), 1);
	assert_int_equal(depth_at(c, BASE), 1);
	vmspace_free(p);
	vmspace_free(g);
	check_all(&fx, c);
	assert_int_equal(fixture_used(&fx), 4);
	expect(c, BASE, 4, 20);
	vmspace_free(c);
}

/* A page that is pinned for I/O survives every change of the mapping. */
static void
test_pinned(void **state)
{
	struct vmspace *p = space(&fx), *c;
	struct vm_page *m;
	uint64_t x;

	(void)state;
	map_at(p, BASE, 4 * PG, RW, 0, NULL, 0);
	fill(p, BASE, 4, 10);
	c = fork_of(p);
	m = pmap_extract_hold(p->pmap, BASE, VM_PROT_READ);
	assert_non_null(m);
	store(p, BASE, 5); /* copies: the pin is on the common page */
	vmspace_free(c);
	vmspace_free(p);
	memcpy(&x, vm_page_ptr(fx.sys.phys, m), 8);
	assert_int_equal(x, 10);
	assert_int_equal(fixture_used(&fx), 1);
	vm_page_unhold(fx.sys.phys, m);
}

/* ---- files ---- */

static void
test_file_private(void **state)
{
	struct fake_file file;
	struct vm_object *v = file_open(&fx, &file, 20 * PG + 100);
	struct vmspace *vm = space(&fx), *c;
	uint64_t x;

	(void)state;
	map_at(vm, BASE, 22 * PG, RW, 0, v, 0);
	memcpy(&x, file.data + 3 * PG, 8);
	assert_int_equal(load(vm, BASE + 3 * PG), x);
	assert_int_equal(atomic_load(&file.reads), 1); /* 16 pages */
	assert_int_equal(stat_of(&fx, VMST_FILE_IN), 16);
	store(vm, BASE + 3 * PG, 1);
	store(vm, BASE + 18 * PG, 2);
	assert_int_equal(memcmp(&x, file.data + 3 * PG, 8), 0);
	/* The tail of the last page is zero; a page beyond it is an error. */
	assert_int_equal(load(vm, BASE + 20 * PG + 104), 0);
	assert_int_equal(try_load(vm, BASE + 21 * PG, &x), EIO);
	assert_int_equal(try_store(vm, BASE + 21 * PG, 1), EIO);
	c = fork_of(vm);
	assert_int_equal(load(c, BASE + 3 * PG), 1);
	store(c, BASE + 3 * PG, 3);
	assert_int_equal(load(vm, BASE + 3 * PG), 1);
	check_all(&fx, vm);
	check_all(&fx, c);
	vmspace_free(vm);
	assert_int_equal(load(c, BASE + 18 * PG), 2);
	check_all(&fx, c);
	vmspace_free(c);
	assert_int_equal(atomic_load(&file.writes), 0);
	file_close(&file, v);
}

static void
test_file_shared(void **state)
{
	struct fake_file file;
	struct vm_object *v = file_open(&fx, &file, 8 * PG);
	struct vmspace *a = space(&fx), *b = space(&fx);
	uint64_t x = 0;

	(void)state;
	map_at(a, BASE, 8 * PG, RW, VMM_SHARED, v, 0);
	map_at(b, BASE, 4 * PG, RW, VMM_SHARED, v, 4 * PG);
	store(a, BASE + 5 * PG, 55);
	assert_int_equal(load(b, BASE + PG), 55);
	store(b, BASE + PG, 56);
	assert_int_equal(load(a, BASE + 5 * PG), 56);
	check_all(&fx, a);
	assert_int_equal(vm_msync(a, BASE, 8 * PG, true), 0);
	memcpy(&x, file.data + 5 * PG, 8);
	assert_int_equal(x, 56);
	assert_int_equal(atomic_load(&file.writes), 1);
	/* The page is clean again: the next store of either process makes it
	 * dirty. */
	store(b, BASE + PG, 57);
	assert_int_equal(vnode_pager_sync(v, 0, 0), 0);
	memcpy(&x, file.data + 5 * PG, 8);
	assert_int_equal(x, 57);
	assert_int_equal(vnode_pager_sync(v, 0, 0), 0);
	assert_int_equal(atomic_load(&file.writes), 2);
	/* A failed write keeps the page dirty. */
	store(a, BASE, 58);
	file.bad_write = true;
	assert_int_equal(vnode_pager_sync(v, 0, 0), EIO);
	file.bad_write = false;
	vmspace_free(a);
	vmspace_free(b);
	file_close(&file, v); /* writes it */
	assert_int_equal(atomic_load(&file.writes), 4);
}

static void
test_file_errors(void **state)
{
	struct fake_file file;
	struct vm_object *v = file_open(&fx, &file, 32 * PG);
	struct vmspace *vm = space(&fx);
	uint64_t x, y;

	(void)state;
	map_at(vm, BASE, 80 * PG, VM_PROT_READ, 0, v, 0);
	file.chunk = 1000; /* short reads are not the end */
	file.bad_read = 5 * PG + 200;
	assert_int_equal(try_load(vm, BASE + 7 * PG, &x), EIO);
	assert_int_equal(try_load(vm, BASE + 4 * PG, &x), 0);
	memcpy(&y, file.data + 4 * PG, 8);
	assert_int_equal(x, y);
	assert_int_equal(try_load(vm, BASE + 5 * PG, &x), EIO);
	file.bad_read = 0;
	assert_int_equal(try_load(vm, BASE + 5 * PG, &x), 0);
	/* The file has grown without a call of vnode_pager_setsize(). */
	assert_int_equal(try_load(vm, BASE + 33 * PG, &x), EIO);
	file.size = 34 * PG;
	assert_int_equal(try_load(vm, BASE + 33 * PG, &x), 0);
	/* The file shrinks after its size was read and before the page is read.
	 */
	file.size = 80 * PG;
	assert_int_equal(try_load(vm, BASE + 40 * PG, &x), 0);
	file.size = 70 * PG;
	assert_int_equal(try_load(vm, BASE + 69 * PG, &x), 0);
	assert_int_equal(try_load(vm, BASE + 72 * PG, &x), EIO);
	check_all(&fx, vm);
	vmspace_free(vm);
	file_close(&file, v);
}

static void
test_truncate(void **state)
{
	struct fake_file file;
	struct vm_object *v = file_open(&fx, &file, 16 * PG);
	struct vmspace *vm = space(&fx);
	uint64_t x;

	(void)state;
	map_at(vm, BASE, 16 * PG, RW, VMM_SHARED, v, 0);
	for (unsigned i = 0; i < 16; i++)
		store(vm, BASE + i * PG, i);
	file.size = 4 * PG + 4;
	vnode_pager_setsize(v, file.size);
	check_all(&fx, vm);
	assert_int_equal(v->resident, 5);
	assert_int_equal(try_load(vm, BASE + 5 * PG, &x), EIO);
	assert_int_equal(load(vm, BASE + 4 * PG), 4);
	assert_int_equal(vnode_pager_sync(v, 0, 0), 0);
	assert_int_equal(file.size, 4 * PG + 4);
	vmspace_free(vm);
	file_close(&file, v);
}

/* ---- clustering ---- */

static void
test_ahead_sequential(void **state)
{
	struct vmspace *vm = space(&fx);
	int64_t n;

	(void)state;
	map_at(vm, BASE, 2048 * PG, RW, 0, NULL, 0);
	fill(vm, BASE, 2048, 1);
	/* 16, 32 .. 512, 512, ...: far fewer faults than pages. */
	n = stat_of(&fx, VMST_FAULTS);
	assert_in_range(n, 2, 12);
	assert_int_equal(stat_of(&fx, VMST_ZFOD), 2048);
	assert_int_equal(stat_of(&fx, VMST_AHEAD), 2048 - n);
	expect(vm, BASE, 2048, 1);
	assert_int_equal(stat_of(&fx, VMST_FAULTS), n);
	check_all(&fx, vm);
	vmspace_free(vm);
}

static void
test_ahead_random(void **state)
{
	struct vmspace *vm = space(&fx);
	unsigned touched = 0;

	(void)state;
	map_at(vm, BASE, 4096 * PG, RW, 0, NULL, 0);
	for (unsigned i = 0; i < 100; i++, touched++)
		store(vm, BASE + (i * 2477 + 64) % 4096 * PG, i);
	assert_in_range(fixture_used(&fx), touched, touched + 20);
	assert_int_equal(vm_madvise(vm, BASE, 4096 * PG, LX_MADV_RANDOM), 0);
	vmspace_free(vm);
	/* MADV_RANDOM from the start: exactly what is touched. */
	vm = space(&fx);
	map_at(vm, BASE, 4096 * PG, RW, 0, NULL, 0);
	assert_int_equal(vm_madvise(vm, BASE, 4096 * PG, LX_MADV_RANDOM), 0);
	fill(vm, BASE + 64 * PG, 10, 1);
	assert_int_equal(fixture_used(&fx), 10);
	vmspace_free(vm);
}

static void
test_around(void **state)
{
	struct vmspace *p = space(&fx), *c;
	int64_t f, a;

	(void)state;
	map_at(p, BASE, 64 * PG, RW, 0, NULL, 0);
	fill(p, BASE, 64, 1);
	c = fork_of(p);
	f = stat_of(&fx, VMST_FAULTS);
	a = stat_of(&fx, VMST_AROUND);
	expect(c, BASE, 64, 1);
	assert_int_equal(stat_of(&fx, VMST_FAULTS) - f, 2);
	assert_int_equal(stat_of(&fx, VMST_AROUND) - a, 62);
	/* Sequential copies are made in clusters. */
	f = stat_of(&fx, VMST_FAULTS);
	fill(c, BASE, 64, 500);
	assert_in_range(stat_of(&fx, VMST_FAULTS) - f, 2, 8);
	assert_int_equal(stat_of(&fx, VMST_COW), 64);
	expect(p, BASE, 64, 1);
	expect(c, BASE, 64, 500);
	check_all(&fx, c);
	vmspace_free(p);
	vmspace_free(c);
}

/* The object in between has some of the neighbours: the file's must not be
 * mapped. */
static void
test_around_through_middle_object(void **state)
{
	struct fake_file file;
	struct vm_object *v = file_open(&fx, &file, 64 * PG);
	struct vmspace *p = space(&fx), *c;
	int64_t f, n;
	uint64_t x;

	(void)state;
	map_at(p, BASE, 64 * PG, RW, 0, v, 0);
	(void)load(p, BASE + 40 * PG);
	store(p, BASE + 20 * PG, 20); /* and copies of 21 to 27 */
	c = fork_of(p);
	n = stat_of(&fx, VMST_COW);
	f = stat_of(&fx, VMST_FAULTS);
	store(c, BASE + 4 * PG, 4);   /* 4 to 11 */
	store(c, BASE + 18 * PG, 18); /* 18 and 19 */
	assert_int_equal(stat_of(&fx, VMST_COW) - n, 10);
	assert_int_equal(stat_of(&fx, VMST_FAULTS) - f, 2);
	assert_int_equal(depth_at(c, BASE), 3);
	pmap_remove(c->pmap, BASE, BASE + 64 * PG);
	f = stat_of(&fx, VMST_FAULTS);
	n = stat_of(&fx, VMST_AROUND);
	for (unsigned i = 0; i < 32; i++) {
		memcpy(&x, file.data + i * PG, 8);
		assert_int_equal(load(c, BASE + i * PG),
		    i == 4 || i == 18 || i == 20 ? i : x);
	}
	/* One in each of the three objects. */
	assert_int_equal(stat_of(&fx, VMST_FAULTS) - f, 3);
	assert_int_equal(stat_of(&fx, VMST_AROUND) - n, 29);
	check_all(&fx, c);
	check_all(&fx, p);
	/* The child does not see what the parent writes from now on. */
	store(p, BASE + PG, 77);
	memcpy(&x, file.data + PG, 8);
	assert_int_equal(load(c, BASE + PG), x);
	vmspace_free(p);
	vmspace_free(c);
	file_close(&file, v);
}

/* ---- pressure ---- */

static void
test_reclaim_under_pressure(void **state)
{
	struct fake_file file;
	struct vm_object *v = file_open(&fx, &file, 8192 * PG);
	struct vmspace *vm = space(&fx);
	uint64_t x;

	(void)state;
	/* A file of twice the memory; most of it is written on the way. */
	map_at(vm, BASE, 8192 * PG, RW, VMM_SHARED, v, 0);
	for (unsigned i = 0; i < 8192; i++) {
		x = load(vm, BASE + i * PG);
		assert_memory_equal(&x, file.data + i * PG, 8);
		if (i % 5 != 0)
			store(vm, BASE + i * PG, i);
	}
	for (unsigned i = 0; i < 8192; i++)
		if (i % 5 != 0)
			assert_int_equal(load(vm, BASE + i * PG), i);
	assert_true(stat_of(&fx, VMST_RECLAIM) > 4096);
	assert_true(stat_of(&fx, VMST_FILE_OUT) > 2048);
	assert_int_equal(fx.oom_calls, 0);
	check_all(&fx, vm);
	vmspace_free(vm);
	file_close(&file, v);
}

static struct vmspace *victim;

static int
oom_kills(struct fixture *f)
{
	(void)f;
	if (victim == NULL)
		return (ENOMEM);
	vmspace_free(victim);
	victim = NULL;
	return (0);
}

static void
test_oom(void **state)
{
	struct vmspace *vm = space(&fx);
	unsigned i;
	int error = 0;

	(void)state;
	victim = space(&fx);
	map_at(victim, BASE, 1024 * PG, RW, 0, NULL, 0);
	fill(victim, BASE, 1024, 1);
	fx.oom = oom_kills;
	map_at(vm, BASE, 4096 * PG, RW, VMM_NORESERVE, NULL, 0);
	map_at(vm, BASE + 8192 * PG, 512 * PG, RW, VMM_NORESERVE, NULL, 0);
	for (i = 0; i < 3800; i++)
		store(vm, BASE + i * PG, i);
	assert_int_equal(fx.oom_calls, 1);
	assert_null(victim);
	for (; i < 4096 && error == 0; i++)
		error = try_store(vm, BASE + i * PG, i);
	for (i = 0; i < 512 && error == 0; i++)
		error = try_store(vm, BASE + (8192 + i) * PG, i);
	assert_int_equal(error, ENOMEM);
	assert_int_equal(fx.oom_calls, 2);
	/* Every frame but the reserve was used before the policy was called. */
	assert_int_equal(atomic_load(&fx.sys.phys->nfree), fx.sys.reserve);
	check_all(&fx, vm);
	vmspace_free(vm);
}

/* ---- failure at every step ---- */

/* Some of every operation, up to the first error. */
static int
scenario(struct fixture *f, struct vm_object *v)
{
	struct vmspace *p = NULL, *c = NULL;
	vm_offset_t va = BASE, fa = BASE + ((uint64_t)1 << 32);
	int error;

	error = vmspace_alloc(&f->sys, &p);
	if (error != 0)
		return (error);
	error = vm_mmap(p, &va, 600 * PG, RW, VM_PROT_ALL, VMM_FIXED, NULL, 0);
	if (error == 0)
		error =
		    vm_mmap(p, &fa, 8 * PG, RW, VM_PROT_ALL, VMM_FIXED, v, 0);
	for (unsigned i = 0; i < 600 && error == 0; i += 7)
		error = try_store(p, BASE + i * PG, i);
	if (error == 0)
		error = try_store(p, fa + PG, 3);
	if (error == 0)
		error = vmspace_fork(p, &c);
	for (unsigned i = 0; i < 600 && error == 0; i += 5) {
		error = try_store(c, BASE + i * PG, i + 1);
		if (error == 0)
			error = try_store(p, BASE + i * PG, i + 2);
	}
	if (error == 0)
		error = try_store(c, fa + PG, 4);
	if (c != NULL)
		vmspace_free(c);
	for (unsigned i = 0; i < 600 && error == 0; i += 7) {
		uint64_t x;

		error = try_load(p, BASE + i * PG, &x);
		if (error == 0)
			assert_int_equal(x, i % 5 == 0 ? i + 2 : i);
	}
	assert_int_equal(vm_check_vmspace(p), 0);
	vmspace_free(p);
	return (error);
}

static void
test_fail_everywhere(void **state)
{
	struct fake_file file;
	struct vm_object *v;
	int64_t base, n = 1;
	int error, failed = 0;

	(void)state;
	do {
		assert_int_equal(fixture_init(&fx, MEM, n % 2 == 0), 0);
		v = file_open(&fx, &file, 8 * PG);
		base = atomic_load(&fx.host.calls);
		atomic_store(&fx.host.fail_at, base + n);
		error = scenario(&fx, v);
		assert_true(error == 0 || error == ENOMEM);
		failed += error != 0;
		base = atomic_load(&fx.host.calls) - base;
		file_close(&file, v);
		fixture_fini(&fx);
	} while (n++ <= base);
	assert_true(failed >= 3);
}

static void
bare_object_ctor(void *item)
{
	struct vm_object *o = item;

	memset(o, 0, sizeof(*o));
	kmutex_init(&o->lock, "vm_object", KRANK_OBJECT, KLOCK_DUPOK);
	kcond_init(&o->busy_cond);
}

static void
bare_vmspace_ctor(void *item)
{
	memset(item, 0, sizeof(struct vmspace));
}

/* Put a zone with a limit in the place of one of the system's. */
static void
limit_zone(struct vm_system *sys, unsigned which, uint64_t limit)
{
	const struct {
		size_t size;
		void (*ctor)(void *);
		struct vm_zone **zone;
	} z[] = {
	    {sizeof(struct vm_map_entry), NULL, &sys->z_entry},
	    {sizeof(struct vm_object), bare_object_ctor, &sys->z_object},
	    {RADIX_NODE_SIZE, NULL, &sys->z_radix},
	    {4096, NULL, &sys->z_pmap_node},
	    {sizeof(struct vmspace), bare_vmspace_ctor, &sys->z_vmspace},
	    {sizeof(struct pmap), NULL, &sys->z_pmap},
	};
	struct radix_alloc *ra = (void *)(uintptr_t)sys->radix_alloc;

	assert_int_equal(vm_zone_create(sys->zones, "limited", z[which].size,
			     64, z[which].ctor == NULL ? ZF_ZERO : 0,
			     z[which].ctor, NULL, limit, z[which].zone),
	    0);
	ra->arg = sys->z_radix;
}

/* Refuse each item of each kind that the scenario needs. */
static void
test_fail_items(void **state)
{
	struct fake_file file;
	struct vm_object *v;
	int error, failed = 0;

	(void)state;
	for (unsigned which = 0; which < 6; which++) {
		error = ENOMEM;
		for (uint64_t limit = 1; error != 0; limit++) {
			assert_int_equal(fixture_init(&fx, MEM, true), 0);
			limit_zone(&fx.sys, which, limit);
			v = file_open(&fx, &file, 8 * PG);
			error = scenario(&fx, v);
			assert_true(error == 0 || error == ENOMEM);
			failed += error != 0;
			file_close(&file, v);
			fixture_fini(&fx);
		}
	}
	assert_in_range(failed, 20, 200);
}

/* The same with few frames, so that page allocation is what fails. */
static void
test_fail_frames(void **state)
{
	struct fake_file file;
	struct vm_object *v;

	(void)state;
	for (uint64_t frames = 8; frames < 800; frames += 37) {
		assert_int_equal(fixture_init(&fx, frames * PG, true), 0);
		v = file_open(&fx, &file, 8 * PG);
		assert_int_equal(scenario(&fx, v) & ~ENOMEM, 0);
		file_close(&file, v);
		fixture_fini(&fx);
	}
}

/* ---- parallel ---- */

#define WORKERS 4
#define SHARED_PAGES 256

struct worker {
	struct vmspace *vm;
	unsigned id;
	_Atomic(bool) *stop;
	struct fake_file *file;
	struct vm_object *v;
};

/* Each thread owns the words at its own offset in every page. */
static void
worker_run(void *arg)
{
	struct worker *w = arg;
	uint64_t seed = w->id + 1, mine[SHARED_PAGES] = {0}, off = w->id * 8;
	struct vmspace *c = NULL;

	for (unsigned i = 0; i < 3000; i++) {
		unsigned p = (unsigned)rnd_below(&seed, SHARED_PAGES);
		vm_offset_t va = BASE + p * PG + off;

		if (load(w->vm, va) != mine[p])
			abort();
		mine[p] = rnd_next(&seed);
		store(w->vm, va, mine[p]);
		if (i % 64 == 0) {
			if (c != NULL)
				vmspace_free(c);
			c = fork_of(w->vm);
		}
		if (c != NULL && i % 3 == 0)
			store(c, va, i);
		if (i % 5 == 0)
			(void)load(w->vm, BASE + (1024 + p % 64) * PG);
	}
	if (c != NULL)
		vmspace_free(c);
}

static void
disturber_run(void *arg)
{
	struct worker *w = arg;
	uint64_t seed = 99;

	while (!atomic_load(w->stop)) {
		switch (rnd_below(&seed, 4)) {
		case 0:
			(void)vm_pageout_reclaim(w->vm->sys, 16);
			break;
		case 1:
			(void)vnode_pager_sync(w->v, 0, 0);
			break;
		case 2:
			pmap_remove(w->vm->pmap, BASE, BASE + 64 * PG);
			pmap_sync(w->vm->pmap);
			break;
		default:
			vm_object_page_remove(w->v, 8, 24);
			break;
		}
		host_yield();
	}
}

static void
test_parallel(void **state)
{
	struct host_thread *t[WORKERS], *d;
	struct worker w[WORKERS];
	struct fake_file file;
	struct vm_object *v = file_open(&fx, &file, 64 * PG);
	struct vmspace *vm = space(&fx);
	_Atomic(bool) stop = false;

	(void)state;
	map_at(vm, BASE, SHARED_PAGES * PG, RW, 0, NULL, 0);
	map_at(vm, BASE + 1024 * PG, 64 * PG, RW, VMM_SHARED, v, 0);
	for (unsigned i = 0; i < WORKERS; i++) {
		w[i] = (struct worker){vm, i, &stop, &file, v};
		assert_int_equal(
		    host_thread_create(&t[i], "worker", worker_run, &w[i]), 0);
	}
	assert_int_equal(
	    host_thread_create(&d, "disturber", disturber_run, &w[0]), 0);
	for (unsigned i = 0; i < WORKERS; i++)
		host_thread_join(t[i]);
	atomic_store(&stop, true);
	host_thread_join(d);
	check_all(&fx, vm);
	vmspace_free(vm);
	file_close(&file, v);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_zero_fill),
	    T(test_errors),
	    T(test_stack),
	    T(test_cow_basic),
	    T(test_cow_opt),
	    T(test_fork_rounds),
	    T(test_fork_chain),
	    T(test_collapse_reverse),
	    T(test_collapse_forward),
	    T(test_shared_shadow),
	    T(test_bypass_stale),
	    T(test_pinned),
	    T(test_file_private),
	    T(test_file_shared),
	    T(test_file_errors),
	    T(test_truncate),
	    T(test_ahead_sequential),
	    T(test_ahead_random),
	    T(test_around),
	    T(test_around_through_middle_object),
	    T(test_reclaim_under_pressure),
	    T(test_oom),
	    cmocka_unit_test(test_fail_everywhere),
	    cmocka_unit_test(test_fail_items),
	    cmocka_unit_test(test_fail_frames),
	    T(test_parallel),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
