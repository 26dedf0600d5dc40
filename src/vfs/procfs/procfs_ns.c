/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Namespaces as files: what a link in /proc/PID/ns leads to.
 *
 * Concepts.  The node of such a file has a ref of the namespace, which
 * therefore lives as long as the file is open or something is mounted over it.
 * It can be compared by its inode number, asked for its kind, and entered by
 * setns(2).
 *
 * Limits.  The file of the user namespace that owns another one is not given
 * out (EPERM, as for a caller outside of it), nor is the owner of any but the
 * first user namespace.
 */
#include "vfs/procfs/procfs_int.h"

#include <errno.h>
#include <string.h>

#include "abi/ioctl.h"
#include "abi/sched.h"
#include "vfs/core/file.h"

static int
ns_ioctl(struct file *f, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret)
{
	const struct procfs_namespace *ns =
	    &procfs_namespaces[procfs_node(f->vp)->idx];
	const uint32_t uid = 0;

	switch (cmd) {
	case LX_NS_GET_NSTYPE:
		*ret = (long)ns->flag;
		return (0);
	case LX_NS_GET_USERNS:
		return (EPERM);
	case LX_NS_GET_PARENT:
		return (
		    ns->flag == LX_CLONE_NEWPID || ns->flag == LX_CLONE_NEWUSER
			? EPERM
			: EINVAL);
	case LX_NS_GET_OWNER_UID:
		if (ns->flag != LX_CLONE_NEWUSER || size < sizeof(uid))
			return (EINVAL);
		if (procfs_node(f->vp)->nsino != ns->ino)
			return (EPERM);
		memcpy(kbuf, &uid, sizeof(uid));
		return (0);
	default:
		return (ENOTTY);
	}
}

static const struct fileops procfs_ns_fileops;

void *
procfs_ns_of(const struct file *f, uint64_t *flag)
{
	const struct procfs_node *n;

	if (f->ops != &procfs_ns_fileops)
		return (NULL);
	n = procfs_node(f->vp);
	*flag = procfs_namespaces[n->idx].flag;
	return (n->ns);
}

static const struct fileops procfs_ns_fileops = {
    .ioctl = ns_ioctl,
    .getattr = procfs_text_getattr,
    .name = "ns",
};

int
procfs_ns_open(
    struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	f->ops = &procfs_ns_fileops;
	return (0);
}
