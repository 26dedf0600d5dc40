/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on signalfds.  kern/sig/signalfd.c implements the file.
 */
#include <errno.h>
#include <fcntl.h>

#include "kern/sig/ksignal.h"
#include "kern/sig/signalfd.h"
#include "linux/lib/sys_int.h"
#include "vfs/core/file.h"

sys_fn sys_signalfd, sys_signalfd4;

static int
sigfd_call(struct lwp *l, const uint64_t *a, int flags, int64_t *ret)
{
	struct file *f;
	uint64_t mask;
	int error;

	if (a[2] != sizeof(mask))
		return (EINVAL);
	if (copyin(lwp_vmspace(l), &mask, a[1], sizeof(mask)) != 0)
		return (EFAULT);
	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0)
		return (EINVAL);
	mask &= ~KSIG_UNMASKABLE;
	if ((int)a[0] == -1) {
		error = sigfd_create(l, mask, flags, &f);
		if (error != 0)
			return (error);
		return (sys_fd_new(l, f, (flags & O_CLOEXEC) != 0, ret));
	}
	error = sys_get_file(l, (int)a[0], &f);
	if (error != 0)
		return (error);
	error = sigfd_set_mask(l, f, mask);
	file_free(f);
	if (error == 0)
		*ret = (int)a[0];
	return (error);
}

int
sys_signalfd(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (sigfd_call(l, a, 0, ret));
}

int
sys_signalfd4(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (sigfd_call(l, a, (int)a[3], ret));
}
