/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * madvise, msync, mincore.
 *
 * Concepts: each call works through a range of mappings, entry by entry. Advice
 * that may wait (for a page, for I/O) is given with the map unlocked, and the
 * next entry is found by its address; other advice holds the lock all the time.
 * Holes are reported as ENOMEM after the mapped parts were done, as on Linux.
 *
 * MADV_DONTNEED on private memory must make later reads see fresh contents:
 *   no object       nothing to do
 *   private object  (no other user can reach the range, and there is no backing
 *                   object) its pages are removed in place, map unlocked, as a
 *                   purge: the cheap and usual case, under a read lock only
 *   any other       the entry is replaced by an entry with fresh contents
 * On shared mappings it drops translations: the contents stay.  MADV_FREE is
 * DONTNEED for private anonymous memory, because madvise(2) allows the pages to
 * be freed at once.
 *
 * COLD makes pageout take the pages next.  PAGEOUT takes them at once, in every
 * object of the chain that no other map shares.  WILLNEED brings in pages from
 * swap, or reads ahead in files.
 *
 * GUARD_INSTALL marks entries: a fault there is SIGSEGV.  The marks are set
 * first, so that no page is made after what was there has been given up as by
 * DONTNEED.  Neighbouring guards are one entry.
 *
 * Locking: calls are entered and left without locks.  A thread whose process is
 * killed stops between two entries.
 *
 * Limits: merging and huge-page advice is accepted and has no effect.
 */
#include "vm/mmap/vm_mmap_int.h"

#include <errno.h>
#include <string.h>

#include "abi/mman.h"
#include "libk/kassert.h"
#include "vm/fault/vm_fault.h"
#include "vm/object/vm_object_int.h"
#include "vm/pageout/vm_pageout.h"
#include "vm/pager/vnode_pager.h"

#define WILLNEED_MAX ((uint64_t)4 << 20) /* bytes read ahead by one call */

bool
vm_map_next_part(struct vm_map *map, vm_offset_t *at, vm_offset_t end,
    bool *hole, struct vm_map_part *p)
{
	const struct vm_map_entry *e = vm_map_first(map, *at);

	if (*at >= end)
		return (false);
	if (e == NULL || e->start >= end) {
		*hole = true;
		return (false);
	}
	if (e->start > *at)
		*hole = true;
	p->start = e->start > *at ? e->start : *at;
	p->end = e->end < end ? e->end : end;
	p->obj = e->object;
	p->off = e->offset + (p->start - e->start);
	p->eflags = e->eflags;
	p->prot = e->prot;
	p->max_prot = e->max_prot;
	*at = p->end;
	return (true);
}

/* ---- DONTNEED ---- */

enum how { HOW_DONE, HOW_PURGE, HOW_REPLACE, HOW_REFUSE };

/* What must be done for this part?  PURGE: obj is held, purge begun. */
static enum how
dontneed_how(struct vm_map *map, const struct vm_map_part *p, bool free_only)
{
	const struct vm_map_entry *e = vm_map_lookup(map, p->start, NULL);
	bool backed;

	if ((p->eflags & MAP_ENTRY_WIRED) != 0)
		return (HOW_REFUSE);
	if (free_only &&
	    ((p->eflags & MAP_ENTRY_SHARED) != 0 || !vm_map_entry_anonymous(e)))
		return (HOW_REFUSE);
	if (p->obj == NULL)
		return (HOW_DONE);
	if ((p->eflags & MAP_ENTRY_SHARED) != 0 ||
	    !vm_map_object_plain(p->obj, &backed)) {
		/* Pages of a file, or shared: the contents stay. */
		pmap_remove(map->pmap, p->start, p->end);
		return (HOW_DONE);
	}
	if (backed ||
	    !vm_map_object_exclusive(p->obj, p->off, p->end - p->start, e))
		return (HOW_REPLACE);
	vm_object_hold(p->obj);
	vm_map_purge_begin(map);
	return (HOW_PURGE);
}

/* Replace the entries of the range, which begins and ends at a border, by fresh
 * ones.  Map write-locked. */
static int
refresh_entries(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    struct vm_map_list *dead)
{
	struct vm_map_entry *e, *next;
	int error;

	for (e = vm_map_first(map, start); e != NULL && e->start < end;
	     e = next) {
		next = TAILQ_NEXT(e, link);
		/* An entry that was wired meanwhile keeps its contents. */
		if (e->object == NULL ||
		    (e->eflags & (MAP_ENTRY_SHARED | MAP_ENTRY_WIRED)) != 0)
			continue;
		error = vm_map_entry_refresh(map, e, dead);
		if (error != 0)
			return (error);
	}
	return (0);
}

/* Give the range fresh contents, entry by entry.  No lock held. */
static int
dontneed_replace(struct vmspace *vm, vm_offset_t start, vm_offset_t end)
{
	struct vm_map *map = &vm->map;
	struct vm_map_list dead;
	int error;

	TAILQ_INIT(&dead);
	vm_map_lock(map);
	error = map->dead ? ESRCH : vm_map_clip(map, start);
	if (error != 0)
		goto out;
	if (end < map->max) {
		error = vm_map_clip(map, end);
		if (error != 0)
			goto out;
	}
	error = refresh_entries(map, start, end, &dead);
out:
	vm_map_simplify_range(map, start, end);
	vm_map_unlock(map);
	vm_map_entry_list_free(map, &dead);
	return (error == ENOMEM ? EAGAIN : error);
}

static int
madv_dontneed(struct vmspace *vm, vm_offset_t start, vm_offset_t end,
    bool free_only, bool *hole)
{
	struct vm_map *map = &vm->map;
	vm_offset_t at = start;
	struct vm_map_part p;
	enum how how;
	int error = 0;

	while (error == 0 && !vm_killed(vm->sys)) {
		vm_map_lock_read(map);
		if (map->dead) {
			vm_map_unlock_read(map);
			return (ESRCH);
		}
		if (!vm_map_next_part(map, &at, end, hole, &p)) {
			vm_map_unlock_read(map);
			break;
		}
		how = dontneed_how(map, &p, free_only);
		vm_map_unlock_read(map);
		switch (how) {
		case HOW_DONE:
			break;
		case HOW_PURGE:
			vm_object_page_remove(p.obj, OFF_TO_IDX(p.off),
			    OFF_TO_IDX(p.off + (p.end - p.start)));
			vm_map_purge_end(map);
			vm_object_drop(p.obj);
			break;
		case HOW_REPLACE:
			error = dontneed_replace(vm, p.start, p.end);
			break;
		case HOW_REFUSE:
			error = EINVAL;
			break;
		}
	}
	pmap_sync(vm->pmap);
	return (error);
}

/* ---- advice that works on the parts' objects, map unlocked ---- */

/* REMOVE: punch a hole into shared memory. */
static int
advise_remove(struct vm_map_part *p)
{
	const struct vm_vnode_ops *vops;

	if ((p->eflags & MAP_ENTRY_WIRED) != 0 ||
	    (p->eflags & MAP_ENTRY_SHARED) == 0 || p->obj == NULL)
		return (EINVAL);
	if ((p->max_prot & VM_PROT_WRITE) == 0)
		return (EACCES);
	vops = p->obj->vops;
	if (vops != NULL)
		return (vops->punch != NULL ? vops->punch(p->obj->handle,
						  p->off, p->end - p->start)
					    : EOPNOTSUPP);
	if (!vm_object_is_anon(p->obj))
		return (EOPNOTSUPP);
	vm_object_page_remove(p->obj, OFF_TO_IDX(p->off),
	    OFF_TO_IDX(p->off + (p->end - p->start)));
	return (0);
}

/* Call fn for the pages of each object of the part's chain that has no user
 * outside of the map.  No lock held, the caller owns a ref of the first. */
static void
advise_chain(struct vm_map *map, struct vm_map_part *p,
    void (*fn)(struct vm_object *, vm_pindex_t lo, vm_pindex_t hi))
{
	vm_pindex_t lo = OFF_TO_IDX(p->off);
	vm_pindex_t len = OFF_TO_IDX(p->end - p->start);
	struct vm_object *o = p->obj, *back;
	bool ours = vm_map_object_ours(map, o, 1);

	vm_object_hold(o);
	while (ours || o->vops != NULL) {
		fn(o, lo, lo + len);
		vm_object_lock(o);
		lo += OFF_TO_IDX(o->backing_off);
		back = o->backing;
		if (back != NULL)
			vm_object_hold(back);
		vm_object_unlock(o);
		vm_object_drop(o);
		if (back == NULL)
			return;
		o = back;
		/* Its one user is the object in front of it. */
		ours = vm_life_refs(&o->life) == 1;
	}
	vm_object_drop(o);
}

static void
chain_pageout(struct vm_object *o, vm_pindex_t lo, vm_pindex_t hi)
{
	(void)vm_pageout_range(o, lo, hi);
}

static void
chain_cold(struct vm_object *o, vm_pindex_t lo, vm_pindex_t hi)
{
	struct vm_page *m;

	vm_object_lock(o);
	for (vm_pindex_t i = lo; vm_object_next_page(o, &i, &m) && i < hi; i++)
		m->act = 0;
	vm_object_unlock(o);
}

/* Bring in the pages that are in swap, or the first pages of a file. */
static void
advise_willneed(struct vmspace *vm, struct vm_map_part *p)
{
	uint64_t len = p->end - p->start;
	bool wanted;

	if (p->obj == NULL || p->prot == VM_PROT_NONE)
		return;
	wanted = p->obj->vops != NULL;
	if (!wanted) {
		vm_object_lock(p->obj);
		wanted = p->obj->swapped != 0 || p->obj->backing != NULL;
		vm_object_unlock(p->obj);
	}
	if (wanted)
		(void)vm_fault_range(vm, p->start,
		    len < WILLNEED_MAX ? len : WILLNEED_MAX, VM_PROT_READ);
}

static int
advise_part(struct vmspace *vm, struct vm_map_part *p, int advice)
{
	switch (advice) {
	case LX_MADV_WILLNEED:
		advise_willneed(vm, p);
		return (0);
	case LX_MADV_REMOVE:
		return (advise_remove(p));
	case LX_MADV_COLD:
		if ((p->eflags & MAP_ENTRY_WIRED) != 0)
			return (EINVAL);
		pmap_remove(vm->pmap, p->start, p->end);
		if (p->obj != NULL)
			advise_chain(&vm->map, p, chain_cold);
		return (0);
	case LX_MADV_PAGEOUT:
		if ((p->eflags & MAP_ENTRY_WIRED) != 0)
			return (EINVAL);
		if (p->obj != NULL)
			advise_chain(&vm->map, p, chain_pageout);
		return (0);
	default:
		kpanic("advice %d", advice);
	}
}

/* Give the advice to each part, with a ref of its object and no lock held. */
static int
madv_each(struct vmspace *vm, vm_offset_t start, vm_offset_t end, int advice,
    bool *hole)
{
	struct vm_map *map = &vm->map;
	vm_offset_t at = start;
	struct vm_map_part p;
	bool more;
	int error = 0;

	while (error == 0 && !vm_killed(vm->sys)) {
		vm_map_lock_read(map);
		if (map->dead) {
			vm_map_unlock_read(map);
			return (ESRCH);
		}
		more = vm_map_next_part(map, &at, end, hole, &p);
		if (more && p.obj != NULL)
			vm_object_ref(p.obj);
		vm_map_unlock_read(map);
		if (!more)
			break;
		error = advise_part(vm, &p, advice);
		if (p.obj != NULL)
			vm_object_free(p.obj);
	}
	if (advice == LX_MADV_COLD)
		pmap_sync(vm->pmap);
	return (error);
}

/* POPULATE: errors are those of Linux's faultin. */
static int
madv_populate(
    struct vmspace *vm, vm_offset_t start, vm_offset_t end, vm_prot_t access)
{
	struct vm_map *map = &vm->map;
	vm_offset_t at = start;
	struct vm_map_part p;
	bool hole = false, more = true;
	int error = 0;

	while (error == 0 && !hole && more) {
		vm_map_lock_read(map);
		more = vm_map_next_part(map, &at, end, &hole, &p);
		vm_map_unlock_read(map);
		if (more && (p.eflags & MAP_ENTRY_GUARD) != 0)
			return (EFAULT);
		if (more && !hole)
			error = (p.prot & access) == 0
				    ? EACCES
				    : vm_fault_range(
					  vm, p.start, p.end - p.start, access);
	}
	switch (error) {
	case 0:
		return (hole ? ENOMEM : 0);
	case EACCES:
		return (EINVAL);
	case EIO:
		return (EFAULT);
	case EFAULT:
		return (ENOMEM);
	default:
		return (error);
	}
}

/* ---- guards ---- */

/* What cannot have guards, locked memory, is left out: EINVAL.  ENOMEM: a hole,
 * as on Linux after the rest. */
static int
madv_guard(struct vmspace *vm, vm_offset_t start, vm_offset_t end, bool *hole)
{
	struct vm_map *map = &vm->map;
	struct vm_map_part p;
	vm_offset_t at = start;
	int error = 0;

	vm_map_lock(map);
	if (map->dead)
		error = ESRCH;
	while (error == 0 && vm_map_next_part(map, &at, end, hole, &p)) {
		if ((p.eflags & MAP_ENTRY_WIRED) != 0)
			error = EINVAL;
		else
			error = vm_map_set_attr(map, p.start, p.end, 0,
			    MAP_ENTRY_GUARD, VM_INHERIT_KEEP);
		if (error == 0)
			pmap_remove(map->pmap, p.start, p.end);
	}
	vm_map_unlock(map);
	pmap_sync(vm->pmap);
	if (error != 0)
		return (error);
	return (madv_dontneed(vm, start, end, false, hole));
}

/* ---- advice that changes attributes ---- */

struct attr {
	int advice;
	uint32_t clear, set;
	int inherit;
};

static const struct attr attrs[] = {
    {LX_MADV_NORMAL, MAP_ENTRY_SEQUENTIAL | MAP_ENTRY_RANDOM, 0,
	VM_INHERIT_KEEP},
    {LX_MADV_RANDOM, MAP_ENTRY_SEQUENTIAL, MAP_ENTRY_RANDOM, VM_INHERIT_KEEP},
    {LX_MADV_SEQUENTIAL, MAP_ENTRY_RANDOM, MAP_ENTRY_SEQUENTIAL,
	VM_INHERIT_KEEP},
    {LX_MADV_DONTFORK, 0, 0, VM_INHERIT_NONE},
    {LX_MADV_DOFORK, 0, 0, VM_INHERIT_NATIVE},
    {LX_MADV_DONTDUMP, 0, MAP_ENTRY_DONTDUMP, VM_INHERIT_KEEP},
    {LX_MADV_DODUMP, MAP_ENTRY_DONTDUMP, 0, VM_INHERIT_KEEP},
    {LX_MADV_WIPEONFORK, 0, 0, VM_INHERIT_ZERO},
    {LX_MADV_KEEPONFORK, 0, 0, VM_INHERIT_NATIVE},
    {LX_MADV_MERGEABLE, 0, 0, VM_INHERIT_KEEP},
    {LX_MADV_UNMERGEABLE, 0, 0, VM_INHERIT_KEEP},
    {LX_MADV_HUGEPAGE, 0, 0, VM_INHERIT_KEEP},
    {LX_MADV_NOHUGEPAGE, 0, 0, VM_INHERIT_KEEP},
    {LX_MADV_GUARD_REMOVE, MAP_ENTRY_GUARD, 0, VM_INHERIT_KEEP},
};

static const struct attr *
attr_find(int advice)
{
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		if (attrs[i].advice == advice)
			return (&attrs[i]);
	}
	return (NULL);
}

/* Only private anonymous memory can be wiped at a fork. */
static bool
range_can_be_wiped(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	const struct vm_map_entry *e;

	for (e = vm_map_first(map, start); e != NULL && e->start < end;
	     e = TAILQ_NEXT(e, link))
		if ((e->eflags & MAP_ENTRY_SHARED) != 0 ||
		    !vm_map_entry_anonymous(e))
			return (false);
	return (true);
}

static int
madv_attr(struct vmspace *vm, vm_offset_t start, vm_offset_t end,
    const struct attr *a)
{
	struct vm_map *map = &vm->map;
	int error;

	vm_map_lock(map);
	if (map->dead)
		error = ESRCH;
	else if (a->advice == LX_MADV_WIPEONFORK &&
		 !range_can_be_wiped(map, start, end))
		error = EINVAL;
	else
		error = vm_map_set_attr(
		    map, start, end, a->clear, a->set, a->inherit);
	vm_map_unlock(map);
	return (error);
}

/* Would the advice give up contents of sealed memory that cannot be written? */
static bool
discards_sealed(
    struct vmspace *vm, vm_offset_t start, vm_offset_t end, int advice)
{
	struct vm_map *map = &vm->map;
	bool hole = false, found = false;
	struct vm_map_part p;

	switch (advice) {
	case LX_MADV_DONTNEED:
	case LX_MADV_FREE:
	case LX_MADV_REMOVE:
	case LX_MADV_DONTFORK:
	case LX_MADV_WIPEONFORK:
	case LX_MADV_GUARD_INSTALL:
		break;
	default:
		return (false);
	}
	vm_map_lock_read(map);
	if (map->sealed)
		while (!found && vm_map_next_part(map, &start, end, &hole, &p))
			found = (p.eflags & MAP_ENTRY_SEALED) != 0 &&
				(p.eflags & MAP_ENTRY_SHARED) == 0 &&
				(p.prot & VM_PROT_WRITE) == 0;
	vm_map_unlock_read(map);
	return (found);
}

int
vm_madvise(struct vmspace *vm, vm_offset_t addr, uint64_t len, int advice)
{
	const struct attr *a = attr_find(advice);
	bool hole = false;
	vm_offset_t end;
	int error;

	switch (advice) {
	case LX_MADV_WILLNEED:
	case LX_MADV_DONTNEED:
	case LX_MADV_FREE:
	case LX_MADV_REMOVE:
	case LX_MADV_COLD:
	case LX_MADV_PAGEOUT:
	case LX_MADV_POPULATE_READ:
	case LX_MADV_POPULATE_WRITE:
	case LX_MADV_GUARD_INSTALL:
		break;
	default:
		if (a == NULL)
			return (EINVAL);
	}
	error = vm_range_check(addr, len, &end);
	if (error != 0 || addr == end)
		return (error);
	if (discards_sealed(vm, addr, end, advice))
		return (EPERM);
	if (a != NULL)
		return (madv_attr(vm, addr, end, a));
	if (advice == LX_MADV_POPULATE_READ || advice == LX_MADV_POPULATE_WRITE)
		return (madv_populate(vm, addr, end,
		    advice == LX_MADV_POPULATE_READ ? VM_PROT_READ
						    : VM_PROT_WRITE));
	if (advice == LX_MADV_GUARD_INSTALL)
		error = madv_guard(vm, addr, end, &hole);
	else if (advice == LX_MADV_DONTNEED || advice == LX_MADV_FREE)
		error =
		    madv_dontneed(vm, addr, end, advice == LX_MADV_FREE, &hole);
	else
		error = madv_each(vm, addr, end, advice, &hole);
	return (error == 0 && hole ? ENOMEM : error);
}

/* ---- msync, mincore ---- */

int
vm_msync(struct vmspace *vm, vm_offset_t addr, uint64_t len, bool sync)
{
	struct vm_map *map = &vm->map;
	vm_offset_t at = addr, end;
	bool hole = false, more = true;
	struct vm_map_part p;
	int error, first = 0;

	if ((addr & PAGE_MASK) != 0)
		return (EINVAL);
	if (vm_range_check(addr, len, &end) != 0)
		return (ENOMEM);
	while (more && !vm_killed(vm->sys)) {
		vm_map_lock_read(map);
		if (map->dead) {
			vm_map_unlock_read(map);
			return (ESRCH);
		}
		more = vm_map_next_part(map, &at, end, &hole, &p);
		/* MS_ASYNC does nothing: dirty pages are written later anyway.
		 */
		if (!more || !sync || p.obj == NULL ||
		    (p.eflags & MAP_ENTRY_SHARED) == 0 || p.obj->vops == NULL) {
			vm_map_unlock_read(map);
			continue;
		}
		vm_object_ref(p.obj);
		vm_map_unlock_read(map);
		error = vnode_pager_sync(p.obj, p.off, p.end - p.start);
		if (first == 0)
			first = error;
		vm_object_free(p.obj);
	}
	return (first != 0 ? first : hole ? ENOMEM : 0);
}

int
vm_mincore(struct vmspace *vm, vm_offset_t addr, uint64_t len, uint8_t *vec)
{
	struct vm_map *map = &vm->map;
	const struct vm_map_entry *e;
	vm_offset_t va, end, stop;
	int error = 0;

	if ((addr & PAGE_MASK) != 0)
		return (EINVAL);
	if (vm_range_check(addr, len, &end) != 0 || end > VM_MAX_ADDRESS)
		return (ENOMEM);
	vm_map_lock_read(map);
	if (map->dead) {
		error = ESRCH;
		goto out;
	}
	e = vm_map_lookup(map, addr, NULL);
	for (va = addr; va < end; e = TAILQ_NEXT(e, link)) {
		if (e == NULL || va < e->start) {
			error = ENOMEM;
			goto out;
		}
		stop = e->end < end ? e->end : end;
		if (e->object == NULL) {
			memset(vec, 0, (stop - va) >> PAGE_SHIFT);
			vec += (stop - va) >> PAGE_SHIFT;
			va = stop;
		}
		for (; va < stop; va += PAGE_SIZE)
			*vec++ = vm_map_object_resident(e, va);
	}
out:
	vm_map_unlock_read(map);
	return (error);
}
