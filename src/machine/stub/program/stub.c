/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub program, permanent part: the code that shares an address space with
 * guest code.
 *
 * Concepts: every signal of a stub thread enters stub_handler(), on the
 * alternate stack inside the thread's context.  The host kernel has stored all
 * registers there.  The handler adds the segment bases and the reason, hands
 * over to the kernel process by the state word, and waits for a command.  A
 * command is a list of mapping operations, followed by either "resume" (return
 * to user code through rt_sigreturn) or "report".
 *
 * The code runs with all signals blocked.  It uses no memory except its
 * context, no thread-local storage (FS belongs to the guest) and no vector
 * registers.
 *
 * Guarantees: none to the kernel process, which does not trust this code,
 * because guest code may jump into it with any registers.  The seccomp filter
 * (zygote.c) limits the effects of that.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/futex.h"
#include "abi/mman.h"
#include "abi/prctl.h"
#include "abi/signal.h"
#include "abi/syscall.h"
#include "stub_abi.h"
#include "stub_sys.h"

#define USER __attribute__((section(".text.user")))

#pragma GCC visibility push(hidden)
long stub_sys_mmap(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
long stub_sys_mprotect(uint64_t, uint64_t, uint64_t);
long stub_sys_munmap(uint64_t, uint64_t);
long stub_sys_futex(void *, uint64_t, uint64_t, uint64_t);
long stub_sys_arch_prctl(uint64_t, uint64_t);
long stub_sys_thread(uint64_t flags, uint64_t stack);

void stub_handler(int sig, const void *info, void *uc);
#pragma GCC visibility pop

/* For the new thread, at the top of its stack.  stub_entry.S knows the layout.
 */
struct thread_start {
	struct lx_stack altstack;
	uint64_t sigmask;
};
_Static_assert(offsetof(struct thread_start, sigmask) == 24, "stub_entry.S");
_Static_assert(
    sizeof(struct thread_start) == CTX_STRIDE - THREAD_STACK_OFF, "stub_sys.h");

USER static inline uint64_t
rdfsbase(void)
{
	uint64_t v;

	__asm__ volatile("rdfsbase %0" : "=r"(v));
	return (v);
}

USER static inline uint64_t
rdgsbase(void)
{
	uint64_t v;

	__asm__ volatile("rdgsbase %0" : "=r"(v));
	return (v);
}

/* Without FSGSBASE user code cannot change its segment bases: the kernel
 * process knows them, and the host loads them. */
USER static void
set_bases(const struct stub_ctx *c)
{
	if (c->fsgsbase != 0) {
		__asm__ volatile("wrfsbase %0" ::"r"(c->fs_base));
		__asm__ volatile("wrgsbase %0" ::"r"(c->gs_base));
	} else {
		stub_sys_arch_prctl(LX_ARCH_SET_FS, c->fs_base);
		stub_sys_arch_prctl(LX_ARCH_SET_GS, c->gs_base);
	}
}

USER static long
op_thread(uint64_t index)
{
	uint64_t base = STUB_CTX_BASE + index * CTX_STRIDE;
	struct thread_start *ts;
	struct stub_ctx *nctx = (struct stub_ctx *)base;
	long tid;

	ts = (struct thread_start *)(base + THREAD_STACK_OFF);
	ts->altstack.sp = base + CTX_STACK_OFF;
	ts->altstack.flags = 0;
	ts->altstack.size = CTX_STACK_SIZE;
	ts->sigmask = 0;
	tid = stub_sys_thread(THREAD_FLAGS, (uint64_t)ts);
	if (tid > 0) {
		nctx->tid = (uint32_t)tid;
		return (0);
	}
	return (tid);
}

USER static long
op_run(const struct stub_op *op)
{
	if (op->op == OP_MAP)
		return (stub_sys_mmap(op->addr, op->len, op->prot & PROT_BITS,
		    MAP_SHARED_FIXED |
			(op->prot & OP_POPULATE ? LX_MAP_POPULATE : 0),
		    STUB_FD_ARENA, op->off));
	if (op->op == OP_UNMAP)
		return (stub_sys_munmap(op->addr, op->len));
	if (op->op == OP_PROTECT)
		return (
		    stub_sys_mprotect(op->addr, op->len, op->prot & PROT_BITS));
	if (op->op == OP_UNMAP_ALL)
		return (stub_sys_munmap(
		    STUB_GUEST_MIN, STUB_GUEST_END - STUB_GUEST_MIN));
	if (op->op == OP_THREAD)
		return (op_thread(op->off));
	if (op->op == OP_SYNC) {
		/* Refused by the host, because the length is 0. */
		stub_sys_munmap(STUB_GUEST_MIN, 0);
		return (0);
	}
	return (-EINVAL);
}

/* Carry out the list.  1; 0: an operation failed. */
USER static int
ops_run(struct stub_ctx *c)
{
	const struct stub_op *op =
	    (const struct stub_op *)((uint64_t)c + CTX_OPS_OFF);
	uint32_t n = c->nops;
	long r;

	c->nops = 0;
	for (uint32_t i = 0; i < n && i < CTX_NOPS; i++) {
		r = op_run(&op[i]);
		if (r < 0 && r >= -LX_MAX_ERRNO) {
			c->op_index = i;
			c->op_errno = (uint32_t)-r;
			return (0);
		}
	}
	return (1);
}

/* Report to the kernel process and wait for a command. */
USER static void
hand_over(struct stub_ctx *c)
{
	uint32_t spin = c->spin;

	atomic_store(&c->state, CTX_EVENT);
	if (atomic_load(&c->kernel_waits) != 0)
		stub_sys_futex(&c->state, LX_FUTEX_WAKE, 1, 0);
	while (
	    atomic_load_explicit(&c->state, memory_order_acquire) != CTX_CMD) {
		if (spin > 0) {
			spin--;
			__builtin_ia32_pause();
			continue;
		}
		atomic_store(&c->stub_waits, 1);
		if (atomic_load(&c->state) == CTX_EVENT)
			stub_sys_futex(&c->state, LX_FUTEX_WAIT, CTX_EVENT, 0);
		atomic_store(&c->stub_waits, 0);
	}
}

USER void
stub_handler(int sig, const void *info, void *uc)
{
	const struct lx_siginfo *si = info;
	struct stub_ctx *c;

	c = (struct stub_ctx *)((uint64_t)__builtin_frame_address(0) &
				~(CTX_STRIDE - 1));
	if (c->fsgsbase != 0) {
		c->fs_base = rdfsbase();
		c->gs_base = rdgsbase();
	}
	c->uc = (uint64_t)uc;
	c->event = (uint32_t)sig;
	c->ev_code = si->code;
	c->ev_addr = si->u.fault.addr;
	c->ev_syscall = si->u.sys.syscall;
	c->ev_arch = si->u.sys.arch;
	for (;;) {
		hand_over(c);
		if (!ops_run(c))
			c->event = EV_OPFAIL;
		else if (c->cmd == CMD_REPORT)
			c->event = EV_DONE;
		else
			break;
	}
	if (c->set_bases != 0)
		set_bases(c);
	atomic_store_explicit(&c->state, CTX_USER, memory_order_release);
}
