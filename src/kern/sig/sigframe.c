/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * User signal frames and the 128-byte siginfo, exactly as Linux x86-64 lays
 * them out, so that unwinders, sanitisers and language run-times that look
 * inside find what they expect.
 *
 * A frame, from high to low addresses: 128 bytes of red zone (or the top of
 * the alternate stack), the extended state at a multiple of 64, then struct
 * rt_sigframe at a multiple of 16 minus 8, its first word the return address
 * (sa_restorer), as if the handler had been called.
 *
 * Everything read back by rt_sigreturn is hostile: flags are masked, rip must
 * be a user address, segment selectors are ignored (there is one set), the
 * extended state is copied once and bounded by the machine's own size; the
 * host checks its contents when it loads it.
 */
#include "kern/sig/ksignal.h"

#include "abi/sigframe.h"
#include "abi/signal.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "vm/vmspace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REDZONE 128
#define USER_TOP (UINT64_C(1) << 47)
#define RFLAGS_TF UINT64_C(0x100)
#define RFLAGS_DF UINT64_C(0x400)
#define RFLAGS_RF UINT64_C(0x10000)

/* ---- siginfo ---- */

enum ksiginfo_kind
ksiginfo_kind(int signo, int code)
{
	if (code <= 0 || code == LX_SI_KERNEL)
		return (code == LX_SI_TIMER ? KSIGINFO_TIMER : KSIGINFO_RT);
	switch (signo) {
	case LX_SIGCHLD:
		return (KSIGINFO_CHLD);
	case LX_SIGILL:
	case LX_SIGFPE:
	case LX_SIGSEGV:
	case LX_SIGBUS:
	case LX_SIGTRAP:
		return (KSIGINFO_FAULT);
	case LX_SIGSYS:
		return (KSIGINFO_SYS);
	default:
		return (code <= LX_NSIGPOLL ? KSIGINFO_POLL : KSIGINFO_RT);
	}
}

void
ksiginfo_encode(const struct ksiginfo *ki, uint8_t out[128])
{
	struct lx_siginfo si;

	memset(&si, 0, sizeof(si));
	si.signo = ki->signo;
	si.err = ki->err;
	si.code = ki->code;
	switch (ksiginfo_kind(ki->signo, ki->code)) {
	case KSIGINFO_RT:
		/* A fault with SI_KERNEL has no address. */
		if (ki->code == LX_SI_KERNEL && ki->forced)
			break;
		si.u.rt.pid = ki->pid;
		si.u.rt.uid = ki->uid;
		si.u.rt.value = ki->value;
		/* What a process has queued is kept as Linux keeps it: 48
		 * bytes. */
		si.u.chld.utime = (int64_t)ki->utime;
		si.u.chld.stime = (int64_t)ki->stime;
		break;
	case KSIGINFO_TIMER:
		si.u.timer.tid = ki->pid;
		si.u.timer.overrun = ki->status;
		si.u.timer.value = ki->value;
		break;
	case KSIGINFO_CHLD:
		si.u.chld.pid = ki->pid;
		si.u.chld.uid = ki->uid;
		si.u.chld.status = ki->status;
		si.u.chld.utime = (int64_t)ki->utime;
		si.u.chld.stime = (int64_t)ki->stime;
		break;
	case KSIGINFO_FAULT:
		si.u.fault.addr = ki->addr;
		break;
	case KSIGINFO_SYS:
		si.u.sys.addr = ki->addr;
		si.u.sys.syscall = ki->status;
		si.u.sys.arch = (uint32_t)ki->value;
		break;
	case KSIGINFO_POLL:
		si.u.poll.band = (int64_t)ki->value;
		si.u.poll.fd = ki->status;
		break;
	}
	memcpy(out, &si, sizeof(si));
}

int
ksiginfo_decode(const uint8_t in[128], struct ksiginfo *ki)
{
	struct ksiginfo k = {0};
	struct lx_siginfo si;

	memcpy(&si, in, sizeof(si));
	if (si.signo < 0 || si.signo > KNSIG)
		return (EINVAL);
	k.signo = si.signo;
	k.err = si.err;
	k.code = si.code;
	switch (ksiginfo_kind(si.signo, si.code)) {
	case KSIGINFO_RT:
		k.pid = si.u.rt.pid;
		k.uid = si.u.rt.uid;
		k.value = si.u.rt.value;
		k.utime = (uint64_t)si.u.chld.utime;
		k.stime = (uint64_t)si.u.chld.stime;
		break;
	case KSIGINFO_TIMER:
		k.pid = si.u.timer.tid;
		k.status = si.u.timer.overrun;
		k.value = si.u.timer.value;
		break;
	case KSIGINFO_CHLD:
		k.pid = si.u.chld.pid;
		k.uid = si.u.chld.uid;
		k.status = si.u.chld.status;
		k.utime = (uint64_t)si.u.chld.utime;
		k.stime = (uint64_t)si.u.chld.stime;
		break;
	case KSIGINFO_FAULT:
		k.addr = si.u.fault.addr;
		break;
	case KSIGINFO_SYS:
		k.addr = si.u.sys.addr;
		k.status = si.u.sys.syscall;
		k.value = si.u.sys.arch;
		break;
	case KSIGINFO_POLL:
		k.value = (uint64_t)si.u.poll.band;
		k.status = si.u.poll.fd;
		break;
	}
	*ki = k;
	return (0);
}

/* ---- push ---- */

static void
sigcontext_fill(struct lx_sigcontext *mc, const struct trapframe *tf,
    const struct ksiginfo *info, uint64_t mask, uint64_t fpstate)
{
	mc->r8 = tf->r8;
	mc->r9 = tf->r9;
	mc->r10 = tf->r10;
	mc->r11 = tf->r11;
	mc->r12 = tf->r12;
	mc->r13 = tf->r13;
	mc->r14 = tf->r14;
	mc->r15 = tf->r15;
	mc->rdi = tf->rdi;
	mc->rsi = tf->rsi;
	mc->rbp = tf->rbp;
	mc->rbx = tf->rbx;
	mc->rdx = tf->rdx;
	mc->rax = tf->rax;
	mc->rcx = tf->rcx;
	mc->rsp = tf->rsp;
	mc->rip = tf->rip;
	mc->rflags = tf->rflags;
	mc->cs = LX_USER_CS;
	mc->ss = LX_USER_DS;
	mc->err = info->errcode;
	mc->trapno = (uint64_t)info->trapno;
	mc->oldmask = mask;
	mc->cr2 = info->trapno == 14 ? info->addr : 0;
	mc->fpstate = fpstate;
}

/* Copy the extended state to the user stack below *sp, which becomes its
 * address; *fpstate 0 when the machine keeps none. */
static int
sigframe_push_xstate(struct lwp *l, uint64_t *sp, uint64_t *fpstate)
{
	size_t size = cpu_xstate_size(l->cpu);
	uint64_t va;
	void *buf;
	int error;

	if (size == 0) {
		*fpstate = 0;
		return (0);
	}
	buf = calloc(1, size);
	if (buf == NULL)
		return (EFAULT);
	va = (*sp - size) & ~UINT64_C(63);
	error = cpu_xstate_get(l->cpu, buf, size);
	if (error == 0)
		error = copyout(lwp_vmspace(l), buf, va, size);
	free(buf);
	if (error != 0)
		return (EFAULT);
	*sp = va;
	*fpstate = va;
	return (0);
}

int
ksig_altstack_state(const struct lwp *l, uint64_t rsp)
{
	const struct ksigaltstack *ss = &l->altstack;

	if (ss->size == 0 || (ss->flags & LX_SS_DISABLE) != 0)
		return (LX_SS_DISABLE);
	if ((ss->flags & LX_SS_AUTODISARM) != 0)
		return (0);
	return (rsp > ss->sp && rsp - ss->sp <= ss->size ? LX_SS_ONSTACK : 0);
}

int
ksig_set_altstack(struct lwp *l, const struct ksigaltstack *ss, uint64_t rsp)
{
	int mode = ss->flags & ~LX_SS_AUTODISARM;

	if (ksig_altstack_state(l, rsp) == LX_SS_ONSTACK)
		return (EPERM);
	if (mode != LX_SS_DISABLE && mode != LX_SS_ONSTACK && mode != 0)
		return (EINVAL);
	if (mode == LX_SS_DISABLE) {
		l->altstack = (struct ksigaltstack){.flags = ss->flags};
		return (0);
	}
	if (ss->size < LX_MINSIGSTKSZ)
		return (ENOMEM);
	if (ss->sp + ss->size < ss->sp)
		return (EINVAL);
	l->altstack = *ss;
	l->altstack.pad = 0;
	return (0);
}

int
sigframe_push(struct lwp *l, const struct lx_sigaction *sa,
    const struct ksiginfo *info, uint64_t mask)
{
	struct trapframe *tf = &l->cpu->tf;
	uint64_t sp = tf->rsp - REDZONE, fpstate, frame;
	bool onstack = ksig_altstack_state(l, tf->rsp) == LX_SS_ONSTACK;
	struct lx_rt_sigframe f;

	if ((sa->flags & LX_SA_ONSTACK) != 0 &&
	    ksig_altstack_state(l, tf->rsp) == 0) {
		sp = l->altstack.sp + l->altstack.size;
		onstack = true;
	}
	if (sp >= USER_TOP || sigframe_push_xstate(l, &sp, &fpstate) != 0)
		return (EFAULT);
	frame = ((sp - sizeof(f)) & ~UINT64_C(15)) - 8;
	/* A frame that does not fit the alternate stack is an error; nothing is
	 * written below it. */
	if (onstack && (frame < l->altstack.sp ||
			   frame - l->altstack.sp >= l->altstack.size))
		return (EFAULT);

	memset(&f, 0, sizeof(f));
	f.pretcode = sa->restorer;
	f.uc.flags = LX_UC_SIGCONTEXT_SS | LX_UC_STRICT_RESTORE_SS |
		     (fpstate != 0 ? LX_UC_FP_XSTATE : 0);
	f.uc.stack.sp = l->altstack.sp;
	f.uc.stack.flags = l->altstack.flags;
	f.uc.stack.size = l->altstack.size;
	f.uc.sigmask = mask;
	sigcontext_fill(&f.uc.mc, tf, info, mask, fpstate);
	ksiginfo_encode(info, (uint8_t *)&f.info);
	if (copyout(lwp_vmspace(l), &f, frame, sizeof(f)) != 0)
		return (EFAULT);

	if (l->altstack.flags & LX_SS_AUTODISARM) {
		memset(&l->altstack, 0, sizeof(l->altstack));
		l->altstack.flags = LX_SS_DISABLE;
	}
	cpu_xstate_reset(l->cpu);
	tf->rdi = (uint64_t)info->signo;
	tf->rsi = frame + offsetof(struct lx_rt_sigframe, info);
	tf->rdx = frame + offsetof(struct lx_rt_sigframe, uc);
	tf->rax = 0;
	tf->rsp = frame;
	tf->rip = sa->handler;
	tf->rflags &= ~(RFLAGS_TF | RFLAGS_DF | RFLAGS_RF);
	tf->orig_rax = UINT64_MAX;
	return (0);
}

/* ---- return ---- */

static int
sigframe_restore_xstate(struct lwp *l, uint64_t va)
{
	size_t max = cpu_xstate_size(l->cpu), size = LX_FXSAVE_SIZE;
	struct lx_fpx_sw_bytes sw;
	int error;
	void *buf;

	if (va == 0 || max == 0) {
		cpu_xstate_reset(l->cpu);
		return (0);
	}
	if (copyin(lwp_vmspace(l), &sw, va + LX_FPX_SW_OFFSET, sizeof(sw)))
		return (EFAULT);
	if (sw.magic1 == LX_FP_XSTATE_MAGIC1 && sw.extended_size > size)
		size = sw.extended_size;
	if (size > max)
		return (EFAULT);
	buf = malloc(size);
	if (buf == NULL)
		return (EFAULT);
	error = copyin(lwp_vmspace(l), buf, va, size);
	if (error == 0)
		error = cpu_xstate_set(l->cpu, buf, size);
	free(buf);
	return (error == 0 ? 0 : EFAULT);
}

static void
sigcontext_load(struct trapframe *tf, const struct lx_sigcontext *mc)
{
	tf->r8 = mc->r8;
	tf->r9 = mc->r9;
	tf->r10 = mc->r10;
	tf->r11 = mc->r11;
	tf->r12 = mc->r12;
	tf->r13 = mc->r13;
	tf->r14 = mc->r14;
	tf->r15 = mc->r15;
	tf->rdi = mc->rdi;
	tf->rsi = mc->rsi;
	tf->rbp = mc->rbp;
	tf->rbx = mc->rbx;
	tf->rdx = mc->rdx;
	tf->rax = mc->rax;
	tf->rcx = mc->rcx;
	tf->rsp = mc->rsp;
	tf->rip = mc->rip;
	tf->rflags = (mc->rflags & TF_RFLAGS_USER) | TF_RFLAGS_FIXED;
	tf->orig_rax = UINT64_MAX;
}

int
sigframe_return(struct lwp *l)
{
	struct trapframe *tf = &l->cpu->tf;
	struct ksigaltstack ss;
	struct lx_ucontext uc;

	/* The handler's return popped pretcode. */
	if (copyin(lwp_vmspace(l), &uc, tf->rsp, sizeof(uc)) != 0)
		return (EFAULT);
	if (uc.mc.rip >= USER_TOP)
		return (EFAULT);
	if (sigframe_restore_xstate(l, uc.mc.fpstate) != 0)
		return (EFAULT);
	sigcontext_load(tf, &uc.mc);
	kmutex_lock(&l->p->lock);
	ksig_setmask_locked(l, uc.sigmask);
	kmutex_unlock(&l->p->lock);
	ss = (struct ksigaltstack){
	    .sp = uc.stack.sp, .flags = uc.stack.flags, .size = uc.stack.size};
	/* As Linux: a stack that cannot be set again is left as it is. */
	(void)ksig_set_altstack(l, &ss, tf->rsp);
	return (0);
}
