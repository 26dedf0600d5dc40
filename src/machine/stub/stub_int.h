/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Inside the stub machine: shared by stub_machine.c (processes), pmap_stub.c
 * (translations) and cpu_stub.c (threads).
 */
#ifndef MACHINE_STUB_STUB_INT_H
#define MACHINE_STUB_STUB_INT_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>

#include "machine/stub/program/stub_abi.h"
#include "machine/stub/stub_machine.h"
#include "libk/counter.h"
#include "libk/klock.h"

#define STUB_NSLOTS 1024
#define STUB_POOL_MAX 8
#define STUB_WATCHDOG_NS UINT64_C(5000000000)
#define STUB_ORDER_NS UINT64_C(10000000000)

/* The kernel's struct rt ucontext on x86-64, as it lies on a stub's stack. */
struct stub_frame {
	uint64_t uc_flags, uc_link;
	uint64_t ss_sp;
	uint32_t ss_flags, ss_pad;
	uint64_t ss_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint64_t fpstate; /* address in the stub */
	uint64_t reserved[8];
	uint64_t sigmask;
};
_Static_assert(offsetof(struct stub_frame, r8) == 40, "ucontext layout");
_Static_assert(offsetof(struct stub_frame, sigmask) == 296, "ucontext layout");

/* Placement of an lwp's two threads. */
enum stub_mode { STUB_LOOSE, STUB_PAIR, STUB_SPIN };
#define STUB_MAXCPU 256

struct stub_cpu;
LIST_HEAD(stub_cpu_list, stub_cpu);

/*
 * One host process.  Key: [I] immutable, [a] atomic, [s] machine lock,
 * [l] lock of the pmap it serves
 */
struct stub {
	struct stub_machine *sm; /* [I] */
	int pid, pidfd;          /* [I] */
	uint32_t slot;           /* [I] */
	char *ctx;               /* [I] the slot's memory in this process */
	_Atomic(bool) dead;      /* [a] the host says that it has ended */
	bool retired;            /* [s] the keeper reaps it */
	_Atomic(uint32_t) nctx;  /* [a] contexts with a thread */
	uint64_t idle[CTX_THREADS / 64]; /* [l] parked, without cpu_thread */
	/* Host threads by context, checked to be of this process when they
	 * were made: never read from the context again. */
	int tid[CTX_THREADS];   /* [l], [I] once its context is idle */
	TAILQ_ENTRY(stub) link; /* [s] pool */
};
TAILQ_HEAD(stub_list, stub);

/* pmap->md.  Everything under pmap->lock but flush. */
struct stub_pmap {
	struct stub *stub; /* NULL: no machine, nothing is mirrored */
	struct stub_op *q; /* operations not yet handed to a stub thread */
	uint32_t nq, cap;
	uint64_t qseq;    /* bumped by each queued operation */
	uint64_t applied; /* all up to here precede any user code */
	uint32_t running; /* threads that may be in user code */
	uint32_t nbound;  /* cpu_threads bound */
	uint32_t waiters;
	bool flushing;       /* a batch is out and not yet reported */
	bool fresh;          /* the stub is to be replaced; nothing is queued */
	struct kcond cond;   /* running, applied */
	struct kmutex flush; /* one flusher at a time; before pmap->lock */
	struct stub_cpu_list cpus;
};

/* cpu_thread->md.  Own thread only, but for what interrupt uses. */
struct stub_cpu {
	struct cpu_thread *ct;
	struct stub_machine *sm;
	struct pmap *pmap; /* bound to, or NULL */
	struct stub *stub;
	uint32_t idx; /* context number */
	struct stub_ctx *ctx;
	int tid;                   /* host thread of the context */
	struct stub_frame *frame;  /* parked: in context memory */
	LIST_ENTRY(stub_cpu) link; /* pmap lock: on stub_pmap.cpus */
	_Atomic(uint32_t) intr;    /* cpu_interrupt() is pending */
	_Atomic(uint32_t) in_user;
	struct kmutex intr_lock; /* rank LEAF: pid below is valid */
	int pid;                 /* [intr_lock] 0: not bound */
	uint8_t *xbuf;           /* extended state to load, or NULL */
	bool xreset;             /* load the state after exec */
	bool bases_dirty;        /* tf bases differ from the stub's */
	unsigned opfails;      /* operations refused since user code last ran */
	vm_offset_t refill_va; /* last page refilled without the kernel */
	/* Placement, see stub_place.c. */
	enum stub_mode mode;
	int kcpu, scpu; /* pinned to, -1 not */
	int user_cpu;   /* counted in cpu_users, -1 none */
	uint32_t streak, need_streak, since_balance;
	uint64_t resume_ns;
	int64_t pair_ns, spin_ns; /* moving averages of a trip */
};

struct stub_machine {
	struct vm_system *sys;      /* [I] */
	int ctxfd;                  /* [I] context memory */
	char *ctxmem;               /* [I] all slots */
	int epfd, evfd;             /* [I] keeper's */
	struct host_thread *keeper; /* [I] parent of all stubs */
	bool fsgsbase;              /* [I] the host permits RDFSBASE */
	_Atomic(uint64_t) vdso;     /* [a] guest address of the vdso, 0 none */
	uint8_t *xtemplate;      /* [I] once set: extended state after exec */
	_Atomic(uint32_t) xsize; /* [a] its bytes */
	_Atomic(uint64_t) watchdog_ns; /* [a] a stub that is silent so long */
	_Atomic(uint64_t) order_ns;    /* [a] and a zygote: of no use */

	struct kmutex lock; /* rank STUB */
	struct kcond cond;  /* pool, state */
	_Atomic(int) zygote_pid;
	int zygote_pidfd;
	bool zygote_up;                 /* [s] armed and ready for orders */
	bool stop;                      /* [s] */
	int error;                      /* [s] why there is no zygote */
	struct stub *slot[STUB_NSLOTS]; /* [s] */
	uint32_t slot_hint;             /* [s] */
	struct stub_list pool;          /* [s] ready stubs */
	uint32_t npool;                 /* [s] */
	uint32_t nstubs;                /* [s] live, pool included */
	uint32_t want;                  /* [s] threads waiting for a stub */
	uint64_t moved_stack, moved_stack_size; /* keeper's */

	struct counter maps, unmaps, protects, handovers, spins;
	_Atomic(uint64_t) stubs_created, resets;
	int ncpu;                                 /* [I] CPUs in `cpu` */
	int cpu[STUB_MAXCPU];                     /* [I] */
	_Atomic(uint32_t) nuser;                  /* [a] threads in user code */
	_Atomic(uint32_t) cpu_users[STUB_MAXCPU]; /* [a] of them, by CPU */
};

/* ---- stub_machine.c ---- */

/* A ready stub, parked with its first event. Blocks.  0, EAGAIN. */
int stub_get(struct stub_machine *, struct stub **);
/* Kill, wait until the host says it is gone, free.  No locks held. */
void stub_kill(struct stub *);
/* SIGKILL by pidfd: never hits a process that reused the number. */
void stub_signal_kill(struct stub *);
/* Kill; the keeper reaps and frees it. No locks held. */
void stub_retire(struct stub *);
static inline struct stub_ctx *
stub_ctx_at(struct stub *s, uint32_t idx)
{
	return ((struct stub_ctx *)(s->ctx + idx * CTX_STRIDE));
}

/* ---- cpu_stub.c ---- */

/*
 * Post a command to a parked context and wait for the next event.
 * 0, or ECHILD when the stub is dead.  sc->frame is set and validated
 * for signal events.
 */
int stub_command(struct stub_cpu *, uint32_t cmd);
/* The event of the context, read once. */
static inline uint32_t
stub_event(const struct stub_cpu *sc)
{
	return (*(const volatile uint32_t *)&sc->ctx->event);
}
/* EV_OPFAIL: counts; ENOMEM when the host refuses again and again. */
int stub_op_failed(struct stub_cpu *);
/* The stub_cpu that the calling thread drives, or NULL. */
struct stub_cpu *stub_cpu_current(void);

/* ---- stub_place.c ---- */

void stub_place_bind(struct stub_cpu *);
void stub_place_resume(struct stub_cpu *);
void stub_place_event(struct stub_cpu *);
/* Spin if it is the time for it: true when an event came. */
bool stub_place_spin(struct stub_cpu *);
/* The calling thread no longer drives it: unpin it. */
void stub_place_leave(struct stub_cpu *);
/* User code has run for long: let the host's scheduler have it. */
void stub_place_loosen(struct stub_cpu *);

/* ---- pmap_stub.c ---- */

/* Hand queued operations to sc's parked thread until none is left. */
int stub_pmap_flush(struct stub_cpu *);
/* Take all queued operations into the context, if they fit and no flush is
 * due; marks the thread as running.  False: flush first. */
bool stub_pmap_enter_user(struct stub_cpu *);
void stub_pmap_leave_user(struct stub_cpu *);
/* The pmap wants a new stub, and sc is its only thread. */
bool stub_pmap_wants_fresh(struct stub_cpu *);
/* Put sc's pmap and sc on context 0 of `with` and give back the old stub.
 * NULL: keep the old one and empty it. */
struct stub *stub_pmap_replace(struct stub_cpu *, struct stub *with);
/* Machine lost or refused something: empty it, start again from tables. */
void stub_pmap_reset(struct stub_cpu *);
/*
 * Bind sc to pm's stub: to a parked idle context of the stub it has, or, where
 * it has none, to context 0 of `fresh` (*used tells).  ENOENT: it has none
 * and fresh is NULL; EAGAIN: no idle context; ENOMEM.
 */
int stub_pmap_bind(
    struct stub_cpu *, struct pmap *, struct stub *fresh, bool *used);
/* Returns the stub if that was its last thread: the caller kills it. */
struct stub *stub_pmap_unbind(struct stub_cpu *);

#endif /* MACHINE_STUB_STUB_INT_H */
