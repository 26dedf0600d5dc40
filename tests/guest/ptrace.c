/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * ptrace(2) of a child: signals, registers, memory, breakpoints, single steps,
 * system calls, and what wait reports.
 */
#include "guest.h"

#include <elf.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "tracing.h"

#define SYSINFO_REQUEST 0x420e
struct sysinfo_abi { /* struct ptrace_syscall_info */
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t ip, sp, u[8];
};

static void
expect_stop(pid_t pid, int sig)
{
	int st = wait_for(pid);

	if (!WIFSTOPPED(st) || st >> 8 != sig)
		say_status("unexpected", st);
	CHECK(WIFSTOPPED(st) && st >> 8 == sig);
}

/* Start a traced child, which has stopped by SIGSTOP. */
static pid_t
start(int (*fn)(void))
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(pt(PTRACE_TRACEME, 0, 0, 0) == 0);
		CHECK(pt(PTRACE_TRACEME, 0, 0, 0) == -1 && errno == EPERM);
		raise(SIGSTOP);
		_exit(fn());
	}
	expect_stop(pid, SIGSTOP);
	return (pid);
}

static void
finish(pid_t pid, int status)
{
	int st;

	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	st = wait_for(pid);
	if (!WIFEXITED(st) || WEXITSTATUS(st) != status)
		say_status("unexpected end", st);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) == status);
	CHECK(waitpid(pid, &st, __WALL) == -1 && errno == ECHILD);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == -1 && errno == ESRCH);
}

/* ---- signals ---- */

static volatile sig_atomic_t got_usr1, got_usr2, value;

static void
on_usr(int sig, siginfo_t *si, void *uc)
{
	if (sig == SIGUSR1)
		got_usr1++;
	else
		got_usr2++;
	value = si->si_value.sival_int;
}

static int
child_signals(void)
{
	struct sigaction sa = {.sa_sigaction = on_usr, .sa_flags = SA_SIGINFO};

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	signal(SIGHUP, SIG_IGN);
	raise(SIGUSR1); /* suppressed */
	raise(SIGUSR1); /* delivered */
	raise(SIGUSR1); /* becomes SIGUSR2 */
	raise(SIGHUP);  /* ignored, and seen by the tracer */
	sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 5});
	return (got_usr1 == 2 && got_usr2 == 1 && value == 77 ? 3 : 4);
}

static void
test_signals(void)
{
	pid_t pid = start(child_signals);
	siginfo_t si, wi;
	sigset_t mask;
	uint64_t m;

	CHECK(pt(PTRACE_CONT, pid, 0, 65) == -1 && errno == EIO);
	CHECK(pt(PTRACE_GETSIGINFO, pid, 0, (uint64_t)&si) == 0);
	CHECK(si.si_signo == SIGSTOP && si.si_pid == pid);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	expect_stop(pid, SIGUSR1);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	expect_stop(pid, SIGUSR1);
	CHECK(pt(PTRACE_CONT, pid, 0, SIGUSR1) == 0);
	expect_stop(pid, SIGUSR1);
	CHECK(pt(PTRACE_CONT, pid, 0, SIGUSR2) == 0);
	CHECK(waitid(P_PID, (id_t)pid, &wi, WSTOPPED | WNOWAIT) == 0);
	CHECK(wi.si_code == CLD_TRAPPED && wi.si_status == SIGHUP);
	expect_stop(pid, SIGHUP);
	CHECK(waitpid(pid, NULL, WNOHANG | WUNTRACED) == 0);
	CHECK(pt(PTRACE_GETSIGMASK, pid, 8, (uint64_t)&m) == 0 && m == 0);
	CHECK(pt(PTRACE_GETSIGMASK, pid, 4, (uint64_t)&m) == -1 &&
	      errno == EINVAL);
	m = UINT64_C(1) << (SIGTERM - 1) | UINT64_C(1) << (SIGKILL - 1);
	CHECK(pt(PTRACE_SETSIGMASK, pid, 8, (uint64_t)&m) == 0);
	CHECK(pt(PTRACE_GETSIGMASK, pid, 8, (uint64_t)&m) == 0);
	CHECK(m == UINT64_C(1) << (SIGTERM - 1));
	CHECK(pt(PTRACE_CONT, pid, 0, SIGHUP) == 0);
	expect_stop(pid, SIGUSR1);
	CHECK(pt(PTRACE_GETSIGINFO, pid, 0, (uint64_t)&si) == 0);
	CHECK(si.si_code == SI_QUEUE && si.si_value.sival_int == 5);
	si.si_value.sival_int = 77;
	CHECK(pt(PTRACE_SETSIGINFO, pid, 0, (uint64_t)&si) == 0);
	CHECK(pt(PTRACE_CONT, pid, 0, SIGUSR1) == 0);
	CHECK(waitpid(pid, (int *)&mask, 0) == pid);
	CHECK(WIFEXITED(*(int *)&mask) && WEXITSTATUS(*(int *)&mask) == 3);
	say("signals ok");
}

/* ---- registers and memory ---- */

static long cell = 41;
static const long constant = 43;

static int
child_memory(void)
{
	raise(SIGTRAP);
	return (*(volatile long *)&cell == 42 &&
			*(const volatile long *)&constant == 44
		    ? 5
		    : 6);
}

static void
test_memory(void)
{
	pid_t pid = start(child_memory);
	uint64_t word, cellp = (uint64_t)&cell, constp = (uint64_t)&constant;

	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	expect_stop(pid, SIGTRAP);
	CHECK(pt(PTRACE_PEEKDATA, pid, cellp, (uint64_t)&word) == 0);
	CHECK(word == 41);
	CHECK(pt(PTRACE_POKEDATA, pid, cellp, 42) == 0);
	CHECK(pt(PTRACE_PEEKTEXT, pid, constp, (uint64_t)&word) == 0);
	CHECK(word == 43);
	CHECK(pt(PTRACE_POKETEXT, pid, constp, 44) == 0);
	CHECK(*(const volatile long *)&constant == 43 && cell == 41);
	CHECK(
	    pt(PTRACE_PEEKDATA, pid, 8, (uint64_t)&word) == -1 && errno == EIO);
	CHECK(pt(PTRACE_POKEDATA, pid, 8, 1) == -1 && errno == EIO);
	CHECK(pt(PTRACE_PEEKDATA, pid, cellp, 8) == -1 && errno == EFAULT);
	finish(pid, 5);
	say("memory ok");
}

static int
child_regs(void)
{
	long r = 1;

	/* The tracer changes rax and xmm0 between the two halves. */
	__asm__ volatile("mov $0x1234, %%rax\n\tmov $0x5678, %%rbx\n\t"
			 "pxor %%xmm0, %%xmm0\n\tint3\n\t"
			 "movq %%xmm0, %%rbx\n\tadd %%rbx, %%rax\n\t"
			 : "=a"(r)
			 :
			 : "rbx", "xmm0", "memory");
	return ((int)r);
}

static void
test_regs(void)
{
	pid_t pid = start(child_regs);
	struct user_regs_struct regs, again;
	struct user_fpregs_struct fp;
	unsigned char x[16384];
	struct iovec iov = {&again, sizeof(again)};
	uint64_t word, xcr0, bv;
	siginfo_t si;

	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	expect_stop(pid, SIGTRAP);
	CHECK(pt(PTRACE_GETSIGINFO, pid, 0, (uint64_t)&si) == 0);
	say("int3: code %#x", (unsigned)si.si_code);
	CHECK(pt(PTRACE_GETREGS, pid, 0, (uint64_t)&regs) == 0);
	CHECK(regs.rax == 0x1234 && regs.rbx == 0x5678);
	CHECK(regs.cs == 0x33 && regs.ss == 0x2b && (long)regs.orig_rax == -1);
	CHECK(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uint64_t)&iov) == 0);
	CHECK(iov.iov_len == sizeof(regs));
	CHECK(memcmp(&regs, &again, sizeof(regs)) == 0);
	iov.iov_len = 16;
	CHECK(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uint64_t)&iov) == 0);
	CHECK(iov.iov_len == 16);
	iov.iov_len = 7;
	CHECK(pt(PTRACE_GETREGSET, pid, NT_PRSTATUS, (uint64_t)&iov) == -1 &&
	      errno == EINVAL);
	CHECK(pt(PTRACE_GETREGSET, pid, 0x7777, (uint64_t)&iov) == -1 &&
	      errno == EINVAL);
	CHECK(pt(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rbx),
		  (uint64_t)&word) == 0);
	CHECK(word == 0x5678);
	CHECK(
	    pt(PTRACE_PEEKUSER, pid, 3, (uint64_t)&word) == -1 && errno == EIO);
	CHECK(pt(PTRACE_PEEKUSER, pid, 4096, (uint64_t)&word) == -1 &&
	      errno == EIO);
	CHECK(pt(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[7]),
		  (uint64_t)&word) == 0);
	CHECK(word == 0);
	CHECK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]),
		  0) == 0);
	CHECK(
	    pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 7) == 0);
	/* xmm0 by both layouts; a bad MXCSR is refused. */
	CHECK(pt(PTRACE_GETFPREGS, pid, 0, (uint64_t)&fp) == 0);
	CHECK(fp.mxcsr == 0x1f80 && fp.xmm_space[0] == 0);
	fp.xmm_space[0] = 2;
	CHECK(pt(PTRACE_SETFPREGS, pid, 0, (uint64_t)&fp) == 0);
	fp.mxcsr = UINT32_MAX;
	CHECK(pt(PTRACE_SETFPREGS, pid, 0, (uint64_t)&fp) == -1 &&
	      errno == EINVAL);
	iov = (struct iovec){x, sizeof(x)};
	CHECK(pt(PTRACE_GETREGSET, pid, NT_X86_XSTATE, (uint64_t)&iov) == 0);
	memcpy(&word, x + 160, 8);
	memcpy(&xcr0, x + 464, 8);
	memcpy(&bv, x + 512, 8);
	CHECK(word == 2 && (xcr0 & 3) == 3 && (bv & 2) != 0);
	word = 10;
	memcpy(x + 160, &word, 8);
	CHECK(pt(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (uint64_t)&iov) == 0);
	bv = UINT64_C(1) << 60;
	memcpy(x + 512, &bv, 8);
	CHECK(pt(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (uint64_t)&iov) == -1);
	say("xstate: errno %d", errno);
	finish(pid, 17);
	say("registers ok");
}

/* ---- breakpoints and steps ---- */

extern int counted(void);
extern char counted_sys[], counted_after[], counted_end[];
__asm__(".text\n.globl counted, counted_sys, counted_after, counted_end\n"
	"counted:\n\tmov $39, %eax\n\tnop\n\tnop\n"
	"counted_sys:\n\tsyscall\n"
	"counted_after:\n\tmov $21, %eax\n"
	"counted_end:\n\tret\n");

static int
child_break(void)
{
	return (counted() == 21 ? 9 : 10);
}

static uint64_t
rip_of(pid_t pid)
{
	struct user_regs_struct regs;

	CHECK(pt(PTRACE_GETREGS, pid, 0, (uint64_t)&regs) == 0);
	CHECK((regs.eflags & 0x100) == 0);
	return (regs.rip);
}

static void
test_break(void)
{
	pid_t pid = start(child_break);
	uint64_t at = (uint64_t)counted, word;
	struct user_regs_struct regs;
	siginfo_t si;
	int steps = 0;

	CHECK(pt(PTRACE_PEEKTEXT, pid, at, (uint64_t)&word) == 0);
	CHECK(
	    pt(PTRACE_POKETEXT, pid, at, (word & ~UINT64_C(0xff)) | 0xcc) == 0);
	CHECK(counted() == 21); /* not in this process */
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	expect_stop(pid, SIGTRAP);
	CHECK(rip_of(pid) == at + 1);
	CHECK(pt(PTRACE_POKETEXT, pid, at, word) == 0);
	CHECK(pt(PTRACE_GETREGS, pid, 0, (uint64_t)&regs) == 0);
	regs.rip = at;
	CHECK(pt(PTRACE_SETREGS, pid, 0, (uint64_t)&regs) == 0);
	while (rip_of(pid) != (uint64_t)counted_end) {
		bool sys = rip_of(pid) == (uint64_t)counted_sys;

		CHECK(pt(PTRACE_SINGLESTEP, pid, 0, 0) == 0);
		expect_stop(pid, SIGTRAP);
		CHECK(pt(PTRACE_GETSIGINFO, pid, 0, (uint64_t)&si) == 0);
		say("step %d: code %d", ++steps, si.si_code);
		if (sys)
			CHECK(rip_of(pid) == (uint64_t)counted_after);
	}
	finish(pid, 9);
	say("breakpoint ok");
}

static volatile long watched;
extern char watched_set[], watched_next[];

static int
child_watch(void)
{
	raise(SIGTRAP);
	for (int i = 0; i < 20; i++)
		got_usr1 += i;
	__asm__ volatile(".globl watched_set, watched_next\n"
			 "watched_set:\n\tmovl $77, %0\n"
			 "watched_next:\n\tnop\n\tnop"
			 : "=m"(watched));
	return (18);
}

static void
poke_dr(pid_t pid, int n, uint64_t val, int want)
{
	long r =
	    pt(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[n]), val);

	CHECK(want == 0 ? r == 0 : r == -1 && errno == want);
}

/* Debug registers: a write, and an instruction.  Natively they do not work in
 * each virtual machine. */
static void
test_watch(void)
{
	const uint64_t next = (uint64_t)watched_next;
	uint64_t dr6;
	siginfo_t si;
	pid_t pid;

	if (!inside())
		return;
	pid = start(child_watch);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	expect_stop(pid, SIGTRAP);
	poke_dr(pid, 0, UINT64_MAX / 2 + 1, EINVAL);
	poke_dr(pid, 4, 0, EIO);
	poke_dr(pid, 0, (uint64_t)&watched, 0);
	poke_dr(pid, 1, next + 1, 0);
	poke_dr(pid, 7, 1 | 1 << 16 | 3 << 18 | 1 << 2, 0);
	for (int i = 0; i < 2; i++) {
		CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
		expect_stop(pid, SIGTRAP);
		CHECK(pt(PTRACE_GETSIGINFO, pid, 0, (uint64_t)&si) == 0);
		CHECK(pt(PTRACE_PEEKUSER, pid,
			  offsetof(struct user, u_debugreg[6]),
			  (uint64_t)&dr6) == 0);
		CHECK(si.si_code == TRAP_HWBKPT);
		CHECK((dr6 & 0xf) == (i == 0 ? 1 : 2));
		CHECK(rip_of(pid) == next + (uint64_t)i);
		poke_dr(pid, 6, 0, 0);
	}
	poke_dr(pid, 7, 0, 0);
	finish(pid, 18);
}

static volatile sig_atomic_t traps;

static void
on_trap(int sig, siginfo_t *si, void *uc)
{
	traps++;
	if (traps == 3)
		((ucontext_t *)uc)->uc_mcontext.gregs[REG_EFL] &= ~0x100L;
}

/* A program that steps itself, without a tracer. */
static void
test_own_flag(void)
{
	struct sigaction sa = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};

	CHECK(sigaction(SIGTRAP, &sa, NULL) == 0);
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"
			 "nop\n\tnop\n\tnop\n\tnop\n\tnop\n\t" ::
			     : "memory", "cc");
	CHECK(signal(SIGTRAP, SIG_DFL) != SIG_ERR);
	say("own trap flag: %d traps", (int)traps);
}

static int
child_step_handler(void)
{
	signal(SIGUSR1, (void (*)(int))(uintptr_t)on_usr);
	raise(SIGUSR1);
	return (11);
}

static void
test_step_handler(void)
{
	pid_t pid = start(child_step_handler);

	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	expect_stop(pid, SIGUSR1);
	CHECK(pt(PTRACE_SINGLESTEP, pid, 0, SIGUSR1) == 0);
	expect_stop(pid, SIGTRAP);
	CHECK(rip_of(pid) == (uint64_t)on_usr);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(WTERMSIG(wait_for(pid)) == SIGKILL ||
	      true /* or it has ended before */);
	say("step into a handler ok");
}

/* ---- system calls ---- */

static int
child_calls(void)
{
	long a = syscall(SYS_getppid);
	long b = syscall(SYS_getuid);
	long c = syscall(SYS_close, 1000);
	struct timespec ts = {0, 1000000};

	nanosleep(&ts, NULL);
	return (a == 1234 && b == -1 && errno == EBADF && c == -1 ? 12 : 13);
}

/* Go on to the next system-call stop; its information. */
static void
to_call(pid_t pid, struct sysinfo_abi *si)
{
	int st;

	CHECK(pt(PTRACE_SYSCALL, pid, 0, 0) == 0);
	st = wait_for(pid);
	CHECK(WIFSTOPPED(st) && st >> 8 == (SIGTRAP | 0x80));
	memset(si, 0, sizeof(*si));
	CHECK(pt(SYSINFO_REQUEST, pid, sizeof(*si), (uint64_t)si) > 0);
}

static void
test_calls(void)
{
	pid_t pid = start(child_calls);
	struct user_regs_struct regs;
	struct sysinfo_abi si;
	uint64_t msg;
	long n;

	CHECK(
	    pt(PTRACE_SETOPTIONS, pid, 0, 0x80000000) == -1 && errno == EINVAL);
	CHECK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD) == 0);
	n = pt(SYSINFO_REQUEST, pid, sizeof(si), (uint64_t)&si);
	say("no call: op %d, %ld bytes", si.op, n);
	to_call(pid, &si);
	while (si.op != 1 || si.u[0] != SYS_getppid)
		to_call(pid, &si);
	CHECK(pt(PTRACE_GETEVENTMSG, pid, 0, (uint64_t)&msg) == 0);
	CHECK(pt(PTRACE_GETREGS, pid, 0, (uint64_t)&regs) == 0);
	say("entry: message %d, rax %ld, arch %#x", (int)msg, (long)regs.rax,
	    si.arch);
	CHECK(regs.orig_rax == SYS_getppid && regs.rip == si.ip);
	to_call(pid, &si);
	say("exit: op %d, error %d", si.op, (int)(si.u[1] & 0xff));
	CHECK((pid_t)si.u[0] == getpid());
	CHECK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rax), 1234) ==
	      0);
	/* Skipped, with a result of the tracer. */
	to_call(pid, &si);
	CHECK(si.op == 1 && si.u[0] == SYS_getuid);
	CHECK(pt(PTRACE_POKEUSER, pid, offsetof(struct user, regs.orig_rax),
		  UINT64_MAX) == 0);
	to_call(pid, &si);
	say("skipped: rval %ld, error %d", (long)si.u[0],
	    (int)(si.u[1] & 0xff));
	to_call(pid, &si);
	CHECK(si.op == 1 && si.u[0] == SYS_close && si.u[1] == 1000);
	to_call(pid, &si);
	say("close: rval %ld, error %d", (long)si.u[0], (int)(si.u[1] & 0xff));
	n = pt(SYSINFO_REQUEST, pid, 0, 0);
	say("size of an exit: %ld", n);
	finish(pid, 12);
	say("system calls ok");
}

/* A call that a signal interrupts is restarted, or not, as the tracer says. */
static int
child_sleep(void)
{
	struct timespec ts = {0, 300000000};

	return (nanosleep(&ts, NULL) == 0 ? 14 : 15);
}

static void
test_restart(void)
{
	struct user_regs_struct regs;
	pid_t pid = start(child_sleep);

	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	usleep(100000);
	CHECK(kill(pid, SIGWINCH) == 0);
	expect_stop(pid, SIGWINCH);
	CHECK(pt(PTRACE_GETREGS, pid, 0, (uint64_t)&regs) == 0);
	say("interrupted: rax %ld", (long)regs.rax);
	finish(pid, 14);

	pid = start(child_sleep);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	usleep(100000);
	CHECK(kill(pid, SIGWINCH) == 0);
	expect_stop(pid, SIGWINCH);
	CHECK(pt(PTRACE_GETREGS, pid, 0, (uint64_t)&regs) == 0);
	regs.rax = (uint64_t)-EINTR;
	CHECK(pt(PTRACE_SETREGS, pid, 0, (uint64_t)&regs) == 0);
	finish(pid, 15);
	say("restart ok");
}

/* ---- exec, kill, and errors ---- */

static int
child_exec(void)
{
	char *argv[] = {"ptrace", "exit7", NULL};

	execv("/proc/self/exe", argv);
	return (1);
}

static void
test_exec(void)
{
	pid_t pid = start(child_exec);

	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	expect_stop(pid, SIGTRAP);
	finish(pid, 7);
	pid = start(child_exec);
	CHECK(pt(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXEC) == 0);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	say_status("exec", wait_for(pid));
	finish(pid, 7);
	say("exec ok");
}

static int
child_ever(void)
{
	while (pause() == -1)
		continue;
	return (1);
}

static void
test_kill(void)
{
	pid_t pid = start(child_ever);

	CHECK(kill(pid, SIGKILL) == 0);
	say_status("killed in a stop", wait_for(pid));
	pid = start(child_ever);
	CHECK(pt(PTRACE_KILL, pid, 0, 0) == 0);
	say_status("PTRACE_KILL", wait_for(pid));
	pid = start(child_ever);
	CHECK(pt(PTRACE_CONT, pid, 0, 0) == 0);
	CHECK(pt(PTRACE_PEEKUSER, pid, 0, (uint64_t)&pid) == -1 &&
	      errno == ESRCH);
	CHECK(pt(PTRACE_DETACH, pid, 0, 0) == -1 && errno == ESRCH);
	CHECK(kill(pid, SIGTERM) == 0);
	expect_stop(pid, SIGTERM);
	CHECK(pt(PTRACE_DETACH, pid, 0, SIGTERM) == 0);
	say_status("detached with a signal", wait_for(pid));
	CHECK(pt(PTRACE_ATTACH, getpid(), 0, 0) == -1 && errno == EPERM);
	CHECK(pt(PTRACE_ATTACH, 3999999, 0, 0) == -1 && errno == ESRCH);
	CHECK(pt(PTRACE_CONT, getpid(), 0, 0) == -1 && errno == ESRCH);
	CHECK(pt(0x9999, getpid(), 0, 0) == -1 && errno == ESRCH);
	say("kill ok");
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return (atoi(argv[1] + 4));
	test_signals();
	test_memory();
	test_regs();
	test_break();
	test_watch();
	test_own_flag();
	test_step_handler();
	test_calls();
	test_restart();
	test_exec();
	test_kill();
	return (0);
}
