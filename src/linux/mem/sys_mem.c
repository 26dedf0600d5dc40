/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on memory: decoding of mmap and related calls.
 *
 * Decoding is separate from acting: sys_mmap_decode() translates Linux's flags
 * to those of vm without reading any state, so that tests can call it with all
 * combinations.
 *
 * Limits: MAP_HUGETLB is ENOMEM (there are no huge pages to reserve).
 * The limit of locked memory applies to root, too.
 */
#include "linux/lib/sys_int.h"
#include "abi/mman.h"
#include "linux/mem/sys_mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "vfs/core/file.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"

#define MINCORE_CHUNK 4096 /* pages reported at a time */

sys_fn sys_mmap, sys_munmap, sys_mprotect, sys_brk, sys_mremap, sys_madvise,
    sys_mincore, sys_msync, sys_mlock, sys_mlock2, sys_munlock, sys_mlockall,
    sys_munlockall, sys_mseal, sys_remap_file_pages, sys_pkey_mprotect,
    sys_pkey_alloc, sys_pkey_free;

vm_prot_t
sys_prot_decode(uint64_t prot)
{
	vm_prot_t p = VM_PROT_NONE;

	if (prot & LX_PROT_READ)
		p |= VM_PROT_READ;
	if (prot & LX_PROT_WRITE)
		p |= VM_PROT_WRITE;
	if (prot & LX_PROT_EXEC)
		p |= VM_PROT_EXECUTE;
	return (p);
}

int
sys_mmap_decode(
    uint64_t addr, uint64_t len, uint64_t flags, uint64_t off, int *vmm)
{
	const uint64_t known =
	    LX_MAP_TYPE | LX_MAP_FIXED | LX_MAP_ANONYMOUS | LX_MAP_32BIT |
	    LX_MAP_GROWSDOWN | LX_MAP_DENYWRITE | LX_MAP_EXECUTABLE |
	    LX_MAP_LOCKED | LX_MAP_NORESERVE | LX_MAP_POPULATE |
	    LX_MAP_NONBLOCK | LX_MAP_STACK | LX_MAP_HUGETLB |
	    LX_MAP_FIXED_NOREPLACE;
	int v = 0;

	switch (flags & LX_MAP_TYPE) {
	case LX_MAP_PRIVATE:
		break;
	case LX_MAP_SHARED_VALIDATE:
		if (flags & ~known)
			return (EOPNOTSUPP);
		/* FALLTHROUGH */
	case LX_MAP_SHARED:
		v |= VMM_SHARED;
		break;
	default:
		return (EINVAL);
	}
	if (len == 0 || (off & PAGE_MASK) != 0)
		return (EINVAL);
	if (len > VM_MAX_ADDRESS)
		return (ENOMEM);
	if (off > UINT64_MAX - round_page(len))
		return (EOVERFLOW);
	if (flags & LX_MAP_HUGETLB)
		return (ENOMEM);
	if (flags & LX_MAP_FIXED_NOREPLACE)
		v |= VMM_NOREPLACE;
	else if (flags & LX_MAP_FIXED)
		v |= VMM_FIXED;
	if ((v & (VMM_FIXED | VMM_NOREPLACE)) && (addr & PAGE_MASK) != 0)
		return (EINVAL);
	if (flags & LX_MAP_GROWSDOWN) {
		if (v & VMM_SHARED)
			return (EINVAL);
		v |= VMM_GROWSDOWN;
	}
	if ((flags & LX_MAP_32BIT) && !(v & (VMM_FIXED | VMM_NOREPLACE)))
		v |= VMM_LOW;
	if (flags & LX_MAP_NORESERVE)
		v |= VMM_NORESERVE;
	if (flags & LX_MAP_LOCKED)
		v |= VMM_LOCKED | VMM_POPULATE;
	if ((flags & LX_MAP_POPULATE) && !(flags & LX_MAP_NONBLOCK))
		v |= VMM_POPULATE;
	*vmm = v;
	return (0);
}

/* The protections that a descriptor's mode permits: *max.  EACCES: prot exceeds
 * them. */
static int
mmap_file_prot(
    const struct file *f, vm_prot_t prot, bool shared, vm_prot_t *max)
{
	int fl = atomic_load(&f->flags);

	if (fl & O_PATH)
		return (EBADF);
	if (!file_flags_permit(fl, false))
		return (EACCES);
	*max = VM_PROT_ALL;
	if (shared && !file_flags_permit(fl, true)) {
		if (prot & VM_PROT_WRITE)
			return (EACCES);
		*max &= (vm_prot_t)~VM_PROT_WRITE;
	}
	return (0);
}

/* The object of a file that is to be mapped, and the protections that the
 * descriptor's mode permits. */
static int
mmap_file(struct file *f, vm_prot_t prot, int vmm, uint64_t off, uint64_t len,
    vm_prot_t *max, struct vm_object **obj)
{
	struct vm_object *o;
	vm_prot_t m;
	int error;

	error = mmap_file_prot(f, prot, (vmm & VMM_SHARED) != 0, &m);
	if (error != 0)
		return (error);
	if (f->vp == NULL)
		return (ENODEV);
	if (mnt_has(f->mnt, VMNT_NOEXEC)) {
		if (prot & VM_PROT_EXECUTE)
			return (EPERM);
		m &= (vm_prot_t)~VM_PROT_EXECUTE;
	}
	if (f->vp->type == VREG && off > INT64_MAX - round_page(len))
		return (EOVERFLOW);
	if (vmm & VMM_GROWSDOWN)
		return (EINVAL);
	error = vnode_object(f->vp, &o);
	if (error != 0)
		return (error);
	/* A device has a fixed size; nothing can be mapped beyond it. */
	if (o->cdev != NULL && off + round_page(len) > IDX_TO_OFF(o->size))
		return (ENXIO);
	*max = m;
	/* Each shared mapping of /dev/zero is memory of its own. */
	*obj =
	    (f->vp->flags & VN_ZERO) != 0 && (vmm & VMM_SHARED) != 0 ? NULL : o;
	return (0);
}

static int
mmap_do(struct lwp *l, uint64_t addr, uint64_t len, uint64_t lprot,
    uint64_t flags, struct file *f, uint64_t off, int64_t *ret)
{
	vm_prot_t prot = sys_prot_decode(lprot), max = VM_PROT_ALL;
	struct vm_object *obj = NULL;
	bool may_write = true, shared;
	vm_offset_t va;
	int error, vmm;

	error = sys_mmap_decode(addr, len, flags, off, &vmm);
	if (error != 0)
		return (error);
	if (f != NULL) {
		error = mmap_file(f, prot, vmm, off, len, &max, &obj);
		if (error != 0)
			return (error);
	}
	shared = f != NULL && (vmm & VMM_SHARED) != 0 &&
		 f->vp->ops->map_begin != NULL;
	if (shared) {
		error = f->vp->ops->map_begin(
		    f->vp, (prot & VM_PROT_WRITE) != 0, &may_write);
		if (error != 0)
			return (error);
		if (!may_write)
			max &= (vm_prot_t)~VM_PROT_WRITE;
	}
	va = (vmm & (VMM_FIXED | VMM_NOREPLACE)) != 0 ? addr : trunc_page(addr);
	error = vm_mmap(lwp_vmspace(l), &va, round_page(len), prot, max, vmm,
	    obj, obj != NULL ? off : 0);
	if (shared)
		f->vp->ops->map_end(f->vp);
	if (error == 0)
		*ret = (int64_t)va;
	return (error);
}

int
sys_mmap(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct file *f = NULL;
	int error;

	if ((a[3] & LX_MAP_ANONYMOUS) == 0) {
		error = sys_get_file(l, (int)a[4], &f);
		if (error != 0)
			return (error);
	}
	error = mmap_do(l, a[0], a[1], a[2], a[3], f, a[5], ret);
	if (f != NULL)
		file_free(f);
	return (error);
}

/* Round *len up to whole pages and check [addr, addr+*len): 0, EINVAL or, if it
 * wraps, `wrap`. */
static int
range_check(uint64_t addr, uint64_t *len, int wrap)
{
	if ((addr & PAGE_MASK) != 0)
		return (EINVAL);
	if (*len > VM_MAX_ADDRESS || addr > VM_MAX_ADDRESS ||
	    addr + round_page(*len) > VM_MAX_ADDRESS)
		return (wrap);
	*len = round_page(*len);
	return (0);
}

int
sys_munmap(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint64_t addr = a[0];
	uint64_t len = a[1];

	if ((addr & PAGE_MASK) != 0 || len == 0 || addr > LX_TASK_SIZE ||
	    len > LX_TASK_SIZE - addr)
		return (EINVAL);
	len = round_page(len);
	if (addr >= VM_MAX_ADDRESS)
		return (0);
	if (len > VM_MAX_ADDRESS - addr)
		len = VM_MAX_ADDRESS - addr;
	return (vm_munmap(lwp_vmspace(l), addr, len));
}

/* mprotect of [addr, addr+len); with `key` by a protection key. */
static int
protect(struct lwp *l, uint64_t addr, uint64_t len, uint64_t prot, bool key)
{
	int error;

	prot &= ~(uint64_t)(LX_PROT_GROWSDOWN | LX_PROT_SEM);
	if (prot & ~(uint64_t)(LX_PROT_READ | LX_PROT_WRITE | LX_PROT_EXEC))
		return (EINVAL);
	error = range_check(addr, &len, ENOMEM);
	if (error != 0 || len == 0)
		return (error);
	if (key)
		return (EINVAL);
	return (vm_mprotect(lwp_vmspace(l), addr, len, sys_prot_decode(prot)));
}

int
sys_mprotect(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (protect(l, a[0], a[1], a[2], false));
}

/*
 * Guests see a processor without protection keys (the host's register of them
 * belongs to the stub), where Linux has these calls, and no key can be had.
 */
int
sys_pkey_mprotect(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (protect(l, a[0], a[1], a[2], (int)a[3] != -1));
}

int
sys_pkey_alloc(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (EINVAL);
}

int
sys_pkey_free(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (EINVAL);
}

int
sys_brk(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	vm_offset_t cur = a[0];

	vm_brk(lwp_vmspace(l), &cur);
	*ret = (int64_t)cur;
	return (0);
}

int
sys_mremap(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const int moving = LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP;
	uint64_t oldlen = a[1], newlen = a[2];
	vm_offset_t va = a[4];
	int error, flags = (int)a[3];

	if ((flags & ~(LX_MREMAP_MAYMOVE | moving)) != 0 ||
	    ((flags & moving) != 0 && (flags & LX_MREMAP_MAYMOVE) == 0))
		return (EINVAL);
	if ((a[0] & PAGE_MASK) != 0 || newlen == 0 || newlen > VM_MAX_ADDRESS ||
	    oldlen > VM_MAX_ADDRESS)
		return (EINVAL);
	oldlen = round_page(oldlen);
	newlen = round_page(newlen);
	if ((flags & LX_MREMAP_DONTUNMAP) != 0 && oldlen != newlen)
		return (EINVAL);
	if ((flags & LX_MREMAP_FIXED) != 0 &&
	    ((va & PAGE_MASK) != 0 || va > VM_MAX_ADDRESS - newlen))
		return (EINVAL);
	error = vm_mremap(lwp_vmspace(l), a[0], oldlen, newlen, flags, &va);
	if (error == 0)
		*ret = (int64_t)va;
	return (error);
}

int
sys_madvise_range(struct vmspace *vm, uint64_t addr, uint64_t len, int advice)
{
	int error;

	error = vm_madvise(vm, VM_MIN_ADDRESS, 0, advice); /* known? */
	if (error != 0)
		return (error);
	if ((addr & PAGE_MASK) != 0 || len > UINT64_MAX - PAGE_MASK ||
	    addr > UINT64_MAX - round_page(len))
		return (EINVAL);
	if (len == 0)
		return (0);
	error = range_check(addr, &len, ENOMEM);
	return (error != 0 ? error : vm_madvise(vm, addr, len, advice));
}

int
sys_madvise(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (sys_madvise_range(lwp_vmspace(l), a[0], a[1], (int)a[2]));
}

int
sys_mincore(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t len = a[1], done = 0, n;
	uint8_t *vec;
	int error = range_check(a[0], &len, ENOMEM);

	if (error != 0 || len == 0)
		return (error);
	vec = malloc(MINCORE_CHUNK);
	if (vec == NULL)
		return (EAGAIN);
	for (; done < len && !lwp_killed(l); done += n) {
		n = len - done;
		if (n > MINCORE_CHUNK * PAGE_SIZE)
			n = MINCORE_CHUNK * PAGE_SIZE;
		error = vm_mincore(lwp_vmspace(l), a[0] + done, n, vec);
		if (error != 0)
			break;
		error = copyout(lwp_vmspace(l), vec,
		    a[2] + (done >> PAGE_SHIFT), n >> PAGE_SHIFT);
		if (error != 0)
			break;
	}
	free(vec);
	return (error);
}

/* True: part of the range is locked in memory. */
static bool
range_locked(struct vmspace *vm, vm_offset_t va, vm_offset_t end)
{
	struct vm_entry_info info;

	while (va < end && vmspace_entry_info(vm, va, &info) == 0 &&
	       info.start < end) {
		if ((info.eflags & MAP_ENTRY_WIRED) != 0)
			return (true);
		va = info.end;
	}
	return (false);
}

int
sys_msync(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t len = a[1];
	int flags = (int)a[2], error;

	if ((flags & ~(LX_MS_ASYNC | LX_MS_INVALIDATE | LX_MS_SYNC)) != 0 ||
	    (flags & (LX_MS_ASYNC | LX_MS_SYNC)) == (LX_MS_ASYNC | LX_MS_SYNC))
		return (EINVAL);
	/* As on Linux a length that wraps when it is rounded is none. */
	if ((a[0] & PAGE_MASK) == 0 && round_page(len) == 0)
		return (0);
	error = range_check(a[0], &len, ENOMEM);
	if (error != 0)
		return (error);
	if ((flags & LX_MS_INVALIDATE) != 0 &&
	    range_locked(lwp_vmspace(l), a[0], a[0] + len))
		return (EBUSY);
	return (vm_msync(lwp_vmspace(l), a[0], len, (flags & LX_MS_SYNC) != 0));
}

/* As on Linux since 4.0: a new mapping of a part of the file. */
int
sys_remap_file_pages(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t addr = trunc_page(a[0]), len = trunc_page(a[1]);
	const uint64_t page = a[3];

	if (a[2] != 0 || addr + len <= addr || addr + len > VM_MAX_ADDRESS ||
	    page + (len >> PAGE_SHIFT) < page ||
	    page > (UINT64_MAX >> PAGE_SHIFT) - (len >> PAGE_SHIFT))
		return (EINVAL);
	return (
	    vm_remap_file_pages(lwp_vmspace(l), addr, len, page << PAGE_SHIFT));
}

int
sys_mseal(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t len = a[1];
	int error;

	if (a[2] != 0 || len > UINT64_MAX - PAGE_MASK ||
	    a[0] > UINT64_MAX - round_page(len))
		return (EINVAL);
	error = range_check(a[0], &len, ENOMEM);
	if (error != 0 || len == 0)
		return (error);
	return (vm_mseal(lwp_vmspace(l), a[0], len));
}

/* ---- locking ---- */

enum how { UNLOCK, LOCK, LOCK_ONFAULT };

static int
mlock_range(struct lwp *l, uint64_t addr, uint64_t len, enum how how)
{
	int error;

	if (len > VM_MAX_ADDRESS)
		return (ENOMEM);
	len += addr & PAGE_MASK;
	addr = trunc_page(addr);
	if (addr + round_page(len) < addr)
		return (EINVAL);
	error = range_check(addr, &len, ENOMEM);
	if (error != 0 || len == 0)
		return (error);
	return (how == LOCK_ONFAULT
		    ? vm_mlock_onfault(lwp_vmspace(l), addr, len)
		    : vm_mlock(lwp_vmspace(l), addr, len, how == LOCK));
}

int
sys_mlock(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (mlock_range(l, a[0], a[1], LOCK));
}

int
sys_mlock2(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	if (((int)a[2] & ~LX_MLOCK_ONFAULT) != 0)
		return (EINVAL);
	return (
	    mlock_range(l, a[0], a[1], (int)a[2] != 0 ? LOCK_ONFAULT : LOCK));
}

int
sys_munlock(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (mlock_range(l, a[0], a[1], UNLOCK));
}

int
sys_mlockall(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint64_t all = LX_MCL_CURRENT | LX_MCL_FUTURE | LX_MCL_ONFAULT;

	if (a[0] == 0 || (a[0] & ~all) != 0 || a[0] == LX_MCL_ONFAULT)
		return (EINVAL);
	return (vm_mlockall(lwp_vmspace(l), (int)a[0]));
}

int
sys_munlockall(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (vm_munlockall(lwp_vmspace(l)));
}
