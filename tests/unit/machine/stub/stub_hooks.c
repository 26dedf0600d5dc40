/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* See stub_hooks.h. */

#include "stub_hooks.h"

_Atomic(cpu_hook *) before_enter;
_Atomic(cpu_hook *) after_bind;
_Atomic(cpu_hook *) before_post;
void (*_Atomic after_get)(void);
int (*_Atomic instead_of_pidfd)(void);
void (*_Atomic after_wake)(const void *);
struct env *E;
_Atomic(int) calls;
_Atomic(uint64_t) clock_skew;

bool __real_stub_pmap_enter_user(struct stub_cpu *);
bool __wrap_stub_pmap_enter_user(struct stub_cpu *);
int __real_stub_pmap_bind(
    struct stub_cpu *, struct pmap *, struct stub *, bool *);
int __wrap_stub_pmap_bind(
    struct stub_cpu *, struct pmap *, struct stub *, bool *);
void __real_stub_place_resume(struct stub_cpu *);
void __wrap_stub_place_resume(struct stub_cpu *);
int __real_stub_get(struct stub_machine *, struct stub **);
int __wrap_stub_get(struct stub_machine *, struct stub **);
int __real_host_pidfd_open(int, int *);
int __wrap_host_pidfd_open(int, int *);
int __real_host_futex_wake(_Atomic(uint32_t) *, int, bool);
int __wrap_host_futex_wake(_Atomic(uint32_t) *, int, bool);
uint64_t __real_host_now_ns(void);
uint64_t __wrap_host_now_ns(void);

static void
call(_Atomic(cpu_hook *) *hook, struct stub_cpu *sc)
{
	cpu_hook *fn = atomic_load(hook);

	if (fn != NULL)
		fn(sc);
}

bool
__wrap_stub_pmap_enter_user(struct stub_cpu *sc)
{
	call(&before_enter, sc);
	return (__real_stub_pmap_enter_user(sc));
}

int
__wrap_stub_pmap_bind(
    struct stub_cpu *sc, struct pmap *pm, struct stub *fresh, bool *used)
{
	int error = __real_stub_pmap_bind(sc, pm, fresh, used);

	if (error == 0)
		call(&after_bind, sc);
	return (error);
}

void
__wrap_stub_place_resume(struct stub_cpu *sc)
{
	__real_stub_place_resume(sc);
	call(&before_post, sc);
}

int
__wrap_stub_get(struct stub_machine *sm, struct stub **out)
{
	int error = __real_stub_get(sm, out);
	void (*fn)(void) = atomic_load(&after_get);

	if (fn != NULL)
		fn();
	return (error);
}

int
__wrap_host_pidfd_open(int pid, int *fd)
{
	int (*fn)(void) = atomic_load(&instead_of_pidfd);

	return (fn != NULL ? fn() : __real_host_pidfd_open(pid, fd));
}

int
__wrap_host_futex_wake(_Atomic(uint32_t) *word, int n, bool shared)
{
	int woken = __real_host_futex_wake(word, n, shared);
	void (*fn)(const void *) = atomic_load(&after_wake);

	if (fn != NULL)
		fn(word);
	return (woken);
}

uint64_t
__wrap_host_now_ns(void)
{
	return (__real_host_now_ns() + atomic_load(&clock_skew));
}

int
hooks_setup(void **state)
{
	int error = env_setup(state);

	E = *state;
	atomic_store(&before_enter, NULL);
	atomic_store(&after_bind, NULL);
	atomic_store(&before_post, NULL);
	atomic_store(&after_get, NULL);
	atomic_store(&instead_of_pidfd, NULL);
	atomic_store(&after_wake, NULL);
	atomic_store(&calls, 0);
	atomic_store(&clock_skew, 0);
	return (error);
}

enum cpu_event_type
run(struct cpu_thread *ct)
{
	struct cpu_event ev;

	assert_int_equal(cpu_run(ct, E->pm, &ev), 0);
	return (ev.type);
}
