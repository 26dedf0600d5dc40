/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Inside the stub machine.  The files, each of which calls only those above it:
 *
 *   stub_notify.c    calls that a stub asks for: isolation, threads
 *   stub_zygote.c    start of, and orders to, the process that forks stubs
 *   stub_machine.c   processes: pool, keeper thread, death
 *   stub_place.c     CPUs of the threads
 *   stub_watch.c     finding a stub thread that will not answer
 *   stub_handover.c  commands to a stub thread, and its reports
 *   stub_frame.c     registers and events of a parked stub thread
 *   stub_prove.c     proof of removals, with isolation
 *   pmap_stub.c      translations: struct pmap_ops
 *   cpu_stub.c       running an lwp: struct cpu_ops
 */
#ifndef MACHINE_STUB_STUB_INT_H
#define MACHINE_STUB_STUB_INT_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>

#include "abi/sigframe.h"
#include "machine/stub/program/stub_abi.h"
#include "machine/stub/stub_machine.h"
#include "libk/counter.h"
#include "libk/klock.h"

#define STUB_NSLOTS 1024
#define STUB_POOL_MAX 8
/* What STUB_ISOLATE_AUTO stands for; decisions/010-isolation.md. */
#define STUB_ISOLATE_DEFAULT STUB_ISOLATE_SANDBOX
#define STUB_NASKING 256 /* chains of the table of threads */
#define STUB_WATCHDOG_NS UINT64_C(5000000000)
#define STUB_WATCH_NS UINT64_C(5000000) /* between two looks at a stub */
#define STUB_ORDER_NS UINT64_C(10000000000)
#define STUB_ZYGOTE_ID (~UINT64_C(0)) /* epoll data of the zygote's pidfd */
#define STUB_SIG_INTERRUPT LX_SIGUSR1 /* sent by cpu_interrupt() */

/* Placement of an lwp's two threads. */
enum stub_mode { STUB_LOOSE, STUB_PAIR, STUB_SPIN };
#define STUB_MAXCPU 256

struct stub_cpu;
LIST_HEAD(stub_cpu_list, stub_cpu);
struct stub_listener;

/*
 * One host process.  Key: [I] immutable, [a] atomic, [s] machine lock,
 * [l] lock of the pmap that the process serves
 */
struct stub {
	struct stub_machine *sm; /* [I] */
	int pid, pidfd;          /* [I] */
	uint32_t slot;           /* [I] */
	char *ctx;               /* [I] the slot's memory in this process */
	_Atomic(bool) dead;      /* [a] the host has reported its end */
	_Atomic(bool) revoked;   /* [a] killed by us; its owner gets another */
	bool retired;            /* [s] the keeper reaps and frees it */
	_Atomic(uint32_t) nctx;  /* [a] contexts with a thread */
	uint64_t idle[CTX_THREADS / 64]; /* [l] parked, not bound */
	/* Host threads by context.  A thread id comes from the untrusted
	 * context once, when the thread is made, and is then checked to be a
	 * thread of this process. */
	int tid[CTX_THREADS];   /* [l], [I] once its context is idle */
	TAILQ_ENTRY(stub) link; /* [s] pool */
};
TAILQ_HEAD(stub_list, stub);

/* pmap->md.  pmap->lock protects every field except flush. */
struct stub_pmap {
	struct stub *stub; /* NULL: no process, nothing to mirror */
	struct stub_op *q; /* operations not yet handed to a stub thread */
	uint32_t nq, cap;
	uint32_t nops;    /* with isolation: since the stub was empty */
	uint64_t qseq;    /* bumped by each queued operation */
	uint64_t applied; /* operations up to this precede user code */
	uint32_t running; /* threads that may be in user code */
	uint32_t nbound;  /* cpu_threads bound */
	uint32_t waiters;
	bool flushing;       /* a batch was handed out, no report yet */
	bool fresh;          /* the stub is to be replaced; nothing is queued */
	struct kcond cond;   /* running, applied */
	struct kmutex flush; /* one flusher at a time; before pmap->lock */
	struct stub_cpu_list cpus;
};

/* cpu_thread->md.  For its own host thread only, except intr, in_user,
 * intr_lock and pid. */
struct stub_cpu {
	struct cpu_thread *ct;
	struct stub_machine *sm;
	struct pmap *pmap; /* bound to, or NULL */
	struct stub *stub;
	uint32_t idx; /* context number */
	struct stub_ctx *ctx;
	int tid;                   /* host thread of the context */
	struct lx_ucontext *frame; /* parked: in context memory */
	LIST_ENTRY(stub_cpu) link; /* pmap lock: on stub_pmap.cpus */
	_Atomic(uint32_t) intr;    /* cpu_interrupt() is pending */
	_Atomic(uint32_t) in_user;
	struct kmutex intr_lock; /* rank INTERRUPT: pid below is valid */
	int pid;                 /* [intr_lock] 0: not bound */
	uint8_t *xbuf;           /* extended state to load, or NULL */
	bool xreset;             /* load the state after exec */
	bool bases_dirty;        /* tf bases differ from the stub's */
	uint64_t op_pages;       /* at most so many in the last operations */
	unsigned opfails;      /* operations refused since user code last ran */
	vm_offset_t refill_va; /* last page refilled without the kernel */
	/* What the thread was ordered to call, see stub_notify.c. */
	struct stub_op expected[CTX_NOPS]; /* [notify_lock] */
	uint32_t nexpected;          /* [notify_lock] set by sc's own thread */
	uint32_t nasked;             /* [notify_lock] */
	bool known;                  /* [notify_lock] in sm->asking */
	LIST_ENTRY(stub_cpu) asking; /* [notify_lock] */
	/* The command's calls prove that operations up to `proof` are done. */
	bool unproved;  /* [l] */
	uint64_t proof; /* [l] */
	bool ready;     /* [l] parked with a frame */
	uint32_t event; /* read once, when the command ended */
	bool unsynced;  /* permitted calls may not have ended */
	/* Placement, see stub_place.c. */
	enum stub_mode mode;
	int kcpu, scpu; /* pinned to; -1: not pinned */
	int user_cpu;   /* counted in cpu_users; -1: none */
	uint32_t streak, need_streak, since_balance;
	uint64_t resume_ns;
	int64_t pair_ns, spin_ns; /* moving averages of a trip */
};

struct stub_machine {
	struct vm_system *sys;      /* [I] */
	int ctxfd;                  /* [I] context memory */
	char *ctxmem;               /* [I] all slots */
	int epfd, evfd;             /* [I] used by the keeper */
	struct host_thread *keeper; /* [I] parent of all stubs */
	bool fsgsbase;              /* [I] the host permits RDFSBASE */
	_Atomic(uint64_t) vdso;     /* [a] guest address of the vdso, 0 none */
	uint8_t *xtemplate;      /* [I] once set: extended state after exec */
	_Atomic(uint32_t) xsize; /* [a] its bytes */
	_Atomic(uint64_t) watchdog_ns; /* [a] until a silent stub is killed */
	_Atomic(uint64_t) order_ns;    /* [a] until a zygote counts as dead */

	bool required;              /* [I] isolation was asked for by name */
	enum stub_isolation wanted; /* [I] not AUTO */
	bool armed;                 /* keeper only: the two below are decided */
	bool lost;      /* keeper only: the zygote cannot be replaced */
	bool listens;   /* [I] once armed: stubs ask before clone */
	bool isolates;  /* [I] likewise: and before they change mappings */
	bool recv_ends; /* [I] a listener's receive returns at its end */
	SLIST_HEAD(, stub_listener) listeners;     /* keeper only */
	struct kmutex notify_lock;                 /* rank LEAF */
	struct stub_cpu_list asking[STUB_NASKING]; /* [notify_lock] by tid */

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
	uint32_t nwaiting;              /* [s] threads waiting for a stub */

	struct counter maps, unmaps, protects, handovers, spins;
	_Atomic(uint64_t) stubs_created, resets;
	_Atomic(uint64_t) refused; /* [a] calls that were not ordered */
	int ncpu;                  /* [I] CPUs in `cpu` */
	int cpu[STUB_MAXCPU];      /* [I] */
	_Atomic(uint32_t) nuser;   /* [a] threads in user code */
	_Atomic(uint32_t) cpu_users[STUB_MAXCPU]; /* [a] by CPU */
};

/* ---- stub_notify.c ---- */

/* The stub_cpu's thread, sc->tid, may ask; until unbind.  Any lock may be held.
 */
void stub_notify_bind(struct stub_cpu *);
void stub_notify_unbind(struct stub_cpu *);
/* The next command orders these calls (n < CTX_NOPS), then OP_SYNC if `sync`,
 * and no others. */
void stub_expect(
    struct stub_cpu *, const struct stub_op *, uint32_t n, bool sync);
/* The command has ended: were all ordered calls made?  Expects nothing now. */
bool stub_expect_done(struct stub_cpu *);
/* Interrupt the thread, whose intr is set: now, or when it has made all calls
 * that were ordered.  It is bound, and stays so. */
void stub_notify_interrupt(struct stub_cpu *);
/* Are there ordered calls that were not made yet?  By any thread. */
bool stub_expects(struct stub_cpu *);
/* Serve the listener `fd`, which is then owned.  Keeper only.  0, ENOMEM,
 * EAGAIN. */
int stub_listener_start(struct stub_machine *, int fd);
/* All stubs and the zygote have ended: wait for the listeners' threads. */
void stub_listeners_end(struct stub_machine *);

/* ---- stub_zygote.c: called by the keeper, without locks ---- */

static inline struct stub_order *
stub_order_block(struct stub_machine *sm)
{
	return ((struct stub_order *)sm->ctxmem);
}
/* Give the zygote an order and wait for its reply.
 * 0 and *result; ECHILD: the zygote is dead or silent. */
int stub_zygote_order(struct stub_machine *, uint32_t code, int32_t *result);
/* Start the zygote and have it watched by epfd.  0 or errno, logged. */
int stub_zygote_start(struct stub_machine *);
/* Kill and reap the zygote, and the stub of an unanswered order. */
void stub_zygote_end(struct stub_machine *);

/* ---- stub_machine.c ---- */

/* A ready stub, parked with its first event. Blocks.  0, EAGAIN. */
int stub_get(struct stub_machine *, struct stub **);
/* Kill, reap, free.  No locks held. */
void stub_kill(struct stub *);
/* SIGKILL by pidfd, which cannot hit a process that reuses the number. */
void stub_signal_kill(struct stub *);
/* Kill; the keeper reaps and frees the stub.  No locks held. */
void stub_retire(struct stub *);
static inline struct stub_ctx *
stub_ctx_at(struct stub *s, uint32_t idx)
{
	return ((struct stub_ctx *)(s->ctx + idx * CTX_STRIDE));
}

/* ---- stub_watch.c: called by sc's own host thread ---- */

/* What was seen of a stub thread that owes an answer; zero before the first
 * look. */
struct stub_watch {
	unsigned looks;
	unsigned grown;             /* looks that saw CPU time grow */
	uint64_t last_ns;           /* time of the last look */
	struct host_task last;      /* what it saw */
	uint64_t user_ns, total_ns; /* CPU time since the first look */
	uint64_t asleep_ns, silent_ns;
	uint64_t raw_base, raw_ns; /* user time of the process */
};
/*
 * Look at the stub thread, which owes an answer to an interrupt, or (`owes`) to
 * a command that runs no user code.  The reason to kill its stub, or NULL.
 */
const char *stub_watch_look(struct stub_cpu *, struct stub_watch *, bool owes);

/* ---- stub_handover.c: called by sc's own host thread ---- */

/* Post a command to a parked context and wait for the next event.
 * 0; ECHILD: the stub is dead. */
int stub_command(struct stub_cpu *, uint32_t cmd);
/* Wait for an event or the death of the stub.  `owes`: no user code runs, so
 * that a stub which stays silent is killed. */
void stub_wait_event(struct stub_cpu *, bool owes);
/* As stub_command() with CMD_REPORT, by another thread that holds the flush
 * mutex of sc's pmap while sc's own thread is in the kernel. */
int stub_drive(struct stub_cpu *);
/* The stub is dead or has reported something impossible: kill it.  ECHILD. */
int stub_broken(struct stub_cpu *);
/* The event of the context, read once. */
static inline uint32_t
stub_event(const struct stub_cpu *sc)
{
	return (*(const volatile uint32_t *)&sc->ctx->event);
}
/* Count an EV_OPFAIL.  0: try again; ENOMEM: the host has refused too often. */
int stub_op_failed(struct stub_cpu *);
/* The stub_cpu that the calling thread drives, or NULL. */
struct stub_cpu *stub_cpu_current(void);
void stub_cpu_set_current(struct stub_cpu *);

/* ---- stub_frame.c: called by sc's own host thread, context parked ---- */

/* Find and check the frame of the event just reported; sets sc->frame.
 * 0; ECHILD (stub killed: impossible frame), ENOMEM, EPROTO. */
int stub_frame_locate(struct stub_cpu *);
/* Extended state in the frame: sm->xsize bytes; NULL: impossible address. */
uint8_t *stub_frame_xstate(struct stub_cpu *);
/* Copy the trapframe into the frame, and back. */
void stub_frame_store(struct stub_cpu *);
void stub_frame_load(struct stub_cpu *);
/* Copy pending extended state into the frame. */
void stub_frame_xstate_load(struct stub_cpu *);
/* Turn the report into an event. */
void stub_frame_decode(struct stub_cpu *, struct cpu_event *);

/* ---- stub_place.c ---- */

/* sc has a new stub thread. */
void stub_place_bind(struct stub_cpu *);
/* Before a command: the stub thread is parked. */
void stub_place_resume(struct stub_cpu *);
/* After the event that ends a command. */
void stub_place_event(struct stub_cpu *);
/* In mode SPIN, spin for a while.  True: an event came. */
bool stub_place_spin(struct stub_cpu *);
/* The calling thread no longer drives sc: unpin the calling thread. */
void stub_place_leave(struct stub_cpu *);
/* User code has run for long: unpin both threads, so that the host's scheduler
 * can balance the load. */
void stub_place_loosen(struct stub_cpu *);

/* ---- stub_prove.c: only with sm->isolates; pmap lock held unless noted ----
 */

/* Queue the emptying of the stub, if it may have too many mappings. */
void stub_prove_limit(struct stub_pmap *);
/* sc was given n operations, at dst: it is to ask before each.  Returns their
 * number with OP_SYNC, which is added where a removal must be proved or another
 * thread may carry out the next batch. */
uint32_t stub_prove_order(
    struct stub_cpu *, struct stub_pmap *, struct stub_op *dst, uint32_t n);
/*
 * sc's command has ended with `event`.  0: the calls that it ordered were made,
 * or one of them failed and the emptying of the stub is queued.  ECHILD: they
 * were not made.
 */
int stub_prove_check(struct stub_cpu *, struct stub_pmap *, uint32_t event);
/* Count what running threads have proved since they entered user code. */
void stub_prove_note(struct stub_pmap *);
/* Without locks, by sc's own host thread: see to it that the calls of sc's
 * parked thread have ended.  0, ECHILD. */
int stub_prove_parked(struct stub_cpu *);
/* Without locks: no thread is in user code; see to it that what was removed up
 * to `target` is out of use.  False: not yet, try again. */
bool stub_prove_removed(struct pmap *, uint64_t target);

/* ---- pmap_stub.c ---- */

/* The queue is lost or too long: empty the machine; faults refill it.  pmap
 * lock held. */
void stub_pmap_forget(struct stub_pmap *);
/* Move operations to the context; returns how many.  pmap lock held. */
uint32_t stub_pmap_take(struct stub_cpu *, struct stub_pmap *);

/* Hand queued operations to sc's parked thread until none is left. */
int stub_pmap_flush(struct stub_cpu *);
/* Move all queued operations to the context and count the thread as running.
 * False, and nothing done: a flush is needed first, or a fresh stub. */
bool stub_pmap_enter_user(struct stub_cpu *);
/* The command has ended.  0; ECHILD: the stub has not made the calls that it
 * was ordered to make, and is killed. */
int stub_pmap_leave_user(struct stub_cpu *);
/* The pmap is to get a fresh stub, and sc is its only thread. */
bool stub_pmap_needs_fresh(struct stub_cpu *);
/* Put sc's pmap and sc on context 0 of `with`; returns the old stub.
 * `with` NULL: keep the old stub and empty it; returns NULL. */
struct stub *stub_pmap_replace(struct stub_cpu *, struct stub *with);
/* The machine lost or refused an operation: empty it; faults refill it from
 * the tables. */
void stub_pmap_reset(struct stub_cpu *);
/*
 * Bind sc to pm's stub.  If pm has a stub, sc gets an idle context of it;
 * otherwise pm gets the stub `fresh`, sc its context 0, and *used is true.
 * 0; ENOENT: pm has no stub and fresh is NULL; EAGAIN: no idle context;
 * ENOMEM.
 */
int stub_pmap_bind(
    struct stub_cpu *, struct pmap *, struct stub *fresh, bool *used);
/* Returns the stub if sc was its last thread (the caller must kill the stub),
 * otherwise NULL. */
struct stub *stub_pmap_unbind(struct stub_cpu *);

#endif /* MACHINE_STUB_STUB_INT_H */
