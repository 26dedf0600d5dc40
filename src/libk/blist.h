/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Radix-bitmap allocator of block numbers 0..n-1: runs of blocks in a row,
 * next fit.  The caller locks.  Memory is taken once, at creation: about one
 * bit for each block and a 32nd of that for hints.
 */
#ifndef LIBK_BLIST_H
#define LIBK_BLIST_H

#include <stdbool.h>
#include <stdint.h>

struct blist;

#define BLIST_NONE UINT64_MAX
#define BLIST_RUN_MAX 64 /* blocks in one allocation */

/* All free.  1 <= nblocks <= 2^32.  NULL: no memory. */
struct blist *blist_create(uint64_t nblocks);
void blist_destroy(struct blist *);
/*
 * Allocate up to `want` (1..BLIST_RUN_MAX) blocks in a row.  Prefers a run of
 * the full length, next to the one before; when there is none in the whole
 * list, gives the longest of those it has met.  *got 1..want; BLIST_NONE when
 * nothing is free.  O(log n) when a run is near, O(n / 4096) at worst.
 */
uint64_t blist_alloc(struct blist *, unsigned want, unsigned *got);
/* Free [blk, blk+n).  Panics (always) on a block that is free already. */
void blist_free(struct blist *, uint64_t blk, uint64_t n);
/* Mark free blocks in use: false and nothing done if any is in use. */
bool blist_fill(struct blist *, uint64_t blk, uint64_t n);
uint64_t blist_nfree(const struct blist *);
uint64_t blist_size(const struct blist *);
bool blist_is_free(const struct blist *, uint64_t blk);
/* Bitmap against counts at every level; the number of contradictions. */
int blist_check(const struct blist *);

#endif /* LIBK_BLIST_H */
