/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The seccomp filter of a stub: each of its system calls is made with each kind
 * of argument that the filter must refuse, and with those that it permits.
 *
 * A refused call raises SIGSYS at the site.  Calls that return to the site's
 * caller are also made with permitted arguments, so that a filter that refuses
 * everything, or a wrong address of a site, fails the test.
 */

#include "stub_sites.h"

#include "abi/futex.h"
#include "abi/mman.h"
#include "abi/prctl.h"
#include "abi/signal.h"
#include "abi/syscall.h"
#include "machine/stub/program/stub_sys.h"

#define ADDR 0x600000000000UL
#define GIB4 0x100000000UL
#define RW (LX_PROT_READ | LX_PROT_WRITE)
#define RWX (RW | LX_PROT_EXEC)
#define CTX_END (STUB_CTX_BASE + CTX_SLOT_SIZE)
#define STACK1 (STUB_CTX_BASE + CTX_STRIDE + THREAD_STACK_OFF)
#define ALL (STUB_GUEST_END - STUB_GUEST_MIN)
#define NEG(x) (~(uint64_t)(x) + 1)

struct attempt {
	const char *site;
	uint64_t nr, arg[6];
};

/* clang-format off */
static const struct attempt refused[] = {
    /* Another call at each site. */
    {"site_mmap", LX_NR_MUNMAP, {ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED, 3}},
    {"site_mprotect", LX_NR_MMAP, {ADDR, PAGE_SIZE, RW}},
    {"site_munmap", LX_NR_MPROTECT, {ADDR, PAGE_SIZE}},
    {"site_futex", LX_NR_CLONE, {STUB_CTX_BASE, LX_FUTEX_WAKE, 1}},
    {"site_sigreturn", LX_NR_EXIT_GROUP, {0}},
    {"site_sigreturn", 59, {ADDR}}, /* execve */
    {"site_clone", 435, {THREAD_FLAGS, STACK1}}, /* clone3 */
    {"site_sigaltstack", LX_NR_PRCTL, {STUB_CTX_BASE}},
    {"site_sigprocmask", LX_NR_RT_SIGACTION,
	{LX_SIG_SETMASK, STUB_CTX_BASE, 0, 8}},
    {"site_finish1", LX_NR_MMAP, {STUB_INIT_BASE, STUB_INIT_SIZE}},
    {"site_finish2", LX_NR_MMAP, {STUB_INIT_BASE, STUB_INIT_SIZE}},
    /* A number whose lower half is permitted: the x32 bit. */
    {"site_mmap", 0x40000000 | LX_NR_MMAP,
	{ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED, 3}},

    /* mmap: another descriptor, */
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED, 0}},
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED, 2}},
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED, 4}},
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED, 5}},
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED, NEG(1)}},
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED, GIB4 | 3}},
    /* flags, */
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, RW, LX_MAP_SHARED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{ADDR, PAGE_SIZE, RW, LX_MAP_PRIVATE | LX_MAP_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED | LX_MAP_ANONYMOUS, 3}},
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED | 0x100, 3}},
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED | 0x2000, 3}},
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED | GIB4, 3}},
    /* rights, */
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, 8, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, GIB4 | RW, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{ADDR, PAGE_SIZE, RW | 0x1000000, MAP_SHARED_FIXED, 3}},
    /* what is not guest memory: page 0, the stub, its neighbours, beyond, */
    {"site_mmap", LX_NR_MMAP, {0, PAGE_SIZE, RW, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{STUB_GUEST_MIN - PAGE_SIZE, PAGE_SIZE, RW, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{STUB_TEXT_BASE, PAGE_SIZE, RWX, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{STUB_INIT_BASE, PAGE_SIZE, RWX, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{STUB_VDSO_BASE, PAGE_SIZE, RWX, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{STUB_CTX_BASE, PAGE_SIZE, RWX, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{STUB_GUEST_END, PAGE_SIZE, RW, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{NEG(PAGE_SIZE), 2 * PAGE_SIZE, RW, MAP_SHARED_FIXED, 3}},
    /* a length that reaches the stub or wraps, an offset that wraps. */
    {"site_mmap", LX_NR_MMAP, {ADDR, GIB4, RW, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{STUB_GUEST_END - PAGE_SIZE, 2 * GIB4, RW, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP, {ADDR, NEG(ADDR), RW, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED, 3, NEG(PAGE_SIZE)}},

    {"site_mprotect", LX_NR_MPROTECT, {0, PAGE_SIZE, RW}},
    {"site_mprotect", LX_NR_MPROTECT, {STUB_TEXT_BASE, PAGE_SIZE, RWX}},
    {"site_mprotect", LX_NR_MPROTECT, {STUB_VDSO_BASE, PAGE_SIZE, RWX}},
    {"site_mprotect", LX_NR_MPROTECT, {STUB_CTX_BASE, PAGE_SIZE, RWX}},
    {"site_mprotect", LX_NR_MPROTECT, {STUB_GUEST_END, PAGE_SIZE, RW}},
    {"site_mprotect", LX_NR_MPROTECT, {ADDR, GIB4, RW}},
    {"site_mprotect", LX_NR_MPROTECT, {ADDR, NEG(ADDR), RW}},
    {"site_mprotect", LX_NR_MPROTECT, {ADDR, PAGE_SIZE, 0x01000000 | RW}},
    {"site_mprotect", LX_NR_MPROTECT, {ADDR, PAGE_SIZE, 8}},
    {"site_mprotect", LX_NR_MPROTECT, {ADDR, PAGE_SIZE, GIB4}},

    {"site_munmap", LX_NR_MUNMAP, {0, PAGE_SIZE}},
    {"site_munmap", LX_NR_MUNMAP, {STUB_TEXT_BASE, PAGE_SIZE}},
    {"site_munmap", LX_NR_MUNMAP, {STUB_CTX_BASE, CTX_STRIDE}},
    {"site_munmap", LX_NR_MUNMAP, {STUB_GUEST_END, PAGE_SIZE}},
    {"site_munmap", LX_NR_MUNMAP, {ADDR, GIB4}},
    {"site_munmap", LX_NR_MUNMAP, {ADDR, ALL}},
    {"site_munmap", LX_NR_MUNMAP, {STUB_GUEST_MIN, ALL + PAGE_SIZE}},
    {"site_munmap", LX_NR_MUNMAP, {STUB_GUEST_MIN, ALL + GIB4}},
    {"site_munmap", LX_NR_MUNMAP, {ADDR, NEG(PAGE_SIZE)}},

    /* futex: other words, other operations, a time limit. */
    {"site_futex", LX_NR_FUTEX, {ADDR, LX_FUTEX_WAKE, 1}},
    {"site_futex", LX_NR_FUTEX, {STUB_TEXT_BASE, LX_FUTEX_WAKE, 1}},
    {"site_futex", LX_NR_FUTEX, {STUB_VDSO_BASE, LX_FUTEX_WAKE, 1}},
    {"site_futex", LX_NR_FUTEX, {STUB_CTX_BASE - 4, LX_FUTEX_WAKE, 1}},
    {"site_futex", LX_NR_FUTEX, {CTX_END, LX_FUTEX_WAKE, 1}},
    {"site_futex", LX_NR_FUTEX, {GIB4 + STUB_CTX_BASE, LX_FUTEX_WAKE, 1}},
    {"site_futex", LX_NR_FUTEX, {STUB_CTX_BASE, 3, 1, 0, STUB_CTX_BASE}},
    {"site_futex", LX_NR_FUTEX, {STUB_CTX_BASE, 6, 1}},
    {"site_futex", LX_NR_FUTEX, {STUB_CTX_BASE, 128 | LX_FUTEX_WAKE, 1}},
    {"site_futex", LX_NR_FUTEX, {STUB_CTX_BASE, GIB4 | LX_FUTEX_WAKE, 1}},
    {"site_futex", LX_NR_FUTEX, {STUB_CTX_BASE, LX_FUTEX_WAIT, 9, ADDR}},

    /* clone: other flags, other stacks, words to be written. */
    {"site_clone", LX_NR_CLONE, {LX_SIGCHLD, 0}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS | LX_SIGCHLD, STACK1}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS | LX_CLONE_PARENT, STACK1}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS & ~LX_CLONE_FILES, STACK1}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS | LX_CLONE_SETTLS, STACK1}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS | 0x10000000, STACK1}},
    {"site_clone", LX_NR_CLONE, {GIB4 | THREAD_FLAGS, STACK1}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS, 0}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS, DATA}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS, STACK1 - 8}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS, STACK1 + 8}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS, STUB_TEXT_BASE + 0xffe0}},
    {"site_clone", LX_NR_CLONE,
	{THREAD_FLAGS, STUB_CTX_BASE - CTX_STRIDE + THREAD_STACK_OFF}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS, CTX_END + THREAD_STACK_OFF}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS, STACK1, DATA}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS, STACK1, 0, DATA}},
    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS, STACK1, 0, 0, DATA}},

    /* The first calls of a thread: words outside of the contexts. */
    {"site_sigaltstack", LX_NR_SIGALTSTACK, {DATA}},
    {"site_sigaltstack", LX_NR_SIGALTSTACK, {0}},
    {"site_sigaltstack", LX_NR_SIGALTSTACK, {STUB_CTX_BASE, DATA}},
    {"site_sigprocmask", LX_NR_RT_SIGPROCMASK,
	{LX_SIG_SETMASK, DATA, 0, LX_SIGSET_SIZE}},
    {"site_sigprocmask", LX_NR_RT_SIGPROCMASK,
	{LX_SIG_SETMASK, STUB_CTX_BASE, DATA, LX_SIGSET_SIZE}},
    {"site_sigprocmask", LX_NR_RT_SIGPROCMASK,
	{LX_SIG_BLOCK, STUB_CTX_BASE, 0, LX_SIGSET_SIZE}},
    {"site_sigprocmask", LX_NR_RT_SIGPROCMASK,
	{LX_SIG_SETMASK, STUB_CTX_BASE, 0, 16}},

    /* The last calls of the start: other ranges. */
    {"site_finish1", LX_NR_MUNMAP, {STUB_TEXT_BASE, PAGE_SIZE}},
    {"site_finish1", LX_NR_MUNMAP, {STUB_CTX_BASE, CTX_STRIDE}},
    {"site_finish1", LX_NR_MUNMAP, {ADDR, PAGE_SIZE}},
    {"site_finish1", LX_NR_MUNMAP, {0, NEG(PAGE_SIZE)}},
    {"site_finish2", LX_NR_MUNMAP, {STUB_TEXT_BASE, PAGE_SIZE}},
    {"site_finish2", LX_NR_MUNMAP, {STUB_CTX_BASE, CTX_STRIDE}},
    {"site_finish2", LX_NR_MUNMAP, {STUB_INIT_BASE, STUB_INIT_SIZE + 1}},
};

/* What the host is to be asked to do; `arg` as the stub uses it. */
static const struct attempt permitted[] = {
    {"site_mmap", LX_NR_MMAP, {ADDR, PAGE_SIZE, RWX, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED | LX_MAP_POPULATE, 3}},
    {"site_mmap", LX_NR_MMAP,
	{STUB_GUEST_MIN, PAGE_SIZE, RW, MAP_SHARED_FIXED, 3}},
    {"site_mmap", LX_NR_MMAP,
	{STUB_GUEST_END - PAGE_SIZE, PAGE_SIZE, RW, MAP_SHARED_FIXED, 3}},
    {"site_mprotect", LX_NR_MPROTECT, {ADDR, PAGE_SIZE, LX_PROT_READ}},
    {"site_munmap", LX_NR_MUNMAP, {ADDR, PAGE_SIZE}},
    {"site_munmap", LX_NR_MUNMAP, {ADDR, GIB4 - PAGE_SIZE}},
    {"site_futex", LX_NR_FUTEX,
	{STUB_CTX_BASE + CTX_STRIDE, LX_FUTEX_WAKE, 1}},
    {"site_futex", LX_NR_FUTEX, {CTX_END - 4, LX_FUTEX_WAKE, 1}},
};
/* clang-format on */

static enum site_result
try(struct env *e, struct cpu_thread *ct, const struct attempt *a,
    int64_t *value)
{
	return (site_call(e, ct, site_address(a->site), a->nr, a->arg, value));
}

/* Each forbidden argument raises SIGSYS at the site. */
static void
test_forbidden_arguments_trap(void **state)
{
	struct cpu_thread *ct = site_thread(*state);
	const struct attempt *a;
	unsigned bad = 0;
	int64_t value;

	for (unsigned i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		a = &refused[i];
		if (try(*state, ct, a, &value) == SITE_TRAPPED)
			continue;
		print_error("row %u: %s, call %lu (%#lx %#lx %#lx %#lx %#lx "
			    "%#lx) is not refused\n",
		    i, a->site, a->nr, a->arg[0], a->arg[1], a->arg[2],
		    a->arg[3], a->arg[4], a->arg[5]);
		bad++;
		/* The stub may be dead, or what it was no longer. */
		cpu_thread_destroy(ct);
		ct = site_thread(*state);
	}
	cpu_thread_destroy(ct);
	assert_int_equal(bad, 0);
}

/* The arguments that the stub itself uses reach the host. */
static void
test_permitted_arguments_pass(void **state)
{
	struct cpu_thread *ct = site_thread(*state);
	const struct attempt *a;
	int64_t value;

	for (unsigned i = 0; i < sizeof(permitted) / sizeof(*permitted); i++) {
		a = &permitted[i];
		assert_int_equal(try(*state, ct, a, &value), SITE_RETURNED);
		assert_int_equal(
		    value, a->nr == LX_NR_MMAP ? (int64_t)a->arg[0] : 0);
	}
	cpu_thread_destroy(ct);
}

/* Where user code can change its segment bases itself, arch_prctl is refused;
 * elsewhere it sets these two registers and nothing else. */
static void
test_arch_prctl_sets_bases_only(void **state)
{
	const uint64_t site = site_address("site_arch_prctl");
	const uint64_t codes[] = {LX_ARCH_SET_FS, LX_ARCH_SET_GS, 0x1003,
	    0x1004, 0x1011, 0x1012, 0x1023, 0x4001, GIB4 | LX_ARCH_SET_FS};
	struct env *e = *state;
	struct cpu_thread *ct = site_thread(e);
	int64_t value;

	for (unsigned i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		const uint64_t arg[6] = {codes[i], DATA};
		bool may = i < 2 && !e->sm->fsgsbase;

		assert_int_equal(
		    site_call(e, ct, site, LX_NR_ARCH_PRCTL, arg, &value),
		    may ? SITE_RETURNED : SITE_TRAPPED);
	}
	cpu_thread_destroy(ct);
}

/* A permitted call at another address is a call of the guest. */
static void
test_sites_are_exact(void **state)
{
	struct cpu_thread *ct = site_thread(*state);
	const struct attempt *a = &permitted[0];
	int64_t value;

	assert_int_equal(site_call(*state, ct, site_address("site_munmap"),
			     a->nr, a->arg, &value),
	    SITE_TRAPPED);
	/* The parking loop's system call is at no site. */
	assert_int_equal(site_call(*state, ct, site_address("stub_park") + 7,
			     a->nr, a->arg, &value),
	    SITE_TRAPPED);
	cpu_thread_destroy(ct);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    STUB_TEST(test_forbidden_arguments_trap),
	    STUB_TEST(test_permitted_arguments_pass),
	    STUB_TEST(test_arch_prctl_sets_bases_only),
	    STUB_TEST(test_sites_are_exact),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
