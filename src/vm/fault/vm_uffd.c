/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Ranges whose faults user code serves (userfaultfd): the part of vm.
 *
 * Concepts
 *   A server (struct vm_uffd) is registered in map entries: entry->uffd, with
 *   flags for what is served.
 *
 *   MISSING   a fault on a page that no object of the chain has, in memory or
 *             in swap, is reported instead of making a page.
 *   WP        ranges can be protected against writes.  MAP_ENTRY_UFFD_PROT is
 *             that protection: the entry gives no right to write, and a write
 *             to a page that is there is reported.  The protection is a
 *             property of entries, as that of mprotect is, because translations
 *             may be forgotten at any time.
 *
 *   On Linux the protection is one of translations, so an absent page has none
 *   (unless the server asked for WP_UNPOPULATED).  So a fault on an absent page
 *   that is not MISSING ends the protection of this page first.  Where the map
 *   cannot be split for that, the protection stays and a write is reported.
 *
 *   A fault that is to be reported releases all locks, and calls ops->wait with
 *   a ref of the server.  The report comes first, then vm_uffd_must_wait()
 *   looks at the page again: a server changes the page first and wakes second,
 *   so that no wake-up is missed.
 *
 * Locking and lifetime
 *   entry->uffd is protected by the map lock, and is no ref: a server is taken
 *   out of all entries (vm_uffd_detach) before its owner gives up the first
 *   ref.  A thread that reads it takes a ref before it unlocks the map.  A
 *   server holds its vmspace, which keeps the structure and not the memory.
 *
 * Guarantees
 *   A page is made only by vm_uffd_fill() while MISSING is registered.
 *   Forks, mremap to another place, and exec leave no registration behind.
 *
 * Limits
 *   Private anonymous memory only.  Protecting pages one by one splits entries,
 *   up to VM_MAP_ENTRIES_MAX.
 */
#include "vm/fault/vm_uffd.h"

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "vm/fault/vm_fault_int.h"
#include "vm/map/vm_map_int.h"

void
vm_uffd_init(
    struct vm_uffd *u, const struct vm_uffd_ops *ops, struct vmspace *vm)
{
	atomic_init(&u->refs, 1);
	atomic_init(&u->unpopulated, false);
	u->ops = ops;
	u->vm = vm;
}

/* The caller has a ref, or the map lock and an entry that names u. */
static void
uffd_ref(struct vm_uffd *u)
{
	uint32_t was = atomic_fetch_add(&u->refs, 1);

	KVERIFY(was > 0 && was < UINT32_MAX);
}

void
vm_uffd_drop(struct vm_uffd *u)
{
	klock_assert_none();
	if (atomic_fetch_sub(&u->refs, 1) == 1)
		u->ops->free(u);
}

/* ---- registration ---- */

/* May all that is mapped in the range be served by u?  Map locked. */
static int
range_check(struct vm_uffd *u, vm_offset_t start, vm_offset_t end)
{
	const struct vm_map_entry *e = vm_map_first(&u->vm->map, start);

	if (e == NULL || e->start >= end)
		return (EINVAL);
	for (; e != NULL && e->start < end; e = TAILQ_NEXT(e, link)) {
		if ((e->eflags & MAP_ENTRY_SHARED) != 0 ||
		    !vm_map_entry_anonymous(e))
			return (EINVAL);
		if ((e->max_prot & VM_PROT_WRITE) == 0)
			return (EPERM);
		if (e->uffd != NULL && e->uffd != u)
			return (EBUSY);
	}
	return (0);
}

/* Make both ends borders, and name u (or NULL) with these flags in what is
 * mapped between them.  Map write-locked. */
static int
range_name(struct vm_map *map, vm_offset_t start, vm_offset_t end,
    struct vm_uffd *u, uint32_t clear, uint32_t set)
{
	struct vm_map_entry *e;
	int error;

	error = vm_map_clip(map, start);
	if (error == 0 && end < map->max)
		error = vm_map_clip(map, end);
	if (error == 0)
		for (e = vm_map_first(map, start); e != NULL && e->start < end;
		     e = TAILQ_NEXT(e, link)) {
			e->uffd = u;
			e->eflags = (e->eflags & ~clear) | set;
		}
	vm_map_simplify_range(map, start, end);
	return (error);
}

int
vm_uffd_register(struct vm_uffd *u, vm_offset_t start, vm_offset_t end,
    bool missing, bool wp)
{
	uint32_t set = (missing ? MAP_ENTRY_UFFD_MISSING : 0) |
		       (wp ? MAP_ENTRY_UFFD_WP : 0);
	/* Without WP a protection that is there ends. */
	uint32_t clear =
	    (uint32_t)MAP_ENTRY_UFFD & ~(wp ? MAP_ENTRY_UFFD_PROT : 0u);
	struct vm_map *map = &u->vm->map;
	int error;

	vm_map_lock(map);
	error = map->dead ? ESRCH : range_check(u, start, end);
	if (error == 0)
		error = range_name(map, start, end, u, clear, set);
	vm_map_unlock(map);
	return (error);
}

int
vm_uffd_unregister(struct vm_uffd *u, vm_offset_t start, vm_offset_t end)
{
	struct vm_map *map = &u->vm->map;
	int error;

	vm_map_lock(map);
	error = map->dead ? ESRCH : range_check(u, start, end);
	if (error == EBUSY || error == EPERM)
		error = EINVAL;
	if (error == 0)
		error = range_name(
		    map, start, end, NULL, (uint32_t)MAP_ENTRY_UFFD, 0);
	vm_map_unlock(map);
	return (error);
}

void
vm_uffd_detach(struct vm_uffd *u)
{
	struct vm_map *map = &u->vm->map;
	struct vm_map_entry *e;

	vm_map_lock(map);
	TAILQ_FOREACH (e, &map->list, link)
		if (e->uffd == u) {
			e->uffd = NULL;
			e->eflags &= ~(uint32_t)MAP_ENTRY_UFFD;
		}
	vm_map_simplify_range(map, map->min, map->max);
	vm_map_unlock(map);
}

/* Map locked. */
static int
covers_locked(
    const struct vm_uffd *u, vm_offset_t start, vm_offset_t end, bool wp)
{
	const struct vm_map_entry *e;
	vm_offset_t at = start;

	if (u->vm->map.dead)
		return (ESRCH);
	for (e = vm_map_first(&u->vm->map, start); at < end;
	     e = TAILQ_NEXT(e, link)) {
		if (e == NULL || e->start > at || e->uffd != u ||
		    (wp && (e->eflags & MAP_ENTRY_UFFD_WP) == 0))
			return (ENOENT);
		at = e->end;
	}
	return (0);
}

int
vm_uffd_covers(struct vm_uffd *u, vm_offset_t start, vm_offset_t end, bool wp)
{
	int error;

	vm_map_lock_read(&u->vm->map);
	error = covers_locked(u, start, end, wp);
	vm_map_unlock_read(&u->vm->map);
	return (error);
}

int
vm_uffd_protect(struct vm_uffd *u, vm_offset_t start, vm_offset_t end, bool on)
{
	struct vm_map *map = &u->vm->map;
	int error;

	vm_map_lock(map);
	error = covers_locked(u, start, end, true);
	if (error == 0)
		error = range_name(map, start, end, u,
		    on ? 0 : MAP_ENTRY_UFFD_PROT, on ? MAP_ENTRY_UFFD_PROT : 0);
	if (error == 0 && on)
		pmap_protect(
		    map->pmap, start, end, VM_PROT_READ | VM_PROT_EXECUTE);
	vm_map_unlock(map);
	if (on)
		pmap_sync(u->vm->pmap);
	return (error);
}

/* ---- faults ---- */

/* Does an object of the entry's chain have the page?  Map locked. */
static bool
page_exists(const struct vm_map_entry *e, vm_offset_t va)
{
	struct vm_map_page page;

	vm_map_object_page(e, va, &page);
	return (page.exists);
}

bool
vm_uffd_must_wait(struct vm_uffd *u, const struct vm_uffd_fault *f)
{
	vm_offset_t va = trunc_page(f->va);
	struct vm_map *map = &u->vm->map;
	const struct vm_map_entry *e;
	bool must = false;

	vm_map_lock_read(map);
	e = map->dead ? NULL : vm_map_lookup(map, va, NULL);
	if (e != NULL && e->uffd == u) {
		if (f->wp)
			must = (e->eflags & MAP_ENTRY_UFFD_PROT) != 0;
		else
			must = (e->eflags & MAP_ENTRY_UFFD_MISSING) != 0 &&
			       !page_exists(e, va);
	}
	vm_map_unlock_read(map);
	return (must);
}

/* Report the fault and wait; nothing is locked afterwards. */
static int
uffd_report(struct vm_faultinfo *fi, bool wp)
{
	const struct vm_uffd_fault f = {.va = fi->addr,
	    .write = vm_fault_write(fi),
	    .wp = wp,
	    .user = fi->user};
	struct vm_uffd *u = fi->entry->uffd;
	int error;

	uffd_ref(u);
	vm_fault_unlock(fi, FAULT_ALL);
	fi->want_write = false;
	error = u->ops->wait(u, &f);
	vm_uffd_drop(u);
	return (error);
}

/* End the protection of an absent page; nothing is locked afterwards. */
static int
uffd_unprotect(struct vm_faultinfo *fi)
{
	struct vm_uffd *u = fi->entry->uffd;
	int error;

	uffd_ref(u);
	vm_fault_unlock(fi, FAULT_ALL);
	error = vm_uffd_protect(u, fi->va, fi->va + PAGE_SIZE, false);
	vm_uffd_drop(u);
	if (error == ENOMEM)
		fi->keep_prot = true;
	return (ERESTART);
}

int
vm_uffd_check(struct vm_faultinfo *fi)
{
	const struct vm_map_entry *e = fi->entry;
	bool prot = (e->eflags & MAP_ENTRY_UFFD_PROT) != 0;

	krwlock_assert_locked(&fi->map->lock);
	if (fi->filler != NULL)
		return (e->uffd == fi->filler ? 0 : ENOENT);
	if (!prot && (e->eflags & MAP_ENTRY_UFFD_MISSING) == 0)
		return (0);
	if (!page_exists(e, fi->va)) {
		if ((e->eflags & MAP_ENTRY_UFFD_MISSING) != 0)
			return (uffd_report(fi, false));
		if (!fi->keep_prot && !atomic_load(&e->uffd->unpopulated))
			return (uffd_unprotect(fi));
	}
	return (prot && vm_fault_write(fi) ? uffd_report(fi, true) : 0);
}

/* ---- filling ---- */

int
vm_uffd_fill_page(struct vm_faultinfo *fi)
{
	struct vm_object *first = fi->first;
	vm_prot_t prot = vm_fault_prot(fi, NULL);
	struct vm_page *m;
	void *p;

	if (fi->swapped)
		return (EEXIST);
	m = vm_page_alloc(first, fi->first_idx);
	if (m == NULL)
		return (ENOMEM);
	p = vm_page_ptr(fi->sys->phys, m);
	if (fi->fill != NULL)
		memcpy(p, fi->fill, PAGE_SIZE);
	else
		memset(p, 0, PAGE_SIZE);
	m->flags &= ~(uint32_t)PG_ZEROED;
	m->flags |= PG_VALID;
	m->act = VM_ACT_MAX;
	/* Without a translation the next access makes one. */
	if (prot != VM_PROT_NONE) {
		m->flags |= PG_MAPPED;
		(void)pmap_enter(fi->map->pmap, fi->va,
		    vm_page_frame(fi->sys->phys, m), 1, prot);
	}
	vm_page_unbusy(m);
	vm_stat_add(fi->sys, VMST_ZFOD, 1);
	return (0);
}

/* Is the page of va protected?  0 and *prot; ENOENT, ESRCH. */
static int
fill_prot(struct vm_uffd *u, vm_offset_t va, bool wp, bool *prot)
{
	const struct vm_map_entry *e;
	int error;

	vm_map_lock_read(&u->vm->map);
	error = covers_locked(u, va, va + PAGE_SIZE, wp);
	if (error == 0) {
		e = vm_map_lookup(&u->vm->map, va, NULL);
		*prot = (e->eflags & MAP_ENTRY_UFFD_PROT) != 0;
		if (page_exists(e, va))
			error = EEXIST;
	}
	vm_map_unlock_read(&u->vm->map);
	return (error);
}

int
vm_uffd_fill(struct vm_uffd *u, vm_offset_t va, const void *data, bool wp)
{
	bool prot;
	int error;

	KASSERT((va & PAGE_MASK) == 0);
	error = fill_prot(u, va, wp, &prot);
	/* While the page is absent its protection has no effect. */
	if (error == 0 && prot != wp)
		error = vm_uffd_protect(u, va, va + PAGE_SIZE, wp);
	return (error != 0 ? error : vm_fault_fill(u, va, data));
}
