/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Software translation tables.
 *
 * Purpose: record which user page is translated to which frame with which
 * rights.  The kernel's own accesses to user memory walk these tables; a
 * machine (stub, soft) mirrors them.
 *
 * Data structures: a radix tree of four levels of 512 slots, 9 bits of the
 * 47-bit page address a level, like the hardware's.  A slot of an inner node
 * is a pointer to the next node, a slot of a leaf is a translation:
 *
 *      bits 0..2 rights (VM_PROT_*), bit 3 valid, bits 12.. frame number
 *
 * Bit 0 of a pointer to a leaf means that none of its translations allows
 * writing, whatever their own bits are: a fork takes the right to write from
 * 512 translations by setting it.  Before the leaf gets a new translation the
 * bit is pushed down into all of them.  It is only set when the machine
 * forgets everything at the same time (ops->rebuild), since otherwise each run
 * would have to be passed to the machine.
 *
 * A node is one 4096-byte zone item.  Removal of a range that covers the
 * whole span of a node frees the node; otherwise nodes stay until the pmap is
 * destroyed, so that table memory is bounded by the address ranges touched
 * (1/512 of them), not by history.
 *
 * Locking and lifetime: everything under pmap->lock.  Back-end calls that
 * mirror a change are made under the same hold of the lock, so the order of
 * machine operations is the order of table changes.  pmap_sync() is called
 * without it.
 *
 * Guarantees: pmap_remove() and pmap_protect() cannot fail, because they
 * need no memory.  pmap_extract_hold() takes its page hold under the lock: a
 * page found here has not been removed, hence not been freed.
 *
 * Limits: a change of rights that needs more than PROTECT_RUNS runs of the
 * machine removes the translations instead; they fault back in.
 */

#include "pmap/pmap.h"

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "mem/vm_zone.h"

#define LEVELS 4
#define NODE_BITS 9
#define NODE_SLOTS (1u << NODE_BITS)
#define PTE_VALID 0x8u
#define PTE_PROT 0x7u
#define PROTECT_RUNS 24
#define LEAF_RDONLY UINT64_C(1) /* in a pointer to a leaf */
#define LEAF_SPAN (PAGE_SIZE << NODE_BITS)

struct pmap_node {
	uint64_t slot[NODE_SLOTS];
};
_Static_assert(sizeof(struct pmap_node) == 4096, "z_pmap_node's size");

/* Bytes spanned by one slot of a node at `level` (0: leaf). */
static inline uint64_t
slot_span(int level)
{
	return (PAGE_SIZE << (NODE_BITS * level));
}

static inline unsigned
slot_index(vm_offset_t va, int level)
{
	return ((unsigned)(va >> (PAGE_SHIFT + NODE_BITS * level)) &
		(NODE_SLOTS - 1));
}

static inline uint64_t
pte_make(vm_frame_t frame, vm_prot_t prot)
{
	return ((uint64_t)frame << PAGE_SHIFT | PTE_VALID | (prot & PTE_PROT));
}

/* What a slot of an inner node points to. */
static inline struct pmap_node *
slot_node(uint64_t slot)
{
	return ((struct pmap_node *)(uintptr_t)(slot & ~LEAF_RDONLY));
}

static inline vm_frame_t
pte_frame(uint64_t pte)
{
	return ((vm_frame_t)(pte >> PAGE_SHIFT));
}

int
pmap_create(struct vm_system *sys, const struct pmap_ops *ops, void *machine,
    struct pmap **out)
{
	struct pmap *pm;
	int error;

	pm = zalloc(sys->z_pmap);
	if (pm == NULL)
		return (ENOMEM);
	memset(pm, 0, sizeof(*pm));
	kmutex_init(&pm->lock, "pmap", KRANK_PMAP, 0);
	pm->sys = sys;
	pm->ops = ops;
	pm->machine = machine;
	pm->id = atomic_fetch_add(&sys->next_id, 1) + 1;
	error = pm->ops->init(pm, machine);
	if (error != 0) {
		kmutex_destroy(&pm->lock);
		zfree(sys->z_pmap, pm);
		return (error);
	}
	*out = pm;
	return (0);
}

int
pmap_create_like(struct pmap *from, struct pmap **out)
{
	void *machine = from->machine;
	int error;

	if (from->ops->fork != NULL) {
		error = from->ops->fork(from, &machine);
		if (error != 0)
			return (error);
	}
	error = pmap_create(from->sys, from->ops, machine, out);
	if (error != 0 && from->ops->unfork != NULL)
		from->ops->unfork(machine);
	return (error);
}

/* Free a subtree; returns how many translations it held. */
static uint64_t
node_free(struct pmap *pm, struct pmap_node *n, int level)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < NODE_SLOTS; i++) {
		if (n->slot[i] == 0)
			continue;
		if (level == 0)
			count++;
		else
			count +=
			    node_free(pm, slot_node(n->slot[i]), level - 1);
	}
	zfree(pm->sys->z_pmap_node, n);
	return (count);
}

void
pmap_destroy(struct pmap *pm)
{
	kmutex_lock(&pm->lock);
	if (pm->root != NULL) {
		node_free(pm, pm->root, LEVELS - 1);
		pm->root = NULL;
	}
	atomic_store(&pm->resident, 0);
	kmutex_unlock(&pm->lock);
	pm->ops->release(pm);
	kmutex_destroy(&pm->lock);
	zfree(pm->sys->z_pmap, pm);
}

/* The slot that points to the leaf of va, or NULL; *skip: how many bytes from
 * there on have no leaf. */
static uint64_t *
leaf_slot(struct pmap *pm, vm_offset_t va, uint64_t *skip)
{
	uint64_t *where = (uint64_t *)&pm->root;
	int level = LEVELS - 1;

	for (; level > 0 && *where != 0; level--)
		where = &slot_node(*where)->slot[slot_index(va, level)];
	if (*where != 0)
		return (where);
	*skip = slot_span(level + 1) - (va & (slot_span(level + 1) - 1));
	return (NULL);
}

static void
leaf_push_down(uint64_t *where)
{
	struct pmap_node *n = slot_node(*where);

	for (unsigned i = 0; i < NODE_SLOTS; i++)
		n->slot[i] &= ~(uint64_t)VM_PROT_WRITE;
	*where &= ~LEAF_RDONLY;
}

/* The leaf that covers va, to be changed; made if `make`.  NULL: absent or no
 * memory. */
static struct pmap_node *
leaf_get(struct pmap *pm, vm_offset_t va, bool make)
{
	struct pmap_node *n;
	uint64_t *where;

	where = (uint64_t *)&pm->root;
	for (int level = LEVELS - 1;; level--) {
		if (level == 0 && (*where & LEAF_RDONLY) != 0)
			leaf_push_down(where);
		n = slot_node(*where);
		if (n == NULL) {
			if (!make)
				return (NULL);
			n = zalloc(pm->sys->z_pmap_node);
			if (n == NULL)
				return (NULL);
			memset(n, 0, sizeof(*n));
			*where = (uint64_t)(uintptr_t)n;
		}
		if (level == 0)
			return (n);
		where = &n->slot[slot_index(va, level)];
	}
}

/* The translation of va or NULL, and in *mask the rights that it can have. */
static uint64_t *
pte_lookup(struct pmap *pm, vm_offset_t va, uint64_t *mask)
{
	uint64_t *where, *pte, skip;

	if (va >= VM_MAX_ADDRESS)
		return (NULL);
	where = leaf_slot(pm, va, &skip);
	if (where == NULL)
		return (NULL);
	pte = &slot_node(*where)->slot[slot_index(va, 0)];
	*mask =
	    (*where & LEAF_RDONLY) != 0 ? PTE_PROT & ~VM_PROT_WRITE : PTE_PROT;
	return (*pte != 0 ? pte : NULL);
}

int
pmap_enter(struct pmap *pm, vm_offset_t va, vm_frame_t frame, unsigned npages,
    vm_prot_t prot)
{
	struct pmap_node *leaf = NULL;
	uint64_t now, fresh = 0, *pte, new;
	bool replaces = false;
	unsigned i;
	int error = 0;

	KVERIFY((va & PAGE_MASK) == 0 && npages > 0 && va < VM_MAX_ADDRESS &&
		npages <= (VM_MAX_ADDRESS - va) >> PAGE_SHIFT);
	KVERIFY((uint64_t)frame + npages <=
		pm->sys->phys->npages + pm->sys->phys->ndev);
	kmutex_lock(&pm->lock);
	for (i = 0; i < npages; i++) {
		vm_offset_t a = va + (uint64_t)i * PAGE_SIZE;

		if (leaf == NULL || slot_index(a, 0) == 0)
			leaf = leaf_get(pm, a, true);
		if (leaf == NULL) {
			error = ENOMEM;
			break;
		}
		pte = &leaf->slot[slot_index(a, 0)];
		new = pte_make(frame + i, prot);
		fresh += *pte == 0;
		/* The rights are the low bits: `new` keeps what was there if no
		 * bit of the old translation is missing in it. */
		replaces |= *pte != 0 && (pte_frame(*pte) != frame + i ||
					     (*pte & ~new) != 0);
		*pte = new;
	}
	if (fresh != 0) {
		now = atomic_fetch_add(&pm->resident, fresh) + fresh;
		if (now > atomic_load(&pm->resident_peak))
			atomic_store(&pm->resident_peak, now);
	}
	if (i > 0)
		pm->ops->map(pm, va, frame, i, prot, replaces);
	kmutex_unlock(&pm->lock);
	return (error);
}

/* What a walk has found: the hull of the removed pages. */
struct remove_ctx {
	struct pmap *pm;
	vm_offset_t lo, hi; /* hull of what was translated; lo > hi: none */
	uint64_t count;
};

static void
remove_node(struct remove_ctx *rc, struct pmap_node *n, int level,
    vm_offset_t base, vm_offset_t sva, vm_offset_t eva)
{
	uint64_t span = slot_span(level);
	struct pmap_node *sub;
	vm_offset_t lo, hi;
	unsigned i, last;

	i = sva <= base ? 0 : slot_index(sva, level);
	last = eva - base >= span * NODE_SLOTS ? NODE_SLOTS - 1
					       : slot_index(eva - 1, level);
	for (; i <= last; i++) {
		if (n->slot[i] == 0)
			continue;
		lo = base + i * span;
		hi = lo + span;
		if (level == 0) {
			n->slot[i] = 0;
			rc->count++;
			if (lo < rc->lo)
				rc->lo = lo;
			if (hi > rc->hi)
				rc->hi = hi;
			continue;
		}
		sub = slot_node(n->slot[i]);
		remove_node(rc, sub, level - 1, lo, sva, eva);
		if (sva <= lo && eva >= hi) {
			zfree(rc->pm->sys->z_pmap_node, sub);
			n->slot[i] = 0;
		}
	}
}

static void
remove_locked(struct pmap *pm, vm_offset_t sva, vm_offset_t eva)
{
	struct remove_ctx rc = {.pm = pm, .lo = UINT64_MAX};

	if (pm->root == NULL || sva >= eva)
		return;
	remove_node(&rc, pm->root, LEVELS - 1, 0, sva, eva);
	if (rc.count == 0)
		return;
	atomic_fetch_sub(&pm->resident, rc.count);
	if (pm->ops->rebuild == NULL || !pm->ops->rebuild(pm, rc.count))
		pm->ops->unmap(pm, rc.lo, rc.hi);
}

void
pmap_remove(struct pmap *pm, vm_offset_t sva, vm_offset_t eva)
{
	if (eva > VM_MAX_ADDRESS)
		eva = VM_MAX_ADDRESS;
	kmutex_lock(&pm->lock);
	remove_locked(pm, sva, eva);
	kmutex_unlock(&pm->lock);
}

/* Smallest translated page >= va and < end, with its slot. Lock held. */
static uint64_t *
next_pte(struct pmap *pm, vm_offset_t *va, vm_offset_t end)
{
	struct pmap_node *leaf;
	vm_offset_t a = *va;
	uint64_t *where, skip;

	while (a < end) {
		where = leaf_slot(pm, a, &skip);
		if (where == NULL) {
			a += skip;
			continue;
		}
		leaf = slot_node(*where);
		for (unsigned i = slot_index(a, 0); i < NODE_SLOTS; i++) {
			if (a >= end)
				return (NULL);
			if (leaf->slot[i] != 0) {
				*va = a;
				return (&leaf->slot[i]);
			}
			a += PAGE_SIZE;
		}
	}
	return (NULL);
}

/*
 * As next_pte(), for a caller that changes rights: a leaf that is read-only as
 * a whole is skipped if nothing but WRITE is to be taken; otherwise the bit is
 * pushed down.
 */
static uint64_t *
next_rw_pte(struct pmap *pm, vm_offset_t *va, vm_offset_t end, vm_prot_t prot)
{
	uint64_t *pte, *where, skip;

	while ((pte = next_pte(pm, va, end)) != NULL) {
		where = leaf_slot(pm, *va, &skip);
		if ((*where & LEAF_RDONLY) == 0)
			break;
		if (prot != (VM_PROT_READ | VM_PROT_EXECUTE)) {
			leaf_push_down(where);
			break;
		}
		*va = (*va & ~(LEAF_SPAN - 1)) + LEAF_SPAN;
	}
	return (pte);
}

/* Take WRITE from what is translated in [sva, eva), tables only. */
static void
strip_write(struct pmap *pm, vm_offset_t sva, vm_offset_t eva)
{
	uint64_t *pte;

	for (; (pte = next_pte(pm, &sva, eva)) != NULL; sva += PAGE_SIZE)
		*pte &= ~(uint64_t)VM_PROT_WRITE;
}

/*
 * Take WRITE from whole leaves at once, if there are some and the machine
 * prefers to forget everything.  True: all of [sva, eva) is done.
 */
static bool
protect_leaves(struct pmap *pm, vm_offset_t sva, vm_offset_t eva)
{
	vm_offset_t lo = (sva + LEAF_SPAN - 1) & ~(LEAF_SPAN - 1);
	vm_offset_t hi = eva & ~(LEAF_SPAN - 1), va;
	uint64_t n = 0, skip, *where, most = atomic_load(&pm->resident);

	if (pm->ops->rebuild == NULL || lo >= hi || lo < sva)
		return (false);
	for (va = lo; va < hi; va += skip) {
		skip = LEAF_SPAN;
		where = leaf_slot(pm, va, &skip);
		n += where != NULL && (*where & LEAF_RDONLY) == 0;
	}
	/* Leaves that are read-only already may be so in the machine, too:
	 * then the walk over translations has little to do. */
	if (n == 0 || !pm->ops->rebuild(
			  pm, n * NODE_SLOTS < most ? n * NODE_SLOTS : most))
		return (false);
	for (va = lo; va < hi; va += skip) {
		skip = LEAF_SPAN;
		where = leaf_slot(pm, va, &skip);
		if (where != NULL)
			*where |= LEAF_RDONLY;
	}
	strip_write(pm, sva, lo);
	strip_write(pm, hi, eva);
	return (true);
}

void
pmap_protect(struct pmap *pm, vm_offset_t sva, vm_offset_t eva, vm_prot_t prot)
{
	struct {
		vm_offset_t lo, hi;
		vm_prot_t prot;
	} run[PROTECT_RUNS];
	vm_offset_t va = sva, lo = UINT64_MAX, hi = 0;
	vm_prot_t was, now;
	uint64_t *pte, count = 0;
	unsigned n = 0;
	bool many = false;

	if (prot == VM_PROT_NONE) {
		pmap_remove(pm, sva, eva);
		return;
	}
	if (eva > VM_MAX_ADDRESS)
		eva = VM_MAX_ADDRESS;
	kmutex_lock(&pm->lock);
	if (prot == (VM_PROT_READ | VM_PROT_EXECUTE) &&
	    protect_leaves(pm, sva, eva))
		goto out;
	while ((pte = next_rw_pte(pm, &va, eva, prot)) != NULL) {
		/* The rest of this leaf without walking from the root. */
		do {
			was = *pte & PTE_PROT;
			now = was & prot;
			if (was != now) {
				*pte = (*pte & ~(uint64_t)PTE_PROT) | now;
				count++;
				if (n > 0 && run[n - 1].hi == va &&
				    run[n - 1].prot == now)
					run[n - 1].hi = va + PAGE_SIZE;
				else if (n == PROTECT_RUNS)
					many = true;
				else {
					run[n].lo = va;
					run[n].hi = va + PAGE_SIZE;
					run[n++].prot = now;
				}
				lo = va < lo ? va : lo;
				hi = va + PAGE_SIZE;
			}
			va += PAGE_SIZE;
			pte++;
		} while (va < eva && slot_index(va, 0) != 0);
	}
	if (count == 0)
		goto out;
	/* The machine may prefer to forget everything: the tables are right. */
	if (pm->ops->rebuild != NULL && pm->ops->rebuild(pm, count))
		goto out;
	if (many)
		remove_locked(pm, lo, hi);
	else
		for (unsigned i = 0; i < n; i++)
			pm->ops->protect(pm, run[i].lo, run[i].hi, run[i].prot);
out:
	kmutex_unlock(&pm->lock);
}

bool
pmap_sync_start(struct pmap *pm)
{
	return (pm->ops->sync_start == NULL || pm->ops->sync_start(pm));
}

void
pmap_sync(struct pmap *pm)
{
	pm->ops->sync(pm);
}

struct vm_page *
pmap_extract_hold(struct pmap *pm, vm_offset_t va, vm_prot_t prot)
{
	struct vm_page *m = NULL;
	uint64_t *pte, mask;

	kmutex_lock(&pm->lock);
	pte = pte_lookup(pm, va, &mask);
	if (pte != NULL && (*pte & mask & prot) == prot) {
		m = vm_phys_page(pm->sys->phys, pte_frame(*pte));
		vm_page_hold(m);
	}
	kmutex_unlock(&pm->lock);
	return (m);
}

bool
pmap_refill(struct pmap *pm, vm_offset_t va, vm_prot_t prot)
{
	uint64_t *pte, *lo, *hi, *base, mask;

	va = trunc_page(va);
	kmutex_lock(&pm->lock);
	pte = pte_lookup(pm, va, &mask);
	if (pte == NULL || (*pte & mask & prot) != prot) {
		kmutex_unlock(&pm->lock);
		return (false);
	}
	/* An aligned window never leaves the leaf. */
	base = pte - slot_index(va, 0) % PMAP_REFILL_PAGES;
	for (lo = pte; lo > base && lo[-1] + PAGE_SIZE == lo[0]; lo--)
		continue;
	for (hi = pte + 1;
	     hi < base + PMAP_REFILL_PAGES && hi[-1] + PAGE_SIZE == hi[0]; hi++)
		continue;
	pm->ops->map(pm, va - (uint64_t)(pte - lo) * PAGE_SIZE, pte_frame(*lo),
	    (unsigned)(hi - lo), *lo & mask, false);
	kmutex_unlock(&pm->lock);
	return (true);
}

bool
pmap_lookup(struct pmap *pm, vm_offset_t va, vm_frame_t *frame, vm_prot_t *prot)
{
	uint64_t *pte, mask;

	kmutex_lock(&pm->lock);
	pte = pte_lookup(pm, va, &mask);
	if (pte != NULL) {
		if (frame != NULL)
			*frame = pte_frame(*pte);
		if (prot != NULL)
			*prot = *pte & mask;
	}
	kmutex_unlock(&pm->lock);
	return (pte != NULL);
}

bool
pmap_next(struct pmap *pm, vm_offset_t *va, vm_offset_t end)
{
	bool found;

	if (end > VM_MAX_ADDRESS)
		end = VM_MAX_ADDRESS;
	kmutex_lock(&pm->lock);
	found = next_pte(pm, va, end) != NULL;
	kmutex_unlock(&pm->lock);
	return (found);
}

uint64_t
pmap_count(struct pmap *pm, vm_offset_t sva, vm_offset_t eva)
{
	uint64_t n = 0;

	if (eva > VM_MAX_ADDRESS)
		eva = VM_MAX_ADDRESS;
	kmutex_lock(&pm->lock);
	for (; next_pte(pm, &sva, eva) != NULL; sva += PAGE_SIZE)
		n++;
	kmutex_unlock(&pm->lock);
	return (n);
}
