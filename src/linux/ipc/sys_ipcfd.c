/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls that create descriptors without a name: pipes, event and timer
 * descriptors, anonymous files.
 *
 * All except memfd_create make host objects with guest descriptors.  An
 * anonymous file must be mappable, so it is a file of a tmpfs
 * (vfs/tmpfs/tmpfs_seal.c).
 */
#include "host/host.h"
#include "abi/capability.h"
#include "abi/fcntl.h"
#include "abi/mman.h"
#include "abi/time.h"
#include "host/host_file.h"
#include "linux/lib/sys_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/vnode.h"
#include "vfs/tmpfs/tmpfs.h"

sys_fn sys_pipe, sys_pipe2, sys_eventfd, sys_eventfd2, sys_timerfd_create,
    sys_timerfd_settime, sys_timerfd_gettime, sys_memfd_create;

#define MFD_KNOWN                                                 \
	(LX_MFD_CLOEXEC | LX_MFD_ALLOW_SEALING | LX_MFD_HUGETLB | \
	    LX_MFD_NOEXEC_SEAL | LX_MFD_EXEC)

/* ---- pipes ---- */

static int
pipe_make(struct lwp *l, uint64_t ufds, int flags)
{
	const struct vfs_waiter maker = lwp_vfs_waiter(l);
	struct file *f[2];
	int error;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return (EINVAL);
	error = pipe_create(l->p->k->vfs, &maker, flags & ~O_CLOEXEC, f);
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

/* Make a guest descriptor for `hostfd`, which is consumed in any case. */
static int
adopt(struct lwp *l, int hostfd, int flags, const struct fileops *ops,
    int64_t *ret)
{
	struct file *f;
	int error;

	error = hostfd_file_adopt(
	    l->p->k->vfs, hostfd, O_RDWR | (flags & O_NONBLOCK), ops, &f);
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

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | LX_EFD_SEMAPHORE))
		return (EINVAL);
	error = host_eventfd(
	    (uint32_t)init, O_NONBLOCK | (flags & LX_EFD_SEMAPHORE), &fd);
	return (
	    error != 0 ? error : adopt(l, fd, flags, &eventfd_fileops, ret));
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
	const bool alarm = clock == LX_CLOCK_REALTIME_ALARM ||
			   clock == LX_CLOCK_BOOTTIME_ALARM;

	if (alarm && (flags & ~(O_CLOEXEC | O_NONBLOCK)) == 0) {
		if (!lwp_capable(l, LX_CAP_WAKE_ALARM))
			return (EPERM);
		/* The host would have to be woken by its guests. */
		clock = clock == LX_CLOCK_REALTIME_ALARM ? LX_CLOCK_REALTIME
							 : LX_CLOCK_BOOTTIME;
	}
	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0 ||
	    (clock != LX_CLOCK_REALTIME && clock != LX_CLOCK_MONOTONIC &&
		clock != LX_CLOCK_BOOTTIME))
		return (EINVAL);
	error = host_timerfd(clock, &fd);
	return (
	    error != 0 ? error : adopt(l, fd, flags, &timerfd_fileops, ret));
}

static int
hostfd_get(struct lwp *l, int fd, struct file **out)
{
	struct file *f;
	int error = sys_get_file(l, fd, &f);

	if (error != 0)
		return (error);
	if (!file_can(f, FCAP_HOSTOBJ)) {
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
	if (error != 0)
		return (error);
	error =
	    sys_copyin_timespec(l, a[2] + sizeof(struct lx_timespec), &value);
	if (error != 0)
		return (error);
	error = hostfd_get(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	error = host_timerfd_set(
	    f->hostfd, (int)a[1], value, interval, &old, &oldint);
	file_free(f);
	if (error != 0 || a[3] == 0)
		return (error);
	return (itimerspec_out(l, old, oldint, a[3]));
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

int
sys_memfd_create(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const unsigned exec = LX_MFD_EXEC | LX_MFD_NOEXEC_SEAL;
	uint32_t mode = 0777, seals = LX_F_SEAL_SEAL;
	char name[VFS_NAME_MAX + 1];
	unsigned flags = (unsigned)a[1];
	struct vfs_ctx ctx;
	struct file *f;
	int error;

	if ((flags & ~MFD_KNOWN) != 0 || (flags & exec) == exec)
		return (EINVAL);
	if (flags & LX_MFD_HUGETLB)
		return (ENOMEM);
	error = copyinstr(lwp_vmspace(l), name, a[0], 250, NULL);
	if (error != 0)
		return (error == ENAMETOOLONG ? EINVAL : error);
	if (flags & LX_MFD_ALLOW_SEALING)
		seals = 0;
	if (flags & LX_MFD_NOEXEC_SEAL) {
		mode = 0666;
		seals = LX_F_SEAL_EXEC;
	}
	ctx = lwp_vfs_ctx(l);
	error = tmpfs_memfd(&ctx, name, mode, seals, &f);
	lwp_vfs_ctx_done(&ctx);
	if (error != 0)
		return (error == ENFILE || error == EMFILE ? error : ENOMEM);
	return (sys_fd_new(l, f, (flags & LX_MFD_CLOEXEC) != 0, ret));
}
