/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The lifetime word: each transition, what it must refuse (panics in forked
 * children), and a stress test: many threads ref, tryref and tryhold structures
 * that are reused, with plain data that a sanitizer can check.
 */
#include "mem/vm_life.h"
#include "testchild.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
assert_life(const struct vm_life *l, uint32_t refs, uint32_t holds, bool exit1)
{
	assert_int_equal(vm_life_refs(l), refs);
	assert_int_equal(vm_life_holds(l), holds);
	assert_int_equal(vm_life_exiting(l), exit1);
}

static void
test_transitions(void **state)
{
	struct vm_life l = {0};

	(void)state;
	assert_false(vm_life_tryhold(&l));
	vm_life_init(&l);
	assert_life(&l, 1, 1, false);
	vm_life_ref(&l);
	assert_life(&l, 2, 2, false);
	vm_life_hold(&l);
	assert_life(&l, 2, 3, false);
	assert_true(vm_life_tryref(&l));
	assert_life(&l, 3, 4, false);
	assert_true(vm_life_tryhold(&l));
	assert_life(&l, 3, 5, false);
	assert_false(vm_life_drop(&l));
	assert_false(vm_life_free(&l));
	assert_false(vm_life_free(&l));
	assert_life(&l, 1, 2, false);
	/* The last ref is given up while there is a hold. */
	assert_true(vm_life_free(&l));
	assert_life(&l, 0, 2, true);
	assert_false(vm_life_tryref(&l));
	assert_true(vm_life_tryhold(&l));
	assert_false(vm_life_drop(&l));
	assert_false(vm_life_drop(&l));
	assert_life(&l, 0, 1, true);
	assert_true(vm_life_drop(&l));
	assert_life(&l, 0, 0, true);
	assert_true((atomic_load(&l.w) & VM_LIFE_EXIT2) != 0);
	assert_false(vm_life_tryhold(&l));
	/* Born again. */
	vm_life_init(&l);
	assert_life(&l, 1, 1, false);
	assert_true(vm_life_free(&l));
	assert_true(vm_life_drop(&l));
}

static void
test_million_refs(void **state)
{
	struct vm_life l;

	(void)state;
	vm_life_init(&l);
	for (int i = 0; i < 1000000; i++) {
		vm_life_ref(&l);
		vm_life_hold(&l);
	}
	assert_life(&l, 1000001, 2000001, false);
	for (int i = 0; i < 1000000; i++) {
		assert_false(vm_life_free(&l));
		assert_false(vm_life_drop(&l));
	}
	assert_life(&l, 1, 1, false);
}

enum misuse {
	REF_DEAD,
	HOLD_DEAD,
	FREE_TWICE,
	DROP_OF_REF,
	DROP_TWICE,
	TRYREF_NOHOLD,
	NMISUSES
};

static void
misuse_life(void *arg)
{
	enum misuse how = *(enum misuse *)arg;
	struct vm_life l;

	vm_life_init(&l);
	if (how == DROP_OF_REF)
		vm_life_drop(&l);
	vm_life_free(&l);
	if (how == FREE_TWICE)
		vm_life_free(&l);
	if (how == REF_DEAD)
		vm_life_ref(&l);
	vm_life_drop(&l);
	if (how == HOLD_DEAD)
		vm_life_hold(&l);
	if (how == DROP_TWICE)
		vm_life_drop(&l);
	if (how == TRYREF_NOHOLD)
		vm_life_tryref(&l);
}

static void
test_misuse_panics(void **state)
{
	(void)state;
	for (enum misuse m = 0; m < NMISUSES; m++)
		assert_true(child_panics(misuse_life, &m));
}

/* ---- stress ---- */

#define NSLOTS 4
#define NUSERS 3
#define NLOOKERS 3
#define ROUNDS 60000

struct thing {
	struct vm_life life;
	_Atomic(uint64_t) id;  /* generation */
	_Atomic(int) recycled; /* 1: in the free pool */
	/* Plain: ordered by the life word alone. */
	uint64_t contents;  /* id while LIVE, 0 after stage 1 */
	uint64_t structure; /* id until stage 2 */
	int stage1, stage2;
};

static struct thing things[NSLOTS];
static _Atomic(uint64_t) last_id, made, ended1, ended2;
static pthread_mutex_t pub_lock = PTHREAD_MUTEX_INITIALIZER;
static struct thing *published; /* owns a ref */
static _Atomic(bool) stop;

static void
thing_stage2(struct thing *t)
{
	if (t->stage1 != 1 || t->stage2++ != 0 || t->contents != 0)
		abort();
	t->structure = 0;
	atomic_fetch_add(&ended2, 1);
	atomic_store(&t->recycled, 1);
}

static void
thing_drop(struct thing *t)
{
	if (vm_life_drop(&t->life))
		thing_stage2(t);
}

static void
thing_free(struct thing *t)
{
	if (!vm_life_free(&t->life))
		return;
	if (t->stage1++ != 0 || t->stage2 != 0 || t->contents != t->structure)
		abort();
	t->contents = 0;
	atomic_fetch_add(&ended1, 1);
	thing_drop(t);
}

static struct thing *
thing_create(void)
{
	for (int i = 0;; i = (i + 1) % NSLOTS) {
		struct thing *t = &things[i];
		int one = 1;

		if (!atomic_compare_exchange_strong(&t->recycled, &one, 0))
			continue;
		t->stage1 = t->stage2 = 0;
		t->structure = atomic_fetch_add(&last_id, 1) + 1;
		t->contents = t->structure;
		atomic_store(&t->id, t->structure);
		atomic_fetch_add(&made, 1);
		vm_life_init(&t->life);
		return (t);
	}
}

/* As exec and vfork do: replace the published structure, share it by a ref. */
static void *
user(void *arg)
{
	unsigned r = (unsigned)(uintptr_t)arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct thing *old, *t = NULL;

		r = r * 1664525u + 1013904223u;
		if ((r >> 24 & 3) == 0) {
			t = thing_create();
			pthread_mutex_lock(&pub_lock);
			old = published;
			published = t;
			pthread_mutex_unlock(&pub_lock);
		} else {
			pthread_mutex_lock(&pub_lock);
			old = published;
			if (old != NULL)
				vm_life_ref(&old->life);
			pthread_mutex_unlock(&pub_lock);
		}
		if (old == NULL)
			continue;
		if (old->contents != old->structure || old->contents == 0)
			abort();
		thing_free(old);
	}
	return (NULL);
}

/* As procfs does: hold by pointer, by generation, and tryref. */
static void *
looker(void *arg)
{
	unsigned r = (unsigned)(uintptr_t)arg * 7919u;

	while (!atomic_load(&stop)) {
		struct thing *t;
		uint64_t id = 0;

		r = r * 1664525u + 1013904223u;
		if ((r >> 28 & 1) != 0) {
			pthread_mutex_lock(&pub_lock);
			t = published;
			if (t != NULL)
				vm_life_hold(&t->life);
			pthread_mutex_unlock(&pub_lock);
			if (t == NULL)
				continue;
		} else {
			t = &things[r >> 29 & (NSLOTS - 1)];
			id = atomic_load(&t->id);
			if (!vm_life_tryhold(&t->life))
				continue;
			if (atomic_load(&t->id) != id) {
				thing_drop(t);
				continue;
			}
		}
		if (t->structure == 0 || (id != 0 && t->structure != id))
			abort();
		if ((r >> 20 & 1) != 0 && vm_life_tryref(&t->life)) {
			if (t->contents != t->structure)
				abort();
			thing_free(t);
		}
		thing_drop(t);
	}
	return (NULL);
}

static void
test_stress(void **state)
{
	pthread_t u[NUSERS], l[NLOOKERS];

	(void)state;
	for (int i = 0; i < NSLOTS; i++)
		atomic_store(&things[i].recycled, 1);
	for (uintptr_t i = 0; i < NLOOKERS; i++)
		pthread_create(&l[i], NULL, looker, (void *)(i + 1));
	for (uintptr_t i = 0; i < NUSERS; i++)
		pthread_create(&u[i], NULL, user, (void *)(i + 100));
	for (int i = 0; i < NUSERS; i++)
		pthread_join(u[i], NULL);
	atomic_store(&stop, true);
	for (int i = 0; i < NLOOKERS; i++)
		pthread_join(l[i], NULL);
	if (published != NULL)
		thing_free(published);
	assert_true(atomic_load(&made) > ROUNDS / 8);
	assert_int_equal(atomic_load(&made), atomic_load(&ended1));
	assert_int_equal(atomic_load(&made), atomic_load(&ended2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_transitions),
	    cmocka_unit_test(test_million_refs),
	    cmocka_unit_test(test_misuse_panics),
	    cmocka_unit_test(test_stress),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
