/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Signal dispositions and sets of pending signals: the data, without posting
 * and delivery (kern/sig).
 */
#ifndef KERN_BASE_SIGPENDING_H
#define KERN_BASE_SIGPENDING_H

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
struct vkernel;

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

/* A sender with at most one signal queued, which is called when that signal is
 * taken or discarded (a POSIX timer).  The functions are called under the proc
 * lock. */
struct ksig_source {
	struct ksigq *queued; /* [p] its signal; NULL: none is queued */
	/* The signal is about to be delivered; returns its overrun count. */
	int32_t (*taken)(struct ksig_source *);
	/* The signal was discarded. */
	void (*flushed)(struct ksig_source *);
};

/* [p] */
struct ksigq {
	TAILQ_ENTRY(ksigq) link;
	struct ksiginfo info;
	struct ksig_source *source; /* its sender, or NULL */
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

/* ---- dispositions ---- */

/* A table with one ref, copied from `from` or all default.  0, ENOMEM. */
int sigacts_create(
    struct vkernel *, const struct sigacts *from, struct sigacts **);
void sigacts_free(struct vkernel *, struct sigacts *); /* gives up a ref */
/* exec: handlers become default, ignored signals stay ignored. */
void sigacts_exec(struct sigacts *);

/* ---- pending sets.  Proc lock held, but for init. ---- */

void sigpending_init(struct sigpending *);
/* Record a signal; with a source, once for the source. */
void sigpending_add(struct vkernel *, struct sigpending *,
    const struct ksiginfo *, struct ksig_source *);
/* Discard every signal of `set`. */
void sigpending_remove(struct vkernel *, struct sigpending *, uint64_t set);
/* Discard all.  The proc lock is needed where a source may be among them. */
void sigpending_flush(struct vkernel *, struct sigpending *);
/* Take signal `signo`, which is pending there. */
void sigpending_take(
    struct vkernel *, struct sigpending *, int signo, struct ksiginfo *);
/* The next signal of `set` for this lwp, thread-directed first; 0: none. */
int ksig_peek_locked(struct lwp *, uint64_t set);
/* A stop is to be made before user code: PTRACE_INTERRUPT, or the process has
 * stopped and the tracer has not seen that.  Proc lock held. */
bool ksig_trap_due_locked(struct lwp *);
/* A signal that would be delivered now is pending. */
bool ksig_pending_locked(struct lwp *);

#endif /* KERN_BASE_SIGPENDING_H */
