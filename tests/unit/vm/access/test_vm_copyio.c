/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Access to user memory: page borders, partial counts, strings, words, keys
 * of futexes, pinned ranges, and stores that race with forks.
 */
#include "vm_testlib.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include "abi/mman.h"
#include "libk/kassert.h"

static struct fixture ts;
static struct vmspace *vm;

static int
setup(void **state)
{
	(void)state;
	ts_init(&ts, 8 << 20);
	vm = space(&ts);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
	return (0);
}

static void
test_copy(void **state)
{
	static uint8_t in[3 * 4096 + 100], out[sizeof(in)];
	size_t done = 77;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + 1);
	ts_map(vm, BASE, 4, RW);
	assert_int_equal(copyout(vm, in, BASE + 50, sizeof(in)), 0);
	assert_int_equal(copyin(vm, out, BASE + 50, sizeof(in)), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(copyout_zero(vm, BASE + 4000, 200), 0);
	assert_int_equal(copyin(vm, out, BASE + 3999, 202), 0);
	assert_int_equal(out[0], in[3949]);
	assert_int_equal(out[1] | out[100] | out[200], 0);
	assert_int_equal(out[201], in[4150]);
	/* Up to the end of the mapping. */
	assert_int_equal(
	    copyin_part(vm, out, BASE + 2 * PG + 10, 3 * PG, &done), EFAULT);
	assert_int_equal(done, 2 * PG - 10);
	assert_int_equal(
	    copyout_part(vm, in, BASE + 3 * PG, 2 * PG, &done), EFAULT);
	assert_int_equal(done, PG);
	assert_int_equal(copyout_part(vm, in, BASE + 4 * PG, 1, &done), EFAULT);
	assert_int_equal(done, 0);
	/* Read-only, none. */
	assert_int_equal(vm_mprotect(vm, BASE + PG, PG, R), 0);
	assert_int_equal(
	    copyout_part(vm, in, BASE + 10, 2 * PG, &done), EFAULT);
	assert_int_equal(done, PG - 10);
	assert_int_equal(copyin(vm, out, BASE, 2 * PG), 0);
	assert_int_equal(vm_mprotect(vm, BASE + PG, PG, 0), 0);
	assert_int_equal(copyin(vm, out, BASE, 2 * PG), EFAULT);
	/* Ranges outside. */
	assert_int_equal(copyin(vm, out, 0, 1), EFAULT);
	assert_int_equal(copyin(vm, out, VM_MAX_ADDRESS - 1, 2), EFAULT);
	assert_int_equal(copyin(vm, out, UINT64_MAX - 4, 16), EFAULT);
	assert_int_equal(copyin_part(vm, out, BASE, SIZE_MAX, &done), EFAULT);
	assert_int_equal(done, 0);
	assert_int_equal(copyin(vm, out, BASE + 100 * PG, 0), 0);
	assert_int_equal(copyout(vm, NULL, BASE, 0), 0);
}

static void
test_strings(void **state)
{
	char buf[9000], text[6000];
	size_t len = 99;

	ts_map(vm, BASE, 2, RW);
	memset(text, 'a', sizeof(text));
	text[5000] = '\0';
	assert_int_equal(copyout(vm, text, BASE, sizeof(text)), 0);
	assert_int_equal(copyinstr(vm, buf, BASE, sizeof(buf), &len), 0);
	assert_int_equal(len, 5001);
	assert_string_equal(buf, text);
	assert_int_equal(copyinstr(vm, buf, BASE, 5001, NULL), 0);
	assert_int_equal(copyinstr(vm, buf, BASE, 5000, &len), ENAMETOOLONG);
	assert_int_equal(copyinstr(vm, buf, BASE, 0, &len), ENAMETOOLONG);
	assert_int_equal(len, 5001);
	/* The NUL may be the last byte of the mapping, or be missing. */
	assert_int_equal(copyout(vm, "xyz", BASE + 2 * PG - 4, 4), 0);
	assert_int_equal(
	    copyinstr(vm, buf, BASE + 2 * PG - 4, sizeof(buf), &len), 0);
	assert_int_equal(len, 4);
	assert_int_equal(copyout(vm, "xyzz", BASE + 2 * PG - 4, 4), 0);
	assert_int_equal(
	    copyinstr(vm, buf, BASE + 2 * PG - 4, sizeof(buf), &len), EFAULT);
	assert_int_equal(
	    copyinstr(vm, buf, BASE + 2 * PG - 4, 4, &len), ENAMETOOLONG);
	assert_int_equal(copyinstr(vm, buf, 0, 10, NULL), EFAULT);
	assert_int_equal(copyinstr(vm, buf, VM_MAX_ADDRESS, 10, NULL), EFAULT);
	assert_int_equal(copyinstr(vm, buf, UINT64_MAX - 1, 10, NULL), EFAULT);
}

static void
test_fetch_and_cas_words(void **state)
{
	uint32_t v = 0, old = 9;

	ts_map(vm, BASE, 2, RW);
	assert_int_equal(vm_fetch32(vm, BASE + 2, &v), EINVAL);
	assert_int_equal(vm_cas32(vm, BASE + 1, 0, 1, &old), EINVAL);
	assert_int_equal(vm_fetch32(vm, BASE + 2 * PG, &v), EFAULT);
	assert_int_equal(vm_fetch32(vm, VM_MAX_ADDRESS, &v), EFAULT);
	assert_int_equal(vm_cas32(vm, BASE + 2 * PG, 0, 1, &old), EFAULT);
	assert_int_equal(old, 9);
	assert_int_equal(vm_cas32(vm, BASE + 4, 0, 5, &old), 0);
	assert_int_equal(old, 0);
	assert_int_equal(vm_cas32(vm, BASE + 4, 0, 6, &old), 0);
	assert_int_equal(old, 5);
	assert_int_equal(vm_fetch32(vm, BASE + 4, &v), 0);
	assert_int_equal(v, 5);
	assert_int_equal(vm_mprotect(vm, BASE, PG, R), 0);
	assert_int_equal(vm_cas32(vm, BASE + 4, 5, 6, &old), EFAULT);
	assert_int_equal(vm_fetch32(vm, BASE + 4, &v), 0);
}

static void
test_futex_keys(void **state)
{
	struct vm_futex_key k1, k2;
	struct vmspace *child;
	vm_offset_t a = 0, b = 0;

	assert_int_equal(
	    vm_mmap(vm, &a, 2 * PG, RW, ALL, VMM_SHARED, NULL, 0), 0);
	assert_int_equal(vm_mremap(vm, a, 0, 2 * PG, LX_MREMAP_MAYMOVE, &b), 0);
	ts_map(vm, BASE, 1, RW);
	assert_int_equal(vmspace_fork(vm, &child), 0);
#define KEY(v, va, shared, k) \
	assert_int_equal(vm_futex_key(v, va, shared, k), 0)
#define SAME() (k1.a == k2.a && k1.b == k2.b)
	KEY(vm, a + 8, true, &k1);
	KEY(vm, b + 8, true, &k2);
	assert_true(SAME());
	KEY(child, a + 8, true, &k2);
	assert_true(SAME());
	KEY(child, a + 12, true, &k2);
	assert_false(SAME());
	KEY(vm, a + 8, false, &k1);
	KEY(child, a + 8, false, &k2);
	assert_false(SAME());
	/* The key of private memory, requested as shared. */
	KEY(vm, BASE, true, &k1);
	KEY(child, BASE, true, &k2);
	assert_false(SAME());
	KEY(vm, BASE, false, &k2);
	assert_true(SAME());
	assert_int_equal(vm_futex_key(vm, BASE + 2, true, &k1), EINVAL);
	assert_int_equal(vm_futex_key(vm, BASE + PG, true, &k1), EFAULT);
	assert_int_equal(vm_futex_key(vm, VM_MAX_ADDRESS, false, &k1), EFAULT);
	vmspace_free(child);
}

static void
test_iov(void **state)
{
	struct vm_iov v;
	size_t done = 5;
	uint64_t held;

	ts_map(vm, BASE, 100, RW);
	vm_iov_init(&v, &ts.sys);
	assert_int_equal(
	    vm_iov_add(&v, vm, BASE + 200 * PG, 8, R, &done), EFAULT);
	assert_int_equal(
	    vm_iov_add(&v, vm, UINT64_MAX - 8, 16, R, &done), EFAULT);
	assert_int_equal(done, 5);
	assert_int_equal(vm_fault_range(vm, BASE, 100 * PG, VM_PROT_WRITE), 0);
	assert_int_equal(
	    vm_iov_add(&v, vm, BASE + 100, 3 * PG, VM_PROT_WRITE, &done), 0);
	assert_int_equal(done, 3 * PG);
	assert_int_equal(v.len, 3 * PG);
	assert_int_equal(v.npages, 4);
	/* As many pieces as the frames have runs; the bytes are right. */
	assert_true(v.niov >= 1 && v.niov <= 4);
	held = 0;
	for (int i = 0; i < v.niov; i++) {
		memset(v.iov[i].base, i + 1, v.iov[i].len);
		held += v.iov[i].len;
	}
	assert_int_equal(held, v.len);
	assert_int_equal(ts_get(vm, BASE + 104), UINT64_C(0x0101010101010101));
	/* Pins outlive the mapping. */
	assert_int_equal(vm_munmap(vm, BASE, 4 * PG), 0);
	assert_int_equal(((char *)v.iov[0].base)[8], 1);
	vm_iov_release(&v);
	assert_int_equal(v.npages, 0);
	/* Full, and short at a fault. */
	assert_int_equal(
	    vm_iov_add(&v, vm, BASE + 4 * PG, 96 * PG, R, &done), 0);
	assert_int_equal(done, VM_IOV_MAX * PG);
	assert_int_equal(vm_iov_add(&v, vm, BASE + 4 * PG, 1, R, &done), 0);
	assert_int_equal(done, 0);
	vm_iov_release(&v);
	assert_int_equal(
	    vm_iov_add(&v, vm, BASE + 98 * PG + 7, 4 * PG, R, &done), 0);
	assert_int_equal(done, 2 * PG - 7);
	vm_iov_release(&v);
}

/* Frames in a row make one piece. */
static void
test_iov_merge(void **state)
{
	struct vm_iov v;
	size_t done;
	vm_frame_t f0, f1;
	int want = 1;

	ts_map(vm, BASE, 16, RW);
	assert_int_equal(vm_fault_range(vm, BASE, 16 * PG, VM_PROT_WRITE), 0);
	for (uint64_t i = 1; i < 16; i++) {
		assert_true(
		    pmap_lookup(vm->pmap, BASE + (i - 1) * PG, &f0, NULL));
		assert_true(pmap_lookup(vm->pmap, BASE + i * PG, &f1, NULL));
		want += f1 != f0 + 1;
	}
	vm_iov_init(&v, &ts.sys);
	assert_int_equal(vm_iov_add(&v, vm, BASE, 16 * PG, R, &done), 0);
	assert_int_equal(done, 16 * PG);
	assert_int_equal(v.niov, want);
	vm_iov_release(&v);
}

/* Data arrives after a fork has moved the page, or after the page was
 * unmapped. */
static void
test_iov_commit(void **state)
{
	struct vmspace *child;
	struct vm_iov v;
	size_t done;

	ts_map(vm, BASE, 3, RW);
	ts_put(vm, BASE, 1);
	vm_iov_init(&v, &ts.sys);
	assert_int_equal(
	    vm_iov_add(&v, vm, BASE + PG - 100, PG + 200, VM_PROT_WRITE, &done),
	    0);
	assert_int_equal(v.npages, 3);
	assert_int_equal(vmspace_fork(vm, &child), 0);
	ts_put(vm, BASE + 8, 2);
	ts_put(vm, BASE + 2 * PG + 8, 3);
	assert_int_equal(vm_munmap(vm, BASE + PG, PG), 0);
	for (int i = 0; i < v.niov; i++)
		memset(v.iov[i].base, 7, v.iov[i].len);
	/* Eight bytes of the last page have arrived. */
	vm_iov_commit(&v, v.len - 92);
	vm_iov_release(&v);
	assert_int_equal(
	    ts_get(vm, BASE + PG - 8), UINT64_C(0x0707070707070707));
	assert_int_equal(ts_get(vm, BASE + PG - 108), 0);
	assert_int_equal(ts_get(vm, BASE), 1);
	assert_int_equal(ts_get(vm, BASE + 8), 2);
	assert_int_equal(
	    ts_get(vm, BASE + 2 * PG), UINT64_C(0x0707070707070707));
	assert_int_equal(ts_get(vm, BASE + 2 * PG + 8), 3);
	vmspace_free(child);
}

static void
test_no_memory(void **state)
{
	static char buf[4096];
	vm_offset_t a = BASE;
	size_t done;
	int error;

	assert_int_equal(vm_mmap(vm, &a, 16 << 20, RW, ALL,
			     VMM_FIXED | VMM_NORESERVE, NULL, 0),
	    0);
	memset(buf, 1, sizeof(buf));
	for (uint64_t i = 0; i < 16 << 20; i += PG) {
		error = copyout_part(vm, buf, BASE + i, PG, &done);
		if (error != 0)
			break;
	}
	assert_int_equal(error, ENOMEM);
	assert_int_equal(done, 0);
	assert_int_equal(vm_munmap(vm, BASE, 8 << 20), 0);
	assert_int_equal(copyout(vm, buf, BASE + (15 << 20), PG), 0);
}

/* ---- stores against forks: none may be lost ---- */

static void *volatile trap_src;
static struct vmspace *trap_child;

/*
 * Called in the middle of a store, while copyout() holds the frame and reads
 * its source: fork, and write to the page, so that the parent goes on with a
 * copy.
 */
static void
trap(int sig, siginfo_t *si, void *uc)
{
	uint64_t v = 99;

	(void)sig;
	(void)uc;
	KVERIFY((char *)si->si_addr >= (char *)trap_src &&
		(char *)si->si_addr < (char *)trap_src + PG);
	KVERIFY(vmspace_fork(vm, &trap_child) == 0);
	KVERIFY(copyout(vm, &v, BASE + 2048, sizeof(v)) == 0);
	KVERIFY(mprotect(trap_src, PG, PROT_READ) == 0);
}

static void
test_store_repeated_after_fork(void **state)
{
	struct sigaction sa = {.sa_sigaction = trap, .sa_flags = SA_SIGINFO},
			 old;
	char *src;

	src = mmap(NULL, PG, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(src != MAP_FAILED);
	memset(src, 7, PG);
	trap_src = src;
	ts_map(vm, BASE, 1, RW);
	ts_put(vm, BASE, 1);
	assert_int_equal(mprotect(src, PG, PROT_NONE), 0);
	assert_int_equal(sigaction(SIGSEGV, &sa, &old), 0);
	assert_int_equal(copyout(vm, src, BASE, 1024), 0);
	assert_int_equal(sigaction(SIGSEGV, &old, NULL), 0);
	assert_non_null(trap_child);
	assert_int_equal(ts_get(vm, BASE), UINT64_C(0x0707070707070707));
	assert_int_equal(ts_get(vm, BASE + 2048), 99);
	assert_int_equal(ts_get(trap_child, BASE + 2048), 0);
	vmspace_free(trap_child);
	munmap(src, PG);
}

#define WRITERS 2
#define BLOCK 240 /* words that a writer stores at once */

struct writer {
	vm_offset_t va;
	uint64_t n;
	_Atomic(bool) *stop;
};

/* Threads count errors: cmocka's assertions work in the main thread only. */
static void *
writer_run(void *arg)
{
	struct writer *w = arg;
	uint64_t out[BLOCK], in[BLOCK];
	uint32_t old;

	while (!atomic_load(w->stop)) {
		w->n++;
		for (int i = 0; i < BLOCK; i++)
			out[i] = w->n;
		KVERIFY(copyout(vm, out, w->va, sizeof(out)) == 0);
		KVERIFY(copyin(vm, in, w->va, sizeof(in)) == 0);
		KVERIFY(memcmp(in, out, sizeof(in)) == 0);
		KVERIFY(vm_cas32(vm, w->va + sizeof(out), (uint32_t)(w->n - 1),
			    (uint32_t)w->n, &old) == 0);
		KVERIFY(old == (uint32_t)(w->n - 1));
	}
	return (NULL);
}

static void
test_copyout_during_forks(void **state)
{
	static _Atomic(bool) stop;
	struct writer w[WRITERS];
	pthread_t t[WRITERS];
	struct vmspace *c;

	atomic_store(&stop, false);
	ts_map(vm, BASE, 1, RW);
	/* All on one page, so that each makes copies under the others. */
	for (int i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){
		    .va = BASE + (vm_offset_t)i * 2048, .stop = &stop};
		pthread_create(&t[i], NULL, writer_run, &w[i]);
	}
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(vmspace_fork(vm, &c), 0);
		vmspace_free(c);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(ts_get(vm, w[i].va), w[i].n);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_copy),
	    T(test_strings),
	    T(test_fetch_and_cas_words),
	    T(test_futex_keys),
	    T(test_iov),
	    T(test_iov_merge),
	    T(test_iov_commit),
	    T(test_no_memory),
	    T(test_store_repeated_after_fork),
	    T(test_copyout_during_forks),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
