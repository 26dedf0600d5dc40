/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The context of one fault, shared by vm_fault.c (the stages) and
 * vm_fault_cluster.c (the stages that make more than one page).
 */
#ifndef VM_FAULT_VM_FAULT_INT_H
#define VM_FAULT_VM_FAULT_INT_H

#include "vm/fault/vm_fault.h"
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

struct vm_faultinfo {
	struct vmspace *vm;
	struct vm_system *sys;
	struct vm_map *map;
	vm_offset_t va; /* page of the fault */
	vm_prot_t access;
	bool force; /* VM_FAULT_FORCE */
	/* State that survives a retry. */
	bool want_write;  /* the map is to be locked for writing */
	bool grown;       /* a stack was extended */
	bool major;       /* there was I/O */
	unsigned starved; /* times memory was reclaimed for this fault */
	bool copied_none; /* the object was private again: no shadow */
	/* Valid while the map is locked. */
	bool map_write;
	struct vm_map_entry *entry;
	struct vm_object *first; /* entry->object; locked after the walk */
	vm_pindex_t first_idx;
	/* Where the walk ended: the object that has the page, or the last. */
	struct vm_object *obj; /* locked, may be == first */
	vm_pindex_t idx;
	struct vm_page *m;          /* NULL: nobody has it, or */
	bool swapped;               /* obj has it in swap */
	struct vm_object *collapse; /* held: shorten its chain afterwards */
};

static inline bool
vm_fault_write(const struct vm_faultinfo *fi)
{
	return ((fi->access & VM_PROT_WRITE) != 0);
}

/* ---- vm_fault.c ---- */

/* Unlock the objects, or objects and map. */
void vm_fault_unlock_objects(struct vm_faultinfo *);
void vm_fault_unlock(struct vm_faultinfo *);
/* All but fi->obj. */
void vm_fault_unlock_others(struct vm_faultinfo *);

/* ---- vm_fault_cluster.c.  Entered with map, first and obj locked. ---- */

/* Enter fi->m and what is resident around it.  Locks stay.  0, ENOMEM. */
int vm_fault_enter(struct vm_faultinfo *);
/* Make zeroed pages in `first` and enter them.  Objects unlocked on return,
 * the map stays locked.  0, ENOMEM. */
int vm_fault_zero(struct vm_faultinfo *);
/* Copy fi->m (and its neighbours, when sequential) to `first` and enter the
 * copies.  Locks stay.  0, ENOMEM. */
int vm_fault_copy(struct vm_faultinfo *);
/* Read pages of the file.  Everything is unlocked on return.  ERESTART when
 * the page is there now; EIO, ENOMEM. */
int vm_fault_pagein(struct vm_faultinfo *);
/* The same from swap, and from a device. */
int vm_fault_swapin(struct vm_faultinfo *);
int vm_fault_device(struct vm_faultinfo *);

#endif /* VM_FAULT_VM_FAULT_INT_H */
