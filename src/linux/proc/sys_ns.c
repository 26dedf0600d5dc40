/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on name spaces: unshare.
 *
 * What a process has alone already needs no copy.  Its threads share their
 * descriptors, directories and name spaces always, so a process with several
 * threads can only get a copy of what it shares with another process by being
 * refused (EINVAL); a new name space of mounts is then one of all threads.
 */
#include "linux/lib/sys_int.h"

#include "abi/sched.h"

#include <errno.h>

#include "kern/base/mountns.h"
#include "vfs/core/fd.h"
#include "vfs/core/mount.h"

sys_fn sys_unshare;

#define UNSHARE_FLAGS                                                        \
	(LX_CLONE_THREAD | LX_CLONE_FS | LX_CLONE_NEWNS | LX_CLONE_SIGHAND | \
	    LX_CLONE_VM | LX_CLONE_FILES | LX_CLONE_SYSVSEM |                \
	    LX_CLONE_NEWUTS | LX_CLONE_NEWIPC | LX_CLONE_NEWNET |            \
	    LX_CLONE_NEWUSER | LX_CLONE_NEWPID | LX_CLONE_NEWCGROUP |        \
	    LX_CLONE_NEWTIME)

static bool
alone(struct proc *p)
{
	bool is;

	kmutex_lock(&p->lock);
	is = p->nlwps == 1;
	kmutex_unlock(&p->lock);
	return (is);
}

/* A proc_fs that no other process has. */
static int
unshare_fs(struct proc *p)
{
	struct proc_fs *old = p->fs, *new;
	int error;

	if (atomic_load(&old->refs) == 1)
		return (0);
	if (!alone(p))
		return (EINVAL);
	error = proc_fs_copy(p->k, old, &new);
	if (error != 0)
		return (error);
	kmutex_lock(&p->lock);
	p->fs = new;
	kmutex_unlock(&p->lock);
	proc_fs_free(p->k, old);
	return (0);
}

static int
unshare_files(struct proc *p)
{
	struct fdtable *old = p->fdt, *new;
	int error;

	if (!p->fdt_shared)
		return (0);
	if (!alone(p))
		return (EINVAL);
	error = fdtable_fork(old, &new);
	if (error != 0)
		return (error);
	kmutex_lock(&p->lock);
	p->fdt = new;
	p->fdt_shared = false;
	kmutex_unlock(&p->lock);
	fdtable_free(old);
	return (0);
}

static int
unshare_check(struct lwp *l, uint64_t flags)
{
	if ((flags & ~UNSHARE_FLAGS) != 0)
		return (EINVAL);
	if ((flags & (LX_CLONE_THREAD | LX_CLONE_SIGHAND | LX_CLONE_VM)) != 0 &&
	    !alone(l->p))
		return (EINVAL);
	if ((flags & LX_CLONE_SYSVSEM) != 0 && l->semundo != NULL)
		return (EINVAL);
	if ((flags & (LX_CLONE_NEWUTS | LX_CLONE_NEWIPC | LX_CLONE_NEWNET |
			 LX_CLONE_NEWUSER | LX_CLONE_NEWPID |
			 LX_CLONE_NEWCGROUP | LX_CLONE_NEWTIME)) != 0)
		return (EPERM);
	return (0);
}

int
sys_unshare(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t flags = a[0];
	struct mntns *ns;
	bool capable;
	int error;

	error = unshare_check(l, flags);
	if (error != 0)
		return (error);
	if ((flags & LX_CLONE_NEWNS) != 0) {
		ns = kern_mountns_ref(l->p);
		capable = kern_mounts_capable(l, ns);
		mntns_free(ns);
		if (!capable)
			return (EPERM);
		flags |= LX_CLONE_FS;
	}
	if ((flags & LX_CLONE_FS) != 0)
		error = unshare_fs(l->p);
	if (error == 0 && (flags & LX_CLONE_FILES) != 0)
		error = unshare_files(l->p);
	if (error == 0 && (flags & LX_CLONE_NEWNS) != 0)
		error = kern_mounts_unshare(l->p->fs);
	return (error);
}
