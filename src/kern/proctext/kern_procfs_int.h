/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What the files that make texts of processes share.
 */
#ifndef KERN_PROCTEXT_KERN_PROCFS_INT_H
#define KERN_PROCTEXT_KERN_PROCFS_INT_H

#include "abi/time.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/proctext/kern_procfs.h"
#include "vfs/procfs/procfs.h"

#define TICK_NS (UINT64_C(1000000000) / LX_USER_HZ)

/* printf's %llu takes nothing else. */
typedef unsigned long long ull;

/*
 * A snapshot of a process, or of one thread of it, for one text.  What it says
 * of "the thread" is said of the first thread if the whole process is meant.
 */
struct procfs_proc {
	struct proc *p;     /* held */
	struct vmspace *vm; /* held; NULL for a zombie */
	int pid, tid, ppid, pgid, sid, tty, fg, nlwps, nice, exit_signal,
	    exit_status, tracer;
	struct {
		int pid, tid, ppid, pgid, sid, fg, tracer;
	} seen;      /* the same as the reader numbers them; 0: not visible */
	bool thread; /* one thread is meant */
	char state, comm[16];
	uint32_t umask;
	struct cred *cred; /* own ref; of the thread */
	bool no_new_privs;
	bool execed;   /* since the fork that made the process */
	bool may_look; /* the reader may see addresses */
	uint64_t sigpnd, shdpnd, blocked, ignored, caught;
	uint64_t start_ns;
	uint64_t user_ns, sys_ns; /* of the thread */
	struct proc_rusage cru;
	uint64_t io[PROC_NIO]; /* of the thread, or of all */
	struct proc_rlimit rlim[PROC_NRLIMITS];
	uint64_t auxv[PROC_AUXV];
	uint8_t cpus[LWP_CPUS / 8]; /* that the thread may use */
	uint64_t slack_ns;
	int seccomp; /* LX_SECCOMP_MODE_*, and how many filters */
	unsigned seccomp_filters;
	int oom_adj;
	uint32_t coredump_filter, loginuid, sessionid;
};

/* ---- kern_procfs_maps.c: texts about memory ---- */

int pid_text_maps(struct procfs_proc *, struct procfs_buf *);
int pid_text_smaps(struct procfs_proc *, struct procfs_buf *);
int pid_text_smaps_rollup(struct procfs_proc *, struct procfs_buf *);
int pid_text_numa_maps(struct procfs_proc *, struct procfs_buf *);
int pid_text_vmspace(struct procfs_proc *, struct procfs_buf *);
int pid_text_statm(struct procfs_proc *, struct procfs_buf *);
int pid_text_cmdline(struct procfs_proc *, struct procfs_buf *);
int pid_text_environ(struct procfs_proc *, struct procfs_buf *);

/* ---- kern_procfs_status.c: stat, status and their like ---- */

int pid_text_stat(struct procfs_proc *, struct procfs_buf *);
int pid_text_status(struct procfs_proc *, struct procfs_buf *);
int pid_text_schedstat(struct procfs_proc *, struct procfs_buf *);
int pid_text_io(struct procfs_proc *, struct procfs_buf *);

/* ---- kern_procfs_task.c ---- */

int pid_text_syscall(struct procfs_proc *, struct procfs_buf *);
int pid_text_stack(struct procfs_proc *, struct procfs_buf *);
int pid_text_sched(struct procfs_proc *, struct procfs_buf *);
int pid_write_sched(struct procfs_proc *, const char *, size_t);
int pid_text_timers(struct procfs_proc *, struct procfs_buf *);
int pid_text_attr(struct procfs_proc *, struct procfs_buf *);
int pid_write_attr(struct procfs_proc *, const char *, size_t);

/* ---- kern_procfs_mount.c ---- */

int pid_text_mounts(struct procfs_proc *, struct procfs_buf *);
int pid_text_mountinfo(struct procfs_proc *, struct procfs_buf *);
int pid_text_mountstats(struct procfs_proc *, struct procfs_buf *);

/* ---- kern_procfs_set.c: what can be written, and short texts ---- */

int pid_text_comm(struct procfs_proc *, struct procfs_buf *);
int pid_write_comm(struct procfs_proc *, const char *, size_t);
int pid_text_oom_score(struct procfs_proc *, struct procfs_buf *);
int pid_text_oom_adj(struct procfs_proc *, struct procfs_buf *);
int pid_write_oom_adj(struct procfs_proc *, const char *, size_t);
int pid_text_oom_score_adj(struct procfs_proc *, struct procfs_buf *);
int pid_write_oom_score_adj(struct procfs_proc *, const char *, size_t);
int pid_text_coredump_filter(struct procfs_proc *, struct procfs_buf *);
int pid_write_coredump_filter(struct procfs_proc *, const char *, size_t);
int pid_write_clear_refs(struct procfs_proc *, const char *, size_t);
int pid_text_timerslack(struct procfs_proc *, struct procfs_buf *);
int pid_write_timerslack(struct procfs_proc *, const char *, size_t);
int pid_text_loginuid(struct procfs_proc *, struct procfs_buf *);
int pid_write_loginuid(struct procfs_proc *, const char *, size_t);
int pid_text_sessionid(struct procfs_proc *, struct procfs_buf *);

#endif /* KERN_PROCTEXT_KERN_PROCFS_INT_H */
