/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Entry points and system-call sites of the stub.
 *
 * The seccomp filter permits a system call only when the instruction pointer
 * after `syscall` is one of the site_* labels, and the number and the constant
 * arguments match that site.  Each permitted call therefore has one `syscall`
 * instruction of its own.
 */

#include "abi/syscall.h"

	.macro	SITE name, nr
	.globl	stub_sys_\name
	.type	stub_sys_\name, @function
stub_sys_\name:
	movq	%rcx, %r10
	movl	$\nr, %eax
	syscall
	.globl	site_\name
site_\name:
	ret
	.size	stub_sys_\name, . - stub_sys_\name
	.endm

	.section .text.user, "ax", @progbits

	SITE	mmap, LX_NR_MMAP
	SITE	mprotect, LX_NR_MPROTECT
	SITE	munmap, LX_NR_MUNMAP
	SITE	futex, LX_NR_FUTEX
	SITE	arch_prctl, LX_NR_ARCH_PRCTL

/* restorer: rsp points at the ucontext */
	.globl	stub_restorer
stub_restorer:
	movl	$LX_NR_RT_SIGRETURN, %eax
	syscall
	.globl	site_sigreturn
site_sigreturn:
	ud2

/*
 * int stub_sys_thread(flags rdi, stack top rsi): the new thread starts at
 * stub_thread_start on that stack with its context in the stack's window.
 */
	.globl	stub_sys_thread
stub_sys_thread:
	xorl	%edx, %edx
	xorl	%r10d, %r10d
	xorl	%r8d, %r8d
	movl	$LX_NR_CLONE, %eax
	syscall
	.globl	site_clone
site_clone:
	testl	%eax, %eax
	jz	1f
	ret
1:	/* new thread: sigaltstack from the record at the stack top */
	movq	%rsp, %rdi
	xorl	%esi, %esi
	movl	$LX_NR_SIGALTSTACK, %eax
	syscall
	.globl	site_sigaltstack
site_sigaltstack:
	/* The mask is inherited from the handler: all signals are blocked. */
	movl	$2, %edi		/* LX_SIG_SETMASK */
	leaq	24(%rsp), %rsi
	xorl	%edx, %edx
	movl	$8, %r10d		/* LX_SIGSET_SIZE */
	movl	$LX_NR_RT_SIGPROCMASK, %eax
	syscall
	.globl	site_sigprocmask
site_sigprocmask:
	jmp	stub_park

/*
 * The last steps of a new stub, without a stack: unmap the start-up stack (rdi,
 * rsi: its address and size) and the start-up code, then trap.
 */
	.globl	stub_finish
stub_finish:
	movl	$LX_NR_MUNMAP, %eax
	syscall
	.globl	site_finish1
site_finish1:
	movabsq	$0x7fff00100000, %rdi	/* STUB_INIT_BASE */
	movl	$0x10000, %esi		/* STUB_INIT_SIZE */
	movl	$LX_NR_MUNMAP, %eax
	syscall
	.globl	site_finish2
site_finish2:
	/* fall through */

/* Park the thread: a system call that is not permitted raises SIGSYS. */
stub_park:
	movl	$-1, %eax
	syscall
	jmp	stub_park

	.section .text.init, "ax", @progbits
	.globl	_start
_start:
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	andq	$-16, %rsp
	call	zygote_main
	ud2

	.globl	init_syscall
init_syscall:
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %r10
	movq	%r9, %r8
	movq	8(%rsp), %r9
	syscall
	ret

	.section .note.GNU-stack, "", @progbits
