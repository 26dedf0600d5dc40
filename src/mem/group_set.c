/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sets of supplementary groups.
 *
 * Concepts.  A process has up to GROUP_SET_MAX groups, and fork, file access
 * and System V IPC need them often; copying 256 KiB each time is too much.  A
 * set is therefore immutable once it is made: setgroups(2) makes a new one and
 * replaces the pointer.  A reader takes a ref under the lock that guards the
 * pointer, and then reads without a lock.
 *
 * A set is charged to the process that has made it.
 *
 * The ids are sorted, as Linux returns them from getgroups(2), so a test of
 * membership is a binary search.
 */
#include "mem/group_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"
#include "mem/kmem.h"

static int
gid_compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y ? -1 : x > y);
}

int
group_set_create(const uint32_t *gid, size_t n, struct group_set **out)
{
	struct group_set *g;

	KASSERT(n <= GROUP_SET_MAX);
	if (n == 0) {
		*out = NULL;
		return (0);
	}
	g = kmem_alloc(sizeof(*g) + n * sizeof(g->gid[0]));
	if (g == NULL)
		return (ENOMEM);
	atomic_init(&g->refs, 1);
	g->n = (uint32_t)n;
	memcpy(g->gid, gid, n * sizeof(g->gid[0]));
	qsort(g->gid, n, sizeof(g->gid[0]), gid_compare);
	*out = g;
	return (0);
}

struct group_set *
group_set_ref(struct group_set *g)
{
	if (g != NULL)
		KVERIFY(atomic_fetch_add(&g->refs, 1) != 0);
	return (g);
}

void
group_set_free(struct group_set *g)
{
	if (g != NULL && atomic_fetch_sub(&g->refs, 1) == 1)
		kmem_free(g);
}

bool
group_set_has(const struct group_set *g, uint32_t gid)
{
	return (g != NULL && bsearch(&gid, g->gid, g->n, sizeof(g->gid[0]),
				 gid_compare) != NULL);
}

size_t
group_set_count(const struct group_set *g)
{
	return (g != NULL ? g->n : 0);
}
