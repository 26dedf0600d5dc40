/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Fields of a process that one thread changes while others read them, for
 * ThreadSanitizer (-Db_sanitize=thread).  Without it these tests only check
 * that the calls succeed.
 */
#include "fixture.h"

#include "abi/fcntl.h"
#include "abi/prctl.h"
#include "abi/sched.h"
#include "abi/signal.h"

#include <fcntl.h>

#define ROUNDS 300
#define THREAD_FLAGS                                                     \
	(LX_CLONE_VM | LX_CLONE_FS | LX_CLONE_FILES | LX_CLONE_SIGHAND | \
	    LX_CLONE_THREAD)

static _Atomic(int) ready; /* threads that have reached meet() */
static _Atomic(int) ended; /* threads that have done their rounds */

static int
setup(void **state)
{
	atomic_store(&ready, 0);
	atomic_store(&ended, 0);
	return (fx_setup_booted(state));
}

static void
meet(int n)
{
	atomic_fetch_add(&ready, 1);
	while (atomic_load(&ready) < n)
		host_yield();
}

/* One thread changes ids and other settings; the other one gets SIGPIPE, which
 * carries the user id, reads the settings, and makes children. */
static void
prog_settings(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_clone, THREAD_FLAGS, 0, 0, 0, 0);
	U_CHECK(U_RET >= 0, U_RET);
	if (U_RET == 0)
		goto reader;
	meet(2);
	for (u->tf->rbx = 0; u->tf->rbx < ROUNDS; u->tf->rbx++) {
		U_SYS(SYS_setresuid, (uint64_t)-1, (uint64_t)-1, (uint64_t)-1);
		U_CHECK(U_RET == 0, U_RET);
		U_SYS(SYS_prctl, LX_PR_SET_PDEATHSIG, u->tf->rbx % 64);
		U_CHECK(U_RET == 0, U_RET);
		U_SYS(SYS_prctl, LX_PR_SET_CHILD_SUBREAPER, u->tf->rbx % 2);
		U_CHECK(U_RET == 0, U_RET);
	}
	atomic_fetch_add(&ended, 1);
	while (atomic_load(&ended) < 2)
		U_PAUSE();
	U_EXIT(0);
reader:
	U_SYS(SYS_pipe2, u_buf(u, 0), 0);
	U_CHECK(U_RET == 0, U_RET);
	u->tf->r12 = (uint64_t)u_get32(u, u_buf(u, 0) + 4);
	U_SYS(SYS_close, (uint64_t)u_get32(u, u_buf(u, 0)));
	u_put64(u, u_buf(u, 1), KSIGBIT(LX_SIGPIPE));
	U_SYS(SYS_rt_sigprocmask, LX_SIG_BLOCK, u_buf(u, 1), 0, 8);
	U_CHECK(U_RET == 0, U_RET);
	meet(2);
	for (u->tf->rbx = 0; u->tf->rbx < ROUNDS; u->tf->rbx++) {
		U_SYS(SYS_write, u->tf->r12, u_buf(u, 1), 1);
		U_CHECK(U_RET == -EPIPE, U_RET);
		U_SYS(SYS_prctl, LX_PR_GET_PDEATHSIG, u_buf(u, 2));
		U_CHECK(U_RET == 0, U_RET);
		U_SYS(SYS_prctl, LX_PR_GET_CHILD_SUBREAPER, u_buf(u, 2));
		U_CHECK(U_RET == 0, U_RET);
	}
	atomic_fetch_add(&ended, 1);
	U_SYS(SYS_exit, 0);
	U_END;
}

static void
test_settings_read_while_set(void **state)
{
	fx.prog[0] = prog_settings;
	assert_int_equal(fx_run(&fx, 0), 0);
}

/* One thread moves the offset of a file, the other one locks from there. */
static void
prog_offset(struct user *u)
{
	struct lx_flock lk = {.type = F_RDLCK, .whence = SEEK_CUR, .len = 1};

	U_BEGIN
	U_SYS(SYS_openat, (uint64_t)LX_AT_FDCWD, u_str(u, 0, "/bin/p0"),
	    O_RDONLY, 0);
	U_CHECK(U_RET >= 0, U_RET);
	u->tf->r12 = (uint64_t)U_RET;
	U_SYS(SYS_clone, THREAD_FLAGS, 0, 0, 0, 0);
	U_CHECK(U_RET >= 0, U_RET);
	if (U_RET == 0)
		goto locker;
	meet(2);
	for (u->tf->rbx = 0; u->tf->rbx < ROUNDS; u->tf->rbx++) {
		U_SYS(SYS_lseek, u->tf->r12, u->tf->rbx, SEEK_SET);
		U_CHECK(U_RET == (int64_t)u->tf->rbx, U_RET);
	}
	atomic_fetch_add(&ended, 1);
	while (atomic_load(&ended) < 2)
		U_PAUSE();
	U_EXIT(0);
locker:
	lk = (struct lx_flock){.type = F_RDLCK, .whence = SEEK_CUR, .len = 1};
	U_CHECK(
	    copyout(u->l->p->vmspace, &lk, u_buf(u, 3), sizeof(lk)) == 0, 0);
	meet(2);
	for (u->tf->rbx = 0; u->tf->rbx < ROUNDS; u->tf->rbx++) {
		U_SYS(SYS_fcntl, u->tf->r12, F_SETLK, u_buf(u, 3));
		U_CHECK(U_RET == 0, U_RET);
	}
	atomic_fetch_add(&ended, 1);
	U_SYS(SYS_exit, 0);
	U_END;
}

static void
test_offset_shared_by_threads(void **state)
{
	fx.prog[0] = prog_offset;
	assert_int_equal(fx_run(&fx, 0), 0);
}

/* A process changes its group and session while another one sends it SIGCONT,
 * for which the session counts. */
static void
prog_sessions(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_fork);
	U_CHECK(U_RET >= 0, U_RET);
	if (U_RET == 0) {
		U_SYS(SYS_setresuid, 1000, 1000, 1000);
		meet(2);
		U_SYS(SYS_setsid);
		U_CHECK(U_RET > 0, U_RET);
		while (atomic_load(&ended) == 0)
			U_PAUSE();
		U_EXIT(0);
	}
	u->tf->r12 = (uint64_t)U_RET;
	U_SYS(SYS_setresuid, 1001, 1001, 1001);
	meet(2);
	for (u->tf->rbx = 0; u->tf->rbx < ROUNDS; u->tf->rbx++) {
		U_SYS(SYS_kill, u->tf->r12, LX_SIGCONT);
		U_CHECK(U_RET == 0 || U_RET == -EPERM, U_RET);
	}
	atomic_fetch_add(&ended, 1);
	U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 0), 0, 0);
	U_EXIT(0);
	U_END;
}

static void
test_sessions_read_while_set(void **state)
{
	fx.prog[0] = prog_sessions;
	assert_int_equal(fx_run(&fx, 0), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fx_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_settings_read_while_set),
	    T(test_offset_shared_by_threads),
	    T(test_sessions_read_while_set),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
