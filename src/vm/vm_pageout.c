/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Reclaim: frames from file pages when there are no free ones.
 *
 * Concepts: three passes over the objects of files, each only if the ones
 * before did not find enough.  The first spares pages that are mapped and
 * were used since they were last looked at (`act`, counted down here, set by
 * faults and reads); the second takes every clean page; the third writes
 * dirty pages back first.
 *
 * Locking and lifetime: sys->objects is walked by holds.  An object that is
 * held stays on the list, so its successor can be found after the list lock
 * was dropped.  A page is made busy, its translations are removed and synced
 * together with others, and only then it is looked at again: who has pinned it
 * through a translation in between, keeps it.
 *
 * Guarantees: each pass visits an object at most once and ends; objects that
 * die meanwhile are skipped.  No page that anybody wires, pins or has busy is
 * taken, and none whose contents are not in the file.
 *
 * Limits: the caller does the work; there is no order between files.
 */
#include "vm/vm_object.h"

#include "libk/kassert.h"
#include "vm/vm_object_int.h"

enum reclaim_pass { PASS_IDLE, PASS_CLEAN, PASS_DIRTY, PASS_N };

/* The first object at or after `o` in the list that can be held.  list_lock. */
static struct vm_object *
reclaim_hold_from(struct vm_object *o)
{
	while (o != NULL && !vm_object_tryhold(o))
		o = TAILQ_NEXT(o, link);
	return (o);
}

static bool
reclaim_wants(struct vm_page *m, enum reclaim_pass pass)
{
	if ((m->flags & (PG_BUSY | PG_DIRTY | PG_FICTITIOUS)) != 0 ||
	    (m->flags & PG_VALID) == 0 || m->wire != 0 ||
	    atomic_load(&m->hold) != 0)
		return (false);
	if (pass == PASS_IDLE && (m->flags & PG_MAPPED) != 0 && m->act > 0) {
		m->act--;
		return (false);
	}
	return (true);
}

/* Unmap and free the busied pages.  Object locked. */
static uint64_t
reclaim_batch(struct vm_page **pages, unsigned n)
{
	uint64_t freed = 0;

	vm_page_remove_batch(pages, n);
	for (unsigned i = 0; i < n; i++) {
		if (atomic_load(&pages[i]->hold) != 0) {
			vm_page_unbusy(pages[i]);
			continue;
		}
		vm_page_free(pages[i]);
		freed++;
	}
	return (freed);
}

static uint64_t
reclaim_object(struct vm_object *o, enum reclaim_pass pass, uint64_t want)
{
	struct vm_page *batch[VM_PAGE_BATCH], *m;
	vm_pindex_t idx = 0;
	uint64_t freed = 0;
	unsigned n = 0;

	vm_object_lock(o);
	if (o->type == OBJT_VNODE && (o->flags & OBJ_DEAD) == 0) {
		for (; freed + n < want && vm_object_next_page(o, &idx, &m);
		     idx++) {
			if (!reclaim_wants(m, pass) || !vm_page_busy_try(m))
				continue;
			batch[n++] = m;
			if (n == VM_PAGE_BATCH) {
				freed += reclaim_batch(batch, n);
				n = 0;
			}
		}
		freed += reclaim_batch(batch, n);
	}
	vm_object_unlock(o);
	return (freed);
}

static bool
reclaim_is_file(struct vm_object *o)
{
	bool file;

	vm_object_lock(o);
	file = o->type == OBJT_VNODE && (o->flags & OBJ_DEAD) == 0;
	vm_object_unlock(o);
	return (file);
}

static uint64_t
reclaim_pass(struct vm_system *sys, enum reclaim_pass pass, uint64_t want)
{
	struct vm_object *o, *next;
	uint64_t freed = 0;

	kmutex_lock(&sys->list_lock);
	o = reclaim_hold_from(TAILQ_FIRST(&sys->objects));
	kmutex_unlock(&sys->list_lock);
	while (o != NULL) {
		if (freed < want) {
			if (pass == PASS_DIRTY && reclaim_is_file(o))
				(void)vnode_pager_sync(o, 0, 0);
			freed += reclaim_object(o, pass, want - freed);
		}
		kmutex_lock(&sys->list_lock);
		next = freed < want ? reclaim_hold_from(TAILQ_NEXT(o, link))
				    : NULL;
		kmutex_unlock(&sys->list_lock);
		vm_object_drop(o);
		o = next;
	}
	return (freed);
}

uint64_t
vm_pageout_reclaim(struct vm_system *sys, uint64_t want)
{
	uint64_t freed = 0;

	for (enum reclaim_pass p = PASS_IDLE; p < PASS_N && freed < want; p++)
		freed += reclaim_pass(sys, p, want - freed);
	if (freed != 0)
		vm_stat_add(sys, VMST_RECLAIM, (int64_t)freed);
	return (freed);
}
