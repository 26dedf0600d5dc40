/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signals: Linux's numbers and semantics.  sig.c (posting, dispositions,
 * delivery decision), sigframe.c (user frames), sys_sig.c (system calls).
 */
#ifndef KERN_SIG_KSIGNAL_H
#define KERN_SIG_KSIGNAL_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/signal.h"
#include "libk/klock.h"
#include "mem/vm_types.h"

#define KNSIG LX_SIGRTMAX
#define KSIGBIT(s) (UINT64_C(1) << ((s)-1))
#define KSIG_UNMASKABLE (KSIGBIT(LX_SIGKILL) | KSIGBIT(LX_SIGSTOP))

struct lwp;
struct proc;
struct ptimer;
struct vkernel;
struct cpu_event;

struct ksigaltstack {
	uint64_t sp;
	int32_t flags;
	uint32_t pad;
	uint64_t size;
};

/* What siginfo carries; turned into the 128-byte ABI form on delivery. */
struct ksiginfo {
	int signo, code, err;
	int pid; /* sender or child */
	uint32_t uid;
	int status;            /* SIGCHLD */
	uint64_t addr;         /* faults */
	uint64_t value;        /* sigqueue, timers */
	uint64_t utime, stime; /* SIGCHLD, clock ticks */
	int trapno;            /* for the frame of synchronous signals */
	uint64_t errcode;
	bool forced;
};

/* [p] */
struct ksigq {
	TAILQ_ENTRY(ksigq) link;
	struct ksiginfo info;
	struct ptimer *timer; /* it is the signal of this one, or NULL */
};
TAILQ_HEAD(ksigq_list, ksigq);

/* Most siginfos queued in one struct sigpending. */
#define KSIGQ_MAX 1024

/* Pending signals; standard signals at most once each, but for those of POSIX
 * timers. [p] */
struct sigpending {
	uint64_t set;
	unsigned count; /* on queue */
	struct ksigq_list queue;
};

/* Dispositions, shared with CLONE_SIGHAND. */
struct sigacts {
	_Atomic(uint32_t) refs;
	struct kmutex lock; /* rank SIGNAL */
	struct lx_sigaction sa[KNSIG + 1];
};

/* Post to a process (any lwp that does not block it) or to one lwp.  No proc
 * lock held.  Handles STOP/CONT side effects, ignored signals, wakes and
 * interrupts.  Never fails (lack of memory loses only the siginfo). */
void ksig_post_proc(struct proc *, const struct ksiginfo *);
void ksig_post_lwp(struct lwp *, const struct ksiginfo *);
/* The same with proc lock held. */
void ksig_post_proc_locked(struct proc *, const struct ksiginfo *);
void ksig_post_lwp_locked(struct lwp *, const struct ksiginfo *);
/* The same for a POSIX timer whose signal is not queued, to its process or to
 * one lwp of it.  True: it is now, and ptimer->queued says where. */
bool ksig_post_timer_locked(
    struct proc *, struct lwp *, const struct ksiginfo *, struct ptimer *);
/* Synchronous (fault): cannot be blocked or ignored: if it is, the default
 * action (death) applies. */
void ksig_force(struct lwp *, const struct ksiginfo *);
/* kill(2) by pid rules (>0, 0, -1, <-1) from `from` (NULL: the embedder). */
int ksig_kill(
    struct vkernel *, struct proc *from, int pid, const struct ksiginfo *);
int ksig_kill_pgrp(struct vkernel *, int pgid, const struct ksiginfo *);
/*
 * Before return to user mode, by the lwp itself: take every deliverable
 * signal: run default actions (may end in kern_exit: then true is returned
 * and the lwp must unwind), stop, or push a handler frame.  Decides the fate
 * of ERESTART results: `restart` says that the interrupted system call wants
 * to be restarted when no handler runs or SA_RESTART is set.
 */
bool ksig_deliver(struct lwp *, bool in_syscall, int error);
/* A signal that would be delivered now is pending. proc lock held. */
bool ksig_pending_locked(struct lwp *);
/* exec: handlers to default, ignored stay; fork: copy. */
void sigacts_exec(struct sigacts *);
int sigacts_create(
    struct vkernel *, const struct sigacts *from, struct sigacts **);
void sigacts_free(struct vkernel *, struct sigacts *);
void sigpending_init(struct sigpending *);
/* Forget all.  Proc lock held where signals of timers may be among them. */
void sigpending_flush(struct vkernel *, struct sigpending *);
/*
 * sig.c, for the other files of kern.  Proc lock held for the first four.
 * take: dequeue the next signal of `set`, thread-directed first; false: none.
 * peek: the same, without dequeuing; 0: none.
 */
bool ksig_take_locked(struct lwp *, uint64_t set, struct ksiginfo *);
int ksig_peek_locked(struct lwp *, uint64_t set);
/* Set the mask (KILL and STOP are left out); blocked pending signals that it
 * frees are noticed, also by other lwps. */
void ksig_setmask_locked(struct lwp *, uint64_t mask);
/* Forget pending signals of `set`, process- and thread-directed. */
void ksig_flush_locked(struct proc *, uint64_t set);
/* rt_sigaction: either pointer may be NULL. */
void ksig_action(struct proc *, int signo, const struct lx_sigaction *,
    struct lx_sigaction *old);
bool ksig_default_ignored(int signo);
bool ksig_default_stops(int signo);
/* May `from` signal `to`? 0, EPERM.  Proc lock of neither held. */
int ksig_permitted(struct proc *from, struct proc *to, int signo);
/* A temporary mask for a call that sleeps (sigsuspend, ppoll...): the old
 * one comes back before user mode, or as the mask of a handler's frame. */
void ksig_tmpmask(struct lwp *, uint64_t mask);
/* sys_sig.c: sigaltstack as rt_sigreturn restores it; rsp: current. */
int ksig_set_altstack(struct lwp *, const struct ksigaltstack *, uint64_t rsp);
/* sas_ss_flags(): 0, SS_ONSTACK or SS_DISABLE for that stack pointer. */
int ksig_altstack_state(const struct lwp *, uint64_t rsp);

/* Does the mask/disposition ignore it? (for SIGCHLD auto reap, tty) */
bool ksig_ignored(struct proc *, int signo);

/* sigframe.c: push a frame for sa on the user stack, set registers. 0 or
 * EFAULT (then SIGSEGV is forced by the caller). */
int sigframe_push(struct lwp *, const struct lx_sigaction *,
    const struct ksiginfo *, uint64_t mask);
/* rt_sigreturn: restore; EFAULT -> force SIGSEGV. Result is in tf->rax. */
int sigframe_return(struct lwp *);
/* Which member of siginfo's union a (signal, code) pair uses; see
 * sigaction(2). */
enum ksiginfo_kind {
	KSIGINFO_RT,
	KSIGINFO_TIMER,
	KSIGINFO_CHLD,
	KSIGINFO_FAULT,
	KSIGINFO_SYS,
};
enum ksiginfo_kind ksiginfo_kind(int signo, int code);
/* The 128-byte siginfo_t. */
void ksiginfo_encode(const struct ksiginfo *, uint8_t out[128]);
int ksiginfo_decode(const uint8_t in[128], struct ksiginfo *);

/* sys_signalfd.c.  Proc lock held: a signal has become pending; some may not be
 * any more. */
void sigfd_posted_locked(struct proc *, uint64_t bit);
void sigfd_taken_locked(struct proc *);

#endif /* KERN_SIG_KSIGNAL_H */
