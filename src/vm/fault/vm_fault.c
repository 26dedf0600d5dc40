/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Page faults: the stages and the retry loop.
 *
 * Purpose
 *   vm_fault() makes a translation for an address from its map entry and
 *   objects.  Only faults enter translations, and only faults make anonymous
 *   pages, so the rules of copy-on-write are here.
 *
 * Concepts
 *   A fault is a sequence of stages over one context (struct vm_faultinfo):
 *
 *     lookup    map locked, entry found, rights decided, stack grown
 *     served    user code makes the page: report, wait, start over (vm_uffd.c)
 *     prepare   the entry gets an object, or a shadow if this is a write: it
 *               is allocated only now
 *     walk      hand over hand along the chain: which object has the page?
 *     then one of
 *       enter   first object, or a backing object and no write: translate
 *       move    a backing object has it, this is a write, and no other object
 *               or entry can see the backing object
 *       copy    a backing object has it, this is a write, and the page cannot
 *               move
 *       zero    no object has it
 *       pagein  the chain ends at a file: read, then start over
 *       swapin  an object of the chain has it in swap: the same
 *       device  the chain ends at a device: get the page from its pager, then
 *               start over
 *
 *   A stage that must release a lock it needs (for I/O, a busy page, the map
 *   lock for writing, no memory) releases all of them and returns ERESTART; the
 *   loop in vm_fault() begins at lookup again, and finds the pages that the
 *   stage has put into the objects.  No value that was read under a lock is
 * used after its release.
 *
 *   Which locks are held is part of the context (fi->held).  A stage may return
 *   with any of them: fault_try() releases what is left.
 *
 *   A copy hides the old page from every viewer of the first object.  If there
 *   is another viewer (a second entry or a shadow), its translation of the
 *   old page is stale from that moment: all such translations are removed and
 *   synced before the copy appears.  With one viewer, entering the copy
 *   replaces the only stale translation.
 *
 *   A move (fault_cow(), if fault_may_move() allows it) takes the page from the
 *   object right behind the first object and puts it into the first object
 *   (vm_page_rename()).  Both objects are locked.  The frame stays the same, so
 *   no translation becomes stale.
 *
 * Data structures
 *   entry->next_fault and entry->window carry the access pattern from one
 *   fault to the next: hints, racy by design.  See vm_fault_cluster.c.
 *
 * Locking and lifetime
 *   Map (read, or write where the entry changes), first object, then the walk
 *   keeps `first` and one object further back locked.  A thread that makes a
 *   page in an object in the middle of a chain holds the locks of that object
 *   and of the object that had the page before; the walk holds one lock until
 *   it has the next.  So the walk sees either the new page, or the old page; in
 *   that case its translation is in place before the stale ones are removed.
 *   Translations are entered with the page's object locked.  While pages are
 *   zeroed only the map is locked: they are busy, and the object counts one
 *   paging.  During I/O nothing is locked; the object is held and counts one.
 *
 * Guarantees
 *   - On success a sufficient translation was entered; another thread may have
 *     removed it since, so callers retry their access.
 *   - A failed fault may have allocated an object or a shadow, which changes
 *     nothing that user code can see.
 *   - A process that has used up its budget of kernel memory loses its tables
 *     first, and only then the fault fails.
 *   - Each retry has made progress or has waited for a thread that does; when
 *     memory is used up, sys->oom decides which process dies.
 *
 * Limits
 *   After a write lock is taken for prepare, the rest of that fault runs under
 *   it.
 */
#include "vm/fault/vm_fault.h"

#include <errno.h>

#include "libk/kassert.h"
#include "mem/kmem.h"
#include "mem/vm_reserve.h"
#include "pmap/pmap.h"
#include "vm/fault/vm_fault_int.h"
#include "vm/pageout/vm_pageout.h"

#define RECLAIM_TARGET 64  /* frames to ask for when there are none */
#define RECLAIM_ROUNDS 256 /* times to ask before the policy is called */
#define USE_TRIES 4096     /* faults for one use of a page */
#define USE_SPIN 8         /* of these, without giving way */

/* ---- lookup ---- */

static void
fault_lock_map(struct vm_faultinfo *fi)
{
	KASSERT(fi->held == 0);
	if (fi->want_write) {
		vm_map_lock(fi->map);
		fi->held = FAULT_MAP_WRITE;
	} else {
		vm_map_lock_read(fi->map);
		fi->held = FAULT_MAP_READ;
	}
}

/* No entry: extend a stack above, once. */
static int
fault_grow(struct vm_faultinfo *fi)
{
	int error;

	vm_fault_unlock(fi, FAULT_ALL);
	if (fi->grown)
		return (EFAULT);
	error = vm_map_growstack(fi->vm, fi->va);
	if (error != 0)
		return (error);
	fi->grown = true;
	return (ERESTART);
}

/* On success the map is locked, and fi->entry and fi->may are set. */
static int
fault_lookup(struct vm_faultinfo *fi)
{
	int error;

	fault_lock_map(fi);
	if (fi->map->dead)
		return (ESRCH);
	fi->entry = vm_map_lookup(fi->map, fi->va, NULL);
	if (fi->entry == NULL)
		return (fault_grow(fi));
	error = vm_fault_rights(fi);
	if (error == 0 && (fi->entry->uffd != NULL || fi->filler != NULL))
		error = vm_uffd_check(fi);
	return (error);
}

/* ---- prepare ---- */

/* Give the entry an object, or its object a shadow.  Map write-locked. */
static int
prepare_object(struct vm_faultinfo *fi)
{
	struct vm_map_entry *e = fi->entry;
	struct vm_object *o = e->object;
	int error;

	krwlock_assert_wlocked(&fi->map->lock);
	if (o == NULL) {
		error = vm_object_allocate(
		    fi->sys, OBJT_DEFAULT, OFF_TO_IDX(e->end - e->start), &o);
		if (error == 0)
			vm_object_relink_entry(e, o, 0);
		return (error);
	}
	error = vm_object_shadow_entry(e);
	if (error == 0 && o == e->object)
		fi->copied_none = true;
	return (error);
}

/*
 * Give the entry an object that serves the access.  Map locked.  0; ERESTART
 * (the map is to be locked for writing); ENOMEM.
 */
static int
fault_prepare(struct vm_faultinfo *fi)
{
	int error;

	if (!fi->may.prepare) {
		fi->want_write = false;
		return (0);
	}
	if ((fi->held & FAULT_MAP_WRITE) == 0) {
		fi->want_write = true;
		return (ERESTART);
	}
	fi->want_write = false;
	error = prepare_object(fi);
	if (error != 0)
		return (error);
	fi->entry->eflags &= ~(uint32_t)MAP_ENTRY_NEEDS_COPY;
	return (vm_fault_rights(fi));
}

/* ---- walk ---- */

/* Wait for a busy page of fi->obj; nothing is locked afterwards. */
static int
fault_wait_busy(struct vm_faultinfo *fi, struct vm_page *m)
{
	struct vm_object *o = vm_fault_take_obj(fi);

	vm_page_busy_wait(o, m);
	vm_object_unlock(o);
	vm_object_drop(o);
	return (ERESTART);
}

/*
 * Find the page.  0: first and obj locked, m set or NULL.  ERESTART: the page
 * was busy; nothing is locked.
 */
static int
fault_walk(struct vm_faultinfo *fi)
{
	struct vm_object *o = fi->entry->object, *back;
	struct vm_page *m;
	vm_pindex_t idx;
	uint64_t slot;

	idx = OFF_TO_IDX(fi->entry->offset + (fi->va - fi->entry->start));
	fi->first = o;
	fi->first_idx = idx;
	vm_fault_lock_first(fi);
	while ((slot = vm_object_slot(o, idx)) == 0) {
		back = o->backing;
		if (back == NULL || idx >= o->size)
			break;
		idx += OFF_TO_IDX(o->backing_off);
		vm_object_lock(back);
		vm_fault_unlock(fi, FAULT_OBJ);
		fi->obj = o = back;
		fi->held |= FAULT_OBJ;
	}
	fi->swapped = vm_slot_is_swap(slot);
	m = fi->swapped ? NULL : vm_slot_page(slot);
	fi->obj = o;
	fi->idx = idx;
	fi->m = m;
	if (m != NULL && (m->flags & PG_BUSY) != 0)
		return (fault_wait_busy(fi, m));
	KASSERT(m == NULL || (m->flags & PG_VALID) != 0);
	return (0);
}

/* ---- copy on write ---- */

/*
 * Can the page move to the first object instead of being copied?  Only if no
 * other object or entry can see the object that has it.
 */
static bool
fault_may_move(const struct vm_faultinfo *fi)
{
	const struct vm_object *o = fi->obj;
	const struct vm_page *m = fi->m;

	return (o == fi->first->backing && vm_object_is_anon(o) &&
		(o->flags & OBJ_NAMED) == 0 && vm_life_refs(&o->life) == 1 &&
		o->shadow_count == 1 && o->paging == 0 && m->wire == 0 &&
		atomic_load(&m->hold) == 0);
}

static int
fault_cow(struct vm_faultinfo *fi)
{
	struct vm_object *back = fi->first->backing;
	int error;

	if (fault_may_move(fi) &&
	    vm_page_rename(fi->m, fi->first, fi->first_idx) == 0) {
		vm_fault_unlock(fi, FAULT_OBJ);
		fi->obj = fi->first;
		fi->idx = fi->first_idx;
		vm_page_dirty(fi->m);
		vm_stat_add(fi->sys, VMST_COW_OPT, 1);
		atomic_fetch_add(&fi->vm->usage.cow_opt, 1);
		error = vm_fault_enter(fi);
	} else
		error = vm_fault_copy(fi);
	/* An earlier attempt to shorten the chain was refused: try again. */
	if (error == 0 && back->vops == NULL &&
	    vm_life_refs(&back->life) == 1) {
		vm_object_hold(fi->first);
		fi->collapse = fi->first;
	}
	return (error);
}

/* ---- the loop ---- */

/* No object of the chain has the page in memory. */
static int
fault_absent(struct vm_faultinfo *fi)
{
	struct vm_object *o = fi->obj;
	bool beyond = (o->flags & OBJ_NAMED) != 0 && fi->idx >= o->size;

	if (fi->filler != NULL)
		return (vm_uffd_fill_page(fi));
	if (fi->swapped)
		return (vm_fault_swapin(fi));
	if (o->vops != NULL)
		return (vm_fault_pagein(fi));
	if (o->cdev != NULL && fi->idx < o->size)
		return (vm_fault_device(fi));
	if (o->cdev != NULL || beyond)
		return (EIO);
	/* The page was removed since lookup: it is the server's to make. */
	if ((fi->entry->eflags & MAP_ENTRY_UFFD_MISSING) != 0)
		return (ERESTART);
	return (vm_fault_zero(fi));
}

/* An object of the chain has the page in memory. */
static int
fault_present(struct vm_faultinfo *fi)
{
	int error;

	if (fi->filler != NULL)
		return (EEXIST);
	fi->m->act = VM_ACT_MAX;
	if (fi->obj != fi->first && vm_fault_write(fi))
		return (fault_cow(fi));
	if (vm_fault_write(fi))
		vm_page_dirty(fi->m);
	error = vm_fault_enter(fi);
	if (error == 0 && !fi->major)
		vm_stat_add(fi->sys, VMST_SOFT, 1);
	return (error);
}

/* One pass over all stages; nothing is locked on return. */
static int
fault_try(struct vm_faultinfo *fi)
{
	int error;

	error = fault_lookup(fi);
	if (error != 0)
		goto out;
	error = fault_prepare(fi);
	if (error != 0)
		goto out;
	error = fault_walk(fi);
	if (error != 0)
		goto out;
	error = fi->m == NULL ? fault_absent(fi) : fault_present(fi);
out:
	vm_fault_unlock(fi, FAULT_ALL);
	return (error);
}

/*
 * The process may have no more memory of the kernel.  Its tables are the part
 * that can be made again: forget them, once, and try again.  ENOMEM: that did
 * not help.
 */
static int
fault_no_budget(struct vm_faultinfo *fi)
{
	fi->refused = kmem_self.refused;
	if (fi->forgot)
		return (ENOMEM);
	fi->forgot = true;
	vm_stat_add(fi->sys, VMST_FORGET, 1);
	pmap_remove(fi->vm->pmap, 0, VM_MAX_ADDRESS);
	pmap_sync(fi->vm->pmap);
	return (ERESTART);
}

/*
 * No frame or no node: ERESTART if memory could be reclaimed.  Pageout may take
 * the page that this fault has read just before (the fault needs two frames and
 * one is free), so the number of rounds is bounded.
 */
static int
fault_no_memory(struct vm_faultinfo *fi)
{
	struct vm_system *sys = fi->sys;
	bool again = false;

	if (kmem_self.refused != fi->refused)
		return (fault_no_budget(fi));
	if (fi->starved++ < RECLAIM_ROUNDS) {
		vm_pageout_stall_begin(sys);
		again = vm_frame_starved(sys, RECLAIM_TARGET);
		vm_pageout_stall_end(sys);
	}
	if (again)
		return (ERESTART);
	vm_stat_add(sys, VMST_OOM, 1);
	if (sys->oom == NULL || sys->oom(sys->oom_arg, fi->vm) != 0)
		return (ENOMEM);
	fi->starved = 0;
	return (ERESTART);
}

static void
fault_account(struct vm_faultinfo *fi, int flags, int error)
{
	struct vm_system *sys = fi->sys;
	struct vm_usage *u = &fi->vm->usage;

	vm_stat_add(sys, VMST_FAULTS, 1);
	if ((flags & VM_FAULT_COPYIO) != 0)
		vm_stat_add(sys, VMST_COPYIO, 1);
	if (error != 0)
		vm_stat_add(sys, VMST_SEGV, 1);
	else
		atomic_fetch_add_explicit(fi->major ? &u->majflt : &u->minflt,
		    1, memory_order_relaxed);
	if (fi->copied_none) {
		vm_stat_add(sys, VMST_COW_OPT, 1);
		atomic_fetch_add_explicit(&u->cow_opt, 1, memory_order_relaxed);
	}
	ktrace(sys->trace, KT_FAULT, fi->vm->id, fi->va,
	    fi->access | (uint64_t)error << 8);
}

static struct vm_faultinfo
fault_begin(struct vmspace *vm, vm_offset_t va, vm_prot_t access, int flags)
{
	return ((struct vm_faultinfo){
	    .vm = vm,
	    .sys = vm->sys,
	    .map = &vm->map,
	    .va = trunc_page(va),
	    .addr = va,
	    .access = access,
	    .force = (flags & VM_FAULT_FORCE) != 0,
	    .user = (flags & VM_FAULT_USER) != 0,
	    .asked = (flags & VM_FAULT_ASKED) != 0,
	    .refused = kmem_self.refused,
	});
}

/* All passes.  No locks held. */
static int
fault_loop(struct vm_faultinfo *fi)
{
	int error;

	do {
		error = fault_try(fi);
		if (error == ENOMEM)
			error = fault_no_memory(fi);
	} while (error == ERESTART);
	if (fi->collapse != NULL) {
		vm_object_collapse(fi->collapse);
		vm_object_drop(fi->collapse);
	}
	return (error);
}

int
vm_fault_fill(struct vm_uffd *u, vm_offset_t va, const void *data)
{
	struct vm_faultinfo fi =
	    fault_begin(u->vm, va, VM_PROT_WRITE, VM_FAULT_FORCE);

	fi.filler = u;
	fi.fill = data;
	return (fault_loop(&fi));
}

int
vm_fault(struct vmspace *vm, vm_offset_t va, vm_prot_t access, int flags)
{
	struct vm_faultinfo fi = fault_begin(vm, va, access, flags);
	int error = fault_loop(&fi);

	/* A server was waited for, and a signal came first. */
	if (error == EINTR)
		error = fi.user ? 0 : EFAULT;
	fault_account(&fi, flags, error);
	return (error);
}

/* ---- the use of a page where it lies ---- */

/* As peek_locked(), after the walk. */
static int
peek_page(struct vm_faultinfo *fi, vm_page_use_fn *use, void *arg)
{
	const struct vm_object *o = fi->obj;
	bool write = vm_fault_write(fi);

	if (fi->m != NULL && (!write || o == fi->first)) {
		if (write)
			vm_page_dirty(fi->m);
		use(arg, vm_page_ptr(fi->sys->phys, fi->m));
		return (0);
	}
	if (fi->m != NULL || write || fi->swapped || !vm_object_is_anon(o) ||
	    (fi->entry->eflags & MAP_ENTRY_UFFD_MISSING) != 0 ||
	    ((o->flags & OBJ_NAMED) != 0 && fi->idx >= o->size))
		return (ENOENT);
	use(arg, NULL);
	return (0);
}

/* As fault_peek(); may return with locks held. */
static int
peek_locked(struct vm_faultinfo *fi, vm_page_use_fn *use, void *arg)
{
	int error;

	error = fault_lookup(fi);
	if (error != 0)
		return (error);
	if (fi->may.prepare) {
		if (vm_fault_write(fi))
			return (ENOENT);
		use(arg, NULL);
		return (0);
	}
	error = fault_walk(fi);
	if (error != 0)
		return (error);
	return (peek_page(fi, use, arg));
}

/*
 * Call `use` on the page of va where it lies, if that needs no fault.
 * 0; ENOENT: a fault is needed; ERESTART; errors of lookup.
 */
static int
fault_peek(struct vm_faultinfo *fi, vm_page_use_fn *use, void *arg)
{
	int error = peek_locked(fi, use, arg);

	vm_fault_unlock(fi, FAULT_ALL);
	return (error);
}

int
vm_fault_use(struct vmspace *vm, vm_offset_t va, vm_prot_t access, int flags,
    vm_page_use_fn *use, void *arg)
{
	struct vm_faultinfo fi = fault_begin(vm, va, access, flags);
	int error;

	for (unsigned i = 0; i < USE_TRIES; i++) {
		do
			error = fault_peek(&fi, use, arg);
		while (error == ERESTART);
		if (error != ENOENT)
			return (error == EINTR ? EFAULT : error);
		/* Another thread removes the page as fast as it is made. */
		if (i >= USE_SPIN)
			host_yield();
		error = vm_fault(vm, va, access, flags);
		if (error != 0)
			return (error);
	}
	return (ENOMEM);
}

int
vm_fault_range(
    struct vmspace *vm, vm_offset_t va, uint64_t len, vm_prot_t access)
{
	vm_offset_t end;
	vm_prot_t prot;
	int error;

	if (len == 0)
		return (0);
	if (va + len < va)
		return (EFAULT);
	end = va + len;
	for (va = trunc_page(va); va < end; va += PAGE_SIZE) {
		if (pmap_lookup(vm->pmap, va, NULL, &prot) &&
		    (access & ~prot) == 0)
			continue;
		error =
		    vm_killed(vm->sys) ? EINTR : vm_fault(vm, va, access, 0);
		if (error != 0)
			return (error);
	}
	return (0);
}
