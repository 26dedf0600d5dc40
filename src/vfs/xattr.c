/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Extended attributes: names with a value that a file carries.
 *
 * Concepts.  The prefix of a name decides who may use it:
 *
 *	user.      regular files and directories; needs the permission to read
 *	           or to write the file
 *	trusted.   root only; to other processes such names do not exist
 *	security.  may be read by any process, changed by root only
 *	system.    access control lists, which are not supported
 *
 * The file system stores the values: vops->getxattr, setxattr and listxattr.  A
 * file system without setxattr refuses changes with EOPNOTSUPP.  The checks
 * are in Linux's order, because programs tell "no attribute" (ENODATA) from
 * "no attributes here" (EOPNOTSUPP).
 *
 * Locking: none here.
 *
 * Limits.  Attributes are data: no security.capability gives a program rights,
 * and no access control list is evaluated.
 */
#include "vfs/xattr.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/inotify.h"
#include "abi/stat.h"
#include "abi/xattr.h"
#include "vfs/core/ctx.h"
#include "vfs/core/inotify_event.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"

#define FILE_CAPS "security.capability"

enum space { XA_OTHER, XA_USER, XA_TRUSTED, XA_SECURITY };

static const struct {
	const char *prefix;
	enum space space;
} spaces[] = {
    {"user.", XA_USER},
    {"trusted.", XA_TRUSTED},
    {"security.", XA_SECURITY},
};

/* The name space of a name.  EINVAL: it is only a prefix. */
static int
space_of(const char *name, enum space *out)
{
	size_t len;

	*out = XA_OTHER;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		len = strlen(spaces[i].prefix);
		if (strncmp(name, spaces[i].prefix, len) != 0)
			continue;
		*out = spaces[i].space;
		return (name[len] == '\0' ? EINVAL : 0);
	}
	return (0);
}

/* May the caller use user.* names of the file?  EPERM, ENODATA, EACCES. */
static int
user_check(struct vnode *vp, const struct vfs_ctx *ctx, bool write)
{
	struct vattr va;
	int error;

	if (vp == NULL || (vp->type != VREG && vp->type != VDIR))
		return (write ? EPERM : ENODATA);
	if (write && vp->type == VDIR && !vfs_ctx_capable(ctx, LX_CAP_FOWNER)) {
		error = vn_getattr(vp, &va);
		if (error != 0)
			return (error);
		if ((va.mode & LX_S_ISVTX) != 0 && va.uid != ctx->uid)
			return (EPERM);
	}
	return (vn_access(vp, write ? 2 : 4, ctx));
}

/* The checks before the file system is asked: read-only mounts, and the rights
 * to a name space. */
static int
xattr_check(struct vnode *vp, const struct vfs_ctx *ctx, const char *name,
    bool write, enum space *space)
{
	const bool admin = vfs_ctx_capable(ctx, LX_CAP_SYS_ADMIN);
	int error, bad;

	if (write && vp != NULL && (vp->mount->flags & VMNT_RDONLY) != 0)
		return (EROFS);
	bad = space_of(name, space);
	error = 0;
	if (*space == XA_TRUSTED && !admin)
		error = write ? EPERM : ENODATA;
	else if (*space == XA_USER)
		error = user_check(vp, ctx, write);
	else if (*space == XA_SECURITY && write &&
		 !(strcmp(name, FILE_CAPS) == 0
			 ? vfs_ctx_capable(ctx, LX_CAP_SETFCAP)
			 : admin))
		error = EPERM;
	if (error != 0)
		return (error);
	if (*space == XA_OTHER || vp == NULL)
		return (EOPNOTSUPP);
	return (bad);
}

int
vn_getxattr(struct vnode *vp, const struct vfs_ctx *ctx, const char *name,
    void *buf, size_t size, size_t *len)
{
	enum space space;
	int error;

	error = xattr_check(vp, ctx, name, false, &space);
	if (error != 0)
		return (error);
	if (vp->ops->getxattr == NULL)
		return (EOPNOTSUPP);
	return (vp->ops->getxattr(vp, name, buf, size, len));
}

int
vn_listxattr(struct vnode *vp, const struct vfs_ctx *ctx, char *buf,
    size_t size, size_t *len)
{
	int error;

	if (vp == NULL || vp->ops->listxattr == NULL) {
		*len = 0;
		return (0);
	}
	error = vp->ops->listxattr(
	    vp, vfs_ctx_capable(ctx, LX_CAP_SYS_ADMIN), buf, size, len);
	return (error == ERANGE && size >= LX_XATTR_LIST_MAX ? E2BIG : error);
}

/* Is this a value of security.capability?  The first word has the revision,
 * which decides the size. */
static bool
file_caps_valid(const void *value, size_t len)
{
	uint32_t magic;

	if (len < sizeof(magic))
		return (false);
	memcpy(&magic, value, sizeof(magic));
	magic >>= 24;
	return ((magic == 2 && len == 20) || (magic == 3 && len == 24));
}

int
vn_setxattr(struct vnode *vp, const struct vfs_ctx *ctx, const char *name,
    const void *value, size_t len, int flags)
{
	enum space space;
	int error;

	if (len != 0 && strcmp(name, FILE_CAPS) == 0 &&
	    !file_caps_valid(value, len))
		return (EINVAL);
	error = xattr_check(vp, ctx, name, true, &space);
	if (error != 0)
		return (error);
	if (vp->ops->setxattr == NULL)
		return (EOPNOTSUPP);
	error = vp->ops->setxattr(vp, name, value, len, flags);
	if (error == 0)
		vfs_tell_file(vp, LX_IN_ATTRIB);
	return (error);
}

int
vn_removexattr(struct vnode *vp, const struct vfs_ctx *ctx, const char *name)
{
	enum space space;
	int error;

	error = xattr_check(vp, ctx, name, true, &space);
	if (error != 0)
		return (error);
	if (vp->ops->setxattr == NULL)
		return (EOPNOTSUPP);
	error = vp->ops->setxattr(vp, name, NULL, 0, LX_XATTR_REPLACE);
	if (error == 0)
		vfs_tell_file(vp, LX_IN_ATTRIB);
	return (error);
}
