/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Paging under load: threads, the swapcache, whole processes, shrinking, and
 * each allocation of the kernel refused.
 */
#include "vm_swap_testlib.h"
#include "testrand.h"

#include "abi/mman.h"
#include "vm/pager/vnode_pager.h"
#include "vm/pageout/vm_pageout.h"
#include "vm/pager/swap_pager.h"

/* ---- threads ---- */

#define TN 4
#define TPAGES 96

struct worker {
	pthread_t t;
	struct vmspace *vm;
	unsigned id;
	int rounds;
};

static _Atomic(bool) stop;

static void *
why(const char *what)
{
	return ((void *)(uintptr_t)what);
}

/* Random writes to the pages of this thread; sometimes a fork. */
static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	vm_offset_t base = BASE + w->id * TPAGES * PG;
	uint64_t seed = w->id + 1, ver[TPAGES] = {0};
	struct vmspace *c;

	for (int i = 0; i < w->rounds; i++) {
		uint64_t p = rnd_below(&seed, TPAGES), v = 1;

		if (try_load(w->vm, base + p * PG, &v) != 0 || v != ver[p])
			return (why("lost a page"));
		ver[p] = rnd_next(&seed);
		if (try_store(w->vm, base + p * PG, ver[p]) != 0)
			return (why("store"));
		if (rnd_below(&seed, 64) == 0) {
			if (vmspace_fork(w->vm, &c) != 0)
				return (why("fork"));
			p = rnd_below(&seed, TPAGES);
			if (try_load(c, base + p * PG, &v) != 0 || v != ver[p])
				return (why("lost a page of the child"));
			if (try_store(c, base + p * PG, 1) != 0)
				return (why("store in the child"));
			vmspace_free(c);
		}
	}
	return (NULL);
}

static void *
pager_main(void *arg)
{
	while (!atomic_load(&stop)) {
		(void)vm_pageout_reclaim(&fx.sys, 16);
		host_yield();
	}
	return (NULL);
}

static void *
swapper_main(void *arg)
{
	struct swap_area_config cf = {
	    .kind = SWAP_LZ4, .size = 256 * PG, .fd = -1, .priority = 5};
	unsigned area;

	while (!atomic_load(&stop)) {
		if (swap_on(&cf, &area) != 0)
			return (why("swapon"));
		host_sleep_ns(2000000);
		while (vm_swapoff(&fx.sys, area) != 0)
			if (atomic_load(&stop))
				return (NULL);
	}
	return (NULL);
}

static void
test_threads(void **state)
{
	struct worker w[TN];
	pthread_t pager, swapper;
	struct vmspace *vm;
	void *what;

	begin(256);
	area_on(SWAP_FILE, 4096, NULL);
	assert_int_equal(vm_pageout_start(&fx.sys), 0);
	vm = space(&fx);
	map_at(vm, BASE, TN * TPAGES * PG, RW, 0, NULL, 0);
	atomic_store(&stop, false);
	pthread_create(&pager, NULL, pager_main, NULL);
	pthread_create(&swapper, NULL, swapper_main, NULL);
	for (unsigned i = 0; i < TN; i++) {
		w[i] = (struct worker){.vm = vm, .id = i, .rounds = 4000};
		pthread_create(&w[i].t, NULL, worker_main, &w[i]);
	}
	for (unsigned i = 0; i < TN; i++) {
		pthread_join(w[i].t, &what);
		if (what != NULL)
			print_message("worker %u: %s\n", i, (char *)what);
		assert_null(what);
	}
	atomic_store(&stop, true);
	pthread_join(pager, NULL);
	pthread_join(swapper, &what);
	assert_null(what);
	assert_int_equal(fx.oom_calls, 0);
	vm_pageout_stop(&fx.sys);
	check_all(&fx, vm);
	vmspace_free(vm);
	end();
}

/* ---- the swapcache ---- */

static _Atomic(uint64_t) stamp_now = 7;

static int
stamp_of(void *h, uint64_t *stamp)
{
	(void)h;
	klock_assert_none();
	*stamp = atomic_load(&stamp_now);
	return (0);
}

static void
load_all(struct vmspace *vm)
{
	for (uint64_t i = 0; i < 64; i++)
		(void)load(vm, BASE + i * PG);
}

/* A file of 64 pages that may keep `max` in swap, mapped and all read. */
static struct vmspace *
cached_file(struct vm_vnode_ops *ops, struct fake_file *f, uint64_t max,
    vm_prot_t prot, struct vm_object **o)
{
	struct vmspace *vm;

	ops->stamp = stamp_of;
	*o = file_open(&fx, f, 64 * PG);
	(*o)->vops = ops;
	vm_swapcache_set(&fx.sys, max, 0);
	vm = space(&fx);
	map_at(vm, BASE, 64 * PG, prot, VMM_SHARED, *o, 0);
	load_all(vm);
	return (vm);
}

static void
test_swapcache(void **state)
{
	struct vm_vnode_ops ops = file_ops;
	struct fake_file f;
	struct vm_object *o;
	struct vmspace *vm;
	char buf[PG];
	int reads;

	begin(FRAMES);
	area_on(SWAP_LZ4, 1024, NULL);
	vm = cached_file(&ops, &f, 64, RW, &o);
	reads = atomic_load(&f.reads);
	assert_int_equal(page_out(), 64);
	assert_int_equal(swap_space_used(fx.sys.swap), 64);
	assert_int_equal(vm_swapcache_count(&fx.sys), 64);
	check_all(&fx, vm);
	/* Back from swap, without the file. */
	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(
		    (char)load(vm, BASE + i * PG), file_byte(i * PG));
	assert_int_equal(atomic_load(&f.reads), reads);
	assert_true(stat_of(&fx, VMST_CACHEIN) == 64);
	/* A store frees the copy; the page is written to the file, not to
	 * swap. */
	store(vm, BASE + 5 * PG, 1234);
	page_out();
	assert_int_equal(*(uint64_t *)(void *)(f.data + 5 * PG), 1234);
	assert_int_equal(load(vm, BASE + 5 * PG), 1234);
	check_all(&fx, vm);
	/* After write(2) neither the page nor the copy in swap is stale. */
	page_out();
	memset(buf, 'w', PG);
	memcpy(f.data + 9 * PG, buf, PG);
	vnode_pager_update(o, 9 * PG, buf, PG);
	assert_int_equal((char)load(vm, BASE + 9 * PG), 'w');
	/* The file changes: everything is read again. */
	page_out();
	atomic_store(&stamp_now, 8);
	f.data[20 * PG] = 'n';
	reads = atomic_load(&f.reads);
	assert_int_equal((char)load(vm, BASE + 20 * PG), 'n');
	assert_true(atomic_load(&f.reads) > reads);
	check_all(&fx, vm);
	/* Truncation cuts the copies, too. */
	load_all(vm);
	page_out();
	f.size = 10 * PG + 100;
	vnode_pager_setsize(o, f.size);
	assert_true(swap_space_used(fx.sys.swap) <= 10);
	assert_int_equal(vm_munmap(vm, BASE, 64 * PG), 0);
	check_all(&fx, NULL);
	vmspace_free(vm);
	file_close(&f, o);
	end();
}

/* The limit, the rate, and that anonymous memory has priority. */
static void
test_swapcache_limits(void **state)
{
	struct vm_vnode_ops ops = file_ops;
	struct fake_file f;
	struct vm_object *o;
	struct vmspace *vm;
	uint64_t began, allowed;

	begin(FRAMES);
	area_on(SWAP_FILE, 128, NULL);
	vm = cached_file(&ops, &f, 16, VM_PROT_READ, &o);
	assert_int_equal(page_out(), 64);
	assert_int_equal(swap_space_used(fx.sys.swap), 16);
	vm_swapcache_clean(&fx.sys, false);
	assert_int_equal(vm_swapcache_count(&fx.sys), 12);
	/* Two pages a second: two now, and two for each second that this test
	 * takes on a busy machine. */
	began = host_now_ns();
	vm_swapcache_set(&fx.sys, 64, 2);
	load_all(vm);
	vm_swapcache_clean(&fx.sys, true);
	page_out();
	allowed = 2 + (host_now_ns() - began) * 2 / UINT64_C(1000000000);
	assert_true(vm_swapcache_count(&fx.sys) <= 12 + allowed);
	/* Anonymous memory takes all of swap if it must. */
	vm_swapcache_set(&fx.sys, 64, 0);
	load_all(vm);
	page_out();
	assert_true(vm_swapcache_count(&fx.sys) > 14);
	map_at(vm, BASE + 4096 * PG, 240 * PG, RW, VMM_NORESERVE, NULL, 0);
	for (uint64_t i = 0; i < 240; i++)
		store(vm, BASE + (4096 + i) * PG, i);
	assert_int_equal(fx.oom_calls, 0);
	assert_true(vm_swapcache_count(&fx.sys) < 32);
	for (uint64_t i = 0; i < 100; i++)
		assert_int_equal(load(vm, BASE + (4096 + i) * PG), i);
	check_all(&fx, vm);
	vmspace_free(vm);
	file_close(&f, o);
	end();
}

/* A whole address space out, and back; what is shared or locked stays. */
static void
test_swapout(void **state)
{
	struct vmspace *vm, *c;

	begin(512);
	area_on(SWAP_FILE, 1024, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 64 * PG, RW, 0, NULL, 0);
	fill(vm, 64, 1);
	map_at(vm, BASE + 4096 * PG, 8 * PG, RW, VMM_SHARED, NULL, 0);
	store(vm, BASE + 4096 * PG, 4);
	c = fork_of(vm);
	/* All is shared with the child. */
	assert_int_equal(vmspace_swapout(vm), 0);
	vmspace_free(c);
	assert_int_equal(vm_mlock(vm, BASE, 4 * PG, true), 0);
	assert_true(vmspace_swapout(vm) >= 60);
	assert_int_equal(vm_mlock(vm, BASE, 4 * PG, false), 0);
	assert_true(vmspace_swapout(vm) >= 4);
	/* Pages that a shadow hides are not counted: no entry reaches them. */
	assert_true(vmspace_anonymous_count(vm) <= 4);
	check_all(&fx, vm);
	vmspace_swapin(vm);
	assert_true(vmspace_anonymous_count(vm) >= 64);
	verify(vm, 64, 1);
	assert_int_equal(load(vm, BASE + 4096 * PG), 4);
	check_all(&fx, vm);
	vmspace_free(vm);
	end();
}

/* Shrinking an idle system gives everything back. */
static void
test_shrink(void **state)
{
	struct vmspace *vm;

	begin(4096);
	area_on(SWAP_LZ4, 8192, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 2048 * PG, RW, 0, NULL, 0);
	fill(vm, 2048, 3);
	assert_true(vm_system_shrink(&fx.sys, 0) >= 6 * MIB);
	assert_int_equal(fixture_used(&fx), 0);
	check_all(&fx, vm);
	verify(vm, 2048, 3);
	vmspace_free(vm);
	end();
}

/* ---- no memory for the kernel ---- */

static int
tolerate(int error)
{
	assert_true(error == 0 || error == ENOMEM);
	return (error);
}

/*
 * A whole run with the n-th allocation of the host refused: swapon, mmap,
 * faults, pageout, pagein, fork, copy on write, mremap, swapoff. What was
 * stored is read back, and nothing is left. False: there was no n-th
 * allocation.
 */
static bool
refuse(int64_t n)
{
	struct swap_area_config cf = {
	    .kind = SWAP_LZ4, .size = 512 * PG, .fd = -1, .name = "t"};
	vm_offset_t at = BASE, to = 0;
	bool have[64] = {false}, mapped, area_on, fired;
	struct vmspace *vm = NULL, *c = NULL;
	unsigned area;

	begin(FRAMES);
	atomic_store(
	    &fx.host.fail_at, (int64_t)atomic_load(&fx.host.calls) + n);
	area_on = tolerate(swap_on(&cf, &area)) == 0;
	if (tolerate(vmspace_alloc(&fx.sys, &vm)) != 0)
		goto out;
	mapped = tolerate(vm_mmap(vm, &at, 64 * PG, RW, VM_PROT_ALL, VMM_FIXED,
		     NULL, 0)) == 0;
	for (uint64_t i = 0; mapped && i < 64; i++)
		have[i] =
		    tolerate(try_store(vm, BASE + i * PG, value(i, 1))) == 0;
	page_out();
	if (mapped && tolerate(vmspace_fork(vm, &c)) == 0) {
		for (uint64_t i = 0; i < 64; i += 3)
			(void)tolerate(try_store(c, BASE + i * PG, 5));
		page_out();
		vmspace_free(c);
	}
	for (uint64_t i = 0; mapped && i < 64; i += 5)
		if (tolerate(try_store(vm, BASE + i * PG, value(i, 1))) == 0)
			have[i] = true;
	page_out();
	if (mapped && tolerate(vm_mremap(vm, BASE, 64 * PG, 96 * PG,
			  LX_MREMAP_MAYMOVE, &to)) != 0)
		to = BASE;
	if (area_on && tolerate(vm_swapoff(&fx.sys, area)) == 0)
		assert_int_equal(swap_space_size(fx.sys.swap), 0);
	for (uint64_t i = 0; mapped && i < 64; i++) {
		uint64_t v = 0;

		if (tolerate(try_load(vm, to + i * PG, &v)) == 0 && have[i])
			assert_int_equal(v, value(i, 1));
	}
	check_all(&fx, vm);
out:
	fired = (int64_t)atomic_load(&fx.host.calls) >= n &&
		atomic_load(&fx.host.fail_at) <=
		    (int64_t)atomic_load(&fx.host.calls);
	atomic_store(&fx.host.fail_at, 0);
	if (vm != NULL)
		vmspace_free(vm);
	end();
	return (fired);
}

static void
test_nomem(void **state)
{
	int64_t n = 1;

	while (refuse(n)) {
		n++;
		assert_true(n < 1000);
	}
	print_message("%d refused, one at a time\n", (int)n - 1);
	assert_true(n > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_threads),
	    cmocka_unit_test(test_swapcache),
	    cmocka_unit_test(test_swapcache_limits),
	    cmocka_unit_test(test_swapout),
	    cmocka_unit_test(test_shrink),
	    cmocka_unit_test(test_nomem),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
