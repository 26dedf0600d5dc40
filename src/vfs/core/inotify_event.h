/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Events of inotify: what file systems, path calls and files report.
 */
#ifndef VFS_CORE_INOTIFY_EVENT_H
#define VFS_CORE_INOTIFY_EVENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

/* vnode.unlinked: what became of the name it was last found by; and, for
 * those that are watched, whether it has none at all. */
enum vnode_names { VN_LINKED, VN_UNLINKED, VN_GONE };

void inotify_start(struct vfs *);
void inotify_fini(struct vfs *); /* none is left */

static inline bool
vfs_watched(const struct vfs *vfs)
{
	return (
	    atomic_load_explicit(&vfs->nwatches, memory_order_relaxed) != 0);
}

/*
 * Report events, with IN_* masks.  The caller has a ref of the vnode, and
 * no lock of rank VNODE or above.  Check vfs_watched() first.
 * - file: of a file; its directory gets the event, too.
 * - self: to a file, without its name.
 * - name: to a name in dvp, of a file of that type.
 * - unlinked: vp has lost this name.
 */
void inotify_tell_file(struct vnode *vp, uint32_t mask);
void inotify_tell_self(struct vnode *vp, uint32_t mask);
void inotify_tell_name(struct vnode *dvp, const char *name, uint32_t mask,
    enum vtype type, uint32_t cookie);
void inotify_unlinked(struct vnode *vp, struct vnode *dvp, const char *name);
uint32_t inotify_cookie(struct vfs *);
/*
 * The caller has released a ref of vp, which had watches.
 * - True: it is deleted and has no other user: the watches are removed, the
 * caller has a ref again.
 */
bool inotify_unused(struct vfs *, struct vnode *vp);

static inline void
vfs_tell_file(struct vnode *vp, uint32_t mask)
{
	if (vfs_watched(vp->mount->vfs))
		inotify_tell_file(vp, mask);
}

static inline void
vfs_tell_name(
    struct vnode *dvp, const char *name, uint32_t mask, enum vtype type)
{
	if (vfs_watched(dvp->mount->vfs))
		inotify_tell_name(dvp, name, mask, type, 0);
}

#endif /* VFS_CORE_INOTIFY_EVENT_H */
