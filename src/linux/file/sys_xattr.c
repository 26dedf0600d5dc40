/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on extended attributes.
 *
 * Each call exists for a path, for a path whose last link is not followed, and
 * for a descriptor.  Flags, name and value are checked and copied before the
 * file is looked up, as on Linux.  Permissions are checked by vfs (xattr.c).
 */
#include "linux/lib/sys_int.h"

#include "abi/fcntl.h"
#include "abi/xattr.h"

#include <errno.h>
#include <fcntl.h>

#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vfs/xattr.h"

sys_fn sys_setxattr, sys_lsetxattr, sys_fsetxattr, sys_getxattr, sys_lgetxattr,
    sys_fgetxattr, sys_listxattr, sys_llistxattr, sys_flistxattr,
    sys_removexattr, sys_lremovexattr, sys_fremovexattr;

/* How the first argument names the file. */
enum by { BY_PATH, BY_LINK, BY_FD };

/* The file of a call, ref'ed; without a vnode for a descriptor of such a file.
 */
static int
xattr_target(struct lwp *l, enum by by, uint64_t arg, struct vplace *at)
{
	struct file *f;
	int error;

	if (by != BY_FD)
		return (sys_path_place(l, LX_AT_FDCWD, arg,
		    by == BY_LINK ? LX_AT_SYMLINK_NOFOLLOW : 0, at, NULL));
	error = sys_get_open_file(l, (int)arg, &f);
	if (error != 0)
		return (error);
	*at = (struct vplace){f->mnt, f->vp};
	vplace_ref(at);
	file_free(f);
	return (0);
}

/* Copy a name in.  EFAULT; ERANGE: it is empty or too long. */
static int
xattr_name(struct lwp *l, uint64_t uaddr, char name[LX_XATTR_NAME_MAX + 1])
{
	size_t len;
	int error;

	error =
	    copyinstr(lwp_vmspace(l), name, uaddr, LX_XATTR_NAME_MAX + 1, &len);
	if (error == ENAMETOOLONG)
		return (ERANGE);
	if (error != 0)
		return (error);
	return (name[0] == '\0' ? ERANGE : 0);
}

static int
set_value(struct lwp *l, enum by by, const uint64_t *a, const char *name,
    const void *value, size_t len)
{
	struct vfs_ctx ctx;
	struct vplace at;
	int error;

	error = xattr_target(l, by, a[0], &at);
	if (error != 0)
		return (error);
	ctx = lwp_vfs_ctx(l);
	error = mnt_has(at.mnt, VMNT_RDONLY)
		    ? EROFS
		    : vn_setxattr(at.vp, &ctx, name, value, len, (int)a[4]);
	lwp_vfs_ctx_done(&ctx);
	vplace_rele(&at);
	return (error);
}

static int
xattr_set(struct lwp *l, enum by by, const uint64_t *a)
{
	char name[LX_XATTR_NAME_MAX + 1];
	void *value;
	int error;

	if (((int)a[4] & ~(LX_XATTR_CREATE | LX_XATTR_REPLACE)) != 0)
		return (EINVAL);
	error = xattr_name(l, a[1], name);
	if (error != 0)
		return (error);
	if (a[3] > LX_XATTR_SIZE_MAX)
		return (E2BIG);
	value = kmem_alloc(a[3] != 0 ? a[3] : 1);
	if (value == NULL)
		return (ENOMEM);
	error = a[3] == 0 ? 0 : copyin(lwp_vmspace(l), value, a[2], a[3]);
	if (error == 0)
		error = set_value(l, by, a, name, value, a[3]);
	kmem_free(value);
	return (error);
}

/* Get a value (name) or the list of names (name NULL), and copy it out to
 * uaddr. */
static int
xattr_out(struct lwp *l, enum by by, uint64_t target, const char *name,
    uint64_t uaddr, uint64_t usize, int64_t *ret)
{
	const size_t max = name != NULL ? LX_XATTR_SIZE_MAX : LX_XATTR_LIST_MAX;
	const size_t size = usize < max ? usize : max;
	struct vfs_ctx ctx;
	struct vplace at;
	size_t len = 0;
	void *buf;
	int error;

	error = xattr_target(l, by, target, &at);
	if (error != 0)
		return (error);
	buf = kmem_alloc(size != 0 ? size : 1);
	if (buf == NULL) {
		vplace_rele(&at);
		return (ENOMEM);
	}
	ctx = lwp_vfs_ctx(l);
	error = name != NULL ? vn_getxattr(at.vp, &ctx, name, buf, size, &len)
			     : vn_listxattr(at.vp, &ctx, buf, size, &len);
	lwp_vfs_ctx_done(&ctx);
	vplace_rele(&at);
	if (error == 0 && size != 0)
		error = copyout(lwp_vmspace(l), buf, uaddr, len);
	if (error == 0)
		*ret = (int64_t)len;
	kmem_free(buf);
	return (error);
}

static int
xattr_get(struct lwp *l, enum by by, const uint64_t *a, int64_t *ret)
{
	char name[LX_XATTR_NAME_MAX + 1];
	int error = xattr_name(l, a[1], name);

	if (error != 0)
		return (error);
	return (xattr_out(l, by, a[0], name, a[2], a[3], ret));
}

static int
xattr_remove(struct lwp *l, enum by by, const uint64_t *a)
{
	char name[LX_XATTR_NAME_MAX + 1];
	struct vfs_ctx ctx;
	struct vplace at;
	int error;

	error = xattr_name(l, a[1], name);
	if (error != 0)
		return (error);
	error = xattr_target(l, by, a[0], &at);
	if (error != 0)
		return (error);
	ctx = lwp_vfs_ctx(l);
	error = mnt_has(at.mnt, VMNT_RDONLY)
		    ? EROFS
		    : vn_removexattr(at.vp, &ctx, name);
	lwp_vfs_ctx_done(&ctx);
	vplace_rele(&at);
	return (error);
}

int
sys_setxattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_set(l, BY_PATH, a));
}

int
sys_getxattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_get(l, BY_PATH, a, ret));
}

int
sys_listxattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_out(l, BY_PATH, a[0], NULL, a[1], a[2], ret));
}

int
sys_removexattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_remove(l, BY_PATH, a));
}

int
sys_lsetxattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_set(l, BY_LINK, a));
}

int
sys_lgetxattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_get(l, BY_LINK, a, ret));
}

int
sys_llistxattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_out(l, BY_LINK, a[0], NULL, a[1], a[2], ret));
}

int
sys_lremovexattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_remove(l, BY_LINK, a));
}

int
sys_fsetxattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_set(l, BY_FD, a));
}

int
sys_fgetxattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_get(l, BY_FD, a, ret));
}

int
sys_flistxattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_out(l, BY_FD, a[0], NULL, a[1], a[2], ret));
}

int
sys_fremovexattr(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (xattr_remove(l, BY_FD, a));
}
