/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Maps: insertion, splitting, merging, room, stacks; a random run against a
 * map of single pages; many entries, and the limit of their number.
 */
#include "vm_testlib.h"

#include "abi/mman.h"
#include "vm/map/vm_map_int.h"
#include "testrand.h"

static int
insert(struct vmspace *vm, struct vm_object *obj, vm_ooffset_t off,
    vm_offset_t start, uint64_t npages, vm_prot_t prot, uint32_t eflags)
{
	int error;

	vm_map_lock(&vm->map);
	error = vm_map_insert(&vm->map, obj, off, start, start + npages * PG,
	    prot, ALL, VM_INHERIT_COPY, eflags | MAP_ENTRY_COW);
	vm_map_unlock(&vm->map);
	return (error);
}

static int delete (struct vmspace *vm, vm_offset_t start, vm_offset_t end)
{
	struct vm_map_list dead;
	int error;

	TAILQ_INIT(&dead);
	vm_map_lock(&vm->map);
	error = vm_map_delete(&vm->map, start, end, &dead);
	vm_map_unlock(&vm->map);
	vm_map_entry_list_free(&vm->map, &dead);
	return (error);
}

static void
test_insert_merge(void **state)
{
	struct fixture ts;
	struct vmspace *vm;

	ts_init(&ts, 4 << 20);
	vm = space(&ts);
	assert_int_equal(insert(vm, NULL, 0, BASE, 2, RW, 0), 0);
	assert_int_equal(insert(vm, NULL, 0, BASE + 4 * PG, 2, RW, 0), 0);
	assert_int_equal(ts_entries(vm), 2);
	assert_int_equal(insert(vm, NULL, 0, BASE + 2 * PG, 2, RW, 0), 0);
	assert_int_equal(ts_entries(vm), 1);
	ts_check(vm);
	/* Entries that differ do not merge. */
	assert_int_equal(insert(vm, NULL, 0, BASE + 6 * PG, 1, R, 0), 0);
	assert_int_equal(
	    insert(vm, NULL, 0, BASE - PG, 1, RW, MAP_ENTRY_HEAP), 0);
	assert_int_equal(insert(vm, NULL, 0, BASE - 2 * PG, 1, RW,
			     MAP_ENTRY_GROWSDOWN | MAP_ENTRY_STACK),
	    0);
	assert_int_equal(ts_entries(vm), 4);
	/* Errors. */
	assert_int_equal(insert(vm, NULL, 0, BASE + PG, 1, RW, 0), EEXIST);
	assert_int_equal(insert(vm, NULL, 0, BASE - 5 * PG, 9, RW, 0), EEXIST);
	assert_int_equal(insert(vm, NULL, 0, BASE + 1, 1, RW, 0), EINVAL);
	assert_int_equal(insert(vm, NULL, 0, BASE, 0, RW, 0), EINVAL);
	assert_int_equal(insert(vm, NULL, 0, 0, 1, RW, 0), EINVAL);
	assert_int_equal(
	    insert(vm, NULL, 0, VM_MAX_ADDRESS - PG, 2, RW, 0), EINVAL);
	assert_int_equal(insert(vm, NULL, 0, VM_MAX_ADDRESS - PG, 1, RW, 0), 0);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

static void
test_object_merge(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	struct vm_object *obj;

	ts_init(&ts, 4 << 20);
	vm = space(&ts);
	assert_int_equal(
	    vm_object_allocate(&ts.sys, OBJT_DEFAULT, 16, &obj), 0);
	for (int i = 0; i < 3; i++)
		vm_object_ref(obj);
	assert_int_equal(insert(vm, obj, 0, BASE, 4, RW, 0), 0);
	assert_int_equal(insert(vm, obj, 8 * PG, BASE + 8 * PG, 4, RW, 0), 0);
	assert_int_equal(vm_life_refs(&obj->life), 4);
	/* An entry in the gap merges all three; two refs are freed. */
	assert_int_equal(insert(vm, obj, 4 * PG, BASE + 4 * PG, 4, RW, 0), 0);
	assert_int_equal(ts_entries(vm), 1);
	assert_int_equal(vm_life_refs(&obj->life), 2);
	ts_check(vm);
	/* A split takes refs and adjusts the offsets. */
	vm_map_lock(&vm->map);
	assert_int_equal(vm_map_clip(&vm->map, BASE + 3 * PG), 0);
	assert_int_equal(vm_map_clip(&vm->map, BASE + 3 * PG), 0);
	assert_int_equal(vm_map_clip(&vm->map, BASE + 5 * PG), 0);
	assert_int_equal(vm_life_refs(&obj->life), 4);
	assert_int_equal(vm->map.nentries, 3);
	assert_int_equal(
	    vm_map_lookup(&vm->map, BASE + 5 * PG, NULL)->offset, 5 * PG);
	vm_map_simplify(&vm->map, vm_map_lookup(&vm->map, BASE + 4 * PG, NULL));
	assert_int_equal(vm->map.nentries, 1);
	vm_map_unlock(&vm->map);
	assert_int_equal(vm_life_refs(&obj->life), 2);
	/* The same object, but its offsets do not continue. */
	assert_int_equal(insert(vm, obj, 0, BASE + 12 * PG, 4, RW, 0), 0);
	assert_int_equal(ts_entries(vm), 2);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

/* A private object grows with its entry, and shrinks. */
static void
test_object_extend(void **state)
{
	struct fixture ts;
	struct vmspace *vm, *child;
	struct vm_map_entry e;

	ts_init(&ts, 4 << 20);
	vm = space(&ts);
	ts_map(vm, BASE, 1, RW);
	ts_put(vm, BASE, 1);
	for (int i = 1; i < 64; i++) {
		ts_map(vm, BASE + (uint64_t)i * PG, 1, RW);
		ts_put(vm, BASE + (uint64_t)i * PG, (uint64_t)i + 1);
	}
	assert_int_equal(ts_entries(vm), 1);
	e = ts_entry(vm, BASE);
	assert_int_equal(e.object->size, 64);
	ts_check(vm);
	/* The tail is unmapped, its frames are freed, and it reads as zeroes
	 * when it is mapped again. */
	assert_int_equal(vm_munmap(vm, BASE + 16 * PG, 48 * PG), 0);
	assert_int_equal(e.object->size, 16);
	assert_int_equal(e.object->resident, 16);
	ts_map(vm, BASE + 16 * PG, 48, RW);
	assert_int_equal(ts_entries(vm), 1);
	assert_int_equal(ts_get(vm, BASE + 20 * PG), 0);
	assert_int_equal(ts_get(vm, BASE + 15 * PG), 16);
	/* A hole frees its frames as well. */
	assert_int_equal(vm_munmap(vm, BASE + 4 * PG, 4 * PG), 0);
	assert_null(pmap_extract_hold(vm->pmap, BASE + 4 * PG, R));
	vm_object_lock(e.object);
	assert_null(vm_page_lookup(e.object, 5));
	assert_non_null(vm_page_lookup(e.object, 8));
	vm_object_unlock(e.object);
	ts_put(vm, BASE + 63 * PG, 64);
	/* Once shared by fork, it does not grow; nor does the shadow, through
	 * which what was unmapped could be seen again. */
	assert_int_equal(vmspace_fork(vm, &child), 0);
	ts_map(vm, BASE + 64 * PG, 4, RW);
	assert_int_equal(ts_entries(vm), 3);
	assert_int_equal(e.object->size, 64);
	ts_put(vm, BASE + 8 * PG, 500);
	ts_put(vm, BASE + 63 * PG, 501);
	assert_int_equal(vm_munmap(vm, BASE + 60 * PG, 8 * PG), 0);
	ts_map(vm, BASE + 60 * PG, 4, RW);
	assert_int_equal(ts_get(vm, BASE + 63 * PG), 0);
	assert_int_equal(ts_get(vm, BASE + 8 * PG), 500);
	ts_check(vm);
	ts_check(child);
	vmspace_free(child);
	vmspace_free(vm);
	fixture_fini(&ts);
}

/* ---- against a map of pages ---- */

#define NP 192
#define STEPS 6000

struct model {
	uint8_t prot[NP]; /* 0xff: not mapped */
	uint64_t val[NP];
};

static uint64_t seed = 88172645463325252u;

static bool
model_free(const struct model *m, uint64_t i, uint64_t n)
{
	for (uint64_t k = i; k < i + n; k++) {
		if (m->prot[k] != 0xff)
			return (false);
	}
	return (true);
}

static void
model_compare(struct vmspace *vm, const struct model *m)
{
	struct vm_map_entry *e;
	uint64_t mapped = 0;

	ts_check(vm);
	vm_map_lock_read(&vm->map);
	for (uint64_t i = 0; i < NP; i++) {
		e = vm_map_lookup(&vm->map, BASE + i * PG, NULL);
		assert_int_equal(e != NULL, m->prot[i] != 0xff);
		if (e != NULL) {
			assert_int_equal(e->prot, m->prot[i]);
			mapped++;
		}
	}
	assert_int_equal(
	    vm->map.size, VM_MAX_ADDRESS - VM_MIN_ADDRESS - (NP - mapped) * PG);
	vm_map_unlock_read(&vm->map);
}

static void
model_findspace(struct vmspace *vm, const struct model *m)
{
	uint64_t n = 1 + rnd_below(&seed, 24), edge = rnd_below(&seed, NP + 1),
		 i;
	uint64_t align = (uint64_t)1 << rnd_below(&seed, 4);
	vm_offset_t a;
	int error;

	vm_map_lock_read(&vm->map);
	/* Down from edge. */
	error = vm_map_findspace(
	    &vm->map, BASE + edge * PG, n * PG, align * PG, &a);
	for (i = edge >= n ? edge - n + 1 : 0; i-- > 0;) {
		if (((BASE / PG + i) & (align - 1)) == 0 && model_free(m, i, n))
			break;
	}
	if (i == UINT64_MAX)
		assert_int_equal(error, ENOMEM);
	else {
		assert_int_equal(error, 0);
		assert_int_equal(a, BASE + i * PG);
	}
	/* Up from edge. */
	a = BASE + edge * PG;
	error = vm_map_findspace(&vm->map, 0, n * PG, align * PG, &a);
	for (i = edge; i + n <= NP; i++) {
		if (((BASE / PG + i) & (align - 1)) == 0 && model_free(m, i, n))
			break;
	}
	if (i + n > NP)
		assert_int_equal(error, ENOMEM);
	else {
		assert_int_equal(error, 0);
		assert_int_equal(a, BASE + i * PG);
	}
	vm_map_unlock_read(&vm->map);
}

static void
model_protect(
    struct vmspace *vm, struct model *m, uint64_t i, uint64_t n, vm_prot_t prot)
{
	int error, want = 0;

	error = vm_mprotect(vm, BASE + i * PG, n * PG, prot);
	for (uint64_t k = i; k < i + n; k++) {
		if (m->prot[k] == 0xff) {
			want = ENOMEM;
			break;
		}
		m->prot[k] = prot;
	}
	assert_int_equal(error, want);
}

static void
model_map(
    struct vmspace *vm, struct model *m, uint64_t i, uint64_t n, vm_prot_t prot)
{
	vm_offset_t a = BASE + i * PG;
	bool replace = rnd_below(&seed, 2) != 0;
	int error;

	error = vm_mmap(vm, &a, n * PG, prot, ALL,
	    replace ? VMM_FIXED : VMM_NOREPLACE, NULL, 0);
	if (!replace && !model_free(m, i, n)) {
		assert_int_equal(error, EEXIST);
		return;
	}
	assert_int_equal(error, 0);
	memset(m->prot + i, prot, n);
	memset(m->val + i, 0, n * sizeof(m->val[0]));
}

static void
model_touch(struct vmspace *vm, struct model *m, uint64_t i)
{
	vm_offset_t va = BASE + i * PG;
	uint64_t v = rnd_below(&seed, 1000), got = 0;
	int error;

	error = copyout(vm, &v, va, sizeof(v));
	assert_int_equal(error,
	    m->prot[i] != 0xff && (m->prot[i] & VM_PROT_WRITE) ? 0 : EFAULT);
	if (error == 0)
		m->val[i] = v;
	error = copyin(vm, &got, va, sizeof(got));
	assert_int_equal(
	    error, m->prot[i] != 0xff && (m->prot[i] & R) ? 0 : EFAULT);
	if (error == 0)
		assert_int_equal(got, m->val[i]);
}

static void
model_step(struct vmspace *vm, struct model *m)
{
	static const vm_prot_t prots[] = {0, R, RW, R | VM_PROT_EXECUTE};
	uint64_t i = rnd_below(&seed, NP), n = 1 + rnd_below(&seed, 16);
	vm_prot_t prot = prots[rnd_below(&seed, 4)];

	if (n > NP - i)
		n = NP - i;
	switch (rnd_below(&seed, 7)) {
	case 0:
	case 1:
		model_map(vm, m, i, n, prot);
		break;
	case 2:
		assert_int_equal(vm_munmap(vm, BASE + i * PG, n * PG), 0);
		memset(m->prot + i, 0xff, n);
		break;
	case 3:
		model_protect(vm, m, i, n, prot);
		break;
	case 4:
		model_findspace(vm, m);
		break;
	case 5:
		if (model_free(m, i, n))
			break;
		/* 0 or ENOMEM (holes) */
		(void)vm_madvise(vm, BASE + i * PG, n * PG, LX_MADV_DONTNEED);
		memset(m->val + i, 0, n * sizeof(m->val[0]));
		break;
	case 6:
		model_touch(vm, m, i);
		break;
	}
}

static void
test_model(void **state)
{
	struct fixture ts;
	struct vmspace *vm, *child = NULL;
	struct model m, cm;

	ts_init(&ts, 8 << 20);
	vm = space(&ts);
	/* All other addresses are mapped. */
	assert_int_equal(insert(vm, NULL, 0, VM_MIN_ADDRESS,
			     (BASE - VM_MIN_ADDRESS) / PG, 0, MAP_ENTRY_HEAP),
	    0);
	assert_int_equal(
	    insert(vm, NULL, 0, BASE + NP * PG,
		(VM_MAX_ADDRESS - BASE) / PG - NP, 0, MAP_ENTRY_HEAP),
	    0);
	memset(&m, 0, sizeof(m));
	memset(m.prot, 0xff, sizeof(m.prot));
	for (int s = 0; s < STEPS; s++) {
		model_step(vm, &m);
		model_compare(vm, &m);
		if (child != NULL)
			model_step(child, &cm);
		if (rnd_below(&seed, 300) == 0) {
			if (child != NULL) {
				model_compare(child, &cm);
				vmspace_free(child);
			}
			assert_int_equal(vmspace_fork(vm, &child), 0);
			cm = m;
		}
		if (rnd_below(&seed, 500) == 0) {
			/* The child becomes the parent, and the parent ends. */
			if (child == NULL)
				continue;
			vmspace_free(vm);
			vm = child;
			m = cm;
			child = NULL;
		}
	}
	if (child != NULL) {
		ts_check(child);
		vmspace_free(child);
	}
	ts_check(vm);
	assert_int_equal(vm_check_system(&ts.sys), 0);
	vmspace_free(vm);
	fixture_fini(&ts);
}

/* ---- many ---- */

#define MANY 65000

/* Beyond the limit an insertion and a split are refused, and nothing changes;
 * what needs no new entry still works. */
static void
test_entry_limit(void **state)
{
	const uint64_t n = VM_MAP_ENTRIES_MAX;
	struct fixture ts;
	struct vmspace *vm;

	ts_init(&ts, 64 << 20);
	vm = space(&ts);
	for (uint64_t i = 0; i <= n; i++)
		assert_int_equal(
		    insert(vm, NULL, 0, BASE + i * 4 * PG, 3, RW, 0), 0);
	assert_int_equal(ts_entries(vm), n + 1);
	assert_int_equal(
	    insert(vm, NULL, 0, BASE + (n + 1) * 4 * PG, 1, RW, 0), ENOMEM);
	assert_int_equal(delete (vm, BASE + PG, BASE + 2 * PG), ENOMEM);
	assert_int_equal(ts_entries(vm), n + 1);
	assert_int_equal(stat_of(&ts, VMST_ENTRIES), 2);
	/* Two splits and a removal; then there is no room for two splits. */
	assert_int_equal(delete (vm, BASE, BASE + 12 * PG), 0);
	assert_int_equal(ts_entries(vm), n - 2);
	assert_int_equal(delete (vm, BASE + 13 * PG, BASE + 14 * PG), 0);
	assert_int_equal(ts_entries(vm), n - 1);
	assert_int_equal(delete (vm, BASE + 17 * PG, BASE + 18 * PG), ENOMEM);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

static void
test_many_entries(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	vm_offset_t a;
	uint64_t t0, t1;

	ts_init(&ts, 64 << 20);
	vm = space(&ts);
	t0 = host_now_ns();
	/* Ascending with holes, then between: rotations of all kinds. */
	for (uint64_t i = 0; i < MANY; i += 2)
		assert_int_equal(
		    insert(vm, NULL, 0, BASE + i * 2 * PG, 1, RW, 0), 0);
	for (uint64_t i = MANY - 1; i < MANY; i -= 2)
		assert_int_equal(
		    insert(vm, NULL, 0, BASE + i * 2 * PG, 1, RW, 0), 0);
	assert_int_equal(ts_entries(vm), MANY);
	ts_check(vm);
	vm_map_lock(&vm->map);
	for (int i = 0; i < MANY; i++) {
		uint64_t k = rnd_below(&seed, MANY);

		assert_non_null(
		    vm_map_lookup(&vm->map, BASE + k * 2 * PG, NULL));
		/* The one-page holes are too small: room is above or below all
		 * entries. */
		assert_int_equal(vm_map_findspace(&vm->map,
				     BASE + MANY * 2 * PG, 2 * PG, PG, &a),
		    0);
		assert_int_equal(a, BASE - 2 * PG);
		assert_int_equal(vm_map_findspace(&vm->map,
				     BASE + MANY * 2 * PG - 1 * PG, PG, PG, &a),
		    0);
	}
	vm_map_unlock(&vm->map);
	for (int i = 0; i < 1000; i++) {
		uint64_t k = rnd_below(&seed, MANY - 20);

		assert_int_equal(
		    delete (vm, BASE + k * 2 * PG,
			BASE + (k + rnd_below(&seed, 20)) * 2 * PG),
		    0);
	}
	ts_check(vm);
	vmspace_free(vm);
	t1 = host_now_ns();
	fixture_fini(&ts);
	/* Milliseconds on any machine; seconds if an operation is linear. */
	assert_true(t1 - t0 < UINT64_C(20000000000));
}

/* ---- stacks ---- */

static void
test_growstack(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	vm_offset_t top = BASE + (16 << 20), a = top - 4 * PG;

	ts_init(&ts, 32 << 20);
	vm = space(&ts);
	vm->stack_limit = 4 << 20;
	vm->stack_top = top;
	assert_int_equal(vm_mmap(vm, &a, 4 * PG, RW, ALL,
			     VMM_FIXED | VMM_GROWSDOWN | VMM_STACK, NULL, 0),
	    0);
	ts_put(vm, top - 8, 7);
	/* Faults below grow it, in chunks. */
	ts_put(vm, top - 5 * PG, 5);
	assert_true(vm_map_growstack(vm, top - 20 * PG) == 0);
	assert_int_equal(
	    ts_entry(vm, top - 20 * PG).start, top - 4 * PG - 32 * PG);
	ts_put(vm, top - (4 << 20), 9);
	assert_int_equal(ts_get(vm, top - 5 * PG), 5);
	assert_int_equal(ts_get(vm, top - 8), 7);
	ts_check(vm);
	/* Neither beyond the limit nor at other addresses. */
	assert_int_equal(vm_map_growstack(vm, top - (4 << 20) - 1), EFAULT);
	assert_int_equal(vm_map_growstack(vm, top), EFAULT);
	vm->stack_limit = 8 << 20;
	/* A mapping below the stack: a guard of 1 MiB stays. */
	ts_map(vm, top - (6 << 20), 1, RW);
	assert_int_equal(vm_map_growstack(vm, top - (6 << 20) + PG), EFAULT);
	assert_int_equal(vm_map_growstack(vm, top - (5 << 20) + PG), 0);
	assert_int_equal(vm_map_growstack(vm, top - (5 << 20)), EFAULT);
	/* An inaccessible mapping needs no guard. */
	assert_int_equal(vm_mprotect(vm, top - (6 << 20), PG, 0), 0);
	assert_int_equal(vm_map_growstack(vm, top - (6 << 20) + PG), 0);
	ts_check(vm);
	/* The kernel chooses no address right below a stack. */
	a = 0;
	assert_int_equal(vm_munmap(vm, top - (6 << 20), PG), 0);
	vm->mmap_top = top;
	assert_int_equal(vm_mmap(vm, &a, PG, RW, ALL, 0, NULL, 0), 0);
	assert_int_equal(a, top - (6 << 20) + PG - (1 << 20) - PG);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

static void
test_attributes(void **state)
{
	struct fixture ts;
	struct vmspace *vm;

	ts_init(&ts, 4 << 20);
	vm = space(&ts);
	ts_map(vm, BASE, 8, RW);
	vm_map_lock(&vm->map);
	assert_int_equal(vm_map_set_inherit(&vm->map, BASE + 2 * PG,
			     BASE + 4 * PG, VM_INHERIT_NONE),
	    0);
	assert_int_equal(vm->map.nentries, 3);
	assert_int_equal(vm_map_set_inherit(&vm->map, BASE + 6 * PG,
			     BASE + 12 * PG, VM_INHERIT_ZERO),
	    ENOMEM);
	assert_int_equal(vm->map.nentries, 4);
	assert_int_equal(
	    vm_map_set_inherit(&vm->map, BASE, BASE + 8 * PG, VM_INHERIT_COPY),
	    0);
	assert_int_equal(vm->map.nentries, 1);
	vm_map_unlock(&vm->map);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

/* Every step of a delete, protect and insert can be refused an entry. */
static void
test_no_entries(void **state)
{
	static struct dry d;
	struct fixture ts;
	struct vmspace *vm;
	vm_offset_t a;
	int error = ENOMEM;

	ts_init(&ts, 4 << 20);
	vm = space(&ts);
	ts_map(vm, BASE, 16, RW);
	ts_put(vm, BASE + 8 * PG, 1);
	for (size_t left = 0; left < 3; left++) {
		dry_begin(&d, &ts, ts.sys.z_entry, left);
		error = vm_munmap(vm, BASE + 4 * PG, 8 * PG);
		assert_int_equal(error, left < 2 ? ENOMEM : 0);
		assert_int_equal(
		    ts_entry(vm, BASE).end, BASE + (left < 2 ? 16 : 4) * PG);
		dry_end(&d);
		ts_check(vm);
	}
	ts_map(vm, BASE, 16, RW);
	for (size_t left = 0; left < 3; left++) {
		dry_begin(&d, &ts, ts.sys.z_entry, left);
		error = vm_mprotect(vm, BASE + 4 * PG, 8 * PG, R);
		assert_int_equal(error, left < 2 ? ENOMEM : 0);
		assert_int_equal(ts_entries(vm), left < 2 ? 1 : 3);
		dry_end(&d);
		ts_check(vm);
	}
	ts_map(vm, BASE, 16, RW);
	ts_put(vm, BASE + 8 * PG, 77);
	for (size_t left = 0; left < 4; left++) {
		dry_begin(&d, &ts, ts.sys.z_entry, left);
		a = BASE + 4 * PG;
		error = vm_mmap(vm, &a, 8 * PG, R, ALL, VMM_FIXED, NULL, 0);
		assert_int_equal(error, left < 3 ? ENOMEM : 0);
		if (left < 3)
			assert_int_equal(ts_get(vm, BASE + 8 * PG), 77);
		dry_end(&d);
		ts_check(vm);
	}
	assert_int_equal(ts_get(vm, BASE + 8 * PG), 0);
	vmspace_free(vm);
	fixture_fini(&ts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_insert_merge),
	    cmocka_unit_test(test_object_merge),
	    cmocka_unit_test(test_object_extend),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_many_entries),
	    cmocka_unit_test(test_entry_limit),
	    cmocka_unit_test(test_growstack),
	    cmocka_unit_test(test_attributes),
	    cmocka_unit_test(test_no_entries),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
