/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tmpfs: space of files, by fallocate(2), and where there is none, by lseek(2).
 *
 * Concepts.  Space is pages of the file's object, in memory or in swap; a hole
 * is an index without one.  Allocating makes zeroed pages, and punching a hole
 * removes pages, mapped or not, and zeroes the parts of pages at its edges.
 *
 * Locking.  A caller of tmpfs_allocate() owns node->reg.writing, like a writer.
 * tmpfs_extent() holds the object's lock for SCAN indices at a time.
 *
 * Guarantees.  A request that cannot fit is refused before anything is made.  A
 * request that fails later (a signal, memory that others took meanwhile) leaves
 * the size; pages that it has made below the size stay, and read as before.
 *
 * Limits.  FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE and, except for memfds,
 * FALLOC_FL_ZERO_RANGE are supported.  (On Linux no tmpfs zeroes ranges, but
 * /tmp is most often on a file system that does.)  Nothing is reserved beyond
 * the end of the file.
 */
#include "vfs/tmpfs/tmpfs_int.h"

#include <errno.h>

#include "abi/fcntl.h"
#include "mem/vm_types.h"
#include "vfs/core/vnode.h"
#include "vm/pager/swap_pager.h"

#define SCAN 4096 /* indices */

/* Make a zeroed page at idx unless there is one.  0, ENOSPC, EIO. */
static int
space_fill(struct tmpfs_node *node, struct vm_object *o, vm_pindex_t idx)
{
	struct vm_page *m;
	bool empty, fresh;
	int error;

	vm_object_lock(o);
	empty = vm_object_empty_at(o, idx);
	vm_object_unlock(o);
	if (!empty)
		return (0);
	error = tmpfs_page_get(node, o, idx, true, &m, &fresh);
	if (error != 0)
		return (error);
	if (!fresh) {
		vm_page_unhold(o->sys->phys, m);
		return (0);
	}
	vm_object_lock(o);
	m->flags |= PG_VALID | PG_DIRTY;
	vm_page_unbusy(m);
	vm_object_count_named(o);
	vm_object_unlock(o);
	return (0);
}

/* Can n pages fit, whatever of them is there already? */
static bool
space_fits(struct tmpfs_node *node, uint64_t n)
{
	struct tmpfs_mount *tm = node->tm;
	uint64_t have, left;

	kmutex_lock(&tm->lock);
	tmpfs_account(node);
	have = node->reg.charged;
	left = tmpfs_left(tm);
	kmutex_unlock(&tm->lock);
	return (n <= have || n - have <= left);
}

/* Pages for [off, end), and the size becomes `size` if that is more. */
static int
space_make(struct tmpfs_node *node, struct vm_object *o, uint64_t off,
    uint64_t end, uint64_t size)
{
	const vm_pindex_t first = OFF_TO_IDX(off);
	const vm_pindex_t last = OFF_TO_IDX(round_page(end));
	const uint64_t old = node->reg.size;
	int error = 0;

	if (last > first && !space_fits(node, last - first))
		return (ENOSPC);
	if (size > old)
		error = tmpfs_zero(o, old, (size_t)(-old & PAGE_MASK));
	for (vm_pindex_t i = first; error == 0 && i < last; i++)
		error = vm_killed(o->sys) ? EINTR : space_fill(node, o, i);
	if (error == 0 && size > old)
		tmpfs_set_size(node, o, size);
	else if (error != 0 && end > old)
		vm_object_page_remove(o, OFF_TO_IDX(round_page(old)), last);
	return (error);
}

static int
space_punch(struct vm_object *o, uint64_t off, uint64_t end)
{
	uint64_t first = round_page(off), last = trunc_page(end);
	int error;

	if (first > end) /* inside of one page */
		return (tmpfs_zero(o, off, (size_t)(end - off)));
	error = tmpfs_zero(o, off, (size_t)(first - off));
	if (error == 0)
		error = tmpfs_zero(o, last, (size_t)(end - last));
	if (error == 0 && last > first)
		vm_object_page_remove(o, OFF_TO_IDX(first), OFF_TO_IDX(last));
	return (error);
}

/* Zero [off, end), with pages for all of it. */
static int
space_zero(
    struct tmpfs_node *node, struct vm_object *o, uint64_t off, uint64_t end)
{
	const uint64_t old = round_page(node->reg.size);
	int error = 0;

	/* Nothing is lost to a request that cannot fit. */
	if (!space_fits(node, OFF_TO_IDX(round_page(end)) - OFF_TO_IDX(off)))
		return (ENOSPC);
	if (off < old)
		error = space_punch(o, off, end < old ? end : old);
	return (error != 0 ? error : space_make(node, o, off, end, end));
}

static int
space_change(struct tmpfs_node *node, struct vm_object *o, int mode,
    uint64_t off, uint64_t end)
{
	const uint64_t size = node->reg.size, seals = node->reg.seals;
	const bool keep = (mode & LX_FALLOC_KEEP_SIZE) != 0;

	if ((mode & LX_FALLOC_PUNCH_HOLE) != 0) {
		if ((seals & TMPFS_NO_WRITE) != 0)
			return (EPERM);
		if (end > round_page(size))
			end = round_page(size);
		return (off < end ? space_punch(o, off, end) : 0);
	}
	if ((seals & LX_F_SEAL_GROW) != 0 && end > size)
		return (EPERM);
	if ((seals & TMPFS_NO_WRITE) != 0 && (mode & LX_FALLOC_ZERO_RANGE) != 0)
		return (EPERM);
	if (keep && end > size)
		end = size;
	if (keep && off >= end)
		return (0);
	if ((mode & LX_FALLOC_ZERO_RANGE) != 0)
		return (space_zero(node, o, off, end));
	return (space_make(node, o, off, end, end));
}

int
tmpfs_allocate(struct vnode *vp, int mode, uint64_t off, uint64_t len)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	struct vm_object *o;
	int error;

	if ((mode & ~(LX_FALLOC_KEEP_SIZE | LX_FALLOC_PUNCH_HOLE |
			LX_FALLOC_ZERO_RANGE)) != 0 ||
	    ((mode & LX_FALLOC_ZERO_RANGE) != 0 && node->tm->nameless))
		return (EOPNOTSUPP);
	error = tmpfs_node_object(node, &o);
	if (error != 0)
		return (error);
	tmpfs_writing_begin(node);
	error = space_change(node, o, mode, off, off + len);
	kmutex_lock(&node->tm->lock);
	tmpfs_account(node);
	kmutex_unlock(&node->tm->lock);
	tmpfs_writing_end(node, error == 0);
	return (error);
}

/* The first index without a page at or after *idx and before `end`. */
static void
extent_hole(struct vm_object *o, vm_pindex_t *idx, vm_pindex_t end)
{
	bool found = false;

	while (!found && *idx < end && !vm_killed(o->sys)) {
		vm_object_lock(o);
		for (int i = 0; i < SCAN && !found && *idx < end; i++) {
			found = vm_object_empty_at(o, *idx);
			if (!found)
				(*idx)++;
		}
		vm_object_unlock(o);
	}
}

int
tmpfs_extent(struct vnode *vp, uint64_t off, bool hole, uint64_t *res)
{
	struct tmpfs_node *node = tmpfs_node(vp);
	struct tmpfs_mount *tm = node->tm;
	vm_pindex_t idx = OFF_TO_IDX(off);
	uint64_t size, at;
	struct vm_object *o;
	bool found;

	kmutex_lock(&tm->lock);
	size = node->reg.size;
	o = node->reg.object;
	kmutex_unlock(&tm->lock);
	if (o != NULL && hole)
		extent_hole(o, &idx, OFF_TO_IDX(round_page(size)));
	else if (!hole) {
		found = false;
		if (o != NULL) {
			vm_object_lock(o);
			found = vm_object_next_data(o, &idx);
			vm_object_unlock(o);
		}
		if (!found || IDX_TO_OFF(idx) >= size)
			return (ENXIO);
	}
	at = IDX_TO_OFF(idx);
	if (at < off)
		at = off;
	*res = at < size ? at : size;
	return (0);
}
