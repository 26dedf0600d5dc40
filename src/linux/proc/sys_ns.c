/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on name spaces: unshare, setns, sethostname, setdomainname.
 *
 * What a process has alone already needs no copy.  Its threads share their
 * descriptors, directories and name spaces always, so a process with several
 * threads can only get a copy of what it shares with another process by being
 * refused (EINVAL); a new name space is then one of all threads.
 */
#include "linux/lib/sys_int.h"

#include "abi/capability.h"
#include "abi/sched.h"

#include <errno.h>
#include <string.h>

#include "kern/base/cred.h"
#include "kern/base/mountns.h"
#include "kern/base/ns.h"
#include "kern/base/pidfd.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/mount.h"
#include "vfs/procfs/procfs.h"

sys_fn sys_unshare, sys_setns, sys_sethostname, sys_setdomainname;

#define NEW_FLAGS                                                     \
	(LX_CLONE_NEWUTS | LX_CLONE_NEWIPC | LX_CLONE_NEWNET |        \
	    LX_CLONE_NEWUSER | LX_CLONE_NEWPID | LX_CLONE_NEWCGROUP | \
	    LX_CLONE_NEWTIME)
#define UNSHARE_FLAGS                                                        \
	(LX_CLONE_THREAD | LX_CLONE_FS | LX_CLONE_NEWNS | LX_CLONE_SIGHAND | \
	    LX_CLONE_VM | LX_CLONE_FILES | LX_CLONE_SYSVSEM | NEW_FLAGS)

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
	if ((flags & (LX_CLONE_THREAD | LX_CLONE_SIGHAND | LX_CLONE_VM |
			 LX_CLONE_NEWUSER)) != 0 &&
	    !alone(l->p))
		return (EINVAL);
	if ((flags & (LX_CLONE_SYSVSEM | LX_CLONE_NEWIPC)) != 0 &&
	    l->semundo != NULL)
		return (EINVAL);
	return (0);
}

/* The credentials of the caller in the user namespace of the set.  ENOMEM. */
static int
user_cred(struct lwp *l, const struct ns_set *set, struct cred **out)
{
	struct cred *new = cred_copy(l->cred);

	if (new == NULL)
		return (ENOMEM);
	cred_enter_userns(new, (struct userns *)set->of[NS_USER]);
	*out = new;
	return (0);
}

/* Give the caller the set and, with another user namespace, the credentials.
 * Both refs pass. */
static void
ns_enter(struct lwp *l, struct ns_set *set, struct cred *new)
{
	proc_ns_set(l->p, set);
	if (new != NULL)
		lwp_set_cred(l, new);
}

int
sys_unshare(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct cred *new = NULL;
	struct ns_set *set = NULL;
	uint64_t flags = a[0];
	int error;

	error = unshare_check(l, flags);
	if (error != 0)
		return (error);
	if ((flags & (LX_CLONE_NEWNS | LX_CLONE_NEWUSER)) != 0)
		flags |= LX_CLONE_FS;
	if ((flags & (NEW_FLAGS | LX_CLONE_NEWNS)) != 0)
		error = ns_set_unshare(l, flags, &set);
	if (error == 0 && set != NULL && (flags & LX_CLONE_NEWUSER) != 0)
		error = user_cred(l, set, &new);
	if (error == 0 && (flags & LX_CLONE_FS) != 0)
		error = unshare_fs(l->p);
	if (error == 0 && (flags & LX_CLONE_FILES) != 0)
		error = unshare_files(l->p);
	if (error == 0 && set != NULL && (flags & LX_CLONE_NEWNS) != 0)
		error = kern_mounts_unshare(
		    l->p->fs, (struct userns *)set->of[NS_USER]);
	if (error != 0) {
		cred_free(new);
		ns_set_free(set);
	} else if (set != NULL)
		ns_enter(l, set, new);
	return (error);
}

/* ---- setns ---- */

static int
enter_mounts(struct lwp *l, struct mntns *ns)
{
	int error;

	if (!cred_ns_capable(l->cred, ns->owner, LX_CAP_SYS_ADMIN) ||
	    !lwp_capable_here(l, LX_CAP_SYS_ADMIN) ||
	    !lwp_capable_here(l, LX_CAP_SYS_CHROOT))
		return (EPERM);
	if (atomic_load(&l->p->fs->refs) != 1)
		return (EINVAL);
	mntns_ref(ns);
	error = kern_mounts_enter(l->p->fs, ns);
	if (error != 0)
		mntns_free(ns);
	return (error);
}

/* May the caller enter the name space of processes?  It is its own, or below.
 */
static bool
pidns_reachable(const struct proc *p, const struct pidns *ns)
{
	while (ns != NULL && ns->level > p->pidns->level)
		ns = ns->parent;
	return (ns == p->pidns);
}

static int
enter_ns(struct lwp *l, struct ns *ns)
{
	struct cred *new = NULL;
	struct proc *p = l->p;
	struct ns_set *set;
	int error;

	if (ns->kind == NS_USER) {
		struct userns *own = proc_userns_ref(p);
		const bool same = &own->ns == ns;

		ns_free(&own->ns);
		if (same || !alone(p) || atomic_load(&p->fs->refs) != 1)
			return (EINVAL);
		if (!cred_ns_capable(
			l->cred, (struct userns *)ns, LX_CAP_SYS_ADMIN))
			return (EPERM);
	} else if (!cred_ns_capable(l->cred, ns->owner, LX_CAP_SYS_ADMIN) ||
		   !lwp_capable_here(l, LX_CAP_SYS_ADMIN))
		return (EPERM);
	if (ns->kind == NS_PID && !pidns_reachable(p, (struct pidns *)ns))
		return (EINVAL);
	if (ns->kind == NS_IPC && l->semundo != NULL)
		return (EINVAL);
	error = ns_set_replace(p, ns, &set);
	if (error == 0 && ns->kind == NS_USER) {
		error = user_cred(l, set, &new);
		if (error != 0)
			ns_set_free(set);
	}
	if (error == 0)
		ns_enter(l, set, new);
	return (error);
}

/* Enter name spaces of the process of a pidfd: the user namespace first, which
 * gives the rights for the others. */
static int
setns_pidfd(struct lwp *l, struct proc *q, uint64_t flags)
{
	static const enum ns_kind order[] = {
	    NS_USER, NS_CGROUP, NS_IPC, NS_UTS, NS_PID, NS_NET, NS_TIME};
	struct ns_set *set = proc_ns_ref(q);
	struct proc_fs *fs;
	struct mntns *ns;
	int error = 0;

	for (size_t i = 0; error == 0 && i < sizeof(order) / sizeof(order[0]);
	     i++)
		if ((flags & ns_flag(order[i])) != 0)
			error = enter_ns(l, set->of[order[i]]);
	ns_set_free(set);
	if (error != 0 || (flags & LX_CLONE_NEWNS) == 0)
		return (error);
	fs = proc_fs_ref(q);
	if (fs == NULL)
		return (ESRCH);
	kmutex_lock(&fs->lock);
	ns = fs->ns;
	mntns_ref(ns);
	kmutex_unlock(&fs->lock);
	proc_fs_free(q->k, fs);
	error = enter_mounts(l, ns);
	mntns_free(ns);
	return (error);
}

int
sys_setns(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint64_t flags = a[1] & UINT32_MAX;
	struct proc *q;
	struct file *f;
	uint64_t kind;
	void *ns;
	int error;

	error = sys_get_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	ns = procfs_ns_of(f, &kind);
	if (ns != NULL) {
		if (flags != 0 && flags != kind)
			error = EINVAL;
		else if (kind == LX_CLONE_NEWNS)
			error = enter_mounts(l, ns);
		else
			error = enter_ns(l, ns);
	} else if (pidfd_is(f) && (q = pidfd_proc_hold(f)) != NULL) {
		error =
		    flags == 0 || (flags & ~(NEW_FLAGS | LX_CLONE_NEWNS)) != 0
			? EINVAL
			: setns_pidfd(l, q, flags);
		proc_drop(q);
	} else
		error = EINVAL;
	file_free(f);
	return (error);
}

/* ---- names ---- */

static int
set_name(struct lwp *l, uint64_t uname, uint64_t len, bool domain)
{
	char name[NS_HOSTNAME + 1] = "";
	struct ns_set *set;
	struct utsns *uts;
	int error = 0;

	set = proc_ns_ref(l->p);
	uts = (struct utsns *)set->of[NS_UTS];
	if (!cred_ns_capable(l->cred, uts->ns.owner, LX_CAP_SYS_ADMIN))
		error = EPERM;
	else if (len > NS_HOSTNAME)
		error = EINVAL;
	else if (copyin(lwp_vmspace(l), name, uname, len) != 0)
		error = EFAULT;
	if (error == 0) {
		kmutex_lock(&uts->lock);
		memcpy(domain ? uts->domainname : uts->hostname, name,
		    sizeof(name));
		kmutex_unlock(&uts->lock);
	}
	ns_set_free(set);
	return (error);
}

int
sys_sethostname(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (set_name(l, a[0], (uint64_t)(int64_t)(int)a[1], false));
}

int
sys_setdomainname(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (set_name(l, a[0], (uint64_t)(int64_t)(int)a[1], true));
}
