/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What the files of the object layer share: vm_object.c, vm_shadow.c,
 * vm_rmap.c, vm_fault*.c, vnode_pager.c, vm_pageout.c.
 */
#ifndef VM_VM_OBJECT_INT_H
#define VM_VM_OBJECT_INT_H

#include "vm/vm_map.h"
#include "vm/vm_object.h"

#define VM_ACT_MAX 2 /* second chances of a page that was just used */

#define VM_PAGE_BATCH 64 /* pages unmapped under one sync */

/* ---- vm_object.c ---- */

/* Smallest resident index >= *idx: true, *idx and *m set.  Object locked. */
bool vm_object_next_page(
    const struct vm_object *, vm_pindex_t *idx, struct vm_page **m);
/* An I/O or another unlocked use of the contents.  Object locked; stage 1,
 * collapse and bypass wait for or keep away from it. */
void vm_object_paging_begin(struct vm_object *);
void vm_object_paging_end(struct vm_object *);

static inline bool
vm_object_is_anon(const struct vm_object *o)
{
	return (o->type == OBJT_DEFAULT || o->type == OBJT_SWAP);
}

/*
 * Work list of an object release: refs to let go and chains to shorten, so
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

/* ---- vnode_pager.c ---- */

/*
 * Fill `n` busy pages of a vnode object, frames and indices consecutive from
 * `run`, by one read.  Caller: no locks, owns a hold and one paging count,
 * which this call ends.  Pages that could be filled become valid, the others
 * are freed; none is busy afterwards.
 * - 0: page number `want` of the run was valid; EIO.
 */
int vnode_pager_fill(
    struct vm_object *, struct vm_page *run, unsigned n, unsigned want);
/* Look at the size of the file again; the same conditions.  0, EIO. */
int vnode_pager_refresh(struct vm_object *, vm_pindex_t want);

#endif /* VM_VM_OBJECT_INT_H */
