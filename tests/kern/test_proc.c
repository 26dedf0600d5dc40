/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The life of processes on the scripted machine: fork, exit, wait, signals,
 * threads, groups, orphans. Every test ends with the destruction of the kernel,
 * which must give everything back.
 */
#include "fixture.h"

#include "abi/futex.h"
#include "abi/sched.h"
#include "abi/signal.h"
#include "abi/wait.h"
#include "libk/kassert.h"
#include "kern/base/proc.h"
#include "kern/base/sigpending.h"
#include "kern/time/ktime.h"

/* ---- exit ---- */

static void
prog_exit42(struct user *u)
{
	U_BEGIN
	U_EXIT(42);
	U_END;
}

static void
test_exit(void **state)
{
	int status;

	fx.prog[0] = prog_exit42;
	assert_int_equal(fx_run(&fx, 0), WEXIT(42));
	assert_int_equal(vkernel_wait(fx.k, 1, &status), ECHILD);
	vkernel_wait_all(fx.k);
}

/* ---- fork and wait: rbx counts, r12 is the child ---- */

static void
prog_forks(struct user *u)
{
	U_BEGIN
	for (u->tf->rbx = 0; u->tf->rbx < 20; u->tf->rbx++) {
		U_SYS(SYS_fork);
		U_CHECK(U_RET >= 0, U_RET);
		if (U_RET == 0) {
			U_SYS(SYS_getppid);
			U_CHECK(U_RET > 0, U_RET);
			U_EXIT(u->tf->rbx + 1);
		}
		u->tf->r12 = u->tf->rax;
		U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 0));
		U_CHECK(U_RET == (int64_t)u->tf->r12, U_RET);
		U_CHECK(u_get32(u, u_buf(u, 0)) == WEXIT((int)u->tf->rbx + 1),
		    u_get32(u, u_buf(u, 0)));
	}
	U_SYS(SYS_wait4, (uint64_t)-1, 0);
	U_CHECK(U_RET == -ECHILD, U_RET);
	U_EXIT(0);
	U_END;
}

static void
test_fork_wait(void **state)
{
	fx.prog[0] = prog_forks;
	assert_int_equal(fx_run(&fx, 0), 0);
}

/* The child of a fork has its own memory. */
static void
prog_cow(struct user *u)
{
	U_BEGIN
	u_put64(u, u_buf(u, 2), 1);
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		u_put64(u, u_buf(u, 2), 2);
		U_EXIT(u_get64(u, u_buf(u, 2)));
	}
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	U_CHECK(u_get32(u, u_buf(u, 0)) == WEXIT(2), 0);
	U_CHECK(u_get64(u, u_buf(u, 2)) == 1, u_get64(u, u_buf(u, 2)));
	U_EXIT(0);
	U_END;
}

static void
test_cow(void **state)
{
	fx.prog[0] = prog_cow;
	assert_int_equal(fx_run(&fx, 0), 0);
}

/* ---- a zombie owns no memory, files or directories ---- */

static void
check_zombie(struct user *u, int pid)
{
	struct proc *p = proc_find_hold(u->l->p->k, pid);
	struct vkernel_stat st;

	U_CHECK(p != NULL, 0);
	U_CHECK(p->state == PROC_ZOMBIE, p->state);
	U_CHECK(p->vmspace == NULL && p->fdt == NULL && p->fs == NULL &&
		    p->textvp == NULL && LIST_EMPTY(&p->lwps),
	    0);
	U_CHECK(p->ru.maxrss > 0, 0);
	U_CHECK(proc_vmspace_hold(p) == NULL && proc_textvp_ref(p) == NULL, 0);
	proc_drop(p);
	vkernel_stat(u->l->p->k, &st);
	U_CHECK(st.vmspaces == 1, st.vmspaces);
}

static void
prog_zombie(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		u_put64(u, u_buf(u, 2), 1);
		U_EXIT(3);
	}
	u->tf->r12 = u->tf->rax;
	/* waitid(P_PID, .., WEXITED | WNOWAIT) leaves the zombie. */
	U_SYS(SYS_waitid, 1, u->tf->r12, 0, 0x01000004, 0);
	U_CHECK(U_RET == 0, U_RET);
	check_zombie(u, (int)u->tf->r12);
	U_SYS(SYS_kill, u->tf->r12, LX_SIGTERM);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 0));
	U_CHECK(U_RET == (int64_t)u->tf->r12, U_RET);
	U_CHECK(u_get32(u, u_buf(u, 0)) == WEXIT(3), 0);
	U_EXIT(0);
	U_END;
}

static void
test_zombie(void **state)
{
	fx.prog[0] = prog_zombie;
	assert_int_equal(fx_run(&fx, 0), 0);
}

/* ---- signals ---- */

static void
prog_kill_child(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		U_SYS(SYS_pause);
		U_EXIT(1);
	}
	u->tf->r12 = u->tf->rax;
	U_SYS(SYS_kill, u->tf->r12, LX_SIGTERM);
	U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 0));
	U_CHECK(u_get32(u, u_buf(u, 0)) == LX_SIGTERM, 0);
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		for (;;)
			U_PAUSE();
	}
	u->tf->r12 = u->tf->rax;
	U_SYS(SYS_kill, u->tf->r12, LX_SIGKILL);
	U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 0));
	U_CHECK(u_get32(u, u_buf(u, 0)) == LX_SIGKILL, 0);
	U_EXIT(0);
	U_END;
}

static void
test_kill(void **state)
{
	fx.prog[0] = prog_kill_child;
	assert_int_equal(fx_run(&fx, 0), 0);
}

static _Atomic(int) handled;

static void
handler_count(struct user *u)
{
	U_BEGIN
	atomic_fetch_add(&handled, 1);
	U_CHECK(u->tf->rdi == LX_SIGUSR1, u->tf->rdi);
	u->tf->rsp += 8; /* `ret` to the restorer */
	U_SYS(SYS_rt_sigreturn);
	U_END;
}

static void
prog_handler(struct user *u)
{
	U_BEGIN
	u_put64(u, u_buf(u, 1), (u->tf->rip & ~PAGE_MASK) + FX_HANDLER);
	u_put64(u, u_buf(u, 1) + 8, LX_SA_RESTORER | LX_SA_RESTART);
	u_put64(u, u_buf(u, 1) + 16, u->tf->rip);
	u_put64(u, u_buf(u, 1) + 24, 0);
	U_SYS(SYS_rt_sigaction, LX_SIGUSR1, u_buf(u, 1), 0, 8);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_getpid);
	u->tf->rbx = u->tf->rax;
	U_SYS(SYS_kill, u->tf->rbx, LX_SIGUSR1);
	U_CHECK(U_RET == 0, U_RET);
	U_CHECK(atomic_load(&handled) == 1, atomic_load(&handled));
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		U_PAUSE();
		U_PAUSE();
		U_SYS(SYS_kill, u->tf->rbx, LX_SIGUSR1);
		U_PAUSE();
		U_PAUSE();
		U_EXIT(5);
	}
	/* The handler runs, and wait4 goes on (SA_RESTART). */
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	U_CHECK(U_RET > 0, U_RET);
	U_CHECK(u_get32(u, u_buf(u, 0)) == WEXIT(5), 0);
	U_CHECK(atomic_load(&handled) == 2, atomic_load(&handled));
	U_EXIT(0);
	U_END;
}

static void
test_handler(void **state)
{
	atomic_store(&handled, 0);
	fx.prog[0] = prog_handler;
	fx.handler[0] = handler_count;
	assert_int_equal(fx_run(&fx, 0), 0);
}

static void
prog_segv(struct user *u)
{
	U_BEGIN
	U_FAULT(0x1000, VM_PROT_READ);
	U_EXIT(1);
	U_END;
}

static void
prog_rip(struct user *u)
{
	U_BEGIN
	u->tf->rip = UINT64_C(0xffff800000000000);
	u->ev->type = CPU_EV_INTERRUPT;
	return;
	U_END;
}

static void
test_faults(void **state)
{
	fx.prog[0] = prog_segv;
	fx.prog[1] = prog_rip;
	assert_int_equal(fx_run(&fx, 0) & 0x7f, LX_SIGSEGV);
	assert_int_equal(fx_run(&fx, 1) & 0x7f, LX_SIGSEGV);
}

static void
prog_stop(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		for (;;)
			U_PAUSE();
	}
	u->tf->r12 = u->tf->rax;
	U_SYS(SYS_kill, u->tf->r12, LX_SIGSTOP);
	U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 0), LX_WUNTRACED);
	U_CHECK(U_RET == (int64_t)u->tf->r12, U_RET);
	U_CHECK(u_get32(u, u_buf(u, 0)) == (0x7f | LX_SIGSTOP << 8), 0);
	U_SYS(SYS_wait4, u->tf->r12, 0, LX_WUNTRACED | LX_WNOHANG);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_kill, u->tf->r12, LX_SIGCONT);
	U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 0), LX_WCONTINUED);
	U_CHECK(U_RET == (int64_t)u->tf->r12, U_RET);
	U_CHECK(u_get32(u, u_buf(u, 0)) == 0xffff, 0);
	U_SYS(SYS_kill, u->tf->r12, LX_SIGSTOP);
	U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 0), LX_WUNTRACED);
	U_SYS(SYS_kill, u->tf->r12, LX_SIGKILL);
	U_SYS(SYS_wait4, u->tf->r12, u_buf(u, 0), LX_WUNTRACED);
	U_CHECK(u_get32(u, u_buf(u, 0)) == LX_SIGKILL, 0);
	U_EXIT(0);
	U_END;
}

static void
test_stop(void **state)
{
	fx.prog[0] = prog_stop;
	assert_int_equal(fx_run(&fx, 0), 0);
}

static void
prog_ignore_chld(struct user *u)
{
	U_BEGIN
	u_put64(u, u_buf(u, 1), LX_SIG_IGN);
	u_put64(u, u_buf(u, 1) + 8, 0);
	u_put64(u, u_buf(u, 1) + 16, 0);
	u_put64(u, u_buf(u, 1) + 24, 0);
	U_SYS(SYS_rt_sigaction, LX_SIGCHLD, u_buf(u, 1), 0, 8);
	for (u->tf->rbx = 0; u->tf->rbx < 5; u->tf->rbx++) {
		U_SYS(SYS_fork);
		if (U_RET == 0)
			U_EXIT(1);
	}
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	U_CHECK(U_RET == -ECHILD, U_RET);
	U_EXIT(0);
	U_END;
}

static void
test_autoreap(void **state)
{
	fx.prog[0] = prog_ignore_chld;
	assert_int_equal(fx_run(&fx, 0), 0);
	assert_int_equal(fx.k->nprocs, 0);
}

static void
prog_alarm(struct user *u)
{
	U_BEGIN
	memset(u->l->p->comm, 'a', 4);
	KVERIFY(proc_set_alarm(
		    u->l->p, host_now_ns() + 5000000, 0, NULL, NULL) == 0);
	U_SYS(SYS_pause);
	U_EXIT(1);
	U_END;
}

static void
test_alarm(void **state)
{
	fx.prog[0] = prog_alarm;
	assert_int_equal(fx_run(&fx, 0), LX_SIGALRM);
}

/* ---- orphans ---- */

static _Atomic(bool) release_daemon;

static void
prog_orphan(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		U_SYS(SYS_fork);
		if (U_RET != 0)
			U_EXIT(10);
		do {
			U_PAUSE();
			U_SYS(SYS_getppid);
		} while (U_RET != 1);
		U_EXIT(11);
	}
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	U_CHECK(u_get32(u, u_buf(u, 0)) == WEXIT(10), 0);
	/* The orphan is not a child of this process: the kernel reaps it. */
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	U_CHECK((int64_t)U_RET == -ECHILD, U_RET);
	U_EXIT(0);
	U_END;
}

static void
prog_daemon(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		while (!atomic_load(&release_daemon))
			U_PAUSE();
		U_SYS(SYS_getppid);
		U_CHECK(U_RET == 1, U_RET);
		U_EXIT(0);
	}
	U_EXIT(7);
	U_END;
}

static void
test_orphans(void **state)
{
	fx.prog[0] = prog_orphan;
	assert_int_equal(fx_run(&fx, 0), 0);
}

static void
test_daemon(void **state)
{
	struct vkernel_stat st;

	atomic_store(&release_daemon, false);
	fx.prog[0] = prog_daemon;
	assert_int_equal(fx_run(&fx, 0), WEXIT(7));
	vkernel_stat(fx.k, &st);
	assert_int_equal(st.procs_live, 1);
	atomic_store(&release_daemon, true);
	vkernel_wait_all(fx.k);
	kmutex_lock(&fx.k->proctree);
	assert_int_equal(fx.k->nprocs, 0);
	kmutex_unlock(&fx.k->proctree);
}

/* The kernel is destroyed while a tree of processes sleeps and spins. */
static void
prog_tree(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_fork);
	U_SYS(SYS_fork);
	U_SYS(SYS_fork);
	U_SYS(SYS_getpid);
	if ((U_RET & 1) != 0)
		U_SYS(SYS_pause);
	if ((U_RET & 2) != 0)
		U_SYS(SYS_wait4, (uint64_t)-1, 0);
	for (;;)
		U_PAUSE();
	U_END;
}

static void
test_destroy_running(void **state)
{
	fx.prog[0] = prog_tree;
	(void)fx_spawn(&fx, 0);
	(void)fx_spawn(&fx, 0);
	host_sleep_ns(20000000);
}

/* ---- vfork ---- */

static _Atomic(int) vfork_step;

static void
prog_vfork(struct user *u)
{
	U_BEGIN
	atomic_store(&vfork_step, 0);
	U_SYS(SYS_vfork);
	if (U_RET == 0) {
		U_PAUSE();
		u_put64(u, u_buf(u, 2), 77);
		atomic_store(&vfork_step, 1);
		U_EXIT(6);
	}
	U_CHECK(U_RET > 0, U_RET);
	U_CHECK(atomic_load(&vfork_step) == 1, 0);
	U_CHECK(u_get64(u, u_buf(u, 2)) == 77, 0);
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	U_CHECK(u_get32(u, u_buf(u, 0)) == WEXIT(6), 0);
	U_SYS(SYS_vfork);
	if (U_RET == 0) {
		atomic_store(&vfork_step, 2);
		U_SYS(SYS_execve, u_str(u, 3, "/bin/p1"), 0, 0);
		U_EXIT(99);
	}
	U_CHECK(atomic_load(&vfork_step) == 2, 0);
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	U_CHECK(u_get32(u, u_buf(u, 0)) == WEXIT(42), 0);
	U_EXIT(0);
	U_END;
}

static void
test_vfork(void **state)
{
	fx.prog[0] = prog_vfork;
	fx.prog[1] = prog_exit42;
	assert_int_equal(fx_run(&fx, 0), 0);
}

/* The child of a vfork with CLONE_PARENT is a sibling of its creator, and
 * ends the wait of the creator. */
static void
prog_vfork_sibling(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		U_SYS(SYS_clone, LX_CLONE_VM | LX_CLONE_VFORK | LX_CLONE_PARENT,
		    0, 0, 0, 0);
		if (U_RET == 0) {
			U_PAUSE();
			U_EXIT(2);
		}
		U_EXIT(3);
	}
	U_SYS(SYS_wait4, u->tf->rax, u_buf(u, 0));
	U_CHECK(u_get32(u, u_buf(u, 0)) == WEXIT(3), 0);
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	U_CHECK(u_get32(u, u_buf(u, 0)) == WEXIT(2), 0);
	U_EXIT(0);
	U_END;
}

static void
test_vfork_sibling(void **state)
{
	fx.prog[0] = prog_vfork_sibling;
	assert_int_equal(fx_run(&fx, 0), 0);
}

/* A parent in vfork can be killed while its child goes on. */
static void
prog_vfork_kill(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		U_SYS(SYS_vfork);
		if (U_RET == 0) {
			U_SYS(SYS_getppid);
			U_SYS(SYS_kill, u->tf->rax, LX_SIGKILL);
			do {
				U_PAUSE();
				U_SYS(SYS_getppid);
			} while (U_RET != 1);
			U_EXIT(4);
		}
		U_EXIT(9);
	}
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	U_CHECK(u_get32(u, u_buf(u, 0)) == LX_SIGKILL, u_get32(u, u_buf(u, 0)));
	/* The child is an orphan then, and the kernel reaps it. */
	U_SYS(SYS_wait4, (uint64_t)-1, u_buf(u, 0));
	U_CHECK((int64_t)U_RET == -ECHILD, U_RET);
	U_EXIT(0);
	U_END;
}

static void
test_vfork_kill(void **state)
{
	fx.prog[0] = prog_vfork_kill;
	assert_int_equal(fx_run(&fx, 0), 0);
}

/* ---- threads ---- */

#define THREAD_FLAGS                                                     \
	(LX_CLONE_VM | LX_CLONE_FS | LX_CLONE_FILES | LX_CLONE_SIGHAND | \
	    LX_CLONE_THREAD | LX_CLONE_PARENT_SETTID |                   \
	    LX_CLONE_CHILD_CLEARTID)

static int
count_lwps(struct proc *p)
{
	int n;

	kmutex_lock(&p->lock);
	n = p->nlwps;
	kmutex_unlock(&p->lock);
	return (n);
}

static void
prog_threads(struct user *u)
{
	U_BEGIN
	for (u->tf->rbx = 0; u->tf->rbx < 4; u->tf->rbx++) {
		u_put64(u, u_buf(u, 1) + u->tf->rbx * 8, 1);
		U_SYS(SYS_clone, THREAD_FLAGS, u->tf->rsp,
		    u_buf(u, 1) + u->tf->rbx * 8, u_buf(u, 1) + u->tf->rbx * 8,
		    0);
		U_CHECK(U_RET >= 0, U_RET);
		if (U_RET == 0) {
			U_SYS(SYS_getpid);
			U_CHECK(U_RET == 1, U_RET);
			U_SYS(SYS_gettid);
			U_CHECK(U_RET > 1, U_RET);
			U_SYS(SYS_exit, 1);
		}
	}
	/* Join all: clear_tid becomes 0.  Each is read once: a wait for the
	 * value 0 would never end. */
	for (u->tf->rbx = 0; u->tf->rbx < 4; u->tf->rbx++) {
		for (;;) {
			u->tf->r12 =
			    (uint64_t)u_get32(u, u_buf(u, 1) + u->tf->rbx * 8);
			if (u->tf->r12 == 0)
				break;
			U_SYS(SYS_futex, u_buf(u, 1) + u->tf->rbx * 8,
			    LX_FUTEX_WAIT, u->tf->r12, 0);
		}
	}
	while (count_lwps(u->l->p) > 1)
		U_PAUSE();
	U_EXIT(12);
	U_END;
}

static void
test_threads(void **state)
{
	fx.prog[0] = prog_threads;
	assert_int_equal(fx_run(&fx, 0), WEXIT(12));
}

/* exit_group by one thread ends threads that sleep and that spin. */
static void
prog_group(struct user *u)
{
	U_BEGIN
	for (u->tf->rbx = 0; u->tf->rbx < 6; u->tf->rbx++) {
		U_SYS(SYS_clone, THREAD_FLAGS & ~(uint64_t)0x300000, u->tf->rsp,
		    0, 0, 0);
		if (U_RET == 0)
			break;
	}
	if (u->tf->rbx == 6) {
		U_PAUSE();
		U_PAUSE();
		U_EXIT(21);
	}
	if (u->tf->rbx % 2 == 0)
		U_SYS(SYS_pause);
	for (;;)
		U_PAUSE();
	U_END;
}

/* exec by a thread that is not the first. */
static void
prog_thread_exec(struct user *u)
{
	U_BEGIN
	for (u->tf->rbx = 0; u->tf->rbx < 3; u->tf->rbx++) {
		U_SYS(SYS_clone, THREAD_FLAGS & ~(uint64_t)0x300000, u->tf->rsp,
		    0, 0, 0);
		if (U_RET == 0)
			break;
	}
	if (u->tf->rbx == 1)
		U_SYS(SYS_execve, u_str(u, 3, "/bin/p2"), 0, 0);
	if (u->tf->rbx == 2)
		U_SYS(SYS_pause);
	for (;;)
		U_PAUSE();
	U_END;
}

static void
prog_tid_is_pid(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_gettid);
	u->tf->rbx = u->tf->rax;
	U_SYS(SYS_getpid);
	U_CHECK(U_RET == (int64_t)u->tf->rbx, u->tf->rbx);
	U_CHECK(count_lwps(u->l->p) == 1, 0);
	U_EXIT(31);
	U_END;
}

static void
test_group_exit(void **state)
{
	fx.prog[0] = prog_group;
	fx.prog[1] = prog_thread_exec;
	fx.prog[2] = prog_tid_is_pid;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(fx_run(&fx, 0), WEXIT(21));
		assert_int_equal(fx_run(&fx, 1), WEXIT(31));
	}
}

/* ---- groups and sessions ---- */

static void
prog_groups(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_setsid);
	U_CHECK(U_RET == -EPERM, U_RET);
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		U_SYS(SYS_setpgid, 0, 0);
		U_CHECK(U_RET == 0, U_RET);
		for (;;)
			U_SYS(SYS_pause);
	}
	u->tf->r12 = u->tf->rax;
	U_SYS(SYS_setpgid, u->tf->r12, u->tf->r12);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		U_SYS(SYS_setsid);
		U_CHECK(U_RET > 0, U_RET);
		U_SYS(SYS_getpgid, 0);
		u->tf->rbx = u->tf->rax;
		U_SYS(SYS_getpid);
		U_CHECK(U_RET == (int64_t)u->tf->rbx, U_RET);
		U_EXIT(0);
	}
	u->tf->r13 = u->tf->rax;
	U_SYS(SYS_wait4, u->tf->r13, u_buf(u, 0));
	U_CHECK(u_get32(u, u_buf(u, 0)) == 0, 0);
	U_SYS(SYS_kill, -u->tf->r12, LX_SIGUSR2);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_wait4, -u->tf->r12, u_buf(u, 0));
	U_CHECK(U_RET == (int64_t)u->tf->r12, U_RET);
	U_CHECK(u_get32(u, u_buf(u, 0)) == LX_SIGUSR2, 0);
	U_SYS(SYS_wait4, 0, 0);
	U_CHECK(U_RET == -ECHILD, U_RET);
	U_EXIT(0);
	U_END;
}

static void
test_groups(void **state)
{
	fx.prog[0] = prog_groups;
	assert_int_equal(fx_run(&fx, 0), 0);
	assert_int_equal(vkernel_kill(fx.k, 12345, 9), ESRCH);
	assert_int_equal(vkernel_kill(fx.k, 0, 2), ESRCH);
	assert_int_equal(vkernel_kill(fx.k, 1, 65), EINVAL);
}

/* Two kernels side by side do not affect each other. */
static void
test_two_kernels(void **state)
{
	struct fixture other;
	int fds;

	fx.prog[0] = prog_forks;
	assert_int_equal(fx_run(&fx, 0), 0);
	fds = host_count_fds();
	fx_init(&other);
	fx_boot(&other);
	other.prog[0] = prog_forks;
	(void)fx_spawn(&fx, 0);
	assert_int_equal(fx_run(&other, 0), 0);
	vkernel_wait_all(fx.k);
	fx_shutdown(&other);
	fx_done(&other);
	assert_int_equal(host_count_fds(), fds);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FX_TEST_BOOTED(test_exit),
	    FX_TEST_BOOTED(test_fork_wait),
	    FX_TEST_BOOTED(test_cow),
	    FX_TEST_BOOTED(test_zombie),
	    FX_TEST_BOOTED(test_kill),
	    FX_TEST_BOOTED(test_handler),
	    FX_TEST_BOOTED(test_faults),
	    FX_TEST_BOOTED(test_stop),
	    FX_TEST_BOOTED(test_autoreap),
	    FX_TEST_BOOTED(test_alarm),
	    FX_TEST_BOOTED(test_orphans),
	    FX_TEST_BOOTED(test_daemon),
	    FX_TEST_BOOTED(test_destroy_running),
	    FX_TEST_BOOTED(test_vfork),
	    FX_TEST_BOOTED(test_vfork_kill),
	    FX_TEST_BOOTED(test_vfork_sibling),
	    FX_TEST_BOOTED(test_threads),
	    FX_TEST_BOOTED(test_group_exit),
	    FX_TEST_BOOTED(test_groups),
	    FX_TEST_BOOTED(test_two_kernels),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
