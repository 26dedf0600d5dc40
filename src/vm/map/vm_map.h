/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Maps: ordered, non-overlapping entries of one address space.
 */
#ifndef VM_MAP_VM_MAP_H
#define VM_MAP_VM_MAP_H

#include "pmap/pmap.h"
#include "mem/vm_types.h"
#include "vm/object/vm_map_entry.h"
#include "vm/object/vm_object.h"

/* What mlockall says about mappings that are made later. */
enum vm_lock_future {
	VM_LOCK_FUTURE_NONE,
	VM_LOCK_FUTURE_FILL,    /* locked, and faulted in */
	VM_LOCK_FUTURE_ONFAULT, /* locked as they are faulted in */
};

/* Entries of a map, as vm.max_map_count of Linux: an entry costs memory of the
 * kernel process and, in a stub, a mapping of the host. */
#define VM_MAP_ENTRIES_MAX 65530

RB_HEAD(vm_map_tree, vm_map_entry);
TAILQ_HEAD(vm_map_list, vm_map_entry);

struct vm_map {
	struct krwlock lock;     /* rank MAP, DUPOK (fork: parent first) */
	struct vm_map_tree tree; /* [m] */
	struct vm_map_list list; /* [m] */
	vm_offset_t min, max;    /* [I] */
	uint64_t nentries;       /* [m] */
	uint64_t size;           /* [m] mapped bytes */
	uint64_t size_peak;      /* [m] largest size so far */
	uint64_t commit;         /* [m] bytes charged: private writable */
	uint64_t spare;    /* [m] charged to the system, but to no entry: given
			      back by the next write unlock */
	uint64_t as_limit; /* [m] RLIMIT_AS, UINT64_MAX: none */
	uint64_t locked;   /* [m] bytes wired by mlock */
	uint64_t lock_limit;     /* [m] RLIMIT_MEMLOCK, UINT64_MAX: none */
	uint8_t lock_future;     /* [m] enum vm_lock_future */
	_Atomic(uintptr_t) hint; /* [a] entry of the last lookup; validated */
	struct pmap *pmap;       /* [I] until stage 2 */
	struct vm_system *sys;   /* [I] */
	bool dead;               /* [m] stage 1 has emptied it */
	bool sealed;             /* [m] an entry is, or was, SEALED */
	/* Entries absorbed by merges, with an object ref to give up: freed by
	 * the next write unlock. [m] */
	struct vm_map_list trash;
	/* Ranges whose pages a madvise removes in place, map unlocked: fork
	 * and mremap wait for them. */
	struct kmutex purge_lock; /* rank LEAF */
	struct kcond purge_cond;
	uint32_t purging; /* [p] */
};

void vm_map_init(struct vm_map *, struct vm_system *, struct pmap *,
    vm_offset_t min, vm_offset_t max);
void vm_map_destroy(struct vm_map *); /* KVERIFYs empty */

void vm_map_lock(struct vm_map *); /* write */
/* Write.  After a merge it also releases object refs: no other vm lock may be
 * held then. */
void vm_map_unlock(struct vm_map *);
void vm_map_lock_read(struct vm_map *);
void vm_map_unlock_read(struct vm_map *);
/* For objects: see struct vm_entry_ops. */
extern const struct vm_entry_ops vm_map_entry_ops;

/*
 * Entry that contains va, or NULL and *prev the last entry that ends at or
 * below it (NULL if none; prev may be NULL).  Map locked.  O(log n), O(1) on
 * a hint hit.
 */
struct vm_map_entry *vm_map_lookup(
    struct vm_map *, vm_offset_t va, struct vm_map_entry **prev);
/*
 * Insert a mapping of object (its ref passes to the map on success; NULL for
 * anonymous memory that has none yet) at [start, end).  Merges with
 * compatible neighbours.  Map write-locked.
 * - 0; EEXIST (overlap), EINVAL (range), ENOMEM (zone, commit or as limit),
 *   EAGAIN (locked memory beyond its limit).
 */
int vm_map_insert(struct vm_map *, struct vm_object *, vm_ooffset_t off,
    vm_offset_t start, vm_offset_t end, vm_prot_t prot, vm_prot_t max,
    enum vm_inherit, uint32_t eflags);
/* First-fit from the top down below `top` (mmap) or up from `*addr`
 * (bottom-up if top is 0), aligned.  0 and *addr, or ENOMEM. */
int vm_map_findspace(struct vm_map *, vm_offset_t top, uint64_t len,
    uint64_t align, vm_offset_t *addr);
/*
 * Unmap [start, end): clips, removes translations, unlinks entries and gives
 * the removed entries in `dead` for vm_map_entry_list_free() after unlock.
 * ENOMEM when a clip needs an entry and none can be had, EPERM when part of the
 * range is sealed (nothing changed).
 */
int vm_map_delete(struct vm_map *, vm_offset_t start, vm_offset_t end,
    struct vm_map_list *dead);
/* pmap_sync, then release objects and entries.  No lock held. */
void vm_map_entry_list_free(struct vm_map *, struct vm_map_list *dead);
/* Change protection; EACCES beyond max_prot, EPERM of what is sealed, ENOMEM on
 * a hole (as Linux:
 * what is before the hole is changed).  Write-locked. */
int vm_map_protect(
    struct vm_map *, vm_offset_t start, vm_offset_t end, vm_prot_t prot);
int vm_map_set_inherit(
    struct vm_map *, vm_offset_t start, vm_offset_t end, enum vm_inherit);
/* Split so that `va` is a boundary.  Write-locked.  0, ENOMEM. */
int vm_map_clip(struct vm_map *, vm_offset_t va);
/* Merge with neighbours where every attribute and the object run agree. */
void vm_map_simplify(struct vm_map *, struct vm_map_entry *);
/*
 * Grow the stack (a GROWSDOWN entry just above va) down so that va is mapped.
 * - No locks held.  0: va is mapped now, try the fault again; EFAULT: no
 *   stack there, its limit, or no memory for it; ESRCH: dead.
 */
int vm_map_growstack(struct vmspace *, vm_offset_t va);

#endif /* VM_MAP_VM_MAP_H */
