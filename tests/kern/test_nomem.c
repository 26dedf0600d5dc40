/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * No memory: every request of kernel memory refused in turn during boot,
 * fork and exec, and guests that want more than there is.
 */
#include "fixture.h"

#include "vm/vm_page.h"

static struct fixture fx;
static _Atomic(int) outcome; /* errno of the step, 0 done */

static int
setup(void **state)
{
	fx_init(&fx);
	return (0);
}

static int
teardown(void **state)
{
	fx_done(&fx);
	return (0);
}

/*
 * Refusal of one allocation: the zone `target` has exactly `allowance` items
 * left for this thread, and the host refuses everybody more memory.
 */
static struct vm_zone *target;
static unsigned allowance;
static void **taken;
static size_t ntaken;
static _Atomic(bool) armed;

static void
arm(void)
{
	size_t cap = 0;
	void *item;

	atomic_store(&fx.hf.fail_every, 1);
	while ((item = zalloc(target)) != NULL) {
		if (ntaken == cap) {
			cap = cap * 2 + 64;
			taken = realloc(taken, cap * sizeof(*taken));
		}
		taken[ntaken++] = item;
	}
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
	arm();
	U_SYS(SYS_execve, u_str(u, 0, "/bin/p3"), 0, 0);
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

/*
 * Program `n` with each allocation of each zone refused in turn, until it has
 * all it wants.  The first run makes the slabs.
 */
static void
each_allocation(int n)
{
	unsigned refused = 0;
	int status;

	memset(&fx.hf, 0, sizeof(fx.hf));
	fx.use_hf = true;
	fx_boot(&fx);
	struct vm_zone *const zones[] = {fx.k->z_proc, fx.k->z_lwp,
	    fx.k->z_sigacts, fx.k->z_fs, fx.k->vm.z_vmspace, fx.k->vm.z_entry,
	    fx.k->vm.z_object, fx.k->vm.z_radix, fx.k->vm.z_pmap,
	    fx.k->vm.z_pmap_node, fx.k->vfs->z_vnode, fx.k->vfs->z_file};

	target = fx.k->z_session;
	for (size_t z = 0; z <= sizeof(zones) / sizeof(zones[0]); z++) {
		for (allowance = 0; allowance < 500; allowance++) {
			if (z > 0)
				target = zones[z - 1];
			atomic_store(&outcome, ENOMEM);
			status = fx_run(&fx, n);
			disarm();
			/* It may be the victim of the policy instead. */
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

/* ---- guests that want too much ---- */

#define HOG_PAGES 16384 /* 64 MiB */

static void
prog_hog(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_mmap, 0, HOG_PAGES * PAGE_SIZE, 3, 0x4022, (uint64_t)-1, 0);
	U_CHECK(U_RET > 0, U_RET);
	u->tf->r12 = u->tf->rax;
	for (u->tf->rbx = 0; u->tf->rbx < HOG_PAGES; u->tf->rbx++)
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

/* The hog is killed, again and again; the small one never. */
static void
test_oom(void **state)
{
	int hog[3], small, status;

	memset(&fx.hf, 0, sizeof(fx.hf));
	fx.use_hf = true;
	fx.mem = (uint64_t)24 << 20;
	fx.logword = "out of memory";
	fx.logged = 0;
	fx.prog[4] = prog_hog;
	fx.prog[5] = prog_small;
	atomic_store(&small_stop, false);
	fx_boot(&fx);
	small = fx_spawn(&fx, 5);
	for (int i = 0; i < 3; i++) {
		hog[i] = fx_spawn(&fx, 4);
		assert_int_equal(vkernel_wait(fx.k, hog[i], &status), 0);
		assert_int_equal(status, LX_SIGKILL);
		assert_int_equal(atomic_load(&fx.logged), i + 1);
	}
	/* Two at a time: nobody but hogs dies. */
	hog[0] = fx_spawn(&fx, 4);
	hog[1] = fx_spawn(&fx, 4);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(vkernel_wait(fx.k, hog[i], &status), 0);
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
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	    T(test_boot),
	    T(test_fork),
	    T(test_exec),
	    T(test_thread),
	    T(test_oom),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
