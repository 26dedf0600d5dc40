/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A place in a name space: a vnode, and the mount through which it is seen.
 * One vnode has several places when its file system is mounted more than once.
 */
#ifndef VFS_CORE_PLACE_H
#define VFS_CORE_PLACE_H

#include <stdbool.h>
#include <stddef.h>

struct mnt;
struct vnode;

/* mnt NULL: the file is in no name space, as files without a name are.  vp
 * NULL: no place. */
struct vplace {
	struct mnt *mnt;
	struct vnode *vp;
};

/* One more ref of both parts; the caller has one already.  Parts that are NULL
 * are legal. */
void vplace_ref(const struct vplace *);
/* Give up a ref of both parts, which become NULL.  May do I/O: no lock of rank
 * MOUNT or above may be held. */
void vplace_rele(struct vplace *);

static inline bool
vplace_same(const struct vplace *a, const struct vplace *b)
{
	return (a->mnt == b->mnt && a->vp == b->vp);
}

#endif /* VFS_CORE_PLACE_H */
