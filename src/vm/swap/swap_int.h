/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Inside of swap space: swap_space.c (areas and blocks), swap_io.c (transfers)
 * and swap_zpool.c (compressed memory).
 */
#ifndef VM_SWAP_SWAP_INT_H
#define VM_SWAP_SWAP_INT_H

#include <stdatomic.h>

#include "libk/klock.h"
#include "vm/swap/swap_space.h"

#define SWAP_PAGE ((size_t)4096)

struct blist;
struct swap_zpool;

/*
 * Key: [I] immutable, [s] space lock, [a] atomic, [b] owner of the block
 */
struct swap_area {
	unsigned nr;                       /* [I] */
	enum swap_kind kind;               /* [I] */
	int fd;                            /* [I] FILE, else -1 */
	int priority;                      /* [I] */
	uint64_t npages;                   /* [I] */
	char name[64];                     /* [I] */
	struct swap_inject inject;         /* [I] */
	struct blist *blocks;              /* [s] */
	bool draining;                     /* [s] */
	uint64_t used;                     /* [s] blocks */
	uint32_t users;                    /* [s] writers that have chosen it */
	uint64_t *sum;                     /* [b] checksums, see swap_io.c */
	size_t sum_bytes;                  /* [I] */
	struct swap_zpool *zpool;          /* [I] compressed areas */
	uint64_t bad_until;                /* [s] asked last until then, ns */
	uint64_t turn;                     /* [s] when it was chosen last */
	_Atomic(uint64_t) log_ns;          /* [a] last log line */
	_Atomic(uint64_t) nwrites, nreads; /* [a] of these, faults injected */
	_Atomic(uint64_t) pages_in, pages_out, reads, writes; /* [a] */
	_Atomic(uint64_t) write_errors, read_errors, damaged,
	    rejected; /* [a] */
};

/* Key: [I] immutable, [s] lock, [a] atomic */
struct swap_space {
	struct host host;       /* [I] */
	const struct klog *log; /* [I] */
	struct kmutex lock;     /* rank SWAP */
	/* By number; one that has a block in use cannot go. */
	_Atomic(struct swap_area *) area[SWAP_AREAS + 1]; /* [a] set with [s] */
	uint64_t turn;                                    /* [s] choices */
	_Atomic(uint64_t) size, used, avail; /* [a] pages; set with [s] */
};

/* ---- swap_space.c ---- */

/* The area of a block in use. */
struct swap_area *swap_area_of(struct swap_space *, swblk_t);
/*
 * The best area with free blocks that is not in the bit mask `tried` (raw: and
 * that is compressed).  It stays until swap_area_release().  False: none.
 */
bool swap_area_choose(
    struct swap_space *, uint64_t tried, bool raw, struct swap_area **area);
void swap_area_release(struct swap_space *, struct swap_area *);
/* Up to `want` blocks in a row; returns how many, from *first. */
unsigned swap_area_alloc(
    struct swap_space *, struct swap_area *, unsigned want, swblk_t *first);
/* Its transfers fail: others first, for a while. */
void swap_area_bad(struct swap_space *, struct swap_area *);

/* ---- swap_zpool.c: a page's compressed form, by block number ---- */

int swap_zpool_create(
    struct host, enum swap_kind, uint64_t npages, struct swap_zpool **);
void swap_zpool_destroy(struct swap_zpool *);
/* 0; E2BIG (raw false: does not shrink enough), ENOMEM (host memory). */
int swap_zpool_store(
    struct swap_zpool *, uint64_t block, const void *page, bool raw);
/* 0; EBADMSG. */
int swap_zpool_load(struct swap_zpool *, uint64_t block, void *page);
void swap_zpool_drop(struct swap_zpool *, uint64_t block);
/* Flip a bit of what is stored (fault injection). */
void swap_zpool_damage(struct swap_zpool *, uint64_t block);
/* Bytes that the stored forms take. */
uint64_t swap_zpool_stored(const struct swap_zpool *);

#endif /* VM_SWAP_SWAP_INT_H */
