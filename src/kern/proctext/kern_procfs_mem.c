/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Access to the memory of another process: /proc/PID/mem, and pagemap, which
 * says of each page where it is.
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
 * Limits.  pagemap has no numbers of frames, as Linux without privileges, and
 * no soft-dirty bits.
 *
 * Locking.  Rights and hold are taken in one section of the proc lock, so the
 * ids are those of the process that has the memory.
 */
#include "kern/base/vkernel.h"
#include "kern/proctext/kern_procfs.h"
#include "vm/vmspace.h"

#include <errno.h>

#include "vfs/core/ctx.h"
#include "vfs/core/uio.h"

#define PAGEMAP_PIECE 256 /* pages at a time */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)
#define PAGEMAP_FILE (UINT64_C(1) << 61)

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
				   : kern_mem_read(vm, uio->iov->base, n,
					 uio->off, &done);
		uio_advance(uio, done);
	}
	if (uio->resid != start)
		return (0);
	return (error == EFAULT ? EIO : error);
}

/* The bits of Linux's words, without numbers of frames. */
static uint64_t
pagemap_word(uint8_t bits)
{
	uint64_t w = 0;

	if ((bits & VM_PAGES_PRESENT) != 0)
		w |= PAGEMAP_PRESENT;
	if ((bits & VM_PAGES_SWAPPED) != 0)
		w |= PAGEMAP_SWAPPED;
	if ((bits & VM_PAGES_SHARED) != 0)
		w |= PAGEMAP_FILE;
	return (w);
}

int
kern_procfs_pagemap_read(void *mem, struct uio *uio)
{
	uint64_t words[PAGEMAP_PIECE];
	uint8_t bits[PAGEMAP_PIECE];
	uint64_t page = uio->off / sizeof(*words);
	size_t n;
	int error;

	if (uio->off % sizeof(*words) != 0 || uio->resid % sizeof(*words) != 0)
		return (EINVAL);
	while (uio->resid > 0 && page < VM_MAX_ADDRESS / PAGE_SIZE) {
		n = uio->resid / sizeof(*words);
		if (n > PAGEMAP_PIECE)
			n = PAGEMAP_PIECE;
		if (n > VM_MAX_ADDRESS / PAGE_SIZE - page)
			n = VM_MAX_ADDRESS / PAGE_SIZE - page;
		error = vmspace_pages(mem, page * PAGE_SIZE, n, bits);
		if (error != 0) /* as on Linux, memory that has gone is empty */
			return (0);
		for (size_t i = 0; i < n; i++)
			words[i] = pagemap_word(bits[i]);
		uiomove(words, n * sizeof(*words), uio);
		page += n;
		if (lwp_self_killed())
			return (EINTR);
	}
	return (0);
}

void
kern_procfs_mem_close(void *mem)
{
	vmspace_drop(mem);
}
