/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls: the table, decoding, traces, signal frames, futexes, poll and
 * epoll. Their effect on real programs is tested by tests/guest.
 */
#include "fixture.h"

#include <fcntl.h>

#include "abi/futex.h"
#include "abi/mman.h"
#include "abi/poll.h"
#include "abi/sched.h"
#include "abi/sigframe.h"
#include "abi/signal.h"
#include "linux/lib/sys_int.h"
#include "linux/mem/sys_mem.h"
#include "testrand.h"

/* ---- pure functions ---- */

static void
test_ktime(void **state)
{
	const uint64_t max = KTIME_MAX;
	uint64_t n;

	assert_int_equal(ktime_add(1, 2), 3);
	assert_int_equal(ktime_add(max - 1, 1), max);
	assert_int_equal(ktime_add(max, max), max);
	assert_int_equal(ktime_add(2, max - 1), max);
	assert_int_equal(ktime_forward(10, 3, 9, &n), 10);
	assert_int_equal(n, 0);
	assert_int_equal(ktime_forward(10, 3, 10, &n), 13);
	assert_int_equal(n, 1);
	assert_int_equal(ktime_forward(10, 3, 16, &n), 19);
	assert_int_equal(n, 3);
	assert_int_equal(ktime_forward(10, max, 11, &n), max);
	assert_int_equal(n, 1);
	assert_int_equal(ktime_forward(0, 1, max, &n), max);
	assert_true(n == max + 1);
}

static void
test_table(void **state)
{
	assert_true(syscall_table_n > 450);
	assert_string_equal(syscall_table[SYS_read].name, "read");
	assert_string_equal(syscall_table[SYS_exit_group].name, "exit_group");
	assert_string_equal(syscall_table[SYS_openat2].name, "openat2");
	assert_null(syscall_table[SYS_io_uring_setup].fn);
	for (unsigned i = 0; i < syscall_table_n; i++) {
		unsigned commas = 0;

		if (syscall_table[i].name == NULL) {
			assert_null(syscall_table[i].fn);
			continue;
		}
		for (const char *c = syscall_table[i].kinds; *c != '\0'; c++)
			commas += *c == ',';
		assert_true(commas < 6);
		for (unsigned j = 0; j < i; j++)
			if (syscall_table[j].name != NULL)
				assert_string_not_equal(syscall_table[i].name,
				    syscall_table[j].name);
	}
}

static void
test_siginfo(void **state)
{
	const struct ksiginfo in[] = {
	    {.signo = LX_SIGUSR1, .code = LX_SI_USER, .pid = 7, .uid = 9},
	    {.signo = 40,
		.code = LX_SI_QUEUE,
		.pid = 7,
		.uid = 9,
		.value = UINT64_C(0x123456789abcdef0)},
	    {.signo = LX_SIGCHLD,
		.code = LX_CLD_KILLED,
		.pid = 3,
		.uid = 4,
		.status = 9,
		.utime = 11,
		.stime = 12},
	    {.signo = LX_SIGSEGV,
		.code = LX_SEGV_ACCERR,
		.addr = UINT64_C(0x7fff00001234)},
	    {.signo = LX_SIGALRM,
		.code = LX_SI_TIMER,
		.pid = 2,
		.status = 5,
		.value = 77},
	    {.signo = LX_SIGSYS, .code = 1, .addr = 4096, .status = 300},
	};
	struct lx_siginfo si;
	struct ksiginfo out;
	uint8_t abi[128], again[128];

	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		ksiginfo_encode(&in[i], abi);
		assert_int_equal(ksiginfo_decode(abi, &out), 0);
		ksiginfo_encode(&out, again);
		assert_memory_equal(abi, again, sizeof(abi));
		assert_true(out.pid == in[i].pid && out.uid == in[i].uid);
		assert_true(out.addr == in[i].addr && out.value == in[i].value);
		assert_int_equal(out.status, in[i].status);
		memcpy(&si, abi, sizeof(si));
		assert_int_equal(si.signo, in[i].signo);
		assert_int_equal(si.code, in[i].code);
	}
	memset(abi, 0xff, sizeof(abi));
	assert_int_equal(ksiginfo_decode(abi, &out), EINVAL);
}

static void
test_mmap_decode(void **state)
{
	const struct {
		uint64_t addr, len, flags, off;
		int error, vmm;
	} t[] = {
	    {0, 1, LX_MAP_PRIVATE | LX_MAP_ANONYMOUS, 0, 0, 0},
	    {0, 0, LX_MAP_PRIVATE, 0, EINVAL, 0},
	    {0, 1, 0, 0, EINVAL, 0},
	    {0, 1, 4, 0, EINVAL, 0},
	    {0, 1, LX_MAP_SHARED, 100, EINVAL, 0},
	    {0, 1, LX_MAP_SHARED, UINT64_MAX & ~PAGE_MASK, EOVERFLOW, 0},
	    {0, UINT64_MAX, LX_MAP_SHARED, 0, ENOMEM, 0},
	    {1, 1, LX_MAP_PRIVATE, 0, 0, 0},
	    {1, 1, LX_MAP_PRIVATE | LX_MAP_FIXED, 0, EINVAL, 0},
	    {4096, 1, LX_MAP_PRIVATE | LX_MAP_FIXED, 0, 0, VMM_FIXED},
	    {4096, 1, LX_MAP_SHARED | LX_MAP_FIXED_NOREPLACE | LX_MAP_FIXED, 0,
		0, VMM_SHARED | VMM_NOREPLACE},
	    {0, 1, LX_MAP_SHARED_VALIDATE | LX_MAP_SYNC, 0, EOPNOTSUPP, 0},
	    {0, 1, LX_MAP_SHARED | LX_MAP_SYNC, 0, 0, VMM_SHARED},
	    {0, 1, LX_MAP_SHARED | LX_MAP_GROWSDOWN, 0, EINVAL, 0},
	    {0, 1, LX_MAP_PRIVATE | LX_MAP_GROWSDOWN | LX_MAP_STACK, 0, 0,
		VMM_GROWSDOWN},
	    {0, 1, LX_MAP_PRIVATE | LX_MAP_LOCKED | LX_MAP_NORESERVE, 0, 0,
		VMM_LOCKED | VMM_POPULATE | VMM_NORESERVE},
	    {0, 1, LX_MAP_PRIVATE | LX_MAP_HUGETLB, 0, ENOMEM, 0},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int vmm = 0;

		assert_int_equal(sys_mmap_decode(t[i].addr, t[i].len,
				     t[i].flags, t[i].off, &vmm),
		    t[i].error);
		assert_int_equal(vmm, t[i].vmm);
	}
	assert_int_equal(sys_prot_decode(0), VM_PROT_NONE);
	assert_int_equal(sys_prot_decode(LX_PROT_WRITE), VM_PROT_WRITE);
	assert_int_equal(sys_prot_decode(LX_PROT_EXEC), VM_PROT_EXECUTE);
}

/* ---- trace ---- */

static void
prog_trace(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_openat, (uint64_t)-100, u_str(u, 0, "/no \"x\n"), O_CLOEXEC);
	U_CHECK(U_RET == -ENOENT, U_RET);
	U_SYS(SYS_close, (uint64_t)-1);
	U_SYS(451, 1, 2, 3);
	U_SYS(9999, 1, 2, 3);
	U_CHECK(U_RET == -ENOSYS, U_RET);
	U_EXIT(3);
	U_END;
}

static void
test_trace(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	fx.logword = "is missing";
	fx.prog[0] = prog_trace;
	fx.k->strace = f;
	assert_int_equal(fx_run(&fx, 0), WEXIT(3));
	vkernel_wait_all(fx.k);
	fx.k->strace = NULL;
	fclose(f);
	assert_non_null(
	    strstr(text, "] openat(AT_FDCWD, \"/no \\\"x\\n\", 0x80000, 0"));
	assert_non_null(
	    strstr(text, ") = -1 ENOENT (No such file or directory)\n"));
	assert_non_null(
	    strstr(text, "] close(-1) = -1 EBADF (Bad file descriptor)\n"));
	assert_non_null(strstr(text, "] cachestat() = -1 ENOSYS "));
	assert_non_null(strstr(text, "] syscall_9999(0x1, 0x2, 0x3) = -1 "));
	assert_non_null(strstr(text, "] exit_group(3) = ?\n"));
	free(text);
	assert_int_equal(atomic_load(&fx.logged), 2);
	/* The same missing call of the same program is not logged again. */
	assert_int_equal(fx_run(&fx, 0), WEXIT(3));
	assert_int_equal(atomic_load(&fx.logged), 2);
	assert_int_equal(atomic_load(&fx.k->sc_count[451].enosys), 2);
}

/* ---- signal frames ---- */

static _Atomic(int) frames;
static _Atomic(uint64_t) hostile_rip;

#define UC_OFF offsetof(struct lx_rt_sigframe, uc)
#define MC(f) (UC_OFF + offsetof(struct lx_ucontext, mc.f))

static void
handler_frame(struct user *u)
{
	uint64_t sp = u->tf->rsp;

	U_BEGIN
	atomic_fetch_add(&frames, 1);
	U_CHECK(sp % 16 == 8, sp);
	U_CHECK(u->tf->rdi == LX_SIGUSR1, u->tf->rdi);
	U_CHECK(u->tf->rdx == sp + UC_OFF, u->tf->rdx);
	U_CHECK(u->tf->rsi == sp + offsetof(struct lx_rt_sigframe, info),
	    u->tf->rsi);
	U_CHECK(u->tf->rax == 0, u->tf->rax);
	U_CHECK(u_get64(u, sp) == 0x1234, u_get64(u, sp));
	U_CHECK((u_get64(u, sp + UC_OFF) & 6) == 6, u_get64(u, sp + UC_OFF));
	U_CHECK(u_get64(u, sp + MC(rbx)) == 0xb0b, u_get64(u, sp + MC(rbx)));
	U_CHECK(u_get64(u, sp + MC(rax)) == 0, u_get64(u, sp + MC(rax)));
	U_CHECK(u_get64(u, sp + MC(fpstate)) % 64 == 0, 0);
	U_CHECK(u_get32(u, u->tf->rsi) == LX_SIGUSR1, u_get32(u, u->tf->rsi));
	/* On the alternate stack. */
	U_CHECK(sp > u_get64(u, sp + UC_OFF + 16) &&
		    sp < u_get64(u, sp + UC_OFF + 16) +
			     u_get64(u, sp + UC_OFF + 32),
	    sp);
	u_put64(u, sp + MC(rbx), 0xcafe);
	u_put64(u, sp + MC(rflags), UINT64_MAX);
	if (atomic_load(&hostile_rip) != 0)
		u_put64(u, sp + MC(rip), atomic_load(&hostile_rip));
	u->tf->rsp += 8; /* the handler's return */
	U_SYS(SYS_rt_sigreturn);
	U_END;
}

static void
prog_frame(struct user *u)
{
	uint64_t sa = u_buf(u, 0), ss = u_buf(u, 1);

	U_BEGIN
	U_SYS(SYS_mmap, 0, 65536, 3, LX_MAP_PRIVATE | LX_MAP_ANONYMOUS,
	    (uint64_t)-1, 0);
	u_put64(u, ss, u->tf->rax);
	u_put64(u, ss + 8, 0);
	u_put64(u, ss + 16, 65536);
	U_SYS(SYS_sigaltstack, ss, 0);
	U_CHECK(U_RET == 0, U_RET);
	u_put64(u, sa, (u->tf->rip & ~PAGE_MASK) + FX_HANDLER);
	u_put64(u, sa + 8, LX_SA_ONSTACK | LX_SA_SIGINFO);
	u_put64(u, sa + 16, 0x1234);
	u_put64(u, sa + 24, 0);
	U_SYS(SYS_rt_sigaction, LX_SIGUSR1, sa, 0, 8);
	U_CHECK(U_RET == 0, U_RET);
	u->tf->rbx = 0xb0b;
	U_SYS(SYS_kill, (uint64_t)u->l->p->pid, LX_SIGUSR1);
	U_CHECK(u->tf->rbx == 0xcafe, u->tf->rbx);
	U_CHECK((u->tf->rflags & ~(TF_RFLAGS_USER | TF_RFLAGS_FIXED)) == 0,
	    u->tf->rflags);
	u_put64(u, sa, 0);
	U_SYS(SYS_rt_sigprocmask, 0, 0, sa, 8);
	U_CHECK(u_get64(u, sa) == 0, u_get64(u, sa));
	/* A frame from which no return is possible. */
	u->tf->rsp = 64;
	U_SYS(SYS_rt_sigreturn);
	U_END;
}

static void
test_frame(void **state)
{
	atomic_store(&frames, 0);
	atomic_store(&hostile_rip, 0);
	fx.prog[0] = prog_frame;
	fx.handler[0] = handler_frame;
	assert_int_equal(fx_run(&fx, 0), LX_SIGSEGV);
	assert_int_equal(atomic_load(&frames), 1);
	atomic_store(&hostile_rip, UINT64_C(1) << 63);
	assert_int_equal(fx_run(&fx, 0), LX_SIGSEGV);
	assert_int_equal(atomic_load(&frames), 2);
}

/* ---- sigtimedwait, real-time queues ---- */

static void
prog_sigwait(struct user *u)
{
	uint64_t set = u_buf(u, 0), ts = u_buf(u, 1), info = u_buf(u, 2);

	U_BEGIN
	u_put64(u, set, KSIGBIT(40) | KSIGBIT(LX_SIGCHLD));
	u_put64(u, ts, 0);
	u_put64(u, ts + 8, 1000000);
	U_SYS(SYS_rt_sigprocmask, LX_SIG_BLOCK, set, 0, 8);
	U_SYS(SYS_rt_sigtimedwait, set, 0, ts, 8);
	U_CHECK(U_RET == -EAGAIN, U_RET);
	for (u->tf->rbx = 0; u->tf->rbx < 3; u->tf->rbx++) {
		u_put64(u, info, 40);
		u_put64(u, info + 8, (uint32_t)LX_SI_QUEUE);
		u_put64(u, info + 24, u->tf->rbx);
		U_SYS(SYS_rt_sigqueueinfo, (uint64_t)u->l->p->pid, 40, info);
		U_CHECK(U_RET == 0, U_RET);
	}
	for (u->tf->rbx = 0; u->tf->rbx < 3; u->tf->rbx++) {
		U_SYS(SYS_rt_sigtimedwait, set, info, 0, 8);
		U_CHECK(U_RET == 40, U_RET);
		U_CHECK(
		    u_get64(u, info + 24) == u->tf->rbx, u_get64(u, info + 24));
	}
	/* A signal that is ignored by default but blocked stays pending, and
	 * ends a wait for it. */
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		U_EXIT(0);
	}
	U_SYS(SYS_rt_sigtimedwait, set, info, 0, 8);
	U_CHECK(U_RET == LX_SIGCHLD, U_RET);
	U_SYS(SYS_wait4, (uint64_t)-1, 0, 0, 0);
	U_EXIT(0);
	U_END;
}

static void
test_sigwait(void **state)
{
	fx.prog[0] = prog_sigwait;
	assert_int_equal(fx_run(&fx, 0), 0);
}

/* ---- futexes ---- */

#define THREAD_FLAGS                                                     \
	(LX_CLONE_VM | LX_CLONE_FS | LX_CLONE_FILES | LX_CLONE_SIGHAND | \
	    LX_CLONE_THREAD | LX_CLONE_CHILD_CLEARTID |                  \
	    LX_CLONE_PARENT_SETTID)

/* Word 0 is waited on; words 4, 8 and 12 hold tids; word 16 is the second
 * word. Three threads wait, one is woken, and two are moved to the second
 * word and woken there. */
static void
prog_futex(struct user *u)
{
	uint64_t w = u_buf(u, 4), ts = u_buf(u, 5);

	U_BEGIN
	u_put64(u, w, 0);
	u_put64(u, w + 8, 0);
	u_put64(u, w + 16, 0);
	u_put64(u, ts, 0);
	u_put64(u, ts + 8, 1000000);
	U_SYS(SYS_futex, w, LX_FUTEX_WAIT, 5, ts);
	U_CHECK(U_RET == -EAGAIN, U_RET);
	U_SYS(SYS_futex, w, LX_FUTEX_WAIT, 0, ts);
	U_CHECK(U_RET == -ETIMEDOUT, U_RET);
	U_SYS(SYS_futex, w + 1, LX_FUTEX_WAIT, 0, ts);
	U_CHECK(U_RET == -EINVAL, U_RET);
	U_SYS(SYS_futex, 64, LX_FUTEX_WAIT, 0, ts);
	U_CHECK(U_RET == -EFAULT, U_RET);
	U_SYS(SYS_futex, w, LX_FUTEX_WAIT_BITSET, 0, ts, 0, 0);
	U_CHECK(U_RET == -EINVAL, U_RET);
	U_SYS(SYS_futex, w, 12, 0, ts);
	U_CHECK(U_RET == -ENOSYS, U_RET);
	for (u->tf->rbx = 1; u->tf->rbx <= 3; u->tf->rbx++) {
		u->tf->r13 = w;
		U_SYS(SYS_clone, THREAD_FLAGS, u->tf->rsp - 65536 * u->tf->rbx,
		    w + 4 * u->tf->rbx, w + 4 * u->tf->rbx, 0);
		U_CHECK(U_RET >= 0, U_RET);
		if (U_RET == 0) {
			U_SYS(SYS_futex, u->tf->r13,
			    LX_FUTEX_WAIT | LX_FUTEX_PRIVATE_FLAG, 0);
			U_CHECK(U_RET == 0, U_RET);
			U_SYS(SYS_exit, 0);
		}
	}
	/* Until all three have run: one woken, two moved. */
	u->tf->r12 = 0;
	while (u->tf->r12 < 1) {
		U_PAUSE();
		U_SYS(SYS_futex, w, LX_FUTEX_WAKE | LX_FUTEX_PRIVATE_FLAG, 1);
		u->tf->r12 += u->tf->rax;
	}
	u->tf->r12 = 0;
	while (u->tf->r12 < 2) {
		U_PAUSE();
		U_SYS(SYS_futex, w,
		    LX_FUTEX_CMP_REQUEUE | LX_FUTEX_PRIVATE_FLAG, 0, 10, w + 16,
		    0);
		U_CHECK(U_RET >= 0, U_RET);
		u->tf->r12 += u->tf->rax;
	}
	U_SYS(SYS_futex, w, LX_FUTEX_CMP_REQUEUE, 0, 1, w + 16, 9);
	U_CHECK(U_RET == -EAGAIN, U_RET);
	/* Set word 2 to 7, and wake if its old value was 0. */
	U_SYS(SYS_futex, w, LX_FUTEX_WAKE_OP | LX_FUTEX_PRIVATE_FLAG, 1, 10,
	    w + 16, (0u << 28) | (0u << 24) | (7u << 12) | 0u);
	U_CHECK(U_RET == 2, U_RET);
	U_CHECK(u_get32(u, w + 16) == 7, u_get32(u, w + 16));
	/* The kernel clears the tids and wakes the waiters.  Each tid is read
	 * once: a wait for the value 0 would never end. */
	for (u->tf->rbx = 1; u->tf->rbx <= 3; u->tf->rbx++) {
		for (;;) {
			u->tf->r12 = (uint64_t)u_get32(u, w + 4 * u->tf->rbx);
			if (u->tf->r12 == 0)
				break;
			U_SYS(SYS_futex, w + 4 * u->tf->rbx, LX_FUTEX_WAIT,
			    u->tf->r12, 0);
		}
	}
	U_EXIT(0);
	U_END;
}

static void
test_futex(void **state)
{
	fx.prog[0] = prog_futex;
	for (int i = 0; i < 20; i++)
		assert_int_equal(fx_run(&fx, 0), 0);
}

/* A child ends while it owns a robust lock in shared memory; another ends
 * with a list that is circular. */
static void
prog_robust(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_mmap, 0, 4096, 3, LX_MAP_SHARED | LX_MAP_ANONYMOUS,
	    (uint64_t)-1, 0);
	u->tf->r12 = u->tf->rax;
	U_SYS(SYS_fork);
	if (U_RET == 0) {
		/* head at 0, entry at 64, its lock word at 64 + 32 */
		u_put64(u, u->tf->r12, u->tf->r12 + 64);
		u_put64(u, u->tf->r12 + 8, 32);
		u_put64(u, u->tf->r12 + 16, 0);
		u_put64(u, u->tf->r12 + 64, u->tf->r12 + 64);
		u_put64(
		    u, u->tf->r12 + 96, (uint64_t)u->l->tid | LX_FUTEX_WAITERS);
		U_SYS(SYS_set_robust_list, u->tf->r12, 24);
		U_CHECK(U_RET == 0, U_RET);
		U_EXIT(0);
	}
	U_SYS(SYS_wait4, (uint64_t)-1, 0, 0, 0);
	U_CHECK((uint32_t)u_get32(u, u->tf->r12 + 96) ==
		    (LX_FUTEX_WAITERS | LX_FUTEX_OWNER_DIED),
	    u_get32(u, u->tf->r12 + 96));
	U_EXIT(0);
	U_END;
}

static void
test_robust(void **state)
{
	fx.prog[0] = prog_robust;
	assert_int_equal(fx_run(&fx, 0), 0);
}

/* ---- poll, epoll ---- */

static void
put_pollfd(struct user *u, uint64_t at, int fd, int events)
{
	u_put64(u, at, (uint32_t)fd | (uint64_t)(uint16_t)events << 32);
}

static int
got_revents(struct user *u, uint64_t at)
{
	return ((int)(u_get64(u, at) >> 48));
}

/* rbx, r12: the pipe's ends */
static void
prog_poll(struct user *u)
{
	uint64_t b = u_buf(u, 0), pf = u_buf(u, 1);

	U_BEGIN
	U_SYS(SYS_pipe2, b, O_CLOEXEC);
	u->tf->rbx = (uint64_t)u_get32(u, b);
	u->tf->r12 = (uint64_t)u_get32(u, b + 4);
	put_pollfd(u, pf, (int)u->tf->rbx, LX_POLLIN);
	put_pollfd(u, pf + 8, (int)u->tf->r12, LX_POLLIN);
	put_pollfd(u, pf + 16, 77, LX_POLLIN);
	put_pollfd(u, pf + 24, -1, LX_POLLIN);
	U_SYS(SYS_poll, pf, 2, 1);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_poll, pf, 4, (uint64_t)-1);
	U_CHECK(U_RET == 1, U_RET);
	U_CHECK(got_revents(u, pf + 16) == LX_POLLNVAL, 0);
	U_CHECK(got_revents(u, pf + 24) == 0, 0);
	U_SYS(SYS_write, u->tf->r12, u_str(u, 2, "x"), 1);
	U_SYS(SYS_poll, pf, 2, (uint64_t)-1);
	U_CHECK(U_RET == 1, U_RET);
	U_CHECK(got_revents(u, pf) == LX_POLLIN, got_revents(u, pf));
	u_put64(u, b, UINT64_C(1) << u->tf->rbx);
	u_put64(u, b + 16, UINT64_C(1) << u->tf->r12);
	U_SYS(SYS_select, 32, b, b + 16, 0, 0);
	U_CHECK(U_RET == 2, U_RET);
	U_SYS(SYS_close, u->tf->r12);
	U_SYS(SYS_poll, pf, 1, (uint64_t)-1);
	U_CHECK(
	    got_revents(u, pf) == (LX_POLLIN | LX_POLLHUP), got_revents(u, pf));
	U_SYS(SYS_select, 32, b, b + 16, 0, 0);
	U_CHECK(U_RET == -EBADF, U_RET);
	U_SYS(SYS_select, (uint64_t)-1, b, 0, 0, 0);
	U_CHECK(U_RET == -EINVAL, U_RET);
	U_SYS(SYS_poll, 64, 1, 0);
	U_CHECK(U_RET == -EFAULT, U_RET);
	U_SYS(SYS_poll, pf, 1u << 30, 0);
	U_CHECK(U_RET == -EINVAL, U_RET);
	U_EXIT(0);
	U_END;
}

static void
test_poll(void **state)
{
	fx.prog[0] = prog_poll;
	assert_int_equal(fx_run(&fx, 0), 0);
}

#define EP_IN UINT64_C(1)
#define EP_ET (UINT64_C(1) << 31)

/* rbx, r12: the pipe's ends; r13 the epoll, r14 one around it */
static void
prog_epoll(struct user *u)
{
	uint64_t b = u_buf(u, 0), ev = u_buf(u, 1);

	U_BEGIN
	U_SYS(SYS_pipe2, b, 0);
	u->tf->rbx = (uint64_t)u_get32(u, b);
	u->tf->r12 = (uint64_t)u_get32(u, b + 4);
	U_SYS(SYS_epoll_create1, O_CLOEXEC);
	u->tf->r13 = u->tf->rax;
	U_SYS(SYS_epoll_create, 1);
	u->tf->r14 = u->tf->rax;
	u_put64(u, ev, EP_IN | EP_ET);
	u_put64(u, ev + 4, UINT64_C(0x1122334455667788));
	U_SYS(SYS_epoll_ctl, u->tf->r13, 1, u->tf->rbx, ev);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_epoll_ctl, u->tf->r13, 1, u->tf->rbx, ev);
	U_CHECK(U_RET == -EEXIST, U_RET);
	U_SYS(SYS_epoll_ctl, u->tf->r13, 1, u->tf->r13, ev);
	U_CHECK(U_RET == -EINVAL, U_RET);
	U_SYS(SYS_epoll_ctl, u->tf->r12, 1, u->tf->rbx, ev);
	U_CHECK(U_RET == -EINVAL, U_RET);
	U_SYS(SYS_epoll_ctl, u->tf->r14, 1, u->tf->r13, ev);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_epoll_ctl, u->tf->r13, 1, u->tf->r14, ev);
	U_CHECK(U_RET == -ELOOP, U_RET);
	U_SYS(SYS_open, u_str(u, 2, "/bin/p0"), O_RDONLY);
	U_CHECK(U_RET >= 0, U_RET);
	U_SYS(SYS_epoll_ctl, u->tf->r13, 1, u->tf->rax, ev);
	U_CHECK(U_RET == -EPERM, U_RET);
	U_SYS(SYS_epoll_wait, u->tf->r13, ev, 4, 1);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_write, u->tf->r12, u_str(u, 2, "x"), 1);
	U_SYS(SYS_epoll_wait, u->tf->r14, ev, 4, (uint64_t)-1);
	U_CHECK(U_RET == 1, U_RET);
	u_put64(u, ev + 4, 0);
	U_SYS(SYS_epoll_wait, u->tf->r13, ev, 4, (uint64_t)-1);
	U_CHECK(U_RET == 1, U_RET);
	U_CHECK(u_get32(u, ev) == (int)EP_IN, u_get32(u, ev));
	U_CHECK(u_get64(u, ev + 4) == UINT64_C(0x1122334455667788), 0);
	/* The edge was reported, the data is still there. */
	U_SYS(SYS_epoll_wait, u->tf->r13, ev, 4, 0);
	U_CHECK(U_RET == 0, U_RET);
	U_SYS(SYS_epoll_wait, u->tf->r13, ev, 0, 0);
	U_CHECK(U_RET == -EINVAL, U_RET);
	/* Closing removes the registration. */
	U_SYS(SYS_close, u->tf->rbx);
	U_SYS(SYS_epoll_ctl, u->tf->r13, 2, u->tf->rbx, 0);
	U_CHECK(U_RET == -EBADF, U_RET);
	U_SYS(SYS_epoll_wait, u->tf->r13, ev, 4, 0);
	U_CHECK(U_RET == 0, U_RET);
	U_EXIT(0);
	U_END;
}

static void
test_epoll(void **state)
{
	fx.prog[0] = prog_epoll;
	assert_int_equal(fx_run(&fx, 0), 0);
}

/* ---- every call with random arguments ---- */

static uint64_t
random_arg(uint64_t *seed)
{
	static const uint64_t odd[] = {0, 1, 2, 3, 8, 64, 4095, 4096, 0x400000,
	    UINT64_MAX, UINT64_MAX - 4095, INT64_MAX, UINT64_C(1) << 63,
	    UINT32_MAX, INT32_MAX, UINT64_C(0x7ffdfffff000), (uint64_t)-100};

	if (rnd_below(seed, 4) == 0)
		return (rnd_next(seed) >> 33);
	return (odd[rnd_below(seed, sizeof(odd) / sizeof(odd[0]))]);
}

/* Calls that end, block or replace the caller, and calls that would unmap or
 * overwrite the memory that the test uses. */
static bool
skip_call(uint64_t nr)
{
	static const int skip[] = {SYS_exit, SYS_exit_group, SYS_pause,
	    SYS_rt_sigsuspend, SYS_rt_sigreturn, SYS_execve, SYS_execveat,
	    SYS_fork, SYS_vfork, SYS_clone, SYS_clone3, SYS_kill, SYS_tkill,
	    SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_munmap,
	    SYS_mremap, SYS_mmap, SYS_mprotect, SYS_madvise, SYS_nanosleep,
	    SYS_clock_nanosleep, SYS_poll, SYS_ppoll, SYS_select, SYS_pselect6,
	    SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_pwait2, SYS_futex,
	    SYS_rt_sigtimedwait, SYS_read, SYS_readv, SYS_preadv2, SYS_alarm,
	    SYS_setitimer, SYS_brk, SYS_wait4, SYS_waitid, SYS_open, SYS_openat,
	    SYS_write, SYS_writev, SYS_pwritev2, SYS_semop, SYS_semtimedop,
	    SYS_msgsnd, SYS_msgrcv};

	for (size_t i = 0; i < sizeof(skip) / sizeof(skip[0]); i++)
		if (nr == (uint64_t)skip[i])
			return (true);
	return (false);
}

/* rbx: rounds, r12: number, r13: seed */
static void
prog_random_calls(struct user *u)
{
	uint64_t a[6];

	U_BEGIN
	u->tf->r13 = 12345;
	for (u->tf->rbx = 0; u->tf->rbx < 40; u->tf->rbx++) {
		for (u->tf->r12 = 0; u->tf->r12 < 470; u->tf->r12++) {
			if (skip_call(u->tf->r12))
				continue;
			for (int i = 0; i < 6; i++)
				a[i] = random_arg(&u->tf->r13);
			U_SYS((long)u->tf->r12, a[0], a[1], a[2], a[3], a[4],
			    a[5]);
			U_CHECK(U_RET > -4096, U_RET);
			U_CHECK(U_RET < -600 || U_RET > -512, U_RET);
		}
	}
	U_EXIT(0);
	U_END;
}

static void
test_random_arguments(void **state)
{
	fx.prog[0] = prog_random_calls;
	assert_int_equal(fx_run(&fx, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_siginfo),
	    cmocka_unit_test(test_mmap_decode),
	    cmocka_unit_test(test_ktime),
	    FX_TEST_BOOTED(test_trace),
	    FX_TEST_BOOTED(test_frame),
	    FX_TEST_BOOTED(test_sigwait),
	    FX_TEST_BOOTED(test_futex),
	    FX_TEST_BOOTED(test_robust),
	    FX_TEST_BOOTED(test_poll),
	    FX_TEST_BOOTED(test_epoll),
	    FX_TEST_BOOTED(test_random_arguments),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
