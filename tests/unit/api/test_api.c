/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The library as an embedder uses it, on the stub machine: vmspaces, their
 * mappings and memory, user code in them, and misuse.  The test includes only
 * the installed headers.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmspace/vkernel.h"
#include "vmspace/vmspace.h"

#define PG ((size_t)4096)
#define CODE ((uintptr_t)0x400000)
#define DATA ((uintptr_t)0x10000000)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static struct vkernel *k;

static int
setup(void **state)
{
	struct vkernel_swap swap = {
	    .kind = VKERNEL_SWAP_FILE, .size = 64u << 20};
	struct vkernel_config config = {.mem = 32u << 20};
	unsigned area;

	assert_int_equal(vkernel_create(&config, &k), 0);
	assert_int_equal(vkernel_swap_open(NULL, &swap.size, &swap.fd), 0);
	assert_int_equal(vkernel_swapon(k, &swap, &area), 0);
	close(swap.fd);
	return (0);
}

static int
teardown(void **state)
{
	uint64_t leaks = 1;

	vkernel_destroy_check(k, &leaks);
	assert_int_equal(leaks, 0);
	return (0);
}

static struct vmspace *
space(void)
{
	struct vmspace *vm;

	assert_int_equal(vmspace_create(k, &vm), 0);
	return (vm);
}

static void
map(struct vmspace *vm, uintptr_t at, size_t len, int prot, int flags, int fd)
{
	uintptr_t a = at;

	assert_int_equal(
	    vmspace_mmap(vm, &a, len, prot, flags | MAP_FIXED, fd, 0), 0);
	assert_int_equal(a, at);
}

static void
put(struct vmspace *vm, uintptr_t at, const void *p, size_t len)
{
	size_t done;

	assert_int_equal(vmspace_pwrite(vm, p, len, at, &done), 0);
	assert_int_equal(done, len);
}

static uint64_t
get64(struct vmspace *vm, uintptr_t at)
{
	uint64_t v = 0;
	size_t done;

	assert_int_equal(vmspace_pread(vm, &v, 8, at, &done), 0);
	return (v);
}

static void
test_memory(void **state)
{
	struct vmspace *vm = space(), *copy;
	struct vmspace_stat st;
	uintptr_t at = 0;
	uint64_t v = 7;
	size_t done;

	assert_int_equal(vmspace_mmap(vm, &at, 10 * PG, RW, ANON, -1, 0), 0);
	assert_true(at != 0 && at % PG == 0);
	put(vm, at + PG - 4, &v, 8);
	assert_int_equal(get64(vm, at + PG - 4), 7);
	assert_int_equal(vmspace_fork(vm, &copy), 0);
	v = 8;
	put(copy, at + PG - 4, &v, 8);
	assert_int_equal(get64(vm, at + PG - 4), 7);
	assert_int_equal(get64(copy, at + PG - 4), 8);
	assert_int_equal(vmspace_mprotect(copy, at, PG, PROT_READ), 0);
	assert_int_equal(vmspace_pwrite(copy, &v, 8, at, &done), EFAULT);
	assert_int_equal(done, 0);
	assert_int_equal(vmspace_pwrite(copy, &v, 8, at + PG, &done), 0);
	assert_int_equal(vmspace_munmap(copy, at + PG, PG), 0);
	assert_int_equal(
	    vmspace_pread(copy, &v, 8, at + PG - 4, &done), EFAULT);
	assert_int_equal(done, 4);
	vmspace_free(copy);
	assert_int_equal(vmspace_mcontrol(vm, at, 10 * PG, MADV_PAGEOUT), 0);
	vmspace_stat(vm, &st);
	assert_int_equal(st.entries, 1);
	assert_true(st.swap > 0);
	assert_int_equal(get64(vm, at + PG - 4), 7);
	assert_int_equal(vmspace_mcontrol(vm, at, 10 * PG, MADV_DONTNEED), 0);
	assert_int_equal(get64(vm, at + PG - 4), 0);
	vmspace_free(vm);
}

static void
test_life(void **state)
{
	struct vkernel_stat before, after;
	struct vmspace *vm = space();
	uintptr_t at = DATA;
	struct vmspace_stat st;
	uint64_t v = 1;
	size_t done;

	map(vm, at, 256 * PG, RW, ANON, -1);
	for (size_t i = 0; i < 256; i++)
		put(vm, at + i * PG, &v, 8);
	vkernel_stat(k, &before);
	vmspace_ref(vm);
	vmspace_hold(vm);
	vmspace_free(vm);
	assert_int_equal(get64(vm, at), 1);
	vmspace_free(vm);
	/* After the last ref: memory is freed, the structure still exists. */
	vkernel_stat(k, &after);
	assert_true(after.mem_free >= before.mem_free + 256 * PG);
	assert_int_equal(vmspace_pread(vm, &v, 8, at, &done), ESRCH);
	assert_int_equal(vmspace_pwrite(vm, &v, 8, at, &done), ESRCH);
	assert_int_equal(vmspace_tryref(vm), ESRCH);
	assert_int_equal(vmspace_fork(vm, &vm), ESRCH);
	assert_int_equal(
	    vmspace_mmap(vm, &at, PG, RW, ANON | MAP_FIXED, -1, 0), ESRCH);
	assert_int_equal(vmspace_fault(vm, at, PROT_READ), ESRCH);
	vmspace_stat(vm, &st);
	assert_true(st.exiting && st.refs == 0 && st.holds == 1);
	assert_int_equal(st.entries + st.anon + st.swap, 0);
	vmspace_drop(vm);
}

static void
test_files(void **state)
{
	struct vmspace *vm = space(), *other = space();
	char name[] = "/var/tmp/vmspace-api-XXXXXX", buf[16] = "";
	int fd = mkstemp(name), ro;
	uintptr_t at = DATA;
	size_t done;

	assert_true(fd >= 0);
	ro = open(name, O_RDONLY);
	assert_true(ro >= 0 && unlink(name) == 0);
	assert_int_equal(pwrite(fd, "file contents", 13, PG), 13);
	map(vm, DATA, 2 * PG, RW, MAP_SHARED, fd);
	map(other, DATA, 2 * PG, RW, MAP_PRIVATE, ro);
	assert_int_equal(vmspace_pread(other, buf, 4, DATA + PG, &done), 0);
	assert_memory_equal(buf, "file", 4);
	put(vm, DATA + PG, "FILE", 4);
	/* All mappings share a cache; a private mapping until it writes. */
	assert_int_equal(vmspace_pread(other, buf, 4, DATA + PG, &done), 0);
	assert_memory_equal(buf, "FILE", 4);
	put(other, DATA + PG + 5, "CON", 3);
	assert_int_equal(vmspace_msync(vm, DATA, 2 * PG), 0);
	assert_int_equal(pread(fd, buf, 13, PG), 13);
	assert_memory_equal(buf, "FILE contents", 13);
	/* Access rights. */
	assert_int_equal(
	    vmspace_mmap(vm, &at, PG, RW, MAP_SHARED, ro, 0), EACCES);
	at = 0;
	assert_int_equal(
	    vmspace_mmap(vm, &at, PG, PROT_READ, MAP_SHARED, ro, 0), 0);
	assert_int_equal(vmspace_mprotect(vm, at, PG, RW), EACCES);
	assert_int_equal(
	    vmspace_mmap(vm, &at, PG, PROT_READ, MAP_PRIVATE, 9999, 0), EBADF);
	assert_int_equal(vmspace_mmap(vm, &at, PG, PROT_READ, MAP_PRIVATE,
			     STDIN_FILENO, 0) != 0,
	    1);
	/* Mappings remain after the descriptors are closed. */
	put(vm, DATA, "x", 1);
	close(ro);
	vmspace_free(other);
	vmspace_free(vm);
	assert_int_equal(pread(fd, buf, 1, 0), 1);
	assert_int_equal(buf[0], 'x');
	close(fd);
}

static void
test_pin(void **state)
{
	struct vmspace *vm = space();
	uint64_t v = 5, given;
	size_t run, first;
	void *p, *q;

	map(vm, DATA, 8 * PG, RW, ANON, -1);
	put(vm, DATA, &v, 8);
	assert_int_equal(vmspace_pin(vm, DATA + 8, 3 * PG, RW, &p, &first), 0);
	assert_true(first >= PG - 8 && first <= 3 * PG);
	memset(p, 'p', first);
	assert_int_equal(vmspace_pin(vm, DATA, 8, PROT_READ, &q, &run), 0);
	assert_int_equal(run, 8);
	assert_ptr_equal((char *)q + 8, p);
	/* A pinned page keeps its frame. */
	assert_int_equal(vkernel_shrink(k, 0, &given), 0);
	memset(p, 'q', 8);
	assert_int_equal(get64(vm, DATA + 8), 0x7171717171717171);
	vmspace_unpin(vm, q, 8, PROT_READ);
	vmspace_unpin(vm, p, first, RW);
	assert_int_equal(
	    vmspace_pin(vm, DATA + 8 * PG, 1, RW, &p, &run), EFAULT);
	vmspace_free(vm);
}

/* ---- user code ---- */

static void
load(struct vmspace *vm, const void *code, size_t len)
{
	map(vm, CODE, PG, RW, ANON, -1);
	put(vm, CODE, code, len);
	assert_int_equal(
	    vmspace_mprotect(vm, CODE, PG, PROT_READ | PROT_EXEC), 0);
}

static void
test_run(void **state)
{
	/* mov $0x1234,%eax; mov (%rdi),%rsi; syscall; inc %rax; syscall; ud2 */
	static const unsigned char code[] = {0xb8, 0x34, 0x12, 0, 0, 0x48, 0x8b,
	    0x37, 0x0f, 0x05, 0x48, 0xff, 0xc0, 0x0f, 0x05, 0x0f, 0x0b};
	struct vmspace *vm = space(), *copy;
	struct vmspace_frame f = {.regs = {.rip = CODE, .rdi = DATA}}, g;
	uint64_t v = 99;

	load(vm, code, sizeof(code));
	/* There is no mapping at rdi yet. */
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_RUN, &f), 0);
	assert_int_equal(f.event, VMSPACE_EV_FAULT);
	assert_int_equal(f.error, EFAULT);
	assert_int_equal(f.prot, PROT_READ);
	assert_int_equal(f.addr, DATA);
	assert_int_equal(f.regs.rip, CODE + 5);
	map(vm, DATA, PG, RW, ANON, -1);
	put(vm, DATA, &v, 8);
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_RUN, &f), 0);
	assert_int_equal(f.event, VMSPACE_EV_SYSCALL);
	assert_int_equal(f.regs.rax, 0x1234);
	assert_int_equal(f.regs.rsi, 99);
	assert_int_equal(f.regs.rip, CODE + 10);
	/* A copy of the vmspace, with the current registers. */
	assert_int_equal(vmspace_fork(vm, &copy), 0);
	memset(&g, 0, sizeof(g));
	g.regs = f.regs;
	f.regs.rax = 1;
	g.regs.rax = 41;
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_RUN, &f), 0);
	assert_int_equal(vmspace_ctl(copy, VMSPACE_CTL_RUN, &g), 0);
	assert_int_equal(f.event, VMSPACE_EV_SYSCALL);
	assert_int_equal(f.regs.rax, 2);
	assert_int_equal(g.regs.rax, 42);
	assert_int_equal(vmspace_ctl(copy, VMSPACE_CTL_RUN, &g), 0);
	assert_int_equal(g.event, VMSPACE_EV_EXCEPTION);
	assert_int_equal(g.signo, SIGILL);
	assert_int_equal(g.regs.rip, CODE + 15);
	/* The same thread in the other vmspace. */
	g.regs.rip = CODE + 10;
	g.regs.rax = 7;
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_RUN, &g), 0);
	assert_int_equal(g.regs.rax, 8);
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_DONE, &f), 0);
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_DONE, &g), 0);
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_DONE, &g), 0);
	vmspace_free(copy);
	vmspace_free(vm);
}

struct runner {
	struct vmspace *vm;
	struct vmspace_frame f;
	int error;
};

static void *
runner_main(void *arg)
{
	struct runner *r = arg;

	do
		r->error = vmspace_ctl(r->vm, VMSPACE_CTL_RUN, &r->f);
	while (r->error == 0 && r->f.event == VMSPACE_EV_INTERRUPT &&
	       r->f.regs.rcx == 0);
	return (NULL);
}

/* Four threads spin in one vmspace and are interrupted. */
static void
test_threads(void **state)
{
	/* 1: lock incq (%rdi); jmp 1b */
	static const unsigned char code[] = {
	    0xf0, 0x48, 0xff, 0x07, 0xeb, 0xfa};
	struct vmspace *vm = space();
	struct runner r[4];
	pthread_t t[4];

	load(vm, code, sizeof(code));
	map(vm, DATA, PG, RW, ANON, -1);
	memset(r, 0, sizeof(r));
	for (int i = 0; i < 4; i++) {
		r[i].vm = vm;
		r[i].f.regs.rip = CODE;
		r[i].f.regs.rdi = DATA + (uintptr_t)i * 8;
		r[i].f.regs.rcx = 1;
		assert_int_equal(
		    pthread_create(&t[i], NULL, runner_main, &r[i]), 0);
	}
	/* All four start at once: a running thread must make the stub's next
	 * thread. */
	for (int i = 0; i < 4; i++)
		while (get64(vm, DATA + (uintptr_t)i * 8) == 0)
			usleep(1000);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(
		    vmspace_ctl(vm, VMSPACE_CTL_INTERRUPT, &r[i].f), 0);
		pthread_join(t[i], NULL);
		assert_int_equal(r[i].error, 0);
		assert_int_equal(r[i].f.event, VMSPACE_EV_INTERRUPT);
		assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_DONE, &r[i].f), 0);
		assert_int_equal(
		    vmspace_ctl(vm, VMSPACE_CTL_INTERRUPT, &r[i].f), ESRCH);
	}
	vmspace_free(vm);
}

/* User code writes to more memory than the kernel has. */
static void
test_pressure(void **state)
{
	/* 1: mov %rdi,(%rdi); add $4096,%rdi; cmp %rsi,%rdi; jb 1b; syscall */
	static const unsigned char code[] = {0x48, 0x89, 0x3f, 0x48, 0x81, 0xc7,
	    0, 0x10, 0, 0, 0x48, 0x39, 0xf7, 0x72, 0xf1, 0x0f, 0x05};
	const size_t len = 48u << 20;
	struct vmspace_frame f = {
	    .regs = {.rip = CODE, .rdi = DATA, .rsi = DATA + len}};
	struct vmspace *vm = space();
	struct vmspace_stat st;

	load(vm, code, sizeof(code));
	map(vm, DATA, len, RW, ANON | MAP_NORESERVE, -1);
	do
		assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_RUN, &f), 0);
	while (f.event == VMSPACE_EV_INTERRUPT);
	assert_int_equal(f.event, VMSPACE_EV_SYSCALL);
	for (uintptr_t at = DATA; at < DATA + len; at += PG)
		assert_int_equal(get64(vm, at), at);
	vmspace_stat(vm, &st);
	assert_true(st.swap > 0);
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_DONE, &f), 0);
	vmspace_free(vm);
}

/* ---- arguments and misuse ---- */

static void
test_arguments(void **state)
{
	static const uintptr_t bad[] = {1, PG - 1, (uintptr_t)1 << 47,
	    UINTPTR_MAX, UINTPTR_MAX - PG + 1, (uintptr_t)1 << 63};
	struct vmspace *vm = space();
	struct vmspace_frame f = {0};
	uintptr_t at = 0;
	size_t n = 77;
	void *p;
	char c;

	assert_int_equal(vmspace_create(NULL, &vm), EINVAL);
	assert_int_equal(vmspace_create(k, NULL), EINVAL);
	assert_int_equal(vmspace_fork(vm, NULL), EINVAL);
	assert_int_equal(vmspace_mmap(vm, NULL, PG, RW, ANON, -1, 0), EINVAL);
	assert_int_equal(vmspace_mmap(vm, &at, 0, RW, ANON, -1, 0), EINVAL);
	assert_int_equal(vmspace_mmap(vm, &at, PG, 64, ANON, -1, 0), EINVAL);
	assert_int_equal(vmspace_mmap(vm, &at, PG, RW, 0, -1, 0), EINVAL);
	assert_int_equal(
	    vmspace_mmap(vm, &at, SIZE_MAX, RW, ANON, -1, 0), ENOMEM);
	assert_int_equal(at, 0);
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_RUN, NULL), EINVAL);
	assert_int_equal(vmspace_ctl(vm, (enum vmspace_ctl)99, &f), EINVAL);
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_INTERRUPT, &f), ESRCH);
	assert_int_equal(vmspace_pin(vm, 0, 0, RW, &p, &n), EINVAL);
	assert_int_equal(vmspace_pin(vm, 0, 1, PROT_EXEC, &p, &n), EINVAL);
	assert_int_equal(vmspace_pread(vm, NULL, 1, 0, &n), EINVAL);
	assert_int_equal(vmspace_pread(vm, &c, 1, 0, NULL), EINVAL);
	assert_int_equal(n, 77);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_not_equal(vmspace_munmap(vm, bad[i], PG), 0);
		assert_int_not_equal(vmspace_munmap(vm, bad[i], SIZE_MAX), 0);
		assert_int_not_equal(vmspace_mprotect(vm, bad[i], PG, RW), 0);
		assert_int_not_equal(vmspace_mcontrol(vm, bad[i], PG, 4), 0);
		assert_int_not_equal(vmspace_msync(vm, bad[i], PG), 0);
		assert_int_not_equal(vmspace_fault(vm, bad[i], PROT_READ), 0);
		assert_int_not_equal(
		    vmspace_pin(vm, bad[i], SIZE_MAX, RW, &p, &n), 0);
		assert_int_equal(
		    vmspace_pread(vm, &c, SIZE_MAX, bad[i], &n), EFAULT);
		assert_int_equal(n, 0);
		n = 77;
	}
	vmspace_free(vm);
}

#ifdef VMSPACE_DEBUG
static void
misuse_free(struct vmspace *vm)
{
	vmspace_hold(vm);
	vmspace_free(vm);
	vmspace_free(vm);
}

static void
misuse_drop(struct vmspace *vm)
{
	vmspace_free(vm);
	vmspace_drop(vm);
}

static void
misuse_use(struct vmspace *vm)
{
	size_t n;
	char c;

	vmspace_free(vm);
	(void)vmspace_pread(vm, &c, 1, DATA, &n);
}

static void
misuse_ref(struct vmspace *vm)
{
	vmspace_hold(vm);
	vmspace_free(vm);
	vmspace_ref(vm);
}

static void
misuse_destroy(struct vmspace *vm)
{
	(void)vm;
	vkernel_destroy(k);
}

/* Each misuse ends the process with a message that names the call. */
static void
test_misuse(void **state)
{
	static const struct {
		void (*fn)(struct vmspace *);
		const char *says;
	} cases[] = {
	    {misuse_free, "vmspace_free: no ref"},
	    {misuse_drop,
		"vmspace_drop: the vmspace was destroyed or never created"},
	    {misuse_use,
		"vmspace_pread: the vmspace was destroyed or never created"},
	    {misuse_ref, "vmspace_ref: no ref"},
	    {misuse_destroy, "vkernel_destroy: a vmspace is still in use"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char said[4096];
		int p[2], status;
		ssize_t n, len = 0;
		pid_t pid;

		assert_int_equal(pipe(p), 0);
		pid = fork();
		if (pid == 0) {
			struct vkernel_config config = {.mem = 4u << 20};

			dup2(p[1], STDERR_FILENO);
			close(p[0]);
			if (vkernel_create(&config, &k) == 0)
				cases[i].fn(space());
			_exit(0);
		}
		close(p[1]);
		while ((n = read(p[0], said + len,
			    sizeof(said) - 1 - (size_t)len)) > 0)
			len += n;
		close(p[0]);
		said[len] = '\0';
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFSIGNALED(status) || strstr(said, cases[i].says) == NULL)
			fail_msg("%s: status %#x, said: %s", cases[i].says,
			    (unsigned)status, said);
	}
}
#endif

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_memory),
	    T(test_life),
	    T(test_files),
	    T(test_pin),
	    T(test_run),
	    T(test_threads),
	    T(test_pressure),
	    T(test_arguments),
#ifdef VMSPACE_DEBUG
	    cmocka_unit_test(test_misuse),
#endif
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
