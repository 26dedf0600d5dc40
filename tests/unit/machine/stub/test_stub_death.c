/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Death of the stub machine's processes: a stub that dies before it is used, a
 * stub that cannot be watched, a zygote that dies or is abandoned between its
 * fork and its reply.
 *
 * After each of these cases: the only children of this process are the zygote
 * and the stubs that the machine knows; a stub finds no state of an earlier
 * stub of its slot; the machine is still usable.
 */

#include "stub_hooks.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

/* mov $39,%eax; syscall; jmp back */
static const uint8_t code_syscall[] = {
    0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7};

/* ---- helpers ---- */

/* Wait until the pool is full; then the keeper sleeps until it is poked. */
static void
await_pool(void)
{
	bool full;

	do {
		host_sleep_ns(MS);
		kmutex_lock(&E->sm->lock);
		full = E->sm->npool >= 2;
		kmutex_unlock(&E->sm->lock);
	} while (!full);
}

/* Count the children, zombies included, of all threads of this process.  With
 * `pid` not 0: only the child with this pid. */
static unsigned
count_children(int pid)
{
	char path[64], buf[4096], *p, *end;
	struct dirent *de;
	unsigned n = 0;
	size_t len;
	long child;
	DIR *d = opendir("/proc/self/task");

	assert_non_null(d);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "task/%.20s/children", de->d_name);
		if (host_proc_read(
			host_getpid(), path, buf, sizeof(buf), &len) != 0)
			continue;
		for (p = buf; (child = strtol(p, &end, 10)) > 0; p = end)
			n += pid == 0 || child == pid;
	}
	closedir(d);
	return (n);
}

/* Wait until the only children are the zygote and the stubs. */
static void
assert_no_strays(void)
{
	unsigned known, n = 0;

	for (int i = 0; i < 1000; i++) {
		await_pool();
		kmutex_lock(&E->sm->lock);
		known = E->sm->nstubs + 1;
		n = count_children(0);
		kmutex_unlock(&E->sm->lock);
		if (n == known)
			return;
		host_sleep_ns(10 * MS);
	}
	fail_msg("%u children, %u known", n, known);
}

/* Check that user code still runs in a new stub. */
static void
assert_goes_on(void)
{
	struct cpu_thread *ct = start(E, code_syscall, sizeof(code_syscall));

	assert_int_equal(run(ct), CPU_EV_SYSCALL);
	assert_int_equal(ct->tf.rip, CODE + 7);
	cpu_thread_destroy(ct);
}

/* ---- stubs ---- */

static _Atomic(int) to_kill;

static void
kill_bound(struct stub_cpu *sc)
{
	if (atomic_load(&to_kill) == 0)
		return;
	atomic_fetch_sub(&to_kill, 1);
	host_kill(sc->stub->pid, HOST_SIGKILL);
	while (!atomic_load(&sc->stub->dead))
		host_sleep_ns(MS);
}

/* A stub that dies between pool and use is replaced.  If the second one dies as
 * well, the run reports a dead machine, and running the thread again works. */
static void
test_dies_before_use(void **state)
{
	struct cpu_thread *ct;

	for (int deaths = 1; deaths <= 2; deaths++) {
		ct = start(*state, code_syscall, sizeof(code_syscall));
		atomic_store(&to_kill, deaths);
		atomic_store(&after_bind, kill_bound);
		assert_int_equal(
		    run(ct), deaths == 1 ? CPU_EV_SYSCALL : CPU_EV_DEAD);
		assert_int_equal(atomic_load(&to_kill), 0);
		atomic_store(&after_bind, NULL);
		assert_int_equal(run(ct), CPU_EV_SYSCALL);
		cpu_thread_destroy(ct);
	}
	assert_no_strays();
}

static _Atomic(uint32_t) failed_slot;

/* Let pidfd_open fail, after the stub has parked. */
static int
no_pidfd(void)
{
	struct stub_machine *sm = E->sm;
	struct stub *s;

	atomic_store(&instead_of_pidfd, NULL);
	kmutex_lock(&sm->lock);
	s = sm->slot[sm->slot_hint];
	kmutex_unlock(&sm->lock);
	while (atomic_load(&stub_ctx_at(s, 0)->state) != CTX_EVENT)
		host_sleep_ns(MS);
	atomic_store(&failed_slot, s->slot);
	return (EMFILE);
}

/* Use stubs until one is in `slot`. */
static void
run_in_slot(uint32_t slot)
{
	struct cpu_thread *ct;
	bool there;

	kmutex_lock(&E->sm->lock);
	E->sm->slot_hint = slot - 1;
	kmutex_unlock(&E->sm->lock);
	do {
		ct = start(E, code_syscall, sizeof(code_syscall));
		assert_int_equal(run(ct), CPU_EV_SYSCALL);
		assert_int_equal(ct->tf.orig_rax, 39);
		assert_int_equal(ct->tf.rip, CODE + 7);
		there = machine_of(ct)->stub->slot == slot;
		cpu_thread_destroy(ct);
	} while (!there);
}

/* The context of an abandoned stub holds that stub's first event.  The next
 * stub of the slot must not be regarded as parked because of it. */
static void
test_slot_after_failure(void **state)
{
	struct stub_ctx *c;
	struct stub *s;
	uint32_t slot;

	(void)state;
	for (int i = 0; i < 3; i++) {
		await_pool();
		atomic_store(&failed_slot, 0);
		atomic_store(&instead_of_pidfd, no_pidfd);
		assert_int_equal(stub_get(E->sm, &s), 0);
		stub_kill(s);
		while ((slot = atomic_load(&failed_slot)) == 0)
			host_sleep_ns(MS);
		do {
			host_sleep_ns(MS);
			kmutex_lock(&E->sm->lock);
			s = E->sm->slot[slot];
			kmutex_unlock(&E->sm->lock);
		} while (s != NULL);
		c = (struct stub_ctx *)(E->sm->ctxmem + slot * CTX_SLOT_SIZE);
		assert_int_equal(atomic_load(&c->state), 0);
		assert_int_equal(c->uc, 0);
		run_in_slot(slot);
	}
	assert_no_strays();
}

/* ---- the zygote ---- */

static uint32_t quiet_reply;
static bool with_zygote;
static _Atomic(int) lost_pid;

/* The zygote forks for an order, but its reply does not arrive. */
static void
lose_reply(const void *word)
{
	struct stub_order *o = (struct stub_order *)E->sm->ctxmem;

	if (word != &o->order)
		return;
	atomic_store(&after_wake, NULL);
	while (atomic_load(&o->reply) == quiet_reply)
		host_sleep_ns(MS);
	if (with_zygote)
		host_kill(E->sm->zygote_pid, HOST_SIGKILL);
	atomic_store(&o->reply, quiet_reply);
	atomic_store(&lost_pid, atomic_load(&o->child_pid));
}

static void
order_unanswered(bool kill_it)
{
	struct stub_order *o = (struct stub_order *)E->sm->ctxmem;
	int zygote;
	struct stub *s;

	await_pool();
	host_sleep_ns(20 * MS);
	quiet_reply = atomic_load(&o->reply);
	with_zygote = kill_it;
	zygote = E->sm->zygote_pid;
	atomic_store(&lost_pid, 0);
	atomic_store(&after_wake, lose_reply);
	atomic_store(&E->sm->order_ns, SHORT_NS);
	assert_int_equal(stub_get(E->sm, &s), 0);
	stub_kill(s);
	while (atomic_load(&E->sm->zygote_pid) == zygote)
		host_sleep_ns(MS);
	atomic_store(&E->sm->order_ns, STUB_ORDER_NS);
	assert_no_strays();
	assert_true(atomic_load(&lost_pid) > 0);
	assert_int_equal(count_children(lost_pid), 0);
	assert_goes_on();
}

/* The zygote dies before its reply: the stub that it forked is reaped. */
static void
test_zygote_dies_in_order(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		order_unanswered(true);
}

/* A zygote that replies too late is replaced; the stub it forked is reaped. */
static void
test_zygote_late(void **state)
{
	(void)state;
	order_unanswered(false);
}

/* A stopped zygote is replaced as well. */
static void
test_zygote_stopped(void **state)
{
	int zygote;
	struct stub *s;

	(void)state;
	await_pool();
	zygote = E->sm->zygote_pid;
	host_kill(zygote, HOST_SIGSTOP);
	atomic_store(&E->sm->order_ns, SHORT_NS);
	assert_int_equal(stub_get(E->sm, &s), 0);
	stub_kill(s);
	while (atomic_load(&E->sm->zygote_pid) == zygote)
		host_sleep_ns(MS);
	atomic_store(&E->sm->order_ns, STUB_ORDER_NS);
	assert_no_strays();
	assert_goes_on();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    HOOK_TEST(test_dies_before_use),
	    HOOK_TEST(test_slot_after_failure),
	    HOOK_TEST(test_zygote_dies_in_order),
	    HOOK_TEST(test_zygote_late),
	    HOOK_TEST(test_zygote_stopped),
	};

	if (env_choose(argc, argv) != 0)
		return (77);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
