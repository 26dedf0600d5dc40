/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Processes, lwps, and struct vkernel.  Numbers the guest sees (signals,
 * flags, errno, structures) are Linux x86-64's, defined in src/abi.
 */
#ifndef KERN_BASE_PROC_H
#define KERN_BASE_PROC_H

#include "cpu/cpu.h"
#include "kern/sig/ksignal.h"
#include "kern/ipc/sysvipc.h"
#include "libk/group_set.h"
#include "vfs/vfs.h"
#include "vm/vmspace.h"
#include "vmspace/vkernel.h"

struct proc;
struct lwp;

/*
 * A number in use: of a process, or of an lwp that has another number than its
 * process.  Key: [t] k->proctree lock
 */
struct pid_entry {
	struct pid_entry *next; /* [t] chain of pid_hash */
	struct proc *p;         /* [t] NULL: not in the table */
	int id;                 /* [t] */
};
struct resident_trial;

/* A session and its terminal. Key: all [t]. */
struct session {
	LIST_ENTRY(session) link;
	uint32_t refs; /* processes in it, zombies included */
	int sid;       /* pid of the leader, also after its death */
	int fg_pgid;   /* foreground group, 0 none */
	/* The controlling terminal: NULL none, the vkernel: its own, else a
	 * struct pty, which is alive as long as this says so. */
	const void *tty;
};

LIST_HEAD(proc_list, proc);
LIST_HEAD(lwp_list, lwp);

/* struct proc.state [p] */
enum proc_state {
	PROC_EMBRYO, /* in the table, not yet running */
	PROC_ALIVE,
	PROC_STOPPED, /* job control */
	PROC_ZOMBIE,  /* all resources gone, waits for its parent */
	PROC_DEAD,    /* reaped; only holds keep the structure */
};

enum { PROC_NRLIMITS = 16, PROC_AUXV = 48 };
struct proc_rlimit {
	uint64_t cur, max;
};

/* cwd, root, umask: shared by CLONE_FS. Own lock (leaf under PROC). */
struct proc_fs {
	_Atomic(uint32_t) refs;
	struct kmutex lock; /* rank FDTABLE */
	struct vnode *cwd, *root;
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
	struct vm_life life; /* [a] ref: the table's; holds: lookers */
	struct vkernel *k;   /* [I] */
	uint64_t id;         /* [I] generation id */
	int pid;             /* [I] */
	struct kmutex lock;  /* rank PROC, DUPOK: parent before child */
	struct kcond cond;   /* [p] lwp count, stop/continue: broadcast
				whenever exiting, single, state or
				nlwps change */

	struct pid_entry pid_entry; /* [t] */
	struct proc *parent;        /* [t] NULL: started by the embedder */
	struct proc_list children;  /* [t] zombies included */
	LIST_ENTRY(proc) sibling;   /* [t] */
	LIST_ENTRY(proc) all;       /* [t] */
	int pgid, sid;              /* [t] */
	struct session *session;    /* [t] */

	_Atomic(enum proc_state) state; /* [p]; to and from ZOMBIE also [t] */
	bool exiting;                   /* [p] exit_group has begun */
	int exit_status;                /* [p] wait(2) format */
	int exit_signal;                /* [p] to the parent, SIGCHLD or 0 */
	int stop_sig;                   /* [p] signal that stopped us */
	uint64_t stopped_ns;            /* [p] when, CLOCK_MONOTONIC */
	bool swapped_out;               /* [p] since then; see glue.c */
	bool stop_report, cont_report;  /* [p] for wait with WUNTRACED.. */
	bool traced_exec;               /* [p] has exec'ed (setpgid rule) */

	struct lwp_list lwps;   /* [p] */
	int nlwps;              /* [p] */
	bool single;            /* [p] an exec is thinning threads */
	struct lwp *single_lwp; /* [p] the one that stays */

	struct vmspace *vmspace;   /* [p] own ref; NULL for zombies */
	struct vnode *textvp;      /* [p] own ref and text ref (S1); NULL for
				      zombies */
	struct proc *vfork_parent; /* [p] held; its lwp waits for vfork_done */
	bool vfork_done;           /* [p] child side: exec'ed or exited */

	struct fdtable *fdt;       /* [p] own ref; NULL for zombies. Own lwps
				      read it without the lock */
	_Atomic(bool) fdt_shared;  /* [a] CLONE_FILES without CLONE_THREAD;
				      set by any own lwp, cleared by exec */
	struct proc_fs *fs;        /* as fdt */
	struct sigacts *sigacts;   /* [p] own ref; valid until the last drop */
	struct sigpending sigpend; /* [p] process-directed */
	LIST_HEAD(, sigfd_bind) sigfds;            /* [p] see sys_signalfd.c */
	unsigned nsigfds;                          /* k->sigfd_lock, [p] */
	uint32_t uid, euid, suid, gid, egid, sgid; /* [p] */
	struct group_set *groups;                  /* [p] own ref; NULL: none */
	struct proc_rlimit rlim[PROC_NRLIMITS];    /* [p] */
	char comm[16];                             /* [p] */
	bool dumpable, no_new_privs, child_subreaper; /* [p] */
	int pdeathsig;                                /* [p] */
	uint64_t start_ns;                            /* [I] CLOCK_MONOTONIC */
	struct proc_rusage ru, cru; /* [p] own at exit, children's */
	uint64_t alarm_ns;          /* [p] ITIMER_REAL deadline, 0 none */
	uint64_t alarm_interval;    /* [p] ns */
	LIST_HEAD(, ptimer) timers; /* [p] of timer_create, ptimer.c */
	unsigned ntimers;           /* [p] */
	uint32_t timer_next;        /* [p] id to try, modulo 2^31 */
	uint64_t cpu_seen;          /* [p] CPU time when a timer that counts it
				       was last looked at */
	_Atomic(bool) cpu_parked;   /* [a] nobody looks at these until an lwp
				       enters user code, see ptimer.c */
	struct cpu_itimer {
		uint64_t deadline, interval; /* ns of CPU time */
	} cpu_itimer[2];                /* [p] ITIMER_VIRTUAL, ITIMER_PROF */
	uint64_t saved_auxv[PROC_AUXV]; /* [p] for /proc auxv: pairs */
	bool embedder_waits; /* [t] started by vkernel_spawn, not waited */
	bool oom_victim;     /* [p] */
	struct resident_trial
	    *trial;      /* [I] not a process: see resident_trial.c */
	uint64_t oom_ns; /* [p] when it became one */
};

#define LWP_CPUS 1024 /* CPU numbers that a set can have */

#define LWP_IN_USER (UINT64_C(1) << 63) /* in lwp.user_clock */

enum lwp_state { LWP_RUN, LWP_SLEEP, LWP_STOPPED, LWP_GONE };

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
	_Atomic(int) state;         /* [a] enum lwp_state */

	int nice;                   /* [p] */
	uint8_t cpus[LWP_CPUS / 8]; /* [p] sched_setaffinity, if cpus_set */
	bool cpus_set;              /* [p] */
	uint64_t sigmask;           /* [p] */
	uint64_t sigmask_saved;     /* [L] for sigsuspend/ppoll/epoll_pwait */
	bool sigmask_restore;       /* [L] */
	struct sigpending sigpend;  /* [p] thread-directed */
	uint64_t sigwait;           /* [p] blocked signals that rt_sigtimedwait
				       waits for: they wake, and are kept even
				       where the disposition ignores them */
	bool sigfdwait;             /* [p] reads a signalfd: wake it */
	struct ksigaltstack altstack; /* [L] */
	_Atomic(bool) sigcheck; /* [a] something to look at before user mode */

	/* Sleeping (lwp_sleep.c). */
	struct kmutex wake_lock; /* rank LEAF */
	struct kcond wake_cond;
	bool woken;    /* [s] */
	bool inpoll;   /* [s] in a host poll: wake through kickfd */
	bool killonly; /* [L] only death interrupts (vfork wait) */
	int kickfd;    /* [s] eventfd, made on first use, or -1 */
	bool exiting;  /* [L] kern_exit() was called: unwind */

	vm_offset_t clear_tid; /* [L] set_tid_address, CLONE_CHILD_CLEARTID */
	vm_offset_t set_child_tid;     /* [L] CLONE_CHILD_SETTID */
	vm_offset_t robust_list;       /* [L] */
	uint64_t robust_len;           /* [L] */
	struct sem_undo_list *semundo; /* [L] own ref, or NULL */
	struct group_set *groups; /* [L] own ref: see lwp_groups_locked() */
	bool groups_lent;         /* [L] in this system call */

	/* System call in progress. */
	int sc_nr;           /* [L] */
	uint64_t sc_args[6]; /* [L] */
	/* ERESTART handling: EINTR or restart is decided by the signal. */
	int (*restart_fn)(struct lwp *, int64_t *ret); /* [L] restart_syscall */
	uint64_t restart_arg[6];                       /* [L] */
	/* [a] wall time in user code; CPU time of the host thread, as of the
	 * last lwp_times_update(). */
	_Atomic(uint64_t) user_ns, sys_ns;
	_Atomic(uint64_t) user_clock; /* [a] in user code LWP_IN_USER and when
					 it entered less user_ns; else user_ns:
					 one word, so that who reads it never
					 sees a step */
	uint64_t times_ns; /* [L] when sys_ns was last brought up to date */
};

struct syscall_count {
	_Atomic(uint64_t) calls, enosys;
};

#define PID_HASH 4096

/* The kernel instance. [I] unless noted. */
struct vkernel {
	struct vkernel_config config; /* strings are own copies */
	struct klog log;
	struct ktrace trace;
	FILE *strace;
	struct vm_system vm;
	struct vfs *vfs;
	const struct cpu_ops *cpu_ops;
	void *machine;                 /* argument of cpu_ops */
	struct stub_machine *stub;     /* the same, or NULL on a fake machine */
	bool vm_ready;                 /* vm_system_init() succeeded */
	bool pageout;                  /* the pageout daemon runs */
	LIST_HEAD(, vkdevice) devices; /* [t] */
	LIST_HEAD(, vkdevmem) devmem;  /* [t] */
	struct kcond file_cond;        /* a file has left the list */
	struct sysv_ipc ipc;           /* see there */
	struct kmutex sigfd_lock;      /* rank SIGFD */
	LIST_HEAD(, vkfile) files;     /* file_lock */
	struct kmutex file_lock;       /* rank LEAF */
	LIST_HEAD(, resident_trial) trials; /* resident_lock */
	LIST_HEAD(, resident_mark) marks;   /* resident_lock */
	struct kmutex resident_lock;        /* rank LEAF */
	LIST_HEAD(, vkrun) runs;            /* run_lock */
	struct kmutex run_lock;             /* rank RUN */
	struct kcond run_cond;              /* a run changed its state */

	struct kmutex proctree;        /* rank PROCTREE */
	struct kcond all_gone;         /* [t] */
	struct proc_list procs;        /* [t] every proc, zombies included */
	LIST_HEAD(, session) sessions; /* [t] */
	uint64_t nprocs, nlive;        /* [t] in the table; not zombies */
	int next_pid;                  /* [t] */
	uint64_t *pid_map; /* [t] pids and tids in use, a bit each */
	bool pid_wrapped;  /* [t] numbers have been reused */
	struct pid_entry *pid_hash[PID_HASH]; /* [t] by number modulo that */
	struct vm_zone *z_proc, *z_lwp, *z_sigacts, *z_session, *z_fs, *z_sigq;
	_Atomic(uint64_t) procs_created, lwps_created, nexecs, noom, nsyscalls;
	struct syscall_count *sc_count;    /* [a] by number */
	_Atomic(uint64_t) enosys_seen[32]; /* [a] hashes of (call, program)
				    whose ENOSYS was logged */
	struct futex_table *futexes;
	struct timer_state *timer;       /* ITIMER_REAL, timer.c */
	_Atomic(unsigned) ntimers;       /* of timer_create */
	struct kmutex thread_lock;       /* rank LEAF */
	struct kcond thread_cond;        /* nthreads became 0 */
	uint64_t nthreads;               /* lwp threads started; thread_lock */
	struct host_thread *thread_last; /* ended, not joined; thread_lock */
	int tty_fd;                      /* own dup of the terminal, or -1 */
	char hostname[65];
	unsigned std_open; /* descriptors 0..2 that were open at creation */
	uint64_t boot_ns;
	uint64_t oom_gone_ns; /* [t] when a victim last was all gone */
	_Atomic(bool) dying;  /* vkernel_destroy has begun */
};

/* ---- lookup (proc.c, pid.c) ---- */

/* Live or zombie process by pid, held: vm_life hold; NULL none. */
struct proc *proc_find_hold(struct vkernel *, int pid);
void proc_hold(struct proc *);
void proc_drop(struct proc *);
/* Hold of the vmspace that the process has now; NULL for a zombie. */
struct vmspace *proc_vmspace_hold(struct proc *);
/* Ref'ed text vnode; NULL only for a zombie or one not yet exec'ed (S1). */
struct vnode *proc_textvp_ref(struct proc *);
/* Ref'ed table / fs of another process; NULL for a zombie. */
struct fdtable *proc_fdt_ref(struct proc *);
struct proc_fs *proc_fs_ref(struct proc *);

/* proctree held: no hold taken; NULL none. */
struct proc *proc_find_locked(struct vkernel *, int pid);
/* The process that has an lwp `tid` (or is pid `tid`), held; NULL none. */
struct proc *proc_find_tid_hold(struct vkernel *, int tid);
/* The same, proctree held: no hold taken. */
struct proc *proc_find_tid_locked(struct vkernel *, int tid);
/* Proc lock held: the lwp stays valid until it is dropped. NULL none. */
struct lwp *proc_lwp_locked(struct proc *, int tid);
/* proctree held.  EAGAIN when all are in use.  A number stays in use until
 * pid_free(), and is not given out while it names a group or session. */
int pid_alloc(struct vkernel *, int *pid);
void pid_free(struct vkernel *, int pid);
/* Make a process findable by a number, and end that; an entry that is not in
 * the table is left alone.  proctree held. */
void pid_enter(struct vkernel *, struct pid_entry *, int id, struct proc *);
void pid_remove(struct vkernel *, struct pid_entry *);

/* proc_fs: a copy with one ref (umask, ref'ed vnodes); 0, ENOMEM. */
int proc_fs_copy(struct vkernel *, struct proc_fs *from, struct proc_fs **);
void proc_fs_free(struct vkernel *, struct proc_fs *); /* gives up a ref */

/* ---- sessions and groups (session.c).  No locks held. ---- */

/* setsid(2).  0 and *sid, EPERM. */
int proc_setsid(struct proc *, int *sid);
/* setpgid(2) by `self`; pid, pgid may be 0.  EINVAL, ESRCH, EPERM, EACCES. */
int proc_setpgid(struct proc *self, int pid, int pgid);
/* TIOCGPGRP/TIOCSPGRP/TIOCGSID/TIOCSCTTY on a terminal (as in struct session)
 * as the controlling one of p; `any`: of whichever session, by the master of a
 * pty.  ENOTTY when p's session has another or none; set_fg: ESRCH (no such
 * group), EPERM (not in the session); set_ctty: EPERM (no session leader, it
 * has one, or another session has it). */
int session_get_fg(struct proc *, const void *tty, bool any, int *pgid);
int session_set_fg(struct proc *, const void *tty, int pgid);
int session_get_sid(struct proc *, const void *tty, bool any, int *sid);
int session_set_ctty(struct proc *, const void *tty);
/* TIOCNOTTY.  When the leader does it, the foreground group gets SIGHUP and
 * SIGCONT.  ENOTTY. */
int session_notty(struct proc *, const void *tty);
/* No member of the group has its parent in another group of the session:
 * tty stops are not for it. */
bool pgrp_orphaned(struct vkernel *, int pgid);

/* ---- life of processes: all 0 or errno ---- */

struct kern_clone_args {
	uint64_t flags; /* CLONE_*, exit signal not included */
	int exit_signal;
	vm_offset_t stack; /* new rsp, 0: same */
	vm_offset_t tls;   /* CLONE_SETTLS */
	vm_offset_t parent_tid, child_tid;
};
/* fork, vfork, clone, thread creation (fork.c).  *tid: of the child. */
int kern_clone(struct lwp *, const struct kern_clone_args *, int *tid);
/* exec.c: replaces the image. On success registers are those of the new
 * image.  Errors as execve(2), the caller unharmed; after the commit point a
 * failure kills with SIGKILL.  argv/envp: kernel copies. */
struct exec_args {
	const char *path; /* for AT_EXECFN and comm */
	struct vnode *vp; /* ref'ed by the caller; resolved program */
	size_t argc, envc;
	char **argv, **envp; /* NUL-terminated strings, kernel memory */
	size_t bytes;        /* of all strings */
	void *chunks;        /* exec_args.c: memory of the strings */
};
#define EXEC_ARG_MAX (2u << 20)
#define EXEC_STRLEN_MAX (128u << 10)
/* Borrows everything in args; on success the lwp's registers are those of
 * the new image: the caller returns EJUSTRETURN. */
int kern_exec(struct lwp *, struct exec_args *);
/*
 * exec_args.c: argument vectors as kernel copies.  init, then either copyin
 * (user vectors; 0 address: empty) or set (kernel vectors; NULL: empty), and
 * in any case free.  E2BIG, EFAULT, ENOMEM.
 */
void exec_args_init(struct exec_args *);
int exec_args_copyin(
    struct lwp *, vm_offset_t argv, vm_offset_t envp, struct exec_args *);
int exec_args_set(
    struct exec_args *, const char *const *argv, const char *const *envp);
void exec_args_free(struct exec_args *);
/* Ends the calling lwp; with group, the whole process with `status`.  Never
 * returns to user mode: the caller unwinds to lwp_main (see lwp.h). */
void kern_exit(struct lwp *, int status, bool group);
/* The end of an lwp, by lwp_main only; with the last one, of the process.
 * Neither may be touched afterwards. */
void lwp_exit(struct lwp *);
/* Tell the parent that p stopped or continued (CLD_STOPPED 5, CLD_CONTINUED
 * 6, and the signal number): SIGCHLD and wait.  The caller has set
 * stop_report/cont_report.  No locks held; SA_NOCLDSTOP is honoured. */
void proc_report_parent(struct proc *, int cld_code, int sig);
/* wait4/waitid.  EINTR via ERESTART, ECHILD. */
struct kern_wait_result {
	int pid;    /* 0 with WNOHANG and nothing to report */
	int status; /* wait(2) format */
	uint32_t uid;
	struct proc_rusage ru;
};
#define KWAIT_EXITED 1
#define KWAIT_STOPPED 2
#define KWAIT_CONTINUED 4
#define KWAIT_NOHANG 8
#define KWAIT_NOWAIT 16 /* leave it waitable */
/* which: pid > 0 that child; 0 own group; -1 any; < -1 group -pid. */
int kern_wait(struct lwp *, int which, int options, struct kern_wait_result *);

/* ---- the loop (lwp.c) ---- */

/* Body of the host thread of an lwp: cpu_run, dispatch event, signals. */
void lwp_main(void *lwp);
/* A new lwp of p with a cpu_thread; not started, on p->lwps. */
int lwp_create(struct proc *p, int tid, struct lwp **);
int lwp_start(struct lwp *); /* starts its host thread */
/* Identity, cwd and root of the lwp's process for a vfs call; owns refs of
 * cwd and root, so that a chdir by another thread does no harm. */
struct vfs_ctx lwp_vfs_ctx(struct lwp *);
void lwp_vfs_ctx_done(struct vfs_ctx *);
/* The supplementary groups of the calling lwp's process, borrowed: valid, and
 * the same at each call, until the lwp returns to user code.  Proc lock held,
 * own host thread only. */
const struct group_set *lwp_groups_locked(struct lwp *);
/* Bring sys_ns up to date.  Own host thread only. */
void lwp_times_update(struct lwp *);
/* CPU time of an lwp up to now, and of its whole process (proc lock held); in
 * user code alone, or all. */
uint64_t lwp_cpu_ns(const struct lwp *, uint64_t now, bool all);
bool lwp_in_user(const struct lwp *);
uint64_t proc_cpu_ns_locked(struct proc *, uint64_t now, bool all);
/* Usage so far of a live process or a zombie: all lwps, ended ones too.  No
 * locks held. */
void proc_rusage(struct proc *, struct proc_rusage *);
/* The lwp whose host thread this is; NULL for other threads. */
struct lwp *lwp_current(void);
/* For a thread that drives an lwp without being its own (resident_trial.c). */
void lwp_set_current(struct lwp *);
/* Something changed that this lwp must look at before user mode: sets
 * sigcheck, wakes, interrupts.  Proc lock held (keeps the lwp valid). */
void lwp_notify(struct lwp *);
/* Every lwp of p that sleeps tests its condition again.  Proc lock held. */
void proc_wake_lwps(struct proc *);

/*
 * Sleep until lwp_wakeup(), a deliverable signal (EINTR, i.e. ERESTART at
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
/* The wait of struct vfs_ctx: host descriptor or signal. hostfd -1: only the
 * deadline and signals. */
int lwp_wait_fd(void *lwp, int hostfd, short events, uint64_t deadline_ns);
/* poll many host descriptors; n may be 0. 0 and *nready; EINTR. */
struct host_pollfd;
int lwp_poll(struct lwp *, struct host_pollfd *fds, int n, uint64_t deadline_ns,
    int *nready);
/* A signal is deliverable now, or the lwp must go (exit, exec of another
 * thread).  No locks at or above PROC held. */
bool lwp_interrupted(struct lwp *);
/* The lwp must go, or SIGKILL is pending. Proc lock held. */
bool lwp_killed_locked(struct lwp *);

/* ---- timers (timer.c) ---- */

/* ITIMER_REAL: deadline (CLOCK_MONOTONIC ns, 0 off) and interval (ns, 0
 * once); the old values when the pointers are not NULL.  0, ENOMEM, EAGAIN. */
int proc_set_alarm(struct proc *, uint64_t deadline_ns, uint64_t interval,
    uint64_t *old_deadline, uint64_t *old_interval);

/* ---- futexes (futex.c) ---- */

int futex_table_create(struct vkernel *, struct futex_table **);
void futex_table_destroy(struct vkernel *, struct futex_table *);
/*
 * The lwp leaves its vmspace (exit, exec): walk the robust list, then store 0
 * at clear_tid and wake one waiter there; both are forgotten.  Best effort on
 * user memory.  No locks held.
 */
void futex_lwp_exit(struct lwp *);
/* Wake up to n waiters of a shared word.  No locks held. */
void futex_wake_key(struct vkernel *, const struct vm_futex_key *, int n);

#endif /* KERN_BASE_PROC_H */
