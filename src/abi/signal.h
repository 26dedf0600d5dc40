/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signals: numbers, actions, masks, siginfo_t, stack_t, sigevent.
 * Source: sigaction(2), sigevent(7), signalfd(2),
 * include/uapi/asm-generic/{signal,siginfo}.h.
 */
#ifndef ABI_SIGNAL_H
#define ABI_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

#define LX_SIGHUP 1
#define LX_SIGINT 2
#define LX_SIGQUIT 3
#define LX_SIGILL 4
#define LX_SIGTRAP 5
#define LX_SIGABRT 6
#define LX_SIGBUS 7
#define LX_SIGFPE 8
#define LX_SIGKILL 9
#define LX_SIGUSR1 10
#define LX_SIGSEGV 11
#define LX_SIGUSR2 12
#define LX_SIGPIPE 13
#define LX_SIGALRM 14
#define LX_SIGTERM 15
#define LX_SIGSTKFLT 16
#define LX_SIGCHLD 17
#define LX_SIGCONT 18
#define LX_SIGSTOP 19
#define LX_SIGTSTP 20
#define LX_SIGTTIN 21
#define LX_SIGTTOU 22
#define LX_SIGURG 23
#define LX_SIGXCPU 24
#define LX_SIGXFSZ 25
#define LX_SIGVTALRM 26
#define LX_SIGPROF 27
#define LX_SIGWINCH 28
#define LX_SIGIO 29
#define LX_SIGPWR 30
#define LX_SIGSYS 31
#define LX_SIGRTMIN 32
#define LX_SIGRTMAX 64

/* Bytes of a signal set. */
#define LX_SIGSET_SIZE 8

#define LX_SIG_DFL 0
#define LX_SIG_IGN 1

/* struct sigaction as rt_sigaction(2) has it. */
struct lx_sigaction {
	uint64_t handler, flags, restorer, mask;
};
_Static_assert(sizeof(struct lx_sigaction) == 32, "struct sigaction");

#define LX_SA_NOCLDSTOP UINT64_C(0x00000001)
#define LX_SA_NOCLDWAIT UINT64_C(0x00000002)
#define LX_SA_SIGINFO UINT64_C(0x00000004)
#define LX_SA_RESTORER UINT64_C(0x04000000)
#define LX_SA_ONSTACK UINT64_C(0x08000000)
#define LX_SA_RESTART UINT64_C(0x10000000)
#define LX_SA_NODEFER UINT64_C(0x40000000)
#define LX_SA_RESETHAND UINT64_C(0x80000000)

#define LX_SIG_BLOCK 0
#define LX_SIG_UNBLOCK 1
#define LX_SIG_SETMASK 2

#define LX_SS_ONSTACK 1
#define LX_SS_DISABLE 2
#define LX_SS_AUTODISARM INT32_MIN
#define LX_MINSIGSTKSZ 2048

#define LX_SI_USER 0
#define LX_SI_KERNEL 0x80
#define LX_SI_QUEUE (-1)
#define LX_SI_TIMER (-2)
#define LX_SI_MESGQ (-3)
#define LX_SI_ASYNCIO (-4)
#define LX_SI_SIGIO (-5)
#define LX_SI_TKILL (-6)
#define LX_NSIGPOLL 6 /* POLL_IN to POLL_HUP */
#define LX_ILL_ILLOPN 2
#define LX_FPE_INTDIV 1
#define LX_SEGV_MAPERR 1
#define LX_SEGV_ACCERR 2
#define LX_BUS_ADRALN 1
#define LX_BUS_ADRERR 2
#define LX_TRAP_BRKPT 1
#define LX_TRAP_TRACE 2
#define LX_TRAP_HWBKPT 4
#define LX_SYS_SECCOMP 1
#define LX_AUDIT_ARCH_X86_64 UINT32_C(0xc000003e) /* arch of a SIGSYS */
#define LX_CLD_EXITED 1
#define LX_CLD_KILLED 2
#define LX_CLD_DUMPED 3
#define LX_CLD_TRAPPED 4
#define LX_CLD_STOPPED 5
#define LX_CLD_CONTINUED 6

/* siginfo_t: three ints, a hole, then a union at 16. */
struct lx_siginfo {
	int32_t signo, err, code, pad;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			uint64_t value;
		} rt; /* kill, sigqueue */
		struct {
			int32_t tid, overrun;
			uint64_t value;
		} timer;
		struct {
			int32_t pid;
			uint32_t uid;
			int32_t status, pad;
			int64_t utime, stime;
		} chld;
		struct {
			uint64_t addr;
			int16_t addr_lsb;
		} fault;
		struct {
			int64_t band;
			int32_t fd;
		} poll;
		struct {
			uint64_t addr;
			int32_t syscall;
			uint32_t arch;
		} sys;
		uint8_t bytes[112];
	} u;
};
_Static_assert(sizeof(struct lx_siginfo) == 128, "siginfo_t");
_Static_assert(offsetof(struct lx_siginfo, u) == 16, "siginfo union");
_Static_assert(offsetof(struct lx_siginfo, u.chld.utime) == 32, "si_utime");

struct lx_sigset_arg { /* pselect6's sixth argument */
	uint64_t mask, size;
};

struct lx_stack {
	uint64_t sp;
	int32_t flags, pad;
	uint64_t size;
};
_Static_assert(sizeof(struct lx_stack) == 24, "stack_t");

struct lx_sigevent {
	uint64_t value;
	int32_t signo, notify, tid;
	uint8_t pad[44];
};
_Static_assert(sizeof(struct lx_sigevent) == 64, "struct sigevent");
#define LX_SIGEV_SIGNAL 0
#define LX_SIGEV_NONE 1
#define LX_SIGEV_THREAD 2
#define LX_SIGEV_THREAD_ID 4

/* What read(2) of a signalfd gives. */
struct lx_signalfd_siginfo {
	uint32_t signo;
	int32_t err, code;
	uint32_t pid, uid;
	int32_t fd;
	uint32_t tid, band, overrun, trapno;
	int32_t status, val;
	uint64_t ptr, utime, stime, addr;
	uint16_t addr_lsb, pad2;
	int32_t syscall;
	uint64_t call_addr;
	uint32_t arch;
	uint8_t pad[28];
};
_Static_assert(sizeof(struct lx_signalfd_siginfo) == 128, "signalfd_siginfo");

#endif /* ABI_SIGNAL_H */
