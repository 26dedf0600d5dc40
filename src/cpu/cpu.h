/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The cpu contract: run user code until an event.
 *
 * A cpu_thread is the machine side of one lwp: its registers, its extended
 * state, and (stub machine) a host thread in the stub of the vmspace it runs
 * in.  All calls but cpu_interrupt() come from the lwp's own host thread.
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
	CPU_EV_INTERRUPT, /* cpu_interrupt(), or nothing at all (spurious) */
	CPU_EV_DEAD,      /* the machine under this vmspace is gone */
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

struct cpu_thread {
	const struct cpu_ops *ops; /* [I] */
	void *machine;             /* [I] */
	struct trapframe tf;       /* owner only; valid between runs */
	void *md;                  /* back-end's own */
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
	/* NULL buf (size 0): the state after exec; cannot fail then. */
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
 * Load tf (validated: rflags masked, canonical rip), run in `pmap` until an
 * event, store tf.  0; EAGAIN, ENOMEM when no machine could be had.  Blocks
 * for as long as user code runs.  Any pmap may be given each time; changing
 * it releases the old one (exec).
 */
int cpu_run(struct cpu_thread *, struct pmap *, struct cpu_event *);
/*
 * Make cpu_run() of this thread return soon: if it is running user code now,
 * or if not, the next cpu_run() returns at once with INTERRUPT.  Never lost.
 * Callable from any thread while the cpu_thread lives.
 */
void cpu_interrupt(struct cpu_thread *);
/* Leave the current pmap's machine (exit, before vmspace_free). */
void cpu_unbind(struct cpu_thread *);
/* The calling host thread has nothing to do with it any more: the next call
 * may come from another one. */
static inline void
cpu_leave(struct cpu_thread *ct)
{
	if (ct->ops->leave != NULL)
		ct->ops->leave(ct);
}
/*
 * `child` will run in the same pmap as `parent` (vfork, threads): get its
 * machine thread now.  Called by the parent's host thread before the child's
 * first cpu_run().  0; EAGAIN (no more threads), ENOMEM.
 */
int cpu_share(struct cpu_thread *child, struct cpu_thread *parent);
/*
 * Get what cpu_run() in `pmap` will need, so that a fork can still fail.
 * Before the thread's first cpu_run().  0; EAGAIN, ENOMEM.
 */
int cpu_prepare(struct cpu_thread *, struct pmap *);
/*
 * Extended state in the XSAVE layout of a signal frame (with the sw_bytes of
 * struct _fpx_sw_bytes filled in; size as there plus FP_XSTATE_MAGIC2).
 * get: copies out at most `size` bytes; set: validates nothing but the size
 * and the magic numbers: the host checks the rest when it loads it.
 */
size_t cpu_xstate_size(struct cpu_thread *);
int cpu_xstate_get(struct cpu_thread *, void *buf, size_t size);
int cpu_xstate_set(struct cpu_thread *, const void *buf, size_t size);
/* NULL buf: the state after exec. */
int cpu_xstate_copy(struct cpu_thread *dst, struct cpu_thread *src);
void cpu_xstate_reset(struct cpu_thread *);
uint64_t cpu_vdso(const struct cpu_ops *, void *machine);

#endif /* CPU_CPU_H */
