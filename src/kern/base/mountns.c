/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Processes and their name spaces of mounts.
 *
 * A proc_fs has a ref of its name space, beside the two places that were in it
 * when they were set.  A process that changes the name space gets new places at
 * the same time, under the lock of its proc_fs; the old ones are released after
 * that, because the last ref of a mount may write pages back.
 *
 * Limits.  All threads of a process share one proc_fs, so a thread that changes
 * its name space changes that of its process.
 */
#include "kern/base/mountns.h"

#include <errno.h>

#include "abi/capability.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"

struct mntns *
kern_mountns_ref(struct proc *p)
{
	struct proc_fs *fs = p->fs;
	struct mntns *ns;

	kmutex_lock(&fs->lock);
	ns = fs->ns;
	mntns_ref(ns);
	kmutex_unlock(&fs->lock);
	return (ns);
}

bool
kern_mounts_capable(struct lwp *l, const struct mntns *ns)
{
	return (cred_ns_capable(l->cred, ns->owner, LX_CAP_SYS_ADMIN));
}

/* Replace *at, if it is `from`.  The ref is not the last one of `from`, because
 * the caller has one. */
static void
place_moved(
    struct vplace *at, const struct vplace *from, const struct vplace *to)
{
	struct vplace old = *at;

	if (!vplace_same(at, from))
		return;
	*at = *to;
	vplace_ref(at);
	vplace_rele(&old);
}

void
kern_mounts_moved(
    struct vkernel *k, const struct vplace *from, const struct vplace *to)
{
	struct proc *p;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		kmutex_lock(&p->lock);
		if (p->fs != NULL) {
			kmutex_lock(&p->fs->lock);
			place_moved(&p->fs->root, from, to);
			place_moved(&p->fs->cwd, from, to);
			kmutex_unlock(&p->fs->lock);
		}
		kmutex_unlock(&p->lock);
	}
	kmutex_unlock(&k->proctree);
}

/* Put the name space and the places, whose refs pass, into fs. */
static void
mounts_set(
    struct proc_fs *fs, struct mntns *ns, struct vplace cwd, struct vplace root)
{
	struct vplace old_cwd, old_root;
	struct mntns *old;

	kmutex_lock(&fs->lock);
	old = fs->ns;
	old_cwd = fs->cwd;
	old_root = fs->root;
	fs->ns = ns;
	fs->cwd = cwd;
	fs->root = root;
	kmutex_unlock(&fs->lock);
	vplace_rele(&old_cwd);
	vplace_rele(&old_root);
	mntns_free(old);
}

static void
owner_free(void *owner)
{
	ns_free(&((struct userns *)owner)->ns);
}

int
kern_mounts_unshare(struct proc_fs *fs, struct userns *owner)
{
	struct vplace cwd, root, *at[] = {&cwd, &root};
	struct mntns *old, *new;
	int error;

	kmutex_lock(&fs->lock);
	old = fs->ns;
	cwd = fs->cwd;
	root = fs->root;
	mntns_ref(old);
	vplace_ref(&cwd);
	vplace_ref(&root);
	kmutex_unlock(&fs->lock);
	error = mntns_copy(old, at, 2, old->owner != owner, &new);
	mntns_free(old);
	if (error == 0) {
		ns_ref(&owner->ns);
		new->owner = owner;
		new->owner_free = owner_free;
		mounts_set(fs, new, cwd, root);
		return (0);
	}
	vplace_rele(&cwd);
	vplace_rele(&root);
	return (error);
}

int
kern_mounts_enter(struct proc_fs *fs, struct mntns *ns)
{
	struct vplace root;

	if (!mntns_top(ns, &root))
		return (EINVAL);
	vplace_ref(&root); /* twice: it is the working directory, too */
	mounts_set(fs, ns, root, root);
	return (0);
}
