/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Radix tree from a 64-bit index to a non-zero 64-bit value (a pointer or a
 * tagged number).  The fan-out is 64, and the height grows with the largest
 * index.  Paths are not compressed, so that the cost of an operation is the
 * height: 2 levels for indices below 4096, 3 for indices below 262144.
 * The caller locks.  Nodes come from the caller's allocator (a zone).
 */
#ifndef LIBK_RADIX_H
#define LIBK_RADIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RADIX_NODE_SIZE (64 * 8 + 16) /* bytes an allocator must give */

struct radix_alloc {
	void *(*alloc)(void *arg); /* RADIX_NODE_SIZE bytes, any content;
				      NULL: no memory */
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
/* Set or replace the value (non-zero) of an index.  0; ENOMEM (tree
 * unchanged), never when the index is present. */
int radix_insert(struct radix *r, uint64_t index, uint64_t value);
/* Remove an index and return its value, 0 if absent.  Frees empty nodes. */
uint64_t radix_remove(struct radix *r, uint64_t index);
/* Find the smallest present index >= *index.  True: *index and *value set. */
bool radix_next(const struct radix *r, uint64_t *index, uint64_t *value);
/* Remove all indices, and call `fn` (may be NULL) with each. */
void radix_clear(struct radix *r,
    void (*fn)(void *arg, uint64_t index, uint64_t value), void *arg);

#endif /* LIBK_RADIX_H */
