/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * mremap(2): shrink, grow in place, move, duplicate.
 *
 * Concepts: a move copies no pages.  Each entry of the old range gets a clone
 * at the new place, with a ref of the same object; then the old entries are
 * removed as by munmap, and the pages fault in again from the object.  The
 * grown part is an entry of its own behind the clones, with fresh contents; it
 * is merged with its neighbour where that is possible.
 *
 * MREMAP_DONTUNMAP puts entries with fresh contents ("blanks") in the place
 * of the removed ones.  An old length of 0 duplicates a shared mapping.
 *
 * One mapping of Linux may be several entries here (a heap in parts, a stack
 * that grew).  So the old range may consist of several entries, if they have no
 * gap between them and agree in all attributes that a user can see.
 *
 * Locking and lifetime: one hold of the map's write lock, with no purge under
 * way (the range gets a second address for a moment).
 *
 * Guarantees: everything that needs memory is done before the first mapping
 * is removed; a call that fails has changed nothing that can be seen.
 *
 * Limits: growing a shared anonymous mapping makes its object longer, where
 * Linux would give SIGBUS beyond the original end.
 */
#include "vm/mmap/vm_mmap_int.h"

#include <errno.h>

#include "abi/mman.h"
#include "libk/kassert.h"

/* Flags in which parts of one user mapping may differ. */
#define RUN_IGNORE                                                        \
	(MAP_ENTRY_NEEDS_COPY | MAP_ENTRY_ACCOUNT | MAP_ENTRY_UFFD_PROT | \
	    MAP_ENTRY_GUARD)

struct remap {
	struct vmspace *vm;
	vm_offset_t old, new;
	uint64_t oldlen, newlen; /* whole pages */
	int flags;
	struct vm_map_list clones; /* for the new place */
	struct vm_map_list blanks; /* for the old place, DONTUNMAP */
	struct vm_map_list dead;
	struct vm_object *drop; /* a ref to give up at the end */
	bool wired;             /* populate what has grown */
};

static int
remap_check(struct remap *r, uint64_t oldlen, uint64_t newlen)
{
	const int flags = r->flags;

	if ((flags & ~(LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED |
			 LX_MREMAP_DONTUNMAP)) != 0 ||
	    (flags & (LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED)) == LX_MREMAP_FIXED)
		return (EINVAL);
	if ((flags & LX_MREMAP_DONTUNMAP) != 0 &&
	    ((flags & LX_MREMAP_MAYMOVE) == 0 || oldlen != newlen))
		return (EINVAL);
	r->oldlen = round_page(oldlen);
	r->newlen = round_page(newlen);
	if ((r->old & PAGE_MASK) != 0 || r->newlen == 0 || r->oldlen < oldlen)
		return (EINVAL);
	if (r->old >= VM_MAX_ADDRESS || r->oldlen > VM_MAX_ADDRESS - r->old)
		return (EFAULT);
	if (r->newlen > VM_MAX_ADDRESS)
		return ((flags & LX_MREMAP_FIXED) != 0 ? EINVAL : ENOMEM);
	if ((flags & LX_MREMAP_FIXED) == 0)
		return (0);
	if ((r->new &PAGE_MASK) != 0 || r->new > VM_MAX_ADDRESS - r->newlen ||
	    (r->old + r->oldlen > r->new && r->new + r->newlen > r->old))
		return (EINVAL);
	return (r->new < VM_MIN_ADDRESS ? EPERM : 0);
}

/* Do the parts of the old range make up one mapping? */
static int
remap_check_run(struct remap *r)
{
	const struct vm_map_entry *e, *n;
	vm_offset_t end = r->old + r->oldlen;

	e = vm_map_lookup(&r->vm->map, r->old, NULL);
	if (e == NULL)
		return (EFAULT);
	for (; e->end < end; e = n) {
		n = TAILQ_NEXT(e, link);
		if (n == NULL || n->start != e->end || n->prot != e->prot ||
		    n->max_prot != e->max_prot || n->inherit != e->inherit ||
		    ((n->eflags ^ e->eflags) & ~(uint32_t)RUN_IGNORE) != 0)
			return (EFAULT);
		if ((e->eflags & MAP_ENTRY_SHARED) != 0 &&
		    (n->object != e->object ||
			n->offset != e->offset + (e->end - e->start)))
			return (EFAULT);
	}
	return (0);
}

/* Describe an entry with fresh contents that continues e at `va`; *t owns an
 * object ref, also on ENOMEM. */
static int
describe_fresh(const struct vm_map_entry *e, vm_offset_t va, uint64_t len,
    struct vm_map_entry *t)
{
	vm_map_entry_copy(t, e);
	t->eflags &= ~(uint32_t)(MAP_ENTRY_NEEDS_COPY | MAP_ENTRY_GUARD);
	vm_map_object_fresh(e, va, &t->object, &t->offset);
	if ((e->eflags & MAP_ENTRY_SHARED) == 0) {
		t->eflags &= ~(uint32_t)MAP_ENTRY_ACCOUNT;
		if (t->object != NULL)
			t->eflags |= MAP_ENTRY_NEEDS_COPY;
		if ((t->eflags & MAP_ENTRY_NORESERVE) == 0 &&
		    (t->prot & VM_PROT_WRITE) != 0)
			t->eflags |= MAP_ENTRY_ACCOUNT;
	} else if (t->object != NULL)
		return (vm_map_object_reach(t, t->offset + len));
	return (0);
}

/* What an entry loses that moves. */
static void
leave_place(struct vm_map_entry *t)
{
	t->eflags &=
	    ~(uint32_t)(MAP_ENTRY_HEAP | MAP_ENTRY_STACK | MAP_ENTRY_UFFD);
	t->uffd = NULL;
}

/* Grow in place.  EAGAIN: there is no room, try to move. */
static int
remap_extend(struct remap *r)
{
	struct vm_map *map = &r->vm->map;
	vm_offset_t end = r->old + r->oldlen, newend;
	const struct vm_map_entry *e;
	struct vm_map_entry t = {0};
	int error;

	if (r->newlen > map->max - r->old)
		return (EAGAIN);
	newend = r->old + r->newlen;
	e = vm_map_lookup(map, end - PAGE_SIZE, NULL);
	KASSERT(e != NULL);
	if (e->end != end || !vm_map_range_free(map, end, newend))
		return (EAGAIN);
	error = describe_fresh(e, end, newend - end, &t);
	t.start = end;
	t.end = newend;
	r->wired = (t.eflags & MAP_ENTRY_WIRED) != 0;
	if (error == 0)
		error = vm_map_insert_entry(map, &t, NULL);
	if (error != 0)
		r->drop = t.object;
	return (error);
}

/* A new entry in a list; takes the template's object ref over. */
static int
list_add(
    struct remap *r, struct vm_map_list *list, const struct vm_map_entry *t)
{
	struct vm_map_entry *n = vm_map_entry_alloc(&r->vm->map);

	if (n == NULL) {
		r->drop = t->object;
		return (ENOMEM);
	}
	vm_map_entry_copy(n, t);
	TAILQ_INSERT_TAIL(list, n, link);
	return (0);
}

/* Clone (and blank) the old entries up to `end`, which is a border. */
static int
remap_clone(struct remap *r, vm_offset_t end)
{
	struct vm_map_entry *e, t = {0};
	int error;

	for (e = vm_map_first(&r->vm->map, r->old); e != NULL && e->start < end;
	     e = TAILQ_NEXT(e, link)) {
		if ((r->flags & LX_MREMAP_DONTUNMAP) != 0) {
			error =
			    describe_fresh(e, e->start, e->end - e->start, &t);
			t.eflags &= ~(uint32_t)MAP_ENTRY_WIRED;
			if (error == 0)
				error = list_add(r, &r->blanks, &t);
			else
				r->drop = t.object;
			if (error != 0)
				return (error);
		}
		vm_map_entry_copy(&t, e);
		leave_place(&t);
		t.start = r->new + (e->start - r->old);
		t.end = r->new + (e->end - r->old);
		if (t.object != NULL)
			vm_object_ref(t.object);
		error = list_add(r, &r->clones, &t);
		if (error != 0)
			return (error);
	}
	return (0);
}

/* Add an entry for the part of the new range behind the clones. */
static int
remap_tail(struct remap *r, uint64_t from)
{
	vm_offset_t va = r->old + from;
	const struct vm_map_entry *e;
	struct vm_map_entry t = {0};
	int error;

	if (from >= r->newlen)
		return (0);
	e = vm_map_lookup(&r->vm->map, from != 0 ? va - PAGE_SIZE : va, NULL);
	KASSERT(e != NULL);
	error = describe_fresh(e, va, r->newlen - from, &t);
	if (error != 0) {
		r->drop = t.object;
		return (error);
	}
	leave_place(&t);
	t.start = r->new + from;
	t.end = r->new + r->newlen;
	r->wired = (t.eflags & MAP_ENTRY_WIRED) != 0;
	return (list_add(r, &r->clones, &t));
}

static uint64_t
list_charge(const struct vm_map_list *list)
{
	const struct vm_map_entry *e;
	uint64_t n = 0;

	TAILQ_FOREACH (e, list, link) {
		if ((e->eflags & MAP_ENTRY_ACCOUNT) != 0)
			n += e->end - e->start;
	}
	return (n);
}

/* Would the map's limits admit the result? */
static int
remap_admit(struct remap *r)
{
	struct vm_map *map = &r->vm->map;
	uint64_t more = r->newlen, less = 0, charge, uncharge = 0, n, c;

	charge = list_charge(&r->clones) + list_charge(&r->blanks);
	if ((r->flags & LX_MREMAP_DONTUNMAP) != 0)
		more += r->oldlen;
	if (r->oldlen != 0) {
		vm_map_measure(map, r->old, r->old + r->oldlen, &n, &c);
		less += n;
		uncharge += c;
	}
	if ((r->flags & LX_MREMAP_FIXED) != 0) {
		vm_map_measure(map, r->new, r->new + r->newlen, &n, &c);
		less += n;
		uncharge += c;
	}
	return (vm_map_admit(map, more, charge, less, uncharge));
}

static void
list_enter(struct vm_map *map, struct vm_map_list *list)
{
	struct vm_map_entry *e, *prev;

	while ((e = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, e, link);
		prev = NULL;
		if (vm_map_lookup(map, e->start, &prev) != NULL)
			kpanic("mremap: %#llx is taken",
			    (unsigned long long)e->start);
		vm_map_entry_enter(map, e, prev);
		vm_map_account(map, e, true);
		if (e->object != NULL)
			vm_object_link_entry(e);
	}
}

/* Do all steps that can fail: borders, clones of the old entries up to `keep`,
 * the entry behind, limits, and the removal of mappings in a fixed range. */
static int
remap_prepare(struct remap *r, uint64_t keep)
{
	struct vm_map *map = &r->vm->map;
	int error;

	error = vm_map_clip(map, r->old);
	if (error != 0)
		return (error);
	error = vm_map_clip(map, r->old + keep);
	if (error != 0)
		return (error);
	error = vm_map_clip(map, r->old + r->oldlen);
	if (error != 0)
		return (error);
	if (keep != 0) {
		error = remap_clone(r, r->old + keep);
		if (error != 0)
			return (error);
	}
	error = remap_tail(r, keep);
	if (error != 0)
		return (error);
	error = remap_admit(r);
	if (error != 0 || (r->flags & LX_MREMAP_FIXED) == 0)
		return (error);
	return (vm_map_delete(map, r->new, r->new + r->newlen, &r->dead));
}

static int
remap_move(struct remap *r)
{
	struct vm_map *map = &r->vm->map;
	uint64_t keep = r->oldlen < r->newlen ? r->oldlen : r->newlen;
	vm_offset_t oldend = r->old + r->oldlen;
	int error;

	if ((r->flags & LX_MREMAP_FIXED) == 0) {
		error = vm_mmap_place(r->vm, 0, r->newlen, &r->new);
		if (error != 0)
			return (error);
	}
	error = remap_prepare(r, keep);
	if (error != 0)
		goto out;
	if (r->oldlen != 0) {
		error = vm_map_delete(map, r->old, oldend, &r->dead);
		KVERIFY(error == 0); /* clipped already */
	}
	list_enter(map, &r->clones);
	list_enter(map, &r->blanks);
	vm_map_simplify_range(map, r->new, r->new + r->newlen);
out:
	vm_map_simplify_range(map, r->old, oldend);
	return (error);
}

static int
remap_locked(struct remap *r)
{
	struct vm_map *map = &r->vm->map;
	const struct vm_map_entry *e;
	int error;

	if (map->dead)
		return (ESRCH);
	e = vm_map_lookup(map, r->old, NULL);
	if (e == NULL)
		return (EFAULT);
	if (vm_map_range_sealed(
		map, r->old, r->old + (r->oldlen != 0 ? r->oldlen : PAGE_SIZE)))
		return (EPERM);
	if (r->oldlen == 0) {
		if ((e->eflags & MAP_ENTRY_SHARED) == 0)
			return (EINVAL);
		if ((r->flags & LX_MREMAP_MAYMOVE) == 0)
			return (ENOMEM);
		error = vm_map_admit_locked(map, e->eflags, r->newlen);
		return (error != 0 ? error : remap_move(r));
	}
	if ((r->flags & (LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP)) == 0 &&
	    r->newlen <= r->oldlen) {
		r->new = r->old;
		if (r->newlen == r->oldlen)
			return (0);
		return (vm_map_delete(
		    map, r->old + r->newlen, r->old + r->oldlen, &r->dead));
	}
	error = remap_check_run(r);
	if (error != 0)
		return (error);
	if (r->newlen > r->oldlen) {
		error =
		    vm_map_admit_locked(map, e->eflags, r->newlen - r->oldlen);
		if (error != 0)
			return (error);
	}
	if ((r->flags & (LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP)) == 0) {
		error = remap_extend(r);
		if (error != EAGAIN) {
			r->new = r->old;
			return (error);
		}
	}
	if ((r->flags & LX_MREMAP_MAYMOVE) == 0)
		return (ENOMEM);
	return (remap_move(r));
}

int
vm_mremap(struct vmspace *vm, vm_offset_t old, uint64_t oldlen, uint64_t newlen,
    int flags, vm_offset_t *addr)
{
	struct remap r = {.vm = vm, .old = old, .new = *addr, .flags = flags};
	int error;

	error = remap_check(&r, oldlen, newlen);
	if (error != 0)
		return (error);
	TAILQ_INIT(&r.clones);
	TAILQ_INIT(&r.blanks);
	TAILQ_INIT(&r.dead);
	vm_map_lock_quiet(&vm->map);
	error = remap_locked(&r);
	vm_map_unlock(&vm->map);
	vm_map_entry_list_free(&vm->map, &r.dead);
	vm_map_clones_free(&vm->map, &r.clones);
	vm_map_clones_free(&vm->map, &r.blanks);
	if (r.drop != NULL)
		vm_object_free(r.drop);
	if (error != 0)
		return (error);
	if (r.wired && r.newlen > r.oldlen)
		(void)vm_populate(vm, r.new + r.oldlen, r.new + r.newlen);
	*addr = r.new;
	return (0);
}
