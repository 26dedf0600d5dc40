/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls that move bytes between user memory and a file: read, write and
 * their relatives; lseek and advice about files.
 *
 * User memory is pinned piece by piece (sys_uio.c) and handed to the file as a
 * uio over the frames.  A piece is 64 KiB at first and up to 256 KiB after
 * that, so that a huge buffer for a small file faults in little.
 *
 * A read of a stream of the host (FCAP_STREAM, FCAP_HOSTFD) waits for its first
 * piece only: for further ones it takes what is there.  A read of a terminal or
 * of another stream is one piece.  All other calls go on until a transfer is
 * short.
 *
 * Pieces of a write to a pipe are whole pages, because a pipe that got parts of
 * pages has less room than its size says.
 *
 * Results: if bytes were moved before an error, the call returns their number;
 * a bad address is EFAULT only when no byte was moved, and not at the end of a
 * file.  Ranges that leave user space are EFAULT before anything is moved.  A
 * call of a process that is killed stops after a piece.
 *
 * A file that keeps message boundaries (FCAP_RECORD) moves one message in one
 * transfer, which may be empty; all of its user memory must be accessible.
 *
 * Limits: pieces stay pinned while a stream read waits.
 */
#include "linux/file/sys_uio.h"

#include "abi/poll.h"
#include "abi/signal.h"
#include "abi/uio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"

#define IO_FIRST (UINT64_C(64) << 10)
#define IO_CHUNK (UINT64_C(256) << 10)
#define IO_PIPE (UINT64_C(252) << 10) /* fits in a vm_iov from any byte on */
#define SYS_IO_WRITE 0x1
#define SYS_IO_AT 0x2        /* at `off`, not at the file's own offset */
#define SYS_IO_APPEND 0x4    /* at the end of the file, wherever that is */
#define SYS_IO_SYNC 0x8      /* what was written reaches the disk */
#define SYS_IO_NOAPPEND 0x10 /* at `off`, in spite of O_APPEND */
#define SYS_IO_NOWAIT 0x20   /* EAGAIN where the call would wait */

sys_fn sys_read, sys_write, sys_readv, sys_writev, sys_pread64, sys_pwrite64,
    sys_preadv, sys_pwritev, sys_preadv2, sys_pwritev2, sys_lseek,
    sys_readahead, sys_fadvise64;

/* A call in progress. */
struct user_io {
	struct file *f;
	struct sys_io_cursor cur;
	bool write, at, append, noappend;
	bool nowait;      /* no transfer may wait */
	uint64_t off;     /* of the call's first byte, if `at` */
	uint64_t room;    /* bytes that may be moved at most */
	bool once;        /* only one transfer */
	bool there;       /* a read after the first transfer must not wait */
	uint64_t message; /* FCAP_RECORD: bytes of all ranges, else 0 */
};

/* One transfer of the file, to or from pinned memory.  *done: also the bytes
 * that were moved before an error. */
static int
user_pinned(struct user_io *c, struct vm_iov *v, uint64_t off,
    const struct vfs_waiter *waiter, size_t *done)
{
	struct uio uio = {.iov = v->iov,
	    .niov = v->niov,
	    .resid = v->len,
	    .off = off,
	    .write = c->write,
	    .append = c->append,
	    .noappend = c->noappend};
	int error;

	error = c->write ? file_write(c->f, &uio, waiter, c->at)
			 : file_read(c->f, &uio, waiter, c->at);
	*done = v->len - uio.resid;
	if (!c->write)
		vm_iov_commit(v, *done);
	return (error);
}

/* Move one message through memory of the kernel. */
static int
user_message(struct lwp *l, struct user_io *c, const struct vfs_waiter *waiter,
    int64_t *total)
{
	struct sys_message m;
	int error;

	error = sys_message_begin(
	    l, &m, c->cur.iov, c->cur.n, c->message, c->write);
	if (error != 0)
		return (error);
	error = c->write ? file_write(c->f, &m.uio, waiter, false)
			 : file_read(c->f, &m.uio, waiter, false);
	error = sys_message_end(l, &m, error);
	if (error == 0)
		*total = (int64_t)(m.len - m.uio.resid);
	return (error);
}

/* Move up to max bytes.  *more: the whole piece was moved, and the call may go
 * on with the next one. */
static int
user_piece(struct lwp *l, struct user_io *c, size_t max,
    const struct vfs_waiter *waiter, int64_t *total, bool *more)
{
	struct vm_iov v;
	size_t done;
	int error;

	*more = false;
	if (max > c->room - (uint64_t)*total)
		max = c->room - (uint64_t)*total;
	error = sys_io_pin(
	    l, &c->cur, max, c->write ? VM_PROT_READ : VM_PROT_WRITE, &v);
	if (error != 0)
		goto out;
	if (c->message != 0 && sys_io_scattered(&v, c->message)) {
		vm_iov_release(&v);
		return (user_message(l, c, waiter, total));
	}
	if (c->write && v.len < c->message) {
		error = EFAULT;
		goto out;
	}
	if (v.len == 0 && !file_can(c->f, c->write ? FCAP_EMPTY : FCAP_RECORD))
		goto out;
	error = user_pinned(c, &v, c->off + (uint64_t)*total, waiter, &done);
	*total += (int64_t)done;
	*more = v.len != 0 && done == v.len && !c->once;
out:
	vm_iov_release(&v);
	return (error);
}

/* How many bytes the call may move. */
static uint64_t
io_room(struct lwp *l, const struct user_io *c)
{
	struct vattr va;

	if (!c->write)
		return (UINT64_MAX);
	if (c->append && c->f->vp != NULL && vn_getattr(c->f->vp, &va) == 0)
		return (sys_fsize_room(l, c->f, true, va.size));
	return (sys_fsize_room(l, c->f, c->at, c->off));
}

/* struct vfs_waiter.wait of a read that has bytes already. */
static int
io_no_wait(void *lwp, int hostfd, short events, uint64_t deadline_ns)
{
	return (EAGAIN);
}

/* Send SIGPIPE if a write to f, of which `left` bytes are left, has found that
 * there are no readers, also after some of it was written. */
static void
io_broken(struct lwp *l, const struct file *f, int error, uint64_t left)
{
	if (error == 0 && left > 0 && file_can(f, FCAP_PIPE) &&
	    (hostfd_ready(f->hostfd, LX_POLLOUT) & LX_POLLERR) != 0)
		error = EPIPE;
	if (error == EPIPE)
		sys_sigpipe(l, f);
}

/* A transfer of no bytes: 0, but for files whose transfers have a least size.
 */
static int
io_nothing(const struct file *f, bool write)
{
	if (f->vp != NULL)
		return (f->vp->type == VDIR && !write ? EISDIR : 0);
	return (file_can(f, FCAP_WHOLE) ? EINVAL : 0);
}

/* Does a read begin at the end of a file or behind it?  There it moves nothing
 * and does not look at the user's memory. */
static bool
io_at_end(const struct user_io *c)
{
	struct vnode *vp = c->f->vp;
	uint64_t pos = c->off;
	struct vm_object *obj;
	struct vattr va;

	/* A file that is made when it is read has no pages and no size. */
	if (c->write || vp == NULL || vp->type != VREG ||
	    vnode_object(vp, &obj) != 0)
		return (false);
	if (!c->at && file_seek(c->f, 0, SEEK_CUR, &pos) != 0)
		return (false);
	return (vn_getattr(vp, &va) == 0 && pos >= va.size);
}

/* Move bytes between user memory and the file of c. */
static int
user_io(struct lwp *l, struct user_io *c, int64_t *ret)
{
	uint64_t all = sys_iov_total(c->cur.iov, c->cur.n);
	bool record = file_can(c->f, FCAP_RECORD), more;
	size_t max = record ? SYS_MESSAGE_MAX : IO_FIRST;
	const bool pipe = c->write && file_can(c->f, FCAP_PIPE);
	struct vfs_waiter waiter = lwp_vfs_waiter(l);
	int64_t total = 0;
	int error;

	if (c->nowait)
		waiter.wait = io_no_wait;
	*ret = 0;
	if (all == 0 && !(c->write && file_can(c->f, FCAP_EMPTY)))
		return (io_nothing(c->f, c->write));
	if (c->write && record && all > SYS_MESSAGE_MAX)
		return (EMSGSIZE);
	c->there = !c->write && !file_can(c->f, FCAP_TTY) &&
		   file_can(c->f, FCAP_STREAM | FCAP_HOSTFD);
	c->once =
	    record || (!c->write && !c->there && file_can(c->f, FCAP_STREAM));
	c->message = record ? all : 0;
	c->room = io_room(l, c);
	if (c->room == 0)
		return (sys_fsize_exceeded(l));
	do {
		error = user_piece(l, c, max, &waiter, &total, &more);
		max = pipe ? IO_PIPE : IO_CHUNK;
		if (c->there)
			waiter.wait = io_no_wait;
	} while (error == 0 && more && !lwp_killed(l));
	if (c->write)
		io_broken(l, c->f, error, all - (uint64_t)total);
	if (total == 0 && error == EFAULT && io_at_end(c))
		return (0);
	if (total == 0 && error != 0)
		return (sys_io_restartable(c->f, c->write, error));
	*ret = total;
	return (0);
}

/* May the call be made on its file?  `all`: the bytes that it asks for. */
static int
io_check(const struct user_io *c, uint64_t all)
{
	if (c->at && all > INT64_MAX - c->off)
		return (EINVAL);
	/* A regular file is read without a look whether its pages are there;
	 * programs do without for a write. */
	if (c->nowait && (c->f->ops->caps & (FCAP_STREAM | FCAP_RECORD)) == 0 &&
	    (c->write || c->f->vp == NULL || c->f->vp->type != VREG))
		return (EOPNOTSUPP);
	return (0);
}

/* Move the ranges from or to f, which is open in that direction.  `all`: the
 * bytes that the caller asks for, also those that are cut off. */
static int
io_file(struct lwp *l, struct file *f, const struct lx_iovec *iov, int n,
    uint64_t all, int flags, int64_t off, int64_t *ret)
{
	struct user_io c = {.f = f,
	    .cur = {.iov = iov, .n = n},
	    .write = (flags & SYS_IO_WRITE) != 0,
	    .at = (flags & SYS_IO_AT) != 0,
	    .append = (flags & SYS_IO_APPEND) != 0,
	    .noappend = (flags & SYS_IO_NOAPPEND) != 0,
	    .nowait = (flags & SYS_IO_NOWAIT) != 0,
	    .off = (uint64_t)off};
	int error;

	error = io_check(&c, all);
	if (error != 0)
		return (error);
	error = c.write ? sys_tty_output(l, f)
			: sys_tty_background(l, f, LX_SIGTTIN);
	if (error != 0)
		return (error);
	error = user_io(l, &c, ret);
	lwp_count_io(l, c.write, error == 0 ? (uint64_t)*ret : 0);
	if (error == 0 && (flags & SYS_IO_SYNC) != 0 && *ret > 0 &&
	    file_can(f, FCAP_SYNC))
		error = vn_fsync(f->vp);
	return (error);
}

/* How a call moves bytes, besides its ranges. */
struct io_how {
	int flags;    /* SYS_IO_* */
	bool vector;  /* the ranges are an array */
	int64_t off;  /* SYS_IO_AT */
	uint64_t rwf; /* of preadv2 and pwritev2 */
};

static int io_rwf(uint64_t rwf, bool write, int *flags);

/* The one range of a call that has no array.  EFAULT. */
static int
io_range(const uint64_t *a, struct lx_iovec *iov)
{
	iov->base = a[1];
	iov->len = a[2];
	if (!sys_user_range(iov->base, iov->len))
		return (EFAULT);
	if (iov->len > LX_MAX_RW_COUNT)
		iov->len = LX_MAX_RW_COUNT;
	return (0);
}

/* Common to all calls.  As on Linux the descriptor is checked first, then the
 * ranges, then the flags. */
static int
io_call(struct lwp *l, const uint64_t *a, struct io_how how, int64_t *ret)
{
	const bool write = (how.flags & SYS_IO_WRITE) != 0;
	struct lx_iovec one, *many = NULL;
	struct file *f;
	uint64_t all = a[2];
	int error, n = 1;

	if ((how.flags & SYS_IO_AT) != 0 && how.off < 0)
		return (EINVAL);
	error = (how.flags & SYS_IO_AT) != 0
		    ? sys_io_file_at(l, (int)a[0], write, &f)
		    : sys_io_file(l, (int)a[0], write, &f);
	if (error != 0)
		return (error);
	if (how.vector) {
		error = sys_copyin_iov(l, a[1], a[2], &many, &n);
		all = error == 0 ? sys_iov_total(many, n) : 0;
	} else
		error = io_range(a, &one);
	if (error == 0)
		error = io_rwf(how.rwf, write, &how.flags);
	if (error == 0)
		error = io_file(l, f, how.vector ? many : &one, n, all,
		    how.flags, how.off, ret);
	if (many != NULL)
		kmem_free(many);
	file_free(f);
	return (error);
}

static int
io_one(struct lwp *l, const uint64_t *a, int flags, int64_t off, int64_t *ret)
{
	const struct io_how how = {.flags = flags, .off = off};

	return (io_call(l, a, how, ret));
}

static int
io_many(struct lwp *l, const uint64_t *a, int flags, int64_t off, int64_t *ret)
{
	const struct io_how how = {.flags = flags, .vector = true, .off = off};

	return (io_call(l, a, how, ret));
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

/* The flags of preadv2 and pwritev2.  EOPNOTSUPP, so that programs do without:
 * newer ones, which are promises that this kernel cannot keep. */
static int
io_rwf(uint64_t rwf, bool write, int *flags)
{
	const uint64_t sync = LX_RWF_DSYNC | LX_RWF_SYNC;
	const uint64_t place = LX_RWF_APPEND | LX_RWF_NOAPPEND;
	const uint64_t known = LX_RWF_HIPRI | sync | LX_RWF_NOWAIT | place;

	if ((rwf & UINT32_MAX & ~known) != 0)
		return (EOPNOTSUPP);
	if ((rwf & place) == place)
		return (EINVAL);
	if ((rwf & LX_RWF_NOWAIT) != 0)
		*flags |= SYS_IO_NOWAIT;
	if (write && (rwf & LX_RWF_APPEND) != 0)
		*flags |= SYS_IO_APPEND;
	if (write && (rwf & LX_RWF_NOAPPEND) != 0)
		*flags |= SYS_IO_NOAPPEND;
	if (write && (rwf & sync) != 0)
		*flags |= SYS_IO_SYNC;
	return (0);
}

int
sys_io_rwf_check(uint64_t rwf, bool write)
{
	int flags = 0;

	return (io_rwf(rwf, write, &flags));
}

int
sys_io_file_rw(struct lwp *l, struct file *f, const struct lx_iovec *iov, int n,
    bool write, uint64_t rwf, int64_t off, int64_t *ret)
{
	int flags = write ? SYS_IO_WRITE : 0;

	(void)io_rwf(rwf, write, &flags);
	if (file_can(f, FCAP_AT))
		flags |= SYS_IO_AT;
	return (io_file(l, f, iov, n, sys_iov_total(iov, n), flags, off, ret));
}

/* Offset -1 means the file's own. */
static int
io_many2(struct lwp *l, const uint64_t *a, int flags, int64_t *ret)
{
	struct io_how how = {
	    .flags = flags, .vector = true, .off = (int64_t)a[3], .rwf = a[5]};

	if (how.off != -1)
		how.flags |= SYS_IO_AT;
	return (io_call(l, a, how, ret));
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

	error = sys_get_open_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	if ((int)a[2] < 0 || (int)a[2] > 4)
		error = EINVAL;
	else
		error = file_seek(f, (int64_t)a[1], (int)a[2], &pos);
	file_free(f);
	if (error == 0)
		*ret = (int64_t)pos;
	return (error);
}

/* Advice about files is checked and has no effect. */
int
sys_readahead(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f;
	int error = sys_io_file(l, (int)a[0], false, &f);

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
	int error = sys_get_open_file(l, (int)a[0], &f);

	if (error != 0)
		return (error);
	if (file_can(f, FCAP_PIPE))
		error = ESPIPE;
	else if ((int)a[3] < 0 || (int)a[3] > 5 || (int64_t)a[2] < 0)
		error = EINVAL;
	file_free(f);
	return (error);
}
