/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Radix tree.
 *
 * Data structures: a node has 64 slots and a bitmap of those in use.  A node
 * of level 0 holds values, a node of level n holds nodes of level n - 1; the
 * root has level height - 1.  A slot is meaningful only if its bit is set, so
 * that clearing one word initialises a node, and radix_next() skips empty slots
 * with one instruction.  64-bit indices need at most 11 levels; the top level
 * uses 16 slots.
 *
 * Concepts: an insert first counts the nodes that it needs (levels above the
 * root when the index lies beyond the tree, and the missing path below),
 * allocates all of them, and only then changes the tree.  When an allocation
 * fails there is therefore nothing to undo.
 *
 * Invariants: no node is empty; the root of a tree with several levels has a
 * slot in use other than slot 0 (so that the height is the least for the
 * largest index); height == 0 if and only if root == NULL.
 *
 * Locking: the caller locks.  Lookups may run concurrently under a read lock.
 */
#include "libk/radix.h"

#include <errno.h>

#include "libk/kassert.h"

#define BITS 6
#define FANOUT (1u << BITS)
#define LEVELS_MAX 11

struct radix_node {
	uint64_t used; /* bit i: slot[i] is in use */
	uint64_t link; /* next of the spare nodes of an insert */
	uint64_t slot[FANOUT];
};

_Static_assert(sizeof(struct radix_node) == RADIX_NODE_SIZE, "radix node");
_Static_assert(LEVELS_MAX *BITS >= 64, "radix height");

static inline unsigned
radix_digit(uint64_t index, unsigned level)
{
	return ((unsigned)(index >> (level * BITS)) & (FANOUT - 1));
}

/* Levels a tree must have to hold `index`. */
static inline unsigned
radix_levels(uint64_t index)
{
	unsigned bits = index == 0 ? 1 : 64 - (unsigned)__builtin_clzll(index);

	return ((bits + BITS - 1) / BITS);
}

static inline bool
node_has(const struct radix_node *n, unsigned d)
{
	return ((n->used >> d & 1) != 0);
}

static inline struct radix_node *
node_child(const struct radix_node *n, unsigned d)
{
	return ((struct radix_node *)(uintptr_t)n->slot[d]);
}

static inline void
node_set(struct radix_node *n, unsigned d, uint64_t v)
{
	n->slot[d] = v;
	n->used |= UINT64_C(1) << d;
}

void
radix_init(struct radix *r, const struct radix_alloc *ra)
{
	r->root = NULL;
	r->count = 0;
	r->height = 0;
	r->ra = ra;
}

/* The level 0 node on the path of `index`, or NULL. */
static struct radix_node *
radix_leaf(const struct radix *r, uint64_t index)
{
	struct radix_node *n = r->root;

	if (r->height == 0 || radix_levels(index) > r->height)
		return (NULL);
	for (unsigned level = r->height - 1; level > 0; level--) {
		unsigned d = radix_digit(index, level);

		if (!node_has(n, d))
			return (NULL);
		n = node_child(n, d);
	}
	return (n);
}

uint64_t
radix_lookup(const struct radix *r, uint64_t index)
{
	const struct radix_node *n = radix_leaf(r, index);
	unsigned d = radix_digit(index, 0);

	return (n != NULL && node_has(n, d) ? n->slot[d] : 0);
}

static void
spare_free(struct radix *r, struct radix_node *n)
{
	while (n != NULL) {
		struct radix_node *next = (void *)(uintptr_t)n->link;

		r->ra->free(r->ra->arg, n);
		n = next;
	}
}

/* Allocate `want` empty nodes, linked through `link`.  0; ENOMEM: none. */
static int
spare_alloc(struct radix *r, unsigned want, struct radix_node **out)
{
	struct radix_node *list = NULL, *n;

	while (want-- > 0) {
		n = r->ra->alloc(r->ra->arg);
		if (n == NULL) {
			spare_free(r, list);
			return (ENOMEM);
		}
		n->used = 0;
		n->link = (uintptr_t)list;
		list = n;
	}
	*out = list;
	return (0);
}

static struct radix_node *
spare_take(struct radix_node **list)
{
	struct radix_node *n = *list;

	KASSERT(n != NULL); /* radix_missing() counted the nodes */
	*list = (void *)(uintptr_t)n->link;
	return (n);
}

/* Nodes that an insert of `index` has to add. */
static unsigned
radix_missing(const struct radix *r, uint64_t index)
{
	const struct radix_node *n = r->root;
	unsigned levels = radix_levels(index);

	if (r->height == 0)
		return (levels);
	/*
	 * In the least height that holds the index, the index is in a slot of
	 * the new root other than slot 0, which holds the old tree: all nodes
	 * of its path are new.
	 */
	if (levels > r->height)
		return (levels - r->height + levels - 1);
	for (unsigned level = r->height - 1; level > 0; level--) {
		unsigned d = radix_digit(index, level);

		if (!node_has(n, d))
			return (level);
		n = node_child(n, d);
	}
	return (0);
}

/* Make the tree high enough for `index`. */
static void
radix_grow(struct radix *r, uint64_t index, struct radix_node **spare)
{
	unsigned levels = radix_levels(index);
	struct radix_node *n;

	if (r->height == 0) {
		r->root = spare_take(spare);
		r->height = (uint8_t)levels;
	}
	while (r->height < levels) {
		n = spare_take(spare);
		node_set(n, 0, (uintptr_t)r->root);
		r->root = n;
		r->height++;
	}
}

int
radix_insert(struct radix *r, uint64_t index, uint64_t value)
{
	struct radix_node *spare, *n, *child;
	unsigned d, level;
	int error;

	KASSERT(value != 0);
	error = spare_alloc(r, radix_missing(r, index), &spare);
	if (error != 0)
		return (error);
	radix_grow(r, index, &spare);
	n = r->root;
	for (level = r->height - 1; level > 0; level--) {
		d = radix_digit(index, level);
		if (!node_has(n, d)) {
			child = spare_take(&spare);
			node_set(n, d, (uintptr_t)child);
		}
		n = node_child(n, d);
	}
	KASSERT(spare == NULL);
	d = radix_digit(index, 0);
	if (!node_has(n, d))
		r->count++;
	node_set(n, d, value);
	return (0);
}

/* Remove top levels in which only slot 0 is in use. */
static void
radix_shrink(struct radix *r)
{
	while (r->height > 1) {
		struct radix_node *n = r->root;

		if (n->used != 1)
			return;
		r->root = node_child(n, 0);
		r->height--;
		r->ra->free(r->ra->arg, n);
	}
}

uint64_t
radix_remove(struct radix *r, uint64_t index)
{
	struct radix_node *path[LEVELS_MAX], *n = r->root;
	uint64_t value;
	unsigned d, level;

	if (r->height == 0 || radix_levels(index) > r->height)
		return (0);
	for (level = r->height - 1;; level--) {
		d = radix_digit(index, level);
		if (!node_has(n, d))
			return (0);
		path[level] = n;
		if (level == 0)
			break;
		n = node_child(n, d);
	}
	value = n->slot[d];
	r->count--;
	for (level = 0; level < r->height; level++) {
		n = path[level];
		n->used &= ~(UINT64_C(1) << radix_digit(index, level));
		if (n->used != 0) {
			radix_shrink(r);
			return (value);
		}
		r->ra->free(r->ra->arg, n);
	}
	KASSERT(r->count == 0);
	r->root = NULL;
	r->height = 0;
	return (value);
}

/* `at` with digit `level` replaced by d and all lower digits 0. */
static inline uint64_t
radix_advance(uint64_t at, unsigned level, unsigned d)
{
	unsigned above = (level + 1) * BITS;
	uint64_t keep = above >= 64 ? 0 : at >> above << above;

	return (keep | (uint64_t)d << (level * BITS));
}

bool
radix_next(const struct radix *r, uint64_t *index, uint64_t *value)
{
	const struct radix_node *path[LEVELS_MAX], *n;
	uint64_t at = *index, m;
	unsigned d, level;

	if (r->height == 0 || radix_levels(at) > r->height)
		return (false);
	level = r->height - 1;
	path[level] = r->root;
	for (;;) {
		/* Slots from the digit of `at` on; if none, go one level up. */
		n = path[level];
		d = radix_digit(at, level);
		m = n->used & UINT64_MAX << d;
		while (m == 0) {
			if (++level == r->height)
				return (false);
			n = path[level];
			d = radix_digit(at, level);
			m = n->used & (UINT64_MAX - 1) << d;
		}
		if ((unsigned)__builtin_ctzll(m) != d) {
			d = (unsigned)__builtin_ctzll(m);
			at = radix_advance(at, level, d);
		}
		if (level == 0)
			break;
		path[--level] = node_child(n, d);
	}
	*index = at;
	*value = n->slot[d];
	return (true);
}

/* Free a subtree whose first index is `base`; depth is LEVELS_MAX at most. */
static void
node_clear(struct radix *r, struct radix_node *n, unsigned level, uint64_t base,
    void (*fn)(void *, uint64_t, uint64_t), void *arg)
{
	for (uint64_t m = n->used; m != 0; m &= m - 1) {
		unsigned d = (unsigned)__builtin_ctzll(m);
		uint64_t at = base | (uint64_t)d << (level * BITS);

		if (level > 0)
			node_clear(r, node_child(n, d), level - 1, at, fn, arg);
		else if (fn != NULL)
			fn(arg, at, n->slot[d]);
	}
	r->ra->free(r->ra->arg, n);
}

void
radix_clear(struct radix *r, void (*fn)(void *, uint64_t, uint64_t), void *arg)
{
	struct radix_node *root = r->root;
	unsigned height = r->height;

	radix_init(r, r->ra);
	if (height != 0)
		node_clear(r, root, height - 1, 0, fn, arg);
}
