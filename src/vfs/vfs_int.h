/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What file systems and the vfs core share and other layers do not see:
 * making mounts, the vnode hash, names of vnodes, write ranges.
 */
#ifndef VFS_VFS_INT_H
#define VFS_VFS_INT_H

#include "vfs/vfs.h"

/* A byte range in flight; see vnode_io.c. */
struct vn_range {
	uint64_t off, end;         /* [I] end exclusive */
	bool clash;                /* [v] the writer: redo */
	LIST_ENTRY(vn_range) link; /* [v] on vnode.pgouts */
};

/* ---- mounts (mount.c) ---- */

#define VFS_MAXINACTIVE 512 /* vnodes a mount keeps with refs 0 */

/*
 * A mount without root, for the makers, which then set root (the ref of
 * vnode_create() passes to the mount; VN_ROOT in its flags) and data.
 * `destroy` may be NULL and frees only mp->data.  0, ENOMEM.
 */
int vmount_create(struct vfs *, const char *fstype, const char *source,
    unsigned flags, void (*destroy)(struct vmount *), struct vmount **);
/* Release root and every inactive vnode, call destroy, free.  KVERIFYs that
 * no vnode is hashed any more.  No locks held. */
void vmount_destroy(struct vmount *);

/* ---- vnodes by identity (vnode.c) ---- */

/*
 * The hashed vnode of (dev, ino) with a new ref, or NULL.  *idle (may be
 * NULL): it was inactive, so its pages may be out of date.
 */
struct vnode *vnode_hash_get(
    struct vmount *, uint64_t dev, uint64_t ino, bool *idle);
/*
 * Publish vp under vp->dev, vp->ino.  NULL: done.  Otherwise somebody was
 * faster: his vnode with a new ref; vp is untouched.
 */
struct vnode *vnode_hash_insert(struct vnode *vp);
/* Never found again; lives on for those who have it. */
void vnode_hash_remove(struct vnode *vp);
/* A ref unless refs is 0 (a file system's own weak pointer under its lock;
 * such a file system clears the pointer in reclaim under the same lock). */
bool vnode_tryref(struct vnode *vp);
/* Reclaim every inactive vnode of the mount. */
void vnode_flush_inactive(struct vmount *);

/*
 * vp was found (or is now) in dvp under `name`: remember it for ".." and
 * paths.  namei and rename do this for every file system.  No locks held.
 */
void vnode_set_name(struct vnode *vp, struct vnode *dvp, const char *name);
/* The parent with a new ref, or NULL. */
struct vnode *vnode_parent(struct vnode *vp);
/* True when anc is vp or above it in the same mount. */
bool vnode_is_ancestor(struct vnode *anc, struct vnode *vp);

static inline struct vmount *
vnode_mounted_here(const struct vnode *vp)
{
	return (__atomic_load_n(&vp->covered_by, __ATOMIC_ACQUIRE));
}

/* ---- vnode_io.c ---- */

static inline struct vm_object *
vnode_object_peek(const struct vnode *vp)
{
	return (__atomic_load_n(&vp->object, __ATOMIC_ACQUIRE));
}

/* Count as a writer: ETXTBSY while the text runs. */
int vn_writer_ref(struct vnode *);
void vn_writer_rele(struct vnode *);

/* ---- lock.c ---- */

void vfs_lock_init(struct vfs *);
void vfs_lock_fini(struct vfs *); /* none is left */
/* A descriptor of the table was closed; the last of a file. */
void vfs_lock_fd_closed(const struct fdtable *, const struct file *);
void vfs_lock_file_closed(const struct file *);

/* ---- inotify.c ---- */

#define IN_ACCESS 0x001u
#define IN_MODIFY 0x002u
#define IN_ATTRIB 0x004u
#define IN_CLOSE_WRITE 0x008u
#define IN_CLOSE_NOWRITE 0x010u
#define IN_OPEN 0x020u
#define IN_MOVED_FROM 0x040u
#define IN_MOVED_TO 0x080u
#define IN_CREATE 0x100u
#define IN_DELETE 0x200u
#define IN_DELETE_SELF 0x400u
#define IN_MOVE_SELF 0x800u
#define IN_Q_OVERFLOW 0x4000u
#define IN_IGNORED 0x8000u
#define IN_ISDIR 0x40000000u

/* Of one kernel; and events of one instance. */
#define INOTIFY_MAX_INSTANCES 512
#define INOTIFY_MAX_WATCHES 8192
#define INOTIFY_MAX_QUEUED 16384
#define INOTIFY_MAX_EVENTS 65536

/* vnode.unlinked: what became of the name it was last found by; and, for
 * those that are watched, whether it has none at all. */
enum vnode_names { VN_LINKED, VN_UNLINKED, VN_GONE };

void inotify_init(struct vfs *);
void inotify_fini(struct vfs *); /* none is left */

static inline bool
vfs_watched(const struct vfs *vfs)
{
	return (
	    atomic_load_explicit(&vfs->nwatches, memory_order_relaxed) != 0);
}

/*
 * What has happened, with IN_* masks.  The caller has a ref of the vnode, and
 * no lock of rank VNODE or above.  To be asked first: vfs_watched().
 * - file: to a file; its directory hears it, too.
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
 * The caller has let go a ref of vp, which had watches.
 * - True: it is deleted and nobody else wants it: they are gone, and the caller
 * has a ref again.
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

#endif /* VFS_VFS_INT_H */
