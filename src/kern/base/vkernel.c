/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What any layer may ask of a kernel instance: its version, how often each
 * system call was made, and the memory of its guests with the vdso.
 */
#include "kern/base/vkernel.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/auxv.h"
#include "cpu/cpu.h"
#include "host/host.h"
#include "vm/access/vm_rwmem.h"
#include "vm/map/vm_space.h"

#define VERSION "0.1.0"

const char *
kern_version(void)
{
	return (VERSION);
}

void
kern_syscall_counts(struct vkernel *k,
    void (*fn)(void *arg, const char *name, uint64_t calls, uint64_t missing),
    void *arg)
{
	const char *name;
	uint64_t calls;

	for (unsigned i = 0; i < k->sysops->ncalls; i++) {
		calls = atomic_load_explicit(
		    &k->sc_count[i].calls, memory_order_relaxed);
		name = k->sysops->name(i);
		if (calls != 0 && name != NULL)
			fn(arg, name, calls,
			    atomic_load_explicit(
				&k->sc_count[i].enosys, memory_order_relaxed));
	}
}

struct vkernel *
vkernel_of_vmspace(const struct vmspace *vm)
{
	return ((struct vkernel *)(void *)((char *)vm->sys -
					   offsetof(struct vkernel, vm)));
}

/* The part of the vdso from va on, at most len bytes. */
static size_t
vdso_read(const struct vkernel *k, vm_offset_t va, void *buf, size_t len)
{
	const uint64_t at = cpu_vdso(k->cpu_ops, k->machine);
	const uint64_t own = host_auxval(LX_AT_SYSINFO_EHDR);
	const size_t size = host_vdso_size();

	if (at == 0 || va < at || va - at >= size)
		return (0);
	if (len > size - (va - at))
		len = size - (va - at);
	memcpy(buf, (const char *)(uintptr_t)own + (va - at), len);
	return (len);
}

int
kern_mem_read(
    struct vmspace *vm, void *buf, size_t len, vm_offset_t va, size_t *done)
{
	size_t more;
	int error;

	error = vm_pread(vm, buf, len, va, VM_FAULT_FORCE, done);
	if (error != EFAULT)
		return (error);
	more = vdso_read(vkernel_of_vmspace(vm), va + *done,
	    (char *)buf + *done, len - *done);
	*done += more;
	return (*done == len ? 0 : EFAULT);
}
