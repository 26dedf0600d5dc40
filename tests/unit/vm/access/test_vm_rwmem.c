/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * vm_pread and vm_pwrite: pages that are absent, in swap, in files; writes that
 * override protection and reach no other process; races with forks and pageout;
 * the end of the vmspace.
 */
#include "vm_swap_testlib.h"

#include "abi/mman.h"

static int
get(struct vmspace *vm, vm_offset_t va, uint64_t *v, int flags)
{
	size_t done;
	int error = vm_pread(vm, v, sizeof(*v), va, flags, &done);

	assert_int_equal(done, error == 0 ? sizeof(*v) : 0);
	return (error);
}

static int
put(struct vmspace *vm, vm_offset_t va, uint64_t v, int flags)
{
	size_t done;
	int error = vm_pwrite(vm, &v, sizeof(v), va, flags, &done);

	assert_int_equal(done, error == 0 ? sizeof(v) : 0);
	return (error);
}

static uint64_t
got(struct vmspace *vm, vm_offset_t va)
{
	uint64_t v = 99;

	assert_int_equal(get(vm, va, &v, VM_FAULT_FORCE), 0);
	return (v);
}

static void
store_over(struct vmspace *vm, vm_offset_t va, uint64_t v)
{
	assert_int_equal(put(vm, va, v, VM_FAULT_FORCE), 0);
}

static void
test_read_makes_no_page(void **state)
{
	char buf[3 * PG], zero[3 * PG] = {0};
	struct vmspace *vm;
	size_t done;

	begin(FRAMES);
	vm = space(&fx);
	map_at(vm, BASE, 3 * PG, RW, 0, NULL, 0);
	memset(buf, 1, sizeof(buf));
	/* A read makes no page, without and with an object. */
	assert_int_equal(vm_pread(vm, buf, sizeof(buf), BASE, 0, &done), 0);
	assert_memory_equal(buf, zero, sizeof(buf));
	assert_int_equal(fixture_used(&fx), 0);
	assert_int_equal(put(vm, BASE + PG - 4, 0x1122334455667788, 0), 0);
	assert_int_equal(got(vm, BASE + PG - 4), 0x1122334455667788);
	assert_int_equal(load(vm, BASE + PG), 0x11223344);
	assert_int_equal(vm_madvise(vm, BASE, 3 * PG, LX_MADV_DONTNEED), 0);
	assert_int_equal(got(vm, BASE + PG - 4), 0);
	assert_int_equal(fixture_used(&fx), 0);
	/* Edges. */
	assert_int_equal(
	    vm_pread(vm, buf, 2 * PG, BASE + 2 * PG + 8, 0, &done), EFAULT);
	assert_int_equal(done, PG - 8);
	assert_int_equal(
	    vm_pwrite(vm, buf, 2 * PG, BASE + 2 * PG + 8, 0, &done), EFAULT);
	assert_int_equal(done, PG - 8);
	for (int w = 0; w < 2; w++) {
		static const vm_offset_t bad[] = {0, BASE - PG,
		    VM_MAX_ADDRESS - 4, VM_MAX_ADDRESS, UINT64_MAX - 2,
		    UINT64_MAX};

		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			done = 7;
			assert_int_equal(
			    w ? vm_pwrite(vm, buf, SIZE_MAX, bad[i], 0, &done)
			      : vm_pread(vm, buf, SIZE_MAX, bad[i], 0, &done),
			    EFAULT);
			assert_int_equal(done, 0);
		}
	}
	assert_int_equal(vm_pread(vm, buf, 0, 0, 0, &done), 0);
	check_all(&fx, vm);
	vmspace_free(vm);
	end();
}

static void
test_rights(void **state)
{
	struct vmspace *vm, *c, *d;
	vm_offset_t at;
	uint64_t v;

	begin(FRAMES);
	vm = space(&fx);
	map_at(vm, BASE, 2 * PG, RW, 0, NULL, 0);
	store(vm, BASE, 1);
	assert_int_equal(vm_mprotect(vm, BASE, 2 * PG, VM_PROT_READ), 0);
	assert_int_equal(put(vm, BASE, 2, 0), EFAULT);
	assert_int_equal(put(vm, BASE, 2, VM_FAULT_FORCE), 0);
	assert_int_equal(load(vm, BASE), 2);
	/* User code has no more rights than before. */
	assert_int_equal(try_store(vm, BASE, 3), EACCES);
	assert_int_equal(vmspace_fork(vm, &c), 0);
	assert_int_equal(put(vm, BASE, 4, VM_FAULT_FORCE), 0);
	assert_int_equal(load(c, BASE), 2);
	assert_int_equal(put(c, BASE, 5, VM_FAULT_FORCE), 0);
	/* The child has an object of its own now, but not this page. */
	store_over(vm, BASE + PG, 8);
	assert_int_equal(vmspace_fork(vm, &d), 0);
	assert_int_equal(put(d, BASE, 6, VM_FAULT_FORCE), 0);
	assert_int_equal(put(d, BASE + PG, 9, VM_FAULT_FORCE), 0);
	assert_int_equal(got(vm, BASE + PG), 8);
	assert_int_equal(got(d, BASE + PG), 9);
	vmspace_free(d);
	store_over(vm, BASE + PG, 0);
	assert_int_equal(load(vm, BASE), 4);
	assert_int_equal(load(c, BASE), 5);
	/* A mapping without any rights. */
	assert_int_equal(vm_mprotect(vm, BASE, 2 * PG, 0), 0);
	assert_int_equal(get(vm, BASE, &v, 0), EFAULT);
	assert_int_equal(got(vm, BASE), 4);
	assert_int_equal(got(vm, BASE + PG), 0);
	assert_int_equal(put(vm, BASE + PG, 6, VM_FAULT_FORCE), 0);
	assert_int_equal(got(vm, BASE + PG), 6);
	assert_int_equal(try_load(vm, BASE + PG, &v), EACCES);
	assert_int_equal(vm_mprotect(vm, BASE, 2 * PG, RW), 0);
	assert_int_equal(load(vm, BASE + PG), 6);
	/* A shared mapping is not written if its protection forbids it. */
	at = BASE + 16 * PG;
	assert_int_equal(vm_mmap(vm, &at, PG, VM_PROT_READ, RW,
			     VMM_FIXED | VMM_SHARED, NULL, 0),
	    0);
	assert_int_equal(put(vm, at, 7, VM_FAULT_FORCE), EFAULT);
	assert_int_equal(got(vm, at), 0);
	assert_int_equal(vm_mprotect(vm, at, PG, RW), 0);
	assert_int_equal(put(vm, at, 7, 0), 0);
	assert_int_equal(load(vm, at), 7);
	check_all(&fx, vm);
	vmspace_free(c);
	vmspace_free(vm);
	end();
}

static void
test_file(void **state)
{
	struct vmspace *vm, *other;
	struct fake_file f;
	struct vm_object *o;
	uint64_t want;
	size_t done;
	char page[PG];

	begin(FRAMES);
	o = file_open(&fx, &f, 4 * PG);
	vm = space(&fx);
	other = space(&fx);
	memcpy(&want, f.data + PG, sizeof(want));
	/* Text: private, may not be written by its program. */
	map_at(vm, BASE, 4 * PG, VM_PROT_READ | VM_PROT_EXECUTE, 0, o, 0);
	map_at(other, BASE, 4 * PG, VM_PROT_READ | VM_PROT_EXECUTE, 0, o, 0);
	assert_int_equal(load(vm, BASE + PG), want);
	assert_int_equal(got(other, BASE + PG), want);
	assert_int_equal(put(vm, BASE + PG, 1, 0), EFAULT);
	assert_int_equal(put(vm, BASE + PG, 1, VM_FAULT_FORCE), 0);
	assert_int_equal(load(vm, BASE + PG), 1);
	assert_int_equal(got(other, BASE + PG), want);
	assert_int_equal(load(other, BASE + PG), want);
	assert_memory_equal(f.data + PG, &want, sizeof(want));
	/* Past the end of the file. */
	map_at(other, BASE + 16 * PG, 8 * PG, VM_PROT_READ, 0, o, 0);
	assert_int_equal(
	    vm_pread(other, page, PG, BASE + 21 * PG, 0, &done), EIO);
	/* Shared and writable: the page of the file is changed and dirty. */
	map_at(vm, BASE + 64 * PG, 2 * PG, RW, VMM_SHARED, o, 0);
	assert_int_equal(put(vm, BASE + 64 * PG, 77, 0), 0);
	assert_int_equal(vm_msync(vm, BASE + 64 * PG, PG, true), 0);
	memcpy(&want, f.data, sizeof(want));
	assert_int_equal(want, 77);
	/* Again, when the page is clean. */
	assert_int_equal(put(vm, BASE + 64 * PG, 78, 0), 0);
	assert_int_equal(vm_msync(vm, BASE + 64 * PG, PG, true), 0);
	memcpy(&want, f.data, sizeof(want));
	assert_int_equal(want, 78);
	check_all(&fx, vm);
	vmspace_free(vm);
	vmspace_free(other);
	file_close(&f, o);
	end();
}

static void
test_swapped(void **state)
{
	struct vmspace *vm, *c;

	begin(FRAMES);
	area_on(SWAP_LZ4, FRAMES * 2, NULL);
	vm = space(&fx);
	map_at(vm, BASE, 32 * PG, RW, 0, NULL, 0);
	fill(vm, 32, 1);
	assert_int_equal(page_out(), 32);
	for (uint64_t i = 0; i < 32; i += 2)
		assert_int_equal(got(vm, BASE + i * PG), value(i, 1));
	for (uint64_t i = 1; i < 32; i += 2)
		assert_int_equal(put(vm, BASE + i * PG, value(i, 2), 0), 0);
	/* After a write the clean copy in swap is not used. */
	assert_int_equal(put(vm, BASE, value(0, 3), 0), 0);
	(void)page_out();
	assert_int_equal(got(vm, BASE), value(0, 3));
	assert_int_equal(got(vm, BASE + 2 * PG), value(2, 1));
	assert_int_equal(got(vm, BASE + 3 * PG), value(3, 2));
	/* The same across a fork. */
	assert_int_equal(vmspace_fork(vm, &c), 0);
	(void)page_out();
	assert_int_equal(put(c, BASE + PG, 5, 0), 0);
	assert_int_equal(got(vm, BASE + PG), value(1, 2));
	assert_int_equal(got(c, BASE + PG), 5);
	check_all(&fx, vm);
	vmspace_free(c);
	vmspace_free(vm);
	end();
}

static void
test_dead_vmspace(void **state)
{
	struct vmspace *vm;
	uint64_t v;

	begin(FRAMES);
	vm = space(&fx);
	map_at(vm, BASE, PG, RW, 0, NULL, 0);
	store(vm, BASE, 1);
	vmspace_hold(vm);
	vmspace_free(vm);
	assert_int_equal(fixture_used(&fx), 0);
	assert_int_equal(get(vm, BASE, &v, 0), ESRCH);
	assert_int_equal(put(vm, BASE, 1, VM_FAULT_FORCE), ESRCH);
	vmspace_drop(vm);
	end();
}

/* ---- races ---- */

#define RP 16
#define ROUNDS 400

static _Atomic(bool) racing;

static void *
pager_main(void *arg)
{
	(void)arg;
	while (atomic_load(&racing)) {
		(void)page_out();
		host_yield();
	}
	return (NULL);
}

/* vm_pwrite against forks and pageout: its stores are there afterwards, and no
 * child that was forked before sees them. */
static void
test_write_during_forks_and_pageout(void **state)
{
	struct vmspace *vm, *c;
	pthread_t t;

	begin(FRAMES);
	area_on(SWAP_LZ4, FRAMES * 4, NULL);
	vm = space(&fx);
	map_at(vm, BASE, RP * PG, RW, 0, NULL, 0);
	fill(vm, RP, 0);
	atomic_store(&racing, true);
	assert_int_equal(pthread_create(&t, NULL, pager_main, NULL), 0);
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		uint64_t p = i * 7 % RP, old = got(vm, BASE + p * PG);

		assert_int_equal(vmspace_fork(vm, &c), 0);
		assert_int_equal(put(vm, BASE + p * PG, i, VM_FAULT_FORCE), 0);
		assert_int_equal(load(vm, BASE + p * PG), i);
		assert_int_equal(got(c, BASE + p * PG), old);
		vmspace_free(c);
	}
	atomic_store(&racing, false);
	pthread_join(t, NULL);
	check_all(&fx, vm);
	vmspace_free(vm);
	end();
}

struct forker {
	struct vmspace *vm;
	_Atomic(unsigned) forks;
};

static void *
forker_main(void *arg)
{
	struct forker *f = arg;
	struct vmspace *c;

	while (atomic_load(&racing)) {
		if (vmspace_fork(f->vm, &c) != 0)
			continue;
		atomic_fetch_add(&f->forks, 1);
		/* Children write, too, so that pages are copied and moved. */
		for (uint64_t i = 0; i < RP; i += 3)
			(void)try_store(c, BASE + i * PG + 8, i);
		vmspace_free(c);
	}
	return (NULL);
}

static void
test_race_forks(void **state)
{
	struct forker f;
	pthread_t t;
	uint64_t n = 0;

	begin(FRAMES * 4);
	f.vm = space(&fx);
	atomic_init(&f.forks, 0);
	map_at(f.vm, BASE, RP * PG, RW, 0, NULL, 0);
	fill(f.vm, RP, 0);
	atomic_store(&racing, true);
	assert_int_equal(pthread_create(&t, NULL, forker_main, &f), 0);
	while (n++ < 20000 || atomic_load(&f.forks) < 20) {
		vm_offset_t va = BASE + n % RP * PG;

		assert_int_equal(put(f.vm, va, n, VM_FAULT_FORCE), 0);
		assert_int_equal(load(f.vm, va), n);
	}
	atomic_store(&racing, false);
	pthread_join(t, NULL);
	check_all(&fx, f.vm);
	vmspace_free(f.vm);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read_makes_no_page),
	    cmocka_unit_test(test_rights),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_swapped),
	    cmocka_unit_test(test_dead_vmspace),
	    cmocka_unit_test(test_write_during_forks_and_pageout),
	    cmocka_unit_test(test_race_forks),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
