/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Links of procfs.
 *
 * Concepts.  Following a magic link gives the file itself, also when its
 * path is gone; readlink returns a path or a description.  Only a process that
 * may look into the process (may_look of procfs_ops) may read or follow its
 * links, because a link bypasses the permissions of directories.
 *
 * Limits.  The path of a program, of which only the vnode is known, is that by
 * the first mount of the reader's name space that shows it.
 */
#include "libk/kassert.h"
#include "vfs/procfs/procfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/capability.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"

static int
procfs_self(struct vnode *vp, const struct vfs_ctx *ctx)
{
	const struct vfs_ctx no_caller = {
	    .vfs = vp->mount->vfs, .caps = VFS_CAPS_ALL};
	const struct procfs_ops *ops;
	void *arg;

	ops = procfs_ops_of(vp, &arg);
	return (ops->self == NULL
		    ? 0
		    : ops->self(arg, ctx != NULL ? ctx : &no_caller));
}

static int
procfs_selftid(struct vnode *vp, const struct vfs_ctx *ctx, int pid)
{
	const struct vfs_ctx no_caller = {
	    .vfs = vp->mount->vfs, .caps = VFS_CAPS_ALL};
	const struct procfs_ops *ops;
	void *arg;

	ops = procfs_ops_of(vp, &arg);
	return (ops->selftid == NULL
		    ? pid
		    : ops->selftid(arg, ctx != NULL ? ctx : &no_caller));
}

/* Write the path of a place to buf as the reader sees it, with " (deleted)" if
 * it has no name. */
static int
procfs_path(
    const struct vplace *at, const struct vfs_ctx *ctx, char *buf, size_t size)
{
	const struct vplace *root =
	    ctx != NULL && ctx->root.vp != NULL ? &ctx->root : NULL;
	struct vnode *vp = at->vp;
	struct vplace p = *at;
	struct vattr va;
	int error;

	KASSERT(vp != NULL);
	if (p.mnt == NULL)
		p.mnt = mnt_of_vnode(
		    vp->mount->vfs, root != NULL ? root->mnt : NULL, vp);
	error = vplace_path(&p, root, buf, size);
	if (error == ENOENT && root != NULL) /* outside of the root */
		error = vplace_path(&p, NULL, buf, size);
	if (at->mnt == NULL)
		mnt_rele(p.mnt);
	if (error == ENOENT) {
		kmutex_lock(&vp->lock);
		snprintf(buf, size, "/%s (deleted)",
		    vp->name != NULL ? vp->name : "");
		kmutex_unlock(&vp->lock);
		return (0);
	}
	if (error == 0 && vn_getattr(vp, &va) == 0 && va.nlink == 0 &&
	    strlen(buf) + sizeof(" (deleted)") <= size)
		memcpy(buf + strlen(buf), " (deleted)", sizeof(" (deleted)"));
	return (error);
}

/* Find the target of a process's link: a place or a file, ref'ed. */
static int
procfs_target(struct vnode *vp, struct vplace *at, struct file **fp)
{
	const struct procfs_node *n = procfs_node(vp);
	const struct procfs_ops *ops;
	void *arg;

	ops = procfs_ops_of(vp, &arg);
	*at = (struct vplace){0};
	*fp = NULL;
	if (n->kind == PN_FD)
		return (ops->file == NULL
			    ? ENOENT
			    : ops->file(arg, n->pid, (int)n->idx, fp));
	if (n->kind == PN_MAP)
		return (ops->mapfile(arg, n->pid, n->start, n->end, &at->vp));
	return (ops->place == NULL
		    ? ENOENT
		    : ops->place(arg, n->pid, procfs_links[n->idx], at));
}

static bool
procfs_is_ns(const struct vnode *vp)
{
	return (vp != NULL && vp->ops->reclaim == procfs_reclaim &&
		procfs_node(vp)->kind == PN_NSFILE);
}

static void
procfs_ns_describe(const struct procfs_node *n, char *buf, size_t size)
{
	snprintf(
	    buf, size, "%s:[%u]", procfs_namespaces[n->idx].kind, n->nsino);
}

/* Text of a link to a file or vnode of a process. */
static int
procfs_describe(
    struct vnode *vp, const struct vfs_ctx *ctx, char *buf, size_t size)
{
	struct vplace target;
	struct file *f;
	int error;

	error = procfs_target(vp, &target, &f);
	if (error != 0)
		return (error);
	if (f != NULL && procfs_is_ns(f->vp))
		procfs_ns_describe(procfs_node(f->vp), buf, size);
	else if (f != NULL && (f->vp == NULL || f->vp->mount->root == NULL))
		file_describe(f, buf, size);
	else if (f != NULL && procfs_fdfile(f->vp) != NULL)
		file_describe(procfs_fdfile(f->vp), buf, size);
	else {
		if (f != NULL) {
			target = (struct vplace){f->mnt, f->vp};
			vplace_ref(&target);
		}
		error = procfs_path(&target, ctx, buf, size);
	}
	if (f != NULL)
		file_free(f);
	vplace_rele(&target);
	return (error);
}

/* Links of a process lead past the permissions of directories, so only a caller
 * that may look into the process can read or follow them.  EACCES, ESRCH. */
static int
procfs_may_follow(struct vnode *vp, const struct vfs_ctx *ctx)
{
	int error = procfs_may_look(vp, ctx);

	return (error == EPERM ? EACCES : error);
}

int
procfs_readlink(struct vnode *vp, const struct vfs_ctx *ctx, char *buf,
    size_t size, size_t *len)
{
	const struct procfs_node *n = procfs_node(vp);
	struct procfs_node ns;
	char *text;
	int pid, error = 0;

	text = malloc(VFS_PATH_MAX);
	if (text == NULL)
		return (ENOMEM);
	switch (n->kind) {
	case PN_SELF:
	case PN_THREADSELF:
		pid = procfs_self(vp, ctx);
		if (pid == 0 || procfs_pid_out(vp, pid) == 0)
			error = ENOENT;
		else if (n->kind == PN_SELF)
			snprintf(
			    text, VFS_PATH_MAX, "%d", procfs_pid_out(vp, pid));
		else
			snprintf(text, VFS_PATH_MAX, "%d/task/%d",
			    procfs_pid_out(vp, pid),
			    procfs_pid_out(vp, procfs_selftid(vp, ctx, pid)));
		break;
	case PN_MOUNTS:
		snprintf(
		    text, VFS_PATH_MAX, "self/%s", procfs_self_links[n->idx]);
		break;
	case PN_NS:
		error = procfs_may_follow(vp, ctx);
		if (error == 0)
			error = procfs_ns_target(vp, &ns);
		if (error == 0) {
			procfs_ns_describe(&ns, text, VFS_PATH_MAX);
			procfs_ns_put(vp, &ns);
		}
		break;
	default:
		error = procfs_may_follow(vp, ctx);
		if (error == 0)
			error = procfs_describe(vp, ctx, text, VFS_PATH_MAX);
		break;
	}
	if (error == 0) {
		size_t l = strlen(text);

		*len = l < size ? l : size;
		memcpy(buf, text, *len);
	}
	free(text);
	return (error);
}

/* Get the vnode of `n` and name it `name` in dvp, whose ref passes. */
static int
procfs_step(struct vnode *dvp, const struct procfs_node *n, const char *name,
    struct vnode **vpp)
{
	struct vnode *vp;
	int error;

	error = procfs_vget(dvp->mount, n, &vp);
	if (error == 0) {
		vnode_set_name(vp, dvp, name);
		*vpp = vp;
	}
	vrele(dvp);
	return (error);
}

static int
procfs_follow_self(struct vnode *vp, int pid, int tid, struct vnode **vpp)
{
	struct procfs_node dir = {.kind = PN_PID, .pid = pid};
	const struct procfs_node task = {.kind = PN_TASKDIR, .pid = pid};
	const struct procfs_node thread = {
	    .kind = PN_TID, .pid = tid, .thread = true};
	struct vnode *at = vp->mount->root;
	const struct procfs_ops *ops;
	char name[16];
	void *arg;
	int error;

	ops = procfs_ops_of(vp, &arg);
	dir.id = ops->lookup != NULL ? ops->lookup(arg, pid) : 0;
	snprintf(name, sizeof(name), "%d", procfs_pid_out(vp, pid));
	vref(at);
	error = procfs_step(at, &dir, name, &at);
	if (error != 0)
		return (error);
	if (tid != 0) {
		error = procfs_step(at, &task, "task", &at);
		if (error != 0)
			return (error);
		snprintf(name, sizeof(name), "%d", procfs_pid_out(vp, tid));
		error = procfs_step(at, &thread, name, &at);
		if (error != 0)
			return (error);
	}
	*vpp = at;
	return (0);
}

int
procfs_follow(struct vnode *vp, const struct vfs_ctx *ctx, struct vplace *to)
{
	const struct procfs_node *n = procfs_node(vp);
	struct vplace target;
	struct file *f;
	int pid, error;

	if (n->kind == PN_SELF || n->kind == PN_THREADSELF) {
		pid = procfs_self(vp, ctx);
		if (pid == 0 || procfs_pid_out(vp, pid) == 0)
			return (ENOENT);
		return (procfs_follow_self(vp, pid,
		    n->kind == PN_THREADSELF ? procfs_selftid(vp, ctx, pid) : 0,
		    &to->vp));
	}
	error = procfs_may_follow(vp, ctx);
	if (error != 0)
		return (error);
	if (n->kind == PN_NS) {
		struct procfs_node ns;

		error = procfs_ns_target(vp, &ns);
		if (error != 0)
			return (error);
		error = procfs_vget(vp->mount, &ns, &to->vp);
		if (error != 0)
			procfs_ns_put(vp, &ns);
		return (error);
	}
	if (n->kind == PN_MAP && ctx != NULL &&
	    !vfs_ctx_capable(ctx, LX_CAP_CHECKPOINT_RESTORE) &&
	    !vfs_ctx_capable(ctx, LX_CAP_SYS_ADMIN))
		return (EPERM);
	error = procfs_target(vp, &target, &f);
	if (error != 0)
		return (error);
	if (f == NULL) {
		*to = target;
		return (0);
	}
	if (f->vp != NULL) {
		*to = (struct vplace){f->mnt, f->vp};
		vplace_ref(to);
	} else {
		struct procfs_node fn = *n;

		fn.kind = PN_FDFILE;
		fn.file = f;
		error = procfs_vget(vp->mount, &fn, &to->vp);
		if (error == 0)
			return (0); /* f's ref is the vnode's */
	}
	file_free(f);
	return (error);
}
