/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on capabilities: capget, capset, and operations of prctl on the
 * bounding and the ambient set and on the securebits.
 *
 * All of them change the calling thread alone.  What the sets are for, and
 * which of their changes follow from others: kern/base/cred.c.
 */
#include "linux/proc/sys_cap.h"

#include <errno.h>

#include "abi/capability.h"
#include "abi/prctl.h"

sys_fn sys_capget, sys_capset;

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

/* A ref of the credentials of the thread tid; 0: the caller.  ESRCH. */
static int
cap_cred_of(struct lwp *l, int tid, struct cred **out)
{
	struct proc *p;
	struct lwp *o;

	if (tid == 0 || tid == l->tid) {
		*out = cred_ref(l->cred);
		return (0);
	}
	p = proc_find_tid_hold(l->p->k, tid);
	if (p == NULL)
		return (ESRCH);
	kmutex_lock(&p->lock);
	o = proc_lwp_locked(p, tid);
	*out = cred_ref(o != NULL ? o->cred : p->cred);
	kmutex_unlock(&p->lock);
	proc_drop(p);
	return (0);
}

int
sys_capget(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_cap_data d[2] = {{0}};
	struct lx_cap_header h;
	struct cred *c;
	int error, words;

	error = cap_header(l, a[0], &h, &words);
	if (error == EINVAL && a[1] == 0)
		return (0); /* the program asks for the version only */
	if (error != 0 || a[1] == 0)
		return (error);
	if (h.pid < 0)
		return (EINVAL);
	error = cap_cred_of(l, h.pid, &c);
	if (error != 0)
		return (error);
	for (int i = 0; i < 2; i++) {
		d[i].effective = (uint32_t)(c->cap_eff >> (32 * i));
		d[i].permitted = (uint32_t)(c->cap_perm >> (32 * i));
		d[i].inheritable = (uint32_t)(c->cap_inh >> (32 * i));
	}
	cred_free(c);
	return (copyout(lwp_vmspace(l), d, a[1], sizeof(d[0]) * (size_t)words));
}

/* No set gets more than another one permits it to have.  EPERM. */
static int
cap_check(const struct cred *old, uint64_t eff, uint64_t perm, uint64_t inh)
{
	if (!cred_capable_here(old, LX_CAP_SETPCAP) &&
	    (inh & ~(old->cap_inh | old->cap_perm)) != 0)
		return (EPERM);
	if ((inh & ~(old->cap_inh | old->cap_bset)) != 0)
		return (EPERM);
	return ((perm & ~old->cap_perm) != 0 || (eff & ~perm) != 0 ? EPERM : 0);
}

int
sys_capset(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_cap_data d[2] = {{0}};
	uint64_t eff, perm, inh;
	struct lx_cap_header h;
	struct cred *new;
	int error, words;

	error = cap_header(l, a[0], &h, &words);
	if (error != 0)
		return (error);
	if (h.pid != 0 && h.pid != l->tid)
		return (EPERM);
	if (copyin(lwp_vmspace(l), d, a[1], sizeof(d[0]) * (size_t)words) != 0)
		return (EFAULT);
	eff = ((uint64_t)d[1].effective << 32 | d[0].effective) & LX_CAP_ALL;
	perm = ((uint64_t)d[1].permitted << 32 | d[0].permitted) & LX_CAP_ALL;
	inh =
	    ((uint64_t)d[1].inheritable << 32 | d[0].inheritable) & LX_CAP_ALL;
	error = cap_check(l->cred, eff, perm, inh);
	if (error != 0)
		return (error);
	new = cred_copy(l->cred);
	if (new == NULL)
		return (ENOMEM);
	new->cap_eff = eff;
	new->cap_perm = perm;
	new->cap_inh = inh;
	new->cap_amb &= perm &inh;
	lwp_set_cred(l, new);
	return (0);
}

/* ---- prctl ---- */

static int
bounding_drop(struct lwp *l, uint64_t cap)
{
	struct cred *new;

	if (!lwp_capable_here(l, LX_CAP_SETPCAP))
		return (EPERM);
	if (cap > LX_CAP_LAST)
		return (EINVAL);
	new = cred_copy(l->cred);
	if (new == NULL)
		return (ENOMEM);
	new->cap_bset &= ~(UINT64_C(1) << cap);
	lwp_set_cred(l, new);
	return (0);
}

static int
securebits_set(struct lwp *l, uint64_t bits)
{
	const uint64_t have = l->cred->securebits;
	const uint64_t locked = (have & LX_SECBIT_ALL_LOCKS) >> 1;
	struct cred *new;

	if (((bits ^ have) & locked) != 0 ||
	    (have & LX_SECBIT_ALL_LOCKS & ~bits) != 0 ||
	    (bits & ~(uint64_t)(LX_SECBIT_ALL | LX_SECBIT_ALL_LOCKS)) != 0 ||
	    !lwp_capable_here(l, LX_CAP_SETPCAP))
		return (EPERM);
	new = cred_copy(l->cred);
	if (new == NULL)
		return (ENOMEM);
	new->securebits = (uint32_t)bits;
	lwp_set_cred(l, new);
	return (0);
}

static int
keepcaps_set(struct lwp *l, uint64_t on)
{
	struct cred *new;

	if (on > 1)
		return (EINVAL);
	if ((l->cred->securebits & LX_SECBIT_KEEP_CAPS_LOCKED) != 0)
		return (EPERM);
	new = cred_copy(l->cred);
	if (new == NULL)
		return (ENOMEM);
	if (on != 0)
		new->securebits |= LX_SECBIT_KEEP_CAPS;
	else
		new->securebits &= ~(uint32_t)LX_SECBIT_KEEP_CAPS;
	lwp_set_cred(l, new);
	return (0);
}

static int
ambient_set(struct lwp *l, uint64_t amb)
{
	struct cred *new = cred_copy(l->cred);

	if (new == NULL)
		return (ENOMEM);
	new->cap_amb = amb;
	lwp_set_cred(l, new);
	return (0);
}

static int
ambient(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const struct cred *c = l->cred;
	uint64_t bit;

	if (a[1] == LX_PR_CAP_AMBIENT_CLEAR_ALL) {
		if (a[2] != 0 || a[3] != 0 || a[4] != 0)
			return (EINVAL);
		return (ambient_set(l, 0));
	}
	if (a[2] > LX_CAP_LAST || a[3] != 0 || a[4] != 0)
		return (EINVAL);
	bit = UINT64_C(1) << a[2];
	switch (a[1]) {
	case LX_PR_CAP_AMBIENT_IS_SET:
		*ret = (c->cap_amb & bit) != 0;
		return (0);
	case LX_PR_CAP_AMBIENT_RAISE:
		if ((c->cap_perm & c->cap_inh & bit) == 0 ||
		    (c->securebits & LX_SECBIT_NO_CAP_AMBIENT_RAISE) != 0)
			return (EPERM);
		return (ambient_set(l, c->cap_amb | bit));
	case LX_PR_CAP_AMBIENT_LOWER:
		return (ambient_set(l, c->cap_amb & ~bit));
	default:
		return (EINVAL);
	}
}

int
sys_prctl_cap(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const struct cred *c = l->cred;

	switch ((int)a[0]) {
	case LX_PR_CAPBSET_READ:
		if (a[1] > LX_CAP_LAST)
			return (EINVAL);
		*ret = (int64_t)(c->cap_bset >> a[1] & 1);
		return (0);
	case LX_PR_CAPBSET_DROP:
		return (bounding_drop(l, a[1]));
	case LX_PR_GET_SECUREBITS:
		*ret = c->securebits;
		return (0);
	case LX_PR_SET_SECUREBITS:
		return (securebits_set(l, a[1]));
	case LX_PR_GET_KEEPCAPS:
		*ret = (c->securebits & LX_SECBIT_KEEP_CAPS) != 0;
		return (0);
	case LX_PR_SET_KEEPCAPS:
		return (keepcaps_set(l, a[1]));
	case LX_PR_CAP_AMBIENT:
		return (ambient(l, a, ret));
	default:
		return (ENOSYS);
	}
}
