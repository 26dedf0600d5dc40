/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Calls about file systems: handles of files, and the old ones, ustat(2) and
 * sysfs(2).
 *
 * A handle is the identity of a file in its mount.  Only root may open one,
 * because no directory on the way is asked.  Not every file can be found by its
 * handle: those of a tmpfs, if they are regular, and those of the host that are
 * in the cache.  The others are ESTALE, as after they were removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/fcntl.h"
#include "abi/statfs.h"
#include "kern/base/mountns.h"
#include "kern/proctext/kern_procfs.h"
#include "linux/lib/sys_int.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

sys_fn sys_ustat, sys_sysfs, sys_name_to_handle_at, sys_open_by_handle_at;

#define HANDLE_TYPE 0x76 /* of no file system of Linux */

struct handle {
	struct lx_file_handle head;
	uint64_t dev, ino;
};
_Static_assert(sizeof(struct handle) == 24, "struct file_handle");
#define HANDLE_BYTES \
	((uint32_t)(sizeof(struct handle) - sizeof(struct lx_file_handle)))

/* The root of a file system of that device, which the caller has mounted,
 * ref'ed, or NULL. */
static struct vnode *
root_of_device(struct lwp *l, uint32_t dev)
{
	struct vfs *vfs = l->p->k->vfs;
	struct mntns *ns = kern_mountns_ref(l->p);
	struct vnode *root = NULL;
	struct mnt *m;

	kmutex_lock(&vfs->mount_lock);
	TAILQ_FOREACH (m, &ns->mounts, link) {
		if ((uint32_t)m->fs->dev == dev && m->fs->root != NULL) {
			root = m->fs->root;
			vref(root);
			break;
		}
	}
	kmutex_unlock(&vfs->mount_lock);
	mntns_free(ns);
	return (root);
}

int
sys_ustat(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vnode *root = root_of_device(l, (uint32_t)a[0]);
	struct vfs_statfs vs = {0};
	struct lx_ustat us;
	int error;

	if (root == NULL)
		return (EINVAL);
	error =
	    root->ops->statfs == NULL ? ENOSYS : root->ops->statfs(root, &vs);
	vrele(root);
	if (error != 0)
		return (error);
	memset(&us, 0, sizeof(us));
	us.tfree = (int32_t)vs.bfree;
	us.tinode = vs.ffree;
	return (copyout(lwp_vmspace(l), &us, a[1], sizeof(us)));
}

static int
name_to_number(struct lwp *l, uint64_t uname, int64_t *ret)
{
	char *name = malloc(VFS_PATH_MAX);
	int error;

	if (name == NULL)
		return (ENOMEM);
	error = sys_copyin_path(l, uname, name);
	if (error == 0) {
		error = EINVAL;
		for (int i = 0; kern_filesystems[i] != NULL; i++)
			if (strcmp(kern_filesystems[i], name) == 0) {
				*ret = i;
				error = 0;
			}
	}
	free(name);
	return (error);
}

int
sys_sysfs(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int n = 0;

	while (kern_filesystems[n] != NULL)
		n++;
	switch ((int)a[0]) {
	case 1:
		return (name_to_number(l, a[1], ret));
	case 2:
		if ((uint32_t)a[1] >= (uint32_t)n)
			return (EINVAL);
		return (copyout(lwp_vmspace(l), kern_filesystems[a[1]], a[2],
		    strlen(kern_filesystems[a[1]]) + 1));
	case 3:
		*ret = n;
		return (0);
	default:
		return (EINVAL);
	}
}

/* ---- handles ---- */

static int
handle_out(
    struct lwp *l, const struct vnode *vp, uint64_t uhandle, uint32_t room)
{
	struct handle h = {.head = {HANDLE_BYTES, HANDLE_TYPE},
	    .dev = vp->dev,
	    .ino = vp->ino};

	if (room >= HANDLE_BYTES)
		return (copyout(lwp_vmspace(l), &h, uhandle, sizeof(h)));
	h.head.type = 0;
	if (copyout(lwp_vmspace(l), &h.head, uhandle, sizeof(h.head)) != 0)
		return (EFAULT);
	return (EOVERFLOW);
}

int
sys_name_to_handle_at(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const int flags = (int)a[4];
	struct lx_file_handle head;
	struct vplace at;
	uint64_t id;
	int error, e;

	if ((flags & ~(LX_AT_SYMLINK_FOLLOW | LX_AT_EMPTY_PATH |
			 LX_AT_HANDLE_FID | LX_AT_HANDLE_MNT_ID_UNIQUE)) != 0)
		return (EINVAL);
	error = sys_path_place(l, (int)a[0], a[1],
	    (flags & LX_AT_EMPTY_PATH) |
		((flags & LX_AT_SYMLINK_FOLLOW) != 0 ? 0
						     : LX_AT_SYMLINK_NOFOLLOW),
	    &at, NULL);
	if (error != 0)
		return (error);
	if (at.vp->ops->by_id == NULL)
		error = EOPNOTSUPP;
	else if (copyin(lwp_vmspace(l), &head, a[2], sizeof(head)) != 0)
		error = EFAULT;
	else if (head.bytes > LX_MAX_HANDLE_SZ)
		error = EINVAL;
	if (error != 0)
		goto out;
	error = handle_out(l, at.vp, a[2], head.bytes);
	id = mnt_id(at.mnt);
	e = copyout(lwp_vmspace(l), &id, a[3],
	    (flags & LX_AT_HANDLE_MNT_ID_UNIQUE) != 0 ? sizeof(id)
						      : sizeof(int));
	if (e != 0)
		error = e;
out:
	vplace_rele(&at);
	return (error);
}

/* The mount that a descriptor is in and the root of its file system, ref'ed.
 * The mount may show a part of that only. */
static int
mount_root(struct lwp *l, int fd, struct vplace *out)
{
	struct file *f;
	int error;

	if (fd == LX_AT_FDCWD) {
		struct vfs_ctx ctx = lwp_vfs_ctx(l);

		*out = (struct vplace){ctx.cwd.mnt, ctx.cwd.vp->mount->root};
		vplace_ref(out);
		lwp_vfs_ctx_done(&ctx);
		return (0);
	}
	error = sys_get_file(l, fd, &f);
	if (error != 0)
		return (error);
	*out =
	    (struct vplace){f->mnt, f->vp != NULL ? f->vp->mount->root : NULL};
	if (out->vp != NULL)
		vplace_ref(out);
	file_free(f);
	return (out->vp == NULL ? ESTALE : 0);
}

int
sys_open_by_handle_at(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const int flags = (int)a[2];
	struct vplace root, at;
	struct vfs_ctx ctx;
	struct handle h;
	struct file *f;
	int error;

	if (!lwp_capable(l, LX_CAP_DAC_READ_SEARCH))
		return (EPERM);
	if (copyin(lwp_vmspace(l), &h.head, a[1], sizeof(h.head)) != 0)
		return (EFAULT);
	if (h.head.bytes == 0 || h.head.bytes > LX_MAX_HANDLE_SZ)
		return (EINVAL);
	error = mount_root(l, (int)a[0], &root);
	if (error != 0)
		return (error);
	error = root.vp->ops->by_id == NULL || h.head.bytes != HANDLE_BYTES ||
			h.head.type != HANDLE_TYPE
		    ? ESTALE
		    : copyin(lwp_vmspace(l), &h, a[1], sizeof(h));
	if (error == 0)
		error = root.vp->ops->by_id(root.vp, h.dev, h.ino, &at.vp);
	vrele(root.vp);
	if (error != 0) {
		mnt_rele(root.mnt);
		return (error);
	}
	at.mnt = root.mnt;
	ctx = lwp_vfs_ctx(l);
	error = vfs_open_place(&ctx, at,
	    (flags & ~(O_CLOEXEC | O_CREAT | O_EXCL)) | LX_O_LARGEFILE, &f);
	lwp_vfs_ctx_done(&ctx);
	if (error != 0)
		return (sys_restartable(error));
	return (sys_fd_new(l, f, (flags & O_CLOEXEC) != 0, ret));
}
