/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Copies inside the kernel: sendfile and copy_file_range, and the ioctl
 * requests by which two files would share blocks.
 *
 * The bytes go through a buffer.  The source is read at a position, never at
 * its own offset, so that bytes which the target does not take are not lost;
 * the offset of the source is set when the copy is done.
 *
 * RLIMIT_FSIZE of the target: both calls cut a copy at the limit.  A copy that
 * begins at the limit is EFBIG after SIGXFSZ.  As on Linux, copy_file_range
 * fails so even if there is nothing to copy, and sendfile sends the signal also
 * for a copy that was cut.
 *
 * Limits.  Both calls copy; nothing is shared between the two files.  So the
 * requests check their arguments as Linux does, and are EOPNOTSUPP then: the
 * caller copies.
 */
#include "linux/file/sys_uio.h"
#include "linux/lib/sys_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "abi/ioctl.h"
#include "abi/uio.h"
#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"

#define COPY_BUF (size_t)(64u << 10)

sys_fn sys_sendfile, sys_copy_file_range;

/* One side of a copy; `at` false: at the file's own offset, not at `off`. */
struct copy_end {
	struct file *f;
	bool at;
	uint64_t off;
};

static int
copy_some(struct lwp *l, struct copy_end *in, struct copy_end *out, void *buf,
    size_t len, const struct vfs_waiter *waiter, size_t *moved)
{
	struct host_iovec one;
	struct uio uio;
	uint64_t room;
	size_t got, put;
	int error;

	*moved = 0;
	uio_init1(&uio, &one, buf, len, in->off, false);
	error = file_read(in->f, &uio, waiter, true);
	got = len - uio.resid;
	if (error != 0 || got == 0)
		return (error);
	room = sys_fsize_room(l, out->f, out->at, out->off);
	put = got < room ? got : (size_t)room;
	if (put > 0) {
		uio_init1(&uio, &one, buf, put, out->off, true);
		error = file_write(out->f, &uio, waiter, out->at);
		*moved = put - uio.resid;
	}
	in->off += *moved;
	if (out->at)
		out->off += *moved;
	if (*moved == room && *moved < got)
		error = sys_fsize_exceeded(l);
	return (*moved > 0 ? 0 : error);
}

/* Copy until `len` bytes, end of file, a short transfer or a signal. */
static int
copy_loop(struct lwp *l, struct copy_end *in, struct copy_end *out,
    uint64_t len, int64_t *ret)
{
	const struct vfs_waiter waiter = lwp_vfs_waiter(l);
	uint64_t total = 0;
	size_t n, moved;
	int error = 0;
	void *buf;

	buf = kmem_alloc(COPY_BUF);
	if (buf == NULL)
		return (ENOMEM);
	while (total < len) {
		n = len - total < COPY_BUF ? (size_t)(len - total) : COPY_BUF;
		error = copy_some(l, in, out, buf, n, &waiter, &moved);
		total += moved;
		if (error != 0 || moved < n ||
		    atomic_load_explicit(&l->sigcheck, memory_order_relaxed))
			break;
	}
	kmem_free(buf);
	if (total == 0 && error != 0) {
		if (error == EPIPE)
			sys_sigpipe(l, out->f);
		return (sys_io_restartable(out->f, true, error));
	}
	*ret = (int64_t)total;
	return (0);
}

/* Where the source starts: *uoff, or with uoff 0 the file's own offset. */
static int
copy_offset(struct lwp *l, struct file *f, uint64_t uoff, uint64_t *off)
{
	if (uoff == 0)
		return (file_seek(f, 0, SEEK_CUR, off));
	return (copyin(lwp_vmspace(l), off, uoff, sizeof(*off)));
}

static int
copy_offset_store(struct lwp *l, struct file *f, uint64_t uoff, uint64_t off)
{
	uint64_t pos;

	if (uoff == 0)
		return (file_seek(f, (int64_t)off, SEEK_SET, &pos));
	return (copyout(lwp_vmspace(l), &off, uoff, sizeof(off)));
}

static int
sendfile_files(struct lwp *l, const uint64_t *a, struct copy_end *in,
    struct copy_end *out, int64_t *ret)
{
	uint64_t len = a[3] > LX_MAX_RW_COUNT ? LX_MAX_RW_COUNT : a[3];
	int error;

	if (!file_can(in->f, FCAP_AT))
		return (EINVAL);
	if (in->f->vp != NULL && in->f->vp->type == VDIR)
		return (EINVAL);
	if ((atomic_load(&out->f->flags) & O_APPEND) != 0 &&
	    !file_can(out->f, FCAP_PIPE))
		return (EINVAL);
	error = copy_offset(l, in->f, a[2], &in->off);
	if (error == 0 && (int64_t)in->off < 0)
		error = EINVAL;
	if (error != 0)
		return (error);
	error = copy_loop(l, in, out, len, ret);
	if (error != 0)
		return (error);
	return (copy_offset_store(l, in->f, a[2], in->off));
}

int
sys_sendfile(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct copy_end in = {.at = true}, out = {.at = false};
	int error;

	error = sys_io_file(l, (int)a[1], false, &in.f);
	if (error != 0)
		return (error);
	if (a[2] != 0 && !file_can(in.f, FCAP_AT))
		error = ESPIPE;
	else if ((int64_t)a[3] < 0)
		error = EINVAL;
	else
		error = sys_io_file(l, (int)a[0], true, &out.f);
	if (error != 0)
		goto out;
	error = sendfile_files(l, a, &in, &out, ret);
	file_free(out.f);
out:
	file_free(in.f);
	return (error);
}

/* How much of `len` bytes is copied: up to the end of the source and to the
 * limit of the target. */
static int
copy_range_length(
    struct lwp *l, struct copy_end *in, struct copy_end *out, uint64_t *len)
{
	struct vattr va;
	uint64_t room;
	int error;

	if (in->off + *len < in->off || out->off + *len < out->off)
		return (EOVERFLOW);
	if ((int64_t)in->off < 0 || (int64_t)out->off < 0)
		return (EINVAL);
	error = vn_getattr(in->f->vp, &va);
	if (error != 0)
		return (error);
	if (in->off >= va.size)
		*len = 0;
	else if (*len > va.size - in->off)
		*len = va.size - in->off;
	room = sys_fsize_room(l, out->f, true, out->off);
	if (room == 0)
		return (sys_fsize_exceeded(l));
	if (*len > room)
		*len = room;
	if (*len > LX_MAX_RW_COUNT)
		*len = LX_MAX_RW_COUNT;
	return (0);
}

/* Two regular files, one open for reading, the other for writing. */
static int
copy_files_permit(const struct file *in, const struct file *out)
{
	const int ofl = atomic_load(&out->flags);
	const struct vnode *iv = in->vp, *ov = out->vp;

	if ((iv != NULL && iv->type == VDIR) ||
	    (ov != NULL && ov->type == VDIR))
		return (EISDIR);
	if (iv == NULL || ov == NULL || iv->type != VREG || ov->type != VREG)
		return (EINVAL);
	if (!file_flags_permit(atomic_load(&in->flags), false) ||
	    !file_flags_permit(ofl, true) || (ofl & O_APPEND) != 0)
		return (EBADF);
	return (0);
}

/* Both are of one file system: 0, else EXDEV. */
static int
copy_same_system(struct file *in, struct file *out)
{
	struct vattr iva, ova;
	int error;

	error = file_getattr(in, &iva);
	if (error == 0)
		error = file_getattr(out, &ova);
	if (error != 0)
		return (error);
	return (iva.dev != ova.dev ? EXDEV : 0);
}

static int
copy_range(struct lwp *l, const uint64_t *a, struct copy_end *in,
    struct copy_end *out, int64_t *ret)
{
	uint64_t len = a[4];
	int error;

	/* The order is Linux's; the second rule is there since 5.19. */
	error = copy_files_permit(in->f, out->f);
	if (error == 0)
		error = copy_same_system(in->f, out->f);
	if (error != 0)
		return (error);
	error = copy_offset(l, in->f, a[1], &in->off);
	if (error != 0)
		return (error);
	error = copy_offset(l, out->f, a[3], &out->off);
	if (error != 0)
		return (error);
	error = copy_range_length(l, in, out, &len);
	if (error != 0 || len == 0)
		return (error);
	if (in->f->vp == out->f->vp && in->off < out->off + len &&
	    out->off < in->off + len)
		return (EINVAL);
	error = copy_loop(l, in, out, len, ret);
	if (error != 0)
		return (error);
	error = copy_offset_store(l, in->f, a[1], in->off);
	if (error != 0)
		return (error);
	return (copy_offset_store(l, out->f, a[3], out->off));
}

int
sys_copy_file_range(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct copy_end in = {.at = true}, out = {.at = true};
	int error;

	error = sys_get_open_file(l, (int)a[0], &in.f);
	if (error != 0)
		return (error);
	error = sys_get_open_file(l, (int)a[2], &out.f);
	if (error != 0)
		goto out;
	error = a[5] != 0 ? EINVAL : copy_range(l, a, &in, &out, ret);
	file_free(out.f);
out:
	file_free(in.f);
	return (error);
}

static int
share_clone(struct lwp *l, struct file *out, int fd)
{
	struct file *in;
	int error;

	error = sys_get_open_file(l, fd, &in);
	if (error != 0)
		return (error);
	error = copy_same_system(in, out);
	if (error == 0)
		error = copy_files_permit(in, out);
	file_free(in);
	return (error != 0 ? error : EOPNOTSUPP);
}

static int
share_dedupe(struct lwp *l, struct file *f, uint64_t arg)
{
	struct lx_file_dedupe_range_info info;
	struct lx_file_dedupe_range range;
	uint64_t at = arg + sizeof(range);

	if (copyin(lwp_vmspace(l), &range, arg, sizeof(range)) != 0)
		return (EFAULT);
	if (sizeof(range) + range.dest_count * sizeof(info) > PAGE_SIZE)
		return (ENOMEM);
	for (uint16_t i = 0; i < range.dest_count; i++, at += sizeof(info))
		if (copyin(lwp_vmspace(l), &info, at, sizeof(info)) != 0)
			return (EFAULT);
	if (!file_flags_permit(atomic_load(&f->flags), false) ||
	    range.reserved1 != 0 || range.reserved2 != 0)
		return (EINVAL);
	if (f->vp != NULL && f->vp->type == VDIR)
		return (EISDIR);
	return (f->vp != NULL && f->vp->type == VREG ? EOPNOTSUPP : EINVAL);
}

int
sys_file_share(struct lwp *l, struct file *f, uint32_t cmd, uint64_t arg)
{
	struct lx_file_clone_range range;

	if (cmd == LX_FICLONE)
		return (share_clone(l, f, (int)arg));
	if (cmd == LX_FIDEDUPERANGE)
		return (share_dedupe(l, f, arg));
	if (cmd != LX_FICLONERANGE)
		return (EOPNOTSUPP);
	if (copyin(lwp_vmspace(l), &range, arg, sizeof(range)) != 0)
		return (EFAULT);
	return (share_clone(l, f, (int)range.src_fd));
}
