/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Registers of a stopped lwp, in the layouts that debuggers know.
 *
 * Concepts.  The general registers are those of the trapframe.  Segment
 * selectors are fixed, so that setting them to other values is an error.  The
 * extended state is kept in the XSAVE layout of a signal frame; ptrace(2) has
 * the same layout without the closing magic number, and with the features of
 * the processor where a frame has its software bytes.
 *
 * Trust.  What a tracer stores is hostile: flags are masked, bases are bounded,
 * the header of the extended state and MXCSR are checked here, and the host
 * checks all of it when it loads the state into the stub.
 *
 * Locking: the proc lock of the lwp is held and lwp.stop is not NULL, so its
 * own thread does not use the registers.
 *
 * Limits.  Debug registers are imitated (proc/lwp_watch.c); those that watch
 * reads are refused.
 */
#include "kern/ptrace/ptrace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/ptrace.h"
#include "abi/sigframe.h"
#include "abi/signal.h"
#include "kern/base/proc.h"
#include "libk/kassert.h"

#define USER_END (UINT64_C(1) << 47)
/* CF PF AF ZF SF TF DF OF NT RF AC */
#define RFLAGS_SETTABLE UINT64_C(0x54dd5)
#define MXCSR_OFFSET 24
#define MXCSR_MASK UINT32_C(0xffff)
#define XHEADER_SIZE 64
#define XSTATE_X87_SSE UINT64_C(3)

/* ---- general registers ---- */

void
trace_regs_get(const struct lwp *l, struct lx_user_regs *r)
{
	const struct trapframe *tf = &l->cpu->tf;

	*r = (struct lx_user_regs){
	    .r15 = tf->r15,
	    .r14 = tf->r14,
	    .r13 = tf->r13,
	    .r12 = tf->r12,
	    .rbp = tf->rbp,
	    .rbx = tf->rbx,
	    .r11 = tf->r11,
	    .r10 = tf->r10,
	    .r9 = tf->r9,
	    .r8 = tf->r8,
	    .rax = tf->rax,
	    .rcx = tf->rcx,
	    .rdx = tf->rdx,
	    .rsi = tf->rsi,
	    .rdi = tf->rdi,
	    .orig_rax = tf->orig_rax,
	    .rip = tf->rip,
	    .cs = LX_USER_CS,
	    .eflags = tf->rflags,
	    .rsp = tf->rsp,
	    .ss = LX_USER_DS,
	    .fs_base = tf->fs_base,
	    .gs_base = tf->gs_base,
	};
}

int
trace_regs_set(struct lwp *l, const struct lx_user_regs *r)
{
	struct trapframe *tf = &l->cpu->tf;

	if (r->cs != LX_USER_CS || r->ss != LX_USER_DS || r->ds != 0 ||
	    r->es != 0 || r->fs != 0 || r->gs != 0 || r->fs_base >= USER_END ||
	    r->gs_base >= USER_END)
		return (EIO);
	*tf = (struct trapframe){
	    .r15 = r->r15,
	    .r14 = r->r14,
	    .r13 = r->r13,
	    .r12 = r->r12,
	    .rbp = r->rbp,
	    .rbx = r->rbx,
	    .r11 = r->r11,
	    .r10 = r->r10,
	    .r9 = r->r9,
	    .r8 = r->r8,
	    .rax = r->rax,
	    .rcx = r->rcx,
	    .rdx = r->rdx,
	    .rsi = r->rsi,
	    .rdi = r->rdi,
	    .orig_rax = r->orig_rax,
	    .rip = r->rip,
	    .rflags =
		(tf->rflags & ~RFLAGS_SETTABLE) | (r->eflags & RFLAGS_SETTABLE),
	    .rsp = r->rsp,
	    .fs_base = r->fs_base,
	    .gs_base = r->gs_base,
	};
	return (0);
}

static int
debugreg_get(const struct lwp *l, unsigned n, uint64_t *val)
{
	const struct trace_watch *w = &l->traced->watch;

	if (n < TRACE_WATCHES)
		*val = w->addr[n];
	else if (n == 6)
		*val = w->dr6 | LX_DR6_RESERVED;
	else if (n == 7)
		*val = w->dr7;
	return (0);
}

static bool
dr7_valid(const struct trace_watch *w, uint64_t dr7)
{
	int type;

	for (int i = 0; i < TRACE_WATCHES; i++) {
		if (!trace_watch_enabled(dr7, i))
			continue;
		type = trace_watch_type(dr7, i);
		if ((type != LX_DR_TYPE_WRITE && type != LX_DR_TYPE_EXECUTE) ||
		    w->addr[i] % trace_watch_len(dr7, i) != 0)
			return (false);
	}
	return (true);
}

static int
debugreg_set(struct lwp *l, unsigned n, uint64_t val)
{
	struct trace_watch *w = &l->traced->watch;

	if (n < TRACE_WATCHES) {
		if (val >= USER_END)
			return (EINVAL);
		w->addr[n] = val;
	} else if (n == 6) {
		w->dr6 = val & ~LX_DR6_RESERVED;
	} else if (n == 7) {
		if (!dr7_valid(w, val))
			return (EINVAL);
		w->dr7 = val;
	} else {
		return (EIO);
	}
	return (0);
}

/* The number of the debug register at an offset of struct user; 8: none. */
static unsigned
debugreg_at(uint64_t off)
{
	if (off < LX_USER_DEBUGREG || off >= LX_USER_DEBUGREG + 8 * sizeof(off))
		return (8);
	return ((unsigned)((off - LX_USER_DEBUGREG) / sizeof(off)));
}

int
trace_user_get(const struct lwp *l, uint64_t off, uint64_t *val)
{
	struct lx_user_regs r;

	if (off % sizeof(*val) != 0 || off > LX_USER_SIZE - sizeof(*val))
		return (EIO);
	*val = 0;
	if (off < sizeof(r)) {
		trace_regs_get(l, &r);
		memcpy(val, (const char *)&r + off, sizeof(*val));
		return (0);
	}
	return (debugreg_get(l, debugreg_at(off), val));
}

int
trace_user_set(struct lwp *l, uint64_t off, uint64_t val)
{
	struct lx_user_regs r;

	if (off % sizeof(val) != 0 || off > LX_USER_SIZE - sizeof(val))
		return (EIO);
	if (off < sizeof(r)) {
		trace_regs_get(l, &r);
		memcpy((char *)&r + off, &val, sizeof(val));
		return (trace_regs_set(l, &r));
	}
	return (debugreg_set(l, debugreg_at(off), val));
}

/* ---- extended state ---- */

/* The state as a signal frame has it, of *size bytes.  The caller frees it. */
static int
xstate_load(struct lwp *l, uint8_t **out, size_t *size)
{
	uint8_t *buf;
	int error;

	*size = cpu_xstate_size(l->cpu);
	if (*size < LX_FXSAVE_SIZE)
		return (EINVAL);
	buf = malloc(*size);
	if (buf == NULL)
		return (ENOMEM);
	error = cpu_xstate_get(l->cpu, buf, *size);
	if (error != 0) {
		free(buf);
		return (error);
	}
	*out = buf;
	return (0);
}

/* The software bytes of a frame of `size` bytes.  They may come from the guest:
 * those that cannot be true count as absent. */
static void
xstate_sw(const uint8_t *frame, size_t size, struct lx_fpx_sw_bytes *sw)
{
	memcpy(sw, frame + LX_FPX_SW_OFFSET, sizeof(*sw));
	if (sw->magic1 != LX_FP_XSTATE_MAGIC1 ||
	    sw->xstate_size < LX_FXSAVE_SIZE || sw->xstate_size > size)
		*sw = (struct lx_fpx_sw_bytes){
		    .xstate_size = LX_FXSAVE_SIZE, .xfeatures = XSTATE_X87_SSE};
}

static bool
mxcsr_valid(const uint8_t *fx)
{
	uint32_t mxcsr;

	memcpy(&mxcsr, fx + MXCSR_OFFSET, sizeof(mxcsr));
	return ((mxcsr & ~MXCSR_MASK) == 0);
}

int
trace_fpregs_get(struct lwp *l, uint8_t buf[TRACE_FPREGS_SIZE])
{
	uint8_t *frame;
	size_t size;
	int error;

	_Static_assert(TRACE_FPREGS_SIZE == LX_FXSAVE_SIZE, "fxsave");
	error = xstate_load(l, &frame, &size);
	if (error != 0)
		return (error);
	memcpy(buf, frame, LX_FXSAVE_SIZE);
	memset(buf + LX_FPX_SW_OFFSET, 0, LX_FXSAVE_SIZE - LX_FPX_SW_OFFSET);
	free(frame);
	return (0);
}

int
trace_fpregs_set(struct lwp *l, const uint8_t buf[TRACE_FPREGS_SIZE])
{
	uint64_t present;
	uint8_t *frame;
	size_t size;
	int error;

	if (!mxcsr_valid(buf))
		return (EINVAL);
	error = xstate_load(l, &frame, &size);
	if (error != 0)
		return (error);
	memcpy(frame, buf, LX_FPX_SW_OFFSET);
	if (size >= LX_FXSAVE_SIZE + XHEADER_SIZE) {
		memcpy(&present, frame + LX_FXSAVE_SIZE, sizeof(present));
		present |= XSTATE_X87_SSE;
		memcpy(frame + LX_FXSAVE_SIZE, &present, sizeof(present));
	}
	error = cpu_xstate_set(l->cpu, frame, size);
	free(frame);
	return (error);
}

int
trace_xstate_get(struct lwp *l, uint8_t *buf, size_t *size)
{
	struct lx_fpx_sw_bytes sw;
	uint8_t *frame;
	size_t fsize;
	int error;

	error = xstate_load(l, &frame, &fsize);
	if (error != 0)
		return (error);
	xstate_sw(frame, fsize, &sw);
	if (sw.xstate_size > *size) {
		error = EINVAL;
	} else {
		*size = sw.xstate_size;
		memcpy(buf, frame, *size);
		memset(buf + LX_FPX_SW_OFFSET, 0, sizeof(sw));
		memcpy(buf + LX_FPX_SW_OFFSET, &sw.xfeatures,
		    sizeof(sw.xfeatures));
	}
	free(frame);
	return (error);
}

/* The header of an XSAVE image in standard format. */
static bool
xheader_valid(const uint8_t *buf, uint64_t features)
{
	uint64_t header[XHEADER_SIZE / sizeof(uint64_t)];

	memcpy(header, buf + LX_FXSAVE_SIZE, sizeof(header));
	for (size_t i = 1; i < XHEADER_SIZE / sizeof(uint64_t); i++)
		if (header[i] != 0)
			return (false);
	return ((header[0] & ~features) == 0);
}

int
trace_xstate_set(struct lwp *l, const uint8_t *buf, size_t size)
{
	struct lx_fpx_sw_bytes sw;
	uint8_t *frame;
	size_t fsize;
	int error;

	error = xstate_load(l, &frame, &fsize);
	if (error != 0)
		return (error);
	xstate_sw(frame, fsize, &sw);
	if (size != sw.xstate_size)
		error = EFAULT;
	else if (!mxcsr_valid(buf) || (size >= LX_FXSAVE_SIZE + XHEADER_SIZE &&
					  !xheader_valid(buf, sw.xfeatures)))
		error = EINVAL;
	if (error == 0) {
		memcpy(frame, buf, LX_FPX_SW_OFFSET);
		memcpy(frame + LX_FXSAVE_SIZE, buf + LX_FXSAVE_SIZE,
		    size - LX_FXSAVE_SIZE);
		error = cpu_xstate_set(l->cpu, frame, fsize);
	}
	free(frame);
	return (error);
}

/* ---- system calls ---- */

size_t
trace_syscall_info(const struct lwp *l, struct lx_ptrace_syscall_info *si)
{
	const struct trapframe *tf = &l->cpu->tf;
	int64_t rax = (int64_t)tf->rax;

	memset(si, 0, sizeof(*si));
	si->arch = LX_AUDIT_ARCH_X86_64;
	si->ip = tf->rip;
	si->sp = tf->rsp;
	switch (l->stop->op) {
	case TRACE_OP_ENTRY:
		si->op = LX_PTRACE_SYSCALL_INFO_ENTRY;
		si->u.entry.nr = tf->orig_rax;
		si->u.entry.args[0] = tf->rdi;
		si->u.entry.args[1] = tf->rsi;
		si->u.entry.args[2] = tf->rdx;
		si->u.entry.args[3] = tf->r10;
		si->u.entry.args[4] = tf->r8;
		si->u.entry.args[5] = tf->r9;
		return (offsetof(struct lx_ptrace_syscall_info, u) +
			sizeof(si->u.entry));
	case TRACE_OP_EXIT:
		si->op = LX_PTRACE_SYSCALL_INFO_EXIT;
		si->u.exit.rval = rax;
		si->u.exit.is_error = rax < 0 && rax >= -4095;
		return (
		    offsetof(struct lx_ptrace_syscall_info, u.exit.is_error) +
		    sizeof(si->u.exit.is_error));
	default:
		return (offsetof(struct lx_ptrace_syscall_info, u));
	}
}
