/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The supplementary groups of a process: an immutable, shared set of ids.
 */
#ifndef MEM_GROUP_SET_H
#define MEM_GROUP_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GROUP_SET_MAX 65536 /* Linux's NGROUPS_MAX */

/* Key: [I] immutable, [a] atomic.  NULL is the empty set everywhere. */
struct group_set {
	_Atomic(uint32_t) refs; /* [a] */
	uint32_t n;             /* [I] */
	uint32_t gid[];         /* [I] ascending; duplicates are kept */
};

/*
 * - create: *out is a sorted copy of gid[0..n) with one ref, NULL for n == 0.
 *   n is GROUP_SET_MAX at most.  ENOMEM.
 * - ref: one more ref; returns its argument.
 * - free: gives up a ref; the last one frees the memory.
 * - has: whether gid is in the set.  The caller keeps the set alive.
 * None of them blocks or takes a lock.
 */
int group_set_create(const uint32_t *gid, size_t n, struct group_set **out);
struct group_set *group_set_ref(struct group_set *);
void group_set_free(struct group_set *);
bool group_set_has(const struct group_set *, uint32_t gid);
size_t group_set_count(const struct group_set *);

#endif /* MEM_GROUP_SET_H */
