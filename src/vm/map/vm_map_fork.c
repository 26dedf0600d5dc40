/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Forking a map.
 *
 * Concepts: each entry is copied by its inheritance.  SHARE: both name one
 * object, made now if there was none.  COPY: both name the object and carry
 * NEEDS_COPY, so the first write of either side puts a shadow in front; the
 * parent's write translations are removed.  ZERO: the child gets fresh memory.
 * NONE: a hole.  Memory without an object needs neither object nor shadow.
 *
 * The cost is that of copying the entries, plus one pmap_protect() for each run
 * of entries that could have write translations: an entry that had NEEDS_COPY
 * already (forked before, not written since) has none.
 *
 * Locking and lifetime: both maps write-locked, parent first.  The child is
 * on the list of vmspaces already, and threads of other processes may hold it;
 * they wait for its lock until it is complete.
 *
 * Guarantees: when it fails, what the child has is removed by the ordinary
 * vmspace_free(); in the parent NEEDS_COPY may stay set, which costs at most
 * one cow_opt fault, since the object is private again.
 */
#include "vm/map/vm_map_int.h"

#include <errno.h>

#include "libk/kassert.h"

/* Neighbouring ranges that lose write permission, gathered. */
struct protect_run {
	struct pmap *pmap;
	vm_offset_t start, end;
};

static void
run_flush(struct protect_run *run)
{
	if (run->start < run->end)
		pmap_protect(run->pmap, run->start, run->end,
		    VM_PROT_READ | VM_PROT_EXECUTE);
	run->start = run->end = 0;
}

static void
run_add(struct protect_run *run, vm_offset_t start, vm_offset_t end)
{
	if (run->end != start) {
		run_flush(run);
		run->start = start;
	}
	run->end = end;
}

/* Give a shared entry an object that child and parent can share. */
static int
share_object(struct vm_map *map, struct vm_map_entry *e)
{
	struct vm_object *obj = e->object;
	uint64_t len = e->end - e->start;
	int error;

	if (obj == NULL) {
		error = vm_object_allocate(
		    map->sys, OBJT_DEFAULT, OFF_TO_IDX(len), &obj);
		if (error != 0)
			return (error);
		vm_object_relink_entry(e, obj, 0);
		return (0);
	}
	if ((e->eflags & MAP_ENTRY_NEEDS_COPY) == 0)
		return (0);
	error = vm_object_shadow_entry(e);
	if (error != 0)
		return (error);
	e->eflags &= ~(uint32_t)MAP_ENTRY_NEEDS_COPY;
	return (0);
}

static void
copy_object(struct vm_map_entry *e, struct protect_run *run)
{
	if (e->object == NULL || (e->max_prot & VM_PROT_WRITE) == 0)
		return;
	if ((e->eflags & MAP_ENTRY_NEEDS_COPY) == 0 &&
	    (e->prot & VM_PROT_WRITE) != 0)
		run_add(run, e->start, e->end);
	e->eflags |= MAP_ENTRY_COW | MAP_ENTRY_NEEDS_COPY;
}

/* Put a shadow in front of what the parent's server fills: a page that is made
 * for the child must not be there for the parent. */
static int
part_object(struct vm_map_entry *n)
{
	int error;

	error = vm_object_shadow_entry(n);
	if (error == 0)
		n->eflags &= ~(uint32_t)MAP_ENTRY_NEEDS_COPY;
	return (error);
}

static int
fork_entry(struct vm_map *parent, struct vm_map *child, struct vm_map_entry *e,
    struct protect_run *run)
{
	struct vm_map_entry *n;
	int error;

	if (e->inherit == VM_INHERIT_NONE)
		return (0);
	n = vm_map_entry_alloc(child);
	if (n == NULL)
		return (ENOMEM);
	if (e->inherit == VM_INHERIT_SHARE) {
		error = share_object(parent, e);
		if (error != 0) {
			vm_map_entry_dispose(child, n);
			return (error);
		}
	} else if (e->inherit == VM_INHERIT_COPY)
		copy_object(e, run);

	vm_map_entry_copy(n, e);
	n->eflags &= ~(uint32_t)(MAP_ENTRY_WIRED | MAP_ENTRY_UFFD);
	n->uffd = NULL;
	if (e->inherit == VM_INHERIT_ZERO) {
		n->object = NULL;
		n->offset = 0;
		n->eflags &=
		    ~(uint32_t)(MAP_ENTRY_NEEDS_COPY | MAP_ENTRY_GUARD);
	}
	if (n->object != NULL)
		vm_object_ref(n->object);
	vm_map_entry_enter(child, n, TAILQ_LAST(&child->list, vm_map_list));
	vm_map_account(child, n, true);
	if (n->object == NULL)
		return (0);
	vm_object_link_entry(n);
	return (e->uffd != NULL ? part_object(n) : 0);
}

/* What the child's entries will be charged with. */
static uint64_t
fork_charge(const struct vm_map *parent)
{
	const struct vm_map_entry *e;
	uint64_t charge = 0;

	TAILQ_FOREACH (e, &parent->list, link)
		if (e->inherit != VM_INHERIT_NONE &&
		    (e->eflags & MAP_ENTRY_ACCOUNT) != 0)
			charge += e->end - e->start;
	return (charge);
}

int
vm_map_fork(struct vm_map *parent, struct vm_map *child)
{
	struct protect_run run = {.pmap = parent->pmap};
	struct vm_map_entry *e;
	int error;

	krwlock_assert_wlocked(&parent->lock);
	krwlock_assert_wlocked(&child->lock);
	KASSERT(child->nentries == 0);
	child->as_limit = parent->as_limit;
	child->lock_limit = parent->lock_limit;
	child->sealed = parent->sealed;
	error = vm_map_admit(child, 0, fork_charge(parent), 0, 0);
	if (error != 0)
		return (error);
	TAILQ_FOREACH (e, &parent->list, link) {
		error = fork_entry(parent, child, e, &run);
		if (error != 0)
			break;
	}
	run_flush(&run);
	return (error);
}
