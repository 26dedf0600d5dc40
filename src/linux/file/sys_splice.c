/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * splice, tee and vmsplice: bytes between a pipe and something else.
 *
 * Concepts.  The pipes of guests are pipes of the host.  If the other end is a
 * host descriptor as well (a pipe, a socket), the call uses the host's splice
 * or tee, always without waiting: after EAGAIN it polls both ends, and waits
 * for the end that is not ready as reads and writes do.  The pages of vfs files
 * belong to this kernel, so their bytes go through a buffer:
 *
 *   file -> pipe   the buffer is written to the pipe; the file's offset
 * advances by what the pipe took, and the rest of the buffer is dropped pipe ->
 * file   the bytes are copied with tee into a private pipe, read from there and
 * written to the file; what the file took is then read from the guest's pipe
 *
 * vmsplice copies.
 *
 * Guarantees.  A call waits only while it has moved no byte.  Bytes that the
 * target does not take stay in the source, with two exceptions: bytes that
 * another process reads from the same pipe at the same time (pipe -> file); and
 * up to 4096 bytes of a source that cannot be read twice (a terminal of the
 * host), if another process fills the pipe and then a signal ends the call.
 *
 * Limits.  SPLICE_F_MOVE, MORE and GIFT are accepted and have no effect.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "abi/fcntl.h"
#include "abi/poll.h"
#include "abi/uio.h"
#include "host/host.h"
#include "host/host_file.h"
#include "linux/file/sys_uio.h"
#include "mem/kmem.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"
#include "vfs/socket/socket.h"

sys_fn sys_splice, sys_tee, sys_vmsplice;

#define F_KNOWN                                                       \
	(LX_SPLICE_F_MOVE | LX_SPLICE_F_NONBLOCK | LX_SPLICE_F_MORE | \
	    LX_SPLICE_F_GIFT)
#define CHUNK (size_t)(64u << 10)
#define PIECE (size_t)4096 /* a pipe that polls writable has this room */
#define NAP_NS UINT64_C(1000000)

/* One side of a transfer. */
struct end {
	struct file *f; /* ref'ed */
	int fd;         /* its host descriptor, or -1 */
	bool pipe;
	bool nonblock; /* return EAGAIN instead of waiting */
	bool at;       /* at `off`, not the file's own offset */
	uint64_t off;
};

/* ---- ends ---- */

static int
end_get(struct lwp *l, int fd, bool write, struct end *e)
{
	int error;

	*e = (struct end){.fd = -1};
	error = sys_io_file(l, fd, write, &e->f);
	if (error != 0)
		return (error);
	e->nonblock = (atomic_load(&e->f->flags) & O_NONBLOCK) != 0;
	e->pipe = file_can(e->f, FCAP_PIPE);
	if (file_can(e->f, FCAP_HOSTFD))
		e->fd = e->f->hostfd;
	return (0);
}

/*
 * Can the host's splice be used on e?  Not if the host could block in it, and
 * not on sockets with messages, because it does not check their senders.
 */
static bool
end_host(const struct end *e)
{
	return (e->fd >= 0 && !file_can(e->f, FCAP_RECORD) &&
		(e->pipe || file_can(e->f, FCAP_OWNED)));
}

static int
ends_get(struct lwp *l, int in_fd, int out_fd, struct end *in, struct end *out)
{
	int error = end_get(l, in_fd, false, in);

	if (error != 0)
		return (error);
	error = end_get(l, out_fd, true, out);
	if (error != 0)
		file_free(in->f);
	return (error);
}

static void
ends_done(struct end *in, struct end *out)
{
	file_free(in->f);
	file_free(out->f);
}

/* Are a and b the same pipe?  Their descriptors may differ. */
static bool
same_pipe(const struct end *a, const struct end *b)
{
	struct host_stat sa, sb;

	return (host_fstat(a->fd, &sa) == 0 && host_fstat(b->fd, &sb) == 0 &&
		sa.dev == sb.dev && sa.ino == sb.ino);
}

static bool
end_ready(const struct end *e, short events)
{
	struct host_pollfd p = {.fd = e->fd, .events = events};
	int n = 0;

	return (host_poll(&p, 1, 0, &n) != 0 || n > 0);
}

/* Wait until e is ready.  EAGAIN (e is non-blocking), EINTR. */
static int
end_wait(struct lwp *l, const struct end *e, short events)
{
	if (end_ready(e, events))
		return (0);
	if (e->nonblock)
		return (EAGAIN);
	return (lwp_wait_fd(l, e->fd, events, UINT64_MAX));
}

/* After EAGAIN of the host: wait for the end that is not ready. */
static int
ends_wait(struct lwp *l, const struct end *in, const struct end *out)
{
	int error;

	if (!end_ready(in, LX_POLLIN))
		return (end_wait(l, in, LX_POLLIN));
	if (!end_ready(out, LX_POLLOUT))
		return (end_wait(l, out, LX_POLLOUT));
	/* Both are ready: another process has used the data or the room in
	 * between, or the room is too small. */
	if (in->nonblock || out->nonblock)
		return (EAGAIN);
	error = lwp_wait_fd(l, -1, 0, host_now_ns() + NAP_NS);
	return (error == ETIMEDOUT ? 0 : error);
}

/* ---- between host descriptors ---- */

static int
splice_host(struct lwp *l, struct end *in, struct end *out, size_t len,
    bool tee, size_t *moved)
{
	int error;

	for (;;) {
		if (tee)
			error = host_tee(in->fd, out->fd, len, moved);
		else
			error = host_splice(in->fd, in->at ? &in->off : NULL,
			    out->fd, out->at ? &out->off : NULL, len, moved);
		if (error != EAGAIN)
			return (error);
		error = ends_wait(l, in, out);
		if (error != 0)
			return (error);
	}
}

/* ---- into a pipe, by a buffer ---- */

/* Read from the source and write to a pipe that has room.  Bytes that the pipe
 * does not take are read again later if the source has positions. */
static int
fill_some(struct end *in, struct end *out, char *buf, size_t len,
    const struct vfs_waiter *waiter, size_t *got, size_t *done)
{
	bool again = in->at;
	struct host_iovec one;
	struct uio uio;
	int error;

	if ((!again || !file_can(out->f, FCAP_OWNED)) && len > PIECE)
		len = PIECE;
	uio_init1(&uio, &one, buf, len, in->off, false);
	error = file_read(in->f, &uio, waiter, in->at);
	*got = len - uio.resid;
	*done = 0;
	if (error != 0 || *got == 0)
		return (error);
	if (again) {
		error = host_write(out->fd, buf, *got, done);
		in->off += *done;
		return (error);
	}
	uio_init1(&uio, &one, buf, *got, 0, true);
	error = file_write(out->f, &uio, waiter, false);
	*done = *got - uio.resid;
	return (error);
}

static int
splice_fill(
    struct lwp *l, struct end *in, struct end *out, size_t len, size_t *moved)
{
	const struct vfs_waiter waiter = lwp_vfs_waiter(l);
	size_t total = 0, got, done;
	int error = 0;
	char *buf;

	buf = kmem_alloc(CHUNK);
	if (buf == NULL)
		return (ENOMEM);
	while (total < len) {
		if (total == 0)
			error = end_wait(l, out, LX_POLLOUT);
		else if (!end_ready(out, LX_POLLOUT))
			break;
		if (error != 0)
			break;
		error = fill_some(in, out, buf,
		    len - total < CHUNK ? len - total : CHUNK, &waiter, &got,
		    &done);
		total += done;
		/* Another process has filled the pipe since end_wait(). */
		if (error == EAGAIN && got > 0 && total == 0 && !out->nonblock)
			continue;
		if (error != 0 || done < got || got == 0 ||
		    file_can(in->f, FCAP_STREAM))
			break;
	}
	kmem_free(buf);
	*moved = total;
	return (total > 0 ? 0 : error);
}

/* ---- out of a pipe, by a buffer ---- */

/* Remove from the pipe len bytes that have been written to the target. */
static void
drain_taken(const struct end *in, char *buf, size_t len)
{
	size_t n;

	while (len > 0 && end_ready(in, LX_POLLIN)) {
		if (host_read(in->fd, buf, len, &n) != 0 || n == 0)
			break;
		len -= n;
	}
}

/* Read len bytes that are in the pipe.  *got: also those before an error. */
static int
read_all(int fd, char *buf, size_t len, size_t *got)
{
	size_t n;
	int error;

	for (*got = 0; *got < len; *got += n) {
		error = host_read(fd, buf + *got, len - *got, &n);
		if (error != 0)
			return (error);
		if (n == 0)
			return (EIO);
	}
	return (0);
}

static int
drain_some(struct lwp *l, struct end *in, struct end *out, const int side[2],
    char *buf, size_t len, const struct vfs_waiter *waiter, size_t *got,
    size_t *done)
{
	struct host_iovec one;
	struct uio uio;
	uint64_t room;
	size_t n;
	int error;

	*got = *done = 0;
	error = host_tee(in->fd, side[1], len, &len);
	if (error != 0)
		return (error);
	error = read_all(side[0], buf, len, got);
	if (error != 0 || *got == 0)
		return (error);
	room = sys_fsize_room(l, out->f, out->at, out->off);
	n = *got < room ? *got : (size_t)room;
	if (n > 0) {
		uio_init1(&uio, &one, buf, n, out->off, true);
		error = file_write(out->f, &uio, waiter, out->at);
		*done = n - uio.resid;
		out->off += *done;
		drain_taken(in, buf, *done);
	}
	/* As on Linux, a splice that is cut at the limit sends the signal, too.
	 */
	if (*done == room && *done < *got)
		error = sys_fsize_exceeded(l);
	return (error);
}

static int
splice_drain(
    struct lwp *l, struct end *in, struct end *out, size_t len, size_t *moved)
{
	size_t total = 0, got, done, n;
	const struct vfs_waiter waiter = lwp_vfs_waiter(l);
	int error, side[2];
	char *buf;

	error = host_pipe(O_NONBLOCK, side);
	if (error != 0)
		return (error);
	buf = kmem_alloc(CHUNK);
	if (buf == NULL) {
		error = ENOMEM;
		goto out;
	}
	while (total < len) {
		n = len - total < CHUNK ? len - total : CHUNK;
		error =
		    drain_some(l, in, out, side, buf, n, &waiter, &got, &done);
		total += done;
		if (error == EAGAIN && got == 0 && total == 0) {
			error = end_wait(l, in, LX_POLLIN);
			if (error != 0)
				break;
		} else if (error != 0 || done < got || got == 0)
			break;
	}
	kmem_free(buf);
out:
	(void)host_close(side[0]);
	(void)host_close(side[1]);
	*moved = total;
	return (total > 0 ? 0 : error);
}

/* ---- splice ---- */

/* Neither a host descriptor nor a file with contents: no splice. */
static bool
end_unfit(const struct end *e)
{
	return (e->fd < 0 && (e->f->vp == NULL || e->f->vp->type == VDIR));
}

/* Where e begins: *uoff, or the file's own offset.  EINVAL, EFAULT. */
static int
splice_offset(struct lwp *l, struct end *e, uint64_t uoff, bool write)
{
	if (uoff != 0) {
		if (!file_can(e->f, FCAP_AT))
			return (EINVAL);
		if (copyin(lwp_vmspace(l), &e->off, uoff, sizeof(e->off)) != 0)
			return (EFAULT);
		if ((int64_t)e->off < 0)
			return (EINVAL);
		e->at = true;
		return (0);
	}
	/* Writes and the host's splice advance the file's own offset. */
	if (write || e->fd >= 0 || !file_can(e->f, FCAP_AT))
		return (0);
	e->at = true;
	return (file_seek(e->f, 0, SEEK_CUR, &e->off));
}

static int
splice_offset_store(struct lwp *l, struct end *e, uint64_t uoff)
{
	uint64_t pos;

	if (!e->at)
		return (0);
	if (uoff == 0)
		return (file_seek(e->f, (int64_t)e->off, SEEK_SET, &pos));
	return (copyout(lwp_vmspace(l), &e->off, uoff, sizeof(e->off)));
}

static int
splice_ends(struct lwp *l, const uint64_t *a, struct end *in, struct end *out,
    size_t *moved)
{
	size_t len = a[4] > LX_MAX_RW_COUNT ? LX_MAX_RW_COUNT : a[4];
	int error;

	if ((in->pipe && a[1] != 0) || (out->pipe && a[3] != 0))
		return (ESPIPE);
	if ((!in->pipe && !out->pipe) || end_unfit(in) || end_unfit(out))
		return (EINVAL);
	if (in->pipe && out->pipe && same_pipe(in, out))
		return (EINVAL);
	if (!out->pipe && (atomic_load(&out->f->flags) & O_APPEND) != 0)
		return (EINVAL);
	if (((unsigned)a[5] & LX_SPLICE_F_NONBLOCK) != 0)
		in->nonblock = out->nonblock = true;
	if (in->pipe && out->pipe)
		in->nonblock = out->nonblock = in->nonblock || out->nonblock;
	error = splice_offset(l, in, a[1], false);
	if (error != 0)
		return (error);
	error = splice_offset(l, out, a[3], true);
	if (error != 0)
		return (error);
	if ((in->at && a[4] > INT64_MAX - in->off) ||
	    (out->at && a[4] > INT64_MAX - out->off))
		return (EINVAL);
	if (end_host(in) && end_host(out))
		error = splice_host(l, in, out, len, false, moved);
	else if (out->pipe)
		error = splice_fill(l, in, out, len, moved);
	else
		error = splice_drain(l, in, out, len, moved);
	if (error != 0 || *moved == 0)
		return (error);
	error = splice_offset_store(l, in, a[1]);
	if (error != 0)
		return (error);
	return (splice_offset_store(l, out, a[3]));
}

/* Convert the outcome to the result of the system call; sends SIGPIPE. */
static int
result(
    struct lwp *l, const struct file *to, int error, size_t moved, int64_t *ret)
{
	if (error == EPIPE)
		sys_sigpipe(l, to);
	if (error == 0)
		*ret = (int64_t)moved;
	return (sys_restartable(error));
}

int
sys_splice(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct end in, out;
	size_t moved = 0;
	int error;

	if (a[4] == 0)
		return (0);
	if (((unsigned)a[5] & ~F_KNOWN) != 0)
		return (EINVAL);
	error = ends_get(l, (int)a[0], (int)a[2], &in, &out);
	if (error != 0)
		return (error);
	error = splice_ends(l, a, &in, &out, &moved);
	error = result(l, out.f, error, moved, ret);
	ends_done(&in, &out);
	return (error);
}

/* ---- tee ---- */

int
sys_tee(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	size_t len = a[2] > LX_MAX_RW_COUNT ? LX_MAX_RW_COUNT : a[2];
	struct end in, out;
	size_t moved = 0;
	int error;

	if (((unsigned)a[3] & ~F_KNOWN) != 0)
		return (EINVAL);
	if (len == 0)
		return (0);
	error = ends_get(l, (int)a[0], (int)a[1], &in, &out);
	if (error != 0)
		return (error);
	in.nonblock = out.nonblock =
	    in.nonblock || out.nonblock ||
	    ((unsigned)a[3] & LX_SPLICE_F_NONBLOCK) != 0;
	if (!in.pipe || !out.pipe || same_pipe(&in, &out))
		error = EINVAL;
	else
		error = splice_host(l, &in, &out, len, true, &moved);
	error = result(l, out.f, error, moved, ret);
	ends_done(&in, &out);
	return (error);
}

/* ---- vmsplice ---- */

/* Transfer pinned memory once.  `first`: nothing was moved yet, so that the
 * call may wait. */
static int
vmsplice_some(struct lwp *l, const struct end *e, bool write, bool first,
    struct vm_iov *v, size_t *done)
{
	int error;

	for (;;) {
		if (first) {
			error = end_wait(l, e, write ? LX_POLLOUT : LX_POLLIN);
			if (error != 0)
				return (error);
		}
		if (write)
			error = host_writev(e->fd, v->iov, v->niov, done);
		else
			error = host_readv(e->fd, v->iov, v->niov, done);
		if (error != EAGAIN || !first || e->nonblock)
			break;
	}
	if (error == 0 && !write)
		vm_iov_commit(v, *done);
	return (error);
}

static int
vmsplice_move(struct lwp *l, const struct end *e, bool write,
    const struct lx_iovec *iov, int n, size_t *moved)
{
	struct sys_io_cursor cur = {.iov = iov, .n = n};
	short events = write ? LX_POLLOUT : LX_POLLIN;
	size_t max = !write || file_can(e->f, FCAP_OWNED) ? CHUNK : PIECE;
	size_t pinned, done;
	struct vm_iov v;
	int error;

	do {
		if (*moved > 0 && !end_ready(e, events))
			break;
		error = sys_io_pin(
		    l, &cur, max, write ? VM_PROT_READ : VM_PROT_WRITE, &v);
		pinned = v.len;
		done = 0;
		if (error == 0 && pinned > 0)
			error =
			    vmsplice_some(l, e, write, *moved == 0, &v, &done);
		vm_iov_release(&v);
		*moved += done;
	} while (error == 0 && pinned > 0 && done == pinned && !lwp_killed(l));
	return (*moved > 0 ? 0 : error);
}

int
sys_vmsplice(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_iovec *iov;
	size_t moved = 0;
	struct end e;
	bool write;
	int error, n;

	if (((unsigned)a[3] & ~F_KNOWN) != 0)
		return (EINVAL);
	write = true;
	error = end_get(l, (int)a[0], true, &e);
	if (error != 0) {
		write = false;
		error = end_get(l, (int)a[0], false, &e);
	}
	if (error != 0)
		return (error);
	if (!e.pipe) {
		file_free(e.f);
		return (EBADF);
	}
	e.nonblock = ((unsigned)a[3] & LX_SPLICE_F_NONBLOCK) != 0;
	error = sys_copyin_iov(l, a[1], a[2], &iov, &n);
	if (error == 0) {
		error = vmsplice_move(l, &e, write, iov, n, &moved);
		kmem_free(iov);
	}
	error = result(l, e.f, error, moved, ret);
	file_free(e.f);
	return (error);
}
