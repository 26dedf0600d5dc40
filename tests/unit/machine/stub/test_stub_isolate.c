/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Isolation between guest processes: a stub makes exactly the calls that it was
 * ordered to make.  Each test plays a guest that has taken over its stub.  It
 * makes another call, leaves one out or changes one, and its stub is killed.
 *
 * VMSPACE_TEST_LONG=1: 100,000 random attempts.
 */

#include "stub_hooks.h"
#include "stub_sites.h"

#include <errno.h>
#include <stdlib.h>

#include "abi/mman.h"
#include "abi/syscall.h"
#include "machine/stub/program/stub_sys.h"
#include "testrand.h"

#define ADDR 0x600000000000UL
#define RW (LX_PROT_READ | LX_PROT_WRITE)
#define STACK1 (STUB_CTX_BASE + CTX_STRIDE + THREAD_STACK_OFF)

/* mov (%rsi),%rbx; mov $39,%eax; syscall; jmp back */
static const uint8_t code_load_call[] = {
    0x48, 0x8b, 0x1e, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf4};

static unsigned attempts = 2000;
static void (*change)(struct stub_ctx *, struct stub_op *);

static uint64_t
refused_calls(void)
{
	struct stub_machine_stats st;

	stub_machine_stats(E->sm, &st);
	return (st.refused);
}

/* ---- calls that were not ordered ---- */

/* The calls that the filter permits, none of which was ordered. */
static void
test_unordered_call_kills(void **state)
{
	const struct {
		const char *site;
		uint64_t nr, arg[6];
	} call[] = {
	    {"site_mmap", LX_NR_MMAP,
		{ADDR, PAGE_SIZE, RW, MAP_SHARED_FIXED, STUB_FD_ARENA}},
	    {"site_mprotect", LX_NR_MPROTECT, {DATA, PAGE_SIZE, RW}},
	    {"site_munmap", LX_NR_MUNMAP, {DATA, PAGE_SIZE}},
	    {"site_munmap", LX_NR_MUNMAP,
		{STUB_GUEST_MIN, STUB_GUEST_END - STUB_GUEST_MIN}},
	    {"site_clone", LX_NR_CLONE, {THREAD_FLAGS, STACK1}},
	};
	struct cpu_thread *ct;
	int64_t value;

	for (unsigned i = 0; i < sizeof(call) / sizeof(*call); i++) {
		ct = site_thread(*state);
		assert_int_equal(
		    site_call(*state, ct, site_address(call[i].site),
			call[i].nr, call[i].arg, &value),
		    SITE_KILLED);
		cpu_thread_destroy(ct);
		assert_int_equal(refused_calls(), i + 1);
	}
}

/* A random call that the filter permits. */
static enum site_result
random_call(struct cpu_thread *ct, uint64_t *r)
{
	static const char *const site[] = {
	    "site_mmap", "site_mprotect", "site_munmap", "site_clone"};
	static const uint64_t nr[] = {
	    LX_NR_MMAP, LX_NR_MPROTECT, LX_NR_MUNMAP, LX_NR_CLONE};
	unsigned i = (unsigned)rnd_below(r, 4);
	uint64_t arg[6] = {0};
	int64_t value;

	arg[0] = STUB_GUEST_MIN + rnd_below(r, ADDR) / PAGE_SIZE * PAGE_SIZE;
	if (rnd_below(r, 4) == 0)
		arg[0] = DATA;
	arg[1] = PAGE_SIZE * (1 + rnd_below(r, 64));
	arg[2] = rnd_below(r, 8);
	arg[3] = MAP_SHARED_FIXED;
	if (rnd_below(r, 2) == 0)
		arg[3] |= LX_MAP_POPULATE;
	arg[4] = STUB_FD_ARENA;
	arg[5] = rnd_below(r, 16 << 20) / PAGE_SIZE * PAGE_SIZE;
	if (i == 3) {
		memset(arg, 0, sizeof(arg));
		arg[0] = THREAD_FLAGS;
		arg[1] = STUB_CTX_BASE + rnd_below(r, 512) * CTX_STRIDE +
			 THREAD_STACK_OFF;
	}
	return (site_call(E, ct, site_address(site[i]), nr[i], arg, &value));
}

/* None of many random calls is made, and another process goes on beside. */
static void
test_random_calls_kill(void **state)
{
	struct cpu_thread *ct, *other;
	uint64_t r = 11;
	struct pmap *pm;
	struct cpu_event ev;

	assert_int_equal(
	    pmap_create(&E->sys, E->sys.pmap_ops, E->sys.machine, &pm), 0);
	assert_int_equal(cpu_thread_create(&cpu_stub_ops, E->sm, &other), 0);
	for (unsigned i = 0; i < attempts; i++) {
		ct = site_thread(*state);
		assert_int_equal(random_call(ct, &r), SITE_KILLED);
		cpu_thread_destroy(ct);
		if (i % 64 != 0)
			continue;
		/* A process without memory: the fault shows that it runs. */
		other->tf.rip = CODE;
		assert_int_equal(cpu_run(other, pm, &ev), 0);
		assert_int_equal(ev.type, CPU_EV_FAULT);
	}
	assert_int_equal(refused_calls(), attempts);
	cpu_thread_destroy(other);
	pmap_destroy(pm);
}

/* ---- calls that were ordered, and not made ---- */

static void
change_ops(struct stub_cpu *sc)
{
	if (sc->ctx->nops == 0)
		return;
	atomic_store(&before_post, NULL);
	atomic_fetch_add(&calls, 1);
	change(sc->ctx, (struct stub_op *)((char *)sc->ctx + CTX_OPS_OFF));
}

static void
leave_out(struct stub_ctx *c, struct stub_op *op)
{
	(void)op;
	c->nops = 0;
}

static void
leave_out_last(struct stub_ctx *c, struct stub_op *op)
{
	(void)op;
	c->nops--;
}

static void
other_frame(struct stub_ctx *c, struct stub_op *op)
{
	(void)c;
	op->off += PAGE_SIZE;
}

static void
other_address(struct stub_ctx *c, struct stub_op *op)
{
	(void)c;
	op->addr += PAGE_SIZE;
}

static void
more_pages(struct stub_ctx *c, struct stub_op *op)
{
	(void)c;
	op->len += PAGE_SIZE;
}

static void
more_rights(struct stub_ctx *c, struct stub_op *op)
{
	(void)c;
	op->prot |= LX_PROT_WRITE;
}

static void
one_twice(struct stub_ctx *c, struct stub_op *op)
{
	memcpy(&op[c->nops], &op[0], sizeof(*op));
	c->nops++;
}

/* Map, remove or protect the data page, and change what the stub makes of it.
 */
static void
run_changed(void (*fn)(struct stub_ctx *, struct stub_op *), int what)
{
	struct cpu_thread *ct =
	    start(E, code_load_call, sizeof(code_load_call));
	uint64_t before = refused_calls();

	ct->tf.rsi = DATA;
	map_data(E, what == OP_PROTECT ? RW : VM_PROT_READ);
	if (what != OP_MAP) {
		assert_int_equal(run(ct), CPU_EV_SYSCALL);
		if (what == OP_UNMAP)
			pmap_remove(E->pm, DATA, DATA + PAGE_SIZE);
		else
			pmap_protect(
			    E->pm, DATA, DATA + PAGE_SIZE, VM_PROT_READ);
	}
	change = fn;
	atomic_store(&calls, 0);
	atomic_store(&before_post, change_ops);
	assert_int_equal(run(ct), CPU_EV_DEAD);
	assert_int_equal(atomic_load(&calls), 1);
	assert_true(fn == leave_out || fn == leave_out_last ||
		    refused_calls() == before + 1);
	cpu_thread_destroy(ct);
	pmap_remove(E->pm, DATA, DATA + PAGE_SIZE);
}

static void
test_changed_operation_kills(void **state)
{
	static const int what[] = {OP_MAP, OP_UNMAP, OP_PROTECT};

	(void)state;
	for (unsigned i = 0; i < sizeof(what) / sizeof(*what); i++) {
		run_changed(leave_out, what[i]);
		run_changed(leave_out_last, what[i]);
		run_changed(other_address, what[i]);
		run_changed(more_pages, what[i]);
		/* A call that a signal interrupts is asked for twice. */
		if (what[i] != OP_MAP)
			run_changed(one_twice, what[i]);
	}
	run_changed(other_frame, OP_MAP);
	run_changed(more_rights, OP_MAP);
	run_changed(more_rights, OP_PROTECT);
}

/* ---- a thread that only seems to be parked ---- */

/*
 * mov (%rsi),%rbx; mov $39,%eax; syscall; movl $CTX_EVENT,(%r12); then count at
 * 0xf00(%r12) for as long as (%rsi) can be read.
 */
static const uint8_t code_feign[] = {0x48, 0x8b, 0x1e, 0xb8, 39, 0, 0, 0, 0x0f,
    0x05, 0x41, 0xc7, 0x04, 0x24, CTX_EVENT, 0, 0, 0, 0x48, 0x8b, 0x1e, 0x49,
    0xff, 0x84, 0x24, 0, 0x0f, 0, 0, 0xeb, 0xf3};
#define COUNT_OFF 0xf00

static void
remove_data(void *arg)
{
	(void)arg;
	pmap_remove(E->pm, DATA, DATA + PAGE_SIZE);
	pmap_sync(E->pm);
}

/* A thread that reads the data page, although it has reported an event. */
static struct cpu_thread *
start_feigning(void)
{
	struct cpu_thread *ct = start(E, code_feign, sizeof(code_feign));

	atomic_store(&E->sm->watchdog_ns, SHORT_NS);
	ct->tf.rsi = DATA;
	ct->tf.r12 = STUB_CTX_BASE;
	map_data(E, VM_PROT_READ);
	assert_int_equal(run(ct), CPU_EV_SYSCALL);
	assert_int_equal(run(ct), CPU_EV_SYSCALL); /* feigned */
	return (ct);
}

static uint64_t
count_of(struct cpu_thread *ct)
{
	return (
	    *(volatile uint64_t *)((char *)machine_of(ct)->ctx + COUNT_OFF));
}

/* What is removed is out of use when pmap_sync() returns, whatever the stub has
 * reported: called by another thread, and by the owner. */
static void
test_removed_from_feigning_thread(void **state)
{
	struct cpu_thread *ct;
	struct host_thread *t;
	uint64_t count;

	(void)state;
	for (int own = 0; own < 2; own++) {
		ct = start_feigning();
		count = count_of(ct);
		for (int i = 0; i < 5000 && count_of(ct) == count; i++)
			host_sleep_ns(MS);
		assert_int_not_equal(count_of(ct), count); /* it does run */
		if (own)
			remove_data(NULL);
		else {
			assert_int_equal(host_thread_create(&t, "third party",
					     remove_data, NULL),
			    0);
			host_thread_join(t);
		}
		count = count_of(ct);
		host_sleep_ns(20 * MS);
		assert_int_equal(count_of(ct), count);
		assert_int_equal(run(ct), CPU_EV_DEAD);
		cpu_thread_destroy(ct);
	}
}

/* Likewise where so much is removed that the stub is to be replaced. */
static void
test_big_removal_from_feigning_thread(void **state)
{
	const vm_offset_t big = 0x10000000;
	struct cpu_thread *ct;
	uint64_t count;

	(void)state;
	ct = start_feigning();
	assert_int_equal(pmap_enter(E->pm, big, 0, 2048, VM_PROT_READ), 0);
	pmap_remove(E->pm, 0, big + 2048 * PAGE_SIZE);
	pmap_sync(E->pm);
	count = count_of(ct);
	host_sleep_ns(20 * MS);
	assert_int_equal(count_of(ct), count);
	cpu_thread_destroy(ct);
}

static void
sync_other(void *arg)
{
	pmap_remove(E->pm, DATA, DATA + PAGE_SIZE);
	pmap_sync(E->pm);
	map_data(E, VM_PROT_READ);
	(void)arg;
}

/* An honest thread that is in the kernel loses nothing when another thread
 * removes its translations, once or while it runs. */
static void
test_honest_thread_is_driven(void **state)
{
	struct cpu_thread *ct =
	    start(*state, code_load_call, sizeof(code_load_call));
	enum cpu_event_type type;
	struct host_thread *t;

	ct->tf.rsi = DATA;
	map_data(E, VM_PROT_READ);
	for (int i = 0; i < 300; i++) {
		ct->tf.rip = CODE;
		ct->tf.rbx = 1;
		if (i % 2 == 0) { /* beside the owner */
			assert_int_equal(
			    host_thread_create(&t, "party", sync_other, NULL),
			    0);
			while ((type = run(ct)) != CPU_EV_SYSCALL)
				assert_true(type == CPU_EV_FAULT ||
					    type == CPU_EV_INTERRUPT);
			host_thread_join(t);
		} else {
			assert_int_equal(
			    host_thread_create(&t, "party", sync_other, NULL),
			    0);
			host_thread_join(t);
			while ((type = run(ct)) == CPU_EV_INTERRUPT)
				continue;
			assert_int_equal(type, CPU_EV_SYSCALL);
		}
		assert_int_equal(ct->tf.rbx, 0);
	}
	assert_int_equal(refused_calls(), 0);
	cpu_thread_destroy(ct);
}

/* ---- what is no attack ---- */

static _Atomic(int) stop;

static void
stop_and_continue(void *arg)
{
	struct cpu_thread *ct = arg;

	while (atomic_load(&stop) == 0) {
		host_kill(machine_of(ct)->stub->pid, HOST_SIGSTOP);
		host_sleep_ns(MS / 4);
		host_kill(machine_of(ct)->stub->pid, HOST_SIGCONT);
		host_sleep_ns(MS / 4);
	}
}

/* A stub that is stopped and continued by another process of the host while it
 * asks, asks again. */
static void
test_stopped_stub_asks_again(void **state)
{
	struct cpu_thread *ct =
	    start(*state, code_load_call, sizeof(code_load_call));
	struct host_thread *t;

	ct->tf.rsi = DATA;
	map_data(E, VM_PROT_READ);
	assert_int_equal(run(ct), CPU_EV_SYSCALL);
	atomic_store(&stop, 0);
	assert_int_equal(
	    host_thread_create(&t, "stop", stop_and_continue, ct), 0);
	for (int i = 0; i < 2000; i++) {
		ct->tf.rip = CODE;
		pmap_remove(E->pm, DATA, DATA + PAGE_SIZE);
		map_data(E, i % 2 ? VM_PROT_READ : RW);
		assert_int_equal(run(ct), CPU_EV_SYSCALL);
	}
	atomic_store(&stop, 1);
	host_thread_join(t);
	assert_int_equal(refused_calls(), 0);
	cpu_thread_destroy(ct);
}

/* The stub is emptied before the host's limit of mappings, after which munmap
 * could fail, is reached. */
static void
test_many_operations(void **state)
{
	struct cpu_thread *ct =
	    start(*state, code_load_call, sizeof(code_load_call));
	struct stub_pmap *sp = E->pm->md;
	vm_offset_t va = ADDR;

	ct->tf.rsi = DATA;
	map_data(E, VM_PROT_READ);
	for (int i = 0; i < 700; i++) {
		for (int n = 0; n < 100; n++, va += 2 * PAGE_SIZE)
			assert_int_equal(
			    pmap_enter(E->pm, va,
				vm_page_frame(E->sys.phys, E->data), 1,
				VM_PROT_READ),
			    0);
		assert_int_equal(run(ct), CPU_EV_SYSCALL);
		assert_true(sp->nops < 32000);
	}
	assert_int_equal(atomic_load(&E->sm->resets), 0);
	cpu_thread_destroy(ct);
	pmap_remove(E->pm, ADDR, va);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    HOOK_TEST(test_unordered_call_kills),
	    HOOK_TEST(test_random_calls_kill),
	    HOOK_TEST(test_changed_operation_kills),
	    HOOK_TEST(test_removed_from_feigning_thread),
	    HOOK_TEST(test_big_removal_from_feigning_thread),
	    HOOK_TEST(test_honest_thread_is_driven),
	    HOOK_TEST(test_stopped_stub_asks_again),
	    HOOK_TEST(test_many_operations),
	};

	if (getenv("VMSPACE_TEST_LONG") != NULL)
		attempts = 100000;
	if (!env_isolate())
		return (77);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
