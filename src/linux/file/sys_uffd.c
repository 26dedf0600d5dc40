/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * userfaultfd(2) and its requests.  kern/ipc/uffd.c implements the file.
 *
 * Requests work page by page, so that a process that ends is not kept.  COPY
 * and ZEROPAGE report in their structure how far they came, or the error of the
 * first page, and fail with EAGAIN in the first case.
 *
 * Limits: as with vm.unprivileged_userfaultfd of 0, which is the default of
 * Linux, only root serves faults of the kernel.  Of the features there are
 * those of UFFD_FEATURES; UFFDIO_CONTINUE, MOVE and POISON do not exist
 * (EINVAL).
 */
#include "linux/file/sys_uffd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/userfault.h"
#include "kern/base/cred.h"
#include "kern/ipc/uffd.h"
#include "linux/lib/sys_int.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vm/fault/vm_uffd.h"

sys_fn sys_userfaultfd;

int
sys_userfaultfd(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int flags = (int)a[0], error;
	struct file *f;

	if ((flags & LX_UFFD_USER_MODE_ONLY) == 0 &&
	    !cred_capable(l->cred, LX_CAP_SYS_PTRACE))
		return (EPERM);
	if ((flags & ~(O_CLOEXEC | O_NONBLOCK | LX_UFFD_USER_MODE_ONLY)) != 0)
		return (EINVAL);
	error =
	    uffd_create(l, flags, (flags & LX_UFFD_USER_MODE_ONLY) != 0, &f);
	if (error != 0)
		return (error);
	return (sys_fd_new(l, f, (flags & O_CLOEXEC) != 0, ret));
}

/* A range of whole pages.  EINVAL. */
static int
range_check(uint64_t start, uint64_t len)
{
	if (((start | len) & PAGE_MASK) != 0 || len == 0 ||
	    start < VM_MIN_ADDRESS || start > VM_MAX_ADDRESS ||
	    len > VM_MAX_ADDRESS - start)
		return (EINVAL);
	return (0);
}

static int
uffd_api(struct lwp *l, struct vm_uffd *u, uint64_t arg)
{
	struct lx_uffdio_api api;
	int error = 0;

	if (copyin(lwp_vmspace(l), &api, arg, sizeof(api)) != 0)
		return (EFAULT);
	if (api.api != LX_UFFD_API ||
	    (api.features & ~(uint64_t)UFFD_FEATURES) != 0)
		error = EINVAL;
	else {
		uint64_t features = api.features;

		api.features = UFFD_FEATURES;
		api.ioctls = LX_UFFDIO_BIT_REGISTER | LX_UFFDIO_BIT_UNREGISTER |
			     LX_UFFDIO_BIT_API;
		if (copyout(lwp_vmspace(l), &api, arg, sizeof(api)) != 0)
			return (EFAULT);
		error = uffd_start(u, features);
	}
	if (error != 0) {
		memset(&api, 0, sizeof(api));
		if (copyout(lwp_vmspace(l), &api, arg, sizeof(api)) != 0)
			return (EFAULT);
	}
	return (error);
}

static int
uffd_register(struct lwp *l, struct vm_uffd *u, uint64_t arg)
{
	struct lx_uffdio_register r;
	bool wp;
	int error;

	if (copyin(lwp_vmspace(l), &r, arg,
		offsetof(struct lx_uffdio_register, ioctls)) != 0)
		return (EFAULT);
	if (r.mode == 0 ||
	    (r.mode & ~(uint64_t)(LX_UFFDIO_REGISTER_MODE_MISSING |
				  LX_UFFDIO_REGISTER_MODE_WP)) != 0)
		return (EINVAL);
	error = range_check(r.range.start, r.range.len);
	if (error != 0)
		return (error);
	wp = (r.mode & LX_UFFDIO_REGISTER_MODE_WP) != 0;
	error = vm_uffd_register(u, r.range.start, r.range.start + r.range.len,
	    (r.mode & LX_UFFDIO_REGISTER_MODE_MISSING) != 0, wp);
	if (error != 0)
		return (error == ESRCH ? ENOMEM : error);
	r.ioctls = LX_UFFDIO_BIT_WAKE | LX_UFFDIO_BIT_COPY |
		   LX_UFFDIO_BIT_ZEROPAGE |
		   (wp ? LX_UFFDIO_BIT_WRITEPROTECT : 0);
	return (copyout(lwp_vmspace(l), &r.ioctls,
	    arg + offsetof(struct lx_uffdio_register, ioctls),
	    sizeof(r.ioctls)));
}

/* UNREGISTER and WAKE. */
static int
uffd_range(struct lwp *l, struct vm_uffd *u, uint64_t arg, bool unregister)
{
	struct lx_uffdio_range r;
	int error;

	if (copyin(lwp_vmspace(l), &r, arg, sizeof(r)) != 0)
		return (EFAULT);
	error = range_check(r.start, r.len);
	if (error == 0 && unregister) {
		error = vm_uffd_unregister(u, r.start, r.start + r.len);
		if (error == ESRCH)
			error = ENOMEM;
	}
	if (error == 0)
		uffd_wake(u, r.start, r.start + r.len);
	return (error);
}

/* Fill pages from src (0: with zeroes).  The bytes, or the negative error of
 * the first page. */
static int64_t
fill(struct lwp *l, struct vm_uffd *u, uint64_t dst, uint64_t src, uint64_t len,
    bool wp)
{
	uint64_t done = 0;
	void *page = NULL;
	int error;

	error = vm_uffd_covers(u, dst, dst + len, wp);
	/* A protection that was not registered is a wrong argument. */
	if (error == ENOENT && wp &&
	    vm_uffd_covers(u, dst, dst + len, false) == 0)
		error = EINVAL;
	if (error == 0 && src != 0) {
		page = kmem_alloc(PAGE_SIZE);
		if (page == NULL)
			error = ENOMEM;
	}
	while (error == 0 && done < len && !lwp_killed(l)) {
		if (page != NULL)
			error =
			    copyin(lwp_vmspace(l), page, src + done, PAGE_SIZE);
		if (error == 0)
			error = vm_uffd_fill(u, dst + done, page, wp);
		if (error == 0)
			done += PAGE_SIZE;
	}
	kmem_free(page);
	return (done > 0 || error == 0 ? (int64_t)done : -(int64_t)error);
}

/* What COPY and ZEROPAGE have in common: result and wake-up. */
static int
fill_done(struct lwp *l, struct vm_uffd *u, uint64_t dst, uint64_t len,
    int64_t done, uint64_t result, bool wake)
{
	if (copyout(lwp_vmspace(l), &done, result, sizeof(done)) != 0)
		return (EFAULT);
	if (done < 0)
		return ((int)-done);
	if (wake && done > 0)
		uffd_wake(u, dst, dst + (uint64_t)done);
	return ((uint64_t)done == len ? 0 : EAGAIN);
}

static int
uffd_copy(struct lwp *l, struct vm_uffd *u, uint64_t arg)
{
	struct lx_uffdio_copy c;
	int64_t done;
	int error;

	if (copyin(lwp_vmspace(l), &c, arg,
		offsetof(struct lx_uffdio_copy, copy)) != 0)
		return (EFAULT);
	error = range_check(c.dst, c.len);
	if (error != 0)
		return (error);
	if (c.src + c.len <= c.src ||
	    (c.mode & ~(uint64_t)(LX_UFFDIO_COPY_MODE_DONTWAKE |
				  LX_UFFDIO_COPY_MODE_WP)) != 0)
		return (EINVAL);
	/* Nothing can be mapped at 0. */
	if (c.src == 0)
		done = -EFAULT;
	else
		done = fill(l, u, c.dst, c.src, c.len,
		    (c.mode & LX_UFFDIO_COPY_MODE_WP) != 0);
	return (fill_done(l, u, c.dst, c.len, done,
	    arg + offsetof(struct lx_uffdio_copy, copy),
	    (c.mode & LX_UFFDIO_COPY_MODE_DONTWAKE) == 0));
}

static int
uffd_zeropage(struct lwp *l, struct vm_uffd *u, uint64_t arg)
{
	struct lx_uffdio_zeropage z;
	int64_t done;
	int error;

	if (copyin(lwp_vmspace(l), &z, arg,
		offsetof(struct lx_uffdio_zeropage, zeropage)) != 0)
		return (EFAULT);
	error = range_check(z.range.start, z.range.len);
	if (error != 0)
		return (error);
	if ((z.mode & ~(uint64_t)LX_UFFDIO_ZEROPAGE_MODE_DONTWAKE) != 0)
		return (EINVAL);
	done = fill(l, u, z.range.start, 0, z.range.len, false);
	return (fill_done(l, u, z.range.start, z.range.len, done,
	    arg + offsetof(struct lx_uffdio_zeropage, zeropage),
	    (z.mode & LX_UFFDIO_ZEROPAGE_MODE_DONTWAKE) == 0));
}

static int
uffd_writeprotect(struct lwp *l, struct vm_uffd *u, uint64_t arg)
{
	const uint64_t known = LX_UFFDIO_WRITEPROTECT_MODE_WP |
			       LX_UFFDIO_WRITEPROTECT_MODE_DONTWAKE;
	struct lx_uffdio_writeprotect w;
	uint64_t end;
	bool on;
	int error;

	if (copyin(lwp_vmspace(l), &w, arg, sizeof(w)) != 0)
		return (EFAULT);
	error = range_check(w.range.start, w.range.len);
	if (error != 0)
		return (error);
	if ((w.mode & ~known) != 0 || w.mode == known)
		return (EINVAL);
	end = w.range.start + w.range.len;
	on = (w.mode & LX_UFFDIO_WRITEPROTECT_MODE_WP) != 0;
	error = vm_uffd_protect(u, w.range.start, end, on);
	if (error == 0 && w.mode == 0)
		uffd_wake(u, w.range.start, end);
	return (error);
}

int
sys_uffd_ioctl(struct lwp *l, struct vm_uffd *u, uint32_t cmd, uint64_t arg)
{
	if (cmd == LX_UFFDIO_API)
		return (uffd_api(l, u, arg));
	if (!uffd_started(u))
		return (EINVAL);
	switch (cmd) {
	case LX_UFFDIO_REGISTER:
		return (uffd_register(l, u, arg));
	case LX_UFFDIO_UNREGISTER:
		return (uffd_range(l, u, arg, true));
	case LX_UFFDIO_WAKE:
		return (uffd_range(l, u, arg, false));
	case LX_UFFDIO_COPY:
		return (uffd_copy(l, u, arg));
	case LX_UFFDIO_ZEROPAGE:
		return (uffd_zeropage(l, u, arg));
	case LX_UFFDIO_WRITEPROTECT:
		return (uffd_writeprotect(l, u, arg));
	default:
		return (EINVAL);
	}
}
