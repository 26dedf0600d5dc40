/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine and hostile guests: overwritten contexts, stopped stubs,
 * operations that fail, and other threads that change translations between two
 * steps of cpu_run().  Stubs that do not answer are in test_stub_deaf.c.
 *
 * Each test produces its case by a hook (stub_hooks.h) or by user code.  It
 * then checks that the right event is reported, and that no removed translation
 * is in use after pmap_sync().
 *
 * Limits: the watchdog's time is short, but no test depends on speed to pass;
 * the test runner's time limit ends a test that hangs.
 */

#include "stub_hooks.h"

#include <errno.h>

#define BIG 0x10000000UL
#define BIG_PAGES                                                  \
	2048 /* so many removed make the machine take a fresh stub \
	      */

/* mov $39,%eax; syscall; jmp back */
static const uint8_t code_syscall[] = {
    0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7};
/* mov (%rsi),%rbx; syscall; jmp . */
static const uint8_t code_load[] = {0x48, 0x8b, 0x1e, 0x0f, 0x05, 0xeb, 0xfe};
/* mov (%rsi),%rbx; jmp back */
static const uint8_t code_loads[] = {0x48, 0x8b, 0x1e, 0xeb, 0xfb};
static const uint8_t code_spin[] = {0xeb, 0xfe};
/* mov %fs:0,%rbx; mov %gs:0,%rdx; syscall; jmp back */
static const uint8_t code_bases[] = {0x64, 0x48, 0x8b, 0x1c, 0x25, 0, 0, 0, 0,
    0x65, 0x48, 0x8b, 0x14, 0x25, 0, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xea};

/* Arguments of the hooks. */
static struct cpu_thread *T;
static struct stub_cpu *victim;
static int forged_tid;

/* ---- helpers ---- */

static void
await(const _Atomic(int) *what)
{
	while (atomic_load(what) == 0)
		host_sleep_ns(MS);
}

/* Two threads bound to the same stub. */
static struct cpu_thread *
start_two(const void *code, size_t len, struct cpu_thread **second)
{
	struct cpu_thread *ct = start(E, code, len);

	cpu_interrupt(ct);
	assert_int_equal(run(ct), CPU_EV_INTERRUPT);
	assert_int_equal(cpu_thread_create(&cpu_stub_ops, E->sm, second), 0);
	(*second)->tf = ct->tf;
	assert_int_equal(cpu_share(*second, ct), 0);
	return (ct);
}

/* A large removal, for another thread to run. */
static void
remove_big(void *arg)
{
	(void)arg;
	pmap_remove(E->pm, BIG, BIG + BIG_PAGES * PAGE_SIZE);
	pmap_sync(E->pm);
}

static void
sync_only(void *arg)
{
	(void)arg;
	pmap_sync(E->pm);
}

static void
in_other_thread(void (*fn)(void *))
{
	struct host_thread *t;

	assert_int_equal(host_thread_create(&t, "third party", fn, NULL), 0);
	host_thread_join(t);
}

static void
map_big(void)
{
	assert_int_equal(pmap_enter(E->pm, BIG, 0, BIG_PAGES, VM_PROT_READ), 0);
}

/* ---- fresh stubs ---- */

static void
other_thread_removes(struct stub_cpu *sc)
{
	(void)sc;
	atomic_store(&before_enter, NULL);
	in_other_thread(remove_big);
}

/*
 * After cpu_run() has checked whether a fresh stub is needed, and before it
 * enters user code, another thread removes so much that one is needed: after
 * that thread's pmap_sync() user code must not read what was removed.
 */
static void
test_remove_before_enter(void **state)
{
	struct cpu_thread *ct = start(*state, code_load, sizeof(code_load));

	for (int i = 0; i < 5; i++) {
		map_big();
		ct->tf.rsi = BIG + 5 * PAGE_SIZE;
		ct->tf.rip = CODE;
		assert_int_equal(run(ct), CPU_EV_SYSCALL);
		ct->tf.rip = CODE;
		atomic_store(&before_enter, other_thread_removes);
		assert_int_equal(run(ct), CPU_EV_FAULT);
		assert_int_equal(ct->tf.rip, CODE);
	}
	cpu_thread_destroy(ct);
}

static void
interrupt_moving(void)
{
	atomic_store(&after_get, NULL);
	cpu_interrupt(T);
}

/* An interrupt during the move to a fresh stub is not lost. */
static void
test_interrupt_while_moving(void **state)
{
	T = start(*state, code_spin, sizeof(code_spin));
	for (int i = 0; i < 5; i++) {
		cpu_interrupt(T);
		assert_int_equal(run(T), CPU_EV_INTERRUPT);
		map_big();
		remove_big(NULL);
		atomic_store(&after_get, interrupt_moving);
		assert_int_equal(run(T), CPU_EV_INTERRUPT);
		assert_null(atomic_load(&after_get));
	}
	cpu_thread_destroy(T);
}

/* The guest overwrites the frame's pointer to the extended state.  With a
 * rebuild and without, the result is an event or the death of the stub. */
static void
test_overwritten_fpstate(void **state)
{
	const uint64_t end = STUB_CTX_BASE + CTX_STRIDE;
	const uint64_t bad[] = {0, 1, CODE, STUB_CTX_BASE, end - 8, end,
	    end - 4096 + 4, STUB_TEXT_BASE, UINT64_MAX, UINT64_MAX - 7};
	struct cpu_thread *ct;
	struct cpu_event ev;

	for (unsigned i = 0; i < 2 * sizeof(bad) / sizeof(bad[0]); i++) {
		ct = start(*state, code_syscall, sizeof(code_syscall));
		assert_int_equal(run(ct), CPU_EV_SYSCALL);
		if (i & 1) {
			map_big();
			remove_big(NULL);
		}
		machine_of(ct)->frame->mc.fpstate = bad[i / 2];
		assert_int_equal(cpu_run(ct, E->pm, &ev), 0);
		assert_true(!(i & 1) || ev.type == CPU_EV_DEAD);
		cpu_thread_destroy(ct);
	}
}

/* ---- no answer ---- */

struct runner {
	struct cpu_thread *ct;
	enum cpu_event_type last;
	int error;
	bool once;
};

/* Run once, or until the event is neither a system call nor an interrupt. */
static void
runner_main(void *arg)
{
	struct runner *r = arg;
	struct cpu_event ev = {.type = CPU_EV_SYSCALL};

	do
		r->error = cpu_run(r->ct, E->pm, &ev);
	while (!r->once && r->error == 0 &&
	       (ev.type == CPU_EV_SYSCALL || ev.type == CPU_EV_INTERRUPT));
	r->last = ev.type;
}

static void
note_call(struct stub_cpu *sc)
{
	if (sc == victim)
		atomic_fetch_add(&calls, 1);
}

/* A stopped stub does not carry out its operations.  The thread that posted
 * them waits; pmap_sync() of another thread does not. */
static void
test_stopped_in_flush(void **state)
{
	struct runner r = {0};
	struct cpu_thread *second;
	struct host_thread *t;

	(void)state;
	r.ct = start_two(code_syscall, sizeof(code_syscall), &second);
	victim = machine_of(r.ct);
	map_data(E, VM_PROT_READ);
	host_kill(victim->stub->pid, HOST_SIGSTOP);
	atomic_store(&before_post, note_call);
	assert_int_equal(host_thread_create(&t, "lwp", runner_main, &r), 0);
	await(&calls);
	host_sleep_ns(20 * MS);
	if (E->sm->isolates) /* it waits until the stub has ended */
		atomic_store(&E->sm->watchdog_ns, SHORT_NS);
	in_other_thread(sync_only);
	assert_int_equal(atomic_load(&victim->stub->dead), E->sm->isolates);
	atomic_store(&E->sm->watchdog_ns, SHORT_NS);
	host_thread_join(t);
	atomic_store(&before_post, NULL);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.last, CPU_EV_DEAD);
	cpu_thread_destroy(second);
	cpu_thread_destroy(r.ct);
}

/* When kernel process and stub were stopped together for long, the stub is not
 * killed. */
static void
test_stopped_together(void **state)
{
	struct runner r = {.once = true};
	struct cpu_thread *second;
	struct host_thread *t;

	(void)state;
	r.ct = start_two(code_syscall, sizeof(code_syscall), &second);
	victim = machine_of(r.ct);
	map_data(E, VM_PROT_READ);
	host_kill(victim->stub->pid, HOST_SIGSTOP);
	atomic_store(&before_post, note_call);
	assert_int_equal(host_thread_create(&t, "lwp", runner_main, &r), 0);
	await(&calls);
	host_sleep_ns(100 * MS); /* the first check */
	atomic_store(&clock_skew, 10 * STUB_WATCHDOG_NS);
	host_sleep_ns(700 * MS); /* and the second */
	host_kill(victim->stub->pid, HOST_SIGCONT);
	host_thread_join(t);
	atomic_store(&before_post, NULL);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.last, CPU_EV_SYSCALL);
	cpu_thread_destroy(second);
	cpu_thread_destroy(r.ct);
}

static void
remove_data(void *arg)
{
	(void)arg;
	pmap_remove(E->pm, DATA, DATA + PAGE_SIZE);
	pmap_sync(E->pm);
}

/* A stub that was stopped in user code delays pmap_sync() of another thread
 * until the watchdog kills the stub. */
static void
test_stopped_in_user(void **state)
{
	struct runner r = {0};
	struct host_thread *t;

	r.ct = start(*state, code_loads, sizeof(code_loads));
	r.ct->tf.rsi = DATA;
	victim = machine_of(r.ct);
	map_data(E, VM_PROT_READ);
	cpu_interrupt(r.ct);
	assert_int_equal(run(r.ct), CPU_EV_INTERRUPT);
	atomic_store(&before_post, note_call);
	assert_int_equal(host_thread_create(&t, "lwp", runner_main, &r), 0);
	await(&calls);
	while (atomic_load(&victim->ctx->state) != CTX_USER)
		host_sleep_ns(MS);
	host_kill(victim->stub->pid, HOST_SIGSTOP);
	atomic_store(&E->sm->watchdog_ns, SHORT_NS);
	in_other_thread(remove_data);
	assert_true(atomic_load(&victim->stub->dead));
	host_thread_join(t);
	atomic_store(&before_post, NULL);
	assert_int_equal(r.error, 0);
	assert_int_equal(r.last, CPU_EV_DEAD);
	cpu_thread_destroy(r.ct);
}

/* Instead of making a thread, report the id of another thread. */
static void
forge_thread(struct stub_cpu *sc)
{
	struct stub_op *op = (struct stub_op *)((char *)sc->ctx + CTX_OPS_OFF);

	atomic_store(&before_post, NULL);
	op->op = OP_PROTECT;
	op->addr = CODE;
	op->len = 0;
	stub_ctx_at(sc->stub, 1)->tid = (uint32_t)forged_tid;
}

/* A stub reports a thread that it did not make.  An id of another process is
 * refused at once; an id of the stub leads to a context that stays silent. */
static void
test_forged_thread_id(void **state)
{
	struct cpu_thread *ct, *second;

	ct = start(*state, code_syscall, sizeof(code_syscall));
	assert_int_equal(run(ct), CPU_EV_SYSCALL);
	assert_int_equal(cpu_thread_create(&cpu_stub_ops, E->sm, &second), 0);
	forged_tid = host_getpid();
	atomic_store(&before_post, forge_thread);
	assert_int_equal(cpu_share(second, ct), EAGAIN);
	assert_null(atomic_load(&before_post));
	assert_int_equal(atomic_load(&machine_of(ct)->stub->nctx), 1);
	if (E->sm->listens) {
		/* It was to make a thread, and has not. */
		assert_int_equal(run(ct), CPU_EV_DEAD);
		cpu_thread_destroy(second);
		cpu_thread_destroy(ct);
		return;
	}
	assert_int_equal(run(ct), CPU_EV_SYSCALL);

	atomic_store(&E->sm->watchdog_ns, SHORT_NS);
	forged_tid = machine_of(ct)->stub->pid;
	atomic_store(&before_post, forge_thread);
	assert_int_equal(cpu_share(second, ct), EAGAIN);
	assert_int_equal(run(ct), CPU_EV_DEAD);
	cpu_thread_destroy(second);
	cpu_thread_destroy(ct);
}

/* ---- operations that fail ---- */

/* Replace the operations by one with an invalid code. */
static void
refuse(struct stub_cpu *sc)
{
	struct stub_op *op = (struct stub_op *)((char *)sc->ctx + CTX_OPS_OFF);

	if (sc != victim)
		return;
	atomic_fetch_add(&calls, 1);
	memset(op, 0, sizeof(*op));
	sc->ctx->nops = 1;
}

/* A guest reports every operation as failed.  That is an error, both before
 * user code and in a flush, and not a hang. */
static void
test_repeated_refusal_is_error(void **state)
{
	struct cpu_thread *ct, *second;
	struct cpu_event ev;

	ct = start(*state, code_syscall, sizeof(code_syscall));
	assert_int_equal(run(ct), CPU_EV_SYSCALL);
	victim = machine_of(ct);
	atomic_store(&before_post, refuse);
	assert_int_equal(cpu_run(ct, E->pm, &ev), ENOMEM);
	atomic_store(&before_post, NULL);
	assert_true(atomic_load(&E->sm->resets) > 0);
	ct->tf.rip = CODE;
	assert_int_equal(run(ct), CPU_EV_SYSCALL);
	cpu_thread_destroy(ct);

	ct = start_two(code_syscall, sizeof(code_syscall), &second);
	victim = machine_of(ct);
	map_data(E, VM_PROT_READ);
	atomic_store(&before_post, refuse);
	assert_int_equal(cpu_run(ct, E->pm, &ev), ENOMEM);
	atomic_store(&before_post, NULL);
	assert_int_equal(run(ct), CPU_EV_SYSCALL);
	cpu_thread_destroy(second);
	cpu_thread_destroy(ct);
}

/* After a failed flush, pmap_sync() must not return while another thread can
 * still use what was removed. */
static void
test_sync_after_failed_flush(void **state)
{
	struct runner r = {0};
	struct cpu_thread *ct;
	struct stub_pmap *sp = E->pm->md;
	struct host_thread *t;
	uint64_t target;
	bool gone;

	(void)state;
	ct = start_two(code_loads, sizeof(code_loads), &r.ct);
	victim = machine_of(ct);
	r.ct->tf.rsi = DATA;
	map_data(E, VM_PROT_READ);
	assert_int_equal(host_thread_create(&t, "lwp", runner_main, &r), 0);
	while (atomic_load(&machine_of(r.ct)->ctx->state) != CTX_USER)
		host_sleep_ns(MS);
	atomic_store(&before_post, refuse);
	pmap_remove(E->pm, DATA, DATA + PAGE_SIZE);
	kmutex_lock(&E->pm->lock);
	target = sp->qseq;
	kmutex_unlock(&E->pm->lock);
	pmap_sync(E->pm);
	kmutex_lock(&E->pm->lock);
	gone = sp->running == 0 || sp->applied >= target;
	kmutex_unlock(&E->pm->lock);
	assert_true(gone);
	atomic_store(&before_post, NULL);
	assert_true(atomic_load(&calls) > 0);
	host_thread_join(t);
	assert_int_equal(r.last, CPU_EV_FAULT);
	cpu_thread_destroy(r.ct);
	cpu_thread_destroy(ct);
}

/* The host refuses operations: the segment bases that the same command would
 * have loaded are loaded by the next one. */
static void
test_segment_bases_after_refusal(void **state)
{
	struct cpu_thread *ct = start(*state, code_bases, sizeof(code_bases));
	uint64_t *word = vm_page_ptr(E->sys.phys, E->code);

	/* Words of the code page that contain their own address. */
	for (unsigned i = PAGE_SIZE / 16; i < PAGE_SIZE / 8; i++)
		word[i] = CODE + i * 8;
	/* There is no stub yet, so this is not mirrored, and the host will
	 * refuse to protect it. */
	map_data(E, VM_PROT_READ | VM_PROT_WRITE);
	ct->tf.fs_base = CODE + 0x800;
	ct->tf.gs_base = CODE + 0x810;
	assert_int_equal(run(ct), CPU_EV_SYSCALL);
	assert_int_equal(ct->tf.rbx, CODE + 0x800);
	assert_int_equal(ct->tf.rdx, CODE + 0x810);
	pmap_protect(E->pm, DATA, DATA + PAGE_SIZE, VM_PROT_READ);
	ct->tf.fs_base = CODE + 0x820;
	ct->tf.gs_base = CODE + 0x830;
	assert_int_equal(run(ct), CPU_EV_SYSCALL);
	assert_true(atomic_load(&E->sm->resets) > 0);
	assert_int_equal(ct->tf.rbx, CODE + 0x820);
	assert_int_equal(ct->tf.rdx, CODE + 0x830);
	cpu_thread_destroy(ct);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    HOOK_TEST(test_remove_before_enter),
	    HOOK_TEST(test_interrupt_while_moving),
	    HOOK_TEST(test_overwritten_fpstate),
	    HOOK_TEST(test_stopped_in_flush),
	    HOOK_TEST(test_stopped_together),
	    HOOK_TEST(test_stopped_in_user),
	    HOOK_TEST(test_forged_thread_id),
	    HOOK_TEST(test_repeated_refusal_is_error),
	    HOOK_TEST(test_sync_after_failed_flush),
	    HOOK_TEST(test_segment_bases_after_refusal),
	};

	if (env_choose(argc, argv) != 0)
		return (77);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
