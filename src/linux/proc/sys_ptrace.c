/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * ptrace(2): decoding of requests.
 *
 * What they do is in kern/ptrace.  Nothing is copied to or from user memory
 * while a tracee is locked: data goes through buffers of this file.  The
 * tracee's memory is used without its translations (vm_rwmem.c); a breakpoint
 * in read-only text becomes a private copy of the page.
 *
 * Limits.  No PTRACE_SYSEMU, PTRACE_SINGLEBLOCK and no filters: EIO.
 */
#include "linux/lib/sys_int.h"

#include <string.h>

#include "abi/ptrace.h"
#include "abi/uio.h"
#include "kern/ptrace/ptrace.h"
#include "mem/kmem.h"
#include "vm/access/vm_rwmem.h"

sys_fn sys_ptrace;

/* A request on the thread `tid`, with its arguments. */
struct request {
	struct lwp *l; /* the caller */
	int tid;
	uint64_t addr, data;
};
typedef int request_fn(const struct request *, int64_t *ret);

/* ---- memory ---- */

static int
req_peek(const struct request *r, int64_t *ret)
{
	struct vmspace *vm;
	uint64_t word;
	size_t done;
	int error;

	error = kern_ptrace_vmspace(r->l, r->tid, &vm);
	if (error != 0)
		return (error);
	error = kern_mem_read(vm, &word, sizeof(word), r->addr, &done);
	vmspace_drop(vm);
	if (error != 0)
		return (EIO);
	return (copyout(lwp_vmspace(r->l), &word, r->data, sizeof(word)));
}

static int
req_poke(const struct request *r, int64_t *ret)
{
	struct vmspace *vm;
	size_t done;
	int error;

	error = kern_ptrace_vmspace(r->l, r->tid, &vm);
	if (error != 0)
		return (error);
	error = vm_pwrite(
	    vm, &r->data, sizeof(r->data), r->addr, VM_FAULT_FORCE, &done);
	vmspace_drop(vm);
	return (error != 0 ? EIO : 0);
}

/* ---- registers ---- */

static int
req_peekuser(const struct request *r, int64_t *ret)
{
	struct lwp *t;
	uint64_t word;
	int error;

	error = kern_ptrace_lock(r->l, r->tid, true, &t);
	if (error != 0)
		return (error);
	error = trace_user_get(t, r->addr, &word);
	kern_ptrace_unlock(t);
	if (error != 0)
		return (error);
	return (copyout(lwp_vmspace(r->l), &word, r->data, sizeof(word)));
}

static int
req_pokeuser(const struct request *r, int64_t *ret)
{
	struct lwp *t;
	int error;

	error = kern_ptrace_lock(r->l, r->tid, true, &t);
	if (error != 0)
		return (error);
	error = trace_user_set(t, r->addr, r->data);
	kern_ptrace_unlock(t);
	return (error);
}

/* More than any XSAVE image has. */
#define XSTATE_LIMIT ((size_t)16 << 10)

/* Get a set of registers into `buf`, which has XSTATE_LIMIT bytes; *len: the
 * bytes that it has. */
static int
regset_get(struct lwp *t, uint64_t type, uint8_t *buf, size_t *len)
{
	switch (type) {
	case LX_NT_PRSTATUS:
		*len = sizeof(struct lx_user_regs);
		trace_regs_get(t, (struct lx_user_regs *)(void *)buf);
		return (0);
	case LX_NT_FPREGSET:
		*len = TRACE_FPREGS_SIZE;
		return (trace_fpregs_get(t, buf));
	case LX_NT_X86_XSTATE:
		*len = XSTATE_LIMIT;
		return (trace_xstate_get(t, buf, len));
	default:
		return (EINVAL);
	}
}

/* Set the first len bytes of a set of registers. */
static int
regset_set(struct lwp *t, uint64_t type, const uint8_t *buf, size_t len)
{
	uint8_t fp[TRACE_FPREGS_SIZE];
	struct lx_user_regs regs;
	int error;

	switch (type) {
	case LX_NT_PRSTATUS:
		trace_regs_get(t, &regs);
		memcpy(&regs, buf, len < sizeof(regs) ? len : sizeof(regs));
		return (trace_regs_set(t, &regs));
	case LX_NT_FPREGSET:
		error = trace_fpregs_get(t, fp);
		if (error != 0)
			return (error);
		memcpy(fp, buf, len < sizeof(fp) ? len : sizeof(fp));
		return (trace_fpregs_set(t, fp));
	case LX_NT_X86_XSTATE:
		return (trace_xstate_set(t, buf, len));
	default:
		return (EINVAL);
	}
}

/* Move a set of registers between the tracee and [base, base + *len) of the
 * caller; *len: the bytes that were moved. */
static int
regset_move(const struct request *r, uint64_t type, bool set, uint64_t base,
    uint64_t *len)
{
	const uint64_t max = *len < XSTATE_LIMIT ? *len : XSTATE_LIMIT;
	size_t have = max;
	uint8_t *buf;
	struct lwp *t;
	int error;

	buf = kmem_zalloc(XSTATE_LIMIT);
	if (buf == NULL)
		return (ENOMEM);
	error = set ? copyin(lwp_vmspace(r->l), buf, base, max) : 0;
	if (error != 0)
		goto out;
	error = kern_ptrace_lock(r->l, r->tid, true, &t);
	if (error != 0)
		goto out;
	error = set ? regset_set(t, type, buf, max)
		    : regset_get(t, type, buf, &have);
	kern_ptrace_unlock(t);
	if (have > max)
		have = max;
	if (error == 0 && !set)
		error = copyout(lwp_vmspace(r->l), buf, base, have);
	*len = have;
out:
	kmem_free(buf);
	return (error);
}

/* PTRACE_GETREGS and the like: all of one set. */
static int
regset_whole(const struct request *r, uint64_t type, bool set)
{
	uint64_t len = type == LX_NT_PRSTATUS ? sizeof(struct lx_user_regs)
					      : TRACE_FPREGS_SIZE;

	return (regset_move(r, type, set, r->data, &len));
}

static int
req_getregs(const struct request *r, int64_t *ret)
{
	return (regset_whole(r, LX_NT_PRSTATUS, false));
}

static int
req_setregs(const struct request *r, int64_t *ret)
{
	return (regset_whole(r, LX_NT_PRSTATUS, true));
}

static int
req_getfpregs(const struct request *r, int64_t *ret)
{
	return (regset_whole(r, LX_NT_FPREGSET, false));
}

static int
req_setfpregs(const struct request *r, int64_t *ret)
{
	return (regset_whole(r, LX_NT_FPREGSET, true));
}

static int
regset_iov(const struct request *r, bool set)
{
	struct lx_iovec iov;
	int error;

	if (copyin(lwp_vmspace(r->l), &iov, r->data, sizeof(iov)) != 0)
		return (EFAULT);
	if (iov.len % sizeof(uint64_t) != 0)
		return (EINVAL);
	error = regset_move(r, r->addr, set, iov.base, &iov.len);
	if (error != 0)
		return (error);
	return (copyout(lwp_vmspace(r->l), &iov, r->data, sizeof(iov)));
}

static int
req_getregset(const struct request *r, int64_t *ret)
{
	return (regset_iov(r, false));
}

static int
req_setregset(const struct request *r, int64_t *ret)
{
	return (regset_iov(r, true));
}

/* ---- signals and events ---- */

static int
req_getsiginfo(const struct request *r, int64_t *ret)
{
	uint8_t abi[sizeof(struct lx_siginfo)];
	struct lwp *t;
	int error;

	error = kern_ptrace_lock(r->l, r->tid, true, &t);
	if (error != 0)
		return (error);
	if (t->stop->has_info)
		ksiginfo_encode(&t->stop->info, abi);
	else
		error = EINVAL;
	kern_ptrace_unlock(t);
	if (error != 0)
		return (error);
	return (copyout(lwp_vmspace(r->l), abi, r->data, sizeof(abi)));
}

static int
req_setsiginfo(const struct request *r, int64_t *ret)
{
	uint8_t abi[sizeof(struct lx_siginfo)];
	struct ksiginfo info;
	struct lwp *t;
	int error;

	if (copyin(lwp_vmspace(r->l), abi, r->data, sizeof(abi)) != 0)
		return (EFAULT);
	error = ksiginfo_decode(abi, &info);
	if (error != 0)
		return (error);
	error = kern_ptrace_lock(r->l, r->tid, true, &t);
	if (error != 0)
		return (error);
	if (t->stop->has_info)
		t->stop->info = info;
	else
		error = EINVAL;
	kern_ptrace_unlock(t);
	return (error);
}

static int
req_getsigmask(const struct request *r, int64_t *ret)
{
	struct lwp *t;
	uint64_t mask;
	int error;

	if (r->addr != LX_SIGSET_SIZE)
		return (EINVAL);
	error = kern_ptrace_lock(r->l, r->tid, true, &t);
	if (error != 0)
		return (error);
	mask = t->sigmask_restore ? t->sigmask_saved : t->sigmask;
	kern_ptrace_unlock(t);
	return (copyout(lwp_vmspace(r->l), &mask, r->data, sizeof(mask)));
}

static int
req_setsigmask(const struct request *r, int64_t *ret)
{
	struct lwp *t;
	uint64_t mask;
	int error;

	if (r->addr != LX_SIGSET_SIZE)
		return (EINVAL);
	if (copyin(lwp_vmspace(r->l), &mask, r->data, sizeof(mask)) != 0)
		return (EFAULT);
	error = kern_ptrace_lock(r->l, r->tid, true, &t);
	if (error != 0)
		return (error);
	t->sigmask_restore = false;
	ksig_setmask_locked(t, mask);
	kern_ptrace_unlock(t);
	return (0);
}

/* Signal number n of the queue of the tracee. */
static int
peek_one(const struct request *r, bool shared, uint64_t n, uint8_t *abi)
{
	const struct sigpending *sp;
	const struct ksigq *q;
	struct lwp *t;
	int error;

	error = kern_ptrace_lock(r->l, r->tid, true, &t);
	if (error != 0)
		return (error);
	sp = shared ? &t->p->sigpend : &t->sigpend;
	TAILQ_FOREACH (q, &sp->queue, link)
		if (n-- == 0)
			break;
	if (q != NULL)
		ksiginfo_encode(&q->info, abi);
	kern_ptrace_unlock(t);
	return (q != NULL ? 0 : ENOENT);
}

static int
req_peeksiginfo(const struct request *r, int64_t *ret)
{
	struct lx_peeksiginfo_args a;
	uint8_t abi[sizeof(struct lx_siginfo)];
	uint64_t to = r->data;
	int error = 0, n;

	if (copyin(lwp_vmspace(r->l), &a, r->addr, sizeof(a)) != 0)
		return (EFAULT);
	if ((a.flags & ~(uint32_t)LX_PTRACE_PEEKSIGINFO_SHARED) != 0 ||
	    a.nr < 0)
		return (EINVAL);
	for (n = 0; n < a.nr && !lwp_killed(r->l); n++) {
		error = peek_one(r, a.flags != 0, a.off + (uint64_t)n, abi);
		if (error == 0)
			error =
			    copyout(lwp_vmspace(r->l), abi, to, sizeof(abi));
		if (error != 0)
			break;
		to += sizeof(abi);
	}
	*ret = n;
	return (n > 0 || error == ENOENT ? 0 : error);
}

static int
req_geteventmsg(const struct request *r, int64_t *ret)
{
	struct lwp *t;
	uint64_t msg;
	int error;

	error = kern_ptrace_lock(r->l, r->tid, true, &t);
	if (error != 0)
		return (error);
	msg = t->traced->message;
	kern_ptrace_unlock(t);
	return (copyout(lwp_vmspace(r->l), &msg, r->data, sizeof(msg)));
}

static int
req_syscall_info(const struct request *r, int64_t *ret)
{
	struct lx_ptrace_syscall_info si;
	struct lwp *t;
	size_t size;
	int error;

	error = kern_ptrace_lock(r->l, r->tid, true, &t);
	if (error != 0)
		return (error);
	size = trace_syscall_info(t, &si);
	kern_ptrace_unlock(t);
	*ret = (int64_t)size;
	return (copyout(
	    lwp_vmspace(r->l), &si, r->data, size < r->addr ? size : r->addr));
}

/* ---- attaching and going on ---- */

static int
req_traceme(const struct request *r, int64_t *ret)
{
	return (kern_ptrace_traceme(r->l));
}

static int
req_attach(const struct request *r, int64_t *ret)
{
	return (kern_ptrace_attach(r->l, r->tid, false, 0));
}

static int
req_seize(const struct request *r, int64_t *ret)
{
	if (r->addr != 0)
		return (EIO);
	return (kern_ptrace_attach(r->l, r->tid, true, r->data));
}

static int
req_setoptions(const struct request *r, int64_t *ret)
{
	return (kern_ptrace_set_options(r->l, r->tid, r->data));
}

static int
req_cont(const struct request *r, int64_t *ret)
{
	return (kern_ptrace_resume(r->l, r->tid, TRACE_CONT, r->data));
}

static int
req_syscall(const struct request *r, int64_t *ret)
{
	return (kern_ptrace_resume(r->l, r->tid, TRACE_SYSCALL, r->data));
}

static int
req_step(const struct request *r, int64_t *ret)
{
	return (kern_ptrace_resume(r->l, r->tid, TRACE_STEP, r->data));
}

static int
req_detach(const struct request *r, int64_t *ret)
{
	return (kern_ptrace_detach(r->l, r->tid, r->data));
}

static int
req_kill(const struct request *r, int64_t *ret)
{
	return (kern_ptrace_kill(r->l, r->tid));
}

static int
req_interrupt(const struct request *r, int64_t *ret)
{
	return (kern_ptrace_interrupt(r->l, r->tid));
}

static int
req_listen(const struct request *r, int64_t *ret)
{
	return (kern_ptrace_listen(r->l, r->tid));
}

static const struct {
	uint64_t nr;
	request_fn *fn;
} requests[] = {
    {LX_PTRACE_TRACEME, req_traceme},
    {LX_PTRACE_PEEKTEXT, req_peek},
    {LX_PTRACE_PEEKDATA, req_peek},
    {LX_PTRACE_PEEKUSER, req_peekuser},
    {LX_PTRACE_POKETEXT, req_poke},
    {LX_PTRACE_POKEDATA, req_poke},
    {LX_PTRACE_POKEUSER, req_pokeuser},
    {LX_PTRACE_CONT, req_cont},
    {LX_PTRACE_KILL, req_kill},
    {LX_PTRACE_SINGLESTEP, req_step},
    {LX_PTRACE_GETREGS, req_getregs},
    {LX_PTRACE_SETREGS, req_setregs},
    {LX_PTRACE_GETFPREGS, req_getfpregs},
    {LX_PTRACE_SETFPREGS, req_setfpregs},
    {LX_PTRACE_ATTACH, req_attach},
    {LX_PTRACE_DETACH, req_detach},
    {LX_PTRACE_SYSCALL, req_syscall},
    {LX_PTRACE_SETOPTIONS, req_setoptions},
    {LX_PTRACE_GETEVENTMSG, req_geteventmsg},
    {LX_PTRACE_GETSIGINFO, req_getsiginfo},
    {LX_PTRACE_SETSIGINFO, req_setsiginfo},
    {LX_PTRACE_GETREGSET, req_getregset},
    {LX_PTRACE_SETREGSET, req_setregset},
    {LX_PTRACE_SEIZE, req_seize},
    {LX_PTRACE_INTERRUPT, req_interrupt},
    {LX_PTRACE_LISTEN, req_listen},
    {LX_PTRACE_PEEKSIGINFO, req_peeksiginfo},
    {LX_PTRACE_GETSIGMASK, req_getsigmask},
    {LX_PTRACE_SETSIGMASK, req_setsigmask},
    {LX_PTRACE_GET_SYSCALL_INFO, req_syscall_info},
};

int
sys_ptrace(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const struct request r = {
	    .l = l, .tid = (int)a[1], .addr = a[2], .data = a[3]};
	struct lwp *t;
	int error;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		if (requests[i].nr == a[0])
			return (requests[i].fn(&r, ret));
	/* A request that there is none of is refused for a tracee only. */
	error = kern_ptrace_lock(l, r.tid, true, &t);
	if (error != 0)
		return (error);
	kern_ptrace_unlock(t);
	return (EIO);
}
