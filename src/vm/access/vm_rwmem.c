/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Access to the memory of a vmspace in which the caller does not run.
 *
 * Concepts.  copyin() and copyout() serve the process itself: they use its
 * translations and make them.  The callers here are others: a debugger, procfs,
 * the embedder.  Pages are used where they lie, under the lock of their object,
 * so nothing is entered into the target's pmap for a page that is there, and
 * an absent one of anonymous memory is not made to be read.
 *
 * A write reaches the page that the target's next load would find: with the
 * map read-locked no fork can share it meanwhile, and with the object locked
 * it cannot be copied, moved or paged out.  A copy on write happens before, by
 * vm_fault(); between the two it may be undone, and is tried again.
 *
 * Locking and lifetime.  The caller's hold keeps the vmspace; each page locks
 * the map anew, so the target can run, exec or exit in between, and then
 * the rest fails with ESRCH.  The other side of the copy is kernel memory or
 * pinned: no fault under the locks.
 *
 * Guarantees.  *done counts bytes that were moved.  No address at or above
 * VM_MAX_ADDRESS is looked at.  With VM_FAULT_FORCE a private mapping without
 * PROT_WRITE can be written, and no other process sees it.
 *
 * Limits.  A transfer is atomic for a page at best: the target runs on.
 */
#include "vm/access/vm_rwmem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"
#include "vm/fault/vm_fault_int.h"
#include "mem/vm_rawcopy.h"

/* A piece of one page. */
struct rw_piece {
	char *buf;
	size_t off, n;
};

static void
piece_load(void *arg, void *page)
{
	struct rw_piece *p = arg;

	raw_copy(p->buf, page != NULL ? (char *)page + p->off : NULL, p->n);
}

static void
piece_store(void *arg, void *page)
{
	struct rw_piece *p = arg;

	raw_copy((char *)page + p->off, p->buf, p->n);
}

static int
rwmem(struct vmspace *vm, char *buf, size_t len, vm_offset_t va,
    vm_prot_t access, int flags, size_t *done)
{
	struct rw_piece p;
	size_t at = 0;
	int error = 0;

	klock_assert_none();
	while (at < len) {
		if (va >= VM_MAX_ADDRESS) {
			error = EFAULT;
			break;
		}
		p.buf = buf + at;
		p.off = va & PAGE_MASK;
		p.n = PAGE_SIZE - p.off;
		if (p.n > len - at)
			p.n = len - at;
		error = vm_fault_use(vm, va, access, flags,
		    access == VM_PROT_READ ? piece_load : piece_store, &p);
		if (error != 0)
			break;
		at += p.n;
		va += p.n;
	}
	*done = at;
	return (error == EACCES ? EFAULT : error);
}

int
vm_pread(struct vmspace *vm, void *buf, size_t len, vm_offset_t addr, int flags,
    size_t *done)
{
	return (rwmem(vm, buf, len, addr, VM_PROT_READ, flags, done));
}

int
vm_pwrite(struct vmspace *vm, const void *buf, size_t len, vm_offset_t addr,
    int flags, size_t *done)
{
	/* Read only. */
	return (rwmem(
	    vm, (char *)(uintptr_t)buf, len, addr, VM_PROT_WRITE, flags, done));
}

/* ---- private pages ---- */

struct page_list {
	vm_offset_t *va;
	size_t n, cap;
};

static bool
list_add(struct page_list *l, vm_offset_t va)
{
	vm_offset_t *more;

	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 256;
		more = realloc(l->va, l->cap * sizeof(*l->va));
		if (more == NULL)
			return (false);
		l->va = more;
	}
	l->va[l->n++] = va;
	return (true);
}

static bool
entry_private(const struct vm_map_entry *e)
{
	return ((e->eflags & MAP_ENTRY_SHARED) == 0 && e->object != NULL &&
		e->object->vops == NULL && e->object->cdev == NULL);
}

static bool
list_entry(struct page_list *l, const struct vm_map_entry *e)
{
	vm_pindex_t first = OFF_TO_IDX(e->offset), i = first;
	vm_pindex_t end = first + OFF_TO_IDX(e->end - e->start);
	struct vm_object *o = e->object;
	bool ok = true;
	uint64_t slot;

	vm_object_lock(o);
	for (; ok && vm_object_next_slot(o, &i, &slot) && i < end; i++)
		ok = list_add(l, e->start + IDX_TO_OFF(i - first));
	vm_object_unlock(o);
	return (ok);
}

int
vmspace_private_pages(struct vmspace *vm, vm_offset_t **va, size_t *n)
{
	const struct vm_map_entry *e;
	struct page_list l = {0};
	bool ok = true;
	int error = 0;

	vm_map_lock_read(&vm->map);
	if (vm->map.dead)
		error = ESRCH;
	else
		TAILQ_FOREACH (e, &vm->map.list, link)
			ok = ok && (!entry_private(e) || list_entry(&l, e));
	vm_map_unlock_read(&vm->map);
	if (!ok)
		error = ENOMEM;
	if (error != 0) {
		free(l.va);
		l = (struct page_list){0};
	}
	*va = l.va;
	*n = l.n;
	return (error);
}

bool
vmspace_private_page(struct vmspace *vm, vm_offset_t va)
{
	const struct vm_map_entry *e;
	bool has = false;

	vm_map_lock_read(&vm->map);
	e = vm->map.dead ? NULL : vm_map_lookup(&vm->map, va, NULL);
	if (e != NULL && entry_private(e)) {
		vm_object_lock(e->object);
		has = vm_object_slot(e->object,
			  OFF_TO_IDX(e->offset + (va - e->start))) != 0;
		vm_object_unlock(e->object);
	}
	vm_map_unlock_read(&vm->map);
	return (has);
}
