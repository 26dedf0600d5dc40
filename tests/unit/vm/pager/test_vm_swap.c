/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Paging to swap and back: objects, faults, pageout, swapoff.
 */
#include "vm_swap_testlib.h"
#include "testrand.h"

#include "abi/mman.h"
#include "vm/pager/swap_pager.h"

/* ---- out and in ---- */

static void
round_trip(enum swap_kind kind)
{
	struct vmspace *vm;
	struct vmspace_stat st;

	begin(FRAMES);
	area_on(kind, FRAMES, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 64 * PG, RW, 0, NULL, 0);
	fill(vm, 64, 1);
	assert_int_equal(page_out(), 64);
	assert_int_equal(fixture_used(&fx), 0);
	assert_int_equal(swap_space_used(fx.sys.swap), 64);
	assert_int_equal(vmspace_swap_count(vm), 64);
	assert_int_equal(vmspace_anonymous_count(vm), 0);
	assert_int_equal(entry_at(vm, BASE)->object->type, OBJT_SWAP);
	check_all(&fx, vm);
	verify(vm, 64, 1);
	vmspace_stat(vm, &st);
	assert_int_equal(st.anon, 64 * PG);
	assert_int_equal(st.swap, 0);
	assert_true(st.majflt > 0);
	check_all(&fx, vm);
	fill(vm, 64, 2);
	check_all(&fx, vm);
	assert_int_equal(page_out(), 64);
	verify(vm, 64, 2);
	vmspace_free(vm);
	end();
}

static void
test_file(void **state)
{
	round_trip(SWAP_FILE);
}

static void
test_lz4(void **state)
{
	round_trip(SWAP_LZ4);
}

static void
test_zstd(void **state)
{
	round_trip(SWAP_ZSTD);
}

/* A page that was only read is paged out again without a write. */
static void
test_clean_copy(void **state)
{
	struct vmspace *vm;
	int64_t out;

	begin(FRAMES);
	area_on(SWAP_FILE, 1024, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 32 * PG, RW, 0, NULL, 0);
	fill(vm, 32, 1);
	assert_int_equal(page_out(), 32);
	out = stat_of(&fx, VMST_SWAPOUT);
	assert_int_equal(out, 32);
	verify(vm, 32, 1);
	assert_int_equal(swap_space_used(fx.sys.swap), 32);
	assert_int_equal(page_out(), 32);
	assert_int_equal(stat_of(&fx, VMST_SWAPOUT), out);
	assert_int_equal(stat_of(&fx, VMST_SWAPDROP), 32);
	/* A write frees the block. */
	store(vm, BASE, 77);
	assert_int_equal(swap_space_used(fx.sys.swap), 31);
	check_all(&fx, vm);
	assert_true(page_out() >= 1);
	assert_int_equal(stat_of(&fx, VMST_SWAPOUT), out + 1);
	assert_int_equal(load(vm, BASE), 77);
	vmspace_free(vm);
	end();
}

/* Four times as much memory in use as there is. */
static void
oversubscribe(enum swap_kind kind, const struct swap_inject *inject)
{
	enum { N = 512 };
	static uint32_t version[N];
	struct vmspace *vm;
	uint64_t seed = 12345, v;

	begin(FRAMES);
	area_on(kind, 2 * N, inject);
	if (inject != NULL)
		area_on(SWAP_FILE, 2 * N, NULL);
	vm = space(&fx);
	memset(version, 0, sizeof(version));
	map_at(vm, BASE, N * PG, RW, 0, NULL, 0);
	for (int i = 0; i < 20000; i++) {
		uint64_t p = rnd_below(&seed, N);

		v = load(vm, BASE + p * PG + 64);
		assert_int_equal(v, version[p] == 0 ? 0 : value(p, version[p]));
		if (rnd_below(&seed, 2) != 0) {
			version[p]++;
			store(vm, BASE + p * PG + 64, value(p, version[p]));
		}
		if (i % 4096 == 0)
			check_all(&fx, vm);
	}
	assert_int_equal(fx.oom_calls, 0);
	assert_true(stat_of(&fx, VMST_SWAPIN) > 1000);
	check_all(&fx, vm);
	vmspace_free(vm);
	end();
}

static void
test_oversubscribed(void **state)
{
	const struct swap_inject eio = {.write_eio = 10};
	const struct swap_inject enospc = {.write_enospc = 3};

	oversubscribe(SWAP_FILE, NULL);
	oversubscribe(SWAP_LZ4, NULL);
	oversubscribe(SWAP_ZSTD, NULL);
	oversubscribe(SWAP_FILE, &eio);
	oversubscribe(SWAP_LZ4, &enospc);
}

/* ---- fork ---- */

static void
test_fork(void **state)
{
	struct vmspace *vm, *c, *c2;

	begin(512);
	area_on(SWAP_FILE, 4096, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 64 * PG, RW, 0, NULL, 0);
	fill(vm, 64, 1);
	assert_int_equal(page_out(), 64);
	c = fork_of(vm);
	/* Parent and child read the pages in swap; neither sees writes of the
	 * other. */
	fill(c, 16, 2);
	page_out();
	c2 = fork_of(c);
	verify(vm, 64, 1);
	verify(c2, 16, 2);
	fill(vm, 32, 3);
	page_out();
	check_all(&fx, vm);
	verify(c, 16, 2);
	assert_int_equal(load(c, BASE + 40 * PG), value(40, 1));
	vmspace_free(c);
	page_out();
	check_all(&fx, c2);
	verify(c2, 16, 2);
	assert_int_equal(load(c2, BASE + 20 * PG), value(20, 1));
	verify(vm, 32, 3);
	page_out();
	vmspace_free(c2);
	/* One process is left: one write fault collapses the chain. */
	store(vm, BASE, value(0, 3));
	assert_true(depth_at(vm, BASE) <= 2);
	verify(vm, 32, 3);
	check_all(&fx, vm);
	vmspace_free(vm);
	end();
}

/* Rounds of fork and write with everything going to swap in between. */
static void
test_fork_rounds(void **state)
{
	struct vmspace *vm, *c;
	uint64_t used = 0;

	begin(256);
	area_on(SWAP_LZ4, 4096, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 16 * PG, RW, 0, NULL, 0);
	fill(vm, 16, 1);
	for (uint64_t i = 0; i < 500; i++) {
		if (i % 3 == 0)
			page_out();
		c = fork_of(vm);
		store(vm, BASE + i % 16 * PG + 128, i);
		if (i % 7 == 0)
			page_out();
		store(c, BASE + i % 16 * PG + 128, i + 1);
		assert_int_equal(load(vm, BASE + i % 16 * PG + 128), i);
		vmspace_free(c);
		verify(vm, 16, 1);
		assert_true(depth_at(vm, BASE) <= 2);
		if (i % 50 == 49) {
			page_out();
			if (used == 0)
				used = swap_space_used(fx.sys.swap);
			assert_int_equal(swap_space_used(fx.sys.swap), used);
			assert_int_equal(fixture_used(&fx), 0);
			check_all(&fx, vm);
		}
	}
	vmspace_free(vm);
	end();
}

/* ---- errors ---- */

static void
test_read_error(void **state)
{
	const struct swap_inject bad = {.damage = 1};
	struct vmspace *vm;
	uint64_t v;

	begin(FRAMES);
	area_on(SWAP_FILE, 1024, &bad);
	vm = space(&fx);
	map_at(vm, BASE, 4 * PG, RW, 0, NULL, 0);
	fill(vm, 4, 1);
	/* The first page of the cluster is damaged, the others are not. */
	assert_int_equal(page_out(), 4);
	assert_int_equal(try_load(vm, BASE, &v), EIO);
	assert_int_equal(try_store(vm, BASE, 1), EIO);
	assert_int_equal(load(vm, BASE + PG), value(1, 1));
	check_all(&fx, vm);
	assert_int_equal(vm_munmap(vm, BASE, PG), 0);
	map_at(vm, BASE, PG, RW, 0, NULL, 0);
	assert_int_equal(load(vm, BASE), 0);
	vmspace_free(vm);
	end();
}

static void
test_write_error(void **state)
{
	const struct swap_inject bad = {.write_eio = 1};
	struct vmspace *vm;

	begin(FRAMES);
	area_on(SWAP_FILE, 1024, &bad);
	vm = space(&fx);
	map_at(vm, BASE, 32 * PG, RW, 0, NULL, 0);
	fill(vm, 32, 1);
	assert_int_equal(page_out(), 0);
	assert_int_equal(swap_space_used(fx.sys.swap), 0);
	assert_true(stat_of(&fx, VMST_SWAPFAIL) >= 32);
	verify(vm, 32, 1);
	check_all(&fx, vm);
	vmspace_free(vm);
	end();
}

/* The out-of-memory policy is called only when neither memory nor swap is left.
 */
static void
test_memory_and_swap_full(void **state)
{
	struct vmspace *vm;
	uint64_t i;
	int error = 0;

	begin(FRAMES);
	area_on(SWAP_FILE, 64, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 1024 * PG, RW, VMM_NORESERVE, NULL, 0);
	for (i = 0; i < 1024 && error == 0; i++)
		error = try_store(vm, BASE + i * PG, value(i, 1));
	assert_int_equal(error, ENOMEM);
	assert_int_equal(fx.oom_calls, 1);
	assert_int_equal(swap_space_free(fx.sys.swap), 0);
	assert_int_equal(i, FRAMES + 64 + 1);
	check_all(&fx, vm);
	/* With a page of room somewhere, what is in swap can come back. */
	assert_int_equal(vm_munmap(vm, BASE + 64 * PG, PG), 0);
	for (i = 0; i < 64; i++)
		assert_int_equal(load(vm, BASE + i * PG), value(i, 1));
	vmspace_free(vm);
	end();
}

/* ---- swapoff ---- */

static void
test_swapoff(void **state)
{
	struct vmspace *vm, *c;
	unsigned a, b;

	begin(FRAMES);
	a = area_on(SWAP_FILE, 64, NULL);
	b = area_on(SWAP_FILE, 256, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 100 * PG, RW, 0, NULL, 0);
	fill(vm, 100, 1);
	assert_int_equal(page_out(), 100);
	c = fork_of(vm);
	fill(c, 10, 2);
	assert_int_equal(vm_swapoff(&fx.sys, a), 0);
	assert_int_equal(vm_swapoff(&fx.sys, a), ENOENT);
	check_all(&fx, vm);
	verify(vm, 100, 1);
	verify(c, 10, 2);
	/* Memory is too small for all pages: swapoff fails and changes nothing.
	 */
	page_out();
	map_at(vm, BASE + 4096 * PG, 100 * PG, RW, 0, NULL, 0);
	for (int i = 0; i < 100; i++)
		store(vm, BASE + (4096 + i) * PG, 5);
	assert_int_equal(vm_swapoff(&fx.sys, b), ENOMEM);
	check_all(&fx, vm);
	verify(vm, 100, 1);
	vmspace_free(c);
	assert_int_equal(vm_munmap(vm, BASE + 4096 * PG, 100 * PG), 0);
	assert_int_equal(vm_swapoff(&fx.sys, b), 0);
	assert_int_equal(swap_space_size(fx.sys.swap), 0);
	verify(vm, 100, 1);
	vmspace_free(vm);
	end();
}

/* A page that cannot be read any more is lost; a touch of it is an I/O
 * error. */
static void
test_swapoff_lost(void **state)
{
	const struct swap_inject bad = {.damage = 1};
	struct vmspace *vm;
	unsigned a;
	uint64_t v;

	begin(FRAMES);
	a = area_on(SWAP_FILE, 64, &bad);
	vm = space(&fx);
	map_at(vm, BASE, 4 * PG, RW, 0, NULL, 0);
	fill(vm, 4, 1);
	assert_int_equal(page_out(), 4);
	assert_int_equal(vm_swapoff(&fx.sys, a), 0);
	check_all(&fx, vm);
	assert_int_equal(try_load(vm, BASE, &v), EIO);
	assert_int_equal(load(vm, BASE + PG), value(1, 1));
	vmspace_free(vm);
	end();
}

/* ---- calls on swapped memory ---- */

static void
test_calls_on_swapped_memory(void **state)
{
	struct vmspace *vm;
	vm_offset_t to = 0;
	uint8_t vec[32];

	begin(FRAMES);
	area_on(SWAP_LZ4, 1024, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 32 * PG, RW, 0, NULL, 0);
	fill(vm, 32, 1);
	assert_int_equal(vm_madvise(vm, BASE, 16 * PG, LX_MADV_PAGEOUT), 0);
	assert_int_equal(vm_mincore(vm, BASE, 32 * PG, vec), 0);
	for (int i = 0; i < 32; i++)
		assert_int_equal(vec[i], i >= 16);
	assert_int_equal(vmspace_swap_count(vm), 16);
	assert_int_equal(vm_madvise(vm, BASE, 8 * PG, LX_MADV_WILLNEED), 0);
	assert_int_equal(vm_mincore(vm, BASE, 32 * PG, vec), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(vec[i], 1);
	verify(vm, 32, 1);
	/* mremap moves what is in swap. */
	page_out();
	assert_int_equal(
	    vm_mremap(vm, BASE, 32 * PG, 64 * PG, LX_MREMAP_MAYMOVE, &to), 0);
	if (to != BASE) {
		vm_offset_t back = BASE;

		assert_int_equal(
		    vm_mremap(vm, to, 64 * PG, 64 * PG,
			LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED, &back),
		    0);
	}
	verify(vm, 32, 1);
	/* DONTNEED frees blocks, in part and in whole. */
	page_out();
	assert_int_equal(vm_madvise(vm, BASE, 4 * PG, LX_MADV_DONTNEED), 0);
	assert_int_equal(load(vm, BASE + 3 * PG), 0);
	assert_int_equal(load(vm, BASE + 4 * PG), value(4, 1));
	check_all(&fx, vm);
	/* A mapping that shrinks frees its blocks. */
	page_out();
	assert_int_equal(vm_munmap(vm, BASE + 16 * PG, 48 * PG), 0);
	assert_true(swap_space_used(fx.sys.swap) <= 16);
	check_all(&fx, vm);
	vmspace_free(vm);
	end();
}

static void
test_mlock(void **state)
{
	struct vmspace *vm, *c;

	begin(FRAMES);
	area_on(SWAP_FILE, 1024, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 32 * PG, RW, 0, NULL, 0);
	fill(vm, 32, 1);
	vm->map.lock_limit = 4 * PG;
	assert_int_equal(vm_mlock(vm, BASE, 8 * PG, true), ENOMEM);
	vm->map.lock_limit = 8 * PG;
	assert_int_equal(vm_mlock(vm, BASE, 8 * PG, true), 0);
	assert_int_equal(page_out(), 24);
	assert_int_equal(vmspace_anonymous_count(vm), 8);
	assert_int_equal(vm_madvise(vm, BASE, 8 * PG, LX_MADV_PAGEOUT), EINVAL);
	/* What a child shares with a locked mapping stays as well. */
	c = fork_of(vm);
	verify(vm, 32, 1);
	page_out();
	assert_true(vmspace_anonymous_count(vm) >= 8);
	vmspace_free(c);
	assert_int_equal(vm_mlock(vm, BASE, 8 * PG, false), 0);
	assert_true(page_out() >= 8);
	assert_int_equal(vmspace_anonymous_count(vm), 0);
	verify(vm, 32, 1);
	check_all(&fx, vm);
	vmspace_free(vm);
	end();
}

/* A page that is pinned, for reading or for writing, is not paged out. */
static void
test_pinned_page_stays(void **state)
{
	struct vmspace *vm;
	struct vm_iov v;
	size_t done;

	begin(FRAMES);
	area_on(SWAP_FILE, 1024, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 4 * PG, RW, 0, NULL, 0);
	fill(vm, 4, 1);
	vm_iov_init(&v, &fx.sys);
	assert_int_equal(
	    vm_iov_add(&v, vm, BASE + PG, PG, VM_PROT_WRITE, &done), 0);
	assert_int_equal(page_out(), 3);
	memset(v.iov[0].base, 'x', PG);
	vm_iov_commit(&v, PG);
	vm_iov_release(&v);
	assert_int_equal(page_out(), 1);
	assert_int_equal(load(vm, BASE + PG), UINT64_C(0x7878787878787878));
	check_all(&fx, vm);
	vmspace_free(vm);
	end();
}

/* ---- shared memory ---- */

static void
test_shared(void **state)
{
	struct vmspace *vm, *c;

	begin(FRAMES);
	area_on(SWAP_ZSTD, 1024, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 16 * PG, RW, VMM_SHARED, NULL, 0);
	fill(vm, 16, 1);
	page_out();
	c = fork_of(vm);
	verify(c, 16, 1);
	verify(vm, 16, 1);
	/* Both have it mapped, with a copy in swap: a write of one is seen. */
	for (uint64_t i = 0; i < 16; i++)
		store(c, BASE + i * PG, i + 5);
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(load(vm, BASE + i * PG), i + 5);
	page_out();
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(load(vm, BASE + i * PG), i + 5);
	check_all(&fx, vm);
	check_all(&fx, c);
	vmspace_free(vm);
	vmspace_free(c);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_lz4),
	    cmocka_unit_test(test_zstd),
	    cmocka_unit_test(test_clean_copy),
	    cmocka_unit_test(test_oversubscribed),
	    cmocka_unit_test(test_fork),
	    cmocka_unit_test(test_fork_rounds),
	    cmocka_unit_test(test_read_error),
	    cmocka_unit_test(test_write_error),
	    cmocka_unit_test(test_memory_and_swap_full),
	    cmocka_unit_test(test_swapoff),
	    cmocka_unit_test(test_swapoff_lost),
	    cmocka_unit_test(test_calls_on_swapped_memory),
	    cmocka_unit_test(test_mlock),
	    cmocka_unit_test(test_pinned_page_stays),
	    cmocka_unit_test(test_shared),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
