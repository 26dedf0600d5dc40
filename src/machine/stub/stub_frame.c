/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: the signal frame of a parked stub thread.
 *
 * Concepts: a stub thread that has reported an event is in its signal handler.
 * The host kernel has written the thread's registers and extended state into a
 * signal frame on the context's stack.  This file finds and checks that frame,
 * copies registers between it and the trapframe, and turns a report into an
 * event of the cpu contract.
 *
 * Trust: guest code can write to the frame.  Every value is read once and
 * checked before it is used: the frame must lie in the context's stack, and
 * the extended state must have the size and the place that the host gave it in
 * the first frame of the machine.  Register contents need no check: they are
 * the guest's own data.
 *
 * Locking: the lwp's host thread makes all calls, while the context is parked.
 * sm->lock protects the extended state's template until it is set.
 */

#include "machine/stub/stub_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XSTATE_MAX 0x8000

/* x86: the vector of a page fault, and bits of its error code. */
#define TRAP_PAGE_FAULT 14
#define PF_WRITE 0x2
#define PF_FETCH 0x10

/* Kernel address of [addr, addr+len) in the context's stack, or NULL. */
static void *
ctx_stack_ptr(struct stub_cpu *sc, uint64_t addr, uint64_t len)
{
	uint64_t base = STUB_CTX_BASE + sc->idx * CTX_STRIDE;

	if (addr < base + CTX_STACK_OFF || addr >= base + CTX_STRIDE ||
	    len > base + CTX_STRIDE - addr || (addr & 7) != 0)
		return (NULL);
	return ((char *)sc->ctx + (addr - base));
}

uint8_t *
stub_frame_xstate(struct stub_cpu *sc)
{
	uint64_t at = *(volatile uint64_t *)&sc->frame->mc.fpstate;

	return (ctx_stack_ptr(sc, at, atomic_load(&sc->sm->xsize)));
}

/* Learn the size of the extended state and its content after exec from a frame
 * of the machine that no user code has touched. */
static int
learn_xstate(struct stub_cpu *sc)
{
	struct stub_machine *sm = sc->sm;
	struct lx_fpx_sw_bytes sw;
	uint32_t size;
	uint8_t *x;
	int error = 0;

	kmutex_lock(&sm->lock);
	if (atomic_load(&sm->xsize) != 0)
		goto out;
	error = EPROTO;
	x = ctx_stack_ptr(sc, sc->frame->mc.fpstate, LX_FXSAVE_SIZE);
	if (x == NULL)
		goto out;
	memcpy(&sw, x + LX_FPX_SW_OFFSET, sizeof(sw));
	size = sw.magic1 == LX_FP_XSTATE_MAGIC1 ? sw.extended_size
						: LX_FXSAVE_SIZE;
	if (size < LX_FXSAVE_SIZE || size > XSTATE_MAX ||
	    ctx_stack_ptr(sc, sc->frame->mc.fpstate, size) == NULL)
		goto out;
	sm->xtemplate = malloc(size);
	if (sm->xtemplate == NULL) {
		error = ENOMEM;
		goto out;
	}
	memcpy(sm->xtemplate, x, size);
	atomic_store(&sm->xsize, size);
	error = 0;
out:
	kmutex_unlock(&sm->lock);
	return (error);
}

int
stub_frame_locate(struct stub_cpu *sc)
{
	uint64_t uc = *(volatile uint64_t *)&sc->ctx->uc;

	sc->frame = ctx_stack_ptr(sc, uc, sizeof(struct lx_ucontext));
	if (sc->frame == NULL)
		return (stub_broken(sc));
	if (atomic_load(&sc->sm->xsize) == 0)
		return (learn_xstate(sc));
	return (stub_frame_xstate(sc) == NULL ? stub_broken(sc) : 0);
}

/* ---- registers ---- */

void
stub_frame_store(struct stub_cpu *sc)
{
	const struct trapframe *tf = &sc->ct->tf;
	struct lx_sigcontext *f = &sc->frame->mc;

	f->r8 = tf->r8, f->r9 = tf->r9, f->r10 = tf->r10, f->r11 = tf->r11;
	f->r12 = tf->r12, f->r13 = tf->r13, f->r14 = tf->r14;
	f->r15 = tf->r15, f->rdi = tf->rdi, f->rsi = tf->rsi;
	f->rbp = tf->rbp, f->rbx = tf->rbx, f->rdx = tf->rdx;
	f->rax = tf->rax, f->rcx = tf->rcx, f->rsp = tf->rsp;
	f->rip = tf->rip;
	f->rflags = (tf->rflags & TF_RFLAGS_USER) | TF_RFLAGS_FIXED;
	f->cs = LX_USER_CS;
	f->ss = LX_USER_DS;
	sc->frame->sigmask = 0;
	sc->ctx->set_bases = tf->fs_base != sc->ctx->fs_base ||
			     tf->gs_base != sc->ctx->gs_base || sc->bases_dirty;
	sc->ctx->fs_base = tf->fs_base;
	sc->ctx->gs_base = tf->gs_base;
	sc->bases_dirty = false;
}

void
stub_frame_load(struct stub_cpu *sc)
{
	struct trapframe *tf = &sc->ct->tf;
	const struct lx_sigcontext *f = &sc->frame->mc;

	tf->r8 = f->r8, tf->r9 = f->r9, tf->r10 = f->r10, tf->r11 = f->r11;
	tf->r12 = f->r12, tf->r13 = f->r13, tf->r14 = f->r14;
	tf->r15 = f->r15, tf->rdi = f->rdi, tf->rsi = f->rsi;
	tf->rbp = f->rbp, tf->rbx = f->rbx, tf->rdx = f->rdx;
	tf->rax = f->rax, tf->rcx = f->rcx, tf->rsp = f->rsp;
	tf->rip = f->rip;
	tf->rflags = (f->rflags & TF_RFLAGS_USER) | TF_RFLAGS_FIXED;
	/* Without FSGSBASE user code cannot change the bases: tf
	 * already has those that were loaded last. */
	if (sc->sm->fsgsbase) {
		tf->fs_base = sc->ctx->fs_base;
		tf->gs_base = sc->ctx->gs_base;
	}
	tf->orig_rax = UINT64_MAX;
}

void
stub_frame_xstate_load(struct stub_cpu *sc)
{
	uint8_t *x = stub_frame_xstate(sc);
	const uint8_t *from = sc->xbuf != NULL ? sc->xbuf : sc->sm->xtemplate;

	if (x == NULL || (sc->xbuf == NULL && !sc->xreset))
		return;
	memcpy(x, from, atomic_load(&sc->sm->xsize));
	free(sc->xbuf);
	sc->xbuf = NULL;
	sc->xreset = false;
}

void
stub_frame_decode(struct stub_cpu *sc, struct cpu_event *ev)
{
	struct stub_ctx *c = sc->ctx;
	uint32_t sig = sc->event;
	uint64_t err = sc->frame->mc.err, trapno = sc->frame->mc.trapno;
	int code = *(volatile int32_t *)&c->ev_code;

	memset(ev, 0, sizeof(*ev));
	ev->trapno = (int)trapno;
	ev->err = err;
	if (sig == STUB_SIG_INTERRUPT) {
		ev->type = CPU_EV_INTERRUPT;
		atomic_store(&sc->intr, 0);
		return;
	}
	if (sig == LX_SIGSYS && code == LX_SYS_SECCOMP &&
	    c->ev_arch == LX_AUDIT_ARCH_X86_64) {
		ev->type = CPU_EV_SYSCALL;
		sc->ct->tf.orig_rax = (uint32_t)c->ev_syscall;
		sc->ct->tf.rcx = sc->ct->tf.rip;
		sc->ct->tf.r11 = sc->ct->tf.rflags;
		return;
	}
	/* With SI_KERNEL, trapno is left over from an earlier fault. */
	if ((sig == LX_SIGSEGV || sig == LX_SIGBUS) &&
	    trapno == TRAP_PAGE_FAULT && code > 0 && code < LX_SI_KERNEL) {
		ev->type = CPU_EV_FAULT;
		ev->addr = sc->frame->mc.cr2;
		ev->access = err & PF_FETCH   ? VM_PROT_EXECUTE
			     : err & PF_WRITE ? VM_PROT_WRITE
					      : VM_PROT_READ;
		return;
	}
	ev->type = CPU_EV_EXCEPTION;
	if (sig != LX_SIGILL && sig != LX_SIGTRAP && sig != LX_SIGFPE &&
	    sig != LX_SIGBUS) {
		/* #GP, int $0x80 from 64-bit code, or an invented
		 * signal. */
		ev->signo = LX_SIGSEGV;
		ev->code = LX_SI_KERNEL;
		return;
	}
	ev->signo = (int)sig;
	ev->code = code;
	ev->addr = c->ev_addr;
}
