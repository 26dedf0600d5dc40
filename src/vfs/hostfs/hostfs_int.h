/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * hostfs: what its files share.  See hostfs.c for the theory.
 */
#ifndef VFS_HOSTFS_HOSTFS_INT_H
#define VFS_HOSTFS_HOSTFS_INT_H

#include <errno.h>

#include "abi/stat.h"
#include "host/host_file.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"

/* Key: [I] immutable, [a] atomic, [v] vnode lock */
/* Descriptors that a vnode is charged: O_PATH, and the one or two for data, of
 * which directories and most files have one at most. */
#define HOSTFS_FDS 2

struct hostfs_node {
	int fd;                    /* [I] O_PATH descriptor of the file */
	struct kmem_acct *fd_cost; /* [I] charged HOSTFS_FDS */
	_Atomic(int) rfd; /* [a] to read, -1: not yet; set once under [v] */
	_Atomic(int) wfd; /* [a] to write, likewise; may be rfd */
	_Atomic(bool) wshared; /* [a] wfd is of an inherited description */
	int64_t btime;         /* [I] with dev and ino the identity */
	/* [I] see hostfs_pseudo.c: not to be looked into; not to be changed */
	bool closed, frozen;
	_Atomic(bool) written; /* [a] by us, perhaps, since the stamp */
	/* What the file was like when the vnode was made or put aside. */
	bool stamped;         /* [v] */
	uint64_t size;        /* [v] */
	int64_t mtime, ctime; /* [v] */
	/* Fifos: ends open now, and opens for writing ever. */
	_Atomic(uint32_t) writers, nwrites; /* [a] */
};

struct hostfs_mount {
	bool inherited; /* [I] of files that came as descriptors */
	bool data_only; /* [I] the bytes are granted, not the inode */
	/* Owner of what guests create, where this process may choose. */
	bool chown;        /* [I] granted, and this process is root */
	uint32_t uid, gid; /* [I] what the host gives by itself */
};

static inline struct hostfs_node *
hostfs_node(const struct vnode *vp)
{
	return (vp->data);
}

static inline bool
hostfs_rdonly(const struct vnode *vp)
{
	return ((vp->mount->flags & VMNT_RDONLY) != 0);
}

/* May names in the directory be made, removed and changed?  EROFS, EACCES. */
static inline int
hostfs_may_change(const struct vnode *dvp)
{
	if (hostfs_rdonly(dvp))
		return (EROFS);
	return (
	    hostfs_node(dvp)->closed || hostfs_node(dvp)->frozen ? EACCES : 0);
}

static inline bool
hostfs_inherited(const struct vnode *vp)
{
	return (((const struct hostfs_mount *)vp->mount->data)->inherited);
}

/* The mode that a file of the host gets when a guest asks for `mode`: never
 * with set-id bits.  On a directory S_ISGID gives no rights. */
static inline uint32_t
hostfs_mode(enum vtype type, uint32_t mode)
{
	uint32_t drop = type == VDIR ? LX_S_ISUID : LX_S_ISUID | LX_S_ISGID;

	return (mode & VS_PERM & ~drop);
}

extern const struct vops hostfs_vops;

/* ---- hostfs.c ---- */

/*
 * The vnode of the file that the O_PATH descriptor fd has; fd is consumed.
 * parent: the directory in which it was found, or NULL for a file that the
 * owner of the kernel has named.  New ref.  0, ENOMEM, EIO...
 */
int hostfs_vget(
    struct vmount *, const struct vnode *parent, int fd, struct vnode **);
/* A mount without root; flags as for hostfs_mount_create(). */
int hostfs_mount_make(struct vfs *, const char *source, unsigned flags,
    bool inherited, struct vmount **);

/* ---- hostfs_pseudo.c ---- */

enum hostfs_kind { HOSTFS_FILES, HOSTFS_SYSFS, HOSTFS_PSEUDO, HOSTFS_PROC };
/* What kind of file system has the file of fd.  Errors of the host. */
int hostfs_fs_kind(int fd, enum hostfs_kind *);

/* ---- hostfs_io.c ---- */

/* The descriptor to read or write by; it belongs to the node. */
int hostfs_rfd(struct vnode *, int *fd);
int hostfs_wfd(struct vnode *, int *fd);
int hostfs_open(struct vnode *, int, struct file *, const struct vfs_ctx *);
int hostfs_read(struct vnode *, struct uio *, int);
int hostfs_write(struct vnode *, struct uio *, int);
int hostfs_fsync(struct vnode *);
int hostfs_allocate(struct vnode *, int mode, uint64_t off, uint64_t len);
int hostfs_extent(struct vnode *, uint64_t off, bool hole, uint64_t *res);
int hostfs_getxattr(
    struct vnode *, const char *name, void *buf, size_t size, size_t *len);
int hostfs_listxattr(
    struct vnode *, bool trusted, char *buf, size_t size, size_t *len);
int hostfs_fifo_open(
    struct vnode *, int, struct file *, const struct vfs_ctx *);

/* ---- hostfs_dir.c ---- */

int hostfs_lookup(struct vnode *, const char *, struct vnode **);
int hostfs_readdir(struct vnode *, uint64_t, vfs_dirent_fn *, void *);
int hostfs_readlink(
    struct vnode *, const struct vfs_ctx *, char *, size_t, size_t *);
int hostfs_create(struct vnode *, const char *, uint32_t,
    const struct vfs_ctx *, struct vnode **);
int hostfs_tmpfile(struct vnode *, uint32_t mode, bool linkable,
    const struct vfs_ctx *, struct vnode **);
int hostfs_mkdir(
    struct vnode *, const char *, uint32_t, const struct vfs_ctx *);
int hostfs_mknod(
    struct vnode *, const char *, uint32_t, uint64_t, const struct vfs_ctx *);
int hostfs_symlink(
    struct vnode *, const char *, const char *, const struct vfs_ctx *);
int hostfs_link(struct vnode *, const char *, struct vnode *);
int hostfs_unlink(struct vnode *, const char *);
int hostfs_rmdir(struct vnode *, const char *);
int hostfs_rename(
    struct vnode *, const char *, struct vnode *, const char *, unsigned);

#endif /* VFS_HOSTFS_HOSTFS_INT_H */
