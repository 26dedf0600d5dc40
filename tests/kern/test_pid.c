/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Processes found by the numbers of their threads.
 */
#include "fixture.h"

#include "abi/sched.h"

#include <pthread.h>
#include <unistd.h>

#define THREAD_FLAGS                                                     \
	(LX_CLONE_VM | LX_CLONE_FS | LX_CLONE_FILES | LX_CLONE_SIGHAND | \
	    LX_CLONE_THREAD)

static _Atomic(int) thread_tid;   /* of the thread that runs */
static _Atomic(bool) thread_ends; /* it may end */
static _Atomic(bool) sleeper_runs;
static _Atomic(bool) all_end; /* every program may end */

static int
setup(void **state)
{
	atomic_store(&thread_tid, 0);
	atomic_store(&thread_ends, false);
	atomic_store(&sleeper_runs, false);
	atomic_store(&all_end, false);
	return (fx_setup_booted(state));
}

static void
prog_sleeper(struct user *u)
{
	U_BEGIN
	atomic_store(&sleeper_runs, true);
	while (!atomic_load(&all_end))
		U_PAUSE();
	U_EXIT(0);
	U_END;
}

/* Starts a thread, which publishes its number and waits for thread_ends. */
static void
prog_threaded(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_clone, THREAD_FLAGS, 0, 0, 0, 0);
	U_CHECK(U_RET >= 0, U_RET);
	if (U_RET == 0) {
		U_SYS(SYS_gettid);
		atomic_store(&thread_tid, (int)U_RET);
		while (!atomic_load(&thread_ends))
			U_PAUSE();
		U_SYS(SYS_exit, 0);
	}
	while (!atomic_load(&all_end))
		U_PAUSE();
	U_EXIT(0);
	U_END;
}

/* The thread execs a program, and takes the number of the process. */
static void
prog_thread_execs(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_clone, THREAD_FLAGS, 0, 0, 0, 0);
	U_CHECK(U_RET >= 0, U_RET);
	if (U_RET == 0) {
		U_SYS(SYS_gettid);
		atomic_store(&thread_tid, (int)U_RET);
		U_SYS(SYS_execve, u_str(u, 0, "/bin/p0"), 0, 0);
		U_CHECK(false, U_RET);
	}
	while (!atomic_load(&all_end))
		U_PAUSE();
	U_EXIT(0);
	U_END;
}

static void
wait_until(_Atomic(bool) *what)
{
	for (int i = 0; i < 100000 && !atomic_load(what); i++)
		usleep(100);
	assert_true(atomic_load(what));
}

static int
wait_tid(void)
{
	for (int i = 0; i < 100000 && atomic_load(&thread_tid) == 0; i++)
		usleep(100);
	assert_int_not_equal(atomic_load(&thread_tid), 0);
	return (atomic_load(&thread_tid));
}

/* The pid of the process that `tid` names; 0: none. */
static int
pid_of(int tid)
{
	struct proc *p = proc_find_tid_hold(fx.k, tid);
	int pid = p != NULL ? p->pid : 0;

	if (p != NULL)
		proc_drop(p);
	return (pid);
}

static void
wait_unused(int tid)
{
	for (int i = 0; i < 100000 && pid_of(tid) != 0; i++)
		usleep(100);
	assert_int_equal(pid_of(tid), 0);
}

static void
finish(int pid)
{
	int status;

	atomic_store(&all_end, true);
	assert_int_equal(vkernel_wait(fx.k, pid, &status), 0);
	assert_int_equal(status, 0);
}

static void
test_tid_names_process(void **state)
{
	int pid, tid;

	fx.prog[0] = prog_threaded;
	pid = fx_spawn(&fx, 0);
	tid = wait_tid();
	assert_int_not_equal(tid, pid);
	assert_int_equal(pid_of(tid), pid);
	assert_int_equal(pid_of(pid), pid);
	assert_int_equal(pid_of(tid + 1), 0);
	assert_null(proc_find_hold(fx.k, tid)); /* no process's number */
	atomic_store(&thread_ends, true);
	wait_unused(tid);
	assert_int_equal(pid_of(pid), pid);
	finish(pid);
	assert_int_equal(pid_of(pid), 0);
}

static void
test_tid_ends_at_exec(void **state)
{
	int pid, tid;

	fx.prog[0] = prog_sleeper;
	fx.prog[1] = prog_thread_execs;
	pid = fx_spawn(&fx, 1);
	tid = wait_tid();
	wait_until(&sleeper_runs);
	assert_int_equal(pid_of(tid), 0);
	assert_int_equal(pid_of(pid), pid);
	finish(pid);
}

static _Atomic(int) found_pid;

static void *
finder(void *tid)
{
	atomic_store(&found_pid, pid_of(*(int *)tid));
	return (NULL);
}

/* A look-up takes no lock of a process: it ends while another thread holds
 * the lock of a process that it does not look for. */
static void
test_tid_lookup_takes_no_proc_lock(void **state)
{
	struct proc *other;
	int a, b, tid;
	pthread_t t;

	fx.prog[0] = prog_sleeper;
	fx.prog[1] = prog_threaded;
	b = fx_spawn(&fx, 1);
	tid = wait_tid();
	a = fx_spawn(&fx, 0);
	wait_until(&sleeper_runs);
	other = proc_find_hold(fx.k, a);
	assert_non_null(other);
	kmutex_lock(&other->lock);
	atomic_store(&found_pid, 0);
	assert_int_equal(pthread_create(&t, NULL, finder, &tid), 0);
	for (int i = 0; i < 20000 && atomic_load(&found_pid) == 0; i++)
		usleep(100);
	a = atomic_load(&found_pid);
	kmutex_unlock(&other->lock);
	pthread_join(t, NULL);
	assert_int_equal(a, b);
	atomic_store(&thread_ends, true);
	a = other->pid;
	proc_drop(other);
	finish(a);
	finish(b);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fx_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_tid_names_process),
	    T(test_tid_ends_at_exec),
	    T(test_tid_lookup_takes_no_proc_lock),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
