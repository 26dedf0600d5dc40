/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * procfs: processes and the system as files.
 *
 * Concepts.  Nothing is stored: a vnode says which node it is (kind, pid,
 * index) and everything else is asked for at each access through the
 * procfs_ops that kern registers.  A process that has gone gives ENOENT to a
 * lookup and ESRCH to an access through a vnode that is older.  Nodes of one
 * name may have several vnodes at a time; their inode number is the same.
 *
 *      /proc            self -> pid, thread-self, mounts -> self/mounts
 *        <pid>/         texts, exe cwd root (magic), fd/N (magic)
 *          task/<tid>/  as <pid>/, without task
 *        meminfo ...    texts of the system
 *        sys/           fixed tree of settings (procfs_sysctl.c)
 *
 * Texts (procfs_text.c) are generated as a whole when the file is opened.
 * Magic links (procfs_link.c) lead to the vnode itself rather than to a path;
 * a descriptor without vnode leads to a PN_FDFILE vnode, whose open makes
 * another file over the same host descriptor.  Only mem (procfs_mem.c) and some
 * settings can be written.
 *
 * Locking.  None: nodes are immutable, and ops are called without locks.
 *
 * Guarantees.  Read-only but for these: writing is EACCES, making names ENOENT.
 * Sizes are 0.  Numbers of inodes are stable: pid << 16 | node.
 *
 * Limits.  A thread shows what its process has: of its own are its state, its
 * niceness and its numbers.
 */
#include "vfs/procfs/procfs_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/stat.h"
#include "host/host.h"
#include "libk/kassert.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"
#include "mem/vm_types.h"

const char *const procfs_links[PROCFS_NLINKS] = {"exe", "cwd", "root"};

const struct procfs_ops *
procfs_ops_of(const struct vnode *vp, void **arg)
{
	static const struct procfs_pid_node no_pid_nodes[1];
	static const struct procfs_sys_node no_sys_nodes[1];
	static const struct procfs_ops none = {.pid_nodes = no_pid_nodes,
	    .sys_nodes = no_sys_nodes,
	    .settings = no_sys_nodes};
	const struct vfs *vfs = vp->mount->vfs;

	*arg = vfs->procfs_arg;
	return (vfs->procfs_ops != NULL ? vfs->procfs_ops : &none);
}

bool
procfs_number(const char *name, int *n)
{
	int64_t v = 0;
	const char *p = name;

	for (; *p >= '0' && *p <= '9' && v <= INT32_MAX; p++)
		v = v * 10 + (*p - '0');
	if (*p != '\0' || p == name || v > INT32_MAX ||
	    (name[0] == '0' && name[1] != '\0'))
		return (false);
	*n = (int)v;
	return (true);
}

uint64_t
procfs_ino(const struct procfs_node *n)
{
	uint64_t base = (uint64_t)n->pid << 16;

	switch (n->kind) {
	case PN_ROOT:
	case PN_SELF:
	case PN_THREADSELF:
	case PN_MOUNTS:
		return (1 + (uint64_t)n->kind);
	case PN_SYSTEXT:
		return (0x100 + n->idx);
	case PN_SYSCTLDIR:
	case PN_SYSCTL:
		return (0x200 + n->idx);
	case PN_FD:
	case PN_FDFILE:
		return ((uint64_t)1 << 48 | base << 8 | n->idx);
	default:
		break;
	}
	if (n->thread)
		base |= 0x8000;
	if (n->kind == PN_TEXT)
		return (base | (0x100 + n->idx));
	if (n->kind == PN_LINK)
		return (base | (0x200 + n->idx));
	return (base | (uint64_t)n->kind);
}

static const struct vops *
procfs_vops_of(const struct procfs_node *n, enum vtype *type)
{
	struct vattr va;

	switch (n->kind) {
	case PN_SYSTEXT:
	case PN_SYSCTL:
	case PN_TEXT:
		*type = VREG;
		return (&procfs_text_vops);
	case PN_MEM:
		*type = VREG;
		return (&procfs_mem_vops);
	case PN_MOUNTS:
		*type = VLNK;
		return (&procfs_link_vops);
	case PN_SELF:
	case PN_THREADSELF:
	case PN_LINK:
	case PN_FD:
		*type = VLNK;
		return (&procfs_magic_vops);
	case PN_FDFILE:
		*type = VFIFO;
		if (file_getattr(n->file, &va) == 0 && va.type != VNON)
			*type = va.type;
		return (&procfs_fdfile_vops);
	default:
		*type = VDIR;
		return (&procfs_dir_vops);
	}
}

int
procfs_vget(struct vmount *mp, const struct procfs_node *n, struct vnode **vpp)
{
	struct procfs_node *copy = malloc(sizeof(*copy));
	enum vtype type;
	const struct vops *ops = procfs_vops_of(n, &type);
	int error;

	if (copy == NULL)
		return (ENOMEM);
	*copy = *n;
	error = vnode_create(mp, type, ops, copy, procfs_ino(n), vpp);
	if (error != 0)
		free(copy);
	return (error);
}

void
procfs_reclaim(struct vnode *vp)
{
	struct procfs_node *n = vp->data;

	if (n->file != NULL)
		file_free(n->file);
	free(n);
}

/* Permission bits. */
static uint32_t
procfs_mode(const struct vnode *vp)
{
	const struct procfs_node *n = procfs_node(vp);
	void *arg;

	switch (n->kind) {
	case PN_FDDIR:
		return (0500);
	case PN_FD:
		return (0700);
	case PN_MEM:
		return (0600);
	case PN_SYSCTL:
		return (procfs_sysctl_mode(vp));
	case PN_TEXT:
		return (procfs_ops_of(vp, &arg)->pid_nodes[n->idx].mode);
	case PN_SYSTEXT:
		return (procfs_ops_of(vp, &arg)->sys_nodes[n->idx].mode);
	default:
		break;
	}
	return (vp->type == VDIR ? 0555 : vp->type == VLNK ? 0777 : 0444);
}

int
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
		    ops->owner(arg, n->pid, &va->uid, &va->gid) != 0)
			return (ESRCH);
	}
	va->mode = procfs_mode(vp) | vtype_ifmt(vp->type);
	va->nlink = vp->type == VDIR ? 2 : 1;
	va->blksize = 1024;
	va->atime = va->mtime = va->ctime = va->btime = pm->birth;
	return (0);
}

int
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
procfs_fdfile_open(
    struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	return (hostfd_reopen(f, procfs_node(vp)->file));
}

/* O_TRUNC of what a descriptor leads to: not through us. */
static int
procfs_fdfile_setattr(struct vnode *vp, const struct vattr *va, unsigned what)
{
	return (what == VA_SIZE ? 0 : EPERM);
}

/* Names cannot be made here; Linux says that the directory knows no such name.
 */
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

const struct vops procfs_dir_vops = {
    .lookup = procfs_lookup,
    .create = procfs_create,
    .mkdir = procfs_mkdir,
    .getattr = procfs_getattr,
    .readdir = procfs_readdir,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};
/* O_TRUNC of a setting, or of memory, means nothing. */
static int
procfs_text_setattr(struct vnode *vp, const struct vattr *va, unsigned what)
{
	return (what == VA_SIZE ? 0 : EPERM);
}

const struct vops procfs_text_vops = {
    .getattr = procfs_getattr,
    .setattr = procfs_text_setattr,
    .open = procfs_text_open,
    .read = procfs_text_read,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};
const struct vops procfs_mem_vops = {
    .getattr = procfs_getattr,
    .setattr = procfs_text_setattr,
    .open = procfs_mem_open,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};
const struct vops procfs_link_vops = {
    .getattr = procfs_getattr,
    .readlink = procfs_readlink,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};
const struct vops procfs_magic_vops = {
    .getattr = procfs_getattr,
    .readlink = procfs_readlink,
    .follow = procfs_follow,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};
const struct vops procfs_fdfile_vops = {
    .getattr = procfs_getattr,
    .setattr = procfs_fdfile_setattr,
    .open = procfs_fdfile_open,
    .statfs = procfs_statfs,
    .reclaim = procfs_reclaim,
};

static void
procfs_destroy(struct vmount *mp)
{
	free(mp->data);
}

/*
 * - 0, ENOMEM.
 */
int
procfs_mount_create(struct vfs *vfs, struct vmount **mpp)
{
	const struct procfs_node root = {.kind = PN_ROOT};
	struct procfs_mount *pm;
	struct vmount *mp;
	int error;

	error = vmount_create(vfs, "proc", "proc", 0, procfs_destroy, &mp);
	if (error != 0)
		return (error);
	pm = calloc(1, sizeof(*pm));
	error = ENOMEM;
	if (pm != NULL) {
		pm->birth = (int64_t)host_realtime_ns();
		procfs_boot_id(pm->boot_id, sizeof(pm->boot_id));
		mp->data = pm;
		error = procfs_vget(mp, &root, &mp->root);
	}
	if (error != 0) {
		vmount_destroy(mp);
		return (error);
	}
	mp->root->flags |= VN_ROOT;
	*mpp = mp;
	return (0);
}
