/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Bitmap allocator of block numbers 0..n-1: runs of adjacent blocks, next fit.
 * The caller locks.  Memory is allocated once, at creation: one bit per block,
 * and one byte of hint per 4096 blocks.
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
 * Allocate up to `want` (1..BLIST_RUN_MAX) adjacent blocks.  Returns the first
 * run of the full length after the previous allocation; if the whole list has
 * none, the longest run found.  *got is 1..want.  BLIST_NONE: no block is free.
 * Time: constant when a run is near, O(n / 4096) at worst.
 */
uint64_t blist_alloc(struct blist *, unsigned want, unsigned *got);
/* Free [blk, blk+n).  Panics in every build if a block is free already. */
void blist_free(struct blist *, uint64_t blk, uint64_t n);
/* Mark free blocks in use.  False, and nothing done: a block is in use. */
bool blist_fill(struct blist *, uint64_t blk, uint64_t n);
uint64_t blist_nfree(const struct blist *);
uint64_t blist_size(const struct blist *);
bool blist_is_free(const struct blist *, uint64_t blk);
/* Check bitmap against hints and counts.  Returns the number of errors. */
int blist_check(const struct blist *);

#endif /* LIBK_BLIST_H */
