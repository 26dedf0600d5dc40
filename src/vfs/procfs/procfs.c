/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * procfs: processes and the system as files.
 *
 * Concepts.  A vnode stores only which node it is (kind, pid, index); each
 * access gets the contents through the procfs_ops that kern registers.  For a
 * process that has ended a lookup is ENOENT, and an access through an older
 * vnode is ESRCH.  A node may have several vnodes at a time, with the same
 * inode number.
 *
 *      /proc            self -> pid, thread-self, mounts -> self/mounts, net
 *        <pid>/         texts, exe cwd root (magic), fd/N (magic), fdinfo/N
 *          ns/NAME      (magic) the namespaces, of which there is one each
 *          map_files/   (magic) the mapped files, by address
 *          net/         tables of the network
 *          task/<tid>/  as <pid>/, without task
 *        meminfo ...    texts of the system
 *        sys/           fixed tree of settings (procfs_sysctl.c)
 *
 * Texts (procfs_text.c) are generated while the file is read.
 * Magic links (procfs_link.c) lead to the vnode itself rather than to a path;
 * a descriptor without vnode leads to a PN_FDFILE vnode, whose open makes
 * another file over the same host descriptor.  Only mem (procfs_mem.c), and the
 * settings and texts for which kern has a function, can be written.
 *
 * Locking.  None: nodes are immutable, and ops are called without locks.
 *
 * Guarantees.  Other writes are EACCES, and making names is ENOENT.  Sizes are
 * 0.  Numbers of inodes are stable: pid << 16 | node.
 *
 * Limits.  The files of a thread show its process, except for the state, the
 * niceness and the ids of the thread.
 */
#include "vfs/procfs/procfs_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/stat.h"
#include "abi/sched.h"
#include "abi/statfs.h"
#include "host/host.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"
#include "mem/vm_types.h"

/* Permission bits. */
static uint32_t
procfs_mode(const struct vnode *vp)
{
	const struct procfs_node *n = procfs_node(vp);
	void *arg;

	switch (n->kind) {
	case PN_FDDIR:
	case PN_FDINFODIR:
	case PN_MAPDIR:
		return (0500);
	case PN_MAP:
		return (0400);
	case PN_NSDIR:
		return (0511);
	case PN_FD:
		return (0700);
	case PN_MEM:
		return (0600);
	case PN_PAGEMAP:
		return (0400);
	case PN_SYSCTL:
		return (procfs_sysctl_mode(vp));
	case PN_TEXT:
		return (
		    procfs_ops_of(vp, &arg)->pid_nodes[n->idx].mode & VS_PERM);
	case PN_SYSTEXT:
		return (procfs_ops_of(vp, &arg)->sys_nodes[n->idx].mode);
	default:
		break;
	}
	return (vp->type == VDIR ? 0555 : vp->type == VLNK ? 0777 : 0444);
}

/* How many threads has the process?  Programs take the links of its directory
 * task for that number. */
static uint32_t
procfs_threads(struct vnode *vp)
{
	const int pid = procfs_node(vp)->pid;
	const struct procfs_ops *ops;
	uint32_t n = 0;
	void *arg;
	int tid = 0;

	ops = procfs_ops_of(vp, &arg);
	if (ops->tidnext == NULL)
		return (1);
	while ((tid = ops->tidnext(arg, pid, tid + 1)) > 0)
		n++;
	return (n);
}

static int
procfs_getattr(struct vnode *vp, struct vattr *va)
{
	const struct procfs_node *n = procfs_node(vp);
	const struct procfs_mount *pm = vp->mount->data;
	const struct procfs_ops *ops;
	void *arg;

	if (n->kind == PN_FDFILE)
		return (file_getattr(n->file, va));
	if (n->pid != 0) {
		ops = procfs_ops_of(vp, &arg);
		if (ops->owner == NULL ||
		    ops->owner(arg, n->pid,
			vp->type == VDIR && n->kind != PN_FDDIR &&
			    n->kind != PN_FDINFODIR && n->kind != PN_MAPDIR,
			&va->uid, &va->gid) != 0)
			return (ESRCH);
	}
	va->mode = procfs_mode(vp) | vtype_ifmt(vp->type);
	va->nlink = vp->type == VDIR ? 2 : 1;
	if (n->kind == PN_TASKDIR)
		va->nlink += procfs_threads(vp);
	va->blksize = 1024;
	va->atime = va->mtime = va->ctime = va->btime = pm->birth;
	return (0);
}

int
procfs_may_look(struct vnode *vp, const struct vfs_ctx *ctx)
{
	const struct procfs_ops *ops;
	void *arg;

	ops = procfs_ops_of(vp, &arg);
	if (ops->may_look == NULL)
		return (0);
	return (ops->may_look(arg, procfs_node(vp)->pid, ctx));
}

/* A process may list its own descriptors, also when it is not dumpable and the
 * directory is root's. */
static bool
procfs_grants(struct vnode *vp, const struct vfs_ctx *ctx)
{
	const struct procfs_node *n = procfs_node(vp);
	const struct procfs_ops *ops;
	void *arg;

	ops = procfs_ops_of(vp, &arg);
	return ((n->kind == PN_FDDIR || n->kind == PN_FDINFODIR ||
		    n->kind == PN_MAPDIR) &&
		ops->own != NULL && ops->own(arg, n->pid, ctx));
}

static int
procfs_statfs(struct vnode *vp, struct vfs_statfs *sf)
{
	*sf = (struct vfs_statfs){
	    .type = LX_PROC_SUPER_MAGIC,
	    .bsize = PAGE_SIZE,
	    .namelen = VFS_NAME_MAX,
	};
	return (0);
}

static int
procfs_ns_statfs(struct vnode *vp, struct vfs_statfs *sf)
{
	(void)procfs_statfs(vp, sf);
	sf->type = LX_NSFS_MAGIC;
	return (0);
}

static int
procfs_fdfile_open(
    struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	return (hostfd_reopen(f, procfs_node(vp)->file));
}

/* Owner and mode are those of the file behind the descriptor; O_TRUNC has no
 * effect on it. */
static int
procfs_fdfile_setattr(struct vnode *vp, const struct vattr *va, unsigned what)
{
	struct file *f = procfs_node(vp)->file;

	if ((what & ~(unsigned)VA_SIZE) == 0)
		return (0);
	if ((what & ~(unsigned)(VA_MODE | VA_UID | VA_GID)) != 0 ||
	    f->ops->setattr == NULL)
		return (EPERM);
	return (f->ops->setattr(f, va, what));
}

/* Names cannot be made in /proc; the error is ENOENT, as on Linux. */
static int
procfs_create(struct vnode *dvp, const char *name, uint32_t mode,
    const struct vfs_ctx *ctx, struct vnode **vpp)
{
	return (ENOENT);
}

static int
procfs_mkdir(struct vnode *dvp, const char *name, uint32_t mode,
    const struct vfs_ctx *ctx)
{
	return (ENOENT);
}

static const struct vops procfs_dir_vops = {
    .lookup = procfs_lookup,
    .create = procfs_create,
    .mkdir = procfs_mkdir,
    .getattr = procfs_getattr,
    .grants = procfs_grants,
    .readdir = procfs_readdir,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};
/* O_TRUNC of a setting, or of memory, has no effect. */
static int
procfs_text_setattr(struct vnode *vp, const struct vattr *va, unsigned what)
{
	return (what == VA_SIZE ? 0 : EPERM);
}

/* What is made when it is read has no pages to map. */
static int
procfs_text_object(struct vnode *vp, struct vm_object **objp)
{
	return (ENODEV);
}

static const struct vops procfs_text_vops = {
    .object = procfs_text_object,
    .getattr = procfs_getattr,
    .setattr = procfs_text_setattr,
    .open = procfs_text_open,
    .read = procfs_text_read,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};
static const struct vops procfs_mem_vops = {
    .getattr = procfs_getattr,
    .setattr = procfs_text_setattr,
    .open = procfs_mem_open,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};
static const struct vops procfs_link_vops = {
    .getattr = procfs_getattr,
    .readlink = procfs_readlink,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};
static const struct vops procfs_magic_vops = {
    .getattr = procfs_getattr,
    .readlink = procfs_readlink,
    .follow = procfs_follow,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};
/* A namespace: it can be opened, as a name of itself, and has no contents. */
static const struct vops procfs_ns_vops = {
    .getattr = procfs_getattr,
    .open = procfs_ns_open,
    .statfs = procfs_ns_statfs,
    .reclaim = procfs_reclaim,
};
static const struct vops procfs_treedir_vops = {
    .lookup = procfs_tree_lookup,
    .getattr = procfs_getattr,
    .readdir = procfs_tree_readdir,
    .statfs = procfs_tree_statfs,
    .reclaim = procfs_reclaim,
};
static const struct vops procfs_tree_vops = {
    .object = procfs_text_object,
    .getattr = procfs_getattr,
    .open = procfs_text_open,
    .read = procfs_text_read,
    .statfs = procfs_tree_statfs,
    .reclaim = procfs_reclaim,
};
static const struct vops procfs_fdfile_vops = {
    .getattr = procfs_getattr,
    .setattr = procfs_fdfile_setattr,
    .open = procfs_fdfile_open,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};

/* By kind of node. */
static const struct vops *const procfs_vops[PN_KINDS] = {
    [PN_ROOT] = &procfs_dir_vops,
    [PN_SELF] = &procfs_magic_vops,
    [PN_THREADSELF] = &procfs_magic_vops,
    [PN_MOUNTS] = &procfs_link_vops,
    [PN_SYSTEXT] = &procfs_text_vops,
    [PN_SYSCTLDIR] = &procfs_dir_vops,
    [PN_SYSCTL] = &procfs_text_vops,
    [PN_PID] = &procfs_dir_vops,
    [PN_TASKDIR] = &procfs_dir_vops,
    [PN_TID] = &procfs_dir_vops,
    [PN_FDDIR] = &procfs_dir_vops,
    [PN_FDINFODIR] = &procfs_dir_vops,
    [PN_NSDIR] = &procfs_dir_vops,
    [PN_TEXT] = &procfs_text_vops,
    [PN_MEM] = &procfs_mem_vops,
    [PN_PAGEMAP] = &procfs_mem_vops,
    [PN_LINK] = &procfs_magic_vops,
    [PN_FD] = &procfs_magic_vops,
    [PN_FDINFO] = &procfs_text_vops,
    [PN_ATTRDIR] = &procfs_dir_vops,
    [PN_NETDIR] = &procfs_dir_vops,
    [PN_NETTEXT] = &procfs_text_vops,
    [PN_MAPDIR] = &procfs_dir_vops,
    [PN_MAP] = &procfs_magic_vops,
    [PN_NS] = &procfs_magic_vops,
    [PN_NSFILE] = &procfs_ns_vops,
    [PN_TREEDIR] = &procfs_treedir_vops,
    [PN_TREE] = &procfs_tree_vops,
    [PN_FDFILE] = &procfs_fdfile_vops,
};

static void
procfs_destroy(struct vmount *mp)
{
	struct procfs_mount *pm = mp->data;

	if (pm != NULL && pm->ns != NULL)
		mp->vfs->procfs_ops->ns_put(LX_CLONE_NEWPID, pm->ns);
	if (pm != NULL)
		procfs_tree_free(pm->tree);
	kmem_free(pm);
}

int
procfs_mount_make(struct vfs *vfs, const char *fstype, unsigned flags,
    const struct procfs_node *root, struct procfs_tree *tree,
    struct vmount **mpp)
{
	struct procfs_mount *pm;
	struct vmount *mp;
	int error;

	error = vmount_create(vfs, fstype, fstype, flags, procfs_destroy, &mp);
	if (error != 0) {
		procfs_tree_free(tree);
		return (error);
	}
	pm = kmem_zalloc(sizeof(*pm));
	if (pm == NULL) {
		procfs_tree_free(tree);
		error = ENOMEM;
		goto fail;
	}
	pm->tree = tree;
	pm->vops = procfs_vops;
	pm->birth = (int64_t)host_realtime_ns();
	procfs_boot_id(pm->boot_id, sizeof(pm->boot_id));
	mp->data = pm;
	error = procfs_vget(mp, root, &mp->root);
	if (error != 0)
		goto fail;
	mp->root->flags |= VN_ROOT;
	mp->fresh = true;
	*mpp = mp;
	return (0);
fail:
	vmount_destroy(mp);
	return (error);
}

/*
 * - 0, ENOMEM.
 */
int
procfs_mount_create(struct vfs *vfs, struct vmount **mpp)
{
	const struct procfs_node root = {.kind = PN_ROOT};
	int error = procfs_mount_make(vfs, "proc", 0, &root, NULL, mpp);

	if (error == 0)
		(*mpp)->closed = true;
	return (error);
}

int
procfs_mount_create_in(struct vfs *vfs, void *ns, struct vmount **mpp)
{
	struct vmount *mp;
	int error = procfs_mount_create(vfs, &mp);

	if (error != 0) {
		vfs->procfs_ops->ns_put(LX_CLONE_NEWPID, ns);
		return (error);
	}
	((struct procfs_mount *)mp->data)->ns = ns;
	*mpp = mp;
	return (0);
}
