/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Futex calls on a word whose translation is removed each time between the
 * moment at which it was faulted in and the test of the word: they end.
 *
 * pmap_extract_hold() is wrapped by the linker: while `hostile` is set, every
 * second look-up of the word fails.
 */
#include "fixture.h"

#include "abi/futex.h"
#include "pmap/pmap.h"

#include <unistd.h>

struct vm_page *__real_pmap_extract_hold(struct pmap *, vm_offset_t, vm_prot_t);
struct vm_page *__wrap_pmap_extract_hold(struct pmap *, vm_offset_t, vm_prot_t);

static _Atomic(uint64_t) hostile; /* page of the word, 0 none */
static _Atomic(unsigned) lookups; /* of that page */

struct vm_page *
__wrap_pmap_extract_hold(struct pmap *pm, vm_offset_t va, vm_prot_t access)
{
	if (trunc_page(va) == atomic_load(&hostile) &&
	    atomic_fetch_add(&lookups, 1) % 2 == 1)
		return (NULL);
	return (__real_pmap_extract_hold(pm, va, access));
}

static int
setup(void **state)
{
	atomic_store(&hostile, 0);
	atomic_store(&lookups, 0);
	alarm(100); /* a call that does not end fails the test */
	return (fx_setup_booted(state));
}

static int
teardown(void **state)
{
	alarm(0);
	return (fx_teardown(state));
}

static void
word_hostile(struct user *u, bool yes)
{
	atomic_store(&lookups, 0);
	atomic_store(&hostile, yes ? trunc_page(u_buf(u, 0)) : 0);
}

static void
prog_wait(struct user *u)
{
	U_BEGIN
	u_put64(u, u_buf(u, 0), 7);
	word_hostile(u, true);
	U_SYS(SYS_futex, u_buf(u, 0), LX_FUTEX_WAIT | LX_FUTEX_PRIVATE_FLAG, 7,
	    0, 0, 0);
	U_CHECK(U_RET == -EAGAIN, U_RET);
	U_CHECK(atomic_load(&lookups) > 10, atomic_load(&lookups));
	word_hostile(u, false);
	/* Not enqueued by the call that gave up. */
	U_SYS(SYS_futex, u_buf(u, 0), LX_FUTEX_WAKE | LX_FUTEX_PRIVATE_FLAG, 1,
	    0, 0, 0);
	U_CHECK(U_RET == 0, U_RET);
	U_EXIT(0);
	U_END;
}

static void
test_wait_gives_up(void **state)
{
	fx.prog[0] = prog_wait;
	assert_int_equal(fx_run(&fx, 0), 0);
}

static void
prog_requeue(struct user *u)
{
	U_BEGIN
	u_put64(u, u_buf(u, 0), 7);
	word_hostile(u, true);
	U_SYS(SYS_futex, u_buf(u, 0),
	    LX_FUTEX_CMP_REQUEUE | LX_FUTEX_PRIVATE_FLAG, 1, 1, u_buf(u, 1), 7);
	U_CHECK(U_RET == -EAGAIN, U_RET);
	U_CHECK(atomic_load(&lookups) > 10, atomic_load(&lookups));
	word_hostile(u, false);
	U_SYS(SYS_futex, u_buf(u, 0),
	    LX_FUTEX_CMP_REQUEUE | LX_FUTEX_PRIVATE_FLAG, 1, 1, u_buf(u, 1), 7);
	U_CHECK(U_RET == 0, U_RET);
	U_EXIT(0);
	U_END;
}

static void
test_requeue_gives_up(void **state)
{
	fx.prog[0] = prog_requeue;
	assert_int_equal(fx_run(&fx, 0), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_wait_gives_up),
	    T(test_requeue_gives_up),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
