/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * seccomp: what programs are refused, what each action does, which filter of
 * several counts, who inherits them, threads, strict mode.
 */
#include "guest.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <ucontext.h>

/* The numbers of linux/{seccomp,filter}.h, which musl does not have. */
struct insn {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};
struct prog {
	uint16_t len;
	const struct insn *filter;
};
struct data {
	int32_t nr;
	uint32_t arch;
	uint64_t ip, args[6];
};
#define LOAD(field)                                                \
	{                                                          \
		0x20, 0, 0, (uint32_t)offsetof(struct data, field) \
	}
#define JEQ(v, t, f)          \
	{                     \
		0x15, t, f, v \
	}
#define RET(v)                \
	{                     \
		0x06, 0, 0, v \
	}
#define KILL_PROCESS 0x80000000u
#define KILL_THREAD 0u
#define TRAP 0x30000u
#define ERRNO 0x50000u
#define NOTIF 0x7fc00000u
#define TRACE 0x7ff00000u
#define LOG 0x7ffc0000u
#define ALLOW 0x7fff0000u
#define ARCH 0xc000003eu
#define SET_STRICT 0
#define SET_FILTER 1
#define ACTION_AVAIL 2
#define TSYNC 1
#define TSYNC_ESRCH 16
#define OTHER_UID 65534

static long
seccomp(unsigned op, unsigned flags, void *arg)
{
	return (syscall(SYS_seccomp, op, flags, arg));
}

static long
install(const struct insn *f, unsigned n, unsigned flags)
{
	struct prog p = {(uint16_t)n, f};

	return (seccomp(SET_FILTER, flags, &p));
}
#define INSTALL(f, flags) install(f, sizeof(f) / sizeof((f)[0]), flags)

/* From now on call `nr` gives `action`. */
static void
rule(int nr, uint32_t action)
{
	const struct insn f[] = {LOAD(arch), JEQ(ARCH, 1, 0), RET(KILL_PROCESS),
	    LOAD(nr), JEQ((uint32_t)nr, 0, 1), RET(action), RET(ALLOW)};

	CHECK(INSTALL(f, 0) == 0);
}

/* ---- programs that are refused ---- */

static void
refused(const struct insn *f, unsigned n, int error)
{
	CHECK(install(f, n, 0) == -1 && errno == error);
}

static void
validation(void *arg)
{
	static const struct insn bad[][3] = {
	    {{0x20, 0, 0, 64}, RET(ALLOW), RET(ALLOW)},  /* beyond the data */
	    {{0x20, 0, 0, 2}, RET(ALLOW), RET(ALLOW)},   /* not aligned */
	    {{0x28, 0, 0, 0}, RET(ALLOW), RET(ALLOW)},   /* half a word */
	    {{0x05, 0, 0, 2}, RET(ALLOW), RET(ALLOW)},   /* jump too far */
	    {{0x15, 2, 0, 0}, RET(ALLOW), RET(ALLOW)},   /* branch too far */
	    {{0x15, 0, 2, 0}, RET(ALLOW), RET(ALLOW)},   /* the other way */
	    {{0x34, 0, 0, 0}, RET(ALLOW), RET(ALLOW)},   /* division by 0 */
	    {{0x64, 0, 0, 32}, RET(ALLOW), RET(ALLOW)},  /* shift too far */
	    {{0x94, 0, 0, 1}, RET(ALLOW), RET(ALLOW)},   /* modulo */
	    {{0x60, 0, 0, 0}, RET(ALLOW), RET(ALLOW)},   /* not stored yet */
	    {{0x02, 0, 0, 16}, RET(ALLOW), RET(ALLOW)},  /* no such word */
	    {{0x30, 0, 0, 0}, RET(ALLOW), RET(ALLOW)},   /* a byte */
	    {{0xffff, 0, 0, 0}, RET(ALLOW), RET(ALLOW)}, /* nothing at all */
	    {LOAD(nr), LOAD(nr), LOAD(nr)},              /* no end */
	    {RET(ALLOW), RET(ALLOW), {0x05, 0, 0, 0}},   /* ends with a jump */
	};
	/* A word that is stored on one of two ways only. */
	const struct insn half[] = {LOAD(nr), JEQ(1, 0, 1), {0x02, 0, 0, 3},
	    {0x60, 0, 0, 3}, RET(ALLOW)};
	static struct insn many[4097];
	struct prog p = {1, (void *)8};
	const struct insn fine[] = {RET(ALLOW)};

	CHECK(setresuid(OTHER_UID, OTHER_UID, OTHER_UID) == 0 || getuid() != 0);
	CHECK(INSTALL(fine, 0) == -1 && errno == EACCES);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i], 3, EINVAL);
	refused(half, 5, EINVAL);
	refused(fine, 0, EINVAL);
	for (unsigned i = 0; i < 4097; i++)
		many[i] = (struct insn)RET(ALLOW);
	refused(many, 4097, EINVAL);
	CHECK(seccomp(SET_FILTER, 0, &p) == -1 && errno == EFAULT);
	CHECK(seccomp(SET_FILTER, 0, (void *)8) == -1 && errno == EFAULT);
	CHECK(INSTALL(fine, 1u << 20) == -1 && errno == EINVAL);
	CHECK(seccomp(SET_STRICT, 1, NULL) == -1 && errno == EINVAL);
	CHECK(seccomp(77, 0, NULL) == -1 && errno == EINVAL);
	CHECK(prctl(PR_SET_SECCOMP, 3, NULL) == -1 && errno == EINVAL);
	CHECK(prctl(PR_GET_SECCOMP) == 0);
	/* At most 32,768 instructions in all; Linux counts its translation. */
	for (int i = 0; i < 9; i++)
		if (install(many, 4096, 0) != 0) {
			CHECK(errno == ENOMEM && i > 2);
			break;
		} else
			CHECK(i < 8);
	CHECK(prctl(PR_GET_SECCOMP) == 2);
}

static void
actions_known(void)
{
	uint32_t known[] = {KILL_PROCESS, KILL_THREAD, TRAP, ERRNO, TRACE, LOG,
	    ALLOW},
		 unknown = 0x12340000;

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		CHECK(seccomp(ACTION_AVAIL, 0, &known[i]) == 0);
	CHECK(seccomp(ACTION_AVAIL, 0, &unknown) == -1 && errno == EOPNOTSUPP);
	CHECK(seccomp(ACTION_AVAIL, 1, &known[0]) == -1 && errno == EINVAL);
	CHECK(seccomp(ACTION_AVAIL, 0, NULL) == -1 && errno == EFAULT);
}

/* ---- programs that compute ---- */

/* (((nr * 3 + 7) ^ arg0) - 5) / 2 << 1, kept in memory, as errno. */
static void
computing(void *arg)
{
	const struct insn f[] = {LOAD(nr), JEQ(SYS_getppid, 1, 0), RET(ALLOW),
	    {0x24, 0, 0, 3}, {0x04, 0, 0, 7}, {0x02, 0, 0, 15}, LOAD(args[0]),
	    {0x07, 0, 0, 0}, {0x60, 0, 0, 15}, {0xac, 0, 0, 0}, {0x14, 0, 0, 5},
	    {0x34, 0, 0, 2}, {0x64, 0, 0, 1}, {0x44, 0, 0, ERRNO},
	    {0x16, 0, 0, 0}};
	/* A division by an index of 0 ends the program with 0. */
	const struct insn zero[] = {LOAD(nr), JEQ(SYS_getpgrp, 1, 0),
	    RET(ALLOW), {0x01, 0, 0, 0}, {0x3c, 0, 0, 0}, RET(ALLOW)};
	const unsigned v = ((SYS_getppid * 3 + 7) ^ 77) - 5;

	CHECK(INSTALL(f, 0) == 0);
	CHECK(syscall(SYS_getppid, 77) == -1 && errno == (int)(v / 2 << 1));
	CHECK(INSTALL(zero, 0) == 0);
	syscall(SYS_getpgrp);
	_exit(1);
}

/* ---- actions ---- */

static volatile sig_atomic_t trapped;
static siginfo_t trap_info;
static long trap_rax;

static void
on_sigsys(int sig, siginfo_t *si, void *arg)
{
	ucontext_t *uc = arg;

	trapped++;
	trap_info = *si;
	trap_rax = (long)uc->uc_mcontext.gregs[REG_RAX];
	uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void
actions(void *arg)
{
	struct sigaction sa = {
	    .sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
	pid_t pid;

	CHECK(sigaction(SIGSYS, &sa, NULL) == 0);
	rule(SYS_getpgid, ERRNO | ENOSPC);
	CHECK(syscall(SYS_getpgid, 0) == -1 && errno == ENOSPC);
	rule(SYS_getsid, ERRNO);
	CHECK(syscall(SYS_getsid, 0) == 0);
	rule(SYS_getppid, TRAP | 321);
	CHECK(syscall(SYS_getppid) == 4711 && trapped == 1);
	CHECK(trap_info.si_signo == SIGSYS && trap_info.si_code == 1);
	CHECK(trap_info.si_errno == 321 && trap_info.si_syscall == SYS_getppid);
	CHECK(trap_info.si_arch == ARCH && trap_info.si_call_addr != NULL);
	CHECK(trap_rax == SYS_getppid);
	rule(SYS_getpgrp, NOTIF);
	CHECK(syscall(SYS_getpgrp) == -1 && errno == ENOSYS);
	rule(SYS_sched_yield, TRACE); /* no tracer */
	CHECK(syscall(SYS_sched_yield) == -1 && errno == ENOSYS);
	rule(SYS_getuid, LOG);
	CHECK(syscall(SYS_getuid) >= 0);
	/* The strictest counts, not the last. */
	rule(SYS_getpgid, ALLOW);
	CHECK(syscall(SYS_getpgid, 0) == -1 && errno == ENOSPC);
	rule(SYS_getpgid, ERRNO | EXDEV); /* equal: the newer one */
	CHECK(syscall(SYS_getpgid, 0) == -1 && errno == EXDEV);
	pid = fork();
	if (pid == 0) {
		CHECK(syscall(SYS_getpgid, 0) == -1 && errno == EXDEV);
		CHECK(prctl(PR_GET_SECCOMP) == 2);
		_exit(0);
	}
	wait_ok(pid);
}

static int
ends_with(void (*fn)(void *))
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		fn(NULL);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return (WIFSIGNALED(status) ? WTERMSIG(status)
				    : 1000 + WEXITSTATUS(status));
}

static void
kill_process(void *arg)
{
	rule(SYS_getppid, KILL_PROCESS);
	syscall(SYS_getppid);
}

static void
kill_only_thread(void *arg)
{
	rule(SYS_getppid, KILL_THREAD);
	syscall(SYS_getppid);
}

static void
unknown_action(void *arg)
{
	rule(SYS_getppid, 0x12340000);
	syscall(SYS_getppid);
}

static void
trap_ignored(void *arg)
{
	signal(SIGSYS, SIG_IGN);
	rule(SYS_getppid, TRAP);
	syscall(SYS_getppid);
}

static void
strict(void *arg)
{
	CHECK(prctl(PR_SET_SECCOMP, 1) == 0);
	if (write(1, "", 0) == 0)
		syscall(SYS_exit, 7);
}

static void
strict_killed(void *arg)
{
	CHECK(seccomp(SET_STRICT, 0, NULL) == 0);
	syscall(SYS_getpid);
}

static void
strict_after_filter(void *arg)
{
	rule(SYS_getppid, ALLOW);
	CHECK(prctl(PR_SET_SECCOMP, 1) == -1 && errno == EINVAL);
}

/* ---- threads ---- */

static volatile int go;

static void *
other_thread(void *arg)
{
	if (arg != NULL)
		rule(SYS_getppid, ERRNO | EXDEV);
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&go, __ATOMIC_SEQ_CST) != 2)
		usleep(1000);
	return ((void *)(syscall(SYS_getppid) == -1 ? (long)errno : 0));
}

/* One other thread runs, `mine`: with a filter of its own.  Returns what a
 * filter with `flags` gives, and what the other thread then sees. */
static long
with_thread(bool mine, unsigned flags, long *seen)
{
	const struct insn f[] = {
	    LOAD(nr), JEQ(SYS_getppid, 0, 1), RET(ERRNO | ENOSPC), RET(ALLOW)};
	pthread_t t;
	void *r;
	long ret;

	go = 0;
	CHECK(pthread_create(&t, NULL, other_thread, mine ? &mine : NULL) == 0);
	while (__atomic_load_n(&go, __ATOMIC_SEQ_CST) != 1)
		usleep(1000);
	ret = INSTALL(f, flags);
	if (ret == -1)
		ret = -errno;
	__atomic_store_n(&go, 2, __ATOMIC_SEQ_CST);
	CHECK(pthread_join(t, &r) == 0);
	*seen = (long)r;
	return (ret);
}

static void
thread_alone(void *arg)
{
	long seen;

	CHECK(with_thread(false, 0, &seen) == 0 && seen == 0);
	CHECK(syscall(SYS_getppid) == -1 && errno == ENOSPC);
}

static void
threads_all(void *arg)
{
	long seen;

	CHECK(with_thread(false, TSYNC, &seen) == 0 && seen == ENOSPC);
	/* A new thread has it from the start. */
	CHECK(with_thread(false, 0, &seen) == 0 && seen == ENOSPC);
}

static void
threads_differ(void *arg)
{
	long seen;

	CHECK(with_thread(true, TSYNC, &seen) > 0 && seen == EXDEV);
	CHECK(syscall(SYS_getppid) > 0);
	CHECK(with_thread(true, TSYNC | TSYNC_ESRCH, &seen) == -ESRCH);
}

static void *
dies(void *arg)
{
	rule(SYS_getppid, KILL_THREAD);
	syscall(SYS_getppid);
	return (arg);
}

static void
one_thread_dies(void *arg)
{
	pthread_t t;

	CHECK(pthread_create(&t, NULL, dies, NULL) == 0);
	usleep(50000);
	CHECK(syscall(SYS_getppid) > 0);
	_exit(0); /* no join: libc does not know of it */
}

/* ---- exec and tracers ---- */

static void
over_exec(void *arg)
{
	char *argv[] = {"seccomp", "inherited", NULL}, *envp[] = {NULL};

	rule(SYS_getppid, ERRNO | ENOSPC);
	execve("/proc/self/exe", argv, envp);
}

/* The tracer answers, and makes another call of it. */
static void
traced(void)
{
	int status;
	pid_t pid = fork();
	unsigned long data;

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
		raise(SIGSTOP);
		rule(SYS_getppid, TRACE | 99);
		CHECK(syscall(SYS_getppid) == -1 && errno == 5);
		CHECK(syscall(SYS_getppid) == syscall(SYS_getpid));
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status));
	CHECK(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)0x80L) == 0);
	for (int i = 0; i < 2; i++) {
		CHECK(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0);
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status >> 8 == (SIGTRAP | 7 << 8));
		CHECK(ptrace(PTRACE_GETEVENTMSG, pid, NULL, &data) == 0);
		CHECK(data == 99);
		/* orig_rax and rax are words 15 and 10. */
		CHECK(ptrace(PTRACE_POKEUSER, pid, (void *)(15 * 8L),
			  (void *)(i == 0 ? -1L : (long)SYS_getpid)) == 0);
		if (i == 0)
			CHECK(ptrace(PTRACE_POKEUSER, pid, (void *)(10 * 8L),
				  (void *)-5L) == 0);
	}
	CHECK(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0);
	wait_ok(pid);
}

int
main(int argc, char **argv)
{
	if (argc > 1) {
		CHECK(syscall(SYS_getppid) == -1 && errno == ENOSPC);
		return (0);
	}
	CHECK(prctl(PR_GET_SECCOMP) == 0);
	in_child(validation, NULL);
	actions_known();
	say("programs are checked");
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(ends_with(computing) == SIGSYS);
	in_child(actions, NULL);
	CHECK(ends_with(kill_process) == SIGSYS);
	CHECK(ends_with(kill_only_thread) == SIGSYS);
	CHECK(ends_with(unknown_action) == SIGSYS);
	CHECK(ends_with(trap_ignored) == SIGSYS);
	say("actions");
	CHECK(ends_with(strict) == 1007);
	CHECK(ends_with(strict_killed) == SIGKILL);
	in_child(strict_after_filter, NULL);
	say("strict mode");
	in_child(thread_alone, NULL);
	in_child(threads_all, NULL);
	in_child(threads_differ, NULL);
	in_child(one_thread_dies, NULL);
	say("threads");
	in_child(over_exec, NULL);
	traced();
	say("exec and tracers");
	return (0);
}
