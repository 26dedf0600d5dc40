/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Address spaces: the calls of the mmap family with Linux's errors, fork by
 * inheritance, limits, life in two stages, and refusals of memory at every
 * step.
 */
#include "vm_testlib.h"

#include <pthread.h>
#include <stdio.h>

#include "vm/vm_map_int.h"

/* ---- a file in memory ---- */

struct file {
	uint8_t data[64 * 4096];
	uint64_t size;
	_Atomic(int) refs;
};

static int
file_read(void *h, uint64_t off, void *buf, size_t len, size_t *done)
{
	struct file *f = h;
	size_t n = off >= f->size ? 0 : f->size - off;

	*done = n < len ? n : len;
	memcpy(buf, f->data + off, *done);
	return (0);
}

static int
file_write(void *h, uint64_t off, const void *buf, size_t len, size_t *done)
{
	struct file *f = h;

	assert_true(off + len <= sizeof(f->data));
	memcpy(f->data + off, buf, len);
	*done = len;
	return (0);
}

static int
file_size(void *h, uint64_t *size)
{
	*size = ((struct file *)h)->size;
	return (0);
}

static void
file_ref(void *h)
{
	atomic_fetch_add(&((struct file *)h)->refs, 1);
}

static void
file_rele(void *h)
{
	assert_true(atomic_fetch_sub(&((struct file *)h)->refs, 1) > 0);
}

static void
file_name(void *h, char *buf, size_t size)
{
	(void)h;
	snprintf(buf, size, "/a/file");
}

static void
file_ident(void *h, uint64_t *dev, uint64_t *ino)
{
	(void)h;
	*dev = 5;
	*ino = 6;
}

static const struct vm_vnode_ops file_ops = {
    .read = file_read,
    .write = file_write,
    .size = file_size,
    .ref = file_ref,
    .rele = file_rele,
    .name = file_name,
    .ident = file_ident,
};

static struct file file;

static struct vm_object *
file_open(struct ts *ts)
{
	struct vm_object *obj;

	memset(&file, 0, sizeof(file));
	file.size = sizeof(file.data);
	for (size_t i = 0; i < sizeof(file.data) / 4096; i++)
		file.data[i * 4096] = (uint8_t)(i + 1);
	assert_int_equal(
	    vnode_pager_alloc(&ts->sys, &file, &file_ops, &obj), 0);
	return (obj);
}

static void
file_close(struct vm_object *obj)
{
	assert_int_equal(atomic_load(&file.refs), 0);
	vnode_pager_dealloc(obj);
}

static vm_offset_t
map_file(struct vmspace *vm, struct vm_object *obj, uint64_t npages,
    vm_prot_t prot, int flags, uint64_t pgoff)
{
	vm_offset_t a = 0;

	assert_int_equal(
	    vm_mmap(vm, &a, npages * PG, prot, ALL, flags, obj, pgoff * PG), 0);
	return (a);
}

static vm_offset_t
map_anon(struct vmspace *vm, uint64_t npages, vm_prot_t prot, int flags)
{
	return (map_file(vm, NULL, npages, prot, flags, 0));
}

/* ---- mmap ---- */

static void
test_mmap_errors(void **state)
{
	struct ts ts;
	struct vmspace *vm;
	struct vm_object *obj;
	vm_offset_t a = 0;

	ts_init(&ts, 4 << 20);
	obj = file_open(&ts);
	vm = ts_space(&ts);
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
	/* Hints: used when free, rounded, lifted; otherwise ignored. */
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
	/* Room above mmap_top is the last resort. */
	a = 0;
	vm->mmap_top = VM_MIN_ADDRESS + PG;
	assert_int_equal(MMAP(PG, R, ALL, 0, NULL, 0), 0);
	assert_int_equal(a, VM_MIN_ADDRESS + PG);
	vm->map.as_limit = vm->map.size + PG;
	assert_int_equal(MMAP(2 * PG, R, ALL, 0, NULL, 0), ENOMEM);
	assert_int_equal(MMAP(PG, R, ALL, 0, NULL, 0), 0);
	ts_check(vm);
	vmspace_free(vm);
	file_close(obj);
	ts_fini(&ts);
}

static void
test_munmap_mprotect(void **state)
{
	struct ts ts;
	struct vmspace *vm;
	vm_offset_t a;

	ts_init(&ts, 4 << 20);
	vm = ts_space(&ts);
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
	/* Beyond what the mapping may ever allow. */
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
	ts_fini(&ts);
}

static void
test_brk(void **state)
{
	struct ts ts;
	struct vmspace *vm;
	vm_offset_t b;

	ts_init(&ts, 8 << 20);
	vm = ts_space(&ts);
	ts_map(vm, BASE, 1, RW); /* the end of .bss */
	vm->brk_start = vm->brk_end = BASE + 100;
	b = 0;
	vm_brk(vm, &b);
	assert_int_equal(b, BASE + 100);
	/* In odd steps: one entry, one object. */
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
	ts_fini(&ts);
}

static void
test_commit(void **state)
{
	struct ts ts;
	struct vmspace *vm, *child;
	vm_offset_t a = 0, b;

	ts_init(&ts, 1 << 20); /* 256 pages */
	vm = ts_space(&ts);
	assert_int_equal(vm->map.commit_limit, 256 * PG);
	assert_int_equal(
	    vm_mmap(vm, &a, 257 * PG, RW, ALL, 0, NULL, 0), ENOMEM);
	a = map_anon(vm, 300, RW, VMM_NORESERVE);
	b = map_anon(vm, 300, R, 0);
	assert_int_equal(vm->map.commit, 0);
	assert_int_equal(vm_mprotect(vm, b, 200 * PG, RW), 0);
	assert_int_equal(vm->map.commit, 200 * PG);
	assert_int_equal(vm_mprotect(vm, b + 200 * PG, 57 * PG, RW), ENOMEM);
	/* The charge stays with the pages. */
	assert_int_equal(vm_mprotect(vm, b, 200 * PG, R), 0);
	assert_int_equal(vm->map.commit, 200 * PG);
	assert_int_equal(vm_mprotect(vm, a, 300 * PG, R), 0);
	assert_int_equal(vm_mprotect(vm, a, 300 * PG, RW), 0);
	assert_int_equal(vmspace_fork(vm, &child), 0);
	assert_int_equal(child->map.commit, 200 * PG);
	assert_int_equal(child->map.commit_limit, 256 * PG);
	vmspace_free(child);
	/* Shared anonymous memory counts; replacing does not count twice. */
	a = BASE;
	assert_int_equal(
	    vm_mmap(vm, &a, 50 * PG, R, ALL, VMM_SHARED, NULL, 0), 0);
	assert_int_equal(a, BASE);
	assert_int_equal(vm->map.commit, 250 * PG);
	assert_int_equal(
	    vm_mmap(vm, &a, 51 * PG, RW, ALL, VMM_FIXED, NULL, 0), 0);
	assert_int_equal(vm->map.commit, 251 * PG);
	assert_int_equal(
	    vm_mmap(vm, &a, 57 * PG, RW, ALL, VMM_FIXED, NULL, 0), ENOMEM);
	assert_int_equal(ts_entry(vm, a).end, a + 51 * PG);
	assert_int_equal(vm_munmap(vm, b, 300 * PG), 0);
	assert_int_equal(vm->map.commit, 51 * PG);
	ts_check(vm);
	vmspace_free(vm);
	ts_fini(&ts);
}

/* ---- mremap ---- */

static void
test_mremap_anon(void **state)
{
	struct ts ts;
	struct vmspace *vm;
	vm_offset_t a, b;

	ts_init(&ts, 8 << 20);
	vm = ts_space(&ts);
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
	assert_int_equal(vm_mremap(vm, BASE, 6 * PG, 9 * PG, 1, &a), 0);
	assert_int_not_equal(a, BASE);
	assert_int_equal(ts_get(vm, a + 3 * PG), 4);
	assert_int_equal(ts_get(vm, a + 8 * PG), 0);
	assert_int_equal(copyin(vm, &b, BASE, 1), EFAULT);
	ts_check(vm);
	/* The middle of a mapping, to a fixed place over another. */
	ts_map(vm, BASE + 32 * PG, 8, R);
	b = BASE + 34 * PG;
	assert_int_equal(
	    vm_mremap(vm, a + 2 * PG, 2 * PG, 3 * PG, 1 | 2, &b), 0);
	assert_int_equal(ts_get(vm, b), 3);
	assert_int_equal(ts_get(vm, b + PG), 4);
	assert_int_equal(ts_get(vm, b + 2 * PG), 0);
	assert_int_equal(ts_get(vm, a), 1);
	assert_int_equal(copyin(vm, &b, a + 3 * PG, 1), EFAULT);
	ts_check(vm);
	/* DONTUNMAP leaves zeroes. */
	b = BASE + 34 * PG;
	a = 0;
	assert_int_equal(vm_mremap(vm, b, 2 * PG, 2 * PG, 1 | 4, &a), 0);
	assert_int_equal(ts_get(vm, a + PG), 4);
	assert_int_equal(ts_get(vm, b + PG), 0);
	ts_put(vm, b + PG, 99);
	assert_int_equal(ts_get(vm, a + PG), 4);
	ts_check(vm);
	vmspace_free(vm);
	ts_fini(&ts);
}

static void
test_mremap_errors(void **state)
{
	struct ts ts;
	struct vmspace *vm;
	vm_offset_t a = 0;

	ts_init(&ts, 8 << 20);
	vm = ts_space(&ts);
	ts_map(vm, BASE, 4, RW);
	assert_int_equal(vm_mremap(vm, BASE, PG, PG, 8, &a), EINVAL);
	assert_int_equal(vm_mremap(vm, BASE, PG, PG, 2, &a), EINVAL);
	assert_int_equal(vm_mremap(vm, BASE, PG, PG, 4, &a), EINVAL);
	assert_int_equal(vm_mremap(vm, BASE, PG, 2 * PG, 5, &a), EINVAL);
	assert_int_equal(vm_mremap(vm, BASE, PG, 0, 0, &a), EINVAL);
	assert_int_equal(vm_mremap(vm, BASE + 1, PG, PG, 0, &a), EINVAL);
	assert_int_equal(vm_mremap(vm, BASE, 0, PG, 1, &a), EINVAL);
	assert_int_equal(vm_mremap(vm, BASE - PG, PG, PG, 0, &a), EFAULT);
	assert_int_equal(vm_mremap(vm, BASE, 5 * PG, 6 * PG, 1, &a), EFAULT);
	assert_int_equal(
	    vm_mremap(vm, BASE, PG, VM_MAX_ADDRESS, 1, &a), ENOMEM);
	a = BASE + PG;
	assert_int_equal(vm_mremap(vm, BASE, 2 * PG, PG, 3, &a), EINVAL);
	a = BASE + 8 * PG + 1;
	assert_int_equal(vm_mremap(vm, BASE, 2 * PG, PG, 3, &a), EINVAL);
	a = 0;
	assert_int_equal(vm_mremap(vm, BASE, 2 * PG, PG, 3, &a), EPERM);
	assert_int_equal(vm_mprotect(vm, BASE + PG, PG, R), 0);
	assert_int_equal(vm_mremap(vm, BASE, 2 * PG, 3 * PG, 1, &a), EFAULT);
	vm->map.commit_limit = vm->map.commit + PG;
	assert_int_equal(
	    vm_mremap(vm, BASE + 2 * PG, 2 * PG, 4 * PG, 1, &a), ENOMEM);
	/* Moving alone needs no more than what is there. */
	assert_int_equal(vm_mremap(vm, BASE + PG, PG, 2 * PG, 1, &a), 0);
	ts_check(vm);
	vmspace_free(vm);
	ts_fini(&ts);
}

static void
test_mremap_shared(void **state)
{
	struct ts ts;
	struct vmspace *vm;
	struct vm_object *obj;
	vm_offset_t a, b = 0, c;

	ts_init(&ts, 8 << 20);
	obj = file_open(&ts);
	vm = ts_space(&ts);
	/* Duplicate. */
	a = map_anon(vm, 4, RW, VMM_SHARED);
	ts_put(vm, a, 42);
	assert_int_equal(vm_mremap(vm, a, 0, 4 * PG, 1, &b), 0);
	assert_int_not_equal(a, b);
	ts_put(vm, b + PG, 43);
	assert_int_equal(ts_get(vm, b), 42);
	assert_int_equal(ts_get(vm, a + PG), 43);
	ts_check(vm);
	/* Private file, part written: the growth shows the file. */
	a = map_file(vm, obj, 4, RW, 0, 2);
	ts_put(vm, a + PG, 1000);
	assert_int_equal(vm_mremap(vm, a, 4 * PG, 8 * PG, 1, &c), 0);
	assert_int_equal(ts_get(vm, c), 3);
	assert_int_equal(ts_get(vm, c + PG), 1000);
	assert_int_equal(ts_get(vm, c + 5 * PG), 8);
	ts_check(vm);
	/* Shared file. */
	a = map_file(vm, obj, 2, RW, VMM_SHARED, 0);
	assert_int_equal(vm_mremap(vm, a, 2 * PG, 5 * PG, 1, &b), 0);
	assert_int_equal(ts_get(vm, b + 4 * PG), 5);
	ts_put(vm, b + 4 * PG, 777);
	assert_int_equal(vm_msync(vm, b, 5 * PG, true), 0);
	assert_memory_equal(file.data + 4 * PG, &(uint64_t){777}, 8);
	ts_check(vm);
	vmspace_free(vm);
	file_close(obj);
	ts_fini(&ts);
}

/* ---- madvise and friends ---- */

static void
test_dontneed(void **state)
{
	struct ts ts;
	struct vmspace *vm, *child;
	struct vm_object *obj;
	vm_offset_t a, s, f;
	uint64_t nfree;

	ts_init(&ts, 8 << 20);
	obj = file_open(&ts);
	vm = ts_space(&ts);
	a = map_anon(vm, 16, RW, 0);
	for (uint64_t i = 0; i < 16; i++)
		ts_put(vm, a + i * PG, i + 1);
	/* Private object: in place, the frames come back. */
	nfree = atomic_load(&ts.sys.phys->nfree);
	assert_int_equal(vm_madvise(vm, a + 4 * PG, 4 * PG, 4), 0);
	assert_int_equal(atomic_load(&ts.sys.phys->nfree), nfree + 4);
	assert_int_equal(ts_entries(vm), 1);
	assert_int_equal(ts_get(vm, a + 4 * PG), 0);
	assert_int_equal(ts_get(vm, a + 3 * PG), 4);
	/* Split entries of one object are still private, page by page. */
	assert_int_equal(vm_mprotect(vm, a + 8 * PG, PG, R), 0);
	assert_int_equal(vm_madvise(vm, a + 8 * PG, 4 * PG, 4), 0);
	assert_int_equal(ts_entries(vm), 3);
	assert_int_equal(ts_get(vm, a + 8 * PG), 0);
	assert_int_equal(ts_get(vm, a + 12 * PG), 13);
	/* After a fork the child keeps its copy. */
	assert_int_equal(vmspace_fork(vm, &child), 0);
	assert_int_equal(vm_madvise(vm, a, 2 * PG, 4), 0);
	assert_int_equal(ts_get(vm, a), 0);
	assert_int_equal(ts_get(vm, a + 2 * PG), 3);
	assert_int_equal(ts_get(child, a), 1);
	ts_put(child, a + 2 * PG, 50);
	assert_int_equal(vm_madvise(child, a, 4 * PG, 4), 0);
	assert_int_equal(ts_get(child, a + 2 * PG), 0);
	assert_int_equal(ts_get(vm, a + 2 * PG), 3);
	ts_check(vm);
	ts_check(child);
	/* Shared: nothing is lost. File: what was written is. */
	s = map_anon(vm, 2, RW, VMM_SHARED);
	ts_put(vm, s, 5);
	f = map_file(vm, obj, 4, RW, 0, 8);
	ts_put(vm, f, 12345);
	assert_int_equal(vm_madvise(vm, s, 2 * PG, 4), 0);
	assert_int_equal(ts_get(vm, s), 5);
	assert_int_equal(vm_madvise(vm, s, 2 * PG, 8), EINVAL);
	assert_int_equal(vm_madvise(vm, f, 2 * PG, 8), EINVAL);
	assert_int_equal(vm_madvise(vm, f, 2 * PG, 4), 0);
	assert_int_equal(ts_get(vm, f), 9);
	assert_int_equal(ts_get(vm, f + 2 * PG), 11);
	assert_int_equal(vm_madvise(vm, s, PG, 9), 0);
	assert_int_equal(ts_get(vm, s), 0);
	assert_int_equal(vm_madvise(vm, a, PG, 9), EINVAL);
	ts_check(vm);
	vmspace_free(vm);
	vmspace_free(child);
	file_close(obj);
	ts_fini(&ts);
}

static void
test_madvise_misc(void **state)
{
	struct ts ts;
	struct vmspace *vm;
	vm_offset_t a;
	uint8_t vec[8];

	ts_init(&ts, 8 << 20);
	vm = ts_space(&ts);
	a = map_anon(vm, 8, RW, 0);
	assert_int_equal(vm_madvise(vm, a, PG, 5), EINVAL);
	assert_int_equal(vm_madvise(vm, a, PG, 99), EINVAL);
	assert_int_equal(vm_madvise(vm, a + 1, PG, 4), EINVAL);
	assert_int_equal(vm_madvise(vm, a, UINT64_MAX, 4), EINVAL);
	assert_int_equal(vm_madvise(vm, a, 0, 4), 0);
	assert_int_equal(vm_madvise(vm, a - PG, 3 * PG, 4), ENOMEM);
	assert_int_equal(vm_madvise(vm, BASE, PG, 1), ENOMEM);
	assert_int_equal(vm_madvise(vm, a, 2 * PG, 2), 0);
	assert_int_equal(ts_entries(vm), 2);
	assert_int_equal(vm_madvise(vm, a, 8 * PG, 0), 0);
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
	assert_int_equal(vm_madvise(vm, a + 2 * PG, 2 * PG, 4), 0);
	assert_int_equal(vm_mincore(vm, a, 8 * PG, vec), 0);
	assert_memory_equal(vec, "\1\1\0\0\1\1\1\1", 8);
	/* POPULATE */
	assert_int_equal(vm_mprotect(vm, a, 8 * PG, R), 0);
	assert_int_equal(vm_madvise(vm, a, 8 * PG, 23), EINVAL);
	assert_int_equal(vm_madvise(vm, a, 8 * PG, 22), 0);
	assert_int_equal(vm_madvise(vm, a, 9 * PG, 22), ENOMEM);
	/* mlock */
	assert_int_equal(vm_mlock(vm, a, 4 * PG, true, 0), EPERM);
	assert_int_equal(vm_mlock(vm, a, 4 * PG, true, 3 * PG), ENOMEM);
	assert_int_equal(vm_mlock(vm, a + 5, PG, true, 4 * PG), 0);
	assert_int_equal(vm->map.locked, 2 * PG);
	assert_int_equal(vm_mlock(vm, a, 4 * PG, true, 4 * PG), 0);
	assert_int_equal(vm->map.locked, 4 * PG);
	assert_int_equal(vm_madvise(vm, a, PG, 4), EINVAL);
	assert_int_equal(vm_mlock(vm, a, 2 * PG, false, 0), 0);
	assert_int_equal(vm_munmap(vm, a + 3 * PG, PG), 0);
	assert_int_equal(vm->map.locked, PG);
	assert_int_equal(vm_mlock(vm, a, 8 * PG, true, 64 * PG), ENOMEM);
	assert_int_equal(vm_msync(vm, a, PG, true), 0);
	assert_int_equal(vm_msync(vm, a, 8 * PG, true), ENOMEM);
	assert_int_equal(vm_msync(vm, a + 1, PG, true), EINVAL);
	ts_check(vm);
	vmspace_free(vm);
	ts_fini(&ts);
}

/* ---- fork ---- */

static void
test_fork_inherit(void **state)
{
	struct ts ts;
	struct vmspace *vm, *c;
	struct vm_object *obj;
	vm_offset_t p, s, s0, w, n, f;
	struct vm_entry_info info;

	ts_init(&ts, 8 << 20);
	obj = file_open(&ts);
	vm = ts_space(&ts);
	vm->brk_start = vm->brk_end = BASE;
	vm->stack_top = BASE + 77;
	p = map_anon(vm, 4, RW, 0);
	s = map_anon(vm, 4, RW, VMM_SHARED);
	s0 = map_anon(vm, 4, R | VM_PROT_EXECUTE, VMM_SHARED);
	w = map_anon(vm, 4, RW, VMM_NORESERVE);
	n = map_anon(vm, 4, R, VMM_NORESERVE);
	f = map_file(vm, obj, 4, RW, 0, 0);
	assert_int_equal(vm_madvise(vm, w, 4 * PG, 18), 0);
	assert_int_equal(vm_madvise(vm, n, 4 * PG, 10), 0);
	assert_int_equal(vm_mlock(vm, p, PG, true, PG), 0);
	ts_put(vm, p, 1);
	ts_put(vm, s, 2);
	ts_put(vm, w, 3);
	ts_put(vm, f, 4);
	assert_int_equal(vmspace_fork(vm, &c), 0);
	ts_check(vm);
	ts_check(c);
	assert_int_equal(pmap_count(c->pmap, 0, VM_MAX_ADDRESS), 0);
	assert_int_equal(c->stack_top, BASE + 77);
	assert_int_equal(c->map.locked, 0);
	assert_int_equal(vm->map.locked, PG);
	assert_int_equal(ts_get(c, p), 1);
	assert_int_equal(ts_get(c, s), 2);
	assert_int_equal(ts_get(c, s0), 0);
	assert_int_equal(ts_get(c, w), 0);
	assert_int_equal(ts_get(c, f), 4);
	assert_int_equal(copyin(c, &info, n, 1), EFAULT);
	ts_put(c, p, 10);
	ts_put(c, s, 20);
	ts_put(vm, f, 40);
	ts_put(vm, p + PG, 11);
	assert_int_equal(ts_get(vm, p), 1);
	assert_int_equal(ts_get(vm, s), 20);
	assert_int_equal(ts_get(vm, w), 3);
	assert_int_equal(ts_get(c, f), 4);
	assert_int_equal(ts_get(c, p + PG), 0);
	assert_int_equal(vmspace_entry_info(c, f, &info), 0);
	assert_string_equal(info.name, "/a/file");
	assert_int_equal(info.dev, 5);
	assert_int_equal(info.ino, 6);
	assert_int_equal(info.start, f);
	assert_true(info.depth >= 2);
	assert_int_equal(vmspace_entry_info(c, VM_MAX_ADDRESS, &info), ENOENT);
	ts_check(vm);
	ts_check(c);
	assert_int_equal(vm_check_system(&ts.sys), 0);
	vmspace_free(vm);
	assert_int_equal(ts_get(c, p), 10);
	assert_int_equal(ts_get(c, f), 4);
	ts_check(c);
	vmspace_free(c);
	file_close(obj);
	ts_fini(&ts);
}

/* Generations of forks with memory that is never touched before. */
static void
test_fork_untouched(void **state)
{
	struct ts ts;
	struct vmspace *vm, *c;
	vm_offset_t a;

	ts_init(&ts, 8 << 20);
	vm = ts_space(&ts);
	a = map_anon(vm, 4, RW, 0);
	for (uint64_t i = 0; i < 50; i++) {
		assert_int_equal(vmspace_fork(vm, &c), 0);
		ts_put(c, a, i);
		ts_put(vm, a + PG, i);
		assert_int_equal(ts_get(c, a + PG), 0);
		vmspace_free(vm);
		vm = c;
		ts_check(vm);
	}
	assert_true(vm_object_chain_depth(ts_entry(vm, a).object) <= 2);
	vmspace_free(vm);
	ts_fini(&ts);
}

/* ---- refusals ---- */

/* Live items, but for objects: shared memory may get its object early. */
static uint64_t
live_items(struct ts *ts)
{
	return (
	    vm_zone_set_live(ts->sys.zones) - vm_zone_live(ts->sys.z_object));
}

static void
refuse_fork(struct ts *ts, struct vmspace *vm, struct vm_zone *zone)
{
	static struct dry d;
	struct vmspace *c = NULL;
	uint64_t live;
	int error = ENOMEM;

	for (size_t left = 0; error != 0; left++) {
		assert_true(left < 64);
		live = live_items(ts);
		dry_begin(&d, ts, zone, left);
		error = vmspace_fork(vm, &c);
		dry_end(&d);
		if (error != 0) {
			assert_int_equal(error, ENOMEM);
			assert_null(c);
			assert_int_equal(live_items(ts), live);
		}
		ts_check(vm);
	}
	ts_check(c);
	vmspace_free(c);
}

static void
test_fork_refused(void **state)
{
	struct ts ts;
	struct vmspace *vm;
	vm_offset_t a;

	ts_init(&ts, 8 << 20);
	vm = ts_space(&ts);
	a = map_anon(vm, 4, RW, 0);
	ts_put(vm, a, 1);
	(void)map_anon(vm, 4, RW, VMM_SHARED);
	/* Shared, without an object yet. */
	vm_map_lock(&vm->map);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(
		    vm_map_insert(&vm->map, NULL, 0, BASE + 2 * i * PG,
			BASE + (2 * i + 1) * PG, RW, ALL, VM_INHERIT_SHARE,
			MAP_ENTRY_SHARED),
		    0);
	vm_map_unlock(&vm->map);
	refuse_fork(&ts, vm, ts.sys.z_object);
	refuse_fork(&ts, vm, ts.sys.z_entry);
	refuse_fork(&ts, vm, ts.sys.z_vmspace);
	refuse_fork(&ts, vm, ts.sys.z_pmap);
	assert_int_equal(ts_get(vm, a), 1);
	ts_put(vm, a, 2);
	ts_check(vm);
	vmspace_free(vm);
	ts_fini(&ts);
}

/* The host refuses its n-th request: setting up, mapping, forking, using. */
static void
test_host_refuses(void **state)
{
	struct ts ts;
	struct vm_system_config cf = {
	    .mem = 4 << 20, .pmap_ops = &pmap_soft_ops};
	struct vmspace *vm = NULL, *c = NULL;
	vm_offset_t a, b;
	bool done = false;
	int error;

	for (int n = 1; !done; n++) {
		assert_true(n < 200);
		memset(&ts, 0, sizeof(ts));
		cf.host = host_fake(&ts.fake);
		atomic_store(&ts.fake.fail_at, n);
		error = vm_system_init(&ts.sys, &cf);
		if (error != 0) {
			assert_int_equal(atomic_load(&ts.fake.live), 0);
			continue;
		}
		a = b = 0;
		error = vmspace_create(&ts.sys, &vm);
		if (error == 0) {
			error = vm_mmap(
			    vm, &a, 8 * PG, RW, ALL, VMM_SHARED, NULL, 0);
			if (error == 0)
				error = vm_mmap(
				    vm, &b, 8 * PG, RW, ALL, 0, NULL, 0);
			if (error == 0)
				error = copyout(vm, "abc", b, 4);
			if (error == 0 && vmspace_fork(vm, &c) == 0) {
				(void)copyout(c, "abc", b, 4);
				ts_check(c);
				vmspace_free(c);
				done = atomic_load(&ts.fake.calls) < n;
			}
			ts_check(vm);
			vmspace_free(vm);
		}
		ts_fini(&ts);
	}
}

static void
test_mremap_refused(void **state)
{
	static struct dry d;
	struct ts ts;
	struct vmspace *vm;
	vm_offset_t a, b;
	int error;

	ts_init(&ts, 8 << 20);
	for (int flags = 1; flags <= 5; flags += 4) {
		error = ENOMEM;
		vm = ts_space(&ts);
		a = map_anon(vm, 8, RW, 0);
		ts_put(vm, a + 3 * PG, 33);
		for (size_t left = 0; error != 0; left++) {
			assert_true(left < 16);
			b = 0;
			dry_begin(&d, &ts, ts.sys.z_entry, left);
			error = vm_mremap(vm, a + 2 * PG, 4 * PG,
			    (flags == 1 ? 5 : 4) * PG, flags, &b);
			if (error != 0) {
				assert_int_equal(error, ENOMEM);
				assert_int_equal(ts_get(vm, a + 3 * PG), 33);
			}
			dry_end(&d);
			ts_check(vm);
		}
		assert_int_equal(ts_get(vm, b + PG), 33);
		vmspace_free(vm);
	}
	ts_fini(&ts);
}

/* ---- life ---- */

static void
test_life(void **state)
{
	struct ts ts;
	struct vmspace *vm, *c = NULL;
	struct vmspace_stat st;
	struct vm_entry_info info;
	vm_offset_t a;
	uint8_t vec;
	uint64_t x = 0;

	ts_init(&ts, 4 << 20);
	vm = ts_space(&ts);
	a = map_anon(vm, 8, RW, 0);
	ts_put(vm, a, 1);
	vmspace_ref(vm);
	assert_int_equal(vmspace_tryref(vm), 0);
	vmspace_hold(vm);
	vmspace_free(vm);
	vmspace_free(vm);
	assert_int_equal(ts_get(vm, a), 1);
	vmspace_stat(vm, &st);
	assert_int_equal(st.refs, 1);
	assert_int_equal(st.holds, 2);
	assert_int_equal(st.size, 8 * PG);
	assert_false(st.exiting);
	/* The last ref: memory is back, the structure stays. */
	vmspace_free(vm);
	assert_int_equal(atomic_load(&ts.sys.phys->nfree), ts.sys.phys->npages);
	assert_int_equal(vm_zone_live(ts.sys.z_vmspace), 1);
	assert_int_equal(vm_zone_live(ts.sys.z_object), 0);
	assert_int_equal(vm_zone_live(ts.sys.z_entry), 0);
	assert_int_equal(vmspace_tryref(vm), ESRCH);
	vmspace_stat(vm, &st);
	assert_true(st.exiting);
	assert_int_equal(st.refs, 0);
	assert_int_equal(st.holds, 1);
	assert_int_equal(st.size + st.resident + st.anon + st.entries, 0);
	/* Everything says ESRCH. */
	assert_int_equal(copyin(vm, &x, a, 8), ESRCH);
	assert_int_equal(copyout(vm, &x, a, 8), ESRCH);
	assert_int_equal(vm_cas32(vm, a, 0, 1, (uint32_t *)&x), ESRCH);
	assert_int_equal(vm_mmap(vm, &a, PG, R, ALL, 0, NULL, 0), ESRCH);
	assert_int_equal(vm_munmap(vm, a, PG), ESRCH);
	assert_int_equal(vm_mprotect(vm, a, PG, R), ESRCH);
	assert_int_equal(vm_mremap(vm, a, PG, 2 * PG, 1, &x), ESRCH);
	assert_int_equal(vm_madvise(vm, a, PG, 4), ESRCH);
	assert_int_equal(vm_madvise(vm, a, PG, 1), ESRCH);
	assert_int_equal(vm_madvise(vm, a, PG, 20), ESRCH);
	assert_int_equal(vm_msync(vm, a, PG, true), ESRCH);
	assert_int_equal(vm_mincore(vm, a, PG, &vec), ESRCH);
	assert_int_equal(vm_mlock(vm, a, PG, true, PG), ESRCH);
	assert_int_equal(vm_map_growstack(vm, a), ESRCH);
	assert_int_equal(vmspace_entry_info(vm, 0, &info), ESRCH);
	assert_int_equal(vmspace_fork(vm, &c), ESRCH);
	assert_int_equal(vmspace_anonymous_count(vm), 0);
	ts_check(vm);
	/* The last hold. */
	assert_true(vmspace_tryhold(vm));
	vmspace_drop(vm);
	vmspace_drop(vm);
	assert_int_equal(vm_zone_live(ts.sys.z_vmspace), 0);
	/* Type-stable: a stale pointer is refused. */
	assert_false(vmspace_tryhold(vm));
	ts_fini(&ts);
}

static void
test_stats(void **state)
{
	struct ts ts;
	struct vmspace *vm, *c;
	struct vm_system_stat st;
	struct vmspace_stat vs;
	struct vm_entry_info info;
	struct vm_object *obj;
	vm_offset_t a, b = 0, f;

	ts_init(&ts, 4 << 20);
	obj = file_open(&ts);
	vm = ts_space(&ts);
	vm->brk_start = vm->brk_end = BASE;
	b = BASE + PG;
	vm_brk(vm, &b);
	ts_put(vm, BASE, 1);
	assert_int_equal(vmspace_entry_info(vm, 0, &info), 0);
	assert_string_equal(info.name, "[heap]");
	assert_int_equal(info.resident, PG);
	assert_int_equal(info.depth, 1);
	a = map_anon(vm, 16, RW, 0);
	assert_int_equal(vm_fault_range(vm, a, 16 * PG, VM_PROT_WRITE), 0);
	assert_int_equal(vmspace_anonymous_count(vm), 17);
	f = map_file(vm, obj, 4, R, 0, 3);
	assert_int_equal(ts_get(vm, f), 4);
	assert_int_equal(vmspace_anonymous_count(vm), 17);
	assert_int_equal(vmspace_entry_info(vm, f, &info), 0);
	assert_int_equal(info.offset, 3 * PG);
	assert_int_equal(vmspace_fork(vm, &c), 0);
	assert_int_equal(vmspace_anonymous_count(c), 17);
	vm_system_stat(&ts.sys, &st);
	assert_int_equal(st.mem, 4 << 20);
	assert_int_equal(st.vmspaces, 2);
	assert_int_equal(st.objects, 3);
	assert_int_equal(st.anon_pages, 17);
	assert_true(st.file_pages >= 1);
	assert_int_equal(st.stat[VMST_FORK], 1);
	assert_true(st.peak >= st.mem - st.free);
	vmspace_stat(vm, &vs);
	assert_int_equal(vs.anon, 17 * PG);
	assert_int_equal(vs.entries, 3);
	assert_true(vs.resident >= 18 * PG);
	for (int i = 0; i < VMST_N; i++)
		assert_non_null(vm_stat_name((enum vm_stat)i));
	vmspace_free(c);
	vmspace_free(vm);
	file_close(obj);
	ts_fini(&ts);
}

/* ---- threads ---- */

#define READERS 3

struct race {
	struct ts ts;
	struct vmspace *_Atomic vm; /* the current one */
	pthread_mutex_t lock;       /* publishes vm */
	_Atomic(bool) stop;
	vm_offset_t a;
	_Atomic(uint64_t) reads, gone;
};

/* A third party: takes a hold under the lock, then looks as long as it likes.
 */
static void *
race_reader(void *arg)
{
	struct race *r = arg;
	struct vm_entry_info info;
	struct vmspace_stat st;
	struct vmspace *vm;
	uint64_t x;
	int error;

	while (!atomic_load(&r->stop)) {
		pthread_mutex_lock(&r->lock);
		vm = atomic_load(&r->vm);
		vmspace_hold(vm);
		pthread_mutex_unlock(&r->lock);
		for (int i = 0; i < 20; i++) {
			error = copyin(vm, &x, r->a, sizeof(x));
			assert_true(error == 0 || error == ESRCH);
			if (error == 0)
				assert_int_equal(x, vm->id);
			atomic_fetch_add(error == 0 ? &r->reads : &r->gone, 1);
			vmspace_stat(vm, &st);
			error = vmspace_entry_info(vm, 0, &info);
			assert_true(error == 0 || error == ESRCH);
			(void)vmspace_anonymous_count(vm);
		}
		vmspace_drop(vm);
	}
	return (NULL);
}

static struct vmspace *
race_space(struct race *r)
{
	struct vmspace *vm = ts_space(&r->ts);
	vm_offset_t a = r->a;

	assert_int_equal(
	    vm_mmap(vm, &a, 64 * PG, RW, ALL, VMM_FIXED, NULL, 0), 0);
	ts_put(vm, a, vm->id);
	return (vm);
}

static void
test_readers_against_free(void **state)
{
	static struct race r;
	pthread_t t[READERS];
	struct vmspace *old;

	memset(&r, 0, sizeof(r));
	ts_init(&r.ts, 16 << 20);
	pthread_mutex_init(&r.lock, NULL);
	r.a = BASE;
	atomic_store(&r.vm, race_space(&r));
	for (int i = 0; i < READERS; i++)
		pthread_create(&t[i], NULL, race_reader, &r);
	for (int i = 0; i < 300; i++) {
		struct vmspace *vm = race_space(&r);

		pthread_mutex_lock(&r.lock);
		old = atomic_exchange(&r.vm, vm);
		pthread_mutex_unlock(&r.lock);
		if (i % 16 == 0)
			host_sleep_ns(1000000);
		vmspace_free(old);
	}
	atomic_store(&r.stop, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
	vmspace_free(atomic_load(&r.vm));
	assert_true(atomic_load(&r.reads) > 0);
	pthread_mutex_destroy(&r.lock);
	ts_fini(&r.ts);
}

/* Threads of one vmspace: each its own range, all calls, beside forks. */
struct worker {
	struct vmspace *vm;
	vm_offset_t base;
	unsigned seed;
	int rounds;
};

static void *
worker_run(void *arg)
{
	struct worker *w = arg;
	struct vmspace *vm = w->vm;
	vm_offset_t to;

	for (int i = 0; i < w->rounds; i++) {
		uint64_t pg = (uint64_t)rand_r(&w->seed) % 16;
		vm_offset_t va = w->base + pg * PG;
		uint64_t v = (uint64_t)rand_r(&w->seed);

		ts_map(vm, w->base, 32, RW);
		ts_put(vm, va, v);
		assert_int_equal(vm_mprotect(vm, va, PG, R), 0);
		assert_int_equal(ts_get(vm, va), v);
		assert_int_equal(vm_mprotect(vm, w->base, 32 * PG, RW), 0);
		to = w->base + 64 * PG;
		assert_int_equal(
		    vm_mremap(vm, w->base, 32 * PG, 40 * PG, 3, &to), 0);
		va += 64 * PG;
		assert_int_equal(ts_get(vm, va), v);
		ts_put(vm, va, v + 1);
		assert_int_equal(vm_madvise(vm, to + 16 * PG, 8 * PG, 4), 0);
		assert_int_equal(ts_get(vm, va), v + 1);
		assert_int_equal(vm_madvise(vm, va, PG, 4), 0);
		assert_int_equal(ts_get(vm, va), 0);
		assert_int_equal(vm_munmap(vm, to, 40 * PG), 0);
	}
	return (NULL);
}

static void
test_threads_and_forks(void **state)
{
	static struct ts ts;
	struct worker w[READERS];
	pthread_t t[READERS];
	struct vmspace *vm, *c;
	vm_offset_t keep = BASE - 64 * PG;

	ts_init(&ts, 32 << 20);
	vm = ts_space(&ts);
	ts_map(vm, keep, 4, RW);
	ts_put(vm, keep, 1);
	for (int i = 0; i < READERS; i++) {
		w[i] = (struct worker){.vm = vm,
		    .base = BASE + (uint64_t)i * 256 * PG,
		    .seed = (unsigned)i + 1,
		    .rounds = 150};
		pthread_create(&t[i], NULL, worker_run, &w[i]);
	}
	for (uint64_t i = 0; i < 60; i++) {
		assert_int_equal(vmspace_fork(vm, &c), 0);
		ts_put(vm, keep, i + 2);
		assert_int_equal(ts_get(c, keep), i + 1);
		ts_put(c, keep, 0);
		assert_int_equal(ts_get(vm, keep), i + 2);
		vmspace_free(c);
	}
	for (int i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
	ts_check(vm);
	vmspace_free(vm);
	ts_fini(&ts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mmap_errors),
	    cmocka_unit_test(test_munmap_mprotect),
	    cmocka_unit_test(test_brk),
	    cmocka_unit_test(test_commit),
	    cmocka_unit_test(test_mremap_anon),
	    cmocka_unit_test(test_mremap_errors),
	    cmocka_unit_test(test_mremap_shared),
	    cmocka_unit_test(test_dontneed),
	    cmocka_unit_test(test_madvise_misc),
	    cmocka_unit_test(test_fork_inherit),
	    cmocka_unit_test(test_fork_untouched),
	    cmocka_unit_test(test_fork_refused),
	    cmocka_unit_test(test_host_refuses),
	    cmocka_unit_test(test_mremap_refused),
	    cmocka_unit_test(test_life),
	    cmocka_unit_test(test_stats),
	    cmocka_unit_test(test_readers_against_free),
	    cmocka_unit_test(test_threads_and_forks),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
