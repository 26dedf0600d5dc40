/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The pmap contract.  A pmap is a cache of translations from user virtual
 * pages to frames.  Everything in it can be rebuilt from maps and objects by
 * faulting, so a pmap may drop any translation at any time.
 *
 * The software tables are always there: copyin and copyout walk them.  A
 * back-end (struct pmap_ops) mirrors them into a machine that runs user code.
 *
 * Visibility rule: pmap_remove() and pmap_protect() may queue work for the
 * machine.  When pmap_sync() returns, no CPU uses a translation that was
 * removed or reduced before the call; a frame may be freed only then.
 */
#ifndef PMAP_PMAP_H
#define PMAP_PMAP_H

#include "mem/vm_page.h"
#include "mem/vm_types.h"

struct pmap;

/* Machine back-end.  Called with the pmap lock held unless noted. */
struct pmap_ops {
	const char *name;
	/* Without the lock.  0, ENOMEM. */
	int (*init)(struct pmap *, void *machine);
	/* Without the lock.  The tables are empty; when it returns, no CPU
	 * uses any translation of this pmap. */
	void (*release)(struct pmap *);
	/* `replaces`: one of the translations takes the place of one to another
	 * frame, or with more rights, which goes out of use as after unmap. */
	void (*map)(struct pmap *, vm_offset_t va, vm_frame_t frame,
	    unsigned npages, vm_prot_t prot, bool replaces);
	void (*unmap)(struct pmap *, vm_offset_t sva, vm_offset_t eva);
	void (*protect)(
	    struct pmap *, vm_offset_t sva, vm_offset_t eva, vm_prot_t prot);
	/*
	 * `count` translations were removed or reduced in the tables.  True:
	 * the machine forgets everything instead of following that change
	 * (it refills from the tables), because that is cheaper.  May be NULL.
	 */
	bool (*rebuild)(struct pmap *, uint64_t count);
	/*
	 * Without the lock.  Start what sync() waits for, and do not wait, so
	 * that the waits for several pmaps run at the same time.  False: sync()
	 * would not wait.  NULL: nothing can be started.
	 */
	bool (*sync_start)(struct pmap *);
	/* Without the lock; may block for the machine. */
	void (*sync)(struct pmap *);
	/* The machine for a copy of the address space; ENOMEM.  NULL: it is the
	 * same.  Without the lock. */
	int (*fork)(struct pmap *parent, void **machine);
	/* The machine of fork() is not needed after all. */
	void (*unfork)(void *machine);
};

/* Key: [I] immutable, [l] lock, [a] atomic */
struct pmap {
	struct kmutex lock;              /* rank PMAP */
	struct vm_system *sys;           /* [I] */
	const struct pmap_ops *ops;      /* [I] */
	void *root;                      /* [l] table root */
	_Atomic(uint64_t) resident;      /* [a] translations */
	_Atomic(uint64_t) resident_peak; /* [a] */
	uint64_t id;                     /* [I] */
	void *machine;                   /* [I] as given to init */
	void *md;                        /* back-end's own */
};

/* 0, ENOMEM. */
int pmap_create(
    struct vm_system *, const struct pmap_ops *, void *machine, struct pmap **);
/* For a copy of an address space. */
int pmap_create_like(struct pmap *, struct pmap **);
/* Drops what is left and releases the machine side. */
void pmap_destroy(struct pmap *);

/*
 * Enter npages translations va.. -> frame.. (contiguous in both), replacing
 * what is there.  Pages must be valid and stay so until removed (caller holds
 * the object lock or has the page busy).  Sets nothing in vm_page; the caller
 * sets PG_MAPPED.
 * - 0; ENOMEM (no table node; a prefix may be entered, which is harmless).
 */
int pmap_enter(struct pmap *, vm_offset_t va, vm_frame_t frame, unsigned npages,
    vm_prot_t prot);
/* Remove / reduce the translations of [sva, eva).  Never fails.  protect
 * only ever reduces: a translation gets (old & prot); NONE removes. */
void pmap_remove(struct pmap *, vm_offset_t sva, vm_offset_t eva);
void pmap_protect(
    struct pmap *, vm_offset_t sva, vm_offset_t eva, vm_prot_t prot);
/* See the visibility rule.  No vm lock of rank >= PMAP held. */
void pmap_sync(struct pmap *);
/*
 * Begin a pmap_sync() and return at once.  A caller that syncs several pmaps
 * starts all of them first, and then waits as long as the slowest takes.
 * - False: no CPU uses what was removed; pmap_sync() is not needed.
 */
bool pmap_sync_start(struct pmap *);

/*
 * Software walk: if va is translated with at least `prot`, hold the page
 * (vm_page_hold) and return it; NULL otherwise.  Caller unholds.
 */
struct vm_page *pmap_extract_hold(
    struct pmap *, vm_offset_t va, vm_prot_t prot);
/*
 * The machine has faulted at va although the tables allow the access, because
 * it lost a mapping: pass the contiguous run around va to it again, at most
 * PMAP_REFILL_PAGES, aligned.  False: the tables do not allow it.
 */
#define PMAP_REFILL_PAGES 64
bool pmap_refill(struct pmap *, vm_offset_t va, vm_prot_t prot);
/* True if translated; *prot and *frame set (either may be NULL). */
bool pmap_lookup(
    struct pmap *, vm_offset_t va, vm_frame_t *frame, vm_prot_t *prot);
/* Smallest translated va >= *va and < end; true and *va set. */
bool pmap_next(struct pmap *, vm_offset_t *va, vm_offset_t end);
/* Count translations in [sva, eva). */
uint64_t pmap_count(struct pmap *, vm_offset_t sva, vm_offset_t eva);

#endif /* PMAP_PMAP_H */
