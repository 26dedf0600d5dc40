/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Name spaces: of users, host names, System V IPC, numbers of processes and
 * cgroups.  Those of mounts are in vfs/core/mntns.c.
 *
 * Concepts.  A process has a set of name spaces, which fork shares; unshare,
 * setns and clone give it another set, which differs in some of them.  A set is
 * immutable, so it is read without a lock by its owner of a ref.  Each name
 * space has an owner, a user namespace, whose root may change it.
 *
 * User namespaces.  The ids that the kernel stores and compares are those of
 * the first user namespace always.  A map translates them where a guest sees or
 * sets them.  Credentials have a user namespace, and their capabilities are
 * capabilities in that one and in those below it.  A thread gets all of them
 * when it makes or enters a user namespace, in new credentials
 * (cred_enter_userns()), and the uid that made a user namespace has all of them
 * there from its parent.  Capabilities of an inner user namespace never count
 * outside: what belongs to no name space (files, limits, priorities) asks
 * cred_capable(), which is for the first user namespace alone; what belongs to
 * one asks cred_ns_capable() with its owner; what changes only the caller, as
 * ids that are mapped, asks cred_capable_here().
 *
 * IPC name spaces have no state here: each object of System V IPC and each
 * message queue has the number of the name space that it belongs to, and
 * lookups of others do not find it (kern/ipc/sysvipc.c).
 *
 * Networks.  The first one is that of the embedder or of the host.  All others
 * are empty: their processes can make no Internet socket.
 *
 * Locking and lifetime.  refs are atomic.  p->ns is changed under the lock of
 * the process.  A set refs its name spaces, a name space its owner, a user or
 * pid namespace its parent (the owner of a user namespace is its parent); there
 * are no refs in the other direction.
 *
 * Limits.  NS_MAX name spaces.  That of time is the first one.  All threads of
 * a process have one set.  Capabilities of an inner user namespace do not help
 * with files, also not with those of mapped ids (Linux: they do).
 */
#include "kern/base/ns.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/sched.h"
#include "kern/base/cred.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"

#define NET_FIRST 4026531833u /* as on Linux */

static const uint64_t kind_flags[NS_KINDS] = {
    [NS_CGROUP] = LX_CLONE_NEWCGROUP,
    [NS_IPC] = LX_CLONE_NEWIPC,
    [NS_MNT] = LX_CLONE_NEWNS,
    [NS_NET] = LX_CLONE_NEWNET,
    [NS_PID] = LX_CLONE_NEWPID,
    [NS_TIME] = LX_CLONE_NEWTIME,
    [NS_USER] = LX_CLONE_NEWUSER,
    [NS_UTS] = LX_CLONE_NEWUTS,
};

bool
ns_set_offline(const struct ns_set *set)
{
	return (set->of[NS_NET]->ino != NET_FIRST);
}

uint64_t
ns_flag(enum ns_kind kind)
{
	return (kind_flags[kind]);
}

/* ---- refs ---- */

void
ns_ref(struct ns *ns)
{
	uint32_t old =
	    atomic_fetch_add_explicit(&ns->refs, 1, memory_order_relaxed);

	KVERIFY(old > 0 && old < UINT32_MAX);
}

/* The last ref went.  Returns what has to be released next. */
static void
ns_end(struct ns *ns)
{
	struct pidns *pid = (struct pidns *)ns;

	switch (ns->kind) {
	case NS_USER:
		kmutex_destroy(&((struct userns *)ns)->lock);
		break;
	case NS_UTS:
		kmutex_destroy(&((struct utsns *)ns)->lock);
		break;
	case NS_IPC:
		if (ns->k->ipc_ns_end != NULL)
			ns->k->ipc_ns_end(ns->k, ns->ino);
		break;
	case NS_PID:
		KVERIFY(pid->init == NULL);
		if (pid->parent != NULL)
			ns_free(&pid->parent->ns);
		break;
	default:
		break;
	}
	atomic_fetch_sub(&ns->k->nns, 1);
	kmem_free(ns);
}

/* The chain of owners is at most USERNS_LEVELS long. */
void
ns_free(struct ns *ns)
{
	struct userns *owner;

	while (ns != NULL && atomic_fetch_sub(&ns->refs, 1) == 1) {
		owner = ns->owner;
		ns_end(ns);
		ns = owner != NULL ? &owner->ns : NULL;
	}
}

void
ns_set_ref(struct ns_set *set)
{
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
}

void
ns_set_free(struct ns_set *set)
{
	if (set == NULL || atomic_fetch_sub(&set->refs, 1) != 1)
		return;
	for (int i = 0; i < NS_KINDS; i++)
		ns_free(set->of[i]);
	kmem_free(set);
}

/* ---- making ---- */

int
ns_create(struct vkernel *k, enum ns_kind kind, uint32_t ino,
    struct userns *owner, struct ns **out)
{
	static const size_t sizes[NS_KINDS] = {
	    [NS_USER] = sizeof(struct userns),
	    [NS_UTS] = sizeof(struct utsns),
	    [NS_PID] = sizeof(struct pidns)};
	struct ns *ns;

	if (atomic_fetch_add(&k->nns, 1) >= NS_MAX) {
		atomic_fetch_sub(&k->nns, 1);
		return (ENOSPC);
	}
	ns = kmem_zalloc(sizes[kind] != 0 ? sizes[kind] : sizeof(*ns));
	if (ns == NULL) {
		atomic_fetch_sub(&k->nns, 1);
		return (ENOMEM);
	}
	atomic_init(&ns->refs, 1);
	ns->kind = kind;
	ns->k = k;
	ns->ino = ino != 0 ? ino : atomic_fetch_add(&k->vfs->next_ns, 1);
	ns->owner = owner;
	if (owner != NULL)
		ns_ref(&owner->ns);
	if (kind == NS_USER)
		kmutex_init(
		    &((struct userns *)ns)->lock, "userns", KRANK_LEAF, 0);
	if (kind == NS_UTS)
		kmutex_init(
		    &((struct utsns *)ns)->lock, "utsns", KRANK_LEAF, 0);
	*out = ns;
	return (0);
}

int
ns_init(struct vkernel *k)
{
	/* The numbers that Linux gives the first ones. */
	static const uint32_t inos[NS_KINDS] = {[NS_CGROUP] = 4026531835,
	    [NS_IPC] = 4026531839,
	    [NS_NET] = NET_FIRST,
	    [NS_PID] = 4026531836,
	    [NS_TIME] = 4026531834,
	    [NS_USER] = 4026531837,
	    [NS_UTS] = 4026531838};
	struct ns_set *set = kmem_zalloc(sizeof(*set));
	struct userns *user;
	struct utsns *uts;
	int error;

	if (set == NULL)
		return (ENOMEM);
	atomic_init(&set->refs, 1);
	error = ns_create(k, NS_USER, inos[NS_USER], NULL, &set->of[NS_USER]);
	user = (struct userns *)set->of[NS_USER];
	for (int i = 0; error == 0 && i < NS_KINDS; i++)
		if (i != NS_USER && i != NS_MNT)
			error = ns_create(k, i, inos[i], user, &set->of[i]);
	if (error != 0) {
		ns_set_free(set);
		return (error);
	}
	user->uid_map.range[0] = user->gid_map.range[0] =
	    (struct id_range){0, 0, UINT32_MAX};
	atomic_store(&user->uid_map.n, 1);
	atomic_store(&user->gid_map.n, 1);
	uts = (struct utsns *)set->of[NS_UTS];
	memcpy(uts->hostname, k->hostname, sizeof(uts->hostname));
	strcpy(uts->domainname, "(none)");
	k->ns = set;
	k->vfs->ns->owner = user;
	k->vfs->ns->ino = 4026531832;
	return (0);
}

void
ns_fini(struct vkernel *k)
{
	ns_set_free(k->ns);
	k->ns = NULL;
	KVERIFY(atomic_load(&k->nns) == 0);
}

/* ---- ids ---- */

uint32_t
id_to_kernel(const struct id_map *m, uint32_t id)
{
	const unsigned n = atomic_load_explicit(&m->n, memory_order_acquire);

	for (unsigned i = 0; i < n; i++)
		if (id >= m->range[i].first &&
		    id - m->range[i].first < m->range[i].count)
			return (m->range[i].below + (id - m->range[i].first));
	return (UINT32_MAX);
}

uint32_t
id_from_kernel(const struct id_map *m, uint32_t id)
{
	const unsigned n = atomic_load_explicit(&m->n, memory_order_acquire);

	for (unsigned i = 0; i < n; i++)
		if (id >= m->range[i].below &&
		    id - m->range[i].below < m->range[i].count)
			return (m->range[i].first + (id - m->range[i].below));
	return (UINT32_MAX);
}

uint32_t
id_shown(const struct id_map *m, uint32_t id)
{
	const uint32_t shown = id_from_kernel(m, id);

	return (shown == UINT32_MAX ? ID_OVERFLOW : shown);
}

/* ---- rights ---- */

/* Is u the user namespace of the credentials? */
static bool
is_own(const struct cred *c, const struct userns *u)
{
	return (c->userns == NULL ? u->ns.owner == NULL : c->userns == u);
}

bool
cred_ns_owns(const struct cred *c, const struct userns *target)
{
	for (const struct userns *u = target; u != NULL; u = u->ns.owner)
		if (u->ns.owner != NULL && is_own(c, u->ns.owner) &&
		    u->uid == c->euid)
			return (true);
	return (false);
}

bool
cred_ns_capable(const struct cred *c, const struct userns *target, int cap)
{
	if (target == NULL)
		return (cred_capable(c, cap));
	for (const struct userns *u = target; u != NULL; u = u->ns.owner)
		if (is_own(c, u))
			return (cred_capable_here(c, cap) ||
				cred_ns_owns(c, target));
	return (false);
}
