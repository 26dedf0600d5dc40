/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signals, with Linux's numbers and semantics: sig.c (posting, dispositions,
 * masks), sig_deliver.c (delivery, stops, restarts), sigframe.c (user frames).
 */
#ifndef KERN_SIG_KSIGNAL_H
#define KERN_SIG_KSIGNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/signal.h"
#include "kern/base/sigpending.h"

/* Post to a process (any lwp that does not block it) or to one lwp.  No proc
 * lock held.  Handles STOP/CONT side effects, ignored signals, wakes and
 * interrupts.  Never fails (lack of memory loses only the siginfo). */
void ksig_post_proc(struct proc *, const struct ksiginfo *);
void ksig_post_lwp(struct lwp *, const struct ksiginfo *);
/* The same with proc lock held. */
void ksig_post_proc_locked(struct proc *, const struct ksiginfo *);
void ksig_post_lwp_locked(struct lwp *, const struct ksiginfo *);
/* The same for a source whose signal is not queued, to its process or to one
 * lwp of it.  True: it is queued now, and source->queued says where. */
bool ksig_post_source_locked(
    struct proc *, struct lwp *, const struct ksiginfo *, struct ksig_source *);
/* A synchronous signal (fault).  If it is blocked or ignored, its default
 * action ends the process. */
void ksig_force(struct lwp *, const struct ksiginfo *);
/* kill(2) by pid rules (>0, 0, -1, <-1) from `from` (NULL: the embedder). */
int ksig_kill(
    struct vkernel *, const struct lwp *from, int pid, const struct ksiginfo *);
int ksig_kill_pgrp(struct vkernel *, int pgid, const struct ksiginfo *);
/*
 * Before return to user mode, by the lwp itself: take every deliverable signal:
 * run default actions (may end in kern_exit: then true is returned and the lwp
 * must unwind), stop, or push a handler frame.  `error` is the result of the
 * system call: for a code of restart.h, decides whether the call is restarted
 * (no handler runs, or SA_RESTART is set) or fails with EINTR.
 */
bool ksig_deliver(struct lwp *, bool in_syscall, int error);
/*
 * Proc lock held for the next three.
 * take: dequeue the next signal of `set`, thread-directed first; false: none.
 */
bool ksig_take_locked(struct lwp *, uint64_t set, struct ksiginfo *);
/* Set the mask, without KILL and STOP.  Pending signals that it blocks or
 * unblocks are handed to the lwps that can take them. */
void ksig_setmask_locked(struct lwp *, uint64_t mask);
/* Discard pending signals of `set`, process- and thread-directed. */
void ksig_flush_locked(struct proc *, uint64_t set);
/* rt_sigaction: either pointer may be NULL. */
void ksig_action(struct proc *, int signo, const struct lx_sigaction *,
    struct lx_sigaction *old);
bool ksig_default_ignored(int signo);
bool ksig_default_stops(int signo);
/* May `from` signal `to`? 0, EPERM.  Own host thread of `from` only; no proc
 * lock held. */
int ksig_permitted(const struct lwp *from, struct proc *to, int signo);
/* A temporary mask for a call that sleeps (sigsuspend, ppoll...): the old
 * one comes back before user mode, or as the mask of a handler's frame. */
void ksig_tmpmask(struct lwp *, uint64_t mask);
/* sigaltstack(2), as rt_sigreturn restores it; rsp: current. */
int ksig_set_altstack(struct lwp *, const struct ksigaltstack *, uint64_t rsp);
/* sas_ss_flags(): 0, SS_ONSTACK or SS_DISABLE for that stack pointer. */
int ksig_altstack_state(const struct lwp *, uint64_t rsp);

/* Is the signal ignored, by SIG_IGN or by default? */
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
	KSIGINFO_POLL, /* value: si_band, status: si_fd */
};
enum ksiginfo_kind ksiginfo_kind(int signo, int code);
/* The 128-byte siginfo_t. */
void ksiginfo_encode(const struct ksiginfo *, uint8_t out[128]);
int ksiginfo_decode(const uint8_t in[128], struct ksiginfo *);

#endif /* KERN_SIG_KSIGNAL_H */
