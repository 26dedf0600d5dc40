/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files over host descriptors: pipes, terminals, eventfds and their like.
 * (Sockets are in socket.c, inherited regular files in hostfs_inherit.c.)
 *
 * Concepts.  A guest's blocking call must be interruptible by its signals,
 * so the host call itself never blocks.  There are two kinds of descriptors:
 *
 *   owned      made by this kernel and O_NONBLOCK on the host side
 *              (FCAP_OWNED).  Try, and wait by the waiter on EAGAIN.
 *   inherited  its open file description is shared with processes outside,
 *              which do not expect O_NONBLOCK on it.  Wait until it is ready,
 *              then do one call that the host can satisfy at once; writes go
 *              in pieces of PIECE bytes, for which a pipe that polls writable
 *              has room.
 *
 * O_NONBLOCK of the guest is only in file.flags.  Each kind of object has its
 * own table of operations, which differ in name and capabilities.  Pipe
 * atomicity, EPIPE and end of file are the host's.
 *
 * Locking.  None: calls of several threads on one file meet in the host.
 * file_create() has set everything before a second thread sees the file.
 *
 * Guarantees.  An error is reported only when nothing was transferred.  A new
 * file over a descriptor that the guest was given (hostfd_reopen) never has
 * more rights than the descriptor.
 *
 * Limits.  When a process outside takes the data between poll and read of a
 * shared descriptor, the read blocks until there is more.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/ioctl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "host/host.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "mem/vm_types.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/ioctl.h"
#include "vfs/core/mode.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

#define PIECE 4096  /* bytes; PIPE_BUF of Linux */
#define BOUNCE 4096 /* bytes; more than any record of an event file */
#define PIECES 128  /* of memory in one host call */

static bool
file_nonblock(const struct file *f)
{
	return ((atomic_load_explicit(&f->flags, memory_order_relaxed) &
		    O_NONBLOCK) != 0);
}

short
hostfd_ready(int fd, short events)
{
	struct host_pollfd p = {.fd = fd, .events = events};
	int n = 0;

	if (host_poll(&p, 1, 0, &n) != 0 || n == 0)
		return (0);
	return (p.revents);
}

int
vfs_wait(const struct vfs_waiter *waiter, int hostfd, short events,
    uint64_t deadline_ns)
{
	struct host_pollfd p = {.fd = hostfd, .events = events};
	uint64_t now, left = UINT64_MAX;
	int n = 0, error;

	if (waiter != NULL && waiter->wait != NULL)
		return (waiter->wait(waiter->lwp, hostfd, events, deadline_ns));
	if (deadline_ns != UINT64_MAX) {
		now = host_now_ns();
		left = deadline_ns > now ? deadline_ns - now : 0;
	}
	error = host_poll(&p, 1, left, &n);
	if (error == 0 && n == 0)
		error = ETIMEDOUT;
	return (error);
}

int
vfs_wait_retry(const struct vfs_waiter *waiter, int hostfd, struct vfs_retry *w)
{
	uint64_t until, since;
	int error;

	if (w->pause != 0) {
		until = host_now_ns() + w->pause;
		error = vfs_wait(
		    waiter, -1, 0, until < w->deadline ? until : w->deadline);
		if (error != 0 && error != ETIMEDOUT)
			return (error);
		if (host_now_ns() >= w->deadline)
			return (ETIMEDOUT);
	}
	since = host_now_ns();
	error = vfs_wait(waiter, hostfd, w->events, w->deadline);
	if (host_now_ns() - since > VFS_PAUSE_MIN / 8)
		w->pause = 0; /* the call did wait: no need to slow it down */
	else if (w->pause == 0)
		w->pause = VFS_PAUSE_MIN;
	else if (w->pause < VFS_PAUSE_MAX)
		w->pause *= 2;
	return (error);
}

/* Wait until fd is ready; with `nonblock` fail with EAGAIN instead. */
static int
stream_wait(
    int fd, short events, bool nonblock, const struct vfs_waiter *waiter)
{
	if (nonblock)
		return (hostfd_ready(fd, events) != 0 ? 0 : EAGAIN);
	return (vfs_wait(waiter, fd, events, UINT64_MAX));
}

/*
 * One host call.  Records of event files must not be split, and some hosts
 * handle each piece of a vector by itself: small vectors go through a buffer.
 */
static int
stream_read1(int fd, struct uio *uio, size_t *done)
{
	struct host_iovec iov[PIECES];
	char buf[BOUNCE];
	size_t got;
	int n, error;

	n = uio_vector(uio, uio->resid, iov, PIECES);
	if (n > 1 && uio->resid <= sizeof(buf)) {
		error = host_read(fd, buf, uio->resid, &got);
		if (error == 0)
			*done = uiomove(buf, got, uio);
		return (error);
	}
	error = host_readv(fd, iov, n, done);
	if (error == 0)
		uio_advance(uio, *done);
	return (error);
}

static int
stream_write1(int fd, struct uio *uio, size_t max, size_t *done)
{
	struct host_iovec iov[PIECES];
	char buf[BOUNCE];
	size_t len = uio->resid < max ? uio->resid : max, got = 0;
	int n, error;

	n = uio_vector(uio, len, iov, PIECES);
	if (n > 1 && len <= sizeof(buf)) {
		for (int i = 0; i < n; got += iov[i++].len)
			memcpy(buf + got, iov[i].base, iov[i].len);
		error = host_write(fd, buf, got, done);
	} else
		error = host_writev(fd, iov, n, done);
	if (error == 0)
		uio_advance(uio, *done);
	return (error);
}

static int
hostfd_read(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	struct vfs_retry w = {.events = LX_POLLIN, .deadline = UINT64_MAX};
	bool owned = file_can(f, FCAP_OWNED), nonblock = file_nonblock(f);
	int fd = f->hostfd, error;
	size_t done;

	for (;;) {
		if (!owned && uio->resid != 0) {
			error = stream_wait(fd, LX_POLLIN, nonblock, waiter);
			if (error != 0)
				return (error);
		}
		error = stream_read1(fd, uio, &done);
		if (error != EAGAIN || nonblock)
			return (error);
		if (owned) {
			error = vfs_wait_retry(waiter, fd, &w);
			if (error != 0)
				return (error);
		}
	}
}

static int
hostfd_write(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	struct vfs_retry w = {.events = LX_POLLOUT, .deadline = UINT64_MAX};
	bool owned = file_can(f, FCAP_OWNED), nonblock = file_nonblock(f);
	const size_t start = uio->resid;
	int fd = f->hostfd, error;
	size_t done;

	do {
		if (!owned && uio->resid != 0) {
			error = stream_wait(fd, LX_POLLOUT, nonblock, waiter);
			if (error != 0)
				break;
		}
		error = stream_write1(fd, uio, owned ? SIZE_MAX : PIECE, &done);
		if (error == EAGAIN && !nonblock && owned)
			error = vfs_wait_retry(waiter, fd, &w);
		else if (error == EAGAIN && !nonblock)
			error = 0;
		else if (error == 0 && done == 0)
			break;
		else
			w.pause = 0; /* bytes were written */
	} while (error == 0 && uio->resid != 0);
	return (uio->resid < start ? 0 : error);
}

int
hostfd_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	return (uio->write ? hostfd_write(f, uio, waiter)
			   : hostfd_read(f, uio, waiter));
}

/* Transfer to a device of the host with positions, which does not wait long. */
static int
hostfd_device_rw(
    struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	struct host_iovec iov[PIECES];
	size_t done;
	int n, error;

	if (!uio->at)
		return (hostfd_rw(f, uio, waiter));
	n = uio_vector(uio, uio->resid, iov, PIECES);
	error = uio->write ? host_pwritev(f->hostfd, iov, n, uio->off, &done)
			   : host_preadv(f->hostfd, iov, n, uio->off, &done);
	if (error == 0)
		uio_advance(uio, done);
	return (error);
}

int
hostfd_ioctl(struct file *f, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret)
{
	int fl, on, error;

	if ((uint32_t)cmd != LX_FIONBIO)
		return (
		    hostfd_host_ioctl(f->hostfd, cmd, kbuf, size, arg, ret));
	if (size < sizeof(on))
		return (EINVAL);
	memcpy(&on, kbuf, sizeof(on));
	fl = atomic_load_explicit(&f->flags, memory_order_relaxed);
	fl = on != 0 ? fl | O_NONBLOCK : fl & ~O_NONBLOCK;
	error = file_setfl(f, fl);
	if (error == 0)
		*ret = 0;
	return (error);
}

short
hostfd_poll(struct file *f, short events, int *hostfd)
{
	*hostfd = f->hostfd;
	return (hostfd_ready(f->hostfd, events));
}

/* Is it the kernel's terminal?  Then *va has its attributes in devfs. */
static bool
kernel_tty_getattr(struct vfs *vfs, uint64_t rdev, struct vattr *va)
{
	return (vfs->tty_getattr != NULL && vfs->tty_getattr(vfs, rdev, va));
}

struct vattr
hostfd_vattr(const struct host_stat *st)
{
	return ((struct vattr){
	    .type = vtype_of_mode(st->mode),
	    .mode = st->mode,
	    .nlink = st->nlink,
	    .uid = st->uid,
	    .gid = st->gid,
	    .dev = st->dev,
	    .ino = st->ino,
	    .rdev = st->rdev,
	    .size = st->size,
	    .blksize = st->blksize,
	    .blocks = st->blocks,
	    .atime = st->atime_ns,
	    .mtime = st->mtime_ns,
	    .ctime = st->ctime_ns,
	    .btime = st->btime_ns,
	});
}

static int
hostfd_getattr(struct file *f, struct vattr *va)
{
	struct host_stat st;
	int error = host_fstat(f->hostfd, &st);

	if (error != 0)
		return (error);
	if (vtype_of_mode(st.mode) == VCHR &&
	    kernel_tty_getattr(f->vfs, st.rdev, va))
		return (0);
	*va = hostfd_vattr(&st);
	return (0);
}

int
hostfd_seek(struct file *f, int64_t off, int whence, uint64_t *res)
{
	return (host_lseek(f->hostfd, off, whence, res));
}

/* Nothing to do: the flags are in file.flags, and the host does not see them.
 */
int
hostfd_setfl(struct file *f, int flags)
{
	return (0);
}

/* ---- attributes of a pipe ---- */

/* The host's are those of its user.  Shared by all files over a pipe. */
struct pipe_inode {
	_Atomic(uint32_t) refs;           /* [a] */
	_Atomic(uint32_t) uid, gid, mode; /* [a] mode: without the type */
};

static int
pipe_getattr(struct file *f, struct vattr *va)
{
	const struct pipe_inode *in = f->data;
	int error = hostfd_getattr(f, va);

	if (error != 0)
		return (error);
	va->uid = atomic_load(&in->uid);
	va->gid = atomic_load(&in->gid);
	va->mode = (va->mode & LX_S_IFMT) | atomic_load(&in->mode);
	return (0);
}

static int
pipe_setattr(struct file *f, const struct vattr *va, unsigned what)
{
	struct pipe_inode *in = f->data;

	if ((what & VA_UID) != 0)
		atomic_store(&in->uid, va->uid);
	if ((what & VA_GID) != 0)
		atomic_store(&in->gid, va->gid);
	if ((what & VA_MODE) != 0)
		atomic_store(&in->mode, va->mode & VS_PERM);
	return (0);
}

static void
pipe_inode_free(struct pipe_inode *in)
{
	if (atomic_fetch_sub(&in->refs, 1) == 1)
		kmem_free(in);
}

static void
pipe_close(struct file *f)
{
	(void)host_close(f->hostfd);
	pipe_inode_free(f->data);
}

static void
hostfd_close(struct file *f)
{
	(void)host_close(f->hostfd);
}

/* The kernel's terminal has a name of its own. */
static const char *
tty_name(const struct file *f)
{
	struct host_stat st;
	struct vattr va;

	if (host_fstat(f->hostfd, &st) == 0 &&
	    kernel_tty_getattr(f->vfs, st.rdev, &va))
		return ("/dev/pts/0");
	return ("/dev/tty");
}

static void
hostfd_describe(struct file *f, char *buf, size_t size)
{
	if (f->ops == &hostfd_tty_fileops)
		(void)snprintf(buf, size, "%s", tty_name(f));
	else
		(void)snprintf(buf, size, "%s:[%llu]", f->ops->name,
		    (unsigned long long)f->ino);
}

#define HOSTFD_FILEOPS(text, tell, move, more) \
	HOSTFD_FILEOPS_INFO(text, tell, move, more, NULL)
#define HOSTFD_FILEOPS_INFO(text, tell, move, more, lines)                 \
	{                                                                  \
		.caps = FCAP_STREAM | FCAP_HOSTFD | FCAP_HOSTOBJ | (more), \
		.rw = (move), .ioctl = hostfd_ioctl, .poll = hostfd_poll,  \
		.getattr = hostfd_getattr, .seek = hostfd_seek,            \
		.setfl = hostfd_setfl, .close = hostfd_close,              \
		.describe = (tell), .info = (lines), .name = (text),       \
	}

static void
timerfd_info(struct file *f, file_info_fn *fn, void *arg)
{
	const uint64_t second = UINT64_C(1000000000);
	uint64_t value, interval;
	char line[128];

	if (host_timerfd_get(f->hostfd, &value, &interval) != 0)
		return;
	(void)snprintf(line, sizeof(line),
	    "it_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n",
	    (unsigned long long)(value / second),
	    (unsigned long long)(value % second),
	    (unsigned long long)(interval / second),
	    (unsigned long long)(interval % second));
	fn(arg, line);
}

/* Made for guests. */
static const struct fileops pipe_fileops = {
    .caps = FCAP_STREAM | FCAP_HOSTFD | FCAP_HOSTOBJ | FCAP_PIPE | FCAP_OWNED |
	    FCAP_ASYNC,
    .rw = hostfd_rw,
    .ioctl = hostfd_ioctl,
    .poll = hostfd_poll,
    .getattr = pipe_getattr,
    .setattr = pipe_setattr,
    .seek = hostfd_seek,
    .setfl = hostfd_setfl,
    .close = pipe_close,
    .describe = hostfd_describe,
    .name = "pipe",
};
const struct fileops eventfd_fileops = HOSTFD_FILEOPS(
    "eventfd", NULL, hostfd_rw, FCAP_OWNED | FCAP_SEEK | FCAP_WHOLE);
const struct fileops timerfd_fileops = HOSTFD_FILEOPS_INFO("timerfd", NULL,
    hostfd_rw, FCAP_OWNED | FCAP_SEEK | FCAP_WHOLE, timerfd_info);

/* Inherited. */
const struct fileops hostfd_tty_fileops =
    HOSTFD_FILEOPS("tty", hostfd_describe, hostfd_rw, FCAP_TTY | FCAP_ASYNC);
static const struct fileops inherited_pipe_fileops =
    HOSTFD_FILEOPS("pipe", hostfd_describe, hostfd_rw, FCAP_PIPE | FCAP_ASYNC);
static const struct fileops inherited_stream_fileops =
    HOSTFD_FILEOPS("host", hostfd_describe, hostfd_rw, 0);
static const struct fileops inherited_device_fileops = HOSTFD_FILEOPS(
    "host", hostfd_describe, hostfd_device_rw, FCAP_SEEK | FCAP_AT);

/* The operations of an inherited descriptor. */
static const struct fileops *
inherited_ops(int fd, const struct host_stat *st)
{
	uint64_t pos;

	if (vtype_of_mode(st->mode) == VFIFO)
		return (&inherited_pipe_fileops);
	if (host_isatty(fd))
		return (&hostfd_tty_fileops);
	if (host_lseek(fd, 0, SEEK_CUR, &pos) == 0)
		return (&inherited_device_fileops);
	return (&inherited_stream_fileops);
}

int
hostfd_reopen(struct file *f, struct file *from)
{
	int want = atomic_load(&f->flags) & O_ACCMODE;
	int have = atomic_load(&from->flags) & O_ACCMODE;
	struct host_stat st;
	int fd, error;

	if (!file_can(from, FCAP_HOSTOBJ) || host_fstat(from->hostfd, &st) != 0)
		return (ENXIO);
	if (have != O_RDWR && want != have)
		return (EACCES);
	error = host_dup(from->hostfd, &fd);
	if (error != 0)
		return (error);
	error = file_take_hostfd(f, fd);
	if (error != 0) {
		(void)host_close(fd);
		return (error);
	}
	f->ino = from->ino;
	f->ops = from->ops;
	if (f->ops == &pipe_fileops) {
		f->data = from->data;
		atomic_fetch_add(&((struct pipe_inode *)f->data)->refs, 1);
	}
	return (0);
}

/* A file over `fd`, which passes to it in any case. */
static int
hostfd_wrap(struct vfs *vfs, int fd, int flags, const struct fileops *ops,
    struct file **out)
{
	struct host_stat st;
	struct file *f;
	int error;

	error = host_fstat(fd, &st);
	if (error != 0)
		goto fail;
	error = file_create(vfs, ops, NULL, flags, fd, NULL, &f);
	if (error != 0)
		goto fail;
	f->ino = st.ino;
	*out = f;
	return (0);
fail:
	(void)host_close(fd);
	return (error);
}

/* A new pipe has the host's size or, as on Linux for a user that has many, a
 * page. */
static int
pipe_first_size(struct file *f)
{
	size_t size;
	int error;

	if (!kmem_plenty())
		(void)host_set_pipe_size(f->hostfd, PAGE_SIZE);
	error = host_pipe_size(f->hostfd, &size);
	if (error != 0)
		return (error);
	return (file_charge_buffer(f, size) == 0 ? 0 : ENFILE);
}

/* The file of an end; fd passes to it in any case. */
static int
pipe_end(struct vfs *vfs, int fd, int flags, struct pipe_inode *in,
    struct file **out)
{
	int error = hostfd_wrap(vfs, fd, flags, &pipe_fileops, out);

	if (error != 0)
		return (error);
	atomic_fetch_add(&in->refs, 1);
	(*out)->data = in;
	return (0);
}

/* Both ends.  *f untouched on failure. */
static int
pipe_ends(struct vfs *vfs, int flags, struct pipe_inode *in, struct file *f[2])
{
	struct file *rd, *wr;
	int fds[2], error;

	error = host_pipe(O_NONBLOCK | (flags & O_DIRECT), fds);
	if (error != 0)
		return (error);
	flags &= O_NONBLOCK | O_DIRECT;
	error = pipe_end(vfs, fds[0], O_RDONLY | flags, in, &rd);
	if (error != 0) {
		(void)host_close(fds[1]);
		return (error);
	}
	error = pipe_end(vfs, fds[1], O_WRONLY | flags, in, &wr);
	if (error != 0) {
		file_free(rd);
		return (error);
	}
	error = pipe_first_size(wr);
	if (error != 0) {
		file_free(rd);
		file_free(wr);
		return (error);
	}
	f[0] = rd;
	f[1] = wr;
	return (0);
}

int
pipe_create(struct vfs *vfs, const struct vfs_waiter *maker, int flags,
    struct file *f[2])
{
	const struct vfs_ident owner = vfs_waiter_ident(maker);
	struct pipe_inode *in = kmem_zalloc(sizeof(*in));
	int error;

	if (in == NULL)
		return (ENOMEM);
	atomic_init(&in->refs, 1);
	atomic_init(&in->uid, owner.fsuid);
	atomic_init(&in->gid, owner.fsgid);
	atomic_init(&in->mode, 0600);
	error = pipe_ends(vfs, flags, in, f);
	pipe_inode_free(in);
	return (error);
}

int
pipe_size(struct file *f, size_t *size)
{
	return (
	    file_can(f, FCAP_PIPE) ? host_pipe_size(f->hostfd, size) : EBADF);
}

int
pipe_set_size(struct file *f, size_t size)
{
	size_t old, now;
	int error;

	error = pipe_size(f, &old);
	if (error != 0)
		return (error);
	if (size > PIPE_SIZE_MAX)
		return (EPERM);
	/* The host rounds up to a power of two. */
	if (size > old && file_charge_buffer(f, 2 * size) != 0)
		return (EPERM);
	error = host_set_pipe_size(f->hostfd, size);
	if (host_pipe_size(f->hostfd, &now) == 0)
		(void)file_charge_buffer(f, now);
	return (error);
}

int
hostfd_inherit(struct vfs *vfs, int fd, int flags, const struct host_stat *st,
    struct file **out)
{
	return (hostfd_wrap(vfs, fd, flags, inherited_ops(fd, st), out));
}

/*
 * - Takes over `hostfd` on success; the caller keeps it on failure.
 * - `hostfd` becomes O_NONBLOCK on the host side, also on failure.
 */
int
hostfd_file_adopt(struct vfs *vfs, int hostfd, int flags,
    const struct fileops *ops, struct file **out)
{
	struct host_stat st;
	struct file *f;
	int fl, error;

	error = host_getfl(hostfd, &fl);
	if (error != 0)
		return (error);
	error = host_setfl(hostfd, fl | O_NONBLOCK);
	if (error != 0)
		return (error);
	error = host_fstat(hostfd, &st);
	if (error != 0)
		return (error);
	error = file_create(vfs, ops, NULL, flags, hostfd, NULL, &f);
	if (error != 0)
		return (error);
	f->ino = st.ino;
	*out = f;
	return (0);
}
