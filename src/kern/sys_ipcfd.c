/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls that make descriptors out of nothing: pipes, event and timer
 * descriptors, anonymous files, socket pairs.
 *
 * All but memfd_create are host objects behind guest descriptors.  An
 * anonymous file must be mapped, so it is a file on a tmpfs of the guest,
 * opened and unlinked at once.
 *
 * Limits: sockets beyond a connected pair are not offered: socket() refuses
 * with EACCES (EAFNOSUPPORT for families nobody knows) and one log line.
 * Messages have no flags but MSG_DONTWAIT and MSG_NOSIGNAL, and pass no
 * descriptors.  Anonymous files cannot be sealed.
 */
#include "host/host.h"
#include "host/host_file.h"
#include "kern/sys_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

sys_fn sys_pipe, sys_pipe2, sys_eventfd, sys_eventfd2, sys_timerfd_create,
    sys_timerfd_settime, sys_timerfd_gettime, sys_memfd_create, sys_socket,
    sys_socketpair, sys_sendto, sys_recvfrom, sys_shutdown, sys_getsockopt,
    sys_setsockopt, sys_sock_unsupported;

#define SOCK_TYPE 0xf
#define AF_LAST 45
#define MSG_DONTWAIT_ 0x40
#define MSG_NOSIGNAL_ 0x4000
#define SOL_SOCKET_ 1
#define MFD_KNOWN 0x1f
#define MFD_HUGETLB_ 4

/* ---- pipes ---- */

static int
pipe_make(struct lwp *l, uint64_t ufds, int flags)
{
	struct file *f[2];
	int error;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return (EINVAL);
	error = pipe_create(l->p->k->vfs, flags & ~O_CLOEXEC, f);
	if (error != 0)
		return (error);
	return (sys_fd_pair(l, f, (flags & O_CLOEXEC) != 0, ufds));
}

int
sys_pipe(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (pipe_make(l, a[0], 0));
}

int
sys_pipe2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (pipe_make(l, a[0], (int)a[1]));
}

/* ---- event and timer descriptors ---- */

/* A guest descriptor for `hostfd`, which is consumed in any case. */
static int
adopt(struct lwp *l, int hostfd, int flags, const char *name, int64_t *ret)
{
	struct file *f;
	int error;

	error = hostfd_file_adopt(
	    l->p->k->vfs, hostfd, O_RDWR | (flags & O_NONBLOCK), name, &f);
	if (error != 0) {
		(void)host_close(hostfd);
		return (error);
	}
	return (sys_fd_new(l, f, (flags & O_CLOEXEC) != 0, ret));
}

static int
eventfd_make(struct lwp *l, uint64_t init, int flags, int64_t *ret)
{
	int error, fd;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | HOST_EFD_SEMAPHORE))
		return (EINVAL);
	error = host_eventfd(
	    (uint32_t)init, O_NONBLOCK | (flags & HOST_EFD_SEMAPHORE), &fd);
	return (error != 0 ? error : adopt(l, fd, flags, "eventfd", ret));
}

int
sys_eventfd(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (eventfd_make(l, a[0], 0, ret));
}

int
sys_eventfd2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (eventfd_make(l, a[0], (int)a[1], ret));
}

int
sys_timerfd_create(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int clock = (int)a[0], flags = (int)a[1], error, fd;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0 ||
	    (clock != LX_CLOCK_REALTIME && clock != LX_CLOCK_MONOTONIC &&
		clock != LX_CLOCK_BOOTTIME))
		return (EINVAL);
	error = host_timerfd(clock, &fd);
	return (error != 0 ? error : adopt(l, fd, flags, "timerfd", ret));
}

static int
hostfd_get(struct lwp *l, int fd, struct file **out)
{
	struct file *f;
	int error = sys_get_file(l, fd, &f);

	if (error != 0)
		return (error);
	if (f->ops != &hostfd_fileops || f->hostfd < 0) {
		file_free(f);
		return (EINVAL);
	}
	*out = f;
	return (0);
}

static int
itimerspec_out(struct lwp *l, uint64_t value, uint64_t interval, uint64_t uits)
{
	struct lx_itimerspec its = {.value = lx_timespec_of((int64_t)value),
	    .interval = lx_timespec_of((int64_t)interval)};

	return (copyout(lwp_vmspace(l), &its, uits, sizeof(its)));
}

int
sys_timerfd_settime(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t value, interval, old, oldint;
	struct file *f;
	int error;

	if ((int)a[1] & ~3)
		return (EINVAL);
	error = sys_copyin_timespec(l, a[2], &interval);
	if (error == 0)
		error = sys_copyin_timespec(
		    l, a[2] + sizeof(struct lx_timespec), &value);
	if (error == 0)
		error = hostfd_get(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	error = host_timerfd_set(
	    f->hostfd, (int)a[1], value, interval, &old, &oldint);
	file_free(f);
	if (error == 0 && a[3] != 0)
		error = itimerspec_out(l, old, oldint, a[3]);
	return (error);
}

int
sys_timerfd_gettime(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t value, interval;
	struct file *f;
	int error = hostfd_get(l, (int)a[0], &f);

	if (error != 0)
		return (error);
	error = host_timerfd_get(f->hostfd, &value, &interval);
	file_free(f);
	return (error != 0 ? error : itimerspec_out(l, value, interval, a[1]));
}

/* ---- anonymous files ---- */

static int
memfd_on(const struct vfs_ctx *ctx, const char *dir, struct file **f)
{
	char path[64];
	uint64_t rnd;
	int error;

	host_random(&rnd, sizeof(rnd));
	snprintf(path, sizeof(path), "%s/.memfd-%016llx", dir,
	    (unsigned long long)rnd);
	error = vfs_open(ctx, NULL, path, O_CREAT | O_EXCL | O_RDWR, 0777, f);
	if (error != 0)
		return (error);
	error = vfs_unlink(ctx, NULL, path, false);
	if (error != 0)
		file_free(*f);
	return (error);
}

int
sys_memfd_create(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	static const char *const dirs[] = {"/dev/shm", "/tmp"};
	char name[VFS_NAME_MAX + 1];
	int error, flags = (int)a[1];
	struct vfs_ctx ctx;
	struct file *f;

	if (flags & ~MFD_KNOWN)
		return (EINVAL);
	if (flags & MFD_HUGETLB_)
		return (ENOMEM);
	error = copyinstr(lwp_vmspace(l), name, a[0], 250, NULL);
	if (error != 0)
		return (error == ENAMETOOLONG ? EINVAL : error);
	ctx = lwp_vfs_ctx(l);
	ctx.umask = 0;
	error = ENOENT;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		error = memfd_on(&ctx, dirs[i], &f);
		if (error == 0)
			break;
	}
	lwp_vfs_ctx_done(&ctx);
	if (error != 0)
		return (ENOMEM);
	return (sys_fd_new(l, f, (flags & LX_MFD_CLOEXEC) != 0, ret));
}

/* ---- sockets ---- */

int
sys_socket(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int af = (int)a[0];

	if (af != 1 && af != 2 && af != 10)
		return (af < 0 || af > AF_LAST ? EINVAL : EAFNOSUPPORT);
	sys_log_once(l, UINT64_C(0x10000) + (uint64_t)af,
	    "asked for a socket; sockets are not offered yet");
	return (EACCES);
}

int
sys_socketpair(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int flags = (int)a[1] & ~SOCK_TYPE, type = (int)a[1] & SOCK_TYPE;
	struct file *f[2];
	int error, fds[2];

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return (EINVAL);
	if ((int)a[0] != 1)
		return ((int)a[0] == 2 || (int)a[0] == 10 ? EOPNOTSUPP
							  : EAFNOSUPPORT);
	if (type != 1 && type != 2 && type != 5)
		return (EOPNOTSUPP);
	if ((int)a[2] != 0 && (int)a[2] != 1)
		return (EPROTONOSUPPORT);
	error = host_socketpair(type, fds);
	if (error != 0)
		return (error);
	error = hostfd_file_adopt(l->p->k->vfs, fds[0],
	    O_RDWR | (flags & O_NONBLOCK), "socket", &f[0]);
	if (error != 0) {
		(void)host_close(fds[0]);
		(void)host_close(fds[1]);
		return (error);
	}
	error = hostfd_file_adopt(l->p->k->vfs, fds[1],
	    O_RDWR | (flags & O_NONBLOCK), "socket", &f[1]);
	if (error != 0) {
		file_free(f[0]);
		(void)host_close(fds[1]);
		return (error);
	}
	return (sys_fd_pair(l, f, (flags & O_CLOEXEC) != 0, a[3]));
}

static int
socket_get(struct lwp *l, int fd, struct file **out)
{
	struct vattr va;
	struct file *f;
	int error = sys_get_file(l, fd, &f);

	if (error != 0)
		return (error);
	if (f->ops != &hostfd_fileops || file_getattr(f, &va) != 0 ||
	    va.type != VSOCK) {
		file_free(f);
		return (ENOTSOCK);
	}
	*out = f;
	return (0);
}

static int
socket_io(struct lwp *l, const uint64_t *a, bool write, int64_t *ret)
{
	struct lx_iovec iov = {.base = a[1], .len = a[2]};
	int flags = (int)a[3], error, hostfd;
	struct file *f;

	error = socket_get(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	if (flags & ~(MSG_DONTWAIT_ | MSG_NOSIGNAL_))
		error = EOPNOTSUPP;
	if (iov.len > LX_MAX_RW_COUNT)
		iov.len = LX_MAX_RW_COUNT;
	if (error == 0 && (flags & MSG_DONTWAIT_) != 0 &&
	    sys_file_poll(f, write ? LX_POLLOUT : LX_POLLIN, &hostfd) == 0)
		error = EAGAIN;
	if (error == 0)
		error = sys_user_io(l, f, &iov, 1,
		    (write ? SYS_IO_WRITE : 0) |
			((flags & MSG_NOSIGNAL_) ? SYS_IO_NOPIPE : 0),
		    0, ret);
	file_free(f);
	return (error);
}

int
sys_sendto(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (a[4] != 0 ? EISCONN : socket_io(l, a, true, ret));
}

int
sys_recvfrom(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint32_t zero = 0;
	int error = socket_io(l, a, false, ret);

	/* The peer of a pair has no name. */
	if (error == 0 && a[4] != 0 && a[5] != 0)
		error = copyout(lwp_vmspace(l), &zero, a[5], sizeof(zero));
	return (error);
}

int
sys_shutdown(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f;
	int error = socket_get(l, (int)a[0], &f);

	if (error != 0)
		return (error);
	error = host_shutdown(f->hostfd, (int)a[1]);
	file_free(f);
	return (error);
}

int
sys_getsockopt(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint32_t len;
	struct file *f;
	int error, v = 0;

	error = socket_get(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	switch ((int)a[1] == SOL_SOCKET_ ? (int)a[2] : -1) {
	case 3:  /* TYPE */
	case 4:  /* ERROR */
	case 7:  /* SNDBUF */
	case 8:  /* RCVBUF */
	case 30: /* ACCEPTCONN */
	case 38: /* PROTOCOL */
	case 39: /* DOMAIN */
		error = host_sockopt_int(f->hostfd, (int)a[2], &v);
		break;
	default:
		error = ENOPROTOOPT;
	}
	file_free(f);
	if (error == 0)
		error = copyin(lwp_vmspace(l), &len, a[4], sizeof(len));
	if (error != 0)
		return (error);
	if ((int32_t)len < 0)
		return (EINVAL);
	if (len > sizeof(v))
		len = sizeof(v);
	error = copyout(lwp_vmspace(l), &v, a[3], len);
	if (error == 0)
		error = copyout(lwp_vmspace(l), &len, a[4], sizeof(len));
	return (error);
}

int
sys_setsockopt(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f;
	int error = socket_get(l, (int)a[0], &f);

	if (error != 0)
		return (error);
	file_free(f);
	return (ENOPROTOOPT);
}

int
sys_sock_unsupported(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f;
	int error = socket_get(l, (int)a[0], &f);

	if (error != 0)
		return (error);
	file_free(f);
	return (EOPNOTSUPP);
}
