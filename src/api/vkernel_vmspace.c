/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The vmspace calls of the embedder: mappings and memory.  vm implements
 * lifetime and accounting (vmspace.c, vm_meter.c); vkernel_run.c runs user
 * code.
 *
 * Each call checks its arguments and passes them to vm, whose functions do the
 * same for guests.  A vmspace of the embedder differs from that of a process
 * only in that no process uses it.
 */
#include <errno.h>
#include <stdlib.h>

#include "abi/mman.h"
#include "linux/mem/sys_mem.h"
#include "api/vkernel_file.h"
#include "api/vkernel_int.h"
#include "libk/kassert.h"
#include "machine/mmu/pmap_mmu.h"
#include "vm/vmspace.h"
#include "vmspace/vmspace.h"

#define MMAP_FLAGS                                                          \
	(LX_MAP_PRIVATE | LX_MAP_SHARED | LX_MAP_ANONYMOUS | LX_MAP_FIXED | \
	    LX_MAP_FIXED_NOREPLACE | LX_MAP_NORESERVE | LX_MAP_GROWSDOWN |  \
	    LX_MAP_STACK | LX_MAP_POPULATE | LX_MAP_LOCKED)
#define PROT_ALL (LX_PROT_READ | LX_PROT_WRITE | LX_PROT_EXEC)

int
vmspace_create(struct vkernel *k, struct vmspace **out)
{
	if (k == NULL || out == NULL)
		return (EINVAL);
	return (vmspace_alloc(&k->vm, out));
}

int
vmspace_create_mmu(struct vkernel *k, const struct vmspace_mmu *ops, void *arg,
    struct vmspace **out)
{
	void *machine;
	int error;

	if (k == NULL || out == NULL || ops == NULL || ops->enter == NULL ||
	    ops->remove == NULL || ops->protect == NULL || ops->sync == NULL)
		return (EINVAL);
	error = pmap_mmu_machine(ops, arg, &machine);
	if (error != 0)
		return (error);
	error = vmspace_alloc_on(&k->vm, &pmap_mmu_ops, machine, out);
	if (error != 0)
		pmap_mmu_machine_free(machine);
	return (error);
}

/* ---- mappings ---- */

int
vmspace_mmap(struct vmspace *vm, uintptr_t *addr, size_t len, int prot,
    int flags, int fd, off_t off)
{
	struct vm_object *obj = NULL;
	vm_prot_t max = VM_PROT_ALL;
	struct vkfile *f = NULL;
	vm_offset_t va;
	int vmm, error;

	if (vm == NULL)
		return (EINVAL);
	vmspace_expect(vm, __func__, false);
	if (addr == NULL || (prot & ~PROT_ALL) != 0)
		return (EINVAL);
	va = *addr;
	/* The embedder uses the host's flags, which are Linux's. */
	if ((flags & ~MMAP_FLAGS) != 0 || off < 0)
		return (EINVAL);
	error = sys_mmap_decode(
	    va, len, (uint64_t)(unsigned)flags, (uint64_t)off, &vmm);
	if (error != 0)
		return (error == EOVERFLOW ? EINVAL : error);
	if ((flags & LX_MAP_ANONYMOUS) != 0)
		off = 0;
	else {
		error = vkfile_get(vkernel_of_vmspace(vm), fd, &f, &obj, &max);
		if (error != 0)
			return (error);
		if ((vmm & VMM_SHARED) == 0)
			max = VM_PROT_ALL;
	}
	error = vm_mmap(vm, &va, len, sys_prot_decode((uint64_t)prot), max, vmm,
	    obj, (vm_ooffset_t)off);
	if (f != NULL)
		vkfile_put(f);
	if (error == 0)
		*addr = va;
	/* EPERM: the address is below VM_MIN_ADDRESS. */
	return (error == EPERM ? ENOMEM : error);
}

/* Check that the range is page-aligned and not empty.  *len is rounded up. */
static int
range_check(
    const struct vmspace *vm, uintptr_t addr, size_t *len, const char *call)
{
	if (vm == NULL)
		return (EINVAL);
	vmspace_expect(vm, call, false);
	if ((addr & PAGE_MASK) != 0 || *len == 0)
		return (EINVAL);
	if (addr >= VM_MAX_ADDRESS || *len > VM_MAX_ADDRESS - addr)
		return (ENOMEM);
	*len = round_page(*len);
	return (0);
}

int
vmspace_munmap(struct vmspace *vm, uintptr_t addr, size_t len)
{
	int error = range_check(vm, addr, &len, __func__);

	return (error != 0 ? error : vm_munmap(vm, addr, len));
}

int
vmspace_mprotect(struct vmspace *vm, uintptr_t addr, size_t len, int prot)
{
	int error = range_check(vm, addr, &len, __func__);

	if (error != 0)
		return (error);
	if ((prot & ~PROT_ALL) != 0)
		return (EINVAL);
	return (vm_mprotect(vm, addr, len, sys_prot_decode((uint64_t)prot)));
}

int
vmspace_mcontrol(struct vmspace *vm, uintptr_t addr, size_t len, int behavior)
{
	int error = range_check(vm, addr, &len, __func__);

	return (error != 0 ? error : vm_madvise(vm, addr, len, behavior));
}

int
vmspace_msync(struct vmspace *vm, uintptr_t addr, size_t len)
{
	int error = range_check(vm, addr, &len, __func__);

	return (error != 0 ? error : vm_msync(vm, addr, len, true));
}

/* ---- memory ---- */

int
vmspace_pread(
    struct vmspace *vm, void *buf, size_t len, uintptr_t addr, size_t *done)
{
	if (vm == NULL)
		return (EINVAL);
	vmspace_expect(vm, __func__, false);
	if (done == NULL || (buf == NULL && len != 0))
		return (EINVAL);
	return (vm_pread(vm, buf, len, addr, 0, done));
}

int
vmspace_pwrite(struct vmspace *vm, const void *buf, size_t len, uintptr_t addr,
    size_t *done)
{
	if (vm == NULL)
		return (EINVAL);
	vmspace_expect(vm, __func__, false);
	if (done == NULL || (buf == NULL && len != 0))
		return (EINVAL);
	return (vm_pwrite(vm, buf, len, addr, 0, done));
}

int
vmspace_fault(struct vmspace *vm, uintptr_t addr, int prot)
{
	if (vm == NULL)
		return (EINVAL);
	vmspace_expect(vm, __func__, false);
	if (prot != LX_PROT_READ && prot != LX_PROT_WRITE &&
	    prot != LX_PROT_EXEC)
		return (EINVAL);
	if (addr >= VM_MAX_ADDRESS)
		return (EFAULT);
	return (vm_fault(vm, addr, (vm_prot_t)prot, 0));
}

int
vmspace_pin(struct vmspace *vm, uintptr_t addr, size_t len, int prot,
    void **ptr, size_t *run)
{
	vm_prot_t access = VM_PROT_READ;
	char *first = NULL, *p;
	struct vm_phys *ph;
	size_t got = 0, n;
	struct vm_page *m;
	int error = 0;

	if (vm == NULL)
		return (EINVAL);
	vmspace_expect(vm, __func__, false);
	ph = vm->sys->phys;
	if (len == 0 || ptr == NULL || run == NULL ||
	    (prot != LX_PROT_READ && prot != (LX_PROT_READ | LX_PROT_WRITE)))
		return (EINVAL);
	if ((prot & LX_PROT_WRITE) != 0)
		access = VM_PROT_WRITE;
	while (got < len) {
		if (addr + got >= VM_MAX_ADDRESS || addr + got < addr) {
			error = EFAULT;
			break;
		}
		error = vm_page_get(vm, addr + got, access, &m);
		if (error != 0)
			break;
		p = (char *)vm_page_ptr(ph, m) + ((addr + got) & PAGE_MASK);
		if (first == NULL)
			first = p;
		else if (p != first + got) {
			vm_page_put(vm->sys, m, false);
			break;
		}
		n = PAGE_SIZE - ((addr + got) & PAGE_MASK);
		got += n < len - got ? n : len - got;
	}
	if (got == 0)
		return (error);
	*ptr = first;
	*run = got;
	return (0);
}

void
vmspace_unpin(struct vmspace *vm, void *ptr, size_t run, int prot)
{
	struct vm_phys *ph = vm->sys->phys;
	uintptr_t base = (uintptr_t)vm_page_ptr(ph, ph->pages);
	uintptr_t at = (uintptr_t)ptr, end = at + run;

	vmspace_expect(vm, __func__, false);
	KVERIFY(at >= base && end >= at &&
		end - base <= (ph->npages + ph->ndev) * PAGE_SIZE);
	for (at = trunc_page(at); at < end; at += PAGE_SIZE)
		vm_page_put(vm->sys,
		    vm_phys_page(ph, (vm_frame_t)((at - base) >> PAGE_SHIFT)),
		    (prot & LX_PROT_WRITE) != 0);
}
