/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: threads and events.
 *
 * Purpose: cpu_run() on a stub.  A cpu_thread is bound to one context (one
 * host thread) of the stub of its vmspace while it runs there.  The context
 * is either in user code, or parked: its thread waits in the signal handler,
 * and its register file lies in a signal frame in the context's stack.
 *
 * Hand-over: one word, stub_ctx.state.  The kernel posts CTX_CMD and waits
 * for CTX_EVENT; the stub the other way round.  Each side says in a flag of
 * its own that it sleeps, so that the other wakes it only then.  Before it
 * sleeps the kernel spins for a while if that has paid off lately (`spin`
 * adapts: it grows when an event came while spinning and shrinks when not)
 * and if the host has a CPU to spare.
 *
 * Trust: the context is the guest's to scribble on.  Every value read from it
 * is read once and checked: the frame must lie in the context's stack, the
 * extended state must have the size and the place that the host gave it in
 * the first frame of the machine; registers are data.  State values that make
 * no sense only make this thread wait.  A stub that does not answer an
 * interrupt, or a command that runs no user code, within watchdog_ns is killed,
 * and so is one that answers nonsense.
 *
 * Locking: a stub_cpu belongs to its lwp's host thread.  Only cpu_interrupt()
 * comes from elsewhere: it uses `intr`, `in_user` and, under intr_lock, the
 * pid, which is valid as long as the stub is not reaped; unbinding clears it
 * under that lock first.
 *
 * Guarantees: an interrupt is never lost: cpu_run() sets in_user, then looks
 * at intr; cpu_interrupt() sets intr, then looks at in_user.  A signal that
 * meets the handler is pending until the return to user code.
 */

#include "machine/stub/stub_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"

#define WAIT_SLICE_NS UINT64_C(500000000)
#define LOOK_MAX_NS (2 * WAIT_SLICE_NS)
#define LOOSE_NS UINT64_C(1000000)
#define SIG_INTERRUPT 10 /* SIGUSR1 */
#define XSTATE_MAX 0x8000
#define OPFAILS_MAX 8

enum {
	SIG_ILL = 4,
	SIG_TRAP = 5,
	SIG_BUS = 7,
	SIG_FPE = 8,
	SIG_SEGV = 11,
	SIG_SYS = 31
};
#define AUDIT_X86_64 0xc000003eU
#define SI_KERNEL_CODE 0x80

static _Thread_local struct stub_cpu *current_cpu;

struct stub_cpu *
stub_cpu_current(void)
{
	return (current_cpu);
}

/* ---- contexts ---- */

/* Kernel address of [addr, addr+len) in the context's stack, or NULL. */
static void *
ctx_stack_ptr(struct stub_cpu *sc, uint64_t addr, uint64_t len)
{
	uint64_t base = STUB_CTX_BASE + sc->idx * CTX_STRIDE;

	if (addr < base + CTX_STACK_OFF || addr >= base + CTX_STRIDE ||
	    len > base + CTX_STRIDE - addr || (addr & 7) != 0)
		return (NULL);
	return ((char *)sc->ctx + (addr - base));
}

/* Extended state in the frame: sc->sm->xsize bytes, or NULL. */
static uint8_t *
frame_xstate(struct stub_cpu *sc)
{
	uint64_t at = *(volatile uint64_t *)&sc->frame->fpstate;

	return (ctx_stack_ptr(sc, at, atomic_load(&sc->sm->xsize)));
}

static bool
event_ready(struct stub_cpu *sc)
{
	uint32_t s =
	    atomic_load_explicit(&sc->ctx->state, memory_order_acquire);

	return (s == CTX_EVENT || s == CTX_DEAD);
}

/*
 * Sleep until the stub reports.  Looks up twice a second, and at every wake-up
 * that was for nothing, for its death, and for an answer that is overdue: to
 * an interrupt, or at all if it runs no user code (`owes`).  A long time
 * between two looks counts for little: then this process was stopped, and
 * perhaps the stub as well.
 */
static void
wait_asleep(struct stub_cpu *sc, bool owes)
{
	struct stub_ctx *c = sc->ctx;
	uint64_t last = 0, silent = 0, now, slice = LOOSE_NS;
	uint32_t s;

	atomic_store(&c->kernel_waits, 1);
	while (!event_ready(sc) && !atomic_load(&sc->stub->dead)) {
		s = atomic_load(&c->state);
		if (s == CTX_EVENT || s == CTX_DEAD)
			break;
		if (host_futex_wait(&c->state, s, slice, true) == ETIMEDOUT) {
			if (slice == LOOSE_NS && !owes)
				stub_place_loosen(sc);
			slice = WAIT_SLICE_NS;
		}
		if (!owes && atomic_load(&sc->intr) == 0) {
			last = silent = 0;
			continue;
		}
		now = host_now_ns();
		if (last != 0)
			silent +=
			    now - last < LOOK_MAX_NS ? now - last : LOOK_MAX_NS;
		last = now;
		if (silent > atomic_load(&sc->sm->watchdog_ns) &&
		    !event_ready(sc)) {
			klog(sc->sm->sys->log, KLOG_WARN,
			    "stub %d does not answer: killed", sc->stub->pid);
			stub_signal_kill(sc->stub);
			silent = 0;
		}
	}
	atomic_store(&c->kernel_waits, 0);
}

static void
wait_event(struct stub_cpu *sc, bool owes)
{
	if (!event_ready(sc) && !stub_place_spin(sc))
		wait_asleep(sc, owes);
}

/* It is dead, or has said something impossible: then it shall be dead. */
static int
stub_broken(struct stub_cpu *sc)
{
	if (!atomic_load(&sc->stub->dead))
		stub_signal_kill(sc->stub);
	return (ECHILD);
}

int
stub_op_failed(struct stub_cpu *sc)
{
	if (++sc->opfails < OPFAILS_MAX)
		return (0);
	klog(sc->sm->sys->log, KLOG_ERR,
	    "the host refuses to map guest memory (error %u)",
	    *(volatile uint32_t *)&sc->ctx->op_errno);
	return (ENOMEM);
}

/* Learn the extended state's size and content from a frame of the machine
 * that no user code has touched. */
static int
learn_xstate(struct stub_cpu *sc)
{
	struct stub_machine *sm = sc->sm;
	uint32_t magic, size;
	uint8_t *x;
	int error = 0;

	kmutex_lock(&sm->lock);
	if (atomic_load(&sm->xsize) != 0)
		goto out;
	error = EPROTO;
	x = ctx_stack_ptr(sc, sc->frame->fpstate, 512);
	if (x == NULL)
		goto out;
	memcpy(&magic, x + 464, 4);
	memcpy(&size, x + 468, 4);
	if (magic != 0x46505853) /* FP_XSTATE_MAGIC1 */
		size = 512;
	if (size < 512 || size > XSTATE_MAX ||
	    ctx_stack_ptr(sc, sc->frame->fpstate, size) == NULL)
		goto out;
	sm->xtemplate = malloc(size);
	if (sm->xtemplate == NULL) {
		error = ENOMEM;
		goto out;
	}
	memcpy(sm->xtemplate, x, size);
	atomic_store(&sm->xsize, size);
	error = 0;
out:
	kmutex_unlock(&sm->lock);
	return (error);
}

int
stub_command(struct stub_cpu *sc, uint32_t cmd)
{
	struct stub_ctx *c = sc->ctx;

	c->cmd = cmd;
	counter_add(&sc->sm->handovers, 1);
	stub_place_resume(sc);
	atomic_store(&c->state, CTX_CMD);
	if (atomic_load(&c->stub_waits) != 0)
		host_futex_wake(&c->state, 1, true);
	wait_event(sc, cmd == CMD_REPORT);
	stub_place_event(sc);
	if (atomic_load(&sc->stub->dead) || atomic_load(&c->state) != CTX_EVENT)
		return (stub_broken(sc));
	return (0);
}

/* The context has reported: find its frame. */
static int
frame_locate(struct stub_cpu *sc)
{
	uint64_t uc = *(volatile uint64_t *)&sc->ctx->uc;

	sc->frame = ctx_stack_ptr(sc, uc, sizeof(struct stub_frame));
	if (sc->frame == NULL)
		return (stub_broken(sc));
	if (atomic_load(&sc->sm->xsize) == 0)
		return (learn_xstate(sc));
	return (frame_xstate(sc) == NULL ? stub_broken(sc) : 0);
}

/* ---- registers ---- */

static void
frame_store(struct stub_cpu *sc)
{
	const struct trapframe *tf = &sc->ct->tf;
	struct stub_frame *f = sc->frame;

	f->r8 = tf->r8, f->r9 = tf->r9, f->r10 = tf->r10, f->r11 = tf->r11;
	f->r12 = tf->r12, f->r13 = tf->r13, f->r14 = tf->r14;
	f->r15 = tf->r15, f->rdi = tf->rdi, f->rsi = tf->rsi;
	f->rbp = tf->rbp, f->rbx = tf->rbx, f->rdx = tf->rdx;
	f->rax = tf->rax, f->rcx = tf->rcx, f->rsp = tf->rsp;
	f->rip = tf->rip;
	f->eflags = (tf->rflags & TF_RFLAGS_USER) | TF_RFLAGS_FIXED;
	f->cs = 0x33;
	f->ss = 0x2b;
	f->sigmask = 0;
	sc->ctx->set_bases = tf->fs_base != sc->ctx->fs_base ||
			     tf->gs_base != sc->ctx->gs_base || sc->bases_dirty;
	sc->ctx->fs_base = tf->fs_base;
	sc->ctx->gs_base = tf->gs_base;
	sc->bases_dirty = false;
}

static void
frame_load(struct stub_cpu *sc)
{
	struct trapframe *tf = &sc->ct->tf;
	const struct stub_frame *f = sc->frame;

	tf->r8 = f->r8, tf->r9 = f->r9, tf->r10 = f->r10, tf->r11 = f->r11;
	tf->r12 = f->r12, tf->r13 = f->r13, tf->r14 = f->r14;
	tf->r15 = f->r15, tf->rdi = f->rdi, tf->rsi = f->rsi;
	tf->rbp = f->rbp, tf->rbx = f->rbx, tf->rdx = f->rdx;
	tf->rax = f->rax, tf->rcx = f->rcx, tf->rsp = f->rsp;
	tf->rip = f->rip;
	tf->rflags = (f->eflags & TF_RFLAGS_USER) | TF_RFLAGS_FIXED;
	/* Otherwise they are what was loaded last. */
	if (sc->sm->fsgsbase) {
		tf->fs_base = sc->ctx->fs_base;
		tf->gs_base = sc->ctx->gs_base;
	}
	tf->orig_rax = UINT64_MAX;
}

/* Bring pending extended state into the frame before user code runs. */
static void
xstate_load(struct stub_cpu *sc)
{
	uint8_t *x = frame_xstate(sc);
	const uint8_t *from = sc->xbuf != NULL ? sc->xbuf : sc->sm->xtemplate;

	if (x == NULL || (sc->xbuf == NULL && !sc->xreset))
		return;
	memcpy(x, from, atomic_load(&sc->sm->xsize));
	free(sc->xbuf);
	sc->xbuf = NULL;
	sc->xreset = false;
}

/* Turn what the stub reports into an event. */
static void
decode_event(struct stub_cpu *sc, struct cpu_event *ev)
{
	struct stub_ctx *c = sc->ctx;
	uint32_t sig = *(volatile uint32_t *)&c->event;
	uint64_t err = sc->frame->err, trapno = sc->frame->trapno;
	int code = *(volatile int32_t *)&c->ev_code;

	memset(ev, 0, sizeof(*ev));
	ev->trapno = (int)trapno;
	ev->err = err;
	if (sig == SIG_INTERRUPT) {
		ev->type = CPU_EV_INTERRUPT;
		atomic_store(&sc->intr, 0);
		return;
	}
	if (sig == SIG_SYS && code == 1 && c->ev_arch == AUDIT_X86_64) {
		ev->type = CPU_EV_SYSCALL;
		sc->ct->tf.orig_rax = (uint32_t)c->ev_syscall;
		sc->ct->tf.rcx = sc->ct->tf.rip;
		sc->ct->tf.r11 = sc->ct->tf.rflags;
		return;
	}
	/* With SI_KERNEL, trapno is that of an earlier fault. */
	if ((sig == SIG_SEGV || sig == SIG_BUS) && trapno == 14 && code > 0 &&
	    code < SI_KERNEL_CODE) {
		ev->type = CPU_EV_FAULT;
		ev->addr = sc->frame->cr2;
		ev->access = err & 0x10 ? VM_PROT_EXECUTE
			     : err & 2  ? VM_PROT_WRITE
					: VM_PROT_READ;
		return;
	}
	ev->type = CPU_EV_EXCEPTION;
	if (sig != SIG_ILL && sig != SIG_TRAP && sig != SIG_FPE &&
	    sig != SIG_BUS) {
		/* #GP, int $0x80 from 64-bit code, or nonsense. */
		ev->signo = SIG_SEGV;
		ev->code = SI_KERNEL_CODE;
		return;
	}
	ev->signo = (int)sig;
	ev->code = code;
	ev->addr = c->ev_addr;
}

/* ---- binding ---- */

static void
publish_pid(struct stub_cpu *sc, int pid)
{
	kmutex_lock(&sc->intr_lock);
	sc->pid = pid;
	kmutex_unlock(&sc->intr_lock);
}

static void
stub_leave(struct cpu_thread *ct)
{
	struct stub_cpu *sc = ct->md;

	if (current_cpu == sc) {
		stub_place_leave(sc);
		current_cpu = NULL;
	}
}

static void
stub_unbind(struct cpu_thread *ct)
{
	struct stub_cpu *sc = ct->md;
	struct stub *last;

	stub_leave(ct);
	if (sc->pmap == NULL)
		return;
	publish_pid(sc, 0);
	last = stub_pmap_unbind(sc);
	sc->pmap = NULL;
	sc->stub = NULL;
	sc->ctx = NULL;
	sc->frame = NULL;
	if (last != NULL)
		stub_kill(last);
}

/* Bound to a context that has parked: find its frame, take it over. */
static int
take_context(struct stub_cpu *sc, bool fresh)
{
	int error;

	sc->tid = sc->stub->tid[sc->idx];
	stub_place_bind(sc);
	wait_event(sc, true);
	if (atomic_load(&sc->stub->dead) ||
	    atomic_load(&sc->ctx->state) != CTX_EVENT)
		return (stub_broken(sc));
	error = frame_locate(sc);
	if (error != 0)
		return (error);
	if (!fresh)
		sc->xreset = true;
	sc->ctx->fsgsbase = sc->sm->fsgsbase;
	sc->bases_dirty = true;
	publish_pid(sc, sc->stub->pid);
	return (0);
}

static int
bind_once(struct stub_cpu *sc, struct pmap *pm, bool *fresh)
{
	struct stub *s = NULL;
	bool used;
	int error;

	*fresh = false;

	error = stub_pmap_bind(sc, pm, NULL, &used);
	if (error == ENOENT) {
		error = stub_get(sc->sm, &s);
		if (error != 0)
			return (error);
		error = stub_pmap_bind(sc, pm, s, &used);
		if (!used)
			stub_kill(s);
	}
	if (error != 0)
		return (error);
	*fresh = s != NULL && used;
	error = take_context(sc, *fresh);
	if (error != 0)
		stub_unbind(sc->ct);
	return (error);
}

/* A stub that died before it was used is nobody's fault: one more try. */
static int
stub_bind(struct stub_cpu *sc, struct pmap *pm)
{
	bool fresh;
	int error;

	error = bind_once(sc, pm, &fresh);
	if (error == ECHILD && fresh)
		error = bind_once(sc, pm, &fresh);
	return (error);
}

/*
 * Move to a fresh stub: registers are in tf, extended state comes along.
 * Without one the old stub is emptied, which is slower and as good.
 */
static int
move_stub(struct stub_cpu *sc)
{
	const uint32_t xsize = atomic_load(&sc->sm->xsize);
	const uint8_t *from = frame_xstate(sc);
	struct stub *s = NULL, *old;
	uint8_t *x;

	if (from == NULL)
		return (stub_broken(sc));
	if (sc->xbuf == NULL && !sc->xreset) {
		x = malloc(xsize);
		if (x != NULL) {
			memcpy(x, from, xsize);
			sc->xbuf = x;
		}
	}
	if ((sc->xbuf != NULL || sc->xreset) && stub_get(sc->sm, &s) != 0)
		s = NULL;
	if (s != NULL)
		publish_pid(sc, 0);
	old = stub_pmap_replace(sc, s);
	if (old == NULL)
		return (0);
	sc->frame = NULL;
	stub_retire(old);
	return (take_context(sc, true));
}

/* ---- cpu_ops ---- */

static int
stub_thread_create(struct cpu_thread *ct)
{
	struct stub_cpu *sc = calloc(1, sizeof(*sc));

	if (sc == NULL)
		return (ENOMEM);
	sc->ct = ct;
	sc->sm = ct->machine;
	sc->xreset = true;
	sc->kcpu = sc->scpu = sc->user_cpu = -1;
	kmutex_init(&sc->intr_lock, "cpu interrupt", KRANK_LEAF, 0);
	ct->md = sc;
	return (0);
}

static void
stub_thread_destroy(struct cpu_thread *ct)
{
	struct stub_cpu *sc = ct->md;

	stub_unbind(ct);
	kmutex_destroy(&sc->intr_lock);
	free(sc->xbuf);
	free(sc);
	ct->md = NULL;
}

static void
stub_interrupt(struct cpu_thread *ct)
{
	struct stub_cpu *sc = ct->md;

	atomic_store(&sc->intr, 1);
	if (atomic_load(&sc->in_user) == 0)
		return;
	kmutex_lock(&sc->intr_lock);
	if (sc->pid != 0 && atomic_load(&sc->in_user) != 0)
		host_tgkill(sc->pid, sc->tid, SIG_INTERRUPT);
	kmutex_unlock(&sc->intr_lock);
}

/* What user code made of its trip.  EAGAIN: nothing to report, go again. */
static int
run_result(struct stub_cpu *sc, struct cpu_event *ev)
{
	int error;

	if (stub_event(sc) == EV_OPFAIL) {
		/* User code has not run: its registers are in tf, and the
		 * segment bases are still to be loaded. */
		sc->bases_dirty = true;
		stub_pmap_reset(sc);
		error = stub_op_failed(sc);
		return (error != 0 ? error : EAGAIN);
	}
	sc->opfails = 0;
	error = frame_locate(sc);
	if (error != 0)
		return (error);
	frame_load(sc);
	decode_event(sc, ev);
	if (ev->type == CPU_EV_FAULT && trunc_page(ev->addr) != sc->refill_va &&
	    pmap_refill(sc->pmap, ev->addr, ev->access)) {
		sc->refill_va = trunc_page(ev->addr);
		return (EAGAIN);
	}
	sc->refill_va = 0;
	return (0);
}

/* One trip to user code.  EAGAIN: nothing to report, go again. */
static int
run_once(struct stub_cpu *sc, struct cpu_event *ev)
{
	int error = 0;

	if (sc->frame == NULL || atomic_load(&sc->stub->dead))
		return (ECHILD);
	if (stub_pmap_wants_fresh(sc)) {
		error = move_stub(sc);
		if (error != 0)
			return (error);
	}
	atomic_store(&sc->in_user, 1);
	if (atomic_exchange(&sc->intr, 0) != 0) {
		atomic_store(&sc->in_user, 0);
		memset(ev, 0, sizeof(*ev));
		ev->type = CPU_EV_INTERRUPT;
		return (0);
	}
	while (!stub_pmap_enter_user(sc)) {
		/* A third party may have asked for a fresh stub since. */
		error =
		    stub_pmap_wants_fresh(sc) ? EAGAIN : stub_pmap_flush(sc);
		if (error != 0) {
			atomic_store(&sc->in_user, 0);
			return (error);
		}
	}
	frame_store(sc);
	xstate_load(sc);
	error = stub_command(sc, CMD_RESUME);
	atomic_store(&sc->in_user, 0);
	stub_pmap_leave_user(sc);
	return (error != 0 ? error : run_result(sc, ev));
}

static int
stub_run(struct cpu_thread *ct, struct pmap *pm, struct cpu_event *ev)
{
	struct stub_cpu *sc = ct->md;
	int error = 0;

	if (sc->pmap != pm) {
		stub_unbind(ct);
		error = stub_bind(sc, pm);
	}
	if (error == 0) {
		current_cpu = sc;
		do
			error = run_once(sc, ev);
		while (error == EAGAIN);
	}
	if (error == ECHILD) {
		memset(ev, 0, sizeof(*ev));
		ev->type = CPU_EV_DEAD;
		error = 0;
	}
	return (error);
}

/* Have pc's parked thread make one more thread; its context becomes idle. */
static int
make_thread(struct stub_cpu *pc)
{
	struct stub_pmap *sp = pc->pmap->md;
	struct stub *s = pc->stub;
	struct stub_op *op = (struct stub_op *)((char *)pc->ctx + CTX_OPS_OFF);
	int error = EAGAIN, tid = 0;
	uint32_t idx;

	kmutex_lock(&sp->flush);
	idx = atomic_load(&s->nctx);
	if (idx >= CTX_THREADS)
		goto out;
	atomic_store(&stub_ctx_at(s, idx)->state, 0);
	memset(op, 0, sizeof(*op));
	op->op = OP_THREAD;
	op->off = idx;
	pc->ctx->nops = 1;
	error = stub_command(pc, CMD_REPORT);
	if (error == 0 && stub_event(pc) != EV_DONE)
		error = EAGAIN;
	tid = (int)*(volatile uint32_t *)&stub_ctx_at(s, idx)->tid;
	if (error == 0 && (tid <= 0 || host_tgkill(s->pid, tid, 0) != 0))
		error = EAGAIN;
	if (error != 0)
		goto out;
	atomic_store(&s->nctx, idx + 1);
	kmutex_lock(&pc->pmap->lock);
	s->tid[idx] = tid;
	s->idle[idx / 64] |= UINT64_C(1) << (idx % 64);
	kmutex_unlock(&pc->pmap->lock);
out:
	kmutex_unlock(&sp->flush);
	return (error);
}

/*
 * The child will run beside the parent in the same stub: have a thread made
 * for it now, by the parent's parked one, unless an idle one is there.
 */
static int
stub_share(struct cpu_thread *child, struct cpu_thread *parent)
{
	struct stub_cpu *sc = child->md, *pc = parent->md;
	bool used;
	int error;

	if (pc->pmap == NULL || pc->frame == NULL)
		return (EINVAL);
	if (stub_pmap_wants_fresh(pc)) {
		error = move_stub(pc);
		if (error != 0)
			return (EAGAIN);
	}
	while ((error = stub_pmap_bind(sc, pc->pmap, NULL, &used)) == EAGAIN) {
		error = make_thread(pc);
		if (error != 0)
			return (EAGAIN);
	}
	if (error == 0)
		error = take_context(sc, false);
	if (error != 0)
		stub_unbind(child);
	/* A borrower does not stay where the parent's thread was. */
	if (current_cpu != pc)
		stub_place_leave(pc);
	return (error == ECHILD ? EAGAIN : error);
}

static int
stub_prepare(struct cpu_thread *ct, struct pmap *pm)
{
	int error = stub_bind(ct->md, pm);

	return (error == ECHILD ? EAGAIN : error);
}

static size_t
stub_xstate_size(struct cpu_thread *ct)
{
	struct stub_cpu *sc = ct->md;

	return (atomic_load(&sc->sm->xsize));
}

/* Where the thread's extended state is now; NULL before any stub ran. */
static const uint8_t *
xstate_where(struct stub_cpu *sc)
{
	if (sc->xbuf != NULL)
		return (sc->xbuf);
	if (sc->frame == NULL || sc->xreset)
		return (sc->sm->xtemplate);
	return (frame_xstate(sc));
}

static int
stub_xstate_get(struct cpu_thread *ct, void *buf, size_t size)
{
	struct stub_cpu *sc = ct->md;
	const uint8_t *x = xstate_where(sc);

	if (x == NULL || size < atomic_load(&sc->sm->xsize))
		return (EINVAL);
	memcpy(buf, x, atomic_load(&sc->sm->xsize));
	return (0);
}

static int
stub_xstate_set(struct cpu_thread *ct, const void *buf, size_t size)
{
	struct stub_cpu *sc = ct->md;
	uint8_t *x;

	if (buf == NULL) {
		free(sc->xbuf);
		sc->xbuf = NULL;
		sc->xreset = true;
		return (0);
	}
	if (size == 0 || size != atomic_load(&sc->sm->xsize))
		return (EINVAL);
	x = malloc(size);
	if (x == NULL)
		return (ENOMEM);
	memcpy(x, buf, size);
	/* The software-reserved bytes tell the host the size: ours only. */
	memcpy(x + 464, sc->sm->xtemplate + 464, 48);
	if (size > 516)
		memcpy(x + size - 4, sc->sm->xtemplate + size - 4, 4);
	free(sc->xbuf);
	sc->xbuf = x;
	sc->xreset = false;
	return (0);
}

static int
stub_xstate_copy(struct cpu_thread *dst, struct cpu_thread *src)
{
	struct stub_cpu *sc = dst->md;
	const uint8_t *x;

	x = xstate_where(src->md);
	if (x == NULL)
		return (stub_xstate_set(dst, NULL, 0));
	return (stub_xstate_set(dst, x, atomic_load(&sc->sm->xsize)));
}

static uint64_t
stub_vdso(void *machine)
{
	return (((struct stub_machine *)machine)->vdso);
}

const struct cpu_ops cpu_stub_ops = {
    .name = "stub",
    .thread_create = stub_thread_create,
    .thread_destroy = stub_thread_destroy,
    .run = stub_run,
    .interrupt = stub_interrupt,
    .unbind = stub_unbind,
    .leave = stub_leave,
    .share = stub_share,
    .prepare = stub_prepare,
    .xstate_size = stub_xstate_size,
    .xstate_get = stub_xstate_get,
    .xstate_set = stub_xstate_set,
    .xstate_copy = stub_xstate_copy,
    .vdso = stub_vdso,
};
