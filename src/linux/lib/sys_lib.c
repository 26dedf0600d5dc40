/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Functions that the system-call handlers share: paths, descriptors, limits,
 * and log lines that are written once.
 *
 * A 2048-bit hash set per kernel records the pairs (line, program) that were
 * logged, so that two pairs whose hashes collide share one line.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/fcntl.h"
#include "abi/resource.h"
#include "linux/lib/sys_int.h"
#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/vnode.h"

void
sys_log_once(struct lwp *l, uint64_t what, const char *text)
{
	struct vkernel *k = l->p->k;
	uint64_t h = UINT64_C(14695981039346656037) ^ what, bit;
	char comm[sizeof(l->p->comm)];

	proc_comm(l->p, comm);
	for (const char *c = comm; *c != '\0'; c++)
		h = (h ^ (uint8_t)*c) * UINT64_C(1099511628211);
	h ^= h >> 29;
	bit = UINT64_C(1) << (h & 63);
	if ((atomic_fetch_or(&k->enosys_seen[(h >> 6) & 31], bit) & bit) == 0)
		klog(&k->log, KLOG_INFO, "%s (pid %d): %s", comm, l->p->pid,
		    text);
}

int
sys_copyin_path(struct lwp *l, uint64_t uaddr, char *buf)
{
	return (copyinstr(lwp_vmspace(l), buf, uaddr, VFS_PATH_MAX, NULL));
}

int
sys_copyin_struct(
    struct lwp *l, void *to, size_t size, uint64_t uaddr, uint64_t usize)
{
	uint8_t rest[64];
	size_t n;

	if (usize > PAGE_SIZE)
		return (E2BIG);
	for (uint64_t at = size; at < usize; at += n) {
		n = usize - at < sizeof(rest) ? usize - at : sizeof(rest);
		if (copyin(lwp_vmspace(l), rest, uaddr + at, n) != 0)
			return (EFAULT);
		for (size_t i = 0; i < n; i++)
			if (rest[i] != 0)
				return (E2BIG);
	}
	n = usize < size ? (size_t)usize : size;
	memset(to, 0, size);
	return (copyin(lwp_vmspace(l), to, uaddr, n));
}

int
sys_get_file(struct lwp *l, int fd, struct file **f)
{
	return (fd_get(l->p->fdt, fd, f));
}

int
sys_get_open_file(struct lwp *l, int fd, struct file **out)
{
	struct file *f;
	int error = sys_get_file(l, fd, &f);

	if (error != 0)
		return (error);
	if ((atomic_load(&f->flags) & O_PATH) != 0) {
		file_free(f);
		return (EBADF);
	}
	*out = f;
	return (0);
}

int
sys_get_dir(struct lwp *l, int dirfd, struct vplace *at)
{
	struct file *f;
	int error;

	if (dirfd == LX_AT_FDCWD) {
		*at = (struct vplace){0};
		return (0);
	}
	error = sys_get_file(l, dirfd, &f);
	if (error != 0)
		return (error);
	if (f->vp == NULL || f->vp->type != VDIR) {
		file_free(f);
		return (ENOTDIR);
	}
	*at = (struct vplace){f->mnt, f->vp};
	vplace_ref(at);
	file_free(f);
	return (0);
}

uint32_t
sys_fd_limit(struct lwp *l)
{
	uint64_t n = proc_rlimit_cur(l->p, LX_RLIMIT_NOFILE);

	return (n > INT32_MAX ? INT32_MAX : (uint32_t)n);
}

int
sys_ioprio_check(struct lwp *l, int prio)
{
	switch (prio >> LX_IOPRIO_CLASS_SHIFT) {
	case LX_IOPRIO_CLASS_NONE:
		return ((prio & LX_IOPRIO_LEVEL_MASK) != 0 ? EINVAL : 0);
	case LX_IOPRIO_CLASS_RT:
		return (lwp_capable(l, LX_CAP_SYS_NICE) ||
				lwp_capable(l, LX_CAP_SYS_ADMIN)
			    ? 0
			    : EPERM);
	case LX_IOPRIO_CLASS_BE:
	case LX_IOPRIO_CLASS_IDLE:
		return (0);
	default:
		return (EINVAL);
	}
}
