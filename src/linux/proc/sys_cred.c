/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on identity: user and group ids, groups, capabilities.
 *
 * The model is POSIX saved ids: root (effective uid 0) may set any id; other
 * users may change among their real, effective and saved ids.  Capabilities are
 * not stored: root has all of them, other users none, and a request for no more
 * than that succeeds.  The file system ids are the effective ids.
 */
#include "linux/lib/sys_int.h"

#include "abi/capability.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

sys_fn sys_getuid, sys_geteuid, sys_getgid, sys_getegid, sys_setuid, sys_setgid,
    sys_setreuid, sys_setregid, sys_setresuid, sys_setresgid, sys_getresuid,
    sys_getresgid, sys_setfsuid, sys_setfsgid, sys_getgroups, sys_setgroups,
    sys_capget, sys_capset;

#define KEEP UINT32_MAX

struct ids {
	uint32_t r, e, s;
};

static struct ids
ids_get(struct lwp *l, bool group, bool *root)
{
	struct proc *p = l->p;
	struct ids id;

	kmutex_lock(&p->lock);
	id = group ? (struct ids){p->gid, p->egid, p->sgid}
		   : (struct ids){p->uid, p->euid, p->suid};
	if (root != NULL)
		*root = p->euid == 0;
	kmutex_unlock(&p->lock);
	return (id);
}

static int
ids_set(struct lwp *l, bool group, struct ids id)
{
	struct proc *p = l->p;

	kmutex_lock(&p->lock);
	/* The memory may hold what the new user must not see. */
	if (id.e != (group ? p->egid : p->euid)) {
		p->dumpable = false;
		p->pdeathsig = 0;
	}
	if (group) {
		p->gid = id.r;
		p->egid = id.e;
		p->sgid = id.s;
	} else {
		p->uid = id.r;
		p->euid = id.e;
		p->suid = id.s;
	}
	kmutex_unlock(&p->lock);
	return (0);
}

static bool
ids_has(const struct ids *id, uint32_t v)
{
	return (v == KEEP || v == id->r || v == id->e || v == id->s);
}

int
sys_getuid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	*ret = ids_get(l, false, NULL).r;
	return (0);
}

int
sys_geteuid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	*ret = ids_get(l, false, NULL).e;
	return (0);
}

int
sys_getgid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	*ret = ids_get(l, true, NULL).r;
	return (0);
}

int
sys_getegid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	*ret = ids_get(l, true, NULL).e;
	return (0);
}

static int
set_id(struct lwp *l, bool group, uint32_t v)
{
	bool root;
	struct ids id = ids_get(l, group, &root);

	if (v == KEEP)
		return (EINVAL);
	if (root)
		return (ids_set(l, group, (struct ids){v, v, v}));
	if (v != id.r && v != id.s)
		return (EPERM);
	id.e = v;
	return (ids_set(l, group, id));
}

static int
set_re_id(struct lwp *l, bool group, uint32_t r, uint32_t e)
{
	bool root;
	struct ids id = ids_get(l, group, &root), n = id;

	if (!root &&
	    ((r != KEEP && r != id.r && r != id.e) || !ids_has(&id, e)))
		return (EPERM);
	if (r != KEEP)
		n.r = r;
	if (e != KEEP)
		n.e = e;
	if (r != KEEP || (e != KEEP && e != id.r))
		n.s = n.e;
	return (ids_set(l, group, n));
}

static int
set_res_id(struct lwp *l, bool group, const uint64_t *a)
{
	uint32_t r = (uint32_t)a[0], e = (uint32_t)a[1], s = (uint32_t)a[2];
	bool root;
	struct ids id = ids_get(l, group, &root);

	if (!root && (!ids_has(&id, r) || !ids_has(&id, e) || !ids_has(&id, s)))
		return (EPERM);
	if (r != KEEP)
		id.r = r;
	if (e != KEEP)
		id.e = e;
	if (s != KEEP)
		id.s = s;
	return (ids_set(l, group, id));
}

static int
get_res_id(struct lwp *l, bool group, const uint64_t *a)
{
	struct ids id = ids_get(l, group, NULL);
	struct vmspace *vm = lwp_vmspace(l);
	int error;

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

/* Return the old id and change nothing. */
int
sys_setfsuid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (sys_geteuid(l, a, ret));
}

int
sys_setfsgid(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (sys_getegid(l, a, ret));
}

/* ---- groups ---- */

int
sys_getgroups(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const struct group_set *g;
	const int size = (int)a[0];
	size_t n;

	if (size < 0)
		return (EINVAL);
	kmutex_lock(&l->p->lock);
	g = lwp_groups_locked(l);
	kmutex_unlock(&l->p->lock);
	n = group_set_count(g);
	if (size != 0 && (size_t)size < n)
		return (EINVAL);
	*ret = (int64_t)n;
	if (size == 0 || n == 0)
		return (0);
	return (copyout(lwp_vmspace(l), g->gid, a[1], sizeof(g->gid[0]) * n));
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
		if (g[i] == UINT32_MAX) {
			error = EINVAL;
			goto out;
		}
	}
	error = group_set_create(g, n, out);
out:
	free(g);
	return (error);
}

int
sys_setgroups(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct group_set *new = NULL, *old;
	const int n = (int)a[0];
	bool root;
	int error;

	(void)ids_get(l, false, &root);
	if (!root)
		return (EPERM);
	if (n < 0 || n > GROUP_SET_MAX)
		return (EINVAL);
	error = n == 0 ? 0 : groups_copyin(l, a[1], (size_t)n, &new);
	if (error != 0)
		return (error);
	kmutex_lock(&l->p->lock);
	old = l->p->groups;
	l->p->groups = new;
	kmutex_unlock(&l->p->lock);
	group_set_free(old);
	return (0);
}

/* ---- capabilities ---- */

/* Copy the header in; *words: the number of struct lx_cap_data that follow.
 * For an unknown version EINVAL, and the header has the version of this kernel.
 */
static int
cap_header(struct lwp *l, uint64_t uhdr, struct lx_cap_header *h, int *words)
{
	struct vmspace *vm = lwp_vmspace(l);

	if (copyin(vm, h, uhdr, sizeof(*h)) != 0)
		return (EFAULT);
	switch (h->version) {
	case LX_CAP_VERSION_1:
		*words = 1;
		return (0);
	case LX_CAP_VERSION_2:
	case LX_CAP_VERSION_3:
		*words = 2;
		return (0);
	default:
		h->version = LX_CAP_VERSION_3;
		if (copyout(vm, h, uhdr, sizeof(*h)) != 0)
			return (EFAULT);
		return (EINVAL);
	}
}

static uint64_t
caps_of(struct lwp *l)
{
	bool root;

	(void)ids_get(l, false, &root);
	return (root ? (UINT64_C(1) << (LX_CAP_LAST + 1)) - 1 : 0);
}

int
sys_capget(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_cap_data d[2] = {{0}};
	struct lx_cap_header h;
	uint64_t caps = caps_of(l);
	int error, words;

	error = cap_header(l, a[0], &h, &words);
	if (error == EINVAL && a[1] == 0)
		return (0); /* the program asks for the version only */
	if (error != 0 || a[1] == 0)
		return (error);
	for (int i = 0; i < 2; i++)
		d[i].effective = d[i].permitted = (uint32_t)(caps >> (32 * i));
	return (copyout(lwp_vmspace(l), d, a[1], sizeof(d[0]) * (size_t)words));
}

int
sys_capset(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_cap_data d[2] = {{0}};
	struct lx_cap_header h;
	uint64_t caps = caps_of(l);
	int error, words;

	error = cap_header(l, a[0], &h, &words);
	if (error != 0)
		return (error);
	if (copyin(lwp_vmspace(l), d, a[1], sizeof(d[0]) * (size_t)words) != 0)
		return (EFAULT);
	for (int i = 0; i < 2; i++) {
		uint32_t have = (uint32_t)(caps >> (32 * i));

		if ((d[i].effective | d[i].permitted | d[i].inheritable) &
		    ~have)
			return (EPERM);
	}
	return (0);
}
