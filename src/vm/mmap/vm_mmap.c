/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * mmap, munmap, mprotect, remap_file_pages, mseal and brk.
 *
 * Concepts: semantics, errors and the order of checks are those of Linux.  A
 * fixed address below VM_MIN_ADDRESS is EPERM, as below mmap_min_addr on Linux.
 *
 * A fixed mapping replaces what is there under one hold of the write lock:
 * no other thread sees the hole.  Limits are checked and memory is taken
 * before anything is removed, so a refused call leaves the old mapping.
 *
 * Locking: these calls are entered and left without locks.  Order at the end is
 * always: unlock, sync and release what was removed, populate.
 *
 * Limits: populating is best effort, as for MAP_POPULATE.
 */
#include "vm/mmap/vm_mmap_int.h"

#include <errno.h>

#include "libk/kassert.h"
#include "vm/fault/vm_fault.h"
#include "vm/object/vm_object_int.h"

int
vm_range_check(vm_offset_t addr, uint64_t len, vm_offset_t *end)
{
	uint64_t size = round_page(len);

	if ((addr & PAGE_MASK) != 0 || size < len || addr + size < addr)
		return (EINVAL);
	*end = addr + size;
	return (0);
}

/* ---- mmap ---- */

static int
mmap_check(vm_offset_t addr, uint64_t len, vm_prot_t prot, vm_prot_t max_prot,
    int flags, const struct vm_object *obj, vm_ooffset_t off)
{
	if (len == 0)
		return (EINVAL);
	if (round_page(len) < len || round_page(len) > VM_MAX_ADDRESS)
		return (ENOMEM);
	if (obj != NULL &&
	    ((off & PAGE_MASK) != 0 || off + round_page(len) < off))
		return (EINVAL);
	if ((flags & VMM_GROWSDOWN) != 0 &&
	    (obj != NULL || (flags & VMM_SHARED) != 0))
		return (EINVAL);
	if ((prot & ~max_prot) != 0)
		return (EACCES);
	if ((flags & (VMM_FIXED | VMM_NOREPLACE)) == 0)
		return (0);
	if ((addr & PAGE_MASK) != 0)
		return (EINVAL);
	if (addr > VM_MAX_ADDRESS || round_page(len) > VM_MAX_ADDRESS - addr)
		return (ENOMEM);
	if (addr < VM_MIN_ADDRESS)
		return (EPERM);
	return (0);
}

int
vm_mmap_place(
    struct vmspace *vm, vm_offset_t hint, uint64_t len, vm_offset_t *addr)
{
	struct vm_map *map = &vm->map;
	vm_offset_t a = round_page(hint);

	if (hint != 0 && a >= hint) {
		if (a < map->min)
			a = map->min;
		if (a < map->max && len <= map->max - a &&
		    vm_map_range_free(map, a, a + len)) {
			*addr = a;
			return (0);
		}
	}
	if (vm_map_findspace(map, vm->mmap_top, len, PAGE_SIZE, addr) == 0)
		return (0);
	a = map->min;
	if (vm_map_findspace(map, 0, len, PAGE_SIZE, &a) != 0)
		return (ENOMEM);
	*addr = a;
	return (0);
}

/* The same for VMM_LOW: the lowest place that is free.  The first part of the
 * range comes last, as with Linux's randomization, because programs ask for its
 * round addresses by hints. */
static int
mmap_place_low(
    struct vmspace *vm, vm_offset_t hint, uint64_t len, vm_offset_t *addr)
{
	struct vm_map *map = &vm->map;
	vm_offset_t a = round_page(hint);

	if (len > VMM_LOW_MAX - VMM_LOW_MIN)
		return (ENOMEM);
	if (a < map->min || a > VMM_LOW_MAX - len ||
	    !vm_map_range_free(map, a, a + len)) {
		a = VMM_LOW_FIRST;
		if (vm_map_findspace(map, 0, len, PAGE_SIZE, &a) != 0 ||
		    a > VMM_LOW_MAX - len)
			a = VMM_LOW_MIN;
		if (vm_map_findspace(map, 0, len, PAGE_SIZE, &a) != 0 ||
		    a > VMM_LOW_MAX - len)
			return (ENOMEM);
	}
	*addr = a;
	return (0);
}

static void
mmap_template(struct vm_map_entry *t, int flags, bool anon)
{
	uint32_t ef = 0;

	if ((flags & VMM_SHARED) != 0)
		ef |= MAP_ENTRY_SHARED;
	else {
		ef |= MAP_ENTRY_COW;
		if (!anon)
			ef |= MAP_ENTRY_NEEDS_COPY;
	}
	if ((flags & VMM_NORESERVE) != 0)
		ef |= MAP_ENTRY_NORESERVE;
	if ((flags & VMM_GROWSDOWN) != 0)
		ef |= MAP_ENTRY_GROWSDOWN;
	if ((flags & VMM_STACK) != 0)
		ef |= MAP_ENTRY_STACK;
	if ((flags & VMM_LOCKED) != 0)
		ef |= MAP_ENTRY_WIRED;
	t->eflags = ef;
	t->inherit =
	    (flags & VMM_SHARED) != 0 ? VM_INHERIT_SHARE : VM_INHERIT_COPY;
}

/* An object for shared anonymous memory, charged.  0, ENOMEM. */
static int
mmap_shared_object(
    struct vm_system *sys, uint64_t len, int flags, struct vm_object **out)
{
	struct vm_object *obj;
	int error;

	error =
	    vm_object_allocate_hold(sys, OBJT_DEFAULT, OFF_TO_IDX(len), &obj);
	if (error != 0)
		return (error);
	if ((flags & VMM_NORESERVE) == 0)
		error = vm_object_commit(obj, len);
	vm_object_unlock(obj);
	if (error != 0) {
		vm_object_free(obj);
		return (error);
	}
	*out = obj;
	return (0);
}

/* With the map locked: place and insert.  t->object's ref passes. */
static int
mmap_locked(struct vmspace *vm, struct vm_map_entry *t, vm_offset_t hint,
    uint64_t len, int flags, struct vm_map_list *dead)
{
	struct vm_map *map = &vm->map;
	int error;

	if (map->dead)
		return (ESRCH);
	if ((flags & (VMM_FIXED | VMM_NOREPLACE)) != 0)
		t->start = hint;
	else {
		error = (flags & VMM_LOW) != 0
			    ? mmap_place_low(vm, hint, len, &t->start)
			    : vm_mmap_place(vm, hint, len, &t->start);
		if (error != 0)
			return (error);
	}
	t->end = t->start + len;
	return (vm_map_insert_entry(map, t,
	    (flags & (VMM_FIXED | VMM_NOREPLACE)) == VMM_FIXED ? dead : NULL));
}

int
vm_mmap(struct vmspace *vm, vm_offset_t *addr, uint64_t len, vm_prot_t prot,
    vm_prot_t max_prot, int flags, struct vm_object *obj, vm_ooffset_t off)
{
	struct vm_map_entry t = {.prot = prot, .max_prot = max_prot};
	struct vm_map_list dead;
	bool fill;
	int error;

	error = mmap_check(*addr, len, prot, max_prot, flags, obj, off);
	if (error != 0)
		return (error);
	len = round_page(len);
	mmap_template(&t, flags, obj == NULL);
	if (obj != NULL) {
		vm_object_ref(obj);
		t.object = obj;
		t.offset = off;
	} else if ((flags & VMM_SHARED) != 0) {
		error = mmap_shared_object(vm->sys, len, flags, &t.object);
		if (error != 0)
			return (error);
	}

	TAILQ_INIT(&dead);
	vm_map_lock(&vm->map);
	error = mmap_locked(vm, &t, *addr, len, flags, &dead);
	fill = vm->map.lock_future == VM_LOCK_FUTURE_FILL;
	vm_map_unlock(&vm->map);
	vm_map_entry_list_free(&vm->map, &dead);
	if (error != 0) {
		if (t.object != NULL)
			vm_object_free(t.object);
		return (error);
	}
	*addr = t.start;
	if (fill || (flags & (VMM_POPULATE | VMM_LOCKED)) != 0)
		(void)vm_populate(vm, t.start, t.end);
	return (0);
}

int
vm_populate(struct vmspace *vm, vm_offset_t start, vm_offset_t end)
{
	const struct vm_map_entry *e;
	vm_offset_t at = start, s;
	vm_prot_t access;
	int error;

	while (at < end) {
		vm_map_lock_read(&vm->map);
		e = vm_map_first(&vm->map, at);
		if (e == NULL || e->start >= end) {
			vm_map_unlock_read(&vm->map);
			return (0);
		}
		s = e->start > at ? e->start : at;
		at = e->end < end ? e->end : end;
		/* Private memory: a write fault makes the copy at once. */
		if ((e->eflags & MAP_ENTRY_SHARED) == 0 &&
		    (e->prot & VM_PROT_WRITE) != 0)
			access = VM_PROT_WRITE;
		else
			access = VM_PROT_USABLE(e->prot) & VM_PROT_READ;
		vm_map_unlock_read(&vm->map);
		if (access == VM_PROT_NONE)
			return (EACCES);
		error = vm_fault_range(vm, s, at - s, access);
		if (error != 0)
			return (error);
	}
	return (0);
}

/* ---- munmap, mprotect ---- */

/* Does e map a System V segment that begins at addr? */
static bool
entry_is_sysv(const struct vm_map_entry *e, vm_offset_t addr)
{
	bool yes;

	if ((e->eflags & MAP_ENTRY_SHARED) == 0 || e->object == NULL ||
	    e->start < addr || e->offset != e->start - addr)
		return (false);
	vm_object_lock(e->object);
	yes = (e->object->flags & OBJ_SYSV) != 0;
	vm_object_unlock(e->object);
	return (yes);
}

/* Map locked for writing. */
static int
munmap_sysv_locked(struct vm_map *map, vm_offset_t addr, uint64_t *object_id,
    struct vm_map_list *dead)
{
	struct vm_map_entry *e = vm_map_first(map, addr), *next;
	const struct vm_object *obj;
	vm_offset_t end;
	int error = 0;

	while (e != NULL && !entry_is_sysv(e, addr))
		e = TAILQ_NEXT(e, link);
	if (e == NULL)
		return (EINVAL);
	obj = e->object;
	*object_id = obj->id;
	end = addr + IDX_TO_OFF(obj->size);
	for (; e != NULL && e->end <= end && error == 0; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->object == obj && entry_is_sysv(e, addr))
			error = vm_map_delete(map, e->start, e->end, dead);
	}
	return (error);
}

int
vm_munmap_sysv(struct vmspace *vm, vm_offset_t addr, uint64_t *object_id)
{
	struct vm_map_list dead;
	int error;

	if ((addr & PAGE_MASK) != 0)
		return (EINVAL);
	TAILQ_INIT(&dead);
	vm_map_lock(&vm->map);
	error = vm->map.dead
		    ? ESRCH
		    : munmap_sysv_locked(&vm->map, addr, object_id, &dead);
	vm_map_unlock(&vm->map);
	vm_map_entry_list_free(&vm->map, &dead);
	return (error);
}

int
vm_munmap(struct vmspace *vm, vm_offset_t addr, uint64_t len)
{
	struct vm_map_list dead;
	vm_offset_t end;
	int error;

	error = vm_range_check(addr, len, &end);
	if (error != 0 || addr == end || end > VM_MAX_ADDRESS)
		return (EINVAL);
	TAILQ_INIT(&dead);
	vm_map_lock(&vm->map);
	error =
	    vm->map.dead ? ESRCH : vm_map_delete(&vm->map, addr, end, &dead);
	vm_map_unlock(&vm->map);
	vm_map_entry_list_free(&vm->map, &dead);
	return (error);
}

int
vm_mprotect(struct vmspace *vm, vm_offset_t addr, uint64_t len, vm_prot_t prot)
{
	vm_offset_t end;
	int error;

	if ((addr & PAGE_MASK) != 0)
		return (EINVAL);
	if (len == 0)
		return (0);
	if (vm_range_check(addr, len, &end) != 0 || addr == end)
		return (ENOMEM);
	vm_map_lock(&vm->map);
	error =
	    vm->map.dead ? ESRCH : vm_map_protect(&vm->map, addr, end, prot);
	vm_map_unlock(&vm->map);
	/* Also after an error: what is before a hole has changed. */
	pmap_sync(vm->pmap);
	return (error);
}

/* ---- remap_file_pages, mseal ---- */

/* Describe the shared mapping of the range, which may have several entries of
 * one file: *t owns a ref of the object.  Map locked. */
static int
shared_run(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    struct vm_map_entry *t)
{
	const struct vm_map_entry *e = vm_map_lookup(map, start, NULL), *n = e;

	if (map->dead)
		return (ESRCH);
	if (e == NULL || (e->eflags & MAP_ENTRY_SHARED) == 0 ||
	    e->object == NULL)
		return (EINVAL);
	for (; n->end < end; n = TAILQ_NEXT(n, link)) {
		const struct vm_map_entry *next = TAILQ_NEXT(n, link);

		if (next == NULL || next->start != n->end ||
		    next->object != e->object || next->prot != e->prot ||
		    next->eflags != e->eflags)
			return (EINVAL);
	}
	t->object = e->object;
	t->eflags = e->eflags & ~(uint32_t)MAP_ENTRY_GUARD;
	t->prot = e->prot;
	t->max_prot = e->max_prot;
	t->inherit = e->inherit;
	vm_object_ref(t->object);
	return (0);
}

/* Does anonymous memory of this object end before `end`? */
static bool
object_ends(struct vm_object *o, vm_ooffset_t end)
{
	bool ends;

	vm_object_lock(o);
	ends = vm_object_is_anon(o) && (o->flags & OBJ_NAMED) == 0 &&
	       end > IDX_TO_OFF(o->size);
	vm_object_unlock(o);
	return (ends);
}

/*
 * The map stays locked from the look at the old mapping until the new one is
 * there.  So a file that is mapped writable has such a mapping all the time,
 * and cannot be sealed against writes in between.
 */
int
vm_remap_file_pages(
    struct vmspace *vm, vm_offset_t addr, uint64_t len, vm_ooffset_t off)
{
	struct vm_map *map = &vm->map;
	struct vm_map_entry t = {.start = addr, .end = addr + len};
	struct vm_map_list dead;
	int error;

	TAILQ_INIT(&dead);
	vm_map_lock(map);
	error = shared_run(map, addr, addr + len, &t);
	if (error == 0) {
		t.offset = off;
		error = object_ends(t.object, off + len)
			    ? EINVAL
			    : vm_map_insert_entry(map, &t, &dead);
	}
	vm_map_unlock(map);
	vm_map_entry_list_free(map, &dead);
	if (error != 0) {
		if (t.object != NULL)
			vm_object_free(t.object);
		return (error);
	}
	(void)vm_populate(vm, addr, addr + len);
	return (0);
}

/* Is all of the range mapped?  Map locked. */
static bool
range_is_mapped(struct vm_map *map, vm_offset_t start, vm_offset_t end)
{
	const struct vm_map_entry *e;

	for (e = vm_map_first(map, start); start < end;
	     e = TAILQ_NEXT(e, link)) {
		if (e == NULL || e->start > start)
			return (false);
		start = e->end;
	}
	return (true);
}

int
vm_mseal(struct vmspace *vm, vm_offset_t addr, uint64_t len)
{
	struct vm_map *map = &vm->map;
	vm_offset_t end;
	int error;

	error = vm_range_check(addr, len, &end);
	if (error != 0 || addr == end)
		return (error);
	vm_map_lock(map);
	if (map->dead)
		error = ESRCH;
	else if (!range_is_mapped(map, addr, end))
		error = ENOMEM;
	else
		error = vm_map_set_attr(
		    map, addr, end, 0, MAP_ENTRY_SEALED, VM_INHERIT_KEEP);
	if (error == 0)
		map->sealed = true;
	vm_map_unlock(map);
	return (error);
}

/* ---- brk ---- */

/* The heap begins at the page above brk_start and ends at that of brk_end. */
static int
brk_locked(struct vmspace *vm, vm_offset_t want, struct vm_map_list *dead)
{
	struct vm_map *map = &vm->map;
	vm_offset_t from, to;
	int error = 0;

	if (map->dead)
		return (ESRCH);
	if (want < vm->brk_start || want > VM_MAX_ADDRESS - PAGE_SIZE ||
	    want - vm->brk_start > vm->data_limit)
		return (ENOMEM);
	from = round_page(vm->brk_end);
	to = round_page(want);
	if (to > from)
		error = vm_map_insert(map, NULL, 0, from, to,
		    VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, VM_INHERIT_COPY,
		    MAP_ENTRY_COW | MAP_ENTRY_HEAP);
	else if (to < from)
		error = vm_map_delete(map, to, from, dead);
	if (error == 0)
		vm->brk_end = want;
	return (error);
}

void
vm_brk(struct vmspace *vm, vm_offset_t *cur)
{
	struct vm_map_list dead;
	vm_offset_t was;
	bool fill;

	TAILQ_INIT(&dead);
	vm_map_lock(&vm->map);
	was = round_page(vm->brk_end);
	/* brk(2) has no errors: it returns the break in force. */
	(void)brk_locked(vm, *cur, &dead);
	*cur = vm->brk_end;
	fill = vm->map.lock_future == VM_LOCK_FUTURE_FILL;
	vm_map_unlock(&vm->map);
	vm_map_entry_list_free(&vm->map, &dead);
	if (fill && *cur > was)
		(void)vm_populate(vm, was, round_page(*cur));
}
