/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Light-weight processes: the guest's threads.  Sleeping and waking; the loop
 * that drives an lwp is kern/proc/lwp_main.c.
 */
#ifndef KERN_BASE_LWP_H
#define KERN_BASE_LWP_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpu.h"
#include "kern/base/cred.h"
#include "kern/base/proc.h"
#include "kern/base/sigpending.h"
#include "libk/klock.h"
#include "mem/vm_types.h"
#include "vfs/core/ctx.h"

struct host_pollfd;
struct host_thread;
struct key;
struct kmem_acct;
struct seccomp_filter;
struct sem_undo_list;

#define LWP_CPUS 1024 /* CPU numbers that a set can have */

/* lwp.tflags: report system calls; stop after an instruction; debug registers
 * are enabled. */
#define LWP_TRACE_SYSCALL 0x1
#define LWP_TRACE_STEP 0x2
#define LWP_TRACE_WATCH 0x4

enum { LWP_KEYS_THREAD, LWP_KEYS_PROCESS, LWP_KEYS_SESSION, LWP_KEYRINGS };

#define LWP_IN_USER (UINT64_C(1) << 63) /* in lwp.user_clock */

enum lwp_state { LWP_RUN, LWP_SLEEP, LWP_STOPPED, LWP_GONE };

#define LWP_SEEN 8

/*
 * Key: [I], [a], [p] proc lock, [L] own host thread only, [s] wake_lock
 */
struct lwp {
	struct proc *p;             /* [I] */
	int tid;                    /* [p] tid == pid for the first */
	struct pid_entry tid_entry; /* [t] in use if tid != pid */
	LIST_ENTRY(lwp) link;       /* [p] */
	struct cpu_thread *cpu;     /* [I] */
	struct host_thread *thread; /* [I] */
	struct kmem_acct *cost;     /* [I] charged LWP_COST */
	_Atomic(int) state;         /* [a] enum lwp_state */

	char comm[16];              /* [p] */
	uint64_t slack_ns;          /* [p] PR_SET_TIMERSLACK; stored only.. */
	uint64_t slack_default;     /* [p] ..and what 0 sets */
	bool io_flusher;            /* [p] PR_SET_IO_FLUSHER; stored only */
	int nice;                   /* [p] */
	int policy;                 /* [p] LX_SCHED_* */
	bool reset_on_fork;         /* [p] children get no better niceness */
	uint16_t mempolicy;         /* [L] set_mempolicy; 0: the default */
	uint16_t ioprio;            /* [p] class and level; 0: none set */
	uint8_t cpus[LWP_CPUS / 8]; /* [p] sched_setaffinity, if cpus_set */
	bool cpus_set;              /* [p] */
	uint64_t sigmask;           /* [p] */
	uint64_t sigmask_saved;     /* [L] for sigsuspend/ppoll/epoll_pwait */
	bool sigmask_restore;       /* [L] */
	struct sigpending sigpend;  /* [p] thread-directed */
	uint64_t sigwait; /* [p] blocked signals that rt_sigtimedwait waits for:
			     they wake the lwp, and are kept even if their
			     disposition ignores them */
	bool sigfdwait;   /* [p] sleeps in a read of a signalfd: wake it */
	struct ksigaltstack altstack; /* [L] */
	_Atomic(bool) sigcheck; /* [a] something to look at before user mode */

	/* Sleeping (lwp_sleep.c). */
	struct kmutex wake_lock; /* rank LEAF */
	struct kcond wake_cond;
	bool woken;    /* [s] */
	bool inpoll;   /* [s] in a host poll: wake through kickfd */
	bool killonly; /* [L] only death interrupts (vfork wait) */
	int kickfd;    /* [s] eventfd, made on first use, or -1 */
	struct kmem_acct *kick_cost; /* [L] with a kickfd: charged for it */
	bool exiting;                /* [L] kern_exit() was called: unwind */

	vm_offset_t clear_tid; /* [L] set_tid_address, CLONE_CHILD_CLEARTID */
	vm_offset_t set_child_tid;     /* [L] CLONE_CHILD_SETTID */
	vm_offset_t robust_list;       /* [L] */
	uint64_t robust_len;           /* [L] */
	bool futex_gone;               /* [p] see futex_pi.c */
	struct sem_undo_list *semundo; /* [L] own ref, or NULL */
	/* [L] Own refs, or NULL; kern/ipc/keys.c. */
	struct key *keyring[LWP_KEYRINGS];
	int reqkey;        /* [L] see keys_reqkey() */
	struct cred *cred; /* own ref; changed by its own thread with [p], which
			      reads it without */

	/* Tracing (trace.c). */
	struct tracee *traced;    /* [t] and [p] to change; or NULL */
	struct trace_stop *stop;  /* [p] waits for its tracer; or NULL */
	_Atomic(unsigned) tflags; /* [a] LWP_TRACE_*, changed with [p] */
	unsigned stop_seen;       /* [p] p->stop_count of the stop that its
				     tracer has seen */
	bool killedonly;          /* [L] only SIGKILL interrupts */
	int exit_status;          /* [L] of the thread itself */

	_Atomic(struct seccomp_filter *)
	    seccomp; /* [a] own ref or NULL; changed with [p] (seccomp.c) */

	/* System call in progress. */
	int sc_nr;           /* [L] */
	uint64_t sc_args[6]; /* [L] */
	/* The same, for /proc: -1 outside of calls; arguments, stack pointer
	 * and instruction pointer. */
	_Atomic(int) sc_now;                 /* [a] */
	_Atomic(uint64_t) sc_seen[LWP_SEEN]; /* [a] */
	/* A call that a signal interrupts restarts or fails with EINTR, as the
	 * signal decides. */
	int (*restart_fn)(struct lwp *, int64_t *ret); /* [L] restart_syscall */
	uint64_t restart_arg[6];                       /* [L] */
	/* [a] wall time in user code; CPU time of the host thread, as of the
	 * last lwp_times_update(). */
	_Atomic(uint64_t) user_ns, sys_ns;
	_Atomic(uint64_t) user_clock;   /* [a] in user code LWP_IN_USER and when
					   it entered less user_ns; else user_ns:
					   one word, so that a reader never sees
					   half of a change */
	_Atomic(uint64_t) io[PROC_NIO]; /* [a] written by the own thread */
	uint64_t times_ns; /* [L] when sys_ns was last brought up to date */
};

/* Own lwp only: does not change until its own exec or exit. */
static inline struct vmspace *
lwp_vmspace(struct lwp *l)
{
	return (l->p->vmspace);
}

/* The calling lwp has read or written n bytes in one system call. */
void lwp_count_io(struct lwp *, bool write, uint64_t n);
/* Name the lwp; the name of the first thread is that of the process.  Proc lock
 * held. */
void lwp_set_comm_locked(struct lwp *, const char comm[16]);
/* Set the timer slack; 0: the default.  Proc lock held. */
void lwp_set_slack_locked(struct lwp *, uint64_t ns);
/* A new lwp of p with a cpu_thread; not started, on p->lwps. */
int lwp_create(struct proc *p, int tid, struct lwp **);
/* Free an lwp that is off the list.  Does not touch its process. */
void lwp_destroy_in(struct vkernel *, struct lwp *);
/* End the calling lwp; with group, the whole process with `status`.  The lwp
 * must not return to user mode: the caller unwinds to lwp_main().  True: this
 * is the lwp that ends the process. */
bool kern_exit(struct lwp *, int status, bool group);
/* How the lwp waits in calls on open files.  Takes no lock and no reference. */
struct vfs_waiter lwp_vfs_waiter(struct lwp *);
/* Identity and groups of the lwp, cwd and root of its process for a call that
 * looks up names or checks permissions; own host thread only.  Owns refs of cwd
 * and root, so that a chdir by another thread does no harm. */
struct vfs_ctx lwp_vfs_ctx(struct lwp *);
void lwp_vfs_ctx_done(struct vfs_ctx *);
/* Own host thread only: may the lwp do what LX_CAP_... is needed for? */
static inline bool
lwp_capable(const struct lwp *l, int cap)
{
	return (cred_capable(l->cred, cap));
}
static inline bool
lwp_capable_here(const struct lwp *l, int cap)
{
	return (cred_capable_here(l->cred, cap));
}
/*
 * Give the calling lwp new credentials, whose ref is consumed; what was
 * borrowed from the former ones is not valid any more.  If they differ
 * (cred_differs()), the process is not dumpable any more.  Takes the proc
 * lock.
 */
void lwp_set_cred(struct lwp *, struct cred *);
/* Bring sys_ns up to date.  Own host thread only. */
void lwp_times_update(struct lwp *);
/* CPU time of an lwp up to now, and of its whole process (proc lock held); in
 * user code alone, or all. */
uint64_t lwp_cpu_ns(const struct lwp *, uint64_t now, bool all);
bool lwp_in_user(const struct lwp *);
uint64_t proc_cpu_ns_locked(struct proc *, uint64_t now, bool all);
/* The same in two parts, up to now, as getrusage(2) has them. */
void proc_times_locked(struct proc *, uint64_t *user, uint64_t *sys);
/* The number of the lwp in its own name space. */
int lwp_number(const struct lwp *);
/* The lwp that the calling host thread drives; NULL: none. */
struct lwp *lwp_current(void);
/* For a host thread that drives an lwp and was not started for it
 * (resident_trial.c). */
void lwp_set_current(struct lwp *);
/* The lwp must look at a change before it returns to user mode: sets sigcheck,
 * wakes and interrupts it.  Proc lock held, which keeps the lwp valid. */
void lwp_notify(struct lwp *);

/*
 * Sleep until lwp_wakeup(), a deliverable signal (EINTR, i.e. ERESTARTSYS at
 * the caller's choice), exit of the process (EINTR) or the deadline
 * (CLOCK_MONOTONIC ns, UINT64_MAX none: ETIMEDOUT).  No locks held.
 * Pattern: lwp_sleep_prepare(); test condition; lwp_sleep().  A wakeup
 * between prepare and sleep is not lost.
 */
/* The caller of lwp_wakeup holds a lock that keeps the lwp alive: its proc
 * lock, or that of the queue it sleeps on. */
void lwp_sleep_prepare(struct lwp *);
int lwp_sleep(struct lwp *, uint64_t deadline_ns);
void lwp_wakeup(struct lwp *);
/* The wait of struct vfs_waiter: host descriptor or signal. hostfd -1: only the
 * deadline and signals. */
int lwp_wait_fd(void *lwp, int hostfd, short events, uint64_t deadline_ns);
/* Poll host descriptors, with the lwp's wakeups; n may be 0. 0 and *nready;
 * EINTR. */
int lwp_poll(struct lwp *, struct host_pollfd *fds, int n, uint64_t deadline_ns,
    int *nready);
/* A signal is deliverable now, or the lwp must end (exit, or exec of another
 * thread).  No locks at or above PROC held. */
bool lwp_interrupted(struct lwp *);
/* The lwp must end: its process does, or another lwp of it execs.  NULL: a new
 * lwp of p would have to.  Proc lock held. */
bool lwp_must_end_locked(const struct proc *, const struct lwp *);
/* The lwp must end, or SIGKILL is pending. Proc lock held. */
bool lwp_killed_locked(struct lwp *);
/* The same, for the pieces of a long operation; own host thread only, no locks
 * at or above PROC held.  Costs one load while nothing is to be looked at. */
bool lwp_killed(struct lwp *);
/* The lwp that the calling host thread drives is killed; false if it drives
 * none. */
bool lwp_self_killed(void);

#endif /* KERN_BASE_LWP_H */
