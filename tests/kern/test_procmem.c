/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Rights of access to other processes: /proc/PID/mem and process_vm_readv by
 * user, across exec, and of a zombie.
 */
#include "fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/prctl.h"
#include "vm/vmspace.h"

#define AT UINT64_C(0x20000000)

static _Atomic(bool) ready, go, over;

static int
setup(void **state)
{
	atomic_store(&ready, false);
	atomic_store(&go, false);
	atomic_store(&over, false);
	fx_init(&fx);
	/* Other users than root must be able to traverse it. */
	return (chmod(fx.dir, 0755));
}

static void
prog_target(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_mmap, AT, PAGE_SIZE, 3, 0x32, (uint64_t)-1, 0);
	U_CHECK(U_RET == (int64_t)AT, U_RET);
	u_put64(u, AT, 7);
	atomic_store(&ready, true);
	while (!atomic_load(&go))
		U_PAUSE();
	U_SYS(SYS_execve, u_str(u, 0, "/bin/p3"), 0, 0);
	U_EXIT(1);
	U_END;
}

/* The program that the target executes: it has a page at AT as well. */
static void
prog_after(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_mmap, AT, PAGE_SIZE, 3, 0x32, (uint64_t)-1, 0);
	u_put64(u, AT, 8);
	while (!atomic_load(&over))
		U_PAUSE();
	U_EXIT(0);
	U_END;
}

/* One word of the target: process_vm_readv(1, ...). */
static void
peer_call(struct user *u)
{
	u_put64(u, u_buf(u, 3), u_buf(u, 1));
	u_put64(u, u_buf(u, 3) + 8, 8);
	u_put64(u, u_buf(u, 4), AT);
	u_put64(u, u_buf(u, 4) + 8, 8);
}

static void
prog_peer(struct user *u)
{
	U_BEGIN
	peer_call(u);
	U_SYS(SYS_open, u_str(u, 0, "/proc/1/mem"), O_RDWR, 0);
	U_CHECK(U_RET >= 0, U_RET);
	u->tf->r12 = u->tf->rax;
	U_SYS(SYS_pread64, u->tf->r12, u_buf(u, 1), 8, AT);
	U_CHECK(U_RET == 8, U_RET);
	U_CHECK(u_get64(u, u_buf(u, 1)) == 7, u_get64(u, u_buf(u, 1)));
	U_SYS(SYS_process_vm_readv, 1, u_buf(u, 3), 1, u_buf(u, 4), 1, 0);
	U_CHECK(U_RET == 8, U_RET);
	/* An ordinary user may not look at root. */
	U_SYS(SYS_setresuid, 1000, 1000, 1000);
	U_SYS(SYS_open, u_str(u, 0, "/proc/1/mem"), O_RDONLY, 0);
	U_CHECK(U_RET == -EACCES, U_RET);
	U_SYS(SYS_process_vm_readv, 1, u_buf(u, 3), 1, u_buf(u, 4), 1, 0);
	U_CHECK(U_RET == -EPERM, U_RET);
	U_SYS(SYS_process_vm_writev, 1, u_buf(u, 3), 1, u_buf(u, 4), 1, 0);
	U_CHECK(U_RET == -EPERM, U_RET);
	/* After the change of its ids the file of its own memory is root's,
	 * until it is dumpable again.  A file that was opened before stays
	 * open. */
	U_SYS(SYS_open, u_str(u, 0, "/proc/self/mem"), O_RDWR, 0);
	U_CHECK(U_RET == -EACCES, U_RET);
	U_SYS(SYS_prctl, LX_PR_SET_DUMPABLE, 1);
	U_SYS(SYS_open, u_str(u, 0, "/proc/self/mem"), O_RDWR, 0);
	U_CHECK(U_RET >= 0, U_RET);
	U_SYS(SYS_pwrite64, u->tf->r12, u_buf(u, 1), 8, AT);
	U_CHECK(U_RET == 8, U_RET);
	/* Until the target executes another program, whose memory must not
	 * be readable through the old descriptor. */
	atomic_store(&go, true);
	do {
		U_SYS(SYS_pread64, u->tf->r12, u_buf(u, 1), 8, AT);
		U_CHECK(U_RET != 8 || u_get64(u, u_buf(u, 1)) == 7,
		    u_get64(u, u_buf(u, 1)));
	} while (U_RET == 8);
	U_CHECK(U_RET == -ESRCH, U_RET);
	U_SYS(SYS_pwrite64, u->tf->r12, u_buf(u, 1), 8, AT);
	U_CHECK(U_RET == -ESRCH, U_RET);
	atomic_store(&over, true);
	U_EXIT(0);
	U_END;
}

static void
test_access_by_user(void **state)
{
	int target, peer, status;

	/* The guest is the user of the host, and only root changes it. */
	if (geteuid() != 0)
		skip();
	fx.prog[0] = prog_target;
	fx.prog[1] = prog_peer;
	fx.prog[3] = prog_after;
	fx_boot(&fx);
	target = fx_spawn(&fx, 0);
	while (!atomic_load(&ready))
		host_yield();
	peer = fx_spawn(&fx, 1);
	assert_int_equal(vkernel_wait(fx.k, peer, &status), 0);
	assert_int_equal(status, 0);
	assert_int_equal(vkernel_wait(fx.k, target, &status), 0);
	assert_int_equal(status, 0);
	fx_shutdown(&fx);
}

static void
prog_parent(struct user *u)
{
	U_BEGIN
	peer_call(u);
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		while (!atomic_load(&go))
			U_PAUSE();
		U_EXIT(0);
	}
	u->tf->r13 = u->tf->rax;
	U_CHECK(u->tf->r13 == 2, u->tf->r13);
	U_SYS(SYS_open, u_str(u, 0, "/proc/2/mem"), O_RDONLY, 0);
	U_CHECK(U_RET >= 0, U_RET);
	u->tf->r12 = u->tf->rax;
	atomic_store(&go, true);
	/* The target has ended and has not been waited for. */
	U_SYS(SYS_waitid, 1, 2, 0, 0x01000004, 0);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_pread64, u->tf->r12, u_buf(u, 1), 8, u_buf(u, 1));
	U_CHECK(U_RET == -ESRCH, U_RET);
	U_SYS(SYS_open, u_str(u, 0, "/proc/2/mem"), O_RDONLY, 0);
	U_CHECK(U_RET == -ESRCH, U_RET);
	U_SYS(SYS_process_vm_readv, 2, u_buf(u, 3), 1, u_buf(u, 4), 1, 0);
	U_CHECK(U_RET == -ESRCH, U_RET);
	U_SYS(SYS_wait4, 2, 0, 0, 0);
	U_CHECK(U_RET == 2, U_RET);
	U_SYS(SYS_pread64, u->tf->r12, u_buf(u, 1), 8, u_buf(u, 1));
	U_CHECK(U_RET == -ESRCH, U_RET);
	U_EXIT(0);
	U_END;
}

static void
test_zombie(void **state)
{
	fx.prog[0] = prog_parent;
	fx_boot(&fx);
	assert_int_equal(fx_run(&fx, 0), 0);
	fx_shutdown(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_access_by_user, setup, fx_teardown),
	    cmocka_unit_test_setup_teardown(test_zombie, setup, fx_teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
