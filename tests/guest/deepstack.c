/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stack grows on demand: several MiB of recursion, all of it verified on
 * the way back. At RLIMIT_STACK the growth ends with SIGSEGV on the alternate
 * stack, and the process goes on. A lower limit ends it earlier.
 */
#include "guest.h"

#define FRAME 1024

static sigjmp_buf env;
static char *volatile fault_addr;
static char *volatile handler_sp;
static char altstack[64 * 1024];
static volatile size_t reached;

static void
on_segv(int sig, siginfo_t *si, void *uc)
{
	char here;

	fault_addr = si->si_addr;
	handler_sp = &here;
	siglongjmp(env, 1);
}

static uint64_t __attribute__((noinline))
recurse(uint64_t depth, uint64_t limit)
{
	volatile uint64_t frame[FRAME / 8];
	uint64_t sum;

	for (size_t i = 0; i < FRAME / 8; i += 16)
		frame[i] = pattern(depth, i, 3);
	reached = depth * FRAME;
	sum = depth < limit ? recurse(depth + 1, limit) : 0;
	for (size_t i = 0; i < FRAME / 8; i += 16)
		if (frame[i] != pattern(depth, i, 3)) {
			say("FAIL frame %lu is damaged", (unsigned long)depth);
			_exit(1);
		}
	return (sum + frame[0]);
}

static void
use_altstack(void)
{
	stack_t ss = {.ss_sp = altstack, .ss_size = sizeof(altstack)};

	CHECK(sigaltstack(&ss, NULL) == 0);
	set_handler(SIGSEGV, on_segv, SA_ONSTACK);
}

static void
overflow(size_t limit)
{
	char here, *p = &here;

	use_altstack();
	reached = 0;
	if (sigsetjmp(env, 1) == 0) {
		recurse(0, UINT64_MAX);
		CHECK(!"infinite recursion returned");
	}
	CHECK(handler_sp > altstack && handler_sp < altstack + 65536);
	CHECK(fault_addr < p);
	/* Not exact: the arguments and the overhead of the frames count as
	 * well. */
	CHECK(reached > limit * 3 / 4 && reached <= limit);
	CHECK((size_t)(p - fault_addr) <= limit + 2 * PAGE);
}

static void
lowered(void *arg)
{
	struct rlimit rl;

	CHECK(getrlimit(RLIMIT_STACK, &rl) == 0);
	rl.rlim_cur = MIB;
	CHECK(setrlimit(RLIMIT_STACK, &rl) == 0);
	overflow(MIB);
	overflow(MIB); /* the second overflow ends like the first */
}

static void
plain_overflow(void *arg)
{
	recurse(0, UINT64_MAX);
}

/* A large local array is touched at its far end first, so that the stack
 * grows in one step. */
static void __attribute__((noinline)) jump(void *arg)
{
	volatile char big[2 * MIB];

	big[0] = 1;
	big[sizeof(big) / 2] = 2;
	big[sizeof(big) - 1] = 3;
	CHECK(big[0] + big[sizeof(big) / 2] + big[sizeof(big) - 1] == 6);
}

int
main(void)
{
	struct rlimit rl;
	pid_t pid;
	int status;

	CHECK(getrlimit(RLIMIT_STACK, &rl) == 0);
	rl.rlim_cur = 8 * MIB;
	CHECK(setrlimit(RLIMIT_STACK, &rl) == 0);
	in_child(lowered, NULL);
	say("a lowered limit");
	jump(NULL);
	recurse(0, 6 * MIB / FRAME * 3 / 4);
	say("several MiB deep");
	in_child(jump, NULL);
	overflow(8 * MIB);
	overflow(8 * MIB);
	say("overflow caught");
	set_disposition(SIGSEGV, SIG_DFL);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		plain_overflow(NULL);
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	say("overflow without a handler: signal %d", WTERMSIG(status));
	recurse(0, 100);
	return (0);
}
