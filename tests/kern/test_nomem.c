/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Lack of memory: each allocation of kernel memory is refused in turn during
 * boot, fork, exec, calls on memory, paging, swapon and swapoff; and guests
 * that use more memory than there is.
 */
#include "mem/vm_zone.h"
#include "fixture.h"

#include "abi/sched.h"
#include "abi/signal.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "mem/vm_page.h"
#include "vfs/core/vfs.h"
#include "vm/swap/swap_space.h"
#include "vm/vmspace.h"

#define MADV_PAGEOUT 21
#define MREMAP_MAYMOVE 1

static _Atomic(int) outcome; /* errno of the step, 0 done */

/*
 * Refusal of one allocation: the zone `target` has exactly `allowance` items
 * left for this thread, and the host refuses all further memory. A zone that
 * does not have that many items is not short: it may allocate slabs.
 */
static struct vm_zone *target;
static unsigned allowance;
static void **taken;
static size_t ntaken;
static _Atomic(bool) armed;
static bool warming; /* nothing is refused: a run that allocates the slabs */
/* 1: a child waits until the parent sets it to 0. */
static _Atomic(int) child_step;

static void
arm(void)
{
	size_t cap = 0;
	void *item;

	if (warming)
		return;
	atomic_store(&fx.hf.fail_every, 1);
	while ((item = zalloc(target)) != NULL) {
		if (ntaken == cap) {
			cap = cap * 2 + 64;
			taken = realloc(taken, cap * sizeof(*taken));
		}
		taken[ntaken++] = item;
	}
	if (allowance > ntaken)
		atomic_store(&fx.hf.fail_every, 0);
	for (unsigned i = 0; i < allowance && ntaken > 0; i++)
		zfree(target, taken[--ntaken]);
	atomic_store(&armed, true);
}

static void
disarm(void)
{
	if (!atomic_exchange(&armed, false))
		return;
	atomic_store(&fx.hf.fail_every, 0);
	while (ntaken > 0)
		zfree(target, taken[--ntaken]);
	free(taken);
	taken = NULL;
}

/* ---- boot ---- */

static void
test_boot(void **state)
{
	int error;

	for (int64_t n = 1;; n++) {
		memset(&fx.hf, 0, sizeof(fx.hf));
		fx.use_hf = true;
		atomic_store(&fx.hf.fail_at, n);
		error = fx_try_boot(&fx);
		if (error == 0)
			fx_shutdown(&fx);
		else
			assert_int_equal(error, ENOMEM);
		assert_int_equal(atomic_load(&fx.hf.live), 0);
		if (error == 0 && atomic_load(&fx.hf.calls) < n)
			break;
		assert_true(n < 10000);
	}
}

/* ---- fork, exec, thread ---- */

static void
prog_fork(struct user *u)
{
	U_BEGIN
	arm();
	U_SYS(SYS_fork);
	if (U_RET == 0)
		U_EXIT(0);
	disarm();
	atomic_store(&outcome, U_RET < 0 ? (int)-U_RET : 0);
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	U_CHECK(
	    atomic_load(&outcome) == 0 ? U_RET > 0 : U_RET == -ECHILD, U_RET);
	U_EXIT(0);
	U_END;
}

static void
prog_exec(struct user *u)
{
	U_BEGIN
	u->tf->r12 = u->l->p->vmspace->id;
	/* The write of the test itself must not be the refused one. */
	u->tf->r13 = u_str(u, 0, "/bin/p3");
	arm();
	U_SYS(SYS_execve, u->tf->r13, 0, 0);
	disarm();
	atomic_store(&outcome, (int)-U_RET);
	U_CHECK(U_RET == -ENOMEM, U_RET);
	U_CHECK(u->l->p->vmspace->id == u->tf->r12, 0);
	U_CHECK(strcmp(u->l->p->comm, "p1") == 0, 0);
	U_EXIT(0);
	U_END;
}

static void
prog_thread(struct user *u)
{
	U_BEGIN
	arm();
	U_SYS(SYS_clone,
	    LX_CLONE_VM | LX_CLONE_FS | LX_CLONE_FILES | LX_CLONE_SIGHAND |
		LX_CLONE_THREAD,
	    u->tf->rsp, 0, 0, 0);
	if (U_RET == 0)
		U_SYS(SYS_exit, 0);
	disarm();
	atomic_store(&outcome, U_RET < 0 ? (int)-U_RET : 0);
	U_EXIT(0);
	U_END;
}

static void
prog_exec_target(struct user *u)
{
	U_BEGIN
	disarm();
	atomic_store(&outcome, 0);
	U_EXIT(0);
	U_END;
}

static bool with_swap;

/* Add a swap area of some kind. Returns 0 or the error of vkernel_swapon(). */
static int
swap_add(enum vkernel_swap_kind kind, unsigned *area)
{
	struct vkernel_swap s = {
	    .kind = kind, .fd = -1, .size = (uint64_t)8 << 20, .name = "test"};
	int error;

	if (kind == VKERNEL_SWAP_FILE)
		assert_int_equal(vkernel_swap_open(NULL, &s.size, &s.fd), 0);
	error = vkernel_swapon(fx.k, &s, area);
	if (s.fd >= 0)
		host_close(s.fd);
	return (error);
}

/* Run the program and all processes that it starts. */
static int
run_through(int n)
{
	int status;

	atomic_store(&outcome, ENOMEM);
	status = fx_run(&fx, n);
	disarm();
	atomic_store(&child_step, 2);
	vkernel_wait_all(fx.k);
	return (status);
}

/*
 * Run program `n` with each allocation of each zone refused in turn, until none
 * is refused. A run before, for each zone, allocates the slabs: the number that
 * is needed depends on where things are mapped, and no slab may be allocated
 * later.
 */
static void
each_allocation(int n)
{
	unsigned refused = 0, area;
	int status;

	memset(&fx.hf, 0, sizeof(fx.hf));
	fx.use_hf = true;
	fx_boot(&fx);
	if (with_swap)
		assert_int_equal(swap_add(VKERNEL_SWAP_LZ4, &area), 0);
	struct vm_zone *const zones[] = {fx.k->z_proc, fx.k->z_lwp,
	    fx.k->z_sigacts, fx.k->z_fs, fx.k->vm.z_vmspace, fx.k->vm.z_entry,
	    fx.k->vm.z_object, fx.k->vm.z_radix, fx.k->vm.z_pmap,
	    fx.k->vm.z_pmap_node, fx.k->vfs->z_vnode, fx.k->vfs->z_file};

	target = fx.k->z_session;
	for (size_t z = 0; z <= sizeof(zones) / sizeof(zones[0]); z++) {
		if (z > 0)
			target = zones[z - 1];
		warming = true;
		assert_int_equal(run_through(n), 0);
		warming = false;
		for (allowance = 0; allowance < 500; allowance++) {
			status = run_through(n);
			/* The out-of-memory policy may have chosen this
			 * process instead. */
			assert_true(status == 0 || status == LX_SIGKILL);
			if (atomic_load(&outcome) == 0)
				break;
			assert_int_equal(atomic_load(&outcome), ENOMEM);
			refused++;
		}
		assert_true(allowance < 500);
	}
	fx_shutdown(&fx);
	print_message("%u refused\n", refused);
}

static void
test_fork(void **state)
{
	fx.prog[0] = prog_fork;
	each_allocation(0);
}

static void
test_exec(void **state)
{
	fx.prog[1] = prog_exec;
	fx.prog[3] = prog_exec_target;
	each_allocation(1);
}

static void
test_thread(void **state)
{
	fx.prog[2] = prog_thread;
	each_allocation(2);
}

/* ---- memory ---- */

#define MEM_PAGES 64
#define MEM_LEN (MEM_PAGES * PAGE_SIZE)
#define MEM_WORD(i) ((uint64_t)(i)*0x10001 + 7)

/* The step that runs without memory; the rest of the program has all it
 * needs. */
enum stage {
	AT_MMAP,
	AT_FAULT,
	AT_OUT,
	AT_IN,
	AT_FORK,
	AT_COPY,
	AT_MREMAP,
	AT_MUNMAP,
	NSTAGES
};
static const char *const stage_names[] = {"mmap", "faults", "swap-out",
    "swap-in", "fork of swapped memory", "copy on write", "mremap", "munmap"};
static enum stage stage;

static void
at(enum stage s)
{
	if (s == stage)
		arm();
}

/* The step is over; `error` is the result that the guest saw. */
static void
stage_done(enum stage s, int error)
{
	if (s != stage)
		return;
	disarm();
	atomic_store(&outcome, error);
}

static void
mem_write(struct user *u)
{
	for (unsigned i = 0; i < MEM_PAGES; i++)
		u_put64(u, u->tf->r12 + i * PAGE_SIZE, MEM_WORD(i));
}

static void
mem_verify(struct user *u)
{
	for (unsigned i = 0; i < MEM_PAGES; i++)
		U_CHECK(
		    u_get64(u, u->tf->r12 + i * PAGE_SIZE) == MEM_WORD(i), i);
}

/* The number of pages of the area that are in frames. */
static unsigned
mem_resident(struct user *u)
{
	uint8_t vec[MEM_PAGES];
	unsigned n = 0;

	KVERIFY(vm_mincore(u->l->p->vmspace, u->tf->r12, MEM_LEN, vec) == 0);
	for (unsigned i = 0; i < MEM_PAGES; i++)
		n += vec[i] & 1;
	return (n);
}

/* Each step returns its usual result or ENOMEM; after ENOMEM nothing has
 * changed. */
static void
prog_memory(struct user *u)
{
	U_BEGIN
	atomic_store(&child_step, 0);
	at(AT_MMAP);
	U_SYS(SYS_mmap, 0, MEM_LEN, 3, 0x22, (uint64_t)-1, 0);
	stage_done(AT_MMAP, U_RET < 0 ? (int)-U_RET : 0);
	if (U_RET < 0)
		U_EXIT(0);
	u->tf->r12 = u->tf->rax;
	at(AT_FAULT);
	for (u->tf->rbx = 0; u->tf->rbx < MEM_PAGES; u->tf->rbx++)
		U_FAULT(u->tf->r12 + u->tf->rbx * PAGE_SIZE, VM_PROT_WRITE);
	stage_done(AT_FAULT, 0);
	mem_write(u);
	at(AT_OUT);
	U_SYS(SYS_madvise, u->tf->r12, MEM_LEN, MADV_PAGEOUT);
	U_CHECK(U_RET == 0, U_RET);
	stage_done(AT_OUT, mem_resident(u) == 0 ? 0 : ENOMEM);
	if (stage != AT_OUT)
		U_CHECK(mem_resident(u) == 0, mem_resident(u));
	at(AT_IN);
	for (u->tf->rbx = 0; u->tf->rbx < MEM_PAGES; u->tf->rbx++)
		U_FAULT(u->tf->r12 + u->tf->rbx * PAGE_SIZE, VM_PROT_READ);
	stage_done(AT_IN, 0);
	mem_verify(u);
	U_SYS(SYS_madvise, u->tf->r12, MEM_LEN, MADV_PAGEOUT);
	at(AT_FORK);
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		while (atomic_load(&armed))
			U_PAUSE();
		mem_verify(u);
		atomic_store(&child_step, 1);
		while (atomic_load(&child_step) == 1)
			U_PAUSE();
		mem_verify(u);
		U_EXIT(0);
	}
	stage_done(AT_FORK, U_RET < 0 ? (int)-U_RET : 0);
	/* The child shares the memory, and allocates nothing meanwhile. */
	while (U_RET > 0 && atomic_load(&child_step) == 0)
		U_PAUSE();
	at(AT_COPY);
	for (u->tf->rbx = 0; u->tf->rbx < MEM_PAGES; u->tf->rbx += 2)
		U_FAULT(u->tf->r12 + u->tf->rbx * PAGE_SIZE, VM_PROT_WRITE);
	stage_done(AT_COPY, 0);
	mem_verify(u);
	atomic_store(&child_step, 2);
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	/* The out-of-memory policy may have chosen the child. */
	if (U_RET > 0 && stage != AT_COPY)
		U_CHECK(u_get32(u, u_buf(u, 0)) == 0, u_get32(u, u_buf(u, 0)));
	U_SYS(SYS_madvise, u->tf->r12, MEM_LEN, MADV_PAGEOUT);
	at(AT_MREMAP);
	U_SYS(SYS_mremap, u->tf->r12, MEM_LEN, 2 * MEM_LEN, MREMAP_MAYMOVE);
	stage_done(AT_MREMAP, U_RET < 0 ? (int)-U_RET : 0);
	if (U_RET > 0)
		u->tf->r12 = u->tf->rax;
	mem_verify(u);
	U_SYS(SYS_madvise, u->tf->r12, MEM_LEN, MADV_PAGEOUT);
	at(AT_MUNMAP);
	U_SYS(SYS_munmap, u->tf->r12 + PAGE_SIZE, PAGE_SIZE);
	stage_done(AT_MUNMAP, U_RET < 0 ? (int)-U_RET : 0);
	U_CHECK(u_get64(u, u->tf->r12) == MEM_WORD(0), 0);
	U_CHECK(vm_check_vmspace(u->l->p->vmspace) == 0, 0);
	U_EXIT(0);
	U_END;
}

static void
test_memory(void **state)
{
	fx.prog[6] = prog_memory;
	with_swap = true;
	for (stage = AT_MMAP; stage < NSTAGES; stage++) {
		print_message("%s: ", stage_names[stage]);
		each_allocation(6);
	}
	with_swap = false;
}

/* ---- swapon and swapoff ---- */

static const enum vkernel_swap_kind kinds[] = {
    VKERNEL_SWAP_FILE, VKERNEL_SWAP_LZ4, VKERNEL_SWAP_ZSTD};

/* Add and remove an area with the n-th allocation refused. False: there was
 * no n-th allocation. */
static bool
add_and_remove(enum vkernel_swap_kind kind, int64_t n)
{
	int64_t last = (int64_t)atomic_load(&fx.hf.calls) + n;
	unsigned area;
	int error;

	atomic_store(&fx.hf.fail_at, last);
	error = swap_add(kind, &area);
	if (error == 0) {
		error = vkernel_swapoff(fx.k, area);
		atomic_store(&fx.hf.fail_at, 0);
		if (error != 0)
			assert_int_equal(vkernel_swapoff(fx.k, area), 0);
	}
	atomic_store(&fx.hf.fail_at, 0);
	assert_true(error == 0 || error == ENOMEM);
	assert_int_equal(swap_space_size(fx.k->vm.swap), 0);
	return ((int64_t)atomic_load(&fx.hf.calls) >= last);
}

static void
test_swapon(void **state)
{
	int64_t n;

	memset(&fx.hf, 0, sizeof(fx.hf));
	fx.use_hf = true;
	fx_boot(&fx);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (n = 1; add_and_remove(kinds[i], n); n++)
			assert_true(n < 1000);
		assert_true(n > 1); /* something was refused */
	}
	fx_shutdown(&fx);
}

static _Atomic(bool) keeper_ready, keeper_stop;

/* Owns memory that others page out, and verifies it at the end. */
static void
prog_keeper(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_mmap, 0, MEM_LEN, 3, 0x22, (uint64_t)-1, 0);
	u->tf->r12 = u->tf->rax;
	mem_write(u);
	atomic_store(&keeper_ready, true);
	while (!atomic_load(&keeper_stop))
		U_PAUSE();
	mem_verify(u);
	U_EXIT(1);
	U_END;
}

/* swapoff of an area that is in use: it succeeds, or it fails and the area
 * is in use as before. */
static unsigned
swapoff_in_use(enum vkernel_swap_kind kind)
{
	uint64_t given;
	unsigned area, refused = 0;
	int64_t last;
	int error;

	for (int64_t n = 1;; n++) {
		assert_int_equal(swap_add(kind, &area), 0);
		assert_int_equal(vkernel_shrink(fx.k, 0, &given), 0);
		assert_true(swap_space_used(fx.k->vm.swap) >= MEM_PAGES);
		last = (int64_t)atomic_load(&fx.hf.calls) + n;
		atomic_store(&fx.hf.fail_at, last);
		error = vkernel_swapoff(fx.k, area);
		atomic_store(&fx.hf.fail_at, 0);
		if (error != 0) {
			assert_int_equal(error, ENOMEM);
			assert_true(swap_space_size(fx.k->vm.swap) != 0);
			refused++;
			assert_int_equal(vkernel_swapoff(fx.k, area), 0);
		}
		assert_int_equal(swap_space_size(fx.k->vm.swap), 0);
		assert_int_equal(swap_space_used(fx.k->vm.swap), 0);
		if ((int64_t)atomic_load(&fx.hf.calls) < last)
			return (refused);
		assert_true(n < 1000);
	}
}

static void
test_swapoff(void **state)
{
	unsigned refused;
	int pid, status;

	memset(&fx.hf, 0, sizeof(fx.hf));
	fx.use_hf = true;
	fx.prog[7] = prog_keeper;
	atomic_store(&keeper_ready, false);
	atomic_store(&keeper_stop, false);
	fx_boot(&fx);
	pid = fx_spawn(&fx, 7);
	while (!atomic_load(&keeper_ready))
		host_sleep_ns(100000);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		refused = swapoff_in_use(kinds[i]);
		print_message("swapoff refused %u times\n", refused);
	}
	atomic_store(&keeper_stop, true);
	assert_int_equal(vkernel_wait(fx.k, pid, &status), 0);
	assert_int_equal(status, WEXIT(1));
	fx_shutdown(&fx);
}

/* ---- guests that use more memory than there is ---- */

#define LARGE_PAGES 16384 /* 64 MiB */

static void
prog_large(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_mmap, 0, LARGE_PAGES * PAGE_SIZE, 3, 0x4022, (uint64_t)-1, 0);
	U_CHECK(U_RET > 0, U_RET);
	u->tf->r12 = u->tf->rax;
	for (u->tf->rbx = 0; u->tf->rbx < LARGE_PAGES; u->tf->rbx++)
		U_FAULT(u->tf->r12 + u->tf->rbx * PAGE_SIZE, VM_PROT_WRITE);
	U_EXIT(0);
	U_END;
}

static _Atomic(bool) small_stop;

static void
prog_small(struct user *u)
{
	U_BEGIN
	while (!atomic_load(&small_stop)) {
		U_SYS(SYS_mmap, 0, 64 * PAGE_SIZE, 3, 0x22, (uint64_t)-1, 0);
		if (U_RET < 0)
			continue;
		u->tf->r12 = u->tf->rax;
		for (u->tf->rbx = 0; u->tf->rbx < 64; u->tf->rbx++)
			U_FAULT(
			    u->tf->r12 + u->tf->rbx * PAGE_SIZE, VM_PROT_WRITE);
		U_SYS(SYS_munmap, u->tf->r12, 64 * PAGE_SIZE);
	}
	U_EXIT(1);
	U_END;
}

/* The large process is killed each time, the small one never. */
static void
test_oom(void **state)
{
	int large[3], small, status;

	memset(&fx.hf, 0, sizeof(fx.hf));
	fx.use_hf = true;
	fx.mem = (uint64_t)24 << 20;
	fx.logword = "out of memory";
	fx.logged = 0;
	fx.prog[4] = prog_large;
	fx.prog[5] = prog_small;
	atomic_store(&small_stop, false);
	fx_boot(&fx);
	small = fx_spawn(&fx, 5);
	for (int i = 0; i < 3; i++) {
		large[i] = fx_spawn(&fx, 4);
		assert_int_equal(vkernel_wait(fx.k, large[i], &status), 0);
		assert_int_equal(status, LX_SIGKILL);
		assert_int_equal(atomic_load(&fx.logged), i + 1);
	}
	/* Two at a time: only the large processes are killed. */
	large[0] = fx_spawn(&fx, 4);
	large[1] = fx_spawn(&fx, 4);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(vkernel_wait(fx.k, large[i], &status), 0);
		assert_int_equal(status, LX_SIGKILL);
	}
	atomic_store(&small_stop, true);
	assert_int_equal(vkernel_wait(fx.k, small, &status), 0);
	assert_int_equal(status, WEXIT(1));
	assert_int_equal(atomic_load(&fx.logged), 5);
	fx_shutdown(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FX_TEST(test_boot),
	    FX_TEST(test_fork),
	    FX_TEST(test_exec),
	    FX_TEST(test_thread),
	    FX_TEST(test_memory),
	    FX_TEST(test_swapon),
	    FX_TEST(test_swapoff),
	    FX_TEST(test_oom),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
