/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Processes: the structure, the table, and references to what a process owns.
 * Numbers the guest sees (signals, flags, errno, structures) are Linux
 * x86-64's (src/abi).
 */
#ifndef KERN_BASE_PROC_H
#define KERN_BASE_PROC_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "kern/base/ktimer.h"
#include "kern/base/ns.h"
#include "kern/base/sigpending.h"
#include "kern/base/trace.h"
#include "libk/klock.h"
#include "mem/vm_life.h"
#include "mem/vm_types.h"
#include "vfs/core/place.h"

#define PID_MAX 4194304

struct cred;
struct fdtable;
struct kmem_acct;
struct lwp;
struct mntns;
struct proc;
struct ptimer;
struct resident_trial;
struct session;
struct vkernel;
struct vmspace;
struct vnode;

/*
 * A number in use: of a process, or of an lwp that has another number than its
 * process.  Key: [t] k->proctree lock
 */
struct pid_entry {
	struct pid_entry *next; /* [t] chain of pid_hash */
	struct proc *p;         /* [t] NULL: not in the table */
	int id;                 /* [t] */
	int vid[PIDNS_LEVELS];  /* [t] numbers in inner name spaces; [I] once
				   it is in the table */
};

LIST_HEAD(proc_list, proc);
LIST_HEAD(lwp_list, lwp);

/* struct proc.state [p] */
enum proc_state {
	PROC_EMBRYO, /* in the table, not yet running */
	PROC_ALIVE,
	PROC_STOPPED, /* job control */
	PROC_ZOMBIE,  /* owns nothing any more, not yet reaped */
	PROC_DEAD,    /* reaped; only holds keep the structure */
};

enum { PROC_NRLIMITS = 16, PROC_AUXV = 48 };

/* What read(2), write(2) and their like have moved, and how often they were
 * called. */
enum proc_io { PROC_RCHAR, PROC_WCHAR, PROC_SYSCR, PROC_SYSCW, PROC_NIO };
struct proc_rlimit {
	uint64_t cur, max;
};

/* cwd, root, umask: shared by CLONE_FS. Own lock (leaf under PROC). */
struct proc_fs {
	_Atomic(uint32_t) refs;
	struct kmutex lock; /* rank FDTABLE */
	struct vplace cwd, root;
	struct mntns *ns; /* own ref; both places were in it */
	uint32_t umask;
};

/* Resource usage, filled when the process exits; times in ns. */
struct proc_rusage {
	uint64_t utime, stime, maxrss /* bytes */, minflt, majflt;
};

/*
 * Key: [I] immutable, [a] atomic, [t] k->proctree lock, [p] lock,
 *      [L] the owning lwps only (single-threaded change)
 */
struct proc {
	struct vm_life life;    /* [a] ref: the table's; holds: its users */
	struct vkernel *k;      /* [I] */
	struct kmem_acct *kmem; /* [I] own hold: what it is charged */
	uint64_t id;            /* [I] generation id */
	int pid;                /* [I] */
	struct kmutex lock;     /* rank PROC, DUPOK: parent before child */
	struct kcond cond;      /* [p] lwp count, stop/continue: broadcast
				   whenever exiting, single_lwp, state
				   or nlwps change */

	struct pid_entry pid_entry; /* [t] */
	struct proc *parent;        /* [t] NULL: started by the embedder */
	struct proc_list children;  /* [t] zombies included */
	LIST_ENTRY(proc) sibling;   /* [t] */
	LIST_ENTRY(proc) all;       /* [t] */
	_Atomic(int) pgid, sid;     /* [a], changed with [t] */
	struct session *session;    /* [t] */

	_Atomic(enum proc_state) state; /* [p]; to and from ZOMBIE also [t] */
	bool exiting;                   /* [p] exit_group has begun */
	bool killed;                    /* [p] SIGKILL was posted */
	int exit_status;                /* [p] wait(2) format */
	int exit_signal;                /* [p] to the parent, SIGCHLD or 0 */
	int stop_sig;                   /* [p] signal that stopped it */
	unsigned stop_count;            /* [p] how often it was stopped */
	uint64_t stopped_ns;            /* [p] when, CLOCK_MONOTONIC */
	bool swapped_out;               /* [p] since stopped_ns; see glue.c */
	bool stop_report, cont_report;  /* [p] for wait with WUNTRACED.. */
	bool traced_exec;               /* [p] has exec'ed (setpgid rule) */

	int parent_tid;        /* [I] the thread that made it, or 0 */
	struct tracer tracer;  /* what its threads trace */
	struct tracee *traced; /* [t] record of its first thread, or NULL */

	struct lwp_list lwps;   /* [p] */
	int nlwps;              /* [p] */
	struct lwp *single_lwp; /* [p] it execs, the others end; or NULL */

	struct vmspace *vmspace; /* [p] own ref; NULL for zombies */
	struct vnode *textvp; /* [p] own ref and text ref; NULL for zombies */
	struct proc *vfork_parent; /* [p] held; its lwp waits for vfork_done */
	bool vfork_done;           /* [p] child side: exec'ed or exited */

	struct ns_set *ns;        /* [p] own ref */
	_Atomic(uint32_t) ipc_ns; /* [a] number of its IPC name space */
	_Atomic(bool) offline;    /* [a] its network is an empty one */
	struct pidns *pidns;      /* [I] own ref: where its number is */

	struct fdtable *fdt;       /* [p] own ref; NULL for zombies. Own lwps
				      read it without the lock */
	_Atomic(bool) fdt_shared;  /* [a] CLONE_FILES without CLONE_THREAD;
				      set by any own lwp, cleared by exec */
	struct proc_fs *fs;        /* as fdt */
	struct sigacts *sigacts;   /* [p] own ref; valid until the last drop */
	struct sigpending sigpend; /* [p] process-directed */
	LIST_HEAD(, pidfd) pidfds; /* [t] see pidfd.c */
	LIST_HEAD(, sigfd_bind) sigfds; /* [p] see signalfd.c */
	unsigned nsigfds;               /* k->sigfd_lock, [p] */
	struct cred *cred; /* [p] own ref: that of its first thread, also after
			      its end; NULL until it has one */
	struct proc_rlimit rlim[PROC_NRLIMITS]; /* [p] */
	char comm[16]; /* [p] of its first thread, also after its end */
	bool dumpable, no_new_privs;   /* [p] */
	bool thp_disable;              /* [p] PR_SET_THP_DISABLE */
	_Atomic(uint32_t) personality; /* [a] */
	int oom_adj, oom_adj_min;      /* [p] LX_OOM_SCORE_ADJ_*; the value that
					  only CAP_SYS_RESOURCE goes below */
	uint32_t coredump_filter;      /* [p] stored for /proc only */
	uint32_t loginuid, sessionid;  /* [p] of the audit; UINT32_MAX: none */
	_Atomic(bool) child_subreaper; /* [a] */
	_Atomic(bool) async_files;     /* [a] it or its parent has had files
					  that sigio.c watches */
	int pdeathsig;                 /* [p] */
	uint64_t start_ns;             /* [I] CLOCK_MONOTONIC */
	struct proc_rusage ru, cru;    /* [p] own at exit, children's */
	uint64_t io[PROC_NIO];         /* [p] of lwps that have ended */
	uint64_t alarm_ns;             /* [p] ITIMER_REAL deadline, 0 none */
	uint64_t alarm_interval;       /* [p] ns */
	struct ktimer alarm_timer;     /* armed if alarm_ns is not 0 */
	LIST_HEAD(, ptimer) timers;    /* [p] of timer_create, ptimer.c */
	unsigned ntimers;              /* [p] */
	uint32_t timer_next;           /* [p] id to try, modulo 2^31 */
	struct ktimer cpu_timer;       /* of all timers that count CPU time */
	uint64_t cpu_seen;             /* [p] CPU time when it last fired */
	_Atomic(bool) cpu_parked; /* [a] it is not armed until an lwp enters
				     user code, see ptimer.c */
	struct cpu_itimer {
		uint64_t deadline, interval; /* ns of CPU time */
	} cpu_itimer[2];                /* [p] ITIMER_VIRTUAL, ITIMER_PROF */
	uint64_t saved_auxv[PROC_AUXV]; /* [p] for /proc auxv: pairs */
	bool embedder_waits; /* [t] started by vkernel_spawn, not waited */
	bool oom_victim;     /* [p] */
	struct resident_trial
	    *trial;      /* [I] not NULL: a trial run, see resident_trial.c */
	uint64_t oom_ns; /* [p] when it became a victim */
};

/* ---- lookup (proc.c, pid.c) ---- */

/* Live or zombie process by pid, with a vm_life hold; NULL: none. */
struct proc *proc_find_hold(struct vkernel *, int pid);
void proc_hold(struct proc *);
void proc_drop(struct proc *);
/* Real user id, and name with its NUL, of a process.  No locks at or above PROC
 * held. */
uint32_t proc_uid(struct proc *);
void proc_comm(struct proc *, char comm[16]);
/* Hold of the vmspace that the process has now; NULL for a zombie. */
struct vmspace *proc_vmspace_hold(struct proc *);
/* Ref'ed text vnode; NULL only for a zombie or a process that has not
 * exec'ed. */
struct vnode *proc_textvp_ref(struct proc *);
/* Ref'ed table / fs of another process; NULL for a zombie. */
struct fdtable *proc_fdt_ref(struct proc *);
struct proc_fs *proc_fs_ref(struct proc *);

/* The same without a hold. proctree held. */
struct proc *proc_find_locked(struct vkernel *, int pid);
/* The process that has an lwp `tid`, or is pid `tid`, held; NULL: none. */
struct proc *proc_find_tid_hold(struct vkernel *, int tid);
/* The entry of a number in use, or NULL.  proctree held. */
const struct pid_entry *pid_entry_locked(struct vkernel *, int id);
/* The same without a hold. proctree held. */
struct proc *proc_find_tid_locked(struct vkernel *, int tid);
/* The lwp, which stays valid until the proc lock is released; NULL: none.  Proc
 * lock held. */
struct lwp *proc_lwp_locked(struct proc *, int tid);
enum pid_use { PID_PROC, PID_THREAD }; /* the number of a process, a thread */
/* proctree held.  EAGAIN: all are in use, or the limit of processes or threads
 * is reached.  A number stays in use until pid_free(), and is not given out
 * while it names a group or session. */
int pid_alloc(struct vkernel *, enum pid_use, int *pid);
void pid_free(struct vkernel *, int pid);
/* Make a process findable by a number, and end that; an entry that is not in
 * the table is left alone.  proctree held. */
void pid_enter(struct vkernel *, struct pid_entry *, int id, struct proc *);
void pid_remove(struct vkernel *, struct pid_entry *);

/* proc_fs: a copy with one ref (umask, ref'ed vnodes); 0, ENOMEM. */
int proc_fs_copy(struct vkernel *, struct proc_fs *from, struct proc_fs **);
void proc_fs_free(struct vkernel *, struct proc_fs *); /* gives up a ref */

/* Usage so far of a live process or a zombie, of all its lwps, including ended
 * ones.  No locks held. */
void proc_rusage(struct proc *, struct proc_rusage *);
/* Every lwp of p that sleeps tests its condition again.  Proc lock held. */
void proc_wake_lwps(struct proc *);

/* Soft limit LX_RLIMIT_*.  No locks held. */
uint64_t proc_rlimit_cur(struct proc *, int which);

/* ---- making and unmaking (proc.c) ---- */

/* A process in no table, EMBRYO, no resources, one ref (the table's to be).
 * NULL: no memory. */
struct proc *proc_alloc(struct vkernel *);
/* Give up the table's ref.  No locks held. */
void proc_release(struct proc *);
/* Into the table as a child of parent (NULL: none).  proctree held. */
void proc_link(struct proc *, struct proc *parent);
/* Out of the table; the caller must then call proc_release() without the lock.
 * proctree held. */
void proc_unlink(struct proc *);
/* The same, collected in a list (linked by `all`). */
void proc_reap(struct proc *, struct proc_list *);
void proc_release_list(struct proc_list *);
/* Frees fdt, fs, textvp and vmspace of a process that never ran. */
void proc_undo(struct proc *);
/* p has its own memory now, or none: wake a parent that waits in vfork.  No
 * locks held. */
void proc_vfork_done(struct proc *);
/* Add what vm has counted to p->ru.  Proc lock held. */
void proc_account_vm(struct proc *, struct vmspace *);
/* Add the usage of another process: times and faults are summed, maxrss is the
 * larger one. */
void rusage_add(struct proc_rusage *, const struct proc_rusage *);

/* ---- glue.c: a stopped process is swapped out (returns pages), and back ----
 */

uint64_t kern_swap_idle(void *k);
void kern_swap_back(struct lwp *);

#endif /* KERN_BASE_PROC_H */
