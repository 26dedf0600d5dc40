/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Map entries as objects see them.
 *
 * An entry joins a map and an object: the map finds objects through it, and
 * the object finds the translations of its pages through it (vm_rmap.c).  The
 * structure is declared here, below both, with the operations that an object
 * needs; maps implement struct vm_entry_ops.
 */
#ifndef VM_OBJECT_VM_MAP_ENTRY_H
#define VM_OBJECT_VM_MAP_ENTRY_H

#include <bsd/sys/tree.h>

#include "mem/vm_types.h"

struct pmap;
struct vm_map;
struct vm_uffd;

enum vm_inherit {
	VM_INHERIT_SHARE, /* child sees the same memory */
	VM_INHERIT_COPY,  /* copy on write */
	VM_INHERIT_NONE,  /* absent in the child (MADV_DONTFORK) */
	VM_INHERIT_ZERO,  /* fresh zeroes in the child (MADV_WIPEONFORK) */
};

/* vm_map_entry.eflags */
#define MAP_ENTRY_COW 0x1        /* private: writes must not reach object */
#define MAP_ENTRY_NEEDS_COPY 0x2 /* shadow before the first write */
#define MAP_ENTRY_GROWSDOWN 0x4  /* stack: grows into the gap below */
#define MAP_ENTRY_GUARD 0x8      /* MADV_GUARD_INSTALL: faults are SEGV */
#define MAP_ENTRY_WIRED 0x10     /* mlocked */
#define MAP_ENTRY_NOSYNC 0x20
#define MAP_ENTRY_SEQUENTIAL 0x40 /* MADV_SEQUENTIAL */
#define MAP_ENTRY_RANDOM 0x80     /* MADV_RANDOM */
#define MAP_ENTRY_NORESERVE 0x100 /* not charged to the commit limit */
#define MAP_ENTRY_SHARED 0x200    /* mapped MAP_SHARED by the user */
#define MAP_ENTRY_STACK 0x400     /* the process stack, for /proc maps */
#define MAP_ENTRY_HEAP 0x800      /* the brk heap, for /proc maps */
#define MAP_ENTRY_DONTDUMP 0x1000
#define MAP_ENTRY_ACCOUNT 0x2000 /* charged to map->commit, see vm_map.c */
/* Served by entry->uffd: absent pages; writes to protected ones; and it is
 * protected. */
#define MAP_ENTRY_UFFD_MISSING 0x4000
#define MAP_ENTRY_UFFD_WP 0x8000
#define MAP_ENTRY_UFFD_PROT 0x10000
#define MAP_ENTRY_SEALED 0x20000 /* mseal: stays as it is */
#define MAP_ENTRY_UFFD \
	(MAP_ENTRY_UFFD_MISSING | MAP_ENTRY_UFFD_WP | MAP_ENTRY_UFFD_PROT)

/*
 * Key: [m] map lock (write to change, read to read), [mt] changes need the
 * map write lock AND sys->topology while linked to an object; either suffices
 * to read, [a] atomic, [p] purge_lock
 *
 * A removed entry stays linked to its object, fields unchanged, until the
 * pmap_sync of vm_map_entry_list_free(): until then a machine may still use
 * its translations, and the reverse mapping must find the pmap to sync.
 * offset is 0 while object is NULL.
 */
struct vm_map_entry {
	RB_ENTRY(vm_map_entry) tree;    /* [m] by start, augmented */
	TAILQ_ENTRY(vm_map_entry) link; /* [m] in address order */
	struct vm_map *map;             /* [I] */
	struct pmap *pmap;              /* [I] of the map */
	vm_offset_t start;              /* [mt] page aligned */
	vm_offset_t end;                /* [mt] exclusive */
	vm_offset_t gap;          /* [m] free bytes between prev and start */
	vm_offset_t max_gap;      /* [m] largest gap in this subtree */
	struct vm_object *object; /* [mt] owns a ref; NULL: none yet */
	vm_ooffset_t offset;      /* [mt] of start in object, bytes */
	LIST_ENTRY(vm_map_entry) obj_link; /* [t] on object->entries */
	uint32_t eflags;                   /* [m] */
	vm_prot_t prot;                    /* [m] */
	vm_prot_t max_prot;                /* [m] */
	uint8_t inherit;                   /* [m] enum vm_inherit */
	uint16_t policy;                   /* [m] of memory, see vm_policy.c */
	struct vm_uffd *uffd; /* [m] who serves its faults, or NULL; no ref */
	/* Fault clustering: where a sequential run would fault next, and how
	 * many pages it may take. Hints only. */
	_Atomic(vm_offset_t) next_fault; /* [a] */
	_Atomic(uint32_t) window;        /* [a] pages */
	/* MAP_ENTRY_WIRED, for pageout, which does not lock the map. */
	_Atomic(bool) wired; /* [a] written with eflags */
	bool shared_write;   /* [I] shared, and may be made writable */
};

/* What an object may ask of an entry that names it (sys->entry_ops). */
struct vm_entry_ops {
	/*
	 * Lock the entry's map for writing, without waiting.  False: it is
	 * locked, pages are being removed in place, or the entry has left the
	 * map.  Object locks and sys->topology may be held.
	 */
	bool (*trylock)(struct vm_map_entry *);
	void (*unlock)(struct vm_map_entry *);
};

/* Link/unlink an entry with its entry->object (either may have NULL). */
void vm_object_link_entry(struct vm_map_entry *);
void vm_object_unlink_entry(struct vm_map_entry *);
/*
 * Make an entry, linked or not, name (o, off) instead.  It is never out of
 * reach of a concurrent vm_page_remove_all().  Refs are the caller's business.
 * Map write-locked.
 */
void vm_object_relink_entry(
    struct vm_map_entry *, struct vm_object *o, vm_ooffset_t off);

#endif /* VM_OBJECT_VM_MAP_ENTRY_H */
