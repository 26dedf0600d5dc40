/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: user code that blocks its interrupt is killed, and a stub
 * that is only slow is not.
 *
 * The watchdog, which ends any silence after a time, is off where user code is
 * to be killed for what it does, and short where a slow stub is to survive.
 *
 * Limits: a test that waits for a kill that does not come is ended by the test
 * runner's time limit.
 */

#include "stub_hooks.h"

#include <elf.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEVER_NS (UINT64_MAX / 2)
#define DEAF_OFF 0xf00 /* in the data page */
#define MANY 0x10000000UL
#define SPINNERS 8

static const uint8_t code_spin[] = {0xeb, 0xfe};
/* What deaf code does: for ever, compute; wake the kernel's thread; sleep. */
static const uint8_t do_spin[] = {0xeb, 0xfe};
/* mov %r12,%rdi; mov $1,%esi; mov $1,%edx; call *%r13; jmp back */
static const uint8_t do_wake[] = {0x4c, 0x89, 0xe7, 0xbe, 1, 0, 0, 0, 0xba, 1,
    0, 0, 0, 0x41, 0xff, 0xd5, 0xeb, 0xee};
/* mov %r12,%rdi; xor %esi,%esi; mov $3,%edx; xor %ecx,%ecx; call *%r13; jmp
 * back */
static const uint8_t do_sleep[] = {0x4c, 0x89, 0xe7, 0x31, 0xf6, 0xba, 3, 0, 0,
    0, 0x31, 0xc9, 0x41, 0xff, 0xd5, 0xeb, 0xef};

/* Address of a piece of the stub's permanent text. */
static uint64_t
stub_text_find(const void *piece, size_t len)
{
	extern const char stub_image[], stub_image_end[];
	const Elf64_Ehdr *eh = (const void *)stub_image;
	const Elf64_Phdr *ph = (const void *)(stub_image + eh->e_phoff);
	const char *at;

	for (unsigned i = 0; i < eh->e_phnum; i++, ph++) {
		if (ph->p_type != PT_LOAD || ph->p_vaddr != STUB_TEXT_BASE)
			continue;
		assert_true(
		    stub_image + ph->p_offset + ph->p_filesz <= stub_image_end);
		at =
		    memmem(stub_image + ph->p_offset, ph->p_filesz, piece, len);
		if (at != NULL)
			return (STUB_TEXT_BASE +
				(uint64_t)(at - (stub_image + ph->p_offset)));
	}
	fail_msg("the stub's text has changed");
	return (0);
}

/* ---- deaf user code ---- */

static volatile char *
deaf_mark(void)
{
	return ((char *)vm_page_ptr(E->sys.phys, E->data) + DEAF_OFF);
}

/* User code that returns from a forged signal frame with all signals blocked,
 * writes that it has done so, and then runs `then`. */
static struct cpu_thread *
start_deaf(const uint8_t *then, size_t len)
{
	/* mov (%rsp),%rcx; jmp *%rax; movb $1,(%rsp) */
	uint8_t code[64] = {
	    0x48, 0x8b, 0x0c, 0x24, 0xff, 0xe0, 0xc6, 0x04, 0x24, 1};
	static const uint8_t restorer[] = {0xb8, 15, 0, 0, 0, 0x0f, 0x05};
	/* mov %rcx,%r10; mov $202,%eax; syscall */
	static const uint8_t futex[] = {
	    0x49, 0x89, 0xca, 0xb8, 202, 0, 0, 0, 0x0f, 0x05};
	struct lx_ucontext *f = vm_page_ptr(E->sys.phys, E->data);
	struct cpu_thread *ct;

	memcpy(code + 10, then, len);
	ct = start(E, code, sizeof(code));
	cpu_interrupt(ct);
	assert_int_equal(run(ct), CPU_EV_INTERRUPT);
	memset(f, 0, PAGE_SIZE);
	f->mc.rip = CODE + 6;
	f->mc.cs = LX_USER_CS;
	f->mc.ss = LX_USER_DS;
	f->mc.rsp = DATA + DEAF_OFF;
	f->mc.rflags = 0x202;
	f->sigmask = UINT64_MAX;
	f->stack.sp = STUB_CTX_BASE + CTX_STACK_OFF;
	f->stack.size = CTX_STACK_SIZE;
	f->mc.r12 = STUB_CTX_BASE;
	f->mc.r13 = stub_text_find(futex, sizeof(futex));
	map_data(E, VM_PROT_READ | VM_PROT_WRITE);
	ct->tf.rsp = DATA;
	ct->tf.rax = stub_text_find(restorer, sizeof(restorer));
	return (ct);
}

static void
interrupt_deaf(void *arg)
{
	while (*deaf_mark() == 0)
		host_sleep_ns(MS);
	host_sleep_ns(20 * MS);
	cpu_interrupt(arg);
}

/* As pageout does. */
static void
remove_from_deaf(void *arg)
{
	(void)arg;
	while (*deaf_mark() == 0)
		host_sleep_ns(MS);
	host_sleep_ns(20 * MS);
	pmap_remove(E->pm, CODE, CODE + PAGE_SIZE);
	(void)pmap_sync_start(E->pm);
	pmap_sync(E->pm);
}

static void
run_deaf(const uint8_t *then, size_t len, void (*other)(void *))
{
	struct cpu_thread *ct = start_deaf(then, len);
	struct host_thread *t;

	atomic_store(&E->sm->watchdog_ns, NEVER_NS);
	assert_int_equal(host_thread_create(&t, "other", other, ct), 0);
	assert_int_equal(run(ct), CPU_EV_DEAD);
	host_thread_join(t);
	cpu_thread_destroy(ct);
}

/* User code that blocks its interrupt is killed for that, without the watchdog:
 * while it computes, wakes the kernel's thread again and again, or sleeps. */
static void
test_deaf_is_killed(void **state)
{
	(void)state;
	run_deaf(do_spin, sizeof(do_spin), interrupt_deaf);
	run_deaf(do_wake, sizeof(do_wake), interrupt_deaf);
	run_deaf(do_sleep, sizeof(do_sleep), interrupt_deaf);
}

static void
test_deaf_does_not_hold_sync(void **state)
{
	(void)state;
	run_deaf(do_spin, sizeof(do_spin), remove_from_deaf);
	run_deaf(do_sleep, sizeof(do_sleep), remove_from_deaf);
}

/* ---- slow stubs ---- */

static struct cpu_thread *T;
static _Atomic(bool) stop; /* the load ends */
static _Atomic(bool) done; /* nothing runs that must be interrupted */

static void
spin(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop))
		continue;
}

static void
interrupt_often(void *arg)
{
	const uint64_t *pause = arg;

	while (!atomic_load(&done)) {
		cpu_interrupt(T);
		host_sleep_ns(*pause);
	}
}

static void
stop_later(void *arg)
{
	const uint64_t *ns = arg;

	host_sleep_ns(*ns);
	atomic_store(&stop, true);
}

/* Threads that compute on all CPUs, one that interrupts T, and one that ends
 * them after some time. */
struct load {
	struct host_thread *spinner[SPINNERS], *interrupter, *clock;
};

static void
load_start(struct load *ld, uint64_t *pause, uint64_t *ns)
{
	atomic_store(&stop, false);
	atomic_store(&done, false);
	for (unsigned i = 0; i < SPINNERS; i++)
		assert_int_equal(
		    host_thread_create(&ld->spinner[i], "spin", spin, NULL), 0);
	assert_int_equal(
	    host_thread_create(&ld->interrupter, "int", interrupt_often, pause),
	    0);
	assert_int_equal(
	    host_thread_create(&ld->clock, "clock", stop_later, ns), 0);
}

static void
load_end(struct load *ld)
{
	atomic_store(&done, true);
	for (unsigned i = 0; i < SPINNERS; i++)
		host_thread_join(ld->spinner[i]);
	host_thread_join(ld->interrupter);
	host_thread_join(ld->clock);
}

/* Change pages that do not follow each other, so that each is an operation. */
static void
queue_operations(unsigned round)
{
	for (unsigned i = 0; i < CTX_NOPS; i++)
		assert_int_equal(pmap_enter(E->pm, MANY + i * 2 * PAGE_SIZE,
				     round % 2 + i * 2, 1, VM_PROT_READ),
		    0);
}

/* Honest user code survives any number of interrupts, however long it waits for
 * a CPU, and however many operations it has to carry out. */
static void
test_busy_is_not_killed(void **state)
{
	uint64_t pause = MS, ns = 1500 * MS;
	struct load ld;
	unsigned n = 0;

	T = start(*state, code_spin, sizeof(code_spin));
	atomic_store(&E->sm->watchdog_ns, SHORT_NS);
	load_start(&ld, &pause, &ns);
	while (!atomic_load(&stop)) {
		if (n % 4 == 0)
			queue_operations(n / 4);
		assert_int_equal(run(T), CPU_EV_INTERRUPT);
		n++;
	}
	load_end(&ld);
	assert_true(n > 10);
	cpu_thread_destroy(T);
}

/* A stub thread that gets no CPU for longer than the watchdog's time, because
 * the host has others to run, is not killed. */
static void
test_starved_is_not_killed(void **state)
{
	const struct sched_param none = {0};
	uint64_t pause = MS, ns = 1500 * MS;
	struct load ld;

	T = start(*state, code_spin, sizeof(code_spin));
	cpu_interrupt(T);
	assert_int_equal(run(T), CPU_EV_INTERRUPT);
	assert_int_equal(
	    sched_setscheduler(machine_of(T)->tid, SCHED_IDLE, &none), 0);
	atomic_store(&E->sm->watchdog_ns, 20 * MS);
	load_start(&ld, &pause, &ns);
	while (!atomic_load(&stop))
		assert_int_equal(run(T), CPU_EV_INTERRUPT);
	load_end(&ld);
	cpu_thread_destroy(T);
}

static void
debug_for_long(void *arg)
{
	struct stub_cpu *sc = machine_of(T);
	int status, tid = sc->tid;

	(void)arg;
	while (atomic_load(&sc->ctx->state) != CTX_USER)
		host_sleep_ns(MS);
	assert_int_equal(ptrace(PTRACE_SEIZE, tid, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
	assert_int_equal(waitpid(tid, &status, __WALL), tid);
	cpu_interrupt(T);
	host_sleep_ns(3 * SHORT_NS);
	assert_false(atomic_load(&sc->stub->dead));
	assert_int_equal(ptrace(PTRACE_DETACH, tid, NULL, NULL), 0);
}

/* A debugger may stop a stub as long as it likes. */
static void
test_debugged_is_not_killed(void **state)
{
	struct host_thread *t;

	/* Stubs are not dumpable: only root may trace them. */
	if (geteuid() != 0)
		skip();
	T = start(*state, code_spin, sizeof(code_spin));
	cpu_interrupt(T);
	assert_int_equal(run(T), CPU_EV_INTERRUPT);
	atomic_store(&E->sm->watchdog_ns, SHORT_NS);
	assert_int_equal(
	    host_thread_create(&t, "debugger", debug_for_long, NULL), 0);
	assert_int_equal(run(T), CPU_EV_INTERRUPT);
	host_thread_join(t);
	cpu_thread_destroy(T);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HOOK_TEST(test_deaf_is_killed),
	    HOOK_TEST(test_deaf_does_not_hold_sync),
	    HOOK_TEST(test_busy_is_not_killed),
	    HOOK_TEST(test_starved_is_not_killed),
	    HOOK_TEST(test_debugged_is_not_killed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
