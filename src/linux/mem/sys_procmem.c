/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on the memory of another process: process_vm_readv,
 * process_vm_writev and process_madvise.
 *
 * Bytes are moved directly between the caller's pinned pages and the pages of
 * the other process, without a buffer.  The other vmspace is only held
 * (vm_rwmem.c), so that the process can exit during the call.  Its page
 * protections apply, unlike in /proc/PID/mem.
 */
#include "linux/file/sys_uio.h"

#include <errno.h>

#include "abi/mman.h"
#include "abi/uio.h"
#include "kern/base/access.h"
#include "kern/proctext/kern_procfs.h"
#include "linux/mem/sys_mem.h"
#include "linux/proc/sys_pidfd.h"
#include "mem/kmem.h"

sys_fn sys_process_vm_readv, sys_process_vm_writev, sys_process_madvise;

#define MOVE_MAX ((size_t)VM_IOV_MAX * PAGE_SIZE)

struct remote {
	struct vmspace *vm;
	const struct lx_iovec *iov;
	int n, i;
	uint64_t skip;
	bool write;
};

/* Move up to n bytes at buf and advance the position in the other process.
 * *done: the bytes that were moved; fewer than n without an error means the end
 * of the list. */
static int
remote_move(struct remote *r, char *buf, size_t n, size_t *done)
{
	uint64_t at, len;
	size_t moved;
	int error = 0;

	*done = 0;
	while (error == 0 && *done < n && r->i < r->n) {
		len = r->iov[r->i].len - r->skip;
		if (len == 0) {
			r->i++;
			r->skip = 0;
			continue;
		}
		if (len > n - *done)
			len = n - *done;
		/* Nothing is mapped at the last addresses, so that no sum wraps
		 * without an error. */
		at = r->iov[r->i].base + r->skip;
		error = r->write ? vm_pwrite(r->vm, buf + *done, len, at,
				       VM_FAULT_ASKED, &moved)
				 : vm_pread(r->vm, buf + *done, len, at,
				       VM_FAULT_ASKED, &moved);
		*done += moved;
		r->skip += moved;
	}
	return (error);
}

/* Move pinned pages of the caller.  *done: also the bytes that were moved
 * before an error; fewer than v->len without one: the list of the other process
 * has ended. */
static int
move_pinned(struct remote *r, struct vm_iov *v, size_t *done)
{
	int error = 0;
	size_t got;

	*done = 0;
	for (int i = 0; i < v->niov; i++) {
		error = remote_move(r, v->iov[i].base, v->iov[i].len, &got);
		*done += got;
		if (error != 0 || got < v->iov[i].len)
			break;
	}
	if (!r->write)
		vm_iov_commit(v, *done);
	return (error);
}

/* Move until one of the lists ends or an error occurs. */
static int
move_all(struct lwp *l, struct sys_io_cursor *local, struct remote *r,
    int64_t *total)
{
	struct vm_iov v;
	size_t done;
	bool more;
	int error;

	do {
		done = 0;
		error = sys_io_pin(l, local, MOVE_MAX,
		    r->write ? VM_PROT_READ : VM_PROT_WRITE, &v);
		if (error == 0)
			error = move_pinned(r, &v, &done);
		more = error == 0 && v.len != 0 && done == v.len;
		vm_iov_release(&v);
		*total += (int64_t)done;
	} while (more && !lwp_killed(l));
	return (*total > 0 ? 0 : error);
}

int
sys_look_at(struct lwp *l, int pid, struct vmspace **out)
{
	const struct proc_caller caller = proc_caller_real(l);
	struct proc *p = proc_find_hold(l->p->k, pid);
	struct vmspace *vm = NULL;
	int error;

	if (p == NULL)
		return (ESRCH);
	error = proc_look(p, &caller, &vm);
	proc_drop(p);
	if (error != 0)
		return (error);
	if (vm == NULL)
		return (ESRCH);
	*out = vm;
	return (0);
}

static int
process_vm(struct lwp *l, const uint64_t *a, bool write, int64_t *ret)
{
	struct lx_iovec *local, *other;
	struct sys_io_cursor cur = {0};
	struct remote r = {.write = write};
	int error;

	if (a[5] != 0)
		return (EINVAL);
	error = sys_copyin_iov(l, a[1], a[2], &local, &cur.n);
	if (error != 0)
		return (error);
	error = sys_copyin_iov_other(l, a[3], a[4], &other, &r.n);
	if (error != 0)
		goto out_local;
	/* With nothing to move no process is looked for. */
	if (sys_iov_total(local, cur.n) == 0)
		goto out_other;
	error = sys_look_at(l, (int)a[0], &r.vm);
	if (error != 0)
		goto out_other;
	cur.iov = local;
	r.iov = other;
	*ret = 0;
	error = move_all(l, &cur, &r, ret);
	vmspace_drop(r.vm);
out_other:
	kmem_free(other);
out_local:
	kmem_free(local);
	return (error);
}

int
sys_process_vm_readv(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (process_vm(l, a, false, ret));
}

int
sys_process_vm_writev(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (process_vm(l, a, true, ret));
}

/* ---- advice ---- */

/* May the memory of p be advised by the caller, of which only advice that keeps
 * its contents is taken?  EPERM, ESRCH, EINVAL. */
static int
advice_allowed(struct lwp *l, struct proc *p, int advice)
{
	struct proc_caller caller = proc_caller_real(l);
	int error;

	if (p == l->p)
		return (0);
	error = proc_may_access(p, &caller);
	if (error != 0)
		return (error);
	if (advice != LX_MADV_COLD && advice != LX_MADV_PAGEOUT &&
	    advice != LX_MADV_WILLNEED)
		return (EINVAL);
	return (caller.capable ? 0 : EPERM);
}

/* Advise the ranges, until one fails.  The result is the number of bytes before
 * it, or its error if that is 0. */
static int
advise_ranges(struct lwp *l, struct vmspace *vm, const struct lx_iovec *iov,
    int n, int advice, int64_t *ret)
{
	uint64_t done = 0;
	int error = 0;

	for (int i = 0; i < n && !lwp_killed(l); i++) {
		error = sys_madvise_range(vm, iov[i].base, iov[i].len, advice);
		if (error != 0)
			break;
		done += iov[i].len;
	}
	*ret = (int64_t)done;
	return (done > 0 ? 0 : error);
}

int
sys_process_madvise(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const int advice = (int)a[3];
	struct vmspace *vm = NULL;
	struct lx_iovec *iov;
	struct proc *p;
	bool nonblock;
	int error, n;

	if ((uint32_t)a[4] != 0)
		return (EINVAL);
	error = sys_copyin_iov(l, a[1], a[2], &iov, &n);
	if (error != 0)
		return (error);
	error = sys_pidfd_proc(l, (int)a[0], &p, &nonblock);
	if (error != 0)
		goto out;
	vm = proc_vmspace_hold(p);
	if (vm == NULL) { /* a zombie, which has no memory */
		error = ESRCH;
		goto drop;
	}
	error = advice_allowed(l, p, advice);
	if (error == 0)
		error = advise_ranges(l, vm, iov, n, advice, ret);
	vmspace_drop(vm);
drop:
	proc_drop(p);
out:
	kmem_free(iov);
	return (error);
}
