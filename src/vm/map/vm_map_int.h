/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Shared by the files that implement maps and the calls on them: vm_map*.c,
 * vmspace.c, vm_mmap.c, vm_mremap.c, vm_madvise.c, vm_copyio.c, vm_meter.c.
 * All of these need the map lock, write-held unless "read" is said.
 */
#ifndef VM_MAP_VM_MAP_INT_H
#define VM_MAP_VM_MAP_INT_H

#include "vm/map/vm_map.h"

#define VM_STACK_GUARD (256 * PAGE_SIZE) /* below a growing stack */

/* ---- entries (vm_map_entry.c) ---- */

/* A zeroed entry of the map, in no list.  NULL: no memory. */
struct vm_map_entry *vm_map_entry_alloc(struct vm_map *);
/* Free an entry that is in no list and linked to no object. */
void vm_map_entry_dispose(struct vm_map *, struct vm_map_entry *);
/* Range, object, offset and attributes; not the links nor an object ref. */
void vm_map_entry_copy(struct vm_map_entry *, const struct vm_map_entry *);
/* Into list and tree after prev (NULL: first).  Does not link the object. */
void vm_map_entry_enter(
    struct vm_map *, struct vm_map_entry *, struct vm_map_entry *prev);
/* Publish MAP_ENTRY_WIRED to pageout; enter does it as well. */
void vm_map_entry_note_wired(struct vm_map_entry *);
/* Out of list and tree; stays linked to its object. */
void vm_map_entry_detach(struct vm_map *, struct vm_map_entry *);
/* Add (or take off) the entry's bytes to size, commit and locked.  A charge
 * that is added was admitted before. */
void vm_map_account(struct vm_map *, const struct vm_map_entry *, bool add);
/* First entry that ends above va, or NULL.  Read. */
struct vm_map_entry *vm_map_first(struct vm_map *, vm_offset_t va);
/* Is part of the range sealed?  Read. */
bool vm_map_range_sealed(struct vm_map *, vm_offset_t start, vm_offset_t end);
/* True when nothing is mapped in the range, which lies in the map.  Read. */
bool vm_map_range_free(struct vm_map *, vm_offset_t start, vm_offset_t end);
/* Merge what can be merged in and at the borders of [start, end]. */
void vm_map_simplify_range(struct vm_map *, vm_offset_t start, vm_offset_t end);
/* vm_map_entry_list_free for a map that is going as a whole: does not
 * look for parts of objects to give back.  No lock held. */
void vm_map_entry_list_destroy(struct vm_map *, struct vm_map_list *);
/* Free clones that were never entered: their object refs too.  No lock. */
void vm_map_clones_free(struct vm_map *, struct vm_map_list *);

/* ---- objects behind entries (vm_map_object.c) ---- */

/*
 * True when no entry but `self` can reach [off, off+len) of the anonymous
 * object: `self` is a linked entry, or NULL for a caller that owns one ref
 * and is not linked (any more).  Map locked for `self`, no object lock held.
 */
bool vm_map_object_exclusive(struct vm_object *, vm_ooffset_t off, uint64_t len,
    const struct vm_map_entry *self);
/*
 * What a mapping like the entry's would start with, at va (which may be the
 * entry's end): *obj with a ref, and *off; NULL and 0 for anonymous memory.
 * Read.
 */
void vm_map_object_fresh(const struct vm_map_entry *, vm_offset_t va,
    struct vm_object **obj, vm_ooffset_t *off);
/* Is every ref of the object but `extra` that of an entry of this map?  No
 * object lock held. */
bool vm_map_object_ours(
    const struct vm_map *, struct vm_object *, uint32_t extra);
/* Bottom of the entry's chain with a ref, or NULL and 0; *off is the offset
 * of va in it.  Read. */
void vm_map_object_bottom(const struct vm_map_entry *, vm_offset_t va,
    struct vm_object **obj, vm_ooffset_t *off);
/* True when the bottom of the chain is memory without an identity: anonymous
 * and not named.  Read. */
bool vm_map_entry_anonymous(const struct vm_map_entry *);
/* The same for this very object; *backed: there is something behind it. */
bool vm_map_object_plain(struct vm_object *, bool *backed);
/* Is the page of va resident anywhere in the entry's chain?  Read. */
bool vm_map_object_resident(const struct vm_map_entry *, vm_offset_t va);
/* What is known of the page of va in the entry's chain.  Read. */
struct vm_map_page {
	bool resident, swapped;
	bool exists; /* in memory, on its way there, or in swap */
	bool anon;   /* it is that of an anonymous object */
};
void vm_map_object_page(
    const struct vm_map_entry *, vm_offset_t va, struct vm_map_page *);
/* Extend an entry's private object by len bytes, if it ends with the entry
 * and no other user knows it. */
bool vm_map_object_extend(const struct vm_map_entry *, uint64_t len);
/* Make a shared anonymous object at least that long (mremap of it).  0;
 * ENOMEM: its charge cannot grow. */
int vm_map_object_reach(const struct vm_map_entry *, vm_ooffset_t end);
/* Give back the pages of the range of an object that an unlinked entry
 * covered, where no other user can reach them.  Caller owns a ref.  No lock. */
void vm_map_object_trim(struct vm_object *, vm_ooffset_t off, uint64_t len);

/* ---- maps (vm_map.c) ---- */

/*
 * Insert like vm_map_insert, described by a template (range, object, offset,
 * prot, max_prot, inherit, eflags).  With `dead`, what is mapped in the range
 * is removed first as by vm_map_delete(); all that can fail is done before.
 */
int vm_map_insert_entry(
    struct vm_map *, const struct vm_map_entry *tmpl, struct vm_map_list *dead);
/* Bytes mapped and charged in a range.  Read. */
void vm_map_measure(struct vm_map *, vm_offset_t start, vm_offset_t end,
    uint64_t *bytes, uint64_t *charge);
/*
 * May the map grow by len/charge bytes when it loses others?  0: the charge is
 * in map->spare; ENOMEM.  Write-locked.
 */
int vm_map_admit(struct vm_map *, uint64_t len, uint64_t charge,
    uint64_t less_len, uint64_t less_charge);
/* May len more bytes with these flags be locked?  0, EAGAIN.  Read. */
int vm_map_admit_locked(const struct vm_map *, uint32_t eflags, uint64_t len);
/* Remove everything: as vm_map_delete of the whole, cannot fail. */
void vm_map_delete_all(struct vm_map *, struct vm_map_list *dead);
/* Write lock, with no purge under way. */
void vm_map_lock_quiet(struct vm_map *);
/* Begin (map locked, read suffices) and end (any time) of a purge. */
void vm_map_purge_begin(struct vm_map *);
void vm_map_purge_end(struct vm_map *);
/*
 * Change flags and inheritance of [start, end): eflags = (eflags & ~clear) |
 * set, and `inherit` (VM_INHERIT_KEEP: as it is; VM_INHERIT_NATIVE: as mapped).
 * ENOMEM on a hole (the rest is changed) or when a clip fails.
 */
#define VM_INHERIT_KEEP (-1)
#define VM_INHERIT_NATIVE (-2)
int vm_map_set_attr(struct vm_map *, vm_offset_t start, vm_offset_t end,
    uint32_t clear, uint32_t set, int inherit);
/* Replace the entry's contents by fresh ones (vm_map_object_fresh): it goes
 * to `dead`, an entry like it takes its place.  0, ENOMEM. */
int vm_map_entry_refresh(
    struct vm_map *, struct vm_map_entry *, struct vm_map_list *dead);

/* ---- forking (vm_map_fork.c) ---- */

/* Fill the empty child map.  Both write-locked.  On ENOMEM the child holds a
 * part.  The caller syncs the parent's pmap in any case. */
int vm_map_fork(struct vm_map *parent, struct vm_map *child);

#endif /* VM_MAP_VM_MAP_INT_H */
