/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The mmap family with Linux's errors: mmap, munmap, mprotect, brk, mremap,
 * madvise, msync, mincore, mlock; and the limits.
 */
#include "vm_testlib.h"

#include "abi/mman.h"
#include "vm/map/vm_map_int.h"

/* ---- mmap ---- */

static void
test_mmap_errors(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	struct vm_object *obj;
	vm_offset_t a = 0;

	ts_init(&ts, 4 << 20);
	obj = paged_file_open(&ts);
	vm = space(&ts);
#define MMAP(len, prot, max, fl, o, off) \
	vm_mmap(vm, &a, len, prot, max, fl, o, off)
	assert_int_equal(MMAP(0, RW, ALL, 0, NULL, 0), EINVAL);
	assert_int_equal(MMAP(UINT64_MAX, RW, ALL, 0, NULL, 0), ENOMEM);
	assert_int_equal(MMAP(VM_MAX_ADDRESS, R, ALL, 0, NULL, 0), ENOMEM);
	assert_int_equal(MMAP(PG, R, ALL, 0, obj, 1), EINVAL);
	assert_int_equal(MMAP(2 * PG, R, ALL, 0, obj, -PG), EINVAL);
	assert_int_equal(MMAP(PG, RW, R, VMM_SHARED, obj, 0), EACCES);
	assert_int_equal(MMAP(PG, R, ALL, VMM_FIXED, NULL, 0), EPERM);
	a = BASE + 1;
	assert_int_equal(MMAP(PG, R, ALL, VMM_FIXED, NULL, 0), EINVAL);
	a = VM_MAX_ADDRESS;
	assert_int_equal(MMAP(PG, R, ALL, VMM_FIXED, NULL, 0), ENOMEM);
	a = UINT64_MAX - PAGE_MASK;
	assert_int_equal(MMAP(2 * PG, R, ALL, VMM_NOREPLACE, NULL, 0), ENOMEM);
	assert_int_equal(a, UINT64_MAX - PAGE_MASK);
	a = 0;
	assert_int_equal(
	    MMAP(PG, RW, ALL, VMM_SHARED | VMM_GROWSDOWN, NULL, 0), EINVAL);
	/* A hint is rounded and raised to the minimum; it is ignored if the
	 * range is in use. */
	a = BASE + 5;
	assert_int_equal(MMAP(3, R, ALL, 0, NULL, 0), 0);
	assert_int_equal(a, BASE + PG);
	assert_int_equal(MMAP(PG, R, ALL, 0, NULL, 0), 0);
	assert_int_equal(a, VM_MAX_ADDRESS - PG);
	a = 1;
	assert_int_equal(MMAP(PG, R, ALL, 0, NULL, 0), 0);
	assert_int_equal(a, VM_MIN_ADDRESS);
	a = BASE + PG;
	assert_int_equal(MMAP(PG, R, ALL, VMM_NOREPLACE, NULL, 0), EEXIST);
	/* Addresses above mmap_top are used last. */
	a = 0;
	vm->mmap_top = VM_MIN_ADDRESS + PG;
	assert_int_equal(MMAP(PG, R, ALL, 0, NULL, 0), 0);
	assert_int_equal(a, VM_MIN_ADDRESS + PG);
	vm->map.as_limit = vm->map.size + PG;
	assert_int_equal(MMAP(2 * PG, R, ALL, 0, NULL, 0), ENOMEM);
	assert_int_equal(MMAP(PG, R, ALL, 0, NULL, 0), 0);
	ts_check(vm);
	vmspace_free(vm);
	file_close(&file, obj);
	fixture_fini(&ts);
}

static void
test_munmap_mprotect(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	vm_offset_t a;

	ts_init(&ts, 4 << 20);
	vm = space(&ts);
	ts_map(vm, BASE, 4, RW);
	ts_map(vm, BASE + 6 * PG, 4, RW);
	ts_put(vm, BASE, 1);
	assert_int_equal(vm_munmap(vm, BASE + 1, PG), EINVAL);
	assert_int_equal(vm_munmap(vm, BASE, 0), EINVAL);
	assert_int_equal(vm_munmap(vm, BASE, UINT64_MAX), EINVAL);
	assert_int_equal(vm_munmap(vm, BASE, UINT64_MAX - BASE - PG), EINVAL);
	assert_int_equal(vm_munmap(vm, VM_MAX_ADDRESS, PG), EINVAL);
	assert_int_equal(vm_munmap(vm, BASE + 100 * PG, PG), 0);
	assert_int_equal(vm_mprotect(vm, BASE, 0, R), 0);
	assert_int_equal(vm_mprotect(vm, BASE + 1, 0, R), EINVAL);
	assert_int_equal(vm_mprotect(vm, BASE, UINT64_MAX, R), ENOMEM);
	assert_int_equal(vm_mprotect(vm, BASE + 2 * PG, 6 * PG, R), ENOMEM);
	assert_int_equal(ts_entry(vm, BASE + 2 * PG).prot, R);
	assert_int_equal(ts_entry(vm, BASE + 6 * PG).prot, RW);
	assert_int_equal(vm_mprotect(vm, BASE, 1, R), 0);
	assert_int_equal(copyout(vm, "x", BASE, 1), EFAULT);
	assert_int_equal(ts_get(vm, BASE), 1);
	assert_int_equal(vm_mprotect(vm, BASE, PG, 0), 0);
	assert_int_equal(copyin(vm, &a, BASE, 1), EFAULT);
	assert_int_equal(vm_mprotect(vm, BASE, 4 * PG, RW), 0);
	assert_int_equal(ts_get(vm, BASE), 1);
	assert_int_equal(ts_entries(vm), 2);
	/* More than the mapping's maximal protection. */
	a = BASE + 20 * PG;
	assert_int_equal(
	    vm_mmap(vm, &a, PG, R, R, VMM_FIXED | VMM_SHARED, NULL, 0), 0);
	assert_int_equal(vm_mprotect(vm, a, PG, RW), EACCES);
	/* Over holes. */
	assert_int_equal(vm_munmap(vm, BASE + 3 * PG, 4 * PG), 0);
	assert_int_equal(ts_entry(vm, BASE).end, BASE + 3 * PG);
	assert_int_equal(ts_entry(vm, BASE + 7 * PG).start, BASE + 7 * PG);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

static void
test_brk(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	vm_offset_t b;

	ts_init(&ts, 8 << 20);
	vm = space(&ts);
	ts_map(vm, BASE, 1, RW); /* the end of .bss */
	vm->brk_start = vm->brk_end = BASE + 100;
	b = 0;
	vm_brk(vm, &b);
	assert_int_equal(b, BASE + 100);
	/* Steps that are not whole pages: still one entry, one object. */
	for (int i = 1; i <= 200; i++) {
		b = BASE + 100 + (uint64_t)i * 3000;
		vm_brk(vm, &b);
		assert_int_equal(b, BASE + 100 + (uint64_t)i * 3000);
		ts_put(vm, b - 8, (uint64_t)i);
	}
	assert_int_equal(ts_entries(vm), 2);
	assert_int_equal(
	    ts_entry(vm, b - 8).eflags & MAP_ENTRY_HEAP, MAP_ENTRY_HEAP);
	ts_check(vm);
	vm->data_limit = 100000;
	b = BASE + 100 + 601000;
	vm_brk(vm, &b);
	assert_int_equal(b, BASE + 100 + 600000);
	b = BASE + 5000;
	vm_brk(vm, &b);
	assert_int_equal(b, BASE + 5000);
	assert_int_equal(vm->map.size, 2 * PG);
	/* A mapping in the way. */
	ts_map(vm, BASE + 4 * PG, 1, R);
	b = BASE + 4 * PG + 1;
	vm_brk(vm, &b);
	assert_int_equal(b, BASE + 5000);
	b = BASE + 4 * PG;
	vm_brk(vm, &b);
	assert_int_equal(b, BASE + 4 * PG);
	b = UINT64_MAX;
	vm_brk(vm, &b);
	assert_int_equal(b, BASE + 4 * PG);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

static void
test_commit_limit(void **state)
{
	struct fixture ts;
	struct vmspace *vm, *child;
	vm_offset_t a = 0, b;

	ts_init(&ts, 1 << 20); /* 256 pages */
	fixture_reserve(&ts, 256 * PG);
	vm = space(&ts);
	assert_int_equal(
	    vm_mmap(vm, &a, 257 * PG, RW, ALL, 0, NULL, 0), ENOMEM);
	a = map_anon(vm, 300, RW, VMM_NORESERVE);
	b = map_anon(vm, 300, R, 0);
	assert_int_equal(vm->map.commit, 0);
	assert_int_equal(vm_mprotect(vm, b, 200 * PG, RW), 0);
	assert_int_equal(vm->map.commit, 200 * PG);
	assert_int_equal(vm_mprotect(vm, b + 200 * PG, 57 * PG, RW), ENOMEM);
	/* The charge stays when the mapping becomes read-only. */
	assert_int_equal(vm_mprotect(vm, b, 200 * PG, R), 0);
	assert_int_equal(vm->map.commit, 200 * PG);
	assert_int_equal(vm_mprotect(vm, a, 300 * PG, R), 0);
	assert_int_equal(vm_mprotect(vm, a, 300 * PG, RW), 0);
	/* A copy would need as much again. */
	assert_int_equal(vmspace_fork(vm, &child), ENOMEM);
	assert_int_equal(ts.sys.committed, 200 * PG);
	fixture_reserve(&ts, 400 * PG);
	assert_int_equal(vmspace_fork(vm, &child), 0);
	assert_int_equal(child->map.commit, 200 * PG);
	assert_int_equal(ts.sys.committed, 400 * PG);
	assert_int_equal(vm_check_system(&ts.sys), 0);
	vmspace_free(child);
	fixture_reserve(&ts, 256 * PG);
	/* Shared anonymous memory counts; replacing does not count twice. */
	a = BASE;
	assert_int_equal(
	    vm_mmap(vm, &a, 50 * PG, R, ALL, VMM_SHARED, NULL, 0), 0);
	assert_int_equal(a, BASE);
	assert_int_equal(ts.sys.committed, 250 * PG);
	/* The object ends after the new mapping is made. */
	assert_int_equal(
	    vm_mmap(vm, &a, 51 * PG, RW, ALL, VMM_FIXED, NULL, 0), ENOMEM);
	fixture_reserve(&ts, 301 * PG);
	assert_int_equal(
	    vm_mmap(vm, &a, 51 * PG, RW, ALL, VMM_FIXED, NULL, 0), 0);
	fixture_reserve(&ts, 256 * PG);
	assert_int_equal(ts.sys.committed, 251 * PG);
	assert_int_equal(
	    vm_mmap(vm, &a, 57 * PG, RW, ALL, VMM_FIXED, NULL, 0), ENOMEM);
	assert_int_equal(ts_entry(vm, a).end, a + 51 * PG);
	assert_int_equal(vm_munmap(vm, b, 300 * PG), 0);
	assert_int_equal(ts.sys.committed, 51 * PG);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

/* Shared anonymous memory is charged once, however many maps have it. */
static void
test_commit_shared(void **state)
{
	struct fixture ts;
	struct vmspace *vm, *child;
	vm_offset_t a = BASE;

	ts_init(&ts, 1 << 20);
	fixture_reserve(&ts, 256 * PG);
	vm = space(&ts);
	assert_int_equal(
	    vm_mmap(vm, &a, 257 * PG, RW, ALL, VMM_SHARED, NULL, 0), ENOMEM);
	assert_int_equal(vm_mmap(vm, &a, 257 * PG, RW, ALL,
			     VMM_SHARED | VMM_NORESERVE, NULL, 0),
	    0);
	assert_int_equal(vm_munmap(vm, a, 257 * PG), 0);
	assert_int_equal(
	    vm_mmap(vm, &a, 200 * PG, RW, ALL, VMM_SHARED, NULL, 0), 0);
	assert_int_equal(vmspace_fork(vm, &child), 0);
	assert_int_equal(ts.sys.committed, 200 * PG);
	assert_int_equal(
	    vm_mremap(child, a, 200 * PG, 257 * PG, LX_MREMAP_MAYMOVE, &a),
	    ENOMEM);
	assert_int_equal(
	    vm_mremap(child, a, 200 * PG, 256 * PG, LX_MREMAP_MAYMOVE, &a), 0);
	assert_int_equal(ts.sys.committed, 256 * PG);
	assert_int_equal(vm_check_system(&ts.sys), 0);
	/* It is charged as long as any process has it. */
	vmspace_free(vm);
	assert_int_equal(ts.sys.committed, 256 * PG);
	assert_int_equal(vm_munmap(child, a, 256 * PG), 0);
	assert_int_equal(ts.sys.committed, 0);
	vmspace_free(child);
	fixture_fini(&ts);
}

/* Without reservation nothing is refused, and the sum is kept. */
static void
test_commit_always(void **state)
{
	struct fixture ts;
	struct vmspace *vm, *child;
	vm_offset_t a = 0, b;

	ts_init(&ts, 1 << 20);
	vm = space(&ts);
	a = map_anon(vm, 1 << 20, RW, 0);
	b = map_anon(vm, 1 << 20, RW, VMM_SHARED);
	assert_int_equal(
	    vm_mprotect(vm, map_anon(vm, 512, R, 0), 512 * PG, RW), 0);
	assert_int_equal(ts.sys.committed, ((2 << 20) + 512) * PG);
	assert_int_equal(vmspace_fork(vm, &child), 0);
	assert_int_equal(ts.sys.committed, ((3 << 20) + 1024) * PG);
	assert_int_equal(vm_check_system(&ts.sys), 0);
	vmspace_free(child);
	assert_int_equal(vm_munmap(vm, a, PG << 20), 0);
	assert_int_equal(vm_munmap(vm, b, PG << 20), 0);
	assert_int_equal(ts.sys.committed, 512 * PG);
	vmspace_free(vm);
	fixture_fini(&ts);
}

/* Two maps at once never get more than there is. */
struct commit_race {
	struct fixture *ts;
	struct vmspace *vm;
	vm_offset_t base;
	atomic_bool over;
};

static void *
commit_racer(void *arg)
{
	struct commit_race *r = arg;
	vm_offset_t a;

	for (int i = 0; i < 20000; i++) {
		a = r->base;
		/* Each replaces its own mapping: a charge is given back and
		 * taken in one operation, and may not be lost in between. */
		if (vm_mmap(r->vm, &a, (uint64_t)(1 + i % 150) * PG, RW, ALL,
			VMM_FIXED, NULL, 0) == 0 &&
		    atomic_load(&r->ts->sys.committed) > 256 * PG)
			r->over = true;
		if (i % 7 == 0 && vm_munmap(r->vm, a, 150 * PG) != 0)
			r->over = true;
	}
	return (NULL);
}

static void
test_commit_race(void **state)
{
	struct fixture ts;
	struct commit_race r[2];
	pthread_t t[2];

	ts_init(&ts, 1 << 20);
	fixture_reserve(&ts, 256 * PG);
	for (int i = 0; i < 2; i++)
		r[i] = (struct commit_race){
		    .ts = &ts, .vm = space(&ts), .base = BASE};
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    pthread_create(&t[i], NULL, commit_racer, &r[i]), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_false(r[i].over);
	}
	assert_int_equal(vm_check_system(&ts.sys), 0);
	for (int i = 0; i < 2; i++)
		vmspace_free(r[i].vm);
	fixture_fini(&ts);
}

/* ---- mremap ---- */

static void
test_mremap_anon(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	vm_offset_t a, b;

	ts_init(&ts, 8 << 20);
	vm = space(&ts);
	ts_map(vm, BASE, 8, RW);
	for (uint64_t i = 0; i < 8; i++)
		ts_put(vm, BASE + i * PG, i + 1);
	/* Shrink, grow in place. */
	a = 0;
	assert_int_equal(vm_mremap(vm, BASE, 8 * PG, 4 * PG, 0, &a), 0);
	assert_int_equal(a, BASE);
	assert_int_equal(vm_mremap(vm, BASE, 4 * PG, 6 * PG, 0, &a), 0);
	assert_int_equal(ts_get(vm, BASE + 3 * PG), 4);
	assert_int_equal(ts_get(vm, BASE + 5 * PG), 0);
	assert_int_equal(ts_entries(vm), 1);
	/* In the way: ENOMEM, or move. */
	ts_map(vm, BASE + 6 * PG, 1, R);
	assert_int_equal(vm_mremap(vm, BASE, 6 * PG, 9 * PG, 0, &a), ENOMEM);
	assert_int_equal(
	    vm_mremap(vm, BASE, 6 * PG, 9 * PG, LX_MREMAP_MAYMOVE, &a), 0);
	assert_int_not_equal(a, BASE);
	assert_int_equal(ts_get(vm, a + 3 * PG), 4);
	assert_int_equal(ts_get(vm, a + 8 * PG), 0);
	assert_int_equal(copyin(vm, &b, BASE, 1), EFAULT);
	ts_check(vm);
	/* The middle of a mapping, to a fixed place over another. */
	ts_map(vm, BASE + 32 * PG, 8, R);
	b = BASE + 34 * PG;
	assert_int_equal(vm_mremap(vm, a + 2 * PG, 2 * PG, 3 * PG,
			     LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED, &b),
	    0);
	assert_int_equal(ts_get(vm, b), 3);
	assert_int_equal(ts_get(vm, b + PG), 4);
	assert_int_equal(ts_get(vm, b + 2 * PG), 0);
	assert_int_equal(ts_get(vm, a), 1);
	assert_int_equal(copyin(vm, &b, a + 3 * PG, 1), EFAULT);
	ts_check(vm);
	/* After DONTUNMAP the old range reads as zeroes. */
	b = BASE + 34 * PG;
	a = 0;
	assert_int_equal(vm_mremap(vm, b, 2 * PG, 2 * PG,
			     LX_MREMAP_MAYMOVE | LX_MREMAP_DONTUNMAP, &a),
	    0);
	assert_int_equal(ts_get(vm, a + PG), 4);
	assert_int_equal(ts_get(vm, b + PG), 0);
	ts_put(vm, b + PG, 99);
	assert_int_equal(ts_get(vm, a + PG), 4);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

static void
test_mremap_errors(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	vm_offset_t a = 0;

	ts_init(&ts, 8 << 20);
	vm = space(&ts);
	ts_map(vm, BASE, 4, RW);
	assert_int_equal(vm_mremap(vm, BASE, PG, PG, 8, &a), EINVAL);
	assert_int_equal(
	    vm_mremap(vm, BASE, PG, PG, LX_MREMAP_FIXED, &a), EINVAL);
	assert_int_equal(
	    vm_mremap(vm, BASE, PG, PG, LX_MREMAP_DONTUNMAP, &a), EINVAL);
	assert_int_equal(vm_mremap(vm, BASE, PG, 2 * PG,
			     LX_MREMAP_MAYMOVE | LX_MREMAP_DONTUNMAP, &a),
	    EINVAL);
	assert_int_equal(vm_mremap(vm, BASE, PG, 0, 0, &a), EINVAL);
	assert_int_equal(vm_mremap(vm, BASE + 1, PG, PG, 0, &a), EINVAL);
	assert_int_equal(
	    vm_mremap(vm, BASE, 0, PG, LX_MREMAP_MAYMOVE, &a), EINVAL);
	assert_int_equal(vm_mremap(vm, BASE - PG, PG, PG, 0, &a), EFAULT);
	assert_int_equal(
	    vm_mremap(vm, BASE, 5 * PG, 6 * PG, LX_MREMAP_MAYMOVE, &a), EFAULT);
	assert_int_equal(
	    vm_mremap(vm, BASE, PG, VM_MAX_ADDRESS, LX_MREMAP_MAYMOVE, &a),
	    ENOMEM);
	a = BASE + PG;
	assert_int_equal(vm_mremap(vm, BASE, 2 * PG, PG,
			     LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED, &a),
	    EINVAL);
	a = BASE + 8 * PG + 1;
	assert_int_equal(vm_mremap(vm, BASE, 2 * PG, PG,
			     LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED, &a),
	    EINVAL);
	a = 0;
	assert_int_equal(vm_mremap(vm, BASE, 2 * PG, PG,
			     LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED, &a),
	    EPERM);
	assert_int_equal(vm_mprotect(vm, BASE + PG, PG, R), 0);
	assert_int_equal(
	    vm_mremap(vm, BASE, 2 * PG, 3 * PG, LX_MREMAP_MAYMOVE, &a), EFAULT);
	fixture_reserve(&ts, ts.sys.committed + PG);
	assert_int_equal(
	    vm_mremap(vm, BASE + 2 * PG, 2 * PG, 4 * PG, LX_MREMAP_MAYMOVE, &a),
	    ENOMEM);
	ts_map(vm, BASE + 4 * PG, 1, R); /* in the way: it must move */
	assert_int_equal(
	    vm_mremap(vm, BASE + 2 * PG, 2 * PG, 4 * PG, LX_MREMAP_MAYMOVE, &a),
	    ENOMEM);
	assert_int_equal(vm_mremap(vm, BASE + 2 * PG, 2 * PG, 2 * PG,
			     LX_MREMAP_MAYMOVE | LX_MREMAP_DONTUNMAP, &a),
	    ENOMEM);
	/* The growth by one page is within the limit. */
	assert_int_equal(
	    vm_mremap(vm, BASE + PG, PG, 2 * PG, LX_MREMAP_MAYMOVE, &a), 0);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

static void
test_mremap_shared(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	struct vm_object *obj;
	vm_offset_t a, b = 0, c;

	ts_init(&ts, 8 << 20);
	obj = paged_file_open(&ts);
	vm = space(&ts);
	/* Duplicate. */
	a = map_anon(vm, 4, RW, VMM_SHARED);
	ts_put(vm, a, 42);
	assert_int_equal(vm_mremap(vm, a, 0, 4 * PG, LX_MREMAP_MAYMOVE, &b), 0);
	assert_int_not_equal(a, b);
	ts_put(vm, b + PG, 43);
	assert_int_equal(ts_get(vm, b), 42);
	assert_int_equal(ts_get(vm, a + PG), 43);
	ts_check(vm);
	/* Private file, part written: the growth shows the file. */
	a = map_file(vm, obj, 4, RW, 0, 2);
	ts_put(vm, a + PG, 1000);
	assert_int_equal(
	    vm_mremap(vm, a, 4 * PG, 8 * PG, LX_MREMAP_MAYMOVE, &c), 0);
	assert_int_equal(ts_get(vm, c), 3);
	assert_int_equal(ts_get(vm, c + PG), 1000);
	assert_int_equal(ts_get(vm, c + 5 * PG), 8);
	ts_check(vm);
	/* Shared file. */
	a = map_file(vm, obj, 2, RW, VMM_SHARED, 0);
	assert_int_equal(
	    vm_mremap(vm, a, 2 * PG, 5 * PG, LX_MREMAP_MAYMOVE, &b), 0);
	assert_int_equal(ts_get(vm, b + 4 * PG), 5);
	ts_put(vm, b + 4 * PG, 777);
	assert_int_equal(vm_msync(vm, b, 5 * PG, true), 0);
	assert_memory_equal(file.data + 4 * PG, &(uint64_t){777}, 8);
	ts_check(vm);
	vmspace_free(vm);
	file_close(&file, obj);
	fixture_fini(&ts);
}

/* ---- madvise and friends ---- */

static void
test_dontneed(void **state)
{
	struct fixture ts;
	struct vmspace *vm, *child;
	struct vm_object *obj;
	vm_offset_t a, s, f;
	uint64_t nfree;

	ts_init(&ts, 8 << 20);
	obj = paged_file_open(&ts);
	vm = space(&ts);
	a = map_anon(vm, 16, RW, 0);
	for (uint64_t i = 0; i < 16; i++)
		ts_put(vm, a + i * PG, i + 1);
	/* A private object: in place, the frames are freed. */
	nfree = atomic_load(&ts.sys.phys->nfree);
	assert_int_equal(
	    vm_madvise(vm, a + 4 * PG, 4 * PG, LX_MADV_DONTNEED), 0);
	assert_int_equal(atomic_load(&ts.sys.phys->nfree), nfree + 4);
	assert_int_equal(ts_entries(vm), 1);
	assert_int_equal(ts_get(vm, a + 4 * PG), 0);
	assert_int_equal(ts_get(vm, a + 3 * PG), 4);
	/* Split entries of one object are still private, page by page. */
	assert_int_equal(vm_mprotect(vm, a + 8 * PG, PG, R), 0);
	assert_int_equal(
	    vm_madvise(vm, a + 8 * PG, 4 * PG, LX_MADV_DONTNEED), 0);
	assert_int_equal(ts_entries(vm), 3);
	assert_int_equal(ts_get(vm, a + 8 * PG), 0);
	assert_int_equal(ts_get(vm, a + 12 * PG), 13);
	/* After a fork the child keeps its copy. */
	assert_int_equal(vmspace_fork(vm, &child), 0);
	assert_int_equal(vm_madvise(vm, a, 2 * PG, LX_MADV_DONTNEED), 0);
	assert_int_equal(ts_get(vm, a), 0);
	assert_int_equal(ts_get(vm, a + 2 * PG), 3);
	assert_int_equal(ts_get(child, a), 1);
	ts_put(child, a + 2 * PG, 50);
	assert_int_equal(vm_madvise(child, a, 4 * PG, LX_MADV_DONTNEED), 0);
	assert_int_equal(ts_get(child, a + 2 * PG), 0);
	assert_int_equal(ts_get(vm, a + 2 * PG), 3);
	ts_check(vm);
	ts_check(child);
	/* Shared memory keeps its data; a private copy of a file page is
	 * discarded. */
	s = map_anon(vm, 2, RW, VMM_SHARED);
	ts_put(vm, s, 5);
	f = map_file(vm, obj, 4, RW, 0, 8);
	ts_put(vm, f, 12345);
	assert_int_equal(vm_madvise(vm, s, 2 * PG, LX_MADV_DONTNEED), 0);
	assert_int_equal(ts_get(vm, s), 5);
	assert_int_equal(vm_madvise(vm, s, 2 * PG, LX_MADV_FREE), EINVAL);
	assert_int_equal(vm_madvise(vm, f, 2 * PG, LX_MADV_FREE), EINVAL);
	assert_int_equal(vm_madvise(vm, f, 2 * PG, LX_MADV_DONTNEED), 0);
	assert_int_equal(ts_get(vm, f), 9);
	assert_int_equal(ts_get(vm, f + 2 * PG), 11);
	assert_int_equal(vm_madvise(vm, s, PG, LX_MADV_REMOVE), 0);
	assert_int_equal(ts_get(vm, s), 0);
	assert_int_equal(vm_madvise(vm, a, PG, LX_MADV_REMOVE), EINVAL);
	ts_check(vm);
	vmspace_free(vm);
	vmspace_free(child);
	file_close(&file, obj);
	fixture_fini(&ts);
}

static void
test_madvise_misc(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	vm_offset_t a;
	uint8_t vec[8];

	ts_init(&ts, 8 << 20);
	vm = space(&ts);
	a = map_anon(vm, 8, RW, 0);
	assert_int_equal(vm_madvise(vm, a, PG, 5), EINVAL);
	assert_int_equal(vm_madvise(vm, a, PG, 99), EINVAL);
	assert_int_equal(vm_madvise(vm, a + 1, PG, LX_MADV_DONTNEED), EINVAL);
	assert_int_equal(
	    vm_madvise(vm, a, UINT64_MAX, LX_MADV_DONTNEED), EINVAL);
	assert_int_equal(vm_madvise(vm, a, 0, LX_MADV_DONTNEED), 0);
	assert_int_equal(
	    vm_madvise(vm, a - PG, 3 * PG, LX_MADV_DONTNEED), ENOMEM);
	assert_int_equal(vm_madvise(vm, BASE, PG, LX_MADV_RANDOM), ENOMEM);
	assert_int_equal(vm_madvise(vm, a, 2 * PG, LX_MADV_SEQUENTIAL), 0);
	assert_int_equal(ts_entries(vm), 2);
	assert_int_equal(vm_madvise(vm, a, 8 * PG, LX_MADV_NORMAL), 0);
	assert_int_equal(ts_entries(vm), 1);
	for (int adv = 0; adv <= 23; adv++) {
		if ((adv > 4 && adv < 8) || adv == 9)
			continue;
		assert_int_equal(vm_madvise(vm, a, 8 * PG, adv), 0);
	}
	assert_int_equal(vm_mincore(vm, a, 8 * PG, vec), 0);
	assert_memory_equal(vec, "\1\1\1\1\1\1\1\1", 8);
	assert_int_equal(vm_mincore(vm, a + 1, PG, vec), EINVAL);
	assert_int_equal(vm_mincore(vm, a - PG, PG, vec), ENOMEM);
	assert_int_equal(
	    vm_madvise(vm, a + 2 * PG, 2 * PG, LX_MADV_DONTNEED), 0);
	assert_int_equal(vm_mincore(vm, a, 8 * PG, vec), 0);
	assert_memory_equal(vec, "\1\1\0\0\1\1\1\1", 8);
	/* POPULATE */
	assert_int_equal(vm_mprotect(vm, a, 8 * PG, R), 0);
	assert_int_equal(
	    vm_madvise(vm, a, 8 * PG, LX_MADV_POPULATE_WRITE), EINVAL);
	assert_int_equal(vm_madvise(vm, a, 8 * PG, LX_MADV_POPULATE_READ), 0);
	assert_int_equal(
	    vm_madvise(vm, a, 9 * PG, LX_MADV_POPULATE_READ), ENOMEM);
	/* mlock */
	vm->map.lock_limit = 0;
	assert_int_equal(vm_mlock(vm, a, 4 * PG, true), EPERM);
	vm->map.lock_limit = 3 * PG;
	assert_int_equal(vm_mlock(vm, a, 4 * PG, true), ENOMEM);
	vm->map.lock_limit = 4 * PG;
	assert_int_equal(vm_mlock(vm, a + 5, PG, true), 0);
	assert_int_equal(vm->map.locked, 2 * PG);
	assert_int_equal(vm_mlock(vm, a, 4 * PG, true), 0);
	assert_int_equal(vm->map.locked, 4 * PG);
	assert_int_equal(vm_madvise(vm, a, PG, LX_MADV_DONTNEED), EINVAL);
	assert_int_equal(vm_mlock(vm, a, 2 * PG, false), 0);
	assert_int_equal(vm_munmap(vm, a + 3 * PG, PG), 0);
	assert_int_equal(vm->map.locked, PG);
	vm->map.lock_limit = 64 * PG;
	assert_int_equal(vm_mlock(vm, a, 8 * PG, true), ENOMEM);
	assert_int_equal(vm_msync(vm, a, PG, true), 0);
	assert_int_equal(vm_msync(vm, a, 8 * PG, true), ENOMEM);
	assert_int_equal(vm_msync(vm, a + 1, PG, true), EINVAL);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

/* One limit for all ways to lock memory. */
static void
test_lock_limit(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	uint8_t vec[4];
	vm_offset_t a = BASE, b = 0;

	ts_init(&ts, 8 << 20);
	vm = space(&ts);
	vm->map.lock_limit = 4 * PG;
	assert_int_equal(
	    MMAP(5 * PG, RW, ALL, VMM_FIXED | VMM_LOCKED, NULL, 0), EAGAIN);
	assert_int_equal(
	    MMAP(3 * PG, RW, ALL, VMM_FIXED | VMM_LOCKED, NULL, 0), 0);
	assert_int_equal(vm_mincore(vm, a, 3 * PG, vec), 0);
	assert_memory_equal(vec, "\1\1\1", 3);
	/* A locked mapping that grows, in place or by a move, is locked as a
	 * whole. */
	assert_int_equal(vm_mremap(vm, a, 3 * PG, 5 * PG, 0, &b), EAGAIN);
	assert_int_equal(
	    vm_mremap(vm, a, 3 * PG, 5 * PG, LX_MREMAP_MAYMOVE, &b), EAGAIN);
	assert_int_equal(vm_mremap(vm, a, 3 * PG, 4 * PG, 0, &b), 0);
	assert_int_equal(vm->map.locked, 4 * PG);
	/* mlockall */
	assert_int_equal(vm_mlockall(vm, LX_MCL_CURRENT), 0);
	ts_map(vm, BASE + 8 * PG, 1, RW);
	assert_int_equal(vm_mlockall(vm, LX_MCL_CURRENT), ENOMEM);
	assert_int_equal(vm_munlockall(vm), 0);
	assert_int_equal(vm->map.locked, 0);
	assert_int_equal(vm_mlockall(vm, LX_MCL_FUTURE), 0);
	assert_int_equal(vm->map.locked, 0);
	a = BASE + 16 * PG;
	assert_int_equal(MMAP(5 * PG, RW, ALL, VMM_FIXED, NULL, 0), EAGAIN);
	assert_int_equal(MMAP(2 * PG, RW, ALL, VMM_FIXED, NULL, 0), 0);
	assert_int_equal(vm_mincore(vm, a, 2 * PG, vec), 0);
	assert_memory_equal(vec, "\1\1", 2);
	assert_int_equal(vm_mlockall(vm, LX_MCL_FUTURE | LX_MCL_ONFAULT), 0);
	a = BASE + 24 * PG;
	assert_int_equal(MMAP(2 * PG, RW, ALL, VMM_FIXED, NULL, 0), 0);
	assert_int_equal(vm_mincore(vm, a, 2 * PG, vec), 0);
	assert_memory_equal(vec, "\0\0", 2);
	assert_int_equal(vm->map.locked, 4 * PG);
	vm->map.lock_limit = 0;
	assert_int_equal(vm_mlockall(vm, LX_MCL_CURRENT), EPERM);
	assert_int_equal(vm_munlockall(vm), 0);
	assert_int_equal(MMAP(PG, RW, ALL, VMM_FIXED, NULL, 0), 0);
	assert_int_equal(vm->map.locked, 0);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mmap_errors),
	    cmocka_unit_test(test_munmap_mprotect),
	    cmocka_unit_test(test_brk),
	    cmocka_unit_test(test_commit_limit),
	    cmocka_unit_test(test_commit_shared),
	    cmocka_unit_test(test_commit_always),
	    cmocka_unit_test(test_commit_race),
	    cmocka_unit_test(test_mremap_anon),
	    cmocka_unit_test(test_mremap_errors),
	    cmocka_unit_test(test_mremap_shared),
	    cmocka_unit_test(test_dontneed),
	    cmocka_unit_test(test_madvise_misc),
	    cmocka_unit_test(test_lock_limit),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
