/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * File systems, the mounts of them, and the name spaces that mounts make.
 * vfs_mount.c has the theory; fs.h has what a file system needs to make an
 * instance of itself.
 */
#ifndef VFS_CORE_MOUNT_H
#define VFS_CORE_MOUNT_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libk/klock.h"
#include "vfs/core/place.h"
#include "vfs/core/vnode.h"

struct vfs;
struct vfs_ctx;

/* Flags of an instance (RDONLY only) and of a mount; the first four have the
 * numbers of mount(2). */
#define VMNT_RDONLY 0x1u
#define VMNT_NOSUID 0x2u
#define VMNT_NODEV 0x4u
#define VMNT_NOEXEC 0x8u
#define VMNT_NOATIME 0x10u
#define VMNT_NODIRATIME 0x20u
#define VMNT_STRICTATIME 0x40u
#define VMNT_ALL 0x7fu
#define VMNT_KEEP (VMNT_RDONLY | VMNT_NOSUID | VMNT_NODEV | VMNT_NOEXEC)

/* Numbers of mounts: what the root is mounted on, the mount of files that have
 * no name, and the first one that a vfs gives out. */
#define VFS_MNT_ROOT 1u
#define VFS_MNT_NONE 2u
#define VFS_MNT_FIRST 20u

/* Mounts of a whole vfs, and name spaces, that may exist at once. */
#define VFS_MOUNTS_MAX 4096u
#define VFS_MNTNS_MAX 512u

/*
 * An instance of a file system.
 * Key: [I] immutable, [a] atomic, [h] hash_lock, [m] vfs->mount_lock
 */
struct vmount {
	TAILQ_ENTRY(vmount) link;  /* [m] on vfs->mounts or vfs->detached */
	struct vfs *vfs;           /* [I] */
	struct vnode *root;        /* [I] ref'ed; NULL: its files have no
				      names */
	const char *fstype;        /* [I] "hostfs", "tmpfs", "proc" */
	char source[VFS_PATH_MAX]; /* [I] for /proc/mounts */
	unsigned flags;            /* [I] VMNT_RDONLY: no mount of it can be
				      written */
	uint64_t dev;              /* [I] st_dev of vnodes without a host's */
	void *data;                /* [I] */
	void (*destroy)(struct vmount *); /* free data; no vnode is left */
	_Atomic(uint32_t) uses;           /* [a] mounts, lists */
	_Atomic(uint64_t) refs;           /* [a] vnodes, and one for all uses */
	/* Vnodes by (dev, ino): hostfs keeps one vnode per host file */
	struct kmutex hash_lock; /* rank VNHASH */
	LIST_HEAD(, vnode) hash[256];
	TAILQ_HEAD(, vnode) inactive; /* [h] refs 0, kept for their pages */
	unsigned ninactive;           /* [h] */
	bool dying;                   /* [h] no use is left: keep no vnode */
	bool closed;                  /* [I] names cannot be made: a missing one
					 is ENOENT before all else */
	bool fresh; /* [I] each lookup makes a vnode: the number of a file says
		       which it is */
};

/*
 * A mount: an instance, or a part of it, at a place.
 * Key: [I] immutable, [a] atomic, [m] vfs->mount_lock
 */
struct mnt {
	_Atomic(uint32_t) refs;    /* [a] the table has one while ns is set */
	struct vmount *fs;         /* [I] a use */
	struct vnode *root;        /* [I] ref'ed: what is seen at the place */
	const char *fstype;        /* [I] what /proc calls it */
	unsigned id;               /* [I] for mountinfo; see VFS_MNT_ROOT */
	_Atomic(unsigned) flags;   /* [a] VMNT_*, changed with [m] */
	_Atomic(unsigned) writers; /* [a] files open for writing */
	struct mntns *ns;          /* [m] NULL: not in a name space any more */
	bool locked;               /* [m] never uncovers its place by itself */
	unsigned keep;             /* [m] VMNT_* that no remount takes away */
	struct mnt *parent;        /* [m] ref'ed while ns is set, weak without
				      it; NULL: nothing is above */
	struct vnode *covers;      /* [m] ref'ed, in parent */
	_Atomic(unsigned) nchildren; /* [a] mounts whose parent this is;
					changed with [m] */
	LIST_ENTRY(mnt) hash;        /* [m] by parent and covers */
	TAILQ_ENTRY(mnt) link;       /* [m] ns->mounts */
	struct mnt *copy;            /* [m] during a copy of mounts */
	struct vplace was;           /* of the thread that took it out of ns */
};

TAILQ_HEAD(mnt_list, mnt);

/*
 * A name space: a tree of mounts.
 * Key: [I] immutable, [a] atomic, [m] vfs->mount_lock
 */
struct mntns {
	_Atomic(uint32_t) refs;     /* [a] */
	struct vfs *vfs;            /* [I] */
	uint32_t ino;               /* [I] of its file in /proc/PID/ns */
	struct mnt_list mounts;     /* [m] in the order they were made */
	struct mnt *root;           /* [m] in `mounts` */
	unsigned nmounts;           /* [m] */
	void *owner;                /* [I] kern's: who may change it */
	void (*owner_free)(void *); /* [I] or NULL */
};

struct vfs_statfs {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen;
};

/*
 * Mount the instance `mp`, which a maker of a file system has made, on path
 * (NULL: as the root) of the first name space.  mp is consumed, also on
 * failure.  The instance stays until the vfs ends.  Only before the first
 * process.  ENOENT, ENOTDIR, EBUSY, ENOMEM.
 */
int vfs_mount(struct vfs *, struct vmount *mp, const char *path);

/* The instance of that type that vfs_mount() has mounted, borrowed; NULL: none.
 */
struct vmount *vfs_instance(struct vfs *, const char *fstype);

/* ---- mounts: no locks held, unless said ---- */

static inline bool
mnt_has(const struct mnt *m, unsigned flag)
{
	return (m != NULL &&
		(atomic_load_explicit(&m->flags, memory_order_relaxed) &
		    flag) != 0);
}

void mnt_ref(struct mnt *);
void mnt_rele(struct mnt *); /* NULL is legal; may do I/O */
/* What is mounted on the place, ref'ed; NULL: nothing. */
struct mnt *mnt_on(const struct vplace *);
/* Where the mount is: its covered place, ref'ed.  False: nothing is above. */
bool mnt_covered(struct mnt *, struct vplace *);
/* Is vp where the mount begins? */
bool mnt_is_root(const struct mnt *, const struct vnode *vp);
/* A mount that shows vp, in the name space of `near` (NULL: the first one),
 * ref'ed; NULL: none. */
struct mnt *mnt_of_vnode(struct vfs *, const struct mnt *near, struct vnode *);
/* vn_access(), and EROFS by a read-only mount (m may be NULL). */
int mnt_access(
    const struct mnt *m, struct vnode *, unsigned bits, const struct vfs_ctx *);
/* A file is open for writing, until mnt_writer_rele().  EROFS. */
int mnt_writer_ref(struct mnt *);
void mnt_writer_rele(struct mnt *);
/* Number of the mount of a place, for guests. */
unsigned mnt_id(const struct mnt *);

/* ---- changes of a name space (mntns.c); all places are borrowed ---- */

void mntns_ref(struct mntns *);
void mntns_free(struct mntns *); /* the last ref: its mounts go */
/*
 * A copy, whose mounts show the same.  The places in `at` (their refs pass)
 * become the same places of the copy, with refs.
 * - lock: its users have less rights than those of the original.  They must not
 *   see what the mounts cover, and not take restrictions away.
 * - 0; ENOSPC: too many mounts or name spaces; ENOMEM.
 */
int mntns_copy(struct mntns *, struct vplace *at[], unsigned n, bool lock,
    struct mntns **);
/* The root of the name space with what is mounted over it, ref'ed.  False: it
 * has none. */
bool mntns_top(struct mntns *, struct vplace *);
/* A mount of instance fs (whose use passes on success only), or of `root` in
 * it, on a place.  fstype NULL: that of fs.  ENOTDIR, EINVAL (a place of
 * another name space), ENOSPC, ENOMEM, EBUSY (the same instance is on top
 * there). */
int mntns_mount(struct mntns *, struct vmount *fs, struct vnode *root,
    const char *fstype, unsigned flags, const struct vplace *on);
/* MS_BIND: show `from` at `on`, rec: with the mounts below it.  Locked mounts
 * below it come along always. */
int mntns_bind(struct mntns *, const struct vplace *from,
    const struct vplace *on, bool rec);
/* MS_MOVE.  EINVAL, ELOOP. */
int mntns_move(
    struct mntns *, const struct vplace *from, const struct vplace *on);
/* Is the place the root of a mount of ns?  EINVAL. */
int mntns_check(struct mntns *, const struct vplace *);
/* MS_REMOUNT: flags become those.  EINVAL; EPERM: a restriction must stay;
 * EBUSY: files are open for writing. */
int mntns_remount(struct mntns *, const struct vplace *, unsigned flags);
/* umount2(2).  detach: now, even if it is in use.  EINVAL, EBUSY. */
int mntns_umount(struct mntns *, const struct vplace *,
    const struct vplace *root, bool detach);
/* pivot_root(2): `root` is the caller's.  The caller then moves the root and
 * working directories of processes from *root to *fresh. */
int mntns_pivot(struct mntns *, const struct vplace *fresh,
    const struct vplace *old, const struct vplace *root);
/* Call fn for each mount that is below root, with its path as seen from there,
 * until it returns false.  mount_lock is held around. */
void mntns_each(struct mntns *, const struct vplace *root,
    bool (*fn)(void *arg, const struct mnt *, const char *path), void *arg);

/*
 * The path of a place as seen from root (NULL, or outside: as far up as there
 * are mounts).
 * - No locks held.  The names are those of the last lookups.
 * - ENAMETOOLONG; ENOENT: root is not above it, or a name is missing.
 */
int vplace_path(
    const struct vplace *, const struct vplace *root, char *buf, size_t size);
/* The same with mount_lock held. */
int vplace_path_locked(
    struct vplace, const struct vplace *root, char *buf, size_t size);

#endif /* VFS_CORE_MOUNT_H */
