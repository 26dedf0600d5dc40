/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on identity: user and group ids, and groups.  (Capabilities are
 * in sys_cap.c.)
 *
 * The model is POSIX saved ids, for the calling thread alone: with CAP_SETUID
 * or CAP_SETGID in its user namespace it may set any id that is mapped there;
 * otherwise it may change among its real, effective and saved ids.  The file
 * system ids, which count for files, follow the effective ids; setfsuid(2) and
 * setfsgid(2) change them alone.  Credentials have the ids of the kernel; the
 * calls translate them by the maps of the user namespace (kern/base/idmap.c).
 *
 * A call edits a copy of the thread's credentials and replaces them.  A call
 * that fails leaves them as they were.
 */
#include "linux/lib/sys_int.h"

#include "abi/capability.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

sys_fn sys_getuid, sys_geteuid, sys_getgid, sys_getegid, sys_setuid, sys_setgid,
    sys_setreuid, sys_setregid, sys_setresuid, sys_setresgid, sys_getresuid,
    sys_getresgid, sys_setfsuid, sys_setfsgid, sys_getgroups, sys_setgroups;

#define KEEP UINT32_MAX

struct ids {
	uint32_t r, e, s, fs;
};

static struct ids
ids_get(const struct lwp *l, bool group)
{
	const struct cred *c = l->cred;

	return (group ? (struct ids){c->gid, c->egid, c->sgid, c->fsgid}
		      : (struct ids){c->uid, c->euid, c->suid, c->fsuid});
}

/* fs: only the file system id has been changed.  ENOMEM. */
static int
ids_set(struct lwp *l, bool group, bool fs, struct ids id)
{
	struct cred *new = cred_copy(l->cred);

	if (new == NULL)
		return (ENOMEM);
	if (group) {
		new->gid = id.r;
		new->egid = id.e;
		new->sgid = id.s;
		new->fsgid = fs ? id.fs : id.e;
	} else {
		new->uid = id.r;
		new->euid = id.e;
		new->suid = id.s;
		new->fsuid = fs ? id.fs : id.e;
		cred_fix_setuid(new, l->cred, fs);
	}
	lwp_set_cred(l, new);
	return (0);
}

/* The id that the caller means; KEEP stays.  EINVAL: its user namespace has no
 * such id. */
static int
id_in(struct lwp *l, bool group, uint32_t v, uint32_t *out)
{
	*out = proc_id_kernel(l->p, group, v);
	return (v != KEEP && *out == UINT32_MAX ? EINVAL : 0);
}

static bool
ids_has(const struct ids *id, uint32_t v)
{
	return (v == KEEP || v == id->r || v == id->e || v == id->s);
}

/* May the caller set any id that is mapped? */
static bool
ids_any(const struct lwp *l, bool group)
{
	return (lwp_capable_here(l, group ? LX_CAP_SETGID : LX_CAP_SETUID));
}

int
sys_getuid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	*ret = proc_id_shown(l->p, false, l->cred->uid);
	return (0);
}

int
sys_geteuid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	*ret = proc_id_shown(l->p, false, l->cred->euid);
	return (0);
}

int
sys_getgid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	*ret = proc_id_shown(l->p, true, l->cred->gid);
	return (0);
}

int
sys_getegid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	*ret = proc_id_shown(l->p, true, l->cred->egid);
	return (0);
}

static int
set_id(struct lwp *l, bool group, uint32_t v)
{
	struct ids id = ids_get(l, group);

	if (v == KEEP || id_in(l, group, v, &v) != 0)
		return (EINVAL);
	if (ids_any(l, group))
		id.r = id.s = v;
	else if (v != id.r && v != id.s)
		return (EPERM);
	id.e = v;
	return (ids_set(l, group, false, id));
}

static int
set_re_id(struct lwp *l, bool group, uint32_t r, uint32_t e)
{
	struct ids id = ids_get(l, group), n = id;

	if (id_in(l, group, r, &r) != 0 || id_in(l, group, e, &e) != 0)
		return (EINVAL);
	if (!ids_any(l, group) &&
	    ((r != KEEP && r != id.r && r != id.e) || !ids_has(&id, e)))
		return (EPERM);
	if (r != KEEP)
		n.r = r;
	if (e != KEEP)
		n.e = e;
	if (r != KEEP || (e != KEEP && e != id.r))
		n.s = n.e;
	return (ids_set(l, group, false, n));
}

static int
set_res_id(struct lwp *l, bool group, const uint64_t *a)
{
	uint32_t r = (uint32_t)a[0], e = (uint32_t)a[1], s = (uint32_t)a[2];
	struct ids id = ids_get(l, group);

	if (id_in(l, group, r, &r) != 0 || id_in(l, group, e, &e) != 0 ||
	    id_in(l, group, s, &s) != 0)
		return (EINVAL);
	if (!ids_any(l, group) &&
	    (!ids_has(&id, r) || !ids_has(&id, e) || !ids_has(&id, s)))
		return (EPERM);
	if (r != KEEP)
		id.r = r;
	if (e != KEEP)
		id.e = e;
	if (s != KEEP)
		id.s = s;
	return (ids_set(l, group, false, id));
}

static int
get_res_id(struct lwp *l, bool group, const uint64_t *a)
{
	struct ids id = ids_get(l, group);
	struct vmspace *vm = lwp_vmspace(l);
	int error;

	id.r = proc_id_shown(l->p, group, id.r);
	id.e = proc_id_shown(l->p, group, id.e);
	id.s = proc_id_shown(l->p, group, id.s);
	error = copyout(vm, &id.r, a[0], sizeof(id.r));
	if (error != 0)
		return (error);
	error = copyout(vm, &id.e, a[1], sizeof(id.e));
	if (error != 0)
		return (error);
	return (copyout(vm, &id.s, a[2], sizeof(id.s)));
}

int
sys_setuid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (set_id(l, false, (uint32_t)a[0]));
}

int
sys_setgid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (set_id(l, true, (uint32_t)a[0]));
}

int
sys_setreuid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (set_re_id(l, false, (uint32_t)a[0], (uint32_t)a[1]));
}

int
sys_setregid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (set_re_id(l, true, (uint32_t)a[0], (uint32_t)a[1]));
}

int
sys_setresuid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (set_res_id(l, false, a));
}

int
sys_setresgid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (set_res_id(l, true, a));
}

int
sys_getresuid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (get_res_id(l, false, a));
}

int
sys_getresgid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (get_res_id(l, true, a));
}

/* The result is the old id, also of a call that changes nothing. */
static int
set_fs_id(struct lwp *l, bool group, uint32_t v, int64_t *ret)
{
	struct ids id = ids_get(l, group);

	*ret = proc_id_shown(l->p, group, id.fs);
	if (v == KEEP || id_in(l, group, v, &v) != 0 || v == id.fs ||
	    (!ids_has(&id, v) && !ids_any(l, group)))
		return (0);
	id.fs = v;
	(void)ids_set(l, group, true, id); /* it has no errors */
	return (0);
}

int
sys_setfsuid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (set_fs_id(l, false, (uint32_t)a[0], ret));
}

int
sys_setfsgid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (set_fs_id(l, true, (uint32_t)a[0], ret));
}

/* ---- groups ---- */

int
sys_getgroups(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const struct group_set *g = l->cred->groups;
	const int size = (int)a[0];
	size_t n;

	if (size < 0)
		return (EINVAL);
	n = group_set_count(g);
	if (size != 0 && (size_t)size < n)
		return (EINVAL);
	*ret = (int64_t)n;
	if (size == 0 || n == 0)
		return (0);
	for (size_t i = 0; i < n; i++) {
		const uint32_t gid = proc_id_shown(l->p, true, g->gid[i]);

		if (copyout(lwp_vmspace(l), &gid, a[1] + i * sizeof(gid),
			sizeof(gid)) != 0)
			return (EFAULT);
	}
	return (0);
}

/* Copy n ids in and make a set of them.  EFAULT, EINVAL (-1 is not an id),
 * ENOMEM. */
static int
groups_copyin(struct lwp *l, vm_offset_t addr, size_t n, struct group_set **out)
{
	uint32_t *g = calloc(n, sizeof(*g));
	int error;

	if (g == NULL)
		return (ENOMEM);
	if (copyin(lwp_vmspace(l), g, addr, sizeof(*g) * n) != 0) {
		error = EFAULT;
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		if (g[i] == UINT32_MAX || id_in(l, true, g[i], &g[i]) != 0) {
			error = EINVAL;
			goto out;
		}
	}
	error = group_set_create(g, n, out);
out:
	free(g);
	return (error);
}

/* Groups can be set once they have a map, if that was not given up. */
static bool
groups_permitted(struct proc *p)
{
	struct userns *u = proc_userns_ref(p);
	const bool may =
	    atomic_load(&u->gid_map.n) != 0 && !atomic_load(&u->no_setgroups);

	ns_free(&u->ns);
	return (may);
}

int
sys_setgroups(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct group_set *groups = NULL;
	const int n = (int)a[0];
	struct cred *new;
	int error;

	if (!lwp_capable_here(l, LX_CAP_SETGID) || !groups_permitted(l->p))
		return (EPERM);
	if (n < 0 || n > GROUP_SET_MAX)
		return (EINVAL);
	error = n == 0 ? 0 : groups_copyin(l, a[1], (size_t)n, &groups);
	if (error != 0)
		return (error);
	new = cred_copy(l->cred);
	if (new == NULL) {
		group_set_free(groups);
		return (ENOMEM);
	}
	cred_set_groups(new, groups);
	lwp_set_cred(l, new);
	return (0);
}
