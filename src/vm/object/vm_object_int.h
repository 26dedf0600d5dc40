/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Objects for the rest of vm: slots of the index, scans, reverse mapping, and
 * what vm_object.c and vm_shadow.c share.
 */
#ifndef VM_OBJECT_VM_OBJECT_INT_H
#define VM_OBJECT_VM_OBJECT_INT_H

#include "vm/swap/swap_space.h"
#include "vm/object/vm_object.h"
#include "vm/object/vm_map_entry.h"

#define VM_ACT_MAX 2 /* second chances of a page that was just used */

#define VM_PAGE_BATCH 64 /* pages unmapped under one sync */

/* ---- slots of the index: a page, or a tagged swap block ---- */

/* A block whose contents are lost: a fault on it gets EIO. */
#define SWBLK_LOST ((swblk_t)0xff << 48)

static inline bool
vm_slot_is_swap(uint64_t slot)
{
	return ((slot & 1) != 0);
}
static inline swblk_t
vm_slot_blk(uint64_t slot)
{
	return (slot >> 1);
}
static inline struct vm_page *
vm_slot_page(uint64_t slot)
{
	return ((struct vm_page *)(uintptr_t)slot);
}
static inline uint64_t
vm_slot_swap(swblk_t blk)
{
	return (blk << 1 | 1);
}
/* An anonymous object has something in swap from now on.  Object locked. */
static inline void
vm_object_note_swap(struct vm_object *o)
{
	if (o->type == OBJT_DEFAULT)
		o->type = OBJT_SWAP;
}
/* 0: a hole.  Object locked. */
static inline uint64_t
vm_object_slot(const struct vm_object *o, vm_pindex_t idx)
{
	return (radix_lookup(&o->index, idx));
}
/* Smallest index >= *idx with a page or a block.  Object locked. */
static inline bool
vm_object_next_slot(const struct vm_object *o, vm_pindex_t *idx, uint64_t *slot)
{
	return (radix_next(&o->index, idx, slot));
}

/* ---- blocks in the index (vm_object_page.c) ---- */

/* Free the block in the index at idx, and its contents.  Object locked. */
void vm_object_swap_drop(struct vm_object *, vm_pindex_t idx);
/* Free at most the first n blocks of [start, end); returns how many.  Object
 * locked. */
uint64_t vm_object_swap_drop_range(
    struct vm_object *, vm_pindex_t start, vm_pindex_t end, uint64_t n);
/* Move the block at idx of `from` to idx `to_idx` of `to`, where nothing is.
 * Both locked.  0, ENOMEM (nothing changed). */
int vm_object_swap_move(struct vm_object *from, vm_pindex_t idx,
    struct vm_object *to, vm_pindex_t to_idx);
/* ---- vm_object.c ---- */

/* Smallest resident index >= *idx: true, *idx and *m set.  Object locked. */
bool vm_object_next_page(
    const struct vm_object *, vm_pindex_t *idx, struct vm_page **m);
/*
 * Walk all objects by holds: the one after `o` (NULL: the first) in the order
 * of their making, held; the hold of o is dropped.  NULL past the last.  No
 * locks held.
 */
struct vm_object *vm_object_scan(struct vm_system *, struct vm_object *o);
/* What all objects of a system have. */
struct vm_object_totals {
	uint64_t objects;
	uint64_t file_pages, anon_pages; /* resident, by type of object */
	uint64_t swapped_pages;          /* in swap */
	uint64_t cached_pages;           /* of these: pages of files */
};
/* Count by a walk over all objects.  No locks held. */
void vm_object_totals(struct vm_system *, struct vm_object_totals *);
/* An I/O or another unlocked use of the contents.  Object locked; stage 1,
 * collapse and bypass wait for or keep away from it. */
void vm_object_paging_begin(struct vm_object *);
void vm_object_paging_end(struct vm_object *);

static inline bool
vm_object_is_anon(const struct vm_object *o)
{
	return (o->type == OBJT_DEFAULT || o->type == OBJT_SWAP);
}

/* Pages that belong to something else than memory: a private mapping must copy
 * them before it writes. */
static inline bool
vm_object_foreign(const struct vm_object *o)
{
	return (o->vops != NULL || o->cdev != NULL);
}

/*
 * Work list of an object release: refs to give up and chains to shorten, so
 * that neither recurses into the other.
 */
#define VM_SETTLE_MAX 8
struct vm_settle {
	struct vm_object *release; /* a ref to free, or NULL */
	unsigned ncand;
	struct vm_object *cand[VM_SETTLE_MAX]; /* held: try to collapse */
};
/* Remember a held candidate; the hold is dropped when there is no room. */
void vm_settle_push(struct vm_settle *, struct vm_object *);
void vm_settle(struct vm_settle *);
/* The owner's ref of a vnode object: as vm_object_free without rele. */
void vm_object_free_owner(struct vm_object *);

/* ---- vm_shadow.c ---- */

/*
 * One step of shortening the chain behind `o` (held by the caller, nothing
 * locked).  True: something was done, try again; st->release may be set.
 */
bool vm_object_collapse_step(struct vm_object *o, struct vm_settle *st);

/* ---- vm_rmap.c: sys->topology held, `root` locked ---- */

/* Reduce every translation that viewers of (root, idx) have to `frame` to
 * `keep` (NONE removes).  Not synced. */
void vm_rmap_reduce(
    struct vm_object *root, vm_pindex_t idx, vm_frame_t frame, vm_prot_t keep);
/* Remove whatever viewers of root's pages [s, e) have there.  Not synced. */
void vm_rmap_remove(struct vm_object *root, vm_pindex_t s, vm_pindex_t e);
/* Sync every pmap that can see a page of root's [s, e). */
void vm_rmap_sync(struct vm_object *root, vm_pindex_t s, vm_pindex_t e);

/* Without topology.  Pages of one object, which is locked, all busied by the
 * caller: remove_all with a single sync. */
void vm_page_remove_batch(struct vm_page **pages, unsigned n);
void vm_page_protect_batch(struct vm_page **pages, unsigned n);

/* Is one of the pages mapped in a place that is locked into memory? */
bool vm_page_wired(struct vm_page *);

#endif /* VM_OBJECT_VM_OBJECT_INT_H */
