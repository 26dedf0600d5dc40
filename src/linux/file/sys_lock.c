/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on advisory locks: the lock commands of fcntl, and flock.
 *
 * vfs (lock.c) keeps the locks; this file decodes ranges and sleeps.  A close
 * of a descriptor removes the process's locks on the file.  If another thread
 * closes the descriptor while a lock is being acquired through it, that close
 * runs before the lock exists; therefore the lock is released here at once.
 */
#include "linux/lib/sys_int.h"

#include "abi/fcntl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/lock.h"
#include "vfs/core/vnode.h"

sys_fn sys_flock;

static void
wake_lwp(void *arg)
{
	lwp_wakeup(arg);
}

/* EINTR: a signal came before the lock. */
static int
lock_wait(struct lwp *l, const struct vfs_lock_req *r)
{
	struct vfs *vfs = l->p->k->vfs;
	struct vfs_lock_wait w;
	int error;

	for (;;) {
		w = (struct vfs_lock_wait){.wake = wake_lwp, .arg = l};
		lwp_sleep_prepare(l);
		error = vfs_lock_set(vfs, r, &w);
		if (error != EAGAIN)
			return (error);
		error = lwp_sleep(l, UINT64_MAX);
		vfs_lock_unwait(vfs, &w);
		if (error != 0)
			return (error);
	}
}

static int
lock_set(struct lwp *l, const struct vfs_lock_req *r, bool wait)
{
	if (wait && r->type != VFS_LOCK_NONE)
		return (sys_restartable(lock_wait(l, r)));
	return (vfs_lock_set(l->p->k->vfs, r, NULL));
}

/* ---- fcntl ---- */

/* The range in bytes from the start of the file.  EINVAL, EOVERFLOW. */
static int
lock_range(struct file *f, const struct lx_flock *lk, struct vfs_lock_req *r)
{
	int64_t base = 0, start, end;
	struct vattr va;
	uint64_t pos;
	int error;

	if (lk->whence == SEEK_CUR) {
		/* A file without an offset is at 0. */
		if (file_seek(f, 0, SEEK_CUR, &pos) == 0)
			base = (int64_t)pos;
	} else if (lk->whence == SEEK_END) {
		error = file_getattr(f, &va);
		if (error != 0)
			return (error);
		base = (int64_t)va.size;
	} else if (lk->whence != SEEK_SET)
		return (EINVAL);
	if (__builtin_add_overflow(base, lk->start, &start))
		return (EOVERFLOW);
	if (start < 0)
		return (EINVAL);
	end = INT64_MAX;
	if (lk->len > 0 && __builtin_add_overflow(start, lk->len - 1, &end))
		return (EOVERFLOW);
	if (lk->len < 0) {
		end = start - 1;
		if (__builtin_add_overflow(start, lk->len, &start) || start < 0)
			return (EINVAL);
	}
	r->start = (uint64_t)start;
	r->end = end == INT64_MAX ? UINT64_MAX : (uint64_t)end;
	return (0);
}

static int
lock_test(
    struct lwp *l, struct lx_flock *lk, struct vfs_lock_req *r, uint64_t uaddr)
{
	if (r->type == VFS_LOCK_NONE)
		return (EINVAL);
	/* A file without vnode (a pipe, for example) has no locks and no other
	 * holders. */
	if (r->vp == NULL || !vfs_lock_test(l->p->k->vfs, r))
		lk->type = F_UNLCK;
	else {
		lk->type = r->type == VFS_LOCK_EXCLUSIVE ? F_WRLCK : F_RDLCK;
		lk->whence = SEEK_SET;
		lk->start = (int64_t)r->start;
		lk->len =
		    r->end == UINT64_MAX ? 0 : (int64_t)(r->end - r->start + 1);
		lk->pid = r->pid;
	}
	return (copyout(lwp_vmspace(l), lk, uaddr, sizeof(*lk)));
}

static int
lock_request(struct lwp *l, struct file *f, int cmd, const struct lx_flock *lk,
    struct vfs_lock_req *r)
{
	bool ofd =
	    cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;

	*r = (struct vfs_lock_req){
	    .vp = f->vp,
	    .kind = ofd ? VFS_LOCK_OFD : VFS_LOCK_POSIX,
	    .owner = ofd ? (const void *)f : (const void *)l->p->fdt,
	    .pid = l->p->pid,
	};
	switch (lk->type) {
	case F_RDLCK:
		r->type = VFS_LOCK_SHARED;
		break;
	case F_WRLCK:
		r->type = VFS_LOCK_EXCLUSIVE;
		break;
	case F_UNLCK:
		r->type = VFS_LOCK_NONE;
		break;
	default:
		return (EINVAL);
	}
	if (ofd && lk->pid != 0)
		return (EINVAL);
	return (lock_range(f, lk, r));
}

int
sys_fcntl_lock(struct lwp *l, struct file *f, int fd, int cmd, uint64_t uaddr)
{
	int fl = atomic_load(&f->flags), error;
	struct vfs_lock_req r;
	struct lx_flock lk;
	struct file *now;

	if (copyin(lwp_vmspace(l), &lk, uaddr, sizeof(lk)) != 0)
		return (EFAULT);
	error = lock_request(l, f, cmd, &lk, &r);
	if (error != 0)
		return (error);
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return (lock_test(l, &lk, &r, uaddr));
	if ((r.type == VFS_LOCK_SHARED && !file_flags_permit(fl, false)) ||
	    (r.type == VFS_LOCK_EXCLUSIVE && !file_flags_permit(fl, true)))
		return (EBADF);
	if (f->vp == NULL)
		return (0);
	if (r.kind == VFS_LOCK_OFD)
		atomic_store(&f->locked, true);
	error = lock_set(l, &r, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
	if (error != 0 || r.kind != VFS_LOCK_POSIX || r.type == VFS_LOCK_NONE)
		return (error);
	error = fd_get(l->p->fdt, fd, &now);
	if (error == 0) {
		if (now != f)
			error = EBADF;
		file_free(now);
	}
	if (error != 0) {
		r.type = VFS_LOCK_NONE;
		/* Without memory all are released, as by the close. */
		if (vfs_lock_set(l->p->k->vfs, &r, NULL) != 0)
			vfs_lock_fd_closed(l->p->fdt, f);
	}
	return (error);
}

/* ---- flock ---- */

int
sys_flock(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int op = (int)a[1] & ~LX_LOCK_NB, error;
	struct vfs_lock_req r = {.kind = VFS_LOCK_FLOCK, .end = UINT64_MAX};
	struct file *f;

	if (op != LX_LOCK_SH && op != LX_LOCK_EX && op != LX_LOCK_UN)
		return (EINVAL);
	error = sys_get_open_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	r.type = op == LX_LOCK_SH   ? VFS_LOCK_SHARED
		 : op == LX_LOCK_EX ? VFS_LOCK_EXCLUSIVE
				    : VFS_LOCK_NONE;
	r.vp = f->vp;
	r.owner = f;
	r.pid = l->p->pid;
	if (f->vp != NULL) {
		atomic_store(&f->locked, true);
		error = lock_set(l, &r, ((int)a[1] & LX_LOCK_NB) == 0);
	}
	file_free(f);
	return (error == EAGAIN ? EWOULDBLOCK : error);
}
