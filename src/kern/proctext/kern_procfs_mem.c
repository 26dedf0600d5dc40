/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Access to the memory of another process: /proc/PID/mem.
 *
 * Concepts.  An open file is a hold of the vmspace that the process had at the
 * time.  A hold keeps no memory: when the process exits, or executes another
 * program, that vmspace ends, and every later access is ESRCH.  The file never
 * shows the memory of the new program, nor of another process that has the same
 * number later.
 *
 * Rights are checked at open by the rules of access.c, as with any file: a
 * descriptor that is passed to another process works there.
 *
 * Locking.  Rights and hold are taken in one section of the proc lock, so the
 * ids are those of the process that has the memory.
 */
#include "kern/proctext/kern_procfs.h"
#include "vm/vmspace.h"

#include <errno.h>

#include "vfs/core/ctx.h"
#include "vfs/core/uio.h"

int
proc_look(struct proc *p, const struct proc_caller *caller, struct vmspace **vm)
{
	int error;

	kmutex_lock(&p->lock);
	error = proc_may_access_locked(p, caller);
	if (error == 0) {
		*vm = p->vmspace;
		if (*vm != NULL)
			vmspace_hold(*vm);
	}
	kmutex_unlock(&p->lock);
	return (error);
}

int
kern_procfs_mem_open(void *arg, int pid, const struct vfs_ctx *ctx, void **mem)
{
	const struct proc_caller caller = proc_caller_of_ctx(ctx);
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct vmspace *vm = NULL;
	int error;

	if (p == NULL)
		return (ESRCH);
	error = proc_look(p, &caller, &vm);
	proc_drop(p);
	if (error != 0)
		return (EACCES);
	if (vm == NULL)
		return (ESRCH);
	*mem = vm;
	return (0);
}

int
kern_procfs_mem_rw(void *mem, struct uio *uio)
{
	struct vmspace *vm = mem;
	size_t done, start = uio->resid;
	int error = 0;

	while (error == 0 && uio->resid > 0) {
		while (uio->iov->len == 0) {
			uio->iov++;
			uio->niov--;
		}
		size_t n =
		    uio->iov->len < uio->resid ? uio->iov->len : uio->resid;

		error = uio->write ? vm_pwrite(vm, uio->iov->base, n, uio->off,
					 VM_FAULT_FORCE, &done)
				   : vm_pread(vm, uio->iov->base, n, uio->off,
					 VM_FAULT_FORCE, &done);
		uio_advance(uio, done);
	}
	if (uio->resid != start)
		return (0);
	return (error == EFAULT ? EIO : error);
}

void
kern_procfs_mem_close(void *mem)
{
	vmspace_drop(mem);
}
