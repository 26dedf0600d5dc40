/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * fcntl(2) about the owner of a file, which gets its signals.  The number of a
 * process that has ended is reported as 0.
 */
#include <errno.h>
#include <fcntl.h>

#include "abi/fcntl.h"
#include "kern/sig/ksignal.h"
#include "kern/sig/sigio.h"
#include "linux/lib/sys_int.h"
#include "vfs/core/file.h"
#include "vfs/core/owner.h"

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
