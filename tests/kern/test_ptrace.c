/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * ptrace(2): a tracee is killed, or a tracer ends, at any time in any stop;
 * rights of tracers of other users.
 */
#include "fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "abi/prctl.h"
#include "abi/ptrace.h"
#include "abi/signal.h"
#include "abi/wait.h"

#define ROUNDS 60
#define WALL LX_WALL

static _Atomic(int) deaths, stops;

static int
setup(void **state)
{
	atomic_store(&deaths, 0);
	atomic_store(&stops, 0);
	fx_init(&fx);
	/* Other users than root must be able to traverse it. */
	return (chmod(fx.dir, 0755));
}

/* Make calls, signals, children and programs until it is killed. */
static void
prog_victim(struct user *u)
{
	U_BEGIN
	for (;;) {
		U_SYS(SYS_getpid);
		U_SYS(SYS_kill, (uint64_t)U_RET, LX_SIGCHLD);
		U_SYS(SYS_fork);
		if (U_RET == 0)
			U_EXIT(0);
		U_SYS(SYS_wait4, (uint64_t)-1, 0, 0, 0);
		U_SYS(SYS_execve, u_str(u, 0, "/bin/p1"), 0, 0);
	}
	U_END;
}

/*
 * r12: the victim, r13: what to do at a stop, rbx: the round.  The tracer
 * follows the victim and what that makes until the victim has ended; another
 * process kills the victim after a while.
 */
static void
prog_tracer(struct user *u)
{
	U_BEGIN
	for (u->tf->rbx = 0; u->tf->rbx < ROUNDS; u->tf->rbx++) {
		U_SYS(SYS_fork);
		U_CHECK(U_RET >= 0, U_RET);
		if (U_RET == 0)
			goto victim;
		u->tf->r12 = u->tf->rax;
		U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 1), WALL, 0);
		U_CHECK(U_RET == (int64_t)u->tf->r12, U_RET);
		U_SYS(SYS_ptrace, LX_PTRACE_SETOPTIONS, u->tf->r12, 0,
		    u->tf->rbx % 2 != 0 ? LX_PTRACE_O_KNOWN : 0x1);
		U_CHECK(U_RET == 0, U_RET);
		U_SYS(SYS_fork);
		if (U_RET == 0)
			goto killer;
		u->tf->r14 = u->tf->rax;
		for (;;) {
			if (u->tf->r13 == 0 || u->tf->r13 == u->tf->r12)
				U_SYS(SYS_ptrace,
				    u->tf->rbx % 3 != 0 ? LX_PTRACE_SYSCALL
							: LX_PTRACE_CONT,
				    u->tf->r12, 0, 0);
			else
				U_SYS(SYS_ptrace, LX_PTRACE_CONT, u->tf->r13, 0,
				    0);
			U_CHECK(U_RET == 0 || U_RET == -ESRCH, U_RET);
			U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 1), WALL, 0);
			U_CHECK(U_RET > 0, U_RET);
			u->tf->r13 = u->tf->rax;
			if ((u_get32(u, u_buf(u, 1)) & 0xff) == 0x7f)
				atomic_fetch_add(&stops, 1);
			else if (U_RET == (int64_t)u->tf->r12)
				break;
		}
		U_CHECK(u_get32(u, u_buf(u, 1)) == LX_SIGKILL,
		    u_get32(u, u_buf(u, 1)));
		atomic_fetch_add(&deaths, 1);
		u->tf->r13 = 0;
		/* What is left: the killer, perhaps a traced child. */
		do
			U_SYS(SYS_wait4, u->tf->r14, 0, WALL, 0);
		while (U_RET == -EINTR);
	}
	U_EXIT(0);
victim:
	U_SYS(SYS_ptrace, LX_PTRACE_TRACEME, 0, 0, 0);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_getpid);
	U_SYS(SYS_kill, (uint64_t)U_RET, LX_SIGSTOP);
	U_SYS(SYS_execve, u_str(u, 0, "/bin/p1"), 0, 0);
	U_EXIT(1);
killer:
	for (u->tf->r13 = 0; u->tf->r13 < u->tf->rbx % 16; u->tf->r13++)
		U_PAUSE();
	U_SYS(SYS_kill, u->tf->r12, LX_SIGKILL);
	U_EXIT(0);
	U_END;
}

static void
test_kill_in_stops(void **state)
{
	fx.prog[0] = prog_tracer;
	fx.prog[1] = prog_victim;
	fx_boot(&fx);
	assert_int_equal(fx_run(&fx, 0), 0);
	assert_int_equal(atomic_load(&deaths), ROUNDS);
	assert_true(atomic_load(&stops) > ROUNDS);
	fx_shutdown(&fx);
}

/* A tracer attaches to a running process, lets it stop at its calls, and ends
 * at one of the stops: the process goes on. */
static void
prog_leaver(struct user *u)
{
	U_BEGIN
	for (u->tf->rbx = 0; u->tf->rbx < ROUNDS; u->tf->rbx++) {
		U_SYS(SYS_fork);
		if (U_RET == 0)
			goto tracee;
		u->tf->r12 = u->tf->rax;
		U_SYS(SYS_fork);
		if (U_RET == 0)
			goto tracer;
		u->tf->r14 = u->tf->rax;
		U_SYS(SYS_wait4, u->tf->r14, u_buf(u, 1), 0, 0);
		U_CHECK(U_RET == (int64_t)u->tf->r14, U_RET);
		U_CHECK(u_get32(u, u_buf(u, 1)) == 0, u_get32(u, u_buf(u, 1)));
		U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 1), 0, 0);
		U_CHECK(U_RET == (int64_t)u->tf->r12, U_RET);
		U_CHECK(u_get32(u, u_buf(u, 1)) == WEXIT(5),
		    u_get32(u, u_buf(u, 1)));
	}
	U_EXIT(0);
tracee:
	for (u->tf->r13 = 0; u->tf->r13 < 40; u->tf->r13++) {
		U_SYS(SYS_getppid);
		U_PAUSE();
	}
	U_EXIT(5);
tracer:
	U_SYS(SYS_ptrace,
	    u->tf->rbx % 2 != 0 ? LX_PTRACE_SEIZE : LX_PTRACE_ATTACH,
	    u->tf->r12, 0, 0);
	U_CHECK(U_RET == 0 || U_RET == -EPERM || U_RET == -ESRCH, U_RET);
	if (u->tf->rbx % 2 != 0)
		U_SYS(SYS_ptrace, LX_PTRACE_INTERRUPT, u->tf->r12, 0, 0);
	/* At least once: the signal of PTRACE_ATTACH must not stay. */
	for (u->tf->r13 = 0; u->tf->r13 <= u->tf->rbx % 7; u->tf->r13++) {
		U_SYS(SYS_wait4, u->tf->r12, 0, WALL, 0);
		U_SYS(SYS_ptrace, LX_PTRACE_SYSCALL, u->tf->r12, 0, 0);
	}
	U_EXIT(0);
	U_END;
}

static void
test_tracer_leaves(void **state)
{
	fx.prog[0] = prog_leaver;
	fx_boot(&fx);
	assert_int_equal(fx_run(&fx, 0), 0);
	fx_shutdown(&fx);
}

/* ---- rights ---- */

static void
prog_rights(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_fork);
	if (U_RET == 0)
		goto target;
	u->tf->r12 = u->tf->rax;
	/* Root's process is not for another user; its own is. */
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		U_SYS(SYS_setresuid, 1000, 1000, 1000);
		U_SYS(SYS_ptrace, LX_PTRACE_ATTACH, u->tf->r12, 0, 0);
		U_CHECK(U_RET == -EPERM, U_RET);
		U_SYS(SYS_ptrace, LX_PTRACE_SEIZE, 1, 0, 0);
		U_CHECK(U_RET == -EPERM, U_RET);
		U_SYS(SYS_fork);
		if (U_RET == 0)
			goto own;
		u->tf->r12 = u->tf->rax;
		U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 1), WALL, 0);
		U_SYS(SYS_ptrace, LX_PTRACE_PEEKDATA, u->tf->r12, u_buf(u, 1),
		    u_buf(u, 2));
		U_CHECK(U_RET == 0, U_RET);
		U_SYS(SYS_ptrace, LX_PTRACE_CONT, u->tf->r12, 0, 0);
		U_CHECK(U_RET == 0, U_RET);
		U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 1), WALL, 0);
		U_SYS(SYS_ptrace, LX_PTRACE_PEEKDATA, u->tf->r12, u_buf(u, 1),
		    u_buf(u, 2));
		U_CHECK(U_RET == -EIO, U_RET);
		U_SYS(SYS_ptrace, LX_PTRACE_KILL, u->tf->r12, 0, 0);
		U_CHECK(U_RET == 0, U_RET);
		U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 1), WALL, 0);
		U_CHECK(u_get32(u, u_buf(u, 1)) == LX_SIGKILL, 0);
		U_EXIT(0);
	}
	U_SYS(SYS_wait4, u->tf->rax, u_buf(u, 1), 0, 0);
	U_SYS(SYS_kill, u->tf->r12, LX_SIGKILL);
	U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 1), 0, 0);
	U_EXIT(0);
own:
	U_SYS(SYS_prctl, LX_PR_SET_DUMPABLE, 1);
	U_SYS(SYS_ptrace, LX_PTRACE_TRACEME, 0, 0, 0);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_getpid);
	u->tf->r12 = u->tf->rax;
	U_SYS(SYS_kill, u->tf->r12, LX_SIGTRAP);
	U_SYS(SYS_prctl, LX_PR_SET_DUMPABLE, 0);
	U_SYS(SYS_kill, u->tf->r12, LX_SIGTRAP);
target:
	for (;;)
		U_PAUSE();
	U_END;
}

static void
test_rights(void **state)
{
	/* The guest is the user of the host, and only root changes it. */
	if (geteuid() != 0)
		skip();
	fx.prog[0] = prog_rights;
	fx_boot(&fx);
	assert_int_equal(fx_run(&fx, 0), 0);
	fx_shutdown(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		test_kill_in_stops, setup, fx_teardown),
	    cmocka_unit_test_setup_teardown(
		test_tracer_leaves, setup, fx_teardown),
	    cmocka_unit_test_setup_teardown(test_rights, setup, fx_teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
