/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The context of one fault, shared by the stages: vm_fault.c (the loop),
 * vm_fault_lock.c (the locks), vm_fault_rights.c (what the fault may do),
 * vm_fault_enter.c (translations), vm_fault_cluster.c (new pages) and
 * vm_fault_pagein.c (pages from a file, from swap or from a device).
 */
#ifndef VM_FAULT_VM_FAULT_INT_H
#define VM_FAULT_VM_FAULT_INT_H

#include "vm/fault/vm_fault.h"
#include "vm/fault/vm_uffd.h"
#include "vm/object/vm_object_int.h"

/* Pages looked at around a fault, first window of a sequential run, and the
 * largest windows: fresh memory, file reads, copies. */
#define VM_FAULT_AROUND 32
#define VM_FAULT_AHEAD_MIN 16
#define VM_FAULT_AHEAD_MAX 512
#define VM_FAULT_READ 32
#define VM_FAULT_READ_SEQ 64
#define VM_FAULT_COPY 16
#define VM_FAULT_COPY_FIRST 8

/* vm_faultinfo.held: the locks that the fault has now. */
#define FAULT_MAP_READ 0x01  /* the map, for reading */
#define FAULT_MAP_WRITE 0x02 /* the map, for writing */
#define FAULT_FIRST 0x04     /* fi->first */
#define FAULT_MID 0x08       /* fi->mid */
#define FAULT_OBJ 0x10       /* fi->obj, if it is not fi->first */
#define FAULT_MAP (FAULT_MAP_READ | FAULT_MAP_WRITE)
#define FAULT_OBJECTS (FAULT_FIRST | FAULT_MID | FAULT_OBJ)
#define FAULT_ALL (FAULT_MAP | FAULT_OBJECTS)

/* What the fault may do; vm_fault_rights() decides. */
struct vm_faultrights {
	/* The entry needs another first object before this access: it has
	 * none, or this is a write that must not change the present one. */
	bool prepare;
	/* Rights of a translation to a page of the first object, and to a
	 * page of an object behind it. */
	vm_prot_t first, back;
	/* A page of the first object gets WRITE only if it is dirty. */
	bool dirty_only;
};

struct vm_faultinfo {
	struct vmspace *vm;
	struct vm_system *sys;
	struct vm_map *map;
	vm_offset_t va; /* page of the fault */
	vm_prot_t access;
	bool force;             /* VM_FAULT_FORCE */
	bool user;              /* VM_FAULT_USER */
	bool asked;             /* VM_FAULT_ASKED */
	vm_offset_t addr;       /* of the access */
	struct vm_uffd *filler; /* makes a page, with these contents.. */
	const void *fill;       /* ..NULL: zeroes */
	/* State that survives a retry. */
	bool want_write;  /* the map is to be locked for writing */
	bool grown;       /* a stack was extended */
	bool major;       /* there was I/O */
	unsigned starved; /* times memory was reclaimed for this fault */
	uint64_t refused; /* kmem_self.refused when last looked at */
	bool forgot;      /* the tables were given up for this fault */
	bool copied_none; /* no shadow was needed: the object is private */
	bool keep_prot;   /* an absent page could not lose its protection */
	struct vm_object *collapse; /* held: shorten its chain afterwards */
	/* The locks.  What follows is valid while its lock is held. */
	unsigned held;              /* FAULT_* */
	struct vm_map_entry *entry; /* [map] */
	struct vm_faultrights may;  /* [map] */
	struct vm_object *first;    /* [first] entry->object */
	vm_pindex_t first_idx;      /* [first] */
	struct vm_object *mid;      /* [mid] the object between first and obj */
	/* Where the walk ended: the object that has the page, or the last. */
	struct vm_object *obj; /* [obj] may be == first */
	vm_pindex_t idx;       /* [obj] */
	struct vm_page *m;     /* [obj] NULL: no object has it, or */
	bool swapped;          /* [obj] obj has it in swap */
};

static inline bool
vm_fault_write(const struct vm_faultinfo *fi)
{
	return ((fi->access & VM_PROT_WRITE) != 0);
}

/* ---- vm_fault_lock.c ---- */

/* Release the locks of the mask `which` that the fault holds; others and
 * repeated calls have no effect.  Objects are unlocked before the map. */
void vm_fault_unlock(struct vm_faultinfo *, unsigned which);
/* Lock fi->first again. */
void vm_fault_lock_first(struct vm_faultinfo *);
/*
 * Release all locks but that of fi->obj, which passes to the caller with a
 * hold: the caller must unlock and drop the object.
 */
struct vm_object *vm_fault_take_obj(struct vm_faultinfo *);

/* ---- vm_fault_rights.c ---- */

/*
 * Is the access allowed, and what may the fault do?  Sets fi->may.
 * - Map locked, fi->entry set.  0; EFAULT (a guard), EACCES.
 */
int vm_fault_rights(struct vm_faultinfo *);
/* Rights of a translation to page m of fi->obj; NULL: to a fresh anonymous
 * page of fi->first.  Map locked; for a page, its object, too. */
vm_prot_t vm_fault_prot(const struct vm_faultinfo *, const struct vm_page *m);

/* ---- vm_fault_enter.c ---- */

/* Enter fi->m and what is resident around it.  Map, first and obj locked on
 * entry and exit; may lock mid.  0, ENOMEM. */
int vm_fault_enter(struct vm_faultinfo *);
/*
 * Lock the one object between first and obj, as fi->mid.  Only tried.
 * False: obj is first or right behind it, several objects are in between, or
 * another thread has the lock.
 */
bool vm_fault_lock_mid(struct vm_faultinfo *);
/* Does no object in front of obj have the page `d` pages from the fault?  obj
 * is right behind first, or mid is locked. */
bool vm_fault_front_absent(const struct vm_faultinfo *, vm_pindex_t d);

/* ---- vm_fault_cluster.c ---- */

/* Make zeroed pages in `first` and enter them.  Map, first and obj locked on
 * entry; the map stays locked.  0, ENOMEM. */
int vm_fault_zero(struct vm_faultinfo *);
/* Copy fi->m (and its neighbours, when sequential) to `first` and enter the
 * copies.  Map, first and obj locked on entry and exit.  0, ENOMEM. */
int vm_fault_copy(struct vm_faultinfo *);
/* Single pages only: random access, a served entry, or little memory free. */
bool vm_fault_single(const struct vm_faultinfo *);
/* Is the fault where the last cluster of the entry ended? */
bool vm_fault_sequential(const struct vm_faultinfo *);
/* Record the end of a cluster: a sequential program faults there next. */
void vm_fault_advance(struct vm_faultinfo *, vm_offset_t next);
/* Shrink [*lo, *hi) to the absent pages of the object around idx, which is
 * absent; a page in swap is not absent.  Object locked. */
void vm_fault_clip_absent(
    struct vm_object *, vm_pindex_t *lo, vm_pindex_t idx, vm_pindex_t *hi);
/*
 * Allocate a run of pages within the absent range [lo, hi) that includes idx.
 * Returns its length and first page (busy), 0 when there is no memory.  Object
 * locked.
 */
unsigned vm_fault_alloc_cover(struct vm_object *, vm_pindex_t lo,
    vm_pindex_t idx, vm_pindex_t hi, struct vm_page **run);

/* ---- vm_fault_pagein.c.  Entered with map, first and obj locked. ---- */

/* Read pages of the file.  No lock is held on return.  ERESTART when the page
 * is in memory now; EIO, ENOMEM. */
int vm_fault_pagein(struct vm_faultinfo *);
/* The same from swap, and from a device. */
int vm_fault_swapin(struct vm_faultinfo *);
int vm_fault_device(struct vm_faultinfo *);

/* ---- vm_uffd.c ---- */

/*
 * The entry is served, or the fault fills a page of one that should be.
 * - Map locked.  0: go on, still locked.  Otherwise nothing is locked:
 * ERESTART, EINTR, EIO; and ENOENT.
 */
int vm_uffd_check(struct vm_faultinfo *);
/* Make the absent page with fi->fill.  Map, first and obj locked on entry and
 * exit.  0; EEXIST (it is in swap), ENOMEM. */
int vm_uffd_fill_page(struct vm_faultinfo *);
/* Make the absent page at va with these contents.  No locks held.  Errors of
 * vm_uffd_fill(). */
int vm_fault_fill(struct vm_uffd *, vm_offset_t va, const void *data);

#endif /* VM_FAULT_VM_FAULT_INT_H */
