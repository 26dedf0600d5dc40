/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Extended attributes of vnodes.  See xattr.c for the rules.
 */
#ifndef VFS_XATTR_H
#define VFS_XATTR_H

#include <stddef.h>

struct vfs_ctx;
struct vnode;

/*
 * For all functions: no locks held; may do I/O; names are NUL-terminated and
 * have at most LX_XATTR_NAME_MAX bytes.  A vp of NULL is a file without a vnode
 * (a pipe, a socket), which has no attributes.
 */

/* Up to `size` bytes of the value; *len: its length.  With size 0 only the
 * length.  ERANGE: `size` is too small.  ENODATA, EOPNOTSUPP, EACCES, EINVAL.
 */
int vn_getxattr(struct vnode *, const struct vfs_ctx *, const char *name,
    void *buf, size_t size, size_t *len);
/* The names, each with its NUL, likewise.  E2BIG: they are longer than any list
 * may be. */
int vn_listxattr(struct vnode *, const struct vfs_ctx *, char *buf, size_t size,
    size_t *len);
/* flags: LX_XATTR_*.  EEXIST, ENODATA, EPERM, EROFS, EACCES, ENOSPC,
 * EOPNOTSUPP, EINVAL. */
int vn_setxattr(struct vnode *, const struct vfs_ctx *, const char *name,
    const void *value, size_t len, int flags);
/* ENODATA, and as vn_setxattr(). */
int vn_removexattr(struct vnode *, const struct vfs_ctx *, const char *name);

#endif /* VFS_XATTR_H */
