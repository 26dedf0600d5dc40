/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Tracing: an lwp stops, and a tracer looks at it and lets it go.
 *
 * This is the core that ptrace(2) is made of (kern/ptrace), and that a debugger
 * outside of the guest can use as well: it knows a tracer only as a list of
 * tracees and one function.  Theory in trace.c.
 *
 * A tracer
 * - attaches with trace_alloc() and trace_link();
 * - gets ops->report for each stop and end, and then reads lwp.stop, or
 *   tracee.ended;
 * - holds the proc lock while it reads and changes the registers of a stopped
 *   lwp (lwp.cpu->tf, cpu_xstate_get() and cpu_xstate_set()), and uses its
 *   memory through a hold of its vmspace (vm_pread(), vm_pwrite());
 * - lets the lwp go with trace_resume_locked(), or for good with
 *   trace_unlink_locked().
 */
#ifndef KERN_BASE_TRACE_H
#define KERN_BASE_TRACE_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "kern/base/sigpending.h"

struct lwp;
struct proc;
struct vkernel;

LIST_HEAD(tracee_list, tracee);

/* Key: [I] immutable, [t] k->proctree */
struct tracer {
	const struct tracer_ops *ops; /* [t] set by the first attach */
	struct proc *p;               /* [I] its process; NULL: outside */
	struct tracee_list tracees;   /* [t] */
};

struct tracer_ops {
	/* The lwp of the tracee has stopped, or `ended` was set. proctree held,
	 * no proc lock. */
	void (*report)(struct tracee *);
};

/* Debug registers, see proc/lwp_watch.c. */
#define TRACE_WATCHES 4
struct trace_watch {
	uint64_t addr[TRACE_WATCHES], dr6, dr7;
};
static inline bool
trace_watch_enabled(uint64_t dr7, int i)
{
	return ((dr7 >> 2 * i & 3) != 0);
}
static inline int
trace_watch_type(uint64_t dr7, int i)
{
	return ((int)(dr7 >> (16 + 4 * i) & 3));
}
static inline unsigned
trace_watch_len(uint64_t dr7, int i)
{
	static const unsigned char len[4] = {1, 2, 8, 4};

	return (len[dr7 >> (18 + 4 * i) & 3]);
}

/*
 * A traced thread.  It is freed when it leaves the tracer's list, and may stay
 * there after the thread has ended, until that was waited for.
 * Key: [I], [t], [p] lock of `p`, [tp] both to change, one of them to read
 */
struct tracee {
	LIST_ENTRY(tracee) link;  /* [t] */
	struct tracer *tracer;    /* [tp] */
	int owner;                /* [t] tid of the tracer's thread */
	struct proc *p;           /* [I] own hold */
	struct lwp *l;            /* [tp] NULL: it has ended */
	int tid;                  /* [t] */
	bool seized;              /* [I] PTRACE_SEIZE */
	uint32_t options;         /* [tp] PTRACE_O_* */
	bool want_trap;           /* [p] stop before user code */
	uint64_t message;         /* [p] of the last event */
	struct trace_watch watch; /* [p] */
	/* After the end of the thread, or of the process for its first one. */
	bool ended;            /* [t] to be waited for */
	bool keeps_tid;        /* [t] tid is in use until this is freed */
	int status;            /* [t] wait(2) format */
	uint32_t uid;          /* [t] */
	uint64_t utime, stime; /* [t] ns */
};

/* In which system-call stop an lwp is: PTRACE_SYSCALL_INFO_*. */
enum trace_op { TRACE_OP_NONE, TRACE_OP_ENTRY, TRACE_OP_EXIT };

/* How an lwp goes on. */
enum trace_mode { TRACE_CONT, TRACE_SYSCALL, TRACE_STEP };

/*
 * A stop, on the stack of the stopped lwp's host thread.
 * Key: [L] that thread, before the stop and after it, [p] during it
 */
struct trace_stop {
	int code;             /* [L] signal, event in bits 8 to 15 */
	bool group;           /* [L] a stop of the whole process */
	bool signal;          /* [L] the tracer decides about `info` */
	bool at_exit;         /* [L] only SIGKILL ends it */
	enum trace_op op;     /* [L] */
	bool has_info;        /* [L] there is a siginfo */
	struct ksiginfo info; /* [p] */
	bool unreported;      /* [p] not waited for yet */
	bool listening;       /* [p] PTRACE_LISTEN */
	int sig;              /* [p] the tracer's answer, 0: none */
};

/* ---- for the tracee's own thread ---- */

/*
 * Stop until the tracer lets the calling lwp go.  No locks held; blocks.
 * True: it has stopped, and s->sig is the tracer's signal.  False: it is not
 * traced, and s is unchanged; or it is killed, and s->sig is 0.
 */
bool trace_stop(struct lwp *, struct trace_stop *s);
/* PTRACE_EVENT_*: stop if the tracer has chosen it.  True: it is chosen. */
bool trace_event(struct lwp *, int event, uint64_t message);
bool trace_event_chosen(struct lwp *, int event);

/* ---- attaching; proctree and the tracee's proc lock held ---- */

/* A record with a hold of p.  0, ENOMEM.  No locks held for both. */
int trace_alloc(struct proc *p, struct tracee **);
void trace_free(struct tracee *);
/* `owner` is the thread of the tracer.  l is not traced yet. */
void trace_link_locked(
    struct tracee *, struct tracer *, int owner, struct lwp *);
/* Take it off its tracer and let its lwp go with signal sig, -1: as its stop
 * would without a tracer.  The caller frees it with trace_free(), or puts it
 * into `dead` (by link) for trace_free_list(). */
void trace_unlink_locked(struct tracee *, int sig);
/* The record of an ended thread or process: proctree held, no proc lock. */
void trace_forget(struct tracee *, struct tracee_list *dead);
void trace_free_list(struct tracee_list *dead);
/* The child lwp nl of l is traced by l's tracer, if that has chosen `event` (0:
 * in any case).  *tr was allocated for nl's process, and becomes NULL when it
 * is used.  No locks held; nl does not run yet. */
void trace_inherit(
    struct lwp *l, struct lwp *nl, int event, struct tracee **tr);

/* ---- for the tracer; the proc lock of the tracee held ---- */

/* Let a stopped lwp go. */
void trace_resume_locked(struct lwp *, enum trace_mode, int sig);
/* Make it stop before it executes more user code; ends PTRACE_LISTEN. */
void trace_interrupt_locked(struct lwp *);
/* It may be looked at: stopped, and not listening. */
bool trace_stopped_locked(const struct lwp *);
/* Pid of the tracer; 0: none, or it is no guest. */
int trace_tracer_pid_locked(const struct lwp *);

/* ---- changes of the tracee and of the tracer ---- */

/* The lwp ends.  True: its number stays in use.  proctree and proc lock held.
 * *report: to be reported when the proc lock is released. */
bool trace_lwp_gone_locked(struct lwp *, struct tracee **report);
/* The process has become a zombie.  True: only its tracer may wait for it.
 * proctree held. */
bool trace_proc_gone(struct proc *, struct tracee_list *dead);
/* In exec, lwp `tid` has taken the number of its process, whose first lwp has
 * ended.  proctree held, no proc lock. */
void trace_exec(struct lwp *, int tid, struct tracee_list *dead);
/* A tracee of thread `tid` of p, which ends; NULL: no more.  proctree held. */
struct tracee *trace_owned(struct proc *p, int tid);

#endif /* KERN_BASE_TRACE_H */
