/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The name spaces that a process is in: reading, copying and replacing its set.
 * ns.c says what a set and a name space are.
 *
 * The user namespace is in two places: in the set of the process, for the maps
 * of ids, and in the credentials of its threads, for capabilities.  Both change
 * together, in a process with one thread, by proc_ns_set() and
 * cred_enter_userns().
 */
#include <errno.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/sched.h"
#include "kern/base/cred.h"
#include "kern/base/lwp.h"
#include "kern/base/mountns.h"
#include "kern/base/ns.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/mount.h"

struct ns_set *
proc_ns_ref(struct proc *p)
{
	struct ns_set *set;

	kmutex_lock(&p->lock);
	set = p->ns;
	ns_set_ref(set);
	kmutex_unlock(&p->lock);
	return (set);
}

struct userns *
proc_userns_ref(struct proc *p)
{
	struct ns *ns;

	kmutex_lock(&p->lock);
	ns = p->ns->of[NS_USER];
	ns_ref(ns);
	kmutex_unlock(&p->lock);
	return ((struct userns *)ns);
}

uint32_t
ipc_ns(void)
{
	const struct lwp *l = lwp_current();

	return (l != NULL ? atomic_load(&l->p->ipc_ns) : 0);
}

/* ---- sets ---- */

/* A new set with refs of the name spaces of `from`. */
static struct ns_set *
set_copy(const struct ns_set *from)
{
	struct ns_set *set = kmem_zalloc(sizeof(*set));

	if (set == NULL)
		return (NULL);
	atomic_init(&set->refs, 1);
	for (int i = 0; i < NS_KINDS; i++) {
		set->of[i] = from->of[i];
		if (set->of[i] != NULL)
			ns_ref(set->of[i]);
	}
	return (set);
}

/* Is the root of the process another one than that of its name space of
 * mounts?  Such a process could leave its root with the rights of a new user
 * namespace. */
static bool
is_chrooted(struct proc *p)
{
	struct proc_fs *fs = p->fs;
	struct vplace top;
	bool is = true;

	kmutex_lock(&fs->lock);
	if (mntns_top(fs->ns, &top)) {
		is = !vplace_same(&top, &fs->root);
		/* Not the last refs: the name space has them. */
		kmutex_unlock(&fs->lock);
		vplace_rele(&top);
		return (is);
	}
	kmutex_unlock(&fs->lock);
	return (is);
}

static int
unshare_user(struct lwp *l, struct ns_set *set)
{
	struct userns *parent = (struct userns *)set->of[NS_USER], *u;
	struct proc *p = l->p;
	struct ns *ns;
	int error;

	if (parent->level >= USERNS_LEVELS)
		return (ENOSPC);
	if (is_chrooted(p))
		return (EPERM);
	error = ns_create(p->k, NS_USER, 0, parent, &ns);
	if (error != 0)
		return (error);
	u = (struct userns *)ns;
	u->level = parent->level + 1;
	u->uid = l->cred->euid;
	u->gid = l->cred->egid;
	atomic_store(&u->no_setgroups, atomic_load(&parent->no_setgroups));
	if (id_from_kernel(&parent->uid_map, u->uid) == UINT32_MAX ||
	    id_from_kernel(&parent->gid_map, u->gid) == UINT32_MAX) {
		ns_free(ns);
		return (EPERM);
	}
	ns_free(&parent->ns);
	set->of[NS_USER] = ns;
	return (0);
}

static int
unshare_kind(struct vkernel *k, struct ns_set *set, enum ns_kind kind)
{
	struct ns *old = set->of[kind], *ns;
	struct pidns *pid;
	int error;

	if (kind == NS_PID && ((struct pidns *)old)->level >= PIDNS_LEVELS)
		return (ENOSPC);
	error = ns_create(k, kind, 0, (struct userns *)set->of[NS_USER], &ns);
	if (error != 0)
		return (error);
	if (kind == NS_UTS) {
		struct utsns *from = (struct utsns *)old;
		struct utsns *to = (struct utsns *)ns;

		kmutex_lock(&from->lock);
		memcpy(to->hostname, from->hostname, sizeof(to->hostname));
		memcpy(
		    to->domainname, from->domainname, sizeof(to->domainname));
		kmutex_unlock(&from->lock);
	} else if (kind == NS_PID) {
		pid = (struct pidns *)ns;
		pid->parent = (struct pidns *)old;
		pid->level = pid->parent->level + 1;
		pid->next = 1;
		set->of[kind] = ns; /* old's ref is the child's now */
		return (0);
	}
	ns_free(old);
	set->of[kind] = ns;
	return (0);
}

int
ns_set_unshare(struct lwp *l, uint64_t flags, struct ns_set **out)
{
	struct proc *p = l->p;
	struct ns_set *old = proc_ns_ref(p), *set;
	int error = 0;

	/* Where there is no network, there are no name spaces of one. */
	if ((flags & LX_CLONE_NEWNET) != 0 && p->k->config.net_socket == NULL &&
	    !p->k->config.net_host && !p->k->config.net_loopback)
		error = EPERM;
	else if ((flags & LX_CLONE_NEWTIME) != 0)
		error = EINVAL;
	else if ((flags & LX_CLONE_NEWUSER) == 0 &&
		 !lwp_capable_here(l, LX_CAP_SYS_ADMIN))
		error = EPERM;
	/* One step at a time: children must be in a name space below that of
	 * the process itself. */
	else if ((flags & LX_CLONE_NEWPID) != 0 &&
		 old->of[NS_PID] != &p->pidns->ns)
		error = EINVAL;
	set = error == 0 ? set_copy(old) : NULL;
	if (error == 0 && set == NULL)
		error = ENOMEM;
	if (error == 0 && (flags & LX_CLONE_NEWUSER) != 0)
		error = unshare_user(l, set);
	for (int i = 0; error == 0 && i < NS_KINDS; i++)
		if (i != NS_USER && i != NS_MNT && (flags & ns_flag(i)) != 0)
			error = unshare_kind(p->k, set, i);
	ns_set_free(old);
	if (error != 0)
		ns_set_free(set);
	else
		*out = set;
	return (error);
}

int
ns_set_replace(struct proc *p, struct ns *ns, struct ns_set **out)
{
	struct ns_set *old = proc_ns_ref(p), *set = set_copy(old);

	ns_set_free(old);
	if (set == NULL)
		return (ENOMEM);
	ns_free(set->of[ns->kind]);
	ns_ref(ns);
	set->of[ns->kind] = ns;
	*out = set;
	return (0);
}

void
proc_ns_set(struct proc *p, struct ns_set *set)
{
	struct ns_set *old;

	kmutex_lock(&p->lock);
	old = p->ns;
	p->ns = set;
	atomic_store(&p->ipc_ns, set->of[NS_IPC]->ino);
	atomic_store(&p->offline, ns_set_offline(set));
	kmutex_unlock(&p->lock);
	ns_set_free(old);
}
