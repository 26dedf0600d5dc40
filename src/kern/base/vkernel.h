/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * struct vkernel: one kernel instance.  All state hangs off it, so that a
 * process can have several.
 */
#ifndef KERN_BASE_VKERNEL_H
#define KERN_BASE_VKERNEL_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "abi/prctl.h"
#include "kern/base/proc.h"
#include "libk/klock.h"
#include "libk/klog.h"
#include "libk/ktrace.h"
#include "mem/vm_types.h"
#include "vmspace/vkernel.h"

struct aio_state;
struct exec_image;
struct host_thread;
struct key_state;
struct mq_state;
struct ns_set;
struct procfs_buf;
struct resident_trial;
struct sigio_state;
struct stub_machine;
struct sysv_ipc;
struct vfs;

struct syscall_count {
	_Atomic(uint64_t) calls, enosys;
};

#define PID_HASH 4096

/*
 * The system-call interface (src/linux), which kern does not know otherwise.
 * - dispatch: one system-call event of the lwp: decode, act, store the result
 *   in its registers; returns the errno or a code of restart.h.
 * - ncalls, name: the calls that are counted, by number; NULL: no such call.
 */
struct syscall_ops {
	int (*dispatch)(struct lwp *);
	unsigned ncalls;
	const char *(*name)(unsigned nr);
};

/*
 * Resident images (kern/resident), as exec, procfs and the out-of-memory
 * policy use them.  The middle six are hooks of a trial run, which p->trial
 * names; theory in resident_trial.c.
 */
struct resident_ops {
	/* An image activator; ENOEXEC: not resident, a cold exec goes on. */
	int (*activate)(struct exec_image *);

	/* Replaces the random numbers of an ordinary exec. */
	uint64_t (*random)(struct resident_trial *);
	void (*bytes)(struct resident_trial *, void *buf, size_t len);
	/* Bytes that the stack of this trial lies below the usual place. */
	uint64_t (*shift)(const struct resident_trial *);
	/* exec itself has looked up a name, that of the interpreter, and found
	 * vp. 0, ENOEXEC, ENOMEM, EAGAIN. */
	int (*name)(struct resident_trial *, const char *path, struct vnode *);
	/* The stack is made; `entry` is what AT_ENTRY says. */
	void (*note)(
	    struct resident_trial *, const struct exec_image *, uint64_t entry);
	/* The trial has looked up its own process. */
	void (*self)(struct resident_trial *);

	/* Out of memory: discard all images and trials.  True: there was
	 * one. */
	bool (*shed)(struct vkernel *);
};
#define RESIDENT_TRAP 0x5a0 /* above the stack: where a trial ends */

/* The kernel instance. [I] unless noted. */
struct vkernel {
	struct vkernel_config config; /* strings are own copies */
	struct klog log;
	struct ktrace trace;
	FILE *strace;
	struct vm_system vm;
	struct vfs *vfs;
	const struct cpu_ops *cpu_ops;
	void *machine;             /* argument of cpu_ops */
	struct stub_machine *stub; /* the same, or NULL on a fake machine */
	/* [I] What the host's prctl says of this process; -1: nothing. */
	int speculation[LX_PR_SPEC_KINDS];
	bool vm_ready;                  /* vm_system_init() succeeded */
	bool pageout;                   /* the pageout daemon runs */
	LIST_HEAD(, vkdevice) devices;  /* [t] */
	LIST_HEAD(, vkdevmem) devmem;   /* [t] */
	struct kcond file_cond;         /* a file has left the list */
	struct ns_set *ns;              /* [I] the first name spaces */
	_Atomic(unsigned) nns;          /* name spaces of all processes */
	_Atomic(uint64_t) cred_serials; /* the last one given to a cred */
	/* Of kern/ipc: an IPC name space has ended. */
	void (*ipc_ns_end)(struct vkernel *, uint32_t ino);
	struct sysv_ipc *ipc;               /* [I] kern/ipc/sysvipc.h */
	struct aio_state *aio;              /* [I] kern/ipc/aio.c */
	struct mq_state *mq;                /* [I] kern/ipc/mqueue.c */
	struct sigio_state *sigio;          /* [I] kern/sig/sigio.c */
	struct key_state *keys;             /* [I] kern/ipc/keys.c */
	struct kmutex sigfd_lock;           /* rank SIGFD */
	LIST_HEAD(, vkfile) files;          /* file_lock */
	struct kmutex file_lock;            /* rank LEAF */
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
	uint64_t nids;                 /* [t] pids and tids in use */
	uint64_t refused_procs, refused_threads; /* [t] by a limit */
	int next_pid;                            /* [t] */
	uint64_t *pid_map; /* [t] pids and tids in use, a bit each */
	bool pid_wrapped;  /* [t] numbers have been reused */
	struct pid_entry *pid_hash[PID_HASH]; /* [t] by number modulo that */
	struct vm_zone *z_proc, *z_lwp, *z_sigacts, *z_session, *z_fs, *z_sigq;
	_Atomic(uint32_t) next_session; /* for struct proc.sessionid */
	_Atomic(uint64_t) procs_created, lwps_created, nexecs, noom, nsyscalls;
	const struct syscall_ops *sysops;    /* the layer above */
	const struct resident_ops *resident; /* kern/resident, or NULL */
	struct syscall_count *sc_count;      /* [a] by number */
	_Atomic(uint64_t) enosys_seen[32];   /* [a] hashes of (call, program)
				      whose ENOSYS was logged */
	struct futex_table *futexes;
	_Atomic(uint64_t) nfutex_pi;     /* waiters of futex_pi.c */
	struct timer_state *timer;       /* ktimer.c */
	_Atomic(unsigned) ntimers;       /* of timer_create */
	struct kmutex thread_lock;       /* rank LEAF */
	struct kcond thread_cond;        /* nthreads became 0 */
	uint64_t nthreads;               /* lwp threads started; thread_lock */
	struct host_thread *thread_last; /* ended, not joined; thread_lock */
	int tty_fd;                      /* own dup of the terminal, or -1 */
	char hostname[65];
	unsigned std_open; /* descriptors 0..2 that were open at creation */
	uint64_t boot_ns;
	uint64_t kcmp_key[2]; /* random: hides addresses from guests */
	uint64_t oom_gone_ns; /* [t] when the last victim had given back all
				 memory */
	_Atomic(bool) dying;  /* vkernel_destroy has begun */
	struct kmutex
	    pause_lock;       /* rank PAUSE: one pause or resume at a time */
	_Atomic(bool) paused; /* [a] no lwp runs user code */
	/* [t] vkernel_watch_exits() */
	void (*exit_fn)(void *arg, int pid);
	void *exit_arg;
};

/* The kernel that an address space belongs to. */
struct vkernel *vkernel_of_vmspace(const struct vmspace *);
/*
 * Read guest memory as vm_pread() with VM_FAULT_FORCE, and the vdso, which is
 * the host's and in no map: its bytes are those of this process's own.
 */
int kern_mem_read(
    struct vmspace *, void *buf, size_t len, vm_offset_t va, size_t *done);
/* Version of this library, as the public vkernel_version(). */
const char *kern_version(void);
/* fn for each system call that was made, in the order of their numbers. */
void kern_syscall_counts(struct vkernel *,
    void (*fn)(void *arg, const char *name, uint64_t calls, uint64_t missing),
    void *arg);

#endif /* KERN_BASE_VKERNEL_H */
