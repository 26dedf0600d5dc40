/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The cpu contract: run user code until an event.
 *
 * A cpu_thread is the machine side of one lwp: its registers, its extended
 * state, and (stub machine) a host thread in the stub of its vmspace.  Only the
 * lwp's own host thread makes these calls, except cpu_interrupt().
 */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/trapframe.h"
#include "pmap/pmap.h"

enum cpu_event_type {
	CPU_EV_SYSCALL,   /* tf: as at the instruction after `syscall` */
	CPU_EV_FAULT,     /* page fault: addr, access */
	CPU_EV_EXCEPTION, /* signo, code, addr: deliver to the guest */
	CPU_EV_INTERRUPT, /* cpu_interrupt(), or spurious */
	CPU_EV_DEAD,      /* the machine of this vmspace has died */
};

struct cpu_event {
	enum cpu_event_type type;
	uint64_t addr;    /* FAULT, EXCEPTION */
	vm_prot_t access; /* FAULT: VM_PROT_READ, WRITE or EXECUTE */
	int signo;        /* EXCEPTION: Linux signal number */
	int code;         /* EXCEPTION: Linux si_code */
	int trapno;       /* x86 vector, for the signal frame */
	uint64_t err;     /* x86 error code */
};

#define CPU_MAX 1024 /* CPUs of the host */

struct cpu_thread {
	const struct cpu_ops *ops; /* [I] */
	void *machine;             /* [I] */
	struct trapframe tf;       /* owner only; valid between runs */
	void *md;                  /* for the back-end */
	/* [a] The CPUs of the host that user code may run on, if `bound`. */
	_Atomic(uint64_t) cpus[CPU_MAX / 64];
	_Atomic(bool) bound;
};

struct cpu_ops {
	const char *name;
	int (*thread_create)(struct cpu_thread *);
	void (*thread_destroy)(struct cpu_thread *);
	int (*run)(struct cpu_thread *, struct pmap *, struct cpu_event *);
	void (*interrupt)(struct cpu_thread *);
	void (*unbind)(struct cpu_thread *);
	void (*leave)(struct cpu_thread *); /* may be NULL */
	int (*share)(struct cpu_thread *child, struct cpu_thread *parent);
	int (*prepare)(struct cpu_thread *, struct pmap *);
	size_t (*xstate_size)(struct cpu_thread *);
	int (*xstate_get)(struct cpu_thread *, void *buf, size_t size);
	/* NULL buf (size 0): the state after exec; does not fail. */
	int (*xstate_set)(struct cpu_thread *, const void *buf, size_t size);
	int (*xstate_copy)(struct cpu_thread *dst, struct cpu_thread *src);
	/* Address of the host's vdso as guests see it, 0 if there is none. */
	uint64_t (*vdso)(void *machine);
};

/* Registers zero, extended state as after exec.  0, ENOMEM. */
int cpu_thread_create(
    const struct cpu_ops *, void *machine, struct cpu_thread **);
void cpu_thread_destroy(struct cpu_thread *);
/*
 * Load tf (see cpu.c for the checks), run user code in `pmap` until an event,
 * store tf.  0; EAGAIN, ENOMEM: there is no machine for the pmap.  Blocks while
 * user code runs.  Each call may name another pmap (exec): the thread then
 * leaves the machine of the previous one.
 */
int cpu_run(struct cpu_thread *, struct pmap *, struct cpu_event *);
/*
 * Make cpu_run() of this thread return with INTERRUPT: soon, if it runs user
 * code now; otherwise its next call, at once.  An interrupt is never lost.
 * Callable from any thread while the cpu_thread exists.
 */
void cpu_interrupt(struct cpu_thread *);
/* Leave the current pmap's machine (exit, before vmspace_free). */
void cpu_unbind(struct cpu_thread *);
/* The calling host thread no longer drives `ct`: another host thread may make
 * the next call. */
static inline void
cpu_leave(struct cpu_thread *ct)
{
	if (ct->ops->leave != NULL)
		ct->ops->leave(ct);
}
/*
 * Get the machine thread of `child`, which will run in the same pmap as
 * `parent` (vfork, threads), so that creating the child can still fail.  The
 * parent's host thread calls it before the child's first cpu_run().
 * 0; EAGAIN (no more threads), ENOMEM.
 */
int cpu_share(struct cpu_thread *child, struct cpu_thread *parent);
/*
 * Get the resources for cpu_run() in `pmap`, so that a fork can still fail.
 * Called before the thread's first cpu_run().  0; EAGAIN, ENOMEM.
 */
int cpu_prepare(struct cpu_thread *, struct pmap *);
/*
 * Extended state in the XSAVE layout of a signal frame (with the sw_bytes of
 * struct _fpx_sw_bytes filled in; size as there plus FP_XSTATE_MAGIC2).
 * get: copies out at most `size` bytes.  set: checks only the size and the
 * magic numbers; the host checks the rest when it loads the state.
 */
size_t cpu_xstate_size(struct cpu_thread *);
int cpu_xstate_get(struct cpu_thread *, void *buf, size_t size);
int cpu_xstate_set(struct cpu_thread *, const void *buf, size_t size);
/* NULL buf: the state after exec. */
int cpu_xstate_copy(struct cpu_thread *dst, struct cpu_thread *src);
void cpu_xstate_reset(struct cpu_thread *);
/* From its next cpu_run() on, user code of the thread runs on these CPUs only
 * (bit n of byte n / 8; NULL: on any), as far as the host permits.  Callable
 * from any thread while the cpu_thread exists. */
void cpu_bind(struct cpu_thread *, const uint8_t cpus[CPU_MAX / 8]);
/* The same as another thread. */
void cpu_bind_as(struct cpu_thread *, struct cpu_thread *other);
/* May user code run there? */
static inline bool
cpu_may_use(struct cpu_thread *ct, int cpu)
{
	return (!atomic_load_explicit(&ct->bound, memory_order_acquire) ||
		(cpu >= 0 && cpu < CPU_MAX &&
		    (atomic_load(&ct->cpus[cpu / 64]) >> cpu % 64 & 1) != 0));
}
uint64_t cpu_vdso(const struct cpu_ops *, void *machine);

#endif /* CPU_CPU_H */
