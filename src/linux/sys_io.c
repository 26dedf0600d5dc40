/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls that move bytes: read, write and their relatives.
 *
 * User memory is pinned piece by piece (vm_iov_*) and handed to the file as a
 * uio over the frames: the host reads and writes guest memory directly.  A
 * piece is 64 KiB at first and up to 256 KiB after that, so that a huge
 * buffer for a small file faults in little.
 *
 * A read of a stream is one piece: going on could block although there is
 * something to return.  Everything else goes on until a transfer is short.
 *
 * Results: what was moved wins over an error that came later; a bad address
 * is EFAULT only when nothing was moved.
 *
 * Sockets have a way of their own (sys_sockmsg.c).
 *
 * Limits: pieces stay pinned while a stream read waits.  Positioned calls
 * (pread...) need a vnode: descriptors inherited from the host are ESPIPE.
 */
#include "linux/sys_sock.h"

#include "abi/resource.h"
#include "abi/signal.h"
#include "abi/uio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"

#define IO_FIRST (UINT64_C(64) << 10)
#define IO_CHUNK (UINT64_C(256) << 10)
#define COPY_BUF (size_t)(64u << 10)

sys_fn sys_read, sys_write, sys_readv, sys_writev, sys_pread64, sys_pwrite64,
    sys_preadv, sys_pwritev, sys_preadv2, sys_pwritev2, sys_lseek, sys_sendfile,
    sys_copy_file_range, sys_readahead, sys_fadvise64;

static bool
file_is_stream(const struct file *f)
{
	if (f->vp == NULL || f->vp->type == VFIFO || f->vp->type == VSOCK)
		return (true);
	return (f->vp->type == VCHR &&
		(f->hostfd >= 0 || (f->vp->flags & VN_TTY) != 0));
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

void
sys_sigpipe(struct lwp *l, const struct file *f)
{
	struct ksiginfo info = {.signo = LX_SIGPIPE,
	    .code = LX_SI_USER,
	    .pid = l->p->pid,
	    .uid = l->p->uid};
	const struct socket *so = file_socket(f);

	if (so == NULL || !sock_is_record(so))
		ksig_post_lwp(l, &info);
}

int
sys_file_limit(
    struct lwp *l, struct file *f, bool at, uint64_t off, uint64_t *room)
{
	struct ksiginfo info = {.signo = LX_SIGXFSZ, .code = LX_SI_KERNEL};
	struct proc *p = l->p;
	struct vattr va;
	uint64_t limit;

	*room = UINT64_MAX;
	if (f->vp == NULL || f->vp->type != VREG)
		return (0);
	kmutex_lock(&p->lock);
	limit = p->rlim[LX_RLIMIT_FSIZE].cur;
	kmutex_unlock(&p->lock);
	if (limit == UINT64_MAX)
		return (0);
	if ((atomic_load(&f->flags) & O_APPEND) != 0 &&
	    vn_getattr(f->vp, &va) == 0)
		off = va.size;
	else if (!at)
		off = f->off;
	if (off >= limit) {
		ksig_post_lwp(l, &info);
		return (EFBIG);
	}
	*room = limit - off;
	return (0);
}

int
sys_user_io(struct lwp *l, struct file *f, const struct lx_iovec *iov, int n,
    int flags, uint64_t off, int64_t *ret)
{
	bool write = (flags & SYS_IO_WRITE) != 0, at = flags & SYS_IO_AT;
	bool once = !write && file_is_stream(f);
	struct sys_io_cursor cur = {.iov = iov, .n = n};
	const struct vfs_waiter waiter = lwp_vfs_waiter(l);
	size_t max = IO_FIRST, pinned, done;
	uint64_t room = UINT64_MAX;
	int64_t total = 0;
	struct vm_iov v;
	struct uio uio;
	int error = 0;

	if (write)
		error = sys_file_limit(l, f, at, off, &room);
	if (error != 0)
		return (error);
	do {
		if (max > room - (uint64_t)total)
			max = room - (uint64_t)total;
		error = sys_io_pin(
		    l, &cur, max, write ? VM_PROT_READ : VM_PROT_WRITE, &v);
		pinned = v.len;
		if (error != 0 || pinned == 0)
			break;
		uio = (struct uio){.iov = v.iov,
		    .niov = v.niov,
		    .resid = pinned,
		    .off = off + (uint64_t)total,
		    .write = write};
		error = write ? file_write(f, &uio, &waiter, at)
			      : file_read(f, &uio, &waiter, at);
		done = pinned - uio.resid;
		if (!write)
			vm_iov_commit(&v, done);
		vm_iov_release(&v);
		total += (int64_t)done;
		max = IO_CHUNK;
	} while (error == 0 && done == pinned && !once);
	if (total == 0 && error != 0) {
		if (error == EPIPE && write)
			sys_sigpipe(l, f);
		return (sys_restartable(error));
	}
	*ret = total;
	return (0);
}

int
sys_copyin_iov(
    struct lwp *l, uint64_t uaddr, uint64_t cnt, struct lx_iovec **out, int *n)
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
	v = malloc(cnt * sizeof(*v));
	if (v == NULL)
		return (ENOMEM);
	if (copyin(lwp_vmspace(l), v, uaddr, cnt * sizeof(*v)) != 0) {
		free(v);
		return (EFAULT);
	}
	for (i = 0; i < (int)cnt; i++) {
		if ((int64_t)v[i].len < 0) {
			free(v);
			return (EINVAL);
		}
		if (v[i].len > LX_MAX_RW_COUNT - total)
			v[i].len = LX_MAX_RW_COUNT - total;
		total += v[i].len;
	}
	*out = v;
	*n = i;
	return (0);
}

/* The file of fd if it is open for this direction. */
static int
io_file(struct lwp *l, int fd, bool write, struct file **out)
{
	struct file *f;
	int error, fl;

	error = sys_get_file(l, fd, &f);
	if (error != 0)
		return (error);
	fl = atomic_load(&f->flags);
	if ((fl & O_PATH) != 0 ||
	    (fl & O_ACCMODE) == (write ? O_RDONLY : O_WRONLY)) {
		file_free(f);
		return (EBADF);
	}
	*out = f;
	return (0);
}

/* All of the calls: fd, ranges, where. */
static int
io_call(struct lwp *l, int fd, const struct lx_iovec *iov, int n, int flags,
    int64_t off, int64_t *ret)
{
	bool write = (flags & SYS_IO_WRITE) != 0;
	struct file *f;
	int error;

	if ((flags & SYS_IO_AT) != 0 && off < 0)
		return (EINVAL);
	error = io_file(l, fd, write, &f);
	if (error != 0)
		return (error);
	if ((flags & SYS_IO_AT) != 0 && file_is_stream(f))
		error = ESPIPE;
	if (error == 0)
		error = write ? sys_tty_output(l, f)
			      : sys_tty_background(l, f, LX_SIGTTIN);
	if (error == 0 && file_socket(f) != NULL)
		error = sys_sock_io(l, f, iov, n, write, ret);
	else if (error == 0)
		error = sys_user_io(l, f, iov, n, flags, (uint64_t)off, ret);
	file_free(f);
	return (error);
}

static int
io_one(struct lwp *l, const uint64_t *a, int flags, int64_t off, int64_t *ret)
{
	struct lx_iovec iov = {.base = a[1], .len = a[2]};

	if ((int64_t)iov.len < 0)
		return (EINVAL);
	if (iov.len > LX_MAX_RW_COUNT)
		iov.len = LX_MAX_RW_COUNT;
	return (io_call(l, (int)a[0], &iov, 1, flags, off, ret));
}

static int
io_many(struct lwp *l, const uint64_t *a, int flags, int64_t off, int64_t *ret)
{
	struct lx_iovec *iov;
	int error, n;

	error = sys_copyin_iov(l, a[1], a[2], &iov, &n);
	if (error != 0)
		return (error);
	error = io_call(l, (int)a[0], iov, n, flags, off, ret);
	free(iov);
	return (error);
}

int
sys_read(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (io_one(l, a, 0, 0, ret));
}

int
sys_write(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (io_one(l, a, SYS_IO_WRITE, 0, ret));
}

int
sys_pread64(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (io_one(l, a, SYS_IO_AT, (int64_t)a[3], ret));
}

int
sys_pwrite64(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (io_one(l, a, SYS_IO_AT | SYS_IO_WRITE, (int64_t)a[3], ret));
}

int
sys_readv(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (io_many(l, a, 0, 0, ret));
}

int
sys_writev(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (io_many(l, a, SYS_IO_WRITE, 0, ret));
}

int
sys_preadv(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (io_many(l, a, SYS_IO_AT, (int64_t)a[3], ret));
}

int
sys_pwritev(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (io_many(l, a, SYS_IO_AT | SYS_IO_WRITE, (int64_t)a[3], ret));
}

/* Offset -1 means the file's own. */
static int
io_many2(struct lwp *l, const uint64_t *a, int flags, int64_t *ret)
{
	if (a[5] != 0)
		return (EOPNOTSUPP);
	if ((int64_t)a[3] != -1)
		flags |= SYS_IO_AT;
	return (io_many(l, a, flags, (int64_t)a[3], ret));
}

int
sys_preadv2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (io_many2(l, a, 0, ret));
}

int
sys_pwritev2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (io_many2(l, a, SYS_IO_WRITE, ret));
}

int
sys_lseek(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t pos = 0;
	struct file *f;
	int error;

	error = sys_get_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	if ((atomic_load(&f->flags) & O_PATH) != 0)
		error = EBADF;
	else if ((int)a[2] < 0 || (int)a[2] > 4)
		error = EINVAL;
	else if (f->ops->seek == NULL)
		error = ESPIPE;
	else
		error = file_seek(f, (int64_t)a[1], (int)a[2], &pos);
	file_free(f);
	if (error == 0)
		*ret = (int64_t)pos;
	return (error);
}

/* ---- copies inside the kernel ---- */

/* Positions of a copy; `at` false: the file's own. */
struct copy_end {
	struct file *f;
	bool at;
	uint64_t off;
};

static int
copy_some(struct copy_end *in, struct copy_end *out, void *buf, size_t len,
    const struct vfs_waiter *waiter, size_t *moved)
{
	struct host_iovec one;
	struct uio uio;
	size_t got;
	int error;

	uio_init1(&uio, &one, buf, len, in->off, false);
	error = file_read(in->f, &uio, waiter, true);
	got = len - uio.resid;
	*moved = 0;
	if (error != 0 || got == 0)
		return (error);
	uio_init1(&uio, &one, buf, got, out->off, true);
	error = file_write(out->f, &uio, waiter, out->at);
	*moved = got - uio.resid;
	in->off += *moved;
	if (out->at)
		out->off += *moved;
	return (*moved > 0 ? 0 : error);
}

/* Until `len` bytes, end of file, a short transfer or a signal. */
static int
copy_loop(struct lwp *l, struct copy_end *in, struct copy_end *out,
    uint64_t len, int64_t *ret)
{
	const struct vfs_waiter waiter = lwp_vfs_waiter(l);
	uint64_t total = 0;
	size_t n, moved;
	int error = 0;
	void *buf;

	buf = malloc(COPY_BUF);
	if (buf == NULL)
		return (ENOMEM);
	while (total < len) {
		n = len - total < COPY_BUF ? (size_t)(len - total) : COPY_BUF;
		error = copy_some(in, out, buf, n, &waiter, &moved);
		total += moved;
		if (error != 0 || moved < n ||
		    atomic_load_explicit(&l->sigcheck, memory_order_relaxed))
			break;
	}
	free(buf);
	if (total == 0 && error != 0) {
		if (error == EPIPE)
			sys_sigpipe(l, out->f);
		return (sys_restartable(error));
	}
	*ret = (int64_t)total;
	return (0);
}

/* Where to start: *uoff, or (no pointer) the file's own offset. */
static int
copy_offset(struct lwp *l, struct file *f, uint64_t uoff, uint64_t *off)
{
	int error;

	if (uoff == 0)
		return (f->ops->seek == NULL ? ESPIPE
					     : file_seek(f, 0, SEEK_CUR, off));
	error = copyin(lwp_vmspace(l), off, uoff, sizeof(*off));
	return (error == 0 && (int64_t)*off < 0 ? EINVAL : error);
}

static int
copy_offset_store(struct lwp *l, struct file *f, uint64_t uoff, uint64_t off)
{
	uint64_t pos;

	if (uoff == 0)
		return (file_seek(f, (int64_t)off, SEEK_SET, &pos));
	return (copyout(lwp_vmspace(l), &off, uoff, sizeof(off)));
}

int
sys_sendfile(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct copy_end in = {.at = true}, out = {.at = false};
	uint64_t len = a[3];
	int error;

	if (len > LX_MAX_RW_COUNT)
		len = LX_MAX_RW_COUNT;
	error = io_file(l, (int)a[1], false, &in.f);
	if (error != 0)
		return (error);
	error = io_file(l, (int)a[0], true, &out.f);
	if (error == 0) {
		if (file_is_stream(in.f) || in.f->vp->type == VDIR)
			error = EINVAL;
		if (error == 0)
			error = copy_offset(l, in.f, a[2], &in.off);
		if (error == 0)
			error = copy_loop(l, &in, &out, len, ret);
		if (error == 0)
			error = copy_offset_store(l, in.f, a[2], in.off);
		file_free(out.f);
	}
	file_free(in.f);
	return (error);
}

static int
copy_range(struct lwp *l, const uint64_t *a, struct copy_end *in,
    struct copy_end *out, int64_t *ret)
{
	uint64_t len = a[4] > LX_MAX_RW_COUNT ? LX_MAX_RW_COUNT : a[4];
	int error;

	if (file_is_stream(in->f) || file_is_stream(out->f))
		return (EINVAL);
	if (in->f->vp->type == VDIR || out->f->vp->type == VDIR)
		return (EISDIR);
	if (in->f->vp->type != VREG || out->f->vp->type != VREG)
		return (EINVAL);
	if (atomic_load(&out->f->flags) & O_APPEND)
		return (EBADF);
	error = copy_offset(l, in->f, a[1], &in->off);
	if (error == 0)
		error = copy_offset(l, out->f, a[3], &out->off);
	if (error != 0)
		return (error);
	if (in->f->vp == out->f->vp && in->off < out->off + len &&
	    out->off < in->off + len)
		return (EINVAL);
	error = copy_loop(l, in, out, len, ret);
	if (error == 0)
		error = copy_offset_store(l, in->f, a[1], in->off);
	if (error == 0)
		error = copy_offset_store(l, out->f, a[3], out->off);
	return (error);
}

int
sys_copy_file_range(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct copy_end in = {.at = true}, out = {.at = true};
	int error;

	if (a[5] != 0)
		return (EINVAL);
	error = io_file(l, (int)a[0], false, &in.f);
	if (error != 0)
		return (error);
	error = io_file(l, (int)a[2], true, &out.f);
	if (error == 0) {
		error = copy_range(l, a, &in, &out, ret);
		file_free(out.f);
	}
	file_free(in.f);
	return (error);
}

/* Advice about files is taken note of by nobody. */
int
sys_readahead(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f;
	int error = io_file(l, (int)a[0], false, &f);

	if (error != 0)
		return (error);
	if (f->vp == NULL || f->vp->type != VREG)
		error = EINVAL;
	file_free(f);
	return (error);
}

int
sys_fadvise64(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f;
	int error = sys_get_file(l, (int)a[0], &f);

	if (error != 0)
		return (error);
	if (file_is_stream(f))
		error = ESPIPE;
	else if ((int)a[3] < 0 || (int)a[3] > 5 || (int64_t)a[2] < 0)
		error = EINVAL;
	file_free(f);
	return (error);
}
