/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Hooks into the stub machine: the linker wraps a few functions that one source
 * file of the stub machine calls in another (see meson.build), and the wrappers
 * call a test's hook.  The hook does, in the calling thread, what a hostile
 * guest or another thread could have done at that moment.  A test thus meets
 * its race in every run.  NULL: no hook.  A hook that must act only once sets
 * its pointer to NULL.
 */
#ifndef TESTS_UNIT_STUB_HOOKS_H
#define TESTS_UNIT_STUB_HOOKS_H

#include "stub_fixture.h"

#define SHORT_NS UINT64_C(300000000)
#define MS UINT64_C(1000000)
#define HOST_SIGKILL 9
#define HOST_SIGCONT 18
#define HOST_SIGSTOP 19

typedef void cpu_hook(struct stub_cpu *);
extern _Atomic(cpu_hook *) before_enter; /* user code is about to be entered */
extern _Atomic(cpu_hook *) after_bind;   /* a thread was bound to a stub */
extern _Atomic(cpu_hook *) before_post;  /* a command is about to be posted */
extern void (*_Atomic after_get)(void);  /* a stub was taken from the pool */
extern int (*_Atomic instead_of_pidfd)(void);        /* an errno */
extern void (*_Atomic after_wake)(const void *word); /* of any futex */

/* The test's environment, and the number of calls of its hooks. */
extern struct env *E;
extern _Atomic(int) calls;
/* Added to the host's clock. */
extern _Atomic(uint64_t) clock_skew;

/* Setup for cmocka, with no hook set; the teardown is env_teardown. */
int hooks_setup(void **state);
/* cpu_run() in the environment's pmap, which must succeed. */
enum cpu_event_type run(struct cpu_thread *);
static inline struct stub_cpu *
machine_of(struct cpu_thread *ct)
{
	return (ct->md);
}

#define HOOK_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, hooks_setup, env_teardown)

#endif /* TESTS_UNIT_STUB_HOOKS_H */
