/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Lookup of paths, and the calls that take a path.
 */
#ifndef VFS_CORE_LOOKUP_H
#define VFS_CORE_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "vfs/core/place.h"
#include "vfs/core/vnode.h"

#define VFS_MAXSYMLINKS 40

struct file;
struct vfs_ctx;

#define NAMEI_NOFOLLOW 0x1  /* do not follow a symlink at the end */
#define NAMEI_PARENT 0x2    /* return the parent, too: dvp and last component */
#define NAMEI_EMPTY 0x4     /* "" means the start itself (AT_EMPTY_PATH) */
#define NAMEI_DIRECTORY 0x8 /* must be a directory */
/* openat2(2): LX_RESOLVE_NO_XDEV to LX_RESOLVE_IN_ROOT, shifted. */
#define NAMEI_RESOLVE(resolve) ((int)(resolve) << 8)

#define NAMEI_MNT 0x10 /* return the mounts of both, too */

struct nameidata {
	struct vnode *vp;       /* ref'ed result; NULL with PARENT if absent */
	struct vnode *dvp;      /* ref'ed parent (PARENT only) */
	struct mnt *mnt, *dmnt; /* ref'ed, of vp and dvp (MNT only); or NULL */
	char last[VFS_NAME_MAX + 1]; /* PARENT: last component */
	bool trailing_slash;
};

/* Give up all refs. */
void nameidata_rele(struct nameidata *);

/*
 * Resolve path from `start` (NULL: cwd of ctx; absolute paths from ctx->root)
 * component by component with search permission; never leaves ctx->root, by
 * "..", symlinks or races.  With PARENT, a missing last component is no
 * error.  ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG; with NAMEI_RESOLVE
 * EXDEV and EAGAIN (a directory was moved during the walk).
 */
int namei(const struct vfs_ctx *, const struct vplace *start, const char *path,
    int flags, struct nameidata *);

/* Path calls, as the system calls of these names (dirfd resolved to start). */
int vfs_open(const struct vfs_ctx *, const struct vplace *start,
    const char *path, int flags, uint32_t mode, struct file **);
/* The same with LX_RESOLVE_* (not CACHED). */
int vfs_open_resolve(const struct vfs_ctx *, const struct vplace *start,
    const char *path, int flags, uint32_t mode, unsigned resolve,
    struct file **);
/* Open a place that the caller has found; its refs pass in any case. */
int vfs_open_place(
    const struct vfs_ctx *, struct vplace, int flags, struct file **);
int vfs_mkdir(const struct vfs_ctx *, const struct vplace *start,
    const char *path, uint32_t mode);
int vfs_mknod(const struct vfs_ctx *, const struct vplace *start,
    const char *path, uint32_t mode, uint64_t rdev);
int vfs_unlink(const struct vfs_ctx *, const struct vplace *start,
    const char *path, bool rmdir);
int vfs_rename(const struct vfs_ctx *, const struct vplace *ostart,
    const char *opath, const struct vplace *nstart, const char *npath,
    unsigned flags);
int vfs_link(const struct vfs_ctx *, const struct vplace *ostart,
    const char *opath, const struct vplace *nstart, const char *npath,
    bool follow);
/* The same for a file that the caller has, AT_EMPTY_PATH. */
int vfs_link_place(const struct vfs_ctx *, const struct vplace *,
    const struct vplace *nstart, const char *npath);
int vfs_symlink(const struct vfs_ctx *, const char *target,
    const struct vplace *start, const char *path);

#endif /* VFS_CORE_LOOKUP_H */
