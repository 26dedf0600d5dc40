/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Accounting.  The caller owns a ref or hold of the vmspace.
 */
#ifndef VM_VM_METER_H
#define VM_VM_METER_H

#include "vm/map/vm_space.h"

struct vm_entry_info {
	vm_offset_t start, end;
	vm_ooffset_t offset; /* in the file */
	uint32_t eflags;
	vm_prot_t prot, max_prot;
	uint8_t inherit; /* enum vm_inherit */
	uint64_t dev, ino;
	char name[256]; /* path, "[heap]", "[stack]" or "" */
	uint64_t object_id;
	unsigned depth;    /* length of the object chain */
	uint64_t resident; /* bytes translated */
};
/* Entry at or above va: 0 and *info, ENOENT past the last, ESRCH dead. */
int vmspace_entry_info(
    struct vmspace *, vm_offset_t va, struct vm_entry_info *info);

/* The vnode that the entry [start, end) maps, with a ref.  ENOENT: there is no
 * such entry, or it maps no file. */
int vmspace_entry_vnode(
    struct vmspace *, vm_offset_t start, vm_offset_t end, void **handle);

/* Bytes of a vmspace by use, as /proc/PID/status has them. */
struct vm_sizes {
	uint64_t data;  /* private and writable, but for stacks */
	uint64_t stack; /* that grow down */
	uint64_t text;  /* executable and not writable */
	uint64_t peak;  /* most that was mapped at a time */
};
void vmspace_sizes(struct vmspace *, struct vm_sizes *);

/* What is behind the entry of va, in bytes: resident in its anonymous objects,
 * in swap, and its share of what is resident (divided by the users of each
 * object).  As vmspace_anonymous_count(), an estimate. */
struct vm_entry_pages {
	uint64_t anon, swapped, share;
};
/* 0; ENOENT: no entry; ESRCH: dead. */
int vmspace_entry_pages(
    struct vmspace *, vm_offset_t va, struct vm_entry_pages *);

/* How a page is reached: bits of vmspace_pages(). */
#define VM_PAGES_PRESENT 0x1u
#define VM_PAGES_SWAPPED 0x2u
#define VM_PAGES_SHARED 0x4u /* present, and a file's or shared memory */
/*
 * The bits of the n pages from va on; 0 where nothing is mapped.  A shared page
 * is present if this vmspace has a translation of it.
 * - 0; ESRCH: dead.
 */
int vmspace_pages(struct vmspace *, vm_offset_t va, size_t n, uint8_t *bits);

/* An object in the chain behind an entry. */
struct vm_chain_info {
	uint64_t id;
	const char *type;           /* "default", "swap", "vnode", "device" */
	uint32_t refs, holds;       /* at that moment */
	uint64_t resident, swapped; /* pages, of the whole object */
};
/* The chain behind the entry of va, front first, at most max objects of it:
 * how many are in info[].  0: no entry, no object, or dead. */
unsigned vmspace_entry_chain(
    struct vmspace *, vm_offset_t va, struct vm_chain_info *info, unsigned max);

/* Pages of anonymous memory reachable through the maps (estimate: an object
 * shared by several entries counts once for each). */
uint64_t vmspace_anonymous_count(struct vmspace *);
/* The same for pages whose contents are in swap. */
uint64_t vmspace_swap_count(struct vmspace *);
/*
 * Pages that would come free, roughly, at the end of the vmspace: resident and
 * in swap.  Does not wait: false if the map is locked.
 */
bool vmspace_footprint(struct vmspace *, uint64_t *resident, uint64_t *swapped);

struct vm_system_stat {
	uint64_t mem, free, peak;      /* bytes */
	uint64_t swap_size, swap_used; /* bytes of guest memory */
	uint64_t objects, vmspaces, file_pages, anon_pages, swapped_pages;
	uint64_t cached_pages; /* of swapped_pages: pages of files */
	uint64_t named;        /* bytes of tmpfs and shared memory segments */
	uint64_t committed, commit_limit; /* bytes, see vm_commit.h */
	int64_t stat[VMST_N];
};
void vm_system_stat(struct vm_system *, struct vm_system_stat *);
const char *vm_stat_name(enum vm_stat);

#endif /* VM_VM_METER_H */
