/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Nodes of procfs: their numbers and types, and the vnodes made of them.
 *
 * Concepts.  A node is a value (kind, pid, index) and has no identity.  The
 * mount has a table of the operations of each kind, so the files that implement
 * them make vnodes without needing each other.
 *
 * Locking: none, nodes are immutable.
 */
#include "vfs/procfs/procfs_int.h"

#include <errno.h>
#include <string.h>

#include "abi/sched.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"

const char *const procfs_self_links[PROCFS_NSELFLINKS] = {"mounts", "net"};
const char *const procfs_links[PROCFS_NLINKS] = {"exe", "cwd", "root"};

const struct procfs_namespace procfs_namespaces[PROCFS_NNAMESPACES] = {
    {"cgroup", "cgroup", 4026531835, LX_CLONE_NEWCGROUP},
    {"ipc", "ipc", 4026531839, LX_CLONE_NEWIPC},
    {"mnt", "mnt", 4026531832, LX_CLONE_NEWNS},
    {"net", "net", 4026531833, LX_CLONE_NEWNET},
    {"pid", "pid", 4026531836, LX_CLONE_NEWPID},
    {"pid_for_children", "pid", 4026531836, LX_CLONE_NEWPID},
    {"time", "time", 4026531834, LX_CLONE_NEWTIME},
    {"time_for_children", "time", 4026531834, LX_CLONE_NEWTIME},
    {"user", "user", 4026531837, LX_CLONE_NEWUSER},
    {"uts", "uts", 4026531838, LX_CLONE_NEWUTS},
};

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

int
procfs_pid_out(const struct vnode *vp, int pid)
{
	const struct procfs_mount *pm = vp->mount->data;
	const struct procfs_ops *ops;
	void *arg;

	ops = procfs_ops_of(vp, &arg);
	return (pm->ns != NULL && ops->pid_out != NULL
		    ? ops->pid_out(arg, pm->ns, pid)
		    : pid);
}

int
procfs_pid_in(const struct vnode *vp, int num)
{
	const struct procfs_mount *pm = vp->mount->data;
	const struct procfs_ops *ops;
	void *arg;

	ops = procfs_ops_of(vp, &arg);
	return (pm->ns != NULL && ops->pid_in != NULL
		    ? ops->pid_in(arg, pm->ns, num)
		    : num);
}

int
procfs_ns_target(struct vnode *vp, struct procfs_node *to)
{
	const struct procfs_node *n = procfs_node(vp);
	const struct procfs_namespace *ns = &procfs_namespaces[n->idx];
	const struct procfs_ops *ops;
	void *arg;

	*to = (struct procfs_node){
	    .kind = PN_NSFILE, .idx = n->idx, .nsino = ns->ino};
	ops = procfs_ops_of(vp, &arg);
	if (ops->ns_get == NULL)
		return (0);
	return (ops->ns_get(arg, n->pid, ns->flag,
	    strchr(ns->name, '_') != NULL, &to->ns, &to->nsino));
}

void
procfs_ns_put(struct vnode *vp, struct procfs_node *n)
{
	const struct procfs_ops *ops;
	void *arg;

	if (n->ns == NULL)
		return;
	ops = procfs_ops_of(vp, &arg);
	if (ops->ns_put != NULL)
		ops->ns_put(procfs_namespaces[n->idx].flag, n->ns);
	n->ns = NULL;
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
		return (1 + (uint64_t)n->kind);
	case PN_MOUNTS:
		return (0x40 + n->idx);
	case PN_SYSTEXT:
		return (0x100 + n->idx);
	case PN_SYSCTLDIR:
	case PN_SYSCTL:
		return (0x200 + n->idx);
	case PN_FD:
	case PN_FDFILE:
		return ((uint64_t)1 << 48 | base << 8 | n->idx);
	case PN_FDINFO:
		return ((uint64_t)1 << 49 | base << 8 | n->idx);
	case PN_MAP:
		return ((uint64_t)1 << 62 | base << 20 | n->start >> 12);
	case PN_NETTEXT:
		return (0x1000 + n->idx);
	case PN_NSFILE:
		return (n->nsino);
	case PN_TREEDIR:
	case PN_TREE:
		return (1 + ((uint64_t)n->idx << 16 | (uint16_t)n->num));
	default:
		break;
	}
	if (n->thread)
		base |= 0x8000;
	if (n->kind == PN_TEXT)
		return (base | (0x100 + n->idx));
	if (n->kind == PN_LINK)
		return (base | (0x200 + n->idx));
	if (n->kind == PN_NS)
		return (base | (0x300 + n->idx));
	return (base | (uint64_t)n->kind);
}

static enum vtype
procfs_type(const struct procfs_node *n)
{
	struct vattr va;

	switch (n->kind) {
	case PN_SYSTEXT:
	case PN_SYSCTL:
	case PN_TEXT:
	case PN_MEM:
	case PN_PAGEMAP:
	case PN_FDINFO:
	case PN_NETTEXT:
	case PN_NSFILE:
	case PN_TREE:
		return (VREG);
	case PN_MOUNTS:
	case PN_SELF:
	case PN_THREADSELF:
	case PN_LINK:
	case PN_FD:
	case PN_MAP:
	case PN_NS:
		return (VLNK);
	case PN_FDFILE:
		if (file_getattr(n->file, &va) == 0 && va.type != VNON)
			return (va.type);
		return (VFIFO);
	default:
		return (VDIR);
	}
}

int
procfs_vget(struct vmount *mp, const struct procfs_node *n, struct vnode **vpp)
{
	const struct procfs_mount *pm = mp->data;
	struct procfs_node *copy = kmem_alloc(sizeof(*copy));
	int error;

	if (copy == NULL)
		return (ENOMEM);
	*copy = *n;
	error = vnode_create(
	    mp, procfs_type(n), pm->vops[n->kind], copy, procfs_ino(n), vpp);
	if (error != 0) {
		kmem_free(copy);
		return (error);
	}
	if (n->kind == PN_FDFILE)
		(*vpp)->flags |= VN_HOLDS_FILE | VN_NO_BIND;
	else if (n->kind == PN_NSFILE &&
		 procfs_namespaces[n->idx].flag == LX_CLONE_NEWNS)
		(*vpp)->flags |= VN_NO_BIND;
	return (0);
}

void
procfs_reclaim(struct vnode *vp)
{
	struct procfs_node *n = vp->data;

	if (n->file != NULL)
		file_free(n->file);
	procfs_ns_put(vp, n);
	kmem_free(n);
}

uint64_t
procfs_process(const struct vnode *vp, int *pid)
{
	if (vp->ops->reclaim != procfs_reclaim ||
	    procfs_node(vp)->kind != PN_PID)
		return (0);
	*pid = procfs_node(vp)->pid;
	return (procfs_node(vp)->id);
}

struct file *
procfs_fdfile(const struct vnode *vp)
{
	/* Any mount of procfs: all have the same reclaim. */
	if (vp->ops->reclaim != procfs_reclaim ||
	    procfs_node(vp)->kind != PN_FDFILE)
		return (NULL);
	return (procfs_node(vp)->file);
}
