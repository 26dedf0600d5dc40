/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Radix tree from a 64-bit index to a non-zero 64-bit value (a pointer or a
 * tagged number).  Fan-out 64; height grows with the largest index; nodes
 * with one child on the path to the root are not compressed, so the cost of
 * an operation is the height: 2 levels up to 4096 indices, 3 up to 262144.
 * The caller locks.  Nodes come from the caller's allocator (a zone).
 */
#ifndef LIBK_RADIX_H
#define LIBK_RADIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RADIX_NODE_SIZE (64 * 8 + 16) /* bytes an allocator must give */

struct radix_alloc {
	void *(*alloc)(void *arg); /* RADIX_NODE_SIZE bytes, any content; NULL
				      when there are none */
	void (*free)(void *arg, void *node);
	void *arg;
};

struct radix {
	void *root;
	uint64_t count; /* values present */
	uint8_t height; /* levels below root pointer; 0 = empty */
	const struct radix_alloc *ra;
};

void radix_init(struct radix *r, const struct radix_alloc *ra);
/* 0 when absent. */
uint64_t radix_lookup(const struct radix *r, uint64_t index);
/* Set index to value (non-zero), replacing.  0 or ENOMEM (tree unchanged);
 * never ENOMEM when the index is present. */
int radix_insert(struct radix *r, uint64_t index, uint64_t value);
/* Remove and give what was there (0: nothing).  Frees empty nodes. */
uint64_t radix_remove(struct radix *r, uint64_t index);
/* Smallest present index >= *index: true, *index and *value set. */
bool radix_next(const struct radix *r, uint64_t *index, uint64_t *value);
/* Remove everything; `fn` (may be NULL) sees each index and value. */
void radix_clear(struct radix *r,
    void (*fn)(void *arg, uint64_t index, uint64_t value), void *arg);

#endif /* LIBK_RADIX_H */
