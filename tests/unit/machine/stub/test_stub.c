/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine without a kernel: small pieces of machine code, each kind of
 * event, removal of translations, interrupts, shared stubs, a killed stub.
 */

#include "stub_fixture.h"

#include <sched.h>
#include <sys/mount.h>

#include "testchild.h"

#define NOT_PERMITTED 3 /* exit status of a child */

/* mov $39,%eax; syscall; jmp back */
static const uint8_t code_syscall[] = {
    0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7};
/* mov %rax,(%rdi); mov (%rsi),%rbx; syscall; jmp . */
static const uint8_t code_mem[] = {
    0x48, 0x89, 0x07, 0x48, 0x8b, 0x1e, 0x0f, 0x05, 0xeb, 0xfe};
static const uint8_t code_spin[] = {0xeb, 0xfe};
static const uint8_t code_ud2[] = {0x0f, 0x0b};
/* xor %ecx,%ecx; div %ecx */
static const uint8_t code_div[] = {0x31, 0xc9, 0xf7, 0xf1};
/* int $0x80 */
static const uint8_t code_int80[] = {0xcd, 0x80};

static void
test_syscall(void **state)
{
	struct env *e = *state;
	struct cpu_thread *ct = start(e, code_syscall, sizeof(code_syscall));
	struct cpu_event ev;

	ct->tf.fs_base = 0x1234000;
	for (int i = 0; i < 100; i++) {
		ct->tf.rbx = (uint64_t)i * 77;
		assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
		assert_int_equal(ev.type, CPU_EV_SYSCALL);
		assert_int_equal(ct->tf.orig_rax, 39);
		assert_int_equal(ct->tf.rip, CODE + 7);
		assert_int_equal(ct->tf.rbx, (uint64_t)i * 77);
		assert_int_equal(ct->tf.fs_base, 0x1234000);
	}
	cpu_thread_destroy(ct);
}

static void
test_faults(void **state)
{
	struct env *e = *state;
	struct cpu_thread *ct = start(e, code_mem, sizeof(code_mem));
	vm_frame_t f = vm_page_frame(e->sys.phys, e->data);
	struct cpu_event ev;
	uint64_t *p = vm_page_ptr(e->sys.phys, e->data);

	ct->tf.rdi = DATA;
	ct->tf.rsi = DATA;
	ct->tf.rax = 0x42;
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_int_equal(ev.type, CPU_EV_FAULT);
	assert_int_equal(ev.addr, DATA);
	assert_int_equal(ev.access, VM_PROT_WRITE);
	/* A write needs more than a read-only translation. */
	assert_int_equal(pmap_enter(e->pm, DATA, f, 1, VM_PROT_READ), 0);
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_int_equal(ev.type, CPU_EV_FAULT);
	assert_int_equal(ev.access, VM_PROT_WRITE);
	assert_int_equal(
	    pmap_enter(e->pm, DATA, f, 1, VM_PROT_READ | VM_PROT_WRITE), 0);
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_int_equal(ev.type, CPU_EV_SYSCALL);
	assert_int_equal(*p, 0x42);
	assert_int_equal(ct->tf.rbx, 0x42);
	/* Removal and reduction take effect before user code runs again. */
	pmap_protect(e->pm, DATA, DATA + PAGE_SIZE, VM_PROT_READ);
	pmap_sync(e->pm);
	ct->tf.rip = CODE;
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_int_equal(ev.type, CPU_EV_FAULT);
	pmap_remove(e->pm, DATA, DATA + PAGE_SIZE);
	pmap_sync(e->pm);
	ct->tf.rip = CODE + 3;
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_int_equal(ev.type, CPU_EV_FAULT);
	assert_int_equal(ev.access, VM_PROT_READ);
	cpu_thread_destroy(ct);
}

static void
test_exceptions(void **state)
{
	struct env *e = *state;
	struct cpu_thread *ct = start(e, code_ud2, sizeof(code_ud2));
	struct cpu_event ev;

	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_int_equal(ev.type, CPU_EV_EXCEPTION);
	assert_int_equal(ev.signo, 4);
	memcpy(vm_page_ptr(e->sys.phys, e->code), code_div, sizeof(code_div));
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_int_equal(ev.signo, 8);
	assert_int_equal(ct->tf.rip, CODE + 2);
	memcpy(
	    vm_page_ptr(e->sys.phys, e->code), code_int80, sizeof(code_int80));
	ct->tf.rip = CODE;
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_int_equal(ev.type, CPU_EV_EXCEPTION);
	assert_int_equal(ev.signo, 11);
	/* A jump into the stub's own text leads to an event. */
	ct->tf.rip = STUB_TEXT_BASE + 0x800;
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_true(ev.type == CPU_EV_EXCEPTION || ev.type == CPU_EV_FAULT ||
		    ev.type == CPU_EV_SYSCALL || ev.type == CPU_EV_DEAD);
	cpu_thread_destroy(ct);
}

static void
interrupter(void *arg)
{
	struct cpu_thread *ct = arg;

	host_sleep_ns(20000000);
	cpu_interrupt(ct);
}

static void
test_interrupt(void **state)
{
	struct env *e = *state;
	struct cpu_thread *ct = start(e, code_spin, sizeof(code_spin));
	struct host_thread *t;
	struct cpu_event ev;

	for (int i = 0; i < 10; i++) {
		assert_int_equal(
		    host_thread_create(&t, "intr", interrupter, ct), 0);
		assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
		assert_int_equal(ev.type, CPU_EV_INTERRUPT);
		assert_int_equal(ct->tf.rip, CODE);
		host_thread_join(t);
	}
	/* Interrupted before: the next run returns at once. */
	cpu_interrupt(ct);
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_int_equal(ev.type, CPU_EV_INTERRUPT);
	cpu_thread_destroy(ct);
}

static void
remover(void *arg)
{
	struct env *e = arg;

	host_sleep_ns(30000000);
	pmap_remove(e->pm, CODE, CODE + PAGE_SIZE);
	pmap_sync(e->pm);
	/* The frame is free for reuse now: user code must not read this. */
	memset(vm_page_ptr(e->sys.phys, e->code), 0x0b, PAGE_SIZE);
}

/* Another thread removes a translation that running code uses. */
static void
test_shootdown(void **state)
{
	struct env *e = *state;
	struct cpu_thread *ct;
	struct host_thread *t;
	struct cpu_event ev;

	for (int i = 0; i < 10; i++) {
		ct = start(e, code_spin, sizeof(code_spin));
		assert_int_equal(
		    host_thread_create(&t, "remove", remover, e), 0);
		do
			assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
		while (ev.type == CPU_EV_INTERRUPT);
		assert_int_equal(ev.type, CPU_EV_FAULT);
		assert_int_equal(ev.access, VM_PROT_EXECUTE);
		host_thread_join(t);
		cpu_thread_destroy(ct);
	}
}

struct runner {
	struct env *e;
	struct cpu_thread *ct;
	int n;
};

static void
run_syscalls(void *arg)
{
	struct runner *r = arg;
	struct cpu_event ev;

	while (r->n < 200) {
		if (cpu_run(r->ct, r->e->pm, &ev) != 0)
			break;
		if (ev.type == CPU_EV_SYSCALL &&
		    r->ct->tf.rbx == (uint64_t)(uintptr_t)r)
			r->n++;
		else if (ev.type != CPU_EV_INTERRUPT)
			break;
	}
	cpu_unbind(r->ct);
}

static void
test_threads(void **state)
{
	struct env *e = *state;
	struct cpu_thread *ct = start(e, code_syscall, sizeof(code_syscall));
	struct host_thread *t[4];
	struct runner r[4];
	struct cpu_event ev;

	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++) {
			r[i].e = e;
			r[i].n = 0;
			assert_int_equal(
			    cpu_thread_create(&cpu_stub_ops, e->sm, &r[i].ct),
			    0);
			r[i].ct->tf = ct->tf;
			r[i].ct->tf.rbx = (uint64_t)(uintptr_t)&r[i];
			assert_int_equal(cpu_xstate_copy(r[i].ct, ct), 0);
			assert_int_equal(cpu_share(r[i].ct, ct), 0);
		}
		for (int i = 0; i < 4; i++)
			assert_int_equal(host_thread_create(
					     &t[i], "lwp", run_syscalls, &r[i]),
			    0);
		for (int i = 0; i < 4; i++) {
			host_thread_join(t[i]);
			assert_int_equal(r[i].n, 200);
			cpu_thread_destroy(r[i].ct);
		}
	}
	cpu_thread_destroy(ct);
}

static void
killer(void *arg)
{
	int *pid = arg;

	host_sleep_ns(30000000);
	host_kill(*pid, 9);
}

static void
test_killed(void **state)
{
	struct env *e = *state;
	struct cpu_thread *ct = start(e, code_spin, sizeof(code_spin));
	struct host_thread *t;
	struct cpu_event ev;
	int pid;

	cpu_interrupt(ct);
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	pid = ((struct stub_cpu *)ct->md)->stub->pid;
	assert_int_equal(host_thread_create(&t, "kill", killer, &pid), 0);
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_int_equal(ev.type, CPU_EV_DEAD);
	host_thread_join(t);
	cpu_thread_destroy(ct);
	/* The machine is still usable. */
	ct = start(e, code_syscall, sizeof(code_syscall));
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	assert_int_equal(ev.type, CPU_EV_SYSCALL);
	cpu_thread_destroy(ct);
}

static void
test_zygote_killed(void **state)
{
	struct env *e = *state;
	struct cpu_thread *ct;
	struct cpu_event ev;

	for (int i = 0; i < 6; i++) {
		if (i == 1)
			host_kill(e->sm->zygote_pid, 9);
		ct = start(e, code_syscall, sizeof(code_syscall));
		assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
		assert_int_equal(ev.type, CPU_EV_SYSCALL);
		cpu_thread_destroy(ct);
	}
}

static void
vdso_without_procfs(void *arg)
{
	struct vm_system_config cfg = {
	    .host = host_linux(), .mem = 16 << 20, .pmap_ops = &pmap_stub_ops};
	const int user = geteuid() == 0 ? 0 : CLONE_NEWUSER;
	struct stub_machine *sm;
	struct vm_system sys;
	uint64_t vdso;

	if (unshare(CLONE_NEWNS | user) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", "/proc", "tmpfs", 0, NULL) != 0)
		_exit(NOT_PERMITTED);
	if (vm_system_init(&sys, &cfg) != 0 ||
	    stub_machine_create(&sys, env_isolation, &sm) != 0 ||
	    stub_machine_wait(sm) != 0)
		_exit(2);
	vdso = cpu_vdso(&cpu_stub_ops, sm);
	stub_machine_destroy(sm);
	vm_system_destroy(&sys);
	_exit(vdso != 0 ? 0 : 1);
}

/* A confined kernel process reaches no procfs: the zygote finds its vdso. */
static void
test_vdso_without_procfs(void **state)
{
	struct child_end end;

	child_run(vdso_without_procfs, NULL, &end);
	if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == NOT_PERMITTED) {
		printf("the host permits no mount namespace\n");
		skip();
	}
	assert_int_equal(end.status, 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    STUB_TEST(test_syscall),
	    STUB_TEST(test_faults),
	    STUB_TEST(test_exceptions),
	    STUB_TEST(test_interrupt),
	    STUB_TEST(test_shootdown),
	    STUB_TEST(test_threads),
	    STUB_TEST(test_killed),
	    STUB_TEST(test_zygote_killed),
	    cmocka_unit_test(test_vdso_without_procfs),
	};

	if (env_choose(argc, argv) != 0)
		return (77);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
