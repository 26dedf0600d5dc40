/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The life of a process: fork, the loop of an lwp, exit, wait, and the
 * out-of-memory policy.
 */
#ifndef KERN_PROC_PROCESS_H
#define KERN_PROC_PROCESS_H

#include <stdint.h>

#include "kern/base/lwp.h"
#include "kern/base/proc.h"

struct kern_clone_args {
	uint64_t flags; /* CLONE_*, exit signal not included */
	int exit_signal;
	vm_offset_t stack; /* new rsp, 0: same */
	vm_offset_t tls;   /* CLONE_SETTLS */
	vm_offset_t parent_tid, child_tid;
	/* CLONE_PIDFD, or NULL: a file of the caller (pidfd_create), which
	 * names the child afterwards, and where to store its number. */
	struct file *pidfd;
	vm_offset_t pidfd_nr;
};
/* fork, vfork, clone, thread creation (fork.c).  *tid: of the child. */
int kern_clone(struct lwp *, const struct kern_clone_args *, int *tid);
/* End an lwp, and with the last one its process.  By lwp_main() only; neither
 * may be touched afterwards. */
void lwp_exit(struct lwp *);
/* A zombie whose end its tracer has seen, or that is not traced any more:
 * report it to its parent, or reap it into the list.  proctree held. */
void exit_untraced(struct proc *, struct proc_list *reaped);
/* lwp_trace.c: a system call and the end of an lwp that may be traced.  The
 * result is that of struct syscall_ops.dispatch. */
int lwp_syscall(struct lwp *);
void lwp_trace_exit(struct lwp *);
/* lwp_watch.c: cpu_run(), one instruction of it where a tracer needs that. */
int lwp_run(struct lwp *, struct cpu_event *);
/* wait4/waitid.  EINTR via ERESTARTSYS, ECHILD. */
struct kern_wait_result {
	int pid;      /* 0 with WNOHANG and nothing to report */
	int status;   /* wait(2) format */
	bool trapped; /* the stop of a tracee; the event is in bits 16 to 23 */
	uint32_t uid;
	struct proc_rusage ru;
};
#define KWAIT_EXITED 1
#define KWAIT_STOPPED 2
#define KWAIT_CONTINUED 4
#define KWAIT_NOHANG 8
#define KWAIT_NOWAIT 16 /* leave it waitable */
/* Children whose end is not told by SIGCHLD, instead of the others; or both
 * kinds; children of the calling thread only. */
#define KWAIT_CLONE 32
#define KWAIT_ALL 64
#define KWAIT_THREAD 128
/* which: pid > 0 that child; 0 own group; -1 any; < -1 group -pid. */
int kern_wait(struct lwp *, int which, int options, struct kern_wait_result *);

/* Body of the host thread of an lwp: cpu_run, dispatch event, signals. */
void lwp_main(void *lwp);
int lwp_start(struct lwp *); /* starts its host thread */
/* Take an lwp off its process's list and free it.  It has no host thread, or
 * has not been started. */
void lwp_undo(struct lwp *);
/* Called by the host thread of an lwp as its last action: see lwp_main.c. */
void lwp_thread_done(struct vkernel *, struct host_thread *self);
/* Wait until no lwp thread exists. */
void lwp_threads_drain(struct vkernel *);

/* The policy of vm_system.oom: choose and kill a process. 0: memory was or will
 * be freed, try again; ENOMEM: the caller's process is ending. */
int kern_oom(void *vkernel, struct vmspace *);
/* The policy of vm_system.thrashing: discard resident images, or kill a
 * process.  And vm_system.work. */
void kern_oom_thrashing(void *vkernel);
uint64_t kern_oom_work(void *vkernel);
/* /proc/PID/oom_score: how likely the choice is, 0 to 2000; 0 also for a
 * process without memory.  No locks held. */
unsigned kern_oom_score(struct proc *);

#endif /* KERN_PROC_PROCESS_H */
