/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * hostfs: a directory of the host as a file system of the guest.
 *
 * Purpose.  The root of a guest is a tree of the host, usually read-only.
 * hostfs gives each of its files one vnode, independent of the names that the
 * file has and of changes of those names.
 *
 * Concepts.  A vnode holds its file by an O_PATH descriptor, which was opened
 * by a single name relative to the descriptor of the directory, with
 * O_NOFOLLOW.  The host is never asked to resolve a path of more than one
 * component, a ".." or a link.  So nothing makes it resolve a name outside of
 * the tree: no link, no rename during a lookup and no magic link of the host,
 * of which only the text is read.  Reads and writes go through descriptors
 * that are made from the O_PATH descriptor when first needed.
 *
 *	vnode -> node -> fd (O_PATH) ------+
 *	           |---> rfd (O_RDONLY) ---+--> inode of the host
 *	           '---> wfd (O_WRONLY) ---'
 *
 * Devices and sockets of the host cannot be opened: they are only names here.
 * devfs has the devices that a guest may use.  Fifos work in mounts that may be
 * written; in a read-only mount a guest could use them to talk to processes of
 * the host.
 *
 * Identity.  The vnode is hashed by (dev, ino) of the host, which is unique
 * as long as the vnode's descriptor keeps the inode alive.  Network and user
 * space file systems may give the number away earlier, so a hit must also agree
 * in type and in time of birth, or, where there is none, still have a link.
 *
 * Keeping pages.  A regular file with resident pages stays hashed after its
 * last use (inactive).  Its dirty pages are written first, and size, mtime
 * and ctime are noted; when the vnode is found again and they differ, the
 * file was changed on the host and the pages are dropped.  While guests write
 * nothing, the noted values are those of the time when the vnode was made, so
 * that a change during its use is seen, too.
 *
 * Locking and lifetime.  rfd and wfd are set once under the vnode's lock and
 * live until reclaim.  The O_PATH descriptor is immutable.  Directories are
 * read under the vnode's lock because their descriptor has one offset.
 *
 * Guarantees.  No call changes the host through a mount with VMNT_RDONLY:
 * hostfs checks that itself.  Numbers of devices and inodes are those of the
 * host.
 *
 * Rights.  A file of the host never gets a set-id bit from a guest, and loses
 *it when a guest opens it for writing: other users of the host could run it
 *with the rights of this process's user.  Owners change only where that is
 *granted
 * (--allow-chown).  No lookup leads into a pseudo file system of the host
 * (hostfs_pseudo.c).
 *
 * Limits.  A vnode costs one to three descriptors.  Owner and mode bits are
 * the host's.  Changes on the host to a file in use are seen by read at once
 *and by resident pages not before the vnode was inactive.
 */
#include "vfs/hostfs/hostfs_int.h"

#include <errno.h>

#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/fs.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vfs/core/vnode_io.h"
#include "vfs/hostfs/hostfs.h"
#include "vm/object/vm_object.h"
#include "vm/pager/vnode_pager.h"

static void
hostfs_node_free(struct hostfs_node *n)
{
	int rfd = atomic_load(&n->rfd), wfd = atomic_load(&n->wfd);

	if (wfd >= 0 && wfd != rfd)
		(void)host_close(wfd);
	if (rfd >= 0)
		(void)host_close(rfd);
	(void)host_close(n->fd);
	kmem_fd_uncharge(n->fd_cost, HOSTFS_FDS);
	kmem_free(n);
}

static void
hostfs_reclaim(struct vnode *vp)
{
	hostfs_node_free(hostfs_node(vp));
}

/* Is vp, found by its numbers, really the file of `st`? */
static bool
hostfs_same(const struct vnode *vp, const struct host_stat *st)
{
	const struct hostfs_node *n = hostfs_node(vp);
	struct host_stat own;

	if (vp->type != vtype_of_mode(st->mode) || n->btime != st->btime_ns)
		return (false);
	if (n->btime != 0)
		return (true);
	return (
	    host_fstat(n->fd, &own) == 0 && (own.nlink > 0 || st->nlink == 0));
}

/* Has the file changed since it was stamped?  Vnode locked. */
static bool
hostfs_changed(const struct hostfs_node *n, const struct host_stat *st)
{
	return (n->size != st->size || n->mtime != st->mtime_ns ||
		n->ctime != st->ctime_ns);
}

static void
hostfs_stamp(struct hostfs_node *n, const struct host_stat *st)
{
	n->size = st->size;
	n->mtime = st->mtime_ns;
	n->ctime = st->ctime_ns;
}

/* Drop the pages if the file has changed on the host.  `always`: compare the
 * stamp although the vnode was in use, because guests have written nothing. */
static void
hostfs_refresh(struct vnode *vp, const struct host_stat *st, bool always)
{
	struct hostfs_node *n = hostfs_node(vp);
	struct vm_object *obj = vnode_object_peek(vp);
	bool stale;

	kmutex_lock(&vp->lock);
	stale = (n->stamped || always) && hostfs_changed(n, st);
	if (n->stamped || always)
		hostfs_stamp(n, st);
	n->stamped = false;
	kmutex_unlock(&vp->lock);
	if (!stale || obj == NULL)
		return;
	if (!hostfs_rdonly(vp))
		(void)vnode_pager_sync(obj, 0, 0);
	vm_object_page_remove(obj, 0, UINT64_MAX);
	vnode_pager_setsize(obj, st->size);
}

static void
hostfs_revalidate(struct vnode *vp)
{
	struct host_stat st;

	if (vp->type == VREG && !atomic_load(&hostfs_node(vp)->written) &&
	    host_fstat(hostfs_node(vp)->fd, &st) == 0)
		hostfs_refresh(vp, &st, true);
}

static bool
hostfs_inactive(struct vnode *vp)
{
	struct hostfs_node *n = hostfs_node(vp);
	struct vm_object *obj = vnode_object_peek(vp);
	struct host_stat st;
	bool resident, keep;

	if (vp->type != VREG || obj == NULL || hostfs_inherited(vp))
		return (false);
	vm_object_lock(obj);
	resident = obj->resident + obj->swapped > 0;
	vm_object_unlock(obj);
	if (!resident)
		return (false);
	if (!hostfs_rdonly(vp) && vnode_pager_sync(obj, 0, 0) != 0)
		return (false);
	if (host_fstat(n->fd, &st) != 0 || st.nlink == 0)
		return (false);
	/* A file that guests have not written has the stamp of its first use.
	 * If it has changed since, some pages may be old: keep none. */
	kmutex_lock(&vp->lock);
	keep = atomic_exchange(&n->written, false) || !hostfs_changed(n, &st);
	hostfs_stamp(n, &st);
	n->stamped = true;
	kmutex_unlock(&vp->lock);
	return (keep);
}

/* Is a file closed or frozen that a lookup in `parent` has found (NULL: that
 * the owner of the kernel has named)?  Errors of the host. */
static int
hostfs_view(const struct vnode *parent, int fd, const struct host_stat *st,
    struct hostfs_node *view)
{
	enum hostfs_kind kind;
	int error;

	if (parent != NULL && parent->dev == st->dev) {
		view->closed = hostfs_node(parent)->closed;
		view->frozen = hostfs_node(parent)->frozen;
		return (0);
	}
	error = hostfs_fs_kind(fd, &kind);
	if (error != 0)
		return (error);
	if (parent != NULL) {
		view->closed = kind == HOSTFS_PSEUDO || kind == HOSTFS_PROC;
		view->frozen = kind == HOSTFS_SYSFS;
	} else /* the bytes of an inherited file of a procfs are granted */
		view->closed =
		    kind == HOSTFS_PROC && vtype_of_mode(st->mode) == VDIR;
	return (0);
}

/* Make a vnode for fd, not hashed yet; the caller keeps fd on failure. */
static int
hostfs_vnode_create(struct vmount *mp, int fd, const struct host_stat *st,
    const struct hostfs_node *view, struct vnode **vpp)
{
	enum vtype type = vtype_of_mode(st->mode);
	struct hostfs_node *n;
	struct vnode *vp;
	int error;

	n = kmem_zalloc(sizeof(*n));
	if (n == NULL)
		return (ENOMEM);
	error = kmem_fd_charge(HOSTFS_FDS, &n->fd_cost);
	if (error != 0)
		goto fail;
	n->fd = fd;
	n->btime = st->btime_ns;
	n->closed = view->closed;
	n->frozen = view->frozen;
	hostfs_stamp(n, st);
	atomic_init(&n->rfd, -1);
	atomic_init(&n->wfd, -1);
	error = vnode_create(mp, type, &hostfs_vops, n, st->ino, &vp);
	if (error != 0)
		goto fail_fds;
	vp->dev = st->dev;
	if (type == VREG)
		vp->flags |= VN_PAGED;
	*vpp = vp;
	return (0);
fail_fds:
	kmem_fd_uncharge(n->fd_cost, HOSTFS_FDS);
fail:
	kmem_free(n);
	return (error);
}

/* The same; if the budget of descriptors is used up, without the vnodes that
 * the mount keeps for later. */
static int
hostfs_vnode_make(struct vmount *mp, int fd, const struct host_stat *st,
    const struct hostfs_node *view, struct vnode **vpp)
{
	int error = hostfs_vnode_create(mp, fd, st, view, vpp);

	if (error != ENFILE && error != EMFILE)
		return (error);
	vnode_flush_inactive(mp);
	return (hostfs_vnode_create(mp, fd, st, view, vpp));
}

/*
 * The vnode of the file that fd is a descriptor of.
 * - No locks held.  fd is consumed in any case.
 */
int
hostfs_vget(
    struct vmount *mp, const struct vnode *parent, int fd, struct vnode **vpp)
{
	struct host_stat st;
	struct vnode *vp, *mine = NULL;
	struct hostfs_node view = {.closed = false};
	bool idle = false;
	int error;

	error = host_fstat(fd, &st);
	if (error != 0)
		goto fail;
	error = hostfs_view(parent, fd, &st, &view);
	if (error != 0)
		goto fail;
	vp = vnode_hash_get(mp, st.dev, st.ino, &idle);
	while (vp == NULL || !hostfs_same(vp, &st)) {
		if (vp != NULL) { /* the number was given to another file */
			vnode_hash_remove(vp);
			vrele(vp);
		}
		if (mine == NULL) {
			error = hostfs_vnode_make(mp, fd, &st, &view, &mine);
			if (error != 0)
				goto fail;
			fd = -1;
		}
		vp = vnode_hash_insert(mine);
		if (vp == NULL) {
			*vpp = mine;
			return (0);
		}
		idle = true; /* perhaps: only a stamped vnode can be stale */
	}
	vrele(mine);
	if (fd >= 0)
		(void)host_close(fd);
	if (idle)
		hostfs_refresh(vp, &st, false);
	*vpp = vp;
	return (0);
fail:
	(void)host_close(fd);
	return (error);
}

static int
hostfs_getattr(struct vnode *vp, struct vattr *va)
{
	struct host_stat st;
	int error;

	error = host_fstat(hostfs_node(vp)->fd, &st);
	if (error != 0)
		return (error);
	*va = hostfd_vattr(&st);
	va->type = vp->type;
	return (0);
}

/*
 * Give a file of the host another owner.
 * - EPERM: the owner of the kernel has not granted that.  Keeping the owner is
 *   allowed in any case: a program that extracts an archive asks for it.
 */
static int
hostfs_chown(struct vnode *vp, uint32_t uid, uint32_t gid)
{
	const struct hostfs_mount *hm = vp->mount->data;
	const struct hostfs_node *n = hostfs_node(vp);
	struct host_stat st;
	int error;

	if (hm->chown)
		return (host_fchown(n->fd, uid, gid));
	error = host_fstat(n->fd, &st);
	if (error != 0)
		return (error);
	return ((uid == UINT32_MAX || uid == st.uid) &&
			(gid == UINT32_MAX || gid == st.gid)
		    ? 0
		    : EPERM);
}

static int
hostfs_setattr(struct vnode *vp, const struct vattr *va, unsigned what)
{
	const struct hostfs_mount *hm = vp->mount->data;
	struct hostfs_node *n = hostfs_node(vp);
	int fd, error;

	if (hostfs_rdonly(vp))
		return (EROFS);
	if (n->closed || n->frozen ||
	    (hm->data_only && (what & ~(unsigned)VA_SIZE) != 0))
		return (EPERM);
	/* The rights of an inherited descriptor: see hostfs_inherit.c. */
	if (hostfs_inherited(vp) &&
	    (atomic_load(&n->wfd) < 0 ||
		(what & (VA_UID | VA_GID | VA_MODE)) != 0))
		return (EPERM);
	atomic_store(&n->written, true);
	if ((what & VA_SIZE) != 0) {
		if (vp->type != VREG)
			return (vp->type == VDIR ? EISDIR : EINVAL);
		error = hostfs_wfd(vp, &fd);
		if (error != 0)
			return (error);
		error = host_ftruncate(fd, va->size);
		if (error != 0)
			return (error);
	}
	if ((what & (VA_UID | VA_GID)) != 0) {
		error = hostfs_chown(vp,
		    (what & VA_UID) != 0 ? va->uid : UINT32_MAX,
		    (what & VA_GID) != 0 ? va->gid : UINT32_MAX);
		if (error != 0)
			return (error);
	}
	if ((what & VA_MODE) != 0) {
		error = host_fchmod(n->fd, hostfs_mode(vp->type, va->mode));
		if (error != 0)
			return (error);
	}
	if ((what & (VA_ATIME | VA_MTIME)) == 0)
		return (0);
	return (host_futimens(n->fd,
	    (what & VA_ATIME) != 0 ? va->atime : HOST_TIME_OMIT,
	    (what & VA_MTIME) != 0 ? va->mtime : HOST_TIME_OMIT));
}

static int
hostfs_statfs(struct vnode *vp, struct vfs_statfs *sf)
{
	struct host_statfs st;
	int error;

	error = host_fstatfs(hostfs_node(vp)->fd, &st);
	if (error != 0)
		return (error);
	*sf = (struct vfs_statfs){
	    .type = st.type,
	    .bsize = st.bsize,
	    .blocks = st.blocks,
	    .bfree = st.bfree,
	    .bavail = st.bavail,
	    .files = st.files,
	    .ffree = st.ffree,
	    .namelen = st.namelen,
	};
	return (0);
}

/* The host is not asked: only files that are in the cache are found. */
static int
hostfs_by_id(struct vnode *root, uint64_t dev, uint64_t ino, struct vnode **vpp)
{
	struct vnode *vp = vnode_hash_get(root->mount, dev, ino, NULL);
	struct vattr va;

	if (vp != NULL && (vn_getattr(vp, &va) != 0 || va.nlink == 0)) {
		vrele(vp);
		vp = NULL;
	}
	if (vp == NULL)
		return (ESTALE);
	*vpp = vp;
	return (0);
}

const struct vops hostfs_vops = {
    .by_id = hostfs_by_id,
    .lookup = hostfs_lookup,
    .getattr = hostfs_getattr,
    .setattr = hostfs_setattr,
    .open = hostfs_open,
    .read = hostfs_read,
    .write = hostfs_write,
    .readdir = hostfs_readdir,
    .readlink = hostfs_readlink,
    .revalidate = hostfs_revalidate,
    .create = hostfs_create,
    .tmpfile = hostfs_tmpfile,
    .mkdir = hostfs_mkdir,
    .mknod = hostfs_mknod,
    .symlink = hostfs_symlink,
    .link = hostfs_link,
    .unlink = hostfs_unlink,
    .rmdir = hostfs_rmdir,
    .rename = hostfs_rename,
    .fsync = hostfs_fsync,
    .allocate = hostfs_allocate,
    .extent = hostfs_extent,
    .getxattr = hostfs_getxattr,
    .listxattr = hostfs_listxattr,
    .statfs = hostfs_statfs,
    .inactive = hostfs_inactive,
    .reclaim = hostfs_reclaim,
};

static void
hostfs_destroy(struct vmount *mp)
{
	kmem_free(mp->data);
}

int
hostfs_mount_make(struct vfs *vfs, const char *source, unsigned flags,
    bool inherited, struct vmount **mpp)
{
	struct hostfs_mount *hm;
	uint32_t uid, gid;
	int error;

	hm = kmem_zalloc(sizeof(*hm));
	if (hm == NULL)
		return (ENOMEM);
	host_ids(&uid, &hm->uid, &gid, &hm->gid);
	hm->chown = (flags & HOSTFS_CHOWN) != 0 && hm->uid == 0;
	hm->data_only = (flags & HOSTFS_DATA) != 0;
	hm->inherited = inherited;
	error = vmount_create(vfs, "hostfs", source,
	    (flags & HOSTFS_RDONLY) != 0 ? VMNT_RDONLY : 0, hostfs_destroy,
	    mpp);
	if (error != 0) {
		kmem_free(hm);
		return (error);
	}
	(*mpp)->data = hm;
	return (0);
}

/*
 * A mount of the host's directory or regular file at hostpath, which is
 * resolved by the host (it comes from the owner of the kernel).
 * - 0; ENOENT, EACCES, ENOMEM, EMFILE; EINVAL: neither directory nor file;
 *   EPERM: on a procfs.
 */
int
hostfs_mount_create(
    struct vfs *vfs, const char *hostpath, unsigned flags, struct vmount **mpp)
{
	enum hostfs_kind kind;
	struct vmount *mp;
	int fd, error;

	error = host_openat(AT_FDCWD, hostpath, O_PATH, 0, &fd);
	if (error != 0)
		return (error);
	error = hostfs_fs_kind(fd, &kind);
	if (error == 0 && kind == HOSTFS_PROC)
		error = EPERM;
	if (error == 0)
		error = hostfs_mount_make(vfs, hostpath, flags, false, &mp);
	if (error != 0) {
		(void)host_close(fd);
		return (error);
	}
	error = hostfs_vget(mp, NULL, fd, &mp->root);
	if (error != 0)
		goto fail;
	if (mp->root->type != VDIR && mp->root->type != VREG) {
		error = EINVAL;
		goto fail;
	}
	mp->root->flags |= VN_ROOT;
	*mpp = mp;
	return (0);
fail:
	vmount_destroy(mp);
	return (error);
}
