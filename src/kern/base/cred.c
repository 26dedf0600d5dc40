/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Credentials: the ids, groups and capabilities of a thread.
 *
 * Purpose.  A thread has its own credentials, as on Linux: setresuid(2) and its
 * relatives change the calling thread alone (a C library has the other threads
 * call them, too).  This file has the rules by which capabilities follow from
 * changes of ids and from exec; the system calls are in
 * linux/proc/sys_cred.c and sys_cap.c.
 *
 * Concepts.  A struct cred is immutable once a second thread can see it, and
 * shared: fork and clone take a ref.  A change makes a copy, edits it, and
 * replaces the pointer of the thread (lwp_set_cred()).  So a reader that has a
 * ref sees ids, groups and capabilities that belong together.
 *
 * The credentials of a process, where there is no thread to ask about, are
 * those of its first thread, also after the end of that thread.  They decide
 * whether another process may signal it, look into it or change its limits.
 *
 * Capabilities.  A privilege is never derived from a user id, but from the
 * effective set, by cred_capable() and its relatives, which say in which user
 * namespace (ns.c).  User id 0 of that matters in two places only:
 * cred_fix_setuid() empties the sets when a thread gives up user id 0, and
 * cred_exec() fills them when a program is executed with it, both unless the
 * securebits say otherwise.  There are no file capabilities, and set-id bits of
 * files are ignored, so that exec never changes an id.
 *
 * Locking and lifetime.  lwp.cred is changed by its own thread under the proc
 * lock: the own thread reads it without a lock, others under the lock.
 * proc.cred is read and changed under the proc lock.  A struct cred is charged
 * to the process that has made it.
 *
 * Source: capabilities(7), credentials(7).
 */
#include "kern/base/cred.h"

#include <errno.h>
#include <string.h>

#include "abi/capability.h"
#include "kern/base/ns.h"
#include "libk/kassert.h"
#include "mem/group_set.h"
#include "mem/kmem.h"

#define BIT(cap) (UINT64_C(1) << (cap))

/* What a change of the file system id takes and gives. */
#define FS_CAPS                                                \
	(BIT(LX_CAP_CHOWN) | BIT(LX_CAP_DAC_OVERRIDE) |        \
	    BIT(LX_CAP_DAC_READ_SEARCH) | BIT(LX_CAP_FOWNER) | \
	    BIT(LX_CAP_FSETID) | BIT(LX_CAP_LINUX_IMMUTABLE) | \
	    BIT(LX_CAP_MKNOD) | BIT(LX_CAP_MAC_OVERRIDE))

static struct cred *
cred_alloc(_Atomic(uint64_t) *serials)
{
	struct cred *c = kmem_zalloc(sizeof(*c));

	if (c == NULL)
		return (NULL);
	atomic_init(&c->refs, 1);
	c->serials = serials;
	c->serial = atomic_fetch_add(serials, 1) + 1;
	return (c);
}

struct cred *
cred_create(bool all, _Atomic(uint64_t) *serials)
{
	struct cred *c = cred_alloc(serials);

	if (c == NULL)
		return (NULL);
	c->cap_bset = LX_CAP_ALL;
	if (all)
		c->cap_perm = c->cap_eff = LX_CAP_ALL;
	return (c);
}

struct cred *
cred_copy(const struct cred *from)
{
	struct cred *c = cred_alloc(from->serials);

	if (c == NULL)
		return (NULL);
	c->uid = from->uid;
	c->euid = from->euid;
	c->suid = from->suid;
	c->fsuid = from->fsuid;
	c->gid = from->gid;
	c->egid = from->egid;
	c->sgid = from->sgid;
	c->fsgid = from->fsgid;
	c->securebits = from->securebits;
	c->groups = group_set_ref(from->groups);
	c->userns = from->userns;
	if (c->userns != NULL)
		ns_ref(&c->userns->ns);
	c->cap_inh = from->cap_inh;
	c->cap_perm = from->cap_perm;
	c->cap_eff = from->cap_eff;
	c->cap_bset = from->cap_bset;
	c->cap_amb = from->cap_amb;
	return (c);
}

struct cred *
cred_ref(struct cred *c)
{
	KVERIFY(atomic_fetch_add(&c->refs, 1) != 0);
	return (c);
}

void
cred_free(struct cred *c)
{
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	group_set_free(c->groups);
	if (c->userns != NULL)
		ns_free(&c->userns->ns);
	kmem_free(c);
}

void
cred_set_groups(struct cred *c, struct group_set *groups)
{
	group_set_free(c->groups);
	c->groups = groups;
}

void
cred_enter_userns(struct cred *c, struct userns *u)
{
	struct userns *old = c->userns;

	ns_ref(&u->ns);
	c->userns = u;
	c->securebits = 0;
	c->cap_inh = c->cap_amb = 0;
	c->cap_perm = c->cap_eff = c->cap_bset = LX_CAP_ALL;
	if (old != NULL)
		ns_free(&old->ns);
}

bool
cred_in_group(const struct cred *c, uint32_t gid)
{
	return (gid == c->fsgid || group_set_has(c->groups, gid));
}

uint64_t
cred_real_caps(const struct cred *c)
{
	if (c->userns != NULL)
		return (0);
	if ((c->securebits & LX_SECBIT_NO_SETUID_FIXUP) != 0)
		return (c->cap_eff);
	return (c->uid == 0 ? c->cap_perm : 0);
}

/* Are there capabilities of `new` that `old` has not?  The user that has made a
 * user namespace has all of them there already. */
static bool
caps_gained(const struct cred *new, const struct cred *old)
{
	if (new->userns == old->userns)
		return ((new->cap_perm & ~old->cap_perm) != 0);
	return (!cred_ns_owns(old, new->userns));
}

bool
cred_differs(const struct cred *new, const struct cred *old)
{
	return (new->euid != old->euid || new->egid != old->egid ||
		new->fsuid != old->fsuid || new->fsgid != old->fsgid ||
		caps_gained(new, old));
}

/* Is uid the root of the user namespace of c? */
static bool
is_root(const struct cred *c, uint32_t uid)
{
	if (c->userns == NULL)
		return (uid == 0);
	return (id_from_kernel(&c->userns->uid_map, uid) == 0);
}

static bool
has_root(const struct cred *c)
{
	return (
	    is_root(c, c->uid) || is_root(c, c->euid) || is_root(c, c->suid));
}

void
cred_fix_setuid(struct cred *new, const struct cred *old, bool fs)
{
	if ((old->securebits & LX_SECBIT_NO_SETUID_FIXUP) != 0)
		return;
	if (fs) {
		if (is_root(old, old->fsuid) && !is_root(new, new->fsuid))
			new->cap_eff &= ~FS_CAPS;
		else if (!is_root(old, old->fsuid) && is_root(new, new->fsuid))
			new->cap_eff |= new->cap_perm &FS_CAPS;
		return;
	}
	if (has_root(old) && !has_root(new)) {
		if ((old->securebits & LX_SECBIT_KEEP_CAPS) == 0)
			new->cap_perm = new->cap_eff = 0;
		new->cap_amb = 0;
	}
	if (is_root(old, old->euid) && !is_root(new, new->euid))
		new->cap_eff = 0;
	else if (!is_root(old, old->euid) && is_root(new, new->euid))
		new->cap_eff = new->cap_perm;
}

int
cred_exec(
    const struct cred *old, bool no_new_privs, struct cred **out, bool *secure)
{
	const bool noroot = (old->securebits & LX_SECBIT_NOROOT) != 0;
	struct cred *c = cred_copy(old);
	bool effective = false;

	if (c == NULL)
		return (ENOMEM);
	c->cap_perm = 0;
	if (!noroot && (is_root(c, c->uid) || is_root(c, c->euid))) {
		c->cap_perm = old->cap_bset | old->cap_inh;
		effective = is_root(c, c->euid);
	}
	if (no_new_privs && (c->cap_perm & ~old->cap_perm) != 0) {
		c->cap_perm &= old->cap_perm;
		c->euid = c->uid;
		c->egid = c->gid;
	}
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	c->cap_perm |= c->cap_amb;
	c->cap_eff = effective ? c->cap_perm : c->cap_amb;
	c->securebits &= ~(uint32_t)LX_SECBIT_KEEP_CAPS;
	*secure = c->euid != old->uid || c->egid != old->gid ||
		  (!is_root(c, c->uid) &&
		      (effective || (c->cap_perm & ~c->cap_amb) != 0));
	*out = c;
	return (0);
}
