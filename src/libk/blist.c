/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Block lists.
 *
 * Purpose: to allocate runs of block numbers such that blocks that are
 * allocated together are adjacent.
 *
 * Concepts.  A bitmap has one bit per block, 1 where the block is free.  64
 * words of it are a group of 4096 blocks.  Each group has a hint, an upper
 * bound of the longest free run in it.  A search skips groups whose hint is
 * too small, and lowers the hint of a group that it has searched without
 * success; a free raises it again.  A search for a long run in a fragmented
 * list therefore reads the bitmap of each group once, and later only its hint.
 *
 * The search begins where the last run ended (next fit), so that a writer that
 * allocates one cluster after the other writes sequentially.  Runs do not
 * cross groups.
 *
 * Locking: the caller locks.
 *
 * Guarantees: an allocation fails only when no block is free; no block is
 * allocated twice.  Hints are upper bounds at every moment.
 *
 * Limits: no search for the best fit; a run shorter than requested is returned
 * only when the whole list has none of the full length.
 */
#include "libk/blist.h"

#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"

#define WORD_BITS 64
#define GROUP_WORDS 64
#define GROUP_BLOCKS ((uint64_t)WORD_BITS * GROUP_WORDS)
#define NBLOCKS_MAX ((uint64_t)1 << 32)

struct blist {
	uint64_t nblocks, nfree;
	uint64_t ngroups;
	uint64_t cursor; /* where the next search begins */
	uint64_t *map;   /* 1: free; ngroups * GROUP_WORDS words */
	uint8_t *hint;   /* longest run of each group, or more */
};

/* Bits [lo, hi) of a word; hi <= 64. */
static inline uint64_t
bits(unsigned lo, unsigned hi)
{
	uint64_t upto = hi == WORD_BITS ? UINT64_MAX : (UINT64_C(1) << hi) - 1;

	return (upto & UINT64_MAX << lo);
}

static inline bool
is_free(const struct blist *b, uint64_t blk)
{
	return ((b->map[blk / WORD_BITS] >> (blk % WORD_BITS) & 1) != 0);
}

/* Call fn on each word of [blk, blk+n).  False: a call of fn returned false. */
static bool
each_word(struct blist *b, uint64_t blk, uint64_t n,
    bool (*fn)(uint64_t *word, uint64_t mask))
{
	unsigned lo, hi;

	while (n > 0) {
		lo = (unsigned)(blk % WORD_BITS);
		hi = n < WORD_BITS - lo ? lo + (unsigned)n : WORD_BITS;
		if (!fn(&b->map[blk / WORD_BITS], bits(lo, hi)))
			return (false);
		blk += hi - lo;
		n -= hi - lo;
	}
	return (true);
}

static bool
word_all_free(uint64_t *word, uint64_t mask)
{
	return ((*word & mask) == mask);
}

static bool
word_none_free(uint64_t *word, uint64_t mask)
{
	return ((*word & mask) == 0);
}

static bool
word_set(uint64_t *word, uint64_t mask)
{
	*word |= mask;
	return (true);
}

static bool
word_clear(uint64_t *word, uint64_t mask)
{
	*word &= ~mask;
	return (true);
}

struct blist *
blist_create(uint64_t nblocks)
{
	struct blist *b;

	KASSERT(nblocks >= 1 && nblocks <= NBLOCKS_MAX);
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return (NULL);
	b->nblocks = b->nfree = nblocks;
	b->ngroups = (nblocks + GROUP_BLOCKS - 1) / GROUP_BLOCKS;
	b->map = calloc(b->ngroups * GROUP_WORDS, sizeof(*b->map));
	b->hint = malloc(b->ngroups);
	if (b->map == NULL || b->hint == NULL) {
		blist_destroy(b);
		return (NULL);
	}
	memset(b->hint, BLIST_RUN_MAX, b->ngroups);
	each_word(b, 0, nblocks, word_set);
	return (b);
}

void
blist_destroy(struct blist *b)
{
	free(b->hint);
	free(b->map);
	free(b);
}

/*
 * Search [from, end), which lies in one group, for `want` adjacent free blocks.
 * True: they begin at *at.  False: the longest run found has *len blocks and
 * begins at *at.
 */
static bool
search(const struct blist *b, uint64_t from, uint64_t end, unsigned want,
    uint64_t *at, unsigned *len)
{
	uint64_t run = from, i = from, w;
	unsigned skip;

	*len = 0;
	while (i < end) {
		w = b->map[i / WORD_BITS] >> (i % WORD_BITS);
		if (i == run && w == 0) { /* no free block in the rest */
			i = run = (i / WORD_BITS + 1) * WORD_BITS;
			continue;
		}
		if ((w & 1) == 0) {
			skip = (unsigned)__builtin_ctzll(w | UINT64_C(1) << 63);
			if (w == 0)
				skip = WORD_BITS - (unsigned)(i % WORD_BITS);
			i += skip;
			run = i;
			continue;
		}
		skip = ~w == 0 ? WORD_BITS : (unsigned)__builtin_ctzll(~w);
		if (skip > WORD_BITS - i % WORD_BITS)
			skip = WORD_BITS - (unsigned)(i % WORD_BITS);
		i += skip;
		if (i > end)
			i = end;
		if (i - run > *len) {
			*len = i - run > want ? want : (unsigned)(i - run);
			*at = run;
			if (*len == want)
				return (true);
		}
		if (i % WORD_BITS != 0)
			run = i;
	}
	return (false);
}

/* Search the part of group g that begins at block `from`. */
static bool
search_group(
    struct blist *b, uint64_t g, uint64_t from, unsigned want, uint64_t *at)
{
	uint64_t start = g * GROUP_BLOCKS, end = start + GROUP_BLOCKS;
	bool whole = from <= start;
	unsigned len;

	if (b->hint[g] < want)
		return (false);
	if (search(b, whole ? start : from, end, want, at, &len))
		return (true);
	if (whole)
		b->hint[g] = (uint8_t)len;
	return (false);
}

/* Search all groups, from the cursor on and then from the start. */
static bool
search_all(struct blist *b, unsigned want, uint64_t *at)
{
	uint64_t g = b->cursor / GROUP_BLOCKS;

	if (search_group(b, g, b->cursor, want, at))
		return (true);
	for (uint64_t i = 1; i <= b->ngroups; i++)
		if (search_group(b, (g + i) % b->ngroups, 0, want, at))
			return (true);
	return (false);
}

uint64_t
blist_alloc(struct blist *b, unsigned want, unsigned *got)
{
	uint64_t at;
	unsigned most;

	KASSERT(want >= 1 && want <= BLIST_RUN_MAX);
	if (b->nfree == 0)
		return (BLIST_NONE);
	while (!search_all(b, want, &at)) {
		/* Every hint is exact or below `want` now. */
		most = 0;
		for (uint64_t g = 0; g < b->ngroups; g++)
			if (b->hint[g] > most && b->hint[g] < want)
				most = b->hint[g];
		KVERIFY(most > 0);
		want = most;
	}
	each_word(b, at, want, word_clear);
	b->nfree -= want;
	b->cursor = at + want < b->nblocks ? at + want : 0;
	*got = want;
	return (at);
}

static void
raise_hints(struct blist *b, uint64_t blk, uint64_t n)
{
	for (uint64_t g = blk / GROUP_BLOCKS; g <= (blk + n - 1) / GROUP_BLOCKS;
	     g++)
		b->hint[g] = BLIST_RUN_MAX;
}

void
blist_free(struct blist *b, uint64_t blk, uint64_t n)
{
	if (n == 0)
		return;
	KVERIFY(blk < b->nblocks && n <= b->nblocks - blk);
	KVERIFY(each_word(b, blk, n, word_none_free));
	each_word(b, blk, n, word_set);
	raise_hints(b, blk, n);
	b->nfree += n;
}

bool
blist_fill(struct blist *b, uint64_t blk, uint64_t n)
{
	if (blk >= b->nblocks || n > b->nblocks - blk ||
	    !each_word(b, blk, n, word_all_free))
		return (false);
	each_word(b, blk, n, word_clear);
	b->nfree -= n;
	return (true);
}

uint64_t
blist_nfree(const struct blist *b)
{
	return (b->nfree);
}

uint64_t
blist_size(const struct blist *b)
{
	return (b->nblocks);
}

bool
blist_is_free(const struct blist *b, uint64_t blk)
{
	return (blk < b->nblocks && is_free(b, blk));
}

int
blist_check(const struct blist *b)
{
	uint64_t n = 0, run;
	int bad = 0;

	for (uint64_t g = 0; g < b->ngroups; g++) {
		run = 0;
		for (uint64_t i = 0; i < GROUP_BLOCKS; i++) {
			uint64_t blk = g * GROUP_BLOCKS + i;

			if (!is_free(b, blk)) {
				run = 0;
				continue;
			}
			n++;
			run++;
			bad += blk >= b->nblocks;
			bad += run > b->hint[g] && run <= BLIST_RUN_MAX;
		}
	}
	return (bad + (n != b->nfree) + (b->cursor >= b->nblocks));
}
