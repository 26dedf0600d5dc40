/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The checkers themselves: each invariant is broken by hand and must be
 * reported, and nothing may be reported once it is mended.
 */
#include "vm_testlib.h"

#include <fcntl.h>
#include <unistd.h>

#include "vm/object/vm_object.h"
#include "mem/vm_page.h"

#define NPAGES 8

static struct fixture ts;
static struct vmspace *vm, *child;
static struct vm_map_entry *entry, *second;
static struct vm_object *front, *back;
static struct vm_page *page; /* of front, mapped writable at BASE */

/* A parent and a child, both with a shadow, and a second mapping. */
static int
setup(void **state)
{
	char byte = 1;

	ts_init(&ts, 256 * PG);
	vm = space(&ts);
	ts_map(vm, BASE, NPAGES, RW);
	ts_map(vm, BASE + 64 * PG, 4, RW);
	for (int i = 0; i < NPAGES; i++)
		assert_int_equal(
		    copyout(vm, &byte, BASE + (vm_offset_t)i * PG, 1), 0);
	assert_int_equal(copyout(vm, &byte, BASE + 64 * PG, 1), 0);
	assert_int_equal(vmspace_fork(vm, &child), 0);
	assert_int_equal(copyout(vm, &byte, BASE, 1), 0);
	assert_int_equal(copyout(child, &byte, BASE + PG, 1), 0);
	entry = TAILQ_FIRST(&vm->map.list);
	second = TAILQ_NEXT(entry, link);
	front = entry->object;
	back = front->backing;
	assert_non_null(back);
	vm_object_lock(front);
	page = vm_page_lookup(front, OFF_TO_IDX(entry->offset));
	vm_object_unlock(front);
	assert_non_null(page);
	ts_check(vm);
	ts_check(child);
	assert_int_equal(vm_check_system(&ts.sys), 0);
	(void)state;
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	vmspace_free(vm);
	vmspace_free(child);
	fixture_fini(&ts);
	return (0);
}

static bool skip_vmspace;

/* What the checkers find, without their messages. */
static int
broken(void)
{
	int err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
	int bad;

	assert_true(err >= 0 && null >= 0);
	dup2(null, STDERR_FILENO);
	bad = vm_check_system(&ts.sys);
	if (!skip_vmspace)
		bad += vm_check_vmspace(vm);
	dup2(err, STDERR_FILENO);
	close(err);
	close(null);
	return (bad);
}

/* Put a wrong value into a field, check, and put the old one back. */
#define BREAK(field, wrong)                                             \
	do {                                                            \
		__typeof__(field) old_ = (field);                       \
		(field) = (wrong);                                      \
		if (broken() == 0)                                      \
			fail_msg("not found: %s = %s", #field, #wrong); \
		(field) = old_;                                         \
		assert_int_equal(broken(), 0);                          \
	} while (0)

static void
test_map(void **state)
{
	(void)state;
	BREAK(entry->gap, entry->gap + PG);
	BREAK(second->gap, 0);
	BREAK(entry->max_gap, entry->max_gap + PG);
	BREAK(second->max_gap, 0);
	BREAK(second->start, entry->end - PG);
	BREAK(entry->end, entry->end + 1);
	BREAK(entry->end, entry->start);
	BREAK(second->end, vm->map.max + PG);
	BREAK(entry->map, NULL);
	BREAK(entry->prot, (vm_prot_t)(entry->max_prot | 0x8));
	BREAK(entry->eflags, entry->eflags | MAP_ENTRY_SHARED | MAP_ENTRY_COW);
	BREAK(entry->eflags, entry->eflags | MAP_ENTRY_UFFD_WP);
	BREAK(entry->offset, entry->offset + 1);
	BREAK(entry->offset, entry->offset + 1000 * PG);
	BREAK(vm->map.nentries, 1);
	BREAK(vm->map.size, 0);
	BREAK(vm->map.dead, true);
	BREAK(vm->pmap, child->pmap);
	BREAK(RB_LEFT(entry, tree), second);
	BREAK(RB_RIGHT(entry, tree), NULL);
	BREAK(RB_PARENT(second, tree), second);
	BREAK(entry->obj_link.le_prev, second->obj_link.le_prev);
}

static void
test_translations(void **state)
{
	struct pmap *pm = vm->pmap;
	vm_frame_t f = vm_page_frame(ts.sys.phys, page);

	(void)state;
	/* A translation may permit less than the entry, but not more. */
	BREAK(entry->prot, R);
	BREAK(entry->eflags, entry->eflags | MAP_ENTRY_NEEDS_COPY);
	BREAK(page->flags, page->flags & ~(uint32_t)PG_MAPPED);
	BREAK(page->flags, page->flags & ~(uint32_t)PG_VALID);

	/* Another frame; and one of the backing object, writable. */
	assert_int_equal(pmap_enter(pm, BASE, f + 1, 1, R), 0);
	assert_int_not_equal(broken(), 0);
	assert_int_equal(pmap_enter(pm, BASE, f, 1, RW), 0);
	assert_int_equal(broken(), 0);
	vm_object_lock(back);
	f = vm_page_frame(ts.sys.phys, vm_page_lookup(back, 2));
	vm_object_unlock(back);
	assert_int_equal(pmap_enter(pm, BASE + 2 * PG, f, 1, R), 0);
	assert_int_equal(broken(), 0);
	assert_int_equal(pmap_enter(pm, BASE + 2 * PG, f, 1, RW), 0);
	assert_int_not_equal(broken(), 0);
	pmap_remove(pm, BASE + 2 * PG, BASE + 3 * PG);
	assert_int_equal(broken(), 0);

	/* Where nothing is mapped. */
	assert_int_equal(pmap_enter(pm, BASE + 32 * PG, f, 1, R), 0);
	assert_int_not_equal(broken(), 0);
	pmap_remove(pm, BASE + 32 * PG, BASE + 33 * PG);
	BREAK(pm->resident, 99);
}

static void
test_objects(void **state)
{
	(void)state;
	BREAK(page->object, back);
	BREAK(page->object, NULL);
	BREAK(page->pindex, page->pindex + 1);
	BREAK(page->flags, PG_MAPPED);
	BREAK(page->flags, page->flags | PG_WANTED);
	BREAK(page->free, PHYS_HOTFREE);
	BREAK(front->resident, front->resident + 1);
	BREAK(front->index.count, 0);
	BREAK(front->size, 0);
	BREAK(front->paging, 1);
	BREAK(front->backing_off, front->backing_off + 1);
	BREAK(back->shadow_count, 1);
	BREAK(front->backing, NULL);
	BREAK(front->life.w, (uint64_t)1 << 28);
	BREAK(entry->object, back);
	/* A circular chain; no other check may walk it meanwhile. */
	skip_vmspace = true;
	BREAK(front->backing, front);
	BREAK(front->sys, NULL);
	skip_vmspace = false;
	BREAK(back->type, OBJT_VNODE);
	BREAK(front->type, OBJT_VNODE);
}

static void
test_frames(void **state)
{
	struct vm_phys *ph = ts.sys.phys;
	struct vm_page *run, *m;

	(void)state;
	/* Put frames on the free lists. */
	run = vm_phys_alloc(ph, 4);
	m = vm_phys_alloc(ph, 0);
	vm_phys_free_run(ph, run, 16);
	vm_phys_free(ph, m);
	assert_int_equal(broken(), 0);
	BREAK(run->order, 3);
	BREAK(run->order, 20);
	BREAK(run->free, PHYS_INNER);
	BREAK(run[5].free, PHYS_USED);
	BREAK(run->object, front);
	BREAK(run->hold, 1);
	BREAK(m->free, PHYS_USED);
	BREAK(ph->nhot, 7);
	BREAK(ph->nfree, 5);
	m = vm_phys_alloc(ph, 0);
	/* A frame that is handed out and in no object is lost; one that was
	 * freed while held is an orphan. */
	assert_int_not_equal(broken(), 0);
	atomic_store(&m->hold, PG_HOLD_FREE | 1);
	assert_int_equal(broken(), 0);
	vm_page_unhold(ph, m);
	assert_int_equal(broken(), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_map),
	    T(test_translations),
	    T(test_objects),
	    T(test_frames),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
