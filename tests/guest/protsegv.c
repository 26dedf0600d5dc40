/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Faults as programs see them: mprotect and SIGSEGV with the right address and
 * code; handlers that repair the mapping and return, leave by siglongjmp, run
 * on an alternate stack or fault themselves; SIGFPE, SIGILL, SIGTRAP; and
 * handlers that edit the interrupted registers. (regs.c tests which registers
 * survive.)
 */
#include "guest.h"

#include <ucontext.h>

static char *mem;
static sigjmp_buf env;
static volatile int code, count;
static char *volatile addr;
static volatile long trapno, err;

static void
on_jump(int sig, siginfo_t *si, void *ucv)
{
	ucontext_t *uc = ucv;

	code = si->si_code;
	addr = si->si_addr;
	trapno = (long)uc->uc_mcontext.gregs[REG_TRAPNO];
	err = (long)uc->uc_mcontext.gregs[REG_ERR];
	siglongjmp(env, sig);
}

/* 0, or the signal that the access caused. */
static int
load(const volatile char *p)
{
	int sig = sigsetjmp(env, 1);

	if (sig == 0)
		(void)*p;
	return (sig);
}

static int
store(volatile char *p)
{
	int sig = sigsetjmp(env, 1);

	if (sig == 0)
		*p = 's';
	return (sig);
}

static int
run_at(const void *p)
{
	int sig = sigsetjmp(env, 1);

	if (sig == 0)
		((void (*)(void))(uintptr_t)p)();
	return (sig);
}

#define FAULT(what, at, c) \
	CHECK((what) == SIGSEGV && addr == (char *)(at) && code == (c))

static void
addresses_and_codes(void)
{
	char *gone = map_anon(PAGE), *ro = mem + PAGE, *none = mem + 2 * PAGE;
	const char ret = (char)0xc3;

	CHECK(munmap(gone, PAGE) == 0);
	FAULT(load(gone + 5), gone + 5, SEGV_MAPERR);
	FAULT(store(gone + 77), gone + 77, SEGV_MAPERR);
	CHECK(trapno == 14 && (err & 6) == 6);
	FAULT(load(NULL), NULL, SEGV_MAPERR);
	CHECK(trapno == 14 && (err & 6) == 4);
	CHECK(mprotect(ro, PAGE, PROT_READ) == 0);
	CHECK(load(ro) == 0);
	FAULT(store(ro + 9), ro + 9, SEGV_ACCERR);
	CHECK(mprotect(none, PAGE, PROT_NONE) == 0);
	FAULT(load(none + 4095), none + 4095, SEGV_ACCERR);
	FAULT(store(none), none, SEGV_ACCERR);
	CHECK(mprotect(none, PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(load(none) == 0 && store(none) == 0);
	/* Code: not executable, then executable, then not again. */
	*mem = ret;
	FAULT(run_at(mem), mem, SEGV_ACCERR);
	CHECK(mprotect(mem, PAGE, PROT_READ | PROT_EXEC) == 0);
	CHECK(run_at(mem) == 0);
	FAULT(store(mem), mem, SEGV_ACCERR);
	CHECK(mprotect(mem, PAGE, PROT_READ | PROT_WRITE) == 0);
	FAULT(run_at(mem), mem, SEGV_ACCERR);
	FAULT(run_at(gone), gone, SEGV_MAPERR);
	/* A non-canonical address: no address is reported, and the code is
	 * SI_KERNEL. */
	CHECK(load((char *)0x8000000000000000) == SIGSEGV && code == SI_KERNEL);
	CHECK(load((char *)0xffffffff80000000) == SIGSEGV);
	say("addresses and codes");
}

static void
on_repair(int sig, siginfo_t *si, void *uc)
{
	char *page = (char *)((uintptr_t)si->si_addr & ~(PAGE - 1));

	count++;
	CHECK(si->si_code == SEGV_ACCERR);
	CHECK(mprotect(page, PAGE, PROT_READ | PROT_WRITE) == 0);
}

/* A write barrier like those of garbage collectors. */
static void
repair(void)
{
	volatile char *m = map_anon(64 * PAGE);

	set_handler(SIGSEGV, on_repair, 0);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 64; i++)
			m[i * PAGE] = (char)(i + (size_t)round);
		CHECK(mprotect((char *)m, 64 * PAGE,
			  round == 1 ? PROT_NONE : PROT_READ) == 0);
		count = 0;
		for (size_t i = 0; i < 64; i += 2)
			m[i * PAGE + 1]++;
		CHECK(count == 32);
		for (size_t i = 0; i < 64; i++)
			CHECK(m[i * PAGE] == (char)(i + (size_t)round));
		CHECK(mprotect((char *)m, 64 * PAGE, PROT_READ | PROT_WRITE) ==
		      0);
	}
	CHECK(m[0 + 1] == 3 && m[PAGE + 1] == 0);
	CHECK(munmap((char *)m, 64 * PAGE) == 0);
	say("repaired by the handler");
}

static char altstack[64 * 1024];
static volatile bool on_alt;

static void
on_inner(int sig, siginfo_t *si, void *uc)
{
	count += 100;
}

static void
on_nested(int sig, siginfo_t *si, void *uc)
{
	volatile char here;
	stack_t ss;

	on_alt = (char *)&here >= altstack &&
		 (char *)&here < altstack + sizeof(altstack);
	CHECK(sigaltstack(NULL, &ss) == 0);
	CHECK(on_alt == ((ss.ss_flags & SS_ONSTACK) != 0));
	count++;
	if (count < 4) /* faults in the handler itself (SA_NODEFER) */
		*(volatile char *)(mem + (3 + (size_t)count) * PAGE) = 'n';
	CHECK(raise(SIGUSR1) == 0);
	CHECK(mprotect(si->si_addr, PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void
nested(void)
{
	stack_t ss = {.ss_sp = altstack, .ss_size = sizeof(altstack)}, old;

	CHECK(sigaltstack(&ss, NULL) == 0);
	set_handler(SIGSEGV, on_nested, SA_ONSTACK | SA_NODEFER);
	set_handler(SIGUSR1, on_inner, 0);
	CHECK(mprotect(mem + 3 * PAGE, 4 * PAGE, PROT_NONE) == 0);
	count = 0;
	*(volatile char *)(mem + 3 * PAGE) = 'x';
	CHECK(on_alt && count % 100 == 4 && count / 100 == 4);
	CHECK(mem[3 * PAGE] == 'x' && mem[4 * PAGE] == 'n' &&
	      mem[6 * PAGE] == 'n');
	ss.ss_size = 100;
	CHECK_ERRNO(sigaltstack(&ss, NULL), ENOMEM);
	ss.ss_flags = SS_DISABLE;
	CHECK(sigaltstack(&ss, &old) == 0 && old.ss_sp == altstack);
	say("nested, on an alternate stack");
}

/* A fault whose signal is blocked or ignored ends the process. */
static void
blocked_child(void *how)
{
	sigset_t set;

	if (how != NULL) {
		set_disposition(SIGSEGV, SIG_IGN);
	} else {
		set_handler(SIGSEGV, on_jump, 0);
		sigemptyset(&set);
		sigaddset(&set, SIGSEGV);
		CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	}
	*(volatile char *)(mem + 16 * PAGE + (how != NULL)) = 1;
	_exit(0);
}

static void
blocked_and_ignored(void)
{
	for (int how = 0; how < 2; how++) {
		pid_t pid = fork();
		int status;

		CHECK(pid >= 0);
		if (pid == 0)
			blocked_child(how ? mem : NULL);
		status = wait_status(pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	}
	say("blocked or ignored, it kills");
}

static char *volatile next_ip;

static void
on_skip(int sig, siginfo_t *si, void *ucv)
{
	ucontext_t *uc = ucv;

	count++;
	code = si->si_code;
	addr = si->si_addr;
	if (sig == SIGFPE || sig == SIGILL || sig == SIGSEGV)
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)next_ip;
	uc->uc_mcontext.gregs[REG_RBX] = 0x1234567890abcdef;
}

#define EXCEPTION(insn, at)                                            \
	__asm__ volatile("leaq 1f(%%rip), %%rcx\n\tmovq %%rcx, %0\n\t" \
			 "leaq 2f(%%rip), %%rcx\n\tmovq %%rcx, %1\n"   \
			 "1:\t" insn "\n2:\tmovq %%rbx, %2"            \
			 : "=m"(at), "=m"(next_ip), "=r"(rbx)          \
			 :                                             \
			 : "rax", "rbx", "rcx", "rdx", "memory")

static void
exceptions(void)
{
	static const int sigs[] = {SIGFPE, SIGILL, SIGTRAP, SIGSEGV};
	char *volatile at;
	uint64_t rbx = 0;

	for (size_t i = 0; i < 4; i++)
		set_handler(sigs[i], on_skip, 0);
	count = 0;
	EXCEPTION("xorl %%ecx, %%ecx; xorl %%edx, %%edx; movl $1, %%eax; "
		  "divl %%ecx",
	    at);
	CHECK(count == 1 && code == FPE_INTDIV && rbx == 0x1234567890abcdef);
	CHECK(addr > at && addr < next_ip); /* the address of the divl */
	EXCEPTION("ud2", at);
	CHECK(count == 2 && code == ILL_ILLOPN && addr == at);
	EXCEPTION("int3", at);
	CHECK(count == 3 && code == SI_KERNEL && rbx == 0x1234567890abcdef);
	EXCEPTION("hlt", at);
	CHECK(count == 4 && code == SI_KERNEL && addr == NULL);
	say("exceptions, registers edited by the handler");
}

int
main(void)
{
	mem = map_anon(16 * PAGE);
	set_handler(SIGSEGV, on_jump, 0);
	set_handler(SIGBUS, on_jump, 0);
	addresses_and_codes();
	repair();
	nested();
	blocked_and_ignored();
	exceptions();
	return (0);
}
