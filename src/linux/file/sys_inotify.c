/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls of inotify: arguments, names and permission checks.  vfs
 * (inotify.c) does the rest.
 */
#include <errno.h>
#include <fcntl.h>

#include "abi/fcntl.h"
#include "abi/inotify.h"
#include "linux/lib/sys_int.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/inotify.h"
#include "vfs/core/vnode.h"

sys_fn sys_inotify_init, sys_inotify_init1, sys_inotify_add_watch,
    sys_inotify_rm_watch;

/* add_watch asks for one of these bits at least. */
#define MASK_KNOWN                                                           \
	(LX_IN_ALL_EVENTS | LX_IN_Q_OVERFLOW | LX_IN_IGNORED | LX_IN_ISDIR | \
	    LX_IN_ONLYDIR | LX_IN_DONT_FOLLOW | LX_IN_EXCL_UNLINK |          \
	    LX_IN_MASK_CREATE | LX_IN_MASK_ADD | LX_IN_ONESHOT |             \
	    LX_IN_UNMOUNT)
/* These two exclude each other. */
#define MASK_BOTH (LX_IN_MASK_ADD | LX_IN_MASK_CREATE)

static int
init(struct lwp *l, int flags, int64_t *ret)
{
	struct file *f;
	int error;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return (EINVAL);
	error = inotify_create(l->p->k->vfs, flags & O_NONBLOCK, &f);
	if (error != 0)
		return (error);
	return (sys_fd_new(l, f, (flags & O_CLOEXEC) != 0, ret));
}

int
sys_inotify_init(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (init(l, 0, ret));
}

int
sys_inotify_init1(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (init(l, (int)a[0], ret));
}

static int
instance(struct lwp *l, int fd, struct file **out)
{
	struct file *f;
	int error = sys_get_open_file(l, fd, &f);

	if (error != 0)
		return (error);
	if (!inotify_is(f)) {
		file_free(f);
		return (EINVAL);
	}
	*out = f;
	return (0);
}

/* The vnode to watch, ref'ed. */
static int
watched(struct lwp *l, uint64_t upath, uint32_t mask, struct vnode **vpp)
{
	struct vfs_ctx ctx;
	struct vnode *vp;
	int error;

	error = sys_path_vnode(l, LX_AT_FDCWD, upath,
	    (mask & LX_IN_DONT_FOLLOW) != 0 ? LX_AT_SYMLINK_NOFOLLOW : 0, &vp,
	    NULL);
	if (error != 0)
		return (error);
	ctx = lwp_vfs_ctx(l);
	if ((mask & LX_IN_ONLYDIR) != 0 && vp->type != VDIR)
		error = ENOTDIR;
	else
		error = vn_access(vp, 4, &ctx);
	lwp_vfs_ctx_done(&ctx);
	if (error != 0) {
		vrele(vp);
		return (error);
	}
	*vpp = vp;
	return (0);
}

int
sys_inotify_add_watch(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint32_t mask = (uint32_t)a[2];
	struct vnode *vp;
	struct file *f;
	int error, wd;

	if ((mask & MASK_KNOWN) == 0)
		return (EINVAL);
	error = instance(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	if ((mask & MASK_BOTH) == MASK_BOTH) {
		error = EINVAL;
		goto out;
	}
	error = watched(l, a[1], mask, &vp);
	if (error != 0)
		goto out;
	error = inotify_add(f, vp, mask, &wd);
	vrele(vp);
	if (error == 0)
		*ret = wd;
out:
	file_free(f);
	return (error);
}

int
sys_inotify_rm_watch(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f;
	int error = instance(l, (int)a[0], &f);

	if (error != 0)
		return (error);
	error = inotify_remove(f, (int)a[1]);
	file_free(f);
	return (error);
}
