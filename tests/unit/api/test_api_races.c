/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Concurrent calls of the library: frames that move between threads, vmspaces
 * and kernels; threads that make each other's stub threads; files that are
 * mapped while they are written back; pins and read-only descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "vmspace/vkernel.h"
#include "vmspace/vmspace.h"

#define PG ((size_t)4096)
#define CODE ((uintptr_t)0x400000)
#define DATA ((uintptr_t)0x10000000)
#define FLAG (DATA + 16 * PG)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static struct vkernel *k;

static int
setup(void **state)
{
	const struct vkernel_config config = {.mem = 16u << 20};

	return (vkernel_create(&config, &k));
}

static int
teardown(void **state)
{
	uint64_t leaks = 1;

	vkernel_destroy_check(k, &leaks);
	assert_int_equal(leaks, 0);
	return (0);
}

static void
map(struct vmspace *vm, uintptr_t at, size_t len, int flags, int fd)
{
	uintptr_t a = at;

	assert_int_equal(
	    vmspace_mmap(vm, &a, len, RW, flags | MAP_FIXED, fd, 0), 0);
}

static void
put(struct vmspace *vm, uintptr_t at, const void *p, size_t len)
{
	size_t done;

	assert_int_equal(vmspace_pwrite(vm, p, len, at, &done), 0);
}

static struct vmspace *
space(const void *code, size_t len)
{
	struct vmspace *vm;

	assert_int_equal(vmspace_create(k, &vm), 0);
	map(vm, CODE, PG, ANON, -1);
	put(vm, CODE, code, len);
	assert_int_equal(
	    vmspace_mprotect(vm, CODE, PG, PROT_READ | PROT_EXEC), 0);
	return (vm);
}

/* 1: syscall; jmp 1b */
static const unsigned char calls[] = {0x0f, 0x05, 0xeb, 0xfc};

struct thread {
	pthread_t t;
	struct vmspace *vm;
	struct vmspace_frame f;
	int error;
};

static void
run_frame(struct vmspace *vm, struct vmspace_frame *f, int *error)
{
	do
		*error = vmspace_ctl(vm, VMSPACE_CTL_RUN, f);
	while (*error == 0 && f->event == VMSPACE_EV_INTERRUPT);
}

static void *
runner(void *arg)
{
	struct thread *t = arg;

	run_frame(t->vm, &t->f, &t->error);
	return (NULL);
}

/* One frame is parked; two threads start new frames at the same time. */
static void
test_two_frames_start_at_once(void **state)
{
	struct vmspace *vm = space(calls, sizeof(calls));
	struct thread t[3];

	for (int round = 0; round < 200; round++) {
		memset(t, 0, sizeof(t));
		for (int i = 0; i < 3; i++) {
			t[i].vm = vm;
			t[i].f.regs.rip = CODE;
		}
		runner(&t[0]);
		assert_int_equal(t[0].error, 0);
		for (int i = 1; i < 3; i++)
			assert_int_equal(
			    pthread_create(&t[i].t, NULL, runner, &t[i]), 0);
		for (int i = 1; i < 3; i++) {
			pthread_join(t[i].t, NULL);
			assert_int_equal(t[i].error, 0);
		}
		for (int i = 0; i < 3; i++)
			assert_int_equal(
			    vmspace_ctl(vm, VMSPACE_CTL_DONE, &t[i].f), 0);
	}
	vmspace_free(vm);
}

static void *
churner(void *arg)
{
	struct thread *t = arg;

	for (int i = 0; i < 300 && t->error == 0; i++) {
		memset(&t->f, 0, sizeof(t->f));
		t->f.regs.rip = CODE;
		run_frame(t->vm, &t->f, &t->error);
		(void)vmspace_ctl(t->vm, VMSPACE_CTL_DONE, &t->f);
	}
	return (NULL);
}

/* Frames are created and destroyed: a thread that is leaving is not used to
 * make another one. */
static void
test_frames_created_and_destroyed(void **state)
{
	struct vmspace *vm = space(calls, sizeof(calls));
	struct thread t[3];

	memset(t, 0, sizeof(t));
	for (int i = 0; i < 3; i++) {
		t[i].vm = vm;
		assert_int_equal(
		    pthread_create(&t[i].t, NULL, churner, &t[i]), 0);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i].t, NULL);
		assert_int_equal(t[i].error, 0);
	}
	vmspace_free(vm);
}

static void *
flagger(void *arg)
{
	struct thread *t = arg;
	char one = 1;

	usleep(100000);
	put(t->vm, FLAG, &one, 1);
	return (NULL);
}

/*
 * This thread has run a frame that another thread runs now.  After unmap
 * returns in this thread, the frame's user code must not reach what was
 * unmapped.
 */
static void
test_unmap_after_frame_moved_thread(void **state)
{
	/* 1: mov (%rdi),%rbx; cmpb $0,(%rsi); je 1b; syscall; jmp 1b */
	static const unsigned char code[] = {0x48, 0x8b, 0x1f, 0x80, 0x3e, 0x00,
	    0x74, 0xf8, 0x0f, 0x05, 0xeb, 0xf4};
	struct vmspace *vm = space(code, sizeof(code)), *other;
	struct thread t = {.vm = vm}, fl = {.vm = vm};
	char secret[PG];
	char zero = 0, one = 1;

	memset(secret, 's', sizeof(secret));
	map(vm, DATA, PG, ANON, -1);
	map(vm, FLAG, PG, ANON, -1);
	put(vm, DATA, "abcdefgh", 8);
	put(vm, FLAG, &one, 1);
	t.f.regs.rip = CODE;
	t.f.regs.rdi = DATA;
	t.f.regs.rsi = FLAG;
	runner(&t);
	assert_int_equal(t.f.event, VMSPACE_EV_SYSCALL);
	put(vm, FLAG, &zero, 1);
	assert_int_equal(pthread_create(&t.t, NULL, runner, &t), 0);
	assert_int_equal(pthread_create(&fl.t, NULL, flagger, &fl), 0);
	usleep(30000);
	assert_int_equal(vmspace_munmap(vm, DATA, PG), 0);
	/* Any thread may run the frame now. */
	other = space(calls, sizeof(calls));
	map(other, DATA, 256 * PG, ANON, -1);
	for (int i = 0; i < 256; i++)
		put(other, DATA + (uintptr_t)i * PG, secret, PG);
	pthread_join(fl.t, NULL);
	pthread_join(t.t, NULL);
	assert_int_equal(t.error, 0);
	assert_int_equal(t.f.event, VMSPACE_EV_FAULT);
	assert_int_equal(t.f.addr, DATA);
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_DONE, &t.f), 0);
	vmspace_free(other);
	vmspace_free(vm);
}

/* After a run, the embedder's thread has its previous CPU affinity. */
static void
test_affinity(void **state)
{
	struct vmspace *vm = space(calls, sizeof(calls));
	struct vmspace_frame f = {.regs = {.rip = CODE}};
	cpu_set_t before, after;
	int error;

	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	for (int i = 0; i < 100; i++)
		run_frame(vm, &f, &error);
	assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
	assert_int_equal(CPU_COUNT(&after), CPU_COUNT(&before));
	assert_int_equal(vmspace_ctl(vm, VMSPACE_CTL_DONE, &f), 0);
	vmspace_free(vm);
}

/* A frame keeps all registers in another vmspace of the kernel; another kernel
 * refuses it. */
static void
test_frame_moved_to_other_vmspace(void **state)
{
	/* movq %rax,%xmm0; syscall; movq %xmm0,%rbx; syscall */
	static const unsigned char code[] = {0x66, 0x48, 0x0f, 0x6e, 0xc0, 0x0f,
	    0x05, 0x66, 0x48, 0x0f, 0x7e, 0xc3, 0x0f, 0x05};
	const struct vkernel_config config = {.mem = 4u << 20};
	struct vmspace *a = space(code, sizeof(code)), *b, *c;
	struct vmspace_frame f = {.regs = {.rip = CODE, .rax = 0x1234567}};
	struct vkernel *other;
	int error;

	assert_int_equal(vmspace_fork(a, &b), 0);
	run_frame(a, &f, &error);
	assert_int_equal(f.regs.rip, CODE + 7);
	run_frame(b, &f, &error);
	assert_int_equal(error, 0);
	assert_int_equal(f.regs.rip, CODE + 14);
	assert_int_equal(f.regs.rbx, 0x1234567);
	assert_int_equal(vkernel_create(&config, &other), 0);
	assert_int_equal(vmspace_create(other, &c), 0);
	assert_int_equal(vmspace_ctl(c, VMSPACE_CTL_RUN, &f), EINVAL);
	assert_int_equal(vmspace_ctl(c, VMSPACE_CTL_INTERRUPT, &f), ESRCH);
	vmspace_free(c);
	vkernel_destroy(other);
	assert_int_equal(vmspace_ctl(b, VMSPACE_CTL_DONE, &f), 0);
	vmspace_free(a);
	vmspace_free(b);
}

/* ---- files ---- */

#define FILE_PAGES 64
#define ROUNDS 300

static char file_name[] = "/var/tmp/vmspace-races-XXXXXX";

struct writer {
	pthread_t t;
	struct vmspace *vm;
	unsigned first, n; /* pages that it maps */
	unsigned byte;     /* of the last page: this writer's */
	unsigned lost;
};

/* Map the file, change the writer's byte of the last page, unmap.  Each time,
 * the byte must have the value that was written the time before. */
static void *
writer_main(void *arg)
{
	struct writer *w = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		int fd = open(file_name, O_RDWR);
		unsigned char was = 0, now = (unsigned char)(i + 1);
		uintptr_t at = 0, mine;
		size_t done;

		if (fd < 0 || vmspace_mmap(w->vm, &at, w->n * PG, RW,
				  MAP_SHARED, fd, (off_t)(w->first * PG)) != 0)
			abort();
		close(fd);
		mine = at + (w->n - 1) * PG + w->byte;
		(void)vmspace_pread(w->vm, &was, 1, mine, &done);
		w->lost += was != (unsigned char)i;
		for (unsigned p = 0; p < w->n; p++)
			(void)vmspace_pwrite(
			    w->vm, &now, 1, at + p * PG + w->byte, &done);
		(void)vmspace_munmap(w->vm, at, w->n * PG);
	}
	return (NULL);
}

static void
test_file_race(void **state)
{
	struct writer w[2] = {{.first = 0, .n = FILE_PAGES, .byte = 0},
	    {.first = FILE_PAGES - 1, .n = 1, .byte = 8}};
	int fd = mkstemp(file_name);

	assert_true(fd >= 0 && ftruncate(fd, FILE_PAGES * PG) == 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(vmspace_create(k, &w[i].vm), 0);
		assert_int_equal(
		    pthread_create(&w[i].t, NULL, writer_main, &w[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(w[i].t, NULL);
		assert_int_equal(w[i].lost, 0);
		vmspace_free(w[i].vm);
	}
	assert_int_equal(unlink(file_name), 0);
	close(fd);
	memcpy(file_name + strlen(file_name) - 6, "XXXXXX", 6);
}

/* A mapping of a read-only descriptor is not written back, even if the file is
 * changed meanwhile. */
static void
test_file_rights(void **state)
{
	char buf[PG], got[4] = "";
	int fd = mkstemp(file_name), append, ro;
	uintptr_t at = DATA;
	struct vmspace *vm;
	size_t run, done;
	void *p;

	memset(buf, 'o', sizeof(buf));
	assert_true(fd >= 0 && write(fd, buf, PG) == (ssize_t)PG);
	append = open(file_name, O_RDWR | O_APPEND);
	ro = open(file_name, O_RDONLY);
	assert_true(append >= 0 && ro >= 0);
	assert_int_equal(vmspace_create(k, &vm), 0);
	assert_int_equal(
	    vmspace_mmap(vm, &at, PG, RW, MAP_SHARED, append, 0), EACCES);
	assert_int_equal(
	    vmspace_mmap(vm, &at, PG, PROT_READ, MAP_SHARED | MAP_FIXED, ro, 0),
	    0);
	assert_int_equal(vmspace_pin(vm, at, PG, PROT_READ, &p, &run), 0);
	vmspace_unpin(vm, p, run, PROT_READ);
	assert_int_equal(vmspace_msync(vm, at, PG), 0);
	at = DATA + PG;
	assert_int_equal(vmspace_mmap(vm, &at, PG, PROT_READ,
			     MAP_PRIVATE | MAP_FIXED, fd, 0),
	    0);
	assert_int_equal(vmspace_pin(vm, at, PG, PROT_READ, &p, &run), 0);
	vmspace_unpin(vm, p, run, PROT_READ);
	assert_int_equal(pwrite(fd, "NEW", 3, 0), 3);
	vmspace_free(vm);
	assert_int_equal(pread(fd, got, 3, 0), 3);
	assert_memory_equal(got, "NEW", 3);
	/* Invalid flags and addresses. */
	assert_int_equal(vmspace_create(k, &vm), 0);
	at = 0;
	assert_int_equal(
	    vmspace_mmap(vm, &at, PG, RW, ANON | 0x4000000, -1, 0), EINVAL);
	assert_int_equal(
	    vmspace_mmap(vm, &at, PG, PROT_READ, MAP_PRIVATE, fd, -4096),
	    EINVAL);
	at = PG;
	assert_int_equal(
	    vmspace_mmap(vm, &at, PG, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
	assert_int_equal(vmspace_pread(vm, got, 1, 0, &done), EFAULT);
	vmspace_free(vm);
	close(append);
	close(ro);
	close(fd);
	assert_int_equal(unlink(file_name), 0);
}

/* ---- an MMU without fork ---- */

static int destroyed;

static void
mmu_enter(void *arg, uintptr_t addr, size_t len, void *ptr, int prot)
{
}

static void
mmu_remove(void *arg, uintptr_t addr, size_t len)
{
}

static void
mmu_protect(void *arg, uintptr_t addr, size_t len, int prot)
{
}

static void
mmu_sync(void *arg)
{
}

static void
mmu_destroy(void *arg)
{
	destroyed++;
}

static void
test_mmu_without_fork(void **state)
{
	static const struct vmspace_mmu ops = {
	    .enter = mmu_enter,
	    .remove = mmu_remove,
	    .protect = mmu_protect,
	    .sync = mmu_sync,
	    .destroy = mmu_destroy,
	};
	struct vmspace *a, *b;

	destroyed = 0;
	assert_int_equal(vmspace_create_mmu(k, &ops, NULL, &a), 0);
	assert_int_equal(vmspace_fork(a, &b), 0);
	vmspace_free(b);
	assert_int_equal(destroyed, 0);
	vmspace_free(a);
	assert_int_equal(destroyed, 1);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_two_frames_start_at_once),
	    T(test_frames_created_and_destroyed),
	    T(test_unmap_after_frame_moved_thread),
	    T(test_affinity),
	    T(test_frame_moved_to_other_vmspace),
	    T(test_file_race),
	    T(test_file_rights),
	    T(test_mmu_without_fork),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
