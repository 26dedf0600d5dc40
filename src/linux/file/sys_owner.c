/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * fcntl(2) about the owner of a file, which gets its signals, and about leases
 * and changes of directories, whose signals it gets.  The number of a process
 * that has ended is reported as 0.
 */
#include <errno.h>
#include <fcntl.h>

#include "abi/fcntl.h"
#include "kern/sig/ksignal.h"
#include "kern/sig/sigio.h"
#include "linux/lib/sys_int.h"
#include "vfs/core/ctx.h"
#include "vfs/core/dnotify.h"
#include "vfs/core/file.h"
#include "vfs/core/lease.h"
#include "vfs/core/owner.h"
#include "vfs/core/vnode.h"

static int
set_owner(struct lwp *l, struct file *f, enum owner_type type, int id)
{
	struct file_owner *fo;
	struct owner_id who;
	int error;

	error = sigio_owner(l, (int)type, id, &who);
	if (error != 0)
		return (error);
	error = file_owner_get(f, &fo);
	if (error != 0)
		return (error);
	file_owner_set(fo, &who, false);
	return (sigio_owned(l, f));
}

/* The number of F_SETOWN: of a process, or that of a group, negative. */
static int
set_owner_number(struct lwp *l, struct file *f, int n)
{
	if (n == INT32_MIN)
		return (EINVAL);
	return (
	    set_owner(l, f, n < 0 ? OWNER_GROUP : OWNER_PROC, n < 0 ? -n : n));
}

/* The owner with its number, which is 0 if it does not live any more. */
static struct owner_id
get_owner(struct lwp *l, struct file *f)
{
	struct file_owner *fo = file_owner_of(&f->owner);
	struct owner_id who = {.type = OWNER_NONE};

	if (fo != NULL)
		who = file_owner_read(fo);
	if (!sigio_owner_lives(l->p->k, &who))
		who.id = 0;
	return (who);
}

int
sys_file_getown(struct lwp *l, struct file *f)
{
	struct owner_id who = get_owner(l, f);

	return (who.type == OWNER_GROUP ? -who.id : who.id);
}

int
sys_file_setown(struct lwp *l, struct file *f, int n)
{
	return (set_owner_number(l, f, n));
}

static int
set_owner_ex(struct lwp *l, struct file *f, uint64_t uaddr)
{
	static const enum owner_type types[] = {[LX_F_OWNER_TID] = OWNER_THREAD,
	    [LX_F_OWNER_PID] = OWNER_PROC,
	    [LX_F_OWNER_PGRP] = OWNER_GROUP};
	struct lx_f_owner_ex ex;

	if (copyin(lwp_vmspace(l), &ex, uaddr, sizeof(ex)) != 0)
		return (EFAULT);
	if (ex.type < LX_F_OWNER_TID || ex.type > LX_F_OWNER_PGRP)
		return (EINVAL);
	return (set_owner(l, f, types[ex.type], ex.pid));
}

static int
get_owner_ex(struct lwp *l, struct file *f, uint64_t uaddr)
{
	struct owner_id who = get_owner(l, f);
	struct lx_f_owner_ex ex = {.pid = who.id};

	ex.type = who.type == OWNER_GROUP  ? LX_F_OWNER_PGRP
		  : who.type == OWNER_PROC ? LX_F_OWNER_PID
					   : LX_F_OWNER_TID;
	return (copyout(lwp_vmspace(l), &ex, uaddr, sizeof(ex)));
}

/* The real and effective user ids of the process that has set the owner. */
static int
get_owner_uids(struct lwp *l, struct file *f, uint64_t uaddr)
{
	struct owner_id who = get_owner(l, f);
	uint32_t ids[2] = {who.uid, who.euid};

	return (copyout(lwp_vmspace(l), ids, uaddr, sizeof(ids)));
}

static int
set_signal(struct file *f, uint64_t signo)
{
	struct file_owner *fo;
	int error;

	if (signo > KNSIG)
		return (EINVAL);
	error = file_owner_get(f, &fo);
	if (error == 0)
		file_owner_set_signal(fo, (int)signo);
	return (error);
}

int
sys_fcntl_owner(
    struct lwp *l, struct file *f, int cmd, uint64_t arg, int64_t *ret)
{
	struct file_owner *fo = file_owner_of(&f->owner);

	switch (cmd) {
	case F_GETOWN:
		*ret = sys_file_getown(l, f);
		return (0);
	case F_SETOWN:
		return (sys_file_setown(l, f, (int)arg));
	case LX_F_GETOWN_EX:
		return (get_owner_ex(l, f, arg));
	case LX_F_SETOWN_EX:
		return (set_owner_ex(l, f, arg));
	case LX_F_GETOWNER_UIDS:
		return (get_owner_uids(l, f, arg));
	case F_GETSIG:
		*ret = fo != NULL ? file_owner_read(fo).signo : 0;
		return (0);
	default:
		return (set_signal(f, arg));
	}
}

/* ---- leases, changes of directories ---- */

/* Without an owner, the caller's process is it from now on. */
static int
own(struct lwp *l, struct file *f)
{
	struct file_owner *fo;
	struct owner_id who;
	int error;

	error = file_owner_get(f, &fo);
	if (error == 0)
		error = sigio_owner(l, OWNER_PROC, l->p->pid, &who);
	if (error == 0)
		file_owner_set(fo, &who, true);
	return (error);
}

/* Take that back, and return the error. */
static int
disown(struct file *f, int error)
{
	const struct owner_id none = {.type = OWNER_NONE};

	file_owner_set(file_owner_of(&f->owner), &none, false);
	return (error);
}

static int
set_lease(struct lwp *l, struct file *f, int fd, int type)
{
	enum vfs_lock_type t;
	struct vfs_ctx ctx;
	bool owned;
	int error;

	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return (EINVAL);
	if (f->vp == NULL)
		return (EINVAL);
	ctx = lwp_vfs_ctx(l);
	owned = vn_owned(f->vp, &ctx);
	lwp_vfs_ctx_done(&ctx);
	if (!owned)
		return (EACCES);
	if (f->vp->type != VREG)
		return (EINVAL);
	t = type == F_RDLCK   ? VFS_LOCK_SHARED
	    : type == F_WRLCK ? VFS_LOCK_EXCLUSIVE
			      : VFS_LOCK_NONE;
	/* Before the lease, which can be broken at once. */
	owned = get_owner(l, f).type != OWNER_NONE;
	error = t != VFS_LOCK_NONE ? own(l, f) : 0;
	if (error != 0)
		return (error);
	error = lease_set(f, fd, t);
	if (error != 0 && !owned && t != VFS_LOCK_NONE)
		error = disown(f, error);
	return (error);
}

int
sys_fcntl_lease(
    struct lwp *l, struct file *f, int fd, int cmd, uint64_t arg, int64_t *ret)
{
	static const int types[] = {[VFS_LOCK_NONE] = F_UNLCK,
	    [VFS_LOCK_SHARED] = F_RDLCK,
	    [VFS_LOCK_EXCLUSIVE] = F_WRLCK};
	int error;

	switch (cmd) {
	case F_SETLEASE:
		return (set_lease(l, f, fd, (int)arg));
	case F_GETLEASE:
		*ret = types[lease_get(f)];
		return (0);
	default:
		if ((arg & UINT32_MAX & ~(uint64_t)LX_DN_MULTISHOT) != 0 &&
		    f->vp != NULL && f->vp->type == VDIR) {
			error = own(l, f);
			if (error != 0)
				return (error);
		}
		return (dnotify_set(f, l->p->fdt, fd, (uint32_t)arg));
	}
}
