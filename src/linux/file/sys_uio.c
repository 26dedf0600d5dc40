/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Functions that the calls which move bytes share.  See sys_uio.h.
 *
 * User memory is pinned piece by piece (vm_iov_*) and handed to a file as a
 * uio over the frames: the host reads and writes guest memory directly.  A
 * message cannot be moved in pieces; if one piece does not have room for it, it
 * is copied (sys_message_*).
 *
 * RLIMIT_FSIZE is checked here for every call, because vfs has neither the
 * caller's limits nor signals.  It applies to regular files only.  A write that
 * begins below the limit is cut at the limit; a write that begins at the limit
 * or above fails, unless it has no bytes.
 */
#include "linux/file/sys_uio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "abi/mman.h"
#include "abi/resource.h"
#include "abi/signal.h"
#include "abi/uio.h"
#include "mem/kmem.h"
#include "vfs/core/vnode.h"

/* ---- user ranges ---- */

uint64_t
sys_iov_total(const struct lx_iovec *iov, int n)
{
	uint64_t total = 0;

	for (int i = 0; i < n; i++)
		total += iov[i].len;
	return (total);
}

bool
sys_user_range(uint64_t base, uint64_t len)
{
	return (base <= LX_TASK_SIZE && len <= LX_TASK_SIZE - base);
}

/* own: all pieces are in the user space of the caller. */
static int
copyin_iov(struct lwp *l, uint64_t uaddr, uint64_t cnt, bool own,
    struct lx_iovec **out, int *n)
{
	uint64_t total = 0;
	struct lx_iovec *v;
	int i;

	if (cnt > LX_IOV_MAX)
		return (EINVAL);
	*out = NULL;
	*n = 0;
	if (cnt == 0)
		return (0);
	v = kmem_alloc(cnt * sizeof(*v));
	if (v == NULL)
		return (ENOMEM);
	if (copyin(lwp_vmspace(l), v, uaddr, cnt * sizeof(*v)) != 0) {
		kmem_free(v);
		return (EFAULT);
	}
	for (i = 0; i < (int)cnt; i++) {
		if ((int64_t)v[i].len < 0) {
			kmem_free(v);
			return (EINVAL);
		}
		if (own && !sys_user_range(v[i].base, v[i].len)) {
			kmem_free(v);
			return (EFAULT);
		}
		if (v[i].len > LX_MAX_RW_COUNT - total)
			v[i].len = LX_MAX_RW_COUNT - total;
		total += v[i].len;
	}
	*out = v;
	*n = i;
	return (0);
}

int
sys_copyin_iov(
    struct lwp *l, uint64_t uaddr, uint64_t cnt, struct lx_iovec **out, int *n)
{
	return (copyin_iov(l, uaddr, cnt, true, out, n));
}

int
sys_copyin_iov_other(
    struct lwp *l, uint64_t uaddr, uint64_t cnt, struct lx_iovec **out, int *n)
{
	return (copyin_iov(l, uaddr, cnt, false, out, n));
}

int
sys_io_pin(struct lwp *l, struct sys_io_cursor *c, size_t max, vm_prot_t access,
    struct vm_iov *v)
{
	size_t want, done;
	int error;

	vm_iov_init(v, &l->p->k->vm);
	while (c->i < c->n && v->len < max) {
		want = c->iov[c->i].len - c->skip;
		if (want == 0) {
			c->i++;
			c->skip = 0;
			continue;
		}
		if (want > max - v->len)
			want = max - v->len;
		done = 0;
		error = vm_iov_add(v, lwp_vmspace(l),
		    c->iov[c->i].base + c->skip, want, access, &done);
		if (error != 0)
			return (v->len > 0 ? 0 : error);
		c->skip += done;
		if (done < want)
			break;
	}
	return (0);
}

bool
sys_io_scattered(const struct vm_iov *v, uint64_t all)
{
	return (v->len < all && v->npages == VM_IOV_MAX);
}

/* Copy the message in from its ranges. */
static int
message_gather(struct lwp *l, const struct sys_message *m)
{
	size_t at = 0, part;

	for (int i = 0; i < m->n && at < m->len; i++, at += part) {
		part = m->iov[i].len < m->len - at ? (size_t)m->iov[i].len
						   : m->len - at;
		if (copyin(lwp_vmspace(l), (char *)m->buf + at, m->iov[i].base,
			part) != 0)
			return (EFAULT);
	}
	return (0);
}

/* Copy len bytes of the message out to its ranges. */
static int
message_scatter(struct lwp *l, const struct sys_message *m, size_t len)
{
	size_t at = 0, part;

	for (int i = 0; i < m->n && at < len; i++, at += part) {
		part =
		    m->iov[i].len < len - at ? (size_t)m->iov[i].len : len - at;
		if (copyout(lwp_vmspace(l), (char *)m->buf + at, m->iov[i].base,
			part) != 0)
			return (EFAULT);
	}
	return (0);
}

int
sys_message_begin(struct lwp *l, struct sys_message *m,
    const struct lx_iovec *iov, int n, uint64_t all, bool write)
{
	int error = 0;

	m->iov = iov;
	m->n = n;
	m->len = all < SYS_MESSAGE_MAX ? (size_t)all : SYS_MESSAGE_MAX;
	m->buf = kmem_alloc(m->len);
	if (m->buf == NULL)
		return (ENOMEM);
	if (write)
		error = message_gather(l, m);
	if (error != 0)
		kmem_free(m->buf);
	else
		uio_init1(&m->uio, &m->one, m->buf, m->len, 0, write);
	return (error);
}

int
sys_message_end(struct lwp *l, struct sys_message *m, int error)
{
	if (error == 0 && !m->uio.write)
		error = message_scatter(l, m, m->len - m->uio.resid);
	kmem_free(m->buf);
	return (error);
}

/* ---- files of a transfer ---- */

/* may_at: the file must allow transfers at an offset. */
static int
io_file(struct lwp *l, int fd, bool write, bool may_at, struct file **out)
{
	struct file *f;
	int error, fl;

	error = sys_get_file(l, fd, &f);
	if (error != 0)
		return (error);
	fl = atomic_load(&f->flags);
	if ((fl & O_PATH) != 0)
		error = EBADF;
	else if (may_at && !file_can(f, FCAP_AT))
		error = ESPIPE;
	else if (!file_flags_permit(fl, write))
		error = EBADF;
	if (error != 0) {
		file_free(f);
		return (error);
	}
	*out = f;
	return (0);
}

int
sys_io_file(struct lwp *l, int fd, bool write, struct file **out)
{
	return (io_file(l, fd, write, false, out));
}

int
sys_io_file_at(struct lwp *l, int fd, bool write, struct file **out)
{
	return (io_file(l, fd, write, true, out));
}

/* A signal that the calling thread has caused itself. */
static void
signal_self(struct lwp *l, int signo)
{
	struct ksiginfo info = {.signo = signo,
	    .code = LX_SI_USER,
	    .pid = l->p->pid,
	    .uid = l->cred->uid};

	ksig_post_lwp(l, &info);
}

void
sys_sigpipe(struct lwp *l, const struct file *f)
{
	if (!file_can(f, FCAP_RECORD))
		signal_self(l, LX_SIGPIPE);
}

/* ---- RLIMIT_FSIZE ---- */

uint64_t
sys_fsize_room(struct lwp *l, struct file *f, bool at, uint64_t off)
{
	uint64_t limit;
	struct vattr va;

	if (f->vp == NULL || f->vp->type != VREG)
		return (UINT64_MAX);
	limit = proc_rlimit_cur(l->p, LX_RLIMIT_FSIZE);
	if (limit == LX_RLIM_INFINITY)
		return (UINT64_MAX);
	if ((atomic_load(&f->flags) & O_APPEND) != 0 &&
	    vn_getattr(f->vp, &va) == 0)
		off = va.size;
	else if (!at && file_seek(f, 0, SEEK_CUR, &off) != 0)
		return (UINT64_MAX);
	return (off < limit ? limit - off : 0);
}

int
sys_fsize_exceeded(struct lwp *l)
{
	signal_self(l, LX_SIGXFSZ);
	return (EFBIG);
}

int
sys_fsize_check(struct lwp *l, struct vnode *vp, uint64_t size)
{
	uint64_t limit = proc_rlimit_cur(l->p, LX_RLIMIT_FSIZE);
	struct vattr va;
	int error;

	if (size <= limit)
		return (0);
	error = vn_getattr(vp, &va);
	if (error == 0 && size > va.size)
		error = sys_fsize_exceeded(l);
	return (error);
}

void
sys_modified(struct lwp *l, struct vnode *vp)
{
	vn_modified(vp, l->cred->cap_eff);
}
