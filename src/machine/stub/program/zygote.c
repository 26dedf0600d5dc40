/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub program, start-up part: the zygote.
 *
 * Purpose: to make stubs cheaply.  The kernel process executes the stub image
 * once.  That process, the zygote, prepares what all stubs share (the vdso at
 * its fixed address, signal handlers, the seccomp filter) and then forks a stub
 * for each order.  Its address space is almost empty, so that the cost of a
 * fork does not depend on the size of the kernel process.  CLONE_PARENT makes
 * each stub a child of the kernel process, which can then reap it.
 *
 * Concepts: the zygote finds its own stack, vvar and vdso: execve() has left
 * the addresses of stack and vdso on the stack, and the host says page by page
 * what is mapped.  No procfs is needed, which a confined kernel process cannot
 * reach.
 *
 * The filter is installed once and inherited.  It permits every
 * system call from the init text.  A stub unmaps the init text (stub_finish)
 * before it runs user code, and nothing can be mapped there again, because the
 * only permitted mmap is below STUB_GUEST_END.  The start-up rights are thus
 * lost together with the code that used them.
 *
 * The filter permits these calls, each at one instruction only:
 *   mmap        shared, fixed, of the arena descriptor, below the stub
 *   mprotect    below the stub
 *   munmap      below the stub; the init text and start-up stack
 *   futex       WAIT and WAKE, words in stub memory
 *   arch_prctl  SET_FS and SET_GS, on hosts without FSGSBASE
 *   rt_sigreturn, rt_sigprocmask, sigaltstack, clone of a thread of this stub
 * Every other system call raises SIGSYS: it is a system call of the guest.
 */

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/auxv.h"
#include "abi/futex.h"
#include "abi/mman.h"
#include "abi/prctl.h"
#include "abi/sched.h"
#include "abi/signal.h"
#include "abi/socket.h"
#include "abi/syscall.h"
#include "stub_abi.h"
#include "stub_sys.h"

#define PAGE 4096UL
#define STACK_MAX (64UL << 20)
#define VDSO_MAX (1UL << 20) /* of vvar, and of vdso */
#define PROT_RW ((long)(LX_PROT_READ | LX_PROT_WRITE))

#define INIT __attribute__((section(".text.init")))

#pragma GCC visibility push(hidden)
extern const char site_mmap[], site_mprotect[], site_munmap[], site_futex[],
    site_sigaltstack[], site_sigprocmask[], site_sigreturn[], site_clone[],
    site_arch_prctl[], site_finish1[], site_finish2[], stub_restorer[];
void stub_handler(int sig, const void *info, void *uc);
_Noreturn void stub_finish(uint64_t stack, uint64_t size);
long init_syscall(long nr, ...);
_Noreturn void zygote_main(const uint64_t *sp);
#pragma GCC visibility pop

#define FILTER_MAX 320
struct builder {
	struct sock_filter f[FILTER_MAX];
	unsigned n;
};

INIT static void
emit(struct builder *b, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	if (b->n == FILTER_MAX)
		init_syscall(LX_NR_EXIT_GROUP, 70L);
	b->f[b->n].code = code;
	b->f[b->n].jt = jt;
	b->f[b->n].jf = jf;
	b->f[b->n++].k = k;
}

INIT static void
emit_load(struct builder *b, uint32_t off)
{
	emit(b, BPF_LD | BPF_W | BPF_ABS, off, 0, 0);
}

/* Continue if A == k, otherwise trap. */
INIT static void
require_eq(struct builder *b, uint32_t k)
{
	emit(b, BPF_JMP | BPF_JEQ | BPF_K, k, 1, 0);
	emit(b, BPF_RET | BPF_K, SECCOMP_RET_TRAP, 0, 0);
}

/* Continue if A < k, otherwise trap. */
INIT static void
require_lt(struct builder *b, uint32_t k)
{
	emit(b, BPF_JMP | BPF_JGE | BPF_K, k, 0, 1);
	emit(b, BPF_RET | BPF_K, SECCOMP_RET_TRAP, 0, 0);
}

/* Continue if A >= k, otherwise trap. */
INIT static void
require_ge(struct builder *b, uint32_t k)
{
	emit(b, BPF_JMP | BPF_JGE | BPF_K, k, 1, 0);
	emit(b, BPF_RET | BPF_K, SECCOMP_RET_TRAP, 0, 0);
}

#define ARG_LO(n) (offsetof(struct seccomp_data, args) + 8u * (n))
#define ARG_HI(n) (ARG_LO(n) + 4u)

/* Continue if the argument is `value`. */
INIT static void
require_arg(struct builder *b, unsigned arg, uint64_t value)
{
	emit_load(b, ARG_HI(arg));
	require_eq(b, (uint32_t)(value >> 32));
	emit_load(b, ARG_LO(arg));
	require_eq(b, (uint32_t)value);
}

/* Continue if the argument is below `end`, which is at most 4 GiB. */
INIT static void
require_arg_lt(struct builder *b, unsigned arg, uint32_t end)
{
	emit_load(b, ARG_HI(arg));
	require_eq(b, 0);
	emit_load(b, ARG_LO(arg));
	require_lt(b, end);
}

/* Continue if the argument is an address in the contexts of the stub. */
INIT static void
require_context(struct builder *b, unsigned arg)
{
	emit_load(b, ARG_HI(arg));
	require_eq(b, STUB_HI);
	emit_load(b, ARG_LO(arg));
	require_ge(b, (uint32_t)STUB_CTX_BASE);
	require_lt(b, (uint32_t)(STUB_CTX_BASE + CTX_SLOT_SIZE));
}

/* Start the rules of one site.  Returns the index of the jump to patch. */
INIT static unsigned
site_begin(struct builder *b, const char *site, uint32_t nr)
{
	unsigned at;

	emit_load(b, offsetof(struct seccomp_data, instruction_pointer));
	at = b->n;
	emit(b, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(uint64_t)site, 0, 0);
	emit_load(b, offsetof(struct seccomp_data, nr));
	require_eq(b, nr);
	return (at);
}

/* What passed the rules is permitted; with `ask`, the kernel process decides.
 */
INIT static void
site_end(struct builder *b, unsigned at, uint32_t ask)
{
	emit(b, BPF_RET | BPF_K,
	    ask != 0 ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW, 0, 0);
	if (b->n - at - 1 > UINT8_MAX)
		init_syscall(LX_NR_EXIT_GROUP, 70L);
	b->f[at].jf = (uint8_t)(b->n - at - 1);
}

/* Address of guest memory, length below 4 GiB. */
INIT static void
require_guest_range(struct builder *b)
{
	emit_load(b, ARG_HI(0));
	require_lt(b, STUB_GUEST_HI);
	emit(b, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
	emit_load(b, ARG_LO(0));
	require_ge(b, (uint32_t)STUB_GUEST_MIN);
	emit_load(b, ARG_HI(1));
	require_eq(b, 0);
}

INIT static void
rules_mapping(struct builder *b, uint32_t ask)
{
	unsigned at, small;

	at = site_begin(b, site_mmap, LX_NR_MMAP);
	require_guest_range(b);
	require_arg_lt(b, 2, PROT_BITS + 1);
	emit_load(b, ARG_HI(3));
	require_eq(b, 0);
	emit_load(b, ARG_LO(3));
	emit(b, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)LX_MAP_POPULATE, 0, 0);
	require_eq(b, MAP_SHARED_FIXED);
	require_arg(b, 4, STUB_FD_ARENA);
	/* No offset beyond 128 TiB, and none that wraps. */
	emit_load(b, ARG_HI(5));
	require_lt(b, STUB_HI);
	site_end(b, at, ask);

	at = site_begin(b, site_mprotect, LX_NR_MPROTECT);
	require_guest_range(b);
	require_arg_lt(b, 2, PROT_BITS + 1);
	site_end(b, at, ask);

	/* All of the guest range, by its two constants... */
	at = site_begin(b, site_munmap, LX_NR_MUNMAP);
	emit_load(b, ARG_HI(1));
	small = b->n;
	emit(b, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0);
	require_arg(b, 1, STUB_GUEST_END - STUB_GUEST_MIN);
	require_arg(b, 0, STUB_GUEST_MIN);
	emit(b, BPF_RET | BPF_K,
	    ask != 0 ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW, 0, 0);
	b->f[small].jt = (uint8_t)(b->n - small - 1);
	/* ...or a range of less than 4 GiB. */
	require_guest_range(b);
	site_end(b, at, ask);
}

/* clone, and the first calls of the new thread. */
INIT static void
rules_thread(struct builder *b, uint32_t ask)
{
	unsigned at;

	at = site_begin(b, site_clone, LX_NR_CLONE);
	require_arg(b, 0, THREAD_FLAGS);
	require_context(b, 1);
	emit(b, BPF_ALU | BPF_AND | BPF_K, (uint32_t)(CTX_STRIDE - 1), 0, 0);
	require_eq(b, (uint32_t)THREAD_STACK_OFF);
	for (unsigned i = 2; i < 5; i++)
		require_arg(b, i, 0);
	site_end(b, at, ask);

	at = site_begin(b, site_sigaltstack, LX_NR_SIGALTSTACK);
	require_context(b, 0);
	require_arg(b, 1, 0);
	site_end(b, at, 0);

	at = site_begin(b, site_sigprocmask, LX_NR_RT_SIGPROCMASK);
	require_arg(b, 0, LX_SIG_SETMASK);
	require_context(b, 1);
	require_arg(b, 2, 0);
	require_arg(b, 3, LX_SIGSET_SIZE);
	site_end(b, at, 0);
}

INIT static void
rules_other(struct builder *b, uint32_t bases)
{
	unsigned at;

	at = site_begin(b, site_sigreturn, LX_NR_RT_SIGRETURN);
	site_end(b, at, 0);

	at = site_begin(b, site_futex, LX_NR_FUTEX);
	require_context(b, 0);
	require_arg_lt(b, 1, LX_FUTEX_WAKE + 1); /* WAIT or WAKE */
	require_arg(b, 3, 0);                    /* no time limit */
	site_end(b, at, 0);

	if (bases == 0)
		return;
	/* The calling thread's own segment bases. */
	at = site_begin(b, site_arch_prctl, LX_NR_ARCH_PRCTL);
	emit_load(b, ARG_HI(0));
	require_eq(b, 0);
	emit_load(b, ARG_LO(0));
	emit(b, BPF_JMP | BPF_JEQ | BPF_K, LX_ARCH_SET_GS, 2, 0);
	require_eq(b, LX_ARCH_SET_FS);
	site_end(b, at, 0);
}

/* Unmapping the start-up memory. */
INIT static void
rules_finish(struct builder *b, uint64_t stack, uint64_t size)
{
	unsigned at;

	at = site_begin(b, site_finish1, LX_NR_MUNMAP);
	require_arg(b, 0, stack);
	require_arg(b, 1, size);
	site_end(b, at, 0);
	at = site_begin(b, site_finish2, LX_NR_MUNMAP);
	require_arg(b, 0, STUB_INIT_BASE);
	require_arg(b, 1, STUB_INIT_SIZE);
	site_end(b, at, 0);
}

/* 0 or, with ARM_LISTEN, a descriptor. */
INIT static long
install_filter(uint32_t arm, uint64_t stack, uint64_t size)
{
	long flags = (long)SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	struct builder b;
	struct sock_fprog prog;
	unsigned skip;

	b.n = 0;
	emit_load(&b, offsetof(struct seccomp_data, arch));
	require_eq(&b, AUDIT_ARCH_X86_64);
	emit_load(&b, offsetof(struct seccomp_data, instruction_pointer) + 4);
	require_eq(&b, STUB_HI);
	emit_load(&b, offsetof(struct seccomp_data, instruction_pointer));
	emit(&b, BPF_JMP | BPF_JGE | BPF_K, (uint32_t)STUB_INIT_BASE, 0, 2);
	skip = (uint32_t)(STUB_INIT_BASE + STUB_INIT_SIZE);
	emit(&b, BPF_JMP | BPF_JGE | BPF_K, skip, 1, 0);
	emit(&b, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	rules_other(&b, arm & ARM_BASES);
	rules_mapping(&b, arm & ARM_ISOLATE);
	rules_thread(&b, arm & ARM_LISTEN);
	rules_finish(&b, stack, size);
	emit(&b, BPF_RET | BPF_K, SECCOMP_RET_TRAP, 0, 0);
	prog.len = (unsigned short)b.n;
	prog.filter = b.f;
	if (arm & ARM_LISTEN)
		flags |= (long)SECCOMP_FILTER_FLAG_NEW_LISTENER;
	init_syscall(LX_NR_PRCTL, (long)LX_PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
	return (init_syscall(
	    LX_NR_SECCOMP, (long)SECCOMP_SET_MODE_FILTER, flags, &prog));
}

/* Send a descriptor to the kernel process.  0 or -errno. */
INIT static long
send_descriptor(int fd)
{
	struct {
		uint64_t len;
		int32_t level, type, fd, pad;
	} control = {20, LX_SOL_SOCKET, LX_SCM_RIGHTS, fd, 0};
	char byte = 0;
	uint64_t iov[2] = {(uint64_t)&byte, 1};
	struct lx_msghdr m = {.iov = (uint64_t)iov,
	    .iovlen = 1,
	    .control = (uint64_t)&control,
	    .controllen = sizeof(control)};
	long r;

	r = init_syscall(LX_NR_SENDMSG, (long)STUB_FD_LINK, &m, 0L);
	return (r < 0 ? r : 0);
}

/* Install signal handlers and filter; stack, size: the start-up stack.  0 or
 * -errno.  Where the host refuses the filter, the order can be repeated. */
INIT static long
arm(const struct stub_order *o, uint64_t stack, uint64_t size)
{
	const uint8_t sigs[] = {LX_SIGSYS, LX_SIGTRAP, LX_SIGFPE, LX_SIGILL,
	    LX_SIGSEGV, LX_SIGBUS, LX_SIGUSR1};
	struct lx_sigaction sa;
	long listener, r;

	sa.handler = (uint64_t)stub_handler;
	sa.flags = LX_SA_SIGINFO | LX_SA_ONSTACK | LX_SA_RESTORER;
	sa.restorer = (uint64_t)stub_restorer;
	sa.mask = ~0UL;
	for (unsigned i = 0; i < sizeof(sigs); i++) {
		r = init_syscall(LX_NR_RT_SIGACTION, (long)sigs[i], &sa, NULL,
		    (long)LX_SIGSET_SIZE);
		if (r != 0)
			return (r);
	}
	r = install_filter(o->arm, stack, size);
	if (r < 0)
		return (r);
	if ((o->arm & ARM_LISTEN) != 0) {
		listener = r;
		r = send_descriptor((int)listener);
		init_syscall(LX_NR_CLOSE, listener);
	}
	init_syscall(LX_NR_CLOSE, (long)STUB_FD_LINK);
	return (r);
}

/* What execve() has left to this process. */
struct start {
	uint64_t stack, stack_end; /* the start-up stack */
	uint64_t vdso;             /* 0: the host has none */
};

INIT static void
start_read(struct start *st, const uint64_t *sp)
{
	const char *name = NULL;

	st->stack = (uint64_t)sp & ~(PAGE - 1);
	st->vdso = 0;
	sp += *sp + 2; /* argc, argv, NULL */
	while (*sp++ != 0)
		continue; /* the environment */
	for (; sp[0] != LX_AT_NULL; sp += 2) {
		if (sp[0] == LX_AT_SYSINFO_EHDR)
			st->vdso = sp[1];
		else if (sp[0] == LX_AT_EXECFN)
			name = (const char *)sp[1];
	}
	/* The name is the last string of the stack; a word follows it. */
	while (name != NULL && *name != '\0')
		name++;
	st->stack_end = ((uint64_t)name + PAGE) & ~(PAGE - 1);
	if (name == NULL) {
		st->stack_end = st->stack + PAGE;
		st->vdso = 0; /* it may lie next to the stack */
	}
}

INIT static int
in_range(uint64_t addr, uint64_t base, uint64_t size)
{
	return (addr >= base && addr - base < size);
}

/* Is there a page that the host has made, and not this program? */
INIT static int
is_mapped(uint64_t page)
{
	if (in_range(page, STUB_TEXT_BASE, STUB_INIT_SIZE) ||
	    in_range(page, STUB_INIT_BASE, STUB_INIT_SIZE) ||
	    in_range(page, STUB_CTX_BASE, CTX_SLOT_SIZE))
		return (0);
	return (init_syscall(LX_NR_MSYNC, page, PAGE, (long)LX_MS_ASYNC) == 0);
}

INIT static void
stack_find(struct start *st)
{
	while (st->stack_end - st->stack < STACK_MAX &&
	       is_mapped(st->stack - PAGE))
		st->stack -= PAGE;
}

/* Move the mapping that begins at `from`.  The host moves such a mapping only
 * as a whole and does not say how long it is: try each length.  0 and *size,
 * or -errno. */
INIT static long
move_one(uint64_t from, uint64_t end, uint64_t to, uint64_t *size)
{
	long r = -EINVAL;

	for (uint64_t n = PAGE; n <= end - from; n += PAGE) {
		r = init_syscall(LX_NR_MREMAP, from, n, n,
		    (long)(LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED), to);
		if (r == (long)to) {
			*size = n;
			return (0);
		}
	}
	return (r);
}

/* Move the pages of vvar and vdso, which are neighbours, to their place.
 * 0 and *vdso; -errno. */
INIT static long
move_vdso(const struct start *st, uint64_t *vdso)
{
	uint64_t lo = st->vdso, end = st->vdso, size = 0;
	long r;

	*vdso = 0;
	if (st->vdso == 0)
		return (0);
	while (st->vdso - lo < VDSO_MAX && lo != st->stack_end &&
	       is_mapped(lo - PAGE))
		lo -= PAGE;
	while (end - st->vdso < VDSO_MAX && is_mapped(end))
		end += PAGE;
	for (uint64_t from = lo; from < end; from += size) {
		r = move_one(from, end, STUB_VDSO_BASE + (from - lo), &size);
		if (r != 0)
			return (r);
	}
	*vdso = STUB_VDSO_BASE + (st->vdso - lo);
	return (0);
}

/* Prepare the process: it dies with the kernel process, leaves no core file,
 * and has the vdso at its place. */
INIT static long
prepare(struct stub_order *o, struct start *st)
{
	long r;

	/* The exec reset both if it changed credentials. */
	init_syscall(LX_NR_PRCTL, (long)LX_PR_SET_PDEATHSIG, (long)LX_SIGKILL,
	    0L, 0L, 0L);
	init_syscall(LX_NR_PRCTL, (long)LX_PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	if (init_syscall(LX_NR_GETPPID) != o->kernel_pid)
		init_syscall(LX_NR_EXIT_GROUP, 75L);
	r = move_vdso(st, &o->vdso);
	stack_find(st);
	return (r);
}

/* In the new stub: map the slot's contexts, give up the start-up rights. */
INIT static _Noreturn void
become_stub(uint32_t slot, int32_t parent, uint64_t stack, uint64_t size)
{
	struct lx_stack as;
	long r;

	init_syscall(LX_NR_PRCTL, (long)LX_PR_SET_PDEATHSIG, (long)LX_SIGKILL,
	    0L, 0L, 0L);
	if (init_syscall(LX_NR_GETPPID) != parent)
		init_syscall(LX_NR_EXIT_GROUP, 71L);
	r = init_syscall(LX_NR_MMAP, STUB_CTX_BASE, CTX_SLOT_SIZE, PROT_RW,
	    (long)MAP_SHARED_FIXED, (long)STUB_FD_CTX,
	    (uint64_t)slot * CTX_SLOT_SIZE);
	if (r != (long)STUB_CTX_BASE)
		init_syscall(LX_NR_EXIT_GROUP, 72L);
	init_syscall(LX_NR_CLOSE, (long)STUB_FD_CTX);
	as.sp = STUB_CTX_BASE + CTX_STACK_OFF;
	as.flags = 0;
	as.pad = 0;
	as.size = CTX_STACK_SIZE;
	if (init_syscall(LX_NR_SIGALTSTACK, &as, NULL) != 0)
		init_syscall(LX_NR_EXIT_GROUP, 73L);
	stub_finish(stack, size);
}

/* sp: the stack pointer that execve() gave. */
_Noreturn INIT void
zygote_main(const uint64_t *sp)
{
	struct stub_order *o = (struct stub_order *)STUB_CTX_BASE;
	struct start st;
	uint32_t order;
	long r;

	r = init_syscall(LX_NR_MMAP, STUB_CTX_BASE, CTX_SLOT_SIZE, PROT_RW,
	    (long)MAP_SHARED_FIXED, (long)STUB_FD_CTX, 0L);
	if (r != (long)STUB_CTX_BASE)
		init_syscall(LX_NR_EXIT_GROUP, 74L);
	start_read(&st, sp);
	for (;;) {
		while ((order = atomic_load(&o->order)) == ORDER_NONE)
			init_syscall(LX_NR_FUTEX, &o->order,
			    (long)LX_FUTEX_WAIT, 0L, NULL);
		atomic_store(&o->order, ORDER_NONE);
		if (order == ORDER_PREPARE) {
			r = prepare(o, &st);
		} else if (order == ORDER_ARM) {
			r = arm(o, st.stack, st.stack_end - st.stack);
		} else {
			/* Read before the reply, because the next order may
			 * overwrite them. */
			uint32_t slot = o->slot;
			int32_t parent = o->kernel_pid;

			r = init_syscall(LX_NR_CLONE,
			    (long)(LX_CLONE_PARENT | LX_CLONE_PARENT_SETTID |
				   LX_SIGCHLD),
			    0L, &o->child_pid, 0L, 0L);
			if (r == 0)
				become_stub(slot, parent, st.stack,
				    st.stack_end - st.stack);
		}
		o->result = (int32_t)r;
		atomic_fetch_add(&o->reply, 1);
		init_syscall(
		    LX_NR_FUTEX, &o->reply, (long)LX_FUTEX_WAKE, 1L, NULL);
	}
}
